//! Deciding about drift instead of undoing it: accepted into the record under the lock, or set aside with a reason.

use std::path::PathBuf;

use crate::domain::graph::build::Graph;
use crate::domain::ids::Address;
use crate::domain::plan::build::{Aside, NOTHING_ASIDE, PlanInput};
use crate::domain::plan::model::{PlanRequest, Purpose};
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::domain::report::accept::accept;
use crate::domain::report::drift::{drift, everything};
use crate::domain::report::ignored::{
    Amendment, Ignored, decide, known, live, not_ignored, take_back, unknown,
};
use crate::engine::damage::replaceable;
use crate::engine::discover::{Found, discover, observe};
use crate::engine::held::{Place, under_lock};
use crate::engine::keeper::Keeper;
use crate::engine::lock_history::StateDeed;
use crate::engine::lock_report::who;
use crate::engine::reconcile::EngineError;
use crate::formats;
use crate::ports::clock::Clock;
use crate::ports::disk::Disk;
use crate::ports::process::Processes;
use crate::ports::provider::Provider;
use crate::ports::world::World;

/// Largest list of decisions that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// Carries a decision out and says what was done, one line each.
pub(super) async fn amend<W: World>(
    at: &Place<'_, W>,
    project: &Project,
    amendment: &Amendment,
) -> Result<Vec<String>, EngineError> {
    let world = at.world;
    match amendment {
        Amendment::Accept { address, path } => {
            accept_drift(at, project, address, path.as_deref()).await
        }
        Amendment::Ignore {
            address,
            path,
            reason,
            until,
        } => {
            check_known(world, project, address).await?;
            let now = world.clock().wall();
            let decision = Ignored {
                address: address.clone(),
                path: path.clone(),
                reason: reason.clone(),
                by: who(&world.processes().me()),
                at: now,
                until: *until,
            };
            let mut all = ignored(world, project)?;
            let subject = decision.subject();
            decide(&mut all, decision, now);
            save(world, project, &all)?;
            Ok(vec![format!("{subject} is ignored")])
        }
        Amendment::Unignore { address, path } => {
            let mut all = ignored(world, project)?;
            let back = take_back(&mut all, address, path.as_deref());
            if back.is_empty() {
                let refusal = not_ignored(&all, address, path.as_deref());
                return Err(EngineError::Refused(refusal));
            }
            save(world, project, &all)?;
            let told = back
                .iter()
                .map(|one| format!("{} counts again", one.subject()));
            Ok(told.collect())
        }
    }
}

/// Refuses an address that nobody has: not the file, not the record, nothing that is live.
async fn check_known<W: World>(
    world: &W,
    project: &Project,
    address: &Address,
) -> Result<(), EngineError> {
    let mut all = known(project, None);
    if all.contains(address) {
        return Ok(());
    }
    let keeper = Keeper::open(world, &project.scope()).await?;
    all.extend(known(project, keeper.record()));
    if all.contains(address) {
        return Ok(());
    }
    // A platform that does not answer shows nothing that could be meant.
    if let Ok(found) = observe(world, project).await {
        all.extend(live(&found));
    }
    if all.contains(address) {
        return Ok(());
    }
    Err(EngineError::Refused(unknown(address, &all)))
}

/// Reads what is ignored; expired decisions are still among it.
pub(super) fn ignored<W: World>(world: &W, project: &Project) -> Result<Vec<Ignored>, EngineError> {
    let file = place(project);
    let unreadable = |problem: String| {
        let location = world.disk().shown(&file).display().to_string();
        EngineError::BadState {
            hint: format!(
                "which drift is ignored is not known: mend it, or move it away and decide anew, `mv {location} {location}.broken`"
            ),
            location,
            problem,
        }
    };
    let bytes = world.disk().read(&file, LIMIT);
    let Some(bytes) = bytes.map_err(|error| unreadable(cause(&error)))? else {
        return Ok(Vec::new());
    };
    formats::ignored::decode(&bytes).map_err(|error| unreadable(error.to_string()))
}

/// Refuses to restore everything while nobody knows what of it somebody decided to live with.
pub(super) fn check_decided<W: World>(
    world: &W,
    project: &Project,
    request: &PlanRequest,
) -> Result<(), EngineError> {
    if request.purpose == Purpose::Restore && request.targets.is_empty() {
        ignored(world, project)?;
    }
    Ok(())
}

/// Returns the last of an error's causes: what is wrong, the rest says only where.
fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), cause)
}

/// Returns the fields that are ignored now; a list that cannot be read sets nothing aside.
pub(super) fn aside<W: World>(world: &W, project: &Project) -> Aside {
    let all = ignored(world, project).unwrap_or_else(|error| {
        tracing::warn!(%error, "nothing is ignored");
        Vec::new()
    });
    let now = world.clock().wall();
    let mut aside = Aside::new();
    for one in all.into_iter().filter(|one| one.holds(now)) {
        if let Some(path) = one.path {
            aside.entry(one.address).or_default().insert(path);
        }
    }
    aside
}

fn save<W: World>(world: &W, project: &Project, all: &[Ignored]) -> Result<(), EngineError> {
    let bytes = formats::ignored::encode(all);
    world
        .disk()
        .replace(&place(project), &bytes)
        .map_err(|error| EngineError::Store(Box::new(error)))
}

fn place(project: &Project) -> PathBuf {
    PathBuf::from(format!("ignored.{}", project.state_name()))
}

async fn accept_drift<W: World>(
    at: &Place<'_, W>,
    project: &Project,
    address: &Address,
    path: Option<&str>,
) -> Result<Vec<String>, EngineError> {
    let world = at.world;
    under_lock(at, project, ("drift accept", false), async |held| {
        let stored = replaceable(world, &project.scope()).await?;
        let found = discover(world, project, true).await?;
        let (mut record, told) = accepted(world, project, &found, (address, path))?;
        record.fence = record.fence.max(held.lease.epoch());
        let deed = StateDeed {
            act: "accept",
            found: format!("serial {}", record.serial),
            put: format!("serial {}: {}", record.serial.0 + 1, told.join("; ")),
        };
        held.replace(Keeper::anew(stored, record), &deed).await?;
        Ok(told)
    })
    .await
}

fn accepted<W: World>(
    world: &W,
    project: &Project,
    found: &Found,
    subject: (&Address, Option<&str>),
) -> Result<(Record, Vec<String>), EngineError> {
    let Some(known) = found.keeper.record() else {
        return Err(EngineError::Invalid(
            "nothing was deployed here yet, so nothing can have drifted".to_owned(),
        ));
    };
    if !known.pending.is_empty() {
        return Err(EngineError::Invalid(
            "a run before was cut off; `nkapp deploy` finishes it first".to_owned(),
        ));
    }
    let graph = Graph::of(project);
    let request = everything();
    let report = drift(&PlanInput {
        project,
        graph: &graph,
        live: &found.live,
        record: Some(known),
        digests: &found.digests,
        capabilities: world.provider().capabilities(),
        request: &request,
        aside: NOTHING_ASIDE,
    });
    let mut record = known.clone();
    let changes = accept(&mut record, &found.live, &report, subject)
        .map_err(|error| EngineError::Invalid(error.to_string()))?;
    let told = changes.iter().map(|change| {
        let live = change.before.as_deref().unwrap_or("gone");
        format!("{} of {} is recorded as {live}", change.path, subject.0)
    });
    Ok((record, told.collect()))
}

//! Deciding about drift instead of undoing it: accepted into the record under the lock, or set aside with a reason.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::graph::build::Graph;
use crate::domain::ids::Address;
use crate::domain::plan::build::{Aside, NOTHING_ASIDE, PlanInput};
use crate::domain::plan::model::{PlanRequest, Purpose};
use crate::domain::plan::typed::move_away;
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
use crate::ports::disk::{Disk, DiskError};
use crate::ports::process::Processes;
use crate::ports::provider::Provider;
use crate::ports::world::World;

/// Largest list of decisions that is read, in bytes.
const LIMIT: u64 = 1 << 20;
/// How long a change is tried when others change the list as well.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause between two such tries.
const TRY_AGAIN: Duration = Duration::from_millis(5);

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
            let subject = decision.subject();
            change(world, project, |all| {
                decide(all, decision.clone(), now);
                Ok(vec![format!("{subject} is ignored")])
            })
            .await
        }
        Amendment::Unignore { address, path } => {
            change(world, project, |all| {
                let back = take_back(all, address, path.as_deref());
                if back.is_empty() {
                    let refusal = not_ignored(all, address, path.as_deref());
                    return Err(EngineError::Refused(refusal));
                }
                let told = back
                    .iter()
                    .map(|one| format!("{} counts again", one.subject()));
                Ok(told.collect())
            })
            .await
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
    let bytes = stored(world, project)?;
    decoded(world, project, bytes.as_deref())
}

fn stored<W: World>(world: &W, project: &Project) -> Result<Option<Vec<u8>>, EngineError> {
    let bytes = world.disk().read(&place(project), LIMIT);
    bytes.map_err(|error| unreadable(world, project, cause(&error)))
}

fn decoded<W: World>(
    world: &W,
    project: &Project,
    bytes: Option<&[u8]>,
) -> Result<Vec<Ignored>, EngineError> {
    let Some(bytes) = bytes else {
        return Ok(Vec::new());
    };
    formats::ignored::decode(bytes).map_err(|error| unreadable(world, project, error.to_string()))
}

fn unreadable<W: World>(world: &W, project: &Project, problem: String) -> EngineError {
    let location = world.disk().shown(&place(project)).display().to_string();
    let away = move_away(&location);
    EngineError::BadState {
        hint: format!(
            "which drift is ignored is not known: mend it, or move it away and decide anew, `{away}`"
        ),
        next: Some(away),
        location,
        problem,
    }
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

/// Changes the list: what somebody else decides meanwhile is kept, and the change made to that.
async fn change<W: World>(
    world: &W,
    project: &Project,
    mut decide: impl FnMut(&mut Vec<Ignored>) -> Result<Vec<String>, EngineError>,
) -> Result<Vec<String>, EngineError> {
    let file = place(project);
    let until = world.clock().boot().after(PATIENCE);
    loop {
        let before = stored(world, project)?;
        let mut all = decoded(world, project, before.as_deref())?;
        let told = decide(&mut all)?;
        let bytes = formats::ignored::encode(&all);
        let put = world.disk().replace_if(&file, before.as_deref(), &bytes);
        if put.map_err(|error| EngineError::Store(Box::new(error)))? {
            return Ok(told);
        }
        if world.clock().boot() >= until {
            let text = "others have been changing it for ten seconds";
            return Err(EngineError::Store(Box::new(DiskError {
                action: "write",
                path: world.disk().shown(&file),
                source: std::io::Error::new(std::io::ErrorKind::TimedOut, text),
            })));
        }
        world.clock().sleep(TRY_AGAIN).await;
    }
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

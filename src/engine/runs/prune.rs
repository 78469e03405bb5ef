//! Lets old runs go: those that are too many or too old, and nobody needs any more.

use std::collections::BTreeSet;
use std::path::Path;

use crate::domain::event::{Event, EventKind, RunOutcome};
use crate::domain::history::keep::{self, Standing};
use crate::domain::ids::{ResourceKind, RunId, Scope};
use crate::domain::plan::model::Purpose;
use crate::domain::project::project::Retention;
use crate::engine::emit::journal_of;
use crate::engine::keeper::Keeper;
use crate::engine::runs::{FOLDER, LIMIT, ids};
use crate::formats::event::{self, decode_line};
use crate::formats::journal as intents;
use crate::ports::clock::Clock;
use crate::ports::disk::Disk;
use crate::ports::world::World;

/// Intents of runs that are not settled.
const JOURNALS: &str = "journal";

/// Removes runs that are too many or too old, whole: outputs first, the events last, so that one cut off in the
/// middle is found again. Never the run that asks, one with open intents, one whose procedure is unfinished, or one
/// that may be under way. Failing at it is no failure of a run, and another process may be doing the same.
pub(in crate::engine) async fn prune<W: World>(
    world: &W,
    (rule, scope): (&Retention, &Scope),
    own: &RunId,
) {
    let Ok(ids) = ids(world) else {
        return;
    };
    let ids: Vec<RunId> = ids.into_iter().map(RunId).collect();
    let now = world.clock().wall();
    let restorations = restorations(world, &ids, rule).await;
    let mut old = keep::old(&ids, &restorations, (rule, now));
    old.retain(|run| *run != own);
    if old.is_empty() {
        return;
    }
    let flows = Unfinished::of(world, scope).await;
    for run in old {
        if !keep::may_go(run, standing(world, run, &flows), now) {
            continue;
        }
        let folder = Path::new(FOLDER).join(run.as_str());
        // Where a link was planted nothing is listed through it, and it is the link that goes.
        for file in world.disk().list(&folder).unwrap_or_default() {
            remove(world, &folder.join(file));
        }
        remove(world, &folder);
        remove(world, &Path::new(JOURNALS).join(run.as_str()));
        remove(world, &journal_of(run));
    }
}

/// Tells which runs only put something back. Where nothing is too many nobody needs to know, and nothing is read.
async fn restorations<W: World>(world: &W, ids: &[RunId], rule: &Retention) -> BTreeSet<RunId> {
    let mut found = BTreeSet::new();
    if ids.len() <= rule.keep {
        return found;
    }
    for run in ids {
        let Ok(Some(bytes)) = world.disk().read(&journal_of(run), LIMIT) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let begun = text.lines().next().and_then(decode_line);
        if let Some(EventKind::RunStarted { command, .. }) = begun.map(|event| event.kind)
            && command == Purpose::Restore.as_str()
        {
            found.insert(run.clone());
        }
        tokio::task::yield_now().await;
    }
    found
}

/// The runs whose procedures are unfinished.
struct Unfinished<'s> {
    scope: &'s Scope,
    /// Those of this scope; `None` when its record cannot be read.
    runs: Option<BTreeSet<RunId>>,
}

impl<'s> Unfinished<'s> {
    async fn of<W: World>(world: &W, scope: &'s Scope) -> Self {
        let keeper = Keeper::open(world, scope).await.ok();
        let runs = keeper.map(|keeper| {
            let flows = keeper
                .record()
                .into_iter()
                .flat_map(|one| one.flows.values());
            flows
                .filter_map(|flow| Some(flow.last.as_ref()?.run.clone()))
                .collect()
        });
        Self { scope, runs }
    }

    /// Asks the record where that is at hand. Of another environment's run only its own events are known: it stays
    /// when it was at a procedure and did not end well, until its own environment lets it go.
    fn holds(&self, run: &RunId, text: &str) -> bool {
        let ours = text
            .lines()
            .filter(|line| event::kind_of(line) == "plan_made")
            .find_map(event::glance)
            .is_none_or(|glance| glance.scope == *self.scope);
        match &self.runs {
            Some(runs) if ours => runs.contains(run),
            Some(_) | None => stopped_in_a_procedure(text),
        }
    }
}

fn stopped_in_a_procedure(text: &str) -> bool {
    let of = |kind: &'static str| {
        let lines = text
            .lines()
            .filter(move |line| event::kind_of(line) == kind);
        lines.filter_map(decode_line)
    };
    let procedure = |event: Event| event.address.map(|at| at.kind) == Some(ResourceKind::Procedure);
    let well = |event: Event| {
        matches!(
            event.kind,
            EventKind::RunFinished {
                outcome: RunOutcome::Ok,
                ..
            }
        )
    };
    of("action_started").any(procedure) && !of("run_finished").any(well)
}

/// What cannot be read counts as what must stay.
fn standing<W: World>(world: &W, run: &RunId, flows: &Unfinished<'_>) -> Standing {
    // One without a whole line announced nothing: who began it was killed before.
    let open = match world
        .disk()
        .read(&Path::new(JOURNALS).join(run.as_str()), LIMIT)
    {
        Ok(Some(bytes)) => intents::decode(&bytes).map_or(true, |read| !read.lines.is_empty()),
        Ok(None) => false,
        Err(_) => true,
    };
    let (ended, resumable) = match world.disk().read(&journal_of(run), LIMIT) {
        Ok(Some(bytes)) => {
            let text = String::from_utf8_lossy(&bytes);
            let mut lines = text.lines();
            let ended = lines.any(|line| event::kind_of(line) == "run_finished");
            (ended, flows.holds(run, &text))
        }
        Ok(None) => (true, false),
        Err(_) => (false, true),
    };
    Standing {
        ended,
        open,
        resumable,
    }
}

fn remove<W: World>(world: &W, path: &Path) {
    if let Err(error) = world.disk().remove(path, false) {
        tracing::debug!(%error, "an old run could not be removed");
    }
}

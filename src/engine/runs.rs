//! Past runs: their ids, their journals, their summaries, and how many are kept.

use std::path::{Path, PathBuf};

use crate::domain::event::{Event, EventKind, StepOutcome};
use crate::domain::ids::RunId;
use crate::domain::report::RunSummary;
use crate::engine::emit::journal_of;
use crate::engine::reconcile::EngineError;
use crate::formats::event::decode_line;
use crate::formats::text::{hex, rfc3339};
use crate::ports::clock::Clock;
use crate::ports::disk::Disk;
use crate::ports::random::Random;
use crate::ports::world::World;

/// Runs whose events and output are kept.
const KEPT: usize = 100;
/// Longest journal of a run that is read, in bytes.
const LIMIT: u64 = 256 << 20;
const FOLDER: &str = "runs";
const ENDING: &str = ".jsonl";

/// Makes the id of a new run: its start to the second, so that ids sort by time, and something nobody else has.
pub(super) fn new_run_id<W: World>(world: &W) -> RunId {
    let mut salt = [0; 4];
    world.random().fill(&mut salt);
    let at: String = rfc3339(world.clock().wall())
        .chars()
        .filter(char::is_ascii_digit)
        .take(14)
        .collect();
    let (day, time) = at.split_at_checked(8).unwrap_or((&at, ""));
    RunId(format!("{day}-{time}-{}", hex(&salt)))
}

/// Lists past runs, newest first.
pub(super) fn list<W: World>(world: &W) -> Result<Vec<RunSummary>, EngineError> {
    let mut runs = Vec::new();
    for name in ids(world)?.into_iter().rev() {
        let run = RunId(name);
        if let Some(summary) = summary(run.clone(), &events(world, &run)?) {
            runs.push(summary);
        }
    }
    Ok(runs)
}

/// Reads the events of a run; torn lines and unknown kinds are left out.
pub(super) fn events<W: World>(world: &W, run: &RunId) -> Result<Vec<Event>, EngineError> {
    let bytes = world
        .disk()
        .read(&journal_of(run), LIMIT)
        .map_err(|error| EngineError::Store(Box::new(error)))?;
    let Some(bytes) = bytes else {
        return Err(EngineError::Invalid(format!(
            "there is no run {run}; `nkapp run list` shows those there are"
        )));
    };
    Ok(String::from_utf8_lossy(&bytes)
        .lines()
        .filter_map(decode_line)
        .collect())
}

/// Removes the oldest runs beyond those that are kept. Failing at it is no failure of a run.
pub(super) fn prune<W: World>(world: &W) {
    let Ok(ids) = ids(world) else {
        return;
    };
    let excess = ids.len().saturating_sub(KEPT);
    for run in ids.iter().take(excess) {
        let folder = Path::new(FOLDER).join(run);
        for file in world.disk().list(&folder).unwrap_or_default() {
            remove(world, &folder.join(file));
        }
        remove(world, &folder);
        remove(world, &journal_of(&RunId(run.clone())));
    }
}

fn remove<W: World>(world: &W, path: &Path) {
    if let Err(error) = world.disk().remove(path) {
        tracing::debug!(%error, "an old run could not be removed");
    }
}

/// Returns the ids of all runs with a journal, oldest first.
fn ids<W: World>(world: &W) -> Result<Vec<String>, EngineError> {
    let names = world
        .disk()
        .list(&PathBuf::from(FOLDER))
        .map_err(|error| EngineError::Store(Box::new(error)))?;
    Ok(names
        .iter()
        .filter_map(|name| name.strip_suffix(ENDING))
        .map(str::to_owned)
        .collect())
}

fn summary(run_id: RunId, events: &[Event]) -> Option<RunSummary> {
    let first = events.first()?;
    let EventKind::RunStarted { command, who, .. } = &first.kind else {
        return None;
    };
    let mut summary = RunSummary {
        run_id,
        command: command.clone(),
        who: who.clone(),
        started_at: first.at,
        outcome: None,
        duration_ms: None,
        actions: 0,
    };
    for event in events {
        if let EventKind::ActionFinished { outcome, .. } = &event.kind {
            summary.actions += usize::from(*outcome != StepOutcome::Skipped);
        }
        if let EventKind::RunFinished {
            outcome, duration, ..
        } = &event.kind
        {
            summary.outcome = Some(outcome.as_str().to_owned());
            summary.duration_ms = u64::try_from(duration.as_millis()).ok();
        }
    }
    Some(summary)
}

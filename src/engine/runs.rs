//! Past runs: their ids, their journals and their summaries; `prune` lets old ones go.

mod prune;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::domain::event::{Event, EventKind, RunOutcome, StepOutcome, Stream};
use crate::domain::history::keep::began;
use crate::domain::ids::{RunId, Scope, StepId};
use crate::domain::refusal::Refusal;
use crate::domain::report::{RunSummary, Usual};
use crate::domain::time::Wall;
use crate::engine::emit::journal_of;
use crate::engine::output::file_of;
use crate::engine::reconcile::{EngineError, OutputLine};
use crate::formats::event::{self, decode_line};
use crate::formats::text::{hex, rfc3339};
use crate::ports::clock::Clock;
use crate::ports::disk::Disk;
use crate::ports::random::Random;
use crate::ports::world::World;

pub(super) use prune::prune;

/// Longest journal of a run that is read, in bytes.
const LIMIT: u64 = 256 << 20;
/// How much is read at most to learn how long steps usually take, in bytes.
const LEARNED: u64 = 64 << 20;
const FOLDER: &str = "runs";
const ENDING: &str = ".jsonl";

/// Makes the id of a new run: something nobody else has, behind the time of its start.
pub(super) fn new_run_id<W: World>(world: &W) -> RunId {
    let mut salt = [0; 4];
    world.random().fill(&mut salt);
    run_id(world.clock().wall(), salt)
}

/// Writes `20261121-140309-0071b2c3`: the start to the millisecond, so that ids sort by time, and five random digits.
fn run_id(at: Wall, salt: [u8; 4]) -> RunId {
    let mut digits = rfc3339(at);
    digits.retain(|c| c.is_ascii_digit());
    let (day, rest) = digits.split_at_checked(8).unwrap_or((&digits, ""));
    let (time, ms) = rest.split_at_checked(6).unwrap_or((rest, ""));
    let salt: String = hex(&salt).chars().skip(3).collect();
    RunId(format!("{day}-{time}-{ms}{salt}"))
}

/// Lists past runs, newest first. One whose journal cannot be read is listed as damaged, and hides no other.
pub(super) async fn list<W: World>(world: &W) -> Result<Vec<RunSummary>, EngineError> {
    let mut runs = Vec::new();
    for name in ids(world)?.into_iter().rev() {
        let run = RunId(name);
        match world.disk().read(&journal_of(&run), LIMIT) {
            Ok(Some(bytes)) => runs.push(summary(&run, &bytes).unwrap_or_else(|| {
                let why = unreadable(&bytes);
                damaged(world, run, why)
            })),
            Ok(None) => {}
            Err(error) => {
                let why = format!("it cannot be read: {}", error.source);
                runs.push(damaged(world, run, &why));
            }
        }
        // Reading blocks; whatever else waits goes on between two journals.
        tokio::task::yield_now().await;
    }
    Ok(runs)
}

fn damaged<W: World>(world: &W, run: RunId, why: &str) -> RunSummary {
    let why = format!("{}: {why}", shown(world, &run));
    let at = began(&run).unwrap_or(Wall(0));
    RunSummary::damaged(run, at, why)
}

fn shown<W: World>(world: &W, run: &RunId) -> String {
    world.disk().shown(&journal_of(run)).display().to_string()
}

/// Says why nothing can be told of a run by its journal.
fn unreadable(bytes: &[u8]) -> &'static str {
    let text = String::from_utf8_lossy(bytes);
    if text.trim().is_empty() {
        "it is empty"
    } else if text.lines().all(|line| decode_line(line).is_none()) {
        "no line of it can be read"
    } else {
        "the line that tells what was begun is missing"
    }
}

/// Learns how long steps usually take from the last successful runs of a project and environment. What cannot
/// be read is left out, and not more is read than is good for everything else.
pub(super) async fn usual<W: World>(world: &W, scope: &Scope) -> Usual {
    let mut runs = Vec::new();
    let mut budget = LEARNED;
    for name in ids(world).unwrap_or_default().into_iter().rev() {
        if runs.len() >= Usual::RUNS {
            break;
        }
        let run = RunId(name);
        let path = journal_of(&run);
        // One that is too long for what is left says nothing; a shorter one behind it may.
        let Ok(Some(bytes)) = world.disk().read(&path, budget) else {
            continue;
        };
        budget = budget.saturating_sub(bytes.len() as u64);
        let steps = durations(&bytes, scope).filter(|steps| !steps.is_empty());
        runs.extend(steps.map(|steps| (run, steps)));
        tokio::task::yield_now().await;
    }
    Usual::remembering(runs)
}

/// Returns how long each step took; `None` for a run that did not end well, or is of another environment.
fn durations(bytes: &[u8], scope: &Scope) -> Option<BTreeMap<StepId, Duration>> {
    let text = String::from_utf8_lossy(bytes);
    let mut began: BTreeMap<StepId, Wall> = BTreeMap::new();
    let mut steps = BTreeMap::new();
    let (mut ours, mut well) = (false, false);
    for line in text.lines() {
        match event::kind_of(line) {
            "plan_made" => ours = event::glance(line)?.scope == *scope,
            "step_started" | "step_finished" | "run_finished" => {
                let Some(event) = decode_line(line) else {
                    continue;
                };
                match (event.kind, event.step) {
                    (EventKind::StepStarted, Some(step)) => {
                        began.entry(step).or_insert(event.at);
                    }
                    (EventKind::StepFinished { outcome, .. }, Some(step)) => {
                        let from = began.get(&step).filter(|_| outcome == StepOutcome::Done);
                        let took = from.and_then(|from| event.at.0.checked_sub(from.0));
                        if let Some(took) = took.and_then(|ms| u64::try_from(ms).ok()) {
                            steps.insert(step, Duration::from_millis(took));
                        }
                    }
                    (EventKind::RunFinished { outcome, .. }, _) => well = outcome == RunOutcome::Ok,
                    _ => {}
                }
            }
            _ => {}
        }
    }
    (ours && well).then_some(steps)
}

/// Returns the last run here that finished something of a project and environment. Only the newest are looked at.
pub(super) async fn changed_something<W: World>(world: &W, scope: &Scope) -> Option<RunId> {
    const LOOKED_AT: usize = 20;
    let mut budget = LEARNED;
    let newest = ids(world).unwrap_or_default().into_iter().rev();
    for run in newest.take(LOOKED_AT).map(RunId) {
        if let Ok(Some(bytes)) = world.disk().read(&journal_of(&run), budget) {
            budget = budget.saturating_sub(bytes.len() as u64);
            if finished_something(&bytes, scope) {
                return Some(run);
            }
        }
        tokio::task::yield_now().await;
    }
    None
}

fn finished_something(bytes: &[u8], scope: &Scope) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut ours = false;
    text.lines().any(|line| match event::kind_of(line) {
        "plan_made" => {
            ours = event::glance(line).is_some_and(|glance| glance.scope == *scope);
            false
        }
        "action_finished" if ours => {
            let kind = decode_line(line).map(|event| event.kind);
            matches!(
                kind,
                Some(EventKind::ActionFinished {
                    outcome: StepOutcome::Done,
                    ..
                })
            )
        }
        _ => false,
    })
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
    let text = String::from_utf8_lossy(&bytes);
    let events: Vec<Event> = text.lines().filter_map(decode_line).collect();
    if events.is_empty() {
        let why = unreadable(&bytes);
        let problem = format!("{}: {why}", shown(world, run));
        return Err(EngineError::Refused(Refusal::new(problem)));
    }
    Ok(events)
}

/// Sends the whole output of a step line by line, at the reader's pace.
pub(super) async fn step_output<W: World>(
    world: &W,
    run: &RunId,
    step: &StepId,
    lines: mpsc::Sender<OutputLine>,
) -> Result<(), EngineError> {
    let bytes = world
        .disk()
        .read(&file_of(run, step), LIMIT)
        .map_err(|error| EngineError::Store(Box::new(error)))?;
    let Some(bytes) = bytes else {
        return Err(EngineError::Invalid(format!(
            "there is no output of {step} in run {run}; of old runs it is removed"
        )));
    };
    for text in String::from_utf8_lossy(&bytes).lines() {
        let line = OutputLine {
            source: step.to_string(),
            stream: Stream::Stdout,
            text: text.to_owned(),
        };
        if lines.send(line).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Returns the ids of all runs with a journal, oldest first.
pub(super) fn ids<W: World>(world: &W) -> Result<Vec<String>, EngineError> {
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

fn summary(run: &RunId, bytes: &[u8]) -> Option<RunSummary> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let first = lines.find_map(decode_line)?;
    let EventKind::RunStarted {
        command,
        who,
        trace_id,
        ..
    } = first.kind
    else {
        return None;
    };
    let mut summary = RunSummary {
        run_id: run.clone(),
        command,
        who,
        started_at: first.at,
        outcome: None,
        duration_ms: None,
        actions: 0,
        failed: 0,
        warnings: 0,
        env: None,
        changes: None,
        exit_code: None,
        message: None,
        trace_id,
        forecast: None,
        damage: None,
    };
    for line in lines {
        match event::kind_of(line) {
            "plan_made" => {
                if let Some(glance) = event::glance(line) {
                    summary.env = Some(glance.scope.env.to_string());
                    summary.changes = Some(glance.summary);
                }
            }
            "warning" => summary.warnings += 1,
            "action_finished" | "run_finished" => {
                if let Some(event) = decode_line(line) {
                    ended(&mut summary, event.kind);
                }
            }
            _ => {}
        }
    }
    Some(summary)
}

fn ended(summary: &mut RunSummary, kind: EventKind) {
    match kind {
        EventKind::ActionFinished { outcome, .. } => {
            summary.actions += usize::from(outcome != StepOutcome::Skipped);
            let bad = matches!(outcome, StepOutcome::Failed | StepOutcome::Unknown);
            summary.failed += usize::from(bad);
        }
        EventKind::RunFinished {
            outcome,
            duration,
            exit_code,
            message,
            // Counted line by line, as they are in older journals and in those without an end.
            warnings: _,
            forecast,
        } => {
            summary.forecast = forecast;
            summary.outcome = Some(outcome.as_str().to_owned());
            summary.duration_ms = u64::try_from(duration.as_millis()).ok();
            summary.exit_code = Some(exit_code);
            summary.message = message;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;

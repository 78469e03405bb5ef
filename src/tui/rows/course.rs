//! Questions about a run: whose step is this, which one is under way, which one to look at, how far is it.

use crate::domain::event::StepOutcome;
use crate::domain::history::view::RunView;
use crate::domain::ids::{Address, StepId};
use crate::tui::rows::row::{Cell, Timer};
use crate::tui::theme::Tone;

/// Tells whether a step belongs to a resource.
#[must_use]
pub fn belongs(step: &StepId, address: &Address) -> bool {
    step.as_str()
        .strip_prefix(&address.to_string())
        .is_some_and(|rest| rest.starts_with(['[', '/']))
}

/// Finds the step of a resource that is under way, as a remark with its time.
#[must_use]
pub fn current_step(run: &RunView, address: &Address) -> Option<(Cell, Option<Timer>)> {
    let (id, view) = run
        .steps_of(address)
        .filter(|(_, view)| view.started.is_some() && view.outcome.is_none())
        .max_by_key(|(_, view)| view.started)?;
    let own = id
        .as_str()
        .strip_prefix(&address.to_string())
        .unwrap_or_default()
        .trim_start_matches('/')
        .replacen("]/", "] ", 1);
    let text = match &view.progress {
        Some(progress) => format!("{own} {}", progress_text(progress)),
        None => own,
    };
    Some((Cell::new(text, Tone::Busy), view.started.map(Timer::Since)))
}

/// Finds the row to look at: what failed first, else what began last.
#[must_use]
pub fn focus(run: &RunView) -> Option<StepId> {
    let failed = run
        .steps
        .iter()
        .filter(|(_, view)| {
            matches!(
                view.outcome,
                Some(StepOutcome::Failed | StepOutcome::Unknown)
            )
        })
        .min_by_key(|(_, view)| view.finished);
    let latest = || {
        run.steps
            .iter()
            .filter(|(_, view)| view.started.is_some() && view.outcome.is_none())
            .max_by_key(|(_, view)| view.started)
    };
    failed.or_else(latest).map(|(id, _)| id.clone())
}

/// Counts actions that are done, and actions of the run in all; what failed or was skipped is not done.
#[must_use]
pub fn progress(run: &RunView) -> (usize, usize) {
    let total = run.plan.as_ref().map_or(run.actions.len(), |plan| {
        plan.actions.iter().filter(|a| !a.is_noop()).count()
    });
    let done = run
        .actions
        .values()
        .filter(|action| action.outcome == Some(StepOutcome::Done))
        .count();
    (done.min(total), total)
}

/// Says how far a step is: `12 of 40 MB`.
#[must_use]
pub fn progress_text((done, total, unit): &(u64, Option<u64>, String)) -> String {
    let (done, total, unit) = if unit == "bytes" {
        let mega = |bytes: u64| format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10);
        (mega(*done), total.map(mega), "MB")
    } else {
        (
            done.to_string(),
            total.map(|t| t.to_string()),
            unit.as_str(),
        )
    };
    match total {
        Some(total) => format!("{done} of {total} {unit}"),
        None => format!("{done} {unit}"),
    }
}

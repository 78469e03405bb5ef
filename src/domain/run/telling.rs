//! The words of a run: causes of actions that were not done, the result as a whole, events about steps.

use std::time::Duration;

use crate::domain::event::{EventKind, RunOutcome, StepOutcome};
use crate::domain::plan::model::Step;
use crate::domain::run::course::{StepRun, StepState};
use crate::domain::run::machine::Machine;
use crate::domain::run::order::{EventDraft, RunResult, StepRef, Turn};

impl Machine {
    /// Finds the words for an action that was not done.
    pub(super) fn cause(&self, index: usize, outcome: StepOutcome) -> Option<String> {
        if outcome == StepOutcome::Done {
            return None;
        }
        let run = self.actions.get(index)?;
        let action = self.plan.actions.get(index)?;
        if outcome == StepOutcome::Skipped {
            // Nothing went wrong; how far it came is what whoever goes on from here wants to know.
            let mut done = run
                .steps
                .iter()
                .zip(&action.steps)
                .filter(|(step, _)| step.state == StepState::Over(StepOutcome::Done));
            return Some(match done.next_back() {
                Some((_, planned)) => format!("stopped after {}", short_name(planned)),
                None => "stopped before its first step was done".to_owned(),
            });
        }
        let found = run
            .steps
            .iter()
            .zip(&action.steps)
            .find(|(step, _)| step.state == StepState::Over(outcome) && step.message.is_some());
        match found {
            Some((step, planned)) => {
                let name = short_name(planned);
                Some(format!(
                    "{name}: {}",
                    step.message.as_deref().unwrap_or_default()
                ))
            }
            None => Some("the run was stopped before its end".to_owned()),
        }
    }

    pub(super) fn result(&self) -> RunResult {
        let bad = self
            .ends
            .values()
            .any(|end| matches!(end.outcome, StepOutcome::Failed | StepOutcome::Unknown));
        let skipped = self
            .ends
            .values()
            .any(|end| end.outcome == StepOutcome::Skipped);
        let outcome = if self.halt.is_some() && (self.cut_short || bad) {
            RunOutcome::Cancelled
        } else if bad || skipped {
            RunOutcome::Failed
        } else {
            RunOutcome::Ok
        };
        RunResult {
            outcome,
            ends: self.ends.clone(),
        }
    }

    pub(super) fn warn(&self, at: StepRef, turn: &mut Turn) {
        let Some((_, step)) = self.planned(at) else {
            return;
        };
        let message = self
            .actions
            .get(at.action)
            .and_then(|run| run.steps.get(at.step))
            .and_then(|step| step.message.clone())
            .unwrap_or_default();
        let text = format!("{} failed, which only warns: {message}", step.id);
        self.tell(at, None, EventKind::Warning { text }, turn);
    }

    pub(super) fn tell(&self, at: StepRef, attempt: Option<u32>, kind: EventKind, turn: &mut Turn) {
        if let Some((action, step)) = self.planned(at) {
            turn.events.push(EventDraft {
                address: Some(action.address.clone()),
                step: Some(step.id.clone()),
                attempt,
                kind,
            });
        }
    }
}

/// Says that a step was not begun.
pub(super) fn skipped() -> EventKind {
    EventKind::StepFinished {
        outcome: StepOutcome::Skipped,
        exit_code: None,
        duration: Duration::ZERO,
        log: None,
        message: None,
    }
}

/// Returns what stands behind the slash of a step's id.
fn short_name(step: &Step) -> &str {
    let id = step.id.as_str();
    id.rsplit_once('/').map_or(id, |(_, name)| name)
}

/// A failure outweighs an unknown end, an unknown end outweighs a step that was not begun.
pub(super) fn outcome_of(steps: &[StepRun]) -> StepOutcome {
    let has = |outcome| {
        steps
            .iter()
            .any(|step| step.state == StepState::Over(outcome))
    };
    if has(StepOutcome::Failed) {
        StepOutcome::Failed
    } else if has(StepOutcome::Unknown) {
        StepOutcome::Unknown
    } else if has(StepOutcome::Skipped) {
        StepOutcome::Skipped
    } else {
        StepOutcome::Done
    }
}

//! What is read of a past run: where its time went, and what went wrong.

use std::time::Duration;

use crate::domain::event::{Event, EventKind, Stage, StepOutcome};
use crate::domain::history::path::{self, Leg};
use crate::domain::history::view::RunView;
use crate::domain::ids::StepId;
use crate::domain::time::Wall;

/// What the events of a past run tell.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// The run as it stood at its end, without output.
    pub view: RunView,
    /// How long each stage took.
    pub stages: Vec<(Stage, Duration)>,
    /// Steps that failed: exit code and what went wrong.
    pub failed: Vec<(StepId, Option<i64>, String)>,
    /// Its critical path.
    pub legs: Vec<Leg>,
    /// How many events it has.
    pub events: usize,
}

impl Details {
    /// Reads the events of a run.
    #[must_use]
    pub fn of(events: &[Event]) -> Self {
        let told = events.iter().filter(|event| !is_line(event));
        let view = RunView::replay(told).unwrap_or_default();
        let failed = view
            .steps
            .iter()
            .filter(|(_, step)| {
                let bad = [StepOutcome::Failed, StepOutcome::Unknown];
                step.outcome.is_some_and(|outcome| bad.contains(&outcome))
            })
            .map(|(id, step)| {
                let message = step.message.clone().unwrap_or_default();
                (id.clone(), step.exit_code, message)
            })
            .collect();
        Self {
            stages: stages(events),
            failed,
            legs: path::legs(&view),
            events: events.len(),
            view,
        }
    }
}

fn is_line(event: &Event) -> bool {
    matches!(event.kind, EventKind::Log { .. })
}

/// A stage lasts until the next one begins, the last one until the last event.
fn stages(events: &[Event]) -> Vec<(Stage, Duration)> {
    let mut begun: Vec<(Stage, Wall)> = Vec::new();
    for event in events {
        if let EventKind::StageStarted { stage } = event.kind {
            begun.push((stage, event.at));
        }
    }
    let last = events.last().map(|event| event.at);
    let ends = begun.iter().skip(1).map(|(_, at)| *at).chain(last);
    begun
        .iter()
        .zip(ends)
        .map(|((stage, from), to)| (*stage, between(*from, to)))
        .collect()
}

fn between(from: Wall, to: Wall) -> Duration {
    Duration::from_millis(u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0))
}

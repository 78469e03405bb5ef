//! Past runs as the panel knows them: the list, what was read of one, what is asked for, two of them compared.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::app::snapshot::{RunView, Snapshot};
use crate::domain::event::{Event, EventKind, Stage, StepOutcome};
use crate::domain::ids::{RunId, StepId};
use crate::domain::report::RunSummary;
use crate::domain::time::Wall;
use crate::tui::logs::open::Output;
use crate::tui::model::{Area, Model};
use crate::tui::timeline::compare::Comparison;
use crate::tui::timeline::path::{self, Leg};
use crate::tui::words::between;

/// What the events of a past run are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// To say more of it.
    Details,
    /// To set it beside another one.
    Compare,
    /// To play it again.
    Replay,
}

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
        let mut fold = Snapshot::default();
        for event in events.iter().filter(|event| !is_line(event)) {
            fold.apply_event(event);
        }
        let view = fold.run.unwrap_or_default();
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

/// Past runs.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The list, newest first, once it was read.
    pub runs: Option<Arc<Vec<RunSummary>>>,
    /// Whether the list was asked for since it may have changed.
    pub asked: bool,
    /// Why there is no list.
    pub problem: Option<String>,
    /// What was read of single runs.
    pub details: BTreeMap<RunId, Arc<Details>>,
    /// Runs whose events are awaited.
    pub wanted: BTreeMap<RunId, Want>,
    /// The older and the newer of two runs that are being compared.
    pub pair: Option<(RunId, RunId)>,
    /// What came of it.
    pub comparison: Option<Arc<Comparison>>,
}

impl History {
    /// How many runs are remembered in detail.
    const REMEMBERED: usize = 32;

    /// Finds a run of the list.
    #[must_use]
    pub fn run(&self, id: &RunId) -> Option<&RunSummary> {
        self.runs.as_ref()?.iter().find(|run| run.run_id == *id)
    }

    /// Returns the last run of the list that ended.
    #[must_use]
    pub fn last_ended(&self) -> Option<&RunSummary> {
        let ended = |run: &&RunSummary| run.outcome.is_some();
        let runs = self.runs.as_ref()?;
        runs.iter().filter(ended).max_by_key(|run| run.started_at)
    }

    /// Remembers what was read of a run; of many, the newest stay.
    pub fn remember(&mut self, id: RunId, details: Arc<Details>) {
        self.details.insert(id, details);
        while self.details.len() > Self::REMEMBERED {
            self.details.pop_first();
        }
    }
}

impl Model {
    /// Returns the run the run area shows: the one that is replayed, else the session's own.
    #[must_use]
    pub fn shown_run(&self) -> Option<&RunView> {
        match &self.replay {
            Some(replay) => replay.view(),
            None => self.snapshot.run.as_ref(),
        }
    }
    /// Returns the time in the run that is shown: now, or the moment that is replayed.
    #[must_use]
    pub fn run_now(&self) -> Wall {
        self.replay.as_ref().map_or(self.now, |replay| replay.now())
    }

    /// Tells whether a replay goes on where it can be seen.
    #[must_use]
    pub fn plays(&self) -> bool {
        let playing = self
            .replay
            .as_ref()
            .is_some_and(|replay| replay.is_playing());
        playing && self.area == Area::Run
    }
    /// Returns how many milliseconds are between two ticks while the screen shows a running time.
    #[must_use]
    pub fn beat_ms(&self) -> i64 {
        if self.plays() { 100 } else { 1_000 }
    }

    /// Returns the output of the session's own run, also while a replay is on show.
    pub fn live_output(&mut self) -> &mut Output {
        self.parked.as_mut().unwrap_or(&mut self.output)
    }
}

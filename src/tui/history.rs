//! Past runs as the panel knows them: the list, what was read of one, what is asked for, two of them compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::history::compare::Comparison;
use crate::domain::history::details::Details;
use crate::domain::history::view::RunView;
use crate::domain::ids::RunId;
use crate::domain::report::{RunSummary, Usual};
use crate::domain::time::Wall;
use crate::tui::logs::open::Output;
use crate::tui::model::{Area, Model};

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
        let ended = |run: &&RunSummary| run.outcome.is_some() && run.damage.is_none();
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

/// How long steps usually took before a run began.
#[derive(Clone, Debug)]
pub struct Before {
    /// The run.
    run: RunId,
    /// What is known now, of which this is a part.
    all: Arc<Usual>,
    /// What was known then.
    usual: Usual,
}

impl Model {
    /// Returns how long steps usually took before the shown run began; it is not measured by itself.
    #[must_use]
    pub fn usual_before(&self) -> Option<&Usual> {
        self.before.as_ref().map(|before| &before.usual)
    }

    /// Keeps what is usual in step with the run that is shown.
    pub fn look_before(&mut self) {
        let run = self.shown_run().map(|run| run.run_id.clone());
        let wanted = run.zip(self.snapshot.usual.clone());
        let Some((run, all)) = wanted else {
            self.before = None;
            return;
        };
        let known = self.before.as_ref();
        if known.is_none_or(|known| known.run != run || !Arc::ptr_eq(&known.all, &all)) {
            let usual = all.before(&run);
            self.before = Some(Before { run, all, usual });
        }
    }

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

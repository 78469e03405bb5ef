//! One run as its events tell it, under way or past: what every front end shows of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::event::{Origin, StepOutcome};
use crate::domain::ids::{Address, RunId, StepId, TraceId};
use crate::domain::plan::forecast::{Forecast, Prediction};
use crate::domain::plan::model::{ActionKind, Plan};
use crate::domain::time::Wall;

/// State of one step of the run on show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepView {
    /// When it was first said to wait, if it was.
    pub queued: Option<Wall>,
    /// When it started, if it did.
    pub started: Option<Wall>,
    /// When it ended, if it did.
    pub finished: Option<Wall>,
    /// How it ended.
    pub outcome: Option<StepOutcome>,
    /// What it waits for.
    pub waits_for: Vec<String>,
    /// Attempt under way or last.
    pub attempt: u32,
    /// Progress: done, total, unit.
    pub progress: Option<(u64, Option<u64>, String)>,
    /// Exit code of its command.
    pub exit_code: Option<i64>,
    /// File with its whole output.
    pub log: Option<String>,
    /// What went wrong.
    pub message: Option<String>,
}

/// State of one action of the run on show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionView {
    /// What it does.
    pub kind: ActionKind,
    /// When it started.
    pub started: Wall,
    /// When it ended, if it did.
    pub finished: Option<Wall>,
    /// How it ended.
    pub outcome: Option<StepOutcome>,
    /// The address that caused a skip.
    pub blame: Option<Address>,
    /// What went wrong.
    pub message: Option<String>,
}

/// A lock that somebody else holds and the run, or a step of it, waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockWait {
    /// Who holds it, in a word.
    pub who: String,
    /// Since when this one is waited for.
    pub since: Wall,
}

/// The run on show: under way, or the last one. Its output is not here: who shows it keeps it from the events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunView {
    /// Its id.
    pub run_id: RunId,
    /// Command word.
    pub command: String,
    /// Who runs it.
    pub who: String,
    /// What it was begun with.
    pub origin: Origin,
    /// Its trace.
    pub trace_id: TraceId,
    /// When it began.
    pub started: Wall,
    /// When and how it ended: time, outcome word, exit code, message.
    pub finished: Option<(Wall, String, u8, Option<String>)>,
    /// Stage it is in.
    pub stage: String,
    /// The plan it carries out.
    pub plan: Option<Arc<Plan>>,
    /// How long that was thought to take.
    pub prediction: Option<Prediction>,
    /// How far off that was, once it ended well.
    pub forecast: Option<Forecast>,
    /// Actions that started.
    pub actions: BTreeMap<Address, ActionView>,
    /// Steps that were queued or started.
    pub steps: BTreeMap<StepId, StepView>,
    /// Locks that are waited for, by the step that waits; the run itself under an empty name.
    pub locks: BTreeMap<String, LockWait>,
    /// Health by instance address (`service.api[0]`): word and detail.
    pub health: BTreeMap<String, (String, String)>,
    /// Remarks.
    pub warnings: Vec<String>,
}

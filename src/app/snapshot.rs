//! The fold of all notices: the only state a front end shows.
//!
//! The types stand here; how a notice or an event changes them stands in `fold.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app::notice::{Hydrated, Link};
use crate::domain::event::{StepOutcome, Stream};
use crate::domain::ids::{Address, RunId, StepId};
use crate::domain::lease::LockReport;
use crate::domain::plan::model::{ActionKind, Plan};
use crate::domain::report::{DriftReport, StatusReport};
use crate::domain::time::Wall;

/// State of one step of the run on show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepView {
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

/// One line of output of the run on show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: Wall,
    /// Step it belongs to.
    pub step: Option<StepId>,
    /// Stream.
    pub stream: Stream,
    /// The line, sanitised and redacted.
    pub text: String,
}

/// The run on show: under way, or the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunView {
    /// Its id.
    pub run_id: RunId,
    /// Command word.
    pub command: String,
    /// When it began.
    pub started: Wall,
    /// When and how it ended: time, outcome word, exit code, message.
    pub finished: Option<(Wall, String, u8, Option<String>)>,
    /// Stage it is in.
    pub stage: String,
    /// The plan it carries out.
    pub plan: Option<Arc<Plan>>,
    /// Actions that started.
    pub actions: BTreeMap<Address, ActionView>,
    /// Steps that were queued or started.
    pub steps: BTreeMap<StepId, StepView>,
    /// Last lines of output, at most [`Snapshot::LOG_LINES`].
    pub log: std::collections::VecDeque<LogLine>,
    /// Lines that were dropped from the front.
    pub log_dropped: u64,
    /// Health by instance address (`service.api[0]`): word and detail.
    pub health: BTreeMap<String, (String, String)>,
    /// Remarks.
    pub warnings: Vec<String>,
}

/// Everything a front end shows, as of one moment. Cheap to clone: big parts are shared.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The file.
    pub config: Option<Arc<Hydrated>>,
    /// The platform.
    pub link: Link,
    /// The last plan.
    pub plan: Option<Arc<Plan>>,
    /// Why that plan does not fit any more.
    pub plan_stale: Option<String>,
    /// How things stand.
    pub status: Option<Arc<StatusReport>>,
    /// What drifted.
    pub drift: Option<Arc<DriftReport>>,
    /// The lock.
    pub lock: Option<Arc<LockReport>>,
    /// The run on show.
    pub run: Option<RunView>,
    /// Remarks outside of runs, newest last, at most 100.
    pub remarks: Vec<(Wall, String)>,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            config: None,
            link: Link::Connecting,
            plan: None,
            plan_stale: None,
            status: None,
            drift: None,
            lock: None,
            run: None,
            remarks: Vec::new(),
        }
    }
}

impl Snapshot {
    /// How many lines of output the run on show keeps in memory; the whole is on disk.
    pub const LOG_LINES: usize = 10_000;
    /// How many remarks outside of runs are kept.
    pub const REMARKS: usize = 100;
}

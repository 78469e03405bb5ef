//! The vocabulary of a run. Nothing else may reach a screen, a log or a trace.
//!
//! Events are facts in the past tense. The panel, the command line, the run journal and later the trace
//! exporter all fold the same stream; so a recorded run can be played again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::flow::FlowRun;
use crate::domain::ids::{Address, PlanId, RunId, SpanId, StepId, TraceId};
use crate::domain::lease::{Holder, Verdict};
use crate::domain::plan::forecast::{Forecast, Prediction};
use crate::domain::plan::model::{ActionKind, Change, Plan};
use crate::domain::time::Wall;
use std::sync::Arc;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunOutcome {
    /// Everything was done.
    Ok,
    /// Something failed.
    Failed,
    /// An operator stopped it.
    Cancelled,
    /// It was not begun: lock held, plan stale, guard.
    Refused,
}

impl RunOutcome {
    /// Returns the word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
        }
    }
}

/// How an action or a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepOutcome {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Not begun, because of something else.
    Skipped,
    /// Begun, and nobody knows how it ended; the next run looks.
    Unknown,
}

impl StepOutcome {
    /// Returns the word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a line of output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// The platform itself (pull and build progress).
    Engine,
}

impl Stream {
    /// Returns the word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Engine => "engine",
        }
    }
}

/// Big parts of a run, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Taking the lock.
    Lock,
    /// Settling operations an earlier run left open.
    Settle,
    /// Looking at the world.
    Observe,
    /// Comparing.
    Plan,
    /// Carrying out.
    Execute,
    /// Saving and releasing.
    Finish,
}

impl Stage {
    /// Returns the word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Settle => "settle",
            Self::Observe => "observe",
            Self::Plan => "plan",
            Self::Execute => "execute",
            Self::Finish => "finish",
        }
    }
}

/// What a run was begun with, for whoever reads its history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Version of `nkapp`; empty in journals of before it was said.
    pub version: String,
    /// What was asked for besides the command, by name: services, schedule, force.
    pub inputs: BTreeMap<String, String>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A run began.
    RunStarted {
        /// Command word.
        command: String,
        /// `user@host`.
        who: String,
        /// Trace of the run.
        trace_id: TraceId,
        /// Span of somebody else's that the run belongs below.
        parent: Option<SpanId>,
        /// Approved plan, if there was one already.
        plan_id: Option<PlanId>,
        /// What it was begun with.
        origin: Origin,
    },
    /// A run ended; always the last event of a run.
    RunFinished {
        /// How.
        outcome: RunOutcome,
        /// Exit code of the command.
        exit_code: u8,
        /// How long it took.
        duration: Duration,
        /// What went wrong, one line, if something did.
        message: Option<String>,
        /// How many warnings there were on the way.
        warnings: u64,
        /// How far off the prediction was, if there was one and the run ended well.
        forecast: Option<Forecast>,
    },
    /// A stage began.
    StageStarted {
        /// Which.
        stage: Stage,
    },
    /// A plan was made.
    PlanMade {
        /// The plan.
        plan: Arc<Plan>,
        /// How long it will probably take, if past runs tell.
        prediction: Option<Prediction>,
        /// Earlier runs whose unfinished procedures it goes on with.
        resumes: Vec<FlowRun>,
    },
    /// A layer began.
    LayerStarted {
        /// Its number, from 0.
        layer: usize,
        /// What is in it.
        addresses: Vec<Address>,
    },
    /// An action began.
    ActionStarted {
        /// What it does.
        kind: ActionKind,
        /// Why.
        reason: String,
    },
    /// An action ended.
    ActionFinished {
        /// How.
        outcome: StepOutcome,
        /// How long it took.
        duration: Duration,
        /// The address that caused a skip.
        blame: Option<Address>,
        /// What went wrong, one line and the details below it.
        message: Option<String>,
    },
    /// A step waits.
    StepQueued {
        /// For what: a step, an address, or `worker`.
        waits_for: Vec<String>,
    },
    /// A step began.
    StepStarted,
    /// A step got on.
    StepProgress {
        /// Units done.
        done: u64,
        /// Units in all, if known.
        total: Option<u64>,
        /// `bytes`, `steps`, `s`, or a short remark.
        unit: String,
    },
    /// A step ended.
    StepFinished {
        /// How.
        outcome: StepOutcome,
        /// Exit code of a command.
        exit_code: Option<i64>,
        /// How long it took.
        duration: Duration,
        /// File with its whole output, relative to the project.
        log: Option<String>,
        /// What went wrong, one line and the details below it.
        message: Option<String>,
    },
    /// A line of output; sanitised and redacted.
    Log {
        /// From where.
        stream: Stream,
        /// The line; while it is fresh it may have colours, see [`uncoloured`].
        text: String,
    },
    /// The health of an instance changed.
    HealthChanged {
        /// Before.
        from: String,
        /// Now.
        to: String,
        /// Last probe output or cause.
        detail: String,
    },
    /// The lock's verdict or holder changed (also a provisioning lock that a step waits for).
    LockChanged {
        /// Verdict.
        verdict: Verdict,
        /// Holder, if one.
        holder: Option<Holder>,
        /// What it is about, when it is not the infrastructure lock.
        detail: Option<String>,
    },
    /// A resource differs from what was recorded.
    DriftFound {
        /// How.
        changes: Vec<Change>,
    },
    /// A resource does not differ any more.
    DriftCleared,
    /// The project file or one it reads changed.
    ConfigChanged,
    /// A remark.
    Warning {
        /// The remark.
        text: String,
    },
}

impl Event {
    /// Returns how many bytes of output it carries: only lines of output can fill a backlog.
    #[must_use]
    pub fn output(&self) -> usize {
        if let EventKind::Log { text, .. } = &self.kind {
            text.len()
        } else {
            0
        }
    }
}

impl EventKind {
    /// Returns the word in JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run_started",
            Self::RunFinished { .. } => "run_finished",
            Self::StageStarted { .. } => "stage_started",
            Self::PlanMade { .. } => "plan_made",
            Self::LayerStarted { .. } => "layer_started",
            Self::ActionStarted { .. } => "action_started",
            Self::ActionFinished { .. } => "action_finished",
            Self::StepQueued { .. } => "step_queued",
            Self::StepStarted => "step_started",
            Self::StepProgress { .. } => "step_progress",
            Self::StepFinished { .. } => "step_finished",
            Self::Log { .. } => "log",
            Self::HealthChanged { .. } => "health_changed",
            Self::LockChanged { .. } => "lock_changed",
            Self::DriftFound { .. } => "drift_found",
            Self::DriftCleared => "drift_cleared",
            Self::ConfigChanged => "config_changed",
            Self::Warning { .. } => "warning",
        }
    }
}

/// One event with its stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, by our clock.
    pub at: Wall,
    /// Run it belongs to; `None` outside of runs.
    pub run_id: Option<RunId>,
    /// Position in the run, or in the process outside of runs.
    pub seq: u64,
    /// Resource it is about.
    pub address: Option<Address>,
    /// Step it is about.
    pub step: Option<StepId>,
    /// Attempt of the step, from 1.
    pub attempt: Option<u32>,
    /// What happened.
    pub kind: EventKind,
}

/// Returns a line of output without its colours: without every well-formed `ESC [ 1;31 m`.
#[must_use]
pub fn uncoloured(line: &str) -> Cow<'_, str> {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().unwrap_or_default();
    if first.len() == line.len() {
        return Cow::Borrowed(line);
    }
    let mut plain = first.to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != ';');
        match end.and_then(|end| part.get(end..)?.strip_prefix('m')) {
            Some(rest) => plain.push_str(rest),
            None => {
                plain.push_str("\u{1b}[");
                plain.push_str(part);
            }
        }
    }
    Cow::Owned(plain)
}

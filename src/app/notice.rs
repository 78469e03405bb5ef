//! Everything a front end hears.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app::command::Ticket;
use crate::app::failure::Failure;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::event::{Event, RunOutcome};
use crate::domain::ids::{Address, ProviderId};
use crate::domain::lease::LockReport;
use crate::domain::live::LiveSubject;
use crate::domain::place::Sources;
use crate::domain::plan::model::Plan;
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::domain::report::ignored::Ignored;
use crate::domain::report::install::InstallReport;
use crate::domain::report::store::{LockHistory, StoreReport};
use crate::domain::report::worker::{Leadership, WorkerReport};
use crate::domain::report::{DriftReport, RunSummary, StatusReport, Usual};
use crate::domain::time::Wall;
use crate::domain::usage::{Probed, Usage};
pub use crate::engine::reconcile::{OutputLine, UnlockEnd};

/// A file as it was loaded: a project, or the reasons why there is none.
#[derive(Clone, Debug)]
pub struct Hydrated {
    /// The project, when no diagnostic is an error.
    pub project: Option<Arc<Project>>,
    /// Layers of the graph, networks and volumes included; empty without a project.
    pub layers: Vec<Vec<Address>>,
    /// Findings.
    pub diagnostics: Vec<Diagnostic>,
    /// Texts they refer to.
    pub sources: Arc<Sources>,
}

/// What the platform reported, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When it was heard.
    pub at: Wall,
    /// What: `service.api[0] ended with 137`.
    pub text: String,
    /// Whether a run of this session was under way, so that it may be our own doing.
    pub in_run: bool,
}

/// How the platform is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Not tried yet.
    Connecting,
    /// It answers; its description.
    Up(String),
    /// It does not; why.
    Down(String),
}

/// News for a front end.
#[derive(Clone, Debug)]
pub enum Notice {
    /// An event, of a run or outside of one.
    Event(Event),
    /// The file was loaded (again).
    Config(Arc<Hydrated>),
    /// The platform came or went.
    Link(Link),
    /// The session's own look failed although the platform answers, or it works again.
    Trouble(Option<Arc<Failure>>),
    /// A plan was made; `ticket` is `None` for the session's own re-planning.
    Planned {
        /// Whose wish it was.
        ticket: Option<Ticket>,
        /// The plan.
        plan: Arc<Plan>,
        /// Where it was saved.
        saved_at: Option<String>,
    },
    /// The platform reported a change of something of ours.
    Heard(Heard),
    /// The shown plan does not fit the world or the file any more.
    PlanStale {
        /// What moved.
        why: String,
    },
    /// How everything stands.
    Status {
        /// Whose wish it was, if anybody's.
        ticket: Option<Ticket>,
        /// The report.
        report: Arc<StatusReport>,
    },
    /// What drifted.
    Drift {
        /// Whose wish it was, if anybody's.
        ticket: Option<Ticket>,
        /// The report.
        report: Arc<DriftReport>,
    },
    /// How long steps usually take.
    Usual(Arc<Usual>),
    /// What is thought of the lock.
    Lock {
        /// Whose wish it was, if anybody's.
        ticket: Option<Ticket>,
        /// The report.
        report: Arc<LockReport>,
        /// Whether more will follow for this ticket.
        watching: bool,
    },
    /// What was done with the lock.
    LockHistory {
        /// Whose wish it was.
        ticket: Ticket,
        /// All that is remembered.
        history: Arc<LockHistory>,
    },
    /// What came of an unlock.
    Unlocked {
        /// Whose wish it was.
        ticket: Ticket,
        /// What came of it.
        end: UnlockEnd,
    },
    /// The record.
    Record {
        /// Whose wish it was.
        ticket: Ticket,
        /// The record, if there is one.
        record: Option<Arc<Record>>,
    },
    /// Past runs.
    Runs {
        /// Whose wish it was.
        ticket: Ticket,
        /// Newest first.
        runs: Arc<Vec<RunSummary>>,
    },
    /// Events of a past run.
    RunEvents {
        /// Whose wish it was.
        ticket: Ticket,
        /// In their order.
        events: Arc<Vec<Event>>,
    },
    /// What instances on the screen use.
    Usage {
        /// Each instance that runs, with its use.
        samples: Arc<Vec<(LiveSubject, Usage)>>,
    },
    /// The last probes of the instances of the service that is looked at closely.
    Probes {
        /// By instance, the newest last.
        probes: Arc<BTreeMap<ProviderId, Vec<Probed>>>,
    },
    /// The state as it is stored.
    Stored {
        /// Whose wish it was.
        ticket: Ticket,
        /// The report.
        report: Arc<StoreReport>,
    },
    /// The installations into shared volumes.
    Installs {
        /// Whose wish it was.
        ticket: Ticket,
        /// One for each service that asks for one.
        reports: Arc<Vec<InstallReport>>,
    },
    /// A decision about drift was carried out.
    Amended {
        /// Whose wish it was.
        ticket: Ticket,
        /// What was done, one line each.
        lines: Vec<String>,
    },
    /// The drift that is ignored.
    Ignored {
        /// Whose wish it was.
        ticket: Ticket,
        /// Expired decisions among it.
        all: Arc<Vec<Ignored>>,
    },
    /// A look of the session's own ended well: what was told before holds until the next one.
    Looked,
    /// Whether this worker leads.
    Leadership(Leadership),
    /// The workers of this project, as they tell themselves.
    Workers(Arc<Vec<WorkerReport>>),
    /// Output of logs and exec.
    Output {
        /// Whose wish it was.
        ticket: Ticket,
        /// The line.
        line: OutputLine,
    },
    /// Output lines that were dropped because the reader was slow.
    OutputLost {
        /// Whose wish it was.
        ticket: Ticket,
        /// How many.
        lines: u64,
    },
    /// A wish was fulfilled.
    Done {
        /// Whose.
        ticket: Ticket,
        /// Exit code of an exec, outcome of a run.
        end: End,
    },
    /// A wish was refused or failed.
    Failed {
        /// Whose; `None` for the session's own doing.
        ticket: Option<Ticket>,
        /// Why.
        failure: Failure,
    },
}

impl Notice {
    /// Tells whether it changes the snapshot; what does not is only heard.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        match self {
            Self::Event(_)
            | Self::Config(_)
            | Self::Link(_)
            | Self::Trouble(_)
            | Self::Planned { .. }
            | Self::PlanStale { .. }
            | Self::Status { .. }
            | Self::Drift { .. }
            | Self::Lock { .. }
            | Self::Heard(_)
            | Self::Workers(_)
            | Self::Usual(_) => true,
            Self::Unlocked { .. }
            | Self::LockHistory { .. }
            | Self::Record { .. }
            | Self::Runs { .. }
            | Self::RunEvents { .. }
            | Self::Usage { .. }
            | Self::Probes { .. }
            | Self::Stored { .. }
            | Self::Installs { .. }
            | Self::Looked
            | Self::Amended { .. }
            | Self::Ignored { .. }
            | Self::Leadership(_)
            | Self::Output { .. }
            | Self::OutputLost { .. }
            | Self::Done { .. }
            | Self::Failed { .. } => false,
        }
    }
}

/// How a wish ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing more to say.
    Plain,
    /// A run ended so.
    Run(RunOutcome),
    /// A command in a service ended with this code.
    Exit(i64),
}

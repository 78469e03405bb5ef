//! Everything a front end hears.

use std::sync::Arc;

use crate::app::command::Ticket;
use crate::app::failure::Failure;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::event::{Event, RunOutcome};
use crate::domain::ids::Address;
use crate::domain::lease::LockReport;
use crate::domain::place::Sources;
use crate::domain::plan::model::Plan;
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::domain::report::{DriftReport, RunSummary, StatusReport};
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
    /// A plan was made; `ticket` is `None` for the session's own re-planning.
    Planned {
        /// Whose wish it was.
        ticket: Option<Ticket>,
        /// The plan.
        plan: Arc<Plan>,
        /// Where it was saved.
        saved_at: Option<String>,
    },
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
    /// What is thought of the lock.
    Lock {
        /// Whose wish it was, if anybody's.
        ticket: Option<Ticket>,
        /// The report.
        report: Arc<LockReport>,
        /// Whether more will follow for this ticket.
        watching: bool,
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

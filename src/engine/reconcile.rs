//! What the application layer can ask of the engine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::domain::event::{Event, RunOutcome, Stream};
use crate::domain::hint::Hint;
use crate::domain::ids::{Address, LockId, PlanId, ProviderId, RunId, StepId};
use crate::domain::lease::{LockReport, Verdict};
use crate::domain::live::LiveSubject;
use crate::domain::plan::model::{Plan, PlanRequest};
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::domain::refusal::Refusal;
use crate::domain::report::ignored::{Amendment, Ignored};
use crate::domain::report::install::InstallReport;
use crate::domain::report::store::{LockHistory, StoreReport};
use crate::domain::report::worker::Leadership;
use crate::domain::report::{DriftReport, RunSummary, StatusReport, Usual};
use crate::domain::run::options::RunOptions;
use crate::domain::usage::{Counters, Probed};
use crate::ports::secrets::SecretError;

/// Why the engine did not do, or not finish, what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The platform cannot be reached or refused a read.
    #[error("the platform could not be read")]
    Provider(#[source] crate::ports::provider::ProviderError),
    /// Nothing of a service is there whose output, or in which something, was asked for.
    #[error("{subject} is not there")]
    Absent {
        /// Service or instance.
        subject: String,
        /// Whether it was deployed before.
        deployed: bool,
    },
    /// State, lock or journal cannot be read or written.
    #[error("the state could not be read or written")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What was done could not be saved where it belongs. It is kept elsewhere, or in the journal.
    #[error("{location}: the state could not be saved")]
    Unsaved {
        /// Where it belongs.
        location: String,
        /// Where it was written instead.
        kept: Option<std::path::PathBuf>,
        /// How the run ended besides, if not well.
        also: Option<Box<EngineError>>,
        /// Why it could not be saved.
        #[source]
        source: Box<EngineError>,
    },
    /// The state document is damaged, of a newer format, or of another project.
    #[error("{location}: {problem}")]
    BadState {
        /// Which document.
        location: String,
        /// What is wrong with it.
        problem: String,
        /// What to do now, one advice a line.
        hint: String,
        /// The command to begin with, where it is clear what is wanted.
        next: Option<String>,
    },
    /// Somebody else holds the lock.
    #[error("{}", crate::domain::report::lock::held(.0))]
    Locked(Box<LockReport>),
    /// The lock was lost while running; nothing was started after that.
    #[error("the lock was lost: {0}")]
    LockLost(String),
    /// The approved plan does not fit any more.
    #[error("the plan is stale: {0}")]
    StalePlan(String),
    /// The plan would lose data and `--force` was not given.
    #[error("the plan would delete data: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    NeedsForce(Vec<Address>),
    /// A wish that cannot be fulfilled, with what can be done instead.
    #[error("{}", .0.problem)]
    Refused(Refusal),
    /// A request that cannot be carried out as asked.
    #[error("{0}")]
    Invalid(String),
    /// A secret could not be resolved.
    #[error("the secret `{name}` of {address} could not be resolved")]
    Secret {
        /// The first service that takes it.
        address: Address,
        /// Its name there.
        name: String,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// Steps failed; each names resource, cause and the next command. The events have the details.
    #[error("{failed} of {total} actions failed{}", besides(*skipped))]
    StepsFailed {
        /// How many failed, or ended nobody knows how.
        failed: usize,
        /// How many were skipped because of them.
        skipped: usize,
        /// How many there were.
        total: usize,
        /// Cause per failed address, most important first.
        causes: Vec<(Address, String)>,
        /// Secret inputs that failed procedures are given again when they go on.
        owed: BTreeMap<Address, Vec<String>>,
    },
    /// An operator stopped it.
    #[error("interrupted")]
    Interrupted,
}

fn besides(skipped: usize) -> String {
    let skipped = (skipped > 0).then(|| format!(", {skipped} skipped"));
    skipped.unwrap_or_default()
}

impl EngineError {
    /// Tells whether the platform did not answer at all.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        use crate::ports::provider::ProviderError;
        matches!(self, Self::Provider(ProviderError::Unreachable { .. }))
    }
    /// Returns what the side that failed advises, if it said anything.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        match self {
            Self::Provider(crate::ports::provider::ProviderError::Unreachable { hint, .. })
            | Self::BadState { hint, .. } => Some(hint.as_str()).filter(|text| !text.is_empty()),
            Self::Secret { source, .. } => Some(source.way_out()),
            Self::Provider(_)
            | Self::Absent { .. }
            | Self::Store(_)
            | Self::Unsaved { .. }
            | Self::Locked(_)
            | Self::LockLost(_)
            | Self::StalePlan(_)
            | Self::NeedsForce(_)
            | Self::Refused(_)
            | Self::Invalid(_)
            | Self::StepsFailed { .. }
            | Self::Interrupted => None,
        }
    }
}

/// How far an operator wants a run stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Stop {
    /// Not at all.
    #[default]
    Run,
    /// Finish what is under way, start nothing.
    Drain,
    /// Cancel what is under way, settle, save, unlock.
    Cancel,
}

/// A request to change the world.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// What for, and for which services.
    pub plan: PlanRequest,
    /// A plan that was shown and approved, or read from a file; refused if it is stale.
    pub approved: Option<Arc<Plan>>,
    /// Whether data may be deleted.
    pub force: bool,
    /// Schedule and number of workers.
    pub options: RunOptions,
    /// How long to wait for a held lock before giving up; zero: not at all.
    pub lock_wait: Duration,
}

/// How a run ended.
#[derive(Debug)]
pub struct RunEnd {
    /// Its id.
    pub run_id: RunId,
    /// How.
    pub outcome: RunOutcome,
    /// Plan that was carried out, if it came so far.
    pub plan: Option<Arc<Plan>>,
    /// Why it was not [`RunOutcome::Ok`].
    pub error: Option<EngineError>,
}

/// A request to clear a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnlockRequest {
    /// The lock that was looked at; without it, whatever the report found.
    pub lock_id: Option<LockId>,
    /// Version the verdict was about; the unlock replaces exactly this one.
    pub version: Option<String>,
    /// Works on any verdict; needs a reason.
    pub force: bool,
    /// Why, in the operator's words.
    pub reason: Option<String>,
}

/// What came of an unlock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnlockEnd {
    /// It was free already.
    WasFree,
    /// Cleared; the verdict it rested on.
    Cleared(Verdict),
    /// Refused, because of this report.
    Refused(Box<LockReport>),
    /// The record changed between verdict and unlock.
    Changed(Box<LockReport>),
}

/// All that one look tells.
#[derive(Debug)]
pub struct Survey {
    /// How everything stands.
    pub status: StatusReport,
    /// What drifted.
    pub drift: DriftReport,
    /// The plan that was asked for, or why there is none.
    pub plan: Option<Result<Arc<Plan>, EngineError>>,
}

/// A wish to see output of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRequest {
    /// Service.
    pub service: String,
    /// Only this instance.
    pub instance: Option<u32>,
    /// Only so many last lines.
    pub tail: Option<u32>,
    /// Go on with what is written later.
    pub follow: bool,
    /// Start each line with its time.
    pub timestamps: bool,
}

/// A wish to run a command in a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecRequest {
    /// Service.
    pub service: String,
    /// Instance, the first running one if not given.
    pub instance: Option<u32>,
    /// Arguments, the program first.
    pub argv: Vec<String>,
    /// Whether standard input and terminal are handed through.
    pub interactive: bool,
}

/// A piece of output outside of a run: sanitised line with its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputLine {
    /// `service.api[0]`.
    pub source: String,
    /// Stream.
    pub stream: Stream,
    /// The line, without its line break; it may have colours, see [`uncoloured`](crate::domain::event::uncoloured).
    pub text: String,
}

/// The engine as the application sees it. All of it may be called again and again with a newly loaded project.
#[expect(
    async_fn_in_trait,
    reason = "the engine runs on one thread; no Send bound is wanted"
)]
pub trait Reconcile {
    /// Compares and plans; changes nothing.
    async fn plan(
        &self,
        project: &Project,
        request: &PlanRequest,
    ) -> Result<Arc<Plan>, EngineError>;
    /// Takes the lock, plans, checks approval, executes, saves, unlocks. Events go to `events` as they happen.
    async fn run(
        &self,
        project: &Project,
        request: &RunRequest,
        stop: watch::Receiver<Stop>,
        events: mpsc::Sender<Event>,
    ) -> RunEnd;
    /// Looks how everything stands.
    async fn status(&self, project: &Project) -> Result<StatusReport, EngineError>;
    /// Looks once and judges all of it: how everything stands, what drifted, and what `request` would do, where one
    /// is given. One look is one set of calls to the platform, so that the three always fit each other.
    async fn survey(
        &self,
        project: &Project,
        request: Option<&PlanRequest>,
    ) -> Result<Survey, EngineError>;
    /// Accepts drift into the record, under the lock, or sets it aside; says what was done, one line each.
    async fn amend(
        &self,
        project: &Project,
        amendment: &Amendment,
    ) -> Result<Vec<String>, EngineError>;
    /// Lists what is ignored, expired decisions among it.
    async fn ignored(&self, project: &Project) -> Result<Vec<Ignored>, EngineError>;
    /// Compares live and recorded.
    async fn drift(&self, project: &Project) -> Result<DriftReport, EngineError>;
    /// Looks at the lock: one look, or watched for up to `watch_for` so that a silent holder can be told from a
    /// living one; each newer finding goes to `updates`.
    async fn lock(
        &self,
        project: &Project,
        watch_for: Duration,
        updates: Option<mpsc::Sender<LockReport>>,
    ) -> Result<LockReport, EngineError>;
    /// Clears the lock.
    async fn unlock(
        &self,
        project: &Project,
        request: &UnlockRequest,
    ) -> Result<UnlockEnd, EngineError>;
    /// Leads among the workers of this project, or waits to, until `stop` is raised; each change goes to `updates`.
    async fn lead(
        &self,
        project: &Project,
        stop: watch::Receiver<Stop>,
        updates: mpsc::Sender<Leadership>,
    ) -> Result<(), EngineError>;
    /// Reads what was done with the lock, the newest first.
    async fn lock_history(&self, project: &Project) -> Result<LockHistory, EngineError>;
    /// Reads the record.
    async fn record(&self, project: &Project) -> Result<Option<Record>, EngineError>;
    /// Rebuilds the record from labels, under the lock; returns what was found.
    async fn rebuild(&self, project: &Project) -> Result<Record, EngineError>;
    /// Replaces the record under the lock. Without `force` only by one of the same lineage that is not older.
    async fn push(
        &self,
        project: &Project,
        record: &Record,
        force: bool,
    ) -> Result<Record, EngineError>;
    /// Lists past runs, newest first.
    async fn runs(&self) -> Result<Vec<RunSummary>, EngineError>;
    /// Tells how long steps usually take, from the last successful runs. Nothing that cannot be read is an error.
    async fn usual(&self, project: &Project) -> Usual;
    /// Reads the events of a past run; unknown kinds are left out.
    async fn run_events(&self, run: &RunId) -> Result<Vec<Event>, EngineError>;
    /// Sends the whole output of a step of a run, as it was written: clean, and without secrets.
    async fn step_output(
        &self,
        run: &RunId,
        step: &StepId,
        lines: mpsc::Sender<OutputLine>,
    ) -> Result<(), EngineError>;
    /// Reads a saved plan.
    async fn saved_plan(&self, path: Option<&std::path::Path>) -> Result<Arc<Plan>, EngineError>;
    /// Saves a plan (default: `.nanokit/plans/latest.json`) and returns where.
    async fn save_plan(
        &self,
        plan: &Plan,
        path: Option<&std::path::Path>,
    ) -> Result<String, EngineError>;
    /// Sends a service's output until its end, or until dropped when following.
    async fn logs(
        &self,
        project: &Project,
        request: &LogRequest,
        lines: mpsc::Sender<OutputLine>,
    ) -> Result<(), EngineError>;
    /// Reads the counters of instances, one cheap call each; those that do not run are left out.
    async fn sample(
        &self,
        project: &Project,
        instances: &[LiveSubject],
    ) -> Result<BTreeMap<ProviderId, Counters>, EngineError>;
    /// Reads the last probes of instances, without secrets; those that are gone are left out.
    async fn probes(
        &self,
        project: &Project,
        instances: &[LiveSubject],
    ) -> Result<BTreeMap<ProviderId, Vec<Probed>>, EngineError>;
    /// Reads the state with its place, its writer and its backups.
    async fn stored(&self, project: &Project) -> Result<StoreReport, EngineError>;
    /// Looks at the installations into shared volumes; writes nothing.
    async fn installs(&self, project: &Project) -> Result<Vec<InstallReport>, EngineError>;
    /// Runs a command in a service and returns its exit code.
    async fn exec(
        &self,
        project: &Project,
        request: &ExecRequest,
        lines: mpsc::Sender<OutputLine>,
    ) -> Result<i64, EngineError>;
    /// Sends a hint whenever the platform reports a change, until dropped.
    async fn watch(&self, project: &Project, hints: mpsc::Sender<Hint>);
    /// Says which platform at which endpoint.
    fn describe(&self) -> String;
    /// Tells a saved plan's id apart from a new one: the field that moved, or `None` when it still fits.
    fn staleness(&self, approved: &Plan, now: &Plan) -> Option<String>;
    /// Returns the id under which a plan was carried out before, if it was.
    async fn was_applied(&self, project: &Project, plan: &PlanId) -> Result<bool, EngineError>;
}

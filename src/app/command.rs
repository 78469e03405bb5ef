//! Everything anyone can ask for.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::ids::{Address, RunId, StepId};
use crate::domain::plan::model::{Plan, PlanRequest};
use crate::domain::record::Record;
pub use crate::domain::report::ignored::Amendment;
use crate::domain::run::options::RunOptions;
pub use crate::engine::reconcile::{ExecRequest, LogRequest, Stop, UnlockRequest};

/// A wish.
#[derive(Clone, Debug)]
pub enum Command {
    /// Load the file again.
    Reload,
    /// Compare and plan; save the plan at `output` (default `.nanokit/plans/latest.json`).
    Plan {
        /// What for, and for which services.
        request: PlanRequest,
        /// Where to save it besides.
        output: Option<PathBuf>,
        /// Whether it is saved at all (the panel's own re-planning is not).
        save: bool,
    },
    /// Read a saved plan.
    OpenPlan {
        /// From where.
        path: PathBuf,
    },
    /// Change the world: deploy, destroy, clean or restore, as the plan request says.
    Run {
        /// What for, and for which services.
        request: PlanRequest,
        /// A plan that was shown and approved.
        approved: Option<Arc<Plan>>,
        /// Whether data may be deleted.
        force: bool,
        /// Schedule and number of workers.
        options: RunOptions,
        /// How long to wait for a held lock.
        lock_wait: Duration,
    },
    /// Stop the run that is under way.
    Stop {
        /// How far.
        stop: Stop,
    },
    /// Look how everything stands.
    Status,
    /// Compare live and recorded.
    Drift,
    /// Look at the lock, watching it for so long.
    Lock {
        /// How long to watch the heartbeat.
        watch_for: Duration,
    },
    /// Clear the lock.
    Unlock {
        /// Which, and how.
        request: UnlockRequest,
    },
    /// Read what was done with the lock.
    LockHistory,
    /// Read the record.
    Record,
    /// Rebuild the record from labels.
    Rebuild,
    /// Replace the record by this one.
    Push {
        /// By which.
        record: Arc<Record>,
        /// Also where lineage or serial do not fit.
        force: bool,
    },
    /// List past runs.
    Runs,
    /// Read the events of a past run.
    RunEvents {
        /// Which.
        run: RunId,
    },
    /// Read the whole output of a step of a run, this one or a past one.
    StepOutput {
        /// Which run.
        run: RunId,
        /// Which step.
        step: StepId,
    },
    /// Show output of a service.
    Logs {
        /// Which.
        request: LogRequest,
    },
    /// Run a command in a service.
    Exec {
        /// Which.
        request: ExecRequest,
    },
    /// Read the state with its place, its writer and its backups.
    Stored,
    /// Look at the installations into shared volumes.
    Installs,
    /// Sample what these services use, in place of those before; none: stop.
    Watch {
        /// Services on the screen.
        services: BTreeSet<String>,
        /// Service whose probes are read besides.
        closely: Option<String>,
    },
    /// End one of the above that goes on by itself (logs, lock watch).
    Forget {
        /// Which.
        ticket: Ticket,
    },
    /// Accept drift into the record, or set it aside.
    Amend {
        /// What.
        amendment: Amendment,
    },
    /// List the drift that is ignored.
    Ignored,
    /// Look at status, plan, drift and lock again, now.
    Look,
    /// Prove that the session serves: answered at once, whatever else goes on.
    Prove,
    /// Lead among the workers of this project, or wait to; ends with [`Command::Resign`].
    Lead,
    /// Give the lead back.
    Resign,
    /// Mark drifted resources to be restored: same as `Run` with purpose restore, by address.
    Restore {
        /// Which.
        addresses: Vec<Address>,
        /// A plan that was shown and approved.
        approved: Option<Arc<Plan>>,
        /// How long to wait for a held lock.
        lock_wait: Duration,
    },
}

/// Number of a wish; every answer carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What a wish does to the world; policy and panel go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Reads.
    Read,
    /// Changes the world, takes the lock.
    Mutate,
    /// Clears somebody's lock.
    Unlock,
    /// Steers the session itself.
    Steer,
}

impl Command {
    /// Returns the class of the wish.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Plan { .. }
            | Self::OpenPlan { .. }
            | Self::Status
            | Self::Drift
            | Self::Lock { .. }
            | Self::LockHistory
            | Self::Record
            | Self::Runs
            | Self::RunEvents { .. }
            | Self::Stored
            | Self::Installs
            | Self::Ignored
            | Self::StepOutput { .. }
            | Self::Logs { .. } => Class::Read,
            Self::Run { .. }
            | Self::Restore { .. }
            | Self::Rebuild
            | Self::Push { .. }
            | Self::Amend { .. }
            | Self::Exec { .. } => Class::Mutate,
            Self::Unlock { .. } => Class::Unlock,
            Self::Look
            | Self::Prove
            | Self::Lead
            | Self::Resign
            | Self::Reload
            | Self::Stop { .. }
            | Self::Watch { .. }
            | Self::Forget { .. } => Class::Steer,
        }
    }
}

//! Answers of read-only questions: how things stand, what drifted.
//!
//! Both are made of a whole deployment's plan, so that status, drift and plan can never disagree.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::ids::{Address, Digest, Instance, ProviderId, RunId, StepId, TraceId};
use crate::domain::live::{Health, Status};
use crate::domain::plan::forecast::Forecast;
use crate::domain::plan::model::{ActionKind, Change, Summary};
use crate::domain::report::flows::OpenFlow;
use crate::domain::report::ignored::IgnoredChange;
use crate::domain::time::Wall;

pub mod accept;
mod beside;
mod cosmetic;
pub mod drift;
pub mod flows;
mod half_done;
pub mod held;
pub mod ignored;
pub mod install;
pub mod lock;
pub mod status;
pub mod store;
pub mod usual;
pub mod worker;

/// One instance as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceStatus {
    /// Its number.
    pub instance: Instance,
    /// The provider's identifier.
    pub id: ProviderId,
    /// The provider's name of it.
    pub name: String,
    /// Whether it runs.
    pub status: Status,
    /// The platform's health verdict.
    pub health: Health,
    /// When it started, by the engine's clock.
    pub started_at: Option<Wall>,
    /// How often the platform restarted it.
    pub restarts: u32,
    /// Bound host ports, for display.
    pub ports: Vec<String>,
}

/// One resource as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceStatus {
    /// Its address.
    pub address: Address,
    /// Whether the file asks for it.
    pub desired: bool,
    /// Wanted number of instances (1 for networks and volumes).
    pub wanted: u32,
    /// Image, short, for services.
    pub image: Option<String>,
    /// Instances of a service.
    pub instances: Vec<InstanceStatus>,
    /// Whether it exists (networks, volumes) or all wanted instances run and none is unhealthy; a job: has completed.
    pub ready: bool,
    /// What a deploy would do to it now.
    pub pending: ActionKind,
    /// What differs from the record, without what is ignored.
    pub drift: Vec<Change>,
    /// What differs too, and somebody decided to live with.
    pub ignored: Vec<IgnoredChange>,
}

/// Why the state cannot be what is there belongs to, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Conflict {
    /// Which document, and what is wrong with it.
    pub problem: String,
    /// The ways out, the best first.
    pub ways_out: Vec<String>,
}

/// Everything as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct StatusReport {
    /// Resources by address, orphans included.
    pub resources: BTreeMap<Address, ResourceStatus>,
    /// Objects with our labels that belong to no known address, and foreign ones in our place: shown, never touched.
    pub strays: Vec<String>,
    /// Why it is not known what is ignored, and what to do about it.
    pub undecided: Option<String>,
    /// Why the state does not fit what is there; what is pending is not known then.
    pub conflict: Option<Conflict>,
    /// Identity of the engine.
    pub engine: String,
    /// Procedures that began and are not over.
    pub flows: Vec<OpenFlow>,
}

/// What drifted, by resource, with a digest that tells two reports apart.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DriftReport {
    /// Differences between live and recorded, by resource; empty: no drift.
    pub drifted: BTreeMap<Address, Vec<Change>>,
    /// Resources whose wanted configuration differs from the record (a change, not drift).
    pub changed: Vec<Address>,
    /// The same by field: what the file changed.
    pub edits: BTreeMap<Address, Vec<Change>>,
    /// Differences somebody decided to live with.
    pub ignored: BTreeMap<Address, Vec<IgnoredChange>>,
    /// Why it is not known what is ignored, and what to do about it; nothing counts as ignored then.
    pub undecided: Option<String>,
    /// Drifted, and with that restore begun and not finished.
    pub half_done: BTreeMap<Address, RunId>,
    /// Drifted, and not put back without a human, with the reason.
    pub held: BTreeMap<Address, String>,
    /// Differences that matter to nobody.
    pub cosmetic: BTreeMap<Address, Vec<Change>>,
    /// Strays, for display.
    pub strays: Vec<String>,
    /// Digest of the above.
    pub digest: Digest,
}

/// How long steps usually take, from past runs.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Usual {
    /// The median of each step.
    pub steps: BTreeMap<StepId, Duration>,
    /// How many runs it was learned from.
    pub runs: usize,
    /// What each of these runs took, the newest first.
    pub learned: Vec<(RunId, BTreeMap<StepId, Duration>)>,
}

/// One past run, from its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// The run.
    pub run_id: RunId,
    /// Command word.
    pub command: String,
    /// Who ran it.
    pub who: String,
    /// When it began.
    pub started_at: Wall,
    /// How it ended; `None`: no end is recorded (it was killed, still runs, or its journal was cut short).
    pub outcome: Option<String>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// How many actions did something.
    pub actions: usize,
    /// How many actions failed, or ended nobody knows how.
    pub failed: usize,
    /// How many warnings there were.
    pub warnings: usize,
    /// The environment, once it came to a plan.
    pub env: Option<String>,
    /// Counts of the plan it carried out, if it came so far.
    pub changes: Option<Summary>,
    /// Exit code of its command.
    pub exit_code: Option<u8>,
    /// What went wrong, one line, if something did.
    pub message: Option<String>,
    /// Trace of the run.
    pub trace_id: TraceId,
    /// How far off the prediction of its time was, if there was one.
    pub forecast: Option<Forecast>,
    /// Why nothing can be told of it but its id, if so: its journal cannot be read.
    pub damage: Option<String>,
}

impl RunSummary {
    /// Outcome word of a run whose journal cannot be read.
    pub const DAMAGED: &str = "damaged";

    /// Stands for a run of which nothing but its id can be told, with the reason.
    #[must_use]
    pub fn damaged(run_id: RunId, started_at: Wall, why: String) -> Self {
        Self {
            run_id,
            started_at,
            command: String::new(),
            who: String::new(),
            outcome: Some(Self::DAMAGED.to_owned()),
            duration_ms: None,
            actions: 0,
            failed: 0,
            warnings: 0,
            env: None,
            changes: None,
            exit_code: None,
            message: None,
            trace_id: TraceId::default(),
            forecast: None,
            damage: Some(why),
        }
    }
}

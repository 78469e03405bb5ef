//! Types of a plan; those of a single step are in `step`, and handed out from here too.

use std::collections::BTreeSet;

use crate::domain::flow::FlowRequest;
use crate::domain::ids::{Address, Digest, Instance, Lineage, PlanId, Scope, Serial};
pub use crate::domain::plan::step::{Step, StepKind, StepPlace};

/// How the remark begins that there are objects of ours and no state of them.
pub const STATE_MISSING: &str = "the state is missing";

/// What the plan is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Bring everything, or the targets, to what the file asks for.
    Deploy,
    /// Take services down; volumes stay.
    Destroy,
    /// Take services and volumes down.
    Clean,
    /// Undo drift of these resources only; changes of the file are left alone, so the record keeps the models of
    /// what is not made anew. Targets may be addresses of networks and volumes too.
    Restore,
    /// Carry a procedure out, or clean up after one. The one target is its name.
    Act,
}

impl Purpose {
    /// Returns the command's word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Destroy => "destroy",
            Self::Clean => "clean",
            Self::Restore => "restore",
            Self::Act => "action",
        }
    }
    /// Tells whether it brings things up, rather than taking them down.
    #[must_use]
    pub fn builds(&self) -> bool {
        match self {
            Self::Deploy | Self::Restore | Self::Act => true,
            Self::Destroy | Self::Clean => false,
        }
    }
}

/// What is asked of the planner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRequest {
    /// What the plan is for.
    pub purpose: Purpose,
    /// Services to look at; empty for all. Never touches anything but these and the networks and volumes they need.
    pub targets: BTreeSet<String>,
    /// What is asked of procedures.
    pub flow: FlowRequest,
}

/// What happens to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionKind {
    /// It does not exist.
    Create,
    /// It differs.
    Update,
    /// It is not wanted any more.
    Delete,
    /// It is as wanted.
    Noop,
    /// A procedure, not a resource: its steps are carried out.
    Run,
}

impl ActionKind {
    /// Returns the word in JSON and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Noop => "noop",
            Self::Run => "run",
        }
    }
    /// Returns the symbol on screens.
    #[must_use]
    pub fn symbol(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Delete => '-',
            Self::Noop => '•',
            Self::Run => '>',
        }
    }
}

/// How an action is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strategy {
    /// Old out, new in.
    Recreate,
    /// New in and healthy, old out, one at a time.
    Rolling,
    /// Changed while it runs.
    InPlace,
    /// Started as it is.
    Start,
    /// No instance is replaced or touched: creations, removals, adoptions, no-ops.
    None,
}

impl Strategy {
    /// Returns the word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recreate => "recreate",
            Self::Rolling => "rolling",
            Self::InPlace => "in_place",
            Self::Start => "start",
            Self::None => "none",
        }
    }
}

/// Why a field differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Desired differs from recorded: somebody edited the file.
    Config,
    /// Live differs from recorded: somebody changed the world.
    Drift,
}

impl Cause {
    /// Returns the word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Drift => "drift",
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Field path (`image`, `env.PORT`, `status`).
    pub path: String,
    /// Instance, where only one of several differs.
    pub instance: Option<Instance>,
    /// Value now: recorded for a `config` cause, live for a `drift` cause. `None`: absent.
    pub before: Option<String>,
    /// Wanted value. `None`: to be absent.
    pub after: Option<String>,
    /// Why it differs.
    pub cause: Cause,
    /// Whether the values are secret; `before` and `after` are then `(sensitive)`.
    pub sensitive: bool,
}

impl Change {
    /// Path of the difference between an object and another one that took its name.
    pub(super) const ID: &'static str = "id";

    /// Tells whether it says that another object took the name of the one that was recorded.
    #[must_use]
    pub fn is_another_object(&self) -> bool {
        self.path == Self::ID && self.cause == Cause::Drift
    }
}

/// What happens to one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The resource.
    pub address: Address,
    /// What happens.
    pub kind: ActionKind,
    /// How.
    pub strategy: Strategy,
    /// Why, in a few words: the first changes named, or "not deployed yet".
    pub reason: String,
    /// Layer it belongs to.
    pub layer: usize,
    /// Actions of this plan that must succeed before: dependencies on creation, dependents on removal.
    pub depends_on: BTreeSet<Address>,
    /// Those of `depends_on` whose failure only warns (`required: false`).
    pub optional: BTreeSet<Address>,
    /// Digest of the live fields the difference read; `None`: nothing was there.
    pub fingerprint: Option<Digest>,
    /// The live fields behind `fingerprint`, so that a stale plan can name the one that moved.
    pub seen: Vec<(String, String)>,
    /// Differences, by path.
    pub changes: Vec<Change>,
    /// Steps, in an order that satisfies `needs`.
    pub steps: Vec<Step>,
}

impl Action {
    /// Tells whether anything will be done.
    #[must_use]
    pub fn is_noop(&self) -> bool {
        self.kind == ActionKind::Noop
    }
    /// Tells whether a drift is among the differences.
    #[must_use]
    pub fn has_drift(&self) -> bool {
        self.changes
            .iter()
            .any(|change| change.cause == Cause::Drift)
    }
}

/// Counts of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Summary {
    /// Actions that create.
    pub create: usize,
    /// Actions that update.
    pub update: usize,
    /// Actions that delete.
    pub delete: usize,
    /// Actions that do nothing.
    pub noop: usize,
    /// Procedures that are carried out.
    pub run: usize,
    /// Actions with a drift cause, counted in their kind too.
    pub drift: usize,
}

/// A remark of the planner about something it saw but will not act on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanWarning {
    /// Resource it is about, if one.
    pub address: Option<Address>,
    /// The remark.
    pub text: String,
    /// Whether no run may begin before what it tells of is out of the way.
    pub blocks: bool,
}

/// The whole plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Digest of everything else in here.
    pub id: PlanId,
    /// What it is for.
    pub purpose: Purpose,
    /// Project, environment and component.
    pub scope: Scope,
    /// Services it was limited to; empty for all.
    pub targets: BTreeSet<String>,
    /// State it was made against; `None`: before the first deploy.
    pub lineage: Option<Lineage>,
    /// Serial of that state, for information.
    pub serial: Option<Serial>,
    /// Digest of the merged canonical project.
    pub config_hash: Digest,
    /// Identity of the engine that was observed.
    pub engine: String,
    /// Addresses by layer; a layer starts when the one before is done.
    pub layers: Vec<Vec<Address>>,
    /// All actions, no-ops included, in the order of the layers.
    pub actions: Vec<Action>,
    /// Remarks.
    pub warnings: Vec<PlanWarning>,
}

impl Plan {
    /// Counts the actions.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for action in &self.actions {
            match action.kind {
                ActionKind::Create => summary.create += 1,
                ActionKind::Update => summary.update += 1,
                ActionKind::Delete => summary.delete += 1,
                ActionKind::Noop => summary.noop += 1,
                ActionKind::Run => summary.run += 1,
            }
            if action.has_drift() {
                summary.drift += 1;
            }
        }
        summary
    }
    /// Returns the first remark about what no run may begin with.
    #[must_use]
    pub fn obstacle(&self) -> Option<&PlanWarning> {
        self.warnings.iter().find(|warning| warning.blocks)
    }
    /// Counts the instances that go without a successor while their service stays.
    #[must_use]
    pub fn surplus(&self) -> usize {
        let updates = self.actions.iter();
        let updates = updates.filter(|action| action.kind == ActionKind::Update);
        let count = |action: &Action, kind: &StepKind| {
            let steps = action.steps.iter();
            steps.filter(|step| &step.kind == kind).count()
        };
        updates
            .map(|action| {
                count(action, &StepKind::Remove).saturating_sub(count(action, &StepKind::Create))
            })
            .sum()
    }
    /// Tells whether carrying it out would do anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.actions.iter().all(Action::is_noop)
    }
    /// Finds the action of a resource.
    #[must_use]
    pub fn action(&self, address: &Address) -> Option<&Action> {
        self.actions
            .iter()
            .find(|action| &action.address == address)
    }
    /// Returns the resources whose data would be lost: volumes that are removed.
    #[must_use]
    pub fn destructive(&self) -> Vec<&Address> {
        self.actions
            .iter()
            .filter(|a| {
                a.steps
                    .iter()
                    .any(|step| step.kind == StepKind::RemoveVolume)
            })
            .map(|a| &a.address)
            .collect()
    }
}

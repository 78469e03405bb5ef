//! What something that waits in a run waits for: one thing, since when, and for how long that usually takes.
//!
//! The cause is followed to its root: what waits for a service that waits itself is told what that one waits for.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::app::snapshot::Snapshot;
use crate::domain::history::view::{ActionView, RunView, StepView};
use crate::domain::ids::{Address, StepId};
use crate::domain::plan::model::{Action, Plan, StepKind};
use crate::domain::report::Usual;
use crate::domain::time::Wall;
use crate::present::human::duration;
use crate::tui::words::{between, ticking};

/// How many services on the way to the root are followed.
const FARTHEST: usize = 64;

/// The one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A lock that somebody else holds.
    Lock {
        /// Who.
        who: String,
    },
    /// A step that is under way.
    Step {
        /// Whose.
        address: Address,
        /// Which.
        step: StepId,
        /// What it does, in a word.
        name: String,
    },
    /// A resource that is not done, with no step under way.
    Resource(Address),
    /// A free worker.
    Worker {
        /// How many are busy.
        busy: usize,
    },
}

/// What something waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The one thing.
    pub thing: Thing,
    /// The dependency through which it is felt, where that is another one.
    pub through: Option<Address>,
    /// Since when the thing goes on.
    pub since: Option<Wall>,
    /// How long it usually takes.
    pub usual: Option<Duration>,
}

impl Blocked {
    /// Names the thing: `health of db`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.thing {
            Thing::Lock { who } => format!("the lock of {who}"),
            Thing::Step { address, name, .. } => format!("{name} of {}", address.name),
            Thing::Resource(address) => address.name.clone(),
            Thing::Worker { busy } => format!("a free worker ({busy} busy)"),
        }
    }
    /// Names where it is, as short as can be: `db`.
    #[must_use]
    pub fn place(&self) -> &str {
        match &self.thing {
            Thing::Lock { .. } => "a lock",
            Thing::Step { address, .. } | Thing::Resource(address) => &address.name,
            Thing::Worker { .. } => "a worker",
        }
    }
    /// Says what of it: `health`.
    #[must_use]
    pub fn gate(&self) -> String {
        match &self.thing {
            Thing::Lock { who } => format!("of {who}"),
            Thing::Step { name, .. } => name.clone(),
            Thing::Resource(_) => String::new(),
            Thing::Worker { busy } => format!("{busy} busy"),
        }
    }
    /// Says all but the time that runs: `waits for health of db, usually 9 s, through api`.
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = format!("waits for {}", self.name());
        if let Some(usual) = self.usual {
            text.push_str(&format!(", usually {}", duration(usual)));
        }
        if let Some(through) = &self.through {
            text.push_str(&format!(", through {}", through.name));
        }
        text
    }
    /// Says all: `waits for health of db for 4 s, usually 9 s`.
    #[must_use]
    pub fn sentence(&self, now: Wall) -> String {
        let mut text = format!("waits for {}", self.name());
        if let Some(since) = self.since {
            text.push_str(&format!(" for {}", ticking(between(since, now))));
        }
        if let Some(usual) = self.usual {
            text.push_str(&format!(", usually {}", duration(usual)));
        }
        if let Some(through) = &self.through {
            text.push_str(&format!(", through {}", through.name));
        }
        text
    }
    /// Returns the resource to go to.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        match &self.thing {
            Thing::Step { address, .. } | Thing::Resource(address) => Some(address),
            Thing::Lock { .. } | Thing::Worker { .. } => None,
        }
    }
    /// Returns the step to go to.
    #[must_use]
    pub fn step(&self) -> Option<&StepId> {
        match &self.thing {
            Thing::Step { step, .. } => Some(step),
            Thing::Lock { .. } | Thing::Resource(_) | Thing::Worker { .. } => None,
        }
    }
}

/// A run that is under way, ready to be asked many times.
pub struct Blocks<'a> {
    run: &'a RunView,
    actions: BTreeMap<&'a Address, &'a Action>,
    /// Whether these are the actions of the run; before it has a plan they are those of the last one.
    planned: bool,
    usual: Option<&'a Usual>,
    /// Of each layer with something open, what began last; what has not begun counts as later.
    open: BTreeMap<usize, &'a Address>,
    busy: usize,
}

impl<'a> Blocks<'a> {
    /// Looks at a snapshot; `None`: nothing runs.
    #[must_use]
    pub fn of(snapshot: &'a Snapshot) -> Option<Self> {
        let run = snapshot.run.as_ref()?;
        Self::within(run, snapshot.plan.as_deref(), snapshot.usual.as_deref())
    }

    /// Looks at a run, live or replayed, with the plan on show before it has its own; `None`: it has ended.
    #[must_use]
    pub fn within(
        run: &'a RunView,
        shown: Option<&'a Plan>,
        usual: Option<&'a Usual>,
    ) -> Option<Self> {
        if run.finished.is_some() {
            return None;
        }
        let plan = run.plan.as_deref().or(shown);
        let actions: BTreeMap<&Address, &Action> = plan
            .map_or(&[][..], |plan| plan.actions.as_slice())
            .iter()
            .map(|action| (&action.address, action))
            .collect();
        let view = |address: &Address| run.actions.get(address);
        let mut open: BTreeMap<usize, &Address> = BTreeMap::new();
        for action in actions.values().filter(|action| !action.is_noop()) {
            let address = &action.address;
            if view(address).is_some_and(|view| view.outcome.is_some()) {
                continue;
            }
            let last = open.entry(action.layer).or_insert(address);
            if began(view(address)) > began(view(last)) {
                *last = address;
            }
        }
        Some(Self {
            run,
            planned: run.plan.is_some(),
            usual,
            open,
            busy: run.steps.values().filter(|step| under_way(step)).count(),
            actions,
        })
    }

    /// Tells what a resource waits for; `None`: it does not wait.
    #[must_use]
    pub fn by(&self, address: &Address) -> Option<Blocked> {
        self.follow(address, FARTHEST)
    }

    /// Tells what a step that was announced waits for; `None`: it does not wait.
    #[must_use]
    pub fn step(&self, address: &Address, id: &StepId) -> Option<Blocked> {
        let view = self.run.steps.get(id)?;
        if view.started.is_some() || view.outcome.is_some() {
            return None;
        }
        if view.waits_for.iter().any(|on| on == "worker") {
            return Some(self.worker(address));
        }
        let needed = view.waits_for.iter().map(|on| StepId(on.clone()));
        let (step, view) = needed
            .filter_map(|step| self.run.steps.get_key_value(&step))
            .find(|(_, view)| under_way(view))?;
        Some(self.on_step(address, step, view))
    }

    fn follow(&self, address: &Address, left: usize) -> Option<Blocked> {
        let action = self.actions.get(address).copied();
        if action.is_some_and(Action::is_noop) {
            return None;
        }
        if let Some(view) = self.run.actions.get(address) {
            return match view.outcome {
                Some(_) => None,
                None => self.held_step(address),
            };
        }
        if let Some(held) = self.run.locks.get("") {
            return Some(Blocked {
                thing: Thing::Lock {
                    who: held.who.clone(),
                },
                through: None,
                since: Some(held.since),
                usual: None,
            });
        }
        let action = action.filter(|_| self.planned)?;
        let open = action.depends_on.iter().filter(|on| self.is_open(on));
        // What comes last is what is really waited for.
        if let Some(on) = open.max_by_key(|on| (self.layer_of(on), self.began(on))) {
            return Some(self.because_of(on, left));
        }
        let queued = self
            .run
            .steps_of(address)
            .any(|(_, step)| step.waits_for.iter().any(|on| on == "worker"));
        let before = self.open.range(..action.layer).next_back();
        match before.filter(|_| !queued) {
            Some((_, last)) => Some(self.because_of(last, left)),
            None => Some(self.worker(address)),
        }
    }

    /// What a resource waits for that waits for another one.
    fn because_of(&self, on: &Address, left: usize) -> Blocked {
        let current = self
            .run
            .steps_of(on)
            .filter(|(_, step)| under_way(step))
            .max_by_key(|(id, step)| (self.usual_of(id), std::cmp::Reverse(step.started)));
        if let Some((step, view)) = current {
            return match self.held_step(on) {
                Some(held) => held.through(on),
                None => self.on_step(on, step, view),
            };
        }
        if !self.run.actions.contains_key(on)
            && left > 0
            && let Some(further) = self.follow(on, left - 1)
        {
            return further.through(on);
        }
        Blocked {
            thing: Thing::Resource(on.clone()),
            through: None,
            since: self.run.actions.get(on).map(|view| view.started),
            usual: None,
        }
    }

    fn on_step(&self, address: &Address, step: &StepId, view: &StepView) -> Blocked {
        Blocked {
            thing: Thing::Step {
                address: address.clone(),
                step: step.clone(),
                name: self.name_of(address, step),
            },
            through: None,
            since: view.started,
            usual: self.usual_of(step),
        }
    }

    /// The lock that a step under way waits for.
    fn held_step(&self, address: &Address) -> Option<Blocked> {
        let (id, _) = self
            .run
            .steps_of(address)
            .filter(|(_, step)| under_way(step))
            .find(|(id, _)| self.run.locks.contains_key(id.as_str()))?;
        let held = self.run.locks.get(id.as_str())?;
        Some(Blocked {
            thing: Thing::Lock {
                who: held.who.clone(),
            },
            through: None,
            since: Some(held.since),
            usual: None,
        })
    }

    /// Everything is there but a worker.
    fn worker(&self, address: &Address) -> Blocked {
        let waiting = self
            .run
            .steps_of(address)
            .filter(|(_, step)| step.started.is_none());
        Blocked {
            thing: Thing::Worker { busy: self.busy },
            through: None,
            since: waiting.filter_map(|(_, step)| step.queued).min(),
            usual: None,
        }
    }

    fn is_open(&self, address: &Address) -> bool {
        let planned = self.actions.get(address).is_some_and(|a| !a.is_noop());
        let view = self.run.actions.get(address);
        planned && view.is_none_or(|view| view.outcome.is_none())
    }
    fn layer_of(&self, address: &Address) -> usize {
        self.actions.get(address).map_or(0, |action| action.layer)
    }
    fn began(&self, address: &Address) -> i64 {
        began(self.run.actions.get(address))
    }
    fn usual_of(&self, step: &StepId) -> Option<Duration> {
        self.usual?.steps.get(step).copied()
    }

    fn name_of(&self, address: &Address, step: &StepId) -> String {
        let planned = self.actions.get(address).map(|action| &action.steps);
        let kind = planned
            .into_iter()
            .flatten()
            .find(|planned| planned.id == *step)
            .map(|planned| &planned.kind);
        match kind {
            Some(StepKind::Hook { phase, .. }) => format!("{} hook", phase.as_str()),
            Some(StepKind::Install) => "installation".into(),
            Some(StepKind::Complete) => "completion".into(),
            Some(StepKind::OpenGate) => "gate".into(),
            Some(kind) => kind.as_str().into(),
            None => {
                let id = step.as_str();
                id.rsplit_once('/').map_or(id, |(_, name)| name).into()
            }
        }
    }
}

impl Blocked {
    /// Notes the dependency it is felt through, unless that is where it happens.
    fn through(mut self, on: &Address) -> Self {
        if self.address() != Some(on) {
            self.through = Some(on.clone());
        }
        self
    }
}

/// The later something began, the later it is likely to end; what has not begun ends last.
fn began(view: Option<&ActionView>) -> i64 {
    view.map_or(i64::MAX, |view| view.started.0)
}

fn under_way(step: &StepView) -> bool {
    step.started.is_some() && step.outcome.is_none()
}

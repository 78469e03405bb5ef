//! What the world itself notes: broken invariants, faults that fired, and which bug was planted, if any.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use nanokit::domain::ids::{Epoch, Lineage, ProviderId};
use nanokit::ports::cas_store::Stored;
use nanokit::ports::provider::{Op, OpKind};

use super::disk::Files;
use super::life::Life;
use super::platform::Platform;

/// What must hold in every world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// One writer: no state of a lower epoch, no call without a valid lease and a durable intent.
    I1OneWriter,
    /// Whatever carries our lineage is in durable state or durable intents.
    I2Tracked,
    /// Made after what it needs, taken down after what needs it.
    I3Order,
    /// Faults off, two runs at most: desired is reality is state.
    I4Converges,
    /// Then the plan is empty, and a deployment does nothing.
    I5Quiet,
    /// No lock is taken from a living holder unless forced; a release is of one's own.
    I6LockKept,
    /// The state can be read, its lineage stays, its serial grows by one, epochs never come back.
    I7StateSound,
    /// Success means success, and every failure says of what.
    I8Truth,
    /// Every run ends.
    I9Bounded,
    /// The same look gives the same plan.
    I13SamePlan,
    /// What was finished is not done again.
    I14NotRedone,
    /// Only what is ours and known is touched.
    I15OnlyOurs,
    /// A plan that was approved is carried out as approved, or refused.
    I16PlanBound,
    /// After a clean nothing of ours is left, and what is foreign is untouched.
    I17NothingLeft,
}

impl Invariant {
    pub const ALL: [Self; 14] = [
        Self::I1OneWriter,
        Self::I2Tracked,
        Self::I3Order,
        Self::I4Converges,
        Self::I5Quiet,
        Self::I6LockKept,
        Self::I7StateSound,
        Self::I8Truth,
        Self::I9Bounded,
        Self::I13SamePlan,
        Self::I14NotRedone,
        Self::I15OnlyOurs,
        Self::I16PlanBound,
        Self::I17NothingLeft,
    ];
}

/// A bug put into the ports on purpose, so that the simulation proves that it would be caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Planted {
    #[default]
    None,
    /// Intents are never written.
    NoIntent,
    /// Intents are written, but not durably.
    NoFsync,
    /// A lock is judged by the calendar in its record.
    WallClock,
    /// An unlock does not compare.
    BlindUnlock,
    /// A release does not look whose lock it is.
    BlindRelease,
    /// The state is stored over whatever is there.
    NoFence,
    /// A released lock is deleted, and epochs begin again.
    EpochRestart,
    /// A lost reply counts as a failure.
    LostReplyFails,
    /// A lost reply counts as success.
    LostReplySucceeds,
    /// Open operations are dropped without a look.
    PendingForgotten,
    /// Open operations are looked up while they may still land.
    NoSettleWait,
    /// What depends on a service is not taken down before it.
    DeleteOrder,
    /// Services do not wait for what they need.
    StartOrder,
    /// The holder never notices that its lease is over.
    NoSelfFence,
    /// A call that failed counts as done.
    FailureSucceeds,
    /// A journal is removed though no snapshot has what is in it.
    JournalFirst,
    /// Objects are found by name instead of by id.
    ByName,
    /// A proof of death is believed for processes of another machine.
    ForeignProof,
    /// A state is written half.
    TornState,
    /// What steps of actions came to is never written.
    MarksForgotten,
    /// New limits are said to be set, and are not.
    LimitsIgnored,
    /// A journal that is in a snapshot is said to be removed, and is not.
    JournalsKept,
    /// Nobody sees what an instance is joined to.
    NetworksUnseen,
    /// What was lost on its way is waited for.
    SettleWaits,
    /// Whoever looks waits for what others have under way.
    LooksWait,
    /// Every other look at the platform finds something else.
    Flickers,
    /// What was recorded as done is read as not done.
    DoneForgotten,
    /// Whatever is planned now is carried out instead of what was approved.
    ApprovalIgnored,
    /// A network is said to be removed, and is not.
    NetworksKept,
}

impl Planted {
    pub const BUGS: [Self; 29] = [
        Self::NoIntent,
        Self::NoFsync,
        Self::WallClock,
        Self::BlindUnlock,
        Self::BlindRelease,
        Self::NoFence,
        Self::EpochRestart,
        Self::LostReplyFails,
        Self::LostReplySucceeds,
        Self::PendingForgotten,
        Self::NoSettleWait,
        Self::DeleteOrder,
        Self::StartOrder,
        Self::NoSelfFence,
        Self::FailureSucceeds,
        Self::JournalFirst,
        Self::ByName,
        Self::ForeignProof,
        Self::TornState,
        Self::MarksForgotten,
        Self::LimitsIgnored,
        Self::JournalsKept,
        Self::NetworksUnseen,
        Self::SettleWaits,
        Self::LooksWait,
        Self::Flickers,
        Self::DoneForgotten,
        Self::ApprovalIgnored,
        Self::NetworksKept,
    ];
}

struct Inner {
    platform: Platform,
    files: Rc<RefCell<Files>>,
    state: Rc<RefCell<Option<Stored>>>,
    planted: Planted,
    terse: Cell<bool>,
    /// Set by whoever knows the graph: what each service needs.
    needs: RefCell<BTreeMap<String, BTreeSet<String>>>,
    broken: RefCell<Vec<(Invariant, String)>>,
    fired: RefCell<BTreeMap<&'static str, u64>>,
    /// Services that somebody else laid hands on.
    touched: RefCell<BTreeSet<String>>,
    /// Objects that carry our lineage though we never made them.
    strays: RefCell<BTreeSet<ProviderId>>,
    highest_effect: Cell<Epoch>,
}

/// The ledger of a world.
#[derive(Clone)]
pub struct Ledger(Rc<Inner>);

impl Ledger {
    pub fn new(
        platform: Platform,
        files: Rc<RefCell<Files>>,
        state: Rc<RefCell<Option<Stored>>>,
        planted: Planted,
    ) -> Self {
        Self(Rc::new(Inner {
            platform,
            files,
            state,
            planted,
            terse: Cell::default(),
            needs: RefCell::default(),
            broken: RefCell::default(),
            fired: RefCell::default(),
            touched: RefCell::default(),
            strays: RefCell::default(),
            highest_effect: Cell::new(Epoch(0)),
        }))
    }
    pub fn has(&self, bug: Planted) -> bool {
        self.0.planted == bug
    }
    /// Leaves out what only a reader of logs would miss.
    pub fn be_terse(&self) {
        self.0.terse.set(true);
    }
    pub fn is_terse(&self) -> bool {
        self.0.terse.get()
    }
    pub fn knows_graph(&self, needs: BTreeMap<String, BTreeSet<String>>) {
        *self.0.needs.borrow_mut() = needs;
    }
    /// Notes a broken invariant.
    pub fn broken(&self, invariant: Invariant, what: impl Into<String>) {
        self.0.broken.borrow_mut().push((invariant, what.into()));
    }
    /// Returns what was broken.
    pub fn all_broken(&self) -> Vec<(Invariant, String)> {
        self.0.broken.borrow().clone()
    }
    /// Notes that a fault took effect.
    pub fn fired(&self, what: &'static str) {
        *self.0.fired.borrow_mut().entry(what).or_default() += 1;
    }
    pub fn all_fired(&self) -> BTreeMap<&'static str, u64> {
        self.0.fired.borrow().clone()
    }
    /// Notes that somebody else laid hands on a service.
    pub fn touch(&self, service: &str) {
        self.0.touched.borrow_mut().insert(service.to_owned());
    }
    pub fn is_touched(&self, service: &str) -> bool {
        self.0.touched.borrow().contains(service)
    }
    pub fn stray(&self, id: ProviderId) {
        self.0.strays.borrow_mut().insert(id);
    }
    pub fn is_stray(&self, id: &ProviderId) -> bool {
        self.0.strays.borrow().contains(id)
    }

    /// A process runs a command, on the host or inside of an instance.
    pub fn commanded(&self, life: &Life, what: &str) {
        if let Err(why) = life.may_call() {
            self.broken(Invariant::I1OneWriter, format!("{what} was run {why}"));
        }
    }

    /// A process calls the platform.
    pub fn issued(&self, life: &Life, op: &Op, what: &str) {
        if matches!(
            op.kind,
            OpKind::PullImage { .. } | OpKind::BuildImage { .. }
        ) {
            return;
        }
        if let Err(why) = life.may_call() {
            self.broken(Invariant::I1OneWriter, format!("{what} was called {why}"));
        }
        if op.fence < self.0.highest_effect.get() && !life.was_just_displaced() {
            let newer = self.0.highest_effect.get();
            let text = format!(
                "{what} of epoch {} was called after {newer} acted",
                op.fence
            );
            self.broken(Invariant::I1OneWriter, text);
        }
        self.0
            .highest_effect
            .set(self.0.highest_effect.get().max(op.fence));
        // Left-overs of installations are swept away without a word: nothing is lost with them.
        let swept = op.id.as_str().contains("/sweep/");
        if !swept && !self.is_announced(op.id.as_str()) {
            let text = format!("{what} ({}) was called without a durable intent", op.id);
            self.broken(Invariant::I1OneWriter, text);
        }
    }

    /// A service is about to be started or stopped by a process.
    pub fn in_order(&self, op: &OpKind, taking_down: bool) {
        let needs = self.0.needs.borrow();
        match op {
            OpKind::StartInstance(target) | OpKind::OpenGate(target) => {
                let name = &target.address.name;
                for need in needs.get(name).into_iter().flatten() {
                    if !self.is_touched(need) && !self.0.platform.is_up(need) {
                        let text = format!("{name} was started before {need} was up");
                        self.broken(Invariant::I3Order, text);
                    }
                }
            }
            OpKind::StopInstance { target, .. } if taking_down => {
                let name = &target.address.name;
                for (other, needs) in needs.iter().filter(|(_, needs)| needs.contains(name)) {
                    if !self.is_touched(other) && self.0.platform.runs(other) && !needs.is_empty() {
                        let text = format!("{name} was taken down before {other}, which needs it");
                        self.broken(Invariant::I3Order, text);
                    }
                }
            }
            _ => {}
        }
    }

    fn is_announced(&self, text: &str) -> bool {
        let needle = memchr::memmem::Finder::new(text.as_bytes());
        let files = self.0.files.borrow();
        let in_journal = files
            .iter()
            .filter(|(path, _)| path.starts_with("journal"))
            .filter(|(_, file)| file.named)
            .any(|(_, file)| needle.find(&file.bytes[..file.durable]).is_some());
        let state = self.0.state.borrow();
        in_journal
            || state
                .as_ref()
                .is_some_and(|stored| needle.find(&stored.bytes).is_some())
    }

    /// Looks for objects that nobody would ever find again.
    pub fn look_for_untracked(&self, when: &str) {
        let Some(lineage) = self.lineage() else {
            return;
        };
        let objects = self.0.platform.objects_of(&lineage);
        for (id, name, op) in objects {
            if self.is_stray(&id) {
                continue;
            }
            if !self.is_announced(id.as_str()) && !self.is_announced(&op) {
                let text = format!("{name} ({id}) is in neither state nor journal: {when}");
                self.broken(Invariant::I2Tracked, text);
            }
        }
    }

    fn lineage(&self) -> Option<Lineage> {
        let state = self.0.state.borrow();
        let stored = state.as_ref()?;
        let text = std::str::from_utf8(&stored.bytes).ok()?;
        let (_, rest) = text.split_once("\"lineage\"")?;
        rest.split('"').nth(1).map(|text| Lineage(text.to_owned()))
    }

    /// Fails with everything that was broken.
    pub fn assert_sound(&self, context: &str) {
        let broken = self.0.broken.borrow();
        assert!(broken.is_empty(), "{context}: {broken:#?}");
    }
}

/// How long after its lock was taken by force a living holder may not know it yet: one renewal, and its way.
pub const TOLD_WITHIN: Duration = Duration::from_secs(8);

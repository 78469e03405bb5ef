//! The life of one process: its steps, its death, the spans in which it stands still, and its clock.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use nanokit::domain::ids::LockId;
use nanokit::domain::lease::{LeaseTimes, LockRecord, LockStatus};
use tokio::time::{Instant, Sleep};

use super::ledger::TOLD_WITHIN;

/// A span of simulated time, counted from the beginning of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: Duration,
    pub to: Duration,
}

impl Span {
    pub fn new(from: Duration, length: Duration) -> Self {
        Self {
            from,
            to: from + length,
        }
    }
    pub fn holds(&self, at: Duration) -> bool {
        self.from <= at && at < self.to
    }
    /// How much of it lies between two moments.
    fn within(&self, from: Duration, to: Duration) -> Duration {
        self.to.min(to).saturating_sub(self.from.max(from))
    }
}

/// Which cell a partition cuts off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell1 {
    Lock,
    State,
}

/// Where on its way a request gets lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Before it arrived: nothing happened.
    Before,
    /// Only its reply: it happened.
    Reply,
    /// Now the one, now the other, now none.
    Flapping,
}

/// A partition between a process and a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    pub span: Span,
    pub cell: Cell1,
    pub lost: Lost,
}

/// The clock of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockFate {
    /// How many thousandths of a real second its second since boot is long.
    pub rate: u32,
    /// What its calendar is ahead, in ms.
    pub ahead: i64,
    /// When its calendar jumps, and by how many ms.
    pub jump: Option<(Duration, i64)>,
}

impl Default for ClockFate {
    fn default() -> Self {
        Self {
            rate: 1000,
            ahead: 0,
            jump: None,
        }
    }
}

/// What will become of a process, drawn beforehand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fate {
    /// Dies at this step.
    pub kill_at: Option<u64>,
    /// Stands still: nothing of it runs, and its timers go on.
    pub frozen: Vec<Span>,
    /// The machine sleeps: nothing runs, timers stand still, but the clock since boot goes on.
    pub suspended: Vec<Span>,
    pub cuts: Vec<Cut>,
    pub clock: ClockFate,
    /// On which machine it runs; only there can anybody prove that it lives or not.
    pub machine: u32,
    /// Whether its run takes things down rather than up.
    pub takes_down: bool,
    /// Longest way to a cell and back, in ms; zero: none.
    pub latency: u64,
    /// How many lists ago the platform's lists are from that it is shown; zero: none is old.
    pub old_lists: u64,
    /// Out of a thousand puts to the lock, how many land without a reply.
    pub lock_replies_lost: u64,
}

/// The fate of a process that dies at a step.
pub fn killed_at(step: u64) -> Fate {
    Fate {
        kill_at: Some(step),
        ..Fate::default()
    }
}

/// What a process knows of its own lock: when it asked for what it holds, and what it is waiting to hear.
#[derive(Clone, Debug, Default)]
struct Claim {
    lock: LockId,
    /// When the last renewal that is known to be good was asked for.
    asked: Duration,
    /// The newest beat that was asked for, and when.
    asking: Option<(LockId, u64, Duration)>,
    lost: bool,
    /// When somebody else took it by force, as the world knows.
    displaced: Option<Duration>,
}

struct Inner {
    steps: Cell<u64>,
    claim: RefCell<Claim>,
    fate: Fate,
    dead: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    trace: RefCell<Vec<String>>,
    /// What of its fate took effect.
    met: RefCell<BTreeSet<&'static str>>,
    start: Instant,
    /// Whether every step is kept, or only the last ones.
    wordy: bool,
}

/// The life of one process: it can be killed at any of its steps.
#[derive(Clone)]
pub struct Life(Rc<Inner>);

impl Life {
    pub fn new(fate: Fate, start: Instant, wordy: bool) -> Self {
        Self(Rc::new(Inner {
            steps: Cell::default(),
            claim: RefCell::default(),
            fate,
            dead: Cell::default(),
            waker: RefCell::default(),
            trace: RefCell::default(),
            met: RefCell::default(),
            start,
            wordy,
        }))
    }
    pub fn takes_down(&self) -> bool {
        self.0.fate.takes_down
    }
    pub fn fate(&self) -> &Fate {
        &self.0.fate
    }
    /// Time since the beginning of the world.
    pub fn now(&self) -> Duration {
        self.0.start.elapsed()
    }
    /// Passes one step, or dies at it.
    pub async fn step(&self, what: &str) {
        if !self.pass(what) {
            std::future::pending::<()>().await;
        }
    }
    /// Passes one step of something that does not wait; `false`: the process is dead.
    pub fn pass(&self, what: &str) -> bool {
        if self.0.dead.get() {
            return false;
        }
        let now = self.0.steps.get() + 1;
        self.0.steps.set(now);
        let mut trace = self.0.trace.borrow_mut();
        if self.0.wordy {
            trace.push(format!("{:>8} {what}", self.now().as_millis()));
        } else {
            if trace.len() > 8 {
                trace.drain(..4);
            }
            trace.push(what.to_owned());
        }
        drop(trace);
        if self.0.fate.kill_at == Some(now) {
            self.kill();
            return false;
        }
        true
    }
    /// Kills it, from wherever.
    pub fn kill(&self) {
        self.0.dead.set(true);
        if let Some(waker) = self.0.waker.borrow_mut().take() {
            waker.wake();
        }
    }
    pub fn is_dead(&self) -> bool {
        self.0.dead.get()
    }
    /// Says how many steps it took.
    pub fn steps(&self) -> u64 {
        self.0.steps.get()
    }
    /// Returns the last steps, for messages.
    pub fn last(&self) -> String {
        let trace = self.0.trace.borrow();
        let from = trace.len().saturating_sub(4);
        trace[from..].join(" · ")
    }
    /// Returns what of its fate took effect: what was drawn for a time after its end never met it.
    pub fn met(&self) -> BTreeSet<&'static str> {
        self.0.met.borrow().clone()
    }
    fn meets(&self, what: &'static str) {
        self.0.met.borrow_mut().insert(what);
    }
    /// Returns all steps of a wordy life.
    pub fn trace(&self) -> Vec<String> {
        self.0.trace.borrow().clone()
    }

    /// Lives on while it is not killed: stands still where its fate says so. `None`: it died.
    pub async fn live<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut sleep: Option<Pin<Box<Sleep>>> = None;
        std::future::poll_fn(|cx| {
            if self.is_dead() {
                return Poll::Ready(None);
            }
            *self.0.waker.borrow_mut() = Some(cx.waker().clone());
            while let Some(until) = self.stands_still_until() {
                let mut sleeping = Box::pin(tokio::time::sleep_until(self.0.start + until));
                if sleeping.as_mut().poll(cx).is_pending() {
                    sleep = Some(sleeping);
                    return Poll::Pending;
                }
            }
            sleep = None;
            match work.as_mut().poll(cx) {
                Poll::Ready(done) => Poll::Ready(Some(done)),
                Poll::Pending if self.is_dead() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    fn stands_still_until(&self) -> Option<Duration> {
        let now = self.now();
        let fate = &self.0.fate;
        let frozen = fate.frozen.iter().map(|span| ("frozen", span));
        let suspended = fate.suspended.iter().map(|span| ("suspended", span));
        let (what, span) = frozen.chain(suspended).find(|(_, span)| span.holds(now))?;
        self.meets(what);
        Some(span.to)
    }

    /// A timer of this process: its clock's rate counts, and it stands still while the machine sleeps.
    pub async fn sleep(&self, span: Duration) {
        let mut from = self.now();
        let mut rest = span * self.0.fate.clock.rate / 1000;
        while !rest.is_zero() {
            tokio::time::sleep(rest).await;
            let to = self.now();
            rest = self
                .0
                .fate
                .suspended
                .iter()
                .map(|asleep| asleep.within(from, to))
                .sum();
            from = to;
        }
    }

    /// The cut between it and a cell now.
    pub fn cut(&self, cell: Cell1) -> Option<Lost> {
        let now = self.now();
        self.0
            .fate
            .cuts
            .iter()
            .find(|cut| cut.cell == cell && cut.span.holds(now))
            .map(|cut| cut.lost)
    }

    /// Time since boot, by its own clock.
    pub fn boot(&self, at: Duration) -> Duration {
        if self.0.fate.clock.rate != 1000 {
            self.meets("clock skewed");
        }
        Duration::from_secs(1000) + at * 1000 / self.0.fate.clock.rate
    }
    /// Its calendar, in ms.
    pub fn wall(&self) -> i64 {
        let clock = &self.0.fate.clock;
        let now = self.now();
        let jumped = clock
            .jump
            .filter(|(at, _)| *at <= now)
            .map_or(0, |(_, by)| by);
        if jumped != 0 {
            self.meets("clock jumped");
        }
        let ms = i64::try_from(now.as_millis()).unwrap();
        1_790_000_000_000 + ms + clock.ahead + jumped
    }

    /// It asks for the lock, or for another beat of it.
    pub fn asked_for_lock(&self, record: &LockRecord, pid: u32) {
        if record.holder.pid == pid && record.status == LockStatus::Held {
            self.0.claim.borrow_mut().asking =
                Some((record.lock_id.clone(), record.beat, self.now()));
        }
    }
    /// It hears what stands in the lock's cell.
    pub fn heard_of_lock(&self, record: Option<&LockRecord>, pid: u32) {
        let mut claim = self.0.claim.borrow_mut();
        let ours = record.filter(|r| r.holder.pid == pid && r.status == LockStatus::Held);
        match (ours, claim.asking.clone()) {
            (Some(ours), Some((lock, beat, at))) if ours.lock_id == lock && ours.beat == beat => {
                claim.lock = lock;
                claim.asked = at;
                claim.lost = false;
            }
            (Some(_), _) => {}
            (None, _) => claim.lost = true,
        }
    }
    /// Somebody took its lock by force.
    pub fn displace(&self) {
        let now = self.now();
        self.0.claim.borrow_mut().displaced.get_or_insert(now);
    }
    /// Tells whether it may call the platform now, by all it knows.
    pub fn may_call(&self) -> Result<(), String> {
        let claim = self.0.claim.borrow();
        if claim.lock == LockId::default() {
            return Err("without the lock".to_owned());
        }
        if claim.lost {
            return Err("after it heard that the lock was lost".to_owned());
        }
        let times = LeaseTimes::DEFAULT;
        let own = |at| self.boot(at);
        let passed = own(self.now()).saturating_sub(own(claim.asked));
        if passed > times.lease.saturating_sub(times.margin) {
            return Err(format!("{} ms after the last renewal", passed.as_millis()));
        }
        Ok(())
    }
    /// Tells whether its lock was taken by force so lately that it may not know yet.
    pub fn was_just_displaced(&self) -> bool {
        let displaced = self.0.claim.borrow().displaced;
        displaced.is_some_and(|at| self.now().saturating_sub(at) < TOLD_WITHIN)
    }
}

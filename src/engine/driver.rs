//! Carries a run out: the machine's orders become calls, what comes of them becomes facts.
//!
//! The driver decides nothing about the run. It owns everything that is under way: the calls, the one stream of
//! platform events, the health gates it feeds, the timers. All of it lives in one task; dropping the driver
//! drops everything with it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, LocalBoxFuture};
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};

use crate::domain::ids::{Address, ProviderId};
use crate::domain::live::{Live, LiveEvent, LiveEventKind};
use crate::domain::plan::model::{Step, StepKind};
use crate::domain::project::naming::volume_name;
use crate::domain::run::fact::{Fact, Halt, StepEnd};
use crate::domain::run::machine::Machine;
use crate::domain::run::order::{Order, RunResult, StepRef};
use crate::domain::time::Boot;
use crate::engine::cx::{Cx, LEASE_LOOK, within};
use crate::engine::ears::Ears;
use crate::engine::gates::Gates;
use crate::engine::ops::Call;
use crate::engine::reconcile::{EngineError, Stop};
use crate::ports::clock::Clock;
use crate::ports::provider::Provider;
use crate::ports::world::World;

/// Platform events that may wait for us.
const STREAM: usize = 1024;
/// Longest time the platform's event stream may take to come up.
const CONNECT: Duration = Duration::from_secs(15);
/// Longest look at everything after a gap in the stream.
const RESEED: Duration = Duration::from_secs(60);

/// What a call under way came to.
pub(super) enum Came {
    /// A step ended.
    Ended { at: StepRef, end: StepEnd },
    /// A step's call was dropped.
    Dropped { at: StepRef },
    /// A probe answered.
    Probed {
        at: StepRef,
        asked: Boot,
        result: Result<(), String>,
    },
    /// A look at everything after a gap.
    Reseeded(Option<Live>),
}

/// A step under way.
pub(super) struct UnderWay {
    /// Drops its call.
    pub(super) abort: AbortHandle,
    /// The operation, if it is one.
    pub(super) call: Option<Call>,
    /// Attempt.
    pub(super) attempt: u32,
}

/// How the driving ended.
pub(super) struct Driven {
    /// What the machine made of it; `None` when it could not be driven to its end.
    pub(super) result: Option<RunResult>,
    /// Trouble with lock, record or journal.
    pub(super) trouble: Option<EngineError>,
}

/// Everything under way.
pub(super) struct Driver<'a, W: World> {
    pub(super) cx: &'a Cx<'a, W>,
    machine: Machine,
    pub(super) tasks: FuturesUnordered<LocalBoxFuture<'a, Came>>,
    pub(super) under_way: BTreeMap<StepRef, UnderWay>,
    pub(super) gates: Gates,
    pub(super) ears: Ears,
    /// Pulls under way by image, with the steps that wait for them beside the one that pulls.
    pub(super) pulls: BTreeMap<String, Vec<StepRef>>,
    /// Steps that wait for the event stream or for a renewed lock.
    pub(super) parked: VecDeque<(StepRef, u32)>,
    connected: bool,
    was_connected: bool,
    halted: bool,
    reseeding: bool,
    connect_by: Option<Boot>,
    /// Images pulled in this run.
    pub(super) pulled: BTreeSet<String>,
    facts: VecDeque<Fact>,
    result: Option<RunResult>,
    done: u32,
    total: u32,
}

impl<'a, W: World> Driver<'a, W> {
    /// Prepares to drive a machine.
    pub(super) fn new(cx: &'a Cx<'a, W>, machine: Machine) -> Self {
        let total: usize = machine.plan().actions.iter().map(|a| a.steps.len()).sum();
        Self {
            cx,
            machine,
            tasks: FuturesUnordered::new(),
            under_way: BTreeMap::new(),
            gates: Gates::default(),
            ears: Ears::default(),
            pulls: BTreeMap::new(),
            parked: VecDeque::new(),
            connected: false,
            was_connected: false,
            halted: false,
            reseeding: false,
            connect_by: None,
            pulled: BTreeSet::new(),
            facts: VecDeque::from([Fact::Begun]),
            result: None,
            done: 0,
            total: u32::try_from(total).unwrap_or(u32::MAX),
        }
    }

    /// Drives the run to its end.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<Stop>) -> Driven {
        let cx = self.cx;
        let (sender, mut stream) = mpsc::channel(STREAM);
        let listening = listen(cx, sender);
        let keeping = cx.lease.keep_alive(cx.world);
        tokio::pin!(listening, keeping);
        let mut lost = false;
        let mut stoppable = true;
        self.turn().await;
        while self.result.is_none() {
            let alarm = self.alarm();
            tokio::select! {
                biased;
                changed = stop.changed(), if stoppable => match changed {
                    Ok(()) => self.stopped(*stop.borrow_and_update()),
                    Err(_) => stoppable = false,
                },
                why = &mut keeping, if !lost => {
                    lost = true;
                    self.halted = true;
                    cx.trouble.borrow_mut().get_or_insert(why);
                    self.facts.push_back(Fact::Halted(Halt::Cancel));
                }
                Some(event) = stream.recv() => self.heard(&event),
                Some(came) = self.tasks.next(), if !self.tasks.is_empty() => self.came(came),
                () = &mut listening => {}
                () = wait_until(cx, alarm) => {}
                () = cx.emitter.reader() => {}
            }
            self.turn().await;
        }
        Driven {
            result: self.result,
            trouble: cx.trouble.borrow_mut().take(),
        }
    }

    /// Feeds all facts to the machine and begins what it orders.
    async fn turn(&mut self) {
        let now = self.now();
        self.look_at_gates(now);
        let unparked = self.unpark(now);
        self.begin_all(unparked).await;
        if self.machine.wake_at().is_some_and(|at| at <= now) {
            self.facts.push_back(Fact::Woke);
        }
        loop {
            self.halt_on_trouble();
            let Some(fact) = self.facts.pop_front() else {
                break;
            };
            let turn = self.machine.step(fact, now);
            self.cx.emitter.emit_all(turn.events);
            let mut begin = Vec::new();
            for order in turn.orders {
                match order {
                    Order::Begin { at, attempt } => begin.push((at, attempt)),
                    Order::Abort { at } => self.abort(at),
                    Order::Close { action, outcome } => self.close(action, outcome),
                    Order::Save => self.save().await,
                    Order::Finish(result) => self.result = Some(*result),
                }
            }
            self.begin_all(begin).await;
        }
    }

    /// Without a journal nothing may be begun.
    fn halt_on_trouble(&mut self) {
        if !self.halted && self.cx.trouble.borrow().is_some() {
            self.halted = true;
            self.facts.push_back(Fact::Halted(Halt::Drain));
        }
    }

    /// Reports the end of a step to the machine.
    pub(super) fn ended(&mut self, at: StepRef, end: StepEnd) {
        self.under_way.remove(&at);
        self.done = self.done.saturating_add(1);
        // What still runs is what others want to know.
        let running = self.under_way.keys().next_back();
        let step = running.and_then(|at| self.cx.step(*at));
        let name = step.map(|(_, step)| step.id.to_string());
        self.cx.lease.progress(name, self.done, self.total);
        self.facts.push_back(Fact::Ended { at, end });
    }

    pub(super) fn now(&self) -> Boot {
        self.cx.world.clock().boot()
    }

    fn stopped(&mut self, stop: Stop) {
        match stop {
            Stop::Run => {}
            Stop::Drain => self.facts.push_back(Fact::Halted(Halt::Drain)),
            Stop::Cancel => self.facts.push_back(Fact::Halted(Halt::Cancel)),
        }
    }

    /// Takes what a call under way came to.
    fn came(&mut self, came: Came) {
        match came {
            Came::Ended { at, end } => {
                self.call_ended(at, &end);
                self.ended(at, end);
            }
            Came::Dropped { at } => self.dropped(at),
            Came::Probed { at, asked, result } => {
                let now = self.now();
                if let Some(open) = self.gates.get_mut(at) {
                    open.gate.probed(asked, result, now);
                    self.gates.rearm(at);
                }
            }
            Came::Reseeded(live) => {
                self.reseeding = false;
                let now = self.now();
                if let Some(live) = live {
                    self.gates.reseed(&live, now);
                }
            }
        }
    }

    /// Takes an event of the platform.
    fn heard(&mut self, event: &LiveEvent) {
        match &event.kind {
            LiveEventKind::Connected => {
                let again = std::mem::replace(&mut self.connected, true);
                if again || self.was_connected {
                    self.reseed();
                }
                self.was_connected = true;
            }
            LiveEventKind::Lost(why) => {
                tracing::debug!(why, "the stream of platform events broke");
                self.connected = false;
                self.connect_by = Some(self.now().after(CONNECT));
            }
            LiveEventKind::VolumeRemoved(id) => self.volume_removed(id),
            kind @ (LiveEventKind::Created
            | LiveEventKind::Started
            | LiveEventKind::Died(_)
            | LiveEventKind::Removed
            | LiveEventKind::Health(_)
            | LiveEventKind::Paused
            | LiveEventKind::Unpaused
            | LiveEventKind::Changed(_)) => {
                if let Some(subject) = &event.subject {
                    let now = self.now();
                    self.ears.hear(&subject.id, kind);
                    self.gates.hear(&subject.id, kind, now);
                }
            }
        }
    }

    /// Somebody removed a volume that the plan leaves as it is. Whatever is made next begins with an empty one, which
    /// no later look could tell from the old: nothing more is begun, and the run says what happened.
    fn volume_removed(&self, id: &ProviderId) {
        let site = self.cx.site;
        let scope = site.scope();
        let known = |address: &Address| {
            let recorded = site.recorded(address).and_then(|r| r.id.as_ref());
            recorded == Some(id) || volume_name(&scope, &address.name) == id.as_str()
        };
        let mut volumes = site
            .project
            .volumes
            .keys()
            .map(|name| Address::volume(name));
        let Some(address) = volumes.find(known) else {
            return;
        };
        let action = self.cx.plan.action(&address);
        let removes = |step: &Step| step.kind == StepKind::RemoveVolume;
        let ours = action.is_none_or(|action| action.steps.iter().any(removes));
        if ours || !self.cx.plan.purpose.builds() {
            return;
        }
        self.cx.note_trouble(Some(Err(EngineError::Invalid(format!(
            "{address} was removed by somebody else while this run went on: its data is gone, and what mounts it \
             from now on begins with an empty one"
        )))));
    }

    /// One look at everything, if any gate waits: after a gap in the stream, and for instances this run did not
    /// start, which may have changed between the observation and the beginning of the stream.
    pub(super) fn reseed(&mut self) {
        if self.gates.is_empty() || std::mem::replace(&mut self.reseeding, true) {
            return;
        }
        let cx = self.cx;
        self.tasks.push(Box::pin(async move {
            let scope = cx.site.scope();
            let none = BTreeSet::new();
            let look = cx.world.provider().observe(&scope, &none);
            let live = within(cx.world, RESEED, look).await;
            Came::Reseeded(live.and_then(Result::ok))
        }));
    }

    /// Returns when something has to be looked at even if nothing is heard.
    fn alarm(&self) -> Option<Boot> {
        let parked = (!self.parked.is_empty()).then(|| self.now().after(LEASE_LOOK));
        [self.machine.wake_at(), self.gates.wake_at(), parked]
            .into_iter()
            .flatten()
            .min()
    }

    /// Tells whether the event stream is up, or has had its chance.
    pub(super) fn is_listening(&mut self, now: Boot) -> Listening {
        if self.connected {
            return Listening::Yes;
        }
        let by = *self.connect_by.get_or_insert_with(|| now.after(CONNECT));
        if now >= by {
            Listening::Never
        } else {
            Listening::NotYet
        }
    }

    /// Tells the lock's record how far the run is.
    pub(super) fn tell_progress(&self, step: &str) {
        self.cx
            .lease
            .progress(Some(step.to_owned()), self.done, self.total);
    }
}

/// Whether the platform's events are heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listening {
    /// They are.
    Yes,
    /// They will be soon.
    NotYet,
    /// The stream did not come up in time.
    Never,
}

/// Listens to the platform for as long as the run lasts.
async fn listen<W: World>(cx: &Cx<'_, W>, sender: mpsc::Sender<LiveEvent>) {
    let scope = cx.site.scope();
    loop {
        cx.world.provider().watch(&scope, sender.clone()).await;
        cx.world.clock().sleep(Duration::from_secs(1)).await;
    }
}

async fn wait_until<W: World>(cx: &Cx<'_, W>, at: Option<Boot>) {
    match at {
        Some(at) => {
            let now = cx.world.clock().boot();
            cx.world.clock().sleep(at.since(now)).await;
        }
        None => std::future::pending().await,
    }
}

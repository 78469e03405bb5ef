//! Begins steps: announces what has to be announced, in one durable write, then starts the calls.

use futures_util::future::{AbortHandle, Abortable};

use crate::domain::effect::Intent;
use crate::domain::plan::model::StepKind;
use crate::domain::project::hook::{Hook, HookPhase};
use crate::domain::run::fact::{Ended, StepEnd};
use crate::domain::run::order::StepRef;
use crate::domain::run::retry::hook_of;
use crate::domain::time::Boot;
use crate::engine::acts::{self, act, begun};
use crate::engine::driver::{Came, Driver, Listening, UnderWay};
use crate::engine::effects::further_effects;
use crate::engine::gates::Open;
use crate::engine::ops::{Call, Misfit, call_of, intent, service, target};
use crate::engine::perform::{call, hook, is_journalled};
use crate::engine::provision::install;
use crate::ports::provider::{Applied, OpKind};
use crate::ports::world::World;

/// Word by which the journal knows steps of procedures: what they call they announce themselves.
pub(super) const ACTION: &str = "action";

/// What a step is about to do.
enum Work {
    /// An operation of the provider.
    Call(Box<Call>),
    /// The same pull is under way already.
    Join(String),
    /// A hook command.
    Hook(HookPhase, Hook),
    /// The installation.
    Install,
    /// A step of a procedure.
    Act,
    /// A wait for health or completion.
    Wait(Box<Open>),
    /// Nothing but the record changes.
    Record,
    /// Nothing: it was done for another step of this run.
    Nothing,
}

impl Work {
    /// Tells whether it calls something that may only be called under the lock.
    fn is_call(&self) -> bool {
        match self {
            Self::Call(call) => is_journalled(&call.op.kind),
            Self::Hook(..) | Self::Install | Self::Act => true,
            Self::Join(_) | Self::Wait(_) | Self::Record | Self::Nothing => false,
        }
    }
}

impl<'a, W: World> Driver<'a, W> {
    /// Begins steps in their order.
    pub(super) async fn begin_all(&mut self, begin: Vec<(StepRef, u32)>) {
        let now = self.now();
        let mut works = Vec::new();
        let mut intents = Vec::new();
        for (at, attempt) in begin {
            match self.may_begin(at, now) {
                Listening::Yes => {}
                Listening::NotYet => {
                    self.parked.push_back((at, attempt));
                    continue;
                }
                Listening::Never => {
                    let why = "the platform's event stream did not come up in time";
                    self.ended(at, StepEnd::failed(why));
                    continue;
                }
            }
            match self.work_of(at, attempt, now) {
                Ok(work) => {
                    intents.extend(self.intent_of(at, attempt, &work));
                    works.push((at, attempt, work));
                }
                Err(why) => self.ended(at, StepEnd::failed(why)),
            }
        }
        let announced = self.announce(intents).await;
        // Announcing may have taken long: whoever held the lock before it need not hold it after.
        let holds = self.cx.lease.may_start(self.now());
        for (at, attempt, work) in works {
            if announced && (holds || !work.is_call()) {
                self.begin(at, attempt, work);
            } else if announced {
                self.take_back(at, attempt, &work);
                self.parked.push_back((at, attempt));
            } else {
                self.ended(
                    at,
                    StepEnd {
                        ended: Ended::NotDone,
                        ..StepEnd::failed("it could not be announced in the journal")
                    },
                );
            }
        }
    }

    /// Takes up parked steps whose time has come.
    pub(super) fn unpark(&mut self, now: Boot) -> Vec<(StepRef, u32)> {
        let mut ready = Vec::new();
        let parked = std::mem::take(&mut self.parked);
        for (at, attempt) in parked {
            if self.may_begin(at, now) == Listening::NotYet {
                self.parked.push_back((at, attempt));
            } else {
                ready.push((at, attempt));
            }
        }
        ready
    }

    /// Nothing begins without the lock; no instance starts and no wait begins before events can be heard.
    fn may_begin(&mut self, at: StepRef, now: Boot) -> Listening {
        let Some((_, step)) = self.cx.step(at) else {
            return Listening::Yes;
        };
        let waits = matches!(
            step.kind,
            StepKind::Start | StepKind::Health | StepKind::Complete
        );
        if waits {
            match self.is_listening(now) {
                Listening::Yes => {}
                other @ (Listening::NotYet | Listening::Never) => return other,
            }
        }
        if self.cx.lease.may_start(now) {
            Listening::Yes
        } else {
            Listening::NotYet
        }
    }

    /// Notes that what was announced is not called now.
    fn take_back(&self, at: StepRef, attempt: u32, work: &Work) {
        if let Some(intent) = self.intent_of(at, attempt, work) {
            self.cx.failed(&intent.pending.op);
        }
    }

    async fn announce(&mut self, intents: Vec<Intent>) -> bool {
        if intents.is_empty() {
            return true;
        }
        let Some(mut keeper) = self.cx.keeper.take() else {
            return false;
        };
        let announced = keeper.intents(self.cx.world, intents).await;
        self.cx.keeper.put(keeper);
        let good = announced.is_ok();
        self.cx.note_trouble(Some(announced));
        good
    }

    fn intent_of(&self, at: StepRef, attempt: u32, work: &Work) -> Option<Intent> {
        let cx = self.cx;
        let (action, step) = cx.step(at)?;
        match work {
            Work::Call(call) if is_journalled(&call.op.kind) => {
                let target = call.target.clone();
                let op = &call.op.id;
                Some(intent(cx.site, action, step, op, &call.verb, target))
            }
            Work::Act => {
                let op = cx.site.op_id(step, attempt);
                Some(intent(cx.site, action, step, &op, ACTION, None))
            }
            Work::Hook(..) | Work::Install => {
                let op = cx.site.op_id(step, attempt);
                let verb = step.kind.as_str();
                Some(intent(cx.site, action, step, &op, verb, None))
            }
            Work::Call(_) | Work::Join(_) | Work::Wait(_) | Work::Record | Work::Nothing => None,
        }
    }

    /// Finds out what a step is to do.
    fn work_of(&mut self, at: StepRef, attempt: u32, now: Boot) -> Result<Work, Misfit> {
        let cx = self.cx;
        let (action, step) = cx.step(at).ok_or("the plan has no such step")?;
        self.tell_progress(step.id.as_str());
        Ok(match &step.kind {
            StepKind::Pull { image } if self.pulled.contains(image) => Work::Nothing,
            StepKind::Pull { image } if self.pulls.contains_key(image) => Work::Join(image.clone()),
            StepKind::Pull { image } => {
                self.pulls.insert(image.clone(), Vec::new());
                self.call_work(at, attempt)?
            }
            StepKind::Hook { phase, .. } => {
                let recorded = cx.site.recorded(&action.address);
                let hook = hook_of(step, cx.site.service(&action.address), recorded);
                let hook = hook.ok_or("the file does not name this hook any more")?;
                Work::Hook(*phase, hook.clone())
            }
            StepKind::Install => Work::Install,
            StepKind::Health | StepKind::Complete => {
                let service = service(cx.site, &action.address)?;
                let target = target(cx.site, action, step)?;
                let job = step.kind == StepKind::Complete;
                Work::Wait(Box::new(self.open_gate(service, target, job, attempt, now)))
            }
            StepKind::Adopt => Work::Record,
            StepKind::Skip { reason, .. } => {
                let text = format!("{} is skipped: {reason}", step.id);
                cx.warn(action, text);
                Work::Record
            }
            StepKind::Perform { .. } | StepKind::PutBack { .. } => Work::Act,
            StepKind::Build
            | StepKind::CreateNetwork
            | StepKind::RemoveNetwork
            | StepKind::CreateVolume
            | StepKind::RemoveVolume
            | StepKind::Create
            | StepKind::Start
            | StepKind::OpenGate
            | StepKind::Stop
            | StepKind::Remove
            | StepKind::Rename
            | StepKind::Limits
            | StepKind::Connect { .. }
            | StepKind::Disconnect { .. }
            | StepKind::Detach { .. }
            | StepKind::Unpause => self.call_work(at, attempt)?,
        })
    }

    fn call_work(&self, at: StepRef, attempt: u32) -> Result<Work, Misfit> {
        let (action, step) = self.cx.step(at).ok_or("the plan has no such step")?;
        Ok(match call_of(self.cx.site, action, step, attempt)? {
            Some(call) => Work::Call(Box::new(call)),
            None => Work::Nothing,
        })
    }

    fn begin(&mut self, at: StepRef, attempt: u32, work: Work) {
        match work {
            Work::Nothing => self.ended(at, StepEnd::done()),
            Work::Record => {
                self.note_further(at);
                self.ended(at, StepEnd::done());
            }
            Work::Join(image) => self.pulls.entry(image).or_default().push(at),
            Work::Wait(open) => {
                let id = open.target.id.clone();
                self.gates.insert(at, *open);
                if self.ears.since_start(&id).opened.is_none() {
                    self.reseed();
                }
            }
            Work::Call(call) => self.begin_call(at, attempt, *call),
            Work::Hook(phase, command) => {
                let cx = self.cx;
                self.start(at, attempt, None, async move {
                    let end = hook(cx, at, attempt, phase, &command).await;
                    close_op(cx, at, attempt, &end);
                    end
                });
            }
            Work::Act => {
                let cx = self.cx;
                if let Some(effect) = cx.step(at).and_then(|(action, _)| begun(cx.site, action)) {
                    cx.note(effect);
                }
                self.start(at, attempt, None, async move {
                    let end = act(cx, at, attempt).await;
                    acts::close(cx, at, attempt, &end);
                    end
                });
            }
            Work::Install => {
                let cx = self.cx;
                self.start(at, attempt, None, async move {
                    let end = install(cx, at, attempt).await;
                    close_op(cx, at, attempt, &end);
                    end
                });
            }
        }
    }

    fn begin_call(&mut self, at: StepRef, attempt: u32, under: Call) {
        match &under.op.kind {
            OpKind::StartInstance(target) => self.ears.starting(&target.id),
            OpKind::OpenGate(target) => self.ears.opening(&target.id),
            OpKind::Unpause(target) => self.ears.unpausing(&target.id),
            OpKind::PullImage { .. }
            | OpKind::BuildImage { .. }
            | OpKind::CreateNetwork { .. }
            | OpKind::RemoveNetwork { .. }
            | OpKind::CreateVolume { .. }
            | OpKind::RemoveVolume { .. }
            | OpKind::CreateInstance(_)
            | OpKind::StopInstance { .. }
            | OpKind::RemoveInstance(_)
            | OpKind::RenameInstance { .. }
            | OpKind::SetLimits { .. }
            | OpKind::Connect { .. }
            | OpKind::Disconnect { .. } => {}
        }
        let cx = self.cx;
        self.start(at, attempt, Some(under.clone()), async move {
            call(cx, at, attempt, &under).await
        });
    }

    pub(super) fn start(
        &mut self,
        at: StepRef,
        attempt: u32,
        under: Option<Call>,
        work: impl Future<Output = StepEnd> + 'a,
    ) {
        let (abort, registration) = AbortHandle::new_pair();
        let work = Abortable::new(work, registration);
        self.tasks.push(Box::pin(async move {
            match work.await {
                Ok(end) => Came::Ended { at, end },
                Err(_) => Came::Dropped { at },
            }
        }));
        let under_way = UnderWay {
            abort,
            call: under,
            attempt,
        };
        self.under_way.insert(at, under_way);
    }

    /// After a call ended: remembers starts, and answers those who waited for the same pull.
    pub(super) fn call_ended(&mut self, at: StepRef, end: &StepEnd) {
        let now = self.now();
        let Some(under) = self.under_way.get(&at).and_then(|u| u.call.clone()) else {
            return;
        };
        match under.op.kind {
            OpKind::StartInstance(target) | OpKind::OpenGate(target) | OpKind::Unpause(target)
                if end.ended == Ended::Done =>
            {
                self.ears.opened(&target.id, now);
            }
            OpKind::PullImage { image } => {
                if end.ended == Ended::Done {
                    self.pulled.insert(image.clone());
                }
                for waiting in self.pulls.remove(&image).unwrap_or_default() {
                    self.ended(waiting, end.clone());
                }
            }
            OpKind::StartInstance(_)
            | OpKind::OpenGate(_)
            | OpKind::BuildImage { .. }
            | OpKind::CreateNetwork { .. }
            | OpKind::RemoveNetwork { .. }
            | OpKind::CreateVolume { .. }
            | OpKind::RemoveVolume { .. }
            | OpKind::CreateInstance(_)
            | OpKind::StopInstance { .. }
            | OpKind::RemoveInstance(_)
            | OpKind::RenameInstance { .. }
            | OpKind::SetLimits { .. }
            | OpKind::Connect { .. }
            | OpKind::Disconnect { .. }
            | OpKind::Unpause(_) => {}
        }
    }

    /// Folds what a finished step leaves beside its operation.
    pub(super) fn note_further(&self, at: StepRef) {
        if let Some((action, step)) = self.cx.step(at) {
            for effect in further_effects(self.cx.site, action, step) {
                self.cx.note(effect);
            }
        }
    }
}

/// Notes how an announced command ended.
fn close_op<W: World>(cx: &crate::engine::cx::Cx<'_, W>, at: StepRef, attempt: u32, end: &StepEnd) {
    let Some((action, step)) = cx.step(at) else {
        return;
    };
    let op = cx.site.op_id(step, attempt);
    match end.ended {
        Ended::Done => {
            cx.done(&op, &Applied::default());
            for effect in further_effects(cx.site, action, step) {
                cx.note(effect);
            }
        }
        // A command cannot be looked up afterwards; it is over as far as the record goes.
        Ended::Failed | Ended::NotDone | Ended::Unknown => cx.failed(&op),
    }
}

//! What every step of a run has at hand: the world, the site, the way to events, record and lock.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::effect::{Effect, Intent};
use crate::domain::event::EventKind;
use crate::domain::ids::OpId;
use crate::domain::plan::model::{Action, Plan, Step};
use crate::domain::record::Pending;
use crate::domain::run::order::{EventDraft, StepRef};
use crate::engine::emit::Emitter;
use crate::engine::keeper::Keeper;
use crate::engine::lease::Lease;
use crate::engine::output::StepLog;
use crate::engine::reconcile::EngineError;
use crate::engine::site::Site;
use crate::ports::clock::Clock;
use crate::ports::hooks::CallEnd;
use crate::ports::provider::{Applied, InstanceRef};
use crate::ports::world::World;

/// How long steps wait before they look again whether the lock was renewed.
pub(super) const LEASE_LOOK: Duration = Duration::from_millis(500);

/// The keeper of the record, shared by the steps of a run on one thread.
///
/// What awaits takes it out and puts it back; no step is polled meanwhile.
pub(super) struct KeeperCell(RefCell<Option<Keeper>>);

impl KeeperCell {
    /// Puts a keeper in.
    pub(super) fn new(keeper: Keeper) -> Self {
        Self(RefCell::new(Some(keeper)))
    }
    /// Takes the keeper out for something that awaits.
    pub(super) fn take(&self) -> Option<Keeper> {
        self.0.borrow_mut().take()
    }
    /// Puts the keeper back.
    pub(super) fn put(&self, keeper: Keeper) {
        *self.0.borrow_mut() = Some(keeper);
    }
    /// Does something with the keeper at once.
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut Keeper) -> T) -> Option<T> {
        self.0.borrow_mut().as_mut().map(f)
    }
}

/// The surroundings of the steps of one run.
pub(super) struct Cx<'a, W: World> {
    /// The world.
    pub(super) world: &'a W,
    /// What is known of it.
    pub(super) site: &'a Site<'a>,
    /// The plan that is carried out.
    pub(super) plan: Arc<Plan>,
    /// The way to events.
    pub(super) emitter: &'a Emitter<'a, W>,
    /// The record.
    pub(super) keeper: &'a KeeperCell,
    /// The lock.
    pub(super) lease: &'a Lease,
    /// What went wrong with record or journal; the run stops because of it.
    pub(super) trouble: RefCell<Option<EngineError>>,
    /// One-off instances under way, to be taken away should their step be dropped.
    pub(super) boxes: RefCell<BTreeMap<StepRef, InstanceRef>>,
}

impl<'a, W: World> Cx<'a, W> {
    /// Returns an action and its step.
    pub(super) fn step(&self, at: StepRef) -> Option<(&Action, &Step)> {
        let action = self.plan.actions.get(at.action)?;
        Some((action, action.steps.get(at.step)?))
    }

    /// Opens the output of an attempt.
    pub(super) fn log(&self, action: &Action, step: &Step, attempt: u32) -> StepLog<'a, W> {
        StepLog::new(
            self.world,
            self.emitter,
            &self.site.run,
            &action.address,
            &step.id,
            attempt,
        )
    }

    /// Emits a warning about a resource.
    pub(super) fn warn(&self, action: &Action, text: String) {
        self.emitter.emit(EventDraft::about(
            &action.address,
            EventKind::Warning { text },
        ));
    }

    /// Announces an operation in the middle of a step. The step itself was announced before, so the state carries
    /// our fencing token already and nothing here has to wait.
    pub(super) fn announce_now(&self, pending: Pending) -> Result<(), EngineError> {
        let intent = Intent {
            pending,
            shape: None,
        };
        self.keeper
            .with(|keeper| keeper.intent(self.world, intent).now_or_never())
            .flatten()
            .unwrap_or_else(|| {
                Err(EngineError::Invalid(
                    "the journal is not ready for an operation".to_owned(),
                ))
            })
    }

    /// Waits until an operation may be started, in the middle of a step: the lock may be due for renewal. That it
    /// is lost is an error.
    pub(super) async fn lock_held(&self) -> Result<(), EngineError> {
        loop {
            if let Some(why) = self.lease.lost() {
                return Err(EngineError::LockLost(why));
            }
            let clock = self.world.clock();
            if self.lease.may_start(clock.boot()) {
                return Ok(());
            }
            clock.sleep(LEASE_LOOK).await;
        }
    }

    /// The same before a command goes out.
    pub(super) async fn may_command(&self) -> Result<(), CallEnd> {
        let held = self.lock_held().await;
        held.map_err(|lost| CallEnd::NotStarted(lost.to_string()))
    }

    /// Notes that an operation happened.
    pub(super) fn done(&self, op: &OpId, applied: &Applied) {
        let noted = self.keeper.with(|k| k.done(self.world, op, applied));
        self.note_trouble(noted);
    }

    /// Notes that an operation did not happen.
    pub(super) fn failed(&self, op: &OpId) {
        let noted = self.keeper.with(|k| k.failed(self.world, op));
        self.note_trouble(noted);
    }

    /// Notes that nobody knows what became of an operation.
    pub(super) fn unknown(&self, op: &OpId) {
        let noted = self.keeper.with(|k| k.unknown(self.world, op));
        self.note_trouble(noted);
    }

    /// Folds something into the record.
    pub(super) fn note(&self, effect: Effect) {
        let noted = self.keeper.with(|k| k.note(self.world, effect));
        self.note_trouble(noted);
    }

    /// Remembers the first trouble with record or journal.
    pub(super) fn note_trouble(&self, noted: Option<Result<(), EngineError>>) {
        if let Some(Err(error)) = noted {
            self.trouble.borrow_mut().get_or_insert(error);
        }
    }
}

/// Waits for something, but no longer than `limit`.
pub(super) async fn within<W: World, T>(
    world: &W,
    limit: Duration,
    what: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        done = what => Some(done),
        () = world.clock().sleep(limit) => None,
    }
}

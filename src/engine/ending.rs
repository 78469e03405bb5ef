//! Ends of steps and actions: dropped calls are settled, finished actions folded into the record.

use crate::domain::effect::Effect;
use crate::domain::event::StepOutcome;
use crate::domain::ids::ResourceKind;
use crate::domain::plan::model::{ActionKind, Purpose, StepKind, Strategy};
use crate::domain::run::fact::{Ended, StepEnd};
use crate::domain::run::order::StepRef;
use crate::engine::boxes::remove_box;
use crate::engine::driver::{Came, Driver};
use crate::engine::effects::stock_taken;
use crate::engine::keeper::Keeper;
use crate::engine::perform::settle;
use crate::engine::reconcile::EngineError;
use crate::ports::cas_store::CasStore;
use crate::ports::world::World;

impl<W: World> Driver<'_, W> {
    /// Drops what is under way for a step.
    pub(super) fn abort(&mut self, at: StepRef) {
        if let Some(place) = self.parked.iter().position(|(parked, _)| *parked == at) {
            self.parked.remove(place);
            self.ended(at, not_done());
        } else if self.gates.remove(at).is_some() {
            self.ended(at, not_done());
        } else if let Some(under_way) = self.under_way.get(&at) {
            under_way.abort.abort();
        } else {
            // It waits for a pull of another step.
            self.ended(at, not_done());
        }
    }

    /// The call of a step was dropped: one look settles what became of it.
    pub(super) fn dropped(&mut self, at: StepRef) {
        let Some(under_way) = self.under_way.remove(&at) else {
            return;
        };
        let cx = self.cx;
        self.tasks.push(Box::pin(async move {
            let why = "the run was stopped";
            if let Some(call) = under_way.call {
                let end = settle(cx, at, &call, why).await;
                return Came::Ended { at, end };
            }
            if let Some((_, step)) = cx.step(at) {
                let op = cx.site.op_id(step, under_way.attempt);
                remove_box(cx, at, &op).await;
                cx.failed(&op);
            }
            let end = StepEnd::unknown("it was cut off, because the run was stopped");
            Came::Ended { at, end }
        }));
    }

    /// Folds a finished action into the record.
    pub(super) fn close(&mut self, index: usize, outcome: StepOutcome) {
        let cx = self.cx;
        let Some(action) = cx.plan.actions.get(index) else {
            return;
        };
        if outcome != StepOutcome::Done {
            return;
        }
        let address = action.address.clone();
        if action.kind == ActionKind::Delete {
            cx.note(Effect::Forgotten { address });
            return;
        }
        let stock = cx.keeper.with(|keeper| {
            keeper
                .record()
                .map(|record| stock_taken(cx.site, action, record))
        });
        for effect in stock.flatten().unwrap_or_default() {
            cx.note(effect);
        }
        // Whoever names a service that an unfinished action stopped wants it to run.
        let is_service = address.kind == ResourceKind::Service;
        if is_service && action.strategy == Strategy::Start && !cx.site.record.flows.is_empty() {
            cx.note(Effect::FlowReleased {
                address: address.clone(),
            });
        }
        // A restoration that makes nothing anew leaves what was recorded.
        let restored = cx.plan.purpose == Purpose::Restore
            && !action
                .steps
                .iter()
                .any(|step| step.kind == StepKind::Create);
        if let Some(shape) = cx.site.shape(action).filter(|_| !restored) {
            cx.note(Effect::Applied { address, shape });
        }
    }

    pub(super) async fn save(&mut self) {
        let Some(mut keeper) = self.cx.keeper.take() else {
            return;
        };
        let saved = keeper.save(self.cx.world).await;
        self.cx.keeper.put(keeper);
        self.cx.note_trouble(Some(saved));
    }
}

fn not_done() -> StepEnd {
    StepEnd {
        ended: Ended::NotDone,
        ..StepEnd::failed("the run was stopped")
    }
}

/// Saves the record of a run that is over; where that cannot be done, it is kept elsewhere and that is told.
pub(super) async fn saved<W: World>(
    world: &W,
    mut keeper: Keeper,
    verdict: Result<(), EngineError>,
) -> Result<(), EngineError> {
    let Err(unsaved) = keeper.finish(world).await else {
        return verdict;
    };
    let kept = keeper.rescue(world);
    if let Err(error) = &kept {
        tracing::error!(%error, "the state could not be kept elsewhere either");
    }
    Err(EngineError::Unsaved {
        location: world.state().location(),
        kept: kept.ok(),
        also: verdict.err().map(Box::new),
        source: Box::new(unsaved),
    })
}

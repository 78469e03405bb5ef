//! Settles what earlier runs left open: operations that were announced and whose end nobody knows.

use std::time::Duration;

use crate::domain::effect::Effect;
use crate::domain::event::EventKind;
use crate::domain::flow::Mark;
use crate::domain::ids::{Address, OpId, RunId};
use crate::domain::live::Live;
use crate::domain::record::Record;
use crate::domain::run::order::EventDraft;
use crate::engine::begin::ACTION;
use crate::engine::cx::within;
use crate::engine::emit::Emitter;
use crate::engine::keeper::Keeper;
use crate::engine::lease::Lease;
use crate::engine::reconcile::EngineError;
use crate::ports::clock::Clock;
use crate::ports::provider::{InstanceRef, Op, OpKind, Outcome, Provider, ProviderError, Settled};
use crate::ports::sink::NoSink;
use crate::ports::world::World;

/// Longest look at one operation.
const LOOK: Duration = Duration::from_secs(30);

/// Looks what became of every open operation and tells the keeper.
pub(super) async fn settle_all<W: World>(
    world: &W,
    keeper: &mut Keeper,
    emitter: &Emitter<'_, W>,
) -> Result<(), EngineError> {
    for pending in keeper.open_ops() {
        if matches!(pending.verb.as_str(), "hook" | "install" | ACTION) {
            // A command cannot be looked up; that it may have run is worth telling.
            let text = format!(
                "{} was under way when run {} was cut off; it may have run in part",
                pending.step, pending.run
            );
            emitter.emit(EventDraft::about(
                &pending.address,
                EventKind::Warning { text },
            ));
            keeper.failed(world, &pending.op)?;
            if pending.verb == ACTION
                && let Some((_, label)) = pending.step.as_str().split_once('/')
            {
                keeper.note(
                    world,
                    Effect::FlowStep {
                        address: pending.address.clone(),
                        step: label.to_owned(),
                        mark: Mark::Failed,
                    },
                )?;
            }
            continue;
        }
        let Some(scope) = keeper.record().map(|record| record.scope.clone()) else {
            continue;
        };
        let provider = world.provider();
        let look = provider.settle(&pending.op, &pending.verb, pending.target.as_ref(), &scope);
        match within(world, LOOK, look).await {
            Some(Ok(Settled::Done(applied))) => {
                keeper.done(world, &pending.op, &applied)?;
            }
            Some(Ok(Settled::NotDone)) => keeper.failed(world, &pending.op)?,
            Some(Err(error)) => return Err(EngineError::Provider(error)),
            None => {
                return Err(EngineError::Provider(ProviderError::Call {
                    call: "settle".to_owned(),
                    subject: pending.step.to_string(),
                    cause: "no answer in time".to_owned(),
                }));
            }
        }
    }
    Ok(())
}

/// Takes away what is live of one-off instances: under the lock nobody else can be using them, so an earlier run
/// left them behind. Failing at it is not worth failing a run for.
pub(super) async fn sweep_boxes<W: World>(
    world: &W,
    record: &Record,
    live: &Live,
    emitter: &Emitter<'_, W>,
    (run, lease): (&RunId, &Lease),
) {
    let left = live
        .instances
        .iter()
        .filter(|one| one.one_off && one.lineage.as_ref() == Some(&record.lineage));
    for one in left {
        let address = Address::service(&one.service);
        let text = format!(
            "{} was left behind by an earlier run and is removed",
            one.name
        );
        emitter.emit(EventDraft::about(&address, EventKind::Warning { text }));
        let target = InstanceRef {
            id: one.id.clone(),
            name: one.name.clone(),
            address,
            instance: one.instance,
        };
        let stop = OpKind::StopInstance {
            target: target.clone(),
            grace: Duration::ZERO,
            signal: None,
        };
        for (word, kind) in [("stop", stop), ("remove", OpKind::RemoveInstance(target))] {
            // The next run finds it again.
            if !lease.may_start(world.clock().boot()) {
                return;
            }
            let op = Op {
                id: OpId(format!("{run}/sweep/{}.{word}", one.id)),
                fence: record.fence,
                scope: record.scope.clone(),
                lineage: record.lineage.clone(),
                kind,
            };
            match within(world, LOOK, world.provider().apply(&op, &NoSink)).await {
                Some(Outcome::Done(_)) => {}
                Some(Outcome::Failed(error) | Outcome::Unknown(error)) => {
                    tracing::warn!(%error, name = one.name, "a one-off instance stays behind");
                }
                None => tracing::warn!(name = one.name, "a one-off instance stays behind"),
            }
        }
    }
}

//! Settles what earlier runs left open: operations that were announced and whose end nobody knows.

use std::time::Duration;

use crate::domain::event::EventKind;
use crate::domain::ids::{OpId, ResourceKind};
use crate::domain::record::Pending;
use crate::domain::run::order::EventDraft;
use crate::engine::cx::within;
use crate::engine::emit::Emitter;
use crate::engine::keeper::Keeper;
use crate::engine::reconcile::EngineError;
use crate::ports::provider::{
    Applied, InstanceRef, Op, OpKind, Outcome, Provider, ProviderError, Settled,
};
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
        if matches!(pending.verb.as_str(), "hook" | "install") {
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
                if is_box(&pending) {
                    sweep(world, keeper, &pending, &applied).await;
                }
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

/// A one-off instance is no instance of its service.
fn is_box(pending: &Pending) -> bool {
    pending.address.kind == ResourceKind::Service
        && pending.instance.is_none()
        && pending.verb == "create"
}

/// Takes a one-off away that an earlier run left behind. It is not worth failing a run for.
async fn sweep<W: World>(world: &W, keeper: &Keeper, pending: &Pending, applied: &Applied) {
    let (Some(id), Some(record)) = (&applied.id, keeper.record()) else {
        return;
    };
    let target = InstanceRef {
        id: id.clone(),
        name: applied.name.clone().unwrap_or_default(),
        address: pending.address.clone(),
        instance: crate::domain::ids::Instance(0),
    };
    let stop = OpKind::StopInstance {
        target: target.clone(),
        grace: Duration::ZERO,
        signal: None,
    };
    for (word, kind) in [("stop", stop), ("remove", OpKind::RemoveInstance(target))] {
        let op = Op {
            id: OpId(format!("{}/sweep.{word}", pending.op)),
            fence: record.fence,
            scope: record.scope.clone(),
            lineage: record.lineage.clone(),
            kind,
        };
        match within(world, LOOK, world.provider().apply(&op, &NoSink)).await {
            Some(Outcome::Done(_)) => {}
            Some(Outcome::Failed(error) | Outcome::Unknown(error)) => {
                tracing::warn!(%error, step = %pending.step, "a one-off instance stays behind");
            }
            None => tracing::warn!(step = %pending.step, "a one-off instance stays behind"),
        }
    }
}

//! Settles what earlier runs left open: operations that were announced and whose end nobody knows.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::effect::Effect;
use crate::domain::event::EventKind;
use crate::domain::flow::Mark;
use crate::domain::ids::{Address, OpId, ProviderId, RunId, Scope};
use crate::domain::live::{Live, LiveInstance, Status};
use crate::domain::plan::model::StepKind;
use crate::domain::project::project::Project;
use crate::domain::record::{Pending, Record};
use crate::domain::run::order::EventDraft;
use crate::engine::begin::ACTION;
use crate::engine::cx::within;
use crate::engine::emit::Emitter;
use crate::engine::keeper::Keeper;
use crate::engine::lease::Lease;
use crate::engine::ops::grace_of;
use crate::engine::reconcile::EngineError;
use crate::ports::clock::Clock;
use crate::ports::provider::{InstanceRef, Op, OpKind, Outcome, Provider, ProviderError, Settled};
use crate::ports::sink::NoSink;
use crate::ports::world::World;

/// Longest look at one operation.
const LOOK: Duration = Duration::from_secs(30);
/// How long a platform may take to stop something beyond its grace.
const MARGIN: Duration = Duration::from_secs(2);
/// Pause between two looks at a stop that may be on its way.
const AGAIN: Duration = Duration::from_secs(1);

/// Looks what became of every open operation and tells the keeper.
pub(super) async fn settle_all<W: World>(
    world: &W,
    project: &Project,
    (keeper, lease): (&mut Keeper, &Lease),
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
        let settled = match look(world, &pending, &scope).await? {
            Settled::NotDone if is_stop(&pending) => {
                let recorded = keeper
                    .record()
                    .and_then(|record| record.resources.get(&pending.address));
                let desired = project.services.get(&pending.address.name);
                let grace = grace_of(recorded, desired);
                seen_to_its_end(world, (&pending, &scope), grace).await?
            }
            settled => settled,
        };
        // A look may take long, and who was displaced meanwhile has no say any more.
        if !lease.may_start(world.clock().boot()) {
            let why = "it ran out while it was looked what a run that was cut off left";
            return Err(EngineError::LockLost(why.to_owned()));
        }
        match settled {
            Settled::Done(applied) => keeper.done(world, &pending.op, &applied)?,
            Settled::NotDone => keeper.failed(world, &pending.op)?,
        }
    }
    Ok(())
}

/// Looks once what became of an operation.
async fn look<W: World>(
    world: &W,
    pending: &Pending,
    scope: &Scope,
) -> Result<Settled, EngineError> {
    let provider = world.provider();
    let look = provider.settle(&pending.op, &pending.verb, pending.target.as_ref(), scope);
    match within(world, LOOK, look).await {
        Some(settled) => settled.map_err(EngineError::Provider),
        None => Err(EngineError::Provider(ProviderError::Call {
            call: "settle".to_owned(),
            subject: pending.step.to_string(),
            cause: "no answer in time".to_owned(),
        })),
    }
}

/// A stop may be on its way although the instance still runs: whoever asked for it is gone, the platform goes on with it.
/// As long as that may take it is waited for, so that nothing ends beneath what the run is about to do.
async fn seen_to_its_end<W: World>(
    world: &W,
    (pending, scope): (&Pending, &Scope),
    grace: Duration,
) -> Result<Settled, EngineError> {
    let until = world.clock().boot().after(grace.saturating_add(MARGIN));
    while world.clock().boot() < until {
        world.clock().sleep(AGAIN).await;
        if let done @ Settled::Done(_) = look(world, pending, scope).await? {
            return Ok(done);
        }
    }
    Ok(Settled::NotDone)
}

/// Tells what is as good as stopped as if it were: a stop of it was announced, and the next run waits for its end.
pub(super) fn foreseen<'a>(live: &'a Live, record: Option<&Record>) -> Cow<'a, Live> {
    let pending = record.map_or(&[][..], |record| &record.pending);
    let stopping: BTreeSet<&ProviderId> = pending
        .iter()
        .filter(|pending| is_stop(pending))
        .filter_map(|pending| pending.target.as_ref())
        .collect();
    let is_stopping = |one: &LiveInstance| {
        matches!(
            one.status,
            Status::Running | Status::Paused | Status::Restarting
        ) && stopping.contains(&one.id)
    };
    if !live.instances.iter().any(is_stopping) {
        return Cow::Borrowed(live);
    }
    let mut live = live.clone();
    for one in &mut live.instances {
        if is_stopping(one) {
            one.status = Status::Exited(0);
        }
    }
    Cow::Owned(live)
}

fn is_stop(pending: &Pending) -> bool {
    pending.verb == StepKind::Stop.as_str()
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

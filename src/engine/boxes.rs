//! A one-off instance from its creation to its removal: the box a heavy installation runs in.

use std::time::Duration;

use crate::domain::ids::{OpId, ProviderId};
use crate::domain::record::Pending;
use crate::domain::run::order::StepRef;
use crate::engine::cx::{Cx, within};
use crate::engine::ops::Call;
use crate::engine::perform::{look_up, words};
use crate::ports::hooks::CallEnd;
use crate::ports::provider::{
    Applied, InstanceRef, InstanceSpec, LogQuery, OpKind, Outcome, Provider, Settled,
};
use crate::ports::sink::{NoSink, Sink};
use crate::ports::world::World;

/// Longest time one of its operations may take.
const OPERATION: Duration = Duration::from_secs(120);
/// How long its last output may come after its end.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// Makes the instance, runs it to its end, hands out its output, and removes it whatever happens.
pub(super) async fn run_box<W: World>(
    cx: &Cx<'_, W>,
    at: StepRef,
    spec: InstanceSpec,
    op: &OpId,
    timeout: Duration,
    sink: &dyn Sink,
) -> CallEnd {
    let (address, instance) = (spec.address.clone(), spec.instance);
    let create = OpKind::CreateInstance(Box::new(spec));
    let made = match apply(cx, at, op, "create", None, create).await {
        Ok(Applied {
            id: Some(id), name, ..
        }) => InstanceRef {
            id,
            name: name.unwrap_or_default(),
            address,
            instance,
        },
        Ok(Applied { id: None, .. }) => {
            return CallEnd::NotStarted("the platform did not name what it made".to_owned());
        }
        Err(end) => return end,
    };
    cx.boxes.borrow_mut().insert(at, made.clone());
    let start = OpId(format!("{op}/start"));
    let started = apply(
        cx,
        at,
        &start,
        "start",
        Some(made.id.clone()),
        OpKind::StartInstance(made.clone()),
    );
    let end = match started.await {
        Ok(_) => watch_box(cx, &made, timeout, sink).await,
        Err(end) => end,
    };
    remove_box(cx, at, op).await;
    end
}

/// Hands out the output of a box until it ends.
async fn watch_box<W: World>(
    cx: &Cx<'_, W>,
    made: &InstanceRef,
    timeout: Duration,
    sink: &dyn Sink,
) -> CallEnd {
    let provider = cx.world.provider();
    let query = LogQuery {
        tail: None,
        follow: true,
        timestamps: false,
    };
    let logs = provider.logs(made, query, sink);
    let wait = within(cx.world, timeout, provider.wait(made));
    tokio::pin!(logs, wait);
    let mut read_all = false;
    let code = loop {
        tokio::select! {
            biased;
            code = &mut wait => break code,
            _ = &mut logs, if !read_all => read_all = true,
        }
    };
    if !read_all {
        // Whatever has not come by then will not come.
        let _ = within(cx.world, LAST_OUTPUT, &mut logs).await;
    }
    match code {
        Some(Ok(code)) => CallEnd::Exited(code),
        Some(Err(error)) => CallEnd::Unknown(words(&error)),
        None => CallEnd::TimedOut,
    }
}

/// Takes the box of a step away, running or not.
pub(super) async fn remove_box<W: World>(cx: &Cx<'_, W>, at: StepRef, op: &OpId) {
    let Some(made) = cx.boxes.borrow_mut().remove(&at) else {
        return;
    };
    let stop = OpKind::StopInstance {
        target: made.clone(),
        grace: Duration::ZERO,
        signal: None,
    };
    let id = Some(made.id.clone());
    let remove = OpKind::RemoveInstance(made.clone());
    for attempt in 1..=2 {
        let stopping = OpId(format!("{op}/stop.{attempt}"));
        let removing = OpId(format!("{op}/remove.{attempt}"));
        let stopped = apply(cx, at, &stopping, "stop", id.clone(), stop.clone()).await;
        let removed = apply(cx, at, &removing, "remove", id.clone(), remove.clone()).await;
        if stopped.is_ok() && removed.is_ok() {
            return;
        }
    }
    // The next run finds it by its label and takes it away.
    tracing::warn!(name = made.name, "a one-off instance could not be removed");
}

/// Announces and carries out one operation in the middle of a step; a lost reply is settled by looking.
pub(super) async fn apply<W: World>(
    cx: &Cx<'_, W>,
    at: StepRef,
    id: &OpId,
    verb: &str,
    target: Option<ProviderId>,
    kind: OpKind,
) -> Result<Applied, CallEnd> {
    cx.may_command().await?;
    let pending = cx.step(at).map(|(action, step)| Pending {
        run: cx.site.run.clone(),
        step: step.id.clone(),
        op: id.clone(),
        address: action.address.clone(),
        // A box is no instance of its service: the record knows it only while it is pending.
        instance: None,
        verb: verb.to_owned(),
        target: target.clone(),
    });
    if let Some(pending) = pending {
        cx.announce_now(pending)
            .map_err(|why| CallEnd::NotStarted(why.to_string()))?;
    }
    let call = Call::new(cx.site, id.clone(), verb, kind, target);
    let applied = cx.world.provider().apply(&call.op, &NoSink);
    let why = match within(cx.world, OPERATION, applied).await {
        Some(Outcome::Done(applied)) => {
            cx.done(id, &applied);
            return Ok(applied);
        }
        Some(Outcome::Failed(error)) => {
            cx.failed(id);
            return Err(CallEnd::NotStarted(words(&error)));
        }
        Some(Outcome::Unknown(error)) => words(&error),
        None => "no reply".to_owned(),
    };
    match look_up(cx, &call).await {
        Some(Settled::Done(applied)) => {
            cx.done(id, &applied);
            Ok(applied)
        }
        Some(Settled::NotDone) => {
            cx.failed(id);
            Err(CallEnd::NotStarted(why))
        }
        None => {
            cx.unknown(id);
            Err(CallEnd::Unknown(why))
        }
    }
}

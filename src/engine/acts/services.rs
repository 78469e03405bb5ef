//! Stopping, starting and scaling what runs, and putting it back. Whatever is so already is left alone.

use crate::domain::ids::{Instance, OpId};
use crate::domain::live::{LiveInstance, Status};
use crate::domain::project::procedure::Primitive;
use crate::domain::project::service::ServiceKind;
use crate::domain::run::order::StepRef;
use crate::engine::acts::reference;
use crate::engine::boxes::apply;
use crate::engine::cx::Cx;
use crate::engine::perform::words;
use crate::ports::hooks::CallEnd;
use crate::ports::provider::{OpKind, Provider};
use crate::ports::world::World;

/// Looks at the instances of a service, by number.
pub(super) async fn instances<W: World>(
    cx: &Cx<'_, W>,
    service: &str,
) -> Result<Vec<LiveInstance>, String> {
    let none = std::collections::BTreeSet::new();
    let live = cx.world.provider().observe(&cx.site.scope(), &none).await;
    let live = live.map_err(|error| words(&error))?;
    let mut all: Vec<LiveInstance> = live
        .of_service(service)
        .filter(|one| one.lineage.as_ref() == Some(cx.site.lineage()))
        .cloned()
        .collect();
    all.sort_by_key(|one| one.instance);
    Ok(all)
}

/// Does what a step asks for.
pub(super) async fn change<W: World>(
    cx: &Cx<'_, W>,
    at: (StepRef, u32),
    primitive: &Primitive,
) -> Result<(), String> {
    match primitive {
        Primitive::Stop { services, .. } => {
            for service in services {
                run_only(cx, at, service, 0, "stop").await?;
            }
        }
        Primitive::Start { services } => {
            for service in services {
                start(cx, at, service).await?;
            }
        }
        Primitive::Restart { services } => {
            for service in services {
                run_only(cx, at, service, 0, "stop").await?;
                start(cx, at, service).await?;
            }
        }
        Primitive::Scale { service, to, .. } => {
            let wanted = usize::try_from(*to).unwrap_or(usize::MAX);
            run_only(cx, at, service, wanted, "scale").await?;
        }
        Primitive::Exec { .. }
        | Primitive::Run { .. }
        | Primitive::Job { .. }
        | Primitive::Wait(_)
        | Primitive::Backup { .. }
        | Primitive::Restore { .. }
        | Primitive::Assert { .. } => {}
    }
    Ok(())
}

/// Lets a service run again as the file wants it; a job that ended did its work, and what is gone is a deploy's matter.
pub(super) async fn put_back<W: World>(
    cx: &Cx<'_, W>,
    at: (StepRef, u32),
    service: &str,
) -> Result<(), String> {
    let wanted = cx.site.project.services.get(service);
    let stays = wanted.is_some_and(|wanted| wanted.kind == ServiceKind::Service);
    if stays && !instances(cx, service).await?.is_empty() {
        start(cx, at, service).await?;
    }
    Ok(())
}

async fn start<W: World>(cx: &Cx<'_, W>, at: (StepRef, u32), service: &str) -> Result<(), String> {
    let all = instances(cx, service).await?;
    if all.is_empty() {
        return Err(format!("{service} has no instances; deploy it first"));
    }
    run_only(cx, at, service, all.len(), "start").await
}

/// Lets the first `wanted` instances run and stops the others.
async fn run_only<W: World>(
    cx: &Cx<'_, W>,
    at: (StepRef, u32),
    service: &str,
    wanted: usize,
    word: &str,
) -> Result<(), String> {
    let all = instances(cx, service).await?;
    if all.len() < wanted {
        return Err(format!(
            "{service} has {} instances, not {wanted}; deploy it first",
            all.len()
        ));
    }
    // Those that go are stopped first, the last one first.
    for live in all.iter().skip(wanted).rev() {
        if runs(live.status) {
            stop(cx, at, (service, live), word).await?;
        }
    }
    for live in all.iter().take(wanted) {
        let target = reference(service, live);
        match live.status {
            Status::Running | Status::Restarting => {}
            Status::Paused => {
                one(cx, at, (live, "unpause", word), OpKind::Unpause(target)).await?;
            }
            Status::Created | Status::Exited(_) | Status::Dead => {
                one(cx, at, (live, "start", word), OpKind::StartInstance(target)).await?;
            }
        }
    }
    Ok(())
}

fn runs(status: Status) -> bool {
    match status {
        Status::Running | Status::Paused | Status::Restarting => true,
        Status::Created | Status::Exited(_) | Status::Dead => false,
    }
}

async fn stop<W: World>(
    cx: &Cx<'_, W>,
    at: (StepRef, u32),
    (service, live): (&str, &LiveInstance),
    word: &str,
) -> Result<(), String> {
    let wanted = cx.site.project.services.get(service);
    let kind = OpKind::StopInstance {
        target: reference(service, live),
        grace: wanted.map_or(crate::domain::project::service::Service::STOP_GRACE, |s| {
            s.stop_grace
        }),
        signal: wanted.and_then(|wanted| wanted.stop_signal.clone()),
    };
    one(cx, at, (live, "stop", word), kind).await
}

async fn one<W: World>(
    cx: &Cx<'_, W>,
    (at, attempt): (StepRef, u32),
    (live, verb, word): (&LiveInstance, &str, &str),
    kind: OpKind,
) -> Result<(), String> {
    let Some((_, step)) = cx.step(at) else {
        return Err("the plan has no such step".to_owned());
    };
    let id = op(
        &cx.site.op_id(step, attempt),
        live.instance,
        (verb, word),
        &live.id.0,
    );
    let done = apply(cx, at, &id, verb, Some(live.id.clone()), kind).await;
    done.map(|_| ()).map_err(|end| match end {
        CallEnd::NotStarted(why) | CallEnd::Unknown(why) | CallEnd::InstanceGone(why) => why,
        CallEnd::Exited(code) => format!("it ended with exit code {code}"),
        CallEnd::TimedOut => "it took too long".to_owned(),
    })
}

fn op(step: &OpId, instance: Instance, (verb, word): (&str, &str), id: &str) -> OpId {
    OpId(format!("{step}/{word}.{verb}.{instance}.{id}"))
}

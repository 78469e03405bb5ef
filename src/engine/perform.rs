//! Carries out one step: an operation of the provider or a hook, with its output, its end, and what is recorded.

use std::time::Duration;

use crate::domain::plan::model::{Action, Step, StepPlace};
use crate::domain::project::hook::{Hook, HookPhase};
use crate::domain::run::fact::{Ended, StepEnd};
use crate::domain::run::order::StepRef;
use crate::engine::cx::{Cx, within};
use crate::engine::effects::further_effects;
use crate::engine::ops::{Call, target};
use crate::engine::output::{Printed, StepLog, TAIL};
use crate::engine::tail::{Tail, last_lines};
use crate::ports::clock::Clock;
use crate::ports::hooks::{CallEnd, HostCall, HostHooks, Value};
use crate::ports::provider::{
    Applied, ExecCall, InstanceRef, LogQuery, OpKind, Outcome, Provider, ProviderError, Settled,
};
use crate::ports::world::World;

/// Longest time an operation may take before its outcome counts as unknown.
const OPERATION: Duration = Duration::from_secs(300);
/// Longest time a pull or a build may take.
const IMAGE: Duration = Duration::from_secs(3600);
/// Longest time one look at a lost operation may take.
const LOOK: Duration = Duration::from_secs(10);
/// How long a lost operation is looked up again: a platform that is started anew takes a while to answer.
const LOOKED_UP: Duration = Duration::from_secs(20);
/// Pause between two such looks.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How much longer than its own timeout a command may take to be ended.
pub(super) const KILL_MARGIN: Duration = Duration::from_secs(30);

/// Calls the provider and settles what becomes of it.
pub(super) async fn call<W: World>(
    cx: &Cx<'_, W>,
    at: StepRef,
    attempt: u32,
    call: &Call,
) -> StepEnd {
    let Some((action, step)) = cx.step(at) else {
        return StepEnd::failed("the plan has no such step");
    };
    let log = cx.log(action, step, attempt);
    // Between its beginning and this first poll the journal may have kept everything waiting.
    if let Err(lost) = cx.lock_held().await {
        cx.failed(&call.op.id);
        return not_done(&lost.to_string());
    }
    let limit = limit_of(&call.op.kind);
    let outcome = within(cx.world, limit, cx.world.provider().apply(&call.op, &log)).await;
    let printed = log.finish();
    let mut end = match outcome {
        Some(Outcome::Done(applied)) => happened(cx, action, step, call, &applied),
        Some(Outcome::Failed(error)) => {
            cx.failed(&call.op.id);
            StepEnd::failed(with_tail(&words(&error), &printed))
        }
        Some(Outcome::Unknown(error)) => settle(cx, at, call, &words(&error)).await,
        None => {
            let why = format!("no reply within {} s", limit.as_secs());
            settle(cx, at, call, &why).await
        }
    };
    end.log = printed.log;
    end
}

/// Finds out by looking what became of an operation whose reply was lost.
pub(super) async fn settle<W: World>(
    cx: &Cx<'_, W>,
    at: StepRef,
    call: &Call,
    why: &str,
) -> StepEnd {
    let Some((action, step)) = cx.step(at) else {
        return StepEnd::failed("the plan has no such step");
    };
    if !is_journalled(&call.op.kind) {
        return not_done(why);
    }
    match look_up(cx, call).await {
        Some(Settled::Done(applied)) => happened(cx, action, step, call, &applied),
        Some(Settled::NotDone) => {
            cx.failed(&call.op.id);
            not_done(why)
        }
        None => {
            cx.unknown(&call.op.id);
            StepEnd::unknown(format!("nobody knows whether it happened: {why}"))
        }
    }
}

/// Looks what became of an operation; `None`: that could not be found out.
pub(super) async fn look_up<W: World>(cx: &Cx<'_, W>, call: &Call) -> Option<Settled> {
    let until = cx.world.clock().boot().after(LOOKED_UP);
    loop {
        let settled = cx.world.provider().settle(
            &call.op.id,
            &call.verb,
            call.target.as_ref(),
            &call.op.scope,
        );
        if let Some(Ok(settled)) = within(cx.world, LOOK, settled).await {
            return Some(settled);
        }
        if cx.world.clock().boot() >= until {
            return None;
        }
        cx.world.clock().sleep(LOOK_AGAIN).await;
    }
}

fn not_done(why: &str) -> StepEnd {
    StepEnd {
        ended: Ended::NotDone,
        ..StepEnd::failed(format!("it did not happen: {why}"))
    }
}

/// Records an operation that happened.
fn happened<W: World>(
    cx: &Cx<'_, W>,
    action: &Action,
    step: &Step,
    call: &Call,
    applied: &Applied,
) -> StepEnd {
    for warning in &applied.warnings {
        cx.warn(action, warning.clone());
    }
    if matches!(call.op.kind, OpKind::CreateInstance(_)) {
        let (Some(id), Some(instance)) = (applied.id.clone(), step.instance) else {
            cx.failed(&call.op.id);
            return StepEnd::failed("the platform did not name what it made");
        };
        let made = InstanceRef {
            id,
            name: applied.name.clone().unwrap_or_default(),
            address: action.address.clone(),
            instance,
        };
        cx.site.remember(made, applied.health_check);
    }
    if is_journalled(&call.op.kind) {
        cx.done(&call.op.id, applied);
    }
    for effect in further_effects(cx.site, action, step) {
        cx.note(effect);
    }
    StepEnd::done()
}

/// Tells whether an operation changes something of ours that a later run would have to know about.
pub(super) fn is_journalled(kind: &OpKind) -> bool {
    !matches!(kind, OpKind::PullImage { .. } | OpKind::BuildImage { .. })
}

fn limit_of(kind: &OpKind) -> Duration {
    match kind {
        OpKind::PullImage { .. } | OpKind::BuildImage { .. } => IMAGE,
        OpKind::StopInstance { grace, .. } => OPERATION.saturating_add(*grace),
        OpKind::CreateNetwork { .. }
        | OpKind::RemoveNetwork { .. }
        | OpKind::CreateVolume { .. }
        | OpKind::RemoveVolume { .. }
        | OpKind::CreateInstance(_)
        | OpKind::StartInstance(_)
        | OpKind::OpenGate(_)
        | OpKind::RemoveInstance(_)
        | OpKind::RenameInstance { .. }
        | OpKind::SetLimits { .. }
        | OpKind::Connect { .. }
        | OpKind::Disconnect { .. }
        | OpKind::Unpause(_) => OPERATION,
    }
}

/// Runs one hook command to its end.
pub(super) async fn hook<W: World>(
    cx: &Cx<'_, W>,
    at: StepRef,
    attempt: u32,
    phase: HookPhase,
    hook: &Hook,
) -> StepEnd {
    let Some((action, step)) = cx.step(at) else {
        return StepEnd::failed("the plan has no such step");
    };
    let log = cx.log(action, step, attempt);
    if let Err(lost) = cx.lock_held().await {
        return not_done(&lost.to_string());
    }
    let more = cx.site.hook_env(phase.as_str(), (&step.id, attempt));
    let limit = hook.timeout.saturating_add(KILL_MARGIN);
    let (end, instance) = match step.place {
        StepPlace::Host => {
            let call = HostCall {
                argv: hook.command.argv(),
                folder: cx.site.project.root.clone(),
                env: host_env(cx, action, step, more),
                timeout: hook.timeout,
                scripts: [].into(),
            };
            let end = within(cx.world, limit, cx.world.hooks().run(&call, &log)).await;
            (end, None)
        }
        StepPlace::Container | StepPlace::Provider => {
            let target = match target(cx.site, action, step) {
                Ok(target) => target,
                Err(why) => return StepEnd::failed(why),
            };
            let call = ExecCall {
                argv: hook.command.argv(),
                env: more,
                user: None,
                folder: None,
                timeout: hook.timeout,
                interactive: false,
                ends_orphans: true,
            };
            let exec = cx.world.provider().exec(&target, &call, &log);
            (within(cx.world, limit, exec).await, Some(target))
        }
    };
    let end = end.unwrap_or_else(|| CallEnd::Unknown("it could not be ended in time".to_owned()));
    command_end(cx, &log, end, hook.timeout, instance.as_ref()).await
}

/// A hook on the host sees what the service sees.
fn host_env<W: World>(
    cx: &Cx<'_, W>,
    action: &Action,
    step: &Step,
    more: Vec<(String, Value)>,
) -> Vec<(String, Value)> {
    let plain = |name: &str, text: String| (name.to_owned(), Value::Plain(text));
    let mut env = match cx.site.service(&action.address) {
        Some(service) => cx
            .site
            .instance_env(service, step.instance.unwrap_or_default()),
        None => vec![
            plain("NANOKIT_PROJECT", cx.site.project.name.to_string()),
            plain("NANOKIT_ENV", cx.site.project.env.to_string()),
            plain("NANOKIT_SERVICE", action.address.name.clone()),
        ],
    };
    env.extend(more);
    env
}

/// Says how a command ended, with the end of its output.
pub(super) async fn command_end<W: World>(
    cx: &Cx<'_, W>,
    log: &StepLog<'_, W>,
    end: CallEnd,
    timeout: Duration,
    instance: Option<&InstanceRef>,
) -> StepEnd {
    let printed = log.finish();
    let (mut step, exit_code) = match end {
        CallEnd::Exited(0) => (StepEnd::done(), Some(0)),
        CallEnd::Exited(code) => {
            let text = format!("it ended with exit code {code}");
            (StepEnd::failed(with_tail(&text, &printed)), Some(code))
        }
        CallEnd::TimedOut => {
            let text = format!("it was ended after {} without a result", span(timeout));
            (StepEnd::failed(with_tail(&text, &printed)), None)
        }
        CallEnd::InstanceGone(why) => {
            let memory = match instance {
                Some(instance) => out_of_memory(cx, instance).await,
                None => "",
            };
            let text = format!("the instance ended meanwhile: {why}{memory}");
            (StepEnd::failed(with_tail(&text, &printed)), None)
        }
        CallEnd::NotStarted(why) => {
            let text = format!("it could not be started: {why}");
            (StepEnd::failed(with_tail(&text, &printed)), None)
        }
        CallEnd::Unknown(why) => {
            let text = format!("the connection to it broke, it may still run: {why}");
            (StepEnd::unknown(with_tail(&text, &printed)), None)
        }
    };
    step.exit_code = exit_code;
    step.log = printed.log;
    step
}

async fn out_of_memory<W: World>(cx: &Cx<'_, W>, instance: &InstanceRef) -> &'static str {
    let detail = cx.world.provider().health_detail(instance);
    match within(cx.world, LOOK, detail).await {
        Some(Ok(detail)) if detail.out_of_memory => " (out of memory)",
        Some(Ok(_) | Err(_)) | None => "",
    }
}

/// Explains why an instance did not become healthy: the reason, the last probe's output, the end of its log.
pub(super) async fn explain<W: World>(
    cx: &Cx<'_, W>,
    target: &InstanceRef,
    why: &str,
    last_output: &str,
) -> StepEnd {
    let provider = cx.world.provider();
    let detail = within(cx.world, LOOK, provider.health_detail(target)).await;
    let detail = detail.and_then(Result::ok).unwrap_or_default();
    let mut text = why.to_owned();
    if detail.out_of_memory {
        text.push_str(" (out of memory)");
    }
    if let Some(command) = &detail.unpause {
        text.push_str("; `");
        text.push_str(command);
        text.push_str("` lets it go on, `nkapp deploy` and `nkapp drift --restore` do so too");
    }
    let output = if detail.last_output.trim().is_empty() {
        last_output.trim()
    } else {
        detail.last_output.trim()
    };
    if !output.is_empty() {
        text.push_str("\nlast check: ");
        text.push_str(&last_lines(output));
    }
    let tail = Tail::default();
    let query = LogQuery {
        tail: u32::try_from(TAIL).ok(),
        follow: false,
        timestamps: false,
    };
    // What could be read counts, also when reading broke off.
    let _ = within(cx.world, LOOK, provider.logs(target, query, &tail)).await;
    let lines = tail.text();
    if !lines.is_empty() {
        text.push_str("\nlast output:\n");
        text.push_str(&lines);
    }
    StepEnd {
        exit_code: detail.exit_code,
        ..StepEnd::failed(text)
    }
}

fn with_tail(text: &str, printed: &Printed) -> String {
    if printed.tail.is_empty() {
        text.to_owned()
    } else {
        format!("{text}\n{}", printed.tail)
    }
}

/// Writes a span for people.
fn span(span: Duration) -> String {
    if span < Duration::from_secs(1) {
        format!("{} ms", span.as_millis())
    } else {
        format!("{} s", span.as_secs())
    }
}

/// Says why a provider's call failed, in one line.
pub(super) fn words(error: &ProviderError) -> String {
    match error {
        ProviderError::Unreachable { hint, .. } if !hint.is_empty() => format!("{error} ({hint})"),
        ProviderError::Unreachable { .. }
        | ProviderError::Call { .. }
        | ProviderError::Missing { .. } => error.to_string(),
    }
}

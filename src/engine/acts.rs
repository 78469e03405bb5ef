//! Carries out the steps of procedures. Each is done again after a crash, so each may be done twice.

mod commands;
mod copies;
mod flows;
mod services;
mod waits;

pub(super) use flows::{
    Flows, audit_turn, begun, check_inputs, check_wish, close, equip, gone_on_with, marked,
};

use crate::domain::ids::{Address, StepId};
use crate::domain::live::LiveInstance;
use crate::domain::plan::model::StepKind;
use crate::domain::project::procedure::{Primitive, Procedure, ProcedureStep};
use crate::domain::run::fact::StepEnd;
use crate::domain::run::order::StepRef;
use crate::domain::run::retry::performed;
use crate::engine::acts::flows::{inputs, procedure, purpose};
use crate::engine::cx::{Cx, within};
use crate::engine::output::StepLog;
use crate::engine::perform::command_end;
use crate::engine::site::Site;
use crate::ports::hooks::{CallEnd, Value};
use crate::ports::provider::InstanceRef;
use crate::ports::world::World;

/// Carries out one step of a procedure.
pub(super) async fn act<W: World>(cx: &Cx<'_, W>, at: StepRef, attempt: u32) -> StepEnd {
    let Some((action, step)) = cx.step(at) else {
        return StepEnd::failed("the plan has no such step");
    };
    let log = cx.log(action, step, attempt);
    if let StepKind::PutBack { service } = &step.kind {
        let ended = services::put_back(cx, (at, attempt), service).await;
        return ended_as(&log, ended);
    }
    let own = performed(step, cx.site.project, &action.address);
    let (Some(own), Some(procedure)) = (own, procedure(cx.site, action)) else {
        return StepEnd::failed("the file does not name this step any more");
    };
    let me = Me {
        cx,
        at,
        attempt,
        own,
        purpose: purpose(cx.site, procedure),
        env: env(cx.site, (procedure, own), (&step.id, attempt)),
        log: &log,
    };
    me.act().await
}

/// Says how something without a command ended.
fn ended_as<W: World>(log: &StepLog<'_, W>, ended: Result<(), String>) -> StepEnd {
    let printed = log.finish();
    let end = match ended {
        Ok(()) => StepEnd::done(),
        Err(why) => StepEnd::failed(why),
    };
    StepEnd {
        log: printed.log,
        ..end
    }
}

fn env(
    site: &Site<'_>,
    (procedure, step): (&Procedure, &ProcedureStep),
    at: (&StepId, u32),
) -> Vec<(String, Value)> {
    let plain = |name: &str, text: &str| (name.to_owned(), Value::Plain(text.to_owned()));
    let mut env = vec![
        plain("NANOKIT_PROJECT", site.project.name.as_str()),
        plain("NANOKIT_ENV", site.project.env.as_str()),
        plain("NANOKIT_ACTION", &procedure.name),
        plain("NANOKIT_STEP", &step.label),
    ];
    env.extend(site.hook_env(procedure.occasion.as_str(), at));
    env.extend(site.flows.versions.iter().cloned());
    for (name, (value, secret)) in inputs(site, procedure) {
        let value = if secret {
            Value::Secret(value)
        } else {
            Value::Plain(value.expose().to_owned())
        };
        env.push((name, value));
    }
    env
}

/// One attempt of a step with all it needs.
struct Me<'c, 'a, W: World> {
    cx: &'c Cx<'a, W>,
    at: StepRef,
    attempt: u32,
    own: &'c ProcedureStep,
    purpose: String,
    env: Vec<(String, Value)>,
    log: &'c StepLog<'a, W>,
}

/// Names a live instance for the provider.
fn reference(service: &str, live: &LiveInstance) -> InstanceRef {
    InstanceRef {
        id: live.id.clone(),
        name: live.name.clone(),
        address: Address::service(service),
        instance: live.instance,
    }
}

impl<W: World> Me<'_, '_, W> {
    async fn act(&self) -> StepEnd {
        match &self.own.primitive {
            Primitive::Stop { .. }
            | Primitive::Start { .. }
            | Primitive::Restart { .. }
            | Primitive::Scale { .. } => {
                let work = services::change(self.cx, (self.at, self.attempt), &self.own.primitive);
                let ended = within(self.cx.world, self.own.timeout, work).await;
                ended_as(self.log, ended.unwrap_or_else(|| Err(self.late())))
            }
            Primitive::Exec { service, commands } => self.exec_all(service, commands).await,
            Primitive::Run { command } => {
                let end = self.run(command, self.log).await;
                self.command_end(end, None).await
            }
            Primitive::Job {
                service,
                command,
                image,
            } => self.job(service, command, image.as_deref()).await,
            Primitive::Wait(wait) => ended_as(self.log, self.wait(wait).await),
            Primitive::Backup {
                volume,
                file,
                service,
                image,
            }
            | Primitive::Restore {
                volume,
                file,
                service,
                image,
            } => {
                let copy = copies::Copy {
                    volume,
                    file,
                    service,
                    image: image.as_deref(),
                };
                self.copy(&copy).await
            }
            Primitive::Assert { claim, expected } => self.assert(claim, expected).await,
        }
    }

    fn late(&self) -> String {
        format!("not done within {} s", self.own.timeout.as_secs())
    }

    async fn command_end(&self, end: CallEnd, target: Option<&InstanceRef>) -> StepEnd {
        command_end(self.cx, self.log, end, self.own.timeout, target).await
    }
}

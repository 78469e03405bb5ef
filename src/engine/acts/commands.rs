//! Steps that run something: inside a service, on the host, in a one-off instance; and what is expected of it.

use crate::domain::ids::OpId;
use crate::domain::live::Status;
use crate::domain::project::hook::HookCommand;
use crate::domain::project::procedure::{Claim, Expected};
use crate::domain::run::fact::StepEnd;
use crate::engine::acts::{Me, ended_as, reference, services};
use crate::engine::boxes::run_box;
use crate::engine::cx::within;
use crate::engine::ops::{Misfit, one_off};
use crate::engine::output::StepLog;
use crate::engine::perform::{KILL_MARGIN, words};
use crate::engine::tail::Tail;
use crate::ports::hooks::{CallEnd, HostCall, HostHooks};
use crate::ports::provider::{ExecCall, InstanceRef, InstanceSpec, Op, OpKind, Outcome, Provider};
use crate::ports::sink::{NoSink, Sink};
use crate::ports::world::World;

impl<W: World> Me<'_, '_, W> {
    pub(super) async fn exec_all(&self, service: &str, commands: &[HookCommand]) -> StepEnd {
        let mut last = None;
        for command in commands {
            let (end, target) = match self.exec(service, command, self.log).await {
                Ok(done) => done,
                Err(why) => return ended_as(self.log, Err(why)),
            };
            if end != CallEnd::Exited(0) {
                return self.command_end(end, Some(&target)).await;
            }
            last = Some(target);
        }
        self.command_end(CallEnd::Exited(0), last.as_ref()).await
    }

    /// Runs a command in the first running instance of a service.
    pub(super) async fn exec(
        &self,
        service: &str,
        command: &HookCommand,
        sink: &dyn Sink,
    ) -> Result<(CallEnd, InstanceRef), String> {
        let all = services::instances(self.cx, service).await?;
        let running = all.iter().find(|one| one.status == Status::Running);
        let target = running.map(|one| reference(service, one));
        let target = target.ok_or_else(|| format!("no instance of {service} runs"))?;
        let call = ExecCall {
            argv: command.argv(),
            env: self.env.clone(),
            user: None,
            folder: None,
            timeout: self.own.timeout,
            interactive: false,
            ends_orphans: true,
        };
        let limit = self.own.timeout.saturating_add(KILL_MARGIN);
        if let Err(lost) = self.cx.may_command().await {
            return Ok((lost, target));
        }
        let exec = self.cx.world.provider().exec(&target, &call, sink);
        let end = within(self.cx.world, limit, exec).await;
        Ok((end.unwrap_or_else(unended), target))
    }

    /// Runs a command on the host, in the project's folder.
    pub(super) async fn run(&self, command: &HookCommand, sink: &dyn Sink) -> CallEnd {
        let call = HostCall {
            argv: command.argv(),
            folder: self.cx.site.project.root.clone(),
            env: self.env.clone(),
            timeout: self.own.timeout,
            scripts: self.own.scripts.clone(),
        };
        let limit = self.own.timeout.saturating_add(KILL_MARGIN);
        if let Err(lost) = self.cx.may_command().await {
            return lost;
        }
        let end = within(self.cx.world, limit, self.cx.world.hooks().run(&call, sink)).await;
        end.unwrap_or_else(unended)
    }

    pub(super) async fn job(
        &self,
        service: &str,
        command: &HookCommand,
        image: Option<&str>,
    ) -> StepEnd {
        let spec = match self.spec(service, command.argv(), image).await {
            Ok(spec) => spec,
            Err(why) => return ended_as(self.log, Err(why)),
        };
        let end = self.boxed(spec).await;
        self.command_end(end, None).await
    }

    pub(super) async fn boxed(&self, spec: InstanceSpec) -> CallEnd {
        let op = OpId(format!("{}/box", self.op()));
        run_box(self.cx, self.at, spec, &op, self.own.timeout, self.log).await
    }

    pub(super) fn op(&self) -> OpId {
        match self.cx.step(self.at) {
            Some((_, step)) => self.cx.site.op_id(step, self.attempt),
            None => OpId::default(),
        }
    }

    /// Makes a one-off like an instance of a service, with another command and perhaps another image.
    pub(super) async fn spec(
        &self,
        name: &str,
        argv: Vec<String>,
        image: Option<&str>,
    ) -> Result<InstanceSpec, Misfit> {
        let site = self.cx.site;
        let service = site.project.services.get(name);
        let service =
            service.ok_or_else(|| format!("the file names no service {name} any more"))?;
        let own = service.image_reference(site.project.name.as_str());
        if let Some(image) = image {
            self.fetch(image).await?;
        }
        let used = image.map(str::to_owned).or(own);
        let instance = crate::domain::ids::Instance::default();
        let text = used.as_deref().unwrap_or_default();
        let mut spec = one_off(site, service, instance, text, argv, self.env.clone());
        if used.is_none() {
            spec.image = None;
            spec.service.image = None;
        }
        Ok(spec)
    }

    /// Fetches an image that is not there.
    pub(super) async fn fetch(&self, image: &str) -> Result<(), String> {
        let image = crate::domain::model::normal_image(image);
        let wanted = [image.clone()].into();
        let provider = self.cx.world.provider();
        let live = provider.observe(&self.cx.site.scope(), &wanted).await;
        let live = live.map_err(|error| words(&error))?;
        if !live.has_images || live.images.contains_key(&image) {
            return Ok(());
        }
        let op = Op {
            id: OpId(format!("{}/pull", self.op())),
            fence: self.cx.site.fence,
            scope: self.cx.site.scope(),
            lineage: self.cx.site.lineage().clone(),
            kind: OpKind::PullImage { image },
        };
        match within(
            self.cx.world,
            self.own.timeout,
            provider.apply(&op, &NoSink),
        )
        .await
        {
            Some(Outcome::Done(_)) => Ok(()),
            Some(Outcome::Failed(error) | Outcome::Unknown(error)) => Err(words(&error)),
            None => Err(self.late()),
        }
    }

    pub(super) async fn assert(&self, claim: &Claim, expected: &Expected) -> StepEnd {
        let heard = Heard {
            log: self.log,
            kept: Tail::default(),
        };
        let (end, target) = match claim {
            Claim::Answer { service, ask } => {
                return ended_as(self.log, self.answers(service, ask).await);
            }
            Claim::Run(command) => (self.run(command, &heard).await, None),
            Claim::Exec { service, command } => match self.exec(service, command, &heard).await {
                Ok((end, target)) => (end, Some(target)),
                Err(why) => return ended_as(self.log, Err(why)),
            },
        };
        let CallEnd::Exited(code) = end else {
            return self.command_end(end, target.as_ref()).await;
        };
        let said = heard.kept.text();
        let wrong = if code == expected.exit {
            unlike(&said, expected)
        } else {
            Some(format!(
                "it ended with exit code {code}, not {}",
                expected.exit
            ))
        };
        let end = match wrong {
            None => Ok(()),
            Some(why) => Err(format!("the assertion does not hold: {why}")),
        };
        StepEnd {
            exit_code: Some(code),
            ..ended_as(self.log, end)
        }
    }
}

fn unlike(said: &str, expected: &Expected) -> Option<String> {
    if let Some(text) = &expected.contains
        && !said.contains(text.as_str())
    {
        return Some(format!("its output does not hold `{text}`"));
    }
    let equals = expected.equals.as_ref()?;
    (said.trim() != equals.trim()).then(|| format!("its output is not `{equals}`"))
}

fn unended() -> CallEnd {
    CallEnd::Unknown("it could not be ended in time".to_owned())
}

/// Hands output on and keeps its end to be looked at.
struct Heard<'l, 'a, W: World> {
    log: &'l StepLog<'a, W>,
    kept: Tail,
}

impl<W: World> Sink for Heard<'_, '_, W> {
    fn output(&self, stream: crate::domain::event::Stream, bytes: &[u8]) {
        self.log.output(stream, bytes);
        self.kept.output(stream, bytes);
    }
    fn progress(&self, done: u64, total: Option<u64>, unit: &str) {
        self.log.progress(done, total, unit);
    }
}

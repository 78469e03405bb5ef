//! The one-time installation into a shared volume, under the lock and the sentinel that live in it.
//!
//! The script (`install.sh`) does everything that touches the volume, from inside an instance: the gated one, or
//! a one-off made of the image with the build tools. Here is what it cannot know: whether the holder of a
//! lock still exists, how long to wait for it, and what to tell people meanwhile. Nothing but proof breaks a
//! lock: the holder's instance is gone or has ended.

use std::time::Duration;

use crate::domain::event::EventKind;
use crate::domain::ids::{Instance, OpId, ProviderId};
use crate::domain::lease::{Holder, Verdict};
use crate::domain::plan::model::{Action, Step};
use crate::domain::project::hook::Provisioning;
use crate::domain::project::service::Service;
use crate::domain::run::fact::StepEnd;
use crate::domain::run::order::StepRef;
use crate::engine::boxes::run_box;
use crate::engine::cx::{Cx, within};
use crate::engine::ops::{Misfit, target};
use crate::engine::output::StepLog;
use crate::engine::perform::command_end;
use crate::engine::script::{Filter, Said};
use crate::formats::text::hex;
use crate::ports::clock::Clock;
use crate::ports::hooks::{CallEnd, Value};
use crate::ports::provider::{ExecCall, InstanceRef, Provider, ProviderError, volume_variable};
use crate::ports::random::Random;
use crate::ports::sink::Sink;
use crate::ports::world::World;

/// Runs inside instances; POSIX sh.
const SCRIPT: &str = include_str!("install.sh");
/// How long one call of the script waits for the lock before it reports the holder.
const WAIT: Duration = Duration::from_secs(5);
/// Longest time a look at a holder may take.
const LOOK: Duration = Duration::from_secs(10);
/// Age of a heartbeat, in seconds, from which a holder counts as silent.
const SILENT: i64 = 60;

/// What the installation of one step is made of.
struct Install<'a> {
    service: &'a Service,
    recipe: &'a Provisioning,
    instance: Instance,
    /// Where it runs; `None`: in a one-off of its own.
    inside: Option<InstanceRef>,
}

/// Installs what the step's service asks for, waiting for the lock if somebody else holds it.
pub(super) async fn install<W: World>(cx: &Cx<'_, W>, at: StepRef, attempt: u32) -> StepEnd {
    let Some((action, step)) = cx.step(at) else {
        return StepEnd::failed("the plan has no such step");
    };
    let job = match prepare(cx, action, step) {
        Ok(job) => job,
        Err(why) => return StepEnd::failed(why),
    };
    let log = cx.log(action, step, attempt);
    let timeout = job.recipe.install.timeout;
    let limit = timeout.saturating_add(Duration::from_secs(60));
    let began = cx.world.clock().boot();
    let mut breaking = String::new();
    let mut told = String::new();
    for round in 0u32.. {
        let filter = Filter::new(&log);
        let end = run_script(cx, at, &job, (attempt, round), &breaking, &filter).await;
        let said = filter.finish();
        breaking.clear();
        if said.states.iter().any(|state| state == "broken") {
            tell_dirty(cx, action, job.recipe);
        }
        if end != CallEnd::Exited(75) {
            return finished(cx, &log, end, &job, &said).await;
        }
        let waited = cx.world.clock().boot().since(began);
        let judged = judge(cx, &said).await;
        if judged == Verdict::Dead && round < 1000 {
            breaking = said.value("nonce").to_owned();
            continue;
        }
        tell_holder(&log, &job, &said, judged, &mut told);
        log.progress(
            waited.as_secs(),
            Some(limit.as_secs()),
            "s waiting for the lock",
        );
        if waited >= limit {
            log.finish();
            return StepEnd::failed(gave_up(&job, &said, judged, waited));
        }
        if said.values.is_empty() {
            // It was released while it was being read.
            cx.world.clock().sleep(Duration::from_millis(100)).await;
        }
    }
    StepEnd::failed("the installation was tried too often")
}

fn prepare<'a, W: World>(
    cx: &Cx<'a, W>,
    action: &Action,
    step: &Step,
) -> Result<Install<'a>, Misfit> {
    let service = crate::engine::ops::service(cx.site, &action.address)?;
    let recipe = service
        .provisioning
        .as_ref()
        .ok_or("the file names no installation any more")?;
    let inside = match recipe.image {
        Some(_) => None,
        None => Some(target(cx.site, action, step)?),
    };
    Ok(Install {
        service,
        recipe,
        instance: step.instance.unwrap_or_default(),
        inside,
    })
}

/// Calls the script once.
async fn run_script<W: World>(
    cx: &Cx<'_, W>,
    at: StepRef,
    job: &Install<'_>,
    (attempt, round): (u32, u32),
    breaking: &str,
    sink: &Filter<'_, '_, W>,
) -> CallEnd {
    let argv = vec!["/bin/sh".to_owned(), "-c".to_owned(), SCRIPT.to_owned()];
    let mut env = script_env(cx, job, breaking);
    if let Some((_, step)) = cx.step(at) {
        env.extend(cx.site.hook_env("install", (&step.id, attempt)));
    }
    // A one-off sets the timeout for its own creation too; what waits in the script is not the command's.
    let timeout = job.recipe.install.timeout.saturating_add(WAIT * 2);
    if let Some(inside) = &job.inside {
        let call = ExecCall {
            argv,
            env,
            user: None,
            folder: None,
            timeout,
            interactive: false,
            ends_orphans: true,
        };
        let margin = timeout.saturating_add(Duration::from_secs(30));
        if let Err(lost) = cx.may_command().await {
            return lost;
        }
        let exec = cx.world.provider().exec(inside, &call, sink);
        within(cx.world, margin, exec)
            .await
            .unwrap_or_else(|| CallEnd::Unknown("it could not be ended in time".to_owned()))
    } else {
        let image = job.recipe.image.as_deref().unwrap_or_default();
        let spec =
            crate::engine::ops::one_off(cx.site, job.service, job.instance, image, argv, env);
        let name = cx.step(at).map(|(_, step)| step.id.to_string());
        let op = OpId(format!(
            "{}/{}#{attempt}.{round}",
            cx.site.run,
            name.unwrap_or_default()
        ));
        run_box(cx, at, spec, &op, timeout, sink).await
    }
}

fn script_env<W: World>(cx: &Cx<'_, W>, job: &Install<'_>, breaking: &str) -> Vec<(String, Value)> {
    let mut nonce = [0; 16];
    cx.world.random().fill(&mut nonce);
    let recipe = job.recipe;
    let scope = &cx.site.project.scope();
    let owner = job.inside.as_ref();
    let component = scope.component.as_ref().map_or("", |c| c.as_str());
    let clean = recipe.clean.as_ref().map(|hook| shell_line(&hook.command));
    let pairs = [
        ("NK_VOLUME", volume_variable(&recipe.volume)),
        ("NK_DIR", recipe.volume_target.clone()),
        ("NK_HASH", recipe.manifest.0.clone()),
        ("NK_NONCE", hex(&nonce)),
        (
            "NK_OWNER",
            owner.map_or_else(String::new, |o| o.id.0.clone()),
        ),
        (
            "NK_NAME",
            owner.map_or_else(|| job.service.name.clone(), |o| o.name.clone()),
        ),
        ("NK_ENGINE", cx.site.live.engine.clone()),
        (
            "NK_SCOPE",
            format!("{}/{component}/{}", scope.project, scope.env),
        ),
        ("NK_INSTALL", shell_line(&recipe.install.command)),
        ("NK_CLEAN", clean.unwrap_or_default()),
        ("NK_WAIT", WAIT.as_secs().to_string()),
        ("NK_BREAK", breaking.to_owned()),
    ];
    pairs
        .into_iter()
        .map(|(name, text)| (name.to_owned(), Value::Plain(text)))
        .collect()
}

/// Writes a command as one line for a shell.
fn shell_line(command: &crate::domain::project::hook::HookCommand) -> String {
    use crate::domain::project::hook::HookCommand;
    match command {
        HookCommand::Shell(line) => line.clone(),
        HookCommand::Argv(argv) => argv
            .iter()
            .map(|word| format!("'{}'", word.replace('\'', r"'\''")))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// Judges the holder of a lock. Only an instance of this very engine that is gone or has ended is proof.
async fn judge<W: World>(cx: &Cx<'_, W>, said: &Said) -> Verdict {
    if said.value("proof") == "alive" {
        return Verdict::Alive;
    }
    let owner = said.value("owner");
    if owner.is_empty() || said.value("nonce").is_empty() {
        return Verdict::Unknown;
    }
    if said.value("engine") != cx.site.live.engine {
        return Verdict::Unknown;
    }
    let holder = InstanceRef {
        id: ProviderId::new(owner),
        name: said.value("name").to_owned(),
        address: crate::domain::ids::Address::service(said.value("name")),
        instance: Instance(0),
    };
    let look = within(cx.world, LOOK, cx.world.provider().health_detail(&holder)).await;
    match look {
        Some(Err(ProviderError::Missing { .. })) => Verdict::Dead,
        Some(Ok(detail)) if detail.exit_code.is_some() => Verdict::Dead,
        Some(Ok(_)) if said.age() < SILENT => Verdict::Alive,
        Some(Ok(_) | Err(_)) | None => Verdict::Unknown,
    }
}

fn tell_dirty<W: World>(cx: &Cx<'_, W>, action: &Action, recipe: &Provisioning) {
    let then = if recipe.clean.is_some() {
        "`clean` runs first"
    } else {
        "it is installed over what is there"
    };
    cx.warn(
        action,
        format!(
            "an installation into volume {} was cut off earlier; {then}",
            recipe.volume
        ),
    );
}

/// Tells who holds the lock, once per holder and verdict.
fn tell_holder<W: World>(
    log: &StepLog<'_, W>,
    job: &Install<'_>,
    said: &Said,
    verdict: Verdict,
    told: &mut String,
) {
    let name = said.value("name");
    let now = format!("{name} {}", verdict.as_str());
    if name.is_empty() || *told == now {
        return;
    }
    *told = now;
    let holder = Holder {
        host: name.to_owned(),
        boot_id: said.value("boot").to_owned(),
        pid: said.value("pid").parse().unwrap_or_default(),
        ..Holder::default()
    };
    let detail = format!(
        "{name} installs into volume {} ({}); its last beat is {} s old",
        job.recipe.volume,
        said.value("scope"),
        said.age()
    );
    log.tell(EventKind::LockChanged {
        verdict,
        holder: Some(holder),
        detail: Some(detail),
    });
}

fn gave_up(job: &Install<'_>, said: &Said, verdict: Verdict, waited: Duration) -> String {
    let name = said.value("name");
    let volume = &job.recipe.volume;
    let mut text = format!(
        "the installation lock of volume {volume} is still held by {name} after {} s",
        waited.as_secs()
    );
    if verdict != Verdict::Alive {
        let next = format!(
            "\nits last beat is {} s old; if that installation is surely over, remove `.nk-install-lock` from the volume",
            said.age()
        );
        text.push_str(&next);
    }
    text
}

/// Turns the script's end into the step's.
async fn finished<W: World>(
    cx: &Cx<'_, W>,
    log: &StepLog<'_, W>,
    end: CallEnd,
    job: &Install<'_>,
    said: &Said,
) -> StepEnd {
    let volume = &job.recipe.volume;
    let hostile = "is not a file of nanokit (a link, a folder, a pipe or a foreign file); look at it and remove it by hand";
    let special = match end {
        CallEnd::Exited(90) => format!(
            "volume {volume} is not at {} inside the instance",
            job.recipe.volume_target
        ),
        CallEnd::Exited(91) => format!("volume {volume} cannot be written"),
        CallEnd::Exited(92) => {
            let name = said
                .values
                .get("foreign")
                .map_or(".nk-install-lock", String::as_str);
            format!("`{name}` in volume {volume} {hostile}")
        }
        CallEnd::Exited(93) => {
            format!(
                "volume {volume} took the installation but not its sentinel (is it full, or did something stand in its place?)"
            )
        }
        CallEnd::Exited(_)
        | CallEnd::TimedOut
        | CallEnd::InstanceGone(_)
        | CallEnd::NotStarted(_)
        | CallEnd::Unknown(_) => {
            if said.states.iter().any(|state| state == "already") {
                log.remark("already installed for this manifest");
            }
            let end = match (end, said.values.get("exit").and_then(|c| c.parse().ok())) {
                (CallEnd::Exited(1), Some(code)) => CallEnd::Exited(code),
                (end, _) => end,
            };
            let timeout = job.recipe.install.timeout;
            return command_end(cx, log, end, timeout, job.inside.as_ref()).await;
        }
    };
    let printed = log.finish();
    StepEnd {
        log: printed.log,
        ..StepEnd::failed(special)
    }
}

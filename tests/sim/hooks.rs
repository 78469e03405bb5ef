//! Hooks: order of the six steps, failure policy, retries, output.

use std::time::Duration;

use nanokit::domain::event::{EventKind, RunOutcome};
use nanokit::domain::plan::model::Purpose;
use nanokit::domain::project::hook::{HookPlace, OnFailure};
use nanokit::domain::project::service::{EnvValue, Service};
use nanokit::domain::secret::SecretRef;

use crate::harness::{Ask, assert_converged, deploy, machine, run, sim};
use crate::support::sim::project::{checked, hook, project, provisioned, service};

fn full() -> Service {
    let mut api = provisioned(checked(service("api", &[])), "modules", None);
    api.hooks.prestart_host = vec![hook("check ports", HookPlace::Host)];
    api.hooks.prestart_container = vec![hook("migrate", HookPlace::Container)];
    api.hooks.poststart = vec![hook("tell chat", HookPlace::Host)];
    api.hooks.prestop = vec![hook("flush", HookPlace::Container)];
    api.hooks.poststop = vec![hook("tidy", HookPlace::Host)];
    api
}

#[test]
fn the_six_steps_come_in_their_order_and_the_main_command_waits() {
    sim(async {
        let machine = machine(1);
        let project = project(vec![full()]);
        let ran = deploy(&machine, &project).await;
        let order: Vec<String> = ran
            .words("step_started")
            .into_iter()
            .filter(|s| s.starts_with("service.api"))
            .map(|s| s.rsplit_once('/').unwrap().1.to_owned())
            .collect();
        assert_eq!(
            order,
            [
                "prestart.host",
                "create",
                "start",
                "prestart.container",
                "install",
                "open_gate",
                "health",
                "poststart.host"
            ]
        );
        assert_eq!(
            machine.platform.with(|m| m.ran.clone()),
            [
                "host api: check ports",
                "service.api[0]: migrate",
                "install modules: npm ci",
                "host api: tell chat"
            ]
        );
        let opened = ran.time_of("service.api[0]/open_gate", "step_finished");
        let healthy = ran.time_of("service.api[0]/health", "step_finished");
        assert!(healthy - opened >= 250, "health counts from the opening");
        assert_converged(&machine, &project, "hooks").await;
    });
}

#[test]
fn stopping_hooks_run_on_recreate_and_on_destroy() {
    sim(async {
        let machine = machine(2);
        let mut project = project(vec![full()]);
        deploy(&machine, &project).await;
        machine.platform.with(|m| m.ran.clear());
        project.services.get_mut("api").unwrap().image = Some("app:2".to_owned());
        deploy(&machine, &project).await;
        let ran = machine.platform.with(|m| std::mem::take(&mut m.ran));
        assert!(ran.contains(&"service.api[0]: flush".to_owned()), "{ran:?}");
        assert!(ran.contains(&"host api: tidy".to_owned()), "{ran:?}");
        let ask = Ask {
            purpose: Purpose::Destroy,
            ..Ask::default()
        };
        run(&machine, &project, ask).await;
        let ran = machine.platform.with(|m| std::mem::take(&mut m.ran));
        assert_eq!(ran, ["service.api[0]: flush", "host api: tidy"]);
    });
}

#[test]
fn a_failing_hook_fails_its_service_before_the_main_command_ever_runs() {
    sim(async {
        let machine = machine(3);
        let project = project(vec![full(), service("web", &["api"]), service("log", &[])]);
        machine.platform.with(|m| {
            m.exits.insert("migrate".to_owned(), 3);
            m.prints
                .insert("migrate".to_owned(), "table users is locked\n".to_owned());
        });
        let ran = run(&machine, &project, Ask::default()).await;
        assert_eq!(ran.outcome(), RunOutcome::Failed);
        let error = ran.error();
        assert!(error.contains("exit code 3"), "{error}");
        assert!(error.contains("table users is locked"), "{error}");
        let api = machine.platform.find("api[0]").unwrap();
        assert!(api.gated && !api.gate_open && api.began.is_none());
        assert!(
            machine.platform.find("web[0]").is_none(),
            "it needs the api"
        );
        assert!(machine.platform.find("log[0]").is_some(), "it needs nobody");
        machine.platform.with(|m| m.exits.clear());
        deploy(&machine, &project).await;
        assert_converged(&machine, &project, "mended").await;
    });
}

#[test]
fn retries_and_warnings_follow_the_file() {
    sim(async {
        let machine = machine(4);
        let mut api = full();
        api.hooks.prestart_host[0].retries = 2;
        api.hooks.poststart[0].on_failure = OnFailure::Warn;
        let project = project(vec![api]);
        machine.platform.with(|m| {
            m.first_exits.insert("check ports".to_owned(), vec![1, 1]);
            m.exits.insert("tell chat".to_owned(), 7);
        });
        let ran = deploy(&machine, &project).await;
        let tries = machine
            .platform
            .with(|m| m.ran.iter().filter(|r| r.contains("check ports")).count());
        assert_eq!(tries, 3);
        assert!(
            ran.warnings().contains("poststart.host failed"),
            "{}",
            ran.warnings()
        );
        let last = ran.events.last().map(|event| event.kind.clone());
        assert!(
            matches!(
                last,
                Some(EventKind::RunFinished {
                    outcome: RunOutcome::Ok,
                    warnings: 1,
                    ..
                })
            ),
            "the last word of the run says that there was a warning: {last:?}"
        );
    });
}

#[test]
fn a_hook_that_hangs_is_ended_at_its_timeout() {
    sim(async {
        let machine = machine(5);
        let mut api = full();
        api.hooks.prestart_container[0].timeout = Duration::from_secs(2);
        let project = project(vec![api]);
        machine.platform.with(|m| {
            m.takes
                .insert("migrate".to_owned(), Duration::from_secs(3600))
        });
        let ran = run(&machine, &project, Ask::default()).await;
        assert!(ran.error().contains("ended after 2 s"), "{}", ran.error());
        let took = ran.events.last().unwrap().at.0 - ran.events[0].at.0;
        assert!(took < 10_000, "{took}");
    });
}

#[test]
fn output_is_kept_whole_and_secrets_are_not() {
    sim(async {
        let mut machine = machine(6);
        let reference = SecretRef::Env("TOKEN".to_owned());
        machine
            .secrets
            .insert(reference.clone(), "canary-91c4".to_owned());
        let mut api = full();
        api.env
            .insert("TOKEN".to_owned(), EnvValue::Secret(reference));
        let project = project(vec![api]);
        machine.platform.with(|m| {
            let text = "\u{1b}[31mtoken is canary-91c4\u{1b}[0m\nand Y2FuYXJ5LTkxYzQ= too\n";
            m.prints.insert("check ports".to_owned(), text.to_owned());
        });
        let ran = deploy(&machine, &project).await;
        let texts: Vec<String> = ran
            .events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Log { text, .. } => Some(text.clone()),
                _ => None,
            })
            .collect();
        assert!(
            texts.contains(&"token is [redacted]".to_owned()),
            "{texts:?}"
        );
        let run_id = &ran.end.as_ref().unwrap().run_id;
        let path = format!("runs/{run_id}/service.api+0+prestart.host.log");
        let kept = machine.file(&path).unwrap();
        assert!(kept.starts_with("token is [redacted]\n"), "{kept}");
        for (path, file) in machine.files.borrow().iter() {
            let text = String::from_utf8_lossy(&file.bytes);
            assert!(!text.contains("canary-91c4"), "{}", path.display());
            assert!(!text.contains("Y2FuYXJ5LTkxYz"), "{}", path.display());
        }
        let state = machine.state.borrow();
        let state = String::from_utf8_lossy(&state.as_ref().unwrap().bytes).into_owned();
        assert!(!state.contains("canary"), "{state}");
        let seen = machine.platform.find("api[0]").unwrap();
        assert_eq!(seen.env["TOKEN"], "canary-91c4", "the instance gets it");
    });
}

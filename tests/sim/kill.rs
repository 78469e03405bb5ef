//! Killed at every single step: one more run brings everything about, and nothing is lost, doubled or left over.

use nanokit::domain::event::RunOutcome;
use nanokit::domain::project::project::Project;
use nanokit::domain::project::service::UpdateStrategy;
use std::time::Duration;

use crate::harness::{Ask, assert_converged, deploy, machine, run, sim};
use crate::support::sim::life::killed_at;
use crate::support::sim::project::{checked, hook, job, mounted, project, provisioned, service};
use nanokit::domain::project::hook::HookPlace;

/// Kills a deployment of `after` (on top of `before`, if given) at each of its steps.
fn kill_everywhere(name: &str, before: Option<&Project>, after: &Project) -> u64 {
    kill_at_steps(name, before, after, 1, 1)
}

/// The same at every `stride`-th step from the `first`; returns how many that were.
pub fn kill_at_steps(
    name: &str,
    before: Option<&Project>,
    after: &Project,
    first: u64,
    stride: u64,
) -> u64 {
    let prepare = || async {
        let machine = machine(11);
        if let Some(before) = before {
            deploy(&machine, before).await;
        }
        machine
    };
    let steps = sim(async {
        let machine = prepare().await;
        deploy(&machine, after).await.steps
    });
    let mut kills = 0;
    let mut at = first;
    while at <= steps {
        kills += 1;
        sim(async {
            let machine = prepare().await;
            let ask = Ask {
                fate: killed_at(at),
                ..Ask::default()
            };
            let killed = run(&machine, after, ask).await;
            let context = format!("{name}, killed at step {at} of {steps} ({})", killed.last);
            // Whatever was sent lands, or does not; then somebody runs it again.
            tokio::time::sleep(Duration::from_secs(2)).await;
            let again = run(&machine, after, Ask::default()).await;
            assert_eq!(
                again.outcome(),
                RunOutcome::Ok,
                "{context}: {}",
                again.error()
            );
            assert_converged(&machine, after, &context).await;
        });
        at += stride;
    }
    kills
}

#[test]
fn a_first_deployment() {
    let mut api = checked(service("api", &["db"]));
    api.instances = 2;
    let shop = project(vec![
        mounted(checked(service("db", &[])), "data"),
        api,
        service("web", &["api"]),
    ]);
    assert!(kill_everywhere("first", None, &shop) > 40);
}

#[test]
fn hooks_installation_and_a_job() {
    let mut api = provisioned(checked(service("api", &["migrate"])), "modules", None);
    api.hooks.prestart_host = vec![hook("check", HookPlace::Host)];
    api.hooks.prestart_container = vec![hook("warm", HookPlace::Container)];
    api.hooks.poststart = vec![hook("tell", HookPlace::Host)];
    let shop = project(vec![job(service("migrate", &[])), api]);
    kill_everywhere("hooks", None, &shop);
}

#[test]
fn a_heavy_installation() {
    let shop = project(vec![provisioned(
        service("api", &[]),
        "modules",
        Some("tools:1"),
    )]);
    kill_everywhere("heavy", None, &shop);
}

#[test]
fn a_recreation_with_stopping_hooks() {
    let mut api = checked(service("api", &[]));
    api.hooks.prestop = vec![hook("flush", HookPlace::Container)];
    api.hooks.poststop = vec![hook("tidy", HookPlace::Host)];
    let before = project(vec![api, service("web", &["api"])]);
    let mut after = before.clone();
    for service in after.services.values_mut() {
        service.image = Some("app:2".to_owned());
    }
    kill_everywhere("recreate", Some(&before), &after);
}

#[test]
fn a_rolling_update() {
    let mut api = checked(service("api", &[]));
    api.instances = 2;
    api.update_strategy = UpdateStrategy::Rolling;
    let before = project(vec![api]);
    let mut after = before.clone();
    after.services.get_mut("api").unwrap().image = Some("app:2".to_owned());
    kill_everywhere("rolling", Some(&before), &after);
}

#[test]
fn scaling_down_an_orphan_and_a_limit() {
    let mut api = service("api", &[]);
    api.instances = 3;
    let before = project(vec![api, service("old", &[]), service("web", &[])]);
    let mut after = before.clone();
    after.services.remove("old");
    after.services.get_mut("api").unwrap().instances = 1;
    after.services.get_mut("web").unwrap().memory_bytes = Some(1 << 26);
    kill_everywhere("scale", Some(&before), &after);
}

#[test]
fn what_a_killed_run_made_is_found_though_the_file_no_longer_has_it() {
    let before = project(vec![service("old", &[]), service("web", &[])]);
    let mut after = before.clone();
    after.services.remove("old");
    let steps = sim(async { deploy(&machine(11), &before).await.steps });
    for at in 1..=steps {
        sim(async {
            let machine = machine(11);
            let ask = Ask {
                fate: killed_at(at),
                ..Ask::default()
            };
            let killed = run(&machine, &before, ask).await;
            let context = format!("killed at step {at} of {steps} ({})", killed.last);
            tokio::time::sleep(Duration::from_secs(2)).await;
            deploy(&machine, &after).await;
            assert_converged(&machine, &after, &context).await;
        });
    }
}

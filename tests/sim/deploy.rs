//! Deployments without faults: order, cost, and what a second one does.

use std::time::Duration;

use nanokit::domain::event::RunOutcome;
use nanokit::domain::plan::model::Purpose;
use nanokit::domain::project::service::{Service, UpdateStrategy};
use nanokit::domain::run::options::Schedule;

use crate::harness::{Ask, assert_converged, deploy, machine, record, run, sim};
use crate::support::sim::project::{checked, job, mounted, project, service};

fn shop() -> Vec<Service> {
    let mut api = checked(service("api", &["db", "migrate"]));
    api.instances = 2;
    vec![
        mounted(checked(service("db", &[])), "data"),
        job(service("migrate", &["db"])),
        api,
        service("web", &["api"]),
    ]
}

#[test]
fn a_second_deployment_does_nothing_and_costs_a_few_lists() {
    sim(async {
        let machine = machine(1);
        let project = project(shop());
        deploy(&machine, &project).await;
        assert_converged(&machine, &project, "after the first").await;
        let serial = record(&machine, &project).await.unwrap().serial;
        machine.platform.take_calls();
        let again = deploy(&machine, &project).await;
        let calls = machine.platform.take_calls();
        assert!(again.words("action_started").is_empty());
        let instances = 5;
        assert!(calls.len() <= 5 + instances, "{calls:?}");
        assert!(
            calls
                .iter()
                .all(|c| c.starts_with("list") || c == "inspect")
        );
        assert_eq!(record(&machine, &project).await.unwrap().serial, serial);
    });
}

#[test]
fn a_first_deployment_makes_two_calls_a_service() {
    sim(async {
        let machine = machine(2);
        let services = (0..16).map(|i| service(&format!("s{i:02}"), &[])).collect();
        let project = project(services);
        deploy(&machine, &project).await;
        let calls = machine.platform.take_calls();
        assert!(
            calls.len() <= 2 * 16 + 8,
            "{} calls: {calls:?}",
            calls.len()
        );
    });
}

#[test]
fn layers_begin_when_the_one_before_is_healthy() {
    sim(async {
        let machine = machine(3);
        let project = project(shop());
        let ran = deploy(&machine, &project).await;
        let healthy = ran.time_of("service.db[0]/health", "step_finished");
        let migrated = ran.time_of("service.migrate[0]/complete", "step_finished");
        assert!(ran.time_of("service.migrate[0]/create", "step_started") >= healthy);
        assert!(ran.time_of("service.api[0]/create", "step_started") >= migrated);
        let both =
            [0, 1].map(|n| ran.time_of(&format!("service.api[{n}]/health"), "step_finished"));
        assert!(
            ran.time_of("service.web[0]/create", "step_started") >= *both.iter().max().unwrap()
        );
    });
}

#[test]
fn a_deep_chain_of_checked_services_waits_for_nothing_but_health() {
    sim(async {
        let machine = machine(4);
        let mut services = vec![checked(service("s0", &[]))];
        for i in 1..6 {
            services.push(checked(service(
                &format!("s{i}"),
                &[&format!("s{}", i - 1)],
            )));
        }
        let project = project(services);
        let ran = deploy(&machine, &project).await;
        let took = ran.events.last().unwrap().at.0 - ran.events[0].at.0;
        // 300 ms to become healthy, and well under 100 ms for the calls of each.
        assert!((1800..2500).contains(&took), "{took} ms");
        assert_eq!(
            machine.platform.count("inspect"),
            0,
            "nobody asks, events tell"
        );
    });
}

#[test]
fn eager_starts_a_service_as_soon_as_its_own_dependencies_are_healthy() {
    sim(async {
        let services = vec![
            checked(service("slow", &[])),
            service("quick", &[]),
            service("after", &["quick"]),
        ];
        let project = project(services);
        let mut at = Vec::new();
        for schedule in [Schedule::Layered, Schedule::Eager] {
            let machine = machine(5);
            machine.platform.with(|m| {
                m.behaviours
                    .entry("slow".to_owned())
                    .or_default()
                    .healthy_after = Some(Duration::from_secs(10));
            });
            let ran = run(
                &machine,
                &project,
                Ask {
                    schedule,
                    ..Ask::default()
                },
            )
            .await;
            assert_eq!(ran.outcome(), RunOutcome::Ok, "{}", ran.error());
            let begin = ran.events[0].at.0;
            at.push(ran.time_of("service.after[0]/create", "step_started") - begin);
        }
        assert!(at[0] >= 10_000 && at[1] < 1000, "{at:?}");
    });
}

#[test]
fn a_rolling_update_keeps_an_instance_serving_all_the_time() {
    sim(async {
        let machine = machine(6);
        let mut api = checked(service("api", &[]));
        api.instances = 2;
        api.update_strategy = UpdateStrategy::Rolling;
        let mut project = project(vec![api]);
        deploy(&machine, &project).await;
        project.services.get_mut("api").unwrap().image = Some("app:2".to_owned());
        machine.platform.take_calls();
        let ran = deploy(&machine, &project).await;
        assert_converged(&machine, &project, "rolled").await;
        let calls = machine.platform.take_calls();
        let order: Vec<&String> = calls
            .iter()
            .filter(|c| c.starts_with("create") || c.starts_with("stop"))
            .collect();
        assert!(order[0].starts_with("create"), "{order:?}");
        assert!(order[1].starts_with("stop"), "one at a time: {order:?}");
        let new = ran
            .words("step_finished")
            .into_iter()
            .position(|s| s.ends_with("/health"));
        let old = ran
            .words("step_started")
            .into_iter()
            .position(|s| s.ends_with("/stop"));
        assert!(new.is_some() && old.is_some());
    });
}

#[test]
fn destroy_takes_down_in_reverse_and_clean_needs_force() {
    sim(async {
        let machine = machine(7);
        let project = project(shop());
        deploy(&machine, &project).await;
        machine.platform.take_calls();
        let ask = |purpose: Purpose, force| Ask {
            purpose,
            force,
            ..Ask::default()
        };
        let refused = run(&machine, &project, ask(Purpose::Clean, false)).await;
        assert_eq!(refused.outcome(), RunOutcome::Refused);
        assert_eq!(machine.platform.count("stop"), 0);
        let destroyed = run(&machine, &project, ask(Purpose::Destroy, false)).await;
        assert_eq!(destroyed.outcome(), RunOutcome::Ok, "{}", destroyed.error());
        let stops: Vec<String> = machine
            .platform
            .take_calls()
            .into_iter()
            .filter(|c| c.starts_with("stop"))
            .collect();
        assert_eq!(
            stops.first().map(String::as_str),
            Some("stop service.web[0]")
        );
        assert_eq!(stops.last().map(String::as_str), Some("stop service.db[0]"));
        assert!(machine.platform.picture().is_empty());
        assert_eq!(
            machine.platform.with(|m| m.volumes.len()),
            1,
            "volumes stay"
        );
        let cleaned = run(&machine, &project, ask(Purpose::Clean, true)).await;
        assert_eq!(cleaned.outcome(), RunOutcome::Ok, "{}", cleaned.error());
        assert_eq!(
            machine
                .platform
                .with(|m| m.volumes.len() + m.networks.len()),
            0
        );
        assert!(
            record(&machine, &project)
                .await
                .unwrap()
                .resources
                .is_empty()
        );
    });
}

#[test]
fn a_pull_wanted_by_many_is_made_once() {
    sim(async {
        let machine = machine(8);
        machine.platform.with(|m| m.images.clear());
        let services = (0..5).map(|i| service(&format!("s{i}"), &[])).collect();
        let project = project(services);
        deploy(&machine, &project).await;
        assert_eq!(machine.platform.count("pull"), 1);
    });
}

#[test]
fn an_approved_plan_is_refused_when_the_world_has_moved() {
    sim(async {
        let machine = machine(9);
        let mut project = project(vec![service("api", &[])]);
        deploy(&machine, &project).await;
        project.services.get_mut("api").unwrap().image = Some("app:2".to_owned());
        let approved = crate::harness::plan(&machine, &project).await;
        let ask = Ask {
            approved: Some(approved),
            ..Ask::default()
        };
        let id = machine.platform.find("api[0]").unwrap().id;
        machine.platform.dies(&id, 1, 137);
        let stale = run(&machine, &project, ask.clone()).await;
        assert_eq!(stale.outcome(), RunOutcome::Refused);
        assert!(stale.error().contains("status"), "{}", stale.error());
        let fresh = crate::harness::plan(&machine, &project).await;
        let good = Ask {
            approved: Some(fresh),
            ..ask
        };
        let ran = run(&machine, &project, good.clone()).await;
        assert_eq!(ran.outcome(), RunOutcome::Ok, "{}", ran.error());
        let twice = run(&machine, &project, good).await;
        assert_eq!(twice.outcome(), RunOutcome::Refused, "applied once only");
    });
}

//! Failures, lost replies, unhealthy services, stops by the operator.

use std::time::Duration;

use nanokit::domain::event::RunOutcome;
use nanokit::domain::plan::model::Purpose;
use nanokit::engine::reconcile::Stop;

use crate::harness::{Ask, assert_converged, deploy, machine, record, run, sim};
use crate::support::sim::life::Fate;
use crate::support::sim::project::{checked, job, mounted, project, service};

#[test]
fn a_bad_service_does_not_cut_an_unrelated_branch() {
    sim(async {
        let machine = machine(1);
        let mut services = vec![service("bad", &[]), service("hurt", &["bad"])];
        services.push(service("c0", &[]));
        for i in 1..6 {
            services.push(service(&format!("c{i}"), &[&format!("c{}", i - 1)]));
        }
        let project = project(services);
        machine
            .platform
            .with(|m| m.faults.fail.insert("create service.bad[0]".to_owned(), 1));
        let ran = run(&machine, &project, Ask::default()).await;
        assert_eq!(ran.outcome(), RunOutcome::Failed);
        let picture = machine.platform.picture();
        assert_eq!(picture.len(), 6, "{picture:?}");
        deploy(&machine, &project).await;
        assert_converged(&machine, &project, "second").await;
    });
}

#[test]
fn an_unhealthy_service_is_named_with_the_end_of_its_log() {
    sim(async {
        let machine = machine(2);
        let project = project(vec![checked(service("api", &[])), service("web", &["api"])]);
        machine.platform.with(|m| {
            let b = m.behaviours.entry("api".to_owned()).or_default();
            b.ends = Some((Duration::from_millis(100), 1));
            b.prints = "cannot open config".to_owned();
        });
        let ran = run(&machine, &project, Ask::default()).await;
        assert_eq!(ran.outcome(), RunOutcome::Failed);
        let error = ran.error();
        assert!(error.contains("exit code 1"), "{error}");
        assert!(error.contains("cannot open config"), "{error}");
        assert!(machine.platform.find("web[0]").is_none());
    });
}

#[test]
fn a_failing_job_stops_what_waits_for_it() {
    sim(async {
        let machine = machine(3);
        let project = project(vec![
            job(service("migrate", &[])),
            service("api", &["migrate"]),
        ]);
        machine.platform.with(|m| {
            let b = m.behaviours.entry("migrate".to_owned()).or_default();
            b.ends = Some((Duration::from_millis(100), 4));
        });
        let ran = run(&machine, &project, Ask::default()).await;
        assert!(ran.error().contains("exit code 4"), "{}", ran.error());
        assert!(machine.platform.find("api[0]").is_none());
        machine.platform.with(|m| m.behaviours.clear());
        deploy(&machine, &project).await;
        assert_converged(&machine, &project, "second").await;
    });
}

#[test]
fn a_lost_reply_is_settled_by_looking_and_nothing_is_made_twice() {
    for verb in [
        "create service.api[0]",
        "start service.api[0]",
        "create network.default",
    ] {
        sim(async {
            let machine = machine(4);
            let project = project(vec![service("api", &[])]);
            machine
                .platform
                .with(|m| m.faults.lose_reply.insert(verb.to_owned()));
            deploy(&machine, &project).await;
            assert_eq!(machine.platform.count(verb), 1, "{verb}");
            assert_eq!(machine.platform.count("settle"), 1);
            assert_converged(&machine, &project, verb).await;
        });
    }
}

#[test]
fn what_an_old_list_still_shows_is_not_taken_into_the_state() {
    sim(async {
        let machine = machine(4);
        let project = project(vec![job(service("migrate", &[]))]);
        deploy(&machine, &project).await;
        let down = Ask {
            purpose: Purpose::Destroy,
            ..Ask::default()
        };
        let gone = run(&machine, &project, down).await;
        assert_eq!(gone.outcome(), RunOutcome::Ok, "{}", gone.error());
        let old = Fate {
            old_lists: 1,
            ..Fate::default()
        };
        let ask = Ask {
            fate: old,
            ..Ask::default()
        };
        let ran = run(&machine, &project, ask).await;
        assert_eq!(ran.outcome(), RunOutcome::Ok, "{}", ran.error());
        assert!(machine.ledger.all_fired().contains_key("old list"));
        assert_converged(&machine, &project, "after an old list").await;
    });
}

#[test]
fn a_volume_removed_in_the_middle_of_a_run_is_ours_again_and_the_run_is_no_success() {
    sim(async {
        let machine = machine(4);
        let after = service("after", &["api"]);
        let mut project = project(vec![mounted(service("api", &[]), "data"), after]);
        deploy(&machine, &project).await;
        for service in project.services.values_mut() {
            service.image = Some("app:2".to_owned());
        }
        // Between the removal of the old instance and the making of the new one nobody holds the volume.
        let somebody = async {
            while machine.platform.find("api[0]").is_some() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            machine.platform.with(|m| {
                let id = m.volumes.values().next().unwrap().id.clone();
                m.lose_volume(&id);
            });
        };
        let (ran, ()) = tokio::join!(run(&machine, &project, Ask::default()), somebody);
        assert_eq!(ran.outcome(), RunOutcome::Failed);
        let told = "volume.data was removed by somebody else while this run went on";
        assert!(ran.error().contains(told), "{}", ran.error());
        let image = machine.platform.find("after[0]").unwrap().image.unwrap();
        assert!(image.ends_with("app:1"), "nothing more was begun: {image}");
        deploy(&machine, &project).await;
        assert_converged(&machine, &project, "the next run").await;
    });
}

#[test]
fn a_call_that_never_arrived_is_made_again() {
    sim(async {
        let machine = machine(5);
        let project = project(vec![service("api", &[])]);
        let verb = "create service.api[0]";
        machine
            .platform
            .with(|m| m.faults.lose_call.insert(verb.to_owned()));
        deploy(&machine, &project).await;
        assert_eq!(machine.platform.count(verb), 2);
        assert_converged(&machine, &project, verb).await;
    });
}

#[test]
fn one_ctrl_c_drains_two_cancel_and_the_next_run_goes_on() {
    let project = project(vec![
        checked(service("db", &[])),
        checked(service("api", &["db"])),
    ]);
    let cases: [&[(u64, Stop)]; 3] = [
        &[(25, Stop::Drain)],
        &[(25, Stop::Drain), (30, Stop::Cancel)],
        &[(200, Stop::Cancel)],
    ];
    for (i, case) in cases.iter().enumerate() {
        sim(async {
            let machine = machine(6);
            let stops = case
                .iter()
                .map(|(ms, stop)| (Duration::from_millis(*ms), *stop))
                .collect();
            let ask = Ask {
                stops,
                ..Ask::default()
            };
            let ran = run(&machine, &project, ask).await;
            assert_eq!(
                ran.outcome(),
                RunOutcome::Cancelled,
                "case {i}: {}",
                ran.error()
            );
            assert!(machine.platform.find("api[0]").is_none(), "case {i}");
            if let Some(record) = record(&machine, &project).await {
                assert!(record.pending.is_empty(), "case {i}: settled by one look");
            }
            deploy(&machine, &project).await;
            assert_converged(&machine, &project, "after the stop").await;
        });
    }
}

#[test]
fn a_gap_in_the_event_stream_costs_one_look_and_no_verdict() {
    sim(async {
        let machine = machine(7);
        let project = project(vec![checked(service("api", &[]))]);
        let platform = machine.platform.clone();
        let gap = async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            let cut = platform.with(|m| std::mem::take(&mut m.listeners));
            // The health verdict comes while nobody listens; then the stream is back.
            tokio::time::sleep(Duration::from_secs(1)).await;
            platform.with(|m| {
                m.listeners = cut;
                m.tell(
                    None,
                    nanokit::domain::live::LiveEventKind::Lost("cut".into()),
                );
                m.tell(None, nanokit::domain::live::LiveEventKind::Connected);
            });
        };
        let (ran, ()) = tokio::join!(run(&machine, &project, Ask::default()), gap);
        assert_eq!(ran.outcome(), RunOutcome::Ok, "{}", ran.error());
        let took = ran.events.last().unwrap().at.0 - ran.events[0].at.0;
        assert!(took < 3000, "{took}");
    });
}

#[test]
fn a_second_run_is_told_who_holds_the_lock() {
    sim(async {
        let machine = machine(8);
        let project = project(vec![checked(service("api", &[]))]);
        let second = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            run(&machine, &project, Ask::default()).await
        };
        let (first, second) = tokio::join!(run(&machine, &project, Ask::default()), second);
        assert_eq!(first.outcome(), RunOutcome::Ok);
        assert_eq!(second.outcome(), RunOutcome::Refused);
        assert!(
            second.error().contains("lock is held"),
            "{}",
            second.error()
        );
    });
}

#[test]
fn f39_on_another_engine_nothing_is_done_and_nothing_forgotten() {
    sim(async {
        let machine = machine(39);
        let project = project(vec![service("db", &[]), service("api", &["db"])]);
        deploy(&machine, &project).await;
        let (state, calls) = machine.platform.with(|m| {
            m.engine = "other".to_owned();
            (machine.state.borrow().clone(), m.calls.len())
        });
        let purposes = [
            Purpose::Deploy,
            Purpose::Restore,
            Purpose::Destroy,
            Purpose::Clean,
        ];
        for purpose in purposes {
            let ask = Ask {
                purpose: purpose.clone(),
                force: true,
                ..Ask::default()
            };
            let ran = run(&machine, &project, ask).await;
            assert_ne!(ran.outcome(), RunOutcome::Ok, "{purpose:?}");
            let said = ran.error();
            assert!(said.contains("engine sim"), "{purpose:?}: {said}");
            assert!(said.contains("other answers"), "{purpose:?}: {said}");
        }
        let done: Vec<String> = machine.platform.with(|m| {
            let since = m.calls[calls..].iter().map(|(_, call)| call.clone());
            since
                .filter(|call| !call.starts_with("list") && call != "inspect" && call != "events")
                .collect()
        });
        assert!(done.is_empty(), "{done:?}");
        assert_eq!(*machine.state.borrow(), state, "the state is as it was");
        // Back on its own engine everything is as it was left.
        machine.platform.with(|m| m.engine = "sim".to_owned());
        assert_converged(&machine, &project, "back again").await;
    });
}

#[test]
fn f39_a_plan_approved_on_one_engine_is_not_carried_out_on_another() {
    sim(async {
        let machine = machine(40);
        let project = project(vec![service("api", &[])]);
        // Nothing is recorded yet that could bind anybody to an engine, but the plan does.
        let approved = crate::harness::plan(&machine, &project).await;
        machine.platform.with(|m| m.engine = "other".to_owned());
        let ask = Ask {
            approved: Some(approved),
            ..Ask::default()
        };
        let ran = run(&machine, &project, ask.clone()).await;
        assert_eq!(ran.outcome(), RunOutcome::Refused, "{}", ran.error());
        let said = ran.error();
        assert!(said.contains("engine was sim, now it is other"), "{said}");
        assert!(machine.platform.picture().is_empty());
        machine.platform.with(|m| m.engine = "sim".to_owned());
        let ran = run(&machine, &project, ask).await;
        assert_eq!(ran.outcome(), RunOutcome::Ok, "{}", ran.error());
    });
}

//! Accepting drift: killed at every step, and by a process that stands still while somebody else deploys.

use std::time::Duration;

use nanokit::domain::event::RunOutcome;
use nanokit::domain::ids::Address;
use nanokit::domain::lease::Verdict;
use nanokit::domain::project::project::Project;
use nanokit::domain::report::ignored::Amendment;
use nanokit::engine::engine::Engine;
use nanokit::engine::reconcile::{Reconcile, UnlockRequest};

use crate::harness::{Ask, assert_converged, deploy, engine, machine, run, sim};
use crate::support::sim::life::{Fate, Span, killed_at};
use crate::support::sim::project::{project, service};
use crate::support::sim::world::Machine;

/// Somebody gives a container more memory by hand.
fn widen(machine: &Machine) {
    machine.platform.with(|m| {
        for one in m.boxes.values_mut().filter(|b| b.service.name == "api") {
            one.service.memory_bytes = Some(1 << 28);
        }
    });
}

fn shop() -> Project {
    project(vec![service("api", &[]), service("web", &["api"])])
}

/// Accepts the drift of `api` in a process of its own: its steps, and what it said; `None`: it was killed.
async fn accept(
    machine: &Machine,
    project: &Project,
    fate: Fate,
) -> (u64, Option<Result<Vec<String>, String>>) {
    let world = machine.spawn(fate);
    let life = world.life.clone();
    let engine = Engine::new(world);
    let amendment = Amendment::Accept {
        address: Address::service("api"),
        path: None,
    };
    let said = life.live(Box::pin(engine.amend(project, &amendment))).await;
    machine.bury(engine.world());
    let said = said.map(|said| said.map_err(|error| error.to_string()));
    (life.steps(), said)
}

async fn drifted(machine: &Machine, project: &Project) -> usize {
    let report = engine(machine).drift(project).await.unwrap();
    report.drifted.len()
}

#[test]
fn accepting_drift_killed_at_any_step_is_done_or_not_begun() {
    let shop = shop();
    let steps = sim(async {
        let machine = machine(7);
        deploy(&machine, &shop).await;
        widen(&machine);
        assert_eq!(drifted(&machine, &shop).await, 1);
        let (steps, said) = accept(&machine, &shop, Fate::default()).await;
        assert!(matches!(said, Some(Ok(_))), "{said:?}");
        assert_eq!(drifted(&machine, &shop).await, 0);
        steps
    });
    assert!(steps > 8, "{steps} places to be killed at");
    let (mut done, mut not) = (0, 0);
    for at in 1..=steps {
        sim(async {
            let machine = machine(7);
            deploy(&machine, &shop).await;
            widen(&machine);
            let (_, said) = accept(&machine, &shop, killed_at(at)).await;
            let context = format!("killed at step {at} of {steps}");
            assert_eq!(said, None, "{context}");
            tokio::time::sleep(Duration::from_secs(2)).await;
            let (_, again) = accept(&machine, &shop, Fate::default()).await;
            match again.unwrap() {
                Ok(told) => {
                    not += 1;
                    assert_eq!(told.len(), 1, "{context}: {told:?}");
                }
                Err(told) => {
                    done += 1;
                    assert_eq!(told, "service.api did not drift", "{context}");
                }
            }
            assert_eq!(drifted(&machine, &shop).await, 0, "{context}");
            machine.ledger.assert_sound(&context);
            // The file wants what it wanted: that is now a change of ours.
            deploy(&machine, &shop).await;
            assert_converged(&machine, &shop, &context).await;
        });
    }
    assert!(done > 0 && not > 0, "{done} were done, {not} were not");
}

/// Somebody on the other machine looks at the lock and forces it.
async fn force(machine: &Machine, project: &Project) -> Option<()> {
    let engine = Engine::new(machine.spawn(Fate {
        machine: 1,
        ..Fate::default()
    }));
    let report = engine.lock(project, Duration::ZERO, None).await.unwrap();
    let held = report.verdict != Verdict::Free;
    let record = report.record.filter(|_| held);
    let request = UnlockRequest {
        lock_id: record.as_ref().map(|record| record.lock_id.clone()),
        version: None,
        force: true,
        reason: Some("it does not answer".to_owned()),
    };
    if record.is_some() {
        engine.unlock(project, &request).await.unwrap();
    }
    machine.bury(engine.world());
    record.map(|_| ())
}

#[test]
fn accepting_drift_that_stands_still_does_not_undo_what_was_deployed_meanwhile() {
    let before = shop();
    let mut after = before.clone();
    for service in after.services.values_mut() {
        service.image = Some("app:2".to_owned());
    }
    let mut forced = 0;
    for seed in 0..60 {
        sim(async {
            let machine = machine(seed);
            deploy(&machine, &before).await;
            widen(&machine);
            let now = machine.start().elapsed();
            let from = now + Duration::from_millis(seed * 4);
            let fate = Fate {
                frozen: vec![Span::new(from, Duration::from_secs(90))],
                latency: 20,
                ..Fate::default()
            };
            let other = async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let was_held = force(&machine, &after).await;
                let ask = Ask {
                    lock_wait: Duration::from_secs(60),
                    fate: Fate {
                        machine: 1,
                        ..Fate::default()
                    },
                    ..Ask::default()
                };
                let ran = run(&machine, &after, ask).await;
                assert_eq!(ran.outcome(), RunOutcome::Ok, "{seed}: {}", ran.error());
                was_held
            };
            let ((_, said), was_held) = tokio::join!(accept(&machine, &before, fate), other);
            let context = format!("seed {seed}: {said:?}");
            if was_held.is_some() {
                forced += 1;
                assert!(matches!(said, Some(Err(_))), "{context}");
            }
            machine.ledger.assert_sound(&context);
            deploy(&machine, &after).await;
            assert_converged(&machine, &after, &context).await;
        });
    }
    assert!(forced > 5, "only {forced} stood still with the lock");
}

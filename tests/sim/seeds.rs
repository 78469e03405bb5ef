//! Random worlds: graphs, faults, kills and stops drawn from a seed. A seed that fails is printed, and stays failing.

use std::cell::Cell;
use std::time::Duration;

use nanokit::domain::event::RunOutcome;
use nanokit::domain::project::hook::HookPlace;
use nanokit::domain::project::project::Project;
use nanokit::domain::project::service::UpdateStrategy;
use nanokit::domain::run::options::Schedule;
use nanokit::engine::reconcile::Stop;

use crate::harness::{Ask, assert_converged, machine, run, sim};
use crate::support::sim::life::killed_at;
use crate::support::sim::project::{checked, hook, job, mounted, project, provisioned, service};
use crate::support::sim::world::next;

struct Dice(Cell<u64>);

impl Dice {
    fn below(&self, n: u64) -> u64 {
        next(&self.0) % n
    }
    fn one_in(&self, n: u64) -> bool {
        self.below(n) == 0
    }
}

fn random_project(dice: &Dice) -> Project {
    let count = 1 + dice.below(6);
    let mut services = Vec::new();
    for i in 0..count {
        let deps: Vec<String> = (0..i)
            .filter(|_| dice.one_in(3))
            .map(|d| format!("s{d}"))
            .collect();
        let deps: Vec<&str> = deps.iter().map(String::as_str).collect();
        let mut one = service(&format!("s{i}"), &deps);
        if dice.one_in(2) {
            one = checked(one);
        }
        match dice.below(6) {
            0 => one = job(one),
            1 => one = mounted(one, "data"),
            2 => one = provisioned(one, "modules", None),
            3 => one = provisioned(one, "modules", Some("tools:1")),
            4 => one.expose = Some(8080),
            _ => {}
        }
        if dice.one_in(3) {
            one.hooks.prestart_host = vec![hook("check", HookPlace::Host)];
            one.hooks.prestop = vec![hook("flush", HookPlace::Container)];
        }
        if dice.one_in(3) {
            one.instances = 2;
        }
        if dice.one_in(3) {
            one.update_strategy = UpdateStrategy::Rolling;
        }
        services.push(one);
    }
    project(services)
}

fn changed(dice: &Dice, before: &Project) -> Project {
    let mut after = before.clone();
    for service in after.services.values_mut() {
        match dice.below(5) {
            0 => service.image = Some("app:2".to_owned()),
            1 => service.memory_bytes = Some(1 << 27),
            2 => service.instances = 1 + u32::try_from(dice.below(3)).unwrap(),
            _ => {}
        }
    }
    after
}

fn random_ask(dice: &Dice) -> Ask {
    let mut ask = Ask {
        parallelism: 1 + usize::try_from(dice.below(6)).unwrap(),
        schedule: if dice.one_in(2) {
            Schedule::Eager
        } else {
            Schedule::Layered
        },
        ..Ask::default()
    };
    match dice.below(4) {
        0 => ask.fate = killed_at(1 + dice.below(120)),
        1 => {
            let at = Duration::from_millis(dice.below(1500));
            let stop = if dice.one_in(2) {
                Stop::Drain
            } else {
                Stop::Cancel
            };
            ask.stops = vec![(at, stop)];
        }
        _ => {}
    }
    ask
}

fn one_world(seed: u64) {
    sim(async {
        let dice = Dice(Cell::new(seed));
        let machine = machine(seed);
        let mut wanted = random_project(&dice);
        for round in 0..3 {
            for (verb, place) in [("create", 0), ("start", 1), ("stop", 2), ("remove", 3)] {
                let key = format!("{verb} service.s{}[0]", dice.below(6));
                machine.platform.with(|m| match dice.below(8) + place {
                    0 => {
                        m.faults.fail.insert(key, 1);
                    }
                    1 => {
                        m.faults.lose_reply.insert(key);
                    }
                    2 => {
                        m.faults.lose_call.insert(key);
                    }
                    _ => {}
                });
            }
            let ran = run(&machine, &wanted, random_ask(&dice)).await;
            if let Some(end) = &ran.end
                && end.outcome == RunOutcome::Ok
            {
                assert_converged(&machine, &wanted, &format!("seed {seed}, round {round}")).await;
            }
            if dice.one_in(2) {
                wanted = changed(&dice, &wanted);
            }
        }
        // Faults off: one run, and everything is as wanted.
        machine.platform.with(|m| m.faults = Default::default());
        tokio::time::sleep(Duration::from_secs(5)).await;
        let last = run(&machine, &wanted, Ask::default()).await;
        assert_eq!(
            last.outcome(),
            RunOutcome::Ok,
            "seed {seed}: {}",
            last.error()
        );
        assert_converged(&machine, &wanted, &format!("seed {seed}, at the end")).await;
    });
}

#[test]
fn two_hundred_random_worlds_converge() {
    for seed in 0..200 {
        one_world(seed);
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let story = |seed| {
        sim(async move {
            let dice = Dice(Cell::new(seed));
            let machine = machine(seed);
            let wanted = random_project(&dice);
            let ran = run(&machine, &wanted, Ask::default()).await;
            let events: Vec<String> = ran.events.iter().map(|e| format!("{e:?}")).collect();
            (events, machine.platform.take_calls())
        })
    };
    for seed in [3, 14, 15] {
        assert_eq!(story(seed), story(seed));
    }
}

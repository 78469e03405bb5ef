//! Killed at every step of forty generated graphs: chains, stars, layers and random ones, with hooks, volumes,
//! installations, jobs and several instances.
//!
//! Where fewer than [`EVERY_STEP_FROM`] schedules run, each graph is killed at every eighth step, at other ones for
//! each graph.

#![expect(
    clippy::disallowed_macros,
    reason = "how many kills there were is for people"
)]

use std::sync::atomic::{AtomicU64, Ordering};

use nanokit::domain::project::hook::HookPlace;
use nanokit::domain::project::project::Project;
use nanokit::domain::project::service::Service;

use crate::kill::kill_at_steps;
use crate::support::sim::project::{checked, hook, job, mounted, project, provisioned, service};
use crate::swarm::draw::Dice;
use crate::swarm::gates::schedules;

const GRAPHS: u64 = 40;
const EVERY_STEP_FROM: u64 = 20_000;

#[derive(Clone, Copy, Debug)]
enum Shape {
    Chain,
    Star,
    Layers,
    Random,
}

/// What service `i` needs.
fn needs(shape: Shape, i: u64, dice: &Dice) -> Vec<u64> {
    match shape {
        Shape::Chain => i.checked_sub(1).into_iter().collect(),
        Shape::Star => (i > 0).then_some(0).into_iter().collect(),
        // Two in each layer, all of which need all of the layer before.
        Shape::Layers if i < 2 => Vec::new(),
        Shape::Layers => vec![(i / 2 - 1) * 2, (i / 2 - 1) * 2 + 1],
        Shape::Random => (0..i).filter(|_| dice.one_in(2)).collect(),
    }
}

/// Gives a service something of its own.
fn adorned(mut one: Service, dice: &Dice) -> Service {
    if dice.one_in(3) {
        one = checked(one);
    }
    match dice.below(8) {
        0 => one = job(one),
        1 | 2 => one = mounted(one, "data"),
        3 => one = provisioned(one, "modules", None),
        4 => one = provisioned(one, "modules", Some("tools:1")),
        5 => one.instances = 2,
        _ => {}
    }
    match dice.below(5) {
        0 => one.hooks.prestart_host = vec![hook("check", HookPlace::Host)],
        1 => one.hooks.prestart_container = vec![hook("warm", HookPlace::Container)],
        2 => one.hooks.poststart = vec![hook("tell", HookPlace::Host)],
        _ => {}
    }
    one
}

fn graph(number: u64) -> (Shape, Project) {
    let dice = Dice::new(number.wrapping_mul(0x9e37_79b9));
    let shapes = [Shape::Chain, Shape::Star, Shape::Layers, Shape::Random];
    let shape = shapes[usize::try_from(number % 4).unwrap()];
    let services = (0..2 + dice.below(3))
        .map(|i| {
            let needs: Vec<String> = needs(shape, i, &dice)
                .iter()
                .map(|n| format!("s{n}"))
                .collect();
            let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
            adorned(service(&format!("s{i}"), &needs), &dice)
        })
        .collect();
    (shape, project(services))
}

#[test]
fn f01_forty_generated_graphs_survive_a_kill_at_every_step() {
    let stride = if schedules() < EVERY_STEP_FROM { 8 } else { 1 };
    let (next, kills) = (AtomicU64::new(0), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= GRAPHS {
                        break;
                    }
                    let (shape, wanted) = graph(number);
                    let name = format!("graph {number} ({shape:?})");
                    let first = 1 + number / 4 % stride;
                    let killed = kill_at_steps(&name, None, &wanted, first, stride);
                    kills.fetch_add(killed, Ordering::Relaxed);
                }
            });
        }
    });
    let kills = kills.into_inner();
    println!("{GRAPHS} graphs, {kills} kills");
    assert!(kills * stride > GRAPHS * 20, "{kills} kills only");
}

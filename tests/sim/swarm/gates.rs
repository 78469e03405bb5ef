//! The gates: no invariant broken, every fault fired often enough, every ending seen.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "how many schedules, how long they took, and what they came to, is for people"
)]

use std::time::Instant;

use super::flock::{Flock, fly, tell};
use crate::support::sim::ledger::Planted;

/// How many schedules every commit runs.
const SCHEDULES: u64 = 2_000;
/// How often each kind of fault has to fire in so many schedules.
const EACH: u64 = 100;

/// Everything that has to happen, or the simulation proves nothing.
const MUST_FIRE: [&str; 28] = [
    "call failed",
    "call late",
    "call lost",
    "reply lost",
    "clock jumped",
    "clock skewed",
    "drifted",
    "ended cancelled",
    "ended failed",
    "ended refused",
    "ended well",
    "ends clean",
    "ends deployed",
    "frozen",
    "hook failed",
    "hook hung",
    "killed",
    "lock cut off",
    "lock flapping",
    "lock reply lost",
    "power lost",
    "state cut off",
    "state flapping",
    "state reply lost",
    "suspended",
    "takeover",
    "unlock: cleared",
    "unlocked by force",
];

/// Says what did not happen often enough.
fn missing(flock: &Flock) -> Vec<String> {
    let enough = EACH * flock.schedules / SCHEDULES;
    let enough = enough.max(1);
    MUST_FIRE
        .iter()
        .map(|what| (what, flock.fired.get(what).copied().unwrap_or(0)))
        .filter(|(_, count)| *count < enough)
        .map(|(what, count)| format!("{what}: {count} of {enough}"))
        .collect()
}

fn wanted(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Fails with the whole story of the first seed that broke something.
fn assert_unbroken(flock: &Flock) {
    let Some((seed, invariant, what)) = flock.broken.first() else {
        return;
    };
    let all: Vec<_> = flock
        .broken
        .iter()
        .map(|(seed, ..)| seed)
        .take(20)
        .collect();
    panic!(
        "{}\n{} seeds broke something, the first: {all:?}\n{invariant:?}: {what}\n\
         again: NANOKIT_SEED={seed} cargo test --test sim one_seed -- --nocapture\n\
         then add it to tests/sim/seeds.txt",
        tell(*seed, Planted::None),
        flock.broken.len(),
    );
}

#[test]
fn seeds_that_once_broke_something_hold() {
    let seeds: Vec<u64> = include_str!("../seeds.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    assert!(seeds.len() >= 3, "{seeds:?}");
    assert_unbroken(&fly(&seeds, Planted::None, false, false));
}

#[test]
fn random_schedules_break_nothing_and_leave_nothing_out() {
    let began = Instant::now();
    let seeds: Vec<u64> = (0..wanted("NANOKIT_SIM").unwrap_or(SCHEDULES)).collect();
    let flock = fly(&seeds, Planted::None, false, false);
    let took = began.elapsed();
    println!(
        "sim: {} schedules, {} calls, {} takeovers, {} violations, {:.1} s",
        flock.schedules,
        flock.effects,
        flock.fired.get("takeover").unwrap_or(&0),
        flock.broken.len(),
        took.as_secs_f32(),
    );
    for (what, count) in &flock.fired {
        println!("{what:>28} {count}");
    }
    assert_unbroken(&flock);
    let missing = missing(&flock);
    assert!(missing.is_empty(), "too rare: {missing:#?}");
}

#[test]
fn a_simulation_that_injects_nothing_does_not_pass_its_gates() {
    let seeds: Vec<u64> = (0..100).collect();
    let flock = fly(&seeds, Planted::None, true, false);
    assert!(flock.broken.is_empty(), "{:?}", flock.broken);
    let missing = missing(&flock);
    for what in ["call lost", "frozen", "killed", "power lost", "takeover"] {
        let named = missing.iter().any(|line| line.starts_with(what));
        assert!(
            named,
            "{what} fired though nothing was injected: {missing:?}"
        );
    }
}

#[test]
fn one_seed_is_told_the_same_way_twice() {
    let asked = wanted("NANOKIT_SEED");
    let seed = asked.unwrap_or(227);
    let told = tell(seed, Planted::None);
    if asked.is_some() {
        println!("{told}");
    }
    assert_eq!(told, tell(seed, Planted::None), "seed {seed}");
    assert!(told.contains("put state.json"), "a story with steps in it");
}

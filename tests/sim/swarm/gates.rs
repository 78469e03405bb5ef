//! The gates: no invariant broken, every fault fired often enough, every ending seen.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "how many schedules, how long they took, and what they came to, is for people"
)]

use std::time::Instant;

use super::flock::{Flight, Flock, Seed, assert_unbroken, fly, tell};
use super::profile::Profile;
use crate::support::sim::ledger::Planted;

/// How many schedules run where nobody says how many; see the head of this program.
const SCHEDULES: u64 = 1_000;
/// In how many schedules each kind of fault has to fire once: where there are many, and where chance is larger.
const ONCE_IN: (u64, u64) = (20, 40);

/// How many random schedules this run is to carry out.
pub fn schedules() -> u64 {
    let wanted = std::env::var("NANOKIT_SIM").ok();
    wanted.and_then(|n| n.parse().ok()).unwrap_or(SCHEDULES)
}

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
    let once_in = if flock.schedules < 20_000 {
        ONCE_IN.1
    } else {
        ONCE_IN.0
    };
    let enough = (flock.schedules / once_in).max(1);
    MUST_FIRE
        .iter()
        .map(|what| (what, flock.count(what)))
        .filter(|(_, count)| *count < enough)
        .map(|(what, count)| format!("{what}: {count} of {enough}"))
        .collect()
}

/// How many schedules once broke something.
const SEEDS: usize = 18;

#[test]
fn seeds_that_once_broke_something_hold() {
    let lines = include_str!("../seeds.txt").lines();
    let seeds: Vec<Seed> = lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let first = line.split_whitespace().next();
            first
                .and_then(Seed::parse)
                .expect("a seed, and what it broke")
        })
        .collect();
    assert_eq!(
        seeds.len(),
        SEEDS,
        "none is ever dropped, and a new one is counted"
    );
    assert_unbroken(&fly(&seeds, Flight::default()));
}

#[test]
fn random_schedules_break_nothing_and_leave_nothing_out() {
    let began = Instant::now();
    let flock = fly(&Seed::first(schedules(), Profile::Mixed), Flight::default());
    let took = began.elapsed();
    println!(
        "sim: {} schedules, {} calls, {} takeovers, {} violations, {:.1} s",
        flock.schedules,
        flock.effects,
        flock.count("takeover"),
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
    let flock = fly(&Seed::first(100, Profile::Calm), Flight::default());
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
    let asked = std::env::var("NANOKIT_SEED").ok();
    let seed = asked.as_deref().and_then(Seed::parse);
    let seed = seed.unwrap_or(Seed(227, Profile::Mixed));
    let told = tell(seed, Planted::None);
    if asked.is_some() {
        println!("{told}");
    }
    assert_eq!(told, tell(seed, Planted::None), "seed {seed}");
    assert!(told.contains("put state.json"), "a story with steps in it");
}

//! Many schedules at once, on as many threads as there are cores, and what they came to together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use super::act::once;
use super::draw::Schedule;
use super::profile::Profile;
use crate::support::sim::ledger::{Invariant, Planted};

/// One schedule: its seed, and what it is bent towards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seed(pub u64, pub Profile);

impl Seed {
    /// Reads `SEED` or `SEED@PROFILE`.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, name) = text.split_once('@').unwrap_or((text, "Mixed"));
        let profile = Profile::ALL.into_iter().find(|p| format!("{p:?}") == name);
        Some(Self(number.parse().ok()?, profile?))
    }
    /// The first so many of a profile.
    pub fn first(count: u64, profile: Profile) -> Vec<Self> {
        (0..count).map(|seed| Self(seed, profile)).collect()
    }
}

impl std::fmt::Display for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{:?}", self.0, self.1)
    }
}

/// What is wrong with the schedules on purpose, and when they have told enough.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flight {
    pub planted: Planted,
    pub until: Until,
}

/// When enough was seen.
#[derive(Clone, Copy, Debug, Default)]
pub enum Until {
    /// When all have been carried out.
    #[default]
    All,
    /// Soon after the first schedule that breaks this; other invariants do not count.
    Breaks(Invariant),
}

/// What many schedules came to.
#[derive(Default)]
pub struct Flock {
    pub schedules: u64,
    pub effects: u64,
    pub fired: BTreeMap<&'static str, u64>,
    /// Seeds with what they broke first.
    pub broken: Vec<(Seed, Invariant, String)>,
    /// How many schedules broke each invariant, whatever counts.
    pub tally: BTreeMap<Invariant, u64>,
}

impl Flock {
    /// How often something happened.
    pub fn count(&self, what: &str) -> u64 {
        self.fired.get(what).copied().unwrap_or(0)
    }

    fn add(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.effects += other.effects;
        for (what, count) in other.fired {
            *self.fired.entry(what).or_default() += count;
        }
        for (invariant, count) in other.tally {
            *self.tally.entry(invariant).or_default() += count;
        }
        self.broken.extend(other.broken);
    }

    fn fly(&mut self, seed: Seed, flight: Flight) {
        let done = once(&Schedule::draw(seed.0, seed.1), flight.planted, false);
        self.schedules += 1;
        self.effects += done.effects;
        for (what, count) in done.fired {
            *self.fired.entry(what).or_default() += count;
        }
        let counts = |invariant| match flight.until {
            Until::Breaks(wanted) => wanted == invariant,
            Until::All => true,
        };
        let all: BTreeSet<Invariant> = done.broken.iter().map(|(one, _)| *one).collect();
        for one in all {
            *self.tally.entry(one).or_default() += 1;
        }
        let broken = done.broken.into_iter().find(|(broken, _)| counts(*broken));
        if let Some((invariant, what)) = broken {
            self.broken.push((seed, invariant, what));
        }
    }
}

/// Carries the schedules of these seeds out.
pub fn fly(seeds: &[Seed], flight: Flight) -> Flock {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let enough = AtomicBool::new(false);
    let mut all = Flock::default();
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| {
                let enough = &enough;
                scope.spawn(move || {
                    let mut flock = Flock::default();
                    for seed in seeds.iter().skip(part).step_by(threads) {
                        if enough.load(Ordering::Relaxed) {
                            break;
                        }
                        flock.fly(*seed, flight);
                        if !matches!(flight.until, Until::All) && !flock.broken.is_empty() {
                            enough.store(true, Ordering::Relaxed);
                        }
                    }
                    flock
                })
            })
            .collect();
        for part in parts {
            all.add(part.join().expect("a schedule panicked"));
        }
    });
    all.broken.sort();
    all
}

/// Carries one seed out and tells everything about it: what was drawn, every step, what was broken.
pub fn tell(seed: Seed, planted: Planted) -> String {
    let schedule = Schedule::draw(seed.0, seed.1);
    let done = once(&schedule, planted, true);
    let mut text = format!("{schedule:#?}\n");
    for line in done.trace {
        text.push_str(&line);
        text.push('\n');
    }
    for (invariant, what) in done.broken {
        text.push_str(&format!("{invariant:?}: {what}\n"));
    }
    text
}

/// Fails with the whole story of the first seed that broke something.
pub fn assert_unbroken(flock: &Flock) {
    let Some((seed, invariant, what)) = flock.broken.first() else {
        return;
    };
    let all: Vec<String> = flock
        .broken
        .iter()
        .map(|(seed, invariant, _)| format!("{seed} {invariant:?}"))
        .take(40)
        .collect();
    panic!(
        "{}\n{} seeds broke something, the first: {all:?}\n{invariant:?}: {what}\n\
         again: NANOKIT_SEED={seed} cargo test --test sim one_seed -- --nocapture\n\
         then add it to tests/sim/seeds.txt",
        tell(*seed, Planted::None),
        flock.broken.len(),
    );
}

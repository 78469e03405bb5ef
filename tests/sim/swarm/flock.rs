//! Many schedules at once, on as many threads as there are cores, and what they came to together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use super::act::once;
use super::draw::Schedule;
use crate::support::sim::ledger::{Invariant, Planted};

/// What many schedules came to.
#[derive(Default)]
pub struct Flock {
    pub schedules: u64,
    pub effects: u64,
    pub fired: BTreeMap<&'static str, u64>,
    /// Seeds with what they broke first.
    pub broken: Vec<(u64, Invariant, String)>,
}

impl Flock {
    fn add(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.effects += other.effects;
        for (what, count) in other.fired {
            *self.fired.entry(what).or_default() += count;
        }
        self.broken.extend(other.broken);
    }

    fn fly(&mut self, seed: u64, planted: Planted, calm: bool) {
        let done = once(&Schedule::draw(seed, calm), planted, false);
        self.schedules += 1;
        self.effects += done.effects;
        for (what, count) in done.fired {
            *self.fired.entry(what).or_default() += count;
        }
        if let Some((invariant, what)) = done.broken.into_iter().next() {
            self.broken.push((seed, invariant, what));
        }
    }
}

/// Carries the schedules of these seeds out. With `until_broken`, stops soon after the first that breaks something.
pub fn fly(seeds: &[u64], planted: Planted, calm: bool, until_broken: bool) -> Flock {
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
                        flock.fly(*seed, planted, calm);
                        if until_broken && !flock.broken.is_empty() {
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
pub fn tell(seed: u64, planted: Planted) -> String {
    let schedule = Schedule::draw(seed, false);
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

//! What drifted, since when, and when it may be restored: the memory behind the worker's patience.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::ids::Address;

/// How long a difference must last: what goes away by itself (a restart by hand, an engine's own) is not restored.
pub(super) const SETTLE: Duration = Duration::from_secs(1);
/// How long something has to stay as recorded for its attempts to be forgotten.
pub(super) const CALM: Duration = Duration::from_secs(60);
/// First pause and longest pause after a restore that failed.
const AFTER_FAILURE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));
/// First pause and longest pause after one that went well and did not last.
pub(super) const AFTER_RESTORE: (Duration, Duration) =
    (Duration::from_secs(1), Duration::from_secs(60));

/// One resource that drifted, or did a short time ago.
#[derive(Clone, Debug)]
struct Case {
    /// Since when it differs; `None`: it is as recorded again.
    since: Option<Instant>,
    /// When it was as recorded again.
    calm: Instant,
    /// How often it was restored or tried to.
    attempts: u32,
    /// How often in a row that failed.
    failures: u32,
    /// Whether a restore failed on its way: what it left behind may look like no drift and is not as it should be.
    is_owed: bool,
    /// Not before then.
    not_before: Instant,
    /// Whether that pause was told.
    is_told: bool,
}

/// A pause before something is restored once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    /// What drifted again.
    pub(super) address: Address,
    /// How often it was restored.
    pub(super) attempts: u32,
    /// How long nothing is done about it.
    pub(super) rest: Duration,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Cases(BTreeMap<Address, Case>);

impl Cases {
    /// Takes over what a report says; returns what newly drifted. What a failed restore owes stays until it is ready.
    pub(super) fn found(
        &mut self,
        drifted: &BTreeSet<Address>,
        is_ready: impl Fn(&Address) -> bool,
        now: Instant,
    ) -> Vec<Address> {
        for (address, case) in &mut self.0 {
            let is_over = !drifted.contains(address) && (!case.is_owed || is_ready(address));
            if case.since.is_some() && is_over {
                case.since = None;
                case.is_owed = false;
                case.calm = now;
            }
        }
        self.0
            .retain(|_, case| case.since.is_some() || now < case.calm + CALM);
        let mut new = Vec::new();
        for address in drifted {
            let case = self.0.entry(address.clone()).or_insert_with(|| Case {
                since: None,
                calm: now,
                attempts: 0,
                failures: 0,
                is_owed: false,
                not_before: now,
                is_told: false,
            });
            if case.since.is_none() {
                case.since = Some(now);
                new.push(address.clone());
            }
        }
        new
    }

    /// Returns what differs now.
    pub(super) fn open(&self) -> impl Iterator<Item = &Address> {
        let open = self.0.iter().filter(|(_, case)| case.since.is_some());
        open.map(|(address, _)| address)
    }

    /// Returns when something may be restored: after it settled, and after its pause.
    pub(super) fn due(&self, address: &Address) -> Option<Instant> {
        let case = self.0.get(address)?;
        Some((case.since? + SETTLE).max(case.not_before))
    }

    /// Returns how often something was tried.
    pub(super) fn attempts(&self, address: &Address) -> u32 {
        self.0.get(address).map_or(0, |case| case.attempts)
    }

    /// Notes how a restore ended; the next one of the same comes after a pause that grows.
    pub(super) fn tried(&mut self, addresses: &[Address], went_well: bool, now: Instant) {
        for address in addresses {
            if let Some(case) = self.0.get_mut(address) {
                case.attempts = case.attempts.saturating_add(1);
                // A failure tells of its pause itself.
                case.is_told = !went_well;
                case.is_owed = !went_well;
                // What went well before is no reason to wait longer after a failure.
                let (first, longest, times) = if went_well {
                    case.failures = 0;
                    (AFTER_RESTORE.0, AFTER_RESTORE.1, case.attempts)
                } else {
                    case.failures = case.failures.saturating_add(1);
                    (AFTER_FAILURE.0, AFTER_FAILURE.1, case.failures)
                };
                let doublings = times.saturating_sub(1).min(16);
                case.not_before = now + first.saturating_mul(1 << doublings).min(longest);
            }
        }
    }

    /// Returns the pauses that have begun after restores that went well and did not last, each once.
    pub(super) fn pauses(&mut self, now: Instant) -> Vec<Pause> {
        let mut begun = Vec::new();
        for (address, case) in &mut self.0 {
            let is_longer = |since: Instant| case.not_before > now.max(since + SETTLE);
            if case.attempts > 0 && !case.is_told && case.since.is_some_and(is_longer) {
                case.is_told = true;
                begun.push(Pause {
                    address: address.clone(),
                    attempts: case.attempts,
                    rest: case.not_before.saturating_duration_since(now),
                });
            }
        }
        begun
    }

    /// Ends all pauses: the platform was away and is back, so what happened before tells nothing any more.
    pub(super) fn afresh(&mut self, now: Instant) {
        for case in self.0.values_mut() {
            case.failures = 0;
            case.not_before = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drifted(names: &[&str]) -> BTreeSet<Address> {
        names.iter().map(|name| Address::service(name)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_their_bound_and_are_forgotten_after_a_calm_time() {
        let mut now = Instant::now();
        let api = Address::service("api");
        let mut cases = Cases::default();
        cases.found(&drifted(&["api"]), |_| true, now);
        assert_eq!(cases.due(&api), Some(now + SETTLE));
        let mut pauses = Vec::new();
        for _ in 0..9 {
            now = cases.due(&api).expect("it drifted");
            cases.tried(std::slice::from_ref(&api), false, now);
            pauses.push(
                cases
                    .due(&api)
                    .expect("it drifted")
                    .duration_since(now)
                    .as_secs(),
            );
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        // Back for a moment only: the attempts still count.
        cases.found(&drifted(&[]), |_| true, now);
        assert_eq!(cases.due(&api), None);
        cases.found(&drifted(&["api"]), |_| true, now + CALM / 2);
        assert_eq!(cases.attempts(&api), 9);
        cases.found(&drifted(&[]), |_| true, now + CALM);
        cases.found(&drifted(&["api"]), |_| true, now + CALM * 3);
        assert_eq!(cases.attempts(&api), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_failed_restore_left_stays_open_until_it_is_ready() {
        let now = Instant::now();
        let api = Address::service("api");
        let mut cases = Cases::default();
        cases.found(&drifted(&["api"]), |_| false, now);
        cases.tried(std::slice::from_ref(&api), false, now);
        cases.found(&drifted(&[]), |_| false, now);
        assert!(cases.due(&api).is_some());
        cases.found(&drifted(&[]), |_| true, now);
        assert_eq!(cases.due(&api), None);
        // One that went well owes nothing.
        cases.found(&drifted(&["api"]), |_| false, now);
        cases.tried(std::slice::from_ref(&api), true, now);
        cases.found(&drifted(&[]), |_| false, now);
        assert_eq!(cases.due(&api), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_after_successes_is_the_first_and_a_platform_that_is_back_ends_its_pause() {
        let mut now = Instant::now();
        let api = Address::service("api");
        let mut cases = Cases::default();
        for went_well in [true, true, true, true, false] {
            cases.found(&drifted(&["api"]), |_| true, now);
            now = cases.due(&api).expect("it drifted");
            cases.tried(std::slice::from_ref(&api), went_well, now);
            if went_well {
                cases.found(&drifted(&[]), |_| true, now);
            }
        }
        let pause = |cases: &Cases| cases.due(&api).map(|due| due.duration_since(now));
        assert_eq!(pause(&cases), Some(AFTER_FAILURE.0));
        assert_eq!(cases.attempts(&api), 5);
        cases.afresh(now);
        assert_eq!(pause(&cases), Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_restored_and_does_not_last_is_restored_ever_more_rarely() {
        let mut now = Instant::now();
        let api = Address::service("api");
        let mut cases = Cases::default();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            cases.found(&drifted(&["api"]), |_| true, now);
            let due = cases.due(&api).expect("it drifted");
            pauses.push(due.duration_since(now).as_secs());
            now = due;
            cases.tried(std::slice::from_ref(&api), true, now);
            cases.found(&drifted(&[]), |_| true, now);
        }
        assert_eq!(pauses, [1, 1, 2, 4, 8, 16, 32, 60]);
    }
}

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
const AFTER_RESTORE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// One resource that drifted, or did a short time ago.
#[derive(Clone, Debug)]
struct Case {
    /// Since when it differs; `None`: it is as recorded again.
    since: Option<Instant>,
    /// When it was as recorded again.
    calm: Instant,
    attempts: u32,
    /// Whether a restore failed on its way: what it left behind may look like no drift and is not as it should be.
    is_owed: bool,
    /// Not before then.
    not_before: Instant,
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
                is_owed: false,
                not_before: now,
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
                case.is_owed = !went_well;
                let (first, longest) = if went_well {
                    AFTER_RESTORE
                } else {
                    AFTER_FAILURE
                };
                let doublings = case.attempts.saturating_sub(1).min(16);
                case.not_before = now + first.saturating_mul(1 << doublings).min(longest);
            }
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

//! What drifted beside a run: of what the run changes, nothing is believed that is seen in the middle of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::Address;
use crate::domain::report::DriftReport;

impl DriftReport {
    /// Returns this report with what was known `before` of everything that a run is at.
    #[must_use]
    pub fn beside(mut self, at_work: &BTreeSet<Address>, before: Option<&Self>) -> Self {
        let none = Self::default();
        let before = before.unwrap_or(&none);
        keep(&mut self.drifted, &before.drifted, at_work);
        keep(&mut self.edits, &before.edits, at_work);
        keep(&mut self.ignored, &before.ignored, at_work);
        keep(&mut self.half_done, &before.half_done, at_work);
        keep(&mut self.cosmetic, &before.cosmetic, at_work);
        self.changed = self.edits.keys().cloned().collect();
        // What a run is about to take away or to make belongs to nobody for a moment.
        self.strays.clone_from(&before.strays);
        self.with_digest()
    }
}

fn keep<T: Clone>(
    now: &mut BTreeMap<Address, T>,
    before: &BTreeMap<Address, T>,
    at_work: &BTreeSet<Address>,
) {
    now.retain(|address, _| !at_work.contains(address));
    let known = before
        .iter()
        .filter(|(address, _)| at_work.contains(*address));
    now.extend(known.map(|(address, one)| (address.clone(), one.clone())));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drifted(names: &[&str]) -> DriftReport {
        let all = names
            .iter()
            .map(|name| (Address::service(name), Vec::new()));
        DriftReport {
            drifted: all.collect(),
            strays: names.iter().map(|name| format!("{name}-9")).collect(),
            ..DriftReport::default()
        }
        .with_digest()
    }

    #[test]
    fn what_a_run_is_at_stays_as_it_was_known_and_the_rest_is_as_it_is_seen() {
        let at_work = BTreeSet::from([Address::service("a"), Address::service("c")]);
        let before = drifted(&["a", "d"]);
        let seen = drifted(&["b", "c"]).beside(&at_work, Some(&before));
        let names: Vec<&str> = seen.drifted.keys().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(seen.strays, ["a-9", "d-9"]);
        assert_ne!(seen.digest, before.digest);
        assert_eq!(before.clone().beside(&at_work, Some(&before)), before);
        assert!(drifted(&["c"]).beside(&at_work, None).drifted.is_empty());
    }
}

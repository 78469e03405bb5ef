//! What a restore left half done: it drifted and is not put back yet, however little it differs from the record now.
//!
//! A restore writes down what it did as it goes. Cut off in the middle (killed, or failed at a step), it leaves a
//! record that fits what is live and a resource that does not work. By the record alone that is no drift, so whoever
//! only looks for drift would leave it so for ever.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::{Address, RunId};
use crate::domain::model::path;
use crate::domain::plan::model::{Cause, Change};
use crate::domain::report::{DriftReport, StatusReport};

impl DriftReport {
    /// Returns what is not as any run should leave it although nobody changed it: the work of a run that did not get
    /// to its end.
    #[must_use]
    pub fn unsettled(&self) -> BTreeSet<Address> {
        let edits = self.edits.iter();
        edits
            .filter(|(_, changes)| changes.iter().any(is_standing))
            .map(|(address, _)| address.clone())
            .collect()
    }

    /// Tells whether nothing but that is told of a resource: its file did not change.
    #[must_use]
    pub fn is_only_unsettled(&self, address: &Address) -> bool {
        let edits = self.edits.get(address);
        edits.is_some_and(|changes| !changes.is_empty() && changes.iter().all(is_standing))
    }

    /// Counts these among what drifted, each with the restore that did not finish it.
    #[must_use]
    pub fn with_half_done(mut self, restores: BTreeMap<Address, RunId>) -> Self {
        if restores.is_empty() {
            return self;
        }
        for (address, run) in restores {
            let Some(edits) = self.edits.remove(&address) else {
                continue;
            };
            let (standing, rest): (Vec<_>, Vec<_>) = edits.into_iter().partition(is_standing);
            if rest.is_empty() {
                self.changed.retain(|one| *one != address);
            } else {
                self.edits.insert(address.clone(), rest);
            }
            let drifted = self.drifted.entry(address.clone()).or_default();
            drifted.extend(standing.into_iter().map(|change| Change {
                cause: Cause::Drift,
                ..change
            }));
            drifted.sort();
            self.half_done.insert(address, run);
        }
        self.with_digest()
    }
}

impl StatusReport {
    /// Takes over what a report of the same look found half done.
    #[must_use]
    pub fn with_half_done(mut self, report: &DriftReport) -> Self {
        for address in report.half_done.keys() {
            if let (Some(resource), Some(drifted)) =
                (self.resources.get_mut(address), report.drifted.get(address))
            {
                resource.drift.clone_from(drifted);
            }
        }
        self
    }
}

/// How a resource stands is nothing a file can change.
fn is_standing(change: &Change) -> bool {
    change.path == path::STATUS && change.cause == Cause::Config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::graph::build::Graph;
    use crate::domain::live::Status;
    use crate::domain::plan::tests::lab::{Lab, service};
    use crate::domain::report::drift::{drift, everything};
    use crate::domain::report::status::status;

    #[test]
    fn what_a_restore_did_not_finish_counts_as_drifted_and_an_edit_beside_it_does_not() {
        let mut lab = Lab::deployed(vec![service("api"), service("web")]);
        lab.service("api").command = Some(vec!["x".to_owned()]);
        for name in ["api", "web"] {
            lab.instance(name, 0).status = Status::Created;
            let record = lab.record.as_mut().expect("a record");
            let resource = record.resources.get_mut(&Address::service(name));
            for one in resource.expect("recorded").instances.values_mut() {
                one.ready = false;
            }
        }
        let graph = Graph::of(&lab.project);
        let all = everything();
        let plain = drift(&lab.input(&graph, &all));
        assert!(plain.drifted.is_empty(), "{plain:?}");
        let api = Address::service("api");
        assert_eq!(
            plain.unsettled(),
            [api.clone(), Address::service("web")].into()
        );
        assert!(!plain.is_only_unsettled(&api), "its file changed too");
        assert!(plain.is_only_unsettled(&Address::service("web")));
        assert_eq!(plain.clone().with_half_done(BTreeMap::new()), plain);
        let run = RunId("r".to_owned());
        let found = plain.clone().with_half_done([(api.clone(), run)].into());
        assert_eq!(found.drifted[&api].len(), 1, "{found:?}");
        assert_eq!(found.drifted[&api][0].cause, Cause::Drift);
        assert!(!found.edits[&api].is_empty(), "{found:?}");
        assert!(found.changed.contains(&api));
        assert_eq!(found.unsettled(), [Address::service("web")].into());
        assert_ne!(found.digest, plain.digest);
        let told = status(&lab.input(&graph, &all)).with_half_done(&found);
        assert_eq!(told.resources[&api].drift, found.drifted[&api]);
    }
}

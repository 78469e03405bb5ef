//! Accepting drift: what is live becomes what is recorded, so that the next plan compares the file with it.
//!
//! Only what the record holds can be accepted: fields of the model, a name, an object that is gone. That a service is
//! stopped or made of another image is nothing the record could say otherwise.

use crate::domain::ids::{Address, ResourceKind};
use crate::domain::live::{Live, LiveInstance};
use crate::domain::model::path;
use crate::domain::plan::model::Change;
use crate::domain::record::Record;
use crate::domain::report::DriftReport;

/// Why drift cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// Nothing of it drifted.
    #[error("{0} did not drift")]
    NoDrift(String),
    /// The record has no place for it.
    #[error("`{path}` of {address} cannot be accepted: {why}")]
    NotRecorded {
        /// Of which resource.
        address: Address,
        /// Which field.
        path: String,
        /// Why.
        why: &'static str,
    },
}

/// Writes into the record what is live; returns what it took over.
pub fn accept(
    record: &mut Record,
    live: &Live,
    report: &DriftReport,
    (address, wanted): (&Address, Option<&str>),
) -> Result<Vec<Change>, NotAccepted> {
    let subject = || match wanted {
        Some(path) => format!("`{path}` of {address}"),
        None => address.to_string(),
    };
    let aside = report.ignored.get(address).into_iter().flatten();
    let drifted = report.drifted.get(address).into_iter().flatten();
    let all: Vec<Change> = drifted
        .chain(aside.map(|one| &one.change))
        .filter(|change| wanted.is_none_or(|path| path == change.path))
        .cloned()
        .collect();
    if all.is_empty() {
        return Err(NotAccepted::NoDrift(subject()));
    }
    for change in &all {
        one(record, live, address, change)?;
    }
    Ok(all)
}

fn one(
    record: &mut Record,
    live: &Live,
    address: &Address,
    change: &Change,
) -> Result<(), NotAccepted> {
    let refuse = |why| NotAccepted::NotRecorded {
        address: address.clone(),
        path: change.path.clone(),
        why,
    };
    let none = || refuse("the record does not know it");
    if address.kind == ResourceKind::Volume && change.is_another_object() {
        let resource = record.resources.get_mut(address).ok_or_else(none)?;
        resource.bare = true;
        return Ok(());
    }
    if address.kind != ResourceKind::Service {
        let there = match address.kind {
            ResourceKind::Network => live
                .networks
                .iter()
                .any(|one| one.network.as_deref() == Some(&address.name)),
            ResourceKind::Volume | ResourceKind::Service | ResourceKind::Procedure => live
                .volumes
                .iter()
                .any(|one| one.volume.as_deref() == Some(&address.name)),
        };
        if there {
            return Err(refuse("it is another object under the same name"));
        }
        record
            .resources
            .remove(address)
            .map(|_| ())
            .ok_or_else(none)?;
        return Ok(());
    }
    let lineage = Some(record.lineage.clone());
    let resource = record.resources.get_mut(address).ok_or_else(none)?;
    let ours: Vec<&LiveInstance> = live
        .of_service(&address.name)
        .filter(|one| one.lineage == lineage && !one.one_off)
        .collect();
    match change.path.as_str() {
        path::STATUS => {
            let gone: Vec<_> = resource
                .instances
                .iter()
                .filter(|(_, known)| !ours.iter().any(|one| one.id == known.id))
                .map(|(number, _)| *number)
                .collect();
            if gone.is_empty() {
                return Err(refuse(
                    "a service that is in the file runs; set `instances: 0` there, or ignore it",
                ));
            }
            resource
                .instances
                .retain(|number, _| !gone.contains(number));
            if resource.instances.is_empty() {
                record.resources.remove(address);
            }
            Ok(())
        }
        path::NAME => {
            for known in resource.instances.values_mut() {
                if let Some(one) = ours.iter().find(|one| one.id == known.id) {
                    known.name.clone_from(&one.name);
                }
            }
            Ok(())
        }
        path::IMAGE | "hash" => Err(refuse(
            "what it is made of is decided by the file and the tag; deploy, or ignore it",
        )),
        field => {
            let mut values = ours.iter().map(|one| one.model.get(field));
            let first = values.next().ok_or_else(none)?;
            if values.any(|value| value != first) {
                return Err(refuse(
                    "its instances differ from each other; restore them first",
                ));
            }
            match first {
                Some(value) => resource.model.insert(field.to_owned(), value.clone()),
                None if field.starts_with(path::NETWORKS) => resource.model.remove(field),
                None => return Err(refuse("it is not known how it is now")),
            };
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::graph::build::Graph;
    use crate::domain::live::Status;
    use crate::domain::model::Field;
    use crate::domain::plan::tests::lab::{Lab, mounting, service};
    use crate::domain::report::drift::{drift, everything};

    fn report(lab: &Lab) -> DriftReport {
        let graph = Graph::of(&lab.project);
        drift(&lab.input(&graph, &everything()))
    }

    fn accepted(lab: &mut Lab, field: Option<&str>) -> Result<DriftReport, NotAccepted> {
        let found = report(lab);
        let mut record = lab.record.clone().expect("deployed");
        let api = Address::service("api");
        accept(&mut record, &lab.live, &found, (&api, field))?;
        lab.record = Some(record);
        Ok(report(lab))
    }

    #[test]
    fn what_is_accepted_is_no_drift_any_more_but_a_change_of_the_file() {
        let mut lab = Lab::deployed(vec![service("api")]);
        let value = Field::plain("1234");
        lab.instance("api", 0)
            .model
            .insert(path::MEMORY.into(), value);
        let after = accepted(&mut lab, Some(path::MEMORY)).expect("accepted");
        assert!(after.drifted.is_empty(), "{after:?}");
        assert_eq!(after.changed, [Address::service("api")]);
    }

    #[test]
    fn a_volume_made_anew_by_hand_is_accepted_as_it_is() {
        let mut lab = Lab::deployed(vec![mounting("db", "data")]);
        let volume = &mut lab.live.volumes[0];
        (volume.volume, volume.lineage) = (None, None);
        let found = report(&lab);
        let data = Address::volume("data");
        assert!(found.drifted.contains_key(&data), "{found:?}");
        let mut record = lab.record.clone().expect("deployed");
        accept(&mut record, &lab.live, &found, (&data, None)).expect("accepted");
        assert_eq!(
            record.resources.len(),
            lab.record.as_ref().map_or(0, |r| r.resources.len())
        );
        lab.record = Some(record);
        let after = report(&lab);
        assert!(
            after.drifted.is_empty() && after.changed.is_empty(),
            "{after:?}"
        );
    }

    #[test]
    fn an_instance_that_is_gone_is_forgotten_and_would_be_made_by_the_next_deploy() {
        let mut lab = Lab::deployed(vec![service("api")]);
        lab.live.instances.clear();
        let after = accepted(&mut lab, None).expect("accepted");
        assert!(after.drifted.is_empty(), "{after:?}");
        assert_eq!(after.changed, [Address::service("api")]);
    }

    #[test]
    fn what_the_record_cannot_say_is_refused_with_a_way_out() {
        let mut lab = Lab::deployed(vec![service("api")]);
        lab.instance("api", 0).status = Status::Paused;
        let refused = accepted(&mut lab, None).expect_err("refused").to_string();
        assert!(refused.contains("ignore it"), "{refused}");
        let mut calm = Lab::deployed(vec![service("api")]);
        assert_eq!(
            accepted(&mut calm, None),
            Err(NotAccepted::NoDrift("service.api".into()))
        );
    }
}

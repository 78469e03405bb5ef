//! Drift that nobody but a human undoes: to put it back something is made anew, and what would be made is not what was
//! recorded, because the file was edited since or the image is gone.

use std::collections::BTreeMap;

use crate::domain::ids::{Address, ResourceKind};
use crate::domain::model::Model;
use crate::domain::plan::build::PlanInput;
use crate::domain::plan::diff::config_changes;
use crate::domain::plan::model::{Action, Plan, StepKind};
use crate::domain::plan::origin::{Origin, lost};
use crate::domain::project::canonical::{image_of, network_model, service_models, volume_model};
use crate::domain::report::DriftReport;

/// How many fields a reason names.
const NAMED: usize = 3;

/// Says of each resource why the plan of a restore would do more than put back what was recorded.
#[must_use]
pub fn held(input: &PlanInput<'_>, plan: &Plan) -> BTreeMap<Address, String> {
    let models = service_models(input.project, input.digests);
    let mut held = BTreeMap::new();
    // Networks and volumes come before the services on them.
    for action in plan.actions.iter().filter(|action| !action.is_noop()) {
        let ground = || {
            let mut needs = action.depends_on.iter();
            needs.find(|need| need.kind != ResourceKind::Service && held.contains_key(*need))
        };
        let why = edited(input, action, &models)
            .or_else(|| imageless(input, action))
            .or_else(|| ground().map(|need| format!("it stands on {need}, which is left to you")));
        if let Some(why) = why {
            held.insert(action.address.clone(), why);
        }
    }
    held
}

/// What is made anew is made of the file as it is now.
fn edited(
    input: &PlanInput<'_>,
    action: &Action,
    models: &BTreeMap<String, Model>,
) -> Option<String> {
    let name = &action.address.name;
    let makes = |kind: &StepKind| action.steps.iter().any(|step| step.kind == *kind);
    let desired = match action.address.kind {
        ResourceKind::Service if makes(&StepKind::Create) => models.get(name)?.clone(),
        ResourceKind::Network if makes(&StepKind::CreateNetwork) => {
            network_model(input.project.networks.get(name)?)
        }
        ResourceKind::Volume if makes(&StepKind::CreateVolume) => {
            volume_model(input.project.volumes.get(name)?)
        }
        ResourceKind::Service
        | ResourceKind::Network
        | ResourceKind::Volume
        | ResourceKind::Procedure => return None,
    };
    let recorded = input.record?.resources.get(&action.address)?;
    let edits = config_changes(&recorded.model, &desired);
    let named = edits.iter().take(NAMED).map(|edit| edit.path.as_str());
    let mut named: Vec<&str> = named.collect();
    if edits.len() > NAMED {
        named.push("…");
    }
    let named = named.join(", ");
    (!edits.is_empty())
        .then(|| format!("it has to be made anew, and the file changed since ({named})"))
}

fn imageless(input: &PlanInput<'_>, action: &Action) -> Option<String> {
    let recorded = input.record?.resources.get(&action.address);
    let service = input.project.services.get(&action.address.name)?;
    let reference = image_of(service, input.project)?;
    let made = action.steps.iter();
    let made = made.filter(|step| step.kind == StepKind::Create);
    made.filter_map(|step| step.instance).find_map(|new| {
        match Origin::of(recorded, new, Some(&reference), input.live) {
            Origin::Lost(id) => Some(lost(id, &reference, input.live)),
            Origin::Named | Origin::Recorded(_) => None,
        }
    })
}

impl DriftReport {
    /// Notes what of it is left to a human, and why.
    #[must_use]
    pub fn with_held(mut self, mut held: BTreeMap<Address, String>) -> Self {
        held.retain(|address, _| self.drifted.contains_key(address));
        self.held = held;
        self.with_digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::graph::build::Graph;
    use crate::domain::ids::ImageId;
    use crate::domain::live::Status;
    use crate::domain::plan::build::build;
    use crate::domain::plan::model::{PlanRequest, Purpose};
    use crate::domain::plan::tests::lab::{Lab, mounting, service};
    use crate::domain::report::drift::{drift, everything};

    fn found(lab: &Lab) -> String {
        let graph = Graph::of(&lab.project);
        let request = PlanRequest {
            purpose: Purpose::Restore,
            ..everything()
        };
        let input = lab.input(&graph, &request);
        let report = drift(&input).with_held(held(&input, &build(&input)));
        let told = report.held.iter();
        told.map(|(address, why)| format!("{address}: {why}\n"))
            .collect()
    }

    #[test]
    fn an_edit_holds_back_what_has_to_be_made_anew_and_nothing_that_is_started() {
        let mut lab = Lab::deployed(vec![service("api"), mounting("db", "data")]);
        lab.instance("api", 0).status = Status::Exited(1);
        lab.service("api").command = Some(vec!["x".to_owned()]);
        lab.service("db").memory_bytes = Some(9);
        assert_eq!(found(&lab), "");
        lab.live.instances.clear();
        assert_eq!(
            found(&lab),
            "service.api: it has to be made anew, and the file changed since (command)\n\
             service.db: it has to be made anew, and the file changed since (memory)\n"
        );
        lab.service("api").command = None;
        lab.service("db").memory_bytes = None;
        assert_eq!(found(&lab), "");
    }

    #[test]
    fn what_stands_on_a_held_volume_is_held_and_so_is_what_lost_its_image() {
        let mut lab = Lab::deployed(vec![service("api"), mounting("db", "data")]);
        lab.live.volumes.clear();
        let volume = lab.project.volumes.get_mut("data").expect("a volume");
        volume.labels.insert("a".to_owned(), "1".to_owned());
        let told = found(&lab);
        assert!(
            told.contains("service.db: it stands on volume.data"),
            "{told}"
        );
        assert!(
            told.contains("volume.data: it has to be made anew"),
            "{told}"
        );
        lab.live.instances.clear();
        let now = ImageId::new("sha256:1234");
        lab.live
            .images
            .values_mut()
            .for_each(|id| *id = now.clone());
        let told = found(&lab);
        assert!(
            told.contains("service.api: the image it was made of (stable) is not here any more"),
            "{told}"
        );
    }
}

//! What drifted: the differences between live and recorded in a whole deployment's plan.

use sha2::{Digest as _, Sha256};

use crate::domain::flow::FlowRequest;
use crate::domain::ids::{Digest, ResourceKind};
use crate::domain::plan::build::{PlanInput, build};
use crate::domain::plan::model::{Cause, PlanRequest, Purpose};
use crate::domain::plan::world::World;
use crate::domain::project::canonical::text::hex;
use crate::domain::report::DriftReport;
use crate::domain::report::cosmetic::cosmetic;
use crate::domain::report::status::strays;

/// The request behind a report: everything, as a deployment would see it.
#[must_use]
pub fn everything() -> PlanRequest {
    PlanRequest {
        purpose: Purpose::Deploy,
        targets: std::collections::BTreeSet::new(),
        flow: FlowRequest::default(),
    }
}

/// Compares live and recorded; the request in `input` is not looked at. Without a record nothing can drift.
#[must_use]
pub fn drift(input: &PlanInput<'_>) -> DriftReport {
    let request = everything();
    let input = PlanInput {
        request: &request,
        ..*input
    };
    let plan = build(&input);
    let world = World::of(&input);
    let mut report = DriftReport {
        cosmetic: cosmetic(&world),
        strays: strays(world),
        ..DriftReport::default()
    };
    // A procedure that is due is nothing that differs.
    let resources = plan
        .actions
        .iter()
        .filter(|action| action.address.kind != ResourceKind::Procedure);
    for action in resources {
        let (drifted, edits): (Vec<_>, Vec<_>) = action
            .changes
            .iter()
            .cloned()
            .partition(|change| change.cause == Cause::Drift);
        if !edits.is_empty() {
            report.changed.push(action.address.clone());
            report.edits.insert(action.address.clone(), edits);
        }
        if !drifted.is_empty() {
            report.drifted.insert(action.address.clone(), drifted);
        }
    }
    report.changed.sort();
    report.with_digest()
}

impl DriftReport {
    /// Digests what it says.
    #[must_use]
    pub(super) fn with_digest(mut self) -> Self {
        self.digest = digest(&self);
        self
    }
}

fn digest(report: &DriftReport) -> Digest {
    let mut hasher = Sha256::new();
    let mut feed = |text: &str| {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    };
    for (address, changes) in &report.drifted {
        feed("drifted");
        feed(&address.to_string());
        for change in changes {
            feed(&change.path);
            feed(&change.instance.map_or_else(String::new, |i| i.to_string()));
            feed(change.before.as_deref().unwrap_or("\0"));
            feed(change.after.as_deref().unwrap_or("\0"));
        }
    }
    for (address, changes) in &report.ignored {
        feed("ignored");
        feed(&address.to_string());
        for one in changes {
            feed(&one.change.path);
            feed(one.change.before.as_deref().unwrap_or("\0"));
            feed(&one.ignored.reason);
            let until = one.ignored.until;
            feed(&until.map_or_else(String::new, |until| until.0.to_string()));
        }
    }
    if let Some(why) = &report.undecided {
        feed("undecided");
        feed(why);
    }
    for (address, run) in &report.half_done {
        feed("half done");
        feed(&address.to_string());
        feed(run.as_str());
    }
    for (address, why) in &report.held {
        feed("held");
        feed(&address.to_string());
        feed(why);
    }
    for address in &report.changed {
        feed("changed");
        feed(&address.to_string());
    }
    for stray in &report.strays {
        feed("stray");
        feed(stray);
    }
    Digest(hex(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::graph::build::Graph;
    use crate::domain::live::Status;
    use crate::domain::plan::tests::lab::{Lab, service};

    fn report(lab: &Lab) -> DriftReport {
        let graph = Graph::of(&lab.project);
        drift(&lab.input(&graph, &everything()))
    }

    #[test]
    fn an_edit_of_the_file_is_no_drift_and_a_hand_made_change_is() {
        let mut lab = Lab::deployed(vec![service("api"), service("web")]);
        let calm = report(&lab);
        assert!(calm.drifted.is_empty() && calm.changed.is_empty());
        lab.service("web").command = Some(vec!["x".to_owned()]);
        lab.instance("api", 0).status = Status::Paused;
        let found = report(&lab);
        let names: Vec<String> = found.drifted.keys().map(ToString::to_string).collect();
        assert_eq!(names, ["service.api"]);
        assert_eq!(found.changed[0].to_string(), "service.web");
        assert_ne!(found.digest, calm.digest);
        assert_eq!(report(&lab), found);
    }

    #[test]
    fn without_a_record_nothing_drifts() {
        let mut lab = Lab::deployed(vec![service("api")]);
        lab.record = None;
        lab.instance("api", 0).status = Status::Paused;
        assert!(report(&lab).drifted.is_empty());
    }
}

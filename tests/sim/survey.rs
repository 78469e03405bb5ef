//! One look judges everything: how things stand, what drifted and what a deploy would do, from one set of calls.

use std::collections::BTreeSet;

use nanokit::domain::flow::FlowRequest;
use nanokit::domain::plan::model::{PlanRequest, Purpose};
use nanokit::engine::reconcile::Reconcile;

use crate::harness::{deploy, engine, machine, sim};
use crate::support::sim::project::{project, service};

#[test]
fn a_survey_costs_one_set_of_calls_and_says_what_three_questions_say() {
    sim(async {
        let machine = machine(1);
        let services = (0..12).map(|n| service(&format!("s{n}"), &[])).collect();
        let project = project(services);
        deploy(&machine, &project).await;
        let gone = machine.platform.find("s3[0]").expect("deployed");
        machine.platform.with(|m| m.boxes.remove(&gone.id));
        let request = PlanRequest {
            purpose: Purpose::Deploy,
            targets: BTreeSet::new(),
            flow: FlowRequest::default(),
        };
        let engine = engine(&machine);
        machine.platform.with(|m| m.calls.clear());
        let survey = engine.survey(&project, Some(&request)).await.unwrap();
        let calls = machine.platform.with(|m| std::mem::take(&mut m.calls));
        let count = |what: &str| calls.iter().filter(|(_, call)| call == what).count();
        assert_eq!(count("list instances"), 1, "{calls:?}");
        assert_eq!(count("inspect"), 11, "{calls:?}");
        assert_eq!(survey.status, engine.status(&project).await.unwrap());
        assert_eq!(survey.drift, engine.drift(&project).await.unwrap());
        assert_eq!(survey.drift.drifted.len(), 1);
        let plan = engine.plan(&project, &request).await.unwrap();
        assert_eq!(survey.plan.unwrap().unwrap().id, plan.id);
    });
}

//! Names of ours that something else bears.

use super::lab::{Lab, rows, service};
use crate::domain::live::Obstacle;
use crate::domain::plan::model::Purpose;

fn obstacle(name: &str, is_ours: bool) -> Obstacle {
    Obstacle {
        name: name.to_owned(),
        what: "a stranger".to_owned(),
        remedy: format!("rm {name}"),
        is_ours,
    }
}

fn told(lab: &Lab, purpose: Purpose) -> Option<String> {
    let plan = lab.plan_for(purpose, &[]);
    plan.obstacle().map(|one| one.text.clone())
}

#[test]
fn a_name_that_somebody_else_took_is_said_before_anything_is_done() {
    let mut lab = Lab::deployed(vec![service("api")]);
    let name = lab.live.instances[0].name.clone();
    lab.live.instances.clear();
    lab.live.obstacles.push(obstacle(&name, false));
    for purpose in [Purpose::Deploy, Purpose::Restore] {
        assert_eq!(
            told(&lab, purpose).as_deref(),
            Some(
                "nk-shop-local-api-0 is in the way of service.api[0]: a stranger; `rm nk-shop-local-api-0` clears the way"
            )
        );
    }
    // Whose it is does not matter to who takes ours down.
    assert_eq!(told(&lab, Purpose::Destroy), None);
    let strays = crate::domain::report::status::status(&lab.input(
        &crate::domain::graph::build::Graph::of(&lab.project),
        &crate::domain::report::drift::everything(),
    ))
    .strays;
    assert_eq!(
        strays,
        ["nk-shop-local-api-0 (a stranger; `rm nk-shop-local-api-0` clears the way)"]
    );
    lab.live.obstacles[0].name = "nk-shop-local-other-0".to_owned();
    assert_eq!(told(&lab, Purpose::Deploy), None);
}

#[test]
fn an_instance_that_gets_its_name_back_needs_it_free() {
    let mut lab = Lab::deployed(vec![service("api")]);
    let name = std::mem::replace(&mut lab.live.instances[0].name, "mine".to_owned());
    lab.live.obstacles.push(obstacle(&name, false));
    assert!(told(&lab, Purpose::Deploy).is_some());
}

#[test]
fn what_is_ours_and_cannot_be_told_is_never_taken_for_gone() {
    let mut lab = Lab::deployed(vec![service("api")]);
    let name = lab.live.instances[0].name.clone();
    lab.live.instances.clear();
    lab.live.obstacles.push(obstacle(&name, true));
    for purpose in [Purpose::Deploy, Purpose::Destroy, Purpose::Clean] {
        assert!(told(&lab, purpose.clone()).is_some(), "{purpose:?}");
    }
    lab.project.services.clear();
    assert!(told(&lab, Purpose::Deploy).is_some());
    lab.live.obstacles.clear();
    assert_eq!(told(&lab, Purpose::Destroy), None);
    assert!(rows(&lab.plan_for(Purpose::Destroy, &[])).contains("service.api"));
}

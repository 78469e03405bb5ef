//! What appeared, or went, after a plan was approved: when it makes the plan stale, and when it is left alone.

use super::lab::{Lab, needing, rows, service};
use crate::domain::ids::Address;
use crate::domain::live::Status;
use crate::domain::plan::digest::staleness;
use crate::domain::plan::model::Purpose;
use crate::domain::plan::premise::overtaken;

/// `api` needs `db`; both were deployed, then somebody forgot `api` altogether.
fn without_api() -> Lab {
    let mut lab = Lab::deployed(vec![
        service("db"),
        needing("api", &["db"]),
        service("other"),
    ]);
    lab.live.instances.retain(|live| live.service != "api");
    let record = lab.record.as_mut().unwrap();
    record.resources.remove(&Address::service("api"));
    lab
}

#[test]
fn a_service_that_appeared_makes_a_destroy_stale() {
    let mut lab = without_api();
    let approved = lab.plan_for(Purpose::Destroy, &[]);
    assert!(!rows(&approved).contains("service.api"), "{approved:?}");
    assert_eq!(
        staleness(&approved, &lab.plan_for(Purpose::Destroy, &[])),
        None
    );
    lab.deploy();
    assert_eq!(
        staleness(&approved, &lab.plan_for(Purpose::Destroy, &[])).as_deref(),
        Some("service.api is to delete now, it was not part of the plan")
    );
}

#[test]
fn what_appeared_outside_the_targets_of_a_destroy_is_left_alone() {
    let mut lab = without_api();
    let approved = lab.plan_for(Purpose::Destroy, &["other"]);
    lab.deploy();
    assert_eq!(
        staleness(&approved, &lab.plan_for(Purpose::Destroy, &["other"])),
        None
    );
}

#[test]
fn an_orphan_that_appeared_makes_a_deployment_stale_only_if_something_of_it_has_to_wait() {
    // A deployment takes what is not in the file any more away.
    let mut lab = without_api();
    let alone = lab.clone();
    lab.deploy();
    let orphaned = |mut lab: Lab| {
        lab.project.services.remove("api");
        lab
    };
    let mut before = orphaned(alone);
    let mut after = orphaned(lab);
    for lab in [&mut before, &mut after] {
        lab.service("other").image = Some("other:2".to_owned());
    }
    let approved = before.plan();
    assert_eq!(
        rows(&approved),
        "~ service.other recreate (image changed)\n"
    );
    assert!(rows(&after.plan()).contains("service.api"));
    assert_eq!(staleness(&approved, &after.plan()), None);
    // Taken down with it, `db` has to outlive `api`.
    for lab in [&mut before, &mut after] {
        lab.project.services.remove("db");
    }
    let approved = before.plan();
    assert_eq!(
        staleness(&approved, &after.plan()).as_deref(),
        Some("service.api is to delete now, it was not part of the plan")
    );
}

#[test]
fn nothing_to_do_is_stale_as_soon_as_there_is_something_to_do() {
    let mut lab = Lab::deployed(vec![service("api"), service("db")]);
    let approved = lab.plan();
    assert!(approved.is_empty());
    assert_eq!(staleness(&approved, &lab.plan()), None);
    lab.live.instances.retain(|live| live.service != "db");
    assert_eq!(
        staleness(&approved, &lab.plan()).as_deref(),
        Some("service.db was as wanted, now its status is missing instead of running")
    );
    // Somebody else deployed another version: what was approved is not what is there.
    let mut lab = Lab::deployed(vec![service("api")]);
    let approved = lab.plan();
    let mine = lab.project.clone();
    lab.service("api").memory_bytes = Some(1 << 27);
    lab.deploy();
    lab.project = mine;
    assert_eq!(
        staleness(&approved, &lab.plan()).as_deref(),
        Some("service.api was as wanted, now its memory is 134217728 instead of 0")
    );
}

#[test]
fn what_a_plan_waits_for_has_to_be_up_and_what_it_does_not_is_told() {
    let mut lab = Lab::deployed(vec![
        service("db"),
        needing("api", &["db"]),
        service("other"),
    ]);
    lab.service("api").image = Some("api:2".to_owned());
    let approved = lab.plan();
    assert!(overtaken(&approved, &lab.plan()).is_empty());
    lab.instance("other", 0).status = Status::Exited(1);
    assert_eq!(staleness(&approved, &lab.plan()), None, "others may move");
    let told = overtaken(&approved, &lab.plan());
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        told[0].text,
        "service.other was as wanted, now its status is exited (1) instead of running"
    );
    lab.instance("db", 0).status = Status::Exited(1);
    assert_eq!(
        staleness(&approved, &lab.plan()).as_deref(),
        Some("service.db was as wanted, now its status is exited (1) instead of running")
    );
}

#[test]
fn f39_a_plan_is_bound_to_the_engine_it_was_made_on() {
    let mut lab = Lab::new(vec![service("db"), needing("api", &["db"])]);
    let mut approved = vec![(Purpose::Deploy, lab.plan())];
    lab.deploy();
    for purpose in [Purpose::Deploy, Purpose::Destroy, Purpose::Clean] {
        approved.push((purpose.clone(), lab.plan_for(purpose, &[])));
    }
    let undeployed = Lab::new(vec![service("db"), needing("api", &["db"])]);
    for (number, (purpose, plan)) in approved.into_iter().enumerate() {
        let mut there = if number == 0 {
            undeployed.clone()
        } else {
            lab.clone()
        };
        let here = there.plan_for(purpose.clone(), &[]);
        assert_eq!((staleness(&plan, &here), &here.id), (None, &plan.id));
        "elsewhere".clone_into(&mut there.live.engine);
        let now = there.plan_for(purpose, &[]);
        assert_eq!(
            staleness(&plan, &now).as_deref(),
            Some("engine was engine, now it is elsewhere")
        );
        assert_ne!(plan.id, now.id, "it is another plan");
    }
}

//! Fields that are ignored: a restore of something else of the same resource leaves them as they are.

use super::lab::{Lab, changes, plain, rows, service, steps};
use crate::domain::ids::Address;
use crate::domain::live::Status;
use crate::domain::plan::model::{Plan, Purpose};

/// `api` with another memory limit, set by hand; these of its fields are ignored.
fn ignoring(fields: &[&str]) -> Lab {
    let mut lab = Lab::deployed(vec![service("api")]);
    let memory = plain("7");
    let api = lab.instance("api", 0);
    api.model.insert("memory".to_owned(), memory);
    let fields = fields.iter().map(|field| (*field).to_owned());
    lab.aside.insert(Address::service("api"), fields.collect());
    lab
}

fn restore(lab: &Lab) -> Plan {
    lab.plan_for(Purpose::Restore, &["api"])
}

#[test]
fn an_ignored_field_is_left_alone_beside_one_that_is_restored() {
    let mut lab = ignoring(&["memory"]);
    let plan = restore(&lab);
    assert_eq!(rows(&plan), "");
    let api = plan.action(&Address::service("api")).unwrap();
    assert_eq!(api.reason, "what drifted is ignored");
    lab.instance("api", 0).status = Status::Paused;
    let plan = restore(&lab);
    assert_eq!(
        changes(&plan, "service.api"),
        "status paused -> running drift\n"
    );
    assert!(!steps(&plan, "service.api").contains("limits"));
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    lab.apply(&plan);
    let memory = &lab.instance("api", 0).model["memory"];
    assert_eq!(memory.value, "7");
    // A deploy brings everything to what the file says.
    assert!(changes(&lab.plan(), "service.api").starts_with("memory 7 -> 0"));
}

#[test]
fn what_cannot_be_kept_because_the_instance_is_made_anew_is_said() {
    let told =
        "`memory` of service.api is ignored and cannot be kept as it is: the instance is made anew";
    let mut lab = ignoring(&["memory"]);
    lab.instance("api", 0).hash = Some("1:other".to_owned());
    assert_eq!(restore(&lab).warnings[0].text, told);
    lab.live.instances.clear();
    let plan = restore(&lab);
    assert!(rows(&plan).starts_with("+ service.api"));
    assert_eq!(plan.warnings[0].text, told);
}

#[test]
fn names_networks_and_a_stop_are_left_as_well() {
    let fields = ["memory", "name", "networks.default", "status"];
    let mut lab = ignoring(&fields);
    let api = lab.instance("api", 0);
    api.name = "elsewhere".to_owned();
    api.model.remove("networks.default");
    assert_eq!(rows(&restore(&lab)), "");
    lab.instance("api", 0).status = Status::Exited(1);
    assert_eq!(rows(&restore(&lab)), "");
    lab.live.instances.clear();
    assert_eq!(rows(&restore(&lab)), "", "what is gone stays gone");
    lab.aside.clear();
    assert!(rows(&restore(&lab)).starts_with("+ service.api"));
}

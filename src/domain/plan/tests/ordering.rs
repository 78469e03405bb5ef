//! What comes before what: layers, removal in reverse, orphans, ports that change hands.

use std::collections::BTreeSet;

use super::lab::{Lab, mounting, needing, rows, service, steps};
use crate::domain::ids::Address;
use crate::domain::plan::model::{Plan, Purpose};
use crate::domain::project::hook::{Hook, HookCommand, HookPlace, OnFailure};
use crate::domain::project::service::{Dependency, Service};

/// Layers of the actions that do something.
fn layers(plan: &Plan) -> String {
    let mut lines = Vec::new();
    for layer in 0..plan.layers.len() {
        let names: Vec<String> = plan
            .actions
            .iter()
            .filter(|action| action.layer == layer && !action.is_noop())
            .map(|action| format!("{}{}", action.kind.symbol(), action.address))
            .collect();
        if !names.is_empty() {
            lines.push(names.join(" "));
        }
    }
    lines.join(" | ")
}
fn shop() -> Vec<Service> {
    vec![
        mounting("db", "data"),
        needing("api", &["db"]),
        needing("web", &["api"]),
    ]
}

#[test]
fn creation_follows_the_graph_and_destruction_goes_back() {
    let mut lab = Lab::new(shop());
    assert_eq!(
        layers(&lab.plan()),
        "+network.default +volume.data | +service.db | +service.api | +service.web"
    );
    lab.deploy();
    let plan = lab.plan_for(Purpose::Destroy, &[]);
    assert_eq!(
        layers(&plan),
        "-service.web | -service.api | -service.db | -network.default"
    );
    assert!(plan.destructive().is_empty());
    let volume = plan.action(&Address::volume("data")).unwrap();
    assert!(
        volume.is_noop() && volume.reason.contains("kept"),
        "{}",
        volume.reason
    );
    let plan = lab.plan_for(Purpose::Clean, &[]);
    assert_eq!(
        layers(&plan),
        "-service.web | -service.api | -service.db | -network.default -volume.data"
    );
    assert_eq!(plan.destructive(), [&Address::volume("data")]);
    lab.apply(&plan);
    assert!(lab.live.instances.is_empty() && lab.live.volumes.is_empty());
    assert_eq!(rows(&lab.plan_for(Purpose::Clean, &[])), "");
    assert!(rows(&lab.plan()).contains("+ service.web"));
}

#[test]
fn a_targeted_destruction_takes_only_its_targets() {
    let mut lab = Lab::deployed(shop());
    let plan = lab.plan_for(Purpose::Destroy, &["api"]);
    assert_eq!(layers(&plan), "-service.api");
    assert_eq!(
        plan.warnings[0].text,
        "service.web stays and depends on service.api, which goes"
    );
    lab.apply(&plan);
    let plan = lab.plan_for(Purpose::Clean, &["db"]);
    assert_eq!(layers(&plan), "-service.db | -volume.data");
}

#[test]
fn orphans_go_after_whoever_used_them() {
    let mut lab = Lab::deployed(shop());
    lab.project.services.remove("db");
    lab.project.volumes.remove("data");
    lab.service("api").depends_on.clear();
    lab.service("api").command = Some(vec!["x".to_owned()]);
    let plan = lab.plan();
    assert_eq!(layers(&plan), "~service.api | -service.db | -volume.data");
    assert_eq!(plan.destructive(), [&Address::volume("data")]);
    let action = plan.action(&Address::service("db")).unwrap();
    assert_eq!(action.reason, "no longer in the file");
    assert_eq!(action.depends_on, BTreeSet::from([Address::service("api")]));
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn an_orphan_is_stopped_with_the_hooks_it_was_recorded_with() {
    let mut api = service("api");
    api.hooks.prestop.push(Hook {
        command: HookCommand::Shell("flush".to_owned()),
        place: HookPlace::Container,
        timeout: Hook::TIMEOUT,
        retries: 0,
        on_failure: OnFailure::Warn,
    });
    let mut lab = Lab::deployed(vec![api, service("web")]);
    lab.project.services.remove("api");
    insta::assert_snapshot!(steps(&lab.plan(), "service.api"), @r"
    [0]/prestop.container (old) <- 
    [0]/stop (old) <- [0]/prestop.container
    [0]/remove (old) <- [0]/stop
    ");
    lab.live.instances.retain(|live| live.service != "api");
    let plan = lab.plan();
    assert_eq!(
        rows(&plan),
        "- service.api none (no longer in the file, and gone already)\n"
    );
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn a_labelled_object_at_an_address_nobody_knows_is_shown_and_never_touched() {
    let mut lab = Lab::deployed(vec![service("api"), service("web")]);
    lab.project.services.remove("web");
    let record = lab.record.as_mut().unwrap();
    record.resources.remove(&Address::service("web"));
    for purpose in [Purpose::Deploy, Purpose::Destroy, Purpose::Clean] {
        let plan = lab.plan_for(purpose, &[]);
        assert!(plan.action(&Address::service("web")).is_none());
        let told = &plan.warnings[0].text;
        assert!(
            told.contains("looks like service.web[0], with our labels, but neither"),
            "{told}"
        );
        assert!(told.ends_with("is not ours and is left alone"), "{told}");
    }
    assert_eq!(lab.numbers(), "api[0] web[0]");
}

#[test]
fn a_labelled_volume_at_an_address_nobody_knows_keeps_its_data() {
    let mut lab = Lab::deployed(shop());
    lab.project.volumes.remove("data");
    let record = lab.record.as_mut().unwrap();
    record.resources.remove(&Address::volume("data"));
    let plan = lab.plan_for(Purpose::Clean, &[]);
    assert!(plan.action(&Address::volume("data")).is_none());
    assert!(plan.warnings.iter().any(|w| w.text.contains("volume") && w.text.contains("neither the file nor the state")), "{:?}", plan.warnings);
}

#[test]
fn who_wants_a_port_waits_until_it_is_free() {
    let with_port = |name: &str| Service {
        port: Some(8080),
        ..service(name)
    };
    let mut user = needing("user", &["old"]);
    let mut lab = Lab::deployed(vec![with_port("old"), user.clone()]);
    lab.project.services.remove("old");
    super::lab::add(&mut lab.project, with_port("new"));
    // The user moves over to the new one, which needs the port of the old one, which the user was on: no ring.
    user.depends_on.clear();
    user.depends_on.insert(
        "new".to_owned(),
        Dependency {
            condition: crate::domain::project::service::Condition::Healthy,
            required: true,
        },
    );
    user.command = Some(vec!["x".to_owned()]);
    lab.project.services.insert("user".to_owned(), user);
    let plan = lab.plan();
    assert_eq!(layers(&plan), "-service.old | +service.new | ~service.user");
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn optional_dependencies_are_marked() {
    let mut api = needing("api", &["db"]);
    api.depends_on.get_mut("db").unwrap().required = false;
    let lab = Lab::new(vec![service("db"), api]);
    let plan = lab.plan();
    let action = plan.action(&Address::service("api")).unwrap();
    assert_eq!(action.optional, BTreeSet::from([Address::service("db")]));
    assert!(action.depends_on.contains(&Address::network("default")));
}

#[test]
fn shared_infrastructure_is_neither_made_nor_removed() {
    let mut lab = Lab::new(vec![mounting("api", "data")]);
    lab.project.shared_infra = true;
    assert_eq!(rows(&lab.plan()), "+ service.api none (not deployed yet)\n");
}

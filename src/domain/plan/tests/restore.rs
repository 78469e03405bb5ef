//! What a restore has to think of besides the field that drifted.

use super::lab::{Lab, changes, plain, rows, service, steps};
use crate::domain::ids::ProviderId;
use crate::domain::plan::model::Purpose;

#[test]
fn a_restore_that_makes_a_network_anew_puts_everybody_back_on_it() {
    // The whole, the network alone, and the network with one of its services.
    for targets in [&[][..], &["network.default"], &["network.default", "api"]] {
        let mut lab = Lab::deployed(vec![service("api"), service("web")]);
        let network = &mut lab.live.networks[0];
        network.id = ProviderId::new("by hand");
        network.model.insert("internal".into(), plain("true"));
        // Nobody asked for this one's memory, and a restore of others does not touch it.
        let web = lab.instance("web", 0);
        web.model.insert("cpu".into(), plain("7"));
        let plan = lab.plan_for(Purpose::Restore, targets);
        let told = rows(&plan);
        assert!(
            told.contains("~ service.api in_place (network.default is made anew)\n"),
            "{targets:?}: {told}"
        );
        assert_eq!(
            steps(&plan, "service.api"),
            "[0]/connect.default <- \n",
            "{targets:?}"
        );
        if !targets.is_empty() {
            assert_eq!(steps(&plan, "service.web"), "[0]/connect.default <- \n");
        }
        lab.apply(&plan);
        for name in ["api", "web"] {
            let live = lab.instance(name, 0);
            assert!(
                live.model.contains_key("networks.default"),
                "{targets:?} {name}"
            );
        }
        let left = lab.plan_for(Purpose::Restore, &[]);
        assert_eq!(rows(&left).is_empty(), targets.is_empty(), "{targets:?}");
    }
}

#[test]
fn an_alias_that_takes_the_name_of_another_service_is_drift() {
    let mut lab = Lab::deployed(vec![service("api"), service("db")]);
    let api = lab.instance("api", 0);
    api.model
        .insert("networks.default".into(), plain("api,db,further"));
    for purpose in [Purpose::Deploy, Purpose::Restore] {
        let plan = lab.plan_for(purpose, &[]);
        assert_eq!(
            changes(&plan, "service.api"),
            "networks.default api,db,further -> api drift\n"
        );
        assert_eq!(
            steps(&plan, "service.api"),
            "[0]/disconnect.default <- \n[0]/connect.default <- [0]/disconnect.default\n"
        );
    }
    lab.instance("api", 0)
        .model
        .insert("networks.default".into(), plain("api,further"));
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn a_memory_limit_that_has_to_go_needs_a_new_instance() {
    let mut lab = Lab::deployed(vec![service("api")]);
    lab.instance("api", 0)
        .model
        .insert("memory".to_owned(), plain("500"));
    let plan = lab.plan_for(Purpose::Restore, &[]);
    assert_eq!(rows(&plan), "~ service.api recreate (memory drifted)\n");
    assert_eq!(changes(&plan, "service.api"), "memory 500 -> 0 drift\n");
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "");
}

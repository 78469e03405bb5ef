//! Creations, changes of the file, replacement, rolling, scaling, adoption: what happens and in which steps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::lab::{Lab, changes, digest, image, job, mounting, needing, rows, service, steps};
use crate::domain::ids::Lineage;
use crate::domain::live::Status;
use crate::domain::plan::diff::SENSITIVE;
use crate::domain::plan::digest::staleness;
use crate::domain::plan::model::Purpose;
use crate::domain::project::hook::{
    Hook, HookCommand, HookPlace, Hooks, InstallPhase, OnFailure, Provisioning,
};
use crate::domain::project::service::{
    Build, Dependency, EnvValue, Mount, MountSource, Service, UpdateStrategy,
};
use crate::domain::secret::SecretRef;

fn hook(place: HookPlace, line: &str) -> Hook {
    Hook {
        command: HookCommand::Shell(line.to_owned()),
        place,
        timeout: Hook::TIMEOUT,
        retries: 0,
        on_failure: OnFailure::Fail,
    }
}
/// Every hook there is, and an installation.
fn full(name: &str) -> Service {
    Service {
        hooks: Hooks {
            prestart_host: vec![hook(HookPlace::Host, "check")],
            prestart_container: vec![
                hook(HookPlace::Container, "one"),
                hook(HookPlace::Container, "two"),
            ],
            poststart: vec![hook(HookPlace::Host, "tell")],
            prestop: vec![hook(HookPlace::Container, "flush")],
            poststop: vec![hook(HookPlace::Host, "tidy")],
        },
        provisioning: Some(Provisioning {
            install: hook(HookPlace::Container, "npm ci"),
            clean: None,
            image: None,
            phase: InstallPhase::Normal,
            volume_target: "/data".to_owned(),
            volume: "data".to_owned(),
            manifest: digest("m1"),
        }),
        ..mounting(name, "data")
    }
}
fn rolling(name: &str, instances: u32) -> Service {
    Service {
        update_strategy: UpdateStrategy::Rolling,
        instances,
        ..service(name)
    }
}
fn edit(lab: &mut Lab) {
    lab.service("api").command = Some(vec!["other".to_owned()]);
}

#[test]
fn a_first_deployment_takes_the_six_steps_in_strict_order() {
    let plan = Lab::new(vec![full("api")]).plan();
    insta::assert_snapshot!(rows(&plan), @r"
    + network.default none (not deployed yet)
    + volume.data none (not deployed yet)
    + service.api none (not deployed yet)
    ");
    insta::assert_snapshot!(steps(&plan, "service.api"), @r"
    pull <- 
    [0]/prestart.host <- pull
    [0]/create <- [0]/prestart.host
    [0]/start <- [0]/create
    [0]/prestart.container.0 <- [0]/start
    [0]/prestart.container.1 <- [0]/prestart.container.0
    [0]/install <- [0]/prestart.container.1
    [0]/open_gate <- [0]/install
    [0]/health <- [0]/open_gate
    [0]/poststart.host <- [0]/health
    ");
}

#[test]
fn an_early_installation_comes_before_prestart_in_the_container() {
    let mut lab = Lab::new(vec![full("api")]);
    lab.service("api").provisioning.as_mut().unwrap().phase = InstallPhase::Early;
    let steps = steps(&lab.plan(), "service.api");
    assert!(steps.contains("[0]/install <- [0]/start"), "{steps}");
    assert!(
        steps.contains("[0]/open_gate <- [0]/prestart.container.1"),
        "{steps}"
    );
}

#[test]
fn a_second_plan_is_empty() {
    let mut lab = Lab::deployed(vec![full("api"), needing("web", &["api"]), job("once")]);
    assert_eq!(rows(&lab.plan()), "");
    assert!(lab.plan().is_empty());
    assert_eq!(lab.plan().summary().noop, 5);
    let again = lab.deploy();
    assert_eq!(
        again.actions.iter().map(|a| a.steps.len()).sum::<usize>(),
        0
    );
}

#[test]
fn a_recreation_stops_the_old_one_with_its_hooks_before_the_new_one_is_made() {
    let mut lab = Lab::deployed(vec![full("api")]);
    edit(&mut lab);
    // What was recorded is what stops the old one, not what the file says now.
    lab.service("api").hooks.prestop.clear();
    insta::assert_snapshot!(steps(&lab.plan(), "service.api"), @r"
    [0]/prestart.host <- 
    [0]/prestop.container (old) <- [0]/prestart.host
    [0]/stop (old) <- [0]/prestop.container
    [0]/remove (old) <- [0]/stop
    [0]/poststop.host (old) <- [0]/remove
    [0]/create <- [0]/remove
    [0]/start <- [0]/create
    [0]/prestart.container.0 <- [0]/start
    [0]/prestart.container.1 <- [0]/prestart.container.0
    [0]/install <- [0]/prestart.container.1
    [0]/open_gate <- [0]/install
    [0]/health <- [0]/open_gate
    [0]/poststart.host <- [0]/health
    ");
    lab.deploy();
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn rolling_makes_the_new_one_healthy_before_the_old_one_goes_one_at_a_time() {
    let mut lab = Lab::deployed(vec![rolling("api", 2)]);
    edit(&mut lab);
    let plan = lab.plan();
    assert_eq!(rows(&plan), "~ service.api rolling (command changed)\n");
    insta::assert_snapshot!(steps(&plan, "service.api"), @r"
    [2]/create <- 
    [2]/start <- [2]/create
    [2]/health <- [2]/start
    [0]/stop (old) <- [2]/health
    [0]/remove (old) <- [0]/stop
    [0]/create <- [0]/remove
    [0]/start <- [0]/create
    [0]/health <- [0]/start
    [1]/stop (old) <- [0]/health
    [1]/remove (old) <- [1]/stop
    ");
    lab.apply(&plan);
    assert_eq!(lab.numbers(), "api[0] api[2]");
    assert_eq!(rows(&lab.plan()), "", "numbers are kept");
}

#[test]
fn a_fixed_host_port_is_never_claimed_twice() {
    let mut lab = Lab::deployed(vec![Service {
        port: Some(8080),
        ..rolling("api", 1)
    }]);
    edit(&mut lab);
    let plan = lab.plan();
    assert_eq!(rows(&plan), "~ service.api recreate (command changed)\n");
    assert!(
        plan.warnings[0].text.contains("port 8080"),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn an_interrupted_rolling_update_goes_on_where_it_stopped() {
    let mut lab = Lab::deployed(vec![rolling("api", 2)]);
    let before = lab.clone();
    edit(&mut lab);
    lab.deploy();
    // As if killed after the first pair: [2] is new and healthy, [1] old, the record still the old one.
    let fresh = lab.instance("api", 2).clone();
    let project = lab.project.clone();
    let mut lab = before;
    lab.project = project;
    lab.live.instances.retain(|live| live.instance.0 == 1);
    lab.live.instances.push(fresh);
    let plan = lab.plan();
    insta::assert_snapshot!(steps(&plan, "service.api"), @r"
    [0]/create <- 
    [0]/start <- [0]/create
    [0]/health <- [0]/start
    [1]/stop (old) <- [0]/health
    [1]/remove (old) <- [1]/stop
    ");
    lab.apply(&plan);
    assert_eq!(lab.numbers(), "api[0] api[2]");
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn the_last_good_instance_waits_for_an_unfinished_new_one() {
    let mut lab = Lab::deployed(vec![rolling("api", 1)]);
    let before = lab.clone();
    edit(&mut lab);
    lab.deploy();
    let fresh = lab.instance("api", 1).clone();
    let project = lab.project.clone();
    let mut lab = before;
    lab.project = project;
    let memory = crate::domain::record::RecordedInstance {
        id: fresh.id.clone(),
        name: fresh.name.clone(),
        image_id: fresh.image_id.clone(),
        op: crate::domain::ids::OpId::default(),
        ready: false,
    };
    lab.recorded("service.api")
        .instances
        .insert(fresh.instance, memory);
    lab.live.instances.push(fresh);
    let plan = lab.plan();
    insta::assert_snapshot!(steps(&plan, "service.api"), @r"
    [1]/health <- 
    [0]/stop (old) <- [1]/health
    [0]/remove (old) <- [0]/stop
    ");
    lab.apply(&plan);
    assert_eq!(lab.numbers(), "api[1]");
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn scaling_keeps_what_is_there() {
    let mut lab = Lab::deployed(vec![service("api")]);
    lab.service("api").instances = 3;
    let plan = lab.plan();
    assert_eq!(
        rows(&plan),
        "~ service.api in_place (instances (1 to 3) changed)\n"
    );
    assert!(!steps(&plan, "service.api").contains("[0]"));
    lab.apply(&plan);
    lab.service("api").instances = 1;
    let plan = lab.plan();
    insta::assert_snapshot!(steps(&plan, "service.api"), @r"
    [2]/stop (old) <- 
    [2]/remove (old) <- [2]/stop
    [1]/stop (old) <- 
    [1]/remove (old) <- [1]/stop
    ");
    lab.apply(&plan);
    assert_eq!(lab.numbers(), "api[0]");
}

#[test]
fn scaling_down_drops_what_is_obsolete_first() {
    let mut lab = Lab::deployed(vec![Service {
        instances: 3,
        ..service("api")
    }]);
    lab.instance("api", 0).hash = Some("1:older".to_owned());
    lab.service("api").instances = 2;
    lab.deploy();
    assert_eq!(lab.numbers(), "api[1] api[2]");
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn no_instances_take_the_service_down_and_leave_the_rest() {
    let mut lab = Lab::deployed(vec![mounting("api", "data"), needing("web", &["api"])]);
    lab.service("api").instances = 0;
    let plan = lab.deploy();
    assert_eq!(
        rows(&plan),
        "~ service.api in_place (instances (1 to 0) changed)\n"
    );
    assert_eq!(lab.numbers(), "web[0]");
    assert_eq!((lab.live.networks.len(), lab.live.volumes.len()), (1, 1));
    assert_eq!(rows(&lab.plan()), "");
    edit_web(&mut lab);
    let plan = lab.plan();
    assert!(
        plan.warnings[0].text.contains("disabled here"),
        "{:?}",
        plan.warnings
    );
    lab.service("api").instances = 1;
    assert!(
        rows(&lab.plan()).contains("+ service.api"),
        "{}",
        rows(&lab.plan())
    );
}
fn edit_web(lab: &mut Lab) {
    lab.service("web").command = Some(vec!["x".to_owned()]);
}

#[test]
fn what_only_nanokit_reads_is_recorded_and_touches_nothing() {
    let mut lab = Lab::deployed(vec![service("api"), service("db")]);
    let edge = Dependency {
        condition: crate::domain::project::service::Condition::Started,
        required: false,
    };
    lab.service("api").depends_on.insert("db".to_owned(), edge);
    lab.service("api").stop_grace = Duration::from_secs(3);
    let plan = lab.plan();
    insta::assert_snapshot!(rows(&plan), @"~ service.api none (depends_on.db, stop_grace_period changed; nothing that runs is touched)");
    assert_eq!(steps(&plan, "service.api"), "adopt <- \n");
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn limits_and_networks_of_the_file_change_in_place() {
    let mut lab = Lab::deployed(vec![Service {
        instances: 2,
        ..service("api")
    }]);
    let mut edited = lab.service("api").clone();
    edited.memory_bytes = Some(1 << 20);
    edited.networks = BTreeMap::from([("back".to_owned(), BTreeSet::from(["a".to_owned()]))]);
    super::lab::add(&mut lab.project, edited);
    let plan = lab.plan();
    insta::assert_snapshot!(rows(&plan), @r"
    + network.back none (not deployed yet)
    ~ service.api in_place (memory, networks.back, networks.default changed)
    ");
    insta::assert_snapshot!(steps(&plan, "service.api"), @r"
    [0]/limits <- 
    [0]/disconnect.nk-shop-local <- [0]/limits
    [0]/connect.back <- [0]/disconnect.nk-shop-local
    [1]/limits <- 
    [1]/disconnect.nk-shop-local <- [1]/limits
    [1]/connect.back <- [1]/disconnect.nk-shop-local
    ");
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn an_edited_network_is_made_anew_and_everyone_joins_it_with_aliases() {
    let mut lab = Lab::deployed(vec![service("api")]);
    lab.project.networks.get_mut("default").unwrap().internal = true;
    let plan = lab.plan();
    insta::assert_snapshot!(rows(&plan), @r"
    ~ network.default recreate (internal changed)
    ~ service.api in_place (network.default is made anew)
    ");
    insta::assert_snapshot!(steps(&plan, "network.default"), @r"
    disconnect.api.0 (old) <- 
    remove (old) <- disconnect.api.0
    create <- remove
    ");
    assert_eq!(steps(&plan, "service.api"), "[0]/connect.default <- \n");
    lab.apply(&plan);
    assert_eq!(
        lab.instance("api", 0).model["networks.default"].value,
        "api"
    );
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn content_and_secrets_count_and_secrets_never_show() {
    let secret = SecretRef::Env("TOKEN".to_owned());
    let mut api = service("api");
    api.env
        .insert("T".to_owned(), EnvValue::Secret(secret.clone()));
    api.mounts = vec![Mount {
        source: MountSource::Bind {
            path: "/p/a.conf".into(),
            real: None,
            content: Some(digest("one")),
        },
        target: "/a.conf".to_owned(),
        read_only: true,
    }];
    let mut lab = Lab::new(vec![api]);
    lab.digests.insert(secret.clone(), digest("d1"));
    lab.deploy();
    assert_eq!(rows(&lab.plan()), "");
    lab.digests.insert(secret, digest("d2"));
    assert_eq!(
        changes(&lab.plan(), "service.api"),
        format!("env.T {SENSITIVE} -> {SENSITIVE} config\n")
    );
    lab.deploy();
    lab.service("api").mounts[0].source = MountSource::Bind {
        path: "/p/a.conf".into(),
        real: None,
        content: Some(digest("two")),
    };
    assert_eq!(
        rows(&lab.plan()),
        "~ service.api recreate (files./a.conf changed)\n"
    );
}

#[test]
fn another_manifest_installs_again() {
    let mut lab = Lab::deployed(vec![full("api")]);
    lab.service("api").provisioning.as_mut().unwrap().manifest = digest("m2");
    assert_eq!(
        rows(&lab.plan()),
        "~ service.api recreate (provisioning.manifest changed)\n"
    );
    lab.deploy();
    lab.recorded("service.api").installed = Some(digest("m1"));
    assert_eq!(
        changes(&lab.plan(), "service.api"),
        "provisioning.manifest m1 -> m2 config\n"
    );
    lab.deploy();
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn what_was_never_finished_is_finished_or_made_anew() {
    let mut lab = Lab::deployed(vec![service("api"), full("gated"), job("once")]);
    for address in ["service.api", "service.gated", "service.once"] {
        for memory in lab.recorded(address).instances.values_mut() {
            memory.ready = false;
        }
    }
    let plan = lab.plan();
    insta::assert_snapshot!(rows(&plan), @r"
    ~ service.api start (status (unfinished) changed)
    ~ service.gated recreate (status (unfinished) changed)
    ~ service.once start (status (unfinished) changed)
    ");
    assert_eq!(steps(&plan, "service.api"), "[0]/health <- \n");
    assert_eq!(steps(&plan, "service.once"), "[0]/complete <- \n");
    assert_eq!(plan.summary().drift, 0);
    let restore = lab.plan_for(Purpose::Restore, &[]);
    assert_eq!(
        rows(&restore),
        rows(&plan),
        "a restore leaves nothing unfinished"
    );
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn builds_and_pulls_happen_once_and_only_when_the_image_is_missing() {
    let build = Build {
        context: "/p".into(),
        dockerfile: "Dockerfile".into(),
        args: BTreeMap::new(),
        digest: digest("0123456789abcdef"),
    };
    let mut lab = Lab::new(vec![
        Service {
            image: None,
            build: Some(build),
            instances: 2,
            ..service("api")
        },
        service("web"),
    ]);
    let plan = lab.plan();
    assert!(steps(&plan, "service.api").starts_with("build <- \n[0]/create <- build\n"));
    assert_eq!(
        steps(&plan, "service.api").matches("build <- \n").count(),
        1
    );
    assert!(steps(&plan, "service.web").starts_with("pull <- \n"));
    lab.live.images.insert(
        image("busybox:stable"),
        crate::domain::ids::ImageId::new("sha256:1"),
    );
    assert!(steps(&lab.plan(), "service.web").starts_with("[0]/create <- \n"));
    // A tag chosen by the user is built again when what it is built from changed.
    lab.service("api").image = Some("mine:dev".to_owned());
    lab.deploy();
    lab.service("api").build.as_mut().unwrap().digest = digest("other");
    let text = steps(&lab.plan(), "service.api");
    assert!(text.starts_with("build <- \n"), "{text}");
    lab.deploy();
    edit(&mut lab);
    let text = steps(&lab.plan(), "service.api");
    assert!(!text.contains("build"), "{text}");
    lab.capabilities.images = false;
    assert!(!steps(&lab.plan(), "service.api").contains("build"));
}

#[test]
fn without_a_state_what_carries_one_lineage_is_taken_over() {
    let mut lab = Lab::deployed(vec![service("api"), mounting("db", "data")]);
    lab.record = None;
    lab.service("db").command = Some(vec!["new".to_owned()]);
    let plan = lab.plan();
    insta::assert_snapshot!(rows(&plan), @r"
    ~ network.default none (found running, taken into the state)
    ~ volume.data none (found running, taken into the state)
    ~ service.api none (found running, taken into the state)
    ~ service.db recreate (hash changed)
    ");
    assert!(
        plan.warnings[0]
            .text
            .starts_with("the state is missing, and 4 objects of lineage lineage are there")
    );
    assert_eq!(plan.lineage, None);
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "");
    lab.record = None;
    lab.instance("api", 0).lineage = Some(Lineage::new("second"));
    let plan = lab.plan();
    assert!(
        plan.warnings.iter().any(|w| w.text.contains("2 lineages")),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn a_targeted_run_touches_its_targets_and_what_they_stand_on() {
    let mut lab = Lab::new(vec![
        mounting("db", "data"),
        needing("api", &["db"]),
        service("web"),
    ]);
    let plan = lab.plan_for(Purpose::Deploy, &["api"]);
    assert_eq!(
        rows(&plan),
        "+ network.default none (not deployed yet)\n+ service.api none (not deployed yet)\n"
    );
    assert_eq!(
        plan.warnings[0].text,
        "service.api depends on service.db, which is not deployed and is not part of this run: `nkapp deploy db api` takes both"
    );
    lab.deploy();
    lab.project.services.remove("web");
    lab.instance("db", 0).status = Status::Exited(1);
    lab.project.networks.get_mut("default").unwrap().internal = true;
    let plan = lab.plan_for(Purpose::Deploy, &["api"]);
    assert_eq!(
        rows(&plan),
        "",
        "no orphans, no neighbours, no network under others' feet"
    );
    assert_eq!(plan.warnings.len(), 2, "{:?}", plan.warnings);
    let plan = lab.plan_for(Purpose::Deploy, &["ap"]);
    assert!(
        plan.warnings[0].text.contains("nothing is called ap"),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn a_plan_is_stale_when_what_it_touches_moved_and_only_then() {
    let mut lab = Lab::deployed(vec![service("api"), service("web")]);
    edit(&mut lab);
    let approved = lab.plan();
    assert_eq!(staleness(&approved, &lab.plan()), None);
    lab.instance("web", 0).status = Status::Exited(0);
    lab.record.as_mut().unwrap().serial.0 += 1;
    assert_eq!(staleness(&approved, &lab.plan()), None, "others may move");
    lab.instance("api", 0).status = Status::Paused;
    assert_eq!(
        staleness(&approved, &lab.plan()).as_deref(),
        Some("service.api [0].status was running, now it is paused")
    );
    lab.instance("api", 0).status = Status::Running;
    lab.service("web").port = Some(1);
    assert!(
        staleness(&approved, &lab.plan())
            .unwrap()
            .starts_with("config_hash was")
    );
    let mut fresh = Lab::new(vec![service("api")]);
    let approved = fresh.plan();
    fresh.deploy();
    assert!(
        staleness(&approved, &fresh.plan())
            .unwrap()
            .starts_with("lineage was none")
    );
}

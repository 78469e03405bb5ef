//! Every change somebody can make by hand: seen with its field and cause, mended by one deploy, in place where the
//! engine can. One test a row.

use super::lab::{Lab, changes, job, mounting, plain, rows, service, steps};
use crate::domain::ids::{Address, Lineage, OpId, ProviderId};
use crate::domain::live::Status;
use crate::domain::plan::model::{Purpose, StepKind};

fn api() -> Lab {
    Lab::deployed(vec![service("api")])
}
/// The plan after a hand-made change, the differences it shows, and that one deploy mends it.
fn check(lab: &mut Lab, expected_rows: &str, expected_changes: &str) {
    let plan = lab.plan();
    assert_eq!(rows(&plan).trim_end(), expected_rows);
    assert_eq!(changes(&plan, "service.api").trim_end(), expected_changes);
    assert_eq!(
        plan.summary().drift,
        plan.actions.iter().filter(|a| !a.is_noop()).count()
    );
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "", "one deploy has to mend it");
}

#[test]
fn a_stopped_container_is_started_as_it_is() {
    let mut lab = api();
    lab.instance("api", 0).status = Status::Exited(143);
    check(
        &mut lab,
        "~ service.api start (status (exited (143)) drifted)",
        "status exited (143) -> running drift",
    );
}

#[test]
fn a_removed_container_is_made_again() {
    let mut lab = api();
    lab.live.instances.clear();
    check(
        &mut lab,
        "+ service.api none (removed outside nanokit)",
        "status missing -> running drift",
    );
}

#[test]
fn a_paused_container_goes_on() {
    let mut lab = api();
    lab.instance("api", 0).status = Status::Paused;
    assert_eq!(
        steps(&lab.plan(), "service.api"),
        "[0]/unpause <- \n[0]/health <- [0]/unpause\n"
    );
    check(
        &mut lab,
        "~ service.api in_place (status (paused) drifted)",
        "status paused -> running drift",
    );
}

#[test]
fn a_container_that_was_never_started_is_started() {
    let mut lab = api();
    lab.instance("api", 0).status = Status::Created;
    check(
        &mut lab,
        "~ service.api start (status (created) drifted)",
        "status created -> running drift",
    );
}

#[test]
fn a_dead_container_is_made_anew() {
    let mut lab = api();
    lab.instance("api", 0).status = Status::Dead;
    check(
        &mut lab,
        "~ service.api recreate (status (dead) drifted)",
        "status dead -> running drift",
    );
}

#[test]
fn a_container_the_platform_restarts_is_no_drift() {
    let mut lab = api();
    lab.instance("api", 0).status = Status::Restarting;
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn a_renamed_container_gets_its_name_back() {
    let mut lab = api();
    lab.instance("api", 0).name = "mine".to_owned();
    check(
        &mut lab,
        "~ service.api in_place (name drifted)",
        "name mine -> nk-shop-local-api-0 drift",
    );
}

#[test]
fn exchanged_names_are_changed_back_and_the_plan_says_with_whom() {
    let mut lab = Lab::deployed(vec![service("api"), service("web")]);
    lab.instance("api", 0).name = "nk-shop-local-web-0".to_owned();
    lab.instance("web", 0).name = "nk-shop-local-api-0".to_owned();
    let plan = lab.plan();
    let api = plan.action(&Address::service("api")).unwrap();
    assert_eq!(api.steps[0].kind, StepKind::Rename);
    assert_eq!(api.steps[0].detail, "changes names with service.web[0]");
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn limits_and_restart_policy_are_set_back_in_place() {
    let mut lab = Lab::deployed(vec![crate::domain::project::service::Service {
        memory_bytes: Some(1000),
        ..service("api")
    }]);
    let live = &mut lab.instance("api", 0).model;
    live.insert("memory".to_owned(), plain("2000"));
    live.insert("restart".to_owned(), plain("always"));
    assert_eq!(steps(&lab.plan(), "service.api"), "[0]/limits <- \n");
    check(
        &mut lab,
        "~ service.api in_place (memory, restart drifted)",
        "memory 2000 -> 1000 drift\nrestart always -> no drift",
    );
}

#[test]
fn a_cpu_limit_nobody_asked_for_needs_a_new_container() {
    let mut lab = api();
    lab.instance("api", 0)
        .model
        .insert("cpu".to_owned(), plain("500"));
    check(
        &mut lab,
        "~ service.api recreate (cpu drifted)",
        "cpu 500 -> 0 drift",
    );
}

#[test]
fn limits_need_a_new_instance_where_the_platform_cannot_change_them() {
    let mut lab = api();
    lab.capabilities.limits_in_place = false;
    lab.instance("api", 0)
        .model
        .insert("memory".to_owned(), plain("500"));
    check(
        &mut lab,
        "~ service.api recreate (memory drifted)",
        "memory 500 -> 0 drift",
    );
}

#[test]
fn a_network_that_was_left_is_joined_again() {
    let mut lab = api();
    lab.instance("api", 0).model.remove("networks.default");
    assert_eq!(
        steps(&lab.plan(), "service.api"),
        "[0]/connect.default <- \n"
    );
    check(
        &mut lab,
        "~ service.api in_place (networks.default drifted)",
        "networks.default none -> api drift",
    );
}

#[test]
fn a_foreign_network_is_left() {
    let mut lab = api();
    lab.instance("api", 0)
        .model
        .insert("networks.other".to_owned(), plain("api"));
    assert_eq!(
        steps(&lab.plan(), "service.api"),
        "[0]/disconnect.other <- \n"
    );
    check(
        &mut lab,
        "~ service.api in_place (networks.other drifted)",
        "networks.other api -> none drift",
    );
}

#[test]
fn lost_aliases_come_back_and_further_ones_do_no_harm() {
    let mut lab = api();
    let live = lab.instance("api", 0);
    live.model
        .insert("networks.default".to_owned(), plain("0a1b2c,api"));
    assert_eq!(rows(&lab.plan()), "");
    lab.instance("api", 0)
        .model
        .insert("networks.default".to_owned(), plain("0a1b2c"));
    assert_eq!(
        steps(&lab.plan(), "service.api"),
        "[0]/disconnect.default <- \n[0]/connect.default <- [0]/disconnect.default\n"
    );
    check(
        &mut lab,
        "~ service.api in_place (networks.default drifted)",
        "networks.default 0a1b2c -> api drift",
    );
}

#[test]
fn a_network_made_again_by_hand_is_taken_over() {
    let mut lab = api();
    let live = &mut lab.live.networks[0];
    live.id = ProviderId::new("hand");
    live.network = None;
    live.lineage = None;
    live.hash = None;
    lab.instance("api", 0).model.remove("networks.default");
    let plan = lab.plan();
    assert_eq!(
        rows(&plan),
        "~ network.default none (made anew outside nanokit, taken over)\n~ service.api in_place (networks.default drifted)\n"
    );
    assert_eq!(
        changes(&plan, "network.default"),
        "id another of its name (hand) -> taken over drift\n"
    );
    assert_eq!(steps(&plan, "network.default"), "adopt <- \n");
    lab.apply(&plan);
    assert_eq!(
        rows(&lab.plan()),
        "",
        "known by its id from now on, label or not"
    );
}

#[test]
fn a_network_made_by_hand_with_another_setting_is_made_anew() {
    let mut lab = api();
    let live = &mut lab.live.networks[0];
    live.id = ProviderId::new("hand");
    live.lineage = None;
    live.model.insert("internal".to_owned(), plain("true"));
    let plan = lab.plan();
    assert_eq!(
        rows(&plan),
        "~ network.default recreate (internal drifted)\n~ service.api in_place (network.default is made anew)\n"
    );
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn a_removed_network_comes_back_and_whoever_runs_joins_it() {
    let mut lab = api();
    lab.live.networks.clear();
    lab.instance("api", 0).model.remove("networks.default");
    let plan = lab.plan();
    assert_eq!(
        rows(&plan),
        "+ network.default none (removed outside nanokit)\n~ service.api in_place (networks.default drifted)\n"
    );
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn a_network_that_a_broken_run_took_away_is_no_drift() {
    let mut lab = api();
    lab.live.networks.clear();
    lab.instance("api", 0).model.remove("networks.default");
    lab.recorded("network.default").id = None;
    let plan = lab.plan();
    assert_eq!(
        changes(&plan, "network.default"),
        "status missing -> present config\n"
    );
    assert!(
        rows(&plan).starts_with("+ network.default none (not there yet"),
        "{}",
        rows(&plan)
    );
}

#[test]
fn a_stopped_container_whose_network_went_is_made_anew() {
    let mut lab = api();
    lab.live.networks.clear();
    let live = lab.instance("api", 0);
    live.status = Status::Exited(0);
    live.model.remove("networks.default");
    let plan = lab.plan();
    assert!(
        rows(&plan).contains("~ service.api recreate"),
        "{}",
        rows(&plan)
    );
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn a_removed_volume_comes_back_empty_with_a_warning_and_its_users_are_made_anew() {
    let mut lab = Lab::deployed(vec![mounting("api", "data")]);
    lab.live.volumes.clear();
    let plan = lab.plan();
    assert_eq!(
        rows(&plan),
        "+ volume.data none (removed outside nanokit)\n~ service.api recreate (mounts./data drifted)\n"
    );
    assert_eq!(
        changes(&plan, "volume.data"),
        "status missing -> present drift\n"
    );
    assert_eq!(
        changes(&plan, "service.api"),
        "mounts./data none -> volume:data drift\n"
    );
    assert!(
        plan.warnings[0].text.contains("its data is gone"),
        "{:?}",
        plan.warnings
    );
    assert!(plan.destructive().is_empty());
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn only_the_instance_that_differs_is_touched() {
    let mut lab = Lab::deployed(vec![crate::domain::project::service::Service {
        instances: 3,
        ..service("api")
    }]);
    lab.instance("api", 1).status = Status::Exited(1);
    assert_eq!(
        steps(&lab.plan(), "service.api"),
        "[1]/start <- \n[1]/health <- [1]/start\n"
    );
    check(
        &mut lab,
        "~ service.api start (status (exited (1)) drifted)",
        "status[1] exited (1) -> running drift",
    );
    lab.live.instances.retain(|live| live.instance.0 != 2);
    check(
        &mut lab,
        "~ service.api in_place (status (missing) drifted)",
        "status[2] missing -> running drift",
    );
}

#[test]
fn a_job_that_completed_stays_done_even_when_it_is_cleared_away() {
    let mut lab = Lab::deployed(vec![job("api")]);
    assert_eq!(lab.instance("api", 0).status, Status::Exited(0));
    assert_eq!(rows(&lab.plan()), "");
    lab.live.instances.clear();
    assert_eq!(rows(&lab.plan()), "");
    lab.service("api").command = Some(vec!["again".to_owned()]);
    assert_eq!(rows(&lab.plan()), "+ service.api none (command changed)\n");
}

#[test]
fn a_volume_made_anew_by_hand_is_told_kept_and_never_decided_about_by_a_restore() {
    let mut lab = Lab::deployed(vec![mounting("db", "data")]);
    assert_eq!(rows(&lab.plan()), "");
    let volume = &mut lab.live.volumes[0];
    (volume.volume, volume.lineage) = (None, None);
    let told = |plan: &crate::domain::plan::model::Plan| {
        let texts = plan.warnings.iter().map(|warning| warning.text.as_str());
        texts.collect::<Vec<_>>().join("\n")
    };
    for targets in [&[][..], &["volume.data"]] {
        let restore = lab.plan_for(Purpose::Restore, targets);
        assert_eq!(rows(&restore), "", "{targets:?}");
        assert!(told(&restore).contains("nkapp drift accept volume.data"));
    }
    let plan = lab.plan();
    assert_eq!(
        rows(&plan),
        "~ volume.data none (made anew outside nanokit, taken over)\n"
    );
    assert_eq!(
        changes(&plan, "volume.data"),
        "id another of its name, without our labels -> taken over drift\n"
    );
    assert_eq!(steps(&plan, "volume.data"), "adopt <- \n");
    assert!(
        told(&plan).contains("what it held is gone"),
        "{}",
        told(&plan)
    );
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "", "one deploy settles it");
    assert_eq!(lab.live.volumes.len(), 1);
}

#[test]
fn a_volume_that_was_made_by_hand_before_is_no_other_one() {
    let mut lab = Lab::deployed(vec![mounting("db", "data")]);
    let volume = &mut lab.live.volumes[0];
    (volume.volume, volume.lineage) = (None, None);
    let record = lab.record.as_mut().expect("deployed");
    record.resources.remove(&Address::volume("data"));
    let plan = lab.plan();
    assert!(rows(&plan).contains("made by hand; taken into the state"));
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn a_failed_job_runs_again() {
    let mut lab = Lab::deployed(vec![job("api")]);
    lab.instance("api", 0).status = Status::Exited(3);
    check(
        &mut lab,
        "~ service.api recreate (status (exited (3)) drifted)",
        "status exited (3) -> completed drift",
    );
}

#[test]
fn config_and_drift_of_one_field_are_two_entries() {
    let mut lab = api();
    lab.instance("api", 0)
        .model
        .insert("memory".to_owned(), plain("7"));
    lab.service("api").memory_bytes = Some(9);
    let plan = lab.plan();
    assert_eq!(
        changes(&plan, "service.api"),
        "memory 0 -> 9 config\nmemory 7 -> 9 drift\n"
    );
    assert_eq!(
        rows(&plan),
        "~ service.api in_place (memory changed; memory drifted)\n"
    );
}

#[test]
fn a_container_somebody_else_made_in_its_place_is_judged_by_its_hash() {
    let mut lab = api();
    lab.instance("api", 0).id = ProviderId::new("other");
    assert_eq!(
        changes(&lab.plan(), "service.api"),
        "id another in its place (other) -> taken over drift\n"
    );
    lab.instance("api", 0).hash = Some("1:other".to_owned());
    let plan = lab.plan();
    assert!(
        rows(&plan).starts_with("~ service.api recreate (hash drifted)"),
        "{}",
        rows(&plan)
    );
}

#[test]
fn a_copy_of_a_container_is_made_anew_for_its_labels_say_nothing_of_it() {
    for purpose in [Purpose::Deploy, Purpose::Restore] {
        let mut lab = api();
        let op = OpId::new("r/service.api[0]/create#1");
        lab.instance("api", 0).op = Some(op.clone());
        let record = lab.record.as_mut().expect("a record");
        let recorded = record.resources.get_mut(&Address::service("api"));
        for one in recorded.expect("recorded").instances.values_mut() {
            one.op = op.clone();
        }
        assert_eq!(rows(&lab.plan_for(purpose.clone(), &[])), "");
        lab.instance("api", 0).id = ProviderId::new("copy");
        let plan = lab.plan_for(purpose, &[]);
        assert_eq!(
            changes(&plan, "service.api"),
            "id a copy made by hand (copy) -> made anew drift\n"
        );
        assert_eq!(rows(&plan), "~ service.api recreate (id drifted)\n");
    }
}

#[test]
fn objects_of_another_lineage_are_strays_and_never_touched() {
    let mut lab = api();
    let mut stray = lab.live.instances[0].clone();
    stray.id = ProviderId::new("stray");
    stray.name = "stray".to_owned();
    stray.lineage = Some(Lineage::new("foreign"));
    lab.live.instances.push(stray);
    let plan = lab.plan();
    assert_eq!(rows(&plan), "");
    assert_eq!(
        plan.warnings[0].text,
        "stray (looks like service.api[0], of lineage foreign, not ours) is not ours and is left alone"
    );
}

#[test]
fn restoring_undoes_drift_and_leaves_the_files_changes_alone() {
    let mut lab = Lab::deployed(vec![service("api"), service("web")]);
    lab.instance("api", 0)
        .model
        .insert("restart".to_owned(), plain("always"));
    lab.service("api").env.insert(
        "A".to_owned(),
        crate::domain::project::service::EnvValue::Plain("1".to_owned()),
    );
    lab.service("web").image = Some("busybox:2".to_owned());
    lab.instance("web", 0).status = Status::Paused;
    let plan = lab.plan_for(Purpose::Restore, &["api"]);
    assert_eq!(rows(&plan), "~ service.api in_place (restart drifted)\n");
    assert_eq!(
        changes(&plan, "service.api"),
        "restart always -> no drift\n"
    );
    let plan = lab.plan_for(Purpose::Restore, &[]);
    assert_eq!(
        rows(&plan),
        "~ service.api in_place (restart drifted)\n~ service.web in_place (status (paused) drifted)\n"
    );
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan_for(Purpose::Restore, &[])), "");
    assert_eq!(
        rows(&lab.plan()),
        "~ service.api recreate (env.A changed)\n~ service.web recreate (image changed)\n"
    );
}

#[test]
fn a_network_can_be_restored_by_its_address() {
    let mut lab = api();
    lab.live.networks.clear();
    let plan = lab.plan_for(Purpose::Restore, &["network.default"]);
    assert_eq!(
        rows(&plan),
        "+ network.default none (removed outside nanokit)\n~ service.api in_place (network.default is made anew)\n"
    );
    let action = plan.action(&Address::network("default")).unwrap();
    assert_eq!(action.steps[0].kind, StepKind::CreateNetwork);
}

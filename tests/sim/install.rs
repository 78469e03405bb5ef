//! Installations into shared volumes: once, under the lock, and again after a crash.

use std::time::Duration;

use nanokit::domain::event::RunOutcome;

use crate::harness::{Ask, assert_converged, deploy, machine, run, sim};
use crate::support::sim::project::{project, provisioned, service};

fn installs(machine: &crate::support::sim::world::Machine) -> usize {
    machine
        .platform
        .with(|m| m.ran.iter().filter(|r| r.starts_with("install")).count())
}

#[test]
fn replicas_and_services_that_share_a_volume_install_once() {
    sim(async {
        let machine = machine(1);
        let mut api = provisioned(service("api", &[]), "modules", None);
        api.instances = 3;
        let project = project(vec![
            api,
            provisioned(service("worker", &[]), "modules", None),
        ]);
        deploy(&machine, &project).await;
        assert_eq!(installs(&machine), 1);
        assert_converged(&machine, &project, "shared").await;
    });
}

#[test]
fn a_heavy_image_installs_in_a_one_off_that_leaves_nothing() {
    sim(async {
        let machine = machine(2);
        let api = provisioned(service("api", &[]), "modules", Some("tools:1"));
        let project = project(vec![api]);
        deploy(&machine, &project).await;
        assert_eq!(installs(&machine), 1);
        assert_eq!(machine.platform.picture(), ["api[0] running"]);
        assert_converged(&machine, &project, "heavy").await;
    });
}

#[test]
fn a_failed_installation_leaves_no_sentinel_and_the_next_one_cleans() {
    sim(async {
        let machine = machine(3);
        let project = project(vec![provisioned(service("api", &[]), "modules", None)]);
        machine
            .platform
            .with(|m| m.first_exits.insert("npm ci".to_owned(), vec![9]));
        let ran = run(&machine, &project, Ask::default()).await;
        assert_eq!(ran.outcome(), RunOutcome::Failed);
        assert!(ran.error().contains("exit code 9"), "{}", ran.error());
        deploy(&machine, &project).await;
        assert!(
            machine
                .platform
                .with(|m| m.ran.contains(&"clean modules".to_owned()))
        );
        assert_converged(&machine, &project, "again").await;
    });
}

#[test]
fn a_lock_of_an_instance_that_is_gone_is_broken_and_the_volume_known_to_be_dirty() {
    sim(async {
        let machine = machine(4);
        let project = project(vec![provisioned(service("api", &[]), "modules", None)]);
        machine.platform.with(|m| {
            let files = m.files.entry("modules".to_owned()).or_default();
            files.insert(".nk-install-lock".to_owned(), "n1|box-gone|sim".to_owned());
        });
        let ran = deploy(&machine, &project).await;
        assert!(
            ran.warnings().contains("cut off earlier"),
            "{}",
            ran.warnings()
        );
        assert!(
            machine
                .platform
                .with(|m| m.ran.contains(&"clean modules".to_owned()))
        );
    });
}

#[test]
fn a_lock_of_another_engine_is_waited_for_and_never_broken() {
    sim(async {
        let machine = machine(5);
        let mut api = provisioned(service("api", &[]), "modules", None);
        api.provisioning.as_mut().unwrap().install.timeout = Duration::from_secs(60);
        let project = project(vec![api]);
        machine.platform.with(|m| {
            let files = m.files.entry("modules".to_owned()).or_default();
            files.insert(
                ".nk-install-lock".to_owned(),
                "n1|box-1|elsewhere".to_owned(),
            );
        });
        let ran = run(&machine, &project, Ask::default()).await;
        assert_eq!(ran.outcome(), RunOutcome::Failed);
        assert!(
            ran.error().contains("still held by holder"),
            "{}",
            ran.error()
        );
        assert_eq!(ran.words("lock_changed").len(), 1, "told once");
        assert!(!ran.words("step_progress").is_empty(), "the wait is seen");
        assert_eq!(installs(&machine), 0);
    });
}

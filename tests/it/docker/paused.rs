//! Somebody pauses an instance that a run waits for: the run says so and ends, and what it said to do helps.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::crash_stage::comes_true;
use super::project::Project;
use super::worker_kit::PATIENCE;
use crate::ran::Ran;

/// A check that gives nobody up for an hour, and a job without any bound.
const CHECKED: &str = "
name: NAME
infra: { provider: docker }
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    healthcheck: { test: test -e /tmp/well, interval: 1s, timeout: 30s, retries: 120 }
";
const JOB: &str = "
name: NAME
infra: { provider: docker }
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    kind: job
";

fn runs(project: &Project) -> bool {
    let name = format!("name=nk-{}-local-app-0", project.name);
    let found = super::project::docker(&["ps", "-q", "--filter", &name]);
    !found.stdout.trim().is_empty()
}

#[track_caller]
fn paused_while_waited_for(text: &str) -> Project {
    let project = Project::new(text);
    let run = project
        .command(&["deploy", "-y"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nkapp starts");
    assert!(comes_true(PATIENCE, || runs(&project)));
    let container = project.container("app", 0);
    project.docker(&["pause", &container]);
    let began = Instant::now();
    let output = run.wait_with_output().expect("it ends");
    assert!(
        began.elapsed() < Duration::from_secs(40),
        "{:?}",
        began.elapsed()
    );
    Ran::of("nkapp deploy", &output)
        .exits(1)
        .says("it is paused")
        .says(&format!("docker unpause {container}"));
    project
        .nkapp(&["infra", "lock", "--json"])
        .exits(0)
        .says("\"free\"");
    project
}

#[test]
fn docker_paused_in_a_health_gate_fails_the_run_and_the_next_deploy_lets_it_go_on() {
    let project = paused_while_waited_for(CHECKED);
    let container = project.container("app", 0);
    let id = project.inspect(&container, "{{.Id}}");
    project.write(&CHECKED.replace("test -e /tmp/well", "'true'"));
    project.deploy();
    let container = project.container("app", 0);
    assert_eq!(project.inspect(&container, "{{.State.Status}}"), "running");
    assert_ne!(project.inspect(&container, "{{.Id}}"), id, "another check");
    project.is_settled();
}

#[test]
fn docker_paused_job_fails_the_run() {
    paused_while_waited_for(JOB);
}

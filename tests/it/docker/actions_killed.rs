//! F01 for actions: an upgrade around a deploy on a real engine, killed at each of its steps in turn and resumed.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use super::project::Project;
use crate::crash_process::spread;
use crate::fault_cases::tried;

const FILE: &str = "
name: NAME
infra: { provider: docker }
version: 'VERSION'
volumes: { data: }
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    env: { RELEASE: 'VERSION' }
    stop_grace_period: 1s
    volumes: ['data:/data']
    hooks: { prestart: { host: 'echo deployed VERSION >> told' } }
actions:
  - name: before
    hook: upgrade
    mode: pre
    steps:
      - { name: one, run: 'echo one >> told' }
      - { name: halt, stop: app }
      - { name: save, backup: { volume: data, to: data.tar } }
  - name: middle
    hook: upgrade
    mode: core
    steps:
      - { name: two, run: 'echo two >> told' }
      - { name: look, job: { service: app, run: ['true'] } }
      - { name: three, run: 'echo three >> told' }
  - name: after
    hook: upgrade
    mode: post
    steps:
      - { name: inside, exec: { service: app, run: [sh, -c, 'echo inside >> /data/told'] } }
      - { name: four, run: 'echo four >> told' }
";

/// What an upgrade that nobody kills writes, in its order.
const WHOLE: [&str; 5] = ["one", "two", "three", "deployed 2", "four"];

fn upgraded(version: &str) -> String {
    FILE.replace("VERSION", version)
}

/// Upgrades, and kills the program when `at` of its lines about steps of actions were read; returns the steps of actions
/// that were told to be finished by then.
fn killed(project: &Project, at: usize) -> (BTreeSet<String>, bool) {
    let mut deploy = project.command(&["deploy", "-y", "--json"]);
    let deploy = deploy.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut deploy = deploy.spawn().expect("nkapp starts");
    let lines = BufReader::new(deploy.stdout.take().expect("its lines"));
    let mut finished = BTreeSet::new();
    let mut told = 0;
    for line in lines.lines().map_while(Result::ok) {
        let event: Value = serde_json::from_str(&line).expect("JSON");
        let step = event["step"].as_str().unwrap_or_default();
        let (kind, ok) = (event["kind"].as_str(), event["outcome"] == "done");
        if !step.starts_with("action.") || !matches!(kind, Some("step_started" | "step_finished")) {
            continue;
        }
        if kind == Some("step_finished") && ok {
            finished.insert(step.to_owned());
        }
        if told == at {
            break;
        }
        told += 1;
    }
    let dead = deploy.try_wait().expect("ours").is_some();
    let _ = deploy.kill();
    deploy.wait().expect("it ended");
    (finished, !dead)
}

#[test]
fn f01_an_upgrade_killed_at_its_steps_on_docker_is_resumed_and_repeats_nothing_finished() {
    // Two lines for each of eight steps, and two for what runs again before `post`.
    let points = spread(18, 6);
    let mut died = 0;
    for at in &points {
        let project = Project::new(&upgraded("1"));
        project.deploy();
        project.put("told", "");
        project.write(&upgraded("2"));
        let (finished, was_killed) = killed(&project, *at);
        died += usize::from(was_killed);
        let resumed = project.deploy();
        let told = project.read("told");
        let times = |word: &str| told.lines().filter(|line| *line == word).count();
        let mut order: Vec<&str> = told.lines().collect();
        order.dedup();
        assert_eq!(order, WHOLE, "line {at}\n{}", resumed.stderr);
        for (step, word) in [
            ("action.before/one", "one"),
            ("action.middle/two", "two"),
            ("action.middle/three", "three"),
            ("action.after/four", "four"),
        ] {
            let most = if finished.contains(step) { 1 } else { 2 };
            assert!(times(word) <= most, "line {at}: {step}\n{told}");
        }
        let again = WHOLE.iter().filter(|word| times(word) > 1).count();
        assert!(again <= 1, "line {at}: more than one was cut off\n{told}");
        project.is_settled();
        let state: Value = serde_json::from_str(&project.read("state.json")).expect("JSON");
        assert_eq!(state["flows"], Value::Null, "line {at}");
        let listed = project.docker(&[
            "ps",
            "-aq",
            "--filter",
            &format!("name=nk-{}-", project.name),
        ]);
        assert_eq!(listed.lines().count(), 1, "line {at}: {listed}");
    }
    assert!(died * 10 >= points.len() * 7, "only {died} were killed");
    let own =
        "f01_an_upgrade_killed_at_its_steps_on_docker_is_resumed_and_repeats_nothing_finished";
    tried(own, points.len());
}

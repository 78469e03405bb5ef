//! Killed at every call to the engine, before it was sent and after it was answered: one more run brings everything
//! about, tells the truth, and leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet};

use super::crash_stage::{Point, Stage, events_of, finished_by, kills, runs_of, sample};
use super::project::docker;
use crate::fault_cases::tried;

/// Four services with everything that makes calls: networks, volumes, hooks on both sides, an install, health gates.
const FILE: &str = "
name: NAME
infra: { provider: docker }
services:
  db:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    volumes: ['data:/data']
    healthcheck: { test: [CMD, 'true'], interval: 300ms, timeout: 5s }
  api:
    image: nk-test/busybox:1
    depends_on: [db]
    start: [sleep, '100000']
    stop_grace_period: 1s
    volumes: ['./out:/out', 'deps:/deps']
    networks: { default: {}, back: {} }
    healthcheck: { test: [CMD, 'true'], interval: 300ms, timeout: 5s }
    provisioning: { volume: deps, install: 'echo install $NANOKIT_SERVICE >> /out/log' }
    hooks:
      prestart: { host: 'echo prestart.host $NANOKIT_RUN_ID >> out/log', container: 'echo prestart.container $NANOKIT_RUN_ID >> /out/log' }
      poststart: 'echo poststart $NANOKIT_RUN_ID >> out/log'
      prestop: 'echo prestop $NANOKIT_RUN_ID >> /out/log'
      poststop: 'echo poststop $NANOKIT_RUN_ID >> out/log'
  web:
    image: nk-test/busybox:1
    depends_on: [api]
    start: [sleep, '100000']
    stop_grace_period: 1s
    healthcheck: { test: [CMD, 'true'], interval: 300ms, timeout: 5s }
  side:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    instances: 2
    healthcheck: { test: [CMD, 'true'], interval: 300ms, timeout: 5s }
networks: { back: {} }
volumes: { data: {}, deps: {} }
";

const DEPLOY: &[&str] = &["deploy", "-y"];
const RESTORE: &[&str] = &["drift", "--restore", "-y"];
const DESTROY: &[&str] = &["destroy", "-y"];
const CLEAN: &[&str] = &["clean", "-y", "--force"];

fn up(name: &str) -> Vec<String> {
    let mut all: Vec<String> = ["api-0", "db-0", "side-0", "side-1", "web-0"]
        .map(|one| format!("container nk-{name}-local-{one} running"))
        .to_vec();
    all.push(format!("network nk-{name}-local"));
    all.push(format!("network nk-{name}-local-back"));
    all.extend(volumes(name));
    all
}

fn volumes(name: &str) -> Vec<String> {
    ["data", "deps"]
        .map(|one| format!("volume nk-{name}-local-{one}"))
        .to_vec()
}

/// What a colleague does to it between two commands.
fn vandalise(name: &str) {
    docker(&["rm", "-f", &format!("nk-{name}-local-side-1")]).exits(0);
    docker(&["kill", &format!("nk-{name}-local-web-0")]).exits(0);
    let back = format!("nk-{name}-local-back");
    let api = format!("nk-{name}-local-api-0");
    docker(&["network", "disconnect", &back, &api]).exits(0);
}

struct Traces {
    deploy: BTreeMap<String, usize>,
    restore: BTreeMap<String, usize>,
    destroy: BTreeMap<String, usize>,
    clean: BTreeMap<String, usize>,
}

/// What undisturbed runs ask of the engine.
fn traces() -> Traces {
    let stage = Stage::new(FILE);
    let name = &stage.project.name;
    let deploy = stage.trace(DEPLOY);
    stage.holds_exactly(&up(name), "after a deploy");
    vandalise(name);
    let restore = stage.trace(RESTORE);
    stage.holds_exactly(&up(name), "after a restore");
    let destroy = stage.trace(DESTROY);
    stage.holds_exactly(&volumes(name), "after a destroy");
    stage.project.deploy();
    let clean = stage.trace(CLEAN);
    stage.holds_exactly(&[], "after a clean");
    Traces {
        deploy,
        restore,
        destroy,
        clean,
    }
}

/// Kills a command at a point, checks what it left, runs it again and checks that. Returns whether it was hit.
fn kill_and_mend(stage: &Stage, arguments: &[&str], point: &Point) -> bool {
    let when = format!("`nkapp {}`, {point}", arguments.join(" "));
    let before: BTreeSet<String> = runs_of(&stage.project).into_iter().collect();
    let killed = stage.hit(arguments, point.rule());
    let hit = stage.proxy.relent() > 0;
    // A process that was killed has no exit code; one that was not reached has to have succeeded.
    assert_eq!(
        killed.code,
        if hit { -1 } else { 0 },
        "{when}: {}",
        killed.stderr
    );
    stage.lock_is_dead_or_free(&when);
    let cut: Vec<String> = runs_of(&stage.project)
        .into_iter()
        .filter(|run| !before.contains(run))
        .collect();
    let again = stage.project.nkapp(arguments);
    assert_eq!(again.code, 0, "{when}, then again: {}", again.stderr);
    let latest = runs_of(&stage.project).pop().unwrap_or_default();
    let started: BTreeSet<String> = events_of(&stage.project, &latest)
        .iter()
        .filter(|event| event["kind"] == "step_started")
        .filter_map(|event| event["address"].as_str().map(ToOwned::to_owned))
        .collect();
    for run in cut.iter().filter(|run| **run != latest) {
        for address in finished_by(&stage.project, run) {
            assert!(
                !started.contains(&address),
                "{when}: {address} was finished and is done again"
            );
        }
    }
    hit
}

/// No hook runs twice in one run, and an install that succeeded never runs again.
fn hooks_ran_once(stage: &Stage, when: &str) {
    let lines = stage.hook_lines();
    let mut seen = BTreeSet::new();
    for line in lines.iter().filter(|line| *line != "install api") {
        assert!(seen.insert(line), "{when}: `{line}` twice in {lines:#?}");
    }
    let installs = lines.iter().filter(|line| *line == "install api").count();
    assert_eq!(installs, 1, "{when}: {lines:#?}");
}

/// Every `shares`-th of the sampled points, from `share` on; returns how many there were.
fn killed_at_every_call(share: usize, shares: usize) -> usize {
    let traces = traces();
    let deploys = sample(&kills(&traces.deploy), 12);
    let restores = sample(&kills(&traces.restore), 8);
    let destroys = sample(&kills(&traces.destroy), 6);
    let cleans = sample(&kills(&traces.clean), 6);
    assert!(traces.deploy.len() > 12, "{:#?}", traces.deploy);
    let rounds = [&deploys, &restores, &destroys, &cleans]
        .iter()
        .map(|points| points.len())
        .max()
        .unwrap_or(0);
    let (mut tried, mut hit) = (0, 0);
    for round in (share..rounds).step_by(shares) {
        let stage = Stage::new(FILE);
        let name = stage.project.name.clone();
        let mut kill = |arguments: &[&str], point: &Point| {
            tried += 1;
            hit += usize::from(kill_and_mend(&stage, arguments, point));
        };
        match deploys.get(round) {
            Some(point) => {
                kill(DEPLOY, point);
                stage.holds_exactly(&up(&name), &point.to_string());
                stage.project.is_settled();
                hooks_ran_once(&stage, &point.to_string());
            }
            None => drop(stage.project.deploy()),
        }
        if let Some(point) = restores.get(round) {
            vandalise(&name);
            kill(RESTORE, point);
            stage.holds_exactly(&up(&name), &point.to_string());
            stage.project.is_settled();
        }
        if let Some(point) = destroys.get(round) {
            kill(DESTROY, point);
            stage.holds_exactly(&volumes(&name), &point.to_string());
        }
        if let Some(point) = cleans.get(round) {
            if destroys.get(round).is_some() {
                stage.project.deploy();
            }
            kill(CLEAN, point);
            stage.holds_exactly(&[], &point.to_string());
        }
    }
    // Runs differ by a look or two, so that the last of a kind may not come.
    assert!(hit * 5 >= tried * 4, "only {hit} of {tried} kills struck");
    tried
}

#[test]
fn f01_killed_at_calls_of_docker_runs_first_half() {
    let cases = killed_at_every_call(0, 2);
    tried("f01_killed_at_calls_of_docker_runs_first_half", cases);
}

#[test]
fn f01_killed_at_calls_of_docker_runs_second_half() {
    let cases = killed_at_every_call(1, 2);
    tried("f01_killed_at_calls_of_docker_runs_second_half", cases);
}

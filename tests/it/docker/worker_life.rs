//! A worker's life beside operators and other workers: who leads, what it asks, how it ends.

use rustix::process::Signal;

use super::crash_stage::comes_true;
use super::project::Project;
use super::worker_kit::{PATIENCE, Worker};
use crate::ran::Ran;

const FILE: &str = "
name: NAME
infra: { provider: docker }
drift: { interval: 1h, restore: WHAT }
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
";

fn deployed(restore: &str) -> (Project, String) {
    let project = Project::new(&FILE.replace("WHAT", restore));
    project.deploy();
    let container = project.container("app", 0);
    (project, container)
}

fn runs(project: &Project, container: &str) -> bool {
    project.inspect(container, "{{.State.Running}}") == "true"
}

#[test]
fn docker_worker_asks_and_an_edit_of_the_file_lets_it_act() {
    let (project, container) = deployed("ask");
    let worker = Worker::leading(&project, "worker");
    project.docker(&["stop", "-t", "1", &container]);
    let told = worker.becomes(&project, |told| told["pending"][0] == "service.app");
    assert_eq!(told["restored"], 0);
    project
        .nkapp(&["status"])
        .exits(0)
        .says("a restore of service.app waits for you");
    assert!(!runs(&project, &container));

    // A torn file changes nothing, and is said.
    project.write("name: [");
    worker.says(&["\"topic\":\"config\"", "the last good file holds"]);
    assert!(!runs(&project, &container));
    project.write(&FILE.replace("WHAT", "auto"));
    worker.says(&["\"topic\":\"restore\"", "restored service.app"]);
    assert!(runs(&project, &container));
    let told = worker.becomes(&project, |told| told["drifted"] == serde_json::json!([]));
    assert_eq!(told["config_fault"], serde_json::Value::Null);
}

#[test]
fn docker_worker_is_told_of_also_while_the_engine_is_silent() {
    let (project, _) = deployed("ask");
    let worker = Worker::leading(&project, "worker");
    let mut status = project.command(&["status"]);
    let nowhere = project.folder().join("nowhere.sock");
    status.env("DOCKER_HOST", format!("unix://{}", nowhere.display()));
    Ran::of("nkapp status", &status.output().expect("nkapp runs"))
        .exits(1)
        .says("nowhere.sock")
        .says(&format!("worker {}", worker.pid()));
    status.arg("--json");
    let told = Ran::of("nkapp status --json", &status.output().expect("nkapp runs")).exits(1);
    let told = told.json();
    assert_eq!(told["workers"][0]["pid"], worker.pid(), "{told}");
    assert_eq!(told["error"]["exit_code"], 1, "{told}");
}

#[test]
fn docker_worker_of_two_one_leads_and_the_other_takes_over_from_the_killed() {
    let (project, container) = deployed("auto");
    let mut first = Worker::leading(&project, "first");
    let second = Worker::start(&project, "second");
    second.becomes(&project, |told| told["role"] == "standby");
    project.docker(&["kill", &container]);
    first.says(&["restored service.app"]);
    assert!(runs(&project, &container));

    first.signal(Signal::KILL);
    assert_eq!(first.ends(), None);
    second.becomes(&project, |told| told["role"] == "leader");
    project.docker(&["kill", &container]);
    second.says(&["restored service.app"]);
    assert!(runs(&project, &container));
    let restores = project.nkapp(&["run", "list", "--json"]).stdout;
    assert_eq!(restores.matches("\"restore\"").count(), 2, "{restores}");
}

#[test]
fn docker_worker_only_watches_while_an_operator_holds_the_lock() {
    let (project, container) = deployed("auto");
    let worker = Worker::leading(&project, "worker");
    // An operator whose hook takes its time.
    let busy = FILE.replace("WHAT", "auto").replace(
        "    stop_grace_period: 1s\n",
        "    stop_grace_period: 1s\n  slow:\n    image: nk-test/busybox:1\n    start: [sleep, '100000']\n    stop_grace_period: 1s\n    hooks: { prestart: { host: 'touch begun; while [ ! -e go ]; do sleep 0.1; done' } }\n",
    );
    project.write(&busy);
    let mut operator = project
        .command(&["deploy", "-y"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("nkapp starts");
    assert!(comes_true(PATIENCE, || project
        .folder()
        .join("begun")
        .exists()));
    worker.becomes(&project, |told| told["lock_held_by"].is_string());
    project.docker(&["kill", &container]);
    worker.becomes(&project, |told| {
        told["waiting"][0]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("lock"))
    });
    assert!(!runs(&project, &container));
    assert_eq!(worker.told(&project).expect("it lives")["restored"], 0);
    project.put("go", "");
    assert!(operator.wait().expect("it ends").success());
    let mended = || runs(&project, &container);
    assert!(comes_true(PATIENCE, mended), "{}", worker.log());
    worker.becomes(&project, |told| told["drifted"] == serde_json::json!([]));
    project.is_settled();
}

#[test]
fn docker_worker_told_to_end_finishes_its_step_and_leaves_nothing() {
    let project = Project::new(&FILE.replace("WHAT", "auto").replace(
        "    stop_grace_period: 1s\n",
        "    stop_grace_period: 1s\n    hooks: { prestart: { host: 'if [ -e slow ]; then touch begun; while [ ! -e go ]; do sleep 0.1; done; fi' } }\n",
    ));
    project.deploy();
    let container = project.container("app", 0);
    let mut worker = Worker::leading(&project, "worker");
    project.put("slow", "");
    project.docker(&["rm", "-f", &container]);
    assert!(comes_true(PATIENCE, || project
        .folder()
        .join("begun")
        .exists()));
    worker.signal(Signal::TERM);
    worker.becomes(&project, |told| told["phase"] == "draining");
    project.put("go", "");
    assert_eq!(worker.ends(), Some(0), "{}", worker.log());
    project
        .nkapp(&["infra", "lock", "--json"])
        .exits(0)
        .says("\"free\"");
    let left: Vec<_> = std::fs::read_dir(project.folder().join(".nanokit/worker"))
        .expect("there")
        .collect();
    assert!(left.is_empty(), "{left:?}");
    // Every line of its log is an object with a time, a level and a kind.
    for line in worker.lines() {
        for key in ["at", "level", "kind"] {
            assert!(line[key].is_string(), "{key}: {line}");
        }
    }
    // The next one leads at once, and brings the rest about.
    std::fs::remove_file(project.folder().join("slow")).expect("removed");
    let next = Worker::leading(&project, "next");
    let calm = || project.nkapp(&["drift"]).code == 0;
    assert!(comes_true(PATIENCE, calm), "{}", next.log());
}

#[test]
fn docker_worker_stays_with_its_project_when_the_file_becomes_one_of_another() {
    let (project, container) = deployed("auto");
    let worker = Worker::leading(&project, "worker");
    let scope = worker.told(&project).expect("it lives")["scope"].clone();
    let other = FILE
        .replace("WHAT", "auto")
        .replace("name: NAME", "name: NAME-two");
    project.write(&other);
    worker.says(&[
        "\"topic\":\"config\"",
        "-two/local` now",
        "the last good file holds",
    ]);
    project.docker(&["kill", &container]);
    worker.says(&["restored service.app"]);
    assert!(runs(&project, &container));
    project.write(&FILE.replace("WHAT", "auto"));
    worker.says(&["the file is good again"]);
    let told = worker.becomes(&project, |told| told["config_fault"].is_null());
    assert_eq!(told["scope"], scope);
}

#[test]
fn docker_worker_tells_what_its_restore_leaves_alone_while_that_goes_on() {
    let hooked = "    hooks: { prestart: { host: 'if [ -e slow ]; then touch begun; while [ ! -e go ]; do sleep 0.1; done; fi' } }\n";
    let other = "  other:\n    image: nk-test/busybox:1\n    start: [sleep, '100000']\n    stop_grace_period: 1s\n";
    let project = Project::new(&format!(
        "{}{hooked}{other}",
        FILE.replace("WHAT", "auto").trim_end_matches(' ')
    ));
    project.deploy();
    let (app, other) = (project.container("app", 0), project.container("other", 0));
    let worker = Worker::leading(&project, "worker");
    project.put("slow", "");
    project.docker(&["rm", "-f", &app]);
    assert!(comes_true(PATIENCE, || project
        .folder()
        .join("begun")
        .exists()));
    project.docker(&["kill", &other]);
    worker.says(&["\"drift_found\"", "service.other"]);
    let told = worker.becomes(&project, |told| {
        told["waiting"][0]["address"] == "service.other"
    });
    assert_eq!(told["restoring"][0], "service.app", "{told}");
    assert!(!runs(&project, &other));
    project.put("go", "");
    worker.says(&["restored service.app"]);
    worker.says(&["restored service.other"]);
    let calm = || project.nkapp(&["drift"]).code == 0;
    assert!(comes_true(PATIENCE, calm), "{}", worker.log());
}

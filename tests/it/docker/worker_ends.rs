//! How a worker is told to load its file again and to end, and what it leaves in every case: nothing.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::crash_stage::comes_true;
use super::project::Project;
use super::worker_kit::{PATIENCE, Worker};
use crate::fault_proxy::{FaultProxy, engine_socket};

const FILE: &str = "
name: NAME
infra: { provider: docker }
drift: { interval: 1h, restore: auto }
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
";
/// A hook that never ends once it is told to be slow.
const HANGS: &str = "    hooks: { prestart: { host: 'if [ -e slow ]; then echo $$$$ > begun; exec sleep 100000; fi' } }\n";

fn deployed(text: &str) -> Project {
    let project = Project::new(text);
    project.deploy();
    project
}

/// It ended well, and lock, lead, socket and liveness file are given back.
#[track_caller]
fn ended_and_left_nothing(mut worker: Worker, project: &Project) {
    assert_eq!(worker.ends(), Some(0), "{}", worker.log());
    worker.says(&["\"topic\":\"life\"", "ended"]);
    project
        .nkapp(&["infra", "lock", "--json"])
        .exits(0)
        .says("\"free\"");
    let left: Vec<_> = std::fs::read_dir(project.folder().join(".nanokit/worker"))
        .expect("there")
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let lead = project.read(".nanokit/lock/worker.state.json");
    if !lead.is_empty() {
        let lead: Value = serde_json::from_str(&lead).expect("a record");
        assert_eq!(lead["status"], "free", "{lead:#}");
    }
}

#[test]
fn docker_worker_loads_its_file_again_at_hup_though_nobody_saw_it_change() {
    let project = deployed(FILE);
    // The file has a second name far away: what is written through that, the watch of this folder does not see.
    let elsewhere = tempfile::tempdir().expect("temp folder");
    let other = elsewhere.path().join("other.yml");
    std::fs::hard_link(project.folder().join("nanokit.yml"), &other).expect("linked");
    let worker = Worker::leading(&project, "worker");
    let text = project.read("nanokit.yml");
    std::fs::write(&other, text.replace("restore: auto", "restore: never")).expect("written");
    worker.signal(Signal::HUP);
    worker.becomes(&project, |told| told["restore"] == "never");
    worker.says(&["\"topic\":\"config\"", "from now on: restore never"]);
    assert!(!worker.log().contains("config_changed"), "{}", worker.log());
    worker.signal(Signal::TERM);
    ended_and_left_nothing(worker, &project);
}

#[test]
fn docker_worker_ends_at_an_interrupt() {
    let project = deployed(FILE);
    let worker = Worker::leading(&project, "worker");
    worker.signal(Signal::INT);
    ended_and_left_nothing(worker, &project);
}

#[test]
fn docker_worker_told_twice_to_end_cancels_its_step() {
    let project = deployed(&format!("{FILE}{HANGS}"));
    let container = project.container("app", 0);
    let worker = Worker::leading(&project, "worker");
    project.put("slow", "");
    project.docker(&["rm", "-f", &container]);
    let begun = || !project.read("begun").trim().is_empty();
    assert!(comes_true(PATIENCE, begun), "{}", worker.log());
    worker.signal(Signal::TERM);
    worker.becomes(&project, |told| told["phase"] == "draining");
    let hook = PathBuf::from("/proc").join(project.read("begun").trim());
    assert!(hook.exists(), "the first one lets it finish");
    worker.signal(Signal::TERM);
    ended_and_left_nothing(worker, &project);
    assert!(comes_true(PATIENCE, || !hook.exists()), "its hook goes on");
}

#[test]
fn docker_worker_of_an_engine_that_is_not_there_ends_when_it_is_told() {
    let project = deployed(FILE);
    let mut nowhere = project;
    nowhere.through(&PathBuf::from("/nonexistent/docker.sock"));
    let worker = Worker::start(&nowhere, "worker");
    worker.says(&["\"topic\":\"platform\"", "it does not answer"]);
    worker.signal(Signal::TERM);
    ended_and_left_nothing(worker, &nowhere);
}

#[test]
fn docker_worker_whose_engine_dies_ends_when_it_is_told() {
    let mut project = deployed(FILE);
    let folder = tempfile::tempdir().expect("temp folder");
    let proxy = FaultProxy::start(&folder.path().join("s"), &engine_socket()).expect("a proxy");
    project.through(proxy.path());
    let worker = Worker::leading(&project, "worker");
    proxy.break_off();
    drop(proxy);
    worker.says(&["\"topic\":\"platform\"", "it does not answer"]);
    worker.signal(Signal::TERM);
    ended_and_left_nothing(worker, &project);
}

#[test]
fn docker_worker_tells_systemd_that_it_is_ready_alive_and_about_to_end() {
    let project = deployed(FILE);
    let address = project.folder().join("notify");
    let systemd = UnixDatagram::bind(&address).expect("bound");
    systemd.set_read_timeout(Some(PATIENCE)).expect("set");
    let told = || {
        let mut bytes = [0; 64];
        let length = systemd.recv(&mut bytes).expect("in time");
        String::from_utf8(bytes[..length].to_vec()).expect("text")
    };
    let worker = Worker::with(&project, "worker", &[("NOTIFY_SOCKET", &address)]);
    assert_eq!(told(), "READY=1\nWATCHDOG=1");
    let began = std::time::Instant::now();
    assert_eq!(told(), "WATCHDOG=1");
    assert!(began.elapsed() < Duration::from_secs(20), "one each 5 s");
    worker.signal(Signal::TERM);
    while told() != "STOPPING=1" {}
    ended_and_left_nothing(worker, &project);
}

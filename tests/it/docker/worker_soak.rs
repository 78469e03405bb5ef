//! A worker left alone with an engine that keeps going away and coming back: `tests/soak.sh MINUTES`.
//!
//! All the while things are changed by hand, also in the moment the engine is back and the worker perhaps is not yet.
//! Every change has to be mended, and the worker must not grow.

use std::io::Write as _;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::crash_stage::comes_true;
use super::engine_private::PrivateEngine;
use super::project::Project;
use super::worker_kit::Worker;

const FILE: &str = "
name: NAME
infra: { provider: docker }
drift: { interval: 60s, restore: auto }
services:
  one: { image: nk-test/busybox:1, start: [sleep, '100000'], stop_grace_period: 1s, memory: 64mb }
  two: { image: nk-test/busybox:1, start: [sleep, '100000'], stop_grace_period: 1s, depends_on: [one] }
  three: { image: nk-test/busybox:1, start: [sleep, '100000'], stop_grace_period: 1s, volumes: ['data:/data'] }
volumes: { data: {} }
";

/// Longest time a change may last, with the worker's own pauses and a slow machine.
const BOUND: Duration = Duration::from_secs(150);
/// Most memory the worker may have gained after its first round, in KiB.
const GROWTH: u64 = 8 * 1024;
/// Most file descriptors it may have gained: those of calls that are under way.
const DESCRIPTORS: usize = 8;

/// File descriptors, resident memory in KiB and threads of a process.
fn weigh(pid: u32) -> (usize, u64, u64) {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let number = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let word = line.and_then(|line| line.split_whitespace().next());
        word.and_then(|word| word.parse().ok()).unwrap_or(0)
    };
    (descriptors, number("VmRSS:"), number("Threads:"))
}

fn tell(text: &str) {
    writeln!(std::io::stderr(), "{text}").expect("somebody listens");
}

fn change(engine: &PrivateEngine, project: &Project, round: usize) -> String {
    let service = ["one", "two", "three"][round % 3];
    let container = project.container(service, 0);
    let kinds: [&[&str]; 4] = [
        &["rm", "-f", &container],
        &["kill", &container],
        &["pause", &container],
        &["stop", "-t", "1", &container],
    ];
    let arguments = kinds[round / 3 % kinds.len()];
    engine.docker(arguments);
    format!("{} {service}", arguments[0])
}

#[test]
#[ignore = "takes as long as it is told to: tests/soak.sh MINUTES"]
fn docker_worker_soak() {
    let minutes: u64 = std::env::var("NANOKIT_SOAK")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10);
    let mut engine = PrivateEngine::start(false);
    let mut project = Project::new(FILE);
    project.through(&engine.socket());
    project.deploy();
    let worker = Worker::leading(&project, "worker");
    let began = Instant::now();
    let (mut rounds, mut restarts, mut slowest) = (0, 0, Duration::ZERO);
    let mut first = None;
    let mut last = (0, 0, 0);
    while began.elapsed() < Duration::from_secs(minutes * 60) {
        let mut what = String::new();
        if rounds % 4 == 3 {
            let signal = [Signal::TERM, Signal::KILL][restarts % 2];
            engine.down(signal);
            std::thread::park_timeout(Duration::from_secs(3));
            engine.up();
            restarts += 1;
            what = "engine restarted, ".to_owned();
        }
        what += &change(&engine, &project, rounds);
        let changed = Instant::now();
        let calm = || {
            let plan = project.nkapp(&["plan", "--detailed-exitcode", "--json"]);
            plan.code == 0
        };
        // Not only no drift: nothing at all is left to do.
        assert!(
            comes_true(BOUND, calm),
            "not mended: {what}\n{}",
            worker.log()
        );
        let took = changed.elapsed();
        slowest = slowest.max(took);
        last = weigh(worker.pid());
        first = first.or((rounds >= 8).then_some(last));
        tell(&format!(
            "{:>4} s  round {rounds}: {what}, mended after {:.1} s; {} descriptors, {} KiB, {} threads",
            began.elapsed().as_secs(),
            took.as_secs_f64(),
            last.0,
            last.1,
            last.2
        ));
        rounds += 1;
    }
    let first = first.unwrap_or(last);
    tell(&format!(
        "{minutes} min: {rounds} changes, {restarts} restarts of the engine, slowest {:.1} s; descriptors {} to {}, memory {} to {} KiB, threads {} to {}",
        slowest.as_secs_f64(),
        first.0,
        last.0,
        first.1,
        last.1,
        first.2,
        last.2
    ));
    assert!(last.0 <= first.0 + DESCRIPTORS, "descriptors leak");
    assert!(last.1 <= first.1 + GROWTH, "memory leaks");
    assert_eq!(last.2, first.2, "threads leak");
    let told = worker.told(&project).expect("it lives");
    assert_eq!(told["role"], "leader", "{told:#}");
    drop(worker);
    project.nkapp(&["clean", "-y", "--force"]).exits(0);
}

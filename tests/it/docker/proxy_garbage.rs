//! Answers that are errors, nonsense or far too long: told as what they are, with the call and the resource, in
//! bounded memory, and never with a panic.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::fault_cases::tried;
use crate::fault_proxy::{Fault, Rule};
use crate::ran::Ran;

use super::crash_stage::{ONE_SERVICE, Stage, sample};

/// What an answer is, by its name in messages.
fn answers() -> Vec<(&'static str, Fault)> {
    let html = b"<html><body><h1>502 Bad Gateway</h1>\x1b[31mnginx</body></html>";
    let json = "application/json";
    vec![
        ("500", Fault::error("500 Internal Server Error", "the disk is on fire")),
        ("409", Fault::error("409 Conflict", "something is in the way")),
        ("404", Fault::error("404 Not Found", "there is no such thing")),
        ("304", Fault::Reply(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_vec())),
        ("garbage", Fault::Reply(vec![0xfe; 4096])),
        ("wrong JSON", Fault::answer("200 OK", json, b"{\"Id\": [[[")),
        ("JSON of another kind", Fault::answer("200 OK", json, b"\"yes\"")),
        ("HTML", Fault::answer("502 Bad Gateway", "text/html", html)),
        ("HTML that says 200", Fault::answer("200 OK", "text/html", html)),
        (
            "a chunk that is cut",
            Fault::Reply(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n[{\"Id\":"
                    .to_vec(),
            ),
        ),
    ]
}

/// A call, and what a message about it has to name.
const CALLS: [(&str, &[&str]); 8] = [
    ("GET /containers/json", &["list containers"]),
    ("GET /networks", &["list networks"]),
    (
        "POST /networks/create",
        &["network.default", "create network"],
    ),
    ("POST /volumes/create", &["volume.data", "create volume"]),
    (
        "POST /containers/create",
        &["service.app", "create container"],
    ),
    (
        "POST /containers/*/start",
        &["service.app", "start container"],
    ),
    ("POST /containers/*/exec", &["service.app", "prestart"]),
    ("POST /exec/*/start", &["service.app", "prestart"]),
];

/// Runs a deploy that may use so much memory (in KiB) and no more: the kernel ends it otherwise.
fn deploy_within(stage: &Stage, kib: u32) -> Ran {
    let nkapp = stage.project.command(&[]);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("ulimit -v {kib}; exec \"$0\" deploy -y")]);
    command.arg(nkapp.get_program());
    for (name, value) in nkapp.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.current_dir(stage.project.folder());
    let output = command.output().expect("the shell runs");
    Ran::of("nkapp deploy -y", &output)
}

fn check(call: &str, names: &[&str], what: &str, fault: &Fault) {
    let stage = Stage::new(ONE_SERVICE);
    let when = format!("{what} at {call}");
    stage.proxy.add(Rule::on(call, fault.clone()));
    let started = Instant::now();
    let ran = deploy_within(&stage, 2_000_000);
    assert!(started.elapsed() < Duration::from_secs(60), "{when}");
    assert!(stage.proxy.relent() > 0, "{when} did not come");
    assert!(!ran.stderr.contains("panicked"), "{when}: {}", ran.stderr);
    assert!(!ran.stderr.contains('\u{1b}'), "{when}: {:?}", ran.stderr);
    // Started already and stopped already are what 304 means; everything else is a failure.
    if !(what == "304" && call.ends_with("/start") && ran.code == 0) {
        assert_eq!(ran.code, 1, "{when}: {}{}", ran.stdout, ran.stderr);
        // A start answered with a plain 200 counts as made; that it was not is found at the next step.
        let found_later = call.ends_with("/start") && ran.stderr.contains("was never started");
        for name in names {
            assert!(
                ran.stderr.contains(name) || (found_later && *name == "start container"),
                "{when}: `{name}` in {}",
                ran.stderr
            );
        }
    }
    stage.project.deploy();
    stage.project.is_settled();
    let hooks = stage.hook_lines();
    assert!(hooks.len() <= 2, "{when}: {hooks:#?}");
}

/// Every `shares`-th of the sampled cases, from `share` on; returns how many there were.
fn told_as_what_they_are(share: usize, shares: usize) -> usize {
    let mut all = Vec::new();
    for (call, names) in CALLS {
        for (what, fault) in answers() {
            all.push((call, names, what, fault));
        }
    }
    let chosen = sample(&all, 20);
    let own = chosen.iter().skip(share).step_by(shares);
    own.map(|(call, names, what, fault)| check(call, names, what, fault))
        .count()
}

#[test]
fn f08_wrong_answers_are_told_as_what_they_are_first_half() {
    let cases = told_as_what_they_are(0, 2);
    tried(
        "f08_wrong_answers_are_told_as_what_they_are_first_half",
        cases,
    );
}

#[test]
fn f08_wrong_answers_are_told_as_what_they_are_second_half() {
    let cases = told_as_what_they_are(1, 2);
    tried(
        "f08_wrong_answers_are_told_as_what_they_are_second_half",
        cases,
    );
}

/// Upgrades a command's stream, then announces four gigabytes and sends some of them.
fn lying_stream() -> Fault {
    let mut bytes = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n\
        Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        .to_vec();
    bytes.extend_from_slice(&[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    bytes.resize(bytes.len() + (64 << 20), b'x');
    Fault::Reply(bytes)
}

#[test]
fn f08_a_stream_that_lies_about_its_length_costs_no_memory() {
    let stage = Stage::new(ONE_SERVICE);
    stage
        .proxy
        .add(Rule::on("POST /exec/*/start", lying_stream()));
    let ran = deploy_within(&stage, 700_000);
    assert!(stage.proxy.relent() > 0, "it did not come");
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("service.app"), "{}", ran.stderr);
    stage.project.deploy();
    stage.project.is_settled();
}

#[test]
fn f08_an_inspection_of_a_hundred_megabytes_is_refused_or_read_in_bounds() {
    let stage = Stage::new(ONE_SERVICE);
    stage.project.deploy();
    let mut body = b"{\"Id\":\"x\",\"Name\":\"".to_vec();
    body.resize(100 << 20, b'n');
    body.extend_from_slice(b"\"}");
    let huge = Fault::answer("200 OK", "application/json", &body);
    stage.proxy.add(Rule::on("GET /containers/*/json", huge));
    let ran = deploy_within(&stage, 1_500_000);
    assert!(stage.proxy.relent() > 0, "it did not come");
    assert!(matches!(ran.code, 0 | 1), "{}: {}", ran.code, ran.stderr);
    assert!(
        ran.stderr.len() < 100_000,
        "{} bytes of message",
        ran.stderr.len()
    );
    stage.project.deploy();
    stage.project.is_settled();
}

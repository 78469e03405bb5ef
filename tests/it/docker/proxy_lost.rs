//! Connections that break before a call, after it, or in the middle of its answer: what happened is looked up, made
//! objects are found by name and label, and a command is never run a second time by itself.

use crate::fault_cases::tried;
use crate::fault_proxy::{Fault, Rule};

use super::crash_stage::{ONE_SERVICE, Stage, sample};
use super::project::docker;

const DEPLOY: &[&str] = &["deploy", "-y"];
const CLEAN: &[&str] = &["clean", "-y", "--force"];

#[derive(Clone, Copy)]
struct Case {
    command: &'static [&'static str],
    call: &'static str,
}

const CASES: [Case; 14] = [
    case(DEPLOY, "POST /volumes/create"),
    case(DEPLOY, "POST /networks/create"),
    case(DEPLOY, "POST /containers/create"),
    case(DEPLOY, "POST /containers/*/start"),
    case(DEPLOY, "POST /containers/*/exec"),
    case(DEPLOY, "POST /exec/*/start"),
    case(DEPLOY, "GET /exec/*/json"),
    case(DEPLOY, "GET /events"),
    case(DEPLOY, "GET /containers/json"),
    case(DEPLOY, "GET /networks"),
    case(CLEAN, "POST /containers/*/stop"),
    case(CLEAN, "DELETE /containers/*"),
    case(CLEAN, "DELETE /networks/*"),
    case(CLEAN, "DELETE /volumes/*"),
];

const fn case(command: &'static [&'static str], call: &'static str) -> Case {
    Case { command, call }
}

fn up(name: &str) -> Vec<String> {
    vec![
        format!("container nk-{name}-local-app-0 running"),
        format!("network nk-{name}-local"),
        format!("volume nk-{name}-local-data"),
    ]
}

fn check(case: Case, fault: &Fault) {
    let stage = Stage::new(ONE_SERVICE);
    let name = stage.project.name.clone();
    let up = up(&name);
    let wanted = if case.command == CLEAN { &[][..] } else { &up };
    let when = format!("{fault:?} at {}", case.call);
    if case.command == CLEAN {
        stage.project.deploy();
    }
    let ran = stage.hit(case.command, Rule::on(case.call, fault.clone()).nth(1));
    assert_eq!(stage.proxy.relent(), 1, "{when} did not come");
    assert_eq!(ran.code, 0, "{when}: {}", ran.stderr);
    stage.holds_exactly(wanted, &when);
    let hooks = stage.hook_lines();
    assert!(hooks.len() <= 1, "{when}: run again by itself: {hooks:#?}");
    if case.command == DEPLOY {
        stage.project.is_settled();
    }
}

/// Every `shares`-th of the sampled cases, from `share` on; returns how many there were.
fn lost_replies(share: usize, shares: usize) -> usize {
    let mut all = Vec::new();
    for case in CASES {
        for fault in [
            Fault::CutBefore,
            Fault::CutAfter,
            Fault::CutHead,
            Fault::CutBody(10),
        ] {
            all.push((case, fault));
        }
    }
    let chosen = sample(&all, 28);
    let own = chosen.iter().skip(share).step_by(shares);
    own.map(|(case, fault)| check(*case, fault)).count()
}

#[test]
fn f06_connections_lost_at_docker_calls_first_half() {
    let cases = lost_replies(0, 2);
    tried("f06_connections_lost_at_docker_calls_first_half", cases);
}

#[test]
fn f06_connections_lost_at_docker_calls_second_half() {
    let cases = lost_replies(1, 2);
    tried("f06_connections_lost_at_docker_calls_second_half", cases);
}

#[test]
fn f06_a_command_whose_stream_breaks_is_followed_to_its_end() {
    let file = ONE_SERVICE.replace("echo hook", "sleep 2; echo hook");
    let stage = Stage::new(&file);
    // Head and first frame's beginning get through; the command runs on without anybody listening.
    let ran = stage.hit(
        DEPLOY,
        Rule::on("POST /exec/*/start", Fault::CutAfter).nth(1),
    );
    assert_eq!(stage.proxy.relent(), 1);
    assert_eq!(
        ran.code, 0,
        "its exit code can be asked for: {}",
        ran.stderr
    );
    assert_eq!(stage.hook_lines().len(), 1, "it ran once, to its end");
    stage.project.is_settled();
}

#[test]
fn f06_a_network_made_twice_by_a_lost_reply_would_be_seen() {
    let stage = Stage::new(ONE_SERVICE);
    let lost = Rule::on("POST /networks/create", Fault::CutAfter).nth(1);
    stage.hit(DEPLOY, lost).exits(0);
    let name = format!("^nk-{}-local$", stage.project.name);
    let found = docker(&["network", "ls", "-q", "--filter", &format!("name={name}")]);
    assert_eq!(found.stdout.lines().count(), 1, "{}", found.stdout);
}

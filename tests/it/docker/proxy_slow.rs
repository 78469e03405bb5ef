//! An engine that is slow, or never answers: every wait ends, and Ctrl-C works at once.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::fault_cases::tried;
use crate::fault_proxy::{Fault, Rule};
use crate::ran::Ran;

use super::crash_stage::{HOW_MANY, ONE_SERVICE, Stage};

/// How soon a cancelled run is over, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(6);

fn interrupt(child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a pid"), Signal::INT).expect("it runs");
}

/// Starts a deploy whose first call of a kind never comes back, and interrupts it once that call was made.
fn cancel_at(stage: &Stage, call: &str, fault: Fault) -> (Ran, Duration) {
    stage.proxy.add(Rule::on(call, fault));
    let mut child = stage
        .project
        .command(&["deploy", "-y"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nkapp starts");
    let came = stage.proxy.strikes_within(Duration::from_secs(30));
    assert!(came, "{call} never came");
    let asked = Instant::now();
    interrupt(&child);
    // Two signals at once would be one to the process: the second is sent when the first was heard.
    let mut err = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut stderr = String::new();
    while !stderr.contains("Ctrl-C again cancels it") {
        assert!(
            err.read_line(&mut stderr).expect("readable") > 0,
            "it ended: {stderr}"
        );
    }
    interrupt(&child);
    err.read_to_string(&mut stderr).expect("readable");
    let status = child.wait().expect("it ends");
    let ran = Ran {
        code: status.code().unwrap_or(-1),
        stdout: String::new(),
        stderr,
        what: "nkapp deploy -y".to_owned(),
    };
    (ran, asked.elapsed())
}

#[test]
fn f07_ctrl_c_works_at_once_whatever_call_never_answers() {
    let mut cases = 0;
    for call in [
        "GET /containers/json",
        "POST /networks/create",
        "POST /containers/create",
        "POST /containers/*/start",
        "POST /containers/*/exec",
        "POST /exec/*/start",
        "GET /exec/*/json",
    ] {
        for fault in [Fault::Hang, Fault::HangAfter] {
            let when = format!("{fault:?} at {call}");
            let stage = Stage::new(ONE_SERVICE);
            let (ran, took) = cancel_at(&stage, call, fault);
            assert!(took < AT_ONCE, "{when}: {took:?}\n{}", ran.stderr);
            assert_eq!(ran.code, 130, "{when}: {}", ran.stderr);
            stage.proxy.relent();
            stage
                .project
                .nkapp(&["infra", "lock"])
                .exits(0)
                .says("FREE");
            stage.project.deploy();
            stage.project.is_settled();
            cases += 1;
        }
    }
    let own = "f07_ctrl_c_works_at_once_whatever_call_never_answers";
    tried(own, cases);
}

#[test]
fn f07_a_slow_engine_only_takes_longer() {
    let delay = if std::env::var(HOW_MANY).is_ok() {
        Duration::from_secs(10)
    } else {
        Duration::from_millis(1500)
    };
    let stage = Stage::new(ONE_SERVICE);
    for call in [
        "GET /networks",
        "POST /containers/create",
        "POST /containers/*/start",
        "POST /containers/*/exec",
        "POST /exec/*/start",
    ] {
        stage.proxy.add(Rule::on(call, Fault::Delay(delay)).nth(1));
    }
    let started = Instant::now();
    stage.project.deploy();
    assert!(started.elapsed() >= delay * 4, "the delays did not come");
    assert_eq!(stage.proxy.relent(), 5);
    assert_eq!(stage.hook_lines().len(), 1);
    stage.project.is_settled();
}

#[test]
fn f07_answers_that_come_byte_by_byte_are_read_to_their_end() {
    let stage = Stage::new(ONE_SERVICE);
    let drip = Fault::Drip(Duration::from_millis(2));
    for call in [
        "GET /volumes",
        "POST /containers/create",
        "POST /exec/*/start",
        "GET /exec/*/json",
    ] {
        stage.proxy.add(Rule::on(call, drip.clone()).nth(1));
    }
    stage.project.deploy();
    assert_eq!(stage.proxy.relent(), 4);
    stage.project.is_settled();
}

/// The bounds of the code as it is: 30 s for a look, 60 s for a change. Only the full set waits that long.
#[test]
fn f07_a_call_that_never_answers_ends_at_its_deadline() {
    let stage = Stage::new(ONE_SERVICE);
    let started = Instant::now();
    stage
        .proxy
        .add(Rule::on("GET /volumes", Fault::Hang).nth(1));
    let ran = stage.project.nkapp(&["plan"]);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(75), "{took:?}");
    if ran.code != 0 {
        ran.exits(1).says("list volumes").says("no answer within");
    }
    stage.proxy.relent();
    if std::env::var(HOW_MANY).is_err() {
        return;
    }
    for call in ["POST /containers/create", "POST /containers/*/exec"] {
        let stage = Stage::new(ONE_SERVICE);
        stage.proxy.add(Rule::on(call, Fault::HangAfter).nth(1));
        let started = Instant::now();
        stage.project.nkapp(&["deploy", "-y"]);
        assert!(started.elapsed() < Duration::from_secs(240), "{call}");
        stage.proxy.relent();
        stage.project.deploy();
        stage.project.is_settled();
    }
}

//! The engine itself dies or is restarted in the middle of a deploy: what was under way is unknown until somebody
//! looked, waiting for the engine ends, and one more run brings everything about.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::fault_cases::tried;
use crate::fault_proxy::{Fault, FaultProxy, Rule};
use crate::ran::Ran;

use super::crash_stage::{comes_true, sample};
use super::engine_private::PrivateEngine;
use super::project::Project;

const FILE: &str = "
name: NAME
infra: { provider: docker }
services:
  db:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    volumes: ['data:/data']
  app:
    image: nk-test/busybox:1
    depends_on: [db]
    start: [sleep, '100000']
    stop_grace_period: 1s
    volumes: ['./out:/out']
    hooks: { prestart: { container: 'echo begin >> /out/log; sleep 3; echo end >> /out/log' } }
volumes: { data: {} }
";

/// Longest time a run may take with an engine that went away and came back.
const BOUND: Duration = Duration::from_secs(120);

struct Case {
    live_restore: bool,
    signal: Signal,
    call: &'static str,
}

const CALLS: [&str; 5] = [
    "POST /networks/create",
    "POST /volumes/create",
    "POST /containers/create",
    "POST /containers/*/start",
    "POST /exec/*/start",
];

fn cases(live_restore: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for call in CALLS {
        for signal in [Signal::KILL, Signal::TERM] {
            cases.push(Case {
                live_restore,
                signal,
                call,
            });
        }
    }
    cases
}

fn check(engine: &mut PrivateEngine, case: &Case) {
    let when = format!(
        "{:?} at {}, live-restore {}",
        case.signal, case.call, case.live_restore
    );
    let folder = tempfile::tempdir().expect("temp folder");
    let proxy =
        FaultProxy::start(&folder.path().join("s"), &engine.socket()).expect("the proxy listens");
    let mut project = Project::new(FILE);
    project.through(proxy.path());
    project.put("out/log", "");

    // The engine has the call, and answers nobody: it goes away meanwhile.
    let under_way = case.call == "POST /exec/*/start";
    let fault = if under_way {
        Fault::Delay(Duration::ZERO)
    } else {
        Fault::HangAfter
    };
    proxy.add(Rule::on(case.call, fault).nth(1));
    let child = project
        .command(&["deploy", "-y"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nkapp starts");
    let limit = Duration::from_secs(60);
    let came = if under_way {
        proxy.strikes_within(limit)
    } else {
        proxy.lands_within(limit)
    };
    assert!(came, "{when} did not come");
    if under_way {
        let hook_runs = || project.read("out/log").contains("begin");
        assert!(
            comes_true(Duration::from_secs(20), hook_runs),
            "{when}: no hook"
        );
    }
    engine.down(case.signal);
    proxy.break_off();
    engine.up();
    let started = Instant::now();
    let output = child.wait_with_output().expect("it ends");
    let ran = Ran::of("nkapp deploy -y", &output);
    assert!(started.elapsed() < BOUND, "{when}: {:?}", started.elapsed());
    assert!(
        matches!(ran.code, 0 | 1),
        "{when}: {}: {}",
        ran.code,
        ran.stderr
    );
    if ran.code == 1 {
        assert!(ran.stderr.contains("because "), "{when}: {}", ran.stderr);
    }
    let hooks = project.read("out/log");
    let begun = hooks.lines().filter(|line| *line == "begin").count();
    assert!(begun <= 1, "{when}: run again by itself: {hooks}");

    let again = project.nkapp(&["deploy", "-y"]);
    assert_eq!(again.code, 0, "{when}, then again: {}", again.stderr);
    project.is_settled();
    let name = &project.name;
    let listed = engine.docker(&["ps", "-a", "--format", "{{.Names}} {{.State}}"]);
    let mut listed: Vec<&str> = listed.stdout.lines().collect();
    listed.sort_unstable();
    let wanted = ["app", "db"].map(|one| format!("nk-{name}-local-{one}-0 running"));
    assert_eq!(listed, wanted, "{when}");
    let networks = engine.docker(&["network", "ls", "-q", "--filter", &format!("name={name}")]);
    assert_eq!(networks.stdout.lines().count(), 1, "{when}");
    project.nkapp(&["clean", "-y", "--force"]).exits(0);
    let left = engine.docker(&["ps", "-aq"]).stdout;
    assert_eq!(left, "", "{when}");
}

/// The engine goes away while it is asked for an image that nobody has. There is no registry: that the pull comes to
/// an end, is told, and stands in nobody's way is what can be shown.
fn check_pull(engine: &mut PrivateEngine) {
    const ABSENT: &str = "127.0.0.1:9/nk-absent:1";
    let folder = tempfile::tempdir().expect("temp folder");
    let proxy =
        FaultProxy::start(&folder.path().join("s"), &engine.socket()).expect("the proxy listens");
    let mut project = Project::new(&FILE.replacen("nk-test/busybox:1", ABSENT, 1));
    project.through(proxy.path());
    project.put("out/log", "");
    proxy.add(Rule::on("POST /images/create", Fault::HangAfter).nth(1));
    let child = project
        .command(&["deploy", "-y"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nkapp starts");
    assert!(
        proxy.lands_within(Duration::from_secs(60)),
        "no image was asked for"
    );
    engine.down(Signal::KILL);
    proxy.break_off();
    engine.up();
    let started = Instant::now();
    let output = child.wait_with_output().expect("it ends");
    let ran = Ran::of("nkapp deploy -y", &output);
    assert!(started.elapsed() < BOUND, "{:?}", started.elapsed());
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains(ABSENT), "{}", ran.stderr);
    engine
        .docker(&["tag", "nk-test/busybox:1", ABSENT])
        .exits(0);
    project.nkapp(&["deploy", "-y"]).exits(0);
    project.is_settled();
    project.nkapp(&["clean", "-y", "--force"]).exits(0);
    assert_eq!(engine.docker(&["ps", "-aq"]).stdout, "");
}

/// Returns in how many cases the engine went away.
fn restarted(live_restore: bool, default: usize) -> usize {
    let all: Vec<usize> = (0..CALLS.len() * 2).collect();
    let cases = cases(live_restore);
    let mut engine = PrivateEngine::start(live_restore);
    let chosen = sample(&all, default);
    for at in &chosen {
        check(&mut engine, &cases[*at]);
    }
    check_pull(&mut engine);
    chosen.len() + 1
}

#[test]
fn f05_engine_restarted_mid_deploy() {
    let cases = restarted(false, 5);
    tried("f05_engine_restarted_mid_deploy", cases);
}

#[test]
fn f05_engine_restarted_mid_deploy_with_live_restore() {
    let cases = restarted(true, 4);
    tried("f05_engine_restarted_mid_deploy_with_live_restore", cases);
}

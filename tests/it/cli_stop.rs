//! Stopping and colliding: signals, locks, and who may clear them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command};

use crate::cli_env::TestEnv;
use crate::ran::Ran;

/// A deploy that hangs in a hook until the file `go` appears.
const SLOW: &str = "\
name: slow
infra: { provider: process }
services:
  first:
    start: [sleep, '600']
    hooks: { prestart: { host: 'echo hook is waiting; while ! test -e go; do sleep 0.05; done' } }
  second:
    start: [sleep, '600']
    depends_on: [first]
";

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-s", name, &pid]).status();
    assert!(sent.expect("kill runs").success());
}

/// Starts a deploy and returns once its hook waits.
fn waiting(env: &TestEnv) -> Child {
    let mut child = env.start(&["deploy", "-y", "--json"]);
    let out = child.stdout.take().expect("a pipe");
    let mut lines = BufReader::new(out);
    let mut line = String::new();
    loop {
        line.clear();
        let read = lines.read_line(&mut line).expect("readable");
        assert!(read > 0, "the deploy ended before its hook");
        if line.contains("hook is waiting") {
            break;
        }
    }
    // What it says from now on is read by nobody, which must not stop it.
    child
}

fn end(child: Child) -> Ran {
    let output = child.wait_with_output().expect("it ends");
    Ran::of("nkapp deploy", &output)
}

#[test]
fn one_interrupt_finishes_what_is_under_way_and_starts_nothing() {
    let env = TestEnv::with(SLOW);
    let child = waiting(&env);
    signal(&child, "INT");
    env.put("go", "");
    end(child).exits(130);
    env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
    let status = env.nkapp(&["status", "--json"]).exits(0).json();
    let second = status["resources"]
        .as_array()
        .and_then(|all| {
            all.iter()
                .find(|r| r["address"] == "service.second")
                .cloned()
        })
        .expect("it is wanted");
    assert_eq!(second["instances"].as_array().map(Vec::len), Some(0));
    env.nkapp(&["deploy", "-y"]).exits(0);
}

#[test]
fn two_interrupts_cancel_what_is_under_way_and_unlock() {
    let env = TestEnv::with(SLOW);
    let child = waiting(&env);
    signal(&child, "INT");
    signal(&child, "INT");
    signal(&child, "TERM");
    end(child).exits(130);
    env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
    env.put("go", "");
    env.nkapp(&["deploy", "-y"]).exits(0);
}

#[test]
fn a_lock_that_is_held_is_told_refused_and_not_cleared() {
    let env = TestEnv::with(SLOW);
    let child = waiting(&env);
    let report = env.nkapp(&["infra", "lock", "--json"]).exits(0).json();
    assert_eq!(report["verdict"], "alive", "{report:#}");
    env.nkapp(&["deploy", "-y"])
        .exits(4)
        .says("lock is held")
        .says("nkapp infra lock");
    let events = env.nkapp(&["deploy", "-y", "--json"]).exits(4).events();
    assert_eq!(
        events.last().map(|e| e["exit_code"].clone()),
        Some(4.into())
    );
    let refused = env
        .nkapp(&["infra", "unlock", "-y", "--json"])
        .exits(5)
        .json();
    assert_eq!(refused["outcome"], "refused");
    // Reading goes on meanwhile.
    env.nkapp(&["plan"]).exits(0);
    env.put("go", "");
    end(child).exits(0);
}

#[test]
fn a_holder_that_was_killed_is_proven_dead_and_cleared() {
    let env = TestEnv::with(SLOW);
    let child = waiting(&env);
    signal(&child, "KILL");
    end(child);
    let report = env.nkapp(&["infra", "lock", "--json"]).exits(0).json();
    assert_eq!(report["verdict"], "dead", "{report:#}");
    env.nkapp(&["infra", "unlock"]).exits(5).says("-y");
    env.nkapp(&["infra", "unlock", "not-this-one", "-y"])
        .exits(4);
    env.nkapp(&["infra", "unlock", "-y"])
        .exits(0)
        .says("Cleared");
    env.nkapp(&["infra", "unlock", "-y"]).exits(0).says("free");
    env.put("go", "");
    env.nkapp(&["deploy", "-y"]).exits(0);
}

#[test]
fn force_needs_reason_and_lock_id_and_works_on_any_verdict() {
    let env = TestEnv::with(SLOW);
    let child = waiting(&env);
    let report = env.nkapp(&["infra", "lock", "--json"]).json();
    let id = report["lock"]["lock_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    env.nkapp(&["infra", "unlock", "--force"]).exits(1);
    env.nkapp(&["infra", "unlock", "--force", "--reason", "test"])
        .exits(5)
        .says(&id);
    env.nkapp(&[
        "infra",
        "unlock",
        &id,
        "--force",
        "--reason",
        "the test says so",
    ])
    .exits(0)
    .says("Cleared");
    // The holder notices and stops; it must not go on.
    env.put("go", "");
    let ran = end(child);
    assert_ne!(ran.code, 0, "{}", ran.stderr);
}

//! What is left of a hook when nkapp itself is killed: nothing, at once or by the next run.

use std::process::Child;
use std::time::{Duration, Instant};

use crate::cli_env::TestEnv;

/// Longest time anything here may take.
const LONG: Duration = Duration::from_secs(60);

/// Pids of the processes whose argument list has the word.
fn with_argument(word: &str) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("/proc");
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0)
                .any(|argument| argument == word.as_bytes())
        })
        .collect()
}

fn wait_until(what: &str, so: impl Fn() -> bool) {
    let until = Instant::now() + LONG;
    while !so() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Deploys a service whose hook never ends, and returns when the hook and what it daemonised are up.
fn hanging(mark: &str) -> (TestEnv, Child) {
    let zoo = format!("{}/tests/fixtures/zoo.sh", env!("CARGO_MANIFEST_DIR"));
    let env = TestEnv::with(&format!(
        "\
name: small
infra: {{ provider: process }}
services:
  app:
    start: [sleep, '600']
    hooks: {{ prestart: {{ host: [{zoo}, escape, '{mark}', stay] }} }}
"
    ));
    let child = env.start(&["deploy", "-y"]);
    // The hook's own, and two of what it daemonised; the shells that started those have the number as well.
    wait_until("the hook is up", || with_argument(mark).len() >= 3);
    (env, child)
}

fn kill(pid: u32) {
    let status = std::process::Command::new("kill")
        .args(["-KILL", &pid.to_string()])
        .status();
    assert!(status.expect("kill runs").success());
}

/// Keepers of hooks among the children of a process.
fn keepers(of: u32) -> Vec<u32> {
    with_argument("__hook")
        .into_iter()
        .filter(|pid| {
            let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let parent = text
                .rsplit(") ")
                .next()
                .and_then(|rest| rest.split(' ').nth(1));
            parent == Some(of.to_string().as_str())
        })
        .collect()
}

#[test]
fn f02_no_hook_survives_a_kill_of_nkapp() {
    let mark = format!("94{}1", std::process::id());
    let (_env, mut child) = hanging(&mark);
    kill(child.id());
    child.wait().expect("reaped");
    wait_until("everything of the hook is gone", || {
        with_argument(&mark).is_empty()
    });
}

#[test]
fn f02_what_survives_a_kill_of_nkapp_and_keeper_is_ended_by_the_next_run() {
    let mark = format!("94{}2", std::process::id());
    let (env, mut child) = hanging(&mark);
    let keepers = keepers(child.id());
    assert_eq!(keepers.len(), 1, "{keepers:?}");
    // Stopped first, so that neither can do anything about the end of the other.
    let stopped = std::process::Command::new("kill")
        .args(["-STOP", &keepers[0].to_string(), &child.id().to_string()])
        .status();
    assert!(stopped.expect("kill runs").success());
    kill(keepers[0]);
    kill(child.id());
    child.wait().expect("reaped");
    // The hook itself dies with its keeper; what cleared its environment is left.
    wait_until("the hook's own end", || {
        with_argument("stay").iter().all(|pid| {
            !std::fs::read(format!("/proc/{pid}/cmdline"))
                .unwrap_or_default()
                .windows(mark.len())
                .any(|part| part == mark.as_bytes())
        })
    });
    env.put(
        "nanokit.yml",
        "\
name: small
infra: { provider: process }
services:
  app:
    start: [sleep, '600']
",
    );
    env.nkapp(&["deploy", "-y"])
        .exits(0)
        .says("of its hooks running; they were ended");
    assert_eq!(with_argument(&mark), Vec::<u32>::new());
}

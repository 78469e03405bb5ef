//! What is left of a hook when nkapp, what it runs in, or what it was started from is killed: nothing, at once or by the
//! next run.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cli_env::TestEnv;
use crate::lock_holders::force;
use crate::panel_terminal::Panel;

/// The same project without its hook.
const NEXT: &str = "\
name: small
infra: { provider: process, lockLease: 3s }
services:
  app:
    start: [sleep, '600']
";

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
    kill_all(&[pid]);
}

/// Kills all of them by one command, so that none can do anything about the end of another.
fn kill_all(pids: &[u32]) {
    let status = Command::new("kill")
        .arg("-KILL")
        .args(pids.iter().map(u32::to_string))
        .status();
    assert!(status.expect("kill runs").success());
}

/// The numbers in the second part of `/proc/PID/stat`: parent, group, session and so on.
fn ties(pid: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = text.rsplit(") ").next().unwrap_or_default();
    let numbers = rest.split(' ').skip(1).take(3);
    numbers.filter_map(|number| number.parse().ok()).collect()
}

fn processes() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// A service whose hook has so many seconds and wants more; `mark` marks what the hook starts.
fn bounded(mark: &str, seconds: u32) -> TestEnv {
    let zoo = format!("{}/tests/fixtures/zoo.sh", env!("CARGO_MANIFEST_DIR"));
    TestEnv::with(&format!(
        "\
name: small
infra: {{ provider: process, lockLease: 3s }}
services:
  app:
    start: [sleep, '600']
    hooks: {{ prestart: {{ host: {{ run: [{zoo}, escape, '{mark}', stay], timeout: {seconds}s }} }} }}
"
    ))
}

fn is_up(mark: &str) {
    wait_until("the hook is up", || with_argument(mark).len() >= 3);
}

/// Starts a deploy below something else: a shell, a session, a namespace.
fn below(env: &TestEnv, program: &str, arguments: &[&str]) -> Child {
    let nkapp = env.command(&[]);
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(env.folder())
        .env_clear()
        .envs(nkapp.get_envs().filter_map(|(k, v)| Some((k, v?))))
        .env("NKAPP", env!("CARGO_BIN_EXE_nkapp"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    command.spawn().expect("started")
}

/// The one process of ours that deploys in this folder.
fn deploying(env: &TestEnv) -> u32 {
    let folder = env.folder().canonicalize().expect("a folder");
    let ours = processes().into_iter().find(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let is_there = std::fs::read_link(format!("/proc/{pid}/cwd"));
        line.ends_with(b"nkapp\0deploy\0-y\0") && is_there.is_ok_and(|cwd| cwd == folder)
    });
    ours.expect("it deploys")
}

/// Keepers of hooks among the children of a process.
fn keepers(of: u32) -> Vec<u32> {
    with_argument("__hook")
        .into_iter()
        .filter(|pid| ties(*pid).first() == Some(&of))
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

#[test]
fn f02_a_run_whose_shell_is_killed_goes_on_to_its_end_and_leaves_nothing() {
    let mark = format!("94{}3", std::process::id());
    let env = bounded(&mark, 3);
    let mut shell = below(&env, "sh", &["-c", "\"$NKAPP\" deploy -y; exit 9"]);
    is_up(&mark);
    let nkapp = deploying(&env);
    kill(shell.id());
    shell.wait().expect("reaped");
    assert_eq!(deploying(&env), nkapp, "nobody killed the run");
    wait_until("it ends", || ties(nkapp).is_empty());
    assert_eq!(with_argument(&mark), Vec::<u32>::new());
    env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
}

#[test]
fn f02_of_a_killed_session_nothing_is_left_after_the_next_run() {
    let mark = format!("94{}4", std::process::id());
    let env = bounded(&mark, 600);
    let script = "\"$NKAPP\" deploy -y; exit 9";
    let mut leader = below(&env, "setsid", &["--fork", "--wait", "sh", "-c", script]);
    is_up(&mark);
    let nkapp = deploying(&env);
    let session = ties(nkapp)[2];
    let mut all: Vec<u32> = processes();
    all.retain(|pid| ties(*pid).get(2) == Some(&session));
    assert!(all.len() >= 2, "the shell and nkapp: {all:?}");
    kill_all(&all);
    leader.wait().expect("reaped");
    env.nkapp(&["infra", "lock"]).exits(0).says("DEAD");
    env.put("nanokit.yml", NEXT);
    env.nkapp(&["deploy", "-y"]).exits(0);
    assert_eq!(with_argument(&mark), Vec::<u32>::new());
    env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
}

#[test]
fn f02_of_a_session_whose_terminal_was_closed_nothing_is_left() {
    let mark = format!("94{}5", std::process::id());
    let env = bounded(&mark, 5);
    let mut terminal = Panel::command(env.folder(), (80, 24), &["deploy", "-y"]);
    is_up(&mark);
    terminal.hang_up("\n");
    terminal.gone();
    assert_eq!(with_argument(&mark), Vec::<u32>::new());
    env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
    env.put("nanokit.yml", NEXT);
    env.nkapp(&["deploy", "-y"]).exits(0);
}

#[test]
fn f02_of_a_container_that_was_killed_nothing_is_left_and_its_lock_runs_out() {
    let mark = format!("94{}6", std::process::id());
    let env = bounded(&mark, 600);
    // What a container is to its processes: a pid namespace, whose first process takes all others with it.
    let script = "\"$NKAPP\" deploy -y; exit 9";
    let arguments = ["--pid", "--fork", "--mount-proc", "sh", "-c", script];
    let mut outside = below(&env, "unshare", &arguments);
    is_up(&mark);
    let first = processes()
        .into_iter()
        .find(|pid| ties(*pid).first() == Some(&outside.id()));
    kill(first.expect("this test needs root and pid namespaces"));
    outside.wait().expect("reaped");
    wait_until("the kernel ended all of it", || {
        with_argument(&mark).is_empty()
    });
    // Nobody outside can prove its death; it is judged by its silence.
    let report = env.nkapp(&["infra", "lock", "--json"]).exits(0).json();
    assert_eq!(report["verdict"], "unknown", "{report:#}");
    let report = env
        .nkapp(&["infra", "lock", "--watch", "60", "--json"])
        .exits(0)
        .json();
    assert_eq!(report["verdict"], "expired", "{report:#}");
    force(&env);
    env.put("nanokit.yml", NEXT);
    env.nkapp(&["deploy", "-y"]).exits(0);
}

//! Killed by the kernel at the very system call that makes something durable: before each of them, in turn.
//!
//! `strace` injects the signal; where it may not trace, these tests fail and say so. A run on the simulated
//! platform of a file without services would touch the disk too little, so hooks and a network do the work.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::cli_env::TestEnv;
use crate::fault_cases::tried;

/// System calls after which something is durable, visible or gone.
const CALLS: [&str; 6] = [
    "fsync",
    "fdatasync",
    "renameat2",
    "renameat",
    "unlinkat",
    "openat",
];

/// A job runs to its end, so that no process outlives the run and holds on to the tracer.
const FILE: &str = "\
name: disk
infra: { provider: process }
services:
  first:
    kind: job
    start: [sh, -c, 'echo first']
    hooks: { prestart: { host: 'echo first $NANOKIT_RUN_ID >> log' } }
  second:
    kind: job
    start: [sh, -c, 'echo second']
    depends_on: { first: { condition: completed } }
volumes: { data: {} }
";

/// Longest time one traced command may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs the binary under `strace` with these options, until the binary itself has ended; returns the trace.
fn traced(env: &TestEnv, arguments: &[&str], options: &[&str]) -> String {
    let log = env.folder().join("strace.log");
    let _ = std::fs::remove_file(&log);
    let nkapp = env.command(arguments);
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-y", "-o"])
        .arg(&log)
        .args(options);
    command.arg(nkapp.get_program()).args(nkapp.get_args());
    command.current_dir(env.folder()).env_clear();
    for (name, value) in nkapp.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("`strace` starts (package strace)");
    let text = until_the_first_ends(&mut child, &log);
    assert!(
        text.contains("exit_group(") || text.contains("+++"),
        "`strace` may not trace here (is ptrace forbidden?): {text}"
    );
    text
}

/// The tracer waits for whatever the binary left running, so it is let go once the binary has ended.
fn until_the_first_ends(child: &mut Child, log: &Path) -> String {
    let started = Instant::now();
    loop {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let first = text.split_whitespace().next().unwrap_or("-").to_owned();
        let ended = text.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(&first) && line.contains("+++")
        });
        if child.try_wait().expect("it is ours").is_some() {
            return std::fs::read_to_string(log).unwrap_or_default();
        }
        if ended {
            let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            // Asked to end, it lets go of everything and leaves it running.
            let _ = kill_process(pid.expect("a pid"), Signal::TERM);
            child.wait().expect("it ends");
            return text;
        }
        assert!(started.elapsed() < LIMIT, "it does not end:\n{text}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// How often the thread that makes most of each call makes it: a count of the tracer's is of one thread.
fn counts(trace: &str) -> Vec<(&'static str, usize)> {
    let mut found = Vec::new();
    for call in CALLS {
        let mut by_thread = std::collections::BTreeMap::new();
        for line in trace.lines() {
            let mut words = line.split_whitespace();
            let thread = words.next().unwrap_or_default();
            if words
                .next()
                .is_some_and(|word| word.starts_with(&format!("{call}(")))
            {
                *by_thread.entry(thread.to_owned()).or_insert(0) += 1;
            }
        }
        found.extend(by_thread.into_values().max().map(|count| (call, count)));
    }
    found
}

fn points(trace: &str, default: usize) -> Vec<(&'static str, usize)> {
    let all: Vec<(&'static str, usize)> = counts(trace)
        .into_iter()
        .flat_map(|(call, count)| (1..=count).map(move |nth| (call, nth)))
        .collect();
    assert!(all.len() > 10, "{all:?}");
    // Opening happens most and matters least: everything else comes first in a sample.
    let (opens, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(call, _)| *call == "openat");
    let wanted = match std::env::var("NANOKIT_FAULTS").as_deref() {
        Ok("all") => others.len().max(opens.len()),
        Ok(number) => number.parse().expect("a number or `all`"),
        Err(_) => default,
    };
    let spread = |from: &[(&'static str, usize)], wanted: usize| {
        let wanted = wanted.min(from.len());
        (0..wanted)
            .map(|n| from[(2 * n + 1) * from.len() / (2 * wanted)])
            .collect::<Vec<_>>()
    };
    let mut chosen = spread(&others, wanted);
    chosen.extend(spread(&opens, wanted / 4));
    chosen
}

fn trace_options() -> Vec<String> {
    vec![
        "-e".to_owned(),
        format!("trace={},exit_group", CALLS.join(",")),
    ]
}

/// Kills a command before the `nth` such call of one of its threads.
fn kill_at(env: &TestEnv, arguments: &[&str], (call, nth): (&str, usize)) -> bool {
    let mut options = trace_options();
    options.push("-e".to_owned());
    options.push(format!("inject={call}:signal=SIGKILL:when={nth}"));
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    traced(env, arguments, &options).contains("killed by SIGKILL")
}

/// The state is whole, and the lock is judged at once.
#[track_caller]
fn whole(env: &TestEnv, when: &str) {
    let state = env.read("state.json");
    if !state.is_empty() {
        let whole = serde_json::from_str::<serde_json::Value>(&state);
        assert!(whole.is_ok(), "{when}: a torn state:\n{state}");
    }
    let report = env.nkapp(&["infra", "lock", "--json"]).exits(0).json();
    let verdict = report["verdict"].as_str();
    assert!(
        matches!(verdict, Some("dead" | "free")),
        "{when}: {report:#}"
    );
}

/// Beside that, one more run brings everything about.
#[track_caller]
fn mended(env: &TestEnv, arguments: &[&str], when: &str) {
    whole(env, when);
    let again = env.nkapp(arguments);
    assert_eq!(again.code, 0, "{when}, then again: {}", again.stderr);
    let left = left_over(env);
    assert!(left.is_empty(), "{when}: {left:?}");
}

/// Temporary files nobody will ever look at again.
fn left_over(env: &TestEnv) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![env.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            } else if name.contains(".tmp") || name.contains(".new") {
                found.push(entry.path().display().to_string());
            }
        }
    }
    found
}

#[test]
fn f01_killed_at_durable_calls_of_a_deploy_and_a_destroy() {
    let options = trace_options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let clean = TestEnv::with(FILE);
    let deploy = ["deploy", "-y"];
    let destroy = ["destroy", "-y"];
    let deploys = points(&traced(&clean, &deploy, &options), 16);
    let destroys = points(&traced(&clean, &destroy, &options), 6);
    let mut killed = 0;
    for (round, point) in deploys.iter().enumerate() {
        let env = TestEnv::with(FILE);
        let when = format!("deploy killed at {point:?}");
        killed += usize::from(kill_at(&env, &deploy, *point));
        mended(&env, &deploy, &when);
        env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
        let log = env.read("log");
        let mut lines: Vec<&str> = log.lines().collect();
        lines.dedup();
        assert_eq!(
            lines.len(),
            log.lines().count(),
            "{when}: a hook twice in one run:\n{log}"
        );
        if let Some(point) = destroys.get(round) {
            let when = format!("destroy killed at {point:?}");
            killed += usize::from(kill_at(&env, &destroy, *point));
            mended(&env, &destroy, &when);
        }
    }
    most_were_killed(killed, deploys.len() + destroys.len());
    tried(
        "f01_killed_at_durable_calls_of_a_deploy_and_a_destroy",
        deploys.len() + destroys.len(),
    );
}

#[test]
fn f01_killed_at_durable_calls_of_an_unlock() {
    let file = FILE.replace(
        "echo first $NANOKIT_RUN_ID >> log",
        "echo begun > begun; sleep 600",
    );
    let held = || {
        let env = TestEnv::with(&file);
        let mut child = env.start(&["deploy", "-y"]);
        let started = Instant::now();
        while env.read("begun").is_empty() {
            assert!(started.elapsed() < LIMIT, "the hook never began");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        env
    };
    let options = trace_options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let unlock = ["infra", "unlock", "-y"];
    let all = points(&traced(&held(), &unlock, &options), 8);
    let mut killed = 0;
    for point in &all {
        let env = held();
        let when = format!("unlock killed at {point:?}");
        killed += usize::from(kill_at(&env, &unlock, *point));
        mended(&env, &unlock, &when);
        env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
    }
    most_were_killed(killed, all.len());
    tried("f01_killed_at_durable_calls_of_an_unlock", all.len());
}

#[test]
fn f01_killed_at_durable_calls_of_a_restore() {
    let drifted = || {
        let env = TestEnv::with(FILE);
        env.nkapp(&["deploy", "-y", "-q"]).exits(0);
        let volumes = env.folder().join(".nanokit/volumes");
        std::fs::remove_dir_all(volumes).expect("somebody removes it");
        env.nkapp(&["drift"]).exits(2);
        env
    };
    let options = trace_options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let restore = ["drift", "--restore", "-y"];
    let all = points(&traced(&drifted(), &restore, &options), 10);
    let mut killed = 0;
    for point in &all {
        let env = drifted();
        let when = format!("restore killed at {point:?}");
        killed += usize::from(kill_at(&env, &restore, *point));
        whole(&env, &when);
        let again = env.nkapp(&restore);
        assert_eq!(again.code, 0, "{when}, then again: {}", again.stderr);
        env.nkapp(&["drift"]).exits(0);
        env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
        // A run that finds nothing to do stores nothing: what was half stored goes with the next that does.
        env.put("nanokit.yml", &FILE.replace("echo second", "echo two"));
        mended(&env, &["deploy", "-y"], &when);
    }
    most_were_killed(killed, all.len());
    tried("f01_killed_at_durable_calls_of_a_restore", all.len());
}

/// A call may be another thread's in another run; that it hardly ever comes would be a test of nothing.
#[track_caller]
fn most_were_killed(killed: usize, tried: usize) {
    assert!(
        killed * 10 >= tried * 7,
        "only {killed} of {tried} were killed"
    );
}

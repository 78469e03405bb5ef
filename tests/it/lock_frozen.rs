//! Holders that freeze at one moment and wake up at another, through the real binary: whatever they find, there is one
//! writer, and nothing is done twice.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cli_env::TestEnv;
use crate::lock_holders::{Holder, SLOW, force};
use crate::ran::Ran;

/// Longest wait for something that takes seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A holder that is frozen in its hook.
fn frozen(env: &TestEnv) -> Holder {
    let mut holder = Holder::start(env);
    holder.says("hook is waiting");
    holder.signal("STOP");
    holder
}

/// Everything that is in journals.
fn journal(env: &TestEnv) -> String {
    let files = std::fs::read_dir(env.folder().join(".nanokit/journal")).expect("journals");
    files
        .flatten()
        .map(|file| std::fs::read_to_string(file.path()).expect("readable"))
        .collect()
}

/// What a run wrote that another may not change.
fn written(env: &TestEnv) -> [String; 2] {
    ["state.json", ".nanokit/lock/state.json"].map(|name| env.read(name))
}

#[test]
fn f13_a_holder_that_wakes_up_before_anybody_took_over_finishes_alone() {
    let env = TestEnv::with(SLOW);
    let first = frozen(&env);
    // Longer than lease and grace; nobody takes it from the living meanwhile.
    env.nkapp(&["infra", "lock", "--watch", "6"]).exits(0);
    env.nkapp(&["deploy", "-y", "--lock-timeout", "1"]).exits(4);
    first.signal("CONT");
    env.put("go", "");
    first.end().exits(0);
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
}

#[test]
fn f13_a_holder_that_wakes_up_after_its_lock_was_cleared_is_told_and_begins_nothing() {
    let env = TestEnv::with(SLOW);
    let first = frozen(&env);
    force(&env);
    let [_, before] = written(&env);
    first.signal("CONT");
    let ran = first.end();
    assert_eq!(ran.code, 4, "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("the test says so"), "{}", ran.stdout);
    for step in ["service.first[0]/create", "service.second[0]/create"] {
        let begun = format!("\"step\":\"{step}\",\"attempt\":1,\"kind\":\"step_started\"");
        assert!(!ran.stdout.contains(&begun), "{}", ran.stdout);
    }
    // Nobody else wrote a state yet, so it may save what it had announced; the lock is not its own any more.
    let [_, after] = written(&env);
    assert_eq!(after, before);
    env.put("go", "");
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn f13_a_holder_that_wakes_up_after_another_finished_changes_nothing() {
    let env = TestEnv::with(SLOW);
    let first = frozen(&env);
    force(&env);
    env.put("go", "");
    env.nkapp(&["deploy", "-y"]).exits(0);
    let before = written(&env);
    first.signal("CONT");
    let ran = first.end();
    assert_eq!(ran.code, 4, "{}\n{}", ran.stdout, ran.stderr);
    assert_eq!(written(&env), before, "it writes nothing");
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
}

/// Two jobs, one after the other, that say when they ran.
const JOBS: &str = "\
name: slow
infra: { provider: process, lockLease: 3s }
services:
  first: { kind: job, path: ., start: [sh, -c, 'echo first >> ran'] }
  second:
    kind: job
    path: .
    start: [sh, -c, 'echo second >> ran']
    depends_on: { first: { condition: completed } }
";

/// A deploy that the kernel stops at one of its system calls.
struct Stopped {
    tracer: Child,
    pid: String,
}

impl Stopped {
    /// Stops it before the `nth` such call of the thread that makes most of them.
    fn at(env: &TestEnv, call: &str, nth: usize) -> Self {
        let log = env.folder().parent().expect("home").join("strace.log");
        let nkapp = env.command(&["deploy", "-y", "--json"]);
        let mut tracer = Command::new("strace");
        tracer.args(["-f", "-qq", "-e", &format!("trace={call}"), "-e"]);
        tracer.arg(format!("inject={call}:signal=SIGSTOP:when={nth}"));
        tracer.arg("-o").arg(&log);
        tracer.arg(nkapp.get_program()).args(nkapp.get_args());
        tracer.current_dir(env.folder()).env_clear();
        tracer.envs(nkapp.get_envs().filter_map(|(k, v)| Some((k, v?))));
        tracer
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let tracer = tracer.spawn().expect("`strace` starts (package strace)");
        let began = Instant::now();
        loop {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            if text.contains("stopped by SIGSTOP") {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "it is not stopped:\n{text}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        let children = format!("/proc/{0}/task/{0}/children", tracer.id());
        let pid = std::fs::read_to_string(children).expect("its children");
        let pid = pid.trim().to_owned();
        Self { tracer, pid }
    }

    /// Wakes it up, and waits for its end.
    fn wakes_up(mut self) -> Ran {
        let woken = Command::new("kill").args(["-CONT", &self.pid]).status();
        assert!(woken.expect("kill runs").success());
        let mut said = String::new();
        let mut pipe = self.tracer.stdout.take().expect("a pipe");
        pipe.read_to_string(&mut said).expect("text");
        let mut ran = Ran::of(
            "nkapp deploy",
            &self.tracer.wait_with_output().expect("it ends"),
        );
        ran.stdout = said;
        ran
    }
}

#[test]
fn f13_a_holder_frozen_between_an_intent_and_its_step_does_not_begin_it_after_another_finished() {
    let env = TestEnv::with(JOBS);
    // The journal's line about the start of the first job, after those about network and making.
    let first = Stopped::at(&env, "fdatasync", 3);
    let journal = journal(&env);
    assert!(journal.contains("service.first[0]/start"), "{journal}");
    assert_eq!(env.read("ran"), "", "nothing ran yet");
    force(&env);
    env.nkapp(&["deploy", "-y"]).exits(0);
    let before = written(&env);
    let ran = first.wakes_up();
    assert_eq!(ran.code, 4, "{}\n{}", ran.stdout, ran.stderr);
    assert_eq!(env.read("ran"), "first\nsecond\n", "each ran once");
    assert_eq!(written(&env), before, "it writes nothing");
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
}

#[test]
fn f13_a_holder_that_wakes_up_in_its_save_while_another_waits_to_save_tears_nothing() {
    let env = TestEnv::with(JOBS);
    // The lock's record comes first, then the state.
    let first = Stopped::at(&env, "renameat", 2);
    force(&env);
    let mut second = Holder::start(&env);
    second.says("\"stage\":\"execute\"");
    let ran = first.wakes_up();
    assert_eq!(ran.code, 4, "{}\n{}", ran.stdout, ran.stderr);
    let second = second.end();
    // Whether its first save comes before or after that of the first is chance.
    assert!(matches!(second.code, 0 | 4), "{}", second.stdout);
    nanokit::formats::state::decode(env.read("state.json").as_bytes()).expect("a whole state");
    env.nkapp(&["deploy", "-y"]).exits(0);
    assert_eq!(env.read("ran"), "first\nsecond\n", "each ran once");
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
}

//! Holders that freeze, are unlocked under their feet, vanish, or whose record is damaged: through the real binary.

use std::cell::Cell;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::process::{Child, ChildStdout, Command};
use std::time::{Duration, Instant};

use crate::cli_env::TestEnv;
use crate::fault_cases::tried;
use crate::ran::Ran;

/// A deploy that hangs in a hook until the file `go` appears, under a lock whose lease is short.
pub(crate) const SLOW: &str = "\
name: slow
infra: { provider: process, lockLease: 3s }
services:
  first:
    kind: job
    start: [sh, -c, 'echo first ran']
    hooks: { prestart: { host: 'echo hook is waiting; touch began; while ! test -e go; do sleep 0.05; done' } }
  second:
    kind: job
    start: [sh, -c, 'echo second ran']
    depends_on: { first: { condition: completed } }
";

/// Longest wait for something that takes less than a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Holder {
    child: Child,
    lines: BufReader<ChildStdout>,
    said: String,
}

impl Holder {
    /// Starts a deploy; its events are read as they are needed.
    pub(crate) fn start(env: &TestEnv) -> Self {
        let mut child = env.start(&["deploy", "-y", "--json"]);
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Self {
            child,
            lines,
            said: String::new(),
        }
    }

    /// Reads on until a line has these words.
    #[track_caller]
    pub(crate) fn says(&mut self, words: &str) {
        let began = Instant::now();
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line).expect("readable");
            self.said.push_str(&line);
            if line.contains(words) {
                return;
            }
            assert!(read > 0, "it ended without `{words}`:\n{}", self.said);
            assert!(
                began.elapsed() < PATIENCE,
                "no `{words}` in:\n{}",
                self.said
            );
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        let mut rest = String::new();
        while self.lines.read_line(&mut rest).expect("readable") > 0 {}
        let output = self.child.wait_with_output().expect("it ends");
        let mut ran = Ran::of("nkapp deploy", &output);
        ran.stdout = self.said + &rest;
        ran
    }
}

/// Clears the lock by force, with the id that is shown.
pub(crate) fn force(env: &TestEnv) {
    let report = env.nkapp(&["infra", "lock", "--json"]).exits(0).json();
    let id = report["lock"]["lock_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    env.nkapp(&[
        "infra",
        "unlock",
        &id,
        "--force",
        "--reason",
        "the test says so",
    ])
    .exits(0)
    .says("Cleared")
    .says("must have stopped");
}

fn files(env: &TestEnv, folder: &str) -> usize {
    let entries = std::fs::read_dir(env.folder().join(folder));
    entries.map_or(0, Iterator::count)
}

#[test]
fn f14_a_holder_whose_lock_is_forced_open_is_told_who_and_why_within_one_renewal() {
    let env = TestEnv::with(SLOW);
    let mut holder = Holder::start(&env);
    holder.says("hook is waiting");
    force(&env);
    let forced = Instant::now();
    holder.says("the test says so");
    // A renewal is due every 0.7 s; the lease of 3 s would be over only after that.
    assert!(
        forced.elapsed() < Duration::from_secs(3),
        "{:?}",
        forced.elapsed()
    );
    env.put("go", "");
    let ran = holder.end();
    assert_eq!(ran.code, 4, "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("tester@"), "who: {}", ran.stdout);
    let audit = env.read(".nanokit/audit.log");
    assert!(audit.contains("\"act\":\"force_unlock\"") && audit.contains("the test says so"));
    // What it announced is known, and the next run goes on from there.
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn f13_a_frozen_holder_wakes_up_fenced_and_writes_nothing() {
    let env = TestEnv::with(SLOW);
    let mut first = Holder::start(&env);
    first.says("hook is waiting");
    first.signal("STOP");
    // It lives, so nothing but a human may take its lock.
    let report = env
        .nkapp(&["infra", "lock", "--watch", "6", "--json"])
        .exits(0)
        .json();
    assert_eq!(report["verdict"], "alive", "{report:#}");
    // That it is stopped is seen once the kernel has stopped all of it.
    let began = Instant::now();
    let is_told = || {
        env.nkapp(&["infra", "lock"])
            .exits(0)
            .stdout
            .contains("may go on")
    };
    while !is_told() {
        assert!(began.elapsed() < PATIENCE, "that it is stopped is not told");
    }
    let refused = env.nkapp(&["infra", "unlock", "-y"]).exits(5);
    refused.says("kill -CONT");
    force(&env);
    let report = env.nkapp(&["infra", "lock"]).exits(0);
    let report = report.says("nobody takes it for another");
    report.says("the test says so");
    let mut second = Holder::start(&env);
    let asked = Instant::now();
    second.says("nobody takes it for another");
    second.says("hook is waiting");
    let waited = asked.elapsed();
    assert!(
        waited > Duration::from_secs(2),
        "it took the lock after {waited:?}"
    );
    let record = env.read(".nanokit/lock/state.json");
    let state = env.read("state.json");
    first.signal("CONT");
    let ran = first.end();
    assert_eq!(ran.code, 4, "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("took it over"), "{}", ran.stdout);
    assert_eq!(env.read("state.json"), state, "the first wrote nothing");
    let epoch = |text: &str| {
        let record: serde_json::Value = serde_json::from_str(text).expect("a record");
        (record["epoch"].clone(), record["lock_id"].clone())
    };
    assert_eq!(epoch(&env.read(".nanokit/lock/state.json")), epoch(&record));
    env.put("go", "");
    second.end().exits(0);
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
}

#[test]
fn f43_a_record_deleted_by_hand_is_a_lost_lock() {
    let env = TestEnv::with(SLOW);
    let mut holder = Holder::start(&env);
    holder.says("hook is waiting");
    std::fs::remove_file(env.folder().join(".nanokit/lock/state.json")).expect("removed");
    holder.says("removed or damaged");
    env.put("go", "");
    assert_eq!(holder.end().code, 4);
    env.nkapp(&["deploy", "-y"]).exits(0);
    assert_eq!(files(&env, ".nanokit/journal"), 0);
}

#[test]
fn f43_a_damaged_record_is_unknown_and_nothing_is_done_under_it() {
    let env = TestEnv::with(SLOW);
    env.put("go", "");
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    let path = env.folder().join(".nanokit/lock/state.json");
    let good = std::fs::read_to_string(&path).expect("a tombstone");
    let newer = good.replacen("\"version\": 1", "\"version\": 9", 1);
    let flipped = good.replacen("\"pid\": ", "\"pid\": 9", 1);
    let odd = flipped.replacen("sha256", "sha", 1);
    let odd = odd.replacen("\"free\"", "\"asleep\"", 1);
    let twice = good.replacen("\"beat\"", "\"epoch\": 9, \"beat\"", 1);
    let cases: [(&str, String, &str); 10] = [
        ("a digit more", flipped, "checksum"),
        ("empty", String::new(), "empty"),
        ("blank", "\n\n".into(), "empty"),
        ("huge", " ".repeat(1 << 20), "larger than"),
        ("newer", newer, "format version 9"),
        ("garbage", "\u{1}\u{2}{{".into(), "not JSON"),
        ("half", good[..good.len() / 2].into(), "cut off"),
        ("a word nobody knows", odd, "asleep"),
        ("a key twice", twice, "twice"),
        (
            "a state",
            env.read("state.json"),
            "no nanokit-lock document",
        ),
    ];
    let count = Cell::new(0);
    let unknown = |what: &str, reason: &str| {
        let report = env.nkapp(&["infra", "lock", "--json"]).exits(0).json();
        assert_eq!(report["verdict"], "unknown", "{what}: {report:#}");
        assert!(report.to_string().contains(reason), "{what}: {report:#}");
        env.nkapp(&["deploy", "-y"]).exits(4).says(reason);
        env.nkapp(&["state", "rebuild", "-y"]).exits(4).says(reason);
        env.nkapp(&["infra", "unlock", "-y"]).exits(5);
        count.set(count.get() + 1);
    };
    for (what, text, reason) in cases {
        std::fs::write(&path, &text).expect("written");
        unknown(what, reason);
        assert_eq!(
            std::fs::read_to_string(&path).expect("kept"),
            text,
            "{what}"
        );
    }
    std::fs::remove_file(&path).expect("removed");
    symlink("/etc/hostname", &path).expect("linked");
    unknown("link", "a symbolic link");
    std::fs::remove_file(&path).expect("removed");
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo runs").success());
    unknown("FIFO", "a FIFO");
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("folder");
    unknown("folder", "a folder");
    std::fs::remove_dir(&path).expect("removed");
    std::fs::write(&path, good).expect("written");
    env.nkapp(&["deploy", "-y"]).exits(0);
    let own = "f43_a_damaged_record_is_unknown_and_nothing_is_done_under_it";
    tried(own, count.get());
}

#[test]
fn f44_a_recycled_pid_is_no_life_and_another_namespace_no_death() {
    let env = TestEnv::with(SLOW);
    // Inside a pid namespace of its own: a holder is killed, and its number given to somebody else.
    let script = r#"
        "$NKAPP" deploy -y -q >/dev/null 2>&1 & holder=$!
        while ! test -e began; do :; done
        "$NKAPP" infra lock --json > alive.json
        kill -9 $holder; wait $holder 2>/dev/null
        tries=0
        until test "$other" = "$holder" || test $tries -gt 500; do
            tries=$((tries + 1))
            echo $((holder - 1)) > /proc/sys/kernel/ns_last_pid
            tail -f /dev/null & other=$!
        done
        echo "$holder $other" > pids
        "$NKAPP" infra lock --json > dead.json
    "#;
    let template = env.command(&[]);
    let output = Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc", "sh", "-c", script])
        .current_dir(env.folder())
        .env_clear()
        .envs(
            template
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        )
        .env("NKAPP", env!("CARGO_BIN_EXE_nkapp"))
        .output()
        .expect("unshare runs");
    assert!(
        output.status.success(),
        "this test needs root and pid namespaces: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let verdict = |file: &str| {
        let report: serde_json::Value = serde_json::from_str(&env.read(file)).expect("a report");
        report["verdict"].as_str().expect("a word").to_owned()
    };
    let pids = env.read("pids");
    let pids: Vec<&str> = pids.split_whitespace().collect();
    assert_eq!(pids[0], pids[1], "the number was given out again");
    assert_eq!(verdict("alive.json"), "alive");
    assert_eq!(
        verdict("dead.json"),
        "dead",
        "another process has its number"
    );
    // From outside nothing can be proven: that number is somebody else's here.
    let report = env.nkapp(&["infra", "lock", "--json"]).exits(0).json();
    assert_eq!(report["verdict"], "unknown", "{report:#}");
    env.nkapp(&["deploy", "-y"]).exits(4);
}

/// The same command where the clock since boot is shifted.
fn shifted(env: &TestEnv, arguments: &[&str]) -> Ran {
    let template = env.command(arguments);
    let output = Command::new("unshare")
        .args(["-T", "--boottime", "10000"])
        .arg(template.get_program())
        .args(template.get_args())
        .current_dir(env.folder())
        .env_clear()
        .envs(
            template
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        )
        .output()
        .expect("unshare runs");
    Ran::of("nkapp in another time namespace", &output)
}

#[test]
fn f44_another_time_namespace_makes_no_living_holder_dead_and_kills_no_hook_of_it() {
    let env = TestEnv::with(SLOW);
    let mut holder = Holder::start(&env);
    holder.says("hook is waiting");
    let report = shifted(&env, &["infra", "lock", "--json"]).exits(0).json();
    assert_eq!(report["verdict"], "unknown", "{report:#}");
    shifted(&env, &["deploy", "-y", "--lock-timeout", "0"]).exits(4);
    // Another project, where nothing holds the lock: what it finds of hooks is not its own.
    let other = TestEnv::with(&SLOW.replace("name: slow", "name: other"));
    other.put("go", "");
    shifted(&other, &["deploy", "-y"]).exits(0);
    env.put("go", "");
    holder.end().exits(0);
    // One that has no such process any more is dead wherever time is counted from.
    std::fs::remove_file(env.folder().join("go")).expect("removed");
    env.put("nanokit.yml", &SLOW.replace("first ran", "first ran again"));
    let mut holder = Holder::start(&env);
    holder.says("hook is waiting");
    holder.signal("KILL");
    holder.end();
    let report = shifted(&env, &["infra", "lock", "--json"]).exits(0).json();
    assert_eq!(report["verdict"], "dead", "{report:#}");
    env.put("go", "");
    shifted(&env, &["deploy", "-y"]).exits(0);
}

#[test]
fn f44_what_runs_is_seen_from_another_time_namespace() {
    let env = TestEnv::with(
        "name: shifted\ninfra: { provider: process }\nservices:\n  web: { start: [sleep, '1000'] }\n",
    );
    env.nkapp(&["deploy", "-y"]).exits(0);
    shifted(&env, &["plan", "--detailed-exitcode"]).exits(0);
    shifted(&env, &["destroy", "-y"]).exits(0);
    env.nkapp(&["deploy", "-y"]).exits(0);
    shifted(&env, &["deploy", "-y"]).exits(0);
    env.nkapp(&["destroy", "-y"]).exits(0);
}

#[test]
fn a_hook_inherits_no_descriptor_of_ours_and_the_flock_file_is_never_replaced() {
    let env = TestEnv::with(&SLOW.replace("touch began", "ls -l /proc/self/fd > fds; touch began"));
    env.put("go", "");
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    let inode = || {
        let about = std::fs::metadata(env.folder().join(".nanokit/lock/state.json.flock"));
        about.expect("a flock file").ino()
    };
    let before = inode();
    env.put("nanokit.yml", &SLOW.replace("first ran", "first ran again"));
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    assert_eq!(inode(), before);
    let open = env.read("fds");
    assert!(open.contains("/proc/"), "{open}");
    assert!(
        !open.contains(".nanokit/lock") && !open.contains("state.json"),
        "{open}"
    );
}

#[test]
fn a_lease_that_cannot_be_kept_is_refused_with_its_place() {
    for lease in ["0", "1s", "2h"] {
        let env = TestEnv::with(&SLOW.replace("lockLease: 3s", &format!("lockLease: {lease}")));
        env.nkapp(&["validate"])
            .exits(3)
            .says("infra.lockLease")
            .says("nanokit.yml:2:");
    }
}

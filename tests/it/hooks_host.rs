//! Hooks on the host, with a real shell below a real keeper: exit codes, time-outs, floods, and that nothing is left
//! behind, whatever the hook does.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nanokit::adapters::hooks::host::SystemHooks;
use nanokit::domain::event::Stream;
use nanokit::domain::secret::Secret;
use nanokit::ports::hooks::{CallEnd, HostCall, HostHooks as _, Value};
use nanokit::ports::sink::Sink;

use crate::fault_cases::tried;

#[derive(Default)]
struct Kept {
    stdout: RefCell<String>,
    stderr: RefCell<String>,
    bytes: Cell<usize>,
    largest: Cell<usize>,
}

impl Sink for Kept {
    fn output(&self, stream: Stream, bytes: &[u8]) {
        self.bytes.set(self.bytes.get() + bytes.len());
        self.largest.set(self.largest.get().max(bytes.len()));
        if self.bytes.get() > 1 << 16 {
            return;
        }
        let to = match stream {
            Stream::Stdout | Stream::Engine => &self.stdout,
            Stream::Stderr => &self.stderr,
        };
        to.borrow_mut().push_str(&String::from_utf8_lossy(bytes));
    }
    fn progress(&self, _done: u64, _total: Option<u64>, _unit: &str) {}
}

fn hooks() -> SystemHooks {
    hooks_below(PathBuf::from(env!("CARGO_BIN_EXE_nkapp")))
}

fn hooks_below(keeper: PathBuf) -> SystemHooks {
    let env = BTreeMap::from([
        (
            "PATH".to_owned(),
            std::env::var("PATH").expect("it goes well"),
        ),
        ("HOME".to_owned(), "/home/ann".to_owned()),
        ("LC_ALL".to_owned(), "C".to_owned()),
        ("AWS_SECRET".to_owned(), "leak".to_owned()),
        ("VAULT_TOKEN".to_owned(), "leak".to_owned()),
        ("SSH_AUTH_SOCK".to_owned(), "leak".to_owned()),
    ]);
    SystemHooks::new(&env, keeper)
}

fn shell(line: &str, timeout: Duration) -> HostCall {
    HostCall {
        argv: vec!["/bin/sh".to_owned(), "-c".to_owned(), line.to_owned()],
        folder: std::env::temp_dir(),
        env: Vec::new(),
        timeout,
        scripts: [].into(),
    }
}

const LONG: Duration = Duration::from_secs(60);

/// Returns the pids of all processes whose argument list has the word.
fn with_argument(word: &str) -> Vec<u32> {
    std::fs::read_dir("/proc")
        .expect("it goes well")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0)
                .any(|argument| argument == word.as_bytes())
        })
        .collect()
}

/// A number nobody else sleeps for: it marks the processes of one test.
fn unique() -> String {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).expect("it goes well");
    format!("9{}", u32::from_le_bytes(bytes) % 100_000_000)
}

/// Waits until so many processes have the word.
async fn appear(word: &str, count: usize) {
    let until = Instant::now() + LONG;
    while with_argument(word).len() < count {
        assert!(Instant::now() < until, "{count} processes with {word}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A call of the misbehaving hook; the word marks what it starts.
fn zoo(mode: &str, mark: &str, more: &str, timeout: Duration) -> HostCall {
    let script = format!("{}/tests/fixtures/zoo.sh", env!("CARGO_MANIFEST_DIR"));
    HostCall {
        argv: [script.as_str(), mode, mark, more]
            .map(str::to_owned)
            .to_vec(),
        ..shell("", timeout)
    }
}

/// A program that takes away what a keeper could use beside descent: the control groups are read-only.
fn without_groups(home: &std::path::Path) -> PathBuf {
    let script = home.join("keeper");
    let text = format!(
        "#!/bin/sh\nexec unshare -m sh -c 'for at in $(grep cgroup2 /proc/mounts | cut -d \" \" -f 2); do \
         mount -o remount,ro,bind \"$at\" || exit 1; done; exec \"$@\"' sh {} \"$@\"\n",
        env!("CARGO_BIN_EXE_nkapp")
    );
    std::fs::write(&script, text).expect("it goes well");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))
        .expect("it goes well");
    script
}

/// Runs one mode with control groups and without; both have to end so, in time, and leave nothing. Returns how many there
/// were.
async fn check_zoo(
    mode: &str,
    more: &str,
    timeout: Duration,
    bound: Duration,
    expected: CallEnd,
) -> usize {
    let mut ways = 0;
    let home = tempfile::tempdir().expect("it goes well");
    for hooks in [hooks(), hooks_below(without_groups(home.path()))] {
        let mark = unique();
        let kept = Kept::default();
        let began = Instant::now();
        let end = hooks.run(&zoo(mode, &mark, more, timeout), &kept).await;
        let took = began.elapsed();
        assert_eq!(end, expected, "{mode}: {}", kept.stderr.borrow());
        assert!(took < bound, "{mode} took {took:?}");
        let left: Vec<String> = with_argument(&mark)
            .iter()
            .map(|pid| std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default())
            .collect();
        assert!(
            left.is_empty(),
            "{mode} left {}: {}",
            left.len(),
            left.concat()
        );
        ways += 1;
    }
    ways
}

/// Time that may pass beyond a timeout: the grace, the drain and a slow machine.
const SLACK: Duration = Duration::from_secs(12);
const SHORT: Duration = Duration::from_millis(700);

#[tokio::test]
async fn f21_a_hook_that_hangs_ends_at_its_timeout() {
    let cases = check_zoo("hang", "", SHORT, SLACK, CallEnd::TimedOut).await;
    tried("f21_a_hook_that_hangs_ends_at_its_timeout", cases);
}

#[tokio::test]
async fn f23_what_daemonises_and_clears_its_environment_is_ended_with_its_hook() {
    let mut cases = 0;
    cases += check_zoo("escape", "", LONG, SLACK, CallEnd::Exited(0)).await;
    cases += check_zoo("escape", "stay", SHORT, SLACK, CallEnd::TimedOut).await;
    let own = "f23_what_daemonises_and_clears_its_environment_is_ended_with_its_hook";
    tried(own, cases);
}

#[tokio::test]
async fn f23_a_child_that_keeps_the_output_open_holds_nothing_up() {
    let mut cases = 0;
    cases += check_zoo("clinging", "", LONG, SLACK, CallEnd::Exited(0)).await;
    let own = "f23_a_child_that_keeps_the_output_open_holds_nothing_up";
    tried(own, cases);
}

#[tokio::test]
async fn f24_a_hook_that_ignores_signals_stops_itself_or_forks_ends_in_time() {
    let mut cases = 0;
    for mode in ["stubborn", "stopped", "bomb"] {
        cases += check_zoo(mode, "", SHORT, SLACK, CallEnd::TimedOut).await;
    }
    let own = "f24_a_hook_that_ignores_signals_stops_itself_or_forks_ends_in_time";
    tried(own, cases);
}

#[tokio::test]
async fn f24_a_hook_that_kills_or_stops_its_keeper_ends_all_the_same() {
    let mut cases = 0;
    let gone = CallEnd::Unknown("the process that stood behind it was killed".to_owned());
    cases += check_zoo("keeper", "", LONG, SLACK, gone).await;
    cases += check_zoo("holder", "", SHORT, SLACK * 3, CallEnd::TimedOut).await;
    let own = "f24_a_hook_that_kills_or_stops_its_keeper_ends_all_the_same";
    tried(own, cases);
}

#[tokio::test]
async fn f24_a_hook_that_signals_its_own_group_hits_only_itself() {
    let mut cases = 0;
    cases += check_zoo("group", "", LONG, SLACK, CallEnd::Exited(143)).await;
    let own = "f24_a_hook_that_signals_its_own_group_hits_only_itself";
    tried(own, cases);
}

#[tokio::test]
async fn f22_output_without_a_line_break_or_none_at_all_is_no_end() {
    let mut cases = 0;
    cases += check_zoo("closed", "", LONG, SLACK, CallEnd::Exited(4)).await;
    let kept = Kept::default();
    let end = hooks().run(&zoo("partial", "", "", LONG), &kept).await;
    assert_eq!(end, CallEnd::Exited(0));
    assert_eq!(*kept.stdout.borrow(), "no line break");
    cases += 1;
    let own = "f22_output_without_a_line_break_or_none_at_all_is_no_end";
    tried(own, cases);
}

#[tokio::test]
async fn commands_end_with_their_exit_code() {
    let argv = |argv: &[&str]| HostCall {
        argv: argv.iter().map(|&text| text.to_owned()).collect(),
        ..shell("", LONG)
    };
    let cases = [
        (shell("exit 0", LONG), CallEnd::Exited(0)),
        (shell("exit 7", LONG), CallEnd::Exited(7)),
        (shell("kill -9 $$", LONG), CallEnd::Exited(137)),
        (shell("exit 127", LONG), CallEnd::Exited(127)),
        (argv(&["true"]), CallEnd::Exited(0)),
        (argv(&["sh", "-c", "exit 3"]), CallEnd::Exited(3)),
    ];
    for (call, expected) in cases {
        assert_eq!(
            hooks().run(&call, &Kept::default()).await,
            expected,
            "{:?}",
            call.argv
        );
    }
    let folder = HostCall {
        folder: "/nowhere".into(),
        ..shell("exit 0", LONG)
    };
    let home = tempfile::tempdir().expect("it goes well");
    let broken = home.path().join("broken");
    std::fs::write(&broken, "#!/nk-no-such-interpreter\n").expect("it goes well");
    std::fs::set_permissions(&broken, std::fs::Permissions::from_mode(0o755))
        .expect("it goes well");
    for call in [
        argv(&["nk-no-such-program"]),
        argv(&[broken.to_str().expect("it goes well")]),
        argv(&["./nope"]),
        argv(&[]),
        folder,
    ] {
        let end = hooks().run(&call, &Kept::default()).await;
        assert!(
            matches!(end, CallEnd::NotStarted(_)),
            "{:?} {end:?}",
            call.argv
        );
    }
}

#[tokio::test]
async fn s20_a_command_sees_little_of_our_environment_and_no_input() {
    let kept = Kept::default();
    let mut call = shell(
        "cat; env; echo oops >&2; ps -o sid= -p $$ | tr -d ' '; echo $$",
        LONG,
    );
    call.env = vec![
        ("GIVEN".to_owned(), Value::Plain("yes".to_owned())),
        (
            "TOKEN".to_owned(),
            Value::Secret(Secret::new("s3cret".to_owned())),
        ),
    ];
    assert_eq!(hooks().run(&call, &kept).await, CallEnd::Exited(0));
    let out = kept.stdout.borrow();
    for wanted in [
        "GIVEN=yes",
        "TOKEN=s3cret",
        "HOME=/home/ann",
        "LC_ALL=C",
        "PATH=",
    ] {
        assert!(out.contains(wanted), "{wanted} in {out}");
    }
    assert!(!out.contains("leak"), "{out}");
    assert_eq!(*kept.stderr.borrow(), "oops\n");
    let last: Vec<&str> = out.lines().rev().take(2).collect();
    assert_eq!(last[0], last[1], "it leads a session of its own");
}

#[tokio::test]
async fn a_timeout_leaves_no_survivor() {
    let mark = unique();
    let line = format!(
        "trap '' TERM; setsid sh -c 'trap \"\" TERM; (sleep {mark} &) ; sleep {mark}' & \
         sh -c 'trap \"\" TERM; while :; do sleep {mark}; done' & echo up; sleep {mark}"
    );
    let kept = Kept::default();
    let end = hooks()
        .run(&shell(&line, Duration::from_millis(500)), &kept)
        .await;
    assert_eq!(end, CallEnd::TimedOut);
    assert_eq!(*kept.stdout.borrow(), "up\n", "it was under way");
    assert_eq!(with_argument(&mark), Vec::<u32>::new());
}

#[tokio::test]
async fn what_a_command_leaves_running_is_killed_when_it_ends() {
    let mark = unique();
    let kept = Kept::default();
    // Its own session, two forks away, pipes closed: nothing but the mark tells whose it is.
    let line = format!("setsid sh -c '(sleep {mark} >/dev/null 2>&1 &)' </dev/null; echo done");
    assert_eq!(
        hooks().run(&shell(&line, LONG), &kept).await,
        CallEnd::Exited(0)
    );
    assert_eq!(*kept.stdout.borrow(), "done\n");
    assert_eq!(with_argument(&mark), Vec::<u32>::new());
}

#[tokio::test]
async fn a_dropped_call_is_killed() {
    let mark = unique();
    let line = format!("setsid sleep {mark} & echo up; sleep {mark}");
    let kept = Kept::default();
    let call = shell(&line, LONG);
    let hooks = hooks();
    let both_run = appear(&mark, 2);
    tokio::select! {
        end = hooks.run(&call, &kept) => panic!("{end:?}"),
        () = both_run => {}
    }
    assert_eq!(with_argument(&mark), Vec::<u32>::new());
}

#[tokio::test]
async fn a_flood_is_handed_on_in_small_pieces() {
    const FLOOD: usize = 100 << 20;
    let kept = Kept::default();
    let call = shell(&format!("head -c {FLOOD} /dev/zero"), LONG);
    assert_eq!(hooks().run(&call, &kept).await, CallEnd::Exited(0));
    assert_eq!(kept.bytes.get(), FLOOD);
    assert!(kept.largest.get() <= 64 << 10);
}

#[tokio::test]
async fn a_program_in_the_project_is_found_relative_to_it() {
    let home = tempfile::tempdir().expect("it goes well");
    let script = home.path().join("run.sh");
    std::fs::write(&script, "#!/bin/sh\npwd\n").expect("it goes well");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))
        .expect("it goes well");
    let kept = Kept::default();
    let call = HostCall {
        argv: vec!["./run.sh".to_owned()],
        folder: home.path().to_owned(),
        env: Vec::new(),
        timeout: LONG,
        scripts: [].into(),
    };
    assert_eq!(hooks().run(&call, &kept).await, CallEnd::Exited(0));
    let folder = home.path().canonicalize().expect("it goes well");
    assert_eq!(
        kept.stdout.borrow().trim(),
        folder.to_str().expect("it goes well")
    );
}

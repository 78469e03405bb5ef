//! Hooks with a real shell: exit codes, time-outs, floods, and that nothing is left behind.

use std::cell::RefCell;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::domain::secret::Secret;
use crate::ports::hooks::Value;

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
    SystemHooks::new(&BTreeMap::from([
        ("PATH".to_owned(), std::env::var("PATH").unwrap()),
        ("HOME".to_owned(), "/home/ann".to_owned()),
        ("LC_ALL".to_owned(), "C".to_owned()),
        ("AWS_SECRET".to_owned(), "leak".to_owned()),
    ]))
}

fn shell(line: &str, timeout: Duration) -> HostCall {
    HostCall {
        argv: vec!["/bin/sh".to_owned(), "-c".to_owned(), line.to_owned()],
        folder: std::env::temp_dir(),
        env: Vec::new(),
        timeout,
    }
}

const LONG: Duration = Duration::from_secs(60);

/// Returns the pids of all processes whose argument list has the word.
fn with_argument(word: &str) -> Vec<u32> {
    std::fs::read_dir("/proc")
        .unwrap()
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
    getrandom::fill(&mut bytes).unwrap();
    format!("9{}", u32::from_le_bytes(bytes) % 100_000_000)
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
    for call in [
        argv(&["nk-no-such-program"]),
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
async fn a_command_sees_little_of_our_environment_and_no_input() {
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
    let both_run = until(|| with_argument(&mark).len() >= 2);
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
    assert!(kept.largest.get() <= CHUNK);
}

#[tokio::test]
async fn a_program_in_the_project_is_found_relative_to_it() {
    let home = tempfile::tempdir().unwrap();
    let script = home.path().join("run.sh");
    std::fs::write(&script, "#!/bin/sh\npwd\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let kept = Kept::default();
    let call = HostCall {
        argv: vec!["./run.sh".to_owned()],
        folder: home.path().to_owned(),
        env: Vec::new(),
        timeout: LONG,
    };
    assert_eq!(hooks().run(&call, &kept).await, CallEnd::Exited(0));
    let folder = home.path().canonicalize().unwrap();
    assert_eq!(kept.stdout.borrow().trim(), folder.to_str().unwrap());
}

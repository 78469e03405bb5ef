//! Links, FIFOs and folders planted at every name of ours: nothing is written through them, and nothing hangs.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::cli_env::TestEnv;
use crate::fault_cases::tried;

const JOB: &str = "\
name: small
infra: { provider: process }
services: { one: { kind: job, start: [sh, -c, 'echo ran'] } }
";

/// Every file and folder the state, the lock and the journal use.
const NAMES: [&str; 22] = [
    ".nanokit",
    ".nanokit/.gitignore",
    ".nanokit/lock",
    ".nanokit/lock/state.json",
    ".nanokit/lock/state.json.flock",
    ".nanokit/lock/state.json.state.flock",
    ".nanokit/lock/.state.json.tmp",
    ".nanokit/lock/ignored.state.json.flock",
    ".nanokit/lock.log",
    ".nanokit/ignored.state.json",
    ".nanokit/process",
    ".nanokit/volumes",
    ".nanokit/journal",
    ".nanokit/backups",
    ".nanokit/backups/state.json.1",
    ".nanokit/runs",
    ".nanokit/plans",
    ".nanokit/plans/latest.json",
    ".nanokit/audit.log",
    ".nanokit/reserve",
    ".state.json.tmp",
    "state.json",
];

#[derive(Clone, Copy, Debug)]
enum Planted {
    Link,
    HardLink,
    Fifo,
    Folder,
    FolderLink,
}

fn plant(kind: Planted, at: &Path, victim: &Path) {
    match kind {
        Planted::Link | Planted::FolderLink => symlink(victim, at).expect("linked"),
        Planted::HardLink => std::fs::hard_link(victim, at).expect("linked"),
        Planted::Fifo => {
            let made = std::process::Command::new("mkfifo").arg(at).status();
            assert!(made.expect("mkfifo runs").success());
        }
        Planted::Folder => {
            std::fs::create_dir(at).expect("folder");
            std::fs::write(at.join("theirs"), "theirs").expect("written");
        }
    }
}

#[test]
fn s14_what_is_planted_at_a_name_of_ours_is_not_written_through() {
    let mut cases = 0;
    for name in NAMES {
        for kind in [
            Planted::Link,
            Planted::HardLink,
            Planted::Fifo,
            Planted::Folder,
            Planted::FolderLink,
        ] {
            // A folder where a folder belongs is no trap.
            let is_folder = !name.contains("json")
                && !name.contains("log")
                && !name.contains("reserve")
                && !name.contains("ignore");
            if is_folder && matches!(kind, Planted::Folder) {
                continue;
            }
            let env = TestEnv::with(JOB);
            let victim = env.folder().parent().expect("home").join("victim");
            std::fs::write(&victim, "untouched").expect("written");
            let at = env.folder().join(name);
            let parent = at.parent().expect("a folder");
            std::fs::create_dir_all(parent).expect("folder");
            if let Some(own) = name.strip_prefix(".nanokit/") {
                let mode = std::fs::Permissions::from_mode(0o700);
                std::fs::set_permissions(env.folder().join(".nanokit"), mode).expect("private");
                assert!(!own.is_empty());
            }
            let elsewhere = env.folder().parent().expect("home").join("elsewhere");
            std::fs::create_dir(&elsewhere).expect("folder");
            let aim = match kind {
                Planted::FolderLink => &elsewhere,
                Planted::Link | Planted::HardLink | Planted::Fifo | Planted::Folder => &victim,
            };
            plant(kind, &at, aim);
            env.nkapp(&["doctor"]);
            env.nkapp(&["plan"]);
            let ran = env.nkapp(&["deploy", "-y"]);
            let ignore = [
                "drift",
                "ignore",
                "service.one:image",
                "--reason",
                "x",
                "-y",
            ];
            assert_ne!(env.nkapp(&ignore).code, 101, "{kind:?} at {name}");
            let inside = std::fs::read_dir(&elsewhere).expect("a folder");
            let inside: Vec<_> = inside
                .map(|entry| entry.expect("entry").file_name())
                .collect();
            assert!(inside.is_empty(), "{kind:?} at {name}: {inside:?}");
            let what = format!("{kind:?} at {name}: exit {}\n{}", ran.code, ran.stderr);
            assert_eq!(
                std::fs::read_to_string(&victim).expect("there"),
                "untouched",
                "{what}"
            );
            if matches!(kind, Planted::Folder) {
                // Kept, unless it stood in the way of a temp and held nothing.
                assert!(
                    ran.code != 0 || at.join("theirs").exists() || !at.exists(),
                    "{what}"
                );
            }
            if ran.code != 0 {
                let last = Path::new(name)
                    .file_name()
                    .expect("a name")
                    .to_string_lossy();
                let last = last.trim_start_matches('.').trim_end_matches(".tmp");
                assert!(ran.stderr.contains(last), "it names the place: {what}");
                assert_ne!(ran.code, 101, "{what}");
            }
            // So that dropping the place does not try to clean what is planted.
            let _ = std::fs::remove_file(env.folder().join("state.json"));
            cases += 1;
        }
    }
    let own = "s14_what_is_planted_at_a_name_of_ours_is_not_written_through";
    tried(own, cases);
}

/// What a worker uses besides.
const OF_WORKERS: [&str; 3] = [
    ".nanokit/worker",
    ".nanokit/lock/worker.state.json",
    ".nanokit/lock/worker.state.json.flock",
];

fn has_tried(env: &TestEnv) -> bool {
    let entries = std::fs::read_dir(env.folder().join(".nanokit/worker"));
    entries.into_iter().flatten().flatten().any(|entry| {
        let is_beacon = entry.path().extension().is_some_and(|end| end == "live");
        let said = std::fs::read_to_string(entry.path()).unwrap_or_default();
        is_beacon && (!said.contains("\"role\":\"seeking\"") || said.contains("\"role_detail\":\""))
    })
}

#[test]
fn s14_a_worker_writes_through_nothing_that_is_planted_at_its_names() {
    let mut cases = 0;
    for name in OF_WORKERS {
        for kind in [
            Planted::Link,
            Planted::HardLink,
            Planted::Fifo,
            Planted::FolderLink,
        ] {
            let what = format!("{kind:?} at {name}");
            let env = TestEnv::with(JOB);
            env.nkapp(&["deploy", "-y", "-q"]).exits(0);
            let beside = env.folder().parent().expect("home");
            let (victim, elsewhere) = (beside.join("victim"), beside.join("elsewhere"));
            std::fs::write(&victim, "untouched").expect("written");
            std::fs::create_dir(&elsewhere).expect("folder");
            let aim = match kind {
                Planted::FolderLink => &elsewhere,
                Planted::Link | Planted::HardLink | Planted::Fifo | Planted::Folder => &victim,
            };
            plant(kind, &env.folder().join(name), aim);
            let mut worker = env.start(&["worker", "--json"]);
            let began = Instant::now();
            // It tries to lead before it says of its part more than that it looks for one.
            while worker.try_wait().expect("it is ours").is_none() && !has_tried(&env) {
                assert!(began.elapsed() < Duration::from_secs(60), "{what}: nothing");
                std::thread::park_timeout(Duration::from_millis(10));
            }
            let pid = i32::try_from(worker.id()).ok().and_then(Pid::from_raw);
            let _ = kill_process(pid.expect("a pid"), Signal::TERM);
            let ended = worker.wait().expect("it ends");
            assert_ne!(ended.code(), Some(101), "{what}");
            let inside = std::fs::read_dir(&elsewhere).expect("a folder").count();
            assert_eq!(inside, 0, "{what}");
            let untouched = std::fs::read_to_string(&victim).expect("there");
            assert_eq!(untouched, "untouched", "{what}");
            cases += 1;
        }
    }
    let own = "s14_a_worker_writes_through_nothing_that_is_planted_at_its_names";
    tried(own, cases);
}

#[test]
fn s14_the_temp_of_a_plan_is_not_written_through_where_its_process_was_guessed() {
    let env = TestEnv::with(JOB);
    env.nkapp(&["plan"]).exits(0);
    let victim = env.folder().parent().expect("home").join("victim");
    std::fs::write(&victim, "untouched").expect("written");
    for plant in ["ln -s", "ln"] {
        let nkapp = env.command(&["plan"]);
        // The shell becomes nkapp, so that it knows the number beforehand.
        let script = format!(
            "{plant} {} .nanokit/plans/.latest.json.$$.tmp && exec \"$0\" plan",
            victim.display()
        );
        let ran = std::process::Command::new("sh")
            .args(["-c", &script])
            .arg(nkapp.get_program())
            .current_dir(env.folder())
            .env_clear()
            .envs(
                nkapp
                    .get_envs()
                    .filter_map(|(key, value)| Some((key, value?))),
            )
            .output()
            .expect("a shell runs");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(
            matches!(ran.status.code(), Some(0 | 1 | 4)),
            "{plant}: {said}"
        );
        let untouched = std::fs::read_to_string(&victim).expect("there");
        assert_eq!(untouched, "untouched", "{plant}: {said}");
    }
}

#[test]
fn s14_our_folder_is_private_and_one_that_others_may_write_is_refused() {
    let env = TestEnv::with(JOB);
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    let mut waiting = vec![
        env.folder().join(".nanokit"),
        env.folder().join("state.json"),
    ];
    let mut seen = 0;
    while let Some(path) = waiting.pop() {
        let about = std::fs::symlink_metadata(&path).expect("there");
        let mode = about.permissions().mode() & 0o777;
        seen += 1;
        if about.is_dir() {
            // What a volume or an instance's folder holds belongs to the service.
            if path.ends_with("processes") || path.ends_with("volumes") {
                continue;
            }
            assert_eq!(mode, 0o700, "{}", path.display());
            let inner = std::fs::read_dir(&path).expect("readable");
            waiting.extend(inner.map(|entry| entry.expect("entry").path()));
        } else if about.is_file() {
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
        }
    }
    assert!(seen >= 10, "{seen}");
    let own = env.folder().join(".nanokit");
    std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o777)).expect("opened");
    let refused = env.nkapp(&["deploy", "-y"]);
    assert_ne!(refused.code, 0);
    refused.says("may be written by others").says("chmod 700");
    std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o700)).expect("closed");
    env.nkapp(&["deploy", "-y"]).exits(0);
}

#[test]
fn s14_what_a_link_keeps_from_being_written_is_told_in_the_run() {
    for (name, told) in [
        ("backups", "the earlier state is not kept: "),
        ("runs", "the history does not have all of this run: "),
    ] {
        let env = TestEnv::with(JOB);
        env.nkapp(&["deploy", "-y", "-q"]).exits(0);
        let elsewhere = env.folder().join("elsewhere");
        std::fs::create_dir(&elsewhere).expect("folder");
        let at = env.folder().join(".nanokit").join(name);
        // A first deploy has nothing to keep.
        if at.exists() {
            std::fs::remove_dir_all(&at).expect("removed");
        }
        symlink(&elsewhere, &at).expect("linked");
        env.put("nanokit.yml", &JOB.replace("echo ran", "echo again"));
        env.nkapp(&["deploy", "-y"]).exits(0).says(told).says(name);
    }
}

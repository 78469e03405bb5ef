//! Whatever is wrong with state, journal, history or lock: every command tells the same of it, and the way out.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nanokit::domain::ids::{Lineage, Serial};
use nanokit::formats::state;

use crate::cli_env::TestEnv;

const ONE: &str = "\
name: small
infra: { provider: process }
services: { base: { start: [sh, -c, 'echo base is up; exec sleep 600'] } }
";

/// A project that was deployed so often, each time with something changed.
fn deployed(times: usize) -> TestEnv {
    let env = TestEnv::with(ONE);
    for number in 0..times {
        env.put(
            "nanokit.yml",
            &ONE.replace("base is up", &format!("base {number}")),
        );
        env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    }
    env
}

fn state(env: &TestEnv) -> PathBuf {
    env.folder().join("state.json")
}

fn only_file_in(folder: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let found = entries.find(|entry| entry.path().is_file());
    found.expect("a file").path()
}

/// Each of these says the same two things; those that go by the state refuse.
fn all_tell(env: &TestEnv, problem: &str, way_out: &str) {
    for refuses in [&["deploy", "-y"][..], &["drift"], &["plan"]] {
        env.nkapp(refuses)
            .exits(4)
            .says(problem)
            .says(way_out)
            .says("next:");
    }
    env.nkapp(&["status"]).exits(0).says(problem).says(way_out);
    env.nkapp(&["doctor"]).exits(1).says(problem).says(way_out);
}

#[test]
fn f18_a_missing_state_is_told_alike_by_every_command() {
    let env = deployed(2);
    std::fs::remove_file(state(&env)).expect("removed");
    all_tell(&env, "it is missing", "nkapp state push --force");
    let json = env.nkapp(&["status", "--json"]).exits(0).json();
    let problem = json["conflict"]["problem"].as_str().expect("a problem");
    assert!(problem.contains("is missing"), "{json}");
    // Without a copy of it the runs of the past tell.
    std::fs::remove_dir_all(env.folder().join(".nanokit/backups")).expect("removed");
    all_tell(&env, "it is missing", "nkapp state rebuild");
    env.nkapp(&["state", "show"])
        .exits(4)
        .says("changed something here")
        .says("nkapp state rebuild");
    env.nkapp(&["state", "rebuild", "-y"]).exits(0);
    env.nkapp(&["doctor"]).exits(0);
    let json = env.nkapp(&["status", "--json"]).exits(0).json();
    assert!(json["conflict"].is_null(), "{json}");
}

#[test]
fn f18_a_state_of_another_lineage_is_told_alike_by_every_command() {
    let env = deployed(2);
    let mut record = state::decode(&std::fs::read(state(&env)).expect("a state")).expect("a state");
    record.lineage = Lineage::new("0123456789abcdef0123456789abcdef");
    record.serial = Serial(1);
    std::fs::write(state(&env), state::encode(&record, "x")).expect("written");
    all_tell(&env, "of which nothing is here", "nkapp state rebuild");
    assert!(!env.folder().join(".nanokit/plans/latest.json").exists());
}

#[test]
fn doctor_finds_what_every_other_command_refuses() {
    let env = deployed(3);
    let good = std::fs::read(state(&env)).expect("a state");
    let old = only_file_in(&env.folder().join(".nanokit/backups"));
    std::fs::copy(&old, state(&env)).expect("copied");
    let told = "an old copy stands in its place";
    env.nkapp(&["plan"]).exits(4).says(told);
    env.nkapp(&["doctor"])
        .exits(1)
        .says(told)
        .says("nkapp state push --force");
    // The last save is not in the copy that is offered.
    env.nkapp(&["plan"])
        .exits(4)
        .says("without what was saved after it");
    let mut elsewhere = state::decode(&good).expect("a state");
    elsewhere.engine = "another".to_owned();
    std::fs::write(state(&env), state::encode(&elsewhere, "x")).expect("written");
    env.nkapp(&["doctor"])
        .exits(1)
        .says("its resources live on engine");
    std::fs::write(state(&env), &good).expect("written");
    env.nkapp(&["doctor"]).exits(0);
    let journal = env.folder().join(".nanokit/journal");
    std::fs::create_dir_all(&journal).expect("made");
    std::fs::write(journal.join("r1"), "{\"kind\":\"begun\"").expect("written");
    std::fs::write(journal.join("r1"), "\0\0\0\n\0\n").expect("written");
    for command in ["plan", "doctor"] {
        env.nkapp(&[command]).says("journal/r1").says("mv ");
    }
    env.nkapp(&["doctor"]).exits(1);
}

#[test]
fn what_stands_in_the_place_of_the_journals_is_named_with_the_way_out() {
    let env = deployed(1);
    let journal = env.folder().join(".nanokit/journal");
    let elsewhere = env.folder().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("made");
    for is_link in [false, true] {
        let _ = std::fs::remove_dir_all(&journal);
        if is_link {
            symlink(&elsewhere, &journal).expect("linked");
        } else {
            std::fs::write(&journal, "in the way").expect("written");
        }
        for command in [
            &["deploy", "-y"][..],
            &["plan"],
            &["status"],
            &["state", "rebuild", "-y"],
        ] {
            let ran = env.nkapp(command).exits(4).says("journal");
            assert!(
                ran.stderr.contains("next: mv "),
                "{command:?}: {}",
                ran.stderr
            );
        }
        env.nkapp(&["doctor"]).exits(1).says("journal").says("mv ");
        let aside = env.folder().join(".nanokit/journal.aside");
        std::fs::rename(&journal, &aside).expect("moved");
        env.nkapp(&["doctor"]).exits(0);
        env.nkapp(&["plan"]).exits(0);
        if !is_link {
            std::fs::remove_file(&aside).expect("removed");
        }
    }
}

#[test]
fn what_stands_in_the_place_of_the_state_is_moved_away_first() {
    let env = deployed(2);
    std::fs::remove_file(state(&env)).expect("removed");
    std::fs::create_dir(state(&env)).expect("made");
    let told = env.nkapp(&["plan"]).exits(4);
    let next = told.stderr.split("next: ").nth(1).expect("a command");
    let command = next.lines().next().expect("a line");
    assert!(command.starts_with("mv "), "{command}");
    let moved = std::process::Command::new("sh")
        .args(["-c", command])
        .status();
    assert!(moved.expect("sh runs").success());
    env.nkapp(&["state", "rebuild", "-y"]).exits(0);
}

#[test]
fn a_damaged_run_stays_in_the_history() {
    let env = deployed(2);
    let runs = env.folder().join(".nanokit/runs");
    let damaged = only_file_in(&runs);
    let id = damaged
        .file_stem()
        .expect("a name")
        .to_str()
        .expect("text")
        .to_owned();
    let check = |what: &str, reason: &str| {
        env.nkapp(&["run", "list"])
            .exits(0)
            .says(&id)
            .says("damaged")
            .says(reason);
        let json = env.nkapp(&["run", "list", "--json"]).exits(0).json();
        let all = json.as_array().expect("a list");
        assert_eq!(all.len(), 2, "{what}");
        let run = all
            .iter()
            .find(|run| run["run_id"] == id.as_str())
            .expect("listed");
        assert!(
            run["damage"].as_str().expect("why").contains(reason),
            "{what}: {run}"
        );
        env.nkapp(&["run", "show", &id])
            .exits(1)
            .says(".jsonl")
            .says(reason);
    };
    for (what, bytes, reason) in [
        ("zeros", &[0_u8; 500][..], "no line of it can be read"),
        ("empty", b"", "it is empty"),
        ("a list", b"[]", "no line of it can be read"),
    ] {
        std::fs::write(&damaged, bytes).expect("written");
        check(what, reason);
    }
    std::fs::remove_file(&damaged).expect("removed");
    std::fs::create_dir(&damaged).expect("made");
    check("folder", "it cannot be read");
    std::fs::remove_dir(&damaged).expect("removed");
    let made = std::process::Command::new("mkfifo").arg(&damaged).status();
    assert!(made.expect("mkfifo runs").success());
    check("fifo", "it cannot be read");
}

#[test]
fn a_lock_record_that_is_damaged_or_gone_is_told_as_that() {
    let env = deployed(1);
    let lock = env.folder().join(".nanokit/lock/state.json");
    std::fs::remove_file(&lock).expect("removed");
    env.nkapp(&["infra", "lock"])
        .exits(0)
        .says("the lock record is gone");
    env.nkapp(&["doctor"])
        .exits(0)
        .says("the lock record is gone");
    std::fs::write(&lock, "{\"half\":").expect("written");
    for command in [&["deploy", "-y"][..], &["infra", "unlock", "-y"]] {
        let ran = env.nkapp(command).says("the lock record cannot be read");
        let next = ran.stderr.split("next: ").last().expect("a command");
        assert!(next.starts_with("nkapp infra unlock "), "{}", ran.stderr);
    }
    let told = env
        .nkapp(&["infra", "lock"])
        .exits(0)
        .says("cannot be read");
    let next = told.stdout.split("next: ").nth(1).expect("a command");
    let command = next.lines().next().expect("a line");
    env.nkapp(&["doctor"]).exits(1).says("nkapp infra unlock");
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    env.nkapp(&words).exits(0);
    std::fs::remove_file(&lock).expect("removed");
    std::fs::create_dir(&lock).expect("made");
    env.nkapp(&["deploy", "-y"]).exits(4).says("next: mv ");
    env.nkapp(&["infra", "lock"]).exits(0).says("next: mv ");
}

#[test]
fn a_command_that_asks_for_agreement_is_given_back_whole() {
    let env = deployed(1);
    std::fs::copy(state(&env), env.folder().join("a copy.json")).expect("copied");
    env.nkapp(&["state", "push", "--force", "a copy.json"])
        .exits(5)
        .says("next: nkapp state push --force 'a copy.json' -y");
    env.nkapp(&["state", "push", "a copy.json"])
        .exits(5)
        .says("next: nkapp state push 'a copy.json' -y");
}

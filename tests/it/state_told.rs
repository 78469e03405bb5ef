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

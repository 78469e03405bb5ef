//! A state nobody can trust, through the real binary: named, refused before any effect, and mended as the message says.

use std::os::unix::fs::symlink;
use std::path::Path;

use nanokit::domain::ids::{Lineage, Serial};
use nanokit::formats::state;

use crate::cli_env::TestEnv;
use crate::fault_cases::tried;
use crate::ran::Ran;

const ONE: &str = "\
name: small
infra: { provider: process }
services: { base: { start: [sh, -c, 'echo base is up; exec sleep 600'] } }
";

/// A project that was deployed twice, so that there is an earlier state.
fn deployed() -> TestEnv {
    let env = TestEnv::with(ONE);
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    env.put("nanokit.yml", &ONE.replace("base is up", "base is changed"));
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    env
}

const MUTATING: [&[&str]; 3] = [
    &["deploy", "-y"],
    &["destroy", "-y"],
    &["clean", "-y", "--force"],
];

/// What must not change when a command is refused: what runs, and what the project's own folder holds of it.
fn effects(env: &TestEnv) -> Vec<String> {
    let own = env.folder().join(".nanokit");
    let mut found: Vec<String> = ["journal", "backups", "lock"]
        .iter()
        .flat_map(|name| std::fs::read_dir(own.join(name)).into_iter().flatten())
        .map(|entry| entry.expect("entry").path().display().to_string())
        .collect();
    found.sort();
    let running = std::fs::read_dir("/proc").expect("processes").flatten();
    let sleeping = running.filter(|process| {
        let inside = std::fs::read_link(process.path().join("cwd"));
        inside.is_ok_and(|cwd| cwd.starts_with(env.folder()))
    });
    found.push(format!("{} processes", sleeping.count()));
    found
}

fn refused(env: &TestEnv, what: &str, reason: &str, mends: bool) -> Ran {
    let before = effects(env);
    let mut last = None;
    for command in MUTATING {
        let ran = env.nkapp(command).exits(4).says("state.json").says(reason);
        assert_eq!(effects(env), before, "{what}: {command:?}");
        last = Some(ran);
    }
    let last = last.expect("a command");
    if mends {
        last.says("nkapp state rebuild")
            .says("nkapp state push --force")
            .says("backups/state.json.")
    } else {
        last
    }
}

#[test]
fn f18_a_damaged_state_stops_every_change_and_offers_the_kept_copies() {
    let env = deployed();
    let path = env.folder().join("state.json");
    let good = std::fs::read(&path).expect("a state");
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 4;
        bytes
    };
    let damages: [(&str, Vec<u8>, &str); 7] = [
        ("empty", Vec::new(), "empty"),
        ("zeros", vec![0; 9000], "not JSON"),
        ("half", good[..good.len() / 2].to_vec(), "cut off"),
        ("a flip at the start", flipped(1), "not JSON"),
        ("a flip inside", flipped(good.len() / 2), "state.json"),
        ("brackets", "[".repeat(100_000).into_bytes(), "not JSON"),
        ("a hundred megabytes", vec![b' '; 100 << 20], "larger than"),
    ];
    let cases = damages.len();
    for (what, bytes, reason) in damages {
        std::fs::write(&path, &bytes).expect("written");
        refused(&env, what, reason, true);
        assert_eq!(std::fs::read(&path).expect("kept"), bytes, "{what}");
    }
    // Neither is it overwritten by asking what is there.
    std::fs::write(&path, "").expect("written");
    for look in [&["plan"][..], &["status"], &["state", "show"], &["drift"]] {
        env.nkapp(look).exits(4).says("state.json");
    }
    std::fs::write(&path, &good).expect("written");
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    let own = "f18_a_damaged_state_stops_every_change_and_offers_the_kept_copies";
    tried(own, cases);
}

#[test]
fn f18_what_is_no_regular_file_is_named_and_not_opened() {
    let env = deployed();
    let path = env.folder().join("state.json");
    let good = std::fs::read(&path).expect("a state");
    let elsewhere = env.folder().join("elsewhere.json");
    std::fs::write(&elsewhere, &good).expect("written");
    let fifo = |path: &Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.expect("mkfifo runs").success());
    };
    let remove = || {
        let _ = std::fs::remove_file(&path);
        let _ = std::fs::remove_dir(&path);
    };
    remove();
    symlink(&elsewhere, &path).expect("linked");
    refused(&env, "link", "a symbolic link", true);
    remove();
    fifo(&path);
    refused(&env, "FIFO", "a FIFO", true);
    remove();
    std::fs::create_dir(&path).expect("folder");
    refused(&env, "folder", "a folder", true);
    remove();
    assert_eq!(std::fs::read(&elsewhere).expect("kept"), good);
    std::fs::write(&path, &good).expect("written");
    env.nkapp(&["deploy", "-y"]).exits(0);
}

#[test]
fn f18_a_missing_state_is_lost_and_not_nothing_deployed() {
    let env = deployed();
    let path = env.folder().join("state.json");
    let good = std::fs::read(&path).expect("a state");
    std::fs::remove_file(&path).expect("removed");
    refused(&env, "missing", "not because nothing was deployed", true);
    assert!(!path.exists());
    env.nkapp(&["plan"]).exits(4).says("it is missing");
    // As the message says, either way.
    let backups = env.folder().join(".nanokit/backups");
    let newest = backups.join(newest(&backups));
    let newest = newest.display().to_string();
    env.nkapp(&["state", "push", "--force", "-y", &newest])
        .exits(0);
    env.nkapp(&["plan"]).exits(0);
    std::fs::remove_file(&path).expect("removed");
    env.nkapp(&["state", "rebuild", "-y"]).exits(0);
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    let (before, after) = (read(&good), read(&std::fs::read(&path).expect("a state")));
    assert_eq!(before.lineage, after.lineage);
    assert_eq!(before.digest_key, after.digest_key, "of a kept copy");
    assert!(after.serial > before.serial, "it never goes back");
}

fn newest(backups: &Path) -> String {
    let serial = |name: &str| name.rsplit('.').next().and_then(|n| n.parse::<u64>().ok());
    let entries = std::fs::read_dir(backups).expect("backups").flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .max_by_key(|name| serial(name))
        .expect("a backup")
}

fn read(bytes: &[u8]) -> nanokit::domain::record::Record {
    state::decode(bytes).expect("a state")
}

#[test]
fn f18_a_damaged_state_is_mended_by_each_command_that_is_offered() {
    let env = deployed();
    let path = env.folder().join("state.json");
    let mends = ["rebuild", "push"];
    for mend in mends {
        std::fs::write(&path, "{\"half\":").expect("written");
        if mend == "rebuild" {
            env.nkapp(&["state", "rebuild", "-y"]).exits(0);
        } else {
            let told = env.nkapp(&["deploy", "-y"]).exits(4);
            let command = told.stderr.split("nkapp state push --force ").nth(1);
            let file = command
                .and_then(|rest| rest.split('`').next())
                .expect("a command");
            env.nkapp(&["state", "push", file, "-y"]).exits(4);
            env.nkapp(&["state", "push", "--force", "-y", file])
                .exits(0);
        }
        env.nkapp(&["deploy", "-y"]).exits(0);
        env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    }
    // Each of them left its line, made before it acted.
    let audit = env.read(".nanokit/audit.log");
    for act in ["\"act\":\"rebuild\"", "\"act\":\"force_push\""] {
        assert!(audit.contains(act), "{audit}");
    }
    assert!(audit.contains("cut off"), "what was found is told: {audit}");
    let own = "f18_a_damaged_state_is_mended_by_each_command_that_is_offered";
    tried(own, mends.len());
}

#[test]
fn f18_an_old_copy_in_its_place_is_a_rollback() {
    let env = deployed();
    let path = env.folder().join("state.json");
    let backups = env.folder().join(".nanokit/backups");
    // Two more, so that there is an older one to put back.
    for text in ["again", "and again"] {
        env.put("nanokit.yml", &ONE.replace("base is up", text));
        env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    }
    let good = std::fs::read(&path).expect("a state");
    let mut kept: Vec<_> = std::fs::read_dir(&backups)
        .expect("backups")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    kept.sort_by_key(|path| read(&std::fs::read(path).expect("a copy")).serial);
    std::fs::copy(&kept[0], &path).expect("copied");
    refused(&env, "rollback", "an old copy stands in its place", true);
    // A human may say that it is meant.
    let old = kept[0].display().to_string();
    env.nkapp(&["state", "push", "--force", "-y", &old])
        .exits(0);
    env.nkapp(&["state", "show"]).exits(0);
    let now = read(&std::fs::read(&path).expect("a state"));
    assert!(now.serial > read(&good).serial);
}

#[test]
fn f18_a_state_of_another_lineage_does_not_touch_what_is_here() {
    let env = deployed();
    let path = env.folder().join("state.json");
    let mut record = read(&std::fs::read(&path).expect("a state"));
    let good = record.clone();
    record.lineage = Lineage::new("0123456789abcdef0123456789abcdef");
    record.serial = Serial(1);
    std::fs::write(&path, state::encode(&record, "x")).expect("written");
    refused(&env, "lineage", "of which nothing is here", true);
    env.nkapp(&["state", "rebuild", "-y"]).exits(0);
    let now = read(&std::fs::read(&path).expect("a state"));
    assert_eq!(now.lineage, good.lineage);
}

#[test]
fn f45_a_newer_format_is_never_overwritten() {
    let env = deployed();
    let path = env.folder().join("state.json");
    let good = env.read("state.json");
    // Sealed by a rule nobody knows here: a newer one's, or damage.
    let newer = good.replacen("\"version\": 1", "\"version\": 2, \"seal\": 1", 1);
    env.put("state.json", &newer);
    refused(&env, "newer", "format version 2", false);
    let backups = env.folder().join(".nanokit/backups");
    let copy = backups.join(newest(&backups)).display().to_string();
    env.nkapp(&["state", "rebuild", "-y"])
        .exits(4)
        .says("newer");
    env.nkapp(&["state", "push", "--force", "-y", &copy])
        .exits(4)
        .says("newer");
    assert_eq!(env.read("state.json"), newer);
    // As the message says where no newer one wrote it.
    std::fs::rename(&path, path.with_extension("json.kept")).expect("moved away");
    env.nkapp(&["state", "rebuild", "-y"]).exits(0);
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    assert_eq!(env.read("state.json.kept"), newer);
    std::fs::write(&path, &good).expect("written");
}

#[test]
fn f18_a_flipped_digit_of_the_version_is_damage_that_is_mended_and_kept() {
    let env = deployed();
    let good = env.read("state.json");
    let backups = env.folder().join(".nanokit/backups");
    let copy = backups.join(newest(&backups)).display().to_string();
    for (old, new) in [
        ("\"version\": 1", "\"version\": 3"),
        ("nanokit-state", "nanokit-spate"),
    ] {
        for mend in [
            &["state", "rebuild", "-y"][..],
            &["state", "push", "--force", "-y", &copy],
        ] {
            let flipped = good.replacen(old, new, 1);
            env.put("state.json", &flipped);
            refused(&env, new, "checksum", true);
            env.nkapp(mend).exits(0);
            let kept = std::fs::read_dir(&backups).expect("backups").flatten();
            let is_kept = |path| std::fs::read_to_string(path).is_ok_and(|text| text == flipped);
            assert!(
                kept.map(|entry| entry.path()).any(is_kept),
                "{new}, {mend:?}"
            );
        }
    }
}

#[test]
fn damaged_decisions_about_drift_are_told_and_everything_is_not_restored_meanwhile() {
    let env = TestEnv::with(ONE);
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    let ignore = ["drift", "ignore", "base:status", "--reason", "a trial"];
    env.nkapp(&ignore).exits(0);
    let path = env.folder().join(".nanokit/ignored.state.json");
    let good = std::fs::read(&path).expect("decisions");
    let clear = || {
        let _ = std::fs::remove_file(&path);
        let _ = std::fs::remove_dir(&path);
    };
    let newer = String::from_utf8_lossy(&good).replace("\"version\": 1", "\"version\": 9");
    let breaks: [(&str, &dyn Fn()); 7] = [
        ("cut", &|| {
            std::fs::write(&path, &good[..good.len() / 2]).expect("written");
        }),
        ("empty", &|| std::fs::write(&path, "").expect("written")),
        ("newer", &|| std::fs::write(&path, &newer).expect("written")),
        ("huge", &|| {
            std::fs::write(&path, vec![b' '; 2 << 20]).expect("written");
        }),
        ("folder", &|| std::fs::create_dir(&path).expect("made")),
        ("fifo", &|| {
            let made = std::process::Command::new("mkfifo").arg(&path).status();
            assert!(made.expect("mkfifo runs").success());
        }),
        ("link", &|| symlink("elsewhere", &path).expect("linked")),
    ];
    for (what, break_it) in breaks {
        clear();
        break_it();
        for look in [&["drift"][..], &["status"]] {
            let ran = env.nkapp(look);
            assert!(matches!(ran.code, 0 | 2), "{what}: {}", ran.stderr);
            ran.says("what is ignored is not known").says("mv ");
        }
        let all = env.nkapp(&["drift", "--restore", "-y"]);
        assert_eq!(all.code, 4, "{what}: {}{}", all.stdout, all.stderr);
        all.says("ignored.state.json").says("mv ");
        env.nkapp(&["drift", "--restore", "base", "-y"]).exits(0);
    }
    clear();
    env.nkapp(&["drift", "--restore", "-y"]).exits(0);
}

#[test]
fn a_missing_plan_and_a_missing_state_are_named_with_the_next_command() {
    let env = TestEnv::with(ONE);
    env.nkapp(&["deploy", "-y", "--plan", "gone.json"])
        .exits(5)
        .says("gone.json")
        .says("nkapp plan");
    env.nkapp(&["state", "show"])
        .exits(0)
        .says("nothing was deployed");
    let env = deployed();
    std::fs::remove_file(env.folder().join("state.json")).expect("it was there");
    env.nkapp(&["state", "show"])
        .exits(4)
        .says("it is missing")
        .says("nkapp state rebuild");
    let plan = env.nkapp(&["plan"]).exits(4).says("nkapp state rebuild");
    assert!(!plan.stderr.contains("deploy --plan"), "{}", plan.stderr);
    env.nkapp(&["state", "rebuild", "-y"]).exits(0);
    env.nkapp(&["state", "show"]).exits(0);
}

//! What is remembered of the lock, through the real binary: who took it, gave it back, cleared it; and how a record that
//! nobody can read is cleared.

use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::cli_env::TestEnv;

const ONE: &str = "\
name: small
infra: { provider: process }
services: { base: { start: [sh, -c, 'exec sleep 600'], volumes: ['./out:/out'] } }
";

fn one() -> TestEnv {
    let env = TestEnv::with(ONE);
    env.put("out/below/file", "");
    env
}

fn acts(env: &TestEnv) -> Vec<String> {
    let history = env
        .nkapp(&["infra", "lock", "--history", "--json"])
        .exits(0);
    let history = history.json();
    let deeds = history["history"].as_array().expect("a list").clone();
    deeds.iter().map(|deed| text(deed, "act")).collect()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

#[test]
fn what_was_done_with_the_lock_is_told_newest_first() {
    let env = one();
    env.nkapp(&["infra", "lock", "--history"])
        .exits(0)
        .says("never taken");
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    env.nkapp(&["destroy", "-y", "-q"]).exits(0);
    assert_eq!(acts(&env), ["release", "take", "release", "take"]);
    let path = env.folder().join(".nanokit/lock/state.json");
    let record = std::fs::read_to_string(&path).expect("a tombstone");
    let mut held: Value = serde_json::from_str(&record).expect("a record");
    // A holder of another machine with a name that would move the cursor.
    held["status"] = "held".into();
    held["holder"]["user"] = "mallory\u{1b}[2J\u{9b}31m".into();
    held["holder"]["machine"] = "elsewhere".into();
    held["holder"]["boot_id"] = "elsewhere".into();
    held.as_object_mut().expect("an object").remove("sha256");
    std::fs::write(&path, held.to_string()).expect("written");
    let id = text(&held, "lock_id");
    let reason = "it\u{1b}]0;owned\u{7} hangs\nreally";
    env.nkapp(&["infra", "unlock", &id[..8], "--force", "--reason", reason])
        .exits(0);
    let shown = env.nkapp(&["infra", "lock", "--history"]).exits(0);
    assert!(
        !shown.stdout.contains(['\u{1b}', '\u{7}', '\u{9b}']),
        "{:?}",
        shown.stdout
    );
    let first = shown.stdout.lines().nth(1).expect("a line");
    for part in [
        "tester@",
        "cleared it by force",
        &id[..8],
        "mallory",
        "verdict unknown",
        "hangs",
    ] {
        assert!(first.contains(part), "`{part}` in {first}");
    }
    // It is told when the state is damaged, and what is torn is counted, not hidden.
    env.put("state.json", "{");
    let log = env.read(".nanokit/lock.log") + "{\"at\": torn\n";
    env.put(".nanokit/lock.log", &log);
    assert_eq!(acts(&env)[0], "force_unlock");
    env.nkapp(&["infra", "lock", "--history"])
        .exits(0)
        .says("1 line cannot be read");
}

#[test]
fn f43_a_record_nobody_can_read_is_cleared_by_the_digest_that_is_shown() {
    let env = one();
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    let path = env.folder().join(".nanokit/lock/state.json");
    std::fs::write(&path, "{\"format").expect("written");
    let report = env.nkapp(&["infra", "lock", "--json"]).exits(0).json();
    let digest = text(&report, "version");
    env.nkapp(&["infra", "lock"])
        .exits(0)
        .says(&digest)
        .says("nobody can read");
    env.nkapp(&["infra", "unlock", "-y"]).exits(5).says(&digest);
    let force = |id: &str| env.nkapp(&["infra", "unlock", id, "--force", "--reason", "torn"]);
    force(&digest[..7]).exits(4);
    force("0123456789").exits(4);
    force(&digest[..8]).exits(0).says("Cleared");
    let epoch = |text: String| {
        let record: Value = serde_json::from_str(&text).expect("a record");
        record["epoch"].as_u64().expect("a number")
    };
    assert!(
        epoch(env.read(".nanokit/lock/state.json")) > 1,
        "no epoch is used twice"
    );
    env.put("nanokit.yml", &ONE.replace("600", "601"));
    env.nkapp(&["deploy", "-y", "-q", "--lock-timeout", "60"])
        .exits(0);
    // What is no file at all cannot be replaced, and that is said.
    std::fs::remove_file(&path).expect("removed");
    symlink("/etc/hostname", &path).expect("linked");
    force("0123456789").exits(5).says("move it away");
}

#[test]
fn one_folder_is_one_project_by_whichever_path() {
    let env = one();
    symlink(".", env.folder().join("link")).expect("linked");
    env.nkapp(&["deploy", "-y", "-q", "-f", "link/nanokit.yml"])
        .exits(0);
    for file in [
        "nanokit.yml",
        "link/nanokit.yml",
        "out/../link/link/nanokit.yml",
    ] {
        env.nkapp(&["plan", "--detailed-exitcode", "-f", file])
            .exits(0);
    }
    let mut below = env.command(&["plan", "--detailed-exitcode"]);
    let ended = below
        .current_dir(env.folder().join("link/out/below"))
        .output();
    assert_eq!(ended.expect("it runs").status.code(), Some(0));
}

#[test]
fn a_state_that_was_pulled_and_changed_is_pushed_with_everything_a_newer_version_wrote() {
    let env = one();
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    let pull = || {
        let pulled = env.nkapp(&["state", "pull"]).exits(0);
        serde_json::from_str::<Value>(&pulled.stdout).expect("a document")
    };
    let mut document = pull();
    document["later"] = serde_json::json!({"kept": [1, null, "two"]});
    document["resources"]["service.base"]["colour"] = "red".into();
    env.put("edited.json", &document.to_string());
    env.nkapp(&["state", "push", "edited.json", "-y"])
        .exits(5)
        .says("sha256");
    document
        .as_object_mut()
        .expect("an object")
        .remove("sha256");
    env.put("edited.json", &document.to_string());
    env.nkapp(&["state", "push", "edited.json", "-y"]).exits(0);
    let kept = |when: &str| {
        let state: Value = serde_json::from_str(&env.read("state.json")).expect("a state");
        assert_eq!(state["later"]["kept"][2], "two", "{when}");
        assert_eq!(
            state["resources"]["service.base"]["colour"], "red",
            "{when}"
        );
    };
    kept("pushed");
    assert_eq!(pull()["later"]["kept"][0], 1, "pulled again");
    env.put("nanokit.yml", &ONE.replace("600", "601"));
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    kept("deployed");
    env.nkapp(&["state", "rebuild", "-y"]).exits(0);
    kept("rebuilt");
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_copy_is_brought_back_where_lock_and_state_are_both_lost() {
    let env = one();
    for seconds in ["601", "602", "603"] {
        env.put("nanokit.yml", &ONE.replace("600", seconds));
        env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    }
    env.put("good.json", &env.read("state.json"));
    env.put("state.json", "{");
    std::fs::remove_dir_all(env.folder().join(".nanokit/lock")).expect("removed");
    env.nkapp(&["state", "push", "good.json", "--force", "-y"])
        .exits(0);
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    env.put("nanokit.yml", &ONE.replace("600", "604"));
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    let state: Value = serde_json::from_str(&env.read("state.json")).expect("a state");
    assert!(state["fence"].as_u64() > Some(3), "no epoch is used twice");
}

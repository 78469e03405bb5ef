//! Verbs that only read the file, and everything that goes wrong before an engine is needed.

use crate::cli_env::{SMALL, TestEnv};

#[test]
fn offline_verbs_answer_without_an_engine() {
    let env = TestEnv::with(SMALL);
    env.nkapp(&["validate"]).exits(0).says("valid: small");
    env.nkapp(&["graph"]).exits(0).says("service.top ←");
    env.nkapp(&["graph", "--format", "dot"])
        .exits(0)
        .says("digraph");
    env.nkapp(&["graph", "--format", "mermaid"])
        .exits(0)
        .says("service.top");
    env.nkapp(&["config"]).exits(0).says("name: small");
    env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
    env.nkapp(&["run", "list"]).exits(0).says("No runs yet");
    env.nkapp(&["state", "show"]).exits(0).says("No state");
    // None of them left anything behind.
    assert!(!env.folder().join("state.json").exists());
    assert!(!env.folder().join(".nanokit").exists());
}

#[test]
fn every_document_is_json_and_nothing_else() {
    let env = TestEnv::with(SMALL);
    for verb in [
        &["validate"][..],
        &["config"],
        &["graph"],
        &["schema"],
        &["infra", "lock"],
        &["infra", "unlock", "-y"],
        &["run", "list"],
        &["state", "show"],
        &["plan"],
        &["status"],
        &["drift"],
        &["doctor"],
        &["changelog"],
    ] {
        let mut arguments = verb.to_vec();
        arguments.push("--json");
        let ran = env.nkapp(&arguments).exits(0);
        ran.json();
        assert!(!ran.stdout.contains('\u{1b}'));
    }
    let graph = env.nkapp(&["graph", "--json"]).json();
    assert_eq!(graph["resources"].as_array().map(Vec::len), Some(5));
}

#[test]
fn the_file_is_found_from_a_folder_below() {
    let env = TestEnv::with(SMALL);
    let below = env.folder().join("a/b");
    std::fs::create_dir_all(&below).expect("folder");
    let output = env
        .command(&["validate"])
        .current_dir(&below)
        .output()
        .expect("nkapp runs");
    assert!(output.status.success());
    env.nkapp(&["validate", "-f", "nanokit.yml"]).exits(0);
    env.nkapp(&["validate", "-f", "other.yml"])
        .exits(3)
        .says("other.yml");
}

#[test]
fn a_broken_file_tells_every_fault_with_its_place_and_exits_with_3() {
    let env = TestEnv::with(
        "name: small\nservices:\n  api:\n    imagge: x\n    depends_on: [dbb]\n  db: { image: y }\n",
    );
    for verb in ["validate", "plan", "config", "status"] {
        env.nkapp(&[verb])
            .exits(3)
            .says("nanokit.yml:4:5")
            .says("`image`")
            .says("dbb");
    }
    let found = env.nkapp(&["validate", "--json"]).exits(3).json();
    assert_eq!(found["valid"], false);
    let findings = found["diagnostics"].as_array().expect("a list");
    assert!(findings.len() >= 2, "{found:#}");
    assert_eq!(findings[0]["place"]["line"], 4);
    let events = env.nkapp(&["deploy", "-y", "--json"]).exits(3).events();
    let last = events.last().expect("a line");
    assert_eq!(last["kind"], "run_finished");
    assert_eq!(last["outcome"], "refused");
    assert_eq!(last["exit_code"], 3);
}

#[test]
fn a_missing_file_names_the_next_command() {
    let env = TestEnv::new();
    env.nkapp(&["plan"]).exits(3).says("nkapp init");
    env.nkapp(&["plan", "--json"]).exits(3).json();
}

#[test]
fn init_writes_a_file_that_validates_and_never_overwrites() {
    let env = TestEnv::new();
    env.nkapp(&["init"]).exits(0).says("nkapp plan");
    env.nkapp(&["validate"]).exits(0);
    let before = env.read("nanokit.yml");
    env.nkapp(&["init"]).exits(5);
    assert_eq!(env.read("nanokit.yml"), before);
    TestEnv::new().nkapp(&["init", "Not A Name"]).exits(5);
}

#[test]
fn mistakes_on_the_command_line_exit_with_1_and_help_with_0() {
    let env = TestEnv::new();
    env.nkapp(&["deplyo"]).exits(1).says("deploy");
    env.nkapp(&["deploy", "--schedule", "odd"]).exits(1);
    env.nkapp(&["exec", "api"]).exits(1);
    env.nkapp(&["--help"]).exits(0).says("Exit codes");
    env.nkapp(&["deploy", "--help"])
        .exits(0)
        .says("--parallelism");
    env.nkapp(&["--version"]).exits(0).says("nkapp");
    env.nkapp(&["completions", "bash"]).exits(0).says("unlock");
    env.nkapp(&["man"]).exits(0).says(".TH nkapp");
    // Without a terminal there is no panel to open.
    env.nkapp(&[]).exits(5).says("terminal");
    env.nkapp(&["ui"]).exits(5).says("terminal");
}

#[test]
fn unknown_services_are_named_with_the_nearest_one() {
    let env = TestEnv::with(SMALL);
    env.nkapp(&["deploy", "-y", "bsae"]).exits(1).says("`base`");
    env.nkapp(&["logs", "nothing-like-it"])
        .exits(1)
        .says("base");
    env.nkapp(&["logs", "base[x]"]).exits(1).says("api[0]");
}

#[test]
fn nothing_is_changed_without_agreement() {
    let env = TestEnv::with(SMALL);
    env.nkapp(&["deploy"]).exits(5).says("nkapp deploy -y");
    // There is nothing to destroy, so nobody has to agree.
    env.nkapp(&["destroy"]).exits(0).says("Nothing to do");
    env.nkapp(&["clean", "-y"]).exits(5).says("--force");
    env.nkapp(&["state", "rebuild"]).exits(5);
    let events = env.nkapp(&["deploy", "--json"]).exits(5).events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["exit_code"], 5);
    assert!(!env.folder().join("state.json").exists());
}

#[test]
fn the_platform_that_stands_in_for_a_silent_engine_is_said_before_anything_happens() {
    let env = TestEnv::with("name: small\nservices: { a: { start: [sleep, '1000'] } }\n");
    for words in [&["plan"][..], &["status"], &["drift"], &["deploy", "-y"]] {
        let ran = env.nkapp(words).exits(0);
        let said = ran
            .stderr
            .find("host processes are used, since docker does not answer");
        let began = ran.stderr.find("service.a").unwrap_or(usize::MAX);
        assert!(said.is_some_and(|at| at < began), "{}", ran.stderr);
    }
    env.nkapp(&["clean", "-y", "--force"]).exits(0);
}

#[test]
fn a_wanted_engine_that_does_not_answer_is_named_with_its_endpoint() {
    let env =
        TestEnv::with("name: small\ninfra: { provider: docker }\nservices: { a: { image: x } }\n");
    env.nkapp(&["plan"])
        .exits(1)
        .says("/nowhere/docker.sock")
        .says("next:");
    env.nkapp(&["doctor"]).exits(1).says("docker");
}

#[test]
fn a_compose_file_becomes_a_project_file_and_what_is_lost_is_named() {
    let env = TestEnv::new();
    env.put(
        "compose.yaml",
        "services:\n  db: { image: 'postgres:16', cap_add: [NET_ADMIN] }\n  api: { image: 'api:1', depends_on: [db], ports: ['8080:80'] }\n",
    );
    env.nkapp(&["import", "compose.yaml"])
        .exits(0)
        .says("services.db.cap_add");
    env.nkapp(&["validate"]).exits(0).says("2 services");
    env.nkapp(&["import", "compose.yaml"]).exits(5);
    env.nkapp(&["import", "compose.yaml", "--output", "-"])
        .exits(0)
        .says("condition: started");
    env.put("bad.yaml", "[]");
    env.nkapp(&["import", "bad.yaml", "--output", "x.yml"])
        .exits(3);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let env = TestEnv::with(SMALL);
    let mut child = env.start(&["schema"]);
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("ends").code(), Some(0));
}

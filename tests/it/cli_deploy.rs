//! The whole life of a project on host processes, through the real binary.

use std::collections::BTreeSet;

use crate::cli_env::{SMALL, TestEnv};

#[test]
fn a_project_is_deployed_kept_changed_and_removed() {
    let env = TestEnv::with(SMALL);
    env.nkapp(&["plan", "--detailed-exitcode"])
        .exits(2)
        .says("5 to create");
    env.nkapp(&["deploy", "-y"])
        .exits(0)
        .says("service.top")
        .says("hook of top");
    env.nkapp(&["plan", "--detailed-exitcode"])
        .exits(0)
        .says("Nothing to do");
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["status"])
        .exits(0)
        .says("3 of 3 services ready");
    env.nkapp(&["drift"]).exits(0).says("No drift");
    env.nkapp(&["logs", "top"]).exits(0).says("top is up");
    env.nkapp(&["exec", "top", "--", "sh", "-c", "echo inside; exit 7"])
        .exits(7)
        .says("inside");
    // An edit is a change, with both values.
    env.put("nanokit.yml", &SMALL.replace("top is up", "top is changed"));
    let plan = env.nkapp(&["plan", "--json"]).exits(0).json();
    assert_eq!(plan["summary"]["update"], 1, "{plan:#}");
    env.nkapp(&["plan"])
        .exits(0)
        .says("~ service.top")
        .says("command");
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["logs", "top"]).exits(0).says("top is changed");
    // Away with it; the volume stays, until it is asked for by name.
    env.nkapp(&["destroy", "-y"]).exits(0);
    env.nkapp(&["status"])
        .exits(0)
        .says("0 of 3 services ready");
    let plan = env.nkapp(&["plan", "--json"]).json();
    let data = action(&plan, "volume.data");
    assert_eq!(data["kind"], "noop", "{plan:#}");
    env.nkapp(&["clean", "-y"]).exits(5);
    env.nkapp(&["clean", "-y", "--force"]).exits(0);
    let plan = env.nkapp(&["plan", "--json"]).json();
    assert_eq!(action(&plan, "volume.data")["kind"], "create");
}

fn action(plan: &serde_json::Value, address: &str) -> serde_json::Value {
    plan["actions"]
        .as_array()
        .and_then(|all| all.iter().find(|a| a["address"] == address))
        .unwrap_or_else(|| panic!("{address} is not in\n{plan:#}"))
        .clone()
}

#[test]
fn without_a_terminal_only_a_plan_that_does_something_needs_agreement() {
    let env = TestEnv::with(SMALL);
    let refused = env.nkapp(&["deploy"]).exits(5);
    refused.says("5 to create").says("nkapp deploy -y");
    env.nkapp(&["deploy", "--json"]).exits(5);
    env.nkapp(&["plan", "--output", "my.plan"]).exits(0);
    env.nkapp(&["deploy", "--plan", "my.plan"]).exits(5);
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["deploy"]).exits(0).says("Nothing to do");
    let events = env.nkapp(&["deploy", "--json"]).exits(0).events();
    assert_eq!(events.last().expect("lines")["outcome"], "ok");
    env.nkapp(&["drift", "--restore"]).exits(0);
    env.nkapp(&["destroy"]).exits(5);
    env.nkapp(&["destroy", "-y"]).exits(0);
    env.nkapp(&["destroy"]).exits(0).says("Nothing to do");
}

#[test]
fn json_of_a_run_is_event_lines_that_end_with_run_finished() {
    let env = TestEnv::with(SMALL);
    let events = env.nkapp(&["deploy", "-y", "--json"]).exits(0).events();
    let kinds: BTreeSet<&str> = events.iter().filter_map(|e| e["kind"].as_str()).collect();
    for kind in [
        "run_started",
        "plan_made",
        "layer_started",
        "action_started",
        "step_started",
        "log",
    ] {
        assert!(kinds.contains(kind), "{kind} is missing in {kinds:?}");
    }
    let last = events.last().expect("lines");
    assert_eq!(last["kind"], "run_finished");
    assert_eq!(last["outcome"], "ok");
    assert_eq!(last["exit_code"], 0);
    let seqs: Vec<u64> = events.iter().filter_map(|e| e["seq"].as_u64()).collect();
    assert!(seqs.is_sorted(), "{seqs:?}");
    // The journal of the run tells the same story.
    let runs = env.nkapp(&["run", "list", "--json"]).exits(0).json();
    let id = runs[0]["run_id"].as_str().expect("an id");
    let told = env.nkapp(&["run", "show", id, "--json"]).exits(0).json();
    assert_eq!(told["events"].as_array().map(Vec::len), Some(events.len()));
    assert_eq!(told["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(told["inputs"]["parallelism"], "8");
    assert!(!told["critical_path"].as_array().expect("a path").is_empty());
    let shown = env.nkapp(&["run", "show"]).exits(0);
    shown.says("service.top").says("inputs").says("trace");
    env.nkapp(&["run", "show", "--critical-path"])
        .exits(0)
        .says("critical path");
    for verb in [
        &["run", "show", "--events"][..],
        &["run", "replay", "--speed", "0"],
        &["run", "show", "--output", "service.top[0]/poststart.host"],
    ] {
        env.nkapp(verb).exits(0).says("hook of top");
    }
}

#[test]
fn a_plan_that_was_saved_is_what_runs_or_nothing() {
    let env = TestEnv::with(SMALL);
    env.nkapp(&["plan", "--output", "my.plan"]).exits(0);
    env.nkapp(&["deploy", "-y", "--plan", "my.plan"]).exits(0);
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    // It does not fit any more.
    env.nkapp(&["deploy", "-y", "--plan", "my.plan"])
        .exits(5)
        .says("stale");
    env.nkapp(&["deploy", "-y", "--plan", "no-such.plan"])
        .exits(5);
}

#[test]
fn the_same_plan_is_printed_for_the_same_input() {
    let env = TestEnv::with(SMALL);
    let first = env.nkapp(&["plan", "--json"]).exits(0).stdout;
    let second = env.nkapp(&["plan", "--json"]).exits(0).stdout;
    assert_eq!(first, second);
}

#[test]
fn a_failing_service_says_what_where_why_and_what_now() {
    let env = TestEnv::with(
        "name: small\ninfra: { provider: process }\nservices:\n  bad: { start: [sh, -c, 'echo the reason; exit 3'] }\n  after: { start: [sleep, '600'], depends_on: [bad] }\n  beside: { start: [sleep, '600'] }\n",
    );
    env.nkapp(&["deploy", "-y"])
        .exits(1)
        .says("service.bad")
        .says("the reason")
        .says("service.after skipped")
        .says("nkapp logs bad");
    let events = env.nkapp(&["deploy", "-y", "--json"]).exits(1).events();
    let last = events.last().expect("lines");
    assert_eq!(
        (last["outcome"].as_str(), last["exit_code"].as_u64()),
        (Some("failed"), Some(1))
    );
    // What runs beside it is not cut.
    let status = env.nkapp(&["status", "--json"]).exits(0).json();
    let resources = status["resources"].as_array().expect("a list");
    let beside = resources.iter().find(|r| r["address"] == "service.beside");
    assert_eq!(beside.map(|r| r["ready"] == true), Some(true), "{status:#}");
}

#[test]
fn drift_is_found_told_and_restored() {
    let env = TestEnv::with(
        "name: small\ninfra: { provider: process }\nservices: { base: { start: [sh, -c, 'echo $$$$; exec sleep 600'] } }\n",
    );
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["drift"]).exits(0);
    let pid = env.nkapp(&["logs", "base", "-n", "1"]).exits(0).stdout;
    let killed = std::process::Command::new("kill")
        .args(["-9", pid.trim()])
        .status();
    assert!(killed.expect("kill runs").success());
    // Its supervisor needs a moment to see it.
    let mut found = env.nkapp(&["drift", "--json"]);
    while found.code == 0 {
        found = env.nkapp(&["drift", "--json"]);
    }
    let found = found.exits(2).json();
    assert!(found.to_string().contains("service.base"), "{found:#}");
    env.nkapp(&["drift"])
        .exits(2)
        .says("status")
        .says("drift --restore");
    env.nkapp(&["plan", "--detailed-exitcode"])
        .exits(2)
        .says("1 drifted");
    env.nkapp(&["drift", "--restore"]).exits(5).says("-y");
    env.nkapp(&["drift", "--restore", "-y"]).exits(0);
    env.nkapp(&["drift"]).exits(0).says("No drift");
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn state_is_shown_pulled_pushed_and_rebuilt() {
    let env = TestEnv::with(SMALL);
    env.nkapp(&["deploy", "-y"]).exits(0);
    let shown = env.nkapp(&["state", "show", "--json"]).exits(0).json();
    let pulled = env.nkapp(&["state", "pull"]).exits(0);
    let document = pulled.json();
    assert_eq!(document["lineage"], shown["lineage"]);
    env.put("pulled.json", &pulled.stdout);
    // An edited document is noticed by its checksum.
    env.put(
        "edited.json",
        &pulled.stdout.replace("service.base", "service.bass"),
    );
    env.nkapp(&["state", "push", "edited.json", "-y"]).exits(5);
    env.nkapp(&["state", "push", "pulled.json"]).exits(5);
    env.nkapp(&["state", "push", "pulled.json", "-y"]).exits(0);
    // By now it is older than what is recorded.
    env.nkapp(&["state", "push", "pulled.json", "-y"])
        .exits(4)
        .says("older");
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    // A lost state is made anew from what runs.
    std::fs::remove_file(env.folder().join("state.json")).expect("removed");
    env.nkapp(&["state", "rebuild", "-y"]).exits(0);
    let rebuilt = env.nkapp(&["state", "show", "--json"]).exits(0).json();
    assert_eq!(rebuilt["lineage"], shown["lineage"]);
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_damaged_state_is_refused_and_kept() {
    let env = TestEnv::with(SMALL);
    env.put("state.json", "{\"not\": \"a state\"");
    env.nkapp(&["deploy", "-y"])
        .exits(4)
        .says("state.json")
        .says("nkapp state rebuild");
    assert_eq!(env.read("state.json"), "{\"not\": \"a state\"");
    std::fs::remove_file(env.folder().join("state.json")).expect("removed");
}

#[test]
fn the_demo_runs_on_host_processes_without_a_terminal() {
    let env = TestEnv::new();
    env.nkapp(&["demo"])
        .exits(0)
        .says("host processes are used")
        .says("Plan: 9 to create")
        .says("6 of 6 services ready")
        .says("nkapp destroy");
    let file = "nanokit-demo/nanokit.yml";
    env.nkapp(&["plan", "-f", file, "--detailed-exitcode"])
        .exits(0);
    env.nkapp(&["clean", "-y", "--force", "-f", file]).exits(0);
}

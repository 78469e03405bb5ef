//! What an operator approved is what an action does: scripts by their content, inputs as text, secrets nowhere.

use std::os::unix::fs::PermissionsExt as _;

use crate::cli_env::TestEnv;

const SERVICES: &str = "\
name: approved
infra: { provider: process }
version: 'VERSION'
services:
  app:
    start: [sh, -c, 'exec sleep 600']
    instances: 2
    healthcheck: { test: [CMD, 'true'], interval: 100ms }
";

fn project(version: &str, actions: &str) -> String {
    format!("{}{actions}", SERVICES.replace("VERSION", version))
}

fn script(env: &TestEnv, name: &str, line: &str) {
    env.put(name, &format!("#!/bin/sh\n{line}\n"));
    let path = env.folder().join(name);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
}

#[test]
fn a_script_edited_after_the_plan_makes_it_stale() {
    let actions = "actions:\n  - { name: up, hook: upgrade, mode: pre, steps: [run: ./up.sh] }\n";
    let env = TestEnv::with(&project("1", actions));
    script(&env, "up.sh", "echo one >> told");
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.put("nanokit.yml", &project("2", actions));
    env.nkapp(&["plan", "--output", "up.json"]).exits(0);
    script(&env, "up.sh", "echo another >> told");
    let stale = env.nkapp(&["deploy", "-y", "--plan", "up.json"]).exits(5);
    stale.says("stale");
    assert_eq!(env.read("told"), "");
    env.nkapp(&["plan", "--output", "up.json"]).exits(0);
    env.nkapp(&["deploy", "-y", "--plan", "up.json"]).exits(0);
    assert_eq!(env.read("told"), "another\n");
}

#[test]
fn a_script_that_changes_under_a_run_is_not_run_and_a_resume_approves_it_anew() {
    let actions = "\
actions:
  - name: two
    hook: manual
    steps:
      - run: 'echo first >> told; echo \"echo slipped in >> told\" >> late.sh'
      - run: [sh, ./late.sh]
";
    let env = TestEnv::with(&project("1", actions));
    script(&env, "late.sh", "echo late >> told");
    env.nkapp(&["deploy", "-y"]).exits(0);
    let refused = env.nkapp(&["action", "run", "two", "-y"]).exits(1);
    refused.says("`late.sh` is not the script this plan was made with");
    assert_eq!(env.read("told"), "first\n");
    env.nkapp(&["action", "run", "two", "--resume", "-y"])
        .exits(0);
    assert_eq!(env.read("told"), "first\nlate\nslipped in\n");
}

#[test]
fn a_resume_after_the_file_was_edited_never_takes_one_step_for_another() {
    let action = |steps: &[&str]| {
        let steps: String = steps
            .iter()
            .map(|line| format!("      - {line}\n"))
            .collect();
        project(
            "1",
            &format!("actions:\n  - name: two\n    hook: manual\n    steps:\n{steps}"),
        )
    };
    let (a, x) = ("run: echo A >> told", "run: echo X >> told");
    let (broken, mended) = ("run: exit 3", "run: echo B >> told");
    let env = TestEnv::with(&action(&[a, broken]));
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["action", "run", "two", "-y"]).exits(1);
    let resume = ["action", "run", "two", "--resume", "-y"];
    // `run.0` would be another one.
    env.put("nanokit.yml", &action(&[x, a, mended]));
    let refused = env.nkapp(&resume).exits(5);
    refused.says("step `run.0` of `two` is finished, but the file has something else in its place");
    assert_eq!(env.read("told"), "A\n");
    // What failed may be mended, and a step with a name keeps its place.
    env.put(
        "nanokit.yml",
        &action(&["{ name: new, run: echo X >> told }", a, mended]),
    );
    env.nkapp(&resume).exits(0);
    assert_eq!(env.read("told"), "A\nX\nB\n");
}

#[test]
fn after_a_scale_the_wait_is_for_those_that_are_left() {
    let actions = "\
actions:
  - name: small
    hook: manual
    steps:
      - scale: { service: app, to: 1 }
      - { wait: { healthy: app }, timeout: 20s }
      - scale: { service: app, to: 0 }
      - scale: { service: app, to: 2 }
      - { wait: { healthy: app }, timeout: 20s }
  - name: fewer
    hook: manual
    steps: [scale: { service: app, to: 1 }, wait: { time: 1ms }]
";
    let env = TestEnv::with(&project("1", actions));
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["action", "run", "small", "-y"]).exits(0);
    env.nkapp(&["drift"]).exits(0);
    // What is not kept is put back.
    env.nkapp(&["action", "run", "fewer", "-y"]).exits(0);
    env.nkapp(&["drift"]).exits(0);
    env.put(
        "nanokit.yml",
        &project("1", &actions.replace("to: 2", "to: 3")),
    );
    env.nkapp(&["action", "run", "small", "-y"])
        .exits(3)
        .says("asks for 3 instances of `app`")
        .says("nanokit.yml:16:");
}

#[test]
fn what_was_stopped_for_an_upgrade_runs_again_before_its_post() {
    let actions = "\
actions:
  - { name: quiet, hook: upgrade, mode: pre, steps: [stop: app] }
  - name: verify
    hook: upgrade
    mode: post
    cleanup: true
    steps: [{ wait: { healthy: app }, timeout: 20s }, { run: test -e open }]
";
    let env = TestEnv::with(&project("1", actions));
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.put("nanokit.yml", &project("2", actions));
    let failed = env.nkapp(&["deploy", "-y"]).exits(1);
    failed.says("verify/run");
    env.put("open", "");
    env.nkapp(&["action", "run", "verify", "--abort", "-y"])
        .exits(0);
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["drift"]).exits(0);
}

#[test]
fn what_an_action_stopped_stays_so_until_it_goes_on_or_somebody_names_it() {
    let file = "\
name: held
infra: { provider: process }
services:
  app: { start: [sh, -c, 'echo $$$$; exec sleep 600'] }
actions:
  - { name: mend, hook: manual, steps: [stop: app, run: test -e open] }
";
    let env = TestEnv::with(file);
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["action", "run", "mend", "-y"]).exits(1);
    let stopped = || {
        env.nkapp(&["status"])
            .exits(0)
            .stdout
            .contains("0 of 1 service")
    };
    assert!(stopped());
    env.nkapp(&["drift"]).exits(0);
    env.nkapp(&["drift", "--restore", "-y"]).exits(0);
    env.nkapp(&["deploy", "-y"])
        .exits(0)
        .says("stays stopped until action mend goes on or is given up");
    assert!(stopped());
    // Whoever names it has it started, and from then on it is missed when it dies.
    env.nkapp(&["deploy", "app", "-y"]).exits(0);
    assert!(!stopped());
    let pid = env.nkapp(&["logs", "app", "-n", "1"]).exits(0).stdout;
    let mut killed = std::process::Command::new("kill");
    let killed = killed.args(["-9", pid.trim()]);
    assert!(killed.status().expect("kill runs").success());
    while !stopped() {
        // Its supervisor needs a moment to see it.
    }
    env.nkapp(&["drift"]).exits(2).says("service.app");
    env.put("open", "");
    env.nkapp(&["action", "run", "mend", "--resume", "-y"])
        .exits(0);
    env.nkapp(&["drift"]).exits(0);
    assert!(!stopped());
}

#[test]
fn inputs_are_text_and_secret_ones_are_seen_nowhere() {
    let actions = "\
actions:
  - name: tell
    hook: manual
    inputs: { WHO: { required: true }, TOKEN: { secret: true, required: true } }
    steps:
      - run: 'printf \"%s\\n\" \"$WHO\" > told; echo token $TOKEN; echo $TOKEN | base64'
      - exec: { service: app, run: [sh, -c, 'echo in $TOKEN'] }
      - job: { service: app, run: [sh, -c, 'echo job $TOKEN; exit 3'] }
";
    let env = TestEnv::with(&project("1", actions));
    env.nkapp(&["deploy", "-y"]).exits(0);
    let who = "a; touch pwned $(touch pwned) `touch pwned` 'b' \"c\" | d";
    let (who_input, token) = (format!("WHO={who}"), "TOKEN=canary-of-the-input");
    let missing = env
        .nkapp(&["action", "run", "tell", "-y", "--input", token])
        .exits(5);
    missing.says("--input WHO=VALUE");
    let arguments = [
        "action", "run", "tell", "-y", "--input", &who_input, "--input", token,
    ];
    let failed = env.nkapp(&arguments).exits(1).never_says("canary");
    failed.says("nkapp action run tell --resume");
    assert_eq!(env.read("told"), format!("{who}\n"));
    assert!(!env.folder().join("pwned").exists());
    // The secret is not remembered, so whoever resumes is asked for it again.
    let resumed = env
        .nkapp(&["action", "run", "tell", "-y", "--resume"])
        .exits(5);
    resumed.says("--input TOKEN=VALUE");
    let mut folders = vec![env.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)
            .expect("a folder")
            .filter_map(Result::ok)
        {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                let text = String::from_utf8_lossy(&bytes);
                assert!(
                    !text.contains("canary-of") && !text.contains("Y2FuYXJ5LW9m"),
                    "{}",
                    path.display()
                );
            }
        }
    }
}

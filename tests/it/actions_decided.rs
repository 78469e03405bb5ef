//! An action that stopped: what is refused names what to type, and whoever passes over a step or gives it up is on record.

use serde_json::Value;

use crate::cli_env::TestEnv;

const MEND: &str = "\
name: decided
infra: { provider: process }
services:
  app: { start: [sh, -c, 'echo $$$$ > app.pid; exec sleep 600'] }
actions:
  - name: mend
    hook: manual
    inputs:
      TICKET: { required: true }
      PIN: { required: true, secret: true }
    steps:
      - { name: one, run: 'true' }
      - { name: two, run: 'exit 4' }
      - { name: three, run: 'true' }
";

/// The decisions on record: what, which step, why.
fn decisions(env: &TestEnv) -> Vec<(String, String, String)> {
    let lines = env.read(".nanokit/audit.log");
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"))
        .map(|line| {
            assert_eq!(line["action"], "mend");
            assert!(text(&line, "by").starts_with("tester@"), "{line}");
            assert!(!text(&line, "at").is_empty() && !text(&line, "run").is_empty());
            (
                text(&line, "act"),
                text(&line, "step"),
                text(&line, "reason"),
            )
        })
        .collect()
}

#[test]
fn what_is_refused_names_what_to_type_and_a_decision_is_on_record() {
    let env = TestEnv::with(MEND);
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    let whole = "next: nkapp action run mend --input PIN=VALUE --input TICKET=VALUE -y";
    env.nkapp(&["action", "run", "mend"]).exits(5).says(whole);
    env.nkapp(&["action", "run", "mend", "-y"])
        .exits(5)
        .says(whole);
    let inputs = ["--input", "TICKET=7", "--input", "PIN=4711-4711", "-y"];
    let run = |more: &[&str]| {
        let words = ["action", "run", "mend"].iter().chain(more).chain(&inputs);
        env.nkapp(&words.copied().collect::<Vec<_>>())
    };
    let resume = "nkapp action run mend --resume --input PIN=VALUE";
    run(&[]).exits(1).says(&format!("next: {resume}"));
    env.nkapp(&["status"]).exits(0).says(resume);
    assert_eq!(decisions(&env), []);
    run(&["--skip", "three", "--reason", "late"])
        .exits(5)
        .says("it stopped at `two`, and only that can be skipped")
        .says("next: nkapp action run mend --skip two --reason \"why\" --input PIN=VALUE");
    assert_eq!(decisions(&env), []);
    run(&["--skip", "two", "--reason", "known, see 4711-4711"]).exits(0);
    run(&[]).exits(1);
    env.nkapp(&["action", "run", "mend", "--abort", "-y"])
        .exits(0);
    let decided = decisions(&env);
    let decided: Vec<(&str, &str)> = decided
        .iter()
        .map(|(act, step, _)| (act.as_str(), step.as_str()))
        .collect();
    assert_eq!(decided, [("skip", "two"), ("abort", "two")]);
    assert!(decisions(&env)[0].2.starts_with("known, see "));
    assert!(!env.read(".nanokit/audit.log").contains("4711-4711"));
    env.nkapp(&["infra", "lock", "--history"])
        .exits(0)
        .says("passed over a step")
        .says("action.mend/two, known");
}

#[test]
fn what_nobody_has_is_not_ignored_and_a_rule_is_taken_back_by_its_address() {
    let env = TestEnv::with(MEND);
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    let ignore = |subject: &str| env.nkapp(&["drift", "ignore", subject, "--reason", "a trial"]);
    ignore("service.apb")
        .exits(5)
        .says("there is no `service.apb`")
        .says("did you mean `service.app`?")
        .says("next: nkapp drift");
    ignore("service.app:status").exits(0);
    env.nkapp(&["drift", "unignore", "volume.data"])
        .exits(5)
        .says("ignored is service.app:status: a trial");
    env.nkapp(&["drift", "unignore", "service.app"])
        .exits(0)
        .says("service.app:status counts again");
    let pid = env.read("app.pid").trim().parse().expect("a number");
    let pid = rustix::process::Pid::from_raw(pid).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it lives");
    let began = std::time::Instant::now();
    while env.nkapp(&["drift"]).code == 0 {
        assert!(
            began.elapsed() < std::time::Duration::from_secs(30),
            "no drift"
        );
    }
    env.nkapp(&["drift", "--restore", "app"])
        .exits(5)
        .says("next: nkapp drift --restore app -y");
}

#[test]
fn decisions_made_at_the_same_time_are_all_kept() {
    use std::fmt::Write as _;
    let names: Vec<String> = (0..12).map(|n| format!("s{n:02}")).collect();
    let mut text = "name: decided\ninfra: { provider: process }\nservices:\n".to_owned();
    for name in &names {
        let _ = writeln!(text, "  {name}: {{ start: [sleep, '600'] }}");
    }
    let env = TestEnv::with(&text);
    let start = |name: &String| {
        let subject = format!("service.{name}");
        let mut command = env.command(&["drift", "ignore", &subject, "--reason", "a trial"]);
        command.stdout(std::process::Stdio::null());
        command.spawn().expect("nkapp starts")
    };
    let all: Vec<_> = names.iter().map(start).collect();
    for mut one in all {
        assert!(one.wait().expect("it ends").success());
    }
    let listed = env.nkapp(&["drift", "ignored"]).exits(0);
    for name in &names {
        assert!(
            listed.stdout.contains(name.as_str()),
            "{name}: {}",
            listed.stdout
        );
    }
}

#[test]
fn output_of_a_hook_that_only_warns_is_shown_once_and_what_is_not_there_is_to_be_deployed() {
    let hook = "{ run: 'echo told by the hook; exit 3', on_failure: warn }";
    let env = TestEnv::with(&format!(
        "name: once\ninfra: {{ provider: process }}\nservices:\n  app:\n    start: [sh, -c, 'echo $$$$ > app.pid; exec sleep 600']\n    hooks: {{ poststart: {hook} }}\n"
    ));
    env.nkapp(&["logs", "app"])
        .exits(1)
        .says("next: nkapp deploy");
    for quiet in [false, true] {
        let flags: &[&str] = if quiet { &["-q"] } else { &[] };
        let ran = env.nkapp(&[&["deploy", "-y"], flags].concat()).exits(0);
        let told = ran.stderr.matches("told by the hook").count();
        assert_eq!(told, 1, "{}", ran.stderr);
        env.nkapp(&["destroy", "-y", "-q"]).exits(0);
    }
}

//! Steps of actions that fail, run late or are tried again, on host processes: what is said, with which exit code, and
//! that whoever goes on does so at that step and repeats nothing finished.

use std::net::TcpListener;

use serde_json::Value;

use crate::cli_env::TestEnv;

const SERVICES: &str = "\
name: failing
infra: { provider: process }
services:
  app:
    start: [sleep, '600']
    volumes: ['data:/data']
  web:
    start: [sleep, '600']
    expose: PORT
    healthcheck: { test: [CMD, 'true'], interval: 100ms }
  weak:
    start: [sleep, '600']
    healthcheck: { test: 'test -e sick || exit 0; echo x >> seen; exit 1', interval: 50ms, retries: 1 }
volumes: { data: }
actions:
";

/// A place with these actions, deployed; nobody listens where `web` should.
fn deployed(actions: &str) -> TestEnv {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("its number").port();
    drop(free);
    let env = TestEnv::with(&format!(
        "{}{actions}",
        SERVICES.replace("PORT", &port.to_string())
    ));
    env.nkapp(&["deploy", "-y"]).exits(0);
    env
}

/// A step that fails, what is said of it, and the file whose text mends it.
struct Case {
    name: &'static str,
    step: &'static str,
    says: &'static str,
    mend: Option<(&'static str, &'static str)>,
}

const fn case(name: &'static str, step: &'static str, says: &'static str) -> Case {
    Case {
        name,
        step,
        says,
        mend: None,
    }
}

const CASES: [Case; 10] = [
    Case {
        mend: Some(("open", "")),
        ..case(
            "exit",
            "assert: { run: test -e open }",
            "the assertion does not hold: it ended with exit code 1, not 0",
        )
    },
    Case {
        mend: Some(("said", "well, bye")),
        ..case(
            "contains",
            "assert: { run: 'cat said || true', contains: bye }",
            "the assertion does not hold: its output does not hold `bye`",
        )
    },
    Case {
        mend: Some(("word", "yes\n")),
        ..case(
            "equals",
            "assert: { service: app, exec: [sh, -c, 'cat word || true'], equals: 'yes' }",
            "the assertion does not hold: its output is not `yes`",
        )
    },
    case(
        "claims",
        "assert: { service: web, http: /up }",
        "web[0] does not answer: ",
    ),
    case(
        "http",
        "{ wait: { service: web, http: /up }, timeout: 1s }",
        "Connection refused (os error 111); not done within 1 s",
    ),
    case(
        "tcp",
        "{ wait: { service: web, tcp: PORT }, timeout: 1s }",
        "Connection refused (os error 111); not done within 1 s",
    ),
    case(
        "healthy",
        "{ wait: { healthy: weak }, timeout: 1s }",
        "weak[0] is running, unhealthy; not done within 1 s",
    ),
    Case {
        mend: Some(("quick", "")),
        ..case(
            "slow",
            "{ run: 'test -e quick || { echo begun; exec sleep 600; }', timeout: 2s }",
            "it was ended after 2 s without a result",
        )
    },
    Case {
        mend: Some(("inside", "")),
        ..case(
            "exec",
            "exec: { service: app, commands: [['true'], [sh, -c, 'test -e inside || exit 7']] }",
            "it ended with exit code 7",
        )
    },
    Case {
        mend: Some(("job", "")),
        ..case(
            "job",
            "job: { service: app, run: [sh, -c, 'test -e job || exit 8'] }",
            "it ended with exit code 8",
        )
    },
];

/// The actions of all cases: each notes that it began, fails, and notes that it went on.
fn actions() -> String {
    let sick = "touch sick; until [ \"$$(wc -l < seen)\" -ge 3 ]; do :; done";
    let action = |case: &Case| {
        let (name, step) = (case.name, case.step);
        // Only so is what is waited for bad by then for sure.
        let before = if name == "healthy" { sick } else { "true" };
        let step = step.replace("tcp: PORT", "tcp: 1");
        format!(
            "  - name: {name}\n    hook: manual\n    steps:\n      - run: 'echo first >> told-{name}'\n      \
             - {{ name: before, run: '{before}' }}\n      - {step}\n      - {{ name: last, run: 'echo last >> told-{name}' }}\n"
        )
    };
    CASES.iter().map(action).collect()
}

#[test]
fn a_step_that_fails_says_why_and_what_to_do_and_is_where_it_goes_on() {
    let env = deployed(&actions());
    for case in &CASES {
        let name = case.name;
        let told = format!("told-{name}");
        let failed = env.nkapp(&["action", "run", name, "-y"]).exits(1);
        let failed = failed.says(case.says);
        // The third step; how it is called is said with every advice.
        let document = env.nkapp(&["run", "show", "--json"]).exits(0).json();
        let step = failed_step(&document);
        failed
            .says(&format!("{step} failed"))
            .says(&format!("nkapp action run {name} --resume"))
            .says(&format!("nkapp action run {name} --skip "))
            .says(&format!("nkapp action run {name} --abort"));
        assert_eq!(env.read(&told), "first\n", "{name}");
        // Neither begun anew nor passed over by itself.
        let fresh = env.nkapp(&["action", "run", name, "-y"]).exits(5);
        fresh.says(&format!("an earlier run of `{name}` stopped at its step"));
        let label = step.rsplit('/').next().expect("a label").to_owned();
        if let Some((file, text)) = case.mend {
            env.nkapp(&["action", "run", name, "--resume", "-y"])
                .exits(1)
                .says(case.says);
            env.put(file, text);
            env.nkapp(&["action", "run", name, "--resume", "-y"])
                .exits(0);
        } else {
            let skip = [
                "action", "run", name, "--skip", &label, "--reason", "known", "-y",
            ];
            env.nkapp(&skip).exits(0);
        }
        assert_eq!(env.read(&told), "first\nlast\n", "{name}");
    }
}

/// The step of an action that failed in a run.
fn failed_step(document: &Value) -> String {
    let events = document["events"].as_array().expect("events");
    let failed = events
        .iter()
        .find(|event| event["kind"] == "step_finished" && event["outcome"] == "failed");
    let step = failed.expect("a step that failed")["step"].as_str();
    step.expect("its id").to_owned()
}

/// Attempts of a step, each with how it ended.
fn attempts(document: &Value, step: &str) -> Vec<(u64, String)> {
    let events = document["events"].as_array().expect("events");
    let ended = events
        .iter()
        .filter(|event| event["kind"] == "step_finished" && event["step"] == step);
    ended
        .map(|event| {
            let outcome = event["outcome"].as_str().unwrap_or_default().to_owned();
            (event["attempt"].as_u64().unwrap_or(1), outcome)
        })
        .collect()
}

#[test]
fn a_step_is_tried_again_as_often_as_it_says_and_pauses_longer_each_time() {
    let env = deployed(
        "  - name: flaky
    hook: manual
    steps:
      - run: 'echo x >> told'
      - { name: third, run: 'echo x >> tries; test $$(wc -l < tries) -ge 3', retries: 2, backoff: 200ms }
      - { name: never, run: 'echo x >> more; exit 3', retries: 1, backoff: 1ms }
",
    );
    let failed = env.nkapp(&["action", "run", "flaky", "-y"]).exits(1);
    failed
        .says("action.flaky/never failed with exit code 3")
        .says("nkapp action run flaky --resume");
    let document = env.nkapp(&["run", "show", "--json"]).exits(0).json();
    let said = |all: &[(u64, &str)]| -> Vec<(u64, String)> {
        let all = all.iter();
        all.map(|(at, outcome)| (*at, (*outcome).to_owned()))
            .collect()
    };
    assert_eq!(
        attempts(&document, "action.flaky/third"),
        said(&[(1, "failed"), (2, "failed"), (3, "done")])
    );
    assert_eq!(
        attempts(&document, "action.flaky/never"),
        said(&[(1, "failed"), (2, "failed")])
    );
    // 0.2 s, then 0.4 s.
    let paused = pauses(&document, "action.flaky/third");
    assert!(paused[0] >= 200 && paused[1] >= 400, "{paused:?}");
    // Whoever goes on has all its attempts again, and those of nothing else.
    env.nkapp(&["action", "run", "flaky", "--resume", "-y"])
        .exits(1);
    for (file, lines) in [("told", 1), ("tries", 3), ("more", 4)] {
        assert_eq!(env.read(file).lines().count(), lines, "{file}");
    }
}

/// Milliseconds between the end of an attempt of a step and the beginning of the next.
fn pauses(document: &Value, step: &str) -> Vec<i64> {
    let events = document["events"].as_array().expect("events");
    let own = events.iter().filter(|event| event["step"] == step);
    let at = |event: &Value| {
        let text = event["at"].as_str().unwrap_or_default();
        let parts: Vec<i64> = text[11..23]
            .split([':', '.'])
            .map(|part| part.parse().expect("a number"))
            .collect();
        ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1_000 + parts[3]
    };
    let (mut ended, mut pauses) = (None, Vec::new());
    for event in own {
        match event["kind"].as_str() {
            Some("step_finished") => ended = Some(at(event)),
            // Midnight may lie between.
            Some("step_started") => {
                pauses.extend(ended.map(|end| (at(event) - end).rem_euclid(86_400_000)));
            }
            _ => {}
        }
    }
    pauses
}

const COPIES: &str = "  - name: save
    hook: manual
    steps:
      - exec: { service: app, run: [sh, -c, 'echo one > \"$$NANOKIT_VOLUME_DATA/word\"'] }
      - backup: { volume: data, to: saved/data.tar }
      - { name: again, backup: { volume: data, to: saved/data.tar } }
      - { name: spoil, run: 'cp saved/data.tar whole.tar; echo bad >> saved/data.tar' }
      - { name: damaged, backup: { volume: data, to: saved/data.tar } }
  - name: through
    hook: manual
    steps:
      - backup: { volume: data, to: saved/link.tar }
      - { name: dated, backup: { volume: data, to: 'dated-{run}/data.tar' } }
  - name: back
    hook: manual
    steps:
      - exec: { service: app, run: [sh, -c, 'echo two > \"$$NANOKIT_VOLUME_DATA/word\"; echo x >> told'] }
      - restore: { volume: data, from: saved/data.tar }
      - { name: look, exec: { service: app, run: [sh, -c, 'cat \"$$NANOKIT_VOLUME_DATA/word\" > seen-back'] } }
  - name: peek
    hook: manual
    steps:
      - exec: { service: app, run: [sh, -c, 'cat \"$$NANOKIT_VOLUME_DATA/word\" > peeked'] }
";

#[test]
fn a_backup_is_repeated_in_its_own_flow_only_and_a_bad_file_is_never_put_back() {
    let env = deployed(COPIES);
    let resume = ["action", "run", "back", "--resume", "-y"];
    let saved = |name: &str| env.folder().join("saved").join(name);
    // The flow that wrote the file finds it whole, and then damaged.
    let failed = env.nkapp(&["action", "run", "save", "-y"]).exits(1);
    failed
        .says("data.tar was written by an earlier attempt and is whole")
        .says("action.save/damaged failed")
        .says("the file is damaged: its digest is another one; nothing was changed");
    std::fs::copy(env.folder().join("whole.tar"), saved("data.tar")).expect("mended");
    env.nkapp(&["action", "run", "save", "--resume", "-y"])
        .exits(0);
    // Another flow writes over nothing, and through no link.
    for dangling in [true, false] {
        let target = env.folder().join("target");
        let (link, digest) = (saved("link.tar"), saved("link.tar.sha256"));
        if !dangling {
            env.put("target", "mine");
        }
        std::os::unix::fs::symlink(&target, &link).expect("a link");
        std::os::unix::fs::symlink(&target, &digest).expect("a link");
        env.nkapp(&["action", "run", "through", "-y"])
            .exits(1)
            .says("saved/link.tar: the file is there already");
        env.nkapp(&["action", "run", "through", "--abort", "-y"])
            .exits(0);
        assert_eq!(target.exists(), !dangling);
        std::fs::remove_file(&link).expect("it was there");
        env.nkapp(&["action", "run", "through", "-y"]).exits(1);
        env.nkapp(&["action", "run", "through", "--abort", "-y"])
            .exits(0);
        std::fs::remove_file(&digest).expect("it was there");
        env.nkapp(&["action", "run", "through", "-y"]).exits(0);
        let seen = std::fs::read_to_string(&target).unwrap_or_default();
        assert_eq!(seen, if dangling { "" } else { "mine" });
        std::fs::remove_file(&link).expect("a copy");
        std::fs::remove_file(&digest).expect("its digest");
    }
    let other = env.nkapp(&["action", "run", "save", "-y"]).exits(1);
    other.says("saved/data.tar: the file is there already, and is never written over");
    env.nkapp(&["action", "run", "save", "--abort", "-y"])
        .exits(0);

    let digest = std::fs::read_to_string(saved("data.tar.sha256")).expect("a digest");
    std::fs::remove_file(saved("data.tar.sha256")).expect("it was there");
    let unknown = env.nkapp(&["action", "run", "back", "-y"]).exits(1);
    unknown
        .says("saved/data.tar: there is no digest (`.sha256`) beside the file")
        .says("nkapp action run back --resume");
    env.put(
        "saved/data.tar.sha256",
        &digest.replace(&digest[..8], "01234567"),
    );
    env.nkapp(&resume).exits(1).says(
        "saved/data.tar: the file is damaged: its digest is another one; nothing was changed",
    );
    std::fs::remove_file(saved("data.tar")).expect("it was there");
    env.nkapp(&resume)
        .exits(1)
        .says("saved/data.tar: the file is not there");
    env.nkapp(&["action", "run", "peek", "-y"]).exits(0);
    assert_eq!(env.read("peeked"), "two\n", "the volume was left alone");

    std::fs::copy(env.folder().join("whole.tar"), saved("data.tar")).expect("mended");
    env.put("saved/data.tar.sha256", &digest);
    env.nkapp(&resume).exits(0).says("data.tar was put back");
    assert_eq!(
        (env.read("seen-back"), env.read("told")),
        ("one\n".to_owned(), "x\n".to_owned())
    );
}

//! A container that ends while a command runs inside it: the command has failed, its cause is named, and nothing
//! that needs the service was started.

use std::process::Stdio;
use std::time::Duration;

use super::crash_stage::{comes_true, objects};
use super::project::{Project, docker};
use crate::fault_cases::tried;
use crate::ran::Ran;

/// `STEP` is where the command stands; it goes on until the file `ok` says that the trouble is over.
const FILE: &str = "
name: NAME
infra: { provider: docker }
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    memory: 32mb
    volumes: ['./out:/out', 'deps:/deps']
    STEP
  web:
    image: nk-test/busybox:1
    depends_on: [app]
    start: [sleep, '100000']
    stop_grace_period: 1s
volumes: { deps: {} }
";

const COMMAND: &str =
    "echo begin >> /out/log; test -e /out/ok && exit 0; sleep 60; echo through >> /out/log";
/// Takes more than the container may have.
const GREEDY: &str = "test -e /out/ok && exit 0; echo begin >> /out/log; tail /dev/zero; exit $?";

fn hook(command: &str) -> String {
    format!("hooks: {{ prestart: {{ container: '{command}' }} }}")
}

fn install(command: &str) -> String {
    format!("provisioning: {{ volume: deps, install: '{command}' }}")
}

struct Case {
    name: String,
    step: String,
    trouble: fn(&str),
    /// One of these is the cause that is told.
    causes: &'static [&'static str],
}

fn cases() -> Vec<Case> {
    let kill: fn(&str) = |c| drop(docker(&["kill", c]).exits(0));
    let stop: fn(&str) = |c| drop(docker(&["stop", "-t", "1", c]).exits(0));
    let remove: fn(&str) = |c| drop(docker(&["rm", "-f", c]).exits(0));
    let restart: fn(&str) = |c| drop(docker(&["restart", "-t", "1", c]).exits(0));
    let nothing: fn(&str) = |_| {};
    let ended: &[&str] = &["it ended with exit code", "exit code 137", "exit code 143"];
    let removed: &[&str] = &["it was removed", "it ended with exit code 137"];
    let memory: &[&str] = &["out of memory", "want of memory"];
    let mut all = Vec::new();
    for (kind, make) in [("hook", hook as fn(&str) -> String), ("install", install)] {
        for (name, trouble, causes) in [
            ("killed", kill, ended),
            ("stopped", stop, ended),
            ("removed", remove, removed),
            ("restarted", restart, ended),
        ] {
            all.push(Case {
                name: format!("{kind}, container {name}"),
                step: make(COMMAND),
                trouble,
                causes,
            });
        }
        all.push(Case {
            name: format!("{kind}, out of memory"),
            step: make(GREEDY),
            trouble: nothing,
            causes: memory,
        });
    }
    all
}

fn check(case: &Case) {
    let project = Project::new(&FILE.replace("STEP", &case.step));
    project.put("out/log", "");
    let child = project
        .command(&["deploy", "-y"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nkapp starts");
    let begun = || project.read("out/log").contains("begin");
    assert!(
        comes_true(Duration::from_secs(30), begun),
        "{}: it never began",
        case.name
    );
    let container = project.container("app", 0);
    (case.trouble)(&container);
    let output = child.wait_with_output().expect("it ends");
    let ran = Ran::of("nkapp deploy -y", &output);
    assert_eq!(ran.code, 1, "{}: {}", case.name, ran.stderr);
    assert!(
        ran.stderr.contains("service.app"),
        "{}: {}",
        case.name,
        ran.stderr
    );
    assert!(
        case.causes.iter().any(|cause| ran.stderr.contains(cause)),
        "{}: none of {:?} in {}",
        case.name,
        case.causes,
        ran.stderr
    );
    let log = project.read("out/log");
    assert!(!log.contains("through"), "{}: {log}", case.name);
    let web = format!("container {} ", project.container("web", 0));
    let there = objects(&project.name);
    assert!(
        !there.iter().any(|one| one.starts_with(&web)),
        "{}: {there:#?}",
        case.name
    );
    // The trouble is over: one more run brings everything about.
    project.put("out/ok", "");
    let again = project.nkapp(&["deploy", "-y"]);
    assert_eq!(again.code, 0, "{}, then again: {}", case.name, again.stderr);
    project.is_settled();
    let there = objects(&project.name);
    let running = there.iter().filter(|one| one.ends_with(" running")).count();
    assert_eq!(running, 2, "{}: {there:#?}", case.name);
}

#[test]
fn f20_a_container_that_ends_during_a_hook_fails_it_with_the_cause() {
    let cases = cases().iter().take(5).map(check).count();
    let own = "f20_a_container_that_ends_during_a_hook_fails_it_with_the_cause";
    tried(own, cases);
}

#[test]
fn f20_a_container_that_ends_during_an_install_fails_it_with_the_cause() {
    let cases = cases().iter().skip(5).map(check).count();
    let own = "f20_a_container_that_ends_during_an_install_fails_it_with_the_cause";
    tried(own, cases);
}

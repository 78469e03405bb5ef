//! A state and a plan are bound to the engine they were made on: pointed at another one, nkapp does nothing and forgets
//! nothing.

use crate::fault_cases::tried;
use crate::fault_proxy::engine_socket;

use super::engine_private::PrivateEngine;
use super::project::Project;

const FILE: &str = "
name: NAME
infra: { provider: docker }
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    volumes: ['data:/data']
volumes: { data: {} }
";

/// Everything of the project on the other engine.
fn made_there(engine: &PrivateEngine, project: &Project) -> String {
    let label = format!("label=nk-project={}", project.name);
    let lists: [&[&str]; 3] = [
        &["ps", "-aq", "--filter", &label],
        &["network", "ls", "-q", "--filter", &label],
        &["volume", "ls", "-q", "--filter", &label],
    ];
    let found = lists.map(|list| engine.docker(list).exits(0).stdout);
    found.concat()
}

#[test]
fn f39_pointed_at_another_engine_nothing_is_done_and_nothing_forgotten() {
    let engine = PrivateEngine::start(false);
    let mut project = Project::new(FILE);
    project.deploy();
    let state = project.read("state.json");
    project.through(&engine.socket());
    let ways: [&[&str]; 6] = [
        &["plan"],
        &["deploy", "-y", "--force"],
        &["drift"],
        &["drift", "--restore", "-y"],
        &["destroy", "-y"],
        &["clean", "-y", "--force"],
    ];
    for arguments in ways {
        let ran = project.nkapp(arguments);
        assert_ne!(ran.code, 0, "`{}`: {}", ran.what, ran.stdout);
        ran.says("its resources live on engine")
            .says("nkapp state rebuild");
    }
    assert_eq!(made_there(&engine, &project), "");
    assert_eq!(project.read("state.json"), state, "nothing is forgotten");
    project.through(&engine_socket());
    project.is_settled();
    let own = "f39_pointed_at_another_engine_nothing_is_done_and_nothing_forgotten";
    tried(own, ways.len());
}

#[test]
fn f39_a_plan_made_on_one_engine_is_stale_on_another() {
    let engine = PrivateEngine::start(false);
    let mut project = Project::new(FILE);
    // Nothing is recorded yet: only the plan says where it was made.
    project.nkapp(&["plan", "--output", "approved"]).exits(0);
    project.through(&engine.socket());
    let ran = project.nkapp(&["deploy", "--plan", "approved", "-y"]);
    ran.exits(5).says("engine was");
    assert_eq!(made_there(&engine, &project), "");
    project.through(&engine_socket());
    project
        .nkapp(&["deploy", "--plan", "approved", "-y"])
        .exits(0);
}

#[test]
fn docker_doctor_compares_nothing_with_an_engine_it_cannot_speak_to() {
    let project = Project::new(FILE);
    project.deploy();
    let mut doctor = project.command(&["doctor"]);
    let ran = doctor.env("DOCKER_HOST", "ssh://nobody@nowhere").output();
    let ran = ran.expect("nkapp runs");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert_ne!(ran.status.code(), Some(0), "{said}");
    assert!(said.contains("ssh"), "{said}");
    assert!(!said.contains("its resources live on engine"), "{said}");
}

//! Hooks inside containers that misbehave: bounded time, and no survivor in the container.

use std::time::{Duration, Instant};

use super::project::Project;

/// Longest time one deploy may take on a slow and busy machine.
const LONG: Duration = Duration::from_secs(60);

fn project(hook: &str) -> Project {
    let project = Project::new(&format!(
        "
name: NAME
infra: {{ provider: docker }}
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    volumes: ['./zoo:/zoo']
    hooks:
      prestart: {{ container: {{ run: '{hook}', timeout: 3s }} }}
"
    ));
    project.put("zoo/.keep", "");
    project
}

/// Processes in the container but the gate, the main command, and what looks.
fn left(project: &Project) -> Vec<String> {
    let container = project.container("app", 0);
    let ran = super::project::docker(&["top", &container, "-o", "pid,args"]);
    ran.stdout
        .lines()
        .filter(|line| line.contains("sleep 77"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn docker_f21_f24_a_hook_that_hangs_ignores_or_forks_is_ended_in_its_container() {
    for hook in [
        "sleep 7701",
        "trap \"\" TERM INT HUP; while :; do sleep 7702; done",
        "sleep 7703 & kill -STOP $$$$",
        "setsid sh -c \"sleep 7704 & sleep 7704\" & sleep 7704",
        "grow() { [ $$1 -le 0 ] || { grow $$(($$1 - 1)) & grow $$(($$1 - 1)) & sleep 7705; }; }; grow 5; sleep 7705",
    ] {
        let project = project(hook);
        let began = Instant::now();
        let ran = project.nkapp(&["deploy", "-y"]);
        let took = began.elapsed();
        assert_ne!(ran.code, 0, "{hook}");
        assert!(took < LONG, "{hook} took {took:?}");
        let ran = ran.says("ended after 3 s");
        assert_eq!(
            left(&project),
            Vec::<String>::new(),
            "{hook}\n{}",
            ran.stdout
        );
    }
}

#[test]
fn docker_f23_what_a_hook_daemonised_in_its_container_ends_with_it() {
    for hook in [
        "setsid sh -c \"sleep 7711 >/dev/null 2>&1 &\" </dev/null; echo done",
        "setsid sh -c \"sleep 7712 &\" </dev/null; echo done",
    ] {
        let project = project(hook);
        let began = Instant::now();
        project.nkapp(&["deploy", "-y"]).exits(0).says("done");
        let took = began.elapsed();
        assert!(took < LONG, "{hook} took {took:?}");
        assert_eq!(left(&project), Vec::<String>::new(), "{hook}");
    }
}

#[test]
fn docker_f22_a_flood_in_a_container_is_cut_off_and_goes_on() {
    let project = project(
        "head -c 200000000 /dev/zero | tr \"\\\\0\" \"x\" | fold -w 100; echo end > /zoo/end",
    );
    let ran = project.nkapp(&["deploy", "-y", "-q"]);
    // Slow machines do not get it all through in three seconds; then it is ended, and says so.
    assert!(
        ran.code == 0 || ran.stderr.contains("ended after 3 s"),
        "{}",
        ran.stderr
    );
}

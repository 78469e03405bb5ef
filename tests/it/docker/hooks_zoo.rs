//! Hooks inside containers that misbehave: bounded time, and no survivor in the container.

use std::time::{Duration, Instant};

use super::project::Project;
use crate::fault_cases::tried;

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
    let mut cases = 0;
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
        cases += 1;
    }
    let own = "docker_f21_f24_a_hook_that_hangs_ignores_or_forks_is_ended_in_its_container";
    tried(own, cases);
}

#[test]
fn docker_f23_what_a_hook_daemonised_in_its_container_ends_with_it() {
    let mut cases = 0;
    for hook in [
        "setsid sh -c \"sleep 7711 >/dev/null 2>&1 &\" </dev/null; echo done",
        "setsid sh -c \"sleep 7712 &\" </dev/null; echo done",
        // Without the variables it was marked by, and in a session of its own.
        "env -i /bin/busybox setsid /bin/busybox sleep 7713 </dev/null >/dev/null 2>&1 & echo done",
    ] {
        let project = project(hook);
        let began = Instant::now();
        project.nkapp(&["deploy", "-y"]).exits(0).says("done");
        let took = began.elapsed();
        assert!(took < LONG, "{hook} took {took:?}");
        assert_eq!(left(&project), Vec::<String>::new(), "{hook}");
        cases += 1;
    }
    let own = "docker_f23_what_a_hook_daemonised_in_its_container_ends_with_it";
    tried(own, cases);
}

#[test]
fn docker_f22_a_flood_in_a_container_is_cut_off_and_goes_on() {
    let grown = |hook: &str| {
        let project = project(hook);
        let text = project.read("nanokit.yml");
        project.put("nanokit.yml", &text.replace("timeout: 3s", "timeout: 300s"));
        let mut child = project
            .command(&["deploy", "-y", "-q"])
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("started");
        let status = format!("/proc/{}/status", child.id());
        let mut most = 0_u64;
        let end = loop {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
            most = most.max(now.unwrap_or(0));
            if let Some(end) = child.try_wait().expect("waited") {
                break end;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(end.success(), "{hook}: {end}");
        (project, most)
    };
    let (_, plain) = grown("echo little");
    let mut cases = 0;
    for hook in [
        "head -c 200000000 /dev/zero | tr \"\\\\0\" \"x\" | fold -w 100; echo end > /zoo/end",
        "head -c 200000000 /dev/zero | tr \"\\\\0\" \"x\" >&2; echo end > /zoo/end",
    ] {
        let (project, flooded) = grown(hook);
        assert_eq!(
            project.read("zoo/end"),
            "end\n",
            "the hook goes on to its end"
        );
        assert!(
            flooded < plain + (64 << 10),
            "{hook}: {plain} kB became {flooded} kB"
        );
        let kept = kept_output(&project);
        assert!(kept.len() < 66 << 20, "{} bytes", kept.len());
        let tail = String::from_utf8_lossy(&kept[kept.len().saturating_sub(300)..]);
        assert!(
            tail.contains("the rest of the output is left out"),
            "{tail}"
        );
        cases += 1;
    }
    let own = "docker_f22_a_flood_in_a_container_is_cut_off_and_goes_on";
    tried(own, cases);
}

/// What is kept of the hook's output.
fn kept_output(project: &Project) -> Vec<u8> {
    let runs = std::fs::read_dir(project.folder().join(".nanokit/runs")).expect("runs");
    let file = runs.flatten().find_map(|entry| {
        let path = entry.path().join("service.app+0+prestart.container.log");
        path.is_file().then_some(path)
    });
    std::fs::read(file.expect("the hook's output has a file")).expect("readable")
}

#[test]
fn docker_f02_what_runs_in_a_container_when_nkapp_is_killed_is_ended_by_the_next_run() {
    let project = project("setsid sh -c \"sleep 7721 & sleep 7721\" & sleep 7721");
    let text = project.read("nanokit.yml");
    project.put("nanokit.yml", &text.replace("timeout: 3s", "timeout: 600s"));
    let mut deploy = project.command(&["deploy", "-y", "-q"]);
    let mut deploy = deploy.spawn().expect("started");
    let until = Instant::now() + LONG;
    while left(&project).len() < 3 {
        assert!(Instant::now() < until, "the hook is up");
        std::thread::sleep(Duration::from_millis(20));
    }
    deploy.kill().expect("it runs");
    deploy.wait().expect("it ends");
    project.nkapp(&["infra", "lock"]).exits(0).says("DEAD");
    let (before, after) = text.split_once("{ run: '").expect("a hook");
    let (_, after) = after.split_once("', timeout").expect("its end");
    project.put(
        "nanokit.yml",
        &format!("{before}{{ run: 'true', timeout{after}"),
    );
    project.deploy();
    assert_eq!(left(&project), Vec::<String>::new());
    project.is_settled();
}

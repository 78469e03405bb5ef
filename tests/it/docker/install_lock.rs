//! The installation lock inside volumes: races, failures, kills, full and hostile volumes.
//!
//! A volume's content is the service's, so it may be anything; nothing of it is ever opened from the host.

use std::sync::Barrier;

use super::project::Project;
use crate::fault_cases::tried;

fn file(install: &str, clean: &str) -> String {
    let clean = if clean.is_empty() {
        String::new()
    } else {
        format!(", clean: '{clean}'")
    };
    format!(
        "
name: NAME
infra: {{ provider: docker }}
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    volumes: ['deps:/deps', './out:/out']
    provisioning: {{ install: '{install}'{clean} }}
volumes: {{ deps: {{}} }}
"
    )
}

fn project(install: &str, clean: &str) -> Project {
    let project = Project::new(&file(install, clean));
    project.put("out/.keep", "");
    project
}

/// Runs a line in a container that has the project's volume, before or beside nkapp.
fn in_volume(project: &Project, line: &str) -> String {
    let volume = project.docker(&[
        "volume",
        "ls",
        "-q",
        "--filter",
        &format!("label=nk-project={}", project.name),
    ]);
    let mount = format!("{volume}:/deps");
    project.docker(&[
        "run",
        "--rm",
        "-v",
        &mount,
        "nk-test/busybox:1",
        "sh",
        "-c",
        line,
    ])
}

/// Has the volume made, nothing installed, and the state and its container removed.
fn with_volume(install: &str, clean: &str) -> Project {
    let project = project("true", "");
    project.deploy();
    in_volume(&project, "rm -rf /deps/.nk-* /deps/*");
    project.write(&file(install, clean));
    project
}

#[test]
fn docker_f27_six_services_race_for_one_volume_and_one_installs() {
    let mut text = "
name: NAME
infra: { provider: docker }
volumes: { deps: {} }
services:
"
    .to_owned();
    for n in 0..6 {
        text.push_str(&format!(
            "  app{n}:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    volumes: ['deps:/deps', './out:/out']
    provisioning: {{ install: 'echo in >> /out/log; sleep 2; echo out >> /out/log; touch /deps/done' }}
"
        ));
    }
    let project = Project::new(&text);
    project.put("out/.keep", "");
    project.deploy();
    assert_eq!(project.read("out/log"), "in\nout\n");
    let names = in_volume(&project, "cd /deps; ls -A");
    let kept: Vec<&str> = names
        .lines()
        .filter(|name| name.starts_with(".nk-"))
        .collect();
    assert_eq!(kept.len(), 1, "only the sentinel stays: {names}");
    assert!(kept[0].starts_with(".nk-installed-"), "{names}");
}

#[test]
fn docker_f27_a_failed_installation_leaves_no_sentinel_and_is_tried_again_after_clean() {
    let project = project(
        "echo install >> /out/log; [ -e /out/good ]",
        "echo clean >> /out/log",
    );
    let ran = project.nkapp(&["deploy", "-y"]);
    assert_ne!(ran.code, 0);
    let names = in_volume(&project, "ls -A /deps");
    assert!(
        names.contains(".nk-failed-") && !names.contains(".nk-installed-"),
        "{names}"
    );
    assert!(!names.contains(".nk-install-lock"), "{names}");
    project.put("out/good", "");
    project.deploy();
    let log = project.read("out/log");
    assert!(log.ends_with("clean\ninstall\n"), "{log}");
    let names = in_volume(&project, "ls -A /deps");
    assert!(
        names.contains(".nk-installed-") && !names.contains(".nk-failed-"),
        "{names}"
    );
    project.is_settled();
}

#[test]
fn docker_f27_a_container_killed_half_way_is_proof_and_its_volume_is_dirty() {
    let project = project(
        "echo install >> /out/log; touch /deps/half; if [ ! -e /out/good ]; then touch /out/up; sleep 60; fi",
        "echo clean >> /out/log; rm -f /deps/half",
    );
    let ready = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            ready.wait();
            let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
            while project.read("out/log").is_empty() || !project.folder().join("out/up").exists() {
                assert!(std::time::Instant::now() < until, "the installation begins");
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            project.docker(&["kill", &project.container("app", 0)]);
        });
        ready.wait();
        let ran = project.nkapp(&["deploy", "-y"]);
        assert_ne!(ran.code, 0, "{}", ran.stdout);
    });
    let names = in_volume(&project, "ls -A /deps");
    assert!(
        names.contains(".nk-install-lock") && names.contains("half"),
        "{names}"
    );
    project.put("out/good", "");
    project.deploy().says("was cut off earlier");
    let log = project.read("out/log");
    assert!(log.ends_with("clean\ninstall\n"), "{log}");
}

#[test]
fn docker_f29_hostile_content_is_refused_or_ignored_and_nothing_outside_is_touched() {
    // What stands in the place of the lock is none of ours: a human decides.
    let project = with_volume("echo installed >> /out/log", "");
    let hash = wanted(&project);
    let mut cases = 0;
    for plant in [
        "ln -s /out/canary /deps/.nk-install-lock",
        "mkdir /deps/.nk-install-lock",
        "mkfifo /deps/.nk-install-lock",
        "truncate -s 1G /deps/.nk-install-lock",
        "ln -s /out/canary /deps/.nk-installed-$H",
        "mkdir /deps/.nk-installed-$H",
        "mkfifo /deps/.nk-installed-$H",
        "ln -s /out/canary /deps/.nk-dirty",
        "mkfifo /deps/.nk-dirty",
        "ln -s /out/canary /deps/.nk-failed-$H",
    ] {
        project.put("out/canary", "untouched");
        in_volume(
            &project,
            &format!("rm -rf /deps/.nk-*; {}", plant.replace("$H", &hash)),
        );
        let ran = project.nkapp(&["deploy", "-y"]);
        assert_ne!(ran.code, 0, "{plant}: {}", ran.stdout);
        ran.says("is not a file of nanokit");
        assert_eq!(project.read("out/canary"), "untouched", "{plant}");
        assert_eq!(project.read("out/log"), "", "{plant}");
        cases += 1;
    }
    // A sentinel with foreign content, or for another manifest, satisfies nobody.
    in_volume(
        &project,
        &format!(
            "rm -rf /deps/.nk-*; yes | head -c 9000 > /deps/.nk-installed-{hash}; echo hash={hash}x > /deps/.nk-installed-x"
        ),
    );
    project.deploy();
    assert_eq!(project.read("out/log"), "installed\n");
    let own = "docker_f29_hostile_content_is_refused_or_ignored_and_nothing_outside_is_touched";
    tried(own, cases + 1);
}

/// Digest of the installation the file asks for, from the trace of one that cannot succeed.
fn wanted(project: &Project) -> String {
    project.put("out/log/.keep", "");
    assert_ne!(project.nkapp(&["deploy", "-y"]).code, 0);
    let name = in_volume(project, "cd /deps; ls -d .nk-failed-*");
    std::fs::remove_dir_all(project.folder().join("out/log")).expect("removed");
    name.trim_start_matches(".nk-failed-").to_owned()
}

/// Where the engine keeps the project's volume on this machine.
fn mountpoint(project: &Project) -> String {
    let filter = format!("label=nk-project={}", project.name);
    let volume = project.docker(&["volume", "ls", "-q", "--filter", &filter]);
    project.docker(&["volume", "inspect", "-f", "{{.Mountpoint}}", &volume])
}

/// A small disk in the place of the volume, until it is dropped.
struct Small(String);

impl Small {
    fn over(place: String) -> Self {
        let ran = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs", &place])
            .status();
        assert!(ran.expect("mount runs").success(), "this needs root");
        Self(place)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .args(["-l", &self.0])
            .status();
    }
}

#[test]
fn docker_f27_a_full_volume_is_told_and_nothing_counts_as_installed() {
    let cases = [
        // The installation itself runs out of room.
        ("head -c 1000000 /dev/zero > /deps/big", "exit code 1"),
        // It fits, and its sentinel does not.
        (
            "head -c 1000000 /dev/zero > /deps/big || true",
            "took the installation but not its sentinel",
        ),
    ];
    for (install, reason) in cases {
        let project = project("true", "");
        project.deploy();
        let place = mountpoint(&project);
        project.nkapp(&["destroy", "-y"]).exits(0);
        project.write(&file(install, "rm -f /deps/big"));
        let small = Small::over(place);
        let ran = project.nkapp(&["deploy", "-y"]);
        assert_ne!(ran.code, 0, "{install}: {}", ran.stdout);
        ran.says(reason);
        let names = in_volume(&project, "ls -A /deps");
        assert!(!names.contains(".nk-installed-"), "{install}: {names}");
        // Full from the start: not even the lock can be taken.
        in_volume(
            &project,
            "rm -rf /deps/.nk-*; head -c 1000000 /dev/zero > /deps/theirs; true",
        );
        let ran = project.nkapp(&["deploy", "-y"]);
        assert_ne!(ran.code, 0, "{install}: {}", ran.stdout);
        ran.says("cannot be written");
        project.nkapp(&["destroy", "-y"]).exits(0);
        drop(small);
        project.deploy();
        let names = in_volume(&project, "ls -A /deps");
        assert!(names.contains(".nk-installed-"), "{install}: {names}");
        project.is_settled();
    }
}

#[test]
fn docker_f28_an_installation_counts_for_the_manifest_it_was_begun_with() {
    let first = "echo first >> /out/log; while [ ! -e /out/go ]; do sleep 0.1; done";
    let second = "echo second >> /out/log";
    let project = project(first, "");
    let volume_has = || in_volume(&project, "cd /deps; ls -d .nk-installed-*");
    let ran = std::thread::scope(|scope| {
        let deploy = scope.spawn(|| project.nkapp(&["deploy", "-y"]));
        let until = std::time::Instant::now() + std::time::Duration::from_secs(90);
        while project.read("out/log").is_empty() {
            assert!(std::time::Instant::now() < until, "the installation begins");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        project.write(&file(second, ""));
        project.put("out/go", "");
        deploy.join().expect("deployed")
    });
    ran.exits(0);
    assert_eq!(project.read("out/log"), "first\n");
    let one = volume_has();
    assert_eq!(one.lines().count(), 1, "{one}");
    // The new manifest is not satisfied by it, and the plan says so.
    let ran = project.nkapp(&["plan", "--detailed-exitcode"]);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    project.deploy();
    assert_eq!(project.read("out/log"), "first\nsecond\n");
    let both = volume_has();
    assert!(
        both.lines().any(|name| !one.contains(name)),
        "{one} and {both}"
    );
    project.is_settled();
    // A plan made for the old manifest is stale.
    project.nkapp(&["plan", "--output", "old.plan"]).exits(0);
    project.write(&file("echo third >> /out/log", ""));
    let ran = project.nkapp(&["deploy", "-y", "--plan", "old.plan"]);
    assert_eq!(ran.code, 5, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(project.read("out/log"), "first\nsecond\n");
}

#[test]
fn docker_s15_the_host_opens_no_path_inside_a_volume() {
    let project = project("echo x > /deps/installed", "rm -rf /deps/*");
    let trace = project.folder().join("trace");
    let root = project.docker(&["info", "-f", "{{.DockerRootDir}}"]);
    let mut seen = 0;
    for arguments in [
        &["deploy", "-y"][..],
        &["status"],
        &["drift"],
        &["infra", "lock"],
        &["deploy", "-y", "--force"],
        &["clean", "-y", "--force"],
    ] {
        let nkapp = project.command(arguments);
        let mut command = std::process::Command::new("strace");
        command
            .args(["-f", "-qq", "-s", "4096", "-e", "trace=%file", "-o"])
            .arg(&trace)
            .arg(nkapp.get_program())
            .args(nkapp.get_args())
            .current_dir(project.folder())
            .env("HOME", project.folder())
            .stdin(std::process::Stdio::null());
        let output = command.output().expect("strace runs");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        let text = std::fs::read_to_string(&trace).expect("a trace");
        seen += text.lines().count();
        let opened: Vec<&str> = text
            .lines()
            .filter(|line| line.contains(&root) || line.contains(".nk-install"))
            .filter(|line| !line.contains("execve("))
            .collect();
        assert!(opened.is_empty(), "{arguments:?} opens {opened:#?}");
    }
    assert!(seen > 500, "{seen} calls were traced");
}

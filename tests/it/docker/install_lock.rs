//! The installation lock inside volumes: races, failures, kills, full and hostile volumes.
//!
//! A volume's content is the service's, so it may be anything; nothing of it is ever opened from the host.

use std::sync::Barrier;

use super::project::Project;

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
}

/// Digest of the installation the file asks for, from the trace of one that cannot succeed.
fn wanted(project: &Project) -> String {
    project.put("out/log/.keep", "");
    assert_ne!(project.nkapp(&["deploy", "-y"]).code, 0);
    let name = in_volume(project, "cd /deps; ls -d .nk-failed-*");
    std::fs::remove_dir_all(project.folder().join("out/log")).expect("removed");
    name.trim_start_matches(".nk-failed-").to_owned()
}

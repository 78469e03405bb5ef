//! S10: the secret an instance was given stays masked for whoever looks from a place where it is unset, or another now.

use std::path::Path;

use super::project::Project;
use crate::ran::Ran;

const FILE: &str = "
name: NAME
infra: { provider: PLATFORM }
services:
  app:
    IMAGE
    start: [sh, -c, 'echo began with $TOKEN; while :; do sleep 1; done']
    stop_grace_period: 0s
    secrets: { TOKEN: { from: env } }
    hooks: { prestop: 'echo ends with $TOKEN; echo $TOKEN | base64' }
";
const OLD: &str = "canary-old-Tower-4711";
const NEW: &str = "canary-new-Bridge-1291";
/// What `base64` makes of the old one.
const OLD_IN_BASE64: &str = "Y2FuYXJ5LW9sZC1Ub3dlci00NzEx";

fn run(project: &Project, arguments: &[&str], token: Option<&str>) -> Ran {
    let mut command = project.command(arguments);
    command.env_remove("TOKEN");
    if let Some(token) = token {
        command.env("TOKEN", token);
    }
    let ran = Ran::of(
        format!("nkapp {}", arguments.join(" ")),
        &command.output().expect("nkapp runs"),
    );
    for canary in [OLD, NEW, OLD_IN_BASE64] {
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!said.contains(canary), "{}: {said}", ran.what);
    }
    ran
}

/// Requires that no file of ours holds a canary, but those that are the platform's own.
fn swept(folder: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            // Where host processes write is theirs, as a container's log is the engine's.
            if !path.ends_with("instances") {
                files += swept(&path);
            }
        } else if path.is_file() {
            let text =
                String::from_utf8_lossy(&std::fs::read(&path).expect("readable")).into_owned();
            for canary in [OLD, NEW, OLD_IN_BASE64] {
                assert!(!text.contains(canary), "{}: {text}", path.display());
            }
            files += 1;
        }
    }
    files
}

fn goes(platform: &str, image: &str) {
    let text = FILE.replace("PLATFORM", platform).replace("IMAGE", image);
    let project = Project::new(&text);
    run(&project, &["deploy", "-y"], Some(OLD)).exits(0);
    for token in [None, Some(NEW)] {
        let logs = run(&project, &["logs", "app"], token).exits(0);
        assert!(
            logs.stdout.contains("began with [redacted]"),
            "{}",
            logs.stdout
        );
        let ask = ["exec", "app", "--", "sh", "-c", "echo it is $TOKEN"];
        let asked = run(&project, &ask, token).exits(0);
        assert!(
            asked.stdout.contains("it is [redacted]"),
            "{}",
            asked.stdout
        );
    }
    let rotated = run(&project, &["deploy", "-y", "-v", "--json"], Some(NEW)).exits(0);
    assert!(
        rotated.stdout.contains("ends with [redacted]"),
        "{}",
        rotated.stdout
    );
    let gone = run(&project, &["destroy", "-y", "-v", "--json"], None).exits(0);
    assert!(
        gone.stdout.contains("ends with [redacted]"),
        "{}",
        gone.stdout
    );
    assert!(swept(&project.folder().join(".nanokit")) > 5);
    run(&project, &["clean", "-y", "--force"], None).exits(0);
}

#[test]
fn s10_what_an_instance_was_given_is_masked_from_everywhere_on_docker() {
    goes("docker", "image: nk-test/busybox:1");
}

#[test]
fn s10_what_an_instance_was_given_is_masked_from_everywhere_on_host_processes() {
    goes("process", "instances: 1");
}

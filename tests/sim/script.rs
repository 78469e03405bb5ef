//! The install script itself, run by a real shell on a real folder.
#![allow(
    clippy::disallowed_methods,
    reason = "a script is proven by the shell that runs it"
)]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const SCRIPT: &str = include_str!("../../src/engine/install.sh");

fn command(volume: &Path, nonce: &str, install: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", SCRIPT])
        .current_dir(volume.parent().unwrap())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let clean = format!("echo cleaned >> {}/ran", volume.display());
    for (name, value) in [
        ("NK_VOLUME", "NANOKIT_VOLUME_X"),
        ("NANOKIT_VOLUME_X", volume.to_str().unwrap()),
        ("NK_DIR", "/nowhere"),
        ("NK_HASH", "h1"),
        ("NK_NONCE", nonce),
        ("NK_OWNER", nonce),
        ("NK_NAME", nonce),
        ("NK_ENGINE", "e"),
        ("NK_SCOPE", "shop//local"),
        ("NK_INSTALL", install),
        ("NK_CLEAN", &clean),
        ("NK_WAIT", "10"),
        ("NK_BREAK", ""),
    ] {
        command.env(name, value);
    }
    command
}

fn run(volume: &Path, nonce: &str, install: &str) -> (i32, String) {
    said(command(volume, nonce, install).output().unwrap())
}

fn said(output: Output) -> (i32, String) {
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap_or(-1), text)
}

fn names(volume: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(volume)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn volume() -> (tempfile::TempDir, std::path::PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let volume = home.path().join("volume");
    std::fs::create_dir(&volume).unwrap();
    (home, volume)
}

#[test]
fn six_at_once_install_once() {
    let (_home, volume) = volume();
    let install = format!("sleep 0.2; echo once >> {}/ran", volume.display());
    let children: Vec<Child> = (0..6)
        .map(|i| {
            command(&volume, &format!("n{i}"), &install)
                .spawn()
                .unwrap()
        })
        .collect();
    let mut already = 0;
    for child in children {
        let (code, text) = said(child.wait_with_output().unwrap());
        assert_eq!(code, 0, "{text}");
        already += usize::from(text.contains("state=already"));
    }
    assert_eq!(already, 5);
    let ran = std::fs::read_to_string(volume.join("ran")).unwrap();
    assert_eq!(ran, "once\n");
    assert_eq!(names(&volume), [".nk-installed-h1", "ran"]);
    let sentinel = std::fs::read_to_string(volume.join(".nk-installed-h1")).unwrap();
    assert!(sentinel.contains("hash=h1\n"), "{sentinel}");
}

#[test]
fn a_failure_leaves_no_sentinel_and_the_next_one_cleans_first() {
    let (_home, volume) = volume();
    let (code, _) = run(&volume, "n1", "echo half; exit 7");
    assert_eq!(code, 7);
    assert_eq!(names(&volume), [".nk-dirty", ".nk-failed-h1"]);
    let install = format!("echo installed >> {}/ran", volume.display());
    let (code, text) = run(&volume, "n2", &install);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("state=dirty"));
    let ran = std::fs::read_to_string(volume.join("ran")).unwrap();
    assert_eq!(ran, "cleaned\ninstalled\n");
    assert_eq!(names(&volume), [".nk-installed-h1", "ran"]);
    let (code, text) = run(&volume, "n3", "exit 1");
    assert_eq!((code, text.as_str()), (0, "nk-install: state=already\n"));
}

#[test]
fn codes_of_its_own_are_not_those_of_the_command() {
    let (_home, volume) = volume();
    let (code, text) = run(&volume, "n1", "exit 75");
    assert_eq!(code, 1);
    assert!(text.contains("nk-install: exit=75\n"), "{text}");
}

#[test]
fn a_killed_installer_is_proven_dead_and_a_stranger_is_not() {
    let (_home, volume) = volume();
    let mut child = command(&volume, "n1", "sleep 30").spawn().unwrap();
    let lock = volume.join(".nk-install-lock");
    while !volume.join(".nk-dirty").exists() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lock.exists(), "nobody took it away");
    let (code, text) = run(&volume, "n2", "true");
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("state=broken") && text.contains("state=dirty"),
        "{text}"
    );

    let stranger = "v=1\nnonce=zz\nhash=h\nowner=q\nname=far\nengine=e2\nscope=s\nboot=b\nspace=p\npid=1\nstart=2\n";
    std::fs::remove_file(volume.join(".nk-installed-h1")).unwrap();
    std::fs::write(&lock, stranger).unwrap();
    let held = command(&volume, "n3", "true")
        .env("NK_WAIT", "0")
        .output()
        .unwrap();
    let (code, text) = said(held);
    assert_eq!(code, 75);
    assert!(text.contains("nk-install: name=far\n"), "{text}");
    assert!(lock.exists());
    let broken = command(&volume, "n4", "true")
        .env("NK_BREAK", "zz")
        .output()
        .unwrap();
    assert_eq!(said(broken).0, 0);
    assert_eq!(names(&volume), [".nk-installed-h1", "ran"]);
}

#[test]
fn a_living_holder_is_reported_alive() {
    let (_home, volume) = volume();
    let mut child = command(&volume, "n1", "sleep 30").spawn().unwrap();
    while !volume.join(".nk-dirty").exists() {
        std::thread::yield_now();
    }
    let held = command(&volume, "n2", "true")
        .env("NK_WAIT", "0")
        .output()
        .unwrap();
    let (code, text) = said(held);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(code, 75);
    assert!(text.contains("proof=alive"), "{text}");
}

#[test]
fn links_and_folders_in_its_place_are_refused() {
    let (home, volume) = volume();
    let victim = home.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    let lock = volume.join(".nk-install-lock");
    std::os::unix::fs::symlink(&victim, &lock).unwrap();
    assert_eq!(run(&volume, "n1", "true").0, 92);
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    assert_eq!(run(&volume, "n2", "true").0, 92);
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
    let missing = volume.join("missing");
    let (code, _) = said(command(&missing, "n3", "true").output().unwrap());
    assert_eq!(code, 90);
}

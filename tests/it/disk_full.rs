//! Disks that take nothing any more: full, dying, read-only, of somebody else. Refused before any effect, or saved
//! elsewhere with the command that brings it back.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use crate::cli_env::TestEnv;
use crate::disk_lab::{Image, SHUTDOWN};
use crate::fault_cases::tried;
use crate::ran::Ran;

/// A project of one job, so that no process stays on a disk that is taken away; `hook` runs before it.
fn job(hook: &str) -> String {
    format!(
        "name: small\ninfra: {{ provider: process }}\nservices:\n  one:\n    kind: job\n    start: [sh, -c, 'echo ran after {}']\n    hooks: {{ prestart: {{ host: '{hook}' }} }}\n",
        hook.len()
    )
}

/// A project on a disk of its own, deployed once.
fn on_a_disk(bytes: u64) -> (TestEnv, Image) {
    let env = TestEnv::new();
    let image = Image::over(env.folder(), "ext4", "", bytes);
    env.put("nanokit.yml", &job("true"));
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    (env, image)
}

#[test]
fn f15_on_a_disk_that_fills_up_the_last_save_fits() {
    let (env, _image) = on_a_disk(16 << 20);
    let before = env.read("state.json");
    assert!(env.folder().join(".nanokit/reserve").exists());
    let fill = "dd if=/dev/zero of=fill bs=64k; dd if=/dev/zero of=fill2 bs=1; sync; true";
    env.put("nanokit.yml", &job(fill));
    let ran = env.nkapp(&["deploy", "-y"]);
    let left = || {
        Command::new("df")
            .arg("--output=avail")
            .arg(env.folder())
            .output()
    };
    let text = String::from_utf8_lossy(&left().expect("df runs").stdout).into_owned();
    let ran = ran.exits(1).says("No space left on device");
    assert!(!ran.stderr.contains("could not be saved"), "{}", ran.stderr);
    let after = env.read("state.json");
    assert_ne!(before, after, "the state was saved: {text}");
    nanokit::formats::state::decode(after.as_bytes()).expect("a whole state");
    assert!(
        !env.folder().join(".nanokit/reserve").exists(),
        "it was used up"
    );
    // What cannot be saved afterwards is not begun.
    let refused = env.nkapp(&["deploy", "-y"]);
    assert_ne!(refused.code, 0);
    refused.says("No space left on device");
    env.nkapp(&["status"]).exits(0);
    for name in ["fill", "fill2"] {
        std::fs::remove_file(env.folder().join(name)).expect("removed");
    }
    env.put("nanokit.yml", &job("true"));
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
}

#[test]
fn f15_without_room_for_a_save_nothing_is_begun() {
    let (env, _image) = on_a_disk(16 << 20);
    std::fs::remove_file(env.folder().join(".nanokit/reserve")).expect("removed");
    env.put("nanokit.yml", &job("touch began"));
    let filled = Command::new("sh")
        .args(["-c", "dd if=/dev/zero of=fill bs=64k; dd if=/dev/zero of=fill2 bs=1; truncate -s -200k fill; sync"])
        .current_dir(env.folder())
        .stderr(Stdio::null())
        .status();
    assert!(filled.expect("sh runs").success());
    env.nkapp(&["deploy", "-y"])
        .exits(1)
        .says("reserve")
        .says("No space left on device");
    assert!(!env.folder().join("began").exists(), "nothing was begun");
    env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
}

#[test]
fn f04_a_state_that_cannot_be_saved_is_kept_elsewhere_with_the_command_that_brings_it_back() {
    let (env, image) = on_a_disk(16 << 20);
    let before = env.read("state.json");
    let folder = env.folder().display().to_string();
    let script = env.folder().parent().expect("home").join("die.py");
    std::fs::write(&script, SHUTDOWN).expect("written");
    env.put(
        "nanokit.yml",
        &job(&format!("python3 {} {folder}", script.display())),
    );
    let ran = env
        .nkapp(&["deploy", "-y"])
        .exits(1)
        .says("could not be saved")
        .says("Input/output error")
        .says("nkapp state push ");
    let command = ran
        .stderr
        .split("nkapp state push ")
        .nth(1)
        .expect("a command");
    let file = command
        .split_whitespace()
        .next()
        .expect("a file")
        .to_owned();
    assert!(!file.starts_with(&folder), "on another disk: {file}");
    let kept = std::fs::metadata(&file).expect("it is there");
    assert_eq!(kept.permissions().mode() & 0o777, 0o600);
    image.recover();
    assert_eq!(env.read("state.json").is_empty(), before.is_empty());
    env.put("nanokit.yml", &job("true"));
    env.nkapp(&["state", "push", "-y", &file]).exits(0);
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    std::fs::remove_file(&file).expect("removed");
}

#[test]
fn f16_on_a_read_only_disk_looking_works_and_changing_is_refused_before_any_effect() {
    let (env, image) = on_a_disk(16 << 20);
    env.put("nanokit.yml", &job("touch /tmp/nanokit-f16-began"));
    image.unmount();
    image.mount("ro");
    let mut cases = 0;
    for look in [
        &["status"][..],
        &["plan"],
        &["state", "show"],
        &["infra", "lock"],
        &["validate"],
    ] {
        env.nkapp(look).exits(0);
        cases += 1;
    }
    let began = std::path::Path::new("/tmp/nanokit-f16-began");
    for change in [
        &["deploy", "-y"][..],
        &["destroy", "-y"],
        &["state", "rebuild", "-y"],
    ] {
        env.nkapp(change)
            .exits(1)
            .says("Read-only file system")
            .says(".nanokit");
        cases += 1;
    }
    assert!(!began.exists());
    image.unmount();
    image.mount("");
    let own = "f16_on_a_read_only_disk_looking_works_and_changing_is_refused_before_any_effect";
    tried(own, cases);
}

#[test]
fn f17_files_of_somebody_else_are_named_with_their_owner() {
    assert!(
        rustix::process::geteuid().is_root(),
        "this test gives up root's rights, so it needs them"
    );
    let env = TestEnv::with(&job("true"));
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    // The program and the way to the project are anybody's to use; state and own folder are root's.
    let program = tempfile::tempdir().expect("temp folder");
    let copy = program.path().join("nkapp");
    std::fs::copy(env!("CARGO_BIN_EXE_nkapp"), &copy).expect("copied");
    for folder in [
        program.path(),
        env.folder().parent().expect("home"),
        env.folder(),
    ] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("opened");
    }
    let as_nobody = |arguments: &[&str]| {
        let command = env.command(arguments);
        let output = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&copy)
            .args(command.get_args())
            .current_dir(env.folder())
            .env_clear()
            .envs(
                command
                    .get_envs()
                    .filter_map(|(key, value)| Some((key, value?))),
            )
            .stdin(Stdio::null())
            .output();
        Ran::of(
            format!("nkapp {}", arguments.join(" ")),
            &output.expect("setpriv runs"),
        )
    };
    let modes = || {
        ["state.json", ".nanokit", ".nanokit/lock/state.json"].map(|name| {
            let about = std::fs::metadata(env.folder().join(name)).expect("there");
            about.permissions().mode()
        })
    };
    let before = modes();
    let mut cases = 0;
    for (arguments, code) in [
        (&["deploy", "-y"][..], 4),
        (&["destroy", "-y"], 4),
        (&["state", "rebuild", "-y"], 4),
        (&["state", "show"], 1),
    ] {
        as_nobody(arguments)
            .exits(code)
            .says("Permission denied")
            .says("belongs to user id 0")
            .says("this is user id 65534");
        cases += 1;
    }
    assert_eq!(modes(), before, "nothing was opened up");
    tried(
        "f17_files_of_somebody_else_are_named_with_their_owner",
        cases,
    );
}

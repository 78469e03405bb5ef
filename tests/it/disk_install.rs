//! The power fails right after an installation into a volume: where its sentinel is, its content is.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::disk_lab::Image;
use crate::fault_cases::tried;

const SCRIPT: &str = include_str!("../../src/engine/install.sh");
const HASH: &str = "0123abcd";
/// What is installed: enough that nothing but a sync brings it to the disk in time.
const SIZE: usize = 2 << 20;
const INSTALL: &str =
    "mkdir -p lib/deep; head -c 2097152 /dev/zero | tr '\\0' n > lib/deep/data; : > lib/empty";

/// Runs the script in this shell, as an instance would; returns what it said.
fn install(shell: &[&str], volume: &Path) -> String {
    let child = Command::new(shell[0])
        .args(&shell[1..])
        .args(["-c", SCRIPT])
        .current_dir(volume)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("NK_VOLUME", "NK_NO_SUCH")
        .env("NK_DIR", volume)
        .env("NK_HASH", HASH)
        .env("NK_NONCE", "77")
        .env("NK_INSTALL", INSTALL)
        .envs(["NK_OWNER", "NK_NAME", "NK_ENGINE", "NK_SCOPE"].map(|name| (name, "x")))
        .envs(["NK_CLEAN", "NK_BREAK"].map(|name| (name, "")))
        .env("NK_WAIT", "0")
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell runs");
    let group = Pid::from_child(&child);
    let output = child.wait_with_output().expect("it ends");
    // What kept its lock fresh may sleep on for a moment, in the volume.
    let _ = kill_process_group(group, Signal::KILL);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{shell:?}: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

/// Somebody else on the same disk saves something, which brings to the disk what the file system did until then.
fn save_beside(volume: &Path) {
    let file = std::fs::File::create(volume.join("beside")).expect("a file");
    file.sync_all().expect("synced");
}

#[test]
fn f27_power_cut_after_an_installation_leaves_all_of_it() {
    let shells: [&[&str]; 2] = [&["sh"], &["busybox", "sh"]];
    let mut cases = 0;
    for (kind, options, bytes) in [
        ("ext4", "", 32 << 20),
        ("ext4", "data=writeback,noauto_da_alloc", 32 << 20),
        ("xfs", "", 320 << 20),
    ] {
        let home = tempfile::tempdir().expect("temp folder");
        let image = Image::over(home.path(), kind, options, bytes);
        for (round, shell) in shells.iter().enumerate() {
            for beside in [true, false] {
                let volume = home.path().join(format!("{round}-{beside}"));
                std::fs::create_dir(&volume).expect("folder");
                image.recover();
                let what = format!("{kind} {options} {shell:?}, saved beside: {beside}");
                let said = install(shell, &volume);
                assert!(said.contains("state=installed"), "{what}: {said}");
                if beside {
                    save_beside(&volume);
                }
                image.shut_down();
                image.recover();
                let sentinel = volume.join(format!(".nk-installed-{HASH}"));
                assert!(sentinel.exists(), "{what}: what was said is not there");
                let data = std::fs::read(volume.join("lib/deep/data")).unwrap_or_default();
                let whole = data.len() == SIZE && data.iter().all(|byte| *byte == b'n');
                assert!(
                    whole,
                    "{what}: the sentinel is there, of the content {} bytes",
                    data.len()
                );
                assert!(volume.join("lib/empty").exists(), "{what}");
                cases += 1;
            }
        }
    }
    let own = "f27_power_cut_after_an_installation_leaves_all_of_it";
    tried(own, cases);
}

//! A whole evening at the panel against a real engine: every act an operator does, by keys, in one sitting. Every byte
//! that is written on the way is checked when the panel ends.

use std::process::{Command, Stdio};

use crate::panel_terminal::Panel;

use super::project::{Project, docker};

const FILE: &str = "
name: NAME
infra: { provider: docker }
services:
  db:
    image: nk-test/busybox:1
    start: sleep 100000
    stop_grace_period: 1s
  web:
    image: nk-test/busybox:1
    start: sleep 100000
    stop_grace_period: 1s
    depends_on: [db]
    env: { RELEASE: 'NUMBER' }
    hooks:
      prestart: HOOK
";

/// The file with the release of `web` and what its hook does.
fn file(release: u32, hook: &str) -> String {
    FILE.replace("NUMBER", &release.to_string())
        .replace("HOOK", hook)
}

/// Kills a deploy in the middle of its work, so that its lock stays.
fn leave_a_lock(project: &Project, panel: &mut Panel) {
    project.write(&file(2, "sleep 300"));
    let mut deploy = Command::new(env!("CARGO_BIN_EXE_nkapp"))
        .args(["deploy", "-y"])
        .current_dir(project.folder())
        .env("HOME", project.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nkapp runs");
    panel.keys("5");
    // Of this very deploy, not of the run before it.
    panel.wait_for(&format!("process {}", deploy.id()));
    panel.wait_for("ALIVE");
    deploy.kill().expect("killed");
    deploy.wait().expect("ended");
}

#[test]
fn docker_an_evening_at_the_panel() {
    let project = Project::new(&file(1, "echo the till is empty; exit 3"));
    let mut panel = Panel::within(project.folder(), (120, 40), &[]);

    // Open, filter, plan.
    panel.wait_for("web");
    panel.keys("/");
    panel.keys("db");
    panel.wait_for("/ db");
    panel.keys("\r");
    panel.wait_for("services /db");
    panel.keys("\u{1b}");
    panel.look();
    panel.keys("2");
    panel.wait_for("create");

    // Deploy, and watch a hook fail.
    panel.keys("D");
    panel.wait_for("y deploy");
    panel.look();
    panel.keys("y");
    panel.wait_for("failed (exit");
    panel.wait_for("the till is empty");

    // Mend the file, deploy again.
    project.write(&file(1, "echo the till is full"));
    panel.wait_for("loaded again");
    panel.keys("D");
    panel.wait_for("y deploy");
    panel.look();
    panel.keys("y");
    panel.wait_for("deploy: ok");

    // Clear the lock a killed deploy left behind.
    leave_a_lock(&project, &mut panel);
    panel.wait_for("DEAD");
    panel.keys("U");
    for step in ["step 1 of 4", "step 2 of 4", "step 3 of 4"] {
        panel.wait_for(step);
        // The same key twice within a moment is taken for a held one.
        panel.look();
        panel.look();
        panel.keys("y");
    }
    panel.wait_for("first 8 characters");
    panel.look();
    let lock = project.read(".nanokit/lock/state.json");
    let lock: serde_json::Value = serde_json::from_str(&lock).expect("a lock record");
    let id = lock["lock_id"].as_str().expect("its id");
    panel.keys(&id[..8]);
    panel.keys("\u{19}");
    panel.wait_for("Noted in `audit.log`");
    panel.keys("\u{1b}");
    panel.look();

    // See a change by hand, and undo it.
    project.write(&file(3, "echo the till is full"));
    panel.wait_for("loaded again");
    panel.keys("D");
    panel.wait_for("y deploy");
    panel.look();
    panel.keys("y");
    // The run before this one ended well too, and its title stands until this one begins.
    panel.wait_for("under way");
    panel.wait_for("deploy: ok");
    assert_eq!(docker(&["rm", "-f", &project.container("db", 0)]).code, 0);
    panel.wait_for("⇄1");
    panel.keys("4");
    panel.wait_for("what can be done");
    panel.keys("A");
    panel.wait_for("y restore");
    panel.look();
    panel.keys("y");
    panel.wait_for("restore: ok");
    project.is_settled();

    // Replay the run that failed, and leave.
    panel.keys("6");
    panel.wait_for("deploy failed");
    panel.keys("G");
    panel.wait_for("failed, exit code");
    panel.keys("o");
    panel.wait_for("replay");
    panel.keys("$");
    panel.wait_for("the till is empty");
    panel.keys("X");
    panel.keys("q");
    let end = panel.ended();
    assert_eq!(end.code, 0);
    assert!(end.restored, "{}", end.screen);
}

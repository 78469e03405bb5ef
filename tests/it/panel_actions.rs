//! Actions in the panel of the real binary: run, retried, passed over a step, and given up, by keys alone.

use std::path::Path;

use crate::panel_terminal::Panel;

const PROJECT: &str = "\
name: acts
infra: { provider: process }
services:
  web: { start: sleep 600 }
actions:
  - name: mend
    hook: manual
    inputs: { TOKEN: { secret: true, required: false } }
    steps:
      - { name: count, run: 'echo x >> counted' }
      - { name: gate, run: 'test -e \"open-$$TOKEN\"' }
      - { name: after, run: 'touch \"reached-$$TOKEN\"' }
      - { name: tidy, run: 'touch \"tidied-$$TOKEN\"', cleanup: true }
";

const CONFIRM: &str = "\u{19}";

/// Types the secret the form asks for, and agrees to the plan that follows.
fn agree(panel: &mut Panel, what: &str) {
    panel.wait_for(&format!("{what}: 1 input"));
    panel.keys("abc");
    panel.wait_for("•••");
    panel.keys(CONFIRM);
    panel.wait_for(&format!("{what}, acts in local?"));
    panel.look();
    panel.keys("y");
}

/// Runs the action, which stops at its gate.
fn run(panel: &mut Panel) {
    panel.wait_gone("actions not over");
    panel.keys("M");
    panel.wait_for("run an action of the file");
    panel.keys("\r");
    agree(panel, "run mend");
    panel.wait_for("action: failed (exit 1)");
    panel.wait_for("failed at gate");
}

fn count(folder: &Path) -> usize {
    let text = std::fs::read_to_string(folder.join("counted")).unwrap_or_default();
    text.lines().count()
}

#[test]
fn an_action_is_retried_passed_over_a_step_and_given_up_with_keys() {
    let mut panel = Panel::open(PROJECT, &[]);
    panel.wait_for("○ web");
    panel.wait_for("plan: +");
    panel.keys("D");
    panel.wait_for("deploy acts in local?");
    panel.look();
    panel.keys("y");
    panel.wait_for("deploy: ok (exit 0)");

    let folder = panel.folder().to_owned();
    let gate = folder.join("open-abc");
    let done = ["reached-abc", "tidied-abc"];
    let undo = || done.map(|name| std::fs::remove_file(folder.join(name)).is_ok());

    run(&mut panel);
    // It goes on where it stopped, with the secret asked for again.
    std::fs::write(&gate, "").expect("written");
    panel.keys("R");
    agree(&mut panel, "retry mend");
    panel.wait_for("action: ok (exit 0)");
    assert_eq!(count(&folder), 1, "what was finished was not done again");
    assert_eq!(undo(), [true, true]);

    std::fs::remove_file(&gate).expect("it was there");
    run(&mut panel);
    panel.keys("K");
    panel.wait_for("skip gate of mend");
    panel.keys("known");
    panel.wait_for("known");
    panel.keys(CONFIRM);
    agree(&mut panel, "skip gate of mend");
    panel.wait_for("action: ok, 1 warning");
    assert_eq!(count(&folder), 2);
    assert_eq!(undo(), [true, true]);

    run(&mut panel);
    panel.keys("a");
    agree(&mut panel, "abort mend");
    panel.wait_for("action: ok (exit 0)");
    assert_eq!(count(&folder), 3);
    assert_eq!(done.map(|name| folder.join(name).exists()), [false, true]);
    panel.keys("q");
    let end = panel.ended();
    assert!(end.restored, "{}", end.screen);
    let written = String::from_utf8_lossy(&end.bytes);
    assert!(!written.contains("abc"), "a secret was shown");
}

//! What happens to the terminal from outside while the panel has it: signals, job control, the mouse, a paste.

use crate::panel_terminal::Panel;

const PROJECT: &str = "\
name: pty
infra:
  provider: process
services:
  web:
    start: sleep 600
";

/// An editor that waits for a line.
const EDITOR: &str = "#!/bin/sh\necho \"EDITOR $1 ${2##*/}\"\nread -r line\n";

#[test]
fn a_panel_that_was_stopped_gives_the_terminal_to_the_shell_and_takes_it_again() {
    let mut panel = Panel::shell(PROJECT);
    panel.wait_for("shell>");
    panel.keys("\"$NKAPP\" ui\r");
    panel.wait_for("○ web");
    assert!(panel.mouse() && panel.is_drawn());
    panel.keys("\u{1a}");
    panel.wait_for("Stopped");
    assert!(!panel.mouse(), "the mouse is still ours");
    assert!(!panel.is_drawn(), "the screen is still ours");
    panel.resize(100, 30);
    panel.keys("fg; echo ba\"\"ck again\r");
    panel.wait_for("6 History");
    panel.wait_for("┐┌ service.web");
    assert!(panel.mouse() && panel.is_drawn());
    panel.keys("2");
    panel.wait_for("+ service.web");
    panel.keys("q");
    panel.wait_for("back again");
    panel.keys("exit\r");
    let end = panel.ended();
    assert!(end.restored, "{}", end.screen);
}

#[test]
fn a_hangup_ends_it_and_leaves_a_whole_terminal() {
    let mut panel = Panel::open(PROJECT, &[]);
    panel.wait_for("○ web");
    panel.signal("HUP");
    let end = panel.ended();
    assert_eq!(end.code, 130);
    assert!(end.restored, "{}", end.screen);
}

#[test]
fn what_a_program_left_on_the_screen_is_not_written_over() {
    for signal in ["TERM", "HUP"] {
        let mut panel = Panel::open(PROJECT, &[("EDITOR", "{folder}/nano")]);
        panel.program("nano", EDITOR);
        panel.wait_for("○ web");
        panel.keys("e");
        panel.wait_for("EDITOR +5 nanokit.yml");
        panel.signal(signal);
        let end = panel.ended();
        assert_eq!(end.code, 130, "{signal}");
        assert!(end.restored, "{signal}: {}", end.screen);
        let lines: Vec<&str> = end.screen.lines().collect();
        let place = |text: &str| lines.iter().position(|line| line.contains(text));
        let (editor, report) = (place("EDITOR +5 nanokit.yml"), place("pty (local): "));
        assert!(
            editor.is_some() && editor < report,
            "{signal}:\n{}",
            end.screen
        );
    }
}

#[test]
fn the_mouse_goes_where_it_is_clicked() {
    let mut panel = Panel::open(PROJECT, &[]);
    panel.wait_for("plan: +");
    panel.click("5 Locks");
    panel.wait_for("nobody holds it");
    assert!(
        panel.mouse(),
        "the terminal does not send what the mouse does"
    );
    panel.keys("\u{1b}OR");
    panel.wait_for("the mouse is the terminal's");
    assert!(!panel.mouse());
    panel.keys("\u{1b}OR");
    panel.wait_for("the mouse is the panel's");
    assert!(panel.mouse());
    panel.click("2 Plan");
    panel.wait_for("+ service.web");
    panel.keys("q");
    assert!(panel.ended().restored);
}

#[test]
fn a_paste_confirms_nothing() {
    let mut panel = Panel::open(PROJECT, &[]);
    panel.wait_for("plan: +");
    panel.keys("D");
    panel.wait_for("y deploy");
    panel.look();
    panel.keys(&format!("\u{1b}[200~{}\u{1b}[201~", "y\n".repeat(100)));
    panel.look();
    panel.wait_for("y deploy");
    panel.keys("\u{1b}");
    panel.look();
    panel.keys("3");
    panel.wait_for("no run");
    panel.keys("q");
    assert!(panel.ended().restored);
}

//! Several rooms, programs that get the terminal, and the panel line by line, on the real binary.

use crate::panel_terminal::Panel;

const PROJECT: &str = "\
name: pty
infra:
  provider: process
services:
  web:
    start: sleep 600
    hooks:
      poststart: until test -e go; do sleep 0.1; done
environments:
  staging: {}
";

/// An editor that says what it got, reads one line, and says that too.
const EDITOR: &str =
    "#!/bin/sh\necho \"EDITOR $1 ${2##*/}\"\nread -r line\necho \"GOT $line\"\nread -r line\n";

#[test]
fn a_deploy_goes_on_while_another_environment_is_looked_at() {
    let mut panel = Panel::open(PROJECT, &[]);
    panel.wait_for("plan: +");
    panel.keys("D");
    panel.wait_for("y deploy");
    panel.look();
    panel.keys("y");
    panel.wait_for("◐ deploy");
    panel.keys("E");
    panel.wait_for("pty (staging)");
    panel.keys("stag\r");
    panel.wait_for("◆ staging");
    panel.wait_for("◐ pty (local)");
    panel.wait_for("plan: +2");
    panel.keys("D");
    panel.wait_for("deploy pty in ◆ staging?");
    // Escape and a key right behind it would be one key, with Alt.
    panel.keys("\u{1b}");
    panel.look();
    panel.keys("q");
    panel.wait_for("another room: pty (local)");
    // Escape and a key right behind it would be one key, with Alt.
    panel.keys("\u{1b}");
    panel.look();
    panel.program("go", "");
    panel.wait_for("✓ pty (local)");
    panel.keys("q");
    let end = panel.ended();
    assert_eq!(end.code, 0);
    assert!(end.restored, "{}", end.screen);
    assert!(
        end.screen.contains("pty (local): deploy ok"),
        "{}",
        end.screen
    );
}

#[test]
fn the_editor_gets_every_key_and_the_panel_comes_back() {
    let mut panel = Panel::open(PROJECT, &[("EDITOR", "{folder}/nano")]);
    panel.program("nano", EDITOR);
    panel.wait_for("○ web");
    let mouse = panel.mouse();
    panel.keys("e");
    panel.wait_for("EDITOR +5 nanokit.yml");
    assert!(!panel.mouse(), "the mouse is still ours");
    panel.keys("abcdefghijklmnopqrstuvwxyz\r");
    panel.wait_for("GOT abcdefghijklmnopqrstuvwxyz");
    panel.resize(70, 20);
    panel.keys("\r");
    panel.wait_for("1 Services");
    panel.wait_for("○ web");
    assert_eq!(panel.mouse(), mouse);
    panel.keys("q");
    let end = panel.ended();
    assert_eq!(end.code, 0);
    assert!(end.restored, "{}", end.screen);
}

#[test]
fn an_editor_that_is_not_there_is_named_and_nothing_is_lost() {
    let mut panel = Panel::open(PROJECT, &[("EDITOR", "no-such-editor")]);
    panel.wait_for("○ web");
    panel.keys("e");
    panel.wait_for("there is no `no-such-editor`");
    panel.keys("q");
    assert_eq!(panel.ended().code, 0);
}

#[test]
fn a_signal_while_the_editor_is_open_ends_both() {
    let mut panel = Panel::open(PROJECT, &[("EDITOR", "{folder}/nano")]);
    panel.program("nano", EDITOR);
    panel.wait_for("○ web");
    panel.keys("e");
    panel.wait_for("EDITOR +5");
    panel.terminate();
    let end = panel.ended();
    assert_eq!(end.code, 130);
    assert!(end.restored, "{}", end.screen);
}

#[test]
fn line_by_line_nothing_is_drawn_and_the_same_rituals_hold() {
    let arguments = ["ui", "--plain"];
    let mut panel = Panel::open_with(PROJECT, &[("TERM", "dumb")], &arguments);
    panel.program("go", "");
    panel.wait_for("nkapp pty [local]>");
    panel.keys("plan\r");
    panel.wait_for("create");
    panel.keys("D\r");
    panel.wait_for("Type `yes` to go on:");
    panel.keys("yes\r");
    panel.wait_for("service.web");
    panel.wait_for("deploy");
    panel.keys("destroy\r");
    panel.wait_for("Type `pty` to go on:");
    panel.keys("yes\r");
    panel.wait_for("not agreed");
    panel.keys("quit\r");
    let end = panel.ended();
    assert_eq!(end.code, 0);
    assert!(!end.bytes.contains(&0x1b), "an escape sequence was written");
}

#[test]
fn line_by_line_what_changes_is_said_without_tearing_the_line_that_is_typed() {
    let arguments = ["ui", "--plain"];
    let mut panel = Panel::open_with(PROJECT, &[("TERM", "dumb")], &arguments);
    panel.wait_for("nkapp pty [local]>");
    panel.keys("pla");
    panel.wait_for("> pla");
    panel.write(&PROJECT.replace("sleep 600", "sleep 900"));
    panel.wait_for("The project file changed. Type plan to see what that means.");
    panel.wait_for("to see what that means.\nnkapp pty [local]> pla");
    panel.keys("n\r");
    panel.wait_for("create");
    panel.keys("q\r");
    let end = panel.ended();
    assert_eq!(end.code, 0);
    assert!(!end.bytes.contains(&0x1b), "an escape sequence was written");
}

#[test]
fn read_only_refuses_in_the_panel_and_line_by_line() {
    let mut panel = Panel::open(PROJECT, &[("NANOKIT_READ_ONLY", "1")]);
    panel.wait_for("read-only");
    panel.keys("D");
    panel.wait_for("opened read-only");
    panel.keys("q");
    assert_eq!(panel.ended().code, 0);
    let arguments = ["--read-only", "ui", "--plain"];
    let mut plain = Panel::open_with(PROJECT, &[], &arguments);
    plain.wait_for("in environment local, 1 service. Read-only");
    plain.keys("deploy\r");
    plain.wait_for("this session is read-only");
    plain.keys("q\r");
    assert_eq!(plain.ended().code, 0);
}

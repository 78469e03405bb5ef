//! The panel of the real binary in a pseudo-terminal, on host processes: what a person at the keyboard sees.

use crate::panel_terminal::Panel;

const PROJECT: &str = "\
name: pty
infra:
  provider: process
services:
  db:
    start: sleep 600
  web:
    start: sleep 600
    depends_on: [db]
    hooks:
      poststart: echo hello from the hook
";

#[test]
fn a_project_is_deployed_with_keys_and_the_terminal_is_given_back() {
    let mut panel = Panel::open(PROJECT, &[]);
    panel.wait_for("▾ ○ web");
    panel.wait_for("plan: +");
    panel.keys("D");
    panel.wait_for("deploy pty in local?");
    panel.wait_for("y deploy");
    panel.look();
    panel.keys("y");
    panel.wait_for("deploy: ok (exit 0)");
    panel.keys("1");
    panel.wait_for("● web");
    panel.wait_for("✓ as planned");
    panel.resize(20, 5);
    panel.wait_for("needs 40x10");
    panel.resize(80, 24);
    panel.wait_for("● web");
    panel.keys("3");
    panel.wait_for("hello from the hook");
    panel.keys("q");
    let end = panel.ended();
    assert_eq!(end.code, 0);
    assert!(end.restored, "{}", end.screen);
    assert!(
        end.screen.contains("pty (local): deploy ok after"),
        "{}",
        end.screen
    );
}

#[test]
fn a_broken_file_is_shown_until_it_is_mended() {
    let mut panel = Panel::open(&PROJECT.replace("[db]", "[bd]"), &[]);
    panel.wait_for("`web` depends on `bd`");
    panel.write(PROJECT);
    panel.wait_for("▾ ○ web");
    panel.keys("\u{3}");
    let end = panel.ended();
    assert_eq!(end.code, 0);
    assert!(end.restored, "{}", end.screen);
}

#[test]
fn a_signal_ends_it_and_gives_the_terminal_back() {
    let mut panel = Panel::open(PROJECT, &[]);
    panel.wait_for("▾ ○ web");
    panel.terminate();
    let end = panel.ended();
    assert_eq!(end.code, 130);
    assert!(end.restored, "{}", end.screen);
}

#[test]
fn without_colour_the_chosen_row_is_still_seen_in_the_bytes() {
    let mut panel = Panel::open(PROJECT, &[("NO_COLOR", "1"), ("NANOKIT_ASCII", "1")]);
    panel.wait_for("v o web");
    panel.keys("q");
    let end = panel.ended();
    assert!(end.restored, "{}", end.screen);
    let written = String::from_utf8_lossy(&end.bytes);
    assert!(written.contains("\u{1b}[7m"), "no reversed row");
    for style in styles(&written) {
        let coloured = matches!(style, "38" | "48")
            || style
                .parse()
                .is_ok_and(|number: u32| matches!(number, 30..=37 | 40..=47 | 90..=97 | 100..=107));
        assert!(!coloured, "a colour: {style}");
    }
}

/// The numbers of every `ESC [ … m` in what was written.
fn styles(written: &str) -> impl Iterator<Item = &str> {
    written
        .split("\u{1b}[")
        .skip(1)
        .filter_map(|after| {
            let end = after.find(|c: char| !(c.is_ascii_digit() || c == ';'))?;
            after[end..].starts_with('m').then(|| &after[..end])
        })
        .flat_map(|numbers| numbers.split(';'))
}

//! The size of the terminal changes faster than anybody draws, to sizes nothing can be drawn in.

use crate::fault_cases::tried;
use crate::panel_terminal::Panel;

const PROJECT: &str = "\
name: pty
infra: { provider: process }
services:
  db:
    start: sleep 600
  web:
    start: sleep 600
    depends_on: [db]
";

/// Sizes of a storm.
const SIZES: u16 = 1_000;

/// A thousand sizes: of one cell, of none, larger than any screen. Returns how many.
fn storm(panel: &Panel) -> usize {
    for n in 0..SIZES {
        let (columns, rows) = match n % 50 {
            7 => (0, 0),
            11 => (1, 1),
            23 => (500, 200),
            31 => (1, 200),
            37 => (500, 1),
            _ => (1 + n * 37 % 220, 1 + n * 17 % 60),
        };
        panel.only_tell_size(columns, rows);
    }
    usize::from(SIZES)
}

/// Back to a size at which there is something to press, once the panel has seen it.
fn calm(panel: &mut Panel) {
    panel.resize(20, 5);
    panel.wait_for("needs 40x10");
    panel.resize(80, 24);
    panel.wait_gone("needs 40x10");
}

#[test]
fn f34_a_thousand_sizes_in_a_row_leave_a_panel_that_is_drawn_right() {
    let mut panel = Panel::open(PROJECT, &[]);
    panel.wait_for("▾ ○ web");
    panel.wait_for("plan: +");
    let mut sizes = 0;
    for (key, text) in [
        ("2", "+ service.web"),
        ("5", "nobody holds it"),
        ("1", "▾ ○ web"),
    ] {
        sizes += storm(&panel);
        for (columns, rows) in [(1, 1), (500, 200), (40, 10)] {
            panel.resize(columns, rows);
            panel.look();
            sizes += 1;
        }
        calm(&mut panel);
        panel.keys(key);
        panel.wait_for(text);
    }
    // What is drawn at a place can be pressed there.
    panel.click("2 Plan");
    panel.wait_for("+ service.web");
    let own = "f34_a_thousand_sizes_in_a_row_leave_a_panel_that_is_drawn_right";
    tried(own, sizes);
    panel.keys("q");
    let end = panel.ended();
    assert_eq!(end.code, 0, "{}", end.screen);
    assert!(end.restored, "{}", end.screen);
}

#[test]
fn f34_a_dialog_outlives_every_size_and_is_confirmed_only_where_it_is_drawn() {
    let mut panel = Panel::open(PROJECT, &[]);
    panel.wait_for("plan: +");
    panel.keys("D");
    panel.wait_for("deploy pty in local?");
    let sizes = storm(&panel);
    let own = "f34_a_dialog_outlives_every_size_and_is_confirmed_only_where_it_is_drawn";
    tried(own, sizes);
    // Where it is not drawn nobody can mean it.
    panel.resize(20, 5);
    panel.wait_for("needs 40x10");
    panel.keys("y");
    panel.look();
    panel.resize(240, 70);
    panel.wait_for("[ deploy ]");
    panel.look();
    calm(&mut panel);
    panel.wait_for("[ deploy ]");
    panel.look();
    // Where there was something on a larger screen there is nothing now.
    panel.keys("\u{1b}[<0;1;1M\u{1b}[<0;1;1m\u{1b}[<0;239;69M\u{1b}[<0;239;69m");
    panel.look();
    assert!(
        !panel.folder().join("state.json").exists(),
        "a click beside it deploys"
    );
    panel.wait_for("deploy pty in local?");
    panel.click("[ deploy ]");
    panel.wait_for("deploy: ok (exit 0)");
    panel.keys("1");
    panel.wait_for("● web");
    panel.wait_for("✓ as planned");
    panel.keys("q");
    let end = panel.ended();
    assert_eq!(end.code, 0, "{}", end.screen);
    assert!(end.restored, "{}", end.screen);
}

//! Every area at three sizes, in many colours, in sixteen and in none, and in ASCII.
//!
//! Text is compared whole; colours as a list of what is drawn in which style, since a map of cells is read by nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use crate::app::snapshot::Snapshot;
use crate::domain::lease::Verdict;
use crate::tui::model::Area;
use crate::tui::tests::fixtures::{failed, idle};
use crate::tui::tests::parts::lock;
use crate::tui::tests::talk::{Given, given};
use crate::tui::tests::{past, reading};
use crate::tui::theme::Colors;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// An area: its name, how it is opened, and words that tell how things stand there.
type Shown = (&'static str, fn() -> Given, &'static [&'static str]);

const AREAS: [Shown; 9] = [
    ("services", services, &["healthy", "drift"]),
    ("graph", graph, &["~", "⇄"]),
    ("plan", plan, &["~", "update", "unchanged", "! service.web"]),
    (
        "run",
        run,
        &["✓", "✗", "»", "skipped because of", "exit 3", "failed (1)"],
    ),
    (
        "timeline",
        timeline,
        &["✗", "✓", "failed after", "not begun"],
    ),
    ("output", output, &["paused", "not found"]),
    ("drift", drift, &["⇄", "container nk-shop-local-old-0"]),
    ("locks", locks, &["DEAD"]),
    (
        "history",
        past::history,
        &[
            "✗ deploy failed",
            "! deploy ok, 1 warning",
            "? deploy unfinished",
        ],
    ),
];

fn services() -> Given {
    given(idle())
}
fn graph() -> Given {
    given(idle()).keys("v")
}
fn plan() -> Given {
    given(idle()).keys("2")
}
fn run() -> Given {
    let mut given = given(failed()).at(Area::Run);
    crate::tui::update::moves::follow(&mut given.model);
    given
}
fn timeline() -> Given {
    run().keys("v")
}
fn output() -> Given {
    reading::talking()
        .keys("/")
        .types("nowhere")
        .keys("Enter k")
}
fn drift() -> Given {
    given(idle()).at(Area::Drift)
}
fn locks() -> Given {
    let held = Snapshot {
        lock: Some(lock(Verdict::Dead).into()),
        ..idle()
    };
    given(held).at(Area::Locks)
}

fn with_colors(mut given: Given, colors: Colors) -> Given {
    given.model.options.colors = colors;
    given.model.set_theme("dark");
    given
}

#[test]
fn every_area_at_every_size_and_in_ascii() {
    for (name, open, _) in AREAS {
        for (columns, rows) in SIZES {
            let screen = open().size(columns, rows).screen();
            insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), screen);
        }
        let mut given = open();
        given.model.options.ascii = true;
        let screen = given.screen();
        let foreign: BTreeSet<char> = screen.chars().filter(|c| !c.is_ascii()).collect();
        // Lines of the outside may be in any script; what is the panel's own may not.
        let own = foreign
            .iter()
            .filter(|c| !"データベースの接続文字列👍🏽🚀é\u{301}".contains(**c));
        assert_eq!(own.count(), 0, "{name}: {foreign:?}");
        insta::assert_snapshot!(format!("{name}_ascii_80x24"), screen);
    }
}

#[test]
fn every_area_in_many_colours_in_sixteen_and_in_none() {
    for (name, open, _) in AREAS {
        let mut text = String::new();
        for (mode, colors) in [
            ("many", Colors::True),
            ("sixteen", Colors::Sixteen),
            ("none", Colors::None),
        ] {
            let given = with_colors(open().size(120, 40), colors);
            let _ = writeln!(text, "== {mode}");
            for (style, parts) in styles(&given.buffer()) {
                let _ = writeln!(text, "{style}: {}", parts.join(" | "));
            }
        }
        insta::assert_snapshot!(format!("{name}_colours"), text);
    }
}

#[test]
fn no_state_is_told_by_colour_alone() {
    for (name, open, words) in AREAS {
        let none = with_colors(open().size(120, 40), Colors::None);
        let screen = none.screen();
        for word in words {
            assert!(screen.contains(word), "{name}: no {word:?} in\n{screen}");
        }
        for cell in &none.buffer().content {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{name}");
        }
        for colors in [Colors::Sixteen, Colors::True] {
            let coloured = with_colors(open().size(120, 40), colors);
            assert_eq!(coloured.screen(), screen, "{name}: colours change the text");
        }
        // A symbol or word that tells a state has one colour; the same text in two would tell it by colour alone.
        let coloured = with_colors(open().size(120, 40), Colors::Sixteen);
        let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (text, cell) in runs(&coloured.buffer()) {
            if let Color::Green | Color::Yellow | Color::Red | Color::Magenta = cell.0 {
                told.entry(text)
                    .or_default()
                    .insert(format!("{:?}", cell.0));
            }
        }
        told.retain(|_, colors| colors.len() > 1);
        assert!(told.is_empty(), "{name}: {told:?}");
    }
}

type Look = (Color, Color, Modifier);

/// Cuts a screen where its style changes; blank parts are left out.
fn runs(buffer: &Buffer) -> Vec<(String, Look)> {
    let area = buffer.area;
    let mut runs: Vec<(String, Look)> = Vec::new();
    for y in 0..area.height {
        let mut here: Option<(String, Look)> = None;
        for x in 0..area.width {
            let cell = &buffer[(x, y)];
            let look = (cell.fg, cell.bg, cell.modifier);
            match &mut here {
                Some((text, known)) if *known == look => text.push_str(cell.symbol()),
                _ => {
                    runs.extend(here.take());
                    here = Some((cell.symbol().to_owned(), look));
                }
            }
        }
        runs.extend(here);
    }
    runs.retain_mut(|(text, _)| {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        !text.is_empty()
    });
    runs
}

/// Lists what is drawn in each style, each text once; frames and filled lines in short.
fn styles(buffer: &Buffer) -> BTreeMap<String, Vec<String>> {
    let mut styles: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (text, (fg, bg, modifier)) in runs(buffer) {
        let mut style = format!("{fg}");
        if bg != Color::Reset {
            let _ = write!(style, " on {bg}");
        }
        for (name, _) in modifier.iter_names() {
            let _ = write!(style, " {}", name.to_lowercase());
        }
        let mut short = String::new();
        for c in text.chars() {
            let again = short.ends_with(c) && !c.is_alphanumeric();
            if !again && !"│".contains(c) {
                short.push(c);
            }
        }
        let short = short.trim().to_owned();
        let texts = styles.entry(style).or_default();
        if !short.is_empty() && !texts.contains(&short) {
            texts.push(short);
        }
    }
    styles
}

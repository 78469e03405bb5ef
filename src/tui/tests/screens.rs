//! What the panel looks like: text at several sizes, styles, and no panic at any size.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use crate::app::snapshot::Snapshot;
use crate::domain::ids::Address;
use crate::domain::lease::Verdict;
use crate::domain::plan::model::Change;
use crate::domain::report::DriftReport;
use crate::domain::report::ignored::{Ignored, IgnoredChange};
use crate::tui::model::Area;
use crate::tui::tests::fixtures::{broken, busy, empty, failed, idle, long, wide};
use crate::tui::tests::parts::{NOW, lock, model};
use crate::tui::tests::talk::{Given, given};
use crate::tui::theme::Colors;

type Mood = (&'static str, fn() -> Snapshot);

const MOODS: [Mood; 6] = [
    ("empty", empty),
    ("idle", idle),
    ("busy", busy),
    ("failed", failed),
    ("long", long),
    ("wide", wide),
];

/// What may lie above an area, by the keys that open it.
const ABOVE: [(&str, &str); 6] = [
    ("deploy", "D"),
    ("help", "?"),
    ("actions", ":"),
    ("filter", "/"),
    ("logs", "j l"),
    ("details", "Enter"),
];

fn shown(mood: fn() -> Snapshot, area: Area, size: (u16, u16)) -> Given {
    let mut given = given(mood()).size(size.0, size.1).at(area);
    if area == Area::Run {
        crate::tui::update::moves::follow(&mut given.model);
        crate::tui::update::reading::settle(&mut given.model);
    }
    given
}

#[test]
fn every_area_in_every_mood() {
    for (mood, snapshot) in MOODS {
        for area in Area::ALL {
            let screen = shown(snapshot, area, (80, 24)).screen();
            insta::assert_snapshot!(format!("{mood}_{area:?}_80x24"), screen);
        }
    }
}

#[test]
fn a_busy_panel_at_other_sizes() {
    for size in [(60, 20), (160, 50)] {
        for area in Area::ALL {
            let name = format!("busy_{area:?}_{}x{}", size.0, size.1);
            insta::assert_snapshot!(name, shown(busy, area, size).screen());
        }
    }
}

#[test]
fn what_lies_above_an_area() {
    for (name, keys) in ABOVE {
        insta::assert_snapshot!(format!("above_{name}"), given(idle()).keys(keys).screen());
    }
    let dead = || Snapshot {
        lock: Some(lock(Verdict::Dead).into()),
        ..idle()
    };
    let alive = || Snapshot {
        lock: Some(lock(Verdict::Alive).into()),
        ..idle()
    };
    insta::assert_snapshot!("above_unlock", given(dead()).keys("4 U").screen());
    insta::assert_snapshot!(
        "above_force",
        given(alive()).keys("4 U").types("9f8e").screen()
    );
    insta::assert_snapshot!("above_stop", given(busy()).keys("c").screen());
    insta::assert_snapshot!("above_leave", given(busy()).keys("q").screen());
    insta::assert_snapshot!("broken_file", given(broken()).screen());
}

#[test]
fn no_size_makes_it_panic() {
    let widths = [
        1, 2, 5, 10, 19, 20, 39, 40, 41, 60, 79, 80, 99, 100, 120, 200, 500,
    ];
    let heights = [1, 2, 3, 5, 9, 10, 11, 15, 24, 40, 100, 200];
    for (_, mood) in MOODS
        .into_iter()
        .chain([("broken", broken as fn() -> Snapshot)])
    {
        for area in Area::ALL {
            let mut given = given(mood()).at(area);
            for width in widths {
                for height in heights {
                    if u32::from(width) * u32::from(height) > 10_000 && area != Area::Run {
                        continue;
                    }
                    given = given.size(width, height);
                    let buffer = given.buffer();
                    assert_eq!(buffer.area.width, width);
                }
            }
        }
    }
}

#[test]
fn no_size_makes_an_overlay_panic() {
    for (_, keys) in ABOVE {
        let mut above = given(idle()).keys(keys);
        for (width, height) in [(1, 1), (20, 5), (40, 10), (45, 11), (80, 24), (300, 100)] {
            above = above.size(width, height);
            above.buffer();
        }
    }
}

#[test]
fn a_small_terminal_gets_one_plain_sentence() {
    let cases = [
        ((39, 24), "terminal too small: 39x24, needs 40x10\n"),
        ((20, 5), "too small\nneeds 40x10\n"),
        ((7, 2), "too sm…\n"),
    ];
    for ((width, height), expected) in cases {
        let screen = given(idle()).size(width, height).screen();
        assert_eq!(screen.trim_end(), expected.trim_end(), "{width}x{height}");
    }
}

fn styled(buffer: &Buffer, wanted: impl Fn(Color, Color, Modifier) -> bool) -> usize {
    buffer
        .content
        .iter()
        .filter(|cell| wanted(cell.fg, cell.bg, cell.modifier))
        .count()
}

#[test]
fn without_colour_no_cell_has_one_and_the_cursor_is_still_seen() {
    for (mood, snapshot) in MOODS {
        for area in Area::ALL {
            let mut given = given(snapshot()).at(area);
            given.model.options.colors = Colors::None;
            given.model.set_theme("dark");
            let buffer = given.buffer();
            let colored = styled(&buffer, |fg, bg, _| {
                fg != Color::Reset || bg != Color::Reset
            });
            assert_eq!(colored, 0, "{mood} {area:?}");
            let reversed = styled(&buffer, |_, _, m| m.contains(Modifier::REVERSED));
            assert!(reversed > 0, "{mood} {area:?}");
        }
    }
}

#[test]
fn colour_and_no_colour_say_the_same() {
    for (mood, snapshot) in MOODS {
        for area in Area::ALL {
            let colored = given(snapshot()).at(area);
            let mut plain = given(snapshot()).at(area);
            plain.model.options.colors = Colors::None;
            plain.model.set_theme("mono");
            assert_eq!(colored.screen(), plain.screen(), "{mood} {area:?}");
        }
    }
}

#[test]
fn ascii_means_ascii_everywhere() {
    for (mood, snapshot) in MOODS {
        for area in Area::ALL {
            for (_, keys) in ABOVE {
                let mut given = given(snapshot()).at(area).keys(keys);
                given.model.options.ascii = true;
                let screen = given.screen();
                assert!(screen.is_ascii(), "{mood} {area:?} {keys}\n{screen}");
            }
        }
    }
}

#[test]
fn foreign_text_cannot_move_the_cursor() {
    let mut bad = idle();
    if let Some(plan) = bad.plan.as_mut() {
        let plan = std::sync::Arc::make_mut(plan);
        plan.actions[0].reason = "\u{1b}[2J\u{1b}]0;gone\u{7}evil\u{202e}".into();
    }
    let screen = given(bad).at(Area::Plan).screen();
    assert!(screen.contains("evil"));
    assert!(!screen.chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn production_is_said_in_a_word_a_symbol_and_a_colour() {
    let mut snapshot = idle();
    let mut project = crate::tui::tests::parts::shop();
    project.env = crate::domain::ids::EnvName::parse("production").expect("name");
    snapshot.config = Some(crate::tui::tests::parts::hydrated(project));
    let given = given(snapshot);
    assert!(
        given
            .screen()
            .lines()
            .next()
            .is_some_and(|line| line.contains("▲ PRODUCTION"))
    );
    let buffer = given.buffer();
    let red = (0..80).filter(|x| buffer[(*x, 0)].fg == Color::Red).count();
    assert!(red > 5);
}

/// One letter per cell: what the colours and modifiers of a screen are.
fn style_map(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut map = String::new();
    for y in 0..area.height {
        let line: String = (0..area.width)
            .map(|x| {
                let cell = &buffer[(x, y)];
                let letter = match cell.fg {
                    Color::Green => 'g',
                    Color::Yellow => 'y',
                    Color::Red => 'r',
                    Color::Cyan => 'c',
                    Color::Magenta => 'm',
                    _ if cell.modifier.contains(Modifier::DIM) => 'd',
                    _ if cell.modifier.contains(Modifier::BOLD) => 'b',
                    _ => '.',
                };
                if cell.modifier.contains(Modifier::REVERSED) {
                    if letter == '.' {
                        '#'
                    } else {
                        letter.to_ascii_uppercase()
                    }
                } else {
                    letter
                }
            })
            .collect();
        map.push_str(line.trim_end_matches('.'));
        map.push('\n');
    }
    map
}

#[test]
fn styles_of_the_services_and_of_a_failed_run() {
    insta::assert_snapshot!(
        "styles_services",
        style_map(&shown(idle, Area::Services, (80, 24)).buffer())
    );
    insta::assert_snapshot!(
        "styles_failed_run",
        style_map(&shown(failed, Area::Run, (80, 24)).buffer())
    );
}

#[test]
fn what_is_ignored_is_told_and_does_not_count_as_drift() {
    let before = given(idle()).size(160, 40).screen();
    assert!(before.contains("⇄2"), "{before}");
    let mut snapshot = idle();
    let worker = Address::service("worker");
    let drift = snapshot.drift.as_deref().cloned().unwrap_or_default();
    let changes = drift.drifted[&worker].clone();
    let ignored: Vec<IgnoredChange> = changes.into_iter().map(trial).collect();
    let drift = DriftReport {
        drifted: BTreeMap::new(),
        ignored: [(worker.clone(), ignored)].into(),
        ..drift
    };
    let status = snapshot.status.as_deref().cloned().unwrap_or_default();
    snapshot.status = Some(status.without_ignored(&drift).into());
    snapshot.drift = Some(drift.into());
    let given = given(snapshot).size(160, 40);
    let screen = given.screen();
    assert!(screen.contains("⇄1 (1 ignored)"), "{screen}");
    assert!(!screen.contains("⇄ drift"), "{screen}");
    assert!(!screen.contains("Drift ⇄"), "{screen}");
    let screen = given.at(Area::Drift).screen();
    assert!(
        screen.contains("drift: 0 differ, 1 field ignored"),
        "{screen}"
    );
}

fn trial(change: Change) -> IgnoredChange {
    IgnoredChange {
        change,
        ignored: Ignored {
            address: Address::service("worker"),
            path: None,
            reason: "a trial".into(),
            by: "me@here".into(),
            at: NOW,
            until: None,
        },
    }
}

#[test]
fn ten_thousand_services_are_drawn_and_moved_over_at_once() {
    let services = (0..10_000)
        .map(|n| {
            let needs = format!("s{:05}", n + 1);
            let needs: &[&str] = if n % 10 == 9 || n == 9_999 {
                &[]
            } else {
                &[&needs]
            };
            crate::tui::tests::parts::service(&format!("s{n:05}"), needs)
        })
        .collect();
    let project = crate::tui::tests::parts::project(services);
    let snapshot = Snapshot {
        status: Some(crate::tui::tests::parts::standing(&project, true).into()),
        config: Some(crate::tui::tests::parts::hydrated(project)),
        ..Snapshot::default()
    };
    let model = model(snapshot.clone());
    let rows = model.pane().map_or(0, |pane| pane.rows().len());
    assert_eq!(rows, 10_000 + 2);
    let screen = given(snapshot).keys("G").screen();
    assert!(screen.contains("1 volume"), "{screen}");
}

//! The mouse, lists to choose from, themes and help: what a press does, and that it hits what is drawn.

use ratatui::style::Modifier;

use crate::app::snapshot::Snapshot;
use crate::domain::lease::Verdict;
use crate::domain::time::Wall;
use crate::tui::keymap::action::Action;
use crate::tui::keymap::map::{Keymap, describe};
use crate::tui::model::{Area, Focus, Overlay};
use crate::tui::msg::{Msg, Pointer, Press};
use crate::tui::overlay::Choices;
use crate::tui::setup::{UserFile, UserFiles};
use crate::tui::tests::fixtures::{busy, failed, idle, long, wide};
use crate::tui::tests::parts::{self, lock};
use crate::tui::tests::talk::{Given, given, given_with, text};
use crate::tui::theme::{Colors, Tone};
use crate::tui::update::palette::entries;
use crate::tui::view::hits::{self, Hit};

fn keymap() -> Keymap {
    Keymap::built_in().expect("keymap")
}

fn pointer(press: Press, x: u16, y: u16) -> Msg {
    Msg::Mouse(Pointer { press, x, y })
}

/// Presses and lets go where a hit first is, seen from the upper left corner.
fn click(given: Given, wanted: &Hit) -> Given {
    let (x, y) = find(&given, wanted);
    given
        .tell(pointer(Press::Down, x, y))
        .tell(pointer(Press::Up, x, y))
}

fn later(given: Given, milliseconds: i64) -> Given {
    let now = Wall(given.model.now.0 + milliseconds);
    given.tell(Msg::Tick(now))
}

fn find(given: &Given, wanted: &Hit) -> (u16, u16) {
    let (columns, rows) = given.model.size;
    let keymap = keymap();
    (0..rows)
        .flat_map(|y| (0..columns).map(move |x| (x, y)))
        .find(|(x, y)| hits::at(&given.model, &keymap, *x, *y) == *wanted)
        .unwrap_or_else(|| panic!("{wanted:?} is nowhere\n{}", given.screen()))
}

fn cursor(given: &Given) -> usize {
    given.model.pane().expect("pane").cursor()
}

#[test]
fn a_click_goes_to_tab_row_details_and_hint() {
    let after = click(given(idle()), &Hit::Tab(Area::Plan));
    assert_eq!(after.model.area, Area::Plan);
    let after = click(given(idle()), &Hit::Row(3));
    assert_eq!((cursor(&after), after.model.focus), (3, Focus::List));
    let after = click(after, &Hit::Details);
    assert_eq!(after.model.focus, Focus::Details);
    let after = click(given(idle()), &Hit::Hint(Some(Action::Help)));
    assert!(matches!(
        after.model.overlays.last(),
        Some(Overlay::Help { .. })
    ));
}

#[test]
fn a_double_click_opens_and_the_sign_folds() {
    let rows = |given: &Given| given.model.pane().expect("pane").rows().len();
    let start = given(idle());
    let all = rows(&start);
    let once = click(start, &Hit::Row(0));
    assert_eq!(rows(&once), all);
    let twice = click(once, &Hit::Row(0));
    assert!(rows(&twice) < all);
    let again = click(later(twice, 1_000), &Hit::Fold(0));
    assert_eq!(rows(&again), all);
    let slowly = click(
        later(click(given(idle()), &Hit::Row(0)), 1_000),
        &Hit::Row(0),
    );
    assert_eq!(rows(&slowly), all);
}

#[test]
fn the_wheel_turns_what_is_under_it() {
    let start = given(idle()).size(80, 16);
    let (x, y) = find(&start, &Hit::Row(2));
    let after = start.tell(pointer(Press::WheelDown, x, y));
    let pane = after.model.pane().expect("pane");
    assert!(pane.first(5) > 0);
    assert_eq!(after.model.focus, Focus::List);
    let help = given(idle())
        .keys("?")
        .tell(pointer(Press::WheelDown, 5, 5));
    assert!(matches!(
        help.model.overlays.last(),
        Some(Overlay::Help { scroll: 3, .. })
    ));
    let mut help = help;
    for _ in 0..500 {
        help = help.tell(pointer(Press::WheelDown, 5, 5));
    }
    let at_end = help.screen();
    let up = help.tell(pointer(Press::WheelUp, 5, 5));
    assert_ne!(up.screen(), at_end, "the end is an end, not a debt");
}

#[test]
fn the_border_is_dragged_and_remembered_for_its_area() {
    let start = given(idle()).size(120, 40);
    let (x, y) = find(&start, &Hit::Border);
    let after = start
        .tell(pointer(Press::Down, x, y))
        .tell(pointer(Press::Drag, 35, y))
        .tell(pointer(Press::Up, 35, y))
        .tell(pointer(Press::Drag, 90, y));
    let (there, _) = find(&after, &Hit::Border);
    assert_eq!(there, 35);
    assert!(after.model.splits.contains_key(&Area::Services));
    assert!(!after.model.splits.contains_key(&Area::Plan));
    let even = after.keys("=");
    assert_eq!(even.model.splits[&Area::Services], 50);
    let wider = even.keys("+ + -");
    assert_eq!(wider.model.splits[&Area::Services], 55);
}

#[test]
fn a_click_takes_a_message_away() {
    let mut start = given(idle());
    start.model.toast("look here", Tone::Warn);
    let after = click(start, &Hit::Toast);
    assert!(after.model.toasts.is_empty());
}

#[test]
fn only_the_named_button_confirms_and_not_the_second_of_two_clicks() {
    let asked = || later(given(idle()).keys("D").then(), 500);
    for hit in [
        Hit::Hint(Some(Action::Confirm)),
        Hit::Above,
        Hit::Beside,
        Hit::Button(Action::Dismiss),
    ] {
        assert_eq!(click(asked(), &hit).asked(), [""; 0], "{hit:?}");
    }
    let confirmed = click(asked(), &Hit::Button(Action::Confirm));
    assert_eq!(confirmed.asked(), ["run deploy of p-3fe1"]);
    // Too soon after the question came, and as the second of two: nothing.
    let soon = click(
        given(idle()).keys("D").then(),
        &Hit::Button(Action::Confirm),
    );
    assert_eq!(soon.asked(), [""; 0]);
    let twice = click(soon, &Hit::Button(Action::Confirm));
    assert_eq!(twice.asked(), [""; 0]);
}

#[test]
fn no_click_confirms_where_a_name_has_to_be_typed() {
    let alive = Snapshot {
        lock: Some(lock(Verdict::Alive).into()),
        ..idle()
    };
    // The guide shows its evidence step by step before it asks for words.
    let mut typed = given(alive).at(Area::Locks).keys("U");
    while matches!(typed.model.overlays.last(), Some(Overlay::Dialog(_))) {
        typed = typed.keys("y");
    }
    let Some(Overlay::Typed(open)) = typed.model.overlays.last_mut() else {
        panic!("{}", typed.screen());
    };
    for field in &mut open.fields {
        field.typed = field.expect.clone().unwrap_or_else(|| "because".into());
    }
    let mut typed = later(typed.then(), 60_000);
    let (columns, rows) = typed.model.size;
    for (x, y) in (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))) {
        let hit = hits::at(&typed.model, &keymap(), x, y);
        assert_ne!(hit, Hit::Button(Action::Confirm));
        if !matches!(hit, Hit::Button(_) | Hit::Hint(_)) {
            typed = typed.tell(pointer(Press::Down, x, y));
        }
    }
    let typed = click(typed, &Hit::Hint(Some(Action::Confirm)));
    assert_eq!(typed.asked(), [""; 0]);
    assert!(matches!(
        typed.model.overlays.last(),
        Some(Overlay::Typed(_))
    ));
}

#[test]
fn a_mouse_left_to_the_terminal_does_nothing() {
    let away = given(idle()).keys("F3");
    assert_eq!(away.asked(), ["mouse(false)"]);
    assert!(away.screen().contains("F3 takes it back"));
    let (x, y) = find(&away, &Hit::Tab(Area::Plan));
    let away = away.tell(pointer(Press::Down, x, y));
    assert_eq!(away.model.area, Area::Services);
    assert_eq!(away.then().keys("F3").asked(), ["mouse(true)"]);
}

/// Everything that can be pressed is drawn where it is pressed.
fn check_hits(given: &Given) {
    let (columns, rows) = given.model.size;
    let keymap = keymap();
    let buffer = given.buffer();
    let screen = text(&buffer);
    let lines: Vec<&str> = screen.lines().collect();
    let model = &given.model;
    let top = model
        .overlays
        .iter()
        .rev()
        .find_map(|overlay| match overlay {
            Overlay::Palette(list) => Some(entries(model, list)),
            _ => None,
        });
    for (x, y) in (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))) {
        let line = lines[usize::from(y)];
        let hit = hits::at(model, &keymap, x, y);
        let says = |what: &str| {
            let begin: String = what.chars().take(3).collect();
            assert!(
                line.contains(begin.trim()),
                "{hit:?} at {x},{y} of {columns}x{rows}\n{screen}"
            );
        };
        match &hit {
            Hit::Tab(area) => says(&(*area as usize + 1).to_string()),
            Hit::Row(index) | Hit::Fold(index) => {
                let pane = model.pane().expect("pane");
                let row = &pane.rows()[*index];
                if row.path.len() < 4 {
                    says(&row.row.label);
                }
                // The second cell of a wide letter is never sent to a terminal.
                let behind_wide =
                    x > 0 && crate::tui::words::width(buffer[(x - 1, y)].symbol()) > 1;
                if model.overlays.is_empty() && model.focus == Focus::List && !behind_wide {
                    let chosen = buffer[(x, y)].modifier.contains(Modifier::REVERSED);
                    assert_eq!(chosen, *index == pane.cursor(), "{x},{y}\n{screen}");
                }
            }
            Hit::Hint(Some(action)) => {
                says(&keymap.keys(model.context(), *action)[0]);
                assert!(describe(model.context(), *action).is_some());
            }
            Hit::Choice(index) => says(&top.as_ref().expect("list")[*index].name),
            Hit::Button(_) => {
                let cell = buffer[(x, y)].symbol();
                assert_ne!(cell, "│", "{x},{y}\n{screen}");
                assert!(line.contains('['), "{x},{y}\n{screen}");
            }
            Hit::Toast => assert!(!line.trim().is_empty()),
            // A box has several lines; its name is on one of them.
            Hit::Node(address) => assert!(screen.contains(&address.name), "{screen}"),
            Hit::Canvas
            | Hit::List
            | Hit::Details
            | Hit::Border
            | Hit::Hint(None)
            | Hit::Above
            | Hit::Beside
            | Hit::Nothing => {}
        }
    }
}

#[test]
fn what_can_be_pressed_is_drawn_there_at_every_size() {
    let moods: [fn() -> Snapshot; 5] = [idle, busy, failed, long, wide];
    let sizes = [
        (40, 10),
        (41, 11),
        (57, 17),
        (80, 24),
        (99, 15),
        (100, 16),
        (133, 31),
    ];
    for (number, (columns, rows)) in sizes.into_iter().enumerate() {
        for (index, area) in Area::ALL.into_iter().enumerate() {
            let mood = moods[(number + index) % moods.len()];
            let mut given = given(mood()).at(area).size(columns, rows);
            given = given.keys("j j");
            check_hits(&given);
            given = given.keys("G");
            check_hits(&given);
        }
        for keys in ["v", "v l l", "D", ":", "C-p", "?", ": d e", "q"] {
            let given = given(idle()).size(columns, rows).keys(keys);
            check_hits(&given);
        }
    }
}

#[test]
fn every_act_is_listed_with_key_danger_and_reason() {
    let list = given(idle()).size(110, 60).keys(":");
    insta::assert_snapshot!("hand_actions", list.screen());
    let typed = given(idle()).keys(":").types("depl");
    let Some(Overlay::Palette(open)) = typed.model.overlays.last() else {
        panic!("no list");
    };
    assert_eq!(entries(&typed.model, open)[0].name, "deploy");
    let chosen = typed.keys("Enter");
    assert!(matches!(
        chosen.model.overlays.last(),
        Some(Overlay::Dialog(_))
    ));
    assert_eq!(chosen.model.hand.recent, [Action::Deploy]);
    // What was taken last stands first, what cannot be done says why and does nothing.
    let again = chosen.keys("Esc :");
    let Some(Overlay::Palette(open)) = again.model.overlays.last() else {
        panic!("no list");
    };
    assert_eq!(entries(&again.model, open)[0].name, "deploy");
    let off = again.types("cancel run").then().keys("Enter");
    assert_eq!(off.asked(), [""; 0]);
    assert!(off.model.overlays.is_empty());
    assert!(off.screen().contains("nothing runs"), "{}", off.screen());
}

#[test]
fn a_jump_goes_to_anything_by_its_name() {
    for (typed, area, label) in [
        ("worker", Area::Services, "worker"),
        ("data", Area::Services, "data"),
        ("service.api", Area::Plan, "api"),
        ("services.api.env.TOKEN", Area::Services, "api"),
        ("history", Area::History, ""),
    ] {
        let mut snapshot = idle();
        let config = std::sync::Arc::make_mut(snapshot.config.as_mut().expect("config"));
        let project = std::sync::Arc::make_mut(config.project.as_mut().expect("project"));
        project.origins.insert(
            "services.api.env.TOKEN".into(),
            crate::domain::project::project::Origin::Default,
        );
        let after = given(snapshot).keys("C-p").types(typed).keys("Enter");
        assert_eq!(after.model.area, area, "{typed}\n{}", after.screen());
        if !label.is_empty() {
            let row = after.model.pane().and_then(|pane| pane.current());
            let row = row.expect("row");
            assert!(
                row.row.label.contains(label),
                "{typed}: {:?}",
                row.row.label
            );
        }
    }
    let step = given(busy())
        .keys("C-p")
        .types("migrate/start")
        .keys("Enter");
    assert_eq!(step.model.area, Area::Run);
    assert!(!step.model.follow_run);
}

#[test]
fn a_theme_is_shown_while_it_is_looked_at_and_taken_only_when_chosen() {
    let mut start = given(idle());
    start.model.options.colors = Colors::TwoFiftySix;
    start.model.set_theme("terminal");
    let before = start.model.look;
    let looking = start.keys(":").types("themes").keys("Enter Down");
    assert_ne!(looking.model.look, before);
    assert_eq!(looking.model.theme_name, "terminal");
    let left = looking.keys("Esc");
    assert_eq!(left.model.look, before);
    let taken = left.keys(":").types("themes").keys("Enter Down Enter");
    assert_eq!(taken.model.theme_name, "dark");
    let next = taken.keys("T");
    assert_eq!(next.model.theme_name, "light");
    assert!(next.screen().contains("theme light"));
}

#[test]
fn help_is_narrowed_by_typing_and_starts_with_what_works_here() {
    let all = given(idle()).keys("?");
    assert!(
        all.screen().contains("here, in services"),
        "{}",
        all.screen()
    );
    let some = given(idle()).keys("? /").types("lock");
    insta::assert_snapshot!("hand_help_narrowed", some.screen());
    let kept = some.keys("Enter");
    assert!(kept.screen().contains("help: /lock"), "{}", kept.screen());
    let left = kept.keys("Esc");
    assert!(left.model.overlays.is_empty());
}

#[test]
fn the_first_key_of_a_sequence_shows_the_others() {
    let half = given(idle()).keys("z");
    insta::assert_snapshot!("hand_which", half.screen());
    assert!(given(idle()).keys("z Esc").model.pending.is_empty());
}

#[test]
fn a_keymap_of_ones_own_is_used_everywhere() {
    let file = |text: &str| UserFiles {
        keymap: Some(UserFile {
            name: "keymap".into(),
            shown: "~/.config/nkapp/keymap.yml".into(),
            text: Ok(text.into()),
        }),
        themes: Vec::new(),
    };
    let mut options = parts::options();
    options.files =
        file("all: {deploy: [F5], quit: [Q], help: [F6]}\ndialog: {confirm: [x], dismiss: [F9]}\n");
    let own = given_with(options.clone(), idle());
    assert!(own.screen().contains("F5 deploy"), "{}", own.screen());
    assert!(own.screen().contains("Q quit"), "{}", own.screen());
    let asked = own.keys("F5");
    assert!(
        asked.screen().contains("[ deploy ] x"),
        "{}",
        asked.screen()
    );
    assert!(
        asked.screen().contains("[ Cancel ] F9"),
        "{}",
        asked.screen()
    );
    assert_eq!(asked.keys("y x").asked(), ["run deploy of p-3fe1"]);
    // A bad file is told once, and everything else is as built in.
    options.files = file("all: {deplyo: [F5]}\n");
    let bad = given_with(options, idle());
    assert!(bad.screen().contains("keymap"), "{}", bad.screen());
    assert!(bad.screen().contains("D deploy"), "{}", bad.screen());
    let shown = bad.keys(":").types("key problems").keys("Enter");
    insta::assert_snapshot!("hand_key_problems", shown.screen());
}

#[test]
fn lists_are_of_their_kind() {
    for (keys, kind) in [(":", Choices::Actions), ("C-p", Choices::Jump)] {
        let open = given(idle()).keys(keys);
        let Some(Overlay::Palette(list)) = open.model.overlays.last() else {
            panic!("no list");
        };
        assert_eq!(list.kind, kind);
    }
}

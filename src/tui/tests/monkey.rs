//! A monkey at the keyboard and the mouse: whatever it does, in whatever order and at whatever size, nothing panics,
//! the model stays whole, and nothing that changes the world happens without its ritual.

use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::app::command::{Command, Ticket};
use crate::app::snapshot::Snapshot;
use crate::domain::lease::Verdict;
use crate::domain::time::Wall;
use crate::tui::effect::Effect;
use crate::tui::keymap::action::Action;
use crate::tui::keymap::chord::Chord;
use crate::tui::keymap::default::ROWS;
use crate::tui::keymap::map::Keymap;
use crate::tui::keymap::trie::Found;
use crate::tui::model::{Leaving, Model, Overlay};
use crate::tui::msg::{Msg, Pointer, Press};
use crate::tui::tests::fixtures::{broken, busy, empty, failed, idle, long, wide};
use crate::tui::tests::parts;
use crate::tui::theme::Colors;
use crate::tui::update::route::update;
use crate::tui::view::hits::{self, Hit};
use crate::tui::view::screen::draw;

const SEQUENCES: u64 = 240;
const MESSAGES: usize = 40;

/// A small generator of numbers, so that a sequence is known by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).unwrap_or(0) % sides.max(1)
    }
    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.roll(all.len())]
    }
    fn cells(&mut self, most: u16) -> u16 {
        u16::try_from(self.roll(usize::from(most) + 1)).expect("small")
    }
}

fn locked() -> Snapshot {
    Snapshot {
        lock: Some(Arc::new(parts::lock(Verdict::Alive))),
        ..idle()
    }
}

fn dead() -> Snapshot {
    Snapshot {
        lock: Some(Arc::new(parts::lock(Verdict::Dead))),
        ..idle()
    }
}

const MOODS: [fn() -> Snapshot; 9] = [empty, idle, busy, failed, long, wide, broken, locked, dead];

/// Every key of the table, and some that are none.
fn keys() -> Vec<Chord> {
    let mut keys: Vec<Chord> = ROWS
        .iter()
        .flat_map(|row| row.keys)
        .filter_map(|keys| Chord::sequence(keys))
        .flatten()
        .collect();
    keys.extend(
        "yYshop9f8e é日"
            .chars()
            .map(|c| Chord::plain(crate::tui::keymap::chord::Key::Char(c))),
    );
    let always = [
        "y", "C-y", "Enter", "Esc", "D", "U", ":", "C-p", "Down", "Tab",
    ];
    keys.extend(always.iter().filter_map(|key| Chord::parse(key)));
    keys
}

fn message(dice: &mut Dice, keys: &[Chord], model: &Model) -> Msg {
    let (columns, rows) = model.size;
    match dice.roll(100) {
        0..60 => Msg::Key(*dice.of(keys)),
        60..63 => {
            let pasted = ["y", "shop\n", "D y\u{1b}[A", "日本語", ""];
            Msg::Paste((*dice.of(&pasted)).to_owned())
        }
        63..80 => {
            let presses = [
                Press::Down,
                Press::Down,
                Press::Drag,
                Press::Up,
                Press::WheelUp,
                Press::WheelDown,
            ];
            Msg::Mouse(Pointer {
                press: *dice.of(&presses),
                x: dice.cells(columns.saturating_add(3)),
                y: dice.cells(rows.saturating_add(3)),
            })
        }
        80..84 => match dice.roll(12) {
            0 => Msg::Resize(500, 200),
            1 => Msg::Resize(20, 5),
            2 => Msg::Resize(dice.cells(4), dice.cells(4)),
            _ => Msg::Resize(20 + dice.cells(130), 5 + dice.cells(45)),
        },
        84..88 => Msg::Snapshot(Arc::new(dice.of(&MOODS)())),
        _ => {
            let steps = [1, 40, 200, 1_500, 6_000, 70_000];
            Msg::Tick(Wall(model.now.0 + dice.of(&steps)))
        }
    }
}

fn changes_the_world(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Send {
            command: Command::Run { .. } | Command::Restore { .. } | Command::Unlock { .. },
            ..
        }
    )
}

/// Tells whether a message is the whole ritual of what lies on top.
fn is_ritual(model: &Model, keymap: &Keymap, msg: &Msg) -> bool {
    let confirms = |chord: &Chord| {
        let mut pressed = model.pending.clone();
        pressed.push(*chord);
        keymap.find(model.context(), &pressed) == Found::Action(Action::Confirm)
    };
    let held = |chord: &Chord| {
        model
            .last_key
            .is_some_and(|(last, at)| last == *chord && model.now.0 - at.0 < 1_000)
    };
    match (model.overlays.last(), msg) {
        (Some(Overlay::Dialog(dialog)), Msg::Key(chord)) => {
            dialog.button().is_some()
                && confirms(chord)
                && !held(chord)
                && model.now.0 - dialog.opened.0 >= 150
        }
        (Some(Overlay::Dialog(dialog)), Msg::Mouse(pointer)) => {
            dialog.button().is_some()
                && pointer.press == Press::Down
                && hits::at(model, keymap, pointer.x, pointer.y) == Hit::Button(Action::Confirm)
                && model.now.0 - dialog.opened.0 >= 150
        }
        (Some(Overlay::Typed(typed)), Msg::Key(chord)) => {
            typed.complete() && typed.left(model.now) == 0 && confirms(chord) && !held(chord)
        }
        _ => false,
    }
}

fn whole(model: &Model, story: &str) {
    for (area, pane) in &model.panes {
        match pane.current() {
            Some(row) => assert_eq!(row.path, pane.selected(), "{area:?}: {story}"),
            None => assert!(pane.rows().is_empty(), "{area:?}: {story}"),
        }
        for height in [1, 5, 40] {
            let first = pane.first(height);
            let last = first + height;
            let seen = pane.rows().is_empty() || (first..last).contains(&pane.cursor());
            assert!(seen, "{area:?}: {story}");
        }
    }
    for share in model.splits.values() {
        assert!((15..=85).contains(share), "{story}");
    }
    assert!(model.toasts.len() <= 5, "{story}");
    let closed = model.overlays.iter().rev().skip(1);
    let filters = closed.filter(|overlay| matches!(overlay, Overlay::Filter));
    assert_eq!(filters.count(), 0, "a filter is always on top: {story}");
}

fn run(seed: u64, keys: &[Chord]) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut options = parts::options();
    options.colors = *dice.of(&[
        Colors::None,
        Colors::Sixteen,
        Colors::TwoFiftySix,
        Colors::True,
    ]);
    options.ascii = dice.roll(4) == 0;
    options.read_only = dice.roll(8) == 0;
    let first = Arc::new(dice.of(&MOODS)());
    let mut model = Model::new(options, first, parts::NOW);
    let keymap = Arc::clone(&model.setup.keymap);
    let mut told: Vec<String> = Vec::new();
    let mut tickets = 0;
    for number in 0..MESSAGES {
        let msg = message(&mut dice, keys, &model);
        told.push(match &msg {
            Msg::Snapshot(_) => "snapshot".into(),
            other => format!("{other:?}"),
        });
        let story = format!("seed {seed}: {}", told.join(" "));
        let ritual = is_ritual(&model, &keymap, &msg);
        let effects = update(&mut model, msg, &keymap);
        for effect in effects {
            if changes_the_world(&effect) {
                assert!(ritual, "without its ritual: {effect:?}\n{story}");
                assert!(!model.options.read_only, "read-only: {effect:?}\n{story}");
            }
            if let Effect::Send { wish, .. } = effect {
                tickets += 1;
                update(&mut model, Msg::Sent(wish, Some(Ticket(tickets))), &keymap);
            }
        }
        whole(&model, &story);
        if model.leaving == Leaving::Now {
            return;
        }
        if number % 5 == 4 && (model.size.0 < 200 || number % 20 == 19) {
            let backend = TestBackend::new(model.size.0, model.size.1);
            let mut terminal = Terminal::new(backend).expect("backend");
            terminal
                .draw(|frame| draw(frame, &model, &keymap))
                .expect("drawn");
        }
    }
}

#[test]
fn a_monkey_breaks_nothing() {
    let keys = keys();
    for seed in 1..=SEQUENCES {
        run(seed, &keys);
    }
}

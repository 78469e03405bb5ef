//! Where a message goes: to the topmost overlay, else to the area.

use crate::app::command::Stop;
use crate::domain::time::Wall;
use crate::tui::effect::Effect;
use crate::tui::keymap::action::{Action, Context};
use crate::tui::keymap::chord::{Chord, Key};
use crate::tui::keymap::map::Keymap;
use crate::tui::keymap::trie::Found;
use crate::tui::model::{Leaving, Model, Overlay};
use crate::tui::msg::Msg;
use crate::tui::overlay::Palette;
use crate::tui::theme::Tone;
use crate::tui::update::{acts, allowed, answers, moves, news, palette};

/// A key that comes again within this time is taken for a held one, in milliseconds.
const HELD: i64 = 1_000;

/// Changes the model by one message.
pub fn update(model: &mut Model, msg: Msg, keymap: &Keymap) -> Vec<Effect> {
    let mut effects = match msg {
        Msg::Key(chord) => {
            model.dirty = true;
            key(model, chord, keymap)
        }
        Msg::Paste(text) => paste(model, &text),
        Msg::Resize(columns, rows) => {
            model.size = (columns, rows);
            model.dirty = true;
            Vec::new()
        }
        Msg::Tick(now) => tick(model, now),
        Msg::Snapshot(snapshot) => news::snapshot(model, snapshot),
        Msg::Notice(notice) => news::notice(model, *notice),
        Msg::Sent(wish, ticket) => news::sent(model, wish, ticket),
        Msg::Terminate | Msg::TerminalLost => leave_drained(model),
        Msg::SessionLost => {
            model.leaving = Leaving::Now;
            vec![Effect::Quit]
        }
    };
    if model.leaving == Leaving::AfterRun && !acts::busy(model) {
        model.leaving = Leaving::Now;
        effects.push(Effect::Quit);
    }
    effects
}

fn tick(model: &mut Model, now: Wall) -> Vec<Effect> {
    let shown = model.shows_time();
    let another_second = now.0.div_euclid(1_000) != model.now.0.div_euclid(1_000);
    model.now = now;
    let before = model.toasts.len();
    model.toasts.retain(|toast| toast.until > now);
    model.dirty |= (shown && another_second) || model.toasts.len() != before;
    Vec::new()
}

/// The process is to end: what runs is drained first, and a second time cut off.
fn leave_drained(model: &mut Model) -> Vec<Effect> {
    if !acts::busy(model) {
        model.leaving = Leaving::Now;
        return vec![Effect::Quit];
    }
    let stop = if model.leaving == Leaving::AfterRun {
        Stop::Cancel
    } else {
        Stop::Drain
    };
    model.leaving = Leaving::AfterRun;
    acts::stop(model, stop)
}

fn key(model: &mut Model, chord: Chord, keymap: &Keymap) -> Vec<Effect> {
    let held = model
        .last_key
        .is_some_and(|(last, at)| last == chord && model.now.0.saturating_sub(at.0) < HELD);
    model.last_key = Some((chord, model.now));
    let context = model.context();
    if context.takes_text() && model.pending.is_empty() {
        if let Some(c) = chord.typed() {
            type_text(model, &c.to_string());
            return Vec::new();
        }
        if chord.key == Key::Backspace {
            edit(model, |text| {
                text.pop();
            });
            return Vec::new();
        }
    }
    model.pending.push(chord);
    match keymap.find(context, &model.pending) {
        Found::Action(action) => {
            model.pending.clear();
            act(model, action, held)
        }
        Found::Pending(_) => Vec::new(),
        Found::None => {
            model.pending.clear();
            Vec::new()
        }
    }
}

/// Does an action where the keyboard is; one that does not apply now says why.
pub fn act(model: &mut Model, action: Action, held: bool) -> Vec<Effect> {
    let context = model.context();
    if let Err(reason) = allowed::check(model, action) {
        model.toast(reason, Tone::Warn);
        return Vec::new();
    }
    match action {
        Action::Interrupt => acts::interrupt(model),
        Action::Suspend => vec![Effect::Suspend],
        Action::Redraw => vec![Effect::Redraw],
        Action::Confirm => answers::confirm(model, held),
        Action::Dismiss => answers::dismiss(model),
        Action::NextField => answers::next_field(model),
        Action::Choose => choose(model, context),
        Action::Up
        | Action::Down
        | Action::PageUp
        | Action::PageDown
        | Action::Top
        | Action::Bottom
        | Action::Left
        | Action::Right
        | Action::Unfold
        | Action::Fold
        | Action::Toggle
        | Action::UnfoldAll
        | Action::FoldAll
        | Action::Details
        | Action::Back
        | Action::Follow => {
            moves::go(model, action);
            Vec::new()
        }
        Action::Filter => {
            model.overlays.push(Overlay::Filter);
            Vec::new()
        }
        Action::Palette => {
            model.overlays.push(Overlay::Palette(Palette::default()));
            Vec::new()
        }
        Action::Help => {
            answers::toggle_help(model);
            Vec::new()
        }
        Action::NextArea
        | Action::PreviousArea
        | Action::Services
        | Action::Plans
        | Action::Runs
        | Action::Locks
        | Action::Drift
        | Action::MakePlan
        | Action::Deploy
        | Action::Restore
        | Action::RestoreAll
        | Action::Destroy
        | Action::Clean
        | Action::Cancel
        | Action::Unlock
        | Action::Logs
        | Action::Refresh
        | Action::Copy
        | Action::Quit => acts::start(model, action),
    }
}

fn choose(model: &mut Model, context: Context) -> Vec<Effect> {
    if context == Context::Palette
        && let Some(Overlay::Palette(list)) = model.overlays.pop()
    {
        return match palette::chosen(&list) {
            Some(action) => act(model, action, false),
            None => Vec::new(),
        };
    }
    if context == Context::Input {
        model.overlays.pop();
    }
    Vec::new()
}

fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    model.dirty = true;
    match model.context() {
        Context::Input | Context::Palette => {
            let line = text.lines().next().unwrap_or_default();
            let line: String = line.chars().filter(|c| !c.is_control()).take(200).collect();
            type_text(model, &line);
        }
        Context::Typed => model.toast("type it: pasted text does not confirm", Tone::Warn),
        Context::Services
        | Context::Plan
        | Context::Run
        | Context::Locks
        | Context::Drift
        | Context::Logs
        | Context::Help
        | Context::Dialog => model.toast("pasted text is not taken as keys", Tone::Warn),
    }
    Vec::new()
}

fn type_text(model: &mut Model, typed: &str) {
    edit(model, |text| text.push_str(typed));
}

/// Changes the text that is being typed into.
fn edit(model: &mut Model, change: impl FnOnce(&mut String)) {
    match model.overlays.last_mut() {
        Some(Overlay::Palette(list)) => {
            change(&mut list.typed);
            list.cursor = 0;
        }
        Some(Overlay::Typed(typed)) => {
            let at = typed.at;
            if let Some(field) = typed.fields.get_mut(at) {
                change(&mut field.typed);
            }
        }
        Some(Overlay::Filter) => {
            if let Some(logs) = model.logs_mut() {
                change(&mut logs.filter);
            } else if let Some(pane) = model.pane_mut() {
                let mut filter = pane.filter().to_owned();
                change(&mut filter);
                pane.set_filter(filter);
            }
        }
        Some(Overlay::Help { .. } | Overlay::Dialog(_) | Overlay::Logs(_)) | None => {}
    }
}

//! Where a message goes: to the topmost overlay, else to the area.

use crate::app::command::Stop;
use crate::app::notice::Notice;
use crate::domain::event::EventKind;
use crate::domain::time::Wall;
use crate::tui::effect::Effect;
use crate::tui::keymap::action::{Action, Context};
use crate::tui::keymap::chord::{Chord, Key};
use crate::tui::keymap::map::Keymap;
use crate::tui::keymap::trie::Found;
use crate::tui::model::{Area, Leaving, Model, Overlay};
use crate::tui::msg::Msg;
use crate::tui::overlay::Palette;
use crate::tui::theme::Tone;
use crate::tui::update::part::{Part, part_of};
use crate::tui::update::{
    acts, allowed, answers, flows, graph, history, locks, looks, marks, mouse, moves, news,
    opening, palette, reading, rooms, timeline, watched,
};
use crate::tui::view::{dialog, help, layout};

/// A key that comes again within this time is taken for a held one, in milliseconds.
const HELD: i64 = 700;

/// Changes the model by one message.
pub fn update(model: &mut Model, msg: Msg, keymap: &Keymap) -> Vec<Effect> {
    let plain = is_plain(&msg);
    let mut effects = match msg {
        Msg::Key(chord) => {
            model.dirty = true;
            key(model, chord, keymap)
        }
        Msg::Paste(text) => paste(model, &text),
        Msg::Mouse(pointer) => mouse::point(model, pointer, keymap),
        Msg::Resize(columns, rows) => {
            model.size = (columns, rows);
            model.dirty = true;
            Vec::new()
        }
        Msg::Tick(now) => tick(model, now),
        Msg::Snapshot(snapshot) => news::snapshot(model, snapshot),
        Msg::Notice(notice) => news::notice(model, *notice),
        Msg::Spilled(store, chunk, end) => {
            reading::spilled(model, store, chunk, end);
            Vec::new()
        }
        Msg::Fetched(store, chunk, end) => {
            reading::fetched(model, store, chunk, end);
            Vec::new()
        }
        Msg::Saved(path, end) => {
            reading::saved(model, &path, end);
            Vec::new()
        }
        Msg::More => {
            model.dirty = true;
            Vec::new()
        }
        Msg::Sent(wish, ticket) => news::sent(model, wish, ticket),
        Msg::Shown(shown) => {
            model.usage.unseen = !shown;
            model.dirty |= shown;
            Vec::new()
        }
        Msg::Tabs(tabs) => {
            model.dirty |= tabs.len() > 1 || model.around.tabs.len() > 1;
            model.around.tabs = tabs;
            Vec::new()
        }
        Msg::Figures(figures) => {
            model.figures = figures;
            Vec::new()
        }
        Msg::Places(places) => {
            rooms::found(model, places);
            Vec::new()
        }
        Msg::NoRoom(why) => {
            model.toast(why, Tone::Fail);
            Vec::new()
        }
        Msg::Returned(errand, end) => {
            rooms::returned(model, &errand, end);
            Vec::new()
        }
        Msg::Kept(what, end) => {
            rooms::kept(model, what, end);
            Vec::new()
        }
        Msg::Overheard(tone, text) => {
            model.toast(text, tone);
            Vec::new()
        }
        Msg::Terminate => leave_drained(model),
        Msg::TerminalLost => {
            model.usage.unseen = true;
            leave_drained(model)
        }
        Msg::SessionLost => {
            model.leaving = Leaving::Now;
            vec![Effect::Quit]
        }
    };
    if !plain {
        effects.extend(reading::settle(model));
        settle(model);
        graph::settle(model);
    }
    effects.extend(history::want(model));
    if model.leaving == Leaving::AfterRun && !acts::busy(model) {
        model.leaving = Leaving::Now;
        effects.push(Effect::Quit);
    }
    effects.extend(watched::follow(model));
    effects
}

/// Tells whether a message is one of so many that nothing may follow from each: a line of output, the time.
fn is_plain(msg: &Msg) -> bool {
    match msg {
        Msg::Tick(_) | Msg::Sent(..) | Msg::Spilled(..) => true,
        Msg::Notice(notice) => match &**notice {
            Notice::Output { .. } => true,
            Notice::Event(event) => matches!(event.kind, EventKind::Log { .. }),
            _ => false,
        },
        _ => false,
    }
}

/// Keeps what is scrolled within what there is to see.
fn settle(model: &mut Model) {
    let Some(page) = layout::page(model.size).filter(|_| model.dirty) else {
        return;
    };
    if let Some(height) = layout::list_height(model)
        && let Some(pane) = model.pane_mut()
    {
        pane.settle(height);
    }
    if let Some(Overlay::Help { typed, .. }) = model.overlays.last() {
        let last = help::last(model, page.middle, typed);
        if let Some(Overlay::Help { scroll, .. }) = model.overlays.last_mut() {
            *scroll = (*scroll).min(last);
        }
    }
    if let Some(Overlay::Dialog(open)) = model.overlays.last() {
        let last = dialog::last(model, open, page.middle);
        if let Some(Overlay::Dialog(open)) = model.overlays.last_mut() {
            open.scroll = open.scroll.min(last);
        }
    }
}

fn tick(model: &mut Model, now: Wall) -> Vec<Effect> {
    let shown = model.shows_time();
    let another_second = now.0.div_euclid(1_000) != model.now.0.div_euclid(1_000);
    let another_minute = now.0.div_euclid(60_000) != model.now.0.div_euclid(60_000);
    model.now = now;
    let mut effects = timeline::tick(model, now);
    if another_minute && model.area == Area::History {
        // Ages stand in the rows.
        model.refresh_pane();
    }
    let before = model.toasts.len();
    model.toasts.retain(|toast| toast.until > now);
    model.dirty |= (shown && another_second) || model.toasts.len() != before;
    effects.extend(locks::doubt(model));
    effects
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

/// Where nothing can be seen, nothing can be agreed to: only leaving and the background are left.
fn unseen(model: &mut Model, chord: Chord, keymap: &Keymap) -> Vec<Effect> {
    model.pending.clear();
    match keymap.find(model.area.context(), &[chord]) {
        Found::Action(action @ (Action::Interrupt | Action::Suspend | Action::Redraw)) => {
            act(model, action, false)
        }
        Found::Action(Action::Quit) if !acts::busy(model) => act(model, Action::Quit, false),
        Found::Action(_) | Found::Pending(_) | Found::None => Vec::new(),
    }
}

fn key(model: &mut Model, chord: Chord, keymap: &Keymap) -> Vec<Effect> {
    if layout::page(model.size).is_none() {
        return unseen(model, chord, keymap);
    }
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
            if context.takes_text() && chord.ctrl && !chord.alt {
                unwrite(model, chord.key);
            }
            Vec::new()
        }
    }
}

/// Takes back what was typed as shells do: all of it, or the last word.
fn unwrite(model: &mut Model, key: Key) {
    match key {
        Key::Char('u') => edit(model, String::clear),
        Key::Char('w') => edit(model, |text| {
            let kept = text.trim_end().rfind(' ').map_or(0, |at| at + 1);
            text.truncate(kept);
        }),
        _ => {}
    }
}

/// Does an action where the keyboard is; one that does not apply now says why.
pub fn act(model: &mut Model, action: Action, held: bool) -> Vec<Effect> {
    if let Err(reason) = allowed::check(model, action) {
        model.toast(reason, Tone::Warn);
        return Vec::new();
    }
    match part_of(action, model.area) {
        Part::Acts => acts::start(model, action),
        Part::Moves => {
            moves::go(model, action);
            match action {
                Action::Top => opening::whole(model),
                _ => Vec::new(),
            }
        }
        Part::Panel => panel(model, action, held),
        Part::Graph => graph::act(model, action),
        Part::Timeline => timeline::act(model, action),
        Part::History => history::act(model, action),
        Part::Reading => reading::act(model, action),
        Part::Looks => looks::act(model, action),
        Part::Rooms => rooms::act(model, action),
        Part::Marks => marks::act(model, action),
        Part::Flows => flows::act(model, action),
    }
}

/// Does what is about the panel itself and what lies above an area.
fn panel(model: &mut Model, action: Action, held: bool) -> Vec<Effect> {
    match action {
        Action::Interrupt => return acts::interrupt(model),
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Redraw],
        Action::Confirm => return answers::confirm(model, held),
        Action::Dismiss => return answers::dismiss(model),
        Action::NextField => return answers::next_field(model),
        Action::Choose => return choose(model, model.context()),
        Action::Filter if reading::has_focus(model) => {
            return reading::act(model, Action::Search);
        }
        Action::Filter => model.overlays.push(Overlay::Filter),
        Action::Palette => model.overlays.push(Overlay::Palette(Palette::default())),
        Action::Help => answers::toggle_help(model),
        Action::Usage => watched::toggle(model),
        Action::Reveal => {
            model.revealed = !model.revealed;
            let word = if model.revealed { "shown" } else { "hidden" };
            model.toast(
                format!("values that sound like secrets are {word}"),
                Tone::Warn,
            );
        }
        _ => {}
    }
    Vec::new()
}

fn choose(model: &mut Model, context: Context) -> Vec<Effect> {
    if context == Context::Palette
        && let Some(Overlay::Palette(list)) = model.overlays.pop()
    {
        return palette::choose(model, &list);
    }
    if context == Context::Input {
        model.overlays.pop();
        reading::end_typing(model, true);
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
        Context::Typed if answers::takes_paste(model) => {
            let line = text.lines().next().unwrap_or_default();
            let line: String = line
                .chars()
                .filter(|c| !c.is_control())
                .take(4_096)
                .collect();
            type_text(model, &line);
        }
        Context::Typed => model.toast("type it: pasted text does not confirm", Tone::Warn),
        Context::Services
        | Context::Plan
        | Context::Run
        | Context::Locks
        | Context::Drift
        | Context::History
        | Context::Logs
        | Context::Help
        | Context::Deeds
        | Context::Dialog => model.toast("pasted text is not taken as keys", Tone::Warn),
    }
    Vec::new()
}

fn type_text(model: &mut Model, typed: &str) {
    edit(model, |text| text.push_str(typed));
}

/// Changes the text that is being typed into.
fn edit(model: &mut Model, change: impl FnOnce(&mut String)) {
    let below = model.overlays.len().saturating_sub(2);
    match model.overlays.last_mut() {
        Some(Overlay::Palette(list)) => {
            change(&mut list.typed);
            list.cursor = 0;
            palette::preview(model);
        }
        Some(Overlay::Typed(typed)) => {
            let at = typed.at;
            if let Some(field) = typed.fields.get_mut(at) {
                change(&mut field.typed);
            }
        }
        Some(Overlay::Filter) => {
            if let Some(Overlay::Help { typed, scroll }) = model.overlays.get_mut(below) {
                change(typed);
                *scroll = 0;
            } else if reading::takes_text(model) {
                reading::typed(model, change);
            } else if let Some(pane) = model.pane_mut() {
                let mut filter = pane.filter().to_owned();
                change(&mut filter);
                pane.set_filter(filter);
            }
        }
        Some(
            Overlay::Help { .. } | Overlay::Dialog(_) | Overlay::Logs(_) | Overlay::Deeds { .. },
        )
        | None => {}
    }
}

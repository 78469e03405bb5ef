//! Reading output: scrolling, search, filters, shapes of lines, marks, and what arrives.

use crate::app::command::Ticket;
use crate::app::notice::OutputLine;
use crate::domain::event::Event;
use crate::domain::time::Wall;
use crate::present::clean;
use crate::present::human::clock;
use crate::tui::effect::Effect;
use crate::tui::keymap::action::Action;
use crate::tui::logs::feed;
use crate::tui::logs::open::Whose;
use crate::tui::logs::reader::{Reader, Size, Typing};
use crate::tui::logs::store::{Place, Store};
use crate::tui::model::{Area, Focus, Model, Overlay};
use crate::tui::theme::Tone;
use crate::tui::update::moves::subject;
use crate::tui::update::opening;
use crate::tui::view;

/// Columns text moves sideways at once.
const ACROSS: usize = 8;
/// Columns text can be moved by.
const FAR: usize = 10_000;
/// Bytes that are copied at most; terminals and tmux drop more without a word.
const COPIED: usize = 74_000;

/// Tells why an action of this part does not apply now.
///
/// # Errors
/// The reason, as a sentence for people.
pub fn check(model: &Model, action: Action) -> Result<(), String> {
    if action == Action::Open {
        return match opening::chosen_step(model) {
            Some(_) => Ok(()),
            None => Err("choose a step with output".into()),
        };
    }
    let Some((_, reader)) = model.reading() else {
        return Err("no output is shown".into());
    };
    match action {
        Action::SearchNext | Action::SearchPrevious if reader.sieve().search.is_empty() => {
            Err("nothing is searched for; `/` in the output searches".into())
        }
        _ => Ok(()),
    }
}

/// Does an action of this part.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Open => return opening::open(model),
        Action::Save => return opening::save(model),
        Action::Search => type_into(model, Typing::Search),
        Action::Only => type_into(model, Typing::Only),
        _ => {}
    }
    let now = model.now;
    with(model, |store, reader, size| match action {
        Action::SearchNext => reader.seek(store, true, size),
        Action::SearchPrevious => reader.seek(store, false, size),
        Action::Streams => reader.next_stream(),
        Action::Wrap => {
            reader.wrap = !reader.wrap;
            reader.across = 0;
        }
        Action::Times => reader.next_times(),
        Action::Lens => reader.toggle_lens(),
        Action::Marker => {
            store.mark(now, &format!("marked at {}", clock(now)));
            reader.follow();
        }
        _ => {}
    });
    if let (true, Some((_, reader))) = (model.logs().is_some(), model.reading()) {
        // How output looks is one choice for all of it, and kept with the session.
        let (wrap, times) = (reader.wrap, reader.times);
        model.output.reader.wrap = wrap;
        model.output.reader.times = times;
    }
    Vec::new()
}

/// Lends what is read to somebody: the view on top, else the output of the run.
pub fn with<R>(
    model: &mut Model,
    lend: impl FnOnce(&mut Store, &mut Reader, Size) -> R,
) -> Option<R> {
    let size = size(model);
    if model.logs().is_none() && model.area == Area::Run {
        let subject = subject(model);
        model.output.choose(&subject);
    }
    let (store, reader) = model.reading_mut()?;
    Some(lend(store, reader, size))
}

/// Returns the columns and rows output has on the screen now.
#[must_use]
pub fn size(model: &Model) -> Size {
    if model.logs().is_some() {
        view::logs::size(model)
    } else {
        view::run::size(model)
    }
}

/// Scrolls what is read.
pub fn scroll(model: &mut Model, action: Action) {
    let half = model.half_page();
    with(model, |store, reader, size| match action {
        Action::Up => reader.up(store, 1, size),
        Action::Down => reader.down(store, 1, size),
        Action::PageUp => reader.up(store, half, size),
        Action::PageDown => reader.down(store, half, size),
        Action::Top => reader.top(store, size),
        Action::Bottom | Action::Follow => reader.follow(),
        Action::Left | Action::Fold => reader.across = reader.across.saturating_sub(ACROSS),
        Action::Right | Action::Unfold if !reader.wrap => {
            reader.across = (reader.across + ACROSS).min(FAR);
        }
        _ => {}
    });
}

/// Does the next step of what the lines on the screen, a search or a filter need.
pub fn settle(model: &mut Model) -> Vec<Effect> {
    let owed = with(model, |store, reader, size| reader.settle(store, size));
    let mut effects = Vec::new();
    if let Some(owed) = owed {
        effects.extend(owed.fetch.into_iter().map(Effect::Fetch));
        if owed.more {
            effects.push(Effect::More);
        }
    }
    effects
}

fn type_into(model: &mut Model, typing: Typing) {
    with(model, |_, reader, _| reader.typing = typing);
    model.output.typing = model.logs().is_none();
    model.overlays.push(Overlay::Filter);
}

/// Tells whether what is typed is for output.
#[must_use]
pub fn takes_text(model: &Model) -> bool {
    model.logs().is_some() || (model.area == Area::Run && model.output.typing)
}

/// Changes what is searched for or filtered by; a search goes to the nearest find at or above the last row.
pub fn typed(model: &mut Model, change: impl FnOnce(&mut String)) {
    with(model, |store, reader, size| match reader.typing {
        Typing::Search => {
            let mut text = reader.sieve().search.typed().to_owned();
            change(&mut text);
            reader.search(&text);
            if !reader.sieve().search.is_empty() {
                reader.seek(store, false, size);
            }
        }
        Typing::Only => {
            let mut text = reader.sieve().only.typed().to_owned();
            change(&mut text);
            reader.only(&text);
        }
    });
}

/// Ends typing; without `keep` what was typed is cleared.
pub fn end_typing(model: &mut Model, keep: bool) {
    if !keep {
        typed(model, String::clear);
    }
    model.output.typing = false;
}

/// Takes an event of a run; tells whether something on the screen changed by it.
pub fn event(model: &mut Model, event: &Event) -> (bool, Vec<Effect>) {
    let next = model.next_store;
    if let Some(parked) = &mut model.parked {
        // A replay is on show; what happens meanwhile is kept beside it.
        let taken = parked.take(event, next);
        if parked.store.id() == next {
            model.next_store += 1;
        }
        return (!taken, spill(&mut parked.store));
    }
    let taken = model.output.take(event, next);
    if model.output.store.id() == next {
        model.next_store += 1;
    }
    if !taken {
        return (true, Vec::new());
    }
    let of_step = model
        .logs_mut()
        .filter(|view| view.store.is_none())
        .map(|view| matches!(view.whose, Whose::Step(_)));
    if of_step.is_some() {
        with(model, |store, reader, _| reader.extend(store));
    }
    let seen = of_step.is_some() || (model.area == Area::Run && model.logs().is_none());
    (seen, spill(&mut model.output.store))
}

/// Takes a line for the view that asked for it; tells whether it is open.
pub fn line(model: &mut Model, ticket: Ticket, line: &OutputLine) -> Option<Vec<Effect>> {
    let deploy = last_run(model);
    let view = model
        .logs_mut()
        .filter(|view| view.ticket == Some(ticket))?;
    let store = view.store.as_mut()?;
    match &view.whose {
        Whose::Service(_) => {
            let deploy = deploy.as_ref().map(|(at, text)| (*at, text.as_str()));
            feed::output(store, line, deploy);
            view.reader.news_since(deploy.map(|(at, _)| at));
        }
        Whose::Step(_) | Whose::File(_) => {
            store.push(store.last_at(), line.stream, &line.source, &line.text);
        }
    }
    view.reader.extend(store);
    Some(spill(store))
}

/// Returns when the last run began, and says so: the one on show, else the last one of the list that ended.
fn last_run(model: &Model) -> Option<(Wall, String)> {
    let (command, began) = match &model.snapshot.run {
        Some(run) => (&run.command, run.started),
        None => {
            let run = model.history.last_ended()?;
            (&run.command, run.started_at)
        }
    };
    Some((began, format!("{command} began at {}", clock(began))))
}

pub(super) fn spill(store: &mut Store) -> Vec<Effect> {
    std::iter::from_fn(|| store.owed())
        .map(Effect::Spill)
        .collect()
}

/// Finds the store a chunk belongs to.
fn store_of(model: &mut Model, id: u32) -> Option<&mut Store> {
    if model.output.store.id() == id {
        return Some(&mut model.output.store);
    }
    if let Some(parked) = model
        .parked
        .as_mut()
        .filter(|parked| parked.store.id() == id)
    {
        return Some(&mut parked.store);
    }
    model.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Logs(view) => view.store.as_mut().filter(|store| store.id() == id),
        Overlay::Help { .. }
        | Overlay::Palette(_)
        | Overlay::Filter
        | Overlay::Deeds { .. }
        | Overlay::Dialog(_)
        | Overlay::Typed(_) => None,
    })
}

/// Learns that a chunk was written, or why not.
pub fn spilled(model: &mut Model, id: u32, chunk: usize, end: Result<Place, String>) {
    let given_up = end.is_err();
    if let Some(store) = store_of(model, id) {
        store.spilled(chunk, end);
    }
    model.dirty |= given_up;
}

/// Takes a chunk that was read.
pub fn fetched(model: &mut Model, id: u32, chunk: usize, end: Result<Vec<u8>, String>) {
    if let Some(store) = store_of(model, id) {
        store.fetched(chunk, end);
    }
    model.dirty = true;
}

/// Says that the output was saved, or why not.
pub fn saved(model: &mut Model, path: &std::path::Path, end: Result<u64, String>) {
    let shown = path.display();
    match end {
        Ok(1) => model.toast(format!("1 line saved to {shown}"), Tone::Ok),
        Ok(lines) => model.toast(format!("{lines} lines saved to {shown}"), Tone::Ok),
        Err(why) => model.toast(format!("{shown} was not written: {why}"), Tone::Fail),
    }
}

/// Returns the rows of output on the screen as plain text.
#[must_use]
pub fn shown(model: &Model) -> Option<String> {
    let (store, reader) = model.reading()?;
    let size = size(model);
    let window = reader.window(store, size);
    let mut text = String::new();
    let mut last = None;
    for row in window.rows {
        // A wrapped line is copied whole, once.
        if last.replace(row.shown.line) == Some(row.shown.line) {
            continue;
        }
        if let Some(line) = store.line(row.shown.line) {
            text.push_str(&clean::line(line.text));
            text.push('\n');
        }
    }
    text.pop();
    (!text.is_empty()).then_some(text)
}

/// Cuts a text that is too long to be copied; tells whether it was.
#[must_use]
pub fn cut_copy(mut text: String) -> (String, bool) {
    let mut end = COPIED.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = end < text.len();
    text.truncate(end);
    (text, cut)
}

/// Tells whether moving keys go to the output of the run.
#[must_use]
pub fn has_focus(model: &Model) -> bool {
    model.area == Area::Run && model.focus == Focus::Details
}

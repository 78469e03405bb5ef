//! The two lines at the bottom: the last message, and the keys that do something now.

use std::collections::BTreeSet;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::present::clean;
use crate::tui::keymap::action::{Action, Context};
use crate::tui::keymap::chord::Chord;
use crate::tui::keymap::map::{Keymap, describe};
use crate::tui::keymap::trie::Found;
use crate::tui::model::{Model, Overlay};
use crate::tui::theme::Tone;
use crate::tui::update::allowed;
use crate::tui::view::pen::Pen;
use crate::tui::words::{cut, width};

/// Draws the line for messages; while a filter is typed, the filter.
pub fn line(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let pen = Pen {
        theme: model.theme(),
    };
    let room = usize::from(area.width).saturating_sub(1);
    if matches!(model.overlays.last(), Some(Overlay::Filter)) {
        filter(frame, area, model);
        return;
    }
    let mut spans = vec![Span::raw(" ")];
    let mut used = 0;
    if let Some(toast) = model.toasts.last() {
        let symbol = match toast.tone {
            Tone::Ok => "✓ ",
            Tone::Warn => "! ",
            Tone::Fail => "✗ ",
            Tone::Drift => "⇄ ",
            Tone::Busy => "◐ ",
            _ => "",
        };
        let more = match model.toasts.len() {
            1 => String::new(),
            number => format!(" (+{})", number - 1),
        };
        let text = cut(&format!("{symbol}{}{more}", clean::line(&toast.text)), room);
        used = width(&text) + 3;
        spans.push(pen.span(text, toast.tone));
        spans.push(Span::raw("   "));
    }
    if let Some(echo) = &model.echo
        && used + 12 < room
    {
        let text = cut(&format!("$ {echo}"), room.saturating_sub(used));
        spans.push(pen.span(text, Tone::Dim));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

fn filter(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let pen = Pen {
        theme: model.theme(),
    };
    let (typed, found) = match model.logs() {
        Some(logs) => (logs.filter.as_str(), logs.lines().count()),
        None => model
            .pane()
            .map_or(("", 0), |pane| (pane.filter(), pane.rows().len())),
    };
    let line = pen.line(&[
        (" / ", Tone::Key),
        (typed, Tone::Text),
        ("   ", Tone::Text),
        (&format!("{found} rows"), Tone::Dim),
    ]);
    frame.render_widget(Paragraph::new(line), area);
    let x = area.x + u16::try_from(3 + width(typed)).unwrap_or(u16::MAX);
    if x < area.right() {
        frame.set_cursor_position(Position::new(x, area.y));
    }
}

/// Draws the keys that do something now.
pub fn hints(frame: &mut Frame<'_>, area: Rect, model: &Model, keymap: &Keymap) {
    let pen = Pen {
        theme: model.theme(),
    };
    let room = usize::from(area.width);
    let hints = fitting(entries(model, keymap), room);
    let mut spans = vec![Span::raw(" ")];
    for (key, name) in hints {
        spans.push(pen.span(key, Tone::Key));
        spans.push(pen.span(format!(" {name}"), Tone::Dim));
        spans.push(Span::raw("  "));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// Returns keys and names, the most important first.
#[must_use]
pub fn entries(model: &Model, keymap: &Keymap) -> Vec<(String, String)> {
    let context = model.context();
    if !model.pending.is_empty() {
        return pending(context, &model.pending, keymap);
    }
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    let last = [Action::Help, Action::Quit];
    let rows = keymap.rows(context).filter(|row| {
        !matches!(
            row.action,
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
                | Action::UnfoldAll
                | Action::FoldAll
                | Action::Services
                | Action::Plans
                | Action::Runs
                | Action::Locks
                | Action::Drift
                | Action::PreviousArea
                | Action::Interrupt
                | Action::Suspend
                | Action::Redraw
        )
    });
    for row in rows {
        if allowed::worth_a_hint(model, row.action) && seen.insert(row.action) {
            let key = keymap.keys(context, row.action).first().copied();
            entries.push((
                row.action,
                key.unwrap_or_default(),
                name(model, row.name, row.action),
            ));
        }
    }
    entries.sort_by_key(|(action, ..)| last.contains(action));
    entries
        .into_iter()
        .map(|(_, key, name)| (key.to_owned(), name))
        .collect()
}

/// In a dialog the confirming key says what it does.
fn name(model: &Model, name: &str, action: Action) -> String {
    if let (Action::Confirm, Some(Overlay::Dialog(dialog))) = (action, model.overlays.last()) {
        return dialog.button().unwrap_or(name).to_owned();
    }
    name.to_owned()
}

fn pending(context: Context, pressed: &[Chord], keymap: &Keymap) -> Vec<(String, String)> {
    let typed: Vec<String> = pressed.iter().map(ToString::to_string).collect();
    let typed = typed.join(" ");
    match keymap.find(context, pressed) {
        Found::Pending(next) => next
            .into_iter()
            .map(|(chord, action)| {
                let name = action
                    .and_then(|action| describe(context, action))
                    .map_or("…", |row| row.name);
                (format!("{typed} {chord}"), name.to_owned())
            })
            .collect(),
        Found::Action(_) | Found::None => Vec::new(),
    }
}

/// Leaves out from the middle what does not fit; the last two are help and quit.
fn fitting(mut entries: Vec<(String, String)>, room: usize) -> Vec<(String, String)> {
    let taken = |entries: &[(String, String)]| {
        1 + entries
            .iter()
            .map(|(key, name)| width(key) + width(name) + 3)
            .sum::<usize>()
    };
    while entries.len() > 2 && taken(&entries) > room + 2 {
        let middle = entries.len() - 3;
        entries.remove(middle);
    }
    entries
}

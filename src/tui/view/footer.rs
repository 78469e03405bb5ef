//! The two lines at the bottom: the last message, and the keys that do something now.

use std::collections::BTreeSet;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::app::command::Stop;
use crate::present::clean;
use crate::tui::keymap::action::{Action, Context};
use crate::tui::keymap::chord::Chord;
use crate::tui::keymap::default::Row;
use crate::tui::keymap::map::{Keymap, describe};
use crate::tui::keymap::trie::Found;
use crate::tui::logs::reader::Typing;
use crate::tui::model::{Model, Overlay};
use crate::tui::others;
use crate::tui::recorder::Figures;
use crate::tui::theme::Tone;
use crate::tui::update::{allowed, reading};
use crate::tui::view::logs;
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
        let said = format!("{symbol}{}", clean::line(&toast.text));
        let more = match model.toasts.len() - 1 {
            0 => String::new(),
            number if width(&said) + 18 <= room => format!(" (+{number} in the log)"),
            number => format!(" (+{number})"),
        };
        let text = cut(&format!("{said}{more}"), room);
        used = width(&text) + 3;
        spans.push(pen.span(text, toast.tone));
        spans.push(Span::raw("   "));
    }
    if model.toasts.is_empty()
        && let Some(sentence) = others::sentence(model)
    {
        let text = cut(&format!("● {sentence}"), room);
        used = width(&text) + 3;
        spans.push(pen.span(text, Tone::Warn));
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
    let output = model.reading().filter(|_| reading::takes_text(model));
    let below = model.overlays.iter().rev().nth(1);
    let (sign, typed, found) = match output {
        _ if matches!(below, Some(Overlay::Help { .. })) => match below {
            Some(Overlay::Help { typed, .. }) => (" / ", typed.as_str(), String::new()),
            _ => (" / ", "", String::new()),
        },
        Some((store, reader)) => {
            let sieve = reader.sieve();
            let (sign, typed) = match reader.typing {
                Typing::Search => (" / ", sieve.search.typed()),
                Typing::Only => (" & ", sieve.only.typed()),
            };
            let said = logs::looks(reader, store);
            (sign, typed, said.first().cloned().unwrap_or_default())
        }
        None => {
            let pane = model.pane();
            let (typed, rows) = pane.map_or(("", 0), |pane| (pane.filter(), pane.rows().len()));
            (" / ", typed, format!("{rows} rows"))
        }
    };
    let line = pen.line(&[
        (sign, Tone::Key),
        (typed, Tone::Text),
        ("   ", Tone::Text),
        (&found, Tone::Dim),
    ]);
    frame.render_widget(Paragraph::new(line), area);
    let x = area.x + u16::try_from(3 + width(typed)).unwrap_or(u16::MAX);
    if x < area.right() {
        frame.set_cursor_position(Position::new(x, area.y));
    }
}

/// Draws how the panel itself does, in place of the keys.
pub fn figures(frame: &mut Frame<'_>, area: Rect, model: &Model, figures: &Figures) {
    let pen = Pen {
        theme: model.theme(),
    };
    let text = cut(
        &format!(" {}", figures.line()),
        usize::from(area.width).saturating_sub(1),
    );
    frame.render_widget(Paragraph::new(pen.line(&[(&text, Tone::Dim)])), area);
}

/// One key in the hint line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// What it does; `None`: more keys are awaited.
    pub action: Option<Action>,
    /// The key.
    pub key: String,
    /// What it does, in a word or two.
    pub name: String,
}

impl Hint {
    fn width(&self) -> usize {
        width(&self.key) + 1 + width(&self.name)
    }
}

/// Places the hints in a line of so many columns: each with its first column and its columns.
#[must_use]
pub fn placed(model: &Model, keymap: &Keymap, room: u16) -> Vec<(Hint, u16, u16)> {
    let cells = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    let mut at = 1;
    let hints = fitting(entries(model, keymap), usize::from(room));
    hints
        .into_iter()
        .map(|hint| {
            let (from, columns) = (at, hint.width());
            at += columns + 2;
            (hint, cells(from), cells(columns))
        })
        .filter(|(_, from, columns)| from.saturating_add(*columns) <= room)
        .collect()
}

/// Draws the keys that do something now.
pub fn hints(frame: &mut Frame<'_>, area: Rect, model: &Model, keymap: &Keymap) {
    let pen = Pen {
        theme: model.theme(),
    };
    let mut spans = vec![Span::raw(" ")];
    for (hint, ..) in placed(model, keymap, area.width) {
        spans.push(pen.span(hint.key, Tone::Key));
        spans.push(pen.span(format!(" {}", hint.name), Tone::Dim));
        spans.push(Span::raw("  "));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// Returns keys and names, the most important first.
#[must_use]
pub fn entries(model: &Model, keymap: &Keymap) -> Vec<Hint> {
    let context = model.context();
    if !model.pending.is_empty() {
        return pending(context, &model.pending, keymap);
    }
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    let last = [Action::Help, Action::Quit];
    let mut rows: Vec<&Row> = keymap.rows(context).filter(|row| row.is_hinted()).collect();
    rows.sort_by_key(|row| row.rank);
    for row in rows {
        if allowed::worth_a_hint(model, row.action) && seen.insert(row.action) {
            entries.push(Hint {
                action: Some(row.action),
                key: keymap
                    .key(context, row.action)
                    .unwrap_or_default()
                    .to_owned(),
                name: name(model, row.name, row.action),
            });
        }
    }
    entries.sort_by_key(|hint| match hint.action {
        Some(action) if last.contains(&action) => usize::MAX,
        Some(action) => steering(model, context, action),
        None => 8,
    });
    entries
}

/// Where a key stands: while a replay is on show, what steers it comes first.
fn steering(model: &Model, context: Context, action: Action) -> usize {
    let keys = [
        Action::Play,
        Action::LeaveReplay,
        Action::StepForward,
        Action::StepBack,
        Action::Faster,
        Action::Slower,
        Action::NextFailure,
    ];
    let steers = model.replay.is_some() && context == Context::Run;
    let found = keys.iter().position(|key| *key == action);
    found.filter(|_| steers).unwrap_or(keys.len())
}

/// In a dialog the keys say what its buttons say.
fn name(model: &Model, name: &str, action: Action) -> String {
    if let (Action::Confirm, Some(Overlay::Dialog(dialog))) = (action, model.overlays.last()) {
        return dialog.button().unwrap_or(name).to_owned();
    }
    if let (Action::Dismiss, Some(Overlay::Dialog(dialog))) = (action, model.overlays.last())
        && dialog.button().is_none()
    {
        return "close".to_owned();
    }
    if action == Action::Cancel && model.stopping == Stop::Drain {
        return "cut off".to_owned();
    }
    name.to_owned()
}

fn pending(context: Context, pressed: &[Chord], keymap: &Keymap) -> Vec<Hint> {
    let typed: Vec<String> = pressed.iter().map(ToString::to_string).collect();
    let typed = typed.join(" ");
    match keymap.find(context, pressed) {
        Found::Pending(next) => next
            .into_iter()
            .map(|(chord, action)| {
                let name = action
                    .and_then(|action| describe(context, action))
                    .map_or("…", |row| row.name);
                Hint {
                    action,
                    key: format!("{typed} {chord}"),
                    name: name.to_owned(),
                }
            })
            .collect(),
        Found::Action(_) | Found::None => Vec::new(),
    }
}

/// Leaves out what does not fit, the least important first; the last two are help and quit.
fn fitting(mut hints: Vec<Hint>, room: usize) -> Vec<Hint> {
    let taken = |hints: &[Hint]| 1 + hints.iter().map(|hint| hint.width() + 2).sum::<usize>();
    while hints.len() > 2 && taken(&hints) > room + 2 {
        let middle = hints.len() - 3;
        hints.remove(middle);
    }
    hints
}

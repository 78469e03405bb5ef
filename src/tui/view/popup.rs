//! Boxes above the area: where they lie, and what in them can be pressed.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear};

use crate::present::clean;
use crate::tui::keymap::action::{Action, Context};
use crate::tui::model::Model;
use crate::tui::overlay::{Dialog, Typed};
use crate::tui::theme::Tone;
use crate::tui::view::pen::Pen;
use crate::tui::words::{cut, width};

/// Most columns of a box.
const WIDEST: u16 = 76;

/// Returns a rectangle in the middle of another.
#[must_use]
pub fn centred(area: Rect, columns: u16, rows: u16) -> Rect {
    let columns = columns.min(area.width);
    let rows = rows.min(area.height);
    Rect {
        x: area.x + (area.width - columns) / 2,
        y: area.y + (area.height - rows) / 2,
        width: columns,
        height: rows,
    }
}

/// Returns how many columns a box has inside of its frame and margins.
#[must_use]
pub fn room(middle: Rect) -> u16 {
    middle.width.min(WIDEST).saturating_sub(4)
}

/// Where the parts of a box lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// With its frame.
    pub outer: Rect,
    /// Its text.
    pub text: Rect,
    /// The lines to type into.
    pub fields: Rect,
    /// Its buttons.
    pub buttons: Rect,
    /// What can be pressed there.
    pub pressed: Vec<(Rect, Action)>,
}

/// Places a box for so many lines of text and of fields, with its buttons.
#[must_use]
pub fn place(middle: Rect, lines: usize, fields: usize, pieces: &[Piece]) -> Place {
    let cells = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    let outer = centred(
        middle,
        middle.width.min(WIDEST),
        cells(lines + fields).saturating_add(4),
    );
    let [_, inside, _] = Layout::horizontal([
        Constraint::Length(2),
        Constraint::Fill(1),
        Constraint::Length(2),
    ])
    .areas(outer);
    let inside = Rect {
        y: inside.y + u16::from(inside.height > 1),
        height: inside.height.saturating_sub(2),
        ..inside
    };
    let gap = u16::from(inside.height > 2);
    let [text, fields, _, buttons] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Length(cells(fields).min(inside.height.saturating_sub(1 + gap))),
        Constraint::Length(gap),
        Constraint::Length(1),
    ])
    .areas(inside);
    let mut at = buttons.x;
    let mut pressed = Vec::new();
    for piece in pieces {
        let columns = cells(width(&piece.text));
        if let Some(action) = piece.action {
            let whole = Rect::new(at, buttons.y, columns, buttons.height);
            pressed.push((whole.intersection(buttons), action));
        }
        at = at.saturating_add(columns);
    }
    Place {
        outer,
        text,
        fields,
        buttons,
        pressed,
    }
}

/// Draws the frame of a box.
pub fn frame(frame: &mut Frame<'_>, outer: Rect, model: &Model, title: &str, tone: Tone) {
    let pen = Pen {
        theme: model.theme(),
    };
    let title = cut(
        &clean::line(title),
        usize::from(outer.width).saturating_sub(4),
    );
    let block = Block::bordered()
        .border_style(model.theme().style(tone))
        .title(pen.line(&[(&format!(" {title} "), tone)]));
    frame.render_widget(Clear, outer);
    frame.render_widget(block, outer);
}

/// A piece of the line of buttons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    text: String,
    tone: Tone,
    action: Option<Action>,
}

impl Piece {
    fn new(text: impl Into<String>, tone: Tone, action: Option<Action>) -> Self {
        Self {
            text: text.into(),
            tone,
            action,
        }
    }
}

/// Writes the line of buttons.
#[must_use]
pub fn line(pen: Pen, pieces: &[Piece]) -> Line<'static> {
    let pieces: Vec<(&str, Tone)> = pieces
        .iter()
        .map(|piece| (piece.text.as_str(), piece.tone))
        .collect();
    pen.line(&pieces)
}

/// Returns the buttons of a dialog; the cursor is on leaving.
#[must_use]
pub fn of_dialog(model: &Model, dialog: &Dialog) -> Vec<Piece> {
    let leave = model.key_in(Context::Dialog, Action::Dismiss);
    let leaves = |word: &str| Piece::new(word, Tone::Selected, Some(Action::Dismiss));
    match dialog.button() {
        None => vec![
            leaves("[ Close ]"),
            Piece::new(format!(" {leave}"), Tone::Dim, None),
        ],
        Some(word) => vec![
            leaves("[ Cancel ]"),
            Piece::new(format!(" {leave}     "), Tone::Dim, None),
            Piece::new(format!("[ {word} ]"), Tone::Title, Some(Action::Confirm)),
            Piece::new(
                format!(" {}", model.key_in(Context::Dialog, Action::Confirm)),
                Tone::Key,
                None,
            ),
        ],
    }
}

/// Returns the buttons of a dialog that is answered by typing: the mouse can only leave it.
#[must_use]
pub fn of_typed(model: &Model, typed: &Typed) -> Vec<Piece> {
    let leave = model.key_in(Context::Typed, Action::Dismiss);
    let confirm = model.key_in(Context::Typed, Action::Confirm);
    let left = typed.left(model.now);
    let (ready, wait) = match left {
        0 if typed.complete() => (Tone::Key, String::new()),
        0 => (Tone::Dim, String::new()),
        left => (Tone::Dim, format!(" in {left} s")),
    };
    vec![
        Piece::new("[ Cancel ]", Tone::Selected, Some(Action::Dismiss)),
        Piece::new(format!(" {leave}     "), Tone::Dim, None),
        Piece::new(format!("{confirm} confirm"), ready, None),
        Piece::new(wait, Tone::Warn, None),
    ]
}

//! Lists to choose from, narrowed by typing.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph};

use crate::present::clean;
use crate::tui::danger::Danger;
use crate::tui::model::Model;
use crate::tui::overlay::{Choices, Palette};
use crate::tui::theme::Tone;
use crate::tui::update::palette::{Entry, count, entries};
use crate::tui::view::layout;
use crate::tui::view::pen::Pen;
use crate::tui::view::popup::centred;
use crate::tui::words::{cut, pad, width};

/// Most columns of a list.
const WIDEST: u16 = 100;
/// From this width on the danger of an act stands there as a word, too.
const WORDY: usize = 70;

/// Where a list lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// With its frame.
    pub outer: Rect,
    /// The line that is typed into.
    pub typed: Rect,
    /// The lines to choose from.
    pub rows: Rect,
    /// Number of the first of them.
    pub first: usize,
}

/// Returns where the list lies; it keeps its size while it is narrowed, so that nothing jumps under the typing.
#[must_use]
pub fn place(model: &Model, list: &Palette, middle: Rect) -> Place {
    let whole = Palette {
        typed: String::new(),
        ..list.clone()
    };
    let all = u16::try_from(count(model, &whole)).unwrap_or(u16::MAX);
    let outer = centred(middle, WIDEST, all.saturating_add(3).max(8));
    let inner = layout::inner(outer);
    let typed = Rect {
        height: inner.height.min(1),
        ..inner
    };
    let rows = Rect {
        y: inner.y + typed.height,
        height: inner.height - typed.height,
        ..inner
    };
    let height = usize::from(rows.height);
    Place {
        outer,
        typed,
        rows,
        first: (list.cursor + 1).saturating_sub(height.max(1)),
    }
}

/// Draws the list.
pub fn show(frame: &mut Frame<'_>, middle: Rect, model: &Model, list: &Palette) {
    let pen = Pen {
        theme: model.theme(),
    };
    let place = place(model, list, middle);
    let entries = entries(model, list);
    let (title, sign) = match list.kind {
        Choices::Actions => (" actions ", ": "),
        Choices::Jump => (" go to ", "> "),
        Choices::Themes => (" themes ", "> "),
        Choices::Procedures => (" run an action of the file ", "> "),
        Choices::Places | Choices::Environments => (" projects ", "> "),
    };
    let block = Block::bordered()
        .border_style(model.theme().style(Tone::FrameFocus))
        .title(pen.line(&[(title, Tone::FrameFocus)]))
        .title(
            pen.line(&[(&format!(" {} ", entries.len()), Tone::Dim)])
                .right_aligned(),
        );
    frame.render_widget(Clear, place.outer);
    frame.render_widget(block, place.outer);
    let typed = pen.line(&[(sign, Tone::Key), (&list.typed, Tone::Text)]);
    frame.render_widget(Paragraph::new(typed), place.typed);
    let columns = Columns::of(&entries, usize::from(place.rows.width));
    let height = usize::from(place.rows.height);
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (index, entry) in entries.iter().enumerate().skip(place.first).take(height) {
        lines.push(columns.line(pen, entry, index == list.cursor));
    }
    if entries.is_empty() {
        lines.push(pen.line(&[(" nothing fits", Tone::Dim)]));
    }
    frame.render_widget(Paragraph::new(lines), place.rows);
    let x = place.typed.x + u16::try_from(2 + width(&list.typed)).unwrap_or(u16::MAX / 2);
    if x < place.typed.right() && place.typed.height > 0 {
        frame.set_cursor_position(Position::new(x, place.typed.y));
    }
}

/// Widths that make the columns of all lines line up.
struct Columns {
    key: usize,
    name: usize,
    danger: usize,
    room: usize,
}

impl Columns {
    fn of(entries: &[Entry], room: usize) -> Self {
        let longest = |text: fn(&Entry) -> &str| {
            let widths = entries.iter().map(|entry| width(&clean::line(text(entry))));
            widths.max().unwrap_or(0)
        };
        let dangers = entries.iter().any(|entry| entry.danger > Danger::Read);
        Self {
            key: longest(|entry| &entry.key).min(9),
            name: longest(|entry| &entry.name).min(room / 2).max(12),
            danger: match (dangers, room >= WORDY) {
                (false, _) => 0,
                (true, false) => 2,
                (true, true) => 14,
            },
            room,
        }
    }

    fn line(&self, pen: Pen, entry: &Entry, chosen: bool) -> Line<'static> {
        let (note, tone) = match &entry.off {
            Some(reason) => (format!("not now: {reason}"), Tone::Dim),
            None => (entry.note.clone(), Tone::Text),
        };
        let danger = match entry.danger {
            Danger::Read => String::new(),
            other => format!("{} {}", other.symbol(), other.as_str()),
        };
        let danger_tone = match entry.danger {
            Danger::Read | Danger::Reversible => Tone::Dim,
            Danger::Disruptive => Tone::Warn,
            Danger::DataLosing => Tone::Fail,
        };
        let gap = usize::from(self.key > 0);
        let head = 1 + self.key + gap + self.name + 2 + self.danger;
        let note = cut(&clean::line(&note), self.room.saturating_sub(head + 1));
        let mut pieces = [
            (" ".to_owned(), tone),
            (pad(&entry.key, self.key), Tone::Key),
            (" ".repeat(gap), tone),
            (pad(&clean::line(&entry.name), self.name), tone),
            ("  ".to_owned(), tone),
            (narrow(&danger, self.danger), danger_tone),
            (pad(&note, self.room.saturating_sub(head)), tone),
        ];
        if chosen {
            pieces.iter_mut().for_each(|piece| piece.1 = Tone::Selected);
        } else if entry.off.is_some() {
            pieces.iter_mut().for_each(|piece| piece.1 = Tone::Dim);
        }
        let pieces: Vec<(&str, Tone)> =
            pieces.iter().map(|(text, tone)| (&**text, *tone)).collect();
        pen.line(&pieces)
    }
}

/// The word where there is room, else its symbol.
fn narrow(danger: &str, room: usize) -> String {
    if room >= width(danger) {
        return pad(danger, room);
    }
    let symbol: String = danger.chars().take(room.min(1)).collect();
    pad(&symbol, room)
}

//! The list of all actions, narrowed by typing.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph};

use crate::tui::keymap::map::Keymap;
use crate::tui::model::Model;
use crate::tui::overlay::Palette;
use crate::tui::theme::Tone;
use crate::tui::update::allowed;
use crate::tui::update::palette::entries;
use crate::tui::view::dialog::centred;
use crate::tui::view::pen::Pen;
use crate::tui::words::{cut, pad, width};

/// Draws the list.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model, keymap: &Keymap, list: &Palette) {
    let pen = Pen {
        theme: model.theme(),
    };
    let entries = entries(list);
    let wanted = u16::try_from(entries.len())
        .unwrap_or(u16::MAX)
        .saturating_add(3);
    let outer = centred(area, 90, wanted);
    let block = Block::bordered()
        .border_style(model.theme().style(Tone::FrameFocus))
        .title(pen.line(&[(" actions ", Tone::FrameFocus)]));
    let inner = block.inner(outer);
    frame.render_widget(Clear, outer);
    frame.render_widget(block, outer);
    let rows = usize::from(inner.height).saturating_sub(1);
    let first = list.cursor.saturating_sub(rows.saturating_sub(1));
    let room = usize::from(inner.width);
    let mut lines: Vec<Line<'static>> =
        vec![pen.line(&[(": ", Tone::Key), (&list.typed, Tone::Text)])];
    for (index, row) in entries.iter().enumerate().skip(first).take(rows) {
        let reason = allowed::check(model, row.action).err();
        let keys = keymap.keys(model.area.context(), row.action);
        let key = keys.first().copied().unwrap_or("");
        let (text, tone) = match &reason {
            Some(reason) => (format!("not now: {reason}"), Tone::Dim),
            None => (row.help.to_owned(), Tone::Text),
        };
        let text = cut(&text, room.saturating_sub(22));
        let tone = if index == list.cursor {
            Tone::Selected
        } else {
            tone
        };
        let name = format!(" {} {} ", pad(key, 5), pad(row.name, 13));
        lines.push(pen.line(&[
            (&name, tone),
            (&pad(&text, room.saturating_sub(width(&name))), tone),
        ]));
    }
    if entries.is_empty() {
        lines.push(pen.line(&[("no action fits", Tone::Dim)]));
    }
    frame.render_widget(Paragraph::new(lines), inner);
    let x = inner.x + u16::try_from(2 + width(&list.typed)).unwrap_or(u16::MAX);
    if x < inner.right() && inner.height > 0 {
        frame.set_cursor_position(Position::new(x, inner.y));
    }
}

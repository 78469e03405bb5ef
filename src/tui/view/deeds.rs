//! The log of what the panel did, the newest at the bottom.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Clear, Paragraph};

use crate::present::human;
use crate::tui::model::Model;
use crate::tui::theme::Tone;
use crate::tui::view::pen::Pen;
use crate::tui::words::{cut, pad, width};

/// Draws the log with the cursor so many deeds before the last one.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model, back: usize) {
    let pen = Pen {
        theme: model.theme(),
    };
    let block = Block::bordered()
        .border_style(model.theme().style(Tone::FrameFocus))
        .title(pen.line(&[(" what the panel did ", Tone::FrameFocus)]));
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let rows = usize::from(inner.height);
    let room = usize::from(inner.width);
    // The cursor stays on the screen: as many newer deeds below it as fit.
    let newer = back.saturating_sub(rows.saturating_sub(1));
    let end = model.deeds.len().saturating_sub(newer);
    let start = end.saturating_sub(rows);
    let chosen = model.deeds.len().saturating_sub(back + 1);
    let mut lines = Vec::with_capacity(rows);
    for (index, deed) in model.deeds.iter().enumerate().take(end).skip(start) {
        let time = format!(" {} ", human::clock(deed.at));
        let command = deed
            .command
            .as_ref()
            .map_or_else(String::new, |command| format!("  $ {command}"));
        let text = cut(&deed.text, room.saturating_sub(width(&time)));
        let left = room.saturating_sub(width(&time) + width(&text));
        let command = cut(&command, left);
        if index == chosen {
            let whole = pad(&format!("{time}{text}{command}"), room);
            lines.push(pen.line(&[(&whole, Tone::Selected)]));
        } else {
            lines.push(pen.line(&[
                (&time, Tone::Dim),
                (&text, Tone::Text),
                (&command, Tone::Dim),
            ]));
        }
    }
    frame.render_widget(Paragraph::new(lines), inner);
}

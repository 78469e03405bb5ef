//! After the first key of a sequence: the keys that go on, and what they do.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Clear, Paragraph};

use crate::tui::keymap::map::Keymap;
use crate::tui::model::Model;
use crate::tui::theme::Tone;
use crate::tui::view::footer;
use crate::tui::view::pen::Pen;
use crate::tui::words::{cut, pad, width};

/// Draws the box at the lower edge of the middle.
pub fn show(frame: &mut Frame<'_>, middle: Rect, model: &Model, keymap: &Keymap) {
    let hints = footer::entries(model, keymap);
    if model.pending.is_empty() || hints.is_empty() {
        return;
    }
    let pen = Pen {
        theme: model.theme(),
    };
    let keys = hints.iter().map(|hint| width(&hint.key)).max().unwrap_or(0);
    let names = hints
        .iter()
        .map(|hint| width(&hint.name))
        .max()
        .unwrap_or(0);
    let cell = keys + names + 4;
    let room = usize::from(middle.width).saturating_sub(4);
    let across = (room / cell.max(1)).clamp(1, hints.len().max(1));
    let down = hints.len().div_ceil(across);
    let rows = u16::try_from(down + 2)
        .unwrap_or(u16::MAX)
        .min(middle.height);
    let columns = u16::try_from(across * cell + 3)
        .unwrap_or(u16::MAX)
        .min(middle.width);
    let outer = Rect {
        x: middle.right() - columns,
        y: middle.bottom() - rows,
        width: columns,
        height: rows,
    };
    let typed: Vec<String> = model.pending.iter().map(ToString::to_string).collect();
    let block = Block::bordered()
        .border_style(model.theme().style(Tone::FrameFocus))
        .title(pen.line(&[(&format!(" {} … ", typed.join(" ")), Tone::FrameFocus)]));
    let inner = block.inner(outer);
    frame.render_widget(Clear, outer);
    frame.render_widget(block, outer);
    let lines: Vec<_> = (0..down)
        .map(|row| {
            let mut pieces = Vec::new();
            for hint in hints.iter().skip(row).step_by(down) {
                pieces.push((format!(" {}", pad(&hint.key, keys)), Tone::Key));
                let name = pad(&cut(&hint.name, room), names);
                pieces.push((format!("  {name} "), Tone::Text));
            }
            let pieces: Vec<(&str, Tone)> = pieces
                .iter()
                .map(|(text, tone)| (text.as_str(), *tone))
                .collect();
            pen.line(&pieces)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

//! All keys, from the one table; those of the place one came from first.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Clear};

use crate::tui::keymap::action::Group;
use crate::tui::keymap::default::ROWS;
use crate::tui::keymap::map::{Keymap, place_of};
use crate::tui::model::Model;
use crate::tui::theme::Tone;
use crate::tui::update::allowed;
use crate::tui::view::pen::Pen;
use crate::tui::view::sheet::Sheet;

/// Room for keys.
const KEYS: usize = 18;

/// Draws the help screen.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model, keymap: &Keymap, scroll: usize) {
    let pen = Pen {
        theme: model.theme(),
    };
    let block = Block::bordered()
        .border_style(model.theme().style(Tone::FrameFocus))
        .title(pen.line(&[(" help: all keys ", Tone::FrameFocus)]));
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let mut sheet = Sheet::new(pen, inner.width, KEYS);
    let here = model.area.context();
    for group in Group::ALL {
        sheet.heading(group.as_str());
        for row in ROWS.iter().filter(|row| row.group == group) {
            let bound = keymap.keys(here, row.action);
            let keys = if row.keys.is_empty() {
                format!(": {}", row.name)
            } else if bound.is_empty() || !row.contexts.contains(&here) {
                row.keys.join("  ")
            } else {
                bound.join("  ")
            };
            let place = place_of(row);
            let place = match place.as_str() {
                "all areas" | "everywhere" => String::new(),
                place => format!(" ({place})"),
            };
            let (not_now, tone) = match allowed::check(model, row.action) {
                Err(reason) if row.contexts.contains(&here) => {
                    (format!(". Not now: {reason}"), Tone::Dim)
                }
                Ok(()) | Err(_) => (String::new(), Tone::Text),
            };
            sheet.pair(&keys, &format!("{}{place}{not_now}", row.help), tone);
        }
    }
    sheet.heading("symbols");
    for (symbol, text) in [
        ("+ ~ - •", "create, update, delete, unchanged"),
        ("⇄", "changed by hand"),
        ("● ○ ◐", "running or exists, absent or waiting, under way"),
        ("✓ ✗ » ?", "done, failed, skipped, unknown"),
        ("^", "shared: other services depend on it too"),
    ] {
        sheet.pair(symbol, text, Tone::Text);
    }
    sheet.show(frame, inner, scroll);
}

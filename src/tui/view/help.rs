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
            let mut text = row.help.to_owned();
            if place != "all areas" && place != "everywhere" {
                text.push_str(&format!(" ({place})"));
            }
            let mut tone = Tone::Text;
            if row.contexts.contains(&here)
                && let Err(reason) = allowed::check(model, row.action)
            {
                text.push_str(&format!(". Not now: {reason}"));
                tone = Tone::Dim;
            }
            sheet.pair(&keys, &text, tone);
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

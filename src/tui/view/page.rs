//! Draws a page of facts; the entry with the cursor stands out, and is always in sight.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::tui::model::{Focus, Model};
use crate::tui::pages::page::{Entry, Page};
use crate::tui::theme::Tone;
use crate::tui::view::pen::Pen;
use crate::tui::view::sheet::Sheet;
use crate::tui::view::spark::bars;
use crate::tui::words::width;

/// Fewer bars than this say nothing.
const LEAST_BARS: usize = 6;

/// Draws a page in the details of an area.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model, page: &Page, label: usize) {
    let pen = Pen {
        theme: model.theme(),
    };
    let (mut lines, starts) = written(pen, page, area.width, label);
    let height = usize::from(area.height);
    let cursor = (model.focus == Focus::Details && !page.entries.is_empty())
        .then(|| model.details_at.min(page.entries.len() - 1));
    let mut at = 0;
    if let Some(cursor) = cursor {
        let first = starts.get(cursor).copied().unwrap_or(0);
        let past = starts.get(cursor + 1).copied().unwrap_or(lines.len());
        let style = model.theme().style(Tone::Selected);
        for line in lines.iter_mut().take(past).skip(first) {
            // The empty line above a heading is nobody's.
            if line.width() > 0 {
                *line = std::mem::take(line).patch_style(style);
                for span in &mut line.spans {
                    span.style = span.style.patch(style);
                }
            }
        }
        // The cursor stays a third from the top, so that what comes next is seen.
        at = first.saturating_sub(height / 3);
        at = at.max(past.saturating_sub(height));
    }
    let at = at.min(lines.len().saturating_sub(height));
    let rest = lines.len().saturating_sub(at + height);
    let mut shown: Vec<Line<'static>> = lines.into_iter().skip(at).take(height).collect();
    if rest > 0
        && let Some(last) = shown.last_mut()
    {
        *last = pen.line(&[(&format!("↓ {} more", rest + 1), Tone::Dim)]);
    }
    frame.render_widget(Paragraph::new(shown), area);
}

/// Writes all entries into a sheet.
pub fn write(sheet: &mut Sheet, page: &Page) {
    for entry in &page.entries {
        one(sheet, entry);
    }
}

/// Writes all entries, with the first line of each.
fn written(pen: Pen, page: &Page, columns: u16, label: usize) -> (Vec<Line<'static>>, Vec<usize>) {
    let mut sheet = Sheet::new(pen, columns, label);
    let mut starts = Vec::with_capacity(page.entries.len());
    for entry in &page.entries {
        starts.push(sheet.len());
        one(&mut sheet, entry);
    }
    (sheet.into_lines(), starts)
}

fn one(sheet: &mut Sheet, entry: &Entry) {
    match entry {
        Entry::Heading(text) => sheet.heading(text),
        Entry::Pair {
            label,
            value,
            origin,
            tone,
        } => sheet.pair_from(label, value, origin, *tone),
        Entry::Chart {
            label,
            values,
            top,
            now,
            words,
        } => {
            let room = sheet.room().saturating_sub(2 + width(now));
            let drawn = if room < LEAST_BARS {
                String::new()
            } else {
                bars(values, *top, room)
            };
            let gap = if drawn.is_empty() { "" } else { "  " };
            sheet.pair(label, &format!("{drawn}{gap}{now}"), Tone::Text);
            sheet.pair("", words, Tone::Dim);
        }
        Entry::Text(text, tone) => sheet.text(text, *tone),
        Entry::Item { symbol, text, tone } => sheet.item(symbol, text, *tone),
    }
}

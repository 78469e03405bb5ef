//! What is wrong with the project file, for as long as it is wrong.

use ansi_to_tui::IntoText;
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::notice::Hydrated;
use crate::present::report::{ReportStyle, render};
use crate::tui::model::Model;
use crate::tui::theme::{Colors, Tone};
use crate::tui::view::pen::Pen;
use crate::tui::view::sheet::Sheet;

/// Draws all findings, as the command line prints them.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model, config: &Hydrated) {
    let pen = Pen {
        theme: model.theme(),
    };
    let colored = model.options.colors == Colors::Sixteen;
    let style = ReportStyle {
        color: colored,
        width: usize::from(area.width),
        ascii: model.options.ascii,
    };
    let report = render(&config.diagnostics, &config.sources, style);
    let mut sheet = Sheet::new(pen, area.width, 8);
    match report.into_text() {
        // The report has cleaned what is foreign in it; the escapes left are its own colours.
        Ok(text) if colored => text.lines.into_iter().for_each(|line| sheet.push(line)),
        Ok(_) | Err(_) => {
            for line in report.lines() {
                sheet.push(pen.line(&[(line, Tone::Text)]));
            }
        }
    }
    sheet.heading("The panel waits: it reads the file again as soon as it is saved.");
    sheet.show(frame, area, model.details_at);
}

//! The details of the row with the cursor.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::tui::model::{Area, Model};
use crate::tui::pages::page;
use crate::tui::rows::row::Subject;
use crate::tui::theme::Tone;
use crate::tui::update::moves::subject;
use crate::tui::view::pen::Pen;
use crate::tui::view::sheet::Sheet;
use crate::tui::view::{self, drift, history, plan, run};

/// Room for labels.
const LABEL: usize = 11;

/// Returns the heading of the details.
#[must_use]
pub fn title(model: &Model) -> String {
    match subject(model) {
        Subject::Resource(address) | Subject::Change(address, _) => address.to_string(),
        Subject::Step(_, step) => step.to_string(),
        Subject::Run(run) => format!("run {run}"),
        Subject::Heading | Subject::Remark if model.area == Area::Run => "output".into(),
        Subject::Heading | Subject::Remark => {
            let row = model.pane().and_then(|pane| pane.current());
            let row = row.filter(|_| model.area == Area::Locks);
            row.map_or_else(|| "details".into(), |row| row.row.label.clone())
        }
    }
}

/// Draws the details.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let pen = Pen {
        theme: model.theme(),
    };
    let mut sheet = Sheet::new(pen, area.width, LABEL);
    let subject = subject(model);
    match model.area {
        Area::Run => return run::show(frame, area, model, &subject),
        Area::Services => {
            if let Some(shown) = page::shown(model) {
                return view::page::show(frame, area, model, &shown, LABEL);
            }
        }
        Area::Plan => plan::details(&mut sheet, model, &subject),
        Area::Drift => drift::details(&mut sheet, model, &subject),
        Area::Locks => {
            if let Some(shown) = page::shown(model) {
                return view::page::show(frame, area, model, &shown, LABEL);
            }
        }
        Area::History => {
            if let Subject::Run(run) = &subject {
                history::write(&mut sheet, model, run);
            }
        }
    }
    if sheet.is_empty() {
        let text = match (&subject, model.pane().and_then(|pane| pane.current())) {
            (Subject::Heading, Some(row)) if row.parent => {
                "a group: Right opens it, Left closes it; its rows have more"
            }
            _ => "choose a row to see more of it",
        };
        sheet.text(text, Tone::Dim);
    }
    sheet.show(frame, area, model.details_at);
}

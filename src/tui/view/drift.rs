//! What differs from what was deployed: now and as recorded side by side, since when, and what the platform reported of it.

use crate::domain::ids::Address;
use crate::domain::plan::model::Change;
use crate::present::human::clock;
use crate::tui::keymap::action::Action;
use crate::tui::model::Model;
use crate::tui::overlay::Typed;
use crate::tui::rows::drift::heard;
use crate::tui::rows::row::{Row, Subject};
use crate::tui::rows::workers::WORKER;
use crate::tui::theme::Tone;
use crate::tui::view::plan::changes;
use crate::tui::view::sheet::Sheet;
use crate::tui::words::{between, ticking};

/// How many reports are shown.
const REPORTS: usize = 6;

/// Writes what a decision about drift means, and returns its title.
pub fn decision(sheet: &mut Sheet, address: &Address, path: Option<&str>, typed: &Typed) -> String {
    let what = match path {
        Some(path) => format!("`{path}` of {address}"),
        None => format!("everything of {address} that drifted"),
    };
    if typed.fields.len() > 1 {
        let text = format!(
            "{what} stays as it is: shown as ignored, not restored, until its time is over."
        );
        sheet.text(&text, Tone::Text);
        sheet.text("A deploy still brings it to what the file says.", Tone::Dim);
        return "ignore drift".to_owned();
    }
    let text = format!("{what} becomes what is recorded. Nothing that runs is touched.");
    sheet.text(&text, Tone::Text);
    sheet.text(
        "Where the file says otherwise, the next plan shows it as a change of the file.",
        Tone::Dim,
    );
    "keep what drifted".to_owned()
}

/// Returns the chosen row, if a worker says it: it may be longer than the list is wide.
fn of_worker(model: &Model) -> Option<&Row> {
    let chosen = model.pane()?.current()?;
    let of = chosen.path.first()?;
    (chosen.path.len() > 1 && of.starts_with(WORKER)).then_some(&chosen.row)
}

/// Writes the details.
pub fn details(sheet: &mut Sheet, model: &Model, subject: &Subject) {
    if let Some(row) = of_worker(model) {
        sheet.text(&row.label, row.tone);
        sheet.text(" ", Tone::Text);
    }
    let Some(report) = &model.snapshot.drift else {
        return;
    };
    let Some((address, all)) = subject
        .address()
        .and_then(|address| report.drifted.get_key_value(address))
    else {
        sheet.text(
            "Drift is what differs between what runs and what was deployed last. Edits of the file are no drift.",
            Tone::Dim,
        );
        return;
    };
    let shown: Vec<&Change> = match subject {
        Subject::Change(_, index) => all.get(*index).into_iter().collect(),
        Subject::Heading
        | Subject::Resource(_)
        | Subject::Step(..)
        | Subject::Run(_)
        | Subject::Remark => all.iter().collect(),
    };
    changes(sheet, model, &shown, ("now", "as deployed"));
    let since = model.snapshot.drift_since.get(address);
    let first = since.and_then(|fields| {
        shown
            .iter()
            .filter_map(|change| fields.get(&change.path))
            .min_by_key(|since| since.at)
    });
    sheet.heading("since when, and by whom");
    match first {
        Some(since) => {
            let age = ticking(between(since.at, model.now));
            let clock = clock(since.at);
            let text = match since.or_earlier {
                true => format!("{clock} or earlier (found {age} ago by the first look)"),
                false => format!("{clock} (seen {age} ago)"),
            };
            sheet.pair("since", &text, Tone::Text);
        }
        None => sheet.pair("since", "before this panel was opened", Tone::Text),
    }
    let reports: Vec<_> = heard(&model.snapshot, address)
        .rev()
        .take(REPORTS)
        .collect();
    for heard in reports.iter().rev() {
        let text = format!("{}  {}", clock(heard.at), heard.text);
        sheet.item("·", &text, Tone::Text);
    }
    let word = if reports.is_empty() {
        "The platform reported nothing about it while this panel was open."
    } else {
        "Reported by the platform; it does not say who asked for it."
    };
    sheet.text(word, Tone::Dim);
    sheet.heading("what can be done");
    sheet.text(
        &format!("Restore {address}: the plan is shown first, nothing changes before you confirm."),
        Tone::Text,
    );
    sheet.text(
        &format!(
            "To keep what was changed, write it into the project file and deploy; {} records it, {} sets it aside.",
            model.key(Action::Accept),
            model.key(Action::Ignore)
        ),
        Tone::Dim,
    );
}

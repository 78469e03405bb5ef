//! The details of the row with the cursor.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::domain::ids::{Address, StepId};
use crate::domain::plan::model::{Action, Change};
use crate::present::words;
use crate::tui::model::{Area, Model};
use crate::tui::rows::plan::{cause, kind_tone, path, step_label};
use crate::tui::rows::row::Subject;
use crate::tui::theme::Tone;
use crate::tui::update::moves::subject;
use crate::tui::view::pen::Pen;
use crate::tui::view::sheet::Sheet;
use crate::tui::view::{run, service};

/// Room for labels.
const LABEL: usize = 11;

/// Returns the heading of the details.
#[must_use]
pub fn title(model: &Model) -> String {
    match subject(model) {
        Subject::Resource(address) | Subject::Change(address, _) => address.to_string(),
        Subject::Step(_, step) => step.to_string(),
        Subject::Heading | Subject::Remark if model.area == Area::Run => "output".into(),
        Subject::Heading | Subject::Remark => "details".into(),
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
            if let Some(address) = subject.address() {
                service::write(&mut sheet, model, address);
            }
        }
        Area::Plan => plan(&mut sheet, model, &subject),
        Area::Drift => drift(&mut sheet, model, &subject),
        Area::Locks => {}
    }
    if sheet.is_empty() {
        sheet.text("choose a row to see more of it", Tone::Dim);
    }
    sheet.show(frame, area, model.details_at);
}

fn plan(sheet: &mut Sheet, model: &Model, subject: &Subject) {
    let Some(plan) = &model.snapshot.plan else {
        return;
    };
    if let Some(why) = &model.snapshot.plan_stale {
        sheet.pair("stale", why, Tone::Warn);
    }
    let action = subject.address().and_then(|address| plan.action(address));
    match (subject, action) {
        (Subject::Change(_, index), Some(action)) => {
            if let Some(change) = action.changes.get(*index) {
                one_change(sheet, change);
            }
        }
        (Subject::Step(_, id), Some(action)) => {
            if let Some(step) = action.steps.iter().find(|step| step.id == *id) {
                sheet.pair("step", step.id.as_str(), Tone::Text);
                sheet.pair("does", step.kind.as_str(), Tone::Text);
                sheet.pair("where", step.place.as_str(), Tone::Text);
                sheet.pair("detail", &step.detail, Tone::Text);
                let needs: Vec<&str> = step.needs.iter().map(StepId::as_str).collect();
                if !needs.is_empty() {
                    sheet.pair("needs", &needs.join("\n"), Tone::Text);
                }
            }
        }
        (_, Some(action)) => one_action(sheet, action),
        (_, None) => {
            sheet.pair("plan", &short(plan.id.as_str()), Tone::Text);
            let serial = plan.serial.map_or_else(
                || "none: nothing was deployed yet".to_owned(),
                |serial| serial.to_string(),
            );
            sheet.pair("serial", &serial, Tone::Text);
            sheet.pair("engine", &plan.engine, Tone::Text);
            sheet.pair("config", plan.config_hash.short(), Tone::Text);
        }
    }
}

/// The first twelve digits of a digest, enough to tell two apart.
fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

fn one_action(sheet: &mut Sheet, action: &Action) {
    let kind = format!("{} {}", action.kind.symbol(), action.kind.as_str());
    sheet.pair("action", &kind, kind_tone(action.kind));
    sheet.pair("strategy", words::strategy(action.strategy), Tone::Text);
    sheet.pair("because", &action.reason, Tone::Text);
    sheet.pair("layer", &action.layer.to_string(), Tone::Text);
    let after: Vec<String> = action.depends_on.iter().map(Address::to_string).collect();
    if !after.is_empty() {
        sheet.pair("after", &after.join(", "), Tone::Text);
    }
    if !action.changes.is_empty() {
        sheet.heading("changes");
        for change in &action.changes {
            one_change(sheet, change);
        }
    }
    if !action.steps.is_empty() {
        sheet.heading("steps");
        for step in &action.steps {
            let text = format!("{}  {}", step_label(step), step.detail);
            sheet.item("·", text.trim_end(), Tone::Dim);
        }
    }
}

/// Writes a change in full, both values on lines of their own.
fn one_change(sheet: &mut Sheet, change: &Change) {
    let (word, tone) = cause(change.cause);
    sheet.text(&format!("{} {word}", path(change)), tone_or_text(tone));
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".into());
    sheet.pair("  before", &side(&change.before), Tone::Removed);
    sheet.pair("  after", &side(&change.after), Tone::Added);
}

fn tone_or_text(tone: Tone) -> Tone {
    if tone == Tone::Dim { Tone::Text } else { tone }
}

fn drift(sheet: &mut Sheet, model: &Model, subject: &Subject) {
    let Some(report) = &model.snapshot.drift else {
        return;
    };
    let Some((address, changes)) = subject
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
        Subject::Change(_, index) => changes.get(*index).into_iter().collect(),
        Subject::Heading | Subject::Resource(_) | Subject::Step(..) | Subject::Remark => {
            changes.iter().collect()
        }
    };
    for change in shown {
        sheet.text(&path(change), Tone::Title);
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".into());
        sheet.pair("  now", &side(&change.before), Tone::Drift);
        sheet.pair("  restored", &side(&change.after), Tone::Added);
    }
    sheet.heading("what can be done");
    sheet.text(
        &format!("`R` restores {address}: it shows the plan first and changes nothing before you confirm."),
        Tone::Text,
    );
    sheet.text(
        "To keep what was changed, write it into the project file and deploy.",
        Tone::Dim,
    );
}

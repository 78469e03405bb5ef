//! The plan: the banner that says what it rests on, and the details of the row with the cursor.

use std::sync::Arc;

use ratatui::text::Line;

use crate::app::notice::Link;
use crate::domain::ids::{Address, StepId};
use crate::domain::plan::model::{Action, ActionKind, Change, Plan};
use crate::present::human::clock;
use crate::present::rows::forecast;
use crate::present::words;
use crate::tui::danger::{self, Danger};
use crate::tui::downtime;
use crate::tui::model::Model;
use crate::tui::rows::plan::{cause, kind_tone, path, sides, step_label};
use crate::tui::rows::row::Subject;
use crate::tui::theme::Tone;
use crate::tui::update::news;
use crate::tui::view::pen::Pen;
use crate::tui::view::sheet::Sheet;
use crate::tui::words::{pad, to_run, width, wrap};

/// Headings of the two sides of a change.
const HEADS: (&str, &str) = ("before", "after");
/// From this width of a column on before and after stand side by side.
const COLUMN: usize = 18;

/// Says in one line what the plan rests on, and whether it still does.
#[must_use]
pub fn banner(model: &Model, pen: Pen) -> Option<Line<'static>> {
    let plan = model.snapshot.plan.as_ref()?;
    if let Some(trouble) = &model.snapshot.trouble {
        let text = format!("! no new plan: {}", news::whole(trouble));
        return Some(pen.line(&[(&text, Tone::Fail)]));
    }
    if let Some(why) = &model.snapshot.plan_stale {
        let making = if model.running().is_some() {
            "made anew after the run"
        } else {
            "a new one is being made"
        };
        let text = format!("! STALE: {why}; {making}");
        return Some(pen.line(&[(&text, Tone::Warn)]));
    }
    let made = clock(model.planned_at);
    if let Link::Down(why) = &model.snapshot.link {
        let text = format!("! as of {made}: {why}");
        return Some(pen.line(&[(&text, Tone::Warn)]));
    }
    let serial = plan.serial.map_or_else(
        || "no state yet".to_owned(),
        |serial| format!("state {serial}"),
    );
    let danger = danger::of_plan(plan);
    let text = format!(
        "fresh: file {}, {serial}, made {made}, watched since",
        plan.config_hash.short()
    );
    let tone = match danger {
        Danger::Read | Danger::Reversible => Tone::Dim,
        Danger::Disruptive => Tone::Warn,
        Danger::DataLosing => Tone::Fail,
    };
    let time = expected(model, plan).map_or_else(String::new, |time| format!("takes {time}  "));
    let danger = match danger {
        // A class of acts that says nothing of a plan without any.
        Danger::Read => String::new(),
        danger => format!("{} {}  ", danger.symbol(), danger.as_str()),
    };
    Some(pen.line(&[(&danger, tone), (&time, Tone::Text), (&text, Tone::Dim)]))
}

/// Says how long a plan will probably take, once past runs were looked at.
pub(super) fn expected(model: &Model, plan: &Arc<Plan>) -> Option<String> {
    let usual = model.snapshot.usual.as_deref()?;
    let project = model.snapshot.known().map(AsRef::as_ref);
    forecast::said(plan, project, usual, model.options.run)
}

/// Writes the details.
pub fn details(sheet: &mut Sheet, model: &Model, subject: &Subject) {
    let Some(plan) = &model.snapshot.plan else {
        return;
    };
    let action = subject.address().and_then(|address| plan.action(address));
    match (subject, action) {
        (Subject::Change(_, index), Some(action)) => {
            let chosen: Vec<&Change> = action.changes.get(*index).into_iter().collect();
            changes(sheet, model, &chosen, HEADS);
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
                if let Some(took) = usual(model, &step.id) {
                    sheet.pair("usually", &took, Tone::Text);
                }
            }
        }
        (_, Some(action)) => one_action(sheet, model, action),
        (_, None) => whole(sheet, model, plan),
    }
}

fn usual(model: &Model, step: &StepId) -> Option<String> {
    let usual = model.snapshot.usual.as_ref()?;
    usual
        .steps
        .get(step)
        .map(|took| crate::present::human::duration(*took))
}

/// What the plan as a whole rests on and does.
fn whole(sheet: &mut Sheet, model: &Model, plan: &Arc<Plan>) {
    let sum = plan.summary();
    sheet.pair("for", plan.purpose.as_str(), Tone::Text);
    sheet.pair(
        "does",
        &format!(
            "{} to create, {} to update, {} to delete{}, {} unchanged; {} drifted",
            sum.create,
            sum.update,
            sum.delete,
            to_run(sum.run),
            sum.noop,
            sum.drift
        ),
        Tone::Text,
    );
    let danger = danger::of_plan(plan);
    let word = match danger {
        Danger::Read => "none: nothing is changed",
        danger => danger.as_str(),
    };
    sheet.pair("danger", word, Tone::Text);
    if let Some(time) = expected(model, plan) {
        sheet.pair("takes", &time, Tone::Text);
    }
    let down: Vec<String> = plan
        .actions
        .iter()
        .filter_map(|action| {
            let words = downtime::of(action, model.snapshot.usual.as_deref()).words()?;
            Some(format!("{}: {words}", action.address.name))
        })
        .collect();
    let down = if down.is_empty() {
        "none expected".to_owned()
    } else {
        down.join("\n")
    };
    sheet.pair("downtime", &down, Tone::Text);
    sheet.heading("made from");
    sheet.pair("file", plan.config_hash.short(), Tone::Text);
    let serial = plan.serial.map_or_else(
        || "none: nothing was deployed yet".to_owned(),
        |serial| format!("serial {serial}"),
    );
    sheet.pair("state", &serial, Tone::Text);
    sheet.pair("engine", &plan.engine, Tone::Text);
    let short: String = plan.id.as_str().chars().take(12).collect();
    sheet.pair("plan", &short, Tone::Text);
    if let Some(why) = &model.snapshot.plan_stale {
        sheet.pair("stale", why, Tone::Warn);
    }
}

fn one_action(sheet: &mut Sheet, model: &Model, action: &Action) {
    let kind = format!("{} {}", action.kind.symbol(), action.kind.as_str());
    sheet.pair("action", &kind, kind_tone(action.kind));
    if action.kind == ActionKind::Update {
        sheet.pair("strategy", words::strategy(action.strategy), Tone::Text);
    }
    sheet.pair("because", &action.reason, Tone::Text);
    if let Some(down) = downtime::of(action, model.snapshot.usual.as_deref()).words() {
        sheet.pair("downtime", &down, Tone::Warn);
    }
    sheet.pair("layer", &action.layer.to_string(), Tone::Text);
    let after: Vec<String> = action.depends_on.iter().map(Address::to_string).collect();
    if !after.is_empty() {
        sheet.pair("after", &after.join(", "), Tone::Text);
    }
    if !action.changes.is_empty() {
        sheet.heading("changes");
        changes(
            sheet,
            model,
            &action.changes.iter().collect::<Vec<_>>(),
            HEADS,
        );
    }
    if !action.steps.is_empty() {
        sheet.heading("steps");
        for step in &action.steps {
            let took =
                usual(model, &step.id).map_or_else(String::new, |took| format!("  usually {took}"));
            let text = format!("{}  {}{took}", step_label(step), step.detail);
            sheet.item("·", text.trim_end(), Tone::Dim);
        }
    }
}

/// Writes changes in full: before and after side by side, or one below the other where there is no room.
pub fn changes(sheet: &mut Sheet, model: &Model, changes: &[&Change], heads: (&str, &str)) {
    let revealed = model.revealed;
    let room = sheet.width().saturating_sub(7) / 2;
    if room >= COLUMN && !changes.is_empty() {
        sheet.columns(("", heads.0, room, Tone::Dim), ("", heads.1, Tone::Dim));
    }
    for change in changes {
        let (word, tone) = cause(change.cause);
        let tone = if tone == Tone::Dim { Tone::Text } else { tone };
        sheet.text(&format!("{} {word}", path(change)), tone);
        let (before, after) = sides(change, revealed);
        if room < COLUMN {
            sheet.item("-", &before, Tone::Removed);
            sheet.item("+", &after, Tone::Added);
            continue;
        }
        let (left, right) = (wrap(&before, room), wrap(&after, room));
        for row in 0..left.len().max(right.len()) {
            let of = |lines: &[String]| lines.get(row).cloned().unwrap_or_default();
            let sign = |sign, value: &Option<String>| {
                if row == 0 && value.is_some() {
                    sign
                } else {
                    " "
                }
            };
            sheet.columns(
                (sign("-", &change.before), &of(&left), room, Tone::Removed),
                (sign("+", &change.after), &of(&right), Tone::Added),
            );
        }
    }
}

/// A sign, a text, the room for it and how it is meant.
type Left<'a> = (&'a str, &'a str, usize, Tone);
/// A sign, a text and how it is meant.
type Right<'a> = (&'a str, &'a str, Tone);

impl Sheet {
    /// Writes two texts side by side, each behind its sign.
    fn columns(&mut self, left: Left<'_>, right: Right<'_>) {
        let pen = self.pen();
        let (sign, text, room, tone) = left;
        let first = format!("  {} {}", pad(sign, 1), pad(text, room));
        let gap = " ".repeat(width(&first).saturating_sub(room + 3).min(1));
        let (other, after, after_tone) = right;
        let second = format!("{} {after}", pad(other, 1));
        self.push(pen.line(&[(&first, tone), (&gap, tone), (&second, after_tone)]));
    }
}

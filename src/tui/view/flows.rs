//! What is said of actions of the file: in the question about a plan, before inputs are typed, and beside their rows.

use crate::domain::flow::{Mark, Turn};
use crate::domain::plan::model::{Action as Planned, ActionKind, Plan, PlanRequest, Purpose};
use crate::domain::plan::step::StepKind;
use crate::domain::report::flows::{FlowStep, OpenFlow};
use crate::present::words::count;
use crate::tui::keymap::action::Action;
use crate::tui::model::Model;
use crate::tui::overlay::Typed;
use crate::tui::rows::flows::when;
use crate::tui::rows::plan::step_label;
use crate::tui::theme::Tone;
use crate::tui::update::flows::open;
use crate::tui::view::sheet::Sheet;
use crate::tui::words::verb;

/// Names what a question about actions is about; `None` for other requests.
#[must_use]
pub fn subject(request: &PlanRequest) -> Option<String> {
    let verb = verb(request);
    match (&request.purpose, &request.flow.turn) {
        (
            _,
            Turn::Skip {
                procedure, step, ..
            },
        ) => Some(format!("{verb} {step} of {procedure}")),
        (Purpose::Act, Turn::Fresh | Turn::Resume | Turn::Abort) => {
            let name = request.targets.first()?;
            Some(format!("{verb} {name}"))
        }
        (_, Turn::Fresh | Turn::Resume | Turn::Abort) => None,
    }
}

/// Says what becomes of an action that stopped: what is not done again, what is passed over, what is given up.
pub fn standing(sheet: &mut Sheet, model: &Model, (request, plan): (&PlanRequest, &Plan)) {
    let flows: Vec<&OpenFlow> = open(model)
        .iter()
        .filter(|flow| is_about(request, flow))
        .collect();
    if flows.is_empty() {
        return;
    }
    let all = || flows.iter().flat_map(|flow| &flow.steps);
    let over: Vec<&FlowStep> = all().filter(|step| step.is_over()).collect();
    let left: Vec<&FlowStep> = all().filter(|step| !step.is_over()).collect();
    match &request.flow.turn {
        Turn::Abort => {
            said(sheet, "done", &over);
            said(sheet, "never run", &left);
            let what = if plan.is_empty() {
                "The file names no clean-up for it: nothing is run, it is only given up."
            } else {
                "Only the clean-up below is run. Nothing that was done is undone by itself."
            };
            sheet.text(what, Tone::Warn);
        }
        Turn::Skip { step, reason, .. } => {
            sheet.pair("skipped", step, Tone::Warn);
            sheet.pair("because", reason, Tone::Text);
            said(sheet, "done", &over);
            sheet.text("What was done before is not done again.", Tone::Dim);
        }
        Turn::Fresh | Turn::Resume => {
            let at = flows.iter().find_map(|flow| flow.at());
            if let Some(step) = at {
                sheet.pair("at step", &step.label, Tone::Text);
            }
            said(sheet, "done", &over);
            sheet.text("What was done before is not done again.", Tone::Dim);
        }
    }
    sheet.text(" ", Tone::Text);
}

fn is_about(request: &PlanRequest, flow: &OpenFlow) -> bool {
    match (&request.purpose, request.targets.first()) {
        (Purpose::Act, Some(name)) => {
            let whole = request.flow.turn == Turn::Abort && flow.in_deploy();
            flow.name == *name || whole
        }
        (Purpose::Deploy, None) => flow.in_deploy(),
        _ => false,
    }
}

fn said(sheet: &mut Sheet, label: &str, steps: &[&FlowStep]) {
    let names: Vec<&str> = steps.iter().map(|step| step.label.as_str()).collect();
    if !names.is_empty() {
        sheet.pair(label, &names.join(", "), Tone::Text);
    }
}

/// Writes the steps of an action and the inputs they are given.
pub fn steps(sheet: &mut Sheet, action: &Planned) {
    if action.kind != ActionKind::Run {
        return;
    }
    for change in &action.changes {
        let name = change.path.strip_prefix("inputs.").unwrap_or(&change.path);
        let value = change.after.as_deref().unwrap_or("(none)");
        sheet.item(" ", &format!("  {name} = {value}"), Tone::Dim);
    }
    for step in &action.steps {
        let (symbol, tone) = match step.kind {
            StepKind::Skip { .. } => ("»", Tone::Warn),
            _ => ("·", Tone::Dim),
        };
        let word = match step.kind {
            StepKind::Skip { .. } => "",
            _ => step.kind.as_str(),
        };
        let text = format!("  {symbol} {}  {word} {}", step_label(step), step.detail);
        sheet.item(" ", text.trim_end(), tone);
    }
}

/// Writes what inputs are asked for, and returns the title.
pub fn inputs(sheet: &mut Sheet, model: &Model, request: &PlanRequest, typed: &Typed) -> String {
    let project = model.snapshot.known();
    let name = request.targets.first();
    let procedure = name.and_then(|name| project?.procedure(name));
    if let Some(text) = procedure.and_then(|one| one.description.as_deref()) {
        sheet.text(text, Tone::Text);
    }
    let secret = typed.fields.iter().any(|field| field.secret);
    sheet.text(
        "The plan is shown next; nothing runs before you confirm it.",
        Tone::Dim,
    );
    if secret {
        sheet.text("Secret ones are neither shown nor kept.", Tone::Dim);
    }
    let what = subject(request).unwrap_or_else(|| request.purpose.as_str().to_owned());
    format!("{what}: {}", count(typed.fields.len(), "input"))
}

/// Writes what passing over a step means, and returns the title.
pub fn skipping(sheet: &mut Sheet, flow: &OpenFlow) -> String {
    let Some(step) = flow.at() else {
        return format!("skip a step of {}", flow.name);
    };
    sheet.pair("not run", &step.detail, Tone::Warn);
    let after = flow.steps.iter().skip_while(|one| one.label != step.label);
    let after: Vec<&FlowStep> = after.skip(1).collect();
    if after.is_empty() {
        sheet.text("It is the last step.", Tone::Dim);
    } else {
        said(sheet, "then", &after);
    }
    sheet.text(
        "The plan is shown next; nothing runs before you confirm it.",
        Tone::Dim,
    );
    format!("skip {} of {}", step.label, flow.name)
}

/// Writes how an action that is not over stands, for the details beside its row.
pub fn facts(sheet: &mut Sheet, model: &Model, flow: &OpenFlow) {
    sheet.pair(
        "action",
        &format!("{} ({})", flow.name, when(flow)),
        Tone::Text,
    );
    let project = model.snapshot.known();
    let procedure = project.and_then(|project| project.procedure(&flow.name));
    if let Some(text) = procedure.and_then(|one| one.description.as_deref()) {
        sheet.pair("what", text, Tone::Text);
    }
    sheet.pair("for", &flow.purpose, Tone::Dim);
    let Some(step) = flow.at() else {
        sheet.text(
            "Its steps are over; a deploy does what is left.",
            Tone::Text,
        );
        return;
    };
    let how = match &step.mark {
        Some(Mark::Failed) => "failed",
        Some(Mark::Done | Mark::Skipped { .. }) | None => "was not done, or cut off",
    };
    sheet.pair("stopped", &format!("{} {how}", step.label), Tone::Fail);
    for (action, text) in [
        (
            Action::Retry,
            "run it again, then what follows; what is done is not done again",
        ),
        (Action::Skip, "go on behind it, with a reason"),
        (Action::Abort, "give it up; only its clean-up is run"),
    ] {
        sheet.pair(&model.key(action), text, Tone::Text);
    }
}

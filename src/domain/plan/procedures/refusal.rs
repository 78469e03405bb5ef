//! Wishes about procedures that cannot be fulfilled, and what can be done instead.

use crate::domain::config::near::suggestion;
use crate::domain::flow::{Flow, Turn};
use crate::domain::plan::model::{Action, ActionKind, Plan, PlanRequest, Purpose};
use crate::domain::plan::procedures::standing::{due, owed, taken_up};
use crate::domain::plan::typed::{resume, skip, with_inputs};
use crate::domain::project::canonical::procedure::step_digest;
use crate::domain::project::procedure::{Input, Occasion, Procedure, ProcedureStep};
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::domain::refusal::Refusal;

/// Says why a wish about procedures cannot be fulfilled.
#[must_use]
pub fn refusal(
    project: &Project,
    record: Option<&Record>,
    request: &PlanRequest,
) -> Option<Refusal> {
    if let Turn::Skip {
        procedure, step, ..
    } = &request.flow.turn
        && let Some(refusal) = bad_skip(project, record, (procedure, step))
    {
        return Some(refusal);
    }
    if let Some(refusal) = moved_step(project, record, request) {
        return Some(refusal);
    }
    if request.purpose != Purpose::Act {
        return None;
    }
    let name = request.targets.first()?;
    let Some(procedure) = project.procedure(name) else {
        let names = project.procedures.iter().map(|one| one.name.as_str());
        let problem = format!("there is no action `{name}`");
        let refusal = Refusal::new(problem).next("nkapp action list");
        return Some(match suggestion(name, names) {
            Some(help) => refusal.hint(help),
            None => refusal,
        });
    };
    let flow = record.and_then(|record| record.flows.get(name));
    let open = flow.and_then(|flow| Some((flow, next_step(procedure, flow)?)));
    match (&request.flow.turn, procedure.occasion) {
        (Turn::Fresh, Occasion::Manual) => {
            open.map(|(flow, step)| stopped(project, (name, flow), &step.label))
        }
        (Turn::Resume | Turn::Skip { .. } | Turn::Abort, Occasion::Manual) => {
            let none = || {
                Refusal::new(format!("no run of `{name}` is unfinished"))
                    .next(format!("nkapp action run {name}"))
            };
            flow.is_none().then(none)
        }
        (Turn::Abort, Occasion::Setup | Occasion::Upgrade) => {
            let begun = record.is_some_and(|record| {
                let due = due(project, Some(record));
                due.is_some_and(|(_, purpose)| {
                    record.flows.values().any(|flow| flow.purpose == purpose)
                })
            });
            let none = || {
                Refusal::new(format!("no {} is unfinished", procedure.occasion.as_str()))
                    .next("nkapp status")
            };
            (!begun).then(none)
        }
        (_, Occasion::Setup | Occasion::Upgrade) => Some(
            Refusal::new(format!(
                "`{name}` is part of a deploy, as its {}",
                procedure.occasion.as_str()
            ))
            .hint("it runs, and goes on where it stopped, with: nkapp deploy")
            .next("nkapp deploy"),
        ),
    }
}

/// An earlier run is not over: what can be done with it.
fn stopped(project: &Project, (name, flow): (&str, &Flow), step: &str) -> Refusal {
    let goes_on = resume(name, owed(project, flow));
    let goes_past = with_inputs(skip(name, step), owed(project, flow));
    Refusal::new(format!(
        "an earlier run of `{name}` stopped at its step `{step}`"
    ))
    .hint(format!("go on there: {goes_on}"))
    .hint(format!("go on behind it: {goes_past}"))
    .hint(format!("give it up: nkapp action run {name} --abort"))
    .next(goes_on)
}

/// A finished step whose label means something else by now: going on would leave out the one and do the other again.
fn moved_step(
    project: &Project,
    record: Option<&Record>,
    request: &PlanRequest,
) -> Option<Refusal> {
    if request.flow.turn == Turn::Abort {
        return None;
    }
    let moved = |procedure: &Procedure, flow: &Flow| {
        let over = |step: &&ProcedureStep| flow.is_over(&step.label);
        let mut over = procedure.steps.iter().filter(over);
        let other = |step: &&ProcedureStep| flow.has_moved(&step.label, &step_digest(step));
        over.find(other).map(|step| step.label.clone())
    };
    let (name, flow, step) = taken_up(project, record?, request).find_map(|(name, flow)| {
        let procedure = project.procedure(name)?;
        Some((name, flow, moved(procedure, flow)?))
    })?;
    let goes_on = resume(name, owed(project, flow));
    Some(
        Refusal::new(format!(
            "step `{step}` of `{name}` is finished, but the file has something else in its place now"
        ))
        .hint(format!("put the file back as it was, then go on: {goes_on}"))
        .hint(format!("or give it up: nkapp action run {name} --abort"))
        .hint("a step with a `name` keeps its place when others are put before it")
        .next(format!("nkapp action show {name}")),
    )
}

fn bad_skip(
    project: &Project,
    record: Option<&Record>,
    (name, label): (&str, &str),
) -> Option<Refusal> {
    let procedure = project.procedure(name)?;
    if procedure.step(label).is_none() {
        let labels = procedure.steps.iter().map(|step| step.label.as_str());
        let problem = format!("action `{name}` has no step `{label}`");
        let refusal = Refusal::new(problem).next(format!("nkapp action show {name}"));
        return Some(match suggestion(label, labels) {
            Some(help) => refusal.hint(help),
            None => refusal,
        });
    }
    let Some(flow) = record.and_then(|record| record.flows.get(name)) else {
        let text = format!("`{name}` is not under way, so `{label}` is not in its way");
        let next = match procedure.occasion {
            Occasion::Manual => format!("nkapp action run {name}"),
            Occasion::Setup | Occasion::Upgrade => "nkapp deploy".to_owned(),
        };
        return Some(
            Refusal::new(text)
                .hint("only a step a run stopped at can be skipped")
                .next(next),
        );
    };
    let problem = if flow.is_over(label) {
        format!("step `{label}` of `{name}` is over already")
    } else {
        format!("`{name}` did not stop at its step `{label}`")
    };
    match next_step(procedure, flow) {
        Some(step) if step.label == label => None,
        Some(step) => Some(
            Refusal::new(problem)
                .hint(format!(
                    "it stopped at `{}`, and only that can be skipped",
                    step.label
                ))
                .next(with_inputs(skip(name, &step.label), owed(project, flow))),
        ),
        None => Some(Refusal::new(problem).next(resume(name, owed(project, flow)))),
    }
}

/// Returns the step an unfinished flow goes on at.
#[must_use]
pub fn next_step<'a>(procedure: &'a Procedure, flow: &Flow) -> Option<&'a ProcedureStep> {
    procedure
        .steps
        .iter()
        .find(|step| !flow.is_over(&step.label))
}

/// Finds the inputs of what a plan runs that need a value and have none in it, each once.
#[must_use]
pub fn unanswered<'p>(project: &'p Project, plan: &Plan) -> Vec<&'p Input> {
    let mut all: Vec<&Input> = Vec::new();
    for (_, input) in missing_inputs(project, &plan.actions) {
        if !all.iter().any(|other| other.name == input.name) {
            all.push(input);
        }
    }
    all
}

/// Returns the inputs that what a plan runs needs and nobody gave a value. A secret one that a flow was given once it
/// needs again.
#[must_use]
pub fn missing_inputs<'p>(
    project: &'p Project,
    actions: &[Action],
) -> Vec<(&'p Procedure, &'p Input)> {
    let mut missing = Vec::new();
    for action in actions.iter().filter(|a| a.kind == ActionKind::Run) {
        let Some(procedure) = project.procedure(&action.address.name) else {
            continue;
        };
        for input in &procedure.inputs {
            let path = format!("inputs.{}", input.name);
            let told = action.changes.iter().find(|change| change.path == path);
            // One that is told without a value is one the flow had.
            if told.map_or(input.required, |change| change.after.is_none()) {
                missing.push((procedure, input));
            }
        }
    }
    missing
}

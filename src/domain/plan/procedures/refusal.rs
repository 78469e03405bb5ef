//! Wishes about procedures that cannot be fulfilled, and what can be done instead.

use crate::domain::config::near::suggestion;
use crate::domain::flow::{Flow, Turn};
use crate::domain::plan::model::{Action, ActionKind, Plan, PlanRequest, Purpose};
use crate::domain::plan::procedures::standing::{due, taken_up};
use crate::domain::project::canonical::procedure::step_digest;
use crate::domain::project::procedure::{Input, Occasion, Procedure, ProcedureStep};
use crate::domain::project::project::Project;
use crate::domain::record::Record;

/// Why no plan is made of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub problem: String,
    /// What can be done, one advice each.
    pub hints: Vec<String>,
}

impl Refusal {
    fn new(problem: String) -> Self {
        Self {
            problem,
            hints: Vec::new(),
        }
    }
    fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }
}

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
        let mut refusal = Refusal::new(format!("there is no action `{name}`"));
        if let Some(help) = suggestion(name, names) {
            refusal = refusal.hint(help);
        }
        return Some(refusal);
    };
    let flow = record.and_then(|record| record.flows.get(name));
    let open = flow.and_then(|flow| Some((flow, next_step(procedure, flow)?)));
    match (&request.flow.turn, procedure.occasion) {
        (Turn::Fresh, Occasion::Manual) => open.map(|(_, step)| {
            Refusal::new(format!(
                "an earlier run of `{name}` stopped at its step `{}`",
                step.label
            ))
            .hint(format!("go on there: nkapp action run {name} --resume"))
            .hint(format!(
                "go on behind it: nkapp action run {name} --skip {} --reason \"why\"",
                step.label
            ))
            .hint(format!("give it up: nkapp action run {name} --abort"))
        }),
        (Turn::Resume | Turn::Skip { .. } | Turn::Abort, Occasion::Manual) => {
            let none = || Refusal::new(format!("no run of `{name}` is unfinished"));
            flow.is_none().then(none)
        }
        (Turn::Abort, Occasion::Setup | Occasion::Upgrade) => {
            let begun = record.is_some_and(|record| {
                let due = due(project, Some(record));
                due.is_some_and(|(_, purpose)| {
                    record.flows.values().any(|flow| flow.purpose == purpose)
                })
            });
            let none = || Refusal::new(format!("no {} is unfinished", procedure.occasion.as_str()));
            (!begun).then(none)
        }
        (_, Occasion::Setup | Occasion::Upgrade) => Some(
            Refusal::new(format!(
                "`{name}` is part of a deploy, as its {}",
                procedure.occasion.as_str()
            ))
            .hint("it runs, and goes on where it stopped, with: nkapp deploy"),
        ),
    }
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
    let (name, step) = taken_up(project, record?, request).find_map(|(name, flow)| {
        let procedure = project.procedure(name)?;
        Some((name, moved(procedure, flow)?))
    })?;
    Some(
        Refusal::new(format!(
            "step `{step}` of `{name}` is finished, but the file has something else in its place now"
        ))
        .hint(format!(
            "put the file back as it was, then go on: nkapp action run {name} --resume"
        ))
        .hint(format!("or give it up: nkapp action run {name} --abort"))
        .hint("a step with a `name` keeps its place when others are put before it"),
    )
}

fn bad_skip(
    project: &Project,
    record: Option<&Record>,
    (name, label): (&str, &str),
) -> Option<Refusal> {
    let procedure = project.procedure(name)?;
    let Some(step) = procedure.step(label) else {
        let labels = procedure.steps.iter().map(|step| step.label.as_str());
        let mut refusal = Refusal::new(format!("action `{name}` has no step `{label}`"));
        if let Some(help) = suggestion(label, labels) {
            refusal = refusal.hint(help);
        }
        return Some(refusal);
    };
    let flow = record.and_then(|record| record.flows.get(name));
    if flow.is_none() {
        let text = format!(
            "`{name}` is not under way, so `{}` is not in its way",
            step.label
        );
        return Some(Refusal::new(text).hint("only a step a run stopped at can be skipped"));
    }
    flow.is_some_and(|flow| flow.is_over(label))
        .then(|| Refusal::new(format!("step `{label}` of `{name}` is over already")))
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

//! Actions of the file: running one with its inputs, and deciding about one that stopped on its way.
//!
//! Everything here ends in a plan that is shown first; carrying it out is the same as for a deploy.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::flow::{FlowRequest, Turn};
use crate::domain::ids::ResourceKind;
use crate::domain::plan::model::{Plan, PlanRequest, Purpose};
use crate::domain::plan::procedures::refusal::unanswered;
use crate::domain::project::procedure::{Input, Occasion, Procedure};
use crate::domain::project::project::Project;
use crate::domain::report::flows::OpenFlow;
use crate::domain::secret::Secret;
use crate::present::shell;
use crate::present::words::count;
use crate::tui::danger::Danger;
use crate::tui::effect::Effect;
use crate::tui::keymap::action::{Action, Context};
use crate::tui::model::{Area, Model, Overlay};
use crate::tui::overlay::{Choices, Field, Palette, Typed};
use crate::tui::update::palette::{Entry, Pick};
use crate::tui::update::{acts, allowed};

/// Returns the actions that began and are not over; none while a past run is on show.
#[must_use]
pub fn open(model: &Model) -> &[OpenFlow] {
    let status = model.snapshot.status.as_deref();
    let past = model.replay.is_some() && model.area == Area::Run;
    status
        .filter(|_| !past)
        .map_or(&[], |status| status.flows.as_slice())
}

/// Tells whether the file has actions.
#[must_use]
pub fn any(model: &Model) -> bool {
    let project = model.snapshot.known();
    project.is_some_and(|project| !project.procedures.is_empty())
}

/// Returns the action an answer would be about: the one with the cursor, else the only one that stopped.
///
/// # Errors
/// Why there is none, as a sentence for people.
pub fn chosen(model: &Model) -> Result<&OpenFlow, String> {
    let flows = open(model);
    let row = model.pane().and_then(|pane| pane.current());
    let under = row.and_then(|row| row.row.subject.address());
    let here = |flow: &&OpenFlow| {
        under.is_some_and(|one| one.kind == ResourceKind::Procedure && one.name == flow.name)
    };
    if let Some(flow) = flows.iter().find(here) {
        return Ok(flow);
    }
    let stopped: Vec<&OpenFlow> = flows.iter().filter(|flow| flow.at().is_some()).collect();
    match (stopped.as_slice(), flows.first()) {
        ([one], _) => Ok(one),
        ([], Some(one)) => Ok(one),
        ([], None) if model.replay.is_some() => Err(format!(
            "a past run is on show; {} leaves it",
            model.key(Action::LeaveReplay)
        )),
        ([], None) => Err("no action stopped on its way".into()),
        (many, _) => {
            let names: Vec<&str> = many.iter().map(|flow| flow.name.as_str()).collect();
            let key = model.key_in(Context::Run, Action::Runs);
            Err(format!(
                "choose one in the run area ({key}): {} stopped",
                names.join(", ")
            ))
        }
    }
}

/// Tells why an action of this part does not apply now.
///
/// # Errors
/// The reason, as a sentence for people.
pub fn check(model: &Model, action: Action) -> Result<(), String> {
    if action != Action::RunAction {
        let flow = chosen(model)?;
        if action == Action::Skip && flow.at().is_none() {
            return Err(format!("every step of {} is over", flow.name));
        }
    }
    allowed::changing(model)?;
    allowed::project(model)?;
    if action == Action::RunAction && !any(model) {
        return Err("the file has no actions".into());
    }
    allowed::idle(model)
}

/// Does what [`check`] has let through.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if action == Action::RunAction {
        let list = Palette {
            kind: Choices::Procedures,
            ..Palette::default()
        };
        model.overlays.push(Overlay::Palette(list));
        return Vec::new();
    }
    let Ok(flow) = chosen(model).cloned() else {
        return Vec::new();
    };
    match action {
        Action::Skip => {
            let typed = Typed::skip(flow, model.now);
            model.overlays.push(Overlay::Typed(Box::new(typed)));
            Vec::new()
        }
        Action::Abort => acts::ask(model, request(&flow.name, Turn::Abort)),
        _ if flow.in_deploy() => acts::ask(model, deploy(Turn::Fresh)),
        _ => acts::ask(model, request(&flow.name, Turn::Resume)),
    }
}

/// What is asked of one action alone.
fn request(name: &str, turn: Turn) -> PlanRequest {
    PlanRequest {
        purpose: Purpose::Act,
        targets: [name.to_owned()].into(),
        flow: FlowRequest {
            turn,
            ..FlowRequest::default()
        },
    }
}

/// What is asked of a deploy of everything: the actions of a setup or upgrade go on with it.
fn deploy(turn: Turn) -> PlanRequest {
    PlanRequest {
        purpose: Purpose::Deploy,
        targets: BTreeSet::new(),
        flow: FlowRequest {
            turn,
            ..FlowRequest::default()
        },
    }
}

/// Goes on behind the step an action stopped at, once there is a reason; the plan is shown first.
pub fn skip(model: &mut Model, flow: &OpenFlow, reason: &str) -> Vec<Effect> {
    let Some(step) = flow.at() else {
        return Vec::new();
    };
    let turn = Turn::Skip {
        procedure: flow.name.clone(),
        step: step.label.clone(),
        reason: reason.trim().to_owned(),
    };
    let request = if flow.in_deploy() {
        deploy(turn)
    } else {
        request(&flow.name, turn)
    };
    acts::ask(model, request)
}

/// Runs an action somebody chose: its inputs first, then its plan.
pub fn begin(model: &mut Model, name: &str) -> Vec<Effect> {
    let project = model.snapshot.known().cloned();
    let Some(procedure) = project.as_ref().and_then(|project| project.procedure(name)) else {
        return Vec::new();
    };
    let request = request(name, Turn::Fresh);
    if procedure.inputs.is_empty() {
        return acts::ask(model, request);
    }
    let inputs: Vec<&Input> = procedure.inputs.iter().collect();
    let typed = Typed::inputs(request, &inputs, Field::input, model.now);
    model.overlays.push(Overlay::Typed(Box::new(typed)));
    Vec::new()
}

/// Takes what was typed for inputs, and asks for the plan with it. What was left empty has no value.
pub fn given(
    model: &mut Model,
    (mut request, names): (PlanRequest, Vec<String>),
    fields: Vec<Field>,
) -> Vec<Effect> {
    for (name, field) in names.into_iter().zip(fields) {
        if !field.typed.is_empty() {
            request.flow.inputs.insert(name, Secret::new(field.typed));
        }
    }
    acts::ask(model, request)
}

/// Opens the question that fits a plan, or first asks for the inputs it lacks.
pub fn offer(model: &mut Model, request: PlanRequest, plan: Arc<Plan>) {
    let project = model.snapshot.known().cloned();
    let missing = project
        .as_ref()
        .map_or_else(Vec::new, |project| unanswered(project, &plan));
    if missing.is_empty() {
        acts::open_approval(model, request, plan);
    } else {
        let typed = Typed::inputs(request, &missing, Field::needed, model.now);
        model.overlays.push(Overlay::Typed(Box::new(typed)));
    }
}

/// The actions of the file to choose from: those that can be run now first.
#[must_use]
pub fn entries(model: &Model) -> Vec<Entry> {
    let Some(project) = model.snapshot.known() else {
        return Vec::new();
    };
    let mut all: Vec<Entry> = project
        .procedures
        .iter()
        .map(|procedure| Entry {
            key: String::new(),
            name: procedure.name.clone(),
            danger: Danger::Read,
            note: note(procedure),
            off: why_not(model, procedure),
            pick: Pick::Procedure(procedure.name.clone()),
        })
        .collect();
    all.sort_by_key(|entry| entry.off.is_some());
    all
}

fn note(procedure: &Procedure) -> String {
    let steps = count(procedure.steps.len(), "step");
    match &procedure.description {
        Some(text) => format!("{text} ({steps})"),
        None => steps,
    }
}

/// Says why an action cannot be run by itself now.
fn why_not(model: &Model, procedure: &Procedure) -> Option<String> {
    let flow = open(model).iter().find(|flow| flow.name == procedure.name);
    let key = |action: Action| model.key_in(Context::Run, action);
    match (procedure.occasion, flow.and_then(OpenFlow::at)) {
        (Occasion::Setup, _) => Some("runs with the first deploy of an environment".into()),
        (Occasion::Upgrade, _) => Some("runs with a deploy that moves the version".into()),
        (Occasion::Manual, Some(step)) => Some(format!(
            "stopped at {}; in the run area {} retries it, {} skips it, {} aborts",
            step.label,
            key(Action::Retry),
            key(Action::Skip),
            key(Action::Abort)
        )),
        (Occasion::Manual, None) => None,
    }
}

/// Writes what a request does to actions as a command line does, without the program; `None` for other requests.
#[must_use]
pub fn command_line(project: Option<&Project>, request: &PlanRequest) -> Option<String> {
    let named = request.targets.first();
    let mut line = match (&request.purpose, &request.flow.turn, named) {
        (
            _,
            Turn::Skip {
                procedure,
                step,
                reason,
            },
            _,
        ) => format!(
            "action run {} --skip {} --reason {}",
            shell::quote(procedure),
            shell::quote(step),
            shell::quote(reason)
        ),
        (Purpose::Act, turn, Some(name)) => {
            let how = match turn {
                Turn::Resume => " --resume",
                Turn::Abort => " --abort",
                Turn::Fresh | Turn::Skip { .. } => "",
            };
            format!("action run {}{how}", shell::quote(name))
        }
        _ if request.flow.inputs.is_empty() => return None,
        (purpose, ..) => purpose.as_str().to_owned(),
    };
    for (name, value) in &request.flow.inputs {
        let all = project.into_iter().flat_map(|project| &project.procedures);
        let mut declared = all.flat_map(|procedure| &procedure.inputs);
        // What is secret, or not known to be none, is asked for again by whoever runs the line.
        if declared.any(|input| input.name == *name && !input.secret) {
            let text = format!("{name}={}", value.expose());
            line.push_str(&format!(" --input {}", shell::quote(&text)));
        }
    }
    Some(line)
}

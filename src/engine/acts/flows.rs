//! Where the procedures of a run stand: versions, inputs, and what is noted of their steps.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::effect::Effect;
use crate::domain::flow::{FlowRequest, FlowRun, Mark, Turn};
use crate::domain::ids::Address;
use crate::domain::plan::model::{Action, Plan, PlanRequest, Purpose, Step, StepKind};
use crate::domain::plan::procedures::AGAIN;
use crate::domain::plan::procedures::refusal::{missing_inputs, next_step, refusal};
use crate::domain::plan::procedures::standing::{due, taken_up};
use crate::domain::plan::typed::with_inputs;
use crate::domain::project::canonical::procedure::step_digest;
use crate::domain::project::procedure::{Input, Occasion, Procedure};
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::domain::refusal::Refusal;
use crate::domain::run::fact::{Ended, StepEnd};
use crate::domain::run::order::StepRef;
use crate::domain::secret::Secret;
use crate::engine::cx::Cx;
use crate::engine::emit::Emitter;
use crate::engine::lease::Lease;
use crate::engine::lock_history::{FlowDeed, audit_flow};
use crate::engine::reconcile::{EngineError, RunRequest};
use crate::engine::site::Site;
use crate::ports::hooks::Value;
use crate::ports::world::World;

/// What a run knows of its procedures: the versions it moves between, and the inputs it was given.
#[derive(Debug, Default)]
pub(in crate::engine) struct Flows {
    request: FlowRequest,
    /// Name of the setup or upgrade under way.
    purpose: String,
    pub(super) versions: Vec<(String, Value)>,
}

impl Flows {
    /// Gathers it before a run.
    pub(in crate::engine) fn of(project: &Project, record: &Record, request: &FlowRequest) -> Self {
        let text = |value: &Option<String>| Value::Plain(value.clone().unwrap_or_default());
        let standing = &record.standing;
        let new = project.version.clone().or(standing.version.clone());
        let own = project.actions_version.clone();
        let own = own.or(standing.actions_version.clone());
        let versions = [
            ("NANOKIT_VERSION_OLD", text(&standing.version)),
            ("NANOKIT_VERSION_NEW", text(&new)),
            (
                "NANOKIT_ACTIONS_VERSION_OLD",
                text(&standing.actions_version),
            ),
            ("NANOKIT_ACTIONS_VERSION_NEW", text(&own)),
        ];
        Self {
            request: request.clone(),
            purpose: due(project, Some(record)).map_or_else(String::new, |(_, purpose)| purpose),
            versions: versions
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        }
    }
}

/// Finds the procedure behind an action of the plan.
pub(in crate::engine) fn procedure<'a>(site: &Site<'a>, action: &Action) -> Option<&'a Procedure> {
    site.project.procedure(&action.address.name)
}

/// Returns the inputs of a procedure: given now, remembered, or the file's defaults.
pub(in crate::engine) fn inputs(
    site: &Site<'_>,
    procedure: &Procedure,
) -> BTreeMap<String, (Secret, bool)> {
    let known = site.record.flows.get(&procedure.name);
    let known =
        known.filter(|_| site.flows.request.turn != Turn::Fresh || procedure.mode.is_some());
    let mut all = BTreeMap::new();
    for input in &procedure.inputs {
        let given = site.flows.request.inputs.get(&input.name).cloned();
        let remembered = || known?.inputs.get(&input.name).cloned().map(Secret::new);
        let default = || input.default.clone().map(Secret::new);
        if let Some(value) = given.or_else(remembered).or_else(default) {
            all.insert(input.name.clone(), (value, input.secret));
        }
    }
    all
}

/// Names the flow a procedure is part of: another name is another flow, which begins anew.
pub(in crate::engine) fn purpose(site: &Site<'_>, procedure: &Procedure) -> String {
    let known = site.record.flows.get(&procedure.name);
    match (procedure.occasion, known) {
        (Occasion::Setup | Occasion::Upgrade, _) => site.flows.purpose.clone(),
        (Occasion::Manual, Some(flow)) if site.flows.request.turn != Turn::Fresh => {
            flow.purpose.clone()
        }
        (Occasion::Manual, _) => format!("manual {}", site.run),
    }
}

/// Returns the given values that must be seen nowhere: of inputs the file calls secret, or does not know.
fn secret_inputs<'r>(
    project: &Project,
    request: &'r FlowRequest,
) -> impl Iterator<Item = &'r Secret> {
    let plain: BTreeSet<&str> = project
        .procedures
        .iter()
        .flat_map(|procedure| &procedure.inputs)
        .filter(|input| !input.secret)
        .map(|input| input.name.as_str())
        .collect();
    let hidden: Vec<&Secret> = request
        .inputs
        .iter()
        .filter(|(name, _)| !plain.contains(name.as_str()))
        .map(|(_, value)| value)
        .collect();
    hidden.into_iter()
}

/// Says that the flow of an action begins or goes on.
pub(in crate::engine) fn begun(site: &Site<'_>, action: &Action) -> Option<Effect> {
    let procedure = procedure(site, action)?;
    if site.flows.request.turn == Turn::Abort {
        return None;
    }
    let purpose = purpose(site, procedure);
    let inputs = inputs(site, procedure)
        .into_iter()
        .filter(|(_, (_, secret))| !secret)
        .map(|(name, (value, _))| (name, value.expose().to_owned()))
        .collect();
    // Also those that only a later procedure of the same flow takes; a default that was only confirmed is known anyway.
    let procedures = site.project.procedures.iter();
    let together = procedures.filter(|one| one.occasion == procedure.occasion);
    let inputs_of_all: Vec<&Input> = together.flat_map(|one| &one.inputs).collect();
    let is_secret = |(name, value): &(&String, &Secret)| {
        inputs_of_all.iter().any(|input| {
            let chosen = input.default.as_deref() != Some(value.expose());
            input.secret && input.name == **name && chosen
        })
    };
    let given = site.flows.request.inputs.iter().filter(is_secret);
    Some(Effect::FlowBegun {
        address: action.address.clone(),
        purpose,
        inputs,
        secrets: given.map(|(name, _)| name.clone()).collect(),
        run: site.trace.as_ref().map(|trace| FlowRun {
            run: trace.of.run.clone(),
            trace: trace.of.trace.clone(),
        }),
        steps: procedure
            .steps
            .iter()
            .map(|step| (step.label.clone(), step_digest(step)))
            .collect(),
    })
}

/// Says what came of a step. Of a clean-up only what is finished counts: the flow stays where it stopped.
pub(in crate::engine) fn marked(
    site: &Site<'_>,
    action: &Action,
    step: &Step,
    mark: Mark,
) -> Option<Effect> {
    let index = match &step.kind {
        StepKind::Perform { index, .. } | StepKind::Skip { index, .. } => *index,
        StepKind::PutBack { service } => {
            let address = Address::service(service);
            return (mark == Mark::Done).then_some(Effect::FlowReleased { address });
        }
        _ => return None,
    };
    let procedure = procedure(site, action)?;
    let own = procedure.steps.get(index)?;
    if site.flows.request.turn == Turn::Abort {
        return (mark == Mark::Done).then(|| Effect::FlowCleaned {
            purpose: purpose(site, procedure),
            step: step.id.clone(),
            digest: step_digest(own),
        });
    }
    Some(Effect::FlowStep {
        address: action.address.clone(),
        step: own.label.clone(),
        mark,
    })
}

/// Notes how a step of a procedure ended; what is done is durable before anything follows.
pub(in crate::engine) fn close<W: World>(cx: &Cx<'_, W>, at: StepRef, attempt: u32, end: &StepEnd) {
    let Some((action, step)) = cx.step(at) else {
        return;
    };
    let op = cx.site.op_id(step, attempt);
    match end.ended {
        Ended::Done => {
            let mark = marked(cx.site, action, step, Mark::Done);
            let noted = cx.keeper.with(|k| k.done_for_good(cx.world, &op, mark));
            cx.note_trouble(noted);
        }
        Ended::Failed | Ended::NotDone | Ended::Unknown => {
            cx.failed(&op);
            if let Some(effect) = marked(cx.site, action, step, Mark::Failed) {
                cx.note(effect);
            }
        }
    }
}

/// Names the runs whose unfinished flows this one goes on with.
pub(in crate::engine) fn gone_on_with(
    project: &Project,
    record: Option<&Record>,
    request: &PlanRequest,
) -> Vec<FlowRun> {
    let Some(record) = record else {
        return Vec::new();
    };
    let flows = taken_up(project, record, request);
    let runs: BTreeSet<FlowRun> = flows.filter_map(|(_, flow)| flow.last.clone()).collect();
    runs.into_iter().collect()
}

/// Refuses a wish about procedures that cannot be fulfilled.
pub(in crate::engine) fn check_wish(
    project: &Project,
    record: Option<&Record>,
    request: &PlanRequest,
) -> Result<(), EngineError> {
    match refusal(project, record, request) {
        Some(refusal) => Err(EngineError::Refused(refusal)),
        None => Ok(()),
    }
}

/// Writes down that a step is passed over or an action given up, before it is.
pub(in crate::engine) fn audit_turn<W: World>(
    (emitter, lease): (&Emitter<'_, W>, &Lease),
    (project, record): (&Project, Option<&Record>),
    request: &PlanRequest,
) -> Result<(), EngineError> {
    // A reason is somebody's own words, and may have any of them in it.
    for value in secret_inputs(project, &request.flow) {
        emitter.keep_secret(value);
    }
    let deed = match &request.flow.turn {
        Turn::Fresh | Turn::Resume => return Ok(()),
        Turn::Skip {
            procedure,
            step,
            reason,
        } => FlowDeed {
            act: "skip",
            action: procedure.clone(),
            step: Some(step.clone()),
            reason: Some(emitter.clean(reason)),
        },
        Turn::Abort => {
            let Some(name) = request.targets.first() else {
                return Ok(());
            };
            let flow = record.and_then(|record| record.flows.get(name));
            let procedure = project.procedure(name);
            let at = procedure
                .zip(flow)
                .and_then(|(one, flow)| next_step(one, flow));
            FlowDeed {
                act: "abort",
                action: name.clone(),
                step: at.map(|step| step.label.clone()),
                reason: None,
            }
        }
    };
    audit_flow(emitter.world(), &lease.record(), deed)
}

/// Gives a run what it has to know of its procedures; secret inputs are masked from now on.
pub(in crate::engine) fn equip<W: World>(
    site: &mut Site<'_>,
    request: &PlanRequest,
    emitter: &Emitter<'_, W>,
) {
    site.restores = request.purpose == Purpose::Restore;
    site.flows = Flows::of(site.project, site.record, &request.flow);
    for value in secret_inputs(site.project, &request.flow) {
        emitter.keep_secret(value);
    }
}

/// Without its inputs no procedure begins.
pub(in crate::engine) fn check_inputs(
    project: &Project,
    plan: &Plan,
    request: &RunRequest,
) -> Result<(), EngineError> {
    let missing = missing_inputs(project, &plan.actions);
    let Some((procedure, input)) = missing.first() else {
        return Ok(());
    };
    let why = if input.required { "" } else { AGAIN };
    let refusal = Refusal::new(format!(
        "action `{}` needs the input {}{why}",
        procedure.name, input.name
    ));
    let names: BTreeSet<&String> = missing.iter().map(|(_, input)| &input.name).collect();
    let refusal = names.iter().fold(refusal, |refusal, name| {
        refusal.hint(format!("give it with `--input {name}=VALUE`"))
    });
    // Nobody was shown a plan: whoever asked had agreed beforehand.
    let agreed = if request.approved.is_none() {
        " -y"
    } else {
        ""
    };
    let command = with_inputs(request.plan.command(), names);
    Err(EngineError::Refused(
        refusal.next(format!("{command}{agreed}")),
    ))
}

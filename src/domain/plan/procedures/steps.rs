//! A procedure as an action of a plan: the steps that are left, its inputs, and what makes an approved plan stale.

use std::collections::BTreeSet;

use crate::domain::flow::{Flow, Turn};
use crate::domain::plan::build::PlanInput;
use crate::domain::plan::digest::fingerprint;
use crate::domain::plan::model::{Action, ActionKind, Cause, Change, Strategy};
use crate::domain::plan::procedures::refusal::next_step;
use crate::domain::plan::procedures::standing::due;
use crate::domain::plan::step::{Step, StepKind, StepPlace};
use crate::domain::plan::writer::one_line;
use crate::domain::project::canonical::procedure::step_digest;
use crate::domain::project::procedure::{
    Claim, Occasion, Primitive, Procedure, ProcedureStep, Wait,
};

pub(super) fn action(
    input: &PlanInput<'_>,
    procedure: &Procedure,
    (flow, purpose): (Option<&Flow>, &str),
) -> Action {
    let turn = &input.request.flow.turn;
    let steps = steps(procedure, |step| {
        if flow.is_some_and(|flow| flow.is_over(&step.label)) {
            return None;
        }
        Some(match turn {
            Turn::Skip {
                procedure: name,
                step: label,
                reason,
            } if *name == procedure.name && *label == step.label => Some(reason.clone()),
            Turn::Skip { .. } | Turn::Fresh | Turn::Resume | Turn::Abort => None,
        })
    });
    let resumes = flow.and_then(|flow| next_step(procedure, flow));
    let reason = match (steps.is_empty(), resumes) {
        (true, _) => format!("{purpose}: finished already"),
        (false, Some(step)) => format!("{purpose}: goes on at {}", step.label),
        (false, None) => purpose.to_owned(),
    };
    let mut seen = vec![("flow".to_owned(), purpose.to_owned())];
    let marks = flow.into_iter().flat_map(|flow| &flow.marks);
    let over: Vec<&str> = marks
        .filter(|(_, mark)| mark.is_over())
        .map(|(label, _)| label.as_str())
        .collect();
    seen.push(("finished".to_owned(), over.join(" ")));
    // A clean-up has what the flow had, although it does not go on with it.
    let given_up = input
        .record
        .and_then(|record| record.flows.get(&procedure.name))
        .filter(|_| *turn == Turn::Abort);
    let changes = changes(input, procedure, (flow.or(given_up), purpose));
    for change in &changes {
        let after = change.after.clone().unwrap_or_default();
        seen.push((change.path.clone(), after));
    }
    Action {
        address: procedure.address(),
        kind: if steps.is_empty() {
            ActionKind::Noop
        } else {
            ActionKind::Run
        },
        strategy: Strategy::None,
        reason,
        layer: 0,
        depends_on: BTreeSet::new(),
        optional: BTreeSet::new(),
        fingerprint: fingerprint(&seen),
        seen,
        changes,
        steps,
    }
}

/// The steps of a procedure that clean up and are not finished since it is being given up.
pub(super) fn cleaning(
    input: &PlanInput<'_>,
    procedure: &Procedure,
    cleans: impl Fn(&ProcedureStep) -> bool,
) -> Action {
    let purpose = "clean-up after an abort";
    let mut action = action(input, procedure, (None, purpose));
    let open = given_up(input, procedure);
    let is_over = |step: &ProcedureStep| {
        let (id, digest) = (action.address.step(None, &step.label), step_digest(step));
        open.iter().any(|flow| flow.is_cleaned(&id, &digest))
    };
    let all = procedure.steps.iter().filter(|step| cleans(step));
    let (over, left): (Vec<_>, Vec<_>) = all.partition(|step| is_over(step));
    action.steps = steps(procedure, |step| {
        let is_left = left.iter().any(|other| other.label == step.label);
        is_left.then_some(None)
    });
    if left.is_empty() {
        action.kind = ActionKind::Noop;
    }
    if over.is_empty() {
        return action;
    }
    action.reason = match left.first() {
        Some(step) => format!("{purpose}: goes on at {}", step.label),
        None => format!("{purpose}: finished already"),
    };
    let over: Vec<&str> = over.iter().map(|step| step.label.as_str()).collect();
    action.seen.push(("cleaned".to_owned(), over.join(" ")));
    action.fingerprint = fingerprint(&action.seen);
    action
}

/// The flows that are given up together with a procedure's: its own, or all of the setup or upgrade.
fn given_up<'a>(input: &PlanInput<'a>, procedure: &Procedure) -> Vec<&'a Flow> {
    let Some(record) = input.record else {
        return Vec::new();
    };
    if procedure.occasion == Occasion::Manual {
        return record.flows.get(&procedure.name).into_iter().collect();
    }
    let due = due(input.project, Some(record)).map(|(_, purpose)| purpose);
    let together = |flow: &&Flow| due.as_ref() == Some(&flow.purpose);
    record.flows.values().filter(together).collect()
}

/// Inputs as they stand, secret ones hidden; one that the flow had and nobody knows any more has no value after.
fn changes(
    input: &PlanInput<'_>,
    procedure: &Procedure,
    (flow, purpose): (Option<&Flow>, &str),
) -> Vec<Change> {
    let given = &input.request.flow.inputs;
    // What the flow of one procedure was given is there for all that belong to it, also for one that has not begun.
    let purpose = flow.map_or(purpose, |flow| flow.purpose.as_str());
    let flows = input
        .record
        .into_iter()
        .flat_map(|record| record.flows.values());
    let together: Vec<&Flow> = flows.filter(|flow| flow.purpose == purpose).collect();
    let value = |name: &str, default: &Option<String>| {
        let given = given.get(name).map(|value| value.expose().to_owned());
        let known = flow.and_then(|flow| flow.inputs.get(name).cloned());
        given.or(known).or(default.clone())
    };
    let mut all: Vec<Change> = procedure
        .inputs
        .iter()
        .filter_map(|one| {
            let hidden = || "(sensitive)".to_owned();
            let had = together.iter().any(|flow| flow.secrets.contains(&one.name));
            let lacks = had && !given.contains_key(&one.name);
            let value = value(&one.name, &one.default).filter(|_| !lacks);
            let after = value.map(|value| if one.secret { hidden() } else { value });
            (lacks || after.is_some()).then(|| Change {
                path: format!("inputs.{}", one.name),
                instance: None,
                before: lacks.then(hidden),
                after,
                cause: Cause::Config,
                sensitive: one.secret,
            })
        })
        .collect();
    all.sort();
    all
}

/// Writes the steps that are left: `choose` says whether a step is, and why it is passed over.
fn steps(
    procedure: &Procedure,
    choose: impl Fn(&ProcedureStep) -> Option<Option<String>>,
) -> Vec<Step> {
    let address = procedure.address();
    let mut all: Vec<Step> = Vec::new();
    for (index, step) in procedure.steps.iter().enumerate() {
        let Some(passed_over) = choose(step) else {
            continue;
        };
        let needs = all.last().map(|last| last.id.clone());
        let (kind, detail) = match passed_over {
            Some(reason) => {
                let detail = format!("skipped: {reason}");
                (StepKind::Skip { reason, index }, detail)
            }
            None => {
                let verb = step.primitive.verb();
                let detail = one_line(&step.primitive.detail());
                (StepKind::Perform { verb, index }, detail)
            }
        };
        all.push(Step {
            id: address.step(None, &step.label),
            kind,
            place: place(&step.primitive),
            instance: None,
            old: false,
            needs: needs.into_iter().collect(),
            detail,
        });
    }
    all
}

fn place(primitive: &Primitive) -> StepPlace {
    match primitive {
        Primitive::Run { .. }
        | Primitive::Wait(Wait::Time(_))
        | Primitive::Assert {
            claim: Claim::Run(_),
            ..
        } => StepPlace::Host,
        Primitive::Exec { .. }
        | Primitive::Job { .. }
        | Primitive::Backup { .. }
        | Primitive::Restore { .. }
        | Primitive::Assert {
            claim: Claim::Exec { .. },
            ..
        } => StepPlace::Container,
        Primitive::Stop { .. }
        | Primitive::Start { .. }
        | Primitive::Restart { .. }
        | Primitive::Scale { .. }
        | Primitive::Wait(_)
        | Primitive::Assert { .. } => StepPlace::Provider,
    }
}

//! What procedures leave stopped or scaled runs again after them, unless they said otherwise.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::flow::{Flow, Mark};
use crate::domain::ids::Address;
use crate::domain::plan::build::PlanInput;
use crate::domain::plan::digest::fingerprint;
use crate::domain::plan::model::{Action, ActionKind, Strategy};
use crate::domain::plan::procedures::standing::{due, is_open};
use crate::domain::plan::step::{Step, StepKind, StepPlace};
use crate::domain::project::canonical::procedure::step_digest;
use crate::domain::project::procedure::{Primitive, Procedure, ProcedureStep};

/// What steps of a procedure left of a service: its first instances run, the others do not.
#[derive(Clone, Copy)]
pub(super) struct Left<'a> {
    pub(super) by: &'a Procedure,
    pub(super) running: u32,
}

/// Returns the services that steps leave stopped or scaled otherwise than the file wants them.
fn left<'a>(
    input: &PlanInput<'_>,
    steps: impl Iterator<Item = (&'a Procedure, &'a ProcedureStep)>,
) -> BTreeMap<&'a str, Left<'a>> {
    let mut left: BTreeMap<&str, Left<'_>> = BTreeMap::new();
    for (by, step) in steps {
        match &step.primitive {
            Primitive::Stop { services, keep } => {
                for service in services {
                    left.remove(service.as_str());
                    if !keep {
                        left.insert(service, Left { by, running: 0 });
                    }
                }
            }
            Primitive::Start { services } | Primitive::Restart { services } => {
                for service in services {
                    left.remove(service.as_str());
                }
            }
            Primitive::Scale { service, to, keep } => {
                let wanted = input.project.services.get(service);
                left.remove(service.as_str());
                if !keep && wanted.is_some_and(|wanted| wanted.instances != *to) {
                    left.insert(service, Left { by, running: *to });
                }
            }
            Primitive::Exec { .. }
            | Primitive::Run { .. }
            | Primitive::Job { .. }
            | Primitive::Wait(_)
            | Primitive::Backup { .. }
            | Primitive::Restore { .. }
            | Primitive::Assert { .. } => {}
        }
    }
    left
}

/// Returns the services that finished steps of unfinished procedures left stopped or scaled, in the order of the modes;
/// not those that run again since, and nothing of a step that means something else by now.
pub(super) fn held<'a>(input: &PlanInput<'a>) -> BTreeMap<&'a str, Left<'a>> {
    let Some(record) = input.record else {
        return BTreeMap::new();
    };
    let due = due(input.project, Some(record)).map(|(_, purpose)| purpose);
    let open = |one: &'a Procedure| {
        let flow = record.flows.get(&one.name)?;
        is_open(one, flow, due.as_deref()).then_some((one, flow))
    };
    let all = input.project.procedures.iter();
    let mut begun: Vec<(&Procedure, &Flow)> = all.filter_map(open).collect();
    begun.sort_by_key(|(one, _)| one.mode);
    let over = begun.into_iter().flat_map(|(one, flow)| {
        let steps = one.steps.iter().filter(|step| {
            flow.is_over(&step.label) && !flow.has_moved(&step.label, &step_digest(step))
        });
        steps.map(move |step| (one, step))
    });
    let mut held = left(input, over);
    held.retain(|service, left| {
        let flow = record.flows.get(&left.by.name);
        flow.is_some_and(|flow| !flow.released.contains(*service))
    });
    held
}

/// All steps of procedures.
pub(super) fn every<'a>(
    procedures: impl Iterator<Item = &'a Procedure>,
) -> impl Iterator<Item = (&'a Procedure, &'a ProcedureStep)> {
    procedures.flat_map(|one| one.steps.iter().map(move |step| (one, step)))
}

/// The steps that count when procedures are given up: those that were done, the one they stopped at as far as it may have
/// stopped something, and those of the clean-up.
pub(super) fn ran<'a>(
    input: &PlanInput<'a>,
    procedures: impl Iterator<Item = &'a Procedure>,
    cleans: impl Fn(&Procedure, &ProcedureStep) -> bool,
) -> impl Iterator<Item = (&'a Procedure, &'a ProcedureStep)> {
    let flows = input.record.map(|record| &record.flows);
    every(procedures).filter(move |(one, step)| {
        let flow = flows.and_then(|flows| flows.get(&one.name));
        let is_over = |label: &str| flow.is_some_and(|flow| flow.is_over(label));
        let stopped_at = one.steps.iter().find(|step| !is_over(&step.label));
        let may_have_stopped = flow.is_some()
            && stopped_at.is_some_and(|at| at.label == step.label)
            && matches!(
                step.primitive,
                Primitive::Stop { .. } | Primitive::Scale { .. }
            );
        let mark = flow.and_then(|flow| flow.marks.get(&step.label));
        cleans(one, step) || mark == Some(&Mark::Done) || may_have_stopped
    })
}

/// The action that lets services run again which procedures leave stopped or scaled, unless they said so.
pub(super) fn put_back<'a>(
    input: &PlanInput<'_>,
    name: &str,
    steps: impl Iterator<Item = (&'a Procedure, &'a ProcedureStep)>,
) -> Option<Action> {
    let left = left(input, steps);
    if left.is_empty() {
        return None;
    }
    let address = Address::procedure(name);
    let steps: Vec<Step> = left
        .keys()
        .map(|service| Step {
            id: address.step(None, service),
            kind: StepKind::PutBack {
                service: (*service).to_owned(),
            },
            place: StepPlace::Provider,
            instance: None,
            old: false,
            needs: Vec::new(),
            detail: format!("{service} runs as the file wants it"),
        })
        .collect();
    let seen = vec![("flow".to_owned(), name.to_owned())];
    Some(Action {
        address,
        kind: ActionKind::Run,
        strategy: Strategy::None,
        reason: "what was stopped or scaled runs again".to_owned(),
        layer: 0,
        depends_on: BTreeSet::new(),
        optional: BTreeSet::new(),
        fingerprint: fingerprint(&seen),
        seen,
        changes: Vec::new(),
        steps,
    })
}

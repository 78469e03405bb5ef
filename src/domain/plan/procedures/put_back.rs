//! What procedures leave stopped or scaled runs again after them, unless they said otherwise.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::flow::Flow;
use crate::domain::ids::Address;
use crate::domain::plan::build::PlanInput;
use crate::domain::plan::digest::fingerprint;
use crate::domain::plan::model::{Action, ActionKind, Strategy};
use crate::domain::plan::procedures::standing::{due, is_open};
use crate::domain::plan::step::{Step, StepKind, StepPlace};
use crate::domain::project::procedure::{Primitive, Procedure, ProcedureStep};

/// Returns the services that steps leave stopped or scaled otherwise than the file wants them, each with the last
/// procedure that did.
fn left<'a>(
    input: &PlanInput<'_>,
    steps: impl Iterator<Item = (&'a Procedure, &'a ProcedureStep)>,
) -> BTreeMap<&'a str, &'a Procedure> {
    let mut left: BTreeMap<&str, &Procedure> = BTreeMap::new();
    for (procedure, step) in steps {
        match &step.primitive {
            Primitive::Stop { services, keep } => {
                for service in services {
                    left.remove(service.as_str());
                    if !keep {
                        left.insert(service, procedure);
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
                    left.insert(service, procedure);
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

/// Returns the services that finished steps of unfinished procedures left stopped or scaled, in the order of the modes,
/// each with the last such procedure.
pub(super) fn held<'a>(input: &PlanInput<'a>) -> BTreeMap<&'a str, &'a Procedure> {
    let Some(record) = input.record else {
        return BTreeMap::new();
    };
    let due = due(input.project, Some(record)).map(|(_, purpose)| purpose);
    let open = |one: &'a Procedure| {
        let flow = record.flows.get(&one.name)?;
        is_open(one, flow, due.as_deref()).then_some((one, flow))
    };
    let mut begun: Vec<(&Procedure, &Flow)> =
        input.project.procedures.iter().filter_map(open).collect();
    begun.sort_by_key(|(one, _)| one.mode);
    let over = begun.into_iter().flat_map(|(one, flow)| {
        let over = one.steps.iter().filter(|step| flow.is_over(&step.label));
        over.map(move |step| (one, step))
    });
    left(input, over)
}

/// The action that lets services run again which procedures leave stopped or scaled, unless they said so.
pub(super) fn put_back<'a>(
    input: &PlanInput<'_>,
    name: &str,
    procedures: impl Iterator<Item = &'a Procedure>,
) -> Option<Action> {
    let steps = procedures.flat_map(|one| one.steps.iter().map(move |step| (one, step)));
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

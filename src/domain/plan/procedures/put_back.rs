//! What procedures leave stopped or scaled runs again after them, unless they said otherwise.

use std::collections::BTreeSet;

use crate::domain::ids::Address;
use crate::domain::plan::build::PlanInput;
use crate::domain::plan::digest::fingerprint;
use crate::domain::plan::model::{Action, ActionKind, Strategy};
use crate::domain::plan::step::{Step, StepKind, StepPlace};
use crate::domain::project::procedure::{Primitive, Procedure, ProcedureStep};

/// Returns the services that steps leave stopped or scaled otherwise than the file wants them.
fn left<'a>(
    input: &PlanInput<'_>,
    steps: impl Iterator<Item = &'a ProcedureStep>,
) -> BTreeSet<&'a str> {
    let mut left: BTreeSet<&str> = BTreeSet::new();
    for step in steps {
        match &step.primitive {
            Primitive::Stop { services, keep } => {
                for service in services {
                    left.remove(service.as_str());
                    if !keep {
                        left.insert(service);
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
                    left.insert(service);
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

/// Returns the services that finished steps of this flow left stopped or scaled, in the order of the modes.
pub(super) fn held(input: &PlanInput<'_>, purpose: &str) -> BTreeSet<String> {
    let flow = |name: &str| {
        let flow = input.record.and_then(|record| record.flows.get(name));
        flow.filter(|flow| flow.purpose == purpose)
    };
    let mut begun: Vec<&Procedure> = input.project.procedures.iter().collect();
    begun.retain(|one| flow(&one.name).is_some());
    begun.sort_by_key(|one| one.mode);
    let over = begun.into_iter().flat_map(|one| {
        let flow = flow(&one.name);
        let over = move |step: &&ProcedureStep| flow.is_some_and(|flow| flow.is_over(&step.label));
        one.steps.iter().filter(over)
    });
    left(input, over).into_iter().map(str::to_owned).collect()
}

/// The action that lets services run again which procedures leave stopped or scaled, unless they said so.
pub(super) fn put_back<'a>(
    input: &PlanInput<'_>,
    name: &str,
    procedures: impl Iterator<Item = &'a Procedure>,
) -> Option<Action> {
    let left = left(input, procedures.flat_map(|procedure| &procedure.steps));
    if left.is_empty() {
        return None;
    }
    let address = Address::procedure(name);
    let steps: Vec<Step> = left
        .iter()
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

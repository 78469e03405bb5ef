//! What runs of a service at a step, by the steps before it: who was stopped is not asked, who was scaled away not
//! waited for.

use std::collections::BTreeMap;

use crate::domain::config::lower::Lower;
use crate::domain::config::lower::actions::{Known, Written};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::Span;
use crate::domain::project::procedure::{Claim, Primitive, Wait};

/// How many instances a step left running, and where that step stands. Without an entry all run.
type Left = BTreeMap<String, (u32, Span)>;

/// Goes through the steps in their order: refuses those that need a service of which nothing runs by then, and tells
/// those that wait for health how many instances there are to wait for.
pub(super) fn check(lower: &mut Lower<'_>, known: &Known<'_>, steps: &mut [Written]) {
    let mut left = Left::new();
    for written in steps {
        if let Some(service) = needed(&written.step.primitive)
            && let Some((0, by)) = left.get(service)
        {
            let text = format!(
                "`{}` needs `{service}`, of which nothing runs by then",
                written.path
            );
            let finding = Diagnostic::error("NK0203", text)
                .at(written.span, "nobody answers here")
                .see(*by, "nothing of it runs after this step")
                .help(format!("start it first: `- start: {service}`"));
            lower.findings.push(finding);
        }
        if let Primitive::Wait(Wait::Health { service, instances }) = &mut written.step.primitive {
            *instances = left.get(service.as_str()).map(|(count, _)| *count);
        }
        leave(known, &mut left, (&written.step.primitive, written.span));
    }
}

/// Returns the service whose running instances a step needs.
fn needed(primitive: &Primitive) -> Option<&String> {
    match primitive {
        Primitive::Exec { service, .. }
        | Primitive::Wait(Wait::Health { service, .. } | Wait::Answer { service, .. })
        | Primitive::Assert {
            claim: Claim::Exec { service, .. } | Claim::Answer { service, .. },
            ..
        } => Some(service),
        Primitive::Stop { .. }
        | Primitive::Start { .. }
        | Primitive::Restart { .. }
        | Primitive::Scale { .. }
        | Primitive::Run { .. }
        | Primitive::Job { .. }
        | Primitive::Wait(Wait::Time(_))
        | Primitive::Backup { .. }
        | Primitive::Restore { .. }
        | Primitive::Assert {
            claim: Claim::Run(_),
            ..
        } => None,
    }
}

/// Notes what a step leaves running.
fn leave(known: &Known<'_>, left: &mut Left, (primitive, span): (&Primitive, Span)) {
    match primitive {
        Primitive::Stop { services, .. } => {
            for service in services {
                left.insert(service.clone(), (0, span));
            }
        }
        Primitive::Start { services } | Primitive::Restart { services } => {
            for service in services {
                left.remove(service);
            }
        }
        Primitive::Scale { service, to, .. } => {
            let all = known.services.get(service).map_or(0, |one| one.instances);
            left.remove(service);
            if *to < all {
                left.insert(service.clone(), (*to, span));
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

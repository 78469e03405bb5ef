//! Which steps are tried again, and what their failure means.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::ids::{Address, ResourceKind, StepId};
use crate::domain::plan::model::{Action, Plan, Step, StepKind};
use crate::domain::project::hook::{Hook, HookPhase, HookPlace, OnFailure};
use crate::domain::project::procedure::ProcedureStep;
use crate::domain::project::project::Project;
use crate::domain::project::service::{Condition, Service};
use crate::domain::record::{Record, RecordedResource};

/// What a failure of a step means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StepPolicy {
    /// Further attempts after a failed one.
    pub retries: u32,
    /// A final failure is a warning, and the action goes on.
    pub warn_only: bool,
    /// Pause before the second attempt, doubled each time; `None`: see [`pause_before`].
    pub backoff: Option<Duration>,
}

impl StepPolicy {
    /// Returns the pause before attempt `next`.
    #[must_use]
    pub fn pause_before(&self, next: u32) -> Duration {
        let Some(first) = self.backoff else {
            return pause_before(next);
        };
        let doublings = next.saturating_sub(2).min(16);
        first.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
    }
}

/// Longest pause between two attempts of a step of a procedure.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// How often an operation that certainly did not happen is issued again.
pub const LOST_AGAIN: u32 = 2;

/// Pause before attempt `next` (2 is the first retry): 1 s, doubled each time, at most 30 s.
#[must_use]
pub fn pause_before(next: u32) -> Duration {
    let doublings = next.saturating_sub(2).min(5);
    Duration::from_secs(1u64 << doublings).min(Duration::from_secs(30))
}

/// Everything about failure and order that a plan's steps do not say themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guide {
    /// Policies that differ from the default.
    pub policies: BTreeMap<StepId, StepPolicy>,
    /// Edges (dependent, dependency) that are satisfied once the dependency has started.
    pub started: BTreeSet<(Address, Address)>,
}

impl Guide {
    /// Gathers the policies of a plan's hooks and installs from the desired and the recorded services.
    #[must_use]
    pub fn of(plan: &Plan, project: &Project, record: Option<&Record>) -> Self {
        let mut guide = Self::default();
        for action in &plan.actions {
            let service = desired(project, &action.address);
            let recorded = record.and_then(|record| record.resources.get(&action.address));
            for step in &action.steps {
                if let Some(own) = performed(step, project, &action.address) {
                    let policy = StepPolicy {
                        retries: own.retries,
                        warn_only: false,
                        backoff: own.backoff,
                    };
                    guide.policies.insert(step.id.clone(), policy);
                    continue;
                }
                let Some(hook) = hook_of(step, service, recorded) else {
                    continue;
                };
                guide.policies.insert(
                    step.id.clone(),
                    StepPolicy {
                        retries: hook.retries,
                        warn_only: hook.on_failure == OnFailure::Warn,
                        backoff: None,
                    },
                );
            }
            guide.started.extend(started_edges(action, service));
        }
        guide
    }
}

/// Finds the step of a procedure that a step of a plan carries out.
#[must_use]
pub fn performed<'a>(
    step: &Step,
    project: &'a Project,
    address: &Address,
) -> Option<&'a ProcedureStep> {
    let StepKind::Perform { index, .. } = &step.kind else {
        return None;
    };
    project.procedure(&address.name)?.steps.get(*index)
}

fn desired<'a>(project: &'a Project, address: &Address) -> Option<&'a Service> {
    match address.kind {
        ResourceKind::Service => project.services.get(&address.name),
        ResourceKind::Network | ResourceKind::Volume | ResourceKind::Procedure => None,
    }
}

fn started_edges(
    action: &Action,
    service: Option<&Service>,
) -> impl Iterator<Item = (Address, Address)> {
    service
        .into_iter()
        .flat_map(|service| &service.depends_on)
        .filter(|(_, edge)| edge.condition == Condition::Started)
        .map(|(name, _)| (action.address.clone(), Address::service(name)))
}

/// Finds the hook (or install command) a step runs: stopping hooks of an old instance are those that were
/// recorded with it, everything else is the file's.
#[must_use]
pub fn hook_of<'a>(
    step: &Step,
    service: Option<&'a Service>,
    recorded: Option<&'a RecordedResource>,
) -> Option<&'a Hook> {
    match &step.kind {
        StepKind::Hook { phase, index } => {
            let place = match step.place {
                crate::domain::plan::model::StepPlace::Host => HookPlace::Host,
                crate::domain::plan::model::StepPlace::Container
                | crate::domain::plan::model::StepPlace::Provider => HookPlace::Container,
            };
            match phase {
                HookPhase::Prestart | HookPhase::Poststart => {
                    service?.hooks.of(*phase, place).nth(*index)
                }
                HookPhase::Prestop | HookPhase::Poststop => {
                    stopping(*phase, place, *index, service, recorded)
                }
            }
        }
        StepKind::Install => Some(&service?.provisioning.as_ref()?.install),
        StepKind::Pull { .. }
        | StepKind::Build
        | StepKind::CreateNetwork
        | StepKind::RemoveNetwork
        | StepKind::CreateVolume
        | StepKind::RemoveVolume
        | StepKind::Create
        | StepKind::Start
        | StepKind::OpenGate
        | StepKind::Health
        | StepKind::Complete
        | StepKind::Stop
        | StepKind::Remove
        | StepKind::Rename
        | StepKind::Limits
        | StepKind::Connect { .. }
        | StepKind::Disconnect { .. }
        | StepKind::Detach { .. }
        | StepKind::Unpause
        | StepKind::Adopt
        | StepKind::Perform { .. }
        | StepKind::Skip { .. }
        | StepKind::PutBack { .. } => None,
    }
}

fn stopping<'a>(
    phase: HookPhase,
    place: HookPlace,
    index: usize,
    service: Option<&'a Service>,
    recorded: Option<&'a RecordedResource>,
) -> Option<&'a Hook> {
    let from_record = recorded.and_then(|resource| {
        let list = if phase == HookPhase::Prestop {
            &resource.teardown.prestop
        } else {
            &resource.teardown.poststop
        };
        list.iter().filter(|hook| hook.place == place).nth(index)
    });
    from_record.or_else(|| service?.hooks.of(phase, place).nth(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let seconds: Vec<u64> = (2..10).map(|n| pause_before(n).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn a_backoff_doubles_from_its_own_first_pause_up_to_ten_minutes() {
        let pauses = |backoff: Option<u64>, attempts: [u32; 5]| {
            let policy = StepPolicy {
                backoff: backoff.map(Duration::from_millis),
                ..StepPolicy::default()
            };
            attempts.map(|next| policy.pause_before(next).as_millis())
        };
        let first = [2, 3, 4, 5, 6];
        assert_eq!(pauses(Some(500), first), [500, 1_000, 2_000, 4_000, 8_000]);
        assert_eq!(pauses(Some(0), first), [0; 5]);
        assert_eq!(
            pauses(Some(100_000), [2, 4, 5, 100, u32::MAX]),
            [100_000, 400_000, 600_000, 600_000, 600_000]
        );
        assert_eq!(pauses(Some(u64::MAX), first), [600_000; 5]);
        // Without one of its own it is that of everything else.
        assert_eq!(pauses(None, first), [1_000, 2_000, 4_000, 8_000, 16_000]);
    }
}

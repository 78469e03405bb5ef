//! What finished steps and actions leave in the record beside what the keeper knows of their operations.

use crate::domain::effect::Effect;
use crate::domain::flow::Mark;
use crate::domain::ids::{Address, Instance, ResourceKind};
use crate::domain::live::{LiveInstance, Status};
use crate::domain::plan::model::{Action, Step, StepKind};
use crate::domain::project::service::ServiceKind;
use crate::domain::record::{Record, RecordedInstance};
use crate::engine::acts::{begun, marked};
use crate::engine::site::Site;

/// Says what a finished step leaves in the record beside what the keeper knows of its operation.
pub(super) fn further_effects(site: &Site<'_>, action: &Action, step: &Step) -> Vec<Effect> {
    let address = action.address.clone();
    let ready = |ready| {
        step.instance.map(|instance| Effect::InstanceReady {
            address: address.clone(),
            instance,
            ready,
        })
    };
    match &step.kind {
        StepKind::Health | StepKind::Complete => ready(true).into_iter().collect(),
        // Started again, it has to become healthy again; one that is new is not ready anyhow.
        StepKind::Start => ready(false).into_iter().collect(),
        StepKind::Install => installed(site, &address).into_iter().collect(),
        StepKind::Adopt => adopted(site, &address),
        StepKind::Skip { reason, .. } => skipped(site, action, step, reason),
        StepKind::Pull { .. }
        | StepKind::Build
        | StepKind::CreateNetwork
        | StepKind::RemoveNetwork
        | StepKind::CreateVolume
        | StepKind::RemoveVolume
        | StepKind::Create
        | StepKind::Hook { .. }
        | StepKind::OpenGate
        | StepKind::Stop
        | StepKind::Remove
        | StepKind::Rename
        | StepKind::Limits
        | StepKind::Connect { .. }
        | StepKind::Disconnect { .. }
        | StepKind::Detach { .. }
        | StepKind::Unpause
        | StepKind::Perform { .. }
        | StepKind::PutBack { .. } => Vec::new(),
    }
}

fn installed(site: &Site<'_>, address: &Address) -> Option<Effect> {
    let recipe = site.service(address)?.provisioning.as_ref()?;
    Some(Effect::Installed {
        address: address.clone(),
        manifest: recipe.manifest.clone(),
    })
}

/// A step of a procedure that an operator passed over counts as over.
fn skipped(site: &Site<'_>, action: &Action, step: &Step, reason: &str) -> Vec<Effect> {
    let mark = Mark::Skipped {
        reason: reason.to_owned(),
        run: site.run.clone(),
    };
    let begun = begun(site, action).into_iter();
    begun.chain(marked(site, action, step, mark)).collect()
}

/// Takes over what exists: a service's installation counts as done, its running instances as ready.
fn adopted(site: &Site<'_>, address: &Address) -> Vec<Effect> {
    match address.kind {
        ResourceKind::Network | ResourceKind::Volume => site
            .object_id(address)
            .map(|id| Effect::ObjectMade {
                address: address.clone(),
                bare: site.is_bare(&id),
                id,
            })
            .into_iter()
            .collect(),
        ResourceKind::Procedure => Vec::new(),
        ResourceKind::Service => site
            .live_instances(address)
            .map(|live| taken_over(site, address, live))
            .chain(installed(site, address))
            .collect(),
    }
}

/// Takes one live instance over; one that is in the record already keeps its readiness.
fn taken_over(site: &Site<'_>, address: &Address, live: &LiveInstance) -> Effect {
    let recorded = site
        .recorded(address)
        .and_then(|resource| resource.instances.get(&live.instance))
        .filter(|recorded| recorded.id == live.id);
    let runs = matches!(live.status, Status::Running | Status::Exited(0));
    Effect::InstanceMade {
        address: address.clone(),
        instance: live.instance,
        made: RecordedInstance {
            id: live.id.clone(),
            name: live.name.clone(),
            image_id: live.image_id.clone(),
            op: live.op.clone().unwrap_or_default(),
            ready: recorded.map_or(runs, |recorded| recorded.ready),
        },
    }
}

/// Says what else a finished action leaves: instances that stayed though the record does not know them are taken
/// over, and those it knows that exist nowhere are forgotten (but a completed job's, which did its work).
pub(super) fn stock_taken(site: &Site<'_>, action: &Action, record: &Record) -> Vec<Effect> {
    let address = &action.address;
    if address.kind != ResourceKind::Service {
        return Vec::new();
    }
    let removed = |instance: Instance| {
        action
            .steps
            .iter()
            .any(|step| step.kind == StepKind::Remove && step.instance == Some(instance))
    };
    let known = record.resources.get(address);
    let mut effects: Vec<Effect> = site
        .live_instances(address)
        .filter(|live| !removed(live.instance))
        .filter(|live| {
            let recorded = known.and_then(|resource| resource.instances.get(&live.instance));
            recorded.is_none_or(|r| r.id != live.id && !site.has_made(&r.id))
        })
        .map(|live| taken_over(site, address, live))
        .collect();
    let job = site
        .service(address)
        .is_some_and(|service| service.kind == ServiceKind::Job);
    for (instance, recorded) in known.into_iter().flat_map(|resource| &resource.instances) {
        let live = site.live_instances(address).any(|l| l.id == recorded.id);
        if !job && !live && !site.has_made(&recorded.id) {
            effects.push(Effect::InstanceGone {
                address: address.clone(),
                instance: *instance,
                id: Some(recorded.id.clone()),
            });
        }
    }
    effects
}

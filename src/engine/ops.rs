//! From a step of the plan to the operation a provider carries out, and to what the record remembers of it.

use std::collections::BTreeSet;

use std::time::Duration;

use crate::domain::effect::Intent;
use crate::domain::ids::{Address, Instance, OpId, ProviderId};
use crate::domain::model::path;
use crate::domain::plan::model::{Action, Change, Step, StepKind};
use crate::domain::project::canonical::network_aliases;
use crate::domain::project::canonical::text::restart_of;
use crate::domain::project::naming::instance_name;
use crate::domain::project::service::Service;
use crate::domain::record::{Pending, RecordedResource};
use crate::engine::site::{Site, TRACEPARENT};
use crate::ports::hooks::Value;
use crate::ports::provider::{InstanceRef, InstanceSpec, Limits, Op, OpKind, Sibling};

/// Why a step cannot be turned into an operation: the world or the file is not what the plan was made of.
pub(super) type Misfit = String;

/// An operation with the words the journal knows it by.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The operation.
    pub(super) op: Op,
    /// Word for its kind.
    pub(super) verb: String,
    /// Object it acts on, when it exists already.
    pub(super) target: Option<ProviderId>,
}

impl Call {
    /// Wraps an operation of this site.
    pub(super) fn new(
        site: &Site<'_>,
        id: OpId,
        verb: &str,
        kind: OpKind,
        target: Option<ProviderId>,
    ) -> Self {
        Self {
            op: Op {
                id,
                fence: site.fence,
                scope: site.scope(),
                lineage: site.lineage().clone(),
                kind,
            },
            verb: verb.to_owned(),
            target,
        }
    }
}

/// Makes the provider's operation of a step; `None` for steps that are none.
pub(super) fn call_of(
    site: &Site<'_>,
    action: &Action,
    step: &Step,
    attempt: u32,
) -> Result<Option<Call>, Misfit> {
    let Some(mut kind) = kind_of(site, action, step)? else {
        return Ok(None);
    };
    if let OpKind::CreateInstance(spec) = &mut kind {
        // The hash is that of the file's variables alone, so this one is neither a change nor drift.
        spec.env = traced(site, std::mem::take(&mut spec.env), (step, attempt));
    }
    let target = target_id(&kind);
    let id = site.op_id(step, attempt);
    Ok(Some(Call::new(site, id, step.kind.as_str(), kind, target)))
}

/// Adds the trace context to the variables of a new instance, unless the file sets one of its own.
fn traced(
    site: &Site<'_>,
    mut env: Vec<(String, Value)>,
    (step, attempt): (&Step, u32),
) -> Vec<(String, Value)> {
    if !env.iter().any(|(name, _)| name == TRACEPARENT) {
        env.extend(site.trace_env(&step.id, attempt));
    }
    env
}

fn kind_of(site: &Site<'_>, action: &Action, step: &Step) -> Result<Option<OpKind>, Misfit> {
    let address = &action.address;
    let kind = match &step.kind {
        StepKind::Pull { image } => OpKind::PullImage {
            image: image.clone(),
        },
        StepKind::Build => {
            let service = service(site, address)?;
            let build = service.build.clone().ok_or("the file names no build")?;
            let tag = service
                .image_reference(site.project.name.as_str())
                .ok_or("the build has no tag")?;
            OpKind::BuildImage { build, tag }
        }
        StepKind::CreateNetwork => create_network(site, address)?,
        StepKind::CreateVolume => {
            let volume = site.project.volumes.get(&address.name);
            let volume = volume.ok_or("the file does not name it any more")?.clone();
            OpKind::CreateVolume { volume }
        }
        StepKind::RemoveNetwork => OpKind::RemoveNetwork {
            id: object(site, address)?,
        },
        StepKind::RemoveVolume => OpKind::RemoveVolume {
            id: object(site, address)?,
        },
        StepKind::Create => OpKind::CreateInstance(Box::new(spec(site, action, step)?)),
        StepKind::Start => OpKind::StartInstance(target(site, action, step)?),
        StepKind::OpenGate => OpKind::OpenGate(target(site, action, step)?),
        StepKind::Stop => stop(site, action, step)?,
        StepKind::Remove => OpKind::RemoveInstance(target(site, action, step)?),
        StepKind::Rename => {
            let target = target(site, action, step)?;
            let holders = misnamed(site, &target.id);
            OpKind::RenameInstance { target, holders }
        }
        StepKind::Limits => OpKind::SetLimits {
            target: target(site, action, step)?,
            limits: limits(site, action, step)?,
        },
        StepKind::Connect { network } => OpKind::Connect {
            target: target(site, action, step)?,
            network: network.clone(),
            aliases: aliases(site, address, network)?,
        },
        StepKind::Disconnect { network } => OpKind::Disconnect {
            target: target(site, action, step)?,
            network: network.clone(),
        },
        StepKind::Detach { service, instance } => detach(site, address, service, *instance)?,
        StepKind::Unpause => OpKind::Unpause(target(site, action, step)?),
        StepKind::Hook { .. }
        | StepKind::Install
        | StepKind::Health
        | StepKind::Complete
        | StepKind::Adopt
        | StepKind::Perform { .. }
        | StepKind::Skip { .. }
        | StepKind::PutBack { .. } => return Ok(None),
    };
    Ok(Some(kind))
}

/// Returns the desired service of an address.
pub(super) fn service<'a>(site: &Site<'a>, address: &Address) -> Result<&'a Service, Misfit> {
    site.service(address)
        .ok_or_else(|| "the file does not name it any more".to_owned())
}

/// Returns the instance a step acts on.
pub(super) fn target(site: &Site<'_>, action: &Action, step: &Step) -> Result<InstanceRef, Misfit> {
    site.target(action, step)
        .ok_or_else(|| "the instance is not there any more".to_owned())
}

/// Returns the other instances of ours that bear a name they should not have: one of them may stand in the way.
fn misnamed(site: &Site<'_>, target: &ProviderId) -> Vec<InstanceRef> {
    let scope = site.scope();
    let all = site.live.instances.iter().filter(|live| !live.one_off);
    all.filter(|live| live.lineage.as_ref() == Some(site.lineage()) && &live.id != target)
        .map(|live| InstanceRef {
            id: live.id.clone(),
            name: live.name.clone(),
            address: Address::service(&live.service),
            instance: live.instance,
        })
        .filter(|one| site.service(&one.address).is_some() || site.recorded(&one.address).is_some())
        .filter(|one| one.name != instance_name(&scope, &one.address.name, one.instance))
        .collect()
}

fn object(site: &Site<'_>, address: &Address) -> Result<ProviderId, Misfit> {
    site.object_id(address)
        .ok_or_else(|| "it is not there any more".to_owned())
}

/// An instance that is gone meanwhile is detached already.
fn detach(
    site: &Site<'_>,
    network: &Address,
    service: &str,
    instance: Instance,
) -> Result<OpKind, Misfit> {
    let owner = Address::service(service);
    let live = site.live_instance(&owner, instance);
    let live = live.ok_or_else(|| format!("{} is not there any more", owner.instance(instance)))?;
    Ok(OpKind::Disconnect {
        target: InstanceRef {
            id: live.id.clone(),
            name: live.name.clone(),
            address: owner,
            instance,
        },
        network: object(site, network)?.0,
    })
}

fn create_network(site: &Site<'_>, address: &Address) -> Result<OpKind, Misfit> {
    let network = site.project.networks.get(&address.name);
    let network = network.ok_or("the file does not name it any more")?.clone();
    let model = crate::domain::project::canonical::network_model(&network);
    let hash = crate::domain::project::canonical::recreate_hash(&model);
    Ok(OpKind::CreateNetwork { network, hash })
}

fn stop(site: &Site<'_>, action: &Action, step: &Step) -> Result<OpKind, Misfit> {
    let target = target(site, action, step)?;
    let recorded = site.recorded(&action.address);
    let desired = site.service(&action.address);
    let signal = match recorded {
        Some(resource) => resource.teardown.stop_signal.clone(),
        None => desired.and_then(|s| s.stop_signal.clone()),
    };
    Ok(OpKind::StopInstance {
        target,
        grace: grace_of(recorded, desired),
        signal,
    })
}

/// How long an instance may take to stop: as it was deployed, or else as the file says.
pub(super) fn grace_of(recorded: Option<&RecordedResource>, desired: Option<&Service>) -> Duration {
    recorded
        .map(|resource| resource.teardown.stop_grace)
        .filter(|grace| !grace.is_zero())
        .or(desired.map(|s| s.stop_grace))
        .unwrap_or(Service::STOP_GRACE)
}

/// Returns the file's limits; in a restore those of the plan, and whatever it does not name stays as it is.
fn limits(site: &Site<'_>, action: &Action, step: &Step) -> Result<Limits, Misfit> {
    let service = service(site, &action.address)?;
    let mut limits = Limits {
        cpu_millis: service.cpu_millis,
        memory_bytes: service.memory_bytes,
        restart: service.restart,
    };
    let number = step.instance.unwrap_or_default();
    let live = site.live_instance(&action.address, number);
    let Some(live) = live.filter(|_| site.restores) else {
        return Ok(limits);
    };
    let goal = |path: &str| {
        let ours = |change: &&Change| {
            change.path == path && change.instance.is_none_or(|one| one == number)
        };
        let planned = action.changes.iter().find(ours);
        let planned = planned.and_then(|change| change.after.as_deref());
        planned.or(live.model.get(path).map(|field| field.value.as_str()))
    };
    let amount = |path: &str| goal(path).and_then(|text| text.parse().ok());
    let set = |amount: u64| Some(amount).filter(|amount| *amount > 0);
    limits.cpu_millis = amount(path::CPU).map_or(limits.cpu_millis, set);
    limits.memory_bytes = amount(path::MEMORY).map_or(limits.memory_bytes, set);
    let restart = goal(path::RESTART).and_then(restart_of);
    limits.restart = restart.unwrap_or(limits.restart);
    Ok(limits)
}

/// Returns the file's aliases; in a restore the recorded ones.
fn aliases(site: &Site<'_>, address: &Address, network: &str) -> Result<BTreeSet<String>, Misfit> {
    let field = format!("{}{network}", path::NETWORKS);
    let recorded = site.recorded(address).and_then(|one| one.model.get(&field));
    if let Some(recorded) = recorded.filter(|_| site.restores) {
        let all = recorded.value.split(',').filter(|alias| !alias.is_empty());
        return Ok(all.map(str::to_owned).collect());
    }
    let mut all = network_aliases(service(site, address)?);
    Ok(all.remove(network).unwrap_or_default())
}

fn spec(site: &Site<'_>, action: &Action, step: &Step) -> Result<InstanceSpec, Misfit> {
    let service = service(site, &action.address)?;
    let instance = step.instance.unwrap_or_default();
    let gated = action.steps.iter().any(|other| {
        other.kind == StepKind::OpenGate && other.instance == step.instance && !other.old
    });
    Ok(InstanceSpec {
        address: action.address.clone(),
        instance,
        service: service.clone(),
        image: site.image(service, instance),
        env: site.instance_env(service, instance),
        siblings: siblings(site, service),
        hash: site.hash(service),
        gated,
        one_off: None,
    })
}

/// Makes the one-off instance that runs an installation with its own image.
pub(super) fn one_off(
    site: &Site<'_>,
    service: &Service,
    instance: Instance,
    image: &str,
    argv: Vec<String>,
    env: Vec<(String, Value)>,
) -> InstanceSpec {
    let mut own = service.clone();
    own.image = Some(image.to_owned());
    own.build = None;
    own.command = None;
    own.entrypoint = None;
    own.port = None;
    own.healthcheck = None;
    own.restart = crate::domain::project::service::RestartPolicy::No;
    let mut all = site.instance_env(service, instance);
    all.extend(env);
    InstanceSpec {
        address: service.address(),
        instance,
        image: Some(image.to_owned()),
        env: all,
        siblings: siblings(site, service),
        hash: site.hash(service),
        gated: false,
        one_off: Some(argv),
        service: own,
    }
}

fn siblings(site: &Site<'_>, service: &Service) -> Vec<Sibling> {
    site.project
        .services
        .values()
        .filter(|other| other.name != service.name)
        .map(|other| Sibling {
            name: other.name.clone(),
            inner: other.expose.or(other.port),
            published: other.port,
        })
        .collect()
}

/// Returns the object an operation acts on, when it exists already.
fn target_id(kind: &OpKind) -> Option<ProviderId> {
    match kind {
        OpKind::PullImage { .. }
        | OpKind::BuildImage { .. }
        | OpKind::CreateNetwork { .. }
        | OpKind::CreateVolume { .. }
        | OpKind::CreateInstance(_) => None,
        OpKind::RemoveNetwork { id } | OpKind::RemoveVolume { id } => Some(id.clone()),
        OpKind::StartInstance(target)
        | OpKind::OpenGate(target)
        | OpKind::StopInstance { target, .. }
        | OpKind::RemoveInstance(target)
        | OpKind::RenameInstance { target, .. }
        | OpKind::SetLimits { target, .. }
        | OpKind::Connect { target, .. }
        | OpKind::Disconnect { target, .. }
        | OpKind::Unpause(target) => Some(target.id.clone()),
    }
}

/// Makes the announcement of an operation.
pub(super) fn intent(
    site: &Site<'_>,
    action: &Action,
    step: &Step,
    op: &OpId,
    verb: &str,
    target: Option<ProviderId>,
) -> Intent {
    let first_object = matches!(
        step.kind,
        StepKind::Create | StepKind::CreateNetwork | StepKind::CreateVolume
    );
    Intent {
        pending: Pending {
            run: site.run.clone(),
            step: step.id.clone(),
            op: op.clone(),
            address: action.address.clone(),
            instance: step.instance,
            verb: verb.to_owned(),
            target,
        },
        shape: first_object.then(|| site.shape(action)).flatten(),
    }
}

//! From a step of the plan to the operation a provider carries out, and to what the record remembers of it.

use crate::domain::effect::{Effect, Intent};
use crate::domain::ids::{Address, Instance, OpId, ProviderId, ResourceKind};
use crate::domain::live::{LiveInstance, Status};
use crate::domain::plan::model::{Action, Step, StepKind};
use crate::domain::project::canonical::network_aliases;
use crate::domain::project::service::{Service, ServiceKind};
use crate::domain::record::{Pending, Record, RecordedInstance};
use crate::engine::site::Site;
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
    let Some(kind) = kind_of(site, action, step)? else {
        return Ok(None);
    };
    let target = target_id(&kind);
    let id = site.op_id(step, attempt);
    Ok(Some(Call::new(site, id, step.kind.as_str(), kind, target)))
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
        StepKind::Rename => OpKind::RenameInstance(target(site, action, step)?),
        StepKind::Limits => OpKind::SetLimits {
            target: target(site, action, step)?,
            limits: limits(service(site, address)?),
        },
        StepKind::Connect { network } => OpKind::Connect {
            target: target(site, action, step)?,
            network: network.clone(),
            aliases: network_aliases(service(site, address)?)
                .remove(network)
                .unwrap_or_default(),
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
        | StepKind::Adopt => return Ok(None),
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
    let recorded = site.recorded(&action.address).map(|r| &r.teardown);
    let desired = site.service(&action.address);
    let grace = recorded
        .map(|t| t.stop_grace)
        .filter(|grace| !grace.is_zero())
        .or(desired.map(|s| s.stop_grace))
        .unwrap_or(Service::STOP_GRACE);
    let signal = match recorded {
        Some(teardown) => teardown.stop_signal.clone(),
        None => desired.and_then(|s| s.stop_signal.clone()),
    };
    Ok(OpKind::StopInstance {
        target,
        grace,
        signal,
    })
}

fn limits(service: &Service) -> Limits {
    Limits {
        cpu_millis: service.cpu_millis,
        memory_bytes: service.memory_bytes,
        restart: service.restart,
    }
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
        image: service.image_reference(site.project.name.as_str()),
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
    env: Vec<(String, crate::ports::hooks::Value)>,
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
        | OpKind::RenameInstance(target)
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
        | StepKind::Unpause => Vec::new(),
    }
}

fn installed(site: &Site<'_>, address: &Address) -> Option<Effect> {
    let recipe = site.service(address)?.provisioning.as_ref()?;
    Some(Effect::Installed {
        address: address.clone(),
        manifest: recipe.manifest.clone(),
    })
}

/// Takes over what exists: a service's installation counts as done, its running instances as ready.
fn adopted(site: &Site<'_>, address: &Address) -> Vec<Effect> {
    match address.kind {
        ResourceKind::Network | ResourceKind::Volume => site
            .object_id(address)
            .map(|id| Effect::ObjectMade {
                address: address.clone(),
                id,
            })
            .into_iter()
            .collect(),
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

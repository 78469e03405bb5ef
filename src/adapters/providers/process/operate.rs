//! Carrying operations out.
//!
//! Everything happens on this machine, so an outcome is unknown only when a supervisor died while it was asked.

use std::time::Duration;

use crate::adapters::providers::process::damage::write_spec;
use crate::adapters::providers::process::files::{Reply, Request, Spec};
use crate::adapters::providers::process::folder::{GATE, remove_folder};
use crate::adapters::providers::process::instances::{self, Found, find};
use crate::adapters::providers::process::link::{self, AskError};
use crate::adapters::providers::process::provider::{ProcessProvider, broken};
use crate::adapters::providers::process::rename::rename;
use crate::adapters::providers::process::{end, ports, records};
use crate::domain::ids::ProviderId;
use crate::domain::live::Status;
use crate::domain::project::naming::network_name;
use crate::ports::provider::{
    Applied, InstanceRef, InstanceSpec, Limits, Op, OpKind, Outcome, ProviderError, Settled,
};
use rustix::process::Signal;

/// Time a supervisor gets for what needs no waiting.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// Carries one operation out.
pub(super) async fn apply(provider: &ProcessProvider, op: &Op) -> Outcome<Applied> {
    let result = match &op.kind {
        OpKind::PullImage { image } => Err(Failure::refused(
            "pull",
            image,
            "host processes have no images",
        )),
        OpKind::BuildImage { tag, .. } => Err(Failure::refused(
            "build",
            tag,
            "host processes have no images",
        )),
        OpKind::CreateNetwork { network, hash } => named(
            records::make_network(&provider.places, op, network, hash),
            "create network",
            &network.name,
        ),
        OpKind::RemoveNetwork { id } => plain(
            records::remove_network(&provider.places, id),
            "remove network",
            id.as_str(),
        ),
        OpKind::CreateVolume { volume } => named(
            records::make_volume(&provider.places, op, volume),
            "create volume",
            &volume.name,
        ),
        OpKind::RemoveVolume { id } => plain(
            records::remove_volume(&provider.places, id),
            "remove volume",
            id.as_str(),
        ),
        OpKind::CreateInstance(wish) => create(provider, op, wish).await,
        OpKind::StartInstance(target) => start(provider, target).await,
        OpKind::OpenGate(target) => open_gate(provider, target).await,
        OpKind::StopInstance {
            target,
            grace,
            signal,
        } => end::stop(provider, target, *grace, signal.as_deref()).await,
        OpKind::RemoveInstance(target) => end::remove(provider, target).await,
        OpKind::RenameInstance { target, holders } => rename(provider, op, target, holders),
        OpKind::SetLimits { target, limits } => set_limits(provider, target, *limits).await,
        OpKind::Connect {
            target,
            network,
            aliases,
        } => edit(provider, target, "connect", |spec| {
            spec.networks.insert(network.clone(), aliases.clone());
        }),
        OpKind::Disconnect { target, network } => edit(provider, target, "disconnect", |spec| {
            spec.networks
                .retain(|name, _| name != network && network_name(&op.scope, name) != *network);
        }),
        OpKind::Unpause(target) => unpause(provider, target).await,
    };
    match result {
        Ok(applied) => Outcome::Done(applied),
        Err(Failure::Known(error)) => Outcome::Failed(error),
        Err(Failure::Unknown(error)) => Outcome::Unknown(error),
    }
}

/// Names the instance an operation made or changed.
pub(super) fn acted_on<'a>(
    op: &'a Op,
    outcome: &'a Outcome<Applied>,
) -> Option<(&'a ProviderId, &'a str)> {
    match &op.kind {
        OpKind::CreateInstance(_) => match outcome {
            Outcome::Done(made) => Some((made.id.as_ref()?, made.name.as_deref()?)),
            Outcome::Failed(_) | Outcome::Unknown(_) => None,
        },
        OpKind::StartInstance(target)
        | OpKind::OpenGate(target)
        | OpKind::StopInstance { target, .. }
        | OpKind::RemoveInstance(target)
        | OpKind::RenameInstance { target, .. }
        | OpKind::SetLimits { target, .. }
        | OpKind::Connect { target, .. }
        | OpKind::Disconnect { target, .. }
        | OpKind::Unpause(target) => Some((&target.id, &target.name)),
        OpKind::PullImage { .. }
        | OpKind::BuildImage { .. }
        | OpKind::CreateNetwork { .. }
        | OpKind::RemoveNetwork { .. }
        | OpKind::CreateVolume { .. }
        | OpKind::RemoveVolume { .. } => None,
    }
}

/// Why an operation is not known to be done.
pub(super) enum Failure {
    Known(ProviderError),
    Unknown(ProviderError),
}

impl Failure {
    pub(super) fn refused(call: &str, subject: &str, cause: &str) -> Self {
        Self::Known(error(call, subject, cause))
    }

    pub(super) fn of(call: &str, found: &Found, cause: &AskError) -> Self {
        let error = error(call, &found.name, &cause.to_string());
        match cause {
            AskError::NotThere | AskError::Refused(_) => Self::Known(error),
            AskError::Lost(_) => Self::Unknown(error),
        }
    }
}

fn error(call: &str, subject: &str, cause: &str) -> ProviderError {
    ProviderError::Call {
        call: call.to_owned(),
        subject: subject.to_owned(),
        cause: cause.to_owned(),
    }
}

pub(super) type Applying = Result<Applied, Failure>;

fn named(made: std::io::Result<String>, call: &str, subject: &str) -> Applying {
    let name = made.map_err(|cause| Failure::Known(broken(call, subject, &cause)))?;
    Ok(Applied {
        id: Some(ProviderId::new(&*name)),
        name: Some(name),
        ..Applied::default()
    })
}

pub(super) fn plain(done: std::io::Result<()>, call: &str, subject: &str) -> Applying {
    done.map_err(|cause| Failure::Known(broken(call, subject, &cause)))?;
    Ok(Applied::default())
}

/// Describes an instance as the result of an operation.
pub(super) fn applied(found: &Found) -> Applied {
    Applied {
        id: Some(ProviderId::new(&*found.spec.id)),
        name: Some(found.name.clone()),
        image_id: None,
        health_check: Some(found.spec.health.is_some()),
        warnings: Vec::new(),
    }
}

/// Judges an operation on something that exists by how that stands now.
pub(super) fn settled(verb: &str, target: Option<&ProviderId>, found: Option<&Found>) -> Settled {
    let standing = found.map(Found::standing);
    let runs = matches!(standing, Some(Status::Running | Status::Restarting));
    let done = match verb {
        "start" => runs,
        "stop" => !runs && standing != Some(Status::Paused),
        "remove" => target.is_some() && found.is_none(),
        "open_gate" => found.is_some_and(|found| found.folder.join(GATE).exists()),
        "unpause" => standing != Some(Status::Paused),
        // Creations were looked for by label; the rest can be done again without harm.
        _ => false,
    };
    match (done, found) {
        (true, Some(found)) => Settled::Done(applied(found)),
        (true, None) => Settled::Done(Applied::default()),
        (false, _) => Settled::NotDone,
    }
}

pub(super) fn look(
    provider: &ProcessProvider,
    target: &InstanceRef,
    call: &str,
) -> Result<Option<Found>, Failure> {
    find(&provider.places, &target.id, &target.name)
        .map_err(|cause| Failure::Known(broken(call, &target.name, &cause)))
}

pub(super) fn must(
    provider: &ProcessProvider,
    target: &InstanceRef,
    call: &str,
) -> Result<Found, Failure> {
    look(provider, target, call)?.ok_or_else(|| {
        Failure::Known(ProviderError::Missing {
            subject: format!("instance {}", target.name),
        })
    })
}

async fn create(provider: &ProcessProvider, op: &Op, wish: &InstanceSpec) -> Applying {
    let name = instances::name_of(&op.scope, wish);
    let there = instances::named(&provider.places, &name);
    if let Some(made) = there.filter(|made| made.spec.owner.op == op.id.as_str()) {
        return Ok(applied(&made));
    }
    let (found, environment) = instances::make(&provider.places, op, wish)
        .map_err(|cause| Failure::refused("create", &name, &cause))?;
    if !found.spec.secrets.is_empty() {
        // Only a supervisor's memory can keep them from now on; asked, it proves that it has them.
        let kept = match link::ensure(&provider.program, &found, Some(&environment)).await {
            Ok(()) => link::ask(&found, &Request::Reload, PATIENCE)
                .await
                .map_err(|cause| cause.to_string()),
            Err(cause) => Err(cause.to_string()),
        };
        if let Err(cause) = kept {
            let _ = remove_folder(&found.folder);
            return Err(Failure::refused("start supervisor of", &name, &cause));
        }
    }
    let mut applied = applied(&found);
    applied.warnings = remarks(wish);
    Ok(applied)
}

/// What of a service has no meaning for host processes.
fn remarks(wish: &InstanceSpec) -> Vec<String> {
    let service = &wish.service;
    let mut remarks = Vec::new();
    let name = &service.name;
    if service.user.is_some() {
        remarks.push(format!(
            "{name}: `user` has no effect on host processes, they run as whoever runs nkapp"
        ));
    }
    if !service.tmpfs.is_empty() {
        remarks.push(format!("{name}: `tmpfs` has no effect on host processes"));
    }
    if service.mounts.iter().any(|mount| mount.read_only) {
        remarks.push(format!(
            "{name}: host processes cannot be kept from writing to a read-only mount"
        ));
    }
    remarks
}

async fn start(provider: &ProcessProvider, target: &InstanceRef) -> Applying {
    let found = must(provider, target, "start")?;
    if matches!(found.standing(), Status::Running | Status::Paused) {
        return Ok(applied(&found));
    }
    if !found.supervisor_lives()
        && !found.spec.secrets.is_empty()
        && found.status.supervisor.is_some()
    {
        return Err(Failure::refused(
            "start",
            &found.name,
            "its secrets were in its supervisor's memory only, and that is gone; `nkapp deploy` makes it anew",
        ));
    }
    port_is_free(provider, &found)?;
    let reply = started(provider, &found).await?;
    let mut applied = applied(&found);
    applied.warnings = reply.warnings;
    Ok(applied)
}

/// Asks for the start; a supervisor that was just about to end is followed by another.
async fn started(provider: &ProcessProvider, found: &Found) -> Result<Reply, Failure> {
    let mut tries = 0;
    loop {
        link::ensure(&provider.program, found, None)
            .await
            .map_err(|cause| Failure::Known(broken("start supervisor of", &found.name, &cause)))?;
        match link::ask(found, &Request::Start, PATIENCE).await {
            Ok(reply) => return Ok(reply),
            Err(AskError::NotThere | AskError::Lost(_))
                if tries < 3 && end::retired(found).await =>
            {
                tries += 1;
            }
            Err(cause) => return Err(Failure::of("start", found, &cause)),
        }
    }
}

/// A port the file publishes must be free, or the instance would seem to run while somebody else answers.
fn port_is_free(provider: &ProcessProvider, found: &Found) -> Result<(), Failure> {
    let Some(port) = found.spec.port.filter(|port| !ports::is_free(*port)) else {
        return Ok(());
    };
    let others = instances::all(&provider.places).unwrap_or_default();
    let holder = others.iter().find(|other| {
        other.spec.id != found.spec.id
            && other.spec.port == Some(port)
            && other.standing() == Status::Running
    });
    let who = holder.map_or_else(
        || "another program of this host".to_owned(),
        |h| h.name.clone(),
    );
    Err(Failure::refused(
        "start",
        &found.name,
        &format!("port {port} is already in use by {who}"),
    ))
}

async fn open_gate(provider: &ProcessProvider, target: &InstanceRef) -> Applying {
    let found = must(provider, target, "open gate of")?;
    match link::ask(&found, &Request::Open, PATIENCE).await {
        Ok(reply) => Ok(Applied {
            warnings: reply.warnings,
            ..applied(&found)
        }),
        Err(cause) => Err(Failure::of("open gate of", &found, &cause)),
    }
}

fn edit(
    provider: &ProcessProvider,
    target: &InstanceRef,
    call: &str,
    change: impl FnOnce(&mut Spec),
) -> Applying {
    let mut found = must(provider, target, call)?;
    change(&mut found.spec);
    write_spec(&found.folder, &found.spec)
        .map_err(|cause| Failure::Known(broken(call, &found.name, &cause)))?;
    Ok(applied(&found))
}

async fn set_limits(provider: &ProcessProvider, target: &InstanceRef, limits: Limits) -> Applying {
    let call = "set limits of";
    let mut applied = edit(provider, target, call, |spec| {
        spec.cpu_millis = limits.cpu_millis;
        spec.memory_bytes = limits.memory_bytes;
        spec.restart = limits.restart.into();
    })?;
    let found = must(provider, target, call)?;
    match link::ask(&found, &Request::Reload, PATIENCE).await {
        Ok(reply) => {
            applied.warnings = reply.warnings;
            Ok(applied)
        }
        // Read anew at the next start.
        Err(AskError::NotThere) => Ok(applied),
        Err(AskError::Lost(_)) if end::retired(&found).await => Ok(applied),
        Err(cause) => Err(Failure::of(call, &found, &cause)),
    }
}

async fn unpause(provider: &ProcessProvider, target: &InstanceRef) -> Applying {
    let found = must(provider, target, "unpause")?;
    match link::ask(&found, &Request::Unpause, PATIENCE).await {
        Ok(_) => {}
        Err(AskError::NotThere) => {
            found.nets().signal(Signal::CONT);
        }
        Err(cause) => return Err(Failure::of("unpause", &found, &cause)),
    }
    Ok(applied(&found))
}

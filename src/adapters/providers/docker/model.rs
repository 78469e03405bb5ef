//! From what the engine reports to canonical models, in the words of `domain::project::canonical`.
//!
//! Only what can change on an existing container is reported: image reference, limits, restart policy and
//! networks. Everything else is fixed when it is made, so comparing it would tell nothing the hash does not.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::{
    ContainerConfig, ContainerInspectResponse, ContainerState, ContainerStateStatusEnum,
    EndpointSettings, HealthStatusEnum, HostConfig, Network, NetworkSettings, RestartPolicy,
    RestartPolicyNameEnum,
};

use crate::adapters::providers::docker::labels::{self, Labels};
use crate::adapters::providers::docker::limits::NO_MEMORY_LIMIT;
use crate::domain::ids::{ImageId, Lineage, OpId, ProviderId, Scope};
use crate::domain::live::{Health, LiveInstance, LiveNetwork, Status, Unplaced};
use crate::domain::model::{Field, Model, normal_image, path};
use crate::domain::project::naming;
use crate::domain::secret::Secret;

/// Names in the file of the networks that exist, by the engine's id.
#[derive(Debug, Default)]
pub(super) struct NetworkNames {
    by_id: BTreeMap<String, String>,
}

impl NetworkNames {
    /// Collects them: our own under their name in the file, foreign ones under the engine's name.
    pub(super) fn new(scope: &Scope, all: &[Network], own: &[LiveNetwork]) -> Self {
        let mut by_id: BTreeMap<String, String> = all
            .iter()
            .filter_map(|network| Some((network.id.clone()?, network.name.clone()?)))
            .collect();
        for network in own {
            let name = match &network.network {
                Some(name) => Some(name.clone()),
                None => name_in_file(scope, &network.name, naming::network_name),
            };
            if let Some(name) = name {
                by_id.insert(network.id.0.clone(), name);
            }
        }
        Self { by_id }
    }

    fn of(&self, name: &str, endpoint: &EndpointSettings) -> Option<String> {
        match endpoint.network_id.as_deref() {
            // Not started yet: the engine has only the name.
            None | Some("") => {
                let known = self.by_id.iter().find(|(_, known)| known.as_str() == name);
                Some(known.map_or_else(|| name.to_owned(), |(_, known)| known.clone()))
            }
            // A network that was removed meanwhile is not joined any more, whatever the container remembers.
            Some(id) => self.by_id.get(id).cloned(),
        }
    }
}

/// Finds the name in the file that the scope turns into `name`.
pub(super) fn name_in_file(
    scope: &Scope,
    name: &str,
    make: impl Fn(&Scope, &str) -> String,
) -> Option<String> {
    let rest = name.strip_prefix(&naming::prefix(scope))?;
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let without_digest = rest.rsplit_once('-').map_or("", |(head, _)| head);
    ["default", rest, without_digest]
        .into_iter()
        .find(|candidate| !candidate.is_empty() && make(scope, candidate) == name)
        .map(str::to_owned)
}

/// Reads one container; `None` when it does not say which instance it is.
pub(super) fn instance(
    found: &ContainerInspectResponse,
    networks: &NetworkNames,
) -> Option<LiveInstance> {
    let labels = labels_of(found);
    let id = found.id.clone()?;
    let state = found.state.clone().unwrap_or_default();
    Some(LiveInstance {
        name: name_of(found),
        service: labels.get(labels::SERVICE)?.clone(),
        instance: labels::instance(&labels)?,
        lineage: labels.get(labels::LINEAGE).map(Lineage::new),
        hash: labels.get(labels::HASH).cloned(),
        op: labels.get(labels::OP).map(OpId::new),
        status: status(&state),
        health: health(&state),
        image_id: found.image.clone().map(ImageId),
        model: live_model(found, networks, &id),
        started_at_ms: started_at(&state),
        one_off: labels.contains_key(labels::ONE_OFF),
        restarts: u32::try_from(found.restart_count.unwrap_or(0)).unwrap_or(0),
        ports: ports(found.network_settings.as_ref()),
        given: found.config.as_ref().map(given).unwrap_or_default(),
        id: ProviderId(id),
    })
}

/// Reads the variables a container was given.
pub(super) fn given(config: &ContainerConfig) -> BTreeMap<String, Secret> {
    let lines = config.env.iter().flatten();
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned())))
        .collect()
}

/// Reads a container with our labels that does not say which instance of what it is; a one-off need not.
pub(super) fn unplaced(found: &ContainerInspectResponse) -> Option<Unplaced> {
    let labels = labels_of(found);
    if labels.contains_key(labels::ONE_OFF) {
        return None;
    }
    let why = match (labels.get(labels::SERVICE), labels.get(labels::INSTANCE)) {
        (None, _) => format!("without the label {}", labels::SERVICE),
        (Some(_), None) => format!("without the label {}", labels::INSTANCE),
        (Some(_), Some(_)) if labels::instance(&labels).is_some() => return None,
        (Some(_), Some(text)) => {
            let text: String = text.chars().take(40).collect();
            format!(
                "`{text}` as {} is no number of an instance",
                labels::INSTANCE
            )
        }
    };
    Some(Unplaced {
        name: name_of(found),
        lineage: labels.get(labels::LINEAGE).map(Lineage::new),
        why,
    })
}

fn labels_of(found: &ContainerInspectResponse) -> Labels {
    let labels = found.config.as_ref().and_then(|one| one.labels.clone());
    labels.unwrap_or_default().into_iter().collect()
}

fn name_of(found: &ContainerInspectResponse) -> String {
    let name = found.name.as_deref().unwrap_or_default();
    name.trim_start_matches('/').to_owned()
}

/// Reads a container's status.
pub(super) fn status(state: &ContainerState) -> Status {
    use ContainerStateStatusEnum as S;
    match state.status {
        Some(S::RUNNING | S::STOPPING) => Status::Running,
        Some(S::PAUSED) => Status::Paused,
        Some(S::RESTARTING) => Status::Restarting,
        Some(S::EXITED) => Status::Exited(state.exit_code.unwrap_or(0)),
        Some(S::DEAD | S::REMOVING) => Status::Dead,
        Some(S::CREATED | S::EMPTY) | None => Status::Created,
    }
}

fn health(state: &ContainerState) -> Health {
    match state.health.as_ref().and_then(|health| health.status) {
        Some(HealthStatusEnum::STARTING) => Health::Starting,
        Some(HealthStatusEnum::HEALTHY) => Health::Healthy,
        Some(HealthStatusEnum::UNHEALTHY) => Health::Unhealthy,
        Some(HealthStatusEnum::NONE | HealthStatusEnum::EMPTY) | None => Health::Unchecked,
    }
}

fn started_at(state: &ContainerState) -> Option<i64> {
    let at: jiff::Timestamp = state.started_at.as_deref()?.parse().ok()?;
    Some(at.as_millisecond()).filter(|ms| *ms > 0)
}

fn live_model(found: &ContainerInspectResponse, networks: &NetworkNames, id: &str) -> Model {
    let mut model = Model::new();
    let mut put = |path: String, value: String| {
        model.insert(path, Field::plain(value));
    };
    if let Some(image) = found.config.as_ref().and_then(|c| c.image.as_deref()) {
        put(path::IMAGE.to_owned(), normal_image(image));
    }
    if let Some(host) = &found.host_config {
        put(path::CPU.to_owned(), cpu_millis(host).to_string());
        put(path::MEMORY.to_owned(), memory_bytes(host).to_string());
        put(
            path::RESTART.to_owned(),
            restart_text(host.restart_policy.as_ref()),
        );
    }
    let joined = found
        .network_settings
        .as_ref()
        .and_then(|settings| settings.networks.as_ref());
    for (name, endpoint) in joined.into_iter().flatten() {
        // `none` is how the engine says that no network is joined.
        if name == "none" {
            continue;
        }
        if let Some(network) = networks.of(name, endpoint) {
            put(
                format!("{}{network}", path::NETWORKS),
                aliases(endpoint, id),
            );
        }
    }
    model
}

/// Reads a CPU limit in thousandths of a core, whichever of the engine's two spellings was used; 0: none.
pub(super) fn cpu_millis(host: &HostConfig) -> i64 {
    match (host.nano_cpus, host.cpu_quota) {
        // A negative quota stands above a share of cores.
        (_, Some(quota)) if quota < 0 => 0,
        (Some(nano), _) if nano > 0 => nano / 1_000_000,
        (_, Some(quota)) if quota > 0 => {
            let period = host.cpu_period.filter(|p| *p > 0).unwrap_or(100_000);
            quota.saturating_mul(1000) / period
        }
        _ => 0,
    }
}

/// Reads a memory limit in bytes; 0: none.
pub(super) fn memory_bytes(host: &HostConfig) -> i64 {
    host.memory
        .filter(|bytes| (1..NO_MEMORY_LIMIT).contains(bytes))
        .unwrap_or(0)
}

/// Writes a restart policy.
pub(super) fn restart_text(policy: Option<&RestartPolicy>) -> String {
    let policy = policy.cloned().unwrap_or_default();
    match policy.name {
        Some(RestartPolicyNameEnum::ALWAYS) => "always".to_owned(),
        Some(RestartPolicyNameEnum::UNLESS_STOPPED) => "unless-stopped".to_owned(),
        Some(RestartPolicyNameEnum::ON_FAILURE) => match policy.maximum_retry_count.unwrap_or(0) {
            0 => "on-failure".to_owned(),
            count => format!("on-failure:{count}"),
        },
        Some(RestartPolicyNameEnum::NO | RestartPolicyNameEnum::EMPTY) | None => "no".to_owned(),
    }
}

/// Lists the aliases of an endpoint, without the short id the engine adds by itself.
fn aliases(endpoint: &EndpointSettings, id: &str) -> String {
    let short = id.get(..12).unwrap_or(id);
    let aliases: BTreeSet<&str> = endpoint
        .aliases
        .iter()
        .flatten()
        .map(String::as_str)
        .filter(|alias| *alias != short)
        .collect();
    aliases.into_iter().collect::<Vec<_>>().join(",")
}

fn ports(settings: Option<&NetworkSettings>) -> Vec<String> {
    let mut shown = BTreeSet::new();
    for (inner, bindings) in settings
        .and_then(|s| s.ports.as_ref())
        .into_iter()
        .flatten()
    {
        for binding in bindings.iter().flatten() {
            let host = match binding.host_ip.as_deref() {
                None | Some("" | "::") => "0.0.0.0",
                Some(host) => host,
            };
            let port = binding.host_port.as_deref().unwrap_or_default();
            let inner = inner.strip_suffix("/tcp").unwrap_or(inner);
            shown.insert(format!("{host}:{port}->{inner}"));
        }
    }
    shown.into_iter().collect()
}

/// Reads a network.
pub(super) fn network(found: &Network) -> Model {
    let mut model = Model::new();
    let subnet = found
        .ipam
        .iter()
        .flat_map(|ipam| ipam.config.iter().flatten())
        .find_map(|config| config.subnet.clone());
    if let Some(subnet) = subnet {
        model.insert("cidr".to_owned(), Field::plain(subnet));
    }
    model.insert(
        "internal".to_owned(),
        Field::plain(found.internal.unwrap_or(false).to_string()),
    );
    model
}

/// Reads a volume: only the user's labels can be told apart from one another.
pub(super) fn volume(labels: &Labels) -> Model {
    labels
        .iter()
        .filter(|(key, _)| !key.starts_with("nk-"))
        .map(|(key, value)| (format!("labels.{key}"), Field::plain(value.clone())))
        .collect()
}

#[cfg(test)]
mod tests;

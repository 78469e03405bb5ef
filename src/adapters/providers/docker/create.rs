//! From a desired instance to the body of a create call.
//!
//! Pure: the same values give the same container. Secrets end up in variables and nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig, Mount, MountType,
    MountVolumeOptions, NetworkingConfig, PortBinding, RestartPolicy as EnginePolicy,
    RestartPolicyNameEnum,
};

use crate::adapters::providers::docker::gate;
use crate::adapters::providers::docker::labels::{self, Labels};
use crate::adapters::providers::docker::seen::ImageFacts;
use crate::domain::project::health::{HealthCheck, Probe};
use crate::domain::project::naming;
use crate::domain::project::service::{MountSource, RestartPolicy, Service};
use crate::ports::provider::{InstanceSpec, Op, volume_variable};

/// Everything needed to make a container.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    /// Its name.
    pub(super) name: String,
    /// The body of the call; joins the first network.
    pub(super) body: ContainerCreateBody,
    /// Networks still to join, with the endpoint there: older engines take only one in the body.
    pub(super) further: Vec<(String, EndpointSettings)>,
}

/// Writes the recipe. `facts` are needed for a gated instance and ignored otherwise.
pub(super) fn recipe(
    op: &Op,
    spec: &InstanceSpec,
    facts: Option<&ImageFacts>,
) -> Result<Recipe, String> {
    let service = &spec.service;
    let image = spec
        .image
        .clone()
        .ok_or_else(|| format!("service `{}` names no image", service.name))?;
    let (entrypoint, command) = program(spec, facts)?;
    let mut endpoints = endpoints(op, spec).into_iter();
    let first = endpoints.next();
    let mut host = host_config(op, spec);
    host.network_mode = Some(match &first {
        Some((network, _)) => network.clone(),
        None => "none".to_owned(),
    });
    let body = ContainerCreateBody {
        image: Some(image),
        entrypoint,
        cmd: command,
        env: Some(variables(spec)),
        labels: Some(labels_of(op, spec).into_iter().collect()),
        user: service.user.clone(),
        working_dir: service.working_dir.clone(),
        exposed_ports: inner_port(spec).map(|port| vec![format!("{port}/tcp")]),
        healthcheck: healthcheck(spec),
        stop_signal: service.stop_signal.clone(),
        stop_timeout: i64::try_from(service.stop_grace.as_secs()).ok(),
        host_config: Some(host),
        networking_config: first.map(|(network, endpoint)| NetworkingConfig {
            endpoints_config: Some([(network, endpoint)].into_iter().collect()),
        }),
        ..ContainerCreateBody::default()
    };
    Ok(Recipe {
        name: container_name(op, spec),
        body,
        further: endpoints.collect(),
    })
}

/// Tells whether the engine itself will check the instance; `None`: the image decides.
pub(super) fn checked_by_engine(spec: &InstanceSpec) -> Option<bool> {
    if spec.one_off.is_some() {
        return Some(false);
    }
    let check = spec.service.healthcheck.as_ref()?;
    Some(match check.probe {
        Probe::Command(_) | Probe::Shell(_) => true,
        Probe::None | Probe::Http { .. } | Probe::Tcp { .. } => false,
    })
}

/// Returns the endpoint of an instance on one network, all its aliases included.
pub(super) fn endpoint(aliases: &BTreeSet<String>) -> EndpointSettings {
    EndpointSettings {
        aliases: Some(aliases.iter().cloned().collect()),
        ..EndpointSettings::default()
    }
}

fn container_name(op: &Op, spec: &InstanceSpec) -> String {
    let name = naming::instance_name(&op.scope, &spec.service.name, spec.instance);
    match spec.one_off {
        // A one-off left behind by a killed run must not stand in the way of the next.
        Some(_) => {
            let tail: String = op
                .id
                .0
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .collect();
            let start = tail.len().saturating_sub(8);
            format!("{name}-once-{}", tail.get(start..).unwrap_or(&tail))
        }
        None => name,
    }
}

/// Decides entry point and command; `None` leaves the image's own.
type Program = (Option<Vec<String>>, Option<Vec<String>>);

fn program(spec: &InstanceSpec, facts: Option<&ImageFacts>) -> Result<Program, String> {
    let service = &spec.service;
    if let Some(argv) = &spec.one_off {
        return Ok((Some(argv.clone()), None));
    }
    if !spec.gated {
        return Ok((service.entrypoint.clone(), service.command.clone()));
    }
    let facts = facts.ok_or("the image was not looked at")?;
    // As in the engine: an entry point of the file drops the image's command, a command drops only that.
    let command = match (&service.command, &service.entrypoint) {
        (Some(command), _) => command.clone(),
        (None, Some(_)) => Vec::new(),
        (None, None) => facts.command.clone(),
    };
    let mut main = service
        .entrypoint
        .clone()
        .unwrap_or_else(|| facts.entrypoint.clone());
    main.extend(command);
    if main.is_empty() {
        return Err(format!(
            "neither service `{}` nor its image says what to run; set `start`",
            service.name
        ));
    }
    Ok((Some(gate::entrypoint()), Some(main)))
}

fn variables(spec: &InstanceSpec) -> Vec<String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for mount in &spec.service.mounts {
        if let MountSource::Volume(name) = &mount.source {
            all.insert(volume_variable(name), mount.target.clone());
        }
    }
    if let Some(port) = spec.service.expose {
        all.insert("PORT".to_owned(), port.to_string());
    }
    for sibling in &spec.siblings {
        if let Some(port) = sibling.inner {
            let name = &sibling.name;
            all.insert(url_variable(name), format!("http://{name}:{port}"));
        }
    }
    // Whatever the file or the engine says wins over what we add.
    for (name, value) in &spec.env {
        all.insert(name.clone(), value.expose().to_owned());
    }
    all.into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn url_variable(service: &str) -> String {
    volume_variable(service).replacen("NANOKIT_VOLUME_", "NANOKIT_URL_", 1)
}

fn labels_of(op: &Op, spec: &InstanceSpec) -> Labels {
    let mut all = spec.service.labels.clone();
    all.extend(labels::of_op(op));
    all.insert(labels::SERVICE.to_owned(), spec.service.name.clone());
    all.insert(labels::INSTANCE.to_owned(), spec.instance.to_string());
    all.insert(labels::HASH.to_owned(), spec.hash.clone());
    if spec.one_off.is_some() {
        all.insert(labels::ONE_OFF.to_owned(), "true".to_owned());
    }
    all
}

fn inner_port(spec: &InstanceSpec) -> Option<u16> {
    spec.service.expose.or(spec.service.port)
}

fn endpoints(op: &Op, spec: &InstanceSpec) -> Vec<(String, EndpointSettings)> {
    let service = &spec.service;
    service
        .networks
        .iter()
        .map(|(network, aliases)| {
            let mut aliases = aliases.clone();
            aliases.insert(service.name.clone());
            // A one-off must not answer under the service's name.
            if spec.one_off.is_some() {
                aliases.clear();
            }
            (naming::network_name(&op.scope, network), endpoint(&aliases))
        })
        .collect()
}

fn host_config(op: &Op, spec: &InstanceSpec) -> HostConfig {
    let service = &spec.service;
    let one_off = spec.one_off.is_some();
    HostConfig {
        mounts: Some(mounts(op, service)),
        tmpfs: Some(
            service
                .tmpfs
                .iter()
                .map(|path| (path.clone(), String::new()))
                .collect(),
        ),
        port_bindings: port_binding(spec).map(|binding| [binding].into_iter().collect()),
        nano_cpus: service.cpu_millis.map(nano_cpus),
        memory: service.memory_bytes.map(bytes),
        restart_policy: Some(restart_policy(if one_off {
            RestartPolicy::No
        } else {
            service.restart
        })),
        init: needs_init(spec).then_some(true),
        ..HostConfig::default()
    }
}

/// A small init hands signals on and reaps, where the file says what to run. An image that brings its own
/// program is left as it is: it may insist on being process 1.
fn needs_init(spec: &InstanceSpec) -> bool {
    let service = &spec.service;
    spec.one_off.is_some() || service.command.is_some() || service.entrypoint.is_some()
}

fn mounts(op: &Op, service: &Service) -> Vec<Mount> {
    service
        .mounts
        .iter()
        .map(|mount| {
            let (typ, source, volume_options) = match &mount.source {
                MountSource::Volume(name) => (
                    MountType::VOLUME,
                    naming::volume_name(&op.scope, name),
                    Some(if_missing(op, name)),
                ),
                MountSource::Bind { path, .. } => {
                    (MountType::BIND, path.to_string_lossy().into_owned(), None)
                }
            };
            Mount {
                typ: Some(typ),
                source: Some(source),
                target: Some(mount.target.clone()),
                read_only: Some(mount.read_only),
                volume_options,
                ..Mount::default()
            }
        })
        .collect()
}

/// The engine makes a volume that vanished in the meantime anew, without a word: then it is ours all the same. It
/// bears no operation, for the operation made the container.
fn if_missing(op: &Op, volume: &str) -> MountVolumeOptions {
    let mut labels = labels::of_scope(&op.scope);
    labels.insert(labels::LINEAGE.to_owned(), op.lineage.0.clone());
    labels.insert(labels::VOLUME.to_owned(), volume.to_owned());
    MountVolumeOptions {
        labels: Some(labels.into_iter().collect()),
        ..MountVolumeOptions::default()
    }
}

fn port_binding(spec: &InstanceSpec) -> Option<(String, Option<Vec<PortBinding>>)> {
    if spec.one_off.is_some() {
        return None;
    }
    let port = spec.service.port?;
    let inner = inner_port(spec)?;
    let binding = PortBinding {
        host_ip: None,
        host_port: Some(port.to_string()),
    };
    Some((format!("{inner}/tcp"), Some(vec![binding])))
}

fn healthcheck(spec: &InstanceSpec) -> Option<HealthConfig> {
    let none = HealthConfig {
        test: Some(vec!["NONE".to_owned()]),
        ..HealthConfig::default()
    };
    if spec.one_off.is_some() {
        return Some(none);
    }
    let check = spec.service.healthcheck.as_ref()?;
    let test = match &check.probe {
        Probe::Command(argv) => prefixed("CMD", argv),
        Probe::Shell(line) => vec!["CMD-SHELL".to_owned(), line.clone()],
        // We ask ourselves; a verdict of the image's own check would only contradict.
        Probe::None | Probe::Http { .. } | Probe::Tcp { .. } => return Some(none),
    };
    Some(HealthConfig {
        test: Some(test),
        interval: Some(nanos(check.interval)),
        timeout: Some(nanos(check.timeout)),
        retries: Some(i64::from(check.retries)),
        start_period: Some(nanos(check.start_period)),
        start_interval: start_interval(check),
    })
}

/// Engines from 25 on probe faster during the start period; older ones ignore the field.
fn start_interval(check: &HealthCheck) -> Option<i64> {
    (!check.start_period.is_zero()).then(|| nanos(check.interval.min(Duration::from_secs(1))))
}

fn prefixed(word: &str, argv: &[String]) -> Vec<String> {
    let mut test = vec![word.to_owned()];
    test.extend_from_slice(argv);
    test
}

/// Turns a policy of the file into the engine's.
pub(super) fn restart_policy(policy: RestartPolicy) -> EnginePolicy {
    let (name, count) = match policy {
        RestartPolicy::No => (RestartPolicyNameEnum::NO, None),
        RestartPolicy::Always => (RestartPolicyNameEnum::ALWAYS, None),
        RestartPolicy::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
        RestartPolicy::OnFailure(count) => {
            (RestartPolicyNameEnum::ON_FAILURE, Some(i64::from(count)))
        }
    };
    EnginePolicy {
        name: Some(name),
        maximum_retry_count: count,
    }
}

/// Thousandths of a core as the engine's billionths.
fn nano_cpus(millis: u64) -> i64 {
    bytes(millis).saturating_mul(1_000_000)
}

/// Bytes as the engine's signed number.
pub(super) fn bytes(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;

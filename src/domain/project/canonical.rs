//! Resources as canonical models, and the digests over them.
//!
//! One function writes each model, for the difference, the record and the hash alike, so the three can never
//! disagree. Defaults are written out, sets are sorted, image names are in full: two spellings of one thing give
//! one model. Nothing in here reads the world; secrets come in as keyed digests.
//!
//! # Canonical text, field by field
//!
//! Providers report live fields in the same words. A path that is absent from a live model was **not observed**
//! and is never a difference; the exception is `networks.*` of a provider that can join and leave networks
//! (`Capabilities::networks_in_place`): it reports every joined network, so an absent one is left. Live paths the
//! desired model does not know are ignored, `networks.*` again excepted: a foreign network joined is drift.
//!
//! | path | text | change asks for |
//! |---|---|---|
//! | `image` | [`normal_image`] of the reference (for a live instance: the reference it was made of) | new instance |
//! | `build` | digest of the build, absent without one | new instance |
//! | `kind` | `service`, `job` | new instance |
//! | `command`, `entrypoint` | [`argv_text`](text::argv_text): `["sh", "-c", "…"]`; absent: the image's own | new instance |
//! | `env.NAME` | the value; for a secret its keyed digest, marked sensitive. Only variables of the file, never `NANOKIT_*` | new instance |
//! | `port`, `expose` | decimal; absent without one | new instance |
//! | `mounts.TARGET` | [`mount_text`](text::mount_text): `volume:NAME` (name in the file) or `bind:PATH`, with `:ro` | new instance |
//! | `files.TARGET` | content digest of a bound file | new instance |
//! | `tmpfs.PATH` | `yes` | new instance |
//! | `healthcheck.test`, `.interval`, `.timeout`, `.retries`, `.start_period` | [`argv_text`](text::argv_text) with `CMD`, `CMD-SHELL` or `NONE` in front; milliseconds; decimal | new instance |
//! | `probe.*` | an HTTP or TCP check, which nanokit runs itself: the same with `http:PORT/PATH`, `tcp:PORT` | nothing |
//! | `user`, `working_dir`, `stop_signal` (`SIGTERM`) | as written | new instance |
//! | `labels.KEY` | value of a label of the file | new instance |
//! | `cpu` | thousandths of a core, `0`: no limit | in place |
//! | `memory` | bytes, `0`: no limit | in place |
//! | `restart` | [`restart_text`](text::restart_text) | in place |
//! | `networks.NAME` | sorted aliases with commas; NAME is the name in the file, for a foreign network the provider's name. Only endpoints whose network still exists | in place |
//! | `depends_on.NAME` | `started`, `healthy`, `completed`, with `:optional` | nothing |
//! | `hooks.PHASE.N`, `provisioning.*`, `instances`, `scale.*`, `update_strategy`, `stop_grace_period`, `host`, `runtime` | as below | nothing |
//! | `provisioning.manifest` | the `HASH` of the sentinel | new instance |
//! | networks: `cidr` (absent: the platform's choice; then a live one is no difference), `internal` | CIDR; `true`, `false` | new network |
//! | volumes: `labels.KEY` | value | nothing: a volume is never re-made for a label |
//!
//! `status` and `name` are not part of a model: they are fields of `LiveInstance`. Aliases a live instance has
//! beyond the wanted ones (Docker adds the short id) are no difference.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::domain::ids::Digest;
use crate::domain::model::{Field, FieldClass, HASH_SCHEMA, Model, field_class, normal_image};
use crate::domain::project::canonical::lifecycle::{write_health, write_hooks, write_provisioning};
use crate::domain::project::canonical::procedure::feed_procedures;
use crate::domain::project::canonical::text::{
    aliases_text, argv_text, hex, millis, mount_text, restart_text,
};
use crate::domain::project::project::{Network, Project, Volume};
use crate::domain::project::service::{
    Condition, EnvValue, MountSource, Service, ServiceKind, UpdateStrategy,
};
use crate::domain::secret::SecretRef;

mod lifecycle;
mod links;
pub mod procedure;
pub mod text;

/// Keyed digests of the secrets the project refers to, made by the engine with the record's key.
pub type SecretDigests = BTreeMap<SecretRef, Digest>;

/// Writes the canonical model of a service.
///
/// A secret without a digest (none resolved yet, before the first deploy) is marked as such: it equals no digest.
#[must_use]
pub fn service_model(service: &Service, project: &Project, digests: &SecretDigests) -> Model {
    write_service(service, project, &|secret| match digests.get(secret) {
        Some(digest) => Field::secret(digest),
        None => Field {
            value: "unresolved".to_owned(),
            sensitive: true,
        },
    })
}

/// Writes the canonical model of a network.
#[must_use]
pub fn network_model(network: &Network) -> Model {
    let mut model = Model::new();
    if let Some(cidr) = &network.cidr {
        put(&mut model, "cidr", cidr.clone());
    }
    put(&mut model, "internal", network.internal.to_string());
    model
}

/// Writes the canonical model of a volume.
#[must_use]
pub fn volume_model(volume: &Volume) -> Model {
    let mut model = Model::new();
    for (key, value) in &volume.labels {
        put(&mut model, &format!("labels.{key}"), value.clone());
    }
    model
}

/// Hashes the fields that need a new instance: `1:HEX`, the version of the rules in front.
#[must_use]
pub fn recreate_hash(model: &Model) -> String {
    let mut hasher = Sha256::new();
    for (path, field) in model {
        if field_class(path) == FieldClass::Recreate {
            feed(&mut hasher, path);
            feed(&mut hasher, &field.value);
        }
    }
    format!("{HASH_SCHEMA}:{}", hex(&hasher.finalize()))
}

/// Tells whether a hash was made by the rules of today.
#[must_use]
pub fn hash_is_current(hash: &str) -> bool {
    hash.split_once(':')
        .is_some_and(|(schema, _)| schema.parse() == Ok(HASH_SCHEMA))
}

/// Writes the canonical models of all services, by name.
#[must_use]
pub fn service_models(project: &Project, digests: &SecretDigests) -> BTreeMap<String, Model> {
    let services = project.services.values();
    services
        .map(|service| {
            (
                service.name.clone(),
                service_model(service, project, digests),
            )
        })
        .collect()
}

/// Hashes the whole merged project: what it asks for, with secrets as references, never the file's bytes.
#[must_use]
pub fn config_hash(project: &Project) -> Digest {
    config_hash_of(project, &BTreeMap::new())
}

/// The same, with the models of services where they are written already.
#[must_use]
pub fn config_hash_of(project: &Project, models: &BTreeMap<String, Model>) -> Digest {
    let mut hasher = Sha256::new();
    let component = project.component.as_ref().map_or("", |c| c.as_str());
    let provider = project.provider.map_or("", |p| p.as_str());
    let version = project.version.as_deref().unwrap_or_default();
    let shared = project.shared_infra.to_string();
    for part in [
        project.name.as_str(),
        component,
        project.env.as_str(),
        provider,
        version,
        &shared,
    ] {
        feed(&mut hasher, part);
    }
    for network in project.networks.values() {
        feed_model(
            &mut hasher,
            "network",
            &network.name,
            &network_model(network),
        );
    }
    for volume in project.volumes.values() {
        feed_model(&mut hasher, "volume", &volume.name, &volume_model(volume));
    }
    for service in project.services.values() {
        let name = &service.name;
        match models.get(name).filter(|_| !has_secrets(service)) {
            Some(model) => feed_model(&mut hasher, "service", name, model),
            None => {
                let reference = |secret: &SecretRef| Field::plain(secret.to_string());
                let model = write_service(service, project, &reference);
                feed_model(&mut hasher, "service", name, &model);
            }
        }
    }
    links::feed_links(&mut hasher, project);
    feed_procedures(&mut hasher, project);
    Digest(hex(&hasher.finalize()))
}

fn has_secrets(service: &Service) -> bool {
    let secret = |value: &EnvValue| matches!(value, EnvValue::Secret(_));
    service.env.values().any(secret)
}

/// Returns the aliases a service's instances have on each network it joins, its own name always among them.
#[must_use]
pub fn network_aliases(service: &Service) -> BTreeMap<String, BTreeSet<String>> {
    service
        .networks
        .iter()
        .map(|(network, aliases)| {
            let mut all = aliases.clone();
            all.insert(service.name.clone());
            (network.clone(), all)
        })
        .collect()
}

/// Returns the reference of the image a service's instances are made of, in full.
#[must_use]
pub fn image_of(service: &Service, project: &Project) -> Option<String> {
    service
        .image_reference(project.name.as_str())
        .map(|image| normal_image(&image))
}

/// Returns every image reference of the project in full, those of installations included: what `observe` resolves.
#[must_use]
pub fn wanted_images(project: &Project) -> BTreeSet<String> {
    let own = project
        .services
        .values()
        .filter_map(|s| image_of(s, project));
    let install = project.services.values().filter_map(|service| {
        let image = service.provisioning.as_ref()?.image.as_deref()?;
        Some(normal_image(image))
    });
    own.chain(install).collect()
}

fn write_service(
    service: &Service,
    project: &Project,
    secret: &dyn Fn(&SecretRef) -> Field,
) -> Model {
    let mut model = Model::new();
    write_image(&mut model, service, project);
    write_process(&mut model, service);
    for (name, value) in &service.env {
        let field = match value {
            EnvValue::Plain(text) => Field::plain(text.clone()),
            EnvValue::Secret(reference) => secret(reference),
        };
        model.insert(format!("env.{name}"), field);
    }
    write_mounts(&mut model, service);
    for (network, aliases) in network_aliases(service) {
        put(
            &mut model,
            &format!("networks.{network}"),
            aliases_text(&aliases),
        );
    }
    if let Some(check) = &service.healthcheck {
        write_health(&mut model, check);
    }
    put_number(&mut model, "cpu", service.cpu_millis.unwrap_or(0));
    put_number(&mut model, "memory", service.memory_bytes.unwrap_or(0));
    put(&mut model, "restart", restart_text(service.restart));
    write_client(&mut model, service);
    write_hooks(&mut model, service);
    write_provisioning(&mut model, service);
    model
}

fn write_image(model: &mut Model, service: &Service, project: &Project) {
    if let Some(image) = image_of(service, project) {
        put(model, "image", image);
    }
    if let Some(build) = &service.build {
        put(model, "build", build.digest.0.clone());
    }
}

fn write_process(model: &mut Model, service: &Service) {
    let kind = match service.kind {
        ServiceKind::Service => "service",
        ServiceKind::Job => "job",
    };
    put(model, "kind", kind);
    for (path, argv) in [
        ("command", &service.command),
        ("entrypoint", &service.entrypoint),
    ] {
        if let Some(argv) = argv {
            put(model, path, argv_text(argv));
        }
    }
    for (path, port) in [("port", service.port), ("expose", service.expose)] {
        if let Some(port) = port {
            put_number(model, path, u64::from(port));
        }
    }
    let with_path = service
        .mounts
        .iter()
        .any(|m| m.target == Service::PATH_TARGET);
    let folder = match &service.working_dir {
        Some(folder) => Some(folder.as_str()),
        None => with_path.then_some(Service::PATH_TARGET),
    };
    for (path, text) in [("user", service.user.as_deref()), ("working_dir", folder)] {
        if let Some(text) = text {
            put(model, path, text);
        }
    }
    if let Some(signal) = &service.stop_signal {
        let upper = signal.to_ascii_uppercase();
        let full = if upper.starts_with("SIG") || upper.starts_with(|c: char| c.is_ascii_digit()) {
            upper
        } else {
            format!("SIG{upper}")
        };
        put(model, "stop_signal", full);
    }
    for (key, value) in &service.labels {
        put(model, &format!("labels.{key}"), value.clone());
    }
}

fn write_mounts(model: &mut Model, service: &Service) {
    for mount in &service.mounts {
        put(
            model,
            &format!("mounts.{}", mount.target),
            mount_text(mount),
        );
        if let MountSource::Bind {
            content: Some(content),
            ..
        } = &mount.source
        {
            put(model, &format!("files.{}", mount.target), content.0.clone());
        }
    }
    for path in &service.tmpfs {
        put(model, &format!("tmpfs.{path}"), "yes");
    }
}

fn write_client(model: &mut Model, service: &Service) {
    for (name, edge) in &service.depends_on {
        let condition = match edge.condition {
            Condition::Started => "started",
            Condition::Healthy => "healthy",
            Condition::Completed => "completed",
        };
        let text = if edge.required {
            condition.to_owned()
        } else {
            format!("{condition}:optional")
        };
        put(model, &format!("depends_on.{name}"), text);
    }
    put_number(model, "instances", u64::from(service.instances));
    for (name, bound) in [
        ("min", service.scale.min),
        ("max", service.scale.max),
        ("cpu_threshold", service.scale.cpu_threshold),
    ] {
        if let Some(bound) = bound {
            put_number(model, &format!("scale.{name}"), u64::from(bound));
        }
    }
    let strategy = match service.update_strategy {
        UpdateStrategy::Recreate => "recreate",
        UpdateStrategy::Rolling => "rolling",
    };
    put(model, "update_strategy", strategy);
    put(model, "stop_grace_period", millis(service.stop_grace));
    if !service.hosts.is_empty() {
        let hosts: BTreeSet<String> = service.hosts.iter().cloned().collect();
        put(model, "host", aliases_text(&hosts));
    }
    if let Some(runtime) = &service.runtime {
        put(model, "runtime", runtime.clone());
    }
}

fn put(model: &mut Model, path: &str, value: impl Into<String>) {
    model.insert(path.to_owned(), Field::plain(value));
}
fn put_number(model: &mut Model, path: &str, value: u64) {
    put(model, path, value.to_string());
}
fn feed_model(hasher: &mut Sha256, kind: &str, name: &str, model: &Model) {
    feed(hasher, kind);
    feed(hasher, name);
    hasher.update((model.len() as u64).to_be_bytes());
    for (path, field) in model {
        feed(hasher, path);
        feed(hasher, &field.value);
    }
}
/// Length first, so that no two lists of texts feed the same bytes.
fn feed(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}
#[cfg(test)]
mod tests;

//! What a host process is told and where it starts.
//!
//! Nothing of our own environment passes but an allow-list: tokens and keys of whoever runs `nkapp` are not
//! the services'. Mount targets mean nothing on a host, so folders are told by variables instead.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::adapters::providers::process::files::Mounted;
use crate::adapters::providers::process::folder::Places;
use crate::adapters::providers::process::ports;
use crate::domain::ids::{Instance, Scope};
use crate::domain::project::naming::volume_name;
use crate::domain::project::service::{MountSource, Service};
use crate::ports::hooks::Value;
use crate::ports::provider::{InstanceSpec, Sibling, volume_variable};

/// Variables of the host that pass.
const PASSED: [&str; 8] = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "TZ",
];
const FALLBACK_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Plain variables, and secret ones apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    pub(super) plain: BTreeMap<String, String>,
    pub(super) secret: Vec<(String, Value)>,
}

impl Environment {
    pub(super) fn secret_names(&self) -> BTreeSet<String> {
        self.secret.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// Variables of ours that pass to every instance.
pub(super) fn of_host() -> BTreeMap<String, String> {
    let mut passed: BTreeMap<String, String> = PASSED
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
        .collect();
    passed
        .entry("PATH".into())
        .or_insert_with(|| FALLBACK_PATH.into());
    passed
}

/// Where the content of each mount is, by target.
pub(super) fn mounts(
    places: &Places,
    scope: &Scope,
    service: &Service,
) -> BTreeMap<String, Mounted> {
    service
        .mounts
        .iter()
        .map(|mount| {
            let (volume, folder) = match &mount.source {
                MountSource::Volume(name) => (
                    Some(name.clone()),
                    places.volumes().join(volume_name(scope, name)),
                ),
                MountSource::Bind { path, .. } => (None, places.root.join(path)),
            };
            let mounted = Mounted {
                volume,
                folder,
                read_only: mount.read_only,
            };
            (mount.target.clone(), mounted)
        })
        .collect()
}

/// Finds the folder of the host that a path inside an instance stands for.
///
/// 1. Below a mount target: the mounted folder. 2. A folder of the host. 3. The project's folder.
pub(super) fn host_folder(
    inside: Option<&str>,
    mounts: &BTreeMap<String, Mounted>,
    root: &Path,
) -> PathBuf {
    let wanted = inside.unwrap_or(Service::PATH_TARGET);
    let below = mounts
        .iter()
        .filter_map(|(target, mount)| {
            let rest = Path::new(wanted).strip_prefix(target).ok()?;
            // Joining nothing would add a slash.
            let folder = match rest.as_os_str().is_empty() {
                true => mount.folder.clone(),
                false => mount.folder.join(rest),
            };
            Some((target.len(), folder))
        })
        .max_by_key(|(length, _)| *length);
    match (below, inside) {
        (Some((_, folder)), _) => folder,
        (None, Some(path)) if root.join(path).is_dir() => root.join(path),
        (None, _) => root.to_path_buf(),
    }
}

/// The port of each living instance of each service, by instance number.
pub(super) type Ports = BTreeMap<String, BTreeMap<u32, u16>>;

/// Puts the environment of an instance together.
pub(super) fn of_instance(
    spec: &InstanceSpec,
    scope: &Scope,
    port: Option<u16>,
    mounts: &BTreeMap<String, Mounted>,
    known_ports: &Ports,
) -> Environment {
    let mut environment = Environment {
        plain: of_host(),
        secret: Vec::new(),
    };
    for (name, value) in &spec.env {
        match value {
            Value::Plain(text) => {
                environment.plain.insert(name.clone(), text.clone());
            }
            Value::Secret(_) => {
                environment.plain.remove(name);
                environment.secret.push((name.clone(), value.clone()));
            }
        }
    }
    for mount in mounts.values() {
        if let Some(volume) = &mount.volume {
            let folder = mount.folder.to_string_lossy().into_owned();
            environment.plain.insert(volume_variable(volume), folder);
        }
    }
    if let Some(port) = port {
        environment.plain.insert("PORT".into(), port.to_string());
        environment.secret.retain(|(name, _)| name != "PORT");
    }
    for sibling in &spec.siblings {
        let known = known_ports.get(&sibling.name);
        let numbers: Vec<u16> = match known.filter(|known| !known.is_empty()) {
            Some(known) => known.values().copied().collect(),
            None => expected_port(spec, scope, sibling).into_iter().collect(),
        };
        environment.plain.extend(addresses(&sibling.name, &numbers));
    }
    environment
}

/// Where a service that is not there yet is going to listen, unless its port is taken then.
fn expected_port(spec: &InstanceSpec, scope: &Scope, sibling: &Sibling) -> Option<u16> {
    if sibling.published.is_some() {
        return sibling.published;
    }
    let inner = sibling.inner?;
    let others = spec.siblings.iter().filter(|one| one.name != sibling.name);
    let mut others = others.map(|one| one.inner).chain([inner_port(spec)]);
    let alone = others.all(|other| other != Some(inner));
    let first = Instance(0);
    Some(ports::first_choice(
        scope,
        &sibling.name,
        first,
        Some(inner),
        alone,
    ))
}

fn inner_port(spec: &InstanceSpec) -> Option<u16> {
    spec.service.expose.or(spec.service.port)
}

/// The variables that tell where a service listens; the first port is its lowest instance's.
fn addresses(service: &str, ports: &[u16]) -> Vec<(String, String)> {
    let suffix = volume_variable(service).replacen("NANOKIT_VOLUME_", "", 1);
    let url = |port: &u16| format!("http://127.0.0.1:{port}");
    let Some(first) = ports.first() else {
        return Vec::new();
    };
    let all: Vec<String> = ports.iter().map(url).collect();
    vec![
        (format!("NANOKIT_HOST_{suffix}"), "127.0.0.1".to_owned()),
        (format!("NANOKIT_PORT_{suffix}"), first.to_string()),
        (format!("NANOKIT_URL_{suffix}"), url(first)),
        (format!("NANOKIT_URLS_{suffix}"), all.join(",")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_inside_are_found_through_the_mounts() {
        let mount = |folder: &str| Mounted {
            volume: None,
            folder: PathBuf::from(folder),
            read_only: false,
        };
        let mounts = BTreeMap::from([
            ("/app".to_owned(), mount("/home/me/api")),
            ("/app/data".to_owned(), mount("/srv/data")),
        ]);
        let root = Path::new("/nowhere/project");
        let cases = [
            (None, "/home/me/api"),
            (Some("/app/src"), "/home/me/api/src"),
            (Some("/app/data/x"), "/srv/data/x"),
            (Some("/application"), "/nowhere/project"),
            (Some("/"), "/"),
        ];
        for (inside, expected) in cases {
            assert_eq!(
                host_folder(inside, &mounts, root).as_os_str(),
                expected,
                "{inside:?}"
            );
        }
        assert_eq!(host_folder(None, &BTreeMap::new(), root), root);
    }

    #[test]
    fn siblings_are_told_by_variables() {
        assert_eq!(
            addresses("my-api", &[21_000, 22_000]),
            [
                ("NANOKIT_HOST_MY_API", "127.0.0.1"),
                ("NANOKIT_PORT_MY_API", "21000"),
                ("NANOKIT_URL_MY_API", "http://127.0.0.1:21000"),
                (
                    "NANOKIT_URLS_MY_API",
                    "http://127.0.0.1:21000,http://127.0.0.1:22000"
                ),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }
}

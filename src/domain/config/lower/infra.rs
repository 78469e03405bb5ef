//! Platform, networks, volumes, and the shared secrets nobody takes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::domain::config::lower::Lower;
use crate::domain::config::lower::pairs::pairs;
use crate::domain::config::near::suggestion;
use crate::domain::config::scalar;
use crate::domain::config::table::{PROVIDERS, PROVIDERS_LATER};
use crate::domain::config::tree::Node;
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::project::project::{Network, Origin, Project, ProviderKind, Volume};

/// What the `infra` block says.
#[derive(Default)]
pub(crate) struct Infra {
    /// Platform.
    pub(crate) provider: Option<ProviderKind>,
    /// `shared`.
    pub(crate) shared: bool,
    /// `lockLease`.
    pub(crate) lock_lease: Option<Duration>,
}

/// Shortest and longest lease: below, a busy machine would lose its own lock; above, a dead holder would be waited for.
const LEASES: RangeInclusive<Duration> = Duration::from_secs(3)..=Duration::from_secs(3600);

/// Reads the `infra` block.
pub(crate) fn infra(lower: &mut Lower<'_>) -> Infra {
    let Some(node) = lower.root.get("infra") else {
        return Infra::default();
    };
    if let Some(provider) = node.get("provider") {
        lower
            .origins
            .insert("infra.provider".into(), Origin::File(provider.span));
    }
    Infra {
        provider: provider(lower, node),
        shared: node
            .text_of("shared")
            .and_then(scalar::boolean)
            .unwrap_or(false),
        lock_lease: lock_lease(lower, node),
    }
}

fn lock_lease(lower: &mut Lower<'_>, infra: &Node) -> Option<Duration> {
    let node = infra.get("lockLease")?;
    let lease = node.text().and_then(scalar::duration)?;
    if LEASES.contains(&lease) {
        return Some(lease);
    }
    let text = "`infra.lockLease` must be from `3s` to `1h`".to_owned();
    lower.error("NK0204", text, node.span, "not a lease that can be kept");
    None
}

fn provider(lower: &mut Lower<'_>, infra: &Node) -> Option<ProviderKind> {
    let node = infra.get("provider")?;
    match node.text()? {
        "docker" => Some(ProviderKind::Docker),
        "process" => Some(ProviderKind::Process),
        known if PROVIDERS_LATER.contains(&known) => {
            let finding = Diagnostic::error(
                "NK0209",
                format!("the provider `{known}` is known but not in this build"),
            )
            .at(node.span, "cannot be carried out")
            .help("this build carries out `docker` and `process`");
            lower.findings.push(finding);
            None
        }
        other => {
            let mut finding =
                Diagnostic::error("NK0203", format!("there is no provider `{}`", brief(other)))
                    .at(node.span, "unknown provider");
            let all = PROVIDERS.iter().chain(&PROVIDERS_LATER).copied();
            if let Some(help) = suggestion(other, all).or_else(|| suggestion(other, PROVIDERS)) {
                finding = finding.help(help);
            }
            lower.findings.push(finding);
            None
        }
    }
}

/// Reads the networks.
pub(crate) fn networks(lower: &mut Lower<'_>) -> BTreeMap<String, Network> {
    let mut networks = BTreeMap::new();
    for (name, entry) in lower.root.entries("networks") {
        if name.starts_with("x-") {
            continue;
        }
        lower
            .origins
            .insert(format!("networks.{name}"), Origin::File(entry.key));
        let cidr = entry.node.get("cidr");
        if let Some(node) = cidr
            && !node.text().is_some_and(is_cidr)
        {
            let text = format!("`networks.{name}.cidr` must be a range such as `10.5.0.0/16`");
            lower.error("NK0204", text, node.span, "not a range of addresses");
        }
        let network = Network {
            name: name.clone(),
            cidr: cidr.and_then(Node::text).map(str::to_owned),
            internal: entry.node.text_of("visibility") == Some("private"),
        };
        networks.insert(name.clone(), network);
    }
    networks
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    let Ok(address) = address.parse::<std::net::IpAddr>() else {
        return false;
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    scalar::small(bits).is_some_and(|bits| bits <= most)
}

/// Reads the volumes.
pub(crate) fn volumes(lower: &mut Lower<'_>) -> BTreeMap<String, Volume> {
    let mut volumes = BTreeMap::new();
    for (name, entry) in lower.root.entries("volumes") {
        if name.starts_with("x-") {
            continue;
        }
        lower
            .origins
            .insert(format!("volumes.{name}"), Origin::File(entry.key));
        let labels = entry
            .node
            .get("labels")
            .map(|node| pairs(lower, node, &format!("volumes.{name}.labels")));
        let labels = labels.unwrap_or_default().into_iter();
        let labels = labels
            .map(|pair| (pair.name, pair.value.unwrap_or_default()))
            .collect();
        volumes.insert(
            name.clone(),
            Volume {
                name: name.clone(),
                labels,
            },
        );
    }
    volumes
}

/// Warns of a top-level secret that no service takes: it reaches nobody.
pub(crate) fn shared_secrets(lower: &mut Lower<'_>) {
    let mut taken = BTreeSet::new();
    for (_, service) in lower.root.entries("services") {
        let Some(secrets) = service.node.get("secrets") else {
            continue;
        };
        taken.extend(secrets.list().into_iter().flatten().filter_map(Node::text));
        taken.extend(
            secrets
                .map()
                .into_iter()
                .flat_map(|map| map.keys())
                .map(String::as_str),
        );
    }
    for (name, entry) in lower.root.entries("secrets") {
        if !taken.contains(name.as_str()) {
            let finding = Diagnostic::warning(
                "NK0422",
                format!("no service takes the secret `{}`", brief(name)),
            )
            .at(entry.key, "reaches nobody")
            .help(format!(
                "name it in a service: `secrets: [{}]`",
                brief(name)
            ));
            lower.findings.push(finding);
        }
    }
}

/// Puts services that name no network into `default`, and makes it when one of them runs.
pub(crate) fn join_default(project: &mut Project) {
    let mut used = false;
    for service in project.services.values_mut() {
        if service.networks.is_empty() {
            service.networks.insert("default".into(), BTreeSet::new());
        }
        used |= service.networks.contains_key("default");
    }
    if used && !project.networks.contains_key("default") {
        let network = Network {
            name: "default".into(),
            ..Network::default()
        };
        project.networks.insert("default".into(), network);
        project
            .origins
            .insert("networks.default".into(), Origin::Default);
    }
}

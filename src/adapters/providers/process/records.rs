//! Volumes and networks of host processes: folders with a label beside them, and labels alone.

use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::providers::process::files::{FORMAT, Label, Owner};
use crate::adapters::providers::process::folder::{
    Places, names, read_json, real_folder, remove_folder, sweep_trash, write_json,
};
use crate::domain::ids::{Lineage, ProviderId, Scope};
use crate::domain::live::{LiveNetwork, LiveVolume};
use crate::domain::project::canonical::{network_model, volume_model};
use crate::domain::project::naming::{network_name, volume_name};
use crate::domain::project::project::{Network, Volume};
use crate::ports::provider::Op;

/// Refuses names that would lead out of their folder.
fn checked(folder: &Path, name: &str, suffix: &str) -> io::Result<PathBuf> {
    if name.is_empty() || name.starts_with('.') || name.contains('/') {
        return Err(io::Error::other(format!("`{name}` is no name of ours")));
    }
    Ok(folder.join(format!("{name}{suffix}")))
}

fn label(op: &Op, name: &str) -> Label {
    Label {
        format: FORMAT,
        owner: Owner::new(&op.scope, op.lineage.as_str(), op.id.as_str()),
        name: name.to_owned(),
        hash: None,
        cidr: None,
        internal: false,
        labels: std::collections::BTreeMap::new(),
    }
}

/// Makes a volume: the folder first, since a label without one would claim data that is not there.
pub(super) fn make_volume(places: &Places, op: &Op, volume: &Volume) -> io::Result<String> {
    let name = volume_name(&op.scope, &volume.name);
    places.make(&places.volumes().join(&name))?;
    let mut label = label(op, &volume.name);
    label.labels.clone_from(&volume.labels);
    write_json(&checked(&places.volumes(), &name, ".json")?, &label, true)?;
    Ok(name)
}

/// Removes a volume with its data.
pub(super) fn remove_volume(places: &Places, id: &ProviderId) -> io::Result<()> {
    let folder = checked(&places.volumes(), id.as_str(), "")?;
    sweep_trash(&places.volumes());
    remove_folder(&folder)?;
    forget(&checked(&places.volumes(), id.as_str(), ".json")?)
}

/// Makes a network: a record, for all of them are the loopback.
pub(super) fn make_network(
    places: &Places,
    op: &Op,
    network: &Network,
    hash: &str,
) -> io::Result<String> {
    let name = network_name(&op.scope, &network.name);
    places.make(&places.networks())?;
    let mut label = label(op, &network.name);
    label.hash = Some(hash.to_owned());
    label.cidr.clone_from(&network.cidr);
    label.internal = network.internal;
    write_json(&checked(&places.networks(), &name, ".json")?, &label, true)?;
    Ok(name)
}

/// Removes a network.
pub(super) fn remove_network(places: &Places, id: &ProviderId) -> io::Result<()> {
    forget(&checked(&places.networks(), id.as_str(), ".json")?)
}

fn forget(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Lists the networks of a scope.
pub(super) fn networks(places: &Places, scope: &Scope) -> io::Result<Vec<LiveNetwork>> {
    let mut found = Vec::new();
    for file in names(&places.networks())? {
        let Some(name) = file.strip_suffix(".json") else {
            continue;
        };
        let label: Label = match read_json(&places.networks().join(&file)) {
            Ok(label) => label,
            Err(error) => {
                tracing::warn!(%name, %error, "network record left out");
                continue;
            }
        };
        if label.owner.is_in(scope) {
            let network = Network {
                name: label.name.clone(),
                cidr: label.cidr.clone(),
                internal: label.internal,
            };
            found.push(LiveNetwork {
                id: ProviderId::new(name),
                name: name.to_owned(),
                network: Some(label.name),
                lineage: Some(Lineage(label.owner.lineage)),
                hash: label.hash,
                model: network_model(&network),
            });
        }
    }
    Ok(found)
}

/// Lists the volumes of a scope: folders with its label, and those that bear a name it would give.
pub(super) fn volumes(places: &Places, scope: &Scope) -> io::Result<Vec<LiveVolume>> {
    let mut found = Vec::new();
    for name in names(&places.volumes())? {
        if real_folder(&places.volumes().join(&name)).is_err() {
            continue;
        }
        let label: Option<Label> = read_json(&places.volumes().join(format!("{name}.json"))).ok();
        match label {
            Some(label) if label.owner.is_in(scope) => {
                let volume = Volume {
                    name: label.name.clone(),
                    labels: label.labels.clone(),
                };
                found.push(LiveVolume {
                    id: ProviderId::new(&*name),
                    volume: Some(label.name),
                    lineage: Some(Lineage(label.owner.lineage)),
                    model: volume_model(&volume),
                });
            }
            None if name.starts_with(&stem(scope)) => found.push(LiveVolume {
                id: ProviderId::new(&*name),
                volume: None,
                lineage: None,
                model: std::collections::BTreeMap::new(),
            }),
            Some(_) | None => {}
        }
    }
    Ok(found)
}

/// What every volume name of a scope starts with, as far as that can be said without knowing the volume.
fn stem(scope: &Scope) -> String {
    format!("nk-{}-", scope.project)
}

/// Tells whether a volume or network of that name is there.
pub(super) fn is_there(places: &Places, id: &ProviderId) -> bool {
    let label = format!("{}.json", id.as_str());
    let paths = [
        places.volumes().join(id.as_str()),
        places.networks().join(label),
    ];
    paths
        .iter()
        .any(|path| std::fs::symlink_metadata(path).is_ok())
}

/// Finds what an operation made, by its label.
pub(super) fn made_by(places: &Places, op: &str) -> io::Result<Option<String>> {
    for folder in [places.networks(), places.volumes()] {
        for file in names(&folder)? {
            let Some(name) = file.strip_suffix(".json") else {
                continue;
            };
            let label: io::Result<Label> = read_json(&folder.join(&file));
            if label.is_ok_and(|label| label.owner.op == op) {
                return Ok(Some(name.to_owned()));
            }
        }
    }
    Ok(None)
}

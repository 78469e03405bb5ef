//! Looking at everything of a project: five lists at once, then one inspection for each container.
//!
//! Networks and volumes are listed without a filter, because one that was removed and made again by hand bears
//! our name but no label. The list of networks also tells which engine this is: the ids of the built-in `host`
//! and `none` networks are drawn once, when an engine's data folder is made.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::{ContainerInspectResponse, ContainerSummary, ImageSummary, Network, Volume};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptions, ListNetworksOptions, ListVolumesOptions,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::adapters::providers::docker::fault::{Fault, look};
use crate::adapters::providers::docker::labels::{self, Labels};
use crate::adapters::providers::docker::model;
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::domain::ids::{Address, ImageId, Lineage, ProviderId, Scope};
use crate::domain::live::{Live, LiveNetwork, LiveSubject, LiveVolume, Obstacle};
use crate::domain::model::normal_image;
use crate::domain::project::naming;

/// Inspections at once: the engine gains nothing from more.
const AT_ONCE: usize = 8;

impl DockerProvider {
    /// Looks at everything of `scope` and resolves `images`.
    pub(super) async fn look(
        &self,
        scope: &Scope,
        images: &BTreeSet<String>,
    ) -> Result<Live, Fault> {
        let ((containers, named), networks, volumes, local) = tokio::try_join!(
            self.list_containers(scope),
            self.list_networks(),
            self.list_volumes(),
            self.list_images(),
        )?;
        let inspected = self.inspect_all(containers).await?;
        let own_networks = own_networks(&networks, scope);
        let names = model::NetworkNames::new(scope, &networks, &own_networks);
        let instances = inspected
            .iter()
            .filter_map(|one| model::instance(one, &names))
            .collect();
        let live = Live {
            engine: identity(&networks).unwrap_or_else(|| self.endpoint.shown()),
            instances,
            unplaced: inspected.iter().filter_map(model::unplaced).collect(),
            obstacles: obstacles(named),
            remarks: Vec::new(),
            networks: own_networks,
            volumes: own_volumes(volumes, scope),
            images: resolve(images, &local),
            local_images: local.into_iter().map(|image| ImageId(image.id)).collect(),
            has_images: true,
        };
        self.learn(&live, &networks);
        Ok(live)
    }

    /// Lists the containers of a scope, stopped ones included, and those of others that bear its names, in one call: no
    /// filter asks for both.
    async fn list_containers(
        &self,
        scope: &Scope,
    ) -> Result<(Vec<ContainerSummary>, Vec<ContainerSummary>), Fault> {
        let options = ListContainersOptionsBuilder::new().all(true).build();
        let all = look("list containers of", scope.project.as_str(), || {
            self.docker.list_containers(Some(options.clone()))
        })
        .await
        .map_err(Fault::of_a_list)?;
        let is_ours = |one: &ContainerSummary| {
            let labels: Labels = one.labels.clone().unwrap_or_default().into_iter().collect();
            labels::are_of(&labels, scope)
        };
        let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_ours);
        let is_named = |one: &ContainerSummary| {
            let labels: Labels = one.labels.clone().unwrap_or_default().into_iter().collect();
            !labels::are_of_anyone(&labels) && naming::may_be_named_by(scope, name_of(one))
        };
        Ok((own, others.into_iter().filter(is_named).collect()))
    }

    /// Lists every network of the engine.
    pub(super) async fn list_networks(&self) -> Result<Vec<Network>, Fault> {
        let list = || self.docker.list_networks(None::<ListNetworksOptions>);
        look("list networks of", "engine", list)
            .await
            .map_err(Fault::of_a_list)
    }

    async fn list_volumes(&self) -> Result<Vec<Volume>, Fault> {
        let list = || self.docker.list_volumes(None::<ListVolumesOptions>);
        look("list volumes of", "engine", list)
            .await
            .map_err(Fault::of_a_list)
            .map(|answer| answer.volumes.unwrap_or_default())
    }

    async fn list_images(&self) -> Result<Vec<ImageSummary>, Fault> {
        let list = || self.docker.list_images(None::<ListImagesOptions>);
        look("list images of", "engine", list)
            .await
            .map_err(Fault::of_a_list)
    }

    async fn inspect_all(
        &self,
        containers: Vec<ContainerSummary>,
    ) -> Result<Vec<ContainerInspectResponse>, Fault> {
        let mut ids: Vec<String> = containers.into_iter().filter_map(|c| c.id).collect();
        ids.sort();
        let all: Vec<Option<ContainerInspectResponse>> =
            stream::iter(ids.into_iter().map(|id| self.inspect_if_there(id)))
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
        Ok(all.into_iter().flatten().collect())
    }

    /// Inspects a container; one that vanished since the list is no error.
    async fn inspect_if_there(
        &self,
        id: String,
    ) -> Result<Option<ContainerInspectResponse>, Fault> {
        match self.inspect(&id).await {
            Ok(found) => Ok(Some(found)),
            Err(fault) if fault.is_missing() => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Inspects a container.
    pub(super) async fn inspect(&self, id: &str) -> Result<ContainerInspectResponse, Fault> {
        let options = None::<bollard::query_parameters::InspectContainerOptions>;
        look("inspect container", id, || {
            self.docker.inspect_container(id, options.clone())
        })
        .await
    }

    fn learn(&self, live: &Live, networks: &[Network]) {
        let mut seen = self.seen.open();
        seen.images.clone_from(&live.images);
        seen.networks = Some(
            networks
                .iter()
                .filter_map(|n| Some((n.name.clone()?, ProviderId(n.id.clone()?))))
                .collect(),
        );
        for instance in live.instances.iter().filter(|one| !one.one_off) {
            let subject = LiveSubject {
                id: instance.id.clone(),
                address: Address::service(&instance.service),
                instance: instance.instance,
            };
            seen.subjects.insert(instance.id.0.clone(), subject);
        }
    }
}

/// Describes the containers of others that bear names of a scope.
fn obstacles(named: Vec<ContainerSummary>) -> Vec<Obstacle> {
    let mut found: Vec<Obstacle> = named
        .into_iter()
        .map(|one| {
            let name = name_of(&one).to_owned();
            let id = one.id.unwrap_or_default();
            let image = one.image.unwrap_or_default();
            Obstacle {
                what: format!(
                    "it is container {} of {image}, which is not ours",
                    id.get(..12).unwrap_or(&id)
                ),
                remedy: format!("docker rename {name} {name}-aside"),
                is_ours: false,
                name,
            }
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The name of a container in a list; the engine writes a slash before it.
fn name_of(one: &ContainerSummary) -> &str {
    let names = one.names.as_deref().unwrap_or_default();
    names
        .first()
        .map_or("", |name| name.trim_start_matches('/'))
}

/// Identity of the engine: the id of a network that is as old as its data folder.
fn identity(networks: &[Network]) -> Option<String> {
    ["none", "host"].iter().find_map(|name| {
        let network = networks.iter().find(|n| n.name.as_deref() == Some(name))?;
        Some(format!("docker:{}", network.id.as_deref()?.get(..16)?))
    })
}

fn own_networks(networks: &[Network], scope: &Scope) -> Vec<LiveNetwork> {
    let mut own: Vec<LiveNetwork> = networks
        .iter()
        .filter_map(|network| {
            let labels: Labels = network
                .labels
                .clone()
                .unwrap_or_default()
                .into_iter()
                .collect();
            let name = network.name.clone()?;
            let ours = labels::are_of(&labels, scope);
            let bare = !labels::are_of_anyone(&labels) && naming::may_be_named_by(scope, &name);
            (ours || bare).then(|| LiveNetwork {
                id: ProviderId(network.id.clone().unwrap_or_default()),
                network: labels.get(labels::NETWORK).cloned(),
                lineage: labels.get(labels::LINEAGE).map(Lineage::new),
                hash: labels.get(labels::HASH).cloned(),
                model: model::network(network),
                name,
            })
        })
        .collect();
    own.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    own
}

fn own_volumes(volumes: Vec<Volume>, scope: &Scope) -> Vec<LiveVolume> {
    let mut own: Vec<LiveVolume> = volumes
        .into_iter()
        .filter_map(|volume| {
            let labels: Labels = volume.labels.into_iter().collect();
            let ours = labels::are_of(&labels, scope);
            let bare =
                !labels::are_of_anyone(&labels) && naming::may_be_named_by(scope, &volume.name);
            (ours || bare).then(|| LiveVolume {
                id: ProviderId(volume.name),
                volume: labels.get(labels::VOLUME).cloned(),
                lineage: labels.get(labels::LINEAGE).map(Lineage::new),
                model: model::volume(&labels),
            })
        })
        .collect();
    own.sort_by(|a, b| a.id.cmp(&b.id));
    own
}

fn resolve(wanted: &BTreeSet<String>, local: &[ImageSummary]) -> BTreeMap<String, ImageId> {
    let mut known = BTreeMap::new();
    for image in local {
        let id = ImageId(image.id.clone());
        for name in image.repo_tags.iter().chain(&image.repo_digests) {
            known.insert(normal_image(name), id.clone());
        }
        known.insert(image.id.clone(), id);
    }
    wanted
        .iter()
        .filter_map(|name| {
            // An id is no name and stands for itself.
            let id = known.get(name).or_else(|| known.get(&normal_image(name)));
            Some((name.clone(), id?.clone()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_found_by_tag_by_digest_and_by_id() {
        let local = [ImageSummary {
            id: "sha256:11".to_owned(),
            repo_tags: vec!["busybox:1".to_owned(), "localhost:5000/x:2".to_owned()],
            repo_digests: vec!["busybox@sha256:aa".to_owned()],
            ..ImageSummary::default()
        }];
        let wanted: BTreeSet<String> = [
            "docker.io/library/busybox:1",
            "docker.io/library/busybox@sha256:aa",
            "docker.io/library/busybox:2",
            "localhost:5000/x:2",
            "sha256:11",
            "busybox:1",
        ]
        .map(String::from)
        .into();
        let found = resolve(&wanted, &local);
        assert!(!found.contains_key("docker.io/library/busybox:2"));
        assert_eq!(found.len(), 5);
        assert!(found.values().all(|id| id.as_str() == "sha256:11"));
    }
}

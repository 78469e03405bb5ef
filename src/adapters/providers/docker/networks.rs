//! Networks and volumes: made, joined, left, removed.

use std::collections::BTreeSet;
use std::time::Duration;

use bollard::models::{
    EndpointSettings, Ipam, IpamConfig, NetworkConnectRequest, NetworkCreateRequest,
    NetworkDisconnectRequest, VolumeCreateRequest,
};
use bollard::query_parameters::RemoveVolumeOptions;

use crate::adapters::providers::docker::create;
use crate::adapters::providers::docker::fault::{CHANGE, Fault, READ, call, look};
use crate::adapters::providers::docker::instance::{gone_is_done, of};
use crate::adapters::providers::docker::labels::{self, Labels};
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::domain::ids::ProviderId;
use crate::domain::project::naming;
use crate::domain::project::project::{Network, Volume};
use crate::ports::provider::{Applied, InstanceRef, Op};

/// How long a network may still have endpoints of containers that were removed a moment ago.
const ENDPOINTS_LEAVE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl DockerProvider {
    /// Makes a network. A network of that name that this operation did not make is refused: older engines
    /// would make a second one of the same name.
    pub(super) async fn create_network(
        &self,
        op: &Op,
        network: &Network,
        hash: &str,
    ) -> Result<Applied, Fault> {
        let name = naming::network_name(&op.scope, &network.name);
        if let Some(id) = self.network_made_before(op, &name).await? {
            return Ok(made(id, &name));
        }
        let mut labels = labels::of_op(op);
        labels.insert(labels::NETWORK.to_owned(), network.name.clone());
        labels.insert(labels::HASH.to_owned(), hash.to_owned());
        let request = NetworkCreateRequest {
            name: name.clone(),
            driver: Some("bridge".to_owned()),
            internal: Some(network.internal),
            attachable: Some(true),
            ipam: network.cidr.as_ref().map(|cidr| Ipam {
                config: Some(vec![IpamConfig {
                    subnet: Some(cidr.clone()),
                    ..IpamConfig::default()
                }]),
                ..Ipam::default()
            }),
            labels: Some(labels.into_iter().collect()),
            ..NetworkCreateRequest::default()
        };
        let created = call(
            "create network",
            &name,
            CHANGE,
            self.docker.create_network(request),
        )
        .await?;
        let id = ProviderId(created.id);
        if let Some(networks) = &mut self.seen.open().networks {
            networks.insert(name.clone(), id.clone());
        }
        let mut applied = made(id, &name);
        applied
            .warnings
            .extend(Some(created.warning).filter(|warning| !warning.is_empty()));
        Ok(applied)
    }

    /// Looks whether the name is taken. Where the last observation says no, one question by name makes sure: that
    /// may be old, and older engines would make a second network of the name.
    async fn network_made_before(&self, op: &Op, name: &str) -> Result<Option<ProviderId>, Fault> {
        let known = {
            let seen = self.seen.open();
            seen.networks.as_ref().map(|known| known.contains_key(name))
        };
        if known == Some(false) {
            let options = None::<bollard::query_parameters::InspectNetworkOptions>;
            let asked = look("inspect network", name, || {
                self.docker.inspect_network(name, options.clone())
            });
            return match asked.await {
                Err(fault) if fault.is_missing() => Ok(None),
                Err(fault) => Err(fault),
                Ok(found) => {
                    taken_by(op, name, found.id, found.labels.unwrap_or_default()).map(Some)
                }
            };
        }
        for network in self.list_networks().await? {
            if network.name.as_deref() == Some(name) {
                let labels = network.labels.unwrap_or_default();
                return taken_by(op, name, network.id, labels).map(Some);
            }
        }
        Ok(None)
    }

    /// Removes a network, waiting shortly for endpoints that are on their way out. Gone already is fine.
    pub(super) async fn remove_network(&self, id: &ProviderId) -> Result<Applied, Fault> {
        let deadline = tokio::time::Instant::now() + ENDPOINTS_LEAVE;
        loop {
            let removed = call(
                "remove network",
                id.as_str(),
                CHANGE,
                self.docker.remove_network(id.as_str()),
            )
            .await;
            match gone_is_done(removed) {
                Ok(()) => break,
                Err(fault) if !fault.message().contains("active endpoints") => return Err(fault),
                Err(fault) if tokio::time::Instant::now() >= deadline => {
                    return Err(self.with_endpoints(id, fault).await);
                }
                Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
        if let Some(networks) = &mut self.seen.open().networks {
            networks.retain(|_, known| known != id);
        }
        Ok(Applied {
            id: Some(id.clone()),
            ..Applied::default()
        })
    }

    /// Names the containers that are still joined.
    async fn with_endpoints(&self, id: &ProviderId, fault: Fault) -> Fault {
        let options = None::<bollard::query_parameters::InspectNetworkOptions>;
        let looked = call(
            "inspect network",
            id.as_str(),
            READ,
            self.docker.inspect_network(id.as_str(), options),
        );
        let Ok(network) = looked.await else {
            return fault;
        };
        let names: BTreeSet<String> = network
            .containers
            .unwrap_or_default()
            .into_values()
            .filter_map(|endpoint| endpoint.name)
            .collect();
        Fault::refused(
            "remove network",
            network.name.as_deref().unwrap_or(id.as_str()),
            still_joined(names),
        )
    }

    /// Makes a volume. One that carries this project's labels already is fine; a foreign one is refused.
    pub(super) async fn create_volume(&self, op: &Op, volume: &Volume) -> Result<Applied, Fault> {
        let name = naming::volume_name(&op.scope, &volume.name);
        let mut wanted = volume.labels.clone();
        wanted.extend(labels::of_op(op));
        wanted.insert(labels::VOLUME.to_owned(), volume.name.clone());
        let request = VolumeCreateRequest {
            name: Some(name.clone()),
            labels: Some(wanted.into_iter().collect()),
            ..VolumeCreateRequest::default()
        };
        // The engine hands out an existing volume as if it had just made it; its labels tell.
        let answer = call(
            "create volume",
            &name,
            CHANGE,
            self.docker.create_volume(request),
        )
        .await?;
        let labels: Labels = answer.labels.into_iter().collect();
        if labels::are_of(&labels, &op.scope) {
            return Ok(made(ProviderId(name.clone()), &name));
        }
        Err(Fault::refused(
            "create volume",
            &name,
            format!(
                "a volume of that name exists and is not of this project; \
                 save what is in it, then remove it with `docker volume rm {name}`"
            ),
        ))
    }

    /// Removes a volume with its data. Gone already is fine.
    pub(super) async fn remove_volume(&self, id: &ProviderId) -> Result<Applied, Fault> {
        let removed = call(
            "remove volume",
            id.as_str(),
            CHANGE,
            self.docker
                .remove_volume(id.as_str(), None::<RemoveVolumeOptions>),
        );
        gone_is_done(removed.await)?;
        Ok(Applied {
            id: Some(id.clone()),
            ..Applied::default()
        })
    }

    /// Joins a network under all of these aliases, whatever the endpoint was before.
    pub(super) async fn connect(
        &self,
        op: &Op,
        target: &InstanceRef,
        network: &str,
        aliases: &BTreeSet<String>,
    ) -> Result<Applied, Fault> {
        let name = naming::network_name(&op.scope, network);
        self.seen.open().addresses.remove(&target.id.0);
        let endpoint = create::endpoint(aliases);
        let joined = self.join(target.id.as_str(), &name, endpoint.clone()).await;
        match joined {
            Ok(()) => {}
            // The endpoint exists, with other aliases or of a network that was made anew: leave, then join.
            Err(fault) if is_joined_already(&fault) => {
                self.leave(target.id.as_str(), &name).await?;
                self.join(target.id.as_str(), &name, endpoint).await?;
            }
            Err(fault) => return Err(fault),
        }
        Ok(of(target))
    }

    /// Leaves a network, named as in the file or as the engine does. Not joined is fine.
    pub(super) async fn disconnect(
        &self,
        op: &Op,
        target: &InstanceRef,
        network: &str,
    ) -> Result<Applied, Fault> {
        let own = naming::network_name(&op.scope, network);
        let known = {
            let seen = self.seen.open();
            let networks = seen.networks.as_ref();
            networks.is_some_and(|known| known.contains_key(&own))
        };
        // The engine's own name or id comes first: a foreign network may be called like one of the file's.
        let is_engine_name = naming::may_be_named_by(&op.scope, network) || !known;
        let name = if is_engine_name { network } else { &own };
        self.seen.open().addresses.remove(&target.id.0);
        self.leave(target.id.as_str(), name).await?;
        Ok(of(target))
    }

    /// Joins a network with a full endpoint.
    pub(super) async fn join(
        &self,
        container: &str,
        network: &str,
        endpoint: EndpointSettings,
    ) -> Result<(), Fault> {
        let request = NetworkConnectRequest {
            container: container.to_owned(),
            endpoint_config: Some(endpoint),
        };
        call(
            "connect to network",
            network,
            CHANGE,
            self.docker.connect_network(network, request),
        )
        .await
    }

    async fn leave(&self, container: &str, network: &str) -> Result<(), Fault> {
        let request = NetworkDisconnectRequest {
            container: container.to_owned(),
            force: Some(true),
        };
        let left = call(
            "disconnect from network",
            network,
            CHANGE,
            self.docker.disconnect_network(network, request),
        )
        .await;
        match gone_is_done(left) {
            Err(fault) if !fault.message().contains("is not connected") => Err(fault),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

fn made(id: ProviderId, name: &str) -> Applied {
    Applied {
        id: Some(id),
        name: Some(name.to_owned()),
        ..Applied::default()
    }
}

/// A name that is taken is fine when this very operation took it: the reply was lost.
fn taken_by(
    op: &Op,
    name: &str,
    id: Option<String>,
    labels: impl IntoIterator<Item = (String, String)>,
) -> Result<ProviderId, Fault> {
    let labels: Labels = labels.into_iter().collect();
    match id {
        Some(id) if labels.get(labels::OP) == Some(&op.id.0) => return Ok(ProviderId(id)),
        Some(_) | None => {}
    }
    let owner = match labels.get(labels::PROJECT) {
        Some(project) => format!("is of project `{project}`"),
        None => "was not made by nanokit".to_owned(),
    };
    Err(Fault::refused(
        "create network",
        name,
        format!(
            "a network of that name exists and {owner}; remove it with `docker network rm {name}`"
        ),
    ))
}

fn is_joined_already(fault: &Fault) -> bool {
    [
        "already exists in network",
        "already attached",
        "already connected",
    ]
    .iter()
    .any(|words| fault.message().contains(words))
}

/// Who still holds a network; an engine that counts endpoints but can name none has lost track of one.
fn still_joined(names: BTreeSet<String>) -> String {
    if names.is_empty() {
        return "the engine counts endpoints on it and can name none of them: it lost track of a container that is \
                gone; restart the Docker engine, then run the command again"
            .to_owned();
    }
    let names: Vec<String> = names.into_iter().collect();
    format!("still joined by {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::still_joined;

    #[test]
    fn an_endpoint_nobody_owns_is_explained_and_not_left_blank() {
        let said = still_joined(std::collections::BTreeSet::new());
        assert!(said.contains("restart the Docker engine"), "{said}");
        let named = still_joined(["web".to_owned(), "db".to_owned()].into());
        assert_eq!(named, "still joined by db, web");
    }
}

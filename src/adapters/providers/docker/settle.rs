//! What became of an operation whose reply was lost: found by looking, never by doing it again.

use std::time::Duration;

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
};

use crate::adapters::providers::docker::fault::{Fault, READ, call};
use crate::adapters::providers::docker::labels;
use crate::adapters::providers::docker::model;
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::domain::ids::{ImageId, OpId, ProviderId, Scope};
use crate::domain::live::Status;
use crate::ports::provider::{Applied, Settled};

/// A call that was under way when its reply was lost is over after this long.
const LAST_CHANCE: Duration = Duration::from_millis(500);

impl DockerProvider {
    /// Finds out.
    ///
    /// Something that carries the operation's label was made by it. A target that is gone was removed, and needs
    /// no stop any more; one that runs, or does not, answers starts and stops. Everything else may be done again
    /// without harm, and counts as not done.
    pub(super) async fn find_out(
        &self,
        op: &OpId,
        verb: &str,
        target: Option<&ProviderId>,
        scope: &Scope,
    ) -> Result<Settled, Fault> {
        if let Some(made) = self.made_by(op, scope).await? {
            return Ok(Settled::Done(made));
        }
        let Some(target) = target else {
            tokio::time::sleep(LAST_CHANCE).await;
            return Ok(match self.made_by(op, scope).await? {
                Some(made) => Settled::Done(made),
                None => Settled::NotDone,
            });
        };
        let state = match self.inspect(target.as_str()).await {
            Ok(found) => Some(found.state.unwrap_or_default()),
            Err(fault) if fault.is_missing() => None,
            Err(fault) => return Err(fault),
        };
        let status = state.as_ref().map(model::status);
        let verb = verb.rsplit(['.', '/']).next().unwrap_or(verb);
        let happened = match (verb, status) {
            ("remove", None) => !self.is_network_or_volume(target).await?,
            ("stop", None) => true,
            ("stop", Some(status)) => !matches!(
                status,
                Status::Running | Status::Restarting | Status::Paused
            ),
            // Ended meanwhile still means that it was started.
            ("start", Some(status)) => !matches!(status, Status::Created),
            ("unpause", Some(status)) => status != Status::Paused,
            (_, _) => false,
        };
        Ok(if happened {
            Settled::Done(Applied {
                id: Some(target.clone()),
                ..Applied::default()
            })
        } else {
            Settled::NotDone
        })
    }

    async fn is_network_or_volume(&self, target: &ProviderId) -> Result<bool, Fault> {
        let networks = self.list_networks().await?;
        if networks
            .iter()
            .any(|network| network.id.as_deref() == Some(target.as_str()))
        {
            return Ok(true);
        }
        let looked = call(
            "inspect volume",
            target.as_str(),
            READ,
            self.docker.inspect_volume(target.as_str()),
        );
        match looked.await {
            Ok(_) => Ok(true),
            Err(fault) if fault.is_missing() => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn made_by(&self, op: &OpId, scope: &Scope) -> Result<Option<Applied>, Fault> {
        let mut wanted = labels::filter(scope);
        wanted.push(format!("{}={op}", labels::OP));
        let filters = [("label".to_owned(), wanted)].into_iter().collect();
        let containers = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&filters)
            .build();
        let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let (containers, networks, volumes) = tokio::try_join!(
            call(
                "list containers of",
                op.as_str(),
                READ,
                self.docker.list_containers(Some(containers))
            ),
            call(
                "list networks of",
                op.as_str(),
                READ,
                self.docker.list_networks(Some(networks))
            ),
            call(
                "list volumes of",
                op.as_str(),
                READ,
                self.docker.list_volumes(Some(volumes))
            ),
        )?;
        if let Some(container) = containers.into_iter().next() {
            let name = container.names.unwrap_or_default().into_iter().next();
            return Ok(Some(Applied {
                id: container.id.map(ProviderId),
                name: name.map(|name| name.trim_start_matches('/').to_owned()),
                image_id: container.image_id.map(ImageId),
                ..Applied::default()
            }));
        }
        if let Some(network) = networks.into_iter().next() {
            return Ok(Some(Applied {
                id: network.id.map(ProviderId),
                name: network.name,
                ..Applied::default()
            }));
        }
        let volume = volumes.volumes.unwrap_or_default().into_iter().next();
        Ok(volume.map(|volume| Applied {
            id: Some(ProviderId(volume.name.clone())),
            name: Some(volume.name),
            ..Applied::default()
        }))
    }
}

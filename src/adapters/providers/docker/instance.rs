//! The life of one container: made, started, stopped, changed in place, removed.
//!
//! Every call here may be repeated: started already, stopped already and gone already count as done.

use std::time::Duration;

use bollard::models::ImageInspect;
use bollard::query_parameters::{
    ContainerArchiveInfoOptionsBuilder, CreateContainerOptionsBuilder,
    RemoveContainerOptionsBuilder, StartContainerOptions, StopContainerOptionsBuilder,
};

use crate::adapters::providers::docker::create::{self, Recipe};
use crate::adapters::providers::docker::fault::{CHANGE, Cause, Fault, READ, START, call, look};
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::adapters::providers::docker::seen::ImageFacts;
use crate::adapters::providers::docker::{gate, labels, model};
use crate::domain::ids::{ImageId, ProviderId};
use crate::domain::live::{LiveSubject, Status};
use crate::domain::model::normal_image;
use crate::domain::project::naming;
use crate::ports::provider::{Applied, InstanceRef, InstanceSpec, Op};

/// How much longer than the grace a stop may take.
const STOP_MARGIN: Duration = Duration::from_secs(15);

impl DockerProvider {
    /// Makes a container without starting it.
    pub(super) async fn create_instance(
        &self,
        op: &Op,
        spec: &InstanceSpec,
    ) -> Result<Applied, Fault> {
        let checked = create::checked_by_engine(spec);
        let image = spec.image.as_deref().unwrap_or_default();
        let facts = if spec.gated || checked.is_none() {
            Some(self.image_facts(image).await?)
        } else {
            None
        };
        let name = naming::instance_name(&op.scope, &spec.service.name, spec.instance);
        let recipe = create::recipe(op, spec, facts.as_ref())
            .map_err(|why| Fault::refused("create container", &name, why))?;
        let Recipe {
            name,
            body,
            further,
        } = recipe;
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        let created = call(
            "create container",
            &name,
            CHANGE,
            self.docker.create_container(Some(options), body),
        )
        .await;
        let (id, warnings) = match created {
            Ok(created) => (created.id, created.warnings),
            Err(fault) => (self.made_before(op, &name, image, fault).await?, Vec::new()),
        };
        if let Err(fault) = self.complete(&id, spec, further).await {
            // Half made: nothing ran yet, so nothing is lost with it.
            let target = InstanceRef {
                id: ProviderId(id),
                name,
                address: spec.address.clone(),
                instance: spec.instance,
            };
            let _ = self.remove(&target).await;
            return Err(fault);
        }
        if spec.one_off.is_none() {
            let subject = LiveSubject {
                id: ProviderId(id.clone()),
                address: spec.address.clone(),
                instance: spec.instance,
            };
            self.seen.open().subjects.insert(id.clone(), subject);
        }
        let by_id = image.starts_with("sha256:").then(|| ImageId::new(image));
        let known = by_id.or_else(|| self.seen.open().images.get(&normal_image(image)).cloned());
        let has_check = facts.as_ref().map(|facts| facts.has_check);
        Ok(Applied {
            id: Some(ProviderId(id)),
            name: Some(name),
            image_id: facts.map(|facts| facts.id).or(known),
            health_check: checked.or(has_check),
            warnings,
        })
    }

    /// Joins the remaining networks and makes sure a gate can work.
    async fn complete(
        &self,
        id: &str,
        spec: &InstanceSpec,
        further: Vec<(String, bollard::models::EndpointSettings)>,
    ) -> Result<(), Fault> {
        for (network, endpoint) in further {
            self.join(id, &network, endpoint).await?;
        }
        if spec.gated {
            self.require_shell(id, spec).await?;
        }
        Ok(())
    }

    async fn require_shell(&self, id: &str, spec: &InstanceSpec) -> Result<(), Fault> {
        let options = ContainerArchiveInfoOptionsBuilder::new()
            .path(gate::SHELL)
            .build();
        let looked = call(
            "look for a shell in",
            id,
            READ,
            self.docker.get_container_archive_info(id, Some(options)),
        );
        match looked.await {
            Err(fault) if fault.is_missing() => Err(Fault::refused(
                "create container",
                &spec.address.instance(spec.instance),
                format!(
                    "image {} has no {}, which commands inside the container before its start need; \
                     run them on the host or use an image with a shell",
                    spec.image.as_deref().unwrap_or_default(),
                    gate::SHELL
                ),
            )),
            // An engine that cannot tell will say at the start.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// A name that is taken is fine when this very operation took it: the reply was lost.
    async fn made_before(
        &self,
        op: &Op,
        name: &str,
        image: &str,
        fault: Fault,
    ) -> Result<String, Fault> {
        if fault.is_missing() && fault.message().contains("image") {
            let why = format!("there is no image {image} here; pull or build it first");
            return Err(Fault::refused("create container", name, why));
        }
        if fault.status() != Some(409) {
            return Err(fault);
        }
        let found = self.inspect(name).await?;
        let id = found.id.unwrap_or_default();
        let labels = found.config.and_then(|c| c.labels).unwrap_or_default();
        if labels.get(labels::OP) == Some(&op.id.0) {
            return Ok(id);
        }
        let owner = match labels.get(labels::PROJECT) {
            Some(project) => format!("a container of project `{project}`"),
            None => "a container that nanokit did not make".to_owned(),
        };
        let short = id.get(..12).unwrap_or(&id);
        Err(Fault::refused(
            "create container",
            name,
            format!(
                "the name is taken by {owner} ({short}); rename it (`docker rename {short} OTHER`) or remove it"
            ),
        ))
    }

    /// Learns what an image brings along, once for each image.
    pub(super) async fn image_facts(&self, reference: &str) -> Result<ImageFacts, Fault> {
        let _one_at_a_time = self.image_gate.lock().await;
        let known = {
            let seen = self.seen.open();
            let id = seen.images.get(&normal_image(reference));
            id.and_then(|id| seen.facts.get(id)).cloned()
        };
        if let Some(facts) = known {
            return Ok(facts);
        }
        let found = look("inspect image", reference, || {
            self.docker.inspect_image(reference)
        })
        .await
        .map_err(|fault| {
            if fault.is_missing() {
                Fault::refused(
                    "inspect image",
                    reference,
                    "it is not here; pull or build it first",
                )
            } else {
                fault
            }
        })?;
        let facts = facts_of(found);
        let mut seen = self.seen.open();
        seen.images
            .insert(normal_image(reference), facts.id.clone());
        seen.facts.insert(facts.id.clone(), facts.clone());
        Ok(facts)
    }

    /// Starts a container; running already is fine.
    pub(super) async fn start(&self, target: &InstanceRef) -> Result<Applied, Fault> {
        self.seen.open().addresses.remove(&target.id.0);
        let options = None::<StartContainerOptions>;
        call(
            "start container",
            &target.name,
            START,
            self.docker.start_container(target.id.as_str(), options),
        )
        .await
        .map_err(explain_start)?;
        Ok(of(target))
    }

    /// Stops a container: its own stop signal, then the kill after the grace. Gone already is fine.
    ///
    /// A signal that differs from the container's own is honoured by engines from API 1.42 on; a container
    /// made by us carries the file's signal already.
    pub(super) async fn stop(
        &self,
        target: &InstanceRef,
        grace: Duration,
        signal: Option<&str>,
    ) -> Result<Applied, Fault> {
        let seconds = grace.as_secs() + u64::from(grace.subsec_nanos() > 0);
        let mut options =
            StopContainerOptionsBuilder::new().t(i32::try_from(seconds).unwrap_or(i32::MAX));
        if let Some(signal) = signal {
            options = options.signal(signal);
        }
        let stopped = call(
            "stop container",
            &target.name,
            grace + STOP_MARGIN,
            self.docker
                .stop_container(target.id.as_str(), Some(options.build())),
        )
        .await;
        self.seen.open().addresses.remove(&target.id.0);
        gone_is_done(stopped)?;
        Ok(of(target))
    }

    /// Removes a stopped container with its anonymous volumes. Gone already is fine; a running one is refused.
    pub(super) async fn remove(&self, target: &InstanceRef) -> Result<Applied, Fault> {
        let deadline = tokio::time::Instant::now() + CHANGE;
        let mut force = false;
        loop {
            let options = RemoveContainerOptionsBuilder::new()
                .v(true)
                .force(force)
                .build();
            let removed = call(
                "remove container",
                &target.name,
                CHANGE,
                self.docker
                    .remove_container(target.id.as_str(), Some(options)),
            )
            .await;
            match gone_is_done(removed) {
                Ok(()) => break,
                // Somebody else removes it at this moment: wait for the end of that.
                Err(fault)
                    if fault.message().contains("already in progress")
                        && tokio::time::Instant::now() < deadline =>
                {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(fault) if !force && fault.status().is_some() => {
                    if !self.is_dead(target).await? {
                        return Err(fault);
                    }
                    force = true;
                }
                Err(fault) => return Err(fault),
            }
        }
        let mut seen = self.seen.open();
        seen.addresses.remove(&target.id.0);
        Ok(of(target))
    }

    async fn is_dead(&self, target: &InstanceRef) -> Result<bool, Fault> {
        let found = self.inspect(target.id.as_str()).await?;
        Ok(model::status(&found.state.unwrap_or_default()) == Status::Dead)
    }

    /// Lets a frozen container go on; not frozen is fine.
    pub(super) async fn unpause(&self, target: &InstanceRef) -> Result<Applied, Fault> {
        let thawed = call(
            "unpause container",
            &target.name,
            CHANGE,
            self.docker.unpause_container(target.id.as_str()),
        )
        .await;
        match thawed {
            Err(fault) if !fault.message().contains("not paused") => Err(fault),
            Ok(()) | Err(_) => Ok(of(target)),
        }
    }

    /// Opens the gate of a waiting container.
    pub(super) async fn open_gate(&self, target: &InstanceRef) -> Result<Applied, Fault> {
        let argv: Vec<String> = gate::OPEN.iter().map(|&word| word.to_owned()).collect();
        let (code, output) = self.run_quietly(&target.id, argv, Some("0")).await?;
        if code == 0 {
            return Ok(of(target));
        }
        Err(Fault::refused(
            "open the gate of",
            &target.name,
            format!("exit code {code}: {}", output.trim()),
        ))
    }
}

/// What an operation on an existing container returns.
pub(super) fn of(target: &InstanceRef) -> Applied {
    Applied {
        id: Some(target.id.clone()),
        name: Some(target.name.clone()),
        ..Applied::default()
    }
}

/// Turns "there is no such thing" into success.
pub(super) fn gone_is_done(result: Result<(), Fault>) -> Result<(), Fault> {
    match result {
        Err(fault) if !fault.is_missing() => Err(fault),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn facts_of(found: ImageInspect) -> ImageFacts {
    let config = found.config.unwrap_or_default();
    let test = config
        .healthcheck
        .and_then(|check| check.test)
        .unwrap_or_default();
    ImageFacts {
        id: ImageId(found.id.unwrap_or_default()),
        has_check: test.first().is_some_and(|word| word != "NONE"),
        entrypoint: config.entrypoint.unwrap_or_default(),
        command: config.cmd.unwrap_or_default(),
    }
}

/// Adds what to do about the commonest refusal of a start.
fn explain_start(mut fault: Fault) -> Fault {
    if let Cause::Answer { message, .. } = &mut fault.cause
        && message.contains("port is already allocated")
    {
        message.push_str("; `docker ps` shows which container holds it");
    }
    fault
}

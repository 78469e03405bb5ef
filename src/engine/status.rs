//! How everything stands, and what drifted: the same difference a plan makes, read in another way.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::domain::graph::build::Graph;
use crate::domain::ids::{Address, Digest, ResourceKind};
use crate::domain::live::{Health, LiveInstance, Status};
use crate::domain::model::{path, short_image};
use crate::domain::plan::build::{PlanInput, build, strays};
use crate::domain::plan::model::{ActionKind, Cause, Change, Plan, PlanRequest, Purpose};
use crate::domain::project::project::Project;
use crate::domain::project::service::{Service, ServiceKind};
use crate::domain::record::Record;
use crate::domain::report::{DriftReport, InstanceStatus, ResourceStatus, StatusReport};
use crate::domain::time::Wall;
use crate::engine::discover::{Found, discover};
use crate::engine::reconcile::EngineError;
use crate::formats::text::hex;
use crate::ports::provider::Provider;
use crate::ports::world::World;

/// Everything a report is made of.
struct View<'a> {
    project: &'a Project,
    found: &'a Found,
    plan: Plan,
    strays: Vec<String>,
}

/// Looks how everything stands.
pub(super) async fn status<W: World>(
    world: &W,
    project: &Project,
) -> Result<StatusReport, EngineError> {
    let found = discover(world, project, true).await?;
    let view = view(world, project, &found);
    let resources = view
        .plan
        .actions
        .iter()
        .map(|action| (action.address.clone(), view.resource(&action.address)))
        .collect();
    Ok(StatusReport {
        resources,
        strays: view.strays,
        engine: found.live.engine.clone(),
    })
}

/// Compares live and recorded.
pub(super) async fn drift<W: World>(
    world: &W,
    project: &Project,
) -> Result<DriftReport, EngineError> {
    let found = discover(world, project, true).await?;
    let view = view(world, project, &found);
    let mut report = DriftReport {
        strays: view.strays.clone(),
        ..DriftReport::default()
    };
    for action in &view.plan.actions {
        let drifted = drift_of(&view.plan, &action.address);
        if !drifted.is_empty() {
            report.drifted.insert(action.address.clone(), drifted);
        }
        let changed = action.changes.iter().any(|c| c.cause == Cause::Config);
        if changed && !action.is_noop() {
            report.changed.push(action.address.clone());
        }
    }
    report.digest = digest(&report);
    Ok(report)
}

fn view<'a, W: World>(world: &W, project: &'a Project, found: &'a Found) -> View<'a> {
    let graph = Graph::of(project);
    let request = PlanRequest {
        purpose: Purpose::Deploy,
        targets: std::collections::BTreeSet::new(),
    };
    let input = PlanInput {
        project,
        graph: &graph,
        live: &found.live,
        record: found.keeper.record(),
        digests: &found.digests,
        capabilities: world.provider().capabilities(),
        request: &request,
    };
    View {
        project,
        found,
        plan: build(&input),
        strays: strays(&input),
    }
}

fn drift_of(plan: &Plan, address: &Address) -> Vec<Change> {
    plan.action(address)
        .map(|action| {
            action
                .changes
                .iter()
                .filter(|change| change.cause == Cause::Drift)
                .cloned()
                .collect()
        })
        .unwrap_or_default()
}

fn digest(report: &DriftReport) -> Digest {
    let mut hasher = Sha256::new();
    for (address, changes) in &report.drifted {
        for change in changes {
            hasher.update(format!("{address} {change:?}\n"));
        }
    }
    for address in &report.changed {
        hasher.update(format!("{address}\n"));
    }
    for stray in &report.strays {
        hasher.update(format!("{stray}\n"));
    }
    Digest(hex(&hasher.finalize()))
}

impl View<'_> {
    fn record(&self) -> Option<&Record> {
        self.found.keeper.record()
    }

    fn resource(&self, address: &Address) -> ResourceStatus {
        let service = match address.kind {
            ResourceKind::Service => self.project.services.get(&address.name),
            ResourceKind::Network | ResourceKind::Volume => None,
        };
        let instances = self.instances(address);
        let pending = self
            .plan
            .action(address)
            .map_or(ActionKind::Noop, |action| action.kind);
        ResourceStatus {
            address: address.clone(),
            desired: self.is_desired(address),
            wanted: match address.kind {
                ResourceKind::Service => service.map_or(0, |service| service.instances),
                ResourceKind::Network | ResourceKind::Volume => 1,
            },
            image: self.image(address, service),
            ready: match address.kind {
                ResourceKind::Service => self.is_ready(address, service, &instances),
                ResourceKind::Network | ResourceKind::Volume => self.exists(address),
            },
            instances,
            pending,
            drift: drift_of(&self.plan, address),
        }
    }

    fn is_desired(&self, address: &Address) -> bool {
        let name = &address.name;
        match address.kind {
            ResourceKind::Service => self.project.services.contains_key(name),
            ResourceKind::Network => self.project.networks.contains_key(name),
            ResourceKind::Volume => self.project.volumes.contains_key(name),
        }
    }

    fn exists(&self, address: &Address) -> bool {
        // What has to be made is not there; anything else the plan would have found missing.
        let made = self
            .plan
            .action(address)
            .is_some_and(|action| action.kind == ActionKind::Create);
        !made
    }

    fn image(&self, address: &Address, service: Option<&Service>) -> Option<String> {
        let recorded = self
            .record()
            .and_then(|record| record.resources.get(address))
            .and_then(|resource| resource.model.get(path::IMAGE))
            .map(|field| field.value.clone());
        let wanted = service.and_then(|s| s.image_reference(self.project.name.as_str()));
        recorded
            .or(wanted)
            .map(|image| short_image(&image).to_owned())
    }

    fn instances(&self, address: &Address) -> Vec<InstanceStatus> {
        let lineage = self.record().map(|record| &record.lineage);
        let mut all: Vec<InstanceStatus> = self
            .found
            .live
            .instances
            .iter()
            .filter(|live| address.kind == ResourceKind::Service && live.service == address.name)
            .filter(|live| !live.one_off)
            .filter(|live| lineage.is_none() || live.lineage.as_ref() == lineage)
            .map(instance_status)
            .collect();
        all.sort_by_key(|one| (one.instance, one.id.clone()));
        all
    }

    /// A service is ready when all wanted instances run and none is unhealthy or still on its way; a job when it
    /// has completed.
    fn is_ready(
        &self,
        address: &Address,
        service: Option<&Service>,
        instances: &[InstanceStatus],
    ) -> bool {
        let Some(service) = service else {
            return false;
        };
        let recorded: BTreeMap<_, bool> = self
            .record()
            .and_then(|record| record.resources.get(address))
            .map(|resource| {
                resource
                    .instances
                    .iter()
                    .map(|(number, one)| (*number, one.ready))
                    .collect()
            })
            .unwrap_or_default();
        let wanted = usize::try_from(service.instances).unwrap_or(usize::MAX);
        if service.kind == ServiceKind::Job {
            return recorded.values().filter(|ready| **ready).count() >= wanted;
        }
        let good = |one: &&InstanceStatus| {
            one.status == Status::Running
                && !matches!(one.health, Health::Unhealthy | Health::Starting)
                && recorded.get(&one.instance).copied().unwrap_or(true)
        };
        instances.iter().filter(good).count() >= wanted
    }
}

fn instance_status(live: &LiveInstance) -> InstanceStatus {
    InstanceStatus {
        instance: live.instance,
        id: live.id.clone(),
        name: live.name.clone(),
        status: live.status,
        health: live.health,
        started_at: live.started_at_ms.map(Wall),
        restarts: live.restarts,
        ports: live.ports.clone(),
    }
}

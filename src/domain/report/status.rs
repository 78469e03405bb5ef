//! How everything stands: each resource with its instances, whether it is ready, what a deployment would do.

use crate::domain::ids::{Address, ResourceKind};
use crate::domain::live::{Health, LiveInstance, LiveSubject, Status};
use crate::domain::model::{path, short_image};
use crate::domain::plan::build::{PlanInput, build};
use crate::domain::plan::model::{Action, Cause};
use crate::domain::plan::obstacle;
use crate::domain::plan::world::World;
use crate::domain::project::canonical::image_of;
use crate::domain::project::service::ServiceKind;
use crate::domain::record::RecordedResource;
use crate::domain::report::drift::everything;
use crate::domain::report::flows::open_flows;
use crate::domain::report::{InstanceStatus, ResourceStatus, StatusReport};
use crate::domain::time::Wall;

impl StatusReport {
    /// Returns the report as it is once an instance is gone (`None`) or stands so; `None` where that is no news. It holds
    /// until the next look, which also knows what follows from it.
    #[must_use]
    pub fn told(&self, subject: &LiveSubject, now: Option<Status>) -> Option<Self> {
        let instances = &self.resources.get(&subject.address)?.instances;
        let known = instances.iter().find(|one| one.id == subject.id)?;
        if Some(known.status) == now {
            return None;
        }
        // A job that is done stays done when its container is cleared away.
        let cleared = now.is_none() && known.status == Status::Exited(0);
        let mut report = self.clone();
        let resource = report.resources.get_mut(&subject.address)?;
        match now {
            None => resource.instances.retain(|one| one.id != subject.id),
            Some(status) => {
                let one = resource.instances.iter_mut();
                for one in one.filter(|one| one.id == subject.id) {
                    one.status = status;
                }
            }
        }
        resource.ready &= cleared;
        Some(report)
    }
}

/// Looks how everything stands; the request in `input` is not looked at.
#[must_use]
pub fn status(input: &PlanInput<'_>) -> StatusReport {
    let request = everything();
    let input = PlanInput {
        request: &request,
        ..*input
    };
    let plan = build(&input);
    let world = World::of(&input);
    let resources = plan
        .actions
        .iter()
        .filter(|action| action.address.kind != ResourceKind::Procedure)
        .map(|action| (action.address.clone(), resource(&world, action)))
        .collect();
    StatusReport {
        resources,
        strays: strays(world),
        undecided: None,
        conflict: None,
        engine: input.live.engine.clone(),
        flows: open_flows(input.project, input.record),
    }
}

/// Describes what is there and is not ours, what bears names of ours included.
pub(super) fn strays(world: World<'_>) -> Vec<String> {
    let shown: Vec<String> = obstacle::shown(&world).collect();
    let mut strays = world.strays;
    strays.extend(shown);
    strays
}

fn resource(world: &World<'_>, action: &Action) -> ResourceStatus {
    let address = &action.address;
    let desired = world.input.graph.contains(address);
    let service = world.input.project.services.get(&address.name);
    let service = service.filter(|_| address.kind == ResourceKind::Service);
    let live: &[&LiveInstance] = match address.kind {
        ResourceKind::Service => world.instances(&address.name),
        ResourceKind::Network | ResourceKind::Volume | ResourceKind::Procedure => &[],
    };
    let wanted = match address.kind {
        ResourceKind::Service => service.map_or(0, |service| service.instances),
        ResourceKind::Network | ResourceKind::Volume | ResourceKind::Procedure => {
            u32::from(desired)
        }
    };
    let recorded = world.recorded(address);
    let image = recorded
        .and_then(|r| r.model.get(path::IMAGE))
        .map(|field| field.value.clone())
        .or_else(|| image_of(service?, world.input.project));
    let drift = action.changes.iter().filter(|c| c.cause == Cause::Drift);
    ResourceStatus {
        address: address.clone(),
        desired,
        wanted,
        image: image.map(|image| short_image(&image).to_owned()),
        instances: live.iter().map(|live| instance(live)).collect(),
        ready: ready(world, address, wanted, live),
        pending: action.kind,
        drift: drift.cloned().collect(),
        ignored: Vec::new(),
    }
}

fn instance(live: &LiveInstance) -> InstanceStatus {
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

/// Networks and volumes: it exists. A service: all wanted instances run, with every step behind them, and none is
/// unhealthy or still on its way. A job: it has completed.
fn ready(world: &World<'_>, address: &Address, wanted: u32, live: &[&LiveInstance]) -> bool {
    let good = match address.kind {
        ResourceKind::Network => return world.network(&address.name).is_some(),
        ResourceKind::Volume => return world.volume(&address.name).is_some(),
        ResourceKind::Procedure => return true,
        ResourceKind::Service => {
            let service = world.input.project.services.get(&address.name);
            let recorded = world.recorded(address);
            if service.is_some_and(|service| service.kind == ServiceKind::Job) {
                completed(recorded, live)
            } else {
                let works = |l: &&&LiveInstance| {
                    l.status == Status::Running
                        && !matches!(l.health, Health::Unhealthy | Health::Starting)
                        && !unfinished(recorded, l)
                };
                live.iter().filter(works).count()
            }
        }
    };
    good >= usize::try_from(wanted).unwrap_or(usize::MAX)
}

fn unfinished(recorded: Option<&RecordedResource>, live: &LiveInstance) -> bool {
    let memory = recorded.and_then(|r| r.instances.get(&live.instance));
    memory.is_some_and(|memory| memory.id == live.id && !memory.ready)
}

/// Counts a job's instances that ended well, those that were cleared away since included.
fn completed(recorded: Option<&RecordedResource>, live: &[&LiveInstance]) -> usize {
    let ended = live
        .iter()
        .filter(|l| l.status == Status::Exited(0) && !unfinished(recorded, l));
    let cleared = recorded
        .into_iter()
        .flat_map(|r| &r.instances)
        .filter(|(number, memory)| memory.ready && live.iter().all(|l| l.instance != **number));
    ended.count() + cleared.count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::graph::build::Graph;
    use crate::domain::plan::model::ActionKind;
    use crate::domain::plan::tests::lab::{Lab, job, mounting, service};

    /// `ADDRESS ready|waiting n/wanted pending`.
    fn lines(lab: &Lab) -> Vec<String> {
        let graph = Graph::of(&lab.project);
        let report = status(&lab.input(&graph, &everything()));
        let line = |r: &ResourceStatus| {
            let ready = if r.ready { "ready" } else { "waiting" };
            let count = r.instances.len();
            format!(
                "{} {ready} {count}/{} {}",
                r.address,
                r.wanted,
                r.pending.as_str()
            )
        };
        report.resources.values().map(line).collect()
    }

    #[test]
    fn every_resource_is_told_with_what_is_pending() {
        let mut lab = Lab::new(vec![mounting("api", "data"), job("once")]);
        assert_eq!(
            lines(&lab),
            [
                "network.default waiting 0/1 create",
                "volume.data waiting 0/1 create",
                "service.api waiting 0/1 create",
                "service.once waiting 0/1 create",
            ]
        );
        lab.deploy();
        assert_eq!(
            lines(&lab),
            [
                "network.default ready 0/1 noop",
                "volume.data ready 0/1 noop",
                "service.api ready 1/1 noop",
                "service.once ready 1/1 noop",
            ]
        );
        lab.project.services.remove("once");
        lab.instance("api", 0).health = Health::Unhealthy;
        let told = lines(&lab);
        assert_eq!(told[2], "service.api waiting 1/1 noop");
        assert_eq!(told[3], "service.once ready 1/0 delete");
    }

    #[test]
    fn an_image_is_short_and_drift_is_listed() {
        let mut lab = Lab::deployed(vec![service("api")]);
        lab.instance("api", 0).name = "odd".to_owned();
        let graph = Graph::of(&lab.project);
        let report = status(&lab.input(&graph, &everything()));
        let api = &report.resources[&Address::service("api")];
        assert_eq!(api.image.as_deref(), Some("busybox:stable"));
        assert_eq!(api.drift[0].path, "name");
        assert_eq!(api.pending, ActionKind::Update);
    }
}

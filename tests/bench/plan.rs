//! Times the planner at several sizes: a first deployment and a no-op, of a chain of layers and of a flat list.
//!
//! `cargo bench --bench plan` prints the table of `assets/docs/BENCHMARKS.md`. The world is made of values, as a
//! provider and the state document would hand them over; only the plan itself (graph included) is timed.

#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot set up its world shall stop"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use nanokit::domain::flow::FlowRequest;
use nanokit::domain::graph::build::Graph;
use nanokit::domain::ids::{
    Address, EnvName, ImageId, Instance, Lineage, OpId, ProjectName, ProviderId,
};
use nanokit::domain::live::{
    Capabilities, Health, Live, LiveInstance, LiveNetwork, LiveVolume, Status,
};
use nanokit::domain::model::Model;
use nanokit::domain::plan::build::{NOTHING_ASIDE, PlanInput, SecretDigests, build};
use nanokit::domain::plan::model::{Plan, PlanRequest, Purpose};
use nanokit::domain::project::canonical::{
    image_of, network_model, recreate_hash, service_model, volume_model,
};
use nanokit::domain::project::naming;
use nanokit::domain::project::project::{Network, Project, Volume};
use nanokit::domain::project::service::{
    Condition, Dependency, EnvValue, Mount, MountSource, Service,
};
use nanokit::domain::record::{Record, RecordedInstance, RecordedResource, Teardown};

const SIZES: [usize; 3] = [100, 1_000, 10_000];

fn main() {
    divan::main();
}

/// Everything a plan is made of.
struct World {
    project: Project,
    live: Live,
    record: Option<Record>,
    digests: SecretDigests,
}

impl World {
    /// `count` services; in a chain each depends on the one before, in layers of ten.
    fn new(count: usize, chained: bool) -> Self {
        let mut project = Project::named(
            ProjectName::parse("bench").expect("a valid name"),
            EnvName::parse("local").expect("a valid name"),
            Path::new("/bench"),
        );
        let network = Network {
            name: "default".to_owned(),
            ..Network::default()
        };
        project.networks.insert("default".to_owned(), network);
        for number in 0..count {
            let service = service(number, chained);
            if let Some(mount) = service.mounts.first()
                && let MountSource::Volume(name) = &mount.source
            {
                let volume = Volume {
                    name: name.clone(),
                    labels: BTreeMap::new(),
                };
                project.volumes.insert(name.clone(), volume);
            }
            project.services.insert(service.name.clone(), service);
        }
        let live = Live {
            engine: "bench".to_owned(),
            has_images: true,
            ..Live::default()
        };
        Self {
            project,
            live,
            record: None,
            digests: SecretDigests::new(),
        }
    }
    /// The same, deployed: everything live and recorded as wanted.
    fn deployed(count: usize, chained: bool) -> Self {
        let mut world = Self::new(count, chained);
        let lineage = Lineage::new("lineage");
        let scope = world.project.scope();
        let mut record = Record::new(lineage.clone(), "key".to_owned(), scope.clone());
        let graph = Graph::of(&world.project);
        let mut remember = |address: Address, model: Model, id: Option<ProviderId>, one| {
            let resource = RecordedResource {
                hash: recreate_hash(&model),
                model,
                depends_on: graph.dependencies(&address),
                id,
                bare: false,
                instances: one,
                teardown: Teardown::default(),
                installed: None,
                address: address.clone(),
            };
            record.resources.insert(address, resource);
        };
        for network in world.project.networks.values() {
            let id = ProviderId(format!("net-{}", network.name));
            let model = network_model(network);
            world.live.networks.push(LiveNetwork {
                id: id.clone(),
                name: naming::network_name(&scope, &network.name),
                network: Some(network.name.clone()),
                lineage: Some(lineage.clone()),
                hash: None,
                model: model.clone(),
            });
            remember(
                Address::network(&network.name),
                model,
                Some(id),
                BTreeMap::new(),
            );
        }
        for volume in world.project.volumes.values() {
            let id = ProviderId(naming::volume_name(&scope, &volume.name));
            world.live.volumes.push(LiveVolume {
                id: id.clone(),
                volume: Some(volume.name.clone()),
                lineage: Some(lineage.clone()),
                model: Model::new(),
            });
            let address = Address::volume(&volume.name);
            remember(address, volume_model(volume), Some(id), BTreeMap::new());
        }
        for service in world.project.services.values() {
            let model = service_model(service, &world.project, &world.digests);
            let image = image_of(service, &world.project).expect("every service has one");
            let image_id = ImageId(format!("sha256:{image}"));
            world.live.images.insert(image, image_id.clone());
            let live = instance(&scope, service, &model, &lineage, image_id.clone());
            let one = RecordedInstance {
                id: live.id.clone(),
                name: live.name.clone(),
                image_id: Some(image_id),
                op: OpId::default(),
                ready: true,
            };
            world.live.instances.push(live);
            let instances = BTreeMap::from([(Instance(0), one)]);
            remember(service.address(), model, None, instances);
        }
        world.record = Some(record);
        world
    }
    fn plan(&self) -> Plan {
        let graph = Graph::of(&self.project);
        build(&PlanInput {
            project: &self.project,
            graph: &graph,
            live: &self.live,
            record: self.record.as_ref(),
            digests: &self.digests,
            capabilities: Capabilities {
                images: true,
                health_checks: true,
                limits_in_place: true,
                networks_in_place: true,
                shared_inner_ports: true,
            },
            request: &PlanRequest {
                purpose: Purpose::Deploy,
                targets: BTreeSet::new(),
                flow: FlowRequest::default(),
            },
            aside: NOTHING_ASIDE,
        })
    }
}

fn service(number: usize, chained: bool) -> Service {
    let mut service = Service::named(&format!("s{number:05}"));
    service.image = Some(format!("example.com/app{}:1", number % 50));
    service.networks = BTreeMap::from([("default".to_owned(), BTreeSet::new())]);
    service.expose = Some(8080);
    for (name, value) in [("LEVEL", "info"), ("REGION", "eu"), ("POOL", "16")] {
        let value = EnvValue::Plain(value.to_owned());
        service.env.insert(name.to_owned(), value);
    }
    if number.is_multiple_of(10) {
        service.mounts.push(Mount {
            source: MountSource::Volume(format!("v{number}")),
            target: "/data".to_owned(),
            read_only: false,
        });
    }
    if chained && let Some(before) = number.checked_sub(10) {
        let edge = Dependency {
            condition: Condition::Healthy,
            required: true,
        };
        service.depends_on.insert(format!("s{before:05}"), edge);
    }
    service
}

fn instance(
    scope: &nanokit::domain::ids::Scope,
    service: &Service,
    model: &Model,
    lineage: &Lineage,
    image_id: ImageId,
) -> LiveInstance {
    let mut readable = model.clone();
    readable.retain(|path, _| {
        ["cpu", "memory", "restart"].contains(&path.as_str()) || path.starts_with("networks.")
    });
    LiveInstance {
        id: ProviderId(format!("id-{}", service.name)),
        name: naming::instance_name(scope, &service.name, Instance(0)),
        service: service.name.clone(),
        instance: Instance(0),
        lineage: Some(lineage.clone()),
        hash: Some(recreate_hash(model)),
        op: None,
        status: Status::Running,
        health: Health::Unchecked,
        image_id: Some(image_id),
        model: readable,
        started_at_ms: None,
        one_off: false,
        restarts: 0,
        ports: Vec::new(),
        given: BTreeMap::new(),
    }
}

#[divan::bench(args = SIZES)]
fn create_flat(bencher: divan::Bencher<'_, '_>, count: usize) {
    let world = World::new(count, false);
    bencher.bench_local(|| world.plan());
}

#[divan::bench(args = SIZES)]
fn create_in_layers(bencher: divan::Bencher<'_, '_>, count: usize) {
    let world = World::new(count, true);
    bencher.bench_local(|| world.plan());
}

#[divan::bench(args = SIZES)]
fn noop_flat(bencher: divan::Bencher<'_, '_>, count: usize) {
    let world = World::deployed(count, false);
    assert!(world.plan().is_empty(), "a no-op is what shall be timed");
    bencher.bench_local(|| world.plan());
}

#[divan::bench(args = SIZES)]
fn noop_in_layers(bencher: divan::Bencher<'_, '_>, count: usize) {
    let world = World::deployed(count, true);
    assert!(world.plan().is_empty(), "a no-op is what shall be timed");
    bencher.bench_local(|| world.plan());
}

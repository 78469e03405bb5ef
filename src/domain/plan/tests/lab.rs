//! A world made of values: a project, what is live, what is recorded, and someone who carries plans out on them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::domain::flow::FlowRequest;
use crate::domain::graph::build::Graph;
use crate::domain::ids::{
    Address, Digest, EnvName, ImageId, Instance, Lineage, OpId, ProjectName, ProviderId,
    ResourceKind,
};
use crate::domain::live::{
    Capabilities, Health, Live, LiveInstance, LiveNetwork, LiveVolume, Status,
};
use crate::domain::model::{Field, Model, normal_image};
use crate::domain::plan::build::{Aside, PlanInput, SecretDigests, build};
use crate::domain::plan::model::{Action, ActionKind, Plan, PlanRequest, Purpose, Step, StepKind};
use crate::domain::project::canonical::{
    image_of, network_model, recreate_hash, service_model, volume_model,
};
use crate::domain::project::naming;
use crate::domain::project::project::{Network, Project, Volume};
use crate::domain::project::service::{
    Condition, Dependency, Mount, MountSource, Service, ServiceKind,
};
use crate::domain::record::{Record, RecordedInstance, RecordedResource, Teardown};

pub(in crate::domain) const CAPS: Capabilities = Capabilities {
    images: true,
    health_checks: true,
    limits_in_place: true,
    networks_in_place: true,
    shared_inner_ports: true,
};

/// The three values a plan is made of.
#[derive(Clone, Debug)]
pub(in crate::domain) struct Lab {
    pub(in crate::domain) project: Project,
    pub(in crate::domain) live: Live,
    pub(in crate::domain) record: Option<Record>,
    pub(in crate::domain) digests: SecretDigests,
    pub(in crate::domain) capabilities: Capabilities,
    pub(in crate::domain) aside: Aside,
    next: u32,
}

impl Lab {
    /// A project of these services on the network `default`, nothing of it deployed.
    pub(in crate::domain) fn new(services: Vec<Service>) -> Self {
        let mut project = Project::named(
            ProjectName::parse("shop").unwrap(),
            EnvName::parse("local").unwrap(),
            Path::new("/p"),
        );
        for service in services {
            add(&mut project, service);
        }
        Self {
            project,
            live: Live {
                engine: "engine".to_owned(),
                has_images: true,
                ..Live::default()
            },
            record: None,
            digests: SecretDigests::new(),
            capabilities: CAPS,
            aside: Aside::new(),
            next: 0,
        }
    }
    /// The same, deployed.
    pub(in crate::domain) fn deployed(services: Vec<Service>) -> Self {
        let mut lab = Self::new(services);
        lab.deploy();
        lab
    }
    pub(in crate::domain) fn plan_of(&self, request: &PlanRequest) -> Plan {
        let graph = Graph::of(&self.project);
        build(&self.input(&graph, request))
    }
    pub(in crate::domain) fn input<'a>(
        &'a self,
        graph: &'a Graph,
        request: &'a PlanRequest,
    ) -> PlanInput<'a> {
        PlanInput {
            project: &self.project,
            graph,
            live: &self.live,
            record: self.record.as_ref(),
            digests: &self.digests,
            capabilities: self.capabilities,
            request,
            aside: &self.aside,
        }
    }
    pub(in crate::domain) fn plan_for(&self, purpose: Purpose, targets: &[&str]) -> Plan {
        self.plan_of(&PlanRequest {
            purpose,
            targets: targets.iter().map(|t| (*t).to_owned()).collect(),
            flow: FlowRequest::default(),
        })
    }
    pub(in crate::domain) fn plan(&self) -> Plan {
        self.plan_for(Purpose::Deploy, &[])
    }
    /// Plans a deployment, carries it out, and returns it.
    pub(in crate::domain) fn deploy(&mut self) -> Plan {
        let plan = self.plan();
        self.apply(&plan);
        plan
    }
    pub(in crate::domain) fn service(&mut self, name: &str) -> &mut Service {
        self.project.services.get_mut(name).unwrap()
    }
    pub(in crate::domain) fn instance(&mut self, name: &str, number: u32) -> &mut LiveInstance {
        self.live
            .instances
            .iter_mut()
            .find(|live| live.service == name && live.instance == Instance(number))
            .unwrap()
    }
    pub(in crate::domain) fn recorded(&mut self, address: &str) -> &mut RecordedResource {
        let address = Address::parse(address).unwrap();
        self.record
            .as_mut()
            .unwrap()
            .resources
            .get_mut(&address)
            .unwrap()
    }
    /// Instances that exist, `api[0] api[1]`.
    pub(in crate::domain) fn numbers(&self) -> String {
        let all: BTreeSet<String> = self
            .live
            .instances
            .iter()
            .map(|l| format!("{}[{}]", l.service, l.instance))
            .collect();
        all.into_iter().collect::<Vec<_>>().join(" ")
    }

    fn fresh(&mut self, word: &str) -> ProviderId {
        self.next += 1;
        ProviderId(format!("{word}{}", self.next))
    }

    /// Carries a plan out as the engine would.
    pub(in crate::domain) fn apply(&mut self, plan: &Plan) {
        let lineage = plan
            .lineage
            .clone()
            .or_else(|| crate::domain::plan::scope::found_lineage(&self.live))
            .unwrap_or_else(|| Lineage::new("lineage"));
        if self.record.is_none() {
            let scope = self.project.scope();
            self.record = Some(Record::new(lineage, "key".to_owned(), scope));
        }
        for action in plan.actions.iter().filter(|action| !action.is_noop()) {
            let mut done: BTreeSet<&str> = BTreeSet::new();
            for step in &action.steps {
                for need in &step.needs {
                    assert!(done.contains(need.as_str()), "{} before {need}", step.id);
                }
                assert!(done.insert(step.id.as_str()), "{} twice", step.id);
                self.step(action, step);
            }
            self.remember(plan, action);
        }
    }
    #[expect(clippy::too_many_lines, reason = "one arm for each kind of step")]
    fn step(&mut self, action: &Action, step: &Step) {
        let name = action.address.name.clone();
        let at = self.live.instances.iter().position(|live| {
            live.service == name && Some(live.instance) == step.instance && !live.one_off
        });
        match &step.kind {
            StepKind::Pull { image } => {
                let id = ImageId(format!("sha256:{image}"));
                self.live.images.insert(image.clone(), id);
            }
            StepKind::Build => {
                let service = &self.project.services[&name];
                let image = image_of(service, &self.project).unwrap();
                let id = ImageId(format!("sha256:{image}"));
                self.live.images.insert(image, id);
            }
            StepKind::CreateNetwork => self.create_network(&name),
            StepKind::RemoveNetwork => {
                let field = format!("networks.{name}");
                for live in &mut self.live.instances {
                    live.model.remove(&field);
                }
                let at = self
                    .live
                    .networks
                    .iter()
                    .position(|n| n.name == step.detail);
                self.live.networks.remove(at.unwrap());
            }
            StepKind::CreateVolume => {
                let id = ProviderId(naming::volume_name(&self.project.scope(), &name));
                self.live.volumes.push(LiveVolume {
                    id,
                    volume: Some(name),
                    lineage: Some(self.lineage()),
                    model: Model::new(),
                });
            }
            StepKind::RemoveVolume => self
                .live
                .volumes
                .retain(|v| v.volume.as_ref() != Some(&name)),
            StepKind::Create => {
                assert!(at.is_none(), "{} exists already", step.id);
                self.create(&name, step.instance.unwrap(), &step.detail);
            }
            StepKind::Remove => {
                self.live.instances.remove(at.unwrap());
            }
            StepKind::Start | StepKind::Unpause => {
                self.live.instances[at.unwrap()].status = Status::Running;
            }
            StepKind::Stop => self.live.instances[at.unwrap()].status = Status::Exited(143),
            StepKind::Complete => self.live.instances[at.unwrap()].status = Status::Exited(0),
            StepKind::Health => {
                assert_eq!(
                    self.live.instances[at.unwrap()].status,
                    Status::Running,
                    "{}",
                    step.id
                );
            }
            StepKind::Rename => {
                let scope = self.project.scope();
                let name = naming::instance_name(&scope, &name, step.instance.unwrap());
                self.live.instances[at.unwrap()].name = name;
            }
            StepKind::Limits => {
                let model = self.observable(&name);
                let live = &mut self.live.instances[at.unwrap()];
                for path in ["cpu", "memory", "restart"] {
                    live.model.insert(path.to_owned(), model[path].clone());
                }
            }
            StepKind::Connect { network } => {
                let model = self.observable(&name);
                let field = format!("networks.{network}");
                let aliases = model[&field].clone();
                self.live.instances[at.unwrap()]
                    .model
                    .insert(field, aliases);
            }
            StepKind::Disconnect { network } => {
                let scope = self.project.scope();
                self.live.instances[at.unwrap()].model.retain(|field, _| {
                    field.strip_prefix("networks.").is_none_or(|joined| {
                        joined != network && naming::network_name(&scope, joined) != *network
                    })
                });
            }
            StepKind::Detach { service, instance } => {
                let field = format!("networks.{name}");
                let member = self.live.instances.iter_mut();
                let member = member.filter(|i| &i.service == service && i.instance == *instance);
                member.for_each(|i| drop(i.model.remove(&field)));
            }
            StepKind::Hook { .. }
            | StepKind::Install
            | StepKind::OpenGate
            | StepKind::Adopt
            | StepKind::Perform { .. }
            | StepKind::Skip { .. }
            | StepKind::PutBack { .. } => {}
        }
    }
    pub(in crate::domain) fn create_network(&mut self, name: &str) {
        let network = self.project.networks[name].clone();
        let id = self.fresh("net");
        self.live.networks.push(LiveNetwork {
            id,
            name: naming::network_name(&self.project.scope(), name),
            network: Some(name.to_owned()),
            lineage: Some(self.lineage()),
            hash: None,
            model: network_model(&network),
        });
    }
    fn create(&mut self, name: &str, instance: Instance, detail: &str) {
        let model = self.model_of(name);
        let image = image_of(&self.project.services[name], &self.project);
        let by_id = detail
            .split_once('(')
            .map(|(_, id)| id.trim_end_matches(')'));
        let image_id = by_id.map_or_else(
            || image.map(|image| self.live.images[&image].clone()),
            |id| {
                let mut all = self.live.local_images.iter();
                all.find(|one| one.as_str().contains(id)).cloned()
            },
        );
        let id = self.fresh("box");
        let live = LiveInstance {
            id,
            name: naming::instance_name(&self.project.scope(), name, instance),
            service: name.to_owned(),
            instance,
            lineage: Some(self.lineage()),
            hash: Some(recreate_hash(&model)),
            op: None,
            status: Status::Created,
            health: Health::Unchecked,
            image_id,
            model: self.observable(name),
            started_at_ms: None,
            one_off: false,
            restarts: 0,
            ports: Vec::new(),
            given: BTreeMap::new(),
        };
        self.live.instances.push(live);
    }
    fn lineage(&self) -> Lineage {
        self.record.as_ref().unwrap().lineage.clone()
    }
    fn model_of(&self, name: &str) -> Model {
        service_model(&self.project.services[name], &self.project, &self.digests)
    }
    /// The part of a service's model a provider can read back.
    fn observable(&self, name: &str) -> Model {
        let mut model = self.model_of(name);
        model.retain(|path, _| {
            ["cpu", "memory", "restart"].contains(&path.as_str()) || path.starts_with("networks.")
        });
        model
    }
    fn volume_at(&self, name: &str) -> Option<&LiveVolume> {
        let id = naming::volume_name(&self.project.scope(), name);
        self.live.volumes.iter().find(|volume| volume.id.0 == id)
    }
    fn remember(&mut self, plan: &Plan, action: &Action) {
        if action.kind == ActionKind::Delete {
            let record = self.record.as_mut().unwrap();
            record.resources.remove(&action.address);
            return;
        }
        let name = &action.address.name;
        let mut model = match action.address.kind {
            ResourceKind::Service => self.model_of(name),
            ResourceKind::Network => network_model(&self.project.networks[name]),
            ResourceKind::Volume => volume_model(&self.project.volumes[name]),
            ResourceKind::Procedure => return,
        };
        let makes = action
            .steps
            .iter()
            .any(|step| step.kind == StepKind::Create);
        let before = self.record.as_ref().unwrap().resources.get(&action.address);
        if let Some(before) = before.filter(|_| plan.purpose == Purpose::Restore && !makes) {
            model = before.model.clone();
        }
        let ghosts = before.map_or_else(BTreeMap::new, |before| before.instances.clone());
        let service = self
            .project
            .services
            .get(name)
            .filter(|_| action.address.kind == ResourceKind::Service);
        let mut instances: BTreeMap<Instance, RecordedInstance> = self
            .live
            .instances
            .iter()
            .filter(|live| service.is_some() && &live.service == name)
            .map(|live| {
                let recorded = RecordedInstance {
                    id: live.id.clone(),
                    name: live.name.clone(),
                    image_id: live.image_id.clone(),
                    op: OpId::default(),
                    ready: true,
                };
                (live.instance, recorded)
            })
            .collect();
        if service.is_some_and(|s| s.kind == ServiceKind::Job) {
            for (number, ghost) in ghosts {
                instances.entry(number).or_insert(ghost);
            }
        }
        let id = match action.address.kind {
            ResourceKind::Network => {
                let place = naming::network_name(&self.project.scope(), name);
                let live = self.live.networks.iter().find(|n| n.name == place);
                live.map(|n| n.id.clone())
            }
            ResourceKind::Volume => {
                let live = self.volume_at(name);
                live.map(|v| v.id.clone())
            }
            ResourceKind::Service | ResourceKind::Procedure => None,
        };
        let resource = RecordedResource {
            address: action.address.clone(),
            hash: recreate_hash(&model),
            model,
            depends_on: Graph::of(&self.project).dependencies(&action.address),
            id,
            bare: action.address.kind == ResourceKind::Volume
                && self.volume_at(name).is_some_and(|v| v.lineage.is_none()),
            instances,
            teardown: service.map_or_else(Teardown::default, |s| Teardown {
                prestop: s.hooks.prestop.clone(),
                poststop: s.hooks.poststop.clone(),
                stop_grace: s.stop_grace,
                stop_signal: s.stop_signal.clone(),
            }),
            installed: service
                .and_then(|s| s.provisioning.as_ref())
                .map(|p| p.manifest.clone()),
        };
        let record = self.record.as_mut().unwrap();
        record.resources.insert(action.address.clone(), resource);
    }
}

/// Adds a service and the networks and volumes it names.
pub(in crate::domain) fn add(project: &mut Project, service: Service) {
    for name in service.networks.keys() {
        project
            .networks
            .entry(name.clone())
            .or_insert_with(|| Network {
                name: name.clone(),
                ..Network::default()
            });
    }
    for mount in &service.mounts {
        if let MountSource::Volume(name) = &mount.source {
            project
                .volumes
                .entry(name.clone())
                .or_insert_with(|| Volume {
                    name: name.clone(),
                    ..Volume::default()
                });
        }
    }
    project.services.insert(service.name.clone(), service);
}

/// A service of `busybox:stable` on the default network.
pub(in crate::domain) fn service(name: &str) -> Service {
    Service {
        image: Some("busybox:stable".to_owned()),
        networks: BTreeMap::from([("default".to_owned(), BTreeSet::new())]),
        ..Service::named(name)
    }
}
pub(in crate::domain) fn needing(name: &str, needs: &[&str]) -> Service {
    let edge = Dependency {
        condition: Condition::Healthy,
        required: true,
    };
    Service {
        depends_on: needs
            .iter()
            .map(|need| ((*need).to_owned(), edge))
            .collect(),
        ..service(name)
    }
}
pub(in crate::domain) fn mounting(name: &str, volume: &str) -> Service {
    Service {
        mounts: vec![Mount {
            source: MountSource::Volume(volume.to_owned()),
            target: "/data".to_owned(),
            read_only: false,
        }],
        ..service(name)
    }
}
pub(in crate::domain) fn job(name: &str) -> Service {
    Service {
        kind: ServiceKind::Job,
        ..service(name)
    }
}

/// One line an action that does something: `~ service.api recreate (image changed)`.
pub(in crate::domain) fn rows(plan: &Plan) -> String {
    let mut text = String::new();
    for action in plan.actions.iter().filter(|action| !action.is_noop()) {
        let _ = writeln!(
            text,
            "{} {} {} ({})",
            action.kind.symbol(),
            action.address,
            action.strategy.as_str(),
            action.reason
        );
    }
    text
}
/// The differences of one action, one a line: `status[1] exited -> running drift`.
pub(in crate::domain) fn changes(plan: &Plan, address: &str) -> String {
    let address = Address::parse(address).unwrap();
    let mut text = String::new();
    for change in &plan.action(&address).unwrap().changes {
        let instance = change
            .instance
            .map_or_else(String::new, |i| format!("[{i}]"));
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let _ = writeln!(
            text,
            "{}{instance} {} -> {} {}",
            change.path,
            shown(&change.before),
            shown(&change.after),
            change.cause.as_str()
        );
    }
    text
}
/// The steps of one action by id, without the address in front.
pub(in crate::domain) fn steps(plan: &Plan, address: &str) -> String {
    let parsed = Address::parse(address).unwrap();
    let action = plan.action(&parsed).unwrap();
    let short = |id: &str| {
        id.trim_start_matches(address)
            .trim_start_matches('/')
            .to_owned()
    };
    let mut text = String::new();
    for step in &action.steps {
        let needs: Vec<String> = step.needs.iter().map(|id| short(id.as_str())).collect();
        let old = if step.old { " (old)" } else { "" };
        let _ = writeln!(
            text,
            "{}{old} <- {}",
            short(step.id.as_str()),
            needs.join(", ")
        );
    }
    text
}
pub(in crate::domain) fn digest(text: &str) -> Digest {
    Digest::new(text)
}
pub(in crate::domain) fn plain(text: &str) -> Field {
    Field::plain(text)
}
pub(in crate::domain) fn image(text: &str) -> String {
    normal_image(text)
}

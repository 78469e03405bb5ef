//! What a run knows about the world while it changes it: the observation it began with, and what it made since.
//!
//! Nothing is ever looked at again after an operation: the reply that made an instance is all a run needs to
//! start it, to run something in it and to watch its health.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::domain::effect::Shape;
use crate::domain::graph::build::needs_of;
use crate::domain::ids::{
    Address, Epoch, Instance, Lineage, OpId, ProviderId, ResourceKind, RunId, Scope, StepId,
};
use crate::domain::live::{Health, Live, LiveInstance, Status};
use crate::domain::model::normal_image;
use crate::domain::plan::model::{Action, Step};
use crate::domain::plan::origin::Origin;
use crate::domain::project::canonical::{
    SecretDigests, network_model, recreate_hash, service_model, volume_model,
};
use crate::domain::project::naming::{network_name, volume_name};
use crate::domain::project::project::Project;
use crate::domain::project::service::{EnvValue, Service};
use crate::domain::record::{Record, RecordedResource, Teardown};
use crate::domain::secret::{Secret, SecretRef};
use crate::domain::trace::id::RunTrace;
use crate::engine::acts::Flows;
use crate::ports::hooks::Value;
use crate::ports::provider::InstanceRef;

/// Variable with the W3C trace context.
pub(super) const TRACEPARENT: &str = "TRACEPARENT";

/// Resolved secrets by reference.
pub(super) type SecretValues = BTreeMap<SecretRef, Secret>;

/// Everything the steps of one run are made of.
pub(super) struct Site<'a> {
    /// Desired state.
    pub(super) project: &'a Project,
    /// What was observed.
    pub(super) live: &'a Live,
    /// What was recorded when the run began.
    pub(super) record: &'a Record,
    /// Keyed digests of secrets.
    pub(super) digests: SecretDigests,
    /// Values of secrets.
    pub(super) secrets: SecretValues,
    /// The run.
    pub(super) run: RunId,
    /// Fencing token.
    pub(super) fence: Epoch,
    /// Whether the run undoes drift only.
    pub(super) restores: bool,
    /// How the run is traced.
    pub(super) trace: Option<RunTrace>,
    /// What is known of procedures.
    pub(super) flows: Flows,
    made: RefCell<BTreeMap<(Address, Instance), InstanceRef>>,
    checked: RefCell<BTreeMap<ProviderId, bool>>,
}

impl<'a> Site<'a> {
    /// Sets the site of a run up.
    pub(super) fn new(
        project: &'a Project,
        live: &'a Live,
        record: &'a Record,
        run: RunId,
        fence: Epoch,
    ) -> Self {
        Self {
            project,
            live,
            record,
            digests: SecretDigests::new(),
            secrets: SecretValues::new(),
            run,
            fence,
            restores: false,
            trace: None,
            flows: Flows::default(),
            made: RefCell::new(BTreeMap::new()),
            checked: RefCell::new(BTreeMap::new()),
        }
    }

    /// Returns whose objects these are.
    pub(super) fn scope(&self) -> Scope {
        self.project.scope()
    }

    /// Returns the identity of the state.
    pub(super) fn lineage(&self) -> &Lineage {
        &self.record.lineage
    }

    /// Returns the desired service behind an address.
    pub(super) fn service(&self, address: &Address) -> Option<&'a Service> {
        match address.kind {
            ResourceKind::Service => self.project.services.get(&address.name),
            ResourceKind::Network | ResourceKind::Volume | ResourceKind::Procedure => None,
        }
    }

    /// Returns what was recorded of a resource.
    pub(super) fn recorded(&self, address: &Address) -> Option<&'a RecordedResource> {
        self.record.resources.get(address)
    }

    /// Makes the id of the operation of a step's attempt; unique for ever.
    pub(super) fn op_id(&self, step: &Step, attempt: u32) -> OpId {
        OpId(format!("{}/{}#{attempt}", self.run, step.id))
    }

    /// Remembers an instance this run made.
    pub(super) fn remember(&self, made: InstanceRef, platform_check: Option<bool>) {
        if let Some(check) = platform_check {
            self.checked.borrow_mut().insert(made.id.clone(), check);
        }
        self.made
            .borrow_mut()
            .insert((made.address.clone(), made.instance), made);
    }

    /// Finds the instance a step acts on: the one to be replaced or removed, or the wanted one.
    pub(super) fn target(&self, action: &Action, step: &Step) -> Option<InstanceRef> {
        let instance = step.instance?;
        if !step.old {
            let key = (action.address.clone(), instance);
            if let Some(made) = self.made.borrow().get(&key) {
                return Some(made.clone());
            }
        }
        self.live_instance(&action.address, instance)
            .map(|live| InstanceRef {
                id: live.id.clone(),
                name: live.name.clone(),
                address: action.address.clone(),
                instance,
            })
    }

    /// Finds our live instance of that number. Where several say they are it: the recorded one, else one that
    /// runs, else the smallest id; the planner chooses in the same way.
    pub(super) fn live_instance(
        &self,
        address: &Address,
        instance: Instance,
    ) -> Option<&'a LiveInstance> {
        let recorded = self
            .recorded(address)
            .and_then(|resource| resource.instances.get(&instance));
        self.live
            .instances
            .iter()
            .filter(|live| live.service == address.name && !live.one_off)
            .filter(|live| live.instance == instance)
            .filter(|live| live.lineage.as_ref() == Some(self.lineage()))
            .min_by_key(|live| {
                let known = recorded.is_some_and(|r| r.id == live.id);
                (!known, live.status != Status::Running, live.id.clone())
            })
    }

    /// Tells whether the platform itself checks the health of an instance, as far as that is known.
    pub(super) fn platform_check(&self, target: &InstanceRef) -> bool {
        if let Some(known) = self.checked.borrow().get(&target.id) {
            return *known;
        }
        self.live
            .instances
            .iter()
            .find(|live| live.id == target.id)
            .is_some_and(|live| live.health != Health::Unchecked)
    }

    /// Tells whether it is a volume without our labels.
    pub(super) fn is_bare(&self, id: &ProviderId) -> bool {
        let live = self.live.volumes.iter().find(|volume| &volume.id == id);
        live.is_some_and(|volume| volume.lineage.is_none())
    }

    /// Returns the provider's identifier of a network or volume: of the one that carries our lineage, or that was
    /// made by hand in its place. The planner chooses in the same way.
    pub(super) fn object_id(&self, address: &Address) -> Option<ProviderId> {
        let scope = self.scope();
        let recorded = self.recorded(address).and_then(|r| r.id.clone());
        let mut claims: Vec<(bool, bool, ProviderId)> = match address.kind {
            ResourceKind::Network => {
                let name = network_name(&scope, &address.name);
                self.live
                    .networks
                    .iter()
                    .filter(|n| match &n.lineage {
                        Some(lineage) => {
                            lineage == self.lineage() && n.network.as_deref() == Some(&address.name)
                        }
                        None => n.name == name,
                    })
                    .map(|n| {
                        (
                            recorded.as_ref() != Some(&n.id),
                            n.lineage.is_none(),
                            n.id.clone(),
                        )
                    })
                    .collect()
            }
            ResourceKind::Volume => {
                let name = volume_name(&scope, &address.name);
                self.live
                    .volumes
                    .iter()
                    .filter(|v| match &v.lineage {
                        Some(lineage) => {
                            lineage == self.lineage() && v.volume.as_deref() == Some(&address.name)
                        }
                        None => v.id.0 == name,
                    })
                    .map(|v| (false, false, v.id.clone()))
                    .collect()
            }
            ResourceKind::Service | ResourceKind::Procedure => Vec::new(),
        };
        claims.sort();
        claims.into_iter().next().map(|(_, _, id)| id)
    }

    /// Returns our live instances of a service.
    pub(super) fn live_instances(
        &self,
        address: &Address,
    ) -> impl Iterator<Item = &'a LiveInstance> {
        let numbers: BTreeSet<Instance> = self
            .live
            .instances
            .iter()
            .filter(|live| live.service == address.name && !live.one_off)
            .map(|live| live.instance)
            .collect();
        numbers
            .into_iter()
            .filter_map(|number| self.live_instance(address, number))
    }

    /// Tells whether this run made the instance.
    pub(super) fn has_made(&self, id: &ProviderId) -> bool {
        self.made.borrow().values().any(|made| &made.id == id)
    }

    /// Returns what the record shall remember of a resource once it is applied.
    pub(super) fn shape(&self, action: &Action) -> Option<Shape> {
        let address = &action.address;
        let model = match address.kind {
            ResourceKind::Network => network_model(self.project.networks.get(&address.name)?),
            ResourceKind::Volume => volume_model(self.project.volumes.get(&address.name)?),
            ResourceKind::Procedure => return None,
            ResourceKind::Service => {
                service_model(self.service(address)?, self.project, &self.digests)
            }
        };
        let teardown = self
            .service(address)
            .map_or_else(Teardown::default, |s| Teardown {
                prestop: s.hooks.prestop.clone(),
                poststop: s.hooks.poststop.clone(),
                stop_grace: s.stop_grace,
                stop_signal: s.stop_signal.clone(),
            });
        Some(Shape {
            hash: recreate_hash(&model),
            model,
            depends_on: self.depends_on(address),
            teardown,
        })
    }

    /// Returns what a resource depends on, whether or not this run acts on it.
    fn depends_on(&self, address: &Address) -> BTreeSet<Address> {
        self.service(address).map(needs_of).unwrap_or_default()
    }

    /// Returns the hash for the label of a service's instances.
    pub(super) fn hash(&self, service: &Service) -> String {
        recreate_hash(&service_model(service, self.project, &self.digests))
    }

    /// Returns the image of a new instance: the file's, but in a restore the recorded one, as the planner chooses.
    pub(super) fn image(&self, service: &Service, instance: Instance) -> Option<String> {
        let named = service.image_reference(self.project.name.as_str());
        let reference = named.as_deref().map(normal_image);
        let recorded = self.recorded(&service.address());
        match Origin::of(recorded, instance, reference.as_deref(), self.live) {
            Origin::Recorded(id) if self.restores => Some(id.0.clone()),
            Origin::Recorded(_) | Origin::Named | Origin::Lost(_) => named,
        }
    }

    /// Returns the variables of an instance: the file's, and who it is.
    pub(super) fn instance_env(
        &self,
        service: &Service,
        instance: Instance,
    ) -> Vec<(String, Value)> {
        let mut env: BTreeMap<String, Value> = BTreeMap::new();
        for (name, text) in [
            ("NANOKIT_PROJECT", self.project.name.to_string()),
            ("NANOKIT_ENV", self.project.env.to_string()),
            ("NANOKIT_SERVICE", service.name.clone()),
            ("NANOKIT_INSTANCE", instance.to_string()),
        ] {
            env.insert(name.to_owned(), Value::Plain(text));
        }
        for (name, value) in &service.env {
            let value = match value {
                EnvValue::Plain(text) => Value::Plain(text.clone()),
                EnvValue::Secret(reference) => match self.secrets.get(reference) {
                    Some(secret) => Value::Secret(secret.clone()),
                    None => continue,
                },
            };
            env.insert(name.clone(), value);
        }
        env.into_iter().collect()
    }

    /// Returns the variable that tells a program started by an attempt of a step which span is its parent.
    pub(super) fn trace_env(&self, step: &StepId, attempt: u32) -> Option<(String, Value)> {
        let context = self.trace.as_ref()?.context(step, attempt)?;
        Some((TRACEPARENT.to_owned(), Value::Plain(context.to_string())))
    }

    /// Returns the further variables of what an attempt of a step runs.
    pub(super) fn hook_env(
        &self,
        phase: &str,
        (step, attempt): (&StepId, u32),
    ) -> Vec<(String, Value)> {
        let own = [
            (
                "NANOKIT_RUN_ID".to_owned(),
                Value::Plain(self.run.to_string()),
            ),
            ("NANOKIT_PHASE".to_owned(), Value::Plain(phase.to_owned())),
        ];
        own.into_iter()
            .chain(self.trace_env(step, attempt))
            .collect()
    }
}

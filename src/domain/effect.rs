//! What an operation leaves in the record: small assignments that can be folded again and again.
//!
//! The recorded state is the last snapshot with the effects of the journal folded over it. Every effect
//! assigns one thing, so folding a whole journal twice gives the same record as folding it once.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::flow::{Flow, FlowRun, Mark, Standing};
use crate::domain::ids::{Address, Digest, Instance, OpId, ProviderId, StepId};
use crate::domain::model::Model;
use crate::domain::record::{Pending, Record, RecordedInstance, RecordedResource, Teardown};

/// What the record remembers of a resource beside the objects that exist.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Shape {
    /// Canonical model, secrets as keyed digests.
    pub model: Model,
    /// Hash of the fields that need a new instance, with its schema version in front.
    pub hash: String,
    /// What it depends on.
    pub depends_on: BTreeSet<Address>,
    /// How to stop it.
    pub teardown: Teardown,
}

/// An operation that is about to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The operation.
    pub pending: Pending,
    /// For the first object of a resource: what the record shall remember of it, so that a crash right after the
    /// call leaves a resource that can be taken down again.
    pub shape: Option<Shape>,
}

/// How an announced operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OpEnd {
    /// It happened.
    Done,
    /// It did not happen.
    Failed,
    /// Nobody knows; it has to be settled by looking.
    Unknown,
}

/// One assignment to the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A resource is about to get its first object; a known resource is left as it is.
    Announced {
        /// Resource.
        address: Address,
        /// What to remember of it.
        shape: Shape,
    },
    /// An instance exists (made, or adopted).
    InstanceMade {
        /// Service.
        address: Address,
        /// Its number.
        instance: Instance,
        /// The instance.
        made: RecordedInstance,
    },
    /// An instance passed every step up to its health gate (a job: completed), or is not ready any more.
    InstanceReady {
        /// Service.
        address: Address,
        /// Its number.
        instance: Instance,
        /// Whether it is ready.
        ready: bool,
    },
    /// An instance got another name.
    InstanceRenamed {
        /// Service.
        address: Address,
        /// Its number.
        instance: Instance,
        /// New name.
        name: String,
    },
    /// An instance is gone. Nothing happens when the number meanwhile stands for another object.
    InstanceGone {
        /// Service.
        address: Address,
        /// Its number.
        instance: Instance,
        /// The object that is gone; `None`: whatever has that number.
        id: Option<ProviderId>,
    },
    /// A network or volume exists (made, or adopted).
    ObjectMade {
        /// Resource.
        address: Address,
        /// The provider's identifier.
        id: ProviderId,
        /// Whether it has none of our labels.
        bare: bool,
    },
    /// A network or volume is gone; the resource stays known.
    ObjectGone {
        /// Resource.
        address: Address,
    },
    /// An installation succeeded.
    Installed {
        /// Service.
        address: Address,
        /// Manifest hash of what was installed.
        manifest: Digest,
    },
    /// An action was carried out to its end: this is what was applied.
    Applied {
        /// Resource.
        address: Address,
        /// What to remember of it.
        shape: Shape,
    },
    /// A procedure begins, or goes on: nothing happens to the marks of a flow for the same purpose.
    FlowBegun {
        /// Procedure.
        address: Address,
        /// What the flow is for.
        purpose: String,
        /// Inputs that are no secrets.
        inputs: BTreeMap<String, String>,
        /// Names of the secret inputs it was given.
        secrets: BTreeSet<String>,
        /// The run that does it.
        run: Option<FlowRun>,
        /// What its steps do, by label.
        steps: BTreeMap<String, Digest>,
    },
    /// A service runs again that steps of unfinished flows had stopped.
    FlowReleased {
        /// Service.
        address: Address,
    },
    /// A step of a flow ended.
    FlowStep {
        /// Procedure.
        address: Address,
        /// Label of the step.
        step: String,
        /// How.
        mark: Mark,
    },
    /// A step of the clean-up of flows that are being given up is finished. Where there are none any more, they were.
    FlowCleaned {
        /// What the flows are for.
        purpose: String,
        /// The step; its procedure may never have begun.
        step: StepId,
        /// What it did.
        digest: Digest,
    },
    /// A run ended well: how the project stands now, and what is over.
    Concluded {
        /// How it stands.
        standing: Standing,
        /// Procedures with nothing to go on with any more.
        over: BTreeSet<String>,
    },
    /// A resource is not ours any more: removed, or never came to be.
    Forgotten {
        /// Resource.
        address: Address,
    },
}

impl Record {
    /// Folds one effect into the record.
    pub fn fold(&mut self, effect: &Effect) {
        match effect {
            Effect::Announced { address, shape } => {
                if !self.resources.contains_key(address) {
                    self.entry(address).set_shape(shape);
                }
            }
            Effect::InstanceMade {
                address,
                instance,
                made,
            } => {
                let instances = &mut self.entry(address).instances;
                instances.insert(*instance, made.clone());
            }
            Effect::InstanceReady {
                address,
                instance,
                ready,
            } => {
                if let Some(known) = self.instance(address, *instance) {
                    known.ready = *ready;
                }
            }
            Effect::InstanceRenamed {
                address,
                instance,
                name,
            } => {
                if let Some(known) = self.instance(address, *instance) {
                    known.name.clone_from(name);
                }
            }
            Effect::InstanceGone {
                address,
                instance,
                id,
            } => self.instance_gone(address, *instance, id.as_ref()),
            Effect::ObjectMade { address, id, bare } => {
                let resource = self.entry(address);
                resource.id = Some(id.clone());
                resource.bare = *bare;
            }
            Effect::ObjectGone { address } => {
                if let Some(resource) = self.resources.get_mut(address) {
                    resource.id = None;
                    resource.bare = false;
                }
            }
            Effect::Installed { address, manifest } => {
                self.entry(address).installed = Some(manifest.clone());
            }
            Effect::Applied { address, shape } => self.entry(address).set_shape(shape),
            Effect::FlowBegun {
                address,
                purpose,
                inputs,
                secrets,
                run,
                steps,
            } => {
                let begun = Flow {
                    purpose: purpose.clone(),
                    inputs: inputs.clone(),
                    secrets: secrets.clone(),
                    last: run.clone(),
                    steps: steps.clone(),
                    ..Flow::default()
                };
                self.flow_begun(&address.name, begun);
            }
            Effect::FlowReleased { address } => {
                for flow in self.flows.values_mut() {
                    flow.released.insert(address.name.clone());
                }
            }
            Effect::FlowStep {
                address,
                step,
                mark,
            } => self.flow_step(&address.name, step, mark),
            Effect::FlowCleaned {
                purpose,
                step,
                digest,
            } => {
                for flow in self.flows_for(purpose) {
                    flow.cleaned.insert(step.clone(), digest.clone());
                }
            }
            Effect::Concluded { standing, over } => {
                self.standing.clone_from(standing);
                self.flows.retain(|name, _| !over.contains(name));
            }
            Effect::Forgotten { address } => {
                self.resources.remove(address);
            }
        }
    }

    /// A flow begins, or goes on with its marks; either forgets what was cleaned up.
    fn flow_begun(&mut self, name: &str, begun: Flow) {
        for flow in self.flows_for(&begun.purpose) {
            flow.cleaned.clear();
        }
        let flow = self.flows.entry(name.to_owned()).or_default();
        let marks = if flow.purpose == begun.purpose {
            std::mem::take(&mut flow.marks)
        } else {
            BTreeMap::new()
        };
        *flow = Flow { marks, ..begun };
    }

    /// A step ended. What is over stays so: a failure is of its clean-up then, which was cut off.
    fn flow_step(&mut self, name: &str, step: &str, mark: &Mark) {
        let over = |flow: &Flow| flow.is_over(step) && !mark.is_over();
        let flow = self.flows.get_mut(name);
        if let Some(flow) = flow.filter(|flow| !over(flow)) {
            flow.marks.insert(step.to_owned(), mark.clone());
        }
    }

    /// Forgets a resource that was announced and of which nothing ever came to be.
    pub fn forget_unborn(&mut self, address: &Address) {
        let unborn = |resource: &RecordedResource| {
            resource.id.is_none() && resource.instances.is_empty() && resource.installed.is_none()
        };
        if self.resources.get(address).is_some_and(unborn) {
            self.resources.remove(address);
        }
    }

    /// Removes an operation from those that have to be settled.
    pub fn settled(&mut self, op: &OpId) {
        self.pending.retain(|pending| &pending.op != op);
    }

    fn entry(&mut self, address: &Address) -> &mut RecordedResource {
        self.resources
            .entry(address.clone())
            .or_insert_with(|| RecordedResource::blank(address.clone()))
    }

    fn flows_for(&mut self, purpose: &str) -> impl Iterator<Item = &mut Flow> {
        let all = self.flows.values_mut();
        all.filter(move |flow| flow.purpose == purpose)
    }

    fn instance(&mut self, address: &Address, instance: Instance) -> Option<&mut RecordedInstance> {
        self.resources
            .get_mut(address)?
            .instances
            .get_mut(&instance)
    }

    fn instance_gone(&mut self, address: &Address, instance: Instance, id: Option<&ProviderId>) {
        let Some(resource) = self.resources.get_mut(address) else {
            return;
        };
        let same = |known: &RecordedInstance| id.is_none_or(|id| &known.id == id);
        if resource.instances.get(&instance).is_some_and(same) {
            resource.instances.remove(&instance);
        }
    }
}

impl RecordedResource {
    fn set_shape(&mut self, shape: &Shape) {
        self.model.clone_from(&shape.model);
        self.hash.clone_from(&shape.hash);
        self.depends_on.clone_from(&shape.depends_on);
        self.teardown.clone_from(&shape.teardown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{EnvName, Lineage, ProjectName, Scope};

    fn record() -> Record {
        let scope = Scope {
            project: ProjectName::parse("shop").unwrap(),
            env: EnvName::parse("local").unwrap(),
            component: None,
        };
        Record::new(Lineage::new("l"), String::new(), scope)
    }

    fn made(id: &str) -> RecordedInstance {
        RecordedInstance {
            id: ProviderId::new(id),
            name: format!("nk-{id}"),
            image_id: None,
            op: OpId::new(format!("op-{id}")),
            ready: false,
        }
    }

    fn journal() -> Vec<Effect> {
        let api = Address::service("api");
        let instance = Instance(0);
        let make = |id: &str| Effect::InstanceMade {
            address: api.clone(),
            instance,
            made: made(id),
        };
        let shape = Shape {
            hash: "1:a".to_owned(),
            ..Shape::default()
        };
        vec![
            Effect::Announced {
                address: api.clone(),
                shape: shape.clone(),
            },
            make("a"),
            Effect::InstanceReady {
                address: api.clone(),
                instance,
                ready: true,
            },
            make("b"),
            Effect::InstanceGone {
                address: api.clone(),
                instance,
                id: Some(ProviderId::new("a")),
            },
            Effect::Installed {
                address: api.clone(),
                manifest: Digest::new("m"),
            },
            Effect::Applied {
                address: api.clone(),
                shape: Shape {
                    hash: "1:b".to_owned(),
                    ..shape
                },
            },
            Effect::ObjectMade {
                address: Address::network("default"),
                id: ProviderId::new("n"),
                bare: false,
            },
            Effect::ObjectMade {
                address: Address::volume("data"),
                id: ProviderId::new("v"),
                bare: true,
            },
            Effect::Forgotten {
                address: Address::volume("data"),
            },
        ]
    }

    /// A procedure stops at its second step, is given up, gone on with after all, and given up again.
    fn given_up() -> Vec<Effect> {
        let mend = Address::procedure("mend");
        let begun = Effect::FlowBegun {
            address: mend.clone(),
            purpose: "manual r1".to_owned(),
            inputs: BTreeMap::new(),
            secrets: BTreeSet::new(),
            run: None,
            steps: BTreeMap::new(),
        };
        let marked = |step: &str, mark| Effect::FlowStep {
            address: mend.clone(),
            step: step.to_owned(),
            mark,
        };
        let cleaned = |step: &str| Effect::FlowCleaned {
            purpose: "manual r1".to_owned(),
            step: mend.step(None, step),
            digest: Digest::new("d"),
        };
        vec![
            begun.clone(),
            marked("one", Mark::Done),
            marked("two", Mark::Failed),
            cleaned("tidy"),
            // The clean-up of the first step was cut off.
            marked("one", Mark::Failed),
            begun,
            marked("two", Mark::Failed),
            cleaned("sweep"),
        ]
    }

    #[test]
    fn a_clean_up_is_part_of_a_flow_until_somebody_goes_on_with_it() {
        let mut once = record();
        given_up().iter().for_each(|effect| once.fold(effect));
        let flow = &once.flows["mend"];
        assert_eq!(flow.marks["one"], Mark::Done, "what is over stays so");
        assert_eq!(flow.marks["two"], Mark::Failed);
        let cleaned: Vec<&str> = flow.cleaned.keys().map(StepId::as_str).collect();
        assert_eq!(cleaned, ["action.mend/sweep"]);
        // A flow that was given up does not come back by what is folded once more.
        let mut over = once.clone();
        over.flows.clear();
        let clean_up = &given_up()[6..];
        clean_up.iter().for_each(|effect| over.fold(effect));
        assert!(over.flows.is_empty());
    }

    #[test]
    fn a_journal_folded_twice_is_the_same_as_once() {
        let folded = |mut record: Record, effects: &[Effect]| {
            for effect in effects {
                record.fold(effect);
            }
            record
        };
        for all in [journal(), given_up()] {
            let once = folded(record(), &all);
            for cut in 0..all.len() {
                let twice = folded(folded(once.clone(), &all[..cut]), &all);
                assert_eq!(twice, once, "cut at {cut}");
            }
        }
        let once = folded(record(), &journal());
        let api = &once.resources[&Address::service("api")];
        assert_eq!(api.instances[&Instance(0)].id, ProviderId::new("b"));
        assert!(
            !api.instances[&Instance(0)].ready,
            "the new one is not ready"
        );
        assert_eq!(api.hash, "1:b");
        assert_eq!(api.installed, Some(Digest::new("m")));
        assert!(!once.resources.contains_key(&Address::volume("data")));
    }

    #[test]
    fn only_what_never_came_to_be_is_unborn() {
        let mut record = record();
        record.fold(&journal()[0]);
        let mut with_instance = record.clone();
        with_instance.fold(&journal()[1]);
        record.forget_unborn(&Address::service("api"));
        with_instance.forget_unborn(&Address::service("api"));
        assert!(record.resources.is_empty());
        assert_eq!(with_instance.resources.len(), 1);
    }
}

//! What we last applied, as the state document remembers it.
//!
//! The record is identity (lineage, ids) and memory (models); desired is the file's matter and live the
//! provider's. A lost record is rebuilt from labels; it is never taken for "nothing deployed".

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::flow::{Flow, Standing};
use crate::domain::ids::{
    Address, Digest, Epoch, ImageId, Instance, Lineage, OpId, PlanId, ProviderId, RunId, Scope,
    Serial, StepId,
};
use crate::domain::model::Model;
use crate::domain::project::hook::Hook;

/// One instance as it was last applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedInstance {
    /// The provider's identifier.
    pub id: ProviderId,
    /// The provider's name of it.
    pub name: String,
    /// Image it was made of.
    pub image_id: Option<ImageId>,
    /// Operation that made it.
    pub op: OpId,
    /// Whether every step up to the health gate was passed; a job: whether it completed.
    pub ready: bool,
}

/// What is needed to stop a resource when the file no longer knows it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Teardown {
    /// `prestop` hooks.
    pub prestop: Vec<Hook>,
    /// `poststop` hooks.
    pub poststop: Vec<Hook>,
    /// Time between the stop signal and the kill.
    pub stop_grace: Duration,
    /// Stop signal.
    pub stop_signal: Option<String>,
}

/// One resource as it was last applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedResource {
    /// Its address.
    pub address: Address,
    /// Canonical model, secrets as keyed digests.
    pub model: Model,
    /// Hash of the fields that need a new instance, with its schema version in front (`1:…`).
    pub hash: String,
    /// What it depended on, for removal in reverse order.
    pub depends_on: BTreeSet<Address>,
    /// The provider's identifier, for networks and volumes.
    pub id: Option<ProviderId>,
    /// Whether it had none of our labels when it was taken over: a volume's identifier is its name, so that one that was
    /// removed and made anew by hand is known by the labels it lacks.
    pub bare: bool,
    /// Instances of a service.
    pub instances: BTreeMap<Instance, RecordedInstance>,
    /// How to stop it.
    pub teardown: Teardown,
    /// Manifest hash of the last successful installation.
    pub installed: Option<Digest>,
}

impl RecordedResource {
    /// Begins with one of which nothing is known but its address.
    #[must_use]
    pub fn blank(address: Address) -> Self {
        Self {
            address,
            model: Model::new(),
            hash: String::new(),
            depends_on: BTreeSet::new(),
            id: None,
            bare: false,
            instances: BTreeMap::new(),
            teardown: Teardown::default(),
            installed: None,
        }
    }
}

/// A key of the state document that a newer version wrote and this one does not know: it is carried along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Keys of the objects around it, outermost first.
    pub path: Vec<String>,
    /// The key.
    pub key: String,
    /// Its value as it was written.
    pub value: String,
}

/// An operation announced in the journal whose outcome is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Run that announced it.
    pub run: RunId,
    /// Step it belongs to.
    pub step: StepId,
    /// The operation, also a label on what it makes.
    pub op: OpId,
    /// Resource it acts on.
    pub address: Address,
    /// Instance, if one.
    pub instance: Option<Instance>,
    /// Word for the kind of operation (`create`, `start`, `install` …).
    pub verb: String,
    /// Identifier of the object it acts on, when it exists already.
    pub target: Option<ProviderId>,
}

/// The whole recorded state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Identity of this state.
    pub lineage: Lineage,
    /// Number of the snapshot.
    pub serial: Serial,
    /// Highest fencing token that ever wrote.
    pub fence: Epoch,
    /// Whose state it is.
    pub scope: Scope,
    /// Key of the digests of secrets; 32 bytes in hex, minted with the lineage.
    pub digest_key: String,
    /// Identity of the engine the resources live on.
    pub engine: String,
    /// Resources by address.
    pub resources: BTreeMap<Address, RecordedResource>,
    /// Plans carried out, newest last, at most [`Record::PLANS_KEPT`].
    pub applied_plans: Vec<PlanId>,
    /// Operations whose outcome has to be settled before anything else.
    pub pending: Vec<Pending>,
    /// Versions the project stands at.
    pub standing: Standing,
    /// Procedures that are not over, by name.
    pub flows: BTreeMap<String, Flow>,
    /// What a newer version wrote into the document.
    pub strays: Vec<Stray>,
}

impl Record {
    /// How many plan ids are remembered.
    pub const PLANS_KEPT: usize = 50;

    /// Starts an empty record.
    #[must_use]
    pub fn new(lineage: Lineage, digest_key: String, scope: Scope) -> Self {
        Self {
            lineage,
            serial: Serial(0),
            fence: Epoch(0),
            scope,
            digest_key,
            engine: String::new(),
            resources: BTreeMap::new(),
            applied_plans: Vec::new(),
            pending: Vec::new(),
            standing: Standing::fresh(),
            flows: BTreeMap::new(),
            strays: Vec::new(),
        }
    }
    /// Remembers a plan that was carried out.
    pub fn remember_plan(&mut self, plan: PlanId) {
        self.applied_plans.push(plan);
        let excess = self.applied_plans.len().saturating_sub(Self::PLANS_KEPT);
        self.applied_plans.drain(..excess);
    }
}

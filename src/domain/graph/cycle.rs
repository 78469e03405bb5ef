//! The shortest cycle among names, for a message that shows the whole way round.
//!
//! Works on names rather than on addresses, because config asks before there is a project. Names that are depended
//! on but not declared are ignored here: that is another finding.

use std::collections::{BTreeMap, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// Edges looked at before the search settles for the shortest cycle found so far. Reached only by graphs with
/// thousands of entangled services, where any short cycle is as good a hint as the shortest.
const BUDGET: usize = 1_000_000;

/// Finds a shortest cycle and returns it closed, its smallest name first: `[a, b, a]`.
///
/// `None` when there is no cycle. Among several of one length the alphabetically first is taken, whatever the
/// order of the edges.
#[must_use]
pub fn shortest_cycle(edges: &BTreeMap<String, Vec<String>>) -> Option<Vec<String>> {
    let index: BTreeMap<&str, NodeIndex> = edges
        .keys()
        .enumerate()
        .map(|(i, name)| (name.as_str(), NodeIndex::new(i)))
        .collect();
    let mut graph: DiGraph<&str, ()> = DiGraph::with_capacity(index.len(), index.len());
    for name in edges.keys() {
        graph.add_node(name.as_str());
    }
    for (name, targets) in edges {
        let mut known: Vec<NodeIndex> = targets
            .iter()
            .filter_map(|target| index.get(target.as_str()).copied())
            .collect();
        known.sort_unstable();
        known.dedup();
        for target in known {
            if let Some(&from) = index.get(name.as_str()) {
                graph.add_edge(from, target, ());
            }
        }
    }
    let ring = search(&graph)?;
    let mut names: Vec<String> = ring.iter().map(|node| graph[*node].to_owned()).collect();
    let smallest = names
        .iter()
        .enumerate()
        .min_by_key(|(_, name)| name.as_str())
        .map_or(0, |(i, _)| i);
    names.rotate_left(smallest);
    names.extend(names.first().cloned());
    Some(names)
}

/// Searches every entangled component and returns the shortest ring, without the closing node.
fn search(graph: &DiGraph<&str, ()>) -> Option<Vec<NodeIndex>> {
    let mut component = vec![usize::MAX; graph.node_count()];
    let mut starts: Vec<NodeIndex> = Vec::new();
    for (number, nodes) in kosaraju_scc(graph).into_iter().enumerate() {
        let entangled =
            nodes.len() > 1 || nodes.first().is_some_and(|n| graph.contains_edge(*n, *n));
        if entangled {
            for node in &nodes {
                if let Some(slot) = component.get_mut(node.index()) {
                    *slot = number;
                }
            }
            starts.extend(nodes);
        }
    }
    starts.sort_unstable();
    let mut best: Option<Vec<NodeIndex>> = None;
    let mut budget = BUDGET;
    for start in starts {
        let limit = best.as_ref().map_or(usize::MAX, Vec::len);
        if limit <= 1 || (best.is_some() && budget == 0) {
            break;
        }
        if let Some(ring) = ring_through(graph, &component, start, limit, &mut budget) {
            best = Some(ring);
        }
    }
    best
}

/// Breadth-first way from `start` back to itself, shorter than `limit` nodes.
fn ring_through(
    graph: &DiGraph<&str, ()>,
    component: &[usize],
    start: NodeIndex,
    limit: usize,
    budget: &mut usize,
) -> Option<Vec<NodeIndex>> {
    let mut parent: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
    let mut queue = VecDeque::from([(start, 1_usize)]);
    while let Some((node, length)) = queue.pop_front() {
        if length >= limit {
            return None;
        }
        let mut next: Vec<NodeIndex> = graph.neighbors(node).collect();
        next.sort_unstable();
        for target in next {
            *budget = budget.saturating_sub(1);
            if target == start {
                let mut ring = vec![node];
                let mut at = node;
                while let Some(&up) = parent.get(&at) {
                    ring.push(up);
                    at = up;
                }
                ring.reverse();
                return Some(ring);
            }
            let same = component.get(target.index()) == component.get(start.index());
            if same && !parent.contains_key(&target) {
                parent.insert(target, node);
                queue.push_back((target, length + 1));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(edges: &[(&str, &[&str])], expected: Option<&[&str]>) {
        let edges: BTreeMap<String, Vec<String>> = edges
            .iter()
            .map(|(name, targets)| {
                (
                    (*name).to_owned(),
                    targets.iter().map(|t| (*t).to_owned()).collect(),
                )
            })
            .collect();
        let expected = expected.map(|names| names.iter().map(|n| (*n).to_owned()).collect());
        assert_eq!(shortest_cycle(&edges), expected, "{edges:?}");
    }

    #[test]
    fn the_shortest_cycle_is_shown_closed() {
        check(&[("a", &[]), ("b", &["a"])], None);
        check(&[("a", &["a"])], Some(&["a", "a"]));
        check(
            &[("b", &["a"]), ("a", &["b"]), ("c", &["a"])],
            Some(&["a", "b", "a"]),
        );
        check(
            &[
                ("a", &["b"]),
                ("b", &["c", "x"]),
                ("c", &["a"]),
                ("x", &["y"]),
                ("y", &["x"]),
            ],
            Some(&["x", "y", "x"]),
        );
        check(
            &[("z", &["m"]), ("m", &["b"]), ("b", &["z", "gone"])],
            Some(&["b", "z", "m", "b"]),
        );
    }

    #[test]
    fn a_ring_of_ten_thousand_is_found_without_recursion() {
        let edges: BTreeMap<String, Vec<String>> = (0..10_000)
            .map(|i| {
                (
                    format!("s{i:05}"),
                    vec![format!("s{:05}", (i + 1) % 10_000)],
                )
            })
            .collect();
        assert_eq!(shortest_cycle(&edges).map(|ring| ring.len()), Some(10_001));
    }
}

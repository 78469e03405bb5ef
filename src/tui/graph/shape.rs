//! What is to be drawn: addresses and edges between them, in one order whatever order they came in.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::Address;

/// Everything to be drawn, with what each stands on.
pub type Needs = BTreeMap<Address, BTreeSet<Address>>;

/// A line from what comes first to what needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Number of what comes first in the drawing.
    pub from: usize,
    /// Number of what comes later in the drawing.
    pub to: usize,
}

/// A graph to be drawn.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Shape {
    /// What is drawn, sorted.
    pub nodes: Vec<Address>,
    /// Layer of each, from 0.
    pub layers: Vec<usize>,
    /// Lines, sorted, each once.
    pub edges: Vec<Edge>,
    /// Numbers of what hangs together, the biggest part first; each sorted.
    pub parts: Vec<Vec<usize>>,
}

impl Shape {
    /// Takes in a graph; targets that are not in it are left out, and so is what needs itself.
    #[must_use]
    pub fn of(needs: &Needs) -> Self {
        let nodes: Vec<Address> = needs.keys().cloned().collect();
        let number: BTreeMap<&Address, usize> = nodes.iter().zip(0..).collect();
        let mut arrows: Vec<(usize, usize)> = Vec::new();
        for (to, targets) in needs.values().enumerate() {
            let known = targets
                .iter()
                .filter_map(|target| number.get(target).copied());
            arrows.extend(known.filter(|from| *from != to).map(|from| (from, to)));
        }
        let rank = ranks(nodes.len(), &arrows);
        let mut edges: Vec<Edge> = arrows
            .iter()
            .map(|&(from, to)| match rank.get(from) <= rank.get(to) {
                true => Edge { from, to },
                false => Edge { from: to, to: from },
            })
            .collect();
        edges.sort_unstable();
        edges.dedup();
        Self {
            layers: layers(&rank, &edges),
            parts: parts(nodes.len(), &edges),
            nodes,
            edges,
        }
    }

    /// Returns the number of an address.
    #[must_use]
    pub fn number(&self, address: &Address) -> Option<usize> {
        self.nodes.binary_search(address).ok()
    }
}

/// Numbers everything so that an arrow leads upwards; where there is a cycle, at least all but one of its arrows.
fn ranks(count: usize, arrows: &[(usize, usize)]) -> Vec<usize> {
    let mut open = vec![0_usize; count];
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); count];
    for &(from, to) in arrows {
        if let (Some(open), Some(after)) = (open.get_mut(to), after.get_mut(from)) {
            *open += 1;
            after.push(to);
        }
    }
    let mut waiting: BTreeSet<usize> = (0..count).collect();
    let mut free: BTreeSet<usize> = (0..count).filter(|n| open.get(*n) == Some(&0)).collect();
    let mut rank = vec![0; count];
    for next in 0..count {
        let Some(node) = free.pop_first().or_else(|| waiting.first().copied()) else {
            break;
        };
        waiting.remove(&node);
        if let Some(rank) = rank.get_mut(node) {
            *rank = next;
        }
        for &to in after.get(node).into_iter().flatten() {
            if let Some(open) = open.get_mut(to).filter(|_| waiting.contains(&to)) {
                *open = open.saturating_sub(1);
                if *open == 0 {
                    free.insert(to);
                }
            }
        }
    }
    rank
}

/// Puts everything one layer behind the last thing it needs.
fn layers(rank: &[usize], edges: &[Edge]) -> Vec<usize> {
    let mut by_rank: Vec<&Edge> = edges.iter().collect();
    by_rank.sort_by_key(|edge| rank.get(edge.from));
    let mut layers = vec![0_usize; rank.len()];
    for edge in by_rank {
        let least = layers.get(edge.from).map_or(0, |layer| layer + 1);
        if let Some(layer) = layers.get_mut(edge.to) {
            *layer = least.max(*layer);
        }
    }
    layers
}

fn parts(count: usize, edges: &[Edge]) -> Vec<Vec<usize>> {
    let mut beside: Vec<Vec<usize>> = vec![Vec::new(); count];
    for edge in edges {
        for (a, b) in [(edge.from, edge.to), (edge.to, edge.from)] {
            if let Some(list) = beside.get_mut(a) {
                list.push(b);
            }
        }
    }
    let mut left: BTreeSet<usize> = (0..count).collect();
    let mut parts = Vec::new();
    while let Some(first) = left.pop_first() {
        let mut part = vec![first];
        let mut at = 0;
        while let Some(&node) = part.get(at) {
            at += 1;
            for &other in beside.get(node).into_iter().flatten() {
                if left.remove(&other) {
                    part.push(other);
                }
            }
        }
        part.sort_unstable();
        parts.push(part);
    }
    parts.sort_by_key(|part| (std::cmp::Reverse(part.len()), part.first().copied()));
    parts
}

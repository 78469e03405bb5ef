//! Items in layers, in an order with few crossings.
//!
//! An edge over several layers becomes a chain of dummy items. All edges of one source share one chain: what many
//! need is drawn as one line with branches, not as a bundle.

use std::collections::BTreeMap;

use crate::tui::graph::shape::Shape;

/// How often the layers are gone through.
const SWEEPS: usize = 12;
/// Up to how many items neighbours are tried the other way round.
const PATIENT: usize = 300;

/// One place in a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// What stands there; `None`: a line passes.
    pub node: Option<usize>,
    /// Whose line leaves it.
    pub source: usize,
    /// Layer, from 0.
    pub layer: usize,
    /// Items of the layer before that lead here.
    pub before: Vec<usize>,
    /// Items of the next layer that it leads to.
    pub after: Vec<usize>,
}

/// The items of what hangs together.
#[derive(Clone, Debug, Default)]
pub(super) struct Weave {
    /// All items.
    pub items: Vec<Item>,
    /// Their numbers by layer, in their order.
    pub rows: Vec<Vec<usize>>,
}

impl Weave {
    /// Makes the items of one part of a shape and puts them in order.
    pub(super) fn of(shape: &Shape, part: &[usize]) -> Self {
        let mut weave = Self::default();
        let mut at: BTreeMap<usize, usize> = BTreeMap::new();
        let layer = |node: usize| shape.layers.get(node).copied().unwrap_or(0);
        for &node in part {
            at.insert(node, weave.add(Some(node), node, layer(node)));
        }
        for &node in part {
            let from = shape.edges.partition_point(|edge| edge.from < node);
            let edges = shape.edges.iter().skip(from);
            let mut targets: Vec<usize> = edges
                .take_while(|edge| edge.from == node)
                .map(|edge| edge.to)
                .collect();
            targets.sort_by_key(|target| (layer(*target), *target));
            let Some(mut end) = at.get(&node).copied() else {
                continue;
            };
            let mut reached = layer(node);
            for target in targets {
                while reached + 1 < layer(target) {
                    reached += 1;
                    let dummy = weave.add(None, node, reached);
                    weave.link(end, dummy);
                    end = dummy;
                }
                if let Some(item) = at.get(&target) {
                    weave.link(end, *item);
                }
            }
        }
        weave.start();
        weave.sweep();
        weave
    }

    pub(super) fn item(&self, number: usize) -> Option<&Item> {
        self.items.get(number)
    }

    fn add(&mut self, node: Option<usize>, source: usize, layer: usize) -> usize {
        self.items.push(Item {
            node,
            source,
            layer,
            before: Vec::new(),
            after: Vec::new(),
        });
        self.items.len() - 1
    }
    fn link(&mut self, from: usize, to: usize) {
        if let Some(item) = self.items.get_mut(from) {
            item.after.push(to);
        }
        if let Some(item) = self.items.get_mut(to) {
            item.before.push(from);
        }
    }

    /// A first order: everything next to what it hangs on, found from the layer with the most items outwards.
    fn start(&mut self) {
        let deepest = self.items.iter().map(|item| item.layer).max().unwrap_or(0);
        self.rows = vec![Vec::new(); deepest + 1];
        let mut seen = vec![false; self.items.len()];
        for first in 0..self.items.len() {
            let mut stack = vec![first];
            while let Some(number) = stack.pop() {
                let (Some(item), Some(seen)) = (self.items.get(number), seen.get_mut(number))
                else {
                    continue;
                };
                if std::mem::replace(seen, true) {
                    continue;
                }
                if let Some(row) = self.rows.get_mut(item.layer) {
                    row.push(number);
                }
                stack.extend(item.before.iter().rev());
                stack.extend(item.after.iter().rev());
            }
        }
    }

    fn sweep(&mut self) {
        let mut best = (self.crossings(), self.rows.clone());
        let mut idle = 0;
        for round in 0..SWEEPS {
            if best.0 == 0 || idle > 4 {
                break;
            }
            self.sort_all(round);
            if self.items.len() <= PATIENT {
                self.exchange();
            }
            let crossings = self.crossings();
            idle += 1;
            if crossings < best.0 {
                best = (crossings, self.rows.clone());
                idle = 0;
            }
        }
        self.rows = best.1;
    }

    /// Sorts layer by layer by where the neighbours stand: forwards in even rounds, backwards in odd ones.
    fn sort_all(&mut self, round: usize) {
        let forwards = round.is_multiple_of(2);
        let count = self.rows.len();
        let mut place = self.places();
        for step in 1..count {
            let layer = if forwards { step } else { count - 1 - step };
            let Some(row) = self.rows.get_mut(layer) else {
                continue;
            };
            let mut keyed: Vec<(i64, usize, usize)> = Vec::with_capacity(row.len());
            for (index, &number) in row.iter().enumerate() {
                let beside = self
                    .items
                    .get(number)
                    .map_or(&[][..], |item| match forwards {
                        true => item.before.as_slice(),
                        false => item.after.as_slice(),
                    });
                let sum: usize = beside.iter().filter_map(|b| place.get(*b)).sum();
                let mean = match beside.len() {
                    0 => index * 1000,
                    many => sum * 1000 / many,
                };
                // In the second half of the rounds equal ones change places, which gets out of dead ends.
                let tie = if round % 4 < 2 {
                    index
                } else {
                    row.len() - index
                };
                keyed.push((i64::try_from(mean).unwrap_or(0), tie, number));
            }
            keyed.sort_unstable();
            for (index, (.., number)) in keyed.iter().enumerate() {
                if let Some(place) = place.get_mut(*number) {
                    *place = index;
                }
            }
            *row = keyed.into_iter().map(|(.., number)| number).collect();
        }
    }

    /// Tries every two neighbours the other way round.
    fn exchange(&mut self) {
        for _ in 0..4 {
            let mut better = false;
            for layer in 0..self.rows.len() {
                let place = self.places();
                better |= self.exchange_in(layer, &place);
            }
            if !better {
                break;
            }
        }
    }
    fn exchange_in(&mut self, layer: usize, place: &[usize]) -> bool {
        let mut better = false;
        let Some(row) = self.rows.get_mut(layer) else {
            return false;
        };
        for index in 1..row.len() {
            let (Some(&left), Some(&right)) = (row.get(index - 1), row.get(index)) else {
                continue;
            };
            let (Some(a), Some(b)) = (self.items.get(left), self.items.get(right)) else {
                continue;
            };
            let cost = |one: &Item, other: &Item| {
                inversions(&one.before, &other.before, place)
                    + inversions(&one.after, &other.after, place)
            };
            if cost(b, a) < cost(a, b) {
                row.swap(index - 1, index);
                better = true;
            }
        }
        better
    }

    fn places(&self) -> Vec<usize> {
        let mut place = vec![0; self.items.len()];
        for row in &self.rows {
            for (index, number) in row.iter().enumerate() {
                if let Some(place) = place.get_mut(*number) {
                    *place = index;
                }
            }
        }
        place
    }

    /// Counts crossings between all layers.
    pub(super) fn crossings(&self) -> usize {
        let place = self.places();
        let mut sum = 0;
        for (upper, lower) in self.rows.iter().zip(self.rows.iter().skip(1)) {
            let mut ends: Vec<usize> = Vec::new();
            for number in upper {
                let after = self.items.get(*number).map_or(&[][..], |item| &item.after);
                let mut targets: Vec<usize> = after
                    .iter()
                    .filter_map(|t| place.get(*t).copied())
                    .collect();
                targets.sort_unstable();
                ends.extend(targets);
            }
            sum += inverted(&ends, lower.len());
        }
        sum
    }
}

/// Counts pairs of neighbours that cross when `one` stands before `other`.
fn inversions(one: &[usize], other: &[usize], place: &[usize]) -> usize {
    let at = |number: &usize| place.get(*number).copied().unwrap_or(0);
    let of = |a: &usize| other.iter().filter(|b| at(b) < at(a)).count();
    one.iter().map(of).sum()
}

/// Counts pairs that are the wrong way round, with a tree of sums.
fn inverted(ends: &[usize], width: usize) -> usize {
    let mut tree = vec![0_usize; width + 1];
    let mut sum = 0;
    for (count, end) in ends.iter().enumerate() {
        let mut index = end + 1;
        let mut smaller = 0;
        while index > 0 {
            smaller += tree.get(index).copied().unwrap_or(0);
            index &= index - 1;
        }
        sum += count - smaller;
        let mut index = end + 1;
        while let Some(slot) = tree.get_mut(index) {
            *slot += 1;
            index += index & index.wrapping_neg();
        }
    }
    sum
}

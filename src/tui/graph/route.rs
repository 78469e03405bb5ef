//! Lines between two layers: where they enter what they lead to, and on which track they run across.
//!
//! Every item of the upper layer has one net: a stretch from it to its track, the track, and a branch to each
//! item it leads to. Tracks are put in an order in which nets cross seldom and never lie on top of each other,
//! unless two of them wish for the other's row in a circle.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::tui::graph::order::Weave;

/// What leaves one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Net {
    /// The item it leaves.
    pub item: usize,
    /// Cell across the flow where it leaves.
    pub line: i32,
    /// Items it leads to, each with the cell where it enters.
    pub ends: Vec<(usize, i32)>,
    /// Its track, from 0; `None`: it leads straight on.
    pub track: Option<usize>,
}

impl Net {
    fn span(&self) -> (i32, i32) {
        let ends = || self.ends.iter().map(|(_, line)| *line);
        (
            ends().min().unwrap_or(self.line).min(self.line),
            ends().max().unwrap_or(self.line).max(self.line),
        )
    }
}

/// All lines between two layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gap {
    /// Nets, in the order of the items they leave.
    pub nets: Vec<Net>,
    /// How many tracks there are.
    pub tracks: usize,
}

/// Where lines may enter an item: first and last cell, and the step between two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Door {
    /// First cell.
    pub first: i32,
    /// Last cell.
    pub last: i32,
    /// Cells from one line to the next, where there is room.
    pub step: i32,
}

/// Routes what leads from a layer to the next one.
pub(super) fn gap(
    weave: &Weave,
    layer: usize,
    line: &impl Fn(usize) -> i32,
    door: &impl Fn(usize) -> Door,
) -> Gap {
    let row = weave.rows.get(layer).map_or(&[][..], Vec::as_slice);
    let leaving = |number: &&usize| weave.item(**number).is_some_and(|i| !i.after.is_empty());
    let mut nets: Vec<Net> = row
        .iter()
        .filter(leaving)
        .map(|&item| Net {
            item,
            line: line(item),
            ends: Vec::new(),
            track: None,
        })
        .collect();
    let taken: BTreeSet<i32> = nets.iter().map(|net| net.line).collect();
    let below = weave.rows.get(layer + 1).map_or(&[][..], Vec::as_slice);
    for &target in below {
        let Some(item) = weave.item(target) else {
            continue;
        };
        let mut sources: Vec<(i32, usize)> = item.before.iter().map(|b| (line(*b), *b)).collect();
        sources.sort_unstable();
        let lines: Vec<i32> = sources.iter().map(|(line, _)| *line).collect();
        let ports = match item.node {
            Some(_) => ports(&lines, door(target), &taken),
            None => vec![line(target); lines.len()],
        };
        for ((_, source), port) in sources.iter().zip(ports) {
            if let Some(net) = nets.iter_mut().find(|net| net.item == *source) {
                net.ends.push((target, port));
            }
        }
    }
    let tracks = tracks(&mut nets);
    Gap { nets, tracks }
}

/// Gives every line a cell to enter by: in their order, straight where that can be, else around the middle.
fn ports(lines: &[i32], door: Door, taken: &BTreeSet<i32>) -> Vec<i32> {
    let count = i32::try_from(lines.len()).unwrap_or(1).max(1);
    let room = door.last - door.first;
    let step = [door.step, 1]
        .into_iter()
        .find(|step| (count - 1) * step <= room);
    let Some(step) = step else {
        let shared = |index: i32| door.first + index * room / (count - 1).max(1);
        return (0..count).map(shared).collect();
    };
    let span = (count - 1) * step;
    let middle = door.first + (room - span) / 2;
    let score = |start: &i32| {
        let mut score = -(start - middle).abs();
        for (line, index) in lines.iter().zip(0..) {
            let port = start + index * step;
            if port == *line {
                score += 30;
            } else if taken.contains(&port) {
                score -= 40;
            }
        }
        (score, Reverse((start - middle).abs()))
    };
    let best = (door.first..=door.last - span).max_by_key(score);
    let start = best.unwrap_or(middle);
    (0..count).map(|index| start + index * step).collect()
}

/// Orders the nets that bend and gives each the first track that is free. Returns how many there are.
fn tracks(nets: &mut [Net]) -> usize {
    let bent: Vec<usize> = (0..nets.len())
        .filter(|index| {
            let net = nets.get(*index);
            net.is_some_and(|net| net.ends.iter().any(|(_, line)| *line != net.line))
        })
        .collect();
    let all: Vec<&Net> = bent.iter().filter_map(|index| nets.get(*index)).collect();
    let spans: Vec<(i32, i32)> = all.iter().map(|net| net.span()).collect();
    let touch = |a: (i32, i32), b: (i32, i32)| a.0 <= b.1 && b.0 <= a.1;
    let mut given: Vec<(usize, (i32, i32), usize)> = Vec::new();
    let mut count = 0;
    for index in arranged(&all, &spans) {
        let span = spans.get(index).copied().unwrap_or_default();
        let above = given.iter().filter(|(_, other, _)| touch(*other, span));
        let track = above.map(|(_, _, track)| track + 1).max().unwrap_or(0);
        given.push((index, span, track));
        count = count.max(track + 1);
    }
    for (index, _, track) in given {
        if let Some(net) = bent.get(index).and_then(|at| nets.get_mut(*at)) {
            net.track = Some(track);
        }
    }
    count
}

/// Picks, one after the other, the net whose being first costs the least in crossings.
fn arranged(nets: &[&Net], spans: &[(i32, i32)]) -> Vec<usize> {
    let cost = |first: usize, second: usize| -> i64 {
        let (Some(a), Some(b)) = (nets.get(first), nets.get(second)) else {
            return 0;
        };
        let (Some(over), Some(under)) = (spans.get(first), spans.get(second)) else {
            return 0;
        };
        if over.1 < under.0 || under.1 < over.0 {
            return 0;
        }
        let inside = |line: i32, span: &(i32, i32)| span.0 <= line && line <= span.1;
        let mut cost = i64::from(inside(b.line, over));
        for (_, line) in &a.ends {
            cost += i64::from(inside(*line, under));
            // One line on top of the other, which nobody could read.
            cost += 1000 * i64::from(*line == b.line);
        }
        cost
    };
    let count = nets.len();
    let mut score = vec![0_i64; count];
    for (index, score) in score.iter_mut().enumerate() {
        let others = (0..count).filter(|other| *other != index);
        *score = others.map(|o| cost(index, o) - cost(o, index)).sum();
    }
    let mut left: BTreeSet<usize> = (0..count).collect();
    let mut order = Vec::with_capacity(count);
    while let Some(next) = left
        .iter()
        .copied()
        .min_by_key(|index| (score.get(*index).copied(), *index))
    {
        left.remove(&next);
        order.push(next);
        for other in &left {
            if let Some(score) = score.get_mut(*other) {
                *score -= cost(*other, next) - cost(next, *other);
            }
        }
    }
    order
}

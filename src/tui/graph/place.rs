//! Positions across the flow: the order is kept, nothing overlaps, lines are as straight as that allows.

use crate::tui::graph::order::{Item, Weave};

/// How often the layers are gone through.
const PASSES: usize = 13;

/// How much room an item takes across the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Cells it covers.
    pub size: i32,
    /// The cell its line leaves from, counted from its first.
    pub port: i32,
    /// Free cells that it wants beside another of its kind.
    pub gap: i32,
}

/// Finds the first cell of every item; the smallest is 0.
pub(super) fn place(weave: &Weave, extent: &impl Fn(&Item) -> Extent) -> Vec<i32> {
    let extents: Vec<Extent> = weave.items.iter().map(extent).collect();
    let mut course = Course {
        weave,
        at: vec![0; extents.len()],
        extents,
    };
    for row in &weave.rows {
        course.pack(row);
    }
    let last = weave.rows.len();
    for pass in 0..PASSES {
        let towards = match pass % 2 {
            // At the end everything stands behind what it needs.
            0 => Towards::Before,
            _ if pass + 4 >= PASSES => Towards::Both,
            _ => Towards::After,
        };
        for step in 0..last {
            let layer = if pass % 2 == 0 { step } else { last - 1 - step };
            if let Some(row) = weave.rows.get(layer) {
                course.settle(row, towards);
            }
        }
    }
    let first = course.at.iter().copied().min().unwrap_or(0);
    course.at.iter().map(|at| at - first).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Towards {
    Before,
    After,
    Both,
}

struct Course<'a> {
    weave: &'a Weave,
    extents: Vec<Extent>,
    at: Vec<i32>,
}

/// Items that touch, and move together.
struct Block {
    weight: i64,
    /// Sum of weight × wished position of the block's first item.
    wish: i64,
    items: usize,
}

impl Block {
    fn position(&self) -> i64 {
        (2 * self.wish + self.weight).div_euclid(2 * self.weight.max(1))
    }
}

impl Course<'_> {
    fn extent(&self, item: usize) -> Extent {
        self.extents.get(item).copied().unwrap_or(Extent {
            size: 1,
            port: 0,
            gap: 0,
        })
    }
    fn line(&self, item: usize) -> i32 {
        self.at.get(item).copied().unwrap_or(0) + self.extent(item).port
    }

    /// Puts a layer together around 0.
    fn pack(&mut self, row: &[usize]) {
        let offsets = self.offsets(row);
        let end = row.last().zip(offsets.last());
        let whole = end.map_or(0, |(item, at)| at + self.extent(*item).size);
        for (item, offset) in row.iter().zip(offsets) {
            if let Some(at) = self.at.get_mut(*item) {
                *at = offset - whole / 2;
            }
        }
    }

    /// Returns where the items of a layer stand when they stand as close as they may.
    fn offsets(&self, row: &[usize]) -> Vec<i32> {
        let mut offsets = Vec::with_capacity(row.len());
        let mut next = 0;
        let mut gap = 0;
        for item in row {
            let extent = self.extent(*item);
            next += if offsets.is_empty() {
                0
            } else {
                gap.max(extent.gap)
            };
            offsets.push(next);
            next += extent.size;
            gap = extent.gap;
        }
        offsets
    }

    /// Moves a layer to where its neighbours are, as near as the others in it allow.
    fn settle(&mut self, row: &[usize], towards: Towards) {
        let offsets = self.offsets(row);
        let mut blocks: Vec<Block> = Vec::new();
        for (item, offset) in row.iter().zip(&offsets) {
            let (wish, weight) = self.wish(*item, towards);
            blocks.push(Block {
                weight,
                wish: weight * i64::from(wish - offset),
                items: 1,
            });
            while let [.., one, other] = blocks.as_slice() {
                if one.position() < other.position() {
                    break;
                }
                let joined = Block {
                    weight: one.weight + other.weight,
                    wish: one.wish + other.wish,
                    items: one.items + other.items,
                };
                blocks.truncate(blocks.len() - 2);
                blocks.push(joined);
            }
        }
        let positions = blocks
            .iter()
            .flat_map(|block| std::iter::repeat_n(block.position(), block.items));
        for ((item, offset), position) in row.iter().zip(offsets).zip(positions) {
            if let Some(at) = self.at.get_mut(*item) {
                *at = i32::try_from(position).unwrap_or(0) + offset;
            }
        }
    }

    /// Where an item would like to begin, and how much.
    fn wish(&self, number: usize, towards: Towards) -> (i32, i64) {
        let here = self.at.get(number).copied().unwrap_or(0);
        let Some(item) = self.weave.item(number) else {
            return (here, 1);
        };
        let (before, after) = match towards {
            Towards::Before => (item.before.as_slice(), &[][..]),
            Towards::After => (&[][..], item.after.as_slice()),
            Towards::Both => (item.before.as_slice(), item.after.as_slice()),
        };
        let beside = before.iter().chain(after);
        let mut lines: Vec<i32> = Vec::new();
        let mut passing = false;
        for other in beside {
            let dummy = self.weave.item(*other).is_some_and(|o| o.node.is_none());
            passing |= dummy;
            // A line that only passes is kept straight before anything else is.
            let times = if dummy && item.node.is_none() { 4 } else { 1 };
            lines.extend(std::iter::repeat_n(self.line(*other), times));
        }
        lines.sort_unstable();
        let middle = lines.len() / 2;
        let median = match (lines.len() % 2, lines.get(middle)) {
            (_, None) => return (here, 1),
            (1, Some(one)) => *one,
            (_, Some(upper)) => {
                let lower = middle.checked_sub(1).and_then(|index| lines.get(index));
                i32::midpoint(*upper, lower.copied().unwrap_or(*upper))
            }
        };
        let weight = match (item.node, passing) {
            (None, true) => 16,
            (None, false) => 4,
            (Some(_), _) => 2,
        };
        (median - self.extent(number).port, weight)
    }
}

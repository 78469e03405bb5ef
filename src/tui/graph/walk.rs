//! From one box to the next: by direction on the screen, and along lines.

use crate::tui::graph::drawing::{Drawing, Flow, Spot};
use crate::tui::graph::shape::Shape;

/// A direction on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the top.
    Up,
    /// To the bottom.
    Down,
    /// To the left.
    Left,
    /// To the right.
    Right,
}

/// Finds the next box in a direction among those allowed: along a line where one leads there, else the nearest.
#[must_use]
pub fn beside(
    shape: &Shape,
    drawing: &Drawing,
    from: usize,
    way: Way,
    allowed: &impl Fn(usize) -> bool,
) -> Option<usize> {
    let here = drawing.boxes.get(from)?;
    let along = match (drawing.flow, way) {
        (Flow::Right, Way::Right) | (Flow::Down, Way::Down) => after(shape, from),
        (Flow::Right, Way::Left) | (Flow::Down, Way::Up) => before(shape, from),
        (Flow::Right, Way::Up | Way::Down) | (Flow::Down, Way::Left | Way::Right) => Vec::new(),
    };
    let nearest = |candidates: &mut dyn Iterator<Item = usize>| {
        candidates
            .filter(|node| *node != from && allowed(*node))
            .filter_map(|node| Some((distance(here, drawing.boxes.get(node)?, way)?, node)))
            .min()
            .map(|(_, node)| node)
    };
    nearest(&mut along.into_iter()).or_else(|| nearest(&mut (0..drawing.boxes.len())))
}

/// Returns what comes directly before a box.
#[must_use]
pub fn before(shape: &Shape, node: usize) -> Vec<usize> {
    let edges = shape.edges.iter().filter(|edge| edge.to == node);
    edges.map(|edge| edge.from).collect()
}

/// Returns what comes directly after a box.
#[must_use]
pub fn after(shape: &Shape, node: usize) -> Vec<usize> {
    let edges = shape.edges.iter().filter(|edge| edge.from == node);
    edges.map(|edge| edge.to).collect()
}

/// How far a box is in a direction; `None`: it is not in that direction. Aside counts more than ahead.
fn distance(from: &Spot, to: &Spot, way: Way) -> Option<(i32, i32, i32)> {
    // Columns are half as wide as rows are high.
    let (ahead, aside) = match way {
        Way::Up => (
            2 * (from.y - (to.y + to.h - 1)),
            apart(from.x, from.w, to.x, to.w),
        ),
        Way::Down => (
            2 * (to.y - (from.y + from.h - 1)),
            apart(from.x, from.w, to.x, to.w),
        ),
        Way::Left => (
            from.x - (to.x + to.w - 1),
            2 * apart(from.y, from.h, to.y, to.h),
        ),
        Way::Right => (
            to.x - (from.x + from.w - 1),
            2 * apart(from.y, from.h, to.y, to.h),
        ),
    };
    let ((x, y), (a, b)) = (from.middle(), to.middle());
    let off = match way {
        Way::Up | Way::Down => (x - a).abs(),
        Way::Left | Way::Right => (y - b).abs(),
    };
    (ahead > 0).then_some((ahead + 3 * aside, off, aside))
}

/// Cells between two stretches; 0 where they overlap.
fn apart(a: i32, wide: i32, b: i32, other: i32) -> i32 {
    (b - (a + wide - 1)).max(a - (b + other - 1)).max(0)
}

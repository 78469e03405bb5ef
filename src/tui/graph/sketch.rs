//! One part of a drawing for itself: what stands where along the flow and across it.

use crate::tui::graph::drawing::{Class, Flow, Wire};
use crate::tui::graph::order::{Item, Weave};
use crate::tui::graph::place::{Extent, place};
use crate::tui::graph::route::{Door, Gap, gap};
use crate::tui::graph::woven::Woven;

/// The most input lines a box grows for.
const MOST_DOORS: usize = 12;
/// From this many tracks on they stand close together.
const MANY: usize = 7;

/// How a shape is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Direction.
    pub flow: Flow,
    /// Size of boxes.
    pub class: Class,
    /// Columns that every box gets beyond what its name needs.
    pub extra: i32,
}

impl Style {
    /// Cells of a gap between two layers before the first track, between tracks, and behind the last.
    fn gap(self, tracks: usize) -> (i32, i32, i32) {
        let close = tracks >= MANY;
        match self.flow {
            Flow::Right if close => (1, 1, 2),
            Flow::Right => (1, 2, 2),
            Flow::Down => (0, 1, 1),
        }
    }
    /// Cells between two layers.
    fn length(self, tracks: usize) -> i32 {
        let least = match self.flow {
            Flow::Right => 4,
            Flow::Down => 2,
        };
        let (lead, pitch, tail) = self.gap(tracks);
        match i32::try_from(tracks).unwrap_or(i32::MAX / 4) {
            0 => least,
            many => (lead + (many - 1) * pitch + 1 + tail).max(least),
        }
    }
}

/// A node, its first cells, its sizes.
pub(super) type Placed = (usize, (i32, i32), (i32, i32));

/// One part in its own coordinates: along the flow (`main`) and across it (`cross`).
pub(super) struct Sketch {
    /// Cells along the flow.
    pub main: i32,
    /// Cells across it.
    pub cross: i32,
    /// Node, first cells, sizes.
    pub boxes: Vec<Placed>,
    /// Pieces of lines.
    pub wires: Vec<Wire>,
}

impl Sketch {
    pub(super) fn of(weave: &Weave, woven: &Woven, style: Style) -> Self {
        let plot = Plot::of(weave, woven, style);
        let gaps: Vec<Gap> = (1..weave.rows.len())
            .map(|layer| {
                let line = |item: usize| plot.line(item);
                gap(weave, layer - 1, &line, &|item| plot.door(item))
            })
            .collect();
        let mut sketch = Self {
            main: 0,
            cross: 0,
            boxes: Vec::new(),
            wires: Vec::new(),
        };
        // The piece that leads to each dummy.
        let mut into: Vec<Option<usize>> = vec![None; weave.items.len()];
        for (layer, row) in weave.rows.iter().enumerate() {
            let thick = plot.thick(layer);
            for &number in row {
                let (at, wide) = (plot.first(number), plot.size(number).1);
                if let Some(node) = weave.item(number).and_then(|item| item.node) {
                    sketch.boxes.push((node, (sketch.main, at), (thick, wide)));
                }
                sketch.cross = sketch.cross.max(at + wide);
            }
            sketch.main += thick;
            if let Some(gap) = gaps.get(layer) {
                sketch.wires(weave, gap, style, plot.thick(layer + 1), &mut into);
                sketch.main += style.length(gap.tracks);
            }
        }
        sketch
    }

    /// Draws the lines of a gap; those that go on pass the layer behind it too.
    fn wires(
        &mut self,
        weave: &Weave,
        gap: &Gap,
        style: Style,
        beyond: i32,
        into: &mut [Option<usize>],
    ) {
        let (lead, pitch, _) = style.gap(gap.tracks);
        let end = self.main + style.length(gap.tracks);
        for net in &gap.nets {
            let source = weave.item(net.item).map_or(0, |item| item.source);
            for (target, line) in &net.ends {
                let node = weave.item(*target).and_then(|item| item.node);
                let last = match node {
                    Some(_) => end - 1,
                    None => end + beyond - 1,
                };
                // It begins in the last cell of what it leaves, so that it is joined to it.
                let mut points = vec![(self.main - 1, net.line)];
                if let Some(track) = net.track.filter(|_| *line != net.line) {
                    let track = i32::try_from(track).unwrap_or(0);
                    let bend = self.main + lead + track * pitch;
                    points.push((bend, net.line));
                    points.push((bend, *line));
                }
                points.push((last, *line));
                let before = into.get(net.item).copied().flatten();
                self.wires.push(Wire {
                    source,
                    target: node,
                    points,
                    before,
                });
                if let Some(slot) = into.get_mut(*target).filter(|_| node.is_none()) {
                    *slot = Some(self.wires.len() - 1);
                }
            }
        }
    }
}

/// Where the items of a part stand across the flow, and how much room they take.
struct Plot<'a> {
    weave: &'a Weave,
    style: Style,
    widest: Vec<i32>,
    at: Vec<i32>,
}

impl<'a> Plot<'a> {
    fn of(weave: &'a Weave, woven: &Woven, style: Style) -> Self {
        let widest = widest(weave, woven, style);
        let room = |item: &Item| extent(item, size(item, &widest, style).1, style);
        Self {
            at: place(weave, &room),
            weave,
            style,
            widest,
        }
    }
    fn first(&self, number: usize) -> i32 {
        self.at.get(number).copied().unwrap_or(0)
    }
    fn size(&self, number: usize) -> (i32, i32) {
        let item = self.weave.item(number);
        item.map_or((1, 1), |item| size(item, &self.widest, self.style))
    }
    /// The cell a line leaves from.
    fn line(&self, number: usize) -> i32 {
        let item = self.weave.item(number);
        let port = item.map_or(0, |item| extent(item, self.size(number).1, self.style).port);
        self.first(number) + port
    }
    /// The cells a line may enter by: not the corners.
    fn door(&self, number: usize) -> Door {
        let size = self.size(number).1;
        let frame = i32::from(self.style.class.framed() || self.style.flow == Flow::Down);
        let frame = frame.min(size - 1);
        Door {
            first: self.first(number) + frame,
            last: self.first(number) + (size - 1 - frame).max(frame),
            step: if self.style.flow == Flow::Down { 2 } else { 1 },
        }
    }
    /// Cells of a layer along the flow.
    fn thick(&self, layer: usize) -> i32 {
        let row = self.weave.rows.get(layer).map_or(&[][..], Vec::as_slice);
        let sizes = row.iter().map(|number| self.size(*number).0);
        sizes.max().unwrap_or(1)
    }
}

/// Columns of the widest box of each layer; all of a layer are as wide, which makes a quiet picture.
fn widest(weave: &Weave, woven: &Woven, style: Style) -> Vec<i32> {
    let widest = |row: &Vec<usize>| {
        let nodes = row.iter().filter_map(|number| weave.item(*number)?.node);
        let widths = nodes.map(|node| woven.width(node, style.class) + style.extra);
        widths.max().unwrap_or(1)
    };
    weave.rows.iter().map(widest).collect()
}

/// Cells of an item along the flow and across it.
fn size(item: &Item, widest: &[i32], style: Style) -> (i32, i32) {
    if item.node.is_none() {
        return (1, 1);
    }
    let width = widest.get(item.layer).copied().unwrap_or(1);
    match style.flow {
        Flow::Down => (style.class.height(), width),
        // A row for every line that comes in, so that none hides another.
        Flow::Right => {
            let doors = i32::try_from(item.before.len().min(MOST_DOORS)).unwrap_or(0);
            let frame = if style.class.framed() { 2 } else { 0 };
            (width, style.class.height().max(doors + frame))
        }
    }
}

fn extent(item: &Item, size: i32, style: Style) -> Extent {
    let gap = match (item.node, style.flow, style.class) {
        (Some(_), Flow::Right, Class::Full | Class::Medium) | (None, Flow::Down, _) => 1,
        (Some(_), Flow::Right, Class::Small | Class::Dense) | (None, Flow::Right, _) => 0,
        (Some(_), Flow::Down, _) => 2,
    };
    Extent {
        size,
        port: (size - 1) / 2,
        gap,
    }
}

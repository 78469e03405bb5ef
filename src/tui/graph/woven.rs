//! A shape whose items are in order, and from it drawings: its parts side by side.

use crate::tui::graph::drawing::{Class, Drawing, Flow, Spot};
use crate::tui::graph::order::Weave;
use crate::tui::graph::shape::Shape;
use crate::tui::graph::sketch::{Sketch, Style};

/// A shape whose items are in order; from here on every drawing of it is cheap.
#[derive(Clone, Debug)]
pub struct Woven {
    shape: Shape,
    /// Columns of each name.
    names: Vec<usize>,
    parts: Vec<Weave>,
}

impl Woven {
    /// Puts a shape in order.
    #[must_use]
    pub fn of(shape: Shape) -> Self {
        let names = shape
            .nodes
            .iter()
            .map(|a| crate::tui::words::width(&a.name));
        Self {
            names: names.collect(),
            parts: shape
                .parts
                .iter()
                .map(|part| Weave::of(&shape, part))
                .collect(),
            shape,
        }
    }
    /// Returns the shape.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }
    /// Draws it; parts stand side by side along the flow as long as they stay within `limit` cells.
    #[must_use]
    pub fn draw(&self, style: Style, limit: i32) -> Drawing {
        let Style { flow, class, .. } = style;
        let sketches: Vec<Sketch> = self
            .parts
            .iter()
            .map(|weave| Sketch::of(weave, self, style))
            .collect();
        let widest = sketches.iter().map(|sketch| sketch.main).max();
        let limit = limit.max(widest.unwrap_or(0));
        let mut canvas = Canvas {
            flow,
            drawing: Drawing {
                flow,
                class,
                width: 0,
                height: 0,
                boxes: vec![Spot::default(); self.shape.nodes.len()],
                wires: Vec::new(),
            },
        };
        let between = match (flow, class.framed()) {
            (Flow::Right, true) => (3, 1),
            (Flow::Right, false) => (2, 0),
            (Flow::Down, _) => (1, 3),
        };
        let (mut main, mut cross, mut shelf) = (0, 0, 0);
        for sketch in sketches {
            if main > 0 && main + sketch.main > limit {
                cross += shelf + between.1;
                (main, shelf) = (0, 0);
            }
            shelf = shelf.max(sketch.cross);
            let next = main + sketch.main + between.0;
            canvas.put(sketch, main, cross);
            main = next;
        }
        canvas.drawing
    }
    pub(super) fn width(&self, node: usize, class: Class) -> i32 {
        class.width(self.names.get(node).copied().unwrap_or(0))
    }
}

/// The drawing while parts are put on it.
struct Canvas {
    flow: Flow,
    drawing: Drawing,
}

impl Canvas {
    fn put(&mut self, sketch: Sketch, main: i32, cross: i32) {
        let flow = self.flow;
        let turn = move |(along, across): (i32, i32)| match flow {
            Flow::Right => (along, across),
            Flow::Down => (across, along),
        };
        let moved = move |(along, across): (i32, i32)| turn((along + main, across + cross));
        for (node, at, size) in sketch.boxes {
            let ((x, y), (w, h)) = (moved(at), turn(size));
            if let Some(spot) = self.drawing.boxes.get_mut(node) {
                *spot = Spot { x, y, w, h };
            }
        }
        let known = self.drawing.wires.len();
        for mut wire in sketch.wires {
            wire.before = wire.before.map(|before| before + known);
            for point in &mut wire.points {
                *point = moved(*point);
            }
            self.drawing.wires.push(wire);
        }
        let (width, height) = moved((sketch.main, sketch.cross));
        self.drawing.width = self.drawing.width.max(width);
        self.drawing.height = self.drawing.height.max(height);
    }
}

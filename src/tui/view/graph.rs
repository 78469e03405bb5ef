//! The services as a drawn graph: boxes, lines, and what each box says. Only what is in sight is painted.

use std::collections::{BTreeMap, BTreeSet};

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::Paragraph;

use crate::domain::ids::ResourceKind;
use crate::domain::plan::model::Plan;
use crate::tui::fate::Fate;
use crate::tui::fuzzy::Query;
use crate::tui::graph::drawing::{Drawing, Flow, Spot};
use crate::tui::graph::glyph::{Ink, strokes};
use crate::tui::graph::shape::Shape;
use crate::tui::model::{Area, Focus, Model, ServicesAs};
use crate::tui::rows::facts::{Facts, Seen};
use crate::tui::theme::Tone;
use crate::tui::tree::Pane;
use crate::tui::update::marks;
use crate::tui::view::boxes::{Says, Subject, write};
use crate::tui::view::layout;
use crate::tui::view::pen::Pen;
use crate::tui::words::width;

/// The least columns a graph is drawn on.
pub const NARROWEST: u16 = 60;
/// From this width on the details stand beside the graph, from this height on below it.
pub const LARGE: (u16, u16) = (170, 30);

/// Tells whether the services are drawn as a graph now.
#[must_use]
pub fn on_show(model: &Model) -> bool {
    model.area == Area::Services
        && model.services_as == ServicesAs::Graph
        && model.size.0 >= NARROWEST
        && model.faults().is_none()
}

/// Returns the cells the graph is drawn on; `None`: it is not on the screen.
#[must_use]
pub fn viewport(model: &Model) -> Option<Rect> {
    let middle = layout::page(model.size)?.middle;
    let list = layout::halves(model, middle)?.list;
    let inner = layout::inner(list.filter(|_| on_show(model))?);
    (!inner.is_empty()).then_some(inner)
}

/// Returns the title of the graph.
#[must_use]
pub fn title(model: &Model) -> String {
    let what = match (model.after, &model.snapshot.plan) {
        (true, Some(_)) if model.snapshot.plan_stale.is_some() => "after the plan, which is STALE",
        (true, Some(_)) => "after the plan",
        (true, None) | (false, _) => "now",
    };
    let what = match (model.after, &model.snapshot.plan) {
        (true, Some(plan)) => format!("{what}: {}", summed(plan)),
        (true, None) | (false, _) => what.to_owned(),
    };
    match model.pane().map(Pane::filter) {
        Some(filter) if !filter.is_empty() => format!("services: {what} /{filter}"),
        Some(_) | None => format!("services: {what}"),
    }
}

/// Counts what a plan does to services, in words.
fn summed(plan: &Plan) -> String {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    let services = plan
        .actions
        .iter()
        .filter(|a| a.address.kind == ResourceKind::Service);
    for action in services {
        let word = match Fate::of(action, |_| None) {
            Fate::Keep => continue,
            Fate::Create => "new",
            Fate::Update | Fate::Start | Fate::Note => "changed",
            Fate::Replace { .. } | Fate::Restart { .. } => "made anew",
            Fate::Delete => "gone",
        };
        *counts.entry(word).or_default() += 1;
    }
    let words = ["new", "changed", "made anew", "gone"].into_iter();
    let told = words.filter_map(|word| Some(format!("{} {word}", counts.get(word)?)));
    let told: Vec<String> = told.collect();
    match told.is_empty() {
        true => "nothing changes".to_owned(),
        false => told.join(", "),
    }
}

/// Returns the title of the tree, which says when it stands in for the graph.
#[must_use]
pub fn tree_title(model: &Model) -> String {
    match model.services_as {
        ServicesAs::Graph if model.size.0 < NARROWEST => {
            format!("services (a graph needs {NARROWEST} columns)")
        }
        ServicesAs::Graph | ServicesAs::Tree => "services".to_owned(),
    }
}

/// Draws the graph.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let pen = Pen {
        theme: model.theme(),
    };
    let Some((shape, drawing)) = model
        .stage
        .drawn()
        .filter(|(shape, _)| !shape.nodes.is_empty())
    else {
        let text = match &model.snapshot.config {
            None => "loading the project file",
            Some(_) => "the file has no services",
        };
        frame.render_widget(Paragraph::new(pen.line(&[(text, Tone::Dim)])), area);
        return;
    };
    let easel = Easel {
        model,
        shape,
        drawing,
        pen,
        area,
        window: Spot {
            w: i32::from(area.width),
            h: i32::from(area.height),
            ..model.stage.window()
        },
        node: model.stage.node(),
    };
    let buffer = frame.buffer_mut();
    let heavy = easel.lines(buffer);
    easel.boxes(buffer, &heavy);
}

/// Writes onto the lower frame how to read the graph, and how much of it is in sight.
pub fn legend(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let Some((shape, drawing)) = model.stage.drawn() else {
        return;
    };
    let pen = Pen {
        theme: model.theme(),
    };
    let arrow = match drawing.flow {
        Flow::Right => "a ─▸ b",
        Flow::Down => "a above b",
    };
    let dashed = match model.after {
        true => "dashed: gone",
        false => "dashed: not there",
    };
    let left = format!(" {arrow}: b needs a · {dashed} ");
    let window = model.stage.window();
    let seen = drawing.boxes.iter().filter(|spot| spot.meets(&window));
    let right = match (seen.count(), shape.nodes.len()) {
        (seen, all) if seen < all => format!(" {seen} of {all} in sight "),
        (_, all) => format!(" {all} in {} layers ", depth(shape)),
    };
    let room = usize::from(area.width).saturating_sub(4);
    let y = area.bottom().saturating_sub(1);
    let buffer = frame.buffer_mut();
    if width(&left) <= room {
        buffer.set_span(area.x + 2, y, &pen.span(&left, Tone::Dim), area.width);
    }
    let wide = width(&right);
    if width(&left) + wide < room {
        let x = area
            .right()
            .saturating_sub(u16::try_from(wide + 2).unwrap_or(2));
        buffer.set_span(x, y, &pen.span(&right, Tone::Dim), area.width);
    }
}

fn depth(shape: &Shape) -> usize {
    shape.layers.iter().max().map_or(0, |deepest| deepest + 1)
}

/// Everything one frame of the graph is drawn with.
struct Easel<'a> {
    model: &'a Model,
    shape: &'a Shape,
    drawing: &'a Drawing,
    pen: Pen,
    area: Rect,
    /// The part of the drawing in sight.
    window: Spot,
    /// The chosen box.
    node: Option<usize>,
}

impl Easel<'_> {
    /// Returns the cell of the screen for a cell of the drawing.
    fn cell(&self, x: i32, y: i32) -> Option<Position> {
        if !self.window.holds(x, y) {
            return None;
        }
        let x = u16::try_from(x - self.window.x).ok()?;
        let y = u16::try_from(y - self.window.y).ok()?;
        Some(Position::new(self.area.x + x, self.area.y + y))
    }

    /// Draws the lines; those of the chosen box heavily. Returns the pieces that are heavy.
    fn lines(&self, buffer: &mut Buffer) -> BTreeSet<usize> {
        let around = self.node.map(|node| self.drawing.around(node));
        let heavy: BTreeSet<usize> = around.unwrap_or_default().into_iter().collect();
        let light = self.pen.theme.style(Tone::Frame);
        let strong = self.pen.theme.style(Tone::Key);
        for stroke in strokes(self.drawing, &self.window, &heavy) {
            let cell = self
                .cell(stroke.x, stroke.y)
                .and_then(|at| buffer.cell_mut(at));
            if let Some(cell) = cell {
                cell.set_char(stroke.glyph);
                cell.set_style(if stroke.heavy { strong } else { light });
            }
        }
        heavy
    }

    fn boxes(&self, buffer: &mut Buffer, heavy: &BTreeSet<usize>) {
        let seen = Seen::of(&self.model.snapshot);
        let mut joints: BTreeMap<usize, ((i32, i32), bool)> = BTreeMap::new();
        for (index, wire) in self.drawing.wires.iter().enumerate() {
            if let (None, Some(point)) = (wire.before, wire.points.first()) {
                let joint = joints.entry(wire.source).or_insert((*point, false));
                joint.1 |= heavy.contains(&index);
            }
        }
        let filter = self.model.pane().map_or("", Pane::filter);
        let mut query = (!filter.is_empty()).then(|| Query::new(filter));
        let marked = marks::marked(self.model);
        for (node, spot) in self.drawing.boxes.iter().enumerate() {
            let Some(address) = self
                .shape
                .nodes
                .get(node)
                .filter(|_| spot.meets(&self.window))
            else {
                continue;
            };
            let matches = query
                .as_mut()
                .is_none_or(|query| query.score(&address.name).is_some());
            let facts = Facts::of(&seen, address);
            let subject = Subject {
                address,
                facts: &facts,
                action: seen.action(address).filter(|_| self.model.after),
                after: self.model.after && self.model.snapshot.plan.is_some(),
                wanted: wanted(&seen, &address.name),
                usual: self.model.snapshot.usual.as_deref(),
                now: self.model.now,
                chosen: self.node == Some(node),
                focused: self.model.focus == Focus::List && self.model.overlays.is_empty(),
                dimmed: !matches,
                marked: marked.contains(&address.to_string()),
            };
            let says = write(&subject, self.drawing.class, self.drawing.flow, spot);
            let mut sheet = self.sheet(spot, &says);
            if let Some((at, strong)) = joints.get(&node).filter(|_| self.drawing.class.framed()) {
                self.join(&mut sheet, spot, &says, (*at, *strong));
            }
            self.copy(&sheet, spot, buffer);
        }
    }

    /// Writes a box for itself.
    fn sheet(&self, spot: &Spot, says: &Says) -> Buffer {
        let side = |cells: i32| u16::try_from(cells).unwrap_or(1).max(1);
        let whole = Rect::new(0, 0, side(spot.w), side(spot.h));
        let mut sheet = Buffer::empty(whole);
        let framed = self.drawing.class.framed();
        if let Some(corners) = says.frame.filter(|_| framed) {
            edge(&mut sheet, corners, self.pen.theme.style(says.tone));
        }
        let (left, top) = if framed { (2, 1) } else { (1, 0) };
        for (row, pieces) in (top..).zip(&says.lines) {
            let pieces: Vec<(&str, Tone)> = pieces
                .iter()
                .map(|(text, tone)| (text.as_str(), *tone))
                .collect();
            let room = whole.width.saturating_sub(2 * left);
            if row < whole.height {
                sheet.set_line(left, row, &self.pen.line(&pieces), room);
            }
        }
        sheet
    }

    /// Joins the frame of a box with the line that leaves it.
    fn join(&self, sheet: &mut Buffer, spot: &Spot, says: &Says, at: ((i32, i32), bool)) {
        let ((x, y), strong) = at;
        let own = if says.heavy { 2 } else { 1 };
        let line = if strong { 2 } else { 1 };
        let ink = match self.drawing.flow {
            Flow::Right => Ink([own, line, own, 0]),
            Flow::Down => Ink([0, own, line, own]),
        };
        let at = |cells: i32| u16::try_from(cells).unwrap_or(0);
        if let Some(cell) = sheet.cell_mut(Position::new(at(x - spot.x), at(y - spot.y))) {
            cell.set_char(ink.glyph());
        }
    }

    /// Puts the part of a box that is in sight onto the screen.
    fn copy(&self, sheet: &Buffer, spot: &Spot, buffer: &mut Buffer) {
        for (index, from) in sheet.content.iter().enumerate() {
            let (x, y) = sheet.pos_of(index);
            let Some(at) = self.cell(spot.x + i32::from(x), spot.y + i32::from(y)) else {
                continue;
            };
            let Some(to) = buffer.cell_mut(at) else {
                continue;
            };
            *to = from.clone();
            // Half of a wide letter would push over the frame.
            if at.x + 1 == self.area.right() && width(from.symbol()) > 1 {
                to.set_symbol(" ");
            }
        }
    }
}

fn wanted(seen: &Seen<'_>, name: &str) -> Option<u32> {
    Some(seen.project?.services.get(name)?.instances)
}

/// Draws a frame along the edge of a sheet: corners from the upper left clockwise, then level, then upright.
fn edge(sheet: &mut Buffer, signs: [&str; 6], style: Style) {
    let [
        top_left,
        top_right,
        bottom_right,
        bottom_left,
        level,
        upright,
    ] = signs;
    let (right, bottom) = (
        sheet.area.width.saturating_sub(1),
        sheet.area.height.saturating_sub(1),
    );
    let mut put = |x: u16, y: u16, sign: &str| {
        if let Some(cell) = sheet.cell_mut(Position::new(x, y)) {
            cell.set_symbol(sign);
            cell.set_style(style);
        }
    };
    for x in 1..right {
        put(x, 0, level);
        put(x, bottom, level);
    }
    for y in 1..bottom {
        put(0, y, upright);
        put(right, y, upright);
    }
    put(0, 0, top_left);
    put(right, 0, top_right);
    put(right, bottom, bottom_right);
    put(0, bottom, bottom_left);
}

//! Draws a pane with the tree widget: the state comes from the model, the widget only keeps its offset.
//!
//! Only rows near the screen get text, so that a frame costs the same for ten rows and for ten thousand.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use tui_tree_widget::{Tree, TreeItem, TreeState};

use std::collections::BTreeSet;

use crate::domain::time::Wall;
use crate::present::clean;
use crate::present::human::duration;
use crate::tui::model::Area;
use crate::tui::rows::row::{Row, Timer};
use crate::tui::theme::Tone;
use crate::tui::tree::{Key, Pane, Visible};
use crate::tui::update::marks;
use crate::tui::view::pen::Pen;
use crate::tui::words::{between, cut, pad, ticking, width};

/// The least room for a label before a column is left out.
const LABEL: usize = 22;
/// What stands before a marked row.
pub const MARK: &str = "■";
/// Room for a time.
const TIMER: usize = 9;

/// What a tree is drawn with.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Writes.
    pub pen: Pen,
    /// For running times.
    pub now: Wall,
    /// Whether the cursor is here.
    pub focused: bool,
    /// The area, and what is marked in it.
    pub marks: (Area, &'a BTreeSet<String>),
    /// Whether what is shown may not be so any more.
    pub faded: bool,
}

impl Look<'_> {
    fn is_marked(&self, row: &Row) -> bool {
        let (area, marks) = self.marks;
        !marks.is_empty() && marks::name_of(area, row).is_some_and(|name| marks.contains(&name))
    }
}

/// Draws the rows of a pane that fit.
///
/// The widget is handed these rows and what they are in, and nothing else, so that a frame costs the same for ten
/// rows and for ten thousand, and so that what stands in which line is known without drawing.
pub fn show(frame: &mut Frame<'_>, area: Rect, pane: &Pane, look: Look<'_>) {
    let height = usize::from(area.height);
    let first = pane.first(height);
    let columns = Columns::of(pane.rows(), usize::from(area.width), look);
    let shown = pane.rows().iter().enumerate().skip(first).take(height);
    let mut state = TreeState::default();
    let mut lines = Vec::new();
    for (index, row) in shown {
        if lines.is_empty() {
            let above = 1..row.path.len();
            lines.extend(
                above.map(|depth| (row.path.iter().take(depth).cloned().collect(), true, None)),
            );
        }
        let chosen = look.focused && index == pane.cursor();
        lines.push((
            row.path.clone(),
            row.parent,
            Some(columns.line(row, look, chosen)),
        ));
        if row.open {
            state.open(row.path.clone());
        }
    }
    let opened: Vec<Vec<Key>> = lines
        .iter()
        .filter(|(.., line)| line.is_none())
        .map(|(path, ..)| path.clone())
        .collect();
    for path in opened {
        state.open(path);
    }
    let nested = items(&mut lines.into_iter().peekable(), 1);
    state.select(pane.selected().to_vec());
    let chosen = if look.focused {
        Tone::Selected
    } else {
        Tone::SelectedAway
    };
    // Sibling keys are unique by construction; should they ever not be, the rows are missing, not the panel.
    if let Ok(tree) = Tree::new(&nested) {
        let tree = tree
            .highlight_style(look.pen.theme.style(chosen))
            .node_closed_symbol("▸ ")
            .node_open_symbol("▾ ")
            .node_no_children_symbol("  ");
        frame.render_stateful_widget(tree, area, &mut state);
    }
}

/// A row for the widget: its path, whether it has children, and its text; one without is only there for its children.
type Item = (Vec<Key>, bool, Option<Line<'static>>);

/// Nests the flat rows again; a node whose children are not among them gets one, so that the widget knows it has some.
fn items(
    rows: &mut std::iter::Peekable<impl Iterator<Item = Item>>,
    depth: usize,
) -> Vec<TreeItem<'static, Key>> {
    let mut nested = Vec::new();
    while let Some((path, parent, line)) = rows.next_if(|(path, ..)| path.len() == depth) {
        let key = path.last().cloned().unwrap_or_else(|| "".into());
        let mut children = items(rows, depth + 1);
        if parent && children.is_empty() {
            children.push(TreeItem::new_leaf(Key::from(""), Line::default()));
        }
        let text = line.map_or_else(Text::default, Text::from);
        if let Ok(item) = TreeItem::new(key, text, children) {
            nested.push(item);
        }
    }
    nested
}

/// Widths that make the columns of all rows line up.
struct Columns {
    label: usize,
    widths: Vec<usize>,
    timer: bool,
    room: usize,
}

impl Columns {
    fn of(rows: &[Visible], room: usize, look: Look<'_>) -> Self {
        let mut label = 0;
        let mut widths: Vec<usize> = Vec::new();
        let mut timer = false;
        for visible in rows {
            let row = &visible.row;
            if has_more(row) {
                let mark = if look.is_marked(row) {
                    width(MARK) + 1
                } else {
                    0
                };
                label = label.max(indent(visible) + symbol_width(row) + mark + width(&row.label));
            }
            timer |= row.timer.is_some();
            for (index, cell) in row.columns.iter().enumerate() {
                let wide = width(&cell.text);
                match widths.get_mut(index) {
                    Some(known) => *known = (*known).max(wide),
                    None => widths.push(wide),
                }
            }
        }
        let timers = if timer { TIMER + 1 } else { 0 };
        let taken = |widths: &[usize]| {
            widths
                .iter()
                .filter(|wide| **wide > 0)
                .map(|wide| wide + 2)
                .sum::<usize>()
        };
        while !widths.is_empty() && label.min(LABEL) + taken(&widths) + timers > room {
            widths.pop();
        }
        let label = label.min(room.saturating_sub(taken(&widths) + timers));
        Self {
            label,
            widths,
            timer,
            room,
        }
    }

    /// Writes one row; the widget has put `indent` cells before it.
    fn line(&self, visible: &Visible, look: Look<'_>, chosen: bool) -> Line<'static> {
        let row = &visible.row;
        let pen = look.pen;
        let mut spans: Vec<Span<'static>> = Vec::new();
        let before = indent(visible) + symbol_width(row);
        if symbol_width(row) > 0 {
            spans.push(pen.span(format!("{} ", row.symbol.text), row.symbol.tone));
        }
        let label_room = if has_more(row) {
            self.label.saturating_sub(before)
        } else {
            self.room.saturating_sub(before)
        };
        let label = clean::line(&row.label);
        if look.is_marked(row) {
            let marked = pad(&format!("{MARK} {label}"), label_room);
            spans.push(pen.span(marked, Tone::Key));
        } else {
            spans.push(pen.span(pad(&label, label_room), row.tone));
        }
        let mut used = before + label_room;
        for (index, wide) in self
            .widths
            .iter()
            .enumerate()
            .filter(|(_, wide)| **wide > 0)
        {
            let cell = row.columns.get(index);
            let text = cell.map_or_else(String::new, |cell| clean::line(&cell.text));
            let tone = cell.map_or(Tone::Text, |cell| cell.tone);
            spans.push(pen.span("  ", Tone::Text));
            spans.push(pen.span(pad(&text, *wide), tone));
            used += wide + 2;
        }
        if self.timer {
            let text = row
                .timer
                .map_or_else(String::new, |timer| time(timer, look.now));
            spans.push(pen.span(format!(" {text:>TIMER$}"), Tone::Dim));
            used += TIMER + 1;
        }
        let rest = self.room.saturating_sub(used + 2);
        if rest > 1 && !row.remark.text.is_empty() {
            spans.push(pen.span("  ", Tone::Text));
            spans.push(pen.span(cut(&clean::line(&row.remark.text), rest), row.remark.tone));
        }
        if chosen {
            // One even bar: colours of the pieces would make patches of it.
            let style = pen.theme.style(Tone::Selected);
            spans.iter_mut().for_each(|span| span.style = style);
        } else if look.faded {
            let style = pen.theme.style(Tone::Dim);
            spans.iter_mut().for_each(|span| span.style = style);
        }
        Line::from(spans)
    }
}

/// Tells whether something stands behind the label, so that it has to keep to its column.
fn has_more(row: &Row) -> bool {
    !row.columns.is_empty() || row.timer.is_some() || !row.remark.text.is_empty()
}

fn indent(row: &Visible) -> usize {
    row.path.len() * 2
}

fn symbol_width(row: &Row) -> usize {
    match width(&row.symbol.text) {
        0 => 0,
        wide => wide + 1,
    }
}

fn time(timer: Timer, now: Wall) -> String {
    match timer {
        Timer::Since(started) => ticking(between(started, now)),
        Timer::Took(from, to) => duration(between(from, to)),
    }
}

//! Draws a pane with the tree widget: the state comes from the model, the widget only keeps its offset.
//!
//! Only rows near the screen get text, so that a frame costs the same for ten rows and for ten thousand.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use tui_tree_widget::{Tree, TreeItem, TreeState};

use crate::domain::time::Wall;
use crate::present::clean;
use crate::present::human::duration;
use crate::tui::rows::row::{Row, Timer};
use crate::tui::theme::Tone;
use crate::tui::tree::{Key, Pane, Visible};
use crate::tui::view::pen::Pen;
use crate::tui::words::{between, cut, pad, ticking, width};

/// The least room for a label before a column is left out.
const LABEL: usize = 22;
/// Room for a time.
const TIMER: usize = 9;

/// What a tree is drawn with.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Writes.
    pub pen: Pen,
    /// For running times.
    pub now: Wall,
    /// Whether the cursor is here.
    pub focused: bool,
}

/// Draws the rows of a pane.
pub fn show(
    frame: &mut Frame<'_>,
    area: Rect,
    pane: &Pane,
    state: &mut TreeState<Key>,
    look: Look,
) {
    let rows = pane.rows();
    let columns = Columns::of(rows, usize::from(area.width));
    let height = usize::from(area.height);
    let cursor = rows
        .iter()
        .position(|row| row.path == pane.selected())
        .unwrap_or(0);
    let near = |index: usize| {
        index.abs_diff(state.get_offset()) <= height || index.abs_diff(cursor) <= height
    };
    let nested = items(rows, &mut 0, 1, &|index, row: &Visible| {
        if near(index) {
            columns.line(row, look)
        } else {
            Line::default()
        }
    });
    state.close_all();
    for path in pane.opened() {
        state.open(path);
    }
    state.select(pane.selected().to_vec());
    // Where there is more room than before, rows that were scrolled away come back.
    let overhang = (state.get_offset() + height).saturating_sub(rows.len());
    state.scroll_up(overhang);
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
        frame.render_stateful_widget(tree, area, state);
    }
}

/// Nests the flat rows again; a closed node gets one child, so that the widget knows it has some.
fn items(
    rows: &[Visible],
    at: &mut usize,
    depth: usize,
    line: &impl Fn(usize, &Visible) -> Line<'static>,
) -> Vec<TreeItem<'static, Key>> {
    let mut nested = Vec::new();
    while let Some(row) = rows.get(*at) {
        if row.path.len() != depth {
            break;
        }
        let text = line(*at, row);
        let key = row.path.last().cloned().unwrap_or_else(|| "".into());
        *at += 1;
        let children = match (row.parent, row.open) {
            (true, true) => items(rows, at, depth + 1, line),
            (true, false) => vec![TreeItem::new_leaf(Key::from(""), Line::default())],
            (false, _) => Vec::new(),
        };
        let text = ratatui::text::Text::from(text);
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
    fn of(rows: &[Visible], room: usize) -> Self {
        let mut label = 0;
        let mut widths: Vec<usize> = Vec::new();
        let mut timer = false;
        for visible in rows {
            let row = &visible.row;
            if has_more(row) {
                label = label.max(indent(visible) + symbol_width(row) + width(&row.label));
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
    fn line(&self, visible: &Visible, look: Look) -> Line<'static> {
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
        spans.push(pen.span(pad(&clean::line(&row.label), label_room), row.tone));
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

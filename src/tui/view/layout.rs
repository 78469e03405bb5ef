//! Where what goes: the one answer for drawing and for the mouse. Knows the model and no frame.

use ratatui::layout::{Constraint, Layout, Margin, Rect};

use crate::tui::model::{Area, Focus, Model, RunAs};
use crate::tui::view::{graph, timeline};

/// The least columns and rows the panel works with.
pub const LEAST: (u16, u16) = (40, 10);
/// From this width on list and details stand side by side.
const WIDE: u16 = 100;
/// From this height of the middle on they stand one above the other.
const TALL: u16 = 12;
/// From this height of the middle on a run stands above its output even where there is width.
const ROOMY: u16 = 24;
/// What list and details keep at least, in columns and in rows.
const KEPT: (u16, u16) = (24, 4);
/// Hundredths of the room a list may be given by hand.
pub const SHARES: std::ops::RangeInclusive<u16> = 15..=85;

/// The parts of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Project, environment, how things stand.
    pub top: Rect,
    /// Tabs.
    pub tabs: Rect,
    /// The area, and what lies above it.
    pub middle: Rect,
    /// Last message.
    pub line: Rect,
    /// Keys that do something now.
    pub hints: Rect,
}

/// Divides the screen; `None` where it is too small.
#[must_use]
pub fn page(size: (u16, u16)) -> Option<Page> {
    let (width, height) = size;
    if width < LEAST.0 || height < LEAST.1 {
        return None;
    }
    let [top, tabs, middle, line, hints] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(Rect::new(0, 0, width, height));
    Some(Page {
        top,
        tabs,
        middle,
        line,
        hints,
    })
}

/// List and details of an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halves {
    /// The list, with its frame.
    pub list: Option<Rect>,
    /// The details, with their frame.
    pub side: Option<Rect>,
    /// Whether they stand side by side.
    pub beside: bool,
}

/// Places list and details; where there is room for one only, the one with the cursor. `None`: the area is one piece.
#[must_use]
pub fn halves(model: &Model, middle: Rect) -> Option<Halves> {
    let comparing = model.area == Area::History && model.history.comparison.is_some();
    if comparing || model.faults().is_some() {
        return None;
    }
    let graph = graph::on_show(model);
    // Output wants long lines, so a run stands above it wherever that leaves enough rows; bars want width always.
    let roomy = middle.height >= ROOMY || model.run_as == RunAs::Timeline;
    let stacked = model.area == Area::Run && roomy;
    let (wide, tall) = if graph { graph::LARGE } else { (WIDE, TALL) };
    let beside = middle.width >= wide && !stacked;
    if !beside && middle.height < tall {
        let (list, side) = match model.focus {
            Focus::List => (Some(middle), None),
            Focus::Details => (None, Some(middle)),
        };
        return Some(Halves { list, side, beside });
    }
    let usual = match (beside, model.focus) {
        (true, _) if graph => 68,
        (false, Focus::List) if graph => 72,
        (true, _) => 55,
        (false, Focus::List) => 58,
        (false, Focus::Details) => 35,
    };
    let share = model.splits.get(&model.area).copied().unwrap_or(usual);
    let (room, kept) = if beside {
        (middle.width, KEPT.0)
    } else {
        (middle.height, KEPT.1)
    };
    let length = (u32::from(room) * u32::from(share) + 50) / 100;
    let length = u16::try_from(length).unwrap_or(room);
    let length = length.clamp(kept, room.saturating_sub(kept).max(kept));
    let parts = [Constraint::Length(length), Constraint::Fill(1)];
    let [list, side] = if beside {
        Layout::horizontal(parts).areas(middle)
    } else {
        Layout::vertical(parts).areas(middle)
    };
    Some(Halves {
        list: Some(list),
        side: Some(side),
        beside,
    })
}

/// Returns the share of the list that puts the border where somebody drags it.
#[must_use]
pub fn share_at(middle: Rect, beside: bool, x: u16, y: u16) -> u16 {
    let (at, room) = if beside {
        (x.saturating_sub(middle.x) + 1, middle.width)
    } else {
        (y.saturating_sub(middle.y) + 1, middle.height)
    };
    let share = u32::from(at) * 100 / u32::from(room.max(1));
    u16::try_from(share)
        .unwrap_or(100)
        .clamp(*SHARES.start(), *SHARES.end())
}

/// Returns the share of the list as it is now.
#[must_use]
pub fn share(model: &Model) -> Option<u16> {
    let middle = page(model.size)?.middle;
    let halves = halves(model, middle)?;
    let (list, _) = (halves.list?, halves.side?);
    let (part, room) = if halves.beside {
        (list.width, middle.width)
    } else {
        (list.height, middle.height)
    };
    u16::try_from(u32::from(part) * 100 / u32::from(room.max(1))).ok()
}

/// Returns what is inside a frame.
#[must_use]
pub fn inner(framed: Rect) -> Rect {
    framed.inner(Margin::new(1, 1))
}

/// Returns the rows of the list: what is inside its frame, below what stands above them.
#[must_use]
pub fn rows(model: &Model, list: Rect) -> Rect {
    let inner = inner(list);
    let banner = match model.area {
        Area::Plan => model.snapshot.plan.is_some(),
        Area::Run => model.replay.is_some(),
        Area::Services | Area::Drift | Area::Locks | Area::History => false,
    };
    if !banner || inner.height <= 3 {
        return inner;
    }
    Rect {
        y: inner.y + 1,
        height: inner.height - 1,
        ..inner
    }
}

/// Returns the lines that rows of the list stand in; a timeline has an axis above them and a legend below.
#[must_use]
pub fn lines(model: &Model, list: Rect) -> Rect {
    let rows = rows(model, list);
    let chart = model.area == Area::Run && model.run_as == RunAs::Timeline;
    let empty = model.pane().is_none_or(|pane| pane.rows().is_empty());
    if chart && !empty {
        timeline::rows(model, rows)
    } else {
        rows
    }
}

/// Returns how many rows of the list are shown.
#[must_use]
pub fn list_height(model: &Model) -> Option<usize> {
    let middle = page(model.size)?.middle;
    let list = halves(model, middle)?.list?;
    Some(usize::from(lines(model, list).height))
}

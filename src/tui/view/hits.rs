//! What lies under the mouse: answered from the model by the same functions that place what is drawn, without a frame.

use ratatui::layout::{Position, Rect};

use crate::domain::ids::Address;
use crate::tui::keymap::action::Action;
use crate::tui::keymap::map::Keymap;
use crate::tui::model::{Area, Model, Overlay};
use crate::tui::overlay::Palette;
use crate::tui::update::{graph, palette};
use crate::tui::view;
use crate::tui::view::layout::{self, Page};
use crate::tui::view::{dialog, footer, header, popup};

/// What lies at a column and row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hit {
    /// A tab.
    Tab(Area),
    /// A row of the list, by its number.
    Row(usize),
    /// The sign that opens and closes a row.
    Fold(usize),
    /// A box of the graph.
    Node(Address),
    /// The graph, but no box of it.
    Canvas,
    /// The list, but no row of it.
    List,
    /// The details.
    Details,
    /// The border between list and details.
    Border,
    /// A key in the hint line; `None` while more keys are awaited.
    Hint(Option<Action>),
    /// The message.
    Toast,
    /// A row of the list to choose from, by its number.
    Choice(usize),
    /// A button of a dialog.
    Button(Action),
    /// What lies above the area, but nothing of it that can be pressed.
    Above,
    /// Beside what lies above the area.
    Beside,
    /// Nothing.
    Nothing,
}

/// Says what lies at a column and row.
#[must_use]
pub fn at(model: &Model, keymap: &Keymap, x: u16, y: u16) -> Hit {
    let Some(page) = layout::page(model.size) else {
        return Hit::Nothing;
    };
    let here = Position::new(x, y);
    if page.hints.contains(here) && model.figures.is_none() {
        return hint(model, keymap, &page, x);
    }
    if page.line.contains(here) {
        let toast = !model.toasts.is_empty() && !filtering(model);
        return if toast { Hit::Toast } else { Hit::Nothing };
    }
    if page.middle.contains(here) {
        return middle(model, page.middle, here);
    }
    let free = model.overlays.is_empty();
    if free && page.tabs.contains(here) {
        return tab(model, &page, x);
    }
    Hit::Nothing
}

/// Tells whether the line below shows what is being typed.
fn filtering(model: &Model) -> bool {
    matches!(model.overlays.last(), Some(Overlay::Filter))
}

fn tab(model: &Model, page: &Page, x: u16) -> Hit {
    header::placed(model, page.tabs.width)
        .into_iter()
        .find(|tab| (tab.at..tab.at + tab.columns).contains(&(x - page.tabs.x)))
        .map_or(Hit::Nothing, |tab| Hit::Tab(tab.area))
}

fn hint(model: &Model, keymap: &Keymap, page: &Page, x: u16) -> Hit {
    footer::placed(model, keymap, page.hints.width)
        .into_iter()
        .find(|(_, from, columns)| (*from..from + columns).contains(&(x - page.hints.x)))
        .map_or(Hit::Nothing, |(hint, ..)| {
            // While more keys are awaited, a hint is one of them and not the act itself.
            Hit::Hint(hint.action.filter(|_| model.pending.is_empty()))
        })
}

fn middle(model: &Model, middle: Rect, here: Position) -> Hit {
    // The line that narrows a list leaves the list to the mouse.
    let above = model
        .overlays
        .iter()
        .rev()
        .find(|overlay| !matches!(overlay, Overlay::Filter));
    match above {
        Some(Overlay::Palette(list)) => choice(model, list, middle, here),
        Some(Overlay::Dialog(open)) => {
            let place = dialog::place(model, open, middle);
            pressed(&place, here)
        }
        Some(Overlay::Typed(typed)) => {
            let place = dialog::typed_place(model, typed, middle);
            pressed(&place, here)
        }
        Some(_) => Hit::Above,
        None => body(model, middle, here),
    }
}

fn pressed(place: &popup::Place, here: Position) -> Hit {
    let button = place.pressed.iter().find(|(at, _)| at.contains(here));
    match button {
        Some((_, action)) => Hit::Button(*action),
        None if place.outer.contains(here) => Hit::Above,
        None => Hit::Beside,
    }
}

fn choice(model: &Model, list: &Palette, middle: Rect, here: Position) -> Hit {
    let place = crate::tui::view::palette::place(model, list, middle);
    if !place.outer.contains(here) {
        return Hit::Beside;
    }
    if place.rows.contains(here) {
        let index = place.first + usize::from(here.y - place.rows.y);
        if index < palette::count(model, list) {
            return Hit::Choice(index);
        }
    }
    Hit::Above
}

fn body(model: &Model, middle: Rect, here: Position) -> Hit {
    if model.area == Area::History && model.history.comparison.is_some() {
        return Hit::Nothing;
    }
    let Some(halves) = layout::halves(model, middle) else {
        return Hit::Details;
    };
    if let (Some(list), Some(side)) = (halves.list, halves.side) {
        // Both lines of the frame that meet there.
        let on_border = if halves.beside {
            here.x + 1 == list.right() || here.x == side.x
        } else {
            here.y + 1 == list.bottom() || here.y == side.y
        };
        if on_border {
            return Hit::Border;
        }
    }
    if halves.side.is_some_and(|side| side.contains(here)) {
        return Hit::Details;
    }
    match halves.list {
        Some(list) if list.contains(here) => row(model, list, here),
        Some(_) | None => Hit::Nothing,
    }
}

fn row(model: &Model, list: Rect, here: Position) -> Hit {
    if view::graph::on_show(model) {
        return match graph::hit(model, here.x, here.y) {
            Some(address) => Hit::Node(address),
            None => Hit::Canvas,
        };
    }
    let rows = layout::lines(model, list);
    let Some(pane) = model.pane().filter(|_| rows.contains(here)) else {
        return Hit::List;
    };
    let index = pane.first(usize::from(rows.height)) + usize::from(here.y - rows.y);
    let Some(row) = pane.rows().get(index) else {
        return Hit::List;
    };
    let sign = usize::from(here.x - rows.x) / 2 + 1;
    if row.parent && sign == row.path.len() {
        return Hit::Fold(index);
    }
    Hit::Row(index)
}

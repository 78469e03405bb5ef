//! Moving: the cursor, the folds, the focus, and the reader of a growing text.

use crate::tui::keymap::action::Action;
use crate::tui::model::{Area, Focus, Model, Overlay};
use crate::tui::pages::page::shown;
use crate::tui::rows::course::{belongs, focus};
use crate::tui::rows::row::Subject;
use crate::tui::update::{deeds, graph, history, palette, reading};

/// Moves whatever has the cursor.
pub fn go(model: &mut Model, action: Action) {
    if overlay(model, action) {
        return;
    }
    match action {
        Action::Details => {
            model.focus = match model.focus {
                Focus::List => Focus::Details,
                Focus::Details => Focus::List,
            };
            return;
        }
        Action::Back => return back(model),
        Action::Follow => {
            model.follow_run = true;
            model.output.reader.follow();
            return follow(model);
        }
        _ => {}
    }
    if model.focus == Focus::Details || model.faults().is_some() {
        details(model, action);
    } else {
        list(model, action);
    }
}

/// Moves what lies on top; false when nothing there moves.
fn overlay(model: &mut Model, action: Action) -> bool {
    let half = model.half_page();
    let over_logs = model.logs().is_some();
    let count = model.deeds.len();
    match model.overlays.last_mut() {
        Some(Overlay::Help { scroll, .. }) => scrolled(scroll, action, half),
        Some(Overlay::Dialog(dialog)) => scrolled(&mut dialog.scroll, action, half),
        Some(Overlay::Palette(_)) => match action {
            Action::Up => palette::step(model, -1),
            Action::Down => palette::step(model, 1),
            _ => {}
        },
        Some(Overlay::Deeds { back }) => deeds::go(back, action, count, half),
        Some(Overlay::Logs(_)) => reading::scroll(model, action),
        Some(Overlay::Filter) if !over_logs => list(model, action),
        Some(Overlay::Filter | Overlay::Typed(_)) => {}
        None => return false,
    }
    true
}

fn scrolled(at: &mut usize, action: Action, half: usize) {
    *at = match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => at.saturating_add(1),
        Action::PageUp => at.saturating_sub(half),
        Action::PageDown => at.saturating_add(half),
        Action::Top => 0,
        _ => *at,
    };
}

fn back(model: &mut Model) {
    if model.focus == Focus::Details {
        model.focus = Focus::List;
    } else if let Some(pane) = model.pane_mut().filter(|pane| !pane.filter().is_empty()) {
        pane.set_filter(String::new());
    } else if !history::leave(model) {
        model.toasts.clear();
    }
}

fn list(model: &mut Model, action: Action) {
    if graph::go(model, action) {
        return;
    }
    let half = isize::try_from(model.half_page()).unwrap_or(1);
    let area = model.area;
    let Some(pane) = model.pane_mut() else {
        return;
    };
    let before = pane.selected().to_vec();
    match action {
        Action::Up => pane.step(-1),
        Action::Down => pane.step(1),
        Action::PageUp => pane.step(-half),
        Action::PageDown => pane.step(half),
        Action::Top => pane.top(),
        Action::Bottom => pane.bottom(),
        Action::Unfold => {
            pane.unfold();
        }
        Action::Fold => pane.fold(),
        Action::Toggle => pane.toggle(),
        Action::UnfoldAll => pane.fold_all(true),
        Action::FoldAll => pane.fold_all(false),
        _ => {}
    }
    let moved = pane.selected() != before;
    if moved {
        self::moved(model);
    }
    if area == Area::Run {
        model.follow_run = action == Action::Bottom || (model.follow_run && !moved);
    }
}

/// The cursor stands on another row: its details are shown from their start.
pub fn moved(model: &mut Model) {
    model.details_at = 0;
    model.output.reader.follow();
    model.output.reader.across = 0;
}

/// Scrolls the details; in the run that is the output.
pub fn details(model: &mut Model, action: Action) {
    let half = model.half_page();
    if model.area == Area::Run {
        reading::scroll(model, action);
    } else {
        scrolled(&mut model.details_at, action, half);
        // On a page it is the entry with the cursor, else the first line.
        if let Some(page) = shown(model) {
            let last = page.entries.len().saturating_sub(1);
            model.details_at = match action {
                Action::Bottom => last,
                _ => model.details_at.min(last),
            };
        }
    }
}

/// Returns what the row with the cursor is about.
#[must_use]
pub fn subject(model: &Model) -> Subject {
    model
        .pane()
        .and_then(|pane| pane.current())
        .map_or(Subject::Heading, |row| row.row.subject.clone())
}

/// Puts the cursor of the run where something happens, as long as nobody moved it.
pub fn follow(model: &mut Model) {
    if model.area != Area::Run || !model.follow_run {
        return;
    }
    let Some(step) = model.shown_run().and_then(focus) else {
        return;
    };
    let Some(pane) = model.pane_mut() else {
        return;
    };
    let on_step = pane.go_to(|row| matches!(&row.subject, Subject::Step(_, id) if *id == step));
    if !on_step {
        pane.go_to(
            |row| matches!(&row.subject, Subject::Resource(address) if belongs(&step, address)),
        );
    }
}

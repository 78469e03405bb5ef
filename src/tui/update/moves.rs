//! Moving: the cursor, the folds, the focus, and the reader of a growing text.

use crate::app::snapshot::{LogLine, RunView};
use crate::tui::keymap::action::Action;
use crate::tui::model::{Area, Focus, Model, Overlay};
use crate::tui::rows::course::{belongs, focus};
use crate::tui::rows::row::Subject;
use crate::tui::tail::Tail;
use crate::tui::update::palette;

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
            model.output = Tail::Following;
            return follow(model);
        }
        _ => {}
    }
    if model.focus == Focus::Details || model.area == Area::Locks || model.faults().is_some() {
        details(model, action);
    } else {
        list(model, action);
    }
}

/// Moves what lies on top; false when nothing there moves.
fn overlay(model: &mut Model, action: Action) -> bool {
    let half = model.half_page();
    let height = usize::from(model.size.1.saturating_sub(4));
    let over_logs = model.logs().is_some();
    match model.overlays.last_mut() {
        Some(Overlay::Help { scroll }) => scrolled(scroll, action, half),
        Some(Overlay::Dialog(dialog)) => scrolled(&mut dialog.scroll, action, half),
        Some(Overlay::Palette(list)) => match action {
            Action::Up => palette::step(list, -1),
            Action::Down => palette::step(list, 1),
            _ => {}
        },
        Some(Overlay::Logs(logs)) => match action {
            Action::Left => logs.across = logs.across.saturating_sub(8),
            Action::Right => logs.across = (logs.across + 8).min(10_000),
            Action::Up => logs.tail = logs.tail.up(logs.lines(), 1, height),
            Action::Down => logs.tail = logs.tail.down(logs.lines(), 1),
            Action::PageUp => logs.tail = logs.tail.up(logs.lines(), half, height),
            Action::PageDown => logs.tail = logs.tail.down(logs.lines(), half),
            Action::Top => logs.tail = logs.tail.top(logs.lines(), height),
            Action::Bottom | Action::Follow => logs.tail = Tail::Following,
            _ => {}
        },
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
    } else {
        model.toasts.clear();
    }
}

fn list(model: &mut Model, action: Action) {
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
        model.details_at = 0;
        model.output = Tail::Following;
        model.across = 0;
    }
    if area == Area::Run {
        model.follow_run = action == Action::Bottom || (model.follow_run && !moved);
    }
}

/// Scrolls the details; in the run that is the output.
fn details(model: &mut Model, action: Action) {
    let half = model.half_page();
    if model.area != Area::Run {
        scrolled(&mut model.details_at, action, half);
        return;
    }
    match action {
        Action::Fold => model.across = model.across.saturating_sub(8),
        Action::Unfold => model.across = (model.across + 8).min(10_000),
        _ => {}
    }
    let height = output_height(model);
    let subject = subject(model);
    let tail = model.output;
    let Some(run) = &model.snapshot.run else {
        return;
    };
    let lines = || output(run, &subject);
    model.output = match action {
        Action::Up => tail.up(lines(), 1, height),
        Action::Down => tail.down(lines(), 1),
        Action::PageUp => tail.up(lines(), half, height),
        Action::PageDown => tail.down(lines(), half),
        Action::Top => tail.top(lines(), height),
        Action::Bottom => Tail::Following,
        _ => tail,
    };
}

/// About how many lines of output the details of a run show.
fn output_height(model: &Model) -> usize {
    usize::from(model.size.1.saturating_sub(12)).max(1)
}

/// Returns what the row with the cursor is about.
#[must_use]
pub fn subject(model: &Model) -> Subject {
    model
        .pane()
        .and_then(|pane| pane.current())
        .map_or(Subject::Heading, |row| row.row.subject.clone())
}

/// Returns the output of a run that belongs to a row, each line with its number.
#[must_use]
pub fn output<'a>(
    run: &'a RunView,
    subject: &'a Subject,
) -> impl DoubleEndedIterator<Item = (u64, &'a LogLine)> {
    run.log
        .iter()
        .enumerate()
        .map(|(index, line)| (run.log_dropped + index as u64, line))
        .filter(move |(_, line)| match (subject, &line.step) {
            (Subject::Step(_, wanted), Some(step)) => wanted == step,
            (Subject::Resource(address) | Subject::Change(address, _), Some(step)) => {
                belongs(step, address)
            }
            (Subject::Heading | Subject::Remark, _) => true,
            (Subject::Step(..) | Subject::Resource(_) | Subject::Change(..), None) => false,
        })
}

/// Puts the cursor of the run where something happens, as long as nobody moved it.
pub fn follow(model: &mut Model) {
    if model.area != Area::Run || !model.follow_run {
        return;
    }
    let Some(step) = model.snapshot.run.as_ref().and_then(focus) else {
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

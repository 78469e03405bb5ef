//! What the mouse does: it presses what lies under it, turns what is under it, and drags the border.
//!
//! A click is never more than its key: a dialog is confirmed by its named button only, and only where one key would
//! do; where a name has to be typed, no click confirms.

use crate::tui::effect::Effect;
use crate::tui::hand::{Drag, Pressed};
use crate::tui::keymap::action::{Action, Context};
use crate::tui::keymap::map::Keymap;
use crate::tui::model::{Area, Focus, Model, Overlay};
use crate::tui::msg::{Pointer, Press};
use crate::tui::update::{graph, jump, moves, palette, route};
use crate::tui::view::hits::{self, Hit};
use crate::tui::view::layout;

/// Two presses of one place within this time are one double press, in milliseconds.
const DOUBLE: i64 = 400;
/// Rows one turn of the wheel moves.
const TURN: usize = 3;

/// Takes what the mouse did.
pub fn point(model: &mut Model, pointer: Pointer, keymap: &Keymap) -> Vec<Effect> {
    if model.hand.away {
        return Vec::new();
    }
    match pointer.press {
        Press::Down => down(model, pointer, keymap),
        Press::Drag => {
            drag(model, pointer);
            Vec::new()
        }
        Press::Up => {
            model.hand.drag = None;
            Vec::new()
        }
        Press::WheelUp => wheel(model, pointer, keymap, Action::Up),
        Press::WheelDown => wheel(model, pointer, keymap, Action::Down),
    }
}

/// Tells whether a press is the second one of two; a third one starts anew.
fn doubled(model: &mut Model, pointer: Pointer) -> bool {
    let now = Pressed {
        x: pointer.x,
        y: pointer.y,
        at: model.now,
    };
    let double = model.hand.last.is_some_and(|last| {
        (last.x, last.y) == (now.x, now.y) && now.at.0.saturating_sub(last.at.0) <= DOUBLE
    });
    model.hand.last = (!double).then_some(now);
    double
}

fn down(model: &mut Model, pointer: Pointer, keymap: &Keymap) -> Vec<Effect> {
    model.dirty = true;
    model.hand.drag = None;
    let double = doubled(model, pointer);
    let hit = hits::at(model, keymap, pointer.x, pointer.y);
    let awaited = !model.pending.is_empty();
    model.pending.clear();
    match hit {
        Hit::Tab(area) => return route::act(model, jump::to(area), false),
        Hit::Row(index) => return row(model, index, double),
        Hit::Fold(index) => {
            choose_row(model, index);
            return route::act(model, Action::Toggle, false);
        }
        Hit::Node(address) => {
            focus(model, Focus::List);
            graph::choose(model, &address);
            model.hand.drag = Some(Drag::Drawing(pointer.x, pointer.y));
            if double {
                return route::act(model, Action::Details, false);
            }
        }
        Hit::Canvas => {
            focus(model, Focus::List);
            model.hand.drag = Some(Drag::Drawing(pointer.x, pointer.y));
        }
        Hit::List => focus(model, Focus::List),
        Hit::Details => focus(model, Focus::Details),
        Hit::Border => model.hand.drag = Some(Drag::Border),
        Hit::Hint(Some(action)) if !awaited => return hint(model, action),
        Hit::Hint(_) | Hit::Above | Hit::Nothing => {}
        Hit::Toast => {
            model.toasts.pop();
        }
        Hit::Choice(index) => {
            palette::put(model, index);
            if double {
                return route::act(model, Action::Choose, false);
            }
        }
        Hit::Button(action) => return button(model, action, double),
        Hit::Beside => {
            if matches!(model.overlays.last(), Some(Overlay::Palette(_))) {
                return route::act(model, Action::Dismiss, false);
            }
        }
    }
    Vec::new()
}

fn focus(model: &mut Model, focus: Focus) {
    if layout::share(model).is_some() {
        model.focus = focus;
    }
}

fn choose_row(model: &mut Model, index: usize) {
    focus(model, Focus::List);
    let area = model.area;
    let Some(pane) = model.pane_mut() else {
        return;
    };
    let moved = pane.cursor() != index;
    pane.go_to_row(index);
    if moved {
        moves::moved(model);
        model.follow_run &= area != Area::Run;
    }
}

/// One press chooses; two open or close, and where there is nothing to open go to the details.
fn row(model: &mut Model, index: usize, double: bool) -> Vec<Effect> {
    choose_row(model, index);
    if !double {
        return Vec::new();
    }
    let parent = model
        .pane()
        .and_then(|pane| pane.current())
        .is_some_and(|row| row.parent);
    let action = if parent {
        Action::Toggle
    } else {
        Action::Details
    };
    route::act(model, action, false)
}

/// A hint does what its key does, but it answers no question.
fn hint(model: &mut Model, action: Action) -> Vec<Effect> {
    if action == Action::Confirm {
        return Vec::new();
    }
    route::act(model, action, false)
}

/// The named buttons of a question: where one key would confirm, one press does; the second of two never does.
fn button(model: &mut Model, action: Action, double: bool) -> Vec<Effect> {
    let one_key = model.context() == Context::Dialog;
    if action == Action::Confirm && (!one_key || double) {
        return Vec::new();
    }
    route::act(model, action, false)
}

fn drag(model: &mut Model, pointer: Pointer) {
    let Some(page) = layout::page(model.size) else {
        return;
    };
    match model.hand.drag {
        Some(Drag::Border) => {
            if let Some(halves) = layout::halves(model, page.middle) {
                let share = layout::share_at(page.middle, halves.beside, pointer.x, pointer.y);
                model.splits.insert(model.area, share);
                model.dirty = true;
            }
        }
        Some(Drag::Drawing(x, y)) => {
            let moved = |from: u16, to: u16| i32::from(from) - i32::from(to);
            graph::pan(model, moved(x, pointer.x), moved(y, pointer.y));
            model.hand.drag = Some(Drag::Drawing(pointer.x, pointer.y));
            model.dirty = true;
        }
        None => {}
    }
}

/// Turns what is under the mouse, wherever the cursor is.
fn wheel(model: &mut Model, pointer: Pointer, keymap: &Keymap, action: Action) -> Vec<Effect> {
    let hit = hits::at(model, keymap, pointer.x, pointer.y);
    model.dirty = true;
    match hit {
        Hit::Choice(_) => moves::go(model, action),
        Hit::Above | Hit::Button(_) => {
            if !matches!(model.overlays.last(), Some(Overlay::Palette(_))) {
                (0..TURN).for_each(|_| moves::go(model, action));
            }
        }
        Hit::Node(_) | Hit::Canvas => {
            let turn = i32::try_from(TURN).unwrap_or(1);
            graph::pan(model, 0, if action == Action::Up { -turn } else { turn });
        }
        Hit::Row(_) | Hit::Fold(_) | Hit::List => scroll_list(model, action),
        Hit::Details => (0..TURN).for_each(|_| moves::details(model, action)),
        Hit::Tab(_) | Hit::Border | Hit::Hint(_) | Hit::Toast | Hit::Beside | Hit::Nothing => {}
    }
    Vec::new()
}

fn scroll_list(model: &mut Model, action: Action) {
    let turn = isize::try_from(TURN).unwrap_or(1);
    let rows = if action == Action::Up { -turn } else { turn };
    let Some(height) = layout::list_height(model) else {
        return;
    };
    let Some(pane) = model.pane_mut() else {
        return;
    };
    let before = pane.cursor();
    pane.scroll(rows, height);
    if pane.cursor() != before {
        moves::moved(model);
        model.follow_run &= model.area != Area::Run;
    }
}

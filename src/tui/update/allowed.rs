//! Whether an action makes sense now, and if not, why: for hint line, list of actions and the answer to a key.

use crate::app::notice::Link;
use crate::domain::ids::{Address, ResourceKind};
use crate::domain::lease::Verdict;
use crate::tui::keymap::action::Action;
use crate::tui::model::{Area, Model, Overlay};

/// Returns why an action does not apply now.
///
/// # Errors
/// The reason, as a sentence for people.
pub fn check(model: &Model, action: Action) -> Result<(), String> {
    match action {
        Action::MakePlan => project(model),
        Action::Deploy | Action::Destroy | Action::Clean => {
            changing(model)?;
            project(model)?;
            idle(model)
        }
        Action::Restore => {
            changing(model)?;
            project(model)?;
            idle(model)?;
            match drifted(model) {
                Some(_) => Ok(()),
                None => Err("choose a resource that drifted".into()),
            }
        }
        Action::RestoreAll => {
            changing(model)?;
            project(model)?;
            idle(model)?;
            let any = model
                .snapshot
                .drift
                .as_ref()
                .is_some_and(|drift| !drift.drifted.is_empty());
            any.then_some(()).ok_or_else(|| "nothing drifted".into())
        }
        Action::Cancel => match model.running() {
            Some(_) => Ok(()),
            None => Err("nothing runs".into()),
        },
        Action::Unlock => {
            changing(model)?;
            match &model.snapshot.lock {
                None => Err("the lock was not looked at yet".into()),
                Some(lock) if lock.verdict == Verdict::Free => Err("no lock is held".into()),
                Some(_) if model.running().is_some() => {
                    Err("the lock is held by the run in this panel; cancel it with `c`".into())
                }
                Some(_) => Ok(()),
            }
        }
        Action::Logs => match service(model) {
            Some(_) => Ok(()),
            None => Err("choose a service".into()),
        },
        Action::Details if tree(model) => Ok(()),
        Action::Details => Err("everything is shown already".into()),
        Action::Filter if tree(model) || model.logs().is_some() => Ok(()),
        Action::Filter => Err("there is nothing to filter here".into()),
        Action::Unfold
        | Action::Fold
        | Action::Toggle
        | Action::Up
        | Action::Down
        | Action::PageUp
        | Action::PageDown
        | Action::Top
        | Action::Bottom
        | Action::Left
        | Action::Right
        | Action::UnfoldAll
        | Action::FoldAll
        | Action::Back
        | Action::NextArea
        | Action::PreviousArea
        | Action::Services
        | Action::Plans
        | Action::Runs
        | Action::Locks
        | Action::Drift
        | Action::Refresh
        | Action::Follow
        | Action::Palette
        | Action::Help
        | Action::Copy
        | Action::Confirm
        | Action::Dismiss
        | Action::NextField
        | Action::Choose
        | Action::Quit
        | Action::Interrupt
        | Action::Suspend
        | Action::Redraw => Ok(()),
    }
}

/// Tells whether an action is worth a place in the hint line now.
#[must_use]
pub fn worth_a_hint(model: &Model, action: Action) -> bool {
    if check(model, action).is_err() {
        return false;
    }
    match action {
        Action::Back => {
            model.pane().is_some_and(|pane| !pane.filter().is_empty())
                || model.focus == crate::tui::model::Focus::Details
        }
        Action::Confirm => match model.overlays.last() {
            Some(Overlay::Dialog(dialog)) => dialog.button().is_some(),
            Some(Overlay::Typed(typed)) => typed.complete(),
            Some(
                Overlay::Help { .. } | Overlay::Palette(_) | Overlay::Filter | Overlay::Logs(_),
            )
            | None => false,
        },
        Action::Follow => match model.logs() {
            Some(logs) => logs.tail != crate::tui::tail::Tail::Following,
            None => model.running().is_some() && !model.follow_run,
        },
        Action::Toggle => model
            .pane()
            .and_then(|pane| pane.current())
            .is_some_and(|row| row.parent),
        _ => true,
    }
}

/// Tells whether the area shows a tree now.
fn tree(model: &Model) -> bool {
    model.area != Area::Locks && model.faults().is_none()
}

/// Returns the service the cursor is on.
#[must_use]
pub fn service(model: &Model) -> Option<String> {
    if !tree(model) {
        return None;
    }
    let row = model.pane()?.current()?;
    let address = row.row.subject.address()?;
    (address.kind == ResourceKind::Service).then(|| address.name.clone())
}

/// Returns the drifted resource the cursor is on.
#[must_use]
pub fn drifted(model: &Model) -> Option<Address> {
    if model.area != Area::Drift {
        return None;
    }
    let row = model.pane()?.current()?;
    let address = row.row.subject.address()?;
    let drift = model.snapshot.drift.as_ref()?;
    drift.drifted.contains_key(address).then(|| address.clone())
}

fn changing(model: &Model) -> Result<(), String> {
    if model.options.read_only {
        Err("the panel was opened read-only".into())
    } else {
        Ok(())
    }
}

fn project(model: &Model) -> Result<(), String> {
    let config = model.snapshot.config.as_ref();
    if config.is_none_or(|config| config.project.is_none()) {
        return Err("the project file has errors; mend it first".into());
    }
    match &model.snapshot.link {
        Link::Down(why) => Err(format!("the platform does not answer: {why}")),
        Link::Up(_) | Link::Connecting => Ok(()),
    }
}

fn idle(model: &Model) -> Result<(), String> {
    match model.running() {
        Some(run) => Err(format!("a {} is under way; `c` stops it", run.command)),
        None => Ok(()),
    }
}

//! Whether an action makes sense now, and if not, why: for hint line, list of actions and the answer to a key.

use crate::app::command::Stop;
use crate::app::notice::Link;
use crate::domain::ids::{Address, ResourceKind};
use crate::domain::lease::Verdict;
use crate::tui::keymap::action::Action;
use crate::tui::model::{Area, Model, Overlay};
use crate::tui::update::part::{Part, part_of};
use crate::tui::update::{
    acts, flows, graph, history, looks, marks, news, reading, rooms, timeline,
};

/// Returns why an action does not apply now.
///
/// # Errors
/// The reason, as a sentence for people.
pub fn check(model: &Model, action: Action) -> Result<(), String> {
    match part_of(action, model.area) {
        Part::Acts => act(model, action),
        Part::Moves | Part::Panel => shown(model, action),
        Part::Graph => graph::check(model, action),
        Part::Timeline => timeline::check(model, action),
        Part::History => history::check(model, action),
        Part::Reading => reading::check(model, action),
        Part::Looks => looks::check(model, action),
        Part::Rooms => rooms::check(model, action),
        Part::Marks => marks::check(model, action),
        Part::Flows => flows::check(model, action),
    }
}

/// What changes something, or asks for something; the ways between the areas are always open.
fn act(model: &Model, action: Action) -> Result<(), String> {
    match action {
        Action::MakePlan => loaded(model),
        Action::Deploy | Action::Destroy | Action::Clean => {
            changing(model)?;
            project(model)?;
            idle(model)
        }
        Action::Restore => {
            changing(model)?;
            project(model)?;
            idle(model)?;
            if marks::marked(model).is_empty() && drifted(model).is_none() {
                return Err("choose a resource that drifted".into());
            }
            Ok(())
        }
        Action::Accept => {
            changing(model)?;
            idle(model)?;
            let chosen = drifted(model);
            chosen
                .map(|_| ())
                .ok_or_else(|| "choose what drifted".into())
        }
        Action::Ignore => {
            changing(model)?;
            idle(model)?;
            let chosen = drifted(model).or_else(|| ignored(model));
            chosen
                .map(|_| ())
                .ok_or_else(|| "choose what drifted, or what is ignored".into())
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
        Action::Cancel => match model.stopping {
            _ if !acts::busy(model) => Err("nothing runs".into()),
            Stop::Cancel => Err(format!(
                "the run is being cut off already; {} leaves",
                model.key(Action::Interrupt)
            )),
            Stop::Run | Stop::Drain => Ok(()),
        },
        Action::Unlock => {
            changing(model)?;
            match &model.snapshot.lock {
                None => Err("the lock was not looked at yet".into()),
                Some(lock) if lock.verdict == Verdict::Free => Err("no lock is held".into()),
                Some(_) if model.running().is_some() => Err(format!(
                    "the lock is held by the run in this panel; {} cancels it",
                    model.key(Action::Cancel)
                )),
                Some(_) => Ok(()),
            }
        }
        Action::Logs => match service(model) {
            Some(_) => Ok(()),
            None => Err("choose a service".into()),
        },
        _ => Ok(()),
    }
}

/// What moves the cursor or shows something, where the area has it.
fn shown(model: &Model, action: Action) -> Result<(), String> {
    match action {
        Action::Details if !tree(model) => Err("everything is shown already".into()),
        Action::Filter if !tree(model) && model.logs().is_none() => {
            Err("there is nothing to filter here".into())
        }
        Action::Usage if model.area != Area::Services => {
            Err("only the services have columns of use".into())
        }
        _ => Ok(()),
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
                Overlay::Help { .. }
                | Overlay::Palette(_)
                | Overlay::Filter
                | Overlay::Logs(_)
                | Overlay::Deeds { .. },
            )
            | None => false,
        },
        Action::Follow => match model.logs() {
            Some(logs) => logs.reader.at != crate::tui::logs::reader::At::Following,
            None => model.running().is_some() && !model.follow_run,
        },
        Action::MarkAll => !marks::marked(model).is_empty(),
        Action::RunAction => flows::any(model),
        Action::Play | Action::StepForward | Action::StepBack | Action::LeaveReplay => {
            model.replay.is_some()
        }
        Action::Toggle => model
            .pane()
            .and_then(|pane| pane.current())
            .is_some_and(|row| row.parent),
        _ => true,
    }
}

/// Tells whether the area shows a tree now.
fn tree(model: &Model) -> bool {
    model.faults().is_none()
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

/// Returns the resource with ignored drift the cursor is on.
#[must_use]
pub fn ignored(model: &Model) -> Option<Address> {
    if model.area != Area::Drift {
        return None;
    }
    let row = model.pane()?.current()?;
    let address = row.row.subject.address()?;
    let drift = model.snapshot.drift.as_ref()?;
    drift.ignored.contains_key(address).then(|| address.clone())
}

/// Returns group and name, as the project file has them, of what the cursor is on.
#[must_use]
pub fn named(model: &Model) -> Option<(&'static str, String)> {
    if !tree(model) {
        return None;
    }
    let row = model.pane()?.current()?;
    let address = row.row.subject.address()?;
    let group = match address.kind {
        ResourceKind::Service => "services",
        ResourceKind::Network => "networks",
        ResourceKind::Volume => "volumes",
        ResourceKind::Procedure => "actions",
    };
    Some((group, address.name.clone()))
}

/// Refuses what changes something in a panel that was opened read-only.
///
/// # Errors
/// The reason, as a sentence for people.
pub fn changing(model: &Model) -> Result<(), String> {
    if model.options.read_only {
        Err("the panel was opened read-only".into())
    } else {
        Ok(())
    }
}

fn loaded(model: &Model) -> Result<(), String> {
    let config = model.snapshot.config.as_ref();
    if config.is_none() {
        return Err("the project file is still being loaded".into());
    }
    if config.is_none_or(|config| config.project.is_none()) {
        return Err("the project file has errors; mend it first".into());
    }
    match &model.snapshot.link {
        Link::Down(why) => Err(format!("the platform does not answer: {why}")),
        Link::Up(_) | Link::Connecting => Ok(()),
    }
}

pub(super) fn project(model: &Model) -> Result<(), String> {
    loaded(model)?;
    match &model.snapshot.trouble {
        Some(failure) => Err(format!("no plan can be made: {}", news::whole(failure))),
        None => Ok(()),
    }
}

pub(super) fn idle(model: &Model) -> Result<(), String> {
    match model.running() {
        Some(run) => Err(format!(
            "a {} is under way; {} stops it",
            run.command,
            model.key(Action::Cancel)
        )),
        None => Ok(()),
    }
}

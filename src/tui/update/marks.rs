//! Marks: several things chosen for one act.

use std::collections::BTreeSet;

use crate::domain::ids::{Address, ResourceKind};
use crate::tui::effect::Effect;
use crate::tui::keymap::action::Action;
use crate::tui::model::{Area, Model};
use crate::tui::rows::row::{Row, Subject};
use crate::tui::tree::Pane;

/// Returns the name under which a row is marked; `None` for rows that cannot be.
#[must_use]
pub fn name_of(area: Area, row: &Row) -> Option<String> {
    match &row.subject {
        Subject::Resource(address) => markable(area, address).then(|| address.to_string()),
        Subject::Run(run) => (area == Area::History).then(|| run.to_string()),
        Subject::Heading | Subject::Change(..) | Subject::Step(..) | Subject::Remark => None,
    }
}

fn markable(area: Area, address: &Address) -> bool {
    match area {
        Area::Services | Area::Plan => address.kind == ResourceKind::Service,
        Area::Drift => true,
        Area::Run | Area::Locks | Area::History => false,
    }
}

/// Returns the marks of the area on show.
#[must_use]
pub fn marked(model: &Model) -> &BTreeSet<String> {
    static NONE: BTreeSet<String> = BTreeSet::new();
    model.marks.get(&model.area).unwrap_or(&NONE)
}

/// Returns the marked services of the area on show, by name.
#[must_use]
pub fn services(model: &Model) -> BTreeSet<String> {
    marked(model)
        .iter()
        .filter_map(|mark| mark.strip_prefix("service."))
        .map(str::to_owned)
        .collect()
}

/// Takes marks away from what does not drift any more: a mark nobody sees must not narrow an act.
pub fn outdated(model: &mut Model) {
    let Some(drift) = &model.snapshot.drift else {
        return;
    };
    if let Some(marks) = model.marks.get_mut(&Area::Drift) {
        marks.retain(|mark| {
            drift
                .drifted
                .keys()
                .any(|address| address.to_string() == *mark)
        });
    }
}

/// Tells why an action of this part does not apply now.
///
/// # Errors
/// The reason, as a sentence for people.
pub fn check(model: &Model, action: Action) -> Result<(), String> {
    match action {
        Action::Unmark if marked(model).is_empty() => Err("nothing is marked".into()),
        Action::Mark if current(model).is_none() => Err("this row cannot be marked".into()),
        _ => Ok(()),
    }
}

fn current(model: &Model) -> Option<String> {
    name_of(model.area, &model.pane()?.current()?.row)
}

/// Does an action of this part.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let area = model.area;
    match action {
        Action::Mark => {
            if let Some(name) = current(model) {
                let marks = model.marks.entry(area).or_default();
                if !marks.remove(&name) {
                    marks.insert(name);
                }
            }
            // In a graph there is no next one.
            let graph = crate::tui::view::graph::on_show(model);
            if let Some(pane) = model.pane_mut().filter(|_| !graph) {
                pane.step(1);
            }
        }
        Action::MarkAll => {
            let shown: BTreeSet<String> = model
                .pane()
                .into_iter()
                .flat_map(Pane::matching)
                .filter_map(|row| name_of(area, &row.row))
                .collect();
            model.marks.insert(area, shown);
        }
        Action::Unmark => {
            model.marks.remove(&area);
        }
        _ => {}
    }
    Vec::new()
}

//! What an approved plan took for granted: that what it calls as wanted still is when the plan is carried out.
//!
//! An untouched resource never makes a plan stale that has something else to do. But a plan that says "nothing to
//! do" says nothing else; and what somebody took away cannot be depended on. Everything beside that is carried out
//! as approved, and told.

use std::collections::BTreeMap;

use crate::domain::ids::Address;
use crate::domain::plan::model::{Action, ActionKind, Plan, Strategy};

/// A resource that a plan leaves alone, though by now there is something to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overtaken {
    /// The resource.
    pub address: Address,
    /// What moved, with its address.
    pub text: String,
}

/// Names what a plan leaves alone because it was as wanted, and is not any more.
#[must_use]
pub fn overtaken(approved: &Plan, now: &Plan) -> Vec<Overtaken> {
    left_alone(approved, now)
        .map(|action| Overtaken {
            address: action.address.clone(),
            text: says(action),
        })
        .collect()
}

/// Names what makes a plan stale though the plan does not touch it.
pub(super) fn broken(approved: &Plan, now: &Plan) -> Option<String> {
    if approved.is_empty() {
        return now.actions.iter().find(|a| !a.is_noop()).map(says);
    }
    let waits_for = |address: &Address| {
        approved
            .actions
            .iter()
            .filter(|action| !action.is_noop() && approved.purpose.builds())
            .any(|a| a.depends_on.contains(address) && !a.optional.contains(address))
    };
    left_alone(approved, now)
        .filter(|action| is_down(action))
        .find(|action| waits_for(&action.address))
        .map(says)
}

fn left_alone<'a>(approved: &Plan, now: &'a Plan) -> impl Iterator<Item = &'a Action> {
    let idle: BTreeMap<_, _> = approved
        .actions
        .iter()
        .map(|action| (&action.address, action.is_noop()))
        .collect();
    let moved = |action: &&Action| {
        !action.is_noop() && idle.get(&action.address).copied().unwrap_or_default()
    };
    now.actions
        .iter()
        .filter(moved)
        .collect::<Vec<_>>()
        .into_iter()
}

/// Tells whether nothing that runs would be replaced: it is not there, or does not run.
fn is_down(action: &Action) -> bool {
    action.kind == ActionKind::Create || action.strategy == Strategy::Start
}

fn says(action: &Action) -> String {
    let (address, kind) = (&action.address, action.kind.as_str());
    let Some(change) = action.changes.first() else {
        return format!(
            "{address} was as wanted, now it is to {kind}: {}",
            action.reason
        );
    };
    let shown = |value: Option<&str>| value.unwrap_or("absent").to_owned();
    let (is, wanted) = (
        shown(change.before.as_deref()),
        shown(change.after.as_deref()),
    );
    let which = change.instance.map(|number| format!("[{number}]."));
    let path = format!("{}{}", which.unwrap_or_default(), change.path);
    format!("{address} was as wanted, now its {path} is {is} instead of {wanted}")
}

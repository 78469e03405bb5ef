//! Names of actions and contexts in files: made from the table once, so that nobody has to keep two lists.

use crate::tui::keymap::action::{Action, Context};
use crate::tui::keymap::default::ROWS;

/// Returns where an action can be pressed, in the order of the table.
#[must_use]
pub fn places(action: Action) -> Vec<Context> {
    let rows = ROWS.iter().filter(|row| row.action == action);
    let mut places: Vec<Context> = rows.flat_map(|row| row.contexts).copied().collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// Returns the name of an action in files, such as `page-down`.
#[must_use]
pub fn action_id(action: Action) -> String {
    let mut id = String::new();
    for c in format!("{action:?}").chars() {
        if c.is_uppercase() && !id.is_empty() {
            id.push('-');
        }
        id.extend(c.to_lowercase());
    }
    id
}

/// Finds an action by its name.
#[must_use]
pub fn action_of(id: &str) -> Option<Action> {
    ROWS.iter()
        .map(|row| row.action)
        .find(|action| action_id(*action) == id)
}

/// Returns the name of a context in files.
#[must_use]
pub fn context_id(context: Context) -> &'static str {
    match context {
        Context::Services => "services",
        Context::Plan => "plan",
        Context::Run => "run",
        Context::Drift => "drift",
        Context::Locks => "locks",
        Context::History => "history",
        Context::Logs => "logs",
        Context::Help => "help",
        Context::Dialog => "dialog",
        Context::Typed => "typed",
        Context::Input => "filter",
        Context::Palette => "palette",
        Context::Deeds => "deeds",
    }
}

/// Finds a context by its name.
#[must_use]
pub fn context_of(id: &str) -> Option<Context> {
    Context::ALL
        .into_iter()
        .find(|context| context_id(*context) == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_action_and_context_is_found_by_its_name() {
        let mut ids = BTreeSet::new();
        for row in ROWS {
            let id = action_id(row.action);
            assert_eq!(action_of(&id), Some(row.action), "{id}");
            ids.insert(id);
        }
        let actions: BTreeSet<Action> = ROWS.iter().map(|row| row.action).collect();
        assert_eq!(ids.len(), actions.len());
        assert_eq!(action_id(Action::PageDown), "page-down");
        for context in Context::ALL {
            assert_eq!(context_of(context_id(context)), Some(context));
        }
    }
}

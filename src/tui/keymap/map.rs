//! The table of keys, ready for use: sequences per context, and the way back from an action to its keys.

use std::collections::BTreeMap;

use crate::tui::keymap::action::{Action, Context, Group};
use crate::tui::keymap::chord::Chord;
use crate::tui::keymap::default::{ROWS, Row};
use crate::tui::keymap::trie::{Found, Trie};

/// A key that is bound twice, or a text that is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// The text names no key.
    #[error("`{0}` is no key")]
    NoKey(String),
    /// Two actions want the same key in one context.
    #[error("`{keys}` is bound to {first:?} and {second:?} in {context:?}")]
    Conflict {
        /// The keys.
        keys: String,
        /// Where.
        context: Context,
        /// Who has it.
        first: Action,
        /// Who wants it.
        second: Action,
    },
}

/// One sequence of keys for one action in one context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Where.
    pub context: Context,
    /// What it does.
    pub action: Action,
    /// The keys.
    pub keys: Vec<Chord>,
}

impl Binding {
    /// Binds keys.
    #[must_use]
    pub fn new(context: Context, action: Action, keys: &[Chord]) -> Self {
        Self {
            context,
            action,
            keys: keys.to_vec(),
        }
    }
}

/// All bindings.
#[derive(Clone, Debug, Default)]
pub struct Keymap {
    tries: BTreeMap<Context, Trie>,
    keys: BTreeMap<(Context, Action), Vec<String>>,
}

impl Keymap {
    /// Makes a keymap of bindings, the preferred one of each action first.
    ///
    /// # Errors
    /// A key is bound twice in one context.
    pub fn of(bindings: impl IntoIterator<Item = Binding>) -> Result<Self, KeymapError> {
        let mut map = Self::default();
        for binding in bindings {
            let printed: Vec<String> = binding.keys.iter().map(Chord::to_string).collect();
            let keys = printed.join(" ");
            map.tries
                .entry(binding.context)
                .or_default()
                .add(&binding.keys, binding.action)
                .map_err(|first| KeymapError::Conflict {
                    keys: keys.clone(),
                    context: binding.context,
                    first,
                    second: binding.action,
                })?;
            map.keys
                .entry((binding.context, binding.action))
                .or_default()
                .push(keys);
        }
        Ok(map)
    }

    /// Makes a keymap of a table.
    ///
    /// # Errors
    /// A key is unknown or bound twice in one context.
    pub fn of_rows(rows: &[Row]) -> Result<Self, KeymapError> {
        let mut bindings = Vec::new();
        for row in rows {
            for keys in row.keys {
                let chords =
                    Chord::sequence(keys).ok_or_else(|| KeymapError::NoKey((*keys).to_owned()))?;
                let places = row.contexts.iter();
                bindings.extend(places.map(|at| Binding::new(*at, row.action, &chords)));
            }
        }
        Self::of(bindings)
    }

    /// Builds the bindings of the built-in table.
    ///
    /// # Errors
    /// Never for the shipped table; a test holds that.
    pub fn built_in() -> Result<Self, KeymapError> {
        Self::of_rows(ROWS)
    }

    /// Looks up what was pressed.
    #[must_use]
    pub fn find(&self, context: Context, pressed: &[Chord]) -> Found {
        self.tries
            .get(&context)
            .map_or(Found::None, |trie| trie.find(pressed))
    }

    /// Returns the keys of an action in a context, the preferred one first.
    #[must_use]
    pub fn keys(&self, context: Context, action: Action) -> &[String] {
        self.keys.get(&(context, action)).map_or(&[], Vec::as_slice)
    }

    /// Returns the preferred key of an action in a context.
    #[must_use]
    pub fn key(&self, context: Context, action: Action) -> Option<&str> {
        self.keys(context, action).first().map(String::as_str)
    }

    /// Returns the rows whose actions have keys in a context, in the order of the table.
    pub fn rows(&self, context: Context) -> impl Iterator<Item = &'static Row> {
        ROWS.iter().filter(move |row| {
            row.contexts.contains(&context) && !self.keys(context, row.action).is_empty()
        })
    }

    /// Returns the keys of a row: those of a context where it works there, else those of the first place it has any.
    #[must_use]
    pub fn of_row(&self, row: &Row, here: Context) -> &[String] {
        let there = row
            .contexts
            .iter()
            .find(|place| !self.keys(**place, row.action).is_empty());
        let place = if row.contexts.contains(&here) {
            Some(&here)
        } else {
            there
        };
        place.map_or(&[], |place| self.keys(*place, row.action))
    }
}

/// Finds the row that describes an action in a context, else anywhere.
#[must_use]
pub fn describe(context: Context, action: Action) -> Option<&'static Row> {
    ROWS.iter()
        .find(|row| row.action == action && row.contexts.contains(&context))
        .or_else(|| ROWS.iter().find(|row| row.action == action))
}

/// Renders the table of keys for the README, in Markdown.
#[must_use]
pub fn markdown_table() -> String {
    let mut lines = vec![
        "| keys | does | where |".to_owned(),
        "|---|---|---|".to_owned(),
    ];
    for group in Group::ALL {
        for row in ROWS.iter().filter(|row| row.group == group) {
            let keys = if row.keys.is_empty() {
                format!("`:` {}", row.name)
            } else {
                row.keys
                    .iter()
                    .map(|key| format!("`{}`", key.replace('|', "\\|")))
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            let place = place_of(row);
            lines.push(format!("| {keys} | {} | {place} |", row.help));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Says in few words where a row's keys work.
#[must_use]
pub fn place_of(row: &Row) -> String {
    let areas = [
        Context::Services,
        Context::Plan,
        Context::Run,
        Context::Drift,
        Context::Locks,
        Context::History,
    ];
    if row.contexts.len() == Context::ALL.len() {
        return "everywhere".into();
    }
    let in_all_areas = areas.iter().all(|area| row.contexts.contains(area));
    let mut words: Vec<&str> = Vec::new();
    if in_all_areas {
        words.push("all areas");
    }
    words.extend(
        row.contexts
            .iter()
            .filter(|context| !(in_all_areas && areas.contains(context)))
            .map(|context| context.as_str()),
    );
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_key_is_bound_twice_in_one_context() {
        Keymap::built_in().expect("no conflict");
    }

    #[test]
    fn a_conflict_names_both_actions() {
        let mut rows = ROWS.to_vec();
        rows.push(Row {
            keys: &["q"],
            action: Action::Deploy,
            ..ROWS[0]
        });
        let error = Keymap::of_rows(&rows).expect_err("conflict");
        assert!(
            matches!(error, KeymapError::Conflict { ref keys, .. } if keys == "q"),
            "{error}"
        );
    }

    #[test]
    fn every_row_has_words_and_every_action_a_row() {
        let described: BTreeSet<Action> = ROWS.iter().map(|row| row.action).collect();
        for row in ROWS {
            assert!(
                !row.name.is_empty() && !row.help.is_empty(),
                "{:?}",
                row.action
            );
            assert!(!row.help.ends_with('.'), "{:?}", row.action);
            assert!(!row.contexts.is_empty(), "{:?}", row.action);
        }
        // The last variant counts them: every action up to it is described.
        assert_eq!(described.len(), Action::Redraw as usize + 1);
    }

    #[test]
    fn the_key_that_asks_never_confirms() {
        let map = Keymap::built_in().expect("keymap");
        let confirm = map.keys(Context::Dialog, Action::Confirm);
        assert_eq!(confirm, ["y"]);
        for action in [
            Action::Deploy,
            Action::Cancel,
            Action::Restore,
            Action::Unlock,
            Action::Quit,
        ] {
            for context in Context::ALL {
                for key in map.keys(context, action) {
                    assert!(
                        !confirm.contains(key),
                        "{action:?} is asked and confirmed by {key}"
                    );
                }
            }
        }
        assert!(!confirm.iter().any(|key| key == "Enter"));
    }

    #[test]
    fn the_readme_table_has_a_line_for_every_row() {
        let table = markdown_table();
        assert_eq!(table.lines().count(), ROWS.len() + 2);
        assert!(table.contains("| `D` | show the plan and, once confirmed, carry it out; of"));
    }
}

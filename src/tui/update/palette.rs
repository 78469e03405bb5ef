//! The list of all actions: which ones, in which order, and which is chosen.

use std::collections::BTreeSet;

use crate::tui::fuzzy::Query;
use crate::tui::keymap::action::{Action, Group};
use crate::tui::keymap::default::{ROWS, Row};
use crate::tui::overlay::Palette;

/// Returns the actions that fit what was typed, the best first.
#[must_use]
pub fn entries(list: &Palette) -> Vec<&'static Row> {
    let mut seen = BTreeSet::new();
    let rows = ROWS.iter().filter(|row| {
        !matches!(row.group, Group::Move | Group::Answer)
            && !matches!(row.action, Action::Palette | Action::Back)
            && seen.insert(row.action)
    });
    if list.typed.trim().is_empty() {
        return rows.collect();
    }
    let mut query = Query::new(&list.typed);
    let mut scored: Vec<(u32, &'static Row)> = rows
        .filter_map(|row| {
            let by_name = query.score(row.name).map(|score| score.saturating_mul(2));
            by_name.max(query.score(row.help)).map(|score| (score, row))
        })
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, row)| row).collect()
}

/// Returns the chosen action.
#[must_use]
pub fn chosen(list: &Palette) -> Option<Action> {
    entries(list).get(list.cursor).map(|row| row.action)
}

/// Moves the cursor of the list.
pub fn step(list: &mut Palette, rows: isize) {
    let end = entries(list).len().saturating_sub(1);
    list.cursor = list.cursor.saturating_add_signed(rows).min(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_finds_an_action_by_its_name() {
        let list = Palette {
            typed: "depl".into(),
            cursor: 0,
        };
        assert_eq!(
            entries(&list).first().map(|row| row.action),
            Some(Action::Deploy)
        );
    }

    #[test]
    fn without_typing_every_act_is_listed() {
        let listed: Vec<Action> = entries(&Palette::default())
            .iter()
            .map(|r| r.action)
            .collect();
        for action in [
            Action::Deploy,
            Action::Destroy,
            Action::Clean,
            Action::RestoreAll,
            Action::Quit,
        ] {
            assert!(listed.contains(&action), "{action:?}");
        }
    }
}

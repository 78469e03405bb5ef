//! Lists to choose from: what they offer, in which order, and what choosing does.

use std::collections::BTreeSet;

use crate::tui::danger::Danger;
use crate::tui::effect::Effect;
use crate::tui::fuzzy::Query;
use crate::tui::keymap::action::{Action, Group};
use crate::tui::keymap::default::{ROWS, Row};
use crate::tui::model::{Model, Overlay};
use crate::tui::overlay::{Choices, Palette};
use crate::tui::theme::Tone;
use crate::tui::update::jump::{self, Spot};
use crate::tui::update::{allowed, flows, rooms, route};

/// What a line of a list leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Does this.
    Act(Action),
    /// Goes there.
    Go(Spot),
    /// Shows the panel in the theme of that name.
    Theme(String),
    /// Runs the procedure of that name.
    Procedure(String),
}

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key that does the same.
    pub key: String,
    /// Its name; what is typed is compared with it first.
    pub name: String,
    /// What it can break, in symbol and word; empty where nothing can be broken.
    pub danger: Danger,
    /// What it is, in a line.
    pub note: String,
    /// Why it cannot be chosen now.
    pub off: Option<String>,
    /// What it leads to.
    pub pick: Pick,
}

/// Returns the lines of a list that fit what was typed, the best first.
#[must_use]
pub fn entries(model: &Model, list: &Palette) -> Vec<Entry> {
    let all = match list.kind {
        Choices::Actions => actions(model),
        Choices::Jump => jump::entries(model, &list.typed),
        Choices::Themes => themes(model),
        Choices::Procedures => flows::entries(model),
        Choices::Places | Choices::Environments => Vec::new(),
    };
    if list.typed.trim().is_empty() {
        return all;
    }
    let mut query = Query::new(&list.typed);
    let mut scored: Vec<(u32, Entry)> = all
        .into_iter()
        .filter_map(|entry| {
            let by_name = query
                .score(&entry.name)
                .map(|score| score.saturating_mul(2));
            by_name
                .max(query.score(&entry.note))
                .map(|score| (score, entry))
        })
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, entry)| entry).collect()
}

/// Returns how many lines a list has.
#[must_use]
pub fn count(model: &Model, list: &Palette) -> usize {
    match list.kind {
        Choices::Actions | Choices::Jump | Choices::Themes | Choices::Procedures => {
            entries(model, list).len()
        }
        Choices::Places | Choices::Environments => rooms::places(model, list).len(),
    }
}

/// The rows of the table that are acts, each action once.
fn acts() -> impl Iterator<Item = &'static Row> {
    let mut seen = BTreeSet::new();
    ROWS.iter().filter(move |row| {
        !matches!(row.group, Group::Move | Group::Answer)
            && !matches!(row.action, Action::Palette | Action::Back)
            && seen.insert(row.action)
    })
}

/// All actions: those taken lately, then the others in the order of the table, those that cannot be done now last.
fn actions(model: &Model) -> Vec<Entry> {
    let here = model.area.context();
    let mut entries: Vec<(usize, Entry)> = acts()
        .map(|row| {
            let recent = model.hand.recent.iter().position(|a| *a == row.action);
            let elsewhere = || {
                let place = row.contexts.first().map_or("", |place| place.as_str());
                format!("only in {place}")
            };
            let off = allowed::check(model, row.action)
                .err()
                .or_else(|| (!row.contexts.contains(&here)).then(elsewhere));
            let keys = model.setup.keymap.of_row(row, here);
            let rank = match (recent, &off) {
                (Some(at), None) => at,
                (_, None) => 100,
                (_, Some(_)) => 200,
            };
            let entry = Entry {
                key: keys.first().cloned().unwrap_or_default(),
                name: row.name.to_owned(),
                danger: row.danger,
                note: row.help.to_owned(),
                off,
                pick: Pick::Act(row.action),
            };
            (rank, entry)
        })
        .collect();
    entries.sort_by_key(|(rank, _)| *rank);
    entries.into_iter().map(|(_, entry)| entry).collect()
}

fn themes(model: &Model) -> Vec<Entry> {
    let themes = model.setup.shelf.themes().iter();
    themes
        .map(|theme| Entry {
            key: if theme.name == model.theme_name {
                "•".into()
            } else {
                String::new()
            },
            name: theme.name.clone(),
            danger: Danger::Read,
            note: theme.about.clone(),
            off: None,
            pick: Pick::Theme(theme.name.clone()),
        })
        .collect()
}

/// Moves the cursor of the list on top by so many rows.
pub fn step(model: &mut Model, rows: isize) {
    if let Some(Overlay::Palette(list)) = model.overlays.last() {
        put(model, list.cursor.saturating_add_signed(rows));
    }
}

/// Puts the cursor of the list on top on a row; a theme under it is shown at once.
pub fn put(model: &mut Model, row: usize) {
    let Some(Overlay::Palette(list)) = model.overlays.last() else {
        return;
    };
    let row = row.min(count(model, list).saturating_sub(1));
    if let Some(Overlay::Palette(list)) = model.overlays.last_mut() {
        list.cursor = row;
    }
    preview(model);
}

/// Shows the panel in the theme under the cursor.
pub fn preview(model: &mut Model) {
    let Some(Overlay::Palette(list)) = model.overlays.last() else {
        return;
    };
    if list.kind == Choices::Themes {
        let under = entries(model, list).into_iter().nth(list.cursor);
        if let Some(Pick::Theme(name)) = under.map(|entry| entry.pick) {
            model.show_theme(Some(&name));
        }
    }
}

/// Does what the line under the cursor of a list leads to; the list is closed already.
pub fn choose(model: &mut Model, list: &Palette) -> Vec<Effect> {
    if matches!(list.kind, Choices::Places | Choices::Environments) {
        return rooms::choose(model, list);
    }
    let Some(entry) = entries(model, list).into_iter().nth(list.cursor) else {
        model.show_theme(None);
        return Vec::new();
    };
    match (entry.pick, entry.off) {
        (_, Some(reason)) => {
            model.toast(format!("{}: {reason}", entry.name), Tone::Warn);
            Vec::new()
        }
        (Pick::Act(action), None) => {
            model.hand.took(action);
            route::act(model, action, false)
        }
        (Pick::Go(spot), None) => jump::go(model, &spot),
        (Pick::Procedure(name), None) => flows::begin(model, &name),
        (Pick::Theme(name), None) => {
            model.set_theme(&name);
            Vec::new()
        }
    }
}

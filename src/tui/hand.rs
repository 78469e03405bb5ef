//! What belongs to the person in front of the panel: the mouse in their hand, the keys under it, the look they chose.

use crate::domain::time::Wall;
use crate::tui::keymap::action::{Action, Context};
use crate::tui::keymap::map::describe;
use crate::tui::model::{Model, Overlay};
use crate::tui::overlay::Choices;
use crate::tui::theme::{Theme, Tone};

/// What is being dragged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drag {
    /// The border between list and details.
    Border,
    /// The drawing, last seen at this column and row.
    Drawing(u16, u16),
}

/// A press of the button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressed {
    /// Column.
    pub x: u16,
    /// Row.
    pub y: u16,
    /// When.
    pub at: Wall,
}

/// The mouse, and what was done with it and with the keys lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hand {
    /// Whether the mouse is left to the terminal.
    pub away: bool,
    /// What is being dragged.
    pub drag: Option<Drag>,
    /// The last press that could become a double one.
    pub last: Option<Pressed>,
    /// Actions that were taken from the list of actions, the latest first.
    pub recent: Vec<Action>,
}

impl Hand {
    /// Most actions remembered.
    const RECENT: usize = 5;

    /// Remembers an action taken from the list.
    pub fn took(&mut self, action: Action) {
        self.recent.retain(|known| *known != action);
        self.recent.insert(0, action);
        self.recent.truncate(Self::RECENT);
    }
}

impl Model {
    /// Returns the look.
    #[must_use]
    pub fn theme(&self) -> Theme {
        self.look
    }

    /// Chooses a theme by its name; false when there is none of that name.
    pub fn set_theme(&mut self, name: &str) -> bool {
        let known = self.setup.shelf.get(name).is_some();
        if known {
            name.clone_into(&mut self.theme_name);
        }
        self.show_theme(None);
        known
    }

    /// Shows a theme without choosing it, or the chosen one again.
    pub fn show_theme(&mut self, name: Option<&str>) {
        let name = name.unwrap_or(&self.theme_name);
        self.look = self.setup.shelf.theme(name, self.options.colors);
        self.dirty = true;
    }

    /// Returns the key of an action where keys are being pressed or in the area below, for texts; its place in the
    /// list of actions where it has none.
    #[must_use]
    pub fn key(&self, action: Action) -> String {
        self.key_in(self.context(), action)
    }

    /// Returns the key of an action in a context, for texts.
    #[must_use]
    pub fn key_in(&self, context: Context, action: Action) -> String {
        let keymap = &self.setup.keymap;
        let found = keymap
            .key(context, action)
            .or_else(|| keymap.key(self.area.context(), action));
        match (found, describe(context, action)) {
            (Some(key), _) => key.to_owned(),
            (None, Some(row)) => match keymap.of_row(row, self.area.context()).first() {
                Some(key) => key.clone(),
                None => format!(": {}", row.name),
            },
            (None, None) => String::new(),
        }
    }

    /// Says that something is wrong with the user's own files, where something is.
    pub fn say_setup(&mut self) {
        if self.setup.refused {
            let text = format!(
                "keymap or themes: {}; what is built in is used instead, `: key problems` says why",
                self.setup.summary
            );
            self.toast(text, Tone::Warn);
        }
    }

    /// Tells whether a list of themes lies on top.
    #[must_use]
    pub fn tries_themes(&self) -> bool {
        matches!(self.overlays.last(), Some(Overlay::Palette(list)) if list.kind == Choices::Themes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_actions_come_first_and_only_once() {
        let mut hand = Hand::default();
        for action in [Action::Deploy, Action::Refresh, Action::Deploy] {
            hand.took(action);
        }
        assert_eq!(hand.recent, [Action::Deploy, Action::Refresh]);
    }
}

//! All themes there are: the built-in ones, and those of the user's folder.

use std::path::Path;

use crate::domain::config::settings::File;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::Sources;
use crate::tui::theme::color::Colors;
use crate::tui::theme::file::read;
use crate::tui::theme::look::{Sketch, Theme};

/// The built-in themes; the first one is the default.
pub const BUILT_IN: [(&str, &str); 6] = [
    (
        "terminal",
        include_str!("../../../assets/themes/terminal.yml"),
    ),
    ("dark", include_str!("../../../assets/themes/dark.yml")),
    ("light", include_str!("../../../assets/themes/light.yml")),
    (
        "colourblind-dark",
        include_str!("../../../assets/themes/colourblind-dark.yml"),
    ),
    (
        "colourblind-light",
        include_str!("../../../assets/themes/colourblind-light.yml"),
    ),
    ("mono", include_str!("../../../assets/themes/mono.yml")),
];

/// One theme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// What it says about itself.
    pub about: String,
    sketch: Sketch,
}

/// All themes, the built-in ones first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shelf {
    themes: Vec<Named>,
    plain: Sketch,
}

impl Shelf {
    /// Reads the built-in themes.
    #[must_use]
    pub fn built_in() -> Self {
        let mut shelf = Self::default();
        for (name, text) in BUILT_IN {
            // They name every tone themselves, so there is nothing below them.
            shelf.put(name, Path::new(name), text, |_, _| Some(Sketch::default()));
        }
        shelf.plain = shelf.sketch("mono").unwrap_or_default();
        shelf
    }

    /// Adds a theme, or replaces the one of that name; returns what is wrong with its file.
    pub fn add(&mut self, name: &str, shown: &Path, text: &str) -> (Vec<Diagnostic>, Sources) {
        self.put(name, shown, text, |shelf, base| {
            let known = BUILT_IN.iter().any(|(name, _)| *name == base);
            known.then(|| shelf.sketch(base)).flatten()
        })
    }

    fn put(
        &mut self,
        name: &str,
        shown: &Path,
        text: &str,
        base: impl Fn(&Self, &str) -> Option<Sketch>,
    ) -> (Vec<Diagnostic>, Sources) {
        let (mut file, root) = File::read(shown, text);
        if let Some(root) = root {
            let bases = BUILT_IN.map(|(name, _)| name);
            let found = read(&mut file, &root, &bases, |name| base(self, name));
            let theme = Named {
                name: name.to_owned(),
                about: found.about,
                sketch: found.sketch,
            };
            match self.themes.iter_mut().find(|theme| theme.name == name) {
                Some(same) => *same = theme,
                None => self.themes.push(theme),
            }
        }
        file.finish()
    }

    fn sketch(&self, name: &str) -> Option<Sketch> {
        self.get(name).map(|theme| theme.sketch)
    }

    /// Returns all of them.
    #[must_use]
    pub fn themes(&self) -> &[Named] {
        &self.themes
    }
    /// Returns the theme of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Named> {
        self.themes.iter().find(|theme| theme.name == name)
    }
    /// Returns the name of the theme behind another; the first one for a name that is not known.
    #[must_use]
    pub fn after(&self, name: &str) -> &str {
        let at = self.themes.iter().position(|theme| theme.name == name);
        let next = at.map_or(0, |at| (at + 1) % self.themes.len().max(1));
        self.themes
            .get(next)
            .map_or("terminal", |theme| theme.name.as_str())
    }
    /// Returns a theme for a terminal with so many colours. Without colours there is only one; a name that is not
    /// known gives the default.
    #[must_use]
    pub fn theme(&self, name: &str, colors: Colors) -> Theme {
        if colors == Colors::None {
            return self.plain.theme(colors);
        }
        let known = self.get(name).or_else(|| self.themes.first());
        known.map_or_else(Theme::default, |theme| theme.sketch.theme(colors))
    }
}

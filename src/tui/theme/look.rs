//! A theme, ready for use: one style for each tone.

use ratatui::style::{Color, Modifier, Style};

use crate::tui::theme::color::{Colors, within};
use crate::tui::theme::tone::Tone;

/// A colour as a theme gives it: the one that is meant, and what sixteen colours show for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    /// The one that is meant.
    pub meant: Color,
    /// What sixteen colours show; `None`: what is nearest.
    pub sixteen: Option<Color>,
}

impl Paint {
    /// Returns what a terminal with so many colours shows.
    #[must_use]
    pub fn shown(self, colors: Colors) -> Option<Color> {
        match (colors, self.sixteen) {
            (Colors::Sixteen, Some(named)) => Some(named),
            _ => within(self.meant, colors),
        }
    }
}

/// One line of a theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Mark {
    /// Colour of the letters.
    pub fg: Option<Paint>,
    /// Colour behind them.
    pub bg: Option<Paint>,
    /// Bold, dim, italic, underlined, reversed.
    pub modifiers: Modifier,
}

/// A theme as its file gives it, for any number of colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Sketch {
    marks: [Mark; Tone::ALL.len()],
}

impl Sketch {
    /// Returns what a tone is given.
    #[must_use]
    pub fn mark(&self, tone: Tone) -> Mark {
        self.marks.get(tone as usize).copied().unwrap_or_default()
    }
    /// Returns what a tone is given.
    pub fn mark_mut(&mut self, tone: Tone) -> Option<&mut Mark> {
        self.marks.get_mut(tone as usize)
    }

    /// Returns the theme for a terminal with so many colours.
    #[must_use]
    pub fn theme(&self, colors: Colors) -> Theme {
        let mut theme = Theme {
            colors,
            ..Theme::default()
        };
        for (style, mark) in theme.styles.iter_mut().zip(self.marks) {
            let shown = |paint: Option<Paint>| paint.and_then(|paint| paint.shown(colors));
            *style = Style {
                fg: shown(mark.fg),
                bg: shown(mark.bg),
                ..Style::new().add_modifier(mark.modifiers)
            };
        }
        theme
    }
}

/// The look of the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Theme {
    /// How many colours may be used.
    pub colors: Colors,
    styles: [Style; Tone::ALL.len()],
}

impl Theme {
    /// Returns the style of a tone.
    #[must_use]
    pub fn style(&self, tone: Tone) -> Style {
        self.styles.get(tone as usize).copied().unwrap_or_default()
    }
}

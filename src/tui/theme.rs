//! What a tone looks like: tone → style, for sixteen colours and for none.
//!
//! Tones are the roles both front ends share, and those only a screen has (tabs, frames, the chosen row).
//!
//! Only the terminal's own sixteen colours are used, so that light, dark and high-contrast palettes stay the
//! user's choice. Without colour everything is said by modifiers; the symbols and words beside it never change.

use ratatui::style::{Color, Modifier, Style};

use crate::present::role::Role;

/// How many colours may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Colors {
    /// None: modifiers only (`NO_COLOR`, `--color never`).
    None,
    /// The terminal's sixteen.
    #[default]
    Sixteen,
}

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Tone {
    /// Ordinary text.
    #[default]
    Text,
    /// Less important text.
    Dim,
    /// Headings.
    Title,
    /// The chosen tab.
    Tab,
    /// A key in a hint.
    Key,
    /// Something new.
    Added,
    /// Something that changes.
    Changed,
    /// Something that goes.
    Removed,
    /// Something that differs in the world.
    Drift,
    /// Good.
    Ok,
    /// Under way.
    Busy,
    /// Worth a look.
    Warn,
    /// Bad.
    Fail,
    /// An environment where nothing can be broken.
    EnvSafe,
    /// An environment others look at.
    EnvShared,
    /// The environment that earns the money.
    EnvProduction,
    /// The chosen row.
    Selected,
    /// The chosen row of a part that does not have the focus.
    SelectedAway,
    /// Frame of a part with the focus.
    FrameFocus,
    /// Frame of another part.
    Frame,
}

impl Tone {
    /// All roles, for tests that walk them.
    pub const ALL: [Self; 20] = [
        Self::Text,
        Self::Dim,
        Self::Title,
        Self::Tab,
        Self::Key,
        Self::Added,
        Self::Changed,
        Self::Removed,
        Self::Drift,
        Self::Ok,
        Self::Busy,
        Self::Warn,
        Self::Fail,
        Self::EnvSafe,
        Self::EnvShared,
        Self::EnvProduction,
        Self::Selected,
        Self::SelectedAway,
        Self::FrameFocus,
        Self::Frame,
    ];
}

impl From<Role> for Tone {
    fn from(role: Role) -> Self {
        match role {
            Role::Plain | Role::Path => Self::Text,
            Role::Dim | Role::Kept => Self::Dim,
            Role::Strong => Self::Title,
            Role::Added => Self::Added,
            Role::Changed => Self::Changed,
            Role::Removed => Self::Removed,
            Role::Good => Self::Ok,
            Role::Warn => Self::Warn,
            Role::Bad => Self::Fail,
            Role::Busy => Self::Busy,
            Role::Key => Self::Key,
        }
    }
}

/// The look of the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Theme {
    /// How many colours may be used.
    pub colors: Colors,
}

impl Theme {
    /// Returns the style of a tone.
    #[must_use]
    pub fn style(self, tone: Tone) -> Style {
        match self.colors {
            Colors::None => plain(tone),
            Colors::Sixteen => sixteen(tone),
        }
    }
}

/// Modifiers only; no field of the style may name a colour (a test walks this).
fn plain(tone: Tone) -> Style {
    let style = Style::new();
    match tone {
        Tone::Text | Tone::Added | Tone::Ok | Tone::EnvSafe | Tone::Frame => style,
        Tone::Dim => style.add_modifier(Modifier::DIM),
        Tone::Title
        | Tone::Key
        | Tone::Changed
        | Tone::Drift
        | Tone::Busy
        | Tone::Warn
        | Tone::EnvShared
        | Tone::FrameFocus => style.add_modifier(Modifier::BOLD),
        Tone::Removed | Tone::Fail => style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        Tone::Tab | Tone::EnvProduction | Tone::Selected => {
            style.add_modifier(Modifier::REVERSED | Modifier::BOLD)
        }
        Tone::SelectedAway => style.add_modifier(Modifier::UNDERLINED),
    }
}

fn sixteen(tone: Tone) -> Style {
    let style = Style::new();
    match tone {
        Tone::Text => style,
        Tone::Dim | Tone::Frame => style.add_modifier(Modifier::DIM),
        Tone::Title => style.add_modifier(Modifier::BOLD),
        Tone::Tab | Tone::Selected => style.add_modifier(Modifier::REVERSED),
        Tone::SelectedAway => style.add_modifier(Modifier::UNDERLINED),
        Tone::Key | Tone::FrameFocus => style.fg(Color::Cyan).add_modifier(Modifier::BOLD),
        Tone::Added | Tone::Ok => style.fg(Color::Green),
        Tone::Changed | Tone::Warn => style.fg(Color::Yellow),
        Tone::Removed => style.fg(Color::Red),
        Tone::Drift => style.fg(Color::Magenta).add_modifier(Modifier::BOLD),
        Tone::Busy => style.fg(Color::Cyan),
        Tone::Fail => style.fg(Color::Red).add_modifier(Modifier::BOLD),
        Tone::EnvSafe => style.fg(Color::Green).add_modifier(Modifier::BOLD),
        Tone::EnvShared => style.fg(Color::Yellow).add_modifier(Modifier::BOLD),
        Tone::EnvProduction => style
            .fg(Color::Red)
            .add_modifier(Modifier::BOLD | Modifier::REVERSED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_no_role_names_one_and_the_chosen_row_still_stands_out() {
        let theme = Theme {
            colors: Colors::None,
        };
        for tone in Tone::ALL {
            let style = theme.style(tone);
            assert_eq!((style.fg, style.bg), (None, None), "{tone:?}");
        }
        assert_ne!(theme.style(Tone::Selected), theme.style(Tone::Text));
        assert_ne!(theme.style(Tone::Fail), theme.style(Tone::Ok));
    }
}

//! What a piece of text means; a theme says how that looks.
//!
//! Tones are the roles both front ends share, and those only a screen has (tabs, frames, the chosen row).

use crate::present::role::Role;

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
    /// All tones, in the order of the table of a theme.
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

    /// Returns its name in theme files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Dim => "dim",
            Self::Title => "title",
            Self::Tab => "tab",
            Self::Key => "key",
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Drift => "drift",
            Self::Ok => "ok",
            Self::Busy => "busy",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::EnvSafe => "env-safe",
            Self::EnvShared => "env-shared",
            Self::EnvProduction => "env-production",
            Self::Selected => "selected",
            Self::SelectedAway => "selected-away",
            Self::FrameFocus => "frame-focus",
            Self::Frame => "frame",
        }
    }
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

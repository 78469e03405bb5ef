//! "Something outside may have changed": why it is worth looking again.

use crate::domain::live::{LiveSubject, Status};

/// A hint from a watcher: the reason to look. What it tells besides only shortens the time until that look is done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// The project file, an `.env` file or another file the configuration read.
    Config,
    /// The engine reported a change of one of our objects.
    Live(String),
    /// The engine reported that an instance of ours is gone (`None`), or how it stands now.
    Instance {
        /// The same in words.
        text: String,
        /// Which.
        subject: LiveSubject,
        /// How it stands.
        status: Option<Status>,
    },
    /// The engine reported another change of an instance of ours.
    About {
        /// What.
        text: String,
        /// Which.
        subject: LiveSubject,
    },
    /// The state document or the list of what is ignored changed: what drifted may be something else now.
    State,
    /// The lock record changed, be it only by a heartbeat: it tells nothing of what is live.
    Lock,
    /// The timer of the periodic look.
    Timer,
}

impl Hint {
    /// Returns what the engine reported, in words.
    #[must_use]
    pub fn told(&self) -> Option<&str> {
        match self {
            Self::Live(text) | Self::Instance { text, .. } | Self::About { text, .. } => Some(text),
            Self::Config | Self::State | Self::Lock | Self::Timer => None,
        }
    }

    /// Returns the instance it is about, if one.
    #[must_use]
    pub fn subject(&self) -> Option<&LiveSubject> {
        match self {
            Self::Instance { subject, .. } | Self::About { subject, .. } => Some(subject),
            Self::Live(_) | Self::Config | Self::State | Self::Lock | Self::Timer => None,
        }
    }
}

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
    /// The state document or the list of what is ignored changed: what drifted may be something else now.
    State,
    /// The lock record changed, be it only by a heartbeat: it tells nothing of what is live.
    Lock,
    /// The timer of the periodic look.
    Timer,
}

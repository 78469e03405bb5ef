//! "Something outside may have changed": why it is worth looking again.

/// A hint from a watcher; it carries no facts, only the reason to look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// The project file, an `.env` file or another file the configuration read.
    Config,
    /// The engine reported a change of one of our objects.
    Live(String),
    /// The state document or the lock record changed.
    State,
    /// The timer of the periodic look.
    Timer,
}

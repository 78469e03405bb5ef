//! How a run is to be carried out.

/// When an action may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Schedule {
    /// When every resource of the layer before is healthy.
    #[default]
    Layered,
    /// As soon as its own dependencies are healthy.
    Eager,
}

impl Schedule {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Layered => "layered",
            Self::Eager => "eager",
        }
    }
}

/// Options of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// When an action may start.
    pub schedule: Schedule,
    /// How many steps may be under way at once, at least 1.
    pub parallelism: usize,
    /// Whether no human saw what it will do: then it puts back what was recorded, and is refused where it would do more.
    pub unseen: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            schedule: Schedule::default(),
            parallelism: 8,
            unseen: false,
        }
    }
}

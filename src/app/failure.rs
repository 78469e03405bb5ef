//! What a front end shows when something did not work: what, where, why, and what to do now.

/// Kinds of failure; each has one exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// Something failed (exit 1).
    Failed,
    /// The configuration is invalid (exit 3).
    InvalidConfig,
    /// The lock is held, or the state conflicts (exit 4).
    Locked,
    /// Refused: destructive without force, no terminal without `-y`, stale plan, unlock not proven (exit 5).
    Refused,
    /// Interrupted (exit 130).
    Interrupted,
}

/// A failure as a front end shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Kind, and so the exit code.
    pub kind: FailureKind,
    /// What it is about (`service.api`, a file), if one thing.
    pub subject: Option<String>,
    /// What failed: a lowercase fragment without a period.
    pub message: String,
    /// Why: the chain of causes, outermost first.
    pub sources: Vec<String>,
    /// Remarks that help.
    pub hints: Vec<String>,
    /// Command to run now.
    pub next: Option<String>,
}

impl Failure {
    /// Starts a failure of that kind.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            subject: None,
            message: message.into(),
            sources: Vec::new(),
            hints: Vec::new(),
            next: None,
        }
    }
    /// Names the next command.
    #[must_use]
    pub fn next(mut self, command: impl Into<String>) -> Self {
        self.next = Some(command.into());
        self
    }
    /// Adds a remark.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }
    /// Adds a cause.
    #[must_use]
    pub fn source(mut self, text: impl Into<String>) -> Self {
        self.sources.push(text.into());
        self
    }
}

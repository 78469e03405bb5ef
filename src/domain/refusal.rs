//! A wish that cannot be fulfilled: what is wrong with it, and what can be done instead.

/// Why a wish is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub problem: String,
    /// What can be done, one advice each.
    pub hints: Vec<String>,
    /// Command to run now.
    pub next: Option<String>,
}

impl Refusal {
    /// Begins with what is wrong.
    #[must_use]
    pub fn new(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            hints: Vec::new(),
            next: None,
        }
    }
    /// Adds an advice.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }
    /// Names the next command.
    #[must_use]
    pub fn next(mut self, command: impl Into<String>) -> Self {
        self.next = Some(command.into());
        self
    }
}

//! What came of an order.

use crate::domain::run::order::StepRef;

/// How an attempt of a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ended {
    /// It did what it was to do.
    Done,
    /// It failed.
    Failed,
    /// It is certain that nothing happened (a lost call that was looked up): it may be done again.
    NotDone,
    /// Nobody knows; the next run looks.
    Unknown,
}

/// End of an attempt with what is worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepEnd {
    /// How it ended.
    pub ended: Ended,
    /// Exit code of a command.
    pub exit_code: Option<i64>,
    /// File with its whole output, relative to the project.
    pub log: Option<String>,
    /// What went wrong: one line, details below it.
    pub message: Option<String>,
}

impl StepEnd {
    /// Makes the plain good end.
    #[must_use]
    pub fn done() -> Self {
        Self {
            ended: Ended::Done,
            exit_code: None,
            log: None,
            message: None,
        }
    }
    /// Makes a failure.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            ended: Ended::Failed,
            message: Some(message.into()),
            ..Self::done()
        }
    }
    /// Makes an end nobody knows.
    #[must_use]
    pub fn unknown(message: impl Into<String>) -> Self {
        Self {
            ended: Ended::Unknown,
            message: Some(message.into()),
            ..Self::done()
        }
    }
}

/// How far an operator (or a lost lock) stops a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Halt {
    /// Finish what is under way, start nothing.
    Drain,
    /// Drop what is under way.
    Cancel,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The run begins.
    Begun,
    /// An attempt of a step ended.
    Ended {
        /// Which step.
        at: StepRef,
        /// How.
        end: StepEnd,
    },
    /// The time asked for by `Machine::wake_at` has come.
    Woke,
    /// Somebody stops the run.
    Halted(Halt),
}

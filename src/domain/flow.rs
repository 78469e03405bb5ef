//! How far procedures have come: what the record remembers of them, and what an operator asks for.
//!
//! A flow is one carrying-out of a procedure. Its marks are written down step by step, so that a crash or a failure
//! resumes where it stopped and nothing that is finished is done again.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::{Digest, RunId, StepId, TraceId};
use crate::domain::secret::Secret;

/// Which versions a project and environment stands at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether setup is complete.
    pub set_up: bool,
    /// `version` of the last complete setup or upgrade.
    pub version: Option<String>,
    /// `actions_version` of the same.
    pub actions_version: Option<String>,
}

impl Default for Standing {
    /// A record from before there were procedures is of a project that was set up long ago.
    fn default() -> Self {
        Self {
            set_up: true,
            version: None,
            actions_version: None,
        }
    }
}

impl Standing {
    /// What a new record begins with.
    #[must_use]
    pub fn fresh() -> Self {
        Self {
            set_up: false,
            version: None,
            actions_version: None,
        }
    }
}

/// What came of a step of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It was done.
    Done,
    /// It failed, or was cut off; it is the one to resume at.
    Failed,
    /// An operator passed over it.
    Skipped {
        /// Why, in their words.
        reason: String,
        /// Run in which they did; its events say who.
        run: RunId,
    },
}

impl Mark {
    /// Tells whether the step is over for good.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Done | Self::Skipped { .. } => true,
            Self::Failed => false,
        }
    }
}

/// A run that worked at a flow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowRun {
    /// The run.
    pub run: RunId,
    /// Its trace.
    pub trace: TraceId,
}

/// One carrying-out of a procedure that is not over.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Flow {
    /// What it is for: `setup`, `upgrade 1.0 -> 2.0`, `manual RUN_ID`. Another one begins anew.
    pub purpose: String,
    /// Inputs that are no secrets, to go on with.
    pub inputs: BTreeMap<String, String>,
    /// Names of the secret inputs it was given. Their values are kept nowhere, so they are asked for again.
    pub secrets: BTreeSet<String>,
    /// What came of its steps, by label.
    pub marks: BTreeMap<String, Mark>,
    /// The last run that worked at it, as far as is known.
    pub last: Option<FlowRun>,
    /// What its steps did when it last began or went on, by label, as far as is known.
    pub steps: BTreeMap<String, Digest>,
    /// Services that run again although its steps stopped them: put back, or started by name.
    pub released: BTreeSet<String>,
    /// Steps of the clean-up that are finished since it is being given up, each with what it did; also of procedures that
    /// never began. Going on forgets them.
    pub cleaned: BTreeMap<StepId, Digest>,
}

impl Flow {
    /// Tells whether a step is over for good.
    #[must_use]
    pub fn is_over(&self, label: &str) -> bool {
        self.marks.get(label).is_some_and(Mark::is_over)
    }
    /// Tells whether a step of that label did something else when the flow last began or went on.
    #[must_use]
    pub fn has_moved(&self, label: &str, digest: &Digest) -> bool {
        self.steps.get(label).is_some_and(|was| was != digest)
    }
    /// Tells whether a step of the clean-up is finished; one that does something else by now is another.
    #[must_use]
    pub fn is_cleaned(&self, step: &StepId, digest: &Digest) -> bool {
        self.cleaned.get(step) == Some(digest)
    }
}

/// How an operator wants a flow to go on.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Turn {
    /// From its beginning; a deploy goes on by itself where an earlier one stopped.
    #[default]
    Fresh,
    /// At the step that failed or was cut off.
    Resume,
    /// Past one step.
    Skip {
        /// Procedure.
        procedure: String,
        /// Label of the step.
        step: String,
        /// Why.
        reason: String,
    },
    /// Not at all: clean up and forget it.
    Abort,
}

/// What is asked of the procedures of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FlowRequest {
    /// How an unfinished flow goes on.
    pub turn: Turn,
    /// Inputs by name. All are treated as secrets until the file says that they are none.
    pub inputs: BTreeMap<String, Secret>,
}

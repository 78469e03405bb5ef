//! What the run machine wants done, and what it wants told.

use std::collections::BTreeMap;

use crate::domain::event::{EventKind, RunOutcome, StepOutcome};
use crate::domain::ids::{Address, StepId};

/// Position of a step in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepRef {
    /// Index of the action in the plan.
    pub action: usize,
    /// Index of the step in the action.
    pub step: usize,
}

/// One order to the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Begin this attempt of the step and report how it ended.
    Begin {
        /// Which step.
        at: StepRef,
        /// Number of the attempt, from 1.
        attempt: u32,
    },
    /// Drop what is under way for this step; report it as unknown.
    Abort {
        /// Which step.
        at: StepRef,
    },
    /// An action is over: fold it into the record.
    Close {
        /// Index of the action in the plan.
        action: usize,
        /// How it ended.
        outcome: StepOutcome,
    },
    /// A layer is over: save the record.
    Save,
    /// The run is over; nothing is under way.
    Finish(Box<RunResult>),
}

/// How one action ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionEnd {
    /// How.
    pub outcome: StepOutcome,
    /// The address that caused a skip.
    pub blame: Option<Address>,
    /// What went wrong.
    pub message: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunResult {
    /// How.
    pub outcome: RunOutcome,
    /// Ends of all actions that were not no-ops.
    pub ends: BTreeMap<Address, ActionEnd>,
}

/// An event without its stamp (time, run, sequence number).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDraft {
    /// Resource it is about.
    pub address: Option<Address>,
    /// Step it is about.
    pub step: Option<StepId>,
    /// Attempt of the step, from 1.
    pub attempt: Option<u32>,
    /// What happened.
    pub kind: EventKind,
}

impl EventDraft {
    /// Makes an event about the run as a whole.
    #[must_use]
    pub fn run(kind: EventKind) -> Self {
        Self {
            address: None,
            step: None,
            attempt: None,
            kind,
        }
    }
    /// Makes an event about a resource.
    #[must_use]
    pub fn about(address: &Address, kind: EventKind) -> Self {
        Self {
            address: Some(address.clone()),
            ..Self::run(kind)
        }
    }
    /// Makes an event about an attempt of a step.
    #[must_use]
    pub fn step(address: &Address, step: &StepId, attempt: u32, kind: EventKind) -> Self {
        Self {
            address: Some(address.clone()),
            step: Some(step.clone()),
            attempt: Some(attempt),
            kind,
        }
    }
}

/// What one turn of the machine brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Orders, to be begun in this order.
    pub orders: Vec<Order>,
    /// Events, in the order in which they happened.
    pub events: Vec<EventDraft>,
}

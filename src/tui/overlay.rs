//! What can lie above an area: questions with what their answer sets going, and the list of actions.

use std::sync::Arc;

use crate::app::command::Stop;
use crate::app::failure::Failure;
use crate::domain::lease::LockReport;
use crate::domain::plan::model::{Plan, PlanRequest};
use crate::domain::time::Wall;

/// What a dialog asks, or says.
#[derive(Clone, Debug)]
pub enum Question {
    /// Whether to carry a plan out; without one yet, it is being made.
    Approve {
        /// What was asked for.
        request: PlanRequest,
        /// The plan.
        plan: Option<Arc<Plan>>,
    },
    /// Whether to stop the run, and how far.
    Stop(Stop),
    /// Whether to leave while a run is on; it is drained first.
    Leave,
    /// Whether to clear a lock whose holder is proven dead.
    Unlock(Arc<LockReport>),
    /// Nothing: a wish failed.
    Failed(Failure),
    /// Nothing: something is not done, and why.
    Refused {
        /// Heading.
        title: String,
        /// Why, line by line.
        lines: Vec<String>,
    },
}

/// A dialog that is answered with one key.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// What it asks or says.
    pub question: Question,
    /// When it opened: a key that came with the one that opened it confirms nothing.
    pub opened: Wall,
    /// First line shown.
    pub scroll: usize,
}

impl Dialog {
    /// Opens a dialog.
    #[must_use]
    pub fn new(question: Question, opened: Wall) -> Self {
        Self {
            question,
            opened,
            scroll: 0,
        }
    }
    /// Returns the word on the confirming button; `None` when there is nothing to confirm (yet).
    #[must_use]
    pub fn button(&self) -> Option<&'static str> {
        match &self.question {
            Question::Approve { request, plan } => plan
                .as_ref()
                .filter(|plan| !plan.is_empty())
                .map(|_| request.purpose.as_str()),
            Question::Stop(Stop::Cancel) => Some("cut off"),
            Question::Stop(Stop::Drain | Stop::Run) => Some("stop"),
            Question::Leave => Some("stop and leave"),
            Question::Unlock(_) => Some("unlock"),
            Question::Failed(_) | Question::Refused { .. } => None,
        }
    }
}

/// One line to type into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What to type.
    pub label: String,
    /// What must be typed; `None`: anything but nothing.
    pub expect: Option<String>,
    /// What was typed.
    pub typed: String,
}

impl Field {
    /// Tells whether what was typed will do.
    #[must_use]
    pub fn fits(&self) -> bool {
        match &self.expect {
            Some(expect) => *expect == self.typed,
            None => !self.typed.trim().is_empty(),
        }
    }
}

/// What a typed confirmation is about.
#[derive(Clone, Debug)]
pub enum Stake {
    /// Carrying out a plan that takes something down for good.
    Run {
        /// What was asked for.
        request: PlanRequest,
        /// The plan.
        plan: Arc<Plan>,
    },
    /// Taking a lock from a holder that is not proven dead.
    Lock(Arc<LockReport>),
}

/// A dialog that is answered by typing.
#[derive(Clone, Debug)]
pub struct Typed {
    /// What is at stake.
    pub stake: Stake,
    /// Lines to type into.
    pub fields: Vec<Field>,
    /// The line with the cursor.
    pub at: usize,
}

impl Typed {
    /// Asks for the project's name before a plan is carried out.
    #[must_use]
    pub fn run(request: PlanRequest, plan: Arc<Plan>) -> Self {
        let name = plan.scope.project.to_string();
        Self {
            fields: vec![Field {
                label: format!("project name ({name})"),
                expect: Some(name),
                typed: String::new(),
            }],
            stake: Stake::Run { request, plan },
            at: 0,
        }
    }

    /// Asks for the lock's id and a reason before a lock is taken from its holder; `None` when there is no lock.
    #[must_use]
    pub fn lock(report: Arc<LockReport>) -> Option<Self> {
        let id = report.record.as_ref()?.lock_id.as_str();
        let short: String = id.chars().take(8).collect();
        let field = |label: String, expect: Option<String>| Field {
            label,
            expect,
            typed: String::new(),
        };
        Some(Self {
            fields: vec![
                field(
                    format!("first 8 characters of the lock id ({short})"),
                    Some(short),
                ),
                field("reason, for the audit".into(), None),
            ],
            stake: Stake::Lock(report),
            at: 0,
        })
    }

    /// Tells whether every line will do.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.fields.iter().all(Field::fits)
    }
}

/// The list of all actions, narrowed by what is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    /// What was typed.
    pub typed: String,
    /// The chosen row.
    pub cursor: usize,
}

//! What can lie above an area: questions with what their answer sets going, and the list of actions.

use std::sync::Arc;

use crate::app::command::Stop;
use crate::app::failure::Failure;
use crate::domain::flow::Turn;
use crate::domain::ids::{Address, PlanId};
use crate::domain::lease::{LockReport, Verdict};
use crate::domain::plan::model::{Plan, PlanRequest};
use crate::domain::project::procedure::Input;
use crate::domain::report::flows::OpenFlow;
use crate::domain::time::Wall;
use crate::tui::words::verb;

/// What a plan in question rests on, so that it turns stale by itself when that moves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// The session's own plan when the question was asked: it changes with the file, the state and the world.
    pub of: Option<PlanId>,
    /// Whether it took the place of another plan while that one was being read.
    pub changed: bool,
    /// Whether it is being made again, because what it rests on moved: only then is it known whether it differs.
    pub again: bool,
    /// Why the plan must not be carried out any more.
    pub stale: Option<String>,
}

impl Basis {
    /// Tells whether the plan may be carried out as it is shown.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.stale.is_none() && !self.again
    }
}

/// What a dialog asks, or says.
#[derive(Clone, Debug)]
pub enum Question {
    /// Whether to carry a plan out; without one yet, it is being made.
    Approve {
        /// What was asked for.
        request: PlanRequest,
        /// The plan.
        plan: Option<Arc<Plan>>,
        /// What it rests on.
        basis: Basis,
    },
    /// Whether to stop the run, and how far.
    Stop(Stop),
    /// Whether to leave while a run is on; it is drained first.
    Leave,
    /// Whether to go on clearing a lock.
    Unlock(Guide),
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

/// A lock that is being cleared step by step.
#[derive(Clone, Debug)]
pub struct Guide {
    /// The lock as it was judged.
    pub report: Arc<LockReport>,
    /// The step on show, from 0.
    pub step: u8,
}

impl Guide {
    /// The last step before the words to type.
    pub const LAST: u8 = 2;
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
            Question::Approve {
                request,
                plan,
                basis,
            } => {
                // What is given up is given up also where nothing is to be cleaned up.
                let gives_up = request.flow.turn == Turn::Abort;
                plan.as_ref()
                    .filter(|plan| (gives_up || !plan.is_empty()) && basis.is_good())
                    .map(|_| verb(request))
            }
            Question::Stop(Stop::Cancel) => Some("cut off"),
            Question::Stop(Stop::Drain | Stop::Run) => Some("stop"),
            Question::Leave => Some("stop and leave"),
            Question::Unlock(guide) if guide.step < Guide::LAST => Some("next step"),
            Question::Unlock(_) => Some("type the confirmation"),
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
    /// Whether it may stay empty.
    pub optional: bool,
    /// Whether what is typed is kept from the screen.
    pub secret: bool,
    /// What was typed.
    pub typed: String,
}

impl Field {
    /// Asks for this very text, or for anything.
    #[must_use]
    pub fn new(label: impl Into<String>, expect: Option<String>) -> Self {
        Self {
            label: label.into(),
            expect,
            optional: false,
            secret: false,
            typed: String::new(),
        }
    }
    /// Asks for a declared input, with its default to begin with.
    #[must_use]
    pub fn input(input: &Input) -> Self {
        let about = input.description.as_deref();
        let about = about.map_or_else(String::new, |text| format!(": {text}"));
        let kind = match (input.secret, input.required) {
            (true, true) => " (not shown)",
            (true, false) => " (not shown, may stay empty)",
            (false, true) => "",
            (false, false) => " (may stay empty)",
        };
        Self {
            optional: !input.required || input.default.is_some(),
            secret: input.secret,
            typed: input.default.clone().unwrap_or_default(),
            ..Self::new(format!("{}{about}{kind}", input.name), None)
        }
    }
    /// Asks for an input without which nothing goes on, and begins with nothing: nobody takes a default for what was
    /// given before.
    #[must_use]
    pub fn needed(input: &Input) -> Self {
        Self::input(&Input {
            required: true,
            default: None,
            ..input.clone()
        })
    }
    /// Returns what the screen may show of what was typed.
    #[must_use]
    pub fn shown(&self) -> String {
        if self.secret {
            "•".repeat(self.typed.chars().count())
        } else {
            self.typed.clone()
        }
    }
    /// Tells whether what was typed will do.
    #[must_use]
    pub fn fits(&self) -> bool {
        match &self.expect {
            Some(expect) => *expect == self.typed,
            None => self.optional || !self.typed.trim().is_empty(),
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
        /// What it rests on.
        basis: Basis,
    },
    /// Clearing a lock.
    Lock(Arc<LockReport>),
    /// Deciding about drift of a resource, or of one field of it.
    Drift(Address, Option<String>),
    /// What the steps of procedures are given: a value for each of these inputs.
    Inputs {
        /// What was asked for.
        request: PlanRequest,
        /// Names of the inputs, in the order of the lines.
        names: Vec<String>,
    },
    /// Passing over the step a procedure stopped at.
    Skip(OpenFlow),
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
    /// Before that time it cannot be confirmed.
    pub not_before: Wall,
}

impl Typed {
    /// Asks for the project's name before a plan is carried out.
    #[must_use]
    pub fn run(request: PlanRequest, plan: Arc<Plan>, basis: Basis, not_before: Wall) -> Self {
        let name = plan.scope.project.to_string();
        Self {
            fields: vec![Field::new(format!("project name ({name})"), Some(name))],
            stake: Stake::Run {
                request,
                plan,
                basis,
            },
            at: 0,
            not_before,
        }
    }

    /// Asks for the lock's id before a lock is cleared, and for a reason where its holder is not proven dead; `None`
    /// when there is no lock.
    #[must_use]
    pub fn lock(report: Arc<LockReport>, not_before: Wall) -> Option<Self> {
        let id = report.record.as_ref()?.lock_id.as_str();
        let short: String = id.chars().take(8).collect();
        let label = format!("first 8 characters of the lock id ({short})");
        let mut fields = vec![Field::new(label, Some(short))];
        if report.verdict != Verdict::Dead {
            fields.push(Field::new("reason, for the audit", None));
        }
        Some(Self {
            fields,
            stake: Stake::Lock(report),
            at: 0,
            not_before,
        })
    }

    /// Asks for the resource's name before its drift is recorded.
    #[must_use]
    pub fn accept(address: Address, path: Option<String>, now: Wall) -> Self {
        let label = format!("name ({})", address.name);
        Self {
            fields: vec![Field::new(label, Some(address.name.clone()))],
            stake: Stake::Drift(address, path),
            at: 0,
            not_before: now,
        }
    }

    /// Asks for a reason, and for how long, before drift is set aside.
    #[must_use]
    pub fn ignore(address: Address, path: Option<String>, now: Wall) -> Self {
        let labels = ["reason", "time: 30m, 12h, 2d, or always"];
        let fields = labels.map(|label| Field::new(label, None));
        Self {
            fields: fields.to_vec(),
            stake: Stake::Drift(address, path),
            at: 0,
            not_before: now,
        }
    }

    /// Asks for inputs, each with a field that `ask` makes.
    #[must_use]
    pub fn inputs(
        request: PlanRequest,
        inputs: &[&Input],
        ask: impl Fn(&Input) -> Field,
        now: Wall,
    ) -> Self {
        Self {
            fields: inputs.iter().map(|input| ask(input)).collect(),
            stake: Stake::Inputs {
                request,
                names: inputs.iter().map(|input| input.name.clone()).collect(),
            },
            at: 0,
            not_before: now,
        }
    }

    /// Asks why a step is passed over.
    #[must_use]
    pub fn skip(flow: OpenFlow, now: Wall) -> Self {
        Self {
            fields: vec![Field::new("reason, for the record", None)],
            stake: Stake::Skip(flow),
            at: 0,
            not_before: now,
        }
    }

    /// Tells whether every line will do, and what is at stake is still as it was shown.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.fields.iter().all(Field::fits) && self.is_good()
    }

    /// Tells whether what is at stake is still as it was shown.
    fn is_good(&self) -> bool {
        match &self.stake {
            Stake::Run { basis, .. } => basis.is_good(),
            Stake::Lock(_) | Stake::Drift(..) | Stake::Inputs { .. } | Stake::Skip(_) => true,
        }
    }

    /// Returns how many seconds of the wait are left.
    #[must_use]
    pub fn left(&self, now: Wall) -> u64 {
        let left = self.not_before.0.saturating_sub(now.0);
        u64::try_from(left).unwrap_or(0).div_ceil(1_000)
    }
}

/// What a list offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Choices {
    /// All actions.
    #[default]
    Actions,
    /// Everything that has a name.
    Jump,
    /// Projects and environments.
    Places,
    /// Environments of this project.
    Environments,
    /// Themes.
    Themes,
    /// Procedures of the file.
    Procedures,
}

/// A list to choose from, narrowed by what is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    /// What it offers.
    pub kind: Choices,
    /// What was typed.
    pub typed: String,
    /// The chosen row.
    pub cursor: usize,
}

//! One row of a tree: a symbol, a label, aligned columns, a remark; each with its meaning.

use crate::domain::ids::{Address, RunId, StepId};
use crate::domain::time::Wall;
use crate::tui::theme::Tone;

/// What a row is about.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Subject {
    /// A heading.
    #[default]
    Heading,
    /// A resource.
    Resource(Address),
    /// A difference of a resource, by its position in the action.
    Change(Address, usize),
    /// A step of a resource.
    Step(Address, StepId),
    /// A past run.
    Run(RunId),
    /// A remark.
    Remark,
}

impl Subject {
    /// Returns the resource the row belongs to.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Resource(address) | Self::Change(address, _) | Self::Step(address, _) => {
                Some(address)
            }
            Self::Heading | Self::Run(_) | Self::Remark => None,
        }
    }
}

/// A short text with its meaning.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Cell {
    /// The text.
    pub text: String,
    /// What it means.
    pub tone: Tone,
}

impl Cell {
    /// Makes a cell.
    #[must_use]
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
        }
    }
}

/// A running time, filled in when drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Began then and goes on.
    Since(Wall),
    /// Took from then to then.
    Took(Wall, Wall),
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Row {
    /// What it is about.
    pub subject: Subject,
    /// A symbol in front.
    pub symbol: Cell,
    /// Its name; the filter looks at it.
    pub label: String,
    /// What the label means.
    pub tone: Tone,
    /// Columns behind it, the most important first.
    pub columns: Vec<Cell>,
    /// A time in front of the remark.
    pub timer: Option<Timer>,
    /// The rest of the line.
    pub remark: Cell,
}

impl Row {
    /// Makes a heading.
    #[must_use]
    pub fn heading(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            tone: Tone::Title,
            ..Self::default()
        }
    }
    /// Tells whether the row shows a running time.
    #[must_use]
    pub fn runs(&self) -> bool {
        matches!(self.timer, Some(Timer::Since(_)))
    }
}

//! An action before its place in the order is known.

use crate::domain::ids::Address;
use crate::domain::plan::model::{ActionKind, Change, PlanWarning, Step, Strategy};

/// What shall happen to one resource, without layer and edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) address: Address,
    pub(super) kind: ActionKind,
    pub(super) strategy: Strategy,
    pub(super) reason: String,
    pub(super) changes: Vec<Change>,
    pub(super) steps: Vec<Step>,
    pub(super) seen: Vec<(String, String)>,
    pub(super) warnings: Vec<PlanWarning>,
}

impl Draft {
    /// Starts as "nothing to do".
    pub(super) fn noop(address: Address, reason: &str) -> Self {
        Self {
            address,
            kind: ActionKind::Noop,
            strategy: Strategy::None,
            reason: reason.to_owned(),
            changes: Vec::new(),
            steps: Vec::new(),
            seen: Vec::new(),
            warnings: Vec::new(),
        }
    }
    /// Adds a remark about this resource.
    pub(super) fn warn(&mut self, text: String) {
        self.warnings.push(PlanWarning {
            address: Some(self.address.clone()),
            text,
            blocks: false,
        });
    }
}

//! What this process took and does not know the end of: no holder is left that does not know of it.
//!
//! A reply can be lost for good, a run can be dropped in the middle, a lock cannot be given back to a store that is
//! away. The record then names a process that lives, namely ours, so that nobody else may take it; but we know that
//! nothing of ours works under it, which is proof enough for ourselves.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::domain::ids::LockId;
use crate::domain::lease::{LockRecord, LockStatus};

/// Ids of acquisitions of this process that may stand in the store though nothing works under them. Clones share one
/// memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims(Rc<RefCell<BTreeSet<LockId>>>);

impl Claims {
    /// Remembers one: from now on it may stand there.
    pub(super) fn doubt(&self, id: &LockId) {
        self.0.borrow_mut().insert(id.clone());
    }
    /// Forgets one: it is known what became of it.
    pub(super) fn settle(&self, id: &LockId) {
        self.0.borrow_mut().remove(id);
    }
    /// Forgets all: something newer was stored, so that nothing asked for before can land any more.
    pub(super) fn settle_all(&self) {
        self.0.borrow_mut().clear();
    }
    /// Tells whether a record is held by nobody but a forgotten acquisition of ours.
    pub(super) fn is_ghost(&self, record: &LockRecord) -> bool {
        record.status == LockStatus::Held && self.0.borrow().contains(&record.lock_id)
    }
}

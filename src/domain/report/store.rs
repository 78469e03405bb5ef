//! What is stored of a project: the recorded state with where it lives, who wrote it, and what is kept of it.

use crate::domain::record::Record;
use crate::domain::time::Wall;

/// An earlier state that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Backup {
    /// Where, as the user can open it.
    pub place: String,
    /// Its serial; `None` for a damaged document that was put aside.
    pub serial: Option<u64>,
    /// When it was written.
    pub at: Option<Wall>,
    /// Its size.
    pub bytes: u64,
}

/// Something that was done with the lock, or with the state by hand, or decided about an action that stopped.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LockDeed {
    /// When, by the clock of who did it.
    pub at: Wall,
    /// What: `take`, `release`, `lose`, `take_over`, `unlock`, `force_unlock`, `push`, `force_push`, `rebuild`, `accept`, `skip`,
    /// `abort`.
    pub act: String,
    /// Who did it: `user@host`.
    pub by: String,
    /// What the lock was held for (`deploy`, …).
    pub command: String,
    /// Run it was held for.
    pub run: String,
    /// Why, in the words of who did it.
    pub reason: Option<String>,
    /// Action that was decided about, where one was.
    pub action: Option<String>,
    /// Its step: the one passed over, or where it had stopped.
    pub step: Option<String>,
    /// Where the lock or the state lives.
    pub location: String,
    /// The lock.
    pub lock_id: String,
    /// Its epoch.
    pub epoch: u64,
    /// Who held it, where somebody else did: `user@host`, pid.
    pub held_by: String,
    /// Verdict at that moment, where one was needed.
    pub verdict: String,
    /// Findings behind the verdict, or what stood there and was put, one text each.
    pub evidence: Vec<String>,
}

/// Everything that is remembered of a lock.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LockHistory {
    /// What was done, the newest first.
    pub deeds: Vec<LockDeed>,
    /// How many lines nobody can read.
    pub unreadable: usize,
}

/// The state as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct StoreReport {
    /// Where the document lives.
    pub location: String,
    /// Version of its format; `None`: nothing is stored.
    pub format: Option<u64>,
    /// Program that wrote it last.
    pub writer: String,
    /// Its size.
    pub bytes: u64,
    /// The record, journals folded in; `None` before the first deploy.
    pub record: Option<Record>,
    /// Earlier states, the newest first.
    pub backups: Vec<Backup>,
    /// What was done last with the lock, the newest first.
    pub audit: Vec<LockDeed>,
}

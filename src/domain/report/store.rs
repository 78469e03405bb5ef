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
    /// The last lines of the audit of locks, the newest first.
    pub audit: Vec<String>,
}

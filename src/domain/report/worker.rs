//! What a worker is doing, as everybody else sees it.

use std::collections::BTreeMap;

use crate::domain::ids::Address;
use crate::domain::lease::{Holder, LockReport};
use crate::domain::project::watch::Restoring;
use crate::domain::time::Wall;

/// Whether a worker leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leadership {
    /// Not decided; why, if something stands in the way.
    Seeks(String),
    /// Another worker leads; who.
    StandsBy(String),
    /// It leads.
    Leads,
}

impl Leadership {
    /// Says who leads instead, by what was found of the leader's lease.
    #[must_use]
    pub fn standing_by(report: &LockReport) -> Self {
        match &report.record {
            Some(record) => Self::StandsBy(who(&record.holder)),
            None => {
                let findings = report.evidence.iter().map(|line| line.finding.as_str());
                let why = findings.collect::<Vec<_>>().join("; ");
                Self::Seeks(format!("{}: {why}", report.location))
            }
        }
    }
    /// Returns the word in JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Seeks(_) => "seeking",
            Self::StandsBy(_) => "standby",
            Self::Leads => "leader",
        }
    }
}

/// Returns `user@host (process 7)`.
#[must_use]
pub fn who(holder: &Holder) -> String {
    format!("{}@{} (process {})", holder.user, holder.host, holder.pid)
}

/// Where a worker is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Connecting to what it watches.
    Activating,
    /// Watching.
    Watching,
    /// Finishing what is under way, to end then.
    Draining,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 3] = [Self::Activating, Self::Watching, Self::Draining];

    /// Returns the word in JSON and on screens.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Activating => "activating",
            Self::Watching => "watching",
            Self::Draining => "draining",
        }
    }
}

/// Why drift is not restored now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// What drifted.
    pub address: Address,
    /// What it waits for, in words.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, where that is known.
    pub next_at: Option<Wall>,
}

/// The last restore of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// When it ended.
    pub at: Wall,
    /// What it was for.
    pub addresses: Vec<Address>,
    /// What went wrong; `None`: it went well.
    pub failure: Option<String>,
}

/// A service that is not as it should be, with what depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ailing {
    /// The service.
    pub address: Address,
    /// How it stands.
    pub state: String,
    /// Services that depend on it.
    pub needed_by: Vec<String>,
}

impl WorkerReport {
    /// Tells whether two reports say the same, but for when.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let (mut one, mut two) = (self.clone(), other.clone());
        for report in [&mut one, &mut two] {
            report.at = Wall(0);
            report.looked_at = None;
        }
        one == two
    }
}

/// All that a worker tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerReport {
    /// Its own name: process and a random part.
    pub id: String,
    /// Process.
    pub pid: u32,
    /// `user@host`.
    pub who: String,
    /// Version of the tool.
    pub version: String,
    /// Whose resources it watches: `shop/local`, with the component in between.
    pub scope: String,
    /// When it started.
    pub started_at: Wall,
    /// When this was said.
    pub at: Wall,
    /// Where it is in its life.
    pub phase: Phase,
    /// Whether it leads.
    pub leadership: Leadership,
    /// What it does about drift.
    pub restore: Restoring,
    /// Longest time between two full looks, in milliseconds.
    pub interval_ms: u64,
    /// How the platform is reached: its description, or why not.
    pub platform: Result<String, String>,
    /// What is wrong with the file; the last good one holds.
    pub config_fault: Option<String>,
    /// Who holds the infrastructure lock, if somebody else does.
    pub lock_held_by: Option<String>,
    /// When the last full look ended.
    pub looked_at: Option<Wall>,
    /// What drifted.
    pub drifted: Vec<Address>,
    /// What of it a restore has begun with and not finished.
    pub half_done: Vec<Address>,
    /// What waits for a human to restore it.
    pub pending: Vec<Address>,
    /// Why it is left to one, where that is not the file's policy.
    pub held: BTreeMap<Address, String>,
    /// What is being restored.
    pub restoring: Vec<Address>,
    /// What it will restore, and what for it waits.
    pub waiting: Vec<Waiting>,
    /// Services that are not as they should be.
    pub ailing: Vec<Ailing>,
    /// The last restore.
    pub last: Option<Restored>,
    /// Restores that went well since it started.
    pub restored: u64,
    /// Restores that failed since it started.
    pub failed: u64,
}

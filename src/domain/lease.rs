//! The infrastructure lock as arithmetic: its record, its times, and the verdict about somebody else's.
//!
//! Verdicts never use the record's own clock, file age or host name: only proof on this machine, or the
//! heartbeat watched on our own clock. Any error while gathering evidence makes the verdict unknown.

use std::time::Duration;

use crate::domain::ids::{Epoch, Lineage, LockId, PlanId, RunId, TraceId};
use crate::domain::time::{Boot, Wall};

mod verdict;

pub use verdict::{Watch, Watched, judge};

/// Who holds a lock, in terms that can be proven on the same machine.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Holder {
    /// Login name, for display.
    pub user: String,
    /// Host name, for display only: never evidence.
    pub host: String,
    /// Digest of the machine id.
    pub machine: String,
    /// Kernel's boot id.
    pub boot_id: String,
    /// Process id.
    pub pid: u32,
    /// Start time of the process in clock ticks since boot.
    pub pid_start: u64,
    /// Pid namespace.
    pub pid_ns: String,
    /// Time namespace, which shifts the start time as others read it; empty in records of earlier versions.
    pub time_ns: String,
    /// Version of the tool.
    pub version: String,
}

/// State of a lock record; a released one stays as a tombstone so that epochs never restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockStatus {
    /// Held.
    Held,
    /// Released by its holder.
    Free,
    /// Taken from its holder by an operator.
    Broken,
}

/// Progress of the holder, renewed with each beat.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Occupation {
    /// Command word (`deploy`, `destroy`, …).
    pub command: String,
    /// Run.
    pub run_id: RunId,
    /// Trace.
    pub trace_id: TraceId,
    /// Plan that is carried out.
    pub plan_id: Option<PlanId>,
    /// Step that was started last.
    pub step: Option<String>,
    /// Steps done.
    pub done: u32,
    /// Steps in all.
    pub total: u32,
}

/// How and why a lock was broken.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Breakage {
    /// Who did it.
    pub by: String,
    /// Why, in the operator's words.
    pub reason: String,
    /// Lock that was broken.
    pub lock_id: LockId,
    /// Verdict at that moment.
    pub verdict: String,
    /// Boot of the machine it was done on, and its clock since then: what the delay is counted by there.
    pub boot_id: String,
    /// Time namespace that clock was read in; empty in records of earlier versions.
    pub time_ns: String,
    /// See `boot_id`.
    pub boot: Boot,
}

/// The record of the lock; one per state document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockRecord {
    /// Held, free or broken.
    pub status: LockStatus,
    /// This acquisition.
    pub lock_id: LockId,
    /// Fencing token.
    pub epoch: Epoch,
    /// Heartbeat counter.
    pub beat: u64,
    /// State it guards; `None` before the first deploy.
    pub lineage: Option<Lineage>,
    /// Who holds it.
    pub holder: Holder,
    /// What the holder does.
    pub occupation: Occupation,
    /// Length of the lease.
    pub lease: Duration,
    /// When it was taken, by the holder's clock; for display.
    pub acquired_at: Wall,
    /// When it was renewed, by the holder's clock; for display.
    pub renewed_at: Wall,
    /// Set when it was broken.
    pub broken: Option<Breakage>,
}

/// Times of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTimes {
    /// How long a beat is good for.
    pub lease: Duration,
    /// Pause between two beats.
    pub renew: Duration,
    /// How long before the end of the lease the holder stops starting operations.
    pub margin: Duration,
    /// How long after the end of the lease a contender waits.
    pub grace: Duration,
}

impl LeaseTimes {
    /// The defaults: 30 s, 7 s, 6 s, 10 s.
    pub const DEFAULT: Self = Self {
        lease: Duration::from_secs(30),
        renew: Duration::from_secs(7),
        margin: Duration::from_secs(6),
        grace: Duration::from_secs(10),
    };
    /// Returns the times for a lease of that length, in the proportions of the defaults.
    #[must_use]
    pub fn of(lease: Option<Duration>) -> Self {
        let Some(lease) = lease else {
            return Self::DEFAULT;
        };
        Self {
            lease,
            renew: lease.saturating_mul(7) / 30,
            margin: lease / 5,
            // A hair more, so that no rounding makes it too short.
            grace: (lease / 3).saturating_add(Duration::from_millis(1)),
        }
    }
    /// How long nobody takes a lock that was cleared without proof: by then its holder has stopped.
    #[must_use]
    pub fn delay(&self) -> Duration {
        self.lease.saturating_add(self.grace)
    }
    /// How long the heartbeat of a holder with such a lease has to stand still before that tells anything: the longer of
    /// the two leases with the grace that belongs to it, so that clocks of whatever rates the longer lease bears are borne.
    #[must_use]
    pub fn silence(&self, held: Duration) -> Duration {
        if held <= self.lease {
            self.delay()
        } else {
            Self::of(Some(held)).delay()
        }
    }
    /// Checks that the times fit each other: at least three renewals fit before the holder has to stop, and a
    /// contender whose clock runs two thirds as fast again still waits longer than the holder works.
    pub fn check(&self) -> Result<(), BadTimes> {
        let work = self.lease.saturating_sub(self.margin);
        if self.renew.is_zero() || self.margin.is_zero() {
            Err(BadTimes::Zero)
        } else if self.renew.saturating_mul(3) > work {
            Err(BadTimes::RenewTooLong)
        } else if self.lease.saturating_add(self.grace).saturating_mul(3) < work.saturating_mul(5) {
            Err(BadTimes::GraceTooShort)
        } else {
            Ok(())
        }
    }
    /// Until when a holder whose last good renewal was *requested* at `renewed` may start operations.
    #[must_use]
    pub fn may_start_until(&self, renewed: Boot) -> Boot {
        renewed.after(self.lease.saturating_sub(self.margin))
    }
}

/// Why a set of times is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTimes {
    /// Renewal or margin is zero.
    #[error("the pause between renewals and the margin must be longer than zero")]
    Zero,
    /// Fewer than three renewals fit into the lease.
    #[error("three renewals must fit into the lease without its margin")]
    RenewTooLong,
    /// A contender might take over while a holder still works.
    #[error("lease and grace must be at least five thirds of the lease without its margin")]
    GraceTooShort,
}

/// What is thought of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Nobody holds it.
    Free,
    /// Proven: the holder's process is gone.
    Dead,
    /// The heartbeat stood still for lease and grace on our own clock.
    Expired,
    /// The heartbeat moved, or the process is proven alive.
    Alive,
    /// Not decidable (yet).
    Unknown,
}

impl Verdict {
    /// Returns the word in JSON and on screens.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Dead => "dead",
            Self::Expired => "expired",
            Self::Alive => "alive",
            Self::Unknown => "unknown",
        }
    }
}

/// What was found out about the holder's process on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProcessProof {
    /// Same machine, same boot, same pid with the same start time.
    Alive,
    /// The same, and it is stopped by a signal: it does nothing now and may go on at any time.
    Stopped,
    /// Same machine, and the process cannot exist any more.
    Gone,
    /// Another machine, or it could not be found out.
    Unknown,
}

/// What was looked at where a holder turned out to be stopped by a signal.
const STOPPED: &str = "stopped";

/// One line of evidence behind a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What was looked at (`process`, `stopped`, `heartbeat`, `record`, `flock`).
    pub check: String,
    /// What was found, for people.
    pub finding: String,
    /// Whether it speaks for a holder that lives (`Some(true)`), for a dead one, or for neither.
    pub alive: Option<bool>,
}

/// A verdict with everything it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockReport {
    /// Where the record lives, for people.
    pub location: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The record, if one could be read.
    pub record: Option<LockRecord>,
    /// Version of the record the verdict is about; an unlock replaces exactly this version.
    pub version: Option<String>,
    /// The evidence.
    pub evidence: Vec<Evidence>,
}

impl LockReport {
    /// Fewest characters of a name that are taken for it.
    pub const NAME_PREFIX: usize = 8;

    /// Returns what names the lock when it is cleared: its id or, where nobody can read the record, the digest of
    /// what stands there. Without either there is nothing that could be replaced.
    #[must_use]
    pub fn name(&self) -> Option<LockId> {
        match (&self.record, &self.version) {
            (Some(record), _) => Some(record.lock_id.clone()),
            (None, Some(version)) => Some(LockId::new(version)),
            (None, None) => None,
        }
    }
    /// Tells whether the holder lives and is stopped by a signal; that is no reason to take its lock.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.evidence.iter().any(|line| line.check == STOPPED)
    }
    /// Tells whether somebody means this lock: by its name, or enough of its beginning.
    #[must_use]
    pub fn is_named(&self, given: &LockId) -> bool {
        given.as_str().len() >= Self::NAME_PREFIX
            && self
                .name()
                .is_some_and(|name| name.as_str().starts_with(given.as_str()))
    }
}

/// What a new holder brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Fresh random id of this acquisition.
    pub lock_id: LockId,
    /// State it guards; `None` before the first deploy.
    pub lineage: Option<Lineage>,
    /// Who takes it.
    pub holder: Holder,
    /// What for.
    pub occupation: Occupation,
    /// Length of the lease.
    pub lease: Duration,
    /// Now, for display.
    pub at: Wall,
}

impl LockRecord {
    /// Makes the record of an acquisition. The epoch is above everything the lock or the state ever saw.
    #[must_use]
    pub fn taken(previous: Option<&Self>, fence: Epoch, claim: Claim) -> Self {
        let highest = previous.map_or(fence, |previous| previous.epoch.max(fence));
        Self {
            status: LockStatus::Held,
            lock_id: claim.lock_id,
            epoch: Epoch(highest.0.saturating_add(1)),
            beat: 0,
            lineage: claim.lineage,
            holder: claim.holder,
            occupation: claim.occupation,
            lease: claim.lease,
            acquired_at: claim.at,
            renewed_at: claim.at,
            broken: None,
        }
    }
    /// Makes the record of the next beat.
    #[must_use]
    pub fn renewed(&self, occupation: Occupation, at: Wall) -> Self {
        Self {
            beat: self.beat.saturating_add(1),
            occupation,
            renewed_at: at,
            ..self.clone()
        }
    }
    /// Makes the tombstone of an orderly release; the epoch stays, so that it is never used again.
    #[must_use]
    pub fn released(&self, at: Wall) -> Self {
        Self {
            status: LockStatus::Free,
            renewed_at: at,
            ..self.clone()
        }
    }
    /// Makes the tombstone of a lock taken from its holder; the epoch rises, so that the holder is fenced off.
    #[must_use]
    pub fn broken_by(&self, breakage: Breakage, at: Wall) -> Self {
        Self {
            status: LockStatus::Broken,
            epoch: Epoch(self.epoch.0.saturating_add(1)),
            renewed_at: at,
            broken: Some(breakage),
            ..self.clone()
        }
    }
    /// Tells whether both are the same acquisition.
    #[must_use]
    pub fn is_same_lock(&self, other: &Self) -> bool {
        self.lock_id == other.lock_id && self.epoch == other.epoch
    }
}

#[cfg(test)]
mod tests;

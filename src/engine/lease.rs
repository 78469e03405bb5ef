//! The infrastructure lock in action: taken, kept alive, released.
//!
//! All of it is one primitive, compare-and-put of one record that is never deleted; the arithmetic and the
//! verdicts are [`domain::lease`](crate::domain::lease)'s. A lost reply is settled by reading back and comparing
//! our own random id, which is one and the same for all tries of an acquisition: whichever of them lands is
//! recognised. The holder fences itself: past lease less margin without a renewal it starts nothing.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::domain::ids::{Epoch, LockId};
use crate::domain::lease::{
    LeaseTimes, LockRecord, LockReport, LockStatus, Occupation, Verdict, Watch,
};
use crate::domain::time::Boot;
use crate::engine::claims::Claims;
use crate::engine::lock_report::fate;
use crate::engine::reconcile::EngineError;
use crate::engine::verdict::said;
use crate::formats::lock;
use crate::ports::cas_store::{CasStore, Put, StoreError, Stored, Version};
use crate::ports::clock::Clock;
use crate::ports::world::World;

mod give;
mod take;

use take::{Taker, Taking};

/// Pause between two looks at a lock that somebody else holds.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Pause between two looks whether there is something to tell.
const LOOK_FOR_NEWS: Duration = Duration::from_millis(500);
/// Shortest pause between two beats that tell what we do.
const TELL_NEWS: Duration = Duration::from_secs(2);
/// How often an acquisition is tried again at once before somebody else gets a chance.
const HURRY: u32 = 100;

/// What is wanted of the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What for.
    pub occupation: Occupation,
    /// How long to wait while somebody else holds it; zero: not at all.
    pub wait: Duration,
    /// Times of the lease.
    pub times: LeaseTimes,
    /// Whether the lock is taken to mend a damaged state, which then cannot say what epochs it saw.
    pub mends: bool,
    /// Whether it is a leader's, which guards no state: it fences nothing, and silence is enough to take it over.
    pub leads: bool,
    /// What this process took before and does not know the end of.
    pub claims: Claims,
}

impl Wanted {
    fn takes(&self, verdict: Verdict) -> bool {
        verdict == Verdict::Free
            || verdict == Verdict::Dead
            || self.leads && verdict == Verdict::Expired
    }
}

/// The lock in our hands. Dropped without [`Lease::release`] it stays in the store until it is proven dead.
#[derive(Debug)]
pub struct Lease {
    times: LeaseTimes,
    /// The record as we last stored it, and its version.
    stored: RefCell<(LockRecord, Version)>,
    /// What the next beat will tell of us.
    occupation: RefCell<Occupation>,
    /// When the last good renewal was asked for.
    renewed: Cell<Boot>,
    /// The beat that was tried last, and when it was asked for first: it may have landed unheard at any time since.
    tried: Cell<Option<(u64, Boot)>>,
    lost: RefCell<Option<String>>,
    taken_over: Option<LockRecord>,
    claims: Claims,
    /// Whether nothing of ours stands in the store any more.
    is_over: Cell<bool>,
    /// Whether its end belongs into the history; a leader's does not.
    is_noted: bool,
}

enum Beat {
    Good,
    /// The store did not answer; nothing is known.
    NoAnswer(String),
    Lost(String),
}

impl Lease {
    /// Takes the lock when it is free or its holder is proven dead; otherwise waits as long as want. `tell`
    /// hears each new finding while waiting.
    pub async fn acquire<W: World>(
        world: &W,
        want: &Wanted,
        tell: &dyn Fn(&LockReport),
    ) -> Result<Self, EngineError> {
        let invalid =
            |error: crate::domain::lease::BadTimes| EngineError::Invalid(error.to_string());
        want.times.check().map_err(invalid)?;
        let started = world.clock().boot();
        let mut watch = Watch::default();
        let mut told: Option<(Verdict, Option<LockId>)> = None;
        let mut hurried = 0;
        let taker = Taker::new(world, want);
        loop {
            let look = taker.look(&mut watch).await;
            if let Some(lease) = taker.late(&look) {
                return Ok(lease);
            }
            if want.takes(look.report.verdict) && hurried < HURRY {
                match taker.take(&look).await? {
                    Taking::Ours(lease) => return Ok(*lease),
                    Taking::LookAgain => {
                        hurried += 1;
                        continue;
                    }
                }
            }
            let waited = world.clock().boot().since(started);
            // The delay after an unlock without proof is waited out by whoever comes: it has a known end.
            let wait = if look.is_delayed() {
                want.wait.max(look.delay(&want.times))
            } else {
                want.wait
            };
            if waited >= wait {
                return Err(EngineError::Locked(Box::new(look.report)));
            }
            let finding = (
                look.report.verdict,
                look.report
                    .record
                    .as_ref()
                    .map(|record| record.lock_id.clone()),
            );
            if told.as_ref() != Some(&finding) {
                tell(&look.report);
                told = Some(finding);
            }
            let rest = wait.saturating_sub(waited);
            world.clock().sleep(rest.min(LOOK_AGAIN)).await;
            hurried = 0;
        }
    }

    /// Returns the fencing token.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.stored.borrow().0.epoch
    }

    /// Returns the record as it was last stored.
    #[must_use]
    pub fn record(&self) -> LockRecord {
        self.stored.borrow().0.clone()
    }

    /// Returns the record of the dead holder it was taken from, if it was.
    #[must_use]
    pub fn taken_over(&self) -> Option<&LockRecord> {
        self.taken_over.as_ref()
    }

    /// Tells whether an operation may be started now: the lock is ours and its renewal recent enough.
    #[must_use]
    pub fn may_start(&self, now: Boot) -> bool {
        self.lost.borrow().is_none() && now < self.times.may_start_until(self.renewed.get())
    }

    /// Returns why the lock was lost, if it was.
    #[must_use]
    pub fn lost(&self) -> Option<String> {
        self.lost.borrow().clone()
    }

    /// Says what the next beat shall tell of us.
    pub fn progress(&self, step: Option<String>, done: u32, total: u32) {
        let mut occupation = self.occupation.borrow_mut();
        occupation.step = step;
        occupation.done = done;
        occupation.total = total;
    }

    /// Says which plan is carried out.
    pub fn set_plan(&self, plan: crate::domain::ids::PlanId) {
        self.occupation.borrow_mut().plan_id = Some(plan);
    }

    /// Renews the lease again and again; ends only when it is lost, with the reason. News of what we do go out
    /// sooner than the next renewal is due, so that whoever looks at the lock sees them.
    pub async fn keep_alive<W: World>(&self, world: &W) -> EngineError {
        let mut due = world.clock().boot().after(self.times.renew);
        // The first news are the plan, and wait for nothing.
        let mut told: Option<Boot> = None;
        loop {
            let now = world.clock().boot();
            if now < due {
                let rest = due.since(now);
                world.clock().sleep(rest.min(LOOK_FOR_NEWS)).await;
                let now = world.clock().boot();
                let may_tell = told.is_none_or(|at| now.since(at) >= TELL_NEWS);
                if now < due && !(may_tell && self.has_news()) {
                    continue;
                }
            }
            told = Some(world.clock().boot());
            let pause = match self.beat(world).await {
                Beat::Good => self.times.renew,
                Beat::NoAnswer(why) => {
                    let now = world.clock().boot();
                    if now >= self.times.may_start_until(self.renewed.get()) {
                        return self.lose(format!("it could not be renewed in time: {why}"));
                    }
                    tracing::warn!(why, "the lock could not be renewed; trying again");
                    self.times.renew / 4
                }
                Beat::Lost(why) => return self.lose(why),
            };
            due = world.clock().boot().after(pause);
        }
    }

    fn has_news(&self) -> bool {
        *self.occupation.borrow() != self.stored.borrow().0.occupation
    }

    fn lose(&self, why: String) -> EngineError {
        *self.lost.borrow_mut() = Some(why.clone());
        EngineError::LockLost(why)
    }

    async fn beat<W: World>(&self, world: &W) -> Beat {
        let asked = world.clock().boot();
        let (next, version) = {
            let stored = self.stored.borrow();
            let occupation = self.occupation.borrow().clone();
            let next = stored.0.renewed(occupation, world.clock().wall());
            (next, stored.1.clone())
        };
        // Where an earlier try of this beat may be what landed, the lease counts from then.
        let first = match self.tried.get() {
            Some((beat, first)) if beat == next.beat => first,
            Some(_) | None => asked,
        };
        self.tried.set(Some((next.beat, first)));
        let bytes = lock::encode(&next);
        let put = world.lock().compare_and_put(Some(&version), &bytes);
        match in_time(world, self.times.renew, put).await {
            Some(Ok(Put::Done(version))) => {
                self.renewed.set(asked);
                *self.stored.borrow_mut() = (next, version);
                Beat::Good
            }
            Some(Ok(Put::Conflict(found))) => self.found(readable(found), &next, first, "conflict"),
            Some(Ok(Put::Unknown(why))) => self.doubt(world, &next, first, &why).await,
            None => self.doubt(world, &next, first, "no reply").await,
            Some(Err(error)) => Beat::NoAnswer(said(&error)),
        }
    }

    /// Finds out by reading back what became of a beat.
    async fn doubt<W: World>(&self, world: &W, next: &LockRecord, asked: Boot, why: &str) -> Beat {
        match in_time(world, self.times.renew, world.lock().get()).await {
            None => Beat::NoAnswer(why.to_owned()),
            Some(Err(error)) => Beat::NoAnswer(said(&error)),
            Some(Ok(found)) => self.found(readable(found), next, asked, why),
        }
    }

    /// Judges a beat by the record that stands there now.
    fn found(
        &self,
        found: (Option<LockRecord>, Option<Version>),
        next: &LockRecord,
        asked: Boot,
        why: &str,
    ) -> Beat {
        match found {
            (Some(record), Some(version))
                if record.status == LockStatus::Held && record.is_same_lock(next) =>
            {
                let arrived = record.beat == next.beat;
                *self.stored.borrow_mut() = (record, version);
                if arrived {
                    self.renewed.set(asked);
                    Beat::Good
                } else {
                    Beat::NoAnswer(why.to_owned())
                }
            }
            (record, _) => Beat::Lost(fate(record.as_ref())),
        }
    }
}

fn readable(stored: Option<Stored>) -> (Option<LockRecord>, Option<Version>) {
    match stored {
        Some(stored) => (lock::decode(&stored.bytes).ok(), Some(stored.version)),
        None => (None, None),
    }
}

/// Asks a store and waits no longer than so; `None`: it did not answer, and what was asked may still come about.
async fn in_time<W: World, T>(
    world: &W,
    limit: Duration,
    asked: impl Future<Output = Result<T, StoreError>>,
) -> Option<Result<T, StoreError>> {
    tokio::select! {
        biased;
        answer = asked => Some(answer),
        () = world.clock().sleep(limit) => None,
    }
}

fn store(error: StoreError) -> EngineError {
    EngineError::Store(Box::new(error))
}

#[cfg(test)]
mod tests;

//! The infrastructure lock in action: taken, kept alive, released.
//!
//! All of it is one primitive, compare-and-put of one record that is never deleted; the arithmetic and the
//! verdicts are [`domain::lease`](crate::domain::lease)'s. A lost reply is settled by reading back and comparing
//! our own random id. The holder fences itself: past lease less margin without a renewal it starts nothing.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::domain::ids::{Epoch, LockId};
use crate::domain::lease::{
    Claim, LeaseTimes, LockRecord, LockReport, LockStatus, Occupation, Verdict, Watch,
};
use crate::domain::time::Boot;
use crate::engine::damage;
use crate::engine::lock_report::{self, Look, fate};
use crate::engine::reconcile::EngineError;
use crate::formats::lock;
use crate::formats::text::hex;
use crate::ports::cas_store::{CasStore, Put, StoreError, Stored, Version};
use crate::ports::clock::Clock;
use crate::ports::process::Processes;
use crate::ports::random::Random;
use crate::ports::world::World;

/// Pause between two looks at a lock that somebody else holds.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Pause between two looks whether there is something to tell.
const LOOK_FOR_NEWS: Duration = Duration::from_millis(500);
/// Shortest pause between two beats that tell what we do.
const TELL_NEWS: Duration = Duration::from_secs(2);
/// How often a write whose reply was lost is tried again at once.
const TRIES: u32 = 3;

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
    lost: RefCell<Option<String>>,
    taken_over: Option<LockRecord>,
}

enum Taking {
    Ours(Box<Lease>),
    /// Somebody else was faster, or the reply was lost and the record is as it was.
    LookAgain,
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
        loop {
            let look = lock_report::look(world, &mut watch, &want.times).await;
            if matches!(look.report.verdict, Verdict::Free | Verdict::Dead) && hurried < 100 {
                match take(world, want, &look).await? {
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

    /// Gives the lock back, leaving a tombstone. It being somebody else's by now is an error.
    pub async fn release<W: World>(&self, world: &W) -> Result<(), EngineError> {
        for _ in 0..TRIES {
            let (next, version) = {
                let stored = self.stored.borrow();
                let mut next = stored.0.released(world.clock().wall());
                next.occupation = self.occupation.borrow().clone();
                (next, stored.1.clone())
            };
            let bytes = lock::encode(&next);
            let put = world.lock().compare_and_put(Some(&version), &bytes);
            match put.await.map_err(store)? {
                Put::Done(_) => return Ok(()),
                Put::Conflict(_) | Put::Unknown(_) => {}
            }
            match self.read_back(world).await? {
                (Some(record), _)
                    if record.status == LockStatus::Free && record.is_same_lock(&next) =>
                {
                    return Ok(());
                }
                // A beat of ours got through whose reply was lost.
                (Some(record), Some(version))
                    if record.status == LockStatus::Held && record.is_same_lock(&next) =>
                {
                    *self.stored.borrow_mut() = (record, version);
                }
                (record, _) => return Err(EngineError::LockLost(fate(record.as_ref()))),
            }
        }
        let error = std::io::Error::other("the lock could not be released: no reply");
        Err(EngineError::Store(Box::new(error)))
    }

    async fn beat<W: World>(&self, world: &W) -> Beat {
        let asked = world.clock().boot();
        let (next, version) = {
            let stored = self.stored.borrow();
            let occupation = self.occupation.borrow().clone();
            let next = stored.0.renewed(occupation, world.clock().wall());
            (next, stored.1.clone())
        };
        let bytes = lock::encode(&next);
        let put = world.lock().compare_and_put(Some(&version), &bytes);
        let put = tokio::select! {
            biased;
            put = put => put,
            () = world.clock().sleep(self.times.renew) => Ok(Put::Unknown("no reply".to_owned())),
        };
        match put {
            Ok(Put::Done(version)) => {
                self.renewed.set(asked);
                *self.stored.borrow_mut() = (next, version);
                Beat::Good
            }
            Ok(Put::Conflict(found)) => self.found(readable(found), &next, asked, "conflict"),
            Ok(Put::Unknown(why)) => self.doubt(world, &next, asked, &why).await,
            Err(error) => Beat::NoAnswer(said(&error)),
        }
    }

    /// Finds out by reading back what became of a beat.
    async fn doubt<W: World>(&self, world: &W, next: &LockRecord, asked: Boot, why: &str) -> Beat {
        let read = tokio::select! {
            biased;
            read = self.read_back(world) => read,
            () = world.clock().sleep(self.times.renew) => return Beat::NoAnswer(why.to_owned()),
        };
        match read {
            Err(error) => Beat::NoAnswer(error.to_string()),
            Ok(found) => self.found(found, next, asked, why),
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

    async fn read_back<W: World>(
        &self,
        world: &W,
    ) -> Result<(Option<LockRecord>, Option<Version>), EngineError> {
        Ok(readable(world.lock().get().await.map_err(store)?))
    }
}

fn readable(stored: Option<Stored>) -> (Option<LockRecord>, Option<Version>) {
    match stored {
        Some(stored) => (lock::decode(&stored.bytes).ok(), Some(stored.version)),
        None => (None, None),
    }
}

/// Stores a record of our own over exactly the version that was judged.
async fn take<W: World>(world: &W, want: &Wanted, look: &Look) -> Result<Taking, EngineError> {
    let (fence, lineage) = damage::fence(world, want.mends).await?;
    let mut id = [0; 16];
    world.random().fill(&mut id);
    let previous = look.report.record.as_ref();
    let record = LockRecord::taken(
        previous,
        fence,
        Claim {
            lock_id: LockId(hex(&id)),
            lineage,
            holder: world.processes().me(),
            occupation: want.occupation.clone(),
            lease: want.times.lease,
            at: world.clock().wall(),
        },
    );
    let dead = previous.filter(|_| look.report.verdict == Verdict::Dead);
    if dead.is_some() {
        lock_report::audit(world, &look.report, "take_over", None)?;
    }
    let ours = |version: Version, asked: Boot| {
        Taking::Ours(Box::new(Lease {
            times: want.times,
            stored: RefCell::new((record.clone(), version)),
            occupation: RefCell::new(want.occupation.clone()),
            renewed: Cell::new(asked),
            lost: RefCell::new(None),
            taken_over: dead.cloned(),
        }))
    };
    let asked = world.clock().boot();
    let bytes = lock::encode(&record);
    let put = world
        .lock()
        .compare_and_put(look.version.as_ref(), &bytes)
        .await;
    let found = match put.map_err(store)? {
        Put::Done(version) => return Ok(ours(version, asked)),
        Put::Conflict(found) => found,
        Put::Unknown(_) => world.lock().get().await.map_err(store)?,
    };
    Ok(match found {
        Some(found)
            if lock::decode(&found.bytes).is_ok_and(|found| found.is_same_lock(&record)) =>
        {
            ours(found.version, asked)
        }
        _ => Taking::LookAgain,
    })
}

fn store(error: StoreError) -> EngineError {
    EngineError::Store(Box::new(error))
}

fn said(error: &StoreError) -> String {
    std::error::Error::source(error)
        .map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[cfg(test)]
mod tests;

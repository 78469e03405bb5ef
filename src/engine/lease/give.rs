//! Giving the lock back: a tombstone over our own record, and what is remembered where that did not succeed.

use std::time::Duration;

use crate::domain::lease::{LockRecord, LockStatus};
use crate::engine::lease::{Lease, in_time, readable, said, store};
use crate::engine::lock_history;
use crate::engine::lock_report::fate;
use crate::engine::reconcile::EngineError;
use crate::formats::lock;
use crate::ports::cas_store::{CasStore, Put, StoreError, Version};
use crate::ports::clock::Clock;
use crate::ports::world::World;

/// How often it is tried at once.
const TRIES: u32 = 3;

/// What came of one try.
enum Try {
    Given,
    /// A beat of ours got through whose reply was lost; the next try goes from there.
    Again,
    /// It is somebody else's, or nobody's, by now.
    Lost(String),
    Silent(StoreError),
}

impl Lease {
    /// Gives the lock back, leaving a tombstone. It being somebody else's by now is an error. A store that does not
    /// answer is asked again for as long as a renewal may take.
    pub async fn release<W: World>(&self, world: &W) -> Result<(), EngineError> {
        let until = world.clock().boot().after(self.times.renew);
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.give(world).await {
                Try::Given => {
                    self.is_over.set(true);
                    self.note(world, "release", None);
                    return Ok(());
                }
                Try::Lost(fate) => {
                    self.is_over.set(true);
                    self.note(world, "lose", Some(&fate));
                    return Err(EngineError::LockLost(fate));
                }
                Try::Again => silence(world, "beats of ours came between".to_owned()),
                Try::Silent(error) => error,
            };
            if tries < TRIES {
                continue;
            }
            if world.clock().boot() >= until || matches!(error, StoreError::Hostile { .. }) {
                return Err(store(self.not_given(world, &error)));
            }
            world.clock().sleep(pause(self.times.renew)).await;
        }
    }

    fn note<W: World>(&self, world: &W, act: &str, reason: Option<&str>) {
        if self.is_noted {
            lock_history::note(world, &self.record(), act, reason);
        }
    }

    async fn give<W: World>(&self, world: &W) -> Try {
        let (next, version) = {
            let stored = self.stored.borrow();
            let mut next = stored.0.released(world.clock().wall());
            next.occupation = self.occupation.borrow().clone();
            (next, stored.1.clone())
        };
        let bytes = lock::encode(&next);
        let put = world.lock().compare_and_put(Some(&version), &bytes);
        let error = match in_time(world, self.times.renew, put).await {
            Some(Ok(Put::Done(_))) => return Try::Given,
            Some(Ok(Put::Conflict(found))) => return self.fate_of(readable(found), &next),
            Some(Ok(Put::Unknown(why))) => silence(world, why),
            None => silence(world, "no reply".to_owned()),
            Some(Err(error)) => error,
        };
        match in_time(world, self.times.renew, world.lock().get()).await {
            Some(Ok(found)) => {
                let unchanged = found.as_ref().map(|found| &found.version) == Some(&version);
                if unchanged {
                    return Try::Silent(error);
                }
                self.fate_of(readable(found), &next)
            }
            Some(Err(_)) | None => Try::Silent(error),
        }
    }

    /// Judges a try by the record that stands there now.
    fn fate_of(&self, found: (Option<LockRecord>, Option<Version>), next: &LockRecord) -> Try {
        match found {
            (Some(record), _) if record.status == LockStatus::Free && record.is_same_lock(next) => {
                Try::Given
            }
            (Some(record), Some(version))
                if record.status == LockStatus::Held && record.is_same_lock(next) =>
            {
                *self.stored.borrow_mut() = (record, version);
                Try::Again
            }
            (record, _) => Try::Lost(fate(record.as_ref())),
        }
    }

    fn not_given<W: World>(&self, world: &W, error: &StoreError) -> StoreError {
        let id = self.stored.borrow().0.lock_id.clone();
        let text = format!(
            "{}; the lock {id} may stand there as ours: this process takes it over when it needs it, and once it ended everybody does",
            said(error)
        );
        StoreError::Io {
            action: "release",
            location: world.lock().location(),
            source: std::io::Error::other(text),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.is_over.get() {
            self.claims.doubt(&self.stored.borrow().0.lock_id);
        }
    }
}

fn pause(renew: Duration) -> Duration {
    renew / 8
}

fn silence<W: World>(world: &W, why: String) -> StoreError {
    StoreError::Io {
        action: "write",
        location: world.lock().location(),
        source: std::io::Error::other(why),
    }
}

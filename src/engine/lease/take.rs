//! Taking the lock: our record over exactly the version that was judged, and what became of it when nobody says.

use std::cell::{Cell, RefCell};

use crate::domain::ids::Epoch;
use crate::domain::ids::LockId;
use crate::domain::lease::{Claim, Evidence, LockRecord, LockStatus, Verdict, Watch};
use crate::domain::time::Boot;
use crate::engine::damage;
use crate::engine::lease::{Lease, Wanted, in_time, readable, said, store};
use crate::engine::lock_history;
use crate::engine::lock_report::{self, Look};
use crate::engine::reconcile::EngineError;
use crate::formats::lock;
use crate::formats::text::hex;
use crate::ports::cas_store::{CasStore, Put, StoreError, Stored, Version};
use crate::ports::clock::Clock;
use crate::ports::process::Processes;
use crate::ports::random::Random;
use crate::ports::world::World;

/// What came of a try.
pub(super) enum Taking {
    Ours(Box<Lease>),
    /// Somebody else was faster, or the reply was lost and the record is as it was.
    LookAgain,
}

/// One acquisition with all its tries.
pub(super) struct Taker<'a, W: World> {
    world: &'a W,
    want: &'a Wanted,
    /// The same for all tries: whichever lands is ours.
    id: LockId,
    /// When it was asked for first.
    asked: Cell<Option<Boot>>,
}

impl<'a, W: World> Taker<'a, W> {
    pub(super) fn new(world: &'a W, want: &'a Wanted) -> Self {
        let mut id = [0; 16];
        world.random().fill(&mut id);
        Self {
            world,
            want,
            id: LockId(hex(&id)),
            asked: Cell::new(None),
        }
    }

    /// Looks at the lock; what only a forgotten acquisition of this process holds, nobody holds.
    pub(super) async fn look(&self, watch: &mut Watch) -> Look {
        let mut look = lock_report::look(self.world, watch, &self.want.times).await;
        let record = look.report.record.as_ref();
        if record.is_some_and(|record| !self.is_ours(record) && self.want.claims.is_ghost(record)) {
            look.report.verdict = Verdict::Dead;
            look.report.evidence.push(Evidence {
                check: "claim".to_owned(),
                finding:
                    "this very process took it, and nothing of it is at work under it any more"
                        .to_owned(),
                alive: Some(false),
            });
        }
        look
    }

    /// Returns the lease when a try of ours landed after we had stopped waiting for it.
    pub(super) fn late(&self, look: &Look) -> Option<Lease> {
        let record = look
            .report
            .record
            .as_ref()
            .filter(|record| self.is_ours(record))?;
        let (version, asked) = (look.version.clone()?, self.asked.get()?);
        Some(self.lease(record.clone(), version, asked, None))
    }

    /// Stores a record of our own over exactly the version that was judged.
    pub(super) async fn take(&self, look: &Look) -> Result<Taking, EngineError> {
        let (world, want) = (self.world, self.want);
        let (fence, lineage) = match want.leads {
            true => (Epoch(0), None),
            false => damage::fence(world, want.mends).await?,
        };
        let previous = look.report.record.as_ref();
        let record = LockRecord::taken(
            previous,
            fence,
            Claim {
                lock_id: self.id.clone(),
                lineage,
                holder: world.processes().me(),
                occupation: want.occupation.clone(),
                lease: want.times.lease,
                at: world.clock().wall(),
            },
        );
        let dead = previous.filter(|_| look.report.verdict == Verdict::Dead);
        if dead.is_some() {
            lock_history::audit(world, &look.report, "take_over", None)?;
        }
        let now = world.clock().boot();
        let first = self.asked.get().unwrap_or(now);
        self.asked.set(Some(first));
        want.claims.doubt(&self.id);
        let bytes = lock::encode(&record);
        let put = world.lock().compare_and_put(look.version.as_ref(), &bytes);
        let found = match in_time(world, want.times.renew, put).await {
            Some(Ok(Put::Done(version))) => {
                let lease = self.lease(record, version, now, dead.cloned());
                return Ok(Taking::Ours(Box::new(lease)));
            }
            Some(Ok(Put::Conflict(found))) => found,
            Some(Ok(Put::Unknown(_))) | None => self.read_back(first).await.map_err(store)?,
            Some(Err(error)) => {
                self.give_up().await;
                return Err(store(error));
            }
        };
        let same = found.as_ref().map(|found| &found.version) == look.version.as_ref();
        match readable(found) {
            (Some(record), Some(version)) if self.is_ours(&record) => {
                let lease = self.lease(record, version, first, dead.cloned());
                Ok(Taking::Ours(Box::new(lease)))
            }
            _ => {
                if !same {
                    // Something newer stands there: no try of ours can land any more.
                    want.claims.settle(&self.id);
                }
                Ok(Taking::LookAgain)
            }
        }
    }

    /// Reads what became of a try, again and again until the lease would be over.
    async fn read_back(&self, asked: Boot) -> Result<Option<Stored>, StoreError> {
        let times = &self.want.times;
        let until = times.may_start_until(asked);
        loop {
            let answer = in_time(self.world, times.renew, self.world.lock().get()).await;
            if let Some(Ok(found)) = answer {
                return Ok(found);
            }
            if self.world.clock().boot() >= until {
                return Err(self.silence(answer));
            }
            self.world.clock().sleep(times.renew / 4).await;
        }
    }

    fn silence(&self, answer: Option<Result<Option<Stored>, StoreError>>) -> StoreError {
        let why = match answer {
            Some(Err(error)) => said(&error),
            Some(Ok(_)) | None => "no reply".to_owned(),
        };
        let text = format!(
            "whether the lock was taken is not known ({why}); `nkapp infra lock` tells: ours would be {}",
            self.id
        );
        StoreError::Io {
            action: "take",
            location: self.world.lock().location(),
            source: std::io::Error::other(text),
        }
    }

    /// After an error of the store: what landed all the same is given back.
    async fn give_up(&self) {
        let (world, times) = (self.world, &self.want.times);
        let Some(Ok(found)) = in_time(world, times.renew, world.lock().get()).await else {
            return;
        };
        if let (Some(record), Some(version)) = readable(found)
            && self.is_ours(&record)
        {
            let bytes = lock::encode(&record.released(world.clock().wall()));
            let put = world.lock().compare_and_put(Some(&version), &bytes);
            if let Some(Ok(Put::Done(_))) = in_time(world, times.renew, put).await {
                self.want.claims.settle(&self.id);
            }
        }
    }

    fn is_ours(&self, record: &LockRecord) -> bool {
        record.status == LockStatus::Held && record.lock_id == self.id
    }

    fn lease(
        &self,
        record: LockRecord,
        version: Version,
        asked: Boot,
        taken_over: Option<LockRecord>,
    ) -> Lease {
        let want = self.want;
        want.claims.settle_all();
        if !want.leads {
            lock_history::note(self.world, &record, "take", None);
        }
        Lease {
            times: want.times,
            stored: RefCell::new((record, version)),
            occupation: RefCell::new(want.occupation.clone()),
            renewed: Cell::new(asked),
            tried: Cell::new(None),
            lost: RefCell::new(None),
            taken_over,
            claims: want.claims.clone(),
            is_over: Cell::new(false),
            is_noted: !want.leads,
        }
    }
}

//! Keeper of the record: the last snapshot, the journals folded over it, and the way back to the store.
//!
//! Reading ([`Keeper::open`]) needs no lock and changes nothing. Writing begins with [`Keeper::begin`] under
//! the lock. Every call that makes or removes something goes: [`Keeper::intents`] (durable), the call,
//! then [`Keeper::done`], [`Keeper::failed`] or [`Keeper::unknown`]. [`Keeper::save`] at ends of layers,
//! [`Keeper::finish`] at the end. A snapshot is stored only if the version that was read still stands: whoever
//! lost the lock cannot overwrite what came after.

use std::collections::BTreeMap;

use crate::domain::effect::{Effect, Intent, OpEnd};
use crate::domain::ids::{Epoch, Lineage, OpId, PlanId, RunId, Scope, Serial};
use crate::domain::record::{Pending, Record};
use crate::engine::journal::{self, Journal};
use crate::engine::reconcile::EngineError;
use crate::engine::snapshot;
use crate::formats::journal::Line;
use crate::formats::state;
use crate::formats::text::hex;
use crate::ports::cas_store::{Stored, Version};
use crate::ports::provider::Applied;
use crate::ports::random::Random;
use crate::ports::world::World;

mod flows;
mod replay;
mod rescue;

/// The tool and its version, as it stands in the state document.
const WRITER: &str = concat!("nanokit ", env!("CARGO_PKG_VERSION"));

/// The record with everything that is needed to write it back.
#[derive(Debug)]
pub struct Keeper {
    scope: Scope,
    record: Option<Record>,
    /// Version of the stored snapshot; `None`: nothing stored.
    version: Option<Version>,
    /// Content of the stored snapshot.
    saved: Option<Record>,
    /// What the last store was asked to keep, if that failed: it may be there all the same.
    tried: Option<Vec<u8>>,
    /// Announced operations without a known end.
    open: BTreeMap<OpId, Intent>,
    /// Journals of earlier runs that are folded in, to be removed after the next snapshot.
    past: Vec<String>,
    /// What was noticed while reading that whoever runs should hear.
    remarks: Vec<String>,
    writing: Option<Writing>,
}

/// What only a run under the lock has.
#[derive(Debug)]
struct Writing {
    journal: Journal,
    epoch: Epoch,
    /// Whether the stored snapshot carries our epoch already, so that an older holder cannot store any more.
    fenced: bool,
}

impl Keeper {
    /// Reads snapshot and journals. Damage, and a state of another project, is an error; nothing stored is not.
    pub async fn open<W: World>(world: &W, scope: &Scope) -> Result<Self, EngineError> {
        let mut keeper = Self::empty(scope);
        let Some((version, record)) = snapshot::read(world, scope).await? else {
            return Ok(keeper);
        };
        keeper.version = Some(version);
        keeper.saved = Some(record.clone());
        for pending in &record.pending {
            keeper.announce(Intent {
                pending: pending.clone(),
                shape: None,
            });
        }
        let lineage = record.lineage.clone();
        keeper.record = Some(record);
        for found in journal::of_lineage(world, &lineage)? {
            if found.torn > 0 {
                keeper.remarks.push(format!(
                    "the last line of the journal of run {} was cut off in the middle ({} bytes) and is dropped: nothing was done because of it",
                    found.name, found.torn
                ));
            }
            for line in found.lines {
                keeper.replay(line);
            }
            keeper.past.push(found.name);
        }
        keeper.note_pending();
        Ok(keeper)
    }

    /// Returns the record; `None` before the first deploy.
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// Returns the announced operations whose end is not known, to be settled by looking.
    #[must_use]
    pub fn open_ops(&self) -> Vec<Pending> {
        self.open
            .values()
            .map(|intent| intent.pending.clone())
            .collect()
    }

    /// Returns what was noticed while reading.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Begins to write, under the lock. Mints identity and digest key when there is no state yet; nothing is
    /// stored before the first intent.
    pub fn begin<W: World>(
        &mut self,
        world: &W,
        run: RunId,
        epoch: Epoch,
    ) -> Result<(), EngineError> {
        let record = self.record.get_or_insert_with(|| {
            let (mut lineage, mut key) = ([0; 16], [0; 32]);
            world.random().fill(&mut lineage);
            world.random().fill(&mut key);
            Record::new(Lineage(hex(&lineage)), hex(&key), self.scope.clone())
        });
        if record.fence > epoch {
            return Err(EngineError::LockLost(format!(
                "the state was written under lock epoch {}, ours is {epoch}",
                record.fence
            )));
        }
        self.writing = Some(Writing {
            journal: Journal::new(run),
            epoch,
            fenced: false,
        });
        Ok(())
    }

    /// Replaces the whole record, when it was rebuilt from what is live.
    pub fn replace(&mut self, record: Record) {
        self.record = Some(record);
    }

    /// Puts a record in the place of a document: what is stored next replaces just that version of it, or nothing
    /// (see `damage::replaceable`).
    #[must_use]
    pub fn anew(stored: Option<Stored>, record: Record) -> Self {
        let scope = record.scope.clone();
        Self {
            version: stored.map(|stored| stored.version),
            record: Some(record),
            ..Self::empty(&scope)
        }
    }

    /// Remembers which engine the resources live on.
    pub fn set_engine(&mut self, engine: &str) {
        if let Some(record) = &mut self.record {
            engine.clone_into(&mut record.engine);
        }
    }

    /// Remembers a plan that was carried out.
    pub fn remember_plan(&mut self, plan: PlanId) {
        if let Some(record) = &mut self.record {
            record.remember_plan(plan);
        }
    }

    /// Announces operations; when it returns, they are durable and may be called.
    pub async fn intents<W: World>(
        &mut self,
        world: &W,
        intents: Vec<Intent>,
    ) -> Result<(), EngineError> {
        if !self.writing()?.fenced {
            self.store(world).await?;
        }
        let lines: Vec<Line> = intents
            .iter()
            .map(|intent| Line::Intent(Box::new(intent.clone())))
            .collect();
        self.append(world, &lines, true)?;
        for intent in intents {
            self.announce(intent);
        }
        Ok(())
    }

    /// Announces one operation.
    pub async fn intent<W: World>(&mut self, world: &W, intent: Intent) -> Result<(), EngineError> {
        self.intents(world, vec![intent]).await
    }

    /// Notes that an operation happened and folds what it left into the record.
    pub fn done<W: World>(
        &mut self,
        world: &W,
        op: &OpId,
        applied: &Applied,
    ) -> Result<(), EngineError> {
        let effect = self
            .open
            .get(op)
            .and_then(|intent| snapshot::effect_of(&intent.pending, applied));
        self.end(world, op, OpEnd::Done, effect)
    }

    /// Notes that an operation did not happen.
    pub fn failed<W: World>(&mut self, world: &W, op: &OpId) -> Result<(), EngineError> {
        self.end(world, op, OpEnd::Failed, None)
    }

    /// Notes that nobody knows what became of an operation; it stays open.
    pub fn unknown<W: World>(&mut self, world: &W, op: &OpId) -> Result<(), EngineError> {
        self.end(world, op, OpEnd::Unknown, None)
    }

    /// Folds something that is no operation's outcome: readiness, an adoption, a finished action.
    pub fn note<W: World>(&mut self, world: &W, effect: Effect) -> Result<(), EngineError> {
        let line = Line::Effect(effect);
        self.append(world, std::slice::from_ref(&line), false)?;
        self.replay(line);
        Ok(())
    }

    /// Stores a snapshot if the record changed since the last one.
    pub async fn save<W: World>(&mut self, world: &W) -> Result<(), EngineError> {
        self.note_pending();
        if !self.changed() {
            return self.forget_past(world);
        }
        self.store(world).await?;
        let serial = self
            .record
            .as_ref()
            .map_or(Serial(0), |record| record.serial);
        if self.writing()?.journal.has_begun() {
            self.append(world, &[Line::Folded { serial }], false)?;
        }
        Ok(())
    }

    /// Stores what is left to store and removes the journal.
    pub async fn finish<W: World>(&mut self, world: &W) -> Result<(), EngineError> {
        self.note_pending();
        if self.changed() {
            self.store(world).await?;
        }
        self.forget_past(world)?;
        match &mut self.writing {
            Some(writing) => writing.journal.remove(world),
            None => Ok(()),
        }
    }

    fn empty(scope: &Scope) -> Self {
        Self {
            scope: scope.clone(),
            record: None,
            version: None,
            saved: None,
            tried: None,
            open: BTreeMap::new(),
            past: Vec::new(),
            remarks: Vec::new(),
            writing: None,
        }
    }

    fn writing(&self) -> Result<&Writing, EngineError> {
        self.writing.as_ref().ok_or_else(not_begun)
    }

    fn append<W: World>(
        &mut self,
        world: &W,
        lines: &[Line],
        sync: bool,
    ) -> Result<(), EngineError> {
        let (Some(writing), Some(record)) = (&mut self.writing, &self.record) else {
            return Err(not_begun());
        };
        let whose = (&record.lineage, writing.epoch);
        writing.journal.append(world, whose, lines, sync)
    }

    fn end<W: World>(
        &mut self,
        world: &W,
        op: &OpId,
        end: OpEnd,
        effect: Option<Effect>,
    ) -> Result<(), EngineError> {
        let line = Line::Outcome {
            op: op.clone(),
            end,
            effect,
        };
        // The record learns it even when the disk does not: the snapshot may still get through.
        let written = self.append(world, std::slice::from_ref(&line), false);
        self.replay(line);
        self.note_pending();
        written
    }

    fn note_pending(&mut self) {
        let pending = self.open_ops();
        if let Some(record) = &mut self.record {
            record.pending = pending;
        }
    }

    fn changed(&self) -> bool {
        match (&self.record, &self.saved) {
            (None, _) => false,
            // A minted record that nothing was announced for is not worth a file.
            (Some(record), None) => self.version.is_some() || !snapshot::is_blank(record),
            (Some(record), Some(saved)) => {
                let same = Record {
                    serial: saved.serial,
                    fence: saved.fence,
                    ..record.clone()
                };
                same != *saved
            }
        }
    }

    /// Writes a snapshot with the next serial, whatever it holds.
    async fn store<W: World>(&mut self, world: &W) -> Result<(), EngineError> {
        self.own_try(world).await;
        self.note_pending();
        let epoch = self.writing()?.epoch;
        let Some(record) = &self.record else {
            return Err(not_begun());
        };
        let mut next = record.clone();
        next.serial = Serial(record.serial.0.saturating_add(1));
        next.fence = record.fence.max(epoch);
        let bytes = state::encode(&next, WRITER);
        self.version = match snapshot::put(world, self.version.as_ref(), &bytes).await {
            Ok(version) => Some(version),
            Err(error) => {
                self.tried = Some(bytes);
                return Err(error);
            }
        };
        self.record = Some(next.clone());
        self.saved = Some(next);
        if let Some(writing) = &mut self.writing {
            writing.fenced = true;
        }
        self.forget_past(world)
    }

    fn forget_past<W: World>(&mut self, world: &W) -> Result<(), EngineError> {
        // What they hold counts as saved only once a snapshot of ours carries it.
        if self.writing.is_none() || self.changed() {
            return Ok(());
        }
        for name in std::mem::take(&mut self.past) {
            journal::remove(world, &name)?;
        }
        Ok(())
    }
}

fn not_begun() -> EngineError {
    EngineError::Invalid("the state may only be written under the lock".to_owned())
}

#[cfg(test)]
mod tests;

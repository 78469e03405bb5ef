//! When the store takes nothing: what a failed try left there, and a place elsewhere for what could not be saved.

use std::path::PathBuf;

use crate::domain::ids::{Lineage, Serial};
use crate::domain::record::Record;
use crate::engine::keeper::{Keeper, WRITER};
use crate::formats::state;
use crate::ports::cas_store::CasStore;
use crate::ports::disk::{Disk, DiskError};
use crate::ports::world::World;

impl Keeper {
    /// Returns how long the document would be.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        let record = self.record.as_ref();
        record.map_or(0, |record| state::encode(record, WRITER).len() as u64)
    }

    /// A store that failed may have written (a sync of the folder that failed comes after the rename): what is there
    /// is then ours to replace.
    pub(super) async fn own_try<W: World>(&mut self, world: &W) {
        if let Some(tried) = self.tried.take()
            && let Ok(Some(found)) = world.state().get().await
            && found.bytes == tried
        {
            self.version = Some(found.version);
            // It is the snapshot the next one follows.
            if let (Some(record), Some(serial)) = (&mut self.record, state::serial_of(&tried)) {
                record.serial = serial;
            }
        }
    }

    /// Writes what could not be stored to a new file outside of the project, and returns where.
    pub fn rescue<W: World>(&mut self, world: &W) -> Result<PathBuf, DiskError> {
        self.note_pending();
        let mut next = self
            .record
            .clone()
            .unwrap_or_else(|| Record::new(Lineage::default(), String::new(), self.scope.clone()));
        next.serial = Serial(next.serial.0.saturating_add(1));
        let bytes = state::encode(&next, WRITER);
        let name = format!(
            "nanokit-{}-{}.state.json",
            next.scope.project, next.scope.env
        );
        world.disk().write_elsewhere(&name, &bytes)
    }
}

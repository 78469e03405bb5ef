//! The state as it is stored, for people: read-only, and no lock is needed.

use crate::domain::project::project::Project;
use crate::domain::report::store::{LockDeed, LockHistory, StoreReport};
use crate::engine::damage::missing;
use crate::engine::keeper::Keeper;
use crate::engine::lock_history;
use crate::engine::reconcile::EngineError;
use crate::formats::state;
use crate::ports::cas_store::{CasStore, StoreError};
use crate::ports::world::World;

/// How much of the lock's history is told.
const DEEDS: usize = 10;

/// Reads the state with everything around it.
pub(super) async fn stored<W: World>(
    world: &W,
    project: &Project,
) -> Result<StoreReport, EngineError> {
    let store = |error: StoreError| EngineError::Store(Box::new(error));
    // First of all what is wrong with it, with the way out.
    let keeper = Keeper::open(world, &project.scope()).await?;
    if keeper.record().is_none() {
        missing(world, &project.scope()).await?;
    }
    let document = world.state().get().await.map_err(store)?;
    let head = document
        .as_ref()
        .and_then(|found| state::head_of(&found.bytes));
    Ok(StoreReport {
        location: world.state().location(),
        format: head.as_ref().map(|head| head.version),
        writer: head.map(|head| head.writer).unwrap_or_default(),
        bytes: document.map_or(0, |found| found.bytes.len() as u64),
        record: keeper.record().cloned(),
        backups: world.state().backups().await.map_err(store)?,
        // One that cannot be read is no reason to show nothing else.
        audit: newest(lock_history::history(world).unwrap_or_default()),
    })
}

fn newest(history: LockHistory) -> Vec<LockDeed> {
    history.deeds.into_iter().take(DEEDS).collect()
}

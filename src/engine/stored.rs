//! The state as it is stored, for people: read-only, and no lock is needed.

use std::path::Path;

use crate::domain::project::project::Project;
use crate::domain::report::store::StoreReport;
use crate::engine::keeper::Keeper;
use crate::engine::reconcile::EngineError;
use crate::formats::{lock, state};
use crate::ports::cas_store::{CasStore, StoreError};
use crate::ports::disk::Disk;
use crate::ports::world::World;

/// Audit of locks that were cleared or taken over.
const AUDIT: &str = "audit.log";
/// Most of it that is read.
const AUDIT_LIMIT: u64 = 4 << 20;
/// How many of its lines are told.
const AUDIT_LINES: usize = 10;

/// Reads the state with everything around it.
pub(super) async fn stored<W: World>(
    world: &W,
    project: &Project,
) -> Result<StoreReport, EngineError> {
    let store = |error: StoreError| EngineError::Store(Box::new(error));
    let document = world.state().get().await.map_err(store)?;
    let head = document
        .as_ref()
        .and_then(|found| state::head_of(&found.bytes));
    let keeper = Keeper::open(world, &project.scope()).await?;
    Ok(StoreReport {
        location: world.state().location(),
        format: head.as_ref().map(|head| head.version),
        writer: head.map(|head| head.writer).unwrap_or_default(),
        bytes: document.map_or(0, |found| found.bytes.len() as u64),
        record: keeper.record().cloned(),
        backups: world.state().backups().await.map_err(store)?,
        audit: audit(world),
    })
}

/// Reads the last lines of the audit; one that cannot be read is no reason to show nothing else.
fn audit<W: World>(world: &W) -> Vec<String> {
    let read = world.disk().read(Path::new(AUDIT), AUDIT_LIMIT);
    let bytes = read.ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let last = text.lines().rev().take(AUDIT_LINES);
    last.map(lock::audit_words).collect()
}

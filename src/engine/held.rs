//! A short deed on the state by hand: the lock, the deed, the release.

use std::time::Duration;

use crate::domain::ids::RunId;
use crate::domain::lease::{LeaseTimes, Occupation};
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::engine::claims::Claims;
use crate::engine::keeper::Keeper;
use crate::engine::lease::{Lease, Wanted};
use crate::engine::lock_history::{self, StateDeed};
use crate::engine::reconcile::EngineError;
use crate::engine::runs::new_run_id;
use crate::ports::clock::Clock;
use crate::ports::world::World;

/// Where a deed happens: the world, and what this process took in it before.
#[derive(Debug)]
pub(super) struct Place<'a, W> {
    /// The world.
    pub(super) world: &'a W,
    /// See [`Claims`].
    pub(super) claims: &'a Claims,
}

/// The lock in our hands while a state is replaced by hand.
pub(super) struct Held<'a, W> {
    world: &'a W,
    run: RunId,
    /// The lease.
    pub(super) lease: Lease,
}

/// Takes the lock at once or not at all, does the deed and gives the lock back, whatever came of the deed. `mends`:
/// the state may be damaged, and cannot say then what epochs it saw.
pub(super) async fn under_lock<'a, W: World, T>(
    place: &Place<'a, W>,
    project: &Project,
    (command, mends): (&str, bool),
    deed: impl AsyncFnOnce(&Held<'a, W>) -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    let world = place.world;
    let run = new_run_id(world);
    let wanted = Wanted {
        occupation: Occupation {
            command: command.to_owned(),
            run_id: run.clone(),
            ..Occupation::default()
        },
        wait: Duration::ZERO,
        times: LeaseTimes::of(project.lock_lease),
        mends,
        leads: false,
        claims: place.claims.clone(),
    };
    let lease = Lease::acquire(world, &wanted, &|_| {}).await?;
    let held = Held { world, run, lease };
    let done = tokio::select! {
        done = deed(&held) => done,
        lost = held.lease.keep_alive(world) => Err(lost),
    };
    let released = held.lease.release(world).await;
    match (done, released) {
        (Err(error), _) | (Ok(_), Err(error)) => Err(error),
        (Ok(done), Ok(())) => Ok(done),
    }
}

impl<W: World> Held<'_, W> {
    /// Puts a record in the place of what is stored, after its line in the audit, and returns it as it was stored.
    pub(super) async fn replace(
        &self,
        mut keeper: Keeper,
        deed: &StateDeed,
    ) -> Result<Option<Record>, EngineError> {
        if !self.lease.may_start(self.world.clock().boot()) {
            let why = self.lease.lost();
            return Err(EngineError::LockLost(why.unwrap_or_else(|| {
                "it ran out before the state was stored".to_owned()
            })));
        }
        lock_history::audit_state(self.world, &self.lease.record(), deed)?;
        // Where lock and state were both lost, the lock's epochs began anew: what is put is above them by its own.
        let fence = keeper.record().map(|record| record.fence);
        let ours = self.lease.epoch();
        let epoch = fence.map_or(ours, |fence| fence.max(ours));
        keeper.begin(self.world, self.run.clone(), epoch)?;
        keeper.finish(self.world).await?;
        Ok(keeper.record().cloned())
    }
}

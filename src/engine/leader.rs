//! Who leads among workers: a lease of its own, the same record and primitive as the infrastructure lock.
//!
//! Leading guards nothing by itself: whoever restores takes the infrastructure lock for it. It only keeps workers from
//! doing the same work twice, so silence for the length of the lease is enough to take it over.

use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::domain::lease::{LeaseTimes, Occupation};
use crate::domain::report::worker::Leadership;
use crate::engine::claims::Claims;
use crate::engine::lease::{Lease, Wanted};
use crate::engine::reconcile::{EngineError, Stop};
use crate::engine::verdict::said;
use crate::ports::clock::Clock;
use crate::ports::world::World;

/// Pause before it is tried again after the record could not be read or written, or the lease was lost.
const AGAIN: Duration = Duration::from_secs(2);
/// What a leader says it does.
const COMMAND: &str = "worker";

/// A world in which the lock is the one of the leader.
struct Chair<'w, W: World>(&'w W);

impl<W: World> World for Chair<'_, W> {
    type Provider = W::Provider;
    type Store = W::Store;
    type Clock = W::Clock;
    type Disk = W::Disk;
    type Hooks = W::Hooks;
    type Processes = W::Processes;
    type Random = W::Random;
    type Secrets = W::Secrets;

    fn provider(&self) -> &Self::Provider {
        self.0.provider()
    }
    fn state(&self) -> &Self::Store {
        self.0.state()
    }
    fn lock(&self) -> &Self::Store {
        self.0.leader()
    }
    fn leader(&self) -> &Self::Store {
        self.0.leader()
    }
    fn clock(&self) -> &Self::Clock {
        self.0.clock()
    }
    fn disk(&self) -> &Self::Disk {
        self.0.disk()
    }
    fn hooks(&self) -> &Self::Hooks {
        self.0.hooks()
    }
    fn processes(&self) -> &Self::Processes {
        self.0.processes()
    }
    fn random(&self) -> &Self::Random {
        self.0.random()
    }
    fn secrets(&self) -> &Self::Secrets {
        self.0.secrets()
    }
}

/// Leads, or waits to lead, until `stop` is raised; then gives the lease back.
pub(super) async fn lead<W: World>(
    world: &W,
    times: LeaseTimes,
    mut stop: watch::Receiver<Stop>,
    updates: &mpsc::Sender<Leadership>,
) -> Result<(), EngineError> {
    let chair = Chair(world);
    let wanted = Wanted {
        occupation: Occupation {
            command: COMMAND.to_owned(),
            ..Occupation::default()
        },
        wait: Duration::MAX,
        times,
        mends: false,
        leads: true,
        claims: Claims::default(),
    };
    let tell = |news: Leadership| {
        // A reader that is behind misses nothing it needs: the next finding says it again.
        let _ = updates.try_send(news);
    };
    loop {
        let told = |report: &_| tell(Leadership::standing_by(report));
        let lease = tokio::select! {
            biased;
            () = raised(&mut stop) => return Ok(()),
            lease = Lease::acquire(&chair, &wanted, &told) => lease,
        };
        let why = match lease {
            Ok(lease) => {
                tell(Leadership::Leads);
                tokio::select! {
                    biased;
                    () = raised(&mut stop) => return lease.release(&chair).await,
                    why = lease.keep_alive(&chair) => why,
                }
            }
            Err(EngineError::Invalid(text)) => return Err(EngineError::Invalid(text)),
            Err(error) => error,
        };
        tell(Leadership::Seeks(said(&why)));
        tokio::select! {
            biased;
            () = raised(&mut stop) => return Ok(()),
            () = world.clock().sleep(AGAIN) => {}
        }
    }
}

async fn raised(stop: &mut watch::Receiver<Stop>) {
    // Nobody left to raise it means the same.
    let _ = stop.wait_for(|stop| *stop != Stop::Run).await;
}

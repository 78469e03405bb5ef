//! What the lock must hold on every store that compares and puts when nothing gets lost: a release is of one's own, force
//! fences, a record that was given back keeps its epoch, and one that somebody deleted is a lock that was lost.

use std::path::Path;
use std::time::Duration;

use nanokit::adapters::stores::file::FileStore;
use nanokit::domain::ids::{EnvName, ProjectName};
use nanokit::domain::lease::LockStatus;
use nanokit::domain::project::project::Project;
use nanokit::engine::engine::Engine;
use nanokit::engine::lease::Lease;
use nanokit::engine::reconcile::{EngineError, Reconcile as _, UnlockEnd, UnlockRequest};
use nanokit::ports::cas_store::CasStore;
use nanokit::ports::clock::Clock as _;
use nanokit::ports::world::World as _;

use crate::fault_cases::tried;
use crate::lock_conformance::Bench;
use crate::store_conformance::InMemory;

/// A holder hears within one renewal that its lock is gone; the lease of thirty seconds would be over long after.
const ONE_RENEWAL: Duration = Duration::from_secs(8);

/// A store as several processes reach it, and as somebody's hand does.
struct Place<'a, O, D> {
    name: &'a str,
    root: &'a Path,
    open: O,
    delete: D,
}

impl<S: CasStore, O: Fn(&'static str) -> S, D: Fn()> Place<'_, O, D> {
    fn process(&self, pid: u32) -> Engine<Bench<S>> {
        let (state, lock) = ((self.open)("state"), (self.open)("lock"));
        Engine::new(Bench::new(pid, self.root, state, lock))
    }
    fn project(&self) -> Project {
        Project::named(
            ProjectName::parse("facts").expect("a name"),
            EnvName::parse("local").expect("a name"),
            self.root,
        )
    }
    /// Somebody forces the lock that he sees.
    async fn force(&self, engine: &Engine<Bench<S>>) -> UnlockEnd {
        let record = engine.world().record().await.expect(self.name);
        let request = UnlockRequest {
            lock_id: Some(record.lock_id),
            version: None,
            force: true,
            reason: Some("the test says so".to_owned()),
        };
        engine
            .unlock(&self.project(), &request)
            .await
            .expect(self.name)
    }
}

/// Waits until a holder hears that its lock is gone, and says after how long.
async fn hears<S: CasStore>(one: &Bench<S>, lease: &Lease) -> (EngineError, Duration) {
    let began = one.clock().boot();
    let heard = tokio::time::timeout(Duration::from_secs(600), lease.keep_alive(one)).await;
    let error = heard.expect("it hears nothing");
    assert!(!lease.may_start(one.clock().boot()), "it goes on: {error}");
    (error, one.clock().boot().since(began))
}

async fn force_fences<S: CasStore>(place: &Place<'_, impl Fn(&'static str) -> S, impl Fn()>) {
    let name = place.name;
    let (one, two) = (place.process(1), place.process(2));
    let lease = one.world().acquire().await.expect(name);
    let epoch = lease.epoch();
    assert!(
        matches!(place.force(&two).await, UnlockEnd::Cleared(_)),
        "{name}"
    );
    let broken = two.world().record().await.expect(name);
    assert_eq!(broken.status, LockStatus::Broken, "{name}");
    assert!(broken.epoch > epoch, "{name}: {:?}", broken.epoch);
    let told = broken.broken.clone().expect(name);
    assert_eq!(told.lock_id, lease.record().lock_id, "{name}");
    assert_eq!(told.reason, "the test says so", "{name}");
    let (error, after) = hears(one.world(), &lease).await;
    assert!(after <= ONE_RENEWAL, "{name}: {after:?}");
    assert!(
        matches!(error, EngineError::LockLost(_)),
        "{name}: {error:?}"
    );
    // Whoever was displaced gives nothing back: what lies there is not his.
    let _ = lease.release(one.world()).await;
    assert_eq!(two.world().record().await, Some(broken.clone()), "{name}");
    // The epoch of the broken one is not used again.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let next = two.world().acquire().await.expect(name);
    assert!(next.epoch() > epoch, "{name}");
    next.release(two.world()).await.expect(name);
}

async fn foreign_release<S: CasStore>(place: &Place<'_, impl Fn(&'static str) -> S, impl Fn()>) {
    let name = place.name;
    let (one, two) = (place.process(1), place.process(2));
    let first = one.world().acquire().await.expect(name);
    place.force(&two).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let second = two.world().acquire().await.expect(name);
    let held = two.world().record().await;
    // The first woke up late and believes that it still holds it.
    let _ = first.release(one.world()).await;
    assert_eq!(two.world().record().await, held, "{name}: it was changed");
    assert!(
        two.world().holds(&second).await,
        "{name}: it was given away"
    );
    assert!(one.world().acquire().await.is_err(), "{name}: two holders");
    second.release(two.world()).await.expect(name);
}

/// Returns how many epochs there were.
async fn tombstones<S: CasStore>(
    place: &Place<'_, impl Fn(&'static str) -> S, impl Fn()>,
) -> usize {
    let name = place.name;
    let (mut last, mut epochs) = (None, 0);
    for round in 0..4 {
        let one = place.process(10 + round);
        let lease = one.world().acquire().await.expect(name);
        let epoch = lease.epoch();
        assert!(last < Some(epoch), "{name}: {epoch} after {last:?}");
        lease.release(one.world()).await.expect(name);
        let left = one.world().record().await.expect("it is never deleted");
        assert_eq!(left.status, LockStatus::Free, "{name}");
        assert_eq!(left.epoch, epoch, "{name}: the epoch stays");
        last = Some(epoch);
        epochs += 1;
    }
    epochs
}

async fn deleted<S: CasStore>(place: &Place<'_, impl Fn(&'static str) -> S, impl Fn()>) {
    let name = place.name;
    let (one, two) = (place.process(1), place.process(2));
    let lease = one.world().acquire().await.expect(name);
    (place.delete)();
    let (error, after) = hears(one.world(), &lease).await;
    assert!(after <= ONE_RENEWAL, "{name}: {after:?}");
    assert!(
        matches!(error, EngineError::LockLost(_)),
        "{name}: {error:?}"
    );
    // It does not put back what somebody took away, and does not give back what another took since.
    assert_eq!(one.world().record().await, None, "{name}");
    let next = two.world().acquire().await.expect(name);
    let _ = lease.release(one.world()).await;
    assert!(two.world().holds(&next).await, "{name}: it was given away");
    next.release(two.world()).await.expect(name);
}

fn memory(root: &Path) -> Place<'_, impl Fn(&'static str) -> InMemory, impl Fn()> {
    let (state, lock) = (InMemory::default(), InMemory::default());
    let held = lock.clone();
    let open = move |cell: &'static str| match cell {
        "lock" => lock.clone(),
        _ => state.clone(),
    };
    Place {
        name: "memory",
        root,
        open,
        delete: move || held.delete(),
    }
}

fn file(root: &Path) -> Place<'_, impl Fn(&'static str) -> FileStore, impl Fn()> {
    let own = root.join(".nanokit");
    let path = own.join("lock/state.json");
    let open = move |cell: &'static str| match cell {
        "lock" => FileStore::lock("state.json", &own),
        _ => FileStore::state(root.join("state.json"), &own),
    };
    Place {
        name: "file",
        root,
        open,
        delete: move || std::fs::remove_file(&path).expect("removed"),
    }
}

#[tokio::test(start_paused = true)]
async fn f14_force_fences_the_holder_on_every_store() {
    let home = tempfile::tempdir().expect("temp folder");
    force_fences(&memory(home.path())).await;
    force_fences(&file(home.path())).await;
}

#[tokio::test(start_paused = true)]
async fn f14_a_displaced_holder_gives_nothing_back_on_every_store() {
    let home = tempfile::tempdir().expect("temp folder");
    foreign_release(&memory(home.path())).await;
    foreign_release(&file(home.path())).await;
}

#[tokio::test(start_paused = true)]
async fn f10_a_released_lock_keeps_its_epoch_on_every_store() {
    let home = tempfile::tempdir().expect("temp folder");
    let epochs = tombstones(&memory(home.path())).await + tombstones(&file(home.path())).await;
    tried("f10_a_released_lock_keeps_its_epoch_on_every_store", epochs);
}

#[tokio::test(start_paused = true)]
async fn f43_a_deleted_lock_is_lost_to_its_holder_on_every_store() {
    let home = tempfile::tempdir().expect("temp folder");
    deleted(&memory(home.path())).await;
    deleted(&file(home.path())).await;
}

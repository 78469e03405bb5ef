//! What the lock must hold on every store that compares and puts, whatever becomes of the replies: never two holders,
//! and never a holder that does not know of it. Every script of losses up to a length is tried at taking, renewing and
//! giving back.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use nanokit::adapters::disk::ProjectDisk;
use nanokit::adapters::hooks::host::SystemHooks;
use nanokit::adapters::providers::any::AnyProvider;
use nanokit::adapters::providers::process::provider::ProcessProvider;
use nanokit::adapters::random::SystemRandom;
use nanokit::adapters::secrets::ProjectSecrets;
use nanokit::adapters::stores::file::FileStore;
use nanokit::domain::lease::{
    Holder, LeaseTimes, LockRecord, LockStatus, Occupation, ProcessProof,
};
use nanokit::domain::time::{Boot, Wall};
use nanokit::engine::claims::Claims;
use nanokit::engine::lease::{Lease, Wanted};
use nanokit::engine::reconcile::EngineError;
use nanokit::formats::lock;
use nanokit::ports::cas_store::{CasStore, Put, StoreError, Stored, Version};
use nanokit::ports::clock::Clock;
use nanokit::ports::process::Processes;
use nanokit::ports::world::World;

use crate::fault_cases;
use crate::store_conformance::InMemory;

/// What becomes of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    None,
    /// It never arrives.
    Before,
    /// It arrives, its reply does not.
    After,
    /// It arrives only just before the next write, whoever sends that.
    Late,
    /// An error, and nothing was stored.
    Error,
    /// An error, and it was stored all the same.
    ErrorAfter,
}

const LOSSES: [Loss; 6] = [
    Loss::None,
    Loss::Before,
    Loss::After,
    Loss::Late,
    Loss::Error,
    Loss::ErrorAfter,
];

#[derive(Default)]
struct Wire {
    script: VecDeque<Loss>,
    silent: u32,
    late: Option<(Option<Version>, Vec<u8>)>,
}

/// A store at the far end of a bad wire.
pub(crate) struct Lossy<S> {
    inner: S,
    wire: Rc<RefCell<Wire>>,
}

impl<S: CasStore> Lossy<S> {
    async fn land(&self) {
        let late = self.wire.borrow_mut().late.take();
        if let Some((expected, bytes)) = late {
            let put = self.inner.compare_and_put(expected.as_ref(), &bytes).await;
            assert!(put.is_ok(), "{put:?}");
        }
    }
    fn error(&self) -> StoreError {
        StoreError::Io {
            action: "write",
            location: self.inner.location(),
            source: std::io::ErrorKind::TimedOut.into(),
        }
    }
}

impl<S: CasStore> CasStore for Lossy<S> {
    async fn get(&self) -> Result<Option<Stored>, StoreError> {
        let silent = self.wire.borrow().silent;
        if silent > 0 {
            self.wire.borrow_mut().silent = silent - 1;
            return Err(self.error());
        }
        self.inner.get().await
    }
    async fn compare_and_put(
        &self,
        expected: Option<&Version>,
        bytes: &[u8],
    ) -> Result<Put, StoreError> {
        self.land().await;
        let loss = self.wire.borrow_mut().script.pop_front();
        let lost = Ok(Put::Unknown("lost".to_owned()));
        match loss.unwrap_or(Loss::None) {
            Loss::None => self.inner.compare_and_put(expected, bytes).await,
            Loss::Before => lost,
            Loss::After => self.inner.compare_and_put(expected, bytes).await.and(lost),
            Loss::Late => {
                self.wire.borrow_mut().late = Some((expected.cloned(), bytes.to_vec()));
                lost
            }
            Loss::Error => Err(self.error()),
            Loss::ErrorAfter => {
                self.inner.compare_and_put(expected, bytes).await?;
                Err(self.error())
            }
        }
    }
    fn location(&self) -> String {
        self.inner.location()
    }
}

/// Paused time.
#[derive(Clone, Copy)]
pub(crate) struct PausedClock(tokio::time::Instant);

impl Clock for PausedClock {
    fn boot(&self) -> Boot {
        Boot(self.0.elapsed())
    }
    fn wall(&self) -> Wall {
        Wall(i64::try_from(self.0.elapsed().as_millis()).unwrap_or(0))
    }
    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

/// One of several processes of a machine on which all live.
pub(crate) struct Living(u32);

impl Processes for Living {
    fn me(&self) -> Holder {
        Holder {
            pid: self.0,
            ..Holder::default()
        }
    }
    fn proof(&self, _holder: &Holder) -> ProcessProof {
        ProcessProof::Alive
    }
}

/// A process with its wire to the store.
pub(crate) struct Bench<S> {
    state: Lossy<S>,
    lock: Lossy<S>,
    wire: Rc<RefCell<Wire>>,
    claims: Claims,
    provider: AnyProvider,
    clock: PausedClock,
    disk: ProjectDisk,
    hooks: SystemHooks,
    processes: Living,
    random: SystemRandom,
    secrets: ProjectSecrets,
}

impl<S: CasStore> World for Bench<S> {
    type Provider = AnyProvider;
    type Store = Lossy<S>;
    type Clock = PausedClock;
    type Disk = ProjectDisk;
    type Hooks = SystemHooks;
    type Processes = Living;
    type Random = SystemRandom;
    type Secrets = ProjectSecrets;
    fn provider(&self) -> &AnyProvider {
        &self.provider
    }
    fn state(&self) -> &Lossy<S> {
        &self.state
    }
    fn lock(&self) -> &Lossy<S> {
        &self.lock
    }
    fn leader(&self) -> &Lossy<S> {
        &self.lock
    }
    fn clock(&self) -> &PausedClock {
        &self.clock
    }
    fn disk(&self) -> &ProjectDisk {
        &self.disk
    }
    fn hooks(&self) -> &SystemHooks {
        &self.hooks
    }
    fn processes(&self) -> &Living {
        &self.processes
    }
    fn random(&self) -> &SystemRandom {
        &self.random
    }
    fn secrets(&self) -> &ProjectSecrets {
        &self.secrets
    }
}

impl<S: CasStore> Bench<S> {
    pub(crate) fn new(pid: u32, root: &Path, state: S, lock: S) -> Self {
        let wire: Rc<RefCell<Wire>> = Rc::default();
        let far = |inner, wire| Lossy { inner, wire };
        let process = ProcessProvider::new(root, Path::new("none"));
        Self {
            state: far(state, Rc::default()),
            lock: far(lock, Rc::clone(&wire)),
            wire,
            claims: Claims::default(),
            provider: AnyProvider::Process(Box::new(process)),
            clock: PausedClock(tokio::time::Instant::now()),
            disk: ProjectDisk::new(root.join(".nanokit")),
            hooks: SystemHooks::new(&BTreeMap::new(), "none".into()),
            processes: Living(pid),
            random: SystemRandom,
            secrets: ProjectSecrets::new(root, BTreeMap::new()),
        }
    }
    pub(crate) async fn acquire(&self) -> Result<Lease, EngineError> {
        let want = Wanted {
            occupation: Occupation::default(),
            wait: Duration::ZERO,
            times: LeaseTimes::DEFAULT,
            mends: false,
            leads: false,
            claims: self.claims.clone(),
        };
        Lease::acquire(self, &want, &|_| {}).await
    }
    fn loses(&self, script: &[Loss], silent: u32) {
        let mut wire = self.wire.borrow_mut();
        wire.script.extend(script);
        wire.silent = silent;
    }
    /// From now on nothing is lost; what is on its way arrives.
    async fn heals(&self) {
        self.wire.borrow_mut().script.clear();
        self.wire.borrow_mut().silent = 0;
        self.lock.land().await;
    }
    pub(crate) async fn record(&self) -> Option<LockRecord> {
        let stored = self.lock.inner.get().await.expect("readable");
        stored.map(|stored| lock::decode(&stored.bytes).expect("a record"))
    }
    pub(crate) async fn holds(&self, lease: &Lease) -> bool {
        let record = self.record().await.expect("a record");
        record.status == LockStatus::Held && record.is_same_lock(&lease.record())
    }
}

async fn taken<S: CasStore>(what: &str, one: &Bench<S>, two: &Bench<S>, lossy: (&[Loss], u32)) {
    one.loses(lossy.0, lossy.1);
    let mine = one.acquire().await;
    if let Ok(lease) = &mine {
        assert!(one.holds(lease).await, "{what}: a lease without a lock");
    }
    one.heals().await;
    let theirs = two.acquire().await;
    match (mine, theirs) {
        (Ok(lease), Err(_)) => {
            assert!(one.holds(&lease).await, "{what}: it came to nothing");
            lease.release(one).await.expect(what);
        }
        (Ok(_), Ok(_)) => panic!("{what}: two holders"),
        (Err(_), Ok(lease)) => lease.release(two).await.expect(what),
        (Err(_), Err(_)) => {
            let lease = one.acquire().await.unwrap_or_else(|error| {
                panic!("{what}: it holds the lock and does not know: {error:?}")
            });
            lease.release(one).await.expect(what);
        }
    }
    let lease = two.acquire().await.expect(what);
    lease.release(two).await.expect(what);
}

async fn renewed<S: CasStore>(what: &str, one: &Bench<S>, two: &Bench<S>, lossy: (&[Loss], u32)) {
    let lease = one.acquire().await.expect(what);
    let before = lease.record().beat;
    one.loses(lossy.0, lossy.1);
    let watching = async {
        for _ in 0..80 {
            one.clock.sleep(Duration::from_millis(500)).await;
            if lease.may_start(one.clock.boot()) {
                assert!(one.holds(&lease).await, "{what}: it works without a lock");
                assert!(two.acquire().await.is_err(), "{what}: two holders");
            }
        }
    };
    tokio::select! {
        error = lease.keep_alive(one) => panic!("{what}: lost by {} losses: {error}", lossy.0.len()),
        () = watching => {}
    }
    one.heals().await;
    assert!(lease.record().beat > before + 2, "{what}");
    lease.release(one).await.expect(what);
    let lease = two.acquire().await.expect(what);
    lease.release(two).await.expect(what);
}

async fn released<S: CasStore>(what: &str, one: &Bench<S>, two: &Bench<S>, lossy: (&[Loss], u32)) {
    let lease = one.acquire().await.expect(what);
    one.loses(lossy.0, lossy.1);
    let given = lease.release(one).await;
    drop(lease);
    if given.is_ok() {
        // What is on its way arrives when the next already works.
        one.wire.borrow_mut().script.clear();
        one.wire.borrow_mut().silent = 0;
        let next = two.acquire().await.expect(what);
        one.lock.land().await;
        assert!(two.holds(&next).await, "{what}: a late reply took it away");
        next.release(two).await.expect(what);
        return;
    }
    one.heals().await;
    match two.acquire().await {
        Ok(next) => next.release(two).await.expect(what),
        Err(_) => {
            let again = one.acquire().await.unwrap_or_else(|error| {
                panic!("{what}: it holds the lock and does not know: {error:?}")
            });
            again.release(one).await.expect(what);
        }
    }
}

fn scripts(length: u32) -> Vec<Vec<Loss>> {
    let mut all = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..length {
        last = last
            .iter()
            .flat_map(|script| {
                LOSSES.map(|loss| script.iter().copied().chain([loss]).collect::<Vec<_>>())
            })
            .collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// Carries every script out, at each of the three acts; returns how many there were.
async fn conforms<S: CasStore>(
    name: &str,
    root: &Path,
    length: u32,
    open: impl Fn(&'static str) -> S,
) -> usize {
    let fresh = |pid| Bench::new(pid, root, open("state"), open("lock"));
    let tried = Cell::new(0);
    for script in scripts(length) {
        for silent in [0, 1, 3] {
            let lossy = (script.as_slice(), silent);
            let what = |act| format!("{name}: {act}, {script:?}, {silent} reads lost");
            taken(&what("take"), &fresh(1), &fresh(2), lossy).await;
            renewed(&what("renew"), &fresh(1), &fresh(2), lossy).await;
            released(&what("release"), &fresh(1), &fresh(2), lossy).await;
            // One each for taking, renewing and releasing.
            tried.set(tried.get() + 3);
        }
    }
    tried.get()
}

#[tokio::test(start_paused = true)]
async fn f12_lost_replies_leave_one_holder_who_knows_of_it_in_memory() {
    let home = tempfile::tempdir().expect("temp folder");
    let (state, lock) = (InMemory::default(), InMemory::default());
    let cases = conforms("memory", home.path(), 3, |cell| match cell {
        "lock" => lock.clone(),
        _ => state.clone(),
    })
    .await;
    fault_cases::tried(
        "f12_lost_replies_leave_one_holder_who_knows_of_it_in_memory",
        cases,
    );
}

#[tokio::test(start_paused = true)]
async fn f12_lost_replies_leave_one_holder_who_knows_of_it_on_disk() {
    let home = tempfile::tempdir().expect("temp folder");
    let own = home.path().join(".nanokit");
    let cases = conforms("file", home.path(), 2, |cell| match cell {
        "lock" => FileStore::lock("state.json", &own),
        _ => FileStore::state(home.path().join("state.json"), &own),
    })
    .await;
    fault_cases::tried(
        "f12_lost_replies_leave_one_holder_who_knows_of_it_on_disk",
        cases,
    );
}

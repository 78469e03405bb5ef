//! A world for tests of lock and record: stores that lose replies, a clock that only tests move, a disk in memory.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::domain::ids::{EnvName, Epoch, LockId, OpId, ProjectName, ProviderId, Scope};
use crate::domain::lease::{Claim, Holder, LockRecord, Occupation, ProcessProof};
use crate::domain::live::{Capabilities, Live, LiveEvent};
use crate::domain::project::health::Probe;
use crate::domain::secret::{Secret, SecretRef};
use crate::domain::time::{Boot, Wall};
use crate::ports::cas_store::{CasStore, Put, StoreError, Stored, Version};
use crate::ports::clock::Clock;
use crate::ports::disk::{Disk, DiskError};
use crate::ports::hooks::{CallEnd, HostCall, HostHooks};
use crate::ports::process::Processes;
use crate::ports::provider::{
    Applied, ExecCall, HealthDetail, InstanceRef, LogQuery, Op, Outcome, Provider, ProviderError,
    Settled,
};
use crate::ports::random::Random;
use crate::ports::secrets::{SecretError, Secrets};
use crate::ports::sink::Sink;
use crate::ports::world::World;

/// What goes wrong with the next call of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Stored, but the reply is lost.
    LostAfter,
    /// Not stored, and the reply is lost.
    LostBefore,
    /// Stored by a retry inside the client, which then sees its own write as a conflict.
    OwnConflict,
    /// The store does not answer at all.
    Down,
    /// The store says that it failed, and stored all the same.
    DownAfter,
    /// Stored, and from then on nobody hears anything of the store.
    Vanish,
    /// The reply is lost, and what was asked lands only before the next call that writes.
    Late,
}

/// A cell in memory, shared by all worlds that clone it.
#[derive(Clone, Debug, Default)]
pub(super) struct MemStore(Rc<RefCell<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    value: Option<Stored>,
    writes: u64,
    faults: VecDeque<Fault>,
    /// How many reads get no answer.
    silent: u32,
    /// What is still on its way: what it expects, and its bytes.
    late: Option<(Option<Version>, Vec<u8>)>,
}

impl MemStore {
    /// Lets the next calls that write go wrong in these ways.
    pub(super) fn fail(&self, faults: &[Fault]) {
        self.0.borrow_mut().faults.extend(faults);
    }
    /// Lets nothing go wrong any more.
    pub(super) fn fail_no_more(&self) {
        self.0.borrow_mut().faults.clear();
    }
    /// Lets the next reads get no answer.
    pub(super) fn silence(&self, reads: u32) {
        self.0.borrow_mut().silent = reads;
    }
    /// Lets what is on its way arrive.
    pub(super) fn land(&self) {
        let late = self.0.borrow_mut().late.take();
        let now = self.0.borrow().value.clone();
        if let Some((expected, bytes)) = late
            && now.map(|stored| stored.version) == expected
        {
            self.force(Some(&bytes));
        }
    }
    fn down(&self) -> StoreError {
        StoreError::Io {
            action: "write",
            location: self.location(),
            source: std::io::ErrorKind::TimedOut.into(),
        }
    }
    /// Stores behind everybody's back; `None` removes by hand.
    pub(super) fn force(&self, bytes: Option<&[u8]>) {
        let mut memory = self.0.borrow_mut();
        memory.writes += 1;
        let version = Version(format!("{:064}", memory.writes));
        memory.value = bytes.map(|bytes| Stored {
            bytes: bytes.to_vec(),
            version,
        });
    }
    /// Returns the stored bytes.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        self.0
            .borrow()
            .value
            .as_ref()
            .map(|stored| stored.bytes.clone())
    }
    /// Returns how often something was stored.
    pub(super) fn writes(&self) -> u64 {
        self.0.borrow().writes
    }
}

impl CasStore for MemStore {
    async fn get(&self) -> Result<Option<Stored>, StoreError> {
        let mut memory = self.0.borrow_mut();
        if memory.silent > 0 {
            memory.silent -= 1;
            drop(memory);
            return Err(self.down());
        }
        Ok(memory.value.clone())
    }
    async fn compare_and_put(
        &self,
        expected: Option<&Version>,
        bytes: &[u8],
    ) -> Result<Put, StoreError> {
        self.land();
        let fault = self.0.borrow_mut().faults.pop_front();
        match fault {
            Some(Fault::Down) => return Err(self.down()),
            Some(Fault::LostBefore) => return Ok(Put::Unknown("lost".to_owned())),
            Some(Fault::Late) => {
                self.0.borrow_mut().late = Some((expected.cloned(), bytes.to_vec()));
                return Ok(Put::Unknown("lost".to_owned()));
            }
            Some(Fault::LostAfter | Fault::OwnConflict | Fault::DownAfter | Fault::Vanish)
            | None => {}
        }
        let now = self.0.borrow().value.clone();
        if now.as_ref().map(|stored| &stored.version) != expected {
            return Ok(Put::Conflict(now));
        }
        self.force(Some(bytes));
        let stored = self.0.borrow().value.clone();
        if fault == Some(Fault::Vanish) {
            self.silence(1000);
        }
        if fault == Some(Fault::DownAfter) {
            return Err(self.down());
        }
        Ok(match (fault, stored) {
            (Some(Fault::LostAfter | Fault::Vanish), _) => Put::Unknown("lost".to_owned()),
            (Some(Fault::OwnConflict), stored) => Put::Conflict(stored),
            (_, Some(stored)) => Put::Done(stored.version),
            (_, None) => Put::Conflict(None),
        })
    }
    fn location(&self) -> String {
        "memory".to_owned()
    }
}

/// Paused tokio time, counted from the making of the world.
#[derive(Clone, Copy, Debug)]
pub(super) struct LabClock(tokio::time::Instant);

impl Clock for LabClock {
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

/// Files in memory, shared by all worlds that clone it.
#[derive(Clone, Debug, Default)]
pub(super) struct MemDisk {
    pub(super) files: Rc<RefCell<BTreeMap<PathBuf, Vec<u8>>>>,
    pub(super) full: Rc<Cell<bool>>,
    /// Whether what is written stays, and is said not to be durable.
    pub(super) unsynced: Rc<Cell<bool>>,
}

impl MemDisk {
    fn room(&self, path: &Path) -> Result<(), DiskError> {
        if self.full.get() {
            return Err(DiskError {
                action: "write",
                path: path.to_owned(),
                source: std::io::ErrorKind::StorageFull.into(),
            });
        }
        Ok(())
    }
}

impl Disk for MemDisk {
    fn append(&self, path: &Path, bytes: &[u8], sync: bool) -> Result<(), DiskError> {
        self.room(path)?;
        let mut files = self.files.borrow_mut();
        files.entry(path.to_owned()).or_default().extend(bytes);
        if sync && self.unsynced.get() {
            return Err(DiskError {
                action: "append to",
                path: path.to_owned(),
                source: std::io::Error::other("not synced"),
            });
        }
        Ok(())
    }
    fn append_on(&self, path: &Path, bytes: &[u8], sync: bool) -> Result<bool, DiskError> {
        let there = self.files.borrow().contains_key(path);
        if there {
            self.append(path, bytes, sync)?;
        }
        Ok(there)
    }
    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        self.room(path)?;
        self.files
            .borrow_mut()
            .insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }
    fn read(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
        let found = self.files.borrow().get(path).cloned();
        match found {
            Some(bytes) if bytes.len() as u64 > limit => Err(DiskError {
                action: "read",
                path: path.to_owned(),
                source: std::io::ErrorKind::FileTooLarge.into(),
            }),
            found => Ok(found),
        }
    }
    fn list(&self, path: &Path) -> Result<Vec<String>, DiskError> {
        let files = self.files.borrow();
        let names = files.keys().filter_map(|file| file.strip_prefix(path).ok());
        Ok(names
            .filter_map(|name| name.to_str().map(ToOwned::to_owned))
            .collect())
    }
    fn remove(&self, path: &Path, _sync: bool) -> Result<(), DiskError> {
        self.files.borrow_mut().remove(path);
        Ok(())
    }
    fn read_named(&self, path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
        Ok(self.read(path, limit)?.unwrap_or_default())
    }
    fn write_named(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        self.replace(path, bytes)
    }
    fn set_aside(&self, _bytes: u64) -> Result<(), DiskError> {
        self.room(Path::new("reserve"))
    }
    fn write_elsewhere(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, DiskError> {
        let path = Path::new("/elsewhere").join(name);
        self.files.borrow_mut().insert(path.clone(), bytes.to_vec());
        Ok(path)
    }
    fn shown(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }
}

/// Says of others what a test wants.
#[derive(Clone, Debug)]
pub(super) struct LabProcesses {
    pub(super) me: Holder,
    pub(super) others: Rc<Cell<ProcessProof>>,
}

impl Processes for LabProcesses {
    fn me(&self) -> Holder {
        self.me.clone()
    }
    fn proof(&self, _holder: &Holder) -> ProcessProof {
        self.others.get()
    }
}

/// Counts; no two worlds give the same bytes.
#[derive(Clone, Debug)]
pub(super) struct LabRandom(u8, Cell<u8>);

impl Random for LabRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.1.set(self.1.get().wrapping_add(1));
        bytes.fill(self.1.get());
        if let Some(first) = bytes.first_mut() {
            *first = self.0;
        }
    }
}

/// Nothing runs here.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Nothing;

impl Provider for Nothing {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            images: false,
            health_checks: false,
            limits_in_place: false,
            networks_in_place: false,
            shared_inner_ports: false,
        }
    }
    fn describe(&self) -> String {
        "nothing".to_owned()
    }
    async fn observe(
        &self,
        _scope: &Scope,
        _images: &BTreeSet<String>,
    ) -> Result<Live, ProviderError> {
        Ok(Live::default())
    }
    async fn apply(&self, _op: &Op, _sink: &dyn Sink) -> Outcome<Applied> {
        Outcome::Done(Applied::default())
    }
    async fn settle(
        &self,
        _op: &OpId,
        _verb: &str,
        _target: Option<&ProviderId>,
        _scope: &Scope,
    ) -> Result<Settled, ProviderError> {
        Ok(Settled::NotDone)
    }
    async fn exec(&self, _target: &InstanceRef, _call: &ExecCall, _sink: &dyn Sink) -> CallEnd {
        CallEnd::Exited(0)
    }
    async fn probe(
        &self,
        _target: &InstanceRef,
        _probe: &Probe,
        _timeout: Duration,
    ) -> Result<(), String> {
        Ok(())
    }
    async fn logs(
        &self,
        _target: &InstanceRef,
        _query: LogQuery,
        _sink: &dyn Sink,
    ) -> Result<(), ProviderError> {
        Ok(())
    }
    async fn health_detail(&self, _target: &InstanceRef) -> Result<HealthDetail, ProviderError> {
        Ok(HealthDetail::default())
    }
    async fn sample(
        &self,
        _targets: &[InstanceRef],
    ) -> Result<std::collections::BTreeMap<ProviderId, crate::domain::usage::Counters>, ProviderError>
    {
        Ok(std::collections::BTreeMap::new())
    }
    async fn wait(&self, _target: &InstanceRef) -> Result<i64, ProviderError> {
        Ok(0)
    }
    async fn watch(&self, _scope: &Scope, _events: mpsc::Sender<LiveEvent>) {}
}

impl HostHooks for Nothing {
    async fn run(&self, _call: &HostCall, _sink: &dyn Sink) -> CallEnd {
        CallEnd::Exited(0)
    }
    async fn sweep(&self) -> usize {
        0
    }
}

impl Secrets for Nothing {
    async fn resolve(&self, _reference: &SecretRef) -> Result<Secret, SecretError> {
        Ok(Secret::new(String::new()))
    }
}

/// One process in a world it shares with its clones.
#[derive(Clone, Debug)]
pub(super) struct Lab {
    pub(super) state: MemStore,
    pub(super) lock: MemStore,
    pub(super) leader: MemStore,
    pub(super) clock: LabClock,
    pub(super) disk: MemDisk,
    pub(super) processes: LabProcesses,
    random: LabRandom,
    nothing: Nothing,
}

impl Lab {
    /// Makes a world with one process in it; nobody else can be proven anything about.
    pub(super) fn new() -> Self {
        Self {
            state: MemStore::default(),
            lock: MemStore::default(),
            leader: MemStore::default(),
            clock: LabClock(tokio::time::Instant::now()),
            disk: MemDisk::default(),
            processes: LabProcesses {
                me: holder(1),
                others: Rc::new(Cell::new(ProcessProof::Unknown)),
            },
            random: LabRandom(1, Cell::new(0)),
            nothing: Nothing,
        }
    }
    /// Returns another process in the same world.
    pub(super) fn other(&self, number: u8) -> Self {
        let mut other = self.clone();
        other.processes.me = holder(u32::from(number));
        other.random = LabRandom(number, Cell::new(0));
        other
    }
}

fn holder(pid: u32) -> Holder {
    Holder {
        user: format!("user{pid}"),
        host: "box".to_owned(),
        pid,
        ..Holder::default()
    }
}

/// Returns a record of a lock that somebody holds.
pub(super) fn record() -> LockRecord {
    LockRecord::taken(
        None,
        Epoch(0),
        Claim {
            lock_id: LockId::new("0123456789abcdef"),
            lineage: None,
            holder: holder(1),
            occupation: Occupation::default(),
            lease: Duration::from_secs(30),
            at: Wall(0),
        },
    )
}

/// Returns the scope of the tests.
pub(super) fn scope() -> Scope {
    Scope {
        project: ProjectName::parse("shop").unwrap(),
        env: EnvName::parse("local").unwrap(),
        component: None,
    }
}

impl World for Lab {
    type Provider = Nothing;
    type Store = MemStore;
    type Clock = LabClock;
    type Disk = MemDisk;
    type Hooks = Nothing;
    type Processes = LabProcesses;
    type Random = LabRandom;
    type Secrets = Nothing;
    fn provider(&self) -> &Nothing {
        &self.nothing
    }
    fn state(&self) -> &MemStore {
        &self.state
    }
    fn lock(&self) -> &MemStore {
        &self.lock
    }
    fn leader(&self) -> &MemStore {
        &self.leader
    }
    fn clock(&self) -> &LabClock {
        &self.clock
    }
    fn disk(&self) -> &MemDisk {
        &self.disk
    }
    fn hooks(&self) -> &Nothing {
        &self.nothing
    }
    fn processes(&self) -> &LabProcesses {
        &self.processes
    }
    fn random(&self) -> &LabRandom {
        &self.random
    }
    fn secrets(&self) -> &Nothing {
        &self.nothing
    }
}

//! The rest of the world: one process with its life, on a machine that outlives it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use nanokit::domain::event::Stream;
use nanokit::domain::lease::{Holder, ProcessProof};
use nanokit::domain::secret::{Secret, SecretRef};
use nanokit::domain::time::{Boot, Wall};
use nanokit::ports::cas_store::{CasStore, Put, StoreError, Stored, Version};
use nanokit::ports::clock::Clock;
use nanokit::ports::disk::{Disk, DiskError};
use nanokit::ports::hooks::{CallEnd, HostCall, HostHooks};
use nanokit::ports::process::Processes;
use nanokit::ports::random::Random;
use nanokit::ports::secrets::{SecretError, Secrets};
use nanokit::ports::sink::Sink;
use nanokit::ports::world::World;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::platform::Platform;
use super::provider::SimProvider;

/// The life of one process: it can be killed at any of its steps.
#[derive(Clone)]
pub struct Life {
    steps: Rc<Cell<u64>>,
    kill_at: Option<u64>,
    dead: Rc<Cell<bool>>,
    died: Rc<Notify>,
    trace: Rc<RefCell<Vec<String>>>,
}

impl Life {
    fn new(kill_at: Option<u64>) -> Self {
        Self {
            steps: Rc::default(),
            kill_at,
            dead: Rc::default(),
            died: Rc::new(Notify::new()),
            trace: Rc::default(),
        }
    }
    /// Passes one step, or dies at it.
    pub async fn step(&self, what: &str) {
        if !self.pass(what) {
            std::future::pending::<()>().await;
        }
    }
    /// Passes one step of something that does not wait; `false`: the process is dead.
    pub fn pass(&self, what: &str) -> bool {
        if self.dead.get() {
            return false;
        }
        let now = self.steps.get() + 1;
        self.steps.set(now);
        self.trace.borrow_mut().push(what.to_owned());
        if self.kill_at == Some(now) {
            self.dead.set(true);
            self.died.notify_waiters();
            self.died.notify_one();
            return false;
        }
        true
    }
    /// Waits until the process dies.
    pub async fn death(&self) {
        self.died.notified().await;
    }
    /// Says how many steps it took.
    pub fn steps(&self) -> u64 {
        self.steps.get()
    }
    /// Returns the last steps, for messages.
    pub fn last(&self) -> String {
        let trace = self.trace.borrow();
        let from = trace.len().saturating_sub(4);
        trace[from..].join(" · ")
    }
}

/// What outlives a process: platform, stores, disk, time.
pub struct Machine {
    pub platform: Platform,
    pub state: Rc<RefCell<Option<Stored>>>,
    pub lock: Rc<RefCell<Option<Stored>>>,
    pub files: Rc<RefCell<BTreeMap<PathBuf, Vec<u8>>>>,
    pub secrets: BTreeMap<SecretRef, String>,
    alive: Rc<RefCell<Vec<u32>>>,
    next_pid: Cell<u32>,
    random: Rc<Cell<u64>>,
    start: Instant,
}

impl Machine {
    pub fn new(seed: u64) -> Self {
        Self {
            platform: Platform::new(),
            state: Rc::default(),
            lock: Rc::default(),
            files: Rc::default(),
            secrets: BTreeMap::new(),
            alive: Rc::default(),
            next_pid: Cell::new(100),
            random: Rc::new(Cell::new(seed.wrapping_mul(2).wrapping_add(1))),
            start: Instant::now(),
        }
    }

    /// Starts a process of ours that dies at its `kill_at`-th step.
    pub fn process(&self, kill_at: Option<u64>) -> SimWorld {
        let pid = self.next_pid.get();
        self.next_pid.set(pid + 1);
        self.alive.borrow_mut().push(pid);
        let life = Life::new(kill_at);
        SimWorld {
            provider: SimProvider {
                platform: self.platform.clone(),
                life: life.clone(),
            },
            state: SimStore {
                cell: Rc::clone(&self.state),
                life: life.clone(),
                name: "state.json",
            },
            lock: SimStore {
                cell: Rc::clone(&self.lock),
                life: life.clone(),
                name: "lock",
            },
            disk: SimDisk {
                files: Rc::clone(&self.files),
                life: life.clone(),
            },
            clock: SimClock { start: self.start },
            hooks: SimHooks {
                platform: self.platform.clone(),
                life: life.clone(),
            },
            processes: SimProcesses {
                pid,
                alive: Rc::clone(&self.alive),
            },
            random: SimRandom(Rc::clone(&self.random)),
            secrets: SimSecrets(self.secrets.clone()),
            life,
        }
    }

    /// The kernel notices that a process is gone.
    pub fn bury(&self, world: &SimWorld) {
        self.alive
            .borrow_mut()
            .retain(|pid| *pid != world.processes.pid);
    }

    /// Reads a file below `.nanokit`.
    pub fn file(&self, path: &str) -> Option<String> {
        let files = self.files.borrow();
        let bytes = files.get(Path::new(path))?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }
}

/// One process with everything it can reach.
pub struct SimWorld {
    pub provider: SimProvider,
    pub state: SimStore,
    pub lock: SimStore,
    pub disk: SimDisk,
    pub clock: SimClock,
    pub hooks: SimHooks,
    pub processes: SimProcesses,
    pub random: SimRandom,
    pub secrets: SimSecrets,
    pub life: Life,
}

impl World for SimWorld {
    type Provider = SimProvider;
    type Store = SimStore;
    type Clock = SimClock;
    type Disk = SimDisk;
    type Hooks = SimHooks;
    type Processes = SimProcesses;
    type Random = SimRandom;
    type Secrets = SimSecrets;

    fn provider(&self) -> &SimProvider {
        &self.provider
    }
    fn state(&self) -> &SimStore {
        &self.state
    }
    fn lock(&self) -> &SimStore {
        &self.lock
    }
    fn clock(&self) -> &SimClock {
        &self.clock
    }
    fn disk(&self) -> &SimDisk {
        &self.disk
    }
    fn hooks(&self) -> &SimHooks {
        &self.hooks
    }
    fn processes(&self) -> &SimProcesses {
        &self.processes
    }
    fn random(&self) -> &SimRandom {
        &self.random
    }
    fn secrets(&self) -> &SimSecrets {
        &self.secrets
    }
}

/// A cell that compares and puts.
pub struct SimStore {
    cell: Rc<RefCell<Option<Stored>>>,
    life: Life,
    name: &'static str,
}

impl CasStore for SimStore {
    async fn get(&self) -> Result<Option<Stored>, StoreError> {
        self.life.step(&format!("get {}", self.name)).await;
        Ok(self.cell.borrow().clone())
    }

    async fn compare_and_put(
        &self,
        expected: Option<&Version>,
        bytes: &[u8],
    ) -> Result<Put, StoreError> {
        self.life.step(&format!("put {}", self.name)).await;
        let put = {
            let mut cell = self.cell.borrow_mut();
            let current = cell.as_ref().map(|stored| stored.version.clone());
            if current.as_ref() == expected {
                let number = current.map_or(0, |v| v.0.parse::<u64>().unwrap()) + 1;
                let version = Version(number.to_string());
                *cell = Some(Stored {
                    bytes: bytes.to_vec(),
                    version: version.clone(),
                });
                Put::Done(version)
            } else {
                Put::Conflict(cell.clone())
            }
        };
        self.life.step(&format!("was put {}", self.name)).await;
        Ok(put)
    }

    fn location(&self) -> String {
        self.name.to_owned()
    }
}

/// Files in memory.
pub struct SimDisk {
    files: Rc<RefCell<BTreeMap<PathBuf, Vec<u8>>>>,
    life: Life,
}

impl SimDisk {
    fn gate(&self, action: &'static str, path: &Path) -> Result<(), DiskError> {
        if self.life.pass(&format!("{action} {}", path.display())) {
            Ok(())
        } else {
            Err(DiskError {
                action,
                path: path.to_owned(),
                source: std::io::Error::other("the process is dead"),
            })
        }
    }
}

impl Disk for SimDisk {
    fn append(&self, path: &Path, bytes: &[u8], sync: bool) -> Result<(), DiskError> {
        // Lines of output are not worth a step each; what is synced, is.
        if sync {
            self.gate("append to", path)?;
        } else if self.life.dead.get() {
            return self.gate("append to", path);
        }
        let mut files = self.files.borrow_mut();
        files
            .entry(path.to_owned())
            .or_default()
            .extend_from_slice(bytes);
        Ok(())
    }
    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        self.gate("write", path)?;
        self.files
            .borrow_mut()
            .insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }
    fn read(&self, path: &Path, _limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
        self.gate("read", path)?;
        Ok(self.files.borrow().get(path).cloned())
    }
    fn list(&self, path: &Path) -> Result<Vec<String>, DiskError> {
        self.gate("list", path)?;
        let files = self.files.borrow();
        let mut names: Vec<String> = files
            .keys()
            .filter_map(|file| file.strip_prefix(path).ok())
            .filter_map(|rest| rest.components().next())
            .map(|first| first.as_os_str().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }
    fn remove(&self, path: &Path) -> Result<(), DiskError> {
        self.gate("remove", path)?;
        self.files.borrow_mut().remove(path);
        Ok(())
    }
    fn read_named(&self, path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
        self.read(path, limit).map(Option::unwrap_or_default)
    }
    fn write_named(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        self.replace(path, bytes)
    }
    fn set_aside(&self, _bytes: u64) -> Result<(), DiskError> {
        self.gate("set room aside in", Path::new("reserve"))
    }
    fn write_elsewhere(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, DiskError> {
        let path = Path::new("/elsewhere").join(name);
        self.replace(&path, bytes)?;
        Ok(path)
    }
    fn shown(&self, path: &Path) -> PathBuf {
        Path::new(".nanokit").join(path)
    }
}

/// Paused time.
pub struct SimClock {
    start: Instant,
}

impl Clock for SimClock {
    fn boot(&self) -> Boot {
        Boot(Duration::from_secs(1000) + self.start.elapsed())
    }
    fn wall(&self) -> Wall {
        let ms = i64::try_from(self.start.elapsed().as_millis()).unwrap();
        Wall(1_790_000_000_000 + ms)
    }
    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

/// Commands on the host.
pub struct SimHooks {
    platform: Platform,
    life: Life,
}

impl HostHooks for SimHooks {
    async fn run(&self, call: &HostCall, sink: &dyn Sink) -> CallEnd {
        let line = call.argv.last().cloned().unwrap_or_default();
        self.life.step(&format!("host {line}")).await;
        let service = call
            .env
            .iter()
            .find(|(name, _)| name == "NANOKIT_SERVICE")
            .map(|(_, value)| value.expose().to_owned())
            .unwrap_or_default();
        let (takes, prints) = self.platform.with(|m| {
            m.ran.push(format!("host {service}: {line}"));
            (
                m.takes
                    .get(&line)
                    .copied()
                    .unwrap_or(Duration::from_millis(10)),
                m.prints.get(&line).cloned().unwrap_or_default(),
            )
        });
        if takes > call.timeout {
            tokio::time::sleep(call.timeout).await;
            return CallEnd::TimedOut;
        }
        tokio::time::sleep(takes).await;
        sink.output(Stream::Stdout, prints.as_bytes());
        self.life.step("host hook ended").await;
        CallEnd::Exited(self.platform.with(|m| m.exit_of(&line)))
    }
}

/// Who is alive on this machine.
pub struct SimProcesses {
    pid: u32,
    alive: Rc<RefCell<Vec<u32>>>,
}

impl Processes for SimProcesses {
    fn me(&self) -> Holder {
        Holder {
            user: "ada".to_owned(),
            host: "sim".to_owned(),
            machine: "m".to_owned(),
            boot_id: "b".to_owned(),
            pid: self.pid,
            pid_start: u64::from(self.pid),
            pid_ns: "n".to_owned(),
            version: "0".to_owned(),
        }
    }
    fn proof(&self, holder: &Holder) -> ProcessProof {
        if self.alive.borrow().contains(&holder.pid) {
            ProcessProof::Alive
        } else {
            ProcessProof::Gone
        }
    }
}

/// Random bytes that are the same for the same seed.
pub struct SimRandom(Rc<Cell<u64>>);

impl Random for SimRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = u8::try_from(next(&self.0) >> 56).unwrap();
        }
    }
}

/// One step of a generator (splitmix64).
pub fn next(state: &Cell<u64>) -> u64 {
    state.set(state.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
    let mut z = state.get();
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Secrets by reference.
pub struct SimSecrets(BTreeMap<SecretRef, String>);

impl Secrets for SimSecrets {
    async fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        self.0
            .get(reference)
            .map(|value| Secret::new(value.clone()))
            .ok_or_else(|| SecretError::Unset(reference.to_string()))
    }
}

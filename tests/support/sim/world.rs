//! The rest of the world: one process with its life, on a machine that outlives it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use nanokit::domain::event::Stream;
use nanokit::domain::lease::{Holder, ProcessProof};
use nanokit::domain::secret::{Secret, SecretRef};
use nanokit::domain::time::{Boot, Wall};
use nanokit::ports::cas_store::Stored;
use nanokit::ports::clock::Clock;
use nanokit::ports::hooks::{CallEnd, HostCall, HostHooks};
use nanokit::ports::process::Processes;
use nanokit::ports::random::Random;
use nanokit::ports::secrets::{SecretError, Secrets};
use nanokit::ports::sink::Sink;
use nanokit::ports::world::World;
use tokio::time::Instant;

use super::disk::{Files, SimDisk, lose_power};
use super::ledger::{Ledger, Planted};
use super::life::{Cell1, Fate, Life};
use super::platform::Platform;
use super::provider::SimProvider;
use super::store::{Past, SimStore};

/// All processes there ever were, by number.
pub type Lives = Rc<RefCell<Vec<(u32, Life)>>>;

/// What outlives a process: platform, stores, disk, time.
pub struct Machine {
    pub platform: Platform,
    pub state: Rc<RefCell<Option<Stored>>>,
    pub lock: Rc<RefCell<Option<Stored>>>,
    pub leader: Rc<RefCell<Option<Stored>>>,
    pub files: Rc<RefCell<Files>>,
    pub secrets: BTreeMap<SecretRef, String>,
    pub ledger: Ledger,
    pub dice: Rc<Cell<u64>>,
    past: (Past, Past),
    alive: Rc<RefCell<Vec<u32>>>,
    lives: Lives,
    next_pid: Cell<u32>,
    random: Rc<Cell<u64>>,
    start: Instant,
    wordy: bool,
}

impl Machine {
    pub fn new(seed: u64) -> Self {
        Self::planted(seed, Planted::None, false)
    }

    /// Makes a world with a bug in it; a wordy one keeps every step.
    pub fn planted(seed: u64, planted: Planted, wordy: bool) -> Self {
        let platform = Platform::new();
        let (state, files) = (Rc::default(), Rc::default());
        let ledger = Ledger::new(
            platform.clone(),
            Rc::clone(&files),
            Rc::clone(&state),
            planted,
        );
        Self {
            platform,
            state,
            lock: Rc::default(),
            leader: Rc::default(),
            files,
            secrets: BTreeMap::new(),
            ledger,
            dice: Rc::new(Cell::new(seed ^ 0x5eed)),
            past: Default::default(),
            alive: Rc::default(),
            lives: Rc::default(),
            next_pid: Cell::new(100),
            random: Rc::new(Cell::new(seed.wrapping_mul(2).wrapping_add(1))),
            start: Instant::now(),
            wordy,
        }
    }

    /// When this world began.
    pub fn start(&self) -> Instant {
        self.start
    }

    /// Starts a process of ours that dies at its `kill_at`-th step.
    pub fn process(&self, kill_at: Option<u64>) -> SimWorld {
        self.spawn(Fate {
            kill_at,
            ..Fate::default()
        })
    }

    /// Starts a process of ours with a fate.
    pub fn spawn(&self, fate: Fate) -> SimWorld {
        let pid = self.next_pid.get();
        self.next_pid.set(pid + 1);
        self.alive.borrow_mut().push(pid);
        let life = Life::new(fate, self.start, self.wordy);
        self.lives.borrow_mut().push((pid, life.clone()));
        let store = |kind, name, cell: &Rc<RefCell<Option<Stored>>>, past: &Past| SimStore {
            cell: Rc::clone(cell),
            past: past.clone(),
            life: life.clone(),
            name,
            kind,
            ledger: self.ledger.clone(),
            dice: Rc::clone(&self.dice),
            alive: Rc::clone(&self.alive),
            lives: Rc::clone(&self.lives),
            pid,
        };
        SimWorld {
            provider: SimProvider {
                platform: self.platform.clone(),
                life: life.clone(),
                ledger: self.ledger.clone(),
                dice: Rc::clone(&self.dice),
            },
            state: store(Cell1::State, "state.json", &self.state, &self.past.0),
            lock: store(Cell1::Lock, "lock", &self.lock, &self.past.1),
            leader: store(Cell1::Lock, "leader", &self.leader, &Past::default()),
            disk: SimDisk {
                files: Rc::clone(&self.files),
                life: life.clone(),
                ledger: self.ledger.clone(),
            },
            clock: SimClock { life: life.clone() },
            hooks: SimHooks {
                platform: self.platform.clone(),
                life: life.clone(),
                ledger: self.ledger.clone(),
            },
            processes: SimProcesses {
                pid,
                machine: life.fate().machine,
                alive: Rc::clone(&self.alive),
                ledger: self.ledger.clone(),
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

    /// The power fails: every process dies, and what was not durable is gone but for a torn part.
    pub fn lose_power(&self, torn: usize) {
        for (_, life) in self.lives.borrow().iter() {
            life.kill();
        }
        self.alive.borrow_mut().clear();
        lose_power(&mut self.files.borrow_mut(), torn);
        self.ledger.fired("power lost");
        self.ledger.look_for_untracked("the power failed");
    }

    /// Returns the steps of all processes, in the order of time.
    pub fn trace(&self) -> Vec<String> {
        let lives = self.lives.borrow();
        let mut all: Vec<String> = lives
            .iter()
            .flat_map(|(pid, life)| {
                life.trace()
                    .into_iter()
                    .map(move |line| format!("{line}  [{pid}]"))
            })
            .collect();
        all.sort();
        all
    }

    /// Reads a file below `.nanokit`.
    pub fn file(&self, path: &str) -> Option<String> {
        let files = self.files.borrow();
        let file = files.get(Path::new(path))?;
        Some(String::from_utf8_lossy(&file.bytes).into_owned())
    }
}

/// One process with everything it can reach.
pub struct SimWorld {
    pub provider: SimProvider,
    pub state: SimStore,
    pub lock: SimStore,
    pub leader: SimStore,
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
    fn leader(&self) -> &SimStore {
        &self.leader
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

/// Paused time, as the process's own clock tells it.
pub struct SimClock {
    life: Life,
}

impl Clock for SimClock {
    fn boot(&self) -> Boot {
        Boot(self.life.boot(self.life.now()))
    }
    fn wall(&self) -> Wall {
        Wall(self.life.wall())
    }
    async fn sleep(&self, span: Duration) {
        self.life.sleep(span).await;
    }
}

/// Commands on the host.
pub struct SimHooks {
    platform: Platform,
    life: Life,
    ledger: Ledger,
}

impl HostHooks for SimHooks {
    async fn run(&self, call: &HostCall, sink: &dyn Sink) -> CallEnd {
        let line = call.argv.last().cloned().unwrap_or_default();
        self.life.step(&format!("host {line}")).await;
        self.ledger.commanded(&self.life, &line);
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
            self.ledger.fired("hook hung");
            tokio::time::sleep(call.timeout).await;
            return CallEnd::TimedOut;
        }
        tokio::time::sleep(takes).await;
        sink.output(Stream::Stdout, prints.as_bytes());
        self.life.step("host hook ended").await;
        let code = self.platform.with(|m| m.exit_of(&line));
        if code != 0 {
            self.ledger.fired("hook failed");
        }
        CallEnd::Exited(code)
    }
    async fn sweep(&self) -> usize {
        0
    }
}

/// Who is alive on this machine.
pub struct SimProcesses {
    pub pid: u32,
    machine: u32,
    alive: Rc<RefCell<Vec<u32>>>,
    ledger: Ledger,
}

impl Processes for SimProcesses {
    fn me(&self) -> Holder {
        Holder {
            user: "ada".to_owned(),
            host: "sim".to_owned(),
            machine: format!("m{}", self.machine),
            boot_id: "b".to_owned(),
            pid: self.pid,
            pid_start: u64::from(self.pid),
            pid_ns: "n".to_owned(),
            time_ns: "t".to_owned(),
            version: "0".to_owned(),
        }
    }
    fn proof(&self, holder: &Holder) -> ProcessProof {
        if holder.machine != format!("m{}", self.machine) {
            return if self.ledger.has(Planted::ForeignProof) {
                ProcessProof::Gone
            } else {
                ProcessProof::Unknown
            };
        }
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

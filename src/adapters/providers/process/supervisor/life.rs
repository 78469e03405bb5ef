//! The life of one instance, from its first start until nothing is left to supervise.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, interval, sleep, sleep_until};

use crate::adapters::providers::process::cgroup;
use crate::adapters::providers::process::damage::read_spec;
use crate::adapters::providers::process::files::{
    FORMAT, Reply, Request, Spec, State, StatusFile, Verdict,
};
use crate::adapters::providers::process::folder::{GATE, STATUS, put_json, read_json};
use crate::adapters::providers::process::identity::{ProcessId, own_pid};
use crate::adapters::providers::process::log::LogWriter;
use crate::adapters::providers::process::supervisor::checker::Finding;
use crate::adapters::providers::process::supervisor::control;
use crate::adapters::providers::process::supervisor::ending::Stopping;
use crate::adapters::providers::process::supervisor::launch::{self, Main};
use crate::adapters::providers::process::supervisor::upkeep::{self, Upkeep};
use crate::adapters::providers::process::tree::{MARKER, Nets, reap_orphans};
use crate::domain::event::Stream;

/// First pause before a restart.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Time a supervisor waits for its first request when it has nothing to keep.
const UNASKED: Duration = Duration::from_secs(30);

/// What wakes a supervisor.
pub(super) enum News {
    Asked(Request, oneshot::Sender<Reply>),
    Ended(i64),
    Probed(Finding),
}

/// Supervises the instance in `folder` until it is over; returns the process's exit code.
#[must_use]
pub fn supervise(folder: &Path) -> i32 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let lived = runtime.and_then(|runtime| {
        let local = tokio::task::LocalSet::new();
        let code = local.block_on(&runtime, live(folder));
        runtime.shutdown_timeout(Duration::from_millis(100));
        code
    });
    i32::from(lived.is_err())
}

async fn live(folder: &Path) -> io::Result<()> {
    // The folder may be renamed while we live, so everything is reached from inside it.
    std::env::set_current_dir(folder)?;
    // Fails only for a group leader, which a freshly started child never is.
    let _ = rustix::process::setsid();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let listener = control::listener()?;
    let (news, mut inbox) = mpsc::channel(16);
    let mut life = Life::open(news.clone())?;
    life.save();
    tokio::task::spawn_local(control::listen(listener, news));
    let mut terminate = signal(SignalKind::terminate())?;
    let mut tick = interval(Duration::from_secs(1));
    while !life.is_over() {
        let due = life.due();
        tokio::select! {
            Some(news) = inbox.recv() => life.take(news).await,
            _ = terminate.recv() => life.retire(),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => life.on_time().await,
            _ = tick.tick() => life.look_around(),
        }
    }
    // Replies still on their way get the time to arrive.
    sleep(Duration::from_millis(20)).await;
    Ok(())
}

/// Everything about the one instance.
pub(super) struct Life {
    pub(super) spec: Spec,
    pub(super) status: StatusFile,
    pub(super) log: Rc<RefCell<LogWriter>>,
    pub(super) news: mpsc::Sender<News>,
    pub(super) main: Option<Main>,
    pub(super) stopping: Option<Stopping>,
    pub(super) again_at: Option<Instant>,
    pub(super) pause: Duration,
    pub(super) born: Instant,
    pub(super) asked: bool,
    pub(super) quit: bool,
    pub(super) memory_kills: u64,
    pub(super) zombies: Vec<i32>,
    pub(super) upkeep: RefCell<Upkeep>,
}

impl Life {
    fn open(news: mpsc::Sender<News>) -> io::Result<Self> {
        let here = Path::new(".");
        let (spec, _) = read_spec(here)?;
        let mut status: StatusFile = match read_json(Path::new(STATUS)) {
            Ok(status) => status,
            Err(error) if error.kind() == io::ErrorKind::NotFound => StatusFile::default(),
            // A power cut can leave it empty; it only says how things stood before.
            Err(_) => StatusFile {
                state: State::Exited,
                ..StatusFile::default()
            },
        };
        status.format = FORMAT;
        status.supervisor = ProcessId::of(own_pid());
        status.main = None;
        if status.state != State::Created {
            status.state = State::Exited;
        }
        Ok(Self {
            spec,
            status,
            log: Rc::new(RefCell::new(LogWriter::open(here)?)),
            news,
            main: None,
            stopping: None,
            again_at: None,
            pause: FIRST_PAUSE,
            born: Instant::now(),
            asked: false,
            quit: false,
            memory_kills: 0,
            zombies: Vec::new(),
            upkeep: RefCell::default(),
        })
    }

    /// Tells whether nothing is left to supervise and nothing to remember.
    fn is_over(&self) -> bool {
        if self.main.is_some() || self.stopping.is_some() {
            return false;
        }
        let waits = match self.status.state {
            State::Gated | State::Restarting | State::Running => true,
            State::Created | State::Exited => !self.asked && self.born.elapsed() < UNASKED,
        };
        self.quit || !(waits || self.keeps_secrets())
    }

    fn keeps_secrets(&self) -> bool {
        !self.spec.secrets.is_empty()
    }

    fn due(&self) -> Option<Instant> {
        let kill_at = self
            .stopping
            .as_ref()
            .filter(|stopping| !stopping.killed)
            .map(|stopping| stopping.kill_at);
        kill_at.into_iter().chain(self.again_at).min()
    }

    pub(super) fn save(&self) {
        if let Err(error) = self.write_status() {
            self.note(&format!("nanokit cannot write {STATUS}: {error}"));
        }
    }

    pub(super) fn write_status(&self) -> io::Result<()> {
        self.upkeep.borrow_mut().look_again();
        put_json(Path::new(STATUS), &self.status, false)
    }

    /// Leaves a remark in the instance's own log.
    pub(super) fn note(&self, text: &str) {
        let mut log = self.log.borrow_mut();
        let _ = log.take(Stream::Engine, format!("{text}\n").as_bytes());
    }

    pub(super) fn nets(&self) -> Nets<'_> {
        Nets {
            marker: (MARKER, &self.spec.id),
            root: Some(own_pid()),
            cgroup: self.status.cgroup.as_deref(),
        }
    }

    async fn take(&mut self, news: News) {
        match news {
            News::Asked(request, answer) => self.asked(request, answer),
            News::Ended(code) => self.ended(code).await,
            News::Probed(finding) => {
                self.status.health = finding.verdict;
                self.status.probe_output = finding.output;
                self.status.probe_exit = finding.exit;
                self.save();
            }
        }
    }

    fn asked(&mut self, request: Request, answer: oneshot::Sender<Reply>) {
        self.asked = true;
        let result = match request {
            Request::Start => self.start(),
            Request::Open => self.open_gate(),
            Request::Stop { signal, grace_ms } => {
                self.stop(signal.as_deref(), grace_ms, Some(answer));
                return;
            }
            Request::Unpause => {
                self.nets().signal(Signal::CONT);
                Ok(Vec::new())
            }
            Request::Reload => self.reload(),
            Request::Quit if self.main.is_some() => Err("it still runs".to_owned()),
            Request::Quit => {
                self.quit = true;
                Ok(Vec::new())
            }
        };
        let _ = answer.send(match result {
            Ok(warnings) => Reply {
                error: None,
                warnings,
            },
            Err(error) => Reply {
                error: Some(error),
                warnings: Vec::new(),
            },
        });
    }

    fn start(&mut self) -> Result<Vec<String>, String> {
        if self.stopping.is_some() {
            return Err("it is being stopped".into());
        }
        match self.status.state {
            State::Running | State::Gated => return Ok(Vec::new()),
            State::Created | State::Exited => {
                self.status.restarts = 0;
                self.pause = FIRST_PAUSE;
            }
            State::Restarting => {}
        }
        self.again_at = None;
        if self.spec.gated && !Path::new(GATE).exists() {
            self.status.state = State::Gated;
            self.status.health = Verdict::Starting;
            self.status.started_at_ms = Some(now_ms());
            self.save();
            return Ok(Vec::new());
        }
        self.launch()
    }

    fn open_gate(&mut self) -> Result<Vec<String>, String> {
        std::fs::write(GATE, "").map_err(|error| format!("opening the gate: {error}"))?;
        if self.status.state == State::Gated {
            self.launch()
        } else {
            Ok(Vec::new())
        }
    }

    fn reload(&mut self) -> Result<Vec<String>, String> {
        let (spec, _) = read_spec(Path::new(".")).map_err(|error| error.to_string())?;
        self.spec = spec;
        if self.main.is_some() {
            Ok(self.apply_limits())
        } else {
            Ok(Vec::new())
        }
    }

    fn apply_limits(&self) -> Vec<String> {
        cgroup::limit(
            self.status.cgroup.as_deref(),
            self.spec.cpu_millis,
            self.spec.memory_bytes,
        )
    }

    /// Starts the main command.
    pub(super) fn launch(&mut self) -> Result<Vec<String>, String> {
        self.status.cgroup = cgroup::make(&self.spec.id);
        let warnings = self.apply_limits();
        for warning in &warnings {
            self.note(warning);
        }
        let group = self.status.cgroup.as_deref();
        let spawned = launch::spawn(&self.spec, group, &self.log, &self.news);
        match spawned {
            Ok(main) => {
                self.status.state = State::Running;
                self.status.main = Some(main.process.clone());
                self.status.exit_code = None;
                self.status.out_of_memory = false;
                self.status.health = Verdict::Starting;
                self.status.probe_output.clear();
                self.status.probe_exit = None;
                self.status.starts += 1;
                self.status.started_at_ms = Some(now_ms());
                self.memory_kills = self
                    .status
                    .cgroup
                    .as_deref()
                    .map_or(0, cgroup::memory_kills);
                self.main = Some(main);
                self.save();
                Ok(warnings)
            }
            Err(error) => {
                self.note(&error);
                self.status.state = State::Exited;
                self.status.exit_code = Some(127);
                self.status.starts += 1;
                self.save();
                Err(error)
            }
        }
    }

    /// Once a second: collects orphans, ends an instance whose folder was deleted, mends its files.
    fn look_around(&mut self) {
        self.zombies = reap_orphans(&self.zombies);
        if self.quit {
            return;
        }
        if upkeep::is_deserted() {
            self.retire();
        } else {
            self.mend_files();
        }
    }
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

//! The life of one instance, from its first start until nothing is left to supervise.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, sleep, sleep_until, timeout};

use crate::adapters::providers::process::files::{
    FORMAT, Reply, Request, Spec, State, StatusFile, Verdict,
};
use crate::adapters::providers::process::folder::{GATE, SPEC, STATUS, read_json, write_json};
use crate::adapters::providers::process::identity::{ProcessId, of_child, own_pid, signal_named};
use crate::adapters::providers::process::log::LogWriter;
use crate::adapters::providers::process::supervisor::checker::{self, Finding};
use crate::adapters::providers::process::supervisor::control;
use crate::adapters::providers::process::tree::{MARKER, Nets, reap_orphans};
use crate::adapters::providers::process::{call, cgroup};
use crate::domain::event::Stream;

/// First pause before a restart; doubles up to the longest, and starts anew after a good while of running.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const GOOD_WHILE: Duration = Duration::from_secs(10);
/// Time a supervisor waits for its first request when it has nothing to keep.
const UNASKED: Duration = Duration::from_secs(30);
/// Longest time the rest of a tree gets after its main process ended on a stop.
const STRAGGLERS: Duration = Duration::from_secs(2);

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

/// The main process while it runs.
struct Main {
    process: ProcessId,
    since: Instant,
    tasks: Vec<JoinHandle<()>>,
    checker: Option<JoinHandle<()>>,
}

/// A stop under way.
struct Stopping {
    answers: Vec<oneshot::Sender<Reply>>,
    kill_at: Instant,
    killed: bool,
}

struct Life {
    spec: Spec,
    status: StatusFile,
    log: Rc<RefCell<LogWriter>>,
    news: mpsc::Sender<News>,
    main: Option<Main>,
    stopping: Option<Stopping>,
    again_at: Option<Instant>,
    pause: Duration,
    born: Instant,
    asked: bool,
    quit: bool,
    memory_kills: u64,
    zombies: Vec<i32>,
}

impl Life {
    fn open(news: mpsc::Sender<News>) -> io::Result<Self> {
        let here = Path::new(".");
        let spec: Spec = read_json(Path::new(SPEC))?;
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

    fn save(&self) {
        if let Err(error) = write_json(Path::new(STATUS), &self.status, false) {
            self.note(&format!("nanokit cannot write {STATUS}: {error}"));
        }
    }

    /// Leaves a remark in the instance's own log.
    fn note(&self, text: &str) {
        let mut log = self.log.borrow_mut();
        let _ = log.take(Stream::Engine, format!("{text}\n").as_bytes());
    }

    fn nets(&self) -> Nets<'_> {
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
        let spec: Spec = read_json(Path::new(SPEC)).map_err(|error| error.to_string())?;
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
    fn launch(&mut self) -> Result<Vec<String>, String> {
        self.status.cgroup = cgroup::make(&self.spec.id);
        let warnings = self.apply_limits();
        for warning in &warnings {
            self.note(warning);
        }
        let argv = match &self.status.cgroup {
            Some(group) => cgroup::inside(group, &self.spec.argv),
            None => self.spec.argv.clone(),
        };
        let spawned = check_program(&self.spec).and_then(|()| self.spawn(&argv));
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

    fn spawn(&self, argv: &[String]) -> Result<Main, String> {
        let (program, arguments) = argv.split_first().ok_or("it has no command")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.spec.folder)
            .env(MARKER, &self.spec.id)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command
            .spawn()
            .map_err(|error| call::not_started(&command, &error))?;
        let mut tasks = Vec::new();
        if let Some(out) = child.stdout.take() {
            tasks.push(pump(out, Stream::Stdout, Rc::clone(&self.log)));
        }
        if let Some(err) = child.stderr.take() {
            tasks.push(pump(err, Stream::Stderr, Rc::clone(&self.log)));
        }
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        // A child that ended at once is still a zombie with its start time: only its own wait collects it.
        let process = pid
            .and_then(of_child)
            .ok_or("it ended before it was seen")?;
        let news = self.news.clone();
        tokio::task::spawn_local(async move {
            let code = child.wait().await.map_or(255, call::exit_code);
            let _ = news.send(News::Ended(code)).await;
        });
        let checker = self.spec.health.clone().map(|check| {
            tokio::task::spawn_local(checker::check(
                check,
                self.spec.id.clone(),
                self.spec.folder.clone(),
                self.news.clone(),
            ))
        });
        Ok(Main {
            process,
            since: Instant::now(),
            tasks,
            checker,
        })
    }

    fn stop(&mut self, name: Option<&str>, grace_ms: u64, answer: Option<oneshot::Sender<Reply>>) {
        self.again_at = None;
        if self.main.is_none() {
            // Whatever a hook started while the gate was shut must not stay either.
            self.nets().signal(Signal::KILL);
            if self.status.state == State::Gated {
                self.status.exit_code = Some(143);
            }
            if self.status.state != State::Created {
                self.status.state = State::Exited;
            }
            self.save();
            if let Some(answer) = answer {
                let _ = answer.send(Reply::default());
            }
            return;
        }
        let kill_at = Instant::now() + Duration::from_millis(grace_ms);
        let wish = name.or(self.spec.stop_signal.as_deref());
        let signal = wish.and_then(signal_named).unwrap_or(Signal::TERM);
        self.nets().signal(signal);
        // A frozen process would not hear it.
        self.nets().signal(Signal::CONT);
        let stopping = self.stopping.get_or_insert_with(|| Stopping {
            answers: Vec::new(),
            kill_at,
            killed: false,
        });
        stopping.kill_at = stopping.kill_at.min(kill_at);
        stopping.answers.extend(answer);
    }

    /// Somebody asked the supervisor itself to end: it ends the instance first.
    fn retire(&mut self) {
        self.quit = true;
        self.stop(None, self.spec.stop_grace_ms, None);
    }

    async fn on_time(&mut self) {
        let now = Instant::now();
        let overdue = self
            .stopping
            .as_mut()
            .filter(|stopping| !stopping.killed && stopping.kill_at <= now);
        if let Some(stopping) = overdue {
            stopping.killed = true;
            self.nets().signal(Signal::KILL);
        }
        if self.again_at.is_some_and(|at| at <= now) {
            self.again_at = None;
            self.status.restarts += 1;
            if self.launch().is_err() {
                self.rest(127);
            }
        }
        tokio::task::yield_now().await;
    }

    /// The main process has ended: with it ends the instance.
    async fn ended(&mut self, code: i64) {
        let Some(main) = self.main.take() else {
            return;
        };
        if let Some(checker) = main.checker {
            checker.abort();
        }
        if let Some(stopping) = &self.stopping {
            let patience = stopping.kill_at.min(Instant::now() + STRAGGLERS);
            while Instant::now() < patience && !self.nets().members().is_empty() {
                sleep(Duration::from_millis(20)).await;
            }
        }
        self.kill_rest().await;
        for task in main.tasks {
            let _ = timeout(Duration::from_secs(1), task).await;
        }
        let _ = self.log.borrow_mut().finish();
        self.status.main = None;
        self.status.exit_code = Some(code);
        if let Some(group) = self.status.cgroup.take() {
            self.status.out_of_memory = cgroup::memory_kills(&group) > self.memory_kills;
            cgroup::remove(&group);
        }
        if main.since.elapsed() >= GOOD_WHILE {
            self.pause = FIRST_PAUSE;
        }
        match self.stopping.take() {
            Some(stopping) => {
                self.status.state = State::Exited;
                self.save();
                for answer in stopping.answers {
                    let _ = answer.send(Reply::default());
                }
            }
            None => self.rest(code),
        }
    }

    /// Decides what comes after an end nobody asked for.
    fn rest(&mut self, code: i64) {
        if !self.quit && self.spec.restart.again(code, self.status.restarts) {
            self.status.state = State::Restarting;
            self.again_at = Some(Instant::now() + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        } else {
            self.status.state = State::Exited;
        }
        self.save();
    }

    async fn kill_rest(&self) {
        for _ in 0..200 {
            if self.nets().signal(Signal::KILL) == 0 {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        self.note("something of this instance could not be killed");
    }

    /// Once a second: collects orphans, and ends an instance whose folder was deleted.
    fn look_around(&mut self) {
        self.zombies = reap_orphans(&self.zombies);
        if !Path::new(SPEC).exists() && !self.quit {
            self.retire();
        }
    }
}

/// Finds out before the start what a shell could only say after it.
fn check_program(spec: &Spec) -> Result<(), String> {
    if !spec.folder.is_dir() {
        return Err(format!("folder {} is not there", spec.folder.display()));
    }
    let program = spec.argv.first().ok_or("it has no command")?;
    let candidates: Vec<PathBuf> = if program.contains('/') {
        vec![spec.folder.join(program)]
    } else {
        let path = spec.env.get("PATH").map_or("/usr/bin:/bin", String::as_str);
        std::env::split_paths(path)
            .map(|folder| spec.folder.join(folder).join(program))
            .collect()
    };
    let runs = |path: &PathBuf| {
        path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
    };
    if candidates.iter().any(runs) {
        Ok(())
    } else if candidates.iter().any(|path| path.is_file()) {
        Err(format!("cannot start `{program}`: it is not executable"))
    } else {
        Err(format!(
            "cannot start `{program}`: no such program on this host"
        ))
    }
}

fn pump<R: AsyncRead + Unpin + 'static>(
    mut pipe: R,
    stream: Stream,
    log: Rc<RefCell<LogWriter>>,
) -> JoinHandle<()> {
    tokio::task::spawn_local(async move {
        let mut chunk = vec![0_u8; 16 << 10];
        while let Ok(count) = pipe.read(&mut chunk).await {
            if count == 0 {
                return;
            }
            // A full disk must not stop the instance; the output of that time is lost.
            let _ = log
                .borrow_mut()
                .take(stream, chunk.get(..count).unwrap_or_default());
        }
    })
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

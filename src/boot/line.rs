//! The engine's thread, and the front end's line to it.
//!
//! Engine and session live on one thread with a current-thread runtime; the front end stays on the main thread. When
//! the line is dropped, the session drains, the thread ends, and only then does the process: teardown in every case.

use std::io::Write as _;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::adapters::keyboard::Keyboard;
use crate::adapters::otlp::exporter::Report;
use crate::adapters::source_tree::ProjectFiles;
use crate::adapters::watch::FileWatch;
use crate::app::command::{Command, Ticket};
use crate::app::failure::{Failure, FailureKind};
use crate::app::session::{self, Client, Reader, Session, Settings};
use crate::boot::hydrate::{self, Surroundings};
use crate::boot::traces::{self, Traces};
use crate::boot::workshop::RealWorkshop;
use crate::cli::ground::{Came, Heard, Line};
use crate::domain::config::load::Loaded;
use crate::domain::project::project::ProviderKind;

/// Stack of the engine's thread: the futures of a run are deep, and unoptimised builds keep all of them there.
const STACK: usize = 16 << 20;

/// What a session is started with.
pub struct Start {
    /// Where the user stands.
    pub surroundings: Surroundings,
    /// A platform that was named on the command line.
    pub forced: Option<ProviderKind>,
    /// What was loaded already.
    pub first: Option<Loaded>,
    /// How the session behaves.
    pub settings: Settings,
    /// Whether it may say on standard error what became of its traces.
    pub verbose: bool,
    /// The program that stands beside host processes and hooks: this very one.
    pub program: PathBuf,
}

/// A running session and the thread it lives on. Dropped, also by a panic, it waits until the session has drained.
pub struct Running {
    /// The front end's end; taken by the panel.
    pub client: Option<Client>,
    thread: Option<JoinHandle<()>>,
}

/// Starts engine and session on their thread.
///
/// # Errors
/// There is no thread to be had.
pub fn start(start: Start) -> Result<Running, Failure> {
    let (client, session) = session::open(start.settings);
    let thread = std::thread::Builder::new()
        .name("engine".to_owned())
        .stack_size(STACK)
        .spawn(move || serve(session, start))
        .map_err(|e| broken("the engine's thread cannot be started", &e))?;
    Ok(Running {
        client: Some(client),
        thread: Some(thread),
    })
}

fn serve(session: Session, start: Start) {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(message = %error.message, "no runtime");
            return;
        }
    };
    let local = tokio::task::LocalSet::new();
    let loud = start.verbose && !start.settings.live;
    let report = local.block_on(&runtime, async move {
        let mut session = session;
        // One load serves the traces and the session's first hydration.
        let load = || hydrate::load(&start.surroundings, &ProjectFiles::new());
        let first = start.first.unwrap_or_else(load);
        let traces = Traces::of(&start.surroundings.process_env, &first).await;
        let followed = traces
            .asked()
            .then(|| session.subscribe(Reader::MayLoseLines));
        let mut workshop = RealWorkshop::new(start.surroundings, start.forced, start.program)
            .with_loaded(Some(first))
            .staying(start.settings.stays)
            .traced(traces.tracing.clone(), &traces.remarks);
        let mut hints = None;
        if start.settings.live {
            match FileWatch::start() {
                Ok((files, found)) => {
                    workshop = workshop.watching(files);
                    hints = Some(found);
                }
                Err(error) => {
                    tracing::warn!(%error, "files are not watched; the timer looks instead");
                }
            }
        }
        let hinter = session.hints();
        let forward = async {
            if let Some(hints) = hints {
                hints.forward(hinter).await;
            }
            std::future::pending::<()>().await;
        };
        // The notices end with the session, so both end together.
        let followed = async {
            match followed {
                Some(notices) => traces.follow(notices, start.settings.live).await,
                None => None,
            }
        };
        let served = async { tokio::join!(session.serve(&workshop), followed).1 };
        tokio::select! {
            biased;
            report = served => report,
            () = forward => None,
        }
    });
    tell(report.as_ref(), loud);
    // What blocks outside of the runtime (a name being resolved) is not waited for.
    runtime.shutdown_timeout(Duration::from_millis(200));
}

/// Says what was not sent of the traces: in our log, and on the terminal where somebody wants to know everything.
fn tell(report: Option<&Report>, loud: bool) {
    let Some(said) = report.and_then(traces::said) else {
        return;
    };
    tracing::warn!("{said}");
    if loud {
        let _ = writeln!(std::io::stderr(), "traces: {said}");
    }
}

/// Returns this very program, for the supervisors of host processes.
pub(super) fn program() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("nkapp"))
}

/// Makes a runtime for one thread.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| broken("the runtime cannot be started", &e))
}

fn broken(message: &str, error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Failed, message).source(error.to_string())
}

impl Running {
    /// Waits for the thread to end, after the client is gone.
    pub(super) fn join(&mut self) -> Result<(), Failure> {
        self.client = None;
        match self.thread.take().map(JoinHandle::join) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(_)) => Err(session::gone()),
        }
    }

    /// Leaves the thread to itself.
    pub(super) fn abandon(&mut self) {
        self.client = None;
        self.thread = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.join();
    }
}

/// Reads one line from the keyboard; `None` at its end, and when somebody asks us to stop.
///
/// Once a run has listened to signals they do not end the process any more, so a question has to listen as well. The
/// thread that reads is left behind then: it ends with the process, which is the next thing to happen.
pub(super) fn typed() -> Option<String> {
    use std::io::BufRead as _;
    let runtime = runtime().ok()?;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("keyboard".to_owned())
        .spawn(move || {
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line);
            let _ = sender.send(read.is_ok_and(|read| read > 0).then_some(line));
        })
        .ok()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).ok()?;
        let mut terminate = signal(SignalKind::terminate()).ok()?;
        let mut hangup = signal(SignalKind::hangup()).ok()?;
        tokio::select! {
            biased;
            line = receiver => line.ok().flatten(),
            _ = interrupt.recv() => None,
            _ = terminate.recv() => None,
            _ = hangup.recv() => None,
        }
    })
}

/// Signals a run answers.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

/// The command line's line: a session heard from the main thread.
pub(super) struct SessionLine {
    running: Running,
    runtime: Runtime,
    signals: Option<Signals>,
    keyboard: Option<Keyboard>,
}

impl SessionLine {
    /// Joins a line to a session.
    pub(super) fn new(running: Running) -> Result<Self, Failure> {
        Ok(Self {
            running,
            runtime: runtime()?,
            signals: None,
            keyboard: None,
        })
    }
}

impl Line for SessionLine {
    fn send(&mut self, command: Command) -> Result<Ticket, Failure> {
        let client = self.running.client.as_ref();
        client
            .and_then(|client| client.handle.send(command))
            .ok_or_else(session::gone)
    }

    fn hear(&mut self, patience: Option<Duration>) -> Heard {
        let Some(client) = self.running.client.as_mut() else {
            return Heard::Closed;
        };
        let signals = &mut self.signals;
        let signal = async {
            match signals {
                Some(signals) => {
                    tokio::select! {
                        _ = signals.interrupt.recv() => Heard::Interrupt,
                        _ = signals.terminate.recv() => Heard::Terminate,
                        _ = signals.hangup.recv() => Heard::Hangup,
                    }
                }
                None => std::future::pending().await,
            }
        };
        let tick = async {
            match patience {
                Some(patience) => tokio::time::sleep(patience).await,
                None => std::future::pending().await,
            }
        };
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                heard = signal => heard,
                notice = client.notices.recv() => match notice {
                    Some(notice) => Heard::Notice(Box::new(notice)),
                    None => Heard::Closed,
                },
                () = tick => Heard::Tick,
            }
        })
    }

    fn listen_to_signals(&mut self) {
        if self.signals.is_some() {
            return;
        }
        let _inside = self.runtime.enter();
        let listen = || -> std::io::Result<Signals> {
            Ok(Signals {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hangup: signal(SignalKind::hangup())?,
            })
        };
        match listen() {
            Ok(signals) => self.signals = Some(signals),
            Err(error) => tracing::warn!(%error, "signals cannot be heard"),
        }
    }

    fn start_reading(&mut self) {
        self.listen_to_signals();
        self.keyboard = Keyboard::take().ok();
    }

    fn hear_or_read(&mut self) -> Came {
        let (Some(client), Some(keyboard)) = (self.running.client.as_mut(), self.keyboard.as_mut())
        else {
            return Came::Leave;
        };
        let silent = keyboard.is_silent();
        let signals = &mut self.signals;
        let signal = async {
            match signals {
                Some(signals) => {
                    tokio::select! {
                        _ = signals.interrupt.recv() => {}
                        _ = signals.terminate.recv() => {}
                        _ = signals.hangup.recv() => {}
                    }
                }
                None => std::future::pending().await,
            }
        };
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = signal => Came::Leave,
                byte = keyboard.next() => match byte {
                    Some(byte) => Came::Byte(byte, silent),
                    None => Came::End,
                },
                notice = client.notices.recv() => match notice {
                    Some(notice) => Came::News(Box::new(notice)),
                    None => Came::Leave,
                },
            }
        })
    }

    fn stop_reading(&mut self) {
        self.keyboard = None;
    }

    fn abandon(&mut self) {
        self.running.abandon();
    }
}

//! The command line's line to the session: blocking, with the process's signals on the same ear.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::command::{Command, Ticket};
use crate::app::failure::{Failure, FailureKind};
use crate::app::session::{Client, gone};
use crate::boot::thread::EngineThread;
use crate::cli::ground::{Heard, Line};

/// Signals a run answers instead of dying.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

/// A client of the session, its thread, and a small runtime of this thread's own to wait with.
///
/// The fields are dropped in this order: when the client is gone the session ends, and only then the thread is
/// waited for.
pub(super) struct SessionLine {
    client: Client,
    thread: Option<EngineThread>,
    signals: Option<Signals>,
    runtime: Runtime,
}

impl SessionLine {
    pub(super) fn new(client: Client, thread: EngineThread) -> Result<Self, Failure> {
        Ok(Self {
            client,
            thread: Some(thread),
            signals: None,
            runtime: runtime()?,
        })
    }
}

/// Makes the runtime of a front end's thread.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| {
            Failure::new(FailureKind::Failed, "waiting for events cannot be set up")
                .source(cause.to_string())
        })
}

impl Line for SessionLine {
    fn send(&mut self, command: Command) -> Result<Ticket, Failure> {
        self.client.handle.send(command).ok_or_else(gone)
    }

    fn hear(&mut self, patience: Option<Duration>) -> Heard {
        let (notices, signals) = (&mut self.client.notices, &mut self.signals);
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                heard = caught(signals) => heard,
                notice = notices.recv() => notice.map_or(Heard::Closed, |notice| Heard::Notice(Box::new(notice))),
                () = elapsed(patience) => Heard::Tick,
            }
        })
    }

    fn listen_to_signals(&mut self) {
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
            Err(cause) => tracing::warn!(%cause, "signals end the process at once"),
        }
    }

    fn abandon(&mut self) {
        std::mem::forget(self.thread.take());
    }
}

async fn caught(signals: &mut Option<Signals>) -> Heard {
    let Some(signals) = signals else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = signals.interrupt.recv() => Heard::Interrupt,
        _ = signals.terminate.recv() => Heard::Terminate,
        _ = signals.hangup.recv() => Heard::Terminate,
    }
}

async fn elapsed(patience: Option<Duration>) {
    match patience {
        Some(patience) => tokio::time::sleep(patience).await,
        None => std::future::pending().await,
    }
}

//! The engine's thread: session, engine and every adapter live on it; front ends only hold its client.

use std::path::PathBuf;
use std::thread::{Builder, JoinHandle};

use tokio::task::LocalSet;

use crate::adapters::watch::FileWatch;
use crate::app::failure::{Failure, FailureKind};
use crate::app::session::{Client, Session, Settings, open};
use crate::boot::hydrate::Surroundings;
use crate::boot::workshop::RealWorkshop;
use crate::domain::project::project::ProviderKind;

/// What the engine's thread is started with.
#[derive(Clone, Debug)]
pub struct Start {
    /// Where the user stands.
    pub surroundings: Surroundings,
    /// `--provider`.
    pub provider: Option<ProviderKind>,
    /// This very program, for supervisors of host processes.
    pub program: PathBuf,
    /// How the session behaves.
    pub settings: Settings,
}

/// The running thread. Dropped or joined, it waits for the session to end: every handle has to be gone first.
#[derive(Debug)]
pub struct EngineThread(Option<JoinHandle<()>>);

impl EngineThread {
    /// Waits for the session's end: journal flushed, lock released, children reaped.
    pub fn join(mut self) {
        self.wait();
    }

    fn wait(&mut self) {
        if let Some(thread) = self.0.take()
            && thread.join().is_err()
        {
            tracing::error!("the engine's thread ended in a panic");
        }
    }
}

impl Drop for EngineThread {
    fn drop(&mut self) {
        self.wait();
    }
}

/// Starts the engine's thread and returns the front end's line to it.
pub fn start(start: Start) -> Result<(Client, EngineThread), Failure> {
    let (client, session) = open(start.settings);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| {
            Failure::new(FailureKind::Failed, "the engine cannot be started")
                .source(cause.to_string())
        })?;
    let thread = Builder::new()
        .name("engine".into())
        // Futures of a whole run are nested deeply; without optimisation they outgrow the default two megabytes.
        .stack_size(32 * 1024 * 1024)
        .spawn(move || LocalSet::new().block_on(&runtime, serve(start, session)))
        .map_err(|cause| {
            Failure::new(FailureKind::Failed, "the engine cannot be started")
                .source(cause.to_string())
        })?;
    Ok((client, EngineThread(Some(thread))))
}

async fn serve(start: Start, session: Session) {
    let workshop = RealWorkshop::new(start.surroundings, start.provider, start.program);
    if !start.settings.live {
        return session.serve(&workshop).await;
    }
    let hints = session.hints();
    match FileWatch::start() {
        Ok((watch, found)) => {
            let workshop = workshop.watching(watch);
            tokio::select! {
                biased;
                () = session.serve(&workshop) => {}
                () = async { found.forward(hints).await; std::future::pending().await } => {}
            }
        }
        Err(cause) => {
            tracing::warn!(%cause, "files are not watched; the timer looks instead");
            session.serve(&workshop).await;
        }
    }
}

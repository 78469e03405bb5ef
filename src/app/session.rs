//! The session: an actor with one mailbox, on the engine's thread.
//!
//! It loads the project, takes wishes, runs at most one mutating wish at a time and any number of reading ones
//! beside it, and looks by itself when something outside may have changed. Start at [`open`], which gives the
//! front end its [`Client`] and the engine's thread its [`Session`]; the session ends when every handle is gone,
//! after draining a run that is under way. It never blocks on a front end and never touches the world but
//! through [`Workshop`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{AbortHandle, FutureExt, LocalBoxFuture, abortable, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::app::command::{Amendment, Class, Command, Stop, Ticket};
use crate::app::desk::Desk;
use crate::app::failure::{Failure, FailureKind};
use crate::app::gauge::{self, Gauge};
use crate::app::handle::{Handle, Notices, Wish};
use crate::app::look;
use crate::app::notice::{End, Notice};
use crate::app::outlet::Outlet;
pub use crate::app::outlet::Reader;
use crate::app::policy;
use crate::app::snapshot::Snapshot;
use crate::app::triggers::{Look, Triggers, Work};
use crate::app::work;
use crate::app::workshop::{Need, Workshop};
use crate::domain::event::EventKind;
use crate::domain::hint::Hint;
use crate::domain::ids::Scope;
use crate::engine::reconcile::Reconcile;

/// How a session behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether it looks by itself and watches the platform (the panel, `drift --watch`).
    pub live: bool,
    /// What the first reader may lose.
    pub reader: Reader,
    /// Whether everything that changes the world is refused.
    pub read_only: bool,
    /// Whether it tells what workers of the project do (the panel).
    pub workers: bool,
    /// Whether it stays with the project and environment it began with, whatever the file says later (the worker).
    pub stays: bool,
}

/// What a front end holds.
#[derive(Debug)]
pub struct Client {
    /// The way to wish.
    pub handle: Handle,
    /// The way to hear, in order.
    pub notices: Notices,
    /// The newest state, for whoever cannot keep up.
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
}

/// The actor's end; it is moved to the engine's thread and served there.
pub struct Session {
    settings: Settings,
    wishes: mpsc::Receiver<Wish>,
    outlets: Vec<(Reader, mpsc::Sender<Notice>)>,
    published: watch::Sender<Arc<Snapshot>>,
    hints: mpsc::Receiver<Hint>,
    hinter: mpsc::Sender<Hint>,
}

/// Wishes the mailbox holds.
const MAILBOX: usize = 64;
/// Notices between a reader's backlog and the reader.
const READ_AHEAD: usize = 1_024;
/// Shortest time between two published snapshots.
const FRAME: Duration = Duration::from_millis(33);

/// Makes a session and its first client.
#[must_use]
pub fn open(settings: Settings) -> (Client, Session) {
    let (wish, wishes) = mpsc::channel(MAILBOX);
    let (published, snapshot) = watch::channel(Arc::new(Snapshot::default()));
    let (hinter, hints) = mpsc::channel(MAILBOX);
    let mut session = Session {
        settings,
        wishes,
        outlets: Vec::new(),
        published,
        hints,
        hinter,
    };
    let client = Client {
        handle: Handle::new(wish),
        notices: session.subscribe(settings.reader),
        snapshot,
    };
    (client, session)
}

/// What a task was.
enum Ended {
    Wish(Ticket),
    Look { took: Duration, answered: bool },
    Beside { took: Duration },
    Lock,
    Learned,
    Watch,
    Nothing,
}

type Tasks<'a> = FuturesUnordered<LocalBoxFuture<'a, Ended>>;

impl Session {
    /// Adds a reader; only before the session is served.
    pub fn subscribe(&mut self, reader: Reader) -> Notices {
        let (sender, notices) = mpsc::channel(READ_AHEAD);
        self.outlets.push((reader, sender));
        notices
    }

    /// Returns where watchers of the outside send their hints.
    #[must_use]
    pub fn hints(&self) -> mpsc::Sender<Hint> {
        self.hinter.clone()
    }

    /// Serves until every handle is gone and the last run has ended.
    pub async fn serve<W: Workshop>(self, workshop: &W) {
        let outlets = self
            .outlets
            .into_iter()
            .map(|(reader, sender)| Outlet::new(reader, sender))
            .collect();
        let desk = Desk::new(workshop, outlets, self.published);
        let room = Room {
            desk: &desk,
            live: self.settings.live,
            workers: self.settings.workers,
            read_only: self.settings.read_only,
            hinter: self.hinter,
            triggers: Triggers::new(Instant::now()),
            tasks: FuturesUnordered::new(),
            aborts: BTreeMap::new(),
            looking: false,
            locking: false,
            learning: false,
            watching: None,
            leading: None,
            gauging: None,
        };
        desk.hydrate();
        desk.publish();
        // The readers are served beside the work, so that no step of it waits for a reader it starves itself.
        let mut pumps = Box::pin(join_all(desk.outlets().iter().map(Outlet::pump)).fuse());
        let mut work = Box::pin(room.work(self.wishes, self.hints));
        loop {
            tokio::select! {
                biased;
                () = &mut work => break,
                _ = &mut pumps, if !futures_util::future::FusedFuture::is_terminated(&pumps) => {}
            }
        }
        drop(pumps);
        desk.publish();
        join_all(desk.outlets().iter().map(Outlet::drain)).await;
    }
}

/// The loop and what it keeps.
struct Room<'a, W: Workshop> {
    desk: &'a Desk<'a, W>,
    live: bool,
    workers: bool,
    read_only: bool,
    hinter: mpsc::Sender<Hint>,
    triggers: Triggers,
    tasks: Tasks<'a>,
    aborts: BTreeMap<Ticket, AbortHandle>,
    looking: bool,
    locking: bool,
    learning: bool,
    watching: Option<(Scope, AbortHandle)>,
    /// The wish to lead, which is never dropped but asked to end, so that the lead is given back.
    leading: Option<Ticket>,
    /// What is sampled, and how to stop that.
    gauging: Option<(Gauge, AbortHandle)>,
}

impl<W: Workshop> Room<'_, W> {
    async fn work(mut self, mut wishes: mpsc::Receiver<Wish>, mut hints: mpsc::Receiver<Hint>) {
        let mut open = true;
        self.set_period();
        if self.workers {
            let desk = self.desk;
            let watched = look::watch_workers(desk).map(|()| Ended::Nothing);
            self.tasks.push(watched.boxed_local());
        }
        let mut shown = Instant::now();
        while open || self.desk.is_mutating() || self.leading.is_some() {
            let work = self.under_way();
            let wakeup = self.triggers.next_wakeup(work, self.looking);
            tokio::select! {
                biased;
                wish = wishes.recv(), if open => match wish {
                    Some(wish) => self.take(wish),
                    None => {
                        open = false;
                        self.close();
                    }
                },
                Some(ended) = self.tasks.next(), if !self.tasks.is_empty() => self.ended(&ended),
                Some(hint) = hints.recv(), if open && self.live => {
                    self.desk.heard(&hint);
                    self.triggers.hint(&hint, Instant::now());
                    let subject = hint.subject().map(|subject| &subject.address);
                    if subject.is_some_and(|one| self.desk.leaves_alone(one) != Some(false)) {
                        self.triggers.beside();
                    }
                }
                () = self.desk.until_behind().then(|()| sleep_until(shown + FRAME)) => {
                    self.desk.publish();
                    shown = Instant::now();
                }
                () = sleep_until(wakeup), if open && self.live => {
                    let due = self.triggers.take(Instant::now(), work, self.looking);
                    self.look(due);
                }
            }
        }
    }

    /// Whether a run is under way, and whether it is known what it leaves alone.
    fn under_way(&self) -> Work {
        if !self.desk.is_mutating() {
            Work::None
        } else if self.desk.at_work().is_some() {
            Work::Known
        } else {
            Work::Hidden
        }
    }

    fn take(&mut self, wish: Wish) {
        let Wish { ticket, command } = wish;
        match command {
            Command::Reload => {
                self.reload();
                self.done(ticket);
            }
            Command::Look => {
                self.triggers.arm();
                self.done(ticket);
            }
            Command::Resign => {
                self.desk.resign();
                self.done(ticket);
            }
            Command::Prove => self.done(ticket),
            Command::Lead => self.lead(ticket),
            Command::Stop { stop } => {
                self.desk.stop(stop);
                self.done(ticket);
            }
            Command::Watch { services, closely } => {
                self.gauge(Gauge { services, closely });
                self.done(ticket);
            }
            Command::Forget { ticket: other } => {
                if let Some(abort) = self.aborts.get(&other) {
                    abort.abort();
                }
                self.done(ticket);
            }
            command => self.start(ticket, command),
        }
    }

    fn start(&mut self, ticket: Ticket, command: Command) {
        if self.read_only && command.class() != Class::Read {
            self.desk.post(&Notice::Failed {
                ticket: Some(ticket),
                failure: policy::read_only(),
            });
            return;
        }
        let mutates = match &command {
            Command::Run { request, .. } => Some(request.purpose.as_str()),
            Command::Restore { .. } => Some("restore"),
            Command::Rebuild => Some("rebuild"),
            Command::Push { .. } => Some("push"),
            Command::Amend { amendment } => Some(match amendment {
                Amendment::Accept { .. } => "accept",
                Amendment::Ignore { .. } | Amendment::Unignore { .. } => "ignore",
            }),
            _ => None,
        };
        if let Some(word) = mutates
            && let Err(failure) = self.desk.begin(ticket, word)
        {
            self.desk.post(&Notice::Failed {
                ticket: Some(ticket),
                failure,
            });
            return;
        }
        let desk = self.desk;
        if command.class() == Class::Mutate && mutates.is_some() {
            // Not abortable: a run is stopped, never dropped.
            let task = async move {
                work::fulfil(desk, ticket, command).await;
                Ended::Wish(ticket)
            };
            self.tasks.push(task.boxed_local());
            return;
        }
        let (task, abort) = abortable(work::fulfil(desk, ticket, command));
        self.aborts.insert(ticket, abort);
        let task = async move {
            if task.await.is_err() {
                desk.post(&Notice::Done {
                    ticket,
                    end: End::Plain,
                });
            }
            Ended::Wish(ticket)
        };
        self.tasks.push(task.boxed_local());
    }

    fn lead(&mut self, ticket: Ticket) {
        self.leading = Some(ticket);
        let desk = self.desk;
        let task = async move {
            work::fulfil(desk, ticket, Command::Lead).await;
            Ended::Wish(ticket)
        };
        self.tasks.push(task.boxed_local());
    }

    fn ended(&mut self, ended: &Ended) {
        match ended {
            Ended::Wish(ticket) => {
                self.aborts.remove(ticket);
                if self.leading == Some(*ticket) {
                    self.leading = None;
                }
                if self.desk.ended(*ticket) {
                    self.triggers.arm();
                    self.learn();
                }
                self.set_expiry();
            }
            Ended::Look { took, answered } => {
                self.looking = false;
                self.triggers.looked(*took, Instant::now());
                self.set_expiry();
                if *answered {
                    self.watch();
                }
                // Past runs come after the first look, so that nothing waits for them.
                if self.desk.look(|s| s.usual.is_none()) {
                    self.learn();
                }
            }
            Ended::Beside { took } => {
                self.looking = false;
                self.triggers.looked(*took, Instant::now());
            }
            Ended::Lock => self.locking = false,
            Ended::Learned => self.learning = false,
            Ended::Watch => self.watching = None,
            Ended::Nothing => {}
        }
    }

    fn done(&self, ticket: Ticket) {
        self.desk.post(&Notice::Done {
            ticket,
            end: End::Plain,
        });
    }

    /// Looks as often as the file asks for.
    fn set_period(&mut self) {
        if let Ok(project) = self.desk.known() {
            self.triggers.every(project.drift.interval, Instant::now());
        }
    }

    /// Looks again when something that is ignored counts again.
    fn set_expiry(&mut self) {
        let now = self.desk.now();
        let at = self.desk.look(|s| s.drift.as_ref()?.next_expiry(now));
        let left = at.map(|at| u64::try_from(at.0.saturating_sub(now.0)).unwrap_or(0));
        let due = left.map(|left| Instant::now() + Duration::from_millis(left));
        self.triggers.expires(due);
    }

    fn reload(&mut self) {
        self.desk.hydrate();
        self.set_period();
        self.triggers.arm();
    }

    fn look(&mut self, due: Look) {
        if due.config {
            self.desk.event(None, EventKind::ConfigChanged);
            self.reload();
        }
        let desk = self.desk;
        if due.live {
            self.looking = true;
            let task = async move {
                let began = Instant::now();
                let answered = look::look(desk).await;
                Ended::Look {
                    took: began.elapsed(),
                    answered,
                }
            };
            self.tasks.push(task.boxed_local());
        }
        if due.beside {
            self.looking = true;
            let task = async move {
                let began = Instant::now();
                look::look_beside(desk).await;
                Ended::Beside {
                    took: began.elapsed(),
                }
            };
            self.tasks.push(task.boxed_local());
        }
        if due.lock && !self.locking {
            self.locking = true;
            let task = async move {
                look::look_at_lock(desk).await;
                Ended::Lock
            };
            self.tasks.push(task.boxed_local());
        }
    }

    /// Learns from past runs how long steps usually take.
    fn learn(&mut self) {
        if !self.live || self.learning {
            return;
        }
        self.learning = true;
        let desk = self.desk;
        let task = async move {
            look::learn(desk).await;
            Ended::Learned
        };
        self.tasks.push(task.boxed_local());
    }

    /// Listens to the platform, once for each scope; the look that answered proved that it can be had.
    fn watch(&mut self) {
        let Ok(project) = self.desk.known() else {
            return;
        };
        let scope = project.scope();
        if let Some((watched, abort)) = &self.watching {
            if *watched == scope {
                return;
            }
            abort.abort();
        }
        let desk = self.desk;
        let hinter = self.hinter.clone();
        let (task, abort) = abortable(async move {
            if let Ok(engine) = desk.engine(&project, Need::Platform).await {
                engine.watch(&project, hinter).await;
            }
        });
        self.watching = Some((scope, abort));
        let task = async move {
            match task.await {
                Ok(()) => Ended::Watch,
                // Another watch has taken its place.
                Err(_) => Ended::Nothing,
            }
        };
        self.tasks.push(task.boxed_local());
    }

    /// Samples these services in place of those before.
    fn gauge(&mut self, gauge: Gauge) {
        if self.gauging.as_ref().is_some_and(|(now, _)| *now == gauge) {
            return;
        }
        if let Some((_, abort)) = self.gauging.take() {
            abort.abort();
        }
        if gauge.is_empty() {
            return;
        }
        let desk = self.desk;
        let (task, abort) = abortable(gauge::sample(desk, gauge.clone()));
        self.gauging = Some((gauge, abort));
        let task = async move {
            let _ = task.await;
            Ended::Nothing
        };
        self.tasks.push(task.boxed_local());
    }

    /// Every handle is gone: a run is drained, everything else dropped.
    fn close(&mut self) {
        self.desk.stop(Stop::Drain);
        self.desk.resign();
        if let Some((_, abort)) = self.watching.take() {
            abort.abort();
        }
        self.gauge(Gauge::default());
        for abort in self.aborts.values() {
            abort.abort();
        }
    }
}

/// The failure a front end shows when the session cannot be reached any more.
#[must_use]
pub fn gone() -> Failure {
    Failure::new(
        FailureKind::Failed,
        "the engine's thread ended unexpectedly",
    )
    .hint("`.nanokit/nkapp.log` may say why")
    .next("nkapp doctor")
}

#[cfg(test)]
mod tests;

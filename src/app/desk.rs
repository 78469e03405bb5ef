//! What the session's tasks share on its thread: the loaded project, the snapshot, the readers, the engine's door.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{Notify, watch};

use crate::app::command::{Stop, Ticket};
use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::{Heard, Link, Notice};
use crate::app::outlet::Outlet;
use crate::app::snapshot::Snapshot;
use crate::app::workshop::{Need, Workshop};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::event::{Event, EventKind};
use crate::domain::hint::Hint;
use crate::domain::ids::{Address, ResourceKind};
use crate::domain::plan::model::Purpose;
use crate::domain::project::project::Project;
use crate::domain::report::worker::WorkerReport;
use crate::domain::usage::Meter;
use crate::engine::reconcile::Reconcile;

pub(super) struct Desk<'w, W: Workshop> {
    workshop: &'w W,
    outlets: Vec<Outlet>,
    snapshot: RefCell<Snapshot>,
    published: watch::Sender<Arc<Snapshot>>,
    /// Whether the published snapshot is behind.
    dirty: Cell<bool>,
    /// Wakes whoever publishes it.
    behind: Notify,
    seq: Cell<u64>,
    /// The mutating wish under way, with its command word.
    mutating: RefCell<Option<(Ticket, String)>>,
    stop: watch::Sender<Stop>,
    /// Raised when the lead is to be given back.
    resign: watch::Sender<Stop>,
    /// Remembers the last look at what instances use.
    pub(super) meter: RefCell<Meter>,
}

impl<'w, W: Workshop> Desk<'w, W> {
    pub(super) fn new(
        workshop: &'w W,
        outlets: Vec<Outlet>,
        published: watch::Sender<Arc<Snapshot>>,
    ) -> Self {
        Self {
            workshop,
            outlets,
            snapshot: RefCell::default(),
            published,
            dirty: Cell::new(true),
            behind: Notify::new(),
            seq: Cell::new(0),
            mutating: RefCell::default(),
            stop: watch::Sender::new(Stop::Run),
            resign: watch::Sender::new(Stop::Run),
            meter: RefCell::default(),
        }
    }

    /// Loads the file and tells everybody.
    pub(super) fn hydrate(&self) {
        let hydrated = Arc::new(self.workshop.hydrate());
        self.post(&Notice::Config(hydrated));
    }

    /// Returns the loaded project, or why there is none.
    pub(super) fn project(&self) -> Result<Arc<Project>, Failure> {
        let snapshot = self.snapshot.borrow();
        let Some(config) = &snapshot.config else {
            return Err(Failure::new(FailureKind::Failed, "nothing is loaded yet"));
        };
        config.project.clone().ok_or_else(|| {
            let errors = config
                .diagnostics
                .iter()
                .filter(|d| Diagnostic::is_error(d));
            let count = errors.count();
            Failure::new(
                FailureKind::InvalidConfig,
                format!(
                    "the configuration is invalid ({count} {})",
                    if count == 1 { "error" } else { "errors" }
                ),
            )
            .next("nkapp validate")
        })
    }

    /// Returns the project as the file last gave one, for what only reads; or why there never was one.
    pub(super) fn known(&self) -> Result<Arc<Project>, Failure> {
        let last = self.snapshot.borrow().known().cloned();
        last.map_or_else(|| self.project(), Ok)
    }

    /// Returns the project for such a plan. What was recorded is put back also while the file has errors: by the last
    /// good one.
    pub(super) fn project_for(&self, purpose: &Purpose) -> Result<Arc<Project>, Failure> {
        match purpose {
            Purpose::Restore => self.known(),
            Purpose::Deploy | Purpose::Act | Purpose::Destroy | Purpose::Clean => self.project(),
        }
    }

    /// Hands out the engine; the platform's coming and going is told on the way.
    pub(super) async fn engine(
        &self,
        project: &Project,
        need: Need,
    ) -> Result<Rc<W::Engine>, Failure> {
        let engine = self.workshop.engine(project, need).await;
        if let Some(text) = self.workshop.remark() {
            self.event(None, EventKind::Warning { text });
        }
        if need == Need::Platform {
            match &engine {
                // One that fell silent is back only when it has answered, not when it lets itself be asked.
                Ok(_) if matches!(self.snapshot.borrow().link, Link::Down(_)) => {}
                Ok(engine) => self.link(Link::Up(engine.describe())),
                Err(failure) => self.link(Link::Down(failure.message.clone())),
            }
        }
        engine
    }

    /// Tells that the platform came or went, if that is news.
    pub(super) fn link(&self, link: Link) {
        if self.snapshot.borrow().link != link {
            self.post(&Notice::Link(link));
        }
    }

    /// Asks the workers of the project what they do.
    pub(super) async fn workers(&self, project: &Project) -> Vec<WorkerReport> {
        self.workshop.workers(project).await
    }

    /// Returns the time of day.
    pub(super) fn now(&self) -> crate::domain::time::Wall {
        self.workshop.now()
    }

    /// Tells what the platform reported, as it came.
    pub(super) fn heard(&self, hint: &Hint) {
        if let Some(text) = hint.told()
            && !matches!(text, "connected" | "connection lost")
        {
            self.post(&Notice::Heard(Heard {
                at: self.workshop.now(),
                text: text.to_owned(),
                in_run: self.is_mutating(),
            }));
        }
        // A run tells itself what it does, and would seem to take down what it only makes anew.
        if let Hint::Instance {
            subject, status, ..
        } = hint
            && self.leaves_alone(&subject.address) == Some(true)
        {
            let told = self.look(|s| s.status.as_ref()?.told(subject, *status));
            if let Some(report) = told {
                self.post(&Notice::Status {
                    ticket: None,
                    report: Arc::new(report),
                });
            }
        }
    }

    /// Returns what the run under way changes; `None`: there is none, or nobody knows yet, or it has actions, which may
    /// change anything.
    pub(super) fn at_work(&self) -> Option<BTreeSet<Address>> {
        let plan = self.look(|s| {
            let run = s.run.as_ref().filter(|run| run.finished.is_none())?;
            run.plan.clone()
        })?;
        let changes = plan.actions.iter().filter(|one| !one.steps.is_empty());
        let all: BTreeSet<Address> = changes.map(|one| one.address.clone()).collect();
        let acts = all.iter().any(|one| one.kind == ResourceKind::Procedure);
        (self.is_mutating() && !acts).then_some(all)
    }

    /// Tells whether nobody here changes this resource now; `None`: that is not known.
    pub(super) fn leaves_alone(&self, address: &Address) -> Option<bool> {
        if !self.is_mutating() {
            return Some(true);
        }
        self.at_work().map(|all| !all.contains(address))
    }

    /// Tells an event outside of a run.
    pub(super) fn event(&self, address: Option<Address>, kind: EventKind) {
        let seq = self.seq.get();
        self.seq.set(seq + 1);
        self.post(&Notice::Event(Event {
            at: self.workshop.now(),
            run_id: None,
            seq,
            address,
            step: None,
            attempt: None,
            kind,
        }));
    }

    /// Tells everybody at once, waiting for nobody; for the session's own loop and single notices.
    pub(super) fn post(&self, notice: &Notice) {
        self.fold(notice);
        for outlet in &self.outlets {
            outlet.push(notice.clone(), self.run_ticket());
        }
    }

    /// Tells everybody, and waits for readers that are behind; for streams.
    pub(super) async fn send(&self, notice: Notice) {
        self.fold(&notice);
        for outlet in &self.outlets {
            outlet.put(notice.clone(), self.run_ticket()).await;
        }
    }

    fn fold(&self, notice: &Notice) {
        let mut snapshot = self.snapshot.borrow_mut();
        // A flood of output is no reason to publish what stays as it was.
        if snapshot.changes(notice) {
            snapshot.apply(notice);
            if !self.dirty.replace(true) {
                self.behind.notify_one();
            }
        }
    }

    /// Looks at the snapshot.
    pub(super) fn look<R>(&self, read: impl FnOnce(&Snapshot) -> R) -> R {
        read(&self.snapshot.borrow())
    }

    /// Waits until the published snapshot is behind, by whichever task.
    pub(super) async fn until_behind(&self) {
        while !self.dirty.get() {
            self.behind.notified().await;
        }
    }

    /// Publishes the snapshot as it is now.
    pub(super) fn publish(&self) {
        self.dirty.set(false);
        if self.published.receiver_count() > 0 {
            let snapshot = Arc::new(self.snapshot.borrow().clone());
            self.published.send_replace(snapshot);
        }
    }

    /// Notes the mutating wish that begins, unless there is one already.
    pub(super) fn begin(&self, ticket: Ticket, word: &str) -> Result<(), Failure> {
        let mut mutating = self.mutating.borrow_mut();
        if let Some((_, word)) = mutating.as_ref() {
            return Err(crate::app::policy::busy(word));
        }
        *mutating = Some((ticket, word.to_owned()));
        self.stop.send_replace(Stop::Run);
        Ok(())
    }

    /// Notes that a wish ended; tells whether it was the mutating one.
    pub(super) fn ended(&self, ticket: Ticket) -> bool {
        let mut mutating = self.mutating.borrow_mut();
        let was = mutating.as_ref().is_some_and(|(t, _)| *t == ticket);
        if was {
            *mutating = None;
        }
        was
    }

    pub(super) fn is_mutating(&self) -> bool {
        self.mutating.borrow().is_some()
    }

    pub(super) fn run_ticket(&self) -> Option<Ticket> {
        self.mutating.borrow().as_ref().map(|(ticket, _)| *ticket)
    }

    /// Raises the wish to stop; it never sinks within a run.
    pub(super) fn stop(&self, stop: Stop) {
        self.stop.send_if_modified(|now| {
            let raised = stop > *now;
            *now = (*now).max(stop);
            raised
        });
    }

    pub(super) fn stops(&self) -> watch::Receiver<Stop> {
        self.stop.subscribe()
    }

    /// Gives the lead back.
    pub(super) fn resign(&self) {
        self.resign.send_replace(Stop::Drain);
    }

    /// Returns how a leader hears that it shall not lead any more; from now on somebody may.
    pub(super) fn resigns(&self) -> watch::Receiver<Stop> {
        self.resign.subscribe()
    }

    pub(super) fn outlets(&self) -> &[Outlet] {
        &self.outlets
    }
}

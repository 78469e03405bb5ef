//! Stamps events and hands them on: to the run's journal on disk, and to whoever watches.
//!
//! Every free text of an event is stripped and redacted here, at the only door, so that no call site can
//! forget it. The file has every event; the channel may be slow: then the oldest lines of output are left out
//! and counted, nothing else ever is.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::domain::event::{Event, EventKind};
use crate::domain::ids::RunId;
use crate::domain::run::order::EventDraft;
use crate::domain::secret::Secret;
use crate::engine::redact::Redactor;
use crate::engine::strip::{strip_lines, strip_output};
use crate::engine::verdict::said;
use crate::formats::event::encode_line;
use crate::ports::clock::Clock;
use crate::ports::disk::Disk;
use crate::ports::world::World;

/// Events kept for a slow reader, and bytes of output in them; beyond that the oldest lines of output are dropped.
const BACKLOG: usize = 8192;
const BACKLOG_OUTPUT: usize = 8 << 20;
/// Bytes of output lines in one run's journal; the rest is in the files of the steps.
const JOURNAL_OUTPUT: u64 = 16 * 1024 * 1024;
/// How long the end of a run waits for a reader that does not read.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Emits the events of one run.
pub(super) struct Emitter<'a, W: World> {
    world: &'a W,
    run: RunId,
    file: PathBuf,
    next: Cell<u64>,
    queue: RefCell<VecDeque<Event>>,
    /// Bytes of output in the queue.
    waiting: Cell<usize>,
    lost: Cell<u64>,
    warnings: Cell<u64>,
    output: Cell<u64>,
    /// Whether lines of output were left out of the journal.
    cut: Cell<bool>,
    /// Why the journal of the run cannot be written, if so.
    broken: RefCell<Option<String>>,
    sender: mpsc::Sender<Event>,
    redactor: RefCell<Redactor>,
}

impl<'a, W: World> Emitter<'a, W> {
    /// Starts the stream of a run.
    pub(super) fn new(world: &'a W, run: RunId, sender: mpsc::Sender<Event>) -> Self {
        Self {
            world,
            file: journal_of(&run),
            run,
            next: Cell::new(0),
            queue: RefCell::new(VecDeque::new()),
            waiting: Cell::new(0),
            lost: Cell::new(0),
            warnings: Cell::new(0),
            output: Cell::new(0),
            cut: Cell::new(false),
            broken: RefCell::new(None),
            sender,
            redactor: RefCell::new(Redactor::default()),
        }
    }

    /// From now on this value is masked wherever it turns up.
    pub(super) fn keep_secret(&self, secret: &Secret) {
        self.redactor.borrow_mut().register(secret);
    }

    /// Makes a text fit to be shown and kept.
    pub(super) fn clean(&self, text: &str) -> String {
        self.redactor.borrow().redact(&strip_lines(text))
    }

    /// Warns of something about the whole run.
    pub(super) fn warn(&self, text: String) {
        self.emit(EventDraft::run(EventKind::Warning { text }));
    }

    /// Returns the world its events are of.
    pub(super) fn world(&self) -> &'a W {
        self.world
    }

    /// Makes a line of output fit to be shown; its colours stay, see [`uncoloured`](crate::domain::event::uncoloured).
    pub(super) fn clean_output(&self, line: &str) -> String {
        strip_output(line, &self.redactor.borrow())
    }

    /// Returns the length in bytes of the longest text that must not be cut apart.
    pub(super) fn longest_secret(&self) -> usize {
        self.redactor.borrow().longest()
    }

    /// Emits one event.
    pub(super) fn emit(&self, draft: EventDraft) {
        let kind = self.cleaned(draft.kind);
        self.emit_cleaned(EventDraft { kind, ..draft });
    }

    /// Emits one event whose texts are clean already.
    pub(super) fn emit_cleaned(&self, draft: EventDraft) {
        let warning = matches!(draft.kind, EventKind::Warning { .. });
        self.warnings.set(self.warnings.get() + u64::from(warning));
        let event = Event {
            at: self.world.clock().wall(),
            run_id: Some(self.run.clone()),
            seq: self.next.replace(self.next.get() + 1),
            address: draft.address,
            step: draft.step,
            attempt: draft.attempt,
            kind: draft.kind,
        };
        self.write(&event);
        self.waiting.set(self.waiting.get() + event.output());
        self.queue.borrow_mut().push_back(event);
        self.pump();
        self.drop_oldest();
    }

    /// Emits several events.
    pub(super) fn emit_all(&self, drafts: impl IntoIterator<Item = EventDraft>) {
        for draft in drafts {
            self.emit(draft);
        }
    }

    /// Hands on as much as the reader takes now.
    pub(super) fn pump(&self) {
        let mut queue = self.queue.borrow_mut();
        while let Some(event) = queue.pop_front() {
            let output = event.output();
            match self.sender.try_send(event) {
                Ok(()) => self.waiting.set(self.waiting.get().saturating_sub(output)),
                Err(mpsc::error::TrySendError::Full(event)) => {
                    queue.push_front(event);
                    return;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => {
                    queue.clear();
                    self.waiting.set(0);
                    return;
                }
            }
        }
    }

    /// Waits until the reader takes more; for ever when there is nothing to hand on.
    pub(super) async fn reader(&self) {
        if self.queue.borrow().is_empty() {
            std::future::pending::<()>().await;
        }
        match self.sender.reserve().await {
            Ok(permit) => {
                if let Some(event) = self.queue.borrow_mut().pop_front() {
                    let left = self.waiting.get().saturating_sub(event.output());
                    self.waiting.set(left);
                    permit.send(event);
                }
            }
            Err(_) => {
                self.queue.borrow_mut().clear();
                self.waiting.set(0);
            }
        }
        self.pump();
    }

    /// Hands on everything that is left, for a while.
    pub(super) async fn finish(&self) {
        let drain = async {
            while !self.queue.borrow().is_empty() {
                self.reader().await;
            }
        };
        tokio::select! {
            biased;
            () = drain => {}
            () = self.world.clock().sleep(LAST_WORDS) => {}
        }
    }

    fn drop_oldest(&self) {
        let mut queue = self.queue.borrow_mut();
        while queue.len() > BACKLOG || self.waiting.get() > BACKLOG_OUTPUT {
            let oldest = queue
                .iter()
                .position(|event| matches!(event.kind, EventKind::Log { .. }));
            let Some(oldest) = oldest else {
                return;
            };
            if let Some(dropped) = queue.remove(oldest) {
                let left = self.waiting.get().saturating_sub(dropped.output());
                self.waiting.set(left);
            }
            self.lost.set(self.lost.get() + 1);
        }
    }

    /// Says how many lines of output the reader did not get, if any, and that the history has not all of the run.
    pub(super) fn own_up(&self) {
        let broken = self.broken.borrow().clone();
        if let Some(why) = broken {
            let text = format!("the history does not have all of this run: {why}");
            self.emit(EventDraft::run(EventKind::Warning { text }));
        }
        if self.cut.get() {
            let text =
                "the history has the first 16 MiB of output; more is in the files of its steps";
            self.warn(text.to_owned());
        }
        let lost = self.lost.get();
        if lost > 0 {
            let text = format!(
                "{lost} lines of output were not shown; they are in the files of their steps"
            );
            self.emit(EventDraft::run(EventKind::Warning { text }));
        }
    }

    /// Returns how many warnings were emitted.
    pub(super) fn warnings(&self) -> u64 {
        self.warnings.get()
    }

    fn write(&self, event: &Event) {
        let output = matches!(event.kind, EventKind::Log { .. });
        if output && self.output.get() > JOURNAL_OUTPUT {
            self.cut.set(true);
            return;
        }
        let last = matches!(event.kind, EventKind::RunFinished { .. });
        let mut line = encode_line(event);
        line.push('\n');
        if output {
            self.output.set(self.output.get() + line.len() as u64);
        }
        let told = self.broken.borrow().is_some();
        if let Err(error) = self.world.disk().append(&self.file, line.as_bytes(), last)
            && !told
        {
            tracing::warn!(%error, "the journal of the run cannot be written");
            *self.broken.borrow_mut() = Some(said(&error));
        }
    }

    fn cleaned(&self, kind: EventKind) -> EventKind {
        let clean = |text: String| self.clean(&text);
        let option = |text: Option<String>| text.map(|text| self.clean(&text));
        match kind {
            EventKind::RunFinished {
                outcome,
                exit_code,
                duration,
                message,
                warnings,
                forecast,
            } => EventKind::RunFinished {
                outcome,
                exit_code,
                duration,
                message: option(message),
                warnings,
                forecast,
            },
            EventKind::ActionFinished {
                outcome,
                duration,
                blame,
                message,
            } => EventKind::ActionFinished {
                outcome,
                duration,
                blame,
                message: option(message),
            },
            EventKind::StepFinished {
                outcome,
                exit_code,
                duration,
                log,
                message,
            } => EventKind::StepFinished {
                outcome,
                exit_code,
                duration,
                log,
                message: option(message),
            },
            EventKind::StepProgress { done, total, unit } => EventKind::StepProgress {
                done,
                total,
                unit: clean(unit),
            },
            EventKind::Log { stream, text } => EventKind::Log {
                stream,
                text: clean(text),
            },
            EventKind::HealthChanged { from, to, detail } => EventKind::HealthChanged {
                from,
                to,
                detail: clean(detail),
            },
            EventKind::LockChanged {
                verdict,
                holder,
                detail,
            } => EventKind::LockChanged {
                verdict,
                holder,
                detail: option(detail),
            },
            EventKind::Warning { text } => EventKind::Warning { text: clean(text) },
            kind @ (EventKind::RunStarted { .. }
            | EventKind::StageStarted { .. }
            | EventKind::PlanMade { .. }
            | EventKind::LayerStarted { .. }
            | EventKind::ActionStarted { .. }
            | EventKind::StepQueued { .. }
            | EventKind::StepStarted
            | EventKind::DriftFound { .. }
            | EventKind::DriftCleared
            | EventKind::ConfigChanged) => kind,
        }
    }
}

/// Returns the journal file of a run, relative to `.nanokit`.
pub(super) fn journal_of(run: &RunId) -> PathBuf {
    Path::new("runs").join(format!("{run}.jsonl"))
}

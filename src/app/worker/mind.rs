//! What the worker knows and what follows from it. Pure but for the type of its clock.
//!
//! It restores only while it leads, the platform answers, a look has confirmed what it knows, nobody else holds the
//! infrastructure lock, and what is to be restored stands on healthy dependencies. Everything else is said, not done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::app::command::{Command, Ticket};
use crate::app::notice::Notice;
use crate::app::worker::account::{millis, scope_of};
use crate::app::worker::cases::Cases;
use crate::app::worker::news::News;
use crate::domain::event::Event;
use crate::domain::ids::{Address, RunId};
use crate::domain::project::project::Project;
use crate::domain::project::watch::Restoring;
use crate::domain::report::StatusReport;
use crate::domain::report::worker::{Leadership, Phase, WorkerReport};
use crate::domain::time::Wall;

/// Pause between two looks at a lock that somebody else holds while a restore waits for it.
pub(super) const LOCK_AGAIN: Duration = Duration::from_secs(2);

/// How weighty a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The usual.
    Info,
    /// Somebody should know.
    Warn,
    /// Something does not work.
    Error,
}

impl Level {
    /// Returns the word in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Something the worker has to say, for its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// How weighty.
    pub level: Level,
    /// What it is about: `leader`, `platform`, `config`, `lock`, `restore`, `pending`, `life`.
    pub topic: &'static str,
    /// In words.
    pub text: String,
    /// What it is about, if one resource.
    pub address: Option<Address>,
}

/// Who this worker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Process and a random part.
    pub id: String,
    /// Process.
    pub pid: u32,
    /// Login name.
    pub user: String,
    /// Host.
    pub host: String,
    /// Version of the tool.
    pub version: String,
}

/// The mind.
#[derive(Debug)]
pub struct Worker {
    pub(super) me: Identity,
    pub(super) project: Arc<Project>,
    pub(super) report: WorkerReport,
    pub(super) cases: Cases,
    pub(super) status: Option<Arc<StatusReport>>,
    /// What drifted by the last report.
    pub(super) drifting: BTreeSet<Address>,
    /// What of it no restore may decide about.
    pub(super) left: BTreeSet<Address>,
    /// What of it would not be put back as it was recorded, and why.
    pub(super) held: BTreeMap<Address, String>,
    /// What of it a restore has begun with and not finished.
    pub(super) half_done: BTreeMap<Address, RunId>,
    /// Why it is not known what is ignored.
    pub(super) undecided: Option<String>,
    /// Whether a look has ended well since anything put what is known in doubt.
    pub(super) is_fresh: bool,
    /// Whether the lock was looked at.
    pub(super) lock_known: bool,
    pub(super) lock_again: Instant,
    pub(super) running: Option<(Ticket, Vec<Address>)>,
    pub(super) lock_asked: bool,
    /// Whether somebody else was at work since the last look.
    pub(super) wants_look: bool,
    pub(super) said: Vec<Said>,
    /// Drift as it came and went, and what of it may be told.
    pub(super) news: News,
}

impl Worker {
    /// Begins with a project that was loaded.
    #[must_use]
    pub fn new(me: Identity, project: Arc<Project>, now: Instant, wall: Wall) -> Self {
        let report = WorkerReport {
            id: me.id.clone(),
            pid: me.pid,
            who: format!("{}@{}", me.user, me.host),
            version: me.version.clone(),
            scope: scope_of(&project),
            started_at: wall,
            at: wall,
            phase: Phase::Activating,
            leadership: Leadership::Seeks("not decided yet".to_owned()),
            restore: project.drift.restore,
            interval_ms: millis(project.drift.interval),
            platform: Err("not reached yet".to_owned()),
            config_fault: None,
            lock_held_by: None,
            looked_at: None,
            drifted: Vec::new(),
            half_done: Vec::new(),
            pending: Vec::new(),
            held: BTreeMap::new(),
            restoring: Vec::new(),
            waiting: Vec::new(),
            ailing: Vec::new(),
            last: None,
            restored: 0,
            failed: 0,
        };
        Self {
            me,
            project,
            report,
            cases: Cases::default(),
            status: None,
            drifting: BTreeSet::new(),
            left: BTreeSet::new(),
            held: BTreeMap::new(),
            half_done: BTreeMap::new(),
            undecided: None,
            is_fresh: false,
            lock_known: false,
            lock_again: now,
            running: None,
            lock_asked: false,
            wants_look: false,
            said: Vec::new(),
            news: News::default(),
        }
    }

    /// Hears what the session tells.
    pub fn hear(&mut self, notice: &Notice, now: Instant, wall: Wall) {
        match notice {
            Notice::Config(hydrated) => self.loaded(hydrated),
            Notice::Link(link) => self.linked(link, now),
            Notice::Trouble(trouble) => self.troubled(trouble.as_deref()),
            Notice::Looked => {
                self.is_fresh = true;
                self.report.looked_at = Some(wall);
                if self.report.phase == Phase::Activating {
                    self.report.phase = Phase::Watching;
                }
                self.looked(now);
            }
            Notice::Drift { report, .. } => self.drifted(report, now),
            Notice::Status { report, .. } => {
                self.status = Some(Arc::clone(report));
                self.sort_out(now);
            }
            Notice::Lock { report, .. } => {
                self.news.beat(report, now);
                self.looked_at_lock(report);
            }
            Notice::Event(event) => {
                self.news.happened(event);
                // During its own restore the session tells only what the restore leaves alone.
                if self.running.is_some() {
                    self.news.release();
                }
            }
            Notice::Leadership(news) => self.led(news),
            Notice::Done { ticket, .. } => self.ended(*ticket, None, (now, wall)),
            Notice::Failed {
                ticket: Some(ticket),
                failure,
            } => self.ended(*ticket, Some(failure), (now, wall)),
            Notice::Failed {
                ticket: None,
                failure,
            } => self.say(Level::Error, "life", failure.message.clone()),
            Notice::Planned { .. }
            | Notice::Heard(_)
            | Notice::PlanStale { .. }
            | Notice::Usual(_)
            | Notice::Unlocked { .. }
            | Notice::LockHistory { .. }
            | Notice::Record { .. }
            | Notice::Runs { .. }
            | Notice::RunEvents { .. }
            | Notice::Usage { .. }
            | Notice::Probes { .. }
            | Notice::Stored { .. }
            | Notice::Installs { .. }
            | Notice::Workers(_)
            | Notice::Amended { .. }
            | Notice::Ignored { .. }
            | Notice::Output { .. }
            | Notice::OutputLost { .. } => {}
        }
    }

    /// Returns what it wishes for now, if anything; the wish is told back with [`Worker::sent`].
    pub fn wish(&mut self, now: Instant) -> Option<Command> {
        if std::mem::take(&mut self.wants_look) {
            return Some(Command::Look);
        }
        let due = self.due(now)?;
        if self.report.lock_held_by.is_some() || !self.lock_known {
            // A holder that died tells nobody, so it is looked at as long as something waits for it.
            if now < self.lock_again || self.lock_asked {
                return None;
            }
            self.lock_again = now + LOCK_AGAIN;
            self.lock_asked = true;
            return Some(Command::Lock {
                watch_for: Duration::ZERO,
            });
        }
        Some(Command::Restore {
            addresses: due,
            approved: None,
            lock_wait: Duration::ZERO,
        })
    }

    /// Notes that a wish was sent.
    pub fn sent(&mut self, command: &Command, ticket: Ticket) {
        if let Command::Restore { addresses, .. } = command {
            let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            self.say(
                Level::Info,
                "restore",
                format!("restoring {}", names.join(", ")),
            );
            self.running = Some((ticket, addresses.clone()));
        }
    }

    /// Returns how long nothing is to be done unless something is heard.
    #[must_use]
    pub fn patience(&self, now: Instant) -> Option<Duration> {
        if !self.may_act() {
            return None;
        }
        let next = self
            .wanted()
            .filter(|address| self.lacks(address, now).is_none())
            .filter_map(|address| self.cases.due(address))
            .min()?;
        let next = if next <= now { self.lock_again } else { next };
        Some(
            next.saturating_duration_since(now)
                .max(Duration::from_millis(10)),
        )
    }

    /// Stops wishing: what is under way is the last.
    pub fn drain(&mut self) {
        self.report.phase = Phase::Draining;
        self.say(
            Level::Info,
            "life",
            "draining: what is under way is finished".to_owned(),
        );
    }

    /// Tells whether a restore is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    /// Takes out what is to be told of drift that came and went.
    pub fn take_news(&mut self) -> Vec<Event> {
        self.news.take()
    }

    /// Takes out what it has to say.
    pub fn take_said(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    pub(super) fn say(&mut self, level: Level, topic: &'static str, text: String) {
        self.said.push(Said {
            level,
            topic,
            text,
            address: None,
        });
    }

    fn may_act(&self) -> bool {
        self.project.drift.restore == Restoring::Auto
            && self.report.leadership == Leadership::Leads
            && self.report.phase == Phase::Watching
            && self.report.platform.is_ok()
            && self.is_fresh
            && self.undecided.is_none()
            && self.running.is_none()
    }

    /// What drifted and may be restored by the file.
    pub(super) fn wanted(&self) -> impl Iterator<Item = &Address> {
        let open = self.cases.open();
        open.filter(|address| {
            let is_left = self.left.contains(*address) || self.holds_back(address);
            self.project.drift.covers(address) && !is_left
        })
    }

    /// Tells whether only a human restores it: by itself it puts back what was recorded and nothing else.
    pub(super) fn holds_back(&self, address: &Address) -> bool {
        let acts = self.project.drift.restore == Restoring::Auto;
        acts && self.project.drift.covers(address) && self.held.contains_key(address)
    }

    /// Returns everything that is to be restored now, if anything.
    fn due(&self, now: Instant) -> Option<Vec<Address>> {
        if !self.may_act() {
            return None;
        }
        let due: Vec<Address> = self
            .wanted()
            .filter(|one| self.cases.due(one).is_some_and(|due| due <= now))
            .filter(|address| self.lacks(address, now).is_none())
            .cloned()
            .collect();
        (!due.is_empty()).then_some(due)
    }
}

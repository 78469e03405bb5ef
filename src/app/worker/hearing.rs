//! What each piece of news does to the worker's mind.

use std::sync::Arc;

use tokio::time::Instant;

use crate::app::command::Ticket;
use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::{Hydrated, Link};
use crate::app::worker::account::{millis, scope_of};
use crate::app::worker::cases::AFTER_RESTORE;
use crate::app::worker::mind::{LOCK_AGAIN, Level, Said, Worker};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::ids::{Address, ResourceKind, RunId};
use crate::domain::lease::{LockReport, Verdict};
use crate::domain::plan::model::Change;
use crate::domain::project::watch::Restoring;
use crate::domain::report::DriftReport;
use crate::domain::report::worker::{Leadership, Restored, who};
use crate::domain::time::Wall;

impl Worker {
    pub(super) fn loaded(&mut self, hydrated: &Hydrated) {
        let Some(project) = &hydrated.project else {
            let errors = hydrated.diagnostics.iter().filter(|d| d.is_error());
            let first = errors
                .clone()
                .next()
                .map(|d: &Diagnostic| d.message.as_str());
            let fault = format!(
                "{} ({} in all); the last good file holds",
                first.unwrap_or("it cannot be read"),
                errors.count().max(1)
            );
            if self.report.config_fault.as_ref() != Some(&fault) {
                self.say(
                    Level::Error,
                    "config",
                    format!("the file has errors: {fault}"),
                );
                self.report.config_fault = Some(fault);
            }
            return;
        };
        if self.report.config_fault.take().is_some() {
            self.say(Level::Info, "config", "the file is good again".to_owned());
        }
        if project.drift != self.project.drift {
            let watch = &project.drift;
            let text = format!(
                "from now on: restore {}, a full look every {} s",
                watch.restore.as_str(),
                watch.interval.as_secs()
            );
            self.say(Level::Info, "config", text);
        }
        self.report.restore = project.drift.restore;
        self.report.interval_ms = millis(project.drift.interval);
        self.report.scope = scope_of(project);
        self.project = Arc::clone(project);
    }

    /// A look has ended well: what it found is told, unless somebody at work is at it.
    pub(super) fn looked(&mut self, now: Instant) {
        let is_held = self.report.lock_held_by.is_some();
        if self.running.is_none() && !(is_held && self.news.is_beating(now)) {
            self.news.release();
        }
        if self.project.drift.restore != Restoring::Auto
            || self.report.leadership != Leadership::Leads
        {
            return;
        }
        for pause in self.cases.pauses(now) {
            if self.project.drift.covers(&pause.address) {
                let text = format!(
                    "{} drifted again after {}: it is restored in {} s; each pause is twice as long as the one before, up to {} s",
                    pause.address,
                    times(pause.attempts),
                    pause.rest.as_millis().div_ceil(1_000),
                    AFTER_RESTORE.1.as_secs(),
                );
                self.said.push(Said {
                    level: Level::Warn,
                    topic: "restore",
                    text,
                    address: Some(pause.address),
                });
            }
        }
    }

    pub(super) fn linked(&mut self, link: &Link, now: Instant) {
        match link {
            Link::Connecting => {}
            Link::Up(what) => {
                self.cases.afresh(now);
                self.say(Level::Info, "platform", format!("watching {what}"));
                self.report.platform = Ok(what.clone());
            }
            Link::Down(why) => {
                self.is_fresh = false;
                self.say(
                    Level::Warn,
                    "platform",
                    format!("it does not answer: {why}"),
                );
                self.report.platform = Err(why.clone());
            }
        }
    }

    pub(super) fn troubled(&mut self, trouble: Option<&Failure>) {
        if let Some(failure) = trouble {
            self.is_fresh = false;
            self.say(Level::Error, "look", failure.chain());
        }
    }

    pub(super) fn drifted(&mut self, report: &DriftReport, now: Instant) {
        self.decided(report.undecided.as_ref());
        self.drifting = report.drifted.keys().cloned().collect();
        let left = report.drifted.iter().filter(|(address, changes)| {
            address.kind == ResourceKind::Volume && changes.iter().any(Change::is_another_object)
        });
        self.left = left.map(|(address, _)| address.clone()).collect();
        self.hold(report);
        let before = std::mem::replace(&mut self.half_done, report.half_done.clone());
        for (address, run) in &report.half_done {
            // Its own it has told of already.
            if before.get(address) != Some(run) && self.cases.attempts(address) == 0 {
                self.left_behind(address, run);
            }
        }
        for address in self.sort_out(now) {
            if self.left.contains(&address) {
                self.said.push(Said {
                    level: Level::Warn,
                    topic: "pending",
                    text: format!("{address} was removed and made anew by hand: no restore decides about what is in it; `nkapp drift accept {address}` takes it over as it is"),
                    address: Some(address),
                });
                continue;
            }
            let asks =
                self.project.drift.restore == Restoring::Ask && self.project.drift.covers(&address);
            if asks && !self.half_done.contains_key(&address) {
                self.said.push(Said {
                    level: Level::Warn,
                    topic: "pending",
                    text: format!("{address} drifted: `nkapp drift --restore` puts it back"),
                    address: Some(address),
                });
            }
        }
    }

    /// What somebody decided to live with is not undone because the decision cannot be read.
    fn decided(&mut self, undecided: Option<&String>) {
        if undecided == self.undecided.as_ref() {
            return;
        }
        match undecided {
            Some(why) => {
                let text = format!("what is ignored is not known, so nothing is restored: {why}");
                self.say(Level::Error, "restore", text);
            }
            None => self.say(
                Level::Info,
                "restore",
                "what is ignored is known again".to_owned(),
            ),
        }
        self.undecided = undecided.cloned();
    }

    /// Leaves to a human what would not be put back as it was recorded, and says so once.
    fn hold(&mut self, report: &DriftReport) {
        let before = std::mem::replace(&mut self.held, report.held.clone());
        for (address, why) in &report.held {
            if before.get(address) != Some(why) && self.holds_back(address) {
                let command = format!("nkapp drift --restore {}", address.target());
                self.said.push(Said {
                    level: Level::Warn,
                    topic: "pending",
                    text: format!("{address} drifted and is left to you: {why}; `{command}` shows what it would do"),
                    address: Some(address.clone()),
                });
            }
        }
    }

    /// Tells that a restore of somebody else did not get to its end, and who goes on with it.
    fn left_behind(&mut self, address: &Address, run: &RunId) {
        let acts = self.project.drift.restore == Restoring::Auto;
        let next = if acts && self.project.drift.covers(address) {
            "the leader takes it up again"
        } else {
            "`nkapp drift --restore` finishes it"
        };
        self.said.push(Said {
            level: Level::Warn,
            topic: "pending",
            text: format!("a restore of {address} was begun and not finished (run {run}): {next}"),
            address: Some(address.clone()),
        });
    }

    /// Compares what is known to have drifted with how everything stands; returns what is new.
    pub(super) fn sort_out(&mut self, now: Instant) -> Vec<Address> {
        let status = self.status.clone();
        let is_ready = |address: &Address| {
            let found = status.as_ref().and_then(|s| s.resources.get(address));
            found.is_none_or(|one| one.ready)
        };
        self.cases.found(&self.drifting, is_ready, now)
    }

    pub(super) fn looked_at_lock(&mut self, report: &LockReport) {
        self.lock_known = true;
        self.lock_asked = false;
        let record = report.record.as_ref();
        let ours =
            record.is_some_and(|r| r.holder.pid == self.me.pid && r.holder.host == self.me.host);
        let held = match report.verdict {
            Verdict::Free | Verdict::Dead => None,
            _ if ours => None,
            Verdict::Alive | Verdict::Expired | Verdict::Unknown => Some(record.map_or_else(
                || "nobody knows whom".to_owned(),
                |record| match record.occupation.command.as_str() {
                    "" => who(&record.holder),
                    command => format!("{}, doing `{command}`", who(&record.holder)),
                },
            )),
        };
        if held == self.report.lock_held_by {
            return;
        }
        match &held {
            Some(who) => {
                let text = format!("the lock is held by {who}: nothing is restored meanwhile");
                self.say(Level::Info, "lock", text);
            }
            None => {
                // What the holder did is not looked at yet.
                self.is_fresh = false;
                self.wants_look = true;
                self.say(Level::Info, "lock", "the lock is free".to_owned());
            }
        }
        self.report.lock_held_by = held;
    }

    pub(super) fn led(&mut self, news: &Leadership) {
        if self.report.leadership == *news {
            return;
        }
        let (level, text) = match news {
            Leadership::Leads => (Level::Info, "this worker leads".to_owned()),
            Leadership::StandsBy(who) => (Level::Info, format!("standing by: {who} leads")),
            Leadership::Seeks(why) => (Level::Warn, format!("this worker does not lead: {why}")),
        };
        self.say(level, "leader", text);
        if *news == Leadership::Leads {
            // Whoever led before may have left something half done since the last look.
            self.is_fresh = false;
            self.wants_look = true;
        }
        self.report.leadership = news.clone();
    }

    pub(super) fn ended(
        &mut self,
        ticket: Ticket,
        failure: Option<&Failure>,
        (now, wall): (Instant, Wall),
    ) {
        if self
            .running
            .as_ref()
            .is_none_or(|(ours, _)| *ours != ticket)
        {
            self.lock_asked = false;
            return;
        }
        let Some((_, addresses)) = self.running.take() else {
            return;
        };
        // The session looks once more after every run.
        self.is_fresh = false;
        self.lock_again = now + LOCK_AGAIN;
        let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let names = names.join(", ");
        match failure {
            None => {
                self.report.restored += 1;
                self.cases.tried(&addresses, true, now);
                self.say(Level::Info, "restore", format!("restored {names}"));
            }
            Some(failure) if failure.kind == FailureKind::Locked => {
                self.lock_known = false;
                let text = format!("{names} not restored: {}", failure.message);
                self.say(Level::Info, "lock", text);
                return;
            }
            Some(failure) if failure.kind == FailureKind::Interrupted => return,
            Some(failure) => {
                self.report.failed += 1;
                self.cases.tried(&addresses, false, now);
                let sources = failure.sources.iter().map(|source| format!("; {source}"));
                let next = addresses.iter().filter_map(|one| self.cases.due(one)).min();
                let pause = next.map_or(0, |next| next.saturating_duration_since(now).as_secs());
                let text = format!(
                    "{names} not restored: {}{}; tried again in {pause} s",
                    failure.message,
                    sources.collect::<String>()
                );
                self.say(Level::Error, "restore", text);
            }
        }
        self.report.last = Some(Restored {
            at: wall,
            addresses,
            failure: failure.map(|failure| failure.message.clone()),
        });
    }
}

fn times(attempts: u32) -> String {
    match attempts {
        1 => "a restore".to_owned(),
        more => format!("{more} restores"),
    }
}

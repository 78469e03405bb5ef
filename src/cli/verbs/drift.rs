//! `nkapp drift`: live against recorded, once or for as long as one watches; restoring goes through a plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::app::command::Command;
use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::{Link, Notice};
use crate::app::session::{self, Reader, Settings};
use crate::cli::args::{How, ScheduleArg};
use crate::cli::errand::{Errand, Owed};
use crate::cli::exit;
use crate::cli::ground::{Heard, Line};
use crate::cli::verbs::change;
use crate::domain::event::EventKind;
use crate::domain::ids::Address;
use crate::domain::plan::model::Purpose;
use crate::domain::report::DriftReport;
use crate::present::role::Role;
use crate::present::rows::drift as rows;

pub(super) fn drift(errand: &mut Errand<'_>, all: bool) -> Result<u8, Failure> {
    let answer = errand.question(Command::Drift)?;
    let report: Option<Arc<DriftReport>> =
        answer.notices.into_iter().find_map(|notice| match notice {
            Notice::Drift { report, .. } => Some(report),
            _ => None,
        });
    let Some(report) = report else {
        return Err(session::gone());
    };
    if errand.printer.json {
        errand
            .printer
            .document(&crate::formats::report::drift(&report));
    } else {
        let now = errand.ground.now();
        errand.printer.rows(&rows::drift(&report, all, now));
    }
    Ok(if report.drifted.is_empty() {
        exit::DONE
    } else {
        exit::FOUND
    })
}

/// Returns what a restore of everything is about: nothing in particular, or where something is ignored, the rest.
pub(super) fn counting(
    errand: &mut Errand<'_>,
    line: &mut dyn Line,
) -> Result<BTreeSet<String>, Failure> {
    let answer = errand.ask_line(line, Command::Drift)?;
    let report = answer.notices.into_iter().find_map(|notice| match notice {
        Notice::Drift { report, .. } => Some(report),
        _ => None,
    });
    let report = report.ok_or_else(session::gone)?;
    if report.ignored.is_empty() {
        return Ok(BTreeSet::new());
    }
    if report.drifted.is_empty() {
        return Err(
            Failure::new(FailureKind::Refused, "all that drifted is ignored")
                .hint("a service that is ignored as a whole is restored all the same when it is named")
                .hint("an ignored field is left as it is until `nkapp drift unignore` takes that back")
                .next("nkapp drift ignored"),
        );
    }
    Ok(report.drifted.keys().map(Address::target).collect())
}

pub(super) fn restore(
    errand: &mut Errand<'_>,
    services: &[String],
    yes: bool,
) -> Result<u8, Failure> {
    let how = How {
        yes,
        force: false,
        parallelism: 8,
        schedule: ScheduleArg::Layered,
        lock_timeout: 0,
    };
    change::change(errand, Purpose::Restore, services, None, &how)
}

pub(super) fn watch(errand: &mut Errand<'_>) -> Result<u8, Failure> {
    errand.project()?;
    errand.owed = Owed::Nothing;
    let mut line = errand.ground.connect(Settings {
        live: true,
        reader: Reader::Lossless,
        read_only: errand.read_only,
        workers: false,
        stays: false,
    })?;
    line.listen_to_signals();
    let mut is_known = true;
    loop {
        match line.hear(None) {
            Heard::Notice(notice) => match *notice {
                Notice::Event(event) if is_ours(&event.kind) => errand.event(&event),
                Notice::Trouble(Some(failure)) => {
                    is_known = false;
                    let text = format!("what drifted is not known: {}", failure.chain());
                    errand.printer.remark(Role::Warn, &text);
                }
                Notice::Looked if !is_known => {
                    is_known = true;
                    errand
                        .printer
                        .remark(Role::Warn, "what drifted is known again");
                }
                Notice::Link(Link::Down(why)) => {
                    errand
                        .printer
                        .remark(Role::Warn, &format!("the platform does not answer: {why}"));
                }
                Notice::Link(Link::Up(what)) => {
                    errand
                        .printer
                        .remark(Role::Dim, &format!("watching {what}; Ctrl-C ends it"));
                }
                Notice::Failed { failure, .. } => return Err(failure),
                _ => {}
            },
            Heard::Tick => {}
            Heard::Interrupt | Heard::Terminate | Heard::Hangup => {
                return Err(Failure::new(FailureKind::Interrupted, "interrupted"));
            }
            Heard::Closed => return Err(session::gone()),
        }
        if errand.printer.is_unread() {
            return Ok(exit::DONE);
        }
    }
}

fn is_ours(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::DriftFound { .. }
            | EventKind::DriftCleared
            | EventKind::ConfigChanged
            | EventKind::LockChanged { .. }
            | EventKind::Warning { .. }
    )
}

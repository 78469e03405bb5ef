//! `nkapp infra lock` and `infra unlock`: who holds the lock, and how it is cleared without making things worse.
//!
//! Unlocking goes by the verdict: FREE needs nothing, DEAD is proven and cleared, EXPIRED is a conflict (exit 4),
//! ALIVE and UNKNOWN are refused (exit 5). `--force` with a reason and the lock id works on any of them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::app::command::{Command, UnlockRequest};
use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::{Notice, UnlockEnd};
use crate::app::policy::{self, Context};
use crate::app::session;
use crate::app::snapshot::Snapshot;
use crate::cli::args::Infra;
use crate::cli::errand::{Errand, Owed};
use crate::cli::ground::Line;
use crate::cli::{ask, exit, json};
use crate::domain::ids::LockId;
use crate::domain::lease::{LeaseTimes, LockReport, LockStatus, Verdict};
use crate::domain::report::lock::way_out;
use crate::formats::report;
use crate::present::role::{Role, Row};
use crate::present::rows::{lock as rows, lock_history};
use crate::present::words;

pub(super) fn infra(errand: &mut Errand<'_>, verb: &Infra) -> Result<u8, Failure> {
    match verb {
        Infra::Lock { history: true, .. } => history(errand),
        Infra::Lock { watch, .. } => lock(errand, *watch),
        Infra::Unlock {
            lock_id,
            yes,
            force,
            reason,
            watch,
        } => {
            let request = UnlockRequest {
                lock_id: lock_id.as_deref().map(LockId::new),
                version: None,
                force: *force,
                reason: reason.clone(),
            };
            unlock(errand, request, *yes, *watch)
        }
    }
}

fn lock(errand: &mut Errand<'_>, watch: u32) -> Result<u8, Failure> {
    errand.project()?;
    let mut line = errand.connect()?;
    let report = look(errand, line.as_mut(), watch)?;
    if errand.printer.json {
        errand.printer.document(&report::lock(&report));
    } else {
        let now = errand.ground.now();
        errand.printer.rows(&rows::lock(&report, now));
        errand.printer.rows(&rows::next(&report));
    }
    Ok(exit::DONE)
}

fn history(errand: &mut Errand<'_>) -> Result<u8, Failure> {
    let answer = errand.question(Command::LockHistory)?;
    let found = answer.notices.into_iter().find_map(|notice| match notice {
        Notice::LockHistory { history, .. } => Some(history),
        _ => None,
    });
    let history = found.ok_or_else(session::gone)?;
    if errand.printer.json {
        errand.printer.document(&report::lock_history(&history));
    } else {
        errand.printer.rows(&lock_history::rows(&history));
    }
    Ok(exit::DONE)
}

fn look(
    errand: &mut Errand<'_>,
    line: &mut dyn Line,
    watch: u32,
) -> Result<Arc<LockReport>, Failure> {
    let watch_for = Duration::from_secs(u64::from(watch));
    let answer = errand.ask_line(line, Command::Lock { watch_for })?;
    answer
        .notices
        .into_iter()
        .rev()
        .find_map(|notice| match notice {
            Notice::Lock { report, .. } => Some(report),
            _ => None,
        })
        .ok_or_else(session::gone)
}

fn unlock(
    errand: &mut Errand<'_>,
    mut request: UnlockRequest,
    yes: bool,
    watch: u32,
) -> Result<u8, Failure> {
    let (_, project) = errand.project()?;
    let times = LeaseTimes::of(project.lock_lease);
    let mut line = errand.connect()?;
    let report = look(errand, line.as_mut(), watch)?;
    if report.verdict == Verdict::Free || is_cleared(&report) {
        return Ok(was_free(errand, &report));
    }
    if !errand.printer.json {
        let now = errand.ground.now();
        errand.printer.say(&rows::lock(&report, now));
    }
    let held = report.name();
    if let (Some(given), Some(held)) = (&request.lock_id, &held)
        && !report.is_named(given)
    {
        let failure = Failure::new(
            FailureKind::Locked,
            format!("lock {given} is not held any more"),
        )
        .hint(format!("the lock that is held now is {held}"))
        .next("nkapp infra lock");
        return Err(refused(errand, &report, failure));
    }
    if held.is_none() || (!request.force && report.verdict != Verdict::Dead) {
        let failure = not_proven(&report, &times);
        return Err(refused(errand, &report, failure));
    }
    let snapshot = Snapshot {
        lock: Some(Arc::clone(&report)),
        ..Snapshot::default()
    };
    let context = Context {
        terminal: errand.terminal.interactive,
        assume_yes: yes,
        force: request.force,
        read_only: errand.read_only,
    };
    let asked = Command::Unlock {
        request: request.clone(),
    };
    ask::settle(errand, policy::judge(&asked, &snapshot, context))?;
    request.lock_id = held;
    request.version.clone_from(&report.version);
    let answer = errand.ask_line(line.as_mut(), Command::Unlock { request })?;
    let end = answer.notices.into_iter().find_map(|notice| match notice {
        Notice::Unlocked { end, .. } => Some(end),
        _ => None,
    });
    match end.ok_or_else(session::gone)? {
        UnlockEnd::WasFree => Ok(was_free(errand, &report)),
        UnlockEnd::Cleared(verdict) => Ok(cleared(errand, &report, verdict)),
        UnlockEnd::Refused(now) => {
            let failure = not_proven(&now, &times);
            Err(refused(errand, &now, failure))
        }
        UnlockEnd::Changed(now) => {
            let failure = Failure::new(
                FailureKind::Locked,
                "the lock changed while it was being looked at",
            )
            .next("nkapp infra lock");
            Err(refused(errand, &now, failure))
        }
    }
}

/// Tells whether somebody cleared the lock already, though it is not given out yet.
fn is_cleared(report: &LockReport) -> bool {
    let record = report.record.as_ref();
    record.is_some_and(|record| record.status == LockStatus::Broken)
}

/// Seconds after which a heartbeat that stands still tells something, with some to spare for the last look.
fn watched_for(report: &LockReport, times: &LeaseTimes) -> u64 {
    const SPARE: u64 = 4;
    let held = report.record.as_ref().map(|record| record.lease);
    times.silence(held.unwrap_or_default()).as_secs() + SPARE
}

/// The failure for a verdict that is no proof.
fn not_proven(report: &LockReport, times: &LeaseTimes) -> Failure {
    let (word, _) = words::verdict(report.verdict);
    let kind = match report.verdict {
        Verdict::Expired => FailureKind::Locked,
        Verdict::Free | Verdict::Dead | Verdict::Alive | Verdict::Unknown => FailureKind::Refused,
    };
    let failure = Failure::new(
        kind,
        format!(
            "the lock is not cleared: {word}, {}",
            words::lock_meaning(report)
        ),
    )
    .about(report.location.clone());
    if let Some((why, command)) = way_out(report) {
        return failure.hint(why).next(command);
    }
    let id = report.name().unwrap_or_default();
    match report.verdict {
        Verdict::Alive if report.is_stopped() => failure
            .hint("let the process go on (`kill -CONT`, or `fg` in its shell), or end it")
            .next("nkapp infra lock"),
        Verdict::Alive => failure
            .hint("wait for the holder, or ask them to stop")
            .next("nkapp infra lock"),
        Verdict::Unknown => failure
            .hint(format!(
                "watch the heartbeat before judging: `nkapp infra lock --watch {}`",
                watched_for(report, times)
            ))
            .next(format!("nkapp infra unlock {id} --force --reason \"why\"")),
        Verdict::Expired | Verdict::Dead | Verdict::Free => failure
            .hint("make sure that nobody is at work, then say so")
            .next(format!("nkapp infra unlock {id} --force --reason \"why\"")),
    }
}

fn was_free(errand: &mut Errand<'_>, report: &LockReport) -> u8 {
    if errand.printer.json {
        let document = json!({"outcome": "was_free", "lock": report::lock(report)});
        errand.printer.document(&document);
    } else {
        errand
            .printer
            .rows(&[Row::at(0).with(Role::Good, "Nothing to clear: the lock is free")]);
        if report.verdict != Verdict::Free {
            errand.printer.rows(&[delayed()]);
        }
    }
    exit::DONE
}

fn cleared(errand: &mut Errand<'_>, report: &LockReport, verdict: Verdict) -> u8 {
    if errand.printer.json {
        let document = json!({
            "outcome": "cleared",
            "verdict": verdict.as_str(),
            "lock": report::lock(report),
        });
        errand.printer.document(&document);
    } else {
        let (word, _) = words::verdict(verdict);
        let row = Row::at(0)
            .with(Role::Good, "Cleared ")
            .with(Role::Path, &report.location)
            .with(Role::Dim, format!(" (it was {word})"));
        errand.printer.rows(&[row]);
        if verdict != Verdict::Dead {
            errand.printer.rows(&[delayed()]);
        }
    }
    exit::DONE
}

/// What follows from a lock that was cleared without proof.
fn delayed() -> Row {
    let text = "The next run waits until its holder must have stopped, or is proven gone";
    Row::at(0).with(Role::Dim, text)
}

/// Prints the document of a refusal with everything it rests on.
fn refused(errand: &mut Errand<'_>, report: &LockReport, failure: Failure) -> Failure {
    if errand.printer.json {
        let document = json!({
            "outcome": "refused",
            "verdict": report.verdict.as_str(),
            "lock": report::lock(report),
            "error": json::failure_object(&failure),
        });
        errand.printer.document(&document);
        errand.owed = Owed::Nothing;
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advised_watch_is_long_enough_to_tell() {
        let report = LockReport {
            location: "lock".into(),
            verdict: Verdict::Unknown,
            record: None,
            version: Some("0123456789".into()),
            evidence: Vec::new(),
        };
        for lease in [3, 30, 90, 120] {
            let times = LeaseTimes::of(Some(Duration::from_secs(lease)));
            let silence = times.lease + times.grace;
            assert!(u128::from(watched_for(&report, &times)) * 1_000 > silence.as_millis());
            // What is advised is enough for a holder with a longer lease, too.
            let hour = Duration::from_secs(3_600);
            let silence = LeaseTimes::of(Some(hour)).delay();
            assert_eq!(times.silence(hour), silence);
        }
    }
}

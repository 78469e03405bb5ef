//! What was done with the lock, and with the state by hand: written while it is done, read for whoever asks.
//!
//! `audit.log` has what took something from somebody: a lock that was cleared or taken over, a state that was replaced, a
//! step of an action that was passed over, an action that was given up. Its line is durable before the deed. `lock.log` has
//! the everyday of whoever took the lock and gave it back. Neither grows without end: the holder of the lock sets a long one
//! aside (`audit.log.1`, `lock.log.1`), in the place of what was set aside before.

use std::path::Path;

use crate::domain::lease::{Evidence, LockRecord, LockReport, Verdict};
use crate::domain::report::store::{LockDeed, LockHistory};
use crate::engine::lock_report::who;
use crate::engine::reconcile::EngineError;
use crate::formats::{audit, state};
use crate::ports::cas_store::CasStore;
use crate::ports::clock::Clock;
use crate::ports::disk::Disk;
use crate::ports::process::Processes;
use crate::ports::world::World;

/// What took something from somebody.
pub(super) const AUDIT: &str = "audit.log";
/// Who took the lock and gave it back.
pub(super) const TAKEN: &str = "lock.log";
/// Length in bytes at which a log is set aside under the name with `.1`, in the place of the one before it: so much of
/// what is newest is always kept.
const KEPT: usize = 256 << 10;
/// Most of a log that is read, in bytes.
const LIMIT: u64 = 16 << 20;

/// Appends the line that says who takes whose lock and why; durable when it returns.
pub(super) fn audit<W: World>(
    world: &W,
    report: &LockReport,
    act: &str,
    reason: Option<&str>,
) -> Result<(), EngineError> {
    let about = report.record.as_ref().map(about).unwrap_or_default();
    let held_by = report
        .record
        .as_ref()
        .map(|record| format!("{} (process {})", who(&record.holder), record.holder.pid));
    append(
        world,
        &LockDeed {
            act: act.to_owned(),
            reason: reason.map(ToOwned::to_owned),
            location: report.location.clone(),
            held_by: held_by.unwrap_or_default(),
            verdict: report.verdict.as_str().to_owned(),
            evidence: report
                .evidence
                .iter()
                .map(|line| line.finding.clone())
                .collect(),
            ..about
        },
    )
}

/// Something done to the state by hand.
#[derive(Clone, Debug)]
pub(super) struct StateDeed {
    /// What: `push`, `force_push`, `rebuild`.
    pub act: &'static str,
    /// What stood there before.
    pub found: String,
    /// What is put in its place.
    pub put: String,
}

/// Appends the line that says who replaces the state, under which lock; durable when it returns.
pub(super) fn audit_state<W: World>(
    world: &W,
    lock: &LockRecord,
    deed: &StateDeed,
) -> Result<(), EngineError> {
    append(
        world,
        &LockDeed {
            act: deed.act.to_owned(),
            location: world.state().location(),
            evidence: vec![
                format!("found: {}", deed.found),
                format!("put: {}", deed.put),
            ],
            ..about(lock)
        },
    )
}

/// A decision about an action that stopped.
#[derive(Clone, Debug)]
pub(super) struct FlowDeed {
    /// What: `skip`, `abort`.
    pub act: &'static str,
    /// Which action.
    pub action: String,
    /// The step that is passed over, or the one it had stopped at.
    pub step: Option<String>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
}

/// Appends the line that says who passes over a step or gives an action up; durable when it returns.
pub(super) fn audit_flow<W: World>(
    world: &W,
    lock: &LockRecord,
    deed: FlowDeed,
) -> Result<(), EngineError> {
    append(
        world,
        &LockDeed {
            act: deed.act.to_owned(),
            action: Some(deed.action),
            step: deed.step,
            reason: deed.reason,
            location: world.state().location(),
            ..about(lock)
        },
    )
}

/// Notes that the lock was taken (`take`), given back (`release`) or found to be lost (`lose`). A disk that takes no
/// line is no reason to stop: whatever needs the disk says so itself.
pub(super) fn note<W: World>(world: &W, record: &LockRecord, act: &str, reason: Option<&str>) {
    if act == "take" {
        set_aside(world, AUDIT);
        set_aside(world, TAKEN);
    }
    let deed = LockDeed {
        at: world.clock().wall(),
        by: who(&record.holder),
        act: act.to_owned(),
        reason: reason.map(ToOwned::to_owned),
        location: world.lock().location(),
        ..about(record)
    };
    let line = audit::line(&deed);
    let written = world
        .disk()
        .append(Path::new(TAKEN), line.as_bytes(), false);
    if let Err(error) = written {
        tracing::debug!(%error, "what was done with the lock could not be noted");
    }
}

/// Reads everything that is remembered.
pub(super) fn history<W: World>(world: &W) -> Result<LockHistory, EngineError> {
    let read = |name: &str| {
        let read = world.disk().read(Path::new(name), LIMIT);
        let read = read.map_err(|error| EngineError::Store(Box::new(error)))?;
        Ok::<_, EngineError>(read.unwrap_or_default())
    };
    let logs = [
        aside(TAKEN),
        TAKEN.to_owned(),
        aside(AUDIT),
        AUDIT.to_owned(),
    ];
    let logs = logs
        .iter()
        .map(|name| read(name))
        .collect::<Result<Vec<_>, _>>()?;
    let logs: Vec<&[u8]> = logs.iter().map(Vec::as_slice).collect();
    Ok(audit::read(&logs))
}

/// Tells a record that is gone from a lock that was never taken: the state or the history know better.
pub(super) async fn recalled<W: World>(world: &W, mut report: LockReport) -> LockReport {
    if report.record.is_some() || report.verdict != Verdict::Free {
        return report;
    }
    let stored = world.state().get().await.ok().flatten();
    let record = stored.and_then(|stored| state::decode(&stored.bytes).ok());
    let before = match record
        .map(|record| record.fence)
        .filter(|fence| fence.0 > 0)
    {
        Some(fence) => format!("the state was saved under lock epoch {fence}"),
        None => match taken_last(world, &report.location) {
            Some(deed) => format!("{} took the lock before, for `{}`", deed.by, deed.command),
            None => return report,
        },
    };
    report.evidence = vec![Evidence {
        check: "record".to_owned(),
        finding: format!("the lock record is gone: {before}; the next run makes a new one"),
        alive: None,
    }];
    report
}

/// Returns when the lock of a place was taken last, as far as the log goes back.
fn taken_last<W: World>(world: &W, location: &str) -> Option<LockDeed> {
    let mut deeds = history(world).ok()?.deeds.into_iter();
    deeds.find(|deed| deed.act == "take" && deed.location == location)
}

fn about(record: &LockRecord) -> LockDeed {
    LockDeed {
        command: record.occupation.command.clone(),
        run: record.occupation.run_id.to_string(),
        lock_id: record.lock_id.to_string(),
        epoch: record.epoch.0,
        ..LockDeed::default()
    }
}

fn append<W: World>(world: &W, deed: &LockDeed) -> Result<(), EngineError> {
    let deed = LockDeed {
        at: world.clock().wall(),
        by: who(&world.processes().me()),
        ..deed.clone()
    };
    world
        .disk()
        .append(Path::new(AUDIT), audit::line(&deed).as_bytes(), true)
        .map_err(|error| EngineError::Store(Box::new(error)))
}

/// Sets a log that grew long aside, whole: who is appending to it meanwhile goes on in it, so no line is lost. Called by
/// the holder of the lock alone.
fn set_aside<W: World>(world: &W, name: &str) {
    let is_long = match world.disk().read(Path::new(name), KEPT as u64) {
        Ok(_) => false,
        Err(error) => error.source.kind() == std::io::ErrorKind::FileTooLarge,
    };
    if !is_long {
        return;
    }
    if let Err(error) = world.disk().rename(Path::new(name), &aside(name)) {
        tracing::debug!(%error, name, "a log could not be set aside");
    }
}

fn aside(name: &str) -> String {
    format!("{name}.1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lease::Verdict;
    use crate::engine::lab::Lab;

    fn record() -> LockRecord {
        let mut record = crate::engine::lab::record();
        record.occupation.command = "deploy".to_owned();
        record
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_never_grows_without_end_and_keeps_what_is_new() {
        let lab = Lab::new();
        let reason = "r".repeat(1000);
        for _ in 0..2000 {
            note(&lab, &record(), "take", Some(&reason));
            note(&lab, &record(), "release", None);
        }
        note(&lab, &record(), "take", Some("the last"));
        let length = |name: &str| lab.disk.files.borrow()[Path::new(name)].len();
        let (now, before) = (length(TAKEN), length(&aside(TAKEN)));
        assert!(now < KEPT + 4000 && before < KEPT + 4000, "{now}, {before}");
        assert!(before > KEPT, "what is newest is kept: {before}");
        let found = history(&lab).unwrap();
        assert_eq!(found.unreadable, 0, "set aside between lines");
        assert_eq!(found.deeds[0].reason.as_deref(), Some("the last"));
        assert!(found.deeds.len() > 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_is_gone_is_told_from_a_lock_that_was_never_taken() {
        let lab = Lab::new();
        let free = LockReport {
            location: lab.lock().location(),
            verdict: Verdict::Free,
            record: None,
            version: None,
            evidence: Vec::new(),
        };
        assert_eq!(recalled(&lab, free.clone()).await, free);
        note(&lab, &record(), "take", None);
        let told = recalled(&lab, free.clone()).await;
        let finding = &told.evidence[0].finding;
        assert!(finding.contains("the lock record is gone"), "{finding}");
        assert!(finding.contains("took the lock before"), "{finding}");
        let scope = crate::engine::lab::scope();
        let lineage = crate::domain::ids::Lineage::new("lin");
        let mut kept = crate::domain::record::Record::new(lineage, "00".repeat(32), scope);
        kept.fence = crate::domain::ids::Epoch(3);
        lab.state.force(Some(&state::encode(&kept, "test")));
        let told = recalled(&lab, free).await;
        let finding = &told.evidence[0].finding;
        assert!(finding.contains("under lock epoch 3"), "{finding}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_disk_keeps_nobody_from_the_lock_but_from_somebody_elses() {
        let lab = Lab::new();
        lab.disk.full.set(true);
        note(&lab, &record(), "take", None);
        let report = LockReport {
            location: "here".to_owned(),
            verdict: Verdict::Dead,
            record: Some(record()),
            version: None,
            evidence: Vec::new(),
        };
        assert!(audit(&lab, &report, "unlock", None).is_err());
        lab.disk.full.set(false);
        audit(&lab, &report, "unlock", Some("why")).unwrap();
        let found = history(&lab).unwrap().deeds;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].command, "deploy");
        assert_eq!(found[0].verdict, "dead");
    }
}

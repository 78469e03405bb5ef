//! Somebody else at work on the same project, as far as the lock tells.

use crate::app::snapshot::Snapshot;
use crate::domain::ids::LockId;
use crate::domain::lease::{LockRecord, LockReport, LockStatus, Verdict};
use crate::tui::model::Model;
use crate::tui::words::{between, ticking};

/// Returns the record of a lock that is held by somebody else and not by a dead process.
#[must_use]
pub fn holder(snapshot: &Snapshot) -> Option<&LockRecord> {
    let report = snapshot.lock.as_deref()?;
    let record = report.record.as_ref()?;
    let held = record.status == LockStatus::Held
        && !matches!(report.verdict, Verdict::Free | Verdict::Dead);
    (held && !is_ours(snapshot, record)).then_some(record)
}

/// Tells whether a lock was taken by the run in this panel.
#[must_use]
pub fn is_ours(snapshot: &Snapshot, record: &LockRecord) -> bool {
    let run = snapshot.run.as_ref();
    run.is_some_and(|run| run.run_id == record.occupation.run_id)
}

/// Returns `user@host`.
#[must_use]
pub fn who(record: &LockRecord) -> String {
    format!("{}@{}", record.holder.user, record.holder.host)
}

/// Says what the holder does: `deploys: step 4 of 12 api[0]/start`.
#[must_use]
pub fn does(record: &LockRecord) -> String {
    let work = &record.occupation;
    let verb = match work.command.as_str() {
        "" => "works".to_owned(),
        "push" => "pushes".to_owned(),
        other => format!("{other}s"),
    };
    let step = work.step.as_deref().map(bare);
    match (work.total, step) {
        (0, None) => format!("{verb}: looks and plans"),
        (0, Some(step)) => format!("{verb}: {step}"),
        (total, step) => {
            let at = work.done.saturating_add(1).min(total);
            let step = step.map_or_else(String::new, |step| format!(" {step}"));
            format!("{verb}: step {at} of {total}{step}")
        }
    }
}

/// Says what the holder does, or that it is stopped while it does it.
#[must_use]
pub fn stands(report: &LockReport, record: &LockRecord) -> String {
    let does = does(record);
    if report.is_stopped() {
        format!("is stopped (frozen, may go on) while it {does}")
    } else {
        does
    }
}

/// Says it in few cells: `ana deploys 4/12`, `ana is stopped 4/12`.
#[must_use]
pub fn short(report: &LockReport, record: &LockRecord) -> String {
    let work = &record.occupation;
    let doing = does(record);
    let verb = match report.is_stopped() {
        true => "is stopped",
        false => doing.split(':').next().unwrap_or("works"),
    };
    let at = work.done.saturating_add(1).min(work.total);
    match work.total {
        0 => format!("{} {verb}", record.holder.user),
        total => format!("{} {verb} {at}/{total}", record.holder.user),
    }
}

/// Leaves the kind of resource off a step's name, which everybody knows.
fn bare(step: &str) -> &str {
    step.strip_prefix("service.").unwrap_or(step)
}

/// Says who works here and at what: `ana@build-7 deploys: step 4 of 12 api[0]/start, since 12 s`.
#[must_use]
pub fn sentence(model: &Model) -> Option<String> {
    let report = model.snapshot.lock.as_deref()?;
    let record = holder(&model.snapshot)?;
    let since = model
        .beat
        .as_ref()
        .filter(|beat| beat.lock == record.lock_id);
    let since = since.map_or_else(String::new, |beat| {
        format!(", since {}", ticking(between(beat.step_since, model.now)))
    });
    let stands = stands(report, record);
    Some(format!("{} {stands}{since}", who(record)))
}

/// Whose lock it was, so that a change is known.
#[must_use]
pub fn mark(snapshot: &Snapshot) -> Option<(LockId, String, String)> {
    let report = snapshot.lock.as_deref()?;
    let record = holder(snapshot)?;
    let id = record.lock_id.clone();
    Some((id, who(record), stands(report, record)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lease::{Holder, Occupation};
    use crate::domain::time::Wall;
    use std::time::Duration;

    fn record(command: &str, step: Option<&str>, done: u32, total: u32) -> LockRecord {
        LockRecord {
            status: LockStatus::Held,
            lock_id: LockId::default(),
            epoch: crate::domain::ids::Epoch(1),
            beat: 0,
            lineage: None,
            holder: Holder::default(),
            occupation: Occupation {
                command: command.into(),
                step: step.map(ToOwned::to_owned),
                done,
                total,
                ..Occupation::default()
            },
            lease: Duration::from_secs(30),
            acquired_at: Wall(0),
            renewed_at: Wall(0),
            broken: None,
        }
    }

    #[test]
    fn what_a_holder_does_is_said_without_zeros() {
        let cases = [
            (record("deploy", None, 0, 0), "deploys: looks and plans"),
            (
                record("deploy", Some("service.api[0]/start"), 3, 12),
                "deploys: step 4 of 12 api[0]/start",
            ),
            (record("destroy", None, 12, 12), "destroys: step 12 of 12"),
            (record("push", None, 0, 0), "pushes: looks and plans"),
        ];
        for (record, expected) in cases {
            assert_eq!(does(&record), expected);
        }
    }
}

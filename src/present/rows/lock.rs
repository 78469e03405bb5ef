//! A lock's report as rows: verdict, holder, what it does, evidence.

use crate::domain::lease::{LockRecord, LockReport, LockStatus};
use crate::domain::report::lock::way_out;
use crate::domain::time::Wall;
use crate::present::human;
use crate::present::role::{Role, Row, Span};
use crate::present::rows::table::columns;
use crate::present::words;

/// Returns the report; `now` is for ages.
#[must_use]
pub fn lock(report: &LockReport, now: Wall) -> Vec<Row> {
    let (word, role) = words::verdict(report.verdict);
    let mut rows = vec![
        Row::at(0)
            .with(Role::Strong, "Lock ")
            .with(Role::Path, &report.location)
            .with(Role::Plain, ": ")
            .with(role, word)
            .with(Role::Dim, ", ")
            .with(Role::Plain, words::lock_meaning(report)),
    ];
    match (&report.record, report.name()) {
        (Some(record), _) => rows.extend(holder(record, now)),
        (None, Some(digest)) => {
            let row = Row::at(1)
                .with(Role::Dim, "lock id ")
                .with(Role::Plain, digest.to_string())
                .with(Role::Dim, " (digest of a record nobody can read)");
            rows.push(row);
        }
        (None, None) => {}
    }
    if !report.evidence.is_empty() {
        rows.push(Row::at(0).with(Role::Dim, "Evidence"));
        let lines: Vec<Vec<Span>> = report
            .evidence
            .iter()
            .map(|evidence| {
                let (mark, role) = match evidence.alive {
                    Some(true) => ("alive", Role::Busy),
                    Some(false) => ("dead", Role::Warn),
                    None => ("–", Role::Dim),
                };
                vec![
                    Span::new(Role::Plain, &evidence.check),
                    Span::new(role, mark),
                    Span::new(Role::Plain, &evidence.finding),
                ]
            })
            .collect();
        rows.extend(columns(1, &lines));
    }
    rows
}

/// Returns what clears the way where nobody can read the record.
#[must_use]
pub fn next(report: &LockReport) -> Vec<Row> {
    let Some((why, command)) = way_out(report) else {
        return Vec::new();
    };
    vec![
        Row::at(0).with(Role::Plain, format!("{why}:")),
        Row::at(1)
            .with(Role::Dim, "next: ")
            .with(Role::Key, command),
    ]
}

fn holder(record: &LockRecord, now: Wall) -> Vec<Row> {
    let pair =
        |name: &str, value: String| vec![Span::new(Role::Dim, name), Span::new(Role::Plain, value)];
    let status = match record.status {
        LockStatus::Held => "held",
        LockStatus::Free => "released",
        LockStatus::Broken => "cleared by an operator",
    };
    let holder = &record.holder;
    let mut lines = vec![
        pair("lock id", record.lock_id.to_string()),
        pair("status", status.to_owned()),
        pair(
            "holder",
            format!("{}@{} (pid {})", holder.user, holder.host, holder.pid),
        ),
    ];
    let work = &record.occupation;
    if !work.command.is_empty() {
        let step = match &work.step {
            Some(step) => format!(", at {step}"),
            None => String::new(),
        };
        let so_far = match work.total {
            0 => format!("looks and plans{step}"),
            total => format!("{} of {total} steps{step}", work.done),
        };
        lines.push(pair("doing", format!("{} ({so_far})", work.command)));
    }
    lines.push(pair(
        "taken",
        format!(
            "{} ago by its own clock",
            human::between(record.acquired_at, now)
        ),
    ));
    lines.push(pair(
        "renewed",
        format!(
            "{} ago by its own clock",
            human::between(record.renewed_at, now)
        ),
    ));
    if let Some(broken) = &record.broken {
        lines.push(pair(
            "cleared",
            format!(
                "by {}: {} (verdict {})",
                broken.by, broken.reason, broken.verdict
            ),
        ));
    }
    columns(1, &lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lease::{Evidence, Verdict};

    #[test]
    fn a_holder_that_is_stopped_is_not_said_to_be_at_work() {
        let mut report = LockReport {
            location: "lock".into(),
            verdict: Verdict::Alive,
            record: None,
            version: None,
            evidence: Vec::new(),
        };
        let first = |report: &LockReport| lock(report, Wall(0)).first().map(Row::text);
        assert!(first(&report).is_some_and(|text| text.contains("at work")));
        report.evidence.push(Evidence {
            check: "stopped".into(),
            finding: "it is stopped".into(),
            alive: None,
        });
        let text = first(&report).expect("a row");
        assert!(text.contains("ALIVE, the holder is stopped"), "{text}");
        assert!(text.contains("may go on"), "{text}");
    }

    #[test]
    fn a_report_shows_verdict_and_evidence() {
        let report = LockReport {
            location: ".nanokit/lock/state.json".into(),
            verdict: Verdict::Dead,
            record: None,
            version: None,
            evidence: vec![Evidence {
                check: "process".into(),
                finding: "pid 7 does not exist".into(),
                alive: Some(false),
            }],
        };
        let rows: Vec<String> = lock(&report, Wall(0)).iter().map(Row::text).collect();
        assert_eq!(
            rows,
            [
                "Lock .nanokit/lock/state.json: DEAD, the holder's process is proven gone; it can be cleared",
                "Evidence",
                "  process  dead  pid 7 does not exist",
            ]
        );
    }
}

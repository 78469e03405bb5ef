//! What is done about a lock whose record nobody can read.

use crate::domain::lease::{LockReport, Verdict};
use crate::domain::plan::typed::move_away;

/// Returns what to see to first and the command that clears the way, where nobody can read what stands in the place
/// of the lock record; `None` where there is a record, or nothing.
#[must_use]
pub fn way_out(report: &LockReport) -> Option<(&'static str, String)> {
    if report.record.is_some() || report.verdict != Verdict::Unknown {
        return None;
    }
    Some(match report.name() {
        Some(name) => (
            "make sure that nobody is at work, then clear it and say why",
            format!("nkapp infra unlock {name} --force --reason \"why\""),
        ),
        None => (
            "make sure that nobody is at work, then move it away",
            move_away(&report.location),
        ),
    })
}

/// Says why a lock cannot be had.
#[must_use]
pub fn held(report: &LockReport) -> String {
    match way_out(report) {
        Some(_) => "the lock record cannot be read".to_owned(),
        None => format!("the lock is held ({})", report.verdict.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_cleared_by_its_digest_or_moved_away() {
        let report = |verdict, version: Option<&str>| LockReport {
            location: "/a b/lock".into(),
            verdict,
            record: None,
            version: version.map(str::to_owned),
            evidence: Vec::new(),
        };
        let command = |report: &LockReport| way_out(report).map(|(_, command)| command);
        assert_eq!(
            command(&report(Verdict::Unknown, Some("abc"))).as_deref(),
            Some("nkapp infra unlock abc --force --reason \"why\"")
        );
        assert_eq!(
            command(&report(Verdict::Unknown, None)).as_deref(),
            Some("mv '/a b/lock' '/a b/lock.aside'")
        );
        assert_eq!(command(&report(Verdict::Free, None)), None);
    }
}

//! A drift report as rows.

use crate::domain::report::DriftReport;
use crate::present::role::{Role, Row};
use crate::present::rows::plan::changes;
use crate::present::words;

/// Returns what drifted, what the file changed, and strays.
#[must_use]
pub fn drift(report: &DriftReport) -> Vec<Row> {
    let mut rows = Vec::new();
    if report.drifted.is_empty() {
        rows.push(Row::at(0).with(Role::Good, "No drift: everything is as recorded"));
    }
    for (address, differences) in &report.drifted {
        rows.push(
            Row::at(0)
                .with(Role::Changed, "~ ")
                .with(Role::Strong, address.to_string()),
        );
        rows.extend(changes(differences, 2));
    }
    for address in &report.changed {
        rows.push(
            Row::at(0)
                .with(Role::Dim, "• ")
                .with(Role::Plain, address.to_string())
                .with(Role::Dim, " differs from the file (a change, not drift)"),
        );
    }
    rows.extend(strays(&report.strays));
    if !report.drifted.is_empty() {
        rows.push(
            Row::at(0)
                .with(Role::Warn, words::count(report.drifted.len(), "resource"))
                .with(Role::Plain, " drifted; ")
                .with(Role::Key, "nkapp drift --restore")
                .with(Role::Plain, " puts back what was recorded"),
        );
    }
    rows
}

/// Returns objects that are seen and never touched.
#[must_use]
pub fn strays(strays: &[String]) -> Vec<Row> {
    strays
        .iter()
        .map(|stray| {
            Row::at(0)
                .with(Role::Warn, "? ")
                .with(Role::Plain, stray)
                .with(Role::Dim, " (a stray: shown, never touched)")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{Address, Digest};
    use crate::domain::plan::model::{Cause, Change};

    #[test]
    fn drift_changes_and_strays_are_told_apart() {
        let change = Change {
            path: "status".into(),
            instance: None,
            before: Some("exited".into()),
            after: Some("running".into()),
            cause: Cause::Drift,
            sensitive: false,
        };
        let report = DriftReport {
            drifted: [(Address::service("api"), vec![change])].into(),
            changed: vec![Address::service("web")],
            strays: vec!["nk-shop-local-old-0".into()],
            digest: Digest::default(),
        };
        let rows: Vec<String> = drift(&report).iter().map(Row::text).collect();
        assert_eq!(
            rows,
            [
                "~ service.api",
                "    status  drift  exited → running",
                "• service.web differs from the file (a change, not drift)",
                "? nk-shop-local-old-0 (a stray: shown, never touched)",
                "1 resource drifted; nkapp drift --restore puts back what was recorded",
            ]
        );
        let none: Vec<String> = drift(&DriftReport::default())
            .iter()
            .map(Row::text)
            .collect();
        assert_eq!(none, ["No drift: everything is as recorded"]);
    }
}

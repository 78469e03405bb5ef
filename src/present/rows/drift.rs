//! A drift report as rows.

use crate::domain::ids::{Address, RunId};
use crate::domain::report::DriftReport;
use crate::domain::report::ignored::Ignored;
use crate::domain::time::Wall;
use crate::present::human;
use crate::present::role::{Role, Row};
use crate::present::rows::plan;
use crate::present::words;

/// Returns what drifted, what is ignored, what the file changed, and strays; with `all` also what matters to nobody.
#[must_use]
pub fn drift(report: &DriftReport, all: bool, now: Wall) -> Vec<Row> {
    let mut rows = Vec::new();
    if report.drifted.is_empty() {
        let text = if report.ignored.is_empty() {
            "No drift: everything is as recorded"
        } else {
            "No drift but what is ignored"
        };
        rows.push(Row::at(0).with(Role::Good, text));
    }
    for (address, differences) in &report.drifted {
        rows.push(
            Row::at(0)
                .with(Role::Changed, "~ ")
                .with(Role::Strong, address.to_string()),
        );
        rows.extend(plan::changes(differences, 2));
        rows.extend(report.half_done.get(address).map(half_done));
    }
    for (address, changes) in &report.ignored {
        for one in changes {
            rows.push(
                Row::at(0)
                    .with(Role::Dim, "- ")
                    .with(Role::Plain, format!("{address}:{}", one.change.path))
                    .with(
                        Role::Dim,
                        format!(" is ignored: {}", decision(&one.ignored, now)),
                    ),
            );
            rows.extend(plan::changes(std::slice::from_ref(&one.change), 2));
        }
    }
    if all {
        for (address, changes) in &report.cosmetic {
            rows.push(
                Row::at(0)
                    .with(Role::Dim, "  ")
                    .with(Role::Plain, address.to_string())
                    .with(Role::Dim, " differs in what nobody asked for (no drift)"),
            );
            rows.extend(changes.iter().map(|change| {
                let live = change.before.as_deref().unwrap_or("gone");
                Row::at(4).with(Role::Dim, format!("{}  cosmetic  {live}", change.path))
            }));
        }
    }
    rows.extend(report.changed.iter().flat_map(|one| edited(report, one)));
    rows.extend(strays(&report.strays));
    rows.extend(undecided(report.undecided.as_deref()));
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

/// Says why it is not known what is ignored.
#[must_use]
pub fn undecided(why: Option<&str>) -> Option<Row> {
    let text = format!("what is ignored is not known: {}", why?);
    Some(Row::at(0).with(Role::Warn, "! ").with(Role::Plain, text))
}

/// Returns what a deploy would carry out: a resource with the first of its fields.
fn edited(report: &DriftReport, address: &Address) -> Vec<Row> {
    const SHOWN: usize = 5;
    let standing = if report.is_only_unsettled(address) {
        " is not finished: a run is at it or was cut off (not drift)"
    } else {
        " differs from the file (a change, not drift)"
    };
    let heading = Row::at(0)
        .with(Role::Dim, "• ")
        .with(Role::Plain, address.to_string())
        .with(Role::Dim, standing);
    let mut rows = vec![heading];
    let edits = report.edits.get(address).map_or(&[][..], Vec::as_slice);
    let (shown, more) = edits.split_at(edits.len().min(SHOWN));
    rows.extend(plan::changes(shown, 2));
    if !more.is_empty() {
        let text = format!("… and {} more", words::count(more.len(), "field"));
        rows.push(Row::at(2).with(Role::Dim, text));
    }
    rows
}

/// Says that a restore was begun and did not get to its end.
fn half_done(run: &RunId) -> Row {
    Row::at(4)
        .with(Role::Warn, "a restore was begun and not finished")
        .with(Role::Dim, format!(" (run {run})"))
}

/// Returns the decisions to live with drift.
#[must_use]
pub fn ignored(all: &[Ignored], now: Wall) -> Vec<Row> {
    if all.is_empty() {
        return vec![Row::at(0).with(Role::Plain, "Nothing is ignored")];
    }
    let row = |one: &Ignored| {
        Row::at(0)
            .with(Role::Strong, one.subject())
            .with(Role::Dim, format!("  {}", decision(one, now)))
    };
    all.iter().map(row).collect()
}

/// Says why, until when and by whom.
#[must_use]
pub fn decision(one: &Ignored, now: Wall) -> String {
    let until = match one.until {
        None => "until it is taken back".to_owned(),
        Some(until) if until <= now => "expired: it counts again".to_owned(),
        Some(until) => format!("for another {}", human::between(now, until)),
    };
    format!("{} ({until}, {})", one.reason, one.by)
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
    use crate::domain::plan::model::{Cause, Change};
    use crate::domain::report::ignored::IgnoredChange;

    #[test]
    fn what_the_file_changed_is_told_by_field_and_what_a_run_left_is_no_change_of_the_file() {
        let change = |path: &str| Change {
            path: path.to_owned(),
            instance: None,
            before: Some("1".into()),
            after: Some("2".into()),
            cause: Cause::Config,
            sensitive: false,
        };
        let (api, web) = (Address::service("api"), Address::service("web"));
        let many = ["a", "b", "c", "d", "e", "f"].map(change).to_vec();
        let report = DriftReport {
            changed: vec![api.clone(), web.clone()],
            edits: [(api, vec![change("status")]), (web, many)].into(),
            ..DriftReport::default()
        };
        let rows = drift(&report, false, Wall(0));
        let rows: Vec<String> = rows.iter().skip(1).map(Row::text).collect();
        assert_eq!(
            rows,
            [
                "• service.api is not finished: a run is at it or was cut off (not drift)",
                "    status  config  1 → 2",
                "• service.web differs from the file (a change, not drift)",
                "    a  config  1 → 2",
                "    b  config  1 → 2",
                "    c  config  1 → 2",
                "    d  config  1 → 2",
                "    e  config  1 → 2",
                "    … and 1 field more",
            ]
        );
    }

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
            ..DriftReport::default()
        };
        let rows: Vec<String> = drift(&report, false, Wall(0))
            .iter()
            .map(Row::text)
            .collect();
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
        let aside = Ignored {
            address: Address::service("db"),
            path: Some("memory".into()),
            reason: "a trial".into(),
            by: "me@here".into(),
            at: Wall(0),
            until: Some(Wall(7_200_000)),
        };
        let mut memory = report.drifted.values().flatten().next().cloned();
        let change = memory.take().map(|change| Change {
            path: "memory".into(),
            ..change
        });
        let more = DriftReport {
            ignored: [(
                Address::service("db"),
                change
                    .iter()
                    .map(|change| IgnoredChange {
                        change: change.clone(),
                        ignored: aside.clone(),
                    })
                    .collect(),
            )]
            .into(),
            cosmetic: [(Address::service("api"), change.into_iter().collect())].into(),
            ..DriftReport::default()
        };
        let told = |all: bool| -> String {
            let rows = drift(&more, all, Wall(0));
            rows.iter().map(|row| row.text() + "\n").collect()
        };
        let text = told(false);
        assert!(
            text.contains("service.db:memory is ignored: a trial (for another 2 h"),
            "{text}"
        );
        assert!(!text.contains("cosmetic"), "{text}");
        assert!(
            told(true).contains("memory  cosmetic  exited"),
            "{}",
            told(true)
        );
        let late = ignored(&[aside], Wall(7_200_000));
        assert!(late[0].text().contains("expired: it counts again"));
        let none: Vec<String> = drift(&DriftReport::default(), false, Wall(0))
            .iter()
            .map(Row::text)
            .collect();
        assert_eq!(none, ["No drift: everything is as recorded"]);
    }
}

//! Past runs as a table.

use std::time::Duration;

use crate::domain::report::RunSummary;
use crate::domain::time::Wall;
use crate::present::human;
use crate::present::role::{Role, Row, Span};
use crate::present::rows::table::table;
use crate::present::words;

/// Returns the table, or that there are none.
#[must_use]
pub fn runs(runs: &[RunSummary], now: Wall) -> Vec<Row> {
    if runs.is_empty() {
        return vec![Row::at(0).with(Role::Plain, "No runs yet")];
    }
    let lines: Vec<Vec<Span>> = runs
        .iter()
        .map(|run| {
            let (word, role) = ended(run.outcome.as_deref(), run.warnings);
            let took = run
                .duration_ms
                .map(|ms| human::duration(Duration::from_millis(ms)))
                .unwrap_or_default();
            let (did, began) = match (&run.damage, run.started_at) {
                (Some(_), Wall(0)) => (String::new(), String::new()),
                (Some(_), at) => (String::new(), human::between(at, now)),
                (None, at) => (words::count(run.actions, "action"), human::between(at, now)),
            };
            let ago = if began.is_empty() { "" } else { " ago" };
            vec![
                Span::new(Role::Path, run.run_id.as_str()),
                Span::new(Role::Plain, &run.command),
                Span::new(role, word),
                Span::new(Role::Plain, did),
                Span::new(Role::Dim, took),
                Span::new(Role::Dim, format!("{began}{ago}")),
                Span::new(Role::Dim, &run.who),
            ]
        })
        .collect();
    let mut rows = table(
        &["RUN", "COMMAND", "OUTCOME", "DID", "TOOK", "BEGAN", "WHO"],
        &lines,
    );
    let damage = runs.iter().filter_map(|run| run.damage.as_deref());
    rows.extend(damage.map(|why| Row::at(0).with(Role::Warn, "! ").with(Role::Plain, why)));
    rows
}

/// Returns word and role of a run's outcome word; `None`: it has not ended, or was killed.
#[must_use]
pub fn outcome(word: Option<&str>) -> (&str, Role) {
    match word {
        None => ("unfinished", Role::Warn),
        Some("ok") => ("ok", Role::Good),
        Some(word @ ("cancelled" | "refused")) => (word, Role::Warn),
        Some(word) => (word, Role::Bad),
    }
}

/// Returns words and role of a run's outcome with the number of its warnings: `ok, 1 warning`.
#[must_use]
pub fn ended(word: Option<&str>, warnings: usize) -> (String, Role) {
    let (word, role) = outcome(word);
    match (warnings, role) {
        (0, _) => (word.to_owned(), role),
        (some, Role::Good) => (words::with_warnings(word, some), Role::Warn),
        (some, role) => (words::with_warnings(word, some), role),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::RunId;

    #[test]
    fn a_run_without_an_end_is_told_apart() {
        let run = RunSummary {
            run_id: RunId::new("r1"),
            command: "deploy".into(),
            who: "me@here".into(),
            started_at: Wall(0),
            outcome: None,
            duration_ms: None,
            actions: 2,
            failed: 0,
            warnings: 0,
            env: None,
            changes: None,
            exit_code: None,
            message: None,
            trace_id: crate::domain::ids::TraceId::default(),
            forecast: None,
            damage: None,
        };
        let rows = runs(std::slice::from_ref(&run), Wall(65_000));
        let line = rows.last().map(Row::text).expect("one run");
        assert!(
            line.contains("unfinished") && line.contains("1 m 05 s ago"),
            "{line}"
        );
        assert_eq!(runs(&[], Wall(0)).len(), 1);
        let damaged = RunSummary::damaged(RunId::new("r2"), Wall(0), "runs/r2: it is empty".into());
        let rows = runs(&[damaged], Wall(65_000));
        let lines: Vec<String> = rows.iter().map(Row::text).collect();
        assert!(
            lines[1].contains("r2") && lines[1].contains("damaged"),
            "{lines:?}"
        );
        assert!(!lines[1].contains("ago"), "{lines:?}");
        assert_eq!(lines[2], "! runs/r2: it is empty");
        let warned = RunSummary {
            outcome: Some("ok".into()),
            warnings: 2,
            ..run
        };
        let rows = runs(&[warned], Wall(65_000));
        let line = rows.last().map(Row::text).expect("one run");
        assert!(line.contains("ok, 2 warnings"), "{line}");
    }
}

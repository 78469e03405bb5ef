//! What was done with the lock, and with the state by hand: as a table and in words.

use crate::domain::report::store::{LockDeed, LockHistory};
use crate::present::human;
use crate::present::role::{Role, Row, Span};
use crate::present::rows::table::table;
use crate::present::words;

/// Returns the table, the newest first, or that there is none.
#[must_use]
pub fn rows(history: &LockHistory) -> Vec<Row> {
    let mut rows = if history.deeds.is_empty() && history.unreadable > 0 {
        Vec::new()
    } else if history.deeds.is_empty() {
        vec![Row::at(0).with(Role::Plain, "The lock was never taken from here")]
    } else {
        let lines: Vec<Vec<Span>> = history.deeds.iter().map(cells).collect();
        table(&["WHEN (UTC)", "WHO", "DID", "LOCK", "FOR", "WHY"], &lines)
    };
    if history.unreadable > 0 {
        let text = format!(
            "{} cannot be read and {} left out",
            words::count(history.unreadable, "line"),
            if history.unreadable == 1 { "is" } else { "are" }
        );
        rows.push(Row::at(0).with(Role::Warn, text));
    }
    rows
}

fn cells(deed: &LockDeed) -> Vec<Span> {
    let (word, role) = did(&deed.act);
    let lock: String = deed.lock_id.chars().take(8).collect();
    let what_for = match (deed.command.as_str(), deed.run.as_str()) {
        (command, "") => command.to_owned(),
        (command, run) => format!("{command} {run}"),
    };
    vec![
        Span::new(Role::Dim, human::moment(deed.at)),
        Span::new(Role::Plain, &deed.by),
        Span::new(role, word),
        Span::new(Role::Path, lock),
        Span::new(Role::Plain, what_for),
        Span::new(Role::Dim, why(deed)),
    ]
}

/// Says what was done in one line.
#[must_use]
pub fn said(deed: &LockDeed) -> String {
    let (word, _) = did(&deed.act);
    let mut text = format!("{} {} {word}", human::moment(deed.at), deed.by);
    if !deed.command.is_empty() {
        text = format!("{text} ({})", deed.command);
    }
    match why(deed) {
        why if why.is_empty() => text,
        why => format!("{text}: {why}"),
    }
}

fn why(deed: &LockDeed) -> String {
    let mut parts = Vec::new();
    if !deed.held_by.is_empty() {
        parts.push(format!("held by {}", deed.held_by));
    }
    if !deed.verdict.is_empty() {
        parts.push(format!("verdict {}", deed.verdict));
    }
    parts.extend(deed.action.as_ref().map(|action| {
        let step = deed.step.iter().map(|step| format!("/{step}"));
        format!("action.{action}{}", step.collect::<String>())
    }));
    parts.extend(deed.reason.clone());
    if deed.held_by.is_empty() && deed.reason.is_none() {
        parts.extend(deed.evidence.iter().cloned());
    }
    parts.join(", ")
}

/// Returns the words for an act; one of a newer version is shown as it is.
fn did(act: &str) -> (&str, Role) {
    match act {
        "take" => ("took it", Role::Busy),
        "release" => ("gave it back", Role::Good),
        "lose" => ("lost it", Role::Bad),
        "take_over" => ("took it over", Role::Warn),
        "unlock" => ("cleared it", Role::Warn),
        "force_unlock" => ("cleared it by force", Role::Bad),
        "push" => ("replaced the state", Role::Warn),
        "force_push" => ("replaced the state by force", Role::Bad),
        "rebuild" => ("rebuilt the state", Role::Warn),
        "accept" => ("accepted drift", Role::Warn),
        "skip" => ("passed over a step", Role::Warn),
        "abort" => ("gave an action up", Role::Warn),
        other => (other, Role::Plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Wall;

    #[test]
    fn each_deed_is_a_line_with_who_what_and_why() {
        let taken = LockDeed {
            at: Wall(1_000),
            act: "take".into(),
            by: "ann@box".into(),
            command: "deploy".into(),
            run: "r1".into(),
            lock_id: "0123456789abcdef".into(),
            ..LockDeed::default()
        };
        let forced = LockDeed {
            act: "force_unlock".into(),
            by: "bo@desk".into(),
            held_by: "ann@box (process 7)".into(),
            verdict: "unknown".into(),
            reason: Some("it hangs".into()),
            ..taken.clone()
        };
        let pushed = LockDeed {
            act: "push".into(),
            command: String::new(),
            evidence: vec!["found: serial 3".into(), "put: serial 4".into()],
            ..taken.clone()
        };
        let skipped = LockDeed {
            act: "skip".into(),
            command: "action".into(),
            action: Some("mend".into()),
            step: Some("two".into()),
            reason: Some("known".into()),
            ..taken.clone()
        };
        let newer = LockDeed {
            act: "lend".into(),
            run: String::new(),
            ..taken.clone()
        };
        let history = LockHistory {
            deeds: vec![forced.clone(), pushed, skipped, newer, taken],
            unreadable: 1,
        };
        let text: Vec<String> = rows(&history).iter().map(Row::text).collect();
        assert_eq!(
            text,
            [
                "WHEN (UTC)           WHO      DID                  LOCK      FOR        WHY",
                "1970-01-01 00:00:01  bo@desk  cleared it by force  01234567  deploy r1  held by ann@box (process 7), verdict unknown, it hangs",
                "1970-01-01 00:00:01  ann@box  replaced the state   01234567   r1        found: serial 3, put: serial 4",
                "1970-01-01 00:00:01  ann@box  passed over a step   01234567  action r1  action.mend/two, known",
                "1970-01-01 00:00:01  ann@box  lend                 01234567  deploy",
                "1970-01-01 00:00:01  ann@box  took it              01234567  deploy r1",
                "1 line cannot be read and is left out",
            ]
        );
        assert_eq!(
            said(&forced),
            "1970-01-01 00:00:01 bo@desk cleared it by force (deploy): held by ann@box (process 7), verdict unknown, it hangs"
        );
        let torn = LockHistory {
            unreadable: 2,
            ..LockHistory::default()
        };
        let torn: Vec<String> = rows(&torn).iter().map(Row::text).collect();
        assert_eq!(torn.len(), 1);
        assert!(torn[0].contains("2 lines"), "{torn:?}");
        let none = rows(&LockHistory::default());
        assert_eq!(none[0].text(), "The lock was never taken from here");
    }
}

//! A failure as rows: what and where, why, what helps, what to do now.

use crate::app::failure::{Failure, FailureKind};
use crate::present::role::{Role, Row};

/// Returns the word in front of a failure of that kind.
#[must_use]
pub fn word(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Failed => "error",
        FailureKind::InvalidConfig => "invalid configuration",
        FailureKind::Locked => "conflict",
        FailureKind::Refused => "refused",
        FailureKind::Interrupted => "interrupted",
    }
}

/// Returns the failure: heading, causes, hints, next command.
#[must_use]
pub fn failure(failure: &Failure) -> Vec<Row> {
    let lines: Vec<&str> = failure.message.lines().collect();
    let first = lines.first().copied().unwrap_or_default();
    let word = word(failure.kind);
    // Who was interrupted and has nothing more to say says it once.
    let twice = first == word && failure.subject.is_none();
    let mut head = Row::at(0);
    if !twice {
        head = head.with(Role::Bad, format!("{word}: "));
    }
    if let Some(subject) = &failure.subject
        && !failure.message.contains(subject.as_str())
    {
        head = head.with(Role::Path, format!("{subject}: "));
    }
    let mut rows = vec![head.with(Role::Strong, first)];
    for line in lines.iter().skip(1) {
        rows.push(Row::at(1).with(Role::Plain, line));
    }
    for source in &failure.sources {
        let mut lines = source.lines();
        if let Some(line) = lines.next() {
            rows.push(
                Row::at(1)
                    .with(Role::Dim, "because ")
                    .with(Role::Plain, line),
            );
        }
        for line in lines {
            rows.push(Row::at(3).with(Role::Plain, line));
        }
    }
    for hint in &failure.hints {
        for line in hint.lines() {
            rows.push(Row::at(1).with(Role::Dim, "hint: ").with(Role::Plain, line));
        }
    }
    if let Some(next) = &failure.next {
        rows.push(Row::at(1).with(Role::Dim, "next: ").with(Role::Key, next));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_interrupted_says_it_once() {
        let rows = failure(&Failure::new(FailureKind::Interrupted, "interrupted"));
        assert_eq!(
            rows.iter().map(Row::text).collect::<Vec<_>>(),
            ["interrupted"]
        );
    }

    #[test]
    fn every_kind_has_its_word_and_every_part_its_row() {
        for kind in [
            FailureKind::Failed,
            FailureKind::InvalidConfig,
            FailureKind::Locked,
            FailureKind::Refused,
            FailureKind::Interrupted,
        ] {
            assert!(!word(kind).is_empty());
            let sample = Failure::new(kind, "the health check failed\nlast output: no")
                .about("service.api")
                .source("connection refused\nsecond line")
                .hint("the log may say more")
                .next("nkapp logs api");
            let rows: Vec<String> = failure(&sample).iter().map(Row::text).collect();
            assert_eq!(
                rows,
                [
                    &format!("{}: service.api: the health check failed", word(kind)),
                    "  last output: no",
                    "  because connection refused",
                    "      second line",
                    "  hint: the log may say more",
                    "  next: nkapp logs api",
                ]
            );
        }
    }
}

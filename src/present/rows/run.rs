//! Events of a run as rows: one line each, for plain output and for the panel's log.

use crate::domain::event::{Event, EventKind, RunOutcome, Stream};
use crate::present::human;
use crate::present::role::{Role, Row};
use crate::present::rows::forecast;
use crate::present::words;

/// How much an event matters to somebody who reads along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Only with `-v`.
    Detail,
    /// Always, but with `-q`.
    News,
    /// Always.
    Alarm,
}

/// Weighs an event.
#[must_use]
pub fn weight(event: &Event) -> Weight {
    use crate::domain::event::StepOutcome::{Done, Failed, Skipped, Unknown};
    match &event.kind {
        EventKind::StageStarted { .. }
        | EventKind::LayerStarted { .. }
        | EventKind::StepQueued { .. }
        | EventKind::StepProgress { .. }
        | EventKind::StepStarted => Weight::Detail,
        EventKind::Log { stream, .. } => match stream {
            Stream::Engine => Weight::Detail,
            Stream::Stdout | Stream::Stderr => Weight::News,
        },
        EventKind::StepFinished { outcome, .. } => match outcome {
            Done | Skipped => Weight::Detail,
            Failed | Unknown => Weight::News,
        },
        EventKind::ActionFinished { outcome, .. } => match outcome {
            Done => Weight::News,
            Failed | Skipped | Unknown => Weight::Alarm,
        },
        EventKind::RunFinished { outcome, .. } => match outcome {
            RunOutcome::Ok => Weight::News,
            RunOutcome::Failed | RunOutcome::Cancelled | RunOutcome::Refused => Weight::Alarm,
        },
        EventKind::RunStarted { .. }
        | EventKind::PlanMade { .. }
        | EventKind::ActionStarted { .. }
        | EventKind::HealthChanged { .. }
        | EventKind::LockChanged { .. }
        | EventKind::DriftFound { .. }
        | EventKind::DriftCleared
        | EventKind::ConfigChanged => Weight::News,
        EventKind::Warning { .. } => Weight::Alarm,
    }
}

/// Returns the line that names a run's trace, for its first event.
#[must_use]
pub fn trace(event: &Event) -> Option<Row> {
    let EventKind::RunStarted { trace_id, .. } = &event.kind else {
        return None;
    };
    let known = !trace_id.as_str().is_empty();
    known.then(|| Row::at(0).with(Role::Dim, format!("trace {trace_id}")))
}

/// Returns the event's line, and further lines where it has details.
#[must_use]
pub fn event(event: &Event) -> Vec<Row> {
    match &event.kind {
        EventKind::RunStarted { command, .. } => {
            let id = event.run_id.as_ref().map_or("", |id| id.as_str());
            vec![
                Row::at(0)
                    .with(Role::Strong, command)
                    .with(Role::Dim, format!(" started · run {id}")),
            ]
        }
        EventKind::RunFinished {
            outcome,
            duration,
            message,
            warnings,
            forecast,
            ..
        } => {
            let warnings = usize::try_from(*warnings).unwrap_or(usize::MAX);
            let (word, role) = crate::present::rows::runs::ended(Some(outcome.as_str()), warnings);
            let row = Row::at(0)
                .with(role, word)
                .with(Role::Dim, format!(" after {}", human::duration(*duration)));
            let row = match forecast {
                Some(off) => row.with(Role::Dim, format!(" · {}", forecast::forecast(*off))),
                None => row,
            };
            with_message(row, message.as_deref())
        }
        EventKind::StageStarted { stage } => {
            vec![Row::at(0).with(Role::Dim, format!("stage {}", stage.as_str()))]
        }
        EventKind::PlanMade {
            plan, prediction, ..
        } => {
            let mut row = crate::present::rows::plan::sums(plan);
            if !plan.is_empty() {
                let text = forecast::prediction(prediction.as_ref());
                row = row.with(Role::Dim, format!(" · takes {text}"));
            }
            let warnings = crate::present::rows::plan::warnings(plan);
            [row].into_iter().chain(warnings).collect()
        }
        EventKind::LayerStarted { layer, addresses } => vec![
            Row::at(0)
                .with(Role::Dim, format!("layer {layer}: "))
                .with(Role::Dim, words::count(addresses.len(), "resource")),
        ],
        EventKind::ActionStarted { kind, reason } => {
            let (symbol, role) = words::action(*kind);
            vec![
                subject(Row::at(0).with(role, format!("{symbol} ")), event)
                    .with(Role::Dim, format!(" {}: {reason}", kind.as_str())),
            ]
        }
        EventKind::ActionFinished {
            outcome,
            duration,
            blame,
            message,
        } => {
            let (symbol, word, role) = words::outcome(Some(*outcome));
            let mut row = subject(Row::at(0).with(role, format!("{symbol} ")), event)
                .with(role, format!(" {word}"))
                .with(Role::Dim, format!(" after {}", human::duration(*duration)));
            if let Some(blame) = blame {
                row = row.with(Role::Plain, format!(", because of {blame}"));
            }
            with_message(row, message.as_deref())
        }
        EventKind::StepQueued { .. }
        | EventKind::StepStarted
        | EventKind::StepProgress { .. }
        | EventKind::StepFinished { .. } => step(event),
        EventKind::Log { stream, text } => {
            let role = match stream {
                Stream::Stdout => Role::Plain,
                Stream::Stderr => Role::Warn,
                Stream::Engine => Role::Dim,
            };
            vec![
                subject(Row::at(1), event)
                    .with(Role::Dim, " | ")
                    .with(role, text),
            ]
        }
        EventKind::HealthChanged { .. }
        | EventKind::LockChanged { .. }
        | EventKind::DriftFound { .. }
        | EventKind::DriftCleared
        | EventKind::ConfigChanged
        | EventKind::Warning { .. } => outside(event),
    }
}

fn step(event: &Event) -> Vec<Row> {
    match &event.kind {
        EventKind::StepQueued { waits_for } => vec![
            subject(Row::at(1), event)
                .with(Role::Dim, format!(" waits for {}", waits_for.join(", "))),
        ],
        EventKind::StepProgress { done, total, unit } => {
            let text = match (unit.as_str(), total) {
                ("bytes", Some(total)) => {
                    format!("{} of {}", human::size(*done), human::size(*total))
                }
                ("bytes", None) => human::size(*done),
                (unit, Some(total)) => format!("{done} of {total} {unit}"),
                (unit, None) => format!("{done} {unit}"),
            };
            vec![subject(Row::at(1), event).with(Role::Dim, format!(" {text}"))]
        }
        EventKind::StepFinished {
            outcome,
            duration,
            exit_code,
            message,
            log,
        } => {
            let (symbol, word, role) = words::outcome(Some(*outcome));
            let mut row = subject(Row::at(1).with(role, format!("{symbol} ")), event)
                .with(role, format!(" {word}"));
            if let Some(code) = exit_code.filter(|code| *code != 0) {
                row = row.with(Role::Bad, format!(" with exit code {code}"));
            }
            row = row.with(Role::Dim, format!(" after {}", human::duration(*duration)));
            if let (Some(log), true) = (log, role == Role::Bad) {
                row = row.with(Role::Dim, " · output in ").with(Role::Path, log);
            }
            with_message(row, message.as_deref())
        }
        _ => {
            let mut row = subject(Row::at(1).with(Role::Busy, "▸ "), event);
            if let Some(attempt) = event.attempt.filter(|n| *n > 1) {
                row = row.with(Role::Warn, format!(" (attempt {attempt})"));
            }
            vec![row]
        }
    }
}

fn outside(event: &Event) -> Vec<Row> {
    match &event.kind {
        EventKind::HealthChanged { from, to, detail } => {
            let role = match to.as_str() {
                "healthy" => Role::Good,
                "unhealthy" => Role::Bad,
                _ => Role::Busy,
            };
            let row = subject(Row::at(1), event)
                .with(Role::Dim, format!(" {from} → "))
                .with(role, to);
            match detail.lines().next() {
                Some(line) if to != "healthy" => vec![row.with(Role::Dim, format!(" ({line})"))],
                _ => vec![row],
            }
        }
        EventKind::LockChanged {
            verdict,
            holder,
            detail,
        } => {
            let (word, role) = words::verdict(*verdict);
            let mut row = Row::at(0)
                .with(Role::Plain, detail.as_deref().unwrap_or("lock"))
                .with(Role::Plain, " ")
                .with(role, word);
            if let Some(holder) = holder {
                row = row.with(
                    Role::Dim,
                    format!(
                        ", held by {}@{} (pid {})",
                        holder.user, holder.host, holder.pid
                    ),
                );
            }
            vec![row]
        }
        EventKind::DriftFound { changes } => {
            let mut rows = vec![
                subject(Row::at(0).with(Role::Changed, "~ "), event).with(Role::Warn, " drifted"),
            ];
            rows.extend(crate::present::rows::plan::changes(changes, 2));
            rows
        }
        EventKind::DriftCleared => {
            vec![
                subject(Row::at(0).with(Role::Good, "✓ "), event)
                    .with(Role::Plain, " is as recorded again"),
            ]
        }
        EventKind::Warning { text } => {
            let mut lines = text.lines();
            let mut row = Row::at(0).with(Role::Warn, "! ");
            if event.address.is_some() || event.step.is_some() {
                row = subject(row, event).with(Role::Plain, ": ");
            }
            let mut rows = vec![row.with(Role::Plain, lines.next().unwrap_or_default())];
            rows.extend(lines.map(|line| Row::at(2).with(Role::Plain, line)));
            rows
        }
        _ => vec![Row::at(0).with(Role::Plain, "the project file changed")],
    }
}

fn subject(row: Row, event: &Event) -> Row {
    match (&event.step, &event.address) {
        (Some(step), _) => row.with(Role::Path, step.as_str()),
        (None, Some(address)) => row.with(Role::Path, address.to_string()),
        (None, None) => row,
    }
}

fn with_message(row: Row, message: Option<&str>) -> Vec<Row> {
    let mut lines = message.into_iter().flat_map(str::lines);
    let row = match lines.next() {
        Some(line) => row.with(Role::Plain, format!(": {line}")),
        None => row,
    };
    let mut rows = vec![row];
    rows.extend(lines.map(|line| Row::at(2).with(Role::Plain, line)));
    rows
}

#[cfg(test)]
mod tests;

//! Words and symbols both front ends use: one word per idea, one symbol per state.

use crate::domain::event::StepOutcome;
use crate::domain::lease::{LockReport, Verdict};
use crate::domain::live::{Health, Status};
use crate::domain::plan::model::{ActionKind, Cause, Strategy};
use crate::domain::report::lock::way_out;
use crate::present::role::Role;

/// Writes a count with its noun: `1 action`, `2 actions`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// Adds how many warnings there were to how something ended: `ok, 1 warning`.
#[must_use]
pub fn with_warnings(word: &str, warnings: usize) -> String {
    match warnings {
        0 => word.to_owned(),
        some => format!("{word}, {}", count(some, "warning")),
    }
}

/// Returns symbol and role of an action: `+ ~ - • >`.
#[must_use]
pub fn action(kind: ActionKind) -> (char, Role) {
    let role = match kind {
        ActionKind::Create => Role::Added,
        ActionKind::Update => Role::Changed,
        ActionKind::Delete => Role::Removed,
        ActionKind::Noop => Role::Kept,
        ActionKind::Run => Role::Busy,
    };
    (kind.symbol(), role)
}

/// Says how an action is done.
#[must_use]
pub fn strategy(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Recreate => "recreate",
        Strategy::Rolling => "rolling",
        Strategy::InPlace => "in place",
        Strategy::Start => "start",
        Strategy::None => "record only",
    }
}

/// Says why a field differs.
#[must_use]
pub fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Config => "config",
        Cause::Drift => "drift",
    }
}

/// Returns symbol, word and role of how a step stands; `None`: under way.
#[must_use]
pub fn outcome(outcome: Option<StepOutcome>) -> (char, &'static str, Role) {
    match outcome {
        None => ('▸', "running", Role::Busy),
        Some(StepOutcome::Done) => ('✓', "done", Role::Good),
        Some(StepOutcome::Failed) => ('✗', "failed", Role::Bad),
        Some(StepOutcome::Skipped) => ('○', "skipped", Role::Warn),
        Some(StepOutcome::Unknown) => ('?', "unknown", Role::Warn),
    }
}

/// Returns symbol, word and role of a live instance.
#[must_use]
pub fn instance(status: Status, health: Health) -> (char, String, Role) {
    match (status, health) {
        (Status::Running, Health::Healthy) => ('●', "healthy".into(), Role::Good),
        (Status::Running, Health::Unchecked) => ('●', "running".into(), Role::Good),
        (Status::Running, Health::Starting) => ('◐', "starting".into(), Role::Busy),
        (Status::Running, Health::Unhealthy) => ('✗', "unhealthy".into(), Role::Bad),
        (Status::Exited(0), _) => ('○', "exited (0)".into(), Role::Dim),
        (Status::Exited(code), _) => ('✗', format!("exited ({code})"), Role::Bad),
        (Status::Paused, _) => ('‖', "paused".into(), Role::Warn),
        (Status::Restarting, _) => ('↻', "restarting".into(), Role::Warn),
        (Status::Created, _) => ('○', "created".into(), Role::Dim),
        (Status::Dead, _) => ('✗', "dead".into(), Role::Bad),
    }
}

/// Returns word and role of a verdict about a lock.
#[must_use]
pub fn verdict(verdict: Verdict) -> (&'static str, Role) {
    match verdict {
        Verdict::Free => ("FREE", Role::Good),
        Verdict::Dead => ("DEAD", Role::Warn),
        Verdict::Expired => ("EXPIRED", Role::Warn),
        Verdict::Alive => ("ALIVE", Role::Busy),
        Verdict::Unknown => ("UNKNOWN", Role::Bad),
    }
}

/// Says what a verdict means and what can be done about it.
#[must_use]
pub fn verdict_meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Free => "nobody holds it",
        Verdict::Dead => "the holder's process is proven gone; it can be cleared",
        Verdict::Expired => "the heartbeat stood still; the holder may be gone or frozen",
        Verdict::Alive => "the holder is at work; wait for it",
        Verdict::Unknown => "it cannot be told whether the holder lives",
    }
}

/// Says what a report about a lock means; a holder that is stopped does not work, and is no less alive for that.
#[must_use]
pub fn lock_meaning(report: &LockReport) -> &'static str {
    if report.verdict == Verdict::Alive && report.is_stopped() {
        return "the holder is stopped (frozen) and may go on at any time; let it go on, or end it";
    }
    if way_out(report).is_some() {
        return "the lock record cannot be read";
    }
    verdict_meaning(report.verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_follow_their_number() {
        assert_eq!(count(0, "action"), "0 actions");
        assert_eq!(count(1, "action"), "1 action");
        assert_eq!(count(2, "action"), "2 actions");
    }
}

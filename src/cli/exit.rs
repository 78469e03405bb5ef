//! Exit codes: one table, printed in help and README, and one match from kinds of failure to codes.

use crate::app::failure::FailureKind;
use crate::domain::event::RunOutcome;

/// Done.
pub const OK: u8 = 0;
/// Something failed.
pub const FAILED: u8 = 1;
/// Changes or drift were found.
pub const FOUND: u8 = 2;
/// The configuration is invalid.
pub const INVALID: u8 = 3;
/// The lock is held, or the state conflicts.
pub const LOCKED: u8 = 4;
/// Refused.
pub const REFUSED: u8 = 5;
/// Interrupted.
pub const INTERRUPTED: u8 = 130;

/// Codes and what they mean, in order.
pub const TABLE: [(u8, &str); 7] = [
    (OK, "done"),
    (FAILED, "failed"),
    (
        FOUND,
        "changes or drift found (plan --detailed-exitcode, drift)",
    ),
    (INVALID, "invalid configuration"),
    (LOCKED, "lock held or state conflict"),
    (
        REFUSED,
        "refused (destructive without --force, no terminal without -y, stale plan, unlock not proven)",
    ),
    (INTERRUPTED, "interrupted"),
];

/// The table as help shows it.
pub const HELP: &str = "Exit codes:
  0    done
  1    failed
  2    changes or drift found (plan --detailed-exitcode, drift)
  3    invalid configuration
  4    lock held or state conflict
  5    refused (destructive without --force, no terminal without -y, stale plan, unlock not proven)
  130  interrupted";

/// Returns the code of a failure.
#[must_use]
pub fn of_failure(kind: FailureKind) -> u8 {
    match kind {
        FailureKind::Failed => FAILED,
        FailureKind::InvalidConfig => INVALID,
        FailureKind::Locked => LOCKED,
        FailureKind::Refused => REFUSED,
        FailureKind::Interrupted => INTERRUPTED,
    }
}

/// Returns the code of a run that ended without a failure of its own.
#[must_use]
pub fn of_outcome(outcome: RunOutcome) -> u8 {
    match outcome {
        RunOutcome::Ok => OK,
        RunOutcome::Failed => FAILED,
        RunOutcome::Cancelled => INTERRUPTED,
        RunOutcome::Refused => REFUSED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_shows_the_whole_table() {
        let lines: Vec<String> = TABLE
            .iter()
            .map(|(code, text)| format!("  {code:<3}  {text}"))
            .collect();
        assert_eq!(HELP, format!("Exit codes:\n{}", lines.join("\n")));
    }
}

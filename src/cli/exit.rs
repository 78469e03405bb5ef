//! Exit codes: one table, printed in help and README.

use crate::app::failure::FailureKind;

/// Done.
pub const DONE: u8 = 0;
/// Changes or drift found.
pub const FOUND: u8 = 2;

/// Every code with its meaning.
pub const TABLE: &[(u8, &str)] = &[
    (0, "done"),
    (1, "failed"),
    (
        2,
        "changes (`plan --detailed-exitcode`) or drift (`drift`) found",
    ),
    (3, "invalid configuration"),
    (4, "lock held, or state conflict"),
    (
        5,
        "refused: destructive without `--force`, no terminal without `-y`, stale plan, unlock not proven",
    ),
    (130, "interrupted"),
];

/// The table as it stands under the help.
pub const HELP: &str = "Exit codes:
    0  done
    1  failed
    2  changes (`plan --detailed-exitcode`) or drift (`drift`) found
    3  invalid configuration
    4  lock held, or state conflict
    5  refused: destructive without `--force`, no terminal without `-y`, stale plan, unlock not proven
  130  interrupted";

/// Returns the code of a failure.
#[must_use]
pub fn code(kind: FailureKind) -> u8 {
    match kind {
        FailureKind::Failed => 1,
        FailureKind::InvalidConfig => 3,
        FailureKind::Locked => 4,
        FailureKind::Refused => 5,
        FailureKind::Interrupted => 130,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_says_what_the_table_says() {
        let lines: Vec<String> = TABLE
            .iter()
            .map(|(code, text)| format!("  {code:>3}  {text}"))
            .collect();
        assert_eq!(HELP, format!("Exit codes:\n{}", lines.join("\n")));
    }

    #[test]
    fn every_kind_has_a_code_of_the_table() {
        for kind in [
            FailureKind::Failed,
            FailureKind::InvalidConfig,
            FailureKind::Locked,
            FailureKind::Refused,
            FailureKind::Interrupted,
        ] {
            assert!(TABLE.iter().any(|(code, _)| *code == super::code(kind)));
        }
    }
}

//! How drift is watched for, and what the worker may do about it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::ids::Address;

/// What the worker does about drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Restoring {
    /// Notes a restore and shows it; a human decides.
    #[default]
    Ask,
    /// Restores by itself.
    Auto,
    /// Only reports.
    Never,
}

impl Restoring {
    /// Every way, in the order of the file's schema.
    pub const ALL: [Self; 3] = [Self::Ask, Self::Auto, Self::Never];

    /// Returns the word in the file and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Auto => "auto",
            Self::Never => "never",
        }
    }
}

/// The `drift` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftWatch {
    /// Longest time between two full looks beside the events.
    pub interval: Duration,
    /// What the worker does about drift.
    pub restore: Restoring,
    /// What it may restore, by name or address; empty: everything.
    pub only: BTreeSet<String>,
}

impl Default for DriftWatch {
    fn default() -> Self {
        Self {
            interval: Self::INTERVAL,
            restore: Restoring::default(),
            only: BTreeSet::new(),
        }
    }
}

impl DriftWatch {
    /// Time between two full looks when the file does not say.
    pub const INTERVAL: Duration = Duration::from_secs(60);

    /// Tells whether the worker may restore a resource.
    #[must_use]
    pub fn covers(&self, address: &Address) -> bool {
        self.only.is_empty()
            || self.only.contains(&address.name)
            || self.only.contains(&address.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_limit_what_is_restored() {
        let all = DriftWatch::default();
        let some = DriftWatch {
            only: ["api".to_owned(), "volume.data".to_owned()].into(),
            ..DriftWatch::default()
        };
        let cases = [
            (Address::service("api"), true),
            (Address::service("db"), false),
            (Address::volume("data"), true),
            (Address::volume("api"), true),
        ];
        for (address, covered) in cases {
            assert!(all.covers(&address));
            assert_eq!(some.covers(&address), covered, "{address}");
        }
    }
}

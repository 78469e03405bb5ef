//! Points in time as plain numbers, so that the core needs no clock.
//!
//! [`Wall`] is for showing to people and is never compared with another machine's; [`Boot`] counts from
//! boot and includes suspend (`CLOCK_BOOTTIME`): every deadline, lease and age is computed with it.

use std::time::Duration;

/// Milliseconds since 1970-01-01 UTC. For display only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Wall(pub i64);

/// Time since boot on this machine, suspend included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Boot(pub Duration);

impl Boot {
    /// Returns the time that passed since `earlier`, zero if it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
    /// Returns the point `span` later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

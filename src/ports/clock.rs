//! Time: one clock for deadlines, one for display.

use std::time::Duration;

use crate::domain::time::{Boot, Wall};

/// The engine's clock.
pub trait Clock {
    /// Time since boot, suspend included: for every deadline and lease.
    fn boot(&self) -> Boot;
    /// Calendar time: for display only.
    fn wall(&self) -> Wall;
    /// Waits.
    async fn sleep(&self, span: Duration);
}

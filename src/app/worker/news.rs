//! Drift that came and went, and when it is told.
//!
//! While somebody is at work under the infrastructure lock, what changes is theirs: a look in the middle of a deploy finds
//! containers missing that are made a moment later. What a look finds is told when the look is over and nobody is at
//! work; what goes away before that was never there for whoever reads the log. A holder that gives no sign of life does
//! nothing, so it keeps nothing back.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{Address, LockId};
use crate::domain::lease::LockReport;

/// Tells whether an event says that something drifted, or does not any more.
#[must_use]
pub fn is_drift(event: &Event) -> bool {
    matches!(
        event.kind,
        EventKind::DriftFound { .. } | EventKind::DriftCleared
    )
}

/// What was found, and what of it is to be told.
#[derive(Clone, Debug, Default)]
pub(super) struct News {
    /// Found, and not told yet.
    kept: BTreeMap<Option<Address>, Event>,
    /// To be told now.
    told: Vec<Event>,
    /// The beat of the lock's holder that was seen last, and until when it is good.
    beat: Option<((LockId, u64), Instant)>,
}

impl News {
    /// Takes an event that came outside of runs.
    pub(super) fn happened(&mut self, event: &Event) {
        match event.kind {
            EventKind::DriftFound { .. } => {
                self.kept.insert(event.address.clone(), event.clone());
            }
            EventKind::DriftCleared if self.kept.remove(&event.address).is_none() => {
                self.told.push(event.clone());
            }
            _ => {}
        }
    }

    /// Notes a sign of life of the lock's holder.
    pub(super) fn beat(&mut self, report: &LockReport, now: Instant) {
        let Some(record) = &report.record else {
            self.beat = None;
            return;
        };
        let beat = (record.lock_id.clone(), record.beat);
        if self.beat.as_ref().is_none_or(|(known, _)| *known != beat) {
            self.beat = Some((beat, now + lifetime(record.lease)));
        }
    }

    /// Tells whether the lock's holder gave a sign of life lately.
    pub(super) fn is_beating(&self, now: Instant) -> bool {
        self.beat.as_ref().is_some_and(|(_, until)| now < *until)
    }

    /// Lets everything be told that was found.
    pub(super) fn release(&mut self) {
        self.told
            .extend(std::mem::take(&mut self.kept).into_values());
    }

    /// Takes out what is to be told now.
    pub(super) fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.told)
    }
}

/// How long a beat is good for: twice the lease, since it is heard of late where only the clock looks.
fn lifetime(lease: Duration) -> Duration {
    lease.saturating_mul(2)
}

//! What instances use of their machine: counters as a platform keeps them, and what two looks at them tell.
//!
//! Unknown stays unknown: whatever a platform does not say is `None`, never zero.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::ProviderId;
use crate::domain::time::Wall;

/// Counters of one instance at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    /// Processor time used since its start, in nanoseconds.
    pub cpu_ns: Option<u64>,
    /// The clock the processor time is to be compared with, in nanoseconds of one core.
    pub clock_ns: u64,
    /// Memory in use in bytes, caches that can be dropped left out.
    pub memory: Option<u64>,
    /// Most memory it may use; what the machine has, where nothing else was set.
    pub memory_limit: Option<u64>,
    /// Bytes received over the network.
    pub received: Option<u64>,
    /// Bytes sent over the network.
    pub sent: Option<u64>,
    /// Bytes read from block devices.
    pub read: Option<u64>,
    /// Bytes written to block devices.
    pub written: Option<u64>,
    /// Processes and threads.
    pub tasks: Option<u64>,
}

/// What one instance uses at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Usage {
    /// When it was looked at.
    pub at: Wall,
    /// Thousandths of one core since the look before; `None` at the first look.
    pub cpu_millis: Option<u64>,
    /// The counters.
    pub counters: Counters,
}

/// The last probes of an instance's health check, as the platform remembers them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Probed {
    /// When the probe ended, where the platform says so.
    pub at: Option<Wall>,
    /// Its exit code, where it has one.
    pub exit: Option<i64>,
    /// What it said.
    pub output: String,
}

/// Remembers the look before, so that processor time becomes a share.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    before: BTreeMap<ProviderId, (u64, u64)>,
}

impl Meter {
    /// Takes new counters of an instance.
    pub fn read(&mut self, id: &ProviderId, counters: Counters, at: Wall) -> Usage {
        let now = counters.cpu_ns.map(|cpu| (cpu, counters.clock_ns));
        let before = self.before.get(id).copied();
        match now {
            Some(now) => self.before.insert(id.clone(), now),
            None => self.before.remove(id),
        };
        Usage {
            at,
            cpu_millis: before.zip(now).and_then(|(a, b)| cpu_millis(a, b)),
            counters,
        }
    }

    /// Forgets all instances but these.
    pub fn keep(&mut self, ids: &BTreeSet<ProviderId>) {
        self.before.retain(|id, _| ids.contains(id));
    }
}

/// Returns the thousandths of one core between two looks, each processor time and clock in nanoseconds. `None`
/// when no time went by, or when the processor time went back: then it is another process's.
#[must_use]
pub fn cpu_millis(before: (u64, u64), after: (u64, u64)) -> Option<u64> {
    let used = after.0.checked_sub(before.0)?;
    let passed = after.1.checked_sub(before.1).filter(|passed| *passed > 0)?;
    let millis = u128::from(used) * 1_000 / u128::from(passed);
    u64::try_from(millis).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_a_core_is_processor_time_by_clock() {
        let second = 1_000_000_000;
        let cases = [
            // Idle, half a core, two whole cores.
            ((7, 0), (7, second), Some(0)),
            ((0, 0), (second / 2, second), Some(500)),
            ((second, second), (5 * second, 3 * second), Some(2_000)),
            // The same moment twice, and a clock that went back.
            ((0, 5), (9, 5), None),
            ((0, 5), (9, 4), None),
            // It was started anew: the counter is smaller than before.
            ((100, 0), (3, second), None),
            // No overflow at the end of the range.
            ((0, 0), (u64::MAX, u64::MAX), Some(1_000)),
        ];
        for (before, after, expected) in cases {
            assert_eq!(cpu_millis(before, after), expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn the_first_look_knows_no_share_and_neither_does_one_after_a_gap() {
        let mut meter = Meter::default();
        let id = ProviderId::new("a");
        let look = |cpu: Option<u64>, clock| Counters {
            cpu_ns: cpu,
            clock_ns: clock,
            ..Counters::default()
        };
        let at = Wall(1);
        assert_eq!(meter.read(&id, look(Some(0), 0), at).cpu_millis, None);
        assert_eq!(
            meter.read(&id, look(Some(250), 1_000), at).cpu_millis,
            Some(250)
        );
        assert_eq!(meter.read(&id, look(None, 2_000), at).cpu_millis, None);
        assert_eq!(meter.read(&id, look(Some(500), 3_000), at).cpu_millis, None);
        meter.keep(&BTreeSet::new());
        assert_eq!(meter.read(&id, look(Some(900), 4_000), at).cpu_millis, None);
    }
}

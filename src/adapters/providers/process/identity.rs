//! Who a process is: pid, start time and boot, so that a number that was used again is never mistaken.
//!
//! Signals go through a pidfd that is opened first and checked after: between the two the number cannot be
//! given to somebody else without the check seeing it. Nothing here signals a bare number.

use std::os::fd::OwnedFd;
use std::sync::OnceLock;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// A process for as long as this machine is up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct ProcessId {
    pub(super) pid: i32,
    /// Start time in clock ticks since boot, as the machine counts; earlier versions wrote it as their own time
    /// namespace did.
    pub(super) start: u64,
    /// Boot it was seen in.
    pub(super) boot: String,
}

/// What `/proc/PID/stat` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// `R`, `S`, `T`, `Z`, …
    pub(super) state: char,
    pub(super) parent: i32,
    /// As the machine counts, whatever our own time namespace adds.
    pub(super) start: u64,
}

/// By how many clock ticks (hundredths of a second) our time namespace shifts the start times we read.
fn shift() -> i64 {
    static SHIFT: OnceLock<i64> = OnceLock::new();
    *SHIFT.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/self/timens_offsets").unwrap_or_default();
        ticks_of(&text).unwrap_or_default()
    })
}

fn ticks_of(offsets: &str) -> Option<i64> {
    let words = offsets
        .lines()
        .find_map(|line| line.strip_prefix("boottime"));
    let mut words = words?.split_ascii_whitespace();
    let seconds: i64 = words.next()?.parse().ok()?;
    let nanos: i64 = words.next()?.parse().ok()?;
    seconds.checked_mul(100)?.checked_add(nanos / 10_000_000)
}

impl Stat {
    /// Reads the line; the name in it may contain anything, so it is cut off at the last bracket.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let rest = line.get(line.rfind(')')? + 1..)?;
        let mut words = rest.split_ascii_whitespace();
        let state = words.next()?.chars().next()?;
        let parent = words.next()?.parse().ok()?;
        let start = words.nth(17)?.parse().ok()?;
        Some(Self {
            state,
            parent,
            start,
        })
    }

    /// Reads the line, and counts the start as the machine does.
    fn read(line: &str) -> Option<Self> {
        let stat = Self::parse(line)?;
        let start = stat.start.saturating_add_signed(shift().saturating_neg());
        Some(Self { start, ..stat })
    }

    /// Tells whether this is when a process of ours began, also as earlier versions wrote it.
    fn began_at(self, start: u64) -> bool {
        self.start == start || self.start.saturating_add_signed(shift()) == start
    }

    /// Reads the facts of a process; one that has ended but was not yet collected counts as gone.
    pub(super) fn of(pid: i32) -> Option<Self> {
        let line = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        let stat = Self::read(&String::from_utf8_lossy(&line))?;
        (!matches!(stat.state, 'Z' | 'X' | 'x')).then_some(stat)
    }
}

/// Returns the id of this boot.
pub(super) fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

/// Returns our own pid as `/proc` counts.
pub(super) fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

impl ProcessId {
    /// Describes a living process.
    pub(super) fn of(pid: i32) -> Option<Self> {
        Some(Self {
            pid,
            start: Stat::of(pid)?.start,
            boot: boot_id(),
        })
    }

    /// Looks at it; `None` when it has ended, also when its number belongs to another process now.
    pub(super) fn stat(&self) -> Option<Stat> {
        let stat = Stat::of(self.pid)?;
        (stat.began_at(self.start) && self.boot == boot_id()).then_some(stat)
    }

    /// Tells whether it lives.
    pub(super) fn is_alive(&self) -> bool {
        self.stat().is_some()
    }

    /// Opens a handle that stays this process's.
    fn open(&self) -> Option<OwnedFd> {
        let handle = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        self.is_alive().then_some(handle)
    }

    /// Sends a signal; returns whether it was sent.
    pub(super) fn signal(&self, signal: Signal) -> bool {
        self.open()
            .is_some_and(|handle| pidfd_send_signal(handle, signal).is_ok())
    }

    /// Reads its environment as it was at its start.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let bytes = std::fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        if !self.is_alive() {
            return Vec::new();
        }
        bytes
            .split(|byte| *byte == 0)
            .filter_map(|entry| {
                let entry = std::str::from_utf8(entry).ok()?;
                let (name, value) = entry.split_once('=')?;
                Some((name.to_owned(), value.to_owned()))
            })
            .collect()
    }
}

/// Describes a child of ours that may have ended already but was not collected yet.
pub(super) fn of_child(pid: i32) -> Option<ProcessId> {
    let line = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = Stat::read(&String::from_utf8_lossy(&line))?;
    Some(ProcessId {
        pid,
        start: stat.start,
        boot: boot_id(),
    })
}

/// Reads the name of a signal (`SIGTERM`, `term`, `15`).
pub(super) fn signal_named(text: &str) -> Option<Signal> {
    let upper = text.trim().to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let number = match name {
        "HUP" | "1" => Signal::HUP,
        "INT" | "2" => Signal::INT,
        "QUIT" | "3" => Signal::QUIT,
        "ABRT" | "6" => Signal::ABORT,
        "KILL" | "9" => Signal::KILL,
        "USR1" | "10" => Signal::USR1,
        "USR2" | "12" => Signal::USR2,
        "ALRM" | "14" => Signal::ALARM,
        "TERM" | "15" => Signal::TERM,
        "CONT" | "18" => Signal::CONT,
        "WINCH" | "28" => Signal::WINCH,
        _ => return None,
    };
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_cannot_forge_the_facts() {
        let tail = "S 7 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0";
        for name in ["sh", "a b", ") Z 1 (", "((("] {
            assert_eq!(
                Stat::parse(&format!("42 ({name}) {tail}")),
                Some(Stat {
                    state: 'S',
                    parent: 7,
                    start: 4711
                }),
                "{name}"
            );
        }
        assert_eq!(Stat::parse("42 (sh"), None);
    }

    #[test]
    fn what_a_time_namespace_adds_is_read_in_ticks() {
        for (text, expected) in [
            (
                "monotonic           0         0\nboottime        10000         0\n",
                Some(1_000_000),
            ),
            ("monotonic 0 0\nboottime -5 20000000\n", Some(-498)),
            ("monotonic 0 0\nboottime 0 0\n", Some(0)),
            ("boottime x", None),
            ("", None),
        ] {
            assert_eq!(ticks_of(text), expected, "{text}");
        }
    }

    #[test]
    fn a_number_that_was_used_again_is_somebody_else() {
        let me = ProcessId::of(own_pid()).expect("we live");
        assert!(me.is_alive());
        let earlier = ProcessId {
            start: me.start - 1,
            ..me.clone()
        };
        assert!(!earlier.is_alive());
        assert!(!earlier.signal(Signal::KILL));
        let other_boot = ProcessId {
            boot: "x".into(),
            ..me
        };
        assert!(!other_boot.is_alive());
        assert!(other_boot.environment().is_empty());
    }

    #[test]
    fn signals_are_known_by_name_and_number() {
        for text in ["SIGTERM", "term", "15", " Term "] {
            assert_eq!(signal_named(text), Some(Signal::TERM), "{text}");
        }
        assert_eq!(signal_named("NOPE"), None);
    }
}

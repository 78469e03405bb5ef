//! Everything a command started: found by session, process group, descent and a mark in the environment.
//!
//! A process group alone is not enough: a child that calls `setsid` and forks twice leaves it, and its parents. Its
//! keeper takes it in again, and the mark, an inherited variable, tells whose it is also without a keeper. Signals
//! go through a pidfd after a second look, so that a pid that was used again is never hit.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal};

use crate::adapters::hooks::mark;
use crate::adapters::processes::{self, Stat};

/// Name of the variable that carries the mark.
pub(super) const MARK: &str = "NK_HOOK";
/// Pause between two looks while waiting for killed processes to vanish.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How often it is looked before giving up on a process the kernel does not let go.
const LOOKS: u32 = 200;
/// How often what was forked meanwhile is looked for before killing begins.
const FREEZES: u32 = 20;

/// One command with everything it started.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// Pid of the keeper: session and process group may carry its number. It is no member itself.
    leader: u32,
    /// Its start time, which tells whether that pid was used again.
    start: Option<u64>,
    /// `NK_HOOK=…`.
    mark: Vec<u8>,
}

impl Tree {
    /// Describes the tree below a keeper that was started with the mark and not waited for yet.
    pub(super) fn new(leader: u32, mark: &str) -> Self {
        Self {
            leader,
            start: processes::stat(leader)
                .ok()
                .flatten()
                .map(|stat| stat.start),
            mark: mark::entry(mark),
        }
    }

    /// Sends a signal to every process of the tree and returns how many there were.
    pub(super) fn signal(&self, signal: Signal) -> usize {
        let members = self.members();
        for member in &members {
            // It may have ended by itself meanwhile.
            let _ = rustix::process::pidfd_send_signal(member, signal);
        }
        members.len()
    }

    /// Tells whether anything of it still runs.
    pub(super) fn is_alive(&self) -> bool {
        !self.members().is_empty()
    }

    /// Stops every process, and again what they forked meanwhile: what stands still cannot get away.
    pub(super) fn freeze(&self) {
        let mut before = 0;
        for _ in 0..FREEZES {
            let now = self.signal(Signal::STOP);
            if now <= before {
                return;
            }
            before = now;
        }
    }

    /// Kills until nothing is left.
    pub(super) async fn kill(&self) {
        self.freeze();
        for _ in 0..LOOKS {
            if self.signal(Signal::KILL) == 0 {
                return;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        tracing::warn!(leader = self.leader, "a process of a hook cannot be killed");
    }

    /// The same without a runtime, for a future that is dropped: a few quick looks.
    pub(super) fn kill_now(&self) {
        self.freeze();
        for _ in 0..20 {
            if self.signal(Signal::KILL) == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn members(&self) -> Vec<OwnedFd> {
        let me = std::process::id();
        let all: Vec<(u32, Stat)> = pids()
            .filter(|pid| *pid != me && *pid != self.leader)
            .filter_map(|pid| Some((pid, processes::stat(pid).ok()??)))
            .filter(|(_, stat)| !stat.ended)
            .collect();
        let numbered = self.number_is_ours();
        let mut found: BTreeSet<u32> = all
            .iter()
            .filter(|(pid, stat)| numbered && self.is_numbered(stat) || self.is_marked(*pid))
            .map(|(pid, _)| *pid)
            .collect();
        loop {
            let children: Vec<u32> = all
                .iter()
                .filter(|(pid, stat)| !found.contains(pid) && found.contains(&stat.parent))
                .map(|(pid, _)| *pid)
                .collect();
            if children.is_empty() {
                break;
            }
            found.extend(children);
        }
        all.iter()
            .filter(|(pid, _)| found.contains(pid))
            .filter_map(|(pid, stat)| open(*pid, stat.start))
            .collect()
    }

    /// The kernel gives the leader's number to nobody else while its session or group has a member; when
    /// somebody else has it, there is none.
    fn number_is_ours(&self) -> bool {
        match (processes::stat(self.leader), self.start) {
            (Ok(None), _) => true,
            (Ok(Some(now)), Some(start)) => now.start == start,
            (Ok(Some(_)), None) | (Err(_), _) => false,
        }
    }

    fn is_numbered(&self, stat: &Stat) -> bool {
        let number = self.leader;
        stat.session == number || stat.group == number || stat.parent == number
    }

    fn is_marked(&self, pid: u32) -> bool {
        fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|all| all.split(|byte| *byte == 0).any(|entry| entry == self.mark))
    }
}

/// Opens every process but ourselves whose mark is so.
pub(super) fn marked(so: impl Fn(&str) -> bool) -> Vec<(u32, OwnedFd)> {
    let me = std::process::id();
    let name = mark::entry("");
    let is_so = |pid: u32| {
        let all = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let mut entries = all.split(|byte| *byte == 0);
        let mark = entries.find_map(|entry| entry.strip_prefix(name.as_slice()));
        mark.is_some_and(|mark| so(&String::from_utf8_lossy(mark)))
    };
    pids()
        .filter(|pid| *pid != me)
        .filter_map(|pid| Some((pid, processes::stat(pid).ok()??)))
        .filter(|(pid, stat)| !stat.ended && is_so(*pid))
        .filter_map(|(pid, stat)| Some((pid, open(pid, stat.start)?)))
        .collect()
}

/// Opens a process by pid, if it still is the one that was seen.
fn open(pid: u32, start: u64) -> Option<OwnedFd> {
    let pid_raw = Pid::from_raw(i32::try_from(pid).ok()?)?;
    let fd = rustix::process::pidfd_open(pid_raw, PidfdFlags::empty()).ok()?;
    let now = processes::stat(pid).ok()??;
    (now.start == start).then_some(fd)
}

fn pids() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

//! Finding and ending everything that belongs to an instance.
//!
//! A process group alone is not enough: whoever calls `setsid` leaves it. Three nets are used together:
//! the variable [`MARKER`] in the environment, descent from the supervisor (a subreaper, so that orphans come
//! back to it), and the control group where one could be made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rustix::process::{Pid, Signal, WaitOptions, waitpid};

use crate::adapters::providers::process::identity::{ProcessId, Stat, boot_id, own_pid};

/// Variable every process of an instance carries; its value is the instance's id.
pub(super) const MARKER: &str = "NK_INSTANCE";
/// Variable every process of one exec call or probe carries besides.
pub(super) const EXEC_MARKER: &str = "NK_EXEC";

/// Where to look for members of a tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nets<'a> {
    /// Name and value of the variable.
    pub(super) marker: (&'a str, &'a str),
    /// Process whose descendants belong to it.
    pub(super) root: Option<i32>,
    /// Control group.
    pub(super) cgroup: Option<&'a Path>,
}

impl Nets<'_> {
    /// Lists the living members, ourselves left out.
    pub(super) fn members(&self) -> Vec<ProcessId> {
        let stats = all();
        let mut found: BTreeSet<i32> = self
            .root
            .map_or_else(BTreeSet::new, |root| descendants(&stats, root));
        let wanted = format!("{}={}", self.marker.0, self.marker.1);
        found.extend(
            stats
                .keys()
                .copied()
                .filter(|pid| has_variable(*pid, wanted.as_bytes())),
        );
        if let Some(group) = self.cgroup {
            let text = std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
            found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()));
        }
        let (own, boot) = (own_pid(), boot_id());
        found
            .into_iter()
            .filter(|pid| *pid != own && *pid > 1)
            .filter_map(|pid| {
                let stat = stats.get(&pid)?;
                Some(ProcessId {
                    pid,
                    start: stat.start,
                    boot: boot.clone(),
                })
            })
            .collect()
    }

    /// Sends a signal to every member; returns how many there were.
    pub(super) fn signal(&self, signal: Signal) -> usize {
        if signal == Signal::KILL
            && let Some(group) = self.cgroup
        {
            // Atomic where the kernel has it; the sweep below does the rest where it has not.
            let _ = std::fs::write(group.join("cgroup.kill"), "1");
        }
        let members = self.members();
        for member in &members {
            member.signal(signal);
        }
        members.len()
    }
}

fn all() -> BTreeMap<i32, Stat> {
    let pids = numbers("/proc").into_iter();
    pids.filter_map(|pid| Some((pid, Stat::of(pid)?))).collect()
}

/// Lists the members below each of some roots, the root itself where it is said to be one; one look for all.
pub(super) fn family(roots: impl Iterator<Item = (Option<i32>, bool)>) -> Vec<Vec<i32>> {
    let stats = all();
    roots
        .map(|(root, itself)| {
            let Some(root) = root else { return Vec::new() };
            let below = descendants(&stats, root).into_iter();
            below.chain(itself.then_some(root)).collect()
        })
        .collect()
}

fn descendants(stats: &BTreeMap<i32, Stat>, root: i32) -> BTreeSet<i32> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for (pid, stat) in stats {
        children.entry(stat.parent).or_default().push(*pid);
    }
    let mut found = BTreeSet::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        for child in children.get(&pid).into_iter().flatten() {
            if found.insert(*child) {
                open.push(*child);
            }
        }
    }
    found
}

fn has_variable(pid: i32, wanted: &[u8]) -> bool {
    std::fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|bytes| bytes.split(|byte| *byte == 0).any(|entry| entry == wanted))
}

/// Collects ended children of ours that were seen ended in the round before as well (`seen`), and returns those
/// seen now. Children somebody waits for are collected by their waiter long before the second round.
pub(super) fn reap_orphans(seen: &[i32]) -> Vec<i32> {
    let own = own_pid();
    let mut ended = Vec::new();
    for pid in children(own) {
        let Ok(line) = std::fs::read(format!("/proc/{pid}/stat")) else {
            continue;
        };
        let ended_child = Stat::parse(&String::from_utf8_lossy(&line))
            .is_some_and(|stat| stat.parent == own && stat.state == 'Z');
        match Pid::from_raw(pid) {
            Some(number) if ended_child && seen.contains(&pid) => {
                let _ = waitpid(Some(number), WaitOptions::NOHANG);
            }
            _ if ended_child => ended.push(pid),
            _ => {}
        }
    }
    ended
}

/// Lists our children as the kernel keeps them per thread; where it does not say, every process is a candidate.
fn children(own: i32) -> Vec<i32> {
    let threads = numbers(&format!("/proc/{own}/task"));
    let lists: Option<Vec<String>> = threads
        .iter()
        .map(|thread| std::fs::read_to_string(format!("/proc/{own}/task/{thread}/children")).ok())
        .collect();
    match lists {
        Some(lists) if !lists.is_empty() => lists
            .iter()
            .flat_map(|list| list.split_ascii_whitespace())
            .filter_map(|pid| pid.parse().ok())
            .collect(),
        Some(_) | None => numbers("/proc"),
    }
}

/// Lists the entries of a folder that are numbers.
pub(super) fn numbers(folder: &str) -> Vec<i32> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descent_goes_through_every_generation() {
        let stat = |parent| Stat {
            state: 'S',
            parent,
            start: 1,
        };
        let stats = BTreeMap::from([
            (1, stat(0)),
            (10, stat(1)),
            (11, stat(10)),
            (12, stat(11)),
            (20, stat(1)),
        ]);
        assert_eq!(descendants(&stats, 10), BTreeSet::from([11, 12]));
        assert_eq!(descendants(&stats, 20), BTreeSet::new());
    }
}

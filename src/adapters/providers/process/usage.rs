//! What host processes use: the counters of everything below an instance's supervisor, added up.
//!
//! Orphans come back to the supervisor (a subreaper), so that descent finds all of an instance; one look at
//! `/proc` serves all instances asked for. Shared pages count for each process that has them.

use std::collections::BTreeMap;
use std::io;

use rustix::time::{ClockId, clock_gettime};

use crate::adapters::providers::process::folder::Places;
use crate::adapters::providers::process::instances::{Found, find};
use crate::adapters::providers::process::tree::family;
use crate::domain::ids::ProviderId;
use crate::domain::live::Status;
use crate::domain::usage::Counters;
use crate::ports::provider::InstanceRef;

/// Nanoseconds of one tick: the kernel tells processor times in hundredths of a second, whatever it counts in.
const TICK_NS: u64 = 10_000_000;

/// Reads the counters of instances that run.
pub(super) fn count(
    places: &Places,
    targets: &[InstanceRef],
) -> io::Result<BTreeMap<ProviderId, Counters>> {
    let mut running = Vec::new();
    for target in targets {
        if let Some(found) = find(places, &target.id, &target.name)?
            && matches!(found.standing(), Status::Running | Status::Paused)
        {
            running.push((target.id.clone(), found));
        }
    }
    if running.is_empty() {
        return Ok(BTreeMap::new());
    }
    let families = family(running.iter().map(|(_, found)| root_of(found)));
    Ok(running
        .iter()
        .zip(families)
        .map(|((id, found), members)| (id.clone(), total(found, &members)))
        .collect())
}

/// The process whose descendants are the instance, and whether it is one of them itself.
fn root_of(found: &Found) -> (Option<i32>, bool) {
    let status = &found.status;
    match status.supervisor.as_ref().filter(|id| id.is_alive()) {
        Some(supervisor) => (Some(supervisor.pid), false),
        None => (status.main.as_ref().map(|main| main.pid), true),
    }
}

fn total(found: &Found, members: &[i32]) -> Counters {
    let mut sum = Counters {
        clock_ns: now_ns(),
        memory_limit: found.status.cgroup.as_deref().and_then(memory_limit),
        ..Counters::default()
    };
    for pid in members {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok();
        if let Some((ticks, threads)) = read("stat").as_deref().and_then(times) {
            add(&mut sum.cpu_ns, Some(ticks.saturating_mul(TICK_NS)));
            add(&mut sum.tasks, Some(threads));
        }
        add(
            &mut sum.memory,
            read("status").as_deref().and_then(resident),
        );
        if let Some(text) = read("io") {
            add(&mut sum.read, number_after(&text, "read_bytes: "));
            add(&mut sum.written, number_after(&text, "write_bytes: "));
        }
    }
    sum
}

fn add(sum: &mut Option<u64>, more: Option<u64>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0).saturating_add(more));
    }
}

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// Reads processor time in ticks, collected children included, and the number of threads.
fn times(stat: &str) -> Option<(u64, u64)> {
    // The name may contain anything, so it is cut off at the last bracket; then `utime` is the twelfth word.
    let rest = stat.get(stat.rfind(')')? + 1..)?;
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let times: Option<Vec<u64>> = words.get(11..15)?.iter().map(|w| w.parse().ok()).collect();
    let threads = words.get(17)?.parse().ok()?;
    Some((times?.iter().sum(), threads))
}

/// Reads the resident memory in bytes.
fn resident(status: &str) -> Option<u64> {
    number_after(status, "VmRSS:").map(|kib| kib.saturating_mul(1024))
}

fn number_after(text: &str, key: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

/// Reads the limit the kernel really holds the instance to.
fn memory_limit(group: &std::path::Path) -> Option<u64> {
    let text = std::fs::read_to_string(group.join("memory.max")).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_any_name() {
        let tail = "S 7 1 1 0 -1 4194560 10 20 30 40 100 50 7 3 20 0 4 0 4711 1000 200";
        for name in ["sh", "a b", ") Z 1 (", "((("] {
            let line = format!("42 ({name}) {tail}");
            assert_eq!(times(&line), Some((160, 4)), "{name}");
        }
        assert_eq!(times("42 (sh) S 7"), None);
    }

    #[test]
    fn what_is_not_told_stays_unknown() {
        assert_eq!(resident("Name:\tsh\nVmRSS:\t    512 kB\n"), Some(524_288));
        // A kernel thread has no memory of its own.
        assert_eq!(resident("Name:\tkthreadd\n"), None);
        let io = "rchar: 9\nwchar: 8\nread_bytes: 4096\nwrite_bytes: 0\n";
        assert_eq!(number_after(io, "read_bytes: "), Some(4096));
        assert_eq!(number_after(io, "write_bytes: "), Some(0));
        let mut sum = None;
        add(&mut sum, None);
        assert_eq!(sum, None);
        add(&mut sum, Some(2));
        add(&mut sum, Some(3));
        assert_eq!(sum, Some(5));
    }
}

//! The mark every process of a hook inherits: who started the hook, and a random number for the one hook.
//!
//! It lets the next run find what a killed one left: the owner in the mark is gone, so nobody waits for the hook.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rustix::process::Signal;

use crate::adapters::hooks::tree::{self, MARK};
use crate::adapters::hooks::warden;
use crate::adapters::processes;
use crate::adapters::providers::process::cgroup;
use crate::formats::text::hex;

/// How often it is looked for what is left.
const ROUNDS: u32 = 50;

/// Draws the mark of a new hook of ours.
pub(super) fn draw() -> Result<String, String> {
    let mut nonce = [0; 12];
    getrandom::fill(&mut nonce).map_err(|error| error.to_string())?;
    let pid = std::process::id();
    let start = processes::stat(pid).ok().flatten();
    let start = start.map_or(0, |stat| stat.start);
    Ok(format!("{}-{pid}-{start}-{}", space(), hex(&nonce)))
}

/// Kills what hooks of ended owners left running; returns how many processes there were.
pub(super) fn sweep() -> usize {
    let mut seen = BTreeSet::new();
    let groups: Vec<PathBuf> = warden::groups()
        .into_iter()
        .filter_map(|(mark, group)| is_left(&mark).then_some(group))
        .collect();
    for group in &groups {
        let members = std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        seen.extend(members.lines().filter_map(|pid| pid.parse::<u32>().ok()));
        let _ = std::fs::write(group.join("cgroup.kill"), "1");
    }
    for _ in 0..ROUNDS {
        let left = tree::marked(is_left);
        if left.is_empty() {
            break;
        }
        for (pid, process) in left {
            let _ = rustix::process::pidfd_send_signal(&process, Signal::KILL);
            seen.insert(pid);
        }
        std::thread::sleep(tree::LOOK_AGAIN);
    }
    for group in &groups {
        cgroup::remove(group);
    }
    seen.len()
}

/// Tells whether a mark's owner is one of our own namespaces and proven to be gone.
fn is_left(mark: &str) -> bool {
    let mut parts = mark.split('-');
    let mut part = || parts.next().unwrap_or_default();
    let (there, pid, start) = (part(), part(), part());
    let (Ok(pid), Ok(start)) = (pid.parse::<u32>(), start.parse::<u64>()) else {
        return false;
    };
    let own = space();
    let of_pids = own.split('.').next().unwrap_or_default();
    // Earlier versions named the pid namespace alone.
    if there.is_empty() || (there != own && there != of_pids) || start == 0 {
        return false;
    }
    match processes::stat(pid) {
        Ok(Some(stat)) => stat.start != start || stat.ended,
        // `/proc` may hide the processes of others, so absence there is no proof.
        Ok(None) => processes::absent(pid),
        Err(_) => false,
    }
}

/// Returns the numbers of our pid and time namespaces: pids and start times of others mean nothing here.
fn space() -> String {
    let number = |kind| {
        let name = processes::namespace(kind);
        name.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    format!("{}.{}", number("pid"), number("time"))
}

/// The name of the variable beside its value, as `/proc` shows it.
pub(super) fn entry(mark: &str) -> Vec<u8> {
    format!("{MARK}={mark}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proven_end_of_the_owner_makes_a_hook_left_over() {
        let own = draw().unwrap();
        assert!(!is_left(&own), "we live");
        let [there, pid, start, nonce] = own.split('-').collect::<Vec<_>>()[..] else {
            panic!("{own}");
        };
        let (pids, _) = there.split_once('.').expect("both namespaces");
        let later = start.parse::<u64>().unwrap() + 1;
        for (mark, expected) in [
            (format!("{there}-{pid}-{later}-{nonce}"), true),
            (format!("{there}-4194999-{start}-{nonce}"), true),
            (format!("1-4194999-{start}-{nonce}"), false),
            (format!("{pids}-{pid}-{start}-{nonce}"), false),
            (format!("{pids}-{pid}-{later}-{nonce}"), true),
            (format!("{pids}.1-{pid}-{later}-{nonce}"), false),
            (format!("-4194999-{start}-{nonce}"), false),
            (format!("{there}-{pid}-0-{nonce}"), false),
            (nonce.to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(is_left(&mark), expected, "{mark}");
        }
    }
}

//! The calibration: each bug that is planted in the ports has to be caught, or the simulation has rotted.

#![expect(
    clippy::disallowed_macros,
    reason = "the table of what caught what is for people"
)]

use super::flock::fly;
use crate::support::sim::ledger::{Invariant, Planted};

/// Within how many schedules a bug has to be caught.
const WITHIN: u64 = 20_000;

#[test]
fn every_planted_bug_is_caught() {
    let seeds: Vec<u64> = (0..WITHIN).collect();
    let mut table = String::new();
    let mut alive = Vec::new();
    for bug in Planted::BUGS {
        let flock = fly(&seeds, bug, false, true);
        match flock.broken.first() {
            Some((seed, invariant, what)) => table.push_str(&format!(
                "{:<18} {:<14} after {:>5} schedules (seed {seed}): {what}\n",
                format!("{bug:?}"),
                format!("{invariant:?}"),
                flock.schedules,
            )),
            None => alive.push(bug),
        }
    }
    println!("{table}");
    assert!(alive.is_empty(), "not caught: {alive:?}\n{table}");
}

#[test]
fn every_invariant_is_numbered_once() {
    let mut numbers: Vec<String> = Invariant::ALL
        .iter()
        .map(|invariant| {
            let name = format!("{invariant:?}");
            name.chars()
                .skip(1)
                .take_while(char::is_ascii_digit)
                .collect()
        })
        .collect();
    let all = numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), all, "{numbers:?}");
}

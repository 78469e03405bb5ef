//! The calibration: each bug that is planted in the ports has to be caught, or the simulation has rotted.

#![expect(
    clippy::disallowed_macros,
    reason = "the table of what caught what is for people"
)]

use super::flock::{Flight, Seed, Until, fly};
use super::profile::Profile;
use crate::support::sim::ledger::Planted as P;
use crate::support::sim::ledger::{Invariant, Planted};

/// Within how many mixed schedules a bug has to be caught, if not by those of its profile before.
const WITHIN: u64 = 20_000;
/// How many schedules of its profile are tried first.
const FIRST: u64 = 300;

/// Each bug, and the faults that bring it out soonest.
const TABLE: [(P, Profile); 19] = [
    (P::NoIntent, Profile::Killed),
    (P::NoFsync, Profile::PowerLost),
    (P::WallClock, Profile::WrongClocks),
    (P::BlindUnlock, Profile::Forced),
    (P::BlindRelease, Profile::Forced),
    (P::NoFence, Profile::Mixed),
    (P::EpochRestart, Profile::Forced),
    (P::LostReplyFails, Profile::RepliesLost),
    (P::LostReplySucceeds, Profile::RepliesLost),
    (P::PendingForgotten, Profile::Killed),
    (P::NoSettleWait, Profile::Killed),
    (P::DeleteOrder, Profile::Calm),
    (P::StartOrder, Profile::Calm),
    (P::NoSelfFence, Profile::Suspended),
    (P::FailureSucceeds, Profile::RepliesLost),
    (P::JournalFirst, Profile::Killed),
    (P::ByName, Profile::Drifting),
    (P::ForeignProof, Profile::Forced),
    (P::TornState, Profile::Calm),
];

#[test]
fn every_planted_bug_is_caught() {
    let until = Until::Broken;
    let mut table = String::new();
    let mut alive = Vec::new();
    for (planted, profile) in TABLE {
        let mut flock = fly(&Seed::first(FIRST, profile), Flight { planted, until });
        if flock.broken.is_empty() {
            let mixed = Seed::first(WITHIN, Profile::Mixed);
            flock = fly(&mixed, Flight { planted, until });
        }
        match flock.broken.first() {
            Some((seed, invariant, what)) => {
                let line = format!(
                    "{:<18} {:<14} after {:>5} schedules ({seed}): {what}\n",
                    format!("{planted:?}"),
                    format!("{invariant:?}"),
                    flock.schedules,
                );
                print!("{line}");
                table.push_str(&line);
            }
            None => alive.push(planted),
        }
    }
    assert!(alive.is_empty(), "not caught: {alive:?}\n{table}");
}

#[test]
fn an_unlock_that_does_not_compare_is_caught_at_the_lock_itself() {
    let flight = Flight {
        planted: Planted::BlindUnlock,
        until: Until::Breaks(Invariant::I6LockKept),
    };
    let flock = fly(&Seed::first(2_000, Profile::Forced), flight);
    let (seed, _, what) = flock.broken.first().expect("a lock that was not kept");
    println!("after {} schedules ({seed}): {what}", flock.schedules);
}

#[test]
fn every_bug_is_in_the_table_and_every_invariant_is_numbered_once() {
    let mut bugs: Vec<P> = TABLE.iter().map(|(bug, _)| *bug).collect();
    bugs.sort_unstable();
    assert_eq!(bugs, P::BUGS);
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

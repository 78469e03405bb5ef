//! The calibration: each bug that is planted in the ports has to be caught by the invariant that names it, or the
//! simulation has rotted.

use std::collections::BTreeSet;

use super::flock::{Flight, Seed, Until, fly};
use super::profile::Profile;
use crate::support::sim::ledger::Invariant;
use crate::support::sim::ledger::Planted as P;

/// Within how many mixed schedules a bug has to be caught, if not by those of its profile before.
const WITHIN: u64 = 3_000;
/// How many schedules of its profile are tried first.
const FIRST: u64 = 300;

/// Each bug, the invariant that names it, and the faults that bring it out soonest.
const TABLE: [(P, Invariant, Profile); 28] = [
    (P::NoIntent, Invariant::I1OneWriter, Profile::Killed),
    (P::NoFsync, Invariant::I2Tracked, Profile::PowerLost),
    (P::WallClock, Invariant::I6LockKept, Profile::WrongClocks),
    (P::BlindUnlock, Invariant::I6LockKept, Profile::Forced),
    (P::BlindRelease, Invariant::I6LockKept, Profile::Forced),
    (P::NoFence, Invariant::I1OneWriter, Profile::Mixed),
    (P::EpochRestart, Invariant::I7StateSound, Profile::Forced),
    (
        P::LostReplyFails,
        Invariant::I2Tracked,
        Profile::RepliesLost,
    ),
    (
        P::LostReplySucceeds,
        Invariant::I8Truth,
        Profile::RepliesLost,
    ),
    (P::PendingForgotten, Invariant::I2Tracked, Profile::Killed),
    (P::NoSettleWait, Invariant::I2Tracked, Profile::Killed),
    (P::DeleteOrder, Invariant::I3Order, Profile::Calm),
    (P::StartOrder, Invariant::I3Order, Profile::Calm),
    (P::NoSelfFence, Invariant::I1OneWriter, Profile::Suspended),
    (P::FailureSucceeds, Invariant::I8Truth, Profile::RepliesLost),
    (P::JournalFirst, Invariant::I2Tracked, Profile::Killed),
    (P::ByName, Invariant::I15OnlyOurs, Profile::Drifting),
    (P::ForeignProof, Invariant::I6LockKept, Profile::Forced),
    (P::TornState, Invariant::I7StateSound, Profile::Calm),
    (P::LimitsIgnored, Invariant::I4Converges, Profile::Calm),
    (P::JournalsKept, Invariant::I4Converges, Profile::Killed),
    (P::NetworksUnseen, Invariant::I5Quiet, Profile::Calm),
    (P::SettleWaits, Invariant::I4Converges, Profile::RepliesLost),
    (P::LooksWait, Invariant::I9Bounded, Profile::RepliesLost),
    (P::Flickers, Invariant::I13SamePlan, Profile::Calm),
    (P::DoneForgotten, Invariant::I14NotRedone, Profile::Calm),
    (P::ApprovalIgnored, Invariant::I16PlanBound, Profile::Crowd),
    (P::NetworksKept, Invariant::I17NothingLeft, Profile::Calm),
];

/// A bug that no schedule meets: the tests of actions plant and catch it.
const ELSEWHERE: [P; 1] = [P::MarksForgotten];

#[test]
fn every_planted_bug_is_caught_by_the_invariant_that_names_it() {
    let mut table = String::new();
    let mut alive = Vec::new();
    for (planted, invariant, profile) in TABLE {
        let until = Until::Breaks(invariant);
        let flight = Flight { planted, until };
        let mut flock = fly(&Seed::first(FIRST, profile), flight);
        if flock.broken.is_empty() {
            let tally = std::mem::take(&mut flock.tally);
            flock = fly(&Seed::first(WITHIN, Profile::Mixed), flight);
            flock.tally.extend(tally);
        }
        match flock.broken.first() {
            Some((seed, _, what)) => {
                let line = format!(
                    "{:<18} {:<14} after {:>5} schedules ({seed}): {what}\n",
                    format!("{planted:?}"),
                    format!("{invariant:?}"),
                    flock.schedules,
                );
                print!("{line}");
                table.push_str(&line);
            }
            None => alive.push((planted, invariant, flock.tally)),
        }
    }
    assert!(
        alive.is_empty(),
        "not caught by their own invariant, but by: {alive:?}\n{table}"
    );
}

#[test]
fn every_invariant_has_a_bug_that_breaks_it() {
    let caught: BTreeSet<Invariant> = TABLE.iter().map(|(_, invariant, _)| *invariant).collect();
    assert_eq!(caught, BTreeSet::from(Invariant::ALL));
}

#[test]
fn every_bug_is_in_the_table_and_every_invariant_is_numbered_once() {
    let table = TABLE.iter().map(|(bug, ..)| *bug);
    let mut bugs: Vec<P> = table.chain(ELSEWHERE).collect();
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

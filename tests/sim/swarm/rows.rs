//! Rows of the fault matrix, each with a profile that concentrates on it: the fault has to meet somebody often, and
//! nothing may break.

#![expect(
    clippy::disallowed_macros,
    clippy::print_stdout,
    reason = "how often each fault met somebody is for people"
)]

use super::flock::{Flight, Flock, Seed, assert_unbroken, fly};
use super::gates::schedules;
use super::profile::Profile;

/// Carries the schedules of a profile out; each of these has to happen at least once in so many schedules.
fn row(profile: Profile, must: &[(&str, u64)]) -> Flock {
    let count = (schedules() / 50).max(50);
    let flock = fly(&Seed::first(count, profile), Flight::default());
    assert_unbroken(&flock);
    let told: Vec<String> = must
        .iter()
        .map(|(what, _)| format!("{what} {}", flock.count(what)))
        .collect();
    println!("{profile:?}: {count} schedules, {}", told.join(", "));
    for (what, once_in) in must {
        let (seen, enough) = (flock.count(what), count / once_in);
        assert!(seen >= enough.max(1), "{what}: {seen} of {enough}");
    }
    flock
}

#[test]
fn f01_killed_at_any_step_of_any_command() {
    row(Profile::Killed, &[("killed", 1), ("admin killed", 4)]);
}

#[test]
fn f03_power_lost_while_something_is_written() {
    row(Profile::PowerLost, &[("power lost", 1), ("killed", 3)]);
}

#[test]
fn f06_calls_and_replies_are_lost() {
    let must = [("call lost", 3), ("reply lost", 3), ("call late", 3)];
    row(Profile::RepliesLost, &must);
}

#[test]
fn f09_wrong_clocks_change_no_verdict() {
    let flock = row(
        Profile::WrongClocks,
        &[("clock jumped", 1), ("clock skewed", 1)],
    );
    // Nobody dies and nobody forces: no lock changes hands but by release.
    assert_eq!(flock.count("takeover"), 0);
    assert_eq!(flock.count("fenced"), 0);
}

#[test]
fn f11_everybody_at_once() {
    let flock = row(
        Profile::Crowd,
        &[("ended well", 1), ("planned beside a run", 1)],
    );
    assert_eq!(flock.count("takeover"), 0);
    assert_eq!(flock.count("fenced"), 0);
}

#[test]
fn f12_cut_off_from_the_lock() {
    let must = [
        ("lock cut off", 3),
        ("lock reply lost", 3),
        ("lock flapping", 3),
        ("fenced", 10),
    ];
    row(Profile::CutOff, &must);
}

#[test]
fn f12_replies_of_the_lock_are_lost() {
    let must = [
        ("acquire reply lost", 2),
        ("renewal reply lost", 1),
        ("release reply lost", 2),
        ("ended well", 1),
    ];
    let flock = row(Profile::LockReplies, &must);
    // Nobody dies and nobody forces: whoever hears nothing looks, and finds its own lock.
    assert_eq!(flock.count("takeover"), 0);
}

#[test]
fn f13_a_frozen_holder_wakes_up_fenced() {
    row(Profile::Frozen, &[("frozen", 1), ("fenced", 5)]);
}

#[test]
fn f14_the_lock_of_a_living_holder_is_forced() {
    row(Profile::Forced, &[("unlocked by force", 3), ("fenced", 4)]);
}

#[test]
fn f40_changes_by_hand_during_runs() {
    row(Profile::Drifting, &[("drifted", 1), ("volume lost", 25)]);
}

#[test]
fn f41_lists_are_old() {
    row(Profile::OldLists, &[("old list", 4)]);
}

#[test]
fn f47_the_machine_sleeps_while_a_run_goes_on() {
    row(Profile::Suspended, &[("suspended", 1), ("fenced", 5)]);
}

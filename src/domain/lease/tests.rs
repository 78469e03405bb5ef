//! The verdict table, the transitions and the times.

use super::*;

fn record(status: LockStatus) -> LockRecord {
    LockRecord {
        status,
        lock_id: LockId::new("a"),
        epoch: Epoch(4),
        beat: 1,
        lineage: None,
        holder: Holder::default(),
        occupation: Occupation::default(),
        lease: Duration::from_secs(30),
        acquired_at: Wall(0),
        renewed_at: Wall(0),
        broken: None,
    }
}

fn claim(id: &str) -> Claim {
    Claim {
        lock_id: LockId::new(id),
        lineage: None,
        holder: Holder::default(),
        occupation: Occupation::default(),
        lease: Duration::from_secs(30),
        at: Wall(5),
    }
}

fn at(seconds: u64) -> Boot {
    Boot(Duration::from_secs(seconds))
}

#[test]
fn only_proof_makes_dead_and_only_silence_makes_expired() {
    use LockStatus::{Broken, Free, Held};
    use ProcessProof::{Alive, Gone, Stopped, Unknown};
    let watch = |moved, still| Watched {
        moved,
        still: Duration::from_secs(still),
    };
    let cases = [
        (None, Unknown, watch(false, 99), Verdict::Free),
        (Some(Free), Alive, watch(false, 0), Verdict::Free),
        (Some(Broken), Alive, watch(true, 0), Verdict::Unknown),
        (Some(Broken), Alive, watch(false, 40), Verdict::Free),
        (Some(Held), Gone, watch(false, 0), Verdict::Dead),
        (Some(Held), Gone, watch(true, 0), Verdict::Dead),
        (Some(Held), Alive, watch(false, 0), Verdict::Alive),
        (Some(Held), Alive, watch(false, 999), Verdict::Alive),
        (Some(Held), Stopped, watch(false, 0), Verdict::Alive),
        (Some(Held), Stopped, watch(false, 999), Verdict::Alive),
        (Some(Broken), Stopped, watch(false, 39), Verdict::Unknown),
        (Some(Held), Unknown, watch(true, 0), Verdict::Alive),
        (Some(Held), Unknown, watch(true, 39), Verdict::Alive),
        (Some(Held), Unknown, watch(true, 40), Verdict::Expired),
        (Some(Held), Unknown, watch(false, 0), Verdict::Unknown),
        (Some(Held), Unknown, watch(false, 39), Verdict::Unknown),
        (Some(Held), Unknown, watch(false, 40), Verdict::Expired),
    ];
    for (status, proof, watched, expected) in cases {
        let lock = status.map(record);
        let (verdict, evidence) = judge(lock.as_ref(), proof, watched, &LeaseTimes::DEFAULT);
        assert_eq!(verdict, expected, "{status:?} {proof:?} {watched:?}");
        assert!(!evidence.is_empty());
        let told = evidence.iter().any(|line| line.check == STOPPED);
        assert_eq!(told, status == Some(Held) && proof == Stopped);
    }
}

#[test]
fn the_grace_waited_for_belongs_to_the_longer_lease() {
    let seconds = Duration::from_secs;
    for (theirs, ours) in [(3600, 3), (3, 3600), (90, 30)] {
        let mut lock = record(LockStatus::Held);
        lock.lease = seconds(theirs);
        let times = LeaseTimes::of(Some(seconds(ours)));
        // Both clocks may differ by the rate that `LeaseTimes::check` asks of every lease.
        let enough = LeaseTimes::of(Some(seconds(theirs.max(ours)))).delay();
        for (still, expected) in [
            (enough.saturating_sub(seconds(1)), Verdict::Unknown),
            (enough, Verdict::Expired),
        ] {
            let watched = Watched {
                moved: false,
                still,
            };
            let (verdict, _) = judge(Some(&lock), ProcessProof::Unknown, watched, &times);
            assert_eq!(verdict, expected, "{theirs} {ours} {still:?}");
        }
    }
}

#[test]
fn a_longer_lease_of_the_holder_is_waited_for() {
    let mut lock = record(LockStatus::Held);
    lock.lease = Duration::from_secs(300);
    let still = Watched {
        moved: false,
        still: Duration::from_secs(309),
    };
    let (verdict, _) = judge(
        Some(&lock),
        ProcessProof::Unknown,
        still,
        &LeaseTimes::DEFAULT,
    );
    assert_eq!(verdict, Verdict::Unknown);
}

#[test]
fn a_watch_starts_anew_with_each_beat_and_each_holder() {
    let mut heartbeat = Watch::default();
    let mut lock = record(LockStatus::Held);
    let mut seen_at = |lock: &LockRecord, now| {
        let seen = heartbeat.look(lock, at(now));
        (seen.moved, seen.still.as_secs())
    };
    assert_eq!(seen_at(&lock, 100), (false, 0));
    assert_eq!(seen_at(&lock, 139), (false, 39));
    lock.beat += 1;
    assert_eq!(seen_at(&lock, 140), (true, 0), "a beat is a sign of life");
    assert_eq!(seen_at(&lock, 150), (true, 10));
    lock.lock_id = LockId::new("b");
    assert_eq!(seen_at(&lock, 151), (false, 0), "another holder is not");
}

#[test]
fn epochs_rise_above_lock_and_state_and_never_fall() {
    let cases = [
        (None, 0, 1),
        (None, 7, 8),
        (Some(4), 0, 5),
        (Some(4), 4, 5),
        (Some(4), 9, 10),
    ];
    for (lock, fence, expected) in cases {
        let previous = lock.map(|epoch| LockRecord {
            epoch: Epoch(epoch),
            ..record(LockStatus::Free)
        });
        let taken = LockRecord::taken(previous.as_ref(), Epoch(fence), claim("n"));
        assert_eq!(taken.epoch, Epoch(expected), "{lock:?} {fence}");
    }
    let held = LockRecord::taken(None, Epoch(0), claim("n"));
    let beaten = held.renewed(Occupation::default(), Wall(9));
    assert_eq!((beaten.beat, beaten.epoch), (1, Epoch(1)));
    assert!(beaten.is_same_lock(&held));
    assert_eq!(beaten.released(Wall(10)).epoch, Epoch(1));
    let broken = beaten.broken_by(Breakage::default(), Wall(10));
    assert_eq!(broken.epoch, Epoch(2), "the old holder is fenced off");
    assert!(!broken.is_same_lock(&held));
}

#[test]
fn times_that_do_not_fit_are_refused() {
    let times = |lease, renew, margin, grace| LeaseTimes {
        lease: Duration::from_secs(lease),
        renew: Duration::from_secs(renew),
        margin: Duration::from_secs(margin),
        grace: Duration::from_secs(grace),
    };
    assert_eq!(LeaseTimes::DEFAULT.check(), Ok(()));
    let cases = [
        (times(30, 0, 6, 10), BadTimes::Zero),
        (times(30, 7, 0, 10), BadTimes::Zero),
        (times(30, 9, 6, 10), BadTimes::RenewTooLong),
        (times(5, 1, 6, 10), BadTimes::RenewTooLong),
        (times(30, 7, 1, 0), BadTimes::GraceTooShort),
    ];
    for (times, expected) in cases {
        assert_eq!(times.check(), Err(expected), "{times:?}");
    }
    let stop = LeaseTimes::DEFAULT.may_start_until(at(100));
    assert_eq!(stop, at(124), "lease less margin");
}

#[test]
fn a_lease_of_any_length_gives_times_that_fit() {
    for tenths in 30..36_000_u64 {
        let lease = Duration::from_millis(tenths * 100);
        let times = LeaseTimes::of(Some(lease));
        assert_eq!(times.check(), Ok(()), "{lease:?}: {times:?}");
        assert_eq!(times.lease, lease);
    }
    assert_eq!(LeaseTimes::of(None), LeaseTimes::DEFAULT);
}

#[test]
fn a_lock_cleared_without_proof_is_given_out_after_the_delay() {
    let cleared = |verdict: &str| LockRecord {
        broken: Some(Breakage {
            verdict: verdict.to_owned(),
            ..Breakage::default()
        }),
        ..record(LockStatus::Broken)
    };
    let cases = [
        ("alive", ProcessProof::Unknown, 0, Verdict::Unknown),
        ("alive", ProcessProof::Alive, 39, Verdict::Unknown),
        ("alive", ProcessProof::Alive, 40, Verdict::Free),
        ("expired", ProcessProof::Unknown, 39, Verdict::Unknown),
        ("alive", ProcessProof::Gone, 0, Verdict::Free),
        ("dead", ProcessProof::Unknown, 0, Verdict::Free),
    ];
    for (verdict, proof, seconds, expected) in cases {
        let watched = Watched {
            moved: false,
            still: Duration::from_secs(seconds),
        };
        let (found, lines) = judge(
            Some(&cleared(verdict)),
            proof,
            watched,
            &LeaseTimes::DEFAULT,
        );
        assert_eq!(found, expected, "{verdict} {proof:?} {seconds}");
        let told = lines.iter().any(|line| line.check == "delay");
        assert_eq!(told, expected == Verdict::Unknown, "{lines:?}");
    }
}

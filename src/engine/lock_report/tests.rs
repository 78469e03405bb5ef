//! What is said of a lock, and who may clear it.

use super::*;
use crate::domain::ids::LockId;
use crate::engine::claims::Claims;
use crate::engine::lab::{Fault, Lab};
use crate::engine::lease::{Lease, Wanted};

const TIMES: LeaseTimes = LeaseTimes::DEFAULT;

async fn held(lab: &Lab) -> Lease {
    let wanted = Wanted {
        occupation: Occupation::default(),
        wait: Duration::ZERO,
        times: TIMES,
        mends: false,
        leads: false,
        claims: Claims::default(),
    };
    Lease::acquire(lab, &wanted, &|_| {}).await.unwrap()
}

fn plain() -> UnlockRequest {
    UnlockRequest {
        lock_id: None,
        version: None,
        force: false,
        reason: None,
    }
}

fn forced(id: &LockId) -> UnlockRequest {
    UnlockRequest {
        lock_id: Some(id.clone()),
        force: true,
        reason: Some("the machine burned".to_owned()),
        ..plain()
    }
}

fn audit_lines(lab: &Lab) -> usize {
    let files = lab.disk.files.borrow();
    files
        .get(std::path::Path::new(crate::engine::lock_history::AUDIT))
        .map_or(0, |bytes| bytes.split(|byte| *byte == b'\n').count() - 1)
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_silence_from_life() {
    let lab = Lab::new();
    let lease = held(&lab).await;
    let once = lock_report(&lab, &TIMES, Duration::ZERO, None).await;
    assert_eq!(once.verdict, Verdict::Unknown);
    let (sender, mut updates) = mpsc::channel(4);
    let watching = lock_report(&lab, &TIMES, Duration::from_secs(60), Some(&sender));
    let report = tokio::select! {
        report = watching => report,
        error = lease.keep_alive(&lab) => panic!("{error}"),
    };
    assert_eq!(report.verdict, Verdict::Alive);
    assert!(
        lab.clock.boot().0 < Duration::from_secs(10),
        "told at the first beat"
    );
    assert_eq!(updates.recv().await.unwrap().verdict, Verdict::Unknown);
    let silent = lock_report(&lab, &TIMES, Duration::from_secs(60), None).await;
    assert_eq!(silent.verdict, Verdict::Expired);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_holder_is_watched_as_long_as_asked_and_an_unlock_does_not_wait_for_it() {
    for (proof, watched) in [(ProcessProof::Stopped, 9), (ProcessProof::Alive, 0)] {
        let lab = Lab::new();
        let _lease = held(&lab).await;
        lab.processes.others.set(proof);
        let began = lab.clock.boot();
        let report = lock_report(&lab, &TIMES, Duration::from_secs(9), None).await;
        assert_eq!(
            lab.clock.boot().since(began).as_secs(),
            watched,
            "{proof:?}"
        );
        assert_eq!(report.verdict, Verdict::Alive);
        let beat = report
            .evidence
            .iter()
            .find(|line| line.check == "heartbeat");
        let finding = &beat.expect("told").finding;
        assert!(
            finding.contains("that the process lives decides"),
            "{finding}"
        );
        let began = lab.clock.boot();
        let end = unlock(&lab, &TIMES, &plain()).await.unwrap();
        assert!(matches!(end, UnlockEnd::Refused(_)), "{end:?}");
        assert_eq!(lab.clock.boot().since(began), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_dead_holder_is_cleared_without_force() {
    let cases = [
        (ProcessProof::Gone, true, Verdict::Dead),
        (ProcessProof::Alive, false, Verdict::Alive),
        (ProcessProof::Unknown, false, Verdict::Expired),
    ];
    for (proof, cleared, verdict) in cases {
        let lab = Lab::new();
        let lease = held(&lab).await;
        lab.processes.others.set(proof);
        let end = unlock(&lab.other(2), &TIMES, &plain()).await.unwrap();
        if cleared {
            assert_eq!(end, UnlockEnd::Cleared(verdict));
            assert_eq!(audit_lines(&lab), 1);
            let now = lock::decode(&lab.lock.bytes().unwrap()).unwrap();
            assert_eq!(now.status, LockStatus::Broken);
            assert_eq!(now.epoch, Epoch(lease.epoch().0 + 1));
            let again = unlock(&lab, &TIMES, &plain()).await.unwrap();
            assert_eq!(again, UnlockEnd::WasFree);
        } else {
            let UnlockEnd::Refused(report) = end else {
                panic!("{end:?}");
            };
            assert_eq!(report.verdict, verdict);
            assert_eq!(audit_lines(&lab), 0);
            assert_eq!(
                lock::decode(&lab.lock.bytes().unwrap()).unwrap().epoch,
                lease.epoch()
            );
        }
    }
    let end = unlock(&Lab::new(), &TIMES, &plain()).await.unwrap();
    assert_eq!(end, UnlockEnd::WasFree, "no lock was ever taken");
}

#[tokio::test(start_paused = true)]
async fn force_needs_the_right_id_and_a_reason() {
    let lab = Lab::new();
    lab.processes.others.set(ProcessProof::Alive);
    let id = held(&lab).await.record().lock_id;
    let without = [
        UnlockRequest {
            lock_id: None,
            ..forced(&id)
        },
        UnlockRequest {
            reason: None,
            ..forced(&id)
        },
        UnlockRequest {
            reason: Some("  ".to_owned()),
            ..forced(&id)
        },
    ];
    for request in without {
        let refused = unlock(&lab, &TIMES, &request).await;
        assert!(
            matches!(refused, Err(EngineError::Invalid(_))),
            "{request:?}"
        );
    }
    for wrong in ["ffffffffffff", &id.as_str()[..7], ""] {
        let end = unlock(&lab, &TIMES, &forced(&LockId::new(wrong)))
            .await
            .unwrap();
        assert!(matches!(end, UnlockEnd::Refused(_)), "{wrong}: {end:?}");
    }
    let other_version = UnlockRequest {
        version: Some("older".to_owned()),
        ..forced(&id)
    };
    let end = unlock(&lab, &TIMES, &other_version).await.unwrap();
    assert!(matches!(end, UnlockEnd::Changed(_)));
    assert_eq!(audit_lines(&lab), 0);
    lab.disk.full.set(true);
    assert!(
        unlock(&lab, &TIMES, &forced(&id)).await.is_err(),
        "no audit line, no unlock"
    );
    assert_eq!(
        lock::decode(&lab.lock.bytes().unwrap()).unwrap().status,
        LockStatus::Held
    );
    lab.disk.full.set(false);
    let prefix = LockId::new(&id.as_str()[..8]);
    let end = unlock(&lab.other(2), &TIMES, &forced(&prefix))
        .await
        .unwrap();
    assert_eq!(end, UnlockEnd::Cleared(Verdict::Alive));
    let broken = lock::decode(&lab.lock.bytes().unwrap())
        .unwrap()
        .broken
        .unwrap();
    assert_eq!(broken.by, "user2@box");
    assert_eq!(broken.reason, "the machine burned");
    assert_eq!(broken.verdict, "alive");
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_of_an_unlock_is_settled_by_reading_back() {
    for (fault, cleared) in [
        (Fault::LostAfter, true),
        (Fault::OwnConflict, true),
        (Fault::LostBefore, false),
    ] {
        let lab = Lab::new();
        held(&lab).await;
        lab.processes.others.set(ProcessProof::Gone);
        lab.lock.fail(&[fault]);
        let end = unlock(&lab, &TIMES, &plain()).await.unwrap();
        assert_eq!(
            end == UnlockEnd::Cleared(Verdict::Dead),
            cleared,
            "{fault:?} {end:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_record_is_unknown_and_cleared_by_the_digest_of_its_content() {
    let lab = Lab::new();
    lab.lock.force(Some(b"garbage"));
    let report = lock_report(&lab, &TIMES, Duration::from_secs(60), None).await;
    assert_eq!((report.verdict, report.record), (Verdict::Unknown, None));
    let end = unlock(&lab, &TIMES, &plain()).await.unwrap();
    assert!(matches!(end, UnlockEnd::Refused(_)));
    for wrong in ["12345678", "0000000"] {
        let request = forced(&LockId::new(wrong));
        let end = unlock(&lab, &TIMES, &request).await.unwrap();
        assert!(matches!(end, UnlockEnd::Refused(_)), "{wrong} {end:?}");
    }
    let digest = LockId::new(&report.version.unwrap()[..12]);
    let end = unlock(&lab, &TIMES, &forced(&digest)).await.unwrap();
    assert_eq!(end, UnlockEnd::Cleared(Verdict::Unknown));
    assert_eq!(held(&lab).await.epoch(), Epoch(2));
}

#[tokio::test(start_paused = true)]
async fn f14_after_a_forced_unlock_the_next_holder_waits_until_the_first_must_have_stopped() {
    // Whether the machine that broke it is ours, how long ago, what is proven by then, and what is waited.
    let cases = [
        ("elsewhere", 15, ProcessProof::Unknown, 40),
        ("here", 15, ProcessProof::Unknown, 25),
        ("here, by another clock", 15, ProcessProof::Unknown, 40),
        ("here", 15, ProcessProof::Alive, 25),
        ("here", 60, ProcessProof::Alive, 0),
        ("elsewhere", 0, ProcessProof::Gone, 0),
    ];
    for (where_, ago, proof, expected) in cases {
        let lab = Lab::new();
        let lease = held(&lab).await;
        let mut admin = lab.other(2);
        let (boot, clock) = where_.split_once(", ").unwrap_or((where_, "own"));
        admin.processes.me.boot_id = boot.to_owned();
        admin.processes.me.time_ns = clock.to_owned();
        let end = unlock(&admin, &TIMES, &forced(&lease.record().lock_id)).await;
        assert!(matches!(end, Ok(UnlockEnd::Cleared(_))), "{end:?}");
        // Clearing it once more changes nothing, least of all the delay.
        let again = unlock(&admin, &TIMES, &forced(&lease.record().lock_id)).await;
        assert_eq!(again.unwrap(), UnlockEnd::WasFree);
        tokio::time::sleep(Duration::from_secs(ago)).await;
        let mut next = lab.other(3);
        next.processes.me.boot_id = "here".to_owned();
        next.processes.me.time_ns = "own".to_owned();
        next.processes.others.set(proof);
        let asked = next.clock.boot();
        let taken = held(&next).await;
        let waited = next.clock.boot().since(asked).as_secs();
        let what = format!("{where_}, {ago} s ago, {proof:?}");
        assert!(
            (expected..=expected + 1).contains(&waited),
            "{what}: {waited}"
        );
        assert_eq!(taken.epoch(), Epoch(3), "{what}");
    }
}

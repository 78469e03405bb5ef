//! Acquire, renew, release under lost replies, silence, theft and races.

use super::*;
use crate::domain::ids::Lineage;
use crate::domain::lease::{Breakage, ProcessProof};
use crate::domain::time::Wall;
use crate::engine::lab::{Fault, Lab};
use crate::formats::state;

const NOW: Duration = Duration::ZERO;

fn wanted(wait: Duration) -> Wanted {
    Wanted {
        occupation: Occupation {
            command: "deploy".to_owned(),
            ..Occupation::default()
        },
        wait,
        times: LeaseTimes::DEFAULT,
        mends: false,
        leads: false,
        claims: Claims::default(),
    }
}

async fn acquire(lab: &Lab) -> Result<Lease, EngineError> {
    Lease::acquire(lab, &wanted(NOW), &|_| {}).await
}

fn stored(lab: &Lab) -> LockRecord {
    lock::decode(&lab.lock.bytes().unwrap()).unwrap()
}

fn verdict(error: EngineError) -> Verdict {
    match error {
        EngineError::Locked(report) => report.verdict,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_free_lock_is_taken_kept_and_given_back_as_a_tombstone() {
    let lab = Lab::new();
    let lease = acquire(&lab).await.unwrap();
    assert_eq!(lease.epoch(), Epoch(1));
    assert_eq!(stored(&lab).holder.user, "user1");
    lease.progress(Some("service.db/create".to_owned()), 1, 4);
    tokio::select! {
        error = lease.keep_alive(&lab) => panic!("{error}"),
        () = lab.clock.sleep(Duration::from_secs(102)) => {}
    }
    assert!(lease.may_start(lab.clock.boot()));
    let held = stored(&lab);
    assert_eq!(
        held.beat,
        1 + 14,
        "the news at once, then one beat each seven seconds"
    );
    assert_eq!((held.occupation.done, held.occupation.total), (1, 4));
    lease.progress(Some("service.api/create".to_owned()), 4, 4);
    lease.release(&lab).await.unwrap();
    let tombstone = stored(&lab);
    assert_eq!(tombstone.status, LockStatus::Free);
    assert_eq!(tombstone.occupation.done, 4, "it tells what was done last");
    let again = acquire(&lab.other(2)).await.unwrap();
    assert_eq!(again.epoch(), Epoch(2), "an epoch is never used twice");
    assert!(again.taken_over().is_none());
}

#[tokio::test(start_paused = true)]
async fn lost_replies_are_settled_by_reading_back() {
    let cases = [
        ("acquired, reply lost", vec![Fault::LostAfter]),
        ("not acquired, reply lost", vec![Fault::LostBefore]),
        (
            "acquired by a retry of the client",
            vec![Fault::OwnConflict],
        ),
        ("twice lost", vec![Fault::LostBefore, Fault::LostAfter]),
    ];
    for (what, faults) in cases {
        let lab = Lab::new();
        lab.lock.fail(&faults);
        let lease = acquire(&lab).await.expect(what);
        assert_eq!(lease.epoch(), Epoch(1), "{what}");
        assert_eq!(lab.lock.writes(), 1, "{what}: taken once, not twice");
        lab.lock.fail(&faults);
        tokio::select! {
            error = lease.keep_alive(&lab) => panic!("{what}: {error}"),
            () = lab.clock.sleep(Duration::from_secs(30)) => {}
        }
        assert!(lease.may_start(lab.clock.boot()), "{what}");
        lab.lock.fail(&faults);
        lease.release(&lab).await.expect(what);
        assert_eq!(stored(&lab).status, LockStatus::Free, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_gets_through_after_a_beat_nobody_heard_of() {
    let lab = Lab::new();
    let lease = acquire(&lab).await.unwrap();
    let beaten = lease.record().renewed(Occupation::default(), Wall(9));
    lab.lock.force(Some(&lock::encode(&beaten)));
    lease.release(&lab).await.unwrap();
    assert_eq!(stored(&lab).status, LockStatus::Free);
}

#[tokio::test(start_paused = true)]
async fn a_held_lock_is_refused_or_waited_for() {
    let lab = Lab::new();
    let lease = acquire(&lab).await.unwrap();
    let other = lab.other(2);
    assert_eq!(
        verdict(acquire(&other).await.unwrap_err()),
        Verdict::Unknown
    );
    lab.processes.others.set(ProcessProof::Alive);
    assert_eq!(verdict(acquire(&other).await.unwrap_err()), Verdict::Alive);
    let told = RefCell::new(Vec::new());
    let tell = |report: &LockReport| told.borrow_mut().push(report.verdict);
    let patient = wanted(Duration::from_secs(60));
    let waiting = Lease::acquire(&other, &patient, &tell);
    let releasing = async {
        lab.clock.sleep(Duration::from_secs(20)).await;
        lease.release(&lab).await.unwrap();
    };
    let (second, ()) = tokio::join!(waiting, releasing);
    assert_eq!(second.unwrap().epoch(), Epoch(2));
    assert_eq!(told.into_inner(), [Verdict::Alive], "told once");
    assert!(
        lab.clock.boot() <= Boot(Duration::from_secs(22)),
        "taken soon after"
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_holder_expires_but_is_never_taken_over() {
    let lab = Lab::new();
    let _silent = acquire(&lab).await.unwrap();
    let patient = wanted(Duration::from_secs(300));
    let refused = Lease::acquire(&lab.other(2), &patient, &|_| {}).await;
    assert_eq!(verdict(refused.unwrap_err()), Verdict::Expired);
    assert_eq!(stored(&lab).holder.user, "user1");
}

#[tokio::test(start_paused = true)]
async fn a_dead_holder_is_taken_over_with_an_audit_line_first() {
    let lab = Lab::new();
    let dead = acquire(&lab).await.unwrap();
    lab.processes.others.set(ProcessProof::Gone);
    let other = lab.other(2);
    lab.disk.full.set(true);
    assert!(
        acquire(&other).await.is_err(),
        "no audit line, no take-over"
    );
    assert_eq!(stored(&lab).holder.user, "user1");
    lab.disk.full.set(false);
    let lease = acquire(&other).await.unwrap();
    assert_eq!(lease.epoch(), Epoch(2));
    assert_eq!(lease.taken_over().unwrap().holder.user, "user1");
    let audit = lab.disk.files.borrow()[std::path::Path::new("audit.log")].clone();
    let audit = String::from_utf8(audit).unwrap();
    assert!(
        audit.contains("take_over") && audit.contains("user1@box"),
        "{audit}"
    );
    let lost = dead.keep_alive(&lab).await;
    assert!(matches!(lost, EngineError::LockLost(why) if why.contains("user2@box")));
    assert!(!dead.may_start(lab.clock.boot()));
    assert!(
        dead.release(&lab).await.is_err(),
        "it is not ours to release"
    );
    assert_eq!(stored(&lab).holder.user, "user2");
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_cannot_renew_fences_itself_in_time() {
    let lab = Lab::new();
    let lease = acquire(&lab).await.unwrap();
    lab.lock.fail(&[Fault::Down; 100]);
    let mut stopped_starting = None;
    let watching = async {
        loop {
            lab.clock.sleep(Duration::from_millis(500)).await;
            let now = lab.clock.boot();
            if stopped_starting.is_none() && !lease.may_start(now) {
                stopped_starting = Some(now);
            }
        }
    };
    let lost = tokio::select! {
        lost = lease.keep_alive(&lab) => lost,
        () = watching => unreachable!(),
    };
    assert!(matches!(lost, EngineError::LockLost(_)));
    assert_eq!(stopped_starting, Some(Boot(Duration::from_secs(24))));
    let lost_at = lab.clock.boot();
    assert!(
        lost_at < Boot(Duration::from_secs(30)),
        "before anybody may judge: {lost_at:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_few_failed_beats_do_no_harm() {
    let lab = Lab::new();
    let lease = acquire(&lab).await.unwrap();
    lab.lock
        .fail(&[Fault::Down, Fault::LostBefore, Fault::Down]);
    tokio::select! {
        error = lease.keep_alive(&lab) => panic!("{error}"),
        () = lab.clock.sleep(Duration::from_secs(60)) => {}
    }
    assert!(lease.may_start(lab.clock.boot()));
}

#[tokio::test(start_paused = true)]
async fn whoever_broke_it_is_named_to_the_holder() {
    let lab = Lab::new();
    let lease = acquire(&lab).await.unwrap();
    let breakage = Breakage {
        by: "bob@desk".to_owned(),
        reason: "it hangs".to_owned(),
        ..Breakage::default()
    };
    let broken = lease.record().broken_by(breakage, Wall(1));
    lab.lock.force(Some(&lock::encode(&broken)));
    let lost = lease.keep_alive(&lab).await.to_string();
    assert!(lost.contains("bob@desk broke it: it hangs"), "{lost}");
    assert_eq!(lease.lost().as_deref(), Some("bob@desk broke it: it hangs"));
    let lease = acquire(&lab.other(2)).await.unwrap();
    assert_eq!(lease.epoch(), Epoch(3), "above the broken one's");
}

#[tokio::test(start_paused = true)]
async fn a_record_removed_or_damaged_by_hand_means_lost() {
    for bytes in [None, Some(&b"garbage"[..])] {
        let lab = Lab::new();
        let lease = acquire(&lab).await.unwrap();
        lab.lock.force(bytes);
        assert!(matches!(
            lease.keep_alive(&lab).await,
            EngineError::LockLost(_)
        ));
    }
    let lab = Lab::new();
    lab.lock.force(Some(b"garbage"));
    assert_eq!(verdict(acquire(&lab).await.unwrap_err()), Verdict::Unknown);
}

#[tokio::test(start_paused = true)]
async fn the_epoch_is_above_everything_the_state_saw() {
    use crate::domain::record::Record;
    let lab = Lab::new();
    let mut record = Record::new(
        Lineage::new("l"),
        String::new(),
        crate::engine::lab::scope(),
    );
    record.fence = Epoch(41);
    let bytes = state::encode(&record, "w");
    lab.state.force(Some(&bytes));
    let lease = acquire(&lab).await.unwrap();
    assert_eq!(
        lease.epoch(),
        Epoch(42),
        "the lock record was lost, the fence was not"
    );
    assert_eq!(lease.record().lineage, Some(Lineage::new("l")));
}

/// The version and record that stand there, as if we had just read them.
fn raw(lab: &Lab) -> Vec<u8> {
    lab.lock.bytes().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_try_that_lands_after_it_was_given_up_is_recognised_as_ours() {
    let lab = Lab::new();
    let lease = acquire(&lab).await.unwrap();
    lease.release(&lab).await.unwrap();
    // The first try is on its way while the record still is the old one; it lands before the second is sent.
    lab.lock.fail(&[Fault::Late]);
    let lease = acquire(&lab).await.unwrap();
    assert_eq!(stored(&lab).lock_id, lease.record().lock_id);
    assert_eq!(lease.epoch(), Epoch(2), "one acquisition, one epoch");
    lease.release(&lab).await.unwrap();
    lab.lock.land();
    assert_eq!(stored(&lab).status, LockStatus::Free);
}

#[tokio::test(start_paused = true)]
async fn a_lease_counts_from_when_the_beat_that_landed_was_asked_for_first() {
    let lab = Lab::new();
    let lease = acquire(&lab).await.unwrap();
    lab.clock.sleep(Duration::from_secs(7)).await;
    let asked = lab.clock.boot();
    lab.lock.fail(&[Fault::LostAfter]);
    lab.lock.silence(1);
    assert!(matches!(lease.beat(&lab).await, Beat::NoAnswer(_)));
    assert_eq!(stored(&lab).beat, 1, "it landed, and we do not know");
    lab.clock.sleep(Duration::from_secs(9)).await;
    assert!(matches!(lease.beat(&lab).await, Beat::Good));
    assert_eq!(lease.renewed.get(), asked, "others count from then, too");
    assert!(!lease.may_start(asked.after(Duration::from_secs(24))));
    assert!(matches!(lease.beat(&lab).await, Beat::Good));
    assert_eq!(lease.renewed.get(), lab.clock.boot());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_failed_and_stored_all_the_same_gets_its_lock_back() {
    let lab = Lab::new();
    lab.lock.fail(&[Fault::DownAfter]);
    assert!(acquire(&lab).await.is_err());
    assert_eq!(stored(&lab).status, LockStatus::Free, "given back");
    assert_eq!(acquire(&lab.other(2)).await.unwrap().epoch(), Epoch(2));
}

#[tokio::test(start_paused = true)]
async fn what_we_cannot_know_the_end_of_is_ours_to_take_and_nobody_elses() {
    let lab = Lab::new();
    let want = wanted(NOW);
    let take = async || Lease::acquire(&lab, &want, &|_| {}).await;
    lab.processes.others.set(ProcessProof::Alive);
    // Taken, and no reply for as long as anybody waits.
    lab.lock.fail(&[Fault::Vanish]);
    let error = take().await.unwrap_err();
    let said = std::error::Error::source(&error).map(ToString::to_string);
    assert!(matches!(error, EngineError::Store(_)), "{said:?}");
    lab.lock.silence(0);
    let held = stored(&lab);
    assert_eq!(held.status, LockStatus::Held);
    let other = lab.other(2);
    assert_eq!(verdict(acquire(&other).await.unwrap_err()), Verdict::Alive);
    let lease = take().await.unwrap();
    assert_eq!(
        lease.epoch(),
        Epoch(2),
        "its effects are fenced off all the same"
    );
    assert_eq!(lease.taken_over(), Some(&held));
    // Dropped in the middle, as a run that was cut off.
    drop(lease);
    assert_eq!(verdict(acquire(&other).await.unwrap_err()), Verdict::Alive);
    let lease = take().await.unwrap();
    // Not given back.
    lab.lock.fail(&[Fault::Down; 1000]);
    assert!(lease.release(&lab).await.is_err());
    drop(lease);
    lab.lock.fail_no_more();
    assert_eq!(stored(&lab).status, LockStatus::Held);
    let lease = take().await.unwrap();
    assert_eq!(lease.epoch(), Epoch(4));
    lease.release(&lab).await.unwrap();
    drop(lease);
    let before = raw(&lab);
    assert_eq!(
        acquire(&other).await.unwrap().epoch(),
        Epoch(5),
        "free for all"
    );
    assert_ne!(raw(&lab), before);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_lands_late_takes_nobody_elses_lock() {
    let lab = Lab::new();
    let lease = acquire(&lab).await.unwrap();
    lab.lock.fail(&[Fault::Late]);
    lease.release(&lab).await.unwrap();
    let next = acquire(&lab.other(2)).await.unwrap();
    lab.lock.land();
    assert_eq!(stored(&lab).lock_id, next.record().lock_id);
    assert_eq!(stored(&lab).status, LockStatus::Held);
}

/// The same on the real disk with real processes.
#[expect(clippy::disallowed_methods, reason = "a real process has to end")]
mod on_disk {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::adapters::clock::SystemClock;
    use crate::adapters::disk::ProjectDisk;
    use crate::adapters::processes::SystemProcesses;
    use crate::adapters::random::SystemRandom;
    use crate::adapters::stores::file::FileStore;
    use crate::engine::lab::Nothing;

    struct Real {
        state: FileStore,
        lock: FileStore,
        disk: ProjectDisk,
        processes: SystemProcesses,
    }

    fn real(home: &std::path::Path) -> Real {
        let own = home.join(".nanokit");
        Real {
            state: FileStore::state(home.join("state.json"), &own),
            lock: FileStore::lock("state.json", &own),
            disk: ProjectDisk::new(own),
            processes: SystemProcesses::new(None),
        }
    }

    impl World for Real {
        type Provider = Nothing;
        type Store = FileStore;
        type Clock = SystemClock;
        type Disk = ProjectDisk;
        type Hooks = Nothing;
        type Processes = SystemProcesses;
        type Random = SystemRandom;
        type Secrets = Nothing;
        fn provider(&self) -> &Nothing {
            &Nothing
        }
        fn state(&self) -> &FileStore {
            &self.state
        }
        fn lock(&self) -> &FileStore {
            &self.lock
        }
        fn leader(&self) -> &FileStore {
            &self.lock
        }
        fn clock(&self) -> &SystemClock {
            &SystemClock
        }
        fn disk(&self) -> &ProjectDisk {
            &self.disk
        }
        fn hooks(&self) -> &Nothing {
            &Nothing
        }
        fn processes(&self) -> &SystemProcesses {
            &self.processes
        }
        fn random(&self) -> &SystemRandom {
            &SystemRandom
        }
        fn secrets(&self) -> &Nothing {
            &Nothing
        }
    }

    fn block<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(future)
    }

    #[test]
    fn eight_threads_race_for_the_lock_and_exactly_one_gets_it() {
        let home = tempfile::tempdir().unwrap();
        let winners = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (home, winners) = (home.path().to_owned(), winners.clone());
                std::thread::spawn(move || {
                    let world = real(&home);
                    match block(Lease::acquire(&world, &wanted(NOW), &|_| {})) {
                        Ok(_) => drop(winners.fetch_add(1, Ordering::Relaxed)),
                        Err(error) => assert_eq!(verdict(error), Verdict::Alive),
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(winners.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_lock_of_a_process_that_ended_is_taken_over() {
        let home = tempfile::tempdir().unwrap();
        let world = real(home.path());
        let mut child = std::process::Command::new("/bin/cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let lease = block(Lease::acquire(&world, &wanted(NOW), &|_| {})).unwrap();
        let mut held = lease.record();
        held.holder.pid = child.id();
        held.holder.pid_start = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(19)?.parse().ok())
            .unwrap();
        let version = block(world.lock.get()).unwrap().unwrap().version;
        let bytes = lock::encode(&held);
        block(world.lock.compare_and_put(Some(&version), &bytes)).unwrap();
        let refused = block(Lease::acquire(&world, &wanted(NOW), &|_| {}));
        assert_eq!(verdict(refused.unwrap_err()), Verdict::Alive);
        drop(child.stdin.take());
        child.wait().unwrap();
        let lease = block(Lease::acquire(&world, &wanted(NOW), &|_| {})).unwrap();
        assert_eq!(lease.taken_over().unwrap().holder.pid, child.id());
        assert_eq!(lease.epoch(), Epoch(2));
        block(lease.release(&world)).unwrap();
    }
}

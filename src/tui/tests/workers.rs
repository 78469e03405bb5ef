//! What workers do, as the panel shows it: at work, waiting for a human, and gone.

use std::sync::Arc;

use crate::app::snapshot::Snapshot;
use crate::domain::ids::Address;
use crate::domain::project::watch::Restoring;
use crate::domain::report::worker::{Leadership, Phase, Restored, Waiting, WorkerReport};
use crate::tui::model::Area;
use crate::tui::tests::fixtures::idle;
use crate::tui::tests::parts::at;
use crate::tui::tests::talk::given;

fn report() -> WorkerReport {
    WorkerReport {
        id: "w-1".into(),
        pid: 4711,
        who: "ops@build-7".into(),
        version: "1.0.0".into(),
        scope: "shop/local".into(),
        started_at: at(3_600),
        at: at(1),
        phase: Phase::Watching,
        leadership: Leadership::Leads,
        restore: Restoring::Ask,
        interval_ms: 60_000,
        platform: Ok("docker".into()),
        config_fault: None,
        lock_held_by: None,
        looked_at: Some(at(20)),
        drifted: vec![Address::service("worker")],
        pending: Vec::new(),
        held: std::collections::BTreeMap::new(),
        half_done: Vec::new(),
        restoring: Vec::new(),
        waiting: Vec::new(),
        ailing: Vec::new(),
        last: None,
        restored: 0,
        failed: 0,
    }
}

fn with(reports: Vec<WorkerReport>) -> Snapshot {
    Snapshot {
        workers: Arc::new(reports),
        ..idle()
    }
}

#[test]
fn a_worker_tells_whether_it_leads_when_it_looked_and_when_it_looks_again() {
    let shown = given(with(vec![report()])).size(160, 40).at(Area::Drift);
    let screen = shown.screen();
    for text in [
        "worker 4711 (ops@build-7)",
        "leads",
        "watching",
        "restore ask",
        "looked ",
        ", again by ",
    ] {
        assert!(screen.contains(text), "{text}\n{screen}");
    }
    assert!(screen.contains("worker: watches"), "{screen}");
    let mut second = report();
    second.leadership = Leadership::StandsBy("ops@build-8 (process 3)".into());
    let screen = given(with(vec![second]))
        .size(160, 40)
        .at(Area::Drift)
        .screen();
    assert!(screen.contains("stands by"), "{screen}");
    assert!(screen.contains("ops@build-8 (process 3) leads"), "{screen}");
}

#[test]
fn a_pending_restore_is_carried_out_from_its_row_through_a_plan() {
    let mut asking = report();
    asking.pending = vec![Address::service("worker")];
    let shown = given(with(vec![asking])).size(160, 40).at(Area::Drift);
    let screen = shown.screen();
    assert!(
        screen.contains("its restore waits for you: R shows the plan"),
        "{screen}"
    );
    assert!(screen.contains("worker: 1 to restore"), "{screen}");
    assert_eq!(shown.keys("j R").asked(), ["plan restore [worker]"]);
}

#[test]
fn what_holds_a_worker_up_is_said() {
    let mut held = report();
    held.waiting = vec![Waiting {
        address: Address::service("db"),
        reason: "its backoff".into(),
        attempts: 3,
        next_at: Some(at(-30)),
    }];
    held.last = Some(Restored {
        at: at(40),
        addresses: vec![Address::service("db")],
        failure: Some("the image is gone".into()),
    });
    held.platform = Err("connection refused".into());
    let screen = given(with(vec![held]))
        .size(160, 40)
        .at(Area::Drift)
        .screen();
    for text in [
        "service.db: next at ",
        "tried 3 times, waits for its backoff",
        "service.db not restored at ",
        "the image is gone",
        "connection refused",
        "worker: no platform",
    ] {
        assert!(screen.contains(text), "{text}\n{screen}");
    }
}

#[test]
fn where_there_is_little_room_the_weighty_comes_first_and_the_details_have_all_of_it() {
    let mut held = report();
    let who = "operations@a-host-with-a-long-name (process 4242), doing `deploy`";
    held.lock_held_by = Some(who.into());
    held.config_fault = Some("unknown key `imgae` in `services.web` (3 in all)".into());
    held.waiting = vec![Waiting {
        address: Address::service("worker"),
        reason: format!("the lock is held by {who}"),
        attempts: 3,
        next_at: Some(at(-30)),
    }];
    let shown = given(with(vec![held])).size(100, 40).at(Area::Drift);
    let screen = shown.screen();
    for text in ["only watches", "the file has errors", "next at "] {
        assert!(screen.contains(text), "{text}\n{screen}");
    }
    let cut: Vec<&str> = screen
        .lines()
        .filter(|line| line.contains("the lock is held by"))
        .collect();
    assert!(
        !cut.is_empty() && cut.iter().all(|line| line.contains('…')),
        "{screen}"
    );
    let row = |keys: &str| {
        let shown = given((*shown.model.snapshot).clone());
        shown.size(100, 40).at(Area::Drift).keys(keys).screen()
    };
    let all: Vec<String> = ["j", "j j", "j j j", "j j j j"].map(row).to_vec();
    assert!(
        all.iter().any(|screen| screen.contains("doing")),
        "{}",
        all.join("\n")
    );
}

#[test]
fn a_worker_that_answers_no_more_is_said_until_one_does() {
    let there = given(with(vec![report()])).size(160, 40).at(Area::Drift);
    let gone = there.sees(with(Vec::new()));
    let screen = gone.screen();
    assert!(
        screen.contains("worker 4711 (ops@build-7) does not answer any more"),
        "{screen}"
    );
    assert!(screen.contains("nobody may be watching"), "{screen}");
    assert!(screen.contains("worker: silent"), "{screen}");
    let mut other = report();
    other.id = "w-2".into();
    other.pid = 5000;
    let again = gone.sees(with(vec![other]));
    let screen = again.screen();
    assert!(!screen.contains("nobody may be watching"), "{screen}");
    assert!(screen.contains("worker 5000"), "{screen}");
    // One that drained ended as it was told to.
    let mut draining = report();
    draining.phase = Phase::Draining;
    let ended = given(with(vec![draining]))
        .size(160, 40)
        .at(Area::Drift)
        .sees(with(Vec::new()));
    let screen = ended.screen();
    assert!(
        screen.contains("has ended") && screen.contains("nobody watches"),
        "{screen}"
    );
}

#[test]
fn escapes_in_what_a_worker_says_reach_no_cell() {
    let evil = "\u{1b}[2J\u{1b}]0;gone\u{7}evil\u{9b}31m\u{202e}\r";
    let mut bad = report();
    bad.who = evil.into();
    bad.leadership = Leadership::Seeks(evil.into());
    bad.config_fault = Some(evil.into());
    bad.lock_held_by = Some(evil.into());
    bad.platform = Err(evil.into());
    let screen = given(with(vec![bad]))
        .size(160, 40)
        .at(Area::Drift)
        .screen();
    assert!(screen.contains("evil"), "{screen}");
    assert!(
        !screen.chars().any(|c| c.is_control() && c != '\n'),
        "{screen}"
    );
    assert!(!screen.contains('\u{202e}'), "{screen}");
}

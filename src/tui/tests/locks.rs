//! Locks and state: what is shown, the guide that clears a lock, and who else is at work.

use std::sync::Arc;

use crate::app::command::{Command, Ticket};
use crate::app::notice::{Notice, UnlockEnd};
use crate::app::snapshot::Snapshot;
use crate::domain::ids::*;
use crate::domain::lease::{Evidence, LockReport, LockStatus, Verdict};
use crate::domain::record::{Pending, Record};
use crate::domain::report::install::{InstallLock, InstallReport, InstallSeen};
use crate::domain::report::store::{Backup, LockDeed, StoreReport};
use crate::domain::time::Wall;
use crate::tui::effect::Effect;
use crate::tui::model::Area;
use crate::tui::msg::Msg;
use crate::tui::tests::fixtures::{busy, idle};
use crate::tui::tests::parts::{NOW, at, lock, shop};
use crate::tui::tests::talk::{Given, given};
use crate::tui::theme::Colors;

fn stored() -> StoreReport {
    let mut record = Record::new(Lineage::new("5ec0ffee"), String::new(), shop().scope());
    record.serial = Serial(17);
    record.fence = Epoch(12);
    record.engine = "docker:0e07417d255d1c89".into();
    let api = Address::service("api");
    record.pending.push(Pending {
        run: RunId::new("20261121T045900-1b2c"),
        step: api.step(Some(Instance(0)), "create"),
        op: OpId::new("20261121T045900-1b2c/service.api[0]/create#1"),
        address: api,
        instance: Some(Instance(0)),
        verb: "create".into(),
        target: None,
    });
    StoreReport {
        location: "/shop/.nanokit/state.json".into(),
        format: Some(1),
        writer: "nanokit 0.1.0".into(),
        bytes: 12_345,
        record: Some(record),
        backups: [(16, 60), (15, 3_700)]
            .map(|(serial, age)| Backup {
                place: format!("/shop/.nanokit/backups/state.json.{serial}"),
                serial: Some(serial),
                at: Some(at(age)),
                bytes: 11_000,
            })
            .to_vec(),
        audit: vec![LockDeed {
            act: "unlock".into(),
            by: "ana@build-7".into(),
            held_by: "bo@build-8 (process 7)".into(),
            verdict: "dead".into(),
            ..LockDeed::default()
        }],
    }
}

fn installs() -> Vec<InstallReport> {
    let report = |service: &str, volume: &str, seen| InstallReport {
        service: service.into(),
        volume: volume.into(),
        wanted: "sha256:new".into(),
        recorded: None,
        seen,
    };
    let held = InstallLock {
        name: "shop-api-0".into(),
        owner: "c1".into(),
        engine: "e1".into(),
        scope: "shop//local".into(),
        nonce: "abcd".into(),
        hash: "sha256:new".into(),
        age: Some(3),
        verdict: Verdict::Alive,
        evidence: vec![Evidence {
            check: "process".into(),
            finding: "the installing process lives".into(),
            alive: Some(true),
        }],
    };
    vec![
        report(
            "api",
            "modules",
            Ok(InstallSeen {
                through: "shop-api-0".into(),
                lock: Some(held),
                dirty: true,
                ..InstallSeen::default()
            }),
        ),
        report(
            "web",
            "assets",
            Err("no running instance has volume assets, so nobody can look into it now".into()),
        ),
    ]
}

fn with(verdict: Verdict) -> Snapshot {
    Snapshot {
        lock: Some(Arc::new(lock(verdict))),
        ..idle()
    }
}

/// The area with everything it may show.
fn full(verdict: Verdict) -> Given {
    given(with(verdict))
        .tell(Msg::Tick(NOW))
        .sees(with(verdict))
        .keys("5")
        .hears(Notice::Stored {
            ticket: Ticket(1),
            report: Arc::new(stored()),
        })
        .hears(Notice::Installs {
            ticket: Ticket(2),
            reports: Arc::new(installs()),
        })
}

#[test]
fn the_area_at_its_sizes() {
    insta::assert_snapshot!("locks_120x40", full(Verdict::Alive).size(120, 40).screen());
    insta::assert_snapshot!("locks_80x24", full(Verdict::Dead).screen());
    let mut plain = full(Verdict::Expired).size(120, 40);
    plain.model.options.colors = Colors::None;
    plain.model.options.ascii = true;
    insta::assert_snapshot!("locks_ascii", plain.screen());
}

#[test]
fn every_row_has_a_page() {
    let mut here = full(Verdict::Dead).keys("z R").size(120, 40);
    let rows = here.model.pane().expect("rows").rows().len();
    assert_eq!(rows, 11);
    let mut pages = Vec::new();
    for _ in 0..rows {
        if let Some(page) = crate::tui::pages::page::shown(&here.model) {
            assert!(!page.entries.is_empty());
            pages.push(page);
        }
        here = here.keys("j");
    }
    // All but the three headings.
    pages.dedup();
    assert_eq!(pages.len(), 8);
}

#[test]
fn the_command_that_brings_a_backup_back_can_be_copied() {
    let mut here = full(Verdict::Free).keys("z R").size(120, 40);
    while !here.screen().contains("to bring it back") {
        here = here.keys("j");
    }
    let mut here = here.keys("Enter");
    for _ in 0..5 {
        here = here.keys("j");
    }
    let copied = here.then().keys("Y");
    assert_eq!(
        copied.asked(),
        ["copy nkapp state push /shop/.nanokit/backups/state.json.16 --force"]
    );
}

#[test]
fn clearing_a_lock_goes_through_evidence_what_is_half_done_and_what_is_written() {
    let first = full(Verdict::Dead).then().keys("U");
    insta::assert_snapshot!("guide_1", first.screen());
    let second = first.keys("y");
    insta::assert_snapshot!("guide_2", second.screen());
    let third = second.keys("y");
    insta::assert_snapshot!("guide_3", third.screen());
    let fourth = third.keys("y");
    insta::assert_snapshot!("guide_4", fourth.screen());
    let early = fourth.then().keys("C-y");
    assert!(early.asked().is_empty(), "{:?}", early.asked());
    let done = early.types("9f8e7d6c").keys("C-y");
    assert_eq!(done.asked(), ["unlock 9f8e7d6c5b4a39281706f5e4d3c2b1a0"]);
    let told = done.then().hears(Notice::Unlocked {
        ticket: Ticket(9),
        end: UnlockEnd::Cleared(Verdict::Dead),
    });
    assert_eq!(told.asked(), ["stored"]);
    let ticket = told.ticket();
    let shown = told.hears(Notice::Stored {
        ticket,
        report: Arc::new(stored()),
    });
    assert!(
        shown.screen().contains("Noted in `audit.log`"),
        "{}",
        shown.screen()
    );
}

#[test]
fn without_proof_a_reason_is_wanted_too() {
    for verdict in [Verdict::Expired, Verdict::Alive, Verdict::Unknown] {
        let typed = full(verdict)
            .then()
            .keys("U y y y")
            .types("9f8e7d6c")
            .keys("C-y");
        let asked = typed.asked();
        assert!(
            !asked.iter().any(|a| a.starts_with("unlock")),
            "{verdict:?}: {asked:?}"
        );
        let done = typed.then().keys("Tab").types("gone").keys("C-y");
        assert_eq!(
            done.asked(),
            ["unlock 9f8e7d6c5b4a39281706f5e4d3c2b1a0, force because gone"],
            "{verdict:?}"
        );
    }
}

fn changed(verdict: Verdict, change: impl Fn(&mut LockReport)) -> Snapshot {
    let mut report = lock(verdict);
    change(&mut report);
    Snapshot {
        lock: Some(Arc::new(report)),
        ..idle()
    }
}

#[test]
fn a_holder_that_moves_ends_the_guide() {
    let beat = |report: &mut LockReport| report.record.as_mut().expect("record").beat += 1;
    let other = |report: &mut LockReport| {
        report.record.as_mut().expect("record").lock_id = LockId::new("ffff");
    };
    let released = |report: &mut LockReport| {
        report.record.as_mut().expect("record").status = LockStatus::Free;
    };
    let nothing = |_: &mut LockReport| {};
    let cases: [(Verdict, Snapshot, Option<&str>); 7] = [
        (
            Verdict::Expired,
            changed(Verdict::Alive, beat),
            Some("it lives"),
        ),
        (
            Verdict::Dead,
            changed(Verdict::Dead, beat),
            Some("it lives"),
        ),
        (
            Verdict::Dead,
            changed(Verdict::Dead, other),
            Some("has taken the lock"),
        ),
        (
            Verdict::Alive,
            changed(Verdict::Free, released),
            Some("released meanwhile"),
        ),
        (Verdict::Expired, changed(Verdict::Expired, nothing), None),
        // A living holder beats; that was known when it was asked for.
        (Verdict::Alive, changed(Verdict::Alive, beat), None),
        (Verdict::Unknown, changed(Verdict::Expired, nothing), None),
    ];
    for (verdict, later, ends) in cases {
        for keys in ["U", "U y", "U y y y"] {
            let here = full(verdict).keys(keys).sees(later.clone());
            let screen = here.screen();
            match ends {
                Some(why) => assert!(screen.contains(why), "{verdict:?} {keys}: {screen}"),
                None => assert!(screen.contains("of 4"), "{verdict:?} {keys}: {screen}"),
            }
        }
    }
}

#[test]
fn a_living_lock_is_cleared_by_the_version_that_was_seen_last() {
    let later = changed(Verdict::Alive, |report| {
        report.record.as_mut().expect("record").beat += 1;
        report.version = Some("v42".into());
    });
    let here = full(Verdict::Alive).keys("U y y y").sees(later);
    let done = here
        .then()
        .types("9f8e7d6c")
        .keys("Tab")
        .types("x")
        .keys("C-y");
    let sent = format!("{:?}", done.effects);
    assert!(sent.contains("v42"), "{sent}");
}

#[test]
fn somebody_else_at_work_is_seen_greeted_and_waited_for() {
    let alone = given(with(Verdict::Free))
        .tell(Msg::Tick(NOW))
        .size(120, 40);
    let came = alone.sees(with(Verdict::Alive));
    assert!(
        came.screen()
            .contains("ana@build-7 deploys: step 8 of 19 api[0]/health"),
        "{}",
        came.screen()
    );
    assert!(
        came.screen().contains("lock: ana deploys 8/19"),
        "{}",
        came.screen()
    );
    let later = came.tell(Msg::Tick(Wall(NOW.0 + 12_000)));
    assert!(later.screen().contains("since 12 s"), "{}", later.screen());
    let asked = later.keys("D");
    insta::assert_snapshot!("deploy_while_held", asked.screen());
    let gone = asked.keys("Esc").sees(with(Verdict::Free));
    assert!(
        gone.screen().contains("ana@build-7 has released the lock"),
        "{}",
        gone.screen()
    );
}

#[test]
fn a_holder_that_is_stopped_is_not_said_to_be_at_work() {
    let stopped = changed(Verdict::Alive, |report| {
        report.evidence.push(Evidence {
            check: "stopped".into(),
            finding: "it is stopped".into(),
            alive: None,
        });
    });
    let here = given(stopped).size(160, 50).tell(Msg::Tick(NOW));
    let screen = here.screen();
    assert!(screen.contains("lock: ana is stopped 8/19"), "{screen}");
    let screen = here.keys("5").screen();
    for text in ["is stopped (frozen, may go on)", "let it go on, or end it"] {
        assert!(screen.contains(text), "{text}\n{screen}");
    }
}

#[test]
fn the_run_in_this_panel_is_nobody_else() {
    let snapshot = busy();
    let here = given(snapshot.clone())
        .tell(Msg::Tick(NOW))
        .sees(snapshot)
        .at(Area::Run);
    assert!(!here.screen().contains("ana@build-7"), "{}", here.screen());
    assert!(here.screen().contains("lock: ours"), "{}", here.screen());
}

#[test]
fn a_holder_that_falls_silent_is_looked_at_again() {
    let looks = |given: &Given| {
        let of = |effect: &Effect| matches!(effect, Effect::Send { command: Command::Lock { watch_for }, .. } if watch_for.is_zero());
        given.effects.iter().filter(|effect| of(effect)).count()
    };
    let tick = |given: Given, seconds: i64| given.tell(Msg::Tick(Wall(NOW.0 + seconds * 1_000)));
    let seen = given(with(Verdict::Alive)).tell(Msg::Tick(NOW));
    let mut seen = seen.sees(with(Verdict::Alive)).then();
    for second in 1..9 {
        seen = tick(seen, second);
    }
    assert_eq!(looks(&seen), 0, "it beats every seven seconds");
    for second in 9..18 {
        seen = tick(seen, second);
    }
    assert_eq!(looks(&seen), 3);
    let mut free = seen.sees(with(Verdict::Free)).then();
    for second in 18..40 {
        free = tick(free, second);
    }
    assert_eq!(looks(&free), 0, "nobody holds it");
}

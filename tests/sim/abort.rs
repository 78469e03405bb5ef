//! Actions given up: their clean-up killed at every place, and gone on with.

use std::collections::BTreeSet;
use std::time::Duration;

use nanokit::domain::event::RunOutcome;
use nanokit::domain::flow::{Mark, Turn};
use nanokit::domain::project::procedure::{Mode, Occasion};
use nanokit::domain::project::project::Project;

use crate::actions::{act, begun, done, host, procedure, shop};
use crate::harness::{Ask, deploy, machine, machine_with, record, run, sim};
use crate::support::sim::ledger::Planted;
use crate::support::sim::life::killed_at;
use crate::support::sim::world::Machine;

/// What cleans up, in its order.
const TIDY: [&str; 3] = ["tidy1", "tidy2", "tidy3"];

/// A manual action that cleans up in three steps, the first of them also its first on the way.
fn manual() -> Project {
    let mut shop = shop("1", "app:1");
    let mut steps = vec![host("tidy1", "tidy1"), host("bad", "fail")];
    steps.extend(TIDY[1..].iter().map(|word| host(word, word)));
    for step in &mut steps {
        step.cleanup = step.label != "bad";
    }
    shop.procedures = vec![procedure("mend", (Occasion::Manual, None), steps)];
    shop
}

/// An upgrade that fails, and two procedures behind it that clean up.
fn upgrade() -> Project {
    let mut shop = shop("2", "app:2");
    let up = |mode| (Occasion::Upgrade, Some(mode));
    let tidy = |all: &[&str]| all.iter().map(|word| host(word, word)).collect();
    shop.procedures = vec![
        procedure("first", up(Mode::Post), tidy(&TIDY[..2])),
        procedure("last", up(Mode::Post), tidy(&TIDY[2..])),
        procedure("mend", up(Mode::Pre), vec![host("bad", "fail")]),
    ];
    shop.procedures[0].cleanup = true;
    shop.procedures[1].cleanup = true;
    shop
}

/// A machine on which an action has failed.
async fn failed(machine: Machine, shop: &Project, begin: Ask) -> Machine {
    let machine = machine_with(machine);
    deploy(&machine, &crate::actions::shop("1", "app:1")).await;
    let fail = "fail".to_owned();
    machine.platform.with(|m| m.exits.insert(fail, 3));
    let ran = run(&machine, shop, begin).await;
    assert_eq!(ran.outcome(), RunOutcome::Failed);
    machine.platform.with(|m| m.ran.clear());
    machine
}

/// The labels of clean-up steps that are finished, as a process that is gone left them.
async fn cleaned(machine: &Machine, shop: &Project) -> BTreeSet<String> {
    let flows = record(machine, shop).await.unwrap().flows;
    let all = flows.values().flat_map(|flow| flow.cleaned.keys());
    all.map(ToString::to_string).collect()
}

#[test]
fn a_clean_up_killed_at_every_place_goes_on_and_repeats_nothing_finished() {
    clean_ups_killed(Planted::None);
}

#[test]
#[should_panic(expected = "commands ran twice")]
fn a_clean_up_that_forgets_what_it_finished_is_caught() {
    clean_ups_killed(Planted::MarksForgotten);
}

fn clean_ups_killed(planted: Planted) {
    for (shop, begin) in [(manual(), act(Turn::Fresh)), (upgrade(), Ask::default())] {
        let fresh = || failed(Machine::planted(12, planted, false), &shop, begin.clone());
        let all = sim(async {
            let machine = fresh().await;
            run(&machine, &shop, act(Turn::Abort)).await.steps
        });
        assert!(all > 20, "{all} places to be killed at");
        let mut kept = BTreeSet::new();
        for at in 1..=all {
            sim(async {
                let machine = fresh().await;
                let mut abort = act(Turn::Abort);
                abort.fate = killed_at(at);
                let killed = run(&machine, &shop, abort).await;
                let context = format!("killed at {at} of {all} ({})", killed.last);
                tokio::time::sleep(Duration::from_secs(2)).await;
                let finished = cleaned(&machine, &shop).await;
                kept.insert(finished.len());
                // A kill behind the end of the run leaves nothing to be given up.
                if !record(&machine, &shop).await.unwrap().flows.is_empty() {
                    let again = run(&machine, &shop, act(Turn::Abort)).await;
                    let error = again.error();
                    assert_eq!(again.outcome(), RunOutcome::Ok, "{context}: {error}");
                    for step in begun(&again) {
                        assert!(!finished.contains(&step), "{context}: {step} again");
                    }
                }
                let ran = machine.platform.with(|m| m.ran.clone());
                let times = |word: &str| ran.iter().filter(|line| line.ends_with(word)).count();
                assert!(
                    TIDY.iter().all(|word| times(word) > 0),
                    "{context}: {ran:?}"
                );
                let twice = ran.len() - TIDY.len();
                assert!(twice <= 1, "{context}: {twice} commands ran twice: {ran:?}");
                let left = record(&machine, &shop).await.unwrap();
                assert!(left.flows.is_empty(), "{context}");
                machine.ledger.assert_sound(&context);
            });
        }
        assert_eq!(kept, BTreeSet::from([0, 1, 2, 3]), "{kept:?}");
    }
}

#[test]
fn a_clean_up_that_failed_goes_on_where_it_did_and_a_changed_step_is_another() {
    sim(async {
        let mut shop = manual();
        let machine = failed(machine(13), &shop, act(Turn::Fresh)).await;
        let fail = |word: &str, code: i64| {
            machine
                .platform
                .with(|m| m.exits.insert(word.to_owned(), code));
        };
        fail("tidy2", 3);
        let half = run(&machine, &shop, act(Turn::Abort)).await;
        assert_eq!(half.outcome(), RunOutcome::Failed);
        assert_eq!(done(&half), ["action.mend/tidy1"]);
        let left = &record(&machine, &shop).await.unwrap().flows["mend"];
        assert_eq!(
            left.marks["tidy1"],
            Mark::Done,
            "the way there is as it was"
        );
        assert_eq!(left.marks.get("tidy2"), None);

        fail("tidy2", 0);
        fail("tidy3", 3);
        let half = run(&machine, &shop, act(Turn::Abort)).await;
        assert_eq!(begun(&half), ["action.mend/tidy2", "action.mend/tidy3"]);
        shop.procedures[0].steps[2] = host("tidy2", "another");
        shop.procedures[0].steps[2].cleanup = true;
        fail("tidy3", 0);
        let last = run(&machine, &shop, act(Turn::Abort)).await;
        assert_eq!(last.outcome(), RunOutcome::Ok, "{}", last.error());
        assert_eq!(begun(&last), ["action.mend/tidy2", "action.mend/tidy3"]);
    });
}

#[test]
fn who_goes_on_after_a_half_clean_up_has_all_of_it_before_them_again() {
    for (shop, begin) in [(manual(), act(Turn::Fresh)), (upgrade(), Ask::default())] {
        sim(async {
            let machine = failed(machine(14), &shop, begin.clone()).await;
            let exits = |word: &str, code: i64| {
                machine
                    .platform
                    .with(|m| m.exits.insert(word.to_owned(), code));
            };
            exits("tidy2", 3);
            run(&machine, &shop, act(Turn::Abort)).await;
            assert_eq!(cleaned(&machine, &shop).await.len(), 1);
            let mut go_on = begin.clone();
            if !go_on.targets.is_empty() {
                go_on = act(Turn::Resume);
            }
            let gone_on = run(&machine, &shop, go_on).await;
            assert_eq!(begun(&gone_on), ["action.mend/bad"], "{}", gone_on.error());
            assert_eq!(cleaned(&machine, &shop).await.len(), 0);
            exits("tidy2", 0);
            let given_up = run(&machine, &shop, act(Turn::Abort)).await;
            assert_eq!(given_up.outcome(), RunOutcome::Ok, "{}", given_up.error());
            assert_eq!(done(&given_up).len(), TIDY.len(), "{:?}", done(&given_up));
        });
    }
}

#[test]
fn a_step_that_was_done_stays_so_when_its_clean_up_is_cut_off() {
    let shop = manual();
    let fresh = || failed(Machine::new(15), &shop, act(Turn::Fresh));
    let all = sim(async {
        let machine = fresh().await;
        run(&machine, &shop, act(Turn::Abort)).await.steps
    });
    let mut cut_off = 0;
    for at in 1..=all {
        sim(async {
            let machine = fresh().await;
            let mut abort = act(Turn::Abort);
            abort.fate = killed_at(at);
            run(&machine, &shop, abort).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            if record(&machine, &shop).await.unwrap().flows.is_empty() {
                return;
            }
            let gone_on = run(&machine, &shop, act(Turn::Resume)).await;
            assert_eq!(begun(&gone_on), ["action.mend/bad"], "killed at {at}");
            cut_off += usize::from(gone_on.warnings().contains("tidy1 was under way"));
        });
    }
    assert!(cut_off > 0, "none was cut off in the step in question");
}

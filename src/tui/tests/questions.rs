//! What is asked before something is stopped, restored or cleaned, and what is said of it in which words.

use std::sync::Arc;

use crate::app::command::Stop;
use crate::app::notice::Notice;
use crate::app::snapshot::Snapshot;
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::Address;
use crate::domain::lease::Verdict;
use crate::domain::plan::model::{Action, ActionKind, Cause, Plan, Purpose};
use crate::tui::model::Overlay;
use crate::tui::tests::fixtures::{busy, failed, idle};
use crate::tui::tests::parts::{NOW, action, change, lock, plan, shop};
use crate::tui::tests::talk::{Given, given};

/// Answers the last wish with a plan.
fn planned(given: Given, plan: Plan) -> Given {
    let ticket = given.ticket();
    given.then().hears(Notice::Planned {
        ticket: Some(ticket),
        plan: Arc::new(plan),
        saved_at: None,
    })
}

fn of(purpose: Purpose, targets: &[&str], actions: Vec<Action>) -> Plan {
    let mut plan = Arc::unwrap_or_clone(plan(&shop(), purpose, actions));
    plan.targets = targets.iter().map(ToString::to_string).collect();
    plan
}

#[test]
fn cancel_asks_once_to_stop_and_once_more_to_cut_off_each_in_its_own_words() {
    let asked = given(busy()).keys("c");
    let screen = asked.screen();
    assert!(screen.contains("stop the run?"), "{screen}");
    // Neither a held key nor the key that asked confirms.
    assert!(given(busy()).burst("c c c c").asked().is_empty());
    let once = asked.keys("y");
    assert_eq!(once.asked(), ["stop Drain"]);
    assert_eq!(once.model.stopping, Stop::Drain);
    assert!(once.screen().contains("c cut off"), "{}", once.screen());
    let again = once.then().keys("c");
    let screen = again.screen();
    assert!(screen.contains("cut the run off?"), "{screen}");
    assert!(!screen.contains("stop the run?"), "{screen}");
    let held = given(busy()).keys("c y").then().burst("c c c y y");
    assert!(held.asked().is_empty());
    let cut = again.keys("y");
    assert_eq!(cut.asked(), ["stop Cancel"]);
    // There is nothing further to ask.
    let over = cut.then().keys("c");
    assert!(over.model.overlays.is_empty());
    let screen = over.screen();
    assert!(screen.contains("cut off already"), "{screen}");
    let help = given(busy()).size(200, 60).keys("?").screen();
    assert!(help.contains("asks to cut it off"), "{help}");
}

#[test]
fn a_question_about_a_run_goes_when_the_run_has_ended() {
    let asked = given(busy()).keys("c").sees(failed());
    assert!(asked.model.overlays.is_empty());
    assert!(asked.keys("y").asked().is_empty());
}

#[test]
fn a_run_that_was_only_sent_can_be_stopped() {
    let sent = given(idle()).keys("D y").then();
    assert_eq!(sent.keys("c y").asked(), ["stop Drain"]);
}

#[test]
fn a_restore_waits_for_a_held_lock_as_its_question_says() {
    let update = action(Address::service("worker"), ActionKind::Update, 0, &[]);
    let held = Snapshot {
        lock: Some(Arc::new(lock(Verdict::Alive))),
        ..idle()
    };
    let restore = of(Purpose::Restore, &["worker"], vec![update]);
    let asked = planned(given(held).keys("4 R"), restore);
    let screen = asked.screen();
    assert!(screen.contains("Confirming waits for it"), "{screen}");
    assert_eq!(
        asked.keys("y").asked(),
        ["restore service.worker of p-3fe1, waits 600 s for the lock"]
    );
}

#[test]
fn a_plan_of_some_services_says_of_which() {
    let told = |actions| {
        let plan = of(Purpose::Deploy, &["api"], actions);
        let told = planned(given(idle()).keys("p"), plan);
        told.model.toasts.last().expect("said").text.clone()
    };
    assert_eq!(
        told(Vec::new()),
        "Nothing to do for api: it is as the file asks."
    );
    let update = action(Address::service("api"), ActionKind::Update, 0, &[]);
    assert_eq!(
        told(vec![update]),
        "plan of api: 0 to create, 1 to update, 0 to delete"
    );
}

#[test]
fn drift_the_first_look_found_may_be_older() {
    let found = |mut snapshot: Snapshot| {
        let changes = vec![change("memory", Some("64 MiB"), Some("0"), Cause::Drift)];
        snapshot.apply(&Notice::Event(Event {
            at: NOW,
            run_id: None,
            seq: 0,
            address: Some(Address::service("worker")),
            step: None,
            attempt: None,
            kind: EventKind::DriftFound { changes },
        }));
        let drift = idle().drift;
        let given = given(Snapshot { drift, ..snapshot });
        given.size(160, 40).keys("4").screen()
    };
    let first = found(Snapshot {
        drift: None,
        ..idle()
    });
    assert!(first.contains(" or earlier"), "{first}");
    let later = found(Snapshot {
        drift: Some(Arc::default()),
        ..idle()
    });
    assert!(!later.contains("or earlier"), "{later}");
    assert!(later.contains("since "), "{later}");
}

#[test]
fn a_clean_that_loses_no_data_is_disruptive_and_no_more() {
    let cleaning = |env: &str, what: Address| {
        let mut project = shop();
        project.env = crate::domain::ids::EnvName::parse(env).expect("name");
        let snapshot = Snapshot {
            config: Some(crate::tui::tests::parts::hydrated(project)),
            ..idle()
        };
        let gone = action(what, ActionKind::Delete, 0, &[]);
        let asked = given(snapshot).keys(":").types("clean").keys("Enter");
        planned(asked, of(Purpose::Clean, &[], vec![gone]))
    };
    let typed = |given: &Given| matches!(given.model.overlays.last(), Some(Overlay::Typed(_)));
    let volume = cleaning("local", Address::volume("data"));
    assert!(typed(&volume) && volume.screen().contains("data-losing"));
    let service = cleaning("local", Address::service("api"));
    let screen = service.screen();
    assert!(screen.contains("disruptive"), "{screen}");
    assert!(!screen.contains("data-losing"), "{screen}");
    assert!(!typed(&service));
    assert_eq!(service.keys("y").asked(), ["run clean of p-3fe1"]);
    assert!(typed(&cleaning("production", Address::service("api"))));
}

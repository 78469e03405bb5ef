//! What is asked before something is stopped, restored or cleaned, and what is said of it in which words.

use std::sync::Arc;

use crate::app::command::{Amendment, Command, Stop};
use crate::app::notice::Notice;
use crate::app::snapshot::Snapshot;
use crate::domain::event::{Event, EventKind};
use crate::domain::history::view::{LockWait, RunView};
use crate::domain::ids::{Address, RunId};
use crate::domain::lease::Verdict;
use crate::domain::plan::model::{Action, ActionKind, Cause, Plan, Purpose};
use crate::tui::effect::Effect;
use crate::tui::model::{Area, Overlay};
use crate::tui::tests::fixtures::{broken, busy, failed, idle};
use crate::tui::tests::parts::{NOW, action, at, change, lock, plan, shop};
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

#[test]
fn a_run_that_waits_for_a_lock_says_whose_and_since_when() {
    let mut waiting = idle();
    let mut run = RunView {
        run_id: RunId("20261121T050000-7f3a".into()),
        command: "deploy".into(),
        started: at(42),
        stage: "lock".into(),
        ..RunView::default()
    };
    let wait = LockWait {
        who: "ana@build-7".into(),
        since: at(12),
    };
    run.locks.insert(String::new(), wait);
    waiting.run = Some(run.clone());
    let screen = given(waiting.clone()).size(160, 40).keys("3").screen();
    assert!(
        screen.contains("waits for the lock of ana@build-7"),
        "{screen}"
    );
    assert!(screen.contains("waiting for 14 s"), "{screen}");
    assert!(!screen.contains("no run yet"), "{screen}");
    // A stale plan was refused: that is no missing run either.
    run.locks.clear();
    let why = "the plan is stale: service.api changed";
    run.finished = Some((at(1), "refused".into(), 5, Some(why.into())));
    waiting.run = Some(run);
    let screen = given(waiting).size(160, 40).keys("3").screen();
    assert!(
        screen.contains(why) && screen.contains("refused"),
        "{screen}"
    );
    assert!(!screen.contains("no run yet"), "{screen}");
}

#[test]
fn while_the_file_has_errors_the_last_good_state_says_so_in_words() {
    let good = given(idle());
    let mut spoilt = (*good.model.snapshot).clone();
    spoilt.apply(&Notice::Config(idle().config.expect("loaded")));
    spoilt.apply(&Notice::Config(broken().config.expect("loaded")));
    let bad = good.size(160, 40).sees(spoilt.clone());
    let screen = bad.screen();
    assert!(screen.contains("as of "), "{screen}");
    assert!(screen.contains("the file has 1 error"), "{screen}");
    assert!(screen.contains("worker"), "{screen}");
    spoilt.apply(&Notice::Config(idle().config.expect("loaded")));
    assert!(!bad.sees(spoilt).screen().contains("the file has"));
}

#[test]
fn both_views_of_a_plan_write_sizes_alike() {
    let mut update = action(Address::service("api"), ActionKind::Update, 0, &[]);
    update.changes = vec![change(
        "memory",
        Some("67108864"),
        Some("1073741824"),
        Cause::Config,
    )];
    let snapshot = Snapshot {
        plan: Some(plan(&shop(), Purpose::Deploy, vec![update])),
        ..idle()
    };
    let screen = given(snapshot).size(160, 40).keys("2 Right").screen();
    assert!(screen.matches("64 MiB").count() >= 2, "{screen}");
    assert!(!screen.contains("67108864"), "{screen}");
}

#[test]
fn what_sounds_like_a_secret_is_hidden_until_asked_for() {
    let mut update = action(Address::service("api"), ActionKind::Update, 0, &[]);
    update.changes = vec![change(
        "env.API_KEY",
        Some("hunter1"),
        Some("hunter2"),
        Cause::Config,
    )];
    let mut project = shop();
    let api = project.services.get_mut("api").expect("api");
    api.env.insert(
        "API_KEY".into(),
        crate::domain::project::service::EnvValue::Plain("hunter2".into()),
    );
    let snapshot = Snapshot {
        plan: Some(plan(&project, Purpose::Deploy, vec![update])),
        config: Some(crate::tui::tests::parts::hydrated(project)),
        ..idle()
    };
    for keys in ["j Enter", "2 Right j Enter"] {
        let hidden = given(snapshot.clone()).size(160, 120).keys(keys);
        let screen = hidden.screen();
        assert!(screen.contains("API_KEY"), "{screen}");
        assert!(!screen.contains("hunter"), "{screen}");
        let shown = hidden.keys("V");
        let screen = shown.screen();
        assert!(screen.contains("hunter2"), "{screen}");
        assert!(!shown.keys("V").screen().contains("hunter"));
    }
}

fn amended(given: &Given) -> Option<&Amendment> {
    given.effects.iter().find_map(|effect| match effect {
        Effect::Send {
            command: Command::Amend { amendment },
            ..
        } => Some(amendment),
        _ => None,
    })
}

#[test]
fn drift_is_kept_by_its_name_and_set_aside_with_a_reason_and_a_time() {
    let asked = given(idle()).at(Area::Drift).keys("K");
    let screen = asked.screen();
    assert!(screen.contains("keep what drifted"), "{screen}");
    let early = asked.keys("C-y");
    assert_eq!(amended(&early), None);
    let kept = early.then().types("worker").keys("C-y");
    let worker = Address::service("worker");
    let accept = Amendment::Accept {
        address: worker.clone(),
        path: None,
    };
    assert_eq!(amended(&kept), Some(&accept));

    let asked = given(idle()).at(Area::Drift).keys("I").types("a trial");
    let screen = asked.screen();
    assert!(screen.contains("ignore drift"), "{screen}");
    let wrong = asked.keys("Tab").types("soon").keys("C-y");
    assert_eq!(amended(&wrong), None);
    let asked = given(idle()).at(Area::Drift).keys("I").types("a trial");
    let aside = asked.keys("Tab").types("2d").keys("C-y");
    let now = aside.model.now.0;
    match amended(&aside) {
        Some(Amendment::Ignore {
            address,
            reason,
            until: Some(until),
            ..
        }) => {
            assert_eq!((address, reason.as_str()), (&worker, "a trial"));
            assert_eq!(until.0 - now, 2 * 86_400_000);
        }
        other => panic!("{other:?}"),
    }
}

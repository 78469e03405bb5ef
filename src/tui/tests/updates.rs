//! Keys and news in, effects out.

use std::sync::Arc;

use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::{Notice, OutputLine, UnlockEnd};
use crate::app::snapshot::Snapshot;
use crate::domain::event::Stream;
use crate::domain::ids::Address;
use crate::domain::lease::Verdict;
use crate::domain::plan::model::{ActionKind, Purpose};
use crate::tui::model::{Area, Focus, Overlay};
use crate::tui::msg::Msg;
use crate::tui::tests::fixtures::{busy, failed, first_deploy, idle};
use crate::tui::tests::parts::{action, lock, plan, shop};
use crate::tui::tests::talk::{Given, given};

#[expect(
    clippy::needless_pass_by_value,
    reason = "a chain of keys reads better by value"
)]
fn check(given: Given, expected: &[&str]) {
    assert_eq!(given.asked(), expected);
}

fn locked(verdict: Verdict) -> Snapshot {
    Snapshot {
        lock: Some(Arc::new(lock(verdict))),
        ..idle()
    }
}

#[test]
fn deploy_shows_the_good_plan_and_runs_it_on_y() {
    check(given(idle()).keys("D y"), &["run deploy of p-3fe1"]);
    let after = given(idle()).keys("D y");
    assert_eq!(after.model.area, Area::Run);
    assert_eq!(after.model.echo.as_deref(), Some("nkapp deploy"));
    assert!(after.model.overlays.is_empty());
}

#[test]
fn leaving_the_question_changes_nothing() {
    for key in ["Esc", "n", "q", "Enter"] {
        let after = given(idle()).keys("D").keys(key);
        assert!(after.model.overlays.is_empty(), "{key}");
        check(after, &[]);
    }
}

#[test]
fn no_other_key_confirms() {
    for key in ["D", "Enter", "Space", "Y", "d", "x", "C-y"] {
        check(given(idle()).keys("D").keys(key), &[]);
    }
}

#[test]
fn what_was_typed_is_taken_back_by_words_and_as_a_whole() {
    let typed = |keys: &str| {
        let given = given(idle()).keys("/").types("two words").keys(keys);
        given.model.pane().expect("a list").filter().to_owned()
    };
    assert_eq!(typed("Backspace"), "two word");
    assert_eq!(typed("C-w"), "two ");
    assert_eq!(typed("C-u"), "");
}

#[test]
fn a_long_paste_confirms_nothing_anywhere() {
    for name in ["deploy", "restore", "destroy", "clean", "cancel", "leave"] {
        let asked = match name {
            "deploy" => given(idle()).keys("D"),
            "restore" => given(idle()).keys("4 R"),
            "cancel" => given(busy()).keys("c"),
            "leave" => given(busy()).keys("q"),
            act => given(idle()).keys(":").types(act).keys("Enter"),
        };
        let asked = asked.then();
        assert!(!asked.model.overlays.is_empty(), "{name} asks nothing");
        let pasted = asked.tell(Msg::Paste("y\n".repeat(100)));
        assert_eq!(pasted.asked(), Vec::<String>::new(), "{name}");
        assert!(!pasted.model.overlays.is_empty(), "{name} is answered");
    }
}

#[test]
fn pasted_and_held_keys_do_not_confirm() {
    check(given(idle()).burst("D y"), &[]);
    check(given(idle()).keys("D").tell(Msg::Paste("y\n".into())), &[]);
    // A key held since before the question came counts as one press.
    let held = given(Snapshot {
        plan: None,
        ..idle()
    })
    .keys("D y")
    .hears(Notice::Planned {
        ticket: Some(crate::app::command::Ticket(1)),
        plan: first_deploy(&shop()),
        saved_at: None,
    })
    .burst("y y y");
    check(held, &["plan deploy"]);
}

#[test]
fn without_a_good_plan_deploy_makes_one_first_and_y_waits_for_it() {
    let stale = Snapshot {
        plan_stale: Some("image moved".into()),
        ..idle()
    };
    let asked = given(stale).keys("D y");
    assert_eq!(asked.asked(), ["plan deploy"]);
    let ticket = asked.ticket();
    let answered = asked.then().hears(Notice::Planned {
        ticket: Some(ticket),
        plan: first_deploy(&shop()),
        saved_at: None,
    });
    check(answered.keys("y"), &["run deploy of p-3fe1"]);
}

#[test]
fn a_plan_that_arrives_after_the_question_was_left_opens_nothing() {
    let left = given(Snapshot {
        plan: None,
        ..idle()
    })
    .keys("D Esc");
    let ticket = left.ticket();
    let after = left.hears(Notice::Planned {
        ticket: Some(ticket),
        plan: first_deploy(&shop()),
        saved_at: None,
    });
    assert!(after.model.overlays.is_empty());
}

#[test]
fn a_plan_without_work_has_nothing_to_confirm() {
    let snapshot = Snapshot {
        plan: Some(plan(&shop(), Purpose::Deploy, Vec::new())),
        ..idle()
    };
    check(given(snapshot).keys("D y"), &[]);
}

#[test]
fn lost_data_asks_for_the_projects_name_and_y_is_only_a_letter() {
    let snapshot = || Snapshot {
        plan: Some(plan(
            &shop(),
            Purpose::Deploy,
            vec![action(Address::volume("old"), ActionKind::Delete, 0, &[])],
        )),
        ..idle()
    };
    check(given(snapshot()).keys("D y C-y"), &[]);
    check(given(snapshot()).keys("D").types("shop").keys("Enter"), &[]);
    check(
        given(snapshot())
            .keys("D")
            .tell(Msg::Paste("shop".into()))
            .keys("C-y"),
        &[],
    );
    check(
        given(snapshot()).keys("D").types("shop").keys("C-y"),
        &["run deploy of p-3fe1, force"],
    );
}

#[test]
fn the_list_of_actions_reaches_what_has_no_key() {
    let asked = given(idle()).keys(":").types("clean").keys("Enter");
    assert_eq!(asked.asked(), ["plan clean"]);
    let ticket = asked.ticket();
    let clean = plan(
        &shop(),
        Purpose::Clean,
        vec![action(Address::volume("data"), ActionKind::Delete, 0, &[])],
    );
    let answered = asked.then().hears(Notice::Planned {
        ticket: Some(ticket),
        plan: clean,
        saved_at: None,
    });
    check(
        answered.types("shop").keys("C-y"),
        &["run clean of p-3fe1, force"],
    );
}

#[test]
fn interrupt_drains_cuts_off_and_leaves() {
    check(
        given(busy()).keys("C-c C-c C-c"),
        &["stop Drain", "stop Cancel", "quit"],
    );
    check(given(idle()).keys("C-c"), &["quit"]);
}

#[test]
fn quit_asks_while_a_run_is_on_and_leaves_when_it_has_ended() {
    check(given(idle()).keys("q"), &["quit"]);
    let asked = given(busy()).keys("q");
    assert!(asked.asked().is_empty());
    let draining = asked.keys("y");
    assert_eq!(draining.asked(), ["leaveall", "stop Drain"]);
    check(draining.then().sees(failed()), &["quit"]);
}

#[test]
fn a_lost_terminal_drains_and_a_second_request_cuts_off() {
    check(
        given(busy()).tell(Msg::TerminalLost).tell(Msg::Terminate),
        &["stop Drain", "stop Cancel"],
    );
    check(given(idle()).tell(Msg::TerminalLost), &["quit"]);
}

#[expect(clippy::large_stack_arrays, reason = "a handful of whole panels")]
#[test]
fn what_does_not_apply_says_why_and_does_nothing() {
    let mut read_only = given(idle());
    read_only.model.options.read_only = true;
    let cases = [
        (given(idle()).keys("c"), "nothing runs"),
        (given(busy()).keys("D"), "a deploy is under way; c stops it"),
        (read_only.keys("D"), "the panel was opened read-only"),
        (given(idle()).keys("5 U").then(), "no lock is held"),
        (
            given(idle()).keys("4 j j j R").then(),
            "choose a resource that drifted",
        ),
        (
            given(crate::tui::tests::fixtures::broken()).keys("p"),
            "the project file has errors; mend it first",
        ),
    ];
    for (after, reason) in cases {
        assert_eq!(
            after.model.toasts.last().map(|t| t.text.as_str()),
            Some(reason)
        );
        assert!(after.model.overlays.is_empty());
        check(after, &[]);
    }
}

#[test]
fn an_unlock_that_was_refused_shows_the_evidence() {
    let after = given(locked(Verdict::Dead))
        .keys("5 U")
        .hears(Notice::Unlocked {
            ticket: crate::app::command::Ticket(3),
            end: UnlockEnd::Changed(Box::new(lock(Verdict::Alive))),
        });
    let screen = after.screen();
    assert!(screen.contains("4242 lives on this machine"), "{screen}");
}

#[test]
fn restore_plans_for_the_chosen_service_first() {
    let asked = given(idle()).keys("4 R");
    assert_eq!(asked.asked(), ["plan restore [worker]"]);
    let ticket = asked.ticket();
    let restore = plan(
        &shop(),
        Purpose::Restore,
        vec![action(
            Address::service("worker"),
            ActionKind::Update,
            0,
            &[],
        )],
    );
    let answered = asked.then().hears(Notice::Planned {
        ticket: Some(ticket),
        plan: restore,
        saved_at: None,
    });
    check(answered.keys("y"), &["restore service.worker of p-3fe1"]);
}

#[test]
fn logs_follow_pause_and_end_with_the_view() {
    let line = |number: usize| Notice::Output {
        ticket: crate::app::command::Ticket(2),
        line: OutputLine {
            source: "service.api[0]".into(),
            stream: Stream::Stdout,
            text: format!("line {number}"),
        },
    };
    let mut open = given(idle()).keys("j l");
    assert_eq!(open.asked(), ["runs", "logs api"]);
    for number in 0..50 {
        open = open.hears(line(number));
    }
    assert!(open.screen().contains("line 49"));
    let mut paused = open.keys("k k");
    for number in 50..53 {
        paused = paused.hears(line(number));
    }
    let screen = paused.screen();
    assert!(
        screen.contains("paused, 5 new lines") && !screen.contains("line 52"),
        "{screen}"
    );
    let resumed = paused.keys("G");
    assert!(resumed.screen().contains("line 52"));
    let filtered = resumed.keys("&").types("e 7").keys("Enter");
    let screen = filtered.screen();
    assert!(
        screen.contains("line 7") && !screen.contains("line 8"),
        "{screen}"
    );
    check(filtered.then().keys("Esc"), &["forget 2"]);
}

#[test]
fn the_filter_narrows_and_escape_widens() {
    let narrowed = given(idle()).keys("/").types("wrk").keys("Enter");
    let labels = |given: &Given| -> Vec<String> {
        let pane = given.model.pane().expect("tree");
        pane.rows()
            .iter()
            .map(|row| row.row.label.clone())
            .collect()
    };
    assert_eq!(labels(&narrowed)[0], "worker");
    assert!(labels(&narrowed.keys("Esc")).len() > 5);
}

#[test]
fn areas_are_reached_by_number_and_in_turn() {
    let cases = [
        ("2", Area::Plan),
        ("4", Area::Drift),
        ("Tab", Area::Plan),
        ("S-Tab", Area::History),
        ("6 Tab", Area::Services),
    ];
    for (keys, area) in cases {
        assert_eq!(given(idle()).keys(keys).model.area, area, "{keys}");
    }
    check(
        given(idle()).keys("5"),
        &["lock for 45", "stored", "installs"],
    );
}

#[test]
fn sequences_wait_for_their_next_key() {
    let down = given(idle()).keys("G");
    assert_ne!(
        down.model
            .pane()
            .and_then(|p| p.current())
            .map(|r| r.path.len()),
        None
    );
    let waiting = down.keys("g");
    assert_eq!(waiting.model.pending.len(), 1);
    assert!(waiting.screen().contains("g g"));
    let top = waiting.keys("g");
    assert_eq!(
        top.model
            .pane()
            .and_then(|p| p.current())
            .map(|r| r.row.label.clone()),
        Some("web".into())
    );
    assert!(given(idle()).keys("g x").model.pending.is_empty());
}

#[test]
fn the_cursor_follows_the_run_until_somebody_moves_it() {
    let on = |given: &Given| {
        let row = given
            .model
            .pane()
            .and_then(|pane| pane.current())
            .expect("row");
        row.row.label.clone()
    };
    let running = given(idle()).keys("3").sees(busy());
    assert_eq!(on(&running), "[0] start");
    let moved = running.keys("k").sees(failed());
    assert!(!moved.model.follow_run);
    let again = moved.keys("f");
    assert_eq!(on(&again), "[0] start");
}

#[test]
fn a_refused_run_opens_a_message_with_the_next_command() {
    let after = given(idle()).keys("D y").hears(Notice::Failed {
        ticket: Some(crate::app::command::Ticket(1)),
        failure: Failure::new(FailureKind::Locked, "the lock is held").next("nkapp infra lock"),
    });
    let screen = after.screen();
    assert!(
        screen.contains("the lock is held") && screen.contains("nkapp infra lock"),
        "{screen}"
    );
}

#[test]
fn toasts_never_take_the_keyboard_and_go_by_themselves() {
    let after = given(idle()).hears(Notice::Failed {
        ticket: None,
        failure: Failure::new(FailureKind::Failed, "the engine went away"),
    });
    assert!(after.model.overlays.is_empty());
    assert!(after.screen().contains("the engine went away"));
    let later = crate::domain::time::Wall(after.model.now.0 + 60_000);
    let after = after.tell(Msg::Tick(later));
    assert!(after.model.toasts.is_empty());
}

#[test]
fn a_tick_draws_only_while_a_running_time_is_on_the_screen() {
    let mut still = given(idle());
    still.model.dirty = false;
    let later = crate::domain::time::Wall(still.model.now.0 + 5_000);
    assert!(!still.model.shows_time());
    assert!(!still.tell(Msg::Tick(later)).model.dirty);
    // A message is on the screen, but nothing of it moves: one frame when it goes, none before.
    let mut told = given(idle());
    told.model.toast("saved", crate::tui::theme::Tone::Ok);
    told.model.dirty = false;
    let goes = told.model.wakes_at(told.model.now).expect("it goes");
    let told = told.tell(Msg::Tick(crate::domain::time::Wall(goes.0 - 1)));
    assert!(!told.model.dirty);
    assert!(told.tell(Msg::Tick(goes)).model.dirty);
    let mut moving = given(busy());
    moving.model.dirty = false;
    assert!(moving.model.shows_time());
    assert!(moving.tell(Msg::Tick(later)).model.dirty);
}

#[test]
fn help_palette_and_details_open_and_close() {
    let help = given(idle()).keys("?");
    assert!(matches!(
        help.model.overlays.last(),
        Some(Overlay::Help { .. })
    ));
    assert!(help.keys("?").model.overlays.is_empty());
    let list = given(idle()).keys(":");
    assert!(matches!(
        list.model.overlays.last(),
        Some(Overlay::Palette(_))
    ));
    assert!(list.keys("Esc").model.overlays.is_empty());
    let details = given(idle()).keys("Enter");
    assert_eq!(details.model.focus, Focus::Details);
    assert_eq!(details.keys("Esc").model.focus, Focus::List);
}

#[test]
fn copying_takes_text_without_frames() {
    let copied = given(idle()).keys("Y");
    assert!(
        copied.asked()[0].starts_with("copy web  running  healthy"),
        "{:?}",
        copied.asked()
    );
}

#[test]
fn looking_again_asks_for_everything() {
    check(
        given(idle()).keys("r"),
        &["reload", "status", "drift", "plan deploy", "lock for 0"],
    );
    check(given(idle()).keys("p"), &["plan deploy, saved"]);
}

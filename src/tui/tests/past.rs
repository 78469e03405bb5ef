//! The past at the panel: the history, a run played again, two compared, and the timeline at several sizes.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use crate::app::command::Ticket;
use crate::app::notice::Notice;
use crate::app::snapshot::Snapshot;
use crate::domain::event::Event;
use crate::domain::ids::{RunId, StepId, TraceId};
use crate::domain::plan::model::Summary;
use crate::domain::report::{RunSummary, Usual};
use crate::domain::time::Wall;
use crate::tui::logs::reader::Times;
use crate::tui::model::{Area, Model, RunAs};
use crate::tui::msg::Msg;
use crate::tui::tests::fixtures::{busy, failed, idle};
use crate::tui::tests::parts::at;
use crate::tui::tests::replays::recorded;
use crate::tui::tests::talk::{Given, given};

const OLD: &str = "20261120-050000-1111";
const NEW: &str = "20261121-050000-7f3a";

fn summary(id: &str, outcome: Option<&str>, seconds_ago: i64) -> RunSummary {
    RunSummary {
        run_id: RunId::new(id),
        command: "deploy".into(),
        who: "ana@build-7".into(),
        started_at: at(seconds_ago),
        outcome: outcome.map(Into::into),
        duration_ms: outcome.map(|_| 9_400),
        actions: 8,
        failed: usize::from(outcome == Some("failed")),
        warnings: usize::from(outcome == Some("ok")),
        env: Some("local".into()),
        changes: Some(Summary {
            create: 8,
            update: 1,
            drift: 1,
            ..Summary::default()
        }),
        exit_code: outcome.map(|word| u8::from(word == "failed")),
        message: (outcome == Some("failed")).then(|| "1 of 8 actions failed".into()),
        trace_id: TraceId::new("4bf92f3577b34da6a3ce929d0e0e4736"),
        forecast: None,
        damage: None,
    }
}

fn runs() -> Notice {
    Notice::Runs {
        ticket: Ticket(1),
        runs: Arc::new(vec![
            summary(NEW, Some("failed"), 400),
            summary(OLD, Some("ok"), 90_000),
            summary("20261119-050000-2222", None, 200_000),
        ]),
    }
}

/// The same events as of another run, each step this much slower.
fn tape(id: &str, slower: i64) -> Vec<Event> {
    let mut events = recorded();
    for (number, event) in events.iter_mut().enumerate() {
        let number = i64::try_from(number).expect("small");
        event.run_id = Some(RunId::new(id));
        event.at = Wall(event.at.0 + number * slower);
    }
    events
}

fn events(id: &str, slower: i64) -> Notice {
    Notice::RunEvents {
        ticket: Ticket(2),
        events: Arc::new(tape(id, slower)),
    }
}

pub(super) fn history() -> Given {
    given(idle()).keys("6").hears(runs()).hears(events(NEW, 0))
}

fn replaying() -> Given {
    history().keys("o").hears(events(NEW, 0))
}

fn usual() -> Usual {
    let step = |id: &str, ms| (StepId::new(id), Duration::from_millis(ms));
    let steps = [
        step("service.cache[0]/health", 900),
        step("service.db[0]/health", 900),
        step("service.migrate[0]/start", 12_000),
        step("service.web[0]/start", 4_000),
    ];
    Usual::remembering(vec![(RunId::new("20200101-000000-a"), steps.into())])
}

fn timeline(mut snapshot: Snapshot) -> Given {
    snapshot.usual = Some(Arc::new(usual()));
    given(snapshot).keys("3 v")
}

#[test]
fn the_history_lists_runs_and_says_more_of_the_chosen_one() {
    insta::assert_snapshot!("history_80x24", history().screen());
    insta::assert_snapshot!("history_120x40", history().size(120, 40).screen());
    insta::assert_snapshot!("history_200x60", history().size(200, 60).screen());
    insta::assert_snapshot!(
        "history_details",
        history().keys("Enter").size(80, 50).screen()
    );
}

#[test]
fn the_list_is_asked_for_once_and_each_run_once() {
    let given = given(idle()).keys("6");
    assert_eq!(given.asked().last().map(String::as_str), Some("runs"));
    let given = given.then().hears(runs());
    assert_eq!(
        given.asked().len(),
        1,
        "the chosen run is read: {:?}",
        given.asked()
    );
    let given = given.then().keys("j k j k");
    assert!(
        given.asked().is_empty(),
        "one at a time: {:?}",
        given.asked()
    );
    let given = given.hears(events(NEW, 0)).keys("j");
    assert_eq!(given.asked().len(), 1, "then the next: {:?}", given.asked());
}

#[test]
fn a_run_that_is_being_read_opens_as_soon_as_it_is_and_is_read_once() {
    let given = given(idle()).keys("6").then().keys("o");
    let screen = given.screen();
    assert!(screen.contains("still being read"), "{screen}");
    let given = given.hears(runs()).then().keys("o o");
    assert!(
        given.asked().is_empty(),
        "read already: {:?}",
        given.asked()
    );
    let screen = given.screen();
    assert!(screen.contains("opens as soon as it is read"), "{screen}");
    let given = given.hears(events(NEW, 0));
    assert!(given.model.replay.is_some());
    assert_eq!(given.model.area, Area::Run);
    let screen = given.screen();
    assert!(!screen.contains("as soon as"), "{screen}");
}

#[test]
fn a_past_run_can_be_jumped_to_from_anywhere() {
    let given = given(idle()).keys("C-p");
    assert_eq!(given.asked().last().map(String::as_str), Some("runs"));
    let given = given.hears(runs()).types("past failed");
    let screen = given.screen();
    assert!(
        screen.contains(NEW) && screen.contains("past run of"),
        "{screen}"
    );
    let given = given.keys("Enter");
    assert_eq!(given.model.area, Area::History);
    let under = crate::tui::update::history::chosen(&given.model);
    assert_eq!(under, Some(RunId::new(NEW)));
}

#[test]
fn how_lines_look_is_kept_from_one_view_to_the_next() {
    let given = given(idle()).keys("j l t w Esc l");
    let (_, reader) = given.model.reading().expect("open");
    assert!(reader.wrap && reader.times != Times::Off);
}

#[test]
fn the_filter_finds_failed_runs() {
    let screen = history().keys("/").types("failed").screen();
    assert!(
        screen.contains("deploy failed") && !screen.contains("deploy ok"),
        "{screen}"
    );
}

#[test]
fn a_replay_ends_with_the_rows_the_live_run_had() {
    let replay = replaying().keys("$");
    let mut live = Snapshot::default();
    for event in tape(NEW, 0) {
        live.apply_event(&event);
    }
    let mut lived = given(idle());
    for event in tape(NEW, 0) {
        lived = lived.hears(Notice::Event(event));
    }
    let mut snapshot = idle();
    snapshot.run = live.run;
    let lived = lived.sees(snapshot).keys("3");
    let rows = |model: &Model| -> Vec<String> {
        let pane = model.panes.get(&Area::Run).expect("a pane");
        pane.rows()
            .iter()
            .map(|row| format!("{:?}", row.row))
            .collect()
    };
    assert_eq!(rows(&replay.model), rows(&lived.model));
    insta::assert_snapshot!("replay_80x24", replay.screen());
    insta::assert_snapshot!(
        "replay_timeline_120x40",
        replay.keys("v").size(120, 40).screen()
    );
}

#[test]
fn a_replay_plays_with_the_ticks_and_rests_elsewhere() {
    let given = replaying().keys("Space");
    let started = given.model.now.0;
    let given = given
        .tell(Msg::Tick(Wall(started + 100)))
        .tell(Msg::Tick(Wall(started + 1_100)));
    let position = |given: &Given| {
        given
            .model
            .replay
            .as_ref()
            .map(|replay| replay.position().0)
    };
    assert_eq!(position(&given), Some(11));
    assert_eq!(given.model.beat_ms(), 100);
    let given = given.burst("1").tell(Msg::Tick(Wall(started + 60_000)));
    assert_eq!((position(&given), given.model.beat_ms()), (Some(11), 1_000));
}

#[test]
fn a_run_that_begins_is_not_hidden_by_a_replay() {
    let mut snapshot = busy();
    snapshot.usual = None;
    let given = replaying().sees(snapshot);
    let screen = given.screen();
    assert!(
        screen.contains("deploy is UNDER WAY, X shows it"),
        "{screen}"
    );
    let given = given.keys("X");
    assert!(given.model.replay.is_none());
    assert!(given.screen().contains("deploy: under way"));
}

#[test]
fn two_runs_are_compared_on_one_axis() {
    let read = given(idle()).keys("6").hears(runs()).hears(events(NEW, 40));
    let given = read.keys("C").hears(events(OLD, 0));
    insta::assert_snapshot!("compare_80x24", given.screen());
    let given = given.size(120, 40);
    insta::assert_snapshot!("compare_120x40", given.screen());
    let given = given.keys("Esc");
    assert!(given.model.history.comparison.is_none());
    assert!(given.screen().contains("past runs: "));
}

#[test]
fn the_timeline_at_several_sizes() {
    for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
        for (mood, snapshot) in [("busy", busy as fn() -> Snapshot), ("failed", failed)] {
            let given = timeline(snapshot()).size(columns, rows);
            insta::assert_snapshot!(format!("timeline_{mood}_{columns}x{rows}"), given.screen());
        }
    }
    let mut given = timeline(busy()).size(120, 40);
    given.model.options.ascii = true;
    insta::assert_snapshot!("timeline_ascii", given.screen());
}

#[test]
fn over_time_every_service_has_its_bar_also_when_all_is_done() {
    let given = replaying().keys("$ v").size(120, 40);
    let run = given.model.shown_run().expect("run");
    assert!(run.finished.is_some());
    let (run, pane) = (run.clone(), given.model.pane().expect("rows"));
    for address in run.actions.keys() {
        let seen = pane
            .rows()
            .iter()
            .any(|row| row.row.subject.address() == Some(address));
        assert!(seen, "{address} has no row:\n{}", given.screen());
    }
    let folded = given.keys("z M").screen();
    let rows = folded.lines().filter(|line| line.contains("2 of 2 done"));
    for row in rows.filter(|row| row.contains('▸')) {
        assert!(row.contains('━') || row.contains('█'), "no bar: {row}");
    }
}

#[test]
fn a_replay_says_first_how_it_is_steered_and_left() {
    for columns in [60, 80, 120] {
        let screen = replaying().size(columns, 20).screen();
        let banner = screen.lines().find(|line| line.contains("replay ‖ held"));
        let banner = banner.unwrap_or_else(|| panic!("no banner:\n{screen}"));
        assert!(banner.contains("X leaves"), "{banner}");
        let hints = screen.lines().last().unwrap_or_default();
        assert!(
            hints.trim_start().starts_with("Space play  X leave"),
            "{hints}"
        );
    }
}

#[test]
fn a_step_that_failed_without_output_says_why_and_never_that_more_may_come() {
    let mut snapshot = failed();
    let run = snapshot.run.as_mut().expect("run");
    let (id, step) = run
        .steps
        .iter_mut()
        .find(|(_, step)| step.outcome == Some(crate::domain::event::StepOutcome::Failed))
        .expect("a failed step");
    step.message = Some("unhealthy\nlast check: connection refused\nlast output:\nbye".into());
    let id = id.clone();
    let mut given = given(snapshot).keys("3").size(120, 40);
    given.model.output = crate::tui::logs::open::Output::new(1);
    given.model.refresh_pane();
    let text = crate::tui::view::logs::silent(&given.model, &id);
    assert!(text.contains("last check: connection refused"), "{text}");
    let screen = given.screen();
    for wrong in ["it wrote nothing", "so far", "no output yet"] {
        assert!(!screen.contains(wrong), "{wrong}:\n{screen}");
    }
    assert!(
        screen.contains("last check: connection refused"),
        "{screen}"
    );
    assert!(screen.contains("bye"), "{screen}");
}

#[test]
fn what_was_skipped_is_not_counted_as_done() {
    use crate::domain::event::StepOutcome;
    let mut snapshot = failed();
    let run = snapshot.run.as_mut().expect("run");
    let done =
        |run: &crate::domain::history::view::RunView| crate::tui::rows::course::progress(run).0;
    for action in run.actions.values_mut() {
        action.outcome = Some(StepOutcome::Done);
    }
    let all = done(run);
    let first = run.actions.values_mut().next().expect("an action");
    first.outcome = Some(StepOutcome::Skipped);
    assert_eq!(done(run) + 1, all);
}

#[test]
fn the_plan_and_the_question_say_how_long_it_will_take() {
    let mut snapshot = idle();
    let plan = snapshot.plan.clone().expect("plan");
    let steps = plan.actions.iter().flat_map(|action| &action.steps);
    let took = steps.map(|step| (step.id.clone(), Duration::from_secs(2)));
    let usual = Usual::remembering(vec![(RunId::new("20200101-000000-a"), took.collect())]);
    snapshot.usual = Some(Arc::new(usual.clone()));
    let model = given(snapshot.clone()).model;
    let options = model.options.run;
    let project = snapshot.known().map(AsRef::as_ref);
    let words = crate::present::rows::forecast::said(&plan, project, &usual, options);
    let words = words.expect("the plan does something");
    assert!(words.contains("from 1 run"), "{words}");
    let screen = given(snapshot).size(160, 40).keys("2").screen();
    assert!(screen.contains(&words), "{words}:\n{screen}");
}

#[test]
fn zoom_and_pan_show_another_part_of_the_time() {
    let given = timeline(failed());
    let whole = given.screen();
    let near = given.keys("z i z i z h");
    assert_ne!(whole, near.screen());
    assert_eq!(near.keys("z x z x").screen(), whole);
}

#[test]
fn the_cursor_goes_along_the_critical_path_in_both_shapes() {
    let given = timeline(failed()).keys("g c g c");
    let path = crate::domain::history::path::critical_path(given.model.shown_run().expect("run"));
    let chosen = crate::tui::update::moves::subject(&given.model);
    assert!(matches!(&chosen, crate::tui::rows::row::Subject::Step(_, id) if path.contains(id)));
    let given = given.keys("v");
    assert_eq!(given.model.run_as, RunAs::Steps);
    assert_eq!(crate::tui::update::moves::subject(&given.model), chosen);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_keys_break_a_replay_at_any_size(
        keys in proptest::collection::vec(0_usize..22, 1..40),
        columns in 1_u16..220,
        rows in 1_u16..70,
    ) {
        const KEYS: [&str; 22] = [
            "Space", ".", ",", ">", "<", "0", "$", "!", "v", "z i", "z x", "z h", "z l", "g c", "j", "k",
            "Enter", "Esc", "G", "z R", "z M", "X",
        ];
        let mut given = replaying().size(columns, rows);
        for key in keys {
            given = given.keys(KEYS[key]);
            let later = Wall(given.model.now.0 + 150);
            given = given.tell(Msg::Tick(later));
            let _ = given.screen();
        }
    }
}

#[test]
fn a_run_that_is_begun_during_a_replay_is_the_one_that_is_shown() {
    let given = given(idle()).keys("6").hears(runs()).then().keys("o");
    let given = given.hears(events(NEW, 0));
    assert!(given.model.replay.is_some());
    let begun = given.keys("D").then().keys("y");
    assert_eq!(begun.asked(), ["run deploy of p-3fe1"]);
    assert!(begun.model.replay.is_none(), "{}", begun.screen());
    assert_eq!(begun.model.area, Area::Run);
}

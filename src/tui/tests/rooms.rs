//! Rooms, deeds, and what the panel keeps.

use std::path::PathBuf;
use std::time::Duration;

use crate::app::command::Ticket;
use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::{Link, Notice};
use crate::app::snapshot::Snapshot;
use crate::domain::event::{Event, EventKind, RunOutcome};
use crate::tui::effect::{Effect, Wish};
use crate::tui::keymap::action::Action;
use crate::tui::keymap::map::Keymap;
use crate::tui::logs::reader::Times;
use crate::tui::memory;
use crate::tui::model::{Area, Model, Overlay};
use crate::tui::msg::Msg;
use crate::tui::overlay::{Choices, Palette};
use crate::tui::rooms::doors::Errand;
use crate::tui::rooms::place::{Found, Place};
use crate::tui::rooms::tab::{Mark, Tab};
use crate::tui::tests::{fixtures, parts, talk};
use crate::tui::update::route::{act, update};
use crate::tui::update::{allowed, deeds, news, rooms};
use crate::tui::view::screen::draw;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

fn place(name: &str, env: &str) -> Place {
    Place {
        file: PathBuf::from(format!("/p/{name}/nanokit.yml")),
        env: Some(env.into()),
        name: name.into(),
        shown: format!("{name}/nanokit.yml"),
        found: Found::Environment,
    }
}

fn tab(name: &str, env: &str, mark: Mark, shown: bool) -> Tab {
    Tab {
        place: place(name, env),
        mark,
        shown,
    }
}

fn among(tabs: Vec<Tab>) -> Model {
    let mut model = parts::model(fixtures::idle());
    update(&mut model, Msg::Tabs(tabs), &Keymap::default());
    model
}

#[test]
fn the_script_runs_what_can_be_run_and_remarks_the_rest() {
    let mut model = parts::model(Snapshot::default());
    model.did("deploy it's\nall", Some(r"nkapp deploy 'it'\''s'".into()));
    model.did("logs of api", Some("nkapp logs api -f".into()));
    model.did("deploy done after 3 s", None);
    insta::assert_snapshot!(deeds::script(&model), @r"
    #!/bin/sh
    # What was done with this project in the panel of nkapp.
    # Changes ask before they are carried out; `-y` lets them go ahead.
    set -eu
    cd /home/ann/shop

    # 11:06:40 deploy it's all
    nkapp deploy 'it'\''s'

    # 11:06:40 logs of api
    #   nkapp logs api -f

    # 11:06:40 deploy done after 3 s
    ");
}

#[test]
fn a_list_of_places_goes_where_it_is_told_and_never_to_where_one_is() {
    let mut model = among(vec![
        tab("shop", "local", Mark::Quiet, true),
        tab("api", "local", Mark::Running, false),
    ]);
    rooms::found(
        &mut model,
        vec![place("shop", "local"), place("shop", "staging")],
    );
    let list = |kind, typed: &str, cursor| Palette {
        kind,
        typed: typed.into(),
        cursor,
    };
    let titles = |list: &Palette| -> Vec<String> {
        rooms::places(&model, list)
            .iter()
            .map(|choice| choice.place.title())
            .collect()
    };
    assert_eq!(
        titles(&list(Choices::Places, "", 0)),
        ["shop (local)", "api (local)", "shop (staging)"]
    );
    assert_eq!(
        titles(&list(Choices::Environments, "", 0)),
        ["shop (local)", "shop (staging)"]
    );
    assert_eq!(
        titles(&list(Choices::Places, "stag", 0)),
        ["shop (staging)"]
    );
    assert!(rooms::choose(&model, &list(Choices::Places, "", 0)).is_empty());
    let effects = rooms::choose(&model, &list(Choices::Environments, "", 1));
    assert!(
        matches!(effects.as_slice(), [Effect::Enter(to)] if to.is(&place("shop", "staging"))),
        "{effects:?}"
    );
}

#[test]
fn leaving_asks_while_a_run_is_on_in_another_room() {
    for key in [Action::Quit, Action::Interrupt] {
        let mut model = among(vec![
            tab("shop", "local", Mark::Quiet, true),
            tab("api", "local", Mark::Running, false),
        ]);
        assert!(act(&mut model, key, false).is_empty());
        assert!(
            matches!(model.overlays.last(), Some(Overlay::Dialog(_))),
            "{key:?}"
        );
    }
    let mut model = among(vec![tab("shop", "local", Mark::Quiet, true)]);
    assert!(matches!(
        act(&mut model, Action::Quit, false).as_slice(),
        [Effect::Quit]
    ));
}

#[test]
fn leaving_does_not_ask_of_a_run_that_is_over_and_only_not_answered_yet() {
    let mut model = parts::model(fixtures::idle());
    news::sent(&mut model, Wish::Run, Some(Ticket(3)));
    assert!(act(&mut model, Action::Quit, false).is_empty());
    model.overlays.clear();
    let over = Event {
        at: model.now,
        run_id: None,
        seq: 0,
        address: None,
        step: None,
        attempt: None,
        kind: EventKind::RunFinished {
            outcome: RunOutcome::Ok,
            exit_code: 0,
            duration: Duration::from_secs(1),
            message: None,
            warnings: 0,
            forecast: None,
        },
    };
    news::notice(&mut model, Notice::Event(over));
    assert!(matches!(
        act(&mut model, Action::Quit, false).as_slice(),
        [Effect::Quit]
    ));
}

#[test]
fn the_editor_opens_where_the_chosen_service_stands() {
    let mut model = parts::model(fixtures::idle());
    model.go(Area::Services);
    let effects = act(&mut model, Action::Edit, false);
    let Some(Effect::Errand(Errand::Edit { line, .. })) = effects.last() else {
        panic!("{effects:?}");
    };
    assert!(*line >= 1);
}

#[test]
fn read_only_refuses_a_shell_and_allows_a_look_around() {
    let mut model = parts::model(fixtures::idle());
    model.options.read_only = true;
    for action in [
        Action::Shell,
        Action::Deploy,
        Action::Clean,
        Action::RestoreAll,
        Action::Ignore,
    ] {
        let why = allowed::check(&model, action).expect_err("refused");
        assert!(why.contains("read-only"), "{action:?}: {why}");
    }
    for action in [
        Action::Places,
        Action::Environments,
        Action::Bundle,
        Action::Figures,
    ] {
        assert_eq!(allowed::check(&model, action), Ok(()), "{action:?}");
    }
}

#[test]
fn a_room_is_entered_as_it_was_left() {
    let mut model = parts::model(fixtures::idle());
    model.go(Area::Plan);
    model.splits.insert(Area::Run, 30);
    if let Some(pane) = model.pane_mut() {
        pane.bottom();
        pane.fold();
        pane.set_filter("a".into());
    }
    model.output.reader.times = Times::Since;
    model.hand.took(Action::Bundle);
    model.hand.took(Action::Figures);
    let left = memory::of(&model);
    // Nothing is known yet when a room is entered; the rows come later.
    let mut again = parts::model(Snapshot::default());
    memory::restore(&mut again, &left);
    again.snapshot = std::sync::Arc::new(fixtures::idle());
    again.refresh_pane();
    assert_eq!(memory::of(&again), left);
    assert_eq!(again.area, Area::Plan);
    assert_eq!(again.output.reader.times, Times::Since);
    assert_eq!(again.hand.recent, [Action::Figures, Action::Bundle]);
    assert!(again.overlays.is_empty() && again.marks.is_empty());
}

/// Draws a room.
fn shown(mut model: Model) -> String {
    model.size = (120, 30);
    let mut terminal = Terminal::new(TestBackend::new(120, 30)).expect("backend");
    terminal
        .draw(|frame| draw(frame, &model, &Keymap::default()))
        .expect("drawn");
    talk::text(terminal.backend().buffer())
}

/// A file that was good, and is broken since.
fn spoilt() -> Snapshot {
    let mut snapshot = fixtures::idle();
    let good = snapshot.config.take().expect("loaded");
    snapshot.apply(&crate::app::notice::Notice::Config(good));
    let broken = fixtures::broken().config.expect("loaded");
    snapshot.apply(&crate::app::notice::Notice::Config(broken));
    snapshot
}

#[test]
fn a_file_that_breaks_leaves_the_header_and_what_runs() {
    let screen = shown(parts::model(spoilt()));
    let first = screen.lines().next().unwrap_or_default();
    assert!(first.contains("shop") && first.contains("local"), "{first}");
    assert!(first.contains("file has errors"), "{first}");
    assert!(!first.contains("connecting"), "{first}");
    assert!(screen.contains("as of 1"), "{screen}");
    assert!(screen.contains("the file has 1 error"), "{screen}");
    assert!(screen.contains("api"), "{screen}");
}

#[test]
fn a_file_that_never_was_good_says_where_one_is() {
    let mut model = parts::model(Snapshot {
        link: Link::Connecting,
        ..fixtures::broken()
    });
    let tabs = vec![tab("shop", "production", Mark::Faulty, true)];
    update(&mut model, Msg::Tabs(tabs), &Keymap::default());
    let screen = shown(model.clone());
    let first = screen.lines().next().unwrap_or_default();
    assert!(
        first.contains("shop") && first.contains("PRODUCTION"),
        "{first}"
    );
    assert!(!first.contains("connecting"), "{first}");
}

#[test]
fn what_kept_a_plan_from_being_made_is_said_where_one_looks() {
    let mut snapshot = fixtures::idle();
    snapshot.plan = None;
    let failure = Failure::new(FailureKind::InvalidConfig, "a secret could not be resolved")
        .source("`DB_PASSWORD` is not set");
    snapshot.apply(&crate::app::notice::Notice::Trouble(Some(failure.into())));
    let mut model = parts::model(snapshot);
    model.go(Area::Plan);
    let screen = shown(model.clone());
    let first = screen.lines().next().unwrap_or_default();
    assert!(first.contains("! plan failed"), "{first}");
    assert!(!first.contains("platform down"), "{first}");
    assert!(screen.contains("DB_PASSWORD"), "{screen}");
    let why = allowed::check(&model, Action::Deploy).expect_err("refused");
    assert!(why.contains("DB_PASSWORD"), "{why}");
}

#[test]
fn read_only_opens_no_editor() {
    let mut model = parts::model(fixtures::idle());
    assert_eq!(rooms::check(&model, Action::Edit), Ok(()));
    model.options.read_only = true;
    assert!(rooms::check(&model, Action::Edit).is_err());
}

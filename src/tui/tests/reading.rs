//! The reader of output: how it looks, and what its keys ask for.

use ratatui::style::{Color, Modifier};

use std::sync::Arc;

use crate::app::command::Ticket;
use crate::app::notice::{Notice, OutputLine};
use crate::domain::event::Stream;
use crate::domain::ids::{RunId, TraceId};
use crate::domain::report::RunSummary;
use crate::domain::time::Wall;
use crate::tui::effect::Effect;
use crate::tui::model::Area;
use crate::tui::msg::Msg;
use crate::tui::tests::fixtures::{busy, failed, idle};
use crate::tui::tests::talk::{Given, given};
use crate::tui::theme::Colors;

/// The view of a service that printed colours, wide letters, repeats and a stack trace.
pub(super) fn talking() -> Given {
    let mut given = given(idle()).keys("j l");
    let ticket = given.ticket();
    let mut lines: Vec<(Stream, String)> = (0..30)
        .map(|n| {
            (
                Stream::Stdout,
                format!(
                    "\u{1b}[32mINFO\u{1b}[0m request {n} took {} ms",
                    n * 7 % 113
                ),
            )
        })
        .collect();
    for n in 0..5 {
        let text = format!("probe answered after {} ms", n * 7 % 113);
        lines.push((Stream::Stdout, text));
    }
    lines.push((
        Stream::Stdout,
        "データベースの接続 🚀 文字列 👍🏽 e\u{301}".into(),
    ));
    for text in [
        "java.lang.IllegalStateException: bad",
        "\tat a.B.c(B.java:1)",
        "\tat a.B.d(B.java:2)",
        "\t... 7 more",
    ] {
        lines.push((Stream::Stderr, text.into()));
    }
    lines.push((Stream::Stdout, format!("long {}", "x".repeat(90_000))));
    for (number, (stream, text)) in lines.into_iter().enumerate() {
        let line = OutputLine {
            source: "service.api[0]".into(),
            stream,
            text: format!("2026-11-21T07:26:{:02}.5Z {text}", number % 60),
        };
        given = given.hears(Notice::Output { ticket, line });
    }
    given
}

#[test]
fn the_reader_at_two_sizes_with_and_without_what_it_can_do() {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let given = talking().size(columns, rows);
        insta::assert_snapshot!(format!("follows_{columns}x{rows}"), given.screen());
        let given = given.keys("t L /").types("request 2").keys("Enter");
        insta::assert_snapshot!(format!("lens_and_search_{columns}x{rows}"), given.screen());
        let given = given
            .keys("/ Esc L t &")
            .types("took !ms")
            .keys("Esc w k k");
        insta::assert_snapshot!(format!("wrapped_{columns}x{rows}"), given.screen());
    }
}

#[test]
fn colours_are_kept_where_there_are_some_and_finds_are_seen_without() {
    let mut given = talking().keys("/").types("took 0").keys("Enter");
    let cell = |given: &Given, word: &str| {
        let screen = given.screen();
        let found = |line: &&str| line.contains("request 0 took 0");
        let (row, line) = screen
            .lines()
            .enumerate()
            .find(|(_, line)| found(line))
            .expect("shown");
        let column = line.split(word).next().expect("word").chars().count();
        let at = |n: usize| u16::try_from(n).expect("small");
        given.buffer()[(at(column), at(row))].clone()
    };
    assert_eq!(cell(&given, "INFO").fg, Color::Green);
    assert!(cell(&given, "took 0").modifier.contains(Modifier::REVERSED));
    given.model.options.colors = Colors::None;
    given.model.look.colors = Colors::None;
    assert_eq!(cell(&given, "INFO").fg, Color::Reset);
    assert!(cell(&given, "took 0").modifier.contains(Modifier::REVERSED));
}

#[test]
fn what_is_shown_is_copied_without_a_frame_and_saved_under_its_name() {
    let given = talking()
        .keys("&")
        .types("java")
        .keys("Enter")
        .then()
        .keys("Y");
    assert_eq!(
        given.asked(),
        [
            "copy java.lang.IllegalStateException: bad\n        at a.B.c(B.java:1)\n        at a.B.d(B.java:2)"
        ]
    );
    let given = given.then().keys("W");
    let Some(Effect::Save(saving)) = given.effects.first() else {
        panic!("nothing is saved");
    };
    let path = saving.path.display().to_string();
    assert!(path.starts_with("/shop/.nanokit/logs/api-2026"), "{path}");
    let given = given.tell(Msg::Saved("/shop/x.log".into(), Ok(3)));
    assert!(given.screen().contains("3 lines saved to /shop/x.log"));
    let given = given.tell(Msg::Saved("/shop/x.log".into(), Err("no room".into())));
    assert!(
        given
            .screen()
            .contains("/shop/x.log was not written: no room")
    );
}

#[test]
fn going_to_the_top_of_the_last_lines_asks_for_all_of_them_once() {
    let mut given = given(idle()).keys("j l");
    let ticket = given.ticket();
    for number in 0..10_000 {
        let line = OutputLine {
            source: "service.api[0]".into(),
            stream: Stream::Stdout,
            text: format!("2026-11-21T07:26:00Z {number}"),
        };
        given = given.hears(Notice::Output { ticket, line });
    }
    let given = given.then().keys("Home");
    assert_eq!(given.asked(), ["logs api", &format!("forget {}", ticket.0)]);
    let given = given.then().keys("Home");
    assert_eq!(given.asked(), Vec::<String>::new());
}

#[test]
fn a_long_line_says_where_it_goes_on_and_is_copied_as_one() {
    let given = talking().keys("w").then();
    let screen = given.screen();
    assert!(screen.contains("│↪ xxx"), "{screen}");
    let given = given.keys("Y");
    let Some(Effect::Copy(copied)) = given.effects.first() else {
        panic!("nothing is copied");
    };
    let lines: Vec<&str> = copied.lines().collect();
    assert!(lines.len() == 1 && lines[0].starts_with("long xxx"));
    assert!(!copied.contains('↪'));
    let mut given = given;
    given.model.options.ascii = true;
    let screen = given.screen();
    assert!(screen.contains("|\\ xxx"), "{screen}");
}

#[test]
fn what_has_ended_is_not_followed() {
    let given = given(failed()).at(Area::Run).keys("g j j o");
    let screen = given.screen();
    assert!(
        screen.contains("output of ") && !screen.contains("following"),
        "{screen}"
    );
    // A step that ends while its output is open.
    let mut given = crate::tui::tests::talk::given(busy()).at(Area::Run);
    crate::tui::update::moves::follow(&mut given.model);
    let given = given.keys("o");
    assert!(given.screen().contains("following"), "{}", given.screen());
    let given = given.sees(failed());
    let screen = given.screen();
    assert!(
        screen.contains("at the end") && !screen.contains("following"),
        "{screen}"
    );
}

#[test]
fn a_failed_step_is_opened_with_one_key_and_says_how_it_ended() {
    let mut given = given(failed()).at(Area::Run);
    crate::tui::update::moves::follow(&mut given.model);
    let given = given.keys("o");
    insta::assert_snapshot!("failed_step", given.screen());
    assert!(given.asked().is_empty(), "the whole is in memory");
    let mut given = given.keys("Esc").then();
    given.model.output.store.miss(3);
    let given = given.keys("o");
    assert!(
        given
            .asked()
            .iter()
            .any(|asked| asked.contains("stepoutput")),
        "{:?}",
        given.asked()
    );
}

#[test]
fn what_is_new_since_the_last_run_of_the_list_is_marked() {
    let given = given(idle()).keys("j l");
    let ticket = given.ticket();
    let run = |id: &str, outcome: Option<&str>, started: i64| RunSummary {
        run_id: RunId::new(id),
        command: "deploy".into(),
        who: "ana@build-7".into(),
        started_at: Wall(started),
        outcome: outcome.map(Into::into),
        duration_ms: None,
        actions: 1,
        failed: 0,
        warnings: 0,
        env: None,
        changes: None,
        exit_code: None,
        message: None,
        trace_id: TraceId::new("4bf92f3577b34da6a3ce929d0e0e4736"),
        forecast: None,
        damage: None,
    };
    let mut given = given.hears(Notice::Runs {
        ticket: Ticket(ticket.0 - 1),
        runs: Arc::new(vec![
            run("3", None, 9_000),
            run("2", Some("done"), 2_000),
            run("1", Some("done"), 1_000),
        ]),
    });
    for text in ["1970-01-01T00:00:01Z old", "1970-01-01T00:00:02Z fresh"] {
        let line = OutputLine {
            source: "service.api[0]".into(),
            stream: Stream::Stdout,
            text: text.into(),
        };
        given = given.hears(Notice::Output { ticket, line });
    }
    let screen = given.screen();
    let rows: Vec<&str> = screen.lines().collect();
    let at = |text: &str| rows.iter().position(|row| row.contains(text));
    assert!(at("old") < at("deploy began at"), "{screen}");
    assert!(at("deploy began at") < at("fresh"), "{screen}");
    assert_eq!(screen.matches("began at").count(), 1, "{screen}");
}

//! Replays: the same as live, back and forth, and no key sequence that breaks one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::app::snapshot::Snapshot;
use crate::domain::event::*;
use crate::domain::ids::*;
use crate::domain::plan::model::ActionKind;
use crate::domain::time::Wall;
use crate::tui::replay::{Replay, Speed};
use crate::tui::tests::fixtures::first_deploy;
use crate::tui::tests::parts::shop;

/// A recorded deploy of the shop, an event every 100 ms, where the migration fails.
pub(super) fn recorded() -> Vec<Event> {
    let plan = first_deploy(&shop());
    let mut tape = Tape::default();
    tape.tell(
        None,
        None,
        EventKind::RunStarted {
            command: "deploy".into(),
            who: "ana@build-7".into(),
            trace_id: TraceId::new("4bf92f3577b34da6a3ce929d0e0e4736"),
            parent: None,
            plan_id: None,
            origin: crate::domain::event::Origin::default(),
        },
    );
    let stage = EventKind::StageStarted {
        stage: Stage::Execute,
    };
    tape.tell(None, None, stage);
    tape.tell(
        None,
        None,
        EventKind::PlanMade {
            plan: plan.clone(),
            prediction: None,
            resumes: Vec::new(),
        },
    );
    for action in plan.actions.iter().filter(|action| action.layer < 3) {
        let bad = action.address == Address::service("migrate");
        tape.tell(
            Some(&action.address),
            None,
            EventKind::ActionStarted {
                kind: ActionKind::Create,
                reason: "not deployed yet".into(),
            },
        );
        for step in &action.steps {
            let about = (Some(&action.address), Some(&step.id));
            tape.tell(about.0, about.1, EventKind::StepStarted);
            for number in 0..3 {
                let text = format!("{} line {number}", step.id);
                let stream = Stream::Stdout;
                tape.tell(about.0, about.1, EventKind::Log { stream, text });
            }
            tape.tell(
                about.0,
                about.1,
                finished(bad && step.id.as_str().ends_with("start")),
            );
            if bad && step.id.as_str().ends_with("start") {
                break;
            }
        }
        tape.tell(Some(&action.address), None, done(bad));
    }
    tape.tell(
        None,
        None,
        EventKind::RunFinished {
            outcome: RunOutcome::Failed,
            exit_code: 1,
            duration: Duration::from_secs(9),
            message: Some("1 of 8 actions failed".into()),
            warnings: 0,
            forecast: None,
        },
    );
    tape.events
}

fn finished(bad: bool) -> EventKind {
    EventKind::StepFinished {
        outcome: if bad {
            StepOutcome::Failed
        } else {
            StepOutcome::Done
        },
        exit_code: Some(i64::from(bad) * 3),
        duration: Duration::from_millis(400),
        log: None,
        message: bad.then(|| "the job ended with exit code 3".to_owned()),
    }
}

fn done(bad: bool) -> EventKind {
    EventKind::ActionFinished {
        outcome: if bad {
            StepOutcome::Failed
        } else {
            StepOutcome::Done
        },
        duration: Duration::from_secs(1),
        blame: None,
        message: bad.then(|| "start: the job ended with exit code 3".to_owned()),
    }
}

#[derive(Default)]
struct Tape {
    events: Vec<Event>,
}

impl Tape {
    fn tell(&mut self, address: Option<&Address>, step: Option<&StepId>, kind: EventKind) {
        let seq = self.events.len() as u64;
        self.events.push(Event {
            at: Wall(1_795_000_000_000 + i64::try_from(seq).expect("small") * 100),
            run_id: Some(RunId::new("20261121-050000-7f3a")),
            seq,
            address: address.cloned(),
            step: step.cloned(),
            attempt: step.map(|_| 1),
            kind,
        });
    }
}

fn open(events: Vec<Event>) -> Replay {
    Replay::open(Arc::new(events)).expect("it has events")
}

/// The view the session had after so many events.
fn live(events: &[Event]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for event in events {
        snapshot.apply_event(event);
    }
    snapshot
}

/// A run of many lines and many steps, so that keyframes matter.
fn long(count: u64) -> Vec<Event> {
    let mut tape = Tape::default();
    let started = recorded().swap_remove(0).kind;
    tape.tell(None, None, started);
    let api = Address::service("api");
    for number in 0..count {
        let step = api.step(
            Some(Instance(u32::try_from(number % 50).unwrap_or(0))),
            "start",
        );
        let kind = match number % 7 {
            0 => EventKind::StepStarted,
            6 => finished(number % 1_001 == 6),
            _ => EventKind::Log {
                stream: Stream::Stdout,
                text: format!("line {number}"),
            },
        };
        tape.tell(Some(&api), Some(&step), kind);
    }
    tape.events
}

#[test]
fn a_replay_shows_what_was_shown_live() {
    let events = recorded();
    let mut replay = open(events.clone());
    for at in 1..=events.len() {
        replay.seek(at);
        assert_eq!(
            replay.view(),
            live(&events[..at]).run.as_ref(),
            "event {at}"
        );
    }
}

#[test]
fn going_back_is_the_same_as_never_having_been_further() {
    let events = long(13_000);
    let mut replay = open(events.clone());
    replay.end();
    for at in [12_999, 12_000, 257, 256, 255, 1, 6_000, 11_111] {
        replay.seek(at);
        assert_eq!(
            replay.view(),
            live(&events[..at]).run.as_ref(),
            "event {at}"
        );
    }
}

#[test]
fn time_goes_as_fast_as_asked_and_ends_by_itself() {
    let events = recorded();
    let total = events.len();
    let mut replay = open(events);
    replay.play();
    assert!(
        !replay.tick(Wall(0)),
        "the first tick only starts the clock"
    );
    assert!(replay.tick(Wall(1_000)));
    assert_eq!(replay.position().0, 11);
    replay.faster();
    replay.tick(Wall(2_000));
    assert_eq!((replay.position().0, replay.speed()), (31, Speed::Two));
    for _ in 0..9 {
        replay.faster();
    }
    assert_eq!(replay.speed(), Speed::Max);
    replay.tick(Wall(2_001));
    assert_eq!(replay.position(), (total, total));
    assert!(!replay.is_playing());
    assert!(
        !replay.tick(Wall(3_000)),
        "nothing is drawn while nothing moves"
    );
}

#[test]
fn the_next_failure_is_found_once_and_no_more() {
    let mut replay = open(recorded());
    assert!(replay.next_failure());
    let view = replay.view().expect("a view");
    let failed = view
        .steps
        .values()
        .filter(|step| step.outcome == Some(StepOutcome::Failed));
    assert_eq!(failed.count(), 1);
    assert!(replay.next_failure(), "the action fails after its step");
    assert!(!replay.next_failure());
}

#[expect(
    clippy::disallowed_methods,
    reason = "a generous limit against hanging"
)]
#[test]
fn a_hundred_thousand_events_go_back_at_once() {
    let mut replay = open(long(100_000));
    replay.end();
    let began = Instant::now();
    for _ in 0..20 {
        replay.back();
    }
    let each = began.elapsed() / 20;
    assert!(each < Duration::from_millis(120), "{each:?} a step back");
}

#[test]
fn what_is_no_run_is_not_opened() {
    assert!(Replay::open(Arc::default()).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_sequence_of_keys_breaks_a_replay(keys in proptest::collection::vec(0_u8..11, 0..80)) {
        let events = recorded();
        let mut replay = open(events.clone());
        let mut now = 0;
        for key in keys {
            match key {
                0 => replay.play(),
                1 => replay.forward(),
                2 => replay.back(),
                3 => replay.faster(),
                4 => replay.slower(),
                5 => replay.start(),
                6 => replay.end(),
                7 => { replay.next_failure(); }
                8 => replay.seek(usize::MAX),
                _ => {
                    now += 700;
                    replay.tick(Wall(now));
                }
            }
            let (at, total) = replay.position();
            prop_assert!(at >= 1 && at <= total);
            let then = live(&events[..at]);
            prop_assert_eq!(replay.view(), then.run.as_ref());
        }
    }
}

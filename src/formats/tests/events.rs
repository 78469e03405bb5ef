//! Events.

use super::*;

#[test]
fn every_event_is_written_and_read_back() {
    let mut lines = String::new();
    for (seq, kind) in every_event().into_iter().enumerate() {
        let event = stamped(seq, kind);
        let line = event::encode_line(&event);
        assert!(!line.contains('\n'), "{line}");
        assert_eq!(event::decode_line(&line).as_ref(), Some(&event), "{line}");
        assert!(line.contains(&format!("\"kind\":\"{}\"", event.kind.as_str())));
        lines.push_str(&line);
        lines.push('\n');
    }
    golden("events-v1.jsonl", lines.as_bytes());
}

#[test]
fn what_a_run_was_begun_with_and_how_long_it_was_thought_to_take_is_read_back() {
    use crate::domain::event::Origin;
    use crate::domain::plan::forecast::{Forecast, Prediction};
    let expected = Duration::from_millis(12_300);
    let kinds = [
        EventKind::RunStarted {
            command: "deploy".to_owned(),
            who: "ann@box".to_owned(),
            trace_id: TraceId::new("t1"),
            parent: None,
            plan_id: None,
            origin: Origin {
                version: "0.1.0".to_owned(),
                inputs: [("force".to_owned(), "yes".to_owned())].into(),
            },
        },
        EventKind::PlanMade {
            plan: Arc::new(sample_plan()),
            prediction: Some(Prediction {
                total: expected,
                runs: 7,
                known: 8,
                steps: 9,
            }),
            resumes: vec![FlowRun {
                run: RunId::new("r0"),
                trace: TraceId::new("t0"),
            }],
        },
        EventKind::RunFinished {
            outcome: RunOutcome::Ok,
            exit_code: 0,
            duration: expected,
            message: None,
            warnings: 0,
            forecast: Some(Forecast {
                expected,
                took: Duration::from_millis(12_400),
            }),
        },
    ];
    for kind in kinds {
        let event = stamped(1, kind);
        let line = event::encode_line(&event);
        assert_eq!(event::decode_line(&line).as_ref(), Some(&event), "{line}");
    }
}

#[test]
fn the_end_of_a_run_says_how_many_warnings_there_were_where_there_were_some() {
    let ended = |warnings| {
        let mut event = stamped(22, every_event().pop().expect("the last one"));
        if let EventKind::RunFinished {
            warnings: known, ..
        } = &mut event.kind
        {
            *known = warnings;
        }
        event
    };
    let line = event::encode_line(&ended(2));
    assert!(line.contains(r#""warnings":2"#), "{line}");
    assert_eq!(event::decode_line(&line), Some(ended(2)));
    assert!(!event::encode_line(&ended(0)).contains("warnings"));
}

#[test]
fn unknown_events_and_keys_are_skipped() {
    let head = r#"{"at":"2023-11-14T22:13:20Z","run_id":null,"seq":1"#;
    let known = format!(r#"{head},"kind":"step_started","colour":"red"}}"#);
    assert_eq!(
        event::decode_line(&known).map(|event| event.kind),
        Some(EventKind::StepStarted)
    );
    for line in [
        format!(r#"{head},"kind":"moon_landed","by":"us"}}"#),
        format!(r#"{head},"kind":"log","stream":"telepathy","text":"x"}}"#),
        known[..known.len() - 3].to_owned(),
        String::new(),
    ] {
        assert_eq!(event::decode_line(&line), None, "{line}");
    }
}

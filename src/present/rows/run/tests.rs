//! Every kind of event has a row.

use super::*;
use crate::domain::event::{Stage, StepOutcome};
use crate::domain::ids::{Address, Instance, RunId, TraceId};
use crate::domain::lease::Verdict;
use crate::domain::plan::model::ActionKind;
use crate::domain::time::Wall;
use std::time::Duration;

fn of(kind: EventKind) -> Event {
    let api = Address::service("api");
    let is_step = kind.as_str().starts_with("step") || kind.as_str() == "log";
    Event {
        at: Wall(0),
        run_id: Some(RunId::new("r1")),
        seq: 1,
        step: is_step.then(|| api.step(Some(Instance(0)), "start")),
        address: Some(api),
        attempt: Some(2),
        kind,
    }
}

fn kinds() -> Vec<EventKind> {
    let second = Duration::from_secs(1);
    vec![
        EventKind::RunStarted {
            command: "deploy".into(),
            who: "me@here".into(),
            trace_id: TraceId::default(),
            parent: None,
            plan_id: None,
            origin: crate::domain::event::Origin::default(),
        },
        EventKind::RunFinished {
            outcome: RunOutcome::Failed,
            exit_code: 1,
            duration: second,
            message: Some("1 of 2 actions failed".into()),
            warnings: 0,
            forecast: None,
        },
        EventKind::StageStarted { stage: Stage::Lock },
        EventKind::LayerStarted {
            layer: 1,
            addresses: vec![Address::service("api")],
        },
        EventKind::ActionStarted {
            kind: ActionKind::Create,
            reason: "not deployed yet".into(),
        },
        EventKind::ActionFinished {
            outcome: StepOutcome::Skipped,
            duration: second,
            blame: Some(Address::service("db")),
            message: None,
        },
        EventKind::StepQueued {
            waits_for: vec!["worker".into()],
        },
        EventKind::StepStarted,
        EventKind::StepProgress {
            done: 2048,
            total: Some(4096),
            unit: "bytes".into(),
        },
        EventKind::StepFinished {
            outcome: StepOutcome::Failed,
            exit_code: Some(3),
            duration: second,
            log: Some("runs/r1/x.log".into()),
            message: Some("no\nsecond line".into()),
        },
        EventKind::Log {
            stream: Stream::Stderr,
            text: "oh \u{1b}[2Jno".into(),
        },
        EventKind::HealthChanged {
            from: "starting".into(),
            to: "unhealthy".into(),
            detail: "refused".into(),
        },
        EventKind::LockChanged {
            verdict: Verdict::Alive,
            holder: None,
            detail: None,
        },
        EventKind::DriftFound {
            changes: Vec::new(),
        },
        EventKind::DriftCleared,
        EventKind::ConfigChanged,
        EventKind::Warning {
            text: "look here".into(),
        },
    ]
}

#[test]
fn every_kind_of_event_has_a_row() {
    let mut text = String::new();
    for kind in kinds() {
        let event = of(kind);
        let rows = super::event(&event);
        assert!(
            rows.iter().any(|r| !r.text().trim().is_empty()),
            "{event:?}"
        );
        for row in rows {
            text.push_str(&format!("{:?} {}\n", weight(&event), row.text()));
        }
    }
    insta::assert_snapshot!(text, @r"
    News deploy started · run r1
    Alarm failed after 1.0 s: 1 of 2 actions failed
    Detail stage lock
    Detail layer 1: 1 resource
    News + service.api create: not deployed yet
    Alarm ○ service.api skipped after 1.0 s, because of service.db
    Detail   service.api[0]/start waits for worker
    Detail   ▸ service.api[0]/start (attempt 2)
    Detail   service.api[0]/start 2 KiB of 4 KiB
    News   ✗ service.api[0]/start failed with exit code 3 after 1.0 s · output in runs/r1/x.log: no
    News     second line
    News   service.api[0]/start | oh no
    News   service.api starting → unhealthy (refused)
    News lock ALIVE
    News ~ service.api drifted
    News ✓ service.api is as recorded again
    News the project file changed
    Alarm ! service.api: look here
    ");
}

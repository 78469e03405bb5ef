//! Past runs from their journals: what the list says of them, what is learned from them, and what a damaged one spoils.

use std::sync::Arc;

use super::*;
use crate::domain::ids::{Address, Digest, EnvName, Instance, PlanId, Scope, StepId, TraceId};
use crate::domain::plan::model::{Plan, Purpose};
use crate::engine::lab::{Lab, scope};
use crate::formats::event::encode_line;
use std::path::Path;

fn plan(scope: Scope) -> Arc<Plan> {
    Arc::new(Plan {
        id: PlanId::new("p1"),
        purpose: Purpose::Deploy,
        scope,
        targets: std::collections::BTreeSet::new(),
        lineage: None,
        serial: None,
        config_hash: Digest::default(),
        engine: "e".into(),
        layers: Vec::new(),
        actions: Vec::new(),
        warnings: Vec::new(),
    })
}

/// Writes the journal of a run that took `seconds` for its one step.
fn journal(lab: &Lab, id: &str, scope: Scope, outcome: RunOutcome, seconds: i64) {
    let api = Address::service("api");
    let mut text = String::new();
    let mut tell = |at: i64, step: bool, kind: EventKind| {
        let event = Event {
            at: Wall(at * 1_000),
            run_id: Some(RunId::new(id)),
            seq: 0,
            address: Some(api.clone()),
            step: step.then(|| api.step(Some(Instance(0)), "health")),
            attempt: None,
            kind,
        };
        text.push_str(&encode_line(&event));
        text.push('\n');
    };
    tell(
        0,
        false,
        EventKind::RunStarted {
            command: "deploy".into(),
            who: "ana@build-7".into(),
            trace_id: TraceId::new("t1"),
            parent: None,
            plan_id: None,
            origin: crate::domain::event::Origin::default(),
        },
    );
    tell(
        0,
        false,
        EventKind::PlanMade {
            plan: plan(scope),
            prediction: None,
        },
    );
    tell(1, true, EventKind::StepStarted);
    let step = EventKind::StepFinished {
        outcome: StepOutcome::Done,
        exit_code: None,
        duration: Duration::from_secs(1),
        log: None,
        message: None,
    };
    tell(1 + seconds, true, step);
    let finished = EventKind::RunFinished {
        outcome,
        exit_code: 0,
        duration: Duration::from_secs(9),
        message: None,
        warnings: 0,
        forecast: None,
    };
    tell(9, false, finished);
    let path = journal_of(&RunId::new(id));
    lab.disk().append(&path, text.as_bytes(), false).unwrap();
}

fn health() -> StepId {
    Address::service("api").step(Some(Instance(0)), "health")
}

#[tokio::test]
async fn only_runs_of_this_environment_that_ended_well_are_learned_from() {
    let lab = Lab::new();
    let other = Scope {
        env: EnvName::parse("production").unwrap(),
        ..scope()
    };
    journal(&lab, "1", scope(), RunOutcome::Ok, 2);
    journal(&lab, "2", scope(), RunOutcome::Ok, 4);
    journal(&lab, "3", scope(), RunOutcome::Failed, 60);
    journal(&lab, "4", other, RunOutcome::Ok, 90);
    let usual = usual(&lab, &scope()).await;
    assert_eq!(usual.runs, 2);
    assert_eq!(usual.of(&health()), Some(Duration::from_secs(3)));
}

#[tokio::test]
async fn damage_spoils_nothing_but_its_own_journal() {
    let lab = Lab::new();
    assert_eq!(usual(&lab, &scope()).await, Usual::default());
    let write = |name: &str, bytes: &[u8]| {
        let path = Path::new(FOLDER).join(name);
        lab.disk().append(&path, bytes, false).unwrap();
    };
    write("0.jsonl", b"\xff\xfe{\"kind\":\"plan_made\"}\n{\"kind\":\n");
    write("5.jsonl", b"");
    journal(&lab, "1", scope(), RunOutcome::Ok, 2);
    assert_eq!(usual(&lab, &scope()).await.runs, 1);
    let runs = list(&lab).await.unwrap();
    assert_eq!(runs.len(), 1);
}

#[tokio::test]
async fn a_summary_says_who_did_what_and_how_it_ended() {
    let lab = Lab::new();
    journal(&lab, "1", scope(), RunOutcome::Failed, 2);
    let runs = list(&lab).await.unwrap();
    let run = runs.first().unwrap();
    assert_eq!(run.who, "ana@build-7");
    assert_eq!(run.env.as_deref(), Some("local"));
    assert_eq!(run.outcome.as_deref(), Some("failed"));
    assert_eq!(run.changes.map(|sum| sum.create), Some(0));
    assert_eq!(run.trace_id, TraceId::new("t1"));
}

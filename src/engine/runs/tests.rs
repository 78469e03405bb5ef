//! Past runs from their journals: what the list says of them, what is learned from them, and what a damaged one spoils.

use std::sync::Arc;

use super::*;
use crate::domain::flow::{Flow, FlowRun};
use crate::domain::ids::{
    Address, Digest, EnvName, Epoch, Instance, Lineage, PlanId, Scope, StepId, TraceId,
};
use crate::domain::plan::model::{Plan, Purpose};
use crate::domain::project::project::Retention;
use crate::domain::record::Record;
use crate::engine::lab::{Lab, scope};
use crate::formats::event::encode_line;
use crate::formats::{journal as intents, state};
use std::path::{Path, PathBuf};

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

#[test]
fn ids_sort_by_time_also_within_a_second() {
    let at = |ms: i64, salt| run_id(Wall(1_795_269_789_000 + ms), salt);
    assert_eq!(at(7, [0xff; 4]), RunId::new("20261121-140309-007fffff"));
    assert!(at(7, [0xff; 4]) < at(8, [0; 4]));
    assert!(at(999, [0xff; 4]) < at(1_000, [0; 4]));
    assert_ne!(at(7, [0, 0, 1, 2]), at(7, [0, 0, 1, 3]));
    let age = crate::domain::history::keep::age(&at(7, [0; 4]), Wall(1_795_269_789_000));
    assert_eq!(age, Some(Duration::ZERO));
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
            resumes: Vec::new(),
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
    write("20260101-000007-a.jsonl", &[0; 300]);
    write("4.jsonl", b"[]\n");
    let runs = list(&lab).await.unwrap();
    let told: Vec<(&str, Option<&str>)> = runs
        .iter()
        .map(|run| (run.run_id.as_str(), run.damage.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("5", Some("runs/5.jsonl: it is empty")),
            ("4", Some("runs/4.jsonl: no line of it can be read")),
            (
                "20260101-000007-a",
                Some("runs/20260101-000007-a.jsonl: no line of it can be read")
            ),
            ("1", None),
            ("0", Some("runs/0.jsonl: no line of it can be read")),
        ]
    );
    let damaged = &runs[2];
    assert_eq!(damaged.outcome.as_deref(), Some(RunSummary::DAMAGED));
    assert_eq!(damaged.started_at, Wall(1_767_225_607_000));
    let error = events(&lab, &RunId::new("5")).unwrap_err();
    assert!(error.to_string().contains("it is empty"), "{error}");
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

/// Adds an action of a procedure to the journal of a run.
fn at_a_procedure(lab: &Lab, id: &str) {
    let event = Event {
        at: Wall(0),
        run_id: Some(RunId::new(id)),
        seq: 99,
        address: Some(Address::procedure("mend")),
        step: None,
        attempt: None,
        kind: EventKind::ActionStarted {
            kind: crate::domain::plan::model::ActionKind::Run,
            reason: "asked for".into(),
        },
    };
    let line = encode_line(&event) + "\n";
    let path = journal_of(&RunId::new(id));
    lab.disk().append(&path, line.as_bytes(), false).unwrap();
}

#[tokio::test]
async fn a_worker_that_restores_again_and_again_pushes_no_deploy_out() {
    let lab = Lab::new();
    let own = RunId::new("own");
    let deploys = ["20260101-000000-a", "20260101-000001-b"];
    for id in deploys {
        journal(&lab, id, scope(), RunOutcome::Ok, 1);
    }
    let restores: Vec<String> = (2..9).map(|at| format!("20260101-00000{at}-r")).collect();
    for id in &restores {
        journal(&lab, id, scope(), RunOutcome::Failed, 1);
        let path = journal_of(&RunId::new(id));
        let bytes = lab.disk().read(&path, LIMIT).unwrap().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let text = text.replace("\"command\":\"deploy\"", "\"command\":\"restore\"");
        lab.disk().replace(&path, text.as_bytes()).unwrap();
        prune(&lab, (&keep(4), &scope()), &own).await;
    }
    let mut stay = deploys.map(str::to_owned).to_vec();
    stay.extend(restores[5..].iter().cloned());
    assert_eq!(left(&lab), stay);
}

fn left(lab: &Lab) -> Vec<String> {
    ids(lab).unwrap()
}

fn keep(runs: usize) -> Retention {
    Retention {
        keep: runs,
        age: Duration::from_secs(86_400),
    }
}

#[tokio::test]
async fn a_run_whose_procedure_is_unfinished_stays_until_it_is_over() {
    let lab = Lab::new();
    let other = Scope {
        env: EnvName::parse("production").unwrap(),
        ..scope()
    };
    let ids = [
        "20260101-000000-a",
        "20260102-000000-b",
        "20260103-000000-c",
        "20260104-000000-d",
    ];
    journal(&lab, ids[0], scope(), RunOutcome::Failed, 1);
    journal(&lab, ids[1], other.clone(), RunOutcome::Failed, 1);
    journal(&lab, ids[2], scope(), RunOutcome::Failed, 1);
    journal(&lab, ids[3], other, RunOutcome::Ok, 1);
    for id in ids {
        at_a_procedure(&lab, id);
    }
    let mut record = Record::new(Lineage::new("l"), "key".to_owned(), scope());
    let flow = Flow {
        purpose: "manual".to_owned(),
        last: Some(FlowRun {
            run: RunId::new(ids[0]),
            trace: TraceId::new("t1"),
        }),
        ..Flow::default()
    };
    record.flows.insert("mend".to_owned(), flow);
    lab.state().force(Some(&state::encode(&record, "w")));
    // Of this environment the record knows, of another one only what its run says itself.
    prune(&lab, (&keep(0), &scope()), &RunId::new("own")).await;
    assert_eq!(left(&lab), [ids[0], ids[1]]);
    record.flows.clear();
    lab.state().force(Some(&state::encode(&record, "w")));
    prune(&lab, (&keep(0), &scope()), &RunId::new("own")).await;
    assert_eq!(left(&lab), [ids[1]]);
    // A record that cannot be read lets nothing go that stopped at a procedure.
    journal(&lab, ids[0], scope(), RunOutcome::Failed, 1);
    at_a_procedure(&lab, ids[0]);
    lab.state().force(Some(b"{"));
    prune(&lab, (&keep(0), &scope()), &RunId::new("own")).await;
    assert_eq!(left(&lab), [ids[0], ids[1]]);
}

#[tokio::test]
async fn with_a_clock_gone_back_only_what_is_too_many_goes_and_nothing_under_way() {
    // The clock of the lab says 1970: every run is of the future.
    let lab = Lab::new();
    let ids = [
        "20260101-000000-a",
        "20260102-000000-b",
        "20260103-000000-c",
    ];
    journal(&lab, ids[0], scope(), RunOutcome::Ok, 1);
    journal(&lab, ids[2], scope(), RunOutcome::Ok, 1);
    let path = journal_of(&RunId::new(ids[1]));
    lab.disk()
        .append(&path, b"{\"kind\":\"run_sta", false)
        .unwrap();
    prune(&lab, (&keep(3), &scope()), &RunId::new("own")).await;
    assert_eq!(left(&lab), ids);
    // Two at once do what one does.
    let (rule, scope, own) = (keep(1), scope(), RunId::new("own"));
    tokio::join!(
        prune(&lab, (&rule, &scope), &own),
        prune(&lab, (&rule, &scope), &own)
    );
    assert_eq!(left(&lab), [ids[1], ids[2]]);
    // The one that asks is the oldest by its name, and stays.
    let own = RunId::new("19700101-000000-z");
    journal(&lab, own.as_str(), scope.clone(), RunOutcome::Ok, 1);
    prune(&lab, (&keep(0), &scope), &own).await;
    assert_eq!(left(&lab), [own.as_str(), ids[1]]);
}

#[tokio::test]
async fn a_journal_that_was_begun_and_never_written_holds_no_run() {
    let lab = Lab::new();
    let ids = [
        "20260101-000000-a",
        "20260102-000000-b",
        "20260103-000000-c",
    ];
    let begun = intents::Line::Begun {
        run: RunId::new(ids[2]),
        lineage: Lineage::new("l"),
        epoch: Epoch(1),
    };
    let begun = intents::encode_line(&begun, &mut intents::Chain::default());
    for (id, content) in ids.into_iter().zip(["", "{\"kind\":\"beg", &begun]) {
        journal(&lab, id, scope(), RunOutcome::Failed, 1);
        let path = PathBuf::from("journal").join(id);
        lab.disk().append(&path, content.as_bytes(), true).unwrap();
    }
    prune(&lab, (&keep(0), &scope()), &RunId::new("own")).await;
    assert_eq!(left(&lab), [ids[2]]);
    assert_eq!(lab.disk().list("journal".as_ref()).unwrap(), [ids[2]]);
}

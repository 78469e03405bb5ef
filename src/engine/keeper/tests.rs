//! Snapshots, journals, crashes at every point, fencing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;
use crate::domain::effect::Shape;
use crate::domain::ids::{Address, Digest, Instance, ProviderId, StepId};
use crate::engine::damage::replaceable;
use crate::engine::lab::{Fault, Lab, scope};

fn api() -> Address {
    Address::service("api")
}

fn intent(run: &str, op: &str, verb: &str, first: bool) -> Intent {
    Intent {
        pending: Pending {
            run: RunId::new(run),
            step: StepId::new(format!("service.api[0]/{verb}")),
            op: OpId::new(op),
            address: api(),
            instance: Some(Instance(0)),
            verb: verb.to_owned(),
            target: None,
        },
        shape: first.then(|| Shape {
            hash: "1:a".to_owned(),
            depends_on: BTreeSet::from([Address::service("db")]),
            ..Shape::default()
        }),
    }
}

fn applied(id: &str) -> Applied {
    Applied {
        id: Some(ProviderId::new(id)),
        name: Some(format!("nk-{id}")),
        ..Applied::default()
    }
}

async fn begun(lab: &Lab, run: &str, epoch: u64) -> Keeper {
    let mut keeper = Keeper::open(lab, &scope()).await.unwrap();
    keeper.begin(lab, RunId::new(run), Epoch(epoch)).unwrap();
    keeper
}

fn on_disk(lab: &Lab) -> Record {
    state::decode(&lab.state.bytes().unwrap()).unwrap()
}

fn journals(lab: &Lab) -> Vec<PathBuf> {
    lab.disk.files.borrow().keys().cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn a_whole_run_ends_in_one_snapshot_and_no_journal() {
    let lab = Lab::new();
    let mut keeper = begun(&lab, "r1", 1).await;
    assert_eq!(
        lab.state.bytes(),
        None,
        "nothing is stored before the first intent"
    );
    keeper
        .intent(&lab, intent("r1", "op1", "create", true))
        .await
        .unwrap();
    assert_eq!(
        on_disk(&lab).fence,
        Epoch(1),
        "identity and fence come before the call"
    );
    assert_eq!(journals(&lab), [Path::new("journal/r1")]);
    keeper
        .done(&lab, &OpId::new("op1"), &applied("c1"))
        .unwrap();
    keeper
        .note(
            &lab,
            Effect::InstanceReady {
                address: api(),
                instance: Instance(0),
                ready: true,
            },
        )
        .unwrap();
    keeper.remember_plan(PlanId::new("p1"));
    keeper.finish(&lab).await.unwrap();
    assert!(journals(&lab).is_empty());
    let record = on_disk(&lab);
    assert_eq!(record.serial, Serial(2));
    assert_eq!(record.digest_key.len(), 64);
    let api = &record.resources[&api()];
    assert_eq!(api.hash, "1:a");
    assert!(api.instances[&Instance(0)].ready);
    assert_eq!(record.applied_plans, [PlanId::new("p1")]);
    assert!(record.pending.is_empty());
}

#[tokio::test(start_paused = true)]
async fn whose_journal_was_folded_can_announce_nothing_any_more() {
    let lab = Lab::new();
    let mut old = begun(&lab, "r1", 1).await;
    old.intent(&lab, intent("r1", "op1", "create", true))
        .await
        .unwrap();
    // Its lock is taken from it; the next holder folds what it left and announces something of its own.
    let mut new = begun(&lab, "r2", 2).await;
    new.done(&lab, &OpId::new("op1"), &applied("c1")).unwrap();
    new.intent(&lab, intent("r2", "op2", "start", false))
        .await
        .unwrap();
    let late = old.intent(&lab, intent("r1", "op3", "start", false)).await;
    assert!(matches!(late, Err(EngineError::LockLost(_))), "{late:?}");
    assert_eq!(journals(&lab), [Path::new("journal/r2")]);
}

#[tokio::test(start_paused = true)]
async fn what_did_not_change_is_not_stored_again() {
    let lab = Lab::new();
    let mut keeper = begun(&lab, "r1", 1).await;
    keeper.finish(&lab).await.unwrap();
    assert_eq!(
        lab.state.bytes(),
        None,
        "a first run without anything to do"
    );
    let mut keeper = begun(&lab, "r2", 2).await;
    keeper
        .intent(&lab, intent("r2", "op1", "create", true))
        .await
        .unwrap();
    keeper
        .done(&lab, &OpId::new("op1"), &applied("c1"))
        .unwrap();
    keeper.finish(&lab).await.unwrap();
    let writes = lab.state.writes();
    let mut keeper = begun(&lab, "r3", 3).await;
    keeper.save(&lab).await.unwrap();
    keeper.finish(&lab).await.unwrap();
    assert_eq!(lab.state.writes(), writes, "a no-op stores nothing");
}

/// Runs a small deploy up to some point, is killed there, and looks what the next run finds.
#[tokio::test(start_paused = true)]
async fn killed_anywhere_nothing_is_lost_and_open_operations_are_known() {
    for kill_at in 0..=5 {
        let lab = Lab::new();
        let mut keeper = begun(&lab, "r1", 1).await;
        for point in 0..kill_at {
            match point {
                0 => keeper
                    .intent(&lab, intent("r1", "op1", "create", true))
                    .await
                    .unwrap(),
                1 => keeper
                    .done(&lab, &OpId::new("op1"), &applied("c1"))
                    .unwrap(),
                2 => keeper.save(&lab).await.unwrap(),
                3 => keeper
                    .intent(&lab, intent("r1", "op2", "remove", false))
                    .await
                    .unwrap(),
                _ => keeper
                    .done(&lab, &OpId::new("op2"), &Applied::default())
                    .unwrap(),
            }
        }
        drop(keeper);
        let next = begun(&lab, "r2", 2).await;
        let open: Vec<String> = next.open_ops().iter().map(|p| p.op.to_string()).collect();
        let instances = next
            .record()
            .and_then(|record| record.resources.get(&api()))
            .map(|resource| resource.instances.len());
        let expected: (&[&str], Option<usize>) = match kill_at {
            0 => (&[], None),
            1 => (&["op1"], Some(0)),
            2 | 3 => (&[], Some(1)),
            4 => (&["op2"], Some(1)),
            _ => (&[], Some(0)),
        };
        assert_eq!(
            (
                open.iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .as_slice(),
                instances
            ),
            expected,
            "killed at {kill_at}"
        );
        let mut next = next;
        next.finish(&lab).await.unwrap();
        assert!(
            journals(&lab).is_empty(),
            "killed at {kill_at}: folded and removed"
        );
        let pending = lab.state.bytes().map_or(0, |_| on_disk(&lab).pending.len());
        assert_eq!(
            pending,
            expected.0.len(),
            "an open operation stays known in the snapshot"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_torn_journal_line_was_never_acted_upon() {
    let lab = Lab::new();
    let mut keeper = begun(&lab, "r1", 1).await;
    keeper
        .intent(&lab, intent("r1", "op1", "create", true))
        .await
        .unwrap();
    keeper
        .done(&lab, &OpId::new("op1"), &applied("c1"))
        .unwrap();
    drop(keeper);
    {
        let mut files = lab.disk.files.borrow_mut();
        let journal = files.get_mut(Path::new("journal/r1")).unwrap();
        journal.truncate(journal.len() - 3);
    }
    let next = Keeper::open(&lab, &scope()).await.unwrap();
    assert_eq!(next.open_ops().len(), 1, "its end is unknown again");
}

#[tokio::test(start_paused = true)]
async fn settled_operations_of_an_earlier_run_are_closed() {
    let lab = Lab::new();
    let mut keeper = begun(&lab, "r1", 1).await;
    keeper
        .intent(&lab, intent("r1", "op1", "create", true))
        .await
        .unwrap();
    keeper.unknown(&lab, &OpId::new("op1")).unwrap();
    keeper.finish(&lab).await.unwrap();
    assert_eq!(on_disk(&lab).pending.len(), 1);
    assert!(journals(&lab).is_empty());

    let mut found = begun(&lab, "r2", 2).await;
    assert_eq!(found.open_ops()[0].op, OpId::new("op1"));
    found.done(&lab, &OpId::new("op1"), &applied("c1")).unwrap();
    found.finish(&lab).await.unwrap();
    let record = on_disk(&lab);
    assert!(record.pending.is_empty());
    let resource = &record.resources[&api()];
    assert_eq!(
        resource.hash, "1:a",
        "what was announced with it is remembered"
    );
    assert_eq!(resource.instances[&Instance(0)].id, ProviderId::new("c1"));
}

#[tokio::test(start_paused = true)]
async fn what_never_came_to_be_is_forgotten_unless_a_sibling_did() {
    let lab = Lab::new();
    let mut keeper = begun(&lab, "r1", 1).await;
    let mut second = intent("r1", "op2", "create", true);
    second.pending.instance = Some(Instance(1));
    let both = vec![intent("r1", "op1", "create", true), second];
    keeper.intents(&lab, both).await.unwrap();
    keeper.failed(&lab, &OpId::new("op1")).unwrap();
    assert!(keeper.record().unwrap().resources.is_empty());
    keeper
        .done(&lab, &OpId::new("op2"), &applied("c2"))
        .unwrap();
    let resource = &keeper.record().unwrap().resources[&api()];
    assert_eq!(
        (resource.hash.as_str(), resource.instances.len()),
        ("1:a", 1)
    );
    drop(keeper);
    let replayed = Keeper::open(&lab, &scope()).await.unwrap();
    let resource = &replayed.record().unwrap().resources[&api()];
    assert_eq!(
        (resource.hash.as_str(), resource.instances.len()),
        ("1:a", 1)
    );
}

#[tokio::test(start_paused = true)]
async fn lost_replies_of_the_store_do_no_harm() {
    let cases = [
        vec![Fault::LostAfter],
        vec![Fault::LostBefore],
        vec![Fault::OwnConflict],
        vec![Fault::LostBefore, Fault::LostBefore],
    ];
    for faults in cases {
        let lab = Lab::new();
        let mut keeper = begun(&lab, "r1", 1).await;
        lab.state.fail(&faults);
        keeper
            .intent(&lab, intent("r1", "op1", "create", true))
            .await
            .unwrap();
        keeper
            .done(&lab, &OpId::new("op1"), &applied("c1"))
            .unwrap();
        lab.state.fail(&faults);
        keeper.finish(&lab).await.unwrap();
        assert_eq!(on_disk(&lab).serial, Serial(2), "{faults:?}");
        assert_eq!(lab.state.writes(), 2, "{faults:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_lost_the_lock_cannot_store() {
    let lab = Lab::new();
    let mut keeper = begun(&lab, "r1", 1).await;
    keeper
        .intent(&lab, intent("r1", "op1", "create", true))
        .await
        .unwrap();
    keeper
        .done(&lab, &OpId::new("op1"), &applied("c1"))
        .unwrap();
    let mut newer = begun(&lab, "r2", 2).await;
    newer
        .intent(&lab, intent("r2", "op2", "stop", false))
        .await
        .unwrap();
    let refused = keeper.save(&lab).await.unwrap_err();
    assert!(
        matches!(&refused, EngineError::LockLost(why) if why.contains("epoch 2")),
        "{refused}"
    );
    let mut late = Keeper::open(&lab, &scope()).await.unwrap();
    let refused = late.begin(&lab, RunId::new("r3"), Epoch(1)).unwrap_err();
    assert!(matches!(refused, EngineError::LockLost(_)));
    assert!(matches!(
        late.note(&lab, Effect::Forgotten { address: api() }),
        Err(EngineError::Invalid(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn damage_and_foreign_states_are_refused_and_never_taken_for_empty() {
    let lab = Lab::new();
    let mut keeper = begun(&lab, "r1", 1).await;
    keeper
        .intent(&lab, intent("r1", "op1", "create", true))
        .await
        .unwrap();
    keeper.finish(&lab).await.unwrap();
    let good = lab.state.bytes().unwrap();
    let mut elsewhere = scope();
    elsewhere.env = crate::domain::ids::EnvName::parse("production").unwrap();
    let foreign = Keeper::open(&lab, &elsewhere).await.unwrap_err();
    assert!(
        matches!(&foreign, EngineError::BadState { problem, .. } if problem.contains("production"))
    );
    for damage in [&b""[..], b"{", &good[..good.len() / 2], b"{}", b"null"] {
        lab.state.force(Some(damage));
        let error = Keeper::open(&lab, &scope()).await.unwrap_err();
        assert!(matches!(error, EngineError::BadState { .. }), "{error:?}");
    }
    let record = state::decode(&good).unwrap();
    let mut keeper = Keeper::anew(replaceable(&lab, &scope()).await.unwrap(), record.clone());
    keeper.begin(&lab, RunId::new("r9"), Epoch(9)).unwrap();
    keeper.finish(&lab).await.unwrap();
    assert_eq!(
        on_disk(&lab).resources,
        record.resources,
        "a rebuilt record replaces the damage"
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_stops_before_the_call_and_loses_no_outcome() {
    let lab = Lab::new();
    let mut keeper = begun(&lab, "r1", 1).await;
    keeper
        .intent(&lab, intent("r1", "op1", "create", true))
        .await
        .unwrap();
    lab.disk.full.set(true);
    assert!(
        keeper
            .intent(&lab, intent("r1", "op2", "start", false))
            .await
            .is_err()
    );
    assert!(
        keeper
            .done(&lab, &OpId::new("op1"), &applied("c1"))
            .is_err()
    );
    assert_eq!(
        keeper.open_ops().len(),
        0,
        "nothing was announced, the outcome is known"
    );
    lab.disk.full.set(false);
    keeper.finish(&lab).await.unwrap();
    let record = on_disk(&lab);
    assert_eq!(
        record.resources[&api()].instances[&Instance(0)].id,
        ProviderId::new("c1")
    );
}

#[tokio::test(start_paused = true)]
async fn journals_of_other_states_are_left_alone_and_damaged_ones_are_named() {
    let lab = Lab::new();
    let mut keeper = begun(&lab, "r1", 1).await;
    keeper
        .intent(&lab, intent("r1", "op1", "create", true))
        .await
        .unwrap();
    keeper
        .note(
            &lab,
            Effect::Installed {
                address: api(),
                manifest: Digest::new("m"),
            },
        )
        .unwrap();
    drop(keeper);
    let foreign = crate::formats::journal::encode_line(
        &Line::Begun {
            run: RunId::new("r0"),
            lineage: Lineage::new("other"),
            epoch: Epoch(7),
        },
        &mut crate::formats::journal::Chain::default(),
    );
    let files = lab.disk.files.clone();
    files
        .borrow_mut()
        .insert("journal/r0".into(), foreign.into_bytes());
    let mut next = begun(&lab, "r2", 2).await;
    next.finish(&lab).await.unwrap();
    assert_eq!(journals(&lab), [Path::new("journal/r0")]);
    files
        .borrow_mut()
        .insert("journal/r5".into(), b"{\"kind\": 1}\n".to_vec());
    let error = Keeper::open(&lab, &scope()).await.unwrap_err();
    assert!(matches!(&error, EngineError::BadState { location, .. } if location.contains("r5")));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_behind_a_line_that_may_not_be_durable() {
    for first in [true, false] {
        let lab = Lab::new();
        let mut keeper = begun(&lab, "r1", 1).await;
        if !first {
            keeper
                .intent(&lab, intent("r1", "op1", "create", true))
                .await
                .unwrap();
        }
        lab.disk.unsynced.set(true);
        keeper
            .intent(&lab, intent("r1", "op2", "start", first))
            .await
            .unwrap_err();
        lab.disk.unsynced.set(false);
        let later = keeper.done(&lab, &OpId::new("op1"), &applied("c1"));
        assert!(matches!(later, Err(EngineError::Store(_))), "{later:?}");
        let again = intent("r1", "op3", "start", false);
        assert!(keeper.intent(&lab, again).await.is_err());
        let found = Keeper::open(&lab, &scope()).await.unwrap();
        let open = found.open_ops().iter().any(|p| p.op == OpId::new("op2"));
        assert!(open, "killed now, it is looked for: it may be durable");
        keeper.finish(&lab).await.unwrap();
        assert!(journals(&lab).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_of_what_was_settled_by_somebody_else_changes_nothing() {
    let lab = Lab::new();
    let mut keeper = begun(&lab, "r1", 1).await;
    keeper
        .intent(&lab, intent("r1", "op1", "create", true))
        .await
        .unwrap();
    drop(keeper);
    // One settles it and stands still, is displaced, and goes on when another has put a new instance there.
    let mut frozen = begun(&lab, "r2", 2).await;
    let mut next = begun(&lab, "r3", 3).await;
    next.done(&lab, &OpId::new("op1"), &applied("c1")).unwrap();
    let made = intent("r3", "op3", "create", false);
    next.intent(&lab, made).await.unwrap();
    next.done(&lab, &OpId::new("op3"), &applied("c3")).unwrap();
    next.finish(&lab).await.unwrap();
    frozen
        .done(&lab, &OpId::new("op1"), &applied("c1"))
        .unwrap();
    let found = Keeper::open(&lab, &scope()).await.unwrap();
    let api = &found.record().unwrap().resources[&api()];
    assert_eq!(api.instances[&Instance(0)].id, ProviderId::new("c3"));
}

#[tokio::test(start_paused = true)]
async fn flows_that_are_over_stay_so_although_the_journal_outlived_the_snapshot() {
    let lab = Lab::new();
    let mut keeper = begun(&lab, "r1", 1).await;
    let tidy = Address::procedure("tidy");
    keeper
        .intent(&lab, intent("r1", "op1", "create", true))
        .await
        .unwrap();
    let flow = Effect::FlowBegun {
        address: tidy.clone(),
        purpose: "manual".to_owned(),
        inputs: BTreeMap::new(),
        secrets: BTreeSet::new(),
        run: None,
        steps: BTreeMap::new(),
    };
    keeper.note(&lab, flow).unwrap();
    keeper
        .done(&lab, &OpId::new("op1"), &applied("c1"))
        .unwrap();
    keeper.conclude(&lab, |record| record.flows.clear());
    let journal = lab.disk.files.borrow().clone();
    keeper.finish(&lab).await.unwrap();
    *lab.disk.files.borrow_mut() = journal;
    let found = Keeper::open(&lab, &scope()).await.unwrap();
    assert!(found.record().unwrap().flows.is_empty());
    assert!(found.open_ops().is_empty());
}

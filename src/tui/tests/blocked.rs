//! What waits in a run says what it waits for.

use std::sync::Arc;
use std::time::Duration;

use crate::app::snapshot::Snapshot;
use crate::domain::event::StepOutcome;
use crate::domain::history::view::LockWait;
use crate::domain::ids::{Address, Instance, StepId};
use crate::domain::report::Usual;
use crate::tui::blocked::Blocks;
use crate::tui::tests::fixtures::busy;
use crate::tui::tests::parts::{NOW, action_view, at, step_view};

fn said(snapshot: &Snapshot, name: &str) -> String {
    let blocks = Blocks::of(snapshot).expect("a run");
    let blocked = blocks.by(&Address::service(name));
    blocked.map_or_else(|| "-".into(), |blocked| blocked.sentence(NOW))
}

fn id(name: &str, step: &str) -> StepId {
    Address::service(name).step(Some(Instance(0)), step)
}

#[test]
fn the_root_is_named_and_the_way_to_it() {
    let snapshot = busy();
    assert_eq!(said(&snapshot, "db"), "-", "it is done");
    assert_eq!(said(&snapshot, "migrate"), "-", "it is under way");
    assert_eq!(
        said(&snapshot, "api"),
        "waits for start of migrate for 28 s"
    );
    assert_eq!(
        said(&snapshot, "web"),
        "waits for start of migrate for 28 s, through api"
    );
    assert_eq!(
        said(&snapshot, "worker"),
        "waits for a free worker (1 busy)"
    );
}

#[test]
fn what_is_known_of_earlier_runs_is_said() {
    let mut snapshot = busy();
    let usual = Usual {
        steps: [(id("migrate", "start"), Duration::from_secs(9))].into(),
        runs: 3,
        learned: Vec::new(),
    };
    snapshot.usual = Some(Arc::new(usual));
    assert_eq!(
        said(&snapshot, "api"),
        "waits for start of migrate for 28 s, usually 9.0 s"
    );
}

#[test]
fn health_hooks_locks_and_layers() {
    let mut snapshot = busy();
    let run = snapshot.run.as_mut().expect("run");
    let done = step_view(28, Some(4), Some(StepOutcome::Done));
    run.steps.insert(id("migrate", "start"), done);
    run.steps
        .insert(id("migrate", "health"), step_view(4, None, None));
    assert_eq!(
        said(&snapshot, "api"),
        "waits for health of migrate for 4 s"
    );
    let run = snapshot.run.as_mut().expect("run");
    let held = LockWait {
        who: "nk-shop-local-api-0".into(),
        since: at(3),
    };
    let key = id("migrate", "health").to_string();
    run.locks.insert(key, held);
    let told = "waits for the lock of nk-shop-local-api-0 for 3 s";
    assert_eq!(said(&snapshot, "migrate"), told);
    assert_eq!(said(&snapshot, "api"), format!("{told}, through migrate"));
    // Without an edge a layer waits for the layer before, as long as no step is queued.
    let run = snapshot.run.as_mut().expect("run");
    run.locks.clear();
    let plan = Arc::make_mut(run.plan.as_mut().expect("plan"));
    let web = plan.actions.iter_mut().find(|a| a.address.name == "web");
    web.expect("web").depends_on.clear();
    run.actions
        .insert(Address::service("worker"), action_view(9, None, None));
    run.steps
        .insert(id("worker", "start"), step_view(9, None, None));
    assert!(said(&snapshot, "web").starts_with("waits for health of migrate"));
}

#[test]
fn before_there_is_a_plan_only_the_lock_counts() {
    let mut snapshot = busy();
    let run = snapshot.run.as_mut().expect("run");
    run.plan = None;
    run.actions.clear();
    assert_eq!(said(&snapshot, "api"), "-");
    let run = snapshot.run.as_mut().expect("run");
    let held = LockWait {
        who: "ana@build-7".into(),
        since: at(70),
    };
    run.locks.insert(String::new(), held);
    assert!(said(&snapshot, "api").starts_with("waits for the lock of ana@build-7 for 1 m"));
    assert!(Blocks::of(&Snapshot::default()).is_none());
}

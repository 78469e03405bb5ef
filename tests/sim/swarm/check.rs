//! Faults off: at most two runs by anybody, and everything is as wanted, known, quiet, and nobody else's is touched.

use std::collections::BTreeSet;
use std::time::Duration;

use nanokit::domain::event::RunOutcome;
use nanokit::domain::flow::FlowRequest;
use nanokit::domain::ids::{Address, ProviderId};
use nanokit::domain::lease::Verdict;
use nanokit::domain::live::Status;
use nanokit::domain::plan::model::{Plan, PlanRequest, Purpose};
use nanokit::domain::project::project::Project;
use nanokit::domain::project::service::ServiceKind;
use nanokit::domain::record::Record;
use nanokit::engine::engine::Engine;
use nanokit::engine::reconcile::{EngineError, Reconcile, UnlockRequest};

use super::act::{FOREIGN, SQUATTER, STRAY, Stage};
use crate::harness::{Ask, Ran, run};
use crate::support::sim::ledger::Invariant;
use crate::support::sim::life::Fate;
use crate::support::sim::store::head_of;
use crate::support::sim::world::{Machine, SimWorld};

/// Says in what the platform is unlike a project, by service.
pub fn unlike(machine: &Machine, project: &Project) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    machine.platform.with(|m| {
        for service in project.services.values() {
            let state = match service.kind {
                ServiceKind::Service => Status::Running,
                ServiceKind::Job => Status::Exited(0),
            };
            let there = m.boxes.values().filter(|b| {
                b.service.name == service.name
                    && !b.is_foreign()
                    && b.id.as_str() != SQUATTER
                    && !b.one_off
            });
            let (good, bad): (Vec<_>, Vec<_>) = there.partition(|b| {
                b.status == state
                    && b.service.image == service.image
                    // An ended job has no limits any more.
                    && (b.service.memory_bytes == service.memory_bytes || state != Status::Running)
                    && (!b.gated || b.gate_open)
            });
            let (good, wanted) = (good.len(), service.instances as usize);
            // A completed job did its work; that somebody took it away is no reason to do it again.
            let done = service.kind == ServiceKind::Job && good < wanted;
            let touched = machine.ledger.is_touched(&service.name);
            if done && touched && bad.is_empty() {
                continue;
            }
            if good != wanted || !bad.is_empty() {
                let bad: Vec<String> = bad
                    .iter()
                    .map(|b| format!("{} is {}", b.name, b.status.as_str()))
                    .collect();
                let text = format!(
                    "{good} of {wanted} of {} are as wanted {bad:?}",
                    service.name
                );
                wrong.push((service.name.clone(), text));
            }
        }
    });
    wrong
}

fn calm(machine: &Machine, place: u32) -> Engine<SimWorld> {
    Engine::new(machine.spawn(Fate {
        machine: place,
        ..Fate::default()
    }))
}

async fn again(stage: &Stage, purpose: &Purpose) -> Ran {
    let project = stage.in_hand(1, purpose);
    let ask = Ask {
        purpose: purpose.clone(),
        force: true,
        // After a forced unlock the next one waits until the displaced holder must have stopped.
        lock_wait: Duration::from_secs(120),
        fate: Fate {
            machine: stage.schedule.machine,
            takes_down: !purpose.builds(),
            ..Fate::default()
        },
        ..Ask::default()
    };
    run(&stage.machine, &project, ask).await
}

/// The second half of a schedule.
pub async fn comes_right(stage: &Stage) {
    let machine = &stage.machine;
    machine.platform.with(|m| {
        m.weather = 0;
        m.takes.clear();
        m.first_exits.clear();
        m.boxes.remove(&ProviderId::new(SQUATTER));
    });
    let purpose = if stage.schedule.ends_clean {
        Purpose::Clean
    } else {
        Purpose::Deploy
    };
    let broken = |invariant, what: String| machine.ledger.broken(invariant, what);
    let mut runs = 0;
    let mut told = String::new();
    let last = loop {
        if runs == 2 {
            return broken(
                Invariant::I4Converges,
                format!("two runs did not do: {told}"),
            );
        }
        let ran = again(stage, &purpose).await;
        match ran.end.as_ref().map(|end| (end.outcome, &end.error)) {
            Some((RunOutcome::Ok, _)) => break ran,
            // Its holder is dead, and nobody here can prove it: whoever is here looks, and forces.
            Some((_, Some(EngineError::Locked(_)))) => {
                if let Err(why) = force(stage).await {
                    return broken(Invariant::I4Converges, why);
                }
            }
            // Somebody else's container holds our network: the failure names it, and whoever reads that takes it away.
            Some((_, Some(EngineError::StepsFailed { causes, .. })))
                if takes_stray_away(machine, causes) =>
            {
                stage.fired("network held by a stray, and said so");
            }
            Some((_, error)) => {
                told = format!("{error:?}");
                runs += 1;
            }
            None => return,
        }
    };
    drop(last);
    if stage.schedule.ends_clean {
        stage.fired("ends clean");
        nothing_left(stage);
    } else {
        stage.fired("ends deployed");
        as_wanted(stage).await;
    }
    foreign_untouched(stage);
}

/// Removes the stray, if the failure is that it is joined to a network of ours that has to go.
fn takes_stray_away(machine: &Machine, causes: &[(Address, String)]) -> bool {
    machine.platform.with(|m| {
        let stray = ProviderId::new(STRAY);
        let Some(name) = m.boxes.get(&stray).map(|b| b.name.clone()) else {
            return false;
        };
        let held = format!("still joined by {name}");
        let told = !causes.is_empty() && causes.iter().all(|(_, cause)| cause.ends_with(&held));
        told && m.boxes.remove(&stray).is_some()
    })
}

async fn force(stage: &Stage) -> Result<(), String> {
    let engine = calm(&stage.machine, stage.schedule.machine);
    let project = stage.schedule.last();
    let watched = engine.lock(project, Duration::from_secs(60), None).await;
    let report = watched.map_err(|error| error.to_string())?;
    if report.verdict != Verdict::Expired {
        return Err(format!("a lock that nobody holds is {:?}", report.verdict));
    }
    let request = UnlockRequest {
        lock_id: report.record.map(|record| record.lock_id),
        version: report.version,
        force: true,
        reason: Some("its holder is gone".to_owned()),
    };
    let cleared = engine.unlock(project, &request).await;
    stage.machine.bury(engine.world());
    cleared
        .map(|_| ())
        .map_err(|error| format!("the lock could not be cleared: {error}"))
}

async fn plan_of(stage: &Stage) -> Option<std::sync::Arc<Plan>> {
    let request = PlanRequest {
        purpose: Purpose::Deploy,
        targets: BTreeSet::new(),
        flow: FlowRequest::default(),
    };
    let engine = calm(&stage.machine, stage.schedule.machine);
    let plan = engine.plan(stage.schedule.last(), &request).await;
    stage.machine.bury(engine.world());
    plan.ok()
}

async fn as_wanted(stage: &Stage) {
    let machine = &stage.machine;
    let broken = |invariant, what: String| machine.ledger.broken(invariant, what);
    let project = stage.schedule.last();
    for (_, wrong) in unlike(machine, project) {
        broken(Invariant::I4Converges, wrong);
    }
    let Some(first) = plan_of(stage).await else {
        return broken(Invariant::I5Quiet, "no plan can be made".to_owned());
    };
    for action in first.actions.iter().filter(|action| !action.is_noop()) {
        let text = format!("still to do: {} {}", action.address, action.reason);
        broken(Invariant::I5Quiet, text);
    }
    let serial = serial_of(stage);
    let before = machine.platform.with(|m| m.calls.len());
    let ran = again(stage, &Purpose::Deploy).await;
    let ended = ran.end.as_ref();
    if ended.map(|end| end.outcome) != Some(RunOutcome::Ok) {
        broken(Invariant::I5Quiet, format!("again: {}", ran.error()));
    }
    if let Some(second) = ended.and_then(|end| end.plan.as_ref())
        && (second.id != first.id || **second != *first)
    {
        broken(Invariant::I13SamePlan, "two looks, two plans".to_owned());
    }
    let calls: Vec<String> = machine.platform.with(|m| {
        m.calls[before..]
            .iter()
            .map(|(_, call)| call.clone())
            .filter(|call| !call.starts_with("list") && call != "inspect" && call != "events")
            .collect()
    });
    if !calls.is_empty() {
        broken(Invariant::I14NotRedone, format!("done again: {calls:?}"));
    }
    if serial_of(stage) != serial {
        broken(Invariant::I5Quiet, "the state was stored again".to_owned());
    }
    if let Some(record) = record_of(stage).await {
        known(stage, &record);
    }
}

async fn record_of(stage: &Stage) -> Option<Record> {
    let engine = calm(&stage.machine, stage.schedule.machine);
    let record = engine.record(stage.schedule.last()).await;
    stage.machine.bury(engine.world());
    record.unwrap_or(None)
}

fn serial_of(stage: &Stage) -> Option<u64> {
    let state = stage.machine.state.borrow();
    Some(head_of(&state.as_ref()?.bytes)?.1)
}

/// State is reality, and nothing is open.
fn known(stage: &Stage, record: &Record) {
    let machine = &stage.machine;
    let broken = |what: String| machine.ledger.broken(Invariant::I4Converges, what);
    for pending in &record.pending {
        broken(format!("{} is still open", pending.step));
    }
    let mut recorded: BTreeSet<ProviderId> = BTreeSet::new();
    for (address, resource) in &record.resources {
        for (number, one) in &resource.instances {
            let gone = machine.platform.with(|m| !m.boxes.contains_key(&one.id));
            let job = stage.schedule.last().services.get(&address.name);
            let job = job.is_some_and(|service| service.kind == ServiceKind::Job);
            if job && gone && machine.ledger.is_touched(&address.name) {
                continue;
            }
            recorded.insert(one.id.clone());
            if !one.ready {
                broken(format!("{address}[{number}] is recorded as not ready"));
            }
        }
    }
    let live: BTreeSet<ProviderId> = machine.platform.with(|m| {
        m.boxes
            .values()
            .filter(|b| b.lineage == record.lineage && b.id.as_str() != STRAY)
            .map(|b| b.id.clone())
            .collect()
    });
    if live != recorded {
        broken(format!("live are {live:?}, recorded {recorded:?}"));
    }
    let left: Vec<_> = machine
        .files
        .borrow()
        .keys()
        .filter(|path| path.starts_with("journal"))
        .cloned()
        .collect();
    if !left.is_empty() {
        broken(format!("journals are left: {left:?}"));
    }
}

fn nothing_left(stage: &Stage) {
    let left: Vec<String> = stage.machine.platform.with(|m| {
        let boxes = m
            .boxes
            .values()
            .filter(|b| !b.is_foreign() && b.id.as_str() != STRAY)
            .map(|b| b.name.clone());
        let things = m.networks.values().chain(m.volumes.values());
        boxes.chain(things.map(|t| t.name.clone())).collect()
    });
    if !left.is_empty() {
        let text = format!("left: {left:?}");
        stage.machine.ledger.broken(Invariant::I17NothingLeft, text);
    }
}

fn foreign_untouched(stage: &Stage) {
    let there = stage.machine.platform.with(|m| {
        let foreign = m.boxes.get(&ProviderId::new(FOREIGN));
        foreign.is_some_and(|b| b.status == Status::Running)
    });
    if !there {
        let text = "what is foreign was touched";
        stage.machine.ledger.broken(Invariant::I15OnlyOurs, text);
    }
}

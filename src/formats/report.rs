//! JSON of answers: status, drift, lock, runs, record. Written only, never read back.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::domain::ids::Address;
use crate::domain::lease::LockReport;
use crate::domain::live::Status;
use crate::domain::plan::model::Change;
use crate::domain::record::Record;
use crate::domain::report::ignored::{Ignored, IgnoredChange};
use crate::domain::report::store::LockHistory;
use crate::domain::report::{
    DriftReport, InstanceStatus, ResourceStatus, RunSummary, StatusReport,
};
use crate::domain::time::Wall;
use crate::formats::lock::{self, HolderWire};
use crate::formats::{audit, ignored, plan, state, text};

/// Writes what was done with the lock.
#[must_use]
pub fn lock_history(history: &LockHistory) -> Value {
    json!({
        "history": history.deeds.iter().map(audit::to_json).collect::<Vec<_>>(),
        "unreadable": history.unreadable,
    })
}

/// Writes how everything stands.
#[must_use]
pub fn status(report: &StatusReport) -> Value {
    json!({
        "engine": report.engine,
        "resources": report.resources.values().map(resource).collect::<Vec<_>>(),
        "strays": report.strays,
        "undecided": report.undecided,
        "conflict": report.conflict.as_ref().map(|conflict| json!({
            "problem": conflict.problem,
            "ways_out": conflict.ways_out,
        })),
    })
}

fn resource(resource: &ResourceStatus) -> Value {
    json!({
        "address": resource.address.to_string(),
        "desired": resource.desired,
        "ready": resource.ready,
        "wanted": resource.wanted,
        "image": resource.image,
        "instances": resource.instances.iter().map(instance).collect::<Vec<_>>(),
        "pending": resource.pending.as_str(),
        "drift": text::to_value(&plan::changes_wire(&resource.drift)),
        "ignored": set_aside(&resource.address, &resource.ignored),
    })
}

fn instance(instance: &InstanceStatus) -> Value {
    let exit_code = match instance.status {
        Status::Exited(code) => Some(code),
        Status::Created | Status::Running | Status::Paused | Status::Restarting | Status::Dead => {
            None
        }
    };
    json!({
        "instance": instance.instance.0,
        "id": instance.id.to_string(),
        "name": instance.name,
        "status": instance.status.as_str(),
        "exit_code": exit_code,
        "health": instance.health.as_str(),
        "started_at": instance.started_at.map(text::rfc3339),
        "restarts": instance.restarts,
        "ports": instance.ports,
    })
}

/// Writes what drifted (`drifted`) and what the file changed (`changed`).
#[must_use]
pub fn drift(report: &DriftReport) -> Value {
    let drifted: Vec<Value> = report
        .drifted
        .iter()
        .map(|(address, changes)| {
            json!({
                "address": address.to_string(),
                "changes": text::to_value(&plan::changes_wire(changes)),
            })
        })
        .collect();
    let of_class = |class: &'static str, all: &BTreeMap<Address, Vec<Change>>| -> Vec<Value> {
        let each = all
            .iter()
            .flat_map(|(address, changes)| changes.iter().map(move |change| (address, change)));
        each.map(|(address, change)| field(class, address, change))
            .collect()
    };
    let mut fields = of_class("drift", &report.drifted);
    fields.extend(of_class("config", &report.edits));
    for (address, changes) in &report.ignored {
        fields.extend(set_aside(address, changes));
    }
    fields.extend(of_class("cosmetic", &report.cosmetic));
    json!({
        "drifted": drifted,
        "fields": fields,
        "changed": report.changed.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "half_done": report
            .half_done
            .iter()
            .map(|(address, run)| json!({"address": address.to_string(), "run_id": run.to_string()}))
            .collect::<Vec<_>>(),
        "strays": report.strays,
        "undecided": report.undecided,
        "digest": report.digest.to_string(),
    })
}

/// One difference with what it is: `drift` (somebody else's), `config` (ours, of the file), `ignored`, `cosmetic`.
fn field(class: &str, address: &Address, change: &Change) -> Value {
    json!({
        "address": address.to_string(),
        "path": change.path,
        "instance": change.instance.map(|instance| instance.0),
        "class": class,
        "before": change.before,
        "after": change.after,
        "sensitive": change.sensitive,
    })
}

/// Differences of a resource that are ignored, each with the decision.
fn set_aside(address: &Address, changes: &[IgnoredChange]) -> Vec<Value> {
    let each = changes.iter().map(|one| {
        let mut written = field("ignored", address, &one.change);
        written["decision"] = text::to_value(&ignored::wire(&one.ignored));
        written
    });
    each.collect()
}

/// Writes the decisions to live with drift.
#[must_use]
pub fn ignored(all: &[Ignored], now: Wall) -> Value {
    let each = all.iter().map(|one| {
        let mut written = text::to_value(&ignored::wire(one));
        written["holds"] = one.holds(now).into();
        written
    });
    json!({ "ignored": each.collect::<Vec<_>>() })
}

/// Writes the verdict about a lock with everything it rests on.
#[must_use]
pub fn lock(report: &LockReport) -> Value {
    let evidence: Vec<Value> = report
        .evidence
        .iter()
        .map(|line| json!({"check": line.check, "finding": line.finding, "alive": line.alive}))
        .collect();
    let holder = report
        .record
        .as_ref()
        .filter(|record| record.status == crate::domain::lease::LockStatus::Held)
        .map(|record| text::to_value(&HolderWire::from(&record.holder)));
    json!({
        "verdict": report.verdict.as_str(),
        "holder": holder,
        "evidence": evidence,
        "location": report.location,
        "version": report.version,
        "lock": report.record.as_ref().map(lock::to_json),
    })
}

/// Writes one past run.
#[must_use]
pub fn run(summary: &RunSummary) -> Value {
    json!({
        "run_id": summary.run_id.to_string(),
        "command": summary.command,
        "who": summary.who,
        "started_at": text::rfc3339(summary.started_at),
        "outcome": summary.outcome,
        "duration_ms": summary.duration_ms,
        "actions": summary.actions,
        "warnings": summary.warnings,
        "failed": summary.failed,
        "environment": summary.env,
        "exit_code": summary.exit_code,
        "message": summary.message,
        "trace_id": summary.trace_id.to_string(),
        "forecast": summary.forecast.map(crate::formats::past::forecast),
        "damage": summary.damage,
    })
}

/// Writes the record without the key of its digests.
#[must_use]
pub fn record(record: &Record) -> Value {
    state::to_json(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::model::{ActionKind, Cause};

    #[test]
    fn status_tells_what_is_ignored_as_drift_does() {
        let address = Address::service("api");
        let one = IgnoredChange {
            change: Change {
                path: "memory".into(),
                instance: None,
                before: Some("64".into()),
                after: Some("0".into()),
                cause: Cause::Drift,
                sensitive: false,
            },
            ignored: Ignored {
                address: address.clone(),
                path: Some("memory".into()),
                reason: "a trial".into(),
                by: "me@here".into(),
                at: Wall(0),
                until: None,
            },
        };
        let ignored = vec![one];
        let found = DriftReport {
            ignored: [(address.clone(), ignored.clone())].into(),
            ..DriftReport::default()
        };
        let standing = ResourceStatus {
            address: address.clone(),
            desired: true,
            wanted: 1,
            image: None,
            instances: Vec::new(),
            ready: true,
            pending: ActionKind::Update,
            drift: Vec::new(),
            ignored,
        };
        let report = StatusReport {
            resources: [(address, standing)].into(),
            ..StatusReport::default()
        };
        let told = status(&report);
        let resource = &told["resources"][0];
        assert_eq!(resource["ignored"], drift(&found)["fields"]);
        assert_eq!(resource["ignored"][0]["decision"]["reason"], "a trial");
        assert_eq!(resource["drift"], json!([]));
    }
}

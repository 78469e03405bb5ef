//! The lock record.
//!
//! A record is at most 4 KiB, holds no secret, no argument list and no variables, and is never deleted: a
//! released lock stays as a tombstone so that its epoch is never used again. Its checksum keeps a flipped digit of a
//! process id from being taken for the proof that a holder is gone.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::ids::{Epoch, Lineage, LockId, PlanId, RunId, TraceId};
use crate::domain::lease::{Breakage, Holder, LockRecord, LockStatus, Occupation};
use crate::domain::time::Boot;
use crate::formats::error::FormatError;
use crate::formats::text;

/// Word in the `format` field.
pub const FORMAT: &str = "nanokit-lock";
/// Newest version that can be read and the one that is written.
pub const VERSION: u64 = 1;

/// A holder on the wire; shared with events and reports.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct HolderWire {
    user: String,
    host: String,
    machine: String,
    boot_id: String,
    pid: u32,
    pid_start: u64,
    pid_ns: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    time_ns: String,
    version: String,
}

impl From<&Holder> for HolderWire {
    fn from(holder: &Holder) -> Self {
        Self {
            user: holder.user.clone(),
            host: holder.host.clone(),
            machine: holder.machine.clone(),
            boot_id: holder.boot_id.clone(),
            pid: holder.pid,
            pid_start: holder.pid_start,
            pid_ns: holder.pid_ns.clone(),
            time_ns: holder.time_ns.clone(),
            version: holder.version.clone(),
        }
    }
}

impl From<HolderWire> for Holder {
    fn from(wire: HolderWire) -> Self {
        Self {
            user: wire.user,
            host: wire.host,
            machine: wire.machine,
            boot_id: wire.boot_id,
            pid: wire.pid,
            pid_start: wire.pid_start,
            pid_ns: wire.pid_ns,
            time_ns: wire.time_ns,
            version: wire.version,
        }
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct OccupationWire {
    command: String,
    run_id: String,
    trace_id: String,
    plan_id: Option<String>,
    step: Option<String>,
    done: u32,
    total: u32,
}

#[derive(Serialize, Deserialize)]
struct BreakageWire {
    by: String,
    reason: String,
    lock_id: String,
    verdict: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    boot_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    time_ns: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    boot_ms: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a reference over"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(Serialize, Deserialize)]
struct RecordWire {
    format: String,
    version: u64,
    status: String,
    lock_id: String,
    epoch: u64,
    beat: u64,
    #[serde(default)]
    lineage: Option<String>,
    holder: HolderWire,
    #[serde(default)]
    occupation: OccupationWire,
    lease_ms: u64,
    acquired_at: String,
    renewed_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    broken: Option<BreakageWire>,
}

const STATUSES: [LockStatus; 3] = [LockStatus::Held, LockStatus::Free, LockStatus::Broken];

fn status_word(status: LockStatus) -> &'static str {
    match status {
        LockStatus::Held => "held",
        LockStatus::Free => "free",
        LockStatus::Broken => "broken",
    }
}

/// Writes a record as the content of its cell.
#[must_use]
pub fn encode(record: &LockRecord) -> Vec<u8> {
    let mut document = text::to_value(&wire(record));
    let sum = text::checksum(&document);
    if let Some(map) = document.as_object_mut() {
        map.insert("sha256".to_owned(), sum.into());
    }
    let mut bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Reads a record; those of versions before the checksum have none. Keys it does not know are dropped: the next
/// acquisition writes a record of its own anyway.
pub fn decode(bytes: &[u8]) -> Result<LockRecord, FormatError> {
    let document = text::parse(bytes)?;
    text::check_header(&document, FORMAT, VERSION)?;
    if let Some(written) = document.get("sha256") {
        let content = text::checksum(&document);
        let written = written.as_str().unwrap_or_default().to_owned();
        if written != content {
            return Err(FormatError::Checksum { written, content });
        }
    }
    let wire: RecordWire = text::from_value(document)?;
    Ok(LockRecord {
        status: text::by_word(&STATUSES, status_word, "status", &wire.status)?,
        lock_id: LockId(wire.lock_id),
        epoch: Epoch(text::counter("epoch", wire.epoch)?),
        beat: wire.beat,
        lineage: wire.lineage.map(Lineage),
        holder: wire.holder.into(),
        occupation: Occupation {
            command: wire.occupation.command,
            run_id: RunId(wire.occupation.run_id),
            trace_id: TraceId(wire.occupation.trace_id),
            plan_id: wire.occupation.plan_id.map(PlanId),
            step: wire.occupation.step,
            done: wire.occupation.done,
            total: wire.occupation.total,
        },
        lease: Duration::from_millis(wire.lease_ms),
        acquired_at: text::wall(&wire.acquired_at)?,
        renewed_at: text::wall(&wire.renewed_at)?,
        broken: wire.broken.map(|wire| Breakage {
            by: wire.by,
            reason: wire.reason,
            lock_id: LockId(wire.lock_id),
            verdict: wire.verdict,
            boot_id: wire.boot_id,
            time_ns: wire.time_ns,
            boot: Boot(Duration::from_millis(wire.boot_ms)),
        }),
    })
}

/// Writes a record as a JSON value, for reports.
pub(super) fn to_json(record: &LockRecord) -> Value {
    text::to_value(&wire(record))
}

fn wire(record: &LockRecord) -> RecordWire {
    let occupation = &record.occupation;
    RecordWire {
        format: FORMAT.to_owned(),
        version: VERSION,
        status: status_word(record.status).to_owned(),
        lock_id: record.lock_id.to_string(),
        epoch: record.epoch.0,
        beat: record.beat,
        lineage: record.lineage.as_ref().map(ToString::to_string),
        holder: HolderWire::from(&record.holder),
        occupation: OccupationWire {
            command: occupation.command.clone(),
            run_id: occupation.run_id.to_string(),
            trace_id: occupation.trace_id.to_string(),
            plan_id: occupation.plan_id.as_ref().map(ToString::to_string),
            step: occupation.step.clone(),
            done: occupation.done,
            total: occupation.total,
        },
        lease_ms: text::millis(record.lease),
        acquired_at: text::rfc3339(record.acquired_at),
        renewed_at: text::rfc3339(record.renewed_at),
        broken: record.broken.as_ref().map(|broken| BreakageWire {
            by: broken.by.clone(),
            reason: broken.reason.clone(),
            lock_id: broken.lock_id.to_string(),
            verdict: broken.verdict.clone(),
            boot_id: broken.boot_id.clone(),
            time_ns: broken.time_ns.clone(),
            boot_ms: text::millis(broken.boot.0),
        }),
    }
}

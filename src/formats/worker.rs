//! What a worker tells on its socket: one JSON line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::ids::Address;
use crate::domain::project::watch::Restoring;
use crate::domain::report::worker::{Ailing, Leadership, Phase, Restored, Waiting, WorkerReport};
use crate::formats::error::FormatError;
use crate::formats::text;

/// Word in the `format` field.
pub const FORMAT: &str = "nanokit-worker";
/// Newest version that can be read and the one that is written.
pub const VERSION: u64 = 1;
/// Longest line that is read, in bytes.
pub const LIMIT: usize = 256 << 10;

#[derive(Serialize, Deserialize)]
struct WaitingWire {
    address: String,
    reason: String,
    attempts: u32,
    next_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct AilingWire {
    address: String,
    state: String,
    needed_by: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct RestoredWire {
    at: String,
    addresses: Vec<String>,
    failure: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct WorkerWire {
    format: String,
    version: u64,
    id: String,
    pid: u32,
    who: String,
    tool: String,
    scope: String,
    started_at: String,
    at: String,
    phase: String,
    role: String,
    role_detail: Option<String>,
    restore: String,
    interval_ms: u64,
    platform: Option<String>,
    platform_down: Option<String>,
    config_fault: Option<String>,
    lock_held_by: Option<String>,
    looked_at: Option<String>,
    drifted: Vec<String>,
    #[serde(default)]
    half_done: Vec<String>,
    pending: Vec<String>,
    #[serde(default)]
    held: BTreeMap<String, String>,
    restoring: Vec<String>,
    waiting: Vec<WaitingWire>,
    ailing: Vec<AilingWire>,
    last: Option<RestoredWire>,
    restored: u64,
    failed: u64,
}

/// Writes a report as a JSON value.
#[must_use]
pub fn to_json(report: &WorkerReport) -> Value {
    text::to_value(&wire(report))
}

/// Writes a report as one line, line break included.
#[must_use]
pub fn encode_line(report: &WorkerReport) -> String {
    format!("{}\n", to_json(report))
}

/// Reads a line.
pub fn decode_line(bytes: &[u8]) -> Result<WorkerReport, FormatError> {
    let document = text::parse(bytes)?;
    text::check_header(&document, FORMAT, VERSION)?;
    let wire: WorkerWire = text::from_value(document)?;
    let detail = wire.role_detail.unwrap_or_default();
    let all = [
        Leadership::Leads,
        Leadership::StandsBy(detail.clone()),
        Leadership::Seeks(detail),
    ];
    Ok(WorkerReport {
        id: wire.id,
        pid: wire.pid,
        who: wire.who,
        version: wire.tool,
        scope: wire.scope,
        started_at: text::wall(&wire.started_at)?,
        at: text::wall(&wire.at)?,
        phase: text::by_word(&Phase::ALL, Phase::as_str, "phase", &wire.phase)?,
        leadership: all
            .into_iter()
            .find(|one| one.as_str() == wire.role)
            .unwrap_or(Leadership::Seeks(wire.role)),
        restore: text::by_word(&Restoring::ALL, Restoring::as_str, "restore", &wire.restore)?,
        interval_ms: wire.interval_ms,
        platform: wire
            .platform
            .ok_or_else(|| wire.platform_down.unwrap_or_default()),
        config_fault: wire.config_fault,
        lock_held_by: wire.lock_held_by,
        looked_at: wire.looked_at.as_deref().map(text::wall).transpose()?,
        drifted: addresses(&wire.drifted),
        half_done: addresses(&wire.half_done),
        pending: addresses(&wire.pending),
        held: wire
            .held
            .into_iter()
            .filter_map(|(address, why)| Some((Address::parse(&address)?, why)))
            .collect(),
        restoring: addresses(&wire.restoring),
        waiting: wire
            .waiting
            .into_iter()
            .filter_map(|one| {
                Some(Waiting {
                    address: Address::parse(&one.address)?,
                    reason: one.reason,
                    attempts: one.attempts,
                    next_at: one.next_at.and_then(|at| text::wall(&at).ok()),
                })
            })
            .collect(),
        ailing: wire
            .ailing
            .into_iter()
            .filter_map(|one| {
                Some(Ailing {
                    address: Address::parse(&one.address)?,
                    state: one.state,
                    needed_by: one.needed_by,
                })
            })
            .collect(),
        last: match wire.last {
            Some(last) => Some(Restored {
                at: text::wall(&last.at)?,
                addresses: addresses(&last.addresses),
                failure: last.failure,
            }),
            None => None,
        },
        restored: wire.restored,
        failed: wire.failed,
    })
}

fn addresses(texts: &[String]) -> Vec<Address> {
    texts
        .iter()
        .filter_map(|text| Address::parse(text))
        .collect()
}

fn words(addresses: &[Address]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}

fn wire(report: &WorkerReport) -> WorkerWire {
    let (platform, platform_down) = match &report.platform {
        Ok(up) => (Some(up.clone()), None),
        Err(down) => (None, Some(down.clone())),
    };
    WorkerWire {
        format: FORMAT.to_owned(),
        version: VERSION,
        id: report.id.clone(),
        pid: report.pid,
        who: report.who.clone(),
        tool: report.version.clone(),
        scope: report.scope.clone(),
        started_at: text::rfc3339(report.started_at),
        at: text::rfc3339(report.at),
        phase: report.phase.as_str().to_owned(),
        role: report.leadership.as_str().to_owned(),
        role_detail: match &report.leadership {
            Leadership::Leads => None,
            Leadership::StandsBy(detail) | Leadership::Seeks(detail) => Some(detail.clone()),
        },
        restore: report.restore.as_str().to_owned(),
        interval_ms: report.interval_ms,
        platform,
        platform_down,
        config_fault: report.config_fault.clone(),
        lock_held_by: report.lock_held_by.clone(),
        looked_at: report.looked_at.map(text::rfc3339),
        drifted: words(&report.drifted),
        half_done: words(&report.half_done),
        pending: words(&report.pending),
        held: report
            .held
            .iter()
            .map(|(address, why)| (address.to_string(), why.clone()))
            .collect(),
        restoring: words(&report.restoring),
        waiting: report.waiting.iter().map(waiting).collect(),
        ailing: report.ailing.iter().map(ailing).collect(),
        last: report.last.as_ref().map(|last| RestoredWire {
            at: text::rfc3339(last.at),
            addresses: words(&last.addresses),
            failure: last.failure.clone(),
        }),
        restored: report.restored,
        failed: report.failed,
    }
}

fn waiting(one: &Waiting) -> WaitingWire {
    WaitingWire {
        address: one.address.to_string(),
        reason: one.reason.clone(),
        attempts: one.attempts,
        next_at: one.next_at.map(text::rfc3339),
    }
}

fn ailing(one: &Ailing) -> AilingWire {
    AilingWire {
        address: one.address.to_string(),
        state: one.state.clone(),
        needed_by: one.needed_by.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Wall;

    #[test]
    fn a_report_survives_its_line_and_garbage_is_refused() {
        let report = WorkerReport {
            id: "7-ab".into(),
            pid: 7,
            who: "me@here".into(),
            version: "1".into(),
            scope: "shop/local".into(),
            started_at: Wall(1_000),
            at: Wall(2_000),
            phase: Phase::Watching,
            leadership: Leadership::StandsBy("you@there (process 8)".into()),
            restore: Restoring::Auto,
            interval_ms: 60_000,
            platform: Err("it is gone".into()),
            config_fault: Some("no".into()),
            lock_held_by: None,
            looked_at: Some(Wall(1_500)),
            drifted: vec![Address::service("api")],
            half_done: vec![Address::service("api")],
            pending: vec![Address::volume("data")],
            held: [(Address::volume("data"), "the file changed".into())].into(),
            restoring: Vec::new(),
            waiting: vec![Waiting {
                address: Address::service("api"),
                reason: "a pause".into(),
                attempts: 2,
                next_at: Some(Wall(9_000)),
            }],
            ailing: vec![Ailing {
                address: Address::service("db"),
                state: "unhealthy".into(),
                needed_by: vec!["api".into()],
            }],
            last: Some(Restored {
                at: Wall(1_200),
                addresses: vec![Address::service("api")],
                failure: None,
            }),
            restored: 3,
            failed: 1,
        };
        let line = encode_line(&report);
        assert_eq!(line.lines().count(), 1);
        assert_eq!(decode_line(line.as_bytes()).expect("read back"), report);
        for garbage in [
            "",
            "{}",
            "[1]",
            "\0\0",
            r#"{"format":"nanokit-worker","version":9}"#,
        ] {
            assert!(decode_line(garbage.as_bytes()).is_err(), "{garbage}");
        }
    }
}

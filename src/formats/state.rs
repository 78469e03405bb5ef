//! The state document: one JSON object with a checksum, written whole.
//!
//! Damage is always an error with a name, never an empty state. Keys this version does not know are carried
//! along in the record and written back where they stood.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::effect::Shape;
use crate::domain::ids::Serial;
use crate::domain::model::Field;
use crate::domain::project::hook::{Hook, HookCommand, HookPlace, OnFailure};
use crate::domain::record::{Pending, Record, RecordedInstance, RecordedResource};
use crate::formats::error::FormatError;
use crate::formats::text;

mod extra;
mod flow;
mod read;

pub(super) use flow::{
    FlowRunWire, MarkWire, StandingWire, digests, digests_wire, mark, mark_wire, standing,
    standing_wire,
};
pub(super) use read::{instance, pending, shape};

/// Word in the `format` field.
pub const FORMAT: &str = "nanokit-state";
/// Newest version that can be read and the one that is written.
pub const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
struct StateWire {
    format: String,
    version: u64,
    lineage: String,
    serial: u64,
    fence: u64,
    #[serde(default)]
    writer: String,
    #[serde(default)]
    sha256: String,
    project: String,
    env: String,
    component: Option<String>,
    digest_key: String,
    #[serde(default)]
    engine: String,
    resources: BTreeMap<String, ResourceWire>,
    #[serde(default)]
    applied_plans: Vec<String>,
    #[serde(default)]
    pending: Vec<PendingWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standing: Option<flow::StandingWire>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    flows: BTreeMap<String, flow::FlowWire>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum FieldWire {
    Plain(String),
    Sensitive { sensitive: String },
}

/// An instance on the wire; shared with the journal.
#[derive(Serialize, Deserialize)]
pub(super) struct InstanceWire {
    id: String,
    name: String,
    image_id: Option<String>,
    op: String,
    ready: bool,
}

#[derive(Serialize, Deserialize)]
struct HookWire {
    run: RunWire,
    #[serde(rename = "where")]
    place: String,
    timeout_ms: u64,
    retries: u32,
    on_failure: String,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum RunWire {
    Shell(String),
    Argv(Vec<String>),
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct TeardownWire {
    prestop: Vec<HookWire>,
    poststop: Vec<HookWire>,
    stop_grace_ms: u64,
    stop_signal: Option<String>,
}

/// Canonical fields of a resource on the wire; shared with the journal.
#[derive(Serialize, Deserialize)]
pub(super) struct ShapeWire {
    hash: String,
    depends_on: Vec<String>,
    model: BTreeMap<String, FieldWire>,
    #[serde(default)]
    teardown: TeardownWire,
}

#[derive(Serialize, Deserialize)]
struct ResourceWire {
    #[serde(flatten)]
    shape: ShapeWire,
    id: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    bare: bool,
    #[serde(default)]
    instances: BTreeMap<String, InstanceWire>,
    #[serde(default)]
    installed: Option<String>,
}

/// An announced operation on the wire; shared with the journal.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PendingWire {
    run: String,
    step: String,
    op: String,
    address: String,
    instance: Option<u32>,
    verb: String,
    target: Option<String>,
}

/// Writes the document, checksum included. `writer` names the tool and its version.
#[must_use]
pub fn encode(record: &Record, writer: &str) -> Vec<u8> {
    let mut document = text::to_value(&wire(record, writer));
    extra::put_back(&record.strays, &mut document);
    let sum = text::checksum(&document);
    if let Some(map) = document.as_object_mut() {
        map.insert("sha256".to_owned(), sum.into());
    }
    let mut bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Reads a document. Format, version and checksum are checked before any field is believed.
pub fn decode(bytes: &[u8]) -> Result<Record, FormatError> {
    let document = text::parse(bytes)?;
    text::check_sealed_header(&document, FORMAT, VERSION)?;
    check_sum(&document)?;
    record_of(&document)
}

/// Reads a document that somebody hands in. Without its line `sha256` it was changed on purpose; one with a checksum
/// that does not fit was not.
pub fn decode_given(bytes: &[u8]) -> Result<Record, FormatError> {
    let document = text::parse(bytes)?;
    text::check_sealed_header(&document, FORMAT, VERSION)?;
    if document.get("sha256").is_some() {
        check_sum(&document)?;
    }
    record_of(&document)
}

fn check_sum(document: &Value) -> Result<(), FormatError> {
    let content = text::checksum(document);
    let written = document
        .get("sha256")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if written == content {
        return Ok(());
    }
    Err(FormatError::Checksum {
        written: written.to_owned(),
        content,
    })
}

fn record_of(document: &Value) -> Result<Record, FormatError> {
    let wire: StateWire = text::from_ref(document)?;
    Ok(Record {
        strays: extra::strays(document),
        ..read::record(wire)?
    })
}

/// Writes the record as JSON for people and scripts: no key of the digests, no checksum.
#[must_use]
pub fn to_json(record: &Record) -> Value {
    let mut document = text::to_value(&wire(record, ""));
    if let Some(map) = document.as_object_mut() {
        for key in ["digest_key", "sha256", "writer"] {
            map.remove(key);
        }
    }
    document
}

fn wire(record: &Record, writer: &str) -> StateWire {
    StateWire {
        format: FORMAT.to_owned(),
        version: VERSION,
        lineage: record.lineage.to_string(),
        serial: record.serial.0,
        fence: record.fence.0,
        writer: writer.to_owned(),
        sha256: String::new(),
        project: record.scope.project.to_string(),
        env: record.scope.env.to_string(),
        component: record.scope.component.as_ref().map(ToString::to_string),
        digest_key: record.digest_key.clone(),
        engine: record.engine.clone(),
        resources: record
            .resources
            .values()
            .map(|resource| (resource.address.to_string(), resource_wire(resource)))
            .collect(),
        applied_plans: record
            .applied_plans
            .iter()
            .map(ToString::to_string)
            .collect(),
        pending: record.pending.iter().map(pending_wire).collect(),
        standing: flow::standing_wire(&record.standing),
        flows: flow::flows_wire(&record.flows),
    }
}

fn resource_wire(resource: &RecordedResource) -> ResourceWire {
    let shape = Shape {
        model: resource.model.clone(),
        hash: resource.hash.clone(),
        depends_on: resource.depends_on.clone(),
        teardown: resource.teardown.clone(),
    };
    ResourceWire {
        shape: shape_wire(&shape),
        id: resource.id.as_ref().map(ToString::to_string),
        bare: resource.bare,
        instances: resource
            .instances
            .iter()
            .map(|(number, instance)| (number.to_string(), instance_wire(instance)))
            .collect(),
        installed: resource.installed.as_ref().map(ToString::to_string),
    }
}

/// What is usual is not written.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out a reference"
)]
pub(super) fn is_false(value: &bool) -> bool {
    !value
}

/// Writes an instance.
pub(super) fn instance_wire(instance: &RecordedInstance) -> InstanceWire {
    InstanceWire {
        id: instance.id.to_string(),
        name: instance.name.clone(),
        image_id: instance.image_id.as_ref().map(ToString::to_string),
        op: instance.op.to_string(),
        ready: instance.ready,
    }
}

/// Writes what is remembered of a resource.
pub(super) fn shape_wire(shape: &Shape) -> ShapeWire {
    let field = |field: &Field| {
        if field.sensitive {
            FieldWire::Sensitive {
                sensitive: field.value.clone(),
            }
        } else {
            FieldWire::Plain(field.value.clone())
        }
    };
    ShapeWire {
        hash: shape.hash.clone(),
        depends_on: shape.depends_on.iter().map(ToString::to_string).collect(),
        model: shape
            .model
            .iter()
            .map(|(path, value)| (path.clone(), field(value)))
            .collect(),
        teardown: TeardownWire {
            prestop: shape.teardown.prestop.iter().map(hook_wire).collect(),
            poststop: shape.teardown.poststop.iter().map(hook_wire).collect(),
            stop_grace_ms: text::millis(shape.teardown.stop_grace),
            stop_signal: shape.teardown.stop_signal.clone(),
        },
    }
}

fn place_word(place: HookPlace) -> &'static str {
    match place {
        HookPlace::Host => "host",
        HookPlace::Container => "container",
    }
}

fn failure_word(on_failure: OnFailure) -> &'static str {
    match on_failure {
        OnFailure::Fail => "fail",
        OnFailure::Warn => "warn",
    }
}

fn hook_wire(hook: &Hook) -> HookWire {
    HookWire {
        run: match &hook.command {
            HookCommand::Shell(line) => RunWire::Shell(line.clone()),
            HookCommand::Argv(argv) => RunWire::Argv(argv.clone()),
        },
        place: place_word(hook.place).to_owned(),
        timeout_ms: text::millis(hook.timeout),
        retries: hook.retries,
        on_failure: failure_word(hook.on_failure).to_owned(),
    }
}

/// Writes an announced operation.
pub(super) fn pending_wire(pending: &Pending) -> PendingWire {
    PendingWire {
        run: pending.run.to_string(),
        step: pending.step.to_string(),
        op: pending.op.to_string(),
        address: pending.address.to_string(),
        instance: pending.instance.map(|instance| instance.0),
        verb: pending.verb.clone(),
        target: pending.target.as_ref().map(ToString::to_string),
    }
}

/// What a document says of itself, before its content.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Head {
    /// Version of the format.
    pub version: u64,
    /// Program that wrote it.
    #[serde(default)]
    pub writer: String,
}

/// Reads only the head of a document.
#[must_use]
pub fn head_of(bytes: &[u8]) -> Option<Head> {
    serde_json::from_slice(bytes).ok()
}

/// Reads only the serial of a document, for naming a copy of it.
#[must_use]
pub fn serial_of(bytes: &[u8]) -> Option<Serial> {
    #[derive(Deserialize)]
    struct Head {
        serial: u64,
    }
    serde_json::from_slice(bytes)
        .ok()
        .map(|head: Head| Serial(head.serial))
}

//! JSON of a plan: what `plan --json` prints, what a saved plan file holds, what an event carries.
//!
//! The documented part is DESIGN's; the rest (`purpose`, `targets`, `engine`, `seen`, fields of steps) is what it
//! takes to carry a saved plan out on another day. Nothing in here depends on when the plan was made: the
//! time stands in the envelope of the saved file.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::plan::digest::plan_id;
use crate::domain::plan::model::{Action, Change, Plan, Purpose, Step, StepKind, Summary};
use crate::domain::time::Wall;
use crate::formats::error::FormatError;
use crate::formats::state::is_false;
use crate::formats::text;

mod read;

pub(super) use read::{action_kind, address, changes, scope};

/// Newest format of a plan.
pub const FORMAT: u64 = 1;

#[derive(Serialize, Deserialize)]
pub(super) struct SummaryWire {
    create: usize,
    update: usize,
    delete: usize,
    noop: usize,
    #[serde(default, skip_serializing_if = "text::is_zero")]
    run: usize,
    drift: usize,
}

impl From<SummaryWire> for Summary {
    fn from(wire: SummaryWire) -> Self {
        Self {
            create: wire.create,
            update: wire.update,
            delete: wire.delete,
            noop: wire.noop,
            run: wire.run,
            drift: wire.drift,
        }
    }
}

/// One difference on the wire; shared with events and reports.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ChangeWire {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instance: Option<u32>,
    before: Option<String>,
    after: Option<String>,
    cause: String,
    #[serde(default)]
    sensitive: bool,
}

#[derive(Serialize, Deserialize)]
struct StepWire {
    id: String,
    kind: String,
    #[serde(rename = "where")]
    place: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instance: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    old: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phase: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    needs: Vec<String>,
    #[serde(default)]
    detail: String,
}

#[derive(Serialize, Deserialize)]
struct ActionWire {
    address: String,
    kind: String,
    strategy: String,
    reason: String,
    layer: usize,
    depends_on: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    optional: Vec<String>,
    fingerprint: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    seen: Vec<(String, String)>,
    changes: Vec<ChangeWire>,
    steps: Vec<StepWire>,
}

#[derive(Serialize, Deserialize)]
struct WarningWire {
    #[serde(default)]
    address: Option<String>,
    text: String,
    #[serde(default, skip_serializing_if = "is_false")]
    blocks: bool,
}

#[derive(Serialize, Deserialize)]
struct PlanWire {
    format: u64,
    plan_id: String,
    #[serde(default = "deploy")]
    purpose: String,
    project: String,
    environment: String,
    component: Option<String>,
    #[serde(default)]
    targets: BTreeSet<String>,
    lineage: Option<String>,
    serial: Option<u64>,
    config_hash: String,
    #[serde(default)]
    engine: String,
    summary: SummaryWire,
    layers: Vec<Vec<String>>,
    actions: Vec<ActionWire>,
    #[serde(default)]
    warnings: Vec<WarningWire>,
}

fn deploy() -> String {
    Purpose::Deploy.as_str().to_owned()
}

#[derive(Serialize, Deserialize)]
struct SavedWire {
    saved_at: String,
    plan: Value,
}

/// Writes a plan as JSON, keys in the documented order.
#[must_use]
pub fn to_json(plan: &Plan) -> Value {
    text::to_value(&wire(plan))
}

/// Reads a plan; it is refused when a newer tool wrote it.
pub fn from_json(value: Value) -> Result<Plan, FormatError> {
    match value.get("format").and_then(Value::as_u64) {
        Some(found) if found > FORMAT => {
            return Err(FormatError::Newer {
                found,
                known: FORMAT,
            });
        }
        Some(0) | None => {
            return Err(FormatError::OtherFormat {
                wanted: "plan",
                found: "one without a `format`".to_owned(),
            });
        }
        Some(_) => {}
    }
    read::plan(text::from_value(value)?)
}

/// Writes the content of a saved plan file: the plan in an envelope with the time of saving.
#[must_use]
pub fn encode(plan: &Plan, saved_at: Wall) -> Vec<u8> {
    let saved = SavedWire {
        saved_at: text::rfc3339(saved_at),
        plan: to_json(plan),
    };
    let mut bytes = serde_json::to_vec_pretty(&saved).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Reads a saved plan file; the bare output of `plan --json` is read too, without a time. A plan that was changed
/// by hand does not fit its own id and is refused: what was shown is what runs.
pub fn decode(bytes: &[u8]) -> Result<(Plan, Option<Wall>), FormatError> {
    let document = text::parse(bytes)?;
    let (plan, saved_at) = if document.get("plan").is_none() {
        (from_json(document)?, None)
    } else {
        let saved: SavedWire = text::from_value(document)?;
        (from_json(saved.plan)?, Some(text::wall(&saved.saved_at)?))
    };
    let content = plan_id(&plan);
    if content != plan.id {
        return Err(FormatError::Checksum {
            written: plan.id.to_string(),
            content: content.to_string(),
        });
    }
    Ok((plan, saved_at))
}

fn wire(plan: &Plan) -> PlanWire {
    let summary = plan.summary();
    PlanWire {
        format: FORMAT,
        plan_id: plan.id.to_string(),
        purpose: plan.purpose.as_str().to_owned(),
        project: plan.scope.project.to_string(),
        environment: plan.scope.env.to_string(),
        component: plan.scope.component.as_ref().map(ToString::to_string),
        targets: plan.targets.clone(),
        lineage: plan.lineage.as_ref().map(ToString::to_string),
        serial: plan.serial.map(|serial| serial.0),
        config_hash: plan.config_hash.to_string(),
        engine: plan.engine.clone(),
        summary: SummaryWire {
            create: summary.create,
            update: summary.update,
            delete: summary.delete,
            noop: summary.noop,
            run: summary.run,
            drift: summary.drift,
        },
        layers: plan.layers.iter().map(texts).collect(),
        actions: plan.actions.iter().map(action_wire).collect(),
        warnings: plan
            .warnings
            .iter()
            .map(|warning| WarningWire {
                address: warning.address.as_ref().map(ToString::to_string),
                text: warning.text.clone(),
                blocks: warning.blocks,
            })
            .collect(),
    }
}

fn texts<'a, T: ToString + 'a>(items: impl IntoIterator<Item = &'a T>) -> Vec<String> {
    items.into_iter().map(ToString::to_string).collect()
}

fn action_wire(action: &Action) -> ActionWire {
    ActionWire {
        address: action.address.to_string(),
        kind: action.kind.as_str().to_owned(),
        strategy: action.strategy.as_str().to_owned(),
        reason: action.reason.clone(),
        layer: action.layer,
        depends_on: texts(&action.depends_on),
        optional: texts(&action.optional),
        fingerprint: action.fingerprint.as_ref().map(ToString::to_string),
        seen: action.seen.clone(),
        changes: changes_wire(&action.changes),
        steps: action.steps.iter().map(step_wire).collect(),
    }
}

/// Writes differences.
pub(super) fn changes_wire(changes: &[Change]) -> Vec<ChangeWire> {
    changes
        .iter()
        .map(|change| ChangeWire {
            path: change.path.clone(),
            instance: change.instance.map(|instance| instance.0),
            before: change.before.clone(),
            after: change.after.clone(),
            cause: change.cause.as_str().to_owned(),
            sensitive: change.sensitive,
        })
        .collect()
}

fn step_wire(step: &Step) -> StepWire {
    let (phase, index) = match &step.kind {
        StepKind::Hook { phase, index } => (Some(phase.as_str().to_owned()), Some(*index)),
        StepKind::Perform { index, .. } | StepKind::Skip { index, .. } => (None, Some(*index)),
        _ => (None, None),
    };
    let network = match &step.kind {
        StepKind::Connect { network } | StepKind::Disconnect { network } => Some(network.clone()),
        _ => None,
    };
    let (service, member) = match &step.kind {
        StepKind::Detach { service, instance } => (Some(service.clone()), Some(*instance)),
        StepKind::PutBack { service } => (Some(service.clone()), None),
        _ => (None, None),
    };
    let image = match &step.kind {
        StepKind::Pull { image } => Some(image.clone()),
        _ => None,
    };
    let reason = match &step.kind {
        StepKind::Skip { reason, .. } => Some(reason.clone()),
        _ => None,
    };
    StepWire {
        id: step.id.to_string(),
        kind: step.kind.as_str().to_owned(),
        place: step.place.as_str().to_owned(),
        instance: step.instance.or(member).map(|instance| instance.0),
        service,
        old: step.old,
        phase,
        index,
        network,
        image,
        reason,
        needs: texts(&step.needs),
        detail: step.detail.clone(),
    }
}

//! Event lines: one JSON object a line, for run journals and `--json`.
//!
//! A reader keeps what it knows and skips the rest: an unknown kind is no error, and further keys are ignored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::event::{
    Event, EventKind, Origin, RunOutcome, Stage, StepOutcome, Stream, uncoloured,
};
use crate::domain::ids::{Address, PlanId, RunId, Scope, SpanId, StepId, TraceId};
use crate::domain::lease::Verdict;
use crate::domain::plan::model::Summary;
use crate::formats::error::FormatError;
use crate::formats::forecast::{ForecastWire, PredictionWire};
use crate::formats::lock::HolderWire;
use crate::formats::plan::{self, ChangeWire};
use crate::formats::state::FlowRunWire;
use crate::formats::text;

#[derive(Serialize, Deserialize)]
struct LineWire {
    at: String,
    run_id: Option<String>,
    seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(flatten)]
    body: BodyWire,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum BodyWire {
    RunStarted {
        command: String,
        who: String,
        trace_id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<String>,
        #[serde(default)]
        plan_id: Option<String>,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        version: String,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        inputs: BTreeMap<String, String>,
    },
    RunFinished {
        outcome: String,
        exit_code: u8,
        duration_ms: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        #[serde(default, skip_serializing_if = "is_zero")]
        warnings: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        forecast: Option<ForecastWire>,
    },
    StageStarted {
        stage: String,
    },
    PlanMade {
        plan: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prediction: Option<PredictionWire>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        resumes: Vec<FlowRunWire>,
    },
    LayerStarted {
        layer: usize,
        addresses: Vec<String>,
    },
    ActionStarted {
        // `kind` is the event's own word, so the action's stands beside it.
        action: String,
        reason: String,
    },
    ActionFinished {
        outcome: String,
        duration_ms: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blame: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    StepQueued {
        waits_for: Vec<String>,
    },
    StepStarted {},
    StepProgress {
        done: u64,
        total: Option<u64>,
        unit: String,
    },
    StepFinished {
        outcome: String,
        exit_code: Option<i64>,
        duration_ms: u64,
        log: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    Log {
        stream: String,
        text: String,
    },
    HealthChanged {
        from: String,
        to: String,
        #[serde(default)]
        detail: String,
    },
    LockChanged {
        verdict: String,
        holder: Option<HolderWire>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    DriftFound {
        changes: Vec<ChangeWire>,
    },
    DriftCleared {},
    ConfigChanged {},
    Warning {
        text: String,
    },
}

/// Writes an event as one line, without the line break.
#[must_use]
pub fn encode_line(event: &Event) -> String {
    let line = LineWire {
        at: text::rfc3339(event.at),
        run_id: event.run_id.as_ref().map(ToString::to_string),
        seq: event.seq,
        address: event.address.as_ref().map(ToString::to_string),
        step: event.step.as_ref().map(ToString::to_string),
        attempt: event.attempt,
        body: body_wire(&event.kind),
    };
    serde_json::to_string(&line).unwrap_or_default()
}

/// Reads one line; `None` for a kind this version does not know, and for a torn line.
#[must_use]
pub fn decode_line(line: &str) -> Option<Event> {
    let wire: LineWire = serde_json::from_str(line).ok()?;
    event(wire).ok()
}

/// Finds the word of a line's kind without reading the rest of it; empty where there is none.
#[must_use]
pub fn kind_of(line: &str) -> &str {
    const KEY: &str = "\"kind\":\"";
    // Before the event's own kind stand only time, ids and numbers, none of which has such a key.
    let Some(from) = line.find(KEY).map(|at| at + KEY.len()) else {
        return "";
    };
    let rest = line.get(from..).unwrap_or_default();
    rest.split('"').next().unwrap_or_default()
}

/// What the head of a plan tells: whose it is, and how much it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// Project, environment and component.
    pub scope: Scope,
    /// Counts of its actions.
    pub summary: Summary,
}

/// Reads whose plan an event carries and how much it does, without the plan itself.
#[must_use]
pub fn glance(line: &str) -> Option<Glance> {
    #[derive(Deserialize)]
    struct LineHead {
        plan: PlanHead,
    }
    #[derive(Deserialize)]
    struct PlanHead {
        project: String,
        environment: String,
        component: Option<String>,
        summary: plan::SummaryWire,
    }
    let head: LineHead = serde_json::from_str(line).ok()?;
    let PlanHead {
        project,
        environment,
        component,
        summary,
    } = head.plan;
    Some(Glance {
        scope: plan::scope(&project, &environment, component.as_deref()).ok()?,
        summary: summary.into(),
    })
}

#[expect(clippy::too_many_lines, reason = "one arm for each kind")]
fn body_wire(kind: &EventKind) -> BodyWire {
    match kind {
        EventKind::RunStarted {
            command,
            who,
            trace_id,
            parent,
            plan_id,
            origin,
        } => BodyWire::RunStarted {
            command: command.clone(),
            who: who.clone(),
            trace_id: trace_id.to_string(),
            parent: parent.as_ref().map(ToString::to_string),
            plan_id: plan_id.as_ref().map(ToString::to_string),
            version: origin.version.clone(),
            inputs: origin.inputs.clone(),
        },
        EventKind::RunFinished {
            outcome,
            exit_code,
            duration,
            message,
            warnings,
            forecast,
        } => BodyWire::RunFinished {
            outcome: outcome.as_str().to_owned(),
            exit_code: *exit_code,
            duration_ms: text::millis(*duration),
            message: message.clone(),
            warnings: *warnings,
            forecast: forecast.as_ref().map(Into::into),
        },
        EventKind::StageStarted { stage } => BodyWire::StageStarted {
            stage: stage.as_str().to_owned(),
        },
        EventKind::PlanMade {
            plan,
            prediction,
            resumes,
        } => BodyWire::PlanMade {
            plan: plan::to_json(plan),
            prediction: prediction.as_ref().map(Into::into),
            resumes: resumes.iter().map(Into::into).collect(),
        },
        EventKind::LayerStarted { layer, addresses } => BodyWire::LayerStarted {
            layer: *layer,
            addresses: addresses.iter().map(ToString::to_string).collect(),
        },
        EventKind::ActionStarted { kind, reason } => BodyWire::ActionStarted {
            action: kind.as_str().to_owned(),
            reason: reason.clone(),
        },
        EventKind::ActionFinished {
            outcome,
            duration,
            blame,
            message,
        } => BodyWire::ActionFinished {
            outcome: outcome.as_str().to_owned(),
            duration_ms: text::millis(*duration),
            blame: blame.as_ref().map(ToString::to_string),
            message: message.clone(),
        },
        EventKind::StepQueued { waits_for } => BodyWire::StepQueued {
            waits_for: waits_for.clone(),
        },
        EventKind::StepStarted => BodyWire::StepStarted {},
        EventKind::StepProgress { done, total, unit } => BodyWire::StepProgress {
            done: *done,
            total: *total,
            unit: unit.clone(),
        },
        EventKind::StepFinished {
            outcome,
            exit_code,
            duration,
            log,
            message,
        } => BodyWire::StepFinished {
            outcome: outcome.as_str().to_owned(),
            exit_code: *exit_code,
            duration_ms: text::millis(*duration),
            log: log.clone(),
            message: message.clone(),
        },
        EventKind::Log { stream, text } => BodyWire::Log {
            stream: stream.as_str().to_owned(),
            text: uncoloured(text).into_owned(),
        },
        EventKind::HealthChanged { from, to, detail } => BodyWire::HealthChanged {
            from: from.clone(),
            to: to.clone(),
            detail: detail.clone(),
        },
        EventKind::LockChanged {
            verdict,
            holder,
            detail,
        } => BodyWire::LockChanged {
            verdict: verdict.as_str().to_owned(),
            holder: holder.as_ref().map(HolderWire::from),
            detail: detail.clone(),
        },
        EventKind::DriftFound { changes } => BodyWire::DriftFound {
            changes: plan::changes_wire(changes),
        },
        EventKind::DriftCleared => BodyWire::DriftCleared {},
        EventKind::ConfigChanged => BodyWire::ConfigChanged {},
        EventKind::Warning { text } => BodyWire::Warning { text: text.clone() },
    }
}

fn event(wire: LineWire) -> Result<Event, FormatError> {
    Ok(Event {
        at: text::wall(&wire.at)?,
        run_id: wire.run_id.map(RunId),
        seq: wire.seq,
        address: wire.address.as_deref().map(plan::address).transpose()?,
        step: wire.step.map(StepId),
        attempt: wire.attempt,
        kind: kind(wire.body)?,
    })
}

const RUN_OUTCOMES: [RunOutcome; 4] = [
    RunOutcome::Ok,
    RunOutcome::Failed,
    RunOutcome::Cancelled,
    RunOutcome::Refused,
];
const STEP_OUTCOMES: [StepOutcome; 4] = [
    StepOutcome::Done,
    StepOutcome::Failed,
    StepOutcome::Skipped,
    StepOutcome::Unknown,
];
const STAGES: [Stage; 6] = [
    Stage::Lock,
    Stage::Settle,
    Stage::Observe,
    Stage::Plan,
    Stage::Execute,
    Stage::Finish,
];
const STREAMS: [Stream; 3] = [Stream::Stdout, Stream::Stderr, Stream::Engine];

/// All verdicts, for reading their words back.
pub(super) const VERDICTS: [Verdict; 5] = [
    Verdict::Free,
    Verdict::Dead,
    Verdict::Expired,
    Verdict::Alive,
    Verdict::Unknown,
];

fn step_outcome(text: &str) -> Result<StepOutcome, FormatError> {
    text::by_word(&STEP_OUTCOMES, StepOutcome::as_str, "outcome", text)
}

#[expect(clippy::too_many_lines, reason = "one arm for each kind")]
fn kind(wire: BodyWire) -> Result<EventKind, FormatError> {
    Ok(match wire {
        BodyWire::RunStarted {
            command,
            who,
            trace_id,
            parent,
            plan_id,
            version,
            inputs,
        } => EventKind::RunStarted {
            command,
            who,
            trace_id: TraceId(trace_id),
            parent: parent.map(SpanId),
            plan_id: plan_id.map(PlanId),
            origin: Origin { version, inputs },
        },
        BodyWire::RunFinished {
            outcome,
            exit_code,
            duration_ms,
            message,
            warnings,
            forecast,
        } => EventKind::RunFinished {
            outcome: text::by_word(&RUN_OUTCOMES, RunOutcome::as_str, "outcome", &outcome)?,
            exit_code,
            duration: Duration::from_millis(duration_ms),
            message,
            warnings,
            forecast: forecast.map(Into::into),
        },
        BodyWire::StageStarted { stage } => EventKind::StageStarted {
            stage: text::by_word(&STAGES, Stage::as_str, "stage", &stage)?,
        },
        BodyWire::PlanMade {
            plan,
            prediction,
            resumes,
        } => EventKind::PlanMade {
            plan: Arc::new(plan::from_json(plan)?),
            prediction: prediction.map(Into::into),
            resumes: resumes.into_iter().map(Into::into).collect(),
        },
        BodyWire::LayerStarted { layer, addresses } => EventKind::LayerStarted {
            layer,
            addresses: addresses
                .iter()
                .map(|text| plan::address(text))
                .collect::<Result<Vec<Address>, _>>()?,
        },
        BodyWire::ActionStarted { action, reason } => EventKind::ActionStarted {
            kind: plan::action_kind(&action)?,
            reason,
        },
        BodyWire::ActionFinished {
            outcome,
            duration_ms,
            blame,
            message,
        } => EventKind::ActionFinished {
            outcome: step_outcome(&outcome)?,
            duration: Duration::from_millis(duration_ms),
            blame: blame.as_deref().map(plan::address).transpose()?,
            message,
        },
        BodyWire::StepQueued { waits_for } => EventKind::StepQueued { waits_for },
        BodyWire::StepStarted {} => EventKind::StepStarted,
        BodyWire::StepProgress { done, total, unit } => {
            EventKind::StepProgress { done, total, unit }
        }
        BodyWire::StepFinished {
            outcome,
            exit_code,
            duration_ms,
            log,
            message,
        } => EventKind::StepFinished {
            outcome: step_outcome(&outcome)?,
            exit_code,
            duration: Duration::from_millis(duration_ms),
            log,
            message,
        },
        BodyWire::Log { stream, text } => EventKind::Log {
            stream: text::by_word(&STREAMS, Stream::as_str, "stream", &stream)?,
            text,
        },
        BodyWire::HealthChanged { from, to, detail } => {
            EventKind::HealthChanged { from, to, detail }
        }
        BodyWire::LockChanged {
            verdict,
            holder,
            detail,
        } => EventKind::LockChanged {
            verdict: text::by_word(&VERDICTS, Verdict::as_str, "verdict", &verdict)?,
            holder: holder.map(Into::into),
            detail,
        },
        BodyWire::DriftFound { changes } => EventKind::DriftFound {
            changes: plan::changes(changes)?,
        },
        BodyWire::DriftCleared {} => EventKind::DriftCleared,
        BodyWire::ConfigChanged {} => EventKind::ConfigChanged,
        BodyWire::Warning { text } => EventKind::Warning { text },
    })
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes what it asks about by reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

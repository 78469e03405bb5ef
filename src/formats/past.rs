//! JSON of past runs: one in detail, and two compared. Written only, never read back.

use serde_json::{Value, json};

use crate::domain::event::Event;
use crate::domain::history::compare::{Change, Comparison, Lane, Pair, PlanChange, Side};
use crate::domain::history::details::Details;
use crate::domain::history::path::Leg;
use crate::domain::plan::forecast::Forecast;
use crate::domain::plan::model::ActionKind;
use crate::domain::report::RunSummary;
use crate::formats::event::encode_line;
use crate::formats::{plan, report, text};

/// Writes a run with everything that is known of it.
#[must_use]
pub fn run(summary: &RunSummary, details: &Details, events: &[Event]) -> Value {
    let view = &details.view;
    let mut value = report::run(summary);
    let more = json!({
        "version": view.origin.version,
        "inputs": view.origin.inputs,
        "engine": view.plan.as_ref().map(|plan| plan.engine.clone()),
        "plan": view.plan.as_ref().map(|found| plan::to_json(found)),
        "prediction": view.prediction.as_ref().map(|prediction| json!({
            "expected_ms": text::millis(prediction.total),
            "runs": prediction.runs,
            "known_steps": prediction.known,
            "steps": prediction.steps,
        })),
        "stages": details.stages.iter().map(|(stage, time)| {
            json!({"stage": stage.as_str(), "duration_ms": text::millis(*time)})
        }).collect::<Vec<_>>(),
        "critical_path": legs(&details.legs),
        "warning_texts": view.warnings,
        "events": events.iter().filter_map(|event| {
            serde_json::from_str::<Value>(&encode_line(event)).ok()
        }).collect::<Vec<_>>(),
    });
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
    value
}

/// Writes a critical path.
#[must_use]
pub fn legs(legs: &[Leg]) -> Value {
    let legs = legs.iter().map(|leg| {
        json!({
            "step": leg.step.to_string(),
            "from": text::rfc3339(leg.from),
            "to": leg.to.map(text::rfc3339),
            "duration_ms": leg.took().map(text::millis),
        })
    });
    Value::Array(legs.collect())
}

/// Writes how far off a prediction was.
#[must_use]
pub fn forecast(forecast: Forecast) -> Value {
    json!({
        "expected_ms": text::millis(forecast.expected),
        "took_ms": text::millis(forecast.took),
        "off_percent": forecast.off_percent(),
    })
}

/// Writes two runs side by side.
#[must_use]
pub fn comparison(comparison: &Comparison) -> Value {
    let resources = comparison.items.iter().map(|item| {
        let steps = item.steps.iter().map(|(id, found)| {
            let mut value = pair(found);
            value["step"] = Value::String(id.to_string());
            value
        });
        let mut value = pair(&item.whole);
        value["steps"] = Value::Array(steps.collect());
        value["address"] = Value::String(item.address.to_string());
        value
    });
    json!({
        "before": side(&comparison.old),
        "after": side(&comparison.new),
        "plan": comparison.plan.iter().map(plan_change).collect::<Vec<_>>(),
        "resources": resources.collect::<Vec<_>>(),
    })
}

fn side(side: &Side) -> Value {
    json!({
        "run_id": side.run.to_string(),
        "command": side.command,
        "started_at": text::rfc3339(side.began),
        "outcome": side.outcome,
        "duration_ms": side.took,
    })
}

fn pair(pair: &Pair) -> Value {
    let lane = |lane: Option<Lane>| {
        lane.map(|lane| {
            json!({
                "duration_ms": lane.took(),
                "outcome": lane.outcome.map(crate::domain::event::StepOutcome::as_str),
            })
        })
    };
    let change = match pair.change() {
        Change::Longer(_) => "longer",
        Change::Shorter(_) => "shorter",
        Change::Same => "same",
        Change::New => "new",
        Change::Gone => "gone",
    };
    json!({"before": lane(pair.old), "after": lane(pair.new), "change": change})
}

fn plan_change(change: &PlanChange) -> Value {
    let kind = |kind: &Option<ActionKind>| kind.map(ActionKind::as_str);
    match change {
        PlanChange::NoPlan => json!({"what": "plan", "same": null}),
        PlanChange::SameConfig => json!({"what": "config", "same": true}),
        PlanChange::Config { before, after } => {
            json!({"what": "config", "same": false, "before": before.to_string(), "after": after.to_string()})
        }
        PlanChange::Other {
            what,
            before,
            after,
        } => json!({"what": what, "same": false, "before": before, "after": after}),
        PlanChange::Action {
            address,
            before,
            after,
        } => {
            json!({"what": address.to_string(), "same": false, "before": kind(before), "after": kind(after)})
        }
        PlanChange::Field {
            address,
            path,
            before,
            after,
        } => {
            json!({"what": address.to_string(), "field": path, "same": false, "before": before, "after": after})
        }
    }
}

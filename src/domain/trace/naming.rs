//! Names of spans and attributes: OpenTelemetry's own (`cicd.*`, `deployment.*`, `process.*`, `error.*`) where it has
//! one for the thing, `nanokit.*` for the rest.

use crate::domain::event::{RunOutcome, StepOutcome};
use crate::domain::trace::span::{AttributeValue, Attributes, SpanStatus};

/// Adds a text.
pub(super) fn text(to: &mut Attributes, name: &'static str, value: impl Into<String>) {
    to.push((name, AttributeValue::Text(value.into())));
}

/// Adds a text where there is one.
pub(super) fn maybe(to: &mut Attributes, name: &'static str, value: Option<impl Into<String>>) {
    if let Some(value) = value {
        text(to, name, value);
    }
}

/// Adds a number.
pub(super) fn number(to: &mut Attributes, name: &'static str, value: impl TryInto<i64>) {
    let value = value.try_into().unwrap_or(i64::MAX);
    to.push((name, AttributeValue::Number(value)));
}

/// Returns the first line of what went wrong, short enough for a list of spans.
pub(super) fn first_line(message: Option<&str>) -> String {
    let line = message.and_then(|text| text.lines().next());
    line.unwrap_or_default().chars().take(256).collect()
}

/// Returns `cicd.pipeline.task.run.result` of an action or a step.
pub(super) fn task_result(outcome: StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Done => "success",
        StepOutcome::Failed => "failure",
        StepOutcome::Skipped => "skip",
        StepOutcome::Unknown => "error",
    }
}

/// Returns `cicd.pipeline.result` of a run.
pub(super) fn run_result(outcome: RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Ok => "success",
        RunOutcome::Failed => "failure",
        RunOutcome::Cancelled => "cancellation",
        RunOutcome::Refused => "skip",
    }
}

/// Returns the status of an action or a step, and says what kind of error it was.
pub(super) fn ended(
    to: &mut Attributes,
    outcome: StepOutcome,
    message: Option<&str>,
) -> SpanStatus {
    text(to, "nanokit.outcome", outcome.as_str());
    text(to, "cicd.pipeline.task.run.result", task_result(outcome));
    match outcome {
        StepOutcome::Done => SpanStatus::Ok,
        StepOutcome::Skipped => SpanStatus::Unset,
        StepOutcome::Failed => {
            text(to, "error.type", "failed");
            SpanStatus::Error(first_line(message))
        }
        StepOutcome::Unknown => {
            text(to, "error.type", "unknown_outcome");
            SpanStatus::Error(first_line(message))
        }
    }
}

//! How a run ended, for people, events and exit codes.

use std::collections::BTreeMap;

use crate::domain::event::{RunOutcome, StepOutcome};
use crate::domain::ids::ResourceKind;
use crate::domain::plan::model::Plan;
use crate::domain::plan::premise::overtaken;
use crate::domain::plan::procedures::standing::owed as still_owed;
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::domain::run::order::RunResult;
use crate::engine::driver::Driven;
use crate::engine::reconcile::EngineError;

/// Turns the machine's result into the run's.
pub(super) fn judge(
    driven: Driven,
    plan: &Plan,
    clean: &dyn Fn(&str) -> String,
) -> Result<(), EngineError> {
    if let Some(trouble) = driven.trouble {
        return Err(trouble);
    }
    let Some(result) = driven.result else {
        return Err(EngineError::Invalid(
            "the run ended before its plan did".to_owned(),
        ));
    };
    match result.outcome {
        RunOutcome::Ok => Ok(()),
        RunOutcome::Cancelled => Err(EngineError::Interrupted),
        RunOutcome::Failed | RunOutcome::Refused => Err(failed(result, plan, clean)),
    }
}

fn failed(result: RunResult, plan: &Plan, clean: &dyn Fn(&str) -> String) -> EngineError {
    let total = result.ends.len();
    let ended = |fits: &dyn Fn(StepOutcome) -> bool| {
        let ends = result.ends.values();
        ends.filter(|end| fits(end.outcome)).count()
    };
    let skipped = ended(&|outcome| outcome == StepOutcome::Skipped);
    let failed = ended(&|outcome| matches!(outcome, StepOutcome::Failed | StepOutcome::Unknown));
    let mut causes = Vec::new();
    let mut ends = result.ends;
    // In the order of the plan: what failed first in the graph is what to look at first.
    for action in &plan.actions {
        if let Some(end) = ends.remove(&action.address)
            && matches!(end.outcome, StepOutcome::Failed | StepOutcome::Unknown)
        {
            causes.push((
                action.address.clone(),
                clean(&end.message.unwrap_or_default()),
            ));
        }
    }
    EngineError::StepsFailed {
        failed,
        skipped,
        total,
        causes,
        owed: BTreeMap::new(),
    }
}

/// Adds what the failed procedures are given again, by how far they came.
pub(super) fn owing(
    mut error: EngineError,
    project: &Project,
    record: Option<&Record>,
) -> EngineError {
    let (EngineError::StepsFailed { causes, owed, .. }, Some(record)) = (&mut error, record) else {
        return error;
    };
    let procedures = causes.iter().map(|(address, _)| address);
    let procedures = procedures.filter(|address| address.kind == ResourceKind::Procedure);
    let flows = procedures.filter_map(|address| {
        let flow = record.flows.get(&address.name)?;
        Some((
            address.clone(),
            still_owed(project, flow).cloned().collect(),
        ))
    });
    *owed = flows.collect();
    error
}

/// Warns of what is not as wanted any more and stays so, because the approved plan leaves it alone; returns what a run
/// that ends well says of it in the end.
pub(super) fn left_alone(approved: &Plan, now: &Plan, warn: &dyn Fn(String)) -> Option<String> {
    let left = overtaken(approved, now);
    for one in &left {
        let text = &one.text;
        warn(format!(
            "{text}; the approved plan leaves it alone: `nkapp plan` shows what is to do"
        ));
    }
    let names: Vec<String> = left.iter().map(|one| one.address.to_string()).collect();
    let names = names.join(", ");
    (!left.is_empty())
        .then(|| format!("what the plan leaves alone is not as wanted any more: {names}"))
}

/// Returns the outcome an error stands for.
pub(super) fn outcome_of(error: &EngineError) -> RunOutcome {
    match error {
        EngineError::Interrupted => RunOutcome::Cancelled,
        EngineError::Locked(_)
        | EngineError::StalePlan(_)
        | EngineError::NeedsForce(_)
        | EngineError::Refused(_)
        | EngineError::BadState { .. } => RunOutcome::Refused,
        EngineError::Provider(_)
        | EngineError::Absent { .. }
        | EngineError::Store(_)
        | EngineError::Unsaved { .. }
        | EngineError::LockLost(_)
        | EngineError::Invalid(_)
        | EngineError::Secret { .. }
        | EngineError::StepsFailed { .. } => RunOutcome::Failed,
    }
}

/// Returns the exit code an error stands for.
pub(super) fn exit_code(error: &EngineError) -> u8 {
    match error {
        EngineError::Interrupted => 130,
        EngineError::Locked(_) | EngineError::BadState { .. } | EngineError::LockLost(_) => 4,
        EngineError::StalePlan(_) | EngineError::NeedsForce(_) | EngineError::Refused(_) => 5,
        EngineError::Unsaved { source, .. } if matches!(**source, EngineError::LockLost(_)) => 4,
        EngineError::Provider(_)
        | EngineError::Absent { .. }
        | EngineError::Store(_)
        | EngineError::Unsaved { .. }
        | EngineError::Invalid(_)
        | EngineError::Secret { .. }
        | EngineError::StepsFailed { .. } => 1,
    }
}

/// Says in one line what went wrong, causes included.
pub(super) fn said<E: std::error::Error>(error: &E) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

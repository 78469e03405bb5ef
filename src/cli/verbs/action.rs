//! `nkapp action`: the procedures of the file, and carrying one out like a deploy.

use serde_json::{Value, json};

use crate::app::failure::{Failure, FailureKind};
use crate::cli::args::{Action, ActionRun};
use crate::cli::errand::{Errand, Owed};
use crate::cli::exit;
use crate::cli::inputs;
use crate::cli::verbs::change;
use crate::domain::config::near;
use crate::domain::flow::{FlowRequest, Turn};
use crate::domain::plan::model::{PlanRequest, Purpose};
use crate::domain::project::procedure::{Input, Occasion, Procedure};
use crate::domain::project::project::Project;
use crate::present::rows::actions as rows;

pub(super) fn action(errand: &mut Errand<'_>, verb: &Action) -> Result<u8, Failure> {
    match verb {
        Action::List => list(errand),
        Action::Show { name } => show(errand, name),
        Action::Run(run) => carry_out(errand, run),
    }
}

fn list(errand: &mut Errand<'_>) -> Result<u8, Failure> {
    let (_, project) = errand.project()?;
    if errand.printer.json {
        let all: Vec<Value> = project.procedures.iter().map(document).collect();
        errand.printer.document(&Value::Array(all));
    } else {
        errand.printer.rows(&rows::list(&project));
    }
    Ok(exit::DONE)
}

fn show(errand: &mut Errand<'_>, name: &str) -> Result<u8, Failure> {
    let (_, project) = errand.project()?;
    let procedure = find(&project, name)?;
    if errand.printer.json {
        errand.printer.document(&document(procedure));
    } else {
        errand.printer.rows(&rows::one(procedure));
    }
    Ok(exit::DONE)
}

fn find<'p>(project: &'p Project, name: &str) -> Result<&'p Procedure, Failure> {
    project.procedure(name).ok_or_else(|| {
        let failure = Failure::new(FailureKind::Failed, format!("there is no action `{name}`"))
            .next("nkapp action list");
        let names = project.procedures.iter().map(|one| one.name.as_str());
        match near::suggestion(name, names) {
            Some(help) => failure.hint(help),
            None => failure,
        }
    })
}

fn document(procedure: &Procedure) -> Value {
    let input = |input: &Input| {
        json!({
            "name": input.name,
            "description": input.description,
            "default": input.default,
            "required": input.required,
            "secret": input.secret,
        })
    };
    let steps: Vec<Value> = procedure
        .steps
        .iter()
        .map(|step| {
            json!({
                "id": procedure.address().step(None, &step.label).as_str(),
                "name": step.label,
                "kind": step.primitive.verb().as_str(),
                "detail": step.primitive.detail(),
                "retries": step.retries,
                "timeout_ms": u64::try_from(step.timeout.as_millis()).unwrap_or(u64::MAX),
                "cleanup": step.cleanup,
            })
        })
        .collect();
    json!({
        "name": procedure.name,
        "address": procedure.address().to_string(),
        "hook": procedure.occasion.as_str(),
        "mode": procedure.mode.map(crate::domain::project::procedure::Mode::as_str),
        "description": procedure.description,
        "cleanup": procedure.cleanup,
        "inputs": procedure.inputs.iter().map(input).collect::<Vec<_>>(),
        "steps": steps,
    })
}

fn carry_out(errand: &mut Errand<'_>, run: &ActionRun) -> Result<u8, Failure> {
    if errand.printer.json {
        errand.owed = Owed::RunFinished;
    }
    let (_, project) = errand.project()?;
    let procedure = find(&project, &run.name)?;
    let turn = turn(run)?;
    let inputs = inputs::given(errand, &project, &run.inputs)?;
    let in_deploy = procedure.occasion != Occasion::Manual;
    // What belongs to a deploy goes on with it; only its clean-up is a run of its own.
    let goes_on = matches!(turn, Turn::Resume | Turn::Skip { .. });
    let request = if in_deploy && goes_on {
        PlanRequest {
            purpose: Purpose::Deploy,
            targets: [].into(),
            flow: FlowRequest {
                turn: match turn {
                    Turn::Resume => Turn::Fresh,
                    Turn::Fresh | Turn::Skip { .. } | Turn::Abort => turn,
                },
                inputs,
            },
        }
    } else {
        PlanRequest {
            purpose: Purpose::Act,
            targets: [run.name.clone()].into(),
            flow: FlowRequest { turn, inputs },
        }
    };
    change::carry(errand, &project, request, None, &run.how)
}

fn turn(run: &ActionRun) -> Result<Turn, Failure> {
    if let Some(step) = &run.skip {
        let reason = run.reason.as_deref().unwrap_or_default().trim();
        if reason.is_empty() {
            return Err(
                Failure::new(FailureKind::Refused, "skipping a step needs a reason").next(format!(
                    "nkapp action run {} --skip {step} --reason \"why\"",
                    run.name
                )),
            );
        }
        return Ok(Turn::Skip {
            procedure: run.name.clone(),
            step: step.clone(),
            reason: reason.to_owned(),
        });
    }
    Ok(match (run.resume, run.abort) {
        (true, _) => Turn::Resume,
        (false, true) => Turn::Abort,
        (false, false) => Turn::Fresh,
    })
}

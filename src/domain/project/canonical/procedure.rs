//! The canonical model of a procedure: what a plan was made of, so that an approved one is stale when it changed.

use sha2::{Digest as _, Sha256};

use crate::domain::ids::Digest;
use crate::domain::model::Model;
use crate::domain::project::canonical::text::{argv_text, hex, millis};
use crate::domain::project::canonical::{feed, feed_model, put};
use crate::domain::project::health::Probe;
use crate::domain::project::hook::HookCommand;
use crate::domain::project::procedure::{
    Claim, Expected, Primitive, Procedure, ProcedureStep, Wait,
};
use crate::domain::project::project::Project;

/// Feeds the procedures; without any, the digest is what it was before there were such.
pub(super) fn feed_procedures(hasher: &mut Sha256, project: &Project) {
    if let Some(version) = &project.actions_version {
        feed(hasher, "actions_version");
        feed(hasher, version);
    }
    for procedure in &project.procedures {
        feed_model(
            hasher,
            "action",
            &procedure.name,
            &procedure_model(procedure),
        );
    }
}

/// Writes the model: one field for each property, input and step.
fn procedure_model(procedure: &Procedure) -> Model {
    let mut model = Model::new();
    put(&mut model, "hook", procedure.occasion.as_str());
    if let Some(mode) = procedure.mode {
        put(&mut model, "mode", mode.as_str());
    }
    put(&mut model, "cleanup", procedure.cleanup.to_string());
    for input in &procedure.inputs {
        let parts = [
            input.default.clone().unwrap_or_default(),
            input.default.is_some().to_string(),
            input.required.to_string(),
            input.secret.to_string(),
        ];
        put(
            &mut model,
            &format!("inputs.{}", input.name),
            argv_text(&parts),
        );
    }
    for (index, step) in procedure.steps.iter().enumerate() {
        put(&mut model, &format!("steps.{index:04}"), step_text(step));
    }
    model
}

/// Digests what a step does, however it is called, tried again and timed: what is finished under its label was this.
#[must_use]
pub fn step_digest(step: &ProcedureStep) -> Digest {
    let mut hasher = Sha256::new();
    feed(&mut hasher, step.primitive.verb().as_str());
    for part in primitive_parts(&step.primitive) {
        feed(&mut hasher, &part);
    }
    Digest(hex(&hasher.finalize()))
}

fn step_text(step: &ProcedureStep) -> String {
    let mut parts = vec![
        step.label.clone(),
        step.primitive.verb().as_str().to_owned(),
        step.retries.to_string(),
        step.backoff.map(millis).unwrap_or_default(),
        millis(step.timeout),
        step.cleanup.to_string(),
    ];
    parts.extend(primitive_parts(&step.primitive));
    for (path, digest) in &step.scripts {
        parts.push(path.to_string_lossy().into_owned());
        parts.push(digest.to_string());
    }
    argv_text(&parts)
}

fn primitive_parts(primitive: &Primitive) -> Vec<String> {
    match primitive {
        Primitive::Stop { services, keep } => {
            let mut parts = vec![keep.to_string()];
            parts.extend(services.iter().cloned());
            parts
        }
        Primitive::Start { services } | Primitive::Restart { services } => services.clone(),
        Primitive::Scale { service, to, keep } => {
            vec![service.clone(), to.to_string(), keep.to_string()]
        }
        Primitive::Exec { service, commands } => {
            let mut parts = vec![service.clone()];
            parts.extend(commands.iter().map(command_text));
            parts
        }
        Primitive::Run { command } => vec![command_text(command)],
        Primitive::Job {
            service,
            command,
            image,
        } => vec![
            service.clone(),
            command_text(command),
            image.clone().unwrap_or_default(),
        ],
        Primitive::Wait(Wait::Time(time)) => vec!["time".to_owned(), millis(*time)],
        Primitive::Wait(Wait::Health { service, .. }) => vec!["health".to_owned(), service.clone()],
        Primitive::Wait(Wait::Answer { service, ask }) => vec![service.clone(), ask_text(ask)],
        Primitive::Backup {
            volume,
            file,
            service,
            image,
        }
        | Primitive::Restore {
            volume,
            file,
            service,
            image,
        } => vec![
            volume.clone(),
            file.to_string_lossy().into_owned(),
            service.clone(),
            image.clone().unwrap_or_default(),
        ],
        Primitive::Assert { claim, expected } => assert_parts(claim, expected),
    }
}

fn assert_parts(claim: &Claim, expected: &Expected) -> Vec<String> {
    let mut parts = match claim {
        Claim::Exec { service, command } => vec![service.clone(), command_text(command)],
        Claim::Run(command) => vec![command_text(command)],
        Claim::Answer { service, ask } => vec![service.clone(), ask_text(ask)],
    };
    parts.push(expected.exit.to_string());
    for text in [&expected.contains, &expected.equals] {
        parts.push(text.is_some().to_string());
        parts.push(text.clone().unwrap_or_default());
    }
    parts
}

fn command_text(command: &HookCommand) -> String {
    match command {
        HookCommand::Shell(line) => line.clone(),
        HookCommand::Argv(argv) => argv_text(argv),
    }
}

fn ask_text(probe: &Probe) -> String {
    match probe {
        Probe::None => "none".to_owned(),
        Probe::Command(argv) => argv_text(argv),
        Probe::Shell(line) => line.clone(),
        Probe::Http { port, path } => format!("http:{port}{path}"),
        Probe::Tcp { port } => format!("tcp:{port}"),
    }
}

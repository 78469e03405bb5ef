//! Which platform carries a project out, and the way to it.
//!
//! In this order: what the command line or the file names; what the recorded state lives on (so that nothing is
//! ever looked for in the wrong place); Docker when an engine answers; else host processes, with one line said.

use std::collections::BTreeMap;
use std::path::Path;

use crate::adapters::providers::any::AnyProvider;
use crate::adapters::providers::process::provider::ProcessProvider;
use crate::app::failure::{Failure, FailureKind};
use crate::boot::world::state_store;
use crate::domain::project::project::{Project, ProviderKind};
use crate::formats::state;
use crate::ports::cas_store::CasStore;
use crate::ports::provider::ProviderError;

/// A platform, and what is to be said about the choice.
pub(super) struct Chosen {
    /// The platform.
    pub(super) provider: AnyProvider,
    /// Which kind it is.
    pub(super) kind: ProviderKind,
    /// What is to be said about the choice.
    pub(super) remark: Option<String>,
}

/// What the choice depends on beside the project.
pub(super) struct Asked<'a> {
    /// The platform named on the command line.
    pub(super) forced: Option<ProviderKind>,
    /// Variables of this process.
    pub(super) process_env: &'a BTreeMap<String, String>,
    /// This very program.
    pub(super) program: &'a Path,
}

/// Chooses and makes the platform of a project.
pub(super) async fn choose(project: &Project, asked: &Asked<'_>) -> Result<Chosen, Failure> {
    let named = match asked.forced.or(project.provider) {
        Some(kind) => Some(kind),
        None => recorded(project).await,
    };
    match named {
        Some(ProviderKind::Docker) => Ok(Chosen {
            provider: docker(asked.process_env).map_err(unreachable)?,
            kind: ProviderKind::Docker,
            remark: None,
        }),
        Some(ProviderKind::Process) => Ok(Chosen {
            provider: process(project, asked.program),
            kind: ProviderKind::Process,
            remark: None,
        }),
        None => Ok(found(project, asked).await),
    }
}

/// Host processes; also what stands in where only state, lock and journals are read, since it makes no call.
pub(super) fn process(project: &Project, program: &Path) -> AnyProvider {
    AnyProvider::Process(Box::new(ProcessProvider::new(&project.root, program)))
}

/// Reads which platform the recorded resources live on.
pub(super) async fn recorded(project: &Project) -> Option<ProviderKind> {
    let stored = state_store(project).get().await.ok().flatten()?;
    let record = state::decode(&stored.bytes).ok()?;
    if record.engine.is_empty() {
        None
    } else if record.engine.starts_with("process") {
        Some(ProviderKind::Process)
    } else {
        Some(ProviderKind::Docker)
    }
}

async fn found(project: &Project, asked: &Asked<'_>) -> Chosen {
    match ask_docker(asked.process_env).await {
        Ok(provider) => Chosen {
            provider,
            kind: ProviderKind::Docker,
            remark: None,
        },
        Err(error) => Chosen {
            provider: process(project, asked.program),
            kind: ProviderKind::Process,
            remark: Some(format!(
                "host processes are used, since {error}; `infra: {{ provider: … }}` in the file decides"
            )),
        },
    }
}

/// Asks whether a Docker engine answers.
#[cfg(feature = "docker")]
pub(super) async fn ask_docker(
    process_env: &BTreeMap<String, String>,
) -> Result<AnyProvider, ProviderError> {
    use crate::adapters::providers::docker::provider::DockerProvider;
    let provider = DockerProvider::new(process_env)?;
    provider.answers().await?;
    Ok(AnyProvider::Docker(Box::new(provider)))
}

/// There is no Docker in this build.
#[cfg(not(feature = "docker"))]
pub(super) async fn ask_docker(
    process_env: &BTreeMap<String, String>,
) -> Result<AnyProvider, ProviderError> {
    docker(process_env)
}

#[cfg(feature = "docker")]
fn docker(process_env: &BTreeMap<String, String>) -> Result<AnyProvider, ProviderError> {
    use crate::adapters::providers::docker::provider::DockerProvider;
    DockerProvider::new(process_env).map(|provider| AnyProvider::Docker(Box::new(provider)))
}

#[cfg(not(feature = "docker"))]
fn docker(_: &BTreeMap<String, String>) -> Result<AnyProvider, ProviderError> {
    Err(ProviderError::Unreachable {
        platform: "docker".to_owned(),
        endpoint: "none".to_owned(),
        cause: "this nkapp was built without Docker".to_owned(),
        hint: "build it with the feature `docker`".to_owned(),
    })
}

/// The failure of a platform that cannot be had.
pub(super) fn unreachable(error: ProviderError) -> Failure {
    let failure = Failure::new(FailureKind::Failed, error.to_string()).next("nkapp doctor");
    match error {
        ProviderError::Unreachable { hint, .. } if !hint.is_empty() => failure.hint(hint),
        ProviderError::Unreachable { .. }
        | ProviderError::Call { .. }
        | ProviderError::Missing { .. } => failure,
    }
}

//! What `doctor` looks at, and the demo's choice of a platform.

use std::collections::BTreeMap;
use std::path::Path;

use crate::adapters::clock::SystemClock;
use crate::adapters::processes::SystemProcesses;
#[cfg(feature = "docker")]
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::app::failure::Failure;
use crate::boot::line::runtime;
use crate::boot::world::own_folder;
use crate::cli::ground::Check;
use crate::domain::config::load::Loaded;
use crate::domain::ids::{EnvName, Epoch, Lineage, OpId, ProjectName, Scope};
use crate::domain::lease::ProcessProof;
use crate::domain::model::normal_image;
use crate::domain::project::project::{Project, ProviderKind};
use crate::formats::{lock, state};
use crate::ports::clock::Clock;
use crate::ports::process::Processes;
use crate::ports::provider::{Op, OpKind, Outcome, Provider, ProviderError};
use crate::ports::sink::NoSink;

/// Image of the demo on Docker.
const DEMO_IMAGE: &str = "busybox:stable";

fn check(
    name: &'static str,
    good: Option<bool>,
    finding: impl Into<String>,
    advice: Option<&str>,
) -> Check {
    Check {
        name,
        good,
        finding: finding.into(),
        advice: advice.map(ToOwned::to_owned),
    }
}

/// Looks at file, platform, own folder, state and lock.
pub(super) fn checks(
    loaded: &Loaded,
    file: &Path,
    environment: &BTreeMap<String, String>,
) -> Vec<Check> {
    let mut checks = vec![config(loaded, file), docker(environment), supervisors()];
    if let Some(project) = &loaded.project {
        checks.push(own(project));
        checks.push(recorded(project));
        checks.push(held(project));
    }
    checks
}

fn config(loaded: &Loaded, file: &Path) -> Check {
    let errors = loaded
        .diagnostics
        .iter()
        .filter(|finding| finding.is_error())
        .count();
    match &loaded.project {
        Some(project) => check(
            "project file",
            Some(true),
            format!(
                "{}: project {}, environment {}",
                file.display(),
                project.name,
                project.env
            ),
            None,
        ),
        None => check(
            "project file",
            Some(false),
            format!("{errors} errors"),
            Some("nkapp validate"),
        ),
    }
}

#[cfg(feature = "docker")]
fn docker(environment: &BTreeMap<String, String>) -> Check {
    let asked = DockerProvider::new(environment).and_then(|docker| {
        let described = docker.describe();
        let runtime = runtime().map_err(|failure| ProviderError::Missing {
            subject: failure.message,
        })?;
        runtime
            .block_on(docker.answers())
            .map(|()| format!("{described} answers"))
    });
    match asked {
        Ok(finding) => check("docker", Some(true), finding, None),
        Err(ProviderError::Unreachable {
            platform,
            endpoint,
            cause,
            hint,
        }) => check(
            "docker",
            Some(false),
            format!("{platform} does not answer at {endpoint}: {cause}"),
            Some(&hint),
        ),
        Err(error) => check(
            "docker",
            Some(false),
            error.to_string(),
            Some("is DOCKER_HOST right?"),
        ),
    }
}

#[cfg(not(feature = "docker"))]
fn docker(_environment: &BTreeMap<String, String>) -> Check {
    check("docker", None, "not in this build", None)
}

fn supervisors() -> Check {
    let me = SystemProcesses::new(None).me();
    let proven = SystemProcesses::new(None).proof(&me) == ProcessProof::Alive;
    check(
        "process proof",
        Some(proven),
        if proven {
            "the life of a lock's holder can be proven here"
        } else {
            "/proc cannot be read"
        },
        (!proven).then_some("locks of dead holders will have to be cleared by hand"),
    )
}

fn own(project: &Project) -> Check {
    let own = own_folder(&project.root);
    let probe = tempfile::Builder::new()
        .prefix(".nk-probe")
        .tempfile_in(if own.is_dir() { &own } else { &project.root });
    match probe {
        Ok(_) => check(
            "own folder",
            Some(true),
            format!("{} can be written", own.display()),
            None,
        ),
        Err(cause) => check(
            "own folder",
            Some(false),
            format!("{} cannot be written: {cause}", own.display()),
            Some("runs need it for journals and logs"),
        ),
    }
}

fn recorded(project: &Project) -> Check {
    let path = project.root.join(project.state_name());
    match std::fs::read(&path) {
        Ok(bytes) => match state::decode(&bytes) {
            Ok(decoded) => check(
                "state",
                Some(true),
                format!(
                    "{}: serial {}, {} resources",
                    path.display(),
                    decoded.record.serial,
                    decoded.record.resources.len()
                ),
                None,
            ),
            Err(error) => check(
                "state",
                Some(false),
                format!("{}: {error}", path.display()),
                Some("nkapp state rebuild"),
            ),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            check("state", None, "nothing was deployed from here yet", None)
        }
        Err(error) => check(
            "state",
            Some(false),
            format!("{}: {error}", path.display()),
            None,
        ),
    }
}

fn held(project: &Project) -> Check {
    let path = own_folder(&project.root)
        .join("lock")
        .join(project.state_name());
    match std::fs::read(&path) {
        Ok(bytes) => match lock::decode(&bytes) {
            Ok(record) if record.status == crate::domain::lease::LockStatus::Held => {
                let age = SystemClock.wall().0.saturating_sub(record.renewed_at.0) / 1000;
                check(
                    "lock",
                    None,
                    format!(
                        "held by {}@{}, renewed {age} s ago by its clock",
                        record.holder.user, record.holder.host
                    ),
                    Some("nkapp infra lock"),
                )
            }
            Ok(_) => check("lock", Some(true), "free", None),
            Err(error) => check(
                "lock",
                Some(false),
                format!("{}: {error}", path.display()),
                Some("nkapp infra lock"),
            ),
        },
        Err(_) => check("lock", Some(true), "free", None),
    }
}

/// Chooses the demo's platform and says in one line why, where it was not asked for: Docker when an engine answers
/// and the image is to be had, else host processes. A demo that runs already stays where it is.
pub(super) fn demo_platform(
    environment: &BTreeMap<String, String>,
    asked: Option<&str>,
    root: &Path,
) -> Result<(ProviderKind, Option<String>), Failure> {
    match asked {
        Some("process") => return Ok((ProviderKind::Process, None)),
        Some(_) => return Ok((ProviderKind::Docker, None)),
        None => {}
    }
    if let Some(kind) = crate::boot::workshop::platform_of(&root.join("state.json")) {
        return Ok((kind, None));
    }
    Ok(match demo_image(environment) {
        Ok(()) => (ProviderKind::Docker, None),
        Err(why) => (
            ProviderKind::Process,
            Some(format!("{why}; the demo runs on host processes")),
        ),
    })
}

/// Makes sure that the engine answers and has, or can fetch, the demo's image.
#[cfg(feature = "docker")]
fn demo_image(environment: &BTreeMap<String, String>) -> Result<(), String> {
    let docker =
        DockerProvider::new(environment).map_err(|_| "no Docker engine was found".to_owned())?;
    let runtime = runtime().map_err(|failure| failure.message)?;
    runtime.block_on(async {
        docker
            .answers()
            .await
            .map_err(|_| "no Docker engine answers".to_owned())?;
        let scope = demo_scope().ok_or("no scope")?;
        let image = normal_image(DEMO_IMAGE);
        let live = docker
            .observe(&scope, &[image.clone()].into())
            .await
            .map_err(|error| error.to_string())?;
        if live.images.contains_key(&image) || fetched(&docker, scope).await {
            Ok(())
        } else {
            Err(format!("Docker has no {DEMO_IMAGE} and cannot fetch it"))
        }
    })
}

#[cfg(not(feature = "docker"))]
fn demo_image(_environment: &BTreeMap<String, String>) -> Result<(), String> {
    Err("this build has no Docker".into())
}

/// Fetches the demo's image.
#[cfg(feature = "docker")]
async fn fetched(docker: &DockerProvider, scope: Scope) -> bool {
    let pull = Op {
        id: OpId::default(),
        fence: Epoch(0),
        scope,
        lineage: Lineage::default(),
        kind: OpKind::PullImage {
            image: DEMO_IMAGE.to_owned(),
        },
    };
    matches!(docker.apply(&pull, &NoSink).await, Outcome::Done(_))
}

fn demo_scope() -> Option<Scope> {
    Some(Scope {
        project: ProjectName::parse("shop").ok()?,
        env: EnvName::parse("local").ok()?,
        component: None,
    })
}

//! Where the session gets its project and its engine from: loads the file, chooses the platform, wires the world.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::adapters::clock::SystemClock;
use crate::adapters::providers::any::AnyProvider;
#[cfg(feature = "docker")]
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::adapters::providers::process::provider::ProcessProvider;
use crate::adapters::source_tree::ProjectFiles;
use crate::adapters::watch::FileWatch;
use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::Hydrated;
use crate::app::workshop::{Need, Workshop};
use crate::boot::hydrate::{self, Surroundings};
use crate::boot::world::{RealWorld, own_folder};
use crate::domain::config::load::Loaded;
use crate::domain::project::project::{Project, ProviderKind};
use crate::domain::time::Wall;
use crate::engine::engine::Engine;
use crate::formats::state;
use crate::ports::clock::Clock;
use crate::ports::provider::ProviderError;

/// Makes what the session works with; keeps the engine until project, platform or variables change.
pub struct RealWorkshop {
    surroundings: Surroundings,
    /// `--provider`, above what the file says.
    forced: Option<ProviderKind>,
    program: PathBuf,
    files: ProjectFiles,
    watch: RefCell<Option<FileWatch>>,
    loaded: RefCell<Loaded>,
    made: RefCell<Option<Made>>,
}

/// An engine and what it was made of.
struct Made {
    key: Key,
    engine: Rc<Engine<RealWorld>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    state: PathBuf,
    platform: ProviderKind,
    variables: std::collections::BTreeMap<String, String>,
}

impl RealWorkshop {
    /// Makes a workshop for a user who stands there; loads nothing yet.
    #[must_use]
    pub fn new(surroundings: Surroundings, forced: Option<ProviderKind>, program: PathBuf) -> Self {
        Self {
            surroundings,
            forced,
            program,
            files: ProjectFiles::new(),
            watch: RefCell::default(),
            loaded: RefCell::default(),
            made: RefCell::default(),
        }
    }

    /// Watches from now on whatever the project was loaded from, its state and its lock.
    #[must_use]
    pub fn watching(self, watch: FileWatch) -> Self {
        self.watch.replace(Some(watch));
        self
    }

    fn watch_files(&self, loaded: &Loaded) {
        let Some(watch) = &mut *self.watch.borrow_mut() else {
            return;
        };
        let state = loaded.project.iter().flat_map(|project| {
            let name = project.state_name();
            [
                project.root.join(&name),
                own_folder(&project.root).join("lock").join(&name),
            ]
        });
        if let Err(cause) = watch.watch(&loaded.watched, &state.collect()) {
            tracing::warn!(%cause, "a change of it will be noticed by the timer only");
        }
    }

    /// Chooses the platform: the command line's, the file's, the one the state's resources live on, else Docker
    /// where an engine answers, else host processes. Only that last question makes a call, and only if `ask`.
    async fn platform(&self, project: &Project, ask: bool) -> ProviderKind {
        if let Some(kind) = self
            .forced
            .or(project.provider)
            .or_else(|| recorded_platform(project))
        {
            return kind;
        }
        if let Some(made) = &*self.made.borrow() {
            return made.key.platform;
        }
        match self.docker() {
            Ok(AnyProvider::Docker(docker)) if ask => match docker.answers().await {
                Ok(()) => ProviderKind::Docker,
                Err(cause) => {
                    tracing::info!(%cause, "no docker engine answers; host processes are used");
                    ProviderKind::Process
                }
            },
            Ok(_) => ProviderKind::Docker,
            Err(_) => ProviderKind::Process,
        }
    }

    fn provider(&self, project: &Project, platform: ProviderKind) -> Result<AnyProvider, Failure> {
        match platform {
            ProviderKind::Docker => self.docker().map_err(|error| unreachable(&error)),
            ProviderKind::Process => Ok(AnyProvider::Process(Box::new(ProcessProvider::new(
                &project.root,
                &self.program,
            )))),
        }
    }

    #[cfg(feature = "docker")]
    fn docker(&self) -> Result<AnyProvider, ProviderError> {
        DockerProvider::new(&self.surroundings.process_env)
            .map(|docker| AnyProvider::Docker(Box::new(docker)))
    }
}

impl Workshop for RealWorkshop {
    type Engine = Engine<RealWorld>;

    fn hydrate(&self) -> Hydrated {
        let loaded = hydrate::load(&self.surroundings, &self.files);
        let hydrated = hydrate::hydrated(&loaded);
        self.watch_files(&loaded);
        self.loaded.replace(loaded);
        hydrated
    }

    async fn engine(&self, project: &Project, need: Need) -> Result<Rc<Self::Engine>, Failure> {
        let platform = self.platform(project, need == Need::Platform).await;
        let key = Key {
            state: project.root.join(project.state_name()),
            platform,
            variables: self.loaded.borrow().variables.clone(),
        };
        if let Some(made) = self.made.borrow().as_ref().filter(|made| made.key == key) {
            return Ok(Rc::clone(&made.engine));
        }
        let provider = self.provider(project, platform)?;
        let engine = Rc::new(Engine::new(RealWorld::new(
            project,
            provider,
            &key.variables,
        )));
        if need == Need::Platform {
            self.made.replace(Some(Made {
                key,
                engine: Rc::clone(&engine),
            }));
        }
        Ok(engine)
    }

    fn now(&self) -> Wall {
        SystemClock.wall()
    }
}

/// Returns the platform the recorded resources live on, so that a project never jumps to another one because an
/// engine is down.
fn recorded_platform(project: &Project) -> Option<ProviderKind> {
    platform_of(&project.root.join(project.state_name()))
}

/// Returns the platform a state document speaks of.
pub(super) fn platform_of(state: &Path) -> Option<ProviderKind> {
    let text = std::fs::read(state).ok()?;
    let record = state::decode(&text).ok()?.record;
    match record.engine.as_str() {
        "" => None,
        engine if engine.starts_with("process") => Some(ProviderKind::Process),
        _ => Some(ProviderKind::Docker),
    }
}

fn unreachable(error: &ProviderError) -> Failure {
    let failure = Failure::new(FailureKind::Failed, "the platform cannot be reached")
        .source(error.to_string());
    match error {
        ProviderError::Unreachable { hint, .. } => failure.hint(hint.clone()).next("nkapp doctor"),
        ProviderError::Call { .. } | ProviderError::Missing { .. } => failure.next("nkapp doctor"),
    }
}

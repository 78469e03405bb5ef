//! The real world behind the engine's ports, wired for one project in one environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::adapters::clock::SystemClock;
use crate::adapters::disk::ProjectDisk;
use crate::adapters::hooks::host::SystemHooks;
use crate::adapters::processes::SystemProcesses;
use crate::adapters::providers::any::AnyProvider;
use crate::adapters::random::SystemRandom;
use crate::adapters::secrets::ProjectSecrets;
use crate::adapters::stores::file::FileStore;
use crate::domain::project::project::Project;
use crate::ports::world::World;

/// Folder of our own files beside the project file.
pub const OWN_FOLDER: &str = ".nanokit";

/// Every port, on this machine.
#[derive(Debug)]
pub struct RealWorld {
    provider: AnyProvider,
    state: FileStore,
    lock: FileStore,
    leader: FileStore,
    clock: SystemClock,
    disk: ProjectDisk,
    hooks: SystemHooks,
    processes: SystemProcesses,
    random: SystemRandom,
    secrets: ProjectSecrets,
}

impl RealWorld {
    /// Wires a world; opens no connection. `process_env` is what this process was started with, `variables` what
    /// the `.env` hierarchy made of it, `program` this very program.
    #[must_use]
    pub fn new(
        project: &Project,
        provider: AnyProvider,
        process_env: &BTreeMap<String, String>,
        variables: BTreeMap<String, String>,
        program: PathBuf,
    ) -> Self {
        let own = own_folder(&project.root);
        let state = project.state_name();
        Self {
            provider,
            state: state_store(project),
            lock: FileStore::lock(&state, &own),
            leader: FileStore::lock(&format!("worker.{state}"), &own),
            clock: SystemClock,
            disk: ProjectDisk::new(own).with_elsewhere(elsewhere(process_env)),
            hooks: SystemHooks::new(process_env, program),
            processes: SystemProcesses::new(process_env.get("USER").cloned()),
            random: SystemRandom,
            secrets: ProjectSecrets::new(&project.root, variables),
        }
    }
}

/// Returns where a state may be saved that finds no room in the project: the user's own folders, then the temporary one.
fn elsewhere(process_env: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let of = |name: &str| process_env.get(name).filter(|value| value.starts_with('/'));
    let home = of("HOME").map(PathBuf::from);
    of("XDG_STATE_HOME")
        .map(PathBuf::from)
        .into_iter()
        .chain(home.iter().map(|home| home.join(".local/state")))
        .chain(home.clone())
        .chain([of("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)])
        .chain([PathBuf::from("/var/tmp")])
        .collect()
}

/// Returns the cell of a project's state document.
#[must_use]
pub fn state_store(project: &Project) -> FileStore {
    FileStore::state(
        project.root.join(project.state_name()),
        &own_folder(&project.root),
    )
}

/// Returns the folder of our own files for a project's folder.
#[must_use]
pub fn own_folder(root: &Path) -> PathBuf {
    root.join(OWN_FOLDER)
}

impl World for RealWorld {
    type Provider = AnyProvider;
    type Store = FileStore;
    type Clock = SystemClock;
    type Disk = ProjectDisk;
    type Hooks = SystemHooks;
    type Processes = SystemProcesses;
    type Random = SystemRandom;
    type Secrets = ProjectSecrets;

    fn provider(&self) -> &Self::Provider {
        &self.provider
    }
    fn state(&self) -> &Self::Store {
        &self.state
    }
    fn lock(&self) -> &Self::Store {
        &self.lock
    }
    fn leader(&self) -> &Self::Store {
        &self.leader
    }
    fn clock(&self) -> &Self::Clock {
        &self.clock
    }
    fn disk(&self) -> &Self::Disk {
        &self.disk
    }
    fn hooks(&self) -> &Self::Hooks {
        &self.hooks
    }
    fn processes(&self) -> &Self::Processes {
        &self.processes
    }
    fn random(&self) -> &Self::Random {
        &self.random
    }
    fn secrets(&self) -> &Self::Secrets {
        &self.secrets
    }
}

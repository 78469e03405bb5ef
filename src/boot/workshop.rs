//! The workshop behind the session: loads the file, connects the platform, keeps both until one of them changes.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;

use crate::adapters::clock::SystemClock;
use crate::adapters::source_tree::ProjectFiles;
use crate::adapters::watch::FileWatch;
use crate::app::failure::Failure;
use crate::app::notice::Hydrated;
use crate::app::workshop::{Need, Workshop};
use crate::boot::hydrate::{self, Surroundings};
use crate::boot::platform;
use crate::boot::world::{OWN_FOLDER, RealWorld};
use crate::domain::config::load::Loaded;
use crate::domain::project::project::{Project, ProviderKind};
use crate::domain::time::Wall;
use crate::engine::engine::Engine;
use crate::ports::clock::Clock;

/// What an engine was made for; another one is made when this changes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    root: PathBuf,
    state: String,
    provider: Option<ProviderKind>,
    variables: BTreeMap<String, String>,
}

type Kept = Option<(Key, Rc<Engine<RealWorld>>)>;

/// The workshop of this machine. Lives on the engine's thread.
pub struct RealWorkshop {
    surroundings: Surroundings,
    forced: Option<ProviderKind>,
    program: PathBuf,
    tree: ProjectFiles,
    /// What the front end loaded already; the first hydration takes it.
    first: RefCell<Option<Loaded>>,
    variables: RefCell<BTreeMap<String, String>>,
    watch: RefCell<Option<FileWatch>>,
    connected: RefCell<Kept>,
    offline: RefCell<Kept>,
    connecting: tokio::sync::Semaphore,
    remark: RefCell<Option<String>>,
    said: Cell<bool>,
}

impl RealWorkshop {
    /// Sets it up for a user who stands there; `forced` is the platform named on the command line, `program` this
    /// very program, for the supervisors of host processes.
    #[must_use]
    pub fn new(surroundings: Surroundings, forced: Option<ProviderKind>, program: PathBuf) -> Self {
        Self {
            surroundings,
            forced,
            program,
            tree: ProjectFiles::new(),
            first: RefCell::default(),
            variables: RefCell::default(),
            watch: RefCell::default(),
            connected: RefCell::default(),
            offline: RefCell::default(),
            connecting: tokio::sync::Semaphore::new(1),
            remark: RefCell::default(),
            said: Cell::new(false),
        }
    }

    /// Hands over what the front end loaded already, for the first hydration.
    #[must_use]
    pub fn with_loaded(self, first: Option<Loaded>) -> Self {
        self.first.replace(first);
        self
    }

    /// Watches from now on whatever the project was loaded from, its state and its lock.
    #[must_use]
    pub fn watching(self, watch: FileWatch) -> Self {
        self.watch.replace(Some(watch));
        self
    }

    fn key(&self, project: &Project) -> Key {
        Key {
            root: project.root.clone(),
            state: project.state_name(),
            provider: self.forced.or(project.provider),
            variables: self.variables.borrow().clone(),
        }
    }

    fn kept(slot: &RefCell<Kept>, key: &Key) -> Option<Rc<Engine<RealWorld>>> {
        let slot = slot.borrow();
        let (of, engine) = slot.as_ref()?;
        (of == key).then(|| Rc::clone(engine))
    }

    fn engine_of(
        &self,
        project: &Project,
        provider: crate::adapters::providers::any::AnyProvider,
    ) -> Rc<Engine<RealWorld>> {
        let variables = self.variables.borrow().clone();
        let world = RealWorld::new(
            project,
            provider,
            &self.surroundings.process_env,
            variables,
            self.program.clone(),
        );
        Rc::new(Engine::new(world))
    }

    fn arm(&self, loaded: &Loaded) {
        let mut watch = self.watch.borrow_mut();
        let Some(watch) = watch.as_mut() else { return };
        let mut state = BTreeSet::new();
        if let Some(project) = &loaded.project {
            let name = project.state_name();
            state.insert(project.root.join(&name));
            state.insert(project.root.join(OWN_FOLDER).join("lock").join(&name));
        }
        if let Err(error) = watch.watch(&loaded.watched, &state) {
            tracing::warn!(%error, "some files are not watched");
        }
    }
}

impl Workshop for RealWorkshop {
    type Engine = Engine<RealWorld>;

    fn hydrate(&self) -> Hydrated {
        let first = self.first.borrow_mut().take();
        let loaded = first.unwrap_or_else(|| hydrate::load(&self.surroundings, &self.tree));
        self.variables.borrow_mut().clone_from(&loaded.variables);
        self.arm(&loaded);
        hydrate::hydrated(&loaded)
    }

    async fn engine(
        &self,
        project: &Project,
        need: Need,
    ) -> Result<Rc<Engine<RealWorld>>, Failure> {
        let key = self.key(project);
        if let Some(engine) = Self::kept(&self.connected, &key) {
            return Ok(engine);
        }
        if need == Need::Store {
            if let Some(engine) = Self::kept(&self.offline, &key) {
                return Ok(engine);
            }
            let engine = self.engine_of(project, platform::process(project, &self.program));
            *self.offline.borrow_mut() = Some((key, Rc::clone(&engine)));
            return Ok(engine);
        }
        // One connects, the others wait for it and find it kept.
        let _turn = self.connecting.acquire().await;
        if let Some(engine) = Self::kept(&self.connected, &key) {
            return Ok(engine);
        }
        let asked = platform::Asked {
            forced: self.forced,
            process_env: &self.surroundings.process_env,
            program: &self.program,
        };
        let chosen = platform::choose(project, &asked).await?;
        if !self.said.get() {
            self.said.set(chosen.remark.is_some());
            *self.remark.borrow_mut() = chosen.remark;
        }
        let engine = self.engine_of(project, chosen.provider);
        *self.connected.borrow_mut() = Some((key, Rc::clone(&engine)));
        Ok(engine)
    }

    fn remark(&self) -> Option<String> {
        self.remark.borrow_mut().take()
    }

    fn now(&self) -> Wall {
        SystemClock.wall()
    }
}

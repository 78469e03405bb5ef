//! The workshop behind the session: loads the file, connects the platform, keeps both until one of them changes.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use crate::adapters::clock::SystemClock;
use crate::adapters::source_tree::ProjectFiles;
use crate::adapters::watch::{FileWatch, Watched};
use crate::app::failure::Failure;
use crate::app::notice::Hydrated;
use crate::app::worker::account::scope_of;
use crate::app::workshop::{Need, Workshop};
use crate::boot::hydrate::{self, Surroundings};
use crate::boot::platform;
use crate::boot::workers;
use crate::boot::world::{OWN_FOLDER, RealWorld};
use crate::domain::config::load::Loaded;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::project::project::{Project, ProviderKind};
use crate::domain::report::worker::WorkerReport;
use crate::domain::time::Wall;
use crate::domain::trace::id::Tracing;
use crate::engine::engine::Engine;
use crate::ports::clock::Clock;

/// How often a load is repeated because it named files that were not watched yet; each file names few others.
const ROUNDS: usize = 4;

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
    /// How runs are traced.
    tracing: Tracing,
    tree: ProjectFiles,
    /// What the front end loaded already; the first hydration takes it.
    first: RefCell<Option<Loaded>>,
    variables: RefCell<BTreeMap<String, String>>,
    watch: RefCell<Option<FileWatch>>,
    /// The files that are watched.
    watched: RefCell<Watched>,
    /// Whether it stays with the project it began with, and which that is.
    stays: bool,
    began: RefCell<Option<String>>,
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
            tracing: Tracing::default(),
            tree: ProjectFiles::new(),
            first: RefCell::default(),
            variables: RefCell::default(),
            watch: RefCell::default(),
            watched: RefCell::default(),
            connected: RefCell::default(),
            offline: RefCell::default(),
            connecting: tokio::sync::Semaphore::new(1),
            remark: RefCell::default(),
            said: Cell::new(false),
            stays: false,
            began: RefCell::default(),
        }
    }

    /// Says whether it stays with the project it began with, whatever the file says later.
    #[must_use]
    pub fn staying(mut self, stays: bool) -> Self {
        self.stays = stays;
        self
    }

    /// Hands over what the front end loaded already, for the first hydration.
    #[must_use]
    pub fn with_loaded(self, first: Option<Loaded>) -> Self {
        self.first.replace(first);
        self
    }

    /// Says how runs are traced, and what of that cannot be done; the session tells whoever listens.
    #[must_use]
    pub fn traced(mut self, tracing: Tracing, remarks: &[String]) -> Self {
        self.tracing = tracing;
        if !remarks.is_empty() {
            self.remark.replace(Some(remarks.join("\n")));
        }
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
        Rc::new(Engine::new(world).traced(self.tracing.clone()))
    }

    /// Watches what was loaded; tells whether files are among it that were not watched before.
    fn arm(&self, loaded: &Loaded) -> bool {
        let mut watch = self.watch.borrow_mut();
        let Some(watch) = watch.as_mut() else {
            return false;
        };
        let mut what = Watched {
            config: loaded.watched.clone(),
            ..Watched::default()
        };
        if let Some(project) = &loaded.project {
            let name = project.state_name();
            let own = project.root.join(OWN_FOLDER);
            what.state.insert(project.root.join(&name));
            what.state.insert(own.join(format!("ignored.{name}")));
            what.lock.insert(own.join("lock").join(&name));
        } else {
            // With a file that has got errors the last good one goes on, and so does what is recorded of it.
            let before = self.watched.borrow();
            what.state.clone_from(&before.state);
            what.lock.clone_from(&before.lock);
        }
        if let Err(error) = watch.watch(&what) {
            tracing::warn!(%error, "some files are not watched");
        }
        let before = self.watched.replace(what);
        !loaded.watched.is_subset(&before.config)
    }

    /// Refuses a file that has become one of another project or environment, where that is wanted: what is recorded,
    /// led and locked is of the old one, and nobody but a human can know whether both are the same.
    fn kept_to_its_project(&self, mut loaded: Loaded) -> Loaded {
        let Some(found) = loaded
            .project
            .as_ref()
            .filter(|_| self.stays)
            .map(|project| scope_of(project))
        else {
            return loaded;
        };
        let began = self
            .began
            .borrow_mut()
            .get_or_insert_with(|| found.clone())
            .clone();
        if began != found {
            let text = format!("it is of `{found}` now, and `{began}` is watched");
            let finding = Diagnostic::error("NK0003", text);
            loaded
                .diagnostics
                .push(finding.help("start a worker for the other project"));
            loaded.project = None;
        }
        loaded
    }
}

impl Workshop for RealWorkshop {
    type Engine = Engine<RealWorld>;

    fn hydrate(&self) -> Hydrated {
        let load = || self.kept_to_its_project(hydrate::load(&self.surroundings, &self.tree));
        let first = self.first.borrow_mut().take();
        let mut loaded = first.map_or_else(load, |first| self.kept_to_its_project(first));
        // What changed before it was watched nobody told us of: new files are read once more, now that they are.
        for _ in 0..ROUNDS {
            if !self.arm(&loaded) {
                break;
            }
            loaded = load();
        }
        // With a file that has got errors the last good one goes on, with the variables it was made of.
        let known = self.connected.borrow().is_some() || self.offline.borrow().is_some();
        if loaded.project.is_some() || !known {
            self.variables.borrow_mut().clone_from(&loaded.variables);
        }
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
            if let Some(chosen) = chosen.remark {
                let before = self.remark.take();
                let both = before.into_iter().chain([chosen]);
                self.remark
                    .replace(Some(both.collect::<Vec<_>>().join("\n")));
            }
        }
        let engine = self.engine_of(project, chosen.provider);
        *self.connected.borrow_mut() = Some((key, Rc::clone(&engine)));
        Ok(engine)
    }

    fn remark(&self) -> Option<String> {
        self.remark.borrow_mut().take()
    }

    async fn workers(&self, project: &Project) -> Vec<WorkerReport> {
        workers::of(project).await
    }

    fn now(&self) -> Wall {
        SystemClock.wall()
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test writes the user's file")]
mod tests {
    use super::*;

    fn workshop(folder: &std::path::Path) -> RealWorkshop {
        let surroundings = Surroundings {
            folder: folder.to_owned(),
            ..Surroundings::default()
        };
        let first = hydrate::load(&surroundings, &ProjectFiles::new());
        assert!(first.project.is_some(), "{:?}", first.diagnostics);
        RealWorkshop::new(surroundings, None, PathBuf::from("nkapp")).with_loaded(Some(first))
    }

    fn services(hydrated: &Hydrated) -> Vec<String> {
        let project = hydrated.project.as_ref();
        let services = project.map(|project| project.services.keys());
        services
            .into_iter()
            .flatten()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_file_that_is_of_another_project_now_is_refused_by_whoever_stays_with_his() {
        let folder = tempfile::tempdir().expect("folder");
        let write = |name: &str| {
            let text =
                format!("name: {name}\nservices:\n  one: {{ image: busybox, start: sleep 1 }}\n");
            std::fs::write(folder.path().join("nanokit.yml"), text).expect("project file");
        };
        write("shop");
        let (watch, _hints) = FileWatch::start().expect("watching");
        let worker = workshop(folder.path()).watching(watch).staying(true);
        let panel = workshop(folder.path());
        for shop in [&worker, &panel] {
            assert_eq!(services(&shop.hydrate()), ["one"]);
        }
        let records = worker.watched.borrow().state.clone();
        assert!(!records.is_empty());
        write("store");
        assert_eq!(services(&panel.hydrate()), ["one"]);
        let refused = worker.hydrate();
        assert!(refused.project.is_none());
        let said = &refused.diagnostics.last().expect("a reason").message;
        assert_eq!(
            said,
            "it is of `store/local` now, and `shop/local` is watched"
        );
        // What is recorded of the old one is watched on.
        assert_eq!(worker.watched.borrow().state, records);
        write("shop");
        assert_eq!(services(&worker.hydrate()), ["one"]);
    }

    #[test]
    fn a_change_between_the_first_load_and_its_watching_is_seen() {
        let folder = tempfile::tempdir().expect("folder");
        let write = |service: &str| {
            let text = format!(
                "name: shop\nservices:\n  {service}:\n    image: busybox\n    start: sleep 1\n"
            );
            std::fs::write(folder.path().join("nanokit.yml"), text).expect("project file");
        };
        write("old");
        let quiet = workshop(folder.path());
        let (watch, _hints) = FileWatch::start().expect("watching");
        let watching = workshop(folder.path()).watching(watch);
        write("new");
        // Who watches nothing works with what was loaded; who watches has to know what there is now.
        assert_eq!(services(&quiet.hydrate()), ["old"]);
        assert_eq!(services(&watching.hydrate()), ["new"]);
    }
}

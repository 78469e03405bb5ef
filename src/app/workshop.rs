//! Where the session gets its project and its engine from; implemented by the composition root.

use std::rc::Rc;

use crate::app::failure::Failure;
use crate::app::notice::Hydrated;
use crate::domain::project::project::Project;
use crate::domain::report::worker::WorkerReport;
use crate::domain::time::Wall;
use crate::engine::reconcile::Reconcile;

/// What a wish needs of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// State, lock and journals only: no platform is connected.
    Store,
    /// The platform too.
    Platform,
}

/// Makes what the session works with. Called again and again; answers are kept by whoever implements it.
#[expect(
    async_fn_in_trait,
    reason = "the session runs on the engine's thread; no Send bound is wanted"
)]
pub trait Workshop {
    /// The engine it makes.
    type Engine: Reconcile;
    /// Loads the project file, offline.
    fn hydrate(&self) -> Hydrated;
    /// Connects what is needed for that project, or hands out what is connected already.
    async fn engine(&self, project: &Project, need: Need) -> Result<Rc<Self::Engine>, Failure>;
    /// Returns what is to be said about the way the platform was chosen, once.
    fn remark(&self) -> Option<String> {
        None
    }
    /// Asks the workers of that project what they do.
    async fn workers(&self, _project: &Project) -> Vec<WorkerReport> {
        Vec::new()
    }
    /// Returns the time of day, for the stamps of events outside of runs.
    fn now(&self) -> Wall;
}

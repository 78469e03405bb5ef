//! The fold of all notices: the only state a front end shows.
//!
//! The types stand here; how a notice or an event changes them stands in `fold.rs`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::app::failure::Failure;
use crate::app::notice::{Heard, Hydrated, Link};
use crate::domain::history::view::RunView;
use crate::domain::ids::Address;
use crate::domain::lease::LockReport;
use crate::domain::plan::model::Plan;
use crate::domain::project::project::Project;
use crate::domain::report::worker::WorkerReport;
use crate::domain::report::{DriftReport, StatusReport, Usual};
use crate::domain::time::Wall;

/// Since when something is known to differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// When it was found.
    pub at: Wall,
    /// Whether nobody looked before, so that it may have come about at any time before.
    pub or_earlier: bool,
}

/// Everything a front end shows, as of one moment. Cheap to clone: big parts are shared.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The file.
    pub config: Option<Arc<Hydrated>>,
    /// The project as the file last gave one; kept while the file has errors.
    pub project: Option<Arc<Project>>,
    /// Why the last look of the session's own gave no plan, when the platform does answer.
    pub trouble: Option<Arc<Failure>>,
    /// The platform.
    pub link: Link,
    /// The last plan.
    pub plan: Option<Arc<Plan>>,
    /// Why that plan does not fit any more.
    pub plan_stale: Option<String>,
    /// How things stand.
    pub status: Option<Arc<StatusReport>>,
    /// What drifted.
    pub drift: Option<Arc<DriftReport>>,
    /// The lock.
    pub lock: Option<Arc<LockReport>>,
    /// The workers of this project, as they tell themselves.
    pub workers: Arc<Vec<WorkerReport>>,
    /// How long steps usually take, once that is known.
    pub usual: Option<Arc<Usual>>,
    /// The run on show.
    pub run: Option<RunView>,
    /// Since when each field of a resource is known to differ, by the field's path.
    pub drift_since: BTreeMap<Address, BTreeMap<String, Since>>,
    /// What the platform reported, newest last, at most [`Snapshot::HEARD`].
    pub heard: Arc<VecDeque<Heard>>,
    /// Remarks outside of runs, newest last, at most 100.
    pub remarks: Vec<(Wall, String)>,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            config: None,
            project: None,
            trouble: None,
            link: Link::Connecting,
            plan: None,
            plan_stale: None,
            status: None,
            drift: None,
            lock: None,
            workers: Arc::default(),
            usual: None,
            run: None,
            drift_since: BTreeMap::new(),
            heard: Arc::default(),
            remarks: Vec::new(),
        }
    }
}

impl Snapshot {
    /// How many reports of the platform are kept.
    pub const HEARD: usize = 400;
    /// How many remarks outside of runs are kept.
    pub const REMARKS: usize = 100;

    /// Returns the project as the file has it, or as it had it before it got errors.
    #[must_use]
    pub fn known(&self) -> Option<&Arc<Project>> {
        let now = self.config.as_ref();
        now.and_then(|config| config.project.as_ref())
            .or(self.project.as_ref())
    }
    /// Tells whether the file has errors now.
    #[must_use]
    pub fn is_faulty(&self) -> bool {
        let config = self.config.as_ref();
        config.is_some_and(|config| config.project.is_none())
    }
}

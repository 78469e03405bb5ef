//! Finds the restores that did not get to their end: which of the unsettled resources they had begun with.
//!
//! Nothing is read where everything is settled. What a run did stands in its own journal of events; the newest run
//! that began with a resource is the one that counts, and only a restore leaves drift behind.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::event::{EventKind, StepOutcome};
use crate::domain::ids::{Address, RunId, Scope};
use crate::domain::lease::{LeaseTimes, LockStatus, Verdict, Watch};
use crate::domain::plan::model::Purpose;
use crate::domain::project::project::Project;
use crate::engine::emit::journal_of;
use crate::engine::lock_report;
use crate::engine::runs;
use crate::formats::event::{self, decode_line};
use crate::ports::disk::Disk;
use crate::ports::world::World;

/// How many runs are read at most.
const RUNS: usize = 32;
/// Longest journal that is read, in bytes.
const LIMIT: u64 = 16 << 20;

/// Names the restore that each of these resources was left half done by, if it was one.
pub(super) async fn half_done<W: World>(
    world: &W,
    project: &Project,
    mut unsettled: BTreeSet<Address>,
) -> BTreeMap<Address, RunId> {
    let mut found = BTreeMap::new();
    if unsettled.is_empty() {
        return found;
    }
    let under_way = under_way(world, project).await;
    let newest = runs::ids(world).unwrap_or_default().into_iter().rev();
    for run in newest.take(RUNS).map(RunId) {
        if unsettled.is_empty() {
            break;
        }
        let Ok(Some(bytes)) = world.disk().read(&journal_of(&run), LIMIT) else {
            continue;
        };
        let Some(course) = Course::of(&bytes, &project.scope()) else {
            continue;
        };
        for (address, done) in course.begun {
            // Whatever is under way is not left half done yet.
            let left = course.restores && !done && under_way.as_ref() != Some(&run);
            if unsettled.remove(&address) && left {
                found.insert(address, run.clone());
            }
        }
        tokio::task::yield_now().await;
    }
    found
}

/// Returns the run that holds the lock, unless it is proven to be gone.
async fn under_way<W: World>(world: &W, project: &Project) -> Option<RunId> {
    let times = LeaseTimes::of(project.lock_lease);
    let look = lock_report::look(world, &mut Watch::default(), &times).await;
    let record = look.report.record?;
    let held = record.status == LockStatus::Held && look.report.verdict != Verdict::Dead;
    held.then_some(record.occupation.run_id)
}

/// What a run did, as far as it got.
struct Course {
    restores: bool,
    /// What it began with, and whether that was done.
    begun: BTreeMap<Address, bool>,
}

impl Course {
    /// Reads it from the journal of events; `None`: it is of another project or environment, or did not get far.
    fn of(bytes: &[u8], scope: &Scope) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (mut restores, mut ours) = (false, false);
        let mut begun = BTreeMap::new();
        for line in text.lines() {
            match event::kind_of(line) {
                "plan_made" => ours = event::glance(line)?.scope == *scope,
                "run_started" | "action_started" | "action_finished" => {
                    let Some(event) = decode_line(line) else {
                        continue;
                    };
                    match (event.kind, event.address) {
                        (EventKind::RunStarted { command, .. }, _) => {
                            restores = command == Purpose::Restore.as_str();
                        }
                        (EventKind::ActionStarted { .. }, Some(address)) => {
                            begun.insert(address, false);
                        }
                        (EventKind::ActionFinished { outcome, .. }, Some(address)) => {
                            begun.insert(address, outcome == StepOutcome::Done);
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        ours.then_some(Self { restores, begun })
    }
}

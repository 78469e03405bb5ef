//! What a run begins with: what was asked for, its trace, and how long it will probably take.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::event::Origin;
use crate::domain::history::predict::predict;
use crate::domain::ids::TraceId;
use crate::domain::plan::forecast::Prediction;
use crate::domain::plan::model::Plan;
use crate::domain::project::project::Project;
use crate::domain::run::retry::Guide;
use crate::engine::reconcile::RunRequest;
use crate::engine::runs::usual;
use crate::formats::text::hex;
use crate::ports::random::Random;
use crate::ports::world::World;

/// Says from past runs how long a plan will probably take; `None` for one that does nothing, or never ran.
pub(super) async fn predicted<W: World>(
    world: &W,
    project: &Project,
    request: &RunRequest,
    plan: &Arc<Plan>,
) -> Option<Prediction> {
    if plan.is_empty() {
        return None;
    }
    let usual = usual(world, &project.scope()).await;
    let guide = Guide::of(plan, project, None);
    predict(plan, guide, &usual, request.options)
}

/// Notes what a run was begun with.
pub(super) fn origin(request: &RunRequest) -> Origin {
    let options = request.options;
    let mut inputs = BTreeMap::from([
        ("schedule".to_owned(), options.schedule.as_str().to_owned()),
        ("parallelism".to_owned(), options.parallelism.to_string()),
    ]);
    let targets: Vec<&str> = request.plan.targets.iter().map(String::as_str).collect();
    if !targets.is_empty() {
        inputs.insert("services".to_owned(), targets.join(", "));
    }
    if request.force {
        inputs.insert("force".to_owned(), "yes".to_owned());
    }
    Origin {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        inputs,
    }
}

/// Makes the trace of a run.
pub(super) fn trace_id<W: World>(world: &W) -> TraceId {
    let mut bytes = [0; 16];
    world.random().fill(&mut bytes);
    TraceId(hex(&bytes))
}

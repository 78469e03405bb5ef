//! How everything stands, and what drifted: discovery here, the judgement in `domain::report`.

use std::sync::Arc;

use crate::domain::graph::build::Graph;
use crate::domain::plan::build::PlanInput;
use crate::domain::plan::model::PlanRequest;
use crate::domain::project::project::Project;
use crate::domain::report::drift::{drift as report_drift, everything};
use crate::domain::report::status::status as report_status;
use crate::domain::report::{DriftReport, StatusReport};
use crate::engine::amend;
use crate::engine::discover::{discover, make_plan};
use crate::engine::reconcile::{EngineError, Survey};
use crate::ports::clock::Clock;
use crate::ports::provider::Provider;
use crate::ports::world::World;

/// Looks how everything stands.
pub(super) async fn status<W: World>(
    world: &W,
    project: &Project,
) -> Result<StatusReport, EngineError> {
    look(world, project, report_status).await
}

/// Compares live and recorded.
pub(super) async fn drift<W: World>(
    world: &W,
    project: &Project,
) -> Result<DriftReport, EngineError> {
    let report = look(world, project, report_drift).await?;
    Ok(set_aside(world, project, report))
}

/// Sets aside what is ignored now. A list that cannot be read hides nothing.
fn set_aside<W: World>(world: &W, project: &Project, report: DriftReport) -> DriftReport {
    match amend::ignored(world, project) {
        Ok(ignored) => report.without(&ignored, world.clock().wall()),
        Err(error) => {
            tracing::warn!(%error, "nothing is ignored");
            report
        }
    }
}

/// Looks once and judges all of it.
pub(super) async fn survey<W: World>(
    world: &W,
    project: &Project,
    request: Option<&PlanRequest>,
) -> Result<Survey, EngineError> {
    let mut found = discover(world, project, true).await?;
    let graph = Graph::of(project);
    let all = everything();
    let input = PlanInput {
        project,
        graph: &graph,
        live: &found.live,
        record: found.keeper.record(),
        digests: &found.digests,
        capabilities: world.provider().capabilities(),
        request: &all,
    };
    let (status, drift) = (report_status(&input), report_drift(&input));
    let drift = set_aside(world, project, drift);
    let missing = found.missing.take();
    let plan = request.map(|request| match missing {
        Some(missing) if request.purpose.builds() && !missing.is_for_later() => Err(missing.into()),
        Some(_) | None => {
            let seen = (&found.live, found.keeper.record(), &found.digests);
            Ok(Arc::new(make_plan(world, project, seen, request)))
        }
    });
    Ok(Survey {
        status,
        drift,
        plan,
    })
}

async fn look<W: World, T>(
    world: &W,
    project: &Project,
    report: impl Fn(&PlanInput<'_>) -> T,
) -> Result<T, EngineError> {
    let found = discover(world, project, true).await?;
    let graph = Graph::of(project);
    let request = everything();
    Ok(report(&PlanInput {
        project,
        graph: &graph,
        live: &found.live,
        record: found.keeper.record(),
        digests: &found.digests,
        capabilities: world.provider().capabilities(),
        request: &request,
    }))
}

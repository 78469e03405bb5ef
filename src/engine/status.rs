//! How everything stands, and what drifted: discovery here, the judgement in `domain::report`.

use std::sync::Arc;

use crate::domain::graph::build::Graph;
use crate::domain::ids::Address;
use crate::domain::plan::build::{NOTHING_ASIDE, PlanInput, build};
use crate::domain::plan::model::{PlanRequest, Purpose};
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::domain::report::drift::{drift as report_drift, everything};
use crate::domain::report::held::held;
use crate::domain::report::status::status as report_status;
use crate::domain::report::{Conflict, DriftReport, StatusReport};
use crate::engine::amend;
use crate::engine::damage::{check_lineage, conflict, missing};
use crate::engine::discover::{Found, check_engine, discover, make_plan, observe, with_input};
use crate::engine::half_done::half_done;
use crate::engine::keeper::Keeper;
use crate::engine::reconcile::{EngineError, Survey};
use crate::engine::unfinished::foreseen;
use crate::ports::clock::Clock;
use crate::ports::provider::Provider;
use crate::ports::world::World;

/// Looks how everything stands.
pub(super) async fn status<W: World>(
    world: &W,
    project: &Project,
) -> Result<StatusReport, EngineError> {
    let found = discover(world, project, true).await?;
    let mut status = judged(world, project, &found).await.0;
    status.conflict = fit(world, project, &found).await.1;
    Ok(status)
}

/// Tells whether the state fits what is there: why nothing may be changed, and what is to be said of it.
async fn fit<W: World>(
    world: &W,
    project: &Project,
    found: &Found,
) -> (Result<(), EngineError>, Option<Conflict>) {
    let record = found.keeper.record();
    let fits = check_lineage(world, project, record, &found.live).await;
    let told = match (&fits, record) {
        (Err(error), _) => conflict(error),
        // Where nothing is there a deployment may begin anew, but not the first one.
        (Ok(()), None) => {
            let missing = missing(world, &project.scope()).await;
            missing.err().as_ref().and_then(conflict)
        }
        (Ok(()), Some(_)) => None,
    };
    (fits, told)
}

/// Makes every check of state and journals that other commands make, and returns the record. Where the platform does
/// not answer, or nobody `looks`, what is there is not compared.
pub(super) async fn examine<W: World>(
    world: &W,
    project: &Project,
    looks: bool,
) -> Result<Option<Record>, EngineError> {
    let keeper = Keeper::open(world, &project.scope()).await?;
    let record = keeper.record();
    if looks && let Ok(live) = observe(world, project).await {
        check_engine(record, &live)?;
        check_lineage(world, project, record, &live).await?;
    }
    if record.is_none() {
        missing(world, &project.scope()).await?;
    }
    Ok(record.cloned())
}

/// Compares live and recorded.
pub(super) async fn drift<W: World>(
    world: &W,
    project: &Project,
) -> Result<DriftReport, EngineError> {
    let found = discover(world, project, true).await?;
    // Without the state that belongs to what is there, that nothing drifted would be a lie.
    check_lineage(world, project, found.keeper.record(), &found.live).await?;
    Ok(judged(world, project, &found).await.1)
}

/// Judges what was found; what a restore did not finish counts as drifted, what is ignored does not.
async fn judged<W: World>(
    world: &W,
    project: &Project,
    found: &Found,
) -> (StatusReport, DriftReport) {
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
        aside: NOTHING_ASIDE,
    };
    let drift = report_drift(&PlanInput {
        live: &foreseen(&found.live, found.keeper.record()),
        ..input
    });
    let restores = half_done(world, project, drift.unsettled()).await;
    let drift = drift.with_half_done(restores);
    let status = report_status(&input).with_half_done(&drift);
    let drift = set_aside(world, project, drift);
    let drift = hold_back(world, (project, found), drift);
    (status.without_ignored(&drift), drift)
}

/// Notes what a restore would put back in another way than it was recorded.
fn hold_back<W: World>(
    world: &W,
    (project, found): (&Project, &Found),
    drift: DriftReport,
) -> DriftReport {
    if drift.drifted.is_empty() {
        return drift;
    }
    let request = PlanRequest {
        purpose: Purpose::Restore,
        targets: drift.drifted.keys().map(Address::target).collect(),
        ..everything()
    };
    let seen = (&found.live, found.keeper.record(), &found.digests);
    let held = with_input(world, project, seen, &request, |input| {
        held(input, &build(input))
    });
    drift.with_held(held)
}

/// Sets aside what is ignored now. A list that cannot be read hides nothing, and is told.
fn set_aside<W: World>(world: &W, project: &Project, report: DriftReport) -> DriftReport {
    match amend::ignored(world, project) {
        Ok(ignored) => report.without(&ignored, world.clock().wall()),
        Err(error) => {
            let hint = error.advice().unwrap_or_default();
            report.undecided(format!("{error}; {hint}"))
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
    let (mut status, drift) = judged(world, project, &found).await;
    let (fits, told) = fit(world, project, &found).await;
    status.conflict = told;
    let missing = found.missing.take();
    let plan = request.map(|request| match (fits, missing) {
        (Err(error), _) => Err(error),
        (Ok(()), Some(missing)) if request.purpose.builds() && !missing.is_for_later() => {
            Err(missing.into())
        }
        (Ok(()), Some(_) | None) => {
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

//! Wishes about drift: looking, deciding, leading among those who restore it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::app::command::{Amendment, Ticket};
use crate::app::desk::Desk;
use crate::app::failure::Failure;
use crate::app::look;
use crate::app::notice::{End, Notice};
use crate::app::work::{STREAM, forward, run_for};
use crate::app::workshop::{Need, Workshop};
use crate::domain::ids::Address;
use crate::domain::plan::model::{Plan, PlanRequest, Purpose};
use crate::domain::run::options::{RunOptions, Schedule};
use crate::engine::reconcile::{EngineError, Reconcile, RunRequest};

/// Workers of a restore.
const WORKERS: usize = 8;

pub(super) async fn drift<W: Workshop>(desk: &Desk<'_, W>, ticket: Ticket) -> Result<End, Failure> {
    let project = desk.project()?;
    let engine = desk.engine(&project, Need::Platform).await?;
    let report = engine.drift(&project).await?;
    look::tell_drift(desk, Some(ticket), report);
    Ok(End::Plain)
}

pub(super) async fn amend<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
    amendment: &Amendment,
) -> Result<End, Failure> {
    let project = desk.known()?;
    let need = match amendment {
        Amendment::Accept { .. } => Need::Platform,
        Amendment::Ignore { .. } | Amendment::Unignore { .. } => Need::Store,
    };
    let engine = desk.engine(&project, need).await?;
    let mut amended = engine.amend(&project, amendment).await;
    // What neither the file nor the state has may still run: that only the platform can tell.
    if matches!(amendment, Amendment::Ignore { .. })
        && matches!(amended, Err(EngineError::Refused(_)))
        && let Ok(engine) = desk.engine(&project, Need::Platform).await
    {
        amended = engine.amend(&project, amendment).await;
    }
    let lines = amended?;
    desk.send(Notice::Amended { ticket, lines }).await;
    Ok(End::Plain)
}

pub(super) async fn ignored<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
) -> Result<End, Failure> {
    let project = desk.known()?;
    let engine = desk.engine(&project, Need::Store).await?;
    let all = Arc::new(engine.ignored(&project).await?);
    desk.send(Notice::Ignored { ticket, all }).await;
    Ok(End::Plain)
}

pub(super) async fn lead<W: Workshop>(desk: &Desk<'_, W>) -> Result<End, Failure> {
    let project = desk.known()?;
    let engine = desk.engine(&project, Need::Store).await?;
    let (updates, received) = mpsc::channel(STREAM);
    let work = engine.lead(&project, desk.resigns(), updates);
    forward(work, received, async |news| {
        desk.send(Notice::Leadership(news)).await;
    })
    .await?;
    Ok(End::Plain)
}

/// What was recorded is put back by the record, so a file that has got errors since is no reason not to.
pub(super) async fn restore<W: Workshop>(
    desk: &Desk<'_, W>,
    request: &RunRequest,
) -> Result<End, Failure> {
    let project = desk.known()?;
    run_for(desk, &project, request).await
}

/// A restore changes what drifted back and nothing else, so it never needs `force`.
pub(super) fn restore_request(
    addresses: &[Address],
    approved: Option<Arc<Plan>>,
    lock_wait: Duration,
) -> RunRequest {
    // What was approved was made for its own targets; another set would make another plan.
    let targets = match &approved {
        Some(plan) => plan.targets.clone(),
        None => addresses.iter().map(Address::target).collect(),
    };
    let unseen = approved.is_none();
    RunRequest {
        plan: PlanRequest {
            purpose: Purpose::Restore,
            targets,
            flow: crate::domain::flow::FlowRequest::default(),
        },
        approved,
        force: false,
        options: RunOptions {
            schedule: Schedule::Layered,
            parallelism: WORKERS,
            unseen,
        },
        lock_wait,
    }
}

//! How each wish is fulfilled: one question to the engine, its answer as notices.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::app::command::{Command, ExecRequest, LogRequest, Stop, Ticket, UnlockRequest};
use crate::app::desk::Desk;
use crate::app::failure::{Failure, FailureKind};
use crate::app::keeping;
use crate::app::kept;
use crate::app::look;
use crate::app::notice::{End, Notice};
use crate::app::workshop::{Need, Workshop};
use crate::domain::event::RunOutcome;
use crate::domain::ids::{RunId, StepId};
use crate::domain::plan::model::PlanRequest;
use crate::domain::project::project::Project;
use crate::domain::project::service::Service;
use crate::engine::reconcile::{Reconcile, RunEnd, RunRequest};

/// Messages a stream of the engine may be ahead of the session.
pub(super) const STREAM: usize = 1_024;

/// Fulfils a wish and tells how it ended.
pub(super) async fn fulfil<W: Workshop>(desk: &Desk<'_, W>, ticket: Ticket, command: Command) {
    match answer(desk, ticket, command).await {
        Ok(end) => desk.send(Notice::Done { ticket, end }).await,
        Err(failure) => {
            desk.send(Notice::Failed {
                ticket: Some(ticket),
                failure,
            })
            .await;
        }
    }
}

async fn answer<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
    command: Command,
) -> Result<End, Failure> {
    match command {
        Command::Plan {
            request,
            output,
            save,
        } => plan(desk, ticket, &request, output.as_deref(), save).await,
        Command::OpenPlan { path } => open_plan(desk, ticket, &path).await,
        Command::Run {
            request,
            approved,
            force,
            options,
            lock_wait,
        } => {
            let request = RunRequest {
                plan: request,
                approved,
                force,
                options,
                lock_wait,
            };
            run(desk, &request).await
        }
        Command::Restore {
            addresses,
            approved,
            lock_wait,
        } => {
            let request = keeping::restore_request(&addresses, approved, lock_wait);
            keeping::restore(desk, &request).await
        }
        Command::Status => status(desk, ticket).await,
        Command::Drift => keeping::drift(desk, ticket).await,
        Command::Lock { watch_for } => lock(desk, ticket, watch_for).await,
        Command::Unlock { request } => unlock(desk, ticket, &request).await,
        Command::LockHistory => kept::lock_history(desk, ticket).await,
        Command::Record => kept::record(desk, ticket).await,
        Command::Stored => kept::stored(desk, ticket).await,
        Command::Installs => installs(desk, ticket).await,
        Command::Rebuild => kept::rebuild(desk, ticket).await,
        Command::Push { record, force } => kept::push(desk, ticket, &record, force).await,
        Command::Runs => runs(desk, ticket).await,
        Command::RunEvents { run } => run_events(desk, ticket, &run).await,
        Command::StepOutput { run, step } => step_output(desk, ticket, &run, &step).await,
        Command::Logs { request } => logs(desk, ticket, &request).await,
        Command::Exec { request } => exec(desk, ticket, &request).await,
        Command::Amend { amendment } => keeping::amend(desk, ticket, &amendment).await,
        Command::Ignored => keeping::ignored(desk, ticket).await,
        Command::Lead => keeping::lead(desk).await,
        // The session does these itself before it comes here.
        Command::Look
        | Command::Prove
        | Command::Resign
        | Command::Reload
        | Command::Stop { .. }
        | Command::Watch { .. }
        | Command::Forget { .. } => Ok(End::Plain),
    }
}

async fn plan<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
    request: &PlanRequest,
    output: Option<&Path>,
    save: bool,
) -> Result<End, Failure> {
    let project = desk.project_for(&request.purpose)?;
    let engine = desk.engine(&project, Need::Platform).await?;
    let plan = engine.plan(&project, request).await?;
    if !plan.is_empty() && desk.look(|s| s.usual.is_none()) {
        look::learn(desk).await;
    }
    let mut saved_at = None;
    if save {
        // A disk that takes nothing is no reason not to look: only a file that was asked for has to be written.
        match engine.save_plan(&plan, None).await {
            Ok(place) => saved_at = Some(place),
            Err(error) => tracing::warn!(%error, "the plan was not saved"),
        }
        if output.is_some() {
            saved_at = Some(engine.save_plan(&plan, output).await?);
        }
    }
    desk.send(Notice::Planned {
        ticket: Some(ticket),
        plan,
        saved_at,
    })
    .await;
    Ok(End::Plain)
}

async fn open_plan<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
    path: &Path,
) -> Result<End, Failure> {
    let project = desk.project()?;
    let engine = desk.engine(&project, Need::Store).await?;
    let plan = engine.saved_plan(Some(path)).await?;
    desk.send(Notice::Planned {
        ticket: Some(ticket),
        plan,
        saved_at: Some(path.display().to_string()),
    })
    .await;
    Ok(End::Plain)
}

async fn status<W: Workshop>(desk: &Desk<'_, W>, ticket: Ticket) -> Result<End, Failure> {
    let project = desk.project()?;
    let engine = desk.engine(&project, Need::Platform).await?;
    let report = Arc::new(engine.status(&project).await?);
    desk.send(Notice::Status {
        ticket: Some(ticket),
        report,
    })
    .await;
    Ok(End::Plain)
}

async fn installs<W: Workshop>(desk: &Desk<'_, W>, ticket: Ticket) -> Result<End, Failure> {
    let project = desk.project()?;
    let asks = |service: &Service| service.provisioning.is_some();
    // Without an installation in the file no platform is asked.
    let reports = if project.services.values().any(asks) {
        let engine = desk.engine(&project, Need::Platform).await?;
        engine.installs(&project).await?
    } else {
        Vec::new()
    };
    let reports = Arc::new(reports);
    desk.send(Notice::Installs { ticket, reports }).await;
    Ok(End::Plain)
}

async fn runs<W: Workshop>(desk: &Desk<'_, W>, ticket: Ticket) -> Result<End, Failure> {
    let project = desk.known()?;
    let engine = desk.engine(&project, Need::Store).await?;
    let runs = Arc::new(engine.runs().await?);
    desk.send(Notice::Runs { ticket, runs }).await;
    Ok(End::Plain)
}

async fn run_events<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
    run: &RunId,
) -> Result<End, Failure> {
    let project = desk.known()?;
    let engine = desk.engine(&project, Need::Store).await?;
    let events = Arc::new(engine.run_events(run).await?);
    desk.send(Notice::RunEvents { ticket, events }).await;
    Ok(End::Plain)
}

async fn run<W: Workshop>(desk: &Desk<'_, W>, request: &RunRequest) -> Result<End, Failure> {
    let project = desk.project_for(&request.plan.purpose)?;
    run_for(desk, &project, request).await
}

pub(super) async fn run_for<W: Workshop>(
    desk: &Desk<'_, W>,
    project: &Project,
    request: &RunRequest,
) -> Result<End, Failure> {
    let stops = desk.stops();
    let engine = desk.engine(project, Need::Platform).await?;
    if *stops.borrow() != Stop::Run {
        return Err(Failure::new(
            FailureKind::Interrupted,
            "interrupted before it began",
        ));
    }
    let (events, received) = mpsc::channel(STREAM);
    let work = engine.run(project, request, stops, events);
    let end: RunEnd = forward(work, received, async |event| {
        desk.send(Notice::Event(event)).await;
    })
    .await;
    match (end.error, end.outcome) {
        (None, RunOutcome::Ok) => Ok(End::Run(RunOutcome::Ok)),
        (Some(error), _) => Err(error.into()),
        (None, RunOutcome::Cancelled) => {
            Err(Failure::new(FailureKind::Interrupted, "interrupted").next("nkapp deploy"))
        }
        (None, RunOutcome::Refused) => {
            Err(Failure::new(FailureKind::Refused, "the run was refused"))
        }
        (None, RunOutcome::Failed) => Err(Failure::new(FailureKind::Failed, "the run failed")),
    }
}

async fn lock<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
    watch_for: Duration,
) -> Result<End, Failure> {
    let project = desk.known()?;
    let engine = desk.engine(&project, Need::Store).await?;
    let (updates, received) = mpsc::channel(STREAM);
    let work = engine.lock(&project, watch_for, Some(updates));
    let report = forward(work, received, async |report| {
        desk.send(Notice::Lock {
            ticket: Some(ticket),
            report: Arc::new(report),
            watching: true,
        })
        .await;
    })
    .await?;
    desk.send(Notice::Lock {
        ticket: Some(ticket),
        report: Arc::new(report),
        watching: false,
    })
    .await;
    Ok(End::Plain)
}

async fn unlock<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
    request: &UnlockRequest,
) -> Result<End, Failure> {
    let project = desk.project()?;
    let engine = desk.engine(&project, Need::Store).await?;
    let end = engine.unlock(&project, request).await?;
    desk.send(Notice::Unlocked { ticket, end }).await;
    Ok(End::Plain)
}

async fn logs<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
    request: &LogRequest,
) -> Result<End, Failure> {
    let project = desk.known()?;
    let engine = desk.engine(&project, Need::Platform).await?;
    let (lines, received) = mpsc::channel(STREAM);
    let work = engine.logs(&project, request, lines);
    forward(work, received, async |line| {
        desk.send(Notice::Output { ticket, line }).await;
    })
    .await?;
    Ok(End::Plain)
}

async fn step_output<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
    run: &RunId,
    step: &StepId,
) -> Result<End, Failure> {
    let project = desk.known()?;
    let engine = desk.engine(&project, Need::Store).await?;
    let (lines, received) = mpsc::channel(STREAM);
    let work = engine.step_output(run, step, lines);
    forward(work, received, async |line| {
        desk.send(Notice::Output { ticket, line }).await;
    })
    .await?;
    Ok(End::Plain)
}

async fn exec<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
    request: &ExecRequest,
) -> Result<End, Failure> {
    let project = desk.project()?;
    let engine = desk.engine(&project, Need::Platform).await?;
    let (lines, received) = mpsc::channel(STREAM);
    let work = engine.exec(&project, request, lines);
    let code = forward(work, received, async |line| {
        desk.send(Notice::Output { ticket, line }).await;
    })
    .await?;
    Ok(End::Exit(code))
}

/// Polls the work and its stream side by side, so that a slow reader holds back only the stream.
pub(super) async fn forward<T, R>(
    work: impl Future<Output = R>,
    mut received: mpsc::Receiver<T>,
    mut each: impl AsyncFnMut(T),
) -> R {
    let stream = async {
        while let Some(item) = received.recv().await {
            each(item).await;
        }
    };
    let (result, ()) = tokio::join!(work, stream);
    result
}

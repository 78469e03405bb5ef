//! The session's own looks: how everything stands, told where it is news.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::app::command::Ticket;
use crate::app::desk::Desk;
use crate::app::failure::Failure;
use crate::app::notice::{Link, Notice};
use crate::app::workshop::{Need, Workshop};
use crate::domain::event::EventKind;
use crate::domain::flow::FlowRequest;
use crate::domain::ids::{Address, PlanId};
use crate::domain::lease::LockReport;
use crate::domain::plan::model::{PlanRequest, Purpose};
use crate::domain::report::DriftReport;
use crate::engine::reconcile::{EngineError, Reconcile, Survey};

/// The session's own look: status, plan and drift, told where they are news. Tells whether it could be taken.
pub(super) async fn look<W: Workshop>(desk: &Desk<'_, W>) -> bool {
    let trouble = match try_look(desk).await {
        Ok(()) => None,
        Err(Missed::Unreachable(failure)) => {
            desk.link(Link::Down(failure.message));
            return false;
        }
        Err(Missed::Other(failure)) => Some(Arc::new(failure)),
    };
    let answered = trouble.is_none();
    if answered {
        desk.post(&Notice::Looked);
    }
    if desk.look(|s| s.trouble != trouble) {
        desk.post(&Notice::Trouble(trouble));
    }
    answered
}

/// How long the platform may take for an answer before it is said to give none.
pub(super) const ANSWER: Duration = Duration::from_secs(8);

/// Waits for an answer of the platform, as long as it takes; from [`ANSWER`] on everybody is told that there is none.
pub(super) async fn patiently<W: Workshop, T>(
    desk: &Desk<'_, W>,
    answer: impl Future<Output = T>,
) -> T {
    tokio::pin!(answer);
    tokio::select! {
        biased;
        answer = &mut answer => return answer,
        () = sleep(ANSWER) => {}
    }
    let seconds = ANSWER.as_secs();
    desk.link(Link::Down(format!("it has not answered for {seconds} s")));
    answer.await
}

/// Why a look gave nothing.
enum Missed {
    /// Nobody answers.
    Unreachable(Failure),
    /// Something else: a secret, the state, the file.
    Other(Failure),
}

impl From<EngineError> for Missed {
    fn from(error: EngineError) -> Self {
        if !error.is_unreachable() {
            return Self::Other(error.into());
        }
        let mut failure = Failure::from(error);
        // The engine says only that it could not be read; who does not answer, and where, is the cause.
        if let Some(cause) = failure.sources.first() {
            failure.message.clone_from(cause);
        }
        Self::Unreachable(failure)
    }
}

async fn try_look<W: Workshop>(desk: &Desk<'_, W>) -> Result<(), Missed> {
    let Ok(project) = desk.known() else {
        return Ok(());
    };
    let engine = desk.engine(&project, Need::Platform).await;
    let engine = engine.map_err(Missed::Unreachable)?;
    // What runs is worth a look also while the file has errors; what a deploy would do is not known then.
    let whole = PlanRequest {
        purpose: Purpose::Deploy,
        targets: BTreeSet::new(),
        flow: FlowRequest::default(),
    };
    let request = desk.project().is_ok().then_some(&whole);
    let Survey {
        status,
        drift,
        plan,
    } = patiently(desk, engine.survey(&project, request)).await?;
    desk.link(Link::Up(engine.describe()));
    if desk.look(|s| s.status.as_deref() != Some(&status)) {
        desk.post(&Notice::Status {
            ticket: None,
            report: Arc::new(status),
        });
    }
    let is_news = |id: &PlanId| {
        desk.look(|s| s.plan.as_ref().is_none_or(|old| old.id != *id) || s.plan_stale.is_some())
    };
    let planned = plan.transpose().map(|plan| {
        if let Some(plan) = plan.filter(|plan| is_news(&plan.id)) {
            desk.post(&Notice::Planned {
                ticket: None,
                plan,
                saved_at: None,
            });
        }
    });
    // What drifted is known also where no plan can be made.
    let at_work = desk.at_work().unwrap_or_default();
    tell_drift(desk, None, as_known(desk, drift, &at_work));
    Ok(planned?)
}

/// The look beside the session's own run: drift of what the run leaves alone. One that fails is no news: the look after
/// the run says it.
pub(super) async fn look_beside<W: Workshop>(desk: &Desk<'_, W>) {
    let Ok(project) = desk.known() else { return };
    let Some(mut at_work) = desk.at_work() else {
        return;
    };
    let Ok(engine) = desk.engine(&project, Need::Platform).await else {
        return;
    };
    let Ok(report) = engine.drift(&project).await else {
        return;
    };
    // Another run may have begun meanwhile.
    at_work.extend(desk.at_work().unwrap_or_default());
    tell_drift(desk, None, as_known(desk, report, &at_work));
}

/// A report in which everything that a run is at stays as it was known.
fn as_known<W: Workshop>(
    desk: &Desk<'_, W>,
    report: DriftReport,
    at_work: &BTreeSet<Address>,
) -> DriftReport {
    if at_work.is_empty() {
        return report;
    }
    desk.look(|s| report.beside(at_work, s.drift.as_deref()))
}

/// Tells drift: events for what came and went, the report when it is news or was asked for.
pub(super) fn tell_drift<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Option<Ticket>,
    report: DriftReport,
) {
    let before = desk.look(|s| s.drift.clone());
    let is_news = before
        .as_ref()
        .is_none_or(|old| old.digest != report.digest);
    if is_news {
        let old = before.as_ref().map(|old| &old.drifted);
        for (address, changes) in &report.drifted {
            if old.and_then(|old| old.get(address)) != Some(changes) {
                let kind = EventKind::DriftFound {
                    changes: changes.clone(),
                };
                desk.event(Some(address.clone()), kind);
            }
        }
        let known = before.as_ref().map(|old| &old.strays);
        for stray in &report.strays {
            if !known.is_some_and(|known| known.contains(stray)) {
                let text = format!("stray: {stray}; shown, never touched");
                desk.event(None, EventKind::Warning { text });
            }
        }
        let before = before.as_ref().and_then(|old| old.undecided.as_ref());
        if report.undecided.as_ref() != before {
            let text = match &report.undecided {
                Some(why) => format!("what is ignored is not known: {why}"),
                None => "what is ignored is known again".to_owned(),
            };
            desk.event(None, EventKind::Warning { text });
        }
        for address in old.into_iter().flat_map(|old| old.keys()) {
            if !report.drifted.contains_key(address) {
                desk.event(Some(address.clone()), EventKind::DriftCleared);
            }
        }
    }
    if is_news || ticket.is_some() {
        desk.post(&Notice::Drift {
            ticket,
            report: Arc::new(report),
        });
    }
}

/// Pause between two questions to the workers of the project.
const WORKERS: Duration = Duration::from_secs(1);

/// Tells what the workers of the project do, where it is news; until dropped.
pub(super) async fn watch_workers<W: Workshop>(desk: &Desk<'_, W>) {
    loop {
        if let Ok(project) = desk.known() {
            let workers = desk.workers(&project).await;
            // The moment of saying is no news; that of a look is.
            let same = desk.look(|s| {
                s.workers.len() == workers.len()
                    && s.workers
                        .iter()
                        .zip(&workers)
                        .all(|(old, new)| old.is_like(new) && old.looked_at == new.looked_at)
            });
            if !same {
                desk.post(&Notice::Workers(Arc::new(workers)));
            }
        }
        sleep(WORKERS).await;
    }
}

/// Learns how long steps usually take, told where it is news. Nothing waits for it, and it fails nothing.
pub(super) async fn learn<W: Workshop>(desk: &Desk<'_, W>) {
    let Ok(project) = desk.project() else { return };
    let Ok(engine) = desk.engine(&project, Need::Store).await else {
        return;
    };
    let usual = engine.usual(&project).await;
    if desk.look(|s| s.usual.as_deref() != Some(&usual)) {
        desk.post(&Notice::Usual(Arc::new(usual)));
    }
}

/// The session's own look at the lock, told where it is news.
pub(super) async fn look_at_lock<W: Workshop>(desk: &Desk<'_, W>) {
    let Ok(project) = desk.known() else { return };
    let Ok(engine) = desk.engine(&project, Need::Store).await else {
        return;
    };
    let Ok(report) = engine.lock(&project, Duration::ZERO, None).await else {
        return;
    };
    let before = desk.look(|s| s.lock.clone());
    if before.as_deref() == Some(&report) {
        return;
    }
    let holder = |r: &LockReport| r.record.as_ref().map(|r| r.lock_id.clone());
    let changed = before
        .as_ref()
        .is_some_and(|old| old.verdict != report.verdict || holder(old) != holder(&report));
    if changed {
        let kind = EventKind::LockChanged {
            verdict: report.verdict,
            holder: report.record.as_ref().map(|r| r.holder.clone()),
            detail: None,
        };
        desk.event(None, kind);
    }
    desk.post(&Notice::Lock {
        ticket: None,
        report: Arc::new(report),
        watching: false,
    });
}

//! What the session says: the newest snapshot, and answers to what was sent.

use std::sync::Arc;

use crate::app::command::{Command, Stop, Ticket};
use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::{End, Hydrated, Link, Notice};
use crate::app::snapshot::Snapshot;
use crate::domain::event::{Event, EventKind, RunOutcome};
use crate::domain::flow::FlowRequest;
use crate::domain::plan::model::{Plan, PlanRequest};
use crate::present::human::duration;
use crate::present::words::{count, with_warnings};
use crate::tui::effect::{Effect, Wish};
use crate::tui::model::{Area, Model, Overlay};
use crate::tui::overlay::{Dialog, Question};
use crate::tui::theme::Tone;
use crate::tui::update::{acts, flows, fresh, history, locks, marks, moves, reading, workers};
use crate::tui::words::{nothing, to_run};

/// Takes the newest snapshot.
pub fn snapshot(model: &mut Model, snapshot: Arc<Snapshot>) -> Vec<Effect> {
    let before = model.snapshot.run.as_ref().map(|run| run.run_id.clone());
    let stand = |snapshot: &Snapshot| {
        let plan = snapshot.plan.as_ref().map(|plan| plan.id.clone());
        (plan, snapshot.plan_stale.is_some())
    };
    if stand(&model.snapshot) != stand(&snapshot) {
        model.planned_at = model.now;
    }
    let old = std::mem::replace(&mut model.snapshot, snapshot);
    model.lost_at = match &model.snapshot.link {
        Link::Down(_) => model.lost_at.or(Some(model.now)),
        Link::Up(_) | Link::Connecting => None,
    };
    model.note_faults();
    workers::miss(model, &old);
    let now = model.snapshot.run.as_ref().map(|run| run.run_id.clone());
    if before != now {
        model.stopping = Stop::Run;
        model.follow_run = true;
    }
    locks::watch_beat(model);
    locks::greet(model, &old);
    locks::recheck(model);
    model.refresh_pane();
    marks::outdated(model);
    moves::follow(model);
    if !acts::busy(model) {
        // What was to be stopped has ended by itself: the question is answered.
        model.overlays.retain(|overlay| {
            !matches!(overlay, Overlay::Dialog(dialog) if matches!(dialog.question, Question::Stop(_)))
        });
    }
    model.dirty = true;
    let mut effects = fresh::look(model);
    if model.area == Area::Locks && locks::moved(&old, &model.snapshot) {
        effects.extend(locks::ask());
    }
    effects
}

/// Learns the number of what was sent.
pub fn sent(model: &mut Model, wish: Wish, ticket: Option<Ticket>) -> Vec<Effect> {
    let Some(ticket) = ticket else {
        model.toast("the session takes no more commands just now", Tone::Fail);
        return Vec::new();
    };
    model.tickets.insert(ticket, wish);
    if wish == Wish::Logs
        && let Some(logs) = model.logs_mut()
    {
        logs.ticket = Some(ticket);
    }
    Vec::new()
}

/// Takes an answer or other news.
pub fn notice(model: &mut Model, notice: Notice) -> Vec<Effect> {
    let owed = std::mem::replace(&mut model.dirty, true);
    match notice {
        Notice::Event(event) => {
            let (seen, mut effects) = reading::event(model, &event);
            model.dirty = seen || owed;
            effects.extend(happened(model, &event));
            effects
        }
        Notice::Config(config) => {
            loaded(model, &config);
            Vec::new()
        }
        Notice::Planned { ticket, plan, .. } => planned(model, ticket, plan),
        Notice::Runs { runs, .. } => {
            history::listed(model, runs);
            Vec::new()
        }
        Notice::RunEvents { events, .. } => history::read(model, &events),
        Notice::Unlocked { end, .. } => locks::unlocked(model, end),
        Notice::Stored { ticket, report } => {
            let wish = model.tickets.get(&ticket).copied();
            locks::stored(model, report, wish);
            Vec::new()
        }
        Notice::Installs { reports, .. } => {
            model.installs = Some(reports);
            model.refresh_pane();
            Vec::new()
        }
        Notice::Output { ticket, line } => {
            let taken = reading::line(model, ticket, &line);
            model.dirty = taken.is_some() || owed;
            taken.unwrap_or_default()
        }
        Notice::OutputLost { ticket, lines } => {
            let wish = model.tickets.get(&ticket);
            if matches!(wish, Some(Wish::Run | Wish::RunOver)) {
                model.live_output().store.miss(lines);
            } else if let Some(logs) = model.logs_mut().filter(|logs| logs.ticket == Some(ticket))
                && let Some(store) = &mut logs.store
            {
                store.miss(lines);
            }
            Vec::new()
        }
        Notice::Done { ticket, end } => done(model, ticket, &end),
        Notice::Failed { ticket, failure } => failed(model, ticket, failure),
        Notice::Trouble(trouble) => {
            if let Some(failure) = trouble {
                model.toast(format!("no plan: {}", whole(&failure)), Tone::Fail);
            }
            Vec::new()
        }
        Notice::Usage { samples } => {
            let shown = model.area == Area::Services;
            model.dirty = owed | (model.usage.take(&samples) && shown);
            if model.usage.columns && shown {
                model.refresh_pane();
            }
            Vec::new()
        }
        Notice::Probes { probes } => {
            let shown = model.area == Area::Services;
            model.dirty = owed | (model.usage.take_probes(&probes) && shown);
            Vec::new()
        }
        Notice::Amended { lines, .. } => {
            model.toast(lines.join("; "), Tone::Ok);
            Vec::new()
        }
        Notice::Looked | Notice::Leadership(_) | Notice::Ignored { .. } => {
            model.dirty = owed;
            Vec::new()
        }
        // The snapshot has these already.
        Notice::Link(_)
        | Notice::Workers(_)
        | Notice::PlanStale { .. }
        | Notice::Status { .. }
        | Notice::Drift { .. }
        | Notice::Usual(_)
        | Notice::Heard(_)
        | Notice::Lock { .. }
        | Notice::LockHistory { .. }
        | Notice::Record { .. } => Vec::new(),
    }
}

fn happened(model: &mut Model, event: &Event) -> Vec<Effect> {
    match &event.kind {
        EventKind::RunFinished {
            outcome,
            duration: took,
            message,
            warnings,
            ..
        } => {
            history::outdated(model);
            let tickets = model.tickets.values_mut();
            tickets
                .filter(|wish| **wish == Wish::Run)
                .for_each(|wish| *wish = Wish::RunOver);
            let command = model
                .snapshot
                .run
                .as_ref()
                .map_or("run", |run| run.command.as_str());
            let (word, tone) = match outcome {
                RunOutcome::Ok if *warnings > 0 => ("done", Tone::Warn),
                RunOutcome::Ok => ("done", Tone::Ok),
                RunOutcome::Failed => ("failed", Tone::Fail),
                RunOutcome::Cancelled => ("stopped", Tone::Warn),
                RunOutcome::Refused => ("refused", Tone::Warn),
            };
            let word = with_warnings(word, usize::try_from(*warnings).unwrap_or(usize::MAX));
            let mut text = format!("{command} {word} after {}", duration(*took));
            if let Some(first) = message.as_deref().and_then(|m| m.lines().next()) {
                text.push_str(": ");
                text.push_str(first);
            }
            model.did(text.clone(), None);
            model.toast(text, tone);
            Vec::new()
        }
        EventKind::DriftFound { changes } => {
            if let Some(address) = &event.address {
                let what = count(changes.len(), "field");
                model.toast(
                    format!("drift: {what} of {address} differs from what was deployed"),
                    Tone::Drift,
                );
            }
            Vec::new()
        }
        EventKind::Warning { text } => {
            model.toast(text.clone(), Tone::Warn);
            Vec::new()
        }
        EventKind::RunStarted { .. }
        | EventKind::StageStarted { .. }
        | EventKind::PlanMade { .. }
        | EventKind::LayerStarted { .. }
        | EventKind::ActionStarted { .. }
        | EventKind::ActionFinished { .. }
        | EventKind::StepQueued { .. }
        | EventKind::StepStarted
        | EventKind::StepProgress { .. }
        | EventKind::StepFinished { .. }
        | EventKind::Log { .. }
        | EventKind::HealthChanged { .. }
        | EventKind::LockChanged { .. }
        | EventKind::DriftCleared
        | EventKind::ConfigChanged => Vec::new(),
    }
}

/// Says all of a failure in one line: what, and why.
#[must_use]
pub fn whole(failure: &Failure) -> String {
    let words: Vec<&str> = std::iter::once(&failure.message)
        .chain(&failure.sources)
        .map(String::as_str)
        .collect();
    words.join(": ")
}

fn loaded(model: &mut Model, config: &Hydrated) {
    let errors = config.diagnostics.iter().filter(|d| d.is_error()).count();
    if errors > 0 {
        model.toast(
            format!("the project file has {}", count(errors, "error")),
            Tone::Fail,
        );
    } else if model.snapshot.plan.is_some() {
        model.toast("the project file was loaded again", Tone::Ok);
    }
}

fn planned(model: &mut Model, ticket: Option<Ticket>, plan: Arc<Plan>) -> Vec<Effect> {
    let wish = ticket.and_then(|ticket| model.tickets.get(&ticket).copied());
    match wish {
        Some(Wish::Again) => return fresh::compared(model, plan),
        Some(Wish::Approval) => {
            // The question may have been left meanwhile; then the plan is of no interest.
            let waiting = model.overlays.iter().position(|overlay| {
                matches!(overlay, Overlay::Dialog(dialog)
                    if matches!(dialog.question, Question::Approve { plan: None, .. }))
            });
            let Some(index) = waiting else {
                return Vec::new();
            };
            if let Overlay::Dialog(dialog) = model.overlays.remove(index)
                && let Question::Approve { request, .. } = dialog.question
            {
                flows::offer(model, request, plan);
            }
        }
        Some(Wish::Plan) => {
            let summary = plan.summary();
            let request = PlanRequest {
                purpose: plan.purpose.clone(),
                targets: plan.targets.clone(),
                flow: FlowRequest::default(),
            };
            let text = if plan.is_empty() {
                nothing(&request)
            } else {
                let names: Vec<&str> = plan.targets.iter().map(String::as_str).collect();
                let of = match names.as_slice() {
                    [] => String::new(),
                    names => format!(" of {}", names.join(", ")),
                };
                format!(
                    "plan{of}: {} to create, {} to update, {} to delete{}",
                    summary.create,
                    summary.update,
                    summary.delete,
                    to_run(summary.run)
                )
            };
            model.toast(text, Tone::Ok);
        }
        Some(
            Wish::Run
            | Wish::RunOver
            | Wish::Stop
            | Wish::Logs
            | Wish::Lock
            | Wish::Unlock
            | Wish::Record
            | Wish::Audit
            | Wish::Runs
            | Wish::Past
            | Wish::Quiet,
        )
        | None => {}
    }
    Vec::new()
}

fn done(model: &mut Model, ticket: Ticket, end: &End) -> Vec<Effect> {
    let wish = model.tickets.remove(&ticket);
    if let Some(logs) = model.logs_mut().filter(|logs| logs.ticket == Some(ticket)) {
        logs.ended = Some("the output ended".into());
    }
    match (wish, end) {
        (Some(Wish::Run | Wish::RunOver), End::Run(_) | End::Plain | End::Exit(_)) => {
            vec![Effect::Send {
                command: Command::Stored,
                wish: Wish::Record,
            }]
        }
        _ => Vec::new(),
    }
}

fn failed(model: &mut Model, ticket: Option<Ticket>, failure: Failure) -> Vec<Effect> {
    let wish = ticket.and_then(|ticket| model.tickets.remove(&ticket));
    if let Some(wish @ (Wish::Runs | Wish::Past)) = wish {
        history::failed(model, wish, &failure.message);
    }
    match wish {
        Some(Wish::Again) => fresh::failed(model, failure),
        Some(Wish::Approval) => {
            let waiting = model.overlays.iter_mut().find_map(|overlay| match overlay {
                Overlay::Dialog(dialog)
                    if matches!(dialog.question, Question::Approve { plan: None, .. }) =>
                {
                    Some(dialog)
                }
                _ => None,
            });
            if let Some(dialog) = waiting {
                dialog.question = Question::Failed(failure);
            }
        }
        Some(Wish::Logs) => {
            if let Some(logs) = model.logs_mut().filter(|logs| logs.ticket == ticket) {
                logs.ended = Some(failure.message);
            }
        }
        // A run that was not begun has nothing else to show; one that failed is on show already.
        Some(Wish::Run | Wish::RunOver | Wish::Unlock)
            if !matches!(failure.kind, FailureKind::Failed | FailureKind::Interrupted) =>
        {
            let dialog = Dialog::new(Question::Failed(failure), model.now);
            model.overlays.push(Overlay::Dialog(Box::new(dialog)));
        }
        Some(
            Wish::Plan
            | Wish::Run
            | Wish::RunOver
            | Wish::Stop
            | Wish::Lock
            | Wish::Unlock
            | Wish::Record
            | Wish::Audit
            | Wish::Runs
            | Wish::Past
            | Wish::Quiet,
        )
        | None => {
            let mut text = failure.message;
            if let Some(cause) = failure.sources.first() {
                text.push_str(": ");
                text.push_str(cause);
            }
            model.toast(text, Tone::Fail);
        }
    }
    Vec::new()
}

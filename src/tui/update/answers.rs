//! Answers to dialogs: what a confirmation sets going, and when a key is no confirmation.

use std::sync::Arc;

use crate::app::command::{Command, Stop, UnlockRequest};
use crate::domain::lease::LockReport;
use crate::domain::plan::model::{Plan, PlanRequest, Purpose};
use crate::tui::effect::{Effect, Wish};
use crate::tui::model::{Area, Leaving, Model, Overlay};
use crate::tui::overlay::{Question, Stake};
use crate::tui::tail::Tail;
use crate::tui::theme::Tone;
use crate::tui::update::acts;

/// A key that comes this soon after the dialog opened was not meant for it, in milliseconds.
const TOO_SOON: i64 = 150;

/// Confirms the dialog on top.
pub fn confirm(model: &mut Model, held: bool) -> Vec<Effect> {
    match model.overlays.last() {
        Some(Overlay::Dialog(dialog)) => {
            let too_soon = model.now.0.saturating_sub(dialog.opened.0) < TOO_SOON;
            if dialog.button().is_none() {
                return Vec::new();
            }
            if held || too_soon {
                model.toast(
                    "press it once more: a held or pasted key does not confirm",
                    Tone::Warn,
                );
                return Vec::new();
            }
        }
        Some(Overlay::Typed(typed)) => {
            if !typed.complete() || held {
                model.toast("type what is asked for first", Tone::Warn);
                return Vec::new();
            }
        }
        Some(Overlay::Help { .. } | Overlay::Palette(_) | Overlay::Filter | Overlay::Logs(_))
        | None => return Vec::new(),
    }
    match model.overlays.pop() {
        Some(Overlay::Dialog(dialog)) => confirmed(model, dialog.question),
        Some(Overlay::Typed(typed)) => {
            let reason = typed.fields.get(1).map(|field| field.typed.clone());
            match typed.stake {
                Stake::Run { request, plan } => run(model, request, plan),
                Stake::Lock(report) => unlock(model, &report, reason),
            }
        }
        _ => Vec::new(),
    }
}

fn confirmed(model: &mut Model, question: Question) -> Vec<Effect> {
    match question {
        Question::Approve {
            request,
            plan: Some(plan),
        } => run(model, request, plan),
        Question::Approve { plan: None, .. } | Question::Failed(_) | Question::Refused { .. } => {
            Vec::new()
        }
        Question::Stop(stop) => acts::stop(model, stop),
        Question::Leave => {
            model.leaving = Leaving::AfterRun;
            model.toast("leaving as soon as what is under way has ended", Tone::Busy);
            acts::stop(model, Stop::Drain)
        }
        Question::Unlock(report) => unlock(model, &report, None),
    }
}

/// Sends an approved plan off and goes where it can be watched.
fn run(model: &mut Model, request: PlanRequest, plan: Arc<Plan>) -> Vec<Effect> {
    let command = match request.purpose {
        Purpose::Restore => {
            model.echo = Some(format!("{} drift --restore", model.options.command));
            Command::Restore {
                addresses: plan
                    .actions
                    .iter()
                    .filter(|action| !action.is_noop())
                    .map(|action| action.address.clone())
                    .collect(),
                approved: Some(plan),
            }
        }
        Purpose::Deploy | Purpose::Destroy | Purpose::Clean => {
            let force = !plan.destructive().is_empty();
            let mut echo = format!("{} {}", model.options.command, request.purpose.as_str());
            for target in &request.targets {
                echo.push(' ');
                echo.push_str(target);
            }
            if force {
                echo.push_str(" --force");
            }
            model.echo = Some(echo);
            Command::Run {
                request,
                approved: Some(plan),
                force,
                options: model.options.run,
                lock_wait: model.options.lock_wait,
            }
        }
    };
    model.stopping = Stop::Run;
    model.follow_run = true;
    model.output = Tail::Following;
    model.go(Area::Run);
    vec![Effect::Send {
        command,
        wish: Wish::Run,
    }]
}

fn unlock(model: &mut Model, report: &LockReport, reason: Option<String>) -> Vec<Effect> {
    let lock_id = report.record.as_ref().map(|record| record.lock_id.clone());
    let id = lock_id.as_ref().map_or("", |id| id.as_str());
    model.echo = Some(match &reason {
        None => format!("{} infra unlock {id} -y", model.options.command),
        Some(reason) => format!(
            "{} infra unlock {id} --force --reason '{}'",
            model.options.command,
            reason.replace('\'', "'\\''")
        ),
    });
    vec![Effect::Send {
        command: Command::Unlock {
            request: UnlockRequest {
                lock_id,
                version: report.version.clone(),
                force: reason.is_some(),
                reason,
            },
        },
        wish: Wish::Unlock,
    }]
}

/// Leaves what lies on top.
pub fn dismiss(model: &mut Model) -> Vec<Effect> {
    match model.overlays.pop() {
        Some(Overlay::Filter) => {
            if let Some(logs) = model.logs_mut() {
                logs.filter.clear();
            } else if let Some(pane) = model.pane_mut() {
                pane.set_filter(String::new());
            }
            Vec::new()
        }
        Some(Overlay::Logs(logs)) => match logs.ticket {
            Some(ticket) => vec![Effect::Send {
                command: Command::Forget { ticket },
                wish: Wish::Quiet,
            }],
            None => Vec::new(),
        },
        Some(
            Overlay::Help { .. } | Overlay::Palette(_) | Overlay::Dialog(_) | Overlay::Typed(_),
        )
        | None => Vec::new(),
    }
}

/// Goes to the next line to type into.
pub fn next_field(model: &mut Model) -> Vec<Effect> {
    if let Some(Overlay::Typed(typed)) = model.overlays.last_mut() {
        typed.at = (typed.at + 1) % typed.fields.len().max(1);
        if typed.complete() {
            model.toast("C-y confirms", Tone::Dim);
        }
    }
    Vec::new()
}

/// Opens or closes the help screen.
pub fn toggle_help(model: &mut Model) {
    if matches!(model.overlays.last(), Some(Overlay::Help { .. })) {
        model.overlays.pop();
    } else {
        model.overlays.push(Overlay::Help { scroll: 0 });
    }
}

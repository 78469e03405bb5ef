//! Answers to dialogs: what a confirmation sets going, and when a key is no confirmation.

use std::sync::Arc;
use std::time::Duration;

use crate::app::command::{Command, Stop, UnlockRequest};
use crate::domain::lease::LockReport;
use crate::domain::plan::model::{Plan, PlanRequest, Purpose};
use crate::present::shell;
use crate::tui::effect::{Effect, Wish};
use crate::tui::keymap::action::Action;
use crate::tui::model::{Area, Leaving, Model, Overlay};
use crate::tui::others;
use crate::tui::overlay::{Question, Stake, Typed};
use crate::tui::theme::Tone;
use crate::tui::update::{acts, decide, flows, locks, reading, timeline};
use crate::tui::words::verb;

/// A key that comes this soon after the dialog opened was not meant for it, in milliseconds.
const TOO_SOON: i64 = 150;
/// How long a run waits for a lock that somebody else is seen to hold.
const PATIENCE: Duration = Duration::from_secs(600);

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
                    "a held or pasted key does not confirm: let go, wait a second, press it once more",
                    Tone::Warn,
                );
                return Vec::new();
            }
        }
        Some(Overlay::Typed(typed)) => {
            let left = typed.left(model.now);
            if typed.complete() && left > 0 {
                model.toast(format!("read it once more: {left} s to wait"), Tone::Warn);
                return Vec::new();
            }
            if !typed.complete() || held {
                model.toast("type what is asked for first", Tone::Warn);
                return Vec::new();
            }
        }
        Some(
            Overlay::Help { .. }
            | Overlay::Palette(_)
            | Overlay::Filter
            | Overlay::Logs(_)
            | Overlay::Deeds { .. },
        )
        | None => return Vec::new(),
    }
    match model.overlays.pop() {
        Some(Overlay::Dialog(dialog)) => confirmed(model, dialog.question),
        Some(Overlay::Typed(typed)) => {
            let reason = typed.fields.get(1).map(|field| field.typed.clone());
            match typed.stake {
                Stake::Run { request, plan, .. } => run(model, request, plan),
                Stake::Lock(report) => unlock(model, &report, reason),
                Stake::Drift(address, path) => {
                    let fields: Vec<String> =
                        typed.fields.into_iter().map(|field| field.typed).collect();
                    decide::typed(model, (address, path), &fields)
                }
                Stake::Inputs { request, names } => {
                    flows::given(model, (request, names), typed.fields)
                }
                Stake::Skip(flow) => {
                    let reason = typed.fields.first().map(|field| field.typed.clone());
                    flows::skip(model, &flow, &reason.unwrap_or_default())
                }
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
            ..
        } => run(model, request, plan),
        Question::Approve { plan: None, .. } | Question::Failed(_) | Question::Refused { .. } => {
            Vec::new()
        }
        Question::Stop(stop) => acts::stop(model, stop),
        Question::Leave => {
            model.leaving = Leaving::AfterRun;
            model.toast("leaving as soon as what is under way has ended", Tone::Busy);
            let mut effects = vec![Effect::LeaveAll];
            if acts::busy(model) {
                effects.extend(acts::stop(model, Stop::Drain));
            }
            effects
        }
        Question::Unlock(guide) => {
            locks::further(model, guide);
            Vec::new()
        }
    }
}

/// Writes the targets of a request as a command line does, each after a space.
fn named(request: &PlanRequest) -> String {
    let names = request.targets.iter();
    names
        .map(|name| format!(" {}", shell::quote(name)))
        .collect()
}

/// Sends an approved plan off and goes where it can be watched.
fn run(model: &mut Model, request: PlanRequest, plan: Arc<Plan>) -> Vec<Effect> {
    let command = match request.purpose {
        Purpose::Restore => {
            let names = named(&request);
            let echo = format!("{} drift --restore{names}", model.options.command);
            model.did(format!("restore{names}"), Some(echo));
            Command::Restore {
                addresses: plan
                    .actions
                    .iter()
                    .filter(|action| !action.is_noop())
                    .map(|action| action.address.clone())
                    .collect(),
                approved: Some(plan),
                lock_wait: lock_wait(model),
            }
        }
        Purpose::Deploy | Purpose::Destroy | Purpose::Clean | Purpose::Act => {
            let force = !plan.destructive().is_empty();
            let known = model.snapshot.known();
            let line = flows::command_line(known.map(|project| &**project), &request)
                .unwrap_or_else(|| format!("{}{}", request.purpose.as_str(), named(&request)));
            let force_word = if force { " --force" } else { "" };
            let echo = format!("{} {line}{force_word}", model.options.command);
            let mut text = verb(&request).to_owned();
            if !request.targets.is_empty() {
                let names: Vec<&str> = request.targets.iter().map(String::as_str).collect();
                text.push_str(&format!(" {}", names.join(", ")));
            }
            model.did(text, Some(echo));
            Command::Run {
                request,
                approved: Some(plan),
                force,
                options: model.options.run,
                lock_wait: lock_wait(model),
            }
        }
    };
    // What was marked is dealt with; a mark nobody sees must not narrow the next act.
    model.marks.remove(&model.area);
    model.stopping = Stop::Run;
    if model.replay.is_some() {
        // What was asked for is what is shown, not a run of earlier.
        timeline::leave(model);
    }
    model.follow_run = true;
    model.output.reader.follow();
    model.go(Area::Run);
    vec![Effect::Send {
        command,
        wish: Wish::Run,
    }]
}

/// While somebody else holds the lock, a run waits for it: that was said in the question.
#[must_use]
pub fn lock_wait(model: &Model) -> Duration {
    match others::holder(&model.snapshot) {
        Some(_) => model.options.lock_wait.max(PATIENCE),
        None => model.options.lock_wait,
    }
}

fn unlock(model: &mut Model, report: &LockReport, reason: Option<String>) -> Vec<Effect> {
    let lock_id = report.record.as_ref().map(|record| record.lock_id.clone());
    let id = lock_id.as_ref().map_or("", |id| id.as_str());
    let id = shell::quote(id);
    let echo = match &reason {
        None => format!("{} infra unlock {id} -y", model.options.command),
        Some(reason) => format!(
            "{} infra unlock {id} --force --reason {}",
            model.options.command,
            shell::quote(reason)
        ),
    };
    model.did("clear the lock", Some(echo));
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

/// Tells whether what is typed into the line with the cursor may be pasted: what agrees to something may not.
#[must_use]
pub fn takes_paste(model: &Model) -> bool {
    let Some(Overlay::Typed(typed)) = model.overlays.last() else {
        return false;
    };
    is_form(typed)
}

/// Tells whether it asks for values and agrees to nothing: a plan is shown after it.
fn is_form(typed: &Typed) -> bool {
    match typed.stake {
        Stake::Inputs { .. } | Stake::Skip(_) => true,
        Stake::Run { .. } | Stake::Lock(_) | Stake::Drift(..) => false,
    }
}

/// Leaves what lies on top.
pub fn dismiss(model: &mut Model) -> Vec<Effect> {
    match model.overlays.pop() {
        Some(Overlay::Filter) => {
            if let Some(Overlay::Help { typed, .. }) = model.overlays.last_mut() {
                typed.clear();
            } else if reading::takes_text(model) {
                reading::end_typing(model, false);
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
        Some(Overlay::Palette(_)) => {
            // A theme that was only tried is taken off again.
            model.show_theme(None);
            Vec::new()
        }
        Some(
            Overlay::Help { .. } | Overlay::Dialog(_) | Overlay::Typed(_) | Overlay::Deeds { .. },
        )
        | None => Vec::new(),
    }
}

/// Goes to the next line to type into.
pub fn next_field(model: &mut Model) -> Vec<Effect> {
    if let Some(Overlay::Typed(typed)) = model.overlays.last_mut() {
        typed.at = (typed.at + 1) % typed.fields.len().max(1);
        if typed.complete() {
            let key = model.key(Action::Confirm);
            model.toast(format!("{key} confirms"), Tone::Dim);
        }
    }
    Vec::new()
}

/// Opens or closes the help screen.
pub fn toggle_help(model: &mut Model) {
    if matches!(model.overlays.last(), Some(Overlay::Help { .. })) {
        model.overlays.pop();
    } else {
        model.overlays.push(Overlay::Help {
            scroll: 0,
            typed: String::new(),
        });
    }
}

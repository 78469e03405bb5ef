//! What a key sets going: commands to the session, and the questions that come before them.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::app::command::{Command, LogRequest, Stop};
use crate::domain::ids::ResourceKind;
use crate::domain::lease::Verdict;
use crate::domain::plan::model::{Plan, PlanRequest, Purpose};
use crate::tui::effect::{Effect, Wish};
use crate::tui::keymap::action::Action;
use crate::tui::logs::LogView;
use crate::tui::model::{Area, Leaving, Model, Overlay};
use crate::tui::overlay::{Dialog, Question, Typed};
use crate::tui::update::allowed;
use crate::tui::update::copied;

/// How long a lock's heartbeat is watched: a lease, the grace after it, and a little.
const WATCH: Duration = Duration::from_secs(45);
/// How many lines of output are shown at first.
const TAIL: u32 = 500;

/// Sets an action going; [`allowed::check`] has let it through.
pub fn start(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Services => to_area(model, Area::Services),
        Action::Plans => to_area(model, Area::Plan),
        Action::Runs => to_area(model, Area::Run),
        Action::Locks => to_area(model, Area::Locks),
        Action::Drift => to_area(model, Area::Drift),
        Action::NextArea => to_area(model, model.area.beside(1)),
        Action::PreviousArea => to_area(model, model.area.beside(Area::ALL.len() - 1)),
        Action::MakePlan => {
            model.go(Area::Plan);
            model.echo = Some(format!("{} plan", model.options.command));
            vec![plan(request(Purpose::Deploy), Wish::Plan)]
        }
        Action::Deploy => ask(model, request(Purpose::Deploy)),
        Action::Destroy => ask(model, request(Purpose::Destroy)),
        Action::Clean => ask(model, request(Purpose::Clean)),
        Action::RestoreAll => ask(model, request(Purpose::Restore)),
        Action::Restore => restore(model),
        Action::Cancel => cancel(model),
        Action::Unlock => unlock(model),
        Action::Logs => logs(model),
        Action::Refresh => refresh(model),
        Action::Copy => copied::chosen(model).map_or_else(Vec::new, |text| {
            model.toast("copied", crate::tui::theme::Tone::Ok);
            vec![Effect::Copy(text)]
        }),
        Action::Quit => quit(model),
        _ => Vec::new(),
    }
}

/// Tells whether a run is under way or about to be.
#[must_use]
pub fn busy(model: &Model) -> bool {
    model.running().is_some() || model.tickets.values().any(|wish| *wish == Wish::Run)
}

fn request(purpose: Purpose) -> PlanRequest {
    PlanRequest {
        purpose,
        targets: BTreeSet::new(),
    }
}

fn quiet(command: Command) -> Effect {
    Effect::Send {
        command,
        wish: Wish::Quiet,
    }
}

/// A plan somebody asked for is saved, as `nkapp plan` does; the panel's own ones are not.
fn plan(request: PlanRequest, wish: Wish) -> Effect {
    Effect::Send {
        command: Command::Plan {
            request,
            output: None,
            save: wish == Wish::Plan,
        },
        wish,
    }
}

fn look_at_lock(watch_for: Duration) -> Effect {
    Effect::Send {
        command: Command::Lock { watch_for },
        wish: Wish::Lock,
    }
}

fn to_area(model: &mut Model, area: Area) -> Vec<Effect> {
    model.go(area);
    if area != Area::Locks {
        return Vec::new();
    }
    vec![
        look_at_lock(WATCH),
        Effect::Send {
            command: Command::Record,
            wish: Wish::Record,
        },
    ]
}

/// Shows the plan before anything is done: the one on show when it is still good, else a new one.
fn ask(model: &mut Model, request: PlanRequest) -> Vec<Effect> {
    let shown = model.snapshot.plan.as_ref().filter(|plan| {
        model.snapshot.plan_stale.is_none()
            && plan.purpose == request.purpose
            && plan.targets == request.targets
    });
    if let Some(plan) = shown.cloned() {
        open_approval(model, request, plan);
        return Vec::new();
    }
    let question = Question::Approve {
        request: request.clone(),
        plan: None,
    };
    let dialog = Dialog::new(question, model.now);
    model.overlays.push(Overlay::Dialog(Box::new(dialog)));
    vec![plan(request, Wish::Approval)]
}

/// Opens the question that fits a plan: one key, or the project's name where something goes for good.
pub fn open_approval(model: &mut Model, request: PlanRequest, plan: std::sync::Arc<Plan>) {
    let final_act = matches!(request.purpose, Purpose::Destroy | Purpose::Clean);
    let typed = !plan.is_empty() && (final_act || !plan.destructive().is_empty());
    let overlay = if typed {
        Overlay::Typed(Box::new(Typed::run(request, plan)))
    } else {
        let question = Question::Approve {
            request,
            plan: Some(plan),
        };
        Overlay::Dialog(Box::new(Dialog::new(question, model.now)))
    };
    model.overlays.push(overlay);
}

fn restore(model: &mut Model) -> Vec<Effect> {
    let Some(address) = allowed::drifted(model) else {
        return Vec::new();
    };
    let mut request = request(Purpose::Restore);
    // Only services can be named; a network or volume is restored with everything that drifted.
    if address.kind == ResourceKind::Service {
        request.targets.insert(address.name);
    }
    ask(model, request)
}

fn cancel(model: &mut Model) -> Vec<Effect> {
    let stop = match model.stopping {
        Stop::Run => Stop::Drain,
        Stop::Drain | Stop::Cancel => Stop::Cancel,
    };
    let dialog = Dialog::new(Question::Stop(stop), model.now);
    model.overlays.push(Overlay::Dialog(Box::new(dialog)));
    Vec::new()
}

/// Asks the session to stop the run.
pub fn stop(model: &mut Model, stop: Stop) -> Vec<Effect> {
    model.stopping = model.stopping.max(stop);
    vec![Effect::Send {
        command: Command::Stop {
            stop: model.stopping,
        },
        wish: Wish::Stop,
    }]
}

/// Ctrl-C: drain, then cut off, then leave; leave at once when nothing runs.
pub fn interrupt(model: &mut Model) -> Vec<Effect> {
    use crate::tui::theme::Tone;
    if !busy(model) || model.stopping == Stop::Cancel {
        model.leaving = Leaving::Now;
        return vec![Effect::Quit];
    }
    if model.stopping == Stop::Run {
        model.toast(
            "stopping: what is under way finishes, nothing new starts; C-c again cuts it off",
            Tone::Warn,
        );
        stop(model, Stop::Drain)
    } else {
        model.toast(
            "cutting off what is under way; C-c again leaves",
            Tone::Warn,
        );
        stop(model, Stop::Cancel)
    }
}

fn quit(model: &mut Model) -> Vec<Effect> {
    if busy(model) {
        let dialog = Dialog::new(Question::Leave, model.now);
        model.overlays.push(Overlay::Dialog(Box::new(dialog)));
        return Vec::new();
    }
    model.leaving = Leaving::Now;
    vec![Effect::Quit]
}

fn refresh(model: &mut Model) -> Vec<Effect> {
    model.echo = Some(match model.area {
        Area::Services => format!("{} status", model.options.command),
        Area::Plan | Area::Run => format!("{} plan", model.options.command),
        Area::Locks => format!("{} infra lock", model.options.command),
        Area::Drift => format!("{} drift", model.options.command),
    });
    let mut effects = vec![
        quiet(Command::Reload),
        quiet(Command::Status),
        quiet(Command::Drift),
        plan(request(Purpose::Deploy), Wish::Quiet),
    ];
    if model.area == Area::Locks {
        effects.extend(to_area(model, Area::Locks));
    } else {
        effects.push(look_at_lock(Duration::ZERO));
    }
    effects
}

fn logs(model: &mut Model) -> Vec<Effect> {
    let Some(service) = allowed::service(model) else {
        return Vec::new();
    };
    model.echo = Some(format!("{} logs {service} -f", model.options.command));
    let view = LogView::of(service.clone());
    model.overlays.push(Overlay::Logs(Box::new(view)));
    vec![Effect::Send {
        command: Command::Logs {
            request: LogRequest {
                service,
                instance: None,
                tail: Some(TAIL),
                follow: true,
                timestamps: false,
            },
        },
        wish: Wish::Logs,
    }]
}

/// Offers what the verdict allows: proof is cleared with one key, anything else needs words.
fn unlock(model: &mut Model) -> Vec<Effect> {
    let Some(report) = model.snapshot.lock.clone() else {
        return Vec::new();
    };
    let overlay = match report.verdict {
        Verdict::Dead => {
            let dialog = Dialog::new(Question::Unlock(report), model.now);
            Some(Overlay::Dialog(Box::new(dialog)))
        }
        Verdict::Expired | Verdict::Alive | Verdict::Unknown => {
            Typed::lock(report).map(|typed| Overlay::Typed(Box::new(typed)))
        }
        Verdict::Free => None,
    };
    model.overlays.push(overlay.unwrap_or_else(|| {
        let question = Question::Refused {
            title: "there is nothing to unlock".into(),
            lines: vec!["The lock's record could not be read, or nobody holds it.".into()],
        };
        Overlay::Dialog(Box::new(Dialog::new(question, model.now)))
    }));
    Vec::new()
}

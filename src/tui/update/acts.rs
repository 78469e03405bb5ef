//! What a key sets going: commands to the session, and the questions that come before them.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::app::command::{Command, Stop};
use crate::domain::flow::FlowRequest;
use crate::domain::ids::Address;
use crate::domain::plan::model::{Plan, PlanRequest, Purpose};
use crate::domain::time::Wall;
use crate::present::words::count;
use crate::tui::danger::{self, Ritual, Standing};
use crate::tui::effect::{Effect, Wish};
use crate::tui::keymap::action::Action;
use crate::tui::model::{Area, Leaving, Model, Overlay};
use crate::tui::overlay::{Basis, Dialog, Question, Typed};
use crate::tui::theme::Tone;
use crate::tui::update::allowed;
use crate::tui::update::copied;
use crate::tui::update::decide;
use crate::tui::update::flows;
use crate::tui::update::history;
use crate::tui::update::locks;
use crate::tui::update::marks;
use crate::tui::update::opening;
use crate::tui::update::reading;

/// How long a lock's heartbeat is watched: a lease, the grace after it, and a little.
const WATCH: Duration = Duration::from_secs(45);

/// Sets an action going; [`allowed::check`] has let it through.
pub fn start(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Services => to_area(model, Area::Services),
        Action::Plans => to_area(model, Area::Plan),
        Action::Runs => to_area(model, Area::Run),
        Action::Locks => to_area(model, Area::Locks),
        Action::Drift => to_area(model, Area::Drift),
        Action::History => to_area(model, Area::History),
        Action::NextArea => to_area(model, model.area.beside(1)),
        Action::PreviousArea => to_area(model, model.area.beside(Area::ALL.len() - 1)),
        Action::MakePlan => {
            model.go(Area::Plan);
            let echo = format!("{} plan", model.options.command);
            model.did("plan", Some(echo));
            vec![plan(request(Purpose::Deploy), Wish::Plan)]
        }
        Action::Deploy => {
            let targets = marks::services(model);
            ask(
                model,
                PlanRequest {
                    purpose: Purpose::Deploy,
                    targets,
                    flow: FlowRequest::default(),
                },
            )
        }
        Action::Destroy => ask(model, request(Purpose::Destroy)),
        Action::Clean => ask(model, request(Purpose::Clean)),
        Action::RestoreAll => restore_all(model),
        Action::Restore => restore(model),
        Action::Accept => decide::accept(model),
        Action::Ignore => decide::ignore(model),
        Action::Cancel => cancel(model),
        Action::Unlock => locks::unlock(model),
        Action::Logs => opening::logs(model),
        Action::Refresh => refresh(model),
        Action::Copy => copied::chosen(model).map_or_else(Vec::new, |text| {
            let (text, was_cut) = reading::cut_copy(text);
            let lines = count(text.lines().count(), "line");
            if was_cut {
                let said = format!("{lines} copied, the rest is too long; `W` saves all of it");
                model.toast(said, Tone::Warn);
            } else {
                model.toast(format!("{lines} copied"), Tone::Ok);
            }
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
        flow: FlowRequest::default(),
    }
}

fn quiet(command: Command) -> Effect {
    Effect::Send {
        command,
        wish: Wish::Quiet,
    }
}

/// A plan somebody asked for is saved, as `nkapp plan` does; the panel's own ones are not.
#[must_use]
pub fn plan(request: PlanRequest, wish: Wish) -> Effect {
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
    if area == Area::History {
        history::outdated(model);
    }
    if area != Area::Locks {
        return Vec::new();
    }
    let mut effects = vec![look_at_lock(WATCH)];
    effects.extend(locks::ask());
    effects
}

/// Shows the plan before anything is done: the one on show when it is still good, else a new one.
pub fn ask(model: &mut Model, request: PlanRequest) -> Vec<Effect> {
    let shown = model.snapshot.plan.as_ref().filter(|plan| {
        model.snapshot.plan_stale.is_none()
            && plan.purpose == request.purpose
            && plan.targets == request.targets
            && request.flow == FlowRequest::default()
    });
    if let Some(plan) = shown.cloned() {
        flows::offer(model, request, plan);
        return Vec::new();
    }
    wait_for_plan(model, request)
}

/// Opens the question without a plan yet, and asks for one.
pub fn wait_for_plan(model: &mut Model, request: PlanRequest) -> Vec<Effect> {
    let question = Question::Approve {
        request: request.clone(),
        plan: None,
        basis: Basis::default(),
    };
    let dialog = Dialog::new(question, model.now);
    model.overlays.push(Overlay::Dialog(Box::new(dialog)));
    vec![plan(request, Wish::Approval)]
}

/// Returns how dear the environment is.
#[must_use]
pub fn standing(model: &Model) -> Standing {
    let config = model.snapshot.config.as_ref();
    let project = config.and_then(|config| config.project.as_ref());
    project.map_or(Standing::Own, |project| Standing::of(project.env.as_str()))
}

/// Opens the question that fits a plan: one key, or the project's name where something goes for good.
pub fn open_approval(model: &mut Model, request: PlanRequest, plan: std::sync::Arc<Plan>) {
    let basis = Basis {
        of: model.snapshot.plan.as_ref().map(|plan| plan.id.clone()),
        changed: false,
        again: false,
        stale: None,
    };
    let overlay = match danger::before(&plan, standing(model)) {
        Ritual::None | Ritual::Key => {
            let question = Question::Approve {
                request,
                plan: Some(plan),
                basis,
            };
            Overlay::Dialog(Box::new(Dialog::new(question, model.now)))
        }
        Ritual::Typed => Overlay::Typed(Box::new(Typed::run(request, plan, basis, model.now))),
        Ritual::TypedAndWait => {
            let until = Wall(model.now.0.saturating_add(Ritual::WAIT));
            Overlay::Typed(Box::new(Typed::run(request, plan, basis, until)))
        }
    };
    model.overlays.push(overlay);
}

/// Everything that drifted; what is ignored stays as it is.
fn restore_all(model: &mut Model) -> Vec<Effect> {
    let mut request = request(Purpose::Restore);
    if let Some(report) = model.snapshot.drift.as_ref()
        && !report.ignored.is_empty()
    {
        request.targets = report.drifted.keys().map(Address::target).collect();
    }
    ask(model, request)
}

fn restore(model: &mut Model) -> Vec<Effect> {
    let marked = marks::marked(model).clone();
    let mut request = request(Purpose::Restore);
    if !marked.is_empty() {
        request.targets = marked
            .iter()
            .map(|mark| mark.strip_prefix("service.").unwrap_or(mark).to_owned())
            .collect();
        return ask(model, request);
    }
    let Some(address) = allowed::drifted(model) else {
        return Vec::new();
    };
    request.targets.insert(address.target());
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
    let text = match model.stopping {
        Stop::Run | Stop::Drain => "stop the run when what is under way is done",
        Stop::Cancel => "cut the run off",
    };
    model.did(text, None);
    vec![Effect::Send {
        command: Command::Stop {
            stop: model.stopping,
        },
        wish: Wish::Stop,
    }]
}

/// Ctrl-C: drain, then cut off, then leave; leave at once when nothing runs.
pub fn interrupt(model: &mut Model) -> Vec<Effect> {
    let elsewhere = model.leaving == Leaving::No && model.around.running().next().is_some();
    if !busy(model) && elsewhere {
        return quit(model);
    }
    if !busy(model) || model.stopping == Stop::Cancel {
        model.leaving = Leaving::Now;
        return vec![Effect::Quit];
    }
    let key = model.key(Action::Interrupt);
    if model.stopping == Stop::Run {
        model.toast(
            format!(
                "stopping: what is under way finishes, nothing new starts; {key} again cuts it off"
            ),
            Tone::Warn,
        );
        stop(model, Stop::Drain)
    } else {
        model.toast(
            format!("cutting off what is under way; {key} again leaves"),
            Tone::Warn,
        );
        stop(model, Stop::Cancel)
    }
}

fn quit(model: &mut Model) -> Vec<Effect> {
    if busy(model) || model.around.running().next().is_some() {
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
        Area::History => format!("{} run list", model.options.command),
    });
    let mut effects = vec![
        quiet(Command::Reload),
        quiet(Command::Status),
        quiet(Command::Drift),
        plan(request(Purpose::Deploy), Wish::Quiet),
    ];
    history::outdated(model);
    if model.area == Area::Locks {
        effects.extend(to_area(model, Area::Locks));
    } else {
        effects.push(look_at_lock(Duration::ZERO));
    }
    effects
}

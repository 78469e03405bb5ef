//! Opening output: of a service, of a step from memory or from its file; and saving what is shown.

use crate::app::command::{Command, LogRequest};
use crate::domain::event::StepOutcome;
use crate::domain::history::view::StepView;
use crate::domain::ids::StepId;
use crate::present::{clean, shell};
use crate::tui::effect::{Effect, Wish};
use crate::tui::logs::open::{LogView, Whose};
use crate::tui::logs::reader::Times;
use crate::tui::logs::save::Saving;
use crate::tui::logs::store::Store;
use crate::tui::model::{Model, Overlay};
use crate::tui::rows::row::Subject;
use crate::tui::theme::Tone;
use crate::tui::update::moves::subject;
use crate::tui::update::{allowed, reading};
use crate::tui::words::stamp;

/// How many of the last lines of a service are asked for at first; going to the top asks for the rest.
const TAIL: u32 = 10_000;

/// Opens the output of the chosen service.
pub fn logs(model: &mut Model) -> Vec<Effect> {
    let Some(service) = allowed::service(model) else {
        return Vec::new();
    };
    let echo = format!(
        "{} logs {} -f",
        model.options.command,
        shell::quote(&service)
    );
    model.did(format!("logs of {service}"), Some(echo));
    let mut view = LogView::service(service.clone(), model.next_store);
    view.tail = Some(TAIL);
    model.next_store += 1;
    show(model, view);
    let mut effects = Vec::new();
    if model.snapshot.run.is_none() && !model.history.asked {
        // What is new since the last run is marked.
        model.history.asked = true;
        effects.push(Effect::Send {
            command: Command::Runs,
            wish: Wish::Runs,
        });
    }
    effects.push(ask(service, Some(TAIL)));
    effects
}

/// Opens a view; its lines look as those of the run were last chosen to.
fn show(model: &mut Model, mut view: LogView) {
    view.reader.wrap = model.output.reader.wrap;
    view.reader.times = model.output.reader.times;
    model.overlays.push(Overlay::Logs(Box::new(view)));
}

fn ask(service: String, tail: Option<u32>) -> Effect {
    Effect::Send {
        command: Command::Logs {
            request: LogRequest {
                service,
                instance: None,
                tail,
                follow: true,
                timestamps: true,
            },
        },
        wish: Wish::Logs,
    }
}

/// Asks for the whole output of a service when somebody goes to the top of its last lines.
pub fn whole(model: &mut Model) -> Vec<Effect> {
    let next = model.next_store;
    let Some(view) = model.logs_mut() else {
        return Vec::new();
    };
    let (Whose::Service(service), Some(tail)) = (&view.whose, view.tail) else {
        return Vec::new();
    };
    let all_here = view
        .store
        .as_ref()
        .is_none_or(|store| store.end() < u64::from(tail));
    if all_here {
        return Vec::new();
    }
    let mut effects = vec![ask(service.clone(), None)];
    effects.extend(view.ticket.take().map(|ticket| Effect::Send {
        command: Command::Forget { ticket },
        wish: Wish::Quiet,
    }));
    view.tail = None;
    view.store = Some(Store::new(next));
    view.reader.restart();
    model.next_store += 1;
    model.toast("reading everything there is", Tone::Busy);
    effects
}

/// Saves what is shown.
pub fn save(model: &mut Model) -> Vec<Effect> {
    let name: String = match model.logs() {
        Some(view) => view.name().to_owned(),
        None => match subject(model) {
            Subject::Step(_, step) => step.to_string(),
            Subject::Resource(address) | Subject::Change(address, _) => address.to_string(),
            Subject::Heading | Subject::Run(_) | Subject::Remark => "run".to_owned(),
        },
    };
    let name: String = clean::line(&name)
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') {
                c
            } else {
                '-'
            }
        })
        .collect();
    let path = model.options.own.join("logs").join(format!(
        "{}-{}.log",
        name.trim_matches('-'),
        stamp(model.now)
    ));
    let saving = reading::with(model, |store, reader, _| Saving {
        path,
        parts: store.parts(),
        sieve: reader.sieve().clone(),
        names: reader
            .names_sources(store)
            .then(|| store.sources().to_vec()),
        times: reader.times != Times::Off,
    });
    saving
        .map(|saving| vec![Effect::Save(Box::new(saving))])
        .unwrap_or_default()
}

/// Returns the step whose output is to be opened: the chosen one, else the first that failed, else what goes on.
#[must_use]
pub fn chosen_step(model: &Model) -> Option<StepId> {
    let run = model.shown_run()?;
    let failed = |outcome: Option<StepOutcome>| {
        matches!(outcome, Some(StepOutcome::Failed | StepOutcome::Unknown))
    };
    let names = model.output.store.sources();
    // Of steps that are all well, the last one that printed something.
    let printed = |id: &StepId, view: &StepView| {
        view.log.is_some() || names.iter().any(|name| name == id.as_str())
    };
    match subject(model) {
        Subject::Step(_, step) => Some(step),
        Subject::Resource(address) | Subject::Change(address, _) => {
            let steps = || run.steps_of(&address);
            steps()
                .find(|(_, view)| failed(view.outcome))
                .or_else(|| {
                    steps()
                        .filter(|(id, view)| printed(id, view))
                        .max_by_key(|(_, view)| view.started)
                })
                .map(|(id, _)| id.clone())
        }
        Subject::Heading | Subject::Run(_) | Subject::Remark => {
            let first = run
                .steps
                .iter()
                .filter(|(_, view)| failed(view.outcome))
                .min_by_key(|(_, view)| view.finished);
            let last = || {
                run.steps
                    .iter()
                    .filter(|(id, view)| printed(id, view))
                    .max_by_key(|(_, view)| view.started)
            };
            first.or_else(last).map(|(id, _)| id.clone())
        }
    }
}

/// Opens the whole output of a step: from memory, or from its file where memory does not have all of it.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let Some(step) = chosen_step(model) else {
        return Vec::new();
    };
    let Some(run) = model.shown_run() else {
        return Vec::new();
    };
    let run_id = run.run_id.clone();
    let known = run.steps.get(&step);
    let state = known.and_then(|view| {
        let outcome = view.outcome?;
        let mut words = vec![outcome.as_str().to_owned()];
        words.extend(view.exit_code.map(|code| format!("exit code {code}")));
        words.extend(
            view.message
                .as_ref()
                .map(|text| text.lines().next().unwrap_or("").to_owned()),
        );
        Some(words.join(", "))
    });
    let file = known.is_some_and(|view| view.log.is_some());
    let store = &model.output.store;
    let here = model.output.run.as_ref() == Some(&run_id)
        && store.lost().is_none()
        && store.missing() == 0
        && store.sources().iter().any(|name| name == step.as_str());
    let mut view = if here || !file {
        LogView::step(step.clone(), &model.output)
    } else {
        model.next_store += 1;
        LogView::file(step.clone(), model.next_store - 1)
    };
    view.state = state;
    let ask = view.store.is_some();
    show(model, view);
    if !ask {
        return Vec::new();
    }
    vec![Effect::Send {
        command: Command::StepOutput { run: run_id, step },
        wish: Wish::Logs,
    }]
}

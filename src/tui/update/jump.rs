//! Going to anything by its name, from anywhere.

use crate::domain::ids::{Address, RunId, StepId};
use crate::domain::lease::Verdict;
use crate::present::human;
use crate::present::rows::runs::ended;
use crate::tui::danger::Danger;
use crate::tui::effect::Effect;
use crate::tui::keymap::action::Action;
use crate::tui::model::{Area, Focus, Model};
use crate::tui::rows::row::Subject;
use crate::tui::theme::Tone;
use crate::tui::update::palette::{Entry, Pick};
use crate::tui::update::{acts, history};

/// Settings are offered once so many letters were typed: there may be very many of them.
const LETTERS: usize = 2;

/// A place to go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// An area.
    Area(Area),
    /// A resource of the project.
    Resource(Address),
    /// What the plan does to a resource.
    Change(Address),
    /// A step of the run.
    Step(StepId),
    /// A setting of a resource.
    Setting(Address),
    /// A past run.
    Run(RunId),
}

/// Returns everything that has a name.
#[must_use]
pub fn entries(model: &Model, typed: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut add = |name: String, note: String, spot: Spot| {
        entries.push(Entry {
            key: String::new(),
            name,
            danger: Danger::Read,
            note,
            off: None,
            pick: Pick::Go(spot),
        });
    };
    if let Some(project) = model
        .snapshot
        .config
        .as_ref()
        .and_then(|c| c.project.as_ref())
    {
        let services = project
            .services
            .keys()
            .map(|name| ("service", Address::service(name)));
        let networks = project
            .networks
            .keys()
            .map(|name| ("network", Address::network(name)));
        let volumes = project
            .volumes
            .keys()
            .map(|name| ("volume", Address::volume(name)));
        for (kind, address) in services.chain(networks).chain(volumes) {
            add(address.name.clone(), kind.into(), Spot::Resource(address));
        }
    }
    for area in Area::ALL {
        add(area.title().to_owned(), "area".into(), Spot::Area(area));
    }
    if let Some(plan) = &model.snapshot.plan {
        for action in plan.actions.iter().filter(|action| !action.is_noop()) {
            let note = format!("plan: {}, {}", action.kind.as_str(), action.reason);
            add(
                action.address.to_string(),
                note,
                Spot::Change(action.address.clone()),
            );
        }
    }
    for step in model.snapshot.run.iter().flat_map(|run| run.steps.keys()) {
        add(
            step.to_string(),
            "step of the run".into(),
            Spot::Step(step.clone()),
        );
    }
    if let Some(lock) = model
        .snapshot
        .lock
        .as_ref()
        .filter(|lock| lock.verdict != Verdict::Free)
    {
        let holder = lock
            .record
            .as_ref()
            .map_or("", |record| &record.holder.user);
        let note = format!("lock: {} {holder}", lock.verdict.as_str());
        add("lock".into(), note, Spot::Area(Area::Locks));
    }
    for run in model.history.runs.iter().flat_map(|runs| runs.iter()) {
        let (word, _) = ended(run.outcome.as_deref(), run.warnings);
        let note = format!(
            "past run of {}, {} ago: {word}",
            run.who,
            human::between(run.started_at, model.now)
        );
        add(
            format!("{} {}", run.command, run.run_id),
            note,
            Spot::Run(run.run_id.clone()),
        );
    }
    if typed.chars().count() >= LETTERS {
        for (path, address) in settings(model) {
            add(path, "setting".into(), Spot::Setting(address));
        }
    }
    entries
}

/// Settings that are written somewhere, by their path in the file.
fn settings(model: &Model) -> Vec<(String, Address)> {
    let project = model
        .snapshot
        .config
        .as_ref()
        .and_then(|c| c.project.as_ref());
    let origins = project.iter().flat_map(|project| project.origins.keys());
    origins
        .filter_map(|path| {
            let (group, rest) = path.split_once('.')?;
            let (name, _) = rest.split_once('.')?;
            let address = match group {
                "services" => Address::service(name),
                "networks" => Address::network(name),
                "volumes" => Address::volume(name),
                _ => return None,
            };
            Some((path.clone(), address))
        })
        .collect()
}

/// Goes there.
pub fn go(model: &mut Model, spot: &Spot) -> Vec<Effect> {
    let area = match spot {
        Spot::Area(area) => *area,
        Spot::Resource(_) | Spot::Setting(_) => Area::Services,
        Spot::Change(_) => Area::Plan,
        Spot::Step(_) => Area::Run,
        Spot::Run(_) => Area::History,
    };
    if area == Area::History {
        history::leave(model);
    }
    let effects = acts::start(model, to(area));
    if matches!(spot, Spot::Run(_)) {
        // The list was read when the jump was offered.
        model.history.asked = true;
    }
    let Some(pane) = model.pane_mut() else {
        return effects;
    };
    let found = match spot {
        Spot::Area(_) => true,
        Spot::Resource(address) | Spot::Setting(address) | Spot::Change(address) => {
            pane.reveal(|row| matches!(&row.subject, Subject::Resource(here) if here == address))
        }
        Spot::Run(run) => {
            pane.reveal(|row| matches!(&row.subject, Subject::Run(here) if here == run))
        }
        Spot::Step(step) => {
            pane.reveal(|row| matches!(&row.subject, Subject::Step(_, here) if here == step))
        }
    };
    model.follow_run &= !matches!(spot, Spot::Step(_));
    model.details_at = 0;
    if matches!(spot, Spot::Setting(_)) {
        model.focus = Focus::Details;
    }
    if !found {
        model.toast("it is not there any more", Tone::Warn);
    }
    effects
}

/// Returns the action that goes to an area.
#[must_use]
pub fn to(area: Area) -> Action {
    match area {
        Area::Services => Action::Services,
        Area::Plan => Action::Plans,
        Area::Run => Action::Runs,
        Area::Drift => Action::Drift,
        Area::Locks => Action::Locks,
        Area::History => Action::History,
    }
}

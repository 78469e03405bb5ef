//! Past runs: reading the list and single runs, opening one, comparing two.

use std::sync::Arc;

use crate::app::command::Command;
use crate::domain::event::Event;
use crate::domain::history::compare::Comparison;
use crate::domain::history::details::Details;
use crate::domain::ids::RunId;
use crate::domain::report::RunSummary;
use crate::tui::effect::{Effect, Wish};
use crate::tui::history::Want;
use crate::tui::keymap::action::Action;
use crate::tui::model::{Area, Model};
use crate::tui::rows::row::Subject;
use crate::tui::theme::Tone;
use crate::tui::update::{marks, moves, timeline};

/// Tells why an action of this part does not apply now.
///
/// # Errors
/// The reason, as a sentence for people.
pub fn check(model: &Model, action: Action) -> Result<(), String> {
    if model.history.comparison.is_some() {
        return Err(format!(
            "two runs are being compared; {} leaves that first",
            model.key(Action::Back)
        ));
    }
    match action {
        Action::Open if chosen(model).is_none() => Err(match &model.history.runs {
            None if model.history.problem.is_none() => {
                "the list of past runs is still being read".into()
            }
            Some(_) | None => "choose a run".into(),
        }),
        Action::Compare => pair(model).map(|_| ()),
        _ => Ok(()),
    }
}

/// Does an action of this part.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Open => {
            let Some(run) = chosen(model) else {
                return Vec::new();
            };
            model.did(
                format!("replay of run {run}"),
                Some(format!("{} run show {run}", model.options.command)),
            );
            model.toast(
                format!("reading run {run}; it opens as soon as it is read"),
                Tone::Busy,
            );
            ask(model, run, Want::Replay)
        }
        Action::Compare => match pair(model) {
            Ok((old, new)) => {
                model.history.pair = Some((old.clone(), new.clone()));
                model.toast("reading both runs", Tone::Busy);
                let mut effects = ask(model, old, Want::Compare);
                effects.extend(ask(model, new, Want::Compare));
                effects
            }
            Err(_) => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Returns the run the cursor is on.
#[must_use]
pub fn chosen(model: &Model) -> Option<RunId> {
    match moves::subject(model) {
        Subject::Run(run) if model.area == Area::History => Some(run),
        Subject::Run(_)
        | Subject::Heading
        | Subject::Resource(_)
        | Subject::Change(..)
        | Subject::Step(..)
        | Subject::Remark => None,
    }
}

/// Returns the older and the newer of the runs to compare: those marked, or the chosen one and the one before.
fn pair(model: &Model) -> Result<(RunId, RunId), String> {
    let marked: Vec<RunId> = marks::marked(model).iter().map(RunId::new).collect();
    match marked.as_slice() {
        // Ids of runs begin with their time, and marks are sorted.
        [old, new] => return Ok((old.clone(), new.clone())),
        [] => {}
        _ => {
            return Err(format!(
                "two runs are compared; {} marked",
                match marked.len() {
                    1 => "1 is".to_owned(),
                    number => format!("{number} are"),
                }
            ));
        }
    }
    let new = chosen(model).ok_or("choose a run, or mark two with Space")?;
    let runs = model.history.runs.as_ref();
    let mut older = runs
        .into_iter()
        .flat_map(|runs| runs.iter())
        .skip_while(|run| run.run_id != new);
    let newer = older.next();
    let same = |run: &&RunSummary| newer.is_some_and(|newer| newer.env == run.env);
    match older.find(same) {
        Some(old) => Ok((old.run_id.clone(), new)),
        None => Err("there is no older run to compare it with; Space marks two".into()),
    }
}

/// Asks for a run; one that is being read already is not read twice, it is only wanted for more.
fn ask(model: &mut Model, run: RunId, want: Want) -> Vec<Effect> {
    if let Some(known) = model.history.wanted.get_mut(&run) {
        *known = want.max(*known);
        return Vec::new();
    }
    model.history.wanted.insert(run.clone(), want);
    vec![Effect::Send {
        command: Command::RunEvents { run },
        wish: Wish::Past,
    }]
}

/// Asks for what the area lacks: the list, then more of the run with the cursor, one at a time.
pub fn want(model: &mut Model) -> Vec<Effect> {
    if model.snapshot.config.is_some()
        && let Some(run) = model.options.replay.take()
    {
        return ask(model, run, Want::Replay);
    }
    if model.area != Area::History {
        return Vec::new();
    }
    if !model.history.asked {
        return list(model);
    }
    let Some(run) = chosen(model) else {
        return Vec::new();
    };
    let live = model.running().is_some_and(|live| live.run_id == run);
    if live || !model.history.wanted.is_empty() || model.history.details.contains_key(&run) {
        return Vec::new();
    }
    ask(model, run, Want::Details)
}

/// Asks for the list, unless it is as it was.
pub fn list(model: &mut Model) -> Vec<Effect> {
    if std::mem::replace(&mut model.history.asked, true) {
        return Vec::new();
    }
    vec![Effect::Send {
        command: Command::Runs,
        wish: Wish::Runs,
    }]
}

/// Takes the list.
pub fn listed(model: &mut Model, runs: Arc<Vec<RunSummary>>) {
    // A run that had not ended may have since.
    let open = |id: &RunId| {
        runs.iter()
            .any(|run| run.run_id == *id && run.outcome.is_none())
    };
    model.history.details.retain(|id, _| !open(id));
    model.history.runs = Some(runs);
    model.history.problem = None;
    refresh(model);
}

/// Takes the events of a run for whatever they were asked for.
pub fn read(model: &mut Model, events: &Arc<Vec<Event>>) -> Vec<Effect> {
    let Some(id) = events.first().and_then(|event| event.run_id.clone()) else {
        // Nobody can tell whose journal this was; none of those awaited is asked for again.
        for id in std::mem::take(&mut model.history.wanted).into_keys() {
            model.history.remember(id, Arc::default());
        }
        model.toast("there is nothing in the journal of this run", Tone::Warn);
        return Vec::new();
    };
    let want = model.history.wanted.remove(&id);
    let details = Arc::new(Details::of(events));
    model.history.remember(id, details);
    match want {
        Some(Want::Replay) => {
            model.toasts.clear();
            return timeline::open(model, Arc::clone(events));
        }
        Some(Want::Compare) => compare(model),
        Some(Want::Details) | None => refresh(model),
    }
    Vec::new()
}

/// Compares as soon as both runs were read.
fn compare(model: &mut Model) {
    let Some((old, new)) = &model.history.pair else {
        return;
    };
    let details = &model.history.details;
    if let (Some(old), Some(new)) = (details.get(old), details.get(new)) {
        model.history.comparison = Some(Arc::new(Comparison::of(&old.view, &new.view)));
        model.history.pair = None;
        model.toasts.clear();
        model.panes.remove(&Area::History);
        refresh(model);
    }
}

/// Leaves the comparison; false when there is none.
pub fn leave(model: &mut Model) -> bool {
    if model.area != Area::History || model.history.comparison.take().is_none() {
        return false;
    }
    model.panes.remove(&Area::History);
    refresh(model);
    true
}

/// Notes that something could not be read; it is not asked for again by itself.
pub fn failed(model: &mut Model, wish: Wish, why: &str) {
    if wish == Wish::Runs {
        model.history.problem = Some(why.to_owned());
        return;
    }
    for id in std::mem::take(&mut model.history.wanted).into_keys() {
        model.history.remember(id, Arc::default());
    }
    model.history.pair = None;
}

/// Notes that the list is not what it was.
pub fn outdated(model: &mut Model) {
    model.history.asked = false;
}

fn refresh(model: &mut Model) {
    if model.area == Area::History {
        model.refresh_pane();
    }
    model.dirty = true;
}

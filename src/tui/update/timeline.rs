//! The timeline of a run, and the replay of a past one.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::event::{Event, EventKind, StepOutcome};
use crate::domain::history::path;
use crate::domain::ids::StepId;
use crate::domain::time::Wall;
use crate::tui::effect::Effect;
use crate::tui::keymap::action::{Action, Context};
use crate::tui::logs::open::Output;
use crate::tui::model::{Area, Model, RunAs};
use crate::tui::replay::Replay;
use crate::tui::rows::course::belongs;
use crate::tui::rows::row::Subject;
use crate::tui::theme::Tone;
use crate::tui::timeline::bars::Ground;
use crate::tui::update::{moves, reading};

/// Lines of output that are found again when a replay goes back.
const AGAIN: usize = 20_000;

/// Tells why an action of this part does not apply now.
///
/// # Errors
/// The reason, as a sentence for people.
pub fn check(model: &Model, action: Action) -> Result<(), String> {
    match action {
        Action::StepForward
        | Action::StepBack
        | Action::Faster
        | Action::Slower
        | Action::ReplayStart
        | Action::ReplayEnd
        | Action::LeaveReplay
            if model.replay.is_none() =>
        {
            Err(format!(
                "this is no replay; {} on a run of the history plays it again",
                model.key_in(Context::History, Action::Open)
            ))
        }
        Action::ZoomIn | Action::ZoomOut | Action::Earlier | Action::Later
            if model.run_as != RunAs::Timeline =>
        {
            Err(format!(
                "{} shows the timeline first",
                model.key(Action::Shape)
            ))
        }
        Action::Earlier | Action::Later if model.window.is_whole() => {
            let key = model.key(Action::ZoomIn);
            Err(format!("all of the run is on the screen; {key} zooms in"))
        }
        Action::NextFailure if failures(model).is_empty() && model.replay.is_none() => {
            Err("nothing failed".into())
        }
        Action::ToCritical if model.shown_run().is_none_or(|run| run.steps.is_empty()) => {
            Err("no step began yet".into())
        }
        _ => Ok(()),
    }
}

/// Does an action of this part.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Shape => {
            model.run_as = match model.run_as {
                RunAs::Steps => RunAs::Timeline,
                RunAs::Timeline => RunAs::Steps,
            };
            model.refresh_pane();
        }
        Action::ZoomIn | Action::ZoomOut | Action::Earlier | Action::Later => zoom(model, action),
        Action::NextFailure => return next_failure(model),
        Action::ToCritical => to_critical(model),
        Action::LeaveReplay => leave(model),
        Action::Play if model.replay.is_none() => {
            if let Some(pane) = model.pane_mut() {
                pane.toggle();
            }
        }
        _ => {
            if let Some(replay) = &mut model.replay {
                steer(replay, action);
                return played(model);
            }
        }
    }
    Vec::new()
}

fn steer(replay: &mut Replay, action: Action) {
    match action {
        Action::Play => replay.play(),
        Action::StepForward => replay.forward(),
        Action::StepBack => replay.back(),
        Action::Faster => replay.faster(),
        Action::Slower => replay.slower(),
        Action::ReplayStart => replay.start(),
        Action::ReplayEnd => replay.end(),
        _ => {}
    }
}

/// Brings output, rows and cursor to where the replay is now.
fn played(model: &mut Model) -> Vec<Effect> {
    feed(model);
    model.refresh_pane();
    moves::follow(model);
    model.dirty = true;
    reading::spill(&mut model.output.store)
}

/// Shows the output of the events played so far; going back begins it anew.
fn feed(model: &mut Model) {
    let Some(replay) = &mut model.replay else {
        return;
    };
    let played = replay.played();
    let mut from = replay.fed;
    let mut missed = 0;
    if from > played.len() {
        let lines = |events: &[Event]| events.iter().filter(|e| is_line(e)).count();
        let mut kept = 0;
        let first = played.iter().rposition(|event| {
            kept += usize::from(is_line(event));
            kept > AGAIN
        });
        from = first.map_or(0, |at| at + 1);
        missed = lines(played.get(..from).unwrap_or_default());
        model.output.run = None;
    }
    for event in played.get(from..).unwrap_or_default() {
        model.output.take(event, model.next_store);
        if model.output.store.id() == model.next_store {
            model.next_store += 1;
        }
    }
    if missed > 0 {
        model.output.store.miss(missed as u64);
    }
    replay.fed = replay.position().0;
}

fn is_line(event: &Event) -> bool {
    matches!(event.kind, EventKind::Log { .. })
}

/// Takes the time; only a replay that plays where it can be seen gets on.
pub fn tick(model: &mut Model, now: Wall) -> Vec<Effect> {
    let seen = model.plays();
    let Some(replay) = &mut model.replay else {
        return Vec::new();
    };
    if !seen {
        replay.rest();
        return Vec::new();
    }
    if replay.tick(now) {
        return played(model);
    }
    Vec::new()
}

/// Opens a past run in the run area.
pub fn open(model: &mut Model, events: Arc<Vec<Event>>) -> Vec<Effect> {
    let Some(replay) = Replay::open(events) else {
        model.toast("there is nothing in this run to play", Tone::Warn);
        return Vec::new();
    };
    model.replay = Some(Box::new(replay));
    let fresh = Output::new(model.next_store);
    model.next_store += 1;
    let live = std::mem::replace(&mut model.output, fresh);
    // Where another replay was on show, the session's own output is put aside already.
    model.parked.get_or_insert(live);
    model.window.fit();
    model.follow_run = true;
    model.panes.remove(&Area::Run);
    model.go(Area::Run);
    if model.running().is_some() {
        let leave = model.key(Action::LeaveReplay);
        model.toast(
            format!("a run is under way; {leave} leaves the replay and shows it"),
            Tone::Warn,
        );
    }
    played(model)
}

/// Leaves the replay: the live run is shown again.
pub(super) fn leave(model: &mut Model) {
    model.replay = None;
    if let Some(live) = model.parked.take() {
        model.output = live;
    }
    model.window.fit();
    model.follow_run = true;
    model.panes.remove(&Area::Run);
    model.refresh_pane();
    moves::follow(model);
}

/// Returns how long the axis is: the run so far, and while it goes on what is expected of it.
#[must_use]
pub fn whole(model: &Model) -> i64 {
    let Some(run) = model.shown_run() else {
        return 1;
    };
    let none = BTreeSet::new();
    let ground = Ground {
        run,
        path: &none,
        now: model.run_now(),
    };
    let so_far = ground.end();
    if run.finished.is_some() {
        return so_far.max(1);
    }
    let first = run.steps.values().filter_map(|step| step.started).min();
    let expected = run.prediction.as_ref().map_or(0, |prediction| {
        let begins = ground.since(first.unwrap_or(model.run_now()));
        let takes = i64::try_from(prediction.total.as_millis()).unwrap_or(0);
        begins.saturating_add(takes)
    });
    so_far.saturating_add(so_far / 10).max(expected).max(1_000)
}

fn zoom(model: &mut Model, action: Action) {
    let whole = whole(model);
    let around = extent(model, &moves::subject(model)).map(|(from, to)| from / 2 + to / 2);
    match action {
        Action::ZoomIn => model.window.zoom_in(whole, around),
        Action::ZoomOut => model.window.zoom_out(whole),
        Action::Earlier => model.window.pan(-1, whole),
        Action::Later => model.window.pan(1, whole),
        _ => {}
    }
}

/// From when to when the bar of a row goes, where all of it is past.
fn extent(model: &Model, subject: &Subject) -> Option<(i64, i64)> {
    let none = BTreeSet::new();
    let ground = Ground {
        run: model.shown_run()?,
        path: &none,
        now: model.run_now(),
    };
    let bar = match subject {
        Subject::Step(_, id) => ground.step(id, None),
        Subject::Resource(address) => ground.resource(address, None),
        Subject::Heading | Subject::Change(..) | Subject::Run(_) | Subject::Remark => return None,
    };
    // What goes on is at the right edge, and the view goes with it.
    if bar.segments.iter().any(|piece| piece.open) {
        return None;
    }
    let from = bar.segments.iter().map(|piece| piece.from).min()?;
    let to = bar.segments.iter().map(|piece| piece.to).max()?;
    Some((from, to))
}

/// Steps that failed, in the order in which they did.
fn failures(model: &Model) -> Vec<StepId> {
    let Some(run) = model.shown_run() else {
        return Vec::new();
    };
    let bad = [StepOutcome::Failed, StepOutcome::Unknown];
    let mut failed: Vec<(Option<Wall>, &StepId)> = run
        .steps
        .iter()
        .filter(|(_, step)| step.outcome.is_some_and(|outcome| bad.contains(&outcome)))
        .map(|(id, step)| (step.finished, id))
        .collect();
    failed.sort();
    failed.into_iter().map(|(_, id)| id.clone()).collect()
}

/// In a replay goes to the moment of the next failure; else, or behind the last one, to the next failed row.
fn next_failure(model: &mut Model) -> Vec<Effect> {
    if let Some(replay) = &mut model.replay
        && replay.next_failure()
    {
        model.follow_run = true;
        return played(model);
    }
    let failed = failures(model);
    if failed.is_empty() {
        model.toast("no failure behind this point", Tone::Warn);
    } else {
        go_to_next(model, &failed);
    }
    Vec::new()
}

fn to_critical(model: &mut Model) {
    let steps = model
        .shown_run()
        .map(path::critical_path)
        .unwrap_or_default();
    go_to_next(model, &steps);
}

/// Puts the cursor on the step behind the one it is on, opening what hides it.
fn go_to_next(model: &mut Model, steps: &[StepId]) {
    let here = match moves::subject(model) {
        Subject::Step(_, id) => steps.iter().position(|step| *step == id),
        Subject::Resource(address) => steps
            .iter()
            .position(|step| belongs(step, &address))
            .and_then(|first| first.checked_sub(1)),
        Subject::Heading | Subject::Change(..) | Subject::Run(_) | Subject::Remark => None,
    };
    let next = here.map_or(0, |at| at + 1) % steps.len().max(1);
    let Some(step) = steps.get(next) else { return };
    model.follow_run = false;
    if let Some(pane) = model.pane_mut() {
        pane.reveal(|row| matches!(&row.subject, Subject::Step(_, id) if id == step));
    }
    if let Some(stretch) = extent(model, &moves::subject(model)) {
        let whole = whole(model);
        model.window.show(stretch, whole);
    }
}

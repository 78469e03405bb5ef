//! Why a list is empty, and what would fill it.

use crate::domain::history::view::RunView;
use crate::present::clean;
use crate::tui::keymap::action::Action;
use crate::tui::model::{Area, Model};
use crate::tui::others;
use crate::tui::update::acts;
use crate::tui::update::news::whole;
use crate::tui::words::{between, ticking};

/// Says why a list is empty, and what would fill it.
#[must_use]
pub fn why(model: &Model) -> String {
    match model.area {
        Area::Services => match &model.snapshot.config {
            None => "loading the project file".into(),
            Some(_) => "the file has no services".into(),
        },
        Area::Plan => match &model.snapshot.plan {
            None if model.snapshot.trouble.is_some() => format!(
                "no plan: {}",
                model
                    .snapshot
                    .trouble
                    .as_deref()
                    .map(whole)
                    .unwrap_or_default()
            ),
            None => format!(
                "no plan yet; {} makes one, {} makes one and deploys",
                model.key(Action::MakePlan),
                model.key(Action::Deploy)
            ),
            Some(_) => "the plan is empty".into(),
        },
        Area::Run if model.replay.is_some() => format!(
            "nothing had begun at this point; {} plays on, {} goes to the next failure",
            model.key(Action::Play),
            model.key(Action::NextFailure)
        ),
        Area::Run => match &model.snapshot.run {
            Some(run) => of_run(model, run),
            None if acts::busy(model) => "the run begins".into(),
            None => format!("no run yet; {} deploys", model.key(Action::Deploy)),
        },
        Area::Drift => match &model.snapshot.drift {
            None => format!("not looked at yet; {} looks", model.key(Action::Refresh)),
            Some(_) => "no drift: what runs is what was deployed".into(),
        },
        Area::Locks => String::new(),
        Area::History => match (&model.history.problem, &model.history.runs) {
            (Some(why), _) => format!("the past runs cannot be read: {why}"),
            (None, None) => "reading the past runs".into(),
            (None, Some(_)) => format!("no run yet; {} deploys", model.key(Action::Deploy)),
        },
    }
}

/// A run that has done nothing (yet): what it waits for, or why it never came so far.
fn of_run(model: &Model, run: &RunView) -> String {
    if let Some((_, outcome, _, message)) = &run.finished {
        let why = message.as_deref().unwrap_or("nothing was done");
        let again = model.key(Action::Deploy);
        return format!(
            "the {} ended before its first step ({outcome}): {}; {again} makes a plan of how it is now",
            run.command,
            clean::line(why)
        );
    }
    let Some(lock) = run.locks.get("") else {
        return format!("the {} looks how things stand and plans", run.command);
    };
    let waited = ticking(between(lock.since, model.now));
    let does = others::mark(&model.snapshot)
        .map_or_else(String::new, |(_, _, does)| format!(", who {does}"));
    format!(
        "the {} waits for the lock of {}{does}; waiting for {waited}, {} ends that",
        run.command,
        clean::line(&lock.who),
        model.key(Action::Cancel)
    )
}

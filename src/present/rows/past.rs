//! One past run: what it was, what it did, where its time went.

use std::time::Duration;

use crate::domain::event::StepOutcome;
use crate::domain::history::details::Details;
use crate::domain::history::path::Leg;
use crate::domain::plan::forecast::Forecast;
use crate::domain::report::RunSummary;
use crate::domain::time::Wall;
use crate::present::human::{self, duration};
use crate::present::role::{Role, Row, Span};
use crate::present::rows::forecast;
use crate::present::rows::runs::ended;
use crate::present::rows::table::columns;
use crate::present::words::{self, count};

/// Whether a run that has not ended still can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// It holds the lock.
    UnderWay,
    /// It was killed.
    CutOff,
}

impl Open {
    /// Returns symbol, word and role of a step it did not end.
    fn step(self) -> (char, &'static str, Role) {
        match self {
            Self::UnderWay => words::outcome(None),
            Self::CutOff => ('✗', "cut off", Role::Bad),
        }
    }
}

/// Returns what is known of a run; `past`: how far off the predictions of all runs were.
#[must_use]
pub fn rows(
    run: &RunSummary,
    details: &Details,
    (past, open): (&[Forecast], Open),
    now: Wall,
) -> Vec<Row> {
    let mut rows = head(run, details, past, now);
    if run.outcome.is_none() && open == Open::CutOff {
        let text = "no end is recorded: it was killed, or its journal was cut short";
        rows.push(Row::at(1).with(Role::Warn, text));
    }
    rows.extend(planned(details));
    rows.extend(steps(details, open));
    if !details.view.warnings.is_empty() {
        rows.extend(heading("warnings"));
        let warnings = details.view.warnings.iter();
        rows.extend(warnings.map(|text| Row::at(1).with(Role::Warn, format!("! {text}"))));
    }
    rows.push(Row::at(0));
    let id = run.run_id.as_str();
    for (key, says) in [
        ("--critical-path", "what the time was spent on"),
        ("--output STEP", "the whole output of a step"),
        ("--events", "every event"),
    ] {
        rows.push(
            Row::at(0)
                .with(Role::Key, format!("nkapp run show {id} {key}"))
                .with(Role::Dim, format!("  {says}")),
        );
    }
    rows
}

fn head(run: &RunSummary, details: &Details, past: &[Forecast], now: Wall) -> Vec<Row> {
    let view = &details.view;
    let (word, role) = ended(run.outcome.as_deref(), run.warnings);
    let took = run.duration_ms.map_or_else(String::new, |ms| {
        format!(" after {}", duration(Duration::from_millis(ms)))
    });
    let exit = run
        .exit_code
        .map_or_else(String::new, |code| format!(", exit code {code}"));
    let mut rows = vec![
        Row::at(0)
            .with(Role::Strong, format!("{} ", run.command))
            .with(role, word)
            .with(Role::Plain, format!("{took}{exit}")),
    ];
    let mut lines: Vec<Vec<Span>> = Vec::new();
    let mut pair = |key: &str, value: String| {
        if !value.is_empty() {
            lines.push(vec![
                Span::new(Role::Dim, key),
                Span::new(Role::Plain, value),
            ]);
        }
    };
    pair("because", run.message.clone().unwrap_or_default());
    pair("run", run.run_id.to_string());
    pair("who", run.who.clone());
    let began = human::moment(run.started_at);
    let ago = human::between(run.started_at, now);
    pair("began", format!("{began} UTC, {ago} ago"));
    pair("in", run.env.clone().unwrap_or_default());
    pair("nkapp", view.origin.version.clone());
    if let Some(plan) = &view.plan {
        pair("engine", plan.engine.clone());
        pair("plan", plan.id.to_string());
        pair("config", plan.config_hash.short().to_owned());
    }
    let inputs = view.origin.inputs.iter();
    let inputs: Vec<String> = inputs
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    pair("inputs", inputs.join(" · "));
    pair("trace", run.trace_id.to_string());
    if let Some(prediction) = &view.prediction {
        pair("expected", forecast::prediction(Some(prediction)));
    }
    if let Some(off) = run.forecast {
        pair("time", forecast::forecast(off));
    }
    pair("", forecast::accuracy(past).unwrap_or_default());
    rows.extend(columns(1, &lines));
    rows
}

fn heading(text: &str) -> Vec<Row> {
    vec![Row::at(0), Row::at(0).with(Role::Strong, text)]
}

fn planned(details: &Details) -> Vec<Row> {
    let Some(plan) = &details.view.plan else {
        return vec![Row::at(0), Row::at(0).with(Role::Dim, "it came to no plan")];
    };
    let mut rows = heading("plan");
    if plan.is_empty() {
        rows.push(Row::at(1).with(Role::Dim, "nothing to do"));
    }
    for action in plan.actions.iter().filter(|action| !action.is_noop()) {
        let (symbol, role) = words::action(action.kind);
        let ended = details.view.actions.get(&action.address);
        let mut row = Row::at(1)
            .with(role, format!("{symbol} "))
            .with(Role::Path, action.address.to_string())
            .with(Role::Plain, format!(": {}", action.reason));
        if let Some(message) = ended.and_then(|view| view.message.as_deref()) {
            let first = message.lines().next().unwrap_or_default();
            row = row.with(Role::Bad, format!(" · {first}"));
        }
        rows.push(row);
    }
    rows
}

/// The steps in the order they began.
fn steps(details: &Details, open: Open) -> Vec<Row> {
    let mut begun: Vec<_> = details
        .view
        .steps
        .iter()
        .filter_map(|(id, step)| Some((step.started?, id, step)))
        .collect();
    if begun.is_empty() {
        return Vec::new();
    }
    begun.sort_by_key(|(at, id, _)| (*at, (*id).clone()));
    let mut rows = heading("steps");
    let lines: Vec<Vec<Span>> = begun
        .into_iter()
        .map(|(from, id, step)| {
            let (symbol, word, role) = match step.outcome {
                None => open.step(),
                ended => words::outcome(ended),
            };
            let took = step.finished.map(|to| human::between(from, to));
            let mut said = match step.outcome {
                Some(StepOutcome::Done) => String::new(),
                Some(StepOutcome::Failed | StepOutcome::Skipped | StepOutcome::Unknown) | None => {
                    word.to_owned()
                }
            };
            if let Some(code) = step.exit_code.filter(|code| *code != 0) {
                said.push_str(&format!(" with exit code {code}"));
            }
            if let Some(first) = step.message.as_deref().and_then(|text| text.lines().next()) {
                said.push_str(&format!(": {first}"));
            }
            if step.log.is_some() {
                said.push_str(" (output)");
            }
            vec![
                Span::new(role, symbol.to_string()),
                Span::new(Role::Path, id.as_str()),
                Span::new(Role::Dim, took.unwrap_or_default()),
                Span::new(role, said.trim_start()),
            ]
        })
        .collect();
    rows.extend(columns(1, &lines));
    rows
}

/// Says what the time of a run was spent on: its stages, and the steps that made it as long as it was.
#[must_use]
pub fn critical_path(details: &Details, open: Open) -> Vec<Row> {
    let view = &details.view;
    let whole = view.finished.as_ref().map(|(at, ..)| at.0 - view.started.0);
    let share = |ms: u128| {
        whole
            .and_then(|whole| u128::try_from(whole).ok())
            .filter(|whole| *whole > 0)
            .map_or_else(String::new, |whole| format!("{} %", ms * 100 / whole))
    };
    let mut rows = vec![Row::at(0).with(Role::Strong, "stages")];
    let stages: Vec<Vec<Span>> = details
        .stages
        .iter()
        .map(|(stage, time)| {
            vec![
                Span::new(Role::Plain, stage.as_str()),
                Span::new(Role::Dim, duration(*time)),
                Span::new(Role::Dim, share(time.as_millis())),
            ]
        })
        .collect();
    rows.extend(columns(1, &stages));
    rows.extend(heading("critical path"));
    if details.legs.is_empty() {
        rows.push(Row::at(1).with(Role::Dim, "no step began"));
        return rows;
    }
    let legs: Vec<Vec<Span>> = details
        .legs
        .iter()
        .map(|leg| {
            let took = leg.took();
            let text = took.map_or_else(|| open.step().1.to_owned(), duration);
            vec![
                Span::new(Role::Busy, "◆"),
                Span::new(Role::Path, leg.step.as_str()),
                Span::new(Role::Dim, text),
                Span::new(
                    Role::Dim,
                    took.map_or_else(String::new, |t| share(t.as_millis())),
                ),
            ]
        })
        .collect();
    rows.extend(columns(1, &legs));
    let others = view.steps.len().saturating_sub(details.legs.len());
    let sum: Duration = details.legs.iter().filter_map(Leg::took).sum();
    let text = format!(
        "{} in all; shortening one of the other {} would not have ended it sooner",
        duration(sum),
        count(others, "step")
    );
    rows.push(Row::at(0).with(Role::Dim, text));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Event, EventKind};
    use crate::domain::ids::{Address, Instance, RunId};

    fn event(seq: u64, kind: EventKind) -> Event {
        let api = Address::service("api");
        Event {
            at: Wall(1_000),
            run_id: Some(RunId::new("r1")),
            seq,
            step: Some(api.step(Some(Instance(0)), "start")),
            address: Some(api),
            attempt: None,
            kind,
        }
    }

    #[test]
    fn a_step_without_an_end_was_cut_off_or_is_running_and_never_both() {
        let details = Details::of(&[event(0, EventKind::StepStarted)]);
        for (open, symbol, word) in [
            (Open::CutOff, '✗', "cut off"),
            (Open::UnderWay, '▸', "running"),
        ] {
            let rows = steps(&details, open);
            let text = rows.last().map(Row::text).unwrap_or_default();
            let words: Vec<&str> = text.split_whitespace().collect();
            assert_eq!(
                words.join(" "),
                format!("{symbol} service.api[0]/start {word}")
            );
        }
    }
}

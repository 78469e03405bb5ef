//! `nkapp run`: what was done here before.

use std::sync::Arc;

use serde_json::Value;

use crate::app::command::Command;
use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::Notice;
use crate::app::session;
use crate::cli::args::Run;
use crate::cli::errand::{Answer, Errand};
use crate::cli::exit;
use crate::cli::ground::Line;
use crate::cli::printer::Verbosity;
use crate::domain::event::Event;
use crate::domain::ids::RunId;
use crate::domain::report::RunSummary;
use crate::formats::{event as lines, report};
use crate::present::human;
use crate::present::role::{Role, Row};
use crate::present::rows::{run as rows, runs};

pub(super) fn run(errand: &mut Errand<'_>, verb: &Run) -> Result<u8, Failure> {
    errand.project()?;
    let mut line = errand.connect()?;
    match verb {
        Run::List => list(errand, line.as_mut()),
        Run::Show { run } => show(errand, line.as_mut(), run.as_deref()),
    }
}

fn list(errand: &mut Errand<'_>, line: &mut dyn Line) -> Result<u8, Failure> {
    let runs = all(errand, line)?;
    if errand.printer.json {
        let document: Vec<Value> = runs.iter().map(report::run).collect();
        errand.printer.document(&Value::Array(document));
    } else {
        let now = errand.ground.now();
        errand.printer.rows(&runs::runs(&runs, now));
    }
    Ok(exit::DONE)
}

fn all(errand: &mut Errand<'_>, line: &mut dyn Line) -> Result<Arc<Vec<RunSummary>>, Failure> {
    let answer = errand.ask_line(line, Command::Runs)?;
    find(answer, |notice| match notice {
        Notice::Runs { runs, .. } => Some(runs),
        _ => None,
    })
}

fn show(errand: &mut Errand<'_>, line: &mut dyn Line, wanted: Option<&str>) -> Result<u8, Failure> {
    let runs = all(errand, line)?;
    let run = choose(&runs, wanted)?;
    let answer = errand.ask_line(line, Command::RunEvents { run })?;
    let events: Arc<Vec<Event>> = find(answer, |notice| match notice {
        Notice::RunEvents { events, .. } => Some(events),
        _ => None,
    })?;
    if errand.printer.json {
        let document: Vec<Value> = events
            .iter()
            .filter_map(|event| serde_json::from_str(&lines::encode_line(event)).ok())
            .collect();
        errand.printer.document(&Value::Array(document));
        return Ok(exit::DONE);
    }
    let all = errand.printer.verbosity == Verbosity::Verbose;
    let mut out: Vec<Row> = Vec::new();
    for event in events.iter() {
        if !all && rows::weight(event) == rows::Weight::Detail {
            continue;
        }
        for mut row in rows::event(event) {
            let blank = "  ".repeat(row.indent);
            row.indent = 0;
            let mut whole = Row::at(0).with(Role::Dim, human::clock(event.at));
            whole = whole.with(Role::Plain, format!(" {blank}"));
            whole.spans.append(&mut row.spans);
            out.push(whole);
        }
    }
    errand.printer.rows(&out);
    Ok(exit::DONE)
}

fn choose(runs: &[RunSummary], wanted: Option<&str>) -> Result<RunId, Failure> {
    let Some(wanted) = wanted else {
        let newest = runs.first().map(|run| run.run_id.clone());
        return newest.ok_or_else(|| {
            Failure::new(FailureKind::Failed, "there are no runs yet").next("nkapp deploy")
        });
    };
    let fitting: Vec<&RunSummary> = runs
        .iter()
        .filter(|run| run.run_id.as_str().starts_with(wanted))
        .collect();
    match fitting.as_slice() {
        [only] => Ok(only.run_id.clone()),
        [] => Err(
            Failure::new(FailureKind::Failed, format!("there is no run `{wanted}`"))
                .next("nkapp run list"),
        ),
        _ => Err(Failure::new(
            FailureKind::Failed,
            format!("several runs begin with `{wanted}`"),
        )
        .next("nkapp run list")),
    }
}

fn find<T>(answer: Answer, pick: impl Fn(Notice) -> Option<T>) -> Result<T, Failure> {
    answer
        .notices
        .into_iter()
        .find_map(pick)
        .ok_or_else(session::gone)
}

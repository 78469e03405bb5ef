//! `nkapp run`: what was done here before: listed, shown, played again, compared.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::app::command::Command;
use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::Notice;
use crate::app::session;
use crate::cli::args::{OutcomeArg, Run};
use crate::cli::errand::{Answer, Errand};
use crate::cli::exit;
use crate::cli::ground::{Heard, Line};
use crate::cli::printer::Verbosity;
use crate::domain::event::Event;
use crate::domain::history::compare::Comparison;
use crate::domain::history::details::Details;
use crate::domain::history::view::RunView;
use crate::domain::ids::{RunId, StepId};
use crate::domain::lease::{LockReport, Verdict};
use crate::domain::plan::forecast::Forecast;
use crate::domain::report::RunSummary;
use crate::domain::time::Wall;
use crate::formats::{past, report};
use crate::present::human;
use crate::present::role::{Role, Row};
use crate::present::rows::{compare, forecast, past as rows, run as lines, runs};

pub(super) fn run(errand: &mut Errand<'_>, verb: &Run) -> Result<u8, Failure> {
    errand.project()?;
    let mut own = errand.connect()?;
    let line = own.as_mut();
    let all = all(errand, line)?;
    match verb {
        Run::List {
            limit,
            command,
            outcome,
            since,
        } => {
            let filter = Filter {
                limit: *limit,
                command: command.as_deref(),
                outcome: *outcome,
                since: *since,
            };
            list(errand, &all, &filter);
        }
        Run::Show {
            run,
            critical_path,
            output,
            events,
        } => {
            let run = choose(&all, run.as_deref(), 0)?;
            match output {
                Some(step) => return step_output(errand, line, &run.run_id, step),
                None => show(errand, line, (&all, run), *critical_path, *events)?,
            }
        }
        Run::Replay { run, speed } => {
            let run = choose(&all, run.as_deref(), 0)?.run_id.clone();
            let terminal = errand.terminal;
            let draws = terminal.interactive && terminal.stdout && terminal.capable;
            if draws && *speed > 0 && !errand.printer.json && !errand.plain {
                drop(own);
                return errand.ground.panel(true, Some(run));
            }
            return replay(errand, line, &run, *speed);
        }
        Run::Diff { before, after } => {
            let after = choose(&all, after.as_deref(), 0)?;
            let before = choose(&all, before.as_deref(), 1)?;
            diff(errand, line, before, after)?;
        }
    }
    Ok(exit::DONE)
}

/// Which runs are listed.
struct Filter<'a> {
    limit: Option<usize>,
    command: Option<&'a str>,
    outcome: Option<OutcomeArg>,
    since: Option<Duration>,
}

impl Filter<'_> {
    fn takes(&self, run: &RunSummary, now: Wall) -> bool {
        let age = u128::try_from(now.0.saturating_sub(run.started_at.0)).unwrap_or(0);
        self.command.is_none_or(|word| run.command == word)
            && self
                .outcome
                .is_none_or(|wanted| word(wanted) == run.outcome.as_deref())
            && self.since.is_none_or(|since| age <= since.as_millis())
    }
}

fn word(outcome: OutcomeArg) -> Option<&'static str> {
    match outcome {
        OutcomeArg::Ok => Some("ok"),
        OutcomeArg::Failed => Some("failed"),
        OutcomeArg::Cancelled => Some("cancelled"),
        OutcomeArg::Refused => Some("refused"),
        OutcomeArg::Unfinished => None,
    }
}

fn list(errand: &mut Errand<'_>, all: &[RunSummary], filter: &Filter<'_>) {
    let now = errand.ground.now();
    let fitting = all.iter().filter(|run| filter.takes(run, now));
    let fitting: Vec<RunSummary> = fitting
        .take(filter.limit.unwrap_or(usize::MAX))
        .cloned()
        .collect();
    if errand.printer.json {
        let document: Vec<Value> = fitting.iter().map(report::run).collect();
        errand.printer.document(&Value::Array(document));
        return;
    }
    if fitting.is_empty() && !all.is_empty() {
        let text = "No run fits";
        errand.printer.rows(&[Row::at(0).with(Role::Plain, text)]);
        return;
    }
    errand.printer.rows(&runs::runs(&fitting, now));
    if let Some(text) = forecast::accuracy(&forecasts(&fitting)) {
        errand.printer.remark(Role::Dim, &text);
    }
}

fn forecasts(runs: &[RunSummary]) -> Vec<Forecast> {
    runs.iter().filter_map(|run| run.forecast).collect()
}

fn all(errand: &mut Errand<'_>, line: &mut dyn Line) -> Result<Arc<Vec<RunSummary>>, Failure> {
    let answer = errand.ask_line(line, Command::Runs)?;
    find(answer, |notice| match notice {
        Notice::Runs { runs, .. } => Some(runs),
        _ => None,
    })
}

fn events_of(
    errand: &mut Errand<'_>,
    line: &mut dyn Line,
    run: &RunId,
) -> Result<Arc<Vec<Event>>, Failure> {
    let answer = errand.ask_line(line, Command::RunEvents { run: run.clone() })?;
    find(answer, |notice| match notice {
        Notice::RunEvents { events, .. } => Some(events),
        _ => None,
    })
}

fn show(
    errand: &mut Errand<'_>,
    line: &mut dyn Line,
    (all, run): (&[RunSummary], &RunSummary),
    critical_path: bool,
    line_by_line: bool,
) -> Result<(), Failure> {
    let events = events_of(errand, line, &run.run_id)?;
    let details = Details::of(&events);
    if errand.printer.json {
        let document = if critical_path {
            past::legs(&details.legs)
        } else {
            past::run(run, &details, &events)
        };
        errand.printer.document(&document);
        return Ok(());
    }
    let open = open(errand, line, run)?;
    let out = if critical_path {
        rows::critical_path(&details, open)
    } else if line_by_line {
        let all = errand.printer.verbosity == Verbosity::Verbose;
        events.iter().flat_map(|event| told(event, all)).collect()
    } else {
        let now = errand.ground.now();
        rows::rows(run, &details, (&forecasts(all), open), now)
    };
    errand.printer.rows(&out);
    Ok(())
}

/// Tells whether a run without an end is still at it: then it holds the lock.
fn open(
    errand: &mut Errand<'_>,
    line: &mut dyn Line,
    run: &RunSummary,
) -> Result<rows::Open, Failure> {
    if run.outcome.is_some() {
        return Ok(rows::Open::CutOff);
    }
    let watch_for = Duration::ZERO;
    let answer = errand.ask_line(line, Command::Lock { watch_for })?;
    let holds = |report: &LockReport| {
        let record = report.record.as_ref();
        let is_ours = record.is_some_and(|record| record.occupation.run_id == run.run_id);
        is_ours && !matches!(report.verdict, Verdict::Free | Verdict::Dead)
    };
    let is_held = answer.notices.iter().any(|notice| match notice {
        Notice::Lock { report, .. } => holds(report),
        _ => false,
    });
    Ok(if is_held {
        rows::Open::UnderWay
    } else {
        rows::Open::CutOff
    })
}

/// The lines of an event with their time.
fn told(event: &Event, all: bool) -> Vec<Row> {
    if !all && lines::weight(event) == lines::Weight::Detail {
        return Vec::new();
    }
    let stamped = |mut row: Row| {
        let blank = "  ".repeat(row.indent);
        let mut whole = Row::at(0).with(Role::Dim, human::clock(event.at));
        whole = whole.with(Role::Plain, format!(" {blank}"));
        whole.spans.append(&mut row.spans);
        whole
    };
    let rows = lines::event(event).into_iter().chain(lines::trace(event));
    rows.map(stamped).collect()
}

fn step_output(
    errand: &mut Errand<'_>,
    line: &mut dyn Line,
    run: &RunId,
    step: &str,
) -> Result<u8, Failure> {
    let command = Command::StepOutput {
        run: run.clone(),
        step: StepId::new(step),
    };
    let mut all: Vec<Value> = Vec::new();
    errand.listen(line, command, |errand, notice| {
        if let Notice::Output { line, .. } = notice {
            if errand.printer.json {
                all.push(Value::String(line.text));
            } else {
                let row = Row::at(0).with(Role::Plain, &line.text);
                errand.printer.rows(&[row]);
            }
        }
        !errand.printer.is_unread()
    })?;
    if errand.printer.json {
        errand.printer.document(&Value::Array(all));
    }
    Ok(exit::DONE)
}

/// Prints the events of a run again, in their own pace divided by `speed`; 0: at once.
fn replay(
    errand: &mut Errand<'_>,
    line: &mut dyn Line,
    run: &RunId,
    speed: u16,
) -> Result<u8, Failure> {
    let events = events_of(errand, line, run)?;
    let all = errand.printer.verbosity == Verbosity::Verbose;
    line.listen_to_signals();
    let mut last: Option<Wall> = None;
    for event in events.iter() {
        let gap = last.map_or(0, |last| event.at.0.saturating_sub(last.0));
        let gap = u64::try_from(gap).unwrap_or(0);
        last = Some(event.at);
        let pause = gap.checked_div(u64::from(speed)).unwrap_or(0);
        if pause > 0 && !waited(errand, line, Duration::from_millis(pause)) {
            return Err(Failure::new(FailureKind::Interrupted, "interrupted"));
        }
        if errand.printer.json {
            errand.printer.event_line(event);
        } else {
            errand.printer.rows(&told(event, all));
        }
        if errand.printer.is_unread() {
            break;
        }
    }
    errand.owed = crate::cli::errand::Owed::Nothing;
    Ok(exit::DONE)
}

/// Lets time go by; false when somebody wants to leave.
fn waited(errand: &Errand<'_>, line: &mut dyn Line, pause: Duration) -> bool {
    let until = errand
        .ground
        .now()
        .0
        .saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
    loop {
        let left = until.saturating_sub(errand.ground.now().0);
        let Ok(left @ 1..) = u64::try_from(left) else {
            return true;
        };
        match line.hear(Some(Duration::from_millis(left))) {
            Heard::Notice(_) | Heard::Tick => {}
            Heard::Interrupt | Heard::Terminate | Heard::Hangup | Heard::Closed => return false,
        }
    }
}

fn diff(
    errand: &mut Errand<'_>,
    line: &mut dyn Line,
    before: &RunSummary,
    after: &RunSummary,
) -> Result<(), Failure> {
    let mut view = |run: &RunSummary| -> Result<RunView, Failure> {
        let events = events_of(errand, line, &run.run_id)?;
        Ok(Details::of(&events).view)
    };
    let (old, new) = (view(before)?, view(after)?);
    let comparison = Comparison::of(&old, &new);
    if errand.printer.json {
        errand.printer.document(&past::comparison(&comparison));
    } else {
        let all = errand.printer.verbosity == Verbosity::Verbose;
        errand.printer.rows(&compare::rows(&comparison, all));
    }
    Ok(())
}

/// Finds a run as [`named`] does, and refuses one of which nothing can be told.
fn choose<'r>(
    runs: &'r [RunSummary],
    wanted: Option<&str>,
    back: usize,
) -> Result<&'r RunSummary, Failure> {
    let run = named(runs, wanted, back)?;
    let Some(why) = &run.damage else {
        return Ok(run);
    };
    let text = format!(
        "nothing can be told of run {}: its journal is damaged",
        run.run_id
    );
    Err(Failure::new(FailureKind::Failed, text)
        .source(why.clone())
        .hint("it is lost for the history only; other runs and the state are not touched by that")
        .next("nkapp run list"))
}

/// Finds the run whose id begins so; without one, the last but `back`.
fn named<'r>(
    runs: &'r [RunSummary],
    wanted: Option<&str>,
    back: usize,
) -> Result<&'r RunSummary, Failure> {
    let Some(wanted) = wanted else {
        return runs.get(back).ok_or_else(|| {
            let text = match back {
                0 => "there are no runs yet",
                _ => "there is only one run yet: nothing to compare it with",
            };
            Failure::new(FailureKind::Failed, text).next("nkapp deploy")
        });
    };
    let fitting: Vec<&RunSummary> = runs
        .iter()
        .filter(|run| run.run_id.as_str().starts_with(wanted))
        .collect();
    match fitting.as_slice() {
        [only] => Ok(only),
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

//! The details of a run: facts of the step with the cursor, and its output, followed.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::widgets::{Block, Paragraph};

use crate::domain::event::StepOutcome;
use crate::domain::history::view::{ActionView, RunView, StepView};
use crate::present::clean;
use crate::present::human::duration;
use crate::tui::logs::reader::{At, Size};
use crate::tui::model::Model;
use crate::tui::rows::row::Subject;
use crate::tui::theme::Tone;
use crate::tui::update::flows::open;
use crate::tui::update::moves::subject;
use crate::tui::view::pen::Pen;
use crate::tui::view::sheet::Sheet;
use crate::tui::view::{flows, layout, logs};
use crate::tui::words::{between, cut, ticking, width};

/// Room for labels.
const LABEL: usize = 9;

/// Returns the columns and rows the details of a run have for output.
#[must_use]
pub fn size(model: &Model) -> Size {
    let side = layout::page(model.size)
        .and_then(|page| layout::halves(model, page.middle))
        .and_then(|halves| halves.side);
    let Some(area) = side.map(|side| Block::bordered().inner(side)) else {
        return Size::default();
    };
    let [_, _, below] = parts(area, &facts(model, &subject(model), area));
    Size {
        width: usize::from(below.width),
        height: usize::from(below.height),
    }
}

/// Writes the facts about what has the cursor.
fn facts(model: &Model, subject: &Subject, area: Rect) -> Sheet {
    let pen = Pen {
        theme: model.theme(),
    };
    let mut facts = Sheet::new(pen, area.width, LABEL);
    if let Subject::Resource(address) = subject
        && let Some(flow) = open(model).iter().find(|flow| flow.address() == *address)
    {
        flows::facts(&mut facts, model, flow);
    }
    if let Some(run) = model.shown_run() {
        write(&mut facts, model, run, subject);
    }
    facts
}

/// Places facts, a line between, and output.
fn parts(area: Rect, facts: &Sheet) -> [Rect; 3] {
    let height = u16::try_from(facts.len())
        .unwrap_or(u16::MAX)
        .min(area.height / 2);
    Layout::vertical([
        Constraint::Length(height),
        Constraint::Length(1),
        Constraint::Fill(1),
    ])
    .areas(area)
}

/// Draws facts on top, output below.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model, subject: &Subject) {
    let pen = Pen {
        theme: model.theme(),
    };
    let facts = facts(model, subject, area);
    if model.shown_run().is_none() {
        return facts.show(frame, area, model.details_at);
    }
    let [top, rule, below] = parts(area, &facts);
    facts.show(frame, top, 0);
    let output = &model.output;
    let (store, reader) = (&output.store, &output.reader);
    let mut words = Vec::new();
    if let At::Held { .. } = reader.at {
        words.push(logs::where_it_is(reader, store, false));
    }
    words.extend(logs::looks(reader, store));
    let mut lost = logs::missing(store);
    if !lost.is_empty() {
        lost.push("o opens the file".to_owned());
    }
    let said = clean::line(&words.join(", "));
    let lost = clean::line(&lost.join(", "));
    let room = usize::from(rule.width);
    let said = cut(&said, room.saturating_sub(8));
    let left = room.saturating_sub(width(&said) + 10);
    let mut pieces = vec![("output", Tone::Title)];
    let lost = cut(&lost, left);
    for piece in [&said, &lost] {
        if !piece.is_empty() {
            pieces.extend([("  ", Tone::Text), (piece.as_str(), Tone::Warn)]);
        }
    }
    let line = pen.line(&pieces);
    frame.render_widget(Paragraph::new(line), rule);
    let empty = match subject {
        Subject::Step(_, id) => logs::silent(model, id),
        _ if model.shown_run().is_some_and(|run| run.finished.is_some()) => "no output".to_owned(),
        _ => "no output yet".to_owned(),
    };
    logs::body(frame, below, pen, (store, reader), &empty);
}

fn write(sheet: &mut Sheet, model: &Model, run: &RunView, subject: &Subject) {
    match subject {
        Subject::Step(_, id) => {
            if let Some(step) = run.steps.get(id) {
                one_step(sheet, model, step);
            }
        }
        Subject::Resource(address) | Subject::Change(address, _) => {
            if let Some(action) = run.actions.get(address) {
                one_action(sheet, action);
            }
        }
        Subject::Heading | Subject::Run(_) | Subject::Remark => {
            sheet.pair("run", run.run_id.as_str(), Tone::Text);
            if let Some((_, _, _, Some(message))) = &run.finished {
                sheet.pair("because", message, Tone::Fail);
            }
            for warning in run.warnings.iter().rev().take(3) {
                sheet.pair("warning", warning, Tone::Warn);
            }
        }
    }
}

fn one_step(sheet: &mut Sheet, model: &Model, step: &StepView) {
    let (state, tone) = match step.outcome {
        None if step.started.is_some() => ("under way", Tone::Busy),
        None => ("waits", Tone::Dim),
        Some(outcome @ StepOutcome::Done) => (outcome.as_str(), Tone::Ok),
        Some(outcome @ StepOutcome::Skipped) => (outcome.as_str(), Tone::Warn),
        Some(outcome @ (StepOutcome::Failed | StepOutcome::Unknown)) => {
            (outcome.as_str(), Tone::Fail)
        }
    };
    let mut words = vec![state.to_owned()];
    words.extend(step.exit_code.map(|code| format!("exit code {code}")));
    words.extend(step.started.map(|from| match step.finished {
        Some(to) => format!("took {}", duration(between(from, to))),
        None => format!("for {}", ticking(between(from, model.run_now()))),
    }));
    if step.attempt > 1 {
        words.push(format!("attempt {}", step.attempt));
    }
    sheet.pair("state", &words.join(", "), tone);
    if step.started.is_none() && !step.waits_for.is_empty() {
        sheet.pair("waits for", &step.waits_for.join(", "), Tone::Text);
    }
    if let Some(message) = &step.message {
        sheet.pair("because", message, Tone::Fail);
    }
    if let Some(log) = &step.log {
        sheet.pair("log file", log, Tone::Dim);
    }
}

fn one_action(sheet: &mut Sheet, action: &ActionView) {
    let state = action.outcome.map_or("under way", StepOutcome::as_str);
    sheet.pair("state", state, Tone::Text);
    if let Some(blame) = &action.blame {
        sheet.pair("because", &format!("{blame} failed"), Tone::Warn);
    }
    if let Some(message) = &action.message {
        sheet.pair("because", message, Tone::Fail);
    }
}

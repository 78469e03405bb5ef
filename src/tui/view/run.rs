//! The details of a run: facts of the step with the cursor, and its output, followed.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::app::snapshot::{ActionView, LogLine, RunView, StepView};
use crate::domain::event::{StepOutcome, Stream};
use crate::present::human::duration;
use crate::tui::model::Model;
use crate::tui::rows::row::Subject;
use crate::tui::theme::Tone;
use crate::tui::update::moves::output;
use crate::tui::view::logs;
use crate::tui::view::pen::Pen;
use crate::tui::view::sheet::Sheet;
use crate::tui::words::{between, ticking};

/// Room for labels.
const LABEL: usize = 9;

/// Draws facts on top, output below.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model, subject: &Subject) {
    let pen = Pen {
        theme: model.theme(),
    };
    let Some(run) = &model.snapshot.run else {
        return;
    };
    let mut facts = Sheet::new(pen, area.width, LABEL);
    write(&mut facts, model, run, subject);
    let height = u16::try_from(facts.len())
        .unwrap_or(u16::MAX)
        .min(area.height / 2);
    let [top, rule, below] = Layout::vertical([
        Constraint::Length(height),
        Constraint::Length(1),
        Constraint::Fill(1),
    ])
    .areas(area);
    facts.show(frame, top, 0);
    let window = model
        .output
        .window(output(run, subject), usize::from(below.height));
    let mut note = vec![("output", Tone::Title)];
    let newer = format!("  {} new lines, G follows", window.newer);
    let dropped = format!("  {} older lines are in the log file only", run.log_dropped);
    let column = format!("  from column {}, left and right move", model.across + 1);
    if model.across > 0 {
        note.push((&column, Tone::Dim));
    }
    if window.newer > 0 {
        note.push((&newer, Tone::Warn));
    }
    if run.log_dropped > 0 {
        note.push((&dropped, Tone::Dim));
    }
    frame.render_widget(Paragraph::new(pen.line(&note)), rule);
    let lines: Vec<Line<'static>> = if window.lines.is_empty() {
        vec![pen.line(&[("none so far", Tone::Dim)])]
    } else {
        window
            .lines
            .into_iter()
            .map(|line| one(pen, subject, line, model.across))
            .collect()
    };
    frame.render_widget(Paragraph::new(lines), below);
}

/// A line of output; with its step in front where several are shown together.
fn one(pen: Pen, subject: &Subject, line: &LogLine, across: usize) -> Line<'static> {
    let tone = match line.stream {
        Stream::Stdout => Tone::Text,
        Stream::Stderr => Tone::Warn,
        Stream::Engine => Tone::Dim,
    };
    let mut spans = Vec::new();
    if !matches!(subject, Subject::Step(..))
        && let Some(step) = &line.step
    {
        let step = step.as_str();
        let short = step.strip_prefix("service.").unwrap_or(step);
        spans.push(pen.span(format!("{short} | "), Tone::Dim));
    }
    spans.extend(logs::spans(pen, &line.text, tone, across));
    Line::from(spans)
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
        Subject::Heading | Subject::Remark => {
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
        None => format!("for {}", ticking(between(from, model.now))),
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

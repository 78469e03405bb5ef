//! Draws a run over time: the same rows as its steps, each with a bar; the axis above, the critical path below.
//!
//! Only rows on the screen get a bar, so that a frame costs the same for ten services and for a thousand.

use std::collections::BTreeSet;
use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::domain::event::StepOutcome;
use crate::domain::history::predict::action_time;
use crate::domain::ids::StepId;
use crate::present::clean;
use crate::present::human::duration;
use crate::tui::model::Model;
use crate::tui::rows::row::{Row, Subject, Timer};
use crate::tui::rows::steps::much_longer;
use crate::tui::theme::Tone;
use crate::tui::timeline::axis::Scale;
use crate::tui::timeline::bars::{self, Bar, Glyph, Ground};
use crate::tui::tree::{Pane, Visible};
use crate::tui::update::timeline::whole;
use crate::tui::view::course;
use crate::tui::view::pen::Pen;
use crate::tui::view::tree::Look;
use crate::tui::words::{between, cut, pad, ticking, width};

/// What stands before a row on the critical path.
const CRITICAL: &str = "◆";
/// Times below this are all the same to people.
const NOTHING: Duration = Duration::from_millis(100);
/// Cells a label has at most.
const LABEL: usize = 34;
/// Cells the words behind a bar have, at least and at most.
const WORDS: (usize, usize) = (22, 44);

/// Returns the rows of the chart, between the axis and what stands below.
#[must_use]
pub fn rows(model: &Model, area: Rect) -> Rect {
    let pen = Pen {
        theme: model.theme(),
    };
    let [_, body, _] = parts(area, course::below(model, pen, area).len());
    body
}

fn parts(area: Rect, below: usize) -> [Rect; 3] {
    Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(u16::try_from(below).unwrap_or(0)),
    ])
    .areas(area)
}

/// Draws the timeline of the run on show.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model, look: Look<'_>) {
    let (Some(run), Some(pane)) = (model.shown_run(), model.pane()) else {
        return;
    };
    let path: BTreeSet<StepId> = model.legs.iter().map(|leg| leg.step.clone()).collect();
    let ground = Ground {
        run,
        path: &path,
        now: model.run_now(),
    };
    let below = course::below(model, look.pen, area);
    let [axis, body, foot] = parts(area, below.len());
    let height = usize::from(body.height);
    let first = pane.first(height);
    let widths = Widths::of(pane, first, height, usize::from(area.width));
    let scale = model.window.scale(whole(model), widths.chart);
    frame.render_widget(Paragraph::new(axis_line(look.pen, widths, &scale)), axis);
    let drawing = Drawing {
        model,
        ground,
        widths,
        scale,
        look,
    };
    let lines: Vec<Line<'static>> = pane
        .rows()
        .iter()
        .skip(first)
        .take(height)
        .map(|row| drawing.line(row))
        .collect();
    frame.render_widget(Paragraph::new(lines), body);
    let chosen = pane.cursor().checked_sub(first);
    if let Some(at) = chosen.filter(|at| *at < height) {
        let y = body.y.saturating_add(u16::try_from(at).unwrap_or(0));
        let line = Rect {
            y,
            height: 1,
            ..body
        };
        frame.buffer_mut().set_style(line, cursor(look));
    }
    frame.render_widget(Paragraph::new(below), foot);
}

fn cursor(look: Look<'_>) -> Style {
    look.pen.theme.style(if look.focused {
        Tone::Selected
    } else {
        Tone::SelectedAway
    })
}

/// How the width is divided.
#[derive(Clone, Copy)]
struct Widths {
    label: usize,
    chart: usize,
    words: usize,
}

impl Widths {
    fn of(pane: &Pane, offset: usize, height: usize, room: usize) -> Self {
        let shown = pane.rows().iter().skip(offset).take(height.max(1));
        let label = shown
            .map(|row| head_width(row) + width(&row.row.label))
            .max();
        let label = label.unwrap_or(0).clamp(12, LABEL.min(room / 3).max(12));
        let words = (room / 4)
            .clamp(WORDS.0, WORDS.1)
            .min(room.saturating_sub(label + 4));
        Self {
            label,
            words,
            chart: room.saturating_sub(label + words + 2),
        }
    }
}

/// Cells before a label: indent, fold, state, critical mark.
fn head_width(row: &Visible) -> usize {
    row.path.len().saturating_sub(1) * 2 + 2 + 2 + 2
}

fn axis_line(pen: Pen, widths: Widths, scale: &Scale) -> Line<'static> {
    let mut text = " ".repeat(widths.label + 1);
    for (cell, label) in scale.ticks() {
        let at = widths.label + 1 + cell;
        let label = format!("|{label}");
        if at >= width(&text) && cell + label.len() <= scale.width {
            text.push_str(&" ".repeat(at.saturating_sub(width(&text))));
            text.push_str(&label);
        }
    }
    pen.line(&[(&text, Tone::Dim)])
}

struct Drawing<'a> {
    model: &'a Model,
    ground: Ground<'a>,
    widths: Widths,
    scale: Scale,
    look: Look<'a>,
}

impl Drawing<'_> {
    fn line(&self, visible: &Visible) -> Line<'static> {
        let row = &visible.row;
        let pen = self.look.pen;
        let mut bar = self.bar(&row.subject, visible);
        // What has not begun waits as long as the words behind it say.
        if let (Some(Timer::Since(since)), Some(waits), true) =
            (row.timer, &mut bar.waits, bar.segments.is_empty())
        {
            waits.0 = self.ground.since(since).min(waits.1);
        }
        let critical = bar.segments.iter().any(|piece| piece.critical);
        let fold = match (visible.parent, visible.open) {
            (true, true) => "▾ ",
            (true, false) => "▸ ",
            (false, _) => "  ",
        };
        let indent = visible.path.len().saturating_sub(1) * 2;
        let room = self.widths.label.saturating_sub(head_width(visible));
        let mut spans = vec![
            pen.span(format!("{}{fold}", " ".repeat(indent)), Tone::Text),
            pen.span(pad(&row.symbol.text, 2), row.symbol.tone),
            pen.span(if critical { CRITICAL } else { " " }, Tone::Title),
            pen.span(" ", Tone::Text),
        ];
        if is_words(visible) {
            let rest = self.widths.label + self.widths.chart + self.widths.words;
            let text = cut(
                &clean::line(&row.label),
                rest.saturating_sub(head_width(visible)),
            );
            spans.push(pen.span(text, row.tone));
            return Line::from(spans);
        }
        spans.push(pen.span(pad(&clean::line(&row.label), room), row.tone));
        spans.push(pen.span(" ", Tone::Text));
        spans.extend(runs(pen, &bars::paint(&bar, &self.scale)));
        let (words, tone) = self.words(row);
        spans.push(pen.span(" ", Tone::Text));
        spans.push(pen.span(cut(&clean::line(&words), self.widths.words), tone));
        Line::from(spans)
    }

    fn bar(&self, subject: &Subject, visible: &Visible) -> Bar {
        let usual = self.model.usual_before();
        match subject {
            Subject::Resource(address) => {
                let plan = self.ground.run.plan.as_deref();
                let action = plan.and_then(|plan| plan.action(address));
                let time = action.zip(usual).and_then(|(a, u)| action_time(a, u));
                self.ground.resource(address, time)
            }
            Subject::Step(_, id) if !is_words(visible) => {
                self.ground.step(id, usual.and_then(|usual| usual.of(id)))
            }
            Subject::Heading if visible.parent && !visible.open => self.below(visible),
            Subject::Step(..)
            | Subject::Heading
            | Subject::Change(..)
            | Subject::Run(_)
            | Subject::Remark => Bar::default(),
        }
    }

    /// The bar of a folded heading is that of all below it.
    fn below(&self, visible: &Visible) -> Bar {
        let nodes = self.model.pane().map_or(&[][..], Pane::nodes);
        let node = nodes
            .iter()
            .find(|node| visible.path.last() == Some(&node.key));
        let children = node.map_or(&[][..], |node| node.children.as_slice());
        self.ground.together(
            children
                .iter()
                .filter_map(|child| child.row.subject.address()),
        )
    }

    /// Says behind the bar how long it took, or what it waits for.
    fn words(&self, row: &Row) -> (String, Tone) {
        let usual = self.usual(&row.subject);
        let begun = match &row.subject {
            Subject::Step(_, id) => {
                let view = self.ground.run.steps.get(id);
                view.and_then(|view| {
                    Some((view.started?, view.finished, view.outcome, view.exit_code))
                })
            }
            Subject::Resource(address) => {
                let view = self.ground.run.actions.get(address);
                view.map(|view| (view.started, view.finished, view.outcome, None))
            }
            Subject::Heading | Subject::Change(..) | Subject::Run(_) | Subject::Remark => None,
        };
        let Some((from, to, outcome, exit)) = begun else {
            let wait = match row.timer {
                Some(Timer::Since(since)) => {
                    format!(", for {}", ticking(between(since, self.ground.now)))
                }
                Some(Timer::Took(..)) | None => String::new(),
            };
            return (format!("{}{wait}", row.remark.text), row.remark.tone);
        };
        let took = between(from, to.unwrap_or(self.ground.now));
        // Next to nothing, as usual, is not worth a word.
        let usual = usual.filter(|usual| took.max(*usual) >= NOTHING);
        let with_usual = |text: String| match usual {
            Some(usual) => format!("{text}, usually {}", duration(usual)),
            None => text,
        };
        match outcome {
            None if to.is_none() => (with_usual(format!("for {}", ticking(took))), Tone::Busy),
            Some(StepOutcome::Skipped) => (row.remark.text.clone(), row.remark.tone),
            Some(StepOutcome::Failed | StepOutcome::Unknown) => {
                let word = if outcome == Some(StepOutcome::Failed) {
                    "failed"
                } else {
                    "unknown"
                };
                let exit = exit.map_or_else(String::new, |code| format!(", exit {code}"));
                (format!("{word} after {}{exit}", duration(took)), Tone::Fail)
            }
            Some(StepOutcome::Done) | None => {
                let slow = usual.is_some_and(|usual| much_longer(took, usual));
                let tone = if slow { Tone::Warn } else { Tone::Text };
                (with_usual(duration(took)), tone)
            }
        }
    }

    fn usual(&self, subject: &Subject) -> Option<Duration> {
        let usual = self.model.usual_before()?;
        match subject {
            Subject::Step(_, id) => usual.of(id),
            Subject::Resource(address) => {
                action_time(self.ground.run.plan.as_deref()?.action(address)?, usual)
            }
            Subject::Heading | Subject::Change(..) | Subject::Run(_) | Subject::Remark => None,
        }
    }
}

/// Tells whether a row is a step's last words, which have no bar of their own.
fn is_words(visible: &Visible) -> bool {
    match &visible.row.subject {
        Subject::Step(_, id) => visible.path.last().is_some_and(|key| **key != *id.as_str()),
        Subject::Heading
        | Subject::Resource(_)
        | Subject::Change(..)
        | Subject::Run(_)
        | Subject::Remark => false,
    }
}

/// Joins cells of one tone to pieces of text.
pub(super) fn runs(pen: Pen, cells: &[Glyph]) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut text = String::new();
    let mut tone = Tone::Text;
    for cell in cells {
        if cell.tone != tone && !text.is_empty() {
            spans.push(pen.span(std::mem::take(&mut text), tone));
        }
        tone = cell.tone;
        text.push(cell.symbol);
    }
    if !text.is_empty() {
        spans.push(pen.span(text, tone));
    }
    spans
}

//! The details of a past run, and two runs set side by side.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::domain::history::compare::{Comparison, Lane, Pair, Side};
use crate::domain::history::details::Details;
use crate::domain::ids::RunId;
use crate::domain::report::RunSummary;
use crate::present::clean;
use crate::present::human::{self, duration};
use crate::present::rows::compare;
use crate::present::rows::runs::outcome;
use crate::present::words::{action as action_words, count};
use crate::tui::keymap::action::Action;
use crate::tui::model::Model;
use crate::tui::rows::history::changes;
use crate::tui::rows::row::Subject;
use crate::tui::theme::Tone;
use crate::tui::timeline::axis::Scale;
use crate::tui::tree::Visible;
use crate::tui::view::course::named;
use crate::tui::view::pen::Pen;
use crate::tui::view::sheet::Sheet;
use crate::tui::view::tree::Look;
use crate::tui::words::{between, cut, pad, width};

/// Writes what is known of a past run.
pub fn write(sheet: &mut Sheet, model: &Model, id: &RunId) {
    let Some(run) = model.history.run(id) else {
        return;
    };
    summary(sheet, model, run);
    match model.history.details.get(id) {
        Some(details) => more(sheet, model, details),
        None if model.history.wanted.contains_key(id) => {
            sheet.heading("more");
            sheet.text("being read", Tone::Dim);
        }
        None => {}
    }
}

fn summary(sheet: &mut Sheet, model: &Model, run: &RunSummary) {
    let (word, role) = outcome(run.outcome.as_deref());
    let mut result = word.to_owned();
    if let Some(code) = run.exit_code {
        result.push_str(&format!(", exit code {code}"));
    }
    if run.failed > 0 {
        result.push_str(&format!(", {} failed", count(run.failed, "action")));
    }
    if run.warnings > 0 {
        result.push_str(&format!(", {}", count(run.warnings, "warning")));
    }
    sheet.pair("result", &result, role.into());
    if let Some(message) = &run.message {
        sheet.pair("because", message, Tone::Fail);
    }
    sheet.pair("command", &run.command, Tone::Text);
    if let Some(env) = &run.env {
        sheet.pair("in", env, Tone::Text);
    }
    let when = format!(
        "{} UTC, {} ago",
        human::moment(run.started_at),
        human::between(run.started_at, model.now)
    );
    sheet.pair("began", &when, Tone::Text);
    if let Some(ms) = run.duration_ms {
        let time = duration(std::time::Duration::from_millis(ms));
        sheet.pair("took", &time, Tone::Text);
    }
    sheet.pair("who", &run.who, Tone::Text);
    let changed = format!(
        "{}, {} done",
        changes(run.changes),
        count(run.actions, "action")
    );
    sheet.pair("changed", &changed, Tone::Text);
    sheet.pair("run", run.run_id.as_str(), Tone::Dim);
    if !run.trace_id.as_str().is_empty() {
        sheet.pair("trace", run.trace_id.as_str(), Tone::Dim);
    }
}

fn more(sheet: &mut Sheet, model: &Model, details: &Details) {
    if !details.failed.is_empty() {
        sheet.heading("what failed");
        for (step, exit, message) in &details.failed {
            let exit = exit.map_or_else(String::new, |code| format!("exit {code}: "));
            sheet.item("✗", &format!("{} {exit}{message}", named(step)), Tone::Fail);
        }
    }
    if !details.view.warnings.is_empty() {
        sheet.heading("warnings");
        for warning in &details.view.warnings {
            sheet.item("!", warning, Tone::Warn);
        }
    }
    if let Some(plan) = &details.view.plan {
        sheet.heading("what it was to do");
        for action in plan.actions.iter().filter(|action| !action.is_noop()) {
            let (symbol, role) = action_words(action.kind);
            let text = format!("{}: {}", action.address, action.reason);
            sheet.item(&symbol.to_string(), &text, role.into());
        }
        if plan.is_empty() {
            sheet.text("nothing", Tone::Dim);
        }
        sheet.pair("engine", &plan.engine, Tone::Dim);
        sheet.pair("config", plan.config_hash.short(), Tone::Dim);
    }
    if !details.stages.is_empty() {
        sheet.heading("stages");
        for (stage, time) in &details.stages {
            sheet.pair(stage.as_str(), &duration(*time), Tone::Text);
        }
    }
    if !details.legs.is_empty() {
        sheet.heading("critical path");
        for leg in &details.legs {
            let time = leg.to.map_or_else(
                || "not ended".to_owned(),
                |to| duration(between(leg.from, to)),
            );
            sheet.item("◆", &format!("{} {time}", named(&leg.step)), Tone::Title);
        }
    }
    sheet.heading("what can be done");
    let text = format!(
        "{} plays its {} again; {} compares it with the run before, or two that are marked with {}.",
        model.key(Action::Open),
        count(details.events, "event"),
        model.key(Action::Compare),
        model.key(Action::Mark)
    );
    sheet.text(&text, Tone::Text);
}

/// Says how a comparison is headed.
#[must_use]
pub fn title(comparison: &Comparison) -> String {
    let whole = comparison.whole();
    let (words, _) = compare::change(whole.change());
    format!("{}  {words}", compare::times(&whole))
}

/// Draws two runs on one axis: two lines a row, the older run above the newer one.
pub fn compared(frame: &mut Frame<'_>, area: Rect, model: &Model, look: Look<'_>) {
    let (Some(comparison), Some(pane)) = (&model.history.comparison, model.pane()) else {
        return;
    };
    let pen = look.pen;
    let room = usize::from(area.width);
    let label = 30.min(room / 3);
    let words = 32.min(room / 2);
    let chart = room.saturating_sub(label + words + 2);
    let scale = Scale::new(0, comparison.end().max(1), chart);
    let heads = heads(pen, comparison, room, label, &scale);
    let [head, body] = Layout::vertical([
        Constraint::Length(u16::try_from(heads.len()).unwrap_or(0)),
        Constraint::Fill(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(heads), head);
    let fits = usize::from(body.height / 2).max(1);
    let rows = pane.rows();
    let cursor = pane.cursor();
    let first = pane.first(fits);
    let mut lines = Vec::new();
    for visible in rows.iter().skip(first).take(fits) {
        if let Some(pair) = pair_of(comparison, &visible.row.subject) {
            lines.extend(pair_lines(pen, visible, pair, (label, words), &scale));
        }
    }
    frame.render_widget(Paragraph::new(lines), body);
    let y = body.y + u16::try_from((cursor - first) * 2).unwrap_or(0);
    if y < body.bottom() && !rows.is_empty() {
        let tone = if look.focused {
            Tone::Selected
        } else {
            Tone::SelectedAway
        };
        let line = Rect {
            y,
            height: 1,
            ..body
        };
        frame.buffer_mut().set_style(line, pen.theme.style(tone));
    }
}

fn pair_of<'a>(comparison: &'a Comparison, subject: &Subject) -> Option<&'a Pair> {
    let address = subject.address()?;
    let item = comparison
        .items
        .iter()
        .find(|item| item.address == *address)?;
    match subject {
        Subject::Step(_, id) => {
            let found = item.steps.iter().find(|(step, _)| step == id);
            found.map(|(_, pair)| pair)
        }
        Subject::Resource(_)
        | Subject::Heading
        | Subject::Change(..)
        | Subject::Run(_)
        | Subject::Remark => Some(&item.whole),
    }
}

fn heads(
    pen: Pen,
    comparison: &Comparison,
    room: usize,
    label: usize,
    scale: &Scale,
) -> Vec<Line<'static>> {
    let side = |word: &str, body: char, side: &Side| {
        let text = format!(
            "{body}{body} {word}: {} {} after {}, {} UTC, run {}",
            side.command,
            side.outcome,
            compare::took(side),
            human::moment(side.began),
            side.run
        );
        pen.line(&[(&cut(&text, room), Tone::Text)])
    };
    let mut lines = vec![
        side("before", OLD, &comparison.old),
        side("after ", NEW, &comparison.new),
    ];
    for difference in comparison.plan.iter().take(3) {
        let (text, role) = compare::plan_change(difference);
        lines.push(pen.line(&[
            ("plan: ", Tone::Dim),
            (&cut(&clean::line(&text), room), role.into()),
        ]));
    }
    if comparison.plan.len() > 3 {
        let text = format!("plan: {} more differences", comparison.plan.len() - 3);
        lines.push(pen.line(&[(&text, Tone::Dim)]));
    }
    let mut axis = " ".repeat(label + 1);
    for (cell, text) in scale.ticks() {
        let text = format!("|{text}");
        let at = label + 1 + cell;
        if at >= width(&axis) && cell + text.len() <= scale.width {
            axis.push_str(&" ".repeat(at - width(&axis)));
            axis.push_str(&text);
        }
    }
    lines.push(pen.line(&[(&axis, Tone::Dim)]));
    lines
}

/// Body of the older run's bars.
const OLD: char = '─';
/// Body of the newer run's bars.
const NEW: char = '━';

fn pair_lines(
    pen: Pen,
    visible: &Visible,
    pair: &Pair,
    (label, words): (usize, usize),
    scale: &Scale,
) -> [Line<'static>; 2] {
    let fold = match (visible.parent, visible.open) {
        (true, true) => "▾ ",
        (true, false) => "▸ ",
        (false, _) => "  ",
    };
    let indent = " ".repeat(visible.path.len().saturating_sub(1) * 2);
    let head = pad(
        &clean::line(&format!("{indent}{fold}{}", visible.row.label)),
        label,
    );
    let (change, role) = compare::change(pair.change());
    let tone = role.into();
    let bar = |lane: Option<Lane>, body: char, tone: Tone| -> Span<'static> {
        let cells = lane.and_then(|lane| scale.cells(lane.from, lane.to));
        let (left, right) = cells.unwrap_or((0, 0));
        let text = format!(
            "{}{}{}",
            " ".repeat(left),
            body.to_string().repeat(right - left),
            " ".repeat(scale.width.saturating_sub(right))
        );
        pen.span(text, tone)
    };
    [
        Line::from(vec![
            pen.span(head, Tone::Text),
            pen.span(" ", Tone::Text),
            bar(pair.old, OLD, Tone::Dim),
            pen.span(" ", Tone::Text),
            pen.span(cut(&compare::times(pair), words), Tone::Text),
        ]),
        Line::from(vec![
            pen.span(" ".repeat(label + 1), Tone::Text),
            bar(pair.new, NEW, tone),
            pen.span(" ", Tone::Text),
            pen.span(cut(&change, words), tone),
        ]),
    ]
}

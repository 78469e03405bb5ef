//! Questions and messages above the area. The cursor is on leaving: Enter never confirms.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use crate::app::command::Stop;
use crate::app::failure::Failure;
use crate::domain::lease::{LockReport, Verdict};
use crate::domain::plan::model::{Plan, PlanRequest, Purpose};
use crate::present::clean;
use crate::present::words::count;
use crate::tui::model::Model;
use crate::tui::overlay::{Dialog, Question, Stake, Typed};
use crate::tui::rows::plan::kind_tone;
use crate::tui::theme::Tone;
use crate::tui::view::locks::verdict_tone;
use crate::tui::view::pen::Pen;
use crate::tui::view::sheet::Sheet;
use crate::tui::words::{cut, width};

/// Returns a rectangle in the middle of another.
#[must_use]
pub fn centred(area: Rect, columns: u16, rows: u16) -> Rect {
    let columns = columns.min(area.width);
    let rows = rows.min(area.height);
    Rect {
        x: area.x + (area.width - columns) / 2,
        y: area.y + (area.height - rows) / 2,
        width: columns,
        height: rows,
    }
}

/// Draws a dialog.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model, dialog: &Dialog) {
    let pen = Pen {
        theme: model.theme(),
    };
    let outer_width = area.width.min(76);
    let mut sheet = Sheet::new(pen, outer_width.saturating_sub(4), 9);
    let (title, tone) = match &dialog.question {
        Question::Approve { request, plan } => {
            match plan {
                None => sheet.text("comparing the file with what runs", Tone::Busy),
                Some(plan) => summary(&mut sheet, pen, plan),
            }
            (question_of(model, request), Tone::FrameFocus)
        }
        Question::Stop(stop) => {
            stopping(&mut sheet, *stop);
            ("stop the run?".to_owned(), Tone::Warn)
        }
        Question::Leave => {
            sheet.text(
                "A run is under way. Leaving stops it: what is under way finishes, nothing new starts, and the panel closes when that is done.",
                Tone::Text,
            );
            ("leave?".to_owned(), Tone::Warn)
        }
        Question::Unlock(report) => {
            evidence(&mut sheet, report);
            ("clear the lock?".to_owned(), Tone::Warn)
        }
        Question::Failed(failure) => {
            failed(&mut sheet, failure);
            ("not done".to_owned(), Tone::Fail)
        }
        Question::Refused { title, lines } => {
            for line in lines {
                sheet.text(line, Tone::Text);
            }
            (title.clone(), Tone::Warn)
        }
    };
    let rows = u16::try_from(sheet.len())
        .unwrap_or(u16::MAX)
        .saturating_add(4);
    let outer = centred(area, outer_width, rows);
    let (body, buttons) = boxed(frame, outer, model, &title, tone);
    sheet.show(frame, body, dialog.scroll);
    let mut spans: Vec<Span<'static>> = Vec::new();
    if let Some(word) = dialog.button() {
        spans.push(pen.span("[ Cancel ]", Tone::Selected));
        spans.push(pen.span(" Esc     ", Tone::Dim));
        spans.push(pen.span("y", Tone::Key));
        spans.push(pen.span(format!(" {word}"), Tone::Text));
    } else {
        spans.push(pen.span("[ Close ]", Tone::Selected));
        spans.push(pen.span(" Esc", Tone::Dim));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), buttons);
}

/// Draws the box of a dialog; returns the room for its text and for its buttons.
fn boxed(
    frame: &mut Frame<'_>,
    outer: Rect,
    model: &Model,
    title: &str,
    tone: Tone,
) -> (Rect, Rect) {
    let pen = Pen {
        theme: model.theme(),
    };
    let title = cut(
        &clean::line(title),
        usize::from(outer.width).saturating_sub(4),
    );
    let block = Block::bordered()
        .border_style(model.theme().style(tone))
        .title(pen.line(&[(&format!(" {title} "), tone)]));
    let inner = block.inner(outer);
    frame.render_widget(Clear, outer);
    frame.render_widget(block, outer);
    let [_, middle, _] = Layout::horizontal([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(inner);
    let gap = u16::from(middle.height > 2);
    let [body, _, buttons] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Length(gap),
        Constraint::Length(1),
    ])
    .areas(middle);
    (body, buttons)
}

fn question_of(model: &Model, request: &PlanRequest) -> String {
    let env = model
        .snapshot
        .config
        .as_ref()
        .and_then(|config| config.project.as_ref())
        .map_or_else(String::new, |project| {
            format!(" {} in {}", project.name, project.env)
        });
    match request.purpose {
        Purpose::Deploy => format!("deploy{env}?"),
        Purpose::Destroy => format!("destroy{env}?"),
        Purpose::Clean => format!("clean{env}?"),
        Purpose::Restore => format!("restore{env}?"),
    }
}

/// What a plan would do, in short.
fn summary(sheet: &mut Sheet, pen: Pen, plan: &Plan) {
    if plan.is_empty() {
        sheet.text("Nothing to do: everything is as the file asks.", Tone::Ok);
        return;
    }
    let sum = plan.summary();
    let parts = [
        format!("+ {} create   ", sum.create),
        format!("~ {} update   ", sum.update),
        format!("- {} delete   ", sum.delete),
        format!("• {} unchanged   ", sum.noop),
        format!("⇄ {} drift", sum.drift),
    ];
    let [create, update, delete, noop, drift] = &parts;
    sheet.push(pen.line(&[
        (create, Tone::Added),
        (update, Tone::Changed),
        (delete, Tone::Removed),
        (noop, Tone::Dim),
        (
            drift,
            if sum.drift > 0 {
                Tone::Drift
            } else {
                Tone::Dim
            },
        ),
    ]));
    let steps: usize = plan.actions.iter().map(|action| action.steps.len()).sum();
    sheet.text(
        &format!(
            "{} in {}",
            count(steps, "step"),
            count(plan.layers.len(), "layer")
        ),
        Tone::Dim,
    );
    sheet.text(" ", Tone::Text);
    for address in plan.destructive() {
        sheet.item(
            "!",
            &format!("the data of {address} is deleted for good"),
            Tone::Fail,
        );
    }
    for action in plan.actions.iter().filter(|action| !action.is_noop()) {
        let text = format!("{}  {}", action.address, action.reason);
        sheet.item(
            &action.kind.symbol().to_string(),
            &text,
            kind_tone(action.kind),
        );
    }
    for warning in &plan.warnings {
        sheet.item("!", &warning.text, Tone::Warn);
    }
}

fn stopping(sheet: &mut Sheet, stop: Stop) {
    match stop {
        Stop::Run | Stop::Drain => {
            sheet.text(
                "What is under way finishes, nothing new starts, the state is saved and the lock released.",
                Tone::Text,
            );
            sheet.text("The next deploy goes on from there.", Tone::Dim);
        }
        Stop::Cancel => {
            sheet.text(
                "The run is stopping already. Cutting it off cancels what is under way; the next deploy looks how that ended.",
                Tone::Warn,
            );
        }
    }
}

fn evidence(sheet: &mut Sheet, report: &LockReport) {
    sheet.pair(
        "verdict",
        &report.verdict.as_str().to_uppercase(),
        verdict_tone(report.verdict),
    );
    if let Some(record) = &report.record {
        let holder = &record.holder;
        sheet.pair(
            "holder",
            &format!("{}@{}, process {}", holder.user, holder.host, holder.pid),
            Tone::Text,
        );
        sheet.pair("lock id", record.lock_id.as_str(), Tone::Text);
        if let Some(step) = &record.occupation.step {
            sheet.pair("was at", step, Tone::Text);
        }
    }
    for line in &report.evidence {
        sheet.pair(&line.check, &line.finding, Tone::Text);
    }
}

fn failed(sheet: &mut Sheet, failure: &Failure) {
    let subject = match &failure.subject {
        Some(subject) => format!("{subject}: {}", failure.message),
        None => failure.message.clone(),
    };
    sheet.text(&subject, Tone::Fail);
    for source in &failure.sources {
        sheet.item("·", source, Tone::Dim);
    }
    for hint in &failure.hints {
        sheet.text(hint, Tone::Text);
    }
    if let Some(next) = &failure.next {
        sheet.pair("next", next, Tone::Key);
    }
}

/// Draws a dialog that is answered by typing.
pub fn typed(frame: &mut Frame<'_>, area: Rect, model: &Model, typed: &Typed) {
    let pen = Pen {
        theme: model.theme(),
    };
    let outer_width = area.width.min(76);
    let mut sheet = Sheet::new(pen, outer_width.saturating_sub(4), 9);
    let title = match &typed.stake {
        Stake::Run { request, plan } => {
            summary(&mut sheet, pen, plan);
            question_of(model, request)
        }
        Stake::Lock(report) => {
            evidence(&mut sheet, report);
            let why = match report.verdict {
                Verdict::Alive => "The holder is alive: two of them would work at once.",
                Verdict::Free | Verdict::Dead | Verdict::Expired | Verdict::Unknown => {
                    "There is no proof that the holder is gone."
                }
            };
            sheet.text(why, Tone::Fail);
            "take the lock by force?".to_owned()
        }
    };
    let fields = u16::try_from(typed.fields.len() * 2).unwrap_or(4);
    let rows = u16::try_from(sheet.len())
        .unwrap_or(u16::MAX)
        .saturating_add(4 + fields);
    let outer = centred(area, outer_width, rows);
    let (body, buttons) = boxed(frame, outer, model, &title, Tone::Fail);
    let [text, below] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(fields)]).areas(body);
    sheet.show(frame, text, 0);
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (index, field) in typed.fields.iter().enumerate() {
        let mark = if field.fits() { "✓ " } else { "  " };
        lines.push(pen.line(&[
            (mark, Tone::Ok),
            ("type the ", Tone::Dim),
            (&field.label, Tone::Text),
        ]));
        let tone = if index == typed.at {
            Tone::Key
        } else {
            Tone::Dim
        };
        lines.push(pen.line(&[("  > ", tone), (&field.typed, Tone::Text)]));
        if index == typed.at {
            let x = below.x + u16::try_from(4 + width(&field.typed)).unwrap_or(u16::MAX);
            let y = below.y + u16::try_from(index * 2 + 1).unwrap_or(0);
            if x < below.right() && y < below.bottom() {
                frame.set_cursor_position(Position::new(x, y));
            }
        }
    }
    frame.render_widget(Paragraph::new(lines), below);
    let ready = if typed.complete() {
        Tone::Key
    } else {
        Tone::Dim
    };
    let line = pen.line(&[
        ("[ Cancel ]", Tone::Selected),
        (" Esc     ", Tone::Dim),
        ("C-y", ready),
        (" confirm", ready),
    ]);
    frame.render_widget(Paragraph::new(line), buttons);
}

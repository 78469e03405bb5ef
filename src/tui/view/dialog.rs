//! Questions and messages above the area. The cursor is on leaving: Enter never confirms.

use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::app::command::Stop;
use crate::app::failure::Failure;
use crate::domain::flow::Turn;
use crate::domain::lease::{LockReport, Verdict};
use crate::domain::plan::model::{ActionKind, Plan, PlanRequest, Purpose};
use crate::present::clean;
use crate::present::words::count;
use crate::tui::danger::{self, Danger, Standing};
use crate::tui::downtime;
use crate::tui::keymap::action::Action;
use crate::tui::model::Model;
use crate::tui::others;
use crate::tui::overlay::{Basis, Dialog, Question, Stake, Typed};
use crate::tui::pages::guide;
use crate::tui::rows::locks::verdict_tone;
use crate::tui::rows::plan::kind_tone;
use crate::tui::theme::Tone;
use crate::tui::update::acts;
use crate::tui::update::answers::lock_wait;
use crate::tui::view;
use crate::tui::view::drift;
use crate::tui::view::flows;
use crate::tui::view::pen::Pen;
use crate::tui::view::popup::{self, Place};
use crate::tui::view::sheet::Sheet;
use crate::tui::words::{cut, nothing, width};

/// Draws a dialog.
pub fn show(frame: &mut Frame<'_>, middle: Rect, model: &Model, dialog: &Dialog) {
    let pen = Pen {
        theme: model.theme(),
    };
    let (sheet, title, tone) = page(model, dialog, popup::room(middle));
    let buttons = popup::of_dialog(model, dialog);
    let place = popup::place(middle, sheet.len(), 0, &buttons);
    popup::frame(frame, place.outer, model, &title, tone);
    sheet.show(frame, place.text, dialog.scroll);
    let line = popup::line(pen, &buttons);
    frame.render_widget(Paragraph::new(line), place.buttons);
}

/// Returns where a dialog lies.
#[must_use]
pub fn place(model: &Model, dialog: &Dialog, middle: Rect) -> Place {
    let (sheet, ..) = page(model, dialog, popup::room(middle));
    popup::place(middle, sheet.len(), 0, &popup::of_dialog(model, dialog))
}

/// Returns the last line a dialog can be scrolled to.
#[must_use]
pub fn last(model: &Model, dialog: &Dialog, middle: Rect) -> usize {
    let (sheet, ..) = page(model, dialog, popup::room(middle));
    let place = popup::place(middle, sheet.len(), 0, &[]);
    sheet.len().saturating_sub(usize::from(place.text.height))
}

/// Writes what a dialog says, with its heading.
fn page(model: &Model, dialog: &Dialog, room: u16) -> (Sheet, String, Tone) {
    let pen = Pen {
        theme: model.theme(),
    };
    let mut sheet = Sheet::new(pen, room, 9);
    let (title, tone) = match &dialog.question {
        Question::Approve {
            request,
            plan,
            basis,
        } => {
            stale(&mut sheet, basis);
            match plan {
                None => sheet.text("comparing the file with what runs", Tone::Busy),
                Some(plan) => summary(&mut sheet, pen, model, request, plan),
            }
            others_at_work(&mut sheet, model);
            (question_of(model, request), Tone::FrameFocus)
        }
        Question::Stop(stop) => {
            stopping(&mut sheet, model, *stop);
            let title = match stop {
                Stop::Run | Stop::Drain => "stop the run?",
                Stop::Cancel => "cut the run off?",
            };
            (title.to_owned(), Tone::Warn)
        }
        Question::Leave => {
            sheet.text(
                "A run is under way. Leaving stops it: what is under way finishes, nothing new starts, and the panel closes when that is done.",
                Tone::Text,
            );
            for tab in model.around.running() {
                sheet.text(
                    &format!("Under way in another room: {}", tab.place.title()),
                    Tone::Warn,
                );
            }
            ("leave?".to_owned(), Tone::Warn)
        }
        Question::Unlock(open) => {
            view::page::write(&mut sheet, &guide::write(model, open));
            (guide::title(open), Tone::Warn)
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
    (sheet, title, tone)
}

fn question_of(model: &Model, request: &PlanRequest) -> String {
    let env = model
        .snapshot
        .config
        .as_ref()
        .and_then(|config| config.project.as_ref())
        .map_or_else(String::new, |project| {
            let env = project.env.as_str();
            match Standing::of(env) {
                Standing::Production => format!(" {} in ▲ {}", project.name, env.to_uppercase()),
                Standing::Shared => format!(" {} in ◆ {env}", project.name),
                Standing::Own => format!(" {} in {env}", project.name),
            }
        });
    if let Some(what) = flows::subject(request) {
        return format!("{what}, {}?", env.trim_start());
    }
    let names: Vec<&str> = request.targets.iter().map(String::as_str).collect();
    let env = match names.len() {
        0 => env,
        1..=3 => format!("{env}, only {}", names.join(", ")),
        number => format!("{env}, only the {number} chosen"),
    };
    match request.purpose {
        Purpose::Deploy => format!("deploy{env}?"),
        Purpose::Destroy => format!("destroy{env}?"),
        Purpose::Clean => format!("clean{env}?"),
        Purpose::Restore => format!("restore{env}?"),
        Purpose::Act => format!("run{env}?"),
    }
}

/// Somebody else holds the lock: confirming means to wait for it.
fn others_at_work(sheet: &mut Sheet, model: &Model) {
    let Some(sentence) = others::sentence(model) else {
        return;
    };
    sheet.text(" ", Tone::Text);
    sheet.item("!", &format!("The lock is held: {sentence}."), Tone::Warn);
    let wait = crate::present::human::duration(lock_wait(model));
    sheet.text(
        &format!(
            "Confirming waits for it, up to {wait}; {} ends the waiting.",
            model.key(Action::Cancel)
        ),
        Tone::Text,
    );
}

/// Why a plan must not be carried out as it is shown.
fn stale(sheet: &mut Sheet, basis: &Basis) {
    if basis.changed {
        sheet.item(
            "!",
            "The plan changed while you read it; this is the new one.",
            Tone::Warn,
        );
    }
    if let Some(why) = &basis.stale {
        sheet.item(
            "!",
            &format!("STALE: {why}; a new plan is being made"),
            Tone::Warn,
        );
        sheet.text(" ", Tone::Text);
    } else if basis.again {
        sheet.item(
            "◐",
            "Something moved: it is compared with what is there now.",
            Tone::Busy,
        );
        sheet.text(" ", Tone::Text);
    }
}

/// What can be broken, and what has to be done to agree.
fn class(sheet: &mut Sheet, model: &Model, plan: &Plan) {
    let danger = danger::of_plan(plan);
    let tone = match danger {
        Danger::Read | Danger::Reversible => Tone::Dim,
        Danger::Disruptive => Tone::Warn,
        Danger::DataLosing => Tone::Fail,
    };
    let what = match danger {
        Danger::Read | Danger::Reversible => {
            "no service is down, instances may be made anew one by one"
        }
        Danger::Disruptive if plan.actions.iter().any(|one| one.kind == ActionKind::Run) => {
            "what the steps of an action break nobody can tell beforehand"
        }
        Danger::Disruptive => "services are down while they are made anew or for good",
        Danger::DataLosing => "data is deleted for good",
    };
    let place = match acts::standing(model) {
        Standing::Own => "",
        Standing::Shared => " in a shared environment",
        Standing::Production => " in production",
    };
    sheet.item(
        danger.symbol(),
        &format!("{}{place}: {what}", danger.as_str()),
        tone,
    );
}

/// What a plan would do, in short.
fn summary(sheet: &mut Sheet, pen: Pen, model: &Model, request: &PlanRequest, plan: &Arc<Plan>) {
    flows::standing(sheet, model, (request, &**plan));
    if plan.is_empty() {
        if request.flow.turn != Turn::Abort {
            sheet.text(&nothing(request), Tone::Ok);
        }
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
    if sum.run > 0 {
        let noun = if sum.run == 1 { "action" } else { "actions" };
        sheet.text(
            &format!("> {} {noun} of the file to run", sum.run),
            Tone::Text,
        );
    }
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
    if let Some(time) = view::plan::expected(model, plan) {
        sheet.text(&format!("takes {time}"), Tone::Dim);
    }
    class(sheet, model, plan);
    sheet.text(" ", Tone::Text);
    for address in plan.destructive() {
        sheet.item(
            "!",
            &format!("the data of {address} is deleted for good"),
            Tone::Fail,
        );
    }
    for action in plan.actions.iter().filter(|action| !action.is_noop()) {
        let down = downtime::of(action, model.snapshot.usual.as_deref());
        let down = down
            .words()
            .map_or_else(String::new, |words| format!(" ({words})"));
        let text = format!("{}  {}{down}", action.address, action.reason);
        sheet.item(
            &action.kind.symbol().to_string(),
            &text,
            kind_tone(action.kind),
        );
        flows::steps(sheet, action);
    }
    for warning in &plan.warnings {
        sheet.item("!", &warning.text, Tone::Warn);
    }
}

fn stopping(sheet: &mut Sheet, model: &Model, stop: Stop) {
    match stop {
        Stop::Run | Stop::Drain => {
            sheet.text(
                "What is under way finishes, nothing new starts, the state is saved and the lock released.",
                Tone::Text,
            );
            sheet.text(
                &format!(
                    "The next deploy goes on from there. While it stops, {} once more asks to cut it off.",
                    model.key(Action::Cancel)
                ),
                Tone::Dim,
            );
        }
        Stop::Cancel => {
            sheet.text(
                "The run is stopping already: nothing new starts. Cutting it off breaks what is under way off in its middle; the next deploy looks how that ended.",
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
pub fn typed(frame: &mut Frame<'_>, middle: Rect, model: &Model, typed: &Typed) {
    let pen = Pen {
        theme: model.theme(),
    };
    let (sheet, title) = typed_page(model, typed, popup::room(middle));
    let buttons = popup::of_typed(model, typed);
    let place = popup::place(middle, sheet.len(), typed.fields.len() * 2, &buttons);
    popup::frame(frame, place.outer, model, &title, Tone::Fail);
    sheet.show(frame, place.text, 0);
    fields(frame, place.fields, pen, typed);
    let line = popup::line(pen, &buttons);
    frame.render_widget(Paragraph::new(line), place.buttons);
}

/// Returns where a dialog that is answered by typing lies.
#[must_use]
pub fn typed_place(model: &Model, typed: &Typed, middle: Rect) -> Place {
    let (sheet, _) = typed_page(model, typed, popup::room(middle));
    let buttons = popup::of_typed(model, typed);
    popup::place(middle, sheet.len(), typed.fields.len() * 2, &buttons)
}

fn typed_page(model: &Model, typed: &Typed, room: u16) -> (Sheet, String) {
    let pen = Pen {
        theme: model.theme(),
    };
    let mut sheet = Sheet::new(pen, room, 9);
    let title = match &typed.stake {
        Stake::Run {
            request,
            plan,
            basis,
        } => {
            stale(&mut sheet, basis);
            summary(&mut sheet, pen, model, request, plan);
            question_of(model, request)
        }
        Stake::Lock(report) => {
            evidence(&mut sheet, report);
            let why = match report.verdict {
                Verdict::Alive => "The holder is alive: two of them would work at once.",
                Verdict::Expired | Verdict::Unknown => "There is no proof that the holder is gone.",
                Verdict::Free | Verdict::Dead => "The holder is proven gone.",
            };
            sheet.text(why, Tone::Fail);
            "clear the lock, step 4 of 4: confirm".to_owned()
        }
        Stake::Drift(address, path) => drift::decision(&mut sheet, address, path.as_deref(), typed),
        Stake::Inputs { request, .. } => flows::inputs(&mut sheet, model, request, typed),
        Stake::Skip(flow) => flows::skipping(&mut sheet, flow),
    };
    (sheet, title)
}

/// Draws the lines to type into; where there is no room for all, those around the one with the cursor.
fn fields(frame: &mut Frame<'_>, area: Rect, pen: Pen, typed: &Typed) {
    let room = usize::from(area.width);
    let before = match typed.stake {
        Stake::Inputs { .. } => "",
        Stake::Run { .. } | Stake::Lock(_) | Stake::Drift(..) | Stake::Skip(_) => "type the ",
    };
    let fit = usize::from(area.height / 2).max(1);
    let first = (typed.at + 1).saturating_sub(fit);
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (index, field) in typed.fields.iter().enumerate().skip(first).take(fit) {
        let mark = if field.fits() { "✓ " } else { "  " };
        let label = cut(
            &clean::line(&field.label),
            room.saturating_sub(2 + width(before)),
        );
        lines.push(pen.line(&[(mark, Tone::Ok), (before, Tone::Dim), (&label, Tone::Text)]));
        let tone = if index == typed.at {
            Tone::Key
        } else {
            Tone::Dim
        };
        let shown = tail(&clean::line(&field.shown()), room.saturating_sub(5));
        lines.push(pen.line(&[("  > ", tone), (&shown, Tone::Text)]));
        if index == typed.at {
            let x = u16::try_from(4 + width(&shown)).unwrap_or(u16::MAX);
            let y = u16::try_from((index - first) * 2 + 1).unwrap_or(u16::MAX);
            if x < area.width && y < area.height {
                frame.set_cursor_position(Position::new(area.x + x, area.y + y));
            }
        }
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// Returns the end of a text that is longer than its room, with a mark: there the typing goes on.
fn tail(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut from = text.len();
    for (at, _) in text.char_indices().rev() {
        if width(text.get(at..).unwrap_or_default()) >= room {
            break;
        }
        from = at;
    }
    format!("…{}", text.get(from..).unwrap_or_default())
}

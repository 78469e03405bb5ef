//! The lock with the evidence behind its verdict, what may be done about it, and the state it guards.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};

use crate::domain::lease::{LockRecord, LockReport, LockStatus, Verdict};
use crate::present::human::duration;
use crate::present::words::{count, verdict_meaning};
use crate::tui::model::Model;
use crate::tui::theme::Tone;
use crate::tui::view::pen::Pen;
use crate::tui::view::sheet::Sheet;
use crate::tui::words::{between, ticking};

/// Room for labels.
const LABEL: usize = 10;
/// From this width on facts and evidence stand side by side.
const WIDE: u16 = 100;

/// Draws the area.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let pen = Pen {
        theme: model.theme(),
    };
    if area.width < WIDE {
        let mut sheet = Sheet::new(pen, area.width, LABEL);
        lock(&mut sheet, model);
        evidence(&mut sheet, model);
        state(&mut sheet, model);
        sheet.show(frame, area, model.details_at);
        return;
    }
    let [left, _, right] = Layout::horizontal([
        Constraint::Percentage(48),
        Constraint::Length(2),
        Constraint::Fill(1),
    ])
    .areas(area);
    let mut sheet = Sheet::new(pen, left.width, LABEL);
    lock(&mut sheet, model);
    state(&mut sheet, model);
    sheet.show(frame, left, model.details_at);
    let mut sheet = Sheet::new(pen, right.width, LABEL);
    evidence(&mut sheet, model);
    sheet.show(frame, right, model.details_at);
}

/// Returns the tone of a verdict.
#[must_use]
pub fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Free => Tone::Ok,
        Verdict::Dead | Verdict::Expired => Tone::Fail,
        Verdict::Alive => Tone::Busy,
        Verdict::Unknown => Tone::Warn,
    }
}

fn lock(sheet: &mut Sheet, model: &Model) {
    let Some(report) = &model.snapshot.lock else {
        sheet.heading("lock");
        sheet.text("not looked at yet; `r` looks", Tone::Dim);
        return;
    };
    sheet.heading("lock");
    let verdict = format!(
        "{}: {}",
        report.verdict.as_str().to_uppercase(),
        verdict_meaning(report.verdict)
    );
    sheet.pair("verdict", &verdict, verdict_tone(report.verdict));
    sheet.pair("at", &report.location, Tone::Text);
    match &report.record {
        None => sheet.pair("record", "none", Tone::Dim),
        Some(record) => holder(sheet, model, report, record),
    }
}

fn holder(sheet: &mut Sheet, model: &Model, report: &LockReport, record: &LockRecord) {
    let held = record.status == LockStatus::Held;
    let (who, age) = if held {
        ("holder", "held for")
    } else {
        ("last held", "taken")
    };
    let holder = &record.holder;
    let text = format!(
        "{}@{}, process {}, nkapp {}",
        holder.user, holder.host, holder.pid, holder.version
    );
    sheet.pair(who, &text, Tone::Text);
    sheet.pair("lock id", record.lock_id.as_str(), Tone::Text);
    sheet.pair("epoch", &record.epoch.to_string(), Tone::Text);
    let since = ticking(between(record.acquired_at, model.now));
    sheet.pair(
        age,
        &format!("{since}{} (holder's clock)", if held { "" } else { " ago" }),
        Tone::Text,
    );
    if held {
        let work = &record.occupation;
        let step = work.step.as_deref().unwrap_or("between steps");
        sheet.pair(
            "does",
            &format!(
                "{}, {} of {} steps, {step}",
                work.command, work.done, work.total
            ),
            Tone::Text,
        );
        sheet.pair("run", work.run_id.as_str(), Tone::Dim);
        if let Some(beat) = &model.beat {
            let still = ticking(between(beat.since, model.now));
            let text = format!(
                "beat {}, unchanged for {still} on our clock; a beat is good for {}",
                beat.beat,
                duration(record.lease)
            );
            sheet.pair("heartbeat", &text, Tone::Text);
        }
    }
    if let Some(broken) = &record.broken {
        let text = format!(
            "by {} (verdict {}): {}",
            broken.by, broken.verdict, broken.reason
        );
        sheet.pair("broken", &text, Tone::Warn);
    }
    if let Some(version) = &report.version {
        let short: String = version.chars().take(12).collect();
        sheet.pair("version", &short, Tone::Dim);
    }
}

fn evidence(sheet: &mut Sheet, model: &Model) {
    let Some(report) = &model.snapshot.lock else {
        return;
    };
    sheet.heading("evidence");
    if report.evidence.is_empty() {
        sheet.text("none was needed", Tone::Dim);
    }
    for line in &report.evidence {
        let (symbol, tone) = match line.alive {
            Some(true) => ("●", Tone::Busy),
            Some(false) => ("✗", Tone::Fail),
            None => ("?", Tone::Dim),
        };
        let word = match line.alive {
            Some(true) => " (speaks for a living holder)",
            Some(false) => " (speaks for a dead holder)",
            None => "",
        };
        sheet.item(
            symbol,
            &format!("{}: {}{word}", line.check, line.finding),
            tone,
        );
    }
    sheet.heading("what can be done");
    let ours = model.running().is_some();
    let advice = match report.verdict {
        Verdict::Free => "Nothing is to be done: the next deploy takes it.",
        Verdict::Alive if ours => "It is held by the run in this panel; `c` stops that.",
        Verdict::Dead => {
            "`U` clears it: the proof is above. The next deploy settles what the holder left open."
        }
        Verdict::Expired => {
            "Wait, or ask the holder. Without proof, `U` clears it only against its id and a reason, which go into the audit."
        }
        Verdict::Alive => {
            "Wait until it ends, or ask the holder. Clearing the lock of a living holder makes two of them work at once."
        }
        Verdict::Unknown => {
            "`r` watches the heartbeat for 45 s, which decides it when the holder is silent."
        }
    };
    sheet.text(advice, Tone::Text);
}

fn state(sheet: &mut Sheet, model: &Model) {
    sheet.heading("state");
    match &model.record {
        None => sheet.text("not read yet; `r` reads it", Tone::Dim),
        Some(None) => sheet.text("none: nothing was deployed yet", Tone::Dim),
        Some(Some(record)) => {
            sheet.pair("lineage", record.lineage.as_str(), Tone::Text);
            sheet.pair("serial", &record.serial.to_string(), Tone::Text);
            sheet.pair("fence", &record.fence.to_string(), Tone::Text);
            sheet.pair("engine", &record.engine, Tone::Text);
            sheet.pair("resources", &record.resources.len().to_string(), Tone::Text);
            if !record.pending.is_empty() {
                let text = format!(
                    "{} with an unknown outcome; the next run settles them",
                    count(record.pending.len(), "operation")
                );
                sheet.pair("open", &text, Tone::Warn);
                for pending in record.pending.iter().take(8) {
                    sheet.pair("", &format!("{} {}", pending.verb, pending.step), Tone::Dim);
                }
            }
        }
    }
}

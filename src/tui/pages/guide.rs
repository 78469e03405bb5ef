//! Clearing a lock step by step: the evidence, what is half done, what will be written, then the words to type.
//!
//! The lock is looked at again at every step; when the holder moves meanwhile, the guide ends by itself.

use crate::domain::lease::{LockReport, Verdict};
use crate::present::words::{count, lock_meaning};
use crate::tui::model::Model;
use crate::tui::others;
use crate::tui::overlay::Guide;
use crate::tui::pages::locks::evidence;
use crate::tui::pages::page::Page;
use crate::tui::rows::locks::verdict_tone;
use crate::tui::theme::Tone;

/// Most operations that are told one by one.
const TOLD: usize = 6;

/// Returns the title of a step.
#[must_use]
pub fn title(guide: &Guide) -> String {
    let what = match guide.step {
        0 => "the evidence",
        1 => "what is half done",
        _ => "what will be written",
    };
    format!("clear the lock, step {} of 4: {what}", guide.step + 1)
}

/// Writes a step.
#[must_use]
pub fn write(model: &Model, guide: &Guide) -> Page {
    let mut page = Page::default();
    match guide.step {
        0 => first(&mut page, &guide.report),
        1 => second(&mut page, model, &guide.report),
        _ => third(&mut page, model, &guide.report),
    }
    page
}

fn first(page: &mut Page, report: &LockReport) {
    let verdict = format!(
        "{}: {}",
        report.verdict.as_str().to_uppercase(),
        lock_meaning(report)
    );
    page.pair("verdict", verdict, verdict_tone(report.verdict));
    if let Some(record) = &report.record {
        let text = format!("{}, process {}", others::who(record), record.holder.pid);
        page.pair("holder", text, Tone::Text);
        page.pair("lock id", record.lock_id.as_str(), Tone::Text);
    }
    evidence(page, &report.evidence);
    let warning = match report.verdict {
        Verdict::Dead | Verdict::Free => return,
        Verdict::Alive => "The holder is alive: two of them would work at once.",
        Verdict::Expired | Verdict::Unknown => "There is no proof that the holder is gone.",
    };
    page.text(" ", Tone::Text);
    page.text(warning, Tone::Fail);
}

fn second(page: &mut Page, model: &Model, report: &LockReport) {
    if let Some(record) = &report.record {
        let work = &record.occupation;
        page.pair("command", &*work.command, Tone::Text);
        let steps = if work.total == 0 {
            "it had not begun to change anything".to_owned()
        } else {
            format!("{} of {} steps done", work.done, work.total)
        };
        page.pair("progress", steps, Tone::Text);
        if let Some(step) = &work.step {
            page.pair("last step", &**step, Tone::Text);
        }
    }
    let stored = model.stored.as_deref();
    match stored.map(|stored| stored.record.as_ref()) {
        None => page.text("the state was not read yet", Tone::Dim),
        Some(None) => page.text(
            "no state is stored: nothing was deployed from here",
            Tone::Dim,
        ),
        Some(Some(record)) if record.pending.is_empty() => {
            page.pair("open", "no operation is half done", Tone::Ok);
        }
        Some(Some(record)) => {
            page.heading(format!(
                "{} announced without a known end",
                count(record.pending.len(), "operation")
            ));
            for open in record.pending.iter().take(TOLD) {
                page.item("?", format!("{} {}", open.verb, open.step), Tone::Warn);
            }
            let rest = record.pending.len().saturating_sub(TOLD);
            if rest > 0 {
                page.text(format!("and {rest} more"), Tone::Dim);
            }
        }
    }
    let held = model.installs.as_deref().into_iter().flatten();
    for install in held {
        if let Ok(seen) = &install.seen
            && let Some(lock) = &seen.lock
        {
            let text = format!(
                "volume {}: {} installs ({})",
                install.volume,
                lock.name,
                lock.verdict.as_str()
            );
            page.item("!", text, Tone::Warn);
        }
    }
}

fn third(page: &mut Page, model: &Model, report: &LockReport) {
    let epoch = report.record.as_ref().map_or(0, |record| record.epoch.0);
    page.heading("first, a line in the audit");
    page.text(
        "Who clears whose lock, why, and on which evidence, into `audit.log`.",
        Tone::Text,
    );
    page.heading("then, the record");
    let version = report.version.as_deref().unwrap_or("none");
    let version: String = version.chars().take(12).collect();
    page.text(
        format!(
            "It becomes `broken`, with epoch {}, only if it still is the one that was judged (version {version}); the verdict is looked at once more at that moment. It is never deleted.",
            epoch.saturating_add(1)
        ),
        Tone::Text,
    );
    page.heading("the next run");
    let open = model
        .stored
        .as_deref()
        .and_then(|stored| stored.record.as_ref())
        .map_or(0, |record| record.pending.len());
    let settles = if open == 0 {
        "looks at everything and plans anew".to_owned()
    } else {
        format!(
            "finds out what became of {}, then looks at everything and plans anew",
            count(open, "operation")
        )
    };
    page.text(format!("It {settles}."), Tone::Text);
    if matches!(
        report.verdict,
        Verdict::Alive | Verdict::Unknown | Verdict::Expired
    ) {
        page.text(
            "A holder that lives sees at its next beat that the lock is gone, and starts nothing more; what it has under way may still happen.",
            Tone::Warn,
        );
    }
}

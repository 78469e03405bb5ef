//! The locks, the state they guard, what is half done, and the backups, as rows to choose from.

use crate::domain::lease::{LockReport, Verdict};
use crate::domain::report::install::{InstallReport, InstallSeen};
use crate::domain::report::store::StoreReport;
use crate::present::human::{between, size};
use crate::present::rows::lock_history;
use crate::present::words::{count, lock_meaning};
use crate::tui::model::Model;
use crate::tui::others;
use crate::tui::rows::row::{Cell, Row, Subject};
use crate::tui::theme::Tone;
use crate::tui::tree::Node;

/// Key of the lock of the whole project.
pub const INFRA: &str = "infra";
/// Key of the state.
pub const STATE: &str = "state";
/// Key in front of a service's name: the lock of its installation.
pub const INSTALL: &str = "install ";
/// Key in front of an operation's number.
pub const PENDING: &str = "pending ";
/// Key in front of a backup's place.
pub const BACKUP: &str = "backup ";
/// Key in front of a line's number of the audit.
pub const AUDIT: &str = "audit ";

/// Computes the rows.
#[must_use]
pub fn nodes(model: &Model) -> Vec<Node> {
    let mut nodes = vec![infra(model)];
    nodes.extend(installs(model));
    let stored = model.stored.as_deref();
    nodes.push(state(stored));
    if let Some(stored) = stored {
        nodes.extend(pending(model, stored));
        nodes.extend(backups(model, stored));
        nodes.extend(audit(stored));
    }
    nodes
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

fn verdict_symbol(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Free => "○",
        Verdict::Dead | Verdict::Expired => "✗",
        Verdict::Alive => "●",
        Verdict::Unknown => "?",
    }
}

fn row(symbol: &str, label: impl Into<String>, word: (String, Tone), remark: String) -> Row {
    Row {
        subject: Subject::Remark,
        symbol: Cell::new(symbol, word.1),
        label: label.into(),
        tone: Tone::Text,
        columns: vec![Cell::new(word.0, word.1)],
        timer: None,
        remark: Cell::new(remark, Tone::Dim),
    }
}

fn infra(model: &Model) -> Node {
    let Some(report) = model.snapshot.lock.as_deref() else {
        let word = ("not looked at yet".to_owned(), Tone::Dim);
        return Node::leaf(INFRA, row("?", "project lock", word, String::new()));
    };
    let tone = verdict_tone(report.verdict);
    let word = report.verdict.as_str().to_uppercase();
    let symbol = verdict_symbol(report.verdict);
    let remark = infra_remark(model, report);
    Node::leaf(INFRA, row(symbol, "project lock", (word, tone), remark))
}

fn infra_remark(model: &Model, report: &LockReport) -> String {
    match (&report.record, report.verdict) {
        (Some(record), Verdict::Alive | Verdict::Unknown | Verdict::Expired | Verdict::Dead) => {
            if others::is_ours(&model.snapshot, record) {
                "held by the run in this panel".to_owned()
            } else {
                format!("{} {}", others::who(record), others::stands(report, record))
            }
        }
        _ => lock_meaning(report).to_owned(),
    }
}

fn installs(model: &Model) -> Vec<Node> {
    let Some(reports) = model.installs.as_deref() else {
        return Vec::new();
    };
    reports.iter().map(install).collect()
}

fn install(report: &InstallReport) -> Node {
    let label = format!("volume {}", report.volume);
    let (symbol, word, tone, remark) = match &report.seen {
        Err(_) => (
            "?",
            "not known now".to_owned(),
            Tone::Dim,
            format!("installation for {}", report.service),
        ),
        Ok(seen) => seen_words(report, seen),
    };
    let key = format!("{INSTALL}{}", report.service);
    Node::leaf(key, row(symbol, label, (word, tone), remark))
}

fn seen_words(report: &InstallReport, seen: &InstallSeen) -> (&'static str, String, Tone, String) {
    let service = &report.service;
    if let Some(lock) = &seen.lock {
        let word = lock.verdict.as_str().to_uppercase();
        let remark = format!("{} installs for {service}", lock.name);
        let symbol = verdict_symbol(lock.verdict);
        return (symbol, word, verdict_tone(lock.verdict), remark);
    }
    if seen.foreign {
        let remark = "something else has the lock's name".to_owned();
        return ("✗", "FOREIGN".to_owned(), Tone::Fail, remark);
    }
    let remark = if seen.installed.contains(&report.wanted) {
        format!("installed for {service}")
    } else if seen.dirty {
        format!("cut off half-way for {service}")
    } else if seen.failed.contains(&report.wanted) {
        format!("the last installation for {service} failed")
    } else {
        format!("not installed yet for {service}")
    };
    let tone = if seen.dirty { Tone::Warn } else { Tone::Ok };
    ("○", "FREE".to_owned(), tone, remark)
}

fn state(stored: Option<&StoreReport>) -> Node {
    let record = stored.and_then(|stored| stored.record.as_ref());
    let (word, remark) = match (stored, record) {
        (None, _) => (("not read yet".to_owned(), Tone::Dim), String::new()),
        (Some(_), None) => (
            ("none".to_owned(), Tone::Dim),
            "nothing was deployed yet".to_owned(),
        ),
        (Some(_), Some(record)) => (
            (format!("serial {}", record.serial), Tone::Text),
            format!("{} recorded", count(record.resources.len(), "resource")),
        ),
    };
    Node::leaf(STATE, row("•", "state", word, remark))
}

fn pending(model: &Model, stored: &StoreReport) -> Option<Node> {
    let pending = &stored.record.as_ref()?.pending;
    if pending.is_empty() {
        return None;
    }
    let children = pending.iter().enumerate().map(|(index, open)| {
        // In one piece, so that the long names of steps do not push the columns of the locks aside.
        let row = Row {
            subject: Subject::Remark,
            symbol: Cell::new("?", Tone::Warn),
            label: format!("{}: {}", open.step, open.verb),
            tone: Tone::Warn,
            ..Row::default()
        };
        Node::leaf(format!("{PENDING}{index}"), row)
    });
    // While its holder lives, what was begun is simply being done.
    let lock = model.snapshot.lock.as_ref();
    let alive = lock.is_some_and(|lock| lock.verdict == Verdict::Alive);
    let number = count(pending.len(), "operation");
    let mut heading = if alive {
        let mut heading = Row::heading(format!("{number} under way"));
        heading.remark = Cell::new("the holder is at work on them", Tone::Dim);
        heading
    } else {
        let mut heading = Row::heading(format!("{number} half done"));
        heading.remark = Cell::new("the next run finds out what became of them", Tone::Warn);
        heading
    };
    heading.tone = Tone::Title;
    Some(Node::leaf("#pending", heading).with(true, children.collect()))
}

fn backups(model: &Model, stored: &StoreReport) -> Option<Node> {
    if stored.backups.is_empty() {
        return None;
    }
    let children = stored.backups.iter().map(|backup| {
        let label = backup
            .serial
            .map_or_else(|| "damaged".to_owned(), |serial| format!("serial {serial}"));
        let age = backup.at.map(|at| between(at, model.now));
        let word = (size(backup.bytes), Tone::Text);
        let remark = age.map_or_else(String::new, |age| format!("written {age} ago"));
        Node::leaf(
            format!("{BACKUP}{}", backup.place),
            row("•", label, word, remark),
        )
    });
    let heading = Row::heading(count(stored.backups.len(), "backup"));
    Some(Node::leaf("#backups", heading).with(false, children.collect()))
}

fn audit(stored: &StoreReport) -> Option<Node> {
    if stored.audit.is_empty() {
        return None;
    }
    let children = stored.audit.iter().enumerate().map(|(index, deed)| {
        let row = Row {
            subject: Subject::Remark,
            symbol: Cell::new("•", Tone::Dim),
            label: lock_history::said(deed),
            ..Row::default()
        };
        Node::leaf(format!("{AUDIT}{index}"), row)
    });
    let heading = Row::heading("what was done with the lock");
    Some(Node::leaf("#audit", heading).with(false, children.collect()))
}

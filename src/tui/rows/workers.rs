//! What the workers of the project do, as they tell themselves: one row each, and below it whatever waits or went wrong.

use crate::domain::report::worker::{Leadership, Phase, Waiting, WorkerReport};
use crate::domain::time::Wall;
use crate::present::human::clock;
use crate::tui::rows::row::{Cell, Row, Subject, Timer};
use crate::tui::theme::Tone;
use crate::tui::tree::Node;

/// Key in front of a worker's id.
pub const WORKER: &str = "worker ";

/// A worker that was there and does not answer any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    /// The last it said.
    pub report: WorkerReport,
    /// Since when it says nothing.
    pub since: Wall,
}

/// Computes the rows; `key` shows the plan of a restore.
#[must_use]
pub fn nodes(workers: &[WorkerReport], silent: &[Silent], key: &str) -> Vec<Node> {
    let there = workers.iter().map(|report| worker(report, key));
    there.chain(silent.iter().map(gone)).collect()
}

fn gone(silent: &Silent) -> Node {
    let report = &silent.report;
    let (symbol, text, so) = match report.phase {
        Phase::Draining => (Cell::new("○", Tone::Dim), "has ended", "nobody watches"),
        Phase::Activating | Phase::Watching => (
            Cell::new("✗", Tone::Fail),
            "does not answer any more",
            "nobody may be watching",
        ),
    };
    let row = Row {
        subject: Subject::Remark,
        symbol,
        label: format!("{} {text}", title(report)),
        tone: Tone::Warn,
        timer: Some(Timer::Since(silent.since)),
        ..Row::default()
    };
    let below = Node::leaf("line".to_owned(), line(Tone::Warn, so.to_owned()));
    Node::leaf(format!("{WORKER}{}", report.id), row).with(true, vec![below])
}

fn title(report: &WorkerReport) -> String {
    format!("worker {} ({})", report.pid, report.who)
}

fn worker(report: &WorkerReport, key: &str) -> Node {
    let (symbol, tone, word) = match &report.leadership {
        Leadership::Leads => ("●", Tone::Ok, "leads"),
        Leadership::StandsBy(_) => ("○", Tone::Dim, "stands by"),
        Leadership::Seeks(_) => ("?", Tone::Warn, "does not lead"),
    };
    let row = Row {
        subject: Subject::Remark,
        symbol: Cell::new(symbol, tone),
        label: title(report),
        columns: vec![Cell::new(word, tone)],
        ..Row::default()
    };
    let children = lines(report, key)
        .into_iter()
        .enumerate()
        .map(|(index, row)| Node::leaf(format!("line {index}"), row));
    Node::leaf(format!("{WORKER}{}", report.id), row).with(true, children.collect())
}

/// Says what it is at, when it looked, and when it looks again at the latest.
fn looks(report: &WorkerReport) -> String {
    let (phase, restore) = (report.phase.as_str(), report.restore.as_str());
    let looked = report.looked_at.map_or_else(
        || "has not looked yet".to_owned(),
        |at| {
            let next = Wall(at.0.saturating_add_unsigned(report.interval_ms));
            format!("looked {}, again by {}", clock(at), clock(next))
        },
    );
    format!("{phase}, restore {restore}: {looked}")
}

fn line(tone: Tone, text: String) -> Row {
    Row {
        subject: Subject::Remark,
        symbol: Cell::new("·", tone),
        label: text,
        tone,
        ..Row::default()
    }
}

/// Whatever is not as usual, the most pressing first.
fn lines(report: &WorkerReport, key: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for address in &report.pending {
        let why = report.held.get(address);
        let why = why.map_or_else(String::new, |why| format!(" ({why})"));
        let text = format!("{address}: its restore waits for you: {key} shows the plan{why}");
        rows.push(Row {
            subject: Subject::Resource(address.clone()),
            symbol: Cell::new("!", Tone::Warn),
            ..line(Tone::Warn, text)
        });
    }
    if !report.restoring.is_empty() {
        let names: Vec<String> = report.restoring.iter().map(ToString::to_string).collect();
        rows.push(line(Tone::Busy, format!("restoring {}", names.join(", "))));
    }
    rows.extend(report.waiting.iter().map(waiting));
    match &report.leadership {
        Leadership::Seeks(why) => rows.push(line(Tone::Warn, format!("not leading: {why}"))),
        Leadership::StandsBy(who) => rows.push(line(Tone::Dim, format!("{who} leads"))),
        Leadership::Leads => {}
    }
    if let Err(why) = &report.platform {
        rows.push(line(
            Tone::Fail,
            format!("the platform does not answer it: {why}"),
        ));
    }
    if let Some(fault) = &report.config_fault {
        let text = format!("the file has errors, it goes on with the last good one: {fault}");
        rows.push(line(Tone::Warn, text));
    }
    if let Some(who) = &report.lock_held_by {
        rows.push(line(
            Tone::Text,
            format!("it only watches: the lock is held by {who}"),
        ));
    }
    for ailing in &report.ailing {
        let needed = match ailing.needed_by.as_slice() {
            [] => String::new(),
            some => format!(", needed by {}", some.join(", ")),
        };
        rows.push(line(
            Tone::Warn,
            format!("{} is {}{needed}", ailing.address, ailing.state),
        ));
    }
    if let Some(last) = &report.last {
        let names: Vec<String> = last.addresses.iter().map(ToString::to_string).collect();
        let (names, at) = (names.join(", "), clock(last.at));
        rows.push(match &last.failure {
            None => line(Tone::Ok, format!("restored {names} at {at}")),
            Some(why) => line(Tone::Fail, format!("{names} not restored at {at}: {why}")),
        });
    }
    rows.push(line(Tone::Dim, looks(report)));
    rows
}

fn waiting(waiting: &Waiting) -> Row {
    let next = waiting.next_at.map(|at| format!("next at {}", clock(at)));
    let tried = match waiting.attempts {
        0 => None,
        1 => Some("tried once".to_owned()),
        more => Some(format!("tried {more} times")),
    };
    // What can be long comes last.
    let known: Vec<String> = next.into_iter().chain(tried).collect();
    let (address, reason) = (&waiting.address, &waiting.reason);
    let text = match known.as_slice() {
        [] => format!("{address} waits for {reason}"),
        known => format!("{address}: {}, waits for {reason}", known.join(", ")),
    };
    Row {
        subject: Subject::Resource(address.clone()),
        ..line(Tone::Warn, text)
    }
}

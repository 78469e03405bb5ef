//! Past runs as rows, the newest first; or, while two are compared, what differs between them.

use std::time::Duration;

use crate::domain::history::compare::{Change, Comparison, Pair};
use crate::domain::plan::model::Summary;
use crate::domain::report::RunSummary;
use crate::domain::time::Wall;
use crate::present::human;
use crate::present::rows::compare;
use crate::present::rows::runs::ended;
use crate::tui::model::Model;
use crate::tui::rows::row::{Cell, Row, Subject, Timer};
use crate::tui::theme::Tone;
use crate::tui::tree::Node;

/// Computes the rows of the history.
#[must_use]
pub fn nodes(model: &Model) -> Vec<Node> {
    if let Some(comparison) = &model.history.comparison {
        return compared(comparison);
    }
    let runs = model.history.runs.as_ref();
    runs.into_iter()
        .flat_map(|runs| runs.iter())
        .map(|run| run_node(model, run))
        .collect()
}

fn run_node(model: &Model, run: &RunSummary) -> Node {
    let here = model
        .running()
        .is_some_and(|live| live.run_id == run.run_id);
    let (word, role) = ended(run.outcome.as_deref(), run.warnings);
    let word = if here { "under way".to_owned() } else { word };
    let symbol = match (run.outcome.as_deref(), here) {
        (_, true) => Cell::new("◐", Tone::Busy),
        (None, false) => Cell::new("?", Tone::Warn),
        (Some("ok"), false) if run.warnings > 0 => Cell::new("!", Tone::Warn),
        (Some("ok"), false) => Cell::new("✓", Tone::Ok),
        (Some("cancelled" | "refused"), false) => Cell::new("»", Tone::Warn),
        (Some(_), false) => Cell::new("✗", Tone::Fail),
    };
    let when = format!("{} ago", human::between(run.started_at, model.now));
    let ended = run.duration_ms.and_then(|ms| i64::try_from(ms).ok());
    let row = Row {
        subject: Subject::Run(run.run_id.clone()),
        symbol,
        label: format!("{} {word}", run.command),
        tone: if word == "ok" {
            Tone::Text
        } else {
            role.into()
        },
        columns: vec![
            Cell::new(changes(run.changes), Tone::Text),
            Cell::new(when, Tone::Dim),
            Cell::new(human::moment(run.started_at), Tone::Dim),
            Cell::new(run.who.clone(), Tone::Dim),
        ],
        timer: ended.map(|ms| Timer::Took(run.started_at, Wall(run.started_at.0 + ms))),
        remark: remark(model, run),
    };
    Node::leaf(run.run_id.as_str(), row)
}

/// Says what the plan of a run changed: `+1 ~2 -0`, with drift where there was some.
#[must_use]
pub fn changes(sum: Option<Summary>) -> String {
    let Some(sum) = sum else {
        return "no plan".to_owned();
    };
    let drift = match sum.drift {
        0 => String::new(),
        number => format!(" ⇄{number}"),
    };
    format!("+{} ~{} -{}{drift}", sum.create, sum.update, sum.delete)
}

fn remark(model: &Model, run: &RunSummary) -> Cell {
    let here = model.snapshot.known();
    let env = here.map(|project| project.env.to_string());
    if let Some(other) = run
        .env
        .as_ref()
        .filter(|other| env.as_ref() != Some(*other))
    {
        return Cell::new(format!("in {other}"), Tone::Warn);
    }
    let first = run.message.as_deref().and_then(|text| text.lines().next());
    Cell::new(first.unwrap_or_default(), Tone::Dim)
}

fn compared(comparison: &Comparison) -> Vec<Node> {
    comparison
        .items
        .iter()
        .map(|item| {
            let address = item.address.to_string();
            let steps = item
                .steps
                .iter()
                .map(|(id, pair)| {
                    let label = id.as_str().strip_prefix(&address).unwrap_or(id.as_str());
                    let label = label.trim_start_matches('/').replacen("]/", "] ", 1);
                    let subject = Subject::Step(item.address.clone(), id.clone());
                    Node::leaf(id.as_str(), pair_row(subject, label, pair))
                })
                .collect();
            let subject = Subject::Resource(item.address.clone());
            Node::leaf(
                address.as_str(),
                pair_row(subject, address.clone(), &item.whole),
            )
            .with(item.whole.change() != Change::Same, steps)
        })
        .collect()
}

fn pair_row(subject: Subject, label: String, pair: &Pair) -> Row {
    let (words, role) = compare::change(pair.change());
    Row {
        subject,
        label,
        columns: vec![Cell::new(compare::times(pair), Tone::Text)],
        remark: Cell::new(words, role.into()),
        ..Row::default()
    }
}

/// Returns the time between two moments of a run in words.
#[must_use]
pub fn span(ms: i64) -> String {
    human::duration(Duration::from_millis(ms.unsigned_abs()))
}

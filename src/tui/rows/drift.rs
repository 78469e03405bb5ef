//! What differs from what was deployed, by resource.

use crate::app::notice::Heard;
use crate::app::snapshot::Snapshot;
use crate::domain::ids::Address;
use crate::domain::plan::model::Change;
use crate::domain::report::DriftReport;
use crate::present::human::{clock, moment};
use crate::present::words::count;
use crate::tui::rows::plan::{difference, path};
use crate::tui::rows::row::{Cell, Row, Subject};
use crate::tui::rows::workers::{self, Silent};
use crate::tui::theme::Tone;
use crate::tui::tree::Node;

/// Computes the tree: workers first, `silent` ones among them, then what differs. `key` shows the plan of a restore.
#[must_use]
pub fn nodes(snapshot: &Snapshot, silent: &[Silent], key: &str) -> Vec<Node> {
    let mut nodes = workers::nodes(&snapshot.workers, silent, key);
    let Some(report) = &snapshot.drift else {
        return nodes;
    };
    nodes.extend(report.undecided.as_deref().map(undecided));
    let drifted = report.drifted.iter();
    nodes.extend(drifted.map(|(address, changes)| resource(snapshot, address, changes)));
    if !report.ignored.is_empty() {
        nodes.push(ignored(report));
    }
    if !report.changed.is_empty() {
        let children = report.changed.iter().map(|address| {
            let unfinished = if report.is_only_unsettled(address) {
                "not edited: a run is at it or was cut off"
            } else {
                ""
            };
            let row = Row {
                subject: Subject::Resource(address.clone()),
                symbol: Cell::new("~", Tone::Changed),
                label: address.to_string(),
                remark: Cell::new(unfinished, Tone::Dim),
                ..Row::default()
            };
            let edits = report.edits.get(address).into_iter().flatten();
            let fields = edits.enumerate().map(|(index, change)| {
                let row = Row {
                    subject: Subject::Resource(address.clone()),
                    symbol: Cell::new("~", Tone::Changed),
                    label: path(change),
                    remark: Cell::new(difference(change), Tone::Dim),
                    ..Row::default()
                };
                Node::leaf(format!("edit {index}"), row)
            });
            Node::leaf(address.to_string(), row).with(false, fields.collect())
        });
        let mut heading = Row::heading("edited in the file");
        heading.remark = Cell::new("no drift: a deploy carries it out", Tone::Dim);
        nodes.push(Node::leaf("#changed", heading).with(false, children.collect()));
    }
    if !report.strays.is_empty() {
        let children = report.strays.iter().enumerate().map(|(index, stray)| {
            let row = Row {
                subject: Subject::Remark,
                symbol: Cell::new("!", Tone::Warn),
                label: stray.clone(),
                ..Row::default()
            };
            Node::leaf(format!("stray {index}"), row)
        });
        let mut heading = Row::heading(count(report.strays.len(), "stray object"));
        heading.remark = Cell::new("shown, never touched", Tone::Dim);
        nodes.push(Node::leaf("#strays", heading).with(true, children.collect()));
    }
    nodes
}

/// Nobody knows what is ignored: all that drifted is shown, and all of it is not restored at once.
fn undecided(why: &str) -> Node {
    let row = Row {
        subject: Subject::Remark,
        symbol: Cell::new("!", Tone::Warn),
        label: format!("what is ignored is not known: {why}"),
        ..Row::default()
    };
    Node::leaf("#undecided", row)
}

/// What somebody decided to live with, with why and until when.
fn ignored(report: &DriftReport) -> Node {
    let all = report.ignored.iter();
    let all = all.flat_map(|(address, changes)| changes.iter().map(move |one| (address, one)));
    let children: Vec<Node> = all
        .enumerate()
        .map(|(index, (address, one))| {
            let until = one.ignored.until.map_or_else(
                || "until it is taken back".to_owned(),
                |until| format!("until {}", moment(until)),
            );
            let row = Row {
                subject: Subject::Resource(address.clone()),
                symbol: Cell::new("-", Tone::Dim),
                label: format!("{address}: {}", path(&one.change)),
                remark: Cell::new(format!("{} ({until})", one.ignored.reason), Tone::Dim),
                ..Row::default()
            };
            Node::leaf(format!("ignored {index}"), row)
        })
        .collect();
    let mut heading = Row::heading(format!("{} ignored", count(children.len(), "field")));
    heading.remark = Cell::new("shown, not restored", Tone::Dim);
    Node::leaf("#ignored", heading).with(true, children)
}

/// Finds what the platform reported about a resource that was no doing of ours, the newest last.
#[must_use]
pub fn heard<'a>(
    snapshot: &'a Snapshot,
    address: &'a Address,
) -> impl DoubleEndedIterator<Item = &'a Heard> {
    let instance = format!("{address}[");
    let name = format!("{} {}:", address.kind.as_str(), address.name);
    snapshot.heard.iter().filter(move |heard| {
        !heard.in_run && (heard.text.starts_with(&instance) || heard.text.contains(&name))
    })
}

fn resource(snapshot: &Snapshot, address: &Address, changes: &[Change]) -> Node {
    let since = snapshot
        .drift_since
        .get(address)
        .and_then(|fields| fields.values().min_by_key(|since| since.at).copied());
    let reported = heard(snapshot, address).next_back();
    let row = Row {
        subject: Subject::Resource(address.clone()),
        symbol: Cell::new("⇄", Tone::Drift),
        label: address.to_string(),
        tone: Tone::Text,
        columns: vec![
            Cell::new(
                if changes.len() == 1 {
                    "1 field differs".to_owned()
                } else {
                    format!("{} fields differ", changes.len())
                },
                Tone::Text,
            ),
            Cell::new(
                since.map_or_else(String::new, |since| {
                    let earlier = if since.or_earlier { " or earlier" } else { "" };
                    format!("since {}{earlier}", clock(since.at))
                }),
                Tone::Dim,
            ),
        ],
        timer: None,
        remark: reported.map_or_else(Cell::default, |heard| {
            Cell::new(format!("reported: {}", heard.text), Tone::Dim)
        }),
    };
    let children = changes
        .iter()
        .enumerate()
        .map(|(index, change)| {
            let row = Row {
                subject: Subject::Change(address.clone(), index),
                symbol: Cell::new("~", Tone::Drift),
                label: path(change),
                remark: Cell::new(difference(change), Tone::Drift),
                ..Row::default()
            };
            Node::leaf(format!("change {index}"), row)
        })
        .collect();
    Node::leaf(address.to_string(), row).with(true, children)
}

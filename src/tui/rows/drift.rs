//! What was changed by hand, by resource.

use crate::app::snapshot::Snapshot;
use crate::domain::ids::Address;
use crate::domain::plan::model::Change;
use crate::present::words::count;
use crate::tui::rows::plan::{difference, path};
use crate::tui::rows::row::{Cell, Row, Subject};
use crate::tui::theme::Tone;
use crate::tui::tree::Node;

/// Computes the tree.
#[must_use]
pub fn nodes(snapshot: &Snapshot) -> Vec<Node> {
    let Some(report) = &snapshot.drift else {
        return Vec::new();
    };
    let mut nodes: Vec<Node> = report
        .drifted
        .iter()
        .map(|(address, changes)| resource(address, changes))
        .collect();
    if !report.changed.is_empty() {
        let children = report.changed.iter().map(|address| {
            let row = Row {
                subject: Subject::Resource(address.clone()),
                symbol: Cell::new("~", Tone::Changed),
                label: address.to_string(),
                ..Row::default()
            };
            Node::leaf(address.to_string(), row)
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

fn resource(address: &Address, changes: &[Change]) -> Node {
    let row = Row {
        subject: Subject::Resource(address.clone()),
        symbol: Cell::new("⇄", Tone::Drift),
        label: address.to_string(),
        tone: Tone::Text,
        columns: vec![Cell::new(
            if changes.len() == 1 {
                "1 field differs".to_owned()
            } else {
                format!("{} fields differ", changes.len())
            },
            Tone::Text,
        )],
        timer: None,
        remark: Cell::default(),
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

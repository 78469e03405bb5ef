//! The plan as a tree: what happens to a resource, why, field by field, and in which steps.

use std::collections::BTreeSet;

use crate::app::snapshot::Snapshot;
use crate::domain::ids::Address;
use crate::domain::plan::model::{Action, ActionKind, Cause, Change, Plan, Step};
use crate::domain::report::Usual;
use crate::domain::secret::is_secret_name;
use crate::present::human;
use crate::present::words::{self, count};
use crate::tui::downtime;
use crate::tui::rows::row::{Cell, Row, Subject};
use crate::tui::theme::Tone;
use crate::tui::tree::Node;

/// Computes the tree of the plan on show.
#[must_use]
pub fn nodes(snapshot: &Snapshot) -> Vec<Node> {
    let usual = snapshot.usual.as_deref();
    let plan = snapshot.plan.as_deref();
    plan.map_or_else(Vec::new, |plan| nodes_of(plan, usual))
}

/// Computes the tree of one plan: warnings, what will be done, what stays.
#[must_use]
pub fn nodes_of(plan: &Plan, usual: Option<&Usual>) -> Vec<Node> {
    let mut nodes = Vec::new();
    if !plan.warnings.is_empty() {
        let children = plan.warnings.iter().enumerate().map(|(index, warning)| {
            let label = match &warning.address {
                Some(address) => format!("{address}: {}", warning.text),
                None => warning.text.clone(),
            };
            let row = Row {
                subject: Subject::Remark,
                symbol: Cell::new("!", Tone::Warn),
                label,
                ..Row::default()
            };
            Node::leaf(format!("warning {index}"), row)
        });
        let heading = Row::heading(count(plan.warnings.len(), "warning"));
        nodes.push(Node::leaf("#warnings", heading).with(true, children.collect()));
    }
    let gone: BTreeSet<&Address> = plan.destructive().into_iter().collect();
    let lost: Vec<Node> = plan
        .actions
        .iter()
        .filter(|action| gone.contains(&action.address))
        .map(|action| action_node(action, usual))
        .collect();
    if !lost.is_empty() {
        let mut heading = Row::heading(format!("data is lost ({})", lost.len()));
        heading.tone = Tone::Fail;
        heading.symbol = Cell::new("✗", Tone::Fail);
        nodes.push(Node::leaf("#lost", heading).with(true, lost));
    }
    nodes.extend(
        plan.actions
            .iter()
            .filter(|action| !action.is_noop() && !gone.contains(&action.address))
            .map(|action| action_node(action, usual)),
    );
    let same: Vec<Node> = plan
        .actions
        .iter()
        .filter(|action| action.is_noop())
        .map(|action| action_node(action, usual))
        .collect();
    if !same.is_empty() {
        let heading = Row::heading(format!("{} unchanged", same.len()));
        nodes.push(Node::leaf("#unchanged", heading).with(false, same));
    }
    nodes
}

fn action_node(action: &Action, usual: Option<&Usual>) -> Node {
    let tone = kind_tone(action.kind);
    // Something new, or something that goes, has no other way than one.
    let strategy = match action.kind {
        ActionKind::Update => words::strategy(action.strategy),
        ActionKind::Create | ActionKind::Delete | ActionKind::Noop | ActionKind::Run => "",
    };
    let row = Row {
        subject: Subject::Resource(action.address.clone()),
        symbol: Cell::new(action.kind.symbol(), tone),
        label: action.address.to_string(),
        tone: if action.is_noop() {
            Tone::Dim
        } else {
            Tone::Text
        },
        columns: vec![
            Cell::new(action.kind.as_str(), tone),
            Cell::new(strategy, Tone::Text),
            Cell::new(if action.has_drift() { "⇄" } else { "" }, Tone::Drift),
        ],
        timer: None,
        remark: match downtime::of(action, usual).words() {
            Some(down) => Cell::new(format!("{} ({down})", action.reason), Tone::Text),
            None => Cell::new(action.reason.clone(), Tone::Text),
        },
    };
    let mut children: Vec<Node> = action
        .changes
        .iter()
        .enumerate()
        .map(|(index, change)| change_node(action, index, change))
        .collect();
    if !action.steps.is_empty() {
        let mut heading = Row::heading(count(action.steps.len(), "step"));
        heading.subject = Subject::Resource(action.address.clone());
        heading.tone = Tone::Dim;
        let steps = action
            .steps
            .iter()
            .map(|step| step_node(action, step))
            .collect();
        children.push(Node::leaf("#steps", heading).with(false, steps));
    }
    Node::leaf(action.address.to_string(), row).with(false, children)
}

fn change_node(action: &Action, index: usize, change: &Change) -> Node {
    let (symbol, tone) = match (&change.before, &change.after) {
        (None, Some(_)) => ("+", Tone::Added),
        (Some(_), None) => ("-", Tone::Removed),
        (Some(_), Some(_)) | (None, None) => ("~", Tone::Changed),
    };
    let (cause, cause_tone) = cause(change.cause);
    let row = Row {
        subject: Subject::Change(action.address.clone(), index),
        symbol: Cell::new(symbol, tone),
        label: path(change),
        tone: Tone::Text,
        columns: vec![Cell::new(cause, cause_tone)],
        timer: None,
        remark: Cell::new(difference(change), tone),
    };
    Node::leaf(format!("change {index}"), row)
}

fn step_node(action: &Action, step: &Step) -> Node {
    let row = Row {
        subject: Subject::Step(action.address.clone(), step.id.clone()),
        symbol: Cell::default(),
        label: step_label(step),
        tone: Tone::Text,
        columns: vec![
            Cell::new(step.kind.as_str(), Tone::Dim),
            Cell::new(step.place.as_str(), Tone::Dim),
        ],
        timer: None,
        remark: Cell::new(step.detail.clone(), Tone::Dim),
    };
    Node::leaf(step.id.as_str(), row)
}

/// Returns the part of a step's id that is its own: `[0]/prestart.host`, or `create` where there is no instance.
#[must_use]
pub fn step_label(step: &Step) -> String {
    let own = step.id.as_str().rsplit('/').next().unwrap_or_default();
    match step.instance {
        Some(instance) => format!("[{instance}] {own}"),
        None => own.to_owned(),
    }
}

/// Returns the tone of a kind of action.
#[must_use]
pub fn kind_tone(kind: ActionKind) -> Tone {
    words::action(kind).1.into()
}

/// Returns the word for a cause, in brackets, with its tone.
#[must_use]
pub fn cause(cause: Cause) -> (&'static str, Tone) {
    match cause {
        Cause::Config => ("[config]", Tone::Dim),
        Cause::Drift => ("[drift]", Tone::Drift),
    }
}

/// Returns the path of a change, with the instance where only one of several differs.
#[must_use]
pub fn path(change: &Change) -> String {
    match change.instance {
        Some(instance) => format!("[{instance}] {}", change.path),
        None => change.path.clone(),
    }
}

/// Says what a change does: `before → after`.
#[must_use]
pub fn difference(change: &Change) -> String {
    let (before, after) = sides(change, false);
    format!("{before} → {after}")
}

/// What stands for a value that sounds like a secret, until somebody asks for it.
pub const HIDDEN: &str = "•••";

/// Says what stands on either side of a change, in the words people use; what sounds like a secret only where it is
/// asked for.
#[must_use]
pub fn sides(change: &Change, revealed: bool) -> (String, String) {
    let name = change.path.strip_prefix("env.").unwrap_or_default();
    let hides = !revealed && !change.sensitive && is_secret_name(name);
    let side = |value: &Option<String>| match value {
        Some(value) if value.is_empty() => "\"\"".to_owned(),
        Some(_) if hides => HIDDEN.to_owned(),
        Some(value) => human::value(&change.path, value),
        None => "(none)".to_owned(),
    };
    (side(&change.before), side(&change.after))
}

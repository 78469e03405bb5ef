//! Actions of the file that began and are not over: where each stopped, and what can be done about it.

use crate::domain::flow::Mark;
use crate::domain::report::flows::{FlowStep, OpenFlow};
use crate::tui::keymap::action::{Action, Context};
use crate::tui::model::Model;
use crate::tui::others;
use crate::tui::rows::row::{Cell, Row, Subject};
use crate::tui::theme::Tone;
use crate::tui::tree::Node;

/// Computes the rows of all of them; none while a run goes on, or a past one is played again.
#[must_use]
pub fn node(model: &Model) -> Option<Node> {
    if model.replay.is_some() || model.running().is_some() {
        return None;
    }
    let flows = model.snapshot.status.as_ref()?.flows.as_slice();
    if flows.is_empty() {
        return None;
    }
    // While somebody else is at work, it may be going on.
    let held = others::holder(&model.snapshot).is_some();
    let run = model.snapshot.run.as_ref();
    let children = flows.iter().map(|flow| {
        // What the run on show tells of already is folded.
        let told = run.is_some_and(|run| run.actions.contains_key(&flow.address()));
        flow_node(flow, held, told)
    });
    let mut heading = Row::heading(format!("actions not over ({})", flows.len()));
    heading.symbol = Cell::new("!", Tone::Warn);
    let key = |action| model.key_in(Context::Run, action);
    let text = if held {
        "somebody else holds the lock, it may be going on".to_owned()
    } else {
        format!(
            "{} retry, {} skip, {} abort",
            key(Action::Retry),
            key(Action::Skip),
            key(Action::Abort)
        )
    };
    heading.remark = Cell::new(text, Tone::Key);
    Some(Node::leaf("#flows", heading).with(true, children.collect()))
}

fn flow_node(flow: &OpenFlow, held: bool, told: bool) -> Node {
    let address = flow.address();
    let (symbol, remark) = match flow.at() {
        Some(step) if step.mark.is_some() => (
            Cell::new("✗", Tone::Fail),
            Cell::new(format!("failed at {}", step.label), Tone::Fail),
        ),
        Some(step) if held => (
            Cell::new("◐", Tone::Busy),
            Cell::new(format!("at {}", step.label), Tone::Busy),
        ),
        Some(step) => (
            Cell::new("?", Tone::Warn),
            Cell::new(format!("stopped at {}", step.label), Tone::Warn),
        ),
        None => (
            Cell::new("✓", Tone::Ok),
            Cell::new("its steps are over, what follows them is not", Tone::Dim),
        ),
    };
    let row = Row {
        subject: Subject::Resource(address.clone()),
        symbol,
        label: address.to_string(),
        columns: vec![Cell::new(when(flow), Tone::Dim)],
        remark,
        ..Row::default()
    };
    let steps = flow.steps.iter().map(|step| step_node(flow, step));
    let open = flow.at().is_some() && !told;
    Node::leaf(address.to_string(), row).with(open, steps.collect())
}

/// Returns the words of `hook` and `mode`.
#[must_use]
pub fn when(flow: &OpenFlow) -> String {
    match flow.mode {
        Some(mode) => format!("{} {}", flow.occasion.as_str(), mode.as_str()),
        None => flow.occasion.as_str().to_owned(),
    }
}

fn step_node(flow: &OpenFlow, step: &FlowStep) -> Node {
    let address = flow.address();
    let id = address.step(None, &step.label);
    let (symbol, tone, remark) = match &step.mark {
        Some(Mark::Done) => ("✓", Tone::Ok, Cell::new(&step.detail, Tone::Dim)),
        Some(Mark::Failed) => ("✗", Tone::Fail, Cell::new(&step.detail, Tone::Dim)),
        Some(Mark::Skipped { reason, .. }) => (
            "»",
            Tone::Warn,
            Cell::new(format!("skipped: {reason}"), Tone::Warn),
        ),
        None => ("○", Tone::Dim, Cell::new(&step.detail, Tone::Dim)),
    };
    let row = Row {
        subject: Subject::Step(address, id.clone()),
        symbol: Cell::new(symbol, tone),
        label: step.label.clone(),
        tone: if step.mark.is_some() {
            Tone::Text
        } else {
            Tone::Dim
        },
        remark,
        ..Row::default()
    };
    Node::leaf(id.as_str(), row)
}

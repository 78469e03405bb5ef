//! The run as a tree: what failed first, then layer by layer, action by action, step by step.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::snapshot::{ActionView, RunView, Snapshot, StepView};
use crate::domain::event::StepOutcome;
use crate::domain::ids::{Address, StepId};
use crate::domain::plan::model::{Action, Plan};
use crate::domain::time::Wall;
use crate::tui::rows::course::{current_step, progress_text, steps_of};
use crate::tui::rows::plan::step_label;
use crate::tui::rows::row::{Cell, Row, Subject, Timer};
use crate::tui::theme::Tone;
use crate::tui::tree::Node;

/// Computes the tree of the run on show.
#[must_use]
pub fn nodes(snapshot: &Snapshot) -> Vec<Node> {
    let Some(run) = &snapshot.run else {
        return Vec::new();
    };
    match &run.plan {
        Some(plan) => planned(run, plan),
        None => run
            .actions
            .keys()
            .map(|address| action_node(&Known::of(run), address))
            .collect(),
    }
}

/// A run with its plan's actions by address, so that a look-up does not walk the plan.
struct Known<'a> {
    run: &'a RunView,
    actions: BTreeMap<&'a Address, &'a Action>,
    /// The first layer that has not ended.
    layer: usize,
}

impl<'a> Known<'a> {
    fn of(run: &'a RunView) -> Self {
        let plan = run.plan.as_deref();
        let actions = plan.map_or(&[][..], |plan| plan.actions.as_slice());
        let open = |action: &&Action| {
            let view = run.actions.get(&action.address);
            !action.is_noop() && view.is_none_or(|view| view.outcome.is_none())
        };
        Self {
            run,
            actions: actions.iter().map(|a| (&a.address, a)).collect(),
            layer: actions
                .iter()
                .filter(open)
                .map(|a| a.layer)
                .min()
                .unwrap_or(0),
        }
    }
}

fn planned(run: &RunView, plan: &Plan) -> Vec<Node> {
    let known = Known::of(run);
    let mut nodes = Vec::new();
    let working = || plan.actions.iter().filter(|action| !action.is_noop());
    let failed: Vec<Node> = working()
        .filter(|action| has_failed(run, &action.address))
        .map(|action| action_node(&known, &action.address))
        .collect();
    if !failed.is_empty() {
        let mut heading = Row::heading(format!("failed ({})", failed.len()));
        heading.tone = Tone::Fail;
        heading.symbol = Cell::new("✗", Tone::Fail);
        nodes.push(Node::leaf("#failed", heading).with(true, failed));
    }
    let mut layers: BTreeMap<usize, Vec<&Action>> = BTreeMap::new();
    for action in working() {
        layers.entry(action.layer).or_default().push(action);
    }
    for (layer, all) in layers {
        let (mut done, mut total) = (0, 0);
        let mut children = Vec::new();
        for action in all {
            total += 1;
            let outcome = run.actions.get(&action.address).and_then(|a| a.outcome);
            if outcome == Some(StepOutcome::Done) {
                done += 1;
            }
            if !has_failed(run, &action.address) {
                children.push(action_node(&known, &action.address));
            }
        }
        if children.is_empty() {
            continue;
        }
        let mut heading = Row::heading(format!("layer {layer}"));
        heading.symbol = if done == total {
            Cell::new("✓", Tone::Ok)
        } else {
            Cell::new(" ", Tone::Dim)
        };
        heading.remark = Cell::new(format!("{done} of {total} done"), Tone::Dim);
        nodes.push(Node::leaf(format!("layer {layer}"), heading).with(true, children));
    }
    nodes
}

fn has_failed(run: &RunView, address: &Address) -> bool {
    run.actions.get(address).is_some_and(|action| {
        matches!(
            action.outcome,
            Some(StepOutcome::Failed | StepOutcome::Unknown)
        )
    })
}

fn action_node(known: &Known<'_>, address: &Address) -> Node {
    let action = known.actions.get(address).copied();
    let run = known.run;
    let view = run.actions.get(address);
    let symbol = action_cell(view);
    let kind = view.map(|view| view.kind).or(action.map(|a| a.kind));
    let remark = match view {
        Some(view) => action_remark(run, address, view),
        None => waits(known, action),
    };
    let row = Row {
        subject: Subject::Resource(address.clone()),
        symbol,
        label: address.to_string(),
        tone: Tone::Text,
        columns: vec![Cell::new(kind.map_or("", |kind| kind.as_str()), Tone::Dim)],
        timer: view.map(|view| timer(view.started, view.finished)),
        remark,
    };
    let open = view.is_some_and(|view| {
        matches!(
            view.outcome,
            None | Some(StepOutcome::Failed | StepOutcome::Unknown)
        )
    });
    Node::leaf(address.to_string(), row).with(open, step_nodes(run, address, action))
}

fn action_remark(run: &RunView, address: &Address, view: &ActionView) -> Cell {
    let first_line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    match view.outcome {
        None => current_step(run, address).map_or_else(Cell::default, |(cell, _)| cell),
        Some(StepOutcome::Done) => Cell::default(),
        Some(StepOutcome::Skipped) => match &view.blame {
            Some(blame) => Cell::new(format!("skipped because of {blame}"), Tone::Warn),
            None => Cell::new("skipped", Tone::Warn),
        },
        Some(StepOutcome::Failed) => Cell::new(
            view.message
                .as_deref()
                .map_or_else(|| "failed".into(), first_line),
            Tone::Fail,
        ),
        Some(StepOutcome::Unknown) => Cell::new(
            view.message
                .as_deref()
                .map_or_else(|| "outcome unknown, the next run looks".into(), first_line),
            Tone::Fail,
        ),
    }
}

/// Says what an action that has not begun waits for.
fn waits(known: &Known<'_>, action: Option<&Action>) -> Cell {
    let run = known.run;
    let Some(action) = action else {
        return Cell::default();
    };
    if run.finished.is_some() {
        return Cell::new("not begun", Tone::Dim);
    }
    let open: Vec<String> = action
        .depends_on
        .iter()
        .filter(|address| {
            known
                .actions
                .get(address)
                .is_some_and(|dependency| !dependency.is_noop())
                && run
                    .actions
                    .get(address)
                    .is_none_or(|view| view.outcome.is_none())
        })
        .map(ToString::to_string)
        .collect();
    let what = if !open.is_empty() {
        open.join(", ")
    } else if action.layer > known.layer {
        format!("layer {}", known.layer)
    } else {
        "a free worker".to_owned()
    };
    Cell::new(format!("waits for {what}"), Tone::Dim)
}

fn step_nodes(run: &RunView, address: &Address, action: Option<&Action>) -> Vec<Node> {
    let over = run.finished.is_some();
    let planned = action.map_or(&[][..], |action| action.steps.as_slice());
    let mut nodes: Vec<Node> = planned
        .iter()
        .map(|step| {
            let label = step_label(step);
            let seen = SeenStep {
                view: run.steps.get(&step.id),
                detail: &step.detail,
                over,
            };
            step_node(address, &step.id, label, seen)
        })
        .collect();
    let known: BTreeSet<&StepId> = planned.iter().map(|step| &step.id).collect();
    nodes.extend(
        steps_of(run, address)
            .filter(|(id, _)| !known.contains(id))
            .map(|(id, view)| {
                let label = id.as_str().rsplit('/').next().unwrap_or_default();
                let seen = SeenStep {
                    view: Some(view),
                    detail: "",
                    over,
                };
                step_node(address, id, label.to_owned(), seen)
            }),
    );
    nodes
}

/// A step as the plan and the run know it.
#[derive(Clone, Copy)]
struct SeenStep<'a> {
    view: Option<&'a StepView>,
    detail: &'a str,
    /// Whether the run has ended.
    over: bool,
}

fn step_node(address: &Address, id: &StepId, label: String, seen: SeenStep<'_>) -> Node {
    let view = seen.view;
    let row = Row {
        subject: Subject::Step(address.clone(), id.clone()),
        symbol: step_cell(view),
        label,
        tone: if view.is_some() {
            Tone::Text
        } else {
            Tone::Dim
        },
        columns: Vec::new(),
        timer: view.and_then(|view| Some(timer(view.started?, view.finished))),
        remark: step_remark(seen),
    };
    Node::leaf(id.as_str(), row)
}

fn step_remark(seen: SeenStep<'_>) -> Cell {
    let SeenStep { view, detail, over } = seen;
    let Some(view) = view else {
        return Cell::new(detail, Tone::Dim);
    };
    if over && view.started.is_none() && view.outcome.is_none() {
        return Cell::new("not begun", Tone::Dim);
    }
    match view.outcome {
        Some(StepOutcome::Failed | StepOutcome::Unknown) => {
            let exit = view
                .exit_code
                .map_or_else(String::new, |code| format!("exit {code}  "));
            let message = view.message.as_deref().unwrap_or_default();
            let first = message.lines().next().unwrap_or_default();
            Cell::new(format!("{exit}{first}"), Tone::Fail)
        }
        Some(StepOutcome::Skipped) => Cell::new("skipped", Tone::Warn),
        Some(StepOutcome::Done) => Cell::new(detail, Tone::Dim),
        None if view.started.is_none() && !view.waits_for.is_empty() => Cell::new(
            format!("waits for {}", view.waits_for.join(", ")),
            Tone::Dim,
        ),
        None => match &view.progress {
            Some(progress) => Cell::new(progress_text(progress), Tone::Busy),
            None if view.attempt > 1 => {
                Cell::new(format!("attempt {}  {detail}", view.attempt), Tone::Warn)
            }
            None => Cell::new(detail, Tone::Dim),
        },
    }
}

fn timer(started: Wall, finished: Option<Wall>) -> Timer {
    match finished {
        Some(finished) => Timer::Took(started, finished),
        None => Timer::Since(started),
    }
}

/// Returns the symbol of an action.
#[must_use]
pub fn action_cell(view: Option<&ActionView>) -> Cell {
    match view {
        None => Cell::new("○", Tone::Dim),
        Some(view) => outcome_cell(view.outcome),
    }
}

fn step_cell(view: Option<&StepView>) -> Cell {
    match view {
        Some(view) if view.started.is_some() || view.outcome.is_some() => {
            outcome_cell(view.outcome)
        }
        Some(_) | None => Cell::new("○", Tone::Dim),
    }
}

fn outcome_cell(outcome: Option<StepOutcome>) -> Cell {
    match outcome {
        None => Cell::new("◐", Tone::Busy),
        Some(StepOutcome::Done) => Cell::new("✓", Tone::Ok),
        Some(StepOutcome::Failed) => Cell::new("✗", Tone::Fail),
        Some(StepOutcome::Skipped) => Cell::new("»", Tone::Warn),
        Some(StepOutcome::Unknown) => Cell::new("?", Tone::Fail),
    }
}

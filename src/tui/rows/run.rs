//! The run as a tree: what failed first with its last words, then layer by layer; within a layer what runs comes
//! first, and only what is done is folded.

use std::collections::BTreeMap;

use crate::domain::event::StepOutcome;
use crate::domain::history::view::RunView;
use crate::domain::ids::{Address, ResourceKind, StepId};
use crate::domain::plan::model::{Action, Plan};
use crate::domain::project::project::Project;
use crate::domain::report::Usual;
use crate::tui::blocked::Blocks;
use crate::tui::logs::store::Store;
use crate::tui::rows::row::{Cell, Row, Subject};
use crate::tui::rows::steps::action_node;
use crate::tui::theme::Tone;
use crate::tui::tree::Node;

/// How many of the last lines of a failed step stand below it, and for how many steps.
const LAST_WORDS: (usize, usize) = (4, 6);
/// How many lines are looked at for them, from the last one on.
const LOOKED_AT: u64 = 4_000;

/// What is known besides a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    /// The project, for what a plan does not tell of its actions.
    pub project: Option<&'a Project>,
    /// How long steps usually took.
    pub usual: Option<&'a Usual>,
    /// What its steps wrote, where that is at hand.
    pub output: Option<&'a Store>,
    /// The key that opens all of that.
    pub key: &'a str,
}

/// Computes the tree of a run.
#[must_use]
pub fn nodes(run: Option<&RunView>, beside: Beside<'_>) -> Vec<Node> {
    let Some(run) = run else {
        return Vec::new();
    };
    let known = Known::of(run, beside);
    match &run.plan {
        Some(plan) => planned(&known, plan),
        None => run
            .actions
            .keys()
            .map(|address| action_node(&known, address))
            .collect(),
    }
}

/// Opens what lies above the services: over time every one of them has its bar, also when all is done.
pub fn spread(nodes: &mut [Node]) {
    for node in nodes {
        let above = node
            .children
            .iter()
            .any(|child| matches!(child.row.subject, Subject::Resource(_)));
        node.open |= above;
    }
}

/// A run with its plan's actions by address, so that a look-up does not walk the plan.
pub(super) struct Known<'a> {
    pub(super) run: &'a RunView,
    pub(super) actions: BTreeMap<&'a Address, &'a Action>,
    /// The first layer that has not ended.
    pub(super) layer: usize,
    pub(super) usual: Option<&'a Usual>,
    /// What waits for what, while the run goes on.
    pub(super) blocks: Option<Blocks<'a>>,
    /// Failed steps, and the last lines of the first of them.
    pub(super) last_words: BTreeMap<&'a StepId, Vec<String>>,
    /// The key that opens the whole output.
    pub(super) key: &'a str,
    project: Option<&'a Project>,
}

impl<'a> Known<'a> {
    fn of(run: &'a RunView, beside: Beside<'a>) -> Self {
        let Beside {
            project,
            usual,
            output,
            key,
        } = beside;
        let plan = run.plan.as_deref();
        let actions = plan.map_or(&[][..], |plan| plan.actions.as_slice());
        let open = |action: &&Action| {
            let view = run.actions.get(&action.address);
            !action.is_noop() && view.is_none_or(|view| view.outcome.is_none())
        };
        Self {
            run,
            usual,
            key,
            project,
            blocks: Blocks::within(run, None, usual),
            last_words: last_words(run, output),
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

fn planned(known: &Known<'_>, plan: &Plan) -> Vec<Node> {
    let run = known.run;
    let mut nodes = Vec::new();
    let working = || plan.actions.iter().filter(|action| !action.is_noop());
    let failed: Vec<Node> = working()
        .filter(|action| has_failed(run, &action.address))
        .map(|action| action_node(known, &action.address))
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
    nodes.extend(
        layers
            .into_iter()
            .filter_map(|(layer, actions)| layer_node(known, layer, actions)),
    );
    nodes
}

/// A layer without what failed; `None` when nothing else is in it.
fn layer_node(known: &Known<'_>, layer: usize, mut actions: Vec<&Action>) -> Option<Node> {
    let run = known.run;
    let total = actions.len();
    let outcome = |action: &Action| run.actions.get(&action.address).and_then(|a| a.outcome);
    let done = actions
        .iter()
        .filter(|action| outcome(action) == Some(StepOutcome::Done))
        .count();
    actions.retain(|action| !has_failed(run, &action.address));
    let open = actions.iter().any(|action| outcome(action).is_none());
    actions.sort_by_key(|action| match run.actions.get(&action.address) {
        Some(view) if view.outcome.is_none() => 0,
        None => 1,
        Some(_) => 2,
    });
    if actions.is_empty() {
        return None;
    }
    let title = match modes(known.project, &actions) {
        Some(word) => format!("layer {layer}, {word}"),
        None => format!("layer {layer}"),
    };
    let mut heading = Row::heading(title);
    let warned = actions.iter().any(|action| {
        run.steps_of(&action.address)
            .any(|(_, step)| is_bad(step.outcome))
    });
    heading.symbol = if warned {
        Cell::new("!", Tone::Warn)
    } else if done == total {
        Cell::new("✓", Tone::Ok)
    } else if run.finished.is_none() && layer == known.layer {
        Cell::new("◐", Tone::Busy)
    } else {
        Cell::new("○", Tone::Dim)
    };
    heading.remark = Cell::new(format!("{done} of {total} done"), Tone::Dim);
    let children = actions
        .iter()
        .map(|action| action_node(known, &action.address))
        .collect();
    // What was skipped is no news a layer further down, but it is not done either.
    let open = (open && run.finished.is_none()) || done != total || warned;
    Some(Node::leaf(format!("layer {layer}"), heading).with(open, children))
}

/// Says what the actions of the file in a layer are there for: `pre actions`; `None` where it has anything else.
fn modes(project: Option<&Project>, actions: &[&Action]) -> Option<String> {
    let first = actions.first()?;
    if actions
        .iter()
        .any(|action| action.address.kind != ResourceKind::Procedure)
    {
        return None;
    }
    Some(match project?.procedure(&first.address.name) {
        Some(own) => match own.mode {
            Some(mode) => format!("{} {} actions", own.occasion.as_str(), mode.as_str()),
            None => "actions".to_owned(),
        },
        // No action of the file has this name: it lets run again what they stopped.
        None => "actions".to_owned(),
    })
}

/// The last lines of the steps that failed, the first of them; output is walked once.
fn last_words<'a>(run: &'a RunView, output: Option<&Store>) -> BTreeMap<&'a StepId, Vec<String>> {
    let (each, steps) = LAST_WORDS;
    let mut words: BTreeMap<&StepId, Vec<String>> = run
        .steps
        .iter()
        .filter(|(_, view)| is_bad(view.outcome))
        .take(steps)
        .map(|(id, _)| (id, Vec::new()))
        .collect();
    let Some(output) = output else {
        return words;
    };
    let mut wanted = words.len();
    let end = output.end();
    for number in (end.saturating_sub(LOOKED_AT)..end).rev() {
        if wanted == 0 {
            break;
        }
        let Some(line) = output.line(number) else {
            continue;
        };
        let source = output.sources().get(usize::from(line.source));
        let step = source.map(|source| StepId::new(source.as_str()));
        let found = step.and_then(|step| words.get_mut(&step));
        if let Some(lines) = found.filter(|lines| lines.len() < each) {
            lines.push(line.text.to_owned());
            wanted -= usize::from(lines.len() == each);
        }
    }
    words
}

/// Tells whether something failed, or ended nobody knows how.
pub(super) fn is_bad(outcome: Option<StepOutcome>) -> bool {
    matches!(outcome, Some(StepOutcome::Failed | StepOutcome::Unknown))
}

fn has_failed(run: &RunView, address: &Address) -> bool {
    run.actions
        .get(address)
        .is_some_and(|action| is_bad(action.outcome))
}

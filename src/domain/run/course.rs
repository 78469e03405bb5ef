//! Where each action and step of a run stands.
//!
//! Plain bookkeeping behind [`Machine`](crate::domain::run::machine::Machine): indices instead of ids, counters
//! instead of searches, so that ten thousand actions cost ten thousand small moves.

use std::collections::BTreeMap;

use crate::domain::event::StepOutcome;
use crate::domain::ids::{Address, StepId};
use crate::domain::plan::model::{Plan, Step, StepKind};
use crate::domain::run::retry::Guide;
use crate::domain::time::Boot;

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepState {
    /// So many steps of its action have to be done before.
    Waiting(usize),
    /// It may begin as soon as a worker is free.
    Ready { attempt: u32 },
    /// It is under way.
    Running { attempt: u32, since: Boot },
    /// It failed and is tried again.
    Sleeping { attempt: u32, until: Boot },
    /// It is over.
    Over(StepOutcome),
}

/// One step of the run.
#[derive(Clone, Debug)]
pub(super) struct StepRun {
    /// Where it stands.
    pub(super) state: StepState,
    /// Steps of the same action that need this one.
    pub(super) needed_by: Vec<usize>,
    /// Whether it only waits, and so takes no worker.
    pub(super) waits: bool,
    /// Whether it is part of starting the wanted instances.
    pub(super) starts: bool,
    /// How often it was issued again because it certainly had not happened.
    pub(super) lost: u32,
    /// What went wrong last.
    pub(super) message: Option<String>,
    /// Whether the remark that it waits for a worker was made.
    pub(super) queued: bool,
}

/// What an action waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// Index of the action.
    pub(super) on: usize,
    /// Its failure only warns.
    pub(super) optional: bool,
    /// Having started is enough.
    pub(super) started: bool,
}

/// Where an action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ActionState {
    /// It waits for its layer or for so many other actions.
    Waiting,
    /// It may begin.
    Begun { since: Option<Boot> },
    /// It is over.
    Over(StepOutcome),
}

/// One action of the run.
#[derive(Clone, Debug)]
pub(super) struct ActionRun {
    /// Where it stands.
    pub(super) state: ActionState,
    /// Whether there is nothing to do.
    pub(super) noop: bool,
    /// Its layer.
    pub(super) layer: usize,
    /// What it waits for, by address.
    pub(super) edges: Vec<Edge>,
    /// How many of those are not decided yet.
    pub(super) undecided: usize,
    /// Actions that wait for this one: index, and whether its start is enough.
    pub(super) dependents: Vec<(usize, bool)>,
    /// Its steps.
    pub(super) steps: Vec<StepRun>,
    /// Steps that are not over.
    pub(super) open: usize,
    /// Whether "it has started" was told to the dependents.
    pub(super) start_told: bool,
    /// Who is to blame for a skip.
    pub(super) blame: Option<Address>,
}

impl ActionRun {
    /// Tells whether every step that starts a wanted instance is done.
    pub(super) fn has_started(&self) -> bool {
        self.steps
            .iter()
            .filter(|step| step.starts)
            .all(|step| step.state == StepState::Over(StepOutcome::Done))
    }
    /// Returns the end of the action, if it is over.
    pub(super) fn end(&self) -> Option<StepOutcome> {
        match self.state {
            ActionState::Over(outcome) => Some(outcome),
            ActionState::Waiting | ActionState::Begun { .. } => None,
        }
    }
}

/// Lays out the actions of a plan.
pub(super) fn lay_out(plan: &Plan, guide: &Guide) -> Vec<ActionRun> {
    let index: BTreeMap<&Address, usize> = plan
        .actions
        .iter()
        .enumerate()
        .map(|(i, action)| (&action.address, i))
        .collect();
    let mut runs: Vec<ActionRun> = plan
        .actions
        .iter()
        .map(|action| {
            let edges: Vec<Edge> = action
                .depends_on
                .iter()
                .filter_map(|address| {
                    let on = *index.get(address)?;
                    Some(Edge {
                        on,
                        optional: action.optional.contains(address),
                        started: guide
                            .started
                            .contains(&(action.address.clone(), address.clone())),
                    })
                })
                .collect();
            ActionRun {
                state: if action.is_noop() {
                    ActionState::Over(StepOutcome::Done)
                } else {
                    ActionState::Waiting
                },
                noop: action.is_noop(),
                layer: action.layer,
                undecided: 0,
                edges,
                dependents: Vec::new(),
                steps: lay_out_steps(&action.steps),
                open: action.steps.len(),
                start_told: false,
                blame: None,
            }
        })
        .collect();
    link(&mut runs);
    runs
}

fn link(runs: &mut [ActionRun]) {
    let mut links = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        for edge in &run.edges {
            if runs.get(edge.on).is_some_and(|on| !on.noop) && !run.noop {
                links.push((i, *edge));
            }
        }
    }
    for (i, edge) in links {
        if let Some(on) = runs.get_mut(edge.on) {
            on.dependents.push((i, edge.started));
        }
        if let Some(run) = runs.get_mut(i) {
            run.undecided += 1;
        }
    }
}

fn lay_out_steps(steps: &[Step]) -> Vec<StepRun> {
    let index: BTreeMap<&StepId, usize> = steps
        .iter()
        .enumerate()
        .map(|(i, step)| (&step.id, i))
        .collect();
    let mut runs: Vec<StepRun> = steps
        .iter()
        .map(|step| StepRun {
            state: StepState::Waiting(0),
            needed_by: Vec::new(),
            waits: waits(&step.kind),
            starts: !step.old && starts(&step.kind),
            lost: 0,
            message: None,
            queued: false,
        })
        .collect();
    for (i, step) in steps.iter().enumerate() {
        let needs: Vec<usize> = step
            .needs
            .iter()
            .filter_map(|id| index.get(id).copied())
            .collect();
        if let Some(run) = runs.get_mut(i) {
            run.state = StepState::Waiting(needs.len());
        }
        for need in needs {
            if let Some(run) = runs.get_mut(need) {
                run.needed_by.push(i);
            }
        }
    }
    runs
}

/// Tells whether a step only waits for the world.
fn waits(kind: &StepKind) -> bool {
    matches!(kind, StepKind::Health | StepKind::Complete)
}

/// Tells whether an instance has not started before this step is done.
fn starts(kind: &StepKind) -> bool {
    matches!(
        kind,
        StepKind::Create | StepKind::Start | StepKind::OpenGate | StepKind::Unpause
    )
}

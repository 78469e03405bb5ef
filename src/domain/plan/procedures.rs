//! Procedures in a plan: which of them a deploy or an operator's wish is about, and where they stand.
//!
//! `pre` and `core` come before all resources, one after another, `post` after everything; a procedure that is part
//! of a deploy goes on at its first step that is not over. What was stopped or scaled is put back by steps of the
//! plan like everything else: before `post`, which finds all services as the file wants them, and at the end.

mod put_back;
pub mod refusal;
pub mod standing;
mod steps;

use std::collections::BTreeSet;

use crate::domain::flow::Turn;
use crate::domain::ids::{Address, ResourceKind};
use crate::domain::model::path;
use crate::domain::plan::build::PlanInput;
use crate::domain::plan::model::{
    Action, ActionKind, Cause, Change, PlanWarning, Purpose, Strategy,
};
use crate::domain::plan::procedures::put_back::{every, held, put_back, ran};
use crate::domain::plan::procedures::refusal::missing_inputs;
use crate::domain::plan::procedures::standing::due;
use crate::domain::plan::procedures::steps::{action, cleaning};
use crate::domain::project::procedure::{Mode, Occasion, Procedure};

/// Why an input that is not required needs a value all the same.
pub const AGAIN: &str = " (secret, given before and kept nowhere)";

/// Layers, actions and remarks of a plan.
pub(super) struct Placed {
    pub(super) layers: Vec<Vec<Address>>,
    pub(super) actions: Vec<Action>,
    pub(super) warnings: Vec<PlanWarning>,
}

/// Adds the procedures a plan is about to its resources.
pub(super) fn add(input: &PlanInput<'_>, mut placed: Placed) -> Placed {
    let project = input.project;
    let request = input.request;
    if project.procedures.is_empty() {
        return placed;
    }
    let whole = request.targets.is_empty();
    if whole && matches!(request.purpose, Purpose::Deploy | Purpose::Restore) {
        hold(&mut placed, input);
    }
    let (before, after) = match request.purpose {
        Purpose::Act => of_wish(input),
        Purpose::Deploy => {
            let Some((occasion, purpose)) = due(project, input.record) else {
                return placed;
            };
            let of = |procedure: &&Procedure| procedure.occasion == occasion;
            if !project.procedures.iter().any(|one| of(&one)) {
                return placed;
            }
            if !whole {
                placed.warnings.push(PlanWarning {
                    address: None,
                    text: format!(
                        "{} actions run with a deploy of everything, not with chosen services",
                        occasion.as_str()
                    ),
                    blocks: false,
                });
                placed.warnings.sort();
                return placed;
            }
            of_deploy(input, occasion, &purpose)
        }
        Purpose::Restore | Purpose::Destroy | Purpose::Clean => return placed,
    };
    insert(&mut placed, before, after);
    for (procedure, one) in missing_inputs(project, &placed.actions) {
        let why = if one.required { "" } else { AGAIN };
        let name = &one.name;
        placed.warnings.push(PlanWarning {
            address: Some(procedure.address()),
            text: format!("its input {name} has no value yet{why}: --input {name}=VALUE"),
            blocks: false,
        });
    }
    placed.warnings.sort();
    placed
}

/// What comes before all resources, and after them.
type Parts = (Vec<Action>, Vec<Action>);

/// What finished steps of unfinished flows stopped on purpose stays so until they go on: it has not drifted.
fn hold(placed: &mut Placed, input: &PlanInput<'_>) {
    let held = held(input);
    for action in &mut placed.actions {
        let left = held.get(action.address.name.as_str());
        let Some(left) = left.filter(|_| action.address.kind == ResourceKind::Service) else {
            continue;
        };
        // Anything else is its own to mend, and no longer only what the step left behind.
        let only_stopped = action
            .changes
            .iter()
            .all(|one| is_stopped(one, left.running));
        if action.strategy != Strategy::Start || !only_stopped {
            continue;
        }
        action.kind = ActionKind::Noop;
        action.strategy = Strategy::None;
        action.reason = format!("stopped by action {}", left.by.name);
        action.changes.clear();
        action.steps.clear();
        if left.by.occasion == Occasion::Manual {
            placed.warnings.push(PlanWarning {
                address: Some(action.address.clone()),
                text: format!(
                    "stays stopped until action {} goes on or is given up",
                    left.by.name
                ),
                blocks: false,
            });
        }
    }
    placed.warnings.sort();
}

/// Tells whether a difference is that an instance behind the first `running` has ended, and nothing else.
fn is_stopped(change: &Change, running: u32) -> bool {
    let ended = change
        .before
        .as_deref()
        .is_some_and(|b| b.starts_with("exited"));
    let behind = change.instance.is_none_or(|instance| instance.0 >= running);
    change.cause == Cause::Drift && change.path == path::STATUS && ended && behind
}

/// The procedures of a setup or upgrade, in the order of their modes and of the file.
fn of_deploy(input: &PlanInput<'_>, occasion: Occasion, purpose: &str) -> Parts {
    let ours = |mode: Mode| {
        let all = input.project.procedures.iter();
        all.filter(move |one| one.occasion == occasion && one.mode == Some(mode))
    };
    let flow = |name: &str| {
        let flow = input.record.and_then(|record| record.flows.get(name));
        flow.filter(|flow| flow.purpose == purpose)
    };
    let act = |one: &Procedure| action(input, one, (flow(&one.name), purpose));
    let front = || ours(Mode::Pre).chain(ours(Mode::Core));
    let runs_again = put_back(input, Procedure::PUT_BACK, every(front()));
    let at_the_end = put_back(input, Procedure::PUT_BACK_POST, every(ours(Mode::Post)));
    let after = runs_again
        .into_iter()
        .chain(ours(Mode::Post).map(act))
        .chain(at_the_end);
    (front().map(act).collect(), after.collect())
}

/// What one asked for: a manual procedure, or the clean-up of any.
fn of_wish(input: &PlanInput<'_>) -> Parts {
    let request = input.request;
    let name = request.targets.first();
    let Some(procedure) = name.and_then(|name| input.project.procedure(name)) else {
        return (Vec::new(), Vec::new());
    };
    let recorded = input.record.and_then(|r| r.flows.get(&procedure.name));
    if request.flow.turn == Turn::Abort {
        return clean_up(input, procedure);
    }
    let flow = recorded.filter(|_| request.flow.turn != Turn::Fresh);
    let purpose = "asked for";
    let back = put_back(input, Procedure::PUT_BACK, every([procedure].into_iter()));
    (
        vec![action(input, procedure, (flow, purpose))],
        back.into_iter().collect(),
    )
}

fn clean_up<'a>(input: &PlanInput<'a>, procedure: &'a Procedure) -> Parts {
    let all = |occasion: Occasion| {
        let all = input.project.procedures.iter();
        all.filter(move |one| one.occasion == occasion)
    };
    if procedure.occasion == Occasion::Manual {
        let ran = ran(input, [procedure].into_iter(), |_, step| step.cleanup);
        let back = put_back(input, Procedure::PUT_BACK, ran);
        let own = cleaning(input, procedure, |step| step.cleanup);
        return (vec![own], back.into_iter().collect());
    }
    // As after a deploy: who cleans up finds all services as the file wants them.
    let is_post = |one: &&Procedure| one.mode == Some(Mode::Post);
    let front = all(procedure.occasion).filter(|one| !is_post(one));
    let runs_again = put_back(input, Procedure::PUT_BACK, ran(input, front, |_, _| false));
    let marked = all(procedure.occasion).filter(|one| one.cleanup);
    let post = all(procedure.occasion).filter(is_post);
    let post = ran(input, post, |one, _| one.cleanup);
    let at_the_end = put_back(input, Procedure::PUT_BACK_POST, post);
    let clean = marked.map(|one| cleaning(input, one, |_| true));
    (
        runs_again.into_iter().chain(clean).collect(),
        at_the_end.into_iter().collect(),
    )
}

/// Puts procedures into layers of their own around the resources, one after another.
fn insert(placed: &mut Placed, before: Vec<Action>, after: Vec<Action>) {
    let shift = before.len();
    let mut last: Option<Address> = None;
    let mut front = Vec::new();
    for (layer, mut action) in before.into_iter().enumerate() {
        action.layer = layer;
        follow(&mut action, &mut last);
        front.push(action);
    }
    for action in &mut placed.actions {
        action.layer += shift;
        if !action.is_noop() {
            action.depends_on.extend(last.clone());
        }
    }
    let resources: BTreeSet<Address> = placed
        .actions
        .iter()
        .filter(|action| !action.is_noop())
        .map(|action| action.address.clone())
        .collect();
    let first = shift + placed.layers.len();
    let mut back = Vec::new();
    for (index, mut action) in after.into_iter().enumerate() {
        action.layer = first + index;
        action.depends_on.extend(resources.iter().cloned());
        follow(&mut action, &mut last);
        back.push(action);
    }
    let layers = |actions: &[Action]| -> Vec<Vec<Address>> {
        let addresses = actions.iter().map(|action| vec![action.address.clone()]);
        addresses.collect()
    };
    placed.layers.splice(0..0, layers(&front));
    placed.layers.extend(layers(&back));
    placed.actions.splice(0..0, front);
    placed.actions.extend(back);
}

fn follow(action: &mut Action, last: &mut Option<Address>) {
    if action.is_noop() {
        return;
    }
    action.depends_on.extend(last.take());
    *last = Some(action.address.clone());
}

//! Freshness: a plan in a question turns stale by itself when what it rests on moves, and is made anew.
//!
//! What is confirmed is always what was read: when the new plan does the same, it takes the old one's place
//! without a word; when it does something else, the question is asked again from the start. The session makes only the
//! plan of a deploy of everything by itself: one for anything else is made again before it is said to differ.

use std::sync::Arc;

use crate::app::failure::Failure;
use crate::domain::flow::FlowRequest;
use crate::domain::ids::PlanId;
use crate::domain::plan::model::{ActionKind, Plan, PlanRequest, Purpose};
use crate::domain::time::Wall;
use crate::tui::effect::{Effect, Wish};
use crate::tui::model::{Model, Overlay};
use crate::tui::overlay::{Basis, Dialog, Question, Stake};
use crate::tui::theme::Tone;
use crate::tui::update::{acts, flows};

/// How long a changed plan is on the screen at least before it can be agreed to, in milliseconds.
const READ: i64 = 1_500;

/// What becomes of an open question.
enum Fate {
    Stays,
    Stale(String),
    Same(Arc<Plan>),
    Other,
    Unknown(PlanId),
}

/// Looks whether the plans in open questions still fit.
pub fn look(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut index = 0;
    while let Some(overlay) = model.overlays.get(index) {
        let Some((request, plan, basis)) = in_question(overlay) else {
            index += 1;
            continue;
        };
        match judge(model, request, plan, basis) {
            Fate::Stays => {}
            Fate::Stale(why) => change(model, index, |_, basis| basis.stale = Some(why)),
            Fate::Same(new) => change(model, index, |plan, basis| {
                basis.of = Some(new.id.clone());
                basis.stale = None;
                *plan = new;
            }),
            Fate::Unknown(of) => {
                let request = request.clone();
                change(model, index, |_, basis| {
                    basis.of = Some(of);
                    basis.again = true;
                });
                // Whatever was asked before was asked too early.
                model.tickets.retain(|_, wish| *wish != Wish::Again);
                effects.push(acts::plan(request, Wish::Again));
            }
            Fate::Other => {
                let request = request.clone();
                close(model, index);
                effects.extend(acts::ask(model, request));
                say_so(model);
                return effects;
            }
        }
        index += 1;
    }
    effects
}

/// Takes the plan of an open question that was made again; it is asked about anew only if it does something else.
pub fn compared(model: &mut Model, new: Arc<Plan>) -> Vec<Effect> {
    let Some(index) = waiting(model) else {
        return Vec::new();
    };
    let asked = model.overlays.get(index).and_then(in_question);
    let Some((request, plan, _)) = asked else {
        return Vec::new();
    };
    if does_the_same(plan, &new) {
        change(model, index, |plan, basis| {
            basis.again = false;
            basis.stale = None;
            *plan = new;
        });
        // What it rests on may have moved once more.
        return look(model);
    }
    let request = request.clone();
    close(model, index);
    flows::offer(model, request, new);
    say_so(model);
    Vec::new()
}

/// Says in the place of a question why its plan could not be made again.
pub fn failed(model: &mut Model, failure: Failure) {
    if let Some(index) = waiting(model) {
        let dialog = Dialog::new(Question::Failed(failure), model.now);
        model.overlays.remove(index);
        model.overlays.push(Overlay::Dialog(Box::new(dialog)));
    }
}

/// Finds the question whose plan is being made again.
fn waiting(model: &Model) -> Option<usize> {
    let again = |overlay| in_question(overlay).is_some_and(|(_, _, basis)| basis.again);
    model.overlays.iter().position(again)
}

fn close(model: &mut Model, index: usize) {
    model.overlays.remove(index);
    model.toast(
        "the plan changed while the question was open; read it again",
        Tone::Warn,
    );
}

/// The new question says that it is one, and takes no answer before it can have been read.
fn say_so(model: &mut Model) {
    match model.overlays.last_mut() {
        Some(Overlay::Dialog(dialog)) => {
            if let Question::Approve {
                plan: Some(_),
                basis,
                ..
            } = &mut dialog.question
            {
                basis.changed = true;
                dialog.opened = Wall(model.now.0.saturating_add(READ));
            }
        }
        Some(Overlay::Typed(typed)) => {
            if let Stake::Run { basis, .. } = &mut typed.stake {
                basis.changed = true;
            }
        }
        _ => {}
    }
}

fn in_question(overlay: &Overlay) -> Option<(&PlanRequest, &Arc<Plan>, &Basis)> {
    match overlay {
        Overlay::Dialog(dialog) => match &dialog.question {
            Question::Approve {
                request,
                plan: Some(plan),
                basis,
            } => Some((request, plan, basis)),
            Question::Approve { plan: None, .. }
            | Question::Stop(_)
            | Question::Leave
            | Question::Unlock(_)
            | Question::Failed(_)
            | Question::Refused { .. } => None,
        },
        Overlay::Typed(typed) => match &typed.stake {
            Stake::Run {
                request,
                plan,
                basis,
            } => Some((request, plan, basis)),
            Stake::Lock(_) | Stake::Drift(..) | Stake::Inputs { .. } | Stake::Skip(_) => None,
        },
        Overlay::Help { .. }
        | Overlay::Palette(_)
        | Overlay::Filter
        | Overlay::Logs(_)
        | Overlay::Deeds { .. } => None,
    }
}

fn judge(model: &Model, request: &PlanRequest, plan: &Arc<Plan>, basis: &Basis) -> Fate {
    if let Some(why) = &model.snapshot.plan_stale {
        return if basis.stale.as_ref() == Some(why) {
            Fate::Stays
        } else {
            Fate::Stale(why.clone())
        };
    }
    let Some(now) = &model.snapshot.plan else {
        return Fate::Stays;
    };
    if basis.again || (basis.of.as_ref() == Some(&now.id) && basis.stale.is_none()) {
        return Fate::Stays;
    }
    let whole = request.purpose == Purpose::Deploy
        && request.targets.is_empty()
        && request.flow == FlowRequest::default();
    if whole && does_the_same(plan, now) {
        Fate::Same(Arc::clone(now))
    } else if basis.of.as_ref() == Some(&now.id) {
        // What made it stale went away again.
        Fate::Same(Arc::clone(plan))
    } else if whole {
        Fate::Other
    } else {
        Fate::Unknown(now.id.clone())
    }
}

/// Tells whether two plans do the same to the same resources, for whatever live values.
fn does_the_same(one: &Plan, other: &Plan) -> bool {
    let acts = |plan: &Plan| -> Vec<_> {
        plan.actions
            .iter()
            .filter(|action| !action.is_noop())
            .map(|action| {
                let paths: Vec<_> = action
                    .changes
                    .iter()
                    .map(|change| (change.path.clone(), change.after.clone(), change.cause))
                    .collect();
                (
                    action.address.clone(),
                    action.kind,
                    action.strategy,
                    paths,
                    action
                        .steps
                        .iter()
                        .map(|step| step.id.clone())
                        .collect::<Vec<_>>(),
                )
            })
            .collect()
    };
    // What the steps of a procedure do stands in the file alone.
    let runs = |plan: &Plan| plan.actions.iter().any(|one| one.kind == ActionKind::Run);
    acts(one) == acts(other)
        && one.destructive() == other.destructive()
        && (!runs(one) || one.config_hash == other.config_hash)
}

fn change(model: &mut Model, index: usize, with: impl FnOnce(&mut Arc<Plan>, &mut Basis)) {
    match model.overlays.get_mut(index) {
        Some(Overlay::Dialog(dialog)) => {
            if let Question::Approve {
                plan: Some(plan),
                basis,
                ..
            } = &mut dialog.question
            {
                with(plan, basis);
            }
        }
        Some(Overlay::Typed(typed)) => {
            if let Stake::Run { plan, basis, .. } = &mut typed.stake {
                with(plan, basis);
            }
        }
        _ => {}
    }
}

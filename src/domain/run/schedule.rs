//! Which actions and steps begin when: layers, dependencies, workers, and the end of it all.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::event::{EventKind, StepOutcome};
use crate::domain::ids::Address;
use crate::domain::plan::model::Action;
use crate::domain::run::course::{ActionState, StepState};
use crate::domain::run::machine::Machine;
use crate::domain::run::options::Schedule;
use crate::domain::run::order::{EventDraft, Order, StepRef, Turn};
use crate::domain::time::Boot;

impl Machine {
    /// Begins whatever may begin, until nothing more follows.
    pub(super) fn advance(&mut self, now: Boot, turn: &mut Turn) {
        loop {
            if self.halt.is_some() {
                self.stop_everything(now, turn);
            }
            let Some(action) = self.next_startable() else {
                break;
            };
            self.startable.pop_first();
            self.judge(action, now, turn);
        }
        self.dispatch(now, turn);
        let stuck = self.running.is_empty() && self.sleeping.is_empty() && self.ready.is_empty();
        if stuck && self.open_actions > 0 {
            self.break_knot(turn);
        }
        if stuck && self.open_actions == 0 && !self.finished {
            self.finished = true;
            turn.orders.push(Order::Finish(Box::new(self.result())));
        }
    }

    /// Returns the next action whose layer is open.
    fn next_startable(&self) -> Option<usize> {
        let (layer, first) = self.startable.first().copied()?;
        match self.options.schedule {
            Schedule::Eager => Some(first),
            Schedule::Layered => {
                let open = self.layers.keys().next().copied()?;
                (layer <= open).then_some(first)
            }
        }
    }

    /// Starts an action, or skips it because of what it depends on.
    fn judge(&mut self, index: usize, now: Boot, turn: &mut Turn) {
        let plan = Arc::clone(&self.plan);
        let Some(action) = plan.actions.get(index) else {
            return;
        };
        self.tell_layer(action.layer, turn);
        let mut blame = None;
        let edges = self
            .actions
            .get(index)
            .map(|run| run.edges.clone())
            .unwrap_or_default();
        for edge in edges {
            let Some((on, other)) = self.actions.get(edge.on).zip(plan.actions.get(edge.on)) else {
                continue;
            };
            let met = on.end() == Some(StepOutcome::Done)
                || on.noop
                || (edge.started && on.has_started());
            if met {
                continue;
            }
            if edge.optional {
                let text = format!(
                    "{} goes on without {}, which is not required",
                    action.address, other.address
                );
                turn.events.push(EventDraft::about(
                    &action.address,
                    EventKind::Warning { text },
                ));
            } else if blame.is_none() {
                blame = Some(on.blame.clone().unwrap_or_else(|| other.address.clone()));
            }
        }
        match blame {
            Some(blame) => self.skip(index, Some(blame), turn),
            None => self.begin_action(index, action, now, turn),
        }
    }

    fn tell_layer(&mut self, layer: usize, turn: &mut Turn) {
        if self.options.schedule == Schedule::Eager || self.layer_told >= Some(layer) {
            return;
        }
        self.layer_told = Some(layer);
        let addresses = self
            .plan
            .actions
            .iter()
            .filter(|action| action.layer == layer && !action.is_noop())
            .map(|action| action.address.clone())
            .collect();
        turn.events.push(EventDraft::run(EventKind::LayerStarted {
            layer,
            addresses,
        }));
    }

    fn begin_action(&mut self, index: usize, action: &Action, now: Boot, turn: &mut Turn) {
        let Some(run) = self.actions.get_mut(index) else {
            return;
        };
        run.state = ActionState::Begun { since: None };
        let mut free = Vec::new();
        for (step, run) in run.steps.iter_mut().enumerate() {
            if run.state == StepState::Waiting(0) {
                run.state = StepState::Ready { attempt: 1 };
                free.push(StepRef {
                    action: index,
                    step,
                });
            }
        }
        for at in free {
            self.make_ready(at);
        }
        if action.steps.is_empty() {
            turn.events.push(started(action));
            self.close(index, now, turn);
        }
    }

    fn skip(&mut self, index: usize, blame: Option<Address>, turn: &mut Turn) {
        let Some(run) = self.actions.get_mut(index) else {
            return;
        };
        run.state = ActionState::Over(StepOutcome::Skipped);
        run.blame.clone_from(&blame);
        for step in &mut run.steps {
            step.state = StepState::Over(StepOutcome::Skipped);
        }
        run.open = 0;
        let message = blame.map_or_else(
            || "the run was stopped before it began".to_owned(),
            |blame| format!("not begun, because {blame} is not ready"),
        );
        let none = Duration::ZERO;
        self.leave(index, StepOutcome::Skipped, Some(message), none, turn);
    }

    /// Hands ready steps to free workers; steps that only wait need none.
    fn dispatch(&mut self, now: Boot, turn: &mut Turn) {
        while let Some(at) = self.ready_waits.pop_first() {
            self.begin_step(at, now, turn);
        }
        while self.working < self.options.parallelism.max(1) {
            let Some(at) = self.ready.pop_first() else {
                break;
            };
            self.working += 1;
            self.begin_step(at, now, turn);
        }
        for at in std::mem::take(&mut self.fresh) {
            let Some(step) = self.step_mut(at) else {
                continue;
            };
            if let StepState::Ready { attempt } = step.state
                && !step.queued
            {
                step.queued = true;
                let waits_for = vec!["worker".to_owned()];
                self.tell(at, Some(attempt), EventKind::StepQueued { waits_for }, turn);
            }
        }
    }

    fn begin_step(&mut self, at: StepRef, now: Boot, turn: &mut Turn) {
        let Some(step) = self.step_mut(at) else {
            return;
        };
        let StepState::Ready { attempt } = step.state else {
            return;
        };
        step.state = StepState::Running {
            attempt,
            since: now,
        };
        self.running.insert(at);
        self.tell_action_started(at.action, now, turn);
        self.tell(at, Some(attempt), EventKind::StepStarted, turn);
        turn.orders.push(Order::Begin { at, attempt });
    }

    fn tell_action_started(&mut self, index: usize, now: Boot, turn: &mut Turn) {
        let plan = Arc::clone(&self.plan);
        let (Some(run), Some(action)) = (self.actions.get_mut(index), plan.actions.get(index))
        else {
            return;
        };
        if run.state != (ActionState::Begun { since: None }) {
            return;
        }
        run.state = ActionState::Begun { since: Some(now) };
        turn.events.push(started(action));
        for step in action.steps.iter().filter(|step| !step.needs.is_empty()) {
            let waits_for = step.needs.iter().map(ToString::to_string).collect();
            turn.events.push(EventDraft::step(
                &action.address,
                &step.id,
                1,
                EventKind::StepQueued { waits_for },
            ));
        }
    }

    /// After a halt: nothing that has not begun will begin.
    fn stop_everything(&mut self, now: Boot, turn: &mut Turn) {
        self.startable.clear();
        for index in 0..self.actions.len() {
            let Some(run) = self.actions.get(index) else {
                continue;
            };
            match run.state {
                ActionState::Over(_) => {}
                ActionState::Waiting => {
                    self.cut_short = true;
                    self.skip(index, None, turn);
                }
                ActionState::Begun { .. } => {
                    let waiting: Vec<usize> = run
                        .steps
                        .iter()
                        .enumerate()
                        .filter(|(_, step)| {
                            matches!(step.state, StepState::Waiting(_) | StepState::Ready { .. })
                        })
                        .map(|(i, _)| i)
                        .collect();
                    for step in waiting {
                        self.cut_short = true;
                        let at = StepRef {
                            action: index,
                            step,
                        };
                        self.over(at, StepOutcome::Skipped, now, turn);
                    }
                }
            }
        }
        self.startable.clear();
    }

    /// A plan whose actions wait for each other cannot go on; saying so beats waiting for ever.
    fn break_knot(&mut self, turn: &mut Turn) {
        for index in 0..self.actions.len() {
            if self
                .actions
                .get(index)
                .is_some_and(|run| run.end().is_none())
            {
                if let Some(run) = self.actions.get_mut(index) {
                    run.state = ActionState::Over(StepOutcome::Failed);
                }
                let message = Some("its dependencies wait for it in turn".to_owned());
                let none = Duration::ZERO;
                self.leave(index, StepOutcome::Failed, message, none, turn);
            }
        }
        self.startable.clear();
    }
}

fn started(action: &Action) -> EventDraft {
    EventDraft::about(
        &action.address,
        EventKind::ActionStarted {
            kind: action.kind,
            reason: action.reason.clone(),
        },
    )
}

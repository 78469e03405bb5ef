//! The run machine: facts in, orders and events out.
//!
//! It holds the layers, the order of steps, the bound on workers, retries, the failure policy, drain and
//! cancel. What comes out of a run depends on the plan and on what failed, never on timing: an action is judged
//! only when everything it depends on is decided, and a failure stops nothing but what needs it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::domain::event::{EventKind, StepOutcome};
use crate::domain::ids::Address;
use crate::domain::plan::model::{Action, Plan, Step};
use crate::domain::run::course::{ActionRun, ActionState, StepRun, StepState, lay_out};
use crate::domain::run::fact::{Ended, Fact, Halt, StepEnd};
use crate::domain::run::options::{RunOptions, Schedule};
use crate::domain::run::order::{ActionEnd, EventDraft, Order, StepRef, Turn};
use crate::domain::run::retry::{Guide, LOST_AGAIN, StepPolicy};
use crate::domain::run::telling::{outcome_of, skipped};
use crate::domain::time::Boot;

/// The course of one run.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(super) plan: Arc<Plan>,
    pub(super) guide: Guide,
    pub(super) options: RunOptions,
    pub(super) actions: Vec<ActionRun>,
    /// Unfinished actions by layer.
    pub(super) layers: BTreeMap<usize, usize>,
    /// Actions whose dependencies are decided: layer (0 when eager) and index.
    pub(super) startable: BTreeSet<(usize, usize)>,
    /// Working steps that may begin, in plan order.
    pub(super) ready: BTreeSet<StepRef>,
    /// Waiting steps that may begin.
    pub(super) ready_waits: BTreeSet<StepRef>,
    /// Steps that became ready since the last dispatch.
    pub(super) fresh: Vec<StepRef>,
    /// Steps that sleep until a retry.
    pub(super) sleeping: BTreeSet<(Boot, StepRef)>,
    /// Steps under way that hold a worker.
    pub(super) working: usize,
    /// Steps under way.
    pub(super) running: BTreeSet<StepRef>,
    pub(super) open_actions: usize,
    pub(super) layer_told: Option<usize>,
    pub(super) halt: Option<Halt>,
    pub(super) cut_short: bool,
    pub(super) finished: bool,
    pub(super) ends: BTreeMap<Address, ActionEnd>,
}

impl Machine {
    /// Prepares the run of a plan.
    #[must_use]
    pub fn new(plan: Arc<Plan>, guide: Guide, options: RunOptions) -> Self {
        let actions = lay_out(&plan, &guide);
        let mut layers = BTreeMap::new();
        let mut startable = BTreeSet::new();
        for (i, run) in actions.iter().enumerate().filter(|(_, run)| !run.noop) {
            *layers.entry(run.layer).or_insert(0) += 1;
            if run.undecided == 0 {
                startable.insert((rank(options.schedule, run.layer), i));
            }
        }
        Self {
            open_actions: layers.values().sum(),
            plan,
            guide,
            options,
            actions,
            layers,
            startable,
            ready: BTreeSet::new(),
            ready_waits: BTreeSet::new(),
            fresh: Vec::new(),
            sleeping: BTreeSet::new(),
            working: 0,
            running: BTreeSet::new(),
            layer_told: None,
            halt: None,
            cut_short: false,
            finished: false,
            ends: BTreeMap::new(),
        }
    }

    /// Returns when [`Fact::Woke`] is wanted, if a retry sleeps.
    #[must_use]
    pub fn wake_at(&self) -> Option<Boot> {
        self.sleeping.first().map(|(until, _)| *until)
    }

    /// Takes one fact and says what follows.
    pub fn step(&mut self, fact: Fact, now: Boot) -> Turn {
        let mut turn = Turn::default();
        match fact {
            Fact::Begun => {}
            Fact::Ended { at, end } => self.ended(at, end, now, &mut turn),
            Fact::Woke => self.woke(now),
            Fact::Halted(halt) => self.halted(halt, now, &mut turn),
        }
        self.advance(now, &mut turn);
        turn
    }

    /// Returns the plan this run carries out.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    fn woke(&mut self, now: Boot) {
        while let Some((until, at)) = self.sleeping.first().copied() {
            if until > now {
                break;
            }
            self.sleeping.pop_first();
            if let Some(step) = self.step_mut(at)
                && let StepState::Sleeping { attempt, .. } = step.state
            {
                step.state = StepState::Ready { attempt };
                self.make_ready(at);
            }
        }
    }

    fn halted(&mut self, halt: Halt, now: Boot, turn: &mut Turn) {
        if self.halt.is_some_and(|before| before >= halt) {
            return;
        }
        self.halt = Some(halt);
        if halt == Halt::Cancel {
            turn.orders
                .extend(self.running.iter().map(|at| Order::Abort { at: *at }));
        }
        let stopped: Vec<StepRef> = self.sleeping.iter().map(|(_, at)| *at).collect();
        self.sleeping.clear();
        for at in stopped {
            self.cut_short = true;
            self.over(at, StepOutcome::Failed, now, turn);
        }
    }

    /// Takes the end of an attempt.
    fn ended(&mut self, at: StepRef, end: StepEnd, now: Boot, turn: &mut Turn) {
        let halted = self.halt.is_some();
        let policy = self.policy(at);
        let Some(step) = self.step_mut(at) else {
            return;
        };
        let StepState::Running { attempt, since } = step.state else {
            return;
        };
        let again = match end.ended {
            Ended::Done | Ended::Unknown => false,
            Ended::Failed => attempt <= policy.retries,
            Ended::NotDone => step.lost < LOST_AGAIN,
        } && !halted;
        step.lost += u32::from(end.ended == Ended::NotDone);
        step.message.clone_from(&end.message);
        if !step.waits {
            self.working = self.working.saturating_sub(1);
        }
        self.running.remove(&at);
        let outcome = match end.ended {
            Ended::Done => StepOutcome::Done,
            Ended::NotDone if halted => StepOutcome::Skipped,
            Ended::Failed | Ended::NotDone => StepOutcome::Failed,
            Ended::Unknown => StepOutcome::Unknown,
        };
        let finished = EventKind::StepFinished {
            outcome,
            exit_code: end.exit_code,
            duration: now.since(since),
            log: end.log,
            message: end.message,
        };
        self.tell(at, Some(attempt), finished, turn);
        if again {
            let until = now.after(policy.pause_before(attempt + 1));
            if let Some(step) = self.step_mut(at) {
                step.state = StepState::Sleeping {
                    attempt: attempt + 1,
                    until,
                };
            }
            self.sleeping.insert((until, at));
        } else if outcome != StepOutcome::Done && policy.warn_only && !halted {
            self.warn(at, turn);
            self.over(at, StepOutcome::Done, now, turn);
        } else {
            self.over(at, outcome, now, turn);
        }
    }

    /// Ends a step for good and decides about the steps that need it.
    pub(super) fn over(&mut self, at: StepRef, outcome: StepOutcome, now: Boot, turn: &mut Turn) {
        let mut queue = VecDeque::from([(at, outcome)]);
        while let Some((at, outcome)) = queue.pop_front() {
            let Some(step) = self.step_mut(at) else {
                continue;
            };
            if matches!(step.state, StepState::Over(_)) {
                continue;
            }
            // The end of one that ran was told already.
            let told = matches!(step.state, StepState::Running { .. });
            step.state = StepState::Over(outcome);
            let needed_by = step.needed_by.clone();
            self.ready.remove(&at);
            self.ready_waits.remove(&at);
            if outcome == StepOutcome::Skipped && !told {
                self.tell(at, None, skipped(), turn);
            }
            for next in needed_by {
                let next = StepRef { step: next, ..at };
                if outcome != StepOutcome::Done {
                    queue.push_back((next, StepOutcome::Skipped));
                } else if let Some(step) = self.step_mut(next)
                    && let StepState::Waiting(left) = step.state
                {
                    if left <= 1 {
                        step.state = StepState::Ready { attempt: 1 };
                        self.make_ready(next);
                    } else {
                        step.state = StepState::Waiting(left - 1);
                    }
                }
            }
            let Some(run) = self.actions.get_mut(at.action) else {
                continue;
            };
            run.open = run.open.saturating_sub(1);
            if !run.start_told && run.has_started() {
                self.tell_started(at.action);
            }
            if self.actions.get(at.action).is_some_and(|run| run.open == 0) {
                self.close(at.action, now, turn);
            }
        }
    }

    /// Dependents for which a start is enough may be judged now.
    fn tell_started(&mut self, action: usize) {
        let Some(run) = self.actions.get_mut(action) else {
            return;
        };
        run.start_told = true;
        let waiting: Vec<usize> = run
            .dependents
            .iter()
            .filter(|(_, started)| *started)
            .map(|(i, _)| *i)
            .collect();
        for i in waiting {
            self.decided(i);
        }
    }

    fn decided(&mut self, action: usize) {
        if let Some(run) = self.actions.get_mut(action) {
            run.undecided = run.undecided.saturating_sub(1);
            if run.undecided == 0 && run.state == ActionState::Waiting {
                let rank = rank(self.options.schedule, run.layer);
                self.startable.insert((rank, action));
            }
        }
    }

    /// Ends an action whose steps are all over.
    pub(super) fn close(&mut self, action: usize, now: Boot, turn: &mut Turn) {
        let Some(run) = self.actions.get_mut(action) else {
            return;
        };
        let ActionState::Begun { since } = run.state else {
            return;
        };
        let outcome = outcome_of(&run.steps);
        run.state = ActionState::Over(outcome);
        let duration = since.map_or(std::time::Duration::ZERO, |since| now.since(since));
        let message = self.cause(action, outcome);
        if outcome == StepOutcome::Skipped {
            self.cut_short = true;
        }
        self.leave(action, outcome, message, duration, turn);
    }

    /// Tells the world and the dependents how an action ended.
    pub(super) fn leave(
        &mut self,
        index: usize,
        outcome: StepOutcome,
        message: Option<String>,
        duration: std::time::Duration,
        turn: &mut Turn,
    ) {
        let plan = Arc::clone(&self.plan);
        let (Some(run), Some(action)) = (self.actions.get(index), plan.actions.get(index)) else {
            return;
        };
        let blame = run.blame.clone();
        let layer = run.layer;
        let dependents: Vec<usize> = run
            .dependents
            .iter()
            .filter(|(_, started)| !(*started && run.start_told))
            .map(|(i, _)| *i)
            .collect();
        turn.events.push(EventDraft::about(
            &action.address,
            EventKind::ActionFinished {
                outcome,
                duration,
                blame: blame.clone(),
                message: message.clone(),
            },
        ));
        turn.orders.push(Order::Close {
            action: index,
            outcome,
        });
        self.ends.insert(
            action.address.clone(),
            ActionEnd {
                outcome,
                blame,
                message,
            },
        );
        self.open_actions = self.open_actions.saturating_sub(1);
        if let Some(left) = self.layers.get_mut(&layer) {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.layers.remove(&layer);
                if self.options.schedule == Schedule::Layered && self.open_actions > 0 {
                    turn.orders.push(Order::Save);
                }
            }
        }
        for i in dependents {
            self.decided(i);
        }
    }

    /// Queues a step whose needs are met.
    pub(super) fn make_ready(&mut self, at: StepRef) {
        let waits = self.step_mut(at).is_some_and(|step| step.waits);
        if waits {
            self.ready_waits.insert(at);
        } else {
            self.ready.insert(at);
            self.fresh.push(at);
        }
    }

    fn policy(&self, at: StepRef) -> StepPolicy {
        self.planned(at)
            .and_then(|(_, step)| self.guide.policies.get(&step.id))
            .copied()
            .unwrap_or_default()
    }

    /// Finds a step of the plan with its action.
    #[must_use]
    pub fn planned(&self, at: StepRef) -> Option<(&Action, &Step)> {
        let action = self.plan.actions.get(at.action)?;
        Some((action, action.steps.get(at.step)?))
    }

    pub(super) fn step_mut(&mut self, at: StepRef) -> Option<&mut StepRun> {
        self.actions.get_mut(at.action)?.steps.get_mut(at.step)
    }
}

/// Returns what actions are ordered by before their place in the plan.
fn rank(schedule: Schedule, layer: usize) -> usize {
    match schedule {
        Schedule::Layered => layer,
        Schedule::Eager => 0,
    }
}

#[cfg(test)]
mod tests;

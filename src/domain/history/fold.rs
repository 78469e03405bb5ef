//! How events change the view of a run. Pure: a recorded run replayed here gives the view it gave live.

use std::sync::Arc;

use crate::domain::event::{Event, EventKind, StepOutcome};
use crate::domain::history::view::{ActionView, LockWait, RunView, StepView};
use crate::domain::ids::{Address, ResourceKind, RunId, StepId};
use crate::domain::lease::{Holder, Verdict};
use crate::domain::plan::step::StepKind;
use crate::domain::time::Wall;

impl StepView {
    fn new() -> Self {
        Self {
            queued: None,
            started: None,
            finished: None,
            outcome: None,
            waits_for: Vec::new(),
            attempt: 1,
            progress: None,
            exit_code: None,
            log: None,
            message: None,
        }
    }
}

impl RunView {
    /// Folds the events of one run; those without a run are left out. `None` when there are none.
    #[must_use]
    pub fn replay<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<Self> {
        let mut view: Option<Self> = None;
        for event in events {
            let Some(run_id) = &event.run_id else {
                continue;
            };
            let begun = view.get_or_insert_with(|| Self::begun(run_id, event.at));
            begun.apply(event);
        }
        view
    }

    /// Begins the view of a run.
    #[must_use]
    pub fn begun(run_id: &RunId, at: Wall) -> Self {
        Self {
            run_id: run_id.clone(),
            started: at,
            ..Self::default()
        }
    }

    /// Returns the steps of a resource with their ids.
    pub fn steps_of(&self, address: &Address) -> impl Iterator<Item = (&StepId, &StepView)> {
        let range = |from: char, to: char| {
            self.steps
                .range(StepId(format!("{address}{from}"))..StepId(format!("{address}{to}")))
        };
        // `/` is followed by `0`, and `[` by `\\`, so these are exactly the ids of its steps.
        range('/', '0').chain(range('[', '\\'))
    }

    /// Folds one event of this run.
    pub fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted {
                command,
                who,
                trace_id,
                origin,
                ..
            } => {
                self.command.clone_from(command);
                self.who.clone_from(who);
                self.trace_id.clone_from(trace_id);
                self.origin.clone_from(origin);
                self.started = event.at;
            }
            EventKind::RunFinished {
                outcome,
                exit_code,
                message,
                forecast,
                ..
            } => {
                self.forecast = *forecast;
                let word = outcome.as_str().to_owned();
                self.finished = Some((event.at, word, *exit_code, message.clone()));
            }
            EventKind::StageStarted { stage } => {
                stage.as_str().clone_into(&mut self.stage);
                self.locks.remove("");
            }
            EventKind::PlanMade {
                plan, prediction, ..
            } => {
                self.plan = Some(Arc::clone(plan));
                self.prediction.clone_from(prediction);
            }
            EventKind::ActionStarted { .. } | EventKind::ActionFinished { .. } => {
                if let Some(address) = &event.address {
                    self.action(address, event);
                }
            }
            EventKind::StepQueued { .. }
            | EventKind::StepStarted
            | EventKind::StepProgress { .. }
            | EventKind::StepFinished { .. } => {
                if let Some(step) = &event.step {
                    self.step(step, event);
                }
            }
            EventKind::HealthChanged { to, detail, .. } => {
                self.health
                    .insert(Self::instance_of(event), (to.clone(), detail.clone()));
            }
            EventKind::Warning { text } => self.warnings.push(match &event.address {
                Some(address) => format!("{address}: {text}"),
                None => text.clone(),
            }),
            EventKind::LockChanged {
                verdict, holder, ..
            } => self.lock(event, *verdict, holder.as_ref()),
            EventKind::Log { .. }
            | EventKind::LayerStarted { .. }
            | EventKind::DriftFound { .. }
            | EventKind::DriftCleared
            | EventKind::ConfigChanged => {}
        }
    }

    /// Notes who holds what is waited for; a free lock is waited for by nobody.
    fn lock(&mut self, event: &Event, verdict: Verdict, holder: Option<&Holder>) {
        let waiting = event.step.as_ref().map_or("", StepId::as_str);
        let holder = holder.filter(|_| verdict != Verdict::Free);
        let Some(holder) = holder else {
            self.locks.remove(waiting);
            return;
        };
        let who = match holder.user.as_str() {
            "" => holder.host.clone(),
            user => format!("{user}@{}", holder.host),
        };
        let since = self.locks.get(waiting).filter(|held| held.who == who);
        let since = since.map_or(event.at, |held| held.since);
        self.locks
            .insert(waiting.to_owned(), LockWait { who, since });
    }

    fn action(&mut self, address: &Address, event: &Event) {
        match &event.kind {
            EventKind::ActionStarted { kind, .. } => {
                self.actions.insert(
                    address.clone(),
                    ActionView {
                        kind: *kind,
                        started: event.at,
                        finished: None,
                        outcome: None,
                        blame: None,
                        message: None,
                    },
                );
            }
            EventKind::ActionFinished {
                outcome,
                blame,
                message,
                ..
            } => {
                let kind = self
                    .plan
                    .as_ref()
                    .and_then(|plan| plan.action(address))
                    .map_or(crate::domain::plan::model::ActionKind::Update, |a| a.kind);
                // A skipped action never started; it is shown all the same.
                let view = self
                    .actions
                    .entry(address.clone())
                    .or_insert_with(|| ActionView {
                        kind,
                        started: event.at,
                        finished: None,
                        outcome: None,
                        blame: None,
                        message: None,
                    });
                view.finished = Some(event.at);
                view.outcome = Some(*outcome);
                view.blame.clone_from(blame);
                view.message.clone_from(message);
            }
            _ => {}
        }
    }

    /// Why a step of an action is passed over instead of carried out, if it is.
    fn passed_over(&self, step: &StepId, event: &Event) -> Option<String> {
        let address = event.address.as_ref()?;
        if address.kind != ResourceKind::Procedure {
            return None;
        }
        let mut actions = self.plan.as_ref()?.actions.iter();
        let action = actions.find(|action| action.address == *address)?;
        let planned = action.steps.iter().find(|planned| planned.id == *step)?;
        match &planned.kind {
            StepKind::Skip { reason, .. } => Some(reason.clone()),
            _ => None,
        }
    }

    fn step(&mut self, step: &StepId, event: &Event) {
        let reason = self.passed_over(step, event);
        let view = self.steps.entry(step.clone()).or_insert_with(StepView::new);
        if let Some(attempt) = event.attempt {
            view.attempt = attempt;
        }
        match &event.kind {
            EventKind::StepQueued { waits_for } => {
                view.queued.get_or_insert(event.at);
                view.waits_for.clone_from(waits_for);
            }
            EventKind::StepStarted => {
                view.started.get_or_insert(event.at);
                view.waits_for.clear();
                self.locks.remove(step.as_str());
                view.finished = None;
                view.outcome = None;
            }
            EventKind::StepProgress { done, total, unit } => {
                view.progress = Some((*done, *total, unit.clone()));
            }
            EventKind::StepFinished {
                outcome,
                exit_code,
                log,
                message,
                ..
            } => {
                view.finished = Some(event.at);
                view.outcome = Some(*outcome);
                view.exit_code = *exit_code;
                view.log.clone_from(log);
                view.message.clone_from(message);
                if let (StepOutcome::Done, Some(reason)) = (outcome, reason) {
                    view.outcome = Some(StepOutcome::Skipped);
                    view.message = Some(reason);
                }
                view.waits_for.clear();
                self.locks.remove(step.as_str());
            }
            _ => {}
        }
    }

    /// The instance a health event is about: its step's id up to the slash, else its address.
    fn instance_of(event: &Event) -> String {
        let step = event.step.as_ref().map(StepId::as_str);
        match (step.and_then(|id| id.split_once('/')), &event.address) {
            (Some((instance, _)), _) => instance.to_owned(),
            (None, Some(address)) => address.to_string(),
            (None, None) => String::new(),
        }
    }

    /// Returns for how long the run has been going, or went.
    #[must_use]
    pub fn elapsed_ms(&self, now: Wall) -> u64 {
        let end = self.finished.as_ref().map_or(now, |(at, ..)| *at);
        u64::try_from(end.0.saturating_sub(self.started.0)).unwrap_or(0)
    }
}

//! Steps of a run and their attempts.

use std::time::Duration;

use crate::domain::event::{Event, StepOutcome};
use crate::domain::ids::{Address, StepId};
use crate::domain::time::Wall;
use crate::domain::trace::course::{Course, between, push};
use crate::domain::trace::id::Subject;
use crate::domain::trace::meter::Metric;
use crate::domain::trace::naming::{ended, maybe, number, text};
use crate::domain::trace::span::{Signal, Span};

/// A step that was begun or left out.
#[derive(Clone, Debug)]
pub(super) struct OpenStep {
    pub(super) address: Address,
    start: Wall,
    /// The attempt under way, and when it began.
    attempt: Option<(u32, Wall)>,
    /// The end of the last attempt.
    end: Option<(Wall, StepOutcome, Option<String>)>,
    attempts: u32,
    queued: Option<Wall>,
}

/// How an attempt of a step ended.
pub(super) struct AttemptEnd<'a> {
    pub(super) outcome: StepOutcome,
    pub(super) exit_code: Option<i64>,
    pub(super) took: Duration,
    pub(super) log: Option<&'a str>,
    pub(super) message: Option<&'a str>,
}

impl Course {
    /// Returns what is open of the step an event is about.
    fn open(&mut self, event: &Event) -> Option<(&StepId, &mut OpenStep)> {
        let (address, id) = event.address.as_ref().zip(event.step.as_ref())?;
        if !self.steps.contains_key(id) {
            let open = OpenStep {
                address: address.clone(),
                start: event.at,
                attempt: None,
                end: None,
                attempts: 0,
                queued: None,
            };
            self.steps.insert(id.clone(), open);
        }
        self.steps.range_mut(id..).next()
    }

    pub(super) fn step_queued(&mut self, event: &Event) {
        if let Some((_, step)) = self.open(event) {
            step.queued.get_or_insert(event.at);
        }
    }

    pub(super) fn step_started(&mut self, event: &Event) {
        let Some((id, step)) = self.open(event) else {
            return;
        };
        if step.attempts == 0 {
            step.start = event.at;
        }
        step.attempts += 1;
        step.attempt = Some((event.attempt.unwrap_or(step.attempts), event.at));
        if step.attempts > 1 {
            let kind = kind_of(id).to_owned();
            self.meter
                .count(Metric::Retries, &[("nanokit.step", &kind)]);
        }
    }

    pub(super) fn step_finished(
        &mut self,
        event: &Event,
        end: &AttemptEnd<'_>,
        out: &mut Vec<Signal>,
    ) {
        let Some((id, step)) = self.open(event) else {
            return;
        };
        let id = id.clone();
        step.end = Some((event.at, end.outcome, end.message.map(str::to_owned)));
        let queued = step.queued.take();
        let Some((attempt, start)) = step.attempt.take() else {
            return;
        };
        let of = [
            ("nanokit.step", kind_of(&id)),
            ("nanokit.outcome", end.outcome.as_str()),
        ];
        self.meter.took(Metric::StepDuration, &of, end.took);
        let mut span = self.attempt(&id, (attempt, start), event.at);
        span.status = ended(&mut span.attributes, end.outcome, end.message);
        if let Some(code) = end.exit_code {
            number(&mut span.attributes, "process.exit.code", code);
        }
        if let Some(queued) = queued {
            let waited = between(queued, start).as_millis();
            number(&mut span.attributes, "nanokit.queued_ms", waited);
        }
        maybe(&mut span.attributes, "nanokit.log.file", end.log);
        push(out, span);
    }

    fn attempt(&self, id: &StepId, (attempt, start): (u32, Wall), end: Wall) -> Span {
        let subject = Subject::Attempt(id, attempt);
        let mut span = self.make(subject, format!("attempt {attempt}"), start, end);
        span.parent = Some(self.of.span(Subject::Step(id)));
        text(&mut span.attributes, "nanokit.step.id", id.as_str());
        number(&mut span.attributes, "nanokit.attempt", attempt);
        span
    }

    /// Ends a step for good; returns when it began, if it was begun.
    pub(super) fn end_step(
        &mut self,
        id: &StepId,
        at: Wall,
        out: &mut Vec<Signal>,
    ) -> Option<Wall> {
        let step = self.steps.remove(id)?;
        if let Some(open) = step.attempt {
            let mut span = self.attempt(id, open, at);
            span.status = ended(&mut span.attributes, StepOutcome::Unknown, None);
            push(out, span);
        }
        let (end, outcome, message) = match step.end {
            Some(end) if step.attempt.is_none() => end,
            Some(_) | None if step.attempt.is_some() => (at, StepOutcome::Unknown, None),
            Some(_) | None => (at, StepOutcome::Skipped, None),
        };
        let name = id.as_str().to_owned();
        let mut span = self.make(Subject::Step(id), name, step.start, end);
        span.parent = Some(self.of.span(Subject::Action(&step.address)));
        let to = &mut span.attributes;
        text(to, "cicd.pipeline.task.name", kind_of(id));
        text(to, "cicd.pipeline.task.run.id", id.as_str());
        text(to, "nanokit.step.id", id.as_str());
        text(to, "nanokit.address", step.address.to_string());
        number(to, "nanokit.attempts", step.attempts);
        span.status = ended(&mut span.attributes, outcome, message.as_deref());
        push(out, span);
        (step.attempts > 0).then_some(step.start)
    }
}

/// Returns what stands behind the slash of a step's id: the same for every service.
fn kind_of(id: &StepId) -> &str {
    let id = id.as_str();
    id.rsplit_once('/').map_or(id, |(_, kind)| kind)
}

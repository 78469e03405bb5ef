//! Events in, finished spans, log records and measures out.

use crate::domain::event::{Event, EventKind, Stream};
use crate::domain::ids::StepId;
use crate::domain::trace::course::Course;
use crate::domain::trace::id::{Subject, is_trace_id};
use crate::domain::trace::naming::{maybe, number, text};
use crate::domain::trace::span::{AttributeValue, Attributes, LogRecord, Severity, Signal};

/// Folds the events of one process, one run after the other.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    course: Option<Course>,
}

impl Fold {
    /// Takes one event and says what can be exported because of it.
    pub fn take(&mut self, event: &Event) -> Vec<Signal> {
        let mut out = Vec::new();
        if let EventKind::RunStarted { trace_id, .. } = &event.kind {
            // A run that never ended here: what was open of it is told all the same.
            self.close(event, &mut out);
            self.course = Course::begin(event).filter(|_| is_trace_id(trace_id));
        }
        out.extend(self.log(event));
        let Some(course) = self.course.as_mut() else {
            return out;
        };
        if event.run_id.as_ref() == Some(course.run()) {
            course.take(event, &mut out);
            if matches!(event.kind, EventKind::RunFinished { .. }) {
                self.course = None;
            }
        }
        out
    }

    fn close(&mut self, event: &Event, out: &mut Vec<Signal>) {
        if let Some(mut course) = self.course.take() {
            course.abandon(event.at, out);
        }
    }

    /// Makes a log record of what is worth one.
    fn log(&self, event: &Event) -> Option<Signal> {
        let mut attributes = Attributes::new();
        let (name, severity, said) = said(event, &mut attributes)?;
        maybe(
            &mut attributes,
            "nanokit.address",
            event.address.as_ref().map(ToString::to_string),
        );
        maybe(
            &mut attributes,
            "nanokit.step.id",
            event.step.as_ref().map(StepId::as_str),
        );
        if let Some(attempt) = event.attempt {
            number(&mut attributes, "nanokit.attempt", attempt);
        }
        let course = self.course.as_ref();
        let course = course.filter(|course| event.run_id.as_ref() == Some(course.run()));
        let span = course.map(|course| {
            let subject = match (&event.step, event.attempt, &event.address) {
                (Some(step), Some(attempt), _) => Subject::Attempt(step, attempt),
                (Some(step), None, _) => Subject::Step(step),
                (None, _, Some(address)) => Subject::Action(address),
                (None, _, None) => Subject::Run,
            };
            (course.trace().clone(), course.span(subject))
        });
        Some(Signal::Log(Box::new(LogRecord {
            at: event.at,
            span,
            event: name,
            severity,
            text: said,
            attributes,
        })))
    }
}

/// Says what an event says as a line; what is told by spans alone says nothing.
fn said(event: &Event, more: &mut Attributes) -> Option<(&'static str, Severity, String)> {
    Some(match &event.kind {
        EventKind::Log { stream, text: line } => {
            text(more, "log.iostream", stream.as_str());
            let severity = match stream {
                Stream::Stdout | Stream::Stderr | Stream::Engine => Severity::Info,
            };
            let line = crate::domain::event::uncoloured(line).into_owned();
            ("nanokit.output", severity, line)
        }
        EventKind::Warning { text } => ("nanokit.warning", Severity::Warn, text.clone()),
        EventKind::HealthChanged { from, to, detail } => {
            text(more, "nanokit.health.from", from);
            text(more, "nanokit.health.to", to);
            ("nanokit.health_changed", Severity::Info, detail.clone())
        }
        EventKind::LockChanged {
            verdict, detail, ..
        } => {
            text(more, "nanokit.lock.verdict", verdict.as_str());
            let detail = detail.clone().unwrap_or_default();
            ("nanokit.lock_changed", Severity::Info, detail)
        }
        EventKind::DriftFound { changes } => {
            // Paths only: a value of somebody else's making may be anything.
            let paths = changes.iter().map(|change| change.path.clone()).collect();
            more.push(("nanokit.drift.paths", AttributeValue::Texts(paths)));
            ("nanokit.drift_found", Severity::Warn, String::new())
        }
        EventKind::DriftCleared => ("nanokit.drift_cleared", Severity::Info, String::new()),
        EventKind::RunFinished {
            message: Some(message),
            ..
        }
        | EventKind::StepFinished {
            message: Some(message),
            ..
        } => ("nanokit.failure", Severity::Error, message.clone()),
        EventKind::RunStarted { .. }
        | EventKind::RunFinished { message: None, .. }
        | EventKind::StageStarted { .. }
        | EventKind::PlanMade { .. }
        | EventKind::LayerStarted { .. }
        | EventKind::ActionStarted { .. }
        | EventKind::ActionFinished { .. }
        | EventKind::StepQueued { .. }
        | EventKind::StepStarted
        | EventKind::StepProgress { .. }
        | EventKind::StepFinished { message: None, .. }
        | EventKind::ConfigChanged => return None,
    })
}

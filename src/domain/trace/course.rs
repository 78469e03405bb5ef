//! What is open of one run, and what it becomes when it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::event::{Event, EventKind, RunOutcome, Stage, StepOutcome};
use crate::domain::flow::FlowRun;
use crate::domain::ids::{Address, ComponentName, RunId, SpanId, StepId, TraceId};
use crate::domain::time::Wall;
use crate::domain::trace::id::{Subject, TraceOfRun};
use crate::domain::trace::meter::{Meter, Metric};
use crate::domain::trace::naming::{ended, first_line, maybe, number, run_result, text};
use crate::domain::trace::span::{Attributes, Link, Signal, Span, SpanStatus};
use crate::domain::trace::steps::{AttemptEnd, OpenStep};

/// A layer that was begun.
#[derive(Clone, Debug)]
struct OpenLayer {
    start: Wall,
    left: BTreeSet<Address>,
}

/// One run.
#[derive(Clone, Debug)]
pub(super) struct Course {
    pub(super) of: TraceOfRun,
    parent: Option<SpanId>,
    command: String,
    attributes: Attributes,
    name: String,
    start: Wall,
    /// The runs whose procedures it goes on with.
    resumes: Vec<Link>,
    stage: Option<(Stage, Wall)>,
    executes: bool,
    layers: BTreeMap<usize, OpenLayer>,
    layer_of: BTreeMap<Address, usize>,
    /// Actions under way: since when, and what is known of them.
    actions: BTreeMap<Address, (Wall, Attributes)>,
    over: BTreeSet<Address>,
    pub(super) steps: BTreeMap<StepId, OpenStep>,
    pub(super) meter: Meter,
}

impl Course {
    /// Begins with the first event of a run; anything else is `None`.
    pub(super) fn begin(event: &Event) -> Option<Self> {
        let run = event.run_id.clone()?;
        let EventKind::RunStarted {
            command,
            who,
            trace_id,
            parent,
            plan_id,
            origin: _,
        } = &event.kind
        else {
            return None;
        };
        let mut attributes = Attributes::new();
        text(&mut attributes, "cicd.pipeline.name", command);
        text(&mut attributes, "cicd.pipeline.run.id", run.as_str());
        text(&mut attributes, "nanokit.who", who);
        if let Some(plan) = plan_id {
            text(&mut attributes, "nanokit.plan.approved", plan.as_str());
        }
        Some(Self {
            of: TraceOfRun {
                trace: trace_id.clone(),
                run,
            },
            parent: parent.clone(),
            command: command.clone(),
            name: format!("nkapp {command}"),
            attributes,
            start: event.at,
            resumes: Vec::new(),
            stage: None,
            executes: false,
            layers: BTreeMap::new(),
            layer_of: BTreeMap::new(),
            actions: BTreeMap::new(),
            over: BTreeSet::new(),
            steps: BTreeMap::new(),
            meter: Meter::default(),
        })
    }

    /// Returns the run.
    pub(super) fn run(&self) -> &RunId {
        &self.of.run
    }

    /// Returns the trace.
    pub(super) fn trace(&self) -> &TraceId {
        &self.of.trace
    }

    /// Returns the id of a span of this run.
    pub(super) fn span(&self, subject: Subject<'_>) -> SpanId {
        self.of.span(subject)
    }

    /// Takes an event of this run.
    pub(super) fn take(&mut self, event: &Event, out: &mut Vec<Signal>) {
        match &event.kind {
            EventKind::StageStarted { stage } => self.stage(*stage, event.at, out),
            EventKind::PlanMade { plan, resumes, .. } => {
                let (to, scope) = (&mut self.attributes, &plan.scope);
                text(to, "nanokit.project", scope.project.as_str());
                text(to, "deployment.environment.name", scope.env.as_str());
                maybe(
                    to,
                    "nanokit.component",
                    scope.component.as_ref().map(ComponentName::as_str),
                );
                text(to, "nanokit.plan.id", plan.id.as_str());
                self.resumes = resumes.iter().map(first_span).collect();
            }
            EventKind::LayerStarted { layer, addresses } => {
                self.layer(*layer, addresses, event.at);
            }
            EventKind::ActionStarted { kind, reason } => {
                let Some(address) = &event.address else {
                    return;
                };
                let mut known = Attributes::new();
                text(&mut known, "nanokit.action.kind", kind.as_str());
                text(&mut known, "nanokit.action.reason", reason);
                self.actions.insert(address.clone(), (event.at, known));
            }
            EventKind::ActionFinished {
                outcome,
                duration,
                blame,
                message,
            } => {
                if let Some(address) = &event.address {
                    let end = ActionEnd {
                        at: event.at,
                        outcome: *outcome,
                        took: *duration,
                        blame: blame.as_ref(),
                        message: message.as_deref(),
                    };
                    self.action(address, &end, out);
                }
            }
            EventKind::StepQueued { .. } => self.step_queued(event),
            EventKind::StepStarted => self.step_started(event),
            EventKind::StepFinished {
                outcome,
                exit_code,
                duration,
                log,
                message,
            } => {
                let end = AttemptEnd {
                    outcome: *outcome,
                    exit_code: *exit_code,
                    took: *duration,
                    log: log.as_deref(),
                    message: message.as_deref(),
                };
                self.step_finished(event, &end, out);
            }
            EventKind::RunFinished { .. } => self.finish(event, out),
            EventKind::RunStarted { .. }
            | EventKind::StepProgress { .. }
            | EventKind::Log { .. }
            | EventKind::HealthChanged { .. }
            | EventKind::LockChanged { .. }
            | EventKind::DriftFound { .. }
            | EventKind::DriftCleared
            | EventKind::ConfigChanged
            | EventKind::Warning { .. } => {}
        }
    }

    /// Makes a span of this run; the caller fills in what it knows.
    pub(super) fn make(&self, of: Subject<'_>, name: String, start: Wall, end: Wall) -> Span {
        Span {
            trace: self.of.trace.clone(),
            id: self.of.span(of),
            parent: Some(self.of.span(Subject::Run)),
            root: false,
            name,
            start,
            end: end.max(start),
            attributes: Attributes::new(),
            status: SpanStatus::Unset,
            links: Vec::new(),
        }
    }

    fn stage(&mut self, stage: Stage, at: Wall, out: &mut Vec<Signal>) {
        self.end_stage(at, out);
        self.executes |= stage == Stage::Execute;
        self.stage = Some((stage, at));
    }

    fn end_stage(&mut self, at: Wall, out: &mut Vec<Signal>) {
        let Some((stage, start)) = self.stage.take() else {
            return;
        };
        if stage == Stage::Execute {
            self.end_layers(at, out);
        }
        if stage == Stage::Lock {
            let of = [("nanokit.command", self.command.as_str())];
            self.meter.took(Metric::LockWait, &of, between(start, at));
        }
        let name = format!("stage {}", stage.as_str());
        let mut span = self.make(Subject::Stage(stage), name, start, at);
        text(&mut span.attributes, "nanokit.stage", stage.as_str());
        push(out, span);
    }

    fn layer(&mut self, layer: usize, addresses: &[Address], at: Wall) {
        for address in addresses {
            self.layer_of.insert(address.clone(), layer);
        }
        let left = addresses.iter().filter(|one| !self.over.contains(*one));
        let open = OpenLayer {
            start: at,
            left: left.cloned().collect(),
        };
        self.layers.insert(layer, open);
    }

    fn end_layer(&mut self, layer: usize, at: Wall, out: &mut Vec<Signal>) {
        let Some(open) = self.layers.remove(&layer) else {
            return;
        };
        let name = format!("layer {layer}");
        let mut span = self.make(Subject::Layer(layer), name, open.start, at);
        span.parent = Some(self.of.span(Subject::Stage(Stage::Execute)));
        number(&mut span.attributes, "nanokit.layer", layer);
        push(out, span);
    }

    fn end_layers(&mut self, at: Wall, out: &mut Vec<Signal>) {
        let open: Vec<usize> = self.layers.keys().copied().collect();
        for layer in open {
            self.end_layer(layer, at, out);
        }
    }

    /// Ends an action, with all that is still open of its steps.
    fn action(&mut self, address: &Address, end: &ActionEnd<'_>, out: &mut Vec<Signal>) {
        let steps: Vec<StepId> = self
            .steps
            .iter()
            .filter(|(_, step)| &step.address == address)
            .map(|(id, _)| id.clone())
            .collect();
        let mut first = None;
        for id in steps {
            let started = self.end_step(&id, end.at, out);
            first = [first, started].into_iter().flatten().min();
        }
        let begun = self.actions.remove(address);
        let before = i64::try_from(end.took.as_millis()).unwrap_or_default();
        let fallback = first.unwrap_or(Wall(end.at.0.saturating_sub(before)));
        let (start, known) = begun.unwrap_or_else(|| (fallback, Attributes::new()));
        let start = first.map_or(start, |first| first.min(start));
        let subject = Subject::Action(address);
        let mut span = self.make(subject, address.to_string(), start, end.at);
        let layer = self.layer_of.get(address).copied();
        if let Some(layer) = layer {
            span.parent = Some(self.of.span(Subject::Layer(layer)));
        } else if self.executes {
            span.parent = Some(self.of.span(Subject::Stage(Stage::Execute)));
        }
        text(&mut span.attributes, "nanokit.address", address.to_string());
        span.attributes.extend(known);
        span.status = ended(&mut span.attributes, end.outcome, end.message);
        if let Some(blame) = end.blame {
            text(&mut span.attributes, "nanokit.blame", blame.to_string());
            span.links.push(Link {
                trace: self.of.trace.clone(),
                span: self.of.span(Subject::Action(blame)),
            });
        }
        push(out, span);
        self.over.insert(address.clone());
        if let Some(layer) = layer
            && let Some(open) = self.layers.get_mut(&layer)
        {
            open.left.remove(address);
            if open.left.is_empty() {
                self.end_layer(layer, end.at, out);
            }
        }
    }

    fn finish(&mut self, event: &Event, out: &mut Vec<Signal>) {
        let EventKind::RunFinished {
            outcome,
            exit_code,
            duration,
            message,
            warnings,
            forecast: _,
        } = &event.kind
        else {
            return;
        };
        self.close(event.at, out);
        let mut to = std::mem::take(&mut self.attributes);
        text(&mut to, "nanokit.outcome", outcome.as_str());
        text(&mut to, "cicd.pipeline.result", run_result(*outcome));
        number(&mut to, "process.exit.code", *exit_code);
        number(&mut to, "nanokit.warnings", *warnings);
        let status = match outcome {
            RunOutcome::Ok => SpanStatus::Ok,
            RunOutcome::Cancelled | RunOutcome::Refused => SpanStatus::Unset,
            RunOutcome::Failed => {
                text(&mut to, "error.type", "failed");
                SpanStatus::Error(first_line(message.as_deref()))
            }
        };
        let of = [
            ("nanokit.command", self.command.as_str()),
            ("nanokit.outcome", outcome.as_str()),
        ];
        self.meter.count(Metric::Runs, &of);
        self.meter.took(Metric::RunDuration, &of, *duration);
        self.root(event.at, to, status, out);
        let counted = std::mem::take(&mut self.meter);
        out.push(Signal::Measures(counted.finish(self.start, event.at)));
    }

    /// Ends a run whose end was never heard of.
    pub(super) fn abandon(&mut self, at: Wall, out: &mut Vec<Signal>) {
        self.close(at, out);
        let to = std::mem::take(&mut self.attributes);
        let status = SpanStatus::Error("its end was never told".to_owned());
        self.root(at, to, status, out);
    }

    fn root(&self, at: Wall, known: Attributes, status: SpanStatus, out: &mut Vec<Signal>) {
        let mut span = self.make(Subject::Run, self.name.clone(), self.start, at);
        span.parent.clone_from(&self.parent);
        span.root = true;
        span.attributes = known;
        span.status = status;
        span.links.clone_from(&self.resumes);
        push(out, span);
    }

    /// Ends everything but the run itself.
    fn close(&mut self, at: Wall, out: &mut Vec<Signal>) {
        let mut open: BTreeSet<Address> = self.actions.keys().cloned().collect();
        open.extend(self.steps.values().map(|step| step.address.clone()));
        for address in open {
            let end = ActionEnd {
                at,
                outcome: StepOutcome::Unknown,
                took: Duration::ZERO,
                blame: None,
                message: Some("its end was never told"),
            };
            self.action(&address, &end, out);
        }
        self.end_layers(at, out);
        self.end_stage(at, out);
    }
}

/// How an action ended.
struct ActionEnd<'a> {
    at: Wall,
    outcome: StepOutcome,
    took: Duration,
    blame: Option<&'a Address>,
    message: Option<&'a str>,
}

/// Names the span of an earlier run.
fn first_span(of: &FlowRun) -> Link {
    let (trace, run) = (of.trace.clone(), of.run.clone());
    let earlier = TraceOfRun { trace, run };
    Link {
        span: earlier.span(Subject::Run),
        trace: earlier.trace,
    }
}

pub(super) fn push(out: &mut Vec<Signal>, span: Span) {
    out.push(Signal::Span(Box::new(span)));
}

pub(super) fn between(start: Wall, end: Wall) -> Duration {
    Duration::from_millis(u64::try_from(end.0.saturating_sub(start.0)).unwrap_or_default())
}

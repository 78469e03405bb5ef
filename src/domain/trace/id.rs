//! Names of spans, and the W3C context that carries them to other programs.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::domain::event::Stage;
use crate::domain::ids::{Address, RunId, SpanId, StepId, TraceId};

/// What a span stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The whole run.
    Run,
    /// One of its big parts.
    Stage(Stage),
    /// A layer of the plan, from 0.
    Layer(usize),
    /// What happens to a resource.
    Action(&'a Address),
    /// A step, over all its attempts.
    Step(&'a StepId),
    /// One attempt of a step, from 1.
    Attempt(&'a StepId, u32),
}

/// A trace and a run in it; several runs may share a trace, so both are needed to name a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceOfRun {
    /// The trace.
    pub trace: TraceId,
    /// The run.
    pub run: RunId,
}

impl TraceOfRun {
    /// Returns the id of a span, always the same for the same subject.
    #[must_use]
    pub fn span(&self, subject: Subject<'_>) -> SpanId {
        let text = match subject {
            Subject::Run => "run".to_owned(),
            Subject::Stage(stage) => format!("stage {}", stage.as_str()),
            Subject::Layer(layer) => format!("layer {layer}"),
            Subject::Action(address) => format!("action {address}"),
            Subject::Step(step) => format!("step {step}"),
            Subject::Attempt(step, attempt) => format!("attempt {attempt} {step}"),
        };
        let mut hash = Sha256::new();
        for part in [self.trace.as_str(), self.run.as_str(), &text] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let digest = hash.finalize();
        SpanId(digest.iter().take(8).map(|b| format!("{b:02x}")).collect())
    }
}

/// A W3C trace context: which trace, which span of it is the parent, and whether it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace: TraceId,
    /// The parent's span.
    pub span: SpanId,
    /// Whether the caller records it.
    pub sampled: bool,
}

impl TraceParent {
    /// Reads the value of `traceparent`; what does not follow the standard is as good as absent.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let version = parts.next().filter(|text| is_hex(text, 2))?;
        let trace = parts
            .next()
            .filter(|text| is_hex(text, 32) && !is_zero(text))?;
        let span = parts
            .next()
            .filter(|text| is_hex(text, 16) && !is_zero(text))?;
        let flags = parts.next().filter(|text| is_hex(text, 2))?;
        let more = parts.next().is_some();
        if version == "ff" || (version == "00" && more) {
            return None;
        }
        let flags = u8::from_str_radix(flags, 16).ok()?;
        Some(Self {
            trace: TraceId::new(trace),
            span: SpanId::new(span),
            sampled: flags & 1 == 1,
        })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(f, "00-{}-{}-{flags:02x}", self.trace, self.span)
    }
}

/// How the runs of this process are traced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracing {
    /// Span of whoever started us; runs belong below it.
    pub parent: Option<TraceParent>,
    /// Whether our own spans are exported, so that what we start may name them as parents.
    pub exported: bool,
}

/// How one run is traced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunTrace {
    /// The trace and the run.
    pub of: TraceOfRun,
    /// The rest.
    pub tracing: Tracing,
}

impl RunTrace {
    /// Returns the context for a program started by an attempt of a step: the attempt's span where that is
    /// exported, else the span we were started with, so that nobody names a parent that never arrives.
    #[must_use]
    pub fn context(&self, step: &StepId, attempt: u32) -> Option<TraceParent> {
        if self.tracing.exported {
            return Some(TraceParent {
                trace: self.of.trace.clone(),
                span: self.of.span(Subject::Attempt(step, attempt)),
                sampled: true,
            });
        }
        self.tracing.parent.clone()
    }
}

/// Tells whether a trace id is one that may be exported.
#[must_use]
pub fn is_trace_id(trace: &TraceId) -> bool {
    is_hex(trace.as_str(), 32) && !is_zero(trace.as_str())
}

fn is_hex(text: &str, length: usize) -> bool {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.len() == length && text.bytes().all(digit)
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|b| b == b'0')
}

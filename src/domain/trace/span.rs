//! What is exported of a run: finished spans, log records, measures.

use crate::domain::ids::{SpanId, TraceId};
use crate::domain::time::Wall;
use crate::domain::trace::meter::Measure;

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttributeValue {
    /// A text; redacted before it became an event.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A truth value.
    Truth(bool),
    /// Several texts.
    Texts(Vec<String>),
}

/// Attributes, each name once.
pub type Attributes = Vec<(&'static str, AttributeValue)>;

/// How a span ended, in the words of the standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpanStatus {
    /// Nothing to say: it was not begun, or nobody knows.
    Unset,
    /// Done.
    Ok,
    /// Failed, with one line.
    Error(String),
}

/// A finished span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Trace it belongs to.
    pub trace: TraceId,
    /// Its id.
    pub id: SpanId,
    /// Its parent; `None` only for the run of a trace of its own.
    pub parent: Option<SpanId>,
    /// Whether it is the run itself.
    pub root: bool,
    /// Its name.
    pub name: String,
    /// When it began.
    pub start: Wall,
    /// When it ended.
    pub end: Wall,
    /// What is known of it.
    pub attributes: Attributes,
    /// How it ended.
    pub status: SpanStatus,
    /// Spans that explain it: what a skip is blamed on, the runs whose procedures a run goes on with.
    pub links: Vec<Link>,
}

/// A span somewhere else, perhaps of another trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its trace.
    pub trace: TraceId,
    /// Its id.
    pub span: SpanId,
}

/// How much a log record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Output of a program.
    Info,
    /// A remark.
    Warn,
    /// A failure.
    Error,
}

/// A log record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// When.
    pub at: Wall,
    /// Span it belongs to, with its trace.
    pub span: Option<(TraceId, SpanId)>,
    /// What kind of record it is.
    pub event: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The line.
    pub text: String,
    /// What is known of it.
    pub attributes: Attributes,
}

/// One thing to export.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// A span ended.
    Span(Box<Span>),
    /// A line was said.
    Log(Box<LogRecord>),
    /// A run ended: what was counted in it.
    Measures(Vec<Measure>),
}

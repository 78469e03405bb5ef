//! What is wrong with an input, as plain data: severity, text, places, help.
//!
//! Whoever checks an input collects all of its faults and stops at none; how they look is decided by
//! `present::report`.

use crate::domain::place::Span;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The input is refused.
    Error,
    /// The input is taken, with a remark.
    Warning,
}

/// A further place that explains a finding ("first defined here").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// Short text beside the underlined part.
    pub text: String,
}

/// One finding in an input file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Stable code (`NK0102`), for searching.
    pub code: &'static str,
    /// What is wrong, a lowercase fragment without a period.
    pub message: String,
    /// The place of the fault with the text beside the underline; absent when no file is at fault.
    pub primary: Option<Label>,
    /// Further places.
    pub also: Vec<Label>,
    /// What to do now, one line each.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// Starts an error without a place.
    #[must_use]
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            primary: None,
            also: Vec::new(),
            help: Vec::new(),
        }
    }
    /// Starts a warning without a place.
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }
    /// Sets the place of the fault.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.primary = Some(Label {
            span,
            text: text.into(),
        });
        self
    }
    /// Adds a place that explains.
    #[must_use]
    pub fn see(mut self, span: Span, text: impl Into<String>) -> Self {
        self.also.push(Label {
            span,
            text: text.into(),
        });
        self
    }
    /// Adds a line of help.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
    /// Tells whether the input is refused because of this.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

//! JSON of what is the command line's own: failures and findings. Everything else is encoded by `formats`.

use serde_json::{Value, json};

use crate::app::failure::{Failure, FailureKind};
use crate::cli::exit;
use crate::domain::diagnostic::{Diagnostic, Severity};
use crate::domain::place::{Sources, Span};

/// Returns a failure as a document.
pub(super) fn error(failure: &Failure) -> Value {
    json!({"error": failure_object(failure)})
}

/// Returns a failure as an object.
pub(super) fn failure_object(failure: &Failure) -> Value {
    let kind = match failure.kind {
        FailureKind::Failed => "failed",
        FailureKind::InvalidConfig => "invalid_config",
        FailureKind::Locked => "locked",
        FailureKind::Refused => "refused",
        FailureKind::Interrupted => "interrupted",
    };
    json!({
        "kind": kind,
        "exit_code": exit::code(failure.kind),
        "subject": failure.subject,
        "message": failure.message,
        "causes": failure.sources,
        "hints": failure.hints,
        "next": failure.next,
    })
}

/// Returns findings as a list.
pub(super) fn diagnostics(findings: &[Diagnostic], sources: &Sources) -> Value {
    let all = findings.iter().map(|finding| {
        json!({
            "severity": match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            "code": finding.code,
            "message": finding.message,
            "place": finding.primary.as_ref().map(|label| place(sources, label.span)),
            "label": finding.primary.as_ref().map(|label| &label.text),
            "also": finding.also.iter().map(|label| json!({
                "place": place(sources, label.span),
                "label": label.text,
            })).collect::<Vec<_>>(),
            "help": finding.help,
        })
    });
    all.collect()
}

fn place(sources: &Sources, span: Span) -> Value {
    sources.place(span).map_or(Value::Null, |place| {
        json!({
            "file": place.file.display().to_string(),
            "line": place.line,
            "column": place.column,
        })
    })
}

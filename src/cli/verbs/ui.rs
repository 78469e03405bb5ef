//! `nkapp ui`: the panel, and a check of what the user made of it.

use serde_json::json;

use crate::app::failure::{Failure, FailureKind};
use crate::cli::errand::{Errand, Owed};
use crate::cli::verbs::plain;
use crate::cli::{exit, json};
use crate::domain::diagnostic::Diagnostic;
use crate::present::report;
use crate::present::role::{Role, Row};

pub(super) fn ui(errand: &mut Errand<'_>, is_plain: bool, fresh: bool) -> Result<u8, Failure> {
    // Asked for by name, lines can come from anywhere; by itself only a terminal that cannot draw gets them, so that
    // nothing waits for input where nobody sits.
    if is_plain || (errand.terminal.interactive && !errand.terminal.capable) {
        return Ok(plain::converse(errand));
    }
    if !(errand.terminal.interactive && errand.terminal.stdout) {
        return Err(
            Failure::new(FailureKind::Refused, "the panel needs a terminal")
                .hint("every command works without one")
                .next("nkapp status"),
        );
    }
    errand.ground.panel(fresh, None)
}

/// Says what is wrong with the user's own keys and themes.
pub(super) fn check_keys(errand: &mut Errand<'_>) -> Result<u8, Failure> {
    let looks = errand.ground.looks();
    for (findings, sources) in &looks.findings {
        errand.printer.diagnostics(findings, sources);
    }
    let all: Vec<Diagnostic> = looks
        .findings
        .iter()
        .flat_map(|(findings, _)| findings.iter().cloned())
        .collect();
    let files: Vec<String> = looks
        .files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    if errand.printer.json {
        let findings: Vec<_> = looks
            .findings
            .iter()
            .map(|(findings, sources)| json::diagnostics(findings, sources))
            .collect();
        errand.printer.document(&json!({
            "valid": !all.iter().any(Diagnostic::is_error),
            "files": files,
            "diagnostics": findings,
        }));
        errand.owed = Owed::Nothing;
    }
    if all.iter().any(Diagnostic::is_error) {
        let text = format!("the panel's own files have {}", report::summary(&all));
        let failure = Failure::new(FailureKind::InvalidConfig, text);
        return Err(failure.hint("the panel uses its built-in keys and themes until then"));
    }
    if !errand.printer.json {
        let row = match (files.is_empty(), &looks.folder) {
            (true, Some(folder)) => Row::at(0)
                .with(Role::Plain, "no keymap.yml and no themes in ")
                .with(Role::Path, folder.display().to_string()),
            (true, None) => Row::at(0).with(Role::Plain, "there is no folder for settings"),
            (false, _) => Row::at(0)
                .with(Role::Good, "valid: ")
                .with(Role::Path, files.join(", ")),
        };
        errand.printer.rows(&[row]);
    }
    Ok(exit::DONE)
}

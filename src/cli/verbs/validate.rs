//! `nkapp validate`: every fault of the file in one go.

use serde_json::json;

use crate::app::failure::Failure;
use crate::cli::errand::{Errand, Owed, invalid};
use crate::cli::{exit, json};
use crate::present::report;
use crate::present::role::{Role, Row};
use crate::present::words;

pub(super) fn validate(errand: &mut Errand<'_>) -> Result<u8, Failure> {
    let loaded = errand.ground.load();
    let hydrated = &loaded.hydrated;
    errand
        .printer
        .diagnostics(&hydrated.diagnostics, &hydrated.sources);
    if errand.printer.json {
        let project = hydrated.project.as_ref();
        errand.printer.document(&json!({
            "valid": project.is_some(),
            "project": project.map(|p| p.name.to_string()),
            "environment": project.map(|p| p.env.to_string()),
            "services": project.map(|p| p.services.len()),
            "diagnostics": json::diagnostics(&hydrated.diagnostics, &hydrated.sources),
        }));
        errand.owed = Owed::Nothing;
    }
    let Some(project) = &hydrated.project else {
        return Err(invalid(&loaded));
    };
    if !errand.printer.json {
        let mut row = Row::at(0)
            .with(Role::Good, "valid: ")
            .with(Role::Strong, project.name.as_str())
            .with(Role::Dim, " · ")
            .with(Role::Strong, project.env.as_str())
            .with(Role::Dim, " · ")
            .with(Role::Plain, words::count(project.services.len(), "service"));
        if !hydrated.diagnostics.is_empty() {
            let summary = report::summary(&hydrated.diagnostics);
            row = row.with(Role::Warn, format!(", {summary}"));
        }
        errand.printer.rows(&[row]);
    }
    Ok(exit::DONE)
}

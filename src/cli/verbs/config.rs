//! `nkapp config`: the merged configuration, secrets as references.

use crate::app::failure::{Failure, FailureKind};
use crate::cli::errand::{Errand, invalid};
use crate::cli::exit;

pub(super) fn config(errand: &mut Errand<'_>) -> Result<u8, Failure> {
    let (loaded, _) = errand.project()?;
    let Some(merged) = &loaded.merged else {
        return Err(invalid(&loaded));
    };
    if errand.printer.json {
        let value = serde_json::to_value(merged).map_err(|e| {
            Failure::new(
                FailureKind::Failed,
                "the configuration cannot be written as JSON",
            )
            .source(e.to_string())
        })?;
        errand.printer.document(&value);
    } else {
        let text = serde_yaml::to_string(merged).map_err(|e| {
            Failure::new(
                FailureKind::Failed,
                "the configuration cannot be written as YAML",
            )
            .source(e.to_string())
        })?;
        errand.printer.text(&text);
    }
    Ok(exit::DONE)
}

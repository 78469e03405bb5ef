//! `nkapp changelog`: what changed between versions.

use serde_json::json;

use crate::cli::errand::Errand;
use crate::cli::exit;

const TEXT: &str = include_str!("../../../assets/CHANGELOG.md");

pub(super) fn changelog(errand: &mut Errand<'_>) -> u8 {
    if errand.printer.json {
        errand.printer.document(&json!({"changelog": TEXT}));
    } else {
        errand.printer.text(TEXT);
    }
    exit::DONE
}

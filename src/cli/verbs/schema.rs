//! `nkapp schema`: the JSON Schema of the project file.

use crate::cli::errand::Errand;
use crate::cli::exit;

const TEXT: &str = include_str!("../../../assets/schema/nanokit.schema.json");

pub(super) fn schema(errand: &mut Errand<'_>) -> u8 {
    errand.printer.text(TEXT);
    exit::DONE
}

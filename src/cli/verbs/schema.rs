//! `nkapp schema`: the JSON Schema of the project file.

use crate::app::failure::Failure;
use crate::cli::errand::Errand;
use crate::cli::exit;

const TEXT: &str = include_str!("../../../assets/schema/nanokit.schema.json");

pub(super) fn schema(errand: &mut Errand<'_>) -> Result<u8, Failure> {
    errand.printer.text(TEXT);
    Ok(exit::DONE)
}

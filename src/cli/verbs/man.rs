//! `nkapp man`: the man page, from the definitions of the arguments.

use serde_json::json;

use crate::cli::errand::Errand;
use crate::cli::{docs, exit};

pub(super) fn man(errand: &mut Errand<'_>) -> u8 {
    let page = docs::man();
    let page = String::from_utf8_lossy(&page);
    if errand.printer.json {
        errand.printer.document(&json!({"man": page}));
    } else {
        errand.printer.text(&page);
    }
    exit::DONE
}

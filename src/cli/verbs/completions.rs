//! `nkapp completions`: completions of a shell, from the definitions of the arguments.

use serde_json::json;

use crate::cli::errand::Errand;
use crate::cli::{args, docs, exit};

pub(super) fn completions(errand: &mut Errand<'_>, shell: args::Shell) -> u8 {
    let script = docs::completions(shell);
    let script = String::from_utf8_lossy(&script);
    if errand.printer.json {
        errand.printer.document(&json!({"completions": script}));
    } else {
        errand.printer.text(&script);
    }
    exit::DONE
}

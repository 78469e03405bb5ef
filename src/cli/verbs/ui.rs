//! `nkapp ui`: the panel.

use crate::app::failure::{Failure, FailureKind};
use crate::cli::errand::Errand;

pub(super) fn ui(errand: &mut Errand<'_>) -> Result<u8, Failure> {
    if !(errand.terminal.interactive && errand.terminal.stdout) {
        return Err(
            Failure::new(FailureKind::Refused, "the panel needs a terminal")
                .hint("every command works without one")
                .next("nkapp status"),
        );
    }
    errand.ground.panel()
}

//! `nkapp status`: how everything stands.

use crate::app::command::Command;
use crate::app::failure::Failure;
use crate::app::notice::Notice;
use crate::cli::errand::Errand;
use crate::cli::exit;
use crate::present::rows::status as rows;

pub(super) fn status(errand: &mut Errand<'_>) -> Result<u8, Failure> {
    let answer = errand.question(Command::Status)?;
    for notice in answer.notices {
        if let Notice::Status { report, .. } = notice {
            if errand.printer.json {
                errand
                    .printer
                    .document(&crate::formats::report::status(&report));
            } else {
                let now = errand.ground.now();
                errand.printer.rows(&rows::status(&report, now));
            }
        }
    }
    Ok(exit::DONE)
}

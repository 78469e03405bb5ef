//! `nkapp status`: how everything stands.

use serde_json::Value;

use crate::app::command::Command;
use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::Notice;
use crate::cli::errand::{Errand, Owed};
use crate::cli::{exit, json};
use crate::domain::report::worker::WorkerReport;
use crate::formats::worker;
use crate::present::rows::{status as rows, worker as worker_rows};

pub(super) fn status(errand: &mut Errand<'_>) -> Result<u8, Failure> {
    let answer = errand.question(Command::Status);
    let project = errand.ground.load().hydrated.project.clone();
    let workers = project.map(|project| errand.ground.workers(&project));
    let workers = workers.unwrap_or_default();
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) => {
            // What keeps watch is there also while the platform is not.
            if errand.printer.json {
                let document = with_workers(json::error(&failure), &workers);
                errand.printer.document(&document);
                errand.owed = Owed::Nothing;
            } else if failure.kind != FailureKind::Interrupted {
                let now = errand.ground.now();
                errand.printer.rows(&worker_rows::workers(&workers, now));
            }
            return Err(failure);
        }
    };
    for notice in answer.notices {
        if let Notice::Status { report, .. } = notice {
            if errand.printer.json {
                let document = crate::formats::report::status(&report);
                let document = with_workers(document, &workers);
                errand.printer.document(&document);
            } else {
                let now = errand.ground.now();
                errand.printer.rows(&rows::status(&report, now));
                errand.printer.rows(&worker_rows::workers(&workers, now));
            }
        }
    }
    Ok(exit::DONE)
}

fn with_workers(mut document: Value, workers: &[WorkerReport]) -> Value {
    document["workers"] = workers.iter().map(worker::to_json).collect();
    document
}

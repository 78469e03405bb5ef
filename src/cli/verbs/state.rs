//! `nkapp state`: what was applied last, as people, programs and disasters need it.

use std::sync::Arc;

use serde_json::Value;

use crate::app::command::Command;
use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::Notice;
use crate::app::policy::{self, Context};
use crate::app::session;
use crate::app::snapshot::Snapshot;
use crate::cli::args::State;
use crate::cli::errand::{Answer, Errand};
use crate::cli::{ask, exit};
use crate::domain::record::Record;
use crate::formats::error::FormatError;
use crate::formats::{report, state as document};
use crate::present::role::{Role, Row};
use crate::present::rows::record as rows;
use crate::present::shell::quote;

pub(super) fn state(errand: &mut Errand<'_>, verb: &State) -> Result<u8, Failure> {
    match verb {
        State::Show => show(errand),
        State::Pull => pull(errand),
        State::Push {
            document,
            force,
            yes,
        } => push(errand, document, *force, *yes),
        State::Rebuild { yes } => rebuild(errand, *yes),
    }
}

fn show(errand: &mut Errand<'_>) -> Result<u8, Failure> {
    let answer = errand.question(Command::Record)?;
    let record = record(answer)?;
    print(errand, record.as_deref());
    Ok(exit::DONE)
}

fn print(errand: &mut Errand<'_>, record: Option<&Record>) {
    match (record, errand.printer.json) {
        (Some(record), true) => errand.printer.document(&report::record(record)),
        (None, true) => errand.printer.document(&Value::Null),
        (Some(record), false) => errand.printer.rows(&rows::record(record)),
        (None, false) => errand.printer.rows(&[Row::at(0)
            .with(
                Role::Plain,
                "No state: nothing was deployed from here yet, as far as is kept here",
            )
            .with(Role::Dim, " (`nkapp doctor` looks at what is there)")]),
    }
}

fn pull(errand: &mut Errand<'_>) -> Result<u8, Failure> {
    let answer = errand.question(Command::Record)?;
    let Some(record) = record(answer)? else {
        return Err(
            Failure::new(FailureKind::Failed, "there is no state to print").next("nkapp deploy"),
        );
    };
    let writer = concat!("nkapp ", env!("CARGO_PKG_VERSION"));
    let bytes = document::encode(&record, writer);
    errand.printer.text(&String::from_utf8_lossy(&bytes));
    Ok(exit::DONE)
}

fn push(
    errand: &mut Errand<'_>,
    path: &std::path::Path,
    force: bool,
    yes: bool,
) -> Result<u8, Failure> {
    let (_, project) = errand.project()?;
    let bytes = errand.ground.read(path)?;
    let given = document::decode_given(&bytes).map_err(|e| {
        let failure = Failure::new(FailureKind::Refused, "that is no state document")
            .about(path.display().to_string())
            .source(e.to_string());
        match e {
            FormatError::Checksum { .. } => failure
                .hint("if you changed it on purpose, remove its line `sha256`: what is pushed gets one of its own"),
            other => failure.hint(other.hint()),
        }
    })?;
    if given.scope != project.scope() {
        return Err(Failure::new(
            FailureKind::Locked,
            "that state is of another project, environment or component",
        )
        .about(path.display().to_string()));
    }
    let command = Command::Push {
        record: Arc::new(given),
        force,
    };
    agreed(errand, &command, yes).map_err(|failure| naming(failure, path))?;
    let mut line = errand.connect()?;
    let answer = errand.ask_line(line.as_mut(), command)?;
    let record = record(answer)?;
    print(errand, record.as_deref());
    Ok(exit::DONE)
}

/// Names the file in the command that a refusal advises: the table of wishes knows none.
fn naming(mut failure: Failure, path: &std::path::Path) -> Failure {
    let file = quote(&path.display().to_string());
    failure.next = failure.next.map(|next| next.replace("FILE", &file));
    failure
}

fn rebuild(errand: &mut Errand<'_>, yes: bool) -> Result<u8, Failure> {
    errand.project()?;
    agreed(errand, &Command::Rebuild, yes)?;
    let mut line = errand.connect()?;
    let answer = errand.ask_line(line.as_mut(), Command::Rebuild)?;
    let record = record(answer)?;
    print(errand, record.as_deref());
    Ok(exit::DONE)
}

fn agreed(errand: &mut Errand<'_>, command: &Command, yes: bool) -> Result<(), Failure> {
    let context = Context {
        terminal: errand.terminal.interactive,
        assume_yes: yes,
        force: false,
        read_only: errand.read_only,
    };
    let ruling = policy::judge(command, &Snapshot::default(), context);
    ask::settle(errand, ruling)
}

fn record(answer: Answer) -> Result<Option<Arc<Record>>, Failure> {
    answer
        .notices
        .into_iter()
        .find_map(|notice| match notice {
            Notice::Record { record, .. } => Some(record),
            _ => None,
        })
        .ok_or_else(session::gone)
}

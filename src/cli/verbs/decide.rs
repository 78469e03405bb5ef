//! `nkapp drift accept`, `ignore`, `unignore` and `ignored`: deciding about drift instead of undoing it.

use serde_json::json;

use crate::app::command::{Amendment, Command};
use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::Notice;
use crate::app::policy::{self, Context};
use crate::app::snapshot::Snapshot;
use crate::cli::args::Drift;
use crate::cli::errand::Errand;
use crate::cli::{ask, exit};
use crate::domain::config::near;
use crate::domain::ids::Address;
use crate::domain::project::project::Project;
use crate::domain::report::ignored::span;
use crate::domain::time::Wall;
use crate::formats::{report, text};
use crate::present::role::{Role, Row};
use crate::present::rows::drift as rows;

pub(super) fn decide(errand: &mut Errand<'_>, verb: &Drift) -> Result<u8, Failure> {
    let (_, project) = errand.project()?;
    let amendment = match verb {
        Drift::Ignored => return list(errand),
        Drift::Accept { address, field } => Amendment::Accept {
            address: address_of(&project, address)?,
            path: field.clone(),
        },
        Drift::Ignore {
            subject,
            reason,
            until,
        } => {
            let (address, path) = subject_of(&project, subject)?;
            let until = until.as_deref();
            Amendment::Ignore {
                address,
                path,
                reason: said(reason)?,
                until: until
                    .map(|text| moment(text, errand.ground.now()))
                    .transpose()?,
            }
        }
        Drift::Unignore { subject } => {
            let (address, path) = subject_of(&project, subject)?;
            Amendment::Unignore { address, path }
        }
    };
    let command = Command::Amend { amendment };
    let context = Context {
        terminal: errand.terminal.interactive,
        read_only: errand.read_only,
        ..Context::default()
    };
    let ruling = policy::judge(&command, &Snapshot::default(), context);
    ask::settle(errand, ruling)?;
    let answer = errand.question(command)?;
    let lines = answer.notices.into_iter().find_map(|notice| match notice {
        Notice::Amended { lines, .. } => Some(lines),
        _ => None,
    });
    let lines = lines.unwrap_or_default();
    if errand.printer.json {
        errand.printer.document(&json!({ "done": lines }));
    } else {
        let row = |line: &String| Row::at(0).with(Role::Good, line);
        let rows: Vec<Row> = lines.iter().map(row).collect();
        errand.printer.rows(&rows);
    }
    Ok(exit::DONE)
}

fn list(errand: &mut Errand<'_>) -> Result<u8, Failure> {
    let answer = errand.question(Command::Ignored)?;
    for notice in answer.notices {
        if let Notice::Ignored { all, .. } = notice {
            let now = errand.ground.now();
            if errand.printer.json {
                errand.printer.document(&report::ignored(&all, now));
            } else {
                errand.printer.rows(&rows::ignored(&all, now));
            }
        }
    }
    Ok(exit::DONE)
}

fn said(reason: &str) -> Result<String, Failure> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Failure::new(
            FailureKind::Refused,
            "drift is not ignored without a reason",
        )
        .hint("`--reason` says it to whoever wonders later"));
    }
    Ok(reason.to_owned())
}

fn subject_of(project: &Project, text: &str) -> Result<(Address, Option<String>), Failure> {
    match text.split_once(':') {
        Some((address, path)) if !path.is_empty() => {
            Ok((address_of(project, address)?, Some(path.to_owned())))
        }
        Some((address, _)) => Ok((address_of(project, address)?, None)),
        None => Ok((address_of(project, text)?, None)),
    }
}

/// Reads `service.api`, or `api` for a service of that name. What the file no longer has may still have drifted.
fn address_of(project: &Project, text: &str) -> Result<Address, Failure> {
    if let Some(address) = Address::parse(text) {
        return Ok(address);
    }
    if project.services.contains_key(text) {
        return Ok(Address::service(text));
    }
    let mut failure = Failure::new(FailureKind::Failed, format!("there is no service `{text}`"))
        .hint("networks and volumes are named by their address: `volume.data`")
        .next("nkapp drift");
    let known = project.services.keys().map(String::as_str);
    if let Some(help) = near::suggestion(text, known) {
        failure = failure.hint(help);
    }
    Err(failure)
}

/// Reads `2d`, `12h`, `30m`, `2026-12-24` or a whole time by RFC 3339.
fn moment(given: &str, now: Wall) -> Result<Wall, Failure> {
    let bad = || {
        Failure::new(
            FailureKind::Failed,
            format!("`--until {given}` is no time to come"),
        )
        .hint("write `2d`, `12h`, `30m`, a day such as `2026-12-24`, or a time such as `2026-12-24T18:00:00Z`")
    };
    let at = match span(given) {
        Some(span) => Wall(
            now.0
                .saturating_add_unsigned(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
        ),
        None => text::wall(given)
            .or_else(|_| text::wall(&format!("{given}T00:00:00Z")))
            .map_err(|_| bad())?,
    };
    if at <= now { Err(bad()) } else { Ok(at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_come_are_read_and_anything_else_is_refused() {
        let now = Wall(1_700_000_000_000);
        let cases = [
            ("2d", Some(2 * 86_400_000)),
            ("12h", Some(43_200_000)),
            ("2023-11-15", Some(6_400_000)),
            ("2023-11-14T22:13:21Z", Some(1_000)),
            ("0h", None),
            ("2023-11-14", None),
            ("soon", None),
            ("2é", None),
            ("99999999999d", None),
        ];
        for (given, expected) in cases {
            let read = moment(given, now).ok().map(|at| at.0 - now.0);
            assert_eq!(read, expected, "{given}");
        }
    }
}

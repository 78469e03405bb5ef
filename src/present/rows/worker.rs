//! What workers do, as rows.

use crate::domain::ids::Address;
use crate::domain::report::worker::{Leadership, WorkerReport};
use crate::domain::time::Wall;
use crate::present::human;
use crate::present::role::{Role, Row};

/// Returns a heading for each worker, and below it whatever is not as usual.
#[must_use]
pub fn workers(reports: &[WorkerReport], now: Wall) -> Vec<Row> {
    reports.iter().flat_map(|one| worker(one, now)).collect()
}

fn worker(report: &WorkerReport, now: Wall) -> Vec<Row> {
    let (symbol, role, word) = match &report.leadership {
        Leadership::Leads => ("● ", Role::Good, "leads"),
        Leadership::StandsBy(_) => ("○ ", Role::Dim, "stands by"),
        Leadership::Seeks(_) => ("? ", Role::Warn, "does not lead"),
    };
    let heading = Row::at(0)
        .with(role, symbol)
        .with(Role::Strong, format!("worker {}", report.pid))
        .with(Role::Plain, format!(" ({}) {word}", report.who))
        .with(
            Role::Dim,
            format!(
                " · {} · restore {} · a look every {} s · up {}",
                report.phase.as_str(),
                report.restore.as_str(),
                report.interval_ms / 1000,
                human::between(report.started_at, now)
            ),
        );
    let mut rows = vec![heading];
    let mut line = |role: Role, text: String| rows.push(Row::at(2).with(role, text));
    if let Leadership::Seeks(why) = &report.leadership {
        line(Role::Warn, format!("not leading: {why}"));
    }
    if let Err(why) = &report.platform {
        line(Role::Warn, format!("the platform does not answer: {why}"));
    }
    if let Some(fault) = &report.config_fault {
        line(Role::Warn, format!("the file has errors: {fault}"));
    }
    if let Some(who) = &report.lock_held_by {
        line(
            Role::Plain,
            format!("the lock is held by {who}: it only watches"),
        );
    }
    if !report.restoring.is_empty() {
        line(
            Role::Changed,
            format!("restoring {}", names(&report.restoring)),
        );
    }
    if !report.half_done.is_empty() {
        line(
            Role::Warn,
            format!(
                "a restore of {} was begun and not finished",
                names(&report.half_done)
            ),
        );
    }
    let all = names(&report.pending);
    if !report.pending.is_empty() {
        let text = format!("a restore of {all} waits for you: `nkapp drift --restore`");
        line(Role::Warn, text);
    }
    let held = report.held.iter();
    held.for_each(|(address, why)| line(Role::Plain, format!("{address}: {why}")));
    for waiting in &report.waiting {
        let when = waiting.next_at.map_or_else(String::new, |at| {
            format!(", next in {}", human::between(now, at))
        });
        let tried = match waiting.attempts {
            0 => String::new(),
            1 => ", tried once".to_owned(),
            more => format!(", tried {more} times"),
        };
        line(
            Role::Plain,
            format!(
                "{} waits for {}{tried}{when}",
                waiting.address, waiting.reason
            ),
        );
    }
    for ailing in &report.ailing {
        let needed = match ailing.needed_by.as_slice() {
            [] => String::new(),
            some => format!(", needed by {}", some.join(", ")),
        };
        line(
            Role::Warn,
            format!("{} is {}{needed}", ailing.address, ailing.state),
        );
    }
    if let Some(last) = &report.last {
        let ago = human::between(last.at, now);
        match &last.failure {
            None => line(
                Role::Good,
                format!("restored {} {ago} ago", names(&last.addresses)),
            ),
            Some(why) => line(
                Role::Bad,
                format!("{} not restored {ago} ago: {why}", names(&last.addresses)),
            ),
        }
    }
    rows
}

fn names(addresses: &[Address]) -> String {
    let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    names.join(", ")
}

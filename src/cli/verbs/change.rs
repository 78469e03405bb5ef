//! `nkapp deploy`, `destroy`, `clean`, and the restoring half of `drift`: plan, confirm, execute.
//!
//! With `-y` there is one run that plans once, under the lock. Without it the plan is made and shown first, and
//! the run carries out exactly that plan or refuses it as stale.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::app::command::{Command, Stop};
use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::Notice;
use crate::app::policy::{self, Context};
use crate::app::session;
use crate::app::snapshot::Snapshot;
use crate::cli::args::{How, ScheduleArg};
use crate::cli::ask;
use crate::cli::errand::{Errand, Owed, targets};
use crate::cli::exit;
use crate::cli::ground::{Heard, Line};
use crate::cli::verbs::plan;
use crate::domain::plan::model::{Plan, PlanRequest, Purpose};
use crate::domain::project::project::Project;
use crate::domain::run::options::{RunOptions, Schedule};
use crate::domain::time::Wall;
use crate::present::role::Role;

pub(super) fn change(
    errand: &mut Errand<'_>,
    purpose: Purpose,
    services: &[String],
    saved: Option<&Path>,
    how: &How,
) -> Result<u8, Failure> {
    if errand.printer.json {
        errand.owed = Owed::RunFinished;
    }
    let (_, project) = errand.project()?;
    let mut request = PlanRequest {
        purpose,
        targets: targets(&project, services)?,
    };
    let context = Context {
        terminal: errand.terminal.interactive,
        assume_yes: how.yes,
        force: how.force,
        read_only: errand.read_only,
    };
    // What would be refused with any plan is refused before anything is connected.
    // A clean without force is planned first all the same, so that the refusal names what would be lost.
    let lost = match (&request.purpose, how.force) {
        (Purpose::Clean, false) => {
            let mut line = errand.connect()?;
            Some(make(errand, line.as_mut(), &request)?)
        }
        _ => None,
    };
    let unseen = wish(&request, lost, how);
    if let policy::Ruling::Refuse(failure) = policy::judge(&unseen, &Snapshot::default(), context) {
        return Err(failure);
    }
    let mut line = errand.connect()?;
    let approved = match saved {
        Some(path) => Some(open(errand, line.as_mut(), path)?),
        None if how.yes => None,
        None => Some(make(errand, line.as_mut(), &request)?),
    };
    if let Some(plan) = &approved {
        request.purpose = plan.purpose.clone();
        request.targets.clone_from(&plan.targets);
        if !errand.printer.json && !how.yes {
            plan::show(errand, plan);
        }
        if plan.is_empty() && saved.is_none() && !errand.printer.json {
            return Ok(exit::DONE);
        }
    }
    let command = wish(&request, approved, how);
    let mut ruling = policy::judge(&command, &Snapshot::default(), context);
    if let policy::Ruling::Ask(question) = &mut ruling
        && errand.plain
        && is_grave(&request.purpose, &project)
    {
        // The ritual of the panel: what takes everything down, or touches production, wants the project's name.
        question.typed = project.name.to_string();
    }
    ask::settle(errand, ruling)?;
    carry_out(errand, line.as_mut(), command)
}

fn is_grave(purpose: &Purpose, project: &Project) -> bool {
    let env = project.env.as_str();
    matches!(purpose, Purpose::Destroy | Purpose::Clean) || env.contains("prod") || env == "live"
}

fn wish(request: &PlanRequest, approved: Option<Arc<Plan>>, how: &How) -> Command {
    Command::Run {
        request: request.clone(),
        approved,
        force: how.force,
        options: RunOptions {
            schedule: match how.schedule {
                ScheduleArg::Layered => Schedule::Layered,
                ScheduleArg::Eager => Schedule::Eager,
            },
            parallelism: usize::from(how.parallelism),
        },
        lock_wait: Duration::from_secs(u64::from(how.lock_timeout)),
    }
}

fn open(errand: &mut Errand<'_>, line: &mut dyn Line, path: &Path) -> Result<Arc<Plan>, Failure> {
    let path = errand.ground.folder().join(path);
    let answer = errand.ask_line(line, Command::OpenPlan { path })?;
    plan::planned(answer).map(|(plan, _)| plan)
}

fn make(
    errand: &mut Errand<'_>,
    line: &mut dyn Line,
    request: &PlanRequest,
) -> Result<Arc<Plan>, Failure> {
    let command = Command::Plan {
        request: request.clone(),
        output: None,
        save: false,
    };
    let answer = errand.ask_line(line, command)?;
    plan::planned(answer).map(|(plan, _)| plan)
}

/// Sends a run and follows it to its end. Ctrl-C once drains, twice cancels, three times leaves.
pub(super) fn carry_out(
    errand: &mut Errand<'_>,
    line: &mut dyn Line,
    command: Command,
) -> Result<u8, Failure> {
    line.listen_to_signals();
    let ticket = line.send(command)?;
    errand.printer.start_live();
    let mut snapshot = Snapshot::default();
    let mut drawn = Wall(0);
    let mut interrupts = 0_u32;
    let result = loop {
        match line.hear(errand.printer.frame()) {
            Heard::Notice(notice) => {
                snapshot.apply(&notice);
                match *notice {
                    Notice::Event(event) => errand.event(&event),
                    Notice::Done { ticket: t, .. } if t == ticket => break Ok(exit::DONE),
                    Notice::Failed {
                        ticket: Some(t),
                        failure,
                    } if t == ticket => break Err(failure),
                    _ => {}
                }
            }
            Heard::Tick => {}
            Heard::Interrupt => {
                interrupts += 1;
                if interrupts > 2 {
                    line.abandon();
                    break Err(left());
                }
                stop(errand, line, interrupts)?;
            }
            Heard::Terminate => stop(errand, line, 1)?,
            Heard::Closed => break Err(session::gone()),
        }
        let now = errand.ground.now();
        if now.0 - drawn.0 >= 100 {
            errand.printer.draw(&snapshot, now);
            drawn = now;
        }
    };
    errand.printer.end_live();
    result
}

fn stop(errand: &mut Errand<'_>, line: &mut dyn Line, interrupts: u32) -> Result<(), Failure> {
    let (stop, text) = if interrupts > 1 {
        (
            Stop::Cancel,
            "cancelling what is under way; Ctrl-C once more leaves at once",
        )
    } else {
        (
            Stop::Drain,
            "stopping when what is under way is done; Ctrl-C again cancels it",
        )
    };
    errand.printer.remark(Role::Warn, text);
    line.send(Command::Stop { stop }).map(|_| ())
}

fn left() -> Failure {
    Failure::new(FailureKind::Interrupted, "left while work was under way")
        .hint("what was announced is in the journal; the next run looks what became of it")
        .next("nkapp deploy")
}

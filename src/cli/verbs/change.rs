//! `nkapp deploy`, `destroy`, `clean`, and the restoring half of `drift`: plan, confirm, execute.
//!
//! With `-y` there is one run that plans once, under the lock. Without it the plan is made and shown first, and
//! the run carries out exactly that plan or refuses it as stale.

use std::collections::BTreeSet;
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
use crate::cli::errand::{Errand, Owed, resources, targets};
use crate::cli::exit;
use crate::cli::ground::{Heard, Line};
use crate::cli::inputs;
use crate::cli::verbs::{drift, plan};
use crate::domain::flow::{FlowRequest, Turn};
use crate::domain::plan::model::{Plan, PlanRequest, Purpose};
use crate::domain::plan::procedures::refusal::unanswered;
use crate::domain::plan::typed::with_inputs;
use crate::domain::project::project::Project;
use crate::domain::report::Usual;
use crate::domain::run::options::{RunOptions, Schedule};
use crate::domain::secret::Secret;
use crate::domain::time::Wall;
use crate::present::role::Role;

/// Deploys everything or some services, with the inputs its actions ask for.
pub(super) fn deploy(
    errand: &mut Errand<'_>,
    services: &[String],
    saved: Option<&Path>,
    (given, how): (&[String], &How),
) -> Result<u8, Failure> {
    if errand.printer.json {
        errand.owed = Owed::RunFinished;
    }
    let (_, project) = errand.project()?;
    let flow = FlowRequest {
        inputs: inputs::given(errand, &project, given)?,
        ..FlowRequest::default()
    };
    let request = PlanRequest {
        purpose: Purpose::Deploy,
        targets: targets(&project, services)?,
        flow,
    };
    carry(errand, &project, request, saved, how)
}

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
    let targets = match purpose {
        Purpose::Restore => resources(&project, services)?,
        Purpose::Deploy | Purpose::Destroy | Purpose::Clean | Purpose::Act => {
            targets(&project, services)?
        }
    };
    let request = PlanRequest {
        purpose,
        targets,
        flow: FlowRequest::default(),
    };
    carry(errand, &project, request, saved, how)
}

/// Plans what is asked for, lets it be agreed to, and carries it out.
pub(super) fn carry(
    errand: &mut Errand<'_>,
    project: &Project,
    mut request: PlanRequest,
    saved: Option<&Path>,
    how: &How,
) -> Result<u8, Failure> {
    let context = Context {
        terminal: errand.terminal.interactive,
        assume_yes: how.yes,
        force: how.force,
        read_only: errand.read_only,
    };
    // What would be refused with any plan is refused before anything is connected. That nobody can be asked is not: a
    // plan that does nothing needs nobody.
    // A clean without force is planned first all the same, so that the refusal names what would be lost.
    let lost = match (&request.purpose, how.force) {
        (Purpose::Clean, false) => {
            let mut line = errand.connect()?;
            Some(make(errand, line.as_mut(), &request)?.0)
        }
        _ => None,
    };
    let unseen = wish(&lacking(project, &request), lost, how);
    let anyhow = Context {
        terminal: true,
        ..context
    };
    if let policy::Ruling::Refuse(failure) = policy::judge(&unseen, &Snapshot::default(), anyhow) {
        return Err(failure);
    }
    let mut line = errand.connect()?;
    if request.purpose == Purpose::Restore && request.targets.is_empty() {
        request.targets = drift::counting(errand, line.as_mut())?;
    }
    let (approved, usual) = match saved {
        Some(path) => (Some(open(errand, line.as_mut(), path)?), None),
        None if how.yes => (None, None),
        None => {
            let (plan, usual) = make(errand, line.as_mut(), &request)?;
            (Some(plan), usual)
        }
    };
    let approved = complete(errand, line.as_mut(), (project, &mut request), approved)?;
    if let Some(plan) = &approved {
        request.purpose = plan.purpose.clone();
        request.targets.clone_from(&plan.targets);
        if !errand.printer.json && !how.yes {
            plan::show(errand, plan);
            let known = (usual.as_deref(), options(how));
            plan::say_time(errand, plan, project, known);
        }
        let gives_up = request.flow.turn == Turn::Abort;
        if plan.is_empty() && saved.is_none() && !errand.printer.json && !gives_up {
            return Ok(exit::DONE);
        }
    }
    let command = wish(&request, approved, how);
    let mut ruling = policy::judge(&command, &Snapshot::default(), context);
    if let policy::Ruling::Ask(question) = &mut ruling
        && errand.plain
        && is_grave(&request.purpose, project)
    {
        // The ritual of the panel: what takes everything down, or touches production, wants the project's name.
        question.typed = project.name.to_string();
    }
    ask::settle(errand, ruling)?;
    carry_out(errand, line.as_mut(), command)
}

/// Returns the request with an empty value for each input that its action is known to lack, so that a refusal names them.
fn lacking(project: &Project, request: &PlanRequest) -> PlanRequest {
    let mut request = request.clone();
    let named = request.targets.first();
    let procedure = named.and_then(|name| project.procedure(name));
    let begins = request.purpose == Purpose::Act && request.flow.turn == Turn::Fresh;
    for input in procedure.iter().flat_map(|one| &one.inputs) {
        if begins && input.required && input.default.is_none() {
            let value = request.flow.inputs.entry(input.name.clone());
            value.or_insert_with(|| Secret::new(String::new()));
        }
    }
    request
}

/// Asks for the inputs a plan lacks, and makes it again with them.
fn complete(
    errand: &mut Errand<'_>,
    line: &mut dyn Line,
    (project, request): (&Project, &mut PlanRequest),
    approved: Option<Arc<Plan>>,
) -> Result<Option<Arc<Plan>>, Failure> {
    let Some(plan) = approved else {
        return Ok(None);
    };
    let missing = unanswered(project, &plan);
    if missing.is_empty() {
        return Ok(Some(plan));
    }
    let names: BTreeSet<&String> = missing.iter().map(|input| &input.name).collect();
    let mut next = with_inputs(request.command(), names);
    if !errand.terminal.interactive {
        next.push_str(" -y");
    }
    let asked = inputs::ask(errand, line, (&missing, &next))?;
    request.flow.inputs.extend(asked);
    make(errand, line, request).map(|(plan, _)| Some(plan))
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
        options: options(how),
        lock_wait: Duration::from_secs(u64::from(how.lock_timeout)),
    }
}

fn options(how: &How) -> RunOptions {
    RunOptions {
        schedule: match how.schedule {
            ScheduleArg::Layered => Schedule::Layered,
            ScheduleArg::Eager => Schedule::Eager,
        },
        parallelism: usize::from(how.parallelism),
        unseen: false,
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
) -> Result<(Arc<Plan>, Option<Arc<Usual>>), Failure> {
    let command = Command::Plan {
        request: request.clone(),
        output: None,
        save: false,
    };
    let answer = errand.ask_line(line, command)?;
    let usual = plan::usual_in(&answer);
    plan::planned(answer).map(|(plan, _)| (plan, usual))
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
            Heard::Terminate | Heard::Hangup => stop(errand, line, 1)?,
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

//! Who may wish what, as one table: (command, snapshot, context) → allow, ask, or refuse. Pure.
//!
//! The front ends ask before they send; the session asks again when a wish arrives, for the one rule that
//! depends on its own state: at most one run at a time.

use crate::app::command::{Class, Command};
use crate::app::failure::{Failure, FailureKind};
use crate::app::snapshot::Snapshot;
use crate::domain::flow::FlowRequest;
use crate::domain::ids::Address;
use crate::domain::lease::Verdict;
use crate::domain::plan::model::{Plan, PlanRequest, Purpose};

/// Who wishes, and with which flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Somebody can be asked.
    pub terminal: bool,
    /// `-y`: somebody has agreed beforehand.
    pub assume_yes: bool,
    /// `--force`: losing data was agreed to.
    pub force: bool,
    /// Nothing may be changed from here.
    pub read_only: bool,
}

/// A question that has to be answered before a wish is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What will happen.
    pub text: String,
    /// What has to be typed to agree.
    pub typed: String,
}

/// What the table says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Send it.
    Allow,
    /// Ask first.
    Ask(Question),
    /// Do not send it, because.
    Refuse(Failure),
}

/// Looks a wish up in the table.
///
/// In this order: nothing is changed from a read-only session; one run at a time; data needs `--force`; an unlock by force
/// needs a reason; what was agreed beforehand or does nothing is allowed; a terminal is asked; the rest is refused.
#[must_use]
pub fn judge(command: &Command, snapshot: &Snapshot, context: Context) -> Ruling {
    let class = command.class();
    if matches!(class, Class::Read | Class::Steer) {
        return Ruling::Allow;
    }
    if context.read_only {
        return Ruling::Refuse(read_only());
    }
    match command {
        Command::Unlock { request } => judge_unlock(request, snapshot, context),
        Command::Run {
            request,
            approved,
            force,
            ..
        } => one_at_a_time(snapshot).unwrap_or_else(|| {
            let context = Context {
                force: *force || context.force,
                ..context
            };
            judge_run(request, approved.as_deref(), context)
        }),
        Command::Restore {
            addresses,
            approved,
            ..
        } => one_at_a_time(snapshot).unwrap_or_else(|| {
            let request = PlanRequest {
                purpose: Purpose::Restore,
                targets: addresses.iter().map(Address::target).collect(),
                flow: FlowRequest::default(),
            };
            judge_run(&request, approved.as_deref(), context)
        }),
        Command::Rebuild => one_at_a_time(snapshot).unwrap_or_else(|| {
            agree(
                context,
                "the record is made anew from the labels of what runs".to_owned(),
                "yes",
                "nkapp state rebuild -y",
            )
        }),
        Command::Push { force, .. } => one_at_a_time(snapshot).unwrap_or_else(|| {
            let next = match force {
                true => "nkapp state push --force FILE -y",
                false => "nkapp state push FILE -y",
            };
            let text = "the recorded state is replaced by that document".to_owned();
            agree(context, text, "yes", next)
        }),
        // Naming what is accepted or set aside is the agreement; nothing that runs is touched.
        Command::Amend { .. } => one_at_a_time(snapshot).unwrap_or(Ruling::Allow),
        // What is run inside a service takes no lock and may go on beside a run.
        Command::Exec { .. }
        | Command::Plan { .. }
        | Command::OpenPlan { .. }
        | Command::Status
        | Command::Drift
        | Command::Lock { .. }
        | Command::LockHistory
        | Command::Record
        | Command::Runs
        | Command::RunEvents { .. }
        | Command::StepOutput { .. }
        | Command::Logs { .. }
        | Command::Stored
        | Command::Installs
        | Command::Ignored
        | Command::Watch { .. }
        | Command::Look
        | Command::Prove
        | Command::Lead
        | Command::Resign
        | Command::Reload
        | Command::Stop { .. }
        | Command::Forget { .. } => Ruling::Allow,
    }
}

/// Refuses a mutating wish while a run is under way.
#[must_use]
pub fn one_at_a_time(snapshot: &Snapshot) -> Option<Ruling> {
    let run = snapshot.run.as_ref().filter(|run| run.finished.is_none())?;
    Some(Ruling::Refuse(busy(&run.command)))
}

/// The failure every wish gets that changes something in a read-only session.
#[must_use]
pub fn read_only() -> Failure {
    Failure::new(FailureKind::Refused, "this session is read-only")
        .hint("it was opened with `--read-only`, or `NANOKIT_READ_ONLY` is set")
}

/// The failure a second mutating wish gets.
#[must_use]
pub fn busy(command: &str) -> Failure {
    let what = if command.is_empty() { "run" } else { command };
    Failure::new(
        FailureKind::Locked,
        format!("a {what} is under way in this session"),
    )
    .hint("wait for its end, or cancel it")
}

fn judge_run(request: &PlanRequest, approved: Option<&Plan>, context: Context) -> Ruling {
    let purpose = &request.purpose;
    let word = purpose.as_str();
    let data: Vec<String> = approved
        .map(|plan| plan.destructive().iter().map(ToString::to_string).collect())
        .unwrap_or_default();
    if (*purpose == Purpose::Clean || !data.is_empty()) && !context.force {
        let mut failure = Failure::new(FailureKind::Refused, format!("{word} deletes data"))
            .next(format!("{} --force", request.command()));
        if data.is_empty() {
            failure = failure.hint("volumes and everything in them are removed");
        } else {
            failure = failure.hint(format!("data would be lost: {}", data.join(", ")));
        }
        return Ruling::Refuse(failure);
    }
    if approved.is_some_and(Plan::is_empty) {
        return Ruling::Allow;
    }
    let text = match purpose {
        Purpose::Deploy => "the plan above is carried out".to_owned(),
        Purpose::Destroy => "services and networks are removed, volumes stay".to_owned(),
        Purpose::Clean if data.is_empty() => {
            "services, networks and volumes are removed".to_owned()
        }
        Purpose::Clean => format!(
            "everything is removed, with the data of {}",
            data.join(", ")
        ),
        Purpose::Restore => "drifted resources are put back as recorded".to_owned(),
        Purpose::Act => "the steps above are carried out".to_owned(),
    };
    let next = format!("{} -y", request.command());
    agree(context, text, "yes", &next)
}

fn judge_unlock(
    request: &crate::app::command::UnlockRequest,
    snapshot: &Snapshot,
    context: Context,
) -> Ruling {
    if request.force && request.reason.as_deref().unwrap_or("").trim().is_empty() {
        return Ruling::Refuse(
            Failure::new(FailureKind::Refused, "an unlock by force needs a reason")
                .next("nkapp infra unlock LOCK_ID --force --reason \"why\""),
        );
    }
    if request.force {
        // The lock id, typed or given as an argument, is the agreement.
        if request.lock_id.is_some() {
            return Ruling::Allow;
        }
        let typed = match snapshot.lock.as_ref().map(|lock| lock.name()) {
            None => "yes".to_owned(),
            Some(Some(name)) => name.to_string(),
            Some(None) => {
                let text = "there is no lock that could be cleared";
                return Ruling::Refuse(
                    Failure::new(FailureKind::Refused, text).next("nkapp infra lock"),
                );
            }
        };
        if !context.terminal {
            return Ruling::Refuse(
                Failure::new(
                    FailureKind::Refused,
                    "without a terminal an unlock by force needs the lock id",
                )
                .next(format!(
                    "nkapp infra unlock {typed} --force --reason \"why\""
                )),
            );
        }
        return Ruling::Ask(Question {
            text: "the lock is taken from its holder, whatever it is doing".to_owned(),
            typed,
        });
    }
    if snapshot
        .lock
        .as_ref()
        .is_some_and(|lock| lock.verdict == Verdict::Free)
    {
        return Ruling::Allow;
    }
    agree(
        context,
        "the lock is cleared if its holder is proven dead".to_owned(),
        "yes",
        "nkapp infra unlock -y",
    )
}

fn agree(context: Context, text: String, typed: &str, next: &str) -> Ruling {
    if context.assume_yes {
        return Ruling::Allow;
    }
    if context.terminal {
        return Ruling::Ask(Question {
            text,
            typed: typed.to_owned(),
        });
    }
    Ruling::Refuse(
        Failure::new(
            FailureKind::Refused,
            "nobody can be asked: there is no terminal and `-y` was not given",
        )
        .next(next),
    )
}

#[cfg(test)]
mod tests;

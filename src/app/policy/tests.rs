//! The policy table, row by row.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::app::command::{ExecRequest, UnlockRequest};
use crate::domain::flow::Turn;
use crate::domain::history::view::RunView;
use crate::domain::ids::LockId;
use crate::domain::run::options::{RunOptions, Schedule};
use crate::domain::secret::Secret;

fn run(purpose: Purpose, force: bool) -> Command {
    Command::Run {
        request: PlanRequest {
            purpose,
            targets: BTreeSet::new(),
            flow: FlowRequest::default(),
        },
        approved: None,
        force,
        options: RunOptions {
            schedule: Schedule::Layered,
            parallelism: 4,
            unseen: false,
        },
        lock_wait: Duration::ZERO,
    }
}

fn unlock(id: bool, force: bool, reason: Option<&str>) -> Command {
    Command::Unlock {
        request: UnlockRequest {
            lock_id: id.then(|| LockId::new("abc")),
            version: None,
            force,
            reason: reason.map(Into::into),
        },
    }
}

fn exec() -> Command {
    Command::Exec {
        request: ExecRequest {
            service: "api".into(),
            instance: None,
            argv: vec!["true".into()],
            interactive: false,
        },
    }
}

fn word(ruling: &Ruling) -> &'static str {
    match ruling {
        Ruling::Allow => "allow",
        Ruling::Ask(_) => "ask",
        Ruling::Refuse(failure) => match failure.kind {
            FailureKind::Refused => "refuse",
            FailureKind::Locked => "busy",
            FailureKind::Failed | FailureKind::InvalidConfig | FailureKind::Interrupted => "other",
        },
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row of the table a line")]
fn every_row_of_the_table_holds() {
    let none = Context::default();
    let tty = Context {
        terminal: true,
        ..none
    };
    let yes = Context {
        assume_yes: true,
        ..none
    };
    let force = Context {
        force: true,
        assume_yes: true,
        ..none
    };
    let read_only = Context {
        read_only: true,
        assume_yes: true,
        ..none
    };
    let idle = Snapshot::default();
    let busy = Snapshot {
        run: Some(RunView::default()),
        ..Snapshot::default()
    };
    let why = Some("the machine burned");
    let cases = [
        ("read anywhere", Command::Status, &busy, read_only, "allow"),
        ("steer while busy", Command::Reload, &busy, none, "allow"),
        (
            "deploy, nobody to ask",
            run(Purpose::Deploy, false),
            &idle,
            none,
            "refuse",
        ),
        (
            "deploy, terminal",
            run(Purpose::Deploy, false),
            &idle,
            tty,
            "ask",
        ),
        (
            "deploy -y",
            run(Purpose::Deploy, false),
            &idle,
            yes,
            "allow",
        ),
        (
            "deploy, read-only",
            run(Purpose::Deploy, false),
            &idle,
            read_only,
            "refuse",
        ),
        (
            "deploy while one runs",
            run(Purpose::Deploy, false),
            &busy,
            yes,
            "busy",
        ),
        (
            "destroy, terminal",
            run(Purpose::Destroy, false),
            &idle,
            tty,
            "ask",
        ),
        (
            "destroy -y",
            run(Purpose::Destroy, false),
            &idle,
            yes,
            "allow",
        ),
        (
            "clean -y without force",
            run(Purpose::Clean, false),
            &idle,
            yes,
            "refuse",
        ),
        (
            "clean, terminal without force",
            run(Purpose::Clean, false),
            &idle,
            tty,
            "refuse",
        ),
        (
            "clean, terminal, force",
            run(Purpose::Clean, true),
            &idle,
            tty,
            "ask",
        ),
        (
            "clean -y --force",
            run(Purpose::Clean, false),
            &idle,
            force,
            "allow",
        ),
        (
            "restore, nobody to ask",
            run(Purpose::Restore, false),
            &idle,
            none,
            "refuse",
        ),
        (
            "rebuild while one runs",
            Command::Rebuild,
            &busy,
            yes,
            "busy",
        ),
        ("rebuild, terminal", Command::Rebuild, &idle, tty, "ask"),
        ("exec while one runs", exec(), &busy, none, "allow"),
        ("exec, read-only", exec(), &idle, read_only, "refuse"),
        (
            "unlock, nobody to ask",
            unlock(false, false, None),
            &idle,
            none,
            "refuse",
        ),
        (
            "unlock, terminal",
            unlock(false, false, None),
            &idle,
            tty,
            "ask",
        ),
        ("unlock -y", unlock(false, false, None), &idle, yes, "allow"),
        (
            "unlock --force without reason",
            unlock(true, true, None),
            &idle,
            force,
            "refuse",
        ),
        (
            "unlock --force, blank reason",
            unlock(true, true, Some(" ")),
            &idle,
            force,
            "refuse",
        ),
        (
            "unlock --force, id given",
            unlock(true, true, why),
            &idle,
            none,
            "allow",
        ),
        (
            "unlock --force, no id, -y",
            unlock(false, true, why),
            &idle,
            yes,
            "refuse",
        ),
        (
            "unlock --force, no id, terminal",
            unlock(false, true, why),
            &idle,
            tty,
            "ask",
        ),
    ];
    for (name, command, snapshot, context, expected) in cases {
        let ruling = judge(&command, snapshot, context);
        assert_eq!(word(&ruling), expected, "{name}: {ruling:?}");
    }
}

#[test]
fn a_plan_that_does_nothing_needs_no_answer() {
    let mut command = run(Purpose::Deploy, false);
    let plan = crate::app::sample::empty_plan();
    assert!(plan.is_empty());
    if let Command::Run { approved, .. } = &mut command {
        *approved = Some(Arc::new(plan));
    }
    let ruling = judge(&command, &Snapshot::default(), Context::default());
    assert_eq!(ruling, Ruling::Allow);
}

#[test]
fn a_refusal_names_the_next_command_with_all_that_was_asked_for() {
    let pin: &[&str] = &["PIN"];
    let cases = [
        (
            Purpose::Deploy,
            "",
            Turn::Fresh,
            pin,
            "nkapp deploy --input PIN=VALUE -y",
        ),
        (
            Purpose::Deploy,
            "api",
            Turn::Fresh,
            &[],
            "nkapp deploy api -y",
        ),
        (Purpose::Clean, "", Turn::Fresh, &[], "nkapp clean --force"),
        (
            Purpose::Clean,
            "api",
            Turn::Fresh,
            &[],
            "nkapp clean api --force",
        ),
        (
            Purpose::Restore,
            "api",
            Turn::Fresh,
            &[],
            "nkapp drift --restore api -y",
        ),
        (
            Purpose::Act,
            "mend",
            Turn::Fresh,
            pin,
            "nkapp action run mend --input PIN=VALUE -y",
        ),
        (
            Purpose::Act,
            "mend",
            Turn::Resume,
            &[],
            "nkapp action run mend --resume -y",
        ),
        (
            Purpose::Act,
            "mend",
            Turn::Abort,
            &[],
            "nkapp action run mend --abort -y",
        ),
    ];
    for (purpose, target, turn, inputs, next) in cases {
        let mut command = run(purpose, false);
        if let Command::Run { request, .. } = &mut command {
            request.targets = target.split_whitespace().map(str::to_owned).collect();
            request.flow.turn = turn;
            let inputs = inputs.iter();
            let inputs = inputs.map(|name| ((*name).to_owned(), Secret::new("4711".to_owned())));
            request.flow.inputs = inputs.collect();
        }
        let ruling = judge(&command, &Snapshot::default(), Context::default());
        let Ruling::Refuse(failure) = ruling else {
            panic!("not refused");
        };
        assert_eq!(failure.next.as_deref(), Some(next));
    }
}

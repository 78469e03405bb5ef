//! `nkapp demo`: a whole project at work, on a screen or in a script.

use crate::app::command::Command;
use crate::app::failure::Failure;
use crate::app::notice::Notice;
use crate::cli::args::{How, Platform, ScheduleArg};
use crate::cli::errand::Errand;
use crate::cli::verbs::{change, plan, status};
use crate::domain::flow::FlowRequest;
use crate::domain::plan::model::{PlanRequest, Purpose};
use crate::present::role::{Role, Row};
use std::collections::BTreeSet;

pub(super) fn demo(errand: &mut Errand<'_>, provider: Option<Platform>) -> Result<u8, Failure> {
    let provider = provider.map(|platform| match platform {
        Platform::Docker => "docker",
        Platform::Process => "process",
    });
    let (folder, remark) = errand.ground.demo(provider)?;
    if let Some(remark) = remark {
        errand.printer.remark(Role::Warn, &remark);
    }
    let file = folder.join("nanokit.yml").display().to_string();
    if errand.terminal.interactive && errand.terminal.stdout && !errand.printer.json {
        return crate::cli::verbs::ui::ui(errand, false, false);
    }
    if !errand.printer.json {
        show_plan(errand)?;
    }
    let how = How {
        yes: true,
        force: false,
        parallelism: 8,
        schedule: ScheduleArg::Layered,
        lock_timeout: 60,
    };
    let code = change::change(errand, Purpose::Deploy, &[], None, &how)?;
    if !errand.printer.json {
        status::status(errand)?;
        errand.printer.rows(&[
            Row::default(),
            Row::at(0)
                .with(Role::Plain, "The demo runs on. Edit ")
                .with(Role::Path, &file)
                .with(Role::Plain, " as its first lines suggest, then: ")
                .with(Role::Key, format!("nkapp deploy -f {file}")),
            Row::at(0)
                .with(Role::Plain, "Remove it with: ")
                .with(Role::Key, format!("nkapp destroy -y -f {file}"))
                .with(Role::Plain, " (volumes stay; ")
                .with(Role::Key, "nkapp clean -y --force")
                .with(Role::Plain, " removes them too)"),
        ]);
    }
    Ok(code)
}

fn show_plan(errand: &mut Errand<'_>) -> Result<(), Failure> {
    let answer = errand.question(Command::Plan {
        request: PlanRequest {
            purpose: Purpose::Deploy,
            targets: BTreeSet::new(),
            flow: FlowRequest::default(),
        },
        output: None,
        save: false,
    })?;
    for notice in answer.notices {
        if let Notice::Planned { plan, .. } = notice {
            plan::show(errand, &plan);
        }
    }
    Ok(())
}

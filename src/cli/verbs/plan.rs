//! `nkapp plan`: what a deploy would do, and why.

use std::path::Path;
use std::sync::Arc;

use crate::app::command::Command;
use crate::app::failure::Failure;
use crate::app::notice::Notice;
use crate::app::session;
use crate::cli::errand::{Answer, Errand, targets};
use crate::cli::exit;
use crate::cli::printer::Verbosity;
use crate::domain::flow::FlowRequest;
use crate::domain::plan::model::{Plan, PlanRequest, Purpose};
use crate::domain::project::project::Project;
use crate::domain::report::Usual;
use crate::domain::run::options::RunOptions;
use crate::present::role::{Role, Row};
use crate::present::rows::forecast;
use crate::present::rows::plan::{self as rows, Detail};

pub(super) fn plan(
    errand: &mut Errand<'_>,
    services: &[String],
    output: Option<&Path>,
    detailed: bool,
) -> Result<u8, Failure> {
    let (_, project) = errand.project()?;
    let request = PlanRequest {
        purpose: Purpose::Deploy,
        targets: targets(&project, services)?,
        flow: FlowRequest::default(),
    };
    let mut line = errand.connect()?;
    let answer = errand.ask_line(
        line.as_mut(),
        Command::Plan {
            request,
            output: output.map(|path| errand.ground.folder().join(path)),
            save: true,
        },
    )?;
    let usual = usual_in(&answer);
    let (plan, saved_at) = planned(answer)?;
    if errand.printer.json {
        let document = crate::formats::plan::to_json(&plan);
        errand.printer.document(&document);
    } else {
        show(errand, &plan);
        let options = RunOptions::default();
        say_time(errand, &plan, &project, (usual.as_deref(), options));
        if saved_at.is_none() && !plan.is_empty() {
            let text =
                "The plan could not be saved under .nanokit/plans; `nkapp deploy` makes it anew";
            errand.printer.remark(Role::Warn, text);
        }
        if let (Some(path), false) = (saved_at, plan.is_empty()) {
            let folder = errand.ground.folder();
            let path = Path::new(&path);
            let path = path.strip_prefix(&folder).unwrap_or(path).display();
            errand.printer.remark(
                Role::Dim,
                &format!("Saved as {path}; `nkapp deploy --plan {path}` carries out exactly this"),
            );
        }
    }
    Ok(if detailed && !plan.is_empty() {
        exit::FOUND
    } else {
        exit::DONE
    })
}

/// Prints a plan as a result.
pub(super) fn show(errand: &mut Errand<'_>, plan: &Plan) {
    let rows = rows(errand, plan);
    errand.printer.rows(&rows);
}

/// Says how long a plan will probably take, where past runs were looked at. It is no part of the plan: that is the
/// same whatever was done before.
pub(super) fn say_time(
    errand: &mut Errand<'_>,
    plan: &Arc<Plan>,
    project: &Project,
    (usual, options): (Option<&Usual>, RunOptions),
) {
    let said = usual.and_then(|usual| forecast::said(plan, Some(project), usual, options));
    if let Some(time) = said {
        errand.printer.remark(Role::Dim, &format!("Takes {time}"));
    }
}

/// Finds in an answer how long steps usually take.
pub(super) fn usual_in(answer: &Answer) -> Option<Arc<Usual>> {
    answer.notices.iter().find_map(|notice| match notice {
        Notice::Usual(usual) => Some(Arc::clone(usual)),
        _ => None,
    })
}

/// Returns a plan as rows, in as much detail as the flags ask for.
pub(super) fn rows(errand: &Errand<'_>, plan: &Plan) -> Vec<Row> {
    let more = errand.printer.verbosity == Verbosity::Verbose;
    let detail = Detail {
        steps: more,
        unchanged: more,
        fields: more,
    };
    rows::plan(plan, detail)
}

/// Finds the plan in an answer.
pub(super) fn planned(answer: Answer) -> Result<(Arc<Plan>, Option<String>), Failure> {
    answer
        .notices
        .into_iter()
        .find_map(|notice| match notice {
            Notice::Planned { plan, saved_at, .. } => Some((plan, saved_at)),
            _ => None,
        })
        .ok_or_else(session::gone)
}

//! The one line that stays on the normal screen when the panel is left.

use crate::domain::ids::ResourceKind;
use crate::present::clean;
use crate::present::human::duration;
use crate::present::words::{count, with_warnings};
use crate::tui::model::Model;
use crate::tui::words::between;

/// Says how things stood: the run that was on show, else how many services are ready.
#[must_use]
pub fn report(model: &Model) -> String {
    let project = model
        .snapshot
        .config
        .as_ref()
        .and_then(|config| config.project.as_ref());
    let Some(project) = project else {
        return String::new();
    };
    let name = format!("{} ({})", project.name, project.env);
    let mut text = match &model.snapshot.run {
        Some(run) => match &run.finished {
            Some((at, outcome, _, message)) => {
                let took = duration(between(run.started, *at));
                let why = message.as_deref().and_then(|m| m.lines().next());
                let why = why.map_or_else(String::new, |why| format!(": {why}"));
                let outcome = with_warnings(outcome, run.warnings.len());
                format!(
                    "{name}: {} {outcome} after {took}{why}; nkapp run show {}",
                    run.command, run.run_id
                )
            }
            None => format!(
                "{name}: {} was still under way; nkapp run show {}",
                run.command, run.run_id
            ),
        },
        None => String::new(),
    };
    if text.is_empty()
        && let Some(report) = &model.snapshot.status
    {
        let services = || {
            report
                .resources
                .values()
                .filter(|status| status.desired && status.address.kind == ResourceKind::Service)
        };
        let ready = services().filter(|status| status.ready).count();
        let all = count(services().count(), "service");
        text = format!("{name}: {ready} of {all} ready");
    }
    clean::line(&text)
}

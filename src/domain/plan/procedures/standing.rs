//! What a deploy is besides: a setup, an upgrade, or neither; and what is over once it ended well.

use crate::domain::flow::{Flow, Standing, Turn};
use crate::domain::plan::model::{PlanRequest, Purpose};
use crate::domain::project::procedure::{Occasion, Procedure};
use crate::domain::project::project::Project;
use crate::domain::record::Record;

/// What a deploy of everything is besides, and the name of the flow it begins or goes on with.
#[must_use]
pub fn due(project: &Project, record: Option<&Record>) -> Option<(Occasion, String)> {
    let standing = record.map_or_else(Standing::fresh, |record| record.standing.clone());
    if !standing.set_up {
        return Some((Occasion::Setup, "setup".to_owned()));
    }
    let moved = |wanted: &Option<String>, known: &Option<String>| {
        wanted.as_ref().is_some_and(|_| wanted != known)
    };
    let versions = (&project.version, &standing.version);
    let own = (&project.actions_version, &standing.actions_version);
    if !moved(versions.0, versions.1) && !moved(own.0, own.1) {
        return None;
    }
    let mut parts = Vec::new();
    for (word, (new, old)) in [("version", versions), ("actions_version", own)] {
        if moved(new, old) {
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
            parts.push(format!("{word} {} -> {}", text(old), text(new)));
        }
    }
    Some((Occasion::Upgrade, format!("upgrade {}", parts.join(", "))))
}

/// Tells whether a flow is there to be gone on with: a manual one until it is over, another while a deploy is about it.
/// One for another purpose begins anew.
#[must_use]
pub fn is_open(procedure: &Procedure, flow: &Flow, due: Option<&str>) -> bool {
    match procedure.occasion {
        Occasion::Manual => true,
        Occasion::Setup | Occasion::Upgrade => due == Some(flow.purpose.as_str()),
    }
}

/// Returns the unfinished flows a request takes up: those it goes on with, and the one it names to be given up.
pub fn taken_up<'r>(
    project: &Project,
    record: &'r Record,
    request: &'r PlanRequest,
) -> impl Iterator<Item = (&'r str, &'r Flow)> {
    let due = due(project, Some(record)).map(|(_, purpose)| purpose);
    let asked = move |name: &String, flow: &Flow| match request.purpose {
        Purpose::Act => request.targets.contains(name) && request.flow.turn != Turn::Fresh,
        Purpose::Deploy => request.targets.is_empty() && due.as_ref() == Some(&flow.purpose),
        Purpose::Restore | Purpose::Destroy | Purpose::Clean => false,
    };
    let flows = record.flows.iter();
    let flows = flows.filter(move |(name, flow)| asked(name, flow));
    flows.map(|(name, flow)| (name.as_str(), flow))
}

/// Returns the secret inputs a flow is given again when it goes on: their values are kept nowhere.
pub fn owed<'f>(project: &Project, flow: &'f Flow) -> impl Iterator<Item = &'f String> {
    let declared = |name: &&String| {
        let mut all = project.procedures.iter().flat_map(|one| &one.inputs);
        all.any(|input| input.name == **name)
    };
    flow.secrets.iter().filter(declared)
}

/// Takes a run that ended well into the record: versions have moved, flows are over.
pub fn conclude(record: &mut Record, project: &Project, request: &PlanRequest) {
    let manual = |name: &String, _: &mut Flow| {
        let known = project.procedure(name);
        known.is_some_and(|known| known.occasion == Occasion::Manual)
    };
    let whole = request.targets.is_empty();
    match request.purpose {
        Purpose::Deploy if whole => {
            let known = &record.standing;
            record.standing = Standing {
                set_up: true,
                version: project.version.clone().or(known.version.clone()),
                actions_version: project
                    .actions_version
                    .clone()
                    .or(known.actions_version.clone()),
            };
            record.flows.retain(manual);
        }
        Purpose::Clean if whole && record.resources.is_empty() => {
            record.standing = Standing::fresh();
            record.flows.clear();
        }
        Purpose::Act => {
            for name in &request.targets {
                let own = project.procedure(name).map(|found| found.occasion);
                if own == Some(Occasion::Manual) {
                    record.flows.remove(name);
                } else {
                    record.flows.retain(manual);
                }
            }
        }
        Purpose::Deploy | Purpose::Destroy | Purpose::Clean | Purpose::Restore => {}
    }
}

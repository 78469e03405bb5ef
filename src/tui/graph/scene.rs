//! From the snapshot to what is drawn: services of the file, those that only run, and where asked what they stand on.

use std::collections::BTreeSet;

use crate::app::snapshot::Snapshot;
use crate::domain::ids::{Address, ResourceKind};
use crate::domain::plan::model::{Action, ActionKind};
use crate::domain::project::service::{MountSource, Service};
use crate::tui::graph::shape::Needs;

/// Collects what is drawn; `infra` adds networks and volumes.
#[must_use]
pub fn needs(snapshot: &Snapshot, infra: bool) -> Needs {
    let mut needs = Needs::new();
    let project = snapshot.known();
    for service in project
        .into_iter()
        .flat_map(|project| project.services.values())
    {
        needs.insert(service.address(), needs_of(service, infra));
    }
    let known = |address: &Address| infra || address.kind == ResourceKind::Service;
    let status = snapshot.status.as_deref();
    for address in status
        .into_iter()
        .flat_map(|status| status.resources.keys())
    {
        if known(address) {
            needs.entry(address.clone()).or_default();
        }
    }
    let plan = snapshot.plan.as_deref();
    let actions = plan.map_or(&[][..], |plan| plan.actions.as_slice());
    for action in actions.iter().filter(|action| known(&action.address)) {
        needs.entry(action.address.clone()).or_default();
    }
    for action in actions.iter().filter(|action| is_removal(action)) {
        // What goes waits for its dependents: they go first.
        for user in &action.depends_on {
            if let Some(on) = needs.get_mut(user).filter(|_| known(&action.address)) {
                on.insert(action.address.clone());
            }
        }
    }
    needs
}

fn is_removal(action: &Action) -> bool {
    action.kind == ActionKind::Delete
}

fn needs_of(service: &Service, infra: bool) -> BTreeSet<Address> {
    let names = service.depends_on.keys();
    let mut needs: BTreeSet<Address> = names.map(|name| Address::service(name)).collect();
    if infra {
        needs.extend(service.networks.keys().map(|name| Address::network(name)));
        needs.extend(
            service
                .mounts
                .iter()
                .filter_map(|mount| match &mount.source {
                    MountSource::Volume(name) => Some(Address::volume(name)),
                    MountSource::Bind { .. } => None,
                }),
        );
    }
    needs
}

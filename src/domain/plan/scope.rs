//! Which resources a plan is about: everything, single services with what they stand on, or what has to go.

use std::collections::BTreeSet;

use crate::domain::ids::{Address, Lineage, ResourceKind};
use crate::domain::live::Live;
use crate::domain::plan::model::{PlanWarning, Purpose};
use crate::domain::plan::world::{World, found_lineages};
use crate::domain::project::service::{MountSource, Service};

/// Returns the lineage that all labelled live objects share, if there is exactly one: what a state is rebuilt
/// from.
#[must_use]
pub fn found_lineage(live: &Live) -> Option<Lineage> {
    match found_lineages(live).as_slice() {
        [(one, _)] => Some(one.clone()),
        _ => None,
    }
}

/// Returns the lineages that live objects carry, with how many objects each has. Of `shared` infrastructure only
/// instances count: its networks and volumes belong to somebody else's state.
#[must_use]
pub fn found(live: &Live, shared: bool) -> Vec<(Lineage, usize)> {
    if !shared {
        return found_lineages(live);
    }
    found_lineages(&Live {
        instances: live.instances.clone(),
        ..Live::default()
    })
}

/// What a plan looks at.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Resources of the file that are compared.
    pub(super) compared: BTreeSet<Address>,
    /// Resources that go.
    pub(super) removed: BTreeSet<Address>,
    /// Volumes that stay though what uses them goes.
    pub(super) kept: BTreeSet<Address>,
    /// Targets nobody knows.
    pub(super) warnings: Vec<PlanWarning>,
}

/// Selects for the purpose and the targets of the request.
pub(super) fn select(world: &World<'_>) -> Selection {
    let request = world.input.request;
    let mut selection = Selection::default();
    let targets: BTreeSet<Address> = request
        .targets
        .iter()
        .filter(|_| request.purpose != Purpose::Act)
        .filter_map(|text| {
            let known = address_of(world, text);
            if known.is_none() {
                selection.warnings.push(PlanWarning {
                    address: None,
                    text: format!(
                        "nothing is called {text} here, neither in the file nor in the state"
                    ),
                    blocks: false,
                });
            }
            known
        })
        .collect();
    let limited = !request.targets.is_empty();
    match request.purpose {
        Purpose::Deploy | Purpose::Restore if limited => {
            selection.compared = world
                .input
                .graph
                .subgraph(&targets)
                .addresses()
                .cloned()
                .collect();
        }
        Purpose::Deploy => {
            selection.compared = world.input.graph.addresses().cloned().collect();
            selection.removed = existing(world);
            selection
                .removed
                .retain(|a| !selection.compared.contains(a));
        }
        Purpose::Restore => {
            let recorded = world
                .input
                .record
                .into_iter()
                .flat_map(|r| r.resources.keys());
            selection.compared = recorded
                .filter(|address| world.input.graph.contains(address))
                .cloned()
                .collect();
        }
        // It is about procedures only.
        Purpose::Act => {}
        Purpose::Destroy | Purpose::Clean => take_down(world, &targets, limited, &mut selection),
    }
    selection
}

fn take_down(
    world: &World<'_>,
    targets: &BTreeSet<Address>,
    limited: bool,
    selection: &mut Selection,
) {
    let clean = world.input.request.purpose == Purpose::Clean;
    let all = existing(world);
    for address in &all {
        let goes = match address.kind {
            ResourceKind::Service | ResourceKind::Network => !limited || targets.contains(address),
            ResourceKind::Volume if clean => {
                !limited || targets.contains(address) || only_used_by(world, address, targets)
            }
            ResourceKind::Volume | ResourceKind::Procedure => false,
        };
        if goes {
            selection.removed.insert(address.clone());
        } else if address.kind == ResourceKind::Volume && !limited {
            selection.kept.insert(address.clone());
        }
    }
}

/// Everything that is recorded or live as ours; with shared infrastructure neither networks nor volumes.
fn existing(world: &World<'_>) -> BTreeSet<Address> {
    let mut all: BTreeSet<Address> = world
        .input
        .record
        .into_iter()
        .flat_map(|r| r.resources.keys())
        .cloned()
        .collect();
    all.extend(world.live_services().map(Address::service));
    all.extend(world.live_networks().map(|name| Address::network(name)));
    all.extend(world.live_volumes().map(|name| Address::volume(name)));
    if world.input.project.shared_infra {
        all.retain(|address| address.kind == ResourceKind::Service);
    }
    // What was made by hand in our place is ours to take, never ours to remove.
    all.retain(|address| match address.kind {
        ResourceKind::Service | ResourceKind::Procedure => true,
        ResourceKind::Network => {
            world.recorded(address).is_some()
                || world
                    .network(&address.name)
                    .is_some_and(|network| network.lineage.is_some())
        }
        ResourceKind::Volume => {
            world.recorded(address).is_some()
                || world
                    .volume(&address.name)
                    .is_some_and(|volume| volume.lineage.is_some())
        }
    });
    all
}

fn only_used_by(world: &World<'_>, volume: &Address, targets: &BTreeSet<Address>) -> bool {
    let of_file = |service: &&Service| {
        service.mounts.iter().any(|mount| match &mount.source {
            MountSource::Volume(name) => *name == volume.name,
            MountSource::Bind { .. } => false,
        })
    };
    let desired = world.input.project.services.values().filter(of_file);
    let mut users: BTreeSet<Address> = desired.map(Service::address).collect();
    if let Some(record) = world.input.record {
        let recorded = record.resources.values();
        let recorded = recorded.filter(|resource| resource.depends_on.contains(volume));
        users.extend(recorded.map(|resource| resource.address.clone()));
    }
    !users.is_empty() && users.is_subset(targets)
}

/// Reads a target: the name of a service, else an address.
fn address_of(world: &World<'_>, text: &str) -> Option<Address> {
    let service = Address::service(text);
    let known = |address: &Address| {
        world.input.graph.contains(address)
            || world.recorded(address).is_some()
            || (address.kind == ResourceKind::Service && !world.instances(&address.name).is_empty())
    };
    if known(&service) {
        return Some(service);
    }
    Address::parse(text).filter(known)
}

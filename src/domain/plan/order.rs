//! Layers and edges of a plan: dependencies before what needs them, dependents away before what they need.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::graph::build::Graph;
use crate::domain::ids::{Address, ResourceKind};
use crate::domain::plan::digest::fingerprint;
use crate::domain::plan::draft::Draft;
use crate::domain::plan::model::{Action, ActionKind};
use crate::domain::plan::world::World;

type Edges = BTreeMap<Address, BTreeSet<Address>>;

/// Puts the drafts in order and returns the layers and the actions, in the order of the layers.
pub(super) fn arrange(world: &World<'_>, drafts: Vec<Draft>) -> (Vec<Vec<Address>>, Vec<Action>) {
    let removed: BTreeSet<Address> = drafts
        .iter()
        .filter(|draft| draft.kind == ActionKind::Delete)
        .map(|draft| draft.address.clone())
        .collect();
    let mut edges: Edges = drafts
        .iter()
        .map(|draft| (draft.address.clone(), BTreeSet::new()))
        .collect();
    for (address, needs) in &mut edges {
        if !removed.contains(address) {
            *needs = world.input.graph.dependencies(address);
            needs.retain(|need| !removed.contains(need));
        }
    }
    if !removed.is_empty() {
        for_removal(world, &removed, &mut edges);
    }
    let layers = Graph::from_edges(&edges).layers();
    let mut layer_of: BTreeMap<&Address, usize> = BTreeMap::new();
    for (layer, addresses) in layers.iter().enumerate() {
        layer_of.extend(addresses.iter().map(|address| (address, layer)));
    }
    let mut by_address: BTreeMap<Address, Draft> = drafts
        .into_iter()
        .map(|draft| (draft.address.clone(), draft))
        .collect();
    let mut actions = Vec::with_capacity(by_address.len());
    for (layer, addresses) in layers.iter().enumerate() {
        for address in addresses {
            if let Some(draft) = by_address.remove(address) {
                let mut needs = edges.remove(address).unwrap_or_default();
                // An edge inside a layer closes a ring; what came of it waits for nothing it would wait for in vain.
                needs.retain(|need| layer_of.get(need).is_some_and(|other| *other < layer));
                actions.push(action(world, draft, layer, needs));
            }
        }
    }
    (layers, actions)
}

fn action(world: &World<'_>, draft: Draft, layer: usize, depends_on: BTreeSet<Address>) -> Action {
    let service = match (draft.address.kind, draft.kind) {
        (_, ActionKind::Delete) | (ResourceKind::Network | ResourceKind::Volume, _) => None,
        (ResourceKind::Service, ActionKind::Create | ActionKind::Update | ActionKind::Noop) => {
            world.input.project.services.get(&draft.address.name)
        }
    };
    let optional = depends_on
        .iter()
        .filter(|need| {
            let edge = service.and_then(|s| s.depends_on.get(&need.name));
            need.kind == ResourceKind::Service && edge.is_some_and(|edge| !edge.required)
        })
        .cloned()
        .collect();
    Action {
        address: draft.address,
        kind: draft.kind,
        strategy: draft.strategy,
        reason: draft.reason,
        layer,
        depends_on,
        optional,
        fingerprint: fingerprint(&draft.seen),
        seen: draft.seen,
        changes: draft.changes,
        steps: draft.steps,
    }
}

/// Adds the edges of what goes: after its dependents, and before whoever wants its port on the host.
fn for_removal(world: &World<'_>, removed: &BTreeSet<Address>, edges: &mut Edges) {
    let dependents = dependents(world);
    let takers = port_takers(world, removed, edges);
    let mut urgent: BTreeSet<Address> = takers.keys().cloned().collect();
    let mut queue: Vec<Address> = urgent.iter().cloned().collect();
    while let Some(address) = queue.pop() {
        for dependent in dependents.get(&address).into_iter().flatten() {
            if removed.contains(dependent) && urgent.insert(dependent.clone()) {
                queue.push(dependent.clone());
            }
        }
    }
    let unrecorded: BTreeSet<Address> = removed
        .iter()
        .filter(|a| a.kind == ResourceKind::Service && world.recorded(a).is_none())
        .cloned()
        .collect();
    for address in removed {
        let mut waits = dependents.get(address).cloned().unwrap_or_default();
        if address.kind != ResourceKind::Service {
            waits.extend(unrecorded.iter().cloned());
        }
        // Who waits for a freed port must not be waited for in turn.
        let hurried = urgent.contains(address);
        waits
            .retain(|w| w != address && edges.contains_key(w) && (!hurried || removed.contains(w)));
        if let Some(needs) = edges.get_mut(address) {
            needs.extend(waits);
        }
    }
    for (from, takers) in takers {
        for taker in takers {
            if let Some(needs) = edges.get_mut(&taker) {
                needs.insert(from.clone());
            }
        }
    }
}

/// Returns who depended on what: by the record, and by the file where something of the file goes.
fn dependents(world: &World<'_>) -> Edges {
    let mut dependents = Edges::new();
    let mut add = |on: &Address, who: &Address| {
        dependents
            .entry(on.clone())
            .or_default()
            .insert(who.clone());
    };
    for resource in world
        .input
        .record
        .into_iter()
        .flat_map(|r| r.resources.values())
    {
        for need in &resource.depends_on {
            add(need, &resource.address);
        }
    }
    for (address, needs) in world.input.graph.edges() {
        for need in needs {
            add(need, address);
        }
    }
    dependents
}

/// Returns removed service → services of this plan that publish its port.
fn port_takers(world: &World<'_>, removed: &BTreeSet<Address>, edges: &Edges) -> Edges {
    let mut wanted: BTreeMap<String, Vec<Address>> = BTreeMap::new();
    for service in world.input.project.services.values() {
        let address = service.address();
        if let Some(port) = service.port
            && edges.contains_key(&address)
            && !removed.contains(&address)
        {
            wanted.entry(port.to_string()).or_default().push(address);
        }
    }
    let mut takers = Edges::new();
    for address in removed.iter().filter(|a| a.kind == ResourceKind::Service) {
        let recorded = world.recorded(address).and_then(|r| r.model.get("port"));
        let live = world
            .instances(&address.name)
            .iter()
            .find_map(|l| l.model.get("port"));
        let port = recorded.or(live).map(|field| field.value.as_str());
        if let Some(found) = port.and_then(|port| wanted.get(port)) {
            takers.insert(address.clone(), found.iter().cloned().collect());
        }
    }
    takers
}

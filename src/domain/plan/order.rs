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
pub(super) fn arrange(
    world: &World<'_>,
    mut drafts: Vec<Draft>,
) -> (Vec<Vec<Address>>, Vec<Action>) {
    drafts.sort_by(|a, b| a.address.cmp(&b.address));
    let removes = drafts.iter().any(|draft| draft.kind == ActionKind::Delete);
    let addresses = drafts.iter().map(|draft| &draft.address);
    let whole = !removes && addresses.eq(world.input.graph.addresses());
    let ranked = if whole {
        // Every draft is of the file and every resource of the file has one: the graph is the order.
        world.input.graph.ranked()
    } else {
        Graph::from_edges(&edges_of(world, &drafts)).ranked()
    };
    let mut placed: Vec<Vec<Action>> = Vec::new();
    for (draft, (layer, needs)) in drafts.into_iter().zip(ranked) {
        if placed.len() <= layer {
            placed.resize_with(layer + 1, Vec::new);
        }
        if let Some(actions) = placed.get_mut(layer) {
            actions.push(action(world, draft, layer, needs));
        }
    }
    let layers = placed
        .iter()
        .map(|actions| actions.iter().map(|a| a.address.clone()).collect())
        .collect();
    (layers, placed.into_iter().flatten().collect())
}

fn edges_of(world: &World<'_>, drafts: &[Draft]) -> Edges {
    let removed: BTreeSet<Address> = drafts
        .iter()
        .filter(|draft| draft.kind == ActionKind::Delete)
        .map(|draft| draft.address.clone())
        .collect();
    let mut edges = Edges::new();
    for draft in drafts {
        let needs = if removed.contains(&draft.address) {
            BTreeSet::new()
        } else {
            let mut needs = world.input.graph.dependencies(&draft.address);
            needs.retain(|need| !removed.contains(need));
            needs
        };
        edges.insert(draft.address.clone(), needs);
    }
    if !removed.is_empty() {
        for_removal(world, &removed, &mut edges);
    }
    edges
}

fn action(world: &World<'_>, draft: Draft, layer: usize, depends_on: BTreeSet<Address>) -> Action {
    let service = match (draft.address.kind, draft.kind) {
        (_, ActionKind::Delete)
        | (ResourceKind::Network | ResourceKind::Volume | ResourceKind::Procedure, _) => None,
        (
            ResourceKind::Service,
            ActionKind::Create | ActionKind::Update | ActionKind::Noop | ActionKind::Run,
        ) => world.input.project.services.get(&draft.address.name),
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

//! Differences that matter to nobody: what a platform or a hand added without changing what was asked for.
//!
//! They are neither drift nor restored, and shown only on request.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::Address;
use crate::domain::live::LiveInstance;
use crate::domain::model::{Field, path};
use crate::domain::plan::model::{Cause, Change};
use crate::domain::plan::world::World;
use crate::domain::record::RecordedResource;

/// Finds them for every recorded service.
pub(super) fn cosmetic(world: &World<'_>) -> BTreeMap<Address, Vec<Change>> {
    let recorded = world.input.record.into_iter().flat_map(|r| &r.resources);
    let found = recorded.filter_map(|(address, resource)| {
        let live = world.instances(&address.name);
        let several = live.len() > 1;
        let all: Vec<Change> = live
            .iter()
            .filter(|one| resource.instances.values().any(|known| known.id == one.id))
            .flat_map(|one| of_instance(world, one, resource, several))
            .collect();
        (!all.is_empty()).then(|| (address.clone(), all))
    });
    found.collect()
}

fn of_instance(
    world: &World<'_>,
    live: &LiveInstance,
    recorded: &RecordedResource,
    several: bool,
) -> Vec<Change> {
    let mut found = Vec::new();
    let mut note = |field: &str, before: Option<String>, after: Option<String>| {
        found.push(Change {
            path: field.to_owned(),
            instance: several.then_some(live.instance),
            before,
            after,
            cause: Cause::Drift,
            sensitive: false,
        });
    };
    for (field, value) in &live.model {
        let is_network = field.starts_with(path::NETWORKS);
        match recorded.model.get(field) {
            // A network nobody asked for is no trifle: it is drift already.
            None if is_network || value.sensitive => {}
            None if is_unasked(field) => {}
            None => note(field, Some(value.value.clone()), None),
            Some(known) if is_network => {
                let network = field.strip_prefix(path::NETWORKS).unwrap_or_default();
                let is_taken =
                    |alias: &str| world.is_name_of_another(network, alias, &live.service);
                let extra = beyond(value, known, live, &is_taken);
                if !extra.is_empty() {
                    let shown = Some(known.value.clone()).filter(|text| !text.is_empty());
                    note(field, Some(extra.join(",")), shown);
                }
            }
            Some(_) => {}
        }
    }
    found
}

/// Fields no record has under that name.
fn is_unasked(field: &str) -> bool {
    matches!(field, path::STATUS | path::NAME | path::IMAGE)
}

/// Aliases beyond those that were asked for, the platform's own (the short id) left out, and names of other services:
/// to take one is no trifle.
fn beyond<'a>(
    live: &'a Field,
    known: &Field,
    one: &LiveInstance,
    is_taken: &dyn Fn(&str) -> bool,
) -> Vec<&'a str> {
    let known: BTreeSet<&str> = known.value.split(',').collect();
    live.value
        .split(',')
        .filter(|alias| !alias.is_empty() && !known.contains(alias))
        .filter(|alias| !is_taken(alias))
        .filter(|alias| !one.id.as_str().starts_with(alias))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::graph::build::Graph;
    use crate::domain::plan::tests::lab::{Lab, service};
    use crate::domain::report::drift::{drift, everything};

    #[test]
    fn a_further_alias_is_no_drift_but_is_there_for_who_asks() {
        let mut lab = Lab::deployed(vec![service("api")]);
        let before = {
            let graph = Graph::of(&lab.project);
            drift(&lab.input(&graph, &everything()))
        };
        assert!(before.cosmetic.is_empty(), "{:?}", before.cosmetic);
        let field = format!("{}default", path::NETWORKS);
        let live = lab.instance("api", 0);
        let aliases = live
            .model
            .get(&field)
            .map_or(String::new(), |f| f.value.clone());
        let more = format!("{aliases},{},by-hand", &live.id.0);
        live.model.insert(field.clone(), Field::plain(more));
        let graph = Graph::of(&lab.project);
        let after = drift(&lab.input(&graph, &everything()));
        assert!(after.drifted.is_empty(), "{:?}", after.drifted);
        let changes = &after.cosmetic[&Address::service("api")];
        assert_eq!(
            (changes.len(), changes[0].path.as_str()),
            (1, field.as_str())
        );
        assert_eq!(changes[0].before.as_deref(), Some("by-hand"));
    }
}

//! The networks of one instance: which it left, which it joined on the side, which aliases it lost or took.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::model::{Model, path};
use crate::domain::plan::instance::{Fix, Verdict};
use crate::domain::plan::model::{Cause, Change};
use crate::domain::plan::world::World;
use crate::domain::project::naming;

/// Networks a platform gives to instances that asked for none.
const PLATFORM_NETWORKS: [&str; 3] = ["bridge", "host", "none"];

impl Verdict<'_, '_> {
    /// Networks left, joined, or joined without the wanted aliases.
    pub(super) fn networks(&mut self) {
        let case = self.case;
        if !case.world.input.capabilities.networks_in_place {
            let edited = |change: &Change| change.path.starts_with(path::NETWORKS);
            self.replace |= case.config.iter().any(edited);
            return;
        }
        let wanted = networks_of(case.wanted);
        let live = networks_of(&self.live.model);
        for (&name, &aliases) in &wanted {
            self.one_network(name, aliases, live.get(name).copied());
        }
        for (&name, &aliases) in &live {
            let platform = wanted.is_empty() && PLATFORM_NETWORKS.contains(&name);
            if wanted.contains_key(name) || platform {
                continue;
            }
            let field = format!("{}{name}", path::NETWORKS);
            let edited = case.recorded.is_some_and(|r| r.model.contains_key(&field));
            if !edited && self.leaves(&field) {
                continue;
            }
            if !edited {
                self.note(&field, Some(aliases), None, case.drift_or_config());
            }
            let known = case.world.input.project.networks.contains_key(name)
                || case.world.network(name).is_some();
            let provider_name = match case.world.network(name) {
                Some(network) => network.name.clone(),
                None if known => naming::network_name(&case.world.scope, name),
                None => name.to_owned(),
            };
            self.fixes.insert(Fix::Leave(provider_name));
        }
    }
    fn one_network(&mut self, name: &str, aliases: &str, live: Option<&str>) {
        let case = self.case;
        let field = format!("{}{name}", path::NETWORKS);
        let recorded = case
            .recorded
            .and_then(|r| r.model.get(&field))
            .map(|f| f.value.as_str());
        let remade = case.ground.remade_networks.contains(name);
        let at = (case.service.name.as_str(), name);
        let differs = |wanted: &str| {
            live.is_none_or(|live| !covers(live, wanted) || takes(case.world, at, (live, wanted)))
        };
        if recorded.is_some_and(differs) && !remade && self.leaves(&field) {
            return;
        }
        if recorded.is_some_and(differs) {
            self.note(&field, live, Some(aliases), Cause::Drift);
        } else if case.recorded.is_none() && differs(aliases) {
            self.note(&field, live, Some(aliases), Cause::Config);
        }
        if !differs(aliases) && !remade {
            return;
        }
        if !self.runs() {
            // A stopped instance may still point to a network that is gone, and then cannot start.
            self.replace = true;
        } else if live.is_some() && !remade {
            let there = case.world.network(name).map_or_else(
                || naming::network_name(&case.world.scope, name),
                |network| network.name.clone(),
            );
            self.fixes.insert(Fix::Rejoin(name.to_owned(), there));
        } else {
            self.fixes.insert(Fix::Join(name.to_owned()));
        }
    }
}

/// Tells whether the live aliases of a service take a name from another one: it would be found at both.
fn takes(
    world: &World<'_>,
    (service, network): (&str, &str),
    (live, wanted): (&str, &str),
) -> bool {
    let wanted: BTreeSet<&str> = wanted.split(',').collect();
    let mut extra = live.split(',').filter(|alias| !wanted.contains(alias));
    extra.any(|alias| world.is_name_of_another(network, alias, service))
}

/// Returns network → aliases of a model.
pub(super) fn networks_of(model: &Model) -> BTreeMap<&str, &str> {
    model
        .range(path::NETWORKS.to_owned()..)
        .map_while(|(field, value)| {
            let name = field.strip_prefix(path::NETWORKS)?;
            Some((name, value.value.as_str()))
        })
        .collect()
}

/// Tells whether the live aliases hold all wanted ones; further ones (Docker's short id) do no harm, as long
/// as nobody else is called that.
fn covers(live: &str, wanted: &str) -> bool {
    let live: BTreeSet<&str> = live.split(',').collect();
    wanted.split(',').all(|alias| live.contains(alias))
}

//! Makes a record out of what carries our labels, for when the state is lost or damaged.

use std::collections::BTreeMap;

use crate::domain::flow::Standing;
use crate::domain::ids::{Address, Instance, Lineage, OpId, Scope, check_name};
use crate::domain::live::{Live, LiveInstance, Status};
use crate::domain::plan::scope::found_lineage;
use crate::domain::project::canonical::{
    network_model, recreate_hash, service_model, volume_model,
};
use crate::domain::project::naming::instance_name;
use crate::domain::project::project::Project;
use crate::domain::record::{Record, RecordedInstance, RecordedResource, Teardown};
use crate::engine::damage;
use crate::engine::discover::{digests, observe, resolve};
use crate::engine::held::{Place, under_lock};
use crate::engine::keeper::Keeper;
use crate::engine::lock_history::StateDeed;
use crate::engine::reconcile::EngineError;
use crate::formats::text::hex;
use crate::ports::random::Random;
use crate::ports::world::World;

/// Rebuilds the record under the lock and stores it.
pub(super) async fn rebuild<W: World>(
    place: &Place<'_, W>,
    project: &Project,
) -> Result<Record, EngineError> {
    let world = place.world;
    under_lock(place, project, ("state rebuild", true), async |held| {
        let stored = damage::replaceable(world, &project.scope()).await?;
        let live = observe(world, project).await?;
        // A state that can still be read keeps its key, or every secret would seem to have changed.
        let (known, found) = known(world, project, &live).await;
        let mut record = made_of(world, project, &live, known.as_ref()).await?;
        let highest = damage::highest_serial(world).await;
        record.serial = highest;
        if let Some(known) = known {
            record.serial = known.serial.max(highest);
            record.strays = known.strays;
        }
        let keeper = Keeper::anew(stored, record.clone());
        let deed = StateDeed {
            act: "rebuild",
            found,
            put: format!(
                "{} resources of lineage {}",
                record.resources.len(),
                record.lineage
            ),
        };
        Ok(held.replace(keeper, &deed).await?.unwrap_or(record))
    })
    .await
}

/// Finds the record that lends identity and digest key: the state itself or, where that is lost, its newest copy of
/// what is there. Says too what was found.
async fn known<W: World>(world: &W, project: &Project, live: &Live) -> (Option<Record>, String) {
    let scope = project.scope();
    match Keeper::open(world, &scope).await {
        Ok(keeper) => match keeper.record() {
            Some(record) => {
                let found = format!("serial {} of lineage {}", record.serial, record.lineage);
                // Of a state none of whose objects is here, nothing is to be kept.
                let there = found_lineage(live).is_none_or(|there| there == record.lineage);
                (there.then(|| record.clone()), found)
            }
            None => (copy(world, &scope, live).await, "no state".to_owned()),
        },
        Err(error) => (copy(world, &scope, live).await, error.to_string()),
    }
}

async fn copy<W: World>(world: &W, scope: &Scope, live: &Live) -> Option<Record> {
    let lineage = found_lineage(live)?;
    damage::newest_copy(world, scope, Some(&lineage)).await
}

async fn made_of<W: World>(
    world: &W,
    project: &Project,
    live: &Live,
    known: Option<&Record>,
) -> Result<Record, EngineError> {
    let lineage = match (found_lineage(live), known) {
        (_, Some(known)) => known.lineage.clone(),
        (Some(found), None) => found,
        (None, None) => {
            return Err(EngineError::Invalid(
                "there is nothing to rebuild a state from: no object here carries the labels of this project, or several lineages do".to_owned(),
            ));
        }
    };
    let key = if let Some(known) = known {
        known.digest_key.clone()
    } else {
        let mut key = [0; 32];
        world.random().fill(&mut key);
        hex(&key)
    };
    let secrets = resolve(world, project, true).await?;
    let digests = digests(&key, &secrets);
    let mut record = Record::new(lineage.clone(), key, project.scope());
    record.engine.clone_from(&live.engine);
    // What runs was set up once; at which version nobody knows any more.
    record.standing = Standing::default();
    let ours = |found: Option<&Lineage>| found == Some(&lineage);
    for network in live.networks.iter().filter(|n| ours(n.lineage.as_ref())) {
        if let Some(name) = network
            .network
            .as_ref()
            .filter(|name| check_name(name).is_ok())
        {
            let mut entry = RecordedResource::blank(Address::network(name));
            entry.model.clone_from(&network.model);
            if let Some(desired) = project.networks.get(name) {
                let desired = network_model(desired);
                // What the platform chose by itself (a subnet) nobody asked for, and nobody misses.
                entry.model.retain(|path, _| desired.contains_key(path));
                for (path, field) in desired {
                    entry.model.entry(path).or_insert(field);
                }
            }
            entry.id = Some(network.id.clone());
            entry.hash = network.hash.clone().unwrap_or_default();
            record.resources.insert(entry.address.clone(), entry);
        }
    }
    for volume in live.volumes.iter().filter(|v| ours(v.lineage.as_ref())) {
        if let Some(name) = volume
            .volume
            .as_ref()
            .filter(|name| check_name(name).is_ok())
        {
            let mut entry = RecordedResource::blank(Address::volume(name));
            entry.model = project
                .volumes
                .get(name)
                .map(volume_model)
                .unwrap_or_default();
            entry.id = Some(volume.id.clone());
            record.resources.insert(entry.address.clone(), entry);
        }
    }
    services((project, known), live, &lineage, &digests, &mut record);
    Ok(record)
}

/// The instances of a lineage by service and number. What carries labels of ours that we would never write is somebody
/// else's; of several with one number it is the one that was recorded, or else the one with the right name.
fn rightful<'a>(
    live: &'a Live,
    (lineage, known): (&Lineage, Option<&Record>),
    scope: &Scope,
) -> BTreeMap<&'a str, BTreeMap<Instance, &'a LiveInstance>> {
    let mut found: BTreeMap<&str, BTreeMap<Instance, &LiveInstance>> = BTreeMap::new();
    let ours = live.instances.iter().filter(|one| !one.one_off);
    let ours = ours.filter(|one| one.lineage.as_ref() == Some(lineage));
    for one in ours.filter(|one| check_name(&one.service).is_ok()) {
        let recorded = known
            .and_then(|known| known.resources.get(&Address::service(&one.service)))
            .and_then(|service| service.instances.get(&one.instance));
        let rank = |one: &LiveInstance| {
            (
                recorded.is_some_and(|recorded| recorded.id == one.id),
                one.name == instance_name(scope, &one.service, one.instance),
            )
        };
        let place = found.entry(&one.service).or_default().entry(one.instance);
        let best = place.or_insert(one);
        if rank(one) > rank(best) {
            *best = one;
        }
    }
    found
}

/// Takes every service over whose instances carry our lineage. Where an instance bears the hash of what the file
/// asks for, the file's model is what was applied; otherwise what can be read back is all that is known.
fn services(
    (project, known): (&Project, Option<&Record>),
    live: &Live,
    lineage: &Lineage,
    digests: &crate::domain::project::canonical::SecretDigests,
    record: &mut Record,
) {
    for (name, ones) in rightful(live, (lineage, known), &project.scope()) {
        let mut entry = RecordedResource::blank(Address::service(name));
        let ones: Vec<_> = ones.into_values().collect();
        let desired = project.services.get(name);
        let wanted = desired.map(|service| service_model(service, project, digests));
        let hash = wanted.as_ref().map(recreate_hash);
        let fits = hash.is_some() && ones.iter().all(|one| one.hash == hash);
        entry.model = match wanted {
            Some(model) if fits => model,
            Some(_) | None => ones
                .first()
                .map(|one| one.model.clone())
                .unwrap_or_default(),
        };
        entry.hash = ones
            .first()
            .and_then(|one| one.hash.clone())
            .unwrap_or_default();
        if let Some(service) = desired {
            entry.depends_on = crate::domain::graph::build::needs_of(service);
            entry.teardown = Teardown {
                prestop: service.hooks.prestop.clone(),
                poststop: service.hooks.poststop.clone(),
                stop_grace: service.stop_grace,
                stop_signal: service.stop_signal.clone(),
            };
            entry.installed = service
                .provisioning
                .as_ref()
                .filter(|_| fits)
                .map(|p| p.manifest.clone());
        }
        for one in ones {
            entry.instances.insert(
                one.instance,
                RecordedInstance {
                    id: one.id.clone(),
                    name: one.name.clone(),
                    image_id: one.image_id.clone(),
                    op: one.op.clone().unwrap_or_else(OpId::default),
                    ready: matches!(one.status, Status::Running | Status::Exited(0)),
                },
            );
        }
        record.resources.insert(entry.address.clone(), entry);
    }
}

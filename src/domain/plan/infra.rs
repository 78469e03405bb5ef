//! Networks and volumes against what is wanted, and what their fate means for the services on them.

use std::collections::BTreeSet;

use crate::domain::ids::{Address, ResourceKind, StepId};
use crate::domain::live::{LiveNetwork, LiveVolume};
use crate::domain::model::{Model, path};
use crate::domain::plan::diff::{change, config_changes, creation_changes, plain};
use crate::domain::plan::draft::Draft;
use crate::domain::plan::instance::short_id;
use crate::domain::plan::model::{
    ActionKind, Cause, Change, Purpose, Step, StepKind, StepPlace, Strategy,
};
use crate::domain::plan::reason;
use crate::domain::plan::world::World;
use crate::domain::plan::writer::Writer;
use crate::domain::project::canonical::{network_model, volume_model};
use crate::domain::project::project::{Network, Volume};
use crate::domain::record::RecordedResource;

/// What happens to the ground services stand on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ground {
    /// Networks this plan makes, or makes anew: whoever is on them has to join again.
    pub(super) remade_networks: BTreeSet<String>,
    /// Volumes this plan makes: they are empty.
    pub(super) fresh_volumes: BTreeSet<String>,
}

impl Ground {
    /// Remembers what a draft does to the ground.
    pub(super) fn learn(&mut self, draft: &Draft) {
        let makes = |kind: &StepKind| draft.steps.iter().any(|step| &step.kind == kind);
        match draft.address.kind {
            ResourceKind::Network if makes(&StepKind::CreateNetwork) => {
                self.remade_networks.insert(draft.address.name.clone());
            }
            ResourceKind::Volume if makes(&StepKind::CreateVolume) => {
                self.fresh_volumes.insert(draft.address.name.clone());
            }
            ResourceKind::Network
            | ResourceKind::Volume
            | ResourceKind::Service
            | ResourceKind::Procedure => {}
        }
    }
}

/// Judges a network of the file.
pub(super) fn network(world: &World<'_>, network: &Network) -> Draft {
    let mut draft = judged_network(world, network);
    say_edits(world, &mut draft, &network_model(network));
    draft
}

/// Judges a volume of the file.
pub(super) fn volume(world: &World<'_>, volume: &Volume) -> Draft {
    let mut draft = judged_volume(world, volume);
    say_edits(world, &mut draft, &volume_model(volume));
    draft
}

/// A restoration that makes something anew makes it as the file says.
fn say_edits(world: &World<'_>, draft: &mut Draft, desired: &Model) {
    let makes = |step: &Step| matches!(step.kind, StepKind::CreateNetwork | StepKind::CreateVolume);
    let recorded = world.recorded(&draft.address);
    if world.restores()
        && draft.steps.iter().any(makes)
        && recorded.is_some_and(|recorded| recorded.model != *desired)
    {
        draft.warn(reason::with_edits(&draft.address));
    }
}

fn judged_network(world: &World<'_>, network: &Network) -> Draft {
    let address = Address::network(&network.name);
    if world.input.project.shared_infra {
        return Draft::noop(address, "shared: it belongs to another component");
    }
    let desired = network_model(network);
    let recorded = world.recorded(&address);
    let restore = world.input.request.purpose == Purpose::Restore;
    let Some(live) = world.network(&network.name) else {
        return missing(world, address, &desired, "network");
    };
    let wanted = match (restore, recorded) {
        (true, Some(recorded)) => &recorded.model,
        (true, None) => return Draft::noop(address, reason::NOT_RECORDED),
        (false, _) => &desired,
    };
    let mut draft = Draft::noop(address.clone(), reason::AS_WANTED);
    let mut differs = recorded.is_some_and(|r| &r.model != wanted);
    if let Some(recorded) = recorded {
        draft.changes = config_changes(&recorded.model, wanted);
    }
    let aside = world.aside(&address);
    for (path, field) in &live.model {
        let Some(goal) = wanted.get(path) else {
            continue;
        };
        if aside.is_some_and(|aside| aside.contains(path)) {
            continue;
        }
        let before = recorded.and_then(|r| r.model.get(path));
        if before.is_some_and(|b| b.value != field.value) {
            let found = change(path, Some(field), Some(goal), Cause::Drift, None);
            draft.changes.push(found);
        }
        if recorded.is_none() && goal.value != field.value {
            let found = change(path, Some(field), Some(goal), Cause::Config, None);
            draft.changes.push(found);
        }
        differs |= goal.value != field.value;
    }
    let known = recorded.and_then(|r| r.id.as_ref()) == Some(&live.id);
    if differs {
        return remake(world, draft, live);
    }
    if !known {
        adopt(world, &mut draft, live.id.as_str(), live.lineage.is_some());
        draft.seen = seen_network(live);
    }
    draft
}

fn judged_volume(world: &World<'_>, volume: &Volume) -> Draft {
    let address = Address::volume(&volume.name);
    if world.input.project.shared_infra {
        return Draft::noop(address, "shared: it belongs to another component");
    }
    let desired = volume_model(volume);
    let recorded = world.recorded(&address);
    let restore = world.input.request.purpose == Purpose::Restore;
    let Some(live) = world.volume(&volume.name) else {
        let mut draft = missing(world, address, &desired, "volume");
        let lost = recorded.is_some_and(|r| r.id.is_some());
        if lost && draft.kind == ActionKind::Create {
            let text = format!(
                "volume {} was removed outside nanokit, its data is gone: an empty one is made and whatever mounts it is made anew",
                volume.name
            );
            draft.warn(text);
        }
        return draft;
    };
    let mut draft = Draft::noop(address.clone(), reason::AS_WANTED);
    match recorded {
        None if restore => return Draft::noop(address, reason::NOT_RECORDED),
        None => adopt(world, &mut draft, live.id.as_str(), live.lineage.is_some()),
        Some(recorded) if is_remade(recorded, live) => remade(world, &mut draft, live),
        Some(recorded) if recorded.id.as_ref().is_some_and(|id| id != &live.id) => {
            adopt(world, &mut draft, live.id.as_str(), live.lineage.is_some());
        }
        Some(recorded) if !restore => {
            draft.changes = config_changes(&recorded.model, &desired);
            if !draft.changes.is_empty() {
                let text = format!(
                    "labels of volume {} stay as they are: they cannot be changed without making it anew",
                    volume.name
                );
                draft.warn(text);
                take_over(&mut draft);
                draft.reason = reason::of_client(&draft.changes);
            }
        }
        Some(_) => {}
    }
    if draft.kind != ActionKind::Noop {
        draft.seen = seen_volume(live);
    }
    draft
}

/// Fields of a live network a plan can depend on.
pub(super) fn seen_network(live: &LiveNetwork) -> Vec<(String, String)> {
    let mut seen = vec![("id".to_owned(), live.id.0.clone())];
    for (path, field) in &live.model {
        seen.push((path.clone(), field.value.clone()));
    }
    seen
}
/// Fields of a live volume a plan can depend on.
pub(super) fn seen_volume(live: &LiveVolume) -> Vec<(String, String)> {
    let mut seen = vec![("id".to_owned(), live.id.0.clone())];
    if live.lineage.is_none() {
        seen.push(("labels".to_owned(), "none of ours".to_owned()));
    }
    seen
}

/// Tells whether a volume was removed and made anew by hand: its identifier is its name and says nothing, but ours had
/// labels.
fn is_remade(recorded: &RecordedResource, live: &LiveVolume) -> bool {
    recorded.id.as_ref() == Some(&live.id) && !recorded.bare && live.lineage.is_none()
}

/// Takes such a volume over as it is, but never by restoring: what was in it cannot be put back, and whether what is in
/// it now is right is for a human to say.
fn remade(world: &World<'_>, draft: &mut Draft, live: &LiveVolume) {
    let address = draft.address.clone();
    draft.warn(format!(
        "volume {} was removed and made anew outside nanokit ({} has none of our labels): what it held is gone, and what is in it now stays as it is; bring data back first if you have a copy, then `nkapp drift accept {address}` or a deploy takes it over",
        address.name, live.id
    ));
    if world.input.request.purpose == Purpose::Restore {
        reason::FOR_HUMANS.clone_into(&mut draft.reason);
        return;
    }
    adopt(world, draft, live.id.as_str(), false);
}

fn missing(world: &World<'_>, address: Address, desired: &Model, noun: &str) -> Draft {
    let recorded = world.recorded(&address);
    let purpose = &world.input.request.purpose;
    if recorded.is_none() && purpose == &Purpose::Restore {
        return Draft::noop(address, reason::NOT_RECORDED);
    }
    let mut draft = Draft::noop(address, reason::NEW);
    draft.kind = ActionKind::Create;
    match recorded {
        None => draft.changes = creation_changes(desired),
        Some(recorded) => {
            if purpose != &Purpose::Restore {
                draft.changes = config_changes(&recorded.model, desired);
            }
            // Without an id it never came to be, or a run ended after taking it away: nobody changed the world.
            let (cause, words) = match recorded.id {
                Some(_) => (Cause::Drift, reason::LOST),
                None => (Cause::Config, reason::ABSENT),
            };
            let (missing, present) = (Some("missing"), Some("present"));
            let gone = plain("status", missing, present, cause, None);
            draft.changes.push(gone);
            words.clone_into(&mut draft.reason);
        }
    }
    let kind = match draft.address.kind {
        ResourceKind::Volume => StepKind::CreateVolume,
        ResourceKind::Network | ResourceKind::Service | ResourceKind::Procedure => {
            StepKind::CreateNetwork
        }
    };
    let detail = format!("{noun} {}", draft.address.name);
    let mut writer = Writer::new(&draft.address);
    writer.push(
        kind,
        StepPlace::Provider,
        None,
        false,
        "create",
        &detail,
        &[],
    );
    draft.steps = writer.done();
    draft
}

fn remake(world: &World<'_>, mut draft: Draft, live: &LiveNetwork) -> Draft {
    if !world.input.request.targets.is_empty() && world.input.request.purpose == Purpose::Deploy {
        let paths: Vec<&str> = draft.changes.iter().map(|c| c.path.as_str()).collect();
        let text = format!(
            "network {} differs ({}), but is not made anew in a run of single services: deploy without targets",
            draft.address.name,
            paths.join(", ")
        );
        draft.changes.clear();
        draft.warn(text);
        return draft;
    }
    draft.kind = ActionKind::Update;
    draft.strategy = Strategy::Recreate;
    draft.reason = reason::of_update(&draft.changes);
    draft.seen = seen_network(live);
    let mut writer = Writer::new(&draft.address);
    let detached = detach(world, &draft.address.name, &mut writer);
    let removed = writer.push(
        StepKind::RemoveNetwork,
        StepPlace::Provider,
        None,
        true,
        "remove",
        &live.name,
        &detached,
    );
    let detail = format!("network {}", draft.address.name);
    writer.push(
        StepKind::CreateNetwork,
        StepPlace::Provider,
        None,
        false,
        "create",
        &detail,
        &[removed],
    );
    draft.steps = writer.done();
    draft
}

/// Takes every instance off a network, which could not be removed otherwise.
fn detach(world: &World<'_>, network: &str, writer: &mut Writer<'_>) -> Vec<StepId> {
    let joined = format!("{}{network}", path::NETWORKS);
    let members = world
        .input
        .live
        .instances
        .iter()
        .filter(|one| one.model.contains_key(&joined));
    let mut members: Vec<_> = members.collect();
    members.sort_by(|a, b| (&a.service, a.instance).cmp(&(&b.service, b.instance)));
    let mut steps = Vec::new();
    for one in members {
        let kind = StepKind::Detach {
            service: one.service.clone(),
            instance: one.instance,
        };
        let name = format!("disconnect.{}.{}", one.service, one.instance);
        steps.push(writer.push(kind, StepPlace::Provider, None, true, &name, &one.name, &[]));
    }
    steps
}

/// Takes an existing object into the record.
fn adopt(world: &World<'_>, draft: &mut Draft, id: &str, labelled: bool) {
    let recorded = world.recorded(&draft.address);
    if recorded.is_some() {
        let before = match draft.address.kind {
            ResourceKind::Volume if !labelled => {
                "another of its name, without our labels".to_owned()
            }
            ResourceKind::Volume
            | ResourceKind::Network
            | ResourceKind::Service
            | ResourceKind::Procedure => format!("another of its name ({})", short_id(id)),
        };
        let (before, after) = (Some(before.as_str()), Some("taken over"));
        let found = plain(Change::ID, before, after, Cause::Drift, None);
        draft.changes.push(found);
    }
    take_over(draft);
    draft.reason = match (recorded, labelled) {
        (Some(_), _) => reason::REMADE.to_owned(),
        (None, true) => reason::FOUND.to_owned(),
        (None, false) => reason::BY_HAND.to_owned(),
    };
}
fn take_over(draft: &mut Draft) {
    draft.kind = ActionKind::Update;
    let mut writer = Writer::new(&draft.address);
    writer.adopt();
    draft.steps = writer.done();
}

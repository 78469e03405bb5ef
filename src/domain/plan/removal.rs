//! What has to go: services with their hooks, networks, and volumes with their data.

use crate::domain::ids::{Address, ResourceKind};
use crate::domain::model::path;
use crate::domain::plan::diff::plain;
use crate::domain::plan::draft::Draft;
use crate::domain::plan::infra::{seen_network, seen_volume};
use crate::domain::plan::model::{ActionKind, Cause, Purpose, StepKind, StepPlace};
use crate::domain::plan::obstacle;
use crate::domain::plan::reason;
use crate::domain::plan::world::World;
use crate::domain::plan::writer::{Drain, Writer, removal};

/// Writes the action that takes a resource away. What is gone already is only forgotten: an action without steps.
pub(super) fn remove(world: &World<'_>, address: &Address) -> Draft {
    let words = match world.input.request.purpose {
        Purpose::Deploy | Purpose::Restore | Purpose::Act => reason::ORPHAN,
        Purpose::Destroy => "destroy",
        Purpose::Clean => "clean",
    };
    let mut draft = Draft::noop(address.clone(), words);
    draft.kind = ActionKind::Delete;
    match address.kind {
        ResourceKind::Service => {
            service(world, &mut draft);
            obstacle::of_removal(world, &mut draft);
        }
        ResourceKind::Network => network(world, &mut draft),
        ResourceKind::Volume => volume(world, &mut draft),
        ResourceKind::Procedure => {}
    }
    if draft.seen.is_empty() {
        match world.input.request.purpose {
            Purpose::Deploy | Purpose::Restore | Purpose::Act => reason::FORGOTTEN,
            Purpose::Destroy | Purpose::Clean => "gone already",
        }
        .clone_into(&mut draft.reason);
    }
    draft
}

/// Says that a volume stays.
pub(super) fn keep(address: &Address) -> Draft {
    Draft::noop(address.clone(), reason::KEPT)
}

fn service(world: &World<'_>, draft: &mut Draft) {
    let recorded = world.recorded(&draft.address);
    let desired = world.input.project.services.get(&draft.address.name);
    let hooks = match (recorded, desired) {
        (Some(recorded), _) => Drain {
            prestop: &recorded.teardown.prestop,
            poststop: &recorded.teardown.poststop,
        },
        (None, Some(service)) => Drain {
            prestop: &service.hooks.prestop,
            poststop: &service.hooks.poststop,
        },
        (None, None) => Drain {
            prestop: &[],
            poststop: &[],
        },
    };
    let live = world.instances(&draft.address.name);
    draft.steps = removal(&draft.address, live, &hooks);
    for one in live {
        let label = (live.len() > 1).then_some(one.instance);
        let before = one.status.as_str();
        let gone = plain(path::STATUS, Some(before), None, Cause::Config, label);
        draft.changes.push(gone);
        let number = one.instance;
        draft
            .seen
            .push((format!("[{number}].id"), one.id.0.clone()));
        draft
            .seen
            .push((format!("[{number}].status"), before.to_owned()));
    }
}

fn network(world: &World<'_>, draft: &mut Draft) {
    let Some(live) = world.network(&draft.address.name) else {
        return;
    };
    draft.seen = seen_network(live);
    let gone = plain(path::STATUS, Some("present"), None, Cause::Config, None);
    draft.changes.push(gone);
    let address = draft.address.clone();
    let mut writer = Writer::new(&address);
    let kind = StepKind::RemoveNetwork;
    writer.push(
        kind,
        StepPlace::Provider,
        None,
        true,
        "remove",
        &live.name,
        &[],
    );
    draft.steps = writer.done();
}

fn volume(world: &World<'_>, draft: &mut Draft) {
    let Some(live) = world.volume(&draft.address.name) else {
        return;
    };
    draft.seen = seen_volume(live);
    let gone = plain(path::STATUS, Some("present"), None, Cause::Config, None);
    draft.changes.push(gone);
    draft.warn(format!("the data of {} is deleted", draft.address));
    let address = draft.address.clone();
    let mut writer = Writer::new(&address);
    let (kind, detail) = (StepKind::RemoveVolume, live.id.as_str());
    writer.push(kind, StepPlace::Provider, None, true, "remove", detail, &[]);
    draft.steps = writer.done();
}

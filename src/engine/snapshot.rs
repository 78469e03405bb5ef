//! Reading and storing a snapshot, and what one operation leaves in the next.

use crate::domain::effect::Effect;
use crate::domain::ids::{ResourceKind, Scope};
use crate::domain::record::{Pending, Record, RecordedInstance};
use crate::engine::damage;
use crate::engine::reconcile::EngineError;
use crate::formats::state;
use crate::ports::cas_store::{CasStore, Put, StoreError, Stored, Version};
use crate::ports::provider::Applied;
use crate::ports::world::World;

/// Reads the stored snapshot with its version; `None` when nothing is stored. Damage, and the state of another
/// project, is an error.
pub(super) async fn read<W: World>(
    world: &W,
    scope: &Scope,
) -> Result<Option<(Version, Record)>, EngineError> {
    damage::check_journals(world)?;
    let stored = match world.state().get().await {
        Ok(Some(stored)) => stored,
        Ok(None) => return Ok(None),
        Err(error) => return Err(damage::unreadable(world, error).await),
    };
    let record = match state::decode(&stored.bytes) {
        Ok(record) => record,
        Err(error) => return Err(damage::undecodable(world, &error).await),
    };
    damage::check_scope(world, &record, scope)?;
    damage::check_serial(world, &record).await?;
    Ok(Some((stored.version, record)))
}

/// Stores bytes over exactly the version that was read; a lost reply is settled by reading back.
pub(super) async fn put<W: World>(
    world: &W,
    expected: Option<&Version>,
    bytes: &[u8],
) -> Result<Version, EngineError> {
    const TRIES: u32 = 3;
    let mut cause = String::new();
    for _ in 0..TRIES {
        match world
            .state()
            .compare_and_put(expected, bytes)
            .await
            .map_err(failure)?
        {
            Put::Done(version) => return Ok(version),
            Put::Conflict(Some(found)) if found.bytes == bytes => return Ok(found.version),
            Put::Conflict(found) => return Err(overtaken(found)),
            Put::Unknown(why) => {
                cause = why;
                let found = world.state().get().await.map_err(failure)?;
                if found.as_ref().map(|stored| &stored.version) == expected {
                    continue;
                }
                return match found {
                    Some(found) if found.bytes == bytes => Ok(found.version),
                    found => Err(overtaken(found)),
                };
            }
        }
    }
    Err(EngineError::Store(Box::new(std::io::Error::other(cause))))
}

fn overtaken(found: Option<Stored>) -> EngineError {
    let found = found.and_then(|stored| state::decode(&stored.bytes).ok());
    EngineError::LockLost(match found {
        Some(found) => format!(
            "somebody else wrote the state meanwhile (serial {}, lock epoch {})",
            found.serial, found.fence
        ),
        None => "somebody else changed or removed the state meanwhile".to_owned(),
    })
}

/// Says what a successful operation leaves in the record.
pub(super) fn effect_of(pending: &Pending, applied: &Applied) -> Option<Effect> {
    let address = pending.address.clone();
    match (pending.verb.as_str(), address.kind, pending.instance) {
        ("create", ResourceKind::Service, Some(instance)) => Some(Effect::InstanceMade {
            address,
            instance,
            made: RecordedInstance {
                id: applied.id.clone()?,
                name: applied.name.clone().unwrap_or_default(),
                image_id: applied.image_id.clone(),
                op: pending.op.clone(),
                ready: false,
            },
        }),
        ("create", ResourceKind::Network | ResourceKind::Volume, _) => Some(Effect::ObjectMade {
            address,
            id: applied.id.clone()?,
            bare: false,
        }),
        ("remove", ResourceKind::Service, Some(instance)) => Some(Effect::InstanceGone {
            address,
            instance,
            id: pending.target.clone(),
        }),
        ("remove", ResourceKind::Network | ResourceKind::Volume, _) => {
            Some(Effect::ObjectGone { address })
        }
        ("rename", ResourceKind::Service, Some(instance)) => Some(Effect::InstanceRenamed {
            address,
            instance,
            name: applied.name.clone()?,
        }),
        _ => None,
    }
}

/// Tells whether a record holds nothing but its identity.
pub(super) fn is_blank(record: &Record) -> bool {
    record.resources.is_empty()
        && record.applied_plans.is_empty()
        && record.pending.is_empty()
        && record.flows.is_empty()
}

/// Says that a store could not be read or written.
pub(super) fn failure(error: StoreError) -> EngineError {
    EngineError::Store(Box::new(error))
}

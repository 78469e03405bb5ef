//! Replaces the record by a given one, for moving or mending a state by hand; under the lock, never backwards.

use crate::domain::ids::Serial;
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::engine::damage;
use crate::engine::held::{Held, Place, under_lock};
use crate::engine::keeper::Keeper;
use crate::engine::lock_history::StateDeed;
use crate::engine::reconcile::EngineError;
use crate::ports::cas_store::CasStore;
use crate::ports::world::World;

/// Replaces the record and returns it as it was stored.
pub(super) async fn push<W: World>(
    place: &Place<'_, W>,
    project: &Project,
    given: &Record,
    force: bool,
) -> Result<Record, EngineError> {
    under_lock(place, project, ("state push", force), async |held| {
        put(place.world, held, project, given, force).await
    })
    .await
}

async fn put<W: World>(
    world: &W,
    held: &Held<'_, W>,
    project: &Project,
    given: &Record,
    force: bool,
) -> Result<Record, EngineError> {
    let stored = damage::replaceable(world, &project.scope()).await?;
    let mut record = given.clone();
    let mut found = "no state".to_owned();
    match Keeper::open(world, &project.scope()).await {
        Ok(keeper) => {
            if let Some(known) = keeper.record() {
                found = format!("serial {} of lineage {}", known.serial, known.lineage);
                if !force {
                    check(known, &record, &world.state().location())?;
                }
                record.serial = Serial(record.serial.0.max(known.serial.0) + 1);
                record.fence = record.fence.max(known.fence);
            }
        }
        // A state that cannot be trusted has nothing to lose, but only a human may say so.
        Err(error) if !force => return Err(error),
        Err(error) => {
            found = error.to_string();
            record.serial = record.serial.max(damage::highest_serial(world).await);
        }
    }
    record.fence = record.fence.max(held.lease.epoch());
    let keeper = Keeper::anew(stored, record.clone());
    let deed = StateDeed {
        act: if force { "force_push" } else { "push" },
        found,
        put: format!("serial {} of lineage {}", record.serial, record.lineage),
    };
    Ok(held.replace(keeper, &deed).await?.unwrap_or(record))
}

/// Tells what speaks against replacing `known` by `given`.
fn check(known: &Record, given: &Record, location: &str) -> Result<(), EngineError> {
    let problem = if known.lineage != given.lineage {
        format!(
            "its lineage is {}, the document's is {}",
            known.lineage, given.lineage
        )
    } else if given.serial < known.serial {
        format!(
            "it has serial {}, the document is older with {}",
            known.serial, given.serial
        )
    } else {
        return Ok(());
    };
    Err(EngineError::BadState {
        location: location.to_owned(),
        problem,
        hint: "`--force` replaces it all the same; `nkapp state pull` prints what would be lost"
            .to_owned(),
        next: Some("nkapp state pull".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{EnvName, Lineage, ProjectName, Scope};

    #[test]
    fn a_state_is_not_replaced_by_a_foreign_or_an_older_one() {
        let record = |lineage: &str, serial| {
            let scope = Scope {
                project: ProjectName::parse("shop").expect("a name"),
                env: EnvName::parse("local").expect("a name"),
                component: None,
            };
            let mut record = Record::new(Lineage::new(lineage), String::new(), scope);
            record.serial = Serial(serial);
            record
        };
        for (lineage, serial, good) in [
            ("a", 7, true),
            ("a", 8, true),
            ("a", 6, false),
            ("b", 9, false),
        ] {
            let result = check(&record("a", 7), &record(lineage, serial), "state.json");
            assert_eq!(result.is_ok(), good, "{lineage} {serial}: {result:?}");
        }
    }
}

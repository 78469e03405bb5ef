//! Replaces the record by a given one, for moving or mending a state by hand; under the lock, never backwards.

use std::time::Duration;

use crate::domain::ids::Serial;
use crate::domain::lease::{LeaseTimes, Occupation};
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::engine::damage;
use crate::engine::keeper::Keeper;
use crate::engine::lease::{Lease, Wanted};
use crate::engine::lock_report::{self, Deed};
use crate::engine::reconcile::EngineError;
use crate::engine::runs::new_run_id;
use crate::ports::cas_store::CasStore;
use crate::ports::world::World;

/// Replaces the record and returns it as it was stored.
pub(super) async fn push<W: World>(
    world: &W,
    project: &Project,
    record: &Record,
    force: bool,
) -> Result<Record, EngineError> {
    let run = new_run_id(world);
    let wanted = Wanted {
        occupation: Occupation {
            command: "state push".to_owned(),
            run_id: run.clone(),
            ..Occupation::default()
        },
        wait: Duration::ZERO,
        times: LeaseTimes::of(project.lock_lease),
        mends: force,
    };
    let lease = Lease::acquire(world, &wanted, &|_| {}).await?;
    let done = async {
        let mut record = record.clone();
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
        record.fence = record.fence.max(lease.epoch());
        let mut keeper = Keeper::anew(world, record.clone()).await?;
        let deed = Deed {
            act: if force { "force_push" } else { "push" },
            found: found.clone(),
            put: format!("serial {} of lineage {}", record.serial, record.lineage),
        };
        lock_report::audit_state(world, &lease.record(), &deed)?;
        keeper.begin(world, run.clone(), lease.epoch())?;
        keeper.finish(world).await?;
        Ok(keeper.record().cloned().unwrap_or(record))
    }
    .await;
    let released = lease.release(world).await;
    match (done, released) {
        (Err(error), _) | (Ok(_), Err(error)) => Err(error),
        (Ok(record), Ok(())) => Ok(record),
    }
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

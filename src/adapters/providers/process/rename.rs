//! An instance's folder gets its name back, also from another of ours that has it: the two change names.
//!
//! Killed in between, somebody bears a name that is not of its address; the next plan mends that.

use crate::adapters::providers::process::instances::Found;
use crate::adapters::providers::process::operate::{Applying, Failure, applied, look, must};
use crate::adapters::providers::process::provider::{ProcessProvider, broken};
use crate::domain::project::naming::instance_name;
use crate::ports::provider::{InstanceRef, Op};

/// Gives an instance the name of its address; see [`crate::ports::provider::OpKind::RenameInstance`].
pub(super) fn rename(
    provider: &ProcessProvider,
    op: &Op,
    target: &InstanceRef,
    holders: &[InstanceRef],
) -> Applying {
    let own = |one: &InstanceRef| instance_name(&op.scope, &one.address.name, one.instance);
    let mut found = must(provider, target, "rename")?;
    let wanted = own(target);
    if found.name == wanted {
        return Ok(applied(&found));
    }
    let mut in_the_way = None;
    for holder in holders {
        let held = look(provider, holder, "rename")?.filter(|held| held.name == wanted);
        in_the_way = in_the_way.or(held.map(|held| (holder, held)));
    }
    let before = found.name.clone();
    if let Some((_, held)) = &mut in_the_way {
        let passage = format!("{wanted}-passing-{}", held.spec.id);
        move_to(provider, held, passage)?;
    }
    move_to(provider, &mut found, wanted)?;
    if let Some((holder, held)) = &mut in_the_way {
        let own = own(holder);
        let free = std::fs::symlink_metadata(provider.places.instance(&own)).is_err();
        move_to(provider, held, if free { own } else { before })?;
    }
    Ok(applied(&found))
}

fn move_to(provider: &ProcessProvider, found: &mut Found, name: String) -> Result<(), Failure> {
    let place = provider.places.instance(&name);
    if std::fs::symlink_metadata(&place).is_ok() {
        let why = format!("{name} is there already");
        return Err(Failure::refused("rename", &found.name, &why));
    }
    std::fs::rename(&found.folder, &place)
        .map_err(|cause| Failure::Known(broken("rename", &found.name, &cause)))?;
    found.name = name;
    found.folder = place;
    Ok(())
}

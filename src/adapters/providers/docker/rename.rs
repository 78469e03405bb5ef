//! A container gets its name back, also from another of ours that has it: the two change names.
//!
//! Killed in between, one of them bears a name of passage or another wrong one; both are names its address does not ask
//! for, so the next plan sees it and mends it like any name changed by hand.

use bollard::query_parameters::RenameContainerOptionsBuilder;

use crate::adapters::providers::docker::fault::{CHANGE, Fault, call};
use crate::adapters::providers::docker::instance::of;
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::domain::ids::Scope;
use crate::domain::project::naming;
use crate::ports::provider::{Applied, InstanceRef, Op};

/// What the engine answers when a name is taken.
const CONFLICT: u16 = 409;

impl DockerProvider {
    /// Gives a container the name its address asks for; see [`crate::ports::provider::OpKind::RenameInstance`].
    pub(super) async fn rename(
        &self,
        op: &Op,
        target: &InstanceRef,
        holders: &[InstanceRef],
    ) -> Result<Applied, Fault> {
        // Two that change names with each other at the same time would undo each other.
        let _one_at_a_time = self.name_gate.lock().await;
        let wanted = own_name(&op.scope, target);
        if let Err(fault) = self.name_it(target, &wanted).await {
            if fault.status() != Some(CONFLICT) {
                return Err(fault);
            }
            let Some(holder) = self.holder_of(&wanted, holders).await? else {
                return Err(fault);
            };
            self.change_names(op, (target, &wanted), holder).await?;
        }
        Ok(Applied {
            name: Some(wanted),
            ..of(target)
        })
    }

    /// Finds which of `holders` has a name now.
    async fn holder_of<'a>(
        &self,
        name: &str,
        holders: &'a [InstanceRef],
    ) -> Result<Option<&'a InstanceRef>, Fault> {
        let found = self.inspect(name).await?;
        let known = |one: &&InstanceRef| found.id.as_deref() == Some(one.id.as_str());
        Ok(holders.iter().find(known))
    }

    /// The holder makes way, the target takes its name, the holder takes its own or, where that is taken, the target's.
    async fn change_names(
        &self,
        op: &Op,
        (target, wanted): (&InstanceRef, &str),
        holder: &InstanceRef,
    ) -> Result<(), Fault> {
        let own = own_name(&op.scope, holder);
        if own != wanted && self.name_it(holder, &own).await.is_ok() {
            return self.name_it(target, wanted).await;
        }
        let before = self.name_of(target).await?;
        self.name_it(holder, &passage(&own, holder)).await?;
        self.name_it(target, wanted).await?;
        match self.name_it(holder, &own).await {
            Err(fault) if fault.status() == Some(CONFLICT) => self.name_it(holder, &before).await,
            done => done,
        }
    }

    /// Renames a container; the engine refuses to give it the name it has.
    async fn name_it(&self, target: &InstanceRef, name: &str) -> Result<(), Fault> {
        let options = RenameContainerOptionsBuilder::new().name(name).build();
        let renamed = call(
            "rename container",
            &target.name,
            CHANGE,
            self.docker.rename_container(target.id.as_str(), options),
        )
        .await;
        match renamed {
            Err(fault) if self.name_of(target).await? != name => Err(fault),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn name_of(&self, target: &InstanceRef) -> Result<String, Fault> {
        let found = self.inspect(target.id.as_str()).await?;
        let name = found.name.unwrap_or_default();
        Ok(name.trim_start_matches('/').to_owned())
    }
}

fn own_name(scope: &Scope, one: &InstanceRef) -> String {
    naming::instance_name(scope, &one.address.name, one.instance)
}

/// A name nobody else has: that of its place, with the beginning of its id.
fn passage(own: &str, one: &InstanceRef) -> String {
    let id: String = one.id.as_str().chars().take(12).collect();
    format!("{own}-passing-{id}")
}

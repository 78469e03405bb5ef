//! Desired, live and recorded become a plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::graph::build::Graph;
use crate::domain::ids::{Address, PlanId, ResourceKind};
use crate::domain::live::{Capabilities, Live};
use crate::domain::plan::digest::plan_id;
use crate::domain::plan::draft::Draft;
use crate::domain::plan::infra::{self, Ground};
use crate::domain::plan::model::{Plan, PlanRequest, PlanWarning, Purpose};
use crate::domain::plan::world::World;
use crate::domain::plan::{guard, order, procedures, removal, scope, service};
pub use crate::domain::project::canonical::SecretDigests;
use crate::domain::project::canonical::{config_hash_of, service_models};
use crate::domain::project::project::Project;
use crate::domain::record::Record;

/// Fields a restore leaves as they are, by resource: somebody decided to live with that.
pub type Aside = BTreeMap<Address, BTreeSet<String>>;
/// No such field.
pub const NOTHING_ASIDE: &Aside = &BTreeMap::new();

/// Everything a plan is a function of.
#[derive(Clone, Copy, Debug)]
pub struct PlanInput<'a> {
    /// Desired state.
    pub project: &'a Project,
    /// Its order.
    pub graph: &'a Graph,
    /// Live state.
    pub live: &'a Live,
    /// Recorded state; `None` before the first deploy.
    pub record: Option<&'a Record>,
    /// Digests of secrets.
    pub digests: &'a SecretDigests,
    /// What the platform can do.
    pub capabilities: Capabilities,
    /// What is asked for.
    pub request: &'a PlanRequest,
    /// What a restore leaves alone.
    pub aside: &'a Aside,
}

/// Makes the plan. Pure: same input, same plan, to the byte, whatever the order of the live objects.
#[must_use]
pub fn build(input: &PlanInput<'_>) -> Plan {
    let world = World::of(input);
    let selection = scope::select(&world);
    let mut drafts: Vec<Draft> =
        Vec::with_capacity(selection.compared.len() + selection.removed.len());
    let mut ground = Ground::default();
    let models = service_models(input.project, input.digests);
    // Networks and volumes sort before services, so the ground is known when a service is judged.
    for address in &selection.compared {
        let project = input.project;
        let draft = match address.kind {
            ResourceKind::Network => project
                .networks
                .get(&address.name)
                .map(|network| infra::network(&world, network)),
            ResourceKind::Volume => project
                .volumes
                .get(&address.name)
                .map(|volume| infra::volume(&world, volume)),
            ResourceKind::Procedure => None,
            ResourceKind::Service => project
                .services
                .get(&address.name)
                .zip(models.get(&address.name))
                .map(|(service, model)| service::service(&world, service, model, &ground)),
        };
        if let Some(draft) = draft {
            ground.learn(&draft);
            drafts.push(draft);
        }
    }
    if input.request.purpose == Purpose::Restore && !input.request.targets.is_empty() {
        let services = input.project.services.values();
        let others = services.filter(|one| !selection.compared.contains(&one.address()));
        drafts.extend(others.filter_map(|one| {
            let model = models.get(&one.name)?;
            service::follower(&world, one, model, &ground)
        }));
    }
    drafts.extend(
        selection
            .removed
            .iter()
            .map(|address| removal::remove(&world, address)),
    );
    drafts.extend(selection.kept.iter().map(removal::keep));
    let warnings = warnings(&world, &selection, &mut drafts);
    let (layers, actions) = order::arrange(&world, drafts);
    let placed = procedures::Placed {
        layers,
        actions,
        warnings,
    };
    let procedures::Placed {
        layers,
        actions,
        warnings,
    } = procedures::add(input, placed);
    let mut plan = Plan {
        id: PlanId::default(),
        purpose: input.request.purpose.clone(),
        scope: world.scope.clone(),
        targets: input.request.targets.clone(),
        lineage: input.record.map(|record| record.lineage.clone()),
        serial: input.record.map(|record| record.serial),
        config_hash: config_hash_of(input.project, &models),
        engine: input.live.engine.clone(),
        layers,
        actions,
        warnings,
    };
    plan.id = plan_id(&plan);
    plan
}

fn warnings(
    world: &World<'_>,
    selection: &scope::Selection,
    drafts: &mut [Draft],
) -> Vec<PlanWarning> {
    let mut all: BTreeSet<PlanWarning> = BTreeSet::new();
    all.extend(world.warnings.iter().cloned());
    all.extend(selection.warnings.iter().cloned());
    for draft in drafts {
        all.extend(draft.warnings.drain(..));
    }
    let targets = &world.input.request.targets;
    if world.input.request.purpose == Purpose::Act {
        // It is not about resources, and a deploy says the rest.
        return Vec::new();
    }
    if targets.is_empty() {
        all.extend(world.strays.iter().map(|stray| PlanWarning {
            address: None,
            text: format!("{stray} is not ours and is left alone"),
            blocks: false,
        }));
    } else if world.input.request.purpose.builds() {
        let inside = |name: &str| targets.contains(name);
        let services = &world.input.project.services;
        let targeted = services.values().filter(|service| inside(&service.name));
        all.extend(guard::outside_the_run(world, targeted, &inside));
    } else {
        all.extend(guard::left_behind(world, &selection.removed));
    }
    all.into_iter().collect()
}

//! What instances use, and what their last probes said: for the screen, asked only for what is on it.

use std::collections::BTreeMap;

use crate::domain::ids::ProviderId;
use crate::domain::live::LiveSubject;
use crate::domain::project::naming::instance_name;
use crate::domain::project::project::Project;
use crate::domain::usage::{Counters, Probed};
use crate::engine::given::secrets_given;
use crate::engine::keeper::Keeper;
use crate::engine::reconcile::EngineError;
use crate::engine::redact::Redactor;
use crate::engine::strip::strip;
use crate::engine::tap::redactor;
use crate::ports::provider::{InstanceRef, Provider, ProviderError};
use crate::ports::world::World;

/// Most lines of a probe's output that are kept.
const LINES: usize = 20;

/// Reads the counters of instances; those that do not run are left out.
pub(super) async fn sample<W: World>(
    world: &W,
    project: &Project,
    instances: &[LiveSubject],
) -> Result<BTreeMap<ProviderId, Counters>, EngineError> {
    let targets: Vec<InstanceRef> = instances.iter().map(|one| target(project, one)).collect();
    let counters = world.provider().sample(&targets).await;
    counters.map_err(EngineError::Provider)
}

/// Reads what the platform remembers of the last probes, without secrets; an instance that is gone is left out.
pub(super) async fn probes<W: World>(
    world: &W,
    project: &Project,
    instances: &[LiveSubject],
) -> Result<BTreeMap<ProviderId, Vec<Probed>>, EngineError> {
    let mut redactor = redactor(world, project).await;
    let keeper = Keeper::open(world, &project.scope()).await.ok();
    let record = keeper.as_ref().and_then(Keeper::record);
    let clean = |redactor: &Redactor, text: &str| {
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(LINES)..);
        let last = last.unwrap_or_default().iter();
        let cleaned: Vec<String> = last.map(|line| redactor.redact(&strip(line))).collect();
        cleaned.join("\n")
    };
    let mut found = BTreeMap::new();
    for one in instances {
        match world.provider().health_detail(&target(project, one)).await {
            Ok(detail) => {
                let service = one.address.name.as_str();
                let given = secrets_given(project, record, service, &detail.given);
                given.for_each(|secret| redactor.register(secret));
                let mut probes = detail.probes;
                for probe in &mut probes {
                    probe.output = clean(&redactor, &probe.output);
                }
                found.insert(one.id.clone(), probes);
            }
            Err(ProviderError::Missing { .. }) => {}
            Err(error) => return Err(EngineError::Provider(error)),
        }
    }
    Ok(found)
}

fn target(project: &Project, one: &LiveSubject) -> InstanceRef {
    InstanceRef {
        id: one.id.clone(),
        name: instance_name(&project.scope(), &one.address.name, one.instance),
        address: one.address.clone(),
        instance: one.instance,
    }
}

//! Looks at everything a plan is a function of: live, recorded, and the digests of secrets. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::domain::graph::build::Graph;
use crate::domain::ids::{Address, Digest, Instance, ProviderId};
use crate::domain::live::Live;
use crate::domain::plan::build::{Aside, PlanInput, build};
use crate::domain::plan::model::{Plan, PlanRequest, Purpose};
use crate::domain::project::canonical::{SecretDigests, wanted_images};
use crate::domain::project::project::Project;
use crate::domain::project::service::EnvValue;
use crate::domain::record::Record;
use crate::domain::refusal::Refusal;
use crate::domain::report::held::held;
use crate::domain::secret::{Secret, SecretRef};
use crate::engine::amend::aside;
use crate::engine::keeper::Keeper;
use crate::engine::reconcile::{EngineError, RunRequest};
use crate::engine::site::SecretValues;
use crate::engine::unfinished::foreseen;
use crate::formats::text::hex;
use crate::ports::clock::Clock;
use crate::ports::provider::{InstanceRef, Provider, ProviderError};
use crate::ports::secrets::{SecretError, Secrets};
use crate::ports::world::World;

/// What was found.
pub(super) struct Found {
    /// What is live.
    pub(super) live: Live,
    /// What is recorded.
    pub(super) keeper: Keeper,
    /// Keyed digests of the secrets; empty before the first deploy.
    pub(super) digests: SecretDigests,
    /// The first secret that could not be had, where that was no reason to stop.
    pub(super) missing: Option<Missing>,
}

/// A secret that could not be had, and whose it is.
#[derive(Clone)]
pub(super) struct Missing {
    address: Address,
    name: String,
    source: SecretError,
}

impl Missing {
    /// Tells whether it stops no plan.
    pub(super) const fn is_for_later(&self) -> bool {
        self.source.is_for_later()
    }
}

impl From<Missing> for EngineError {
    fn from(missing: Missing) -> Self {
        let Missing {
            address,
            name,
            source,
        } = missing;
        Self::Secret {
            address,
            name,
            source,
        }
    }
}

/// Looks at live and recorded state side by side, and fetches the secrets.
pub(super) async fn discover<W: World>(
    world: &W,
    project: &Project,
    lenient: bool,
) -> Result<Found, EngineError> {
    let scope = project.scope();
    let images = wanted_images(project);
    let (live, keeper, (secrets, missing)) = tokio::join!(
        world.provider().observe(&scope, &images),
        Keeper::open(world, &scope),
        fetch(world, project)
    );
    let keeper = keeper?;
    let stops = |missing: &&Missing| !lenient && !missing.is_for_later();
    if let Some(missing) = missing.as_ref().filter(stops) {
        return Err(missing.clone().into());
    }
    let live = live.map_err(EngineError::Provider)?;
    check_engine(keeper.record(), &live)?;
    let digests = keeper
        .record()
        .map(|record| digests(&record.digest_key, &secrets))
        .unwrap_or_default();
    Ok(Found {
        live,
        keeper,
        digests,
        missing,
    })
}

/// Looks at live state only.
pub(super) async fn observe<W: World>(world: &W, project: &Project) -> Result<Live, EngineError> {
    let images = wanted_images(project);
    world
        .provider()
        .observe(&project.scope(), &images)
        .await
        .map_err(EngineError::Provider)
}

/// Looks at live state, and asks by its id for what is recorded but not listed, or listed but not recorded: a list
/// may be older than what it leaves out, and what is believed to be gone would be forgotten or made again; or older
/// than what it still shows, and what is gone would be taken into the state.
pub(super) async fn observe_known<W: World>(
    world: &W,
    project: &Project,
    record: Option<&Record>,
) -> Result<Live, EngineError> {
    const LOOKS: u32 = 4;
    const PAUSE: Duration = Duration::from_millis(250);
    let mut looks = 1;
    loop {
        let live = observe(world, project).await?;
        let Some((subject, cause)) = doubtful(world, project, record, &live).await? else {
            return Ok(live);
        };
        if looks == LOOKS {
            let cause = format!("{cause}: the lists are old; run it again");
            return Err(EngineError::Provider(ProviderError::Call {
                call: "list".to_owned(),
                subject,
                cause,
            }));
        }
        world.clock().sleep(PAUSE * looks).await;
        looks += 1;
    }
}

/// Names an instance of which a list says one thing, and the platform, asked by its id, another.
async fn doubtful<W: World>(
    world: &W,
    project: &Project,
    record: Option<&Record>,
    live: &Live,
) -> Result<Option<(String, &'static str)>, EngineError> {
    let Some(record) = record else {
        return Ok(None);
    };
    let listed: BTreeSet<_> = live.instances.iter().map(|one| &one.id).collect();
    let mut known = BTreeSet::new();
    for (address, resource) in &record.resources {
        for (number, one) in &resource.instances {
            known.insert(&one.id);
            let hidden = !listed.contains(&one.id);
            if hidden && is_there(world, &one.id, address, *number).await? {
                let cause = "it is there when asked for by its id, but no list has it";
                return Ok(Some((address.instance(*number), cause)));
            }
        }
    }
    for one in &live.instances {
        let ours = one.lineage.as_ref() == Some(&record.lineage) && !one.one_off;
        let address = Address::service(&one.service);
        let adopted = ours && project.services.contains_key(&one.service);
        if adopted
            && !known.contains(&one.id)
            && !is_there(world, &one.id, &address, one.instance).await?
        {
            let cause = "a list has it, but it is gone when asked for by its id";
            return Ok(Some((address.instance(one.instance), cause)));
        }
    }
    Ok(None)
}

async fn is_there<W: World>(
    world: &W,
    id: &ProviderId,
    address: &Address,
    instance: Instance,
) -> Result<bool, EngineError> {
    let target = InstanceRef {
        id: id.clone(),
        name: address.instance(instance),
        address: address.clone(),
        instance,
    };
    match world.provider().health_detail(&target).await {
        Ok(_) => Ok(true),
        Err(ProviderError::Missing { .. }) => Ok(false),
        Err(error) => Err(EngineError::Provider(error)),
    }
}

/// A state is bound to the engine its resources live on: elsewhere everything would seem to be gone.
pub(super) fn check_engine(record: Option<&Record>, live: &Live) -> Result<(), EngineError> {
    let Some(record) = record else {
        return Ok(());
    };
    let bound = !record.engine.is_empty() && !record.resources.is_empty();
    if bound && !live.engine.is_empty() && record.engine != live.engine {
        return Err(EngineError::BadState {
            location: "the state".to_owned(),
            problem: format!(
                "its resources live on engine {}, but {} answers",
                record.engine, live.engine
            ),
            hint: "point at the other engine again, or run `nkapp state rebuild` to begin with what is here"
                .to_owned(),
            next: None,
        });
    }
    Ok(())
}

/// Makes the plan out of what was found.
pub(super) fn make_plan<W: World>(
    world: &W,
    project: &Project,
    found: (&Live, Option<&Record>, &SecretDigests),
    request: &PlanRequest,
) -> Plan {
    with_input(world, project, found, request, build)
}

/// Makes the plan of a run. What nobody saw puts back what was recorded and does no more.
pub(super) fn make_run_plan<W: World>(
    world: &W,
    project: &Project,
    found: (&Live, Option<&Record>, &SecretDigests),
    request: &RunRequest,
) -> Result<Plan, EngineError> {
    with_input(world, project, found, &request.plan, |input| {
        let plan = build(input);
        if let Some(found) = plan.obstacle() {
            let refusal = Refusal::new(found.text.clone()).hint("nothing was changed");
            let next = request.plan.command();
            return Err(EngineError::Refused(refusal.next(next)));
        }
        let unseen = request.options.unseen && request.approved.is_none();
        if !unseen {
            return Ok(plan);
        }
        match held(input, &plan).into_iter().next() {
            None => Ok(plan),
            Some((address, why)) => {
                let refusal = Refusal::new(format!("{address} is left to you: {why}"));
                Err(EngineError::Refused(refusal.next(request.plan.command())))
            }
        }
    })
}

/// Asks something of all that a plan is made of.
pub(super) fn with_input<W: World, R>(
    world: &W,
    project: &Project,
    (live, record, digests): (&Live, Option<&Record>, &SecretDigests),
    request: &PlanRequest,
    ask: impl FnOnce(&PlanInput<'_>) -> R,
) -> R {
    let aside = match request.purpose {
        Purpose::Restore => aside(world, project),
        Purpose::Deploy | Purpose::Destroy | Purpose::Clean | Purpose::Act => Aside::new(),
    };
    ask(&PlanInput {
        project,
        graph: &Graph::of(project),
        live: &foreseen(live, record),
        record,
        digests,
        capabilities: world.provider().capabilities(),
        request,
        aside: &aside,
    })
}

/// Fetches every secret the project refers to; with `lenient`, those that cannot be had are left out.
pub(super) async fn resolve<W: World>(
    world: &W,
    project: &Project,
    lenient: bool,
) -> Result<SecretValues, EngineError> {
    match fetch(world, project).await {
        (_, Some(missing)) if !lenient => Err(missing.into()),
        (values, _) => Ok(values),
    }
}

/// Fetches what can be had, and tells the first that cannot.
async fn fetch<W: World>(world: &W, project: &Project) -> (SecretValues, Option<Missing>) {
    let mut wanted: BTreeMap<&SecretRef, (&str, &str)> = BTreeMap::new();
    for service in project.services.values() {
        for (name, value) in &service.env {
            if let EnvValue::Secret(reference) = value {
                wanted.entry(reference).or_insert((&service.name, name));
            }
        }
    }
    let mut values = SecretValues::new();
    let mut missing: Option<Missing> = None;
    for (reference, (service, name)) in wanted {
        match world.secrets().resolve(reference).await {
            Ok(secret) => {
                values.insert(reference.clone(), secret);
            }
            Err(source) => {
                let found = Missing {
                    address: Address::service(service),
                    name: name.to_owned(),
                    source,
                };
                missing = missing
                    .filter(|known| !known.is_for_later())
                    .or(Some(found));
            }
        }
    }
    (values, missing)
}

/// Makes the keyed digests under which secrets are compared and recorded.
pub(super) fn digests(key: &str, secrets: &SecretValues) -> SecretDigests {
    secrets
        .iter()
        .map(|(reference, secret)| (reference.clone(), digest(key, secret)))
        .collect()
}

fn digest(key: &str, secret: &Secret) -> Digest {
    // HMAC takes a key of any length; this one is 64 hex digits of 32 random bytes.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        return Digest::default();
    };
    mac.update(secret.expose().as_bytes());
    Digest(hex(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{EnvName, Lineage, ProjectName, Scope};
    use crate::domain::record::RecordedResource;

    #[test]
    fn digests_depend_on_key_and_value_and_show_neither() {
        let secret = Secret::new("hunter2".to_owned());
        let one = digest("k1", &secret);
        assert_eq!(one, digest("k1", &secret));
        assert_ne!(one, digest("k2", &secret));
        assert_ne!(one, digest("k1", &Secret::new("hunter3".to_owned())));
        assert_eq!(one.0.len(), 64);
    }

    #[test]
    fn f39_a_state_counts_on_the_engine_its_resources_live_on_and_on_no_other() {
        let record = |engine: &str, resources: usize| {
            let scope = Scope {
                project: ProjectName::parse("shop").unwrap(),
                env: EnvName::parse("local").unwrap(),
                component: None,
            };
            let mut record = Record::new(Lineage("l".to_owned()), "k".to_owned(), scope);
            engine.clone_into(&mut record.engine);
            for number in 0..resources {
                let address = Address::service(&format!("s{number}"));
                let resource = RecordedResource::blank(address.clone());
                record.resources.insert(address, resource);
            }
            Some(record)
        };
        let cases = [
            (record("one", 1), "one", true),
            (record("one", 1), "two", false),
            (record("one", 3), "two", false),
            (record("ONE", 1), "one", false),
            // What nobody knows is no other engine.
            (record("", 1), "two", true),
            (record("one", 1), "", true),
            // Without resources nothing could seem to be gone.
            (record("one", 0), "two", true),
            (None, "two", true),
        ];
        for (record, answers, fits) in cases {
            let live = Live {
                engine: answers.to_owned(),
                ..Live::default()
            };
            let checked = check_engine(record.as_ref(), &live);
            assert_eq!(checked.is_ok(), fits, "{record:?}, {answers} answers");
            let Err(EngineError::BadState { problem, hint, .. }) = checked else {
                assert!(fits, "refused with something else");
                continue;
            };
            let bound = record.map(|record| record.engine).unwrap_or_default();
            assert!(problem.contains(&format!("engine {bound}")), "{problem}");
            assert!(problem.contains(&format!("{answers} answers")), "{problem}");
            assert!(hint.contains("nkapp state rebuild"), "{hint}");
        }
    }
}

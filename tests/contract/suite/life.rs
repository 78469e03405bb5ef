//! Made, started, changed, stopped, removed, and seen at every step.

use std::collections::BTreeSet;

use nanokit::domain::ids::{Lineage, OpId};
use nanokit::domain::live::{LiveEventKind, Status};
use nanokit::domain::project::naming;
use nanokit::domain::project::project::{Network, Volume};
use nanokit::domain::project::service::{RestartPolicy, Service};
use nanokit::ports::provider::{Limits, OpKind, Outcome, Provider, Settled};

use crate::suite::stage::{PATIENCE, Stage, idle, joined, next, own_scope};

fn network(name: &str) -> OpKind {
    OpKind::CreateNetwork {
        network: Network {
            name: name.to_owned(),
            ..Network::default()
        },
        hash: "1:net".to_owned(),
    }
}

fn volume(name: &str) -> OpKind {
    OpKind::CreateVolume {
        volume: Volume {
            name: name.to_owned(),
            ..Volume::default()
        },
    }
}

pub(crate) async fn an_instance_is_made_then_started_and_says_whose_it_is<P: Provider>(
    stage: &Stage<P>,
) {
    let op = stage.op(OpKind::CreateInstance(Box::new(stage.spec(idle("api")))));
    let Outcome::Done(made) = stage.apply(&op).await else {
        panic!("it is made")
    };
    let id = made.id.expect("an id");
    let live = stage.instance(&id).await;
    assert_eq!(live.status, Status::Created);
    assert_eq!(
        live.name,
        naming::instance_name(&stage.scope, "api", live.instance)
    );
    assert_eq!((live.service.as_str(), live.instance.0), ("api", 0));
    assert_eq!(live.lineage, Some(Lineage::new("the-lineage")));
    assert_eq!(live.hash.as_deref(), Some("1:abc"));
    assert_eq!(live.op, Some(op.id));
    assert!(!live.one_off);
    let target = stage.create(stage.spec(idle("other"))).await;
    stage.done(OpKind::StartInstance(target.clone())).await;
    let started = stage.instance(&target.id).await;
    assert_eq!(started.status, Status::Running);
    assert!(started.started_at_ms.is_some_and(|at| at > 0));
}

pub(crate) async fn starting_stopping_and_removing_may_be_repeated<P: Provider>(stage: &Stage<P>) {
    let target = stage.start(idle("api")).await;
    stage.done(OpKind::StartInstance(target.clone())).await;
    assert_eq!(stage.instance(&target.id).await.status, Status::Running);
    for _ in 0..2 {
        stage.stop(&target).await;
        let status = stage.instance(&target.id).await.status;
        assert!(matches!(status, Status::Exited(_)), "{status:?}");
    }
    stage.done(OpKind::StartInstance(target.clone())).await;
    assert_eq!(stage.instance(&target.id).await.status, Status::Running);
    stage.stop(&target).await;
    for _ in 0..2 {
        stage.done(OpKind::RemoveInstance(target.clone())).await;
    }
    stage.stop(&target).await;
    assert_eq!(stage.live().await.instances, []);
}

pub(crate) async fn a_taken_name_is_done_for_the_same_operation_and_failed_for_another<
    P: Provider,
>(
    stage: &Stage<P>,
) {
    let make = || OpKind::CreateInstance(Box::new(stage.spec(idle("api"))));
    let op = stage.op(make());
    let Outcome::Done(first) = stage.apply(&op).await else {
        panic!("it is made")
    };
    let Outcome::Done(again) = stage.apply(&op).await else {
        panic!("the same operation finds what it made")
    };
    assert_eq!(first.id, again.id);
    let error = stage.failed(make()).await;
    assert!(error.contains(&first.name.expect("a name")), "{error}");
    assert_eq!(stage.live().await.instances.len(), 1);
}

pub(crate) async fn limits_and_restart_policy_change_on_the_running_instance<P: Provider>(
    stage: &Stage<P>,
) {
    let target = stage
        .start(Service {
            memory_bytes: Some(64 << 20),
            ..idle("api")
        })
        .await;
    let value = |model: &nanokit::domain::model::Model, path: &str| {
        model.get(path).map(|field| field.value.clone())
    };
    let before = stage.instance(&target.id).await;
    assert_eq!(value(&before.model, "memory").as_deref(), Some("67108864"));
    assert_eq!(value(&before.model, "restart").as_deref(), Some("no"));
    // 1. More than the swap of before. 2. Less. 3. None at all.
    let cases = [
        (
            Some(256 << 20),
            RestartPolicy::UnlessStopped,
            "268435456",
            "unless-stopped",
        ),
        (
            Some(32 << 20),
            RestartPolicy::OnFailure(2),
            "33554432",
            "on-failure:2",
        ),
        (None, RestartPolicy::Always, "0", "always"),
        (None, RestartPolicy::No, "0", "no"),
    ];
    for (memory_bytes, restart, memory_text, restart_text) in cases {
        let limits = Limits {
            cpu_millis: memory_bytes.map(|_| 500),
            memory_bytes,
            restart,
        };
        let cpu = if memory_bytes.is_some() { "500" } else { "0" };
        let target = target.clone();
        stage.done(OpKind::SetLimits { target, limits }).await;
        let live = stage.instance(&before.id).await;
        assert_eq!(value(&live.model, "cpu").as_deref(), Some(cpu));
        assert_eq!(value(&live.model, "memory").as_deref(), Some(memory_text));
        assert_eq!(value(&live.model, "restart").as_deref(), Some(restart_text));
        assert_eq!(live.status, Status::Running);
        assert_eq!(live.started_at_ms, before.started_at_ms);
    }
}

pub(crate) async fn networks_are_joined_with_all_aliases_and_left<P: Provider>(stage: &Stage<P>) {
    for name in ["default", "back"] {
        stage.done(network(name)).await;
    }
    let target = stage
        .start(Service {
            networks: joined(&[("default", &[]), ("back", &["store"])]),
            ..idle("db")
        })
        .await;
    let networks = async || {
        let live = stage.instance(&target.id).await;
        let found: Vec<String> = live
            .model
            .iter()
            .filter(|(path, _)| path.starts_with("networks."))
            .map(|(path, field)| format!("{path}={}", field.value))
            .collect();
        found
    };
    assert_eq!(
        networks().await,
        ["networks.back=db,store", "networks.default=db"]
    );
    let aliases: BTreeSet<String> = ["db", "other"].map(str::to_owned).into();
    let connect = || OpKind::Connect {
        target: target.clone(),
        network: "back".to_owned(),
        aliases: aliases.clone(),
    };
    // Joined already, with other aliases.
    stage.done(connect()).await;
    assert_eq!(
        networks().await,
        ["networks.back=db,other", "networks.default=db"]
    );
    let back = naming::network_name(&stage.scope, "back");
    for _ in 0..2 {
        stage
            .done(OpKind::Disconnect {
                target: target.clone(),
                network: back.clone(),
            })
            .await;
        assert_eq!(networks().await, ["networks.default=db"]);
    }
    stage.done(connect()).await;
    assert_eq!(
        networks().await,
        ["networks.back=db,other", "networks.default=db"]
    );
}

pub(crate) async fn networks_and_volumes_are_made_once_and_removed_twice<P: Provider>(
    stage: &Stage<P>,
) {
    let net = stage.done(network("default")).await;
    let vol = stage.done(volume("data")).await;
    let live = stage.live().await;
    assert_eq!(live.networks.len(), 1);
    assert_eq!(live.networks[0].network.as_deref(), Some("default"));
    assert_eq!(live.networks[0].lineage, Some(Lineage::new("the-lineage")));
    assert_eq!(live.networks[0].hash.as_deref(), Some("1:net"));
    assert_eq!(Some(&live.networks[0].id), net.id.as_ref());
    assert_eq!(live.volumes.len(), 1);
    assert_eq!(live.volumes[0].volume.as_deref(), Some("data"));
    assert_eq!(live.volumes[0].lineage, Some(Lineage::new("the-lineage")));
    assert_eq!(Some(&live.volumes[0].id), vol.id.as_ref());
    for _ in 0..2 {
        let id = live.networks[0].id.clone();
        stage.done(OpKind::RemoveNetwork { id }).await;
        let id = live.volumes[0].id.clone();
        stage.done(OpKind::RemoveVolume { id }).await;
    }
    let live = stage.live().await;
    assert_eq!((live.networks, live.volumes), (Vec::new(), Vec::new()));
}

pub(crate) async fn a_lost_reply_is_settled_by_looking<P: Provider>(stage: &Stage<P>) {
    let op = stage.op(OpKind::CreateInstance(Box::new(stage.spec(idle("api")))));
    let Outcome::Done(made) = stage.apply(&op).await else {
        panic!("it is made")
    };
    let settle = async |op: &OpId, verb: &str, target| {
        let settled = stage.provider.settle(op, verb, target, &stage.scope).await;
        settled.expect("the platform answers")
    };
    match settle(&op.id, "create", None).await {
        Settled::Done(found) => assert_eq!(found.id, made.id),
        Settled::NotDone => panic!("it was made"),
    }
    let nobody = OpId::new("nobody");
    assert_eq!(settle(&nobody, "create", None).await, Settled::NotDone);
    let id = made.id.expect("an id");
    assert_eq!(settle(&nobody, "start", Some(&id)).await, Settled::NotDone);
    assert_eq!(settle(&nobody, "remove", Some(&id)).await, Settled::NotDone);
    let net = stage.op(network("default"));
    let Outcome::Done(made) = stage.apply(&net).await else {
        panic!("it is made")
    };
    match settle(&net.id, "create", None).await {
        Settled::Done(found) => assert_eq!(found.id, made.id),
        Settled::NotDone => panic!("it was made"),
    }
}

pub(crate) async fn what_belongs_to_another_scope_is_not_seen<P: Provider>(stage: &Stage<P>) {
    stage.create(stage.spec(idle("api"))).await;
    stage.done(network("default")).await;
    let other = own_scope();
    let live = stage.provider.observe(&other, &BTreeSet::new()).await;
    let live = live.expect("the platform answers");
    assert_eq!(live.instances, []);
    assert_eq!(live.networks, []);
    assert_eq!(live.engine, stage.live().await.engine);
}

pub(crate) async fn the_watch_connects_first_and_tells_of_a_life_in_order<P: Provider>(
    stage: &Stage<P>,
) {
    let events = stage.watching(async |events| {
        let first = events.recv().await.expect("an event");
        assert_eq!(first.kind, LiveEventKind::Connected);
        let target = stage.start(idle("api")).await;
        stage.stop(&target).await;
        stage.done(OpKind::RemoveInstance(target.clone())).await;
        let mut told = Vec::new();
        next(events, |event| {
            let subject = event.subject.filter(|subject| subject.id == target.id)?;
            assert_eq!(subject.address.to_string(), "service.api");
            let ended = event.kind == LiveEventKind::Removed;
            match event.kind {
                LiveEventKind::Changed(_) | LiveEventKind::Health(_) => {}
                LiveEventKind::Died(_) => told.push(LiveEventKind::Died(0)),
                kind => told.push(kind),
            }
            ended.then_some(())
        })
        .await;
        told
    });
    let told = tokio::time::timeout(PATIENCE, events).await;
    assert_eq!(
        told.expect("in time"),
        [
            LiveEventKind::Created,
            LiveEventKind::Started,
            LiveEventKind::Died(0),
            LiveEventKind::Removed
        ]
    );
}

pub(crate) async fn a_name_that_fits_already_is_no_failure<P: Provider>(stage: &Stage<P>) {
    let target = stage.start(idle("api")).await;
    let renamed = stage
        .done(OpKind::RenameInstance {
            target: target.clone(),
            holders: Vec::new(),
        })
        .await;
    assert_eq!(renamed.name.as_deref(), Some(target.name.as_str()));
    assert_eq!(stage.instance(&target.id).await.name, target.name);
}

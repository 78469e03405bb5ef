//! Ports, volumes, networks, names and limits of host processes.

use std::collections::BTreeSet;
use std::time::Duration;

use nanokit::domain::ids::Instance;
use nanokit::domain::ids::{OpId, ProviderId};
use nanokit::domain::live::Status;
use nanokit::domain::project::naming::instance_name;
use nanokit::domain::project::project::{Network, Volume};
use nanokit::domain::project::service::{Mount, MountSource, RestartPolicy, Service};
use nanokit::ports::hooks::CallEnd;
use nanokit::ports::provider::{ExecCall, Limits, OpKind, Provider, Settled, Sibling};
use nanokit::ports::sink::NoSink;

use crate::process::world::{World, kill, provider, scope, service, spec};
use crate::suite::stage::sibling;

fn exposed(name: &str) -> Service {
    Service {
        expose: Some(8080),
        ..service(name, "exec sleep 600")
    }
}

#[tokio::test(flavor = "current_thread")]
async fn each_instance_gets_a_port_of_its_own_and_siblings_are_told() {
    let world = World::new();
    let mut ports = BTreeSet::new();
    for number in 0..2 {
        let mut wish = spec(exposed("api"));
        wish.instance = Instance(number);
        let target = world.create(wish).await;
        world.done(OpKind::StartInstance(target.clone())).await;
        let (_, port) = world.exec(&target, "echo $PORT").await;
        ports.insert(port.trim().parse::<u16>().unwrap());
        let shown = world.instance(&target.id).await.ports;
        assert_eq!(shown, [format!("127.0.0.1:{}->8080", port.trim())]);
    }
    assert_eq!(ports.len(), 2);
    let mut wish = spec(service("web", "exec sleep 600"));
    wish.siblings = vec![
        sibling("api", Some(8080)),
        sibling("later", Some(1)),
        sibling("mute", None),
        Sibling {
            published: Some(8088),
            ..sibling("shop", Some(8080))
        },
    ];
    let web = world.create(wish).await;
    world.done(OpKind::StartInstance(web.clone())).await;
    let line = "echo $NANOKIT_URLS_API; echo $NANOKIT_HOST_API:$NANOKIT_PORT_API; \
                echo ${NANOKIT_URL_LATER:+known} ${NANOKIT_URL_MUTE-unset} $NANOKIT_PORT_SHOP";
    let (_, text) = world.exec(&web, line).await;
    let mut lines = text.lines();
    let urls: BTreeSet<u16> = lines
        .next()
        .unwrap()
        .split(',')
        .map(|url| {
            url.strip_prefix("http://127.0.0.1:")
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    assert_eq!(urls, ports);
    assert!(lines.next().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(lines.next(), Some("known unset 8088"));
}

#[tokio::test(flavor = "current_thread")]
async fn a_taken_published_port_is_refused_by_name() {
    let world = World::new();
    let taken = std::net::TcpListener::bind(("0.0.0.0", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let target = world
        .create(spec(Service {
            port: Some(port),
            ..service("web", "exec sleep 600")
        }))
        .await;
    let error = world.failed(OpKind::StartInstance(target.clone())).await;
    assert!(
        error.contains(&format!("port {port} is already in use")),
        "{error}"
    );
    assert_eq!(world.instance(&target.id).await.status, Status::Created);
    drop(taken);
    world.done(OpKind::StartInstance(target)).await;
}

#[tokio::test(flavor = "current_thread")]
async fn volumes_are_folders_that_outlive_their_services() {
    let world = World::new();
    let volume = Volume {
        name: "my-data".into(),
        labels: [("tier".to_owned(), "gold".to_owned())].into(),
    };
    let made = world
        .done(OpKind::CreateVolume {
            volume: volume.clone(),
        })
        .await;
    let id = made.id.unwrap();
    let mount = Mount {
        source: MountSource::Volume("my-data".into()),
        target: "/data".into(),
        read_only: false,
    };
    let target = world
        .start(Service {
            mounts: vec![mount],
            working_dir: Some("/data".into()),
            ..service("db", "exec sleep 600")
        })
        .await;
    let (_, text) = world
        .exec(
            &target,
            "echo kept > $NANOKIT_VOLUME_MY_DATA/file; cat file",
        )
        .await;
    assert_eq!(text, "kept\n");
    world.stop(&target, Duration::from_secs(1)).await;
    world.done(OpKind::RemoveInstance(target)).await;
    let live = world.live().await;
    let [found] = live.volumes.as_slice() else {
        panic!("{:?}", live.volumes);
    };
    assert_eq!(
        (found.id.clone(), found.volume.as_deref()),
        (id.clone(), Some("my-data"))
    );
    assert_eq!(found.model["labels.tier"].value, "gold");
    // Making it again keeps the data.
    world.done(OpKind::CreateVolume { volume }).await;
    let folder = world
        .folder
        .path()
        .join(".nanokit/volumes")
        .join(id.as_str());
    assert_eq!(
        std::fs::read_to_string(folder.join("file")).unwrap(),
        "kept\n"
    );
    world.done(OpKind::RemoveVolume { id: id.clone() }).await;
    assert!(!folder.exists());
    assert_eq!(world.live().await.volumes, []);
    world.done(OpKind::RemoveVolume { id }).await;
    let out = world
        .failed(OpKind::RemoveVolume {
            id: ProviderId::new("../process"),
        })
        .await;
    assert!(out.contains("no name of ours"), "{out}");
}

#[tokio::test(flavor = "current_thread")]
async fn networks_are_records_that_can_be_joined_and_left() {
    let world = World::new();
    for name in ["default", "back"] {
        let network = Network {
            name: name.into(),
            cidr: None,
            internal: name == "back",
        };
        let hash = "1:aa".into();
        world.done(OpKind::CreateNetwork { network, hash }).await;
    }
    let target = world
        .start(Service {
            networks: [("default".to_owned(), BTreeSet::new())].into(),
            ..service("api", "exec sleep 600")
        })
        .await;
    let joined = async || -> Vec<(String, String)> {
        let model = world.instance(&target.id).await.model;
        let networks = model
            .into_iter()
            .filter(|(path, _)| path.starts_with("networks."));
        networks.map(|(path, field)| (path, field.value)).collect()
    };
    let pair = |path: &str, aliases: &str| (path.to_owned(), aliases.to_owned());
    assert_eq!(joined().await, [pair("networks.default", "api")]);
    world
        .done(OpKind::Connect {
            target: target.clone(),
            network: "back".into(),
            aliases: ["api".to_owned(), "edge".to_owned()].into(),
        })
        .await;
    assert_eq!(
        joined().await,
        [
            pair("networks.back", "api,edge"),
            pair("networks.default", "api")
        ]
    );
    world
        .done(OpKind::Disconnect {
            target: target.clone(),
            network: "nk-shop-local".into(),
        })
        .await;
    assert_eq!(joined().await, [pair("networks.back", "api,edge")]);
    let back = ProviderId::new("nk-shop-local-back");
    world.done(OpKind::RemoveNetwork { id: back }).await;
    assert_eq!(joined().await, []);
    assert_eq!(world.live().await.networks.len(), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_renamed_or_frozen_instance_is_seen_and_mended_while_it_runs() {
    let world = World::new();
    let target = world.start(service("api", "exec sleep 600")).await;
    let pid = world.main_pid(&target);
    let folder = world.folder.path().join(".nanokit/process");
    std::fs::rename(folder.join(&target.name), folder.join("mine")).unwrap();
    assert_eq!(world.instance(&target.id).await.name, "mine");
    world
        .done(OpKind::RenameInstance {
            target: target.clone(),
            holders: Vec::new(),
        })
        .await;
    let live = world.instance(&target.id).await;
    assert_eq!(live.name, instance_name(&scope(), "api", Instance(0)));
    assert_eq!(world.main_pid(&target), pid);

    let other = world.start(service("web", "exec sleep 600")).await;
    for (from, to) in [
        (&target.name, "mine"),
        (&other.name, &*target.name),
        (&"mine".to_owned(), &*other.name),
    ] {
        std::fs::rename(folder.join(from), folder.join(to)).unwrap();
    }
    world
        .done(OpKind::RenameInstance {
            target: target.clone(),
            holders: vec![other.clone()],
        })
        .await;
    for one in [&target, &other] {
        assert_eq!(world.instance(&one.id).await.name, one.name);
    }

    kill(pid, "STOP");
    world
        .until(&target.id, |i| i.status == Status::Paused)
        .await;
    world.done(OpKind::Unpause(target.clone())).await;
    world
        .until(&target.id, |i| i.status == Status::Running)
        .await;
    world
        .done(OpKind::SetLimits {
            target: target.clone(),
            limits: Limits {
                cpu_millis: Some(500),
                memory_bytes: Some(1 << 26),
                restart: RestartPolicy::OnFailure(3),
            },
        })
        .await;
    let model = world.instance(&target.id).await.model;
    let field = |path: &str| model[path].value.clone();
    assert_eq!(
        [field("cpu"), field("memory"), field("restart")],
        ["500", "67108864", "on-failure:3"]
    );
    assert_eq!(world.main_pid(&target), pid);
    // The new policy is the supervisor's, too.
    kill(pid, "KILL");
    world
        .until(&target.id, |i| {
            i.restarts == 1 && i.status == Status::Running
        })
        .await;
}

#[tokio::test(flavor = "current_thread")]
async fn an_exec_that_takes_too_long_or_loses_its_instance_says_so() {
    let world = World::new();
    let target = world.start(service("api", "exec sleep 600")).await;
    let call = |limit| ExecCall {
        argv: ["/bin/sh", "-c", "sleep 600 & wait"]
            .map(str::to_owned)
            .to_vec(),
        env: Vec::new(),
        user: None,
        folder: None,
        timeout: limit,
        interactive: false,
        ends_orphans: false,
    };
    let short = call(Duration::from_millis(200));
    let end = world.provider.exec(&target, &short, &NoSink).await;
    assert_eq!(end, CallEnd::TimedOut);
    let long = call(Duration::from_secs(60));
    let (end, ()) = tokio::join!(
        world.provider.exec(&target, &long, &NoSink),
        world.stop(&target, Duration::from_millis(100))
    );
    assert!(matches!(end, CallEnd::InstanceGone(_)), "{end:?}");
    let end = world.provider.exec(&target, &long, &NoSink).await;
    assert!(matches!(end, CallEnd::InstanceGone(_)), "{end:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn an_operation_nobody_saw_the_end_of_is_settled_by_looking() {
    let world = World::new();
    let target = world.start(service("api", "exec sleep 600")).await;
    // Another command, later: it knows the label and the folder only.
    let later = provider(world.folder.path());
    let none = OpId::new("op-other");
    let settle = async |op: &OpId, verb: &str| {
        later
            .settle(op, verb, Some(&target.id), &scope())
            .await
            .unwrap()
    };
    let Settled::Done(made) = settle(&OpId::new("op-1"), "create").await else {
        panic!("it was made");
    };
    assert_eq!(made.id, Some(target.id.clone()));
    assert!(matches!(settle(&none, "start").await, Settled::Done(_)));
    assert_eq!(settle(&none, "stop").await, Settled::NotDone);
    assert_eq!(settle(&none, "remove").await, Settled::NotDone);
    world.stop(&target, Duration::from_secs(1)).await;
    assert!(matches!(settle(&none, "stop").await, Settled::Done(_)));
    world.done(OpKind::RemoveInstance(target.clone())).await;
    assert!(matches!(settle(&none, "remove").await, Settled::Done(_)));
    assert_eq!(settle(&OpId::new("op-1"), "create").await, Settled::NotDone);
}

#[tokio::test(flavor = "current_thread")]
async fn output_by_the_megabyte_is_bounded_on_disk() {
    let world = World::new();
    let words = "all work and no play ".repeat(40);
    let line = format!("yes '{words}' | head -c 36000000; exec sleep 600");
    let target = world.start(service("noisy", &line)).await;
    let folder = world
        .folder
        .path()
        .join(".nanokit/process")
        .join(&target.name);
    for _ in 0..3000 {
        if folder.join("log.2").exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.stop(&target, Duration::from_secs(1)).await;
    let logs =
        ["log", "log.1", "log.2"].map(|name| std::fs::metadata(folder.join(name)).unwrap().len());
    assert!(logs.iter().sum::<u64>() <= 30 << 20, "{logs:?}");
    assert!(!folder.join("log.3").exists());
}

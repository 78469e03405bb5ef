//! Hand-made changes and foreign objects, as only Docker's own command line makes them.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use nanokit::domain::live::Status;
use nanokit::domain::project::naming;
use nanokit::domain::project::project::{Network, Volume};
use nanokit::ports::hooks::CallEnd;
use nanokit::ports::provider::{OpKind, Outcome, Provider, ProviderError};

use crate::docker::stage;
use crate::suite::stage::{Kept, PATIENCE, idle, joined, line, play, service};

fn docker(words: &[&str]) -> String {
    let ran = Command::new("docker").args(words).output().expect("docker");
    assert!(
        ran.status.success(),
        "docker {words:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8_lossy(&ran.stdout).trim().to_owned()
}

fn network(name: &str) -> OpKind {
    OpKind::CreateNetwork {
        network: Network {
            name: name.into(),
            ..Network::default()
        },
        hash: "1:net".into(),
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_network_made_again_by_hand_is_seen_without_a_lineage_and_can_be_joined() {
    let stage = stage();
    play(&stage, async {
        stage.done(network("default")).await;
        stage.done(network("back")).await;
        let mut wish = idle("api");
        wish.networks = joined(&[("default", &[]), ("back", &[])]);
        let target = stage.start(wish).await;
        let back = naming::network_name(&stage.scope, "back");
        docker(&["network", "disconnect", &back, target.id.as_str()]);
        docker(&["network", "rm", &back]);
        docker(&["network", "create", &back]);
        let live = stage.live().await;
        let remade = live
            .networks
            .iter()
            .find(|one| one.name == back)
            .expect("it is listed");
        assert_eq!((&remade.lineage, &remade.network), (&None, &None));
        assert!(!live.instances[0].model.contains_key("networks.back"));
        // Our own network of that name is refused, joining the one that is there works.
        let error = stage.failed(network("back")).await;
        assert!(error.contains("was not made by nanokit"), "{error}");
        stage
            .done(OpKind::Connect {
                target: target.clone(),
                network: "back".into(),
                aliases: ["api".to_owned()].into(),
            })
            .await;
        let model = stage.instance(&target.id).await.model;
        assert_eq!(model["networks.back"].value, "api");
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_network_removed_under_a_stopped_container_is_not_joined_any_more() {
    let stage = stage();
    play(&stage, async {
        stage.done(network("default")).await;
        let mut wish = idle("api");
        wish.networks = joined(&[("default", &[])]);
        let target = stage.start(wish).await;
        stage.stop(&target).await;
        let name = naming::network_name(&stage.scope, "default");
        docker(&["network", "rm", &name]);
        docker(&["network", "create", &name]);
        let model = stage.instance(&target.id).await.model;
        assert!(!model.contains_key("networks.default"), "{model:?}");
        stage
            .done(OpKind::Connect {
                target: target.clone(),
                network: "default".into(),
                aliases: ["api".to_owned()].into(),
            })
            .await;
        stage.done(OpKind::StartInstance(target.clone())).await;
        let model = stage.instance(&target.id).await.model;
        assert_eq!(model["networks.default"].value, "api");
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_foreign_network_joined_by_hand_is_seen_and_left() {
    let stage = stage();
    play(&stage, async {
        let foreign = format!("{}-extra", stage.scope.project);
        docker(&["network", "create", &foreign]);
        let target = stage.start(idle("api")).await;
        stage.stop(&target).await;
        docker(&["network", "disconnect", "-f", "none", target.id.as_str()]);
        docker(&["network", "connect", &foreign, target.id.as_str()]);
        stage.done(OpKind::StartInstance(target.clone())).await;
        let model = stage.instance(&target.id).await.model;
        assert!(
            model.contains_key(&format!("networks.{foreign}")),
            "{model:?}"
        );
        stage
            .done(OpKind::Disconnect {
                target: target.clone(),
                network: foreign.clone(),
            })
            .await;
        let model = stage.instance(&target.id).await.model;
        assert!(
            !model.contains_key(&format!("networks.{foreign}")),
            "{model:?}"
        );
        docker(&["network", "rm", &foreign]);
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn renamed_paused_and_limited_by_hand_is_seen_and_mended() {
    let stage = stage();
    play(&stage, async {
        let target = stage.start(idle("api")).await;
        let id = target.id.as_str();
        docker(&["rename", id, &format!("{}-elsewhere", stage.scope.project)]);
        docker(&[
            "update",
            "--memory",
            "64m",
            "--memory-swap",
            "64m",
            "--restart",
            "always",
            id,
        ]);
        docker(&["pause", id]);
        let live = stage.instance(&target.id).await;
        assert_eq!(live.status, Status::Paused);
        assert!(live.name.ends_with("-elsewhere"));
        assert_eq!(live.model["memory"].value, "67108864");
        assert_eq!(live.model["restart"].value, "always");
        for _ in 0..2 {
            stage.done(OpKind::Unpause(target.clone())).await;
        }
        stage
            .done(OpKind::RenameInstance {
                target: target.clone(),
                holders: Vec::new(),
            })
            .await;
        let live = stage.instance(&target.id).await;
        assert_eq!(
            (live.status, live.name),
            (Status::Running, target.name.clone())
        );
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn exchanged_names_are_changed_back_also_after_a_kill_in_between() {
    let stage = stage();
    play(&stage, async {
        let a = stage.start(idle("a")).await;
        let b = stage.start(idle("b")).await;
        let name = |id: &str, name: &str| docker(&["rename", id, name]);
        let temporary = format!("{}-temporary", stage.scope.project);
        // 1. Exchanged. 2. One in the other's place. 3. Killed when one had given way.
        for (of_a, of_b) in [
            (b.name.as_str(), a.name.as_str()),
            (temporary.as_str(), a.name.as_str()),
            (a.name.as_str(), temporary.as_str()),
        ] {
            name(a.id.as_str(), &format!("{temporary}-1"));
            name(b.id.as_str(), &format!("{temporary}-2"));
            name(a.id.as_str(), of_a);
            name(b.id.as_str(), of_b);
            for (target, holder) in [(&a, &b), (&b, &a)] {
                stage
                    .done(OpKind::RenameInstance {
                        target: target.clone(),
                        holders: vec![holder.clone()],
                    })
                    .await;
            }
            for one in [&a, &b] {
                assert_eq!(
                    stage.instance(&one.id).await.name,
                    one.name,
                    "{of_a} {of_b}"
                );
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_name_held_by_a_foreign_container_is_named_in_the_refusal() {
    let stage = stage();
    play(&stage, async {
        let name = naming::instance_name(&stage.scope, "api", nanokit::domain::ids::Instance(0));
        docker(&["create", "--name", &name, "nk-test/busybox:1"]);
        let error = stage
            .failed(OpKind::CreateInstance(Box::new(stage.spec(idle("api")))))
            .await;
        docker(&["rm", &name]);
        assert!(
            error.contains("a container that nanokit did not make"),
            "{error}"
        );
        assert!(error.contains("docker rename"), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_foreign_volume_of_our_name_is_never_taken_over() {
    let stage = stage();
    play(&stage, async {
        let name = naming::volume_name(&stage.scope, "data");
        docker(&["volume", "create", &name]);
        let error = stage
            .failed(OpKind::CreateVolume {
                volume: Volume {
                    name: "data".into(),
                    ..Volume::default()
                },
            })
            .await;
        assert!(error.contains("is not of this project"), "{error}");
        assert_eq!(stage.live().await.volumes[0].lineage, None);
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_network_in_use_is_not_removed_and_says_who_uses_it() {
    let stage = stage();
    play(&stage, async {
        let made = stage.done(network("default")).await;
        let mut wish = idle("api");
        wish.networks = joined(&[("default", &[])]);
        let target = stage.start(wish).await;
        let id = made.id.expect("an id");
        let error = stage.failed(OpKind::RemoveNetwork { id }).await;
        assert!(
            error.contains(&format!("still joined by {}", target.name)),
            "{error}"
        );
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_service_that_ignores_its_signal_is_killed_after_the_grace() {
    let stage = stage();
    play(&stage, async {
        let mut wish = stage.spec(idle("api"));
        wish.image = Some("nk-test/stubborn:1".into());
        wish.service.command = None;
        let target = stage.create(wish).await;
        stage.done(OpKind::StartInstance(target.clone())).await;
        let begun = tokio::time::timeout(PATIENCE, async {
            while !stage.log(&target, None).await.contains("line 1") {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        begun.await.expect("it begins");
        let stop = OpKind::StopInstance {
            target: target.clone(),
            grace: Duration::from_secs(3),
            signal: None,
        };
        stage.done(stop).await;
        assert_eq!(stage.instance(&target.id).await.status, Status::Exited(137));
        assert!(stage.log(&target, None).await.contains("got TERM, staying"));
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_shell_line_ends_at_once_when_asked_to() {
    let stage = stage();
    play(&stage, async {
        let target = stage
            .start(service("api", "sleep 100000; echo never"))
            .await;
        let stop = OpKind::StopInstance {
            target: target.clone(),
            grace: Duration::from_secs(30),
            signal: None,
        };
        let stopped = tokio::time::timeout(Duration::from_secs(20), stage.done(stop));
        assert!(stopped.await.is_ok(), "it took the whole grace");
        let status = stage.instance(&target.id).await.status;
        assert_eq!(status, Status::Exited(143));
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_running_instance_is_not_removed() {
    let stage = stage();
    play(&stage, async {
        let target = stage.start(idle("api")).await;
        let error = stage.failed(OpKind::RemoveInstance(target.clone())).await;
        assert!(error.contains("running"), "{error}");
        assert_eq!(stage.instance(&target.id).await.status, Status::Running);
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_published_port_is_bound_and_a_taken_one_says_so() {
    let stage = stage();
    play(&stage, async {
        let listener = std::net::TcpListener::bind(("0.0.0.0", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        stage.done(network("default")).await;
        let mut wish = idle("api");
        wish.networks = joined(&[("default", &[])]);
        wish.port = Some(port);
        wish.expose = Some(80);
        let target = stage.create(stage.spec(wish)).await;
        let start = || OpKind::StartInstance(target.clone());
        let error = stage.failed(start()).await;
        assert!(error.contains(&port.to_string()), "{error}");
        drop(listener);
        stage.done(start()).await;
        let live = stage.instance(&target.id).await;
        assert_eq!(live.ports, [format!("0.0.0.0:{port}->80")]);
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn an_image_without_a_shell_cannot_be_gated_and_nothing_stays_behind() {
    let stage = stage();
    play(&stage, async {
        let mut wish = stage.spec(idle("api"));
        wish.image = Some("nk-test/noshell:1".into());
        wish.service.command = None;
        wish.gated = true;
        let error = stage.failed(OpKind::CreateInstance(Box::new(wish))).await;
        assert!(error.contains("has no /bin/sh"), "{error}");
        assert_eq!(stage.live().await.instances, []);
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_gated_command_of_another_user_waits_too() {
    let stage = stage();
    play(&stage, async {
        let mut wish = stage.spec(service("api", "id -u; exec sleep 100000"));
        wish.gated = true;
        wish.service.user = Some("65534".into());
        let target = stage.create(wish).await;
        stage.done(OpKind::StartInstance(target.clone())).await;
        stage.done(OpKind::OpenGate(target.clone())).await;
        let seen = tokio::time::timeout(PATIENCE, async {
            while stage.log(&target, None).await != "65534\n" {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        seen.await.expect("it runs");
        // A command of another user than root is swept as well.
        let call = line("sleep 5554441 & sleep 5554441", Duration::from_millis(500));
        let end = stage.provider.exec(&target, &call, &Kept::default()).await;
        assert_eq!(end, CallEnd::TimedOut);
        let (_, left) = stage.run(&target, "ps | grep -c '[s]leep 555'").await;
        assert_eq!(left, "0\n");
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_gate_that_is_never_opened_does_not_hold_up_a_stop() {
    let stage = stage();
    play(&stage, async {
        let mut wish = stage.spec(idle("api"));
        wish.gated = true;
        let target = stage.create(wish).await;
        stage.done(OpKind::StartInstance(target.clone())).await;
        let stop = OpKind::StopInstance {
            target,
            grace: Duration::from_secs(30),
            signal: None,
        };
        let stopped = tokio::time::timeout(Duration::from_secs(20), stage.done(stop));
        assert!(stopped.await.is_ok(), "it took the whole grace");
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_command_killed_with_its_container_for_want_of_memory_says_so() {
    let stage = stage();
    play(&stage, async {
        let mut wish = service("api", "while [ ! -e /tmp/go ]; do sleep 0.1; done; x=$(head -c 200m /dev/zero | tr '\\0' x); echo $x | wc -c; exit 1");
        wish.memory_bytes = Some(16 << 20);
        let target = stage.start(wish).await;
        let call = line("touch /tmp/go; sleep 1000", PATIENCE);
        let end = stage.provider.exec(&target, &call, &Kept::default()).await;
        match end {
            CallEnd::InstanceGone(why) => assert!(why.contains("memory"), "{why}"),
            other => panic!("{other:?}"),
        }
        let detail = stage.provider.health_detail(&target).await.expect("an answer");
        assert!(detail.out_of_memory, "{detail:?}");
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn an_engine_that_is_not_there_is_named_with_a_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    let host = format!("unix://{}", path.display());
    let variables = [("DOCKER_HOST".to_owned(), host.clone())].into();
    let provider = nanokit::adapters::providers::docker::provider::DockerProvider::new(&variables)
        .expect("the socket file is there");
    let gone = crate::suite::stage::Stage::new(provider, None, None);
    let refused = gone.provider.observe(&gone.scope, &BTreeSet::new()).await;
    match refused {
        Err(ProviderError::Unreachable {
            endpoint,
            cause,
            hint,
            ..
        }) => {
            assert_eq!(endpoint, host);
            assert!(cause.contains("refused"), "{cause}");
            assert!(hint.contains("DOCKER_HOST"), "{hint}");
        }
        other => panic!("{other:?}"),
    }
    // Nothing was sent, so nothing is unknown.
    let outcome = gone.apply(&gone.op(network("default"))).await;
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
}

//! Start, find again, restart, stop, and nothing left behind.

use std::time::Duration;

use nanokit::domain::ids::{Address, Instance};
use nanokit::domain::live::{Health, LiveEvent, LiveEventKind, Status};
use nanokit::domain::project::health::{HealthCheck, Probe};
use nanokit::domain::project::service::{RestartPolicy, Service};
use nanokit::domain::secret::Secret;
use nanokit::ports::hooks::{CallEnd, Value};
use nanokit::ports::provider::{InstanceRef, OpKind, Provider};

use crate::process::world::{World, kill, lives, scope, service, spec};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "current_thread")]
async fn an_instance_starts_answers_and_goes() {
    let world = World::new();
    let target = world
        .start(service("api", "echo up; echo no >&2; exec sleep 600"))
        .await;
    let live = world.instance(&target.id).await;
    assert_eq!(live.status, Status::Running);
    assert_eq!(live.name, "nk-shop-local-api-0");
    assert_eq!(live.health, Health::Unchecked);
    let (end, text) = world
        .exec(&target, "echo $EXTRA $NK_INSTANCE; exit 4")
        .await;
    assert_eq!(end, CallEnd::Exited(4));
    assert_eq!(text, format!("extra {}\n", target.id));
    let pid = world.main_pid(&target);
    let log = world.logs_with(&target, "no\n").await;
    world.stop(&target, SECOND).await;
    assert!(!lives(pid));
    assert_eq!(world.instance(&target.id).await.status, Status::Exited(143));
    assert!(log.contains("up\n") && log.contains("no\n"), "{log}");
    world.done(OpKind::RemoveInstance(target.clone())).await;
    assert_eq!(world.live().await.instances, []);
    world.done(OpKind::RemoveInstance(target)).await;
}

/// The command that starts an instance and ends: this very test binary, called by the next test.
#[tokio::test(flavor = "current_thread")]
#[ignore = "called by `an_instance_outlives_the_command_that_started_it`"]
async fn starts_one_and_ends() {
    let Ok(folder) = std::env::var("NK_TEST_FOLDER") else {
        return;
    };
    let world = std::mem::ManuallyDrop::new(World::at(&folder));
    world
        .start(service("api", "while :; do echo alive; sleep 0.1; done"))
        .await;
}

#[tokio::test(flavor = "current_thread")]
async fn an_instance_outlives_the_command_that_started_it() {
    let world = World::new();
    let command = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::life::starts_one_and_ends", "--ignored"])
        .env("NK_TEST_FOLDER", world.folder.path())
        .output()
        .unwrap();
    assert!(command.status.success(), "{command:?}");
    let live = world.live().await.instances.remove(0);
    assert_eq!(live.status, Status::Running);
    let target = InstanceRef {
        id: live.id,
        name: live.name,
        address: Address::service("api"),
        instance: Instance(0),
    };
    let supervisor = world.supervisor_pid(&target);
    let stat = std::fs::read_to_string(format!("/proc/{supervisor}/stat")).unwrap();
    let session = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .nth(3)
        .unwrap();
    assert_eq!(session, supervisor.to_string(), "a session of its own");
    let lines = async || world.logs(&target).await.lines().count();
    let before = lines().await;
    while lines().await < before + 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (end, _) = world.exec(&target, "true").await;
    assert_eq!(end, CallEnd::Exited(0));
    world.stop(&target, SECOND).await;
}

#[tokio::test(flavor = "current_thread")]
async fn stopping_leaves_no_survivor_in_any_session() {
    let world = World::new();
    let root = world.folder.path().display();
    // Deaf to TERM, in sessions of their own, one with the mark washed off its environment.
    let deaf = format!(
        "trap '' TERM; \
         setsid sh -c 'trap \"\" TERM; echo $$ > {root}/a; while :; do sleep 1; done' & \
         setsid env -i /bin/sh -c 'trap \"\" TERM; echo $$ > {root}/b; while :; do sleep 1; done' & \
         while :; do sleep 1; done"
    );
    let target = world.start(service("deaf", &deaf)).await;
    let pids: Vec<i32> = [
        world.file("a").await,
        world.file("b").await,
        world.main_pid(&target).to_string(),
        world.supervisor_pid(&target).to_string(),
    ]
    .iter()
    .map(|text| text.parse().unwrap())
    .collect();
    assert!(pids.iter().all(|pid| lives(*pid)));
    world.stop(&target, Duration::from_millis(300)).await;
    let left: Vec<bool> = pids[..3].iter().map(|pid| lives(*pid)).collect();
    assert_eq!(left, [false, false, false]);
    assert_eq!(world.instance(&target.id).await.status, Status::Exited(137));
}

#[tokio::test(flavor = "current_thread")]
async fn the_end_of_the_main_process_is_the_end_of_the_instance() {
    let world = World::new();
    let root = world.folder.path().display();
    let line = format!("setsid sh -c 'echo $$ > {root}/a; exec sleep 600' & sleep 0.3; exit 3");
    let target = world.start(service("job", &line)).await;
    let child: i32 = world.file("a").await.parse().unwrap();
    let code = world.provider.wait(&target).await.unwrap();
    assert_eq!(code, 3);
    assert!(!lives(child));
}

#[tokio::test(flavor = "current_thread")]
async fn a_killed_supervisor_does_not_take_the_instance_with_it_nor_hide_it() {
    let world = World::new();
    let target = world.start(service("api", "exec sleep 600")).await;
    let main = world.main_pid(&target);
    kill(world.supervisor_pid(&target), "KILL");
    let live = world
        .until(&target.id, |i| i.health == Health::Unchecked)
        .await;
    assert_eq!(live.status, Status::Running);
    assert!(lives(main));
    world.stop(&target, SECOND).await;
    assert!(!lives(main));
    assert_eq!(world.instance(&target.id).await.status, Status::Exited(143));
    world.done(OpKind::StartInstance(target.clone())).await;
    assert_eq!(world.instance(&target.id).await.status, Status::Running);
}

#[tokio::test(flavor = "current_thread")]
async fn a_killed_main_process_is_seen_and_its_policy_obeyed() {
    let world = World::new();
    let (events, mut inbox) = tokio::sync::mpsc::channel(64);
    let stays = world.start(service("stays", "exec sleep 600")).await;
    let again = world
        .start(Service {
            restart: RestartPolicy::OnFailure(1),
            ..service("again", "exec sleep 600")
        })
        .await;
    let scope = scope();
    let watching = world.provider.watch(&scope, events);
    let (scene, seen) = async {
        let first: LiveEvent = inbox.recv().await.unwrap();
        assert_eq!(first.kind, LiveEventKind::Connected);
        kill(world.main_pid(&stays), "KILL");
        let died = world
            .until(&stays.id, |i| i.status == Status::Exited(137))
            .await;
        assert_eq!(died.restarts, 0);
        let before = world.main_pid(&again);
        kill(before, "KILL");
        world
            .until(&again.id, |i| {
                i.restarts == 1 && i.status == Status::Running
            })
            .await;
        assert_ne!(world.main_pid(&again), before);
        kill(world.main_pid(&again), "KILL");
        world
            .until(&again.id, |i| i.status == Status::Exited(137))
            .await;
        let mut seen = Vec::new();
        while seen.len() < 4 {
            let event: LiveEvent = inbox.recv().await.unwrap();
            seen.push((event.subject.unwrap().address.name, event.kind));
        }
        (inbox, seen)
    }
    .race(watching)
    .await;
    drop(scene);
    let of = |name: &str| -> Vec<LiveEventKind> {
        let ours = seen.iter().filter(|(service, _)| service == name);
        ours.map(|(_, kind)| kind.clone()).collect()
    };
    assert_eq!(of("stays"), [LiveEventKind::Died(137)]);
    assert_eq!(
        of("again"),
        [
            LiveEventKind::Died(137),
            LiveEventKind::Started,
            LiveEventKind::Died(137)
        ]
    );
}

/// Drives a story while something else runs beside it without end.
trait Race: Future + Sized {
    async fn race(self, beside: impl Future<Output = ()>) -> Self::Output {
        tokio::select! {
            told = self => told,
            () = beside => panic!("the watcher ended"),
        }
    }
}
impl<F: Future> Race for F {}

#[tokio::test(flavor = "current_thread")]
async fn a_gate_holds_the_main_command_and_stays_open() {
    let world = World::new();
    let root = world.folder.path().display();
    let mut wish = spec(service(
        "api",
        &format!("echo x >> {root}/ran; exec sleep 600"),
    ));
    wish.gated = true;
    wish.env = vec![("TOKEN".into(), Value::Secret(Secret::new("s3cret".into())))];
    let target = world.create(wish).await;
    world.done(OpKind::StartInstance(target.clone())).await;
    assert_eq!(world.instance(&target.id).await.status, Status::Running);
    let (end, text) = world.exec(&target, "echo in $TOKEN").await;
    assert_eq!((end, text.as_str()), (CallEnd::Exited(0), "in s3cret\n"));
    assert!(!world.folder.path().join("ran").exists());
    world.done(OpKind::OpenGate(target.clone())).await;
    assert_eq!(world.file("ran").await, "x");
    world.stop(&target, SECOND).await;
    world.done(OpKind::StartInstance(target.clone())).await;
    world
        .until(&target.id, |i| i.status == Status::Running)
        .await;
    for _ in 0..500 {
        let text = std::fs::read_to_string(world.folder.path().join("ran")).unwrap();
        if text == "x\nx\n" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the gate was shut again");
}

#[tokio::test(flavor = "current_thread")]
async fn secrets_are_in_no_file_and_survive_a_stop() {
    let world = World::new();
    let mut wish = spec(service("api", "test ${#TOKEN} = 6 && exec sleep 600"));
    wish.env = vec![
        ("TOKEN".into(), Value::Secret(Secret::new("s3cret".into()))),
        ("PLAIN".into(), Value::Plain("plain".into())),
    ];
    let target = world.create(wish).await;
    for _ in 0..2 {
        world.done(OpKind::StartInstance(target.clone())).await;
        let (_, text) = world.exec(&target, "echo $TOKEN $PLAIN").await;
        assert_eq!(text, "s3cret plain\n");
        world.stop(&target, SECOND).await;
    }
    let folder = world
        .folder
        .path()
        .join(".nanokit/process")
        .join(&target.name);
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("s3cret"), "{}", entry.path().display());
    }
    kill(world.supervisor_pid(&target), "KILL");
    world.until(&target.id, |i| i.status == Status::Dead).await;
    let error = world.failed(OpKind::StartInstance(target.clone())).await;
    assert!(error.contains("secrets"), "{error}");
    world.done(OpKind::RemoveInstance(target)).await;
}

#[tokio::test(flavor = "current_thread")]
async fn health_is_asked_for_by_the_supervisor() {
    let world = World::new();
    let root = world.folder.path().display();
    let check = HealthCheck {
        interval: Duration::from_millis(100),
        retries: 2,
        ..HealthCheck::with_defaults(Probe::Shell(format!(
            "cat {root}/ok || {{ echo missing; exit 5; }}"
        )))
    };
    let target = world
        .start(Service {
            healthcheck: Some(check),
            ..service("api", "exec sleep 600")
        })
        .await;
    world
        .until(&target.id, |i| i.health == Health::Unhealthy)
        .await;
    let detail = world.provider.health_detail(&target).await.unwrap();
    assert_eq!(detail.last_exit, Some(5));
    assert!(detail.last_output.contains("missing"), "{detail:?}");
    std::fs::write(world.folder.path().join("ok"), "fine\n").unwrap();
    world
        .until(&target.id, |i| i.health == Health::Healthy)
        .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_deleted_folder_ends_the_instance() {
    let world = World::new();
    let target = world.start(service("api", "exec sleep 600")).await;
    let pids = [world.main_pid(&target), world.supervisor_pid(&target)];
    std::fs::remove_dir_all(world.folder.path().join(".nanokit")).unwrap();
    for _ in 0..1000 {
        if !pids.iter().any(|pid| lives(*pid)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it lives on without its folder");
}

#[tokio::test(flavor = "current_thread")]
async fn what_cannot_start_says_why() {
    let world = World::new();
    let cases = [
        (Service::named("a"), "create", "no `start` command"),
        (
            Service {
                command: Some(vec!["no-such-program".into()]),
                ..Service::named("b")
            },
            "start",
            "cannot start `no-such-program`: no such program on this host",
        ),
    ];
    for (service, when, expected) in cases {
        let error = if when == "create" {
            world
                .failed(OpKind::CreateInstance(Box::new(spec(service))))
                .await
        } else {
            let target = world.create(spec(service)).await;
            world.failed(OpKind::StartInstance(target)).await
        };
        assert!(error.contains(expected), "{error}");
    }
}

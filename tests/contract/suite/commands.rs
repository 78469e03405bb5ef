//! Commands inside, logs, gates, health, volumes: what needs something that really runs.

use std::time::Duration;

use nanokit::domain::event::Stream;
use nanokit::domain::live::{Health, LiveEventKind, Status};
use nanokit::domain::project::health::{HealthCheck, Probe};
use nanokit::domain::project::project::Volume;
use nanokit::domain::project::service::{Mount, MountSource, Service};
use nanokit::domain::secret::Secret;
use nanokit::domain::time::Wall;
use nanokit::domain::usage::Meter;
use nanokit::ports::hooks::{CallEnd, Value};
use nanokit::ports::provider::{InstanceRef, LogQuery, OpKind, Provider};

use crate::suite::stage::{
    Kept, PATIENCE, Stage, idle, joined, line, next, plain, service, sibling,
};

const SHORT: Duration = Duration::from_millis(700);

pub(crate) async fn a_command_inside_keeps_its_streams_apart_and_returns_its_code<P: Provider>(
    stage: &Stage<P>,
) {
    let target = stage.start(idle("api")).await;
    let mut call = line("echo out $PLAIN; echo err $HIDDEN >&2; exit 7", PATIENCE);
    call.env = vec![
        plain("PLAIN", "a b"),
        ("HIDDEN".into(), Value::Secret(Secret::new("t0p".into()))),
    ];
    let kept = Kept::default();
    let end = stage.provider.exec(&target, &call, &kept).await;
    assert_eq!(end, CallEnd::Exited(7));
    assert_eq!(kept.of(Stream::Stdout), "out a b\n");
    assert_eq!(kept.of(Stream::Stderr), "err t0p\n");
    // Much output, without an end of line.
    let kept = Kept::default();
    let call = line("head -c 300000 /dev/zero | tr '\\0' x", PATIENCE);
    assert_eq!(
        stage.provider.exec(&target, &call, &kept).await,
        CallEnd::Exited(0)
    );
    assert_eq!(kept.of(Stream::Stdout).len(), 300_000);
}

/// A line whose children go away in every way they can, each naming itself in its arguments.
fn escapees(mark: &str) -> String {
    format!(
        "sleep {mark}1 & (setsid sleep {mark}2 &) ; \
         (trap '' TERM HUP INT; setsid sh -c 'sleep {mark}3; :' >/dev/null 2>&1 </dev/null &) ; sleep {mark}4"
    )
}

const COUNT: &str = "n=0; for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q 'sleep MARK' && n=$((n+1)); done; echo $n";

/// Counts the processes of [`escapees`]; the shell that counts names the mark too, so it is spelled in two parts.
fn counting(mark: &str) -> String {
    let (head, tail) = mark.split_at(2);
    COUNT.replace("MARK", &format!("{head}'\"\"'{tail}"))
}

pub(crate) async fn a_command_out_of_time_is_killed_with_everything_it_started<P: Provider>(
    stage: &Stage<P>,
) {
    let target = stage.start(idle("api")).await;
    let mark = stage.mark();
    let call = line(&escapees(&mark), SHORT);
    let end = stage.provider.exec(&target, &call, &Kept::default()).await;
    assert_eq!(end, CallEnd::TimedOut);
    let (end, left) = stage.run(&target, &counting(&mark)).await;
    assert_eq!((end, left.as_str()), (CallEnd::Exited(0), "0\n"));
    assert_eq!(stage.instance(&target.id).await.status, Status::Running);
}

pub(crate) async fn a_command_dropped_midway_does_not_go_on<P: Provider>(stage: &Stage<P>) {
    let target = stage.start(idle("api")).await;
    let mark = stage.mark();
    let call = line(&escapees(&mark), PATIENCE);
    let kept = Kept::default();
    let running = stage.provider.exec(&target, &call, &kept);
    let wait = format!("test $({}) -ge 4", counting(&mark).trim_end());
    tokio::select! {
        end = running => panic!("it ended: {end:?}"),
        _ = stage.run_until(&target, &wait) => {}
    }
    let gone = format!("test $({}) = 0", counting(&mark).trim_end());
    stage.run_until(&target, &gone).await;
}

pub(crate) async fn a_command_in_an_instance_that_ends_says_so<P: Provider>(stage: &Stage<P>) {
    let file = format!("/tmp/end-of-{}", stage.scope.project);
    let main = format!("while [ ! -e {file} ]; do sleep 0.1; done; rm {file}; exit 3");
    let target = stage.start(service("api", &main)).await;
    let call = line(&format!("touch {file}; sleep 1000"), PATIENCE);
    let end = stage.provider.exec(&target, &call, &Kept::default()).await;
    assert!(matches!(end, CallEnd::InstanceGone(_)), "{end:?}");
    let call = line("true", PATIENCE);
    let end = stage.provider.exec(&target, &call, &Kept::default()).await;
    assert!(matches!(end, CallEnd::InstanceGone(_)), "{end:?}");
}

pub(crate) async fn a_command_that_does_not_exist_is_not_a_success<P: Provider>(stage: &Stage<P>) {
    let target = stage.start(idle("api")).await;
    let mut call = line("", PATIENCE);
    call.argv = vec!["no-such-program".into()];
    let end = stage.provider.exec(&target, &call, &Kept::default()).await;
    match end {
        CallEnd::NotStarted(why) => assert!(why.contains("no-such-program"), "{why}"),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_log_is_handed_out_whole_by_its_tail_and_as_it_grows<P: Provider>(
    stage: &Stage<P>,
) {
    let target = stage
        .start(service(
            "api",
            "i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo line $i; done; sleep 1; echo late; exec sleep 100000",
        ))
        .await;
    let kept = Kept::default();
    let query = LogQuery {
        tail: None,
        follow: true,
        timestamps: false,
    };
    let growing = async {
        while !kept.text().ends_with("late\n") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        read = stage.provider.logs(&target, query, &kept) => panic!("it ended: {read:?}"),
        () = growing => {}
        () = tokio::time::sleep(PATIENCE) => panic!("never came: {:?}", kept.text()),
    }
    let whole: Vec<String> = (1..=20).map(|i| format!("line {i}\n")).collect();
    let whole = whole.concat();
    assert_eq!(kept.of(Stream::Stdout), format!("{whole}late\n"));
    assert_eq!(stage.log(&target, Some(2)).await, "line 20\nlate\n");
    let stamped = Kept::default();
    let query = LogQuery {
        tail: Some(1),
        follow: false,
        timestamps: true,
    };
    stage
        .provider
        .logs(&target, query, &stamped)
        .await
        .expect("a log");
    let text = stamped.text();
    let (at, rest) = text.split_once(' ').expect("a time in front");
    assert!(at.starts_with("20") && at.contains('T'), "{text}");
    assert_eq!(rest, "late\n");
}

pub(crate) async fn a_gate_holds_the_main_command_and_stays_open<P: Provider>(stage: &Stage<P>) {
    let mut wish = stage.spec(service("api", "echo ran; exec sleep 100000"));
    wish.gated = true;
    let target = stage.create(wish).await;
    stage.done(OpKind::StartInstance(target.clone())).await;
    // Commands run while the gate is shut, and the main command does not.
    for _ in 0..3 {
        let (end, output) = stage.run(&target, "echo in").await;
        assert_eq!((end, output.as_str()), (CallEnd::Exited(0), "in\n"));
    }
    assert_eq!(stage.log(&target, None).await, "");
    let runs = async |count: usize| {
        let seen = tokio::time::timeout(PATIENCE, async {
            while stage.log(&target, None).await != "ran\n".repeat(count) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        seen.await.expect("the main command runs");
    };
    stage.done(OpKind::OpenGate(target.clone())).await;
    runs(1).await;
    stage.stop(&target).await;
    stage.done(OpKind::StartInstance(target.clone())).await;
    runs(2).await;
}

fn data(target: &str) -> Mount {
    Mount {
        source: MountSource::Volume("my-data".into()),
        target: target.into(),
        read_only: false,
    }
}

async fn make_volume<P: Provider>(stage: &Stage<P>) {
    stage
        .done(OpKind::CreateVolume {
            volume: Volume {
                name: "my-data".into(),
                ..Volume::default()
            },
        })
        .await;
}

pub(crate) async fn a_volume_outlives_its_instances<P: Provider>(stage: &Stage<P>) {
    make_volume(stage).await;
    let wish = || Service {
        mounts: vec![data("/data")],
        ..idle("db")
    };
    let first = stage.start(wish()).await;
    let (end, _) = stage
        .run(&first, "echo kept > \"$NANOKIT_VOLUME_MY_DATA/file\"")
        .await;
    assert_eq!(end, CallEnd::Exited(0));
    stage.stop(&first).await;
    stage.done(OpKind::RemoveInstance(first)).await;
    let second = stage.start(wish()).await;
    let (end, text) = stage
        .run(&second, "cat \"$NANOKIT_VOLUME_MY_DATA/file\"")
        .await;
    assert_eq!((end, text.as_str()), (CallEnd::Exited(0), "kept\n"));
}

pub(crate) async fn a_one_off_ends_with_its_code_and_does_not_count_as_an_instance<P: Provider>(
    stage: &Stage<P>,
) {
    let main = stage.start(idle("api")).await;
    let mut wish = stage.spec(idle("api"));
    wish.one_off = Some(vec![
        "/bin/sh".into(),
        "-c".into(),
        "echo installing; exit 5".into(),
    ]);
    let once = stage.create(wish).await;
    assert_ne!(once.id, main.id);
    stage.done(OpKind::StartInstance(once.clone())).await;
    let code = stage.provider.wait(&once).await.expect("it ends");
    assert_eq!(code, 5);
    assert_eq!(stage.log(&once, None).await, "installing\n");
    let live = stage.live().await;
    let numbered: Vec<_> = live.of_service("api").map(|one| one.id.clone()).collect();
    assert_eq!(numbered, [main.id]);
    stage.done(OpKind::RemoveInstance(once)).await;
}

pub(crate) async fn health_turns_from_starting_to_healthy_to_unhealthy_and_says_why<P: Provider>(
    stage: &Stage<P>,
) {
    make_volume(stage).await;
    let test = "test -e \"$NANOKIT_VOLUME_MY_DATA/ok\" || { echo no file; exit 9; }";
    let check = HealthCheck {
        interval: Duration::from_millis(200),
        timeout: Duration::from_secs(5),
        retries: 2,
        start_period: Duration::from_secs(30),
        ..HealthCheck::with_defaults(Probe::Shell(test.into()))
    };
    let mut wish = stage.spec(Service {
        healthcheck: Some(check),
        mounts: vec![data("/data")],
        ..idle("api")
    });
    wish.hash = "1:health".into();
    stage
        .watching(async |events| {
            let made = stage.done(OpKind::CreateInstance(Box::new(wish))).await;
            assert_eq!(made.health_check, Some(true));
            let target = nanokit::ports::provider::InstanceRef {
                id: made.id.expect("an id"),
                name: made.name.expect("a name"),
                address: nanokit::domain::ids::Address::service("api"),
                instance: nanokit::domain::ids::Instance(0),
            };
            stage.done(OpKind::StartInstance(target.clone())).await;
            let found = stage
                .until(&target.id, |one| one.health != Health::Unchecked)
                .await;
            assert_eq!(found.health, Health::Starting);
            let verdict = async |events: &mut _, wanted: Health| {
                let found = next(events, |event| match event.kind {
                    LiveEventKind::Health(Health::Starting) => None,
                    LiveEventKind::Health(health) => Some(health),
                    _ => None,
                })
                .await;
                assert_eq!(found, wanted);
            };
            stage
                .run(&target, "touch \"$NANOKIT_VOLUME_MY_DATA/ok\"")
                .await;
            verdict(events, Health::Healthy).await;
            stage
                .run(&target, "rm \"$NANOKIT_VOLUME_MY_DATA/ok\"")
                .await;
            verdict(events, Health::Unhealthy).await;
            let detail = stage
                .provider
                .health_detail(&target)
                .await
                .expect("an answer");
            assert!(detail.last_output.contains("no file"), "{detail:?}");
            assert_eq!(detail.last_exit, Some(9));
            assert_eq!(detail.exit_code, None);
            assert_eq!(stage.instance(&target.id).await.health, Health::Unhealthy);
        })
        .await;
}

pub(crate) async fn variables_tell_where_volumes_and_siblings_are<P: Provider>(stage: &Stage<P>) {
    make_volume(stage).await;
    let mut wish = stage.spec(Service {
        mounts: vec![data("/data")],
        ..idle("api")
    });
    wish.env = vec![plain("GREETING", "hello you")];
    wish.siblings = vec![sibling("web-1", Some(8080)), sibling("job", None)];
    let target = stage.create(wish).await;
    stage.done(OpKind::StartInstance(target.clone())).await;
    let script = "echo \"$GREETING|${NANOKIT_URL_JOB:-none}\"; test -d \"$NANOKIT_VOLUME_MY_DATA\" && \
                  case \"$NANOKIT_URL_WEB_1\" in http://*:[0-9]*) echo url;; esac";
    let (end, text) = stage.run(&target, script).await;
    assert_eq!(
        (end, text.as_str()),
        (CallEnd::Exited(0), "hello you|none\nurl\n")
    );
}

/// Finds a port nobody listens on.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

pub(crate) async fn a_port_is_asked_from_here<P: Provider>(stage: &Stage<P>) {
    make_network(stage).await;
    let port = free_port();
    let target = stage
        .start(Service {
            port: Some(port),
            expose: Some(port),
            networks: joined(&[("default", &[])]),
            ..service(
                "web",
                &format!(
                    "d=$(mktemp -d); echo ok > $d/health; exec busybox httpd -f -p {port} -h $d"
                ),
            )
        })
        .await;
    let ask = async |probe: Probe| stage.provider.probe(&target, &probe, SHORT * 4).await;
    let http = Probe::Http {
        port,
        path: "/health".into(),
    };
    let answered = tokio::time::timeout(PATIENCE, async {
        while ask(http.clone()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    answered.await.expect("it answers");
    assert_eq!(ask(Probe::None).await, Ok(()));
    assert_eq!(ask(Probe::Tcp { port }).await, Ok(()));
    let missing = Probe::Http {
        port,
        path: "/missing".into(),
    };
    let error = ask(missing).await.unwrap_err();
    assert!(error.contains("404"), "{error}");
    assert_eq!(ask(Probe::Shell("true".into())).await, Ok(()));
    let error = ask(Probe::Shell("exit 3".into())).await.unwrap_err();
    assert!(error.contains('3'), "{error}");
    stage.stop(&target).await;
    let error = ask(Probe::Tcp { port }).await.unwrap_err();
    assert!(!error.is_empty());
}

async fn make_network<P: Provider>(stage: &Stage<P>) {
    stage
        .done(OpKind::CreateNetwork {
            network: nanokit::domain::project::project::Network {
                name: "default".into(),
                ..Default::default()
            },
            hash: "1:net".into(),
        })
        .await;
}

pub(crate) async fn what_instances_use_is_counted_while_they_run<P: Provider>(stage: &Stage<P>) {
    let busy = stage.start(service("busy", "while :; do :; done")).await;
    let quiet = stage.start(idle("quiet")).await;
    let targets = [busy.clone(), quiet.clone()];
    let mut meter = Meter::default();
    let mut look = async || {
        let found = stage.provider.sample(&targets).await.expect("an answer");
        let read = |target: &InstanceRef| {
            let counters = *found.get(&target.id).expect("it runs");
            (target.id.clone(), counters)
        };
        let pairs = [read(&busy), read(&quiet)];
        pairs.map(|(id, counters)| meter.read(&id, counters, Wall(0)))
    };
    let [first, _] = look().await;
    assert_eq!(first.cpu_millis, None, "one look knows no share");
    let began = std::time::Instant::now();
    // On a loaded machine the loop gets less than a core, but never so little as nothing.
    let (used, slept) = loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let [busy, quiet] = look().await;
        let used = busy.cpu_millis.expect("the second look knows");
        if used > 50 {
            break (busy, quiet);
        }
        assert!(began.elapsed() < PATIENCE, "{busy:?}");
    };
    assert!(
        used.cpu_millis.is_some_and(|millis| millis <= 1_200),
        "{used:?}"
    );
    assert!(
        slept.cpu_millis.is_some_and(|millis| millis < 50),
        "{slept:?}"
    );
    assert!(
        slept.counters.memory.is_some_and(|bytes| bytes > 0),
        "{slept:?}"
    );
    assert!(
        slept.counters.tasks.is_some_and(|tasks| tasks > 0),
        "{slept:?}"
    );
    stage.stop(&busy).await;
    let found = stage.provider.sample(&targets).await.expect("an answer");
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        [&quiet.id],
        "it has ended"
    );
    stage.done(OpKind::RemoveInstance(busy.clone())).await;
    let found = stage.provider.sample(&targets).await.expect("an answer");
    assert_eq!(found.keys().collect::<Vec<_>>(), [&quiet.id], "it is gone");
}

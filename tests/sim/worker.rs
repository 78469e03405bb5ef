//! Workers beside operators and beside each other: the real session, mind and engine on paused time. Nobody ever changes
//! anything while somebody else does, and nothing is restored twice.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use nanokit::app::command::{Command, Stop};
use nanokit::app::failure::Failure;
use nanokit::app::notice::Hydrated;
use nanokit::app::session::{self, Reader, Settings};
use nanokit::app::worker::mind::{Identity, Worker};
use nanokit::app::workshop::{Need, Workshop};
use nanokit::domain::event::RunOutcome;
use nanokit::domain::graph::build::Graph;
use nanokit::domain::lease::LeaseTimes;
use nanokit::domain::place::Sources;
use nanokit::domain::plan::model::Purpose;
use nanokit::domain::project::project::Project;
use nanokit::domain::project::watch::Restoring;
use nanokit::domain::report::worker::{Leadership, WorkerReport};
use nanokit::domain::time::Wall;
use nanokit::engine::engine::Engine;
use nanokit::engine::reconcile::Reconcile;
use nanokit::ports::clock::Clock;
use nanokit::ports::process::Processes;
use nanokit::ports::world::World;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::harness::{Ask, deploy, engine, machine, plan, run, sim};
use crate::support::sim::life::{Fate, killed_at};
use crate::support::sim::project::{project, service};
use crate::support::sim::world::{Machine, SimWorld};

const SECOND: Duration = Duration::from_secs(1);

/// A workshop in which nothing is loaded and nothing connected.
struct Shop {
    engine: Rc<Engine<SimWorld>>,
    project: Arc<Project>,
}

impl Workshop for Shop {
    type Engine = Engine<SimWorld>;
    fn hydrate(&self) -> Hydrated {
        Hydrated {
            project: Some(Arc::clone(&self.project)),
            layers: Graph::of(&self.project).layers(),
            diagnostics: Vec::new(),
            sources: Arc::new(Sources::default()),
        }
    }
    async fn engine(&self, _: &Project, _: Need) -> Result<Rc<Self::Engine>, Failure> {
        Ok(Rc::clone(&self.engine))
    }
    fn now(&self) -> Wall {
        self.engine.world().clock().wall()
    }
}

/// Lives as a worker for so long and is told to end then; `None`: it was killed.
async fn work(
    machine: &Machine,
    project: &Project,
    (fate, span): (Fate, Duration),
) -> Option<WorkerReport> {
    let world = machine.spawn(fate);
    let life = world.life.clone();
    let holder = world.processes().me();
    let me = Identity {
        id: holder.pid.to_string(),
        pid: holder.pid,
        user: holder.user,
        host: holder.host,
        version: holder.version,
    };
    let shop = Shop {
        engine: Rc::new(Engine::new(world)),
        project: Arc::new(project.clone()),
    };
    let (mut client, session) = session::open(Settings {
        live: true,
        reader: Reader::Lossless,
        read_only: false,
        workers: false,
        stays: true,
    });
    let end = Instant::now() + span;
    let mut mind = Worker::new(me, Arc::clone(&shop.project), Instant::now(), Wall(0));
    let loop_ = async {
        client.handle.send(Command::Lead).expect("a mailbox");
        while Instant::now() < end || mind.is_busy() {
            while let Some(command) = mind.wish(Instant::now()) {
                let ticket = client.handle.send(command.clone()).expect("a mailbox");
                mind.sent(&command, ticket);
            }
            let patience = mind.patience(Instant::now()).unwrap_or(SECOND).min(SECOND);
            if let Ok(notice) = timeout(patience, client.notices.recv()).await {
                let notice = notice.expect("the session lives");
                mind.hear(&notice, Instant::now(), shop.now());
            }
        }
        let report = mind.report(Instant::now(), shop.now());
        let _ = client.handle.send(Command::Stop { stop: Stop::Drain });
        drop(client);
        report
    };
    let both = async { tokio::join!(session.serve(&shop), loop_).1 };
    let told = Box::pin(life.live(both)).await;
    machine.bury(shop.engine.world());
    told
}

fn four() -> Project {
    let services = [
        ("db", &[][..]),
        ("api", &["db"]),
        ("web", &["api"]),
        ("job", &[]),
    ];
    let services = services.map(|(name, needs)| service(name, needs));
    let mut project = project(services.to_vec());
    project.drift.restore = Restoring::Auto;
    project
}

/// Somebody kills an instance by hand.
fn kill(machine: &Machine, which: &str) {
    if let Some(found) = machine.platform.find(which) {
        machine.platform.dies(&found.id, found.life, 137);
    }
}

/// Somebody removes an instance by hand.
fn remove(machine: &Machine, which: &str) {
    if let Some(found) = machine.platform.find(which) {
        machine.platform.dies(&found.id, found.life, 137);
        machine.platform.with(|m| m.boxes.remove(&found.id));
    }
}

/// A restore of everything that is killed at a step; tells whether it was.
async fn killed_restore(machine: &Machine, project: &Project, step: u64) -> bool {
    let ask = Ask {
        purpose: Purpose::Restore,
        fate: killed_at(step),
        ..Ask::default()
    };
    run(machine, project, ask).await.end.is_none()
}

/// Every run's command with the time it was changing things in, by the run logs.
fn changes(machine: &Machine) -> Vec<(String, i64, i64)> {
    let files: Vec<_> = machine.files.borrow().keys().cloned().collect();
    let logs = files
        .iter()
        .filter(|file| file.starts_with("runs") && file.extension() == Some("jsonl".as_ref()));
    let all = logs.filter_map(|log: &std::path::PathBuf| span_of(machine, log));
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|one| one.1);
    all
}

fn span_of(machine: &Machine, log: &Path) -> Option<(String, i64, i64)> {
    let text = machine.file(log.to_str()?)?;
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let lines: Vec<Value> = lines.collect();
    let at = |line: &Value| {
        let at: jiff::Timestamp = line["at"].as_str()?.parse().ok()?;
        Some(at.as_millisecond())
    };
    let command = lines.first()?["command"].as_str()?.to_owned();
    // Whoever changed nothing was in nobody's way.
    let begun = lines.iter().find(|line| line["kind"] == "action_started")?;
    Some((command, at(begun)?, at(lines.last()?)?))
}

fn assert_apart(machine: &Machine, context: &str) {
    let all = changes(machine);
    for pair in all.windows(2) {
        assert!(
            pair[0].2 <= pair[1].1,
            "{context}: at the same time: {pair:?}"
        );
    }
}

#[test]
fn a_worker_and_an_operator_never_change_things_at_the_same_time() {
    let mut restored = 0;
    for seed in 0..24 {
        sim(async {
            let machine = machine(seed);
            let project = four();
            deploy(&machine, &project).await;
            let mut edited = project.clone();
            for service in edited.services.values_mut() {
                service.image = Some("app:2".to_owned());
            }
            let operator = async {
                sleep(Duration::from_millis(2_000 + seed * 137)).await;
                let ask = Ask {
                    lock_wait: SECOND * 30,
                    ..Ask::default()
                };
                let mut ran = run(&machine, &edited, ask.clone()).await;
                // What is killed while it is waited for has not become healthy, and that is said.
                if ran.outcome() == RunOutcome::Failed && ran.error().contains("137") {
                    ran = run(&machine, &edited, ask).await;
                }
                assert_eq!(ran.outcome(), RunOutcome::Ok, "{seed}: {}", ran.error());
            };
            let hand = async {
                for (at, which) in [
                    (1_500, "api[0]"),
                    (900, "db[0]"),
                    (700, "web[0]"),
                    (9_000, "job[0]"),
                ] {
                    sleep(Duration::from_millis(at + seed * 31)).await;
                    kill(&machine, which);
                }
            };
            let worker = work(&machine, &project, (Fate::default(), SECOND * 200));
            let (told, (), ()) = tokio::join!(worker, operator, hand);
            let told = told.expect("nobody killed it");
            assert_eq!(told.drifted, [], "{seed}: {told:#?}");
            restored += told.restored;
            machine.ledger.assert_sound(&format!("seed {seed}"));
            assert_apart(&machine, &format!("seed {seed}"));
            let left = engine(&machine).drift(&edited).await.unwrap();
            assert!(left.drifted.is_empty(), "{seed}: {:?}", left.drifted);
            for name in ["db", "api", "web", "job"] {
                assert!(machine.platform.is_up(name), "{seed}: {name} is down");
            }
        });
    }
    assert!(restored >= 24, "it restored only {restored} times");
}

#[test]
fn two_workers_never_fight_and_the_second_takes_over_from_the_dead() {
    let mut taken_over = 0;
    for seed in 0..16_u64 {
        sim(async {
            let machine = machine(seed);
            let project = four();
            deploy(&machine, &project).await;
            let doomed = Fate {
                kill_at: (seed % 2 == 1).then_some(120 + seed * 17),
                ..Fate::default()
            };
            let hand = async {
                for which in ["api[0]", "db[0]", "web[0]", "job[0]"] {
                    sleep(SECOND * 15).await;
                    kill(&machine, which);
                }
            };
            let first = work(&machine, &project, (doomed, SECOND * 250));
            let second = async {
                sleep(SECOND).await;
                work(&machine, &project, (Fate::default(), SECOND * 250)).await
            };
            let (first, second, ()) = tokio::join!(first, second, hand);
            let second = second.expect("nobody killed it");
            let context = format!("seed {seed}");
            assert_eq!(second.drifted, [], "{context}: {second:#?}");
            machine.ledger.assert_sound(&context);
            assert_apart(&machine, &context);
            match first {
                Some(first) => {
                    assert_eq!(first.leadership, Leadership::Leads, "{context}");
                    assert_eq!((first.restored, second.restored), (4, 0), "{context}");
                }
                None => {
                    assert_eq!(second.leadership, Leadership::Leads, "{context}");
                    taken_over += 1;
                }
            }
            for name in ["db", "api", "web", "job"] {
                assert!(machine.platform.is_up(name), "{context}: {name} is down");
            }
        });
    }
    assert!(taken_over > 0, "no leader was killed");
}

#[test]
fn what_a_leader_killed_at_any_step_of_a_restore_left_is_finished_by_the_next() {
    let (mut killed, mut half_done) = (0, 0);
    for step in 1.. {
        let came_to_its_end = sim(async {
            let machine = machine(step);
            let project = four();
            deploy(&machine, &project).await;
            remove(&machine, "api[0]");
            if !killed_restore(&machine, &project, step).await {
                return true;
            }
            killed += 1;
            let context = format!("killed at step {step}");
            let found = engine(&machine).drift(&project).await.unwrap();
            half_done += found.half_done.len();
            let next = work(&machine, &project, (Fate::default(), SECOND * 30)).await;
            let next = next.expect("nobody killed it");
            assert_eq!(
                (next.drifted, next.half_done),
                (vec![], vec![]),
                "{context}"
            );
            assert_eq!(next.failed, 0, "{context}");
            machine.ledger.assert_sound(&context);
            let left = plan(&machine, &project).await;
            assert!(left.is_empty(), "{context}: {:#?}", left.actions);
            for name in ["db", "api", "web", "job"] {
                assert!(machine.platform.is_up(name), "{context}: {name} is down");
            }
            false
        });
        if came_to_its_end {
            break;
        }
    }
    assert!(killed > 20, "it was killed only {killed} times");
    assert!(half_done > 0, "it never left anything half done");
}

#[test]
fn what_a_killed_deploy_left_is_nobody_elses_to_finish_and_asking_restores_nothing() {
    for (purpose, restoring) in [
        (Purpose::Deploy, Restoring::Auto),
        (Purpose::Restore, Restoring::Ask),
    ] {
        let mut left = 0;
        for step in (20..140).step_by(3) {
            sim(async {
                let machine = machine(step);
                let mut project = four();
                project.drift.restore = restoring;
                let fate = killed_at(step);
                if purpose == Purpose::Restore {
                    deploy(&machine, &project).await;
                    remove(&machine, "api[0]");
                }
                let ask = Ask {
                    purpose: purpose.clone(),
                    fate,
                    ..Ask::default()
                };
                if run(&machine, &project, ask).await.end.is_some() {
                    return;
                }
                let told = work(&machine, &project, (Fate::default(), SECOND * 30)).await;
                let told = told.expect("nobody killed it");
                let context = format!("{} killed at step {step}", purpose.as_str());
                let asks = restoring == Restoring::Ask;
                if asks {
                    assert_eq!((told.restored, told.failed), (0, 0), "{context}");
                }
                if !plan(&machine, &project).await.is_empty() {
                    left += 1;
                    assert_eq!(told.pending.is_empty(), !asks, "{context}: {told:#?}");
                    // What a deploy left counts as nobody's restore.
                    assert!(asks || told.half_done.is_empty(), "{context}: {told:#?}");
                }
            });
        }
        assert!(left > 0, "{} left nothing", purpose.as_str());
    }
}

/// Lives as a worker on this machine for so long.
async fn leadership(machine: &Machine, project: &Project, on: u32, span: Duration) -> WorkerReport {
    let fate = Fate {
        machine: on,
        ..Fate::default()
    };
    let told = work(machine, project, (fate, span)).await;
    told.expect("nobody killed it")
}

#[test]
fn a_leader_that_died_on_another_machine_is_followed_after_the_silence_of_its_lease_and_not_before()
{
    let times = LeaseTimes::DEFAULT;
    let silence = times.lease + times.grace;
    let too_short = silence.saturating_sub(SECOND * 3);
    for seed in 0..6 {
        sim(async {
            let machine = machine(seed);
            let project = four();
            deploy(&machine, &project).await;
            let dies = Fate {
                machine: 1,
                ..killed_at(90 + seed * 12)
            };
            let hand = async {
                sleep(SECOND * 5).await;
                kill(&machine, "api[0]");
            };
            let (first, ()) = tokio::join!(work(&machine, &project, (dies, SECOND * 250)), hand);
            assert!(first.is_none(), "{seed}: it was not killed");
            // Nobody here can prove that it is dead, so only its silence counts, all of it.
            let early = leadership(&machine, &project, 2, too_short).await;
            let waits = matches!(early.leadership, Leadership::StandsBy(_));
            assert!(waits, "{seed}: {:?}", early.leadership);
            assert_eq!(early.restored, 0, "{seed}");
            let late = leadership(&machine, &project, 2, silence * 3).await;
            assert_eq!(late.leadership, Leadership::Leads, "{seed}");
            assert_eq!(late.drifted, [], "{seed}: {late:#?}");
            machine.ledger.assert_sound(&format!("seed {seed}"));
            assert!(machine.platform.is_up("api"), "{seed}");
        });
    }
}

#[test]
fn a_leader_on_another_machine_that_lives_is_never_followed() {
    sim(async {
        let machine = machine(7);
        let project = four();
        deploy(&machine, &project).await;
        let hand = async {
            for _ in 0..4 {
                sleep(SECOND * 40).await;
                kill(&machine, "api[0]");
            }
        };
        let first = leadership(&machine, &project, 1, SECOND * 220);
        let second = async {
            sleep(SECOND).await;
            leadership(&machine, &project, 2, SECOND * 210).await
        };
        let (first, second, ()) = tokio::join!(first, second, hand);
        assert_eq!((first.restored, second.restored), (4, 0));
        assert_eq!(first.leadership, Leadership::Leads);
        machine.ledger.assert_sound("two machines");
    });
}

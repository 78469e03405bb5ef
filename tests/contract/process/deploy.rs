//! The demo, carried out by the real engine on host processes: deployed, left alone, edited, broken, cleaned up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use nanokit::adapters::demo;
use nanokit::app::workshop::{Need, Workshop};
use nanokit::boot::hydrate::Surroundings;
use nanokit::boot::workshop::RealWorkshop;
use nanokit::domain::event::{Event, RunOutcome};
use nanokit::domain::live::Live;
use nanokit::domain::plan::model::{ActionKind, Plan, PlanRequest, Purpose, Strategy};
use nanokit::domain::project::project::{Project, ProviderKind};
use nanokit::domain::run::options::{RunOptions, Schedule};
use nanokit::engine::reconcile::{Reconcile, RunRequest, Stop};
use nanokit::ports::provider::Provider;
use nanokit::ports::world::World as _;
use tokio::sync::{mpsc, watch};

use crate::process::world::{kill, lives};

/// A shop in a folder of its own.
struct Shop {
    folder: tempfile::TempDir,
}

type Engine = <RealWorkshop as Workshop>::Engine;

impl Shop {
    fn unpack() -> Self {
        let folder = tempfile::tempdir().unwrap();
        demo::unpack(folder.path()).unwrap();
        Self { folder }
    }

    fn edit(&self, from: &str, to: &str) {
        let path = self.folder.path().join("nanokit.yml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// Loads as a new command would.
    async fn open(&self) -> (Arc<Project>, Rc<Engine>) {
        let here = Surroundings {
            folder: self.folder.path().to_path_buf(),
            process_env: std::env::vars().collect::<BTreeMap<_, _>>(),
            ..Surroundings::default()
        };
        let program = Path::new(env!("CARGO_BIN_EXE_nkapp")).to_path_buf();
        let workshop = RealWorkshop::new(here, Some(ProviderKind::Process), program);
        let hydrated = workshop.hydrate();
        assert!(
            hydrated.diagnostics.is_empty(),
            "{:?}",
            hydrated.diagnostics
        );
        let project = hydrated.project.unwrap();
        let engine = workshop.engine(&project, Need::Platform).await.unwrap();
        (project, engine)
    }

    async fn plan(&self) -> Arc<Plan> {
        let (project, engine) = self.open().await;
        engine
            .plan(&project, &asked(Purpose::Deploy))
            .await
            .unwrap()
    }

    async fn run(&self, purpose: Purpose) -> Vec<Event> {
        let (project, engine) = self.open().await;
        let request = RunRequest {
            plan: asked(purpose),
            approved: None,
            force: true,
            options: RunOptions {
                schedule: Schedule::Layered,
                parallelism: 8,
            },
            lock_wait: Duration::ZERO,
        };
        let (_stop, stops) = watch::channel(Stop::Run);
        let (sender, mut events) = mpsc::channel(64);
        let kept = async {
            let mut kept = Vec::new();
            while let Some(event) = events.recv().await {
                kept.push(event);
            }
            kept
        };
        let (end, kept) = tokio::join!(engine.run(&project, &request, stops, sender), kept);
        assert_eq!(end.outcome, RunOutcome::Ok, "{:?}\n{kept:#?}", end.error);
        kept
    }

    async fn live(&self) -> Live {
        let (project, engine) = self.open().await;
        let provider = engine.world().provider();
        provider
            .observe(&project.scope(), &BTreeSet::new())
            .await
            .unwrap()
    }
}

fn asked(purpose: Purpose) -> PlanRequest {
    PlanRequest {
        purpose,
        targets: BTreeSet::new(),
    }
}

fn pid_of(folder: &Path, name: &str, who: &str) -> i32 {
    let path = folder
        .join(".nanokit/process")
        .join(name)
        .join("status.json");
    let status: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    i32::try_from(status[who]["pid"].as_i64().unwrap()).unwrap()
}

fn updates(plan: &Plan) -> Vec<(String, ActionKind, Strategy, String)> {
    let changed = plan.actions.iter().filter(|action| !action.is_noop());
    changed
        .map(|action| {
            (
                action.address.to_string(),
                action.kind,
                action.strategy,
                action.reason.clone(),
            )
        })
        .collect()
}

/// The engine's futures are large without optimisation: they get a thread with room, as in the program itself.
#[test]
fn the_demo_is_deployed_edited_broken_and_cleaned_up() {
    let engine = std::thread::Builder::new().stack_size(16 << 20).spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, story());
    });
    engine.unwrap().join().unwrap();
}

async fn story() {
    let shop = Shop::unpack();
    let begun = std::time::Instant::now();
    shop.run(Purpose::Deploy).await;
    println!("deployed in {:?}", begun.elapsed());
    assert_eq!(shop.live().await.instances.len(), 7);
    let begun = std::time::Instant::now();
    let plan = shop.plan().await;
    println!("planned in {:?}", begun.elapsed());
    assert!(plan.is_empty(), "{:#?}", updates(&plan));

    shop.edit("RELEASE: \"1\"", "RELEASE: \"2\"");
    shop.edit("memory: 64mb", "memory: 96mb");
    let plan = shop.plan().await;
    let kinds: Vec<_> = updates(&plan)
        .into_iter()
        .map(|(a, k, s, _)| (a, k, s))
        .collect();
    assert_eq!(
        kinds,
        [
            (
                "service.api".to_owned(),
                ActionKind::Update,
                Strategy::Rolling
            ),
            (
                "service.worker".to_owned(),
                ActionKind::Update,
                Strategy::InPlace
            ),
        ]
    );
    let folder = shop.folder.path();
    let worker = pid_of(folder, "nk-shop-local-worker-0", "main");
    shop.run(Purpose::Deploy).await;
    assert_eq!(pid_of(folder, "nk-shop-local-worker-0", "main"), worker);
    let plan = shop.plan().await;
    assert!(plan.is_empty(), "{:#?}", updates(&plan));

    kill(worker, "KILL");
    kill(pid_of(folder, "nk-shop-local-cache-0", "main"), "STOP");
    let broken = || async { updates(shop.plan().await.as_ref()) };
    let mut seen = broken().await;
    for _ in 0..100 {
        if seen.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        seen = broken().await;
    }
    println!("{seen:#?}");
    let addresses: Vec<&str> = seen.iter().map(|(address, ..)| address.as_str()).collect();
    assert_eq!(addresses, ["service.cache", "service.worker"]);
    shop.run(Purpose::Deploy).await;
    let plan = shop.plan().await;
    assert!(plan.is_empty(), "{:#?}", updates(&plan));

    let all: Vec<i32> = shop
        .live()
        .await
        .instances
        .iter()
        .filter(|one| one.service != "migrate")
        .map(|one| pid_of(folder, &one.name, "main"))
        .collect();
    assert!(all.iter().all(|pid| lives(*pid)));
    shop.run(Purpose::Clean).await;
    let live = shop.live().await;
    assert_eq!(
        (live.instances, live.volumes, live.networks),
        (vec![], vec![], vec![])
    );
    assert!(!all.iter().any(|pid| lives(*pid)));
}

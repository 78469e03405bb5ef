//! The demo, carried out by the real engine on each platform: deployed, left alone, edited, broken, cleaned up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nanokit::adapters::demo;
use nanokit::app::workshop::{Need, Workshop};
use nanokit::boot::hydrate::Surroundings;
use nanokit::boot::workshop::RealWorkshop;
use nanokit::domain::event::{Event, RunOutcome};
use nanokit::domain::flow::FlowRequest;
use nanokit::domain::ids::ProviderId;
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
    platform: ProviderKind,
}

type Engine = <RealWorkshop as Workshop>::Engine;

impl Shop {
    fn unpack(platform: ProviderKind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        demo::unpack(folder.path()).unwrap();
        let shop = Self { folder, platform };
        // One engine may carry several demos at once, this one beside whatever somebody is looking at.
        shop.edit("name: shop\n", &format!("name: {}\n", shop.name()));
        shop
    }

    #[expect(
        clippy::unused_self,
        reason = "every subject answers the same questions"
    )]
    fn name(&self) -> String {
        format!("shop{}", std::process::id())
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
        let workshop = RealWorkshop::new(here, Some(self.platform), program);
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
                unseen: false,
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
        let (end, kept) = tokio::join!(
            Box::pin(engine.run(&project, &request, stops, sender)),
            kept
        );
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

impl Shop {
    async fn id_of(&self, service: &str) -> ProviderId {
        let live = self.live().await;
        let found = live.of_service(service).next();
        found.unwrap().id.clone()
    }
}

fn asked(purpose: Purpose) -> PlanRequest {
    PlanRequest {
        purpose,
        targets: BTreeSet::new(),
        flow: FlowRequest::default(),
    }
}

fn main_pid(folder: &Path, name: &str) -> i32 {
    let path = folder
        .join(".nanokit/process")
        .join(name)
        .join("status.json");
    let status: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    i32::try_from(status["main"]["pid"].as_i64().unwrap()).unwrap()
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

/// Demos publish the same port of this machine, so that they take turns.
pub(crate) static PORT: Mutex<()> = Mutex::new(());

/// The engine's futures are large without optimisation: they get a thread with room, as in the program itself.
fn on_a_thread<F: Future<Output = ()>>(story: impl FnOnce() -> F + Send + 'static) {
    let _turn = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    let engine = std::thread::Builder::new().stack_size(16 << 20).spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, story());
    });
    engine.unwrap().join().unwrap();
}

#[test]
fn the_demo_lives_through_everything_on_host_processes() {
    on_a_thread(on_processes);
}

#[cfg(feature = "docker")]
#[test]
fn the_demo_lives_through_everything_on_docker() {
    on_a_thread(on_docker);
}

/// Deploys, finds nothing to do, edits as the file suggests, deploys again.
async fn deployed_and_edited(platform: ProviderKind) -> Shop {
    let shop = Shop::unpack(platform);
    shop.run(Purpose::Deploy).await;
    assert_eq!(shop.live().await.instances.len(), 7);
    let plan = shop.plan().await;
    assert!(plan.is_empty(), "{:#?}", updates(&plan));
    shop.edit("RELEASE: \"1\"", "RELEASE: \"2\"");
    shop.edit("memory: 64mb", "memory: 96mb");
    let before = shop.id_of("worker").await;
    let plan = shop.plan().await;
    let kinds: Vec<_> = updates(&plan)
        .into_iter()
        .map(|(address, kind, strategy, _)| (address, kind, strategy))
        .collect();
    let update = |address: &str, strategy| (address.to_owned(), ActionKind::Update, strategy);
    assert_eq!(
        kinds,
        [
            update("service.api", Strategy::Rolling),
            update("service.worker", Strategy::InPlace),
        ]
    );
    shop.run(Purpose::Deploy).await;
    assert_eq!(shop.id_of("worker").await, before);
    let plan = shop.plan().await;
    assert!(plan.is_empty(), "{:#?}", updates(&plan));
    shop
}

async fn cleaned_up(shop: &Shop) {
    shop.run(Purpose::Clean).await;
    let live = shop.live().await;
    assert_eq!(
        (live.instances, live.volumes, live.networks),
        (vec![], vec![], vec![])
    );
}

#[cfg(feature = "docker")]
async fn on_docker() {
    let shop = deployed_and_edited(ProviderKind::Docker).await;
    cleaned_up(&shop).await;
}

async fn on_processes() {
    let shop = deployed_and_edited(ProviderKind::Process).await;
    let folder = shop.folder.path();
    let worker = main_pid(folder, &format!("nk-{}-local-worker-0", shop.name()));
    kill(worker, "KILL");
    kill(
        main_pid(folder, &format!("nk-{}-local-cache-0", shop.name())),
        "STOP",
    );
    let broken = || async { updates(shop.plan().await.as_ref()) };
    let mut seen = broken().await;
    for _ in 0..100 {
        if seen.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        seen = broken().await;
    }
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
        .map(|one| main_pid(folder, &one.name))
        .collect();
    assert!(all.iter().all(|pid| lives(*pid)));
    cleaned_up(&shop).await;
    assert!(!all.iter().any(|pid| lives(*pid)));
}

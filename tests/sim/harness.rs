//! How a test lives in the simulated world: runs of the engine, kills, and what has to hold afterwards.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use nanokit::domain::event::{Event, EventKind, RunOutcome};
use nanokit::domain::flow::FlowRequest;
use nanokit::domain::ids::ImageId;
use nanokit::domain::model::normal_image;
use nanokit::domain::plan::model::{Plan, PlanRequest, Purpose};
use nanokit::domain::project::project::Project;
use nanokit::domain::project::service::ServiceKind;
use nanokit::domain::record::Record;
use nanokit::domain::run::options::{RunOptions, Schedule};
use nanokit::engine::engine::Engine;
use nanokit::engine::reconcile::{EngineError, Reconcile, RunEnd, RunRequest, Stop};
use tokio::sync::{mpsc, watch};

use crate::support::sim::life::Fate;
use crate::support::sim::world::{Machine, SimWorld};

/// Runs a test on paused time.
pub fn sim<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test)
}

/// Makes a machine on which `app:1`, `app:2` and `tools:1` are there already.
pub fn machine(seed: u64) -> Machine {
    machine_with(Machine::new(seed))
}

/// Puts the images on a machine.
pub fn machine_with(machine: Machine) -> Machine {
    for image in ["app:1", "app:2", "tools:1"] {
        let full = normal_image(image);
        let id = ImageId(format!("sha256:{full}"));
        machine.platform.with(|m| m.images.insert(full, id));
    }
    machine
}

/// What is asked of a run.
#[derive(Clone)]
pub struct Ask {
    pub purpose: Purpose,
    /// Services, or the action that is run.
    pub targets: BTreeSet<String>,
    pub flow: FlowRequest,
    pub force: bool,
    pub schedule: Schedule,
    pub parallelism: usize,
    pub approved: Option<Arc<Plan>>,
    pub fate: Fate,
    /// When the operator presses Ctrl-C, and how often.
    pub stops: Vec<(Duration, Stop)>,
    pub lock_wait: Duration,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            purpose: Purpose::Deploy,
            targets: BTreeSet::new(),
            flow: FlowRequest::default(),
            force: false,
            schedule: Schedule::Layered,
            parallelism: 8,
            approved: None,
            fate: Fate::default(),
            stops: Vec::new(),
            lock_wait: Duration::ZERO,
        }
    }
}

/// One run and everything it told.
pub struct Ran {
    /// How it ended; `None`: it was killed.
    pub end: Option<RunEnd>,
    pub events: Vec<Event>,
    pub steps: u64,
    /// What it did last.
    pub last: String,
    /// What of its fate it met.
    pub met: BTreeSet<&'static str>,
}

impl Ran {
    pub fn outcome(&self) -> RunOutcome {
        self.end.as_ref().expect("it was killed").outcome
    }
    pub fn error(&self) -> String {
        match self.end.as_ref().and_then(|end| end.error.as_ref()) {
            Some(EngineError::StepsFailed { causes, .. }) => causes
                .iter()
                .map(|(address, cause)| format!("{address}: {cause}\n"))
                .collect(),
            Some(error) => format!("{error} ({error:?})"),
            None => String::new(),
        }
    }
    /// Returns the kinds of events, for a look at the course.
    pub fn words(&self, kind: &str) -> Vec<String> {
        self.events
            .iter()
            .filter(|event| event.kind.as_str() == kind)
            .map(|event| match &event.step {
                Some(step) => step.to_string(),
                None => event
                    .address
                    .as_ref()
                    .map_or_else(String::new, ToString::to_string),
            })
            .collect()
    }
    /// Tells when a step began and ended, in ms.
    pub fn time_of(&self, step: &str, kind: &str) -> i64 {
        self.events
            .iter()
            .find(|e| {
                e.kind.as_str() == kind && e.step.as_ref().is_some_and(|s| s.as_str() == step)
            })
            .unwrap_or_else(|| panic!("no {kind} of {step}"))
            .at
            .0
    }
    pub fn warnings(&self) -> String {
        self.events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Warning { text } => Some(format!("{text}\n")),
                _ => None,
            })
            .collect()
    }
}

/// Carries a request out in a process of its own.
pub async fn run(machine: &Machine, project: &Project, ask: Ask) -> Ran {
    let world = machine.spawn(ask.fate.clone());
    let life = world.life.clone();
    let engine = Engine::new(world);
    let (events, mut told) = mpsc::channel(64);
    let (stopper, stop) = watch::channel(Stop::Run);
    let request = RunRequest {
        plan: PlanRequest {
            purpose: ask.purpose.clone(),
            targets: ask.targets.clone(),
            flow: ask.flow.clone(),
        },
        approved: ask.approved.clone(),
        force: ask.force,
        options: RunOptions {
            schedule: ask.schedule,
            parallelism: ask.parallelism,
            unseen: false,
        },
        lock_wait: ask.lock_wait,
    };
    let collect = async {
        let mut all = Vec::new();
        while let Some(event) = told.recv().await {
            all.push(event);
        }
        all
    };
    let stops = async {
        let mut passed = Duration::ZERO;
        for (at, how) in &ask.stops {
            tokio::time::sleep(at.saturating_sub(passed)).await;
            passed = *at;
            let _ = stopper.send(*how);
        }
        std::future::pending::<()>().await;
    };
    let acting = async {
        let end = tokio::select! {
            biased;
            () = stops => None,
            end = Box::pin(life.live(engine.run(project, &request, stop, events))) => end,
        };
        (end, life.steps(), life.last())
    };
    let ((end, steps, last), events) = tokio::join!(acting, collect);
    machine.bury(engine.world());
    Ran {
        end,
        events,
        steps,
        last,
        met: life.met(),
    }
}

/// Deploys and requires success.
pub async fn deploy(machine: &Machine, project: &Project) -> Ran {
    let ran = run(machine, project, Ask::default()).await;
    assert_eq!(ran.outcome(), RunOutcome::Ok, "{}", ran.error());
    ran
}

/// Reads the record.
pub async fn record(machine: &Machine, project: &Project) -> Option<Record> {
    engine(machine).record(project).await.unwrap()
}

/// Makes a fresh process's engine.
pub fn engine(machine: &Machine) -> Engine<SimWorld> {
    Engine::new(machine.process(None))
}

/// Plans a deployment.
pub async fn plan(machine: &Machine, project: &Project) -> Arc<Plan> {
    let request = PlanRequest {
        purpose: Purpose::Deploy,
        targets: BTreeSet::new(),
        flow: FlowRequest::default(),
    };
    engine(machine).plan(project, &request).await.unwrap()
}

/// Everything that has to hold once a deployment went through.
pub async fn assert_converged(machine: &Machine, project: &Project, context: &str) {
    machine.ledger.assert_sound(context);
    let plan = plan(machine, project).await;
    let left: Vec<String> = plan
        .actions
        .iter()
        .filter(|action| !action.is_noop())
        .map(|action| format!("{} {} {:?}", action.address, action.reason, action.changes))
        .collect();
    assert!(left.is_empty(), "{context}: still to do: {left:#?}");
    let record = record(machine, project).await.unwrap();
    assert!(record.pending.is_empty(), "{context}: {:?}", record.pending);
    let mut wanted: Vec<String> = Vec::new();
    for service in project.services.values() {
        for number in 0..service.instances {
            let state = match service.kind {
                ServiceKind::Service => "running",
                ServiceKind::Job => "exited",
            };
            wanted.push(format!("{}[{number}] {state}", service.name));
        }
    }
    wanted.sort();
    // A rolling update keeps the numbers it took, so only how many there are of each counts here.
    let plain = |all: Vec<String>| -> Vec<String> {
        let mut all: Vec<String> = all
            .into_iter()
            .map(|line| {
                let (name, rest) = line.split_once('[').unwrap();
                format!("{name}{}", rest.split_once(']').unwrap().1)
            })
            .collect();
        all.sort();
        all
    };
    assert_eq!(
        plain(machine.platform.picture()),
        plain(wanted),
        "{context}"
    );
    for (address, resource) in &record.resources {
        for (number, one) in &resource.instances {
            assert!(one.ready, "{context}: {address}[{number}] is not ready");
        }
    }
    assert!(
        machine
            .files
            .borrow()
            .keys()
            .all(|p| !p.starts_with("journal")),
        "{context}: a journal was left"
    );
}

//! The session with a scripted engine: who may run beside whom, what is told, and how it ends.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::*;
use crate::app::notice::{Hydrated, Link};
use crate::app::sample;
use crate::domain::event::{Event, RunOutcome, Stream};
use crate::domain::flow::FlowRequest;
use crate::domain::ids::{Address, Digest, Instance, Lineage, PlanId, ProviderId, RunId, StepId};
use crate::domain::lease::{LockReport, Verdict};
use crate::domain::live::{Health, LiveSubject, Status};
use crate::domain::place::Sources;
use crate::domain::plan::model::{
    Action, ActionKind, Cause, Change, Plan, PlanRequest, Purpose, Step, StepKind, StepPlace,
    Strategy,
};
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::domain::report::ignored::Ignored;
use crate::domain::report::install::InstallReport;
use crate::domain::report::store::{LockHistory, StoreReport};
use crate::domain::report::worker::Leadership;
use crate::domain::report::{
    DriftReport, InstanceStatus, ResourceStatus, RunSummary, StatusReport, Usual,
};
use crate::domain::run::options::{RunOptions, Schedule};
use crate::domain::time::Wall;
use crate::domain::usage::{Counters, Probed};
use crate::engine::reconcile::Survey;
use crate::engine::reconcile::{
    EngineError, ExecRequest, LogRequest, OutputLine, RunEnd, RunRequest, UnlockEnd, UnlockRequest,
};

mod looks;
mod wishes;

#[derive(Default)]
struct Script {
    looks: Cell<u32>,
    runs: Cell<u32>,
    drifted: RefCell<BTreeSet<&'static str>>,
    ignored: RefCell<Vec<Ignored>>,
    /// When the time of day began.
    began: Cell<Option<Instant>>,
    stopped_with: Cell<Option<Stop>>,
    /// Nothing can be planned, although the platform answers.
    muddled: Cell<bool>,
    /// What the plan of a run changes, once it is made.
    changes: Cell<Option<&'static str>>,
    /// A run goes on until it is stopped.
    endless: Cell<bool>,
    resigned: Cell<bool>,
    /// The platform takes so long for a look.
    takes: Cell<Duration>,
    /// Services that run one instance each.
    services: Cell<u32>,
    /// Ids of the instances of each look at their use.
    sampled: RefCell<Vec<Vec<String>>>,
}

impl Script {
    fn now(&self) -> Wall {
        let gone = self
            .began
            .get()
            .map_or(0, |began| began.elapsed().as_millis());
        Wall(i64::try_from(gone).unwrap_or(0))
    }
}

struct Scripted(Rc<Script>);

/// A service with one instance that runs.
fn standing(number: u32) -> (Address, ResourceStatus) {
    let name = format!("s{number:03}");
    let address = Address::service(&name);
    let instance = InstanceStatus {
        instance: Instance(0),
        id: ProviderId::new(format!("id-{name}")),
        name: format!("shop-{name}-0"),
        status: Status::Running,
        health: Health::Unchecked,
        started_at: None,
        restarts: 0,
        ports: Vec::new(),
    };
    let status = ResourceStatus {
        address: address.clone(),
        desired: true,
        wanted: 1,
        image: None,
        instances: vec![instance],
        ready: true,
        pending: ActionKind::Noop,
        drift: Vec::new(),
        ignored: Vec::new(),
    };
    (address, status)
}

/// What a plan does about a service that has to be started.
fn restarted(name: &str) -> Action {
    let address = Address::service(name);
    Action {
        kind: ActionKind::Update,
        strategy: Strategy::Start,
        reason: String::new(),
        layer: 0,
        depends_on: BTreeSet::new(),
        optional: BTreeSet::new(),
        fingerprint: None,
        seen: Vec::new(),
        changes: vec![stopped()],
        steps: vec![Step {
            id: StepId::new(format!("{address}[0]/start")),
            kind: StepKind::Start,
            place: StepPlace::Provider,
            instance: Some(Instance(0)),
            old: false,
            needs: Vec::new(),
            detail: String::new(),
        }],
        address,
    }
}

fn stopped() -> Change {
    Change {
        path: "status".into(),
        instance: None,
        before: Some("exited".into()),
        after: Some("running".into()),
        cause: Cause::Drift,
        sensitive: false,
    }
}

fn event(kind: EventKind) -> Event {
    Event {
        at: Wall(0),
        run_id: Some(RunId::new("r1")),
        seq: 0,
        address: None,
        step: None,
        attempt: None,
        kind,
    }
}

impl Reconcile for Scripted {
    async fn plan(&self, _: &Project, _: &PlanRequest) -> Result<Arc<Plan>, EngineError> {
        if self.0.muddled.get() {
            return Err(EngineError::Invalid("`DB_PASSWORD` is not set".into()));
        }
        let mut plan = sample::empty_plan();
        plan.id = PlanId::new(format!("p{}", self.0.looks.get()));
        Ok(Arc::new(plan))
    }
    async fn run(
        &self,
        _: &Project,
        _: &RunRequest,
        mut stop: watch::Receiver<Stop>,
        events: mpsc::Sender<Event>,
    ) -> RunEnd {
        self.0.runs.set(self.0.runs.get() + 1);
        let started = EventKind::RunStarted {
            command: "deploy".into(),
            who: "me".into(),
            trace_id: crate::domain::ids::TraceId::default(),
            parent: None,
            plan_id: None,
            origin: crate::domain::event::Origin::default(),
        };
        events
            .send(event(started))
            .await
            .expect("the session listens");
        if let Some(name) = self.0.changes.get() {
            let mut plan = sample::empty_plan();
            plan.actions = vec![restarted(name)];
            let made = EventKind::PlanMade {
                plan: Arc::new(plan),
                prediction: None,
                resumes: Vec::new(),
            };
            events.send(event(made)).await.expect("the session listens");
        }
        let mut outcome = RunOutcome::Ok;
        if self.0.endless.get() {
            let seen = *stop
                .wait_for(|s| *s != Stop::Run)
                .await
                .expect("still there");
            self.0.stopped_with.set(Some(seen));
            outcome = RunOutcome::Cancelled;
        }
        let finished = EventKind::RunFinished {
            outcome,
            exit_code: 0,
            duration: Duration::ZERO,
            message: None,
            warnings: 0,
            forecast: None,
        };
        events
            .send(event(finished))
            .await
            .expect("the session listens");
        RunEnd {
            run_id: RunId::new("r1"),
            outcome,
            plan: None,
            error: (outcome != RunOutcome::Ok).then_some(EngineError::Interrupted),
        }
    }
    async fn status(&self, _: &Project) -> Result<StatusReport, EngineError> {
        self.0.looks.set(self.0.looks.get() + 1);
        Ok(StatusReport {
            engine: self.0.looks.get().to_string(),
            resources: (0..self.0.services.get()).map(standing).collect(),
            ..StatusReport::default()
        })
    }
    async fn survey(
        &self,
        project: &Project,
        request: Option<&PlanRequest>,
    ) -> Result<Survey, EngineError> {
        tokio::time::sleep(self.0.takes.get()).await;
        let plan = match request {
            Some(request) => Some(self.plan(project, request).await),
            None => None,
        };
        Ok(Survey {
            status: self.status(project).await?,
            drift: self.drift(project).await?,
            plan,
        })
    }
    async fn drift(&self, _: &Project) -> Result<DriftReport, EngineError> {
        let drifted = self.0.drifted.borrow();
        let report = DriftReport {
            drifted: drifted
                .iter()
                .map(|n| (Address::service(n), vec![stopped()]))
                .collect(),
            digest: Digest::new(format!("{drifted:?}")),
            ..DriftReport::default()
        };
        Ok(report.without(&self.0.ignored.borrow(), self.0.now()))
    }
    async fn lock(
        &self,
        _: &Project,
        _: Duration,
        _: Option<mpsc::Sender<LockReport>>,
    ) -> Result<LockReport, EngineError> {
        Ok(LockReport {
            location: "lock".into(),
            verdict: Verdict::Free,
            record: None,
            version: None,
            evidence: Vec::new(),
        })
    }
    async fn unlock(&self, _: &Project, _: &UnlockRequest) -> Result<UnlockEnd, EngineError> {
        Ok(UnlockEnd::WasFree)
    }
    async fn amend(
        &self,
        _: &Project,
        _: &crate::app::command::Amendment,
    ) -> Result<Vec<String>, EngineError> {
        Ok(Vec::new())
    }
    async fn ignored(
        &self,
        _: &Project,
    ) -> Result<Vec<crate::domain::report::ignored::Ignored>, EngineError> {
        Ok(Vec::new())
    }
    async fn lead(
        &self,
        _: &Project,
        mut stop: watch::Receiver<Stop>,
        updates: mpsc::Sender<Leadership>,
    ) -> Result<(), EngineError> {
        updates
            .send(Leadership::Leads)
            .await
            .expect("the session listens");
        let _ = stop.wait_for(|stop| *stop != Stop::Run).await;
        self.0.resigned.set(true);
        Ok(())
    }
    async fn record(&self, _: &Project) -> Result<Option<Record>, EngineError> {
        Ok(None)
    }
    async fn sample(
        &self,
        _: &Project,
        instances: &[LiveSubject],
    ) -> Result<BTreeMap<ProviderId, Counters>, EngineError> {
        let ids: Vec<String> = instances.iter().map(|one| one.id.0.clone()).collect();
        self.0.sampled.borrow_mut().push(ids);
        let looks = self.0.sampled.borrow().len() as u64;
        let count = |one: &LiveSubject| {
            let counters = Counters {
                cpu_ns: Some(looks * 500),
                clock_ns: looks * 1_000,
                ..Counters::default()
            };
            (one.id.clone(), counters)
        };
        Ok(instances.iter().map(count).collect())
    }
    async fn probes(
        &self,
        _: &Project,
        instances: &[LiveSubject],
    ) -> Result<BTreeMap<ProviderId, Vec<Probed>>, EngineError> {
        let none = |one: &LiveSubject| (one.id.clone(), vec![Probed::default()]);
        Ok(instances.iter().map(none).collect())
    }
    async fn lock_history(&self, _: &Project) -> Result<LockHistory, EngineError> {
        Ok(LockHistory::default())
    }
    async fn stored(&self, _: &Project) -> Result<StoreReport, EngineError> {
        Ok(StoreReport::default())
    }
    async fn installs(&self, _: &Project) -> Result<Vec<InstallReport>, EngineError> {
        Ok(Vec::new())
    }
    async fn rebuild(&self, _: &Project) -> Result<Record, EngineError> {
        let scope = sample::project().scope();
        Ok(Record::new(Lineage::new("l"), String::new(), scope))
    }
    async fn push(&self, _: &Project, record: &Record, _: bool) -> Result<Record, EngineError> {
        Ok(record.clone())
    }
    async fn runs(&self) -> Result<Vec<RunSummary>, EngineError> {
        Ok(Vec::new())
    }
    async fn usual(&self, _: &Project) -> Usual {
        Usual {
            runs: usize::try_from(self.0.runs.get()).unwrap_or_default(),
            ..Usual::default()
        }
    }
    async fn step_output(
        &self,
        _: &RunId,
        _: &StepId,
        _: mpsc::Sender<OutputLine>,
    ) -> Result<(), EngineError> {
        Ok(())
    }
    async fn run_events(&self, _: &RunId) -> Result<Vec<Event>, EngineError> {
        Ok(Vec::new())
    }
    async fn saved_plan(&self, _: Option<&std::path::Path>) -> Result<Arc<Plan>, EngineError> {
        Ok(Arc::new(sample::empty_plan()))
    }
    async fn save_plan(
        &self,
        _: &Plan,
        _: Option<&std::path::Path>,
    ) -> Result<String, EngineError> {
        Ok("plans/latest.json".into())
    }
    async fn logs(
        &self,
        _: &Project,
        request: &LogRequest,
        lines: mpsc::Sender<OutputLine>,
    ) -> Result<(), EngineError> {
        let line = OutputLine {
            source: "service.api[0]".into(),
            stream: Stream::Stdout,
            text: "hello".into(),
        };
        lines.send(line).await.expect("the session listens");
        if request.follow {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
    async fn exec(
        &self,
        _: &Project,
        _: &ExecRequest,
        _: mpsc::Sender<OutputLine>,
    ) -> Result<i64, EngineError> {
        Ok(7)
    }
    async fn watch(&self, _: &Project, hints: mpsc::Sender<Hint>) {
        let _ = hints.send(Hint::Live("connected".into())).await;
        std::future::pending::<()>().await;
    }
    fn describe(&self) -> String {
        "scripted".into()
    }
    fn staleness(&self, _: &Plan, _: &Plan) -> Option<String> {
        None
    }
    async fn was_applied(&self, _: &Project, _: &PlanId) -> Result<bool, EngineError> {
        Ok(false)
    }
}

struct Bench {
    engine: Rc<Scripted>,
    valid: bool,
    loads: Cell<u32>,
}

impl Workshop for Bench {
    type Engine = Scripted;
    fn hydrate(&self) -> Hydrated {
        self.loads.set(self.loads.get() + 1);
        Hydrated {
            project: self.valid.then(|| Arc::new(sample::project())),
            layers: Vec::new(),
            diagnostics: vec![crate::domain::diagnostic::Diagnostic::error("NK0001", "no")],
            sources: Arc::new(Sources::default()),
        }
    }
    async fn engine(&self, _: &Project, _: Need) -> Result<Rc<Scripted>, Failure> {
        Ok(Rc::clone(&self.engine))
    }
    fn now(&self) -> Wall {
        self.engine.0.now()
    }
}

fn bench(valid: bool) -> (Bench, Rc<Script>) {
    let script = Rc::new(Script::default());
    script.began.set(Some(Instant::now()));
    let bench = Bench {
        engine: Rc::new(Scripted(Rc::clone(&script))),
        valid,
        loads: Cell::new(0),
    };
    (bench, script)
}

fn deploy() -> Command {
    Command::Run {
        request: PlanRequest {
            purpose: Purpose::Deploy,
            targets: BTreeSet::new(),
            flow: FlowRequest::default(),
        },
        approved: None,
        force: false,
        options: RunOptions {
            schedule: Schedule::Layered,
            parallelism: 2,
            unseen: false,
        },
        lock_wait: Duration::ZERO,
    }
}

fn once() -> Settings {
    Settings {
        live: false,
        reader: Reader::Lossless,
        read_only: false,
        workers: false,
        stays: false,
    }
}

/// Runs `front` against a served session to the end of both.
async fn with_session<R>(
    settings: Settings,
    bench: &Bench,
    front: impl AsyncFnOnce(Client, mpsc::Sender<Hint>) -> R,
) -> R {
    let (client, session) = open(settings);
    let hints = session.hints();
    let (result, ()) = tokio::join!(front(client, hints), session.serve(bench));
    result
}

async fn hear(notices: &mut Notices, wanted: impl Fn(&Notice) -> bool) -> Notice {
    loop {
        let notice = notices.recv().await.expect("the session is there");
        if wanted(&notice) {
            return notice;
        }
    }
}

fn answers(ticket: Ticket) -> impl Fn(&Notice) -> bool {
    move |notice| match notice {
        Notice::Done { ticket: t, .. } => *t == ticket,
        Notice::Failed { ticket: t, .. } => *t == Some(ticket),
        _ => false,
    }
}

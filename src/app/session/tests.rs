//! The session with a scripted engine: who may run beside whom, what is told, and how it ends.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::*;
use crate::app::notice::{Hydrated, Link};
use crate::app::sample;
use crate::domain::event::{Event, RunOutcome, Stream};
use crate::domain::ids::{Address, Digest, Instance, Lineage, PlanId, ProviderId, RunId, StepId};
use crate::domain::lease::{LockReport, Verdict};
use crate::domain::live::{Health, LiveSubject, Status};
use crate::domain::place::Sources;
use crate::domain::plan::model::{ActionKind, Plan, PlanRequest, Purpose};
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::domain::report::install::InstallReport;
use crate::domain::report::store::StoreReport;
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

#[derive(Default)]
struct Script {
    looks: Cell<u32>,
    runs: Cell<u32>,
    drifted: RefCell<BTreeSet<&'static str>>,
    stopped_with: Cell<Option<Stop>>,
    /// Nothing can be planned, although the platform answers.
    muddled: Cell<bool>,
    /// A run goes on until it is stopped.
    endless: Cell<bool>,
    /// The platform takes so long for a look.
    takes: Cell<Duration>,
    /// Services that run one instance each.
    services: Cell<u32>,
    /// Ids of the instances of each look at their use.
    sampled: RefCell<Vec<Vec<String>>>,
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
    };
    (address, status)
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
            plan_id: None,
        };
        events
            .send(event(started))
            .await
            .expect("the session listens");
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
        Ok(DriftReport {
            drifted: drifted
                .iter()
                .map(|n| (Address::service(n), Vec::new()))
                .collect(),
            digest: Digest::new(format!("{drifted:?}")),
            ..DriftReport::default()
        })
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
        Wall(0)
    }
}

fn bench(valid: bool) -> (Bench, Rc<Script>) {
    let script = Rc::new(Script::default());
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
        },
        approved: None,
        force: false,
        options: RunOptions {
            schedule: Schedule::Layered,
            parallelism: 2,
        },
        lock_wait: Duration::ZERO,
    }
}

fn once() -> Settings {
    Settings {
        live: false,
        reader: Reader::Lossless,
        read_only: false,
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

#[tokio::test(start_paused = true)]
async fn a_second_deploy_is_refused_while_one_runs_and_reading_goes_on() {
    let (bench, script) = bench(true);
    script.endless.set(true);
    with_session(once(), &bench, async |mut client, _| {
        let first = client.handle.send(deploy()).expect("room");
        hear(&mut client.notices, |n| matches!(n, Notice::Event(_))).await;
        let second = client.handle.send(deploy()).expect("room");
        let refused = hear(&mut client.notices, answers(second)).await;
        let Notice::Failed { failure, .. } = refused else {
            panic!("not refused: {refused:?}");
        };
        assert_eq!(failure.kind, FailureKind::Locked);
        assert_eq!(failure.message, "a deploy is under way in this session");
        let status = client.handle.send(Command::Status).expect("room");
        let read = hear(&mut client.notices, answers(status)).await;
        assert!(matches!(read, Notice::Done { .. }));
        client
            .handle
            .send(Command::Stop { stop: Stop::Cancel })
            .expect("room");
        // A weaker wish afterwards changes nothing.
        client
            .handle
            .send(Command::Stop { stop: Stop::Drain })
            .expect("room");
        let end = hear(&mut client.notices, answers(first)).await;
        let Notice::Failed { failure, .. } = end else {
            panic!("not interrupted: {end:?}");
        };
        assert_eq!(failure.kind, FailureKind::Interrupted);
        let third = client.handle.send(Command::Rebuild).expect("room");
        let end = hear(&mut client.notices, answers(third)).await;
        assert!(matches!(end, Notice::Done { .. }), "{end:?}");
    })
    .await;
    assert_eq!(script.stopped_with.get(), Some(Stop::Cancel));
}

#[tokio::test(start_paused = true)]
async fn a_front_end_that_leaves_drains_its_run() {
    let (bench, script) = bench(true);
    script.endless.set(true);
    with_session(once(), &bench, async |mut client, _| {
        client.handle.send(deploy()).expect("room");
        hear(&mut client.notices, |n| matches!(n, Notice::Event(_))).await;
    })
    .await;
    assert_eq!(script.stopped_with.get(), Some(Stop::Drain));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_run_comes_after_its_last_event() {
    let (bench, _) = bench(true);
    with_session(once(), &bench, async |mut client, _| {
        let ticket = client.handle.send(deploy()).expect("room");
        let mut kinds = Vec::new();
        loop {
            match client.notices.recv().await.expect("there") {
                Notice::Event(event) => kinds.push(event.kind.as_str()),
                Notice::Done { ticket: t, end } if t == ticket => {
                    assert_eq!(end, End::Run(RunOutcome::Ok));
                    break;
                }
                _ => {}
            }
        }
        assert_eq!(kinds, ["run_started", "run_finished"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_valid_file_every_wish_says_so() {
    let (bench, _) = bench(false);
    with_session(once(), &bench, async |mut client, _| {
        for command in [deploy(), Command::Status, Command::Record, Command::Runs] {
            let ticket = client.handle.send(command).expect("room");
            let end = hear(&mut client.notices, answers(ticket)).await;
            let Notice::Failed { failure, .. } = end else {
                panic!("not refused: {end:?}");
            };
            assert_eq!(failure.kind, FailureKind::InvalidConfig);
            assert_eq!(failure.next.as_deref(), Some("nkapp validate"));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_goes_on_by_itself_can_be_forgotten() {
    let (bench, _) = bench(true);
    with_session(once(), &bench, async |mut client, _| {
        let request = LogRequest {
            service: "api".into(),
            instance: None,
            tail: None,
            follow: true,
            timestamps: false,
        };
        let logs = client.handle.send(Command::Logs { request }).expect("room");
        hear(&mut client.notices, |n| matches!(n, Notice::Output { .. })).await;
        client
            .handle
            .send(Command::Forget { ticket: logs })
            .expect("room");
        let end = hear(&mut client.notices, answers(logs)).await;
        assert!(matches!(end, Notice::Done { .. }));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_live_session_looks_by_itself_and_tells_only_news() {
    let (bench, script) = bench(true);
    let live = Settings {
        live: true,
        ..once()
    };
    with_session(live, &bench, async |mut client, hints| {
        hear(&mut client.notices, |n| {
            matches!(n, Notice::Link(Link::Up(_)))
        })
        .await;
        hear(&mut client.notices, |n| {
            matches!(n, Notice::Planned { ticket: None, .. })
        })
        .await;
        hear(&mut client.notices, |n| matches!(n, Notice::Drift { .. })).await;
        // Somebody stops a container: one event, one report, within the pause.
        script.drifted.borrow_mut().insert("web");
        let began = Instant::now();
        hints.send(Hint::Live("died".into())).await.expect("served");
        let found = hear(
            &mut client.notices,
            |n| matches!(n, Notice::Event(e) if e.kind.as_str() == "drift_found"),
        )
        .await;
        let Notice::Event(event) = found else {
            unreachable!()
        };
        assert_eq!(event.address, Some(Address::service("web")));
        assert!(began.elapsed() <= Duration::from_millis(500));
        script.drifted.borrow_mut().clear();
        hints
            .send(Hint::Live("started".into()))
            .await
            .expect("served");
        hear(
            &mut client.notices,
            |n| matches!(n, Notice::Event(e) if e.kind.as_str() == "drift_cleared"),
        )
        .await;
        // The file is saved: loaded again and planned anew.
        let loads = bench.loads.get();
        hints.send(Hint::Config).await.expect("served");
        hear(
            &mut client.notices,
            |n| matches!(n, Notice::Event(e) if e.kind.as_str() == "config_changed"),
        )
        .await;
        hear(&mut client.notices, |n| matches!(n, Notice::Config(_))).await;
        hear(&mut client.notices, |n| matches!(n, Notice::Planned { .. })).await;
        assert_eq!(bench.loads.get(), loads + 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_although_the_platform_answers_says_what_failed() {
    let (bench, script) = bench(true);
    script.muddled.set(true);
    let live = Settings {
        live: true,
        ..once()
    };
    with_session(live, &bench, async |mut client, hints| {
        let told = hear(&mut client.notices, |n| {
            assert!(!matches!(n, Notice::Link(Link::Down(_))), "{n:?}");
            matches!(n, Notice::Trouble(_))
        })
        .await;
        let Notice::Trouble(Some(failure)) = told else {
            unreachable!()
        };
        assert_eq!(failure.message, "`DB_PASSWORD` is not set");
        script.muddled.set(false);
        hints
            .send(Hint::Live("started".into()))
            .await
            .expect("served");
        hear(&mut client.notices, |n| {
            matches!(n, Notice::Planned { ticket: None, .. })
        })
        .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_told_to_be_gone_is_absent_before_the_platform_is_asked() {
    let (bench, script) = bench(true);
    script.services.set(300);
    let live = Settings {
        live: true,
        ..once()
    };
    with_session(live, &bench, async |mut client, hints| {
        hear(&mut client.notices, |n| matches!(n, Notice::Drift { .. })).await;
        script.takes.set(Duration::from_secs(2));
        let (looks, began) = (script.looks.get(), Instant::now());
        let (address, known) = standing(7);
        let subject = LiveSubject {
            id: known.instances[0].id.clone(),
            address: address.clone(),
            instance: Instance(0),
        };
        let gone = Hint::Instance {
            text: "service.s007[0] removed".into(),
            subject,
            status: None,
        };
        hints.send(gone).await.expect("served");
        let told = hear(&mut client.notices, |n| matches!(n, Notice::Status { .. })).await;
        let Notice::Status { report, .. } = told else {
            unreachable!()
        };
        let resource = &report.resources[&address];
        assert!(resource.instances.is_empty() && !resource.ready);
        assert_eq!(report.resources.len(), 300);
        assert_eq!(script.looks.get(), looks, "nobody was asked");
        assert_eq!(began.elapsed(), Duration::ZERO);
        // The look follows all the same, and has the last word.
        let looked = hear(&mut client.notices, |n| matches!(n, Notice::Status { .. })).await;
        assert!(
            matches!(looked, Notice::Status { report, .. } if report.resources[&address].ready)
        );
        assert_eq!(script.looks.get(), looks + 1, "one look");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_falls_silent_is_told_before_it_answers_and_is_back_when_it_has() {
    let (bench, script) = bench(true);
    let live = Settings {
        live: true,
        ..once()
    };
    with_session(live, &bench, async |mut client, hints| {
        hear(&mut client.notices, |n| matches!(n, Notice::Drift { .. })).await;
        script.takes.set(Duration::from_secs(20));
        let began = Instant::now();
        hints.send(Hint::Live("died".into())).await.expect("served");
        let down = hear(&mut client.notices, |n| matches!(n, Notice::Link(_))).await;
        let Notice::Link(Link::Down(why)) = down else {
            unreachable!("{down:?}")
        };
        assert!(why.contains("has not answered"), "{why}");
        assert!(began.elapsed() < Duration::from_secs(9));
        let back = hear(&mut client.notices, |n| matches!(n, Notice::Link(_))).await;
        assert!(matches!(back, Notice::Link(Link::Up(_))), "{back:?}");
        assert!(began.elapsed() >= Duration::from_secs(20));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_published_snapshot_catches_up() {
    let (bench, _) = bench(true);
    with_session(once(), &bench, async |mut client, _| {
        client.handle.send(deploy()).expect("room");
        let ended = client
            .snapshot
            .wait_for(|s| s.run.as_ref().is_some_and(|r| r.finished.is_some()));
        assert!(ended.await.is_ok());
    })
    .await;
}

fn watch_services(names: &[&str]) -> Command {
    Command::Watch {
        services: names.iter().map(|name| (*name).to_owned()).collect(),
        closely: names.first().map(|name| (*name).to_owned()),
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_is_on_the_screen_is_sampled_and_leaving_stops_it() {
    let (bench, script) = bench(true);
    script.services.set(300);
    let settings = Settings {
        live: true,
        reader: Reader::Lossless,
        read_only: false,
    };
    with_session(settings, &bench, async |client, _hints| {
        let Client {
            handle,
            mut notices,
            ..
        } = client;
        hear(&mut notices, |n| matches!(n, Notice::Status { .. })).await;
        assert!(script.sampled.borrow().is_empty(), "nothing was wished for");
        let _ = handle.send(watch_services(&["s007"]));
        let first = hear(&mut notices, |n| matches!(n, Notice::Usage { .. })).await;
        hear(&mut notices, |n| matches!(n, Notice::Probes { .. })).await;
        let second = hear(&mut notices, |n| matches!(n, Notice::Usage { .. })).await;
        let cpu = |notice: &Notice| match notice {
            Notice::Usage { samples } => {
                let (subject, usage) = samples.first().expect("one");
                assert_eq!((samples.len(), subject.id.as_str()), (1, "id-s007"));
                usage.cpu_millis
            }
            other => panic!("{other:?}"),
        };
        assert_eq!((cpu(&first), cpu(&second)), (None, Some(500)));
        // Another service takes its place; the cursor that ran over others asked for none of them.
        for name in ["s100", "s101", "s102"] {
            let _ = handle.send(watch_services(&[name]));
        }
        hear(&mut notices, |n| matches!(n, Notice::Usage { .. })).await;
        let seen: Vec<String> = script.sampled.borrow().concat();
        assert_eq!(seen, ["id-s007", "id-s007", "id-s102"]);
        let _ = handle.send(watch_services(&[]));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(script.sampled.borrow().len(), 3);
        drop(handle);
        while notices.recv().await.is_some() {}
    })
    .await;
}

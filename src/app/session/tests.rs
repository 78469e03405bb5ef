//! The session with a scripted engine: who may run beside whom, what is told, and how it ends.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use super::*;
use crate::app::notice::{Hydrated, Link};
use crate::app::sample;
use crate::domain::event::{Event, RunOutcome, Stream};
use crate::domain::ids::{Address, Digest, Lineage, PlanId, RunId};
use crate::domain::lease::{LockReport, Verdict};
use crate::domain::place::Sources;
use crate::domain::plan::model::{Plan, PlanRequest, Purpose};
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::domain::report::{DriftReport, RunSummary, StatusReport};
use crate::domain::run::options::{RunOptions, Schedule};
use crate::domain::time::Wall;
use crate::engine::reconcile::{
    EngineError, ExecRequest, LogRequest, OutputLine, RunEnd, RunRequest, UnlockEnd, UnlockRequest,
};

#[derive(Default)]
struct Script {
    looks: Cell<u32>,
    drifted: RefCell<BTreeSet<&'static str>>,
    stopped_with: Cell<Option<Stop>>,
    /// A run goes on until it is stopped.
    endless: Cell<bool>,
}

struct Scripted(Rc<Script>);

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
            ..StatusReport::default()
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

//! One run, from the lock to its release: take it, settle, look, plan, check the approval, carry out, save, let go.
//!
//! Whatever happens after the lock was taken, the record is saved and the lock released: a refusal, an error, a
//! stop by the operator. Only a kill leaves both, and the journal tells the next run what to look for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::domain::event::{Event, EventKind, RunOutcome, Stage};
use crate::domain::ids::RunId;
use crate::domain::lease::{LeaseTimes, LockStatus, Occupation};
use crate::domain::plan::forecast::Forecast;
use crate::domain::plan::model::Plan;
use crate::domain::plan::procedures::standing::conclude;
use crate::domain::project::project::Project;
use crate::domain::run::machine::Machine;
use crate::domain::run::order::EventDraft;
use crate::domain::run::retry::Guide;
use crate::domain::trace::id::{RunTrace, TraceOfRun, Tracing};
use crate::engine::acts::equip;
use crate::engine::claims::Claims;
use crate::engine::cx::{Cx, KeeperCell};
use crate::engine::discover::digests;
use crate::engine::driver::Driver;
use crate::engine::emit::Emitter;
use crate::engine::ending::saved;
use crate::engine::held::Place;
use crate::engine::keeper::Keeper;
use crate::engine::lease::{Lease, Wanted};
use crate::engine::origin::{origin, trace_id};
use crate::engine::reconcile::{EngineError, RunEnd, RunRequest, Stop};
use crate::engine::runs::{new_run_id, prune};
use crate::engine::site::Site;
use crate::engine::verdict::{exit_code, judge, outcome_of, owing, said};
use crate::ports::clock::Clock;
use crate::ports::disk::Disk;
use crate::ports::process::Processes;
use crate::ports::world::World;

mod prepare;

use prepare::Prepared;

/// Carries a request out and tells everything about it.
pub(super) async fn run<W: World>(
    (place, tracing): (&Place<'_, W>, &Tracing),
    project: &Project,
    request: &RunRequest,
    stop: watch::Receiver<Stop>,
    events: mpsc::Sender<Event>,
) -> RunEnd {
    let world = place.world;
    let began = world.clock().boot();
    let run_id = new_run_id(world);
    let emitter = Emitter::new(world, run_id.clone(), events);
    let above = tracing.parent.as_ref();
    let trace_id = above.map_or_else(|| trace_id(world), |above| above.trace.clone());
    let me = world.processes().me();
    emitter.emit(EventDraft::run(EventKind::RunStarted {
        command: request.plan.purpose.as_str().to_owned(),
        who: format!("{}@{}", me.user, me.host),
        trace_id: trace_id.clone(),
        parent: above.map(|above| above.span.clone()),
        plan_id: request.approved.as_ref().map(|plan| plan.id.clone()),
        origin: origin(request),
    }));
    let mut run = Run {
        world,
        claims: place.claims,
        project,
        request,
        stop,
        emitter: &emitter,
        id: run_id.clone(),
        trace: RunTrace {
            of: TraceOfRun {
                trace: trace_id,
                run: run_id.clone(),
            },
            tracing: tracing.clone(),
        },
        plan: None,
        expected: None,
        forecast: None,
        beside: None,
    };
    let error = run.under_lock().await.err();
    let (plan, forecast) = (run.plan.take(), run.forecast);
    let outcome = error.as_ref().map_or(RunOutcome::Ok, outcome_of);
    emitter.own_up();
    emitter.emit(EventDraft::run(EventKind::RunFinished {
        outcome,
        exit_code: error.as_ref().map_or(0, exit_code),
        duration: world.clock().boot().since(began),
        message: error.as_ref().map(said).or(run.beside.take()),
        warnings: emitter.warnings(),
        forecast,
    }));
    emitter.finish().await;
    prune(world, (&project.history, &project.scope()), &run_id).await;
    RunEnd {
        run_id,
        outcome,
        plan,
        error,
    }
}

/// One run under way.
struct Run<'a, W: World> {
    world: &'a W,
    claims: &'a Claims,
    project: &'a Project,
    request: &'a RunRequest,
    stop: watch::Receiver<Stop>,
    emitter: &'a Emitter<'a, W>,
    id: RunId,
    trace: RunTrace,
    plan: Option<Arc<Plan>>,
    /// How long carrying out will probably take.
    expected: Option<Duration>,
    /// That beside what it took.
    forecast: Option<Forecast>,
    /// What a run that ends well says beside: what is not as wanted though the approved plan took it for granted.
    beside: Option<String>,
}

impl<W: World> Run<'_, W> {
    async fn under_lock(&mut self) -> Result<(), EngineError> {
        self.stage(Stage::Lock);
        let lease = self.take_lock().await?;
        let done = self.with_lease(&lease).await;
        self.stage(Stage::Finish);
        let released = lease.release(self.world).await;
        done.and(released)
    }

    async fn take_lock(&mut self) -> Result<Lease, EngineError> {
        let wanted = Wanted {
            occupation: Occupation {
                command: self.request.plan.purpose.as_str().to_owned(),
                run_id: self.id.clone(),
                trace_id: self.trace.of.trace.clone(),
                plan_id: self.request.approved.as_ref().map(|plan| plan.id.clone()),
                ..Occupation::default()
            },
            wait: self.request.lock_wait,
            times: LeaseTimes::of(self.project.lock_lease),
            mends: false,
            leads: false,
            claims: self.claims.clone(),
        };
        let emitter = self.emitter;
        let tell = |report: &crate::domain::lease::LockReport| {
            emitter.emit(EventDraft::run(EventKind::LockChanged {
                verdict: report.verdict,
                holder: report
                    .record
                    .as_ref()
                    .filter(|record| record.status == LockStatus::Held)
                    .map(|record| record.holder.clone()),
                detail: report
                    .evidence
                    .iter()
                    .find(|line| line.check == "delay")
                    .map(|line| format!("lock {}", line.finding)),
            }));
        };
        let world = self.world;
        let lease = self
            .unless_stopped(Lease::acquire(world, &wanted, &tell))
            .await?;
        if let Some(dead) = lease.taken_over() {
            let text = format!(
                "the lock of {}@{} (process {}) was taken over: that process is proven to be gone",
                dead.holder.user, dead.holder.host, dead.holder.pid
            );
            self.warn(text);
        }
        Ok(lease)
    }

    async fn with_lease(&mut self, lease: &Lease) -> Result<(), EngineError> {
        let world = self.world;
        let prepared = tokio::select! {
            biased;
            lost = lease.keep_alive(world) => return Err(lost),
            prepared = self.prepare(lease) => prepared?,
        };
        match prepared {
            Some(prepared) => self.carry_out(prepared, lease).await,
            None => Ok(()),
        }
    }

    async fn carry_out(&mut self, prepared: Prepared, lease: &Lease) -> Result<(), EngineError> {
        let Prepared {
            plan,
            keeper,
            live,
            secrets,
        } = prepared;
        let nothing = || EngineError::Invalid("there is no state to write".to_owned());
        let record = keeper.record().cloned().ok_or_else(nothing)?;
        let mut site = Site::new(self.project, &live, &record, self.id.clone(), lease.epoch());
        site.digests = digests(&record.digest_key, &secrets);
        site.secrets = secrets;
        site.trace = Some(self.trace.clone());
        equip(&mut site, &self.request.plan, self.emitter);
        let guide = Guide::of(&plan, self.project, Some(&record));
        let machine = Machine::new(Arc::clone(&plan), guide, self.request.options);
        let cell = KeeperCell::new(keeper);
        let cx = Cx {
            world: self.world,
            site: &site,
            plan: Arc::clone(&plan),
            emitter: self.emitter,
            keeper: &cell,
            lease,
            trouble: std::cell::RefCell::new(None),
            boxes: std::cell::RefCell::default(),
        };
        let began = self.world.clock().boot();
        let driven = Driver::new(&cx, machine).run(self.stop.clone()).await;
        let took = self.world.clock().boot().since(began);
        let verdict = judge(driven, &plan, &|text| self.emitter.clean(text));
        let Some(mut keeper) = cell.take() else {
            return verdict;
        };
        let verdict = verdict.map_err(|error| owing(error, self.project, keeper.record()));
        if verdict.is_ok() {
            keeper.remember_plan(plan.id.clone());
            self.forecast = self.expected.map(|expected| Forecast { expected, took });
            keeper.conclude(self.world, |record| {
                conclude(record, self.project, &self.request.plan);
            });
        }
        saved(self.world, keeper, verdict).await
    }

    /// Sets room aside for the last save before anything is changed; where there is none, nothing is.
    fn set_aside(&self, keeper: &Keeper) -> Result<(), EngineError> {
        const LEAST: u64 = 1 << 20;
        let bytes = keeper.stored_bytes().saturating_mul(3).max(LEAST);
        self.world
            .disk()
            .set_aside(bytes)
            .map_err(|error| EngineError::Store(Box::new(error)))
    }

    fn stage(&self, stage: Stage) {
        self.emitter
            .emit(EventDraft::run(EventKind::StageStarted { stage }));
    }

    fn warn(&self, text: String) {
        self.emitter.warn(text);
    }

    /// Does something that changes nothing yet, unless the operator stops the run.
    async fn unless_stopped<T>(
        &mut self,
        work: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        let mut stop = self.stop.clone();
        let emitter = self.emitter;
        let stopped = async {
            // A closed channel means that nobody can stop the run any more.
            if stop.wait_for(|stop| *stop != Stop::Run).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::pin!(work, stopped);
        loop {
            tokio::select! {
                biased;
                () = &mut stopped => return Err(EngineError::Interrupted),
                done = &mut work => return done,
                () = emitter.reader() => {}
            }
        }
    }
}

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
use crate::domain::live::Live;
use crate::domain::plan::digest::staleness;
use crate::domain::plan::forecast::Forecast;
use crate::domain::plan::model::Plan;
use crate::domain::plan::procedures::standing::conclude;
use crate::domain::project::project::Project;
use crate::domain::run::machine::Machine;
use crate::domain::run::order::EventDraft;
use crate::domain::run::retry::Guide;
use crate::domain::trace::id::{RunTrace, TraceOfRun, Tracing};
use crate::engine::acts::{audit_turn, check_inputs, check_wish, equip, gone_on_with};
use crate::engine::amend::check_decided;
use crate::engine::claims::Claims;
use crate::engine::cx::{Cx, KeeperCell};
use crate::engine::damage;
use crate::engine::discover::{check_engine, digests, make_run_plan, observe_known, resolve};
use crate::engine::driver::Driver;
use crate::engine::emit::Emitter;
use crate::engine::ending::saved;
use crate::engine::given::secrets_given;
use crate::engine::held::Place;
use crate::engine::keeper::Keeper;
use crate::engine::lease::{Lease, Wanted};
use crate::engine::origin::{origin, predicted, trace_id};
use crate::engine::reconcile::{EngineError, RunEnd, RunRequest, Stop};
use crate::engine::redact::is_short;
use crate::engine::runs::{new_run_id, prune};
use crate::engine::site::{SecretValues, Site};
use crate::engine::unfinished::{settle_all, sweep_boxes};
use crate::engine::verdict::{exit_code, judge, left_alone, outcome_of, owing, said};
use crate::ports::clock::Clock;
use crate::ports::disk::Disk;
use crate::ports::hooks::HostHooks;
use crate::ports::process::Processes;
use crate::ports::world::World;

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

/// What is at hand before the first step.
struct Prepared {
    plan: Arc<Plan>,
    keeper: Keeper,
    live: Live,
    secrets: SecretValues,
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

    /// Does all that comes before the first step; `None`: there is nothing to do.
    async fn prepare(&mut self, lease: &Lease) -> Result<Option<Prepared>, EngineError> {
        let world = self.world;
        let project = self.project;
        let mut keeper = Keeper::open(world, &project.scope()).await?;
        for remark in keeper.remarks() {
            self.warn(remark.clone());
        }
        if let Some(text) = damage::unkept(world).await {
            self.warn(text);
        }
        if keeper.record().is_some() {
            keeper.begin(world, self.id.clone(), lease.epoch())?;
        }
        if !keeper.open_ops().is_empty() {
            self.stage(Stage::Settle);
            let emitter = self.emitter;
            self.unless_stopped(settle_all(world, project, (&mut keeper, lease), emitter))
                .await?;
        }
        self.stage(Stage::Observe);
        let lenient = !self.request.plan.purpose.builds();
        let (live, secrets) = self
            .unless_stopped(async {
                let (live, secrets) = tokio::join!(
                    observe_known(world, project, keeper.record()),
                    resolve(world, project, lenient)
                );
                Ok((live?, secrets?))
            })
            .await?;
        for (reference, secret) in &secrets {
            self.emitter.keep_secret(secret);
            if is_short(secret) {
                let text = format!(
                    "the secret {reference} has fewer than 6 characters: it cannot be told from other text in output, and is easily guessed"
                );
                self.warn(text);
            }
        }
        for one in &live.instances {
            let given = secrets_given(project, keeper.record(), &one.service, &one.given);
            given.for_each(|secret| self.emitter.keep_secret(secret));
        }
        check_engine(keeper.record(), &live)?;
        damage::check_lineage(world, project, keeper.record(), &live).await?;
        let survivors = world.hooks().sweep().await;
        if survivors > 0 {
            let text = format!(
                "a run that was killed left {survivors} {} of its hooks running; they were ended",
                match survivors {
                    1 => "process",
                    _ => "processes",
                }
            );
            self.warn(text);
        }
        if let Some(record) = keeper.record() {
            sweep_boxes(world, record, &live, self.emitter, (&self.id, lease)).await;
        }
        let plan = self.plan_and_check(&keeper, &live, &secrets).await?;
        lease.set_plan(plan.id.clone());
        let steps: usize = plan.actions.iter().map(|action| action.steps.len()).sum();
        lease.progress(None, 0, u32::try_from(steps).unwrap_or(u32::MAX));
        let known = (project, keeper.record());
        audit_turn((self.emitter, lease), known, &self.request.plan)?;
        if plan.is_empty() {
            keeper.conclude(world, |record| {
                conclude(record, project, &self.request.plan);
            })?;
            keeper.finish(world).await?;
            return Ok(None);
        }
        self.set_aside(&keeper)?;
        self.stage(Stage::Execute);
        if keeper.record().is_none() {
            keeper.begin(world, self.id.clone(), lease.epoch())?;
        }
        keeper.set_engine(&live.engine);
        Ok(Some(Prepared {
            plan,
            keeper,
            live,
            secrets,
        }))
    }

    /// Plans and compares with what was approved.
    async fn plan_and_check(
        &mut self,
        keeper: &Keeper,
        live: &Live,
        secrets: &SecretValues,
    ) -> Result<Arc<Plan>, EngineError> {
        self.stage(Stage::Plan);
        let known = keeper
            .record()
            .map(|record| digests(&record.digest_key, secrets))
            .unwrap_or_default();
        check_wish(self.project, keeper.record(), &self.request.plan)?;
        check_decided(self.world, self.project, &self.request.plan)?;
        let found = (live, keeper.record(), &known);
        let now = make_run_plan(self.world, self.project, found, self.request)?;
        let plan = match &self.request.approved {
            Some(approved) => {
                if let Some(moved) = staleness(approved, &now) {
                    return Err(EngineError::StalePlan(moved));
                }
                self.beside = left_alone(approved, &now, &|text| self.warn(text));
                // What was shown is what runs, not what would be shown now.
                Arc::clone(approved)
            }
            None => Arc::new(now),
        };
        self.plan = Some(Arc::clone(&plan));
        let prediction = predicted(self.world, self.project, self.request, &plan).await;
        self.expected = prediction.as_ref().map(|prediction| prediction.total);
        self.emitter.emit(EventDraft::run(EventKind::PlanMade {
            plan: Arc::clone(&plan),
            prediction,
            resumes: gone_on_with(self.project, keeper.record(), &self.request.plan),
        }));
        check_inputs(self.project, &plan, self.request)?;
        if !self.request.force {
            let lost: Vec<_> = plan.destructive().into_iter().cloned().collect();
            if !lost.is_empty() {
                return Err(EngineError::NeedsForce(lost));
            }
        }
        Ok(plan)
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
            let over = keeper.conclude(self.world, |record| {
                conclude(record, self.project, &self.request.plan);
            });
            return saved(self.world, keeper, over).await;
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

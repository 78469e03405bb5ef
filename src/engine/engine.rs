//! The engine itself: one value that answers everything the application layer can ask for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::domain::event::Event;
use crate::domain::hint::Hint;
use crate::domain::ids::{PlanId, ProviderId, RunId, StepId};
use crate::domain::lease::{LeaseTimes, LockReport};
use crate::domain::live::LiveSubject;
use crate::domain::plan::digest;
use crate::domain::plan::model::{Plan, PlanRequest};
use crate::domain::plan::procedures::refusal::refusal;
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::domain::refusal::Refusal;
use crate::domain::report::ignored::{Amendment, Ignored};
use crate::domain::report::install::InstallReport;
use crate::domain::report::store::{LockHistory, StoreReport};
use crate::domain::report::worker::Leadership;
use crate::domain::report::{DriftReport, RunSummary, StatusReport, Usual};
use crate::domain::trace::id::Tracing;
use crate::domain::usage::{Counters, Probed};
use crate::engine::claims::Claims;
use crate::engine::discover::{discover, make_plan};
use crate::engine::held::Place;
use crate::engine::keeper::Keeper;
use crate::engine::lock_history;
use crate::engine::lock_report;
use crate::engine::reconcile::Survey;
use crate::engine::reconcile::{
    EngineError, ExecRequest, LogRequest, OutputLine, Reconcile, RunEnd, RunRequest, Stop,
    UnlockEnd, UnlockRequest,
};
use crate::engine::{
    amend, damage, execute, installs, leader, push, rebuild, runs, status, stored, tap, usage,
};
use crate::formats;
use crate::ports::clock::Clock;
use crate::ports::disk::{Disk, DiskError};
use crate::ports::provider::Provider;
use crate::ports::world::World;

/// Where `plan` leaves its plan.
const LATEST: &str = "plans/latest.json";
/// Largest plan file that is read, in bytes.
const PLAN_LIMIT: u64 = 256 << 20;

/// The engine over one world.
#[derive(Debug)]
pub struct Engine<W: World> {
    world: W,
    tracing: Tracing,
    claims: Claims,
}

impl<W: World> Engine<W> {
    /// Sets the engine up; touches nothing.
    #[must_use]
    pub fn new(world: W) -> Self {
        Self {
            world,
            tracing: Tracing::default(),
            claims: Claims::default(),
        }
    }

    /// Says how its runs are traced.
    #[must_use]
    pub fn traced(self, tracing: Tracing) -> Self {
        Self { tracing, ..self }
    }

    fn place(&self) -> Place<'_, W> {
        Place {
            world: &self.world,
            claims: &self.claims,
        }
    }

    /// Looks for everything about state and journals that stops a command, and returns the record; changes nothing. With
    /// `looks`, what is there is compared too.
    pub async fn examine(
        &self,
        project: &Project,
        looks: bool,
    ) -> Result<Option<Record>, EngineError> {
        status::examine(&self.world, project, looks).await
    }

    /// Returns the world it lives in.
    #[must_use]
    pub fn world(&self) -> &W {
        &self.world
    }
}

impl<W: World> Reconcile for Engine<W> {
    async fn plan(
        &self,
        project: &Project,
        request: &PlanRequest,
    ) -> Result<Arc<Plan>, EngineError> {
        amend::check_decided(&self.world, project, request)?;
        let lenient = !request.purpose.builds();
        let found = discover(&self.world, project, lenient).await?;
        let record = found.keeper.record();
        damage::check_lineage(&self.world, project, record, &found.live).await?;
        if let Some(refusal) = refusal(project, found.keeper.record(), request) {
            return Err(EngineError::Refused(refusal));
        }
        let seen = (&found.live, found.keeper.record(), &found.digests);
        Ok(Arc::new(make_plan(&self.world, project, seen, request)))
    }

    async fn run(
        &self,
        project: &Project,
        request: &RunRequest,
        stop: watch::Receiver<Stop>,
        events: mpsc::Sender<Event>,
    ) -> RunEnd {
        let place = (&self.place(), &self.tracing);
        execute::run(place, project, request, stop, events).await
    }

    async fn status(&self, project: &Project) -> Result<StatusReport, EngineError> {
        status::status(&self.world, project).await
    }

    async fn survey(
        &self,
        project: &Project,
        request: Option<&PlanRequest>,
    ) -> Result<Survey, EngineError> {
        status::survey(&self.world, project, request).await
    }

    async fn amend(
        &self,
        project: &Project,
        amendment: &Amendment,
    ) -> Result<Vec<String>, EngineError> {
        amend::amend(&self.place(), project, amendment).await
    }

    async fn ignored(&self, project: &Project) -> Result<Vec<Ignored>, EngineError> {
        amend::ignored(&self.world, project)
    }

    async fn drift(&self, project: &Project) -> Result<DriftReport, EngineError> {
        status::drift(&self.world, project).await
    }

    async fn lock(
        &self,
        project: &Project,
        watch_for: Duration,
        updates: Option<mpsc::Sender<LockReport>>,
    ) -> Result<LockReport, EngineError> {
        let times = LeaseTimes::of(project.lock_lease);
        let updates = updates.as_ref();
        let report = lock_report::lock_report(&self.world, &times, watch_for, updates).await;
        Ok(lock_history::recalled(&self.world, report).await)
    }

    async fn unlock(
        &self,
        project: &Project,
        request: &UnlockRequest,
    ) -> Result<UnlockEnd, EngineError> {
        lock_report::unlock(&self.world, &LeaseTimes::of(project.lock_lease), request).await
    }

    async fn lead(
        &self,
        project: &Project,
        stop: watch::Receiver<Stop>,
        updates: mpsc::Sender<Leadership>,
    ) -> Result<(), EngineError> {
        let times = LeaseTimes::of(project.lock_lease);
        leader::lead(&self.world, times, stop, &updates).await
    }

    async fn lock_history(&self, _project: &Project) -> Result<LockHistory, EngineError> {
        lock_history::history(&self.world)
    }

    async fn record(&self, project: &Project) -> Result<Option<Record>, EngineError> {
        let keeper = Keeper::open(&self.world, &project.scope()).await?;
        match keeper.record() {
            Some(record) => Ok(Some(record.clone())),
            None => damage::missing(&self.world, &project.scope())
                .await
                .map(|()| None),
        }
    }

    async fn rebuild(&self, project: &Project) -> Result<Record, EngineError> {
        rebuild::rebuild(&self.place(), project).await
    }

    async fn push(
        &self,
        project: &Project,
        record: &Record,
        force: bool,
    ) -> Result<Record, EngineError> {
        push::push(&self.place(), project, record, force).await
    }

    async fn runs(&self) -> Result<Vec<RunSummary>, EngineError> {
        runs::list(&self.world).await
    }

    async fn usual(&self, project: &Project) -> Usual {
        runs::usual(&self.world, &project.scope()).await
    }

    async fn run_events(&self, run: &RunId) -> Result<Vec<Event>, EngineError> {
        runs::events(&self.world, run)
    }

    async fn saved_plan(&self, path: Option<&Path>) -> Result<Arc<Plan>, EngineError> {
        let disk = self.world.disk();
        let latest = PathBuf::from(LATEST);
        let (bytes, shown) = match path {
            Some(path) => (disk.read_named(path, PLAN_LIMIT).map(Some), path.to_owned()),
            None => (disk.read(&latest, PLAN_LIMIT), disk.shown(&latest)),
        };
        let Some(bytes) = bytes.map_err(|error| unread(&shown, &error))? else {
            return Err(EngineError::Invalid(
                "there is no saved plan; `nkapp plan` makes one".to_owned(),
            ));
        };
        let (plan, _) = formats::plan::decode(&bytes).map_err(|error| EngineError::BadState {
            location: shown.display().to_string(),
            problem: error.to_string(),
            hint: "make a new one with `nkapp plan`".to_owned(),
            next: Some("nkapp plan".to_owned()),
        })?;
        if digest::plan_id(&plan) != plan.id {
            return Err(EngineError::StalePlan(format!(
                "{} was changed by hand: its content is not what plan_id {} stands for",
                shown.display(),
                plan.id
            )));
        }
        Ok(Arc::new(plan))
    }

    async fn save_plan(&self, plan: &Plan, path: Option<&Path>) -> Result<String, EngineError> {
        let disk = self.world.disk();
        let bytes = formats::plan::encode(plan, self.world.clock().wall());
        let latest = PathBuf::from(LATEST);
        let shown = if let Some(path) = path {
            disk.write_named(path, &bytes).map_err(store)?;
            path.to_owned()
        } else {
            disk.replace(&latest, &bytes).map_err(store)?;
            disk.shown(&latest)
        };
        Ok(shown.display().to_string())
    }

    async fn step_output(
        &self,
        run: &RunId,
        step: &StepId,
        lines: mpsc::Sender<OutputLine>,
    ) -> Result<(), EngineError> {
        runs::step_output(&self.world, run, step, lines).await
    }

    async fn logs(
        &self,
        project: &Project,
        request: &LogRequest,
        lines: mpsc::Sender<OutputLine>,
    ) -> Result<(), EngineError> {
        tap::logs(&self.world, project, request, lines).await
    }

    async fn sample(
        &self,
        project: &Project,
        instances: &[LiveSubject],
    ) -> Result<BTreeMap<ProviderId, Counters>, EngineError> {
        usage::sample(&self.world, project, instances).await
    }

    async fn probes(
        &self,
        project: &Project,
        instances: &[LiveSubject],
    ) -> Result<BTreeMap<ProviderId, Vec<Probed>>, EngineError> {
        usage::probes(&self.world, project, instances).await
    }

    async fn stored(&self, project: &Project) -> Result<StoreReport, EngineError> {
        stored::stored(&self.world, project).await
    }

    async fn installs(&self, project: &Project) -> Result<Vec<InstallReport>, EngineError> {
        installs::installs(&self.world, project).await
    }

    async fn exec(
        &self,
        project: &Project,
        request: &ExecRequest,
        lines: mpsc::Sender<OutputLine>,
    ) -> Result<i64, EngineError> {
        tap::exec(&self.world, project, request, lines).await
    }

    async fn watch(&self, project: &Project, hints: mpsc::Sender<Hint>) {
        tap::watch(&self.world, project, hints).await;
    }

    fn describe(&self) -> String {
        self.world.provider().describe()
    }

    fn staleness(&self, approved: &Plan, now: &Plan) -> Option<String> {
        digest::staleness(approved, now)
    }

    async fn was_applied(&self, project: &Project, plan: &PlanId) -> Result<bool, EngineError> {
        let record = self.record(project).await?;
        Ok(record.is_some_and(|record| record.applied_plans.contains(plan)))
    }
}

fn store(error: DiskError) -> EngineError {
    EngineError::Store(Box::new(error))
}

/// A plan's file that cannot be read: it is named, with the command that makes one.
fn unread(path: &Path, error: &DiskError) -> EngineError {
    let why =
        std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let problem = format!("the plan {} cannot be read: {why}", path.display());
    EngineError::Refused(Refusal::new(problem).next("nkapp plan --output FILE"))
}

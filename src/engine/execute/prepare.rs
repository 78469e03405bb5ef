//! What comes before the first step: settle, look, plan, check the approval. Nothing of the project is changed yet.

use std::sync::Arc;

use crate::domain::event::{EventKind, Stage};
use crate::domain::live::Live;
use crate::domain::plan::digest::staleness;
use crate::domain::plan::model::Plan;
use crate::domain::plan::procedures::standing::conclude;
use crate::domain::run::order::EventDraft;
use crate::engine::acts::{audit_turn, check_inputs, check_wish, gone_on_with};
use crate::engine::amend::check_decided;
use crate::engine::damage;
use crate::engine::discover::{check_engine, digests, make_run_plan, observe_known, resolve};
use crate::engine::execute::Run;
use crate::engine::given::secrets_given;
use crate::engine::keeper::Keeper;
use crate::engine::lease::Lease;
use crate::engine::origin::predicted;
use crate::engine::reconcile::EngineError;
use crate::engine::redact::is_short;
use crate::engine::site::SecretValues;
use crate::engine::unfinished::{settle_all, sweep_boxes};
use crate::engine::verdict::left_alone;
use crate::ports::hooks::HostHooks;
use crate::ports::world::World;

/// What is at hand before the first step.
pub(super) struct Prepared {
    pub(super) plan: Arc<Plan>,
    pub(super) keeper: Keeper,
    pub(super) live: Live,
    pub(super) secrets: SecretValues,
}

impl<W: World> Run<'_, W> {
    /// Does all that comes before the first step; `None`: there is nothing to do.
    pub(super) async fn prepare(&mut self, lease: &Lease) -> Result<Option<Prepared>, EngineError> {
        let world = self.world;
        let project = self.project;
        let mut keeper = self.open(lease).await?;
        let (live, secrets) = self.look(&keeper).await?;
        self.end_what_was_left(&keeper, &live, lease).await;
        let plan = self.plan_and_check(&keeper, &live, &secrets).await?;
        lease.set_plan(plan.id.clone());
        let steps: usize = plan.actions.iter().map(|action| action.steps.len()).sum();
        lease.progress(None, 0, u32::try_from(steps).unwrap_or(u32::MAX));
        let known = (project, keeper.record());
        audit_turn((self.emitter, lease), known, &self.request.plan)?;
        if plan.is_empty() {
            keeper.conclude(world, |record| {
                conclude(record, project, &self.request.plan);
            });
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

    /// Reads the record and settles what earlier runs left open.
    async fn open(&mut self, lease: &Lease) -> Result<Keeper, EngineError> {
        let (world, project) = (self.world, self.project);
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
        Ok(keeper)
    }

    /// Looks what is there and fetches the secrets; from here on all of them are masked.
    async fn look(&mut self, keeper: &Keeper) -> Result<(Live, SecretValues), EngineError> {
        let (world, project) = (self.world, self.project);
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
        Ok((live, secrets))
    }

    /// Ends hooks and one-offs of runs that were killed.
    async fn end_what_was_left(&self, keeper: &Keeper, live: &Live, lease: &Lease) {
        let survivors = self.world.hooks().sweep().await;
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
            sweep_boxes(self.world, record, live, self.emitter, (&self.id, lease)).await;
        }
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
}

//! Carries a schedule out: first everything that was drawn, then faults off, and everything has to come right.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use nanokit::domain::event::RunOutcome;
use nanokit::domain::flow::FlowRequest;
use nanokit::domain::ids::{Instance, Lineage, OpId, ProviderId};
use nanokit::domain::lease::Verdict;
use nanokit::domain::live::{Health, LiveEventKind, Status};
use nanokit::domain::plan::model::{PlanRequest, Purpose};
use nanokit::domain::project::project::Project;
use nanokit::engine::engine::Engine;
use nanokit::engine::reconcile::{EngineError, Reconcile, UnlockEnd, UnlockRequest};
use nanokit::formats::state::decode;

use super::check;
use super::draw::{Drift, Operator, Schedule, Unlock};
use crate::harness::{Ask, Ran, machine_with, run, sim};
use crate::support::sim::ledger::{Invariant, Planted};
use crate::support::sim::life::Fate;
use crate::support::sim::platform::Box1;
use crate::support::sim::world::{Machine, SimWorld};

/// Longest time a whole schedule may take in its own time.
const BOUND: Duration = Duration::from_secs(4 * 3600);

/// What came of a schedule.
pub struct Verdict1 {
    pub broken: Vec<(Invariant, String)>,
    pub fired: std::collections::BTreeMap<&'static str, u64>,
    /// Calls to the platform.
    pub effects: u64,
    pub trace: Vec<String>,
}

/// What the parts of a schedule share while it is carried out.
pub struct Stage {
    pub machine: Machine,
    pub schedule: Schedule,
    pub planted: Planted,
    pub wordy: bool,
    pub story: RefCell<Vec<String>>,
    /// Counts what may disturb others: runs that begin or end, and hands laid on things.
    pub disturbances: Cell<u64>,
    pub active: Cell<u32>,
}

/// Carries one schedule out.
pub fn once(schedule: &Schedule, planted: Planted, wordy: bool) -> Verdict1 {
    sim(async {
        let machine = machine_with(Machine::planted(schedule.seed, planted, wordy));
        machine.ledger.be_terse();
        machine.ledger.knows_graph(
            schedule
                .last()
                .services
                .iter()
                .map(|(name, service)| (name.clone(), service.depends_on.keys().cloned().collect()))
                .collect(),
        );
        machine.platform.with(|m| {
            m.weather = schedule.weather;
            if schedule.failing_hook {
                m.first_exits.insert("check".to_owned(), vec![1]);
            }
            if schedule.hanging_hook {
                m.takes
                    .insert("flush".to_owned(), Duration::from_secs(3600));
                m.takes.insert("check".to_owned(), Duration::from_secs(100));
            }
            if schedule.slow_hook {
                m.takes.insert("slow".to_owned(), Duration::from_secs(20));
            }
        });
        let stage = Rc::new(Stage {
            machine,
            schedule: schedule.clone(),
            planted,
            wordy,
            story: RefCell::default(),
            disturbances: Cell::default(),
            active: Cell::default(),
        });
        foreign(&stage);
        let bounded = async {
            stage.everything().await;
            check::comes_right(&stage).await;
        };
        if tokio::time::timeout(BOUND, bounded).await.is_err() {
            let text = "the schedule did not end";
            stage.machine.ledger.broken(Invariant::I9Bounded, text);
        }
        let effects = stage.machine.platform.with(|m| m.calls.len() as u64);
        Verdict1 {
            broken: stage.machine.ledger.all_broken(),
            fired: stage.machine.ledger.all_fired(),
            effects,
            trace: if wordy {
                let mut all = stage.machine.trace();
                all.extend(stage.story.take());
                all.sort();
                all
            } else {
                Vec::new()
            },
        }
    })
}

impl Stage {
    pub fn fired(&self, what: &'static str) {
        self.machine.ledger.fired(what);
    }
    pub fn disturb(&self) {
        self.disturbances.set(self.disturbances.get() + 1);
    }

    async fn everything(self: &Rc<Self>) {
        let mut parts = Vec::new();
        let schedule = self.schedule.clone();
        for operator in schedule.operators {
            let this = Rc::clone(self);
            parts.push(tokio::task::spawn_local(async move {
                tokio::time::sleep(operator.at).await;
                this.operate(operator).await;
            }));
        }
        for (at, drift, name) in schedule.drifts {
            let this = Rc::clone(self);
            parts.push(tokio::task::spawn_local(async move {
                tokio::time::sleep(at).await;
                this.drift(drift, &name);
            }));
        }
        for (at, unlock, place) in schedule.unlocks {
            let this = Rc::clone(self);
            parts.push(tokio::task::spawn_local(async move {
                tokio::time::sleep(at).await;
                this.unlock(unlock, place).await;
            }));
        }
        if let Some((at, torn)) = schedule.power {
            let this = Rc::clone(self);
            parts.push(tokio::task::spawn_local(async move {
                tokio::time::sleep(at).await;
                this.machine.lose_power(torn);
                this.disturb();
            }));
        }
        for part in parts {
            part.await.unwrap();
        }
    }

    async fn operate(&self, operator: Operator) {
        let project = self.in_hand(operator.version, &operator.purpose);
        let approved = match operator.approves_after {
            None => None,
            Some(later) => {
                let planner = self.machine.spawn(Fate {
                    machine: operator.fate.machine,
                    ..Fate::default()
                });
                let engine = Engine::new(planner);
                let request = PlanRequest {
                    purpose: operator.purpose.clone(),
                    targets: Default::default(),
                    flow: FlowRequest::default(),
                };
                let life = engine.world().life.clone();
                let asked = self.machine.start().elapsed();
                if self.active.get() > 0 {
                    self.fired("planned beside a run");
                }
                let plan = life.live(engine.plan(&project, &request)).await;
                let took = self.machine.start().elapsed().saturating_sub(asked);
                if took > Duration::from_secs(1) {
                    let text = format!("a look at the plan took {} ms", took.as_millis());
                    self.machine.ledger.broken(Invariant::I9Bounded, text);
                }
                self.machine.bury(engine.world());
                tokio::time::sleep(later).await;
                plan.and_then(Result::ok)
            }
        };
        let sees_all = operator.fate.old_lists == 0;
        let ask = Ask {
            purpose: operator.purpose.clone(),
            force: false,
            schedule: operator.order,
            parallelism: operator.parallelism,
            approved: approved
                .clone()
                .filter(|_| self.planted != Planted::ApprovalIgnored),
            fate: operator.fate,
            stops: operator.stops,
            lock_wait: operator.lock_wait,
            ..Ask::default()
        };
        self.disturb();
        let before = self.disturbances.get();
        self.active.set(self.active.get() + 1);
        // Who is shown an old list cannot know what is there.
        let alone = self.active.get() == 1 && sees_all;
        let ran = run(&self.machine, &project, ask).await;
        self.active.set(self.active.get() - 1);
        let alone = alone && self.disturbances.get() == before;
        self.disturb();
        self.tell(&operator.purpose, &ran);
        let carried = ran.end.as_ref().and_then(|end| end.plan.as_ref());
        if let (Some(approved), Some(carried)) = (approved, carried)
            && approved.id != carried.id
        {
            let text = "another plan was carried out than the one approved";
            self.machine.ledger.broken(Invariant::I16PlanBound, text);
        }
        self.judge(&ran, &project, &operator.purpose, alone);
    }

    /// The project as an operator has it, with what a planted bug forgets of it.
    pub fn in_hand(&self, version: usize, purpose: &Purpose) -> Project {
        let mut project = self.schedule.versions[version].clone();
        let forgets = match self.planted {
            Planted::StartOrder => purpose.builds(),
            Planted::DeleteOrder => !purpose.builds(),
            _ => false,
        };
        if forgets {
            for service in project.services.values_mut() {
                service.depends_on.clear();
            }
        }
        project
    }

    /// What a run planned and what it left, for the story of one seed.
    fn tell(&self, purpose: &Purpose, ran: &Ran) {
        if !self.wordy {
            return;
        }
        let at = self.machine.start().elapsed().as_millis();
        let mut story = self.story.borrow_mut();
        let plan = ran.end.as_ref().and_then(|end| end.plan.as_ref());
        for action in plan.iter().flat_map(|plan| &plan.actions) {
            let (purpose, address) = (purpose.as_str(), &action.address);
            story.push(format!(
                "{at:>8} * {purpose} planned: {address} {}",
                action.reason
            ));
        }
        let state = self.machine.state.borrow();
        let recorded = state.as_ref().and_then(|s| decode(&s.bytes).ok());
        let recorded: Vec<String> = recorded
            .iter()
            .flat_map(|decoded| decoded.resources.keys())
            .map(ToString::to_string)
            .collect();
        let live = self.machine.platform.picture();
        story.push(format!(
            "{at:>8} * left: live {live:?}, recorded {recorded:?}"
        ));
    }

    fn judge(&self, ran: &Ran, project: &Project, purpose: &Purpose, alone: bool) {
        let truth = |text: String| self.machine.ledger.broken(Invariant::I8Truth, text);
        ran.met.iter().for_each(|what| self.fired(what));
        let Some(end) = &ran.end else {
            return self.fired("killed");
        };
        self.fired(match end.outcome {
            RunOutcome::Ok => "ended well",
            RunOutcome::Failed => "ended failed",
            RunOutcome::Refused => "ended refused",
            RunOutcome::Cancelled => "ended cancelled",
        });
        if let Some(error) = &end.error
            && lost_its_lock(error)
        {
            self.fired("fenced");
        }
        if (end.outcome == RunOutcome::Ok) != end.error.is_none() {
            truth(format!("{:?} with {:?}", end.outcome, end.error));
        }
        if let Some(EngineError::StepsFailed { causes, .. }) = &end.error
            && (causes.is_empty() || causes.iter().any(|(_, cause)| cause.is_empty()))
        {
            truth("a failure does not say of what".to_owned());
        }
        if end.outcome == RunOutcome::Ok && alone && *purpose == Purpose::Deploy {
            // An approved plan is carried out as approved: what it leaves alone and somebody else moved since stays
            // as it is (contract of the plan), but then the run has to say so.
            let told = ran.warnings();
            for (service, wrong) in check::unlike(&self.machine, project) {
                if told.contains(&format!("service.{service} was as wanted")) {
                    self.fired("overtaken, and said so");
                } else {
                    truth(format!("success, but {wrong}"));
                }
            }
        }
    }

    async fn unlock(&self, unlock: Unlock, place: u32) {
        let engine = Engine::new(self.machine.spawn(Fate {
            machine: place,
            ..self.schedule.admin.clone()
        }));
        let life = engine.world().life.clone();
        // The power may fail under the admin too.
        let end = life.live(self.clear(&engine, unlock)).await.flatten();
        if self.schedule.admin.kill_at == Some(life.steps()) {
            self.fired("admin killed");
        }
        if let Some(end) = end {
            self.fired(match end {
                UnlockEnd::WasFree => "unlock: was free",
                UnlockEnd::Cleared(_) => "unlock: cleared",
                UnlockEnd::Refused(_) => "unlock: refused",
                UnlockEnd::Changed(_) => "unlock: changed meanwhile",
            });
        }
        self.machine.bury(engine.world());
    }

    async fn clear(&self, engine: &Engine<SimWorld>, unlock: Unlock) -> Option<UnlockEnd> {
        let project = self.schedule.last();
        let request = match unlock {
            Unlock::Proven => UnlockRequest {
                lock_id: None,
                version: None,
                force: false,
                reason: None,
            },
            Unlock::Forced(thinks) => {
                let report = engine.lock(project, Duration::ZERO, None).await.ok()?;
                let held = report.verdict != Verdict::Free;
                let record = report.record.filter(|_| held)?;
                tokio::time::sleep(thinks).await;
                UnlockRequest {
                    lock_id: Some(record.lock_id),
                    // A holder that is alive renews meanwhile: who forces names the lock, not its beat.
                    version: None,
                    force: true,
                    reason: Some("the night is long".to_owned()),
                }
            }
        };
        engine.unlock(project, &request).await.ok()
    }

    fn drift(&self, drift: Drift, name: &str) {
        self.disturb();
        if drift == Drift::LosesVolume {
            let lost = self.machine.platform.with(|m| {
                let unused = m.unused_volume()?;
                m.lose_volume(&unused);
                Some(())
            });
            return lost.map_or((), |()| self.fired("volume lost"));
        }
        let ledger = &self.machine.ledger;
        let platform = &self.machine.platform;
        let found = platform.with(|m| {
            m.boxes
                .values()
                .find(|b| b.service.name == name && !b.one_off && !b.is_foreign())
                .cloned()
        });
        let Some(found) = found else { return };
        ledger.touch(name);
        self.fired("drifted");
        match drift {
            Drift::LosesVolume => {}
            Drift::Removes => self.remove(&found),
            Drift::Stops => platform.dies(&found.id, found.life, 137),
            Drift::Relabels => platform.with(|m| {
                if let Some(b) = m.boxes.get_mut(&found.id) {
                    "edited".clone_into(&mut b.hash);
                }
            }),
            Drift::Disconnects => platform.with(|m| {
                if let Some(b) = m.boxes.get_mut(&found.id) {
                    b.networks.clear();
                }
            }),
            Drift::Squats => {
                self.remove(&found);
                self.put(&found, SQUATTER, "somebody else", &found.name);
            }
            Drift::Strays => {
                let lineage = found.lineage.0.clone();
                ledger.stray(ProviderId::new(STRAY));
                self.put(&found, STRAY, &lineage, "ghost");
            }
        }
    }

    fn remove(&self, found: &Box1) {
        let platform = &self.machine.platform;
        platform.dies(&found.id, found.life, 137);
        platform.tell(&found.id, LiveEventKind::Removed);
        platform.with(|m| m.boxes.remove(&found.id));
    }

    fn put(&self, like: &Box1, id: &str, lineage: &str, name: &str) {
        let mut made = like.clone();
        made.service.mounts.clear();
        made.id = ProviderId::new(id);
        made.lineage = Lineage(lineage.to_owned());
        name.clone_into(&mut made.name);
        if id == STRAY {
            "ghost".clone_into(&mut made.service.name);
        }
        made.status = Status::Running;
        made.health = Health::Unchecked;
        made.op = OpId::new("of nobody");
        self.machine
            .platform
            .with(|m| m.boxes.insert(made.id.clone(), made));
    }
}

/// Tells whether a run ended because its lock was gone.
fn lost_its_lock(error: &EngineError) -> bool {
    match error {
        EngineError::LockLost(_) => true,
        EngineError::Unsaved { also, source, .. } => {
            lost_its_lock(source) || also.as_deref().is_some_and(lost_its_lock)
        }
        _ => false,
    }
}

pub const FOREIGN: &str = "foreign-one";
pub const SQUATTER: &str = "box-squatter";
pub const STRAY: &str = "box-stray";

/// Something of somebody else runs on the same platform from the beginning, under a service's name of ours.
fn foreign(stage: &Stage) {
    let mut service = stage.schedule.last().services["s0"].clone();
    service.mounts.clear();
    stage.machine.platform.with(|m| {
        let id = ProviderId::new(FOREIGN);
        let made = Box1 {
            id: id.clone(),
            name: FOREIGN.to_owned(),
            service,
            instance: Instance(0),
            lineage: Lineage(String::new()),
            hash: "h".to_owned(),
            op: OpId::new("theirs"),
            status: Status::Running,
            health: Health::Unchecked,
            image: None,
            image_id: None,
            gated: false,
            gate_open: false,
            one_off: false,
            networks: Default::default(),
            env: Default::default(),
            life: 1,
            began: None,
            log: String::new(),
        };
        m.boxes.insert(id, made);
    });
}

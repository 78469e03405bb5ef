//! How notices and events change the snapshot. Pure: a recorded run replayed here gives the view it gave live.

use std::sync::Arc;

use crate::app::notice::Notice;
use crate::app::snapshot::{ActionView, LockWait, RunView, Since, Snapshot, StepView};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{Address, StepId};
use crate::domain::lease::{Holder, Verdict};
use crate::domain::plan::model::{Plan, Purpose};
use crate::domain::time::Wall;

impl Snapshot {
    /// Folds one notice.
    pub fn apply(&mut self, notice: &Notice) {
        match notice {
            Notice::Event(event) => self.apply_event(event),
            Notice::Config(hydrated) => {
                if self.config.is_some() && self.plan.is_some() {
                    self.plan_stale = Some("the project file changed".to_owned());
                }
                if let Some(project) = &hydrated.project {
                    self.project = Some(Arc::clone(project));
                }
                self.trouble = None;
                self.config = Some(Arc::clone(hydrated));
            }
            Notice::Link(link) => self.link = link.clone(),
            Notice::Trouble(trouble) => self.trouble.clone_from(trouble),
            // The plan on show is what a deploy of everything would do; plans for other ends are their asker's.
            Notice::Planned { plan, .. } if is_whole(plan) => {
                self.plan = Some(Arc::clone(plan));
                self.plan_stale = None;
                self.trouble = None;
            }
            Notice::PlanStale { why } => {
                if self.plan.is_some() {
                    self.plan_stale = Some(why.clone());
                }
            }
            Notice::Heard(heard) => {
                let all = Arc::make_mut(&mut self.heard);
                all.push_back(heard.clone());
                while all.len() > Self::HEARD {
                    all.pop_front();
                }
            }
            Notice::Status { report, .. } => self.status = Some(Arc::clone(report)),
            Notice::Drift { report, .. } => self.drift = Some(Arc::clone(report)),
            Notice::Usual(usual) => self.usual = Some(Arc::clone(usual)),
            Notice::Lock { report, .. } => self.lock = Some(Arc::clone(report)),
            Notice::Planned { .. }
            | Notice::Unlocked { .. }
            | Notice::Record { .. }
            | Notice::Runs { .. }
            | Notice::RunEvents { .. }
            | Notice::Usage { .. }
            | Notice::Probes { .. }
            | Notice::Stored { .. }
            | Notice::Installs { .. }
            | Notice::Output { .. }
            | Notice::OutputLost { .. }
            | Notice::Done { .. }
            | Notice::Failed { .. } => {}
        }
    }

    /// Folds one event: into the run on show, or into the remarks when it belongs to no run.
    pub fn apply_event(&mut self, event: &Event) {
        let Some(run_id) = &event.run_id else {
            self.remark(event);
            return;
        };
        let fresh = matches!(event.kind, EventKind::RunStarted { .. });
        if fresh || self.run.as_ref().is_none_or(|run| &run.run_id != run_id) {
            self.run = Some(RunView {
                run_id: run_id.clone(),
                started: event.at,
                ..RunView::default()
            });
        }
        if let EventKind::PlanMade { plan } = &event.kind
            && is_whole(plan)
        {
            self.plan = Some(Arc::clone(plan));
            self.plan_stale = None;
        }
        if matches!(event.kind, EventKind::RunFinished { .. }) && self.plan.is_some() {
            self.plan_stale = Some("a run changed the world".to_owned());
        }
        if let Some(run) = &mut self.run {
            run.apply(event);
        }
    }

    /// Tells whether a notice changes anything here: output of the run on show and of services does not.
    #[must_use]
    pub fn changes(&self, notice: &Notice) -> bool {
        let Notice::Event(event) = notice else {
            return notice.is_kept();
        };
        let line = matches!(event.kind, EventKind::Log { .. });
        let on_show = self.run.as_ref().map(|run| &run.run_id);
        !line || (event.run_id.is_some() && on_show != event.run_id.as_ref())
    }

    /// Tells whether a run is under way.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.finished.is_none())
    }

    /// Keeps since when fields differ: what was known to differ already keeps its time.
    fn since(&mut self, event: &Event) {
        let Some(address) = &event.address else {
            return;
        };
        match &event.kind {
            EventKind::DriftFound { changes } => {
                let before = self.drift_since.remove(address).unwrap_or_default();
                // What the first look finds was there before anybody looked.
                let found = Since {
                    at: event.at,
                    or_earlier: self.drift.is_none(),
                };
                let now = changes.iter().map(|change| {
                    let since = before.get(&change.path).copied().unwrap_or(found);
                    (change.path.clone(), since)
                });
                self.drift_since.insert(address.clone(), now.collect());
            }
            EventKind::DriftCleared => {
                self.drift_since.remove(address);
            }
            _ => {}
        }
    }

    fn remark(&mut self, event: &Event) {
        self.since(event);
        let about = |text: &str| match &event.address {
            Some(address) => format!("{address}: {text}"),
            None => text.to_owned(),
        };
        let text = match &event.kind {
            EventKind::DriftFound { changes } => {
                let paths: Vec<&str> = changes.iter().map(|c| c.path.as_str()).collect();
                about(&format!("drift found: {}", paths.join(", ")))
            }
            EventKind::DriftCleared => about("drift cleared"),
            EventKind::ConfigChanged => "the project file changed".to_owned(),
            EventKind::Warning { text } => about(text),
            EventKind::LockChanged { verdict, .. } => format!("lock is {}", verdict.as_str()),
            EventKind::HealthChanged { from, to, .. } => about(&format!("health {from} → {to}")),
            EventKind::RunStarted { .. }
            | EventKind::RunFinished { .. }
            | EventKind::StageStarted { .. }
            | EventKind::PlanMade { .. }
            | EventKind::LayerStarted { .. }
            | EventKind::ActionStarted { .. }
            | EventKind::ActionFinished { .. }
            | EventKind::StepQueued { .. }
            | EventKind::StepStarted
            | EventKind::StepProgress { .. }
            | EventKind::StepFinished { .. }
            | EventKind::Log { .. } => return,
        };
        self.remarks.push((event.at, text));
        let excess = self.remarks.len().saturating_sub(Self::REMARKS);
        self.remarks.drain(..excess);
    }
}

/// Tells whether a plan is about everything.
fn is_whole(plan: &Plan) -> bool {
    plan.purpose == Purpose::Deploy && plan.targets.is_empty()
}

impl StepView {
    fn new() -> Self {
        Self {
            queued: None,
            started: None,
            finished: None,
            outcome: None,
            waits_for: Vec::new(),
            attempt: 1,
            progress: None,
            exit_code: None,
            log: None,
            message: None,
        }
    }
}

impl RunView {
    fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted { command, .. } => {
                self.command.clone_from(command);
                self.started = event.at;
            }
            EventKind::RunFinished {
                outcome,
                exit_code,
                message,
                ..
            } => {
                let word = outcome.as_str().to_owned();
                self.finished = Some((event.at, word, *exit_code, message.clone()));
            }
            EventKind::StageStarted { stage } => {
                stage.as_str().clone_into(&mut self.stage);
                self.locks.remove("");
            }
            EventKind::PlanMade { plan } => self.plan = Some(Arc::clone(plan)),
            EventKind::ActionStarted { .. } | EventKind::ActionFinished { .. } => {
                if let Some(address) = &event.address {
                    self.action(address, event);
                }
            }
            EventKind::StepQueued { .. }
            | EventKind::StepStarted
            | EventKind::StepProgress { .. }
            | EventKind::StepFinished { .. } => {
                if let Some(step) = &event.step {
                    self.step(step, event);
                }
            }
            EventKind::HealthChanged { to, detail, .. } => {
                self.health
                    .insert(Self::instance_of(event), (to.clone(), detail.clone()));
            }
            EventKind::Warning { text } => self.warnings.push(match &event.address {
                Some(address) => format!("{address}: {text}"),
                None => text.clone(),
            }),
            EventKind::LockChanged {
                verdict, holder, ..
            } => self.lock(event, *verdict, holder.as_ref()),
            EventKind::Log { .. }
            | EventKind::LayerStarted { .. }
            | EventKind::DriftFound { .. }
            | EventKind::DriftCleared
            | EventKind::ConfigChanged => {}
        }
    }

    /// Notes who holds what is waited for; a free lock is waited for by nobody.
    fn lock(&mut self, event: &Event, verdict: Verdict, holder: Option<&Holder>) {
        let waiting = event.step.as_ref().map_or("", StepId::as_str);
        let holder = holder.filter(|_| verdict != Verdict::Free);
        let Some(holder) = holder else {
            self.locks.remove(waiting);
            return;
        };
        let who = match holder.user.as_str() {
            "" => holder.host.clone(),
            user => format!("{user}@{}", holder.host),
        };
        let since = self.locks.get(waiting).filter(|held| held.who == who);
        let since = since.map_or(event.at, |held| held.since);
        self.locks
            .insert(waiting.to_owned(), LockWait { who, since });
    }

    fn action(&mut self, address: &Address, event: &Event) {
        match &event.kind {
            EventKind::ActionStarted { kind, .. } => {
                self.actions.insert(
                    address.clone(),
                    ActionView {
                        kind: *kind,
                        started: event.at,
                        finished: None,
                        outcome: None,
                        blame: None,
                        message: None,
                    },
                );
            }
            EventKind::ActionFinished {
                outcome,
                blame,
                message,
                ..
            } => {
                let kind = self
                    .plan
                    .as_ref()
                    .and_then(|plan| plan.action(address))
                    .map_or(crate::domain::plan::model::ActionKind::Update, |a| a.kind);
                // A skipped action never started; it is shown all the same.
                let view = self
                    .actions
                    .entry(address.clone())
                    .or_insert_with(|| ActionView {
                        kind,
                        started: event.at,
                        finished: None,
                        outcome: None,
                        blame: None,
                        message: None,
                    });
                view.finished = Some(event.at);
                view.outcome = Some(*outcome);
                view.blame.clone_from(blame);
                view.message.clone_from(message);
            }
            _ => {}
        }
    }

    fn step(&mut self, step: &StepId, event: &Event) {
        let view = self.steps.entry(step.clone()).or_insert_with(StepView::new);
        if let Some(attempt) = event.attempt {
            view.attempt = attempt;
        }
        match &event.kind {
            EventKind::StepQueued { waits_for } => {
                view.queued.get_or_insert(event.at);
                view.waits_for.clone_from(waits_for);
            }
            EventKind::StepStarted => {
                view.started.get_or_insert(event.at);
                view.waits_for.clear();
                self.locks.remove(step.as_str());
                view.finished = None;
                view.outcome = None;
            }
            EventKind::StepProgress { done, total, unit } => {
                view.progress = Some((*done, *total, unit.clone()));
            }
            EventKind::StepFinished {
                outcome,
                exit_code,
                log,
                message,
                ..
            } => {
                view.finished = Some(event.at);
                view.outcome = Some(*outcome);
                view.exit_code = *exit_code;
                view.log.clone_from(log);
                view.message.clone_from(message);
                view.waits_for.clear();
                self.locks.remove(step.as_str());
            }
            _ => {}
        }
    }

    /// The instance a health event is about: its step's id up to the slash, else its address.
    fn instance_of(event: &Event) -> String {
        let step = event.step.as_ref().map(StepId::as_str);
        match (step.and_then(|id| id.split_once('/')), &event.address) {
            (Some((instance, _)), _) => instance.to_owned(),
            (None, Some(address)) => address.to_string(),
            (None, None) => String::new(),
        }
    }

    /// Returns for how long the run has been going, or went.
    #[must_use]
    pub fn elapsed_ms(&self, now: Wall) -> u64 {
        let end = self.finished.as_ref().map_or(now, |(at, ..)| *at);
        u64::try_from(end.0.saturating_sub(self.started.0)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::notice::Link;
    use crate::domain::event::{RunOutcome, Stage, StepOutcome, Stream};
    use crate::domain::ids::{Instance, RunId, TraceId};
    use crate::domain::plan::model::ActionKind;
    use std::time::Duration;

    fn event(seq: u64, step: bool, kind: EventKind) -> Event {
        let api = Address::service("api");
        Event {
            at: Wall(1_000 + i64::try_from(seq).expect("small")),
            run_id: Some(RunId::new("r1")),
            seq,
            step: step.then(|| api.step(Some(Instance(0)), "start")),
            address: Some(api),
            attempt: step.then_some(1),
            kind,
        }
    }

    fn recorded() -> Vec<Event> {
        let line = |text: &str| EventKind::Log {
            stream: Stream::Stdout,
            text: text.into(),
        };
        vec![
            event(
                0,
                false,
                EventKind::RunStarted {
                    command: "deploy".into(),
                    who: "me@here".into(),
                    trace_id: TraceId::default(),
                    plan_id: None,
                },
            ),
            event(
                1,
                false,
                EventKind::StageStarted {
                    stage: Stage::Execute,
                },
            ),
            event(
                2,
                false,
                EventKind::ActionStarted {
                    kind: ActionKind::Create,
                    reason: "not deployed yet".into(),
                },
            ),
            event(
                3,
                true,
                EventKind::StepQueued {
                    waits_for: vec!["worker".into()],
                },
            ),
            event(4, true, EventKind::StepStarted),
            event(5, true, line("hello")),
            event(
                6,
                true,
                EventKind::HealthChanged {
                    from: "starting".into(),
                    to: "healthy".into(),
                    detail: String::new(),
                },
            ),
            event(
                7,
                true,
                EventKind::StepFinished {
                    outcome: StepOutcome::Done,
                    exit_code: Some(0),
                    duration: Duration::from_millis(3),
                    log: Some("runs/r1/x.log".into()),
                    message: None,
                },
            ),
            event(
                8,
                false,
                EventKind::ActionFinished {
                    outcome: StepOutcome::Done,
                    duration: Duration::from_millis(6),
                    blame: None,
                    message: None,
                },
            ),
            event(
                9,
                false,
                EventKind::RunFinished {
                    outcome: RunOutcome::Ok,
                    exit_code: 0,
                    duration: Duration::from_millis(9),
                    message: None,
                    warnings: 0,
                },
            ),
        ]
    }

    #[test]
    fn a_replayed_run_gives_the_view_it_gave_live() {
        let mut live = Snapshot::default();
        for event in recorded() {
            live.apply(&Notice::Event(event));
        }
        let mut replayed = Snapshot::default();
        for event in &recorded() {
            replayed.apply_event(event);
        }
        assert_eq!(live.run, replayed.run);
        let run = live.run.expect("a run is on show");
        assert_eq!(run.command, "deploy");
        assert_eq!(run.stage, "execute");
        let step = run.steps.values().next().expect("one step");
        assert_eq!(step.outcome, Some(StepOutcome::Done));
        assert_eq!(step.started, Some(Wall(1_004)));
        assert!(step.waits_for.is_empty());
        assert_eq!(run.health["service.api[0]"].0, "healthy");
        assert_eq!(run.finished.map(|f| (f.1, f.2)), Some(("ok".into(), 0)));
    }

    #[test]
    fn a_run_is_under_way_until_it_finished() {
        let mut snapshot = Snapshot::default();
        let events = recorded();
        for event in &events {
            snapshot.apply_event(event);
            let last = event.seq == 9;
            assert_eq!(snapshot.is_running(), !last, "after {}", event.seq);
        }
    }

    #[test]
    fn a_second_run_takes_the_place_of_the_first() {
        let mut snapshot = Snapshot::default();
        for event in &recorded() {
            snapshot.apply_event(event);
        }
        let mut second = recorded().remove(4);
        second.run_id = Some(RunId::new("r2"));
        snapshot.apply_event(&second);
        let run = snapshot.run.expect("a run is on show");
        assert_eq!(run.run_id, RunId::new("r2"));
        assert_eq!(run.steps.len(), 1);
    }

    #[test]
    fn lines_change_nothing_and_old_remarks_are_dropped() {
        let mut snapshot = Snapshot::default();
        for event in recorded().iter().take(5) {
            snapshot.apply_event(event);
        }
        let before = snapshot.run.clone();
        let line = Notice::Event(recorded().remove(5));
        assert!(!snapshot.changes(&line));
        snapshot.apply(&line);
        assert_eq!(snapshot.run, before);
        for n in 0..150 {
            let mut outside = recorded().remove(0);
            outside.run_id = None;
            outside.address = None;
            outside.kind = EventKind::Warning {
                text: n.to_string(),
            };
            snapshot.apply_event(&outside);
        }
        assert_eq!(snapshot.remarks.len(), Snapshot::REMARKS);
        assert_eq!(snapshot.remarks.last().map(|r| r.1.as_str()), Some("149"));
    }

    #[test]
    fn folding_state_twice_changes_nothing() {
        let mut snapshot = Snapshot::default();
        let up = Notice::Link(Link::Up("docker".into()));
        snapshot.apply(&up);
        let once = format!("{snapshot:?}");
        snapshot.apply(&up);
        assert_eq!(once, format!("{snapshot:?}"));
    }
}

//! How notices and events change the snapshot. Pure: a recorded run replayed here gives the view it gave live.

use std::sync::Arc;

use crate::app::notice::Notice;
use crate::app::snapshot::{Since, Snapshot};
use crate::domain::event::{Event, EventKind};
use crate::domain::history::view::RunView;
use crate::domain::plan::model::{Plan, Purpose};

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
            Notice::Workers(workers) => self.workers = Arc::clone(workers),
            Notice::Usual(usual) => self.usual = Some(Arc::clone(usual)),
            Notice::Lock { report, .. } => self.lock = Some(Arc::clone(report)),
            Notice::Planned { .. }
            | Notice::Unlocked { .. }
            | Notice::LockHistory { .. }
            | Notice::Record { .. }
            | Notice::Runs { .. }
            | Notice::RunEvents { .. }
            | Notice::Usage { .. }
            | Notice::Probes { .. }
            | Notice::Stored { .. }
            | Notice::Installs { .. }
            | Notice::Looked
            | Notice::Amended { .. }
            | Notice::Ignored { .. }
            | Notice::Leadership(_)
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
            self.run = Some(RunView::begun(run_id, event.at));
        }
        if let EventKind::PlanMade { plan, .. } = &event.kind
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::notice::Link;
    use crate::domain::event::{RunOutcome, Stage, StepOutcome, Stream};
    use crate::domain::ids::Address;
    use crate::domain::ids::{Instance, RunId, TraceId};
    use crate::domain::plan::model::ActionKind;
    use crate::domain::time::Wall;
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
                    parent: None,
                    plan_id: None,
                    origin: crate::domain::event::Origin::default(),
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
                    forecast: None,
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

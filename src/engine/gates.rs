//! The open health gates of a run, and when the next of them wants to be looked at.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::ProviderId;
use crate::domain::live::{Live, LiveEventKind, Status};
use crate::domain::run::gate::{Finding, HealthGate};
use crate::domain::run::order::StepRef;
use crate::domain::time::Boot;
use crate::ports::provider::InstanceRef;

/// One open gate.
#[derive(Debug)]
pub(super) struct Open {
    /// Its judge.
    pub(super) gate: HealthGate,
    /// The instance it is about.
    pub(super) target: InstanceRef,
    /// Attempt of the step.
    pub(super) attempt: u32,
}

/// All open gates.
#[derive(Debug, Default)]
pub(super) struct Gates {
    open: BTreeMap<StepRef, Open>,
    by_id: BTreeMap<ProviderId, BTreeSet<StepRef>>,
    wakes: BTreeSet<(Boot, StepRef)>,
    alarms: BTreeMap<StepRef, Boot>,
}

impl Gates {
    /// Opens a gate.
    pub(super) fn insert(&mut self, at: StepRef, open: Open) {
        let ids = self.by_id.entry(open.target.id.clone()).or_default();
        ids.insert(at);
        self.open.insert(at, open);
        self.rearm(at);
    }

    /// Closes a gate.
    pub(super) fn remove(&mut self, at: StepRef) -> Option<Open> {
        let open = self.open.remove(&at)?;
        if let Some(ids) = self.by_id.get_mut(&open.target.id) {
            ids.remove(&at);
        }
        self.rearm(at);
        Some(open)
    }

    /// Returns one gate.
    pub(super) fn get_mut(&mut self, at: StepRef) -> Option<&mut Open> {
        self.open.get_mut(&at)
    }

    /// Tells whether none is open.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes an event about an instance and returns the gates it concerns.
    pub(super) fn hear(
        &mut self,
        id: &ProviderId,
        kind: &LiveEventKind,
        now: Boot,
    ) -> Vec<StepRef> {
        let at: Vec<StepRef> = self.by_id.get(id).into_iter().flatten().copied().collect();
        for at in &at {
            if let Some(open) = self.open.get_mut(at) {
                open.gate.hear(kind, now);
            }
            self.rearm(*at);
        }
        at
    }

    /// Takes the time and returns the gates whose time has come.
    pub(super) fn due(&mut self, now: Boot) -> Vec<StepRef> {
        let due: Vec<StepRef> = self
            .wakes
            .iter()
            .take_while(|(wake, _)| *wake <= now)
            .map(|(_, at)| *at)
            .collect();
        for at in &due {
            if let Some(open) = self.open.get_mut(at) {
                open.gate.tick(now);
            }
        }
        due
    }

    /// Returns when the next gate wants to be looked at.
    pub(super) fn wake_at(&self) -> Option<Boot> {
        self.wakes.first().map(|(wake, _)| *wake)
    }

    /// Tells every gate how its instance stands now.
    pub(super) fn reseed(&mut self, live: &Live, now: Boot) -> Vec<StepRef> {
        let all: Vec<StepRef> = self.open.keys().copied().collect();
        for at in &all {
            let Some(open) = self.open.get_mut(at) else {
                continue;
            };
            let found = live.instances.iter().find(|i| i.id == open.target.id);
            let kinds = match found {
                None => vec![LiveEventKind::Removed],
                Some(found) => match found.status {
                    Status::Exited(code) => vec![LiveEventKind::Died(code)],
                    Status::Dead => vec![LiveEventKind::Removed],
                    // What the platform says of the health of one that is frozen, freezing it made.
                    Status::Paused => vec![LiveEventKind::Paused],
                    Status::Running | Status::Created | Status::Restarting => {
                        let health = LiveEventKind::Health(found.health);
                        vec![LiveEventKind::Unpaused, health]
                    }
                },
            };
            for kind in kinds {
                open.gate.hear(&kind, now);
            }
            self.rearm(*at);
        }
        all
    }

    /// Sets the alarm of a gate anew.
    pub(super) fn rearm(&mut self, at: StepRef) {
        if let Some(old) = self.alarms.remove(&at) {
            self.wakes.remove(&(old, at));
        }
        let Some(open) = self.open.get(&at) else {
            return;
        };
        let wake = match open.gate.finding() {
            Finding::Waiting => open.gate.wake_at(),
            // Decided: whoever looks at due gates next has to see it.
            Finding::Healthy | Finding::Failed(_) => Some(Boot::default()),
        };
        if let Some(wake) = wake {
            self.alarms.insert(at, wake);
            self.wakes.insert((wake, at));
        }
    }
}

//! What the platform reported about each instance since it was started: the memory behind the health gates.
//!
//! A verdict or an end may come before the plan's health step begins; it is kept until then, so that nothing is
//! asked that was already told.

use std::collections::{BTreeMap, VecDeque};

use crate::domain::ids::ProviderId;
use crate::domain::live::{Health, LiveEventKind};
use crate::domain::time::Boot;

/// Events kept for one instance.
const KEPT: usize = 32;

/// What was heard of one instance.
#[derive(Debug, Default)]
struct Ear {
    heard: VecDeque<LiveEventKind>,
    /// A verdict came while its gate was still closed; the platform may not repeat it.
    early: bool,
    /// When it started, or its gate opened.
    opened: Option<Boot>,
}

/// What was heard of all instances of a run.
#[derive(Debug, Default)]
pub(super) struct Ears(BTreeMap<ProviderId, Ear>);

impl Ears {
    /// An instance is about to be started: what was heard before is history.
    pub(super) fn starting(&mut self, id: &ProviderId) {
        self.0.insert(id.clone(), Ear::default());
    }

    /// The gate of an instance is about to open: verdicts from before say nothing about its main command.
    pub(super) fn opening(&mut self, id: &ProviderId) {
        let ear = self.0.entry(id.clone()).or_default();
        ear.early = ear.heard.iter().any(|kind| {
            matches!(
                kind,
                LiveEventKind::Health(Health::Healthy | Health::Unhealthy)
            )
        });
        ear.heard
            .retain(|kind| !matches!(kind, LiveEventKind::Health(_)));
    }

    /// An instance is about to go on after a pause: what the platform said of it meanwhile, a pause made, and it may
    /// not say it again.
    pub(super) fn unpausing(&mut self, id: &ProviderId) {
        self.opening(id);
        let ear = self.0.entry(id.clone()).or_default();
        ear.heard.retain(|kind| *kind != LiveEventKind::Paused);
        ear.early = true;
    }

    /// It started, or its gate opened, just now.
    pub(super) fn opened(&mut self, id: &ProviderId, now: Boot) {
        self.0.entry(id.clone()).or_default().opened = Some(now);
    }

    /// Takes an event.
    pub(super) fn hear(&mut self, id: &ProviderId, kind: &LiveEventKind) {
        let heard = &mut self.0.entry(id.clone()).or_default().heard;
        heard.push_back(kind.clone());
        if heard.len() > KEPT {
            heard.pop_front();
        }
    }

    /// Returns when the instance started in this run, what was heard since, and whether a verdict came early.
    pub(super) fn since_start(&self, id: &ProviderId) -> Heard<'_> {
        let ear = self.0.get(id);
        Heard {
            opened: ear.and_then(|ear| ear.opened),
            early: ear.is_some_and(|ear| ear.early),
            events: ear.into_iter().flat_map(|ear| ear.heard.iter()).collect(),
        }
    }
}

/// What was heard of one instance since its start.
pub(super) struct Heard<'a> {
    /// When it started in this run; `None`: it did not.
    pub(super) opened: Option<Boot>,
    /// Whether a verdict came before its gate opened.
    pub(super) early: bool,
    /// Events since.
    pub(super) events: Vec<&'a LiveEventKind>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_of_a_paused_instance_is_history_and_it_is_asked_anew() {
        let id = ProviderId("c1".to_owned());
        let mut ears = Ears::default();
        ears.hear(&id, &LiveEventKind::Health(Health::Unhealthy));
        ears.hear(&id, &LiveEventKind::Died(0));
        ears.hear(&id, &LiveEventKind::Paused);
        ears.unpausing(&id);
        let heard = ears.since_start(&id);
        assert!(heard.early, "Docker calls whatever is paused unhealthy");
        assert_eq!(heard.events, [&LiveEventKind::Died(0)]);
        ears.opened(&id, Boot::default());
        assert_eq!(ears.since_start(&id).opened, Some(Boot::default()));
    }
}

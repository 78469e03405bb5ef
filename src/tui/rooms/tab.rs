//! How an open room stands, at a glance: what its tab and the list of places show.

use crate::app::notice::Link;
use crate::tui::model::Model;
use crate::tui::rooms::place::Place;
use crate::tui::theme::Tone;

/// How a room stands; the first that holds counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// A run is under way.
    Running,
    /// The last run failed, and nobody has looked yet.
    Failed,
    /// The last run went well, and nobody has looked yet.
    Done,
    /// The file has errors.
    Faulty,
    /// The platform does not answer.
    Down,
    /// Something was changed by hand.
    Drift,
    /// The file asks for something else than what runs.
    Changes,
    /// Nothing is known yet.
    Unknown,
    /// All is as it should be.
    Quiet,
}

impl Mark {
    /// Looks at a room; `unseen`: its last run ended while another room was on show.
    #[must_use]
    pub fn of(model: &Model, unseen: bool) -> Self {
        let snapshot = &model.snapshot;
        if model.running().is_some() {
            return Self::Running;
        }
        if let Some((_, outcome, ..)) = snapshot.run.as_ref().and_then(|run| run.finished.as_ref())
            && unseen
        {
            return if outcome == "ok" {
                Self::Done
            } else {
                Self::Failed
            };
        }
        match &snapshot.config {
            None => return Self::Unknown,
            Some(config) if config.project.is_none() => return Self::Faulty,
            Some(_) => {}
        }
        if matches!(snapshot.link, Link::Down(_)) {
            return Self::Down;
        }
        if snapshot
            .drift
            .as_ref()
            .is_some_and(|drift| !drift.drifted.is_empty())
        {
            return Self::Drift;
        }
        match &snapshot.plan {
            None => Self::Unknown,
            Some(plan) if plan.is_empty() => Self::Quiet,
            Some(_) => Self::Changes,
        }
    }

    /// Returns its symbol.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Running => "◐",
            Self::Failed | Self::Faulty | Self::Down => "✗",
            Self::Done | Self::Quiet => "✓",
            Self::Drift => "⇄",
            Self::Changes => "~",
            Self::Unknown => "○",
        }
    }

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Done => "done",
            Self::Faulty => "file has errors",
            Self::Down => "platform down",
            Self::Drift => "drift",
            Self::Changes => "changes pending",
            Self::Unknown => "looking",
            Self::Quiet => "as planned",
        }
    }

    /// Returns how it is shown.
    #[must_use]
    pub fn tone(self) -> Tone {
        match self {
            Self::Running => Tone::Busy,
            Self::Failed | Self::Faulty | Self::Down => Tone::Fail,
            Self::Done | Self::Quiet => Tone::Ok,
            Self::Drift => Tone::Drift,
            Self::Changes => Tone::Changed,
            Self::Unknown => Tone::Dim,
        }
    }
}

/// One open room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    /// Where it is.
    pub place: Place,
    /// How it stands.
    pub mark: Mark,
    /// Whether it is on show.
    pub shown: bool,
}

/// What a room knows of the ones beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Around {
    /// All open rooms, this one too, in the order they were opened.
    pub tabs: Vec<Tab>,
    /// Places that could be opened.
    pub places: Vec<Place>,
    /// Whether places are being looked for.
    pub looking: bool,
}

impl Around {
    /// Returns the other rooms in which a run is under way.
    pub fn running(&self) -> impl Iterator<Item = &Tab> {
        self.tabs
            .iter()
            .filter(|tab| !tab.shown && tab.mark == Mark::Running)
    }

    /// Returns everything that can be chosen: open rooms first, then places that are not open.
    #[must_use]
    pub fn choices(&self) -> Vec<(Place, Option<Mark>)> {
        let open = self
            .tabs
            .iter()
            .map(|tab| (tab.place.clone(), Some(tab.mark)));
        let closed = self
            .places
            .iter()
            .filter(|place| !self.tabs.iter().any(|tab| tab.place.is(place)))
            .map(|place| (place.clone(), None));
        open.chain(closed).collect()
    }

    /// Returns where this room is.
    #[must_use]
    pub fn here(&self) -> Option<&Place> {
        self.tabs.iter().find(|tab| tab.shown).map(|tab| &tab.place)
    }
}

//! Everything a row or a box says about one resource: how it stands, what is pending, what a run does with it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::app::snapshot::Snapshot;
use crate::domain::event::StepOutcome;
use crate::domain::history::view::RunView;
use crate::domain::ids::{Address, ResourceKind};
use crate::domain::plan::model::{Action, ActionKind};
use crate::domain::project::project::Project;
use crate::domain::project::service::ServiceKind;
use crate::domain::report::ResourceStatus;
use crate::domain::time::Wall;
use crate::present::human::duration;
use crate::tui::blocked::{Blocked, Blocks};
use crate::tui::fate::Fate;
use crate::tui::rows::course::progress_text;
use crate::tui::rows::row::{Cell, Timer};
use crate::tui::rows::standing::{State, health, instances, state};
use crate::tui::rows::steps::action_cell;
use crate::tui::theme::Tone;

/// A snapshot with its plan's actions by address, so that a look-up does not walk the plan.
pub struct Seen<'a> {
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// Its project.
    pub project: Option<&'a Project>,
    planned: BTreeMap<&'a Address, &'a Action>,
    blocks: Option<Blocks<'a>>,
}

impl<'a> Seen<'a> {
    /// Looks at a snapshot.
    #[must_use]
    pub fn of(snapshot: &'a Snapshot) -> Self {
        let plan = snapshot.plan.as_deref();
        let actions = plan.map_or(&[][..], |plan| plan.actions.as_slice());
        Self {
            snapshot,
            project: snapshot.known().map(|project| &**project),
            planned: actions.iter().map(|a| (&a.address, a)).collect(),
            blocks: Blocks::of(snapshot),
        }
    }
    /// Returns what the plan does with a resource.
    #[must_use]
    pub fn action(&self, address: &Address) -> Option<&'a Action> {
        self.planned.get(address).copied()
    }
    /// Returns how a resource stands.
    #[must_use]
    pub fn status(&self, address: &Address) -> Option<&'a ResourceStatus> {
        self.snapshot.status.as_deref()?.resources.get(address)
    }
    /// Tells whether a resource was changed by hand.
    #[must_use]
    pub fn drifted(&self, address: &Address) -> bool {
        let drift = self.snapshot.drift.as_deref();
        self.status(address)
            .is_some_and(|status| !status.drift.is_empty())
            || drift.is_some_and(|drift| drift.drifted.contains_key(address))
    }
    /// Returns what a deploy would do with a resource now.
    #[must_use]
    pub fn fate(&self, address: &Address) -> Fate {
        match (self.action(address), self.status(address)) {
            (Some(action), _) => Fate::of(action, |other| self.action(other)),
            (None, Some(status)) => Fate::guess(status.pending),
            (None, None) => Fate::Keep,
        }
    }
}

/// The step of a resource that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doing {
    /// Which: `start`, with its instance where there are several.
    pub name: String,
    /// How far it is: `12.3 of 40 MB`.
    pub progress: Option<String>,
    /// When it began.
    pub since: Option<Wall>,
    /// How long it usually takes.
    pub usual: Option<Duration>,
}

impl Doing {
    fn of(snapshot: &Snapshot, run: &RunView, address: &Address, several: bool) -> Option<Self> {
        let (id, view) = run
            .steps_of(address)
            .filter(|(_, view)| view.started.is_some() && view.outcome.is_none())
            .max_by_key(|(_, view)| view.started)?;
        let own = id.as_str().strip_prefix(&address.to_string());
        let own = own.unwrap_or_default().trim_start_matches('/');
        let name = match own.split_once("]/") {
            Some((instance, name)) if several => format!("{instance}] {name}"),
            Some((_, name)) => name.to_owned(),
            None => own.to_owned(),
        };
        let usual = snapshot.usual.as_deref();
        Some(Self {
            name,
            progress: view.progress.as_ref().map(progress_text),
            since: view.started,
            usual: usual.and_then(|usual| usual.steps.get(id).copied()),
        })
    }
    /// Says all but the time: `start 12.3 of 40 MB, usually 9 s`.
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = self.name.clone();
        if let Some(progress) = &self.progress {
            text.push_str(&format!(" {progress}"));
        }
        if let Some(usual) = self.usual {
            text.push_str(&format!(", usually {}", duration(usual)));
        }
        text
    }
}

/// What is said about one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// How it stands, as a symbol; in a run, how far it is.
    pub symbol: Cell,
    /// How it stands, in a word.
    pub word: Cell,
    /// Its health.
    pub health: Cell,
    /// How many instances are up.
    pub instances: Cell,
    /// What a deploy would do with it.
    pub fate: Fate,
    /// Whether it was changed by hand.
    pub drifted: bool,
    /// Whether nothing of it is there.
    pub absent: bool,
    /// The step that is under way.
    pub step: Option<Doing>,
    /// What it waits for.
    pub blocked: Option<Blocked>,
    /// Whether the file knows it.
    pub in_file: bool,
}

impl Facts {
    /// Collects what is known about a resource.
    #[must_use]
    pub fn of(seen: &Seen<'_>, address: &Address) -> Self {
        let mut facts = match address.kind {
            ResourceKind::Service => Self::of_service(seen, address),
            ResourceKind::Network | ResourceKind::Volume | ResourceKind::Procedure => {
                Self::of_ground(seen, address)
            }
        };
        let run = seen.snapshot.run.as_ref();
        if let Some(run) = run.filter(|run| run.finished.is_none()) {
            facts.in_run(seen, run, address);
        }
        facts
    }

    fn of_service(seen: &Seen<'_>, address: &Address) -> Self {
        let status = seen.status(address);
        let service = seen.project.and_then(|p| p.services.get(&address.name));
        let kind = service.map_or(ServiceKind::Service, |service| service.kind);
        let asked = service.map_or(0, |service| service.instances);
        let state = state(kind, asked, status);
        let wanted = status.map_or(asked, |status| status.wanted);
        Self {
            symbol: state.symbol,
            word: state.word,
            health: health(seen.snapshot, status),
            instances: instances(kind, status, wanted),
            absent: status.is_none_or(|s| s.instances.is_empty() && !s.ready),
            in_file: service.is_some() || seen.project.is_none(),
            ..Self::common(seen, address)
        }
    }

    fn of_ground(seen: &Seen<'_>, address: &Address) -> Self {
        let status = seen.status(address);
        let state = match status {
            None => State::of("?", "not seen yet", Tone::Dim),
            Some(status) if status.ready => State::of("●", "exists", Tone::Ok),
            Some(_) => State::of("○", "absent", Tone::Dim),
        };
        Self {
            symbol: state.symbol,
            word: state.word,
            absent: status.is_none_or(|status| !status.ready),
            ..Self::common(seen, address)
        }
    }

    fn common(seen: &Seen<'_>, address: &Address) -> Self {
        Self {
            symbol: Cell::default(),
            word: Cell::default(),
            health: Cell::default(),
            instances: Cell::default(),
            fate: seen.fate(address),
            drifted: seen.drifted(address),
            absent: false,
            step: None,
            blocked: None,
            in_file: true,
        }
    }

    /// During a run, the symbol and the step under way take the place of what was there.
    fn in_run(&mut self, seen: &Seen<'_>, run: &RunView, address: &Address) {
        self.blocked = seen.blocks.as_ref().and_then(|blocks| blocks.by(address));
        let several = self.instances.text.rsplit('/').next() != Some("1");
        if let Some(step) = Doing::of(seen.snapshot, run, address, several) {
            self.symbol = Cell::new("◐", Tone::Busy);
            self.step = Some(step);
            self.absent = false;
            // How it stood before is not how it stands now; that is looked at after the run.
            self.word = Cell::new("at work", Tone::Busy);
            self.health = Cell::default();
            self.instances = Cell::default();
        } else if let Some(action) = run.actions.get(address)
            && action.outcome.is_some()
        {
            self.symbol = action_cell(Some(action));
            if self.absent && action.outcome == Some(StepOutcome::Done) {
                // The status is from before; how it stands now is looked at after the run.
                self.absent = action.kind == ActionKind::Delete;
                self.word = Cell::new("done", Tone::Ok);
                self.instances = Cell::default();
            }
            // What was pending is dealt with; the next plan says what is left.
            self.fate = Fate::Keep;
        }
    }

    /// Says in one cell what is pending and whether it was changed by hand: `~ update ⇄ drift`.
    #[must_use]
    pub fn pending(&self) -> Cell {
        let fate = self.fate.pending();
        match (self.drifted, fate.text.is_empty()) {
            (true, true) => Cell::new("⇄ drift", Tone::Drift),
            (true, false) => Cell::new(format!("{} ⇄ drift", fate.text), Tone::Drift),
            (false, _) => fate,
        }
    }

    /// Says what goes on or what it waits for, with the time it goes on for.
    #[must_use]
    pub fn doing(&self) -> Option<(Cell, Option<Timer>)> {
        if let Some(blocked) = &self.blocked {
            let cell = Cell::new(blocked.words(), Tone::Warn);
            return Some((cell, blocked.since.map(Timer::Since)));
        }
        let step = self.step.as_ref()?;
        let cell = Cell::new(step.words(), Tone::Busy);
        Some((cell, step.since.map(Timer::Since)))
    }
}

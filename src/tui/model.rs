//! Everything the panel is at one moment: the snapshot, and what the person in front of it has done with it.
//!
//! No handle, no channel, no lock and no clock: time arrives as a message. Only `update` changes a model.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::app::command::{Stop, Ticket};
use crate::app::notice::Hydrated;
use crate::app::snapshot::{RunView, Snapshot};
use crate::domain::ids::LockId;
use crate::domain::record::Record;
use crate::domain::run::options::RunOptions;
use crate::domain::time::Wall;
use crate::tui::effect::Wish;
use crate::tui::keymap::action::Context;
use crate::tui::keymap::chord::Chord;
use crate::tui::logs::LogView;
use crate::tui::overlay::{Dialog, Palette, Typed};
use crate::tui::rows;
use crate::tui::tail::Tail;
use crate::tui::theme::{Colors, Theme, Tone};
use crate::tui::tree::Pane;

/// How the panel is to be shown and what it may do; read once by the composition root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelOptions {
    /// How many colours may be used (`--color`, `NO_COLOR`).
    pub colors: Colors,
    /// Whether only ASCII may be drawn (`NANOKIT_ASCII=1`, or a locale without UTF-8).
    pub ascii: bool,
    /// Whether everything that changes the world is refused.
    pub read_only: bool,
    /// The command line that shows the same project: `nkapp`, with `-f` and `-e` where they were given.
    pub command: String,
    /// Schedule and number of workers of runs.
    pub run: RunOptions,
    /// How long a run waits for a held lock.
    pub lock_wait: Duration,
}

/// One of the five areas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Area {
    /// Services.
    #[default]
    Services,
    /// Plan.
    Plan,
    /// Run.
    Run,
    /// Locks and state.
    Locks,
    /// Drift.
    Drift,
}

impl Area {
    /// All areas in the order of their tabs.
    pub const ALL: [Self; 5] = [
        Self::Services,
        Self::Plan,
        Self::Run,
        Self::Locks,
        Self::Drift,
    ];
    /// Returns its name on the tab.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Services => "Services",
            Self::Plan => "Plan",
            Self::Run => "Run",
            Self::Locks => "Locks",
            Self::Drift => "Drift",
        }
    }
    /// Returns where keys are pressed when nothing lies above it.
    #[must_use]
    pub fn context(self) -> Context {
        match self {
            Self::Services => Context::Services,
            Self::Plan => Context::Plan,
            Self::Run => Context::Run,
            Self::Locks => Context::Locks,
            Self::Drift => Context::Drift,
        }
    }
    /// Returns the area so many tabs further.
    #[must_use]
    pub fn beside(self, steps: usize) -> Self {
        let here = Self::ALL.iter().position(|area| *area == self).unwrap_or(0);
        let there = (here + steps) % Self::ALL.len();
        Self::ALL.get(there).copied().unwrap_or_default()
    }
}

/// Which part of an area has the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Focus {
    /// The list or tree.
    #[default]
    List,
    /// The details beside or below it.
    Details,
}

/// What lies above the area.
#[derive(Clone, Debug)]
pub enum Overlay {
    /// All keys.
    Help {
        /// First line shown.
        scroll: usize,
    },
    /// All actions.
    Palette(Palette),
    /// The line that narrows the list below it.
    Filter,
    /// A question, or a message.
    Dialog(Box<Dialog>),
    /// A question that is answered by typing.
    Typed(Box<Typed>),
    /// Output of a service.
    Logs(Box<LogView>),
}

/// A short message that goes away by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// What it says.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
    /// When it goes away.
    pub until: Wall,
}

/// What our own clock says about somebody's heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Lock it belongs to.
    pub lock: LockId,
    /// Its counter.
    pub beat: u64,
    /// When we first saw this count.
    pub since: Wall,
}

/// How the panel is being left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Leaving {
    /// Not at all.
    #[default]
    No,
    /// As soon as the run has ended.
    AfterRun,
    /// Now.
    Now,
}

/// The whole panel.
#[derive(Clone, Debug)]
pub struct Model {
    /// How everything stands.
    pub snapshot: Arc<Snapshot>,
    /// How it is shown.
    pub options: PanelOptions,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Time of the last tick.
    pub now: Wall,
    /// The area on show.
    pub area: Area,
    /// Which part of it has the cursor.
    pub focus: Focus,
    /// Trees of the areas that have one.
    pub panes: BTreeMap<Area, Pane>,
    /// First line of the details shown.
    pub details_at: usize,
    /// Where in the run's output the reader is.
    pub output: Tail,
    /// Columns of the run's output left off on the left.
    pub across: usize,
    /// Whether the cursor of the run goes with what happens.
    pub follow_run: bool,
    /// The record, once it was asked for: `None` inside means there is none.
    pub record: Option<Option<Arc<Record>>>,
    /// The heartbeat of the lock's holder.
    pub beat: Option<Beat>,
    /// What lies above the area, the topmost last.
    pub overlays: Vec<Overlay>,
    /// Messages, the newest last.
    pub toasts: Vec<Toast>,
    /// Keys of an unfinished sequence.
    pub pending: Vec<Chord>,
    /// The last key and when it came, so that a held key is known.
    pub last_key: Option<(Chord, Wall)>,
    /// The command line of the last act.
    pub echo: Option<String>,
    /// How far the run was asked to stop.
    pub stopping: Stop,
    /// How the panel is being left.
    pub leaving: Leaving,
    /// Answers that are awaited.
    pub tickets: BTreeMap<Ticket, Wish>,
    /// Whether something on the screen may have changed.
    pub dirty: bool,
}

impl Model {
    /// Starts a panel with nothing known yet.
    #[must_use]
    pub fn new(options: PanelOptions, snapshot: Arc<Snapshot>, now: Wall) -> Self {
        let mut model = Self {
            snapshot,
            options,
            size: (80, 24),
            now,
            area: Area::default(),
            focus: Focus::default(),
            panes: BTreeMap::new(),
            details_at: 0,
            output: Tail::default(),
            across: 0,
            follow_run: true,
            record: None,
            beat: None,
            overlays: Vec::new(),
            toasts: Vec::new(),
            pending: Vec::new(),
            last_key: None,
            echo: None,
            stopping: Stop::Run,
            leaving: Leaving::No,
            tickets: BTreeMap::new(),
            dirty: true,
        };
        model.refresh_pane();
        model
    }

    /// Returns where keys are being pressed.
    #[must_use]
    pub fn context(&self) -> Context {
        match self.overlays.last() {
            None => self.area.context(),
            Some(Overlay::Help { .. }) => Context::Help,
            Some(Overlay::Palette(_)) => Context::Palette,
            Some(Overlay::Filter) => Context::Input,
            Some(Overlay::Dialog(_)) => Context::Dialog,
            Some(Overlay::Typed(_)) => Context::Typed,
            Some(Overlay::Logs(_)) => Context::Logs,
        }
    }

    /// Returns the look.
    #[must_use]
    pub fn theme(&self) -> Theme {
        Theme {
            colors: self.options.colors,
        }
    }

    /// Returns the tree of the area on show.
    #[must_use]
    pub fn pane(&self) -> Option<&Pane> {
        self.panes.get(&self.area)
    }
    /// Returns the tree of the area on show.
    pub fn pane_mut(&mut self) -> Option<&mut Pane> {
        self.panes.get_mut(&self.area)
    }

    /// Computes the tree of the area on show anew; the others wait until they are shown.
    pub fn refresh_pane(&mut self) {
        let nodes = match self.area {
            Area::Services => rows::services::nodes(&self.snapshot),
            Area::Plan => rows::plan::nodes(&self.snapshot),
            Area::Run => rows::run::nodes(&self.snapshot),
            Area::Drift => rows::drift::nodes(&self.snapshot),
            Area::Locks => return,
        };
        self.panes.entry(self.area).or_default().replace(nodes);
    }

    /// Returns the load that gave no project, when its faults are what the area shows.
    #[must_use]
    pub fn faults(&self) -> Option<&Hydrated> {
        let config = self.snapshot.config.as_deref()?;
        let shown = matches!(self.area, Area::Services | Area::Plan);
        (shown && config.project.is_none()).then_some(config)
    }

    /// Returns the run that is under way.
    #[must_use]
    pub fn running(&self) -> Option<&RunView> {
        self.snapshot
            .run
            .as_ref()
            .filter(|run| run.finished.is_none())
    }

    /// Returns the log view on top, if there is one.
    #[must_use]
    pub fn logs(&self) -> Option<&LogView> {
        self.overlays
            .iter()
            .rev()
            .find_map(|overlay| match overlay {
                Overlay::Logs(logs) => Some(&**logs),
                Overlay::Help { .. }
                | Overlay::Palette(_)
                | Overlay::Filter
                | Overlay::Dialog(_)
                | Overlay::Typed(_) => None,
            })
    }
    /// Returns the log view on top, if there is one.
    pub fn logs_mut(&mut self) -> Option<&mut LogView> {
        self.overlays
            .iter_mut()
            .rev()
            .find_map(|overlay| match overlay {
                Overlay::Logs(logs) => Some(&mut **logs),
                Overlay::Help { .. }
                | Overlay::Palette(_)
                | Overlay::Filter
                | Overlay::Dialog(_)
                | Overlay::Typed(_) => None,
            })
    }

    /// Tells whether something on the screen shows a running time, so that a tick is owed.
    #[must_use]
    pub fn shows_time(&self) -> bool {
        let rows_run = || {
            self.pane()
                .is_some_and(|pane| pane.rows().iter().any(|row| row.row.runs()))
        };
        !self.toasts.is_empty()
            || self.running().is_some()
            || (self.area == Area::Locks && self.beat.is_some())
            || rows_run()
    }

    /// Shows a short message.
    pub fn toast(&mut self, text: impl Into<String>, tone: Tone) {
        let stay = if matches!(tone, Tone::Fail | Tone::Warn) {
            12_000
        } else {
            6_000
        };
        self.toasts.push(Toast {
            text: text.into(),
            tone,
            until: Wall(self.now.0.saturating_add(stay)),
        });
        let excess = self.toasts.len().saturating_sub(5);
        self.toasts.drain(..excess);
        self.dirty = true;
    }

    /// Goes to an area.
    pub fn go(&mut self, area: Area) {
        self.area = area;
        self.focus = Focus::List;
        self.details_at = 0;
        self.refresh_pane();
        self.dirty = true;
    }

    /// Returns half a screen in rows.
    #[must_use]
    pub fn half_page(&self) -> usize {
        usize::from(self.size.1.saturating_sub(6) / 2).max(1)
    }
}

//! Everything the panel is at one moment: the snapshot, and what the person in front of it has done with it.
//!
//! No handle, no channel, no lock and no clock: time arrives as a message. Only `update` changes a model.

mod moving;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::app::command::{Stop, Ticket};
use crate::app::notice::Hydrated;
use crate::app::snapshot::Snapshot;
use crate::domain::history::path::{self, Leg};
use crate::domain::history::view::RunView;
use crate::domain::ids::{LockId, RunId};
use crate::domain::report::install::InstallReport;
use crate::domain::report::store::StoreReport;
use crate::domain::run::options::RunOptions;
use crate::domain::time::Wall;
use crate::present::report::ReportStyle;
use crate::present::words::count;
use crate::tui::effect::Wish;
use crate::tui::graph::stage::Stage;
use crate::tui::hand::Hand;
use crate::tui::history::{Before, History};
use crate::tui::keymap::action::Context;
use crate::tui::keymap::chord::Chord;
use crate::tui::logs::open::{LogView, Output};
use crate::tui::logs::reader::Reader;
use crate::tui::logs::store::Store;
use crate::tui::overlay::{Dialog, Palette, Typed};
use crate::tui::recorder::Figures;
use crate::tui::replay::Replay;
use crate::tui::rooms::tab::Around;
use crate::tui::rows;
use crate::tui::setup::{Setup, UserFiles};
use crate::tui::theme::{Colors, Theme, Tone};
use crate::tui::timeline::window::Window;
use crate::tui::tree::Pane;
use crate::tui::usage::Usages;

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
    /// The user's own keys and themes.
    pub files: UserFiles,
    /// The project's own folder, `.nanokit`: saved output goes there.
    pub own: PathBuf,
    /// Whether the terminal is inside tmux, which passes on what is copied only in an envelope of its own.
    pub tmux: bool,
    /// The folder the panel was opened in; command lines are meant for it.
    pub folder: std::path::PathBuf,
    /// The run to play again as soon as it can be read.
    pub replay: Option<RunId>,
}

/// One of the six areas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Area {
    /// Services.
    #[default]
    Services,
    /// Plan.
    Plan,
    /// Run.
    Run,
    /// Drift.
    Drift,
    /// Locks and state.
    Locks,
    /// Past runs.
    History,
}

impl Area {
    /// All areas in the order of their tabs.
    pub const ALL: [Self; 6] = [
        Self::Services,
        Self::Plan,
        Self::Run,
        Self::Drift,
        Self::Locks,
        Self::History,
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
            Self::History => "History",
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
            Self::History => Context::History,
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
        /// What narrows it.
        typed: String,
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
    /// Everything the panel did.
    Deeds {
        /// How many deeds before the last one the cursor is.
        back: usize,
    },
}

/// In which shape the services are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ServicesAs {
    /// A tree.
    #[default]
    Tree,
    /// A graph.
    Graph,
}

/// In which shape a run is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RunAs {
    /// Steps by layer.
    #[default]
    Steps,
    /// Bars over time.
    Timeline,
}

/// Something the panel did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// When.
    pub at: Wall,
    /// What, in words.
    pub text: String,
    /// The same as a command line, where there is one.
    pub command: Option<String>,
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
    /// The step the holder tells of.
    pub step: Option<String>,
    /// When we first saw that step.
    pub step_since: Wall,
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
    /// What is marked, in the areas that have marks: addresses, or ids of runs.
    pub marks: BTreeMap<Area, BTreeSet<String>>,
    /// How many hundredths of the room the list of an area has, where somebody said so.
    pub splits: BTreeMap<Area, u16>,
    /// The shape of the services.
    pub services_as: ServicesAs,
    /// Whether the graph shows how the plan leaves things.
    pub after: bool,
    /// The drawn graph.
    pub stage: Stage,
    /// The shape of the run.
    pub run_as: RunAs,
    /// Which part of a run's time is on the screen.
    pub window: Window,
    /// The critical path of the run on show, while its timeline is.
    pub legs: Vec<Leg>,
    /// How long steps usually took before the run in the run area began.
    pub before: Option<Before>,
    /// A past run that is played again.
    pub replay: Option<Box<Replay>>,
    /// Past runs.
    pub history: History,
    /// Workers that were there and do not answer any more.
    pub silent: Vec<rows::workers::Silent>,
    /// Since when the platform does not answer.
    pub lost_at: Option<Wall>,
    /// Since when the project file has errors, where it was good before.
    pub faulty_at: Option<Wall>,
    /// When the plan on show was last seen to fit.
    pub planned_at: Wall,
    /// Everything the panel did, the newest last.
    pub deeds: Vec<Deed>,
    /// First line of the details shown.
    pub details_at: usize,
    /// The output of the run, and where its reader is.
    pub output: Output,
    /// The output of the session's own run, while a replay is on show.
    pub parked: Option<Output>,
    /// Number of the next store of output.
    pub next_store: u32,
    /// Whether the cursor of the run goes with what happens.
    pub follow_run: bool,
    /// The state as it is stored, once it was asked for.
    pub stored: Option<Arc<StoreReport>>,
    /// The installations into shared volumes, once they were looked at.
    pub installs: Option<Arc<Vec<InstallReport>>>,
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
    /// The mouse, and what was done with it lately.
    pub hand: Hand,
    /// Keys and themes.
    pub setup: Setup,
    /// Name of the chosen theme.
    pub theme_name: String,
    /// The look: that of the chosen theme, or of the one that is being looked at.
    pub look: Theme,
    /// When a silent holder of the lock was last looked at again.
    pub lock_looked: Wall,
    /// What instances use.
    pub usage: Usages,
    /// The rooms beside this one.
    pub around: Around,
    /// How the panel itself does, while that is shown.
    pub figures: Option<Figures>,
    /// Whether values that sound like secrets are shown.
    pub revealed: bool,
    /// Whether something on the screen may have changed.
    pub dirty: bool,
}

impl Model {
    /// How many deeds are kept.
    pub const DEEDS: usize = 2_000;

    /// Starts a panel with nothing known yet.
    #[must_use]
    pub fn new(options: PanelOptions, snapshot: Arc<Snapshot>, now: Wall) -> Self {
        let report = ReportStyle {
            ascii: options.ascii,
            ..ReportStyle::default()
        };
        let setup = Setup::read(&options.files, report);
        let mut model = Self {
            look: setup.shelf.theme("terminal", options.colors),
            theme_name: "terminal".into(),
            setup,
            hand: Hand::default(),
            snapshot,
            options,
            size: (80, 24),
            now,
            area: Area::default(),
            focus: Focus::default(),
            panes: BTreeMap::new(),
            marks: BTreeMap::new(),
            splits: BTreeMap::new(),
            services_as: ServicesAs::default(),
            after: false,
            stage: Stage::default(),
            run_as: RunAs::default(),
            window: Window::default(),
            legs: Vec::new(),
            before: None,
            replay: None,
            history: History::default(),
            silent: Vec::new(),
            lost_at: None,
            faulty_at: None,
            planned_at: now,
            deeds: Vec::new(),
            details_at: 0,
            output: Output::new(0),
            parked: None,
            next_store: 1,
            follow_run: true,
            stored: None,
            installs: None,
            beat: None,
            overlays: Vec::new(),
            toasts: Vec::new(),
            pending: Vec::new(),
            last_key: None,
            echo: None,
            stopping: Stop::Run,
            leaving: Leaving::No,
            tickets: BTreeMap::new(),
            lock_looked: now,
            usage: Usages::default(),
            around: Around::default(),
            figures: None,
            revealed: false,
            dirty: true,
        };
        model.note_faults();
        model.refresh_pane();
        model.say_setup();
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
            Some(Overlay::Deeds { .. }) => Context::Deeds,
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
            Area::Services => {
                let mut nodes = rows::services::nodes(&self.snapshot);
                if self.usage.columns {
                    let status = self.snapshot.status.as_deref();
                    rows::uses::add(&mut nodes, &self.usage, status, self.now);
                }
                nodes
            }
            Area::Plan => rows::plan::nodes(&self.snapshot),
            Area::Run => {
                let legs = match (self.run_as, self.shown_run()) {
                    (RunAs::Timeline, Some(run)) => path::legs(run),
                    (RunAs::Timeline, None) | (RunAs::Steps, _) => Vec::new(),
                };
                self.legs = legs;
                self.look_before();
                let run = self.shown_run();
                let ours = run.is_some_and(|run| self.output.run.as_ref() == Some(&run.run_id));
                let output = ours.then_some(&self.output.store);
                let key = self.key_in(Context::Run, crate::tui::keymap::action::Action::Open);
                let usual = self.usual_before();
                let beside = rows::run::Beside {
                    project: self.snapshot.known().map(|project| &**project),
                    usual,
                    output,
                    key: &key,
                };
                let mut nodes = rows::run::nodes(run, beside);
                if self.run_as == RunAs::Timeline {
                    rows::run::spread(&mut nodes);
                } else if let Some(node) = rows::flows::node(self) {
                    nodes.insert(0, node);
                }
                nodes
            }
            Area::Drift => {
                let key = self.key_in(Context::Drift, crate::tui::keymap::action::Action::Restore);
                rows::drift::nodes(&self.snapshot, &self.silent, &key)
            }
            Area::Locks => rows::locks::nodes(self),
            Area::History => rows::history::nodes(self),
        };
        self.panes.entry(self.area).or_default().replace(nodes);
    }

    /// Returns the load that gave no project, when its faults are what the area shows.
    #[must_use]
    pub fn faults(&self) -> Option<&Hydrated> {
        let config = self.snapshot.config.as_deref()?;
        let shown = match self.area {
            Area::Plan => true,
            // What the file last asked for may run, and is worth more than a full page of faults.
            Area::Services => self.snapshot.project.is_none(),
            Area::Run | Area::Drift | Area::Locks | Area::History => false,
        };
        (shown && config.project.is_none()).then_some(config)
    }

    /// Notes since when the file has errors although it was good before.
    pub fn note_faults(&mut self) {
        let spoilt = self.snapshot.is_faulty() && self.snapshot.project.is_some();
        self.faulty_at = self.faulty_at.or(Some(self.now)).filter(|_| spoilt);
    }

    /// Says how many errors the project file has.
    #[must_use]
    pub fn faults_said(&self) -> String {
        let config = self.snapshot.config.as_deref();
        let all = config.map_or(&[][..], |config| config.diagnostics.as_slice());
        let errors = all.iter().filter(|fault| fault.is_error()).count();
        format!("the file has {}", count(errors, "error"))
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
                | Overlay::Deeds { .. }
                | Overlay::Dialog(_)
                | Overlay::Typed(_) => None,
            })
    }
    /// Returns the log view on top, if there is one.
    pub fn logs_mut(&mut self) -> Option<&mut LogView> {
        topmost(&mut self.overlays)
    }

    /// Returns the output that is read: of the view on top, else of the run where that is shown.
    #[must_use]
    pub fn reading(&self) -> Option<(&Store, &Reader)> {
        match self.logs() {
            Some(view) => Some((
                view.store.as_ref().unwrap_or(&self.output.store),
                &view.reader,
            )),
            None if self.area == Area::Run && self.output.run.is_some() => {
                Some((&self.output.store, &self.output.reader))
            }
            None => None,
        }
    }
    /// Returns the output that is read.
    pub fn reading_mut(&mut self) -> Option<(&mut Store, &mut Reader)> {
        let view = topmost(&mut self.overlays);
        match view {
            Some(view) => Some((
                view.store.as_mut().unwrap_or(&mut self.output.store),
                &mut view.reader,
            )),
            None if self.area == Area::Run && self.output.run.is_some() => {
                Some((&mut self.output.store, &mut self.output.reader))
            }
            None => None,
        }
    }
}

/// Finds the log view on top. It borrows the overlays alone, so that the rest of the model can be used beside it.
fn topmost(overlays: &mut [Overlay]) -> Option<&mut LogView> {
    overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::Logs(logs) => Some(&mut **logs),
        Overlay::Help { .. }
        | Overlay::Palette(_)
        | Overlay::Filter
        | Overlay::Deeds { .. }
        | Overlay::Dialog(_)
        | Overlay::Typed(_) => None,
    })
}

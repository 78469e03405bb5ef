//! The one table of keys. A key stands here and nowhere else.

use crate::tui::danger::Danger;
use crate::tui::keymap::action::{Action, Context, Group};

/// One action with everything that is said about it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The action.
    pub action: Action,
    /// One or two words, for the hint line and the list of actions.
    pub name: &'static str,
    /// One line, for the help screen and the README.
    pub help: &'static str,
    /// What it is about.
    pub group: Group,
    /// What it can do to the world.
    pub danger: Danger,
    /// How early it stands in the hint line, the smallest first; the last ones are left out where there is no room.
    pub rank: u8,
    /// Where its keys work.
    pub contexts: &'static [Context],
    /// Sequences of keys; empty for actions of the list of actions only.
    pub keys: &'static [&'static str],
}

/// The six areas.
const AREAS: &[Context] = &[
    Context::Services,
    Context::Plan,
    Context::Run,
    Context::Drift,
    Context::Locks,
    Context::History,
];
const TREES: &[Context] = &[
    Context::Services,
    Context::Plan,
    Context::Run,
    Context::Drift,
    Context::Locks,
    Context::History,
];
const FILTERED: &[Context] = &[
    Context::Services,
    Context::Plan,
    Context::Run,
    Context::Drift,
    Context::History,
    Context::Help,
];
const MARKED: &[Context] = &[
    Context::Services,
    Context::Plan,
    Context::Drift,
    Context::History,
];
const OUTPUT: &[Context] = &[Context::Run, Context::Logs];
const SCROLLED: &[Context] = &[
    Context::Services,
    Context::Plan,
    Context::Run,
    Context::Drift,
    Context::Locks,
    Context::History,
    Context::Logs,
    Context::Help,
    Context::Dialog,
    Context::Deeds,
];
const READING: &[Context] = &[
    Context::Services,
    Context::Plan,
    Context::Run,
    Context::Drift,
    Context::Locks,
    Context::History,
    Context::Logs,
    Context::Help,
    Context::Deeds,
];
const COPIED: &[Context] = &[
    Context::Services,
    Context::Plan,
    Context::Run,
    Context::Drift,
    Context::Locks,
    Context::History,
    Context::Logs,
    Context::Deeds,
];
const CHOOSING: &[Context] = &[Context::Input, Context::Palette];
const EVERYWHERE: &[Context] = &Context::ALL;

const fn row(
    action: Action,
    group: Group,
    contexts: &'static [Context],
    keys: &'static [&'static str],
    words: (&'static str, &'static str),
) -> Row {
    Row {
        action,
        name: words.0,
        help: words.1,
        group,
        danger: Danger::Read,
        rank: RANK,
        contexts,
        keys,
    }
}

/// The rank of an action that has no other.
const RANK: u8 = 3;
/// The rank of an action that never stands in the hint line.
const SILENT: u8 = u8::MAX;

impl Row {
    const fn rank(mut self, rank: u8) -> Self {
        self.rank = rank;
        self
    }
    /// Leaves it out of the hint line: everybody knows the key, or the screen says it elsewhere.
    const fn silent(self) -> Self {
        self.rank(SILENT)
    }
    /// Tells whether it may stand in the hint line.
    #[must_use]
    pub fn is_hinted(&self) -> bool {
        self.rank < SILENT
    }
    const fn of(mut self, danger: Danger) -> Self {
        self.danger = danger;
        self
    }
}

/// The table.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row(Action::MakePlan, Group::Act, AREAS, &["p"], ("plan", "compare the file with what runs and show the plan")).rank(2),
    row(Action::Deploy, Group::Act, AREAS, &["D"], ("deploy", "show the plan and, once confirmed, carry it out; of the marked services, where some are marked")).of(Danger::Disruptive).rank(0),
    row(Action::Cancel, Group::Act, AREAS, &["c"], ("cancel run", "stop the run: asks, then lets what is under way finish; while that goes on, asks to cut it off at once")).of(Danger::Disruptive).rank(0),
    row(Action::RunAction, Group::Act, AREAS, &["M"], ("run action", "choose an action of the file; its inputs are asked for and its plan is shown before it runs")).of(Danger::Disruptive).rank(4),
    row(Action::Retry, Group::Act, &[Context::Run, Context::History], &["R"], ("retry", "let an action that stopped go on at the step it stopped at, after showing the plan")).of(Danger::Disruptive).rank(0),
    row(Action::Skip, Group::Act, &[Context::Run, Context::History], &["K"], ("skip", "pass over the step an action stopped at, with a reason, after showing the plan")).of(Danger::Disruptive).rank(0),
    row(Action::Abort, Group::Act, &[Context::Run, Context::History], &["a"], ("abort", "give an action that stopped up: only its clean-up is run, after showing the plan")).of(Danger::Disruptive).rank(1),
    row(Action::Restore, Group::Act, &[Context::Drift], &["R"], ("restore", "undo the drift of the chosen resource, or of the marked ones, after showing the plan")).of(Danger::Disruptive).rank(0),
    row(Action::RestoreAll, Group::Act, AREAS, &["A"], ("restore all", "undo all drift, after showing the plan")).of(Danger::Disruptive).rank(2),
    row(Action::Accept, Group::Act, &[Context::Drift], &["K"], ("keep", "record the chosen drift as it is, after typing its name; the next plan compares the file with it")).of(Danger::Disruptive).rank(1),
    row(Action::Ignore, Group::Act, &[Context::Drift], &["I"], ("ignore", "set the chosen drift aside, with a reason and for how long; what is ignored counts again")).of(Danger::Reversible).rank(1),
    row(Action::Unlock, Group::Act, &[Context::Locks], &["U"], ("unlock", "clear the lock as far as the evidence allows")).of(Danger::Disruptive).rank(0),
    row(Action::Destroy, Group::Act, AREAS, &[], ("destroy", "take all services down and keep the volumes, after typing the project's name")).of(Danger::Disruptive),
    row(Action::Clean, Group::Act, AREAS, &[], ("clean", "take all services and volumes down, after typing the project's name where data goes")).of(Danger::DataLosing),
    row(Action::Shell, Group::Act, &[Context::Services, Context::Plan, Context::Run, Context::Drift], &["s"], ("shell", "open a shell in the chosen service")).of(Danger::Reversible),
    row(Action::Edit, Group::Act, AREAS, &["e"], ("edit", "open the project file in the editor, where the chosen service stands")).of(Danger::Reversible),
    row(Action::Mark, Group::Act, MARKED, &["Space"], ("mark", "mark the chosen one, or take its mark away")).rank(1),
    row(Action::MarkAll, Group::Act, MARKED, &["*"], ("mark all", "mark all that are shown")),
    row(Action::Unmark, Group::Act, MARKED, &["u"], ("unmark", "take all marks away")).rank(2),

    row(Action::Details, Group::Look, AREAS, &["Enter"], ("details", "go to the details of the row; once more to leave them")),
    row(Action::Logs, Group::Look, &[Context::Services, Context::Plan, Context::Run, Context::Drift], &["l"], ("logs", "follow the output of the chosen service")).rank(2),
    row(Action::Open, Group::Look, &[Context::Run, Context::History], &["o"], ("open", "open the whole output of the step; in the history, replay the run")).rank(1),
    row(Action::Shape, Group::Look, &[Context::Services, Context::Run], &["v"], ("view", "tree or graph; in a run, steps or timeline")).rank(1),
    row(Action::After, Group::Look, &[Context::Services], &["a"], ("now/after", "flip the graph between how it is and how the plan leaves it")).rank(1),
    row(Action::Usage, Group::Look, &[Context::Services], &["m"], ("use", "show processor and memory beside the services in sight, or not")).rank(4),
    row(Action::Reveal, Group::Look, &[Context::Services, Context::Plan, Context::Drift], &["V"], ("reveal", "show values of variables that sound like secrets in the details, or hide them")).silent(),
    row(Action::FlipGraph, Group::Look, &[Context::Services], &["z f"], ("turn graph", "draw the graph the other way round")).rank(4),
    row(Action::Filter, Group::Look, FILTERED, &["/"], ("filter", "narrow the list while typing")),
    row(Action::Search, Group::Look, &[Context::Logs], &["/"], ("search", "find text in the output")),
    row(Action::SearchNext, Group::Look, OUTPUT, &["n"], ("next", "go to the next find")),
    row(Action::SearchPrevious, Group::Look, OUTPUT, &["N"], ("previous", "go to the previous find")),
    row(Action::Only, Group::Look, OUTPUT, &["&"], ("only", "show only lines that match what is typed")),
    row(Action::Streams, Group::Look, OUTPUT, &["S"], ("stream", "show one stream of the output, or all: there ! marks standard error, · the platform")),
    row(Action::Wrap, Group::Look, OUTPUT, &["w"], ("wrap", "wrap long lines, or not")),
    row(Action::Times, Group::Look, OUTPUT, &["t"], ("times", "show when each line came, or not")),
    row(Action::Lens, Group::Look, OUTPUT, &["L"], ("lens", "fold stack traces, and lines that differ in times, durations or hex ids only; mark what is new since the deploy")),
    row(Action::Marker, Group::Look, OUTPUT, &["m"], ("marker", "set a line with the time into the output")),
    row(Action::Save, Group::Look, OUTPUT, &["W"], ("save", "save the shown output to a file")),
    row(Action::Compare, Group::Look, &[Context::History], &["C"], ("compare", "compare the two marked runs, or the chosen one with the one before")).rank(2),
    row(Action::Play, Group::Look, &[Context::Run], &["Space"], ("play", "let the replay go on, or hold it; else open or close the row")).rank(1),
    row(Action::StepForward, Group::Look, &[Context::Run], &["."], ("step", "one event further in the replay")),
    row(Action::StepBack, Group::Look, &[Context::Run], &[","], ("step back", "one event back in the replay")),
    row(Action::Faster, Group::Look, &[Context::Run], &[">"], ("faster", "replay faster")),
    row(Action::Slower, Group::Look, &[Context::Run], &["<"], ("slower", "replay slower")),
    row(Action::ReplayStart, Group::Look, &[Context::Run], &["0"], ("to start", "go to the start of the replay")),
    row(Action::ReplayEnd, Group::Look, &[Context::Run], &["$"], ("to end", "go to the end of the replay")),
    row(Action::LeaveReplay, Group::Look, &[Context::Run], &["X"], ("leave replay", "leave the replay and show the run of this session")).rank(1),
    row(Action::ZoomIn, Group::Look, &[Context::Run], &["z i"], ("zoom in", "show a shorter time over the same width")),
    row(Action::ZoomOut, Group::Look, &[Context::Run], &["z x"], ("zoom out", "show a longer time over the same width")),
    row(Action::Earlier, Group::Look, &[Context::Run], &["z h"], ("earlier", "show an earlier part of the time")),
    row(Action::Later, Group::Look, &[Context::Run], &["z l"], ("later", "show a later part of the time")),
    row(Action::Follow, Group::Look, &[Context::Run, Context::Logs], &["f"], ("follow", "let the cursor or the view follow what happens")).rank(2),
    row(Action::Refresh, Group::Look, AREAS, &["r"], ("refresh", "look again at file, services, lock and drift")).rank(4),
    row(Action::Copy, Group::Look, COPIED, &["Y"], ("copy", "copy the chosen row or the shown text")).rank(4),

    row(Action::Up, Group::Move, SCROLLED, &["k", "Up"], ("up", "go up")).silent(),
    row(Action::Down, Group::Move, SCROLLED, &["j", "Down"], ("down", "go down")).silent(),
    row(Action::PageUp, Group::Move, SCROLLED, &["PageUp", "C-u", "C-b"], ("page up", "go up half a screen")).silent(),
    row(Action::PageDown, Group::Move, SCROLLED, &["PageDown", "C-d", "C-f"], ("page down", "go down half a screen")).silent(),
    row(Action::Top, Group::Move, READING, &["g g", "Home"], ("top", "go to the first row")).silent(),
    row(Action::Bottom, Group::Move, READING, &["G", "End"], ("bottom", "go to the last row and follow")).silent(),
    row(Action::Unfold, Group::Move, TREES, &["Right", "z o"], ("unfold", "open the row")).silent(),
    row(Action::Fold, Group::Move, TREES, &["Left", "h", "z c"], ("fold", "close the row, or go to its parent")).silent(),
    row(Action::Toggle, Group::Move, TREES, &["z a"], ("fold", "open or close the row; in the graph, show networks and volumes or not")).rank(4),
    row(Action::UnfoldAll, Group::Move, TREES, &["z R"], ("unfold all", "open every row")).silent(),
    row(Action::FoldAll, Group::Move, TREES, &["z M"], ("fold all", "close every row")).silent(),
    row(Action::ToDependency, Group::Move, &[Context::Services], &["g d"], ("to dependency", "go to what the chosen service depends on")).rank(4),
    row(Action::ToDependent, Group::Move, &[Context::Services], &["g u"], ("to dependent", "go to what depends on the chosen service")).rank(4),
    row(Action::ToCritical, Group::Move, &[Context::Services, Context::Run], &["g c"], ("critical path", "go to the next one on the critical path")).rank(4),
    row(Action::ToBlocker, Group::Move, &[Context::Services, Context::Run], &["g b"], ("to blocker", "go to what the chosen one waits for")).rank(4),
    row(Action::NextFailure, Group::Move, &[Context::Run], &["!"], ("next failure", "go to the next failure")).rank(2),
    row(Action::Left, Group::Move, &[Context::Logs], &["Left", "h"], ("left", "move long lines to the left")).silent(),
    row(Action::Right, Group::Move, &[Context::Logs], &["Right"], ("right", "move long lines to the right")).silent(),

    row(Action::Services, Group::Go, AREAS, &["1"], ("services", "the services and what they depend on")).silent(),
    row(Action::Plans, Group::Go, AREAS, &["2"], ("plan area", "the plan: what differs and what would be done")).silent(),
    row(Action::Runs, Group::Go, AREAS, &["3"], ("run area", "the run: steps and their output")).silent(),
    row(Action::Drift, Group::Go, AREAS, &["4"], ("drift area", "what differs from what was deployed")).silent(),
    row(Action::Locks, Group::Go, AREAS, &["5"], ("locks area", "the locks, their evidence, and the state")).silent(),
    row(Action::History, Group::Go, AREAS, &["6"], ("history area", "past runs")).silent(),
    row(Action::NextArea, Group::Go, AREAS, &["Tab"], ("next area", "go to the next area")).rank(4),
    row(Action::PreviousArea, Group::Go, AREAS, &["S-Tab"], ("previous area", "go to the previous area")).silent(),
    row(Action::Jump, Group::Go, AREAS, &["C-p"], ("jump", "go to anything by its name")),
    row(Action::Places, Group::Go, AREAS, &["P"], ("projects", "open another project or environment, or go to an open one")).rank(4),
    row(Action::Environments, Group::Go, AREAS, &["E"], ("environments", "open another environment of this project")).rank(4),
    row(Action::NextRoom, Group::Go, AREAS, &["]"], ("next project", "go to the next open project")).rank(4),
    row(Action::PreviousRoom, Group::Go, AREAS, &["["], ("previous project", "go to the previous open project")).rank(4),
    row(Action::Back, Group::Go, AREAS, &["Esc"], ("back", "leave the details, then the filter, then messages")).rank(2),

    row(Action::Confirm, Group::Answer, &[Context::Dialog], &["y"], ("confirm", "confirm; never Enter, never a held or pasted key")),
    row(Action::Dismiss, Group::Answer, &[Context::Dialog], &["Esc", "n", "q", "Enter"], ("cancel", "leave the dialog and change nothing")),
    row(Action::Dismiss, Group::Answer, &[Context::Typed], &["Esc"], ("cancel", "leave the dialog and change nothing")),
    row(Action::NextField, Group::Answer, &[Context::Typed], &["Tab", "Enter"], ("next field", "go to the next field")),
    row(Action::Confirm, Group::Answer, &[Context::Typed], &["C-y"], ("confirm", "confirm what was typed")),
    row(Action::Dismiss, Group::Answer, &[Context::Logs, Context::Help, Context::Deeds], &["Esc", "q"], ("close", "close this view")),
    row(Action::Dismiss, Group::Answer, CHOOSING, &["Esc"], ("close", "leave, and clear what was typed")),
    row(Action::Choose, Group::Answer, CHOOSING, &["Enter"], ("take", "keep the filter, or run the chosen action")),
    row(Action::Up, Group::Answer, CHOOSING, &["Up", "C-p"], ("up", "go up in the list")).silent(),
    row(Action::Down, Group::Answer, CHOOSING, &["Down", "C-n"], ("down", "go down in the list")).silent(),

    row(Action::Palette, Group::Panel, AREAS, &[":"], ("actions", "list all actions and run one")),
    row(Action::Wider, Group::Panel, AREAS, &["+"], ("wider", "give the list more room")).rank(4),
    row(Action::Narrower, Group::Panel, AREAS, &["-"], ("narrower", "give the list less room")).rank(4),
    row(Action::Even, Group::Panel, AREAS, &["="], ("even", "give list and details the same room")).rank(4),
    row(Action::Theme, Group::Panel, AREAS, &["T"], ("next theme", "show the panel in the next theme")).rank(4),
    row(Action::Themes, Group::Panel, AREAS, &[], ("themes", "choose a theme")),
    row(Action::Mouse, Group::Panel, READING, &["F3"], ("mouse", "take the mouse, or leave it to the terminal for selecting text")).rank(4),
    row(Action::KeyProblems, Group::Panel, AREAS, &[], ("key problems", "show what is wrong with the file of keys or themes")),
    row(Action::Deeds, Group::Panel, AREAS, &["F2"], ("log", "show everything the panel did, with the same as commands")).rank(4),
    row(Action::SaveScript, Group::Panel, AREAS, &[], ("save script", "save what the panel did as a script")),
    row(Action::SaveScript, Group::Panel, &[Context::Deeds], &["W"], ("save script", "save what the panel did as a script")),
    row(Action::Bundle, Group::Panel, READING, &["B"], ("bundle", "write a bundle for a report, secrets masked")).rank(4),
    row(Action::Figures, Group::Panel, READING, &["F12"], ("figures", "show how the panel itself does")).rank(4),
    row(Action::Help, Group::Panel, READING, &["?", "F1"], ("help", "show all keys")),
    row(Action::Quit, Group::Panel, AREAS, &["q"], ("quit", "leave; asks first while something runs")),
    row(Action::Interrupt, Group::Panel, EVERYWHERE, &["C-c"], ("interrupt", "stop the run, a second time cut it off; leave when nothing runs")).silent(),
    row(Action::Suspend, Group::Panel, EVERYWHERE, &["C-z"], ("background", "go to the background of the shell")).silent(),
    row(Action::Redraw, Group::Panel, EVERYWHERE, &["C-l"], ("redraw", "draw everything anew")).silent(),
];

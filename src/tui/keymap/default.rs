//! The one table of keys. A key stands here and nowhere else.

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
    /// Where its keys work.
    pub contexts: &'static [Context],
    /// Sequences of keys; empty for actions of the list of actions only.
    pub keys: &'static [&'static str],
}

/// The five areas.
const AREAS: &[Context] = &[
    Context::Services,
    Context::Plan,
    Context::Run,
    Context::Locks,
    Context::Drift,
];
const TREES: &[Context] = &[
    Context::Services,
    Context::Plan,
    Context::Run,
    Context::Drift,
];
const SCROLLED: &[Context] = &[
    Context::Services,
    Context::Plan,
    Context::Run,
    Context::Locks,
    Context::Drift,
    Context::Logs,
    Context::Help,
    Context::Dialog,
];
const READING: &[Context] = &[
    Context::Services,
    Context::Plan,
    Context::Run,
    Context::Locks,
    Context::Drift,
    Context::Logs,
    Context::Help,
];
const COPIED: &[Context] = &[
    Context::Services,
    Context::Plan,
    Context::Run,
    Context::Locks,
    Context::Drift,
    Context::Logs,
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
        contexts,
        keys,
    }
}

/// The table.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row(Action::MakePlan, Group::Act, AREAS, &["p"], ("plan", "compare the file with what runs and show the plan")),
    row(Action::Deploy, Group::Act, AREAS, &["D"], ("deploy", "show the plan and, once confirmed, carry it out")),
    row(Action::Cancel, Group::Act, AREAS, &["c"], ("cancel run", "stop the run: once to finish what is under way, twice to cut it off")),
    row(Action::Restore, Group::Act, &[Context::Drift], &["R"], ("restore", "undo the drift of the chosen resource, after showing the plan")),
    row(Action::RestoreAll, Group::Act, AREAS, &[], ("restore all", "undo all drift, after showing the plan")),
    row(Action::Unlock, Group::Act, &[Context::Locks], &["U"], ("unlock", "clear the lock as far as the evidence allows")),
    row(Action::Destroy, Group::Act, AREAS, &[], ("destroy", "take all services down and keep the volumes, after typing the project's name")),
    row(Action::Clean, Group::Act, AREAS, &[], ("clean", "take all services and volumes down, after typing the project's name")),

    row(Action::Details, Group::Look, AREAS, &["Enter"], ("details", "go to the details of the row; once more to leave them")),
    row(Action::Logs, Group::Look, &[Context::Services, Context::Plan, Context::Run, Context::Drift], &["l"], ("logs", "follow the output of the chosen service")),
    row(Action::Filter, Group::Look, &[Context::Services, Context::Plan, Context::Run, Context::Drift, Context::Logs], &["/"], ("filter", "narrow the list while typing")),
    row(Action::Follow, Group::Look, &[Context::Run, Context::Logs], &["f"], ("follow", "let the cursor or the view follow what happens")),
    row(Action::Refresh, Group::Look, AREAS, &["r"], ("refresh", "look again at file, services, lock and drift")),
    row(Action::Copy, Group::Look, COPIED, &["Y"], ("copy", "copy the chosen row or the shown text")),

    row(Action::Up, Group::Move, SCROLLED, &["k", "Up"], ("up", "go up")),
    row(Action::Down, Group::Move, SCROLLED, &["j", "Down"], ("down", "go down")),
    row(Action::PageUp, Group::Move, SCROLLED, &["PageUp", "C-u", "C-b"], ("page up", "go up half a screen")),
    row(Action::PageDown, Group::Move, SCROLLED, &["PageDown", "C-d", "C-f"], ("page down", "go down half a screen")),
    row(Action::Top, Group::Move, READING, &["g g", "Home"], ("top", "go to the first row")),
    row(Action::Bottom, Group::Move, READING, &["G", "End"], ("bottom", "go to the last row and follow")),
    row(Action::Unfold, Group::Move, TREES, &["Right", "z o"], ("unfold", "open the row")),
    row(Action::Fold, Group::Move, TREES, &["Left", "h", "z c"], ("fold", "close the row, or go to its parent")),
    row(Action::Toggle, Group::Move, TREES, &["Space", "z a"], ("fold", "open or close the row")),
    row(Action::UnfoldAll, Group::Move, TREES, &["z R"], ("unfold all", "open every row")),
    row(Action::FoldAll, Group::Move, TREES, &["z M"], ("fold all", "close every row")),
    row(Action::Left, Group::Move, &[Context::Logs], &["Left", "h"], ("left", "move long lines to the left")),
    row(Action::Right, Group::Move, &[Context::Logs], &["Right"], ("right", "move long lines to the right")),

    row(Action::Services, Group::Go, AREAS, &["1"], ("services", "the services and what they depend on")),
    row(Action::Plans, Group::Go, AREAS, &["2"], ("plan area", "the plan: what differs and what would be done")),
    row(Action::Runs, Group::Go, AREAS, &["3"], ("run area", "the run: steps and their output")),
    row(Action::Locks, Group::Go, AREAS, &["4"], ("locks area", "the lock, its evidence, and the state")),
    row(Action::Drift, Group::Go, AREAS, &["5"], ("drift area", "what was changed by hand")),
    row(Action::NextArea, Group::Go, AREAS, &["Tab"], ("next area", "go to the next area")),
    row(Action::PreviousArea, Group::Go, AREAS, &["S-Tab"], ("previous area", "go to the previous area")),
    row(Action::Back, Group::Go, AREAS, &["Esc"], ("back", "leave the details, then the filter, then messages")),

    row(Action::Confirm, Group::Answer, &[Context::Dialog], &["y"], ("confirm", "confirm; never Enter, never a held or pasted key")),
    row(Action::Dismiss, Group::Answer, &[Context::Dialog], &["Esc", "n", "q", "Enter"], ("cancel", "leave the dialog and change nothing")),
    row(Action::Dismiss, Group::Answer, &[Context::Typed], &["Esc"], ("cancel", "leave the dialog and change nothing")),
    row(Action::NextField, Group::Answer, &[Context::Typed], &["Tab", "Enter"], ("next field", "go to the next field")),
    row(Action::Confirm, Group::Answer, &[Context::Typed], &["C-y"], ("confirm", "confirm what was typed")),
    row(Action::Dismiss, Group::Answer, &[Context::Logs, Context::Help], &["Esc", "q"], ("close", "close this view")),
    row(Action::Dismiss, Group::Answer, CHOOSING, &["Esc"], ("close", "leave, and clear what was typed")),
    row(Action::Choose, Group::Answer, CHOOSING, &["Enter"], ("take", "keep the filter, or run the chosen action")),
    row(Action::Up, Group::Answer, CHOOSING, &["Up", "C-p"], ("up", "go up in the list")),
    row(Action::Down, Group::Answer, CHOOSING, &["Down", "C-n"], ("down", "go down in the list")),

    row(Action::Palette, Group::Panel, AREAS, &[":"], ("actions", "list all actions and run one")),
    row(Action::Help, Group::Panel, READING, &["?", "F1"], ("help", "show all keys")),
    row(Action::Quit, Group::Panel, AREAS, &["q"], ("quit", "leave; asks first while something runs")),
    row(Action::Interrupt, Group::Panel, EVERYWHERE, &["C-c"], ("interrupt", "stop the run, a second time cut it off; leave when nothing runs")),
    row(Action::Suspend, Group::Panel, EVERYWHERE, &["C-z"], ("background", "go to the background of the shell")),
    row(Action::Redraw, Group::Panel, EVERYWHERE, &["C-l"], ("redraw", "draw everything anew")),
];

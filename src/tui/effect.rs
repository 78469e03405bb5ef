//! What `update` wants done: data only.

use crate::app::command::Command;
use crate::tui::logs::save::Saving;
use crate::tui::logs::store::{Fetch, Spill};
use crate::tui::rooms::doors::{Errand, Keepsake};
use crate::tui::rooms::place::Place;

/// Why a command is sent, so that its answer finds its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wish {
    /// A plan to look at.
    Plan,
    /// A plan that a dialog waits for.
    Approval,
    /// The plan in a question, made again to see whether it is still the same.
    Again,
    /// A run.
    Run,
    /// A run that is over, and whose answer is on its way.
    RunOver,
    /// A stop of the run.
    Stop,
    /// Output of the service whose view is open.
    Logs,
    /// A look at the lock.
    Lock,
    /// Clearing the lock.
    Unlock,
    /// The record.
    Record,
    /// The record, after a lock was cleared.
    Audit,
    /// The list of past runs.
    Runs,
    /// The events of a past run.
    Past,
    /// A look at everything, or the end of something.
    Quiet,
}

/// Something to do outside of the model.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Send a command to the session; the number it gets comes back as [`crate::tui::msg::Msg::Sent`].
    Send {
        /// The command.
        command: Command,
        /// What for.
        wish: Wish,
    },
    /// Put a text into the terminal's clipboard.
    Copy(String),
    /// Write lines of output to the spool; [`crate::tui::msg::Msg::Spilled`] answers.
    Spill(Spill),
    /// Read lines of output from the spool; [`crate::tui::msg::Msg::Fetched`] answers.
    Fetch(Fetch),
    /// Write output to a file; [`crate::tui::msg::Msg::Saved`] answers.
    Save(Box<Saving>),
    /// Come back with [`crate::tui::msg::Msg::More`] as soon as nothing else waits.
    More,
    /// Open a room, or go to it when it is open.
    Enter(Place),
    /// Go to the room so many doors further.
    Beside(isize),
    /// Look for places; what is found comes back as [`crate::tui::msg::Msg::Places`].
    LookAround,
    /// Hand the terminal to a program; its end comes back as [`crate::tui::msg::Msg::Returned`].
    Errand(Errand),
    /// Keep something as a file; where comes back as [`crate::tui::msg::Msg::Kept`].
    Keep(Keepsake),
    /// Keep a bundle for a report.
    Bundle,
    /// Take the mouse (`true`), or leave it to the terminal.
    Mouse(bool),
    /// Go to the background of the shell.
    Suspend,
    /// Clear the screen and draw everything.
    Redraw,
    /// Leave the other rooms too: what runs there is drained.
    LeaveAll,
    /// Leave.
    Quit,
}

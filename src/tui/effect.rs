//! What `update` wants done: data only.

use crate::app::command::Command;

/// Why a command is sent, so that its answer finds its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wish {
    /// A plan to look at.
    Plan,
    /// A plan that a dialog waits for.
    Approval,
    /// A run.
    Run,
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
    /// Go to the background of the shell.
    Suspend,
    /// Clear the screen and draw everything.
    Redraw,
    /// Leave.
    Quit,
}

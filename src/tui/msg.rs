//! Everything that can happen to the panel.

use std::sync::Arc;

use crate::app::command::Ticket;
use crate::app::notice::Notice;
use crate::app::snapshot::Snapshot;
use crate::domain::time::Wall;
use crate::tui::effect::Wish;
use crate::tui::keymap::chord::Chord;

/// A message.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key.
    Key(Chord),
    /// Text that was pasted; it types, but it never confirms.
    Paste(String),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// It is so late.
    Tick(Wall),
    /// How everything stands.
    Snapshot(Arc<Snapshot>),
    /// News.
    Notice(Box<Notice>),
    /// A command was sent and got this number; `None`: the session does not take it.
    Sent(Wish, Option<Ticket>),
    /// The process was asked to end.
    Terminate,
    /// The terminal is gone.
    TerminalLost,
    /// The session is gone.
    SessionLost,
}

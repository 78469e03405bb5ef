//! Everything that can happen to the panel.

use std::path::PathBuf;
use std::sync::Arc;

use crate::app::command::Ticket;
use crate::app::notice::Notice;
use crate::app::snapshot::Snapshot;
use crate::domain::time::Wall;
use crate::tui::effect::Wish;
use crate::tui::keymap::chord::Chord;
use crate::tui::logs::store;
use crate::tui::recorder::Figures;
use crate::tui::rooms::doors::Errand;
use crate::tui::rooms::place::Place;
use crate::tui::rooms::tab::Tab;
use crate::tui::theme::Tone;

/// What the mouse did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// The left button went down.
    Down,
    /// The left button is held and the mouse moved.
    Drag,
    /// The left button came up.
    Up,
    /// The wheel was turned away.
    WheelUp,
    /// The wheel was turned near.
    WheelDown,
}

/// The mouse at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// What it did.
    pub press: Press,
    /// Column, from 0.
    pub x: u16,
    /// Row, from 0.
    pub y: u16,
}

/// A message.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key.
    Key(Chord),
    /// Text that was pasted; it types, but it never confirms.
    Paste(String),
    /// The mouse did something.
    Mouse(Pointer),
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
    /// Lines of output were written to the spool, or why not.
    Spilled(u32, usize, Result<store::Place, String>),
    /// Lines of output were read from the spool, or why not.
    Fetched(u32, usize, Result<Vec<u8>, String>),
    /// Output was written to a file: how many lines, or why not.
    Saved(PathBuf, Result<u64, String>),
    /// Nothing else waits: time for the next step of what was begun.
    More,
    /// The room is on show (`true`), or not any more.
    Shown(bool),
    /// All open rooms.
    Tabs(Vec<Tab>),
    /// How the panel itself does; `None`: that is not shown any more.
    Figures(Option<Figures>),
    /// Places that could be opened.
    Places(Vec<Place>),
    /// A room could not be opened, and why.
    NoRoom(String),
    /// A program that had the terminal has ended; the error says why it failed.
    Returned(Errand, Result<(), String>),
    /// Something was kept: what it is, and where, or why not.
    Kept(&'static str, Result<String, String>),
    /// Another room says something.
    Overheard(Tone, String),
    /// The process was asked to end.
    Terminate,
    /// The terminal is gone.
    TerminalLost,
    /// The session is gone.
    SessionLost,
}

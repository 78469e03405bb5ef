//! What the composition root does for the panel: the panel names what it wants as data and never touches the world.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::app::session::Client;
use crate::tui::memory::Memory;
use crate::tui::model::PanelOptions;
use crate::tui::rooms::place::Place;

/// An open door: a session, and how its room is to be shown.
pub struct Opened {
    /// Where it leads.
    pub place: Place,
    /// The line to the session.
    pub line: Client,
    /// How the room is shown.
    pub options: PanelOptions,
    /// How it was left the last time.
    pub memory: Option<Memory>,
    /// Something to say about that.
    pub note: Option<String>,
}

/// A program that gets the terminal for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// The editor, on a file at a line.
    Edit {
        /// The file, as the panel shows it.
        file: PathBuf,
        /// The line, from 1.
        line: u32,
    },
    /// A shell in a service.
    Shell {
        /// The service.
        service: String,
    },
}

impl Errand {
    /// Returns what it is, for messages.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Edit { .. } => "the editor".to_owned(),
            Self::Shell { service } => format!("the shell in {service}"),
        }
    }
}

/// A program with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The program.
    pub name: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Where it writes down why it failed, if it does.
    pub reason: Option<PathBuf>,
}

/// Something to be kept as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keepsake {
    /// A script of what the panel did.
    Script(String),
    /// A bundle for a report: its parts with their headings.
    Bundle(Vec<(String, String)>),
    /// How the room is left.
    Memory(Box<Memory>),
}

/// Looks for places; is run beside the panel, since a disk can be slow.
pub type Search = Box<dyn FnOnce() -> Vec<Place> + Send>;

/// The doors of the house.
pub trait Doors {
    /// Returns what looks for places around this one.
    fn search(&self, here: &Place) -> Search;
    /// Opens a room.
    ///
    /// # Errors
    /// Why not, as a sentence for people.
    fn open(&mut self, place: &Place) -> Result<Opened, String>;
    /// Names the program for an errand.
    ///
    /// # Errors
    /// Why there is none, as a sentence for people.
    fn program(&self, place: &Place, errand: &Errand) -> Result<Program, String>;
    /// Reads why a program failed, once.
    fn reason(&self, program: &Program) -> Option<String>;
    /// Keeps something and returns where.
    ///
    /// # Errors
    /// Why not, as a sentence for people.
    fn keep(&mut self, place: &Place, keepsake: &Keepsake) -> Result<String, String>;
}

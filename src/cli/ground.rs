//! What the verbs stand on: the outside as the composition root provides it. No verb touches a file, a clock,
//! a thread or a terminal but through these.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::app::command::{Command, Ticket};
use crate::app::failure::Failure;
use crate::app::notice::{Hydrated, Notice};
use crate::app::session::Settings;
use crate::app::worker::mind::Identity;
use crate::domain::config::export::Merged;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::ids::RunId;
use crate::domain::place::Sources;
use crate::domain::project::project::Project;
use crate::domain::report::worker::WorkerReport;
use crate::domain::time::Wall;

/// What a verb hears from its line.
#[derive(Debug)]
pub enum Heard {
    /// News of the session.
    Notice(Box<Notice>),
    /// Nothing within the patience.
    Tick,
    /// Ctrl-C.
    Interrupt,
    /// Somebody asked the process to end (TERM).
    Terminate,
    /// The terminal is gone, or somebody asks a long-lived process to load its file again (HUP).
    Hangup,
    /// The session is gone.
    Closed,
}

/// What came while a line is typed.
#[derive(Debug)]
pub enum Came {
    /// A byte of it, and whether the terminal does not show it by itself.
    Byte(u8, bool),
    /// There is nothing more to read.
    End,
    /// News of the session.
    News(Box<Notice>),
    /// Somebody asked us to leave, or the session is gone.
    Leave,
}

/// A line to a session.
pub trait Line {
    /// Sends a wish.
    fn send(&mut self, command: Command) -> Result<Ticket, Failure>;
    /// Waits for news, at most `patience` long.
    fn hear(&mut self, patience: Option<Duration>) -> Heard;
    /// From now on Ctrl-C and the like are heard here instead of ending the process.
    fn listen_to_signals(&mut self);
    /// Takes the keyboard for one line; from now on nothing is shown of what is typed but what we write.
    fn start_reading(&mut self);
    /// Waits for news or for a byte of the line that is typed, whichever comes first.
    fn hear_or_read(&mut self) -> Came;
    /// Gives the keyboard back, once the line is typed.
    fn stop_reading(&mut self);
    /// Hangs up without waiting for the session; for the third Ctrl-C.
    fn abandon(&mut self);
}

/// What is known of the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Somebody can be asked: standard input and standard error are a terminal.
    pub interactive: bool,
    /// Standard output is one.
    pub stdout: bool,
    /// Standard error is one.
    pub stderr: bool,
    /// It understands colours and cursor movement.
    pub capable: bool,
    /// `NO_COLOR` is set.
    pub no_color: bool,
    /// Columns, if they can be told.
    pub width: Option<u16>,
}

/// Where a worker shows what it does; dropped, it shows nothing any more.
pub trait Beacon {
    /// Shows this from now on; `alive`, it is a sign of life. Who gives none for long is not alive.
    fn show(&mut self, report: &WorkerReport, alive: bool);
    /// Tells whoever started us that the end is near.
    fn ending(&mut self);
}

/// One finding of `doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// Whether it is as it should be; `None`: not needed here.
    pub good: Option<bool>,
    /// What was found.
    pub finding: String,
    /// What to do about it.
    pub advice: Option<String>,
}

/// The project as the offline verbs need it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What front ends see.
    pub hydrated: Arc<Hydrated>,
    /// The merged file with secrets as references.
    pub merged: Option<Merged>,
}

/// The user's own keys and themes.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    /// The folder they belong in.
    pub folder: Option<PathBuf>,
    /// Files that were found.
    pub files: Vec<PathBuf>,
    /// What is wrong with them, with the texts it refers to.
    pub findings: Vec<(Vec<Diagnostic>, Sources)>,
}

/// The outside.
pub trait Ground {
    /// Loads the project file, offline; kept for the rest of the process.
    fn load(&mut self) -> Loaded;
    /// Starts a session on the engine's thread and joins a line to it.
    fn connect(&mut self, settings: Settings) -> Result<Box<dyn Line>, Failure>;
    /// Says who this worker is, and opens where it shows what it does.
    fn beacon(&mut self, project: &Project) -> Result<(Identity, Box<dyn Beacon>), Failure>;
    /// Asks the workers of a project what they do.
    fn workers(&mut self, project: &Project) -> Vec<WorkerReport>;
    /// Opens the panel and returns its exit code; `fresh`: not as it was left; with a run, on its replay.
    fn panel(&mut self, fresh: bool, replay: Option<RunId>) -> Result<u8, Failure>;
    /// Writes a failure down for whoever started us and cannot read the screen.
    fn explain(&self, failure: &Failure);
    /// From now on Ctrl-C at a question is heard, and the project file is loaded anew when that is asked for.
    fn converse(&mut self);
    /// Loads the project file anew the next time it is needed; with a name, for that environment.
    fn look_again(&mut self, env: Option<&str>);
    /// Reads the user's own keys and themes as the panel does.
    fn looks(&self) -> Looks;
    /// Unpacks the demo, goes there, and returns the folder with a remark about the platform.
    fn demo(&mut self, provider: Option<&str>) -> Result<(PathBuf, Option<String>), Failure>;
    /// Looks at what nkapp needs here.
    fn checks(&mut self) -> Vec<Check>;
    /// Reads a file (`-`: standard input) of at most 64 MiB, relative to where the user stands.
    fn read(&self, path: &Path) -> Result<Vec<u8>, Failure>;
    /// Writes a file that must not exist yet; `false`: it exists.
    fn write_new(&self, path: &Path, bytes: &[u8]) -> Result<bool, Failure>;
    /// Tells whether a file is there, relative to where the user stands.
    fn has(&self, path: &Path) -> bool;
    /// Returns the folder the user stands in.
    fn folder(&self) -> PathBuf;
    /// Returns the time of day.
    fn now(&self) -> Wall;
    /// Asks for one line on the terminal; `None`: there was none.
    fn ask(&mut self, prompt: &str) -> Option<String>;
}

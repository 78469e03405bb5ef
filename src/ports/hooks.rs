//! Running a command on the host.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::ids::Digest;
use crate::domain::secret::Secret;
use crate::ports::sink::Sink;

/// A value given to a command: plain, or secret and then kept from every screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// May be shown.
    Plain(String),
    /// May not.
    Secret(Secret),
}

impl Value {
    /// Hands the text out for the call itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }
}

/// One command on the host.
#[derive(Clone, Debug)]
pub struct HostCall {
    /// Arguments, the program first.
    pub argv: Vec<String>,
    /// Working folder.
    pub folder: PathBuf,
    /// Variables on top of the allow-list the adapter passes through (PATH, HOME, LANG, TERM, …).
    pub env: Vec<(String, Value)>,
    /// Longest time it may take; then TERM, then KILL, for its whole tree.
    pub timeout: Duration,
    /// Files below the folder that have to be what was approved, by their path; else it is not started.
    pub scripts: BTreeMap<PathBuf, Digest>,
}

/// How a command ended (on the host or inside an instance).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// With this exit code (128 + signal when killed by one).
    Exited(i64),
    /// It ran out of time and was killed with everything it started.
    TimedOut,
    /// The instance it ran in ended meanwhile.
    InstanceGone(String),
    /// It could not be started.
    NotStarted(String),
    /// The connection broke; it may still run.
    Unknown(String),
}

/// Runs commands on the host, each in a session of its own that leaves no survivor.
pub trait HostHooks {
    /// Runs one command to its end; dropping the future kills it.
    async fn run(&self, call: &HostCall, sink: &dyn Sink) -> CallEnd;
    /// Ends what commands of processes that were killed left running; returns how many processes there were.
    async fn sweep(&self) -> usize;
}

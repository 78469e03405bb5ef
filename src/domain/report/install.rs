//! The installations into shared volumes: what is installed, what was cut off, and who holds the lock.

use crate::domain::lease::{Evidence, Verdict};

/// The lock of an installation, as it lies in the volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallLock {
    /// Instance that took it.
    pub name: String,
    /// Its identifier.
    pub owner: String,
    /// Engine that instance is on.
    pub engine: String,
    /// Project, component and environment it works for.
    pub scope: String,
    /// Random word of this acquisition.
    pub nonce: String,
    /// Manifest it installs.
    pub hash: String,
    /// Seconds since its last beat, by the clock of the machine that holds the volume.
    pub age: Option<i64>,
    /// What is thought of it.
    pub verdict: Verdict,
    /// What that rests on.
    pub evidence: Vec<Evidence>,
}

/// What was found in a volume.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct InstallSeen {
    /// Instance it was looked at through.
    pub through: String,
    /// The lock, if one is held.
    pub lock: Option<InstallLock>,
    /// Whether the name of the lock is taken by something that is no lock.
    pub foreign: bool,
    /// Manifests that are installed.
    pub installed: Vec<String>,
    /// Manifests whose installation failed.
    pub failed: Vec<String>,
    /// Whether an installation was cut off and nothing was installed since.
    pub dirty: bool,
}

/// One installation the file asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallReport {
    /// Service that asks for it.
    pub service: String,
    /// Volume it goes into.
    pub volume: String,
    /// Manifest the file asks for.
    pub wanted: String,
    /// Manifest that was installed last, as the record remembers it.
    pub recorded: Option<String>,
    /// What is in the volume, or why that cannot be known now.
    pub seen: Result<InstallSeen, String>,
}

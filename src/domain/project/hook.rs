//! Lifecycle hooks and the one-time installation.

use std::time::Duration;

use crate::domain::ids::Digest;

/// What a hook runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookCommand {
    /// A line for `/bin/sh -c`.
    Shell(String),
    /// An argument vector, run without a shell.
    Argv(Vec<String>),
}

impl HookCommand {
    /// Returns the argument vector that is really run.
    #[must_use]
    pub fn argv(&self) -> Vec<String> {
        match self {
            Self::Shell(line) => vec!["/bin/sh".into(), "-c".into(), line.clone()],
            Self::Argv(argv) => argv.clone(),
        }
    }
    /// Returns the command as one line for people.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::Shell(line) => line.clone(),
            Self::Argv(argv) => argv.join(" "),
        }
    }
}

/// Where a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookPlace {
    /// On the machine `nkapp` runs on, in the project's folder.
    Host,
    /// Inside the instance.
    Container,
}

/// What a failing hook means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum OnFailure {
    /// The action fails.
    #[default]
    Fail,
    /// A warning; the action goes on.
    Warn,
}

/// One hook command.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hook {
    /// What to run.
    pub command: HookCommand,
    /// Where.
    pub place: HookPlace,
    /// Longest time one attempt may take.
    pub timeout: Duration,
    /// Further attempts after a failed one.
    pub retries: u32,
    /// What a final failure means.
    pub on_failure: OnFailure,
}

impl Hook {
    /// Timeout when the file says nothing.
    pub const TIMEOUT: Duration = Duration::from_secs(300);
}

/// Phases a hook can be attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookPhase {
    /// Before the main command (host: before anything exists).
    Prestart,
    /// After the service is healthy.
    Poststart,
    /// Before every stop.
    Prestop,
    /// After removal.
    Poststop,
}

impl HookPhase {
    /// Returns the key in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prestart => "prestart",
            Self::Poststart => "poststart",
            Self::Prestop => "prestop",
            Self::Poststop => "poststop",
        }
    }
}

/// All hooks of a service, in order of declaration.
///
/// By default `prestop` fails to a warning, since a teardown goes on; the file may say otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Hooks {
    /// Step 1.
    pub prestart_host: Vec<Hook>,
    /// Step 3.
    pub prestart_container: Vec<Hook>,
    /// Step 6.
    pub poststart: Vec<Hook>,
    /// Before every stop.
    pub prestop: Vec<Hook>,
    /// After removal.
    pub poststop: Vec<Hook>,
}

impl Hooks {
    /// Returns the hooks of a phase that run at `place`.
    pub fn of(&self, phase: HookPhase, place: HookPlace) -> impl Iterator<Item = &Hook> {
        let list = match (phase, place) {
            (HookPhase::Prestart, HookPlace::Host) => &self.prestart_host,
            (HookPhase::Prestart, HookPlace::Container) => &self.prestart_container,
            (HookPhase::Poststart, _) => &self.poststart,
            (HookPhase::Prestop, _) => &self.prestop,
            (HookPhase::Poststop, _) => &self.poststop,
        };
        list.iter().filter(move |hook| hook.place == place)
    }
}

/// When the installation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum InstallPhase {
    /// As step 4, after `prestart` in the container.
    #[default]
    Normal,
    /// Before step 3, for migrations that need what it installs.
    Early,
}

/// One-time installation into the service's primary volume.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Provisioning {
    /// The install command with its timeout and retries.
    pub install: Hook,
    /// Command that empties a half-installed volume before the next try (`provisioning.clean`).
    pub clean: Option<Hook>,
    /// Image with the build tools; the install then runs in a one-off container that shares the volumes.
    pub image: Option<String>,
    /// When it runs.
    pub phase: InstallPhase,
    /// Mount target of the primary volume, where lock and sentinel live.
    pub volume_target: String,
    /// Name of the primary volume.
    pub volume: String,
    /// Digest of manifest and lock files, the command and the image: the `HASH` of the sentinel.
    pub manifest: Digest,
}

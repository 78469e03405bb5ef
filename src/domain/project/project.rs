//! The whole desired state of one project in one environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::ids::{ComponentName, EnvName, ProjectName, Scope};
use crate::domain::place::Span;
use crate::domain::project::procedure::Procedure;
use crate::domain::project::service::Service;
use crate::domain::project::telemetry::Telemetry;
use crate::domain::project::watch::DriftWatch;

/// Which platform carries the project out (`infra.provider`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProviderKind {
    /// Docker Engine.
    Docker,
    /// Supervised host processes, the embedded default.
    Process,
}

impl ProviderKind {
    /// Returns the identifier used in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Process => "process",
        }
    }
}

/// Which rule chose the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvRule {
    /// `-e` or `NANOKIT_ENV` named it.
    Flag,
    /// A pattern of `git.environments` matched this branch.
    Git {
        /// The branch that is checked out.
        branch: String,
        /// The pattern that matched.
        pattern: String,
    },
    /// Nothing chose; `local` is the default.
    Default,
}

/// How much of the past is kept (`history`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// `keep`: how many runs.
    pub keep: usize,
    /// `age`: how old they get.
    pub age: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            keep: 50,
            age: Duration::from_secs(30 * 86_400),
        }
    }
}

/// A virtual network.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Network {
    /// Name in the file.
    pub name: String,
    /// IP range in CIDR form.
    pub cidr: Option<String>,
    /// `visibility: private`: no route to the outside.
    pub internal: bool,
}

/// A named volume.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Volume {
    /// Name in the file.
    pub name: String,
    /// Labels given by the user.
    pub labels: BTreeMap<String, String>,
}

/// Where an effective value came from, for `config` and the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Written at this place (top level or environment override).
    File(Span),
    /// Inherited from a runtime, written at this place.
    Runtime(Span),
    /// A built-in default.
    Default,
}

/// Everything the file asks for, merged for one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Project name.
    pub name: ProjectName,
    /// Application version, free text.
    pub version: Option<String>,
    /// Version of the procedures, free text.
    pub actions_version: Option<String>,
    /// Component, when the project is spread over repositories.
    pub component: Option<ComponentName>,
    /// Active environment.
    pub env: EnvName,
    /// Why this environment.
    pub env_rule: EnvRule,
    /// Platform; `None` lets the composition root choose (Docker when an engine answers, else process).
    pub provider: Option<ProviderKind>,
    /// `infra.shared`: networks and volumes belong to another component, so they are neither made nor removed.
    pub shared_infra: bool,
    /// `infra.lockLease`: how long a heartbeat of the lock is good for; `None`: the default.
    pub lock_lease: Option<Duration>,
    /// Where traces go, as far as the file says it.
    pub telemetry: Option<Telemetry>,
    /// How much of the past is kept.
    pub history: Retention,
    /// `drift`: how drift is watched for.
    pub drift: DriftWatch,
    /// Folder of the file; relative paths of the file start here.
    pub root: PathBuf,
    /// The project file itself.
    pub file: PathBuf,
    /// Services by name.
    pub services: BTreeMap<String, Service>,
    /// Networks by name; `default` is among them when a service uses it.
    pub networks: BTreeMap<String, Network>,
    /// Volumes by name.
    pub volumes: BTreeMap<String, Volume>,
    /// Procedures (`actions`), in the order of the file.
    pub procedures: Vec<Procedure>,
    /// Where values came from: `services.api.image` → place.
    pub origins: BTreeMap<String, Origin>,
}

impl Project {
    /// Makes a project that asks for nothing, with every default, mostly for tests and builders.
    #[must_use]
    pub fn named(name: ProjectName, env: EnvName, root: &Path) -> Self {
        Self {
            name,
            version: None,
            actions_version: None,
            component: None,
            env,
            env_rule: EnvRule::Default,
            provider: None,
            shared_infra: false,
            lock_lease: None,
            telemetry: None,
            history: Retention::default(),
            drift: DriftWatch::default(),
            root: root.to_owned(),
            file: root.join("nanokit.yml"),
            services: BTreeMap::new(),
            networks: BTreeMap::new(),
            volumes: BTreeMap::new(),
            procedures: Vec::new(),
            origins: BTreeMap::new(),
        }
    }
    /// Returns whose objects belong to this project and environment.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope {
            project: self.name.clone(),
            env: self.env.clone(),
            component: self.component.clone(),
        }
    }
    /// Finds a procedure.
    #[must_use]
    pub fn procedure(&self, name: &str) -> Option<&Procedure> {
        self.procedures
            .iter()
            .find(|procedure| procedure.name == name)
    }
    /// Returns the name of the state document: `state[.COMPONENT][.ENV].json`.
    #[must_use]
    pub fn state_name(&self) -> String {
        let mut name = String::from("state");
        if let Some(component) = &self.component {
            name.push('.');
            name.push_str(component.as_str());
        }
        if self.env.as_str() != "local" {
            name.push('.');
            name.push_str(self.env.as_str());
        }
        name.push_str(".json");
        name
    }
}

//! A service or job: one workload with everything its instances need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::ids::{Address, Digest};
use crate::domain::project::health::HealthCheck;
use crate::domain::project::hook::{Hooks, Provisioning};
use crate::domain::secret::SecretRef;

/// Whether a workload stays or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum ServiceKind {
    /// Runs until it is stopped.
    #[default]
    Service,
    /// Runs once per configuration to exit code 0, then counts as healthy and completed.
    Job,
}

/// How a new version takes the old one's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum UpdateStrategy {
    /// Stop the old instance, then start the new one.
    #[default]
    Recreate,
    /// Start the new instance, wait for its health, then drain the old one; one at a time.
    Rolling,
}

/// What an edge of the graph waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Condition {
    /// The dependency has started.
    Started,
    /// The dependency is healthy (for a job: completed).
    #[default]
    Healthy,
    /// The dependency, a job, ended with exit code 0.
    Completed,
}

/// One edge: this service depends on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dependency {
    /// What to wait for.
    pub condition: Condition,
    /// With `false`, a failed or missing dependency only warns.
    pub required: bool,
}

/// Value of a variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EnvValue {
    /// Ordinary text; may be shown.
    Plain(String),
    /// Resolved last; never shown or stored.
    Secret(SecretRef),
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MountSource {
    /// A named volume of the project.
    Volume(String),
    /// A path of the host.
    Bind {
        /// Absolute path.
        path: PathBuf,
        /// Where symbolic links on the way lead to, if that is elsewhere.
        real: Option<PathBuf>,
        /// Digest of the content when the path is a file: a change of it is a change of the service.
        content: Option<Digest>,
    },
}

/// One mount of a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mount {
    /// What is mounted.
    pub source: MountSource,
    /// Absolute path inside the instance.
    pub target: String,
    /// Whether writing is refused.
    pub read_only: bool,
}

/// A local image build.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Build {
    /// Absolute path of the context.
    pub context: PathBuf,
    /// Path of the Dockerfile, relative to the context where it lies inside it, else absolute.
    pub dockerfile: PathBuf,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// Digest of Dockerfile, arguments and context files (after `.dockerignore`).
    pub digest: Digest,
}

/// When the platform itself starts an ended instance again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum RestartPolicy {
    /// Never (the default, as in Compose).
    #[default]
    No,
    /// Always, also after a stop by hand once the engine restarts.
    Always,
    /// Always but after a stop by hand.
    UnlessStopped,
    /// After a non-zero exit, at most so many times (0: no limit).
    OnFailure(u32),
}

/// Replica bounds (`scale:`); nanokit clamps `instances` to them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Scale {
    /// Lower bound.
    pub min: Option<u32>,
    /// Upper bound.
    pub max: Option<u32>,
    /// CPU target in percent; kept for platforms that scale by themselves.
    pub cpu_threshold: Option<u32>,
}

/// One workload, merged with its runtime, every default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Name in the file.
    pub name: String,
    /// Service or job.
    pub kind: ServiceKind,
    /// Image reference as written; `None` only where the platform needs none (process) or `build` makes one.
    pub image: Option<String>,
    /// Local build.
    pub build: Option<Build>,
    /// Runtime it takes its defaults from, named or inferred.
    pub runtime: Option<String>,
    /// Main command (`start`); a string in the file is run by `/bin/sh -c`. `None`: the image's own.
    pub command: Option<Vec<String>>,
    /// Entry point; `None`: the image's own.
    pub entrypoint: Option<Vec<String>>,
    /// Variables, secrets among them, without those nanokit adds itself.
    pub env: BTreeMap<String, EnvValue>,
    /// Port published on the host.
    pub port: Option<u16>,
    /// Port inside the instance.
    pub expose: Option<u16>,
    /// Mounts; `path:` is the one with target [`Service::PATH_TARGET`].
    pub mounts: Vec<Mount>,
    /// Paths kept in memory.
    pub tmpfs: BTreeSet<String>,
    /// Joined networks and further aliases there (the service's own name always is one).
    pub networks: BTreeMap<String, BTreeSet<String>>,
    /// Edges by name of the dependency.
    pub depends_on: BTreeMap<String, Dependency>,
    /// Wanted number of instances; 0 disables the service here.
    pub instances: u32,
    /// Replica bounds.
    pub scale: Scale,
    /// How an update is done.
    pub update_strategy: UpdateStrategy,
    /// CPU limit in thousandths of a core.
    pub cpu_millis: Option<u64>,
    /// Memory limit in bytes.
    pub memory_bytes: Option<u64>,
    /// Restart policy.
    pub restart: RestartPolicy,
    /// Health check of the file; `None`: the image's own, else the `expose` port.
    pub healthcheck: Option<HealthCheck>,
    /// Lifecycle hooks.
    pub hooks: Hooks,
    /// One-time installation into a shared volume.
    pub provisioning: Option<Provisioning>,
    /// User (`uid`, `name`, `uid:gid`).
    pub user: Option<String>,
    /// Working folder inside the instance; with `path:` the default is [`Service::PATH_TARGET`].
    pub working_dir: Option<String>,
    /// Labels given by the user.
    pub labels: BTreeMap<String, String>,
    /// Time between the stop signal and the kill.
    pub stop_grace: Duration,
    /// Stop signal (`SIGTERM` unless the image says otherwise).
    pub stop_signal: Option<String>,
    /// Domains of the service.
    pub hosts: Vec<String>,
}

impl Service {
    /// Where `path:` is mounted.
    pub const PATH_TARGET: &'static str = "/app";
    /// Stop grace when the file says nothing, as in Docker.
    pub const STOP_GRACE: Duration = Duration::from_secs(10);

    /// Makes a service of that name with every default, mostly for tests and builders.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: ServiceKind::Service,
            image: None,
            build: None,
            runtime: None,
            command: None,
            entrypoint: None,
            env: BTreeMap::new(),
            port: None,
            expose: None,
            mounts: Vec::new(),
            tmpfs: BTreeSet::new(),
            networks: BTreeMap::new(),
            depends_on: BTreeMap::new(),
            instances: 1,
            scale: Scale::default(),
            update_strategy: UpdateStrategy::Recreate,
            cpu_millis: None,
            memory_bytes: None,
            restart: RestartPolicy::No,
            healthcheck: None,
            hooks: Hooks::default(),
            provisioning: None,
            user: None,
            working_dir: None,
            labels: BTreeMap::new(),
            stop_grace: Self::STOP_GRACE,
            stop_signal: None,
            hosts: Vec::new(),
        }
    }
    /// Returns the address of the service.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::service(&self.name)
    }
    /// Tells whether anything has to run before an instance's main command, so that it waits behind a gate.
    ///
    /// An installation counts wherever it runs, in the instance or in a one-off container of
    /// `provisioning.image`: the main command needs what it installs. It is part of every creation, since only
    /// the sentinel in the volume knows whether it is still there.
    #[must_use]
    pub fn needs_gate(&self) -> bool {
        !self.hooks.prestart_container.is_empty() || self.provisioning.is_some()
    }
    /// Returns the image an instance is made of: the written one, or the tag its build gets.
    #[must_use]
    pub fn image_reference(&self, project: &str) -> Option<String> {
        match (&self.image, &self.build) {
            (Some(image), _) => Some(image.clone()),
            (None, Some(build)) => Some(format!(
                "nk-{project}-{}:{}",
                self.name,
                build.digest.short()
            )),
            (None, None) => None,
        }
    }
}

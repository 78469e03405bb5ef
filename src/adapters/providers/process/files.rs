//! The files of an instance folder: what it was made as, and how it stands.
//!
//! `spec.json` is written once by the provider (0600) and rewritten only when limits, restart policy or
//! networks change; `status.json` is written only by the supervisor, whole, by rename. Neither may ever hold the
//! value of a secret: the spec lists the names, the values live in the supervisor's environment alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::adapters::providers::process::identity::ProcessId;
use crate::domain::ids::{ComponentName, Scope};
use crate::domain::project::health::{HealthCheck, Probe};
use crate::domain::project::service::RestartPolicy;

/// Version of both files.
pub(super) const FORMAT: u32 = 1;

/// Whose object a file describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) project: String,
    pub(super) env: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) component: Option<String>,
    pub(super) lineage: String,
    pub(super) op: String,
}

impl Owner {
    pub(super) fn new(scope: &Scope, lineage: &str, op: &str) -> Self {
        Self {
            project: scope.project.to_string(),
            env: scope.env.to_string(),
            component: scope.component.as_ref().map(ToString::to_string),
            lineage: lineage.to_owned(),
            op: op.to_owned(),
        }
    }

    pub(super) fn is_in(&self, scope: &Scope) -> bool {
        self.project == scope.project.as_str()
            && self.env == scope.env.as_str()
            && self.component.as_deref() == scope.component.as_ref().map(ComponentName::as_str)
    }
}

/// What an instance was made as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spec {
    pub(super) format: u32,
    /// Random, kept through renames: the provider's identifier.
    pub(super) id: String,
    pub(super) owner: Owner,
    pub(super) service: String,
    pub(super) instance: u32,
    pub(super) hash: String,
    #[serde(default)]
    pub(super) one_off: bool,
    #[serde(default)]
    pub(super) gated: bool,
    pub(super) argv: Vec<String>,
    pub(super) folder: PathBuf,
    /// The whole environment but for the secrets.
    pub(super) env: BTreeMap<String, String>,
    /// Names of the variables whose values are secret.
    #[serde(default)]
    pub(super) secrets: BTreeSet<String>,
    /// Port this instance is told to listen on.
    #[serde(default)]
    pub(super) port: Option<u16>,
    /// Port inside the instance as the file says it.
    #[serde(default)]
    pub(super) expose: Option<u16>,
    /// Whether `port` is the one the file publishes, so that a taken one is an error.
    #[serde(default)]
    pub(super) published: bool,
    #[serde(default)]
    pub(super) cpu_millis: Option<u64>,
    #[serde(default)]
    pub(super) memory_bytes: Option<u64>,
    pub(super) restart: Restart,
    /// Networks by name in the file, with all aliases.
    #[serde(default)]
    pub(super) networks: BTreeMap<String, BTreeSet<String>>,
    /// Folders of the host by mount target.
    #[serde(default)]
    pub(super) mounts: BTreeMap<String, Mounted>,
    #[serde(default)]
    pub(super) health: Option<Check>,
    #[serde(default)]
    pub(super) stop_signal: Option<String>,
    pub(super) stop_grace_ms: u64,
    pub(super) created_ms: i64,
}

/// One mount of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mounted {
    /// Name of the volume, unless a path of the host is mounted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) volume: Option<String>,
    /// Where the content is.
    pub(super) folder: PathBuf,
    #[serde(default)]
    pub(super) read_only: bool,
}

/// A restart policy as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Restart {
    No,
    Always,
    UnlessStopped,
    OnFailure(u32),
}

impl From<RestartPolicy> for Restart {
    fn from(policy: RestartPolicy) -> Self {
        match policy {
            RestartPolicy::No => Self::No,
            RestartPolicy::Always => Self::Always,
            RestartPolicy::UnlessStopped => Self::UnlessStopped,
            RestartPolicy::OnFailure(limit) => Self::OnFailure(limit),
        }
    }
}

impl Restart {
    /// Tells whether an instance that ended by itself with `code` after `restarts` restarts is started again.
    pub(super) fn again(self, code: i64, restarts: u32) -> bool {
        match self {
            Self::No => false,
            Self::Always | Self::UnlessStopped => true,
            Self::OnFailure(limit) => code != 0 && (limit == 0 || restarts < limit),
        }
    }

    /// Returns the canonical word.
    pub(super) fn word(self) -> String {
        match self {
            Self::No => "no".into(),
            Self::Always => "always".into(),
            Self::UnlessStopped => "unless-stopped".into(),
            Self::OnFailure(0) => "on-failure".into(),
            Self::OnFailure(limit) => format!("on-failure:{limit}"),
        }
    }
}

/// A health check; the times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Check {
    pub(super) ask: Ask,
    pub(super) interval_ms: u64,
    pub(super) timeout_ms: u64,
    pub(super) retries: u32,
    pub(super) start_period_ms: u64,
}

/// How health is asked for; ports are the ones to really connect to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask {
    Command(Vec<String>),
    Http { port: u16, path: String },
    Tcp { port: u16 },
}

impl Ask {
    /// Translates a probe; a port written as the service's inner one becomes the port the instance was given.
    pub(super) fn of(probe: &Probe, expose: Option<u16>, given: Option<u16>) -> Option<Self> {
        let real = |port: u16| match given {
            Some(given) if expose == Some(port) => given,
            _ => port,
        };
        match probe {
            Probe::None => None,
            Probe::Command(argv) => Some(Self::Command(argv.clone())),
            Probe::Shell(line) => Some(Self::Command(vec![
                "/bin/sh".into(),
                "-c".into(),
                line.clone(),
            ])),
            Probe::Http { port, path } => Some(Self::Http {
                port: real(*port),
                path: path.clone(),
            }),
            Probe::Tcp { port } => Some(Self::Tcp { port: real(*port) }),
        }
    }
}

impl Check {
    pub(super) fn of(check: &HealthCheck, expose: Option<u16>, given: Option<u16>) -> Option<Self> {
        Some(Self {
            ask: Ask::of(&check.probe, expose, given)?,
            interval_ms: millis(check.interval),
            timeout_ms: millis(check.timeout),
            retries: check.retries,
            start_period_ms: millis(check.start_period),
        })
    }
}

/// Whole milliseconds, at the most what fits.
pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// How an instance stands, in the supervisor's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Made, not started.
    #[default]
    Created,
    /// Started; the main command waits for the gate.
    Gated,
    /// The main command runs.
    Running,
    /// Between an end and the next start.
    Restarting,
    /// Ended.
    Exited,
}

/// The health verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    #[default]
    Starting,
    Healthy,
    Unhealthy,
}

/// How an instance stands.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct StatusFile {
    pub(super) format: u32,
    pub(super) state: State,
    /// Who supervises it.
    #[serde(default)]
    pub(super) supervisor: Option<ProcessId>,
    /// The main command's process.
    #[serde(default)]
    pub(super) main: Option<ProcessId>,
    /// Code of the last end (128 + signal).
    #[serde(default)]
    pub(super) exit_code: Option<i64>,
    /// Killed for want of memory.
    #[serde(default)]
    pub(super) out_of_memory: bool,
    #[serde(default)]
    pub(super) health: Verdict,
    /// Output of the last probe, at the most 4 KiB.
    #[serde(default)]
    pub(super) probe_output: String,
    #[serde(default)]
    pub(super) probe_exit: Option<i64>,
    /// Restarts by the policy since the last start by hand.
    #[serde(default)]
    pub(super) restarts: u32,
    /// Starts of the main command since the instance was made.
    #[serde(default)]
    pub(super) starts: u64,
    #[serde(default)]
    pub(super) started_at_ms: Option<i64>,
    /// Control group of the main command, where one could be made.
    #[serde(default)]
    pub(super) cgroup: Option<PathBuf>,
}

/// The label of a volume or network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Label {
    pub(super) format: u32,
    pub(super) owner: Owner,
    /// Name in the file.
    pub(super) name: String,
    /// Configuration hash, for networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cidr: Option<String>,
    #[serde(default)]
    pub(super) internal: bool,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
}

/// What the provider asks of a supervisor, one JSON line per connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Request {
    /// Starts the main command, or lets it wait behind the gate.
    Start,
    /// Opens the gate.
    Open,
    /// Ends the instance; answered when nothing of it is left.
    Stop {
        signal: Option<String>,
        grace_ms: u64,
    },
    /// Lets a frozen instance go on.
    Unpause,
    /// Reads `spec.json` again: limits or restart policy changed.
    Reload,
    /// Ends the supervisor of an instance that has ended.
    Quit,
}

/// The answer, one JSON line.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Reply {
    #[serde(default)]
    pub(super) error: Option<String>,
    #[serde(default)]
    pub(super) warnings: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restart_policies_decide_by_code_and_count() {
        let cases = [
            (Restart::No, 1, 0, false),
            (Restart::Always, 0, 9, true),
            (Restart::UnlessStopped, 0, 9, true),
            (Restart::OnFailure(0), 0, 0, false),
            (Restart::OnFailure(0), 1, 99, true),
            (Restart::OnFailure(2), 1, 1, true),
            (Restart::OnFailure(2), 1, 2, false),
        ];
        for (policy, code, restarts, again) in cases {
            assert_eq!(
                policy.again(code, restarts),
                again,
                "{policy:?} {code} {restarts}"
            );
        }
    }

    #[test]
    fn a_probe_of_the_inner_port_asks_the_given_one() {
        let tcp = |port| Probe::Tcp { port };
        let cases = [
            (
                tcp(80),
                Some(80),
                Some(23_456),
                Some(Ask::Tcp { port: 23_456 }),
            ),
            (tcp(81), Some(80), Some(23_456), Some(Ask::Tcp { port: 81 })),
            (tcp(80), Some(80), None, Some(Ask::Tcp { port: 80 })),
            (Probe::None, Some(80), None, None),
        ];
        for (probe, expose, given, expected) in cases {
            assert_eq!(Ask::of(&probe, expose, given), expected, "{probe:?}");
        }
    }
}

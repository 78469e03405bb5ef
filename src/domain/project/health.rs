//! Health checks, in Compose's shape and two more that need nothing inside the instance.

use std::time::Duration;

/// How health is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// No check, also when the image has one (`disable: true`, `test: [NONE]`).
    None,
    /// A command inside the instance (`[CMD, …]`).
    Command(Vec<String>),
    /// A shell line inside the instance (`[CMD-SHELL, …]` or a string).
    Shell(String),
    /// An HTTP GET that answers 200 to 399 (`http: /path` or `http: {port, path}`).
    Http {
        /// Port inside the instance.
        port: u16,
        /// Path with its leading slash.
        path: String,
    },
    /// A TCP connection that opens (`tcp: PORT`).
    Tcp {
        /// Port inside the instance.
        port: u16,
    },
}

/// A health check with its times; the defaults are Docker's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HealthCheck {
    /// How to ask.
    pub probe: Probe,
    /// Pause between two probes.
    pub interval: Duration,
    /// Longest time one probe may take.
    pub timeout: Duration,
    /// Failed probes in a row that make it unhealthy.
    pub retries: u32,
    /// Time after the start in which failures do not count.
    pub start_period: Duration,
}

impl HealthCheck {
    /// Docker's default times for a probe.
    #[must_use]
    pub fn with_defaults(probe: Probe) -> Self {
        Self {
            probe,
            interval: Duration::from_secs(30),
            timeout: Duration::from_secs(30),
            retries: 3,
            start_period: Duration::ZERO,
        }
    }
    /// Longest time until this check must have given a verdict, with a margin for a loaded machine.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        let rounds = self.retries.max(1).saturating_add(1);
        self.start_period + (self.interval + self.timeout) * rounds + Duration::from_secs(5)
    }
}

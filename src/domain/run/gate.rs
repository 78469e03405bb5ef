//! The health gate of one instance: platform events, probe results and time in, a verdict out.
//!
//! Everything counts from the moment the gate opened (the start, or for a gated instance the opening of its
//! gate); whatever was heard before says nothing about the main command. The gate asks for probes by saying
//! when the next is due; it never asks the world itself.

use std::time::Duration;

use crate::domain::live::{Health, LiveEventKind};
use crate::domain::project::health::{HealthCheck, Probe};
use crate::domain::project::service::{RestartPolicy, Service};
use crate::domain::time::Boot;

/// How health is found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watch {
    /// The platform runs a check and reports its verdicts.
    Platform {
        /// Longest time until a verdict.
        deadline: Duration,
    },
    /// We ask, at the check's own times.
    Asked(HealthCheck),
    /// We ask whether the exposed port accepts connections.
    Port(u16),
    /// It has to be running still, half a second after the start.
    Alive,
    /// It is a job: it has to end with exit code 0.
    Completion,
}

/// What is thought of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Not decided yet.
    Waiting,
    /// Healthy, or completed.
    Healthy,
    /// It will not become healthy.
    Failed(String),
}

/// How long an instance without any check has to run to count as healthy.
pub const ALIVE_AFTER: Duration = Duration::from_millis(500);
/// Longest time an exposed port may take to open.
pub const PORT_DEADLINE: Duration = Duration::from_secs(60);
/// Deaths in a row after which a restarting instance is given up.
pub const DEATHS: u32 = 3;

/// How much longer an instance gets that the platform judges, once its time is over: an event may be lost, so the
/// platform is looked at before it is given up.
const LAST_LOOK: Duration = Duration::from_secs(5);
/// How long an instance may be frozen before it is given up: whoever copies its files freezes it for a moment.
const FROZEN: Duration = Duration::from_secs(3);
/// Pause between two looks at a job: it may take as long as it needs, but its end may not be missed for ever.
const JOB_LOOK: Duration = Duration::from_secs(30);
const FIRST_PROBE: Duration = Duration::from_millis(100);
const PORT_PROBE_MAX: Duration = Duration::from_secs(1);
const PORT_PROBE_TIMEOUT: Duration = Duration::from_secs(2);

impl Watch {
    /// Chooses how the health of a service's instance is found out.
    ///
    /// 1. A check of the file that the platform runs: the platform's verdicts, unless one was heard before the
    ///    gate opened (`heard_early`): the platform only reports changes, so we then ask ourselves.
    /// 2. A check of the file that the platform does not run: we ask.
    /// 3. The image's own check (`image_check`): the platform's verdicts, unless one was heard early.
    /// 4. The exposed port; 5. still running after a moment.
    #[must_use]
    pub fn of(
        service: &Service,
        platform_checks: bool,
        image_check: bool,
        heard_early: bool,
    ) -> Self {
        match &service.healthcheck {
            Some(check) => match check.probe {
                Probe::None => {}
                Probe::Command(_) | Probe::Shell(_) if platform_checks && !heard_early => {
                    return Self::Platform {
                        deadline: check.deadline(),
                    };
                }
                Probe::Command(_) | Probe::Shell(_) | Probe::Http { .. } | Probe::Tcp { .. } => {
                    return Self::Asked(check.clone());
                }
            },
            None if image_check && platform_checks && !heard_early => {
                let check = HealthCheck::with_defaults(Probe::None);
                return Self::Platform {
                    deadline: check.deadline(),
                };
            }
            None => {}
        }
        service.expose.map_or(Self::Alive, Self::Port)
    }
}

/// What is said of one that was frozen.
const FROZEN_WORDS: &str = "it is paused: somebody froze it while it was waited for";

/// One health gate.
#[derive(Clone, Debug)]
pub struct HealthGate {
    watch: Watch,
    restart: RestartPolicy,
    opened: Boot,
    /// Start of the incarnation that runs now; `None` while it is down.
    up_since: Option<Boot>,
    /// Since when it is frozen.
    frozen: Option<Boot>,
    deaths: u32,
    last_exit: Option<i64>,
    /// Failed probes in a row that count.
    failures: u32,
    probes: u32,
    probing: bool,
    next_probe: Boot,
    last_output: String,
    /// Whether the time is over and only the last look is waited for.
    last_look: bool,
    /// Whether a look at the platform is due.
    look_due: bool,
    /// When a job is looked at next.
    next_look: Boot,
    finding: Finding,
}

impl HealthGate {
    /// Opens a gate.
    #[must_use]
    pub fn new(watch: Watch, restart: RestartPolicy, opened: Boot) -> Self {
        Self {
            watch,
            restart,
            opened,
            up_since: Some(opened),
            frozen: None,
            deaths: 0,
            last_exit: None,
            failures: 0,
            probes: 0,
            probing: false,
            next_probe: opened,
            last_output: String::new(),
            last_look: false,
            look_due: false,
            next_look: opened.after(JOB_LOOK),
            finding: Finding::Waiting,
        }
    }

    /// Returns what is thought now.
    #[must_use]
    pub fn finding(&self) -> &Finding {
        &self.finding
    }

    /// Returns what the last probe said.
    #[must_use]
    pub fn last_output(&self) -> &str {
        &self.last_output
    }

    /// Returns when something has to happen even if nothing is heard: the next probe, or a deadline.
    #[must_use]
    pub fn wake_at(&self) -> Option<Boot> {
        if self.finding != Finding::Waiting {
            return None;
        }
        let frozen = self.frozen.map(|since| since.after(FROZEN));
        let job = (self.watch == Watch::Completion).then_some(self.next_look);
        let alive = self.alive_since().map(|since| since.after(ALIVE_AFTER));
        [self.deadline(), alive, self.probe_due(), frozen, job]
            .into_iter()
            .flatten()
            .min()
    }

    /// Returns the probe that is due at `now` with its timeout, and takes it as begun.
    pub fn take_probe(&mut self, now: Boot) -> Option<(Probe, Duration)> {
        if self.finding != Finding::Waiting || self.probe_due()? > now {
            return None;
        }
        self.probing = true;
        match &self.watch {
            Watch::Asked(check) => Some((check.probe.clone(), check.timeout)),
            Watch::Port(port) => Some((Probe::Tcp { port: *port }, PORT_PROBE_TIMEOUT)),
            Watch::Platform { .. } | Watch::Alive | Watch::Completion => None,
        }
    }

    /// Takes an event about the instance.
    pub fn hear(&mut self, event: &LiveEventKind, now: Boot) -> &Finding {
        if self.finding == Finding::Waiting {
            match event {
                LiveEventKind::Died(code) => self.died(*code),
                LiveEventKind::Started => {
                    self.up_since = Some(now);
                    self.frozen = None;
                }
                LiveEventKind::Paused => {
                    self.frozen.get_or_insert(now);
                }
                LiveEventKind::Unpaused => self.frozen = None,
                LiveEventKind::Removed => {
                    self.finding = Finding::Failed("it was removed".to_owned());
                }
                LiveEventKind::Health(health) => self.judged(*health),
                LiveEventKind::Created
                | LiveEventKind::VolumeRemoved(_)
                | LiveEventKind::Changed(_)
                | LiveEventKind::Connected
                | LiveEventKind::Lost(_) => {}
            }
        }
        &self.finding
    }

    /// Takes the result of a probe that was begun at `asked`.
    pub fn probed(&mut self, asked: Boot, result: Result<(), String>, now: Boot) -> &Finding {
        self.probing = false;
        self.probes = self.probes.saturating_add(1);
        self.next_probe = now.after(self.pause());
        // Of a frozen instance the kernel still accepts connections.
        let counts = asked >= self.opened && self.frozen.is_none();
        if self.finding != Finding::Waiting || !counts {
            return &self.finding;
        }
        match result {
            Ok(()) if self.up_since.is_some() => self.finding = Finding::Healthy,
            Ok(()) => {}
            Err(output) => {
                self.last_output = output;
                self.count_failure(asked);
            }
        }
        &self.finding
    }

    /// Takes the time.
    pub fn tick(&mut self, now: Boot) -> &Finding {
        if self.finding != Finding::Waiting {
            return &self.finding;
        }
        if self.frozen.is_some_and(|since| now.since(since) >= FROZEN) {
            self.finding = Finding::Failed(FROZEN_WORDS.to_owned());
        } else if self
            .alive_since()
            .is_some_and(|since| now.since(since) >= ALIVE_AFTER)
        {
            self.finding = Finding::Healthy;
        } else if self.watch == Watch::Completion && now >= self.next_look {
            self.next_look = now.after(JOB_LOOK);
            self.look_due = true;
        } else if let Some(deadline) = self.deadline()
            && now >= deadline
        {
            if matches!(self.watch, Watch::Platform { .. }) && !self.last_look {
                self.last_look = true;
                self.look_due = true;
                return &self.finding;
            }
            self.finding = Finding::Failed(self.too_late());
        }
        &self.finding
    }

    /// Tells once that the platform has to be looked at: when the time is over, before the instance is given up, and
    /// of a job every now and then.
    pub fn takes_look(&mut self) -> bool {
        std::mem::take(&mut self.look_due)
    }

    fn died(&mut self, code: i64) {
        self.up_since = None;
        self.frozen = None;
        self.deaths = self.deaths.saturating_add(1);
        self.last_exit = Some(code);
        if self.watch == Watch::Completion && code == 0 {
            self.finding = Finding::Healthy;
            return;
        }
        let comes_back = match self.restart {
            RestartPolicy::No => false,
            RestartPolicy::Always | RestartPolicy::UnlessStopped => self.deaths < DEATHS,
            RestartPolicy::OnFailure(0) => code != 0 && self.deaths < DEATHS,
            RestartPolicy::OnFailure(most) => code != 0 && self.deaths <= most.min(DEATHS),
        };
        if !comes_back {
            let times = if self.deaths > 1 {
                format!(", for the {}. time", self.deaths)
            } else {
                String::new()
            };
            self.finding = Finding::Failed(format!("it ended with exit code {code}{times}"));
        }
    }

    fn judged(&mut self, health: Health) {
        if !matches!(self.watch, Watch::Platform { .. }) {
            return;
        }
        match health {
            Health::Healthy => self.finding = Finding::Healthy,
            Health::Unhealthy => {
                self.finding = Finding::Failed("its health check says unhealthy".to_owned());
            }
            Health::Starting | Health::Unchecked => {}
        }
    }

    /// Counts a failed probe the way Docker does: none in the start period, and one per interval after it; the
    /// quick early probes only find out sooner that it is healthy.
    fn count_failure(&mut self, asked: Boot) {
        let Watch::Asked(check) = &self.watch else {
            return;
        };
        let next = self.failures.saturating_add(1);
        let counts_from = self
            .opened
            .after(check.start_period)
            .after(check.interval.saturating_mul(next));
        if asked < counts_from {
            return;
        }
        self.failures = next;
        if self.failures >= check.retries.max(1) {
            self.finding = Finding::Failed(format!(
                "its health check failed {} times in a row",
                self.failures
            ));
        }
    }

    /// Since when an instance that only has to stay up does.
    fn alive_since(&self) -> Option<Boot> {
        let counts = self.watch == Watch::Alive && self.frozen.is_none();
        self.up_since.filter(|_| counts)
    }

    fn probe_due(&self) -> Option<Boot> {
        if self.probing || self.up_since.is_none() || self.frozen.is_some() {
            return None;
        }
        matches!(self.watch, Watch::Asked(_) | Watch::Port(_)).then_some(self.next_probe)
    }

    /// Pause after the probe just done: quick at first, growing up to the check's own interval.
    fn pause(&self) -> Duration {
        let longest = match &self.watch {
            Watch::Asked(check) => check.interval,
            Watch::Port(_) | Watch::Platform { .. } | Watch::Alive | Watch::Completion => {
                PORT_PROBE_MAX
            }
        };
        let doublings = self.probes.saturating_sub(1).min(16);
        FIRST_PROBE
            .saturating_mul(1 << doublings)
            .min(longest)
            .max(Duration::from_millis(10))
    }

    fn deadline(&self) -> Option<Boot> {
        let more = if self.last_look {
            LAST_LOOK
        } else {
            Duration::ZERO
        };
        Some(self.opened.after(self.span()?.saturating_add(more)))
    }

    fn span(&self) -> Option<Duration> {
        Some(match &self.watch {
            Watch::Platform { deadline } => *deadline,
            Watch::Asked(check) => check.deadline(),
            Watch::Port(_) | Watch::Alive => PORT_DEADLINE,
            Watch::Completion => return None,
        })
    }

    fn too_late(&self) -> String {
        let span = self.span().unwrap_or_default().as_secs();
        match &self.watch {
            Watch::Port(port) => format!("port {port} did not open within {span} s"),
            Watch::Alive => format!("it did not stay up within {span} s"),
            Watch::Platform { .. } | Watch::Asked(_) | Watch::Completion => {
                format!("it was not healthy within {span} s")
            }
        }
    }
}

#[cfg(test)]
mod tests;

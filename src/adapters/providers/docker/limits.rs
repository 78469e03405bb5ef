//! Limits and restart policy of a running container.
//!
//! The engine has no word for taking a limit away (tried on 20.10: `0` changes nothing, a memory of `-1` is
//! refused). What works, and is undone by a later limit, is a memory no machine has; for the CPU it is a quota
//! of `-1`, which then stands above the limit the container was made with.

use bollard::models::{ContainerUpdateBody, HostConfig};

use crate::adapters::providers::docker::fault::{CHANGE, Fault, call};
use crate::adapters::providers::docker::instance::of;
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::adapters::providers::docker::{create, model};
use crate::ports::provider::{Applied, InstanceRef, Limits};

/// Bytes that mean "no limit": 1 PiB.
pub(super) const NO_MEMORY_LIMIT: i64 = 1 << 50;
const DEFAULT_PERIOD: i64 = 100_000;

impl DockerProvider {
    /// Changes what differs, and nothing else.
    pub(super) async fn set_limits(
        &self,
        target: &InstanceRef,
        limits: &Limits,
    ) -> Result<Applied, Fault> {
        let found = self.inspect(target.id.as_str()).await?;
        let body = difference(&found.host_config.unwrap_or_default(), limits)
            .map_err(|why| Fault::refused("change limits of", &target.name, why))?;
        if body != ContainerUpdateBody::default() {
            call(
                "change limits of",
                &target.name,
                CHANGE,
                self.docker.update_container(target.id.as_str(), body),
            )
            .await?;
        }
        Ok(of(target))
    }
}

fn difference(now: &HostConfig, limits: &Limits) -> Result<ContainerUpdateBody, String> {
    let mut body = ContainerUpdateBody::default();
    let memory = limits.memory_bytes.map_or(0, create::bytes);
    if memory != model::memory_bytes(now) {
        let memory = if memory == 0 { NO_MEMORY_LIMIT } else { memory };
        body.memory = Some(memory);
        // The engine's default at creation: as much swap again. It must never be below the memory.
        body.memory_swap = Some(memory.saturating_mul(2));
    }
    let cpu = limits.cpu_millis.map_or(0, create::bytes);
    if cpu != model::cpu_millis(now) {
        set_cpu(&mut body, now, cpu)?;
    }
    let restart = create::restart_policy(limits.restart);
    if model::restart_text(Some(&restart)) != model::restart_text(now.restart_policy.as_ref()) {
        body.restart_policy = Some(restart);
    }
    Ok(body)
}

/// The engine keeps a share of cores and a quota apart, and refuses to set one where the other is set.
fn set_cpu(body: &mut ContainerUpdateBody, now: &HostConfig, millis: i64) -> Result<(), String> {
    let has_share = now.nano_cpus.is_some_and(|nano| nano > 0);
    let has_quota = now.cpu_quota.is_some_and(|quota| quota != 0);
    match (millis, has_share, has_quota) {
        (0, _, _) => body.cpu_quota = Some(-1),
        (_, true, true) => {
            return Err(
                "its CPU limit was taken away while it ran, and the engine cannot set it again; \
                 remove the container and deploy anew"
                    .to_owned(),
            );
        }
        (_, false, true) => {
            let period = now.cpu_period.filter(|p| *p > 0).unwrap_or(DEFAULT_PERIOD);
            body.cpu_period = Some(period);
            body.cpu_quota = Some(millis.saturating_mul(period) / 1000);
        }
        (_, _, false) => body.nano_cpus = Some(millis.saturating_mul(1_000_000)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::project::service::RestartPolicy;

    fn host(memory: i64, nano: i64, quota: i64) -> HostConfig {
        HostConfig {
            memory: Some(memory),
            nano_cpus: Some(nano),
            cpu_quota: Some(quota),
            ..HostConfig::default()
        }
    }

    fn limits(memory_bytes: Option<u64>, cpu_millis: Option<u64>) -> Limits {
        Limits {
            cpu_millis,
            memory_bytes,
            restart: RestartPolicy::No,
        }
    }

    #[test]
    fn only_what_differs_is_sent() {
        let body = difference(&host(64, 500_000_000, 0), &limits(Some(64), Some(500))).unwrap();
        assert_eq!(body, ContainerUpdateBody::default());
        let body = difference(&host(64, 500_000_000, 0), &limits(Some(65), Some(500))).unwrap();
        assert_eq!((body.memory, body.memory_swap), (Some(65), Some(130)));
        assert_eq!((body.nano_cpus, body.restart_policy), (None, None));
    }

    #[test]
    fn a_limit_is_taken_away_and_set_again() {
        let none = limits(None, None);
        let body = difference(&host(64, 500_000_000, 0), &none).unwrap();
        assert_eq!(body.memory, Some(NO_MEMORY_LIMIT));
        assert_eq!(body.cpu_quota, Some(-1));
        let taken = host(NO_MEMORY_LIMIT, 0, -1);
        assert_eq!(
            difference(&taken, &none).unwrap(),
            ContainerUpdateBody::default()
        );
        let body = difference(&taken, &limits(Some(64), Some(500))).unwrap();
        assert_eq!(body.memory, Some(64));
        assert_eq!(
            (body.cpu_quota, body.cpu_period),
            (Some(50_000), Some(100_000))
        );
    }

    #[test]
    fn what_the_engine_cannot_do_is_said() {
        let error = difference(&host(0, 500_000_000, -1), &limits(None, Some(500))).unwrap_err();
        assert!(error.contains("deploy anew"), "{error}");
    }
}

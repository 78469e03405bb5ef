//! What containers use, as `docker stats` counts it.
//!
//! One call for each container and look, answered at once (`one-shot`, API 1.41): the engine reads its control
//! group once and samples nothing on its own account in between, as it would for a stream.

use std::collections::BTreeMap;

use bollard::models::{ContainerMemoryStats, ContainerStatsResponse};
use bollard::query_parameters::StatsOptionsBuilder;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::adapters::providers::docker::fault::{Cause, Fault, READ, call};
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::domain::ids::ProviderId;
use crate::domain::usage::Counters;
use crate::ports::provider::InstanceRef;

/// Calls at once: an engine of version 20.10 answers some only with its next round of a second, so that waiting for
/// one after the other would take long for a screen; it does no more work for it.
const AT_ONCE: usize = 16;

impl DockerProvider {
    /// Reads the counters of containers.
    pub(super) async fn count(
        &self,
        targets: &[InstanceRef],
    ) -> Result<BTreeMap<ProviderId, Counters>, Fault> {
        let all: Vec<Option<(ProviderId, Counters)>> =
            stream::iter(targets.iter().map(|target| self.count_one(target)))
                .buffer_unordered(AT_ONCE)
                .try_collect()
                .await?;
        Ok(all.into_iter().flatten().collect())
    }

    async fn count_one(
        &self,
        target: &InstanceRef,
    ) -> Result<Option<(ProviderId, Counters)>, Fault> {
        const CALL: &str = "read statistics of container";
        let options = StatsOptionsBuilder::new()
            .stream(false)
            .one_shot(true)
            .build();
        let mut answers = Box::pin(self.docker.stats(target.id.as_str(), Some(options)));
        let first = async {
            match answers.next().await {
                Some(answer) => answer.map(Some),
                None => Ok(None),
            }
        };
        match call(CALL, &target.name, READ, first).await {
            Ok(Some(answer)) => Ok(counters(&answer).map(|found| (target.id.clone(), found))),
            Ok(None) => Ok(None),
            // It is gone, or about to be.
            Err(fault) if matches!(&fault.cause, Cause::Answer { .. }) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

/// Reads an answer; `None` for a container that does not run, of which the engine answers nothing but zeros.
fn counters(answer: &ContainerStatsResponse) -> Option<Counters> {
    let cpu = answer.cpu_stats.clone().unwrap_or_default();
    let used = cpu.cpu_usage.clone().unwrap_or_default();
    let memory = answer.memory_stats.clone().unwrap_or_default();
    // The clock of the whole machine goes on for as many cores as it has; an engine too old to tell their number
    // lists the time of each.
    let cores = cpu.online_cpus.map(u64::from).filter(|cores| *cores > 0);
    let listed = used.percpu_usage.as_ref().map(|each| each.len() as u64);
    let cores = cores.or(listed).filter(|cores| *cores > 0).unwrap_or(1);
    let clock = cpu.system_cpu_usage?;
    let networks = answer.networks.as_ref().filter(|all| !all.is_empty());
    let network = |of: fn(&bollard::models::ContainerNetworkStats) -> Option<u64>| {
        networks.map(|all| all.values().filter_map(of).sum())
    };
    Some(Counters {
        cpu_ns: used.total_usage,
        clock_ns: clock / cores,
        memory: in_use(&memory),
        memory_limit: memory.limit.filter(|limit| *limit > 0),
        received: network(|one| one.rx_bytes),
        sent: network(|one| one.tx_bytes),
        read: blocks(answer, "read"),
        written: blocks(answer, "write"),
        tasks: answer.pids_stats.as_ref().and_then(|pids| pids.current),
    })
}

/// Memory without the cache the kernel can drop at once: `total_inactive_file` of the first kind of control
/// group, `inactive_file` of the second.
fn in_use(memory: &ContainerMemoryStats) -> Option<u64> {
    let usage = memory.usage?;
    let details = memory.stats.as_ref();
    let cache = details
        .and_then(|all| all.get("total_inactive_file").or(all.get("inactive_file")))
        .copied()
        .filter(|cache| *cache < usage);
    Some(usage - cache.unwrap_or(0))
}

/// Bytes that went to or from block devices.
fn blocks(answer: &ContainerStatsResponse, word: &str) -> Option<u64> {
    let entries = answer.blkio_stats.as_ref()?;
    let entries = entries.io_service_bytes_recursive.as_ref()?;
    let of = entries.iter().filter(|entry| {
        let op = entry.op.as_deref().unwrap_or_default();
        op.eq_ignore_ascii_case(word)
    });
    Some(of.filter_map(|entry| entry.value).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::usage::cpu_millis;

    fn answer(json: &str) -> ContainerStatsResponse {
        serde_json::from_str(json).expect("an answer")
    }

    const FIRST: &str = r#"{
        "cpu_stats": {"cpu_usage": {"total_usage": 4000000000, "percpu_usage": [1, 2]},
                      "system_cpu_usage": 100000000000, "online_cpus": 2},
        "memory_stats": {"usage": 9000, "limit": 67108864,
                         "stats": {"total_inactive_file": 1000, "inactive_file": 400}},
        "networks": {"eth0": {"rx_bytes": 10, "tx_bytes": 1}, "eth1": {"rx_bytes": 5, "tx_bytes": 2}},
        "blkio_stats": {"io_service_bytes_recursive": [
            {"major": 8, "minor": 0, "op": "Read", "value": 30}, {"major": 8, "minor": 0, "op": "Write", "value": 7},
            {"major": 8, "minor": 16, "op": "read", "value": 3}, {"major": 8, "minor": 0, "op": "Total", "value": 37}]},
        "pids_stats": {"current": 3}}"#;

    const SECOND: &str = r#"{
        "cpu_stats": {"cpu_usage": {"total_usage": 5500000000},
                      "system_cpu_usage": 104000000000, "online_cpus": 2},
        "memory_stats": {"usage": 9000, "limit": 67108864, "stats": {"inactive_file": 400, "file": 500}},
        "blkio_stats": {"io_service_bytes_recursive": null},
        "pids_stats": {}}"#;

    #[test]
    fn both_kinds_of_control_groups_are_counted_as_docker_stats_does() {
        let first = counters(&answer(FIRST)).expect("it runs");
        let expected = Counters {
            cpu_ns: Some(4_000_000_000),
            clock_ns: 50_000_000_000,
            memory: Some(8_000),
            memory_limit: Some(67_108_864),
            received: Some(15),
            sent: Some(3),
            read: Some(33),
            written: Some(7),
            tasks: Some(3),
        };
        assert_eq!(first, expected);
        let second = counters(&answer(SECOND)).expect("it runs");
        assert_eq!(second.memory, Some(8_600));
        assert_eq!(
            (second.received, second.read, second.tasks),
            (None, None, None)
        );
        let looks = |c: &Counters| (c.cpu_ns.expect("told"), c.clock_ns);
        // 1.5 s of processor time while 4 s went by on two cores together.
        assert_eq!(cpu_millis(looks(&first), looks(&second)), Some(750));
    }

    #[test]
    fn a_container_that_does_not_run_has_no_counters() {
        let stopped = r#"{"cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}, "pids_stats": {}}"#;
        assert_eq!(counters(&answer(stopped)), None);
    }

    #[test]
    fn an_old_engine_tells_the_cores_by_their_times() {
        let old = r#"{"cpu_stats": {"cpu_usage": {"total_usage": 1, "percpu_usage": [1, 2, 3, 4]},
            "system_cpu_usage": 400}}"#;
        assert_eq!(
            counters(&answer(old)).map(|found| found.clock_ns),
            Some(100)
        );
    }
}

//! Sampling what instances use, for as long as somebody looks: only the services wished for, every two seconds.
//!
//! Nothing is asked of the platform while nothing is wished for. Which instances a service has is taken from the
//! last status, so that a look costs one cheap call for each instance and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::app::desk::Desk;
use crate::app::look;
use crate::app::notice::{Link, Notice};
use crate::app::workshop::{Need, Workshop};
use crate::domain::ids::Address;
use crate::domain::live::{LiveSubject, Status};
use crate::domain::report::StatusReport;
use crate::engine::reconcile::Reconcile;

/// A cursor that runs over many services asks for none of them.
const SETTLE: Duration = Duration::from_millis(150);
/// The second look comes sooner: only then processor time is known.
const SECOND: Duration = Duration::from_secs(1);
/// Time between two looks.
const PERIOD: Duration = Duration::from_secs(2);
/// Time between two looks while the platform does not answer.
const DOWN: Duration = Duration::from_secs(10);
/// After how many looks the probes are asked for again.
const PROBES: u32 = 5;
/// Most instances that are looked at.
const MOST: usize = 64;

/// What is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gauge {
    /// Services whose use of the machine is sampled.
    pub(super) services: BTreeSet<String>,
    /// Service whose probes are read besides.
    pub(super) closely: Option<String>,
}

impl Gauge {
    pub(super) fn is_empty(&self) -> bool {
        self.services.is_empty() && self.closely.is_none()
    }
}

/// Samples until dropped.
pub(super) async fn sample<W: Workshop>(desk: &Desk<'_, W>, gauge: Gauge) {
    sleep(SETTLE).await;
    let mut looks = 0_u32;
    loop {
        let pause = match take(desk, &gauge, looks).await {
            // No status yet: it comes with the session's first look.
            None => SECOND / 2,
            Some(false) => DOWN,
            Some(true) if looks == 0 => SECOND,
            Some(true) => PERIOD,
        };
        if pause < DOWN && pause >= SECOND {
            looks = looks.saturating_add(1);
        }
        sleep(pause).await;
    }
}

/// Looks once; `None` when there is nothing to look at yet, else whether the platform answered.
async fn take<W: Workshop>(desk: &Desk<'_, W>, gauge: &Gauge, looks: u32) -> Option<bool> {
    let status = desk.look(|snapshot| snapshot.status.clone())?;
    let project = desk.project().ok()?;
    let running = subjects(&status, &gauge.services, |status| {
        matches!(status, Status::Running | Status::Paused)
    });
    let closely: BTreeSet<String> = gauge.closely.iter().cloned().collect();
    let probed = if looks.is_multiple_of(PROBES) {
        subjects(&status, &closely, |_| true)
    } else {
        Vec::new()
    };
    if running.is_empty() && probed.is_empty() {
        return Some(true);
    }
    let Ok(engine) = desk.engine(&project, Need::Platform).await else {
        return Some(false);
    };
    if !running.is_empty() {
        let sampled = look::patiently(desk, engine.sample(&project, &running)).await;
        let Ok(counters) = sampled else {
            return Some(false);
        };
        desk.link(Link::Up(engine.describe()));
        let now = desk.now();
        let samples = {
            let mut meter = desk.meter.borrow_mut();
            let everybody = status.resources.values().flat_map(|found| &found.instances);
            meter.keep(&everybody.map(|one| one.id.clone()).collect());
            running
                .into_iter()
                .filter_map(|one| {
                    let usage = meter.read(&one.id, *counters.get(&one.id)?, now);
                    Some((one, usage))
                })
                .collect()
        };
        let samples = Arc::new(samples);
        desk.send(Notice::Usage { samples }).await;
    }
    if !probed.is_empty() {
        let Ok(probes) = engine.probes(&project, &probed).await else {
            return Some(false);
        };
        let probes = Arc::new(probes);
        desk.send(Notice::Probes { probes }).await;
    }
    Some(true)
}

fn subjects(
    report: &StatusReport,
    services: &BTreeSet<String>,
    wanted: impl Fn(Status) -> bool,
) -> Vec<LiveSubject> {
    let mut found = Vec::new();
    for name in services {
        let address = Address::service(name);
        let Some(resource) = report.resources.get(&address) else {
            continue;
        };
        let instances = resource.instances.iter().filter(|one| wanted(one.status));
        found.extend(instances.map(|one| LiveSubject {
            id: one.id.clone(),
            address: address.clone(),
            instance: one.instance,
        }));
    }
    found.truncate(MOST);
    found
}

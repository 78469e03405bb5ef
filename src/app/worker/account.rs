//! What the worker tells of itself: what drifted, what waits and for what, what ails.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::app::worker::mind::Worker;
use crate::domain::ids::{Address, ResourceKind};
use crate::domain::live::Health;
use crate::domain::project::project::Project;
use crate::domain::project::watch::Restoring;
use crate::domain::report::worker::{Ailing, Leadership, Waiting, WorkerReport};
use crate::domain::time::Wall;

impl Worker {
    /// Says all it does, as of now.
    #[must_use]
    pub fn report(&self, now: Instant, wall: Wall) -> WorkerReport {
        let mut report = self.report.clone();
        report.at = wall;
        report.drifted = self.cases.open().cloned().collect();
        if let Some((_, addresses)) = &self.running {
            report.restoring.clone_from(addresses);
        }
        let half_done = self.half_done.keys();
        report.half_done = half_done
            .filter(|address| !report.restoring.contains(address))
            .cloned()
            .collect();
        match self.project.drift.restore {
            Restoring::Ask => report.pending = self.wanted().cloned().collect(),
            Restoring::Auto => report.waiting = self.waiting(now, wall),
            Restoring::Never => {}
        }
        if self.project.drift.restore != Restoring::Never {
            report.pending.extend(self.left.iter().cloned());
            let held = self.held.iter();
            let held = held.filter(|(address, _)| self.project.drift.covers(address));
            report.held = held.map(|(at, why)| (at.clone(), why.clone())).collect();
        }
        let held = self.held.keys().filter(|one| self.holds_back(one));
        report.pending.extend(held.cloned());
        report.ailing = self.ailing();
        report
    }

    /// Names a dependency that is not as it should be and is not restored along with what needs it now.
    pub(super) fn lacks(&self, address: &Address, now: Instant) -> Option<String> {
        if address.kind != ResourceKind::Service {
            return None;
        }
        let status = self.status.as_ref()?;
        let mut seen = BTreeSet::new();
        let mut next = vec![address.name.as_str()];
        while let Some(name) = next.pop() {
            let Some(service) = self.project.services.get(name) else {
                continue;
            };
            for (dependency, edge) in &service.depends_on {
                if !edge.required || !seen.insert(dependency.as_str()) {
                    continue;
                }
                next.push(dependency);
                let found = Address::service(dependency);
                let stands = status.resources.get(&found).is_none_or(|one| one.ready);
                let is_due = self.cases.due(&found).is_some_and(|due| due <= now);
                let along = is_due && self.wanted().any(|open| *open == found);
                if !stands && !along {
                    return Some(dependency.clone());
                }
            }
        }
        None
    }

    fn waiting(&self, now: Instant, wall: Wall) -> Vec<Waiting> {
        let restoring = self.running.iter().flat_map(|(_, addresses)| addresses);
        let restoring: BTreeSet<&Address> = restoring.collect();
        let wanted = self.wanted().filter(|one| !restoring.contains(one));
        let told = wanted.map(|address| {
            let due = self.cases.due(address).filter(|due| *due > now);
            let reason = match (&self.report.lock_held_by, self.lacks(address, now)) {
                _ if self.report.leadership != Leadership::Leads => {
                    "the leader restores".to_owned()
                }
                _ if self.undecided.is_some() => "what is ignored to be known".to_owned(),
                (Some(who), _) => format!("the lock is held by {who}"),
                (None, Some(dependency)) => format!("`{dependency}` is not as it should be"),
                (None, None) if self.cases.attempts(address) > 0 => "a pause".to_owned(),
                (None, None) => "it to last".to_owned(),
            };
            Waiting {
                address: address.clone(),
                reason,
                attempts: self.cases.attempts(address),
                next_at: due.map(|due| {
                    let pause = millis(due.saturating_duration_since(now));
                    Wall(wall.0.saturating_add_unsigned(pause))
                }),
            }
        });
        told.collect()
    }

    fn ailing(&self) -> Vec<Ailing> {
        let Some(status) = &self.status else {
            return Vec::new();
        };
        let services = status.resources.values().filter(|one| {
            one.address.kind == ResourceKind::Service && one.desired && one.wanted > 0 && !one.ready
        });
        let told = services.map(|one| {
            let states = one.instances.iter().map(|i| match i.health {
                Health::Unchecked => i.status.as_str(),
                checked => checked.as_str(),
            });
            let state: BTreeSet<&str> = states.collect();
            let needs = |name: &str| {
                let service = self.project.services.get(name);
                service.is_some_and(|s| s.depends_on.contains_key(&one.address.name))
            };
            Ailing {
                address: one.address.clone(),
                state: if state.is_empty() {
                    "absent".to_owned()
                } else {
                    state.into_iter().collect::<Vec<_>>().join(", ")
                },
                needed_by: self
                    .project
                    .services
                    .keys()
                    .filter(|name| needs(name))
                    .cloned()
                    .collect(),
            }
        });
        told.collect()
    }
}

/// Returns `shop/local`, with the component in between: what tells the workers of one place apart.
#[must_use]
pub fn scope_of(project: &Project) -> String {
    match &project.component {
        Some(component) => format!("{}/{component}/{}", project.name, project.env),
        None => format!("{}/{}", project.name, project.env),
    }
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

//! Drift somebody decided to live with: shown as ignored, with who, why and until when; never hidden.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::ids::Address;
use crate::domain::plan::model::Change;
use crate::domain::report::{DriftReport, StatusReport};
use crate::domain::time::Wall;

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Of which resource.
    pub address: Address,
    /// Of which field; `None`: of all.
    pub path: Option<String>,
    /// Why, in the operator's words.
    pub reason: String,
    /// Who decided: `user@host`.
    pub by: String,
    /// When.
    pub at: Wall,
    /// Until when; `None`: until it is taken back.
    pub until: Option<Wall>,
}

impl Ignored {
    /// Tells whether it still holds.
    #[must_use]
    pub fn holds(&self, now: Wall) -> bool {
        self.until.is_none_or(|until| now < until)
    }
    /// Returns `service.api` or `service.api:memory`.
    #[must_use]
    pub fn subject(&self) -> String {
        match &self.path {
            Some(path) => format!("{}:{path}", self.address),
            None => self.address.to_string(),
        }
    }
    fn covers(&self, address: &Address, change: &Change) -> bool {
        self.address == *address && self.path.as_ref().is_none_or(|path| *path == change.path)
    }
}

/// A decision about drift that does not undo it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// What is live becomes what is recorded.
    Accept {
        /// Of which resource.
        address: Address,
        /// Of which field; `None`: of all that drifted.
        path: Option<String>,
    },
    /// It is set aside, shown as ignored.
    Ignore {
        /// Of which resource.
        address: Address,
        /// Of which field; `None`: of all.
        path: Option<String>,
        /// Why, in the operator's words.
        reason: String,
        /// Until when; `None`: until it is taken back.
        until: Option<Wall>,
    },
    /// It counts again.
    Unignore {
        /// Of which resource.
        address: Address,
        /// Of which field; `None`: of all.
        path: Option<String>,
    },
}

/// A difference with the decision that sets it aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoredChange {
    /// The difference.
    pub change: Change,
    /// The decision.
    pub ignored: Ignored,
}

impl DriftReport {
    /// Sets aside what is ignored now; what has expired is drift again.
    #[must_use]
    pub fn without(mut self, ignored: &[Ignored], now: Wall) -> Self {
        let holding: Vec<&Ignored> = ignored.iter().filter(|one| one.holds(now)).collect();
        if holding.is_empty() {
            return self;
        }
        let mut aside: BTreeMap<Address, Vec<IgnoredChange>> = BTreeMap::new();
        for (address, changes) in &mut self.drifted {
            changes.retain(|change| {
                let found = holding.iter().find(|one| one.covers(address, change));
                if let Some(found) = found {
                    aside
                        .entry(address.clone())
                        .or_default()
                        .push(IgnoredChange {
                            change: change.clone(),
                            ignored: (*found).clone(),
                        });
                }
                found.is_none()
            });
        }
        self.drifted.retain(|_, changes| !changes.is_empty());
        self.half_done
            .retain(|address, _| self.drifted.contains_key(address));
        self.ignored = aside;
        self.with_digest()
    }
    /// Returns how many differences are set aside.
    #[must_use]
    pub fn ignored_fields(&self) -> usize {
        self.ignored.values().map(Vec::len).sum()
    }
    /// Tells whether all that differs on a resource is set aside.
    #[must_use]
    pub fn ignores(&self, address: &Address) -> bool {
        self.ignored.contains_key(address) && !self.drifted.contains_key(address)
    }
}

impl StatusReport {
    /// Sets aside what a report of the same look does.
    #[must_use]
    pub fn without_ignored(mut self, report: &DriftReport) -> Self {
        for (address, ignored) in &report.ignored {
            if let Some(resource) = self.resources.get_mut(address) {
                resource.drift = report.drifted.get(address).cloned().unwrap_or_default();
                resource.ignored.clone_from(ignored);
            }
        }
        self
    }
}

/// Longest time something may be ignored for when a time is given.
const LONGEST: Duration = Duration::from_secs(3_660 * 24 * 3_600);

/// Reads `30m`, `12h`, `2d`, `3w`: how long something is to be ignored.
#[must_use]
pub fn span(given: &str) -> Option<Duration> {
    let unit = given.chars().last()?;
    let number: u64 = given.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3_600,
        'd' => 24 * 3_600,
        'w' => 7 * 24 * 3_600,
        _ => return None,
    };
    let span = Duration::from_secs(number.checked_mul(seconds)?);
    (!span.is_zero() && span <= LONGEST).then_some(span)
}

/// Adds a decision in place of an older one about the same, and forgets what has expired.
pub fn decide(all: &mut Vec<Ignored>, new: Ignored, now: Wall) {
    all.retain(|one| one.holds(now) && (one.address != new.address || one.path != new.path));
    all.push(new);
    all.sort_by(|a, b| (&a.address, &a.path).cmp(&(&b.address, &b.path)));
}

/// Takes decisions back; without a path all of that resource. Returns what was taken back.
pub fn take_back(all: &mut Vec<Ignored>, address: &Address, path: Option<&str>) -> Vec<Ignored> {
    let (back, kept) = std::mem::take(all).into_iter().partition(|one: &Ignored| {
        one.address == *address && (path.is_none() || one.path.as_deref() == path)
    });
    *all = kept;
    back
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::model::{ActionKind, Cause};
    use crate::domain::report::ResourceStatus;

    fn change(path: &str) -> Change {
        Change {
            path: path.to_owned(),
            instance: None,
            before: Some("1".into()),
            after: Some("2".into()),
            cause: Cause::Drift,
            sensitive: false,
        }
    }
    fn ignored(path: Option<&str>, until: Option<i64>) -> Ignored {
        Ignored {
            address: Address::service("api"),
            path: path.map(str::to_owned),
            reason: "a trial".into(),
            by: "me@here".into(),
            at: Wall(0),
            until: until.map(Wall),
        }
    }
    fn report() -> DriftReport {
        DriftReport {
            drifted: [
                (
                    Address::service("api"),
                    vec![change("memory"), change("status")],
                ),
                (Address::service("web"), vec![change("memory")]),
            ]
            .into(),
            ..DriftReport::default()
        }
        .with_digest()
    }

    #[test]
    fn what_is_ignored_is_set_aside_until_it_expires() {
        let cases = [
            (ignored(Some("memory"), None), 2, 1),
            (ignored(None, Some(100)), 1, 2),
            (ignored(None, Some(50)), 2, 0),
            (ignored(Some("cpu"), None), 2, 0),
        ];
        for (decision, drifted, aside) in cases {
            let found = report().without(std::slice::from_ref(&decision), Wall(50));
            assert_eq!(found.drifted.len(), drifted, "{decision:?}");
            let set_aside: usize = found.ignored.values().map(Vec::len).sum();
            assert_eq!(set_aside, aside, "{decision:?}");
            assert_eq!(found.digest == report().digest, aside == 0, "{decision:?}");
        }
    }

    #[test]
    fn what_is_ignored_is_no_drift_of_how_everything_stands_either() {
        let standing = |name: &str| {
            let address = Address::service(name);
            let drift = report().drifted.remove(&address).unwrap_or_default();
            let resource = ResourceStatus {
                address: address.clone(),
                desired: true,
                wanted: 1,
                image: None,
                instances: Vec::new(),
                ready: true,
                pending: ActionKind::Update,
                drift,
                ignored: Vec::new(),
            };
            (address, resource)
        };
        let status = StatusReport {
            resources: [standing("api"), standing("web")].into(),
            ..StatusReport::default()
        };
        // (decision, fields of api that count, fields that are ignored)
        let cases = [
            (ignored(Some("memory"), None), 1, 1),
            (ignored(None, None), 0, 2),
            (ignored(None, Some(50)), 2, 0),
        ];
        for (decision, counting, aside) in cases {
            let drift = report().without(std::slice::from_ref(&decision), Wall(50));
            let told = status.clone().without_ignored(&drift);
            let api = &told.resources[&Address::service("api")];
            assert_eq!(api.drift.len(), counting, "{decision:?}");
            assert_eq!(api.ignored.len(), aside, "{decision:?}");
            assert_eq!(drift.ignored_fields(), aside, "{decision:?}");
            assert_eq!(drift.ignores(&api.address), counting == 0, "{decision:?}");
            assert_eq!(told.resources[&Address::service("web")].drift.len(), 1);
        }
    }

    #[test]
    fn a_new_decision_replaces_the_old_and_can_be_taken_back() {
        let mut all = vec![ignored(Some("memory"), Some(10)), ignored(None, None)];
        decide(&mut all, ignored(Some("status"), None), Wall(20));
        assert_eq!(all.len(), 2, "the expired one is forgotten");
        decide(&mut all, ignored(Some("status"), Some(99)), Wall(20));
        assert_eq!(all.len(), 2);
        assert_eq!(all[1].until, Some(Wall(99)));
        let back = take_back(&mut all, &Address::service("api"), Some("status"));
        assert_eq!(back[0].subject(), "service.api:status");
        assert_eq!(take_back(&mut all, &Address::service("web"), None), []);
        assert_eq!(take_back(&mut all, &Address::service("api"), None).len(), 1);
    }
}

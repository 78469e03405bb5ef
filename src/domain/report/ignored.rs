//! Drift somebody decided to live with: shown as ignored, with who, why and until when; never hidden.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::config::near::nearest;
use crate::domain::ids::Address;
use crate::domain::live::Live;
use crate::domain::plan::model::Change;
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::domain::refusal::Refusal;
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
    /// Says why it is not known what is ignored.
    #[must_use]
    pub fn undecided(mut self, why: String) -> Self {
        self.undecided = Some(why);
        self.with_digest()
    }
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
    /// Returns when the first of them counts again.
    #[must_use]
    pub fn next_expiry(&self, now: Wall) -> Option<Wall> {
        let all = self.ignored.values().flatten();
        let ends = all.filter_map(|one| one.ignored.until);
        ends.filter(|until| *until > now).min()
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
        self.undecided.clone_from(&report.undecided);
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

/// Returns the addresses of the file and of what is recorded.
#[must_use]
pub fn known(project: &Project, record: Option<&Record>) -> BTreeSet<Address> {
    let services = project.services.keys().map(|name| Address::service(name));
    let networks = project.networks.keys().map(|name| Address::network(name));
    let volumes = project.volumes.keys().map(|name| Address::volume(name));
    let recorded = record.into_iter().flat_map(|one| one.resources.keys());
    let recorded = recorded.cloned();
    let all = services.chain(networks).chain(volumes);
    all.chain(recorded).collect()
}

/// Returns the addresses of what is live, strays among it.
#[must_use]
pub fn live(live: &Live) -> BTreeSet<Address> {
    let services = live.instances.iter();
    let services = services.map(|one| Address::service(&one.service));
    let networks = live.networks.iter();
    let networks = networks.filter_map(|one| one.network.as_deref().map(Address::network));
    let volumes = live.volumes.iter();
    let volumes = volumes.filter_map(|one| one.volume.as_deref().map(Address::volume));
    services.chain(networks).chain(volumes).collect()
}

/// Refuses to set something aside that nobody has.
#[must_use]
pub fn unknown(address: &Address, known: &BTreeSet<Address>) -> Refusal {
    let refusal = Refusal::new(format!("there is no `{address}` that could drift"))
        .hint("neither the file nor the state has it, and nothing that runs is called so")
        .next("nkapp drift");
    let like = known.iter().filter(|one| one.kind == address.kind);
    let names: Vec<&str> = like.map(|one| one.name.as_str()).collect();
    if let Some(name) = nearest(&address.name, names) {
        let meant = Address {
            kind: address.kind,
            name: name.to_owned(),
        };
        return refusal.hint(format!("did you mean `{meant}`?"));
    }
    let all: Vec<String> = known.iter().map(|one| format!("`{one}`")).collect();
    match all.len() {
        0 | 13.. => refusal,
        _ => refusal.hint(format!("known here: {}", all.join(", "))),
    }
}

/// Refuses to take back a decision that was not made, and names those that were.
#[must_use]
pub fn not_ignored(all: &[Ignored], address: &Address, path: Option<&str>) -> Refusal {
    let subject = match path {
        Some(path) => format!("{address}:{path}"),
        None => address.to_string(),
    };
    let refusal = Refusal::new(format!("nothing of {subject} is ignored"));
    let refusal = all.iter().fold(refusal, |refusal, one| {
        refusal.hint(format!("ignored is {}: {}", one.subject(), one.reason))
    });
    match all.iter().find(|one| one.address == *address) {
        Some(one) => refusal.next(format!("nkapp drift unignore {}", one.subject())),
        None if all.is_empty() => refusal
            .hint("nothing is ignored at all")
            .next("nkapp drift"),
        None => refusal.next("nkapp drift ignored"),
    }
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
            let expiry = decision.until.filter(|_| aside > 0);
            assert_eq!(found.next_expiry(Wall(50)), expiry, "{decision:?}");
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

    #[test]
    fn what_nobody_has_is_refused_with_what_is_near() {
        let known = [
            Address::service("api"),
            Address::service("worker"),
            Address::volume("data"),
        ]
        .into();
        let cases = [
            (Address::service("aip"), "did you mean `service.api`?"),
            (Address::volume("date"), "did you mean `volume.data`?"),
            (
                Address::service("nope"),
                "known here: `volume.data`, `service.api`, `service.worker`",
            ),
        ];
        for (address, help) in cases {
            let refused = unknown(&address, &known);
            let problem = format!("there is no `{address}` that could drift");
            assert_eq!(refused.problem, problem);
            assert_eq!(refused.hints.last().map(String::as_str), Some(help));
            assert_eq!(refused.next.as_deref(), Some("nkapp drift"));
        }
    }

    #[test]
    fn a_decision_that_was_not_made_is_refused_with_those_that_were() {
        let all = [ignored(Some("status"), None)];
        let api = Address::service("api");
        let cases = [
            (
                &all[..],
                &api,
                Some("memory"),
                "nkapp drift unignore service.api:status",
            ),
            (
                &all[..],
                &Address::service("web"),
                None,
                "nkapp drift ignored",
            ),
            (&[][..], &api, None, "nkapp drift"),
        ];
        for (all, address, path, next) in cases {
            let refused = not_ignored(all, address, path);
            assert_eq!(refused.next.as_deref(), Some(next));
            let told = refused.hints.join("\n");
            let expected = match all {
                [] => "nothing is ignored at all",
                _ => "ignored is service.api:status: a trial",
            };
            assert_eq!(told, expected);
        }
    }
}

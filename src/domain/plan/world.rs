//! What is live, sorted once: ours by address, made by hand in our place, and strays.
//!
//! Ours is what carries the lineage of our state at an address that the file or the state knows, or what the record
//! knows by its id. Everything else is shown and never touched.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::{Address, Instance, Lineage, ResourceKind, Scope};
use crate::domain::live::{Live, LiveInstance, LiveNetwork, LiveVolume, Status};
use crate::domain::plan::build::PlanInput;
use crate::domain::plan::joined::networks_of;
use crate::domain::plan::model::{PlanWarning, Purpose, STATE_MISSING};
use crate::domain::project::canonical::network_aliases;
use crate::domain::project::naming;
use crate::domain::record::RecordedResource;

/// The indexed input of one plan.
pub(in crate::domain) struct World<'a> {
    pub(in crate::domain) input: &'a PlanInput<'a>,
    pub(in crate::domain) scope: Scope,
    /// Lineage whose objects are ours: the record's, or the one found where there is no record.
    pub(in crate::domain) lineage: Option<Lineage>,
    /// Our instances by service, sorted by number, one for each number.
    instances: BTreeMap<&'a str, Vec<&'a LiveInstance>>,
    networks: BTreeMap<String, &'a LiveNetwork>,
    volumes: BTreeMap<String, &'a LiveVolume>,
    /// Objects that are not ours, described for people.
    pub(in crate::domain) strays: Vec<String>,
    /// Remarks about the whole.
    pub(in crate::domain) warnings: Vec<PlanWarning>,
    /// Which services bear a name on a network, once somebody asked.
    bearers: OnceCell<Bearers>,
}

/// The services that are found by a name, by network and name.
type Bearers = BTreeMap<(String, String), BTreeSet<String>>;

impl<'a> World<'a> {
    /// Sorts the live objects.
    pub(in crate::domain) fn of(input: &'a PlanInput<'a>) -> Self {
        let mut world = Self {
            input,
            scope: input.project.scope(),
            lineage: None,
            instances: BTreeMap::new(),
            networks: BTreeMap::new(),
            volumes: BTreeMap::new(),
            strays: Vec::new(),
            warnings: Vec::new(),
            bearers: OnceCell::new(),
        };
        world.find_lineage();
        for remark in &input.live.remarks {
            world.warn_all(remark.clone());
        }
        world.sort_instances();
        world.sort_unplaced();
        world.sort_networks();
        world.sort_volumes();
        world.strays.sort_unstable();
        world.strays.dedup();
        world
    }
    /// Tells whether the plan undoes drift only.
    pub(in crate::domain) fn restores(&self) -> bool {
        self.input.request.purpose == Purpose::Restore
    }
    /// Returns the fields of a resource that this plan leaves as they are.
    pub(in crate::domain) fn aside(&self, address: &Address) -> Option<&'a BTreeSet<String>> {
        let aside = self.input.aside.get(address);
        aside.filter(|_| self.restores())
    }
    /// Tells whether another service of the file or of the state is found by a name on a network.
    pub(in crate::domain) fn is_name_of_another(
        &self,
        network: &str,
        name: &str,
        service: &str,
    ) -> bool {
        let bearers = self.bearers.get_or_init(|| self.bearers());
        let found = bearers.get(&(network.to_owned(), name.to_owned()));
        found.is_some_and(|found| found.iter().any(|other| other != service))
    }
    fn bearers(&self) -> Bearers {
        let mut all = Bearers::new();
        let mut bears = |network: &str, name: &str, service: &str| {
            let place = all.entry((network.to_owned(), name.to_owned()));
            place.or_default().insert(service.to_owned());
        };
        for service in self.input.project.services.values() {
            for (network, aliases) in network_aliases(service) {
                for alias in aliases {
                    bears(&network, &alias, &service.name);
                }
            }
        }
        let recorded = self.input.record.into_iter().flat_map(|r| &r.resources);
        for (address, resource) in recorded.filter(|(a, _)| a.kind == ResourceKind::Service) {
            for (network, aliases) in networks_of(&resource.model) {
                for alias in aliases.split(',').filter(|alias| !alias.is_empty()) {
                    bears(network, alias, &address.name);
                }
            }
        }
        all
    }
    /// Returns what was recorded of a resource.
    pub(in crate::domain) fn recorded(&self, address: &Address) -> Option<&'a RecordedResource> {
        self.input.record?.resources.get(address)
    }
    /// Returns our instances of a service, by number.
    pub(in crate::domain) fn instances(&self, service: &str) -> &[&'a LiveInstance] {
        self.instances.get(service).map_or(&[], Vec::as_slice)
    }
    /// Returns which instance of ours bears a name, `service.NAME[N]`.
    pub(in crate::domain) fn holder(&self, name: &str) -> Option<String> {
        let mut all = self.instances.iter();
        all.find_map(|(service, list)| {
            let one = list.iter().find(|one| one.name == name)?;
            Some(Address::service(service).instance(one.instance))
        })
    }
    /// Returns the names of all services that have an instance of ours.
    pub(in crate::domain) fn live_services(&self) -> impl Iterator<Item = &'a str> {
        self.instances.keys().copied()
    }
    /// Returns the network in our place: labelled as ours, known by its id, or made by hand under our name.
    pub(in crate::domain) fn network(&self, name: &str) -> Option<&'a LiveNetwork> {
        self.networks.get(name).copied()
    }
    /// Returns the names of the networks in our places.
    pub(in crate::domain) fn live_networks(&self) -> impl Iterator<Item = &String> {
        self.networks.keys()
    }
    /// Returns the volume in our place.
    pub(in crate::domain) fn volume(&self, name: &str) -> Option<&'a LiveVolume> {
        self.volumes.get(name).copied()
    }
    /// Returns the names of the volumes in our places.
    pub(in crate::domain) fn live_volumes(&self) -> impl Iterator<Item = &String> {
        self.volumes.keys()
    }

    fn find_lineage(&mut self) {
        if let Some(record) = self.input.record {
            self.lineage = Some(record.lineage.clone());
            return;
        }
        match found_lineages(self.input.live).as_slice() {
            [] => {}
            [(one, count)] => {
                let objects = if *count == 1 { "object" } else { "objects" };
                self.warn_all(format!(
                    "{STATE_MISSING}, and {count} {objects} of lineage {one} are there: nothing is changed until `nkapp state rebuild` has made a state of them"
                ));
                self.lineage = Some(one.clone());
            }
            several => {
                let names: Vec<&str> = several.iter().map(|(l, _)| l.as_str()).collect();
                self.warn_all(format!(
                    "{STATE_MISSING}, and there are objects of {} lineages ({}): none of them is touched",
                    several.len(),
                    names.join(", ")
                ));
            }
        }
    }

    fn sort_instances(&mut self) {
        let mut ours: BTreeMap<&'a str, BTreeMap<Instance, Vec<&'a LiveInstance>>> =
            BTreeMap::new();
        for live in self
            .input
            .live
            .instances
            .iter()
            .filter(|live| !live.one_off)
        {
            let address = Address::service(&live.service);
            if self.is_ours(live.lineage.as_ref(), &address) {
                let numbers = ours.entry(live.service.as_str()).or_default();
                numbers.entry(live.instance).or_default().push(live);
            } else {
                self.strays.push(format!(
                    "{} (looks like {}, {})",
                    live.name,
                    address.instance(live.instance),
                    self.foreign(live.lineage.as_ref())
                ));
            }
        }
        for (service, numbers) in ours {
            let recorded = self.recorded(&Address::service(service));
            let mut chosen = Vec::with_capacity(numbers.len());
            for (number, mut claims) in numbers {
                // 1. The one we recorded. 2. A running one. 3. The smallest id.
                claims.sort_by_key(|live| {
                    let known = recorded
                        .and_then(|r| r.instances.get(&number))
                        .is_some_and(|r| r.id == live.id);
                    (!known, live.status != Status::Running, live.id.clone())
                });
                let mut claims = claims.into_iter();
                chosen.extend(claims.next());
                self.strays.extend(claims.map(|live| {
                    let place = Address::service(service).instance(number);
                    format!("{} (claims {place}, which another holds)", live.name)
                }));
            }
            self.instances.insert(service, chosen);
        }
    }

    fn sort_unplaced(&mut self) {
        for live in &self.input.live.unplaced {
            let whose = match &live.lineage {
                Some(lineage) if Some(lineage) == self.lineage.as_ref() => {
                    "with our labels".to_owned()
                }
                other => self.foreign(other.as_ref()),
            };
            self.strays
                .push(format!("{} ({whose}, {})", live.name, live.why));
        }
    }

    fn sort_networks(&mut self) {
        let mut claims: BTreeMap<String, Vec<(bool, &'a LiveNetwork)>> = BTreeMap::new();
        let names = self.place_names(
            |name| naming::network_name(&self.scope, name),
            |address| address.kind == ResourceKind::Network,
            self.input.project.networks.keys(),
        );
        for live in &self.input.live.networks {
            let place = match (&live.network, &live.lineage) {
                (Some(name), lineage @ Some(_)) => {
                    let ours = self.is_ours(lineage.as_ref(), &Address::network(name));
                    ours.then_some(name)
                }
                (_, None) => names.get(&live.name),
                (None, Some(_)) => None,
            };
            match place {
                Some(name) => {
                    let known = self
                        .recorded(&Address::network(name))
                        .is_some_and(|r| r.id.as_ref() == Some(&live.id));
                    claims.entry(name.clone()).or_default().push((known, live));
                }
                None => self.strays.push(format!(
                    "network {} ({})",
                    live.name,
                    self.foreign(live.lineage.as_ref())
                )),
            }
        }
        for (name, mut claims) in claims {
            claims.sort_by_key(|(known, live)| (!known, live.lineage.is_none(), live.id.clone()));
            let mut claims = claims.into_iter();
            if let Some((_, live)) = claims.next() {
                self.networks.insert(name.clone(), live);
            }
            self.strays.extend(
                claims.map(|(_, live)| format!("network {} (a second one of its name)", live.name)),
            );
        }
    }

    fn sort_volumes(&mut self) {
        let names = self.place_names(
            |name| naming::volume_name(&self.scope, name),
            |address| address.kind == ResourceKind::Volume,
            self.input.project.volumes.keys(),
        );
        for live in &self.input.live.volumes {
            let place = match (&live.volume, &live.lineage) {
                (Some(name), lineage @ Some(_)) => {
                    let ours = self.is_ours(lineage.as_ref(), &Address::volume(name));
                    ours.then_some(name)
                }
                (_, None) => names.get(live.id.as_str()),
                (None, Some(_)) => None,
            };
            match place {
                Some(name) => {
                    let other = self.volumes.get(name).copied();
                    if other.is_none_or(|other| live.id < other.id) {
                        self.volumes.insert(name.clone(), live);
                    }
                }
                None => self.strays.push(format!(
                    "volume {} ({})",
                    live.id,
                    self.foreign(live.lineage.as_ref())
                )),
            }
        }
    }

    /// Maps the provider's names of all places the file or the record knows to their names in the file.
    fn place_names(
        &self,
        naming: impl Fn(&str) -> String,
        of_kind: impl Fn(&Address) -> bool,
        desired: impl Iterator<Item = &'a String>,
    ) -> BTreeMap<String, String> {
        let recorded = self.input.record.iter().flat_map(|r| r.resources.keys());
        let known: BTreeSet<&str> = recorded
            .filter(|address| of_kind(address))
            .map(|address| address.name.as_str())
            .chain(desired.map(String::as_str))
            .collect();
        known
            .into_iter()
            .map(|name| (naming(name), name.to_owned()))
            .collect()
    }
    fn is_ours(&self, lineage: Option<&Lineage>, address: &Address) -> bool {
        lineage.is_some() && lineage == self.lineage.as_ref() && self.is_known(address)
    }
    /// Tells whether the file or the state knows an address; without a state the labels are all there is.
    fn is_known(&self, address: &Address) -> bool {
        let project = self.input.project;
        let in_file = match address.kind {
            ResourceKind::Service => project.services.contains_key(&address.name),
            ResourceKind::Network => project.networks.contains_key(&address.name),
            ResourceKind::Volume => project.volumes.contains_key(&address.name),
            ResourceKind::Procedure => false,
        };
        in_file || self.input.record.is_none() || self.recorded(address).is_some()
    }
    fn foreign(&self, lineage: Option<&Lineage>) -> String {
        match lineage {
            Some(lineage) if Some(lineage) == self.lineage.as_ref() => {
                "with our labels, but neither the file nor the state knows it".to_owned()
            }
            Some(lineage) => format!("of lineage {lineage}, not ours"),
            None => "without a lineage".to_owned(),
        }
    }
    fn warn_all(&mut self, text: String) {
        self.warnings.push(PlanWarning {
            address: None,
            text,
            blocks: false,
        });
    }
}

/// Returns the lineages that live objects carry, with how many objects each has, sorted.
pub(in crate::domain) fn found_lineages(live: &Live) -> Vec<(Lineage, usize)> {
    let mut counts: BTreeMap<&Lineage, usize> = BTreeMap::new();
    let instances = live.instances.iter().filter_map(|i| i.lineage.as_ref());
    let networks = live.networks.iter().filter_map(|n| n.lineage.as_ref());
    let volumes = live.volumes.iter().filter_map(|v| v.lineage.as_ref());
    for lineage in instances.chain(networks).chain(volumes) {
        *counts.entry(lineage).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|(lineage, count)| (lineage.clone(), count))
        .collect()
}

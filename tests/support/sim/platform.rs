//! The simulated platform's own memory, and what operators, faults and workloads do to it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use nanokit::domain::ids::{Address, ImageId, Instance, Lineage, OpId, ProviderId};
use nanokit::domain::live::{
    Capabilities, Health, Live, LiveEvent, LiveEventKind, LiveSubject, Status,
};
use nanokit::domain::project::health::Probe;
use nanokit::domain::project::service::{MountSource, Service, ServiceKind};
use nanokit::ports::provider::Applied;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How the workload of a service behaves once its main command begins.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// When its health check turns healthy; `None`: never.
    pub healthy_after: Option<Duration>,
    /// When its port opens; `None`: never.
    pub port_after: Option<Duration>,
    /// When it ends, and with which code; `None`: it stays.
    pub ends: Option<(Duration, i64)>,
    /// What it prints when it begins.
    pub prints: String,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            healthy_after: Some(Duration::from_millis(300)),
            port_after: Some(Duration::from_millis(150)),
            ends: None,
            prints: "hello".to_owned(),
        }
    }
}

/// One instance.
#[derive(Clone, Debug)]
pub struct Box1 {
    pub id: ProviderId,
    pub name: String,
    pub service: Service,
    pub instance: Instance,
    pub lineage: Lineage,
    pub hash: String,
    pub op: OpId,
    pub status: Status,
    pub health: Health,
    pub image: Option<String>,
    pub image_id: Option<ImageId>,
    pub gated: bool,
    pub gate_open: bool,
    pub one_off: bool,
    pub networks: BTreeMap<String, BTreeSet<String>>,
    pub env: BTreeMap<String, String>,
    /// Counts starts, so that a workload's future of an earlier life does nothing to a later one.
    pub life: u64,
    /// When the main command of this life began.
    pub began: Option<Instant>,
    pub log: String,
}

impl Box1 {
    /// Tells whether it carries no label of ours at all.
    pub fn is_foreign(&self) -> bool {
        self.lineage.0.is_empty()
    }
}

/// A network or volume.
#[derive(Clone, Debug)]
pub struct Thing {
    pub id: ProviderId,
    pub name: String,
    pub lineage: Option<Lineage>,
    pub hash: String,
    /// The operation that made it.
    pub op: String,
}

/// Faults that were ordered, by `VERB ADDRESS[INSTANCE]`.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Fails so many times.
    pub fail: BTreeMap<String, u32>,
    /// Happens, but the reply is lost.
    pub lose_reply: BTreeSet<String>,
    /// Is lost on the way: nothing happens, no reply.
    pub lose_call: BTreeSet<String>,
}

/// Everything the platform remembers.
pub struct Memory {
    pub boxes: BTreeMap<ProviderId, Box1>,
    pub networks: BTreeMap<String, Thing>,
    pub volumes: BTreeMap<String, Thing>,
    /// Content of volumes: lock, sentinels and what installs leave.
    pub files: BTreeMap<String, BTreeMap<String, String>>,
    pub images: BTreeMap<String, ImageId>,
    pub listeners: Vec<mpsc::Sender<LiveEvent>>,
    pub behaviours: BTreeMap<String, Behaviour>,
    pub faults: Faults,
    pub capabilities: Capabilities,
    /// Operations that landed, and what they left.
    pub landed: BTreeMap<OpId, Applied>,
    /// Operations on their way.
    pub in_flight: BTreeSet<OpId>,
    /// What was called, in order, with the time in ms.
    pub calls: Vec<(u64, String)>,
    /// Hooks, commands and installs that ran, in order.
    pub ran: Vec<String>,
    /// Exit codes by command line; 0 where nothing is said.
    pub exits: BTreeMap<String, i64>,
    /// Exit codes that are used up one after the other before `exits` holds.
    pub first_exits: BTreeMap<String, Vec<i64>>,
    /// How long commands take.
    pub takes: BTreeMap<String, Duration>,
    /// What commands print.
    pub prints: BTreeMap<String, String>,
    /// What it says it is.
    pub engine: String,
    /// Out of a thousand calls, how many meet trouble.
    pub weather: u64,
    /// The last lists that somebody was shown, newest last.
    pub lists: VecDeque<Live>,
    pub next: u64,
    pub epoch: Instant,
}

/// The platform.
#[derive(Clone)]
pub struct Platform(pub Rc<RefCell<Memory>>);

impl Platform {
    pub fn new() -> Self {
        let memory = Memory {
            boxes: BTreeMap::new(),
            networks: BTreeMap::new(),
            volumes: BTreeMap::new(),
            files: BTreeMap::new(),
            images: BTreeMap::new(),
            listeners: Vec::new(),
            behaviours: BTreeMap::new(),
            faults: Faults::default(),
            capabilities: Capabilities {
                images: true,
                health_checks: true,
                limits_in_place: true,
                networks_in_place: true,
                shared_inner_ports: true,
            },
            landed: BTreeMap::new(),
            in_flight: BTreeSet::new(),
            calls: Vec::new(),
            ran: Vec::new(),
            exits: BTreeMap::new(),
            first_exits: BTreeMap::new(),
            takes: BTreeMap::new(),
            prints: BTreeMap::new(),
            engine: "sim".to_owned(),
            weather: 0,
            lists: VecDeque::new(),
            next: 0,
            epoch: Instant::now(),
        };
        Self(Rc::new(RefCell::new(memory)))
    }

    /// Looks at or changes the memory at once.
    pub fn with<T>(&self, f: impl FnOnce(&mut Memory) -> T) -> T {
        f(&mut self.0.borrow_mut())
    }

    /// Notes a call.
    pub fn called(&self, what: &str) {
        self.with(|m| {
            let at = u64::try_from(m.epoch.elapsed().as_millis()).unwrap();
            m.calls.push((at, what.to_owned()));
        });
    }

    /// Tells everybody who listens.
    pub fn tell(&self, id: &ProviderId, kind: LiveEventKind) {
        self.with(|m| {
            let subject = m.boxes.get(id).map(|b| LiveSubject {
                id: b.id.clone(),
                address: Address::service(&b.service.name),
                instance: b.instance,
            });
            m.tell(subject, kind);
        });
    }

    /// The main command of an instance begins: its behaviour unfolds.
    pub fn main_begins(&self, id: &ProviderId) {
        let started = self.with(|m| {
            let b = m.boxes.get_mut(id)?;
            b.began = Some(Instant::now());
            let prints = m
                .behaviours
                .get(&b.service.name)
                .cloned()
                .unwrap_or_else(|| default_of(&b.service));
            b.log.push_str(&prints.prints);
            b.log.push('\n');
            Some((b.life, prints, b.service.clone()))
        });
        let Some((life, behaviour, service)) = started else {
            return;
        };
        let checked = service
            .healthcheck
            .as_ref()
            .is_some_and(|c| matches!(c.probe, Probe::Command(_) | Probe::Shell(_)));
        let runs_checks = self.with(|m| m.capabilities.health_checks);
        let this = self.clone();
        let id = id.clone();
        if let (true, true, Some(after)) = (checked, runs_checks, behaviour.healthy_after) {
            let (this, id) = (this.clone(), id.clone());
            tokio::task::spawn_local(async move {
                tokio::time::sleep(after).await;
                let turned = this.with(|m| match m.boxes.get_mut(&id) {
                    Some(b) if b.life == life && b.status == Status::Running => {
                        b.health = Health::Healthy;
                        true
                    }
                    _ => false,
                });
                if turned {
                    this.tell(&id, LiveEventKind::Health(Health::Healthy));
                }
            });
        }
        if let Some((after, code)) = behaviour.ends {
            tokio::task::spawn_local(async move {
                tokio::time::sleep(after).await;
                this.dies(&id, life, code);
            });
        }
    }

    /// The instance ends, if it is still in that life.
    pub fn dies(&self, id: &ProviderId, life: u64, code: i64) {
        let died = self.with(|m| match m.boxes.get_mut(id) {
            Some(b) if b.life == life && b.status == Status::Running => {
                b.status = Status::Exited(code);
                b.health = Health::Unchecked;
                true
            }
            _ => false,
        });
        if died {
            self.tell(id, LiveEventKind::Died(code));
        }
    }

    /// Finds an instance by `service[number]`.
    pub fn find(&self, which: &str) -> Option<Box1> {
        self.with(|m| {
            m.boxes
                .values()
                .find(|b| !b.one_off && format!("{}[{}]", b.service.name, b.instance) == which)
                .cloned()
        })
    }

    /// Lists `service[number] status` of all instances, sorted.
    pub fn picture(&self) -> Vec<String> {
        self.with(|m| {
            let mut all: Vec<String> = m
                .boxes
                .values()
                .map(|b| {
                    let off = if b.one_off { " one-off" } else { "" };
                    let gate = if b.gated && !b.gate_open {
                        " gated"
                    } else {
                        ""
                    };
                    format!(
                        "{}[{}] {}{off}{gate}",
                        b.service.name,
                        b.instance,
                        b.status.as_str()
                    )
                })
                .collect();
            all.sort();
            all
        })
    }

    /// Lists what carries a lineage and is to stay: id, name, and the operation that made it.
    pub fn objects_of(&self, lineage: &Lineage) -> Vec<(ProviderId, String, String)> {
        self.with(|m| {
            let boxes = m
                .boxes
                .values()
                // One-offs carry a label of their own by which every run sweeps them away.
                .filter(|b| &b.lineage == lineage && !b.one_off)
                .map(|b| (b.id.clone(), b.name.clone(), b.op.to_string()));
            let things = m
                .networks
                .values()
                .chain(m.volumes.values())
                .filter(|t| t.lineage.as_ref() == Some(lineage))
                .map(|t| (t.id.clone(), t.name.clone(), t.op.clone()));
            boxes.chain(things).collect()
        })
    }

    /// Tells whether a service is up: running, and healthy where it is checked; a job: completed.
    pub fn is_up(&self, service: &str) -> bool {
        self.with(|m| {
            m.boxes.values().any(|b| {
                b.service.name == service
                    && !b.one_off
                    && !b.is_foreign()
                    && match b.service.kind {
                        ServiceKind::Job => b.status == Status::Exited(0),
                        ServiceKind::Service => {
                            b.status == Status::Running
                                && matches!(b.health, Health::Healthy | Health::Unchecked)
                        }
                    }
            })
        })
    }

    /// Tells whether any instance of a service runs.
    pub fn runs(&self, service: &str) -> bool {
        self.with(|m| {
            m.boxes
                .values()
                .filter(|b| b.service.name == service && !b.one_off && !b.is_foreign())
                .any(|b| b.status == Status::Running)
        })
    }

    /// Counts calls whose text begins so.
    pub fn count(&self, prefix: &str) -> usize {
        self.with(|m| {
            m.calls
                .iter()
                .filter(|(_, c)| c.starts_with(prefix))
                .count()
        })
    }

    /// Forgets the calls counted so far and returns them.
    pub fn take_calls(&self) -> Vec<String> {
        self.with(|m| {
            std::mem::take(&mut m.calls)
                .into_iter()
                .map(|(_, c)| c)
                .collect()
        })
    }
}

impl Memory {
    pub fn tell(&mut self, subject: Option<LiveSubject>, kind: LiveEventKind) {
        let event = LiveEvent { subject, kind };
        self.listeners
            .retain(|listener| listener.try_send(event.clone()).is_ok());
    }
    /// Finds an image by its name or by its id.
    pub fn image(&self, text: &str) -> Option<ImageId> {
        let by_id = || self.images.values().find(|id| id.as_str() == text);
        self.images.get(text).or_else(by_id).cloned()
    }
    /// Finds a volume that nothing mounts.
    pub fn unused_volume(&self) -> Option<ProviderId> {
        let mounted = |volume: &&Thing| {
            let mut mounts = self.boxes.values().flat_map(|b| &b.service.mounts);
            !mounts.any(|mount| match &mount.source {
                MountSource::Volume(name) => volume.name.ends_with(name.as_str()),
                MountSource::Bind { .. } => false,
            })
        };
        let unused = self.volumes.values().find(mounted);
        unused.map(|volume| volume.id.clone())
    }
    /// Removes a volume with what is in it, whoever wants it.
    pub fn lose_volume(&mut self, id: &ProviderId) {
        self.volumes.retain(|_, volume| &volume.id != id);
        self.tell(None, LiveEventKind::VolumeRemoved(id.clone()));
    }
    /// Makes a new identifier.
    pub fn id(&mut self, kind: &str) -> ProviderId {
        self.next += 1;
        ProviderId(format!("{kind}-{:04}", self.next))
    }
    /// Uses one ordered failure up.
    pub fn fails(&mut self, key: &str) -> bool {
        match self.faults.fail.get_mut(key) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }
    /// Returns the exit code of a command.
    pub fn exit_of(&mut self, line: &str) -> i64 {
        if let Some(codes) = self.first_exits.get_mut(line)
            && !codes.is_empty()
        {
            return codes.remove(0);
        }
        self.exits.get(line).copied().unwrap_or(0)
    }
}

/// Jobs end by themselves.
fn default_of(service: &Service) -> Behaviour {
    Behaviour {
        ends: (service.kind == ServiceKind::Job).then_some((Duration::from_millis(200), 0)),
        ..Behaviour::default()
    }
}

//! The simulated platform as a provider: effects happen on its side of the wire, whatever becomes of the caller.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use nanokit::domain::event::Stream;
use nanokit::domain::ids::{ImageId, OpId, ProviderId, Scope};
use nanokit::domain::live::{
    Capabilities, Health, Live, LiveEvent, LiveEventKind, LiveInstance, LiveNetwork, LiveSubject,
    LiveVolume, Status,
};
use nanokit::domain::model::{Field, Model, normal_image};
use nanokit::domain::project::canonical::text::{aliases_text, restart_text};
use nanokit::domain::project::canonical::{network_aliases, network_model};
use nanokit::domain::project::health::Probe;
use nanokit::domain::project::naming::{instance_name, network_name, volume_name};
use nanokit::domain::project::service::MountSource;
use nanokit::domain::usage::Counters;
use nanokit::ports::hooks::CallEnd;
use nanokit::ports::provider::{
    Applied, ExecCall, HealthDetail, InstanceRef, InstanceSpec, LogQuery, Op, OpKind, Outcome,
    Provider, ProviderError, Settled,
};
use nanokit::ports::sink::Sink;
use tokio::sync::{mpsc, oneshot};

use super::install;
use super::ledger::{Invariant, Ledger, Planted};
use super::life::Life;
use super::platform::{Box1, Memory, Platform, Thing};
use super::world::next;

/// The platform as one process sees it.
#[derive(Clone)]
pub struct SimProvider {
    pub platform: Platform,
    pub life: Life,
    pub ledger: Ledger,
    pub dice: Rc<Cell<u64>>,
}

fn refused(call: &str, subject: &str, cause: &str) -> ProviderError {
    ProviderError::Call {
        call: call.to_owned(),
        subject: subject.to_owned(),
        cause: cause.to_owned(),
    }
}

fn missing(subject: &str) -> ProviderError {
    ProviderError::Missing {
        subject: subject.to_owned(),
    }
}

/// Names an operation: verb and subject.
fn key_of(kind: &OpKind) -> (&'static str, String) {
    let of = |target: &InstanceRef| target.address.instance(target.instance);
    match kind {
        OpKind::PullImage { image } => ("pull", image.clone()),
        OpKind::BuildImage { tag, .. } => ("build", tag.clone()),
        OpKind::CreateNetwork { network, .. } => ("create", format!("network.{}", network.name)),
        OpKind::RemoveNetwork { id } => ("remove", id.to_string()),
        OpKind::CreateVolume { volume } => ("create", format!("volume.{}", volume.name)),
        OpKind::RemoveVolume { id } => ("remove", id.to_string()),
        OpKind::CreateInstance(spec) => ("create", spec.address.instance(spec.instance)),
        OpKind::StartInstance(target) => ("start", of(target)),
        OpKind::OpenGate(target) => ("open_gate", of(target)),
        OpKind::StopInstance { target, .. } => ("stop", of(target)),
        OpKind::RemoveInstance(target) => ("remove", of(target)),
        OpKind::RenameInstance { target, .. } => ("rename", of(target)),
        OpKind::SetLimits { target, .. } => ("limits", of(target)),
        OpKind::Connect {
            target, network, ..
        } => ("connect", format!("{} {network}", of(target))),
        OpKind::Disconnect { target, network } => {
            ("disconnect", format!("{} {network}", of(target)))
        }
        OpKind::Unpause(target) => ("unpause", of(target)),
    }
}

impl SimProvider {
    /// Draws what becomes of a call in bad weather.
    fn weather(&self) -> Option<Trouble> {
        let weather = self.platform.with(|m| m.weather);
        if weather == 0 {
            return None;
        }
        let trouble = match next(&self.dice) % 1000 {
            drawn if drawn >= weather => None,
            drawn => Some(match drawn % 5 {
                0 => Trouble::Fails,
                1 => Trouble::CallLost,
                2 => Trouble::ReplyLost,
                3 => Trouble::Slow(Duration::from_millis(next(&self.dice) % 3_000)),
                _ => Trouble::Slow(Duration::from_secs(next(&self.dice) % 25)),
            }),
        };
        if let Some(trouble) = trouble {
            self.ledger.fired(match trouble {
                Trouble::Fails => "call failed",
                Trouble::CallLost => "call lost",
                Trouble::ReplyLost => "reply lost",
                Trouble::Slow(_) => "call late",
            });
        }
        trouble
    }

    /// What the process is told when it hears nothing.
    fn lost(&self, error: ProviderError) -> Outcome<Applied> {
        if self.ledger.has(Planted::LostReplyFails) {
            Outcome::Failed(error)
        } else if self.ledger.has(Planted::LostReplySucceeds) {
            Outcome::Done(Applied {
                id: Some(ProviderId::new("unheard")),
                ..Applied::default()
            })
        } else {
            Outcome::Unknown(error)
        }
    }

    /// What a process is told: the platform may answer from a list that it made some time ago.
    fn maybe_old(&self, live: Live) -> Live {
        const KEPT: usize = 4;
        let ago = usize::try_from(self.life.fate().old_lists).unwrap_or(KEPT);
        let told = self.platform.with(|m| {
            let old = m.lists.len().checked_sub(ago.max(1));
            let told = old.filter(|_| ago > 0).map(|at| m.lists[at].clone());
            m.lists.push_back(live.clone());
            if m.lists.len() > KEPT {
                m.lists.pop_front();
            }
            told
        });
        match told {
            Some(mut old) => {
                if old.instances != live.instances {
                    self.ledger.fired("old list");
                }
                old.images = live.images;
                old
            }
            None => live,
        }
    }

    /// What a planted bug makes of what is there.
    fn distorted(&self, mut live: Live) -> Live {
        if self.ledger.has(Planted::NetworksUnseen) {
            for one in &mut live.instances {
                one.model.retain(|path, _| !path.starts_with("networks."));
            }
        }
        let looks = || {
            self.platform.with(|m| {
                let looks = m.calls.iter().filter(|(_, call)| call == "list instances");
                looks.count()
            })
        };
        if self.ledger.has(Planted::Flickers) && looks().is_multiple_of(2) {
            for one in &mut live.instances {
                let odd = Field::plain("77".to_owned());
                one.model.insert("memory".to_owned(), odd);
            }
        }
        live
    }

    fn check_issue(&self, op: &Op, what: &str) {
        self.ledger.issued(&self.life, op, what);
        self.ledger.in_order(&op.kind, self.life.takes_down());
    }

    /// How long a call takes: always the same for the same call.
    fn latency(text: &str) -> Duration {
        let sum: u64 = text.bytes().map(u64::from).sum();
        Duration::from_millis(4 + sum % 13)
    }

    /// Carries an operation out on the platform's side.
    fn land(platform: &Platform, op: &Op) -> Result<Applied, ProviderError> {
        let applied = match &op.kind {
            OpKind::CreateInstance(spec) => platform.with(|m| create(m, op, spec))?,
            OpKind::StartInstance(target) => start(platform, target)?,
            OpKind::OpenGate(target) => open_gate(platform, target)?,
            OpKind::StopInstance { target, .. } => stop(platform, target),
            OpKind::RemoveInstance(target) => remove(platform, target)?,
            other => platform.with(|m| small(m, op, other))?,
        };
        Ok(applied)
    }
}

/// What may become of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Fails,
    CallLost,
    ReplyLost,
    Slow(Duration),
}

fn target_of(kind: &OpKind) -> Option<&InstanceRef> {
    match kind {
        OpKind::StartInstance(target)
        | OpKind::OpenGate(target)
        | OpKind::StopInstance { target, .. }
        | OpKind::RemoveInstance(target)
        | OpKind::RenameInstance { target, .. }
        | OpKind::SetLimits { target, .. }
        | OpKind::Connect { target, .. }
        | OpKind::Disconnect { target, .. }
        | OpKind::Unpause(target) => Some(target),
        OpKind::PullImage { .. }
        | OpKind::BuildImage { .. }
        | OpKind::CreateNetwork { .. }
        | OpKind::RemoveNetwork { .. }
        | OpKind::CreateVolume { .. }
        | OpKind::RemoveVolume { .. }
        | OpKind::CreateInstance(_) => None,
    }
}

/// Nothing of somebody else may ever be touched.
fn check_landing(platform: &Platform, ledger: &Ledger, op: &Op) {
    if target_of(&op.kind).is_some_and(|target| ledger.is_stray(&target.id)) {
        let (verb, subject) = key_of(&op.kind);
        let text = format!("{verb} {subject} landed on a stray");
        ledger.broken(Invariant::I15OnlyOurs, text);
    }
    let owner = platform.with(|m| {
        let thing = |all: &BTreeMap<String, Thing>, id: &ProviderId| {
            all.values()
                .find(|thing| &thing.id == id)
                .map(|thing| thing.lineage.clone())
        };
        match &op.kind {
            OpKind::RemoveNetwork { id } => thing(&m.networks, id),
            OpKind::RemoveVolume { id } => thing(&m.volumes, id),
            other => {
                let target = target_of(other)?;
                m.boxes.get(&target.id).map(|b| Some(b.lineage.clone()))
            }
        }
    });
    if owner.is_some_and(|owner| owner.as_ref() != Some(&op.lineage)) {
        let (verb, subject) = key_of(&op.kind);
        let text = format!("{verb} {subject} landed on an object of somebody else");
        ledger.broken(Invariant::I15OnlyOurs, text);
    }
}

/// A planted bug: whatever has the name now is meant.
fn own_named(platform: &Platform, mut op: Op) -> Op {
    if let Some(named) = target_of(&op.kind).and_then(|target| {
        platform.with(|m| {
            m.boxes
                .values()
                .find(|b| b.name == target.name)
                .map(|b| b.id.clone())
        })
    }) {
        match &mut op.kind {
            OpKind::StartInstance(target)
            | OpKind::StopInstance { target, .. }
            | OpKind::RemoveInstance(target) => target.id = named,
            _ => {}
        }
    }
    op
}

/// A planted bug: it is said to be done, and is not.
fn is_skipped(ledger: &Ledger, op: &Op) -> bool {
    match op.kind {
        OpKind::SetLimits { .. } => ledger.has(Planted::LimitsIgnored),
        OpKind::RemoveNetwork { .. } => ledger.has(Planted::NetworksKept),
        _ => false,
    }
}

fn create(m: &mut Memory, op: &Op, spec: &InstanceSpec) -> Result<Applied, ProviderError> {
    let base = instance_name(&op.scope, &spec.service.name, spec.instance);
    let name = match spec.one_off {
        Some(_) => format!("{base}-install-{}", m.next),
        None => base,
    };
    if m.boxes.values().any(|b| b.name == name) {
        return Err(refused("create", &name, "the name is in use"));
    }
    let image = spec.image.as_deref().map(normal_image);
    let image_id = match &image {
        Some(image) => match m.image(image) {
            Some(id) => Some(id),
            None => return Err(refused("create", &name, &format!("no such image: {image}"))),
        },
        None => None,
    };
    for network in spec.service.networks.keys() {
        let full = network_name(&op.scope, network);
        if !m.networks.contains_key(&full) {
            return Err(refused(
                "create",
                &name,
                &format!("no such network: {full}"),
            ));
        }
    }
    // Like every engine: a volume that is not there is made, without a word.
    for mount in &spec.service.mounts {
        if let MountSource::Volume(volume) = &mount.source {
            let name = volume_name(&op.scope, volume);
            let made = || Thing {
                id: ProviderId(name.clone()),
                name: name.clone(),
                lineage: Some(op.lineage.clone()),
                hash: String::new(),
                op: op.id.to_string(),
            };
            m.volumes.entry(name.clone()).or_insert_with(made);
        }
    }
    let id = m.id("box");
    let checked = spec.service.healthcheck.is_some() && m.capabilities.health_checks;
    let made = Box1 {
        id: id.clone(),
        name: name.clone(),
        service: spec.service.clone(),
        instance: spec.instance,
        lineage: op.lineage.clone(),
        hash: spec.hash.clone(),
        op: op.id.clone(),
        status: Status::Created,
        health: Health::Unchecked,
        image,
        image_id: image_id.clone(),
        gated: spec.gated,
        gate_open: false,
        one_off: spec.one_off.is_some(),
        networks: network_aliases(&spec.service),
        env: spec
            .env
            .iter()
            .map(|(name, value)| (name.clone(), value.expose().to_owned()))
            .collect(),
        life: 0,
        began: None,
        log: String::new(),
    };
    let subject = LiveSubject {
        id: id.clone(),
        address: spec.address.clone(),
        instance: spec.instance,
    };
    m.boxes.insert(id.clone(), made);
    m.tell(Some(subject), LiveEventKind::Created);
    Ok(Applied {
        id: Some(id),
        name: Some(name),
        image_id,
        health_check: Some(checked),
        warnings: Vec::new(),
    })
}

fn start(platform: &Platform, target: &InstanceRef) -> Result<Applied, ProviderError> {
    let main = platform.with(|m| {
        let b = m
            .boxes
            .get_mut(&target.id)
            .ok_or_else(|| missing(&target.name))?;
        if b.status == Status::Running {
            return Ok(None);
        }
        b.status = Status::Running;
        b.life += 1;
        b.began = None;
        let checked = b.service.healthcheck.is_some() && m.capabilities.health_checks;
        b.health = if checked {
            Health::Starting
        } else {
            Health::Unchecked
        };
        Ok(Some(!b.gated || b.gate_open))
    })?;
    if let Some(main) = main {
        platform.tell(&target.id, LiveEventKind::Started);
        let one_off = platform.with(|m| m.boxes.get(&target.id).is_some_and(|b| b.one_off));
        if one_off {
            install::run_in_box(platform, &target.id);
        } else if main {
            platform.main_begins(&target.id);
        }
    }
    Ok(Applied::default())
}

fn open_gate(platform: &Platform, target: &InstanceRef) -> Result<Applied, ProviderError> {
    let opened = platform.with(|m| {
        let b = m
            .boxes
            .get_mut(&target.id)
            .ok_or_else(|| missing(&target.name))?;
        if b.status != Status::Running {
            return Err(refused("open gate", &target.name, "it does not run"));
        }
        Ok(!std::mem::replace(&mut b.gate_open, true))
    })?;
    if opened {
        platform.main_begins(&target.id);
    }
    Ok(Applied::default())
}

fn stop(platform: &Platform, target: &InstanceRef) -> Applied {
    let life = platform.with(|m| m.boxes.get(&target.id).map(|b| b.life));
    platform.with(|m| {
        if let Some(b) = m.boxes.get_mut(&target.id)
            && b.status == Status::Paused
        {
            b.status = Status::Running;
        }
    });
    if let Some(life) = life {
        platform.dies(&target.id, life, 143);
    }
    Applied::default()
}

fn remove(platform: &Platform, target: &InstanceRef) -> Result<Applied, ProviderError> {
    let running = platform.with(|m| {
        m.boxes
            .get(&target.id)
            .is_some_and(|b| matches!(b.status, Status::Running | Status::Paused))
    });
    if running {
        return Err(refused("remove", &target.name, "it is running"));
    }
    platform.tell(&target.id, LiveEventKind::Removed);
    platform.with(|m| m.boxes.remove(&target.id));
    Ok(Applied::default())
}

fn small(m: &mut Memory, op: &Op, kind: &OpKind) -> Result<Applied, ProviderError> {
    let thing = |m: &mut Memory, kind: &str, name: &str, hash: &str| Thing {
        id: if kind == "vol" {
            ProviderId(name.to_owned())
        } else {
            m.id(kind)
        },
        name: name.to_owned(),
        lineage: Some(op.lineage.clone()),
        hash: hash.to_owned(),
        op: op.id.to_string(),
    };
    match kind {
        OpKind::PullImage { image } => {
            let id = ImageId(format!("sha256:{image}"));
            m.images.insert(image.clone(), id.clone());
            Ok(Applied {
                image_id: Some(id),
                ..Applied::default()
            })
        }
        OpKind::BuildImage { tag, .. } => {
            let id = ImageId(format!("sha256:{tag}"));
            m.images.insert(normal_image(tag), id.clone());
            Ok(Applied {
                image_id: Some(id),
                ..Applied::default()
            })
        }
        OpKind::CreateNetwork { network, hash } => {
            let name = network_name(&op.scope, &network.name);
            if m.networks.contains_key(&name) {
                return Err(refused("create network", &name, "the name is in use"));
            }
            let made = thing(m, "net", &name, hash);
            let id = made.id.clone();
            m.networks.insert(name.clone(), made);
            Ok(Applied {
                id: Some(id),
                name: Some(name),
                ..Applied::default()
            })
        }
        OpKind::CreateVolume { volume } => {
            let name = volume_name(&op.scope, &volume.name);
            let made = thing(m, "vol", &name, "");
            let id = made.id.clone();
            m.volumes.entry(name.clone()).or_insert(made);
            m.files.entry(volume.name.clone()).or_default();
            Ok(Applied {
                id: Some(id),
                name: Some(name),
                ..Applied::default()
            })
        }
        OpKind::RemoveNetwork { id } => {
            let joined = |b: &&Box1| {
                let mut names = b.networks.keys().map(|n| network_name(&op.scope, n));
                names.any(|name| m.networks.get(&name).is_some_and(|t| &t.id == id))
            };
            let running = m.boxes.values().filter(|b| b.status == Status::Running);
            let names: Vec<&str> = running.filter(joined).map(|b| b.name.as_str()).collect();
            if !names.is_empty() {
                let why = format!("still joined by {}", names.join(", "));
                return Err(refused("remove network", id.as_str(), &why));
            }
            m.networks.retain(|_, t| &t.id != id);
            Ok(Applied::default())
        }
        OpKind::RemoveVolume { id } => {
            if m.boxes.values().any(|b| mounts(b, &op.scope, id)) {
                return Err(refused("remove volume", id.as_str(), "it is in use"));
            }
            m.lose_volume(id);
            Ok(Applied::default())
        }
        OpKind::RenameInstance { target, .. } => {
            let name = instance_name(&op.scope, &target.address.name, target.instance);
            let b = m
                .boxes
                .get_mut(&target.id)
                .ok_or_else(|| missing(&target.name))?;
            b.name.clone_from(&name);
            Ok(Applied {
                name: Some(name),
                ..Applied::default()
            })
        }
        OpKind::SetLimits { target, limits } => {
            let b = m
                .boxes
                .get_mut(&target.id)
                .ok_or_else(|| missing(&target.name))?;
            b.service.cpu_millis = limits.cpu_millis;
            b.service.memory_bytes = limits.memory_bytes;
            b.service.restart = limits.restart;
            Ok(Applied::default())
        }
        OpKind::Connect {
            target,
            network,
            aliases,
        } => {
            let b = m
                .boxes
                .get_mut(&target.id)
                .ok_or_else(|| missing(&target.name))?;
            b.networks.insert(network.clone(), aliases.clone());
            Ok(Applied::default())
        }
        OpKind::Disconnect { target, network } => {
            let scope = op.scope.clone();
            let b = m
                .boxes
                .get_mut(&target.id)
                .ok_or_else(|| missing(&target.name))?;
            b.networks
                .retain(|n, _| n != network && &network_name(&scope, n) != network);
            Ok(Applied::default())
        }
        OpKind::Unpause(target) => {
            let b = m
                .boxes
                .get_mut(&target.id)
                .ok_or_else(|| missing(&target.name))?;
            b.status = Status::Running;
            Ok(Applied::default())
        }
        OpKind::CreateInstance(_)
        | OpKind::StartInstance(_)
        | OpKind::OpenGate(_)
        | OpKind::StopInstance { .. }
        | OpKind::RemoveInstance(_) => Ok(Applied::default()),
    }
}

fn mounts(b: &Box1, scope: &Scope, id: &ProviderId) -> bool {
    b.service.mounts.iter().any(|mount| match &mount.source {
        MountSource::Volume(name) => volume_name(scope, name) == id.0,
        MountSource::Bind { .. } => false,
    })
}

fn model_of(b: &Box1) -> Model {
    let mut model = Model::new();
    let mut put = |path: &str, text: String| model.insert(path.to_owned(), Field::plain(text));
    if let Some(image) = &b.image {
        put("image", image.clone());
    }
    put("cpu", b.service.cpu_millis.unwrap_or(0).to_string());
    put("memory", b.service.memory_bytes.unwrap_or(0).to_string());
    put("restart", restart_text(b.service.restart));
    for (network, aliases) in &b.networks {
        put(&format!("networks.{network}"), aliases_text(aliases));
    }
    model
}

fn live_of(b: &Box1) -> LiveInstance {
    LiveInstance {
        id: b.id.clone(),
        name: b.name.clone(),
        service: b.service.name.clone(),
        instance: b.instance,
        lineage: Some(b.lineage.clone()),
        hash: Some(b.hash.clone()),
        op: Some(b.op.clone()),
        status: b.status,
        health: b.health,
        image_id: b.image_id.clone(),
        model: model_of(b),
        started_at_ms: None,
        one_off: b.one_off,
        restarts: 0,
        ports: Vec::new(),
        given: BTreeMap::new(),
    }
}

impl Provider for SimProvider {
    fn capabilities(&self) -> Capabilities {
        self.platform.with(|m| m.capabilities)
    }

    fn describe(&self) -> String {
        "simulated platform".to_owned()
    }

    async fn observe(
        &self,
        scope: &Scope,
        images: &BTreeSet<String>,
    ) -> Result<Live, ProviderError> {
        self.life.step("observe").await;
        let is_busy = || self.platform.with(|m| !m.in_flight.is_empty());
        while self.ledger.has(Planted::LooksWait) && is_busy() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.platform.called("list instances");
        self.platform.called("list networks");
        self.platform.called("list volumes");
        if !images.is_empty() {
            self.platform.called("list images");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        let inspected = self.platform.with(|m| m.boxes.len());
        for _ in 0..inspected {
            self.platform.called("inspect");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        let live = self.platform.with(|m| Live {
            engine: m.engine.clone(),
            instances: m
                .boxes
                .values()
                .filter(|b| !b.is_foreign())
                .map(live_of)
                .collect(),
            unplaced: Vec::new(),
            obstacles: Vec::new(),
            remarks: Vec::new(),
            networks: m
                .networks
                .values()
                .map(|t| LiveNetwork {
                    id: t.id.clone(),
                    name: t.name.clone(),
                    network: t.lineage.is_some().then(|| file_name(scope, &t.name)),
                    lineage: t.lineage.clone(),
                    hash: Some(t.hash.clone()),
                    model: network_model(&nanokit::domain::project::project::Network::default()),
                })
                .collect(),
            volumes: m
                .volumes
                .values()
                .map(|t| LiveVolume {
                    id: t.id.clone(),
                    volume: Some(volume_file_name(scope, &t.name)),
                    lineage: t.lineage.clone(),
                    model: Model::new(),
                })
                .collect(),
            images: images
                .iter()
                .filter_map(|image| Some((image.clone(), m.images.get(image)?.clone())))
                .collect(),
            local_images: m.images.values().cloned().collect(),
            has_images: m.capabilities.images,
        });
        self.life.step("observed").await;
        Ok(self.maybe_old(self.distorted(live)))
    }

    async fn apply(&self, op: &Op, sink: &dyn Sink) -> Outcome<Applied> {
        let (verb, subject) = key_of(&op.kind);
        let key = format!("{verb} {subject}");
        self.life.step(&format!("send {key}")).await;
        self.platform.called(&key);
        if matches!(op.kind, OpKind::PullImage { .. }) {
            sink.progress(1, Some(2), "layers");
        }
        self.check_issue(op, &key);
        let (failing, lost_call, lost_reply) = self.platform.with(|m| {
            (
                m.fails(&key),
                m.faults.lose_call.remove(&key),
                m.faults.lose_reply.remove(&key),
            )
        });
        let drawn = self.weather();
        let failing = failing || drawn == Some(Trouble::Fails);
        let lost_call = lost_call || drawn == Some(Trouble::CallLost);
        let lost_reply = lost_reply || drawn == Some(Trouble::ReplyLost);
        if lost_call {
            tokio::time::sleep(Duration::from_secs(1)).await;
            return self.lost(refused(verb, &subject, "connection reset"));
        }
        if failing {
            tokio::time::sleep(Self::latency(&key)).await;
            if self.ledger.has(Planted::FailureSucceeds) {
                return Outcome::Done(Applied {
                    id: Some(ProviderId::new("nothing")),
                    ..Applied::default()
                });
            }
            return Outcome::Failed(refused(verb, &subject, "the platform says no"));
        }
        // From here on it happens, whether or not somebody waits for the reply.
        let (reply, answer) = oneshot::channel();
        let (platform, own) = (self.platform.clone(), op.clone());
        self.platform.with(|m| m.in_flight.insert(op.id.clone()));
        let slow = match drawn {
            Some(Trouble::Slow(by)) => by,
            Some(Trouble::Fails | Trouble::CallLost | Trouble::ReplyLost) | None => Duration::ZERO,
        };
        let latency = Self::latency(&key) + slow;
        let ledger = self.ledger.clone();
        tokio::task::spawn_local(async move {
            tokio::time::sleep(latency).await;
            let by_name = ledger.has(Planted::ByName);
            let own = if by_name {
                own_named(&platform, own)
            } else {
                own
            };
            check_landing(&platform, &ledger, &own);
            let landed = if is_skipped(&ledger, &own) {
                Ok(Applied::default())
            } else {
                Self::land(&platform, &own)
            };
            platform.with(|m| {
                m.in_flight.remove(&own.id);
                if let Ok(applied) = &landed {
                    m.landed.insert(own.id.clone(), applied.clone());
                }
            });
            let _ = reply.send(landed);
        });
        let landed = answer.await;
        tokio::time::sleep(Self::latency(&key)).await;
        self.life.step(&format!("reply {key}")).await;
        if lost_reply {
            return self.lost(refused(verb, &subject, "connection reset"));
        }
        match landed {
            Ok(Ok(applied)) => Outcome::Done(applied),
            Ok(Err(error)) => Outcome::Failed(error),
            Err(_) => Outcome::Unknown(refused(verb, &subject, "no reply")),
        }
    }

    async fn settle(
        &self,
        op: &OpId,
        verb: &str,
        target: Option<&ProviderId>,
        _scope: &Scope,
    ) -> Result<Settled, ProviderError> {
        self.life.step("settle").await;
        self.platform.called("settle");
        if self.ledger.has(Planted::PendingForgotten) {
            return Ok(Settled::NotDone);
        }
        let waits = !self.ledger.has(Planted::NoSettleWait);
        while waits && self.platform.with(|m| m.in_flight.contains(op)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let _ = (verb, target);
        let never_landed = || self.platform.with(|m| !m.landed.contains_key(op));
        if self.ledger.has(Planted::SettleWaits) && never_landed() {
            std::future::pending::<()>().await;
        }
        Ok(self.platform.with(|m| match m.landed.get(op) {
            Some(applied) => Settled::Done(applied.clone()),
            None => Settled::NotDone,
        }))
    }

    async fn exec(&self, target: &InstanceRef, call: &ExecCall, sink: &dyn Sink) -> CallEnd {
        let line = call.argv.last().cloned().unwrap_or_default();
        self.life.step(&format!("exec {}", target.name)).await;
        self.platform.called(&format!("exec {}", target.address));
        self.ledger.commanded(&self.life, &line);
        let running = self.platform.with(|m| {
            m.boxes
                .get(&target.id)
                .is_some_and(|b| b.status == Status::Running)
        });
        if !running {
            return CallEnd::InstanceGone("it does not run".to_owned());
        }
        if install::is_script(&line) {
            let env: BTreeMap<String, String> = call
                .env
                .iter()
                .map(|(name, value)| (name.clone(), value.expose().to_owned()))
                .collect();
            let end = install::run(&self.platform, &target.id, env, sink).await;
            self.life.step("exec ended").await;
            return end;
        }
        let who = target.address.instance(target.instance);
        let (takes, prints) = self.platform.with(|m| {
            m.ran.push(format!("{who}: {line}"));
            (
                m.takes
                    .get(&line)
                    .copied()
                    .unwrap_or(Duration::from_millis(10)),
                m.prints.get(&line).cloned().unwrap_or_default(),
            )
        });
        if takes > call.timeout {
            self.ledger.fired("hook hung");
            tokio::time::sleep(call.timeout).await;
            return CallEnd::TimedOut;
        }
        tokio::time::sleep(takes).await;
        sink.output(Stream::Stdout, prints.as_bytes());
        self.life.step("exec ended").await;
        CallEnd::Exited(self.platform.with(|m| m.exit_of(&line)))
    }

    async fn probe(
        &self,
        target: &InstanceRef,
        _probe: &Probe,
        _timeout: Duration,
    ) -> Result<(), String> {
        self.life.step("probe").await;
        self.platform.called("probe");
        tokio::time::sleep(Duration::from_millis(1)).await;
        let open = self.platform.with(|m| {
            let b = m.boxes.get(&target.id)?;
            let began = b.began?;
            let behaviour = m
                .behaviours
                .get(&b.service.name)
                .cloned()
                .unwrap_or_default();
            Some(began.elapsed() >= behaviour.port_after?)
        });
        if open == Some(true) {
            Ok(())
        } else {
            Err("connection refused".to_owned())
        }
    }

    async fn logs(
        &self,
        target: &InstanceRef,
        query: LogQuery,
        sink: &dyn Sink,
    ) -> Result<(), ProviderError> {
        self.life.step("logs").await;
        self.platform.called("logs");
        let text = self
            .platform
            .with(|m| m.boxes.get(&target.id).map(|b| b.log.clone()));
        let text = text.ok_or_else(|| missing(&target.name))?;
        sink.output(Stream::Stdout, text.as_bytes());
        if query.follow {
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let state = self
                    .platform
                    .with(|m| m.boxes.get(&target.id).map(|b| (b.log.clone(), b.status)));
                match state {
                    Some((_, Status::Running)) => {}
                    Some((now, _)) => {
                        let more = now.strip_prefix(&text).unwrap_or_default();
                        sink.output(Stream::Stdout, more.as_bytes());
                        break;
                    }
                    None => break,
                }
            }
        }
        Ok(())
    }

    async fn health_detail(&self, target: &InstanceRef) -> Result<HealthDetail, ProviderError> {
        self.life.step("health detail").await;
        self.platform.called("inspect");
        self.platform.with(|m| {
            let b = m
                .boxes
                .get(&target.id)
                .ok_or_else(|| missing(&target.name))?;
            Ok(HealthDetail {
                last_output: if b.health == Health::Unhealthy {
                    "probe says no".to_owned()
                } else {
                    String::new()
                },
                exit_code: match b.status {
                    Status::Exited(code) => Some(code),
                    _ => None,
                },
                ..HealthDetail::default()
            })
        })
    }

    async fn sample(
        &self,
        targets: &[InstanceRef],
    ) -> Result<BTreeMap<ProviderId, Counters>, ProviderError> {
        let mut found = BTreeMap::new();
        for target in targets {
            self.platform.called("sample");
            let running = self.platform.with(|m| {
                let one = m.boxes.get(&target.id);
                one.is_some_and(|one| one.status == Status::Running)
            });
            if running {
                let number = u64::from(target.instance.0) + 1;
                let counters = Counters {
                    cpu_ns: Some(number * 100),
                    clock_ns: 1_000,
                    memory: Some(number << 20),
                    ..Counters::default()
                };
                found.insert(target.id.clone(), counters);
            }
        }
        Ok(found)
    }

    async fn wait(&self, target: &InstanceRef) -> Result<i64, ProviderError> {
        self.life.step("wait").await;
        self.platform.called("wait");
        loop {
            let status = self
                .platform
                .with(|m| m.boxes.get(&target.id).map(|b| b.status));
            match status {
                Some(Status::Exited(code)) => return Ok(code),
                Some(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                None => return Err(missing(&target.name)),
            }
        }
    }

    async fn watch(&self, _scope: &Scope, events: mpsc::Sender<LiveEvent>) {
        self.life.step("watch").await;
        self.platform.called("events");
        tokio::time::sleep(Duration::from_millis(3)).await;
        let (sender, mut inner) = mpsc::channel(10_000);
        self.platform.with(|m| m.listeners.push(sender));
        let connected = LiveEvent {
            subject: None,
            kind: LiveEventKind::Connected,
        };
        if events.send(connected).await.is_err() {
            return;
        }
        while let Some(event) = inner.recv().await {
            if events.send(event).await.is_err() {
                return;
            }
        }
        std::future::pending().await
    }
}

/// Finds the name in the file behind a network's full name.
fn file_name(scope: &Scope, full: &str) -> String {
    let default = network_name(scope, "default");
    if full == default {
        "default".to_owned()
    } else {
        full.strip_prefix(&format!("{default}-"))
            .unwrap_or(full)
            .to_owned()
    }
}

fn volume_file_name(scope: &Scope, full: &str) -> String {
    let probe = volume_name(scope, "x");
    let prefix = probe.strip_suffix('x').unwrap_or_default();
    full.strip_prefix(prefix).unwrap_or(full).to_owned()
}

//! Instance folders: finding them, telling how they stand, making one.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use crate::adapters::providers::process::damage::{self, Lost, write_spec};
use crate::adapters::providers::process::environment::{self, Environment, Ports};
use crate::adapters::providers::process::files::{
    Check, FORMAT, Owner, Spec, State, StatusFile, Verdict, millis,
};
use crate::adapters::providers::process::folder::{
    Places, names, real_folder, remove_folder, sweep_trash, sync_folder,
};
use crate::adapters::providers::process::identity::ProcessId;
use crate::adapters::providers::process::ports;
use crate::adapters::providers::process::tree::{MARKER, Nets};
use crate::domain::ids::{ProviderId, Scope};
use crate::domain::live::{Health, Status};
use crate::domain::project::canonical::network_aliases;
use crate::domain::project::naming::instance_name;
use crate::domain::secret::Secret;
use crate::ports::provider::{InstanceSpec, Op};

/// An instance as its folder tells.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    pub(super) spec: Spec,
    pub(super) status: StatusFile,
    /// Which of its files cannot be read and why, though something stands in for it.
    pub(super) damage: Vec<String>,
}

impl Found {
    fn read(places: &Places, name: &str) -> io::Result<Self> {
        let folder = places.instance(name);
        real_folder(&folder)?;
        let (spec, damaged) = damage::read_spec(&folder)?;
        let (status, unknown) = damage::read_status(&folder, &spec.id);
        Ok(Self {
            name: name.to_owned(),
            damage: damaged.into_iter().chain(unknown).collect(),
            status,
            folder,
            spec,
        })
    }

    pub(super) fn refresh(&mut self) {
        (self.status, _) = damage::read_status(&self.folder, &self.spec.id);
    }

    pub(super) fn supervisor_lives(&self) -> bool {
        self.status
            .supervisor
            .as_ref()
            .is_some_and(ProcessId::is_alive)
    }

    /// Returns the process that is frozen, if it is.
    pub(super) fn frozen(&self) -> Option<i32> {
        let main = self.status.main.as_ref()?;
        (self.standing() == Status::Paused).then_some(main.pid)
    }

    /// Tells how it stands, by what `/proc` proves rather than by what was written down.
    pub(super) fn standing(&self) -> Status {
        let ended = Status::Exited(self.status.exit_code.unwrap_or(255));
        let supervised = self.supervisor_lives();
        // Its secrets lived in the supervisor alone; nobody can start it again.
        let lost = !supervised && !self.spec.secrets.is_empty();
        let main = self.status.main.as_ref().and_then(ProcessId::stat);
        match self.status.state {
            State::Running => match main {
                Some(stat) if matches!(stat.state, 'T' | 't') => Status::Paused,
                Some(_) => Status::Running,
                // It ended a moment ago and the supervisor is about to write that down.
                None if supervised => Status::Restarting,
                None if lost => Status::Dead,
                None => ended,
            },
            State::Gated if supervised => Status::Running,
            State::Restarting if supervised => Status::Restarting,
            State::Created | State::Exited | State::Gated | State::Restarting if lost => {
                Status::Dead
            }
            State::Created => Status::Created,
            State::Exited | State::Gated | State::Restarting => ended,
        }
    }

    /// Tells the supervisor's verdict; without a supervisor nobody checks.
    pub(super) fn health(&self) -> Health {
        if self.spec.health.is_none() || !self.supervisor_lives() {
            return Health::Unchecked;
        }
        match self.status.health {
            _ if self.status.state == State::Gated => Health::Starting,
            Verdict::Starting => Health::Starting,
            Verdict::Healthy => Health::Healthy,
            Verdict::Unhealthy => Health::Unhealthy,
        }
    }

    /// Everything that carries its mark, also when nobody supervises it any more.
    pub(super) fn nets(&self) -> Nets<'_> {
        Nets {
            marker: (MARKER, &self.spec.id),
            root: None,
            cgroup: self.status.cgroup.as_deref(),
        }
    }

    /// Its secrets by the names of their variables.
    pub(super) fn given(&self) -> BTreeMap<String, Secret> {
        let secrets = self.secrets().into_iter();
        secrets
            .map(|(name, value)| (name, Secret::new(value)))
            .collect()
    }

    /// Values of its secrets, from the memory of whoever still has them.
    pub(super) fn secrets(&self) -> Vec<(String, String)> {
        if self.spec.secrets.is_empty() {
            return Vec::new();
        }
        let holders = [&self.status.supervisor, &self.status.main];
        let holder = holders.into_iter().flatten().find(|id| id.is_alive());
        holder.map_or_else(Vec::new, |holder| {
            let all = holder.environment().into_iter();
            all.filter(|(name, _)| self.spec.secrets.contains(name))
                .collect()
        })
    }
}

/// Lists the instances of every scope; a folder that does not tell what it is, is not among them.
pub(super) fn all(places: &Places) -> io::Result<Vec<Found>> {
    list(places).map(|(found, _)| found)
}

/// Lists the instances of every scope, and the folders that do not tell what they are.
pub(super) fn list(places: &Places) -> io::Result<(Vec<Found>, Vec<Lost>)> {
    let (mut found, mut lost) = (Vec::new(), Vec::new());
    for name in names(&places.instances())? {
        if name == "networks" {
            continue;
        }
        match Found::read(places, &name) {
            Ok(instance) => found.push(instance),
            // Removed while we looked.
            Err(_) if !is_there(places, &name) => {}
            Err(error) => lost.push(Lost::of(places, &name, &error)),
        }
    }
    Ok((found, lost))
}

fn is_there(places: &Places, name: &str) -> bool {
    std::fs::symlink_metadata(places.instance(name)).is_ok()
}

/// Finds one instance by its id: under its name, else wherever it was moved to.
pub(super) fn find(places: &Places, id: &ProviderId, name: &str) -> io::Result<Option<Found>> {
    let id = id.as_str();
    let plain_name = !name.is_empty() && !name.contains('/') && !name.starts_with('.');
    if plain_name
        && let Ok(found) = Found::read(places, name)
        && found.spec.id == id
    {
        return Ok(Some(found));
    }
    Ok(all(places)?.into_iter().find(|found| found.spec.id == id))
}

/// Finds an instance by its name.
pub(super) fn named(places: &Places, name: &str) -> Option<Found> {
    Found::read(places, name).ok()
}

/// Port by service and instance number of a scope's instances, one-offs left out.
fn recorded_ports(found: &[Found], scope: &Scope) -> Ports {
    let mut ports = Ports::new();
    for instance in found {
        let spec = &instance.spec;
        if let (Some(port), true, false) = (spec.port, spec.owner.is_in(scope), spec.one_off) {
            ports
                .entry(spec.service.clone())
                .or_default()
                .insert(spec.instance, port);
        }
    }
    ports
}

/// Makes the folder of an instance; nothing is started.
pub(super) fn make(
    places: &Places,
    op: &Op,
    wish: &InstanceSpec,
) -> Result<(Found, Environment), String> {
    let service = &wish.service;
    let name = name_of(&op.scope, wish);
    let argv = command_of(wish)?;
    let found = all(places).map_err(|error| error.to_string())?;
    let port = port_of(&op.scope, wish, &found)?;
    let mounts = environment::mounts(places, &op.scope, service);
    let ports = recorded_ports(&found, &op.scope);
    let environment = environment::of_instance(wish, &op.scope, port, &mounts, &ports);
    let expose = service.expose.or(service.port);
    let check = service
        .healthcheck
        .as_ref()
        .filter(|_| wish.one_off.is_none())
        .and_then(|check| Check::of(check, expose, port));
    let spec = Spec {
        format: FORMAT,
        id: random_id(),
        owner: Owner::new(&op.scope, op.lineage.as_str(), op.id.as_str()),
        service: service.name.clone(),
        instance: wish.instance.0,
        hash: wish.hash.clone(),
        one_off: wish.one_off.is_some(),
        gated: wish.gated,
        argv,
        folder: environment::host_folder(service.working_dir.as_deref(), &mounts, &places.root),
        env: environment.plain.clone(),
        secrets: environment.secret_names(),
        port,
        expose,
        published: service.port.is_some(),
        cpu_millis: service.cpu_millis,
        memory_bytes: service.memory_bytes,
        restart: if wish.one_off.is_some() {
            crate::adapters::providers::process::files::Restart::No
        } else {
            service.restart.into()
        },
        networks: network_aliases(service),
        mounts,
        health: check,
        stop_signal: service.stop_signal.clone(),
        stop_grace_ms: millis(service.stop_grace),
        created_ms: jiff::Timestamp::now().as_millisecond(),
    };
    place(places, &name, &spec).map_err(|error| format!("making {name}: {error}"))?;
    let found = Found {
        folder: places.instance(&name),
        name,
        spec,
        status: StatusFile::default(),
        damage: Vec::new(),
    };
    Ok((found, environment))
}

/// Name of an instance, one-offs beside the instance they serve.
pub(super) fn name_of(scope: &Scope, wish: &InstanceSpec) -> String {
    let name = instance_name(scope, &wish.service.name, wish.instance);
    match wish.one_off {
        Some(_) => format!("{name}-once"),
        None => name,
    }
}

fn command_of(wish: &InstanceSpec) -> Result<Vec<String>, String> {
    let service = &wish.service;
    if let Some(command) = &wish.one_off {
        return Ok(command.clone());
    }
    let entrypoint = service.entrypoint.iter().flatten();
    let argv: Vec<String> = entrypoint
        .chain(service.command.iter().flatten())
        .cloned()
        .collect();
    if argv.is_empty() {
        return Err(format!(
            "service {} has no `start` command: host processes need one",
            service.name
        ));
    }
    Ok(argv)
}

fn port_of(scope: &Scope, wish: &InstanceSpec, found: &[Found]) -> Result<Option<u16>, String> {
    let service = &wish.service;
    if wish.one_off.is_some() {
        return Ok(None);
    }
    if service.port.is_some() || service.expose.is_none() {
        return Ok(service.port);
    }
    let recorded: BTreeSet<u16> = found.iter().filter_map(|found| found.spec.port).collect();
    let alone = wish
        .siblings
        .iter()
        .all(|sibling| sibling.inner.is_none() || sibling.inner != service.expose);
    let first = ports::first_choice(scope, &service.name, wish.instance, service.expose, alone);
    ports::choose(first, &recorded, ports::is_free)
        .map(Some)
        .ok_or_else(|| format!("no free port is left for service {}", service.name))
}

/// Writes a folder aside and moves it to its name, so that it is there whole or not at all.
fn place(places: &Places, name: &str, spec: &Spec) -> io::Result<()> {
    let parent = places.instances();
    places.make(&parent)?;
    sweep_trash(&parent);
    let folder = places.instance(name);
    if is_there(places, name) {
        make_way(places, name)?;
    }
    let aside = parent.join(format!(".new-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&aside);
    places.make(&aside)?;
    write_spec(&aside, spec)?;
    std::fs::rename(&aside, &folder)?;
    sync_folder(&parent)
}

/// Takes a dead folder away that does not tell what it is; what tells it, or lives, stays.
fn make_way(places: &Places, name: &str) -> io::Result<()> {
    let folder = places.instance(name);
    let Err(error) = Found::read(places, name) else {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} is there already", folder.display()),
        ));
    };
    let lost = Lost::of(places, name, &error);
    if lost.is_dead() {
        return remove_folder(&folder);
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!("{}: `{}`", lost.told(), lost.remedy(places)),
    ))
}

fn random_id() -> String {
    use std::fmt::Write as _;
    let mut bytes = [0_u8; 16];
    // The kernel's generator does not fail once the machine is up; were it to, the time still tells two apart.
    if getrandom::fill(&mut bytes).is_err() {
        bytes = jiff::Timestamp::now().as_nanosecond().to_be_bytes();
    }
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

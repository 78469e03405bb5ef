//! Remarks about what the planner saw: dangers, obstacles, things it will not act on.
//!
//! Remarks never change what the plan does. What loses data is said by [`Plan::destructive`] and refused by the
//! engine without `--force`.
//!
//! [`Plan::destructive`]: crate::domain::plan::model::Plan::destructive

use std::collections::BTreeSet;
use std::path::Path;

use crate::domain::ids::Address;
use crate::domain::live::{Health, Status};
use crate::domain::plan::draft::Draft;
use crate::domain::plan::model::PlanWarning;
use crate::domain::plan::world::World;
use crate::domain::project::service::{MountSource, Service, ServiceKind};

/// Folders of the host of which any part hands over the whole machine, or what it keeps secret.
const ROOT_EQUIVALENT: [&str; 14] = [
    "/boot",
    "/dev",
    "/etc",
    "/lib/systemd",
    "/proc",
    "/root",
    "/run/containerd",
    "/run/docker",
    "/run/systemd",
    "/sys",
    "/usr",
    "/var/lib/containerd",
    "/var/lib/docker",
    "/var/spool/cron",
];

/// Parts of those that anybody may read, and that containers are often given.
const PUBLIC: [&str; 6] = [
    "/etc/hosts",
    "/etc/localtime",
    "/etc/resolv.conf",
    "/etc/ssl/certs",
    "/etc/timezone",
    "/usr/share",
];

/// Names of engines' sockets, wherever they are.
const SOCKET_NAMES: [&str; 5] = [
    "buildkitd.sock",
    "containerd.sock",
    "crio.sock",
    "docker.sock",
    "podman.sock",
];

/// Sockets of engines: whoever may write there is root on the machine.
const SOCKETS: [&str; 4] = [
    "/run/crio/crio.sock",
    "/run/docker.sock",
    "/run/podman/podman.sock",
    "/var/run/docker.sock",
];

/// Tells whether what is mounted is one of these, a part of one, or a folder one of them is in, as it is written or
/// where symbolic links lead. A public part stays one wherever a distribution puts it.
fn is_root_equivalent(path: &Path, real: Option<&Path>, read_only: bool) -> bool {
    let is_public = |path: &Path| PUBLIC.iter().any(|public| path.starts_with(public));
    if read_only && is_public(path) {
        return false;
    }
    is_dangerous(path)
        || real.is_some_and(|real| !(read_only && is_public(real)) && is_dangerous(real))
}

fn is_dangerous(path: &Path) -> bool {
    // Where `/var/run` is the link that it nearly always is.
    let path = match path.strip_prefix("/var/run") {
        Ok(rest) => &Path::new("/run").join(rest),
        Err(_) => path,
    };
    let holds = |what: &&str| Path::new(what).starts_with(path);
    ROOT_EQUIVALENT
        .iter()
        .any(|root| path.starts_with(root) || holds(root))
        || SOCKETS.iter().any(holds)
        || path
            .file_name()
            .is_some_and(|name| SOCKET_NAMES.iter().any(|socket| name == *socket))
}

/// Adds the remarks about a service that is acted on.
pub(super) fn of_service(world: &World<'_>, service: &Service, draft: &mut Draft) {
    for mount in &service.mounts {
        if let MountSource::Bind { path, real, .. } = &mount.source
            && is_root_equivalent(path, real.as_deref(), mount.read_only)
        {
            let leads = real.as_ref().map_or_else(String::new, |real| {
                format!(", which leads to {},", real.display())
            });
            draft.warn(format!(
                "{} mounts {}{leads} of the host at {}: whoever gets into it has the whole machine",
                draft.address,
                path.display(),
                mount.target
            ));
        }
    }
    for name in service.depends_on.keys() {
        let disabled = world.input.project.services.get(name);
        if service.instances > 0 && disabled.is_some_and(|other| other.instances == 0) {
            draft.warn(format!(
                "{} depends on {}, which is disabled here (instances: 0)",
                draft.address,
                Address::service(name)
            ));
        }
    }
}

/// Returns the remarks about dependencies that a run of single services leaves alone.
pub(super) fn outside_the_run<'a>(
    world: &World<'_>,
    targets: impl Iterator<Item = &'a Service>,
    inside: &dyn Fn(&str) -> bool,
) -> Vec<PlanWarning> {
    let mut warnings = Vec::new();
    for service in targets {
        for name in service.depends_on.keys().filter(|name| !inside(name)) {
            let Some(other) = world.input.project.services.get(name) else {
                continue;
            };
            if let Some(problem) = problem_of(world, other) {
                warnings.push(PlanWarning {
                    address: Some(service.address()),
                    text: format!(
                        "{} depends on {}, which {problem} and is not part of this run: `nkapp deploy {name} {}` takes both",
                        service.address(),
                        other.address(),
                        service.name
                    ),
                    blocks: false,
                });
            }
        }
    }
    warnings
}

/// Returns the remarks about services that lose something they depend on in a targeted removal.
pub(super) fn left_behind(world: &World<'_>, removed: &BTreeSet<Address>) -> Vec<PlanWarning> {
    let mut warnings = Vec::new();
    for service in world.input.project.services.values() {
        let stays = !removed.contains(&service.address());
        if !stays || world.instances(&service.name).is_empty() {
            continue;
        }
        for name in service.depends_on.keys() {
            let address = Address::service(name);
            if removed.contains(&address) {
                warnings.push(PlanWarning {
                    address: Some(service.address()),
                    text: format!(
                        "{} stays and depends on {address}, which goes",
                        service.address()
                    ),
                    blocks: false,
                });
            }
        }
    }
    warnings
}

fn problem_of(world: &World<'_>, other: &Service) -> Option<&'static str> {
    if other.instances == 0 {
        return Some("is disabled here");
    }
    let live = world.instances(&other.name);
    if other.kind == ServiceKind::Job {
        let recorded = world.recorded(&other.address());
        let done = recorded.is_some_and(|r| r.instances.values().any(|i| i.ready));
        let ended = live.iter().any(|l| l.status == Status::Exited(0));
        return (!done && !ended).then_some("has not completed");
    }
    if live.is_empty() {
        Some("is not deployed")
    } else if live.iter().all(|l| l.status != Status::Running) {
        Some("does not run")
    } else if live.iter().any(|l| l.health == Health::Unhealthy) {
        Some("is unhealthy")
    } else {
        None
    }
}

//! Everything about one resource: how it stands, and what the file asks for.

use crate::app::notice::Hydrated;
use crate::domain::ids::{Address, ResourceKind};
use crate::domain::live::{Health, Status};
use crate::domain::project::health::{HealthCheck, Probe};
use crate::domain::project::hook::Hook;
use crate::domain::project::project::{Origin, Project};
use crate::domain::project::service::{
    EnvValue, Mount, MountSource, RestartPolicy, Service, ServiceKind, UpdateStrategy,
};
use crate::domain::report::{InstanceStatus, ResourceStatus};
use crate::present::human::duration;
use crate::tui::model::Model;
use crate::tui::rows::plan::{difference, path};
use crate::tui::rows::standing::instance_health;
use crate::tui::theme::Tone;
use crate::tui::view::sheet::Sheet;
use crate::tui::words::{between, ticking};

/// Writes the page of a resource.
pub fn write(sheet: &mut Sheet, model: &Model, address: &Address) {
    let status = model
        .snapshot
        .status
        .as_ref()
        .and_then(|report| report.resources.get(address));
    let config = model.snapshot.config.as_deref();
    let project = config.and_then(|config| config.project.as_deref());
    if let Some(status) = status {
        live(sheet, model, status);
    }
    match (address.kind, project) {
        (ResourceKind::Service, Some(project)) => {
            if let (Some(service), Some(config)) = (project.services.get(&address.name), config) {
                wanted(sheet, config, project, service);
            } else {
                sheet.text("not in the file: a deploy removes it", Tone::Warn);
            }
        }
        (ResourceKind::Network, Some(project)) => {
            if let Some(network) = project.networks.get(&address.name) {
                sheet.pair("cidr", network.cidr.as_deref().unwrap_or("any"), Tone::Text);
                let outside = if network.internal { "no" } else { "yes" };
                sheet.pair("outside", outside, Tone::Text);
            }
            users(sheet, project, |service| {
                service.networks.contains_key(&address.name)
            });
        }
        (ResourceKind::Volume, Some(project)) => users(sheet, project, |service| {
            service
                .mounts
                .iter()
                .any(|mount| mount.source == MountSource::Volume(address.name.clone()))
        }),
        (_, None) => {}
    }
}

fn users(sheet: &mut Sheet, project: &Project, uses: impl Fn(&Service) -> bool) {
    let names: Vec<&str> = project
        .services
        .values()
        .filter(|service| uses(service))
        .map(|service| service.name.as_str())
        .collect();
    sheet.pair("used by", &names.join(", "), Tone::Text);
}

fn live(sheet: &mut Sheet, model: &Model, status: &ResourceStatus) {
    for change in &status.drift {
        let text = format!("{}: {}", path(change), difference(change));
        sheet.pair("drift", &text, Tone::Drift);
    }
    if status.address.kind != ResourceKind::Service {
        let text = if status.ready { "exists" } else { "absent" };
        sheet.pair("state", text, Tone::Text);
        return;
    }
    if status.instances.is_empty() {
        sheet.pair(
            "instances",
            &format!("none of {}", status.wanted),
            Tone::Dim,
        );
    }
    for instance in &status.instances {
        one_instance(sheet, model, status, instance);
    }
}

fn one_instance(
    sheet: &mut Sheet,
    model: &Model,
    status: &ResourceStatus,
    instance: &InstanceStatus,
) {
    let health = instance_health(&model.snapshot, &status.address, instance);
    let (word, tone) = match instance.status {
        Status::Exited(code) => (
            format!("exited {code}"),
            if code == 0 { Tone::Text } else { Tone::Fail },
        ),
        Status::Dead => ("dead".into(), Tone::Fail),
        Status::Running if instance.health == Health::Unhealthy => ("running".into(), Tone::Fail),
        Status::Running => ("running".into(), Tone::Ok),
        other @ (Status::Created | Status::Paused | Status::Restarting) => {
            (other.as_str().to_owned(), Tone::Warn)
        }
    };
    let mut words = vec![word];
    if !health.is_empty() {
        words.push(health);
    }
    if let Some(started) = instance
        .started_at
        .filter(|_| instance.status == Status::Running)
    {
        words.push(format!("up {}", ticking(between(started, model.now))));
    }
    if instance.restarts > 0 {
        words.push(format!("restarted {} times", instance.restarts));
    }
    sheet.pair(&format!("[{}]", instance.instance), &words.join(", "), tone);
    let id: String = instance.id.as_str().chars().take(12).collect();
    sheet.pair("", &format!("{}  {id}", instance.name), Tone::Dim);
    if !instance.ports.is_empty() {
        sheet.pair("", &instance.ports.join(", "), Tone::Text);
    }
}

/// What the file asks for, with the place it is written at.
fn wanted(sheet: &mut Sheet, config: &Hydrated, project: &Project, service: &Service) {
    sheet.heading("asked for");
    let mut fact = |key: &str, label: &str, value: &str| {
        let origin = origin(config, project, &service.name, key);
        let value = match origin {
            Some(origin) => format!("{value}  ({origin})"),
            None => value.to_owned(),
        };
        sheet.pair(label, &value, Tone::Text);
    };
    if service.kind == ServiceKind::Job {
        fact("kind", "kind", "job");
    }
    match service.image_reference(project.name.as_str()) {
        Some(image) => fact("image", "image", &image),
        None => fact("start", "image", "none"),
    }
    if let Some(command) = &service.command {
        fact("start", "start", &command.join(" "));
    }
    if let Some(port) = service.port {
        let inside = service.expose.unwrap_or(port);
        fact(
            "port",
            "port",
            &format!("{port} on the host, {inside} inside"),
        );
    } else if let Some(expose) = service.expose {
        fact("expose", "port", &format!("{expose} inside"));
    }
    fact("instances", "instances", &service.instances.to_string());
    if service.update_strategy == UpdateStrategy::Rolling {
        fact("update_strategy", "update", "rolling");
    }
    let needs: Vec<&str> = service.depends_on.keys().map(String::as_str).collect();
    if !needs.is_empty() {
        fact("depends_on", "depends on", &needs.join(", "));
    }
    for mount in &service.mounts {
        fact("mounts", "mount", &mount_line(mount));
    }
    let networks: Vec<&str> = service.networks.keys().map(String::as_str).collect();
    if !networks.is_empty() {
        fact("networks", "networks", &networks.join(", "));
    }
    for (name, value) in &service.env {
        let value = match value {
            EnvValue::Plain(value) => format!("{name}={value}"),
            EnvValue::Secret(from) => format!("{name}=(secret from {from})"),
        };
        fact(&format!("env.{name}"), "env", &value);
    }
    limits(&mut fact, service);
    hooks(&mut fact, service);
}

fn limits(fact: &mut impl FnMut(&str, &str, &str), service: &Service) {
    if let Some(cpu) = service.cpu_millis {
        fact(
            "resources",
            "cpu",
            &format!("{}.{:03} cores", cpu / 1000, cpu % 1000),
        );
    }
    if let Some(memory) = service.memory_bytes {
        fact(
            "resources",
            "memory",
            &format!("{} MiB", memory / 1_048_576),
        );
    }
    let restart = match service.restart {
        RestartPolicy::No => None,
        RestartPolicy::Always => Some("always".to_owned()),
        RestartPolicy::UnlessStopped => Some("unless stopped".to_owned()),
        RestartPolicy::OnFailure(0) => Some("on failure".to_owned()),
        RestartPolicy::OnFailure(times) => Some(format!("on failure, {times} times")),
    };
    if let Some(restart) = restart {
        fact("restart", "restart", &restart);
    }
    if let Some(check) = &service.healthcheck {
        fact("healthcheck", "health", &health_line(check));
    }
}

fn hooks(fact: &mut impl FnMut(&str, &str, &str), service: &Service) {
    let hooks = &service.hooks;
    let all: [(&str, &[Hook]); 5] = [
        ("prestart", &hooks.prestart_host),
        ("prestart", &hooks.prestart_container),
        ("poststart", &hooks.poststart),
        ("prestop", &hooks.prestop),
        ("poststop", &hooks.poststop),
    ];
    for (phase, list) in all {
        for hook in list {
            fact("hooks", phase, &hook.command.line());
        }
    }
    if let Some(provisioning) = &service.provisioning {
        let line = provisioning.install.command.line();
        fact(
            "provisioning",
            "install",
            &format!("{line} into {}", provisioning.volume),
        );
    }
}

fn mount_line(mount: &Mount) -> String {
    let source = match &mount.source {
        MountSource::Volume(name) => format!("volume {name}"),
        MountSource::Bind { path, .. } => path.display().to_string(),
    };
    let read_only = if mount.read_only { ", read-only" } else { "" };
    format!("{source} at {}{read_only}", mount.target)
}

fn health_line(check: &HealthCheck) -> String {
    let probe = match &check.probe {
        Probe::None => return "not checked".into(),
        Probe::Command(argv) => argv.join(" "),
        Probe::Shell(line) => line.clone(),
        Probe::Http { port, path } => format!("GET :{port}{path}"),
        Probe::Tcp { port } => format!("tcp :{port}"),
    };
    format!("{probe} every {}", duration(check.interval))
}

/// Says where a value is written; defaults say nothing.
fn origin(config: &Hydrated, project: &Project, service: &str, key: &str) -> Option<String> {
    let place = |span| config.sources.place(span).map(|place| place.to_string());
    match project.origins.get(&format!("services.{service}.{key}"))? {
        Origin::File(span) => place(*span),
        Origin::Runtime(span) => place(*span).map(|place| format!("runtime, {place}")),
        Origin::Default => None,
    }
}

//! What the file asks for, each value with where it comes from: a place in a file, a runtime, an override of the
//! environment, or a default. Secrets are told by their reference, never by their value.

use crate::app::notice::Hydrated;
use crate::domain::place::{Sources, Span};
use crate::domain::project::health::{HealthCheck, Probe};
use crate::domain::project::hook::Hook;
use crate::domain::project::project::{Origin, Project};
use crate::domain::project::service::{
    Condition, Dependency, EnvValue, Mount, MountSource, RestartPolicy, Service, ServiceKind,
    UpdateStrategy,
};
use crate::domain::secret::is_secret_name;
use crate::present::human::{duration, size};
use crate::tui::keymap::action::Action;
use crate::tui::model::Model;
use crate::tui::pages::page::Page;
use crate::tui::rows::plan::HIDDEN;
use crate::tui::theme::Tone;

/// Writes facts with their origin.
struct Facts<'a> {
    page: &'a mut Page,
    loaded: &'a Hydrated,
    project: &'a Project,
    service: &'a str,
    /// Whether values that sound like secrets are shown.
    revealed: bool,
    /// The key that shows them.
    key: String,
}

impl Facts<'_> {
    fn add(&mut self, key: &str, label: &str, value: &str) {
        let found = self.origin(key);
        self.page.told(label, value, found, Tone::Text);
    }

    fn origin(&self, key: &str) -> String {
        let path = format!("services.{}.{key}", self.service);
        let sources = &self.loaded.sources;
        let place = |span| sources.place(span).map(|place| place.to_string());
        match self.project.origins.get(&path) {
            Some(Origin::File(span)) => {
                let place = place(*span).unwrap_or_default();
                match overridden(sources, *span) {
                    true => format!("override {}, {place}", self.project.env),
                    false => place,
                }
            }
            Some(Origin::Runtime(span)) => {
                let runtime = self.project.services.get(self.service);
                let runtime = runtime.and_then(|service| service.runtime.as_deref());
                let place = place(*span).unwrap_or_default();
                format!("runtime {}, {place}", runtime.unwrap_or_default())
            }
            Some(Origin::Default) | None => "default".to_owned(),
        }
    }
}

/// Tells whether a place lies below the file's `environments`.
fn overridden(sources: &Sources, span: Span) -> bool {
    let Some(file) = sources.get(span.file) else {
        return false;
    };
    let start = usize::try_from(span.start).unwrap_or(0);
    let Some(before) = file.text.get(..start.min(file.text.len())) else {
        return false;
    };
    let top = before.lines().rev().find(|line| {
        let first = line.chars().next();
        first.is_some_and(|c| !c.is_whitespace() && c != '#' && c != '-')
    });
    top.is_some_and(|line| line.starts_with("environments"))
}

/// Writes what the file asks for.
pub fn wanted(page: &mut Page, model: &Model, loaded: &Hydrated, service: &Service) {
    let Some(project) = model.snapshot.known() else {
        return;
    };
    page.heading("asked for");
    let mut facts = Facts {
        page,
        loaded,
        project,
        service: &service.name,
        revealed: model.revealed,
        key: model.key(Action::Reveal),
    };
    what(&mut facts, service);
    links(&mut facts, service);
    limits(&mut facts, service);
    env(&mut facts, service);
    hooks(&mut facts, service);
    let dependents: Vec<&str> = project
        .services
        .values()
        .filter(|other| other.depends_on.contains_key(&service.name))
        .map(|other| other.name.as_str())
        .collect();
    if !dependents.is_empty() {
        page.pair("needed by", dependents.join(", "), Tone::Text);
    }
}

fn what(facts: &mut Facts<'_>, service: &Service) {
    if service.kind == ServiceKind::Job {
        facts.add("kind", "kind", "job");
    }
    if let Some(runtime) = &service.runtime {
        facts.add("runtime", "runtime", runtime);
    }
    match service.image_reference(facts.project.name.as_str()) {
        Some(image) if service.build.is_some() => facts.add("build", "image", &image),
        Some(image) => facts.add("image", "image", &image),
        None => facts.page.pair("image", "none", Tone::Dim),
    }
    for (key, value) in [
        ("entrypoint", &service.entrypoint),
        ("start", &service.command),
    ] {
        if let Some(command) = value {
            facts.add(key, key, &command.join(" "));
        }
    }
    for (key, label, value) in [
        ("user", "user", &service.user),
        ("working_dir", "folder", &service.working_dir),
    ] {
        if let Some(value) = value {
            facts.add(key, label, value);
        }
    }
    facts.add("instances", "instances", &service.instances.to_string());
    let update = match service.update_strategy {
        UpdateStrategy::Rolling => "rolling",
        UpdateStrategy::Recreate => "recreate",
    };
    facts.add("updateStrategy", "update", update);
}

fn links(facts: &mut Facts<'_>, service: &Service) {
    if let Some(port) = service.port {
        let inside = service.expose.unwrap_or(port);
        let text = format!("{port} on the host, {inside} inside");
        facts.add("port", "port", &text);
    } else if let Some(expose) = service.expose {
        facts.add("expose", "port", &format!("{expose} inside"));
    }
    if !service.hosts.is_empty() {
        facts.add("host", "domains", &service.hosts.join(", "));
    }
    for mount in &service.mounts {
        let key = format!("mounts.{}", mount.target);
        facts.add(&key, "mount", &mount_line(mount));
    }
    for target in &service.tmpfs {
        facts.add("tmpfs", "in memory", target);
    }
    for (name, aliases) in &service.networks {
        let known: Vec<&str> = aliases.iter().map(String::as_str).collect();
        let also = if known.is_empty() {
            String::new()
        } else {
            format!(", also as {}", known.join(", "))
        };
        facts.add("networks", "network", &format!("{name}{also}"));
    }
    for (name, dependency) in &service.depends_on {
        facts.add("depends_on", "depends on", &needs(name, *dependency));
    }
}

fn needs(name: &str, dependency: Dependency) -> String {
    let condition = match dependency.condition {
        Condition::Healthy => "healthy",
        Condition::Started => "started",
        Condition::Completed => "completed",
    };
    let required = if dependency.required {
        ""
    } else {
        ", not required"
    };
    format!("{name}, {condition}{required}")
}

fn limits(facts: &mut Facts<'_>, service: &Service) {
    if let Some(cpu) = service.cpu_millis {
        let text = format!("{}.{:03} cores", cpu / 1000, cpu % 1000);
        facts.add("cpu", "cpu limit", &text);
    }
    if let Some(memory) = service.memory_bytes {
        facts.add("memory", "memory", &format!("at most {}", size(memory)));
    }
    let restart = match service.restart {
        RestartPolicy::No => "no".to_owned(),
        RestartPolicy::Always => "always".to_owned(),
        RestartPolicy::UnlessStopped => "unless stopped".to_owned(),
        RestartPolicy::OnFailure(0) => "on failure".to_owned(),
        RestartPolicy::OnFailure(times) => format!("on failure, {times} times"),
    };
    facts.add("restart", "restart", &restart);
    if let Some(check) = &service.healthcheck {
        facts.add("healthcheck", "health", &health_line(check));
    }
    let mut stop = format!("{} to stop", duration(service.stop_grace));
    if let Some(signal) = &service.stop_signal {
        stop = format!("{signal}, {stop}");
    }
    facts.add("stop_grace_period", "stop", &stop);
}

fn env(facts: &mut Facts<'_>, service: &Service) {
    for (name, value) in &service.env {
        let value = match value {
            EnvValue::Plain(_) if !facts.revealed && is_secret_name(name) => {
                format!("{name}={HIDDEN} ({} shows it)", facts.key)
            }
            EnvValue::Plain(value) => format!("{name}={value}"),
            EnvValue::Secret(from) => format!("{name}=(secret from {from})"),
        };
        facts.add(&format!("env.{name}"), "env", &value);
    }
    for (name, value) in &service.labels {
        facts.add("labels", "label", &format!("{name}={value}"));
    }
}

fn hooks(facts: &mut Facts<'_>, service: &Service) {
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
            facts.add("hooks", phase, &hook.command.line());
        }
    }
    if let Some(provisioning) = &service.provisioning {
        let line = provisioning.install.command.line();
        let text = format!("{line} into {}", provisioning.volume);
        facts.add("provisioning", "install", &text);
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
    format!(
        "{probe} every {}, {} tries of {}",
        duration(check.interval),
        check.retries,
        duration(check.timeout)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_is_told_from_a_value_of_the_file() {
        let text = "name: x\nservices:\n  a:\n    image: i\nenvironments:\n  # of the team\n  staging:\n    services:\n      a:\n        image: j\n";
        let mut sources = Sources::default();
        let file = sources.add("nanokit.yml", text);
        let at = |word: &str| {
            let start = u32::try_from(text.find(word).expect("there")).expect("small");
            Span {
                file,
                start,
                end: start + 1,
            }
        };
        assert!(!overridden(&sources, at("i\n")));
        assert!(overridden(&sources, at("j\n")));
        assert!(!overridden(&sources, at("name")));
    }
}

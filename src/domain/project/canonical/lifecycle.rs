//! The part of a service's model that is about its life: health check, hooks, installation.

use crate::domain::model::{Model, normal_image};
use crate::domain::project::canonical::put;
use crate::domain::project::canonical::text::{argv_text, hook_text, millis};
use crate::domain::project::health::{HealthCheck, Probe};
use crate::domain::project::hook::InstallPhase;
use crate::domain::project::service::Service;

/// Writes the health check: `healthcheck.*` where the platform runs it, `probe.*` where nanokit does.
pub(super) fn write_health(model: &mut Model, check: &HealthCheck) {
    let (head, test) = match &check.probe {
        Probe::None => {
            put(model, "healthcheck.test", argv_text(&["NONE".to_owned()]));
            return;
        }
        Probe::Command(argv) => {
            let mut full = vec!["CMD".to_owned()];
            full.extend(argv.iter().cloned());
            ("healthcheck", argv_text(&full))
        }
        Probe::Shell(line) => (
            "healthcheck",
            argv_text(&["CMD-SHELL".to_owned(), line.clone()]),
        ),
        Probe::Http { port, path } => ("probe", format!("http:{port}{path}")),
        Probe::Tcp { port } => ("probe", format!("tcp:{port}")),
    };
    put(model, &format!("{head}.test"), test);
    for (name, value) in [
        ("interval", millis(check.interval)),
        ("timeout", millis(check.timeout)),
        ("retries", check.retries.to_string()),
        ("start_period", millis(check.start_period)),
    ] {
        put(model, &format!("{head}.{name}"), value);
    }
}

/// Writes the hooks, one field each.
pub(super) fn write_hooks(model: &mut Model, service: &Service) {
    let hooks = &service.hooks;
    for (phase, list) in [
        ("prestart.host", &hooks.prestart_host),
        ("prestart.container", &hooks.prestart_container),
        ("poststart", &hooks.poststart),
        ("prestop", &hooks.prestop),
        ("poststop", &hooks.poststop),
    ] {
        for (i, hook) in list.iter().enumerate() {
            put(model, &format!("hooks.{phase}.{i}"), hook_text(hook));
        }
    }
}

/// Writes the installation.
pub(super) fn write_provisioning(model: &mut Model, service: &Service) {
    let Some(provisioning) = &service.provisioning else {
        return;
    };
    let phase = match provisioning.phase {
        InstallPhase::Normal => "normal",
        InstallPhase::Early => "early",
    };
    put(
        model,
        "provisioning.install",
        hook_text(&provisioning.install),
    );
    if let Some(clean) = &provisioning.clean {
        put(model, "provisioning.clean", hook_text(clean));
    }
    if let Some(image) = &provisioning.image {
        put(model, "provisioning.image", normal_image(image));
    }
    put(model, "provisioning.phase", phase);
    put(
        model,
        "provisioning.volume",
        format!("{}:{}", provisioning.volume, provisioning.volume_target),
    );
    put(
        model,
        "provisioning.manifest",
        provisioning.manifest.0.clone(),
    );
}

//! Small projects to deploy.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use nanokit::domain::ids::{Digest, EnvName, ProjectName};
use nanokit::domain::project::health::{HealthCheck, Probe};
use nanokit::domain::project::hook::{
    Hook, HookCommand, HookPlace, InstallPhase, OnFailure, Provisioning,
};
use nanokit::domain::project::project::{Network, Project, Volume};
use nanokit::domain::project::service::{
    Condition, Dependency, Mount, MountSource, Service, ServiceKind,
};

/// Makes a project of these services, all on the network `default`, with the volumes they mount.
pub fn project(services: Vec<Service>) -> Project {
    let mut project = Project::named(
        ProjectName::parse("shop").unwrap(),
        EnvName::parse("local").unwrap(),
        Path::new("/p"),
    );
    project.networks.insert(
        "default".to_owned(),
        Network {
            name: "default".to_owned(),
            ..Network::default()
        },
    );
    for mut service in services {
        service
            .networks
            .entry("default".to_owned())
            .or_insert_with(BTreeSet::new);
        for mount in &service.mounts {
            if let MountSource::Volume(name) = &mount.source {
                project.volumes.insert(
                    name.clone(),
                    Volume {
                        name: name.clone(),
                        ..Volume::default()
                    },
                );
            }
        }
        project.services.insert(service.name.clone(), service);
    }
    project
}

/// Makes a service with an image that waits for these others.
pub fn service(name: &str, deps: &[&str]) -> Service {
    let mut service = Service::named(name);
    service.image = Some("app:1".to_owned());
    for dep in deps {
        service.depends_on.insert(
            (*dep).to_owned(),
            Dependency {
                condition: Condition::Healthy,
                required: true,
            },
        );
    }
    service
}

/// Gives it a health check of its own.
pub fn checked(mut service: Service) -> Service {
    service.healthcheck = Some(HealthCheck {
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        retries: 3,
        ..HealthCheck::with_defaults(Probe::Shell("true".to_owned()))
    });
    service
}

/// Makes it a job.
pub fn job(mut service: Service) -> Service {
    service.kind = ServiceKind::Job;
    service
}

/// Makes a hook.
pub fn hook(line: &str, place: HookPlace) -> Hook {
    Hook {
        command: HookCommand::Shell(line.to_owned()),
        place,
        timeout: Duration::from_secs(60),
        retries: 0,
        on_failure: OnFailure::Fail,
    }
}

/// Gives it a volume.
pub fn mounted(mut service: Service, volume: &str) -> Service {
    service.mounts.push(Mount {
        target: format!("/{volume}"),
        source: MountSource::Volume(volume.to_owned()),
        read_only: false,
    });
    service
}

/// Gives it an installation into a volume.
pub fn provisioned(service: Service, volume: &str, image: Option<&str>) -> Service {
    let mut service = mounted(service, volume);
    service.provisioning = Some(Provisioning {
        install: hook("npm ci", HookPlace::Container),
        clean: Some(hook("rm -rf *", HookPlace::Container)),
        image: image.map(str::to_owned),
        phase: InstallPhase::Normal,
        volume_target: format!("/{volume}"),
        volume: volume.to_owned(),
        manifest: Digest::new("m1"),
    });
    service
}

//! What is one configuration and what is another.

use std::path::{Path, PathBuf};

use std::time::Duration;

use super::*;
use crate::domain::ids::{EnvName, ProjectName};
use crate::domain::project::health::{HealthCheck, Probe};
use crate::domain::project::hook::{Hook, HookCommand, HookPlace, OnFailure};
use crate::domain::project::service::{Mount, RestartPolicy};

fn project() -> Project {
    Project::named(
        ProjectName::parse("shop").unwrap(),
        EnvName::parse("local").unwrap(),
        Path::new("/p"),
    )
}
fn api() -> Service {
    Service {
        image: Some("busybox:stable".to_owned()),
        networks: BTreeMap::from([("default".to_owned(), BTreeSet::new())]),
        ..Service::named("api")
    }
}
fn bind(content: &str) -> Mount {
    Mount {
        source: MountSource::Bind {
            path: PathBuf::from("/p/a.conf"),
            real: None,
            content: Some(Digest::new(content)),
        },
        target: "/etc/a.conf".to_owned(),
        read_only: true,
    }
}
fn volume(name: &str, target: &str) -> Mount {
    Mount {
        source: MountSource::Volume(name.to_owned()),
        target: target.to_owned(),
        read_only: false,
    }
}
fn model(service: &Service) -> Model {
    service_model(service, &project(), &SecretDigests::new())
}
/// Paths that differ between the plain service and the edited one, and whether the hash does.
fn check(edit: impl FnOnce(&mut Service), paths: &[&str], new_instance: bool) {
    let before = model(&api());
    let mut service = api();
    edit(&mut service);
    let after = model(&service);
    let differing: BTreeSet<&str> = before
        .keys()
        .chain(after.keys())
        .filter(|path| before.get(*path) != after.get(*path))
        .map(String::as_str)
        .collect();
    assert_eq!(differing, paths.iter().copied().collect());
    assert_eq!(
        recreate_hash(&before) != recreate_hash(&after),
        new_instance,
        "{paths:?}"
    );
}

#[test]
fn another_spelling_is_no_change() {
    check(
        |s| s.image = Some("docker.io/library/busybox:stable".to_owned()),
        &[],
        false,
    );
    check(|s| s.restart = RestartPolicy::No, &[], false);
    check(|s| s.stop_grace = Duration::from_secs(10), &[], false);
    check(|s| s.memory_bytes = Some(0), &[], false);
    check(
        |s| {
            s.networks
                .insert("default".to_owned(), BTreeSet::from(["api".to_owned()]));
        },
        &[],
        false,
    );
    let mut one = api();
    one.mounts = vec![volume("a", "/a"), volume("b", "/b")];
    let mut other = api();
    other.mounts = vec![volume("b", "/b"), volume("a", "/a")];
    assert_eq!(model(&one), model(&other));
}

#[test]
fn what_only_nanokit_reads_needs_no_new_instance() {
    check(|s| s.instances = 3, &["instances"], false);
    check(
        |s| s.update_strategy = UpdateStrategy::Rolling,
        &["update_strategy"],
        false,
    );
    check(
        |s| {
            s.hooks.poststart.push(Hook {
                command: HookCommand::Shell("true".to_owned()),
                place: HookPlace::Host,
                timeout: Hook::TIMEOUT,
                retries: 0,
                on_failure: OnFailure::Fail,
            });
        },
        &["hooks.poststart.0"],
        false,
    );
    check(
        |s| s.healthcheck = Some(HealthCheck::with_defaults(Probe::Tcp { port: 80 })),
        &[
            "probe.interval",
            "probe.retries",
            "probe.start_period",
            "probe.test",
            "probe.timeout",
        ],
        false,
    );
    check(|s| s.memory_bytes = Some(1 << 20), &["memory"], false);
    check(|s| s.restart = RestartPolicy::Always, &["restart"], false);
    check(
        |s| {
            s.networks
                .insert("back".to_owned(), BTreeSet::from(["x".to_owned()]));
        },
        &["networks.back"],
        false,
    );
}

#[test]
fn what_an_instance_is_made_of_needs_a_new_one() {
    check(|s| s.image = Some("busybox:1".to_owned()), &["image"], true);
    check(
        |s| s.command = Some(vec!["a".to_owned()]),
        &["command"],
        true,
    );
    check(|s| s.port = Some(80), &["port"], true);
    check(
        |s| {
            s.env
                .insert("A".to_owned(), EnvValue::Plain("1".to_owned()));
        },
        &["env.A"],
        true,
    );
    check(
        |s| s.mounts = vec![bind("one")],
        &["files./etc/a.conf", "mounts./etc/a.conf"],
        true,
    );
    check(|s| s.kind = ServiceKind::Job, &["kind"], true);
    check(
        |s| s.healthcheck = Some(HealthCheck::with_defaults(Probe::None)),
        &["healthcheck.test"],
        true,
    );
}

#[test]
fn the_content_of_a_bound_file_counts() {
    let with = |content: &str| {
        let mut service = api();
        service.mounts = vec![bind(content)];
        recreate_hash(&model(&service))
    };
    assert_ne!(with("one"), with("two"));
}

#[test]
fn a_secret_is_its_digest_and_in_the_project_hash_its_reference() {
    let secret = SecretRef::Env("TOKEN".to_owned());
    let mut service = api();
    service
        .env
        .insert("T".to_owned(), EnvValue::Secret(secret.clone()));
    let with = |digest: &str| {
        let digests = SecretDigests::from([(secret.clone(), Digest::new(digest))]);
        service_model(&service, &project(), &digests)
    };
    assert_ne!(recreate_hash(&with("one")), recreate_hash(&with("two")));
    assert!(with("one")["env.T"].sensitive);
    assert!(service_model(&service, &project(), &SecretDigests::new())["env.T"].sensitive);
    let mut project = project();
    project.services.insert("api".to_owned(), service.clone());
    let before = config_hash(&project);
    assert_eq!(before, config_hash(&project));
    service
        .env
        .insert("T".to_owned(), EnvValue::Plain("x".to_owned()));
    project.services.insert("api".to_owned(), service);
    assert_ne!(before, config_hash(&project));
}

#[test]
fn borders_of_arguments_stay_visible() {
    let text =
        |parts: &[&str]| argv_text(&parts.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>());
    assert_eq!(text(&["a", "b\"c\n"]), r#"["a", "b\"c\n"]"#);
    assert_ne!(text(&["a b"]), text(&["a", "b"]));
}

#[test]
fn hashes_name_the_version_of_their_rules() {
    let hash = recreate_hash(&model(&api()));
    assert!(hash.starts_with("1:") && hash.len() == 66, "{hash}");
}

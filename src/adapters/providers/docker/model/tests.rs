//! What the engine says, and the canonical words for it.

use bollard::models::{ContainerConfig, RestartPolicy};

use super::*;
use crate::domain::ids::{EnvName, Instance, ProjectName};

fn scope(project: &str) -> Scope {
    Scope {
        project: ProjectName::parse(project).unwrap(),
        env: EnvName::parse("local").unwrap(),
        component: None,
    }
}

fn endpoint(id: &str, aliases: &[&str]) -> EndpointSettings {
    EndpointSettings {
        network_id: Some(id.to_owned()),
        aliases: Some(aliases.iter().map(|a| (*a).to_owned()).collect()),
        ..EndpointSettings::default()
    }
}

fn network_called(name: &str, id: &str) -> Network {
    Network {
        name: Some(name.to_owned()),
        id: Some(id.to_owned()),
        ..Network::default()
    }
}

fn container() -> ContainerInspectResponse {
    let labels = [("nk-service", "api"), ("nk-instance", "2")];
    ContainerInspectResponse {
        id: Some("0123456789abcdef".to_owned()),
        name: Some("/nk-shop-local-api-2".to_owned()),
        image: Some("sha256:11".to_owned()),
        config: Some(ContainerConfig {
            image: Some("busybox".to_owned()),
            labels: Some(
                labels
                    .map(|(k, v)| (k.to_owned(), v.to_owned()))
                    .into_iter()
                    .collect(),
            ),
            ..ContainerConfig::default()
        }),
        host_config: Some(HostConfig {
            memory: Some(-1),
            nano_cpus: Some(1_500_000_000),
            restart_policy: Some(RestartPolicy {
                name: Some(RestartPolicyNameEnum::ON_FAILURE),
                maximum_retry_count: Some(3),
            }),
            ..HostConfig::default()
        }),
        network_settings: Some(NetworkSettings {
            networks: Some(
                [
                    (
                        "nk-shop-local".to_owned(),
                        endpoint("n1", &["b", "0123456789ab", "a"]),
                    ),
                    ("gone".to_owned(), endpoint("n9", &[])),
                    ("other".to_owned(), endpoint("n2", &[])),
                ]
                .into_iter()
                .collect(),
            ),
            ..NetworkSettings::default()
        }),
        ..ContainerInspectResponse::default()
    }
}

#[test]
fn a_container_becomes_an_instance_in_canonical_words() {
    let all = [
        network_called("nk-shop-local", "n1"),
        network_called("other", "n2"),
    ];
    let own = [LiveNetwork {
        id: ProviderId::new("n1"),
        name: "nk-shop-local".to_owned(),
        network: None,
        lineage: None,
        hash: None,
        model: Model::new(),
    }];
    let names = NetworkNames::new(&scope("shop"), &all, &own);
    let found = instance(&container(), &names).unwrap();
    assert_eq!(found.name, "nk-shop-local-api-2");
    assert_eq!(found.instance, Instance(2));
    let model: Vec<(&str, &str)> = found
        .model
        .iter()
        .map(|(path, field)| (path.as_str(), field.value.as_str()))
        .collect();
    assert_eq!(
        model,
        [
            ("cpu", "1500"),
            ("image", "docker.io/library/busybox:latest"),
            ("memory", "0"),
            ("networks.default", "a,b"),
            ("networks.other", ""),
            ("restart", "on-failure:3"),
        ]
    );
}

#[test]
fn a_container_that_does_not_say_which_instance_it_is_is_left_alone() {
    let mut found = container();
    found.config = Some(ContainerConfig::default());
    assert_eq!(instance(&found, &NetworkNames::default()), None);
}

#[test]
fn a_hand_made_network_is_recognised_by_its_name() {
    let cases = [
        ("shop", "nk-shop-local", Some("default")),
        ("shop", "nk-shop-local-back", Some("back")),
        ("shop", "nk-shop-live-back", None),
        ("shop", "bridge", None),
    ];
    for (project, name, expected) in cases {
        let found = name_in_file(&scope(project), name, naming::network_name);
        assert_eq!(found.as_deref(), expected, "{name}");
    }
    let digested = naming::network_name(&scope("a-b"), "back");
    assert_eq!(
        name_in_file(&scope("a-b"), &digested, naming::network_name).as_deref(),
        Some("back")
    );
    assert!(naming::may_be_named_by(&scope("a-b"), &digested));
}

#[test]
fn a_name_of_a_longer_project_is_not_ours() {
    let cases = [
        ("nk-shop-local", true),
        ("nk-shop-local-data", true),
        ("nk-shop-locally", false),
        ("nk-shopping-local", false),
    ];
    for (name, expected) in cases {
        assert_eq!(
            naming::may_be_named_by(&scope("shop"), name),
            expected,
            "{name}"
        );
    }
}

#[test]
fn a_quota_is_a_limit_too() {
    let cases = [
        (None, None, None, 0),
        (Some(500_000_000), None, None, 500),
        (Some(0), Some(50_000), None, 500),
        (None, Some(50_000), Some(50_000), 1000),
        (None, Some(-1), Some(100_000), 0),
    ];
    for (nano_cpus, cpu_quota, cpu_period, expected) in cases {
        let host = HostConfig {
            nano_cpus,
            cpu_quota,
            cpu_period,
            ..HostConfig::default()
        };
        assert_eq!(cpu_millis(&host), expected);
    }
}

#[test]
fn half_labelled_containers_are_told_with_what_is_wrong_and_one_offs_need_no_number() {
    type Case<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>);
    let cases: [Case<'_>; 7] = [
        (&[("nk-service", "api"), ("nk-instance", "2")], None),
        (
            &[("nk-instance", "2")],
            Some("without the label nk-service"),
        ),
        (
            &[("nk-service", "api")],
            Some("without the label nk-instance"),
        ),
        (
            &[("nk-service", "api"), ("nk-instance", "-1")],
            Some("`-1` as nk-instance is no number of an instance"),
        ),
        (
            &[("nk-service", "api"), ("nk-instance", "abc")],
            Some("`abc` as nk-instance is no number of an instance"),
        ),
        (
            &[("nk-service", "api"), ("nk-instance", "99999999999")],
            Some("`99999999999` as nk-instance is no number of an instance"),
        ),
        (&[("nk-one-off", "true")], None),
    ];
    for (labels, expected) in cases {
        let mut found = container();
        let config = found.config.as_mut().unwrap();
        config.labels = Some(
            labels
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        );
        let told = unplaced(&found);
        assert_eq!(
            told.as_ref().map(|one| one.why.as_str()),
            expected,
            "{labels:?}"
        );
        let placed = instance(&found, &NetworkNames::default()).is_some();
        assert!(!(placed && told.is_some()), "{labels:?}");
    }
}

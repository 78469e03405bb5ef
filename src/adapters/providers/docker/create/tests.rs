//! What a desired instance looks like to the engine.

use super::*;
use crate::domain::ids::{EnvName, Epoch, Instance, Lineage, OpId, ProjectName, Scope};
use crate::domain::project::service::Mount as ServiceMount;
use crate::domain::secret::Secret;
use crate::ports::hooks::Value;
use crate::ports::provider::{OpKind, Sibling};

fn op() -> Op {
    Op {
        id: OpId::new("run-00000007"),
        fence: Epoch(1),
        scope: Scope {
            project: ProjectName::parse("shop").unwrap(),
            env: EnvName::parse("local").unwrap(),
            component: None,
        },
        lineage: Lineage::new("l1"),
        kind: OpKind::PullImage {
            image: String::new(),
        },
    }
}

fn spec(change: impl FnOnce(&mut InstanceSpec)) -> InstanceSpec {
    let mut service = Service::named("api");
    service.networks = [
        ("back".to_owned(), ["store".to_owned()].into()),
        ("default".to_owned(), BTreeSet::new()),
    ]
    .into();
    let mut spec = InstanceSpec {
        address: service.address(),
        instance: Instance(0),
        service,
        image: Some("busybox:1".to_owned()),
        env: Vec::new(),
        siblings: Vec::new(),
        hash: "1:ab".to_owned(),
        gated: false,
        one_off: None,
    };
    change(&mut spec);
    spec
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn facts() -> ImageFacts {
    ImageFacts {
        entrypoint: words("/entry -v"),
        command: words("serve all"),
        ..ImageFacts::default()
    }
}

#[test]
fn the_first_network_is_in_the_body_and_the_rest_is_joined_before_the_start() {
    let made = recipe(&op(), &spec(|_| {}), None).unwrap();
    assert_eq!(made.name, "nk-shop-local-api-0");
    let first = made
        .body
        .networking_config
        .unwrap()
        .endpoints_config
        .unwrap();
    assert_eq!(
        first["nk-shop-local-back"].aliases,
        Some(words("api store"))
    );
    assert_eq!(made.further.len(), 1);
    assert_eq!(made.further[0].0, "nk-shop-local");
    assert_eq!(made.further[0].1.aliases, Some(words("api")));
}

#[test]
fn labels_say_whose_it_is_and_the_users_cannot_override_them() {
    let spec = spec(|s| {
        s.service.labels = [("nk-project", "evil"), ("team", "a")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
    });
    let labels = recipe(&op(), &spec, None).unwrap().body.labels.unwrap();
    let expected = [
        ("nk-project", "shop"),
        ("nk-env", "local"),
        ("nk-service", "api"),
        ("nk-instance", "0"),
        ("nk-lineage", "l1"),
        ("nk-hash", "1:ab"),
        ("nk-op", "run-00000007"),
        ("team", "a"),
    ];
    for (key, value) in expected {
        assert_eq!(labels[key], value, "{key}");
    }
    assert_eq!(labels.len(), expected.len());
}

#[test]
fn a_gate_stands_in_front_of_whatever_would_have_run() {
    let cases: [(Option<&str>, Option<&str>, &str); 4] = [
        (None, None, "/entry -v serve all"),
        (None, Some("run one"), "/entry -v run one"),
        (Some("/mine"), None, "/mine"),
        (Some("/mine"), Some("x"), "/mine x"),
    ];
    for (entrypoint, command, expected) in cases {
        let spec = spec(|s| {
            s.gated = true;
            s.service.entrypoint = entrypoint.map(words);
            s.service.command = command.map(words);
        });
        let body = recipe(&op(), &spec, Some(&facts())).unwrap().body;
        assert_eq!(body.entrypoint, Some(gate::entrypoint()));
        assert_eq!(body.cmd, Some(words(expected)));
    }
}

#[test]
fn a_gated_instance_with_nothing_to_run_is_refused() {
    let error = recipe(
        &op(),
        &spec(|s| s.gated = true),
        Some(&ImageFacts::default()),
    )
    .unwrap_err();
    assert!(error.contains("set `start`"), "{error}");
}

#[test]
fn an_ungated_instance_keeps_the_images_own_program_as_process_1() {
    let body = recipe(&op(), &spec(|_| {}), None).unwrap().body;
    assert_eq!((body.entrypoint, body.cmd), (None, None));
    assert_eq!(body.host_config.unwrap().init, None);
    let body = recipe(&op(), &spec(|s| s.service.command = Some(words("x"))), None)
        .unwrap()
        .body;
    assert_eq!(body.host_config.unwrap().init, Some(true));
}

#[test]
fn variables_of_the_file_win_over_those_we_add() {
    let spec = spec(|s| {
        s.service.expose = Some(8080);
        s.service.mounts = vec![ServiceMount {
            source: MountSource::Volume("my-data".to_owned()),
            target: "/data".to_owned(),
            read_only: false,
        }];
        s.siblings = [("web-1", Some(80)), ("job", None)]
            .map(|(name, inner)| Sibling {
                name: name.to_owned(),
                inner,
                published: None,
            })
            .to_vec();
        s.env = vec![
            ("TOKEN".to_owned(), Value::Secret(Secret::new("t0p".into()))),
            ("PORT".to_owned(), Value::Plain("9".into())),
        ];
    });
    let made = recipe(&op(), &spec, None).unwrap();
    let mounts = made.body.host_config.unwrap().mounts.unwrap();
    let anew = mounts[0].volume_options.clone().unwrap().labels.unwrap();
    assert_eq!(anew["nk-volume"], "my-data", "{anew:?}");
    assert_eq!(anew["nk-project"], "shop", "{anew:?}");
    assert!(!anew.contains_key("nk-op"), "{anew:?}");
    assert_eq!(
        made.body.env,
        Some(words(
            "NANOKIT_URL_WEB_1=http://web-1:80 NANOKIT_VOLUME_MY_DATA=/data PORT=9 TOKEN=t0p"
        ))
    );
}

#[test]
fn a_secret_is_in_the_variables_and_nowhere_else() {
    let spec = spec(|s| {
        s.gated = true;
        s.env = vec![(
            "T".to_owned(),
            Value::Secret(Secret::new("t0p-s3cret".into())),
        )];
    });
    let mut body = recipe(&op(), &spec, Some(&facts())).unwrap().body;
    body.env = None;
    assert!(!format!("{body:?}").contains("t0p-s3cret"));
}

#[test]
fn a_one_off_has_no_port_no_check_no_alias_and_a_name_of_its_own() {
    let spec = spec(|s| {
        s.service.port = Some(80);
        s.service.restart = RestartPolicy::Always;
        s.service.healthcheck = Some(HealthCheck::with_defaults(Probe::Shell("true".into())));
        s.one_off = Some(words("npm ci"));
    });
    let made = recipe(&op(), &spec, None).unwrap();
    assert_eq!(made.name, "nk-shop-local-api-0-once-00000007");
    assert_eq!(made.body.entrypoint, Some(words("npm ci")));
    assert_eq!(made.body.healthcheck.unwrap().test, Some(words("NONE")));
    assert_eq!(made.further[0].1.aliases, Some(Vec::new()));
    let host = made.body.host_config.unwrap();
    assert_eq!(host.port_bindings, None);
    assert_eq!(
        host.restart_policy.unwrap().name,
        Some(RestartPolicyNameEnum::NO)
    );
    assert_eq!(made.body.labels.unwrap()["nk-one-off"], "true");
}

#[test]
fn the_host_port_leads_to_the_inner_port() {
    let cases = [
        (Some(80), Some(8080), Some(("8080/tcp", "80"))),
        (Some(80), None, Some(("80/tcp", "80"))),
        (None, Some(8080), None),
    ];
    for (port, expose, expected) in cases {
        let spec = spec(|s| {
            s.service.port = port;
            s.service.expose = expose;
        });
        let found = port_binding(&spec);
        let found = found.as_ref().map(|(inner, bindings)| {
            let outer = bindings.as_ref().unwrap()[0].host_port.as_deref().unwrap();
            (inner.as_str(), outer)
        });
        assert_eq!(found, expected);
    }
}

#[test]
fn checks_we_run_ourselves_switch_the_images_off() {
    let cases = [
        (Probe::None, "NONE", Some(false)),
        (Probe::Tcp { port: 80 }, "NONE", Some(false)),
        (Probe::Shell("x".into()), "CMD-SHELL x", Some(true)),
        (Probe::Command(words("a b")), "CMD a b", Some(true)),
    ];
    for (probe, test, by_engine) in cases {
        let spec = spec(|s| s.service.healthcheck = Some(HealthCheck::with_defaults(probe)));
        assert_eq!(checked_by_engine(&spec), by_engine);
        assert_eq!(healthcheck(&spec).unwrap().test, Some(words(test)));
    }
    assert_eq!(checked_by_engine(&spec(|_| {})), None);
}

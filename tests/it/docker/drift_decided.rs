//! What is done about drift besides undoing it: every class a difference has, one accepted, one ignored for a time.

use serde_json::Value;

use super::project::Project;

const FILE: &str = "
name: NAME
infra: { provider: docker }
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    memory: 64mb
    cpu: 0.5
    restart: unless-stopped
  web:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    env: { COLOUR: red }
";

/// One that differs from its record in every way there is.
fn differing() -> Project {
    let project = Project::new(FILE);
    project.deploy();
    project.write(&FILE.replace("red", "blue"));
    let container = project.container("app", 0);
    let network = format!("nk-{}-local", project.name);
    let limits = [
        "--memory",
        "128m",
        "--memory-swap",
        "256m",
        "--restart",
        "no",
    ];
    project.docker(&[&["update"], &limits[..], &[&*container]].concat());
    project.docker(&["network", "disconnect", &network, &container]);
    let join = ["network", "connect", "--alias", "app", "--alias", "by-hand"];
    project.docker(&[&join[..], &[&*network, &*container]].concat());
    project
}

/// What `drift --json` says of a field.
#[track_caller]
fn field(project: &Project, exit: i32, address: &str, path: &str) -> Value {
    let report = project.nkapp(&["drift", "--json"]).exits(exit).json();
    let fields = report["fields"].as_array().expect("a list");
    let ours = |one: &&Value| one["address"] == address && one["path"] == path;
    let found = fields.iter().find(ours);
    found
        .unwrap_or_else(|| panic!("no {path}: {report:#}"))
        .clone()
}

fn limits(project: &Project) -> String {
    let what = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}} {{.HostConfig.RestartPolicy.Name}}";
    project.inspect(&project.container("app", 0), what)
}

#[test]
fn docker_each_difference_has_its_class_in_words_and_in_json() {
    let project = differing();
    for (address, path, class) in [
        ("service.app", "memory", "drift"),
        ("service.app", "restart", "drift"),
        ("service.web", "env.COLOUR", "config"),
        ("service.app", "networks.default", "cosmetic"),
    ] {
        let found = field(&project, 2, address, path);
        assert_eq!(found["class"], class, "{found:#}");
    }
    let drift = project.nkapp(&["drift"]).exits(2);
    let drift = drift
        .says("128 MiB → 64 MiB")
        .says("service.web differs from the file (a change, not drift)")
        .says("env.COLOUR  config  red → blue");
    assert!(!drift.stdout.contains("cosmetic"), "{}", drift.stdout);
    let all = project.nkapp(&["drift", "--all"]).exits(2);
    all.says("networks.default  cosmetic  by-hand");
}

#[test]
fn docker_what_is_accepted_and_what_is_ignored_stays_as_it_is() {
    let project = differing();
    let accepted = project
        .nkapp(&["drift", "accept", "app", "memory"])
        .exits(0);
    accepted.says("memory of service.app is recorded as 134217728");
    let memory = field(&project, 2, "service.app", "memory");
    assert_eq!(memory["class"], "config", "{memory:#}");

    let ignore = [
        "drift",
        "ignore",
        "app:restart",
        "--reason",
        "a trial",
        "--until",
        "2d",
    ];
    project.nkapp(&ignore).exits(0);
    let restart = field(&project, 0, "service.app", "restart");
    assert_eq!(restart["class"], "ignored", "{restart:#}");
    assert_eq!(restart["decision"]["reason"], "a trial", "{restart:#}");
    assert!(restart["decision"]["until"].is_string(), "{restart:#}");
    let drift = project.nkapp(&["drift"]).exits(0);
    drift.says("service.app:restart is ignored: a trial (for another ");
    let all = project
        .nkapp(&["drift", "ignored", "--json"])
        .exits(0)
        .json();
    assert_eq!(all["ignored"][0]["holds"], true, "{all:#}");
    project
        .nkapp(&["drift", "ignored"])
        .exits(0)
        .says("a trial");
    let refused = project.nkapp(&["drift", "--restore", "-y"]).exits(5);
    refused.says("all that drifted is ignored");

    // Something else of the same service is restored beside both.
    let container = project.container("app", 0);
    project.docker(&["update", "--cpus", "0.25", &container]);
    project.nkapp(&["drift", "--restore", "-y"]).exits(0);
    let now = limits(&project);
    assert!(
        now.starts_with("134217728 ") && now.ends_with(" no"),
        "{now}"
    );
    project.nkapp(&["drift"]).exits(0);

    project
        .nkapp(&["drift", "unignore", "app:restart"])
        .exits(0);
    let restart = field(&project, 2, "service.app", "restart");
    assert_eq!(restart["class"], "drift", "{restart:#}");
    project.nkapp(&["drift", "--restore", "-y"]).exits(0);
    let now = limits(&project);
    assert!(
        now.starts_with("134217728 ") && now.ends_with(" unless-stopped"),
        "{now}"
    );
}

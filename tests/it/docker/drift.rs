//! Every kind of hand-made change is seen with the right field and cause, and mended by one deploy, in place
//! where the engine can.

use serde_json::Value;

use super::project::{Project, docker};
use super::worker_kit::Worker;

pub(super) const FILE: &str = "
name: NAME
infra: { provider: docker }
services:
  app:
    image: NAME-image:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    memory: 64mb
    restart: unless-stopped
    volumes: ['data:/data']
    networks: { default: {}, back: { aliases: [store] } }
networks: { back: {} }
volumes: { data: {} }
";

/// Docker stops the checks of what is paused and calls it unhealthy until the next one succeeds.
#[test]
fn docker_a_pause_is_no_illness() {
    let check = "    healthcheck: { test: [CMD, 'true'], interval: 500ms }\n    memory: 64mb";
    let text = FILE.replace("NAME-image:1", "nk-test/busybox:1");
    let project = Project::new(&text.replace("    memory: 64mb", check));
    project.deploy();
    let container = project.container("app", 0);
    for command in [&["drift", "--restore", "-y"][..], &["deploy", "-y"]] {
        project.docker(&["pause", &container]);
        project.nkapp(command).exits(0);
        project.is_settled();
        let stands = project.inspect(&container, "{{.State.Status}}");
        assert_eq!(stands, "running", "{command:?}");
    }
}

#[test]
fn docker_drift_watch_tells_of_strays_and_of_what_keeps_it_from_knowing() {
    let project = Project::new(&FILE.replace("NAME-image:1", "nk-test/busybox:1"));
    project.deploy();
    let watch = Worker::other(&project, "watch", &["drift", "--watch"]);
    watch.says(&["watching docker"]);
    let stray = format!("{}-stray", project.name);
    let mut run = vec!["run", "-d", "--rm", "--name", &stray];
    let ours = format!("nk-project={}", project.name);
    for label in [&ours, "nk-env=local", "nk-service=gone", "nk-instance=0"] {
        run.extend(["--label", label]);
    }
    run.extend(["nk-test/busybox:1", "sleep", "100000"]);
    docker(&run).exits(0);
    watch.says(&[&format!("! stray: {stray}")]);
    docker(&["rm", "-f", &stray]).exits(0);
    let state = project.read("state.json");
    project.put("state.json", "{");
    watch.says(&["what drifted is not known: ", "state.json"]);
    project.put("state.json", &state);
    watch.says(&["what drifted is known again"]);
    project.docker(&["pause", &project.container("app", 0)]);
    watch.says(&["service.app"]);
}

#[test]
fn docker_what_a_failed_deploy_left_is_no_drift_also_where_its_image_moved() {
    let file = |image: &str, check: &str| {
        format!(
            "name: NAME\ninfra: {{ provider: docker }}\nservices:\n  web:\n    image: nk-test/web:{image}\n    stop_grace_period: 1s\n    healthcheck: {{ test: '{check}', interval: 500ms, retries: 1 }}\n"
        )
    };
    let project = Project::new(&file("1", "true"));
    project.deploy();
    project.write(&file("2", "false"));
    project.nkapp(&["deploy", "-y"]).exits(1);
    project
        .nkapp(&["drift"])
        .exits(0)
        .says("a change, not drift");
    project.write(&file("2", "true"));
    project.deploy();
    project.is_settled();
}

#[test]
fn docker_a_rebuilt_state_asks_for_nothing_that_the_engine_chose_by_itself() {
    let project = Project::new(&FILE.replace("NAME-image:1", "nk-test/busybox:1"));
    project.deploy();
    std::fs::remove_file(project.folder().join("state.json")).expect("it was there");
    // Nobody knows then what drifted, and nobody says that nothing did.
    project
        .nkapp(&["drift"])
        .exits(4)
        .says("missing, but not because nothing was deployed")
        .says("nkapp state rebuild");
    project.nkapp(&["state", "rebuild", "-y"]).exits(0);
    project.is_settled();
    project
        .nkapp(&["deploy", "-y"])
        .exits(0)
        .says("Nothing to do");
}

/// Two services, and a container with the labels of the first one, changed.
fn with_a_copy(change: impl Fn(&str) -> Option<String>) -> (Project, String) {
    let service = |name: &str| {
        format!(
            "  {name}:\n    image: nk-test/busybox:1\n    start: [sleep, '100000']\n    stop_grace_period: 1s\n"
        )
    };
    let project = Project::new(&format!(
        "name: NAME\ninfra: {{ provider: docker }}\nservices:\n{}{}",
        service("a"),
        service("b")
    ));
    project.deploy();
    let format = "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}}\n{{end}}";
    let labels = project.inspect(&project.container("a", 0), format);
    let copy = format!("{}-copy", project.name);
    let mut run = vec![
        "run".to_owned(),
        "-d".to_owned(),
        "--name".to_owned(),
        copy.clone(),
    ];
    for label in labels.lines().filter_map(change) {
        run.extend(["--label".to_owned(), label]);
    }
    run.extend(["nk-test/busybox:1", "sleep", "100000"].map(str::to_owned));
    project.docker(&run.iter().map(String::as_str).collect::<Vec<_>>());
    (project, copy)
}

#[test]
fn docker_a_copy_under_a_free_number_is_drift_and_goes_as_the_plan_says() {
    for mend in [&["drift", "--restore", "-y"][..], &["deploy", "-y"]] {
        let (project, copy) = with_a_copy(|label| {
            Some(match label.split_once('=') {
                Some(("nk-instance", _)) => "nk-instance=7".to_owned(),
                _ => label.to_owned(),
            })
        });
        project
            .nkapp(&["drift"])
            .exits(2)
            .says(&copy)
            .says("one too many");
        project
            .nkapp(&["plan"])
            .exits(0)
            .says(&copy)
            .says("1 instance removed");
        project.nkapp(mend).exits(0);
        assert_ne!(docker(&["inspect", &copy]).code, 0, "{mend:?}");
        project.is_settled();
    }
}

#[test]
fn docker_a_half_labelled_container_is_shown_and_never_touched() {
    for (label, told) in [
        (Some("nk-instance=-1"), "`-1` as nk-instance"),
        (None, "without the label nk-instance"),
    ] {
        let (project, copy) = with_a_copy(|known| {
            if known.starts_with("nk-instance=") {
                label.map(str::to_owned)
            } else {
                Some(known.to_owned())
            }
        });
        for look in [&["drift"][..], &["status"], &["plan"]] {
            project.nkapp(look).exits(0).says(&copy).says(told);
        }
        project.nkapp(&["destroy", "-y"]).exits(0).says(&copy);
        docker(&["rm", "-f", &copy]).exits(0);
    }
}

#[test]
fn docker_a_rebuilt_state_takes_no_copy_and_no_label_that_we_never_write() {
    for label in [None, Some("../x"), Some("Bad Name"), Some(""), Some("a[0]")] {
        let (project, copy) = with_a_copy(|known| {
            Some(match (known.split_once('='), label) {
                (Some(("nk-service", _)), Some(label)) => format!("nk-service={label}"),
                _ => known.to_owned(),
            })
        });
        let own = project.inspect(&project.container("a", 0), "{{.Id}}");
        for lost in [false, true] {
            if lost {
                std::fs::remove_file(project.folder().join("state.json")).expect("it was there");
            }
            project.nkapp(&["state", "rebuild", "-y"]).exits(0);
            let state = project.nkapp(&["state", "pull"]).exits(0);
            let recorded = &state.json()["resources"]["service.a"]["instances"]["0"]["id"];
            assert_eq!(*recorded, own.trim(), "{label:?} {lost}");
            project.nkapp(&["status"]).exits(0);
        }
        docker(&["rm", "-f", &copy]).exits(0);
        project.is_settled();
    }
}

#[test]
fn docker_exchanged_names_are_changed_back() {
    for mend in [&["drift", "--restore", "-y"][..], &["deploy", "-y"]] {
        for exchanged in [true, false] {
            let (project, copy) = with_a_copy(|label| Some(label.to_owned()));
            docker(&["rm", "-f", &copy]).exits(0);
            let (a, b) = (project.container("a", 0), project.container("b", 0));
            let ids = [&a, &b].map(|name| project.inspect(name, "{{.Id}}"));
            let passage = format!("{}-elsewhere", project.name);
            project.docker(&["rename", &a, &passage]);
            project.docker(&["rename", &b, &a]);
            if exchanged {
                project.docker(&["rename", &passage, &b]);
            }
            project.nkapp(mend).exits(0);
            let now = [&a, &b].map(|name| project.inspect(name, "{{.Id}}"));
            assert_eq!(now, ids, "{mend:?} {exchanged}");
            project.is_settled();
        }
    }
}

/// One kind of hand-made change.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) break_it: fn(&Project, &str),
    pub(super) address: &'static str,
    pub(super) field: &'static str,
    pub(super) strategy: &'static str,
    pub(super) same_container: bool,
}

fn change<'a>(action: &'a Value, field: &str) -> Option<&'a Value> {
    action["changes"]
        .as_array()?
        .iter()
        .find(|change| change["path"] == field)
}

/// Gives the project an image of its own, for tests that move it.
pub(super) fn tag(project: &Project) -> String {
    let tag = format!("{}-image:1", project.name);
    project.docker(&["tag", "nk-test/busybox:1", &tag]);
    tag
}

fn check(case: &Case) {
    let project = Project::new(FILE);
    let tag = tag(&project);
    project.deploy();
    let container = project.container("app", 0);
    let id = project.inspect(&container, "{{.Id}}");

    (case.break_it)(&project, &container);

    let action = project.action(case.address);
    let field = case.field.replace("NAME", &project.name);
    let found = change(&action, &field)
        .unwrap_or_else(|| panic!("{}: no change of `{field}`:\n{action:#}", case.name));
    assert_eq!(found["cause"], "drift", "{}: {action:#}", case.name);
    assert_eq!(
        action["strategy"], case.strategy,
        "{}: {action:#}",
        case.name
    );
    let drift = project.nkapp(&["drift", "--json"]).exits(2).json();
    assert!(
        drift.to_string().contains(case.address),
        "{}: `drift` does not name it: {drift:#}",
        case.name
    );

    project.deploy();
    project.is_settled();
    assert_eq!(
        project.inspect(&container, "{{.State.Running}}"),
        "true",
        "{}",
        case.name
    );
    assert_eq!(
        project.inspect(&container, "{{.HostConfig.Memory}}"),
        "67108864",
        "{}",
        case.name
    );
    assert_eq!(
        project.inspect(&container, "{{.HostConfig.RestartPolicy.Name}}"),
        "unless-stopped",
        "{}",
        case.name
    );
    let networks = project.inspect(
        &container,
        "{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}",
    );
    let mut networks: Vec<&str> = networks.split_whitespace().collect();
    networks.sort_unstable();
    assert_eq!(
        networks,
        [
            format!("nk-{}-local", project.name),
            format!("nk-{}-local-back", project.name)
        ],
        "{}",
        case.name
    );
    let aliases = project.inspect(
        &container,
        "{{range .NetworkSettings.Networks}}{{.Aliases}}{{end}}",
    );
    assert!(
        aliases.contains("store") && aliases.contains("app"),
        "{}: aliases {aliases}",
        case.name
    );
    let now = project.inspect(&container, "{{.Id}}");
    assert_eq!(
        now == id,
        case.same_container,
        "{}: recreated or not",
        case.name
    );
    let left = docker(&[
        "ps",
        "-aq",
        "--filter",
        &format!("label=nk-project={}", project.name),
    ])
    .stdout;
    assert_eq!(
        left.split_whitespace().count(),
        1,
        "{}: one container and nothing else",
        case.name
    );
    docker(&["rmi", &tag]);
}

macro_rules! cases {
    ($($name:ident: $address:literal $field:literal $strategy:literal $same:literal, $break_it:expr;)*) => {
        /// Returns every kind.
        pub(super) fn all() -> Vec<Case> {
            vec![$(Case {
                name: stringify!($name),
                break_it: $break_it,
                address: $address,
                field: $field,
                strategy: $strategy,
                same_container: $same,
            }),*]
        }

        $(#[test]
        fn $name() {
            let all = all();
            check(all.iter().find(|case| case.name == stringify!($name)).expect("listed"));
        })*
    };
}

cases! {
    docker_drift_stopped: "service.app" "status" "start" true, |p, c| { p.docker(&["stop", "-t", "1", c]); };
    docker_drift_killed: "service.app" "status" "start" true, |p, c| { p.docker(&["kill", c]); };
    docker_drift_removed: "service.app" "status" "none" false, |p, c| { p.docker(&["rm", "-f", c]); };
    docker_drift_paused: "service.app" "status" "in_place" true, |p, c| { p.docker(&["pause", c]); };
    docker_drift_renamed: "service.app" "name" "in_place" true, |p, c| { p.docker(&["rename", c, &format!("{}-elsewhere", p.name)]); };
    docker_drift_memory: "service.app" "memory" "in_place" true, |p, c| { p.docker(&["update", "--memory", "128m", "--memory-swap", "256m", c]); };
    docker_drift_restart_policy: "service.app" "restart" "in_place" true, |p, c| { p.docker(&["update", "--restart", "no", c]); };
    docker_drift_network_left: "service.app" "networks.back" "in_place" true, |p, c| { p.docker(&["network", "disconnect", &format!("nk-{}-local-back", p.name), c]); };
    docker_drift_network_joined: "service.app" "networks.NAME-extra" "in_place" true, |p, c| {
        let network = format!("{}-extra", p.name);
        p.docker(&["network", "create", &network]);
        p.docker(&["network", "connect", &network, c]);
    };
    docker_drift_volume_removed: "volume.data" "status" "none" false, |p, c| { p.docker(&["rm", "-f", c]); p.docker(&["volume", "rm", &format!("nk-{}-local-data", p.name)]); };
    docker_drift_network_remade: "service.app" "networks.back" "in_place" true, |p, c| {
        let network = format!("nk-{}-local-back", p.name);
        p.docker(&["network", "disconnect", &network, c]);
        p.docker(&["network", "rm", &network]);
        p.docker(&["network", "create", &network]);
    };
}

/// No restore and no worker decides about it, so it is none of the kinds above; a deploy takes it over as it is.
#[test]
fn docker_drift_volume_made_anew() {
    check(&Case {
        name: "docker_drift_volume_made_anew",
        break_it: |project, container| {
            let volume = format!("nk-{}-local-data", project.name);
            project.docker(&["rm", "-f", container]);
            project.docker(&["volume", "rm", &volume]);
            project.docker(&["volume", "create", &volume]);
            let restored = project.nkapp(&["drift", "--restore", "-y"]).exits(0);
            restored.says("nkapp drift accept volume.data");
            let drift = project.nkapp(&["drift"]).exits(2);
            drift.says("another of its name, without our labels");
            project.docker(&["rm", "-f", container]);
        },
        address: "volume.data",
        field: "id",
        strategy: "none",
        same_container: false,
    });
}

//! Networks remade by hand, names taken by hand, limits set by hand: what a restore does and what is left after it.

use super::project::{Project, docker};

const FILE: &str = "
name: NAME
infra: { provider: docker }
services:
  api:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    networks: [back]
  db:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    networks: [back]
networks: { back: { visibility: private } }
";

const NETWORKS: &str = "{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}";
const ALIASES: &str =
    "{{range $k, $v := .NetworkSettings.Networks}}{{range $v.Aliases}}{{.}} {{end}}{{end}}";

fn network(project: &Project) -> String {
    format!("nk-{}-local-back", project.name)
}

/// Makes the network again by hand, with its labels and members, open to the outside.
fn remake(project: &Project) {
    let network = network(project);
    let format = "{{range $k, $v := .Labels}}{{$k}}={{$v}}\n{{end}}";
    let labels = docker(&["network", "inspect", &network, "-f", format]).stdout;
    let containers = ["api", "db"].map(|name| project.container(name, 0));
    for one in &containers {
        project.docker(&["network", "disconnect", "-f", &network, one]);
    }
    project.docker(&["network", "rm", &network]);
    let mut create = vec!["network", "create"];
    for label in labels.lines().filter(|line| !line.is_empty()) {
        create.extend(["--label", label]);
    }
    create.push(&network);
    project.docker(&create);
    for (one, name) in containers.iter().zip(["api", "db"]) {
        project.docker(&["network", "connect", "--alias", name, &network, one]);
    }
}

#[test]
fn docker_a_restored_network_has_its_services_back_on_it() {
    let project = Project::new(FILE);
    project.deploy();
    let network = network(&project);
    for names in [&[][..], &["network.back"]] {
        remake(&project);
        let mut restore = vec!["drift", "--restore", "-y"];
        restore.extend(names);
        project.nkapp(&restore).exits(0);
        for name in ["api", "db"] {
            let joined = project.inspect(&project.container(name, 0), NETWORKS);
            assert_eq!(joined.trim(), network, "{names:?} {name}");
        }
        project.is_settled();
    }
    project
        .nkapp(&["drift", "--restore", "network.bakc", "-y"])
        .exits(1)
        .says("nothing is called `network.bakc` here")
        .says("network.back, service.api, service.db");
    project
        .nkapp(&["drift", "--restore", "service.db", "-y"])
        .exits(0);
}

#[test]
fn docker_an_alias_that_takes_a_name_is_drift_and_taken_away() {
    let project = Project::new(FILE);
    project.deploy();
    let (network, api) = (network(&project), project.container("api", 0));
    project.docker(&["network", "disconnect", &network, &api]);
    let alias = ["--alias", "api", "--alias", "db"];
    let connect = [&["network", "connect"][..], &alias, &[&network, &api]].concat();
    project.docker(&connect);
    project.nkapp(&["drift"]).exits(2).says("api,db → api");
    project.nkapp(&["drift", "--restore", "-y"]).exits(0);
    let aliases = project.inspect(&api, ALIASES);
    assert!(
        !aliases.split_whitespace().any(|one| one == "db"),
        "{aliases}"
    );
    project.is_settled();
}

#[test]
fn docker_a_name_somebody_else_took_is_said_before_anything_is_done() {
    let project = Project::new(FILE);
    project.deploy();
    let (api, db) = (project.container("api", 0), project.container("db", 0));
    project.docker(&["rm", "-f", &api]);
    project.docker(&["rm", "-f", &db]);
    project.docker(&[
        "run",
        "-d",
        "--name",
        &db,
        "nk-test/busybox:1",
        "sleep",
        "9999",
    ]);
    let words = format!("{db} is in the way of service.db[0]: it is container ");
    let way_out = format!("docker rename {db} {db}-aside");
    project
        .nkapp(&["plan"])
        .exits(0)
        .says(&words)
        .says(&way_out);
    project.nkapp(&["status"]).exits(0).says(&way_out);
    for change in [&["deploy", "-y"][..], &["drift", "--restore", "-y"]] {
        project.nkapp(change).exits(5).says(&words).says(&way_out);
        assert_ne!(docker(&["inspect", &api]).code, 0, "{change:?} began");
    }
    docker(&["rm", "-f", &db]).exits(0);
    project.deploy();
    project.is_settled();
}

#[test]
fn docker_a_memory_limit_set_by_hand_is_gone_after_a_restore() {
    let project = Project::new(FILE);
    project.deploy();
    let db = project.container("db", 0);
    project.docker(&["update", "--memory", "128m", "--memory-swap", "256m", &db]);
    project.nkapp(&["drift"]).exits(2).says("128 MiB → none");
    project.nkapp(&["drift", "--restore", "-y"]).exits(0);
    assert_eq!(project.inspect(&db, "{{.HostConfig.Memory}}"), "0");
    project.is_settled();
}

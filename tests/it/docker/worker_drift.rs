//! Every kind of hand-made change is seen by its event and mended while a worker runs. The full look is an hour away,
//! so that only the events can have told.

use super::crash_stage::comes_true;
use super::drift::{self, Case};
use super::project::Project;
use super::worker_kit::{PATIENCE, Worker};

fn mended(case: &Case) {
    let text = format!("{}drift: {{ interval: 1h, restore: auto }}\n", drift::FILE);
    let project = Project::new(&text);
    let tag = drift::tag(&project);
    project.deploy();
    let container = project.container("app", 0);
    let id = project.inspect(&container, "{{.Id}}");
    let worker = Worker::leading(&project, "worker");

    (case.break_it)(&project, &container);

    worker.says(&["\"drift_found\"", case.address]);
    // What depends on what was taken away may have been seen first, and brings it back along.
    worker.says(&["\"topic\":\"restore\"", "restored"]);
    let calm = || project.nkapp(&["drift", "--json"]).code == 0;
    assert!(
        comes_true(PATIENCE, calm),
        "{}: {}",
        case.name,
        worker.log()
    );
    worker.becomes(&project, |told| {
        told["drifted"].as_array().is_some_and(Vec::is_empty)
    });
    let container = project.container("app", 0);
    assert_eq!(
        project.inspect(&container, "{{.State.Running}} {{.HostConfig.Memory}}"),
        "true 67108864",
        "{}",
        case.name
    );
    let now = project.inspect(&container, "{{.Id}}");
    assert_eq!(now == id, case.same_container, "{}", case.name);
    drop(worker);
    super::project::docker(&["rmi", &tag]);
}

macro_rules! kinds {
    ($($name:ident: $case:literal;)*) => {
        $(#[test]
        fn $name() {
            mended(&drift::all().into_iter().find(|case| case.name == $case).expect($case));
        })*

        #[test]
        fn docker_worker_mends_every_kind_there_is() {
            let here = [$($case),*];
            let all: Vec<&str> = drift::all().iter().map(|case| case.name).collect();
            assert_eq!(all, here);
        }
    };
}

kinds! {
    docker_worker_mends_stopped: "docker_drift_stopped";
    docker_worker_mends_killed: "docker_drift_killed";
    docker_worker_mends_removed: "docker_drift_removed";
    docker_worker_mends_paused: "docker_drift_paused";
    docker_worker_mends_renamed: "docker_drift_renamed";
    docker_worker_mends_memory: "docker_drift_memory";
    docker_worker_mends_restart_policy: "docker_drift_restart_policy";
    docker_worker_mends_network_left: "docker_drift_network_left";
    docker_worker_mends_network_joined: "docker_drift_network_joined";
    docker_worker_mends_volume_removed: "docker_drift_volume_removed";
    docker_worker_mends_network_remade: "docker_drift_network_remade";
}

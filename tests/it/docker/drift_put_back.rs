//! What a restore puts back: what was recorded, and nothing the file or a tag came to mean since.

use super::drift::{FILE, tag};
use super::project::{Project, docker};
use super::worker_kit::Worker;

/// The id of the image a container was made of.
fn image(project: &Project) -> String {
    project.inspect(&project.container("app", 0), "{{.Image}}")
}

#[test]
fn docker_a_moved_tag_is_deployed_and_never_restored() {
    let project = Project::new(FILE);
    let tag = tag(&project);
    project.deploy();
    let then = image(&project);
    project.docker(&["tag", "nk-test/stubborn:1", &tag]);

    let drift = project.nkapp(&["drift"]).exits(0);
    drift.says("service.app differs from the file");
    let action = project.action("service.app");
    assert_eq!(action["strategy"], "recreate", "{action:#}");
    assert_eq!(action["changes"][0]["path"], "image", "{action:#}");
    assert_eq!(action["changes"][0]["cause"], "config", "{action:#}");

    project.docker(&["rm", "-f", &project.container("app", 0)]);
    project.nkapp(&["drift", "--restore", "-y"]).exits(0);
    assert_eq!(image(&project), then, "the recorded one, by its id");
    project.nkapp(&["drift"]).exits(0);

    project.deploy();
    project.is_settled();
    let now = project.docker(&["image", "inspect", "-f", "{{.Id}}", &tag]);
    assert_eq!(image(&project), now);
    assert_ne!(now, then);
    docker(&["rmi", &tag]);
}

#[test]
fn docker_a_worker_rolls_no_edit_out_and_restores_what_needs_no_new_container() {
    let text = FILE.replace("NAME-image:1", "nk-test/busybox:1");
    let text = format!("{text}drift: {{ interval: 1h, restore: auto }}\n");
    let project = Project::new(&text);
    project.deploy();
    let container = project.container("app", 0);
    let made = || docker(&["inspect", "-f", "{{.Config.Image}}", &container]);
    let worker = Worker::leading(&project, "worker");
    let edited = text.replace("busybox:1", "stubborn:1");
    project.write(&edited.replace("interval: 1h", "interval: 30m"));
    worker.says(&["from now on", "every 1800 s"]);
    project.docker(&["stop", "-t", "1", &container]);
    worker.says(&["\"topic\":\"restore\"", "restored service.app"]);
    assert_eq!(made().stdout.trim(), "nk-test/busybox:1");

    project.docker(&["rm", "-f", &container]);
    worker.says(&["\"topic\":\"pending\"", "the file changed since (image)"]);
    let told = worker.becomes(&project, |told| told["pending"][0] == "service.app");
    assert!(told["held"]["service.app"].is_string(), "{told:#}");
    assert_eq!(told["waiting"], serde_json::json!([]));
    let status = project.nkapp(&["status"]).exits(0);
    status.says("service.app: it has to be made anew, and the file changed since (image)");
    assert_ne!(made().code, 0, "nothing was made");

    project.write(&text);
    worker.becomes(&project, |told| told["drifted"] == serde_json::json!([]));
    assert_eq!(made().stdout.trim(), "nk-test/busybox:1");
}

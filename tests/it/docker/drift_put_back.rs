//! What a restore puts back: what was recorded, and nothing the file or a tag came to mean since.

use super::drift::{FILE, tag};
use super::project::{Project, docker};

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

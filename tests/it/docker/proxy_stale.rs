//! The world changes under a run, or an old answer comes back: objects are addressed by id and looked at again
//! before they are made or removed, and a foreign object that took a name is never touched.

use std::process::Stdio;
use std::time::Duration;

use crate::fault_proxy::{Fault, Rule, engine_socket};
use crate::ran::Ran;

use super::crash_stage::Stage;
use super::project::docker;

const FILE: &str = "
name: NAME
infra: { provider: docker }
services:
  app:
    image: NAME-image:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    volumes: ['data:/data']
volumes: { data: {} }
";

const DEPLOY: &[&str] = &["deploy", "-y"];
const DESTROY: &[&str] = &["destroy", "-y"];

/// A stage with an image of its own, which is removed with it.
struct Scene {
    stage: Stage,
    image: String,
    container: String,
}

impl Scene {
    fn new() -> Self {
        let stage = Stage::new(FILE);
        let image = format!("{}-image:1", stage.project.name);
        docker(&["tag", "nk-test/busybox:1", &image]).exits(0);
        let container = stage.project.container("app", 0);
        Self {
            stage,
            image,
            container,
        }
    }
    fn network(&self) -> String {
        format!("nk-{}-local", self.stage.project.name)
    }
    fn volume(&self) -> String {
        format!("nk-{}-local-data", self.stage.project.name)
    }
    fn up(&self) -> Vec<String> {
        vec![
            format!("container {} running", self.container),
            format!("network {}", self.network()),
            format!("volume {}", self.volume()),
        ]
    }
    /// Holds a command at a call, lets somebody change the world, and lets it go on.
    fn meanwhile(&self, arguments: &[&str], call: &str, change: impl FnOnce(&Self)) -> Ran {
        self.stage.proxy.add(Rule::on(call, Fault::Hold).nth(1));
        let child = self
            .stage
            .project
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nkapp starts");
        let came = self.stage.proxy.strikes_within(Duration::from_secs(30));
        assert!(came, "{call} never came");
        change(self);
        self.stage.proxy.release();
        let output = child.wait_with_output().expect("it ends");
        self.stage.proxy.relent();
        Ran::of(format!("nkapp {}", arguments.join(" ")), &output)
    }
    /// Puts a container of somebody else's under the name, and returns its id.
    fn plant(&self) -> String {
        let name = &self.container;
        let made = docker(&[
            "run",
            "-d",
            "--name",
            name,
            "nk-test/busybox:1",
            "sleep",
            "100000",
        ]);
        made.exits(0).stdout.trim().to_owned()
    }
    #[track_caller]
    fn is_untouched(id: &str) {
        let state = docker(&["inspect", "-f", "{{.State.Running}}", id]).exits(0);
        assert_eq!(
            state.stdout.trim(),
            "true",
            "the foreign container was touched"
        );
    }
    /// One more deploy brings everything about.
    #[track_caller]
    fn is_mended_by_one_run(&self) {
        self.stage.project.deploy();
        self.stage.holds_exactly(&self.up(), "mended");
        self.stage.project.is_settled();
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        docker(&["rm", "-fv", &self.container]);
        docker(&["rmi", "-f", &self.image]);
    }
}

#[test]
fn f40_a_container_removed_before_its_start_is_told_and_made_again() {
    let scene = Scene::new();
    let ran = scene.meanwhile(DEPLOY, "POST /containers/*/start", |scene| {
        docker(&["rm", "-f", &scene.container]).exits(0);
    });
    ran.exits(1).says("service.app").says("start");
    scene.is_mended_by_one_run();
}

#[test]
fn f40_a_container_renamed_before_its_start_is_started_by_its_id() {
    let scene = Scene::new();
    let elsewhere = format!("{}-elsewhere", scene.container);
    let ran = scene.meanwhile(DEPLOY, "POST /containers/*/start", |scene| {
        docker(&["rename", &scene.container, &elsewhere]).exits(0);
    });
    assert!(matches!(ran.code, 0 | 1), "{}", ran.stderr);
    let state = docker(&["inspect", "-f", "{{.State.Running}}", &elsewhere]).stdout;
    assert_eq!(state.trim(), "true", "{}", ran.stderr);
    scene.is_mended_by_one_run();
}

#[test]
fn f40_a_name_taken_by_a_stranger_mid_run_is_not_acted_on() {
    let scene = Scene::new();
    let mut planted = String::new();
    let ran = scene.meanwhile(DEPLOY, "POST /containers/*/start", |scene| {
        docker(&["rm", "-f", &scene.container]).exits(0);
        planted = scene.plant();
    });
    ran.exits(1).says("service.app");
    Scene::is_untouched(&planted);
    // It still holds the name: nothing is begun, there is a way out, and the stranger stays.
    let refused = scene.stage.project.nkapp(DEPLOY);
    refused
        .exits(5)
        .says("is in the way of service.app[0]")
        .says("docker rename");
    Scene::is_untouched(&planted);
    docker(&["rm", "-f", &planted]).exits(0);
    scene.is_mended_by_one_run();
}

#[test]
fn f40_a_network_removed_mid_run_is_told_and_made_again() {
    let scene = Scene::new();
    let ran = scene.meanwhile(DEPLOY, "POST /containers/create", |scene| {
        docker(&["network", "rm", &scene.network()]).exits(0);
    });
    ran.exits(1).says("service.app").says("network");
    scene.is_mended_by_one_run();
}

#[test]
fn f40_an_image_moved_mid_run_is_seen_by_the_next_plan() {
    let scene = Scene::new();
    let ran = scene.meanwhile(DEPLOY, "POST /containers/create", |scene| {
        docker(&["tag", "nk-test/stubborn:1", &scene.image]).exits(0);
    });
    assert!(matches!(ran.code, 0 | 1), "{}", ran.stderr);
    scene.is_mended_by_one_run();
    let of = |what: &str| {
        docker(&["inspect", "-f", what, &scene.container])
            .exits(0)
            .stdout
    };
    let wanted = docker(&["image", "inspect", "-f", "{{.Id}}", &scene.image]).stdout;
    assert_eq!(
        of("{{.Image}}"),
        wanted,
        "what runs is what the name means now"
    );
}

#[test]
fn f40_a_container_removed_during_a_destroy_counts_as_removed() {
    let scene = Scene::new();
    scene.stage.project.deploy();
    let ran = scene.meanwhile(DESTROY, "DELETE /containers/*", |scene| {
        docker(&["rm", "-f", &scene.container]).exits(0);
    });
    ran.exits(0);
    let left = [format!("volume {}", scene.volume())];
    scene.stage.holds_exactly(&left, "destroyed");
}

#[test]
fn f40_a_stranger_in_the_place_of_what_is_destroyed_stays() {
    let scene = Scene::new();
    scene.stage.project.deploy();
    let mut planted = String::new();
    let ran = scene.meanwhile(DESTROY, "POST /containers/*/stop", |scene| {
        docker(&["rm", "-f", &scene.container]).exits(0);
        planted = scene.plant();
    });
    ran.exits(0);
    Scene::is_untouched(&planted);
}

/// Replays the first answer to a list, for as long as a command runs.
fn with_stale(scene: &Scene, call: &str, arguments: &[&str]) -> Ran {
    scene.stage.proxy.add(Rule::on(call, Fault::Replay));
    let ran = scene.stage.project.nkapp(arguments);
    assert!(scene.stage.proxy.relent() > 0, "{call} was not asked");
    ran
}

#[test]
fn f41_a_list_from_before_the_first_deploy_makes_no_second_container() {
    let scene = Scene::new();
    scene.stage.project.deploy();
    let id = docker(&["inspect", "-f", "{{.Id}}", &scene.container]).stdout;
    let ran = with_stale(&scene, "GET /containers/json", DEPLOY);
    assert!(matches!(ran.code, 0 | 1), "{}", ran.stderr);
    scene.stage.holds_exactly(&scene.up(), "after a stale list");
    let now = docker(&["inspect", "-f", "{{.Id}}", &scene.container]).stdout;
    assert_eq!(now, id, "the running container was replaced");
    scene.is_mended_by_one_run();
    let now = docker(&["inspect", "-f", "{{.Id}}", &scene.container]).stdout;
    assert_eq!(now, id, "the running container was replaced");
}

#[test]
fn f41_networks_from_before_the_first_deploy_make_no_second_network() {
    let scene = Scene::new();
    scene.stage.project.deploy();
    let ran = with_stale(&scene, "GET /networks", DEPLOY);
    assert!(matches!(ran.code, 0 | 1), "{}", ran.stderr);
    scene.stage.holds_exactly(&scene.up(), "after a stale list");
    scene.is_mended_by_one_run();
}

#[test]
fn f41_volumes_from_before_the_first_deploy_change_nothing() {
    let scene = Scene::new();
    scene.stage.project.deploy();
    let ran = with_stale(&scene, "GET /volumes", DEPLOY);
    assert!(matches!(ran.code, 0 | 1), "{}", ran.stderr);
    scene.stage.holds_exactly(&scene.up(), "after a stale list");
    scene.is_mended_by_one_run();
}

#[test]
fn f41_a_list_with_a_container_that_is_gone_removes_nothing_else() {
    let scene = Scene::new();
    // The first answer that passes the proxy names the container; it is gone, and its name somebody else's.
    let engine = format!("unix://{}", engine_socket().display());
    let past = scene
        .stage
        .project
        .command(DEPLOY)
        .env("DOCKER_HOST", engine)
        .output();
    assert!(past.expect("nkapp runs").status.success());
    scene.stage.project.plan();
    docker(&["rm", "-f", &scene.container]).exits(0);
    let planted = scene.plant();
    let ran = with_stale(&scene, "GET /containers/json", DESTROY);
    assert!(matches!(ran.code, 0 | 1), "{}", ran.stderr);
    Scene::is_untouched(&planted);
}

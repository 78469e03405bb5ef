//! The demo as a newcomer starts it, on an engine that has its image.

use crate::cli_env::TestEnv;

#[test]
fn docker_the_demo_takes_docker_when_its_image_is_there() {
    let env = TestEnv::new();
    // An environment of its own: somebody may be looking at a demo on this engine.
    let name = format!("nkt{}", std::process::id());
    env.on_docker(&["demo", "-e", &name])
        .exits(0)
        .never_says("host processes are used")
        .says("docker:")
        .says("6 of 6 services ready");
    let file = "nanokit-demo/nanokit.yml";
    env.on_docker(&["clean", "-y", "--force", "-e", &name, "-f", file])
        .exits(0);
}

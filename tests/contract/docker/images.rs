//! Images: found, built, pulled, and what they bring along.

use std::fs;

use nanokit::domain::event::Stream;
use nanokit::domain::ids::Digest;
use nanokit::domain::live::Health;
use nanokit::domain::model::normal_image;
use nanokit::domain::project::service::Build;
use nanokit::ports::provider::{OpKind, Outcome, Provider};

use crate::docker::{IMAGE, stage};
use crate::suite::stage::{Kept, idle, play};

fn build(folder: &tempfile::TempDir, dockerfile: &str) -> Build {
    fs::write(folder.path().join("Dockerfile"), dockerfile).expect("a file");
    fs::write(folder.path().join("app.txt"), "content\n").expect("a file");
    fs::write(folder.path().join("secret.txt"), "stays here\n").expect("a file");
    fs::write(folder.path().join(".dockerignore"), "secret.txt\n").expect("a file");
    Build {
        context: folder.path().to_owned(),
        dockerfile: "Dockerfile".into(),
        args: [("WHO".to_owned(), "you".to_owned())].into(),
        digest: Digest::default(),
    }
}

#[tokio::test(flavor = "current_thread")]
async fn wanted_images_are_resolved_and_absent_ones_left_out() {
    let stage = stage();
    let wanted = [IMAGE, "nk-test/not-here:1"].map(normal_image).into();
    let live = stage
        .provider
        .observe(&stage.scope, &wanted)
        .await
        .expect("an answer");
    assert!(live.has_images);
    assert_eq!(live.images.len(), 1, "{:?}", live.images);
    assert!(
        live.images[&normal_image(IMAGE)]
            .as_str()
            .starts_with("sha256:")
    );
}

#[tokio::test(flavor = "current_thread")]
async fn an_image_is_built_from_its_context_with_its_arguments() {
    let stage = stage();
    let tag = format!("nk-test/built:{}", stage.scope.project);
    play(&stage, async {
        let folder = tempfile::tempdir().expect("a folder");
        let build = build(
            &folder,
            "FROM nk-test/busybox:1\nARG WHO\nCOPY . /app\nRUN echo hello $WHO > /greeting\nCMD [\"sleep\", \"100000\"]\n",
        );
        let kept = Kept::default();
        let op = stage.op(OpKind::BuildImage {
            build,
            tag: tag.clone(),
        });
        let Outcome::Done(made) = stage.provider.apply(&op, &kept).await else {
            panic!("it builds")
        };
        assert!(kept.of(Stream::Engine).contains("Step 4/5"), "{}", kept.text());
        let live = stage.provider.observe(&stage.scope, &[normal_image(&tag)].into()).await;
        assert_eq!(live.expect("an answer").images.get(&normal_image(&tag)), made.image_id.as_ref());
        let mut wish = stage.spec(idle("api"));
        wish.image = Some(tag.clone());
        wish.service.command = None;
        let target = stage.create(wish).await;
        stage.done(OpKind::StartInstance(target.clone())).await;
        let (_, text) = stage.run(&target, "cat /greeting /app/app.txt; ls /app").await;
        assert_eq!(text, "hello you\ncontent\nDockerfile\napp.txt\n");
    })
    .await;
    std::process::Command::new("docker")
        .args(["rmi", &tag])
        .output()
        .expect("docker");
}

#[tokio::test(flavor = "current_thread")]
async fn a_build_that_fails_says_with_which_lines() {
    let stage = stage();
    let folder = tempfile::tempdir().expect("a folder");
    let cases = [
        (
            "FROM nk-test/busybox:1\nRUN echo the reason; exit 9\n",
            &["the reason", "9"][..],
        ),
        ("FROM nk-test/not-here:1\n", &["nk-test/not-here"][..]),
        ("FRUM x\n", &["FRUM"][..]),
    ];
    for (dockerfile, expected) in cases {
        let build = build(&folder, dockerfile);
        let tag = "nk-test/never:1".to_owned();
        let error = stage.failed(OpKind::BuildImage { build, tag }).await;
        for piece in expected {
            assert!(
                error.to_lowercase().contains(&piece.to_lowercase()),
                "{error}"
            );
        }
    }
    let mut build = build(&folder, "FROM scratch\n");
    build.dockerfile = "Other".into();
    let tag = "nk-test/never:1".to_owned();
    let error = stage.failed(OpKind::BuildImage { build, tag }).await;
    assert!(
        error.contains("there is no") && error.contains("Other"),
        "{error}"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn an_image_that_is_nowhere_says_what_to_do() {
    let stage = stage();
    let image = "localhost:1/nk-test/nowhere:1".to_owned();
    let error = stage
        .failed(OpKind::PullImage {
            image: image.clone(),
        })
        .await;
    assert!(error.contains(&image), "{error}");
    assert!(error.contains("docker load"), "{error}");
    let mut wish = stage.spec(idle("api"));
    wish.image = Some("nk-test/not-here:1".into());
    let error = stage.failed(OpKind::CreateInstance(Box::new(wish))).await;
    assert!(
        error.contains("nk-test/not-here:1") && error.contains("pull or build"),
        "{error}"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn the_check_of_an_image_counts_unless_the_file_has_another_opinion() {
    let stage = stage();
    play(&stage, async {
        let mut wish = stage.spec(idle("api"));
        wish.image = Some("nk-test/web:1".into());
        wish.service.command = None;
        let made = stage
            .done(OpKind::CreateInstance(Box::new(wish.clone())))
            .await;
        assert_eq!(made.health_check, Some(true));
        let plain = stage
            .done(OpKind::CreateInstance(Box::new(stage.spec(idle("plain")))))
            .await;
        assert_eq!(plain.health_check, Some(false));
        wish.service.name = "off".into();
        wish.service.healthcheck = Some(
            nanokit::domain::project::health::HealthCheck::with_defaults(
                nanokit::domain::project::health::Probe::None,
            ),
        );
        let off = stage.create(wish).await;
        stage.done(OpKind::StartInstance(off.clone())).await;
        assert_eq!(stage.instance(&off.id).await.health, Health::Unchecked);
    })
    .await;
}

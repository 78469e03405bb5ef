//! A tag that means another image by now: asked for by a deploy, never by a restore, which makes what it has to make of
//! the image that was recorded.

use super::lab::{Lab, changes, image, mounting, rows, service, steps};
use crate::domain::ids::{Address, ImageId};
use crate::domain::live::Status;
use crate::domain::plan::model::{Purpose, StepKind};
use crate::domain::project::service::{Service, ServiceKind};

const THEN: &str = "sha256:aaaabbbbccccdddd";
const NOW: &str = "sha256:1234567890abcdef";

/// Lets the tag mean an image, which is there from now on.
fn means(lab: &mut Lab, id: &str) {
    let id = ImageId::new(id);
    lab.live.local_images.insert(id.clone());
    lab.live.images.insert(image("busybox:stable"), id);
}

/// `api`, deployed before the tag moved.
fn moved() -> Lab {
    let mut lab = Lab::new(vec![service("api")]);
    means(&mut lab, THEN);
    lab.deploy();
    assert_eq!(rows(&lab.plan()), "");
    means(&mut lab, NOW);
    lab
}

fn restore(lab: &Lab) -> crate::domain::plan::model::Plan {
    lab.plan_for(Purpose::Restore, &["api"])
}

#[test]
fn a_moved_tag_is_a_change_that_a_deploy_carries_out_and_no_drift() {
    let mut lab = moved();
    let plan = lab.plan();
    let row = "~ service.api recreate (image (busybox:stable (aaaabbbbcccc) to busybox:stable (1234567890ab)) changed)";
    assert_eq!(rows(&plan).trim_end(), row);
    assert_eq!(
        changes(&plan, "service.api").trim_end(),
        "image busybox:stable (aaaabbbbcccc) -> busybox:stable (1234567890ab) config"
    );
    assert_eq!(plan.summary().drift, 0);
    assert_eq!(rows(&restore(&lab)), "");
    lab.instance("api", 0).status = Status::Paused;
    assert_eq!(
        rows(&restore(&lab)),
        "~ service.api in_place (status (paused) drifted)\n"
    );
    lab.deploy();
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn what_a_restore_makes_anew_is_made_of_the_recorded_image() {
    let mut lab = moved();
    lab.live.instances.clear();
    let plan = restore(&lab);
    let action = plan.action(&Address::service("api")).unwrap();
    let create = |step: &&crate::domain::plan::model::Step| step.kind == StepKind::Create;
    let create = action.steps.iter().find(create).unwrap();
    assert_eq!(create.detail, "busybox:stable (aaaabbbbcccc)");
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    lab.apply(&plan);
    let live = lab.instance("api", 0);
    assert_eq!(live.image_id, Some(ImageId::new(THEN)));
    // What was made of an image by its id bears that as its name, which is no difference of its own.
    let name = super::lab::plain(THEN);
    live.model.insert("image".to_owned(), name);
    assert_eq!(rows(&restore(&lab)), "");
    assert!(rows(&lab.plan()).ends_with("changed)\n"));
    // Nothing is fetched for it either.
    lab.live.instances.clear();
    lab.live.images.clear();
    assert!(!steps(&restore(&lab), "service.api").contains("pull"));
}

#[test]
fn a_restore_says_which_image_it_takes_when_the_recorded_one_is_gone() {
    let mut lab = moved();
    lab.live.instances.clear();
    lab.live.local_images.remove(&ImageId::new(THEN));
    let plan = restore(&lab);
    assert_eq!(
        plan.warnings[0].text,
        "service.api: the image it was made of (aaaabbbbcccc) is not here any more: a new one is made of busybox:stable (1234567890ab)"
    );
    lab.live.images.clear();
    let plan = restore(&lab);
    assert!(steps(&plan, "service.api").starts_with("pull"));
    assert!(
        plan.warnings[0]
            .text
            .ends_with("made of whatever busybox:stable is once it is fetched")
    );
}

#[test]
fn an_instance_of_another_image_than_the_recorded_one_is_drift() {
    let mut lab = moved();
    means(&mut lab, THEN);
    let one = lab.instance("api", 0);
    one.id = crate::domain::ids::ProviderId::new("other");
    one.image_id = Some(ImageId::new("sha256:9999999999999999"));
    let plan = restore(&lab);
    assert_eq!(
        changes(&plan, "service.api").trim_end(),
        "image busybox:stable (999999999999) -> busybox:stable (aaaabbbbcccc) drift"
    );
    assert!(rows(&plan).starts_with("~ service.api recreate"));
    lab.apply(&plan);
    assert_eq!(rows(&lab.plan()), "");
}

#[test]
fn a_job_runs_again_when_its_image_moved_or_its_volume_was_emptied() {
    let mut lab = Lab::deployed(vec![Service {
        kind: ServiceKind::Job,
        ..mounting("api", "data")
    }]);
    lab.live.instances.clear();
    lab.live.volumes.clear();
    assert!(
        rows(&lab.plan()).contains("+ service.api"),
        "{}",
        rows(&lab.plan())
    );
    lab.deploy();
    lab.live
        .images
        .insert(image("busybox:stable"), ImageId::new("sha256:ffff"));
    assert!(
        rows(&lab.plan()).contains("~ service.api recreate (image"),
        "{}",
        rows(&lab.plan())
    );
}

//! A run that ended well but for a warning, and one that was stopped on the way: neither may look like all is well.

use crate::app::snapshot::Snapshot;
use crate::domain::event::{StepOutcome, Stream};
use crate::domain::ids::{Address, Instance, StepId};
use crate::domain::time::Wall;
use crate::tui::model::Area;
use crate::tui::tests::fixtures::{busy, first_deploy};
use crate::tui::tests::parts::{NOW, action_view, at, shop, step_view};
use crate::tui::tests::talk::{Given, given};

/// Everything is deployed; the hook after the start of the api failed, which only warns.
fn warned() -> Snapshot {
    let mut snapshot = busy();
    let plan = first_deploy(&shop());
    let run = snapshot.run.as_mut().expect("run");
    for action in &plan.actions {
        let done = Some(StepOutcome::Done);
        run.actions
            .insert(action.address.clone(), action_view(40, Some(30), done));
        for step in &action.steps {
            run.steps
                .insert(step.id.clone(), step_view(40, Some(38), done));
        }
    }
    let mut failed = step_view(12, Some(11), Some(StepOutcome::Failed));
    failed.exit_code = Some(7);
    failed.message = Some("`curl chat` ended with exit code 7".into());
    run.steps.insert(hook(), failed);
    run.warnings = vec![format!("service.api: {} failed, which only warns", hook())];
    run.finished = Some((at(8), "ok".into(), 0, None));
    snapshot
}

fn hook() -> StepId {
    Address::service("api").step(Some(Instance(0)), "poststart.host")
}

fn panel(snapshot: Snapshot) -> Given {
    let mut given = given(snapshot).at(Area::Run);
    let line = "chat: connection refused";
    let source = hook().to_string();
    let store = &mut given.model.output.store;
    store.push(Wall(NOW.0), Stream::Stderr, &source, line);
    given.model.refresh_pane();
    given
}

#[test]
fn a_warning_is_said_marked_and_leads_to_its_output() {
    let given = panel(warned());
    let screen = given.screen();
    for part in [
        "ok, 1 warning",
        "! service.api",
        "poststart.host failed, which only warns",
        "chat: connection refused",
    ] {
        assert!(screen.contains(part), "{part} is not in\n{screen}");
    }
    assert!(screen.contains("Run !"), "the area is marked:\n{screen}");
    insta::assert_snapshot!("warned_120x40", given.size(120, 40).screen());
    let mut given = panel(warned());
    crate::tui::update::moves::follow(&mut given.model);
    let given = given.keys("o");
    let screen = given.screen();
    assert!(
        screen.contains("output of api[0]/poststart.host")
            && screen.contains("chat: connection refused"),
        "{screen}"
    );
}

#[test]
fn an_action_that_was_stopped_says_how_far_it_came() {
    let mut snapshot = busy();
    let run = snapshot.run.as_mut().expect("run");
    let migrate = Address::service("migrate");
    let mut view = action_view(29, Some(9), Some(StepOutcome::Skipped));
    view.message = Some("stopped after create".into());
    run.actions.insert(migrate, view);
    run.finished = Some((at(8), "cancelled".into(), 130, None));
    let screen = given(snapshot).at(Area::Run).screen();
    assert!(screen.contains("stopped after create"), "{screen}");
}

//! What has to be done before something changes: the more can break, and the dearer the environment, the more.

use std::sync::Arc;

use crate::app::notice::Notice;
use crate::app::snapshot::Snapshot;
use crate::domain::ids::{Address, EnvName, PlanId};
use crate::domain::plan::model::{ActionKind, Plan, Purpose, Strategy};
use crate::domain::time::Wall;
use crate::tui::model::Overlay;
use crate::tui::msg::Msg;
use crate::tui::tests::fixtures::idle;
use crate::tui::tests::parts::{action, hydrated, plan, shop};
use crate::tui::tests::talk::{Given, given};

/// The shop in an environment, with a plan that makes the service anew.
fn in_env(env: &str, strategy: Strategy) -> Snapshot {
    let mut project = shop();
    project.env = EnvName::parse(env).expect("name");
    let mut update = action(Address::service("api"), ActionKind::Update, 0, &[]);
    update.strategy = strategy;
    Snapshot {
        plan: Some(plan(&project, Purpose::Deploy, vec![update])),
        config: Some(hydrated(project)),
        drift: None,
        ..idle()
    }
}

fn ran(given: &Given) -> bool {
    given.asked().iter().any(|asked| asked.starts_with("run "))
}

#[test]
fn what_disrupts_wants_the_name_in_production_only() {
    for (env, typed) in [("local", false), ("staging", false), ("production", true)] {
        let asked = given(in_env(env, Strategy::Recreate)).keys("D");
        assert_eq!(
            matches!(asked.model.overlays.last(), Some(Overlay::Typed(_))),
            typed,
            "{env}"
        );
        assert_eq!(ran(&asked.keys("y")), !typed, "{env}");
    }
    let typed = given(in_env("production", Strategy::Recreate)).keys("D");
    assert!(ran(&typed.types("shop").keys("C-y")));
}

#[test]
fn what_disturbs_nobody_takes_one_key_in_production_too() {
    assert!(ran(
        &given(in_env("production", Strategy::Rolling)).keys("D y")
    ));
}

#[test]
fn losing_data_in_production_takes_the_name_and_a_wait() {
    let mut snapshot = in_env("production", Strategy::Rolling);
    let volume = action(Address::volume("data"), ActionKind::Delete, 0, &[]);
    let mut losing = Arc::unwrap_or_clone(snapshot.plan.take().expect("plan"));
    losing.actions.push(volume);
    assert!(!losing.destructive().is_empty());
    snapshot.plan = Some(Arc::new(losing));
    let asked = given(snapshot).keys("D");
    let opened = asked.model.now;
    // Typed faster than anybody can: the wait has not gone by.
    let typed = asked.burst("s h o p C-y");
    assert!(!ran(&typed));
    let screen = typed.screen();
    assert!(screen.contains("confirm in 5 s"), "{screen}");
    let waited = typed.tell(Msg::Tick(Wall(opened.0 + 5_100)));
    assert!(!waited.screen().contains(" in 5 s"));
    assert!(ran(&waited.keys("C-y")));
}

fn anew(plan: &Plan, id: &str) -> Arc<Plan> {
    Arc::new(Plan {
        id: PlanId::new(id),
        ..plan.clone()
    })
}

#[test]
fn a_plan_that_turns_stale_in_the_question_cannot_be_confirmed() {
    let before = in_env("local", Strategy::Rolling);
    let stale = Snapshot {
        plan_stale: Some("the project file changed".into()),
        ..before.clone()
    };
    let asked = given(before.clone()).keys("D").sees(stale);
    let screen = asked.screen();
    assert!(
        screen.contains("STALE: the project file changed"),
        "{screen}"
    );
    let asked = asked.keys("y");
    assert!(!ran(&asked));
    // The new plan does the same: the question goes on, about the new one.
    let plan = before.plan.clone().expect("plan");
    let same = asked.sees(Snapshot {
        plan: Some(anew(&plan, "p-same")),
        ..before
    });
    assert!(!same.screen().contains("STALE"));
    assert_eq!(same.keys("y").asked(), ["run deploy of p-same"]);
}

#[test]
fn a_plan_that_does_something_else_is_asked_about_anew() {
    let before = in_env("local", Strategy::Rolling);
    let other = in_env("local", Strategy::Recreate);
    let plan = anew(&other.plan.clone().expect("plan"), "p-other");
    let asked = given(before).keys("D");
    let opened = asked.model.now;
    let asked = asked.sees(Snapshot {
        plan: Some(plan),
        ..other
    });
    assert!(
        asked
            .model
            .toasts
            .iter()
            .any(|toast| toast.text.contains("plan changed"))
    );
    // A key that was on its way when the question changed confirms nothing.
    let early = asked.tell(Msg::Tick(Wall(opened.0 + 50))).burst("y");
    assert!(!ran(&early));
    assert_eq!(early.keys("n D y").asked(), ["run deploy of p-other"]);
}

#[test]
fn a_question_about_less_than_everything_is_asked_anew_only_if_its_own_plan_differs() {
    let restore = |id: &str, strategy| {
        let mut update = action(Address::service("worker"), ActionKind::Update, 0, &[]);
        update.strategy = strategy;
        let mut plan = Arc::unwrap_or_clone(plan(&shop(), Purpose::Restore, vec![update]));
        plan.targets = ["worker".to_owned()].into();
        plan.id = PlanId::new(id);
        Arc::new(plan)
    };
    let answered = |given: Given, plan| {
        let ticket = Some(given.ticket());
        let saved_at = None;
        given.then().hears(Notice::Planned {
            ticket,
            plan,
            saved_at,
        })
    };
    let whole = idle().plan.expect("plan");
    let moved = |id: &str| Snapshot {
        plan: Some(anew(&whole, id)),
        ..idle()
    };
    let asked = answered(given(idle()).keys("4 R"), restore("p-1", Strategy::InPlace));
    // The session's own plan moved, as it does right after a run: nothing is said, the plan is made again.
    let moving = asked.sees(moved("p-moved"));
    assert_eq!(moving.asked(), ["plan restore [worker]"]);
    let says = |given: &Given| {
        let toasts = &given.model.toasts;
        toasts
            .iter()
            .any(|toast| toast.text.contains("plan changed"))
    };
    assert!(!says(&moving));
    assert_eq!(moving.keys("y").asked(), ["plan restore [worker]"]);
    let moving = answered(given(idle()).keys("4 R"), restore("p-1", Strategy::InPlace))
        .sees(moved("p-moved"));
    let same = answered(moving, restore("p-2", Strategy::InPlace));
    assert!(!says(&same), "{}", same.screen());
    let again = same.sees(moved("p-again"));
    assert_eq!(again.asked(), ["plan restore [worker]"]);
    let other = answered(again, restore("p-3", Strategy::Recreate));
    assert!(says(&other) && other.asked().is_empty());
    let approved = other.keys("y").asked();
    assert_eq!(approved, ["restore service.worker of p-3"]);
}

#[test]
fn marked_services_are_deployed_and_nothing_else() {
    let marked = given(idle()).keys("2 Space");
    assert_eq!(
        marked.model.marks.values().flatten().count(),
        0,
        "a heading"
    );
    let marked = given(idle()).keys("* D");
    assert_eq!(
        marked.asked(),
        ["plan deploy [api cache db migrate web worker]"]
    );
    let one = given(idle()).keys("j Space D");
    assert_eq!(one.asked(), ["plan deploy [api]"]);
    let none = given(idle()).keys("j Space u D");
    assert!(none.asked().is_empty(), "the whole plan is there already");
}

#[test]
fn marked_drift_is_restored_by_name_and_networks_by_address() {
    use crate::domain::plan::model::Cause;
    use crate::tui::tests::parts::change;
    let mut snapshot = idle();
    let mut drift = Arc::unwrap_or_clone(snapshot.drift.take().expect("drift"));
    let gone = change("exists", Some("no"), Some("yes"), Cause::Drift);
    drift
        .drifted
        .insert(Address::network("default"), vec![gone]);
    snapshot.drift = Some(Arc::new(drift));
    let asked = given(snapshot).keys("4 * R");
    assert_eq!(asked.asked(), ["plan restore [network.default worker]"]);
}

#[test]
fn where_nothing_can_be_seen_nothing_can_be_agreed_to() {
    let asked = given(in_env("local", Strategy::Rolling))
        .keys("D")
        .size(20, 5);
    assert!(!ran(&asked.keys("y")));
    let blind = given(in_env("local", Strategy::Rolling))
        .size(20, 5)
        .keys("D");
    assert!(blind.model.overlays.is_empty());
    assert!(blind.keys("q").asked().contains(&"quit".to_owned()));
}

#[test]
fn a_mark_does_not_outlive_what_it_was_for() {
    let marked = given(idle()).keys("4 Space");
    assert_eq!(marked.model.marks.values().flatten().count(), 1);
    let mended = marked.sees(Snapshot {
        drift: Some(Arc::default()),
        ..idle()
    });
    assert_eq!(mended.model.marks.values().flatten().count(), 0);
}

#[test]
fn a_restore_of_one_says_so_as_a_command() {
    let asked = given(idle()).keys("4 R");
    let ticket = asked.ticket();
    let mut update = action(Address::service("worker"), ActionKind::Update, 0, &[]);
    update.strategy = Strategy::InPlace;
    let mut restore = Arc::unwrap_or_clone(plan(&shop(), Purpose::Restore, vec![update]));
    restore.targets = ["worker".to_owned()].into();
    let asked = asked.hears(crate::app::notice::Notice::Planned {
        ticket: Some(ticket),
        plan: Arc::new(restore),
        saved_at: None,
    });
    let screen = asked.screen();
    assert!(
        screen.contains("restore shop in local, only worker?"),
        "{screen}"
    );
    let done = asked.keys("y");
    assert_eq!(
        done.model.echo.as_deref(),
        Some("nkapp drift --restore worker")
    );
}

#[test]
fn an_engine_that_went_away_leaves_what_was_seen_with_its_age() {
    use crate::app::notice::Link;
    let gone = given(idle()).sees(Snapshot {
        link: Link::Down("no answer".into()),
        ..idle()
    });
    let screen = gone.screen();
    assert!(screen.contains("the platform does not answer"), "{screen}");
    assert!(screen.contains("worker"), "{screen}");
    let back = gone.sees(idle());
    assert!(!back.screen().contains("does not answer"));
}

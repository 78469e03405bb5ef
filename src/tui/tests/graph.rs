//! The services as a graph: what it looks like, where keys lead, what the plan does to it.

use crate::app::snapshot::Snapshot;
use crate::domain::ids::Address;
use crate::domain::plan::model::{Action, ActionKind, Cause, Strategy};
use crate::tui::fate::Fate;
use crate::tui::graph::drawing::Flow;
use crate::tui::tests::fixtures::{broken, busy, empty, failed, idle, long, wide};
use crate::tui::tests::parts::{action, change, hydrated, project, service};
use crate::tui::tests::talk::{Given, given};
use crate::tui::update::graph::{hit, pan};

fn told(action: &Action, others: &[Action]) -> String {
    let fate = Fate::of(action, |a| others.iter().find(|other| &other.address == a));
    let why = fate.because().unwrap_or_default();
    format!("{} {why}", fate.pending().text).trim().to_owned()
}

#[test]
fn what_a_plan_does_is_read_from_its_actions() {
    let network = action(Address::network("front"), ActionKind::Update, 0, &[]);
    let volume = action(Address::volume("data"), ActionKind::Create, 0, &[]);
    let others = [network, volume];
    let mut api = action(Address::service("api"), ActionKind::Update, 1, &["db"]);
    assert_eq!(told(&api, &others), "! replace");
    api.strategy = Strategy::Rolling;
    assert_eq!(told(&api, &others), "! roll");
    api.strategy = Strategy::InPlace;
    assert_eq!(told(&api, &others), "~ update");
    api.strategy = Strategy::Recreate;
    api.changes = vec![change(
        "mounts./data",
        None,
        Some("volume:data"),
        Cause::Drift,
    )];
    assert_eq!(told(&api, &others), "↻ restart because of volume.data");
    assert_eq!(told(&api, &[]), "! replace", "the volume is not made anew");
    api.changes.clear();
    api.depends_on.insert(Address::network("front"));
    assert_eq!(told(&api, &others), "↻ restart because of network.front");
    api.kind = ActionKind::Delete;
    assert_eq!(told(&api, &others), "- delete");
    api.kind = ActionKind::Noop;
    assert_eq!(told(&api, &others), "");
}

#[test]
fn the_shop_as_a_graph() {
    for (mood, snapshot) in [
        ("idle", idle as fn() -> Snapshot),
        ("busy", busy),
        ("empty", empty),
    ] {
        for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
            let screen = given(snapshot()).size(columns, rows).keys("v").screen();
            insta::assert_snapshot!(format!("graph_{mood}_{columns}x{rows}"), screen);
        }
    }
    let ascii = {
        let mut given = given(busy()).size(120, 40).keys("v");
        given.model.options.ascii = true;
        given.screen()
    };
    assert!(ascii.is_ascii());
    insta::assert_snapshot!("graph_busy_ascii", ascii);
}

#[test]
fn the_plan_laid_over_the_graph() {
    let screen = given(idle()).size(120, 40).keys("v a").screen();
    insta::assert_snapshot!("graph_after_120x40", screen);
    let first = given(busy()).size(80, 24).keys("v a").screen();
    insta::assert_snapshot!("graph_after_80x24", first);
}

/// Name of the chosen service, by tree and by graph.
fn chosen(given: &Given) -> (String, String) {
    let row = given.model.pane().and_then(|pane| pane.current());
    let tree = row.and_then(|row| row.row.subject.address().cloned());
    let graph = given.model.stage.chosen.clone();
    let name = |address: Option<Address>| address.map_or_else(|| "-".into(), |a| a.name);
    (name(tree), name(graph))
}

#[test]
fn arrows_follow_the_lines_and_the_tree_goes_along() {
    let mut at = given(idle()).size(120, 40).keys("v g g");
    let walk = [
        ("Right", "worker"),
        ("Left", "cache"),
        ("Down", "db"),
        ("Right", "migrate"),
        ("Right", "api"),
        ("Right", "web"),
        ("Right", "web"),
        ("h", "api"),
        ("g d", "cache"),
        ("g u", "api"),
        ("G", "web"),
        ("g g", "cache"),
    ];
    for (keys, name) in walk {
        at = at.keys(keys);
        assert_eq!(chosen(&at), (name.into(), name.into()), "{keys}");
    }
    let tree = at.keys("v");
    assert_eq!(chosen(&tree).0, "cache", "it is still chosen in the tree");
}

#[test]
fn the_filter_jumps_and_keys_stay_among_what_matches() {
    let filtered = given(idle())
        .size(120, 40)
        .keys("v /")
        .types("w")
        .keys("Enter");
    assert_eq!(chosen(&filtered).1, "worker");
    let next = filtered.keys("Right");
    assert_eq!(chosen(&next).1, "web");
    assert_eq!(chosen(&next.keys("Left")).1, "worker");
}

#[test]
fn the_critical_path_and_the_blocker_are_a_key_away() {
    let mut at = given(busy()).size(120, 40).keys("v g c");
    let mut names = vec![chosen(&at).1];
    for _ in 0..4 {
        at = at.keys("g c");
        names.push(chosen(&at).1);
    }
    assert_eq!(names, ["db", "migrate", "api", "web", "db"]);
    let at = at.keys("G");
    assert_eq!(chosen(&at).1, "web");
    let at = at.keys("g b");
    assert_eq!(chosen(&at).1, "migrate");
    assert!(
        at.keys("g b")
            .screen()
            .contains("does not wait for anything")
    );
}

#[test]
fn a_narrow_terminal_shows_the_tree_and_says_so() {
    let narrow = given(idle()).size(120, 40).keys("v").size(59, 24);
    let screen = narrow.screen();
    assert!(screen.contains("a graph needs 60 columns"), "{screen}");
    assert!(screen.contains("shared by"), "{screen}");
    let refused = given(idle()).size(59, 24).keys("v").screen();
    assert!(refused.contains("this terminal has 59"), "{refused}");
}

#[test]
fn the_mouse_finds_every_box_and_pans() {
    let mut at = given(idle()).size(80, 24).keys("v");
    let mut found = std::collections::BTreeSet::new();
    for x in 0..80 {
        for y in 0..24 {
            found.extend(hit(&at.model, x, y).map(|address| address.name));
        }
    }
    let all = ["api", "cache", "db", "migrate", "web", "worker"];
    assert_eq!(found.into_iter().collect::<Vec<_>>(), all);
    at.model.stage.wish = Some(Flow::Right);
    let mut at = at.size(62, 24);
    pan(&mut at.model, -1_000, -1_000);
    let before = at.model.stage.window();
    pan(&mut at.model, 1_000, 1_000);
    let after = at.model.stage.window();
    assert!(after.x > before.x, "it moves");
    let width = at
        .model
        .stage
        .drawn()
        .map_or(0, |(_, drawing)| drawing.width);
    assert_eq!(after.x + after.w, width, "and stops at its end");
}

#[test]
fn no_size_makes_a_graph_panic() {
    let large = || {
        let services = (0..120).map(|n| {
            let needs: Vec<String> = (1..4)
                .filter(|back| n >= back * 7)
                .map(|back| format!("service-number-{}", n - back * 7))
                .collect();
            let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
            service(&format!("service-number-{n}"), &needs)
        });
        Snapshot {
            config: Some(hydrated(project(services.collect()))),
            ..Snapshot::default()
        }
    };
    let moods: [fn() -> Snapshot; 7] = [empty, idle, busy, failed, long, wide, broken];
    for mood in moods.into_iter().chain([large as fn() -> Snapshot]) {
        let mut at = given(mood()).size(120, 40).keys("v");
        for width in [1, 20, 59, 60, 61, 80, 120, 169, 170, 300] {
            for height in [1, 5, 10, 11, 13, 24, 34, 60] {
                at = at.size(width, height).burst("Right Down PageDown z a");
                at.buffer();
            }
        }
        at.keys("a").buffer();
    }
}

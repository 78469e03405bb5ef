//! What a stranger stumbled over: marks under a filter, hints that matter, words that say what is known.

use std::sync::Arc;

use crate::domain::flow::FlowRequest;
use crate::domain::ids::Address;
use crate::domain::live::Health;
use crate::domain::plan::model::{Cause, PlanRequest, Purpose};
use crate::tui::model::Area;
use crate::tui::rows::plan::difference;
use crate::tui::rows::standing::health;
use crate::tui::tests::fixtures::{busy, idle};
use crate::tui::tests::parts::change;
use crate::tui::tests::talk::given;
use crate::tui::update::marks::marked;
use crate::tui::words::{cut_middle, nothing};

#[test]
fn under_a_filter_only_what_matches_is_marked() {
    let narrowed = given(idle()).at(Area::Services).keys("/").types("cache");
    let rows = narrowed.model.pane().expect("pane").rows().len();
    assert!(rows > 1, "the way to it is shown");
    let after = narrowed.keys("Enter *");
    let marks: Vec<&String> = marked(&after.model).iter().collect();
    assert_eq!(marks, ["service.cache"]);
}

#[test]
fn the_hints_name_what_matters_first() {
    let hints = |given: crate::tui::tests::talk::Given| {
        let screen = given.size(80, 24).screen();
        screen.lines().last().unwrap_or_default().to_owned()
    };
    let tree = hints(given(idle()).at(Area::Services));
    let graph = hints(given(idle()).at(Area::Services).keys("v"));
    let plan = hints(given(idle()).at(Area::Plan));
    let run = hints(given(busy()).at(Area::Run));
    for (line, wanted) in [
        (&tree, &["D deploy", "Space mark", "v view", "? help"][..]),
        (
            &graph,
            &["Space mark", "v view", "a now/after", "q quit"][..],
        ),
        (&plan, &["D deploy"][..]),
        (&run, &["c cancel run", "v view"][..]),
    ] {
        for hint in wanted {
            assert!(line.contains(hint), "{hint} is missing: {line}");
        }
        for noise in ["history area", "next area", "projects", "copy"] {
            assert!(!line.contains(noise), "{noise} is there: {line}");
        }
    }
}

#[test]
fn without_a_check_nothing_is_called_healthy() {
    let mut snapshot = idle();
    let address = Address::service("worker");
    let mut status = Arc::unwrap_or_clone(snapshot.status.take().expect("status"));
    let worker = status.resources.get_mut(&address).expect("worker");
    for instance in &mut worker.instances {
        instance.health = Health::Unchecked;
    }
    let worker = worker.clone();
    let mut run = busy().run.expect("run");
    for instance in &worker.instances {
        let said = ("healthy".to_owned(), String::new());
        run.health.insert(address.instance(instance.instance), said);
    }
    snapshot.run = Some(run);
    assert_eq!(health(&snapshot, Some(&worker)).text, "");
}

#[test]
fn nothing_to_do_is_said_of_what_was_asked() {
    let say = |purpose, names: &[&str]| {
        nothing(&PlanRequest {
            purpose,
            targets: names.iter().map(|name| (*name).to_owned()).collect(),
            flow: FlowRequest::default(),
        })
    };
    let all = [
        say(Purpose::Deploy, &[]),
        say(Purpose::Deploy, &["db"]),
        say(Purpose::Clean, &[]),
        say(Purpose::Destroy, &["api", "db"]),
    ];
    assert_eq!(
        all,
        [
            "Nothing to do: everything is as the file asks.",
            "Nothing to do for db: it is as the file asks.",
            "Nothing to do: nothing is deployed, and no volume is left.",
            "Nothing to do for api, db: each is not deployed.",
        ]
    );
}

#[test]
fn bytes_are_written_as_in_the_file() {
    let said = |before: &str, after: &str| {
        difference(&change("memory", Some(before), Some(after), Cause::Config))
    };
    assert_eq!(said("67108864", "1073741824"), "64 MiB → 1 GiB");
    assert_eq!(said("0", "1000"), "none → 1000");
}

#[test]
fn a_long_name_keeps_its_end() {
    assert_eq!(cut_middle("l1-a-rather-long-name-5", 15), "l1-a-ra…-name-5");
    assert_eq!(cut_middle("short", 15), "short");
}

//! Who is sampled when, and what the details of a service show of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app::notice::Notice;
use crate::app::snapshot::Snapshot;
use crate::domain::ids::*;
use crate::domain::live::{Health, LiveSubject, Status};
use crate::domain::usage::{Counters, Probed, Usage};
use crate::tui::model::Area;
use crate::tui::msg::Msg;
use crate::tui::tests::fixtures::idle;
use crate::tui::tests::parts::{NOW, at, hydrated, instance, project, service, standing};
use crate::tui::tests::talk::{Given, given};
use crate::tui::theme::Colors;

/// A shop of 300 services without dependencies.
fn many() -> Snapshot {
    let services = (0..300)
        .map(|n| service(&format!("s{n:03}"), &[]))
        .collect();
    let project = project(services);
    Snapshot {
        status: Some(Arc::new(standing(&project, true))),
        config: Some(hydrated(project)),
        ..Snapshot::default()
    }
}

fn last(given: &Given) -> String {
    given.watched().last().cloned().unwrap_or_default()
}

#[test]
fn of_300_services_only_the_chosen_one_is_sampled() {
    let seen = given(many()).tell(Msg::Tick(NOW));
    assert_eq!(seen.watched(), ["s000"]);
    let moved = seen.then().keys("j j");
    assert_eq!(moved.watched(), ["s001", "s002"]);
    let again = moved.then().sees(many());
    assert_eq!(
        again.watched(),
        Vec::<String>::new(),
        "nothing else is on the screen"
    );
}

#[test]
fn leaving_the_area_stops_it_and_coming_back_goes_on() {
    let mut here = given(many()).tell(Msg::Tick(NOW));
    for key in ["2", "3", "4", "5", "6"] {
        here = here.then().keys(key);
        assert_eq!(here.watched(), [""], "{key}");
        here = here.then().keys("1");
        assert_eq!(here.watched(), ["s000"], "{key}");
    }
    let reading = here.then().keys("l");
    assert_eq!(reading.watched(), [""], "its output hides the rest");
    assert_eq!(reading.then().keys("Esc").watched(), ["s000"]);
}

#[test]
fn nothing_is_sampled_for_a_terminal_that_is_gone() {
    let mut busy = given(crate::tui::tests::fixtures::busy()).tell(Msg::Tick(NOW));
    assert_ne!(last(&busy), "");
    busy = busy.then().tell(Msg::TerminalLost);
    assert_eq!(last(&busy), "");
}

#[test]
fn with_columns_of_use_the_rows_in_sight_are_sampled_and_no_more_than_thirty() {
    let shown = given(many()).tell(Msg::Tick(NOW)).then().keys("m");
    let names = last(&shown);
    assert_eq!(names.split(' ').count(), 24, "{names}");
    let tall = shown.then().size(80, 200);
    assert!(last(&tall).split(' ').count() <= 30);
    let moved = tall.then().keys("G");
    assert!(last(&moved).contains("s299") && !last(&moved).contains("s000"));
    assert_eq!(
        moved
            .then()
            .keys("k k m")
            .watched()
            .last()
            .map(String::as_str),
        Some("s299")
    );
}

/// Half a minute of samples of the first instance of the api, and its last probes.
fn looked_at() -> Given {
    let mut snapshot = idle();
    let status = Arc::make_mut(snapshot.status.as_mut().expect("status"));
    let api = Address::service("api");
    let resource = status.resources.get_mut(&api).expect("api");
    let mut one = instance("api", 0, Status::Running, Health::Unhealthy);
    one.restarts = 2;
    resource.instances = vec![one];
    let id = resource.instances[0].id.clone();
    let subject = LiveSubject {
        id: id.clone(),
        address: api,
        instance: Instance(0),
    };
    let mut here = given(snapshot).tell(Msg::Tick(NOW)).keys("j");
    for n in 0..16_u64 {
        let usage = Usage {
            at: at(32 - 2 * i64::try_from(n).expect("small")),
            cpu_millis: (n > 0).then_some(n * n),
            counters: Counters {
                memory: Some((20 + n) << 20),
                memory_limit: Some(8 << 30),
                received: Some(12_345),
                sent: Some(0),
                tasks: Some(7),
                ..Counters::default()
            },
        };
        let samples = Arc::new(vec![(subject.clone(), usage)]);
        here = here.hears(Notice::Usage { samples });
    }
    let probe = |seconds, exit, output: &str| Probed {
        at: Some(at(seconds)),
        exit: Some(exit),
        output: output.to_owned(),
    };
    let probes = vec![
        probe(20, 0, "ok\n"),
        probe(10, 1, "connection refused\n\u{1b}[31mtwice\u{1b}[0m\n"),
    ];
    let probes = Arc::new(BTreeMap::from([(id, probes)]));
    here.hears(Notice::Probes { probes })
}

#[test]
fn the_details_of_a_service_show_use_probes_and_configuration() {
    let wide = looked_at().size(120, 40);
    insta::assert_snapshot!("service_120x40", wide.screen());
    insta::assert_snapshot!("service_80x24", looked_at().keys("Enter").screen());
    let mut plain = looked_at().size(120, 40);
    plain.model.options.colors = Colors::None;
    plain.model.options.ascii = true;
    insta::assert_snapshot!("service_ascii", plain.screen());
}

#[test]
fn every_line_of_the_details_can_be_copied() {
    let here = looked_at().keys("Enter j").then().keys("Y");
    let copied = here.asked();
    assert_eq!(
        copied,
        ["copy 22.5 %, peak 22.5 %, no limit; of one core, bars to 50.0 %, last 30 s"]
    );
    let end = here.then().keys("G Y");
    assert!(end.asked()[0].starts_with("copy "), "{:?}", end.asked());
    assert_ne!(end.asked(), copied);
}

#[test]
fn samples_of_what_is_not_shown_draw_nothing() {
    let mut away = looked_at().at(Area::Plan);
    away.model.dirty = false;
    let samples = Arc::new(Vec::new());
    let away = away.hears(Notice::Usage { samples });
    assert!(!away.model.dirty);
}

#[test]
fn an_instance_nobody_looked_at_has_dashes_and_no_zeros() {
    let screen = given(idle()).tell(Msg::Tick(NOW)).size(120, 40).screen();
    assert!(screen.contains("cpu         -"), "{screen}");
    assert!(screen.contains("memory      -"), "{screen}");
}

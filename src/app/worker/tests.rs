//! The mind on paused time: what it wishes for, and when it keeps still.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::app::command::{Command, Ticket};
use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::{End, Hydrated, Link, Notice};
use crate::app::sample;
use crate::app::worker::mind::{Identity, Worker};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{Address, Digest, RunId};
use crate::domain::lease::{Holder, LockRecord, LockReport, LockStatus, Occupation, Verdict};
use crate::domain::place::Sources;
use crate::domain::plan::model::{ActionKind, Cause, Change};
use crate::domain::project::project::Project;
use crate::domain::project::service::{Condition, Dependency, Service};
use crate::domain::project::watch::Restoring;
use crate::domain::report::worker::Leadership;
use crate::domain::report::{DriftReport, ResourceStatus, StatusReport};
use crate::domain::time::Wall;

/// A mind with its clock.
struct Lab {
    mind: Worker,
    project: Project,
    now: Instant,
    tickets: u64,
}

impl Lab {
    fn new(restore: Restoring) -> Self {
        let mut project = sample::project();
        project.drift.restore = restore;
        for name in ["api", "db"] {
            let service = Service::named(name);
            project.services.insert(name.to_owned(), service);
        }
        let me = Identity {
            id: "7-a".into(),
            pid: 7,
            user: "me".into(),
            host: "here".into(),
            version: "1".into(),
        };
        let now = Instant::now();
        let mind = Worker::new(me, Arc::new(project.clone()), now, Wall(0));
        Self {
            mind,
            project,
            now,
            tickets: 0,
        }
    }
    /// One that leads, has looked, and found the lock free.
    fn leading(restore: Restoring) -> Self {
        let mut lab = Self::new(restore);
        lab.hears(&Notice::Leadership(Leadership::Leads));
        assert_eq!(lab.wishes(), "look");
        lab.hears(&Notice::Link(Link::Up("the platform".into())));
        lab.lock(Verdict::Free, 0);
        lab.hears(&Notice::Looked);
        lab
    }
    fn hears(&mut self, notice: &Notice) {
        self.mind.hear(notice, self.now, Wall(0));
    }
    fn passes(&mut self, span: Duration) {
        self.now += span;
    }
    fn drifts(&mut self, names: &[&str]) {
        self.finds(names, &[]);
    }
    /// A look finds these drifted, and these of them half done by a restore.
    fn finds(&mut self, names: &[&str], half_done: &[&str]) {
        let change = Change {
            path: "status".into(),
            instance: None,
            before: None,
            after: None,
            cause: Cause::Drift,
            sensitive: false,
        };
        let drifted = names
            .iter()
            .map(|name| (Address::service(name), vec![change.clone()]))
            .collect();
        self.hears(&Notice::Drift {
            ticket: None,
            report: Arc::new(DriftReport {
                drifted,
                half_done: half_done
                    .iter()
                    .map(|name| (Address::service(name), RunId("r1".to_owned())))
                    .collect(),
                digest: Digest::new(names.join(" ")),
                ..DriftReport::default()
            }),
        });
    }
    /// A look finds one drifted and cannot tell what is ignored.
    fn is_undecided(&mut self, name: &str, why: Option<&str>) {
        let mut report = DriftReport {
            drifted: BTreeMap::from([(Address::service(name), Vec::new())]),
            ..DriftReport::default()
        };
        report.undecided = why.map(str::to_owned);
        self.hears(&Notice::Drift {
            ticket: None,
            report: Arc::new(report),
        });
    }
    /// A look finds these drifted, and these of them to be made anew in another way than recorded.
    fn holds(&mut self, names: &[&str], held: &[&str]) {
        let found = names.iter().map(|name| Address::service(name));
        let why = |name: &&str| (Address::service(name), "the file changed".to_owned());
        self.hears(&Notice::Drift {
            ticket: None,
            report: Arc::new(DriftReport {
                drifted: found.map(|address| (address, Vec::new())).collect(),
                held: held.iter().map(why).collect(),
                ..DriftReport::default()
            }),
        });
    }
    fn lock(&mut self, verdict: Verdict, pid: u32) {
        let record = (verdict != Verdict::Free).then(|| LockRecord {
            status: LockStatus::Held,
            lock_id: crate::domain::ids::LockId::new("l"),
            epoch: crate::domain::ids::Epoch(1),
            beat: 0,
            lineage: None,
            holder: Holder {
                user: "you".into(),
                host: "here".into(),
                pid,
                ..Holder::default()
            },
            occupation: Occupation {
                command: "deploy".into(),
                ..Occupation::default()
            },
            lease: Duration::from_secs(30),
            acquired_at: Wall(0),
            renewed_at: Wall(0),
            broken: None,
        });
        self.hears(&Notice::Lock {
            ticket: None,
            report: Arc::new(LockReport {
                location: "lock".into(),
                verdict,
                record,
                version: None,
                evidence: Vec::new(),
            }),
            watching: false,
        });
    }
    fn ready(&mut self, name: &str, ready: bool) {
        let status = ResourceStatus {
            address: Address::service(name),
            desired: true,
            wanted: 1,
            image: None,
            instances: Vec::new(),
            ready,
            pending: ActionKind::Noop,
            drift: Vec::new(),
            ignored: Vec::new(),
        };
        self.hears(&Notice::Status {
            ticket: None,
            report: Arc::new(StatusReport {
                resources: BTreeMap::from([(status.address.clone(), status)]),
                ..StatusReport::default()
            }),
        });
    }
    /// What it wishes for now, sent.
    fn wishes(&mut self) -> String {
        let Some(command) = self.mind.wish(self.now) else {
            return "nothing".to_owned();
        };
        self.tickets += 1;
        self.mind.sent(&command, Ticket(self.tickets));
        match command {
            Command::Restore { addresses, .. } => {
                let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                format!("restore {}", names.join(" "))
            }
            Command::Lock { .. } => "lock".to_owned(),
            Command::Look => "look".to_owned(),
            other => format!("{other:?}"),
        }
    }
    fn ends(&mut self, failure: Option<FailureKind>) {
        let ticket = Ticket(self.tickets);
        let notice = match failure {
            None => Notice::Done {
                ticket,
                end: End::Plain,
            },
            Some(kind) => Notice::Failed {
                ticket: Some(ticket),
                failure: Failure::new(kind, "it did not work"),
            },
        };
        self.hears(&notice);
    }
    /// A look finds this drifted, or not any more.
    fn happens(&mut self, name: &str, kind: EventKind) {
        self.hears(&Notice::Event(Event {
            at: Wall(0),
            run_id: None,
            seq: 0,
            address: Some(Address::service(name)),
            step: None,
            attempt: None,
            kind,
        }));
    }
    /// What is told of drift by now.
    fn news(&mut self) -> String {
        let news = self.mind.take_news();
        let told = news.iter().map(|event| {
            let address = event.address.as_ref().map(ToString::to_string);
            format!("{} {}\n", event.kind.as_str(), address.unwrap_or_default())
        });
        told.collect()
    }
    fn said(&mut self) -> String {
        let said = self.mind.take_said();
        said.iter().map(|said| format!("{}\n", said.text)).collect()
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn drift_that_lasts_is_restored_and_what_goes_away_is_not() {
    let mut lab = Lab::leading(Restoring::Auto);
    lab.drifts(&["api"]);
    assert_eq!(lab.wishes(), "nothing");
    assert!(lab.mind.patience(lab.now) <= Some(SECOND));
    lab.drifts(&[]);
    lab.passes(SECOND);
    assert_eq!(lab.wishes(), "nothing");
    lab.drifts(&["api", "db"]);
    lab.passes(SECOND);
    assert_eq!(lab.wishes(), "restore service.api service.db");
    assert_eq!(lab.wishes(), "nothing");
    assert_eq!(lab.mind.report(lab.now, Wall(0)).restoring.len(), 2);
    lab.ends(None);
    // Until the session has looked, what is known is old.
    lab.passes(SECOND * 2);
    assert_eq!(lab.wishes(), "nothing");
    lab.drifts(&[]);
    lab.hears(&Notice::Looked);
    assert_eq!(lab.wishes(), "nothing");
    let report = lab.mind.report(lab.now, Wall(0));
    assert_eq!((report.restored, report.failed), (1, 0));
    assert!(report.drifted.is_empty() && report.last.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_leader_left_half_done_is_taken_up_after_a_look_or_asked_about() {
    let mut lab = Lab::new(Restoring::Auto);
    lab.hears(&Notice::Leadership(Leadership::StandsBy("you".into())));
    lab.hears(&Notice::Link(Link::Up("the platform".into())));
    lab.lock(Verdict::Free, 0);
    lab.hears(&Notice::Looked);
    lab.passes(SECOND * 60);
    assert_eq!(lab.wishes(), "nothing");
    // What it saw while another one led is old.
    lab.hears(&Notice::Leadership(Leadership::Leads));
    assert_eq!(lab.wishes(), "look");
    lab.finds(&["api"], &["api"]);
    lab.passes(SECOND * 2);
    assert_eq!(lab.wishes(), "nothing");
    lab.hears(&Notice::Looked);
    assert!(lab.said().contains("the leader takes it up again"));
    assert_eq!(lab.mind.report(lab.now, Wall(0)).half_done.len(), 1);
    assert_eq!(lab.wishes(), "restore service.api");
    assert!(lab.mind.report(lab.now, Wall(0)).half_done.is_empty());

    let mut lab = Lab::leading(Restoring::Ask);
    lab.finds(&["api"], &["api"]);
    lab.finds(&["api"], &["api"]);
    lab.passes(SECOND * 60);
    assert_eq!(lab.wishes(), "nothing");
    let said = lab.said();
    assert_eq!(said.matches("not finished (run r1)").count(), 1, "{said}");
    assert!(said.contains("nkapp drift --restore"), "{said}");
    assert_eq!(lab.mind.report(lab.now, Wall(0)).pending.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_is_back_is_not_waited_for_any_longer() {
    let mut lab = Lab::leading(Restoring::Auto);
    lab.drifts(&["api"]);
    lab.passes(SECOND);
    assert_eq!(lab.wishes(), "restore service.api");
    lab.ends(Some(FailureKind::Failed));
    lab.hears(&Notice::Link(Link::Down("gone".into())));
    lab.hears(&Notice::Link(Link::Up("the platform".into())));
    lab.hears(&Notice::Looked);
    lab.passes(SECOND);
    assert_eq!(lab.wishes(), "restore service.api");
}

#[tokio::test(start_paused = true)]
async fn only_auto_acts_and_ask_notes_what_waits_for_a_human() {
    for (restore, pending) in [(Restoring::Ask, 1), (Restoring::Never, 0)] {
        let mut lab = Lab::leading(restore);
        lab.drifts(&["api"]);
        lab.passes(SECOND * 600);
        assert_eq!(lab.wishes(), "nothing", "{restore:?}");
        let report = lab.mind.report(lab.now, Wall(0));
        assert_eq!(report.pending.len(), pending, "{restore:?}");
        assert_eq!(report.drifted.len(), 1);
        let told = lab.said().contains("nkapp drift --restore");
        assert_eq!(told, restore == Restoring::Ask);
    }
    let mut lab = Lab::leading(Restoring::Auto);
    lab.project.drift.only = ["db".to_owned()].into();
    let config = Notice::Config(Arc::new(Hydrated {
        project: Some(Arc::new(lab.project.clone())),
        layers: Vec::new(),
        diagnostics: Vec::new(),
        sources: Arc::new(Sources::default()),
    }));
    lab.hears(&config);
    lab.drifts(&["api", "db"]);
    lab.passes(SECOND);
    assert_eq!(lab.wishes(), "restore service.db");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_restored_without_the_lead_the_platform_or_a_free_lock() {
    let spoils: [fn(&mut Lab); 4] = [
        |lab| lab.hears(&Notice::Leadership(Leadership::StandsBy("you".into()))),
        |lab| lab.hears(&Notice::Link(Link::Down("gone".into()))),
        |lab| {
            let failure = Arc::new(Failure::new(FailureKind::Failed, "a secret is missing"));
            lab.hears(&Notice::Trouble(Some(failure)));
        },
        |lab| lab.mind.drain(),
    ];
    for (number, spoil) in spoils.into_iter().enumerate() {
        let mut lab = Lab::leading(Restoring::Auto);
        lab.drifts(&["api"]);
        spoil(&mut lab);
        lab.passes(SECOND * 5);
        assert_eq!(lab.wishes(), "nothing", "case {number}");
        assert_eq!(lab.mind.patience(lab.now), None, "case {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn while_an_operator_holds_the_lock_it_only_watches_and_looks_again_after() {
    let mut lab = Lab::leading(Restoring::Auto);
    lab.lock(Verdict::Alive, 99);
    lab.drifts(&["api"]);
    lab.passes(SECOND * 3);
    // A holder that dies tells nobody, so the lock is looked at, and nothing else is done.
    assert_eq!(lab.wishes(), "lock");
    assert_eq!(lab.wishes(), "nothing");
    lab.lock(Verdict::Alive, 99);
    assert_eq!(lab.wishes(), "nothing");
    lab.passes(SECOND * 2);
    assert_eq!(lab.wishes(), "lock");
    let report = lab.mind.report(lab.now, Wall(0));
    assert!(
        report
            .lock_held_by
            .is_some_and(|who| who.contains("99") && who.contains("deploy"))
    );
    lab.lock(Verdict::Free, 0);
    assert_eq!(lab.wishes(), "look");
    assert_eq!(lab.wishes(), "nothing");
    lab.hears(&Notice::Looked);
    assert_eq!(lab.wishes(), "restore service.api");
    // Our own lock is none that keeps us from anything.
    lab.lock(Verdict::Alive, 7);
    assert_eq!(lab.mind.report(lab.now, Wall(0)).lock_held_by, None);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_was_faster_is_no_failure_and_a_failure_makes_a_pause() {
    let mut lab = Lab::leading(Restoring::Auto);
    lab.drifts(&["api"]);
    lab.passes(SECOND);
    assert_eq!(lab.wishes(), "restore service.api");
    lab.ends(Some(FailureKind::Locked));
    lab.hears(&Notice::Looked);
    assert_eq!(lab.mind.report(lab.now, Wall(0)).failed, 0);
    assert_eq!(lab.wishes(), "nothing");
    lab.passes(SECOND * 2);
    assert_eq!(lab.wishes(), "lock");
    lab.lock(Verdict::Free, 0);
    assert_eq!(lab.wishes(), "restore service.api");
    lab.ends(Some(FailureKind::Failed));
    lab.hears(&Notice::Looked);
    assert!(lab.said().contains("tried again in 5 s"));
    let waiting = lab.mind.report(lab.now, Wall(0)).waiting;
    assert_eq!(waiting[0].next_at, Some(Wall(5_000)));
    lab.passes(SECOND * 4);
    assert_eq!(lab.wishes(), "nothing");
    lab.passes(SECOND);
    assert_eq!(lab.wishes(), "restore service.api");
}

#[tokio::test(start_paused = true)]
async fn what_a_run_of_somebody_else_does_is_no_drift_that_was_found() {
    let found = || EventKind::DriftFound {
        changes: Vec::new(),
    };
    let mut lab = Lab::leading(Restoring::Ask);
    lab.happens("api", found());
    assert_eq!(lab.news(), "", "the look is not over");
    lab.hears(&Notice::Looked);
    assert_eq!(lab.news(), "drift_found service.api\n");
    lab.happens("api", EventKind::DriftCleared);
    assert_eq!(lab.news(), "drift_cleared service.api\n");
    lab.lock(Verdict::Alive, 99);
    for name in ["api", "db"] {
        lab.happens(name, found());
    }
    lab.hears(&Notice::Looked);
    assert_eq!(lab.news(), "");
    lab.happens("api", EventKind::DriftCleared);
    assert_eq!(lab.news(), "", "nobody heard that it was there");
    // What the run left behind is found once it is over.
    lab.lock(Verdict::Free, 0);
    assert_eq!((lab.news(), lab.wishes()), (String::new(), "look".into()));
    lab.hears(&Notice::Looked);
    assert_eq!(lab.news(), "drift_found service.db\n");
    // A holder that gives no sign of life does nothing.
    lab.lock(Verdict::Unknown, 99);
    lab.happens("api", found());
    lab.passes(SECOND * 59);
    lab.hears(&Notice::Looked);
    assert_eq!(lab.news(), "");
    lab.passes(SECOND);
    lab.hears(&Notice::Looked);
    assert_eq!(lab.news(), "drift_found service.api\n");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_grew_is_told_when_it_begins_and_once() {
    let mut lab = Lab::leading(Restoring::Auto);
    lab.said();
    let mut told = Vec::new();
    for _ in 0..8 {
        lab.drifts(&["api"]);
        lab.hears(&Notice::Looked);
        lab.hears(&Notice::Looked);
        told.push(lab.said());
        lab.passes(SECOND * 60);
        assert_eq!(lab.wishes(), "restore service.api");
        lab.ends(None);
        lab.drifts(&[]);
        lab.hears(&Notice::Looked);
        lab.said();
    }
    let pauses: Vec<Option<&str>> = told
        .iter()
        .map(|said| {
            said.split_once("is restored in ")?
                .1
                .split_once(" s;")
                .map(|(n, _)| n)
        })
        .collect();
    let expected = [
        None,
        None,
        Some("2"),
        Some("4"),
        Some("8"),
        Some("16"),
        Some("32"),
        Some("60"),
    ];
    assert_eq!(pauses, expected);
    assert!(
        told[2].starts_with("service.api drifted again after 2 restores"),
        "{told:?}"
    );
    assert!(
        told.iter().all(|said| said.lines().count() <= 1),
        "{told:?}"
    );
    // Who does not lead restores nothing, and has no pauses.
    lab.hears(&Notice::Leadership(Leadership::StandsBy("you".into())));
    lab.said();
    lab.drifts(&["api"]);
    lab.hears(&Notice::Looked);
    assert_eq!(lab.said(), "");
}

#[tokio::test(start_paused = true)]
async fn a_volume_made_anew_by_hand_waits_for_a_human_and_is_never_restored() {
    for restore in [Restoring::Auto, Restoring::Ask] {
        let mut lab = Lab::leading(restore);
        lab.said();
        let data = Address::volume("data");
        let change = Change {
            path: "id".into(),
            instance: None,
            before: None,
            after: None,
            cause: Cause::Drift,
            sensitive: false,
        };
        lab.hears(&Notice::Drift {
            ticket: None,
            report: Arc::new(DriftReport {
                drifted: [(data.clone(), vec![change])].into(),
                digest: Digest::new("d"),
                ..DriftReport::default()
            }),
        });
        lab.passes(SECOND * 60);
        assert_eq!(lab.wishes(), "nothing");
        let said = lab.said();
        assert!(said.contains("nkapp drift accept volume.data"), "{said}");
        assert!(!said.contains("drift --restore"), "{said}");
        assert_eq!(lab.mind.report(lab.now, Wall(0)).pending, [data]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_would_not_be_put_back_as_recorded_waits_for_a_human() {
    let mut lab = Lab::leading(Restoring::Auto);
    lab.said();
    let api = Address::service("api");
    for _ in 0..2 {
        lab.holds(&["api", "db"], &["api"]);
    }
    lab.passes(SECOND);
    let said = lab.said();
    let told = "service.api drifted and is left to you: the file changed; `nkapp drift --restore api` shows what it would do";
    assert_eq!(said.matches(told).count(), 1, "{said}");
    assert_eq!(lab.wishes(), "restore service.db");
    let report = lab.mind.report(lab.now, Wall(0));
    assert_eq!(report.pending, std::slice::from_ref(&api));
    assert_eq!(report.held[&api], "the file changed");
    assert!(report.waiting.iter().all(|one| one.address != api));
    lab.ends(None);
    lab.holds(&["api"], &["api"]);
    lab.hears(&Notice::Looked);
    lab.passes(SECOND * 600);
    assert_eq!(lab.wishes(), "nothing");
    // The edit was taken back, or deployed.
    lab.holds(&["api"], &[]);
    assert_eq!(lab.wishes(), "restore service.api");
}

#[tokio::test(start_paused = true)]
async fn who_stands_on_what_is_left_to_a_human_waits_too_and_asking_is_as_ever() {
    let mut lab = Lab::leading(Restoring::Auto);
    on_db(&mut lab);
    lab.ready("db", false);
    lab.holds(&["api", "db"], &["db"]);
    lab.passes(SECOND * 60);
    assert_eq!(lab.wishes(), "nothing");

    let mut lab = Lab::leading(Restoring::Ask);
    lab.holds(&["api"], &["api"]);
    let report = lab.mind.report(lab.now, Wall(0));
    assert_eq!(report.pending, [Address::service("api")]);
    assert_eq!(report.held.len(), 1);
}

/// Lets `api` stand on a healthy `db`.
fn on_db(lab: &mut Lab) {
    let api = lab.project.services.get_mut("api").expect("a service");
    api.depends_on.insert(
        "db".into(),
        Dependency {
            condition: Condition::Healthy,
            required: true,
        },
    );
    let config = Notice::Config(Arc::new(Hydrated {
        project: Some(Arc::new(lab.project.clone())),
        layers: Vec::new(),
        diagnostics: Vec::new(),
        sources: Arc::new(Sources::default()),
    }));
    lab.hears(&config);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_restored_now_is_no_ground_to_stand_on() {
    let mut lab = Lab::leading(Restoring::Auto);
    lab.project.drift.only = ["api".to_owned()].into();
    on_db(&mut lab);
    lab.ready("db", false);
    lab.drifts(&["api", "db"]);
    lab.passes(SECOND);
    assert_eq!(lab.wishes(), "nothing", "the file leaves `db` to a human");
    lab.ready("db", true);
    lab.drifts(&["api"]);
    lab.passes(SECOND);
    assert_eq!(lab.wishes(), "restore service.api");
}

#[tokio::test(start_paused = true)]
async fn a_service_waits_for_the_health_of_what_it_stands_on() {
    let mut lab = Lab::leading(Restoring::Auto);
    on_db(&mut lab);
    lab.ready("db", false);
    lab.drifts(&["api"]);
    lab.passes(SECOND);
    assert_eq!(lab.wishes(), "nothing");
    let report = lab.mind.report(lab.now, Wall(0));
    assert!(report.waiting[0].reason.contains("db"), "{report:?}");
    assert_eq!(report.ailing[0].needed_by, ["api"]);
    // What drifted itself is restored along, in the order of the graph.
    lab.drifts(&["api", "db"]);
    lab.passes(SECOND);
    assert_eq!(lab.wishes(), "restore service.api service.db");
    lab.ends(None);
    lab.drifts(&["api"]);
    lab.ready("db", true);
    lab.hears(&Notice::Looked);
    lab.passes(SECOND * 60);
    assert_eq!(lab.wishes(), "restore service.api");
}

#[tokio::test(start_paused = true)]
async fn a_broken_file_is_said_once_and_the_last_good_one_holds() {
    let mut lab = Lab::leading(Restoring::Auto);
    let broken = Notice::Config(Arc::new(Hydrated {
        project: None,
        layers: Vec::new(),
        diagnostics: vec![crate::domain::diagnostic::Diagnostic::error(
            "NK0001",
            "it is torn",
        )],
        sources: Arc::new(Sources::default()),
    }));
    lab.hears(&broken);
    lab.hears(&broken);
    assert_eq!(lab.said().matches("it is torn").count(), 1);
    let fault = lab.mind.report(lab.now, Wall(0)).config_fault;
    assert!(fault.is_some_and(|fault| fault.contains("last good")));
    lab.drifts(&["api"]);
    lab.passes(SECOND);
    assert_eq!(lab.wishes(), "restore service.api");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_restored_while_nobody_knows_what_is_ignored() {
    let mut lab = Lab::leading(Restoring::Auto);
    lab.is_undecided("api", Some("the list is damaged"));
    lab.passes(SECOND * 60);
    assert_eq!(lab.wishes(), "nothing");
    let said = lab.said();
    let told = "what is ignored is not known, so nothing is restored: the list is damaged";
    assert!(said.contains(told), "{said}");
    let waiting = lab.mind.report(lab.now, Wall(0)).waiting;
    assert_eq!(waiting[0].reason, "what is ignored to be known");
    lab.is_undecided("api", None);
    assert_eq!(lab.wishes(), "restore service.api");
}

//! The small shop in several moods: what the session may know at one moment.

use std::sync::Arc;

use crate::app::notice::{Hydrated, Link};
use crate::app::snapshot::Snapshot;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::event::{Event, EventKind, StepOutcome, Stream};
use crate::domain::history::view::RunView;
use crate::domain::ids::*;
use crate::domain::lease::Verdict;
use crate::domain::live::{Health, Status};
use crate::domain::place::{Sources, Span};
use crate::domain::plan::model::*;
use crate::domain::project::project::Project;
use crate::domain::report::DriftReport;
use crate::domain::time::Wall;
use crate::tui::tests::parts::*;

/// The plan of the first deploy of the shop.
pub(super) fn first_deploy(project: &Project) -> Arc<Plan> {
    plan(
        project,
        Purpose::Deploy,
        vec![
            action(Address::network("default"), ActionKind::Create, 0, &[]),
            action(Address::volume("data"), ActionKind::Create, 0, &[]),
            action(Address::service("cache"), ActionKind::Create, 1, &[]),
            action(Address::service("db"), ActionKind::Create, 1, &[]),
            action(Address::service("migrate"), ActionKind::Create, 2, &["db"]),
            action(
                Address::service("worker"),
                ActionKind::Create,
                2,
                &["cache", "db"],
            ),
            action(
                Address::service("api"),
                ActionKind::Create,
                3,
                &["cache", "db", "migrate"],
            ),
            action(Address::service("web"), ActionKind::Create, 4, &["api"]),
        ],
    )
}

/// Nothing known yet but the file.
pub(super) fn empty() -> Snapshot {
    let project = shop();
    Snapshot {
        config: Some(hydrated(project)),
        ..Snapshot::default()
    }
}

/// Everything runs; one service was edited, one was changed by hand.
pub(super) fn idle() -> Snapshot {
    let project = shop();
    let mut status = standing(&project, true);
    let drift = vec![change("memory", Some("64 MiB"), Some("0"), Cause::Drift)];
    if let Some(worker) = status.resources.get_mut(&Address::service("worker")) {
        worker.drift.clone_from(&drift);
    }
    let mut actions = vec![
        action(
            Address::service("api"),
            ActionKind::Update,
            3,
            &["cache", "db"],
        ),
        action(Address::service("worker"), ActionKind::Update, 2, &[]),
    ];
    actions[1].changes.drain(..2);
    actions[1].reason = "memory changed by hand".into();
    actions[1].strategy = Strategy::InPlace;
    actions.extend(
        ["cache", "db", "migrate", "web"]
            .map(|name| action(Address::service(name), ActionKind::Noop, 1, &[])),
    );
    let mut plan = Arc::unwrap_or_clone(plan(&project, Purpose::Deploy, actions));
    plan.warnings.push(PlanWarning {
        address: Some(Address::service("web")),
        text: "port 8080 is bound by another program".into(),
        blocks: false,
    });
    Snapshot {
        config: Some(hydrated(project)),
        link: Link::Up("docker 20.10 at /var/run/docker.sock".into()),
        plan: Some(Arc::new(plan)),
        status: Some(Arc::new(status)),
        drift: Some(Arc::new(DriftReport {
            drifted: [(Address::service("worker"), drift)].into(),
            changed: vec![Address::service("api")],
            strays: vec!["container nk-shop-local-old-0".into()],
            digest: Digest::default(),
            ..DriftReport::default()
        })),
        lock: Some(Arc::new(lock(Verdict::Free))),
        ..Snapshot::default()
    }
}

/// The first deploy is under way: the database is up, the migration runs.
pub(super) fn busy() -> Snapshot {
    let project = shop();
    let plan = first_deploy(&project);
    let mut run = RunView {
        run_id: RunId("20261121T050000-7f3a".into()),
        command: "deploy".into(),
        started: at(42),
        stage: "execute".into(),
        plan: Some(plan.clone()),
        ..RunView::default()
    };
    for address in [
        Address::network("default"),
        Address::volume("data"),
        Address::service("cache"),
        Address::service("db"),
    ] {
        run.actions.insert(
            address.clone(),
            action_view(40, Some(30), Some(StepOutcome::Done)),
        );
        for step in &plan.action(&address).expect("planned").steps {
            run.steps.insert(
                step.id.clone(),
                step_view(40, Some(38), Some(StepOutcome::Done)),
            );
        }
    }
    let migrate = Address::service("migrate");
    run.actions
        .insert(migrate.clone(), action_view(29, None, None));
    let id = |name: &str| migrate.step(Some(Instance(0)), name);
    run.steps.insert(
        id("create"),
        step_view(29, Some(28), Some(StepOutcome::Done)),
    );
    let mut start = step_view(28, None, None);
    start.progress = Some((12_300_000, Some(40_000_000), "bytes".into()));
    run.steps.insert(id("start"), start);
    let mut health = step_view(28, None, None);
    health.started = None;
    health.waits_for = vec!["service.migrate[0]/start".into()];
    run.steps.insert(id("health"), health);
    let mut ours = lock(Verdict::Alive);
    if let Some(record) = &mut ours.record {
        record.occupation.run_id = run.run_id.clone();
    }
    let mut status = standing(&project, false);
    for (name, up) in [("db", true), ("cache", true)] {
        if let Some(resource) = status.resources.get_mut(&Address::service(name)) {
            resource.instances = vec![instance(name, 0, Status::Running, Health::Healthy)];
            resource.ready = up;
        }
    }
    Snapshot {
        config: Some(hydrated(project)),
        link: Link::Up("docker 20.10 at /var/run/docker.sock".into()),
        plan: Some(plan),
        status: Some(Arc::new(status)),
        lock: Some(Arc::new(ours)),
        run: Some(run),
        ..Snapshot::default()
    }
}

/// The migration failed; what needs it was skipped.
pub(super) fn failed() -> Snapshot {
    let mut snapshot = busy();
    snapshot.lock = Some(Arc::new(lock(Verdict::Dead)));
    let run = snapshot.run.as_mut().expect("run");
    let migrate = Address::service("migrate");
    let mut view = action_view(29, Some(9), Some(StepOutcome::Failed));
    view.message = Some("the job ended with exit code 3\nlast output: table is locked".into());
    run.actions.insert(migrate.clone(), view);
    let start = run
        .steps
        .get_mut(&migrate.step(Some(Instance(0)), "start"))
        .expect("step");
    start.outcome = Some(StepOutcome::Failed);
    start.finished = Some(at(9));
    start.exit_code = Some(3);
    start.message = Some("the job ended with exit code 3".into());
    start.log = Some(".nanokit/runs/20261121T050000-7f3a/service.migrate[0].start.log".into());
    let mut skipped = action_view(9, Some(9), Some(StepOutcome::Skipped));
    skipped.blame = Some(migrate);
    run.actions.insert(Address::service("api"), skipped.clone());
    run.actions.insert(Address::service("web"), skipped);
    run.actions.insert(
        Address::service("worker"),
        action_view(29, Some(12), Some(StepOutcome::Done)),
    );
    run.finished = Some((
        at(8),
        "failed".into(),
        1,
        Some("1 of 8 actions failed".into()),
    ));
    snapshot
}

/// Names as long as they may be.
pub(super) fn long() -> Snapshot {
    let name = |letter: &str| letter.repeat(63);
    let (a, b) = (name("a"), name("b"));
    named(&[(&a, &[&b]), (&b, &[])], &"very-long-value-".repeat(30))
}

/// Text of double width in everything that is foreign.
pub(super) fn wide() -> Snapshot {
    named(
        &[("web", &["db"]), ("db", &[])],
        "データベースの接続 🚀 文字列",
    )
}

fn named(services: &[(&str, &[&str])], value: &str) -> Snapshot {
    let project = project(
        services
            .iter()
            .map(|(name, needs)| service(name, needs))
            .collect(),
    );
    let mut actions = Vec::new();
    for (layer, (name, needs)) in services.iter().rev().enumerate() {
        let mut action = action(Address::service(name), ActionKind::Update, layer, needs);
        action.reason = value.to_owned();
        action.changes = vec![change("env.NAME", Some(value), Some(value), Cause::Config)];
        actions.push(action);
    }
    let plan = plan(&project, Purpose::Deploy, actions);
    let mut run = RunView {
        run_id: RunId("20261121T050000-7f3a".into()),
        command: "deploy".into(),
        started: at(42),
        plan: Some(plan.clone()),
        ..RunView::default()
    };
    let (name, _) = services[0];
    let address = Address::service(name);
    let mut view = action_view(20, Some(10), Some(StepOutcome::Failed));
    view.message = Some(value.to_owned());
    run.actions.insert(address.clone(), view);
    Snapshot {
        status: Some(Arc::new(standing(&project, true))),
        config: Some(hydrated(project)),
        link: Link::Down(value.to_owned()),
        plan: Some(plan),
        workers: Arc::default(),
        usual: None,
        project: None,
        trouble: None,
        plan_stale: Some(value.to_owned()),
        run: Some(run),
        drift: Some(Arc::new(DriftReport {
            drifted: [(
                address,
                vec![change("env.NAME", Some(value), None, Cause::Drift)],
            )]
            .into(),
            ..DriftReport::default()
        })),
        lock: Some(Arc::new(lock(Verdict::Expired))),
        drift_since: std::collections::BTreeMap::new(),
        heard: Arc::default(),
        remarks: Vec::new(),
    }
}

/// What the run of a snapshot printed.
pub(super) fn printed(snapshot: &Snapshot) -> Vec<Event> {
    let Some(run) = &snapshot.run else {
        return Vec::new();
    };
    let line = |at: Wall, step: Option<StepId>, stream: Stream, text: String| Event {
        at,
        run_id: Some(run.run_id.clone()),
        seq: 0,
        address: None,
        step,
        attempt: Some(1),
        kind: EventKind::Log { stream, text },
    };
    let migrate = Address::service("migrate");
    if run.actions.contains_key(&migrate) {
        let step = migrate.step(Some(Instance(0)), "start");
        let numbered = (0..30).map(|number| {
            let stream = if number % 7 == 3 {
                Stream::Stderr
            } else {
                Stream::Stdout
            };
            let text = format!("migration {number:03}: alter table orders");
            line(at(20), Some(step.clone()), stream, text)
        });
        return numbered.collect();
    }
    let Some((address, view)) = run.actions.first_key_value() else {
        return Vec::new();
    };
    let value = view.message.clone().unwrap_or_default();
    let step = address.step(Some(Instance(0)), "start");
    let mut lines: Vec<Event> = (0..3)
        .map(|n| {
            line(
                NOW,
                Some(step.clone()),
                Stream::Stderr,
                format!("{n} {value}"),
            )
        })
        .collect();
    if address.name == "web" {
        let text = "接続しました\u{1b}[31m赤\u{1b}[0m\u{202e}\u{7}".to_owned();
        lines.push(line(NOW, None, Stream::Stdout, text));
    }
    lines
}

/// The file has two faults.
pub(super) fn broken() -> Snapshot {
    let mut sources = Sources::default();
    let file = sources.add(
        "nanokit.yml",
        "name: shop\nservices:\n  web:\n    depends_on: [cahce]\n",
    );
    let fault = Span {
        file,
        start: 47,
        end: 52,
    };
    Snapshot {
        config: Some(Arc::new(Hydrated {
            project: None,
            layers: Vec::new(),
            diagnostics: vec![
                Diagnostic::error("NK0102", "`web` depends on `cahce`, which is not a service")
                    .at(fault, "no such service")
                    .help("a service with a similar name exists: `cache`"),
            ],
            sources: Arc::new(sources),
        })),
        ..Snapshot::default()
    }
}

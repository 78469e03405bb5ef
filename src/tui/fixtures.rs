//! A small shop in several moods, for tests of rows, update and view.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::app::notice::{Hydrated, Link};
use crate::app::snapshot::{ActionView, LogLine, RunView, Snapshot, StepView};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::event::{StepOutcome, Stream};
use crate::domain::ids::*;
use crate::domain::lease::*;
use crate::domain::live::{Health, Status};
use crate::domain::place::{Sources, Span};
use crate::domain::plan::model::*;
use crate::domain::project::project::{EnvRule, Network, Project, Volume};
use crate::domain::project::service::{Condition, Dependency, EnvValue, Service, ServiceKind};
use crate::domain::report::*;
use crate::domain::run::options::{RunOptions, Schedule};
use crate::domain::secret::SecretRef;
use crate::domain::time::Wall;
use crate::tui::model::{Model, PanelOptions};
use crate::tui::theme::Colors;

/// The moment every fixture is seen at.
pub(crate) const NOW: Wall = Wall(1_795_000_000_000);

pub(crate) fn at(seconds_ago: i64) -> Wall {
    Wall(NOW.0 - seconds_ago * 1000)
}

pub(crate) fn options() -> PanelOptions {
    PanelOptions {
        colors: Colors::Sixteen,
        ascii: false,
        read_only: false,
        command: "nkapp".into(),
        run: RunOptions {
            schedule: Schedule::Layered,
            parallelism: 4,
        },
        lock_wait: Duration::ZERO,
    }
}

pub(crate) fn model(snapshot: Snapshot) -> Model {
    Model::new(options(), Arc::new(snapshot), NOW)
}

pub(crate) fn service(name: &str, needs: &[&str]) -> Service {
    let dependency = Dependency {
        condition: Condition::Healthy,
        required: true,
    };
    Service {
        image: Some("busybox:stable".into()),
        expose: Some(8080),
        networks: [("default".to_owned(), BTreeSet::new())].into(),
        depends_on: needs
            .iter()
            .map(|n| ((*n).to_owned(), dependency))
            .collect(),
        ..Service::named(name)
    }
}

pub(crate) fn project(services: Vec<Service>) -> Project {
    Project {
        name: ProjectName::parse("shop").expect("name"),
        version: None,
        component: None,
        env: EnvName::parse("local").expect("name"),
        env_rule: EnvRule::Default,
        provider: None,
        shared_infra: false,
        root: PathBuf::from("/shop"),
        file: PathBuf::from("/shop/nanokit.yml"),
        services: services.into_iter().map(|s| (s.name.clone(), s)).collect(),
        networks: [(
            "default".to_owned(),
            Network {
                name: "default".into(),
                ..Network::default()
            },
        )]
        .into(),
        volumes: [(
            "data".to_owned(),
            Volume {
                name: "data".into(),
                ..Volume::default()
            },
        )]
        .into(),
        origins: BTreeMap::new(),
    }
}

pub(crate) fn shop() -> Project {
    let mut api = service("api", &["cache", "db", "migrate"]);
    api.instances = 2;
    api.env = [
        ("PORT".to_owned(), EnvValue::Plain("8080".into())),
        (
            "TOKEN".to_owned(),
            EnvValue::Secret(SecretRef::Env("TOKEN".into())),
        ),
    ]
    .into();
    let mut migrate = service("migrate", &["db"]);
    migrate.kind = ServiceKind::Job;
    project(vec![
        api,
        service("cache", &[]),
        service("db", &[]),
        migrate,
        service("web", &["api"]),
        service("worker", &["cache", "db"]),
    ])
}

pub(crate) fn hydrated(project: Project) -> Arc<Hydrated> {
    Arc::new(Hydrated {
        project: Some(Arc::new(project)),
        layers: Vec::new(),
        diagnostics: Vec::new(),
        sources: Arc::default(),
    })
}

pub(crate) fn instance(
    service: &str,
    number: u32,
    status: Status,
    health: Health,
) -> InstanceStatus {
    InstanceStatus {
        instance: Instance(number),
        id: ProviderId(format!("4f1d2c3b5a69788{number}{service}")),
        name: format!("nk-shop-local-{service}-{number}"),
        status,
        health,
        started_at: Some(at(754)),
        restarts: 0,
        ports: if service == "web" {
            vec!["0.0.0.0:8080->8080".into()]
        } else {
            Vec::new()
        },
    }
}

pub(crate) fn standing(project: &Project, up: bool) -> StatusReport {
    let mut report = StatusReport {
        engine: "e1".into(),
        ..StatusReport::default()
    };
    for service in project.services.values() {
        let job = service.kind == ServiceKind::Job;
        let state = if job {
            (Status::Exited(0), Health::Unchecked)
        } else {
            (Status::Running, Health::Healthy)
        };
        let instances = (0..service.instances)
            .filter(|_| up)
            .map(|number| instance(&service.name, number, state.0, state.1))
            .collect();
        report.resources.insert(
            service.address(),
            ResourceStatus {
                address: service.address(),
                desired: true,
                wanted: service.instances,
                image: service.image.clone(),
                instances,
                ready: up,
                pending: if up {
                    ActionKind::Noop
                } else {
                    ActionKind::Create
                },
                drift: Vec::new(),
            },
        );
    }
    for address in [Address::network("default"), Address::volume("data")] {
        report.resources.insert(
            address.clone(),
            ResourceStatus {
                address,
                desired: true,
                wanted: 1,
                image: None,
                instances: Vec::new(),
                ready: up,
                pending: if up {
                    ActionKind::Noop
                } else {
                    ActionKind::Create
                },
                drift: Vec::new(),
            },
        );
    }
    report
}

pub(crate) fn step(address: &Address, name: &str, kind: StepKind, detail: &str) -> Step {
    let instance = (address.kind == ResourceKind::Service).then_some(Instance(0));
    Step {
        id: address.step(instance, name),
        place: match &kind {
            StepKind::Hook { .. } => StepPlace::Host,
            _ => StepPlace::Provider,
        },
        kind,
        instance,
        old: false,
        needs: Vec::new(),
        detail: detail.into(),
    }
}

pub(crate) fn action(address: Address, kind: ActionKind, layer: usize, needs: &[&str]) -> Action {
    let steps = match (kind, address.kind) {
        (ActionKind::Noop, _) => Vec::new(),
        (ActionKind::Delete, ResourceKind::Volume) => {
            vec![step(&address, "remove", StepKind::RemoveVolume, "")]
        }
        (_, ResourceKind::Network) => vec![step(&address, "create", StepKind::CreateNetwork, "")],
        (_, ResourceKind::Volume) => vec![step(&address, "create", StepKind::CreateVolume, "")],
        (_, ResourceKind::Service) => vec![
            step(&address, "create", StepKind::Create, "busybox:stable"),
            step(&address, "start", StepKind::Start, ""),
            step(&address, "health", StepKind::Health, "tcp :8080"),
        ],
    };
    Action {
        strategy: match kind {
            ActionKind::Noop => Strategy::None,
            _ => Strategy::Recreate,
        },
        reason: match kind {
            ActionKind::Create => "not deployed yet".into(),
            ActionKind::Update => "image and env.PORT changed".into(),
            ActionKind::Delete => "not in the file any more".into(),
            ActionKind::Noop => String::new(),
        },
        changes: match kind {
            ActionKind::Update => vec![
                change("env.PORT", Some("8080"), Some("9090"), Cause::Config),
                change("image", Some("api:1"), Some("api:2"), Cause::Config),
                change("memory", Some("64"), Some("0"), Cause::Drift),
            ],
            _ => Vec::new(),
        },
        kind,
        layer,
        depends_on: needs.iter().map(|name| Address::service(name)).collect(),
        optional: BTreeSet::new(),
        fingerprint: None,
        seen: Vec::new(),
        steps,
        address,
    }
}

pub(crate) fn change(
    path: &str,
    before: Option<&str>,
    after: Option<&str>,
    cause: Cause,
) -> Change {
    Change {
        path: path.into(),
        instance: None,
        before: before.map(Into::into),
        after: after.map(Into::into),
        cause,
        sensitive: false,
    }
}

pub(crate) fn plan(project: &Project, purpose: Purpose, actions: Vec<Action>) -> Arc<Plan> {
    Arc::new(Plan {
        id: PlanId("p-3fe1".into()),
        purpose,
        scope: project.scope(),
        targets: BTreeSet::new(),
        lineage: None,
        serial: Some(Serial(7)),
        config_hash: Digest("c0ffee00c0ffee00".into()),
        engine: "e1".into(),
        layers: vec![Vec::new(); 1 + actions.iter().map(|a| a.layer).max().unwrap_or(0)],
        actions,
        warnings: Vec::new(),
    })
}

/// The plan of the first deploy of the shop.
pub(crate) fn first_deploy(project: &Project) -> Arc<Plan> {
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
pub(crate) fn empty() -> Snapshot {
    let project = shop();
    Snapshot {
        config: Some(hydrated(project)),
        ..Snapshot::default()
    }
}

/// Everything runs; one service was edited, one was changed by hand.
pub(crate) fn idle() -> Snapshot {
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
        })),
        lock: Some(Arc::new(lock(Verdict::Free))),
        ..Snapshot::default()
    }
}

pub(crate) fn step_view(
    started: i64,
    finished: Option<i64>,
    outcome: Option<StepOutcome>,
) -> StepView {
    StepView {
        started: Some(at(started)),
        finished: finished.map(at),
        outcome,
        waits_for: Vec::new(),
        attempt: 1,
        progress: None,
        exit_code: None,
        log: None,
        message: None,
    }
}

pub(crate) fn action_view(
    started: i64,
    finished: Option<i64>,
    outcome: Option<StepOutcome>,
) -> ActionView {
    ActionView {
        kind: ActionKind::Create,
        started: at(started),
        finished: finished.map(at),
        outcome,
        blame: None,
        message: None,
    }
}

/// The first deploy is under way: the database is up, the migration runs.
pub(crate) fn busy() -> Snapshot {
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
    for number in 0..30 {
        run.log.push_back(LogLine {
            at: at(20),
            step: Some(id("start")),
            stream: if number % 7 == 3 {
                Stream::Stderr
            } else {
                Stream::Stdout
            },
            text: format!("migration {number:03}: alter table orders"),
        });
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
        lock: Some(Arc::new(lock(Verdict::Alive))),
        run: Some(run),
        ..Snapshot::default()
    }
}

/// The migration failed; what needs it was skipped.
pub(crate) fn failed() -> Snapshot {
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
pub(crate) fn long() -> Snapshot {
    let name = |letter: &str| letter.repeat(63);
    let (a, b) = (name("a"), name("b"));
    named(&[(&a, &[&b]), (&b, &[])], &"very-long-value-".repeat(30))
}

/// Text of double width in everything that is foreign.
pub(crate) fn wide() -> Snapshot {
    let mut snapshot = named(
        &[("web", &["db"]), ("db", &[])],
        "データベースの接続 🚀 文字列",
    );
    if let Some(run) = &mut snapshot.run {
        run.log.push_back(LogLine {
            at: NOW,
            step: None,
            stream: Stream::Stdout,
            text: "接続しました\u{1b}[31m赤\u{1b}[0m\u{202e}\u{7}".into(),
        });
    }
    snapshot
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
    for number in 0..3 {
        run.log.push_back(LogLine {
            at: NOW,
            step: Some(address.step(Some(Instance(0)), "start")),
            stream: Stream::Stderr,
            text: format!("{number} {value}"),
        });
    }
    Snapshot {
        status: Some(Arc::new(standing(&project, true))),
        config: Some(hydrated(project)),
        link: Link::Down(value.to_owned()),
        plan: Some(plan),
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
        remarks: Vec::new(),
    }
}

/// The file has two faults.
pub(crate) fn broken() -> Snapshot {
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

pub(crate) fn lock(verdict: Verdict) -> LockReport {
    let record = LockRecord {
        status: if verdict == Verdict::Free {
            LockStatus::Free
        } else {
            LockStatus::Held
        },
        lock_id: LockId("9f8e7d6c5b4a39281706f5e4d3c2b1a0".into()),
        epoch: Epoch(12),
        beat: 41,
        lineage: Some(Lineage("l-77".into())),
        holder: Holder {
            user: "ana".into(),
            host: "build-7".into(),
            pid: 4242,
            version: "0.1.0".into(),
            ..Holder::default()
        },
        occupation: Occupation {
            command: "deploy".into(),
            run_id: RunId("20261121T045900-1b2c".into()),
            step: Some("service.api[0]/health".into()),
            done: 7,
            total: 19,
            ..Occupation::default()
        },
        lease: Duration::from_secs(30),
        acquired_at: at(300),
        renewed_at: at(12),
        broken: None,
    };
    let evidence = |check: &str, finding: &str, alive| Evidence {
        check: check.into(),
        finding: finding.into(),
        alive,
    };
    LockReport {
        location: ".nanokit/lock/state.json".into(),
        verdict,
        record: Some(record),
        version: Some("v41".into()),
        evidence: match verdict {
            Verdict::Free => vec![evidence("record", "released by its holder", None)],
            Verdict::Dead => vec![
                evidence(
                    "process",
                    "4242 does not exist any more on this boot of this machine",
                    Some(false),
                ),
                evidence("heartbeat", "stands at 41 since 12 s", Some(false)),
            ],
            Verdict::Expired | Verdict::Unknown => vec![
                evidence("process", "on another machine, cannot be looked at", None),
                evidence(
                    "heartbeat",
                    "stood at 41 for 41 s on our clock",
                    Some(false),
                ),
            ],
            Verdict::Alive => vec![evidence(
                "process",
                "4242 lives on this machine",
                Some(true),
            )],
        },
    }
}

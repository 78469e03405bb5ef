//! Pieces of a small shop, for tests of rows, update and view.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::app::notice::Hydrated;
use crate::app::snapshot::Snapshot;
use crate::domain::event::StepOutcome;
use crate::domain::history::view::{ActionView, StepView};
use crate::domain::ids::*;
use crate::domain::lease::*;
use crate::domain::live::{Health, Status};
use crate::domain::plan::model::*;
use crate::domain::project::project::{Network, Project, Volume};
use crate::domain::project::service::{Condition, Dependency, EnvValue, Service, ServiceKind};
use crate::domain::report::*;
use crate::domain::run::options::{RunOptions, Schedule};
use crate::domain::secret::SecretRef;
use crate::domain::time::Wall;
use crate::tui::model::{Model, PanelOptions};
use crate::tui::theme::Colors;

/// The moment every fixture is seen at.
pub(super) const NOW: Wall = Wall(1_795_000_000_000);

pub(super) fn at(seconds_ago: i64) -> Wall {
    Wall(NOW.0 - seconds_ago * 1000)
}

pub(super) fn options() -> PanelOptions {
    PanelOptions {
        replay: None,
        colors: Colors::Sixteen,
        ascii: false,
        read_only: false,
        command: "nkapp".into(),
        run: RunOptions {
            schedule: Schedule::Layered,
            parallelism: 4,
            unseen: false,
        },
        lock_wait: Duration::ZERO,
        files: crate::tui::setup::UserFiles::default(),
        own: PathBuf::from("/shop/.nanokit"),
        tmux: false,
        folder: PathBuf::from("/home/ann/shop"),
    }
}

pub(super) fn model(snapshot: Snapshot) -> Model {
    Model::new(options(), Arc::new(snapshot), NOW)
}

pub(super) fn service(name: &str, needs: &[&str]) -> Service {
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

pub(super) fn project(services: Vec<Service>) -> Project {
    Project {
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
        ..Project::named(
            ProjectName::parse("shop").expect("name"),
            EnvName::parse("local").expect("name"),
            Path::new("/shop"),
        )
    }
}

pub(super) fn shop() -> Project {
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

pub(super) fn hydrated(project: Project) -> Arc<Hydrated> {
    Arc::new(Hydrated {
        project: Some(Arc::new(project)),
        layers: Vec::new(),
        diagnostics: Vec::new(),
        sources: Arc::default(),
    })
}

pub(super) fn instance(
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

pub(super) fn standing(project: &Project, up: bool) -> StatusReport {
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
                ignored: Vec::new(),
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
                ignored: Vec::new(),
            },
        );
    }
    report
}

pub(super) fn step(address: &Address, name: &str, kind: StepKind, detail: &str) -> Step {
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

fn nanokit_verb() -> crate::domain::project::procedure::Verb {
    crate::domain::project::procedure::Verb::Run
}

pub(super) fn action(address: Address, kind: ActionKind, layer: usize, needs: &[&str]) -> Action {
    let steps = match (kind, address.kind) {
        (ActionKind::Noop, _) => Vec::new(),
        (ActionKind::Delete, ResourceKind::Volume) => {
            vec![step(&address, "remove", StepKind::RemoveVolume, "")]
        }
        (_, ResourceKind::Procedure) => vec![step(
            &address,
            "run",
            StepKind::Perform {
                verb: nanokit_verb(),
                index: 0,
            },
            "./check",
        )],
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
            ActionKind::Run => "upgrade".into(),
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

pub(super) fn change(
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

pub(super) fn plan(project: &Project, purpose: Purpose, actions: Vec<Action>) -> Arc<Plan> {
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

pub(super) fn step_view(
    started: i64,
    finished: Option<i64>,
    outcome: Option<StepOutcome>,
) -> StepView {
    StepView {
        queued: Some(at(started)),
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

pub(super) fn action_view(
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

pub(super) fn lock(verdict: Verdict) -> LockReport {
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

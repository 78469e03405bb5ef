//! Values with one of everything in them.

use super::*;

pub(super) fn scope() -> Scope {
    Scope {
        project: ProjectName::parse("shop").unwrap(),
        env: EnvName::parse("local").unwrap(),
        component: None,
    }
}

pub(super) fn step(id: &str, kind: StepKind, place: StepPlace) -> Step {
    Step {
        id: StepId::new(id),
        kind,
        place,
        instance: Some(Instance(0)),
        old: false,
        needs: vec![StepId::new("service.api[0]/create")],
        detail: "api:2".to_owned(),
    }
}

#[expect(clippy::too_many_lines, reason = "one literal with one of everything")]
/// A plan in which every kind of step, cause, place and strategy occurs.
pub(super) fn sample_plan() -> Plan {
    let api = Address::service("api");
    let network = "backend".to_owned();
    let steps = [
        StepKind::Pull {
            image: "docker.io/library/api:2".to_owned(),
        },
        StepKind::Build,
        StepKind::Create,
        StepKind::Start,
        StepKind::Hook {
            phase: HookPhase::Prestop,
            index: 1,
        },
        StepKind::Install,
        StepKind::OpenGate,
        StepKind::Health,
        StepKind::Complete,
        StepKind::Stop,
        StepKind::Remove,
        StepKind::Rename,
        StepKind::Limits,
        StepKind::Connect {
            network: network.clone(),
        },
        StepKind::Disconnect { network },
        StepKind::Unpause,
        StepKind::Adopt,
    ];
    let update = Action {
        address: api.clone(),
        kind: ActionKind::Update,
        strategy: Strategy::Rolling,
        reason: "image changed".to_owned(),
        layer: 1,
        depends_on: BTreeSet::from([Address::service("db")]),
        optional: BTreeSet::from([Address::service("cache")]),
        fingerprint: Some(Digest::new("f00")),
        seen: vec![("image".to_owned(), "api:1".to_owned())],
        changes: vec![
            Change {
                path: "image".to_owned(),
                instance: None,
                before: Some("api:1".to_owned()),
                after: Some("api:2".to_owned()),
                cause: Cause::Config,
                sensitive: false,
            },
            Change {
                path: "env.TOKEN".to_owned(),
                instance: Some(Instance(1)),
                before: Some("(sensitive)".to_owned()),
                after: None,
                cause: Cause::Drift,
                sensitive: true,
            },
        ],
        steps: steps
            .into_iter()
            .enumerate()
            .map(|(n, kind)| Step {
                old: n == 9,
                ..step(&format!("service.api[0]/s{n}"), kind, StepPlace::Container)
            })
            .collect(),
    };
    let small = |address: Address, kind, strategy, step_kind: Option<StepKind>| Action {
        kind,
        strategy,
        reason: String::new(),
        layer: 0,
        depends_on: BTreeSet::new(),
        optional: BTreeSet::new(),
        fingerprint: None,
        seen: Vec::new(),
        changes: Vec::new(),
        steps: step_kind
            .into_iter()
            .map(|kind| Step {
                instance: None,
                needs: Vec::new(),
                ..step(&format!("{address}/x"), kind, StepPlace::Provider)
            })
            .collect(),
        address,
    };
    let mut plan = Plan {
        id: PlanId::default(),
        purpose: Purpose::Deploy,
        scope: scope(),
        targets: BTreeSet::from(["api".to_owned()]),
        lineage: Some(Lineage::new("9f1c")),
        serial: Some(Serial(7)),
        config_hash: Digest::new("c0ffee"),
        engine: "process".to_owned(),
        layers: vec![
            vec![Address::network("default"), Address::volume("data")],
            vec![api],
        ],
        actions: vec![
            small(
                Address::network("default"),
                ActionKind::Create,
                Strategy::Recreate,
                Some(StepKind::CreateNetwork),
            ),
            small(
                Address::network("old"),
                ActionKind::Delete,
                Strategy::None,
                Some(StepKind::RemoveNetwork),
            ),
            small(
                Address::volume("data"),
                ActionKind::Create,
                Strategy::InPlace,
                Some(StepKind::CreateVolume),
            ),
            small(
                Address::volume("gone"),
                ActionKind::Delete,
                Strategy::Start,
                Some(StepKind::RemoveVolume),
            ),
            update,
            small(
                Address::service("db"),
                ActionKind::Noop,
                Strategy::None,
                None,
            ),
        ],
        warnings: vec![
            PlanWarning {
                address: None,
                text: "a stray".to_owned(),
                blocks: false,
            },
            PlanWarning {
                address: Some(Address::volume("data")),
                text: "kept".to_owned(),
                blocks: false,
            },
        ],
    };
    plan.id = plan_id(&plan);
    plan
}

pub(super) fn holder() -> Holder {
    Holder {
        user: "ann".to_owned(),
        host: "box".to_owned(),
        machine: "aa11".to_owned(),
        boot_id: "5f0c".to_owned(),
        pid: 42,
        pid_start: 123_456,
        pid_ns: "pid:[4026531836]".to_owned(),
        time_ns: String::new(),
        version: "0.1.0".to_owned(),
    }
}

pub(super) fn sample_lock() -> LockRecord {
    LockRecord {
        status: LockStatus::Held,
        lock_id: LockId::new("00ff00ff00ff00ff00ff00ff00ff00ff"),
        epoch: Epoch(3),
        beat: 9,
        lineage: Some(Lineage::new("9f1c")),
        holder: holder(),
        occupation: Occupation {
            command: "deploy".to_owned(),
            run_id: RunId::new("r1"),
            trace_id: TraceId::new("t1"),
            plan_id: Some(PlanId::new("abc123")),
            step: Some("service.api[0]/create".to_owned()),
            done: 2,
            total: 9,
        },
        lease: Duration::from_secs(30),
        acquired_at: Wall(1_700_000_000_000),
        renewed_at: Wall(1_700_000_007_000),
        broken: None,
    }
}

pub(super) fn hook(command: HookCommand, place: HookPlace, on_failure: OnFailure) -> Hook {
    Hook {
        command,
        place,
        timeout: Duration::from_millis(1500),
        retries: 2,
        on_failure,
    }
}

pub(super) fn shape() -> Shape {
    Shape {
        model: Model::from([
            ("image".to_owned(), Field::plain("docker.io/library/api:2")),
            ("env.TOKEN".to_owned(), Field::secret(&Digest::new("d1"))),
        ]),
        hash: "1:beef".to_owned(),
        depends_on: BTreeSet::from([Address::service("db"), Address::volume("data")]),
        teardown: Teardown {
            prestop: vec![hook(
                HookCommand::Shell("echo bye".to_owned()),
                HookPlace::Container,
                OnFailure::Warn,
            )],
            poststop: vec![hook(
                HookCommand::Argv(vec!["touch".to_owned(), "x".to_owned()]),
                HookPlace::Host,
                OnFailure::Fail,
            )],
            stop_grace: Duration::from_secs(10),
            stop_signal: Some("SIGINT".to_owned()),
        },
    }
}

pub(super) fn pending() -> Pending {
    Pending {
        run: RunId::new("r1"),
        step: StepId::new("service.api[1]/create"),
        op: OpId::new("op-2"),
        address: Address::service("api"),
        instance: Some(Instance(1)),
        verb: "create".to_owned(),
        target: None,
    }
}

pub(super) fn made() -> RecordedInstance {
    RecordedInstance {
        id: ProviderId::new("c1"),
        name: "nk-shop-local-api-0".to_owned(),
        image_id: Some(ImageId::new("sha256:1")),
        op: OpId::new("op-1"),
        ready: true,
    }
}

pub(super) fn sample_record() -> Record {
    let shape = shape();
    let api = RecordedResource {
        address: Address::service("api"),
        model: shape.model,
        hash: shape.hash,
        depends_on: shape.depends_on,
        id: None,
        bare: false,
        instances: BTreeMap::from([(Instance(0), made())]),
        teardown: shape.teardown,
        installed: Some(Digest::new("m1")),
    };
    let data = RecordedResource {
        address: Address::volume("data"),
        model: Model::new(),
        hash: "1:0".to_owned(),
        depends_on: BTreeSet::new(),
        id: Some(ProviderId::new("nk-shop-local-data")),
        bare: false,
        instances: BTreeMap::new(),
        teardown: Teardown::default(),
        installed: None,
    };
    Record {
        lineage: Lineage::new("9f1c"),
        serial: Serial(7),
        fence: Epoch(3),
        scope: scope(),
        digest_key: "00".repeat(32),
        engine: "process".to_owned(),
        resources: BTreeMap::from([(api.address.clone(), api), (data.address.clone(), data)]),
        applied_plans: vec![PlanId::new("abc123")],
        pending: vec![pending()],
        standing: Standing::default(),
        flows: BTreeMap::new(),
        strays: Vec::new(),
    }
}

pub(super) fn every_event() -> Vec<EventKind> {
    let message = Some("it broke\ndetails".to_owned());
    let duration = Duration::from_millis(1234);
    vec![
        EventKind::RunStarted {
            command: "deploy".to_owned(),
            who: "ann@box".to_owned(),
            trace_id: TraceId::new("t1"),
            parent: None,
            plan_id: Some(PlanId::new("abc123")),
            origin: crate::domain::event::Origin::default(),
        },
        EventKind::StageStarted { stage: Stage::Lock },
        EventKind::StageStarted {
            stage: Stage::Settle,
        },
        EventKind::StageStarted {
            stage: Stage::Observe,
        },
        EventKind::StageStarted { stage: Stage::Plan },
        EventKind::StageStarted {
            stage: Stage::Execute,
        },
        EventKind::StageStarted {
            stage: Stage::Finish,
        },
        EventKind::PlanMade {
            plan: Arc::new(sample_plan()),
            prediction: None,
            resumes: Vec::new(),
        },
        EventKind::LayerStarted {
            layer: 1,
            addresses: vec![Address::service("api")],
        },
        EventKind::ActionStarted {
            kind: ActionKind::Update,
            reason: "image changed".to_owned(),
        },
        EventKind::ActionFinished {
            outcome: StepOutcome::Skipped,
            duration,
            blame: Some(Address::service("db")),
            message: message.clone(),
        },
        EventKind::StepQueued {
            waits_for: vec!["worker".to_owned()],
        },
        EventKind::StepStarted,
        EventKind::StepProgress {
            done: 1,
            total: None,
            unit: "bytes".to_owned(),
        },
        EventKind::StepFinished {
            outcome: StepOutcome::Unknown,
            exit_code: Some(-1),
            duration,
            log: Some("runs/r1/x.log".to_owned()),
            message,
        },
        EventKind::Log {
            stream: Stream::Engine,
            text: "pulling \"x\" \u{1b}".to_owned(),
        },
        EventKind::HealthChanged {
            from: "starting".to_owned(),
            to: "unhealthy".to_owned(),
            detail: "exit 1".to_owned(),
        },
        EventKind::LockChanged {
            verdict: Verdict::Alive,
            holder: Some(holder()),
            detail: None,
        },
        EventKind::DriftFound {
            changes: sample_plan().actions[4].changes.clone(),
        },
        EventKind::DriftCleared,
        EventKind::ConfigChanged,
        EventKind::Warning {
            text: "careful".to_owned(),
        },
        EventKind::RunFinished {
            outcome: RunOutcome::Cancelled,
            exit_code: 130,
            duration,
            message: None,
            warnings: 0,
            forecast: None,
        },
    ]
}

pub(super) fn stamped(seq: usize, kind: EventKind) -> Event {
    Event {
        at: Wall(1_700_000_000_007),
        run_id: (seq != 20).then(|| RunId::new("r1")),
        seq: seq as u64,
        address: (seq > 8).then(|| Address::service("api")),
        step: (seq > 10).then(|| StepId::new("service.api[0]/create")),
        attempt: (seq > 10).then_some(2),
        kind,
    }
}

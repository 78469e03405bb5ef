//! Golden files, round trips and damage of every format.
#![expect(
    clippy::disallowed_methods,
    reason = "golden files are read from the real disk"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use crate::domain::effect::{Effect, Intent, OpEnd, Shape};
use crate::domain::event::{Event, EventKind, RunOutcome, Stage, StepOutcome, Stream};
use crate::domain::flow::{FlowRun, Standing};
use crate::domain::ids::{
    Address, Digest, EnvName, Epoch, ImageId, Instance, Lineage, LockId, OpId, PlanId, ProjectName,
    ProviderId, RunId, Scope, Serial, StepId, TraceId,
};
use crate::domain::lease::{
    Breakage, Evidence, Holder, LockRecord, LockReport, LockStatus, Occupation, Verdict,
};
use crate::domain::model::{Field, Model};
use crate::domain::plan::digest::plan_id;
use crate::domain::plan::model::{
    Action, ActionKind, Cause, Change, Plan, PlanWarning, Purpose, Step, StepKind, StepPlace,
    Strategy,
};
use crate::domain::project::hook::{Hook, HookCommand, HookPhase, HookPlace, OnFailure};
use crate::domain::record::{Pending, Record, RecordedInstance, RecordedResource, Teardown};
use crate::domain::time::Wall;
use crate::formats::error::FormatError;
use serde_json::Value;

use crate::formats::{event, journal, lock, plan, report, state, text};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/formats")
        .join(name)
}

/// Compares with the frozen file; `NK_BLESS=1` writes a file that is not there yet, never an existing one.
fn golden(name: &str, bytes: &[u8]) {
    let path = fixture(name);
    if !path.exists() && std::env::var_os("NK_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    let frozen = std::fs::read(&path).unwrap_or_default();
    assert_eq!(
        String::from_utf8_lossy(bytes),
        String::from_utf8_lossy(&frozen),
        "{} is frozen: what is written must not change",
        path.display()
    );
}

fn scope() -> Scope {
    Scope {
        project: ProjectName::parse("shop").unwrap(),
        env: EnvName::parse("local").unwrap(),
        component: None,
    }
}

fn step(id: &str, kind: StepKind, place: StepPlace) -> Step {
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
fn sample_plan() -> Plan {
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
            },
            PlanWarning {
                address: Some(Address::volume("data")),
                text: "kept".to_owned(),
            },
        ],
    };
    plan.id = plan_id(&plan);
    plan
}

fn holder() -> Holder {
    Holder {
        user: "ann".to_owned(),
        host: "box".to_owned(),
        machine: "aa11".to_owned(),
        boot_id: "5f0c".to_owned(),
        pid: 42,
        pid_start: 123_456,
        pid_ns: "pid:[4026531836]".to_owned(),
        version: "0.1.0".to_owned(),
    }
}

fn sample_lock() -> LockRecord {
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

fn hook(command: HookCommand, place: HookPlace, on_failure: OnFailure) -> Hook {
    Hook {
        command,
        place,
        timeout: Duration::from_millis(1500),
        retries: 2,
        on_failure,
    }
}

fn shape() -> Shape {
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

fn pending() -> Pending {
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

fn made() -> RecordedInstance {
    RecordedInstance {
        id: ProviderId::new("c1"),
        name: "nk-shop-local-api-0".to_owned(),
        image_id: Some(ImageId::new("sha256:1")),
        op: OpId::new("op-1"),
        ready: true,
    }
}

fn sample_record() -> Record {
    let shape = shape();
    let api = RecordedResource {
        address: Address::service("api"),
        model: shape.model,
        hash: shape.hash,
        depends_on: shape.depends_on,
        id: None,
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

fn every_event() -> Vec<EventKind> {
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

fn stamped(seq: usize, kind: EventKind) -> Event {
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

#[test]
fn every_event_is_written_and_read_back() {
    let mut lines = String::new();
    for (seq, kind) in every_event().into_iter().enumerate() {
        let event = stamped(seq, kind);
        let line = event::encode_line(&event);
        assert!(!line.contains('\n'), "{line}");
        assert_eq!(event::decode_line(&line).as_ref(), Some(&event), "{line}");
        assert!(line.contains(&format!("\"kind\":\"{}\"", event.kind.as_str())));
        lines.push_str(&line);
        lines.push('\n');
    }
    golden("events-v1.jsonl", lines.as_bytes());
}

#[test]
fn what_a_run_was_begun_with_and_how_long_it_was_thought_to_take_is_read_back() {
    use crate::domain::event::Origin;
    use crate::domain::plan::forecast::{Forecast, Prediction};
    let expected = Duration::from_millis(12_300);
    let kinds = [
        EventKind::RunStarted {
            command: "deploy".to_owned(),
            who: "ann@box".to_owned(),
            trace_id: TraceId::new("t1"),
            parent: None,
            plan_id: None,
            origin: Origin {
                version: "0.1.0".to_owned(),
                inputs: [("force".to_owned(), "yes".to_owned())].into(),
            },
        },
        EventKind::PlanMade {
            plan: Arc::new(sample_plan()),
            prediction: Some(Prediction {
                total: expected,
                runs: 7,
                known: 8,
                steps: 9,
            }),
            resumes: vec![FlowRun {
                run: RunId::new("r0"),
                trace: TraceId::new("t0"),
            }],
        },
        EventKind::RunFinished {
            outcome: RunOutcome::Ok,
            exit_code: 0,
            duration: expected,
            message: None,
            warnings: 0,
            forecast: Some(Forecast {
                expected,
                took: Duration::from_millis(12_400),
            }),
        },
    ];
    for kind in kinds {
        let event = stamped(1, kind);
        let line = event::encode_line(&event);
        assert_eq!(event::decode_line(&line).as_ref(), Some(&event), "{line}");
    }
}

#[test]
fn the_end_of_a_run_says_how_many_warnings_there_were_where_there_were_some() {
    let ended = |warnings| {
        let mut event = stamped(22, every_event().pop().expect("the last one"));
        if let EventKind::RunFinished {
            warnings: known, ..
        } = &mut event.kind
        {
            *known = warnings;
        }
        event
    };
    let line = event::encode_line(&ended(2));
    assert!(line.contains(r#""warnings":2"#), "{line}");
    assert_eq!(event::decode_line(&line), Some(ended(2)));
    assert!(!event::encode_line(&ended(0)).contains("warnings"));
}

#[test]
fn unknown_events_and_keys_are_skipped() {
    let head = r#"{"at":"2023-11-14T22:13:20Z","run_id":null,"seq":1"#;
    let known = format!(r#"{head},"kind":"step_started","colour":"red"}}"#);
    assert_eq!(
        event::decode_line(&known).map(|event| event.kind),
        Some(EventKind::StepStarted)
    );
    for line in [
        format!(r#"{head},"kind":"moon_landed","by":"us"}}"#),
        format!(r#"{head},"kind":"log","stream":"telepathy","text":"x"}}"#),
        known[..known.len() - 3].to_owned(),
        String::new(),
    ] {
        assert_eq!(event::decode_line(&line), None, "{line}");
    }
}

#[test]
fn a_plan_is_written_in_the_documented_shape_and_read_back_whole() {
    let plan = sample_plan();
    let saved_at = Wall(1_700_000_000_007);
    let bytes = plan::encode(&plan, saved_at);
    golden("plan-v1.json", &bytes);
    assert_eq!(plan::decode(&bytes), Ok((plan.clone(), Some(saved_at))));
    let json = plan::to_json(&plan);
    assert_eq!(plan::decode(json.to_string().as_bytes()), Ok((plan, None)));
    let keys: Vec<&str> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys[..2], ["format", "plan_id"]);
    assert_eq!(json["summary"]["drift"], 1);
    assert_eq!(json["actions"][4]["steps"][4]["where"], "container");
}

#[test]
fn f19_each_value_of_a_plan_that_was_changed_by_hand_is_noticed() {
    let mut changed = Vec::new();
    edits(&plan::to_json(&sample_plan()), "", &mut changed);
    assert!(changed.len() > 250, "{} edits", changed.len());
    for (place, document) in changed {
        assert!(
            plan::decode(document.to_string().as_bytes()).is_err(),
            "an edit of `{place}` was taken for the plan that was shown"
        );
    }
}

/// Makes each document that differs from this one in a single value, or lacks one item of a list.
fn edits(value: &Value, place: &str, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let mut below = Vec::new();
                edits(inner, &format!("{place}.{key}"), &mut below);
                for (place, inner) in below {
                    let mut whole = map.clone();
                    whole.insert(key.clone(), inner);
                    out.push((place, whole.into()));
                }
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                let mut below = vec![];
                edits(inner, &format!("{place}[{index}]"), &mut below);
                for (place, inner) in below {
                    let mut whole = list.clone();
                    whole[index] = inner;
                    out.push((place, whole.into()));
                }
                let mut whole = list.clone();
                whole.remove(index);
                out.push((format!("{place} without [{index}]"), whole.into()));
            }
        }
        Value::String(text) => out.push((place.to_owned(), format!("{text}x").into())),
        Value::Number(number) => {
            out.push((place.to_owned(), (number.as_u64().unwrap() + 1).into()));
        }
        Value::Bool(flag) => out.push((place.to_owned(), (!flag).into())),
        Value::Null => {
            out.push((place.to_owned(), "x".into()));
            out.push((place.to_owned(), 0.into()));
        }
    }
}

#[test]
fn plans_of_another_tool_are_refused() {
    let mut json = plan::to_json(&sample_plan());
    json["format"] = 2.into();
    assert_eq!(
        plan::from_json(json),
        Err(FormatError::Newer { found: 2, known: 1 })
    );
    assert!(matches!(
        plan::decode(b"{\"resource_changes\": []}"),
        Err(FormatError::OtherFormat { .. })
    ));
}

#[test]
fn the_state_is_written_and_read_back() {
    let record = sample_record();
    let bytes = state::encode(&record, "nanokit 0.1.0");
    golden("state-v1.json", &bytes);
    let decoded = state::decode(&bytes).unwrap();
    assert_eq!(decoded, record);
    assert_eq!(decoded.strays, []);
}

/// Writes the checksum of a hand-made document.
fn sealed(mut document: serde_json::Value) -> Vec<u8> {
    document["sha256"] = text::checksum(&document).into();
    document.to_string().into_bytes()
}

fn state_json() -> serde_json::Value {
    let bytes = state::encode(&sample_record(), "nanokit 0.1.0");
    text::parse(&bytes).unwrap()
}

#[test]
fn keys_of_a_later_version_survive_where_they_stood() {
    let mut document = state_json();
    document["later"] = serde_json::json!({"a": [1, {"b": null}]});
    document["resources"]["service.api"]["colour"] = "red".into();
    document["resources"]["service.api"]["instances"]["0"]["zone"] = 3.into();
    document["resources"]["service.api"]["teardown"]["soft"] = 1.into();
    document["resources"]["volume.data"]["backup"] = true.into();
    let mut decoded = state::decode(&sealed(document)).unwrap();
    let gone = Address::volume("data");
    decoded.resources.remove(&gone);
    let again = text::parse(&state::encode(&decoded, "nanokit 9")).unwrap();
    assert_eq!(again["later"], serde_json::json!({"a": [1, {"b": null}]}));
    assert_eq!(again["resources"]["service.api"]["colour"], "red");
    assert_eq!(
        again["resources"]["service.api"]["instances"]["0"]["zone"],
        3
    );
    assert_eq!(again["resources"]["service.api"]["teardown"]["soft"], 1);
    assert!(again["resources"].get("volume.data").is_none());
    assert!(state::decode(again.to_string().as_bytes()).is_ok());
}

#[test]
fn every_damage_of_a_state_is_an_error_with_a_name() {
    let good = state_json().to_string();
    let changed = good.replace("\"serial\":7", "\"serial\":8");
    let newer = sealed({
        let mut document = state_json();
        document["version"] = 2.into();
        document
    });
    let other = sealed({
        let mut document = state_json();
        document["format"] = "terraform".into();
        document
    });
    let bad_address = sealed({
        let mut document = state_json();
        document["resources"]["pod.x"] = document["resources"]["volume.data"].clone();
        document
    });
    let no_key = sealed({
        let mut document = state_json();
        document.as_object_mut().unwrap().remove("digest_key");
        document
    });
    let twice = good.replacen("\"serial\":7", "\"serial\":7,\"serial\":7", 1);
    let cut = good.as_bytes()[..good.len() / 2].to_vec();
    let check = |what: &str, bytes: &[u8], is: fn(&FormatError) -> bool| {
        let error = state::decode(bytes).expect_err(what);
        assert!(is(&error), "{what}: {error:?}");
        assert!(!error.hint().is_empty());
    };
    check("empty", b"", |e| matches!(e, FormatError::Empty));
    check("truncated", &cut, |e| {
        matches!(e, FormatError::Truncated { .. })
    });
    check("zeros", &[0; 4096], |e| {
        matches!(e, FormatError::NotJson { .. })
    });
    check("text", b"hello", |e| {
        matches!(e, FormatError::NotJson { .. })
    });
    check("edited", changed.as_bytes(), |e| {
        matches!(e, FormatError::Checksum { .. })
    });
    check("newer", &newer, |e| {
        matches!(e, FormatError::Newer { found: 2, .. })
    });
    check("other", &other, |e| {
        matches!(e, FormatError::OtherFormat { .. })
    });
    check("list", b"[]", |e| {
        matches!(e, FormatError::OtherFormat { .. })
    });
    check(
        "duplicate",
        twice.as_bytes(),
        |e| matches!(e, FormatError::DuplicateKey(key) if key == "serial"),
    );
    check(
        "address",
        &bad_address,
        |e| matches!(e, FormatError::Field(text) if text.contains("pod.x")),
    );
    check(
        "key",
        &no_key,
        |e| matches!(e, FormatError::Field(text) if text.contains("digest_key")),
    );
}

#[test]
fn every_single_byte_of_a_state_is_guarded() {
    let good = state::encode(&sample_record(), "nanokit 0.1.0");
    let whole = state::decode(&good).unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        // Only a change of blank space between values may go unnoticed, and an `x` there is none.
        assert!(state::decode(&bytes).is_err(), "byte {at}");
        if let Ok(cut) = state::decode(&good[..at]) {
            assert_eq!(cut, whole, "cut at {at}");
            assert_eq!(at, good.len() - 1, "only the last line break may be cut");
        }
    }
}

#[test]
fn the_printed_record_has_no_key() {
    let printed = report::record(&sample_record()).to_string();
    assert!(!printed.contains(&sample_record().digest_key));
    assert!(printed.contains("\"serial\":7"));
}

fn every_line() -> Vec<journal::Line> {
    let api = Address::service("api");
    let instance = Instance(1);
    let outcome = |end, effect| journal::Line::Outcome {
        op: OpId::new("op-2"),
        end,
        effect,
    };
    let effects = [
        Effect::Announced {
            address: api.clone(),
            shape: shape(),
        },
        Effect::InstanceReady {
            address: api.clone(),
            instance,
            ready: true,
        },
        Effect::InstanceRenamed {
            address: api.clone(),
            instance,
            name: "n".to_owned(),
        },
        Effect::InstanceGone {
            address: api.clone(),
            instance,
            id: Some(ProviderId::new("c1")),
        },
        Effect::ObjectMade {
            address: Address::volume("data"),
            id: ProviderId::new("v"),
        },
        Effect::ObjectGone {
            address: Address::volume("data"),
        },
        Effect::Installed {
            address: api.clone(),
            manifest: Digest::new("m"),
        },
        Effect::Applied {
            address: api.clone(),
            shape: shape(),
        },
        Effect::Forgotten {
            address: api.clone(),
        },
    ];
    let mut lines = vec![
        journal::Line::Begun {
            run: RunId::new("r1"),
            lineage: Lineage::new("9f1c"),
            epoch: Epoch(3),
        },
        journal::Line::Intent(Box::new(Intent {
            pending: pending(),
            shape: Some(shape()),
        })),
        journal::Line::Intent(Box::new(Intent {
            pending: pending(),
            shape: None,
        })),
        outcome(
            OpEnd::Done,
            Some(Effect::InstanceMade {
                address: api,
                instance,
                made: made(),
            }),
        ),
        outcome(OpEnd::Failed, None),
        outcome(OpEnd::Unknown, None),
    ];
    lines.extend(effects.into_iter().map(journal::Line::Effect));
    lines.push(journal::Line::Folded { serial: Serial(8) });
    lines
}

#[test]
fn a_journal_is_written_and_read_back_and_its_torn_end_dropped() {
    let lines = every_line();
    let text: String = lines.iter().map(journal::encode_line).collect();
    golden("journal-v1.jsonl", text.as_bytes());
    let whole = journal::decode(text.as_bytes()).unwrap();
    assert_eq!((&whole.lines, whole.torn), (&lines, 0));
    for cut in 0..text.len() {
        let whole = text[..cut].matches('\n').count();
        let read = journal::decode(&text.as_bytes()[..cut]).unwrap();
        assert_eq!(read.lines, lines[..whole], "cut at {cut}");
        let end = text[..cut].rfind('\n').map_or(0, |end| end + 1);
        assert_eq!(read.torn, cut - end, "cut at {cut}");
    }
    let damaged = text.replacen("\"kind\":\"intent\"", "\"kind\":\"int", 1);
    let error = journal::decode(damaged.as_bytes()).unwrap_err();
    assert!(error.to_string().starts_with("line 2: "), "{error}");
}

#[test]
fn a_lock_is_written_and_read_back() {
    let held = sample_lock();
    golden("lock-v1.json", &lock::encode(&held));
    let broken = LockRecord {
        status: LockStatus::Broken,
        broken: Some(Breakage {
            by: "bob@desk".to_owned(),
            reason: "the machine burned".to_owned(),
            lock_id: held.lock_id.clone(),
            verdict: "expired".to_owned(),
            ..Breakage::default()
        }),
        ..held.clone()
    };
    let free = LockRecord {
        status: LockStatus::Free,
        lineage: None,
        ..held.clone()
    };
    for record in [held, broken, free] {
        assert_eq!(lock::decode(&lock::encode(&record)), Ok(record));
    }
    assert_eq!(lock::decode(b""), Err(FormatError::Empty));
    assert!(lock::encode(&sample_lock()).len() <= 4096);
}

#[test]
fn a_lock_report_names_verdict_holder_and_evidence() {
    let mut lock_report = LockReport {
        location: ".nanokit/lock/state.json".to_owned(),
        verdict: Verdict::Alive,
        record: Some(sample_lock()),
        version: Some("v".to_owned()),
        evidence: vec![Evidence {
            check: "process".to_owned(),
            finding: "pid 42 lives".to_owned(),
            alive: Some(true),
        }],
    };
    let json = report::lock(&lock_report);
    assert_eq!(json["verdict"], "alive");
    assert_eq!(json["holder"]["pid"], 42);
    assert_eq!(json["evidence"][0]["alive"], true);
    lock_report.record.as_mut().unwrap().status = LockStatus::Free;
    assert!(report::lock(&lock_report)["holder"].is_null());
}

#[test]
fn every_single_byte_of_a_lock_is_guarded() {
    let good = lock::encode(&sample_lock());
    let whole = lock::decode(&good).unwrap();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            if let Ok(read) = lock::decode(&bytes) {
                // Only where what guards it was hit: its own name.
                assert_eq!(read, whole, "byte {at}, bit {bit}");
            }
        }
    }
    let mut document = text::parse(&good).unwrap();
    document.as_object_mut().unwrap().remove("sha256");
    let earlier = document.to_string();
    assert_eq!(
        lock::decode(earlier.as_bytes()),
        Ok(whole),
        "earlier versions wrote none"
    );
}

fn names() -> impl Strategy_<Value = String> {
    "[a-z][a-z0-9]{0,6}"
}

use proptest::strategy::Strategy as Strategy_;

prop_compose! {
    fn any_record()(
        serial in any::<u64>(),
        services in prop::collection::btree_map(names(), (any::<String>(), any::<u32>(), any::<bool>()), 0..4),
        key in any::<String>(),
    ) -> Record {
        let mut record = sample_record();
        record.serial = Serial(serial);
        record.digest_key = key;
        for (name, (text, number, ready)) in services {
            let mut resource = record.resources[&Address::service("api")].clone();
            resource.address = Address::service(&name);
            resource.model.insert(text.clone(), Field { value: text.clone(), sensitive: ready });
            let made = RecordedInstance { name: text, ready, ..made() };
            resource.instances.insert(Instance(number), made);
            record.resources.insert(resource.address.clone(), resource);
        }
        record
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_record_survives_a_round_trip(record in any_record()) {
        let bytes = state::encode(&record, "w");
        prop_assert_eq!(state::decode(&bytes), Ok(record));
    }
    #[test]
    fn any_bytes_are_refused_without_a_crash(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(state::decode(&bytes).is_err());
        prop_assert!(lock::decode(&bytes).is_err());
        prop_assert!(plan::decode(&bytes).is_err());
        let _ = journal::decode(&bytes);
    }
}

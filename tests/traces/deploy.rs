//! A deploy's spans are the deploy: what a receiver got is the tree of the run's own file.

use std::process::Command;

use nanokit::domain::trace::fold::Fold;
use nanokit::domain::trace::span::Signal;
use nanokit::formats::event::decode_line;
use serde_json::Value;

use crate::cli_env::{SMALL, TestEnv};
use crate::ran::Ran;
use crate::receiver::{Manner, Receiver};
use crate::tree::{attribute, hex, of_file, of_spans};

/// Runs the binary with its traces sent there.
pub(crate) fn traced(env: &TestEnv, receiver: &Receiver, protocol: &str, words: &[&str]) -> Ran {
    let mut command = env.command(words);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
    run(command, words)
}

pub(crate) fn run(mut command: Command, words: &[&str]) -> Ran {
    let output = command.output().expect("nkapp runs");
    Ran::of(format!("nkapp {}", words.join(" ")), &output)
}

/// Returns the events of the newest run's file.
pub(crate) fn file(env: &TestEnv) -> Vec<Value> {
    let runs = std::fs::read_dir(env.folder().join(".nanokit/runs")).expect("runs");
    let files = runs.filter_map(Result::ok).map(|entry| entry.path());
    let newest = files
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .max_by_key(|path| path.metadata().and_then(|file| file.modified()).ok())
        .expect("a run");
    let text = std::fs::read_to_string(newest).expect("a run's file");
    let line = |line: &str| serde_json::from_str(line).expect("a line of JSON");
    text.lines().map(line).collect()
}

fn same_story(env: &TestEnv, receiver: &Receiver) {
    let kept = receiver.kept();
    let events = file(env);
    assert_eq!(of_spans(&kept.spans), of_file(&events));
    let started = &events[0];
    let trace = started["trace_id"].as_str().expect("a trace id");
    assert!(kept.spans.iter().all(|span| hex(&span.trace_id) == trace));
    // The times are the events' own.
    let at = |event: &Value| {
        let text = event["at"].as_str().expect("a time");
        let at: jiff::Timestamp = text.parse().expect("RFC 3339");
        u64::try_from(at.as_nanosecond()).expect("after 1970")
    };
    for event in events
        .iter()
        .filter(|event| event["kind"] == "step_finished")
    {
        let attempt = format!("{}", event["attempt"]);
        let span = kept.spans.iter().find(|span| {
            span.name.starts_with("attempt ")
                && attribute(span, "nanokit.step.id").as_deref() == event["step"].as_str()
                && attribute(span, "nanokit.attempt").as_deref() == Some(&attempt)
        });
        assert_eq!(
            span.expect("a span").end_time_unix_nano,
            at(event),
            "{event}"
        );
    }
    // Folded again, the file gives the very spans that were sent: ids, parents, links and all.
    let again = told_again(env);
    let mut sent = ids(&kept.spans);
    sent.sort();
    assert_eq!(sent, again);
    let root = kept
        .spans
        .iter()
        .find(|span| span.parent_span_id.is_empty());
    let root = root.expect("a root");
    assert_eq!(
        attribute(root, "cicd.pipeline.result").as_deref(),
        Some("success")
    );
    assert_eq!(attribute(root, "nanokit.project").as_deref(), Some("small"));
    assert_eq!(
        attribute(root, "deployment.environment.name").as_deref(),
        Some("local")
    );
    assert!(
        kept.resource
            .iter()
            .any(|pair| pair.contains("service.name") && pair.contains("nanokit"))
    );
    // Records and measures come along, the records with their spans.
    let said = kept
        .logs
        .iter()
        .find(|record| format!("{:?}", record.body).contains("hook of top"));
    let said = said.expect("the hook's output");
    let owner = kept.spans.iter().find(|span| span.span_id == said.span_id);
    let owner = owner.and_then(|span| attribute(span, "nanokit.step.id"));
    assert_eq!(owner.as_deref(), Some("service.top[0]/poststart.host"));
    let metrics: Vec<&str> = kept
        .metrics
        .iter()
        .map(|metric| metric.name.as_str())
        .collect();
    for name in [
        "nanokit.step.duration",
        "nanokit.lock.wait.duration",
        "nanokit.runs",
    ] {
        assert!(metrics.contains(&name), "{name} is missing in {metrics:?}");
    }
}

/// What tells a span from all others, and where it stands.
type Identity = (String, String, String, Vec<String>);

fn ids(spans: &[opentelemetry_proto::tonic::trace::v1::Span]) -> Vec<Identity> {
    let links = |span: &opentelemetry_proto::tonic::trace::v1::Span| {
        span.links.iter().map(|link| hex(&link.span_id)).collect()
    };
    spans
        .iter()
        .map(|span| {
            let (id, above) = (hex(&span.span_id), hex(&span.parent_span_id));
            (span.name.clone(), id, above, links(span))
        })
        .collect()
}

/// Folds the newest run's file.
fn told_again(env: &TestEnv) -> Vec<Identity> {
    let mut fold = Fold::default();
    let mut spans: Vec<Identity> = file(env)
        .iter()
        .filter_map(|line| decode_line(&line.to_string()))
        .flat_map(|event| fold.take(&event))
        .filter_map(|signal| match signal {
            Signal::Span(span) => Some((
                span.name.clone(),
                span.id.to_string(),
                span.parent.iter().map(ToString::to_string).collect(),
                span.links
                    .iter()
                    .map(|link| link.span.to_string())
                    .collect(),
            )),
            Signal::Log(_) | Signal::Measures(_) => None,
        })
        .collect();
    spans.sort();
    spans
}

#[test]
fn what_is_received_over_http_is_the_run() {
    let env = TestEnv::with(SMALL);
    let receiver = Receiver::http(Manner::Takes);
    traced(&env, &receiver, "http/protobuf", &["deploy", "-y"]).exits(0);
    same_story(&env, &receiver);
}

#[test]
fn what_is_received_over_grpc_is_the_run() {
    let env = TestEnv::with(SMALL);
    let receiver = Receiver::grpc();
    traced(&env, &receiver, "grpc", &["deploy", "-y"]).exits(0);
    same_story(&env, &receiver);
}

#[test]
fn the_file_says_where_traces_go_and_its_headers_are_secrets() {
    let receiver = Receiver::http(Manner::Takes);
    let telemetry = format!(
        "telemetry:\n  endpoint: {}\n  headers: {{ x-team: shop, authorization: 'env://OTLP_TOKEN' }}\n",
        receiver.url()
    );
    let env = TestEnv::with(&format!("{SMALL}{telemetry}"));
    env.put(".env", "OTLP_TOKEN=canary-of-the-header\n");
    env.nkapp(&["deploy", "-y"])
        .exits(0)
        .never_says("canary-of");
    let kept = receiver.kept();
    let raw = String::from_utf8_lossy(&kept.raw).into_owned();
    assert!(raw.contains("authorization: canary-of-the-header"), "{raw}");
    assert!(raw.contains("x-team: shop"), "{raw}");
    assert!(!kept.spans.is_empty());
}

#[test]
fn a_failure_and_what_it_holds_up_are_told_and_linked() {
    let receiver = Receiver::http(Manner::Takes);
    let text = SMALL.replace("echo prepared", "echo broken; exit 3");
    let env = TestEnv::with(&text);
    traced(&env, &receiver, "http/protobuf", &["deploy", "-y"]).exits(1);
    let kept = receiver.kept();
    let of = |name: &str| {
        let span = kept.spans.iter().find(|span| span.name == name);
        span.unwrap_or_else(|| panic!("{name} is missing"))
    };
    let (failed, skipped) = (of("service.prepare"), of("service.top"));
    let status = |name: &str| of(name).status.clone().expect("a status");
    assert_eq!(status("service.prepare").code, 2);
    assert_eq!(status("nkapp deploy").code, 2);
    assert_eq!(
        attribute(skipped, "nanokit.blame").as_deref(),
        Some("service.prepare")
    );
    assert_eq!(skipped.links.len(), 1);
    assert_eq!(skipped.links[0].span_id, failed.span_id);
}

#[test]
fn no_secret_is_in_what_is_received() {
    let receiver = Receiver::http(Manner::Takes);
    let text = SMALL.replace(
        "    hooks: { poststart: 'echo hook of top' }",
        "    secrets: { TOKEN: 'env://TOKEN' }\n    hooks: { poststart: 'echo token $$TOKEN; echo $$TOKEN | base64; echo $$TOKEN >&2' }",
    );
    assert_ne!(text, SMALL);
    let env = TestEnv::with(&text);
    env.put(".env", "TOKEN=canary-in-the-trace\n");
    traced(&env, &receiver, "http/protobuf", &["deploy", "-y"]).exits(0);
    let kept = receiver.kept();
    let raw = String::from_utf8_lossy(&kept.raw).into_owned();
    assert!(raw.contains("token "), "the hook's output is missing");
    assert!(!raw.contains("canary"), "{raw}");
    assert!(!raw.contains("Y2FuYXJ5LWlu"), "{raw}");
}

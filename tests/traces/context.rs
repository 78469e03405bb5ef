//! The trace context: taken from whoever starts us, handed to what we start.

use crate::cli_env::{SMALL, TestEnv};
use crate::deploy::{file, run, traced};
use crate::receiver::{Manner, Receiver};
use crate::tree::{attribute, hex};

const ABOVE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A project whose hook and service say which context they got.
fn telling() -> String {
    SMALL
        .replace("echo hook of top", "echo hook $$TRACEPARENT")
        .replace("echo top is up", "echo service $$TRACEPARENT")
}

#[test]
fn hooks_and_services_are_told_their_parent() {
    let env = TestEnv::with(&telling());
    let receiver = Receiver::http(Manner::Takes);
    let ran = traced(
        &env,
        &receiver,
        "http/protobuf",
        &["deploy", "-y", "--json"],
    )
    .exits(0);
    let kept = receiver.kept();
    let parent = |step: &str| {
        let span = kept.spans.iter().find(|span| {
            span.name == "attempt 1" && attribute(span, "nanokit.step.id").as_deref() == Some(step)
        });
        let span = span.unwrap_or_else(|| panic!("{step} has no span"));
        format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id))
    };
    let hook = parent("service.top[0]/poststart.host");
    assert!(
        ran.stdout.contains(&format!("hook {hook}")),
        "{}",
        ran.stdout
    );
    let service = parent("service.top[0]/create");
    env.nkapp(&["logs", "top"])
        .exits(0)
        .says(&format!("service {service}"));
    // Another run has another context, which is neither a change nor drift.
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    env.nkapp(&["drift"]).exits(0);
    traced(
        &env,
        &receiver,
        "http/protobuf",
        &["plan", "--detailed-exitcode"],
    )
    .exits(0);
}

#[test]
fn a_run_is_the_child_of_whoever_started_it() {
    let env = TestEnv::with(SMALL);
    let receiver = Receiver::http(Manner::Takes);
    let words = ["deploy", "-y"];
    let mut command = env.command(&words);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url())
        .env("TRACEPARENT", ABOVE);
    run(command, &words).exits(0);
    let kept = receiver.kept();
    let root = kept.spans.iter().find(|span| span.name == "nkapp deploy");
    let root = root.expect("a root");
    assert_eq!(hex(&root.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(hex(&root.parent_span_id), "00f067aa0ba902b7");
    // The run's file says so too, so that it can be told again later.
    assert_eq!(
        file(&env)[0]["trace_id"],
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
    assert_eq!(file(&env)[0]["parent"], "00f067aa0ba902b7");
}

#[test]
fn without_an_export_nobody_is_told_of_a_parent_that_never_arrives() {
    let env = TestEnv::with(&telling());
    let words = ["deploy", "-y", "--json"];
    let ran = run(env.command(&words), &words).exits(0);
    assert!(ran.stdout.contains("\"text\":\"hook\""), "{}", ran.stdout);
    // Whoever started us is there, and is named instead.
    let env = TestEnv::with(&telling());
    let mut command = env.command(&words);
    command.env("TRACEPARENT", ABOVE);
    let ran = run(command, &words).exits(0);
    assert!(
        ran.stdout.contains(&format!("hook {ABOVE}")),
        "{}",
        ran.stdout
    );
}

#[test]
fn who_is_not_recorded_is_not_recorded_further() {
    let env = TestEnv::with(SMALL);
    let receiver = Receiver::http(Manner::Takes);
    let words = ["deploy", "-y"];
    let mut command = env.command(&words);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url())
        .env("TRACEPARENT", ABOVE.replace("-01", "-00"));
    run(command, &words).exits(0);
    assert!(receiver.kept().spans.is_empty());
}

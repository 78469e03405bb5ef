//! Receivers that are slow, gone or hostile: the run is the same, and what was not sent is said once.

use std::time::{Duration, Instant};

use crate::cli_env::{SMALL, TestEnv};
use crate::deploy::{file, run, traced};
use crate::ran::Ran;
use crate::receiver::{Manner, Receiver};

/// What the end of a process may take longer because of its traces: two seconds, and a busy machine.
const MARGIN: Duration = Duration::from_secs(8);

/// Deploys, and requires the run to be as good as without traces.
fn deployed(url: &str, more: &[(&str, &str)]) -> Ran {
    let plain = TestEnv::with(SMALL);
    let began = Instant::now();
    plain.nkapp(&["deploy", "-y", "-v"]).exits(0);
    let usual = began.elapsed();
    let env = TestEnv::with(SMALL);
    let words = ["deploy", "-y", "-v"];
    let mut command = env.command(&words);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        .envs(more.iter().copied());
    let began = Instant::now();
    let ran = run(command, &words).exits(0);
    let took = began.elapsed();
    assert!(took < usual * 2 + MARGIN, "{took:?} instead of {usual:?}");
    let end = file(&env).pop().expect("a last line");
    assert_eq!(end["outcome"], "ok", "{end}");
    ran
}

#[track_caller]
fn says_once(ran: &Ran) {
    let said = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("traces: "))
        .count();
    assert_eq!(said, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains(" were not sent: "), "{}", ran.stderr);
}

#[test]
fn nobody_listens() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", port.local_addr().expect("an address"));
    drop(port);
    says_once(&deployed(&url, &[]));
}

#[test]
fn a_receiver_that_misbehaves_changes_nothing() {
    for manner in [
        Manner::Hangs,
        Manner::Garbage,
        Manner::Answers(500),
        Manner::Answers(503),
    ] {
        let receiver = Receiver::http(manner);
        says_once(&deployed(&receiver.url(), &[]));
        assert!(receiver.kept().requests > 0, "{manner:?} was never asked");
    }
}

#[test]
fn an_endless_answer_is_not_read() {
    let receiver = Receiver::http(Manner::Endless);
    let ran = deployed(&receiver.url(), &[]);
    assert!(!ran.stderr.contains("traces: "), "{}", ran.stderr);
}

#[test]
fn a_receiver_of_the_other_protocol_changes_nothing() {
    let receiver = Receiver::http(Manner::Takes);
    says_once(&deployed(
        &receiver.url(),
        &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
    ));
}

#[test]
fn what_may_be_tried_again_is() {
    let env = TestEnv::with(SMALL);
    let receiver = Receiver::http(Manner::TakesTheSecond);
    let ran = traced(&env, &receiver, "http/protobuf", &["deploy", "-y", "-v"]).exits(0);
    assert!(!ran.stderr.contains("traces: "), "{}", ran.stderr);
    assert!(
        receiver
            .kept()
            .spans
            .iter()
            .any(|span| span.name == "nkapp deploy")
    );
}

#[test]
fn what_cannot_be_done_is_said_and_the_run_goes_on() {
    let tls = deployed("https://127.0.0.1:1", &[]);
    if !cfg!(feature = "otlp-tls") {
        assert!(tls.stderr.contains("--features otlp-tls"), "{}", tls.stderr);
    }
    let bad = deployed("localhost:4318", &[]);
    assert!(
        bad.stderr.contains("it must be an address such as"),
        "{}",
        bad.stderr
    );
    let json = deployed(
        "http://127.0.0.1:1",
        &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")],
    );
    assert!(
        json.stderr.contains("`http/json` is not spoken"),
        "{}",
        json.stderr
    );
}

#[test]
fn who_is_switched_off_is_silent() {
    let receiver = Receiver::http(Manner::Takes);
    deployed(&receiver.url(), &[("OTEL_SDK_DISABLED", "true")]);
    assert_eq!(receiver.kept().requests, 0);
    deployed(&receiver.url(), &[("OTEL_TRACES_EXPORTER", "none")]);
    let kept = receiver.kept();
    assert!(kept.spans.is_empty());
    assert!(!kept.logs.is_empty());
}

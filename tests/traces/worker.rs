//! Restores of a worker in traces: each is a run with a trace of its own, sent while the worker goes on.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver as Lines, channel};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value;

use crate::cli_env::TestEnv;
use crate::receiver::{Manner, Receiver};
use crate::tree::{attribute, hex, of_file, of_spans};

const FILE: &str = "\
name: watched
infra: { provider: process }
drift: { interval: 1s, restore: auto }
services:
  app: { start: [sh, -c, 'echo $$$$; exec sleep 600'] }
";

/// Longest time anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A worker whose log is read; dropped, it is killed.
struct Worker {
    child: Child,
    log: Lines<Value>,
}

impl Worker {
    fn start(mut command: Command) -> Self {
        command.stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::piped());
        let mut child = command.spawn().expect("nkapp starts");
        let stderr = BufReader::new(child.stderr.take().expect("its log"));
        let (sender, log) = channel();
        std::thread::spawn(move || {
            let lines = stderr.lines().map_while(Result::ok);
            for line in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, log }
    }

    /// Waits until its log says so about this.
    #[track_caller]
    fn says(&self, topic: &str, text: &str) {
        let began = Instant::now();
        let so = |line: &Value| {
            line["topic"] == topic && line["text"].as_str().is_some_and(|t| t.contains(text))
        };
        while let Some(left) = PATIENCE.checked_sub(began.elapsed()) {
            let line = self.log.recv_timeout(left);
            if so(&line.expect("it goes on")) {
                return;
            }
        }
        panic!("it never says `{text}`");
    }

    fn ends(mut self) {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(told.expect("kill runs").success());
        let ended = self.child.wait().expect("it ends");
        assert_eq!(ended.code(), Some(0));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn kill(env: &TestEnv) {
    let pid = env.nkapp(&["logs", "app", "-n", "1"]).exits(0).stdout;
    let killed = Command::new("kill").args(["-9", pid.trim()]).status();
    assert!(killed.expect("kill runs").success());
}

/// The events of every restore, by its trace.
fn restores(env: &TestEnv) -> BTreeMap<String, Vec<Value>> {
    let runs = std::fs::read_dir(env.folder().join(".nanokit/runs")).expect("runs");
    let files = runs.filter_map(Result::ok).map(|entry| entry.path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let told = files.map(|path| {
        let text = std::fs::read_to_string(path).expect("a run's file");
        let events: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect();
        let trace = events[0]["trace_id"].as_str().expect("a trace id");
        (trace.to_owned(), events)
    });
    told.filter(|(_, events)| events[0]["command"] == "restore")
        .collect()
}

#[test]
fn every_restore_of_a_worker_is_a_trace_that_tells_what_its_run_tells() {
    let env = TestEnv::with(FILE);
    env.nkapp(&["deploy", "-y"]).exits(0);
    let receiver = Receiver::http(Manner::Takes);
    let mut command = env.command(&["worker"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url());
    let worker = Worker::start(command);
    worker.says("leader", "this worker leads");
    kill(&env);
    worker.says("restore", "restored service.app");
    // It is told while the worker goes on.
    let began = Instant::now();
    while receiver.kept().spans.is_empty() {
        assert!(began.elapsed() < PATIENCE, "nothing was sent");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    kill(&env);
    worker.says("restore", "restored service.app");
    worker.ends();

    let kept = std::mem::take(&mut *receiver.kept());
    let mut sent: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    for span in kept.spans {
        sent.entry(hex(&span.trace_id)).or_default().push(span);
    }
    let runs = restores(&env);
    assert_eq!(sent.len(), 2);
    assert!(sent.keys().eq(runs.keys()), "{runs:?}");
    for (trace, events) in &runs {
        let spans = &sent[trace];
        assert_eq!(of_spans(spans), of_file(events));
        let root = spans.iter().find(|span| span.parent_span_id.is_empty());
        let result = attribute(root.expect("a root"), "cicd.pipeline.result");
        assert_eq!(result.as_deref(), Some("success"));
    }
}

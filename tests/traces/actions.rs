//! Actions in traces: a run of one is told like a deploy, its steps hand their context on, and a resume names the run before.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cli_env::TestEnv;
use crate::deploy::{file, traced};
use crate::receiver::{Manner, Receiver};
use crate::tree::{attribute, hex, of_file, of_spans};

const SERVICES: &str = "\
name: acting
infra: { provider: process }
version: 'VERSION'
services:
  app: { start: [sh, -c, 'exec sleep 600'] }
actions:
";

fn project(version: &str, actions: &str) -> String {
    format!("{}{actions}", SERVICES.replace("VERSION", version))
}

/// Runs it and returns what was received of it alone, beside what its own file says.
fn told(env: &TestEnv, words: &[&str], code: i32) -> (crate::receiver::Kept, Vec<Value>) {
    let receiver = Receiver::http(Manner::Takes);
    traced(env, &receiver, "http/protobuf", words).exits(code);
    let kept = std::mem::take(&mut *receiver.kept());
    let events = file(env);
    assert_eq!(of_spans(&kept.spans), of_file(&events));
    (kept, events)
}

fn root(kept: &crate::receiver::Kept) -> &opentelemetry_proto::tonic::trace::v1::Span {
    let mut roots = kept.spans.iter().filter(|s| s.parent_span_id.is_empty());
    roots.next().expect("a root")
}

#[test]
fn every_kind_of_step_is_told_and_handed_its_context() {
    let actions = "  - name: tell
    hook: manual
    steps:
      - run: echo run $TRACEPARENT
      - exec: { service: app, run: [sh, -c, 'echo exec $TRACEPARENT'] }
      - job: { service: app, run: [sh, -c, 'echo job $TRACEPARENT'] }
      - stop: app
      - { name: again, run: 'test -e twice || { touch twice; exit 3; }', retries: 1, backoff: 10ms }
";
    let env = TestEnv::with(&project("1", actions));
    env.nkapp(&["deploy", "-y"]).exits(0);
    let (kept, events) = told(&env, &["action", "run", "tell", "-y"], 0);
    let said: BTreeSet<&str> = events
        .iter()
        .filter(|event| event["kind"] == "log")
        .filter_map(|event| event["text"].as_str())
        .collect();
    for step in ["run", "exec", "job"] {
        let id = format!("action.tell/{step}");
        let span = kept.spans.iter().find(|span| {
            span.name == "attempt 1" && attribute(span, "nanokit.step.id").as_deref() == Some(&id)
        });
        let span = span.unwrap_or_else(|| panic!("{id} has no span"));
        let context = format!(
            "{step} 00-{}-{}-01",
            hex(&span.trace_id),
            hex(&span.span_id)
        );
        assert!(said.contains(context.as_str()), "{context} in {said:?}");
    }
    let tree = of_spans(&kept.spans);
    let again = " > action.tell > action.tell/again > attempt 2";
    assert!(tree.iter().any(|path| path.ends_with(again)), "{tree:?}");
    let back = " > action.put-back > action.put-back/app > attempt 1";
    assert!(tree.iter().any(|path| path.ends_with(back)), "{tree:?}");
}

#[test]
fn an_upgrade_is_told_around_its_deploy_and_its_resume_is_linked_to_it() {
    let actions = "  - { name: before, hook: upgrade, mode: pre, steps: [run: 'true'] }
  - { name: middle, hook: upgrade, mode: core, steps: [run: test -e open] }
  - { name: after, hook: upgrade, mode: post, steps: [run: 'true'] }
";
    let env = TestEnv::with(&project("1", actions));
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.put("nanokit.yml", &project("2", actions));
    let (failed, _) = told(&env, &["deploy", "-y"], 1);
    env.put("open", "");
    let (resumed, events) = told(&env, &["deploy", "-y"], 0);
    let tree = of_spans(&resumed.spans);
    for address in ["action.middle", "action.after"] {
        let step = format!(" > {address} > {address}/run > attempt 1");
        assert!(tree.iter().any(|path| path.ends_with(&step)), "{tree:?}");
    }
    let done = " > action.before/run";
    assert!(!tree.iter().any(|path| path.contains(done)), "{tree:?}");
    let (first, second) = (root(&failed), root(&resumed));
    assert!(first.links.is_empty());
    assert_eq!(second.links.len(), 1);
    assert_eq!(second.links[0].trace_id, first.trace_id);
    assert_eq!(second.links[0].span_id, first.span_id);
    // The run's file says so too.
    let plan = events.iter().find(|event| event["kind"] == "plan_made");
    let before = &plan.expect("a plan")["resumes"][0]["trace"];
    assert_eq!(before.as_str(), Some(hex(&first.trace_id).as_str()));
}

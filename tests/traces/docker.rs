//! The same on the real engine: the tree, and the context inside containers.

use std::collections::BTreeMap;

use crate::deploy::run;
use crate::project::Project;
use crate::receiver::{Manner, Receiver};
use crate::tree::{attribute, hex, of_file, of_spans};

const TEXT: &str = "
name: NAME
infra: { provider: docker }
services:
  db:
    image: nk-test/busybox:1
    start: [sh, -c, 'echo main $$TRACEPARENT; exec sleep 100000']
    stop_grace_period: 1s
    volumes: ['data:/data']
    provisioning:
      volume: data
      install: 'echo install $$TRACEPARENT'
    hooks:
      prestart: { host: 'echo host $$TRACEPARENT', container: 'echo inside $$TRACEPARENT' }
  api:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    depends_on: [db]
volumes: { data: {} }
";

fn deploy(project: &Project, receiver: &Receiver) -> crate::ran::Ran {
    let words = ["deploy", "-y", "--json"];
    let mut command = project.command(&words);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url());
    run(command, &words).exits(0)
}

#[test]
fn docker_a_deploy_s_spans_are_its_file_and_what_runs_inside_knows_its_parent() {
    let project = Project::new(TEXT);
    let receiver = Receiver::http(Manner::Takes);
    let events = deploy(&project, &receiver).events();
    let kept = receiver.kept();
    assert_eq!(of_spans(&kept.spans), of_file(&events));
    let attempts: BTreeMap<String, String> = kept
        .spans
        .iter()
        .filter(|span| span.name == "attempt 1")
        .map(|span| {
            let context = format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id));
            (attribute(span, "nanokit.step.id").expect("a step"), context)
        })
        .collect();
    for event in events.iter().filter(|event| event["kind"] == "log") {
        let text = event["text"].as_str().unwrap_or_default();
        let said = text
            .split_once(' ')
            .filter(|(word, _)| ["host", "inside", "install"].contains(word));
        if let Some((word, context)) = said {
            let step = event["step"].as_str().expect("a step");
            assert_eq!(attempts[step], context, "{word}");
        }
    }
    let texts: Vec<&str> = events
        .iter()
        .filter_map(|event| event["text"].as_str())
        .collect();
    for word in ["host 00-", "inside 00-", "install 00-"] {
        assert!(
            texts.iter().any(|text| text.starts_with(word)),
            "{word} in {texts:?}"
        );
    }
    let main = format!("main {}", attempts["service.db[0]/create"]);
    project.nkapp(&["logs", "db"]).exits(0).says(&main);
    drop(kept);
    // Another run has another context; the container keeps its own, and nothing is to be done about it.
    project.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    project.nkapp(&["drift"]).exits(0);
    let again = deploy(&project, &receiver).events();
    assert!(
        again.iter().all(|event| event["kind"] != "action_started"),
        "{again:#?}"
    );
    project.nkapp(&["logs", "db"]).exits(0).says(&main);
}

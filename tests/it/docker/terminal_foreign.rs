//! What the engine hands on from others: output of containers, labels of foreign objects, its own error messages.
//! Whatever stands in them, a terminal only shows text.

use crate::fault_cases::tried;
use crate::fault_proxy::{Fault, Rule};
use crate::panel_terminal::Panel;
use crate::terminal_corpus::{only_text, untouched};
use crate::terminal_model::{printed, text_lines};

use super::crash_stage::Stage;
use super::project::{Project, docker};

const FILE: &str = "
name: NAME
infra: { provider: docker }
services:
  app:
    image: nk-test/busybox:1
    start: [sh, -c, 'cat /given/corpus; cat /given/corpus >&2; exec sleep 100000']
    stop_grace_period: 1s
    volumes: ['./given:/given', 'data:/data']
    hooks: { prestart: { container: 'cat /given/corpus; cat /given/corpus >&2' } }
volumes: { data: {} }
";

#[test]
fn docker_f26_output_of_containers_and_labels_of_others_are_text() {
    let project = Project::new(FILE);
    project.put("given/.keep", "");
    std::fs::write(project.folder().join("given/corpus"), printed()).expect("written");
    only_text(&project.nkapp(&["deploy", "-y", "-v"]).exits(0));
    let logs = project.nkapp(&["logs", "app"]).exits(0);
    assert!(logs.stdout.lines().count() > 200, "{}", logs.stdout);
    only_text(&logs);
    // Strays that carry our labels, with more than a name in them.
    let all = text_lines().concat().replace('\0', "");
    let ours = project.inspect(
        &project.container("app", 0),
        "{{index .Config.Labels \"nk-lineage\"}}",
    );
    for (n, (key, text)) in [
        ("nk-service", all.as_str()),
        ("nk-instance", &all),
        ("nk-hash", &all),
        ("nk-op", &all),
        ("nk-lineage", &all),
    ]
    .into_iter()
    .enumerate()
    {
        let mut labels = vec![
            ("nk-project".to_owned(), project.name.clone()),
            ("nk-env".into(), "local".into()),
            ("nk-lineage".into(), ours.clone()),
            ("nk-service".into(), format!("stray{n}")),
            ("nk-instance".into(), "0".into()),
        ];
        labels.retain(|(name, _)| name != key);
        labels.push((key.to_owned(), text.to_owned()));
        let name = format!("{}-stray-{n}", project.name);
        let labels: Vec<String> = labels
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut arguments = vec!["run", "-d", "--name", &name];
        for label in &labels {
            arguments.extend(["--label", label]);
        }
        arguments.extend(["nk-test/busybox:1", "sleep", "100000"]);
        docker(&arguments).exits(0);
    }
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["drift"],
        &["drift", "--json"],
        &["plan"],
        &["plan", "--json"],
        &["doctor"],
        &["exec", "app", "--", "cat", "/given/corpus"],
        &["logs", "app", "--json"],
    ] {
        only_text(&project.nkapp(arguments));
    }
    let host =
        std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
    let mut panel = Panel::within(project.folder(), (160, 50), &[("DOCKER_HOST", &host)]).leaving();
    panel.wait_for("app");
    for key in ["2", "3", "4", "5", "6", "1", "l"] {
        panel.keys(key);
        panel.look();
    }
    panel.terminate();
    untouched("the panel", panel);
}

#[test]
fn docker_f26_error_messages_of_the_engine_are_text() {
    let all = text_lines().concat();
    let body = serde_json::json!({ "message": all }).to_string();
    let plain = [b"HTTP/1.1 500 ", &printed()[..64], b"\r\n\r\n"].concat();
    let faults = [
        Fault::answer(
            "500 Internal Server Error",
            "application/json",
            body.as_bytes(),
        ),
        Fault::answer("502 Bad Gateway", "text/html", &printed()),
        Fault::Reply(plain),
    ];
    let mut cases = 0;
    for fault in faults {
        let stage = Stage::new(FILE);
        stage.project.put("given/corpus", "little");
        for call in [
            "GET /containers/json",
            "POST /containers/create",
            "POST /containers/*/start",
            "POST /containers/*/exec",
        ] {
            stage.proxy.add(Rule::on(call, fault.clone()));
            let ran = stage.project.nkapp(&["deploy", "-y", "-v"]);
            assert!(stage.proxy.relent() > 0, "{call} did not come");
            only_text(&ran);
            only_text(&stage.project.nkapp(&["run", "list"]));
            cases += 1;
        }
        only_text(&stage.project.nkapp(&["deploy", "-y"]).exits(0));
    }
    tried("docker_f26_error_messages_of_the_engine_are_text", cases);
}

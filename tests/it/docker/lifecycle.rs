//! Deploys as a user makes them: the six steps, rolling updates, failures that stay where they are, and what
//! Compose is known to get wrong.

use serde_json::Value;

use super::project::{Project, docker};

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).collect()
}

fn step_ids(events: &[Value], kind: &str) -> Vec<String> {
    events
        .iter()
        .filter(|event| event["kind"] == kind)
        .filter_map(|event| event["step"].as_str().map(ToOwned::to_owned))
        .collect()
}

#[test]
fn docker_the_six_steps_run_in_strict_order_behind_the_gate() {
    let project = Project::new(
        "
name: NAME
infra: { provider: docker }
services:
  app:
    image: nk-test/busybox:1
    start: 'echo main >> /out/order; exec sleep 100000'
    stop_grace_period: 1s
    volumes: ['./out:/out', 'deps:/deps']
    healthcheck: { test: 'grep -q main /out/order', interval: 200ms, retries: 50 }
    provisioning: { install: 'echo install >> /out/order' }
    hooks:
      prestart: { host: 'echo prestart.host >> out/order', container: 'echo prestart.container >> /out/order' }
      poststart: 'echo poststart >> out/order'
      prestop: 'echo prestop >> /out/order'
      poststop: 'echo poststop >> out/order'
volumes: { deps: {} }
",
    );
    project.put("out/.keep", "");
    let ran = project.nkapp(&["deploy", "-y", "--json"]).exits(0);
    let expected = [
        "prestart.host",
        "prestart.container",
        "install",
        "main",
        "poststart",
    ];
    assert_eq!(lines(&project.read("out/order")), expected);
    let started = step_ids(&ran.events(), "step_started");
    let place = |needle: &str| {
        started
            .iter()
            .position(|id| id.contains(needle))
            .unwrap_or_else(|| panic!("{needle} is not in {started:?}"))
    };
    assert!(
        place("prestart.host") < place("app[0]/create"),
        "{started:?}"
    );
    assert!(
        place("app[0]/create") < place("app[0]/start"),
        "{started:?}"
    );
    assert!(
        place("prestart.container") < place("/install"),
        "{started:?}"
    );
    assert!(place("/install") < place("/health"), "{started:?}");
    assert!(place("/health") < place("/poststart"), "{started:?}");

    // The gate stays open across a restart by the engine.
    project.docker(&["restart", "-t", "1", &project.container("app", 0)]);
    assert_eq!(lines(&project.read("out/order"))[5..], ["main"]);
    project.is_settled();

    project.nkapp(&["destroy", "-y"]).exits(0);
    assert_eq!(
        lines(&project.read("out/order"))[6..],
        ["prestop", "poststop"]
    );
}

#[test]
fn docker_prestop_runs_on_recreate_and_on_scale_down() {
    let file = |release: u32, instances: u32| {
        format!(
            "
name: NAME
infra: {{ provider: docker }}
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    instances: {instances}
    env: {{ RELEASE: '{release}' }}
    volumes: ['./out:/out']
    hooks: {{ prestop: 'echo $RELEASE $NANOKIT_SERVICE >> /out/stopped' }}
"
        )
    };
    let project = Project::new(&file(1, 2));
    project.put("out/.keep", "");
    project.deploy();
    project.write(&file(1, 1));
    project.deploy();
    assert_eq!(lines(&project.read("out/stopped")), ["1 app"], "scale-down");
    project.write(&file(2, 1));
    project.deploy();
    assert_eq!(
        lines(&project.read("out/stopped")),
        ["1 app", "1 app"],
        "recreate"
    );
    assert_eq!(
        project.inspect(&project.container("app", 0), "{{.State.Running}}"),
        "true"
    );
    assert_ne!(
        docker(&["inspect", &project.container("app", 1)]).code,
        0,
        "the second instance is gone"
    );
}

#[test]
fn docker_aliases_survive_a_change_of_the_network() {
    let file = |cidr: &str| {
        format!(
            "
name: NAME
infra: {{ provider: docker }}
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    networks: {{ back: {{ aliases: [store] }} }}
networks: {{ back: {{ cidr: {cidr} }} }}
"
        )
    };
    let project = Project::new(&file("10.213.7.0/24"));
    project.deploy();
    project.write(&file("10.213.8.0/24"));
    project.deploy();
    project.is_settled();
    let container = project.container("app", 0);
    let address = project.inspect(
        &container,
        "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
    );
    assert!(address.starts_with("10.213.8."), "{address}");
    let aliases = project.inspect(
        &container,
        "{{range .NetworkSettings.Networks}}{{.Aliases}}{{end}}",
    );
    assert!(
        aliases.contains("app") && aliases.contains("store"),
        "{aliases}"
    );
}

#[test]
fn docker_a_bad_service_does_not_cut_an_unrelated_branch() {
    let mut file = String::from("\nname: NAME\ninfra: { provider: docker }\nservices:\n");
    for n in 1..=4 {
        let depends = if n > 1 {
            format!("depends_on: [c{}], ", n - 1)
        } else {
            String::new()
        };
        file.push_str(&format!(
            "  c{n}: {{ {depends}image: nk-test/busybox:1, start: [sleep, '100000'], stop_grace_period: 1s }}\n"
        ));
    }
    file.push_str("  bad: { image: nk-test/busybox:1, start: 'echo the reason is here >&2; exit 7', stop_grace_period: 1s }\n");
    file.push_str(
        "  after: { depends_on: [bad], image: nk-test/busybox:1, start: [sleep, '100000'] }\n",
    );
    let project = Project::new(&file);
    let ran = project.nkapp(&["deploy", "-y"]).exits(1);
    assert!(
        ran.stderr.contains("the reason is here"),
        "the log's tail is in the message: {}",
        ran.stderr
    );
    assert!(ran.stderr.contains("service.bad"), "{}", ran.stderr);
    for n in 1..=4 {
        assert_eq!(
            project.inspect(
                &project.container(&format!("c{n}"), 0),
                "{{.State.Running}}"
            ),
            "true",
            "c{n}"
        );
    }
    assert_ne!(
        docker(&["inspect", &project.container("after", 0)]).code,
        0,
        "a dependent was not made"
    );
    let events = project.nkapp(&["deploy", "-y", "--json"]).exits(1).events();
    let skipped = events
        .iter()
        .find(|e| e["kind"] == "action_finished" && e["address"] == "service.after")
        .expect("the dependent is reported");
    assert_eq!(skipped["outcome"], "skipped");
    assert_eq!(skipped["blame"], "service.bad");
    let last = events.last().expect("events");
    assert_eq!(last["kind"], "run_finished");
    assert_eq!(last["exit_code"], 1);
}

#[test]
fn docker_hook_output_can_be_read_after_the_run() {
    let project = Project::new(
        "
name: NAME
infra: { provider: docker }
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    hooks:
      prestart: 'i=0; while [ $i -lt 500 ]; do echo line $i of the hook; i=$((i+1)); done'
",
    );
    let events = project.nkapp(&["deploy", "-y", "--json"]).exits(0).events();
    let log = events
        .iter()
        .find(|e| {
            e["kind"] == "step_finished"
                && e["step"].as_str().is_some_and(|s| s.contains("prestart"))
        })
        .and_then(|e| e["log"].as_str())
        .expect("the step names its log")
        .to_owned();
    let text = project.read(&log);
    assert_eq!(text.lines().count(), 500, "{log}");
    assert!(text.contains("line 499 of the hook"));
    let run = events[0]["run_id"].as_str().expect("run id");
    let runs = project.nkapp(&["run", "list", "--json"]).exits(0).json();
    assert!(runs.to_string().contains(run), "{runs:#}");
    let shown = project.nkapp(&["run", "show", run, "--events"]).exits(0);
    assert!(
        shown.stdout.contains("line 499 of the hook"),
        "{}",
        shown.stdout
    );
}

#[test]
fn docker_a_rolling_update_starts_the_new_instance_before_the_old_one_ends() {
    let file = |release: u32| {
        format!(
            "
name: NAME
infra: {{ provider: docker }}
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    updateStrategy: rolling
    env: {{ RELEASE: '{release}' }}
    healthcheck: {{ test: [CMD, 'true'], interval: 200ms, timeout: 5s }}
"
        )
    };
    let project = Project::new(&file(1));
    project.deploy();
    project.write(&file(2));
    let action = project.action("service.app");
    assert_eq!(action["strategy"], "rolling");
    let events = project.nkapp(&["deploy", "-y", "--json"]).exits(0).events();
    let finished = step_ids(&events, "step_finished");
    let place = |needle: &str| {
        finished
            .iter()
            .position(|id| id == needle)
            .unwrap_or_else(|| panic!("{needle} is not in {finished:?}"))
    };
    assert!(
        place("service.app[1]/health") < place("service.app[0]/stop"),
        "{finished:?}"
    );
    assert_eq!(
        project.inspect(&project.container("app", 1), "{{.State.Running}}"),
        "true"
    );
    assert_ne!(
        docker(&["inspect", &project.container("app", 0)]).code,
        0,
        "the old one is gone"
    );
    project.is_settled();
    project.write(&file(3));
    project.deploy();
    assert_eq!(
        project.inspect(&project.container("app", 0), "{{.State.Running}}"),
        "true",
        "the lowest free number"
    );
    project.is_settled();
}

#[test]
fn docker_two_instances_never_claim_one_fixed_port() {
    let file = |release: u32| {
        format!(
            "
name: NAME
infra: {{ provider: docker }}
services:
  app:
    image: nk-test/busybox:1
    start: [httpd, -f, -p, '8080']
    port: 18473
    expose: 8080
    stop_grace_period: 1s
    updateStrategy: rolling
    env: {{ RELEASE: '{release}' }}
"
        )
    };
    let project = Project::new(&file(1));
    project.deploy();
    project.write(&file(2));
    let plan = project.plan();
    assert_eq!(project.action("service.app")["strategy"], "recreate");
    assert!(
        plan["warnings"].to_string().contains("18473"),
        "{:#}",
        plan["warnings"]
    );
    project.deploy();
    project.is_settled();
}

#[test]
fn docker_a_failed_gate_says_what_the_probe_and_the_log_said() {
    let project = Project::new(
        "
name: NAME
infra: { provider: docker }
services:
  app:
    image: nk-test/busybox:1
    start: 'echo I am up but sad; exec sleep 100000'
    stop_grace_period: 1s
    healthcheck: { test: 'echo page not found; exit 1', interval: 200ms, timeout: 2s, retries: 2 }
",
    );
    let ran = project.nkapp(&["deploy", "-y"]).exits(1);
    for part in ["service.app", "page not found", "I am up but sad"] {
        assert!(
            ran.stderr.contains(part),
            "`{part}` is missing:\n{}",
            ran.stderr
        );
    }
}

#[test]
fn docker_a_job_runs_once_and_gates_its_dependents() {
    let project = Project::new(
        "
name: NAME
infra: { provider: docker }
services:
  migrate:
    kind: job
    image: nk-test/busybox:1
    start: 'sleep 1; echo migrated >> /out/order'
    volumes: ['./out:/out']
  app:
    image: nk-test/busybox:1
    start: 'echo app >> /out/order; exec sleep 100000'
    stop_grace_period: 1s
    depends_on: { migrate: { condition: completed } }
    volumes: ['./out:/out']
",
    );
    project.put("out/.keep", "");
    project.deploy();
    assert_eq!(lines(&project.read("out/order")), ["migrated", "app"]);
    project.is_settled();
    project.deploy();
    assert_eq!(
        lines(&project.read("out/order")),
        ["migrated", "app"],
        "it does not run again"
    );
}

const PLAIN: &str = "
name: NAME
infra: { provider: docker }
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    memory: 64mb
    env: { A: '1' }
    secrets: { TOKEN: { from: env } }
    volumes: ['./app.conf:/etc/app.conf:ro']
";

#[test]
fn docker_only_what_really_changed_is_a_change() {
    let project = Project::new(PLAIN);
    project.put("app.conf", "colour = blue\n");
    project.put(".env", "TOKEN=first-value-of-it\n");
    project.deploy();
    let container = project.container("app", 0);
    let id = project.inspect(&container, "{{.Id}}");

    let same = PLAIN
        .replace(
            "image: nk-test/busybox:1",
            "image: docker.io/nk-test/busybox:1",
        )
        .replace(
            "memory: 64mb",
            "memory: 67108864\n    restart: 'no'\n    instances: 1\n    updateStrategy: recreate",
        );
    project.write(&same);
    project.is_settled();

    project.put("app.conf", "colour = red\n");
    let action = project.action("service.app");
    assert!(
        action["changes"].to_string().contains("/etc/app.conf"),
        "{action:#}"
    );
    assert_eq!(action["changes"][0]["cause"], "config");
    project.put("app.conf", "colour = blue\n");
    project.is_settled();

    project.put(".env", "TOKEN=second-value-of-it\n");
    let plan = project.nkapp(&["plan", "--json"]).exits(0);
    let action = project.action("service.app");
    assert_eq!(action["changes"][0]["path"], "env.TOKEN", "{action:#}");
    assert_eq!(action["changes"][0]["sensitive"], true);
    assert_eq!(action["changes"][0]["after"], "(sensitive)");
    assert!(!plan.stdout.contains("value-of-it") && !plan.stderr.contains("value-of-it"));
    project.put(".env", "TOKEN=first-value-of-it\n");

    project.write(&PLAIN.replace("64mb", "96mb"));
    assert_eq!(project.action("service.app")["strategy"], "in_place");
    project.deploy();
    assert_eq!(
        project.inspect(&container, "{{.HostConfig.Memory}}"),
        "100663296"
    );
    assert_eq!(
        project.inspect(&container, "{{.Id}}"),
        id,
        "no restart for a limit"
    );
    project.is_settled();
}

#[test]
fn docker_volumes_outlive_destroy_and_need_force_to_go() {
    let project = Project::new(
        "
name: NAME
infra: { provider: docker }
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    volumes: ['data:/data']
volumes: { data: {} }
",
    );
    project.deploy();
    let volume = format!("nk-{}-local-data", project.name);
    project.docker(&[
        "exec",
        &project.container("app", 0),
        "sh",
        "-c",
        "echo kept > /data/file",
    ]);
    project.nkapp(&["destroy", "-y"]).exits(0);
    project.docker(&["volume", "inspect", &volume]);
    project.deploy();
    assert_eq!(
        project.docker(&["exec", &project.container("app", 0), "cat", "/data/file"]),
        "kept"
    );
    let refused = project.nkapp(&["clean", "-y"]).exits(5);
    assert!(
        refused.stderr.contains("volume.data") && refused.stderr.contains("--force"),
        "{}",
        refused.stderr
    );
    project.docker(&["volume", "inspect", &volume]);
    project.nkapp(&["clean", "-y", "--force"]).exits(0);
    assert_ne!(docker(&["volume", "inspect", &volume]).code, 0);
    let left = docker(&[
        "ps",
        "-aq",
        "--filter",
        &format!("label=nk-project={}", project.name),
    ])
    .stdout;
    assert_eq!(left, "");
}

#[test]
fn docker_an_install_runs_once_for_all_who_share_the_volume() {
    let file = |command: &str| {
        format!(
            "
name: NAME
infra: {{ provider: docker }}
runtimes:
  shell:
    image: nk-test/busybox:1
    provisioning: {{ install: '{command}' }}
services:
  one: {{ runtime: shell, start: [sleep, '100000'], stop_grace_period: 1s, instances: 2, volumes: ['deps:/deps', './out:/out'] }}
  two: {{ runtime: shell, start: [sleep, '100000'], stop_grace_period: 1s, volumes: ['deps:/deps', './out:/out'] }}
volumes: {{ deps: {{}} }}
"
        )
    };
    let project = Project::new(&file("sleep 1; echo installed >> /out/installs"));
    project.put("out/.keep", "");
    project.deploy();
    assert_eq!(lines(&project.read("out/installs")), ["installed"]);
    let inside = project.docker(&[
        "exec",
        &project.container("one", 0),
        "sh",
        "-c",
        "ls -A /deps",
    ]);
    assert!(
        inside.contains(".nk-installed-") && !inside.contains(".nk-install-lock"),
        "{inside}"
    );
    project.is_settled();
    project.write(&file("sleep 1; echo again >> /out/installs"));
    project.deploy();
    assert_eq!(
        lines(&project.read("out/installs")),
        ["installed", "again"],
        "another command is another installation"
    );
}

#[test]
fn docker_a_failed_install_leaves_no_sentinel_and_the_next_run_tries_again() {
    let project = Project::new(
        "
name: NAME
infra: { provider: docker }
services:
  app:
    image: nk-test/busybox:1
    start: 'echo started >> /out/order; exec sleep 100000'
    stop_grace_period: 1s
    volumes: ['deps:/deps', './out:/out']
    provisioning: { install: 'echo half > /deps/half; test -e /out/allowed' }
volumes: { deps: {} }
",
    );
    project.put("out/.keep", "");
    let ran = project.nkapp(&["deploy", "-y"]).exits(1);
    assert!(ran.stderr.contains("install"), "{}", ran.stderr);
    assert_eq!(project.read("out/order"), "", "the main command never ran");
    project.put("out/allowed", "");
    project.deploy();
    assert_eq!(lines(&project.read("out/order")), ["started"]);
    project.is_settled();
}

/// Half a second of running counts from the last start, so a service that ends sooner never counts as healthy.
#[test]
fn docker_a_service_that_ends_within_half_a_second_fails_the_run_with_its_last_words() {
    for restart in ["no", "unless-stopped"] {
        let project = Project::new(&format!(
            "
name: NAME
infra: {{ provider: docker }}
services:
  app:
    image: nk-test/busybox:1
    restart: '{restart}'
    start: 'echo cannot open /data/db >&2; sleep 0.2; exit 3'
"
        ));
        let ran = project.nkapp(&["deploy", "-y", "--json"]).exits(1);
        let events = ran.events();
        let last = events.last().expect("the end of the run");
        assert_eq!(last["outcome"], "failed", "{restart}: {last}");
        let health = events
            .iter()
            .find(|event| event["kind"] == "step_finished" && event["outcome"] == "failed")
            .unwrap_or_else(|| panic!("{restart}: no step failed:\n{}", ran.stdout));
        let message = health["message"].as_str().unwrap_or_default();
        for part in ["exit code 3", "cannot open /data/db"] {
            assert!(
                message.contains(part),
                "{restart}: {part} is not in {message}"
            );
        }
    }
}

//! Actions on a real engine: every primitive, an upgrade around a deploy, and a failed step that is resumed.

use super::project::Project;

const SERVICES: &str = "
name: NAME
infra: { provider: docker }
version: 'VERSION'
volumes: { data: }
services:
  app:
    image: nk-test/busybox:1
    start: [sh, -c, 'mkdir -p /www; echo fine > /www/up; exec httpd -f -p 80 -h /www']
    expose: 80
    instances: 2
    stop_grace_period: 1s
    volumes: ['data:/data']
";

fn project(actions: &str) -> Project {
    let project = Project::new("name: NAME\n");
    write(&project, "1", actions);
    project
}

fn write(project: &Project, version: &str, actions: &str) {
    project.write(&format!(
        "{}{actions}",
        SERVICES.replace("VERSION", version)
    ));
}

const ALL: &str = "
actions:
  - name: all
    hook: manual
    inputs:
      WORD: { required: true }
      TOKEN: { secret: true }
    steps:
      - exec: { service: app, commands: [[sh, -c, 'echo $WORD > /data/word'], [sync]] }
      - backup: { volume: data, to: saved/data.tar }
      - exec: { service: app, run: [sh, -c, 'echo lost > /data/word; echo more > /data/more'] }
      - stop: app
      - restore: { volume: data, from: saved/data.tar }
      - start: app
      - wait: { service: app, http: /up }
        timeout: 20s
      - wait: { service: app, tcp: 80 }
      - wait: { healthy: app }
      - wait: { time: 100ms }
      - restart: [app]
      - wait: { service: app, http: /up }
        timeout: 20s
      - scale: { service: app, to: 1 }
      - job: { service: app, run: [sh, -c, 'cat /data/word; test ! -e /data/more'] }
      - run: 'echo \"$WORD $TOKEN\" > told; echo \"token $TOKEN\"'
      - assert: { service: app, exec: [cat, /data/word], equals: again }
      - assert: { run: 'exit 3', exit: 3 }
      - assert: { service: app, http: /up }
        retries: 3
        backoff: 500ms
";

#[test]
fn docker_every_primitive_does_what_it_says() {
    let project = project(ALL);
    project.deploy();
    let inputs = ["--input", "WORD=again", "--input", "TOKEN=hunter2-hunter2"];
    let mut arguments = vec!["action", "run", "all", "-y"];
    let refused = project.nkapp(&arguments);
    assert_eq!(refused.code, 5, "{}", refused.stderr);
    arguments.extend(inputs);
    let ran = project.nkapp(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(project.read("told"), "again hunter2-hunter2\n");
    assert!(!ran.stderr.contains("hunter2") && !ran.stdout.contains("hunter2"));
    assert!(project.read("saved/data.tar.sha256").contains("data.tar"));
    // What was scaled down runs again, so nothing has drifted.
    let drift = project.nkapp(&["drift"]);
    assert_eq!(drift.code, 0, "{}", drift.stdout);
    // The file is there, so a second run may not write over it, and stays where it failed.
    let again = project.nkapp(&arguments);
    assert_eq!(again.code, 1);
    again.says("never written over");
    let skip = [
        "action", "run", "all", "-y", "--skip", "backup", "--reason", "kept", inputs[2], inputs[3],
    ];
    let skipped = project.nkapp(&skip);
    assert_eq!(skipped.code, 0, "{}", skipped.stderr);
    let shown = project.nkapp(&["run", "show"]).exits(0).stdout;
    let backup = shown
        .lines()
        .find(|line| line.contains("action.all/backup"));
    assert!(backup.is_some_and(|line| line.contains("○ ")), "{shown}");
}

const UPGRADE: &str = "
actions:
  - { name: seed, hook: setup, mode: post, steps: [{ run: 'echo seed >> told' }] }
  - name: before
    hook: upgrade
    mode: pre
    steps:
      - run: 'echo before $NANOKIT_VERSION_OLD $NANOKIT_VERSION_NEW >> told'
      - stop: app
      - name: gate
        run: 'test -e open'
  - name: after
    hook: upgrade
    mode: post
    steps: [{ run: 'echo after >> told' }]
";

#[test]
fn docker_a_failed_upgrade_goes_on_where_it_stopped() {
    let project = project(UPGRADE);
    project.deploy();
    project.deploy();
    assert_eq!(project.read("told"), "seed\n");
    write(&project, "2", UPGRADE);
    let failed = project.nkapp(&["deploy", "-y"]);
    assert_eq!(failed.code, 1, "{}", failed.stderr);
    failed.says("nkapp action run before --resume");
    assert_eq!(project.read("told"), "seed\nbefore 1 2\n");
    project.put("open", "");
    let resumed = project.nkapp(&["action", "run", "before", "--resume", "-y"]);
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    assert_eq!(project.read("told"), "seed\nbefore 1 2\nafter\n");
    let drift = project.nkapp(&["drift"]);
    assert_eq!(drift.code, 0, "{}", drift.stdout);
    let plan = project.nkapp(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.stdout);
}

//! The first of the two phases opens no socket: every command that needs only the file is run under a system-call
//! trace, which finds neither `socket` nor `connect`.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::cli_env::{SMALL, TestEnv};
use crate::panel_terminal::Panel;

/// Runs a command under `strace` and returns its exit code with every call that has to do with sockets.
fn calls(env: &TestEnv, arguments: &[&str], folder: &Path) -> (Option<i32>, String) {
    let log = env.folder().join("strace.log");
    let nkapp = env.command(arguments);
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-e", "trace=socket,connect,exit_group", "-o"])
        .arg(&log)
        .arg(nkapp.get_program())
        .args(nkapp.get_args())
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for (name, value) in nkapp.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    // Whoever looks for an engine has to open a socket for it, and is refused.
    command.env("DOCKER_HOST", "tcp://127.0.0.1:9");
    let status = command.status().expect("`strace` starts (package strace)");
    let text = std::fs::read_to_string(&log).expect("a trace");
    assert!(
        text.contains("exit_group("),
        "`strace` may not trace here (is ptrace forbidden?): {text}"
    );
    let sockets = text
        .lines()
        .filter(|line| line.contains("socket(") || line.contains("connect("))
        .collect::<Vec<_>>()
        .join("\n");
    (status.code(), sockets)
}

#[test]
fn commands_that_need_only_the_file_open_no_socket() {
    let actions = "actions:\n  - { name: mend, hook: manual, steps: [run: 'true'] }\n";
    // What cannot be sent is remarked upon; that remark is not sent either.
    let asks = "telemetry: { endpoint: 'http://127.0.0.1:9', headers: { key: 'env://UNSET' } }\n";
    let env = TestEnv::with(&format!("{SMALL}{actions}{asks}"));
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["deploy", "-y", "--force"]).exits(0);
    let compose = "services:\n  web:\n    image: nginx:1\n";
    std::fs::write(env.folder().join("compose.yaml"), compose).expect("a compose file");
    let empty = env.folder().join("empty");
    std::fs::create_dir(&empty).expect("folder");
    let here = env.folder().to_owned();
    let cases: [(&[&str], &Path); 31] = [
        (&["validate"], &here),
        (&["config"], &here),
        (&["graph"], &here),
        (&["graph", "--format", "json"], &here),
        (&["graph", "--format", "dot"], &here),
        (&["graph", "--format", "mermaid"], &here),
        (&["action", "list"], &here),
        (&["action", "list", "--json"], &here),
        (&["action", "show", "mend"], &here),
        (&["run", "list"], &here),
        (&["run", "show"], &here),
        (&["run", "show", "--critical-path"], &here),
        (&["run", "show", "--json"], &here),
        (&["run", "show", "--events"], &here),
        (&["run", "replay", "--speed", "0"], &here),
        (&["run", "diff"], &here),
        (&["state", "show"], &here),
        (&["state", "show", "--json"], &here),
        (&["state", "pull"], &here),
        (&["infra", "lock"], &here),
        (&["infra", "lock", "--history"], &here),
        (&["drift", "ignored"], &here),
        (&["ui", "--check-keys"], &here),
        (&["schema"], &here),
        (&["completions", "bash"], &here),
        (&["man"], &here),
        (&["changelog"], &here),
        (&["import", "compose.yaml", "--output", "-"], &here),
        (&["init", "fresh"], &empty),
        (&["--help"], &here),
        (&["--version"], &here),
    ];
    for (arguments, folder) in cases {
        let (code, sockets) = calls(&env, arguments, folder);
        assert_eq!(code, Some(0), "{arguments:?}");
        assert_eq!(sockets, "", "{arguments:?}");
    }
    // The trace does see what there is to see.
    let live = env.folder().join("live");
    std::fs::create_dir(&live).expect("folder");
    let file = "name: live\ninfra: { provider: docker }\nservices: { a: { image: busybox } }\n";
    std::fs::write(live.join("nanokit.yml"), file).expect("a project file");
    let (_, sockets) = calls(&env, &["plan"], &live);
    assert!(!sockets.is_empty(), "a command that activates connects");
    env.nkapp(&["destroy", "-y"]).exits(0);
}

/// Counts how often the project file was opened.
fn loads(log: &Path) -> usize {
    let text = std::fs::read_to_string(log).expect("a trace");
    let file = |line: &&str| line.contains("/nanokit.yml\"");
    text.lines().filter(file).count()
}

#[test]
fn the_project_file_is_read_once_and_once_more_when_it_is_watched() {
    let env = TestEnv::with(SMALL);
    let log = env.folder().join("strace.log");
    let trace = ["-f", "-qq", "-e", "trace=open,openat,openat2", "-o"];
    let nkapp = env!("CARGO_BIN_EXE_nkapp");
    for verb in ["plan", "status", "run"] {
        let mut arguments = trace.to_vec();
        arguments.extend([log.to_str().expect("a path"), nkapp, verb]);
        arguments.extend((verb == "run").then_some("list"));
        let status = Command::new("strace")
            .args(&arguments)
            .current_dir(env.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("`strace` starts (package strace)");
        assert_eq!(status.code(), Some(0), "{verb}");
        assert_eq!(loads(&log), 1, "{verb}");
    }
    let mut arguments = trace.to_vec();
    arguments.extend([log.to_str().expect("a path"), nkapp]);
    let mut panel = Panel::program_of_ours("strace", env.folder(), &[], &arguments);
    panel.wait_for("○ top");
    panel.keys("q");
    panel.ended();
    // What changed between the first look and the watch would be seen by nobody: so it is looked at again.
    assert_eq!(loads(&log), 2);
}

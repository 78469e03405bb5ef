//! Damaged files of host processes through the whole program: nothing that runs is forgotten, and there is a way out.

use std::path::PathBuf;
use std::process::Command;

use crate::cli_env::TestEnv;

const FILE: &str = "\
name: damaged
infra: { provider: process }
services:
  api:
    start: [sleep, '100000']
    stop_grace_period: 1s
";

fn file(env: &TestEnv, name: &str) -> PathBuf {
    let folder = env.folder().join(".nanokit/process/nk-damaged-local-api-0");
    folder.join(name)
}

fn pids(env: &TestEnv) -> [i64; 2] {
    let text = std::fs::read(file(env, "status.json")).expect("its status");
    let status: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    ["main", "supervisor"].map(|who| status[who]["pid"].as_i64().expect("a process"))
}

fn lives(pid: i64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default().trim();
    !(state.is_empty() || state.starts_with('Z'))
}

fn ended(pids: &[i64]) -> bool {
    for _ in 0..500 {
        if !pids.iter().any(|pid| lives(*pid)) {
            return true;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    false
}

fn shell(line: &str) {
    let ran = Command::new("sh").args(["-c", line]).status();
    assert!(ran.expect("a shell").success(), "{line}");
}

#[test]
fn a_damaged_file_of_a_running_instance_stops_no_command() {
    for name in ["spec.json", "status.json"] {
        for text in [None, Some(""), Some("{\"format\":")] {
            let env = TestEnv::new();
            env.put("nanokit.yml", FILE);
            env.nkapp(&["deploy", "-y"]).exits(0);
            let pids = pids(&env);
            // It would put its files back.
            shell(&format!("kill -STOP {}", pids[1]));
            match text {
                Some(text) => std::fs::write(file(&env, name), text).expect("its file"),
                None => std::fs::remove_file(file(&env, name)).expect("its file"),
            }
            let words = format!("{name} cannot be read: ");
            env.nkapp(&["status"]).exits(0).says("running");
            env.nkapp(&["doctor"]).says(&words);
            env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
            shell(&format!("kill -CONT {}", pids[1]));
            env.nkapp(&["deploy", "-y"]).exits(0);
            assert!(pids.iter().all(|pid| lives(*pid)), "{name} {text:?}");
            env.nkapp(&["destroy", "-y"]).exits(0);
            assert!(ended(&pids), "{name} {text:?}");
            env.nkapp(&["deploy", "-y"]).exits(0);
            env.nkapp(&["destroy", "-y"]).exits(0);
        }
    }
}

#[test]
fn what_runs_and_cannot_be_told_is_named_and_never_taken_for_gone() {
    let env = TestEnv::new();
    env.put("nanokit.yml", FILE);
    env.nkapp(&["deploy", "-y"]).exits(0);
    let pids = pids(&env);
    // It would put its files back.
    shell(&format!("kill -STOP {}", pids[1]));
    for name in ["spec.json", ".spec.json.copy"] {
        std::fs::write(file(&env, name), "{").expect("its file");
    }
    let words = format!("{} cannot be read: ", file(&env, "spec.json").display());
    let process = format!("process {} of it runs", pids[1]);
    let folder = file(&env, "spec.json");
    let folder = folder.parent().expect("a folder").display();
    let way_out = format!("kill {}; rm -r {folder}", pids[1]);
    env.nkapp(&["status"]).says(&words).says(&process);
    env.nkapp(&["plan"]).exits(0).says(&words).says(&process);
    env.nkapp(&["doctor"]).says(&words).says(&way_out);
    for change in [
        &["deploy", "-y"][..],
        &["destroy", "-y"],
        &["clean", "-y", "--force"],
    ] {
        let ran = env.nkapp(change).exits(5);
        ran.says(&words).says(&process).says(&way_out);
    }
    assert!(pids.iter().all(|pid| lives(*pid)));
    shell(&format!("kill -CONT {}", pids[1]));
    shell(&way_out);
    assert!(ended(&pids));
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["destroy", "-y"]).exits(0);
}

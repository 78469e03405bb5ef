//! Hooks that print more than anybody can keep: memory stays bounded, nobody is held up, and the file says so.

use std::io::Read as _;
use std::time::{Duration, Instant};

use crate::cli_env::TestEnv;
use crate::fault_cases::tried;

/// What a flood may add to the most memory nkapp ever held, in kB.
const GROWTH: u64 = 64 << 10;
/// Longest time one flood may take on a slow and busy machine.
const LONG: Duration = Duration::from_secs(150);

fn project(line: &str) -> String {
    format!(
        "\
name: small
infra: {{ provider: process }}
services:
  app:
    start: [sleep, '600']
    hooks:
      prestart: {{ host: {{ run: \"{line}\", timeout: 140s }} }}
"
    )
}

/// Deploys and returns the most memory nkapp held, in kB, and the end of the hook's file with what nkapp said.
fn deploy(line: &str) -> (u64, String) {
    let env = TestEnv::with(&project(line));
    let began = Instant::now();
    let mut child = env.start(&["deploy", "-y", "-q"]);
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let end = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        most = most.max(now.unwrap_or(0));
        if let Some(end) = child.try_wait().expect("waited") {
            break end;
        }
        assert!(began.elapsed() < LONG, "`{line:?}` takes too long");
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut said = String::new();
    for pipe in [
        child
            .stderr
            .as_mut()
            .map(|pipe| pipe as &mut dyn std::io::Read),
        child
            .stdout
            .as_mut()
            .map(|pipe| pipe as &mut dyn std::io::Read),
    ] {
        let mut pipe = pipe.expect("a pipe").take(1 << 20);
        let _ = pipe.read_to_string(&mut said);
    }
    assert!(end.success(), "{said}");
    let runs = env.folder().join(".nanokit/runs");
    let mut folders = std::fs::read_dir(&runs).expect("runs");
    let log = folders
        .find_map(|entry| {
            let path = entry.ok()?.path().join("service.app+0+prestart.host.log");
            std::fs::metadata(&path).ok()?;
            Some(path)
        })
        .expect("the hook's output has a file");
    let size = std::fs::metadata(&log).expect("a file").len();
    assert!(size < 66 << 20, "{size} bytes");
    let journals: u64 = std::fs::read_dir(&runs)
        .expect("runs")
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .filter(std::fs::Metadata::is_file)
        .map(|found| found.len())
        .sum();
    assert!(journals < 24 << 20, "{journals} bytes of journal");
    let text = std::fs::read(&log).expect("read");
    let tail = text
        .get(text.len().saturating_sub(200)..)
        .unwrap_or_default();
    (most, format!("{}\n{said}", String::from_utf8_lossy(tail)))
}

#[test]
fn f22_a_gigabyte_of_output_costs_no_memory_and_holds_nobody_up() {
    let (plain, _) = deploy("echo little");
    let mut cases = 0;
    for line in [
        "head -c 1073741824 /dev/zero",
        "yes | head -c 1073741824",
        "head -c 268435456 /dev/zero | tr '\\\\0' x >&2",
        "yes out | head -c 268435456 & yes err | head -c 268435456 >&2; wait",
    ] {
        let (flooded, tail) = deploy(line);
        assert!(
            flooded < plain + GROWTH,
            "{line}: {plain} kB became {flooded} kB"
        );
        assert!(
            tail.contains("the rest of the output is left out")
                && tail.contains("the rest of it is left out"),
            "{line}: {tail}"
        );
        cases += 1;
    }
    let own = "f22_a_gigabyte_of_output_costs_no_memory_and_holds_nobody_up";
    tried(own, cases);
}

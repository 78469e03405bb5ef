//! A project whose every call to the engine can be hit, and what has to be true once it was mended.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::fault_proxy::{Fault, FaultProxy, Rule, engine_socket};
use crate::ran::Ran;

use super::project::{Project, docker};

/// How many faults of a kind are tried: a number, or `all`. Unset, a sample that is spread evenly.
pub(super) const HOW_MANY: &str = "NANOKIT_FAULTS";

/// A service with a bind mount, a volume, a health check and a hook that says which run it belongs to.
pub(super) const ONE_SERVICE: &str = "
name: NAME
infra: { provider: docker }
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    volumes: ['./out:/out', 'data:/data']
    healthcheck: { test: [CMD, 'true'], interval: 300ms, timeout: 5s }
    hooks: { prestart: { container: 'echo hook $NANOKIT_RUN_ID >> /out/log' } }
volumes: { data: {} }
";

/// A project behind a fault proxy.
pub(super) struct Stage {
    pub(super) project: Project,
    pub(super) proxy: FaultProxy,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// A project with this text in front of the machine's engine.
    pub(super) fn new(text: &str) -> Self {
        let mut project = Project::new(text);
        let folder = tempfile::tempdir().expect("temp folder");
        let proxy = FaultProxy::start(&folder.path().join("s"), &engine_socket())
            .expect("the proxy listens");
        project.through(proxy.path());
        project.put("out/log", "");
        Self {
            project,
            proxy,
            _folder: folder,
        }
    }
    /// Runs the binary with a fault under way; a kill of the proxy's is for this process.
    pub(super) fn hit(&self, arguments: &[&str], rule: Rule) -> Ran {
        self.proxy.victim(None);
        self.proxy.add(rule);
        let child = self
            .project
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nkapp starts");
        self.proxy.victim(Some(child.id()));
        let output = child.wait_with_output().expect("it ends");
        Ran::of(format!("nkapp {}", arguments.join(" ")), &output)
    }
    /// Runs it undisturbed and returns how often each kind of call was made.
    pub(super) fn trace(&self, arguments: &[&str]) -> BTreeMap<String, usize> {
        self.proxy.take_kinds();
        self.project.nkapp(arguments).exits(0);
        let mut counts = BTreeMap::new();
        for kind in self.proxy.take_kinds() {
            *counts.entry(kind).or_default() += 1;
        }
        counts
    }
    /// Everything on the engine that carries the project's label or a name of its own.
    pub(super) fn objects(&self) -> Vec<String> {
        objects(&self.project.name)
    }
    /// Requires these objects and no other, nothing left to do, and no command inside that nobody waits for.
    #[track_caller]
    pub(super) fn holds_exactly(&self, wanted: &[String], when: &str) {
        assert_eq!(self.objects(), wanted, "{when}");
        for object in wanted {
            if let Some(name) = object.strip_prefix("container ") {
                let name = name.split(' ').next().unwrap_or_default();
                no_command_inside(name, when);
            }
        }
    }
    /// Requires that the lock of a killed run is proven dead at once, or was given back before.
    #[track_caller]
    pub(super) fn lock_is_dead_or_free(&self, when: &str) {
        let report = self.project.nkapp(&["infra", "lock", "--json"]).exits(0);
        let report = report.json();
        assert!(
            matches!(report["verdict"].as_str(), Some("dead" | "free")),
            "{when}: {report:#}"
        );
    }
    /// Lines that hooks wrote.
    pub(super) fn hook_lines(&self) -> Vec<String> {
        self.project
            .read("out/log")
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

/// Containers with their state, networks and volumes of a project, by label or name.
pub(super) fn objects(project: &str) -> Vec<String> {
    let list = |arguments: &[&str]| docker(arguments).exits(0).stdout;
    let marks = [format!("nk-project={project}"), format!("nk-{project}-")];
    let mut found: Vec<String> = Vec::new();
    for (word, arguments) in [
        (
            "container",
            vec!["ps", "-a", "--format", "{{.Names}} {{.State}}|{{.Labels}}"],
        ),
        (
            "network",
            vec!["network", "ls", "--format", "{{.Name}}|{{.Labels}}"],
        ),
        (
            "volume",
            vec!["volume", "ls", "--format", "{{.Name}}|{{.Labels}}"],
        ),
    ] {
        for line in list(&arguments).lines() {
            let (name, labels) = line.split_once('|').unwrap_or((line, ""));
            let labelled = labels.split(',').any(|label| label == marks[0]);
            if labelled || name.contains(marks[1].trim_end_matches('-')) {
                found.push(format!("{word} {name}"));
            }
        }
    }
    found.sort();
    found
}

/// Asks the engine what its own client cannot.
fn ask_engine(path: &str) -> serde_json::Value {
    let mut engine = UnixStream::connect(engine_socket()).expect("the engine listens");
    write!(engine, "GET {path} HTTP/1.0\r\nHost: engine\r\n\r\n").expect("sent");
    let mut answer = String::new();
    engine.read_to_string(&mut answer).expect("answered");
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).unwrap_or_default()
}

/// Requires that no command goes on in a container. The engine's own health checks come and go, so what counts is
/// whether one that is there now stays.
#[track_caller]
fn no_command_inside(container: &str, when: &str) {
    let inside = || -> BTreeSet<String> {
        let ids = docker(&["inspect", "-f", "{{.ExecIDs}}", container]).exits(0);
        let ids = ids.stdout.trim().trim_matches(['[', ']']).to_owned();
        // One that was made and never started is listed as well.
        ids.split_whitespace()
            .filter(|id| {
                id.len() == 64 && ask_engine(&format!("/exec/{id}/json"))["Running"] == true
            })
            .map(str::to_owned)
            .collect()
    };
    let first = inside();
    let started = Instant::now();
    while inside().intersection(&first).next().is_some() {
        let running = docker(&["top", container, "-o", "pid,args"]).stdout;
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{when}: {container} still runs a command:\n{running}"
        );
    }
}

/// A call of a clean run, and on which side of it the process dies.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) call: String,
    pub(super) nth: usize,
    pub(super) fault: Fault,
}

impl Point {
    pub(super) fn rule(&self) -> Rule {
        Rule::on(&self.call, self.fault.clone()).nth(self.nth)
    }
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at {} number {}", self.fault, self.call, self.nth)
    }
}

/// Every call of a trace, killed before and after.
pub(super) fn kills(trace: &BTreeMap<String, usize>) -> Vec<Point> {
    let mut points = Vec::new();
    for (call, count) in trace {
        for nth in 1..=*count {
            for fault in [Fault::KillBefore, Fault::KillAfter] {
                points.push(Point {
                    call: call.clone(),
                    nth,
                    fault,
                });
            }
        }
    }
    points
}

/// Picks `default` of them, spread evenly, or as many as the environment asks for.
pub(super) fn sample<T: Clone>(all: &[T], default: usize) -> Vec<T> {
    let wanted = match std::env::var(HOW_MANY).as_deref() {
        Ok("all") => all.len(),
        Ok(number) => number
            .parse()
            .unwrap_or_else(|_| panic!("{HOW_MANY} is a number or `all`, not `{number}`")),
        Err(_) => default,
    };
    let wanted = wanted.clamp(1, all.len());
    (0..wanted)
        .map(|n| all[(2 * n + 1) * all.len() / (2 * wanted)].clone())
        .collect()
}

/// Addresses a run that was cut off had finished, by its own log.
pub(super) fn finished_by(project: &Project, run: &str) -> Vec<String> {
    events_of(project, run)
        .iter()
        .filter(|event| event["kind"] == "action_finished" && event["outcome"] == "done")
        .filter_map(|event| event["address"].as_str().map(ToOwned::to_owned))
        .collect()
}

/// Events of a run as they stand in its log; a torn last line is left out.
pub(super) fn events_of(project: &Project, run: &str) -> Vec<serde_json::Value> {
    project
        .read(&format!(".nanokit/runs/{run}.jsonl"))
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Runs with a log, oldest first.
pub(super) fn runs_of(project: &Project) -> Vec<String> {
    let folder = project.folder().join(".nanokit/runs");
    let mut runs: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(".jsonl")?.to_owned()))
        .collect();
    runs.sort();
    runs
}

/// Waits for something a test cannot be told about, such as a line in a file; `false` when it does not come.
pub(super) fn comes_true(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < limit {
        if is_so() {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    is_so()
}

//! Killed while it deploys, restores and destroys host processes, at every line it has to say: one more run brings
//! everything about, no process is there twice, and none is left over.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::cli_env::TestEnv;
use crate::fault_cases;

/// Four services with a job, hooks, an install and a health gate; `TOKEN` makes their processes findable.
const FILE: &str = "\
name: killed
infra: { provider: process }
services:
  db:
    start: [sleep, '600.1TOKEN']
    volumes: ['data:/data']
    healthcheck: { test: [CMD, 'true'], interval: 100ms }
  prepare:
    kind: job
    start: [sh, -c, 'echo prepared']
    depends_on: [db]
  api:
    start: [sleep, '600.2TOKEN']
    instances: 2
    depends_on: { prepare: { condition: completed } }
    volumes: ['deps:/deps']
    healthcheck: { test: [CMD, 'true'], interval: 100ms }
    provisioning: { volume: deps, install: 'echo install >> $OUT/log' }
    env: { OUT: 'FOLDER' }
    hooks:
      prestart: { host: 'echo prestart $NANOKIT_INSTANCE $NANOKIT_RUN_ID >> log' }
      poststart: 'echo poststart $NANOKIT_INSTANCE $NANOKIT_RUN_ID >> log'
      prestop: { where: host, run: 'echo prestop $NANOKIT_INSTANCE $NANOKIT_RUN_ID >> log' }
      poststop: 'echo poststop $NANOKIT_INSTANCE $NANOKIT_RUN_ID >> log'
  web:
    start: [sleep, '600.3TOKEN']
    depends_on: [api]
volumes: { data: {}, deps: {} }
";

/// How many kills are tried: a number, or `all`.
const HOW_MANY: &str = "NANOKIT_FAULTS";
const DEPLOY: &[&str] = &["deploy", "-y", "--json"];
const RESTORE: &[&str] = &["drift", "--restore", "-y", "--json"];
const DESTROY: &[&str] = &["destroy", "-y", "--json"];

struct Stage {
    env: TestEnv,
    token: String,
}

impl Stage {
    fn new(number: usize) -> Self {
        let env = TestEnv::new();
        let token = format!("{}{number:04}", std::process::id());
        let folder = env.folder().display().to_string();
        env.put(
            "nanokit.yml",
            &FILE.replace("TOKEN", &token).replace("FOLDER", &folder),
        );
        Self { env, token }
    }
    /// The service of every process of ours that is alive.
    fn alive(&self) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let mut words = command.split(|byte| *byte == 0);
            let is_sleep = words.next().is_some_and(|word| word.ends_with(b"sleep"));
            let argument = String::from_utf8_lossy(words.next().unwrap_or_default()).into_owned();
            if let Some(number) = argument.strip_prefix("600.").filter(|_| is_sleep)
                && let Some(service) = number.strip_suffix(&self.token)
            {
                found.push(service.to_owned());
            }
        }
        found.sort();
        found
    }
    /// Runs a command and kills it when it has said so many lines; tells whether it lived to be killed.
    fn killed_at(&self, arguments: &[&str], line: usize) -> bool {
        let mut child = self.env.start(arguments);
        let mut said = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut text = String::new();
        for _ in 0..line {
            text.clear();
            if said.read_line(&mut text).expect("readable") == 0 {
                break;
            }
        }
        child.kill().expect("it was not waited for");
        let status = child.wait().expect("it ends");
        // Services have its other pipe no more than this one: reading to the end would hang otherwise.
        said.read_to_string(&mut text).expect("readable");
        status.code().is_none()
    }
    fn lines_of(&self, arguments: &[&str]) -> usize {
        self.env.nkapp(arguments).exits(0).stdout.lines().count()
    }
    fn kill_one(&self) {
        let service = format!("600.3{}", self.token);
        for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let name = entry.file_name().into_string().unwrap_or_default();
            if String::from_utf8_lossy(&command).ends_with(&format!("{service}\0"))
                && command.starts_with(b"sleep")
                && let Some(pid) = name.parse().ok().and_then(rustix::process::Pid::from_raw)
            {
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("alive");
            }
        }
        let started = Instant::now();
        while self.alive().iter().any(|one| one == "3") {
            assert!(
                started.elapsed() < Duration::from_secs(5),
                "it does not die"
            );
        }
    }
    #[track_caller]
    fn check_after_kill(&self, when: &str) {
        let report = self.env.nkapp(&["infra", "lock", "--json"]).exits(0).json();
        assert!(
            matches!(report["verdict"].as_str(), Some("dead" | "free")),
            "{when}: {report:#}"
        );
    }
    #[track_caller]
    fn runs_again(&self, arguments: &[&str], wanted: &[&str], when: &str) {
        let again = self.env.nkapp(arguments);
        assert_eq!(again.code, 0, "{when}, then again: {}", again.stderr);
        let started = Instant::now();
        while self.alive() != wanted {
            assert!(
                started.elapsed() < Duration::from_secs(5),
                "{when}: {:?}",
                self.alive()
            );
        }
    }
    #[track_caller]
    fn hooks_ran_once(&self, when: &str) {
        let log = self.env.read("log");
        let mut seen = BTreeSet::new();
        for line in log.lines().filter(|line| *line != "install") {
            assert!(seen.insert(line), "{when}: `{line}` twice in\n{log}");
        }
        let installs = log.lines().filter(|line| *line == "install").count();
        assert_eq!(installs, 1, "{when}: installs in\n{log}");
    }
}

const UP: &[&str] = &["1", "2", "2", "3"];

/// Which of so many lines are tried: `default` of them, or what `NANOKIT_FAULTS` asks for.
pub(crate) fn spread(lines: usize, default: usize) -> Vec<usize> {
    let wanted = match std::env::var(HOW_MANY).as_deref() {
        Ok("all") => lines,
        Ok(number) => number.parse().expect("a number or `all`"),
        Err(_) => default,
    };
    let wanted = wanted.clamp(1, lines);
    (0..wanted)
        .map(|n| (2 * n + 1) * lines / (2 * wanted))
        .collect()
}

#[test]
fn f01_killed_at_events_of_runs_on_host_processes() {
    let clean = Stage::new(0);
    let deploys = spread(clean.lines_of(DEPLOY), 10);
    assert_eq!(clean.alive(), UP);
    clean.kill_one();
    let restores = spread(clean.lines_of(RESTORE), 5);
    assert_eq!(clean.alive(), UP);
    let destroys = spread(clean.lines_of(DESTROY), 5);
    assert_eq!(clean.alive(), [""; 0]);
    drop(clean);
    let mut killed = 0;
    for (round, line) in deploys.iter().enumerate() {
        let stage = Stage::new(round + 1);
        let when = format!("deploy killed at line {line}");
        killed += usize::from(stage.killed_at(DEPLOY, *line));
        stage.check_after_kill(&when);
        stage.runs_again(DEPLOY, UP, &when);
        stage.env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
        stage.hooks_ran_once(&when);
        if let Some(line) = restores.get(round) {
            let when = format!("restore killed at line {line}");
            stage.kill_one();
            killed += usize::from(stage.killed_at(RESTORE, *line));
            stage.check_after_kill(&when);
            stage.runs_again(RESTORE, UP, &when);
            stage.env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
        }
        if let Some(line) = destroys.get(round) {
            let when = format!("destroy killed at line {line}");
            killed += usize::from(stage.killed_at(DESTROY, *line));
            stage.check_after_kill(&when);
            stage.runs_again(DESTROY, &[], &when);
        }
    }
    let tried = deploys.len() + restores.len() + destroys.len();
    assert!(
        killed * 10 >= tried * 7,
        "only {killed} of {tried} were killed"
    );
    fault_cases::tried("f01_killed_at_events_of_runs_on_host_processes", tried);
}

/// A service that takes its time to stop, and one that needs it.
const SLOW: &str = "\
name: slow
infra: { provider: process }
services:
  a:
    start: [sh, -c, 'echo $$$$ > a.pid; trap \"echo told > told; sleep 2; exit 0\" TERM; while :; do sleep 0.1; done']
    stop_grace_period: 20s
  b: { start: [sleep, '600.7'], depends_on: [a] }
";

#[test]
fn f01_a_stop_that_outlives_who_asked_for_it_is_seen_to_its_end() {
    let mut cases = 0;
    for command in [DEPLOY, RESTORE] {
        let env = TestEnv::with(SLOW);
        env.nkapp(DEPLOY).exits(0);
        let pid = env.read("a.pid");
        let mut destroy = env.start(DESTROY);
        until("it is told to stop", || !env.read("told").is_empty());
        destroy.kill().expect("it waits for the stop");
        destroy.wait().expect("it ends");
        // The service still runs, and nobody must take that for good.
        env.nkapp(&["plan", "--detailed-exitcode"]).exits(2);
        let again = env.nkapp(command).exits(0);
        assert_ne!(env.read("a.pid"), pid, "{}", again.stdout);
        until("the old one ended", || {
            !Path::new(&format!("/proc/{}", pid.trim())).exists()
        });
        env.nkapp(&["drift"]).exits(0);
        env.nkapp(&["plan", "--detailed-exitcode", "a"]).exits(0);
        cases += 1;
    }
    let own = "f01_a_stop_that_outlives_who_asked_for_it_is_seen_to_its_end";
    fault_cases::tried(own, cases);
}

#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "not so: {what}"
        );
        std::thread::yield_now();
    }
}

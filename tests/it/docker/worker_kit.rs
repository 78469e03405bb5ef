//! A worker of a throw-away project, and what may be required of it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::crash_stage::comes_true;
use super::project::Project;

/// How long anything may take on a machine under load.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A running worker; dropped, it is killed.
pub(super) struct Worker {
    child: Child,
    log: PathBuf,
}

impl Worker {
    /// Starts one, without waiting for anything.
    pub(super) fn start(project: &Project, name: &str) -> Self {
        Self::other(project, name, &["worker"])
    }
    /// Starts one with these variables.
    pub(super) fn with(project: &Project, name: &str, env: &[(&str, &Path)]) -> Self {
        let mut command = project.command(&["worker"]);
        command.envs(env.iter().copied());
        Self::of(project, name, &mut command)
    }
    /// Starts another command that goes on.
    pub(super) fn other(project: &Project, name: &str, arguments: &[&str]) -> Self {
        Self::of(project, name, &mut project.command(arguments))
    }
    fn of(project: &Project, name: &str, command: &mut Command) -> Self {
        let log = project.folder().join(format!("{name}.log"));
        let file = std::fs::File::create(&log).expect("a log");
        let child = command
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("nkapp starts");
        Self { child, log }
    }
    /// Starts one and waits until it leads and watches.
    #[track_caller]
    pub(super) fn leading(project: &Project, name: &str) -> Self {
        let worker = Self::start(project, name);
        worker.becomes(project, |told| {
            told["role"] == "leader" && told["phase"] == "watching" && told["platform"].is_string()
        });
        worker
    }
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
    /// What it says of itself now.
    pub(super) fn told(&self, project: &Project) -> Option<Value> {
        let status = project.nkapp(&["status", "--json"]);
        let document: Value = serde_json::from_str(&status.stdout).ok()?;
        let all = document["workers"].as_array()?;
        let ours = all.iter().find(|told| told["pid"] == self.pid());
        ours.cloned()
    }
    /// Waits until it says so.
    #[track_caller]
    pub(super) fn becomes(&self, project: &Project, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = None;
        let came = comes_true(PATIENCE, || {
            last = self.told(project);
            last.as_ref().is_some_and(&wanted)
        });
        assert!(came, "it says {last:#?}\n{}", self.log());
        last.expect("it was there")
    }
    /// Its log.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
    /// Its log, each line as the JSON object it has to be.
    #[track_caller]
    pub(super) fn lines(&self) -> Vec<Value> {
        let log = self.log();
        let whole = log.rfind('\n').map_or("", |end| &log[..end]);
        let line = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        whole.lines().map(line).collect()
    }
    /// Waits until a line of its log holds all of these texts.
    #[track_caller]
    pub(super) fn says(&self, needles: &[&str]) {
        let said = || {
            let log = self.log();
            log.lines()
                .any(|line| needles.iter().all(|needle| line.contains(needle)))
        };
        assert!(
            comes_true(PATIENCE, said),
            "no {needles:?} in\n{}",
            self.log()
        );
    }
    pub(super) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a pid"), signal).expect("it runs");
    }
    /// Waits for its end and returns its exit code; `None`: a signal ended it.
    #[track_caller]
    pub(super) fn ends(&mut self) -> Option<i32> {
        let mut code = None;
        let ended = comes_true(PATIENCE, || {
            code = self
                .child
                .try_wait()
                .expect("it was ours")
                .map(|s| s.code());
            code.is_some()
        });
        assert!(ended, "it goes on:\n{}", self.log());
        code.flatten()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

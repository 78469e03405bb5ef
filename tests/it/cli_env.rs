//! A hermetic place to run the real binary in: a folder and a home of its own, nothing else of this machine.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::ran::Ran;

/// The place. Dropped, it stops what its project left running.
pub(crate) struct TestEnv {
    home: tempfile::TempDir,
    folder: PathBuf,
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().expect("temp folder");
        let folder = home.path().join("project");
        std::fs::create_dir(&folder).expect("folder");
        Self { home, folder }
    }

    /// A place with that project file.
    pub(crate) fn with(text: &str) -> Self {
        let env = Self::new();
        env.put("nanokit.yml", text);
        env
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, text).expect("written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    /// Prepares the binary with nothing of our own environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nkapp"));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("USER", "tester")
            .env("LANG", "C.UTF-8")
            .env("TERM", "dumb")
            // No engine there: whoever asks for one is told so at once.
            .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn nkapp(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().expect("nkapp runs");
        Ran::of(format!("nkapp {}", arguments.join(" ")), &output)
    }

    /// Runs the binary beside the real engine.
    pub(crate) fn on_docker(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.env_remove("DOCKER_HOST");
        if let Some(host) = std::env::var_os("DOCKER_HOST") {
            command.env("DOCKER_HOST", host);
        }
        let output = command.output().expect("nkapp runs");
        Ran::of(format!("nkapp {}", arguments.join(" ")), &output)
    }

    /// Starts the binary and leaves it running, its output in pipes.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nkapp starts")
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        if self.folder.join("state.json").exists() {
            let _ = self
                .command(&["clean", "-y", "--force", "-q"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

/// A project on host processes that is up within a second: a service, one that needs it, a job between.
pub(crate) const SMALL: &str = "\
name: small
infra: { provider: process }
services:
  base:
    start: [sh, -c, 'echo base is up; exec sleep 600']
    healthcheck: { test: [CMD, 'true'], interval: 100ms }
  prepare:
    kind: job
    start: [sh, -c, 'echo prepared']
    depends_on: [base]
  top:
    start: [sh, -c, 'echo top is up; exec sleep 600']
    depends_on: { prepare: { condition: completed } }
    volumes: ['data:/data']
    hooks: { poststart: 'echo hook of top' }
volumes: { data: {} }
";

//! A throw-away project on the engine: its folder, its commands, its objects.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::ran::Ran;

/// A project of its own name; dropped, it takes everything with it.
pub(super) struct Project {
    folder: tempfile::TempDir,
    /// Name of the project, unique on this machine.
    pub(super) name: String,
    host: Option<String>,
}

impl Project {
    /// Makes a project with this text, in which `NAME` stands for its name.
    pub(super) fn new(text: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "nkt{}x{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let project = Self {
            folder: tempfile::tempdir().expect("temp folder"),
            name,
            host: None,
        };
        project.write(text);
        project
    }
    /// Goes through this socket from now on.
    pub(super) fn through(&mut self, socket: &Path) {
        self.host = Some(format!("unix://{}", socket.display()));
    }
    /// Returns its folder.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
    /// Replaces the file.
    pub(super) fn write(&self, text: &str) {
        self.put("nanokit.yml", &text.replace("NAME", &self.name));
    }
    /// Writes a file of the project.
    pub(super) fn put(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, text).expect("written");
    }
    /// Reads a file of the project; empty when it is not there.
    pub(super) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
    /// Prepares the binary.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nkapp"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(std::process::Stdio::null());
        command
            .env("HOME", self.folder.path())
            .env_remove("NO_COLOR");
        if let Some(host) = &self.host {
            command.env("DOCKER_HOST", host);
        }
        command
    }
    /// Runs the binary.
    pub(super) fn nkapp(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().expect("nkapp runs");
        Ran::of(format!("nkapp {}", arguments.join(" ")), &output)
    }
    /// Deploys and requires success.
    #[track_caller]
    pub(super) fn deploy(&self) -> Ran {
        self.nkapp(&["deploy", "-y"]).exits(0)
    }
    /// Plans and returns the document.
    #[track_caller]
    pub(super) fn plan(&self) -> Value {
        self.nkapp(&["plan", "--json"]).exits(0).json()
    }
    /// Returns the action of one address.
    #[track_caller]
    pub(super) fn action(&self, address: &str) -> Value {
        let plan = self.plan();
        plan["actions"]
            .as_array()
            .and_then(|actions| actions.iter().find(|action| action["address"] == address))
            .unwrap_or_else(|| panic!("{address} is not in the plan:\n{plan:#}"))
            .clone()
    }
    /// Requires that nothing is left to do.
    #[track_caller]
    pub(super) fn is_settled(&self) {
        let ran = self.nkapp(&["plan", "--detailed-exitcode"]);
        assert_eq!(
            ran.code, 0,
            "something is left to do:\n{}\n{}",
            ran.stdout, ran.stderr
        );
    }
    /// Name of an instance on the engine.
    pub(super) fn container(&self, service: &str, instance: u32) -> String {
        format!("nk-{}-local-{service}-{instance}", self.name)
    }
    /// Runs the engine's own client and requires success.
    #[track_caller]
    #[expect(
        clippy::unused_self,
        reason = "reads as what it is: a hand on this project's objects"
    )]
    pub(super) fn docker(&self, arguments: &[&str]) -> String {
        let ran = docker(arguments);
        assert_eq!(ran.code, 0, "`{}`: {}", ran.what, ran.stderr);
        ran.stdout.trim().to_owned()
    }
    /// Reads one value of a container.
    #[track_caller]
    pub(super) fn inspect(&self, container: &str, format: &str) -> String {
        self.docker(&["inspect", "-f", format, container])
    }
}

/// Runs the engine's own client.
pub(super) fn docker(arguments: &[&str]) -> Ran {
    let output = Command::new("docker")
        .args(arguments)
        .output()
        .expect("the docker client runs");
    Ran::of(format!("docker {}", arguments.join(" ")), &output)
}

impl Drop for Project {
    fn drop(&mut self) {
        let filter = format!("label=nk-project={}", self.name);
        for (list, remove) in [
            (vec!["ps", "-aq", "--filter", &filter], vec!["rm", "-fv"]),
            (
                vec!["network", "ls", "-q", "--filter", &filter],
                vec!["network", "rm"],
            ),
            (
                vec!["volume", "ls", "-q", "--filter", &filter],
                vec!["volume", "rm", "-f"],
            ),
        ] {
            let ids = docker(&list).stdout;
            for id in ids.split_whitespace() {
                let mut arguments = remove.clone();
                arguments.push(id);
                docker(&arguments);
            }
        }
        for network in docker(&["network", "ls", "--format", "{{.Name}}"])
            .stdout
            .split_whitespace()
        {
            if network.contains(&format!("{}-", self.name)) {
                docker(&["network", "rm", network]);
            }
        }
    }
}

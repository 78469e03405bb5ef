//! An engine of the test's own: sockets, data, network and containers apart from the machine's, to be stopped,
//! killed and started again.
//!
//! It lives in a network namespace that a sleeping process keeps, because an engine that is started and killed
//! outside one rearranges the machine's bridges.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::ran::Ran;

use super::crash_stage::comes_true;

/// How long it may take to answer after a start.
const UP: Duration = Duration::from_secs(60);

/// The engine; dropped, it takes everything with it.
pub(super) struct PrivateEngine {
    folder: tempfile::TempDir,
    namespace: Child,
    engine: Option<Child>,
    live_restore: bool,
}

impl PrivateEngine {
    /// Starts one that holds the test images.
    ///
    /// # Panics
    /// Where the test may not start one: it needs root, `dockerd`, `unshare` and `nsenter`.
    pub(super) fn start(live_restore: bool) -> Self {
        let namespace = Command::new("unshare")
            .args(["--net", "sh", "-c"])
            .arg("ip link set lo up && echo ready && exec sleep infinity")
            .stdout(Stdio::piped())
            .spawn();
        let mut namespace = namespace.expect("`unshare` starts (package util-linux)");
        let mut ready = [0; 6];
        let out = namespace.stdout.as_mut().expect("a pipe");
        std::io::Read::read_exact(out, &mut ready).expect(
            "a network namespace of its own: this test needs root and the package iproute2",
        );
        let mut engine = Self {
            folder: tempfile::tempdir().expect("temp folder"),
            namespace,
            engine: None,
            live_restore,
        };
        std::fs::write(engine.folder.path().join("daemon.json"), "{}").expect("written");
        engine.up();
        let image = Command::new("docker")
            .args(["save", "nk-test/busybox:1"])
            .output()
            .expect("the docker client runs");
        assert!(
            image.status.success(),
            "the test images are made first: tests/prepare.sh"
        );
        let mut load = engine
            .client(&["load", "-q"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the docker client runs");
        let mut input = load.stdin.take().expect("a pipe");
        input.write_all(&image.stdout).expect("loaded");
        drop(input);
        assert!(load.wait().expect("it ends").success());
        engine
    }
    /// Its socket.
    pub(super) fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }
    fn client(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command
            .args(arguments)
            .env_remove("DOCKER_CONTEXT")
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()));
        command
    }
    /// Runs the engine's own client against it.
    pub(super) fn docker(&self, arguments: &[&str]) -> Ran {
        let output = self.client(arguments).output().expect("the client runs");
        Ran::of(format!("docker {}", arguments.join(" ")), &output)
    }
    /// Starts it and waits until it answers.
    pub(super) fn up(&mut self) {
        let at = |name: &str| self.folder.path().join(name);
        // A killed engine leaves its socket and its pid behind.
        let _ = std::fs::remove_file(at("s"));
        let _ = std::fs::remove_file(at("pid"));
        let log = std::fs::File::create(at("log")).expect("a log");
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/proc/{}/ns/net", self.namespace.id()))
            .arg("dockerd")
            .arg("--config-file")
            .arg(at("daemon.json"))
            .arg("--data-root")
            .arg(at("data"))
            .arg("--exec-root")
            .arg(at("exec"))
            .arg("--pidfile")
            .arg(at("pid"))
            .arg(format!("--host=unix://{}", at("s").display()))
            .args(["--storage-driver", "vfs"])
            .args(self.live_restore.then_some("--live-restore"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log);
        self.engine = Some(command.spawn().expect("`nsenter` and `dockerd` start"));
        let started = Instant::now();
        while self.docker(&["version"]).code != 0 {
            let log = || std::fs::read_to_string(at("log")).unwrap_or_default();
            assert!(started.elapsed() < UP, "it does not come up:\n{}", log());
            if let Some(engine) = &self.engine {
                let gone = !Path::new(&format!("/proc/{}/exe", engine.id())).exists();
                assert!(!gone, "it ended at once:\n{}", log());
            }
        }
    }
    /// Sends it a signal and waits for its end; its containers may go on.
    pub(super) fn down(&mut self, signal: Signal) {
        let mut engine = self.engine.take().expect("it runs");
        let pid = i32::try_from(engine.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a pid"), signal).expect("it runs");
        engine.wait().expect("it ends");
        // Its helper dies with it, a moment later; a new engine that still finds it would wait for it in vain.
        let helper = self.folder.path().join("exec/containerd/containerd.pid");
        let helper = std::fs::read_to_string(helper).unwrap_or_default();
        let process = PathBuf::from(format!("/proc/{}", helper.trim()));
        comes_true(Duration::from_secs(10), || {
            helper.is_empty() || !process.exists()
        });
    }
}

impl Drop for PrivateEngine {
    fn drop(&mut self) {
        if self.engine.is_none() && !std::thread::panicking() {
            self.up();
        }
        let all = self.docker(&["ps", "-aq"]).stdout;
        for id in all.split_whitespace() {
            self.docker(&["rm", "-fv", id]);
        }
        if self.engine.is_some() {
            self.down(Signal::TERM);
        }
        let _ = self.namespace.kill();
        let _ = self.namespace.wait();
    }
}

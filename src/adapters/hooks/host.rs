//! Commands on the host, such as hooks.
//!
//! Each runs in a session of its own without a terminal and with a small environment. It is over when the
//! command itself has ended; what it left running then is killed, as after a timeout or when the future is
//! dropped. Output is handed on as it comes and never collected.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

use crate::adapters::hooks::tree::{MARK, Tree};
use crate::domain::event::Stream;
use crate::formats::text::hex;
use crate::ports::hooks::{CallEnd, HostCall, HostHooks};
use crate::ports::sink::Sink;

/// Time between the asking signal and the killing one.
const GRACE: Duration = Duration::from_secs(2);
/// How long output is read after the command itself has ended, when something it left holds the pipe open.
const DRAIN: Duration = Duration::from_secs(2);
/// Bytes read at once.
const CHUNK: usize = 16 << 10;
/// Variables that are passed through beside `LC_*`.
const PASSED: [&str; 8] = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "TERM", "TMPDIR", "SHELL",
];

/// Runs commands on this machine.
#[derive(Clone, Debug)]
pub struct SystemHooks {
    env: BTreeMap<String, String>,
    setsid: Option<PathBuf>,
}

impl SystemHooks {
    /// Takes the variables of this process, of which only an allow-list is passed on.
    #[must_use]
    pub fn new(process_env: &BTreeMap<String, String>) -> Self {
        let passed = |name: &str| PASSED.contains(&name) || name.starts_with("LC_");
        let mut env: BTreeMap<String, String> = process_env
            .iter()
            .filter(|(name, _)| passed(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        env.entry("PATH".to_owned()).or_insert_with(|| {
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()
        });
        let setsid = ["/usr/bin/setsid", "/bin/setsid"];
        let setsid = setsid
            .iter()
            .map(PathBuf::from)
            .find(|path| is_program(path));
        Self { env, setsid }
    }

    fn start(&self, call: &HostCall) -> Result<Running, String> {
        let (program, arguments) = call.argv.split_first().ok_or("the command is empty")?;
        let path = self.find(program, call)?;
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce).map_err(|error| error.to_string())?;
        let nonce = hex(&nonce);
        // Started as a plain child, `setsid` becomes the leader of a session and then the program itself.
        let mut command = Command::new(self.setsid.as_ref().unwrap_or(&path));
        if self.setsid.is_some() {
            command.arg("--").arg(&path);
        } else {
            command.process_group(0);
        }
        command
            .args(arguments)
            .current_dir(&call.folder)
            .env_clear()
            .envs(&self.env)
            .envs(call.env.iter().map(|(name, value)| (name, value.expose())))
            .env(MARK, &nonce)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let child = command.spawn().map_err(|error| error.to_string())?;
        let leader = child.id().ok_or("it ended at once")?;
        Ok(Running {
            child,
            tree: Tree::new(leader, &nonce),
            over: false,
        })
    }

    /// Finds the program, so that a missing one is told apart from one that fails.
    fn find(&self, program: &str, call: &HostCall) -> Result<PathBuf, String> {
        if !call.folder.is_dir() {
            return Err(format!("there is no folder {}", call.folder.display()));
        }
        if program.contains('/') {
            let path = call.folder.join(program);
            return if is_program(&path) {
                Ok(path)
            } else {
                Err(format!("`{program}` is no program"))
            };
        }
        let given = call.env.iter().rev().find(|(name, _)| name == "PATH");
        let path = given.map_or_else(
            || self.env.get("PATH").map(String::as_str).unwrap_or_default(),
            |(_, value)| value.expose(),
        );
        std::env::split_paths(path)
            .map(|folder| call.folder.join(folder).join(program))
            .find(|path| is_program(path))
            .ok_or_else(|| format!("`{program}` is not found in PATH"))
    }
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// A command that was started; dropped before it is over, it is killed with everything it started.
struct Running {
    child: Child,
    tree: Tree,
    over: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.over {
            self.tree.kill_now();
        }
    }
}

impl HostHooks for SystemHooks {
    async fn run(&self, call: &HostCall, sink: &dyn Sink) -> CallEnd {
        let mut running = match self.start(call) {
            Ok(running) => running,
            Err(cause) => return CallEnd::NotStarted(cause),
        };
        let (stdout, stderr) = (running.child.stdout.take(), running.child.stderr.take());
        let drained = Cell::new(false);
        let pumps = async {
            tokio::join!(
                pump(stdout, Stream::Stdout, sink),
                pump(stderr, Stream::Stderr, sink)
            );
            drained.set(true);
            // Polled on beside whatever else is waited for.
            std::future::pending::<()>().await;
        };
        tokio::pin!(pumps);
        let end = tokio::select! {
            biased;
            status = running.child.wait() => ended(status),
            () = tokio::time::sleep(call.timeout) => CallEnd::TimedOut,
            () = &mut pumps => CallEnd::Unknown("its output ended".to_owned()),
        };
        if end == CallEnd::TimedOut {
            running.tree.signal(Signal::TERM);
            tokio::select! {
                biased;
                () = until(|| !running.tree.is_alive()) => {}
                () = tokio::time::sleep(GRACE) => {}
                () = &mut pumps => {}
            }
            running.tree.kill().await;
        }
        // What it left running may hold the pipes; what it wrote until now is still read.
        tokio::select! {
            biased;
            () = until(|| drained.get()) => {}
            () = tokio::time::sleep(DRAIN) => {}
            () = &mut pumps => {}
        }
        running.tree.kill().await;
        // Reaps it, so that no zombie is left behind.
        let _ = running.child.wait().await;
        running.over = true;
        end
    }
}

/// Looks again and again until it is so.
async fn until(so: impl Fn() -> bool) {
    while !so() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn ended(status: std::io::Result<ExitStatus>) -> CallEnd {
    match status {
        Ok(status) => {
            let signal = status.signal().map(|signal| 128 + i64::from(signal));
            CallEnd::Exited(status.code().map_or(signal.unwrap_or(-1), i64::from))
        }
        Err(error) => CallEnd::Unknown(error.to_string()),
    }
}

async fn pump(pipe: Option<impl AsyncRead + Unpin>, stream: Stream, sink: &dyn Sink) {
    let Some(mut pipe) = pipe else {
        return;
    };
    let mut buffer = vec![0; CHUNK];
    // A pipe that cannot be read any more is at its end for us.
    while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
        sink.output(stream, buffer.get(..read).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests;

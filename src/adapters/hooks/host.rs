//! Commands on the host, such as hooks.
//!
//! Each runs in a session of its own without a terminal and with a small environment, below a keeper (`warden`). It
//! is over when the command itself has ended; what it left running then is killed, as after a timeout, when the
//! future is dropped, or when this process is killed. Output is handed on as it comes and never collected.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use crate::adapters::hooks::mark;
use crate::adapters::hooks::tree::{MARK, Tree};
use crate::adapters::hooks::warden::{self, ENDING, EXITED, HOOK, KEEP, REFUSED};
use crate::adapters::source_tree::ProjectFiles;
use crate::domain::config::load::SourceTree as _;
use crate::domain::event::Stream;
use crate::ports::hooks::{CallEnd, HostCall, HostHooks};
use crate::ports::sink::Sink;

/// Time between the asking signal and the killing one.
const GRACE: Duration = Duration::from_secs(2);
/// How long output is read after the command itself has ended, when something it left holds the pipe open.
const DRAIN: Duration = Duration::from_secs(2);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// How often it is looked for the keeper's end when nobody waits any more.
const DROPPED: u32 = 50;
/// Bytes read at once.
const CHUNK: usize = 16 << 10;
/// Variables that are passed through beside `LC_*`.
const PASSED: [&str; 8] = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "TERM", "TMPDIR", "SHELL",
];

/// Longest line of the keeper, in bytes.
const LINE: u64 = 4096;

/// Runs commands on this machine.
#[derive(Clone, Debug)]
pub struct SystemHooks {
    env: BTreeMap<String, String>,
    keeper: PathBuf,
}

impl SystemHooks {
    /// Takes the variables of this process, of which only an allow-list is passed on, and this very program, which
    /// is also the keeper of each command.
    #[must_use]
    pub fn new(process_env: &BTreeMap<String, String>, keeper: PathBuf) -> Self {
        let passed = |name: &str| PASSED.contains(&name) || name.starts_with("LC_");
        let mut env: BTreeMap<String, String> = process_env
            .iter()
            .filter(|(name, _)| passed(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        env.entry("PATH".to_owned()).or_insert_with(|| {
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()
        });
        Self { env, keeper }
    }

    fn start(&self, call: &HostCall) -> Result<Running, String> {
        let (program, arguments) = call.argv.split_first().ok_or("the command is empty")?;
        let path = self.find(program, call)?;
        unchanged(call)?;
        let mark = mark::draw()?;
        let plain = |error: std::io::Error| error.to_string();
        let (line, theirs) = std::os::unix::net::UnixStream::pair().map_err(plain)?;
        line.set_nonblocking(true).map_err(plain)?;
        let line = UnixStream::from_std(line).map_err(plain)?;
        let child = Command::new(&self.keeper)
            .args([HOOK, KEEP])
            .arg(&path)
            .args(arguments)
            .current_dir(&call.folder)
            .env_clear()
            .envs(&self.env)
            .envs(call.env.iter().map(|(name, value)| (name, value.expose())))
            .env(MARK, &mark)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(plain)?;
        let keeper = child.id().ok_or("it ended at once")?;
        Ok(Running {
            child,
            line: Some(line),
            tree: Tree::new(keeper, &mark),
            mark,
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

/// Refuses a command one of whose scripts is another than was approved.
fn unchanged(call: &HostCall) -> Result<(), String> {
    for (path, approved) in &call.scripts {
        let now = ProjectFiles::new().digest_file(&call.folder.join(path));
        if now.as_ref() != Some(approved) {
            let shown = path.display();
            return Err(format!(
                "`{shown}` is not the script this plan was made with; look at it and plan again"
            ));
        }
    }
    Ok(())
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// A command that was started; dropped before it is over, it is killed with everything it started.
struct Running {
    child: Child,
    /// To the keeper, which ends everything when it closes.
    line: Option<UnixStream>,
    tree: Tree,
    mark: String,
    over: bool,
}

impl Running {
    /// Waits for the keeper's word on how the command went.
    async fn report(&mut self) -> CallEnd {
        let mut said = String::new();
        if let Some(line) = &mut self.line {
            let mut line = BufReader::new(line.take(LINE));
            if let Err(error) = line.read_line(&mut said).await {
                return CallEnd::Unknown(error.to_string());
            }
        }
        let said = said.trim_end();
        if let Some(cause) = said.strip_prefix(REFUSED) {
            return CallEnd::NotStarted(cause.to_owned());
        }
        match said.strip_prefix(EXITED).map(str::parse) {
            Some(Ok(code)) => CallEnd::Exited(code),
            Some(Err(_)) | None => {
                CallEnd::Unknown("the process that stood behind it was killed".to_owned())
            }
        }
    }

    /// Ends what is left, and waits until it is.
    async fn end(&mut self) {
        self.line = None;
        let ended = tokio::time::timeout(ENDING + GRACE, self.child.wait()).await;
        if !ended.is_ok_and(|status| status.is_ok_and(|status| status.success())) {
            // The keeper itself was killed or stopped.
            self.tree.kill().await;
            warden::end_group(&self.mark);
            let _ = self.child.kill().await;
        }
        self.over = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        self.line = None;
        for _ in 0..DROPPED {
            if let Ok(Some(status)) = self.child.try_wait()
                && status.success()
            {
                return;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        self.tree.kill_now();
        warden::end_group(&self.mark);
        let _ = self.child.start_kill();
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
            end = running.report() => end,
            () = tokio::time::sleep(call.timeout) => CallEnd::TimedOut,
            () = &mut pumps => CallEnd::Unknown("its output ended".to_owned()),
        };
        if end == CallEnd::TimedOut {
            running.tree.signal(Signal::TERM);
            // A stopped process would not hear it.
            running.tree.signal(Signal::CONT);
            tokio::select! {
                biased;
                () = until(|| !running.tree.is_alive()) => {}
                () = tokio::time::sleep(GRACE) => {}
                () = &mut pumps => {}
            }
            running.line = None;
        }
        // What it left running may hold the pipes; what it wrote until now is still read.
        tokio::select! {
            biased;
            () = until(|| drained.get()) => {}
            () = tokio::time::sleep(DRAIN) => {}
            () = &mut pumps => {}
        }
        running.end().await;
        end
    }

    async fn sweep(&self) -> usize {
        mark::sweep()
    }
}

/// Looks again and again until it is so.
async fn until(so: impl Fn() -> bool) {
    while !so() {
        tokio::time::sleep(LOOK_AGAIN).await;
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

//! Talking to supervisors, and starting one.
//!
//! The socket lies in the instance's folder. Its path goes through `/proc/self/fd`, since a socket's address has
//! room for 107 bytes only and a project may lie deep. That somebody accepts proves that the supervisor lives.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::time::timeout;

use crate::adapters::providers::process::environment::Environment;
use crate::adapters::providers::process::files::{Reply, Request};
use crate::adapters::providers::process::folder::CONTROL;
use crate::adapters::providers::process::instances::Found;

/// Hidden subcommand of our own program.
pub const SUPERVISE: &str = "__supervise";
/// Longest reply.
const LONGEST: u64 = 64 << 10;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// Nobody supervises the instance.
    #[error("its supervisor is not there")]
    NotThere,
    /// It was refused.
    #[error("{0}")]
    Refused(String),
    /// The reply was lost.
    #[error("its supervisor did not answer: {0}")]
    Lost(String),
}

/// Opens a folder as the stem of a short path.
fn stem(folder: &Path) -> io::Result<(File, PathBuf)> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::DIRECTORY;
    let handle = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(folder)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/{CONTROL}", handle.as_raw_fd()));
    Ok((handle, path))
}

async fn connect(folder: &Path) -> io::Result<UnixStream> {
    let (_handle, path) = stem(folder)?;
    UnixStream::connect(path).await
}

/// Asks the supervisor of an instance and waits for its reply, at most `patience`.
pub(super) async fn ask(
    found: &Found,
    request: &Request,
    patience: Duration,
) -> Result<Reply, AskError> {
    let mut stream = connect(&found.folder)
        .await
        .map_err(|_| AskError::NotThere)?;
    let lost = |error: io::Error| AskError::Lost(error.to_string());
    let talk = async {
        let mut line = serde_json::to_vec(request).map_err(|error| lost(error.into()))?;
        line.push(b'\n');
        stream.write_all(&line).await.map_err(lost)?;
        let mut answer = String::new();
        let mut reader = BufReader::new(stream.take(LONGEST));
        reader.read_line(&mut answer).await.map_err(lost)?;
        if answer.is_empty() {
            return Err(AskError::Lost("it ended meanwhile".into()));
        }
        serde_json::from_str::<Reply>(&answer).map_err(|error| lost(error.into()))
    };
    let reply = timeout(patience, talk)
        .await
        .map_err(|_| AskError::Lost(format!("nothing within {} s", patience.as_secs())))??;
    match reply.error {
        None => Ok(reply),
        Some(error) => Err(AskError::Refused(error)),
    }
}

/// Starts a supervisor unless one is there. The secrets go into its environment and nowhere else.
pub(super) async fn ensure(
    program: &Path,
    found: &Found,
    environment: Option<&Environment>,
) -> io::Result<()> {
    // Two at once would fight over the socket's name.
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(found.folder.join(".lock"))?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)?;
    if connect(&found.folder).await.is_ok() {
        return Ok(());
    }
    let (_handle, path) = stem(&found.folder)?;
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = std::os::unix::net::UnixListener::bind(&path)?;
    let mut command = Command::new(program);
    command
        .arg0("nkapp")
        .arg(SUPERVISE)
        .arg(&found.folder)
        .env_clear()
        .envs(&found.spec.env)
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for (name, value) in environment.map_or(&[][..], |environment| &environment.secret) {
        command.env(name, value.expose());
    }
    // Not waited for: it outlives us. While we live the runtime collects it should it end first.
    command.spawn().map(drop)
}

//! Running one command beside an instance, to its end or its deadline, leaving no survivor past the deadline.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::{Instant, timeout_at};

use crate::adapters::providers::process::tree::{EXEC_MARKER, Nets};
use crate::domain::event::Stream;
use crate::ports::hooks::CallEnd;

/// Time output is still read after the command itself has ended.
const DRAIN: Duration = Duration::from_secs(2);

/// Kills what carries the mark when dropped before it was disarmed.
#[derive(Debug)]
struct Sweep<'a> {
    mark: &'a str,
    armed: bool,
}

impl Sweep<'_> {
    fn now(&self) {
        let nets = Nets {
            marker: (EXEC_MARKER, self.mark),
            root: None,
            cgroup: None,
        };
        // A fork between listing and killing is caught by the next round.
        for _ in 0..20 {
            if nets.signal(Signal::KILL) == 0 {
                return;
            }
        }
    }
}

impl Drop for Sweep<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.now();
        }
    }
}

/// Kills what carries the mark of a command that has ended.
pub(super) fn sweep(mark: &str) {
    Sweep { mark, armed: false }.now();
}

/// Runs `command` with the mark in its environment; `each` gets the output as it comes.
///
/// Dropping the future, or the deadline passing, kills everything that carries the mark.
pub(super) async fn run(
    mut command: Command,
    mark: &str,
    limit: Duration,
    mut each: impl FnMut(Stream, &[u8]),
) -> CallEnd {
    let deadline = Instant::now() + limit;
    command
        .env(EXEC_MARKER, mark)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return CallEnd::NotStarted(not_started(&command, &error)),
    };
    let mut sweep = Sweep { mark, armed: true };
    let mut out = child.stdout.take();
    let mut err = child.stderr.take();
    let (mut out_chunk, mut err_chunk) = (vec![0_u8; 8 << 10], vec![0_u8; 8 << 10]);
    let mut ended: Option<std::io::Result<std::process::ExitStatus>> = None;
    let mut until = deadline;
    loop {
        if ended.is_some() && out.is_none() && err.is_none() {
            break;
        }
        let step = async {
            tokio::select! {
                read = read_some(&mut out, &mut out_chunk) => Step::Read(Stream::Stdout, read),
                read = read_some(&mut err, &mut err_chunk) => Step::Read(Stream::Stderr, read),
                status = child.wait(), if ended.is_none() => Step::Ended(status),
            }
        };
        match timeout_at(until, step).await {
            Ok(Step::Read(stream, 0)) => match stream {
                Stream::Stdout => out = None,
                Stream::Stderr | Stream::Engine => err = None,
            },
            Ok(Step::Read(Stream::Stdout, count)) => {
                each(Stream::Stdout, out_chunk.get(..count).unwrap_or_default());
            }
            Ok(Step::Read(stream, count)) => {
                each(stream, err_chunk.get(..count).unwrap_or_default());
            }
            Ok(Step::Ended(status)) => {
                ended = Some(status);
                until = deadline.min(Instant::now() + DRAIN);
            }
            // Something it left behind still holds the output open; that is its own affair.
            Err(_) if ended.is_some() => break,
            Err(_) => {
                sweep.now();
                let _ = child.wait().await;
                sweep.armed = false;
                return CallEnd::TimedOut;
            }
        }
    }
    sweep.armed = false;
    match ended {
        Some(Ok(status)) => CallEnd::Exited(exit_code(status)),
        Some(Err(error)) => CallEnd::Unknown(error.to_string()),
        None => CallEnd::Unknown("its end was not seen".into()),
    }
}

enum Step {
    Read(Stream, usize),
    Ended(std::io::Result<std::process::ExitStatus>),
}

/// Reads once; a closed or broken pipe reads nothing, an absent one waits for ever.
async fn read_some<R: AsyncRead + Unpin>(pipe: &mut Option<R>, chunk: &mut [u8]) -> usize {
    match pipe {
        Some(pipe) => pipe.read(chunk).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

/// Says why a command could not be started.
pub(super) fn not_started(command: &Command, error: &std::io::Error) -> String {
    let command = command.as_std();
    let program = command.get_program().to_string_lossy();
    let folder = command.get_current_dir();
    match folder {
        Some(folder) if error.kind() == std::io::ErrorKind::NotFound && !folder.is_dir() => {
            format!(
                "cannot start `{program}`: folder {} is not there",
                folder.display()
            )
        }
        _ if error.kind() == std::io::ErrorKind::NotFound => {
            format!("cannot start `{program}`: no such program on this host")
        }
        _ => format!("cannot start `{program}`: {error}"),
    }
}

/// Returns the code of an end, 128 + signal when it was killed by one.
pub(super) fn exit_code(status: std::process::ExitStatus) -> i64 {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => i64::from(code),
        (None, Some(signal)) => 128 + i64::from(signal),
        (None, None) => 255,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sh(line: &str, limit: Duration) -> (CallEnd, String) {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]);
        let mut text = String::new();
        let mark = format!("test-{}-{}", std::process::id(), line.len());
        let end = run(command, &mark, limit, |stream, bytes| {
            text.push_str(stream.as_str());
            text.push(':');
            text.push_str(&String::from_utf8_lossy(bytes));
        })
        .await;
        (end, text)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn ends_and_output_are_told_apart() {
        let minute = Duration::from_secs(60);
        let (end, text) = sh("echo a; exit 3", minute).await;
        assert_eq!((end, text.as_str()), (CallEnd::Exited(3), "stdout:a\n"));
        let (end, text) = sh("echo b >&2; kill -9 $$", minute).await;
        assert_eq!((end, text.as_str()), (CallEnd::Exited(137), "stderr:b\n"));
        let missing = run(Command::new("/no/such"), "x", minute, |_, _| {}).await;
        assert!(matches!(missing, CallEnd::NotStarted(text) if text.contains("/no/such")));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_deadline_leaves_no_survivor_even_in_another_session() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("pid");
        let line = format!(
            "trap '' TERM; setsid sh -c 'echo $$ > {}; exec sleep 600' & sleep 600",
            file.display()
        );
        let (end, _) = sh(&line, Duration::from_millis(700)).await;
        assert_eq!(end, CallEnd::TimedOut);
        let pid: i32 = std::fs::read_to_string(&file)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        assert_eq!(
            crate::adapters::providers::process::identity::Stat::of(pid),
            None
        );
    }
}

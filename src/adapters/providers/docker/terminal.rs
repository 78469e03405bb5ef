//! Our keyboard and window size for an interactive command.
//!
//! While the command has a terminal of its own, ours hands every key over as it is, and is put back afterwards. The keyboard is read on a thread of its own: a blocked read must not
//! hold anything up, and it simply ends with the process.

use std::io::{IsTerminal as _, Read as _};
use std::pin::Pin;

use bollard::Docker;
use bollard::exec::ResizeExecOptions;
use bytes::Bytes;
use rustix::termios::{OptionalActions, Termios};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Tells whether our standard input is a terminal.
pub(super) fn is_attached() -> bool {
    std::io::stdin().is_terminal()
}

/// Writes what a command with our terminal wrote; who cannot see it can do nothing about it.
pub(super) fn show(bytes: &[u8]) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// Hands keys over until the input ends, and window sizes until dropped.
pub(super) async fn hand_over(
    docker: &Docker,
    exec: &str,
    mut input: Pin<Box<dyn AsyncWrite + Send>>,
    tty: bool,
) {
    let mut keys = keyboard();
    let mut resized = signal(SignalKind::window_change()).ok();
    let _raw = tty.then(Raw::set);
    if tty {
        resize(docker, exec).await;
    }
    loop {
        tokio::select! {
            key = keys.recv() => {
                let Some(bytes) = key else {
                    let _ = input.shutdown().await;
                    return;
                };
                if input.write_all(&bytes).await.is_err() || input.flush().await.is_err() {
                    return;
                }
            }
            () = changed(resized.as_mut()), if tty => resize(docker, exec).await,
        }
    }
}

/// Our terminal while it interprets nothing: the other end does. Dropping it puts everything back.
struct Raw(Option<Termios>);

impl Raw {
    fn set() -> Self {
        let before = rustix::termios::tcgetattr(std::io::stdin()).ok();
        if let Some(before) = &before {
            let mut raw = before.clone();
            raw.make_raw();
            // A terminal that cannot be set still carries lines.
            let _ = rustix::termios::tcsetattr(std::io::stdin(), OptionalActions::Flush, &raw);
        }
        Self(before)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = rustix::termios::tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}

async fn changed(resized: Option<&mut tokio::signal::unix::Signal>) {
    match resized {
        Some(resized) => {
            resized.recv().await;
        }
        None => std::future::pending().await,
    }
}

async fn resize(docker: &Docker, exec: &str) {
    let Ok(size) = rustix::termios::tcgetwinsize(std::io::stdin()) else {
        return;
    };
    let options = ResizeExecOptions {
        height: size.ws_row,
        width: size.ws_col,
    };
    // A window of the wrong size is better than no command.
    let _ = docker.resize_exec(exec, options).await;
}

fn keyboard() -> mpsc::Receiver<Bytes> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut buffer = [0_u8; 4096];
        while let Ok(read) = std::io::stdin().read(&mut buffer) {
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return;
            };
            if sender.blocking_send(Bytes::copy_from_slice(bytes)).is_err() {
                return;
            }
        }
    });
    receiver
}

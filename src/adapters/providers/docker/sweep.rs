//! Ending a command inside a container, with everything it started.
//!
//! Every command carries a random marker in its variables; a sweep inside the container kills every process that
//! inherited the marker, however far it forked away. Without `/bin/sh`, `tr` and `grep` in the image nothing can
//! be swept; the container's own end is then the command's.

use std::time::Duration;

use bollard::Docker;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::StreamExt as _;

use crate::domain::ids::ProviderId;

/// Variable that marks a command and everything it starts.
pub(super) const MARKER: &str = "NK_EXEC";
/// Deadline of the commands we run for ourselves.
pub(super) const QUIET: Duration = Duration::from_secs(20);

/// Kills all processes with the marker `$1`, again until none is left: a fork may slip through a first round.
const SWEEP: &str = "for round in 1 2 3 4 5; do found=; for p in /proc/[0-9]*; do \
    if tr '\\0' '\\n' <$p/environ 2>/dev/null | grep -qx \"NK_EXEC=$1\"; then kill -9 ${p#/proc/} 2>/dev/null; found=1; fi; \
    done; [ -n \"$found\" ] || exit 0; done";

/// Kills a command with everything it started; also when whoever waited for it gives up.
pub(super) struct Sweeper {
    docker: Docker,
    container: String,
    marker: String,
    users: Vec<Option<String>>,
    armed: bool,
}

impl Sweeper {
    /// Takes charge of a command.
    pub(super) fn arm(
        docker: &Docker,
        container: &ProviderId,
        marker: &str,
        user: Option<&str>,
    ) -> Self {
        // Root may not read the variables of other users' processes in a container, so the command's own user
        // looks first.
        let users = vec![user.map(str::to_owned), Some("0".to_owned())];
        Self {
            docker: docker.clone(),
            container: container.0.clone(),
            marker: marker.to_owned(),
            users,
            armed: true,
        }
    }
    /// The command ended by itself.
    pub(super) fn disarm(&mut self) {
        self.armed = false;
    }
    /// Kills what the command left running as its own user.
    pub(super) async fn sweep_own(&mut self) {
        let own = self.users.get(..1).unwrap_or_default();
        sweep(&self.docker, &self.container, &self.marker, own).await;
    }
    /// Kills it now.
    pub(super) async fn sweep(&mut self) {
        self.armed = false;
        sweep(&self.docker, &self.container, &self.marker, &self.users).await;
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let docker = self.docker.clone();
            let container = std::mem::take(&mut self.container);
            let marker = std::mem::take(&mut self.marker);
            let users = std::mem::take(&mut self.users);
            runtime.spawn(async move { sweep(&docker, &container, &marker, &users).await });
        }
    }
}

async fn sweep(docker: &Docker, container: &str, marker: &str, users: &[Option<String>]) {
    for user in users {
        let options = CreateExecOptions {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(
                ["/bin/sh", "-c", SWEEP, "nk-sweep", marker]
                    .map(str::to_owned)
                    .to_vec(),
            ),
            user: user.clone(),
            ..CreateExecOptions::default()
        };
        let swept = tokio::time::timeout(QUIET, async {
            let Ok(created) = docker.create_exec(container, options).await else {
                return;
            };
            let started = docker
                .start_exec(&created.id, None::<StartExecOptions>)
                .await;
            if let Ok(StartExecResults::Attached { mut output, .. }) = started {
                while output.next().await.is_some() {}
            }
        });
        if swept.await.is_err() {
            tracing::warn!(container, "sweeping a command did not end within 20 s");
        }
    }
}

/// Draws a marker nobody else has.
pub(super) fn marker() -> String {
    use std::fmt::Write as _;
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without randomness a time still tells commands of one process apart.
        bytes = jiff::Timestamp::now().as_nanosecond().to_le_bytes();
    }
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

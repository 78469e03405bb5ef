//! Ending a command inside a container, with everything it started.
//!
//! Every command carries a random marker in its variables, and a shell's command also a random limit on file locks,
//! which no kernel has looked at for twenty years: a limit goes along where the variables are cleared. A sweep inside the
//! container kills every process that inherited one of both, however far it forked away; a child of the service has
//! neither. Without `/bin/sh`, `tr` and `grep` in the image nothing can
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

/// Sets the limit `LIMIT`, called `-w` by most shells and `-x` by bash, and becomes the command.
const MARKED: &str =
    "ulimit -S -w LIMIT 2>/dev/null || ulimit -S -x LIMIT 2>/dev/null; exec \"$0\" \"$@\"";
/// The shell in which a command is marked.
const SHELL: &str = "/bin/sh";

/// Kills all processes with the marker `$1` or the limit `$2`, again until none is left: a fork may slip through a first round.
const SWEEP: &str = "for round in 1 2 3 4 5; do found=; for p in /proc/[0-9]*; do \
    if tr '\\0' '\\n' <$p/environ 2>/dev/null | grep -qx \"NK_EXEC=$1\" || \
    grep -q \"^Max file locks  *$2 \" $p/limits 2>/dev/null; then kill -9 ${p#/proc/} 2>/dev/null; found=1; fi; \
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
                [SHELL, "-c", SWEEP, "nk-sweep", marker, &limit(marker)]
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

/// Marks a shell's command by a limit too; whether another image has a shell is not known.
pub(super) fn marked(argv: &[String], marker: &str) -> Vec<String> {
    if marker.is_empty() || argv.first().is_none_or(|word| word != SHELL) {
        return argv.to_vec();
    }
    let script = MARKED.replace("LIMIT", &limit(marker));
    let mut all = vec![SHELL.to_owned(), "-c".to_owned(), script];
    all.extend(argv.iter().cloned());
    all
}

/// The limit that belongs to a marker: a number nobody sets by chance, and every shell can read.
fn limit(marker: &str) -> String {
    const LEAST: u32 = 1 << 28;
    let digits = marker.get(..7).unwrap_or_default();
    let number = u32::from_str_radix(digits, 16).unwrap_or_default();
    (LEAST + number).to_string()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shells_command_is_marked_by_a_limit_and_nothing_else_is_touched() {
        let words = |list: &[&str]| {
            list.iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        let shell = words(&["/bin/sh", "-c", "echo $0"]);
        let all = marked(&shell, "00000ffabc");
        assert_eq!(all.get(3..), Some(shell.as_slice()));
        assert!(all[2].starts_with("ulimit -S -w 268435711 "), "{all:?}");
        assert_eq!(marked(&shell, ""), shell);
        let other = words(&["/app/tool", "-c"]);
        assert_eq!(marked(&other, "00000ffabc"), other);
        assert_ne!(limit(&marker()), limit(&marker()));
    }
}

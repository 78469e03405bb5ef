//! Commands inside a running container.
//!
//! The engine cannot kill a command it started, and dropping the stream leaves it running; `sweep` ends those
//! whose time is over or for which nobody waits any more. A stream that breaks says nothing about its command:
//! that is followed by its id to its end. The engine starts an id once and never again, so a start whose reply was
//! lost may be asked for a second time; a command that may have run is never made anew.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::StreamExt as _;
use tokio::time::Instant;

use crate::adapters::providers::docker::fault::{CHANGE, Cause, Fault, READ, call};
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::adapters::providers::docker::sweep::{MARKER, QUIET, Sweeper, marked, marker};
use crate::adapters::providers::docker::{model, terminal};
use crate::domain::event::Stream;
use crate::domain::ids::ProviderId;
use crate::domain::live::Status;
use crate::ports::hooks::CallEnd;
use crate::ports::provider::{ExecCall, InstanceRef};
use crate::ports::sink::{NoSink, Sink};

/// How often the end of a command is asked for after its output ended.
const ENDING: Duration = Duration::from_millis(50);
/// Longest pause between two such questions.
const SELDOM: Duration = Duration::from_secs(1);
/// How long the engine may be away, restarting, while a command is followed.
const AWAY: Duration = Duration::from_secs(20);
/// Exit code of a command that was killed.
const KILLED: i64 = 137;
/// How long a container may take to go down after its commands were killed.
const GOING_DOWN: Duration = Duration::from_secs(1);
/// Output kept for an explanation of a command that could not be started.
const HEAD: usize = 512;

/// How one command went.
enum End {
    /// Its stream ended.
    Closed,
    /// Its time was over.
    Late,
    /// The stream broke.
    Broken(String),
}

/// What the engine says about a command whose stream is over.
enum Found {
    /// It ended.
    Ended(i64),
    /// It was made and never started.
    NeverBegan,
    /// It still runs, and its time is over.
    Late,
    /// The engine does not know it any more: it was started anew itself, or the container is gone.
    Forgotten,
    /// The engine did not answer for too long.
    Away(String),
}

impl DockerProvider {
    /// Runs a command to its end.
    pub(super) async fn run_inside(
        &self,
        target: &InstanceRef,
        wanted: &ExecCall,
        sink: &dyn Sink,
    ) -> CallEnd {
        let marker = marker();
        let id = match self.prepare(&target.id, wanted, &marker).await {
            Ok(id) => id,
            Err(fault) => return self.not_started(target, &fault).await,
        };
        let mut sweeper = Sweeper::arm(&self.docker, &target.id, &marker, wanted.user.as_deref());
        let began = Instant::now();
        let deadline = began + wanted.timeout;
        let mut begun_again = false;
        loop {
            let talk = self.converse(&id, wanted, sink);
            let (end, head) = match tokio::time::timeout_at(deadline, talk).await {
                Ok(Ok(ended)) => ended,
                Ok(Err(fault)) => match fault.cause {
                    Cause::Lost(why) => (End::Broken(why), Vec::new()),
                    // Asked a second time, the engine refuses what it has started after all.
                    Cause::Answer { message, .. } if begun_again => {
                        (End::Broken(message), Vec::new())
                    }
                    Cause::Answer { .. } | Cause::Refused(_) | Cause::NotSent(_) => {
                        sweeper.disarm();
                        return self.not_started(target, &fault).await;
                    }
                },
                Err(_) => (End::Late, Vec::new()),
            };
            let found = match end {
                End::Late => Found::Late,
                End::Closed | End::Broken(_) => self.end_of(&id, deadline).await,
            };
            if let (End::Broken(why), Found::Ended(_) | Found::Late) = (&end, &found) {
                let text = format!("the connection broke, further output is lost: {why}\n");
                sink.output(Stream::Engine, text.as_bytes());
            }
            return match found {
                Found::Ended(code) => {
                    if wanted.ends_orphans {
                        sweeper.sweep_own().await;
                    }
                    sweeper.disarm();
                    self.judge(target, began, code, &head, sink).await
                }
                Found::NeverBegan if !begun_again => {
                    begun_again = true;
                    continue;
                }
                Found::Late => {
                    sweeper.sweep().await;
                    CallEnd::TimedOut
                }
                Found::NeverBegan => CallEnd::NotStarted("the engine did not start it".to_owned()),
                Found::Forgotten => match self.gone(target).await {
                    Some(why) => {
                        sweeper.disarm();
                        CallEnd::InstanceGone(why)
                    }
                    // The engine was started anew beneath a running container: nobody will ever hear of its end.
                    None => {
                        sweeper.sweep().await;
                        CallEnd::Unknown(
                            "the engine does not know it any more; what was left of it was ended"
                                .to_owned(),
                        )
                    }
                },
                Found::Away(why) => CallEnd::Unknown(why),
            };
        }
    }

    /// Runs a command of ours and returns its exit code and output.
    pub(super) async fn run_quietly(
        &self,
        container: &ProviderId,
        argv: Vec<String>,
        user: Option<&str>,
    ) -> Result<(i64, String), Fault> {
        let wanted = ExecCall {
            argv,
            env: Vec::new(),
            user: user.map(str::to_owned),
            folder: None,
            timeout: QUIET,
            interactive: false,
            ends_orphans: false,
        };
        let id = self.prepare(container, &wanted, "").await?;
        let lost = |why: &str| Fault {
            call: "run in",
            subject: container.to_string(),
            cause: Cause::Lost(why.to_owned()),
        };
        let (end, output) = tokio::time::timeout(QUIET, self.converse(&id, &wanted, &NoSink))
            .await
            .map_err(|_| lost("no end within 20 s"))??;
        if let End::Broken(why) = end {
            return Err(lost(&why));
        }
        match self.end_of(&id, Instant::now() + QUIET).await {
            Found::Ended(code) => Ok((code, String::from_utf8_lossy(&output).into_owned())),
            Found::Away(why) => Err(lost(&why)),
            Found::NeverBegan | Found::Late | Found::Forgotten => {
                Err(lost("the exit code is not known"))
            }
        }
    }

    async fn prepare(
        &self,
        container: &ProviderId,
        wanted: &ExecCall,
        marker: &str,
    ) -> Result<String, Fault> {
        let tty = wanted.interactive && terminal::is_attached();
        let mut env: Vec<String> = wanted
            .env
            .iter()
            .map(|(name, value)| format!("{name}={}", value.expose()))
            .collect();
        if !marker.is_empty() {
            env.push(format!("{MARKER}={marker}"));
        }
        let options = CreateExecOptions {
            attach_stdin: Some(wanted.interactive),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(tty),
            env: Some(env),
            cmd: Some(if wanted.interactive {
                wanted.argv.clone()
            } else {
                marked(&wanted.argv, marker)
            }),
            user: wanted.user.clone(),
            working_dir: wanted.folder.clone(),
            ..CreateExecOptions::default()
        };
        let make = || {
            call(
                "run in",
                container.as_str(),
                CHANGE,
                self.docker.create_exec(container.as_str(), options.clone()),
            )
        };
        let made = match make().await {
            // A command that is made and not started does nothing, so a second one does no harm.
            Err(fault) if matches!(fault.cause, Cause::Lost(_)) => make().await,
            made => made,
        };
        made.map(|created| created.id)
    }

    /// Starts the command and hands its output on until the stream ends.
    async fn converse(
        &self,
        id: &str,
        wanted: &ExecCall,
        sink: &dyn Sink,
    ) -> Result<(End, Vec<u8>), Fault> {
        let tty = wanted.interactive && terminal::is_attached();
        let options = StartExecOptions {
            detach: false,
            tty,
            output_capacity: Some(64 * 1024),
        };
        let started = call(
            "run in",
            id,
            CHANGE,
            self.docker.start_exec(id, Some(options)),
        )
        .await?;
        let StartExecResults::Attached { mut output, input } = started else {
            return Ok((End::Closed, Vec::new()));
        };
        let keyboard = async {
            if wanted.interactive {
                terminal::hand_over(&self.docker, id, input, tty).await;
            } else {
                drop(input);
            }
            // The command decides when it ends, not the keyboard.
            std::future::pending::<()>().await;
        };
        let mut head = Vec::new();
        let printed = async {
            while let Some(item) = output.next().await {
                match item {
                    Ok(item) => {
                        let (stream, bytes) = split(&item);
                        let room = HEAD.saturating_sub(head.len()).min(bytes.len());
                        head.extend(bytes.iter().take(room));
                        if tty {
                            // The command has our terminal: what it writes is for that, byte by byte.
                            terminal::show(bytes);
                        } else {
                            sink.output(stream, bytes);
                        }
                    }
                    Err(error) => return End::Broken(error.to_string()),
                }
            }
            End::Closed
        };
        let end = tokio::select! {
            biased;
            end = printed => end,
            () = keyboard => End::Closed,
        };
        Ok((end, head))
    }

    /// Follows a command by its id until the engine knows its end.
    async fn end_of(&self, id: &str, deadline: Instant) -> Found {
        let mut pause = ENDING;
        let mut heard = Instant::now();
        loop {
            let asked = tokio::time::timeout_at(
                deadline.max(heard + AWAY),
                call("inspect command", id, READ, self.docker.inspect_exec(id)),
            );
            match asked.await {
                Ok(Ok(found)) => match (found.running, found.exit_code) {
                    (Some(true), _) => heard = Instant::now(),
                    (_, Some(code)) => return Found::Ended(code),
                    (_, None) => return Found::NeverBegan,
                },
                Ok(Err(fault)) if fault.is_missing() => return Found::Forgotten,
                Ok(Err(fault)) if heard.elapsed() >= AWAY => {
                    return Found::Away(fault.message().to_owned());
                }
                Ok(Err(_)) => {}
                Err(_) => return Found::Away("the engine does not answer".to_owned()),
            }
            if Instant::now() >= deadline {
                return Found::Late;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SELDOM);
        }
    }

    /// A command that was killed may have been killed with its container.
    async fn judge(
        &self,
        target: &InstanceRef,
        began: Instant,
        code: i64,
        head: &[u8],
        sink: &dyn Sink,
    ) -> CallEnd {
        if matches!(code, 126 | 127) && head.starts_with(b"OCI runtime exec failed") {
            return CallEnd::NotStarted(String::from_utf8_lossy(head).trim().to_owned());
        }
        if code < 128 {
            return CallEnd::Exited(code);
        }
        // A container going down kills its commands before it counts as ended.
        let deadline = Instant::now() + GOING_DOWN;
        loop {
            if let Some(why) = self.gone(target).await {
                return CallEnd::InstanceGone(why);
            }
            if code != KILLED || Instant::now() >= deadline {
                break;
            }
            tokio::time::sleep(ENDING).await;
        }
        let starved = self.seen.open().starved.get(&target.id.0).copied();
        if starved.is_some_and(|at| at >= began) {
            sink.output(Stream::Engine, b"killed for want of memory\n");
        }
        CallEnd::Exited(code)
    }

    async fn not_started(&self, target: &InstanceRef, fault: &Fault) -> CallEnd {
        match &fault.cause {
            Cause::Lost(why) => CallEnd::Unknown(why.clone()),
            Cause::Answer {
                status: 404 | 409, ..
            } => match self.gone(target).await {
                Some(why) => CallEnd::InstanceGone(why),
                None => CallEnd::NotStarted(fault.message().to_owned()),
            },
            Cause::Answer { .. } | Cause::Refused(_) | Cause::NotSent(_) => {
                CallEnd::NotStarted(fault.message().to_owned())
            }
        }
    }

    /// Says why a container does not run any more; `None` when it runs, or nobody knows.
    async fn gone(&self, target: &InstanceRef) -> Option<String> {
        match self.inspect(target.id.as_str()).await {
            Ok(found) => {
                let state = found.state.unwrap_or_default();
                let code = state.exit_code.unwrap_or(0);
                match model::status(&state) {
                    Status::Running => None,
                    Status::Paused => Some("it is paused".to_owned()),
                    _ if state.oom_killed == Some(true) => Some(format!(
                        "it was killed for want of memory (exit code {code})"
                    )),
                    Status::Created => Some("it was never started".to_owned()),
                    Status::Restarting | Status::Exited(_) | Status::Dead => {
                        Some(format!("it ended with exit code {code}"))
                    }
                }
            }
            Err(fault) if fault.is_missing() => Some("it was removed".to_owned()),
            Err(_) => None,
        }
    }
}

/// Tells the stream of a piece of output.
pub(super) fn split(item: &LogOutput) -> (Stream, &[u8]) {
    match item {
        LogOutput::StdErr { message } => (Stream::Stderr, message),
        LogOutput::StdOut { message }
        | LogOutput::StdIn { message }
        | LogOutput::Console { message } => (Stream::Stdout, message),
    }
}

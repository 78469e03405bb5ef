//! A command beside a running instance: the same environment, folder and mark.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::adapters::providers::process::call;
use crate::adapters::providers::process::environment::host_folder;
use crate::adapters::providers::process::files::State;
use crate::adapters::providers::process::folder::Places;
use crate::adapters::providers::process::instances::Found;
use crate::adapters::providers::process::tree::{EXEC_MARKER, MARKER};
use crate::domain::live::Status;
use crate::ports::hooks::CallEnd;
use crate::ports::provider::ExecCall;
use crate::ports::sink::Sink;

/// Runs the command to its end. It dies with the instance, since it carries its mark.
pub(super) async fn run(
    places: &Places,
    found: &mut Found,
    mark: &str,
    call: &ExecCall,
    sink: &dyn Sink,
) -> CallEnd {
    if found.standing() != Status::Running {
        return CallEnd::InstanceGone(format!("{} does not run", found.name));
    }
    let Some(command) = command(places, found, call) else {
        return CallEnd::NotStarted("no command was given".into());
    };
    let end = if call.interactive {
        interactive(command, mark, call).await
    } else {
        call::run(command, mark, call.timeout, |stream, bytes| {
            sink.output(stream, bytes);
        })
        .await
    };
    if call.ends_orphans {
        call::sweep(mark);
    }
    if matches!(end, CallEnd::Exited(137 | 143)) {
        // What ends an instance signals this command too, maybe before the main one, and writes the code down last.
        for _ in 0..50 {
            found.refresh();
            if found.status.state != State::Running {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        if found.standing() != Status::Running {
            let code = found.status.exit_code.unwrap_or(255);
            let name = &found.name;
            return CallEnd::InstanceGone(format!("{name} ended with exit code {code}"));
        }
    }
    end
}

fn command(places: &Places, found: &Found, call: &ExecCall) -> Option<Command> {
    let (program, arguments) = call.argv.split_first()?;
    let folder = match &call.folder {
        Some(inside) => host_folder(Some(inside), &found.spec.mounts, &places.root),
        None => found.spec.folder.clone(),
    };
    let plain: &BTreeMap<String, String> = &found.spec.env;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(plain)
        .envs(found.secrets())
        .envs(call.env.iter().map(|(name, value)| (name, value.expose())))
        .env(MARKER, &found.spec.id);
    Some(command)
}

/// Hands our terminal through; the command stays in our process group so that it may read from it.
async fn interactive(mut command: Command, mark: &str, call: &ExecCall) -> CallEnd {
    command
        .env(EXEC_MARKER, mark)
        .stdin(Stdio::inherit())
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    if let Ok(term) = std::env::var("TERM") {
        command.env("TERM", term);
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return CallEnd::NotStarted(call::not_started(&command, &error)),
    };
    match timeout(call.timeout, child.wait()).await {
        Ok(Ok(status)) => CallEnd::Exited(call::exit_code(status)),
        Ok(Err(error)) => CallEnd::Unknown(error.to_string()),
        Err(_) => {
            let _ = child.kill().await;
            CallEnd::TimedOut
        }
    }
}

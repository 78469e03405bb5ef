//! Starting the main command: its output to the log, its end and its health to the life.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::rc::Rc;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::adapters::providers::process::files::Spec;
use crate::adapters::providers::process::identity::{ProcessId, of_child};
use crate::adapters::providers::process::log::LogWriter;
use crate::adapters::providers::process::supervisor::checker;
use crate::adapters::providers::process::supervisor::life::News;
use crate::adapters::providers::process::tree::MARKER;
use crate::adapters::providers::process::{call, cgroup};
use crate::domain::event::Stream;

/// The main process while it runs.
pub(super) struct Main {
    pub(super) process: ProcessId,
    pub(super) since: Instant,
    pub(super) tasks: Vec<JoinHandle<()>>,
    pub(super) checker: Option<JoinHandle<()>>,
}

/// Starts the main command of an instance, in its control group where it has one.
///
/// Its output goes to the log, its end and the findings of its health check to `news`.
pub(super) fn spawn(
    spec: &Spec,
    group: Option<&Path>,
    log: &Rc<RefCell<LogWriter>>,
    news: &mpsc::Sender<News>,
) -> Result<Main, String> {
    check_program(spec)?;
    let argv = match group {
        Some(group) => cgroup::inside(group, &spec.argv),
        None => spec.argv.clone(),
    };
    let (program, arguments) = argv.split_first().ok_or("it has no command")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(&spec.folder)
        .env(MARKER, &spec.id)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = command
        .spawn()
        .map_err(|error| call::not_started(&command, &error))?;
    let mut tasks = Vec::new();
    if let Some(out) = child.stdout.take() {
        tasks.push(pump(out, Stream::Stdout, Rc::clone(log)));
    }
    if let Some(err) = child.stderr.take() {
        tasks.push(pump(err, Stream::Stderr, Rc::clone(log)));
    }
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    // A child that ended at once is still a zombie with its start time: only its own wait collects it.
    let process = pid
        .and_then(of_child)
        .ok_or("it ended before it was seen")?;
    let ends = news.clone();
    tokio::task::spawn_local(async move {
        let code = child.wait().await.map_or(255, call::exit_code);
        let _ = ends.send(News::Ended(code)).await;
    });
    let checker = spec.health.clone().map(|check| {
        tokio::task::spawn_local(checker::check(
            check,
            spec.id.clone(),
            spec.folder.clone(),
            news.clone(),
        ))
    });
    Ok(Main {
        process,
        since: Instant::now(),
        tasks,
        checker,
    })
}

/// Finds out before the start what a shell could only say after it.
fn check_program(spec: &Spec) -> Result<(), String> {
    if !spec.folder.is_dir() {
        return Err(format!("folder {} is not there", spec.folder.display()));
    }
    let program = spec.argv.first().ok_or("it has no command")?;
    let candidates: Vec<PathBuf> = if program.contains('/') {
        vec![spec.folder.join(program)]
    } else {
        let path = spec.env.get("PATH").map_or("/usr/bin:/bin", String::as_str);
        std::env::split_paths(path)
            .map(|folder| spec.folder.join(folder).join(program))
            .collect()
    };
    let runs = |path: &PathBuf| {
        path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
    };
    if candidates.iter().any(runs) {
        Ok(())
    } else if candidates.iter().any(|path| path.is_file()) {
        Err(format!("cannot start `{program}`: it is not executable"))
    } else {
        Err(format!(
            "cannot start `{program}`: no such program on this host"
        ))
    }
}

fn pump<R: AsyncRead + Unpin + 'static>(
    mut pipe: R,
    stream: Stream,
    log: Rc<RefCell<LogWriter>>,
) -> JoinHandle<()> {
    tokio::task::spawn_local(async move {
        let mut chunk = vec![0_u8; 16 << 10];
        while let Ok(count) = pipe.read(&mut chunk).await {
            if count == 0 {
                return;
            }
            // A full disk must not stop the instance; the output of that time is lost.
            let _ = log
                .borrow_mut()
                .take(stream, chunk.get(..count).unwrap_or_default());
        }
    })
}

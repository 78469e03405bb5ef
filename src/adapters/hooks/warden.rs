//! The process that stands behind one hook: `nkapp __hook keep PROGRAM …`, and the hook's own first moments.
//!
//! It is the same binary, with a socket to the engine as its standard input. It takes in orphans, so whatever the
//! hook starts stays below it, also a child that left its session, its parents and its environment. When the
//! socket closes, because the engine is done or because it was killed, it ends everything and then itself. The
//! kernel's answer that no child is left is the proof.
//!
//! The hook begins as `nkapp __hook lead GROUP PROGRAM …`: it leads a session of its own, enters its control group,
//! asks the kernel to be killed with its keeper, and turns into the program.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use crate::adapters::hooks::tree::{MARK, Tree};
use crate::adapters::private;
use crate::adapters::providers::process::cgroup;

/// Hidden subcommand of our own program.
pub const HOOK: &str = "__hook";
/// Its two parts.
pub(super) const KEEP: &str = "keep";
const LEAD: &str = "lead";
/// Words of the one line that tells how the hook went.
pub(super) const EXITED: &str = "exited ";
pub(super) const REFUSED: &str = "refused ";
/// How often ended orphans are collected.
const ROUND: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};
/// Pause between two rounds of killing.
const AGAIN: Duration = Duration::from_millis(2);
/// How long killing may take.
pub(super) const ENDING: Duration = Duration::from_secs(10);

/// Does one part, as the arguments after the subcommand say; returns the exit code.
#[must_use]
pub fn stand(arguments: &[OsString]) -> i32 {
    match arguments.split_first() {
        Some((part, command)) if part == KEEP && !command.is_empty() => {
            i32::from(keep(command).is_err())
        }
        Some((part, rest)) if part == LEAD => match rest.split_first() {
            Some((group, command)) => lead(group, command),
            None => 2,
        },
        Some(_) | None => 2,
    }
}

fn keep(command: &[OsString]) -> io::Result<()> {
    // Fails only for a group leader, which a freshly started child never is.
    let _ = rustix::process::setsid();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    private::withhold();
    let mut line = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mark = std::env::var_os(MARK).unwrap_or_default();
    let mark = mark.to_string_lossy();
    let group = cgroup::bare(&group_name(&mark));
    let tree = Tree::new(std::process::id(), &mark);
    let leader = match start(command, group.as_deref()) {
        Ok(leader) => leader,
        Err(cause) => {
            let _ = writeln!(line, "{REFUSED}{}", cause.replace('\n', " "));
            end(&tree, group.as_deref());
            return Ok(());
        }
    };
    // Our ends of the hook's pipes would keep its reader waiting.
    let nothing = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    let watched = rustix::process::pidfd_open(leader, rustix::process::PidfdFlags::empty());
    let mut watched: Option<OwnedFd> = watched.ok();
    loop {
        let mut waits = vec![PollFd::new(&line, PollFlags::IN)];
        waits.extend(watched.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
        // Interrupted or late: the round is made in any case.
        let _ = poll(&mut waits, Some(&ROUND));
        let closed = waits.first().is_some_and(|wait| !wait.revents().is_empty());
        if closed {
            break;
        }
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if pid == leader {
                watched = None;
                let _ = writeln!(line, "{EXITED}{}", code(status));
            }
        }
    }
    end(&tree, group.as_deref());
    Ok(())
}

/// Starts the hook; the error says why it did not become the program.
fn start(command: &[OsString], group: Option<&Path>) -> Result<Pid, String> {
    let plain = |error: io::Error| error.to_string();
    let (mut report, theirs) = UnixStream::pair().map_err(plain)?;
    let program = std::env::current_exe().map_err(plain)?;
    let child = Command::new(program)
        .args([HOOK, LEAD])
        .arg(group.unwrap_or(Path::new("")))
        .args(command)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()
        .map_err(plain)?;
    let mut cause = String::new();
    // Ends when the hook has become its program, which closes the other end.
    report.read_to_string(&mut cause).map_err(plain)?;
    if cause.is_empty() {
        Ok(Pid::from_child(&child))
    } else {
        Err(cause)
    }
}

/// Becomes the hook's program.
fn lead(group: &OsStr, command: &[OsString]) -> i32 {
    let Some((program, arguments)) = command.split_first() else {
        return 2;
    };
    let Ok(report) = io::stdin().as_fd().try_clone_to_owned() else {
        return 126;
    };
    let mut report = UnixStream::from(report);
    let nothing = File::open("/dev/null").and_then(|nothing| {
        rustix::stdio::dup2_stdin(&nothing)?;
        Ok(())
    });
    let _ = rustix::process::setsid();
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    // The keeper may have been killed before that: then nobody waits for us.
    let orphaned = report.set_nonblocking(true).is_err() || matches!(report.read(&mut [0]), Ok(0));
    if orphaned {
        return 126;
    }
    if !group.is_empty() {
        // Without the group descent and mark still tell whose we are.
        let _ = std::fs::write(Path::new(group).join("cgroup.procs"), "0");
    }
    let error = match nothing {
        Ok(()) => Command::new(program).args(arguments).exec(),
        Err(error) => error,
    };
    let _ = write!(report, "{error}");
    126
}

/// Kills everything below us until the kernel knows no child of ours.
fn end(tree: &Tree, group: Option<&Path>) {
    let until = Instant::now() + ENDING;
    loop {
        if let Some(group) = group {
            let _ = std::fs::write(group.join("cgroup.kill"), "1");
        }
        tree.freeze();
        let seen = tree.signal(Signal::KILL);
        let none_left = loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        if none_left && seen == 0 || Instant::now() >= until {
            break;
        }
        std::thread::sleep(AGAIN);
    }
    if let Some(group) = group {
        cgroup::remove(group);
    }
}

fn code(status: WaitStatus) -> i32 {
    let signal = status.terminating_signal().map(|signal| 128 + signal);
    status.exit_status().or(signal).unwrap_or(-1)
}

/// Returns the name of a hook's control group.
pub(super) fn group_name(mark: &str) -> String {
    format!("hook-{mark}")
}

/// Returns the control groups of hooks, each with its mark.
pub(super) fn groups() -> Vec<(String, PathBuf)> {
    cgroup::named("hook-")
}

/// Ends the group of a hook whose keeper cannot do it any more.
pub(super) fn end_group(mark: &str) {
    for (of, group) in groups() {
        if of == mark {
            let _ = std::fs::write(group.join("cgroup.kill"), "1");
            cgroup::remove(&group);
        }
    }
}

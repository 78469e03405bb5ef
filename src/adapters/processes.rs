//! Who we are, and whether somebody else can still be alive, from `/proc`.
//!
//! Nobody is ever signalled. A process is named by boot, pid namespace, pid and start time; pids alone are
//! used again. Whatever cannot be read is unknown, never gone.

use std::fs;
use std::io;

use rustix::process::{Pid, PidfdFlags};
use sha2::{Digest as _, Sha256};

use crate::domain::lease::{Holder, ProcessProof};
use crate::formats::text::hex;
use crate::ports::process::Processes;

/// Processes of this machine.
#[derive(Clone, Debug)]
pub struct SystemProcesses {
    me: Holder,
}

impl SystemProcesses {
    /// Describes this process. `user` is the login name for display (`USER`, `LOGNAME`); without it
    /// the name of the user id is looked up.
    #[must_use]
    pub fn new(user: Option<String>) -> Self {
        let pid = std::process::id();
        let start = stat(pid).ok().flatten().map_or(0, |stat| stat.start);
        let user = user.filter(|user| !user.is_empty());
        let me = Holder {
            user: user.unwrap_or_else(|| login_name(rustix::process::getuid().as_raw())),
            host: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            machine: machine(),
            boot_id: boot_id(),
            pid,
            pid_start: start,
            pid_ns: namespace("pid"),
            time_ns: namespace("time"),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Self { me }
    }
}

impl Processes for SystemProcesses {
    fn me(&self) -> Holder {
        self.me.clone()
    }

    fn proof(&self, holder: &Holder) -> ProcessProof {
        let me = &self.me;
        if holder.boot_id.is_empty() || me.boot_id.is_empty() {
            return ProcessProof::Unknown;
        }
        if holder.boot_id != me.boot_id {
            // Cloned machines share a machine id, so the name has to agree too before a reboot is believed.
            let same =
                !me.machine.is_empty() && holder.machine == me.machine && holder.host == me.host;
            return if same {
                ProcessProof::Gone
            } else {
                ProcessProof::Unknown
            };
        }
        if holder.pid_ns.is_empty() || holder.pid_ns != me.pid_ns || holder.pid_start == 0 {
            return ProcessProof::Unknown;
        }
        // Seen from another time namespace the same process has another start time. Earlier versions say of none.
        let same_time = holder.time_ns.is_empty() || holder.time_ns == me.time_ns;
        match stat(holder.pid) {
            Ok(Some(stat)) if stat.ended => ProcessProof::Gone,
            Ok(Some(_)) if !same_time => ProcessProof::Unknown,
            Ok(Some(stat)) if stat.start != holder.pid_start => ProcessProof::Gone,
            Ok(Some(stat)) if stat.stopped => ProcessProof::Stopped,
            Ok(Some(_)) => ProcessProof::Alive,
            // `/proc` may hide the processes of others, so absence there is no proof.
            Ok(None) if absent(holder.pid) => ProcessProof::Gone,
            Ok(None) | Err(_) => ProcessProof::Unknown,
        }
    }
}

/// What `/proc/PID/stat` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Parent process.
    pub(crate) parent: u32,
    /// Process group.
    pub(crate) group: u32,
    /// Session.
    pub(crate) session: u32,
    /// Start time in clock ticks since boot.
    pub(crate) start: u64,
    /// Whether it is a zombie, or about to vanish.
    pub(crate) ended: bool,
    /// Whether a signal stopped it, so that it does nothing until it is told to go on.
    pub(crate) stopped: bool,
}

/// Looks at a process; `None` when it is not there, or hidden from us.
pub(crate) fn stat(pid: u32) -> io::Result<Option<Stat>> {
    let text = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    parse(&text)
        .map(Some)
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Reads state (field 3) to session (6) and start time (22); the name before them may hold blanks and brackets.
fn parse(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let mut number = || fields.next()?.parse::<u32>().ok();
    let (parent, group, session) = (number()?, number()?, number()?);
    let start = fields.nth(15)?.parse().ok()?;
    Some(Stat {
        parent,
        group,
        session,
        start,
        ended: matches!(state, "Z" | "X" | "x"),
        stopped: state == "T",
    })
}

/// Tells whether the kernel knows no process of that id in our namespace.
pub(crate) fn absent(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return false;
    };
    matches!(
        rustix::process::pidfd_open(pid, PidfdFlags::empty()),
        Err(rustix::io::Errno::SRCH)
    )
}

fn login_name(uid: u32) -> String {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("uid {uid}"))
}

fn machine() -> String {
    ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .map(|text| text.trim().to_owned())
        .find(|text| !text.is_empty() && text != "uninitialized")
        .map(|text| {
            // The id itself is confidential; a digest tells two machines apart just as well.
            let digest = Sha256::digest(format!("nanokit machine {text}").as_bytes());
            hex(digest.get(..8).unwrap_or_default())
        })
        .unwrap_or_default()
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

/// Names our own namespace of a kind; empty where the kernel has none.
pub(crate) fn namespace(kind: &str) -> String {
    fs::read_link(format!("/proc/self/ns/{kind}"))
        .map(|link| link.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_and_blanks_do_not_confuse() {
        let tail = "S 1 2 3 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 777 0 0";
        for name in ["sh", "a b", ") S 1 (", "((("] {
            let stat = parse(&format!("42 ({name}) {tail}")).expect(name);
            assert_eq!((stat.start, stat.ended), (777, false), "{name}");
            assert_eq!((stat.parent, stat.group, stat.session), (1, 2, 3));
        }
        assert!(
            parse(&format!("42 (x) {}", tail.replacen('S', "Z", 1)))
                .unwrap()
                .ended
        );
        let stopped = parse(&format!("42 (x) {}", tail.replacen('S', "T", 1))).unwrap();
        assert!(stopped.stopped && !stopped.ended);
        assert!(parse("42 (sh) S 1").is_none());
        assert!(parse("").is_none());
    }

    #[test]
    fn we_are_alive_and_only_proof_makes_gone() {
        let processes = SystemProcesses::new(Some("ann".to_owned()));
        let me = processes.me();
        assert_eq!(me.user, "ann");
        assert!(me.pid_start > 0 && !me.boot_id.is_empty());
        let check = |what: &str, change: &dyn Fn(&mut Holder), expected| {
            let mut holder = me.clone();
            change(&mut holder);
            assert_eq!(processes.proof(&holder), expected, "{what}");
        };
        check("ourselves", &|_| {}, ProcessProof::Alive);
        check("pid used again", &|h| h.pid_start += 1, ProcessProof::Gone);
        check(
            "another boot",
            &|h| h.boot_id = "b".into(),
            ProcessProof::Gone,
        );
        let elsewhere = |h: &mut Holder| {
            h.boot_id = "b".into();
            h.machine = "m".into();
        };
        check("another machine", &elsewhere, ProcessProof::Unknown);
        let clone = |h: &mut Holder| {
            h.boot_id = "b".into();
            h.host = "clone".into();
        };
        check("a cloned machine", &clone, ProcessProof::Unknown);
        check(
            "another container",
            &|h| h.pid_ns = "pid:[1]".into(),
            ProcessProof::Unknown,
        );
        let other_time = |h: &mut Holder| {
            h.time_ns = "time:[1]".into();
            h.pid_start += 1;
        };
        check("another time", &other_time, ProcessProof::Unknown);
        let earlier = |h: &mut Holder| h.time_ns = String::new();
        check(
            "a record of earlier versions",
            &earlier,
            ProcessProof::Alive,
        );
        check(
            "no boot id",
            &|h| h.boot_id = String::new(),
            ProcessProof::Unknown,
        );
        check(
            "impossible pid",
            &|h| h.pid = u32::MAX,
            ProcessProof::Unknown,
        );
    }

    #[test]
    fn a_user_without_variables_is_looked_up() {
        assert_eq!(login_name(0), "root");
        assert_eq!(login_name(u32::MAX), "uid 4294967295");
    }

    #[test]
    fn a_child_is_alive_until_it_ends_even_before_it_is_reaped() {
        let processes = SystemProcesses::new(None);
        let mut child = std::process::Command::new("/bin/sh")
            .args(["-c", "read x"])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let holder = Holder {
            pid: child.id(),
            pid_start: stat(child.id()).unwrap().unwrap().start,
            ..processes.me()
        };
        assert_eq!(processes.proof(&holder), ProcessProof::Alive);
        let pid = Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        let stopped =
            rustix::process::WaitIdOptions::STOPPED | rustix::process::WaitIdOptions::NOWAIT;
        rustix::process::waitid(rustix::process::WaitId::Pid(pid), stopped).unwrap();
        assert_eq!(processes.proof(&holder), ProcessProof::Stopped);
        rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
        drop(child.stdin.take());
        // Its end is waited for without reaping it: that it can be waited for is all this asks.
        let options =
            rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
        rustix::process::waitid(rustix::process::WaitId::Pid(pid), options).unwrap();
        assert_eq!(processes.proof(&holder), ProcessProof::Gone, "a zombie");
        child.wait().unwrap();
        assert_eq!(processes.proof(&holder), ProcessProof::Gone, "reaped");
    }
}

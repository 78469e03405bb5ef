//! A control group (v2) per instance, where this machine lets us make one.
//!
//! It gives an ending nobody escapes, limits of CPU and memory, and the news of an out-of-memory kill. Where it
//! cannot be had, instances run without: the caller warns once that limits are not enforced.

use std::path::{Path, PathBuf};

/// Period over which a CPU limit is measured, in microseconds.
const PERIOD_US: u64 = 100_000;

/// Finds the folder of our own control group.
fn own_group() -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mount = mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        (after.split(' ').next()? == "cgroup2").then(|| before.split(' ').nth(4))?
    })?;
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(Path::new(mount).join(path.trim_start_matches('/')))
}

/// Makes the group of an instance; `None` where none can be made.
pub(super) fn make(id: &str) -> Option<PathBuf> {
    let own = own_group()?;
    // Asked for one by one: a kernel may have one of them only. Refused while we ourselves sit in a
    // group that is not the root; the group still serves for ending the instance.
    for controller in ["+cpu", "+memory"] {
        let _ = std::fs::write(own.join("cgroup.subtree_control"), controller);
    }
    bare(id)
}

/// Makes a group without limits, good for ending what is in it; `None` where none can be made.
pub(in crate::adapters) fn bare(id: &str) -> Option<PathBuf> {
    let group = own_group()?.join(format!("nk-{id}"));
    match std::fs::create_dir(&group) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return None,
        Ok(()) | Err(_) => {}
    }
    std::fs::OpenOptions::new()
        .write(true)
        .open(group.join("cgroup.procs"))
        .ok()?;
    Some(group)
}

/// Finds the groups whose id begins so, each with the rest of its id.
pub(in crate::adapters) fn named(start: &str) -> Vec<(String, PathBuf)> {
    let entries = own_group().and_then(|own| std::fs::read_dir(own).ok());
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let rest = name.strip_prefix("nk-")?.strip_prefix(start)?.to_owned();
            Some((rest, entry.path()))
        })
        .collect()
}

/// Removes a group nobody is in any more.
pub(in crate::adapters) fn remove(group: &Path) {
    let _ = std::fs::remove_dir(group);
}

/// Sets limits; returns a remark for each that cannot be enforced.
pub(super) fn limit(
    group: Option<&Path>,
    cpu_millis: Option<u64>,
    memory_bytes: Option<u64>,
) -> Vec<String> {
    let cpu = cpu_millis.map_or_else(
        || format!("max {PERIOD_US}"),
        |millis| {
            format!(
                "{} {PERIOD_US}",
                millis.max(10).saturating_mul(PERIOD_US / 1000)
            )
        },
    );
    let memory = memory_bytes.map_or_else(|| "max".to_owned(), |bytes| bytes.to_string());
    let wishes = [
        ("cpu", "cpu.max", cpu, cpu_millis.is_some()),
        ("memory", "memory.max", memory, memory_bytes.is_some()),
    ];
    let mut remarks = Vec::new();
    for (what, file, value, wanted) in wishes {
        let written = group.is_some_and(|group| std::fs::write(group.join(file), value).is_ok());
        if wanted && !written {
            remarks.push(format!(
                "the {what} limit is not enforced: this machine gives host processes no writable control group with `{what}`"
            ));
        }
    }
    remarks
}

/// Counts the out-of-memory kills in a group so far.
pub(super) fn memory_kills(group: &Path) -> u64 {
    std::fs::read_to_string(group.join("memory.events"))
        .unwrap_or_default()
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
        .unwrap_or(0)
}

/// Puts a command into a group before it becomes the command: it writes its own number, then turns into it.
pub(super) fn inside(group: &Path, argv: &[String]) -> Vec<String> {
    let mut wrapped: Vec<String> = [
        "/bin/sh",
        "-c",
        "echo 0 > \"$1\" || :; shift; exec \"$@\"",
        "sh",
    ]
    .map(str::to_owned)
    .to_vec();
    wrapped.push(group.join("cgroup.procs").to_string_lossy().into_owned());
    wrapped.extend_from_slice(argv);
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_in_the_kernels_units() {
        let temp = tempfile::tempdir().unwrap();
        assert!(limit(Some(temp.path()), Some(1500), Some(1 << 20)).is_empty());
        let read = |file: &str| std::fs::read_to_string(temp.path().join(file)).unwrap();
        assert_eq!(read("cpu.max"), "150000 100000");
        assert_eq!(read("memory.max"), "1048576");
        assert!(limit(Some(temp.path()), None, None).is_empty());
        assert_eq!(read("cpu.max"), "max 100000");
        assert_eq!(limit(None, Some(1), None).len(), 1);
        assert_eq!(limit(None, None, None).len(), 0);
    }
}

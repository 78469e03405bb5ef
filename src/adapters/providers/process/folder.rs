//! Where instances, volumes and networks of host processes live on disk, and how they are read and written.
//!
//! ```text
//! .nanokit/process/NAME/{spec.json and its copy, status.json, control, gate, log, log.1, log.2}
//! .nanokit/process/networks/NAME.json
//! .nanokit/volumes/NAME/            the data           .nanokit/volumes/NAME.json   its label
//! ```
//!
//! A folder appears whole (made aside, then renamed) and disappears whole. Links are never followed: a folder
//! or file that is one is refused, so that nobody can point us at somebody else's files.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Largest file of ours that is read.
const LARGEST: u64 = 4 << 20;

pub(super) const SPEC: &str = "spec.json";
/// A second one, for the day the first is damaged.
pub(super) const COPY: &str = ".spec.json.copy";
pub(super) const STATUS: &str = "status.json";
pub(super) const CONTROL: &str = "control";
pub(super) const GATE: &str = "gate";
pub(super) const LOG: &str = "log";

/// The folders of one project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// Folder of the project file.
    pub(super) root: PathBuf,
}

impl Places {
    pub(super) fn instances(&self) -> PathBuf {
        self.root.join(".nanokit/process")
    }

    pub(super) fn instance(&self, name: &str) -> PathBuf {
        self.instances().join(name)
    }

    pub(super) fn networks(&self) -> PathBuf {
        self.instances().join("networks")
    }

    pub(super) fn volumes(&self) -> PathBuf {
        self.root.join(".nanokit/volumes")
    }

    /// Makes a folder below the project, 0700, refusing links on the way.
    pub(super) fn make(&self, folder: &Path) -> io::Result<()> {
        let below = folder.strip_prefix(&self.root).map_err(io::Error::other)?;
        let mut path = self.root.clone();
        for part in below.components() {
            path.push(part);
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                Ok(()) | Err(_) => real_folder(&path)?,
            }
        }
        Ok(())
    }
}

/// Refuses anything but a folder that is no link.
pub(super) fn real_folder(path: &Path) -> io::Result<()> {
    let metadata = std::fs::symlink_metadata(path)?;
    if metadata.is_dir() {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            format!("{} is not a folder of its own", path.display()),
        ))
    }
}

/// Names in a folder that are not hidden, sorted; empty when it is not there.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    match real_folder(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    }
    let mut names: Vec<String> = std::fs::read_dir(folder)?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    Ok(names)
}

/// Reads a JSON file; links, oversize and nonsense are errors, absence is `NotFound`.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    let mut file = open_plain(path)?;
    let mut bytes = Vec::new();
    Read::by_ref(&mut file)
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("{} is too large", path.display())));
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}

/// Opens a regular file for reading, never through a link and never a FIFO or device.
pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other(format!(
            "{} is not a regular file",
            path.display()
        )))
    }
}

/// Replaces a JSON file at once, 0600; with `sync` durably.
pub(super) fn write_json<T: Serialize>(path: &Path, value: &T, sync: bool) -> io::Result<()> {
    let bytes = serde_json::to_vec(value).map_err(io::Error::other)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = folder.join(format!(".{name}.{}", std::process::id()));
    let _ = std::fs::remove_file(&aside);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)?;
    file.write_all(&bytes)?;
    if sync {
        file.sync_all()?;
    }
    std::fs::rename(&aside, path)?;
    if sync {
        sync_folder(folder)?;
    }
    Ok(())
}

/// Replaces a JSON file of ours whatever somebody put in its place: a folder there is set aside.
pub(super) fn put_json<T: Serialize>(path: &Path, value: &T, sync: bool) -> io::Result<()> {
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let aside = path.with_file_name(format!(".damaged-{name}"));
        let _ = std::fs::remove_dir_all(&aside);
        std::fs::rename(path, &aside)?;
    }
    write_json(path, value, sync)
}

/// Makes a folder's entries durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes a folder so that it is gone at once by name, whatever happens to the rest.
pub(super) fn remove_folder(folder: &Path) -> io::Result<()> {
    match real_folder(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let aside = folder.with_file_name(format!(".trash-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&aside);
    std::fs::rename(folder, &aside)?;
    std::fs::remove_dir_all(&aside)
}

/// Takes away what a killed command left half removed or half made.
pub(super) fn sweep_trash(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours = name.starts_with(".trash-") || name.starts_with(".new-");
        let maker = name.rsplit('-').next().and_then(|pid| pid.parse().ok());
        let orphaned = maker.is_none_or(|pid| {
            crate::adapters::providers::process::identity::Stat::of(pid).is_none()
        });
        if ours && orphaned {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Tells when a file was last replaced, as something that only equality means anything for.
pub(super) fn stamp(path: &Path) -> Option<(u64, i64, i64)> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    Some((metadata.ino(), metadata.mtime(), metadata.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_refused_and_replacing_is_whole() {
        let temp = tempfile::tempdir().unwrap();
        let places = Places {
            root: temp.path().to_path_buf(),
        };
        let folder = places.instance("a");
        places.make(&folder).unwrap();
        let file = folder.join("x.json");
        write_json(&file, &vec![1, 2], true).unwrap();
        assert_eq!(read_json::<Vec<i32>>(&file).unwrap(), [1, 2]);
        assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);

        std::os::unix::fs::symlink(&file, folder.join("link.json")).unwrap();
        assert!(read_json::<Vec<i32>>(&folder.join("link.json")).is_err());
        std::os::unix::fs::symlink(&folder, places.instance("b")).unwrap();
        assert!(places.make(&places.instance("b")).is_err());
        assert!(remove_folder(&places.instance("b")).is_err());
        assert_eq!(
            read_json::<Vec<i32>>(&folder.join("none.json"))
                .unwrap_err()
                .kind(),
            io::ErrorKind::NotFound
        );
        remove_folder(&folder).unwrap();
        assert!(!folder.exists());
        assert_eq!(names(&places.instances()).unwrap(), ["b"]);
    }
}

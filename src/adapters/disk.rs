//! The project's own folder `.nanokit` on the real disk.
//!
//! Made on the first write, 0700, with a `.gitignore` that keeps all of it out of the repository. No path of
//! it is followed through a link.

use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use rustix::fs::FlockOperation;

use crate::adapters::folder::{self, Folder};
use crate::ports::disk::{Disk, DiskError};

/// Name of the file that keeps room for the last save.
pub(crate) const RESERVE: &str = "reserve";

/// A folder of our own.
#[derive(Clone, Debug)]
pub struct ProjectDisk {
    root: PathBuf,
    /// Folders outside of the project that may take what finds no room in it, the best first.
    elsewhere: Vec<PathBuf>,
}

impl ProjectDisk {
    /// Names the folder, which is called `.nanokit`; nothing is made before the first write.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            elsewhere: Vec::new(),
        }
    }

    /// Names folders outside of the project for what finds no room in it, the best first.
    #[must_use]
    pub fn with_elsewhere(mut self, folders: Vec<PathBuf>) -> Self {
        self.elsewhere = folders;
        self
    }

    fn root(&self) -> io::Result<Folder> {
        Folder::own(&self.root, true)?.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Opens the folder that holds `path`, making what is missing, and returns the last name.
    fn made<'a>(&self, path: &'a Path) -> io::Result<(Folder, &'a str)> {
        let names = names_of(path)?;
        let mut place = self.root()?;
        let Some((last, folders)) = names.split_last() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        for name in folders {
            place = place.make(name)?;
        }
        Ok((place, last))
    }

    /// Opens the folder that holds `path`, if it is there, and returns the last name.
    fn found<'a>(&self, path: &'a Path) -> io::Result<Option<(Folder, &'a str)>> {
        let names = names_of(path)?;
        let Some((last, folders)) = names.split_last() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let Some(mut place) = Folder::own(&self.root, false)? else {
            return Ok(None);
        };
        for name in folders {
            match place.sub(name)? {
                Some(inner) => place = inner,
                None => return Ok(None),
            }
        }
        Ok(Some((place, last)))
    }

    fn error(&self, action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DiskError {
        let path = self.root.join(path);
        move |source| DiskError {
            action,
            source: folder::explained(source, &path),
            path,
        }
    }
}

impl Disk for ProjectDisk {
    fn append(&self, path: &Path, bytes: &[u8], sync: bool) -> Result<(), DiskError> {
        self.made(path)
            .and_then(|(place, name)| place.append(name, bytes, sync))
            .map_err(self.error("append to", path))
    }

    fn append_on(&self, path: &Path, bytes: &[u8], sync: bool) -> Result<bool, DiskError> {
        let append = || match self.found(path)? {
            Some((place, name)) => place.append_on(name, bytes, sync),
            None => Ok(false),
        };
        append().map_err(self.error("append to", path))
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        self.made(path)
            .and_then(|(place, name)| {
                // Two processes may replace the same file (two plans at once), so each has a temp of its own.
                let temp = format!(".{name}.{}.tmp", std::process::id());
                place.replace(name, bytes, &temp)
            })
            .map_err(self.error("write", path))
    }

    fn rename(&self, path: &Path, new: &str) -> Result<(), DiskError> {
        let rename = || match self.found(path)? {
            Some((place, name)) => match place.rename(name, new) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                other => other,
            },
            None => Ok(()),
        };
        rename().map_err(self.error("rename", path))
    }

    fn replace_if(
        &self,
        path: &Path,
        before: Option<&[u8]>,
        bytes: &[u8],
    ) -> Result<bool, DiskError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let side = PathBuf::from(format!("lock/{name}.flock"));
        // The side file is never removed: whoever removed it would hand the same lock out twice.
        let guard = self
            .made(&side)
            .and_then(|(place, name)| place.keep(name))
            .map_err(self.error("lock", &side))?;
        match rustix::fs::flock(&guard, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(false),
            Err(error) => return Err(self.error("lock", &side)(error.into())),
        }
        let is_here = match self.found(&side).map_err(self.error("lock", &side))? {
            Some((place, name)) => place
                .is_here(name, &guard)
                .map_err(self.error("lock", &side))?,
            None => false,
        };
        if !is_here {
            // Its folder was removed meanwhile, and somebody else may have locked what took its place.
            return Ok(false);
        }
        let limit = before.map_or(0, <[u8]>::len).saturating_add(1);
        let found = match self.read(path, u64::try_from(limit).unwrap_or(u64::MAX)) {
            // Longer than what it was is another.
            Err(error) if error.source.kind() == io::ErrorKind::FileTooLarge => return Ok(false),
            found => found?,
        };
        if found.as_deref() != before {
            return Ok(false);
        }
        self.replace(path, bytes)?;
        Ok(true)
    }

    fn read(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
        let read = || match self.found(path)? {
            Some((place, name)) => place.read(name, limit),
            None => Ok(None),
        };
        read().map_err(self.error("read", path))
    }

    fn list(&self, path: &Path) -> Result<Vec<String>, DiskError> {
        let list = || match self.found(path)? {
            Some((place, name)) => match place.sub(name)? {
                Some(folder) => folder.names(),
                None => Ok(Vec::new()),
            },
            None => Ok(Vec::new()),
        };
        list().map_err(self.error("list", path))
    }

    fn remove(&self, path: &Path, sync: bool) -> Result<(), DiskError> {
        let remove = || match self.found(path)? {
            Some((place, name)) => {
                place.remove(name)?;
                if sync { place.sync() } else { Ok(()) }
            }
            None => Ok(()),
        };
        remove().map_err(self.error("remove", path))
    }

    fn read_named(&self, path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
        folder::read_plain(path, limit).map_err(|source| DiskError {
            action: "read",
            path: path.to_owned(),
            source,
        })
    }

    fn write_named(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        write_named(path, bytes).map_err(|source| DiskError {
            action: "write",
            path: path.to_owned(),
            source,
        })
    }

    fn set_aside(&self, bytes: u64) -> Result<(), DiskError> {
        self.root()
            .and_then(|root| root.set_aside(RESERVE, bytes))
            .map_err(self.error("set room aside in", Path::new(RESERVE)))
    }

    fn write_elsewhere(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, DiskError> {
        let mut last = None;
        for folder in &self.elsewhere {
            match write_new(folder, name, bytes) {
                Ok(path) => return Ok(path),
                Err(source) => {
                    last = Some(DiskError {
                        action: "write",
                        path: folder.join(name),
                        source,
                    });
                }
            }
        }
        Err(last.unwrap_or_else(|| DiskError {
            action: "write",
            path: PathBuf::from(name),
            source: io::Error::new(io::ErrorKind::NotFound, "there is no other place"),
        }))
    }

    fn shown(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }
}

/// Splits a relative path into its folders and its last name; anything but plain names is refused.
fn names_of(path: &Path) -> io::Result<Vec<&str>> {
    let plain = |component| match component {
        Component::Normal(name) => name.to_str(),
        Component::CurDir | Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
            None
        }
    };
    path.components()
        .map(plain)
        .collect::<Option<Vec<_>>>()
        .filter(|names| !names.is_empty())
        .ok_or_else(|| {
            let text = "the path must be plain names below the folder";
            io::Error::new(io::ErrorKind::InvalidInput, text)
        })
}

/// Writes a file nobody has made before, 0600 and durable; what was there is never touched, links included.
fn write_new(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut file = tempfile::Builder::new()
        .prefix(&format!("{name}."))
        .rand_bytes(8)
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let (_, path) = file.keep().map_err(|error| error.error)?;
    if let Ok(folder) = std::fs::File::open(folder) {
        folder.sync_all()?;
    }
    Ok(path)
}

fn write_named(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn who_appends_to_a_file_that_is_renamed_loses_no_line() {
        let (home, disk) = disk();
        let path = Path::new("audit.log");
        disk.append(path, b"one\n", true).unwrap();
        let mut beside = std::fs::File::options()
            .append(true)
            .open(home.path().join(".nanokit/audit.log"))
            .unwrap();
        disk.rename(path, "audit.log.1").unwrap();
        beside.write_all(b"two\n").unwrap();
        disk.append(path, b"three\n", true).unwrap();
        let read = |name: &str| disk.read(Path::new(name), 99).unwrap().unwrap();
        assert_eq!(read("audit.log.1"), b"one\ntwo\n");
        assert_eq!(read("audit.log"), b"three\n");
        disk.rename(Path::new("none"), "audit.log").unwrap();
        assert_eq!(read("audit.log"), b"three\n");
    }

    fn disk() -> (tempfile::TempDir, ProjectDisk) {
        let home = tempfile::tempdir().unwrap();
        let disk = ProjectDisk::new(home.path().join(".nanokit"));
        (home, disk)
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn reading_makes_nothing_and_writing_makes_private_folders() {
        let (home, disk) = disk();
        let path = Path::new("runs/r1/step.log");
        assert_eq!(disk.read(path, 10).unwrap(), None);
        assert_eq!(disk.list(Path::new("runs")).unwrap(), Vec::<String>::new());
        disk.remove(path, false).unwrap();
        assert!(!home.path().join(".nanokit").exists());
        disk.append(path, b"one\n", true).unwrap();
        disk.append(path, b"two\n", false).unwrap();
        assert_eq!(disk.read(path, 10).unwrap().unwrap(), b"one\ntwo\n");
        assert_eq!(disk.list(Path::new("runs")).unwrap(), ["r1"]);
        assert_eq!(mode(&disk.shown(Path::new("runs/r1"))), 0o700);
        assert_eq!(mode(&disk.shown(path)), 0o600);
        let ignore = std::fs::read_to_string(disk.shown(Path::new(".gitignore"))).unwrap();
        assert_eq!(ignore, "*\n");
        disk.remove(path, false).unwrap();
        disk.remove(Path::new("runs/r1"), true).unwrap();
        assert_eq!(disk.list(Path::new("runs")).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_named_file_is_read_and_written_anywhere() {
        let (home, disk) = disk();
        let path = home.path().join("saved.json");
        disk.write_named(&path, b"12").unwrap();
        assert_eq!(disk.read_named(&path, 2).unwrap(), b"12");
        assert!(disk.read_named(&path, 1).is_err(), "longer than the limit");
        assert!(disk.read_named(home.path(), 9).is_err(), "a folder");
        assert!(disk.write_named(&home.path().join("no/x"), b"1").is_err());
    }

    #[test]
    fn a_replaced_file_leaves_nothing_beside_it() {
        let (_home, disk) = disk();
        let path = Path::new("plans/latest.json");
        disk.replace(path, b"1").unwrap();
        disk.replace(path, b"22").unwrap();
        assert_eq!(disk.read(path, 2).unwrap().unwrap(), b"22");
        assert_eq!(disk.list(Path::new("plans")).unwrap(), ["latest.json"]);
        assert!(disk.read(path, 1).is_err(), "longer than the limit");
    }

    #[test]
    fn what_was_removed_is_not_made_anew_by_who_goes_on_appending() {
        let (_home, disk) = disk();
        let path = Path::new("journal/r1");
        assert!(!disk.append_on(path, b"x", true).unwrap());
        disk.append(path, b"x", true).unwrap();
        assert!(disk.append_on(path, b"y", true).unwrap());
        assert_eq!(disk.read(path, 10).unwrap().unwrap(), b"xy");
        disk.remove(path, false).unwrap();
        assert!(!disk.append_on(path, b"z", true).unwrap());
        assert_eq!(disk.read(path, 10).unwrap(), None);
    }

    #[test]
    fn a_project_may_live_behind_a_link_but_its_own_folder_may_not() {
        let home = tempfile::tempdir().unwrap();
        let (real, link) = (home.path().join("real"), home.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        symlink(&real, &link).unwrap();
        let disk = ProjectDisk::new(link.join(".nanokit"));
        disk.append(Path::new("a"), b"x", true).unwrap();
        assert!(real.join(".nanokit/a").exists());
        let planted = home.path().join("planted");
        std::fs::create_dir(&planted).unwrap();
        symlink(&real, planted.join(".nanokit")).unwrap();
        let disk = ProjectDisk::new(planted.join(".nanokit"));
        assert!(disk.append(Path::new("b"), b"x", true).is_err());
        assert!(!real.join("b").exists());
    }

    #[test]
    fn links_are_refused_wherever_they_stand() {
        let (home, disk) = disk();
        let outside = home.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("victim"), "old").unwrap();
        disk.append(Path::new("a"), b"x", false).unwrap();
        let root = home.path().join(".nanokit");
        symlink(outside.join("victim"), root.join("link")).unwrap();
        symlink(&outside, root.join("folder")).unwrap();
        for path in ["link", "folder/victim"] {
            let path = Path::new(path);
            assert!(disk.append(path, b"new", false).is_err());
            assert!(disk.replace(path, b"new").is_err());
            assert!(disk.read(path, 10).is_err());
        }
        for path in ["../outside/victim", "/etc/hostname", ""] {
            assert!(disk.read(Path::new(path), 10).is_err(), "{path}");
        }
        assert_eq!(
            std::fs::read_to_string(outside.join("victim")).unwrap(),
            "old"
        );
    }
}

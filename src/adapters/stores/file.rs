//! A document on the local disk, written by compare-and-put.
//!
//! `flock` on a side file makes read-compare-write one act for all processes of the machine; the document
//! itself is only ever replaced whole. The side file is never removed: whoever removed it would hand the
//! same lock out twice. An empty document is a damaged value, not "nothing stored".

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::FlockOperation;
use sha2::{Digest as _, Sha256};

use crate::adapters::disk::RESERVE;
use crate::adapters::folder::{self, Folder};
use crate::domain::report::store::Backup;
use crate::domain::time::Wall;
use crate::formats::{state, text};
use crate::ports::cas_store::{CasStore, Put, StoreError, Stored, Version};

/// Longest state that is read, in bytes: a hundred times what a thousand services need.
const STATE_LIMIT: u64 = 64 << 20;
/// Longest lock record that is read, in bytes; ours have at most four kilobytes.
const LOCK_LIMIT: u64 = 64 << 10;
/// Pause between two tries for the side lock.
const TRY_AGAIN: Duration = Duration::from_millis(5);
/// How long the side lock is tried for; it is held for one write only.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many earlier states are kept.
const BACKUPS: usize = 10;

/// One document.
#[derive(Clone, Debug)]
pub struct FileStore {
    document: PathBuf,
    /// Side file that carries the `flock`.
    guard: PathBuf,
    /// Folder for earlier states, if they are kept.
    backups: Option<PathBuf>,
    /// Longest document that is read, in bytes.
    limit: u64,
    /// Folder that holds the room set aside for a full disk, if there is one.
    reserve: Option<PathBuf>,
}

impl FileStore {
    /// Names a document and its side file; nothing is made before the first write.
    #[must_use]
    pub fn new(document: impl Into<PathBuf>, guard: impl Into<PathBuf>) -> Self {
        Self {
            document: document.into(),
            guard: guard.into(),
            backups: None,
            limit: STATE_LIMIT,
            reserve: None,
        }
    }

    /// Keeps the last ten states in that folder, by serial.
    #[must_use]
    pub fn with_backups(mut self, folder: impl Into<PathBuf>) -> Self {
        self.backups = Some(folder.into());
        self
    }

    /// The state document `document` of a project whose own folder is `own` (`.nanokit`), with backups.
    #[must_use]
    pub fn state(document: impl Into<PathBuf>, own: &Path) -> Self {
        let document = document.into();
        let name = name_of(&document).unwrap_or("state.json");
        let guard = own.join("lock").join(format!("{name}.state.flock"));
        Self {
            reserve: Some(own.to_owned()),
            ..Self::new(document.clone(), guard).with_backups(own.join("backups"))
        }
    }

    /// The lock record of the state document named `name`, in the project's own folder `own` (`.nanokit`).
    #[must_use]
    pub fn lock(name: &str, own: &Path) -> Self {
        let folder = own.join("lock");
        Self {
            limit: LOCK_LIMIT,
            ..Self::new(folder.join(name), folder.join(format!("{name}.flock")))
        }
    }

    fn read(&self) -> Result<Option<Stored>, StoreError> {
        let read = || {
            let (folder, name) = match open_parent(&self.document, false) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                other => other?,
            };
            folder.read(name, self.limit)
        };
        let bytes = read().map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => StoreError::TooLarge {
                location: self.location(),
                limit: self.limit,
            },
            _ => failure("read", &self.document, error),
        })?;
        Ok(bytes.map(|bytes| Stored {
            version: version_of(&bytes),
            bytes,
        }))
    }

    /// Takes the side lock; it ends when the file is dropped.
    async fn guard(&self) -> Result<File, StoreError> {
        let failed = |error| failure("lock", &self.guard, error);
        let mut waited = Duration::ZERO;
        loop {
            if let Some(file) = self.try_guard().map_err(failed)? {
                return Ok(file);
            }
            if waited >= PATIENCE {
                let text = "another process has been writing for ten seconds";
                return Err(failed(io::Error::new(io::ErrorKind::TimedOut, text)));
            }
            tokio::time::sleep(TRY_AGAIN).await;
            waited += TRY_AGAIN;
        }
    }

    /// Tries for the side lock once. The file is opened anew each time, and has to stand there still once it is locked:
    /// where somebody removed the folder meanwhile, another process may have locked the one that took its place.
    fn try_guard(&self) -> io::Result<Option<File>> {
        let (folder, name) = open_parent(&self.guard, true)?;
        let file = folder.keep(name)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let (folder, name) = match open_parent(&self.guard, false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        Ok(folder.is_here(name, &file)?.then_some(file))
    }

    fn write(&self, bytes: &[u8], before: Option<&Stored>) -> Result<Put, StoreError> {
        let failed = |error| failure("write", &self.document, error);
        let (folder, name) = open_parent(&self.document, true).map_err(failed)?;
        if let (Some(before), Some(backups)) = (before, &self.backups)
            && let Err(error) = back_up(&folder, name, before, backups)
        {
            tracing::warn!(%error, folder = %backups.display(), "the earlier state could not be kept");
        }
        // One name for the temp: the side lock is ours, so one that is there was left by a writer that died.
        let temp = format!(".{name}.tmp");
        let mut written = folder.replace(name, bytes, &temp);
        if let Err(error) = &written {
            // Once more, with a fresh temp: a descriptor whose sync failed has forgotten what it lost. What it took
            // to be able to save at all was set aside before.
            if is_full(error) {
                self.free_reserve();
            }
            tracing::warn!(%error, document = %self.document.display(), "written once more");
            written = folder.replace(name, bytes, &temp);
        }
        // Even where the new content is there: what may not survive a power cut is not stored.
        written.map_err(failed)?;
        Ok(Put::Done(version_of(bytes)))
    }

    fn free_reserve(&self) {
        let Some(own) = &self.reserve else { return };
        if let Ok(Some(folder)) = Folder::own(own, false) {
            let _ = folder.remove(RESERVE);
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

impl CasStore for FileStore {
    async fn get(&self) -> Result<Option<Stored>, StoreError> {
        self.read()
    }

    async fn compare_and_put(
        &self,
        expected: Option<&Version>,
        bytes: &[u8],
    ) -> Result<Put, StoreError> {
        let _guard = self.guard().await?;
        let now = self.read()?;
        if now.as_ref().map(|stored| &stored.version) != expected {
            return Ok(Put::Conflict(now));
        }
        self.write(bytes, now.as_ref())
    }

    async fn backups(&self) -> Result<Vec<Backup>, StoreError> {
        let Some(folder) = &self.backups else {
            return Ok(Vec::new());
        };
        let name = name_of(&self.document).unwrap_or_default();
        kept(folder, name).map_err(|error| failure("list", folder, error))
    }

    fn location(&self) -> String {
        self.document.display().to_string()
    }
}

fn version_of(bytes: &[u8]) -> Version {
    Version(text::hex(&Sha256::digest(bytes)))
}

fn name_of(path: &Path) -> Option<&str> {
    path.file_name().and_then(|name| name.to_str())
}

/// Opens the folder of a file. With `make`, what is ours of it (`.nanokit` and below) is made if needed.
fn open_parent(path: &Path, make: bool) -> io::Result<(Folder, &str)> {
    let bad = || io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
    let (Some(parent), Some(name)) = (path.parent(), name_of(path)) else {
        return Err(bad());
    };
    let folder = Folder::own(parent, make)?;
    let folder = folder.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    Ok((folder, name))
}

/// Keeps the content that is about to be replaced. The document is replaced by renaming, so a second name of
/// the old file is a copy that nobody writes to.
fn back_up(folder: &Folder, name: &str, before: &Stored, backups: &Path) -> io::Result<()> {
    let Some(kept) = Folder::own(backups, true)? else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let backup = match state::serial_of(&before.bytes) {
        Some(serial) => format!("{name}.{serial}"),
        None => format!(
            "{name}.damaged-{}",
            before.version.0.get(..8).unwrap_or("0")
        ),
    };
    if folder.link(name, &kept, &backup).is_err() {
        // Another file system: the state may live anywhere.
        kept.replace(&backup, &before.bytes, &format!(".{backup}.tmp"))?;
    }
    let mut serials: Vec<(u64, String)> = kept
        .names()?
        .into_iter()
        .filter_map(|found| {
            let serial = found.strip_prefix(name)?.strip_prefix('.')?.parse().ok()?;
            Some((serial, found))
        })
        .collect();
    serials.sort();
    let excess = serials.len().saturating_sub(BACKUPS);
    for (_, old) in serials.into_iter().take(excess) {
        kept.remove(&old)?;
    }
    Ok(())
}

/// Lists what is kept of a document, the newest first; damaged ones, which have no serial, come last.
fn kept(backups: &Path, name: &str) -> io::Result<Vec<Backup>> {
    let Some(folder) = Folder::own(backups, false)? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in folder.names()? {
        let Some(tail) = entry
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('.'))
        else {
            continue;
        };
        let serial = tail.parse().ok();
        if serial.is_none() && !tail.starts_with("damaged-") {
            continue;
        }
        // Removed while we looked, or no plain file: there is nothing to tell of it.
        let Some(about) = folder
            .file(&entry)
            .ok()
            .flatten()
            .and_then(|file| file.metadata().ok())
        else {
            continue;
        };
        let written = about.modified().ok();
        let since = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        found.push(Backup {
            place: backups.join(&entry).display().to_string(),
            serial,
            at: since.map(|since| Wall(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))),
            bytes: about.len(),
        });
    }
    found.sort_by(|a, b| (b.serial, &b.place).cmp(&(a.serial, &a.place)));
    Ok(found)
}

fn failure(action: &'static str, path: &Path, source: io::Error) -> StoreError {
    let location = path.display().to_string();
    match folder::hostile(&source) {
        Some(found) => StoreError::Hostile {
            location,
            found: found.to_owned(),
        },
        None => StoreError::Io {
            action,
            location,
            source: folder::explained(source, path),
        },
    }
}

#[cfg(test)]
mod tests;

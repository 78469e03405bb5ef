//! The project's own folder `.nanokit`: journals, run logs, saved plans.

use std::path::{Path, PathBuf};

/// Why a file of ours cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{action} {}", path.display())]
pub struct DiskError {
    /// What was tried.
    pub action: &'static str,
    /// Which file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: std::io::Error,
}

/// Files below `.nanokit`; every path is relative to it. Folders are made as needed, 0700, files 0600, links refused.
pub trait Disk {
    /// Appends to a file, making it if needed; with `sync`, returns only when the bytes are durable.
    fn append(&self, path: &Path, bytes: &[u8], sync: bool) -> Result<(), DiskError>;
    /// Appends to a file that has to be there already; `false`: it is there no more, and what was written is lost.
    fn append_on(&self, path: &Path, bytes: &[u8], sync: bool) -> Result<bool, DiskError>;
    /// Replaces a file's content at once and durably (temp, fsync, rename, fsync of the folder).
    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError>;
    /// Replaces a file's content if it still is `before` (`None`: it is not there), read and replaced as one act for all
    /// processes. `false`: it is another by now, or somebody else is about to replace it. What stands here is enough for
    /// a disk that only one process has.
    fn replace_if(
        &self,
        path: &Path,
        before: Option<&[u8]>,
        bytes: &[u8],
    ) -> Result<bool, DiskError> {
        let is_same = self.read(path, u64::MAX)?.as_deref() == before;
        if is_same {
            self.replace(path, bytes)?;
        }
        Ok(is_same)
    }
    /// Gives a file another name in its folder, in the place of what has that name; whoever is appending to it goes on in
    /// it. Not being there is fine. What stands here is enough for a disk that only one process has.
    fn rename(&self, path: &Path, new: &str) -> Result<(), DiskError> {
        if let Some(bytes) = self.read(path, u64::MAX)? {
            self.replace(&path.with_file_name(new), &bytes)?;
            self.remove(path, true)?;
        }
        Ok(())
    }
    /// Reads a whole file of at most `limit` bytes; `None` when it is not there.
    fn read(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, DiskError>;
    /// Lists the names in a folder, sorted; empty when it is not there.
    fn list(&self, path: &Path) -> Result<Vec<String>, DiskError>;
    /// Removes a file or an empty folder; not being there is fine. With `sync`, returns only when that is durable.
    fn remove(&self, path: &Path, sync: bool) -> Result<(), DiskError>;
    /// Reads a file anywhere that the user named, of at most `limit` bytes.
    fn read_named(&self, path: &Path, limit: u64) -> Result<Vec<u8>, DiskError>;
    /// Writes a file anywhere that the user named, whole or not at all.
    fn write_named(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError>;
    /// Sets room aside that is freed when the disk is full, so that the last save fits.
    fn set_aside(&self, bytes: u64) -> Result<(), DiskError>;
    /// Writes a new file of that name outside of the project, for the user alone, and returns where: the last resort
    /// when the project's own disk takes nothing any more.
    fn write_elsewhere(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, DiskError>;
    /// Returns the path as the user can open it.
    fn shown(&self, path: &Path) -> PathBuf;
}

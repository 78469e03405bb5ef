//! An open folder: every name is resolved inside it, and no symbolic link is ever followed.
//!
//! The kernel does not save us from a planted link, so nothing here opens a path; it opens one name at a time
//! relative to a folder that is already open. Files are only ever replaced whole (temp, fsync, rename, fsync of
//! the folder), since anything less loses the old content on a full disk or at a power cut.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path};

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

mod faults;

pub(crate) use faults::{explained, hostile};

/// Name of the project's own folder.
const OWN: &str = ".nanokit";

/// What stands where a regular file was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a regular file but {0}")]
pub(crate) struct NotAFile(pub(crate) &'static str);

/// A folder that is open.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

impl Folder {
    /// Opens a folder of the user by path; links on the way to it, and in its place, are their own matter.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let path = if path == Path::new("") {
            Path::new(".")
        } else {
            path
        };
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        rustix::fs::open(path, flags, Mode::empty())
            .map(Self)
            .map_err(Into::into)
    }

    /// Opens a folder inside this one, if it is there.
    pub(crate) fn sub(&self, name: &str) -> io::Result<Option<Self>> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
        match rustix::fs::openat(&self.0, name, flags, Mode::empty()) {
            Ok(fd) => Ok(Some(Self(fd))),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a folder inside this one, making it (0700, durably) if needed.
    pub(crate) fn make(&self, name: &str) -> io::Result<Self> {
        if let Some(folder) = self.sub(name)? {
            return Ok(folder);
        }
        match rustix::fs::mkdirat(&self.0, name, Mode::RWXU) {
            Ok(()) => {
                step("folder made", name);
                rustix::fs::fsync(&self.0)?;
                step("folder of the folder synced", name);
            }
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let gone = || io::Error::other("the folder vanished while it was made");
        self.sub(name)?.ok_or_else(gone)
    }

    /// Opens `path`, of which everything from `.nanokit` on is ours and no link; with `make`, what is missing of
    /// that is made, with a `.gitignore` that keeps it out of the repository. `None` when it is not there.
    pub(crate) fn own(path: &Path, make: bool) -> io::Result<Option<Self>> {
        let names: Vec<Component<'_>> = path.components().collect();
        let own = Component::Normal(OWN.as_ref());
        let at = names
            .iter()
            .rposition(|name| *name == own)
            .unwrap_or(names.len());
        let (base, ours) = names.split_at(at);
        let mut place = match Self::open(&base.iter().collect::<std::path::PathBuf>()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !make => return Ok(None),
            other => other?,
        };
        for (depth, name) in ours.iter().enumerate() {
            let name = name
                .as_os_str()
                .to_str()
                .ok_or(io::ErrorKind::InvalidInput)?;
            place = match place.sub(name)? {
                Some(inner) => {
                    if depth == 0 {
                        inner.must_be_private(&base.iter().collect::<std::path::PathBuf>())?;
                    }
                    inner
                }
                None if !make => return Ok(None),
                None => {
                    let inner = place.make(name)?;
                    if depth == 0 {
                        inner.append(".gitignore", b"*\n", false)?;
                    }
                    inner
                }
            };
        }
        Ok(Some(place))
    }

    /// Opens a file for reading; `None` when it is not there, [`NotAFile`] inside the error when it is something else.
    pub(crate) fn file(&self, name: &str) -> io::Result<Option<File>> {
        match self.open_file(name, OFlags::RDONLY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    /// Reads a whole file of at most `limit` bytes; `None` when it is not there.
    pub(crate) fn read(&self, name: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        self.file(name)?
            .map(|file| read_at_most(file, limit))
            .transpose()
    }

    /// Opens a file that lives on, such as one that carries a lock, making it if needed.
    pub(crate) fn keep(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::RDWR | OFlags::CREATE)
    }

    /// Tells whether this open file is the one that stands here, and none that was removed or replaced meanwhile.
    pub(crate) fn is_here(&self, name: &str, file: &File) -> io::Result<bool> {
        let id_of = |file: &File| file.metadata().map(|about| (about.dev(), about.ino()));
        let there = self.file(name)?.as_ref().map(id_of).transpose()?;
        Ok(there == Some(id_of(file)?))
    }

    /// Opens a file that is appended to as long as it is open, making it if needed.
    pub(crate) fn lasting(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE)
    }

    /// Appends in one write; what a failed write left is cut off again.
    pub(crate) fn append(&self, name: &str, bytes: &[u8], sync: bool) -> io::Result<()> {
        let file = self.open_file(name, OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE)?;
        let before = file.metadata()?.len();
        append(&file, name, bytes, sync)?;
        if sync && before == 0 {
            rustix::fs::fsync(&self.0)?;
            step("folder synced", name);
        }
        Ok(())
    }

    /// Appends to a file that has to be there already; `false`: it was removed, be it while this wrote.
    pub(crate) fn append_on(&self, name: &str, bytes: &[u8], sync: bool) -> io::Result<bool> {
        let file = match self.open_file(name, OFlags::WRONLY | OFlags::APPEND) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other?,
        };
        append(&file, name, bytes, sync)?;
        Ok(file.metadata()?.nlink() > 0)
    }

    /// Replaces a file's content at once: afterwards it has the old content or the new, whatever happens. An
    /// error of kind [`Unsynced`] means that the new content is there but may not survive a power cut.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8], temp: &str) -> io::Result<()> {
        self.must_be_file_or_absent(name)?;
        self.remove(temp)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.0, temp, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(fd);
        step("temp made", name);
        let written = file.write_all(bytes).and_then(|()| {
            step("temp written", name);
            file.sync_all()
        });
        let renamed = written.and_then(|()| {
            step("temp synced", name);
            rustix::fs::renameat(&self.0, temp, &self.0, name).map_err(io::Error::from)
        });
        if let Err(error) = renamed {
            let _ = self.remove(temp);
            return Err(error);
        }
        step("renamed", name);
        rustix::fs::fsync(&self.0).map_err(|error| io::Error::other(Unsynced(error.into())))?;
        step("folder synced", name);
        Ok(())
    }

    /// Sets a file of that many bytes aside, whose blocks are there when the disk is full. One that is large enough
    /// already is left as it is.
    pub(crate) fn set_aside(&self, name: &str, bytes: u64) -> io::Result<()> {
        let mut file = self.keep(name)?;
        if file.metadata()?.len() >= bytes {
            return Ok(());
        }
        match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
            Ok(()) => file.sync_all(),
            // A file system that cannot promise blocks gets them written.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {
                let zeros = vec![0; usize::try_from(bytes).unwrap_or(1 << 20)];
                file.write_all(&zeros).and_then(|()| file.sync_all())
            }
            Err(error) => {
                let _ = self.remove(name);
                Err(error.into())
            }
        }
    }

    /// Gives a file a second name; an older file of that name is replaced.
    pub(crate) fn link(&self, name: &str, into: &Self, new: &str) -> io::Result<()> {
        into.remove(new)?;
        rustix::fs::linkat(&self.0, name, &into.0, new, AtFlags::empty()).map_err(Into::into)
    }

    /// Returns when everything that was made, renamed and removed in this folder is durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        rustix::fs::fsync(&self.0).map_err(Into::into)
    }

    /// Gives a file another name, in the place of what has that name.
    pub(crate) fn rename(&self, name: &str, new: &str) -> io::Result<()> {
        rustix::fs::renameat(&self.0, name, &self.0, new)?;
        rustix::fs::fsync(&self.0).map_err(Into::into)
    }

    /// Removes a file or link; not being there is fine.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.0, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(rustix::io::Errno::ISDIR) => {
                rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR).map_err(Into::into)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns a path to a name in this folder that is short wherever the folder lies; good while it is open.
    pub(crate) fn through(&self, name: &str) -> std::path::PathBuf {
        use std::os::fd::AsRawFd as _;
        format!("/proc/self/fd/{}/{name}", self.0.as_raw_fd()).into()
    }

    /// Makes what is called so readable and writable by its owner alone.
    pub(crate) fn close_to_others(&self, name: &str) -> io::Result<()> {
        let mode = Mode::RUSR | Mode::WUSR;
        rustix::fs::chmodat(&self.0, name, mode, AtFlags::empty()).map_err(Into::into)
    }

    /// Lists the names in the folder, sorted; names that are no text are left out.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            match entry.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => names.push(name.to_owned()),
            }
        }
        names.sort();
        Ok(names)
    }

    fn open_file(&self, name: &str, flags: OFlags) -> io::Result<File> {
        // NONBLOCK: opening a FIFO somebody planted must not hang.
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = match rustix::fs::openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(fd) => fd,
            Err(error @ rustix::io::Errno::NOENT) => return Err(error.into()),
            Err(error) => {
                self.must_be_file_or_absent(name)?;
                return Err(error.into());
            }
        };
        let stat = rustix::fs::fstat(&fd)?;
        regular(FileType::from_raw_mode(stat.st_mode))?;
        // Through a second name we would write into somebody else's file.
        if stat.st_nlink > 1 && flags.intersects(OFlags::WRONLY | OFlags::RDWR) {
            return Err(io::Error::other(NotAFile("a file with a second name")));
        }
        Ok(File::from(fd))
    }

    /// Our own folder may be written by nobody else: whoever can plant files in it can speak for us.
    fn must_be_private(&self, base: &Path) -> io::Result<()> {
        let mode = rustix::fs::fstat(&self.0)?.st_mode & 0o777;
        if mode & 0o022 == 0 {
            return Ok(());
        }
        let place = base.join(OWN);
        let text = format!(
            "{0} may be written by others (mode {mode:03o}); `chmod 700 {0}` if what is in it can be trusted",
            place.display()
        );
        Err(io::Error::other(text))
    }

    fn must_be_file_or_absent(&self, name: &str) -> io::Result<()> {
        match rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => regular(FileType::from_raw_mode(stat.st_mode)),
            Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Tells a step of a write, for whoever wants to know how far one came (tests cut the power after each).
fn step(what: &'static str, name: &str) {
    tracing::trace!(target: "nanokit::disk", what, name);
}

/// The new content is in place, but the folder could not be made durable.
#[derive(Debug, thiserror::Error)]
#[error("the folder could not be synced")]
pub(crate) struct Unsynced(#[source] io::Error);

fn regular(kind: FileType) -> io::Result<()> {
    let found = match kind {
        FileType::RegularFile => return Ok(()),
        FileType::Symlink => "a symbolic link",
        FileType::Directory => "a folder",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "something unknown",
    };
    Err(io::Error::other(NotAFile(found)))
}

/// Opens a regular file of the user by path; links are their own matter. A FIFO in its place does not hang us.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    regular(FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode))?;
    Ok(file)
}

/// Reads a regular file of the user of at most `limit` bytes.
pub(crate) fn read_plain(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_at_most(open_plain(path)?, limit)
}

fn read_at_most(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let too_large = || {
        let text = format!("it has more than {limit} bytes");
        io::Error::new(io::ErrorKind::FileTooLarge, text)
    };
    if file.metadata()?.len() > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    // It may have grown meanwhile.
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(bytes)
}

/// Appends in one write; what a failed write left is cut off again.
fn append(mut file: &File, name: &str, bytes: &[u8], sync: bool) -> io::Result<()> {
    let before = file.metadata()?.len();
    step("opened to append", name);
    if let Err(error) = file.write_all(bytes) {
        // Best effort: a reader drops a torn last line, but nothing may be glued to it.
        let _ = file.set_len(before);
        return Err(error);
    }
    step("appended", name);
    if sync {
        file.sync_data()?;
        step("appended and synced", name);
    }
    Ok(())
}

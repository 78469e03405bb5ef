//! The files around the project file, on the real disk.
//!
//! Digests of files that did not change since the last look are remembered, so that a panel that plans again
//! and again does not read a build context each time.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use crate::adapters::folder;
use crate::adapters::ignore::Ignore;
use crate::domain::config::load::SourceTree;
use crate::domain::ids::Digest;
use crate::formats::text::hex;

/// How long after its last change a file is read again although its times did not move, in seconds: two
/// changes may carry one time.
const SETTLED: i64 = 2;
/// Deepest nesting of folders that is followed.
const DEEPEST: usize = 64;

/// Files of the user.
#[derive(Debug, Default)]
pub struct ProjectFiles {
    known: Mutex<BTreeMap<PathBuf, (Stamp, [u8; 32])>>,
}

/// What tells that a file did not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
        now.saturating_sub(self.changed.0) > SETTLED
    }
}

impl ProjectFiles {
    /// Knows no file yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn digest(&self, path: &Path) -> io::Result<[u8; 32]> {
        let mut file = folder::open_plain(path)?;
        let stamp = Stamp::of(&file.metadata()?);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((seen, digest)) = known.get(path)
            && *seen == stamp
        {
            return Ok(*digest);
        }
        drop(known);
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => hasher.update(buffer.get(..read).unwrap_or_default()),
            }
        }
        let digest: [u8; 32] = hasher.finalize().into();
        if stamp.is_settled() {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(path.to_owned(), (stamp, digest));
        }
        Ok(digest)
    }

    fn walk(
        &self,
        walk: &mut Walk<'_>,
        folder: &Path,
        below: &str,
        depth: usize,
    ) -> Result<(), String> {
        let failed =
            |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        if depth > DEEPEST {
            return Err(failed(folder, &"folders are nested too deep"));
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
            names.push(entry.map_err(|error| failed(folder, &error))?.file_name());
        }
        names.sort();
        for name in names {
            let path = folder.join(&name);
            let name = name.to_string_lossy();
            let shown = if below.is_empty() {
                name.into_owned()
            } else {
                format!("{below}/{name}")
            };
            let out = walk.ignore.leaves_out(&shown);
            let metadata = match fs::symlink_metadata(&path) {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(&path, &error)),
            };
            if metadata.is_dir() {
                if !out {
                    walk.add("folder", &shown, &metadata, b"");
                }
                if !out || walk.ignore.may_keep_below() {
                    self.walk(walk, &path, &shown, depth + 1)?;
                }
            } else if out {
                // Left out.
            } else if metadata.is_file() {
                let digest = self.digest(&path).map_err(|error| failed(&path, &error))?;
                walk.add("file", &shown, &metadata, &digest);
            } else if metadata.is_symlink() {
                let target = fs::read_link(&path).map_err(|error| failed(&path, &error))?;
                walk.add(
                    "link",
                    &shown,
                    &metadata,
                    target.as_os_str().as_encoded_bytes(),
                );
            }
        }
        Ok(())
    }
}

struct Walk<'a> {
    ignore: &'a Ignore,
    hasher: Sha256,
}

impl Walk<'_> {
    fn add(&mut self, kind: &str, path: &str, metadata: &Metadata, content: &[u8]) {
        // Lengths in front: no two trees give the same bytes. A link's own mode means nothing.
        let mode = if kind == "link" {
            0
        } else {
            metadata.mode() & 0o777
        };
        let head = format!("{kind} {mode:o} {} {} ", path.len(), content.len());
        self.hasher.update(head.as_bytes());
        self.hasher.update(path.as_bytes());
        self.hasher.update(content);
    }
}

impl SourceTree for ProjectFiles {
    fn read(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, String> {
        match folder::read_plain(path, limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        let Ok(entries) = fs::read_dir(folder) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    fn is_file(&self, path: &Path) -> Option<bool> {
        fs::metadata(path).ok().map(|metadata| metadata.is_file())
    }

    fn real(&self, path: &Path) -> Option<PathBuf> {
        fs::canonicalize(path).ok()
    }

    fn digest_file(&self, path: &Path) -> Option<Digest> {
        self.digest(path).ok().map(|digest| Digest(hex(&digest)))
    }

    fn digest_tree(&self, folder: &Path, ignore: &[String]) -> Result<Digest, String> {
        let ignore = Ignore::new(ignore);
        let mut walk = Walk {
            ignore: &ignore,
            hasher: Sha256::new(),
        };
        self.walk(&mut walk, folder, "", 0)?;
        Ok(Digest(hex(&walk.hasher.finalize())))
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn tree() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("src/deep")).unwrap();
        fs::write(home.path().join("src/main.rs"), "one").unwrap();
        fs::write(home.path().join("src/deep/x"), "x").unwrap();
        fs::write(home.path().join("a.log"), "noise").unwrap();
        symlink("main.rs", home.path().join("src/link")).unwrap();
        home
    }

    #[test]
    fn files_are_read_up_to_a_limit_and_only_files() {
        let home = tree();
        let files = ProjectFiles::new();
        let path = home.path().join("src/main.rs");
        assert_eq!(files.read(&path, 3), Ok(Some(b"one".to_vec())));
        assert!(files.read(&path, 2).is_err());
        assert_eq!(files.read(&home.path().join("no"), 3), Ok(None));
        assert_eq!(files.read(&path.join("below"), 3), Ok(None));
        assert!(files.read(&home.path().join("src"), 3).is_err());
        assert_eq!(
            files.names(&home.path().join("src")),
            ["deep", "link", "main.rs"]
        );
        assert_eq!(files.is_file(&path), Some(true));
        assert_eq!(files.is_file(home.path()), Some(false));
        assert_eq!(files.is_file(&home.path().join("no")), None);
        assert!(files.digest_file(&path).is_some());
        assert_eq!(files.digest_file(home.path()), None);
    }

    #[test]
    fn a_tree_digest_sees_every_change_but_those_left_out() {
        let home = tree();
        let root = home.path();
        let files = ProjectFiles::new();
        let ignore = ["*.log".to_owned()];
        let mut before = files.digest_tree(root, &ignore).unwrap();
        let mut check = |what: &str, changed: bool| {
            let now = files.digest_tree(root, &ignore).unwrap();
            assert_eq!(now != before, changed, "{what}");
            before = now;
        };
        check("nothing", false);
        fs::write(root.join("a.log"), "more noise").unwrap();
        check("a file left out", false);
        fs::write(root.join("src/main.rs"), "two").unwrap();
        check("content of the same length", true);
        fs::rename(root.join("src/main.rs"), root.join("src/lib.rs")).unwrap();
        check("a name", true);
        fs::set_permissions(root.join("src/lib.rs"), fs::Permissions::from_mode(0o755)).unwrap();
        check("a mode", true);
        fs::remove_file(root.join("src/link")).unwrap();
        symlink("lib.rs", root.join("src/link")).unwrap();
        check("a link's target", true);
        fs::create_dir(root.join("empty")).unwrap();
        check("an empty folder", true);
        assert!(files.digest_tree(&root.join("no"), &[]).is_err());
    }

    #[test]
    fn what_is_taken_back_counts_although_its_folder_is_left_out() {
        let home = tree();
        let files = ProjectFiles::new();
        let ignore = ["src".to_owned(), "!src/deep/x".to_owned()];
        let before = files.digest_tree(home.path(), &ignore).unwrap();
        fs::write(home.path().join("src/main.rs"), "changed").unwrap();
        assert_eq!(files.digest_tree(home.path(), &ignore).unwrap(), before);
        fs::write(home.path().join("src/deep/x"), "changed").unwrap();
        assert_ne!(files.digest_tree(home.path(), &ignore).unwrap(), before);
    }
}

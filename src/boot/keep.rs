//! How rooms were left, on the disk of the user: one small file each, for their eyes only, replaced whole.

#![cfg_attr(test, expect(clippy::disallowed_methods, reason = "tests write files"))]

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::adapters::folder;
use crate::boot::places;
use crate::domain::time::Wall;
use crate::tui::memory::{LIMIT, Memory};
use crate::tui::rooms::place::{Found, Place};

/// Most places that are remembered.
const PLACES: usize = 50;
/// Ending of a memory.
const ENDING: &str = "room";

/// The folder of the memories.
#[derive(Clone, Debug)]
pub(super) struct Memories {
    folder: PathBuf,
}

impl Memories {
    /// Finds the folder: `$XDG_STATE_HOME/nkapp`, else `~/.local/state/nkapp`; `None` without a home.
    pub(super) fn of(env: &BTreeMap<String, String>) -> Option<Self> {
        let absolute = |name: &str| {
            let path = env.get(name).map(PathBuf::from)?;
            path.is_absolute().then_some(path)
        };
        let state = absolute("XDG_STATE_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
        Some(Self {
            folder: state.join("nkapp"),
        })
    }

    /// Returns the folder, once it is there for nobody but its owner.
    pub(super) fn private(&self) -> Option<&Path> {
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder);
        made.is_ok().then_some(&*self.folder)
    }

    /// Names the file of a place. The environment that was asked for counts, not the one that came of it: both are
    /// known before the project file was read.
    fn file(&self, place: &Place) -> PathBuf {
        let mut hash = Sha256::new();
        hash.update(place.file.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update(place.env.as_deref().unwrap_or_default());
        let name: String = hash
            .finalize()
            .iter()
            .take(12)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.folder.join(name).with_extension(ENDING)
    }

    /// Reads how a room was left; a file that is damaged counts for nothing but a note.
    pub(super) fn read(&self, place: &Place) -> (Option<Memory>, Option<String>) {
        let file = self.file(place);
        let text = match text_of(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return (None, None),
            Err(error) => return (None, Some(ignored(&file, &error.to_string()))),
        };
        // The first line says whose it is, for people and for the list of places.
        let body = text.split_once('\n').map_or("", |(_, body)| body);
        match Memory::from_text(body) {
            Ok(memory) => (Some(memory), None),
            Err(error) => (None, Some(ignored(&file, &error.to_string()))),
        }
    }

    /// Writes how a room is left.
    pub(super) fn write(&self, place: &Place, memory: &Memory) -> Result<String, String> {
        let file = self.file(place);
        let owner = [
            place.file.display().to_string(),
            place.env.clone().unwrap_or_default(),
            place.name.clone(),
        ];
        let owner = owner
            .map(|word| word.replace(['\t', '\n', '\r'], " "))
            .join("\t");
        let text = format!("{owner}\n{}", memory.to_text());
        replace(&self.folder, &file, text.as_bytes()).map_err(|error| error.to_string())?;
        self.forget();
        Ok(file.display().to_string())
    }

    /// Returns the places that were open before, the last one first.
    pub(super) fn places(&self) -> Vec<Place> {
        self.files()
            .into_iter()
            .filter_map(|(_, file)| {
                let text = text_of(&file).ok()?;
                let owner: Vec<&str> = text.lines().next()?.split('\t').collect();
                let [path, env, name] = owner.as_slice() else {
                    return None;
                };
                let path = PathBuf::from(path);
                path.is_file().then(|| Place {
                    env: (!env.is_empty()).then(|| (*env).to_owned()),
                    name: if name.is_empty() {
                        places::folder_name(&path)
                    } else {
                        (*name).to_owned()
                    },
                    shown: path.display().to_string(),
                    found: Found::Before,
                    file: path,
                })
            })
            .collect()
    }

    /// Returns our files, the newest first.
    fn files(&self) -> Vec<(std::time::SystemTime, PathBuf)> {
        let Ok(listing) = std::fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        let mut files: Vec<_> = listing
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == ENDING))
            .filter_map(|path| {
                let about = std::fs::symlink_metadata(&path).ok()?;
                Some((about.modified().ok()?, path)).filter(|_| about.is_file())
            })
            .collect();
        files.sort_by(|a, b| b.cmp(a));
        files
    }

    /// Forgets the oldest places once there are too many.
    fn forget(&self) {
        for (_, file) in self.files().into_iter().skip(PLACES) {
            let _ = std::fs::remove_file(file);
        }
    }
}

fn ignored(file: &Path, why: &str) -> String {
    format!(
        "how this was left is not known: {} cannot be used, {why}",
        file.display()
    )
}

/// Reads a memory; a pipe in its place is not waited for.
fn text_of(file: &Path) -> io::Result<String> {
    let limit = u64::try_from(LIMIT + 4_096).unwrap_or(u64::MAX);
    let bytes = folder::read_plain(file, limit)?;
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is no text"))
}

fn replace(folder: &Path, file: &Path, bytes: &[u8]) -> io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let temp = file.with_extension(format!("{}.tmp", std::process::id()));
    let _ = std::fs::remove_file(&temp);
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temp)
        .and_then(|mut to| to.write_all(bytes).and_then(|()| to.sync_all()))
        .and_then(|()| std::fs::rename(&temp, file));
    if written.is_err() {
        let _ = std::fs::remove_file(&temp);
    }
    written
}

/// Lets the owner run a file.
pub(super) fn make_runnable(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

/// Writes a moment as part of a file's name: `20261121-074012`.
pub(super) fn stamp(at: Wall) -> String {
    let time = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    time.strftime("%Y%m%d-%H%M%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::model::Area;

    fn place(folder: &Path, env: Option<&str>) -> Place {
        let file = folder.join("nanokit.yml");
        std::fs::write(&file, "name: shop\n").expect("file");
        Place {
            file,
            env: env.map(str::to_owned),
            name: "shop".into(),
            shown: "nanokit.yml".into(),
            found: Found::Given,
        }
    }

    fn memories(folder: &Path) -> Memories {
        let home = folder.display().to_string();
        Memories::of(&[("XDG_STATE_HOME".to_owned(), home)].into()).expect("a folder")
    }

    #[test]
    fn each_environment_is_remembered_for_itself_and_for_its_owner_only() {
        let folder = tempfile::tempdir().expect("folder");
        let memories = memories(folder.path());
        let (local, staging) = (
            place(folder.path(), None),
            place(folder.path(), Some("staging")),
        );
        assert_eq!(memories.read(&local), (None, None));
        let memory = Memory {
            area: Area::Drift,
            ..Memory::default()
        };
        let path = memories.write(&local, &memory).expect("written");
        assert_eq!(memories.read(&local), (Some(memory), None));
        assert_eq!(memories.read(&staging), (None, None));
        let mode = std::fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let known = memories.places();
        assert_eq!(known.len(), 1);
        assert!(known[0].is(&local));
    }

    #[test]
    fn a_damaged_file_is_passed_over_with_a_note() {
        let folder = tempfile::tempdir().expect("folder");
        let memories = memories(folder.path());
        let local = place(folder.path(), None);
        let path = memories.write(&local, &Memory::default()).expect("written");
        for damage in [
            &b"\xff\xfe"[..],
            b"",
            b"x\nnot ours\n",
            vec![b'x'; 200_000].as_slice(),
        ] {
            std::fs::write(&path, damage).expect("damaged");
            let (memory, note) = memories.read(&local);
            assert_eq!(memory, None);
            assert!(note.expect("a note").contains("cannot be used"));
        }
    }
}

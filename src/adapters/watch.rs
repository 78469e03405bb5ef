//! Watching files: a change becomes a hint to look again, and carries no facts.
//!
//! Editors replace files, so folders are watched, not files. Hints of one kind melt into one while the
//! reader is busy, and none is ever lost.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{Notify, mpsc};

use crate::domain::hint::Hint;

/// How long changes are collected before they become a hint; an editor makes several for one save.
const COLLECT: Duration = Duration::from_millis(60);
const CONFIG: u8 = 1;
const STATE: u8 = 2;
const LOCK: u8 = 4;
/// Which kinds there are, and the hint each becomes.
const KINDS: [(u8, Hint); 3] = [
    (CONFIG, Hint::Config),
    (STATE, Hint::State),
    (LOCK, Hint::Lock),
];

/// Why files cannot be watched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} cannot be watched: {cause}", path.display())]
pub struct WatchError {
    /// Folder that was to be watched.
    pub path: PathBuf,
    /// Why not.
    pub cause: String,
}

/// Absolute paths whose changes count, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// What the configuration read or looked for.
    pub config: BTreeSet<PathBuf>,
    /// What is recorded, and what of the drift is ignored.
    pub state: BTreeSet<PathBuf>,
    /// The lock record.
    pub lock: BTreeSet<PathBuf>,
}

impl Watched {
    fn kinds(&self, changed: &Path) -> u8 {
        // The creation of a folder on the way to a file counts as well.
        let hit = |set: &BTreeSet<PathBuf>| set.iter().any(|path| path.starts_with(changed));
        (u8::from(hit(&self.config)) * CONFIG)
            | (u8::from(hit(&self.state)) * STATE)
            | (u8::from(hit(&self.lock)) * LOCK)
    }
    /// Returns the same as events will spell it, with the folders that are to be watched for it.
    fn spelled(&self) -> (Self, BTreeSet<PathBuf>) {
        let mut folders = BTreeSet::new();
        let mut spelled = |paths: &BTreeSet<PathBuf>| {
            let found = paths.iter().filter_map(|path| existing(path));
            let found = found.map(|(folder, path)| {
                folders.insert(folder);
                path
            });
            found.collect()
        };
        let all = Self {
            config: spelled(&self.config),
            state: spelled(&self.state),
            lock: spelled(&self.lock),
        };
        (all, folders)
    }
}

#[derive(Debug, Default)]
struct Shared {
    wanted: Mutex<Watched>,
    pending: AtomicU8,
    wake: Notify,
}

impl Shared {
    fn take(&self, event: notify::Result<Event>) {
        let kinds = match event {
            Ok(event) if !event.need_rescan() && only_read(event.kind) => 0,
            Ok(event) if !event.need_rescan() => {
                let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
                event
                    .paths
                    .iter()
                    .fold(0, |kinds, path| kinds | wanted.kinds(path))
            }
            // Something was missed: look at everything.
            Ok(_) | Err(_) => CONFIG | STATE | LOCK,
        };
        if kinds != 0 {
            self.pending.fetch_or(kinds, Ordering::AcqRel);
            self.wake.notify_one();
        }
    }
}

fn only_read(kind: EventKind) -> bool {
    let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
    kind.is_access() && kind != written
}

/// Watches the files of a project until dropped.
#[derive(Debug)]
pub struct FileWatch {
    watcher: RecommendedWatcher,
    shared: Arc<Shared>,
    folders: BTreeSet<PathBuf>,
}

/// The hints of a [`FileWatch`].
#[derive(Debug)]
pub struct Hints {
    shared: Arc<Shared>,
}

impl FileWatch {
    /// Starts with nothing to watch.
    pub fn start() -> Result<(Self, Hints), WatchError> {
        let shared = Arc::new(Shared::default());
        let taker = Arc::clone(&shared);
        let watcher = notify::recommended_watcher(move |event| taker.take(event));
        let watcher = watcher.map_err(|error| failure(Path::new("."), &error))?;
        let hints = Hints {
            shared: Arc::clone(&shared),
        };
        let watch = Self {
            watcher,
            shared,
            folders: BTreeSet::new(),
        };
        Ok((watch, hints))
    }

    /// Says what to watch from now on. To be called again after each load, which also arms folders that came to be
    /// meanwhile. Every folder that can be watched is; the first one that cannot is the error.
    pub fn watch(&mut self, what: &Watched) -> Result<(), WatchError> {
        let (wanted, folders) = what.spelled();
        *self
            .shared
            .wanted
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = wanted;
        for gone in self.folders.difference(&folders) {
            // A folder that was removed is not watched any more anyway.
            let _ = self.watcher.unwatch(gone);
        }
        let mut outcome = Ok(());
        let mut armed = BTreeSet::new();
        for folder in folders {
            // Armed again even if it was before: it may be another folder of the same name by now.
            match self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => drop(armed.insert(folder)),
                Err(error) if outcome.is_ok() => outcome = Err(failure(&folder, &error)),
                Err(_) => {}
            }
        }
        self.folders = armed;
        outcome
    }
}

impl Hints {
    /// Sends hints until the receiver is gone.
    pub async fn forward(self, hints: mpsc::Sender<Hint>) {
        loop {
            tokio::select! {
                biased;
                () = hints.closed() => return,
                () = self.shared.wake.notified() => {}
            }
            tokio::time::sleep(COLLECT).await;
            let kinds = self.shared.pending.swap(0, Ordering::AcqRel);
            for (kind, hint) in KINDS {
                if kinds & kind != 0 && hints.send(hint).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Finds the nearest folder above a path that exists, and the path as events will spell it.
fn existing(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let above = path.ancestors().skip(1).find(|folder| folder.is_dir())?;
    let real = above.canonicalize().ok()?;
    let rest = path.strip_prefix(above).ok()?;
    let spelled = real.join(rest);
    Some((real, spelled))
}

fn failure(path: &Path, error: &notify::Error) -> WatchError {
    WatchError {
        path: path.to_owned(),
        cause: error.to_string(),
    }
}

/// Watches one folder until dropped.
#[derive(Debug)]
pub struct FolderWatch {
    _watcher: RecommendedWatcher,
}

/// Sends a token whenever something in the folder (not below its folders) changes. With a channel of one place
/// a busy reader hears of any number of changes once, and of each at least once.
pub fn watch_folder(path: &Path, changed: mpsc::Sender<()>) -> Result<FolderWatch, WatchError> {
    let take = move |event: notify::Result<Event>| {
        if !event.is_ok_and(|event| only_read(event.kind)) {
            // A full channel holds a token that was not read yet.
            let _ = changed.try_send(());
        }
    };
    let failed = |error: notify::Error| failure(path, &error);
    let mut watcher = notify::recommended_watcher(take).map_err(failed)?;
    watcher
        .watch(path, RecursiveMode::NonRecursive)
        .map_err(failed)?;
    Ok(FolderWatch { _watcher: watcher })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    /// Reads hints until the wanted one; one save may make two of the same kind.
    async fn hears(hints: &mut mpsc::Receiver<Hint>, wanted: Hint) {
        let heard = async { while hints.recv().await.unwrap() != wanted {} };
        tokio::time::timeout(LONG, heard)
            .await
            .expect("a hint in time");
    }

    #[tokio::test]
    async fn a_replaced_file_and_a_new_state_are_heard_of_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("nanokit.yml");
        let state = home.path().join("far/state.json");
        let lock = home.path().join("lock/state.json");
        fs::write(&file, "a").unwrap();
        fs::create_dir(home.path().join("lock")).unwrap();
        let (mut watch, source) = FileWatch::start().unwrap();
        let what = Watched {
            config: BTreeSet::from([file.clone(), home.path().join(".env")]),
            state: BTreeSet::from([state.clone()]),
            lock: BTreeSet::from([lock.clone()]),
        };
        watch.watch(&what).unwrap();
        let (sender, mut hints) = mpsc::channel(4);
        let forward = tokio::spawn(source.forward(sender));

        fs::write(home.path().join("unrelated"), "x").unwrap();
        fs::read(&file).unwrap();
        fs::write(home.path().join("new.tmp"), "b").unwrap();
        fs::rename(home.path().join("new.tmp"), &file).unwrap();
        let first = tokio::time::timeout(LONG, hints.recv())
            .await
            .expect("in time");
        assert_eq!(first, Some(Hint::Config));

        // A heartbeat is no news of the state.
        fs::write(&lock, "{}").unwrap();
        let heartbeat = async {
            loop {
                match hints.recv().await.unwrap() {
                    Hint::Lock => break,
                    other => assert_eq!(other, Hint::Config),
                }
            }
        };
        tokio::time::timeout(LONG, heartbeat)
            .await
            .expect("in time");

        fs::create_dir_all(state.parent().unwrap()).unwrap();
        hears(&mut hints, Hint::State).await;
        watch.watch(&what).unwrap();
        fs::write(&state, "{}").unwrap();
        hears(&mut hints, Hint::State).await;

        fs::write(home.path().join(".env"), "A=1").unwrap();
        hears(&mut hints, Hint::Config).await;
        drop(hints);
        tokio::time::timeout(LONG, forward)
            .await
            .expect("ends with its reader")
            .unwrap();
    }

    #[tokio::test]
    async fn a_watched_folder_sends_a_token() {
        let home = tempfile::tempdir().unwrap();
        let (sender, mut changed) = mpsc::channel(1);
        let watch = watch_folder(home.path(), sender).unwrap();
        fs::write(home.path().join("a"), "x").unwrap();
        tokio::time::timeout(LONG, changed.recv())
            .await
            .expect("in time")
            .unwrap();
        drop(watch);
        let (sender, _changed) = mpsc::channel(1);
        assert!(watch_folder(&home.path().join("no"), sender).is_err());
    }
}

//! Files in memory, what is written kept apart from what is durable: a power loss takes the difference.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nanokit::domain::effect::Effect;
use nanokit::formats::journal::{Chain, Line, decode, encode_line};
use nanokit::ports::disk::{Disk, DiskError};

use super::ledger::{Ledger, Planted};
use super::life::Life;

/// One file: its bytes as everybody sees them, and how many of them a power loss leaves.
#[derive(Clone, Debug, Default)]
pub struct File {
    pub bytes: Vec<u8>,
    pub durable: usize,
    /// Whether its name is durable too.
    pub named: bool,
    /// What was appended to a journal that forgets marks.
    told: Vec<u8>,
}

/// Writes a journal as one who notes no progress of actions would have.
fn without_marks(journal: &[u8]) -> Vec<u8> {
    let is_mark = |line: &Line| {
        let effect = match line {
            Line::Effect(effect) => Some(effect),
            Line::Outcome { effect, .. } => effect.as_ref(),
            Line::Begun { .. } | Line::Intent(_) | Line::Folded { .. } => None,
        };
        matches!(
            effect,
            Some(Effect::FlowStep { .. } | Effect::FlowCleaned { .. })
        )
    };
    let mut chain = Chain::default();
    let lines = decode(journal).expect("a whole journal").lines.into_iter();
    let kept = lines.filter(|line| !is_mark(line));
    let text: String = kept.map(|line| encode_line(&line, &mut chain)).collect();
    text.into_bytes()
}

/// All files of the project's own folder.
pub type Files = BTreeMap<PathBuf, File>;

/// Takes away what was not durable; of the tail that was written only, `torn` thousandths stay.
pub fn lose_power(files: &mut Files, torn: usize) {
    files.retain(|_, file| file.named);
    for file in files.values_mut() {
        let tail = file.bytes.len() - file.durable;
        file.bytes.truncate(file.durable + tail * torn / 1000);
        file.durable = file.bytes.len();
    }
    files.retain(|_, file| !file.bytes.is_empty());
}

/// The folder as one process sees it.
pub struct SimDisk {
    pub files: Rc<RefCell<Files>>,
    pub life: Life,
    pub ledger: Ledger,
}

impl SimDisk {
    fn gate(&self, action: &'static str, path: &Path) -> Result<(), DiskError> {
        if self.life.pass(&format!("{action} {}", path.display())) {
            Ok(())
        } else {
            Err(DiskError {
                action,
                path: path.to_owned(),
                source: std::io::Error::other("the process is dead"),
            })
        }
    }
}

impl Disk for SimDisk {
    fn append(&self, path: &Path, bytes: &[u8], sync: bool) -> Result<(), DiskError> {
        // Lines of output are not worth a step each; what is synced, is.
        if sync {
            self.gate("append to", path)?;
        } else if self.life.is_dead() {
            return self.gate("append to", path);
        }
        let journal = path.starts_with("journal");
        if journal && sync && self.ledger.has(Planted::NoIntent) {
            return Ok(());
        }
        // Nobody reads the events of a run in a swarm.
        if self.ledger.is_terse() && path.starts_with("runs") {
            return Ok(());
        }
        let mut files = self.files.borrow_mut();
        let file = files.entry(path.to_owned()).or_default();
        file.bytes.extend_from_slice(bytes);
        if journal && self.ledger.has(Planted::MarksForgotten) {
            file.told.extend_from_slice(bytes);
            file.bytes = without_marks(&file.told);
        }
        if sync && !(journal && self.ledger.has(Planted::NoFsync)) {
            // The folder is synced with the first bytes only.
            file.named |= file.bytes.len() <= bytes.len();
            file.durable = file.bytes.len();
        }
        Ok(())
    }
    fn append_on(&self, path: &Path, bytes: &[u8], sync: bool) -> Result<bool, DiskError> {
        let there = self.files.borrow().contains_key(path);
        if there || self.ledger.has(Planted::NoIntent) {
            self.append(path, bytes, sync)?;
            return Ok(true);
        }
        self.gate("append to", path)?;
        Ok(false)
    }
    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        self.gate("write", path)?;
        let file = File {
            bytes: bytes.to_vec(),
            durable: bytes.len(),
            named: true,
            told: Vec::new(),
        };
        self.files.borrow_mut().insert(path.to_owned(), file);
        Ok(())
    }
    fn read(&self, path: &Path, _limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
        self.gate("read", path)?;
        let files = self.files.borrow();
        Ok(files.get(path).map(|file| file.bytes.clone()))
    }
    fn list(&self, path: &Path) -> Result<Vec<String>, DiskError> {
        self.gate("list", path)?;
        if self.ledger.has(Planted::JournalFirst) && path.starts_with("journal") {
            self.files
                .borrow_mut()
                .retain(|file, _| !file.starts_with("journal"));
            self.ledger.look_for_untracked("journals were removed");
        }
        let files = self.files.borrow();
        let mut names: Vec<String> = files
            .keys()
            .filter_map(|file| file.strip_prefix(path).ok())
            .filter_map(|rest| rest.components().next())
            .map(|first| first.as_os_str().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }
    fn remove(&self, path: &Path, sync: bool) -> Result<(), DiskError> {
        self.gate("remove", path)?;
        // What is removed is gone at once here; on a real disk only what is synced is.
        assert!(sync || !path.starts_with("journal"), "a journal may return");
        if self.ledger.has(Planted::JournalsKept) && path.starts_with("journal") {
            return Ok(());
        }
        self.files.borrow_mut().remove(path);
        if path.starts_with("journal") {
            self.ledger.look_for_untracked("a journal was removed");
        }
        Ok(())
    }
    fn read_named(&self, path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
        self.read(path, limit).map(Option::unwrap_or_default)
    }
    fn write_named(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        self.replace(path, bytes)
    }
    fn set_aside(&self, _bytes: u64) -> Result<(), DiskError> {
        self.gate("set room aside in", Path::new("reserve"))
    }
    fn write_elsewhere(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, DiskError> {
        let path = Path::new("/elsewhere").join(name);
        self.replace(&path, bytes)?;
        Ok(path)
    }
    fn shown(&self, path: &Path) -> PathBuf {
        Path::new(".nanokit").join(path)
    }
}
